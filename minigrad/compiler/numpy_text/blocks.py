"""Large arrays are computed a few rows at a time, function after function, while they are in the cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from minigrad.program import Equation, Variable
from minigrad.random import uniform_draw

_large = 2**18
"""Bytes: arrays that are not larger stay in the cache by themselves."""

_block = 2**18
"""Bytes of an array that are computed at a time."""


class Statement(NamedTuple):
    """An equation, and the array that it is computed into: "" if it makes its own, or needs none."""

    equation: Equation
    place: str


@dataclass
class Block:
    """Statements that are computed by the same rows, one after the other.

    few    places of which nothing is needed afterwards -> arrays of one block's rows
    kept   statements whose values are needed afterwards
    read   places of what was computed before
    seen   values at whose other rows its statements look, too
    ends   those of them that are used for the last time
    freed  buffers that were given back meanwhile, of which other rows are still to be computed
    """

    statements: list[Statement] = field(default_factory=list)
    few: dict[str, str] = field(default_factory=dict)
    kept: list[Statement] = field(default_factory=list)
    read: set[str] = field(default_factory=set)
    seen: set[Variable] = field(default_factory=set)
    ends: list[Variable] = field(default_factory=list)
    freed: set[str] = field(default_factory=set)

    @property
    def outputs(self) -> set[Variable]:
        """What is computed in it."""
        return {s.equation.output for s in self.statements}

    @property
    def rows(self) -> int:
        """Of their arrays."""
        return self.statements[0].equation.output.tensor.shape[0] if self.statements else 0

    @property
    def size(self) -> int:
        """How many rows are computed at a time: as many as fit, or a divisor of all that is not much less."""
        bytes_of_row = max(s.equation.output.tensor.nbytes for s in self.statements) // self.rows
        most = max(1, _block // max(1, bytes_of_row))
        return max((n for n in range(most // 2 + 1, most + 1) if self.rows % n == 0), default=most)

    def draws_from(self, rng: Any) -> bool:
        """Whether a statement draws from this generator: draws stay in order."""
        drawing = [s.equation for s in self.statements if s.equation.function is uniform_draw]
        return any(rng is e.parameters["rng"] for e in drawing)


def rows_of(e: Equation) -> int:
    """How many rows an equation may be computed by; 0 if it may not."""
    shape = e.output.tensor.shape
    size = e.output.tensor.size * max(e.output.tensor.dtype.itemsize, 4)
    if len(shape) < 2 or size <= _large or any(_serves(x, shape) is None for x in e.inputs):
        return 0
    return shape[0]


def has_rows(x: Any, e: Equation) -> bool:
    """Whether an operand has the rows of the result; others serve every row."""
    return _serves(x, e.output.tensor.shape) == "row"


def _serves(x: Any, shape: tuple[int, ...]) -> str | None:
    """Whether an operand has a row for each of the result, or serves them all; None if it is neither."""
    of_x = x.tensor.shape if isinstance(x, Variable) else np.shape(x.value)
    if len(of_x) < len(shape) or of_x[0] == 1:
        return "all"
    return "row" if of_x[0] == shape[0] else None


def blocks_of(rows: int, size: int) -> list[slice]:
    """Slices of so many rows; the last may have less.

    >>> blocks_of(5, 3)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
