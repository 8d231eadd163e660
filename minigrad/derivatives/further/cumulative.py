"""Running sums and products, differences of neighbours, slopes, and areas.

A running product is differentiated without a division, so zeros in it do no harm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.derivatives.further.keywords import cast
from minigrad.derivatives.shapes import at
from minigrad.other_arrays.foreign import alike, beside
from minigrad.table import composition, derivative
from minigrad.tensor import primitive

derivative(np.cumsum,  "a, /, axis=None",
           a=lambda g, a, axis: np.reshape(_backwards(np.cumsum, g, axis), a.shape), linear=True)
derivative(np.cumprod, "a, /, axis=None",
           a=lambda g, y, a, axis: np.reshape(_of_factors(g, y, a, axis), a.shape))


@primitive
def recurrence(x: Any, a: Any, *, axis: int = -1) -> Any:
    """yᵢ = xᵢ + aᵢ yᵢ₋₁  along the axis, from y₋₁ = 0; its transpose is the same from the end.

    Shapes:  x and a alike.

    >>> recurrence(np.array([1.0, 0.0, 3.0]), np.array([9.0, 0.5, 0.5]))
    array([1.  , 0.5 , 3.25])
    """
    y = np.moveaxis(x, axis, 0).astype(np.result_type(x, a))
    for i, factor in enumerate(np.moveaxis(a, axis, 0)[1:], start=1):
        y[i] += factor * y[i - 1]
    return np.moveaxis(y, 0, axis)


derivative(recurrence, x=lambda g, a, axis: _from_the_end(g, a, axis),
                       a=lambda g, y, a, axis: _from_the_end(g, a, axis) * _shifted(y, 0, axis))


@composition(*filter(None, (getattr(np, "cumulative_sum", None),)))  # from NumPy 2.1 on
def _cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    return _after(0 if include_initial else None, np.cumsum(x, _the_axis(x, axis)), axis or 0)


@composition(*filter(None, (getattr(np, "cumulative_prod", None),)))
def _cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False) -> Any:
    return _after(1 if include_initial else None, np.cumprod(x, _the_axis(x, axis)), axis or 0)


# ---- differences, slopes and areas


@composition(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0:
        raise ValueError(f"np.diff: n={n}; it is how many times differences are taken, 0 or more")
    ends = (x if x is None else alike(x, a) for x in (prepend, append))
    before, after = (x if x is None or x.ndim else _slice_of(x, a, axis) for x in ends)
    a = _after(before, a, axis, after)
    for _ in range(n):
        later, earlier = along(a, slice(1, None), axis), along(a, slice(None, -1), axis)
        a = np.not_equal(later, earlier) if a.dtype == bool else np.subtract(later, earlier)
    return a


@composition(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ends = [
        x if x is None else cast(np.ravel(alike(x, ary)), ary.dtype, "same_kind") for x in (to_begin, to_end)
    ]
    return _after(ends[0], np.diff(np.ravel(ary)), 0, ends[1])


@composition(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """The slopes of the parabolas through three neighbours each; at the edges of lines, or of parabolas."""
    f, *spacings = (_floating(x) if np.ndim(x) else x for x in (f, *varargs))
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    if len(spacings) not in {0, len(axes)} and not (len(spacings) == 1 and np.ndim(spacings[0]) == 0):
        raise TypeError(
            f"np.gradient: {len(spacings)} spacings for {len(axes)} axes; give none, one number, or one each"
        )
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order={edge_order}; it must be 1 or 2")
    given = spacings if len(spacings) == len(axes) else (spacings or [1.0]) * len(axes)
    slopes = tuple(_slopes(f, spacing, i, edge_order) for i, spacing in zip(axes, given, strict=True))
    return slopes[0] if len(slopes) == 1 else slopes


def _slopes(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    n = f.shape[axis]
    if n <= edge_order or np.ndim(spacing) > 1 or (np.ndim(spacing) and np.shape(spacing) != (n,)):
        raise ValueError(
            f"np.gradient: {n} elements along axis {axis}, a spacing of shape {np.shape(spacing)} and "
            f"edge_order={edge_order}; wanted: more elements than that, and a number or a coordinate each"
        )

    def part(x: Any, start: int | None, stop: int | None = None) -> Any:
        return along(x, slice(start, stop), axis)

    steps = np.diff(spacing) if np.ndim(spacing) else spacing * beside(np.ones(n - 1, f.dtype), f)
    h = np.reshape(steps.astype(f.dtype), [n - 1 if i == axis else 1 for i in range(f.ndim)])
    secants = np.diff(f, axis=axis) / h
    bends = np.diff(secants, axis=axis) / (part(h, 1) + part(h, None, -1))  # half of the second derivative
    inner = part(secants, None, -1) + part(h, None, -1) * bends
    first, last = part(secants, None, 1), part(secants, -1)
    if edge_order == 2:
        first = first - part(h, None, 1) * part(bends, None, 1)
        last = last + part(h, -1) * part(bends, -1)
    return np.concatenate([first, inner, last], axis=axis)


@composition(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = _floating(y)
    axis = normalize_axis_index(axis, y.ndim)
    if np.ndim(x) == 1:
        dx = np.reshape(np.diff(x), (-1, *(1,) * (y.ndim - 1 - axis)))
    elif x is not None:
        dx = np.diff(x, axis=axis)
    return np.sum(dx * (along(y, slice(1, None), axis) + along(y, slice(None, -1), axis)) / 2.0, axis=axis)


def _floating(x: Any) -> Any:
    return x if getattr(x, "dtype", np.dtype(int)).kind in "fc" else np.multiply(x, 1.0)


def along(x: Any, index: Any, axis: int) -> Any:
    """x[index] along one axis."""
    return x[at(index, normalize_axis_index(axis, x.ndim), x.ndim)]


_back = slice(None, None, -1)


def _backwards(running: Any, x: Any, axis: int | None) -> Any:
    """The running function from the end."""
    return along(running(along(x, _back, axis or 0), axis or 0), _back, axis or 0)


def _from_the_end(g: Any, a: Any, axis: int) -> Any:
    """zᵢ = gᵢ + aᵢ₊₁ zᵢ₊₁."""
    after = _shifted(along(a, _back, axis), 0, axis)
    return along(recurrence(along(g, _back, axis), after, axis=axis), _back, axis)


def _of_factors(g: Any, y: Any, a: Any, axis: int | None) -> Any:
    """∂L/∂aᵢ = a₀ ... aᵢ₋₁ (gᵢ + aᵢ₊₁ gᵢ₊₁ + aᵢ₊₁ aᵢ₊₂ gᵢ₊₂ + ...)."""
    a, axis = (np.reshape(a, (-1,)), 0) if axis is None or not a.ndim else (a, axis)
    return _shifted(y, 1, axis) * _from_the_end(g, a, axis)


def _shifted(y: Any, first: float, axis: int) -> Any:
    """yᵢ₋₁, with this number in front."""
    return along(_after(first, y, axis), slice(None, -1), axis)


def _after(first: Any, x: Any, axis: int, last: Any = None) -> Any:
    """x with something in front along the axis, and behind: arrays, numbers, or nothing."""
    axis = normalize_axis_index(axis, x.ndim)
    parts = [
        _slice_of(part, x, axis).astype(x.dtype) if np.ndim(part) == 0 else part
        for part in (first, x, last)
        if part is not None
    ]
    return np.concatenate(parts, axis=axis) if len(parts) > 1 else x


def _slice_of(number: Any, x: Any, axis: int) -> Any:
    """A number, as often as a slice of x along the axis has elements."""
    axis = normalize_axis_index(axis, x.ndim)
    return np.broadcast_to(alike(number, x), (*x.shape[:axis], 1, *x.shape[axis + 1 :]))


def _the_axis(x: Any, axis: int | None) -> int:
    if axis is None and x.ndim > 1:
        raise ValueError(f"a running sum or product of an array of shape {x.shape} needs its axis=")
    return axis or 0
