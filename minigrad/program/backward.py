"""The backward pass as a graph beside the forward pass, simplified and named: dZ3 = (A3 - Y) / m."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

from minigrad.backprop import backpropagate, leading_to
from minigrad.program.names import activation_of, base_of
from minigrad.program.program import Program
from minigrad.program.simplify import Simplifier, as_written, recorded
from minigrad.program.tidy import behind
from minigrad.random import is_generator
from minigrad.reading import describe
from minigrad.recording import enable_grad
from minigrad.tensor import Tensor, constant


def gradients_as_graphs(loss: Tensor, wrt: Iterable[Tensor]) -> dict[int, Tensor]:
    """∂loss/∂x as a simplified graph, for every x on the way from `wrt` to the loss: by the stamp of x.

    The graphs share the values of the forward pass.  The gradient of a named value, and of one in `wrt`, has
    the value's shape and is called "d" and its name in Program(loss); a variant (A1_drop, beside A1) whose
    gradient is used once has it written into the next one.

    >>> from minigrad import constant
    >>> W, m = Tensor([[3.0, 4.0]], requires_grad=True, name="W"), constant(5, "m")
    >>> J = np.sum(W**2) / (2 * m)
    >>> gradients_as_graphs(J, [W])[W.stamp]
    Tensor([[0.6, 0.8]], name='dW', made by np.divide)
    """
    if loss.dtype.kind == "c":
        raise ValueError(f"{describe(loss)} is complex, and a loss is real; take np.absolute, np.real of it")
    wanted = {x.stamp for x in wrt}
    with enable_grad():
        seed = Tensor(1, name="dJ", dtype=loss.dtype)
        nodes, began = [], []
        for node in backpropagate(loss, seed, True, leading_to(wanted, loss)):
            nodes.append(node)
            began.append(Tensor(0).stamp)  # what its rule records is newer
        return _Rebuilding(loss, nodes, began, wanted, seed).gradients


class _Rebuilding:
    """The raw gradients made anew, one equation after the other, in the simplest form of each."""

    def __init__(
        self,
        loss: Tensor,
        nodes: list[tuple[Tensor, Tensor]],
        began: list[int],
        wanted: set[int],
        seed: Tensor,
    ) -> None:
        self.simplifier = Simplifier()
        self.seed = seed
        self.gradients: dict[int, Tensor] = {}
        self.names = _gradient_names(loss, wanted)
        of: dict[int, list[Tensor]] = {}  # stamp of a raw gradient -> the values that it is the gradient of
        for node, g in nodes:
            of.setdefault(g.stamp, []).append(node)
        tensors = behind([g for _, g in nodes])
        uses = Counter(x.stamp for t in tensors for x in t.inputs if isinstance(x, Tensor))
        labels = {node.name for node, _ in nodes if node.name}
        self.taken = {tensor.name for tensor in tensors}
        self.rows = _numbers_of_examples(tensors)
        self.nodes, self.began = nodes, began
        self.of_data = _made_of_data(loss)
        operands: dict[int, Any] = {}
        for tensor in tensors:
            inputs = tuple(operands[x.stamp] if isinstance(x, Tensor) else x for x in tensor.inputs)
            operand = self._operand(tensor, inputs)
            for node in of.get(tensor.stamp, ()):
                once = uses[tensor.stamp] == 1 and base_of(node.name) in labels
                number = isinstance(operand, int | float | Fraction)
                folded = (once or number) and node.stamp not in wanted
                own: Any = operand
                if node.stamp in self.names and not folded:
                    own = self._called(operand, node)
                self.gradients[node.stamp] = own if isinstance(own, Tensor) else _wrapped(own)
            operands[tensor.stamp] = operand

    def _operand(self, tensor: Tensor, inputs: tuple[Any, ...]) -> Any:
        if tensor is self.seed:
            return 1
        if tensor.function is None:
            return self.simplifier.leaf(tensor) if self._counts_examples(tensor) else tensor.item()
        draws = any(
            map(is_generator, tensor.parameters.values())
        )  # not again: a checkpoint's second pass did
        if tensor.stamp < self.seed.stamp or draws:
            return self.simplifier.given(tensor, inputs)
        operand = self.simplifier.simplified(tensor, inputs)
        function = getattr(operand, "function", None)
        if function is None or operand.stamp < self.seed.stamp:
            return operand
        if operand.name is None and len(operand.inputs) == 1:
            (x,) = operand.inputs  # σ(Z3) is called A3, if the forward pass has no A3
            name = activation_of(function, x.name) if isinstance(x, Tensor) else None
            if name not in self.taken:
                operand.name = name
        return operand

    def _counts_examples(self, leaf: Tensor) -> bool:
        """Whether a number that the rule of a mean called m is one of examples; other leaves pass."""
        if leaf.name != "m" or leaf.stamp < self.seed.stamp:
            return True
        node, _ = self.nodes[bisect(self.began, leaf.stamp) - 1]
        return leaf.item() in self.rows and any(
            isinstance(x, Tensor) and x.stamp in self.of_data for x in node.inputs
        )

    def _called(self, operand: Any, node: Tensor) -> Tensor:
        """The gradient of a value in full: of the value's shape and dtype, and under its own name."""
        if isinstance(operand, int | float | Fraction):
            operand = float(operand)
            if node.dtype != np.float64:
                operand = recorded(np.astype, (operand,), {"dtype": node.dtype})
        if getattr(operand, "shape", ()) != node.shape:
            operand = recorded(np.broadcast_to, (operand,), {"shape": node.shape})
        elif not isinstance(operand, Tensor) or _is_called(operand, self.seed):
            operand = recorded(np.positive, (operand,), {})
        if operand.dtype != node.dtype:
            operand = recorded(np.astype, (operand,), {"dtype": node.dtype})
        operand.name = self.names[node.stamp]
        self.simplifier.atom(operand)
        return operand


def _numbers_of_examples(tensors: Iterable[Tensor]) -> set[int]:
    """How many rows the data have: a mean over the rows of a weight is none over examples."""
    data = [t.shape for t in tensors if t.function is None and not t.requires_grad]
    data += [x.shape for t in tensors for x in t.inputs if isinstance(x, np.ndarray)]
    return {shape[0] for shape in data if shape}


def _made_of_data(loss: Tensor) -> set[int]:
    """Stamps of what data take part in: a weight can have as many rows too, and its mean is no 1 / m."""
    found: set[int] = set()
    for tensor in behind([loss]):
        if tensor.function is None:
            data = not tensor.requires_grad and tensor.ndim > 0
        else:
            data = any(x.stamp in found if isinstance(x, Tensor) else np.ndim(x) > 0 for x in tensor.inputs)
        if data:
            found.add(tensor.stamp)
    return found


def _wrapped(operand: Any) -> Tensor:
    """A number or an array as a Tensor."""
    return Tensor(operand) if isinstance(operand, np.ndarray) else constant(as_written(operand))


def _is_called(operand: Any, seed: Tensor) -> bool:
    """Whether it has a name, or is a value of the forward pass."""
    return isinstance(operand, Tensor) and (operand.stamp < seed.stamp or operand.name is not None)


def _gradient_names(loss: Tensor, wanted: set[int]) -> dict[int, str]:
    """Stamp -> name of the gradient, for the values that have a name and those whose gradient is wanted."""
    program = Program(loss, {loss: "J"})
    values = [*program.leaves, *(equation.output for equation in program.equations)]
    named = [v for v in values if v.tensor.stamp in wanted or (v.label and v.tensor is not loss)]
    return {v.tensor.stamp: f"d{v.name}" for v in named}
