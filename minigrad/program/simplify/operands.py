"""What equations are rebuilt of."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from minigrad.random import is_generator
from minigrad.tensor import Tensor, record

Operand = Any
"""A Tensor, a Python number, a Fraction, or an array that is no Tensor."""


def recorded(function: Callable[..., Any], inputs: tuple[Any, ...], parameters: dict[str, Any]) -> Tensor:
    """The result with its origin, which is not kept where there are only numbers."""
    y = record(function, inputs, parameters)
    y.function, y.inputs, y.parameters = function, inputs, parameters
    return y


def as_written(x: Operand) -> Operand:
    """A fraction as the Python number that stands in an equation."""
    if type(x) is not Fraction:
        return x
    return x.numerator if x.denominator == 1 else float(x)


def identity_of(value: Any) -> Any:
    """What tells one operand or parameter from another."""
    if isinstance(value, Tensor):
        return Tensor, value.stamp
    if isinstance(value, list | tuple):
        return type(value), tuple(map(identity_of, value))
    if isinstance(value, slice):
        return slice, identity_of((value.start, value.stop, value.step))
    if isinstance(value, np.ndarray) or is_generator(value):
        return id(value)
    return type(value), value


def made_by(functions: Callable[..., Any] | tuple[Callable[..., Any], ...], x: Operand) -> bool:
    """Whether it is a result of the function that has no name: it may be written in another way."""
    functions = functions if isinstance(functions, tuple) else (functions,)
    return isinstance(x, Tensor) and x.function in functions and x.name is None


def is_narrow(x: Operand) -> bool:
    """Whether it is an array of booleans, or of integers that wrap around: not to be added or negated."""
    kind, size = getattr(getattr(x, "dtype", None), "kind", ""), getattr(x, "itemsize", 0)
    return kind in ("b", "u") or (kind == "i" and 0 < size < 8)


def shape_of(x: Operand) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def ndim_of(x: Operand) -> int:
    return len(shape_of(x))


def without_broadcasts(inputs: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """Operands of an elementwise function: what was broadcast for it as it was, since NumPy broadcasts."""
    simple = tuple(x.inputs[0] if _is_broadcast(x) else x for x in inputs)
    if np.broadcast_shapes(*map(shape_of, simple)) == np.broadcast_shapes(*map(shape_of, inputs)):
        return simple
    return inputs


def _is_broadcast(x: Operand) -> bool:
    """Whether NumPy does the same with its operand by itself: repeats it, or puts an axis first."""
    return made_by(np.broadcast_to, x) or (
        made_by(np.expand_dims, x) and x.parameters["axis"] in (0, -x.ndim)
    )
