"""The ufuncs beside arithmetic and their methods, running sums and differences, functions that skip nan."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases.case import (
    add,
    begin,
    broadcast_pairs,
    not_holomorphic,
    positive,
    real,
    rounded_otherwise,
    turned,
)
from minigrad.derivatives.further import cumulative, interpolation, nan_functions, ufuncs

begin(11)

# ---- ufuncs

not_holomorphic |= {
    np.arctan2, np.cbrt, np.copysign, np.deg2rad, np.degrees, np.divmod, np.ediff1d, np.fabs, np.fmod,
    np.frexp, np.gradient, np.heaviside, np.hypot, np.i0, np.ldexp, np.logaddexp, np.logaddexp2, np.modf,
    np.nan_to_num, np.nextafter, np.rad2deg, np.radians, np.unwrap, ufuncs.fraction,
}  # fmt: skip
rounded_otherwise |= {np.gradient}


def _far(*shape: int) -> np.ndarray:
    """Of both signs, none near 0."""
    x = real(*shape)
    return x + 0.3 * np.sign(x)


of_one: dict[Any, Any] = {
    **dict.fromkeys((np.exp2, np.arcsinh, np.sinc, np.i0, np.deg2rad, np.fabs, ufuncs.fraction), real),
    **dict.fromkeys((np.cbrt, np.reciprocal), _far),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctanh), lambda *shape: real(*shape) / 2),
    np.arccosh: lambda *shape: 1 + positive(*shape),
}
for _function, _sample in of_one.items():
    for _x in (_sample(3, 3), turned(_sample(3, 2)), _sample(), _sample(0)):
        add(_function, np.asarray(_x))
for _function in (np.rad2deg, np.radians, np.degrees, np.modf, np.frexp):
    add(_function, real(3, 3))
    add(_function, real())
for _n in (0, 1, 2, 5):
    for _of in (ufuncs.sinc_derivative, ufuncs.i0_derivative):
        add(_of, np.array([[0.0, 0.3], [-1.1, 4.7]]), n=_n)
add(np.i0, np.array([0.0, -7.5, 9.5]))
add(np.sinc, np.array([0.0, 0.3, 0.9, -5.2]))
add(ufuncs.binary_exponent, real(3))
add(np.unwrap, np.array([0.1, 3.0, -3.0, -0.2, 6.5]))
add(np.unwrap, 4 * real(3, 3), axis=0, period=1.5)
add(np.nan_to_num, real(3, 3))
add(np.nan_to_num, real(3), nan=1.0, posinf=2.0, neginf=-2.0)

for _function in (np.logaddexp, np.hypot):
    for _a, _b in (*broadcast_pairs(), (real(3, 3), real(3, 3))):
        add(_function, _a, _b)
_pairs = ((real(3, 3), real(3, 3)), (real(3, 1), real(2)), (real(2), 0.75), (0.75, real(2)), (real(), real()))
for _function in (np.logaddexp2, np.arctan2, np.copysign, np.heaviside):
    for _a, _b in _pairs:
        constant = {np.copysign: _a, np.heaviside: _b}.get(
            _function
        )  # the argument with a gradient is a number
        if not isinstance(constant, float):
            add(_function, _a, _b)
for _a, _b in ((real(3, 3), np.array([9, -9, 9])), (real(3, 1), np.array([-9, 9])), (real(), 0.75)):
    add(np.nextafter, _a, _b)
_corner = np.array([[0.2, -0.9, 1.4], [-1.1, 0.7, -0.3], [0.5, 1.2, -1.6]])
for _function in (np.fmax, np.fmin):
    for _a, _b in (
        (_corner, _corner.T + 0.05),
        (_corner[:, :1], _corner[1] + 0.05),
        (_corner[0], 0.75),
        (_corner[0, 0], -0.1),
    ):
        add(_function, np.asarray(_a), _b)
        add(_function, _b, np.asarray(_a))
add(np.heaviside, np.array([[0, -1, 2], [1, 0, 0], [0, 3, -2]]), real(3, 3))
add(np.heaviside, np.array([0, -1, 2, 0]), real(2, 1))
for _function in (np.fmod, np.divmod):
    for _a, _b in (
        (np.array([[2.3, -1.7, 0.9], [3.2, -0.4, 1.6]]), np.array([0.7, -1.1, 0.5])),
        (np.array([[2.3], [-1.7]]), np.array([0.75, 1.2])), (np.array(-2.3), 0.75),
        (3.1, np.array([0.7, -1.1])),
    ):  # fmt: skip
        add(_function, _a, _b)
add(np.fmod, 4 * real(3, 3), positive(3, 3) + 0.1)
add(np.ldexp, real(3, 3), 2)
add(np.ldexp, real(2, 1), np.array([-1, 0, 3]))
add(np.float_power, positive(3, 3), real(3, 3))
add(np.float_power, real(3), 2)
add(np.float_power, 2, real(3))

# ---- no gradient, by design

for _function in (np.signbit, np.spacing, np.around, np.fix):
    for _x in (real(2, 3), real()):
        add(_function, _x)
add(np.around, real(2, 3), 1)

# ---- running sums and products

for _function in (np.cumsum, np.cumprod):
    for _x, _axis in (
        (real(3, 3), 1),
        (real(2, 3), None),
        (real(2, 3, 2), -2),
        (real(4), 0),
        (real(), None),
        (real(0), 0),
    ):
        add(_function, _x, axis=_axis)
    add(_function, turned(real(3, 2)), 0)
add(np.cumprod, np.array([[0.7, 0.0, 1.3, -0.4], [0.0, 0.6, 0.0, 2.0]]), axis=1)
for _kwargs in ({}, {"axis": 0}, {"axis": 1}):
    add(cumulative.recurrence, real(3, 3), real(3, 3), **_kwargs)
if hasattr(np, "cumulative_sum"):
    for _function in (np.cumulative_sum, np.cumulative_prod):
        add(_function, real(3))
        add(_function, real(2, 3), axis=1, include_initial=True)

# ---- differences, slopes and areas

for _kwargs in (
    {}, {"n": 2}, {"axis": 0}, {"prepend": 0.5}, {"n": 2, "axis": -2, "append": np.array([[1, 2, 3]])},
):  # fmt: skip
    add(np.diff, real(3, 3), **_kwargs)
add(np.diff, real(2, 3), 1, -1, real(2, 1), real(2, 2))
add(np.diff, real(1))
add(np.ediff1d, real(2, 3))
add(np.ediff1d, real(3), real(2), 0.5)
for _kwargs in ({}, {"axis": 1}, {"axis": (1, 0)}, {"edge_order": 2}):
    add(np.gradient, real(3, 3), **_kwargs)
add(np.gradient, real(2), 0.7)
add(np.gradient, real(4), real())
add(np.gradient, real(3, 4), 0.5, np.cumsum(positive(4)), edge_order=2)
add(np.gradient, real(3, 4), np.cumsum(positive(3)), np.array([1, 2, 4, 5]))
add(np.gradient, np.array([1, 3, 4]), np.cumsum(positive(3)))
for _args in (
    (real(3, 3),),
    (real(3, 4), None, 0.5, 0),
    (real(4), real(4)),
    (real(3, 4), real(4)),
    (real(3, 2), real(3), 1.0, 0),
):
    add(np.trapezoid, *_args)
add(np.trapezoid, real(2, 3), real(2, 3), axis=0)
add(np.trapezoid, real(2, 3), dx=real())

# ---- where nan is skipped: here there is none, and in test_ufuncs.py there is

not_holomorphic |= {np.nanvar, np.nanstd}
for _function in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin):
    add(_function, real(3, 3))
    add(_function, real(3, 3), axis=1)
    for _kwargs in ({"axis": (0, -1)}, {"axis": 0, "keepdims": True}):
        add(_function, real(2, 3, 2), **_kwargs)
for _function in (np.nanvar, np.nanstd):
    add(_function, real(3, 4), axis=1, ddof=1)
for _function in (np.nancumsum, np.nancumprod):
    add(_function, real(2, 3))
    add(_function, real(3, 3), axis=1)

rounded_otherwise |= {np.nanmedian, np.nanquantile, np.nanpercentile}
not_holomorphic |= {np.nanmedian, np.nanquantile, np.nanpercentile}
add(nan_functions.rank, real(2, 3))
for _x in (real(5), real(2, 4)):
    for _kwargs in ({}, {"axis": -1, "keepdims": True}):
        add(np.nanmedian, _x, **_kwargs)
add(np.nanmedian, real(2, 3, 4), (0, -1))
add(np.nanquantile, real(3, 3), [0.2, 0.65, 1], axis=0)
add(np.nanquantile, real(2, 3, 4), 0.3, axis=(2, 0), keepdims=True)
for _method in ("weibull", "hazen", "median_unbiased", "normal_unbiased", "lower", "midpoint"):
    add(np.nanquantile, real(7), 0.37, method=_method)
add(np.nanpercentile, real(2, 5), np.array([[15, 60]]), axis=1)

# ---- lines through points

not_holomorphic |= {np.interp}
rounded_otherwise |= {np.interp}
_places = np.array([-0.7, 0.1, 0.9, 2.2])
for _x in (np.array([[0.3, 1.7, -0.2], [0.6, -1.5, 3.1], [1.2, 2.0, 0.4]]), np.array(0.4), np.array([])):
    add(np.interp, _x, _places, real(4))
add(np.interp, np.array([0.3, -1.5, 3.1]), _places, real(4), real(), 0.5)
add(np.interp, 0.7, [0, 1, 2], real(3))
add(np.interp, np.array([0.3, -1.5, 3.1]), np.array([0.2]), real(1), left=-0.4)
add(np.interp, np.array([0.3, -1.5, 3.1]), [0.7, -0.2, 0.4], real(3), period=1.5)
for _of in (interpolation.of_interval, interpolation.by_interval):
    add(_of, real(3, 3), np.array([0, 2, -1]), np.array([-1, 0, 1, 2]))
add(interpolation.of_interval, real(3), np.array([[0, 1], [2, -9]]), np.array([-1, 0, 1, 2]))
add(interpolation.by_interval, real(2, 2), np.array([[0, 1], [2, -1]]), np.array([-1, 0, 1, 2]))

# ---- methods of ufuncs

not_holomorphic |= {np.ufunc.reduce, np.ufunc.accumulate, np.ufunc.outer, np.ufunc.reduceat}
rounded_otherwise |= {np.ufunc.reduce, np.ufunc.reduceat}
for _function in (np.add, np.multiply, np.maximum, np.fmin):
    add(np.ufunc.reduce, _function, real(3, 3))
    add(np.ufunc.reduce, _function, real(2, 3, 2), axis=(0, -1), keepdims=True)
add(np.ufunc.reduce, np.add, real(2, 3), axis=None)
add(np.ufunc.reduce, np.logaddexp, real(5, 2))
add(np.ufunc.reduce, np.hypot, real(2, 3, 2), axis=(0, -1), keepdims=True)
add(np.ufunc.reduce, np.subtract, real(3, 3), axis=1)
for _function in (np.add, np.multiply, np.maximum, np.logaddexp):
    add(np.ufunc.accumulate, _function, real(3, 3))
    add(np.ufunc.accumulate, _function, real(2, 3), axis=-1)
add(np.ufunc.reduceat, np.add, real(5, 2), [0, 3, 1, 4])
add(np.ufunc.reduceat, np.maximum, real(3, 4), [1, 3], axis=1)
add(np.ufunc.reduceat, np.hypot, np.array([-1.3, 0.7, -0.4]), [0, 2])
add(np.ufunc.reduce, np.hypot, np.array([[-1.3, 0.7]]))
for _function, _a, _b in (
    (np.multiply, real(2, 2), real(3)),
    (np.arctan2, real(2), real(2)),
    (np.subtract, real(3), 0.5),
):
    add(np.ufunc.outer, _function, _a, _b)
