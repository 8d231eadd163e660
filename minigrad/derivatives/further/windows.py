"""Windows that slide over an array, and their transpose, which adds the windows where they overlap.

as_strided has no row: it looks at memory, and what its strides mean depends on how the array lies there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.table import composition, derivative
from minigrad.tensor import primitive


@primitive
def windows(x: Any, *, shape: Any, axes: Any, stride: Any = 1, dilation: Any = 1) -> Any:
    """All windows of this shape:  y[p, k] = x[stride · p + dilation · k],  p where it is and k inside it.

    shape, axes  of a window: its lengths, and along which axes of x they are
    stride       from one window to the next, one for each axis or one for all
    dilation     from one element of a window to the next
    Shapes:      x (..., n, ...)  ->  (..., p, ..., k),  p = (n - dilation (k - 1) - 1) // stride + 1

    >>> windows(np.arange(5), shape=(3,), axes=(0,), stride=2)
    array([[0, 1, 2],
           [2, 3, 4]])
    """
    if len(shape) != len(axes):
        raise ValueError(f"a window of shape {shape} has {len(shape)} axes; wanted one for each of {axes}")
    stride, dilation = np.broadcast_to(stride, len(axes)), np.broadcast_to(dilation, len(axes))
    span = tuple(d * (k - 1) + 1 for d, k in zip(dilation.tolist(), shape, strict=True))
    every = [slice(None)] * np.ndim(x)
    for axis, step in zip(axes, stride.tolist(), strict=True):
        every[axis] = slice(None, None, step)
    inside = [slice(None, None, d) for d in dilation.tolist()]
    return np.lib.stride_tricks.sliding_window_view(x, span, axes)[(*every, *inside)]


@primitive
def overlap_add(values: Any, *, shape: Any, axes: Any, stride: Any = 1, dilation: Any = 1) -> Any:
    """Zeros of this shape with every window added at its place, where they overlap too: windows, transposed.

    One sum for each element of a window, over all windows at once.

    >>> overlap_add(np.ones((2, 3)), shape=(5,), axes=(0,), stride=2)
    array([1., 1., 2., 1., 1.])
    """
    y = np.zeros_like(values, shape=shape)
    stride, dilation = np.broadcast_to(stride, len(axes)), np.broadcast_to(dilation, len(axes))
    for place in np.ndindex(values.shape[y.ndim :]):
        at = [slice(None)] * y.ndim
        for axis, k, step, d in zip(axes, place, stride.tolist(), dilation.tolist(), strict=True):
            first = (at[axis].start or 0) + d * k  # windows may slide along one axis twice
            at[axis] = slice(first, first + step * (values.shape[axis % y.ndim] - 1) + 1, step)
        y[tuple(at)] += values[(..., *place)]
    return y


# fmt: off
derivative(windows, x=lambda g, x, axes, stride, dilation:
                        overlap_add(g, shape=x.shape, axes=axes, stride=stride, dilation=dilation),
           linear=True)
derivative(overlap_add, values=lambda g, values, axes, stride, dilation:
                        windows(g, shape=values.shape[g.ndim:], axes=axes, stride=stride, dilation=dilation),
           linear=True)
# fmt: on


@composition(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(x: Any, window_shape: Any, axis: Any = None) -> Any:
    shape = tuple(np.atleast_1d(window_shape).tolist())
    axes = range(x.ndim) if axis is None else axis
    return windows(x, shape=shape, axes=normalize_axis_tuple(axes, x.ndim, allow_duplicate=True))
