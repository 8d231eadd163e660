"""Small parameters are updated together: one operation on an array in which they lie side by side.

On a small network an update of W1, b1, W2 ... is mostly calls of NumPy, a few for each parameter.  Their new
values, gradients and what an optimizer keeps are therefore parts of one array each, and what is computed in
the same way for several of them is computed for all at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from minigrad.compiler.numpy_text.writers import is_elementwise, is_written
from minigrad.compiler.passes.cheapest import sum_of_squares
from minigrad.program import Equation, Literal, Variable
from minigrad.tensor import made

_small = 4096
"""Arrays of up to so many elements are put together; with larger ones, it is not the calls that take time."""


def gathered(*arrays: np.ndarray) -> Any:
    """Arrays side by side in one."""
    return np.concatenate([np.ravel(array) for array in arrays])


def assembled(*arrays: np.ndarray) -> Any:
    """The same of arrays that lie side by side already: there is nothing to be done."""
    return gathered(*arrays)


def part(whole: np.ndarray, start: int = 0, stop: int | None = None) -> Any:
    """One or several of the arrays that lie side by side, from a number to another."""
    return whole[start:stop]


@dataclass(eq=False)
class Storage:
    """One array in which values lie side by side.

    kind     "given" (leaves, copied together if they are not), "fresh" (they leave the program) or "kept"
    members  the values that have a place in it at first, in order
    name     what the text calls it
    ranges   what the text calls the parts from one member to another
    """

    kind: str
    members: tuple[Variable, ...]
    name: str
    ranges: dict[tuple[int, int], str] = field(default_factory=dict)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of its members."""
        return [v.tensor.shape for v in self.members]

    @property
    def dtype(self) -> np.dtype:
        """Of all its members."""
        return self.members[0].tensor.dtype

    def range(self, start: int, stop: int) -> str:
        """What the members from start to stop are called together."""
        if (start, stop) == (0, len(self.members)):
            return self.name
        return self.ranges.setdefault((start, stop), f"{self.name}_{start + 1}_to_{stop}")


class _Apart(Exception):  # noqa: N818
    """These values cannot be put together."""


class Together:
    """The equations of a program in which the updates of small parameters are made together.

    updates      the new values of the parameters: outputs of the program
    equations    the new ones
    places       value -> (its storage, its number in it)
    names        of the values that are whole storages, or ranges of one
    """

    def __init__(
        self,
        equations: Sequence[Equation],
        outputs: Sequence[Variable],
        updates: Sequence[Variable],
    ) -> None:
        self.places: dict[Variable, tuple[Storage, int]] = {}
        self.names: dict[Variable, str] = {}
        self.storages: list[Storage] = []
        self.equations = list(equations)
        self._outputs = set(outputs)
        self._of = {e.output: e for e in equations}
        self._uses = Counter(x for e in equations for x in e.inputs if isinstance(x, Variable))
        self._uses.update(outputs)
        self._new: list[Equation] = []
        self._gone: set[Variable] = set()
        self._whole: dict[tuple[Variable, ...], Variable] = {}
        arrays = [v for v in dict.fromkeys(updates) if v in self._of and _is_array(v)]
        small = [v for v in arrays if 0 < v.tensor.size <= _small]
        by_dtype = sorted(small, key=lambda v: v.tensor.dtype.str)
        for _, group in groupby(by_dtype, key=lambda v: v.tensor.dtype.str):
            members = tuple(sorted(group, key=lambda v: repr(self._made(v, 5))))
            if len(members) > 1:
                self._attempt(members)
        if self._new:
            self._sums()
            self._put_in_order()

    def _attempt(self, members: tuple[Variable, ...]) -> None:
        before = {name: vars(self)[name].copy() for name in _grown}
        try:
            self._place(members)
        except _Apart:
            vars(self).update(before)

    # ---- where values are

    def _made(self, v: Any, depth: int) -> Any:
        """How a value is computed, as far as its members can be computed together."""
        e = self._of.get(v)
        if e is None or not depth or not is_elementwise(e):
            return ("leaf",) if e is None else ("other",)
        return self._way(e), *(self._made(x, depth - 1) for x in e.inputs if _is_array(x))

    def _way(self, e: Equation) -> Any:
        """What must be the same in equations that are computed together: all but the arrays."""
        operands = ["array" if _is_array(x) else _identity(x) for x in e.inputs]
        return e.function.__name__, tuple(operands), repr(e.parameters)

    def _place(self, values: tuple[Variable, ...], into: tuple[Storage, int] | None = None) -> Variable:
        """The values side by side, as one: found, or computed into a storage from a member on."""
        if values in self._whole:
            return self._whole[values]
        given = all(v not in self._of for v in values)
        if any(v in self.places for v in values):
            try:
                return self._range_of(values)
            except _Apart:
                if not given:  # what is given may be put together twice
                    raise
        if given:
            self._add(self._storage("given", values), 0, values, gathered, values)
        else:
            leave = [v in self._outputs for v in values]
            if any(v not in self._of for v in values) or any(leave) != all(leave):
                raise _Apart
            if into is None or all(leave):
                into = self._storage("fresh" if all(leave) else "kept", values), 0
            self._compute(values, *into)
        return self._whole[values]

    def _range_of(self, values: tuple[Variable, ...]) -> Variable:
        """Values that are placed already, if they lie side by side."""
        places = [self.places.get(v) for v in values]
        if None in places or len({id(place[0]) for place in places if place}) != 1:
            raise _Apart
        numbers = [place[1] for place in places if place]
        if any(b != a + 1 for a, b in pairwise(numbers)):
            raise _Apart
        storage = places[0][0]  # type: ignore[index]
        if storage.kind != "given":
            return self._add(storage, numbers[0], values, assembled, values)
        whole = self._whole[storage.members]
        start = sum(v.tensor.size for v in storage.members[: numbers[0]])
        numbers_of = {"start": start, "stop": start + sum(v.tensor.size for v in values)}
        return self._add(storage, numbers[0], values, part, (whole,), numbers_of)

    def _storage(self, kind: str, members: tuple[Variable, ...]) -> Storage:
        storage = Storage(kind, members, f"together_{len(self.storages) + 1}")
        self.storages.append(storage)
        self.places.update((v, (storage, i)) for i, v in enumerate(members))
        return storage

    def _add(
        self,
        storage: Storage,
        first: int,
        values: tuple[Variable, ...],
        function: Callable[..., Any],
        inputs: tuple[Any, ...],
        parameters: dict[str, Any] | None = None,
    ) -> Variable:
        """The values side by side, computed by an equation."""
        size = sum(v.tensor.size for v in values)
        whole = Variable(made(np.empty(size, values[0].tensor.dtype)), "result")
        whole.name = self.names[whole] = storage.range(first, first + len(values))
        whole.equation = Equation(whole, function, inputs, parameters or {})
        self._new.append(whole.equation)
        self._whole[values] = whole
        return whole

    # ---- computing

    def _compute(self, values: tuple[Variable, ...], storage: Storage, first: int) -> None:
        """Compute values into a storage, those together that are made in one way."""
        made_of: list[Variable] = []
        number = 0
        for _, group in groupby(values, key=lambda v: repr(self._made(v, 1))):
            run = tuple(group)
            start = first + number
            number += len(run)
            if len(run) > 1 and is_elementwise(self._of[run[0]]):
                made_of.append(self._compute_run(run, storage, start))
            else:
                for i, v in enumerate(run):
                    if not is_written(self._of[v]):
                        raise _Apart
                    self.places[v] = storage, start + i
                made_of += run
        if len(made_of) == 1:
            self._whole[values] = made_of[0]
        else:
            self._add(storage, first, values, assembled, tuple(made_of))

    def _compute_run(self, run: tuple[Variable, ...], storage: Storage, start: int) -> Variable:
        """Values that are made in one way, at once."""
        equations = [self._of[v] for v in run]
        inputs: list[Any] = []
        free = True  # whether the place may still be used for an operand that dies here
        for i, x in enumerate(equations[0].inputs):
            if not _is_array(x):
                inputs.append(x)
                continue
            operands: tuple[Any, ...] = tuple(e.inputs[i] for e in equations)
            if any(_kind(x) != _kind(v) for x, v in zip(operands, run, strict=True)):
                raise _Apart
            own = free and all(map(self._dies_here, operands))
            free = free and not own
            inputs.append(self._place(operands, (storage, start) if own else None))
        self._gone.update(run)
        for i, v in enumerate(run):
            self.places[v] = storage, start + i
        whole = self._add(storage, start, run, equations[0].function, tuple(inputs), equations[0].parameters)
        for v in run:
            if v in self._outputs or self._uses[v] > 1:
                self._new.append(Equation(v, part, (whole,), {}))
        return whole

    # ---- sums over several

    def _sums(self) -> None:
        """Σ ‖W_l‖² over values that lie side by side is ‖W‖² of them all."""
        for e in reversed(self.equations):
            if e.function is np.add and e.output not in self._gone:
                inside, values = self._terms(e)
                if len(values) > 1 and all(v in self.places for v in values):
                    values.sort(key=lambda v: self.places[v][1])
                    try:
                        whole = self._place(tuple(values))
                    except _Apart:
                        continue
                    self._gone.update(inside)
                    self._new.append(Equation(e.output, sum_of_squares, (whole,), {}))

    def _terms(self, e: Equation) -> tuple[list[Variable], list[Any]]:
        """What is computed for a sum of totals, the sum too, and the arrays; nothing if it is another sum."""
        inside: list[Variable] = [e.output]
        values: list[Any] = []
        waiting = list(e.inputs)
        while waiting:
            x = waiting.pop()
            of_x = self._of.get(x) if isinstance(x, Variable) and self._uses[x] == 1 else None
            if of_x is None or of_x.function not in (np.add, sum_of_squares):
                return [], []
            inside.append(of_x.output)
            if of_x.function is sum_of_squares:
                values += of_x.inputs
            else:
                waiting += of_x.inputs
        return inside, values

    def _dies_here(self, v: Any) -> bool:
        return v in self._of and self._uses[v] == 1 and v not in self._outputs and v not in self.places

    # ---- the order

    def _put_in_order(self) -> None:
        """All equations, each after those that its operands come from, else in the order that they had."""
        equations = [e for e in self.equations if e.output not in self._gone] + self._new
        where = {e.output: i for i, e in enumerate(equations)}
        waits = [{where[x] for x in e.inputs if isinstance(x, Variable) and x in where} for e in equations]
        for_whom: dict[int, list[int]] = {}
        for i, others in enumerate(waits):
            for j in others:
                for_whom.setdefault(j, []).append(i)
        ready = [i for i, others in enumerate(waits) if not others]  # a heap, as a sorted list is
        order: list[int] = []
        while ready:
            i = heappop(ready)
            order.append(i)
            for j in for_whom.get(i, ()):
                waits[j].discard(i)
                if not waits[j]:
                    heappush(ready, j)
        if len(order) < len(equations):  # two of them wait for each other
            self.places, self.names, self.storages = {}, {}, []
        else:
            self.equations = [equations[i] for i in order]


_grown = ("places", "names", "storages", "_new", "_gone", "_whole")
"""What `_attempt` adds to, and leaves as it was if it fails."""


def _is_array(x: Any) -> bool:
    return isinstance(x, Variable) and x.tensor.shape != ()


def _kind(x: Any) -> Any:
    return x.tensor.shape, x.tensor.dtype


def _identity(x: Variable | Literal) -> Any:
    return x.name if isinstance(x, Variable) else (type(x.value).__name__, repr(x.value))
