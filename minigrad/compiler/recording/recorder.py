"""One call of a function, recorded: what it reads, what it computes, and what it changes.

While it runs, everything is a node of one graph: also what is computed inside no_grad, by backward() and by
an optimizer.  What the function asks Python about a value (a branch, float(), print) cannot be replayed, and
is refused with the line that asks.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad.optim import Optimizer
from minigrad.other_arrays.foreign import is_foreign
from minigrad.reading import describe
from minigrad.switches import reading_allowed
from minigrad.tensor import Tensor, assign, constant, made, next_stamp, record
from minigrad.watch import watched_by

_library = str(Path(__file__).parents[2])


class NotReplayable(RuntimeError):  # noqa: N818
    """A function that cannot be recorded and replayed; the message has the line that is why."""


class Source(NamedTuple):
    """Where a value that a recording is given comes from at each replay.

    kind   "argument", "leaf" (a Tensor that the function reached by itself), "grad", "state" (of an
           optimizer, for a parameter), "number" (of an optimizer, for a parameter)
    owner  the position of an argument, the leaf, the parameter, or the optimizer
    key    of a state: the position of the parameter, and its name; of a number: the first parameter that it
           is for, and its name
    """

    kind: str
    owner: Any
    key: tuple[int, str] | None = None


class Recorder:
    """Watches one call of a function.

    sources    stamp of a leaf of the graph -> where it comes from
    updates    leaf -> the value that was assigned to it
    graded     the leaves whose .grad was set, or added to
    states     (optimizer, position of the parameter) -> the new state, as Tensors and numbers
    optimizers, schedules   whose step() was called, in order
    checks     (leaf, function that raises if it does not like the leaf's value)
    early      ids of the schedules that were stepped before their optimizer
    structures      of the optimizers, as they were then
    without_grad    the leaves that had no gradient when it was looked at, and must have none again
    with_grad       those that had one
    errors          what the function does with floating-point errors (np.errstate), beside its caller
    """

    def __init__(self) -> None:
        self.start = next_stamp()
        self.sources: dict[int, Source] = {}
        self.updates: dict[int, tuple[Tensor, Tensor]] = {}
        self.graded: dict[int, Tensor] = {}
        self.states: dict[tuple[int, int], tuple[Optimizer, dict[str, Any]]] = {}
        self.optimizers: list[Optimizer] = []
        self.structures: list[Any] = []
        self.without_grad: list[Tensor] = []
        self.with_grad: list[Tensor] = []
        self.schedules: list[Any] = []
        self.early: set[int] = set()
        self.checks: list[tuple[Tensor, Callable[[Any], None]]] = []
        self.errors: dict[str, Any] = {}
        self._errors_before = np.geterr()
        self._refused: NotReplayable | None = None
        self._stand_ins: dict[int, Tensor] = {}
        self._leaves: dict[int, tuple[Tensor, Any, int, Tensor | None]] = {}
        self._things: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._copies: list[Tensor] = []

    # ---- as it was

    def _keep(self, leaf: Tensor) -> None:
        """Before a leaf is changed for the first time: its value, stamp and gradient."""
        self._leaves.setdefault(id(leaf), (leaf, leaf._value, leaf.stamp, leaf._grad))

    def _keep_numbers(self, thing: Any) -> None:
        """Before an optimizer or a schedule steps for the first time: all that it has."""
        kept = vars(thing).copy()
        if isinstance(thing, Optimizer):
            kept["state"] = list(map(dict, thing.state))
        self._things.setdefault(id(thing), (thing, kept))

    def undo(self) -> None:
        """Put back what the call changed: leaves, their gradients, optimizers, schedules."""
        for leaf, value, stamp, grad in self._leaves.values():
            leaf._value, leaf.stamp, leaf._grad = value, stamp, grad
        for thing, kept in self._things.values():
            vars(thing).update(kept)
        for copy in self._copies:  # whoever keeps one, as Dropout its last mask, does not keep the recording
            copy.function, copy.inputs, copy.parameters = None, (), {}

    def given(self, leaf: Tensor) -> bool:
        """Whether a leaf of the graph is given anew at each replay: what the function did not make itself."""
        return leaf.stamp in self.sources or leaf.stamp < self.start or id(leaf) in self.updates

    def stand_in(self, x: Any) -> Any:
        """For a result that was computed before the call: a leaf with its value; others are as they are."""
        if not isinstance(x, Tensor) or x.function is None or x.stamp >= self.start:
            return x
        if x._requires_grad:
            raise self._refusal(
                f"{describe(x)} was computed before the call and needs a gradient, which a replay would not "
                "pass on; compute it in the function, or use t.detach()"
            )
        if x.stamp not in self._stand_ins:
            leaf = self._stand_ins[x.stamp] = made(x._value)
            leaf.name = x.name
            self.sources[leaf.stamp] = self.sources.get(x.stamp, Source("leaf", x))
        return self._stand_ins[x.stamp]

    def run(self, function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
        """Call the function, watched."""
        before = reading_allowed.get()
        try:
            reading_allowed.set(False)
            with watched_by(self):
                returned = function(*args, **kwargs)
        finally:
            reading_allowed.set(before)
        if self._refused is not None:  # the function has caught it, and went on in another way
            raise self._refused
        return returned

    # ---- what tensor.py, backprop.py and optim.py tell

    def record(self, function: Callable[..., Any], inputs: tuple, parameters: dict[str, Any]) -> Tensor:
        """An operation: computed as ever, and kept in the graph in any case."""
        inputs = tuple(map(self.stand_in, inputs))
        for x in inputs:
            if isinstance(x, Tensor) and id(x) in self.updates:
                raise self._refusal(
                    f"{describe(x)} is used after it was assigned to; compile a function that makes one step"
                )
        if np.geterr() != self._errors_before:
            self.errors = dict(np.geterr())
        with watched_by(None):
            y = record(function, inputs, parameters)
        if is_foreign(y._value):
            raise self._refusal("a replay computes in NumPy's arrays; call the function itself on others")
        if y.function is None:
            y.function, y.parameters = function, parameters
            y.inputs = tuple(np.array(x) if isinstance(x, np.ndarray) else x for x in inputs)
        return y

    def copied(self, tensor: Tensor, source: Tensor) -> None:
        """Tensor(source), source.detach(): a value of the graph, not a leaf."""
        if tensor._requires_grad:
            raise self._refusal(f"Tensor({describe(source)}, requires_grad=True) makes a leaf at every call")
        self._copies.append(tensor)
        tensor.function, tensor.inputs = np.positive, (source,)  # a Python number stays one
        if tensor.dtype != source.dtype or tensor.dtype == bool:
            tensor.function, tensor.parameters = np.astype, {"dtype": tensor.dtype}

    def assigned(self, leaf: Tensor, value: Any) -> None:
        """An assignment to a leaf."""
        if not isinstance(value, Tensor):
            raise self._refusal(
                f"{describe(leaf)} is assigned an array that is not computed from Tensors, which a replay "
                "would not see"
            )
        self._keep(leaf)
        new = self.stand_in(value)
        if new.dtype != leaf.dtype:
            new = self.record(np.astype, (new,), {"dtype": leaf.dtype})
        self.updates[id(leaf)] = leaf, new

    def result(self, x: Tensor) -> Tensor:
        """For a Tensor that the function returns: a leaf that was assigned to is what was assigned."""
        return self.updates[id(x)][1] if id(x) in self.updates else self.stand_in(x)

    def refuse(self, tensor: Tensor, how: str) -> None:
        """Something asks for a value."""
        raise self._refusal(
            f"{how} of {describe(tensor)} is another one at each replay; keep to Tensors, read what the "
            "compiled function gives, and write W -= lr * dW, or an optimizer's step"
        )

    def refuse_function(self, name: str) -> None:
        """A function without a row: its result would be the same at each replay."""
        raise self._refusal(
            f"{name} of a Tensor is not recorded; apply it to what the compiled function gives"
        )

    def refuse_parameter(self, tensor: Tensor) -> None:
        """A Tensor whose values are a parameter of an operation."""
        raise self._refusal(
            f"{describe(tensor)} is an index or a parameter, which is part of what is recorded; do it before "
            "the call, or give whole numbers"
        )

    def refuse_last_mask(self) -> None:
        """fixed_masks without masks for all layers."""
        raise self._refusal(
            "fixed_masks repeats a last mask, which is another one at each replay; give masks"
        )

    def checked(self, tensor: Tensor, check: Callable[[Any], None]) -> None:
        """A value was checked, and has to be at each replay, if it is given from outside."""
        if tensor.stamp in self.sources or tensor.stamp < self.start:
            self.checks.append((tensor, check))

    def switched(self, leaf: Tensor) -> None:
        """leaf.requires_grad = ..."""
        if leaf.stamp < self.start:
            raise self._refusal(f"requires_grad of {describe(leaf)} is set, which a replay would not do")

    def hooked(self, tensor: Tensor) -> None:
        """tensor.register_hook(...), or the removal of a hook."""
        if tensor.stamp < self.start:
            raise self._refusal(
                f"a hook of {describe(tensor)} is registered or removed, which a replay would not do; "
                "register hooks of what the function computes"
            )

    def calls_hook(self, tensor: Tensor) -> None:
        """A gradient has arrived at a Tensor with hooks."""
        if tensor.stamp < self.start:
            raise self._refusal(
                f"{describe(tensor)} has a hook from outside of the function, which a replay would not call; "
                "register it in the function, on what is computed there, or change what mg.grad gives"
            )

    def grad_set(self, leaf: Tensor) -> None:
        """leaf.grad = ... (zero_grad)."""
        self._keep(leaf)
        self.graded[id(leaf)] = leaf

    def grad_read(self, leaf: Tensor) -> None:
        """leaf.grad, of which Python may ask whether it is None."""
        if leaf.stamp < self.start and id(leaf) not in self.graded:
            (self.without_grad if leaf._grad is None else self.with_grad).append(leaf)
        self._give_grad(leaf)

    def accumulates(self, leaf: Tensor) -> None:
        """backward() is about to add to a leaf's gradient."""
        self._keep(leaf)
        self._read_grad(leaf)
        self.graded[id(leaf)] = leaf

    def _read_grad(self, leaf: Tensor) -> None:
        """A gradient is used, or there is none, as it was before the call, unless the function has set it."""
        if leaf._grad is None and id(leaf) not in self.graded:
            self.without_grad.append(leaf)
        self._give_grad(leaf)

    def _give_grad(self, leaf: Tensor) -> None:
        """A gradient from before the call, that the function has not set, is given anew at each replay."""
        if leaf._grad is None or leaf._grad.stamp > self.start or id(leaf) in self.graded:
            return
        if not leaf._grad._requires_grad:  # a Tensor of its own: something else may be the same one now
            self._keep(leaf)
            leaf._grad = made(leaf._grad._value)
        self.sources[leaf._grad.stamp] = Source("grad", leaf)

    def optimizer_step(self, optimizer: Optimizer) -> None:
        """optimizer.step(), with Tensors for arrays and for numbers."""
        early = {id(s) for s in self.schedules if s.optimizer is optimizer}
        if early and any(o is optimizer for o in self.optimizers):
            raise self._refusal("an optimizer and its schedule step in turns; compile one step")
        self._keep_numbers(optimizer)
        self.early |= early
        self.optimizers.append(optimizer)
        self.structures.append(structure_of(optimizer))
        new: list[tuple[int, Tensor, Tensor, dict[str, Any]]] = []
        kinds = optimizer.kinds()
        numbers: dict[Any, dict[str, Any]] = {}
        for i, p in enumerate(optimizer.parameters):
            self._read_grad(p)
            if p._grad is None:
                continue
            if kinds[i] not in numbers:
                numbers[kinds[i]] = {
                    name: value
                    if value is None
                    else self._given(constant(value), "number", optimizer, i, name)
                    for name, value in optimizer.numbers(*kinds[i]).items()
                }
            state = {
                slot: self._given(made(value), "state", optimizer, i, slot)
                for slot, value in optimizer.state[i].items()
                if slot != "count"
            }
            w, kept = optimizer.updated(p, p._grad, state, numbers[kinds[i]])
            new.append((i, p, w, kept))
        for i, p, w, kept in new:
            self.assigned(p, w)
            self.states[id(optimizer), i] = optimizer, kept
        self._commit(optimizer, new)

    def _commit(self, optimizer: Optimizer, new: list[tuple[int, Tensor, Tensor, dict[str, Any]]]) -> None:
        """Do what the step does, in earnest."""
        from minigrad.recording import no_grad

        with watched_by(None), no_grad():
            for i, p, w, kept in new:
                assign(p, made(w._value))
                optimizer.state[i] = {slot: value._value for slot, value in kept.items()}
        optimizer.steps += 1

    def schedule_step(self, schedule: Any) -> None:
        """schedule.step()."""
        self._keep_numbers(schedule)
        self._keep_numbers(schedule.optimizer)
        self.schedules.append(schedule)

    def _numbers(self, optimizer: Optimizer, i: int, numbers: dict[str, float | None]) -> dict[str, Any]:
        return {
            name: value if value is None else self._given(constant(value), "number", optimizer, i, name)
            for name, value in numbers.items()
        }

    def _given(self, tensor: Tensor, kind: str, owner: Any, i: int, name: str) -> Tensor:
        tensor.name = name
        self.sources[tensor.stamp] = Source(kind, owner, (i, name))
        return tensor

    def _refusal(self, why: str) -> NotReplayable:
        self._refused = NotReplayable(f"compile: {why}{where()}")
        return self._refused


def structure_of(optimizer: Optimizer) -> Any:
    """What decides which operations an optimizer's step is made of."""
    kinds = optimizer.kinds()
    decayed = [kind[0] for kind in kinds]
    return type(optimizer), optimizer.choices(), list(map(tuple, optimizer.state)), decayed, _alike(kinds)


def _alike(kinds: list[Any]) -> list[int]:
    """Which parameters share their numbers: for each the first of its kind."""
    return list(map(kinds.index, kinds))


def where() -> str:
    """The innermost line of code outside of the library, as the end of a message."""
    frames = [f for f in traceback.extract_stack() if not f.filename.startswith(_library)]
    if not frames:
        return ""
    frame = frames[-1]
    return f'\n  File "{frame.filename}", line {frame.lineno}, in {frame.name}\n    {frame.line}'


# ---- random generators: what was drawn has to be drawn by the graph


def same_state(a: Any, b: Any) -> bool:
    """Whether two states of a generator are the same.

    >>> rng = np.random.default_rng(0)
    >>> before = rng.bit_generator.state; _ = rng.random()
    >>> same_state(before, rng.bit_generator.state), same_state(before, before)
    (False, True)
    """
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_state(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))
