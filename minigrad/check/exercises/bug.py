"""find_the_bug: a backward pass with one or two faults in it, to be found and mended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np

from minigrad.check.exercises.networks import Network, kinds
from minigrad.check.exercises.planting import Planted, candidates
from minigrad.check.exercises.progress import Progress
from minigrad.check.exercises.task import Task, Text, drawn
from minigrad.check.grading import Report, grade
from minigrad.check.grading.expression import evaluate
from minigrad.check.grading.solution import Solution
from minigrad.check.grading.why import reason
from minigrad.check.grading.words import what
from minigrad.program import Variable

_levels = (1, 2, 3)


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
    """A backward pass with faults: `guess` says whether a line has one, `submit` how far it is mended.

    attempts    what was said of what was handed in so far, the newest last
    """

    def __init__(self, name: str, seed: int, network: Network, faults: int) -> None:
        forward = {f"d{p.name}": p for p in network.parameters}
        solution = Solution(network.loss, network.parameters, forward)
        rng = np.random.default_rng([seed, faults, *name.encode()])
        planted, self._looks = _planted(solution, network, rng, faults)
        self._answer = Answer(tuple(_mending(solution, fault) for fault in planted))
        self._left = self._answer.names  # the lines that were wrong in the last attempt
        self._guesses: list[Guess] = []
        self.attempts: tuple[Progress, ...] = ()
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

    @property
    def solved(self) -> bool:
        """Whether something that was handed in was all right."""
        return any(progress.ok for progress in self.attempts)

    def submit(self, work: Any, *, transposed: Any = False) -> Progress:
        """Say how far the work is mended: which gradients of parameters are right, not which line is wrong.

        work        the function of `source` with its faults mended, or whatever mg.grade takes
        transposed  as in mg.grade
        Returns:    the Progress, which is added to `attempts`

        >>> bug = find_the_bug("line", seed=0)
        >>> bug.submit(lambda R, X, m: {"dW": (R / m).T @ X / m, "db": (R / m).sum(axis=0)})
        find_the_bug: the fault is not mended, 1 of 2 gradients of parameters right
        <BLANKLINE>
          right  db
          wrong  dW
        <BLANKLINE>
        hint() says where to look, solution() shows what is wrong.
        """
        report = self._graded(work, transposed)
        passed = {name for name, verdict in report.verdicts.items() if verdict.verdict.startswith("right")}
        compared = [
            name
            for name in self._wanted
            if name in report.verdicts and report.verdicts[name].error is not None
        ]
        graded = {name for name, verdict in report.verdicts.items() if verdict.error is not None}
        found = _read(report)
        wrong = tuple(name for name in compared if name not in passed)
        self._left = tuple(
            name
            for name in self._looks  # of what is not handed in, it shows in what comes from it
            if name in found or (name not in graded and not self._reached(name) <= passed)
        )
        progress = Progress(
            self.faults,
            len(self._left),
            tuple(name for name in compared if name in passed),
            wrong,
            tuple(name for name in self._left if name in found and not self._looks[name] & found[name]),
            tuple(name for name in found if name in report.verdicts and name not in self._looks),
            {name: v.verdict for name, v in report.verdicts.items() if v.error is None},
            tuple(name for name in self._wanted if name not in compared),
        )
        self.attempts += (progress,)
        return progress

    def hint(self, level: int = 1) -> Text:
        """Help with the first fault that is left.

        level   1 says in which lines it may be, 2 in which line it is, 3 by which rules that gradient comes
                back
        Raises: ValueError for a level that there is not.
        """
        if level not in _levels:
            raise ValueError(f"hint: level= is 1, 2 or 3, not {level!r}")
        if not self._left:
            return Text("No fault is left.")
        name = self._left[0]
        if level == 1:
            return Text(self._region(name))
        way, rules = self._help(name)
        return Text(f"The fault is in the line of {name}." if level == 2 else f"{way}\n{rules}")

    def _region(self, name: str) -> str:
        """Which lines give wrong gradients of the same parameters as a line, if they are wrong."""
        reached = {line: self._reached(line) for line in self._lines}
        alike = [line for line in self._lines if reached[line] == reached[name]]
        lines = f"one of the lines of {', '.join(alike)}" if len(alike) > 1 else f"the line of {name}"
        spoiled = [line for line in self._wanted if line in reached[name]]
        return f"A fault in {lines} is one that makes {', '.join(spoiled)} wrong, and no other."

    def _reached(self, name: str) -> frozenset[str]:
        """The gradients of parameters that come from a line."""
        users: dict[str, list[str]] = {}
        for line, value in self._lines.items():
            for part in self._derivation.lines.needs(value):
                users.setdefault(part.name, []).append(line)
        found, waiting = {name}, [name]
        while waiting:
            more = [user for user in users.get(waiting.pop(), ()) if user not in found]
            found.update(more)
            waiting.extend(more)
        return frozenset(found.intersection(self._wanted))

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


def _planted(
    solution: Solution, network: Network, rng: np.random.Generator, faults: int
) -> tuple[list[Planted], dict[str, set[str]]]:
    """Faults in as many lines, which the grader finds in these lines and no others, and how it reads them."""
    backward = _backward(solution)
    order = _by_kind(list(candidates(solution, backward)), rng)
    for chosen in ((fault,) for fault in order) if faults == 1 else _pairs(order):
        report = grade(_run(solution, backward, chosen), network.loss, network.parameters)
        named = sorted(fault.line for fault in report.faults if fault.found)
        if named == sorted(fault.line.name for fault in chosen) and len(named) == len(report.faults):
            return sorted(chosen, key=lambda fault: backward.index(fault.line)), _read(report)
    raise RuntimeError("find_the_bug: no fault was found that can be told from others")


def _read(report: Report) -> dict[str, set[str]]:
    """Line -> the lines of NumPy that are read in what was handed in for it, where it is wrong."""
    found: dict[str, set[str]] = {}
    for fault in report.faults:
        found.setdefault(fault.line, set()).update(reading.yours for reading in fault.readings)
    return found


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
