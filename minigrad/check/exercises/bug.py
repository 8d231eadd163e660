"""find_the_bug: a backward pass with one or two faults in it, to be found and mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np

from minigrad.check.exercises.networks import Network, kinds
from minigrad.check.exercises.planting import Planted, candidates
from minigrad.check.exercises.task import Task, drawn
from minigrad.check.grading import grade
from minigrad.check.grading.expression import evaluate
from minigrad.check.grading.solution import Solution
from minigrad.check.grading.why import reason
from minigrad.check.grading.words import what
from minigrad.program import Variable


def find_the_bug(exercise: str = "both", *, seed: int = 0, faults: int = 1) -> Bug:
    """A backward pass in which one or two lines are wrong, as a person might have written them.

    exercise  a name, as mg.exercise takes it
    seed      of the numbers and of the faults
    faults    how many lines are wrong, 1 or 2
    Raises:   ValueError for another exercise, or number of faults; TypeError or ValueError for a seed that is
              no whole number from 0 up.

    >>> bug = find_the_bug("line", seed=0)
    >>> print(bug.source.partition("# backward")[2])
    <BLANKLINE>
        dR = R / m       # (7, 3)
    ...
    >>> bug.guess("dR")
    No: dR is right, given the lines before it.
    """
    if faults not in (1, 2):
        raise ValueError(f"find_the_bug: faults= is 1 or 2, not {faults!r}")
    return Bug(*drawn("find_the_bug", exercise, seed), int(faults))


@dataclass(frozen=True)
class Guess:
    """What is said to a guess; true if there is a fault in that line."""

    name: str
    right: bool

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        if self.right:
            return f"Yes: there is a fault in {self.name}."
        return f"No: {self.name} is right, given the lines before it."

    __repr__ = __str__


@dataclass(frozen=True)
class Mending:
    """A line that is wrong.

    name    of the gradient
    faulty  the line as it is
    right   the line as it should be
    what    the difference in words: without `/ keep_prob`
    why     why the right line is as it is, or ""
    """

    name: str
    faulty: str
    right: str
    what: str
    why: str

    def __str__(self) -> str:
        text = fill(f"{self.what}{f': {self.why}' if self.why else ''}.", 100, break_on_hyphens=False)
        return f"wrong   {self.faulty}\nright   {self.right}\n{text}"


@dataclass(frozen=True)
class Answer:
    """What is wrong, and how it is mended, in the order of the lines."""

    mendings: tuple[Mending, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The gradients whose lines are wrong."""
        return tuple(mending.name for mending in self.mendings)

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.mendings))

    __repr__ = __str__


class Bug(Task):
    """A backward pass with faults: `guess` says whether a line has one, `submit` grades what was mended."""

    def __init__(self, name: str, seed: int, network: Network, faults: int) -> None:
        forward = {f"d{p.name}": p for p in network.parameters}
        solution = Solution(network.loss, network.parameters, forward)
        rng = np.random.default_rng([seed, faults, *name.encode()])
        planted = _planted(solution, network, rng, faults)
        self._answer = Answer(tuple(_mending(solution, fault) for fault in planted))
        self._guesses: list[Guess] = []
        instead = {fault.line: fault.faulty for fault in planted}
        wrong = "One line of the backward pass is" if faults == 1 else "Two lines of the backward pass are"
        task = (
            f"{kinds[name].task} {wrong} wrong; every other line is right, given the lines before it. Find "
            "what is wrong, mend it, and hand in the function."
        )
        super().__init__(name, seed, task, network, solution.derivation, instead)

    @property
    def faults(self) -> int:
        """How many lines are wrong."""
        return len(self._answer.mendings)

    @property
    def guesses(self) -> tuple[Guess, ...]:
        """What was guessed so far."""
        return tuple(self._guesses)

    def guess(self, name: str) -> Guess:
        """Whether there is a fault in the line of a gradient, by name: "dA1", or the line itself.

        Raises: ValueError for a name that is no line of the backward pass.
        """
        line = str(name).partition("=")[0].strip()
        if line not in self._lines:
            raise ValueError(f"guess: there is no line {line!r}; there are {', '.join(self._lines)}")
        self._guesses.append(Guess(line, line in self._answer.names))
        return self._guesses[-1]

    def solution(self) -> Answer:
        """The faulty lines, the right ones, and why these are right."""
        return self._answer

    @property
    def _headline(self) -> str:
        faults = "1 fault" if self.faults == 1 else f"{self.faults} faults"
        return f"Find the bug in {self.name!r}, seed {self.seed}: {faults}"

    @property
    def _call(self) -> str:
        return f'mg.find_the_bug("{self.name}", seed={self.seed}, faults={self.faults})'


# ---- planting


def _backward(solution: Solution) -> list[Variable]:
    return [line.value for line in solution.derivation.lines.lines if line.section == "backward"]


def _planted(solution: Solution, network: Network, rng: np.random.Generator, faults: int) -> list[Planted]:
    """Faults in as many lines, which the grader, too, finds in these lines and no others."""
    backward = _backward(solution)
    order = _by_kind(list(candidates(solution, backward)), rng)
    for chosen in ((fault,) for fault in order) if faults == 1 else _pairs(order):
        report = grade(_run(solution, backward, chosen), network.loss, network.parameters)
        named = sorted(fault.line for fault in report.faults if fault.found)
        if named == sorted(fault.line.name for fault in chosen) and len(named) == len(report.faults):
            return sorted(chosen, key=lambda fault: backward.index(fault.line))
    raise RuntimeError("find_the_bug: no fault was found that can be told from others")


def _mending(solution: Solution, fault: Planted) -> Mending:
    name = fault.line.name
    said, why = what(solution, fault.change), reason(solution, fault.line, fault.change)
    return Mending(name, f"{name} = {fault.faulty}", f"{name} = {fault.right}", said, why)


def _by_kind(found: list[Planted], rng: np.random.Generator) -> list[Planted]:
    """In an order in which each kind of fault is as likely as any other to come first."""
    of_kind: dict[str, list[Planted]] = {}
    for fault in found:
        of_kind.setdefault(fault.change.kind, []).append(fault)
    kinds_left = [list(rng.permutation(len(of))) for of in of_kind.values()]
    groups = list(of_kind.values())
    order: list[Planted] = []
    while any(kinds_left):
        for i in rng.permutation(len(groups)):
            if kinds_left[i]:
                order.append(groups[i][kinds_left[i].pop()])
    return order


def _pairs(order: list[Planted]) -> Iterator[tuple[Planted, ...]]:
    """Pairs in different lines, those of the first few before those that come later."""
    for last in range(1, len(order)):
        for first in range(last):
            if order[first].line is not order[last].line:
                yield order[first], order[last]


def _run(solution: Solution, backward: list[Variable], chosen: tuple[Planted, ...]) -> dict[str, Any]:
    """The gradients that the faulty function gives."""
    faulty = {fault.line: fault.change.expression for fault in chosen}
    values = dict(solution.values)
    with np.errstate(all="ignore"):
        for line in solution.lines:
            values[line] = evaluate(faulty.get(line, solution.lines[line]), values)
    return {line.name: np.asarray(values[line]) for line in backward}
