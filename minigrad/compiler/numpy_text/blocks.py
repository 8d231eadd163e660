"""Large arrays are computed a few rows at a time, function after function, while they are in the cache."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.program import Equation, Variable

_large = 2**18
"""Bytes: arrays that are not larger stay in the cache by themselves."""

_block = 2**18
"""Bytes of an array that are computed at a time."""


@dataclass
class Statement:
    """An equation that is computed row by row into an array.

    name      what its value is called
    place     the name of the array that it is computed into
    operands  their names, and whether they have the same rows (others serve every row)
    write     the text, of names of operands and of the array
    """

    equation: Equation
    name: str
    place: str
    operands: list[tuple[str, bool]]
    write: Callable[[list[str], str], str]
    reason: str


def rows_of(e: Equation) -> int:
    """How many rows an equation may be computed by; 0 if it may not."""
    shape = e.output.tensor.shape
    size = e.output.tensor.size * max(e.output.tensor.dtype.itemsize, 4)
    if len(shape) < 2 or size <= _large or any(_serves(x, shape) is None for x in e.inputs):
        return 0
    return shape[0]


def operands_of(e: Equation, names: list[str]) -> list[tuple[str, bool]]:
    """The names of operands, and whether they have the rows of the result."""
    shape = e.output.tensor.shape
    return [(name, _serves(x, shape) == "row") for x, name in zip(e.inputs, names, strict=True)]


def _serves(x: Any, shape: tuple[int, ...]) -> str | None:
    """Whether an operand has a row for each of the result, or serves them all; None if it is neither."""
    of_x = x.tensor.shape if isinstance(x, Variable) else np.shape(x.value)
    if len(of_x) < len(shape) or of_x[0] == 1:
        return "all"
    return "row" if of_x[0] == shape[0] else None


class Blocks:
    """Statements that are computed by the same rows, one after the other."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    @property
    def rows(self) -> int:
        """Of their arrays."""
        return self.statements[0].equation.output.tensor.shape[0] if self.statements else 0

    def size(self) -> int:
        """How many rows are computed at a time: as many as fit, or a divisor of all that is not much less."""
        bytes_of_row = max(s.equation.output.tensor.nbytes for s in self.statements) // self.rows
        most = max(1, _block // max(1, bytes_of_row))
        return max((n for n in range(most // 2 + 1, most + 1) if self.rows % n == 0), default=most)

    def lines(self, blocks: str, small: Mapping[str, str]) -> list[str]:
        """The statements as a loop.

        blocks  what the slices are called
        small   places of which nothing is needed afterwards -> arrays of one block's rows
        """
        places = {s.name: s.place for s in self.statements}

        def here(name: str, by_rows: bool = True) -> str:
            name = places.get(name, name)
            return small.get(name, f"{name}[rows]" if by_rows else name)

        lines = [f"for rows in {blocks}:  # while they are in the cache"]
        for s in self.statements:
            text = s.write([here(*operand) for operand in s.operands], here(s.place))
            lines.append(f"    {text}" + (f"  # {s.reason}" if s.reason else ""))
        return lines


def blocks_of(rows: int, size: int) -> list[slice]:
    """Slices of so many rows; the last may have less.

    >>> blocks_of(5, 3)
    [slice(0, 3, None), slice(3, 5, None)]
    """
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def mentions(text: str, name: str) -> bool:
    """Whether a name stands in a text.

    >>> mentions("add(buffer_12, b)", "buffer_1")
    False
    """
    return re.search(rf"\b{name}\b", text) is not None
