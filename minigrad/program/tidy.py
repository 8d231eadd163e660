"""A recorded graph without what nobody would write twice, or at all: what is computed again, and 1 * x.

A second-order loss is recorded as the rules made it, and full of both; a loss summed up in a loop begins
at 0.  What was typed is otherwise left as it was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from hashlib import blake2b
from typing import Any

import numpy as np

from minigrad.program.simplify import identity_of
from minigrad.random import is_generator
from minigrad.tensor import Tensor, made

_neutral: dict[Callable[..., Any], tuple[int | None, int | None]] = {
    np.multiply: (1, 1), np.add: (0, 0), np.divide: (None, 1), np.subtract: (None, 0),
}  # fmt: skip
"""Function -> the number that changes nothing, as its first and as its second operand."""

_moves = (np.positive, np.reshape, np.broadcast_to, np.astype, np.squeeze)
"""Functions that change nothing where the shape and the dtype stay."""

_undone = (np.negative, np.transpose, np.swapaxes)
"""Functions that undo themselves, called twice with the same parameters."""


def tidied(loss: Tensor, kept: Collection[int] = ()) -> Tensor:
    """The loss as a graph in which nothing is computed twice, and no operation gives what it was given.

    kept  stamps of values that must stay

    Values that have names stay too, unless they are computed again under the same name; so does every
    draw.  Two data of one name and the same numbers are one.  A value that stays keeps its stamp, so the new
    graph and the old one can be compared; where there is nothing to be done, it is the old one.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> loss = np.sum(0 + 1.0 * np.exp(x) * np.exp(x))
    >>> [t.function.__name__ for t in behind([tidied(loss)]) if t.function]
    ['exp', 'multiply', 'sum']
    """
    return _Tidying(loss, kept).of(loss)


def behind(tensors: Collection[Tensor]) -> list[Tensor]:
    """The Tensors, and all that they are computed from, oldest first."""
    found = {tensor.stamp: tensor for tensor in tensors}
    waiting = list(found.values())
    while waiting:
        for x in waiting.pop().inputs:
            if isinstance(x, Tensor) and x.stamp not in found:
                found[x.stamp] = x
                waiting.append(x)
    return [found[stamp] for stamp in sorted(found)]


class _Tidying:
    def __init__(self, loss: Tensor, kept: Collection[int]) -> None:
        self.kept = {*kept, loss.stamp}
        self.now: dict[int, Tensor] = {}  # stamp -> the value that stands for it
        self.made: dict[Any, list[Tensor]] = {}
        self.arrays: dict[Any, Any] = {}
        for tensor in behind([loss]):
            self.now[tensor.stamp] = self.leaf(tensor) if tensor.function is None else self.result(tensor)

    def of(self, x: Any) -> Any:
        """What stands for an operand now."""
        if isinstance(x, Tensor):
            return self.now.get(x.stamp, x)  # a leaf that was assigned to since is newer than its uses
        return self.arrays.setdefault(contents(x), x) if isinstance(x, np.ndarray) else x

    def leaf(self, tensor: Tensor) -> Tensor:
        """Data that was wrapped twice, once: a model called on X and a loss of Y do so at every call."""
        if tensor.requires_grad or tensor.stamp in self.kept or not isinstance(tensor._value, np.ndarray):
            return tensor
        return self.arrays.setdefault((tensor.name, contents(tensor._value)), tensor)

    def result(self, tensor: Tensor) -> Tensor:
        """A result: one that was there before, the operand that it equals, or the same of other operands."""
        inputs = tuple(map(self.of, tensor.inputs))
        loose = tensor.name is None and tensor.stamp not in self.kept
        if loose and (same := _unchanged(tensor, inputs, self.kept)) is not None:
            return same
        if any(map(is_generator, tensor.parameters.values())):
            return tensor  # another draw is another value
        identities = [identity_of(x) for x in inputs]
        key = (
            tensor.function,
            tuple(sorted(identities, key=repr) if tensor.function is np.multiply else identities),
            tuple(map(identity_of, tensor.parameters.values())),
        )
        others = self.made.setdefault(key, [])
        for other in others:
            if not {tensor.stamp, other.stamp} & self.kept and tensor.name in (None, other.name):
                return other
        if any(x is not before for x, before in zip(inputs, tensor.inputs, strict=True)):
            tensor = _of_others(tensor, inputs)
        others.append(tensor)
        return tensor


def _of_others(tensor: Tensor, inputs: tuple[Any, ...]) -> Tensor:
    """The same value, name and stamp, made from other operands that are worth the same."""
    new = made(tensor._value, tensor.requires_grad)
    new.function, new.inputs, new.parameters = tensor.function, inputs, tensor.parameters
    new.name, new.scope, new.stamp = tensor.name, tensor.scope, tensor.stamp
    return new


def contents(array: np.ndarray) -> Any:
    """What equal arrays have in common, and others not.

    >>> contents(np.ones(2)) == contents(np.ones(2)), contents(np.ones(2)) == contents(np.ones(2, int))
    (True, False)
    """
    return array.dtype.str, array.shape, blake2b(array.tobytes()).digest()


def _unchanged(tensor: Tensor, inputs: tuple[Any, ...], kept: Collection[int]) -> Tensor | None:
    """The operand that a result equals."""
    function = tensor.function
    candidates: list[Any] = []
    if function in _neutral:
        for i, number in enumerate(_neutral[function]):
            if number is not None and _is_number(inputs[i], number):
                candidates.append(inputs[1 - i])
    elif function in _moves:
        candidates.append(inputs[0])
    elif function in _undone:
        x, parameters = inputs[0], tensor.parameters
        again = isinstance(x, Tensor) and x.function is function and x.name is None
        if again and x.stamp not in kept and x.parameters == parameters and not parameters.get("axes"):
            candidates.append(x.inputs[0])
    for x in candidates:
        if isinstance(x, Tensor) and x.shape == tensor.shape and x.dtype == tensor.dtype:
            return x
    return None


def _is_number(x: Any, number: int) -> bool:
    """Whether it is this number, and nothing that has a name or needs a gradient."""
    if isinstance(x, Tensor):
        if x.function is not None or x.name is not None or x.requires_grad or x.shape:
            return False
        x = x._value
    return np.ndim(x) == 0 and x is not None and bool(x == number)
