"""Arrays joined to one, and one taken apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from minigrad.derivatives.further.rearranging import gather
from minigrad.derivatives.shapes import at, method_of
from minigrad.other_arrays.foreign import alike
from minigrad.table import composition
from minigrad.tensor import fixed

# ---- to as many axes


def _atleast(function: Callable[..., Any], *arys: Any) -> Any:
    """np.atleast_1d and its like, which is asked for the shapes."""
    shapes = [function(np.broadcast_to(False, np.shape(x))).shape for x in arys]
    shaped = tuple(np.reshape(x, shape) for x, shape in zip(arys, shapes, strict=True))
    return shaped if len(shaped) != 1 else shaped[0]


for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    composition(_function)(partial(_atleast, _function))


@composition(np.broadcast_arrays)
def _broadcast_arrays(*args: Any) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(x, shape) for x in args)


@composition(np.meshgrid)
def _meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:  # copy or not, the array of a Tensor does not change
    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing={indexing!r} must be 'xy' or 'ij'")
    places = [1, 0, *range(2, len(xi))] if indexing == "xy" and len(xi) > 1 else range(len(xi))
    grids = [
        np.reshape(x, [-1 if i == place else 1 for i in range(len(xi))])
        for x, place in zip(xi, places, strict=True)
    ]
    return tuple(grids) if sparse else np.broadcast_arrays(*grids)


# ---- joined


@composition(np.vstack)
def _vstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_2d(x) for x in tup])


@composition(np.hstack)
def _hstack(tup: Any) -> Any:
    like = next((x for x in tup if hasattr(x, "dtype")), 0.0)
    arrays = [np.atleast_1d(alike(x, like)) for x in tup]
    return np.concatenate(arrays, axis=int(arrays[0].ndim > 1))


@composition(np.dstack)
def _dstack(tup: Any) -> Any:
    return np.concatenate([np.atleast_3d(x) for x in tup], axis=2)


@composition(np.column_stack)
def _column_stack(tup: Any) -> Any:
    return np.concatenate([x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in tup], axis=1)


@composition(np.block)
def _block(arrays: Any) -> Any:
    entries = list(_entries(arrays))
    depth = entries[0][1]
    if any(other != depth for _, other in entries):
        raise ValueError("the lists are nested to different depths")
    like = next((x for x, _ in entries if hasattr(x, "dtype")), 0.0)
    return _joined(arrays, like, max(depth, *(np.ndim(x) for x, _ in entries)), depth)


def _entries(arrays: Any, depth: int = 0) -> Iterator[tuple[Any, int]]:
    """The arrays in nested lists, each with how deep it lies."""
    if not isinstance(arrays, list):
        yield arrays, depth
    elif not arrays:
        raise ValueError("a list is empty")
    else:
        for part in arrays:
            yield from _entries(part, depth + 1)


def _joined(arrays: Any, like: Any, ndim: int, depth: int) -> Any:
    if depth == 0:
        return np.reshape(alike(arrays, like), (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return np.concatenate([_joined(part, like, ndim, depth - 1) for part in arrays], axis=-depth)


@composition(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([arr, values], axis=axis)


@composition(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    obj, arr = fixed(obj), method_of(arr)
    values = alike(values, arr)
    same = values if values.dtype == arr.dtype else values.astype(arr.dtype)
    return gather(lambda arr, values: np.insert(arr, obj, values, axis), arr, same)


# ---- taken apart


@composition(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    axis = normalize_axis_index(axis, ary.ndim)
    if not np.ndim(indices_or_sections):
        parts = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
        indices_or_sections = list(accumulate(map(len, parts[:-1])))
    return np.split(ary, indices_or_sections, axis)


def _split_along(axis: int, least: int, ary: Any, indices_or_sections: Any) -> list[Any]:
    if ary.ndim < least:
        raise ValueError(f"it takes an array of {least} or more axes")
    return np.split(ary, indices_or_sections, axis)


@composition(np.hsplit)
def _hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    return _split_along(int(ary.ndim > 1), 1, ary, indices_or_sections)


composition(np.vsplit)(partial(_split_along, 0, 2))
composition(np.dsplit)(partial(_split_along, 2, 3))


def _unstack(x: Any, *, axis: int = 0) -> tuple[Any, ...]:
    axis = normalize_axis_index(axis, x.ndim)
    return tuple(x[at(i, axis, x.ndim)] for i in range(x.shape[axis]))


if hasattr(np, "unstack"):  # since NumPy 2.1
    composition(np.unstack)(_unstack)
