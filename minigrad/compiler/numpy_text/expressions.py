"""How functions are written that give a number, a view, or an array of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minigrad.compiler.numpy_text.printer import Printer
from minigrad.compiler.passes.cheapest import sum_of_squares
from minigrad.program import Equation, Variable
from minigrad.table import name_of, table
from minigrad.tensor import Tensor

_between = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}

_short = 4096
"""Up to so many elements, a plain sum is as exact as NumPy's in pairs, to within the rounding of a few."""


def called(printer: Printer, e: Equation, operands: Sequence[str]) -> str:
    """The function as eager calls it."""
    if e.function is np.transpose and e.parameters["axes"] is None and e.output.tensor.ndim:
        return f"{operands[0]}.T"
    if e.function is np.matmul:
        return f"{operands[0]} @ {operands[1]}"
    compute = printer.object(table[e.function].compute, name_of(e.function).replace(".", "_"))
    parameters = [f"{key}={printer.parameter(value)}" for key, value in e.parameters.items()]
    return f"{compute}({', '.join([*operands, *parameters])})"


def scalar(printer: Printer, e: Equation, operands: Sequence[str]) -> str:
    """The same where it gives a number: Python's operators, and sums as products."""
    if e.function in _between and len(operands) == 2:
        return f"{operands[0]} {_between[e.function]} {operands[1]}"
    if e.function is np.negative:
        return f"-{operands[0]}"
    if e.function is np.astype:
        dtype = e.output.tensor.dtype
        return f"{printer.object(dtype.type, dtype.name)}({operands[0]})"
    if e.function in (np.sum, np.mean) and e.parameters["axis"] is None and not e.parameters["keepdims"]:
        x = e.inputs[0]
        if e.function is np.sum:
            return _total(printer, e, operands)
        if isinstance(x, Variable) and _adds_up(x.tensor):
            return f"{_total(printer, e, operands)} / {x.tensor.size}"
    if e.function is sum_of_squares:
        printer.reason = printer.reason or "the sum of squares, as a product"
        return f"{printer.object(np.vdot, 'vdot')}({operands[0]}, {operands[0]})"
    return called(printer, e, operands)


def _total(printer: Printer, e: Equation, operands: Sequence[str]) -> str:
    """Σ x over all elements: of a short array as the product with ones."""
    x = e.inputs[0]
    if not isinstance(x, Variable):
        return called(printer, e, operands)
    if x.tensor.dtype.kind == "f" and 0 < x.tensor.size <= _short:
        ones = printer.ones(x.tensor.size, x.tensor.dtype)
        printer.reason = printer.reason or "the sum, as a product"
        return f"{printer.object(np.vdot, 'vdot')}({ones}, {operands[0]})"
    return f"{operands[0]}.sum()"


def _adds_up(x: Tensor) -> bool:
    """Whether its mean is its sum by its size: a sum of float16 is soon too large."""
    return x.ndim > 0 and x.size > 0 and x.dtype.kind == "f" and x.itemsize > 2
