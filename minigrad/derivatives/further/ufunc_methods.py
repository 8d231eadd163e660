"""The methods of ufuncs on Tensors: np.add.reduce, np.maximum.accumulate, np.hypot.outer ...

Each method is one composition for every function of two arrays that has a row.  What it does not know
(another function, out=) it hands back, and what would lose a gradient is refused.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.derivatives.further.keywords import cast
from minigrad.derivatives.shapes import at
from minigrad.other_arrays.foreign import alike
from minigrad.table import composition, compositions, name_of, table
from minigrad.tensor import fixed

_reductions: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.fmax: np.nanmax,
    np.fmin: np.nanmin,
}  # fmt: skip
_running: dict[np.ufunc, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}
_identities: dict[np.ufunc, float] = {np.logaddexp: -inf, np.logaddexp2: -inf, np.hypot: 0.0}
"""Of those that reduce in any order: what leaves the others as they are."""


@composition(np.ufunc.reduce)
def _reduce(
    ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None, *, keepdims: bool = False, **options: Any
) -> Any:
    """f(f(a₀, a₁), a₂) ...: by a reduction with a row, in pairs where any order will do, or one by one."""
    if _unknown(ufunc) or not options.keys() <= {"initial", "where"}:
        return NotImplemented
    if ufunc in _reductions:
        return _reductions[ufunc](cast(array, dtype), axis=axis, keepdims=keepdims, **options)
    array, where, first = cast(array, dtype), options.get("where", True), options.get("initial")
    first = first if first is None else cast(first, array.dtype)
    axes = normalize_axis_tuple(range(array.ndim) if axis is None else axis, array.ndim)
    if len(axes) > 1 and ufunc not in _identities:
        raise ValueError(f"{name_of(ufunc)}.reduce depends on the order: it reduces one axis, not {axes}")
    if not array.size or (where is not True and ufunc not in _identities):
        return NotImplemented
    if ufunc in _identities:
        array = array if where is True else np.where(where, array, _identities[ufunc])
        rest = [i for i in range(array.ndim) if i not in axes]
        a = array if axes == (0,) else np.transpose(array, (*axes, *rest))
        y = _in_pairs(ufunc, a if len(axes) == 1 else np.reshape(a, (-1, *a.shape[len(axes) :])))
        if ufunc is np.hypot and y.size == array.size:  # NumPy begins at 0, and hypot(0, a) is |a|
            y = np.absolute(y)
        y = y if first is None else ufunc(first, y)
    else:
        y = functools.reduce(ufunc, [first] * (first is not None) + _slices(array, axes[0]))
    return np.expand_dims(y, axes) if keepdims else y


@composition(np.ufunc.accumulate)
def _accumulate(ufunc: np.ufunc, array: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """a₀, f(a₀, a₁), f(f(a₀, a₁), a₂) ..."""
    if _unknown(ufunc):
        return NotImplemented
    array, axis = cast(array, dtype), _one_axis(ufunc, "accumulate", array, axis)
    if ufunc in _running:
        return _running[ufunc](array, axis=axis)
    steps = list(itertools.accumulate(_slices(array, axis), ufunc))
    return np.stack(steps, axis=axis) if steps else np.positive(array)


@composition(np.ufunc.reduceat)
def _reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: Any = 0, dtype: Any = None) -> Any:
    """Reductions of a[i:j] for each two neighbours i < j among the indices; a[i] where i ≥ j."""
    if _unknown(ufunc):
        return NotImplemented
    array, axis = cast(array, dtype), _one_axis(ufunc, "reduceat", array, axis)
    starts, n = np.asarray(fixed(indices), np.intp), array.shape[axis]
    if starts.ndim != 1 or not np.all((starts >= 0) & (starts < n)):
        kind = IndexError if starts.ndim == 1 else ValueError
        raise kind(
            f"{name_of(ufunc)}.reduceat: the indices {starts.tolist()} must be on one axis, from 0 to {n - 1}"
        )
    if not starts.size:
        return array[at(slice(0, 0), axis, array.ndim)]
    parts = [
        array[at(slice(i, j if i < j else i + 1), axis, array.ndim)]
        for i, j in itertools.pairwise([*starts.tolist(), n])
    ]
    reduced = [x if x.shape[axis] == 1 else ufunc.reduce(x, axis=axis, keepdims=True) for x in parts]
    return np.concatenate(reduced, axis=axis)


@composition(np.ufunc.outer)
def _outer(ufunc: np.ufunc, a: Any, b: Any, **options: Any) -> Any:
    """f(aᵢ, bⱼ) for every pair."""
    if _unknown(ufunc) and ufunc not in compositions:
        return NotImplemented
    a, b = alike(a, b), alike(b, a)
    return ufunc(np.reshape(a, (*a.shape, *(1,) * b.ndim)), b, **options)


def _unknown(ufunc: np.ufunc) -> bool:
    differentiable = ufunc in table and not table[ufunc].constant
    return not differentiable or ufunc.nin != 2 or ufunc.signature is not None


def _one_axis(ufunc: np.ufunc, method: str, array: Any, axis: Any) -> int:
    """The axis of a method that goes along one."""
    who = f"{name_of(ufunc)}.{method}"
    if not array.ndim:
        raise TypeError(f"{who} of one number: wanted an array with an axis to go along")
    axes = normalize_axis_tuple(range(array.ndim) if axis is None else axis, array.ndim)
    if len(axes) != 1:
        raise ValueError(f"{who}: axis={axis}; it goes along one axis")
    return axes[0]


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
