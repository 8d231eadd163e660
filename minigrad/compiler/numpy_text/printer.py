"""The lines of a text, and the objects that they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from math import prod
from typing import Any

import numpy as np

from minigrad.compiler.numpy_text.blocks import rows_of
from minigrad.program import Equation, Literal, Variable
from minigrad.random import is_generator

_called: Mapping[float, str] = {0: "zero", 1: "one"}
_called_many: Mapping[float, str] = {0: "zeros", 1: "ones"}

_long_row = 128
"""Elements: a loop over a row of them takes longer than it takes NumPy to go on to the next."""

_worth_keeping = 2**14
"""Up to so many elements, a constant array is kept where a loop over it is faster than one with a number."""


class Printer:
    """What is printed, line by line.

    lines    the statements so far
    reason   why the next one is as it is, which stands behind it
    objects  name -> what the text is executed with
    names    of values
    uses     how often each value is read
    """

    def __init__(self, taken: Collection[str], generators: Mapping[str, Any]) -> None:
        self.lines: list[str] = []
        self.reason = ""
        self.objects: dict[str, Any] = {"np": np, "copyto": np.copyto}
        self.names: dict[Variable, str] = {}
        self.uses: Counter[Any] = Counter()
        self._taken = {*taken, *generators}
        self._generators = generators
        self._constants: dict[Any, str] = {}

    def say(self, line: str) -> None:
        """A line, with the reason."""
        self.lines.append(f"{line}  # {self.reason}" if self.reason else line)
        self.reason = ""

    # ---- names

    def call(self, v: Variable, name: str) -> None:
        """Name a value, with a number if something else is called so."""
        self.names[v] = self._not_taken(name)
        self._taken.add(self.names[v])

    def object(self, value: Any, kind: str) -> str:
        """The name of an object, by which the text is given it."""
        for name, known in self.objects.items():
            if known is value:
                return name
        name = self._not_taken(kind)
        self.objects[name] = value
        return name

    def constant(self, array: np.ndarray, kind: str) -> str:
        """The name of an array, the same one for equal arrays."""
        key = array.shape, array.dtype, array.tobytes()
        if key not in self._constants:
            self._constants[key] = self.object(array, kind)
        return self._constants[key]

    def _not_taken(self, name: str) -> str:
        taken = self._taken | self.objects.keys()
        return next(x for x in _numbered(name, len(self.objects)) if x not in taken)

    # ---- operands

    def operand(self, x: Variable | Literal) -> str:
        """A value by its name, a number as it is written."""
        if isinstance(x, Variable):
            return self.names[x]
        value = x.value
        if type(value) in (int, float, bool):
            text = repr(value)
            if "inf" in text or "nan" in text:
                return self.object(value, "number")
            return f"({text})" if text.startswith("-") else text
        if value is None:
            return "None"
        return self.object(value, "array")

    def parameter(self, value: Any) -> str:
        """What is no array: a generator by its name, what is short as it is written."""
        if is_generator(value):
            return next(name for name, rng in self._generators.items() if rng is value)
        simple = value is None or isinstance(value, bool | int)
        if simple or (isinstance(value, tuple) and all(type(n) is int for n in value)):
            return repr(value)
        return self.object(value, "parameter")

    def ones(self, n: int, dtype: np.dtype) -> str:
        """The name of an array of ones, the same one for the same length."""
        return self.constant(np.ones(n, dtype), "ones")

    def number(self, value: float, dtype: np.dtype) -> str:
        """The name of a number as an array: NumPy need not look what it is and what its dtype would be."""
        return self.constant(np.array(value, dtype), _called.get(value, "number"))

    def as_array(self, x: Variable | Literal, name: str, dtype: np.dtype) -> str:
        """The name of an operand beside arrays of this dtype; of a Python number, if it pays, as an array."""
        if isinstance(x, Literal):
            return self.number(x.value, dtype) if type(x.value) in (int, float) else name
        if type(x.tensor._value) is not float or self.uses[x] < 2:
            return name
        array = f"scalar_{name}"
        if array not in self.objects:
            self.objects[array] = np.empty((), dtype)
            self.lines.append(f"{array}[()] = {name}")
        return array if self.objects[array].dtype == dtype else name

    def repeated(self, x: Variable | Literal, name: str, dtype: np.dtype, e: Equation) -> str:
        """The same of an operand of maximum, whose fast loops are for arrays: a number many times over."""
        shape = e.output.tensor.shape
        if not isinstance(x, Literal) or type(x.value) not in (int, float):
            return self.as_array(x, name, dtype)
        if shape[-1] >= _long_row:
            shape = shape[-1:]  # NumPy repeats it
        elif rows_of(e) or prod(shape) > _worth_keeping:
            return self.as_array(x, name, dtype)
        return self.constant(np.full(shape, x.value, dtype), _called_many.get(x.value, "numbers"))


def _numbered(name: str, first: int) -> Iterator[str]:
    yield name
    yield from (f"{name}_{i}" for i in count(first))
