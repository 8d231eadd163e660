"""The terms of a loss and their gradients as text, in one set of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from minigrad.program import Program, Variable
from minigrad.program.lines import Line, Lines
from minigrad.show.derivation.source import Source
from minigrad.tensor import Tensor

_longest, _brief = 16, 2
"""How many operations are written in place of a value that is used once, or is a number made of constants;
and of one that is used again."""


class _Inlined(Lines):
    """A value without a name is written where it is used, unless it is long, or used again and not brief."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.inline = self._without_line()
        self.lines = [Line(e.output, "") for e in program.equations if e.output not in self.inline]

    def _without_line(self) -> set[Variable]:
        uses: dict[Variable, int] = {}
        waiting = list(self.program.outputs[1:])  # not of the loss, whose terms stand beside it once more
        seen = set(waiting)
        while waiting:
            equation = waiting.pop().equation
            for x in equation.inputs if equation else ():
                if isinstance(x, Variable):
                    uses[x] = uses.get(x, 0) + 1
                    if x not in seen:
                        seen.add(x)
                        waiting.append(x)
        inline: set[Variable] = set()
        numbers: set[Variable] = set()
        length: dict[Variable, int] = {}
        for equation in self.program.equations:
            value = equation.output
            inside = [x for x in equation.inputs if isinstance(x, Variable) and x in inline]
            length[value] = sum(length[x] for x in inside) + (equation.function is not np.transpose)
            operands = [x for x in equation.inputs if isinstance(x, Variable)]
            if not value.tensor.shape and all(x.kind == "constant" or x in numbers for x in operands):
                numbers.add(value)
            limit = _longest if uses.get(value, 0) == 1 or value in numbers else _brief
            if not value.label and value not in self.program.outputs and length[value] <= limit:
                inline.add(value)
        return inline


class TermsText:
    """Writes the terms and their gradients in one set of names, and keeps account of what they mention."""

    def __init__(
        self, loss: Tensor, forward: Program, scaled: Sequence[Tensor], gradients: Sequence[Tensor]
    ) -> None:
        program = Program([loss, *scaled, *gradients], {loss: "J"})
        self.lines = _Inlined(program)
        self.source = Source(self.lines, "terms", {})
        self.variables = {v.tensor.stamp: v for v in variables_of(program)}
        self.of_forward = {v.tensor.stamp for v in variables_of(forward) if v.label}
        self.written: list[str] = []
        self.shown = [*scaled, *gradients]

    def of(self, tensor: Tensor) -> str:
        """The equation of a term or a gradient; the name of a leaf."""
        variable = self.variables[tensor.stamp]
        text = self.source.expression(variable, own=variable.equation is not None)
        self.written.append(text)
        return text

    def where(self) -> dict[str, str]:
        """Name -> equation of what is mentioned and the forward pass does not name; the constants first."""
        values = self._mentioned()
        found: dict[str, str] = {}
        for leaf in self.lines.program.leaves:
            if leaf in values and leaf.kind == "constant":
                found[self.source.written_name(leaf)] = repr(leaf.tensor.item())
        for equation in self.lines.program.equations:
            value = equation.output
            if value in values and value.tensor.stamp not in self.of_forward:
                found[self.source.written_name(value)] = self.of(value.tensor)
        leaves = {self.source.written_name(leaf) for leaf in self.lines.program.leaves if leaf.label}
        for name, value in self.source.arguments.items():
            if not hasattr(value, "shape") or name in leaves | found.keys():
                continue  # a generator or a function is its own name
            if any(re.search(rf"\b{name}\b", text) for text in self.written):
                found[name] = f"an array {value.shape} without a name"
        return found

    def _mentioned(self) -> set[Variable]:
        found: set[Variable] = set()
        waiting = [v for v in map(self.variables.get, (t.stamp for t in self.shown)) if v and v.equation]
        while waiting:
            for x in self.lines.needs(waiting.pop()):
                if x not in found:
                    found.add(x)
                    if x.equation is not None and x.tensor.stamp not in self.of_forward:
                        waiting.append(x)
        return found


def variables_of(program: Program) -> list[Variable]:
    """All of its values."""
    return [*program.leaves, *(equation.output for equation in program.equations)]
