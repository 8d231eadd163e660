"""What NumPy's functions are on single elements, as text that Numba compiles and Python runs.

Each function is computed in the dtype in which NumPy computes it, nan and infinities included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.program import Equation, Literal, Variable
from minigrad.random import uniform_draw
from minigrad.table import table

types = {np.dtype(name): name for name in ("float64", "float32", "int64", "bool")}
"""The dtypes of loops; what has others is left to NumPy."""

Operand = tuple[str, np.dtype] | Literal
"""The text of an element and its dtype, or a number."""

_patterns: dict[Any, str] = {
    np.add: "{} + {}", np.subtract: "{} - {}", np.multiply: "{} * {}", np.divide: "{} / {}",
    np.negative: "-{}", np.positive: "{}", np.absolute: "abs({})", np.square: "{0} * {0}",
    np.maximum: "({0} if {0} >= {1} or {0} != {0} else {1})",
    np.minimum: "({0} if {0} <= {1} or {0} != {0} else {1})",
    np.equal: "{} == {}", np.not_equal: "{} != {}", np.less: "{} < {}", np.less_equal: "{} <= {}",
    np.greater: "{} > {}", np.greater_equal: "{} >= {}",
    np.logical_and: "({} and {})", np.logical_or: "({} or {})", np.logical_xor: "{} != {}",
    np.logical_not: "not {}", np.where: "({1} if {0} else {2})", np.astype: "{}",
    functions.relu: "({1} if {0} <= {1} else {0})",
}  # fmt: skip
_only_floats: dict[Any, str] = {
    f: f"np.{f.__name__}({{}})"
    for f in (
        np.exp, np.expm1, np.log, np.log1p, np.log2, np.log10, np.sqrt, np.sin, np.cos, np.tan, np.sinh,
        np.cosh, np.tanh, np.arctan, np.sign, np.floor, np.ceil, np.trunc, np.rint, np.isnan, np.isinf,
        np.isfinite,
    )
}  # fmt: skip
_only_floats[np.power] = "{} ** {}"
_only_numbers = (
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.absolute, np.square,
    np.maximum, np.minimum,
)  # fmt: skip
_of_truth = (np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
reductions = (np.sum, np.mean, np.max, np.min)


def unrolled(e: Equation) -> bool:
    """Whether a product of matrices is written out: Σₖ a[i,k] b[k,j] of a few k, too few for BLAS."""
    a, b = e.inputs
    if not (isinstance(a, Variable) and isinstance(b, Variable)) or {a.tensor.ndim, b.tensor.ndim} != {2}:
        return False
    return a.tensor.shape[1] <= 4 and b.tensor.shape[1] <= 256


def draw_of_mask(e: Equation) -> Variable | None:
    """The uniform draw of  draw < number,  a mask: for that a few random bits are enough."""
    if e.function is not np.less or not e.output.tensor.shape:
        return None
    draw, p = e.inputs
    number = (isinstance(p, Literal) and type(p.value) in (int, float)) or (
        isinstance(p, Variable) and not p.tensor.shape and p.tensor.dtype.kind == "f"
    )
    of = draw.equation if isinstance(draw, Variable) else None
    return of.output if number and of is not None and of.function is uniform_draw else None


def loop_dtypes(e: Equation) -> list[np.dtype] | None:
    """The dtypes in which the operands and the result take part; None where Numba's would be others."""
    inputs = [_dtype(x) for x in e.inputs]
    output = e.output.tensor.dtype
    if any(x is None for x in inputs) or output not in types:
        return None
    f = e.function
    if f in reductions or f is np.matmul:
        x = np.dtype(inputs[0])
        if f in (np.mean, np.matmul) and (x.kind != "f" or any(np.dtype(y) != x for y in inputs)):
            return None
        return [x] * len(inputs) + [output]
    if f is np.astype:
        return None if output.kind == "i" and inputs[0] != output else [np.dtype(inputs[0]), output]
    if f is np.where:
        return [np.dtype(inputs[0]), output, output, output]
    if f is np.clip:
        return [output] * (len(inputs) + 1)
    if f is functions.relu:
        return [output, output]
    if not isinstance(f, np.ufunc):
        return None
    if f in _of_truth:
        return [np.dtype(x) for x in inputs] + [output]
    if all(isinstance(x, type) for x in inputs):  # Python's numbers alone
        inputs = [np.dtype(x) for x in inputs]
    try:
        found = f.resolve_dtypes((*inputs, *[None] * f.nout))
    except TypeError:
        return None
    if any(dtype not in types for dtype in found) or found[-1] != output:
        return None
    if f in _only_numbers and found[0].kind == "b":
        return None
    return None if f in _only_floats and found[0].kind != "f" else list(found)


def _dtype(x: Variable | Literal) -> Any:
    """As NumPy takes it: a dtype, or int and float for numbers that follow the arrays beside them."""
    if isinstance(x, Literal):
        if x.value is None:
            return np.dtype(bool)
        return type(x.value) if type(x.value) in (int, float) else None
    value = x.tensor._value
    if type(value) in (int, float):
        return type(value)
    return x.tensor.dtype if x.tensor.dtype in types and x.tensor.dtype.isnative else None


def expressible(e: Equation) -> bool:
    """Whether `element` can say what an equation computes."""
    f = e.function
    known = f in _patterns or f in _only_floats or f in reductions or f is np.clip
    if f is np.matmul:
        known = unrolled(e)
    return known and f in table and loop_dtypes(e) is not None


def is_square(e: Equation) -> bool:
    """Whether it is  x ** 2."""
    x = e.inputs[-1]
    number = isinstance(x, Literal) and type(x.value) in (int, float)
    return e.function is np.power and number and x.value == 2  # type: ignore[union-attr]


def cast(x: Operand, wanted: np.dtype) -> str:
    """An element, or a number, in a dtype."""
    if isinstance(x, Literal):
        return number(x.value, wanted)
    text, given = x
    if given == wanted:
        return text
    return f"{text} != 0" if wanted.kind == "b" else f"np.{types[wanted]}({text})"


def number(value: float, dtype: np.dtype) -> str:
    """A number as it is written in a dtype."""
    text = repr({"f": float, "b": bool}.get(dtype.kind, int)(value))
    if text in ("inf", "-inf", "nan"):
        text = text.replace("inf", "np.inf").replace("nan", "np.nan")
    text = f"({text})" if text.startswith("-") else text
    return f"np.float32({text})" if dtype == np.float32 else text


def element(e: Equation, operands: Sequence[Operand]) -> str:
    """What an equation computes of the elements of its operands."""
    f = e.function
    dtypes = loop_dtypes(e)
    assert dtypes is not None
    if f is np.matmul:
        texts = [cast(x, dtypes[0]) for x in operands]
        return " + ".join(f"{a} * {b}" for a, b in zip(texts[::2], texts[1::2], strict=True))
    if f is np.clip:
        x, low, high = (
            "" if isinstance(x, Literal) and x.value is None else cast(x, dtypes[0]) for x in operands
        )
        if low:
            x = _patterns[np.maximum].format(x, low)
        return _patterns[np.minimum].format(x, high) if high else x
    tested = len(operands) if f in _of_truth else 1 if f is np.where else 0
    texts = [f"({cast(x, np.dtype(bool))})" for x in operands[:tested]]
    texts += [cast(x, dtype) for x, dtype in zip(operands[tested:], dtypes[tested:], strict=False)]
    if f is np.astype:
        return cast(operands[0], dtypes[-1])
    if is_square(e):
        return f"{texts[0]} * {texts[0]}"
    if f is functions.relu:
        texts.append(number(0, dtypes[0]))
    return (_patterns.get(f) or _only_floats[f]).format(*texts)
