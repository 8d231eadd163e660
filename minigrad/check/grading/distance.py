"""When two arrays are the same numbers, up to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

rounding = 1e-8
"""The largest difference, as a fraction of the largest entry, that arithmetic in float64 explains."""

single_rounding = 5e-5
"""The same for float32."""

half_rounding = 4e-3
"""The same for float16."""


def loosest(given: np.ndarray) -> float:
    """How far an array may be from the right one and still be right, by its own numbers or float32's."""
    return half_rounding if given.dtype == np.float16 else single_rounding


def distance(x: Any, y: Any) -> float:
    """Largest |x - y| over the largest |y|; inf where the shapes differ.

    >>> distance(np.array([1.0, 2.2]), np.array([1.0, 2.0])), distance(np.ones(2), np.ones(3))
    (0.1, inf)
    """
    if x is None or y is None:  # what could not be computed
        return np.inf
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        return np.inf
    if not x.size:
        return 0.0
    with np.errstate(all="ignore"):
        off = float(np.max(np.abs(x.astype(float) - y.astype(float))))
        size = float(np.max(np.abs(y)))
    if not off:
        return 0.0
    return off / size if size and np.isfinite(off) and np.isfinite(size) else np.inf
