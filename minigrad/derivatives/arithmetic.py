"""Sums, products, quotients, powers; exponentials, logarithms, trigonometry.

Of the ufuncs, Python's operators do the same, and numbers in a fraction of the time.
"""

from __future__ import annotations

import operator
from math import log, nan
from typing import Any

import numpy as np

from minigrad.derivatives.complex_numbers import direction
from minigrad.table import derivative

derivative(np.add,      a=lambda g: g,
                        b=lambda g: g, compute=operator.add)
derivative(np.subtract, a=lambda g: g,
                        b=lambda g: -g, compute=operator.sub)
derivative(np.multiply, a=lambda g, b: g * b,
                        b=lambda g, a: g * a, compute=operator.mul)
derivative(np.divide,   a=lambda g, b: g / b,
                        b=lambda g, y, b: -g * y / b, compute=operator.truediv)
derivative(np.remainder, a=lambda g: g,
                         b=lambda g, a, b: -g * np.floor_divide(a, b))
derivative(np.power,    a=lambda g, a, b: g * (b * a ** _predecessor(a, b)),
                        b=lambda g, y, a: g * (y * _logarithm(a, y)))
derivative(np.negative, a=lambda g: -g)
derivative(np.positive, a=lambda g: g)
derivative(np.square,   a=lambda g, a: 2 * g * a)
derivative(np.sqrt,     a=lambda g, y: g / (2 * y))                   # inf at 0, as the slope is
derivative(np.absolute, a=lambda g, a: g * direction(a))              # 0 at 0

# ---- exponentials, logarithms, trigonometry

derivative(np.exp,    a=lambda g, y: g * y)
derivative(np.expm1,  a=lambda g, y: g * (y + 1))
derivative(np.log,    a=lambda g, a: g / a)
derivative(np.log1p,  a=lambda g, a: g / (1 + a))
derivative(np.log2,   a=lambda g, a: g / (a * log(2)))
derivative(np.log10,  a=lambda g, a: g / (a * log(10)))
derivative(np.sin,    a=lambda g, a: g * np.cos(a))
derivative(np.cos,    a=lambda g, a: -g * np.sin(a))
derivative(np.tan,    a=lambda g, y: g * (1 + y * y))
derivative(np.sinh,   a=lambda g, a: g * np.cosh(a))
derivative(np.cosh,   a=lambda g, a: g * np.sinh(a))
derivative(np.tanh,   a=lambda g, y: g * (1 - y * y))
derivative(np.arctan, a=lambda g, a: g / (1 + a * a))


def _predecessor(a: Any, b: Any) -> Any:
    """b - 1, but 1 for 0⁰: x⁰ has the derivative 0 · x, also at x = 0."""
    if isinstance(b, int | float):
        return b - 1 if b else 1
    return np.where(np.logical_and(a == 0, b == 0), 1, b - 1)


def _logarithm(a: Any, y: Any) -> Any:
    """log a, but 0 where a is 0: 0ᵇ has the derivative 0 in b; complex where y = aᵇ is."""
    if y.dtype.kind == "c":
        a = a + 0j
    if isinstance(a, int | float):
        return log(a) if a > 0 else 0.0 if a == 0 else nan
    return np.log(np.where(a == 0, 1, a))
