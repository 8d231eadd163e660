"""The order in which equations are computed."""

from __future__ import annotations

from typing import Any

from minigrad.program import Equation, Variable
from minigrad.random import uniform_draw


def late(equations: list[Equation]) -> list[Equation]:
    """The equations, with draws, and what is computed of leaves alone, no sooner than it is needed.

    It would take memory until then.  Draws stay in their order.
    """
    waiting = {e.output: e for e in equations if _waits(e)}
    order: list[Equation] = []

    def take(value: Any) -> None:
        if value in waiting:
            if waiting[value].function is uniform_draw:
                draws = [v for v, e in waiting.items() if e.function is uniform_draw]
                order.extend(map(waiting.pop, draws[: draws.index(value)]))
            order.append(waiting.pop(value))

    for e in equations:
        if not _waits(e):
            for x in e.inputs:
                take(x)
            order.append(e)
    for value in list(waiting):
        take(value)
    return order


def _waits(e: Equation) -> bool:
    arrays = [x for x in e.inputs if isinstance(x, Variable) and x.tensor.shape]
    of_leaves = e.output.tensor.shape != () and all(x.equation is None for x in arrays)
    return e.function is uniform_draw or of_leaves
