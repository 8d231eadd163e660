"""The ufuncs beside arithmetic: inverse functions, logarithms of sums, lengths and angles, signs and parts.

At (0, 0), where it has no slope, the gradient of a length or an angle is 0.
"""

from __future__ import annotations

from math import factorial, log, pi
from typing import Any

import numpy as np

from minigrad.derivatives.piecewise_constant import flat
from minigrad.table import composition, derivative
from minigrad.tensor import primitive

derivative(np.exp2,       a=lambda g, y: g * (y * log(2)))
derivative(np.cbrt,       a=lambda g, y: g / (3 * y * y))                       # inf at 0, as the slope is
derivative(np.reciprocal, a=lambda g, y: -g * y * y)
derivative(np.arcsin,     a=lambda g, a: g / np.sqrt((1 - a) * (1 + a)))        # inf at -1 and 1
derivative(np.arccos,     a=lambda g, a: -g / np.sqrt((1 - a) * (1 + a)))
derivative(np.arcsinh,    a=lambda g, y: g / np.cosh(y))                        # √(1 + a²), without overflow
derivative(np.arccosh,    a=lambda g, y: g / np.sinh(y))                        # √(a² - 1), exact near 1 too
derivative(np.arctanh,    a=lambda g, a: g / ((1 - a) * (1 + a)))
derivative(np.logaddexp,  a=lambda g, y, a: g * np.exp(_gap(a, y)),
                          b=lambda g, y, b: g * np.exp(_gap(b, y)))
derivative(np.logaddexp2, a=lambda g, y, a: g * np.exp2(_gap(a, y)),
                          b=lambda g, y, b: g * np.exp2(_gap(b, y)))

# ---- lengths and angles

derivative(np.hypot,   a=lambda g, y, a: g * (a / _or_inf(y)),
                       b=lambda g, y, b: g * (b / _or_inf(y)))
derivative(np.arctan2, a=lambda g, a, b: g * (b / _length(a, b) / _length(a, b)),
                       b=lambda g, a, b: -g * (a / _length(a, b) / _length(a, b)))
derivative(np.deg2rad, a=lambda g: np.deg2rad(g))
derivative(np.rad2deg, a=lambda g: np.rad2deg(g))
derivative(np.radians, a=lambda g: np.radians(g))
derivative(np.degrees, a=lambda g: np.degrees(g))
derivative(np.unwrap,  "p, /, discont=None, axis=-1, *, period=6.283185307179586", p=lambda g: g)

# ---- signs, choices and remainders

derivative(np.fabs,       a=lambda g, a: g * np.sign(a))                                # 0 at 0
derivative(np.copysign,   a=lambda g, y, a: g * (np.sign(y) * np.sign(a)), b=None)        # 0 at 0
derivative(np.heaviside,  a=None, b=lambda g, a: g * (a == 0))
derivative(np.fmax,       a=lambda g, y, a, b: np.where(a == b, g / 2, g * (a == y)),   # a nan is never y
                          b=lambda g, y, a, b: np.where(a == b, g / 2, g * (b == y)))
derivative(np.fmin,       a=lambda g, y, a, b: np.where(a == b, g / 2, g * (a == y)),
                          b=lambda g, y, a, b: np.where(a == b, g / 2, g * (b == y)))
derivative(np.fmod,       a=lambda g: g,
                          b=lambda g, y, a, b: -g * np.rint((a - y) / b))
derivative(np.ldexp,      a=lambda g, b: np.ldexp(g, b), b=None)
derivative(np.nextafter,  a=lambda g: g, b=None)
derivative(np.nan_to_num, "x, /, *, nan=0.0, posinf=None, neginf=None", elementwise=True,
           x=lambda g, x: np.where(np.isfinite(x), g, 0))
composition(np.around)(lambda a, decimals=0: np.round(a, decimals))
composition(np.fix)(lambda x: np.trunc(x))
flat.update((np.around, np.fix))


# ---- functions with two results, and functions in double precision


@composition(np.divmod)
def _divmod(a: Any, b: Any) -> tuple[Any, Any]:
    return np.floor_divide(a, b), np.remainder(a, b)


@composition(np.modf)
def _modf(a: Any) -> tuple[Any, Any]:
    return fraction(a), np.trunc(a if a.dtype.kind == "f" else a + 0.0)


@composition(np.frexp)
def _frexp(a: Any) -> tuple[Any, Any]:
    n = binary_exponent(a)
    return np.ldexp(a, -n), n


@composition(np.float_power)
def _float_power(a: Any, b: Any) -> Any:
    return np.power(_double(a), _double(b))


def _double(x: Any) -> Any:
    dtype = np.result_type(getattr(x, "dtype", float), float)
    return x if getattr(x, "dtype", dtype) == dtype else x.astype(dtype)


@primitive
def fraction(a: Any) -> Any:
    """What stands behind the point, with the sign of a: the first result of np.modf."""
    return np.modf(a)[0]


@primitive
def binary_exponent(a: Any) -> Any:
    """The n of  a = mantissa · 2ⁿ,  with a mantissa from ½ to 1: the second result of np.frexp."""
    return np.frexp(a)[1]


derivative(fraction, a=lambda g: g, elementwise=True)
derivative(binary_exponent, a=None)

# ---- functions whose slopes are no functions of NumPy's


@primitive
def sinc_derivative(x: Any, *, n: int) -> Any:
    """The n-th derivative of  s(u) = sin u / u  with  u = πx,  to the last digits for any x and n.

    Near 0 it is the power series; farther out  u s⁽ᵏ⁾ = sin⁽ᵏ⁾ u - k s⁽ᵏ⁻¹⁾,  which would cancel there.

    >>> sinc_derivative(np.array([0.0, 1.0]), n=1)
    array([ 0., -1.])
    """
    u = pi * x
    near = np.abs(u) < n + 1
    v, w = np.where(near, u, 0), np.where(near, 1, u)
    powers = range(n % 2, 4 * n + 24, 2)
    series = sum((-1) ** ((i + n) // 2) / ((i + n + 1) * factorial(i)) * v**i for i in powers)
    y = np.sin(w) / w
    for k in range(1, n + 1):
        y = (np.sin(w + k * pi / 2) - k * y) / w
    return pi**n * np.where(near, series, y)


@primitive
def i0_derivative(x: Any, *, n: int) -> Any:
    """The n-th derivative of the Bessel function  I₀(x) = 2/π ∫ cosh(x cos θ) dθ  from 0 to π/2.

    The mean over 64 angles is exact to rounding, since the integrand is periodic and analytic.
    Source:  Abramowitz and Stegun 1964, 9.6.16.

    >>> i0_derivative(np.array(1.0), n=1).round(9)
    np.float64(0.565159104)
    """
    wave = np.sinh if n % 2 else np.cosh
    cosines = np.cos((np.arange(64) + 0.5) * (pi / 128)).tolist()
    return sum(c**n * wave(c * x) for c in cosines) / 64


derivative(np.sinc, "x, /", x=lambda g, x: g * sinc_derivative(x, n=1), elementwise=True)
derivative(np.i0, "x, /", x=lambda g, x: g * i0_derivative(x, n=1), elementwise=True)
derivative(sinc_derivative, x=lambda g, x, n: g * sinc_derivative(x, n=n + 1), elementwise=True)
derivative(i0_derivative, x=lambda g, x, n: g * i0_derivative(x, n=n + 1), elementwise=True)


def _gap(a: Any, y: Any) -> Any:
    """a - y, at most 0; of infinities -inf or 0: no term has no share in the sum, an infinite one has all."""
    alike = np.logical_and(a == y, np.isinf(y))
    return np.where(alike, np.minimum(a, 0), a) - np.where(alike, 0, y)


def _or_inf(y: Any) -> Any:
    """y as a divisor, by which 0 / 0 is 0, and so are all its derivatives."""
    return np.where(y == 0, np.inf, y)


def _length(a: Any, b: Any) -> Any:
    """√(a² + b²) as a divisor."""
    return _or_inf(np.hypot(a, b))
