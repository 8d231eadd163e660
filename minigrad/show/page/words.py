"""What the step-through page says about a step: its title, a sentence, and the rule that it applies."""

from __future__ import annotations

from operator import getitem
from typing import Any

import numpy as np

from minigrad.program import Variable
from minigrad.program.roles import roles
from minigrad.show import symbols
from minigrad.show.page.walk import Step, Walk
from minigrad.show.rule_text import applied, expression, local_at, passes, rule_at, written
from minigrad.table import name_of

_moves = frozenset((
    np.transpose, np.swapaxes, np.reshape, np.ravel, np.expand_dims, np.squeeze,
    np.concatenate, np.stack, getitem, np.take_along_axis, np.sort, np.partition,
))  # fmt: skip
"""Functions that take values to other places."""

_parts = {
    "draw": "These are random numbers.",
    "mask": "This is the mask: True keeps a value, False drops it.",
    "masked": "Here the mask is applied.",
    "rescaled": "Dividing by the probability to keep leaves the expected value as it was.",
    "penalty": "It belongs to the penalty: it depends on parameters, but on no data.",
}


class Words:
    """The texts of a walk's steps."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.roles = roles(walk.program)

    # ---- titles

    def title(self, step: Step) -> str:
        """One line: Backward 5 of 23: dA2 = dA2_drop * D2."""
        loss = self.walk.name(self.walk.program.outputs[0])
        if step.kind == "start":
            return "Start: what is given"
        if step.kind == "end":
            return f"Done: the gradients of {loss}"
        side = "Forward" if step.kind == "forward" else "Backward"
        return f"{side} {step.number} of {step.total}: {self.line(step)}"

    def line(self, step: Step) -> str:
        """The step as an equation."""
        name = self.walk.gradient(step.to)
        if step.kind == "forward":
            return self.equation(step.value)
        if step.kind == "seed":
            return f"{name} = 1"
        if step.kind == "sum":
            before = "part 1" if step.part == 2 else "what was there"
            return f"{name} = {before} + part {step.part}"
        text = self._applied(step)
        if step.parts == 1:
            return f"{name} = {text}" if text else name
        part = f"{name}, part {step.part} of {step.parts}"
        return f"{part}: {text}" if text else part

    def equation(self, value: Variable) -> str:
        """The equation of a value: A1 = relu(Z1)."""
        equation = value.equation
        assert equation is not None
        operands: list[tuple[str, float]] = []
        for x in equation.inputs:
            if isinstance(x, Variable):
                operands.append((self.walk.name(x), 9))
            else:
                operands.append(written(x.value))
        text, _ = expression(equation.function, operands, equation.parameters)
        name = self.walk.name(value)
        return f"{name} = transpose({operands[0][0]})" if text == name else f"{name} = {text}"

    def _operands(self, value: Variable) -> list[str]:
        assert value.equation is not None
        return [self.walk.name(x) if isinstance(x, Variable) else "" for x in value.equation.inputs]

    def _applied(self, step: Step) -> str:
        value, i = step.value, step.operand
        assert i is not None
        names = self._operands(value)
        return applied(value.tensor, i, self.walk.gradient(value), self.walk.name(value), names)

    # ---- the rule

    def rule(self, step: Step) -> list[tuple[str, str]]:
        """(what it is, its text): the operation, the table's rule, the local derivative."""
        if step.kind == "forward":
            return [("operation", self._operation(step.value))]
        if step.kind != "backward":
            return []
        value, i = step.value, step.operand
        assert value.equation is not None
        assert i is not None
        rows = [("operation", self._operation(value))]
        rows.append(("rule of the table", f"∂L/∂{value.equation.operands[i]} = {rule_at(value.tensor, i)}"))
        line = self._applied(step)
        if line:
            rows.append(("here", f"{self.walk.gradient(step.to)} = {line}"))
        if any(shown.name == "local derivative" for shown in step.arrays):
            local = local_at(value.tensor, i, self.walk.name(value), self._operands(value))
            if local:
                rows.append(("local derivative", local))
        return rows

    def _operation(self, value: Variable) -> str:
        assert value.equation is not None
        return f"{symbols.operation(value.equation)}   ({name_of(value.equation.function)})"

    def rules_on(self, value: Variable) -> str:
        """The table's rules for the operands that need a gradient, as they stand on a node."""
        equation = value.equation
        if equation is None or not value.tensor.requires_grad:
            return ""
        passing = [i for i in range(len(equation.inputs)) if passes(value.tensor, i)][:3]
        return ",  ".join(f"∂{equation.operands[i]}: {rule_at(value.tensor, i)}" for i in passing)

    # ---- sentences

    def sentence(self, step: Step) -> str:
        """What happens, in plain words."""
        return " ".join(filter(None, getattr(self, f"_{step.kind}")(step)))

    def _start(self, step: Step) -> list[str]:
        kinds: dict[str, list[str]] = {}
        for leaf in self.walk.program.leaves:
            kinds.setdefault(leaf.kind, []).append(self.walk.name(leaf))
        words = {"data": "data", "parameter": "parameters", "constant": "constants", "mask": "masks"}
        given = [f"{words[kind]} {', '.join(dict.fromkeys(names))}" for kind, names in kinds.items()]
        loss = self.walk.name(step.value)
        return [
            f"Nothing is computed yet. Given are the {'; the '.join(given)}.",
            f"The forward pass computes {loss} from them; the backward pass then asks how {loss} changes "
            "with each of the parameters.",
        ]

    def _end(self, step: Step) -> list[str]:
        leaves = self.walk.differentiated
        loss = self.walk.name(step.value)
        each = ", ".join(
            f"{self.walk.gradient(leaf)} = ∂{loss}/∂{self.walk.name(leaf)}" for leaf in leaves[:6]
        )
        more = f" and {len(leaves) - 6:,} more" if len(leaves) > 6 else ""
        return [f"Every node has been visited once. The gradients of the leaves are complete: {each}{more}."]

    def _forward(self, step: Step) -> list[str]:
        value = step.value
        names = list(dict.fromkeys(filter(None, self._operands(value))))
        shape = symbols.shape(value.tensor)
        computed = f"{self.walk.name(value)} is computed"
        computed += f" from {_and(names)}" if names else ""
        computed += f"; its shape is {shape}." if shape else "; it is one number."
        ends = "This is the loss: the forward pass ends here." if value in self.walk.program.outputs else ""
        return [computed, _parts.get(self.roles.get(value, ""), ""), ends]

    def _seed(self, step: Step) -> list[str]:
        loss = self.walk.name(step.value)
        return [
            f"The backward pass begins at the loss: ∂{loss}/∂{loss} = 1.",
            "From here the nodes are visited from the newest to the oldest.",
        ]

    def _sum(self, step: Step) -> list[str]:
        name = self.walk.name(step.value)
        what = f"{name} is used {step.parts} times, and gradients of several uses add up"
        if step.part < step.parts:
            return [f"{what}. {step.part} of {step.parts} parts are there now; the rest is still to come."]
        complete = f"This was the last part: {self.walk.gradient(step.value)} is complete."
        return [f"{what}. {complete}", self._kept(step.value)]

    def _backward(self, step: Step) -> list[str]:
        value, to = step.value, step.to
        name, gradient = self.walk.name(to), self.walk.gradient(value)
        assert value.equation is not None
        return [
            f"{gradient} has arrived at {self.walk.name(value)} ({symbols.operation(value.equation)}).",
            self._how(step),
            self._summed(step),
            self._passed(step, name),
            self._left_out(step),
        ]

    def _how(self, step: Step) -> str:
        value = step.value
        assert value.equation is not None
        function = value.equation.function
        if function in (np.sum, np.mean) and np.ndim(step.result) > 0:
            share = "the gradient as it is" if function is np.sum else "the same share of the gradient"
            return f"Every element that was summed gets {share}."
        local = next((shown.data for shown in step.arrays if shown.name == "local derivative"), None)
        if local is not None:
            text = local_at(value.tensor, step.operand or 0, self.walk.name(value), self._operands(value))
            if text == "1" or (not text and np.all(np.asarray(local) == 1)):
                return "The local derivative is 1, so it is passed on as it is."
            if 0 < np.ndim(value.tensor) < np.ndim(step.result):
                return (
                    "The gradient of each result is multiplied by the local derivative at every element that "
                    "it was computed from."
                )
            return "It is multiplied by the local derivative, element by element."
        if function is np.matmul:
            return "A product of matrices passes it on times the other factor, transposed."
        if function in _moves:
            return "The operation only moved values to other places, so their gradients are moved back."
        if function is np.broadcast_to:
            return ""
        return "The rule is applied to the array as a whole: each element of the operand influences several."

    def _summed(self, step: Step) -> str:
        value, to = step.value, step.to
        shape, wide = to.tensor.shape, value.tensor.shape
        assert value.equation is not None
        elementwise = any(shown.name == "local derivative" for shown in step.arrays)
        if shape == wide or not (elementwise or value.equation.function is np.broadcast_to):
            return ""
        if np.prod(shape, dtype=int) >= np.prod(wide, dtype=int):
            return ""
        return (
            f"{self.walk.name(to)} was broadcast from {shape} to {wide}: each of its elements was used "
            "several times, so the gradient is summed over these uses."
        )

    def _passed(self, step: Step, name: str) -> str:
        if step.parts == 1:
            return f"{name} is used nowhere else: its gradient is complete. {self._kept(step.to)}".rstrip()
        more = "the next step adds it to what is there." if step.part > 1 else "the others come later."
        return f"{name} is used {step.parts} times; this is part {step.part} of its gradient, {more}"

    def _left_out(self, step: Step) -> str:
        """What gets no gradient from this node; said once, at its first operand that gets one."""
        equation = step.value.equation
        assert equation is not None
        passing = [i for i in range(len(equation.inputs)) if passes(step.value.tensor, i)]
        others = [
            self.walk.name(x)
            for i, x in enumerate(equation.inputs)
            if isinstance(x, Variable) and i not in passing
        ]
        if step.operand != passing[0] or not others:
            return ""
        need = "needs" if len(set(others)) == 1 else "need"
        return f"Nothing goes to {_and(list(dict.fromkeys(others)))}, which {need} no gradient."

    def _kept(self, value: Variable) -> str:
        if value.equation is not None:
            return ""
        return f"{self.walk.name(value)} is a leaf, so backward() adds this to {self.walk.name(value)}.grad."


def _and(names: list[Any]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
