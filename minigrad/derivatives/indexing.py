"""a[index], and its transpose, which adds what was taken."""

from __future__ import annotations

import operator
from types import EllipsisType
from typing import Any

import numpy as np

from minigrad.other_arrays import indexing as foreign
from minigrad.other_arrays.foreign import is_foreign
from minigrad.table import derivative
from minigrad.tensor import primitive


@primitive
def scatter_add(values: Any, *, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of this shape with the values added at index, repeated or not: the transpose of a[index]."""
    if is_foreign(values):
        return foreign.scatter(values, index, shape)
    y = np.zeros_like(values, shape=shape)
    if _may_repeat(index):
        np.add.at(y, index, values)
    else:
        y[index] = values
    return y


derivative(operator.getitem, "a, /, index", a=lambda g, a, index: scatter_add(g, index=index, shape=a.shape),
           compute=foreign.take, linear=True)
derivative(scatter_add, values=lambda g, index: foreign.take(g, index), linear=True)


def _may_repeat(index: Any) -> bool:
    """Whether an index can name one place twice: only arrays and sequences of integers can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(
        (part if hasattr(part, "dtype") else np.asarray(part)).dtype.kind in "iu"
        for part in parts
        if not isinstance(part, int | np.integer | slice | EllipsisType | None)
    )
