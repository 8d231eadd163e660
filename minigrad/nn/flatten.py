"""Flatten: several axes as one."""

from __future__ import annotations

from math import prod
from typing import Any

from minigrad.nn.letters import named
from minigrad.nn.module import Module
from minigrad.reading import describe
from minigrad.tensor import Tensor


class Flatten(Module):
    """The axes from start_dim to end_dim as one: before a Linear layer, all but that of the examples.

    Shapes:  x (m, ...)  ->  (m, n), n the product of the others, with the usual start_dim=1, end_dim=-1
    Raises:  ValueError for an x without these axes.

    >>> Flatten()(Tensor([[[1.0, 2.0], [3.0, 4.0]]])).shape
    (1, 4)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Tensor:
        """x in another shape."""
        x = named(x, "X")
        start, end = (i + x.ndim if i < 0 else i for i in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < x.ndim:
            raise ValueError(
                f"Flatten: x is {describe(x)}; it has no axes from {self.start_dim} to {self.end_dim}"
            )
        y = x.reshape(*x.shape[:start], prod(x.shape[start : end + 1]), *x.shape[end + 1 :])
        y.name = x.name and f"{x.name}_flat"
        return y

    def extra_repr(self) -> str:
        """start_dim, end_dim, unless they are the usual ones."""
        usual = (self.start_dim, self.end_dim) == (1, -1)
        return "" if usual else f"start_dim={self.start_dim}, end_dim={self.end_dim}"
