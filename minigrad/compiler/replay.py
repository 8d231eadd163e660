"""One recording as a program that is run again: what it reads, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.compiler.arguments import filled
from minigrad.compiler.guard import Guard
from minigrad.compiler.numpy_text import Text
from minigrad.compiler.passes import rebuilt
from minigrad.compiler.reached import Reached
from minigrad.compiler.recording import Recorder, Source
from minigrad.program import Program, Variable
from minigrad.tensor import Tensor, made, next_stamp
from minigrad.watch import watched_by

_value_of = attrgetter("_value")
_grad_of = attrgetter("_grad")


class Replay:
    """One recording, bound to what it reads and what it changes.

    program  in its simplest form; its outputs are the results, then the new values of leaves, then gradients,
             then what optimizers keep
    text     the program as it is printed and run
    """

    def __init__(
        self,
        recorder: Recorder,
        given: list[Tensor],
        results: list[Tensor],
        shape_of_result: Any,
        reached: Reached,
    ) -> None:
        self.shape_of_result = shape_of_result
        self.n_results = len(results)
        self._changed(recorder)
        gradients = [g for _, g in self.graded if g is not None]
        wanted = [*results, *(new for _, new in self.updates), *gradients, *(v for *_, v in self.states)]
        recorded = Program(wanted)
        self.calls = {id(c.module): c.module for c in recorded.calls}
        self._n_recorded = len(recorded.equations)
        self.drawn = [e for e in recorded.equations if "rng" in e.parameters]
        with watched_by(None):
            outputs, names, self._reasons = rebuilt(wanted, recorder.given)
        new, rest = outputs[len(results) :][: len(self.updates)], outputs[len(results) + len(self.updates) :]
        for (leaf, _), value in zip(self.updates, new, strict=True):
            names.setdefault(value, f"{leaf.name or 'leaf'}_new")
        for leaf, value in zip([leaf for leaf, g in self.graded if g is not None], rest, strict=False):
            names.setdefault(value, f"d{leaf.name or 'leaf'}")
        self.program = Program(outputs, names)
        self._read(recorder)
        changed = {id(leaf) for leaf, _ in (*self.updates, *self.graded)}
        self.guard = Guard(recorder, given, reached, self._leaves, self._grads, changed)
        of = {id(stepped.optimizer): stepped for stepped in self.guard.optimizers}
        self._numbers = [(of[optimizer], i, names) for (optimizer, i), names in self._numbers_of.items()]

    def _changed(self, recorder: Recorder) -> None:
        """What a replay changes, beside its results."""
        self.updates = list(recorder.updates.values())
        self.graded = [
            (leaf, leaf._grad if leaf._grad is not None and leaf._grad.stamp > recorder.start else None)
            for leaf in recorder.graded.values()
        ]
        self.states = [
            (optimizer, i, slot, value)
            for (_, i), (optimizer, kept) in recorder.states.items()
            for slot, value in kept.items()
            if slot != "count"
        ]
        self.counts = [
            (optimizer, i) for (_, i), (optimizer, kept) in recorder.states.items() if "count" in kept
        ]
        self.optimizers = recorder.optimizers
        self.early = [s for s in recorder.schedules if id(s) in recorder.early]
        self.late = [s for s in recorder.schedules if id(s) not in recorder.early]

    # ---- what it reads

    def _read(self, recorder: Recorder) -> None:
        """Print the program as a function of what is given, in the order in which `_values` gathers it."""
        sources = {leaf: self._source(leaf, recorder) for leaf in self.program.leaves}
        order = ["constant", "leaf", "argument", "grad", "state", "number"]
        leaves = sorted(self.program.leaves, key=lambda leaf: order.index(sources[leaf].kind))
        of: dict[str, list[Source]] = {kind: [] for kind in order}
        for leaf in leaves:
            of[sources[leaf].kind].append(sources[leaf])
        self._constants = [s.owner._value for s in of["constant"]]
        self._leaves = [s.owner for s in of["leaf"]]
        self._arguments = [s.owner for s in of["argument"]]
        self._grads = [s.owner for s in of["grad"]]
        self._states = [(s.owner, *s.key) for s in of["state"] if s.key]
        self._numbers_of: dict[tuple[int, int], list[str]] = {}
        numbers: dict[tuple[int, int], list[Variable]] = {}
        for leaf in leaves:
            source = sources[leaf]
            if source.kind == "number" and source.key:
                i, name = source.key
                self._numbers_of.setdefault((id(source.owner), i), []).append(name)
                numbers.setdefault((id(source.owner), i), []).append(leaf)
        gathered = [leaf for leaf in leaves if sources[leaf].kind != "number"]
        self._generators = list(self.program.generators.values())
        given = [*gathered, *(leaf for group in numbers.values() for leaf in group)]
        updates = self.program.outputs[self.n_results :][: len(self.updates)]
        self.text = Text(self.program, given, updates, self._reasons, self._n_recorded)
        self._checks = [
            (recorder.sources.get(tensor.stamp, Source("leaf", tensor)), check)
            for tensor, check in recorder.checks
        ]

    def _source(self, leaf: Variable, recorder: Recorder) -> Source:
        tensor = leaf.tensor
        source = recorder.sources.get(tensor.stamp)
        if source is not None:
            return source
        for owner, _ in recorder.updates.values():
            if owner is tensor:
                return Source("leaf", tensor)
        return Source("leaf", tensor) if tensor.stamp < recorder.start else Source("constant", tensor)

    def _values(self, found: Sequence[Any]) -> list[Any]:
        """What the text is called with."""
        for source, check in self._checks:
            x = found[source.owner] if source.kind == "argument" else source.owner
            check(x._value if isinstance(x, Tensor) else x)
        values = [*self._constants, *map(_value_of, self._leaves)]
        for i in self._arguments:
            x = found[i]
            values.append(x._value if isinstance(x, Tensor) else x)
        if self._grads:
            values += map(_value_of, map(_grad_of, self._grads))
        for optimizer, i, slot in self._states:
            values.append(optimizer.state[i][slot])
        for optimizer, i, names in self._numbers:
            numbers = optimizer.numbers(i)
            values += [numbers[name] for name in names]
        return values + self._generators

    # ---- running

    def __call__(self, found: Sequence[Any]) -> Any:
        """One replay, for what `signature` finds in the arguments."""
        if not self.early:
            return self._commit(self.text.run(*self._values(found)))
        before = [(vars(x), vars(x).copy()) for s in self.early for x in (s, s.optimizer)]
        try:
            for schedule in self.early:
                schedule.step()
            return self._commit(self.text.run(*self._values(found)))
        except BaseException:
            for now, kept in before:
                now.update(kept)
            raise

    def _commit(self, outputs: tuple) -> Any:
        """Change what the step changes, now that everything is computed."""
        results, rest = outputs[: self.n_results], iter(outputs[self.n_results :])
        counts = [(o.state[i], o.state[i].get("count", 0) + 1) for o, i in self.counts]
        for leaf, _ in self.updates:
            leaf._value = _frozen(next(rest))
            leaf.stamp = next_stamp()
        for leaf, g in self.graded:
            leaf._grad = None if g is None else made(next(rest))
        for optimizer, i, slot, _ in self.states:
            optimizer.state[i][slot] = next(rest)
        for state, count in counts:
            state["count"] = count
        for optimizer in self.optimizers:
            optimizer.steps += 1
        for schedule in self.late:
            schedule.step()
        return filled(self.shape_of_result, [made(value) for value in results])


def _frozen(value: Any) -> Any:
    if type(value) is np.ndarray:
        value.setflags(False)  # type: ignore[call-arg]
    return value
