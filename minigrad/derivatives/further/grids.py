"""Grids whose ends are Tensors, powers of a column, and counts with weights."""

from __future__ import annotations

from operator import index as as_index
from typing import Any

import numpy as np

from minigrad.derivatives.further.keywords import cast
from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.shapes import method_of
from minigrad.other_arrays.foreign import alike, beside, is_chunked, to_numpy
from minigrad.table import composition
from minigrad.tensor import Tensor, plain


@composition(np.linspace)
def _linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, *, axis: int = 0
) -> Any:
    """start + t (stop - start), and stop itself in the end, as NumPy has it."""
    if as_index(num) < 0:
        raise ValueError(f"np.linspace: num={num}; it is how many numbers are wanted, 0 or more")
    parts = num - 1 if endpoint else num
    span = stop - start
    step = span / parts if parts > 0 else span * np.nan
    shape = (-1, *(1,) * np.ndim(span))
    steps = np.arange(num).astype(np.result_type(method_of(span).dtype, 0.0))
    steps = beside(np.reshape(steps, shape), span)
    y = start + (steps * step if parts > 0 else steps * span)
    if endpoint and num > 1:
        y = np.concatenate([y[:-1], np.broadcast_to(cast(alike(stop, span), y.dtype), np.shape(span))[None]])
    if axis % np.ndim(y):
        y = np.moveaxis(y, 0, axis)
    return (y, step) if retstep else y


@composition(np.logspace)
def _logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10.0, *, axis: int = 0
) -> Any:
    return np.power(base, _linspace(start, stop, num, endpoint, axis=axis))


@composition(np.geomspace)
def _geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, *, axis: int = 0) -> Any:
    """start (stop / start)ᵗ, and the ends themselves: both positive, or both negative."""
    start, stop = (
        float(x) if isinstance(x, int | float) else cast(x, np.result_type(method_of(x).dtype, float))
        for x in (start, stop)
    )
    if any(not is_chunked(plain(x)) and np.any(plain(x) == 0) for x in (start, stop)):
        raise ValueError("np.geomspace: a geometric sequence has no 0 in it")
    t = np.linspace(0.0, 1.0, num, endpoint)
    ratio = stop / start
    y = start * ratio ** beside(np.reshape(t, (-1, *(1,) * np.ndim(ratio))), ratio)
    ends = [np.broadcast_to(alike(end, ratio), np.shape(ratio))[None] for end in (start, stop)]
    if num > 1:
        y = np.concatenate([ends[0], y[1:-1], ends[1]] if endpoint else [ends[0], y[1:]])
    if axis % np.ndim(y):
        y = np.moveaxis(y, 0, axis)
    return y


@composition(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Columns x⁰, x¹ ... as running products, the highest power first unless they increase."""
    if x.ndim != 1:
        raise ValueError(f"np.vander: x has {x.ndim} axes; it takes one")
    x = cast(x, np.promote_types(x.dtype, int))
    columns = [x**0]
    for _ in range(1, len(x) if N is None else N):
        columns.append(columns[-1] * x)
    columns = columns[: len(x) if N is None else N]
    return np.stack(columns if increasing else columns[::-1], axis=1)


@composition(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Sums of weights over equal numbers x; of the counts themselves there is no gradient."""
    if not isinstance(weights, Tensor):
        return np.bincount(x.numpy() if isinstance(x, Tensor) else x, weights, minlength)
    x = to_numpy(x)
    if x.shape != weights.shape or x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise ValueError(
            f"np.bincount: x is {x.dtype} {x.shape}, the weights are {weights.shape}; x must be one axis of "
            "whole numbers from 0 on, with a weight for each"
        )
    n = max(int(x.max(initial=-1)) + 1, minlength)
    return scatter_add(weights.astype(float), index=x, shape=(n,))
