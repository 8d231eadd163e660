"""Sizes of layers: whole numbers of at least 1."""

from __future__ import annotations

from typing import Any

import numpy as np


def whole(layer: str, **sizes: Any) -> tuple[int, ...]:
    """The sizes as Python's integers; ValueError for one that is not a whole number of at least 1.

    >>> whole("Linear", n_in=np.int64(3), n_out=0)
    Traceback (most recent call last):
    ValueError: Linear: n_out must be a whole number of at least 1, not 0
    """
    for name, n in sizes.items():
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
            raise ValueError(f"{layer}: {name} must be a whole number of at least 1, not {n!r}")
    return tuple(map(int, sizes.values()))
