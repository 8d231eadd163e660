"""np.pad: what stands before and after is joined on, along one axis after the other, as NumPy does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.shapes import at
from minigrad.other_arrays.foreign import beside
from minigrad.table import composition
from minigrad.tensor import fixed

_of_values: dict[str, Callable[..., Any]] = {
    "maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median,
}


_options = {
    "constant": "constant_values", "linear_ramp": "end_values", "edge": "", "wrap": "",
    "reflect": "reflect_type", "symmetric": "reflect_type", **dict.fromkeys(_of_values, "stat_length"),
}  # fmt: skip
"""Mode -> the keyword that it takes."""


@composition(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if not isinstance(mode, str) or mode not in _options:
        raise ValueError(f"mode={mode!r}: what it pads with is not known, or is not set ('empty')")
    if not options.keys() <= {_options[mode]}:
        raise ValueError(f"mode={mode!r} does not take {', '.join(options.keys() - {_options[mode]})}")
    if isinstance(pad_width, dict):
        given = [pad_width.get(i, pad_width.get(i - array.ndim, 0)) for i in range(array.ndim)]
        pad_width = [_pairs(width, 1)[0] for width in given]
    widths = _pairs(pad_width, array.ndim)
    if np.any(np.asarray(widths) < 0):
        raise ValueError(f"pad_width={pad_width!r} is negative")
    if mode == "constant":
        return _with_constants(array, widths, _pairs(options.get("constant_values", 0), array.ndim))
    ends = _pairs(options.get("end_values", 0), array.ndim)
    lengths = _pairs(options.get("stat_length"), array.ndim)
    for axis, width in enumerate(widths):
        if any(width):
            if mode == "linear_ramp":
                borders = _ramps(array, axis, width, ends[axis])
            elif mode in _of_values:
                borders = _statistics(array, axis, width, mode, lengths[axis])
            else:
                borders = _copies(array, axis, width, mode, options.get("reflect_type") == "odd")
            before, after = (x if x.dtype == array.dtype else x.astype(array.dtype) for x in borders)
            array = np.concatenate([before, array, after], axis=axis)
    return array


def _pairs(x: Any, ndim: int) -> list[Any]:
    """(before, after) for each axis, out of one number, one pair, or several."""
    return np.broadcast_to(np.asarray(fixed(x)), (ndim, 2)).tolist()


def _with_constants(array: Any, widths: list[Any], values: list[Any]) -> Any:
    inside = tuple(slice(before, before + n) for (before, _), n in zip(widths, array.shape, strict=True))
    shape = tuple(n + before + after for (before, after), n in zip(widths, array.shape, strict=True))
    y = scatter_add(array, index=inside, shape=shape)
    if not np.any(values):
        return y
    return y + beside(np.pad(np.zeros(array.shape, array.dtype), widths, constant_values=values), y)


def _copies(a: Any, axis: int, width: list[int], mode: Any, odd: bool) -> list[Any]:
    """Elements of a itself; or, odd, 2 · edge - element, where a is turned about its edge."""
    n, before = a.shape[axis], width[0]
    if odd and mode in ("reflect", "symmetric") and max(width) > n - (mode == "reflect"):
        raise ValueError(f"reflect_type='odd' reflects once, and {max(width)} is more than axis {axis} has")
    index = np.pad(np.arange(n), width, mode=mode)
    parts = [a[at(part, axis, a.ndim)] for part in (index[:before], index[before + n :])]
    if not odd or mode not in ("reflect", "symmetric"):
        return parts
    return [2 * edge - part for edge, part in zip(_edges(a, axis, 1, 1), parts, strict=True)]


def _edges(a: Any, axis: int, first: int, last: int) -> list[Any]:
    """The first and the last elements along an axis."""
    n = a.shape[axis]
    return [a[at(part, axis, a.ndim)] for part in (slice(0, first), slice(n - last, n))]


def _ramps(a: Any, axis: int, width: list[int], ends: list[Any]) -> list[Any]:
    """From the end value, which comes first, to the edge, which is a's own."""
    ramps = []
    for edge, n, end, step in zip(_edges(a, axis, 1, 1), width, ends, (1, -1), strict=True):
        places = np.reshape(np.arange(n)[::step], [-1 if i == axis else 1 for i in range(a.ndim)])
        ramps.append(beside(places, a) * ((edge - end) / max(n, 1)) + end)
    return [np.floor(x) for x in ramps] if a.dtype.kind in "iu" else ramps


def _statistics(a: Any, axis: int, width: list[int], mode: str, lengths: list[Any]) -> list[Any]:
    """The largest, smallest ... of the elements at either end, or of all."""
    counts = [a.shape[axis] if n is None else min(n, a.shape[axis]) for n in lengths]
    found = [_of_values[mode](part, axis=axis, keepdims=True) for part in _edges(a, axis, *counts)]
    if a.dtype.kind in "iu":
        found = [np.round(x) for x in found]
    shapes = [(*a.shape[:axis], n, *a.shape[axis + 1 :]) for n in width]
    return [np.broadcast_to(x, shape) for x, shape in zip(found, shapes, strict=True)]
