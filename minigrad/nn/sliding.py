"""What layers share that slide a window over x: a size for each axis, the border around x, what x must be."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.derivatives.further.windows import windows
from minigrad.derivatives.indexing import scatter_add
from minigrad.reading import describe
from minigrad.tensor import Tensor


def for_each_axis(layer: Any, name: str, value: Any, least: int = 1) -> tuple[int, ...]:
    """A whole number for each axis of the window: one for all, or one each."""
    axes = layer.axes
    sizes = value if isinstance(value, tuple | list) else (value,) * axes
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= least for n in sizes)
    if len(sizes) != axes or not whole:
        one_each = f", or {axes} of them" if axes > 1 else ""
        raise ValueError(
            f"{type(layer).__name__}: {name} must be a whole number of at least {least}{one_each}, "
            f"not {value!r}"
        )
    return tuple(map(int, sizes))


def check(layer: Any, x: Tensor, channels: Any, border: tuple[tuple[int, int], ...]) -> None:
    """Raise unless x is (m, channels, length ...), and with its border as long as one window at least."""
    lengths = "length" if layer.axes == 1 else "height, width"
    if x.ndim != layer.axes + 2 or (channels is not None and x.shape[1] != channels):
        wanted = f"(m, {'channels' if channels is None else channels}, {lengths})"
        raise ValueError(f"{type(layer).__name__}: x is {describe(x)}; wanted {wanted}")
    span = tuple(d * (k - 1) + 1 for d, k in zip(layer.dilation, layer.kernel_size, strict=True))
    room = tuple(n + sum(b) for n, b in zip(x.shape[2:], border, strict=True))
    if any(k > n for k, n in zip(span, room, strict=True)):
        raise ValueError(
            f"{type(layer).__name__}: x is {describe(x)}, {room} with its border; a window is {span}, "
            "which does not fit"
        )


def bordered(x: Tensor, border: tuple[tuple[int, int], ...], value: float = 0.0) -> Tensor:
    """x with so many entries of this value before and after it along each of its last axes.

    >>> bordered(Tensor([[1.0, 2.0]]), ((1, 2),))
    Tensor([[0., 1., 2., 0., 0.]])
    """
    if not any(map(any, border)):
        return x
    lead = x.ndim - len(border)
    place: Any = (
        ...,
        *(slice(before, before + n) for n, (before, _) in zip(x.shape[lead:], border, strict=True)),
    )
    shape = (*x.shape[:lead], *(n + sum(b) for n, b in zip(x.shape[lead:], border, strict=True)))
    y: Any = scatter_add(x, index=place, shape=shape)
    if value:
        inside = np.zeros(shape[lead:], bool)
        inside[place] = True
        y = np.where(inside, y, value)
    y.name = x.name and f"{x.name}_padded"
    return y


def slid(layer: Any, x: Tensor) -> Tensor:
    """The windows of x along its last axes, as the layer has them: (..., p, ..., k)."""
    steps = {"stride": layer.stride, "dilation": layer.dilation}
    steps = {name: step for name, step in steps.items() if set(step) != {1}}
    seen = windows(x, shape=layer.kernel_size, axes=tuple(range(-layer.axes, 0)), **steps)
    seen.name = x.name and f"{x.name}_windows"
    return seen


def settings(layer: Any, **defaults: Any) -> str:
    """The settings of a layer that are not the usual ones, as they are shown."""
    shown = {name: getattr(layer, name) for name in defaults}
    shown = {name: v[0] if isinstance(v, tuple) and len(set(v)) == 1 else v for name, v in shown.items()}
    return "".join(f", {name}={value!r}" for name, value in shown.items() if value != defaults[name])
