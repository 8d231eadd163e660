"""Linear algebra: inverses, determinants, systems of equations, factorizations, norms.

A node of the graph has one array.  A function with several results is therefore a primitive that packs them
into one, below each other, and a composition that takes them out; the rule reads what is packed.

Every rule comes from  dL = Re tr(gᵀ dA)  and holds for real and complex matrices; ᴴ is the conjugate
transpose.  Of a Hermitian matrix NumPy reads one triangle, so there is the gradient.  Vectors are determined
up to signs (or phases), and where their values coincide up to more: a loss that uses that is refused.
"""

from __future__ import annotations

from functools import cache
from math import inf
from typing import Any

import numpy as np

from minigrad.derivatives.complex_numbers import conj, direction, reciprocal
from minigrad.derivatives.matrices import mT
from minigrad.derivatives.reductions import keep_axes
from minigrad.other_arrays.foreign import beside
from minigrad.table import composition, derivative, name_of
from minigrad.tensor import answers, primitive, recording

# ---- inverses, determinants, systems of equations:  Giles 2008, "An extended collection of matrix derivative
# results for forward and reverse mode algorithmic differentiation", section 2

derivative(np.linalg.inv,   "a, /",    a=lambda g, y: -(mT(y) @ g @ mT(y)))                     # dY = -Y dA Y
derivative(np.linalg.det,   "a, /",    a=lambda g, a: _as_matrix(g) * cofactors(a))
derivative(np.linalg.solve, "a, b, /", a=lambda g, y, a, b: -_outer(_solve_b(g, a, b), y, b),   # -A⁻ᵀ g yᵀ
                                       b=lambda g, a, b: _solve_b(g, a, b))                     # A⁻ᵀ g


def _solve_b(g: Any, a: Any, b: Any) -> Any:
    if b.ndim > 1:
        return np.linalg.solve(mT(a), g)
    return np.linalg.solve(mT(a), np.expand_dims(g, -1))[..., 0]


def _outer(x: Any, y: Any, b: Any) -> Any:
    return x @ mT(y) if b.ndim > 1 else np.expand_dims(x, -1) * np.expand_dims(y, -2)


@primitive
def cofactors(a: Any) -> Any:
    """∂det(A)/∂A = det(A) A⁻ᵀ;  of a singular A = U S Vᴴ it is  det(U) det(Vᴴ) U̅ C V̅ᴴ,  Cᵢᵢ = Πⱼ≠ᵢ sⱼ.

    Its own derivative, the second of det, needs a matrix that is not singular.

    >>> cofactors(np.array([[1.0, 2.0], [2.0, 4.0]])).round(4)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    d = np.linalg.det(a)[..., None, None]
    if np.all(d != 0):
        return d * mT(np.linalg.inv(a))
    u, s, vh = np.linalg.svd(a)
    others = np.prod(np.where(beside(np.eye(s.shape[-1], dtype=bool), s), 1, s[..., None, :]), axis=-1)
    turn = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return turn * (conj(u) * others[..., None, :]) @ conj(vh)


derivative(cofactors, a=lambda g, y, a: _slope_of_cofactors(g, y, mT(np.linalg.inv(a))))


def _slope_of_cofactors(g: Any, y: Any, b: Any) -> Any:
    return np.sum(g * y, axis=(-2, -1), keepdims=True) * b - y @ mT(g) @ b


@primitive
def slogdet(a: Any) -> Any:
    """np.linalg.slogdet in one array (..., 2): the sign of det(A), and log |det(A)|, of which ∂/∂A is A⁻ᵀ.

    >>> slogdet(np.diag([2.0, -0.5])).tolist()
    [-1.0, 0.0]
    """
    return np.stack(np.linalg.slogdet(a), axis=-1)


derivative(slogdet, a=lambda g, y, a: _as_matrix(_slope_of_log(g, y)) * mT(np.linalg.inv(a)))


@composition(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    y = slogdet(a)
    return _result(np.linalg.slogdet)(y[..., 0], _real(y[..., 1]))


def _slope_of_log(g: Any, y: Any) -> Any:
    """∂L/∂(log det): a complex sign turns with the imaginary part of the logarithm."""
    g_of_log = g[..., 1]
    return g_of_log if y.dtype.kind != "c" else np.real(g_of_log) + 1j * np.imag(g[..., 0] * y[..., 0])


# ---- pseudoinverse and least squares, where the rank stays as it is:  Golub and Pereyra 1973, "The
# differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", eq. 4.12

derivative(np.linalg.pinv, "a, /, rcond=None", a=lambda g, y, a: _slope_of_pinv(g, y, a))


def _slope_of_pinv(g: Any, y: Any, a: Any) -> Any:
    own = mT(y) @ g @ mT(y)
    columns = (mT(g) - a @ (y @ mT(g))) @ y @ H(y)  # (I - A A⁺) gᵀ A⁺ A⁺ᴴ
    rows = H(y) @ y @ (mT(g) - (mT(g) @ y) @ a)  # A⁺ᴴ A⁺ gᵀ (I - A⁺ A)
    return conj(columns + rows) - own


@primitive
def least_squares(a: Any, b: Any, *, rcond: float | None = None) -> Any:
    """x = A⁺ B,  of the x with the least |A x - B|² the shortest: np.linalg.lstsq's first result, B a matrix.

    >>> least_squares(np.array([[1.0], [1.0]]), np.array([[1.0], [3.0]]))
    array([[2.]])
    """
    return np.linalg.lstsq(a, b, rcond)[0]


derivative(least_squares,
           a=lambda g, y, a, b, rcond: _lstsq_a(g, y, a, b, np.linalg.pinv(a, _cut(a, rcond))),
           b=lambda g, a, rcond: mT(np.linalg.pinv(a, _cut(a, rcond))) @ g)


def _lstsq_a(g: Any, y: Any, a: Any, b: Any, p: Any) -> Any:
    columns = (b - a @ y) @ mT(g) @ p @ H(p)
    rows = H(p) @ y @ (mT(g) - (mT(g) @ p) @ a)
    return conj(columns + rows) - mT(p) @ g @ mT(y)


def _cut(a: Any, rcond: float | None) -> float:
    """The fraction of the largest singular value below which lstsq takes one for 0."""
    eps = float(np.finfo(a.dtype).eps)
    return max(a.shape) * eps if rcond is None else eps if rcond == -1 else rcond


@composition(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The residuals are given wherever there are more rows than columns, also where the rank is not full."""
    m, n = _rows_and_columns("np.linalg.lstsq", a)
    columns = b if np.ndim(b) > 1 else np.expand_dims(b, -1)
    x = least_squares(a, columns, rcond=rcond)
    off = np.absolute(columns - a @ x)
    residuals = np.sum(off * off, axis=0) if m > n else np.sum(off[:0], axis=0)[:0]
    s = np.linalg.svdvals(a)
    rank: Any = np.sum(s > s[:1] * _cut(a, rcond))
    return x if np.ndim(b) > 1 else x[:, 0], residuals, np.astype(rank, np.int32), s


# ---- factorizations

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
    w, v = _real(y[..., 0, :]), y[..., 1:, :]
    d, m, f = _real(g[..., 0, :]), mT(v) @ g[..., 1:, :], inverse_gaps(w, w, diagonal=True)
    inner = f * determined(_skew(m), f, m, _pairs(-d, d))
    return (conj(v) * np.expand_dims(d, -2) + conj(v) @ inner) @ mT(v)


@composition(np.linalg.eigh)
def _eigh(a: Any, UPLO: Any = "L") -> Any:
    y = eigh(a, UPLO=UPLO)
    return _result(np.linalg.eigh)(_real(y[..., 0, :]), y[..., 1:, :])


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
    along = _real(np.sum(v * g_of_v, axis=-2, keepdims=True))
    d, m, f = g[..., 0, :], mT(v) @ (g_of_v - conj(v) * along), inverse_gaps(w, w, diagonal=True)
    inner = beside(np.eye(w.shape[-1], dtype=w.dtype), w) * np.expand_dims(d, -2)
    return np.linalg.solve(mT(v), (inner + f * determined(m, f, m, _pairs(-d, d))) @ mT(v))


@composition(np.linalg.eig)
def _eig(a: Any) -> Any:
    y = eig(a)
    return _result(np.linalg.eig)(y[..., 0, :], y[..., 1:, :])


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
    u, s, w = y[..., :m, :], _real(y[..., m, :]), y[..., m + 1 :, :]
    g_of_u, g_of_w = g[..., :m, :], g[..., m + 1 :, :]
    in_u, in_w = mT(u) @ g_of_u, mT(w) @ g_of_w
    turn, lean = _skew(in_u + conj(in_w)), _skew(in_u - conj(in_w))
    minus, plus = inverse_gaps(s, s, diagonal=True), inverse_gaps(-s, s)
    d, both = _real(g[..., m, :]), np.absolute(in_u) + np.absolute(in_w)
    inner = minus * determined(turn, minus, both, _pairs(-d, d))
    inner = inner + plus * determined(lean, plus, both, _pairs(d, d))
    left = conj(u) * np.expand_dims(d * np.sign(s), -2) + conj(u) @ inner
    over = inverse_gaps(np.zeros_like(s, shape=1), s)
    if m > s.shape[-1]:
        across = g_of_u - conj(u) @ in_u
        left = left + over * determined(across, over, across, np.absolute(g_of_u))
    if w.shape[-2] == s.shape[-1]:
        return left @ H(w)
    across = g_of_w - conj(w) @ in_w
    return left @ H(w) + conj(u) @ mT(over * determined(across, over, across, np.absolute(g_of_w)))


@composition(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    m, n = _rows_and_columns("np.linalg.svd", a)
    if compute_uv and full_matrices and m != n:
        why = f"of a matrix ({m}, {n}) only {min(m, n)} vectors on each side are determined, and the others"
        return _without_gradient(a, np.linalg.svd, f"{why} have no gradient; pass full_matrices=False")
    y = svd(a)
    if not compute_uv:
        return _real(y[..., m, :])
    return _result(np.linalg.svd)(y[..., :m, :], _real(y[..., m, :]), mT(y[..., m + 1 :, :]))


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
    m, n = _rows_and_columns("np.linalg.qr", a)
    if mode not in ("reduced", "complete", "r") or (mode == "complete" and m > n):
        why = f'mode="{mode}" of a matrix ({m}, {n}) has no gradient; take "reduced" or "r"'
        return _without_gradient(a, np.linalg.qr, why, mode)
    y = qr(a if m >= n else a[..., :m])
    q, r = y[..., :m, :], mT(y[..., m:, :])
    if m < n:
        r = np.concatenate([r, H(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else _result(np.linalg.qr)(q, r)


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
    largest = np.max(np.abs(b), axis=-1)[..., None, None] if b.size else 0
    one = np.abs(gaps) <= b.shape[-1] * np.finfo(b.dtype).eps * largest
    return np.where(one, 0, 1 / np.where(one, 1, gaps))


derivative(inverse_gaps, a=lambda g, y, diagonal: np.sum(g * _slope_of_gaps(y, diagonal), axis=-1),
                         b=lambda g, y, diagonal: -np.sum(g * _slope_of_gaps(y, diagonal), axis=-2))


def _slope_of_gaps(y: Any, diagonal: bool) -> Any:
    """F², which is needed for second derivatives: nothing is known of these where the values coincide."""
    off = beside(np.ones(y.shape) - (np.eye(y.shape[-1]) if diagonal else 0), y)
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
    off, used = beside(1 - np.eye(*m.shape[-2:]), m), np.any(m, axis=(-2, -1), keepdims=True)
    free = np.abs(x) + np.abs(m) * off + np.abs(spread) * used
    size = max(np.max(np.abs(values)) if values.size else 0 for values in (x, m, spread))
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


# ---- norms


derivative(np.linalg.vector_norm, "x, /, *, axis=None, keepdims=False, ord=2",         # 0 at 0; ties share
           x=lambda g, y, x, axis, keepdims, ord: keep_axes(g, axis, keepdims) * _slope_of_norm(
               x, keep_axes(y, axis, keepdims), axis, ord))


def _slope_of_norm(x: Any, y: Any, axis: Any, ord: float) -> Any:
    """∂|x|ₚ/∂x = x̅ / |x| · (|x| / y)ᵖ⁻¹,  and 0 for each x that is 0."""
    if ord == 2:
        return conj(x) * reciprocal(y)
    if ord == 0:
        return np.zeros_like(x)
    if ord == 1:
        return direction(x)
    size = np.absolute(x)
    if abs(ord) == inf:
        hits = np.astype(size == y, y.dtype)
        return direction(x) * (hits / np.sum(hits, axis=axis, keepdims=True))
    share = np.where(x == 0, 1, size) / np.where(y == 0, 1, y)
    return direction(x) * share ** (ord - 1)


@composition(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is None and ord is None:
        return np.linalg.vector_norm(x, keepdims=keepdims)
    axes = tuple(i % x.ndim for i in (range(x.ndim) if axis is None else np.atleast_1d(axis).tolist()))
    if len(axes) == 1:
        return np.linalg.vector_norm(x, axis=axes[0], ord=2 if ord is None else ord, keepdims=keepdims)
    if len(axes) != 2 or len(set(axes)) != 2:
        raise ValueError(f"np.linalg.norm: a norm is of one axis or of two, not of {axes}")
    if ord in (None, "fro", "f"):
        return np.linalg.vector_norm(x, axis=axes, keepdims=keepdims)
    largest = np.max if ord in (1, 2, inf) else np.min
    if ord in (1, -1, inf, -inf):
        sums = np.sum(np.absolute(x), axis=axes[abs(ord) != 1], keepdims=True)
        return largest(sums, axis=axes, keepdims=keepdims)
    if ord not in (2, -2, "nuc"):
        raise ValueError(f"np.linalg.norm: {ord!r} is no norm of matrices; take 'fro', 'nuc', ±1, ±2 or ±inf")
    s = np.linalg.svdvals(np.transpose(x, (*(i for i in range(x.ndim) if i not in axes), *axes)))
    y = np.sum(s, axis=-1) if ord == "nuc" else largest(s, axis=-1)
    return np.expand_dims(y, axes) if keepdims else y


@composition(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord, axis=(-2, -1), keepdims=keepdims)


@composition(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        with np.errstate(divide="ignore"):  # inf for a singular matrix
            return s[..., 0] / s[..., -1] if p != -2 else s[..., -1] / s[..., 0]
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


answers.add(np.linalg.matrix_rank)

# ---- products


@composition(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    if n == 0:
        return beside(np.eye(a.shape[-1], dtype=a.dtype), a) + 0 * a
    if n < 0:
        return np.linalg.matrix_power(np.linalg.inv(a), -n)
    half = a if n == 1 else np.linalg.matrix_power(a, n // 2)
    if n == 1:
        return np.positive(a)
    return half @ half @ a if n % 2 else half @ half


@composition(np.linalg.multi_dot)
def _multi_dot(arrays: Any) -> Any:
    """In the order that multiplies fewest numbers: Cormen et al. 2009, "Introduction to Algorithms", 15.2."""
    first, last = arrays[0], arrays[-1]
    ends = (np.ndim(first) == 1, np.ndim(last) == 1)
    chain = [first[None] if ends[0] else first, *arrays[1:-1], last[:, None] if ends[1] else last]
    sizes = [chain[0].shape[0], *(x.shape[1] for x in chain)]

    @cache
    def cost(i: int, j: int) -> tuple[int, int]:
        """(multiplications, where it is split) of the product of chain[i:j]."""
        if j - i == 1:
            return 0, i
        own = sizes[i] * sizes[j]
        return min((cost(i, k)[0] + cost(k, j)[0] + own * sizes[k], k) for k in range(i + 1, j))

    def product(i: int, j: int) -> Any:
        k = cost(i, j)[1]
        return chain[i] if j - i == 1 else product(i, k) @ product(k, j)

    y = product(0, len(chain))
    return y[tuple(0 if end else slice(None) for end in ends)] if any(ends) else y


@composition(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    n = int(np.prod(a.shape[ind:]))
    return np.reshape(np.linalg.inv(np.reshape(a, (n, -1))), (*a.shape[ind:], *a.shape[:ind]))


@composition(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    last = [i % a.ndim for i in axes or ()]
    a = np.transpose(a, (*(i for i in range(a.ndim) if i not in last), *last))
    shape = a.shape[np.ndim(b) :]
    return np.reshape(np.linalg.solve(np.reshape(a, (b.size, -1)), np.reshape(b, (-1,))), shape)


# ---- pieces


def _rows_and_columns(name: str, a: Any) -> tuple[int, int]:
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


def _as_matrix(x: Any) -> Any:
    """A number for each matrix, where its elements are."""
    return np.expand_dims(x, (-2, -1))


def _real(x: Any) -> Any:
    return np.real(x) if x.dtype.kind == "c" else x


def _skew(x: Any) -> Any:
    return (x - H(x)) / 2


def _lower(x: Any) -> Any:
    """Φ(x): the lower triangle, with half of the diagonal."""
    n = x.shape[-1]
    return x * beside(np.tri(n, dtype=x.dtype) - np.eye(n, dtype=x.dtype) / 2, x)


def _in_triangle(x: Any, upper: bool) -> Any:
    """The gradient of a Hermitian matrix of which one triangle is read, from that of all of it."""
    both = x + H(x)
    return H(_lower(both)) if upper else _lower(both)


@cache
def _result(function: Any) -> Any:
    """The named tuple that a function of NumPy's gives."""
    return type(function(np.eye(1)))
