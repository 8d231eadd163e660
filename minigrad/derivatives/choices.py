"""Choices between two values: a tie shares the gradient equally; clip passes it at its bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.table import composition, derivative
from minigrad.tensor import record

derivative(np.maximum, a=lambda g, a, b: np.where(a == b, g / 2, g * (a > b)),
                       b=lambda g, a, b: np.where(a == b, g / 2, g * (b > a)))
derivative(np.minimum, a=lambda g, a, b: np.where(a == b, g / 2, g * (a < b)),
                       b=lambda g, a, b: np.where(a == b, g / 2, g * (b < a)))
derivative(np.clip, "a, a_min, a_max, /",
           a=lambda g, a, a_min, a_max: g * _within(a, a_min, a_max),
           a_min=lambda g, a, a_min, a_max: g * np.logical_and(a < a_min, _within(a_min, None, a_max)),
           a_max=lambda g, a, a_min, a_max: g * ((a if a_min is None else np.maximum(a, a_min)) > a_max))
derivative(np.where, "condition, a, b, /",
           condition=None,
           a=lambda g, condition: np.where(condition, g, 0),
           b=lambda g, condition: np.where(condition, 0, g))


@composition(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    if not (a_min is a_max is None or min is max is None):
        raise ValueError("np.clip: give the bounds as a_min and a_max, or as min and max, not both")
    return record(np.clip, (a, min if a_min is None else a_min, max if a_max is None else a_max))


def _within(a: Any, low: Any, high: Any) -> Any:
    if low is None or high is None:
        return True if low is high else a >= low if high is None else a <= high
    return np.logical_and(a >= low, a <= high)
