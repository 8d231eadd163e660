"""The forward and the backward pass as a list of steps: what is computed, from what, by which rule.

Backward steps come in the order in which backpropagation visits the nodes, newest first; each step is one
rule, applied to one gradient, for one operand.  Where a value has been used several times, adding up is a
step of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.backprop import backpropagate, seed_of
from minigrad.program import Equation, Literal, Program, Variable
from minigrad.reading import describe
from minigrad.recording import no_grad
from minigrad.show.rule_text import contribution, passes, pulled
from minigrad.table import table
from minigrad.tensor import Tensor, plain

_one_to_one = frozenset((np.sum, np.mean, np.var, np.std, np.max, np.min, np.prod))
"""Functions, not elementwise, of which each operand's element influences one element of the output only."""


class Shown(NamedTuple):
    """An array of a step: its name, its values, and the sign that stands before it."""

    name: str
    data: Any
    sign: str = ""


class Step(NamedTuple):
    """One step.

    kind      "start", "forward", "seed", "backward" (a rule is applied), "sum" (parts are added), "end"
    number    which step of its pass it is, of `total`
    value     what is computed (forward), or what a gradient is passed back from, or added up at
    operand   which operand of value's equation the gradient is passed to
    part      which part of the operand's gradient this is, of `parts`
    arrays    what the step shows: what comes in, the local derivative if there is one, what comes out
    """

    kind: str
    number: int
    total: int
    value: Variable
    operand: int | None = None
    part: int = 1
    parts: int = 1
    arrays: tuple[Shown, ...] = ()

    @property
    def to(self) -> Variable:
        """The value whose gradient the step computes; in the forward pass, the value that it computes."""
        if self.operand is None:
            return self.value
        assert self.value.equation is not None
        x = self.value.equation.inputs[self.operand]
        assert isinstance(x, Variable)
        return x

    @property
    def result(self) -> Any:
        """The array that comes out."""
        return self.arrays[-1].data


class Walk:
    """The steps of a loss, from what is given to the gradients of its leaves.

    program   the graph
    parts     value -> of how many parts its gradient is the sum
    Raises:   TypeError for a loss that is no Tensor, ValueError for one that is no scalar, RuntimeError for
              one that needs no gradient, or whose leaves were assigned to since.

    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> [step.kind for step in Walk(x * x).steps()]
    ['start', 'forward', 'seed', 'backward', 'backward', 'sum', 'end']
    """

    def __init__(self, loss: Tensor) -> None:
        if not isinstance(loss, Tensor):
            raise TypeError(f"steps: the loss must be a Tensor, not {type(loss).__name__}")
        if loss.size != 1:
            raise ValueError(f"steps: {describe(loss)} is not a scalar; reduce it (np.sum, np.mean)")
        self._first = seed_of(loss, None, "steps")
        self.loss = loss
        self.program = Program(loss, {loss: "J"})
        self.variables = {v.tensor.stamp: v for v in self.program.leaves}
        self.variables.update((e.output.tensor.stamp, e.output) for e in self.program.equations)
        self.names = _names(self.program)
        self.parts = self._count()

    def name(self, value: Variable) -> str:
        """What a value is called: W1.T for a transpose without a name, otherwise as in the program."""
        return self.names.get(value, value.name)

    def gradient(self, value: Variable) -> str:
        """What a value's gradient is called."""
        name = self.name(value)
        return f"d({name})" if "." in name else f"d{name}"

    @property
    def differentiated(self) -> list[Variable]:
        """The leaves that get a gradient; a loss that is a leaf gets 1."""
        return [leaf for leaf in self.program.leaves if leaf in self.parts or leaf.tensor is self.loss]

    @property
    def backward_steps(self) -> int:
        """How many steps the backward pass has: its beginning, the rules, and the sums."""
        return 1 + sum(2 * parts - 1 for parts in self.parts.values())

    def steps(self) -> Iterator[Step]:
        """All steps, one after the other; nothing is stored in `.grad`."""
        loss = self.program.outputs[0]
        yield Step("start", 1, 1, loss)
        for number, equation in enumerate(self.program.equations, 1):
            arrays = self._operands(equation)
            yield Step("forward", number, len(self.program.equations), equation.output, arrays=arrays)
        with no_grad():
            yield from self._backward(loss)
        yield Step("end", 1, 1, loss)

    def _operands(self, equation: Equation) -> tuple[Shown, ...]:
        shown = []
        for x in equation.inputs:
            if isinstance(x, Variable):
                shown.append(Shown(self.name(x), x.tensor._value))
            elif np.ndim(x.value) > 0:
                shown.append(Shown("array", x.value))
        return (*shown, Shown(self.name(equation.output), equation.output.tensor._value, "→"))

    def _backward(self, loss: Variable) -> Iterator[Step]:
        total = self.backward_steps
        yield Step("seed", 1, total, loss, arrays=(Shown(self.gradient(loss), self._first._value),))
        number = 1
        gradients: dict[Variable, Any] = {}
        arrived: Counter[Variable] = Counter()
        for node, g in backpropagate(self.loss, self._first, create_graph=False):
            value = self.variables[node.stamp]
            for i, x, d in contributions(node, g):
                operand = self.variables[x.stamp]
                arrived[operand] += 1
                part, parts = arrived[operand], self.parts[operand]
                arrays = self._applied(value, i, g, d)
                number += 1
                yield Step("backward", number, total, value, i, part, parts, arrays)
                if operand in gradients:
                    arrays = self._added(operand, gradients[operand], d)
                    gradients[operand] = arrays[-1].data
                    number += 1
                    yield Step("sum", number, total, operand, None, part, parts, arrays)
                else:
                    gradients[operand] = d

    def _applied(self, value: Variable, i: int, g: Any, d: Any) -> tuple[Shown, ...]:
        """The incoming gradient, the local derivative if there is one to show, and the contribution."""
        assert value.equation is not None
        node = value.tensor
        x = node.inputs[i]
        incoming = Shown(self.gradient(value), np.broadcast_to(g, node.shape))
        outgoing = Shown(self.gradient(self.variables[x.stamp]), np.broadcast_to(d, x.shape), "→")
        function = value.equation.function
        if function is np.matmul and node.ndim == 2 and all(np.ndim(a) == 2 for a in node.inputs):
            other = value.equation.inputs[1 - i]
            name = self.name(other) if isinstance(other, Variable) else "array"
            name = name.removesuffix(".T") if name.endswith(".T") else f"{name}.T"
            factor = Shown(name, np.transpose(plain(node.inputs[1 - i])))
            if i == 1:
                return factor, incoming._replace(sign="@"), outgoing
            return incoming, factor._replace(sign="@"), outgoing
        local = local_derivative(node, i)
        if local is None:
            return incoming, outgoing
        return incoming, Shown("local derivative", local, "×"), outgoing

    def _added(self, value: Variable, so_far: Any, new: Any) -> tuple[Shown, ...]:
        name, shape = self.gradient(value), value.tensor.shape
        both = [np.broadcast_to(a, shape) for a in (so_far, new, new + so_far)]
        return (
            Shown(f"{name} so far", both[0]),
            Shown("the new part", both[1], "+"),
            Shown(name, both[2], "="),
        )

    def _count(self) -> dict[Variable, int]:
        counted: Counter[Variable] = Counter()
        reached = set(self.program.outputs)
        for equation in reversed(self.program.equations):
            if equation.output not in reached:
                continue
            for i, x in enumerate(equation.inputs):
                if isinstance(x, Variable) and passes(equation.output.tensor, i):
                    counted[x] += 1
                    reached.add(x)
        return dict(counted)


def contributions(node: Tensor, g: Any) -> Iterator[tuple[int, Tensor, Any]]:
    """(position, input, what the node's gradient g gives to it) for the inputs that have a gradient."""
    values = [plain(x) for x in node.inputs]
    for i, x in enumerate(node.inputs):
        if passes(node, i):
            yield i, x, contribution(node, i, g, node._value, values)


def local_derivative(node: Tensor, i: int) -> Any:
    """∂y/∂x element by element, in the shape of x (broadcast to y's where the function is elementwise).

    None where that is no array of this kind.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> local_derivative(x * x, 0), local_derivative(np.concatenate([x, x]), 0)
    (array([1., 2.]), None)
    """
    row = table[node.function]  # type: ignore[index]
    if row.many or not (row.elementwise or node.size == 1 or row.function in _one_to_one):
        return None
    with np.errstate(all="ignore"):  # of these numbers none goes into a gradient
        d = pulled(node, i, np.ones(node.shape, node.dtype), node._value, [plain(x) for x in node.inputs])
        # the output of a sum along an axis has other axes than x, so its shape does not count
        own = [node.shape] if row.elementwise else []
        return np.broadcast_to(d, np.broadcast_shapes(d.shape, node.inputs[i].shape, *own))


def depth_first(loss: Tensor) -> tuple[dict[Tensor, Any], list[Tensor]]:
    """The gradients that a naive order gives, and the nodes in this order; wrong where a result is shared.

    It goes on from a node as soon as a first part of its gradient is there, and visits no node twice: what
    arrives later is added to the node's own gradient, but never passed on.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> a = x**2
    >>> gradients, _ = depth_first(3 * a + 5 * a)
    >>> gradients[x].item()  # 32 is right
    12.0
    """
    gradients: dict[Tensor, Any] = {loss: seed_of(loss, None, "depth_first")._value}
    order = [loss]
    with no_grad():
        open_nodes = [_parts(loss, gradients[loss])]
        while open_nodes:
            found = next(open_nodes[-1], None)
            if found is None:
                open_nodes.pop()
                continue
            x, d = found
            if x in gradients:
                gradients[x] = d + gradients[x]
                continue
            gradients[x] = d
            order.append(x)
            open_nodes.append(_parts(x, d))
    return gradients, order


def _parts(node: Tensor, g: Any) -> Iterator[tuple[Tensor, Any]]:
    if node.function is not None:
        yield from ((x, d) for _, x, d in contributions(node, g))


def _names(program: Program) -> dict[Variable, str]:
    """Names nearer to the page's: W1.T for a transpose without one, and one name for equal constants."""
    found: dict[Variable, str] = {}
    for equation in program.equations:
        (x, *_) = equation.inputs or (Literal(None),)
        plain_transpose = equation.function is np.transpose and equation.parameters["axes"] is None
        if plain_transpose and isinstance(x, Variable) and x.label and equation.output.label is None:
            found[equation.output] = f"{x.name}.T"
    shared = Counter(found.values())
    found = {value: name for value, name in found.items() if shared[name] == 1}
    labels: dict[str | None, set[Any]] = {}
    for v in (*program.leaves, *(e.output for e in program.equations)):
        labels.setdefault(v.label, set()).add(v.tensor._value if v.kind == "constant" else v)
    for leaf in program.leaves:
        if leaf.kind == "constant" and leaf.label and len(labels[leaf.label]) == 1:
            found[leaf] = leaf.label
    return found
