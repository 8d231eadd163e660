"""a[index] of arrays of other libraries, and its transpose: made of taking alone.

Dask's chunks are not written to, and it follows one array of indices at a time: of several, the axes are made
one axis, and the indices places along it.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.other_arrays.chunked import add_up, rows
from minigrad.other_arrays.foreign import is_chunked, is_foreign, mixture, reshape, to_numpy


def take(a: Any, index: Any) -> Any:
    """a[index] of any array or Tensor.

    Raises: TypeError for indices that are not computed yet, IndexError for some that do not exist.
    """
    if not is_foreign(a):
        if is_chunked(index):
            raise TypeError(mixture((a, index)) or _not_computed)
        return a[index]
    if is_chunked(a) and _is_of_rows(index):
        return rows(a, index[0] if isinstance(index, tuple) else index)
    parts = _parts(index, a.shape)
    if not _has_arrays(parts):
        return a[tuple(parts)] if is_chunked(a) else a[index]
    axes, places, shape, rest, front = _as_one(parts, a.shape)
    if not is_chunked(a):  # CuPy takes anything, and would wrap around indices that do not exist
        return a[index]
    y = reshape(_with_first(a, axes), (-1, *_without(a.shape, axes)), "C")[(places, *rest)]
    y = reshape(y, (*shape, *y.shape[1:]), "C")
    moved = range(len(shape))
    return y if not front else np.moveaxis(y, list(moved), [i + front for i in moved])


def scatter(values: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with the values added at index, repeated or not."""
    if is_chunked(values) and _is_of_rows(index):
        index = index[0] if isinstance(index, tuple) else index
        flat = reshape(values, (-1, *shape[1:]), "C")
        return add_up(flat, reshape(index, (-1,), "C"), shape[0])
    parts = _parts(index, shape)
    if not _has_arrays(parts):
        return _into_slices(values, parts, shape)
    axes, places, taken, rest, front = _as_one(parts, shape)
    moved = range(len(taken))
    values = values if not front else np.moveaxis(values, [i + front for i in moved], list(moved))
    values = reshape(values, (-1, *values.shape[len(taken) :]), "C")
    left = _without(shape, axes)
    values = _into_slices(values, [slice(None), *rest], (values.shape[0], *left))
    together = [shape[i] for i in axes]
    y = reshape(_spread(values, places, prod(together)), (*together, *left), "C")
    order = (*axes, *(i for i in range(len(shape)) if i not in axes))
    return y if order == tuple(range(len(shape))) else np.transpose(y, np.argsort(order).tolist())


def _into_slices(values: Any, parts: list[Any], shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with the values at whole numbers and slices."""
    values = values[tuple(0 if p is None else None if isinstance(p, int) else slice(None) for p in parts)]
    for axis, part in enumerate(p for p in parts if p is not None):
        n = shape[axis]
        places = range(n)[part] if isinstance(part, slice) else range(part % n, part % n + 1)
        if len(places) < 2 or places.step == 1:
            values = _between_zeros(values, places[0] if places else 0, n, axis)
        elif places != range(n):
            values = np.moveaxis(_spread(np.moveaxis(values, axis, 0), np.array(places), n), 0, axis)
    return values


def _between_zeros(values: Any, first: int, n: int, axis: int) -> Any:
    """Zeros of length n along an axis, with the values from the first place on."""
    lengths = first, n - first - values.shape[axis]
    before, after = (
        np.zeros_like(values, shape=(*values.shape[:axis], k, *values.shape[axis + 1 :])) for k in lengths
    )
    pieces = [piece for piece in (before, values, after) if piece.shape[axis]]
    return np.concatenate(pieces, axis=axis) if len(pieces) > 1 else pieces[0] if pieces else values


def _spread(values: Any, places: np.ndarray, n: int) -> Any:
    """Zeros of length n along the first axis, with the slices of the values added at the places."""
    if not is_chunked(values) or not len(places):
        y = np.zeros_like(values, shape=(n, *values.shape[1:]))
        if len(places):
            np.add.at(y, places, values)
        return y
    rounds = _rounds(places)
    if rounds.max() >= values.numblocks[0]:
        return add_up(values, places, n)
    padded = np.concatenate([values, np.zeros_like(values[:1])])
    return sum(padded[_sources(places, rounds == i, n)] for i in range(rounds.max() + 1))


def _rounds(places: np.ndarray) -> np.ndarray:
    """How often the same place has come before: in each round every place is named once."""
    order = np.argsort(places, kind="stable")
    rounds = np.empty_like(places)
    rounds[order] = np.arange(len(places)) - np.searchsorted(places[order], places[order])
    return rounds


def _sources(places: np.ndarray, chosen: np.ndarray, n: int) -> np.ndarray:
    """For each of n places which of the chosen belongs there; where none does, the one after the last."""
    sources = np.full(n, len(places))
    sources[places[chosen]] = np.flatnonzero(chosen)
    return sources


# ---- reading an index


_not_computed = (
    "the indices are an array that is not computed yet: give a NumPy array of them; or whole numbers along "
    "the first axis alone, x[i]"
)


def _is_of_rows(index: Any) -> bool:
    """Whether it is whole numbers that are not computed yet, along the first axis alone."""
    index = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    return is_chunked(index) and index.dtype.kind in "iu"


def _parts(index: Any, shape: tuple[int, ...]) -> list[Any]:
    """An entry for each axis and each new one: a whole number, a slice, None, or an array of numbers."""
    given = [_part(part) for part in (index if isinstance(index, tuple) else (index,))]
    taken = sum(part.ndim if _is_mask(part) else part is not None and part is not Ellipsis for part in given)
    at = next((i for i, part in enumerate(given) if part is Ellipsis), len(given))
    rest = [slice(None)] * (len(shape) - taken)
    parts: list[Any] = []
    for part in [*given[:at], *rest, *given[at + 1 :]]:
        if not _is_mask(part):
            parts.append(part)
            continue
        axis = sum(p is not None for p in parts)
        if part.shape != shape[axis : axis + part.ndim]:
            raise IndexError(f"a mask of shape {part.shape} does not fit an array of shape {shape}")
        parts.extend(np.nonzero(part))
    return parts


def _part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if is_chunked(part):
        raise TypeError(_not_computed)
    array = to_numpy(part)
    array = array.astype(int) if not array.size and array.dtype.kind == "f" else array
    return array if array.ndim else int(array)


def _is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray) and part.dtype.kind == "b"


def _has_arrays(parts: list[Any]) -> bool:
    return any(isinstance(part, np.ndarray) for part in parts)


def _as_one(
    parts: list[Any], shape: tuple[int, ...]
) -> tuple[list[int], np.ndarray, tuple[int, ...], list[Any], int]:
    """(axes, places, shape, rest, front) of an index with arrays, beside which a whole number is one, too.

    The axes with arrays, made one axis, have their elements taken at the places, which then have this shape;
    the rest of the parts follow.  `front` is how many axes come before those of the arrays in the result.
    """
    at = [i for i, part in enumerate(parts) if isinstance(part, int | np.ndarray)]
    axes = [sum(p is not None for p in parts[:i]) for i in at]
    lengths = tuple(shape[axis] for axis in axes)
    arrays = []
    for i, n in zip(at, lengths, strict=True):
        array = np.asarray(parts[i])
        if array.size and not (-n <= array.min() and array.max() < n):
            raise IndexError(f"the indices run from {array.min()} to {array.max()}, along an axis of {n}")
        arrays.append(np.where(array < 0, array + n, array))
    together = tuple(np.broadcast_arrays(*arrays))
    places = np.ravel_multi_index(together, lengths) if together[0].size else np.zeros(0, int)
    rest = [part for i, part in enumerate(parts) if i not in at]
    apart = at[-1] - at[0] + 1 > len(at)
    return axes, places.ravel(), together[0].shape, rest, 0 if apart else at[0]


def _with_first(a: Any, axes: list[int]) -> Any:
    order = (*axes, *(i for i in range(a.ndim) if i not in axes))
    return a if order == tuple(range(a.ndim)) else np.transpose(a, order)


def _without(shape: tuple[int, ...], axes: list[int]) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)
