"""How operations and values are written for a reader: × for np.multiply, −2.1 … 3.4 for many numbers."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from functools import cache
from operator import getitem
from typing import Any

import numpy as np

from minigrad.program import Equation, Literal
from minigrad.table import name_of, table

between: dict[Callable[..., Any], str] = {
    np.add: "+", np.subtract: "−", np.multiply: "×", np.divide: "÷", np.matmul: "@", np.power: "^",
    np.remainder: "mod", np.floor_divide: "÷ ⌊⌋",
    np.less: "<", np.less_equal: "≤", np.greater: ">", np.greater_equal: "≥", np.equal: "=",
    np.not_equal: "≠",
    np.logical_and: "and", np.logical_or: "or", np.logical_xor: "xor",
    np.bitwise_and: "and", np.bitwise_or: "or", np.bitwise_xor: "xor",
}  # fmt: skip
"""Functions that are written between their two operands."""

of_one: dict[Callable[..., Any], str] = {
    np.negative: "−x", np.positive: "+x", np.square: "x²", np.sqrt: "√x", np.absolute: "|x|",
    np.logical_not: "not", np.invert: "not", np.transpose: "xᵀ", np.sum: "Σ", np.prod: "Π", np.round: "round",
    np.broadcast_to: "broadcast", np.concatenate: "concat", np.astype: "as",
    np.maximum: "max", np.minimum: "min",
    np.fabs: "|x|", np.cbrt: "∛x", np.reciprocal: "1 ÷ x", np.exp2: "2^x",
}  # fmt: skip
"""Other functions that have a shorter name than their own."""

commuting = frozenset((
    np.add, np.multiply, np.equal, np.not_equal, np.maximum, np.minimum, np.logical_and, np.logical_or,
    np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.fmax, np.fmin, np.hypot, np.logaddexp,
    np.logaddexp2,
))  # fmt: skip
"""Functions of two operands whose order does not matter."""

_superscripts = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_values_in_full = 6
_numbers: Any = (bool, int, float, complex)
_arrays: Any = (np.ndarray, np.generic)


def operation(equation: Equation) -> str:
    """What is written on an operation; numbers among its operands are written with it: x³, 1 −, ÷ 2, < 0.8.

    >>> from minigrad import Tensor
    >>> from minigrad.program import Program
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> [operation(equation) for equation in Program(np.sum(1 - x**3, axis=0)).equations]
    ['x³', '1 −', 'Σ axis=0']
    """
    function, inputs = equation.function, equation.inputs
    literals = [_literal(x) for x in inputs]
    if function in between:
        left, right = literals
        if function is np.power and right is not None:
            whole = right.lstrip("−").isdigit()
            return f"x{right.translate(_superscripts)}" if whole else f"x^{right}"
        if function is np.power and left is not None:
            return f"{left}^x"
        return " ".join(part for part in (left, between[function], right) if part is not None)
    if function is getitem:
        return f"[{_index(equation.parameters['index'])}]"
    name = of_one.get(function) or name_of(function).rpartition(".")[2].replace("_", " ")
    if any(text is not None for text in literals):
        name += f"({', '.join('·' if text is None else text for text in literals)})"
    return " ".join([name, *_settings(equation)])


def operand_names(equation: Equation) -> list[str]:
    """What tells operands apart: 1st and 2nd, or the function's own words; "" where order does not matter."""
    drawn = sum(_literal(x) is None for x in equation.inputs)
    if equation.function in commuting or drawn < 2:
        return [""] * len(equation.inputs)
    if equation.function in between or table[equation.function].many:
        return [ordinal(i) for i in range(1, len(equation.inputs) + 1)]
    return list(equation.operands)


def ordinal(n: int) -> str:
    """1st, 2nd, 3rd, 4th ...

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    ending = {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th") if n // 10 % 10 != 1 else "th"
    return f"{n}{ending}"


def shape(x: Any) -> str:
    """A shape, "" for that of a number.

    >>> shape(np.zeros((3, 2))), shape(1.0)
    ('(3, 2)', '')
    """
    return str(tuple(x.shape)) if getattr(x, "shape", ()) else ""


def number(x: Any, digits: int = 4) -> str:
    """A number with so many digits, and a real minus sign.

    >>> number(-0.123456), number(True), number(2.0), number(3e-9)
    ('−0.1235', 'True', '2', '3e−09')
    """
    if isinstance(x, np.generic):
        x = x.item()
    if isinstance(x, bool):
        return str(x)
    if isinstance(x, int) and abs(x) < 10**9:
        return str(x).replace("-", "−")
    return f"{x or 0.0:.{digits}g}".replace("-", "−")  # no -0


def is_one(x: Any) -> bool:
    """Whether it is one number.

    >>> is_one(2.0), is_one(np.zeros((1, 1))), is_one(np.zeros(2))
    (True, True, False)
    """
    return getattr(x, "size", 1) == 1


def in_place(x: Any) -> str:
    """An operand without a name: a number as it is, an array by its shape.

    >>> in_place(np.array(2.0)), in_place(np.zeros((3, 2)))
    ('2', 'array (3, 2)')
    """
    return values(x) if is_one(x) else f"array {shape(x)}"


def values(x: Any) -> str:
    """Few values in full, many as their range; of booleans, how many are True.

    >>> values(np.array([1.0, -2.5])), values(np.arange(100.0)), values(np.arange(8) < 2)
    ('[1, −2.5]', '0 … 99', '25 % True')
    """
    if isinstance(x, _numbers):
        return number(x)
    if not isinstance(
        x, _arrays
    ):  # of another kind of arrays (on a cluster, on a GPU) the values are not fetched
        return type(x).__name__
    if x.size == 0:
        return "no values"
    if x.size == 1:
        return number(x.item())
    if x.size <= _values_in_full:
        return _nested(x.tolist())
    if x.dtype.kind == "b":
        return f"{number(100 * np.mean(x), 3)} % True"
    if x.dtype.kind == "c":
        return f"|x| {number(np.min(np.abs(x)), 3)} … {number(np.max(np.abs(x)), 3)}"
    finite = x[np.isfinite(x)]
    parts = [f"{number(finite.min(), 3)} … {number(finite.max(), 3)}"] if finite.size else []
    for name, count in (("nan", np.isnan(x).sum()), ("inf", np.isinf(x).sum())):
        parts += [f"{count} {name}"] * bool(count)
    return ", ".join(parts)


def summary(x: Any) -> str:
    """A sentence about many values, for a tooltip; few are given in full.

    >>> summary(np.arange(100.0))
    '0 … 99, mean 49.5'
    """
    text = values(x)
    if isinstance(x, np.ndarray) and x.size > _values_in_full and x.dtype.kind in "iuf":
        with np.errstate(all="ignore"):
            text += f", mean {number(np.mean(x, dtype=np.float64))}"
    return text


@cache
def rules(function: Callable[..., Any]) -> tuple[tuple[str, str], ...]:
    """(argument, its rule as the table states it) for the arguments of a function that have a gradient.

    >>> rules(np.multiply)
    (('a', 'g * b'), ('b', 'g * a'))
    """
    row = table[function]
    return tuple((name, _rule(row.written[name])) for name in row.arrays if row.written[name])


# ---- pieces


def _literal(x: Any) -> str | None:
    """The text of an operand that is a plain number (or an absent bound); None for every other operand."""
    if not isinstance(x, Literal) or np.ndim(x.value) > 0:
        return None
    value = x.value.item() if isinstance(x.value, np.ndarray | np.generic) else x.value
    return number(value) if isinstance(value, bool | int | float | complex) else str(value)


def _settings(equation: Equation) -> list[str]:
    """The parameters that say what is computed; what the result's shape says is left to the tooltip."""
    texts = []
    for key, value in equation.settings.items():
        if key not in _unsaid:
            text = str(np.dtype(value)) if key == "dtype" else _plain(value)
            texts.append(text if key in _speaking else f"{key}={text}")
    return texts


_unsaid = frozenset(("keepdims", "order", "rng", "index", "shape", "optimize"))
_speaking = frozenset(("dtype", "axes", "of", "subscripts"))


def _plain(value: Any) -> str:
    """A parameter in few words, the same in every run."""
    if value is None or isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float | complex | np.generic):
        return number(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, list | tuple) and len(value) <= _values_in_full:
        return f"({', '.join(map(_plain, value))}{',' * (len(value) == 1)})"
    return name_of(value) if callable(value) and hasattr(value, "__name__") else "…"


def _index(index: Any) -> str:
    if isinstance(index, tuple):
        return ", ".join(map(_index, index))
    if isinstance(index, slice):
        start, stop, step = ("" if x is None else _plain(x) for x in (index.start, index.stop, index.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    if index is None or index is Ellipsis:
        return "None" if index is None else "..."
    return _plain(index) if isinstance(index, int | np.integer) else "…"


def _nested(x: Any) -> str:
    return f"[{', '.join(map(_nested, x))}]" if isinstance(x, list) else number(x, 3)


def _rule(rule: Any) -> str:
    """The expression of a rule that is a lambda, as its file has it; for any other function, its call."""
    code = rule.__code__
    arguments = code.co_varnames[: code.co_argcount]
    for body, line, names in _lambdas(code.co_filename):
        if line == code.co_firstlineno and names == arguments:
            return body
    return f"{rule.__name__.replace('<lambda>', 'rule')}({', '.join(arguments)})"


@cache
def _lambdas(path: str) -> list[tuple[str, int, tuple[str, ...]]]:
    """(expression, line, arguments) of the lambdas in a file; none if its text is not to be had."""
    try:
        tree = ast.parse("".join(linecache.getlines(path)))
    except SyntaxError:
        return []
    return [
        (ast.unparse(node.body), node.lineno, tuple(a.arg for a in node.args.args))
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
    ]
