"""compile: record a function once, replay it without the graph."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import update_wrapper
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from threading import RLock, active_count
from types import MethodType
from typing import Any
from warnings import warn

import numpy as np

from minigrad.compiler.recording.arguments import arguments_as_tensors, objects_in, signature, tensors_in
from minigrad.compiler.recording.reached import Reached
from minigrad.compiler.recording.recorder import NotReplayable, Recorder, Source, same_state
from minigrad.compiler.replay import Replay
from minigrad.random import generator_state, restore_generator
from minigrad.switches import graph_wanted, recording
from minigrad.tensor import Tensor
from minigrad.watch import watchers, watching


def compile(function: Any = None, *, backend: str = "numpy") -> Any:
    """Record a function at its first call, and replay it at later ones: the same results, without the graph.

    function   of Tensors, arrays and numbers, also in dicts, lists and Modules: a forward pass, a loss with
               its gradients, or a whole training step with backward() and optimizer.step()
    backend    "numpy", or "numba": loops, fused and compiled, where Numba is installed (the extra `numba`)
    Returns:   a Compiled, to be called as the function is; also as a decorator, @mg.compile
    Raises:    NotReplayable at the first call, with the line, if the function asks for a value (a branch,
               float(), item(), print), assigns arrays, or draws random numbers outside of the graph

    Arrays and floats among the arguments, and what the function reaches by itself (parameters, optimizers and
    their numbers), are read at each call.  Whole numbers, texts and flags are part of what was recorded:
    others, as another shape, dtype or train/eval flag, are recorded anew.  Results have no graph: a transform
    of this function, or of one that calls it, calls and differentiates the function as it was given.

    >>> W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    >>> @compile
    ... def predict(X):
    ...     return np.tanh(X @ W.T)
    >>> predict(np.ones((3, 2))).shape, predict(np.zeros((3, 2))).numpy()[0], predict.stats()["replays"]
    ((3, 1), array([0.]), 1)
    """
    if backend not in ("numpy", "numba"):
        raise ValueError(f'compile: backend is "numpy" or "numba", not {backend!r}')
    if function is None:
        return lambda function: compile(function, backend=backend)
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"compile: a {type(function).__name__} is not a function")
    if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
        name = getattr(function, "__name__", "the function")
        raise TypeError(f"compile: {name} is a coroutine or a generator; compile a function that it calls")
    return Compiled(function, backend)


class Compiled:
    """A function that is recorded and replayed; `source` is the text that is executed, `stats()` counts."""

    def __init__(self, function: Callable[..., Any], backend: str = "numpy") -> None:
        self._function = function
        self._backend = backend
        self._warned = False
        self._replays: dict[Any, list[Replay]] = {}
        self._last: Replay | None = None
        self._lock = RLock()
        self._recorded = 0
        self._replayed = 0
        update_wrapper(self, function, updated=())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if watchers and watching() is not None:  # called by a function that is being recorded
            args, kwargs = arguments_as_tensors(self._function, args, kwargs, [])
            return self._function(*args, **kwargs)
        if graph_wanted.get():  # called by a function that a transform differentiates
            return self._function(*args, **kwargs)
        with self._lock:
            last = self._last
            if last is not None and not kwargs and last.guard.holds_at_a_glance(args):
                self._replayed += 1
                return last(args)
            found: list[Any] = []
            key = signature((args, kwargs), found, {}), recording.get()
            candidates = self._replays.setdefault(key, [])
            for replay in candidates:
                if replay.guard.holds(found):
                    self._replayed += 1
                    self._last = replay
                    return replay(found)
            replay = _recorded_alone(self._function, args, kwargs, self._backend)
            candidates.append(replay)
            self._forget(candidates)
            replay.guard.like(args, kwargs)
            self._last = replay
            self._recorded += 1
            if replay.text.refusal and not self._warned:
                self._warned = True
                warn(f"compile: {self._name()} is run by NumPy: {replay.text.refusal}", stacklevel=2)
            return replay(found)

    def _forget(self, candidates: list[Replay]) -> None:
        """Let go of the oldest, if there are many: what changes at each call is recorded at each call."""
        del candidates[:-_most]
        while len(self._replays) > _most:
            del self._replays[next(iter(self._replays))]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        """A copy records anew; what a module knows by its name is pickled by its name, as functions are."""
        found: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        name = getattr(self, "__qualname__", "")
        for attribute in name.split("."):
            found = getattr(found, attribute, None)
        return name if found is self else (Compiled, (self._function, self._backend))

    @property
    def source(self) -> str:
        """The text of what is replayed, of the newest recording first."""
        texts = [replay.text.source for replays in self._replays.values() for replay in replays]
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

    def _name(self) -> str:
        return getattr(self._function, "__name__", type(self._function).__name__)

    def __repr__(self) -> str:
        return f"<compiled {self._name()}: {self.stats()}>"


_most = 32
"""How many recordings are kept for a kind of arguments, and for how many kinds of arguments."""


# ---- recording


class _Drew(NotReplayable):
    """Random numbers were drawn that are not in the graph."""


_one_at_a_time = RLock()
"""A recording looks at the generators that all threads share, and sets them back if it is refused."""

_tries = 10
"""How often is recorded where another thread may be what draws from them."""


def _recorded_alone(function: Callable[..., Any], args: tuple, kwargs: dict, backend: str) -> Replay:
    """A recording during which no other thread drew from `random` or NumPy's global generator."""
    with _one_at_a_time:
        for _ in range(_tries - 1 if active_count() > 1 else 0):
            try:
                return _record(function, args, kwargs, backend)
            except _Drew:
                continue
        return _record(function, args, kwargs, backend)


def _record(function: Callable[..., Any], args: tuple, kwargs: dict, backend: str) -> Replay:
    """Call the function, watched, and undo what it did: what a call does is done by the replay.

    So a call gives the same bits whether it was recorded just now or long ago, and one that is refused has
    changed no Tensor, optimizer, schedule or generator.
    """
    reached = Reached(function, objects_in((args, kwargs), []))
    rngs = [*reached.generators, np.random.mtrand._rand]
    before = [deepcopy(rng) for rng in rngs]
    randoms: list[Any] = [*reached.randoms, random]
    python_draws = [of.getstate() for of in randoms]
    recorder = Recorder()
    try:
        replay = _recorded(recorder, function, args, kwargs, reached, backend)
        if [of.getstate() for of in randoms] != python_draws:
            raise _draws()
        _check_draws(rngs, list(map(deepcopy, before)), replay)
    except BaseException:
        _rewind(rngs, before)
        for of, state in zip(randoms, python_draws, strict=True):
            of.setstate(state)
        raise
    finally:
        recorder.undo()
    _rewind(reached.generators, before)
    return replay


def _rewind(rngs: list[Any], before: list[Any]) -> None:
    for rng, kept in zip(rngs, before, strict=False):
        restore_generator(rng, generator_state(kept))


def _recorded(
    recorder: Recorder,
    function: Callable[..., Any],
    args: tuple,
    kwargs: dict,
    reached: Reached,
    backend: str,
) -> Replay:
    given: list[Tensor] = []
    args, kwargs = arguments_as_tensors(function, args, kwargs, given)
    for i, tensor in enumerate(given):
        recorder.sources.setdefault(tensor.stamp, Source("argument", i))
    returned = recorder.run(function, args, kwargs)
    results: list[Tensor] = []
    name = getattr(function, "__name__", "the function")
    try:
        shape_of_result = tensors_in(returned, results, reached.things)
    except TypeError as error:
        raise NotReplayable(f"compile: {name} {error}") from None
    results = list(map(recorder.result, results))
    if not reached.same():
        raise NotReplayable(
            f"compile: {name} changes {reached.changed()}, which a replay would not; return what changes, or "
            "change it outside of the compiled function"
        )
    return Replay(recorder, given, results, shape_of_result, reached, backend)


def _check_draws(rngs: list[Any], before: list[Any], replay: Replay) -> None:
    """Whether the graph has all that was drawn: draw it again from how the generators were."""
    again = {id(rng): copy for rng, copy in zip(rngs, before, strict=True)}
    for rng, shape in replay.drawn:
        if id(rng) not in again:
            raise NotReplayable(
                "compile: the function draws from a generator that it makes itself, which would begin "
                "anew at each call; make it outside"
            )
        again[id(rng)].random(shape)
    for rng in rngs:
        if not same_state(generator_state(rng), generator_state(again[id(rng)])):
            raise _draws()


def _draws() -> NotReplayable:
    return _Drew(
        "compile: the function draws random numbers outside of the graph, which would be the same at "
        "each replay; draw them with mg.random.uniform, mg.random.bernoulli or nn.Dropout"
    )
