"""Which equations of a program are computed in one pass over the data: loops, fused.

An equation that works element by element, or reduces, is a step in loops over its axes (axes of length 1
apart).  Steps over the same axes are fused into one nest of loops as long as each value is read where it was
computed; what a sum along the last axis gives is read in a later phase of the same row.  Views are no steps:
what reads a view reads the array behind it, with the axes in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler.numba_text.elements import expressible, reductions
from minigrad.program import Equation, Variable

Axes = tuple[int | None, ...]
"""Per axis of an array: which axis of the loops counts it; None for an axis of length 1."""


@dataclass(frozen=True)
class View:
    """An array as the one behind it: per axis the axis of `root`, None where all is one element."""

    root: Variable
    axes: Axes


def view_of(x: Variable, behind: dict[Variable, View]) -> View | None:
    """A value as a view of what was computed or given; None where an index cannot say it."""
    e = x.equation
    if e is None or e.function not in _views:
        return View(x, tuple(a if n > 1 else None for a, n in enumerate(x.tensor.shape)))
    operand = e.inputs[0]
    view = behind.get(operand) if isinstance(operand, Variable) else None
    if view is None or not isinstance(operand, Variable):
        return None
    axes = _views[e.function](e, view.axes, operand.tensor.shape, x.tensor.shape)
    return None if axes is None else View(view.root, axes)


def _transposed(e: Equation, axes: Axes, given: tuple, wanted: tuple) -> Axes:
    order = e.parameters["axes"]
    return axes[::-1] if order is None else tuple(axes[i] for i in order)


def _swapped(e: Equation, axes: Axes, given: tuple, wanted: tuple) -> Axes:
    changed = list(axes)
    i, j = e.parameters["axis1"], e.parameters["axis2"]
    changed[i], changed[j] = changed[j], changed[i]
    return tuple(changed)


def _broadcast(e: Equation, axes: Axes, given: tuple, wanted: tuple) -> Axes:
    return (None,) * (len(wanted) - len(given)) + axes


def _with_other_units(e: Equation, axes: Axes, given: tuple, wanted: tuple) -> Axes | None:
    """Axes of length 1 put in or left out; None if the others are not as they were."""
    rest = [(n, a) for n, a in zip(given, axes, strict=True) if n != 1]
    if [n for n, _ in rest] != [n for n in wanted if n != 1] or e.parameters.get("order", "C") != "C":
        return None
    kept = iter(rest)
    return tuple(None if n == 1 else next(kept)[1] for n in wanted)


_views: dict[Callable[..., Any], Callable[[Equation, Axes, tuple, tuple], Axes | None]] = {
    np.transpose: _transposed, np.swapaxes: _swapped, np.broadcast_to: _broadcast,
    np.expand_dims: _with_other_units, np.squeeze: _with_other_units,
    np.reshape: _with_other_units, np.ravel: _with_other_units,
}  # fmt: skip


# ---- steps


@dataclass(eq=False)
class Step:
    """One equation in loops.

    domain    the lengths of the axes that are looped over
    reads     per operand: the value behind it and where it is read; None for a number
    write     where the result stands
    reduced   the axes of the loops that it reduces
    phase     in which of the passes over a row it is computed
    """

    equation: Equation
    number: int
    domain: tuple[int, ...]
    reads: tuple[tuple[Variable, tuple[Any, ...]] | None, ...]
    write: Axes
    reduced: frozenset[int]
    phase: int = 0

    @property
    def output(self) -> Variable:
        return self.equation.output

    @property
    def reduces_rows(self) -> bool:
        """Whether it reduces the last axis, and no other: it is known when its row has been gone through."""
        return self.reduced == {len(self.domain) - 1} and len(self.domain) > 1


def step_of(
    e: Equation, number: int, behind: dict[Variable, View], draw: Variable | None = None
) -> Step | None:
    """An equation as a step in loops, or None.  What a mask is drawn from is not read."""
    if any(isinstance(x, Variable) and x not in behind for x in e.inputs) or not expressible(e):
        return None
    if 0 in e.output.tensor.shape or any(isinstance(x, Variable) and 0 in x.tensor.shape for x in e.inputs):
        return None
    if e.function in reductions:
        x = e.inputs[0]
        full = x.tensor.shape if isinstance(x, Variable) else ()
        axis = e.parameters["axis"]
        axes = range(len(full)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        gone = {a % len(full) for a in axes}
    else:
        full, gone = e.output.tensor.shape, set()
    counted = iter(range(len(full)))
    number_of = [next(counted) if n != 1 else None for n in full]
    domain = tuple(n for n in full if n != 1)
    if e.function is np.matmul:
        return Step(e, number, domain, _products(e, behind, number_of), tuple(number_of), frozenset())
    reads = tuple(
        _read(x, behind, number_of) if isinstance(x, Variable) and x is not draw else None for x in e.inputs
    )
    if not gone:
        return Step(e, number, domain, reads, tuple(number_of), frozenset())
    keep = e.parameters["keepdims"]
    write = tuple(None if a in gone else number_of[a] for a in range(len(full)) if keep or a not in gone)
    reduced = frozenset(n for a in gone if (n := number_of[a]) is not None)
    return Step(e, number, domain, reads, write, reduced)


def _read(x: Variable, behind: dict[Variable, View], number_of: list[int | None]) -> tuple[Variable, Axes]:
    view = behind[x]
    at: list[int | None] = [None] * view.root.tensor.ndim
    for axis, loop in zip(view.axes, number_of[len(number_of) - x.tensor.ndim :], strict=True):
        if axis is not None:
            at[axis] = loop
    return view.root, tuple(at)


def _products(e: Equation, behind: dict[Variable, View], number_of: list[int | None]) -> tuple:
    """Where the factors of Σₖ a[i,k] b[k,j] are read, k written out: a 0, b 0, a 1, b 1 ..."""
    a, b = e.inputs
    assert isinstance(a, Variable)
    assert isinstance(b, Variable)
    reads = []
    for k in range(a.tensor.shape[1]):
        for x, ours, inner in ((a, 0, 1), (b, 1, 0)):
            view = behind[x]
            at: list[Any] = [None] * view.root.tensor.ndim
            if view.axes[ours] is not None:
                at[view.axes[ours]] = number_of[ours]  # type: ignore[index]
            if view.axes[inner] is not None:
                at[view.axes[inner]] = f"{k}"  # type: ignore[index]
            reads.append((view.root, tuple(at)))
    return tuple(reads)


# ---- nests


@dataclass(eq=False)
class Nest:
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
        Nest([step] if step is not None else [], step.domain if step is not None else (), set(needed))
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


def _fit(a: Nest, b: Nest) -> bool:
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


def _linked(a: Nest, b: Nest) -> bool:
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
