"""A line of a derivation as an expression in which one thing can be changed.

Nested sums and products are flattened, so that `dZ3 @ W3 * D2 / keep_prob` is a product of three factors, the
last of them below the line, and each of them can be left out, doubled or put for another.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np

from minigrad.program import Equation, Literal, Variable
from minigrad.table import table
from minigrad.tensor import made


class Atom:
    """A value that is mentioned by name, or a number: what an expression is made of."""

    __slots__ = ("value",)

    def __init__(self, value: Variable | Literal) -> None:
        self.value = value


class Sum:
    """terms: (sign, expression), the sign 1 or -1."""

    __slots__ = ("terms",)

    def __init__(self, terms: tuple[tuple[int, Expression], ...]) -> None:
        self.terms = terms


class Product:
    """A product and quotient of several.

    factors  (expression, power), the power 1 or -1
    joint    whether it is written a / (b * c), and not a / b / c
    """

    __slots__ = ("factors", "joint")

    def __init__(self, factors: tuple[tuple[Expression, int], ...], joint: bool = False) -> None:
        self.factors = factors
        self.joint = joint


class Apply:
    """Any other function of the table, applied to expressions."""

    __slots__ = ("function", "inputs", "parameters")

    def __init__(
        self, function: Callable[..., Any], inputs: tuple[Expression, ...], parameters: Mapping[str, Any]
    ) -> None:
        self.function = function
        self.inputs = inputs
        self.parameters = parameters


Expression = Atom | Sum | Product | Apply

Values = Mapping[Variable, Any]
"""The array, or the number, that each value that is mentioned stands for."""


def number(value: float) -> Atom:
    """A number as an expression."""
    return Atom(Literal(value))


def expression_of(value: Variable, written_out: Container[Variable]) -> Expression:
    """The equation of a value as an expression; values that are `written_out` are replaced by their own.

    >>> from minigrad.program import Program
    >>> from minigrad.tensor import Tensor
    >>> (y,) = Program(2 * Tensor(3.0, name="x") / 5).outputs
    >>> line = expression_of(y, {y.equation.inputs[0]})
    >>> [power for _, power in line.factors], evaluate(line, {x: 3.0 for x in atoms(line)})
    ([1, 1, -1], 1.2)
    """
    assert value.equation is not None
    return _of_equation(value.equation, written_out)


def _of_equation(equation: Equation, written_out: Container[Variable]) -> Expression:
    function = equation.function
    inputs = tuple(_operand(x, written_out) for x in equation.inputs)
    if function in (np.add, np.subtract):
        a, b = inputs
        return Sum((*_terms(a, 1), *_terms(b, 1 if function is np.add else -1)))
    if function is np.negative:
        return Sum(_terms(inputs[0], -1))
    if function in (np.multiply, np.divide):
        a, b = inputs
        below = function is np.divide and isinstance(b, Product) and all(power > 0 for _, power in b.factors)
        joint = below or any(isinstance(x, Product) and x.joint for x in inputs)
        return Product((*_factors(a, 1), *_factors(b, 1 if function is np.multiply else -1)), joint)
    return Apply(function, inputs, equation.parameters)


def _operand(x: Variable | Literal, written_out: Container[Variable]) -> Expression:
    if isinstance(x, Variable) and x.equation is not None and x in written_out:
        return _of_equation(x.equation, written_out)
    return Atom(x)


def _terms(a: Expression, sign: int) -> tuple[tuple[int, Expression], ...]:
    return tuple((sign * own, term) for own, term in a.terms) if isinstance(a, Sum) else ((sign, a),)


def _factors(a: Expression, power: int) -> tuple[tuple[Expression, int], ...]:
    return tuple((x, power * own) for x, own in a.factors) if isinstance(a, Product) else ((a, power),)


# ---- values


def atoms(expression: Expression) -> dict[Variable, None]:
    """The values that an expression mentions, in order."""
    found: dict[Variable, None] = {}
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Atom):
            if isinstance(node.value, Variable):
                found[node.value] = None
        else:
            waiting.extend(reversed(parts(node)))
    return found


def parts(node: Expression) -> list[Expression]:
    """What an expression is directly made of."""
    match node:
        case Sum():
            return [term for _, term in node.terms]
        case Product():
            return [factor for factor, _ in node.factors]
        case Apply():
            return list(node.inputs)
    return []


def with_atoms(node: Expression, put: Callable[[Atom], Expression]) -> Expression:
    """The expression with something put for each value and number that it mentions."""
    match node:
        case Atom():
            return put(node)
        case Sum():
            return Sum(tuple((sign, with_atoms(term, put)) for sign, term in node.terms))
        case Product():
            factors = tuple((with_atoms(factor, put), power) for factor, power in node.factors)
            return Product(factors, node.joint)
    return Apply(node.function, tuple(with_atoms(x, put) for x in node.inputs), node.parameters)


def evaluate(node: Expression, values: Values, known: dict[int, Any] | None = None) -> Any:
    """The array that an expression gives; `known` keeps that of every part, by id, for the next one."""
    if isinstance(node, Atom):
        return node.value.value if isinstance(node.value, Literal) else values[node.value]
    if known is not None and id(node) in known:
        return known[id(node)][1]
    result: Any
    if isinstance(node, Sum):
        result = None
        for sign, term in node.terms:
            x = evaluate(term, values, known)
            if sign < 0:
                result = -x if result is None else result - x
            else:
                result = x if result is None else result + x
    elif isinstance(node, Product):
        result = None
        for factor, power in node.factors:
            x = evaluate(factor, values, known)
            if power < 0:
                result = 1 / x if result is None else result / x
            else:
                result = x if result is None else result * x
    else:
        inputs = [evaluate(x, values, known) for x in node.inputs]
        result = table[node.function].compute(*inputs, **node.parameters)
    if known is not None:
        known[id(node)] = node, result  # the node too: while it is kept, its id is its own
    return result


def attempt(expression: Expression, values: Values, known: dict[int, Any] | None = None) -> Any:
    """What it gives, or None where NumPy refuses: the shapes of a changed line need not fit."""
    try:
        return evaluate(expression, values, known)
    except (ValueError, TypeError, IndexError, ArithmeticError, AttributeError):
        return None


# ---- back to equations, for those who write them


def as_variable(node: Expression, values: Values) -> Variable | Literal:
    """The expression as a value without a name, which is written where it is used."""
    match node:
        case Atom():
            return node.value
        case Sum():
            x: Variable | Literal | None = None
            for sign, term in node.terms:
                operand = as_variable(term, values)
                if x is None:
                    x = operand if sign > 0 else _result(np.negative, (operand,), {}, values)
                else:
                    x = _result(np.add if sign > 0 else np.subtract, (x, operand), {}, values)
            assert x is not None
            return x
        case Product(factors=((Sum(terms=((-1, negated),)), 1), *rest)):  # (-a) * b is -a * b
            positive = Product(((negated, 1), *rest), node.joint)
            return _result(np.negative, (as_variable(positive, values),), {}, values)
        case Product():
            x = None
            for power, run in groupby(node.factors, key=itemgetter(1)):
                factors = [factor for factor, _ in run]
                if power < 0 and node.joint and len(factors) > 1:  # a / (b * c)
                    factors = [Product(tuple((factor, 1) for factor in factors))]
                for factor in factors:
                    operand = as_variable(factor, values)
                    if x is None and power > 0:
                        x = operand
                    else:
                        left = Literal(1) if x is None else x
                        x = _result(np.multiply if power > 0 else np.divide, (left, operand), {}, values)
            assert x is not None
            return x
        case Apply():
            inputs = tuple(as_variable(x, values) for x in node.inputs)
            return _result(node.function, inputs, node.parameters, values)


def _result(
    function: Callable[..., Any],
    inputs: tuple[Variable | Literal, ...],
    parameters: Mapping[str, Any],
    values: Values,
) -> Variable:
    arrays = [
        x.value if isinstance(x, Literal) else values[x] if x.equation is None or x.name else x.tensor._value
        for x in inputs
    ]
    output = Variable(made(np.asarray(table[function].compute(*arrays, **parameters))), "result")
    output.equation = Equation(output, function, inputs, dict(parameters))
    return output
