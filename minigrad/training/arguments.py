"""Numbers among the arguments."""

from math import inf
from typing import Any

import numpy as np


def whole(value: Any, *, who: str, name: str, least: int) -> int:
    """The value as an int.

    Raises:  ValueError unless it is a whole number of at least so much.

    >>> whole(np.int64(3), who="fit", name="epochs", least=0)
    3
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{who}: {name}={value!r}; wanted a whole number, {least} or more")
    return int(value)


def not_negative(value: Any, *, who: str, name: str) -> float:
    """The value as a float.

    Raises:  ValueError unless it is a finite number ≥ 0.

    >>> not_negative(1, who="EarlyStopping", name="min_delta")
    1.0
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not 0 <= value < inf:
        raise ValueError(f"{who}: {name}={value!r}; wanted a number ≥ 0")
    return float(value)
