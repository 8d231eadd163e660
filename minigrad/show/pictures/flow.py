"""The backward pass over the lines of a derivation: which gradient goes into which, and by which rules.

What is told apart are values that have a line of their own: what is written inside a line has no gradient of
its own either, and the rules that lead through it are those of the line.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from minigrad.program import Equation, Variable
from minigrad.program.lines import Lines
from minigrad.program.roles import all_behind, terms_of
from minigrad.show import symbols
from minigrad.show.derivation.derive import Derivation
from minigrad.show.derivation.mathematics import mathematics
from minigrad.show.derivation.source import Source
from minigrad.show.rule_text import passes, rule_at
from minigrad.table import name_of
from minigrad.tensor import Tensor


class Gradient(NamedTuple):
    """The gradient of a value: its name, its equation as mathematics, and its line (None for a number)."""

    name: str
    text: str
    line: Variable | None


class Step(NamedTuple):
    """A gradient on its way back: from that of one value into that of another.

    terms  the terms of the loss that it comes from
    uses   what it goes back through: (equation, which of its inputs)
    """

    source: Variable
    target: Variable
    terms: tuple[Variable, ...]
    uses: tuple[tuple[Equation, int], ...]

    @property
    def rules(self) -> list[str]:
        """The rules of the table on the way; those that only pass g on, if there is no other: matmul: g bᵀ"""
        texts = {}
        for equation, i in self.uses:
            function = name_of(equation.function).rpartition(".")[2]
            rule = mathematics(rule_at(equation.output.tensor, i), _letters_of_numbers(equation))
            texts[f"{function}: {rule}"] = rule
        return [text for text, rule in texts.items() if rule != "g"] or list(texts)


_Way = dict[tuple[Equation, int], None]


class Flow:
    """A derivation as a graph of lines.

    values     the forward values that have a line, and the leaves, each before its first use
    gradients  value -> its gradient, for the values that have one
    helpers    the lines of the backward pass that are no gradients
    steps      the ways of the gradients, in the order of the backward pass
    terms      what the loss is a sum or difference of
    """

    def __init__(self, derivation: Derivation) -> None:
        program = derivation.program
        self.derivation = derivation
        self.loss = program.outputs[0]
        self.variables = {
            v.tensor.stamp: v for v in (*program.leaves, *(e.output for e in program.equations))
        }
        self.forward = all_behind([self.loss])
        on_the_way = (v for v in terms_of([self.loss]) if v.tensor.stamp in derivation.gradients)
        self.terms = sorted(on_the_way, key=lambda v: v.tensor.stamp)
        self.lines = Lines(program, derivation.loss, derivation.gradients)
        self._backward = {line.value for line in self.lines.lines if line.section == "backward"}
        self.lines.inline.difference_update(self.terms)
        self.source = Source(self.lines, "flow", {})
        self.numbers = {
            name for v in self.variables.values() if not v.tensor.shape for name in (v.name, self.name(v))
        }
        self.values = self._values()
        self.gradients = self._gradients()
        owned = {g.line for g in self.gradients.values()}
        self.helpers = [
            e.output for e in program.equations if e.output in self._backward and e.output not in owned
        ]
        self.steps = self._steps()

    @property
    def alone(self) -> list[Tensor]:
        """The values with a line whose gradient is written inside other lines."""
        on_the_way = (v.tensor for v in self.values if v not in self.gradients)
        return [x for x in on_the_way if x.stamp in self.derivation.gradients]

    # ---- values

    def name(self, value: Variable) -> str:
        """The name of a leaf or a line."""
        return self.source.written_name(value)

    def text(self, value: Variable) -> str:
        """The equation of a line as mathematics."""
        return mathematics(self.source.expression(value, own=True), self.numbers)

    def needs(self, value: Variable) -> list[Variable]:
        """The leaves and lines that a line mentions."""
        return self.lines.needs(value) if value.equation is not None else []

    def _values(self) -> list[Variable]:
        inline, found = self.lines.inline, dict[Variable, None]()
        for equation in self.derivation.program.equations:
            value = equation.output
            if value in inline or value in self._backward:
                continue
            found.update((x, None) for x in self.needs(value) if x.equation is None)
            found[value] = None
        for value in self._backward:
            found.update((x, None) for x in self.needs(value) if x.equation is None)
        found[self.loss] = None
        return list(found)

    def _gradients(self) -> dict[Variable, Gradient]:
        """The gradients that are lines, also of what has no line itself; and the numbers beside lines.

        Where values have one and the same gradient, its equation is that of the last of them: the others take
        it over.
        """
        sums = {self.loss, *self.terms}
        seen = set(self.values)
        first: dict[Variable, Variable] = {}
        found = {}
        others = [v for v in self.forward if v not in seen]
        for value in sorted([*self.values, *others], key=lambda v: (v in seen, v.tensor.stamp), reverse=True):
            g = self.derivation.gradients.get(value.tensor.stamp)
            if g is None:
                continue
            alias = g.stamp not in self.variables and g.function is np.positive
            if alias and isinstance(g.inputs[0], Tensor):
                g = g.inputs[0]  # the gradient of another value under a name that nothing mentions
            line = self.variables.get(g.stamp)
            name = f"d{self.name(value)}"
            if line in self._backward and line not in self.lines.inline:
                assert line is not None
                if line in first:
                    if value in seen:
                        found[value] = Gradient(name, f"d{self.name(first[line])}", line)
                    continue
                first[line] = value
                found[value] = Gradient(name, self.text(line), line)
            elif value in sums or (value in seen and (g.function is None or line in self.forward)):
                found[value] = Gradient(name, self._expression(g), line)
        return {value: found[value] for value in [*self.values, *others] if value in found}

    def _expression(self, g: Tensor) -> str:
        """A gradient that is a number, a value of the forward pass, or written inside other lines."""
        line = self.variables.get(g.stamp)
        if line is None:
            return symbols.in_place(g.data)
        return mathematics(self.source.expression(line), self.numbers)

    # ---- the way of the gradients

    def _steps(self) -> list[Step]:
        """Every gradient from those of the next values, through what is written inside the lines."""
        uses: dict[Variable, list[tuple[Equation, int]]] = {}
        equations = [e for e in self.derivation.program.equations if e.output in self.forward]
        for equation in equations:
            for i, x in enumerate(equation.inputs):
                if isinstance(x, Variable) and self._passes(equation, i):
                    uses.setdefault(x, []).append((equation, i))
        leaves = [leaf for leaf in self.derivation.program.leaves if leaf in uses]
        below, ahead = self._below(), dict[Variable, dict[Variable, _Way]]()
        terms: dict[Variable, set[Variable]] = {}
        steps = []
        for value in [*(e.output for e in reversed(equations)), *leaves]:
            ahead[value] = self._ahead(uses.get(value, ()), ahead)
            if value not in self.gradients:
                continue
            terms[value] = {value} if value in self.terms else below.get(value, set())
            for source, way in ahead[value].items():
                through = terms[source]
                if source in below and value in below:
                    through = below[value] | (through - below[source])
                terms[value] = terms[value] | through
                of = tuple(term for term in self.terms if term in through)
                steps.append(Step(source, value, of, tuple(way)))
        return steps

    def _ahead(
        self, uses: Iterable[tuple[Equation, int]], ahead: dict[Variable, dict[Variable, _Way]]
    ) -> dict[Variable, _Way]:
        """The next values that have a gradient, and the uses on the way from each of them."""
        found: dict[Variable, _Way] = {}
        for equation, i in uses:
            y = equation.output
            ways = {y: {}} if y in self.gradients else ahead[y]
            for source, way in ways.items():
                found.setdefault(source, {}).update({**way, (equation, i): None})
        return found

    def _passes(self, equation: Equation, i: int) -> bool:
        x = equation.inputs[i]
        on_the_way = isinstance(x, Variable) and x.tensor.stamp in self.derivation.gradients
        return on_the_way and passes(equation.output.tensor, i)

    def _below(self) -> dict[Variable, set[Variable]]:
        """For the loss, the terms and the sums between: the terms that they are sums of."""
        sums: dict[Variable, None] = {}
        waiting = [self.loss]
        while waiting:
            value = waiting.pop()
            if value not in sums and value not in self.terms and value.equation is not None:
                sums[value] = None
                waiting += [x for x in value.equation.inputs if isinstance(x, Variable)]
        below = {term: {term} for term in self.terms}
        for value in sorted(sums, key=lambda v: v.tensor.stamp):
            assert value.equation is not None
            inner = [below.get(x, set()) for x in value.equation.inputs if isinstance(x, Variable)]
            below[value] = set().union(*inner)
        return below


def _letters_of_numbers(equation: Equation) -> set[str]:
    """The letters of a rule that stand for numbers: of arguments, and g and y where the result is one."""
    found = {
        name
        for name, x in zip(equation.operands, equation.inputs, strict=True)
        if not np.shape(x.tensor if isinstance(x, Variable) else x.value)
    }
    return found if equation.output.tensor.shape else found | {"g", "y"}
