"""Factorizations of matrices, and what is determined of them.

A node of the graph has one array.  A function with several results is therefore a primitive that packs them
into one, below each other, and a composition that takes them out; the rule reads what is packed.

Every rule comes from  dL = Re tr(gᵀ dA)  and holds for real and complex matrices; ᴴ is the conjugate
transpose.  Of a Hermitian matrix NumPy reads one triangle, so there is the gradient.  Vectors are determined
up to signs (or phases), and where their values coincide up to more: a loss that uses that is refused.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from minigrad.derivatives.complex_numbers import conj
from minigrad.derivatives.matrices import mT
from minigrad.table import composition, derivative, name_of
from minigrad.tensor import primitive, recording

derivative(np.linalg.cholesky, "a, /, *, upper=False",       # Murray 2016, "Differentiation of the Cholesky
           a=lambda g, y, upper: _in_triangle(               # decomposition", equation 9
               _slope_of_cholesky(*((H(g), H(y)) if upper else (g, y))), upper))


def _slope_of_cholesky(g: Any, y: Any) -> Any:
    """L⁻ᵀ Φ(Lᵀ g) L̅⁻¹."""
    inverse = np.linalg.inv(y)
    return mT(inverse) @ _lower(mT(y) @ g) @ conj(inverse)


@primitive
def eigh(a: Any, *, UPLO: Any = "L") -> Any:
    """np.linalg.eigh in one array (..., 1 + n, n): below each eigenvalue its eigenvector.

    >>> eigh(np.array([[0.0, 1.0], [1.0, 0.0]]))[0]
    array([-1.,  1.])
    """
    w, v = np.linalg.eigh(a, UPLO)
    return np.concatenate([w[..., None, :], v], axis=-2)


derivative(eigh, a=lambda g, y, UPLO: _in_triangle(_slope_of_eigh(g, y), UPLO in "Uu"))


def _slope_of_eigh(g: Any, y: Any) -> Any:
    """V̅ (diag(∂L/∂w) + F ∘ K) Vᵀ,  Fᵢⱼ = 1 / (wⱼ - wᵢ),  K the skew part of Vᵀ ∂L/∂V  (Giles 2008, 3.1)."""
    w, v = real_part(y[..., 0, :]), y[..., 1:, :]
    d, m, f = real_part(g[..., 0, :]), mT(v) @ g[..., 1:, :], inverse_gaps(w, w, diagonal=True)
    inner = f * determined(_skew(m), f, m, _pairs(-d, d))
    return (conj(v) * np.expand_dims(d, -2) + conj(v) @ inner) @ mT(v)


@composition(np.linalg.eigh)
def _eigh(a: Any, UPLO: Any = "L") -> Any:
    y = eigh(a, UPLO=UPLO)
    return named_result(np.linalg.eigh)(real_part(y[..., 0, :]), y[..., 1:, :])


@composition(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: Any = "L") -> Any:
    return np.linalg.eigh(a, UPLO)[0]


@primitive
def eig(a: Any) -> Any:
    """np.linalg.eig in one array (..., 1 + n, n): below each eigenvalue its eigenvector, of length 1.

    >>> eig(np.array([[2.0, 1.0], [0.0, 3.0]]))[0]
    array([2., 3.])
    """
    w, v = np.linalg.eig(a)
    return np.concatenate([w[..., None, :], v], axis=-2)


derivative(eig, a=lambda g, y: _slope_of_eig(g, y))


def _slope_of_eig(g: Any, y: Any) -> Any:
    """V⁻ᵀ (diag(∂L/∂w) + F ∘ Vᵀ G) Vᵀ,  where G is ∂L/∂V across each v, whose length stays 1.

    Source:  Boeddeker et al. 2017, "On the computation of complex-valued gradients with application to
             statistically optimum beamforming", equation 4.77.
    """
    w, v, g_of_v = y[..., 0, :], y[..., 1:, :], g[..., 1:, :]
    along = real_part(np.sum(v * g_of_v, axis=-2, keepdims=True))
    d, m, f = g[..., 0, :], mT(v) @ (g_of_v - conj(v) * along), inverse_gaps(w, w, diagonal=True)
    inner = np.eye(w.shape[-1], dtype=w.dtype) * np.expand_dims(d, -2)
    return np.linalg.solve(mT(v), (inner + f * determined(m, f, m, _pairs(-d, d))) @ mT(v))


@composition(np.linalg.eig)
def _eig(a: Any) -> Any:
    y = eig(a)
    return named_result(np.linalg.eig)(y[..., 0, :], y[..., 1:, :])


@composition(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    return np.linalg.eig(a)[0]


@primitive
def svd(a: Any) -> Any:
    """np.linalg.svd(a, full_matrices=False) in one array (..., m + 1 + n, k): U, s and the transpose of Vᴴ.

    >>> svd(np.diag([3.0, 2.0]))[2]
    array([3., 2.])
    """
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.concatenate([u, s[..., None, :], mT(vh)], axis=-2)


derivative(svd, a=lambda g, y, a: _slope_of_svd(g, y, a.shape[-2]))


def _slope_of_svd(g: Any, y: Any, m: int) -> Any:
    """U̅ P Wᴴ, and what lies across U and W, the transpose of Vᴴ,  with  P = diag(∂L/∂s) + F₋ ∘ K₊ + F₊ ∘ K₋.

    F∓ᵢⱼ = 1 / (sⱼ ∓ sᵢ), and K± are the skew parts of  Uᵀ ∂L/∂U ± conj(Wᵀ ∂L/∂W).  ∂s is 0 where s is.

    Source:  Wan and Zhang 2019, "Automatic differentiation for complex valued SVD", with 2 (sⱼ K + sᵢ K′) /
             (sⱼ² - sᵢ²) taken apart, so that one term stays finite where sᵢ = sⱼ.
    """
    u, s, w = y[..., :m, :], real_part(y[..., m, :]), y[..., m + 1 :, :]
    g_of_u, g_of_w = g[..., :m, :], g[..., m + 1 :, :]
    in_u, in_w = mT(u) @ g_of_u, mT(w) @ g_of_w
    turn, lean = _skew(in_u + conj(in_w)), _skew(in_u - conj(in_w))
    minus, plus = inverse_gaps(s, s, diagonal=True), inverse_gaps(-s, s)
    d, both = real_part(g[..., m, :]), np.absolute(in_u) + np.absolute(in_w)
    inner = minus * determined(turn, minus, both, _pairs(-d, d))
    inner = inner + plus * determined(lean, plus, both, _pairs(d, d))
    left = conj(u) * np.expand_dims(d * np.sign(s), -2) + conj(u) @ inner
    over = inverse_gaps(np.zeros(1, s.dtype), s)
    if m > s.shape[-1]:
        across = g_of_u - conj(u) @ in_u
        left = left + over * determined(across, over, across, np.absolute(g_of_u))
    if w.shape[-2] == s.shape[-1]:
        return left @ H(w)
    across = g_of_w - conj(w) @ in_w
    return left @ H(w) + conj(u) @ mT(over * determined(across, over, across, np.absolute(g_of_w)))


@composition(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    m, n = rows_and_columns("np.linalg.svd", a)
    if compute_uv and full_matrices and m != n:
        why = f"of a matrix ({m}, {n}) only {min(m, n)} vectors on each side are determined, and the others"
        return _without_gradient(a, np.linalg.svd, f"{why} have no gradient; pass full_matrices=False")
    y = svd(a)
    if not compute_uv:
        return real_part(y[..., m, :])
    return named_result(np.linalg.svd)(y[..., :m, :], real_part(y[..., m, :]), mT(y[..., m + 1 :, :]))


@composition(np.linalg.svdvals)
def _svdvals(x: Any) -> Any:
    return np.linalg.svd(x, compute_uv=False)


@primitive
def qr(a: Any) -> Any:
    """np.linalg.qr of (..., m, n), m ≥ n, in one array (..., m + n, n): Q and the transpose of R.

    >>> np.abs(qr(np.array([[3.0], [4.0]]))).round(4).tolist()
    [[0.6], [0.8], [5.0]]
    """
    q, r = np.linalg.qr(a)
    return np.concatenate([q, mT(r)], axis=-2)


derivative(qr, a=lambda g, y, a: _slope_of_qr(g, y, a.shape[-2]))


def _slope_of_qr(g: Any, y: Any, m: int) -> Any:
    """(∂L/∂Q + Q̅ (Φ(N - Nᴴ) - N)) R⁻ᵀ,  N = Qᵀ ∂L/∂Q - ∂L/∂R Rᵀ.

    Source:  Walter and Lehmann 2010, "Algorithmic differentiation of linear algebra functions with
             application in optimum experimental design", section 3.
    """
    q, r, g_of_q = y[..., :m, :], mT(y[..., m:, :]), g[..., :m, :]
    n = mT(q) @ g_of_q - mT(g[..., m:, :]) @ mT(r)
    return mT(np.linalg.solve(r, mT(g_of_q + conj(q) @ (_lower(n - H(n)) - n))))


@composition(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    m, n = rows_and_columns("np.linalg.qr", a)
    if mode not in ("reduced", "complete", "r") or (mode == "complete" and m > n):
        why = f'mode="{mode}" of a matrix ({m}, {n}) has no gradient; take "reduced" or "r"'
        return _without_gradient(a, np.linalg.qr, why, mode)
    y = qr(a if m >= n else a[..., :m])
    q, r = y[..., :m, :], mT(y[..., m:, :])
    if m < n:
        r = np.concatenate([r, H(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else named_result(np.linalg.qr)(q, r)


# ---- where eigenvalues or singular values coincide


@primitive
def inverse_gaps(a: Any, b: Any, *, diagonal: bool = False) -> Any:
    """Fᵢⱼ = 1 / (bⱼ - aᵢ),  and 0 where the two are one, to within the rounding of the larger values.

    diagonal  whether a is b, so that i and j are one where i = j

    >>> inverse_gaps(np.array([1.0, 3.0]), np.array([1.0, 3.0]), diagonal=True)
    array([[ 0. ,  0.5],
           [-0.5,  0. ]])
    """
    gaps = b[..., None, :] - a[..., :, None]
    largest = np.max(np.abs(b), axis=-1, initial=0)[..., None, None]
    one = np.abs(gaps) <= b.shape[-1] * np.finfo(b.dtype).eps * largest
    return np.where(one, 0, 1 / np.where(one, 1, gaps))


derivative(inverse_gaps, a=lambda g, y, diagonal: np.sum(g * _slope_of_gaps(y, diagonal), axis=-1),
                         b=lambda g, y, diagonal: -np.sum(g * _slope_of_gaps(y, diagonal), axis=-2))


def _slope_of_gaps(y: Any, diagonal: bool) -> Any:
    """F², which is needed for second derivatives: nothing is known of these where the values coincide."""
    off = np.ones(y.shape[-2:]) - (np.eye(y.shape[-1]) if diagonal else 0)
    return y * y * np.astype(determined(off, y, off, off), y.dtype)


@primitive
def determined(x: Any, f: Any, m: Any, spread: Any) -> Any:
    """x, the part of ∂L/∂V in which the vectors turn towards each other; refused where f, 1 / gap, is 0.

    There the vectors are a free choice, and the gradient of a loss that uses them, if it has one, cannot be
    told from ∂L/∂V: that of  V h(w) Vᴴ  asks for h′.  So x and m must be 0 there, to within rounding, and, if
    the loss uses vectors at all, the spread too.

    m       Vᵀ ∂L/∂V in full, of which the diagonal only stretches the vectors
    spread  of ∂L/∂w between the two values, which is 0 where a loss makes no difference between them
    Raises: LinAlgError.

    >>> determined(np.array([[0.0, 1.0], [-1.0, 0.0]]), *np.zeros((3, 2, 2)))
    Traceback (most recent call last):
    numpy.linalg.LinAlgError: eigenvalues or singular values coincide (or are 0), or vectors have a free ...
    """
    off, used = 1 - np.eye(*m.shape[-2:]), np.any(m, axis=(-2, -1), keepdims=True)
    free = np.abs(x) + np.abs(m) * off + np.abs(spread) * used
    size = max(np.max(np.abs(values), initial=0) for values in (x, m, spread))
    if np.any((f == 0) & (free > np.sqrt(np.finfo(x.dtype).eps) * size)):
        raise np.linalg.LinAlgError(
            "eigenvalues or singular values coincide (or are 0), or vectors have a free phase, and the "
            "gradient depends on the choice that was made there (second derivatives always do); keep to "
            "losses that do not, as |v|² or v vᴴ of vectors whose value stands alone"
        )
    return x.copy()


derivative(determined, x=lambda g: g, f=None, m=None, spread=None)


def _pairs(a: Any, b: Any) -> Any:
    return np.expand_dims(a, -1) + np.expand_dims(b, -2)


# ---- pieces


def rows_and_columns(name: str, a: Any) -> tuple[int, int]:
    if np.ndim(a) < 2:
        raise np.linalg.LinAlgError(f"{name}: an array of shape {np.shape(a)} is no matrix")
    return a.shape[-2:]


def H(x: Any) -> Any:  # noqa: N802
    """The conjugate transpose."""
    return conj(mT(x))


def _without_gradient(a: Any, function: Any, reason: str, *args: Any) -> Any:
    """NumPy's own answer, for arrays; the reason why it has none where a gradient would be lost."""
    if a.requires_grad and recording.get():
        raise ValueError(f"{name_of(function)}: {reason}")
    return function(a.data, *args)


def real_part(x: Any) -> Any:
    return np.real(x) if x.dtype.kind == "c" else x


def _skew(x: Any) -> Any:
    return (x - H(x)) / 2


def _lower(x: Any) -> Any:
    """Φ(x): the lower triangle, with half of the diagonal."""
    n = x.shape[-1]
    return x * (np.tri(n, dtype=x.dtype) - np.eye(n, dtype=x.dtype) / 2)


def _in_triangle(x: Any, upper: bool) -> Any:
    """The gradient of a Hermitian matrix of which one triangle is read, from that of all of it."""
    both = x + H(x)
    return H(_lower(both)) if upper else _lower(both)


@cache
def named_result(function: Any) -> Any:
    """The named tuple that a function of NumPy's gives."""
    return type(function(np.eye(1)))
