"""An equation in loops: over which axes, and where its operands are read.

An equation that works element by element, or reduces, is a step in loops over its axes (axes of length 1
apart).  Views are no steps: what reads a view reads the array behind it, with the axes in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
