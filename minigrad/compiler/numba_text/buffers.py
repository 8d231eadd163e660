"""Which array each value of a program is computed into, and how long it is held there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigrad.compiler.memory import one_array
from minigrad.compiler.numba_text.loop_plan import Plan, alike
from minigrad.compiler.numba_text.loops import Step
from minigrad.compiler.numba_text.names import Names
from minigrad.program import Equation, Variable


class Buffers:
    """Arrays for what is stored: buffers, used again after the last use of what they hold, and new ones.

    of      value -> its buffer, or the new array in which it is computed on the way
    rows    value that a later pass over the row reads -> buffer of one row
    fresh   name -> what makes an array of which nobody else knows
    arrays  name -> buffer
    """

    def __init__(self, plan: Plan, names: Names) -> None:
        self.of: dict[Variable, str] = {}
        self.rows: dict[Variable, str] = {}
        self.fresh: dict[str, Callable[[], list[np.ndarray]]] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self._plan, self._names = plan, names
        self._free: dict[Any, list[str]] = {}
        self._held: dict[Variable, str] = {}  # what is in a buffer now
        at = {g: i for i, (g, _) in enumerate(plan.order)}
        last = {v: max(readers, key=at.__getitem__) for v, readers in plan.readers.items()}
        ends: dict[int, list[Variable]] = {}
        for v, g in last.items():
            ends.setdefault(g, []).append(v)
        for g, group in plan.order:
            e = group[0]
            if e in plan.long:
                self._long(e, [x for x in e.inputs if isinstance(x, Variable) and last.get(x) == g])
            elif e in plan.products and e.output.tensor.shape:
                self._place(e.output)
            elif e in plan.steps:
                self._nest([plan.steps[e] for e in group])
            for v in ends.get(g, ()):
                if v in self._held and v not in plan.pinned:
                    self._let_go(self._held.pop(v))

    def _nest(self, steps: Sequence[Step]) -> None:
        """Arrays for a nest of loops: rows for as long as it runs, and what is stored."""
        depth = max(len(step.domain) for step in steps)
        made = {step.output: step for step in steps}
        rows = []
        for step in steps:
            for read in step.reads if len(step.domain) == depth else ():
                maker = made.get(read[0]) if read is not None else None
                if maker is None or maker.phase == step.phase or maker.reduced or len(maker.domain) < depth:
                    continue
                v = maker.output
                if v not in self._plan.stored and v not in self.rows:
                    self.rows[v] = self._take((maker.domain[-1],), v.tensor.dtype)
                    rows.append(self.rows[v])
        for step in steps:
            if self._plan.is_array(step.output):
                self._place(step.output)
        for buffer in rows:
            self._let_go(buffer)

    def _place(self, v: Variable) -> None:
        """An array for a value."""
        name, shape, dtype = self._names[v], v.tensor.shape, v.tensor.dtype
        if v in self._plan.place:  # it is a part of another
            return
        if v in self._plan.fresh:
            self.fresh[name] = partial(one_array, shape, dtype)
            return
        if v in self._plan.into:
            name = self._names[self._plan.into[v]]
            self.fresh[name] = partial(one_array, shape, dtype)
        else:
            name = self._take(shape, dtype)
        self._held[v] = self.of[v] = name

    def _long(self, e: Equation, dying: Sequence[Variable]) -> None:
        """An array for a function of many elements: that of an operand that is not used again."""
        v = e.output
        same = [
            x for x in dying if x in self._held and x not in self._plan.pinned and alike(x.tensor, v.tensor)
        ]
        if v in self._plan.fresh or not same:
            self._place(v)
        else:
            self._held[v] = self.of[v] = self._held.pop(same[0])

    def _take(self, shape: tuple[int, ...], dtype: np.dtype) -> str:
        free = self._free.get((shape, dtype))
        if free:
            return free.pop()
        name = f"buffer_{len(self.arrays) + 1}"
        while name in self._names.taken:
            name += "_"
        self.arrays[name] = np.zeros(shape, dtype)
        return name

    def _let_go(self, name: str) -> None:
        array = self.arrays.get(name)
        if array is not None:  # else it leaves the program
            self._free.setdefault((array.shape, array.dtype), []).append(name)
