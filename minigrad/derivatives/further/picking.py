"""Elements picked by number, by truth, or by choice among several arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib import NumpyVersion
from numpy.lib.array_utils import normalize_axis_index

from minigrad.derivatives.further.rearranging import gather
from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.shapes import at, method_of
from minigrad.other_arrays.foreign import beside, check_computed, is_foreign, to_numpy
from minigrad.table import composition, derivative
from minigrad.tensor import answers, fixed, primitive, record


@primitive
def add_along_axis(values: Any, indices: Any, *, shape: tuple[int, ...], axis: int | None) -> Any:
    """Zeros of this shape with the values added at the indices: the transpose of np.take_along_axis.

    >>> add_along_axis(np.array([1.0, 2.0, 3.0]), np.array([0, 0, 3]), shape=(4,), axis=0)
    array([3., 0., 0., 3.])
    """
    places = np.take_along_axis(beside(np.arange(prod(shape)).reshape(shape), indices), indices, axis)
    y = np.zeros_like(values, shape=prod(shape))
    np.add.at(y, places.ravel(), values.ravel())
    return y.reshape(shape)


_axis = "axis=-1" if NumpyVersion(np.__version__) >= "2.3.0" else "axis"
derivative(np.take_along_axis, f"arr, indices, /, {_axis}",
           arr=lambda g, arr, indices, axis: add_along_axis(g, indices, shape=_to(arr, g, axis), axis=axis),
           indices=None, linear=True)
derivative(add_along_axis, values=lambda g, indices, axis: np.take_along_axis(g, indices, axis), indices=None,
           linear=True)


def _to(arr: Any, g: Any, axis: int | None) -> tuple[int, ...]:
    """The shape of arr, broadcast as the indices have broadcast it."""
    if axis is None:
        return arr.shape
    axis = normalize_axis_index(axis, arr.ndim)
    return (*g.shape[:axis], arr.shape[axis], *g.shape[axis + 1 :])


@composition(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, *, mode: str = "raise") -> Any:
    a, axis = (np.ravel(a), 0) if axis is None else (method_of(a), axis)
    axis = normalize_axis_index(axis, a.ndim)
    n, index = a.shape[axis], method_of(fixed(indices)).astype(np.intp, casting="same_kind")
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"mode={mode!r} must be 'raise', 'wrap' or 'clip'")
    index = index % n if mode == "wrap" else index.clip(0, n - 1) if mode == "clip" else index
    return a[at(index, axis, a.ndim)]


@composition(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    if np.ndim(condition) != 1:
        raise ValueError(f"the condition has {np.ndim(condition)} axes; it takes one, along the axis of a")
    return np.take(a, np.flatnonzero(condition), axis)


@composition(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.take(arr, np.flatnonzero(condition))


@composition(np.choose)
def _choose(a: Any, choices: Any, *, mode: Any = "raise") -> Any:
    a = fixed(a)
    check_computed(a)
    a = to_numpy(a)
    return gather(lambda *places: np.choose(a, places, mode=mode), *choices)


@composition(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """The first choice whose condition holds."""
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError(f"{len(condlist)} conditions for {len(choicelist)} choices; each needs its own")
    for i, condition in enumerate(condlist):
        if method_of(condition).dtype != bool:
            kind = method_of(condition).dtype
            raise TypeError(f"np.select: condition {i} is {kind}; wanted truth, as in x > 0")
    y = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        y = np.where(condition, choice, y)
    return y


@composition(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Each function of those elements alone where its condition holds, and none of the later ones does."""
    condlist = fixed(condlist)
    check_computed(*condlist if isinstance(condlist, list | tuple) else [condlist])
    conditions = np.stack([to_numpy(c) for c in condlist]) if any(map(is_foreign, condlist)) else condlist
    conditions = np.asarray(conditions, bool)
    if conditions.ndim == x.ndim:
        conditions = conditions[None]
    if len(funclist) == len(conditions) + 1:
        conditions = np.concatenate([conditions, [~np.any(conditions, axis=0)]])
    if len(funclist) != len(conditions):
        raise ValueError(f"{len(funclist)} functions for {len(conditions)} conditions (and one for others)")
    parts = []
    for i, f in enumerate(funclist):
        here = conditions[i] & ~np.any(conditions[i + 1 :], axis=0)
        if np.any(here):
            values = method_of(f(x[here], *args, **kw) if callable(f) else f)
            values = values if values.dtype == x.dtype else values.astype(x.dtype)
            values = np.broadcast_to(values, (int(np.sum(here)),))
            parts.append(scatter_add(values, index=here, shape=x.shape))
    return sum(parts[1:], parts[0]) if parts else np.zeros(x.shape, x.dtype)


@composition(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    return record(np.where, (condition, *choices)) if choices else np.nonzero(condition)


answers.update((np.argwhere, np.flatnonzero, np.isin, np.ravel_multi_index, np.unravel_index))
