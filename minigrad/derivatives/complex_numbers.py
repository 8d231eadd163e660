"""Complex numbers: parts, conjugate, angle.

For a real loss L of z = x + iy the gradient is  g = ∂L/∂x - i ∂L/∂y,  so that  dL = Re(g dz):  a holomorphic
function multiplies it by f′(z), without a conjugate, and every other rule of the table holds as it stands.
What is not holomorphic has its rule from  dL = Re(g df).  A real array gets the real part, in backprop.
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from minigrad.table import composition, derivative

derivative(np.real,      "val, /", val=lambda g: g, linear=True)
derivative(np.imag,      "val, /", val=lambda g, val: _turned(g, val), linear=True)      # Im dz = Re(-i dz)
derivative(np.conjugate, a=lambda g: np.conjugate(g))
derivative(np.angle,     "z, /, deg=False",                                              # Im(dz / z), 0 at 0
                         z=lambda g, z, deg: _turned(g, z) * (180 / pi if deg else 1) * reciprocal(z))


@composition(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    close = np.iscomplexobj(a) and not np.iscomplexobj(np.real_if_close(a.data, tol))
    return np.real(a) if close else np.positive(a)


def conj(x: Any) -> Any:
    """The conjugate of complex numbers; real ones stay as they are, at no cost."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def direction(x: Any) -> Any:
    """∂|x|/∂x: the sign of a real x, the conjugate of x / |x| of a complex one, 0 at 0."""
    return conj(x) * reciprocal(np.absolute(x)) if x.dtype.kind == "c" else np.sign(x)


def reciprocal(x: Any) -> Any:
    """1 / x, and 0 where x is 0."""
    return np.where(x == 0, 0, 1 / np.where(x == 0, 1, x))


def _turned(g: Any, x: Any) -> Any:
    """-i g; of a real x, whose imaginary part and angle stay 0, nothing."""
    return np.multiply(g, -1j) if x.dtype.kind == "c" else 0 * g  # -1j * g of one number is Python's
