"""The search for the mistake: which change of which line gives the student's numbers.

The lines are gone through in the order in which they are computed, each with what the student handed in for
the lines before it.  So an array that is wrong only because an earlier one is, is told from one in which a
mistake was made; a line that was not handed in is searched together with the next one that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, NamedTuple

import numpy as np

from minigrad.check.grading.budget import Budget
from minigrad.check.grading.distance import distance, loosest, rounding, single_rounding
from minigrad.check.grading.explanations import Explainer, Explanation
from minigrad.check.grading.expression import atoms, attempt
from minigrad.check.grading.solution import Solution
from minigrad.program import Variable


class Finding(NamedTuple):
    """What was found of one array.

    verdict       "right", "rounded" (right up to rounding of float32 or float16), "follows" or "wrong"
    error         largest difference from the right array over its largest entry; inf for another shape
    follows       the lines that it follows from
    explanations  for a wrong one: explanations that give different numbers elsewhere, the likeliest first
    """

    verdict: str
    error: float
    follows: tuple[Variable, ...] = ()
    explanations: tuple[Explanation, ...] = ()


class Search:
    """One submission, gone through from the loss to the leaves.

    findings  what was found of each array that was handed in
    in_spite  how many arrays are right although one that they come from is not
    cost      how much is wrong: mistakes, what is not explained, and what is right in spite of a mistake
    dear      whether it was left before its end, since it would have cost more than `most`
    """

    def __init__(
        self,
        solution: Solution,
        handed: Mapping[Variable, np.ndarray],
        budget: Budget,
        most: float = inf,
    ) -> None:
        self.solution = solution
        self.handed = handed
        self.findings: dict[Variable, Finding] = {}
        self.in_spite = self.cost = 0
        self.dear = False
        self._most = most
        self._explainer = Explainer(solution, handed, budget)
        self._now: dict[Variable, Any] = dict(solution.values)  # what every value is in the student's hands
        with np.errstate(all="ignore"):
            for line in handed:
                if line not in solution.lines:  # a number, or one that is another line's
                    self.findings[line] = self._without_a_line(line)
            for line in solution.lines:
                self._visit(line)
                if self.dear:
                    return

    def told_apart(self, finding: Finding, values: Mapping[Variable, Any]) -> bool:
        """Whether the explanations of a finding differ, where the right solution has these values."""
        with np.errstate(all="ignore"):
            return len(finding.explanations) > 1 and self._explainer.told_apart(finding.explanations, values)

    def _visit(self, line: Variable) -> None:
        expected = attempt(self._explainer.lines[line], self._now)
        if line not in self.handed:
            self._now[line] = expected
            return
        finding = self._finding(line, expected)
        if finding is None or self.cost > self._most:
            self.dear = True
            return
        self.findings[line] = finding
        if finding.explanations:
            self._adopt(finding.explanations[0], line)
        if finding.explanations or finding.verdict != "wrong":
            self._explainer.settled.update(self._explainer.hidden(line))
        given, right = self.handed[line], self.solution.values[line]
        self._now[line] = given if np.shape(given) == np.shape(right) else right

    def _finding(self, line: Variable, expected: Any) -> Finding | None:
        """What is to be said of an array, of which this is expected with what was handed in before it.

        None where it is wrong, and no explanation can cost so little that it would be of use.
        """
        given, right = self.handed[line], self.solution.values[line]
        upstream = self._mistaken(line)
        error, follows_error = distance(given, right), distance(given, expected)
        allowed = loosest(given)
        if error <= rounding or error <= allowed < follows_error:
            in_spite = bool(upstream) and distance(expected, right) > single_rounding
            self.in_spite += in_spite
            self.cost += in_spite
            return Finding(_right(error), error)
        if upstream and follows_error <= allowed:
            return Finding("follows", error, tuple(upstream))
        if error <= allowed:
            return Finding("rounded", error)
        if self.cost >= self._most:
            return None
        contexts = [self._now, self.solution.values] if upstream else [self._now]
        found = self._explainer.explanations(line, contexts)
        self.cost += len(found[0].changes) if found else 2
        return Finding("wrong", error, (), found)

    def _without_a_line(self, line: Variable) -> Finding:
        error = distance(self.handed[line], self.solution.values[line])
        verdict = _right(error) if error <= loosest(self.handed[line]) else "wrong"
        self.cost += 2 * (verdict == "wrong")
        return Finding(verdict, error)

    def _mistaken(self, line: Variable) -> list[Variable]:
        """The nearest lines before this one in which the student's numbers are not the right ones."""
        found: dict[Variable, None] = {}
        waiting = list(atoms(self.solution.lines[line]))
        seen = set(waiting)
        while waiting:
            x = waiting.pop(0)
            if x not in self.solution.lines:
                continue
            changed = self._explainer.lines[x] is not self.solution.lines[x]
            if changed or (x in self.handed and self.findings[x].verdict in ("wrong", "follows")):
                found[x] = None
            elif x not in self.handed:
                more = [y for y in atoms(self.solution.lines[x]) if y not in seen]
                seen.update(more)
                waiting.extend(more)
        return list(found)

    def _adopt(self, explanation: Explanation, line: Variable) -> None:
        """Take an explanation to be true of the lines that were not handed in, from here on."""
        lines = self._explainer.lines
        for changed, change in explanation.changes:
            if changed is not line:
                lines[changed] = change.expression
        for earlier, expression in lines.items():
            if earlier is line:
                break
            if earlier not in self.handed:
                self._now[earlier] = attempt(expression, self._now)


def _right(error: float) -> str:
    return "right" if error <= rounding else "rounded"
