"""A program as the lines of a derivation: what is written on a line of its own, in which section and order.

Every reader that writes equations (NumPy source, LaTeX, words) writes these lines; what has no line is
written inside the line that uses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigrad.program.program import Equation, Program, Variable
from minigrad.program.roles import roles
from minigrad.random import is_generator
from minigrad.tensor import Tensor

sections = ("forward", "cost", "penalty", "backward")

_longest = 12
"""How many operations are written into one line, named constants and transposes not counted; in a sum, into
each of its terms."""

_most_terms = 60
"""How many terms of a sum are written into one line."""


_brief = frozenset((
    np.add, np.subtract, np.multiply, np.divide,
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal,
))  # fmt: skip
"""Functions that are written anew wherever they are used, if one operand is a number: 1 - A, Z > 0."""


_sums = (np.add, np.subtract)


class Line(NamedTuple):
    """One line of a derivation: the value whose equation it shows, and the section that it stands in."""

    value: Variable
    section: str


class Lines:
    """The lines of a program that has a loss among its outputs, and gradients of it.

    A value whose gradient has a line has one too, for the gradient is named after it.

    gradients  stamp of a value -> its gradient
    lines    in the order in which they are computed, section by section
    inline   the values that have no line: each is written where it is used
    """

    def __init__(self, program: Program, loss: Tensor, gradients: Mapping[int, Any]) -> None:
        self.program = program
        section = _sections(program, loss, {g.stamp for g in gradients.values()})
        self.inline = _inline(program, section)
        value_of: dict[
            int, int
        ] = {}  # a gradient without a name of its own -> the value that it is named after
        for stamp, g in gradients.items():
            if g.name is None:
                value_of.setdefault(g.stamp, stamp)
        named = {
            value_of.get(e.output.tensor.stamp) for e in program.equations if e.output not in self.inline
        }
        self.inline -= {value for value in self.inline if value.tensor.stamp in named}
        own = [e.output for e in program.equations if e.output not in self.inline]
        self.lines = [Line(value, section[value]) for value in _ordered(own, section, self)]

    def needs(self, value: Variable) -> list[Variable]:
        """The leaves and lines that the line of a value mentions, in the order of its operands."""
        found: dict[Variable, None] = {}
        waiting = [value]
        while waiting:
            equation = waiting.pop().equation
            assert equation is not None
            for x in reversed(equation.inputs):
                if isinstance(x, Variable):
                    if x in self.inline:
                        waiting.append(x)
                    else:
                        found[x] = None
        return list(found)


def _sections(program: Program, loss: Tensor, gradients: Collection[int]) -> dict[Variable, str]:
    """The section of every result.

    The cost begins after the last call of a module, or else after the last named array; what serves the
    backward pass but needs no gradient, and has a name, still belongs to the forward pass.
    """
    forward = Program(loss)
    part = {variable.tensor.stamp: role for variable, role in roles(forward).items()}
    results = [e.output for e in forward.equations]
    reduced = {x for e in forward.equations if e.output.tensor.size == 1 for x in e.inputs}
    ends = (
        [v for v in results if v.call is not None]
        or [v for v in results if v.label and v.tensor.ndim]
        or [v for v in results if v.tensor.size != 1 and v not in reduced]
        or results
    )
    end = max((v.tensor.stamp for v in ends), default=0)
    of_forward = {v.tensor.stamp for v in results}
    found: dict[Variable, str] = {}
    for equation in program.equations:
        value = equation.output
        stamp = value.tensor.stamp
        behind = {found[x] for x in equation.inputs if isinstance(x, Variable) and x in found}
        if stamp not in of_forward:
            hoisted = value.label and stamp not in gradients and "backward" not in behind
            found[value] = max(behind, key=sections.index, default="forward") if hoisted else "backward"
        elif part.get(stamp) == "penalty" or "penalty" in behind:  # the sum with the cost stands there too
            found[value] = "penalty"
        else:
            found[value] = "forward" if stamp <= end else "cost"
    return found


def _inline(program: Program, section: dict[Variable, str]) -> set[Variable]:
    """The values that are written where they are used: unnamed ones that are used once, or are short."""
    uses = Counter(x for e in program.equations for x in e.inputs if isinstance(x, Variable))
    used_in: dict[Variable, set[str]] = {}
    for equation in program.equations:
        for x in equation.inputs:
            if isinstance(x, Variable):
                used_in.setdefault(x, set()).add(section[equation.output])
    inline: set[Variable] = set()
    short: set[Variable] = set()
    length: dict[Variable, int] = {}
    terms: dict[Variable, int] = {}  # of sums
    next_of = dict(pairwise(program.equations))
    drawn: set[Variable] = set()  # what draws, or has what draws written inside it
    for equation in program.equations:
        value = equation.output
        inside = [x for x in equation.inputs if isinstance(x, Variable) and x in inline]
        if any(map(is_generator, equation.parameters.values())) or any(x in drawn for x in inside):
            drawn.add(value)
        if _is_short(value, inline, short):
            short.add(value)
        if equation.function in _sums:
            terms[value] = sum(terms.get(x, 1) for x in inside) + len(equation.inputs) - len(inside)
            length[value] = max((length[x] for x in inside), default=int(value not in short))
        else:
            length[value] = sum(length[x] for x in inside) + (value not in short)
        long = length[value] >= _longest or terms.get(value, 1) > _most_terms
        alone = uses[value] == 1 and used_in[value] == {section[value]}
        if value.label or value in program.outputs or not uses[value] or long:
            continue
        if value in drawn and not _follows(next_of.get(equation), value):
            continue  # written later, it would be drawn after others
        if alone or value in short:
            inline.add(value)
    return inline


def _follows(equation: Equation | None, value: Variable) -> bool:
    return equation is not None and any(x is value for x in equation.inputs)


def _is_short(value: Variable, inline: set[Variable], short: set[Variable]) -> bool:
    """Whether it is written anew wherever it is used: W.T, Z > 0, 1 - A, ones, a number made of constants."""
    equation = value.equation
    assert equation is not None
    operands = [x for x in equation.inputs if isinstance(x, Variable)]
    if not operands and equation.function is np.broadcast_to:
        return True
    if len(operands) == 1 and (equation.function is np.transpose or equation.function in _brief):
        return operands[0] not in inline
    return (
        not value.tensor.shape
        and bool(operands)
        and all(x.kind == "constant" or x in short for x in operands)
    )


def _ordered(own: list[Variable], section: dict[Variable, str], lines: Lines) -> list[Variable]:
    """The lines, section by section; a gradient of a leaf as soon as what it needs is there."""
    position = {value: i for i, value in enumerate(own)}
    wanted = {value: i for i, value in enumerate(lines.program.outputs)}

    def key(value: Variable) -> tuple[int, int, int, int]:
        if section[value] != "backward" or value not in wanted:
            return sections.index(section[value]), position[value], 0, 0
        last = max((position[x] for x in lines.needs(value) if x in position), default=-1)
        return sections.index("backward"), last, 1, wanted[value]

    return sorted(own, key=key)
