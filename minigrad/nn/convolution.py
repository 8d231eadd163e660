"""Convolutions: every window of x against every filter, as one einsum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.nn.initializers import he_normal
from minigrad.nn.letters import follow, named
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import whole
from minigrad.nn.sliding import bordered, check, for_each_axis, settings, slid
from minigrad.random import generator
from minigrad.tensor import Tensor


class _Convolution(Module):
    """z[m, o, p] = Σ_c Σ_k x[m, c, stride · p + dilation · k] W[o, c, k] + b[o], with as many axes p as k."""

    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        rng: Any = None,
        init: Callable[..., np.ndarray] = he_normal,
        dtype: Any = np.float64,
    ) -> None:
        who = type(self).__name__
        self.in_channels, self.out_channels, self.groups = whole(
            who, in_channels=in_channels, out_channels=out_channels, groups=groups
        )
        if in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{who}: groups={groups} does not divide {in_channels} channels in and {out_channels} out"
            )
        self.kernel_size = for_each_axis(self, "kernel_size", kernel_size)
        self.stride = for_each_axis(self, "stride", stride)
        self.dilation = for_each_axis(self, "dilation", dilation)
        self.padding = self._checked_padding(padding)
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel_size)
        weight = init(generator(rng, who), shape)
        if np.shape(weight) != shape:
            raise ValueError(f"{who}: init gave a weight of shape {np.shape(weight)}, not {shape}")
        self.weight = Parameter(weight, name="W", dtype=dtype)
        self.bias = Parameter(np.zeros(out_channels), name="b", decay=False, dtype=dtype) if bias else None

    def _checked_padding(self, padding: Any) -> Any:
        if not isinstance(padding, str):
            return for_each_axis(self, "padding", padding, least=0)
        if padding not in ("same", "valid"):
            raise ValueError(
                f'{type(self).__name__}: padding is "same", "valid" or whole numbers, not {padding!r}'
            )
        if padding == "same" and set(self.stride) != {1}:
            raise ValueError(
                f'{type(self).__name__}: padding="same" is for stride=1 alone, not for {self.stride}'
            )
        return padding

    @property
    def _border(self) -> tuple[tuple[int, int], ...]:
        """How much is put before and after x along each axis."""
        if self.padding == "valid":
            return ((0, 0),) * self.axes
        if self.padding == "same":
            missing = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
            return tuple((n // 2, n - n // 2) for n in missing)
        return tuple((n, n) for n in self.padding)

    def forward(self, x: Any) -> Tensor:
        """Every window of x against every filter, + b."""
        x = named(x, "X")
        check(self, x, self.in_channels, self._border)
        z = self._convolved(bordered(x, self._border))
        if self.bias is not None:
            z = z + self.bias.reshape(-1, *(1,) * self.axes)
        z.name = follow(self.weight.name, "W", "Z")
        return z

    def _convolved(self, x: Tensor) -> Tensor:
        p, k = "pq"[: self.axes], "kl"[: self.axes]
        W: Tensor = self.weight
        if self.groups == 1:
            return np.einsum(f"mc{p}{k},oc{k}->mo{p}", slid(self, x), W, optimize=True)
        x = x.reshape(len(x), self.groups, self.in_channels // self.groups, *x.shape[2:])
        W = W.reshape(self.groups, self.out_channels // self.groups, *W.shape[1:])
        z = np.einsum(f"mgc{p}{k},goc{k}->mgo{p}", slid(self, x), W, optimize=True)
        return z.reshape(len(x), self.out_channels, *z.shape[3:])

    def extra_repr(self) -> str:
        """in_channels, out_channels, and the settings that are not the usual ones."""
        shown = settings(self, kernel_size=None, stride=1, padding=0, dilation=1, groups=1)
        without = "" if self.bias is not None else ", bias=False"
        return f"{self.in_channels}, {self.out_channels}{shown}{without}"


class Conv1d(_Convolution):
    """z[m, o, p] = Σ_c Σ_k x[m, c, stride · p + dilation · k] W[o, c, k] + b[o],  a cross-correlation.

    kernel_size  of the filters
    stride       from one window of x to the next
    padding      zeros before and after x; "same": so many that z is as long as x; "valid": none
    dilation     from one element of a window to the next
    groups       into how many groups the channels are parted; each output sees those of its group alone
    rng, init    a numpy Generator, a RandomState or a seed, and an initialiser, as of Linear
    Shapes:      x (m, in_channels, n), weight (out_channels, in_channels / groups, kernel_size),
                 bias (out_channels,)  ->  (m, out_channels, p),
                 p = (n + 2 padding - dilation (kernel_size - 1) - 1) // stride + 1
    Raises:      ValueError for an x of another shape, or one shorter than a window.
    Source:      LeCun et al. 1998, section II, without turning the filters round: PyTorch's convention.

    >>> Conv1d(2, 3, 5, padding="same", rng=0)(np.ones((7, 2, 10))).shape
    (7, 3, 10)
    """

    axes = 1


class Conv2d(_Convolution):
    """z[m, o, p, q] = Σ_c Σ_k Σ_l x[m, c, p + k, q + l] W[o, c, k, l] + b[o],  a cross-correlation.

    kernel_size, stride, padding, dilation, groups, rng, init   as of Conv1d; one number for both axes, or two
    Shapes:  x (m, in_channels, height, width), weight (out_channels, in_channels / groups, *kernel_size),
             bias (out_channels,)  ->  (m, out_channels, p, q)
    Raises:  ValueError for an x of another shape, or one smaller than a window.
    Source:  LeCun et al. 1998, section II, without turning the filters round: PyTorch's convention.

    >>> layer = Conv2d(1, 8, 3, stride=2, rng=0); layer, layer(np.ones((7, 1, 9, 8))).shape
    (Conv2d(1, 8, kernel_size=3, stride=2)  W (8, 1, 3, 3), b (8,)  80 parameters, (7, 8, 4, 3))
    """

    axes = 2
