"""compile: record a function once, replay it without the graph."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import update_wrapper
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import RLock
from types import MethodType
from typing import Any

import numpy as np

from minigrad.compiler.arguments import as_tensors, filled, objects_in, signature, tensors_in
from minigrad.compiler.numpy_text import Text
from minigrad.compiler.passes import rebuilt
from minigrad.compiler.reached import Reached
from minigrad.compiler.recording import (
    NotReplayable,
    Recorder,
    Source,
    same_state,
    structure_of,
)
from minigrad.program import Program, Variable
from minigrad.random import generator_state
from minigrad.tensor import Tensor, made, next_stamp, recording
from minigrad.watch import watched_by, watchers, watching


def compile(function: Any = None, *, backend: str = "numpy") -> Any:
    """Record a function at its first call, and replay it at later ones: the same results, without the graph.

    function   of Tensors, arrays and numbers, also in dicts, lists and Modules: a forward pass, a loss with
               its gradients, or a whole training step with backward() and optimizer.step()
    backend    "numpy"
    Returns:   a Compiled, to be called as the function is; also as a decorator, @mg.compile
    Raises:    NotReplayable at the first call, with the line, if the function asks for a value (a branch,
               float(), item(), print), assigns arrays, or draws random numbers outside of the graph

    Arrays and floats among the arguments, and what the function reaches by itself (parameters, optimizers and
    their numbers), are read at each call.  Whole numbers, texts and flags are part of what was recorded:
    others, as another shape, dtype or train/eval flag, are recorded anew.  Results have no graph.

    >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> @compile
    ... def predict(X):
    ...     return np.tanh(X @ W.T)
    >>> predict(np.ones((3, 2))).shape, predict(np.zeros((3, 2))).numpy()[0], predict.stats()["replays"]
    ((3, 1), array([0.]), 1)
    """
    if backend != "numpy":
        raise ValueError(f'compile: backend is "numpy", not {backend!r}')
    if function is None:
        return lambda function: compile(function, backend=backend)
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"compile: a {type(function).__name__} is not a function")
    if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
        name = getattr(function, "__name__", "the function")
        raise TypeError(f"compile: {name} is a coroutine or a generator; compile a function that it calls")
    return Compiled(function)


class Compiled:
    """A function that is recorded and replayed; `source` is the text that is executed, `stats()` counts."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._replays: dict[Any, list[Replay]] = {}
        self._last: Replay | None = None
        self._lock = RLock()
        self._recorded = 0
        self._replayed = 0
        update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if watchers and watching() is not None:  # called by a function that is being recorded
            return self._function(*as_tensors(args, []), **as_tensors(kwargs, []))
        with self._lock:
            last = self._last
            if last is not None and not kwargs and last.takes(args) and last.holds(args):
                self._replayed += 1
                return last(args)
            found: list[Any] = []
            key = signature((args, kwargs), found, {}), recording.get()
            candidates = self._replays.setdefault(key, [])
            for replay in candidates:
                if replay.holds(found):
                    self._replayed += 1
                    self._last = replay
                    return replay(found)
            result, replay = _record(self._function, args, kwargs)
            candidates.append(replay)
            self._forget(candidates)
            replay.like(args, kwargs)
            self._last = replay
            self._recorded += 1
            return result

    def _forget(self, candidates: list[Replay]) -> None:
        """Let go of the oldest, if there are many: what changes at each call is recorded at each call."""
        del candidates[:-_most]
        while len(self._replays) > _most:
            del self._replays[next(iter(self._replays))]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return Compiled, (self._function,)  # a copy records anew

    @property
    def source(self) -> str:
        """The text of what is replayed, of the newest recording first."""
        texts = [replay.source for replays in self._replays.values() for replay in replays]
        if not texts:
            return "# nothing is recorded before the first call"
        return "\n\n".join(reversed(texts))

    def stats(self) -> dict[str, int]:
        """How often was recorded and replayed; how many buffers there are, and of how many bytes."""
        replays = [replay for replays in self._replays.values() for replay in replays]
        buffers = [buffer for replay in replays for buffer in replay.text.buffers.values()]
        return {
            "recordings": self._recorded,
            "replays": self._replayed,
            "buffers": len(buffers),
            "bytes": sum(buffer.nbytes for buffer in buffers),
        }

    def __repr__(self) -> str:
        return f"<compiled {getattr(self._function, '__name__', 'function')}: {self.stats()}>"


_most = 32
"""How many recordings are kept for a kind of arguments, and for how many kinds of arguments."""


# ---- recording


def _record(function: Callable[..., Any], args: tuple, kwargs: dict) -> tuple[Any, Replay]:
    reached = Reached(function, objects_in((args, kwargs), []))
    given: list[Tensor] = []
    args, kwargs = as_tensors(args, given), as_tensors(kwargs, given)
    rngs = [*reached.generators, np.random.mtrand._rand]
    before = [deepcopy(rng) for rng in rngs]
    python_draws = random.getstate()
    recorder = Recorder()
    for i, tensor in enumerate(given):
        recorder.sources.setdefault(tensor.stamp, Source("argument", i))
    returned = recorder.run(function, args, kwargs)
    results: list[Tensor] = []
    name = getattr(function, "__name__", "the function")
    try:
        shape_of_result = tensors_in(returned, results, reached.things)
    except TypeError as error:
        raise NotReplayable(f"compile: {name} {error}") from None
    results = [recorder.stand_in(result) for result in results]
    if not reached.same():
        raise NotReplayable(
            f"compile: {name} changes {reached.changed()}, which a replay would not; return what changes, or "
            "change it outside of the compiled function"
        )
    if random.getstate() != python_draws:
        raise _draws()
    replay = Replay(recorder, given, results, shape_of_result, reached)
    _check_draws(rngs, before, replay)
    for leaf in recorder.graded.values():
        if leaf._grad is not None:
            leaf._grad = made(leaf._grad._value)
    return filled(shape_of_result, [made(t._value) for t in results]), replay


def _check_draws(rngs: list[Any], before: list[Any], replay: Replay) -> None:
    """Whether the graph has all that was drawn: draw it again from how the generators were."""
    again = {id(rng): copy for rng, copy in zip(rngs, before, strict=True)}
    for equation in replay.drawn:
        rng = equation.parameters["rng"]
        if id(rng) not in again:
            raise NotReplayable(
                "compile: the function draws from a generator that it makes itself, which would begin "
                "anew at each call; make it outside"
            )
        again[id(rng)].random(equation.parameters["shape"])
    for rng in rngs:
        if not same_state(generator_state(rng), generator_state(again[id(rng)])):
            raise _draws()


def _draws() -> NotReplayable:
    return NotReplayable(
        "compile: the function draws random numbers outside of the graph, which would be the same at "
        "each replay; draw them with mg.random.uniform, mg.random.bernoulli or nn.Dropout"
    )


# ---- replaying


class Replay:
    """One recording as a program, bound to what it reads and what it changes."""

    def __init__(
        self,
        recorder: Recorder,
        given: list[Tensor],
        results: list[Tensor],
        shape_of_result: Any,
        reached: Reached,
    ) -> None:
        self.reached = reached
        self.shape_of_result = shape_of_result
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
        self._checks = [
            (recorder.sources.get(tensor.stamp, Source("leaf", tensor)), check)
            for tensor, check in recorder.checks
        ]
        self._structures = list(zip(recorder.optimizers, recorder.structures, strict=True))
        self._without_grad = recorder.without_grad
        gradients = [g for _, g in self.graded if g is not None]
        wanted = [*results, *(new for _, new in self.updates), *gradients, *(v for *_, v in self.states)]
        recorded = Program(wanted)
        self.calls = {id(c.module): c.module for c in recorded.calls}
        self.drawn = [e for e in recorded.equations if "rng" in e.parameters]
        with watched_by(None):
            outputs, names = rebuilt(wanted, recorder.given)
            for (leaf, _), new in zip(self.updates, outputs[len(results) :], strict=False):
                names.setdefault(new, f"{leaf.name or 'leaf'}_new")
            gradients_of = [leaf for leaf, g in self.graded if g is not None]
            for leaf, g in zip(gradients_of, outputs[len(results) + len(self.updates) :], strict=False):
                names.setdefault(g, f"d{leaf.name or 'leaf'}")
        self.program = Program(outputs, names)
        self.n_results = len(results)
        self._inputs = [self._source(v, recorder) for v in self.program.leaves]
        self.text = Text(self.program)
        own = {id(leaf) for leaf, _ in (*self.updates, *self.graded)} | reached.tensors
        own |= {id(leaf) for leaf in recorder.without_grad}
        self._own = own
        self._must_be = {i: tensor for i, tensor in enumerate(given) if id(tensor) in own}
        self._bind()

    def _source(self, leaf: Variable, recorder: Recorder) -> Source:
        tensor = leaf.tensor
        source = recorder.sources.get(tensor.stamp)
        if source is not None:
            return source
        for owner, _ in recorder.updates.values():
            if owner is tensor:
                return Source("leaf", tensor)
        return Source("leaf", tensor) if tensor.stamp < recorder.start else Source("constant", tensor)

    def like(self, args: tuple, kwargs: dict) -> None:
        """Keep how it was called, to see at a glance whether it is called so again."""
        plain = not kwargs and all(type(x) in _computed_with for x in args)
        alike = plain and len(set(map(id, args))) == len(args)  # no argument given twice
        self._alike = [_kind(x) for x in args] if alike else None
        self._recording = recording.get()

    def takes(self, args: tuple) -> bool:
        """Whether these are arguments like those that it was recorded with: a look, for the usual case."""
        alike = self._alike
        if alike is None or len(args) != len(alike) or recording.get() is not self._recording:
            return False
        for x, kind in zip(args, alike, strict=True):
            if type(x) not in _computed_with or _kind(x) != kind:
                return False
        return len(args) < 2 or len(set(map(id, args))) == len(args)

    def holds(self, found: Sequence[Any]) -> bool:
        """Whether what the function reaches is as it was when this was recorded."""
        own, must_be = self._own, self._must_be
        for i, x in enumerate(found):  # a Tensor that the function changes, or has by itself, too
            if isinstance(x, Tensor) and (i in must_be or id(x) in own) and must_be.get(i) is not x:
                return False
        if not self.reached.same():
            return False
        for leaf, needs_gradient in self._needs:
            if leaf._requires_grad is not needs_gradient:
                return False
        for optimizer, structure in self._structures:
            if structure_of(optimizer) != structure:
                return False
        return all(leaf._grad is not None for leaf in self._with_grad) and all(
            leaf._grad is None for leaf in self._without_grad
        )

    def _bind(self) -> None:
        names = [self.text.names[leaf] for leaf in self.program.leaves]
        rngs = list(self.program.generators)
        outputs = "".join(f"{value}, " for value in self.text.returned).rstrip()
        body = "\n".join(f"    {line}" for line in self.text.lines)
        kept = [f"{name}={name}" for name in self.text.objects if name != "np"]  # locals are found sooner
        taken = ", ".join([*names, *rngs, *(["*", *kept] if kept else [])])
        self.source = f"def replay({taken}):\n{body}\n    return ({outputs})\n"
        exec(__import__("builtins").compile(self.source, "<compiled>", "exec"), self.text.objects)
        self._run = self.text.objects["replay"]
        self._needs = [(s.owner, s.owner._requires_grad) for s in self._inputs if s.kind == "leaf"]
        self._with_grad = [s.owner for s in self._inputs if s.kind == "grad"]
        self._template = [s.owner._value if s.kind == "constant" else None for s in self._inputs]
        self._template += self.program.generators.values()
        self._places: dict[str, list[Any]] = {}
        for place, (kind, owner, key) in enumerate(self._inputs):
            self._places.setdefault(kind, []).append((place, owner, key))

    def __call__(self, found: Sequence[Any]) -> Any:
        """One replay, for what `signature` finds in the arguments."""
        if not self.early:
            return self._commit(self._run(*self._values(found)))
        before = [(vars(x), vars(x).copy()) for s in self.early for x in (s, s.optimizer)]
        try:
            for schedule in self.early:
                schedule.step()
            return self._commit(self._run(*self._values(found)))
        except BaseException:
            for now, kept in before:
                now.update(kept)
            raise

    def _values(self, found: Sequence[Any]) -> list[Any]:
        """What the text is called with."""
        for source, check in self._checks:
            x = found[source.owner] if source.kind == "argument" else source.owner
            check(x._value if isinstance(x, Tensor) else x)
        values, places = self._template.copy(), self._places
        for place, leaf, _ in places.get("leaf", ()):
            values[place] = leaf._value
        for place, i, _ in places.get("argument", ()):
            x = found[i]
            values[place] = x._value if isinstance(x, Tensor) else x
        for place, leaf, _ in places.get("grad", ()):
            values[place] = leaf._grad._value
        for place, optimizer, (i, slot) in places.get("state", ()):
            values[place] = optimizer.state[i][slot]
        numbers: dict[Any, Any] = {}
        for place, optimizer, (i, name) in places.get("number", ()):
            if (optimizer, i) not in numbers:
                numbers[optimizer, i] = optimizer.numbers(i)
            values[place] = numbers[optimizer, i][name]
        return values

    def _commit(self, outputs: tuple) -> Any:
        """Change what the step changes, now that everything is computed."""
        results, rest = outputs[: self.n_results], iter(outputs[self.n_results :])
        counts = [(o.state[i], o.numbers(i)["count"]) for o, i in self.counts]
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


_computed_with = (Tensor, np.ndarray, float)


def _kind(x: Any) -> Any:
    """What must stay as it is of an argument that is computed with."""
    if type(x) is Tensor:
        value = x._value
        if type(value) is np.ndarray:
            return value.shape, value.dtype, x._requires_grad, x._grad is None, x.function is None, x.name
        return type(value), x._requires_grad, x._grad is None, x.function is None, x.name
    return (x.shape, x.dtype) if type(x) is np.ndarray else float


def _frozen(value: Any) -> Any:
    if type(value) is np.ndarray:
        value.setflags(False)  # type: ignore[call-arg]
    return value
