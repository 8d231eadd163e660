"""What Numba compiles as one function: a stretch of a program."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.compiler.numba_text.buffers import Buffers
from minigrad.compiler.numba_text.elements import types
from minigrad.compiler.numba_text.loop_plan import Plan
from minigrad.compiler.numba_text.names import Names
from minigrad.program import Variable


class Part:
    """A function: its lines, and what it is given and finds.

    arrays   name -> type, of those that it reads and writes
    numbers  the same of the numbers that it reads
    found    the numbers that it computes
    helpers  the functions that it calls: name -> text
    """

    def __init__(self, plan: Plan, names: Names, buffers: Buffers) -> None:
        self.plan, self.names, self.buffers = plan, names, buffers
        self.lines: list[str] = []
        self.arrays: dict[str, str] = {}
        self.numbers: dict[str, str] = {}
        self.found: list[Variable] = []
        self.helpers: dict[str, str] = {}

    def array(self, v: Variable) -> str:
        """The name of an array that is read."""
        name, n = self.names[v], v.tensor.ndim
        if v in self.plan.place:
            self._is_given(self.plan.place[v][0], v, 1)
        elif v in self.buffers.of:
            buffer = self.buffers.of[v]
            self.arrays.setdefault(buffer, _type("write", v.tensor.dtype, n))
            line = f"{name} = {buffer}"
            if line not in self.lines:
                self.lines.insert(0, line)
        elif name not in self.arrays:
            self.arrays[name] = _type("read", v.tensor.dtype, n)
        return name

    def new_array(self, v: Variable) -> str:
        """The name of an array that a value is computed into."""
        name, n = self.names[v], v.tensor.ndim
        if v in self.plan.place:
            self._is_given(self.plan.place[v][0], v, 1)
        elif v in self.plan.fresh:
            self._is_given(name, v, n)
        else:
            self._is_given(self.buffers.of[v], v, n)
            self.lines.append(f"{name} = {self.buffers.of[v]}")
        return name

    def row(self, v: Variable) -> str:
        """The name of a buffer for one row of a value."""
        name, buffer = f"{self.names[v]}_row", self.buffers.rows[v]
        self._is_given(buffer, v, 1)
        self.lines.append(f"{name} = {buffer}")
        return name

    def _is_given(self, name: str, v: Variable, n: int) -> None:
        self.arrays[name] = _type("write", v.tensor.dtype, n)

    def number(self, v: Variable) -> str:
        """The name of a number that is read."""
        name = self.names[v]
        if v not in self.found:
            self.numbers.setdefault(name, types[v.tensor.dtype])
        return name

    def number_or_element(self, v: Variable) -> str:
        """A number, or an array's first element, that is read."""
        if not v.tensor.shape:
            return self.number(v)
        self.array(v)
        return self.element(v, ["0"] * v.tensor.ndim)

    def element(self, v: Variable, index: Sequence[str]) -> str:
        """An element of an array, or of the one that it is a part of."""
        if v not in self.plan.place:
            return f"{self.names[v]}[{', '.join(index)}]"
        block, start = self.plan.place[v]
        terms, stride = [str(start)] if start else [], 1
        for i, n in zip(index[::-1], v.tensor.shape[::-1], strict=True):
            if i != "0":
                terms.insert(0, f"{i} * {stride}" if stride > 1 else i)
            stride *= n
        return f"{block}[{' + '.join(terms) or '0'}]"

    def all_of(self, v: Variable) -> str:
        """All elements of an array."""
        if v not in self.plan.place:
            return f"{self.names[v]}[:]"
        block, start = self.plan.place[v]
        return f"{block}[{start}:{start + v.tensor.size}]"

    def printed(self, number: int, given: Sequence[str], returned: Sequence[str]) -> str:
        """The function, given its arrays and these of its numbers, which returns those that it found."""
        signature = ", ".join([*self.arrays.values(), *(self.numbers[name] for name in given)])
        lines = [f"@njit([({signature}{',' * bool(signature)})], **options)"]
        lines.append(f"def part_{number}({', '.join([*self.arrays, *given])}):")
        lines += [f"    {line}" for line in self.lines]
        if returned:
            lines.append(f"    return ({' '.join(f'{name},' for name in returned)})")
        return "\n".join(lines) + "\n"


def _type(kind: str, dtype: np.dtype, n: int) -> str:
    return f"{kind}({types[dtype]}, {n})"
