"""How functions are computed into an array that they are given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.compiler.numpy_text.printer import Printer
from minigrad.program import Equation, Literal, Variable
from minigrad.random import uniform_draw

Write = Callable[[Printer, Equation, list[str], str], list[str]]
"""Statements of the names of operands, and of the array."""

writers: dict[Callable[..., Any], Write] = {}
_elementwise: set[Callable[..., Any]] = set()


def _ufunc(function: np.ufunc) -> Write:
    choosing = function in (np.maximum, np.minimum)
    said = "out=" if choosing else ""  # NumPy wants it said there
    takes = [of.partition("->")[0] for of in function.types]
    alike = all(len(set(kinds)) == 1 for kinds in takes if "d" in kinds)  # not so np.ldexp, of a whole number

    def write(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
        dtypes = {x.tensor.dtype for x in e.inputs if isinstance(x, Variable) and x.tensor.shape}
        if alike and len(dtypes) == 1 and next(iter(dtypes)).kind == "f":
            pairs = zip(e.inputs, operands, strict=True)
            beside = partial(printer.repeated, e=e) if choosing else printer.as_array
            operands = [beside(x, name, *dtypes) for x, name in pairs]
        return [f"{printer.object(function, function.__name__)}({', '.join(operands)}, {said}{out})"]

    return write


for _function in vars(np).values():
    if isinstance(_function, np.ufunc) and _function.signature is None:
        writers[_function] = _ufunc(_function)
        _elementwise.add(_function)


def _matmul(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    return [f"{printer.object(np.matmul, 'matmul')}({operands[0]}, {operands[1]}, {out})"]


def _relu(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    x = e.inputs[0]
    real = isinstance(x, Variable) and x.tensor.dtype.kind == "f"
    zero = printer.repeated(Literal(0), "0", e.output.tensor.dtype, e) if real else "0"
    return [f"{printer.object(np.maximum, 'maximum')}({operands[0]}, {zero}, out={out})"]


def _draw(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    return [f"{printer.parameter(e.parameters['rng'])}.random(out={out})"]


def _sum(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    axis, keepdims = e.parameters["axis"], e.parameters["keepdims"]
    x = e.inputs[0]
    if (
        isinstance(x, Variable)
        and x.tensor.ndim == 2
        and axis == 0
        and x.tensor.dtype.kind == "f"
        and not keepdims
    ):
        ones = printer.ones(len(x.tensor._value), x.tensor.dtype)
        printer.reason = printer.reason or "the sum over the rows, as a product"
        return [f"{printer.object(np.dot, 'dot')}({ones}, {operands[0]}, {out})"]
    return [f"np.add.reduce({operands[0]}, axis={axis!r}, keepdims={keepdims!r}, out={out})"]


def _extreme(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    """max and min along axes, without the way through NumPy's Python."""
    of_two = printer.object(_of_two[e.function], _of_two[e.function].__name__)
    axis, keepdims = e.parameters["axis"], e.parameters["keepdims"]
    return [f"{of_two}.reduce({operands[0]}, axis={axis!r}, keepdims={keepdims!r}, out={out})"]


def _with_out(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    """Functions that take the array to compute into as a parameter."""
    function = printer.object(e.function, f"np_{e.function.__name__}")
    parameters = "".join(f", {key}={printer.parameter(value)}" for key, value in e.parameters.items())
    return [f"{function}({operands[0]}{parameters}, out={out})"]


def _joined(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    """concatenate and stack, which take the arrays in a list."""
    axis, function = e.parameters["axis"], printer.object(e.function, e.function.__name__)
    return [f"{function}([{', '.join(operands)}], axis={axis!r}, out={out})"]


def _astype(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    return [f"copyto({out}, {operands[0]}, casting='unsafe')"]


def _where(printer: Printer, e: Equation, operands: list[str], out: str) -> list[str]:
    condition, a, b = operands
    return [f"copyto({out}, {b})", f"copyto({out}, {a}, where={condition})"]


_of_two: Mapping[Callable[..., Any], np.ufunc] = {np.max: np.maximum, np.min: np.minimum}

writers.update({
    np.where: _where, np.max: _extreme, np.min: _extreme,
    np.concatenate: _joined, np.stack: _joined,
    np.mean: _with_out, np.var: _with_out, np.std: _with_out, np.prod: _with_out,
    np.matmul: _matmul, functions.relu: _relu, uniform_draw: _draw, np.sum: _sum, np.astype: _astype,
})  # fmt: skip
_elementwise.add(functions.relu)


# ---- of which equations


def is_written(e: Equation) -> bool:
    """Whether it is computed into an array that it is given."""
    return bool(e.output.tensor.shape) and e.function in writers and _is_writable(e)


def overwrites(e: Equation) -> bool:
    """Whether that may be the array of an operand."""
    return e.function in _elementwise and is_written(e)


def is_elementwise(e: Equation) -> bool:
    """Whether it does so, of arrays and numbers."""
    numbers = all(type(x.value) in (int, float, bool) for x in e.inputs if isinstance(x, Literal))
    return numbers and overwrites(e)


def _is_writable(e: Equation) -> bool:
    """Whether NumPy can compute it into an array: the operands have to be arrays, and no casts needed."""
    if e.function is uniform_draw:
        return isinstance(e.parameters["rng"], np.random.Generator)
    condition = e.inputs[0]
    if e.function is np.where and not (
        isinstance(condition, Variable) and condition.tensor.dtype == bool and condition.tensor.shape
    ):
        return False
    return all(isinstance(x, Literal) or x.tensor.dtype.kind in "fib" for x in e.inputs)
