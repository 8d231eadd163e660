"""Pooling: of every window the largest element, or the mean."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import numpy as np

from minigrad.nn.letters import named
from minigrad.nn.module import Module
from minigrad.nn.sliding import bordered, check, for_each_axis, settings, slid
from minigrad.tensor import Tensor


class _Pooling(Module):
    axes: int
    _around: float
    """What is around x."""

    def __init__(self, kernel_size: Any, *, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> None:
        self.kernel_size = for_each_axis(self, "kernel_size", kernel_size)
        self.stride = self.kernel_size if stride is None else for_each_axis(self, "stride", stride)
        self.padding = for_each_axis(self, "padding", padding, least=0)
        self.dilation = for_each_axis(self, "dilation", dilation)
        if any(2 * n > k for n, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ValueError(
                f"{type(self).__name__}: padding={padding!r} is more than half of "
                f"kernel_size={kernel_size!r}: some windows would have nothing of x"
            )

    def forward(self, x: Any) -> Tensor:
        """One element for each window."""
        x = named(x, "X")
        border = tuple((n, n) for n in self.padding)
        check(self, x, None, border)
        y = self._of(_in_turn(slid(self, bordered(x, border, self._around)), self.axes))
        y.name = x.name and f"{x.name}_pool"
        return y

    def _of(self, elements: Tensor) -> Tensor:
        """What is taken of the elements of each window, which are along the first axis."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """kernel_size, and the settings that are not the usual ones."""
        usual = self.kernel_size[0] if len(set(self.kernel_size)) == 1 else self.kernel_size
        shown = settings(self, kernel_size=None, stride=usual, padding=0, dilation=1)
        return shown.removeprefix(", ")


def _in_turn(seen: Tensor, axes: int) -> Tensor:
    """(..., k, l) as (k l, ...), in memory too: NumPy reduces few long rows in a tenth of the time."""
    n = seen.ndim - axes
    turned = seen.transpose(*range(n, seen.ndim), *range(n)).ravel()
    return turned.reshape(prod(seen.shape[n:]), *seen.shape[:n])


class _MaxPooling(_Pooling):
    _around = -inf

    def _of(self, elements: Tensor) -> Tensor:
        return np.max(elements, axis=0)


class _AvgPooling(_Pooling):
    _around = 0.0

    def __init__(self, kernel_size: Any, *, stride: Any = None, padding: Any = 0) -> None:
        super().__init__(kernel_size, stride=stride, padding=padding)

    def _of(self, elements: Tensor) -> Tensor:
        return np.mean(elements, axis=0)


class MaxPool1d(_MaxPooling):
    """y[m, c, p] = max_k x[m, c, stride · p + dilation · k],  channel by channel.

    stride    from one window to the next: kernel_size, unless it is given
    padding   how far windows reach beyond x, where nothing is the largest
    Shapes:   x (m, c, n)  ->  (m, c, p)
    Rule:     the gradient goes to the largest element of each window; equal ones share it
    Raises:   ValueError for an x of another shape, and for a padding of more than half a window.

    >>> MaxPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
    Tensor([[[3., 2.]]], name='X_pool', made by np.max)
    """

    axes = 1


class MaxPool2d(_MaxPooling):
    """y[m, c, p, q] = max over a window of x[m, c],  as MaxPool1d; one number for both axes, or two.

    Shapes:  x (m, c, height, width)  ->  (m, c, p, q)

    >>> MaxPool2d(2)(np.ones((7, 3, 8, 9))).shape
    (7, 3, 4, 4)
    """

    axes = 2


class AvgPool1d(_AvgPooling):
    """y[m, c, p] = mean_k x[m, c, stride · p + k],  channel by channel.

    stride    from one window to the next: kernel_size, unless it is given
    padding   how far windows reach beyond x, where they find zeros, which count
    Shapes:   x (m, c, n)  ->  (m, c, p)
    Raises:   ValueError for an x of another shape, and for a padding of more than half a window.

    >>> AvgPool1d(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
    Tensor([[[2., 1.]]], name='X_pool', made by np.mean)
    """

    axes = 1


class AvgPool2d(_AvgPooling):
    """y[m, c, p, q] = the mean of a window of x[m, c],  as AvgPool1d; one number for both axes, or two.

    Shapes:  x (m, c, height, width)  ->  (m, c, p, q)

    >>> AvgPool2d((1, 2))(np.ones((7, 3, 8, 9))).shape
    (7, 3, 8, 4)
    """

    axes = 2
