"""A rule of the table as it works at one node: dA2 = dZ3 @ W3.T for the row of matmul.

The rule is applied to Tensors that are called what the reader calls them; what it records is simplified and
written as NumPy.  So no rule has a second, written form: the text is of what was computed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from minigrad.backprop import of_dtype, unbroadcast
from minigrad.program.simplify import Simplifier
from minigrad.recording import enable_grad
from minigrad.show import symbols
from minigrad.table import name_of, table
from minigrad.tensor import Tensor, made

_between: dict[Callable[..., Any], tuple[str, float]] = {
    np.add: ("+", 5), np.subtract: ("-", 5), np.multiply: ("*", 6), np.divide: ("/", 6), np.matmul: ("@", 6),
    np.power: ("**", 8), np.remainder: ("%", 6), np.floor_divide: ("//", 6),
    np.less: ("<", 1), np.less_equal: ("<=", 1), np.greater: (">", 1), np.greater_equal: (">=", 1),
    np.equal: ("==", 1), np.not_equal: ("!=", 1),
}  # fmt: skip
_product, _unary, _name = 6.5, 7, 9  # a product needs no parentheses in a product
_longest = 160

Text = tuple[str, float]
"""What is written, and how tightly it binds."""


# ---- one rule, once


def contribution(node: Tensor, i: int, g: Any, y: Any, values: Sequence[Any]) -> Any:
    """What the gradient g of a node gives to its input number i, un-broadcast, as backpropagation adds it up.

    g, y, values   arrays; or Tensors, and then the contribution is a graph
    """
    row, x = table[node.function], node.inputs[i]  # type: ignore[index]
    d = pulled(node, i, g, y, values)
    if row.elementwise and x.shape != node.shape != d.shape:
        d = np.broadcast_to(d, node.shape)
    if d.shape != x.shape:
        d = unbroadcast(d, x.shape, row.function, x)
    return d if d.dtype == x.dtype else of_dtype(d, x.dtype)


def pulled(node: Tensor, i: int, g: Any, y: Any, values: Sequence[Any]) -> Any:
    """The rule of input number i, before anything is summed."""
    row = table[node.function]  # type: ignore[index]
    if not row.elementwise and g.shape != node.shape:
        g = np.broadcast_to(g, node.shape)
    if row.many:
        return row.rules[0](g, y, values, node.parameters)[i]
    return row.rules[i](g, y, values, node.parameters)


def passes(node: Tensor, i: int) -> bool:
    """Whether a node gives a gradient to its input number i."""
    x = node.inputs[i]
    row = table[node.function]  # type: ignore[index]
    return isinstance(x, Tensor) and x.requires_grad and row.rules[0 if row.many else i] is not None


# ---- its text


def rule_at(node: Tensor, i: int) -> str:
    """The rule in the table's letters: g @ b.T; g is the incoming gradient, y the output, the rest arguments.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> rule_at(np.square(x), 0), rule_at(x * x, 1)
    ('2 * g * a', 'g * a')
    """
    row = table[node.function]  # type: ignore[index]
    arrays = [f"{row.arrays[0]}[{k}]" for k in range(len(node.inputs))] if row.many else row.arrays
    return (
        applied(node, i, "g", "y", arrays)
        or dict(symbols.rules(row.function))[row.arrays[i * (not row.many)]]
    )


def applied(node: Tensor, i: int, g: str, y: str, names: Sequence[str]) -> str:
    """The contribution to input number i with the names given; "" if it cannot be written in a line."""
    return _traced(node, i, g, y, names, contribution)


def local_at(node: Tensor, i: int, y: str, names: Sequence[str]) -> str:
    """The factor that a function of single elements multiplies g by; "" if it cannot be written in a line."""
    return _traced(node, i, "", y, names, pulled)


def _traced(node: Tensor, i: int, g: str, y: str, names: Sequence[str], rule: Callable[..., Any]) -> str:
    """The text of a rule applied to named Tensors; a g without a name is 1."""
    with enable_grad(), np.errstate(all="ignore"):
        try:
            seed = _called(np.ones(node.shape, node.dtype), g or "g")
            values = [
                _called(x._value, name) if isinstance(x, Tensor) else x
                for x, name in zip(node.inputs, names, strict=True)
            ]
            result = _simplest(rule(node, i, seed, _called(node._value, y), values), None if g else seed)
            text, _ = written(result)
        except Exception:  # a rule of a user's may be for arrays only; its own text is shown then
            return ""
    return text if len(text) <= _longest else ""


def _called(value: Any, name: str) -> Tensor:
    tensor = made(value)
    tensor.name = name
    return tensor


def _simplest(result: Tensor, one: Tensor | None) -> Any:
    simplifier = Simplifier()
    operands: dict[int, Any] = {}
    for tensor in _behind(result):
        if tensor is one:
            operands[tensor.stamp] = 1
        elif tensor.function is None:
            operands[tensor.stamp] = simplifier.leaf(tensor)
        else:
            inputs = tuple(operands[x.stamp] if isinstance(x, Tensor) else x for x in tensor.inputs)
            operands[tensor.stamp] = simplifier.simplified(tensor, inputs)
    return operands[result.stamp]


def _behind(result: Tensor) -> list[Tensor]:
    found = {result.stamp: result}
    waiting = [result]
    for tensor in waiting:  # grows while it is read
        for x in tensor.inputs:
            if isinstance(x, Tensor) and x.stamp not in found:
                found[x.stamp] = x
                waiting.append(x)
    return [found[stamp] for stamp in sorted(found)]


# ---- expressions


def written(x: Any) -> Text:
    """An operand as NumPy: the name of a Tensor, or the expression that computes it."""
    if not isinstance(x, Tensor):
        return _plain(x)
    if x.name is not None:
        return x.name, _name
    if x.function is None:
        return _plain(x._value)
    return expression(x.function, [written(operand) for operand in x.inputs], x.parameters)


def expression(function: Callable[..., Any], operands: Sequence[Text], parameters: dict[str, Any]) -> Text:
    """function(*operands, **parameters) as NumPy.

    >>> expression(np.multiply, [("a + b", 5), ("c", 9)], {})
    ('(a + b) * c', 6.5)
    """
    if function in _between and len(operands) == 2:
        operator, binding = _between[function]
        left, right = (binding + (binding in (1, 8)), _unary if binding == 8 else binding + 1)
        if function is np.multiply:
            if "1" in (operands[0][0], operands[1][0]):
                return operands[operands[0][0] == "1"]
            right, binding = _product, _product
        return f"{_in(operands[0], left)} {operator} {_in(operands[1], right)}", binding
    if function is np.negative:
        return f"-{_in(operands[0], _unary)}", _unary
    if function in (np.positive, np.astype):
        return operands[0]
    if function is np.transpose and parameters["axes"] is None:
        text = _in(operands[0], _name)
        return text.removesuffix(".T") if text.endswith(".T") else f"{text}.T", _name
    if function is np.swapaxes and {parameters["axis1"], parameters["axis2"]} == {-1, -2}:
        return f"{_in(operands[0], _name)}.mT", _name
    if function is np.square:
        return f"{_in(operands[0], _name)}**2", 8
    settings = _settings(function, parameters)
    if function is np.sum and parameters.get("axis") is not None:
        return f"{_in(operands[0], _name)}.sum({', '.join(settings)})", _name
    name = name_of(function).rpartition(".")[2]
    if name == "getitem":
        return f"{_in(operands[0], _name)}[…]", _name
    arguments = ", ".join(text for text, _ in operands)
    if function is np.einsum:
        arguments = f"{parameters['subscripts']!r}, {arguments}"
    elif function in table and table[function].many:
        arguments = f"[{arguments}]"
    return f"{name}({', '.join([arguments, *settings])})", _name


def _settings(function: Callable[..., Any], parameters: dict[str, Any]) -> list[str]:
    """The parameters without which the text, evaluated as it stands, would give another array.

    >>> _settings(np.mean, {"axis": 1, "keepdims": True}), _settings(np.reshape, {"shape": -1, "order": "C"})
    (['axis=1', 'keepdims=True'], ['-1'])
    """
    texts = []
    for key, value in parameters.items():
        if key == "axis" and value is not None:
            texts.append(f"axis={_whole(value)}")
        elif (key == "keepdims" and value) or (key == "order" and value != "C") or (key == "ddof" and value):
            texts.append(f"{key}={value!r}")
        elif (key == "shape" and function in _shaped) or key in ("axes", "axis1", "axis2"):
            texts.append(_whole(value))
    return texts


def _whole(x: Any) -> str:
    """A shape or an axis: one whole number, or a tuple of them."""
    return str(tuple(map(int, x))) if np.ndim(x) else str(x)


_shaped = (np.broadcast_to, np.reshape)


def _in(operand: Text, binding: float) -> str:
    text, own = operand
    return f"({text})" if own < binding else text


def _plain(x: Any) -> Text:
    if isinstance(x, Fraction):
        return (str(x.numerator), _name) if x.denominator == 1 else (f"{x.numerator} / {x.denominator}", 6)
    if np.ndim(x) > 0:
        return f"array {symbols.shape(x)}", _name
    if x is None or isinstance(x, str):
        return repr(x), _name
    text = symbols.number(x).replace("−", "-")
    return text, _unary if text.startswith("-") else _name
