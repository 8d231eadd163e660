"""What these inputs cannot show: mistakes that give the right numbers where m = 1, λ = 0 ..."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.grading.distance import distance, rounding
from minigrad.check.grading.expression import attempt
from minigrad.check.grading.search import Search
from minigrad.check.grading.solution import Solution
from minigrad.check.grading.words import what
from minigrad.program import Variable

_near = 1.75
"""Mistakes that are no more far-fetched than this are looked at."""

_shown = 3


def notes(solution: Solution, search: Search) -> list[str]:
    """Sentences on mistakes that could not have been seen, and on inputs that would show them."""
    wrong = {line for line, finding in search.findings.items() if finding.verdict in ("wrong", "follows")}
    hidden = {
        line: found for line in solution.lines if line not in wrong and (found := _unseen(solution, line))
    }
    undecided = any(len(finding.explanations) > 1 for finding in search.findings.values())
    causes = list(_causes(solution))
    if not hidden and not (undecided and causes):
        return []
    texts = [
        f"{solution.derivation.source.written_name(line)} {mistake}"
        for line, found in hidden.items()
        for mistake in found
    ]
    said = ""
    if texts:
        more = f", and {len(texts) - _shown} more" if len(texts) > _shown else ""
        said = f"These inputs cannot show some mistakes: {'; '.join(texts[:_shown])}{more} would look right. "
    why = f"That is so since {', '.join(cause for cause, _ in causes)}. " if causes else ""
    better = [advice for _, advice in causes] or ["numbers drawn at random for data and parameters"]
    return [f"{said}{why}Inputs that tell more: {'; '.join(dict.fromkeys(better))}."]


def _unseen(solution: Solution, line: Variable) -> list[str]:
    """Changes of a line that change nothing here, but would elsewhere."""
    here: dict[int, object] = {}
    there: dict[int, object] = {}
    right, right_there = solution.values[line], solution.elsewhere[line]
    found: dict[str, None] = {}
    with np.errstate(all="ignore"):
        for change in solution.changes(line, _near):
            if distance(attempt(change.expression, solution.values, here), right) > rounding:
                continue
            value = attempt(change.expression, solution.elsewhere, there)
            if value is not None and distance(value, right_there) > 1e-4:
                found[what(solution, change)] = None
    return list(found)


def _causes(solution: Solution) -> Iterator[tuple[str, str]]:
    """(what is special about these inputs, what would not be)."""
    source = solution.derivation.source
    seen = set()
    for leaf in solution.program.leaves:
        value = np.asarray(solution.values[leaf])
        name = source.written_name(leaf)
        if name in seen:
            continue
        seen.add(name)
        if leaf.kind == "constant":
            if value == 1 and isinstance(solution.values[leaf], int):
                yield f"{name} = 1", f"{name} = 7"
            elif value == 1:
                yield f"{name} = 1", f"{name} = 0.8"
            elif value == 0.5:
                yield f"{name} = 0.5 = 1 - {name}", f"{name} = 0.8"
            elif value == 0:
                yield f"{name} = 0", f"{name} = 0.9"
        elif leaf.kind == "parameter" and value.ndim == 2 and value.size > 1:
            if not np.any(value):
                yield f"{name} is 0", f"{name} drawn at random"
            elif value.shape == value.T.shape and np.allclose(value, value.T):
                yield f"{name} is symmetric", f"{name} that is not square"
        elif leaf.kind == "data" and value.ndim == 2 and len(value) == 1:
            yield f"{name} has one row", f"{name} with 7 rows"
    for mask, array in solution.values.items():
        drawn = mask.equation is not None and mask.label and np.asarray(array).dtype == bool
        if drawn and np.size(array) > 1 and np.all(array):
            yield f"no unit was shut down by {mask.name}", "another seed for the masks"
