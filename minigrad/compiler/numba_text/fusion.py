"""Which steps are computed in one pass over the data: loops, fused.

Steps over the same axes are fused into one nest of loops as long as each value is read where it was computed;
what a sum along the last axis gives is read in a later phase of the same row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from minigrad.compiler.numba_text.loops import Step
from minigrad.program import Variable


@dataclass(eq=False)
class _Nest:
    """Steps in the same loops, and what is known about the order among nests."""

    steps: list[Step]
    domain: tuple[int, ...]
    before: set[int] = field(default_factory=set)
    after: set[int] = field(default_factory=set)


def fused(steps: Sequence[Step | None], needs: Sequence[Iterable[int]], most: int = 60) -> list[list[int]]:
    """Groups of equations, by number: those that are computed in the same loops, and others alone.

    steps   per equation its step, or None
    needs   per equation the numbers of those that it needs
    most    how many steps a nest may have
    """
    groups = [
        _Nest([step] if step is not None else [], step.domain if step is not None else (), set(needed))
        for step, needed in zip(steps, needs, strict=True)
    ]
    of = list(range(len(groups)))  # equation -> its group
    members: list[list[int]] = [[i] for i in range(len(groups))]
    for i, needed in enumerate(needs):
        for j in needed:
            groups[j].after.add(i)

    def reaches(start: int, end: int) -> bool:
        """Whether there is a way from a group to another that goes by a third one."""
        waiting = [j for j in groups[start].after if j != end]
        seen = set(waiting)
        while waiting:
            for j in groups[waiting.pop()].after:
                if j == end:
                    return True
                if j not in seen:
                    seen.add(j)
                    waiting.append(j)
        return False

    def merge(one: int, other: int) -> bool:
        a, b = groups[one], groups[other]
        if len(a.steps) + len(b.steps) > most or not _fit(a, b) or reaches(one, other) or reaches(other, one):
            return False
        a.steps = sorted(a.steps + b.steps, key=lambda step: step.number)
        a.domain = max(a.domain, b.domain, key=len)
        a.before = (a.before | b.before) - {one, other}
        a.after = (a.after | b.after) - {one, other}
        for j in b.before:
            groups[j].after.discard(other)
            if j != one:
                groups[j].after.add(one)
        for j in b.after:
            groups[j].before.discard(other)
            if j != one:
                groups[j].before.add(one)
        for i in members[other]:
            of[i] = one
        members[one] = sorted(members[one] + members[other])
        members[other] = []
        return True

    for i, step in enumerate(steps):  # what is computed, with what it is computed from
        if step is not None and step.domain:
            for j in sorted(needs[i], reverse=True):
                if of[j] != of[i] and steps[j] is not None and groups[of[j]].domain:
                    merge(of[j], of[i])
    readers: dict[tuple[Variable, tuple[int, ...]], int] = {}
    for i, step in enumerate(steps):  # what reads the same arrays
        if step is not None and step.domain:
            for read in step.reads:
                if read is not None and read[0].tensor.ndim:
                    first = readers.setdefault((read[0], step.domain), i)
                    if of[first] != of[i] and not merge(of[first], of[i]):
                        readers[read[0], step.domain] = i
    return [numbers for numbers in members if numbers]


def _fit(a: _Nest, b: _Nest) -> bool:
    """Whether the steps of two nests can be computed in the same loops."""
    if not (a.steps and b.steps and a.domain and b.domain):
        return False
    long, short = (a, b) if len(a.domain) >= len(b.domain) else (b, a)
    if long.domain != short.domain and (
        len(long.domain) < 2 or short.domain != long.domain[:-1] or not _linked(long, short)
    ):
        return False
    made = {step.output: step for nest in (a, b) for step in nest.steps}
    last = len(long.domain) - 1
    for nest in (a, b):
        for step in nest.steps:
            for read in step.reads:
                if read is None or read[0] not in made:
                    continue
                maker = made[read[0]]
                if read[1] != maker.write or (maker.reduced and maker.reduced != {last}):
                    return False
                if maker.reduced and last == 0:
                    return False
    return True


def _linked(a: _Nest, b: _Nest) -> bool:
    """Whether one reads what the other computes."""
    for one, other in ((a, b), (b, a)):
        made = {step.output for step in one.steps}
        if any(read is not None and read[0] in made for step in other.steps for read in step.reads):
            return True
    return False


def phases(steps: Sequence[Step]) -> None:
    """Tell each step of a nest its phase: after the passes over the row whose sums it reads."""
    depth = max((len(step.domain) for step in steps), default=0)
    made: dict[Variable, Step] = {}
    for step in steps:
        step.phase = 0
        for read in step.reads:
            maker = made.get(read[0]) if read is not None else None
            if maker is not None:
                later = 1 if maker.reduces_rows and len(maker.domain) == depth else 0
                step.phase = max(step.phase, maker.phase + later)
        made[step.output] = step
