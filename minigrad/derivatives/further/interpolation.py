"""Lines through points."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.table import composition, derivative
from minigrad.tensor import primitive


@composition(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """fpᵢ + (x - xpᵢ) (fpᵢ₊₁ - fpᵢ) / (xpᵢ₊₁ - xpᵢ); at a point, the slope is that to its right."""
    x, xp, fp = map(_in_double_precision, (x, xp, fp))
    if np.ndim(xp) != 1 or np.shape(xp) != np.shape(fp) or not len(xp) or period == 0:
        raise ValueError(
            f"np.interp: xp {np.shape(xp)} and fp {np.shape(fp)} must be one axis of points each, as many as "
            f"the other, at least one, and period={period} not 0"
        )
    if period is not None:
        period, left, right = abs(period), None, None
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    ends = fp[0] if left is None else left, fp[-1] if right is None else right
    if len(xp) == 1:
        return np.where(x < xp[0], ends[0], np.where(x > xp[0], ends[1], fp[0]))
    slope = of_interval(np.diff(fp) / np.diff(xp), x, xp)
    y = of_interval(fp[:-1], x, xp) + slope * (x - of_interval(xp[:-1], x, xp))
    return np.where(x < xp[0], ends[0], np.where(x > xp[-1], ends[1], y))


@primitive
def of_interval(values: Any, x: Any, xp: Any) -> Any:
    """The value of the interval from xpᵢ up to xpᵢ₊₁ in which x lies; beyond the ends, of the last one.

    >>> of_interval(np.array([5.0, 7.0]), np.array([0.5, 1.0, 9.0]), np.array([0.0, 1.0, 2.0]))
    array([5., 7., 7.])
    """
    return values[_interval(x, xp)]


@primitive
def by_interval(values: Any, x: Any, xp: Any) -> Any:
    """The sums of the values whose x lie in the same interval of xp: the transpose of of_interval."""
    y = np.zeros_like(values, shape=(len(xp) - 1, *np.shape(values)[np.ndim(x) :]))
    np.add.at(y, _interval(x, xp), values)
    return y


derivative(of_interval, values=lambda g, x, xp: by_interval(g, x, xp), x=None, xp=None, linear=True)
derivative(by_interval, values=lambda g, x, xp: of_interval(g, x, xp), x=None, xp=None, linear=True)


def _interval(x: Any, xp: Any) -> Any:
    return np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)


def _in_double_precision(x: Any) -> Any:
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return x.astype(np.result_type(x.dtype, float)) if x.dtype != np.result_type(x.dtype, float) else x
