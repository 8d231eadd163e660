"""Faults to be planted in a backward pass: changes of a line that a person might have written.

They are the grader's changes, less those that show at first sight: a factor of 1, a number that comes out of
nowhere, a gradient that no longer depends on the one before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.check.grading.change import Change, Surroundings
from minigrad.check.grading.changes import changes
from minigrad.check.grading.distance import distance
from minigrad.check.grading.expression import Atom, Expression, Product, Sum, atoms, attempt, parts
from minigrad.check.grading.solution import Solution
from minigrad.program import Literal, Variable

_longest = 96
_seen = 1e-2
"""A fault changes its array by at least this fraction of its largest entry."""

_at_first_sight = tuple(
    map(re.compile, (r"(?<![\w.])1 [*/]", r"[*/] 1\b", r"\b(\w+) [-*/] \1\b", r"(?:^|\()-", r"[-+*/] -"))
)
"""A factor or divisor of 1, a value beside itself, a leading minus: nobody overlooks them."""


_always = frozenset((
    "mean for sum", "sum for mean", "sum left out", "axis", "comparison", "mask inverted", "transposed",
    "order", "term added",
))  # fmt: skip
"""Kinds of changes that might always be made."""


class Planted(NamedTuple):
    """A fault: the line, its right side as it should be and as it is, and the change."""

    line: Variable
    right: str
    faulty: str
    change: Change


def candidates(solution: Solution, lines: list[Variable]) -> Iterator[Planted]:
    """The faults that lines may get, given in the order in which they are computed."""
    for i, line in enumerate(lines):
        later = set(lines[i:])
        about = solution.surroundings(line)
        about = about._replace(gradients=about.gradients.intersection(lines))  # A3 is no gradient
        found = _of_line(solution, line, about)
        yield from (fault for fault in found if not later.intersection(atoms(fault.change.expression)))


def _of_line(solution: Solution, line: Variable, about: Surroundings) -> Iterator[Planted]:
    """The faults of a line, no two of which look the same."""
    expression = solution.lines[line]
    right = right_side(solution, line, expression)
    value = solution.values[line]
    seen = {right}
    known: dict[int, Any] = {}
    divisors = {name for other in solution.lines.values() for name in _divisors(other)}
    with np.errstate(all="ignore"):
        for change in changes(expression, about):
            if not _is_usual(change, about, expression, divisors):
                continue
            faulty_value = attempt(change.expression, solution.values, known)
            if np.shape(faulty_value) != np.shape(value) or np.asarray(faulty_value).dtype.kind != "f":
                continue
            if not (np.isfinite(faulty_value).all() and np.any(faulty_value)):
                continue
            if distance(faulty_value, value) < _seen:
                continue
            faulty = right_side(solution, line, change.expression)
            if faulty in seen or not _looks_right(faulty, right, line.name):
                continue
            seen.add(faulty)
            yield Planted(line, right, faulty, change)


def right_side(solution: Solution, line: Variable, expression: Expression) -> str:
    """What stands to the right of the sign of equality."""
    return solution.line_text(line, expression).partition(" = ")[2]


def _looks_right(faulty: str, right: str, own: str) -> bool:
    if len(faulty) > _longest or re.search(rf"\b{re.escape(own)}\b", faulty):
        return False
    return all(len(sight.findall(faulty)) <= len(sight.findall(right)) for sight in _at_first_sight)


def _is_usual(change: Change, about: Surroundings, before: Expression, divisors: set[str]) -> bool:
    """Whether a person might write it without noticing.

    divisors  the constants that the lines divide by
    """
    old, new = change.old, change.new
    upstream = about.gradients.intersection(atoms(before))
    if upstream and not about.gradients.intersection(atoms(change.expression)):
        return False
    match change.kind:
        case "factor dropped":
            return isinstance(old, Atom) and old.value not in about.gradients and old.value is not about.own
        case "slope dropped":
            return about.own is None or about.own not in atoms(old or before)
        case "factors dropped":
            dropped = set(atoms(old or before))
            return not about.gradients & dropped and about.own not in dropped
        case "factor inverted":
            return old is not None and _is_constant(old, about)
        case "factor added":
            divides = change.power < 0 and bool(divisors.intersection(_names(new)))
            terms = list(_changed_terms(before, change.expression))
            return divides and all(_is_new_to(new, term, about) for term in terms)
        case "term dropped" | "term negated":
            return True if upstream else change.kind == "term negated"
        case "term doubled" | "term halved":
            return old is not None and about.own is not None and about.own in atoms(old)
        case "constant exchanged":
            return isinstance(new, Sum) and change.far < 2 and change.power > 0 and _is_below(before, old)
        case "exchanged":
            return _is_like(old, new, about) and change.far <= 2.75
        case "bracket":
            return change.far < 2.5
        case "slope exchanged":
            return change.far <= 2.5 and all(z.label for z, _ in about.slopes)
    return change.kind in _always


def _is_constant(node: Expression, about: Surroundings) -> bool:
    return isinstance(node, Atom) and node.value in about.constants


def _is_new_to(new: Expression | None, term: Expression, about: Surroundings) -> bool:
    """Whether a factor is put to a term of an upstream gradient, in which it does not stand yet."""
    own = term.factors if isinstance(term, Product) else ()
    others = [factor for factor, _ in own if factor is not new]
    mentioned = {x for factor in others for x in atoms(factor)}
    return (
        bool(about.gradients & mentioned)
        and isinstance(new, Atom)
        and not any(_same(new, x) for x in mentioned)
    )


def _same(new: Atom, x: Variable) -> bool:
    return isinstance(new.value, Variable) and (new.value is x or new.value.label == x.label)


def _changed_terms(before: Expression, after: Expression) -> Iterator[Expression]:
    if isinstance(after, Sum):
        old = {id(term) for _, term in before.terms} if isinstance(before, Sum) else set()
        yield from (term for _, term in after.terms if id(term) not in old)
    else:
        yield after


def _names(node: Expression | None) -> set[str]:
    """What a constant is called, if it is one."""
    value = node.value if isinstance(node, Atom) else None
    return {str(value.label)} if isinstance(value, Variable) and value.kind == "constant" else set()


def _divisors(node: Expression) -> Iterator[str]:
    if isinstance(node, Product):
        for factor, power in node.factors:
            yield from _names(factor) if power < 0 else ()
    if not isinstance(node, Atom):
        for part in parts(node):
            yield from _divisors(part)


def _is_below(node: Expression, part: Expression | None) -> bool:
    """Whether something is a divisor in an expression, or in a term of it."""
    if isinstance(node, Sum):
        return any(_is_below(term, part) for _, term in node.terms)
    return isinstance(node, Product) and any(x is part and power < 0 for x, power in node.factors)


def _is_like(old: Expression | None, new: Expression | None, about: Surroundings) -> bool:
    """Whether one value that has a name is put for another of its kind: a gradient, an activation, a mask."""
    if not (isinstance(old, Atom) and isinstance(new, Atom)):
        return False
    x, y = old.value, new.value
    if isinstance(x, Literal) or isinstance(y, Literal) or not (x.label and y.label):
        return False
    if (x in about.gradients) != (y in about.gradients):
        return False
    kinds = {value.kind if value.equation is None else "result" for value in (x, y)}
    types = {np.asarray(about.values[value]).dtype for value in (x, y)}
    return len(kinds) == len(types) == 1
