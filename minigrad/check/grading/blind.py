"""What these inputs cannot show: mistakes that give the right numbers where m = 1, λ = 0 ..."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.check.grading.change import Change
from minigrad.check.grading.distance import distance, rounding
from minigrad.check.grading.expression import attempt
from minigrad.check.grading.search import Finding, Search
from minigrad.check.grading.solution import Solution
from minigrad.check.grading.words import what
from minigrad.program import Variable

_near = 1.75
"""Mistakes that are no more far-fetched than this are looked at."""

_near_extra = 2
"""The same, for a term too many in what was handed in: a penalty of a bias that is 0."""

_visible = 1e-4
"""How far an array has to be off for a mistake to be seen."""

_shown = 3


class _Cause(NamedTuple):
    """What is special about these inputs.

    said    the same in words: m = 1
    advice  what would not be special: m = 7
    put     the value that is special, and one that is not; empty where it is the shape that is special
    """

    said: str
    advice: str
    put: Mapping[Variable, Any]


def notes(solution: Solution, search: Search) -> list[str]:
    """Sentences on mistakes that could not have been seen, and on inputs that would show them."""
    wrong = {line for line, finding in search.findings.items() if finding.verdict in ("wrong", "follows")}
    hidden = [
        (line, change)
        for line in solution.lines
        if line not in wrong
        for change in _unseen(solution, line, line in search.handed)
    ]
    undecided = [f for f in search.findings.values() if search.told_apart(f, solution.elsewhere)]
    causes = [cause for cause in _causes(solution) if _matters(cause, solution, search, hidden, undecided)]
    if not hidden and not (undecided and causes):
        return []
    texts = dict.fromkeys(
        f"{solution.derivation.source.written_name(line)} {what(solution, change)}" for line, change in hidden
    )
    said = "Some readings give the same numbers for these inputs only. "
    if texts:
        more = f", and {len(texts) - _shown} more" if len(texts) > _shown else ""
        listed = "; ".join(list(texts)[:_shown])
        said = f"These inputs cannot show some mistakes: {listed}{more} would look right. "
    why = f"That is so since {', '.join(cause.said for cause in causes)}. " if causes else ""
    better = [cause.advice for cause in causes] or ["numbers drawn at random for data and parameters"]
    return [f"{said}{why}Inputs that tell more: {'; '.join(dict.fromkeys(better))}."]


def _matters(
    cause: _Cause,
    solution: Solution,
    search: Search,
    hidden: list[tuple[Variable, Change]],
    undecided: list[Finding],
) -> bool:
    """Whether anything could be seen that cannot be, if this alone were not so."""
    if not cause.put:
        return bool(hidden)
    values = solution.with_others(cause.put)
    with np.errstate(all="ignore"):
        if any(
            distance(attempt(change.expression, values), values[line]) > _visible for line, change in hidden
        ):
            return True
    numbers = all(np.ndim(x) == 0 for x in cause.put.values())  # any other array would tell readings apart
    return numbers and any(search.told_apart(finding, values) for finding in undecided)


def _unseen(solution: Solution, line: Variable, handed_in: bool) -> Iterator[Change]:
    """Changes of a line that change nothing here, but would elsewhere."""
    here: dict[int, object] = {}
    there: dict[int, object] = {}
    right, right_there = solution.values[line], solution.elsewhere[line]
    told: list[object] = []  # what they would give elsewhere: W2.T and (dZ2 @ W2.T) are one mistake
    with np.errstate(all="ignore"):
        for change in solution.changes(line, _near_extra if handed_in else _near):
            if change.far > _near and change.kind != "term added":
                continue
            if distance(attempt(change.expression, solution.values, here), right) > rounding:
                continue
            value = attempt(change.expression, solution.elsewhere, there)
            same = any(distance(value, other) <= rounding for other in told)
            if value is not None and not same and distance(value, right_there) > _visible:
                told.append(value)
                yield change


def _causes(solution: Solution) -> Iterator[_Cause]:
    source = solution.derivation.source
    seen = set()
    for leaf in solution.program.leaves:
        value = np.asarray(solution.values[leaf])
        name = source.written_name(leaf)
        if name in seen:
            continue
        seen.add(name)
        if leaf.kind == "constant":
            generic: dict[float, tuple[float, str]] = {
                1: (7 if isinstance(solution.values[leaf], int) else 0.8, f"{name} = 1"),
                0.5: (0.8, f"{name} = 0.5 = 1 - {name}"),
                0: (0.9, f"{name} = 0"),
            }
            if float(value) in generic:
                better, said = generic[float(value)]
                alike = [x for x in solution.program.leaves if source.written_name(x) == name]
                yield _Cause(said, f"{name} = {better}", dict.fromkeys(alike, better))
        elif leaf.kind == "parameter" and value.ndim:
            random = {leaf: solution.elsewhere[leaf]}
            if not np.any(value):
                yield _Cause(f"{name} is 0", f"{name} drawn at random", random)
            elif value.ndim == 2 and value.shape == value.T.shape != (1, 1) and np.allclose(value, value.T):
                yield _Cause(f"{name} is symmetric", f"{name} that is not square", random)
        elif leaf.kind == "data" and value.ndim == 2 and len(value) == 1:
            yield _Cause(f"{name} has one row", f"{name} with 7 rows", {})
    for mask, array in solution.values.items():
        drawn = mask.equation is not None and mask.label and np.asarray(array).dtype == bool
        if drawn and np.size(array) > 1 and np.all(array):
            other = {mask: solution.elsewhere[mask]}
            yield _Cause(f"no unit was shut down by {mask.name}", "another seed for the masks", other)
