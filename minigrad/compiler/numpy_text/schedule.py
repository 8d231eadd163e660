"""The order in which equations are computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.program import Equation, Variable
from minigrad.random import uniform_draw


def scheduled(equations: Sequence[Equation], by_rows: Callable[[Equation], int]) -> list[Equation]:
    """The equations in an order in which less is kept, and less has left the cache when it is needed.

    Draws, and what is computed of leaves alone, come no sooner than they are needed: their results would take
    memory until then.  What is computed by rows comes at once behind what it needs.  Draws stay in order.

    by_rows  how many rows an equation may be computed by, or 0
    """
    waiting = {e.output: e for e in equations if _waits(e)}
    users: dict[Any, list[Equation]] = {}
    for e in equations:
        for x in e.inputs:
            users.setdefault(x, []).append(e)
    order: list[Equation] = []
    done: set[Any] = set()

    def add(e: Equation) -> None:
        for x in e.inputs:
            take(x)
        order.append(e)
        done.add(e.output)

    def take(value: Any) -> None:
        if value in waiting:
            if waiting[value].function is uniform_draw:
                draws = [v for v, e in waiting.items() if e.function is uniform_draw]
                for draw in draws[: draws.index(value)]:
                    add(waiting.pop(draw))
            add(waiting.pop(value))

    def is_there(x: Any) -> bool:
        if x in waiting:
            return all(map(is_there, waiting[x].inputs))
        return not isinstance(x, Variable) or x.equation is None or x in done

    for e in equations:
        following = [] if _waits(e) or e.output in done else [e]
        while following:
            next_one = following.pop()
            if next_one.output in done:
                continue
            add(next_one)
            rows = next_one.output.tensor.shape[:1]
            for user in reversed(users.get(next_one.output, ())):
                alike = by_rows(user) > 0 and (by_rows(user),) == rows
                if alike and not _waits(user) and all(map(is_there, user.inputs)):
                    following.append(user)
    for value in list(waiting):
        take(value)
    return order


def _waits(e: Equation) -> bool:
    arrays = [x for x in e.inputs if isinstance(x, Variable) and x.tensor.shape]
    of_leaves = e.output.tensor.shape != () and all(x.equation is None for x in arrays)
    return e.function is uniform_draw or of_leaves
