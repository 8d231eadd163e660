"""The backward pass as a graph beside the forward pass, simplified, with the notes' names: dZ3 = (A3 - Y) / m."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.backprop import _backpropagate, _leading_to, enable_grad
from minigrad.program.names import activation_of, base_of
from minigrad.program.simplify import Simplifier
from minigrad.tensor import Tensor, constant, record


def gradients_as_graphs(loss: Tensor, wrt: Iterable[Tensor]) -> dict[int, Tensor]:
    """∂loss/∂x as a simplified graph, for every x on the way from `wrt` to the loss: by the stamp of x.

    The graphs share the values of the forward pass.  The gradient of a named value is named "d" and that
    name; a variant (A1_drop, beside A1) whose gradient is used once has it written into the next one.

    >>> W, m = Tensor([[3.0, 4.0]], requires_grad=True, name="W"), constant(5, "m")
    >>> J = np.sum(W**2) / (2 * m)
    >>> gradients_as_graphs(J, [W])[W.stamp]
    Tensor([[0.6, 0.8]], name='dW', made by np.divide)
    """
    with enable_grad():
        seed = constant(1.0, name="dJ")
        nodes = list(_backpropagate(loss, seed, True, _leading_to({x.stamp for x in wrt}, loss)))
        equations = _between(seed.stamp, [g for _, g in nodes])
        return _simplified(nodes, equations, seed)


def _between(oldest: int, tensors: list[Tensor]) -> list[Tensor]:
    """The Tensors and all that they are computed from, oldest first; what is older than the seed first of all."""
    found = {tensor.stamp: tensor for tensor in tensors}
    waiting = list(found.values())
    while waiting:
        for x in waiting.pop().inputs:
            if isinstance(x, Tensor) and x.stamp not in found:
                found[x.stamp] = x
                waiting.append(x)
    return [found[stamp] for stamp in sorted(found)]


def _simplified(
    nodes: list[tuple[Tensor, Tensor]], tensors: list[Tensor], seed: Tensor
) -> dict[int, Tensor]:
    of: dict[int, list[Tensor]] = {}  # stamp of a raw gradient -> the values that it is the gradient of
    for node, g in nodes:
        of.setdefault(g.stamp, []).append(node)
    uses = Counter(x.stamp for t in tensors for x in t.inputs if isinstance(x, Tensor))
    names = {node.name for node, _ in nodes if node.name}
    taken = {tensor.name for tensor in tensors}
    simplifier = Simplifier()
    operands: dict[int, Any] = {seed.stamp: 1}
    gradients: dict[int, Tensor] = {}
    for tensor in tensors:
        if tensor is not seed:
            inputs = tuple(operands[x.stamp] if isinstance(x, Tensor) else x for x in tensor.inputs)
            if tensor.function is None:
                operands[tensor.stamp] = simplifier.leaf(tensor)
            elif tensor.stamp < seed.stamp:
                operands[tensor.stamp] = simplifier.given(tensor, inputs)
            else:
                operand = operands[tensor.stamp] = simplifier.simplified(tensor, inputs)
                _name_activation(operand, taken)
        for node in of.get(tensor.stamp, ()):
            operand = operands[tensor.stamp]
            folded = uses[tensor.stamp] == 1 and base_of(node.name) in names
            if node.name is not None and not folded and tensor is not seed:
                operand = operands[tensor.stamp] = _called(simplifier, operand, node, seed)
            gradients[node.stamp] = operand
    return gradients


def _name_activation(operand: Any, taken: set[str | None]) -> None:
    """Call σ(Z3) of the backward pass A3, if the forward pass has no A3."""
    if isinstance(operand, Tensor) and operand.name is None and operand.function is not None:
        of = operand.inputs[0] if len(operand.inputs) == 1 else None
        name = activation_of(operand.function, of.name) if isinstance(of, Tensor) else None
        if name not in taken:
            operand.name = name


def _called(simplifier: Simplifier, operand: Any, node: Tensor, seed: Tensor) -> Tensor:
    """The gradient of a named value, of the value's shape and under a name of its own."""
    if getattr(operand, "shape", ()) != node.shape:
        operand = record(np.broadcast_to, (operand,), {"shape": node.shape})
    if not isinstance(operand, Tensor) or operand.stamp < seed.stamp or operand.name is not None:
        operand = record(np.positive, (operand,))
    operand.name = f"d{node.name}"
    simplifier.atom(operand)
    return operand
