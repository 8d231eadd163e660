"""The same elements in other places: flipped, rolled, repeated, with their axes in another order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import accumulate
from math import prod
from operator import index
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.derivatives.shapes import at, method_of
from minigrad.other_arrays.foreign import check_computed, is_foreign, to_numpy
from minigrad.table import composition
from minigrad.tensor import fixed

# ---- along the axes


@composition(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else normalize_axis_tuple(axis, m.ndim)
    return m[tuple(slice(None, None, -1 if i in axes else None) for i in range(m.ndim))]


composition(np.flipud)(lambda m: m[::-1, ...])
composition(np.fliplr)(lambda m: m[:, ::-1])


@composition(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    first, second = normalize_axis_tuple(axes, m.ndim)
    turned = np.swapaxes(m, first, second) if k % 2 else m
    return np.flip(turned, ((), first, (first, second), second)[k % 4])


@composition(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.reshape(np.roll(np.ravel(a), shift, 0), a.shape)
    axes = normalize_axis_tuple(axis, a.ndim, allow_duplicate=True)
    for steps, i in np.broadcast(fixed(shift), axes):
        cut = int(-steps % max(a.shape[i], 1))
        parts = slice(cut, None), slice(None, cut)
        a = np.concatenate([a[at(part, i, a.ndim)] for part in parts], axis=int(i))
    return a


@composition(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return _transposed(partial(np.moveaxis, source=source, destination=destination), a)


@composition(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    return _transposed(partial(np.rollaxis, axis=axis, start=start), a)


def _transposed(function: Callable[..., Any], a: Any) -> Any:
    """What a function that moves axes gives: it is asked what it does to axes of the lengths 1, 2, 3 ..."""
    lengths = function(np.broadcast_to(False, range(1, a.ndim + 1))).shape
    return np.transpose(a, [n - 1 for n in lengths])


# ---- more than once


@composition(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    A, reps = method_of(A), tuple(fixed(reps)) if np.ndim(reps) else (fixed(reps),)
    ndim = max(A.ndim, len(reps))
    shape, reps = (1,) * (ndim - A.ndim) + A.shape, (1,) * (ndim - len(reps)) + reps
    pairs = list(zip(map(index, reps), shape, strict=True))
    apart = np.reshape(A, [k for r, n in pairs for k in ((n,) if r == 1 else (1, n))])
    copies = np.broadcast_to(apart, [k for r, n in pairs for k in ((n,) if r == 1 else (r, n))])
    return np.reshape(copies, [r * n for r, n in pairs])


@composition(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    repeats = to_numpy(fixed(repeats))
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    axis = normalize_axis_index(axis, a.ndim)
    if repeats.size != 1:
        return a[at(np.repeat(np.arange(a.shape[axis]), repeats), axis, a.ndim)]
    before, (n, *after) = a.shape[:axis], a.shape[axis:]
    copies = np.broadcast_to(np.expand_dims(a, axis + 1), (*before, n, repeats.item(), *after))
    return np.reshape(copies, (*before, n * repeats.item(), *after))


@composition(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    if a.size == 0:
        zeros = np.zeros_like(a, shape=int(np.prod(new_shape)))
        return np.reshape(np.concatenate([np.ravel(a), zeros]), new_shape)
    return gather(lambda places: np.resize(places, new_shape), a)


composition(np.copy)(lambda a: a.copy())

# ---- some of them


@composition(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    arr, axis = (np.ravel(arr), 0) if axis is None else (method_of(arr), axis)
    axis = normalize_axis_index(axis, arr.ndim)
    obj = fixed(obj)
    obj = to_numpy(obj) if is_foreign(obj) else obj
    return arr[at(np.delete(np.arange(arr.shape[axis]), obj), axis, arr.ndim)]


@composition(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim)
    if not set(trim.lower()) <= {"f", "b"}:
        raise ValueError(f"trim={trim!r} must be of the letters f (front) and b (back)")
    check_computed(filt)
    places, cut = np.argwhere(filt), [slice(None)] * filt.ndim
    for i in axes:
        low, high = (places[:, i].min(), places[:, i].max() + 1) if len(places) else (filt.shape[i], 0)
        cut[i] = slice(int(low) if "f" in trim.lower() else None, int(high) if "b" in trim.lower() else None)
    return filt[tuple(cut)]


def gather(function: Callable[..., Any], *arrays: Any) -> Any:
    """function(*arrays), if it only puts elements in other places: it is asked where each one comes from."""
    sizes = [prod(np.shape(x)) for x in arrays]
    ends = accumulate(sizes)
    places = [np.arange(n - k, n).reshape(np.shape(x)) for n, k, x in zip(ends, sizes, arrays, strict=True)]
    elements = [np.ravel(x) for x in arrays]
    return (np.concatenate(elements) if len(elements) > 1 else elements[0])[function(*places)]
