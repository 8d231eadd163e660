"""a[index] of arrays of other libraries, and its transpose: made of taking alone.

Chunks are not written to, and NumPy's ufunc.at works on NumPy's arrays only.  Dask follows one array of
indices at a time, and leaves its axis in place; more of them are refused.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import is_chunked, to_numpy


def take(a: Any, index: Any) -> Any:
    """a[index] of any array or Tensor; of one in chunks, with the axes in NumPy's order.

    Raises: TypeError for what Dask cannot follow, or cannot know the length of.
    """
    if not is_chunked(a):
        return a[index]
    parts = _parts(index, a.ndim)
    if not _can_be_followed(parts):
        raise TypeError(
            "Dask takes one array of indices (n,) at once; index step by step, x[i][:, j], and use np.where "
            "in place of a mask of several axes"
        )
    y = a[tuple(parts)]
    place = _place_of_moved(parts)
    return y if place is None else np.moveaxis(y, place, 0)


def scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with the values added at index, repeated or not."""
    parts = _parts(index, len(shape))
    if not _can_be_followed(parts):
        size = prod(shape)
        places = np.arange(size).reshape(shape)[tuple(parts)]
        return np.reshape(_spread(np.reshape(values, (-1,)), places.ravel(), size, 0), shape)
    place = _place_of_moved(parts)
    values = values if place is None else np.moveaxis(values, 0, place)
    whole = slice(None)
    values = values[tuple(0 if p is None else None if isinstance(p, int) else whole for p in parts)]
    for axis, part in enumerate(p for p in parts if p is not None):
        if not isinstance(part, slice) or part != whole:
            positions = np.atleast_1d(np.arange(shape[axis])[part])
            values = _spread(values, positions, shape[axis], axis)
    return values


def _spread(values: Any, positions: np.ndarray, n: int, axis: int) -> Any:
    """Zeros of length n along an axis, with the slices of the values added at the positions.

    Every slice of the result takes the one that belongs there, or a slice of zeros; a position that is named
    several times takes one of them in each round.
    """

    def zeros(length: int) -> Any:
        return np.zeros_like(values, shape=(*values.shape[:axis], length, *values.shape[axis + 1 :]))

    k = len(positions)
    if not k:
        return zeros(n)
    first = int(positions[0])
    if np.array_equal(positions, np.arange(first, first + k)):
        pieces = [zeros(first), values, zeros(n - first - k)]
        return np.concatenate([piece for piece in pieces if piece.shape[axis]], axis=axis)
    order = np.argsort(positions, kind="stable")
    starts = np.searchsorted(positions[order], positions[order])
    rounds = np.empty(k, int)
    rounds[order] = np.arange(k) - starts
    padded = np.concatenate([values, zeros(1)], axis=axis)
    total: Any = 0
    for i in range(rounds.max() + 1):
        source = np.full(n, k)
        (chosen,) = np.nonzero(rounds == i)
        source[positions[chosen]] = chosen
        total = total + padded[(slice(None),) * axis + (source,)]
    return total


def _parts(index: Any, ndim: int) -> list[Any]:
    """An entry for each axis and each new one: a whole number, a slice, None, or an array."""
    parts = [_part(part) for part in (index if isinstance(index, tuple) else (index,))]
    taken = sum(_axes(part) for part in parts)
    rest = [slice(None)] * (ndim - taken)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[:at], *rest, *parts[at + 1 :]]


def _part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if is_chunked(part):
        raise TypeError("the indices are an array that is not computed yet: give a NumPy array of them")
    array = to_numpy(part)
    if array.dtype.kind == "b":
        return np.nonzero(array)[0] if array.ndim == 1 else array
    array = array.astype(int) if not array.size else array
    return array if array.ndim else int(array)


def _axes(part: Any) -> int:
    """How many axes an entry of an index stands for."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1


def _can_be_followed(parts: list[Any]) -> bool:
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    return len(arrays) < 2 and all(part.ndim == 1 for part in arrays)


def _place_of_moved(parts: list[Any]) -> int | None:
    """Where Dask leaves the axis that NumPy moves to the front: that of an array apart from other indices."""
    places = [i for i, part in enumerate(parts) if isinstance(part, int | np.ndarray)]
    array = next((i for i in places if isinstance(parts[i], np.ndarray)), None)
    if array is None or places[-1] - places[0] + 1 == len(places):
        return None
    return sum(not isinstance(part, int) for part in parts[:array])
