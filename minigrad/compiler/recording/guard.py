"""What must be as it was for a recording to be replayed: arguments, what the function reaches, optimizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import numpy as np

from minigrad.compiler.recording.conditions import Conditions
from minigrad.compiler.recording.reached import Reached
from minigrad.compiler.recording.recorder import Recorder, structure_of
from minigrad.hooks import changes
from minigrad.optim import Optimizer
from minigrad.switches import recording
from minigrad.tensor import Tensor

_needs_gradient = attrgetter("_requires_grad")
_grad_of = attrgetter("_grad")


class Guard:
    """Says whether a recording holds for a call.

    leaves      Tensors that the recorded function reaches by itself
    with_grad   those of which it reads the gradient
    changed     ids of the Tensors that it changes
    optimizers  those that it steps
    """

    def __init__(
        self,
        recorder: Recorder,
        given: Sequence[Tensor],
        reached: Reached,
        leaves: Sequence[Tensor],
        with_grad: Sequence[Tensor],
        changed: set[int],
    ) -> None:
        self.optimizers = list(map(Stepped, recorder.optimizers, recorder.structures))
        self._reached = reached
        self._with_grad = [*with_grad, *recorder.with_grad]
        self._without_grad = recorder.without_grad
        self._own = changed | reached.tensors | set(map(id, (*self._with_grad, *self._without_grad)))
        self._must_be = {i: tensor for i, tensor in enumerate(given) if id(tensor) in self._own}
        self._leaves = leaves
        self._needs = list(map(_needs_gradient, leaves))
        self._hooks = changes[0]
        self._is_like: Callable[[tuple], bool] = _never

    def like(self, args: tuple, kwargs: dict) -> None:
        """Keep how the function was called, to see at a glance whether it is called so again."""
        simple = not kwargs and all(type(x) in (Tensor, np.ndarray, float) for x in args)
        if simple and len(set(map(id, args))) == len(args):  # none is given twice
            self._is_like = self._conditions(args).function()

    def _conditions(self, args: tuple) -> Conditions:
        conditions = Conditions("args")
        conditions.add(f"len(args) == {len(args)}")
        conditions.add("{}() is {}", recording.get, recording.get())
        for i, x in enumerate(args):
            conditions.add(f"type(x := args[{i}]) is {{}}", type(x))
            if type(x) is Tensor:
                conditions.add(
                    "x is {}" if i in self._must_be else "id(x) not in {}", self._must_be.get(i, self._own)
                )
                for attribute in ("_requires_grad", "name"):
                    conditions.add(f"x.{attribute} == {{}}", getattr(x, attribute))
                for attribute in ("_grad", "_hooks", "function"):
                    negated = " not" * (getattr(x, attribute) is not None)
                    conditions.add(f"x.{attribute} is{negated} None")
                conditions.add("type(x := x._value) is {}", type(x._value))
                x = x._value
            if type(x) is np.ndarray:
                conditions.add("x.shape == {} and x.dtype == {}", x.shape, x.dtype)
        for i in range(len(args)):
            for j in range(i):
                conditions.add(f"args[{i}] is not args[{j}]")
        return conditions

    def holds_at_a_glance(self, args: tuple) -> bool:
        """Whether the recording holds, for a usual call: with arguments like those that it was made with."""
        return self._is_like(args) and self._surroundings_hold()

    def holds(self, found: Sequence[Any]) -> bool:
        """Whether it holds for arguments of the recording's signature."""
        own, must_be = self._own, self._must_be
        for i, x in enumerate(found):  # a Tensor that the function changes, or has by itself, too
            if isinstance(x, Tensor) and (i in must_be or id(x) in own) and must_be.get(i) is not x:
                return False
        return self._surroundings_hold()

    def _surroundings_hold(self) -> bool:
        if not self._reached.same() or list(map(_needs_gradient, self._leaves)) != self._needs:
            return False
        if self._hooks != changes[0]:
            if any(leaf._hooks for leaf in self._leaves):
                return False
            self._hooks = changes[0]
        for optimizer in self.optimizers:
            if not optimizer.holds():
                return False
        if self._with_grad and None in map(_grad_of, self._with_grad):
            return False
        return not self._without_grad or all(leaf._grad is None for leaf in self._without_grad)


def _never(args: tuple) -> bool:
    return False


class Stepped:
    """An optimizer that a recording steps, with the numbers of its next step."""

    def __init__(self, optimizer: Optimizer, structure: Any) -> None:
        self.optimizer = optimizer
        self._structure = structure
        self._counted = "count" in optimizer.slots
        names = [name for name in vars(optimizer) if name not in ("state", "steps")]
        self._settings_of = itemgetter(*names)
        self._settings: Any = None  # as they were when it was looked at last
        self._state: Any = None
        self._lengths: list[int] = []
        self._numbers: dict[int, dict[str, Any]] = {}
        self._plain = type(optimizer).__module__ == Optimizer.__module__

    def holds(self) -> bool:
        """Whether its updates are still made of the same operations."""
        optimizer = self.optimizer
        state = optimizer.state
        if (
            self._plain
            and not self._counted
            and not optimizer._weight_decay  # which parameters it touches may change
            and state is self._state
            and list(map(len, state)) == self._lengths
            and self._settings_of(vars(optimizer)) == self._settings
        ):
            return True
        if structure_of(optimizer) != self._structure:
            return False
        self._state, self._lengths = state, list(map(len, state))
        self._settings, self._numbers = self._settings_of(vars(optimizer)), {}
        return True

    def numbers(self, i: int) -> dict[str, Any]:
        """The numbers that the parameters of the kind of parameter i are updated with."""
        numbers = self._numbers.get(i)
        if (
            numbers is None
            or self._counted
            or not self._plain
            or self.optimizer._weight_decay
            or self._settings_of(vars(self.optimizer)) != self._settings
        ):
            numbers = self._numbers[i] = self.optimizer.numbers(*self.optimizer.kinds()[i])
        return numbers
