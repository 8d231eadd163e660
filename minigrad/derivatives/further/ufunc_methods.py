"""The methods of ufuncs on Tensors: np.add.reduce, np.maximum.accumulate, np.hypot.outer ...

Each method is one composition for every function of two arrays that has a row.  What it does not know
(another function, dtype=, out=, where=, initial=) it hands back, and what would lose a gradient is refused.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.derivatives.shapes import at
from minigrad.table import composition, name_of, table
from minigrad.tensor import fixed

_reductions: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.fmax: np.nanmax,
    np.fmin: np.nanmin,
}  # fmt: skip
_running: dict[np.ufunc, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}
_in_any_order = {np.logaddexp, np.logaddexp2, np.hypot}


@composition(np.ufunc.reduce)
def _reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, keepdims: bool = False, **others: Any) -> Any:
    """f(f(a₀, a₁), a₂) ...: by a reduction with a row, in pairs where any order will do, or one by one."""
    if _unknown(ufunc, others):
        return NotImplemented
    if ufunc in _reductions:
        return _reductions[ufunc](array, axis=axis, keepdims=keepdims)
    axes = normalize_axis_tuple(range(array.ndim) if axis is None else axis, array.ndim)
    if not array.size or (len(axes) > 1 and ufunc not in _in_any_order):
        return NotImplemented
    if ufunc in _in_any_order:
        rest = [i for i in range(array.ndim) if i not in axes]
        a = array if axes == (0,) else np.transpose(array, (*axes, *rest))
        y = _in_pairs(ufunc, a if len(axes) == 1 else np.reshape(a, (-1, *a.shape[len(axes) :])))
        if ufunc is np.hypot and y.size == array.size:  # NumPy begins at 0, and hypot(0, a) is |a|
            y = np.absolute(y)
    else:
        y = functools.reduce(ufunc, _slices(array, axes[0]))
    return np.expand_dims(y, axes) if keepdims else y


@composition(np.ufunc.accumulate)
def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, **others: Any) -> Any:
    """a₀, f(a₀, a₁), f(f(a₀, a₁), a₂) ..."""
    if _unknown(ufunc, others) or not array.size:
        return NotImplemented
    if ufunc in _running:
        return _running[ufunc](array, axis=axis)
    return np.stack(list(itertools.accumulate(_slices(array, axis), ufunc)), axis=axis)


@composition(np.ufunc.reduceat)
def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, **others: Any) -> Any:
    """Reductions of a[i:j] for each two neighbours i < j among the indices; a[i] where i ≥ j."""
    if _unknown(ufunc, others) or not array.size:
        return NotImplemented
    axis = normalize_axis_index(axis, array.ndim)
    starts, n = np.asarray(fixed(indices)).tolist(), array.shape[axis]
    if not all(0 <= i < n for i in starts):
        raise IndexError(f"{name_of(ufunc)}.reduceat: the indices {starts} must be from 0 to {n - 1}")
    parts = [
        array[at(slice(i, j if i < j else i + 1), axis, array.ndim)]
        for i, j in itertools.pairwise([*starts, n])
    ]
    reduced = [x if x.shape[axis] == 1 else ufunc.reduce(x, axis=axis, keepdims=True) for x in parts]
    return np.concatenate(reduced, axis=axis)


@composition(np.ufunc.outer)
def _outer(ufunc: np.ufunc, a: Any, b: Any, **others: Any) -> Any:
    """f(aᵢ, bⱼ) for every pair."""
    if _unknown(ufunc, others):
        return NotImplemented
    return ufunc(np.reshape(a, (*np.shape(a), *(1,) * np.ndim(b))), b)


def _unknown(ufunc: np.ufunc, others: dict[str, Any]) -> bool:
    differentiable = ufunc in table and not table[ufunc].constant
    given = {key for key, value in others.items() if (key, value) != ("dtype", None)}
    return bool(given) or not differentiable or ufunc.nin != 2 or ufunc.signature is not None


def _slices(array: Any, axis: int) -> list[Any]:
    axis = normalize_axis_index(axis, array.ndim)
    return [array[at(i, axis, array.ndim)] for i in range(array.shape[axis])]


def _in_pairs(ufunc: np.ufunc, a: Any) -> Any:
    """Along axis 0, the first half with the second until one is left."""
    while len(a) > 1:
        half = len(a) // 2
        paired = ufunc(a[:half], a[half : 2 * half])
        a = np.concatenate([paired, a[2 * half :]]) if len(a) % 2 else paired
    return a[0]
