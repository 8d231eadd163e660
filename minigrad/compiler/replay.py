"""One recording as a program that is run again: what it reads, and what it changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.compiler.backends import Printed, printed
from minigrad.compiler.passes.rebuilt import rebuilt
from minigrad.compiler.recording.arguments import filled
from minigrad.compiler.recording.guard import Guard
from minigrad.compiler.recording.reached import Reached
from minigrad.compiler.recording.recorder import Recorder, Source
from minigrad.program import Program, Variable
from minigrad.tensor import Tensor, made, next_stamp
from minigrad.watch import watched_by

_value_of = attrgetter("_value")
_grad_of = attrgetter("_grad")


class Replay:
    """One recording, bound to what it reads and what it changes; of its values it keeps none.

    guard   says whether it holds for a call
    text    the program as it is printed and run: its outputs are the results, then the new values of leaves,
            then gradients, then what optimizers keep
    drawn   the (generator, shape) of what was drawn, in order
    """

    def __init__(
        self,
        recorder: Recorder,
        given: list[Tensor],
        results: list[Tensor],
        shape_of_result: Any,
        reached: Reached,
        backend: str = "numpy",
    ) -> None:
        self._shape_of_result = shape_of_result
        self._errors = recorder.errors
        self._n_results = len(results)
        new = [new for _, new in recorder.updates.values()]
        gradients, kept = self._changed(recorder)
        recorded = Program([*results, *new, *gradients.values(), *kept])
        self.drawn = [
            (e.parameters["rng"], e.parameters["shape"]) for e in recorded.equations if "rng" in e.parameters
        ]
        with watched_by(None), np.errstate(all="ignore"):  # none of its values is used
            outputs, names, reasons = rebuilt([*results, *new, *gradients.values(), *kept], recorder.given)
        leaves = [*(f"{leaf.name or 'leaf'}_new" for leaf in self._updated)]
        leaves += [f"d{leaf.name or 'leaf'}" for leaf in gradients]
        for value, name in zip(outputs[len(results) :], leaves, strict=False):
            names.setdefault(value, name)
        program = Program(outputs, names)
        given_to_it = self._read(program, recorder)
        updates = program.outputs[len(results) :][: len(new)]
        read = set(map(id, self._grads))
        self._replaced = [leaf for leaf in self._graded if id(leaf) not in read and _is_large(leaf)]
        self.text: Printed = printed(backend, program, given_to_it, updates, reasons, len(recorded.equations))
        changed = {id(leaf) for leaf in (*self._updated, *self._graded, *self._cleared)}
        self.guard = Guard(recorder, given, reached, self._leaves, self._grads, changed)
        of = {id(stepped.optimizer): stepped for stepped in self.guard.optimizers}
        self._numbers = [(of[optimizer], i, names) for (optimizer, i), names in self._numbers_of.items()]

    def _changed(self, recorder: Recorder) -> tuple[dict[Tensor, Tensor], list[Tensor]]:
        """What a replay changes, beside its results; the gradients of leaves, and what optimizers keep."""
        self._updated = [leaf for leaf, _ in recorder.updates.values()]
        gradients = {
            leaf: recorder.stand_in(leaf._grad) for leaf in recorder.graded.values() if leaf._grad is not None
        }
        self._graded = list(gradients)
        self._cleared = [leaf for leaf in recorder.graded.values() if leaf not in gradients]
        states = [
            (optimizer, i, slot, value)
            for (_, i), (optimizer, kept) in recorder.states.items()
            for slot, value in kept.items()
            if slot != "count"
        ]
        self._kept = [(optimizer, i, slot) for optimizer, i, slot, _ in states]
        self._counts = [
            (optimizer, i) for (_, i), (optimizer, kept) in recorder.states.items() if "count" in kept
        ]
        self._stepped = list(Counter(recorder.optimizers).items())  # and how often
        self._early = [s for s in recorder.schedules if id(s) in recorder.early]
        self._late = [s for s in recorder.schedules if id(s) not in recorder.early]
        return gradients, [value for *_, value in states]

    # ---- what it reads

    def _read(self, program: Program, recorder: Recorder) -> list[Variable]:
        """The leaves of the program, in the order in which `_values` gathers their values."""
        sources = {leaf: _source(leaf, recorder) for leaf in program.leaves}
        order = ["constant", "leaf", "argument", "grad", "state", "number"]
        leaves = sorted(program.leaves, key=lambda leaf: order.index(sources[leaf].kind))
        of: dict[str, list[Source]] = {kind: [] for kind in order}
        for leaf in leaves:
            of[sources[leaf].kind].append(sources[leaf])
        self._constants = [s.owner._value for s in of["constant"]]
        self._leaves = [s.owner for s in of["leaf"]]
        self._arguments = [s.owner for s in of["argument"]]
        self._grads = [s.owner for s in of["grad"]]
        self._states = [(s.owner, *s.key) for s in of["state"] if s.key]
        self._generators = list(program.generators.values())
        self._numbers_of: dict[tuple[int, int], list[str]] = {}
        numbers: dict[tuple[int, int], list[Variable]] = {}
        for leaf in leaves:
            source = sources[leaf]
            if source.kind == "number" and source.key:
                i, name = source.key
                self._numbers_of.setdefault((id(source.owner), i), []).append(name)
                numbers.setdefault((id(source.owner), i), []).append(leaf)
        self._checks = [
            (recorder.sources.get(tensor.stamp, Source("leaf", tensor)), check)
            for tensor, check in recorder.checks
        ]
        gathered = [leaf for leaf in leaves if sources[leaf].kind != "number"]
        return [*gathered, *(leaf for group in numbers.values() for leaf in group)]

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
        if self._errors:
            with np.errstate(**self._errors):
                return self._run(found)
        return self._run(found)

    def _run(self, found: Sequence[Any]) -> Any:
        if not self._early:
            return self._commit(self._outputs(found))
        before = [(vars(x), vars(x).copy()) for s in self._early for x in (s, s.optimizer)]
        try:
            for schedule in self._early:
                schedule.step()
            outputs = self._outputs(found)
        except BaseException:
            for now, kept in before:
                now.update(kept)
            raise
        return self._commit(outputs)

    def _outputs(self, found: Sequence[Any]) -> tuple:
        values = self._values(found)
        for leaf in self._replaced:  # as zero_grad does; the new gradient takes the memory of the old one
            leaf._grad = None
        return self.text.run(*values)

    def _commit(self, outputs: tuple) -> Any:
        """Change what the step changes, now that everything is computed: all of it, also if Ctrl-C comes."""
        counts = [(o.state[i], o.state[i].get("count", 0) + 1) for o, i in self._counts]
        steps = [(optimizer, optimizer.steps + n) for optimizer, n in self._stepped]
        results = [made(value) for value in outputs[: self._n_results]]
        try:
            self._put(outputs, counts, steps)
        except KeyboardInterrupt:
            self._put(outputs, counts, steps)
            raise
        for schedule in self._late:
            schedule.step()
        return filled(self._shape_of_result, results)

    def _put(self, outputs: tuple, counts: list[tuple[Any, int]], steps: list[tuple[Any, int]]) -> None:
        """Put what was computed in its places; it may be done again."""
        values = islice(outputs, self._n_results, None)
        for leaf in self._updated:
            leaf._value = _frozen(next(values))
            leaf.stamp = next_stamp()
        for leaf in self._graded:
            leaf._grad = made(next(values))
        for leaf in self._cleared:
            leaf._grad = None
        for optimizer, i, slot in self._kept:
            optimizer.state[i][slot] = next(values)
        for state, count in counts:
            state["count"] = count
        for optimizer, n in steps:
            optimizer.steps = n


_large = 2**16
"""Bytes of a gradient that are worth having once only."""


def _is_large(leaf: Tensor) -> bool:
    return leaf.data.nbytes >= _large


def _source(leaf: Variable, recorder: Recorder) -> Source:
    """Where the value of a leaf comes from."""
    tensor = leaf.tensor
    source = recorder.sources.get(tensor.stamp)
    if source is not None:
        return source
    assigned = any(owner is tensor for owner, _ in recorder.updates.values())
    return Source("leaf" if assigned or tensor.stamp < recorder.start else "constant", tensor)


def _frozen(value: Any) -> Any:
    if type(value) is np.ndarray:
        value.setflags(False)  # type: ignore[call-arg]
    return value
