"""Linear algebra: inverses, determinants, systems of equations, norms, products.

Every rule comes from  dL = Re tr(gᵀ dA)  and holds for real and complex matrices.
"""

from __future__ import annotations

from functools import cache
from math import inf
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.derivatives.complex_numbers import conj, direction, reciprocal
from minigrad.derivatives.further.factorizations import (
    H,
    mirrored,
    named_result,
    real_part,
    rows_and_columns,
    square,
)
from minigrad.derivatives.matrices import mT
from minigrad.derivatives.reductions import keep_axes
from minigrad.derivatives.shapes import method_of
from minigrad.other_arrays.foreign import beside
from minigrad.table import composition, derivative
from minigrad.tensor import answers, fixed, primitive, record

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

    >>> cofactors(np.array([[1.0, 2.0], [2.0, 4.0]])).round(4)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    d = np.linalg.det(a)[..., None, None]
    if np.all(d != 0):
        return d * mT(np.linalg.inv(a))
    u, s, vh = np.linalg.svd(a)
    return _as_matrix(np.linalg.det(u) * np.linalg.det(vh)) * (conj(u) * _others(s)[..., None, :]) @ conj(vh)


@primitive
def second_cofactors(a: Any, b: Any) -> Any:
    """∂/∂A of  Σ B ∘ ∂det(A)/∂A,  of any A = U S Vᴴ:  det(U) det(Vᴴ) U̅ Q V̅ᴴ  with  N = Uᴴ B V,

    Qᵢᵢ = Σⱼ≠ᵢ pᵢⱼ Nⱼⱼ  and  Qᵢⱼ = -pᵢⱼ Nⱼᵢ,  where pᵢⱼ is the product of the sₖ but for sᵢ and sⱼ.
    Its own derivative, the third of det, needs a matrix that is not singular.

    >>> second_cofactors(np.zeros((2, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[ 4., -3.],
           [-2.,  1.]])
    """
    u, s, vh = np.linalg.svd(a)
    n, one = mT(conj(u)) @ b @ mT(conj(vh)), beside(np.eye(s.shape[-1], dtype=bool), s)
    p = np.stack([_others(np.where(row, 1, s)) for row in one], axis=-2) if s.shape[-1] else n
    p = np.where(one, 0, p)
    q = np.where(one, p @ np.diagonal(n, axis1=-2, axis2=-1)[..., None], -p * mT(n))
    return _as_matrix(np.linalg.det(u) * np.linalg.det(vh)) * (conj(u) @ q @ conj(vh))


derivative(cofactors, a=lambda g, a: second_cofactors(a, g))
derivative(second_cofactors, a=lambda g, a, b: _third_cofactors(np.linalg.inv(a), a, b, g),
                             b=lambda g, a: second_cofactors(a, g))


def _others(s: Any) -> Any:
    """Πⱼ≠ᵢ sⱼ."""
    return np.prod(np.where(beside(np.eye(s.shape[-1], dtype=bool), s), 1, s[..., None, :]), axis=-1)


def _third_cofactors(inverse: Any, a: Any, b: Any, g: Any) -> Any:
    """det(A) A⁻ᵀ ((tr P tr Q - tr PQ) I - P tr Q - Q tr P + PQ + QP)ᵀ,  P = A⁻¹ B, Q = A⁻¹ g."""
    p, q = inverse @ b, inverse @ g
    tr_p, tr_q = (_as_matrix(np.trace(x, axis1=-2, axis2=-1)) for x in (p, q))
    both = tr_p * tr_q - _as_matrix(np.sum(p * mT(q), axis=(-2, -1)))
    turned = both * beside(np.eye(a.shape[-1], dtype=a.dtype), a) - p * tr_q - q * tr_p + p @ q + q @ p
    return cofactors(a) @ mT(turned)


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
    square("np.linalg.slogdet", a)
    y = slogdet(a)
    return named_result(np.linalg.slogdet)(y[..., 0], real_part(y[..., 1]))


def _slope_of_log(g: Any, y: Any) -> Any:
    """∂L/∂(log det): a complex sign turns with the imaginary part of the logarithm."""
    g_of_log = g[..., 1]
    return g_of_log if y.dtype.kind != "c" else np.real(g_of_log) + 1j * np.imag(g[..., 0] * y[..., 0])


# ---- pseudoinverse and least squares, where the rank stays as it is:  Golub and Pereyra 1973, "The
# differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate", eq. 4.12

derivative(np.linalg.pinv, "a, /, rcond=None", a=lambda g, y, a: _slope_of_pinv(g, y, a))


_not_given: Any = object()


def _slope_of_pinv(g: Any, y: Any, a: Any) -> Any:
    own = mT(y) @ g @ mT(y)
    columns = (mT(g) - a @ (y @ mT(g))) @ y @ H(y)  # (I - A A⁺) gᵀ A⁺ A⁺ᴴ
    rows = H(y) @ y @ (mT(g) - (mT(g) @ y) @ a)  # A⁺ᴴ A⁺ gᵀ (I - A⁺ A)
    return conj(columns + rows) - own


@composition(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _not_given) -> Any:
    if rtol is not _not_given:
        if rcond is not None:
            raise ValueError("np.linalg.pinv: rcond and rtol are the same: give one of them")
        rcond = _cut(a, None) if rtol is None else rtol
    return record(np.linalg.pinv, (mirrored(a) if hermitian else a,), {"rcond": fixed(rcond)})


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
    return max(a.shape[-2:]) * eps if rcond is None else eps if rcond == -1 else rcond


@composition(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: float | None = None) -> Any:
    """The residuals are given wherever there are more rows than columns, also where the rank is not full."""
    a, b = method_of(a), method_of(b)
    m, n = rows_and_columns("np.linalg.lstsq", a)
    if np.shape(b)[:1] != (m,):
        raise np.linalg.LinAlgError(f"np.linalg.lstsq: the matrix has {m} rows, and b {np.shape(b)}")
    columns = b if np.ndim(b) > 1 else np.expand_dims(b, -1)
    x = least_squares(a, columns, rcond=rcond)
    off = np.absolute(columns - a @ x)
    residuals = np.sum(off * off, axis=0) if m > n else np.sum(off[:0], axis=0)[:0]
    s = np.linalg.svdvals(a)
    rank: Any = np.sum(s > s[:1] * _cut(a, rcond))
    return x if np.ndim(b) > 1 else x[:, 0], residuals, np.astype(rank, np.int32), s


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
    return direction(x) * share ** (ord - 1) * (y != 0)  # of a negative order it is 0 if any element is


@composition(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is None and ord is None:
        return np.linalg.vector_norm(x, keepdims=keepdims)
    if not isinstance(axis, int | np.integer | tuple | None):
        raise TypeError(f"np.linalg.norm: axis={axis}; wanted a whole number, or a tuple of them")
    axes: Any = range(x.ndim) if axis is None else axis
    axes = normalize_axis_tuple(axes, x.ndim, allow_duplicate=True)
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
    square("np.linalg.matrix_power", a)
    if not isinstance(n, int | np.integer):
        raise TypeError(f"np.linalg.matrix_power: n={n!r}; wanted a whole number")
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
    if len(arrays) < 2:
        raise ValueError(f"np.linalg.multi_dot: {len(arrays)} arrays; wanted two at least")
    arrays = [method_of(x) for x in arrays]
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
    a, b = method_of(a), method_of(b)
    last = normalize_axis_tuple(axes or (), a.ndim)
    a = np.transpose(a, (*(i for i in range(a.ndim) if i not in last), *last))
    shape = a.shape[np.ndim(b) :]
    return np.reshape(np.linalg.solve(np.reshape(a, (b.size, -1)), np.reshape(b, (-1,))), shape)


def _as_matrix(x: Any) -> Any:
    """A number for each matrix, where its elements are."""
    return np.expand_dims(x, (-2, -1))
