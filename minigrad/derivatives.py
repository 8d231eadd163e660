"""The table: what NumPy's functions differentiate to.

One row per function, one rule per argument, read as a formula sheet: `g` is ∂L/∂y and `y` the function's
output.  The rules know nothing of layers, losses or penalties.  At kinks and ties the row says which
sub-gradient it takes.
"""

from __future__ import annotations

import operator
from itertools import accumulate, pairwise
from math import log, nan, prod
from types import EllipsisType
from typing import Any

import numpy as np

from minigrad.table import composition, derivative
from minigrad.tensor import Tensor, answers, constant, primitive, record

# ---- arithmetic: of the ufuncs, Python's operators do the same, and numbers in a fraction of the time

derivative(np.add,      a=lambda g: g,
                        b=lambda g: g, compute=operator.add)
derivative(np.subtract, a=lambda g: g,
                        b=lambda g: -g, compute=operator.sub)
derivative(np.multiply, a=lambda g, b: g * b,
                        b=lambda g, a: g * a, compute=operator.mul)
derivative(np.divide,   a=lambda g, b: g / b,
                        b=lambda g, y, b: -g * y / b, compute=operator.truediv)
derivative(np.remainder, a=lambda g: g,
                         b=lambda g, a, b: -g * np.floor_divide(a, b))
derivative(np.power,    a=lambda g, a, b: g * (b * a ** _predecessor(a, b)),
                        b=lambda g, y, a: g * (y * _logarithm(a)))
derivative(np.negative, a=lambda g: -g)
derivative(np.positive, a=lambda g: g)
derivative(np.square,   a=lambda g, a: 2 * g * a)
derivative(np.sqrt,     a=lambda g, y: g / (2 * y))                   # inf at 0, as the slope is
derivative(np.absolute, a=lambda g, a: g * np.sign(a))                # 0 at 0

# ---- exponentials, logarithms, trigonometry

derivative(np.exp,    a=lambda g, y: g * y)
derivative(np.expm1,  a=lambda g, y: g * (y + 1))
derivative(np.log,    a=lambda g, a: g / a)
derivative(np.log1p,  a=lambda g, a: g / (1 + a))
derivative(np.log2,   a=lambda g, a: g / (a * log(2)))
derivative(np.log10,  a=lambda g, a: g / (a * log(10)))
derivative(np.sin,    a=lambda g, a: g * np.cos(a))
derivative(np.cos,    a=lambda g, a: -g * np.sin(a))
derivative(np.tan,    a=lambda g, y: g * (1 + y * y))
derivative(np.sinh,   a=lambda g, a: g * np.cosh(a))
derivative(np.cosh,   a=lambda g, a: g * np.sinh(a))
derivative(np.tanh,   a=lambda g, y: g * (1 - y * y))
derivative(np.arctan, a=lambda g, a: g / (1 + a * a))

# ---- choices: a tie shares the gradient equally; clip passes it at its bounds

derivative(np.maximum, a=lambda g, a, b: np.where(a == b, g / 2, g * (a > b)),
                       b=lambda g, a, b: np.where(a == b, g / 2, g * (b > a)))
derivative(np.minimum, a=lambda g, a, b: np.where(a == b, g / 2, g * (a < b)),
                       b=lambda g, a, b: np.where(a == b, g / 2, g * (b < a)))
derivative(np.clip, "a, a_min, a_max, /",
           a=lambda g, a, a_min, a_max: g * _within(a, a_min, a_max),
           a_min=lambda g, a, a_min, a_max: g * np.logical_and(a < a_min, _within(a_min, None, a_max)),
           a_max=lambda g, a, a_min, a_max: g * ((a if a_min is None else np.maximum(a, a_min)) > a_max))
derivative(np.where, "condition, a, b, /",
           condition=None,
           a=lambda g, condition: np.where(condition, g, 0),
           b=lambda g, condition: np.where(condition, 0, g))

# ---- no gradient, by design: piecewise constant

for _unary in (np.sign, np.floor, np.ceil, np.rint, np.trunc, np.invert,
               np.logical_not, np.isnan, np.isfinite, np.isinf):  # fmt: skip
    derivative(_unary, a=None)
for _binary in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
                np.floor_divide, np.logical_and, np.logical_or, np.logical_xor,
                np.bitwise_and, np.bitwise_or, np.bitwise_xor):  # fmt: skip
    derivative(_binary, a=None, b=None)
derivative(np.round, "a, /, decimals=0", a=None)
answers.update((
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.argsort, np.array2string, np.array_equal,
    np.array_repr, np.array_str, np.count_nonzero, np.empty_like, np.iscomplexobj, np.isclose, np.isrealobj,
    np.ndim, np.nonzero, np.ones_like, np.result_type, np.shape, np.size, np.zeros_like,
))  # fmt: skip

# ---- reductions: max and min share the gradient among ties; std has none where all are equal

derivative(np.sum,  "a, /, axis=None, *, keepdims=False",
           a=lambda g, axis, keepdims: keep_axes(g, axis, keepdims),
           compute=lambda a, axis, keepdims: _method_of(a).sum(axis=axis, keepdims=keepdims))
derivative(np.mean, "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g / _count(a, y, axis), axis, keepdims),
           compute=lambda a, axis, keepdims: _method_of(a).mean(axis=axis, keepdims=keepdims))
derivative(np.var,  "a, /, axis=None, *, ddof=0, keepdims=False",
           a=lambda g, y, a, axis, ddof, keepdims: keep_axes(2 * g, axis, keepdims)
                                                   * _centred(a, y, axis, ddof))
derivative(np.std,  "a, /, axis=None, *, ddof=0, keepdims=False",
           a=lambda g, y, a, axis, ddof, keepdims: keep_axes(g / np.where(y == 0, 1, y), axis, keepdims)
                                                   * _centred(a, y, axis, ddof))
derivative(np.max,  "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g, axis, keepdims) * _share(a, y, axis, keepdims))
derivative(np.min,  "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g, axis, keepdims) * _share(a, y, axis, keepdims))
derivative(np.prod, "a, /, axis=None, *, keepdims=False",
           a=lambda g, a, axis, keepdims: keep_axes(g, axis, keepdims) * _product_of_others(a, axis))

# ---- products of matrices

derivative(np.matmul, a=lambda g, a, b: _matmul_a(g, a, b),          # g bᵀ
                      b=lambda g, a, b: _matmul_b(g, a, b))          # aᵀ g, formed as (gᵀ a)ᵀ

# ---- shape

derivative(np.transpose,    "a, /, axes=None",
                            a=lambda g, axes: g.T if axes is None else np.transpose(g, _inverse(axes)),
                            compute=lambda a, axes: _method_of(a).transpose(axes))
derivative(np.swapaxes,     "a, /, axis1, axis2", a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
derivative(np.reshape,      "a, /, shape, order='C'",
                            a=lambda g, a, order: np.reshape(g, a.shape, order=order),
                            compute=lambda a, shape, order: np.reshape(a, shape, order=_definite(order)))
derivative(np.ravel,        "a, /, order='C'", a=lambda g, a, order: np.reshape(g, a.shape, order=order),
                            compute=lambda a, order: np.ravel(a, order=_definite(order)))
derivative(np.expand_dims,  "a, /, axis", a=lambda g, a: np.reshape(g, a.shape))
derivative(np.squeeze,      "a, /, axis=None", a=lambda g, a: np.reshape(g, a.shape))
derivative(np.broadcast_to, "a, /, shape", a=lambda g: g)
derivative(np.astype,       "a, /, dtype", a=lambda g: g,
                            compute=lambda a, dtype: _method_of(a).astype(dtype))
derivative(np.concatenate,  "*arrays, axis=0", arrays=lambda g, arrays, axis: _parts(g, arrays, axis))
derivative(np.stack,        "*arrays, axis=0", arrays=lambda g, axis: _slices(g, axis))

# ---- indexing


@primitive
def scatter_add(values: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with the values added at index, repeated or not: the transpose of a[index]."""
    y = np.zeros_like(values, shape=shape)
    if _may_repeat(index):
        np.add.at(y, index, values)
    else:
        y[index] = values
    return y


derivative(operator.getitem, "a, /, index", a=lambda g, a, index: scatter_add(g, index=index, shape=a.shape),
           compute=lambda a, index: a[index])
derivative(scatter_add, values=lambda g, index: g[index])

# ---- functions that are compositions of those above


@composition(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    n = np.ndim(b)
    columns = (*np.shape(b)[:-2], np.shape(b)[-1])
    b = np.reshape(np.transpose(b, (n - 2, *range(n - 2), n - 1)), (np.shape(b)[-2], -1))
    return np.reshape(np.matmul(a, b), np.shape(a)[:-1] + columns)


@composition(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@composition(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    if not (a_min is a_max is None or min is max is None):
        raise ValueError("np.clip: give the bounds as a_min and a_max, or as min and max, not both")
    return record(np.clip, (a, min if a_min is None else a_min, max if a_max is None else a_max))


@composition(np.matrix_transpose)
def _matrix_transpose(x: Any) -> Any:
    return np.transpose(x) if np.ndim(x) == 2 else np.swapaxes(x, -1, -2)


@composition(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    shape, dtype = np.shape(a) if shape is None else shape, dtype or a.dtype
    if isinstance(fill_value, Tensor):
        return np.broadcast_to(fill_value.astype(dtype), shape)
    return np.full(shape, fill_value, dtype)


@composition(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int | np.integer):
        if n % indices_or_sections:
            raise ValueError(f"np.split: {n} along axis {axis} is no multiple of {indices_or_sections}")
        step = n // indices_or_sections
        indices_or_sections = range(step, n, step)
    bounds = [0, *indices_or_sections, n]
    return [ary[_at(slice(*pair), axis, ary.ndim)] for pair in pairwise(bounds)]


composition(np.amax)(lambda *args, **kwargs: np.max(*args, **kwargs))
composition(np.amin)(lambda *args, **kwargs: np.min(*args, **kwargs))


# ---- helpers of the rules


def _method_of(a: Any) -> Any:
    """The array itself, whose method costs half of what the NumPy function does; a number as an array."""
    return a if hasattr(a, "dtype") else np.asarray(a)


def mT(x: Any) -> Any:
    """The transpose of the last two axes."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


def _matmul_a(g: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g * b if a.ndim == 1 else np.expand_dims(g, -1) * b  # (..., n, 1) (k,)
    if a.ndim == 1:
        return b @ g if b.ndim == 2 else (b @ np.expand_dims(g, -1))[..., 0]  # (..., k)
    return g @ mT(b)


def _matmul_b(g: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)  # (k, 1) (..., 1, n)
    if b.ndim == 1:
        return g @ a if a.ndim == 2 else np.expand_dims(g, -1) * a  # (..., n, k)
    return mT(mT(g) @ a)  # not aᵀ g: a transposed weight then has its gradient in its own memory order


def _predecessor(a: Any, b: Any) -> Any:
    """b - 1, but 1 for 0⁰: x⁰ has the derivative 0 · x, also at x = 0."""
    if isinstance(b, int | float):
        return b - 1 if b else 1
    return np.where(np.logical_and(a == 0, b == 0), 1, b - 1)


def _logarithm(a: Any) -> Any:
    """log a, but 0 where a is 0: 0ᵇ has the derivative 0 in b."""
    if isinstance(a, int | float):
        return log(a) if a > 0 else 0.0 if a == 0 else nan
    return np.log(np.where(a == 0, 1, a))


def _within(a: Any, low: Any, high: Any) -> Any:
    if low is None or high is None:
        return True if low is high else a >= low if high is None else a <= high
    return np.logical_and(a >= low, a <= high)


def keep_axes(g: Any, axis: Any, keepdims: bool) -> Any:
    """g with the reduced axes put back as axes of length 1 (one value for all needs none)."""
    return g if keepdims or axis is None else np.expand_dims(g, axis)


def _count(a: Any, y: Any, axis: Any) -> Any:
    """How many elements of a went into each element of y; in a graph, the number of examples is called m."""
    n, axes = a.size // max(y.size, 1), range(a.ndim) if axis is None else np.atleast_1d(axis) % a.ndim
    rows = a.shape[0] if n and isinstance(a, Tensor) and 0 in axes else 0
    return n if not rows else constant(n, "m") if n == rows else n // rows * constant(rows, "m")


def _centred(a: Any, y: Any, axis: Any, ddof: int) -> Any:
    return (a - np.mean(a, axis=axis, keepdims=True)) / (_count(a, y, axis) - ddof)


def _share(a: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """1 / (number of ties) where a is the extreme value, 0 elsewhere."""
    hits = (a == keep_axes(y, axis, keepdims)).astype(a.dtype)
    return hits / np.sum(hits, axis=axis, keepdims=True)


def _product_of_others(a: Any, axis: Any) -> Any:
    """Π over the other elements along the axis; right where elements are 0, since nothing is divided."""
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = [i % a.ndim for i in axes]
    order = (*reduced, *(i for i in range(a.ndim) if i not in reduced))
    moved = np.transpose(a, order)
    rest = moved.shape[len(reduced) :]
    others = _others(np.reshape(moved, (prod(moved.shape[: len(reduced)]), *rest)))
    return np.transpose(np.reshape(others, moved.shape), _inverse(order))


def _others(a: Any) -> Any:
    """Along axis 0: pair neighbours, take the products of the other pairs, and give each its partner back."""
    n = a.shape[0]
    if n < 2:
        return np.ones_like(a)
    if n % 2:
        return _others(np.concatenate([a, np.ones_like(a[:1])]))[:n]
    left, right = a[0::2], a[1::2]
    pairs = _others(left * right)
    return np.reshape(np.stack([pairs * right, pairs * left], axis=1), a.shape)


def _definite(order: Any) -> Any:
    """The order of a reshape: 'C' or 'F'; 'A' and 'K' follow the memory, which may not be the gradient's."""
    if order not in ("C", "F"):
        raise ValueError(f"order={order!r} depends on how an array lies in memory; give order='C' or 'F'")
    return order


def _inverse(axes: Any) -> tuple[int, ...] | None:
    """The permutation that undoes a transposition."""
    return None if axes is None else tuple(np.argsort([axis % len(axes) for axis in axes]).tolist())


def _parts(g: Any, arrays: Any, axis: int | None) -> list[Any]:
    """The pieces of g that belong to each of the concatenated arrays."""
    bounds = [0, *accumulate(x.size if axis is None else x.shape[axis] for x in arrays)]
    parts = [g[_at(slice(*pair), axis or 0, g.ndim)] for pair in pairwise(bounds)]
    return parts if axis is not None else [np.reshape(d, x.shape) for d, x in zip(parts, arrays, strict=True)]


def _slices(g: Any, axis: int) -> list[Any]:
    """The slices of g along an axis, without that axis."""
    return [g[_at(i, axis, g.ndim)] for i in range(g.shape[axis])]


def _at(index: Any, axis: int, ndim: int) -> tuple:
    """The index that takes `index` along one axis and all of the axes before it."""
    return (*(slice(None),) * (axis % ndim), index)


def _may_repeat(index: Any) -> bool:
    """Whether an index can name one place twice: only arrays and sequences of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(
        (part if hasattr(part, "dtype") else np.asarray(part)).dtype.kind in "iu"
        for part in parts
        if not isinstance(part, int | np.integer | slice | EllipsisType | None)
    )
