"""The recorded graph made anew: in its simplest form, with primitives spelled out, and cheap to compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from minigrad import functions
from minigrad.compiler.passes.cheapest import Cheapest
from minigrad.program.simplify import Simplifier, as_written, recorded
from minigrad.program.tidy import behind
from minigrad.random import is_generator
from minigrad.recording import enable_grad
from minigrad.tensor import Tensor, constant

_spelled_out = frozenset(
    function for function in vars(functions).values() if hasattr(function, "on_arrays")
) - {functions.relu}
"""minigrad's own functions: what they are composed of is shared with the backward pass."""


class Rebuilt(NamedTuple):
    """A graph made anew: its outputs, what its values are called, and why some are computed as they are."""

    outputs: list[Tensor]
    names: dict[Tensor, str]
    reasons: dict[int, str]  # by stamp


def rebuilt(outputs: Sequence[Tensor], given: Callable[[Tensor], bool]) -> Rebuilt:
    """The outputs as a graph in its simplest form.

    given  whether a leaf is given anew at each replay; the others are constants
    """
    simplifier = Cheapest()
    operands: dict[int, Any] = {}
    names: dict[Tensor, str] = {}
    tensors = behind(list(outputs))
    uses = Counter(x.stamp for tensor in tensors for x in tensor.inputs if isinstance(x, Tensor))
    uses.update(output.stamp for output in outputs)
    tensors.sort(key=lambda tensor: tensor.function is not None)  # leaves that were assigned to are newer
    simplifier.varying = {tensor.stamp for tensor in tensors if tensor.function is None and given(tensor)}
    with enable_grad():
        for tensor in tensors:
            if tensor.function is None:
                operands[tensor.stamp] = tensor if given(tensor) else _constant(simplifier, tensor)
                continue
            operand = operands[tensor.stamp] = _operand(simplifier, tensor, operands)
            simplifier.used(operand, uses[tensor.stamp])
            if tensor.name and isinstance(operand, Tensor) and operand.function is not None:
                names.setdefault(operand, tensor.name)
        outputs = [_wrapped(operands[output.stamp], output) for output in outputs]
    return Rebuilt(outputs, names, simplifier.reasons)


def _constant(simplifier: Simplifier, tensor: Tensor) -> Any:
    """A leaf that the function itself makes: a number, if it has no name."""
    if not tensor.shape and tensor.name is None and tensor.dtype.kind in "if":
        value = tensor._value
        return value.item() if hasattr(value, "item") else value
    return simplifier.leaf(tensor)


def _operand(simplifier: Simplifier, tensor: Tensor, operands: dict[int, Any]) -> Any:
    inputs = tuple(operands[x.stamp] if isinstance(x, Tensor) else x for x in tensor.inputs)
    if any(map(is_generator, tensor.parameters.values())):
        return tensor  # another draw is another value
    if tensor.function in _spelled_out:
        return _spelled(simplifier, tensor, inputs)
    return simplifier.simplified(tensor, inputs)


def _spelled(simplifier: Simplifier, tensor: Tensor, inputs: tuple[Any, ...]) -> Any:
    """What a function of ours is composed of, on stand-ins for its operands; then each step of it in turn."""
    assert tensor.function is not None
    stand_ins = [x if isinstance(x, Tensor) else as_written(x) for x in inputs]
    leaves = [
        Tensor(x._value, name=f"operand_{i}") if isinstance(x, Tensor) else x for i, x in enumerate(stand_ins)
    ]
    composed = tensor.function.on_arrays(*leaves, **tensor.parameters)  # type: ignore[attr-defined]
    known: dict[int, Any] = {
        leaf.stamp: x for leaf, x in zip(leaves, inputs, strict=True) if isinstance(leaf, Tensor)
    }
    if not isinstance(composed, Tensor):
        return tensor  # of numbers alone
    for step in behind([composed]):
        if step.stamp not in known:
            made = step.function is not None
            known[step.stamp] = _operand(simplifier, step, known) if made else _constant(simplifier, step)
    return known[composed.stamp]


def _wrapped(operand: Any, output: Tensor) -> Tensor:
    """An output as a Tensor of its shape and dtype."""
    if isinstance(operand, int | float | Fraction):
        operand = constant(as_written(operand))
    if isinstance(operand, np.ndarray):
        operand = Tensor(operand)
    if operand.dtype != output.dtype and type(output._value) not in (int, float):
        operand = recorded(np.astype, (operand,), {"dtype": output.dtype})
    if operand.shape != output.shape:
        operand = recorded(np.broadcast_to, (operand,), {"shape": output.shape})
    return operand
