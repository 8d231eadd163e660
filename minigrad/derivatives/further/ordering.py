"""Sorting, and the values that stand at a certain place among the sorted.

Equal elements keep their order, as in a stable sort: each gets the gradient of the place that it comes to,
and shares it with none.  nan is the largest.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.derivatives.further.picking import add_along_axis
from minigrad.derivatives.shapes import inverse
from minigrad.other_arrays.foreign import beside, check_computed
from minigrad.table import composition, derivative, name_of
from minigrad.tensor import answers, plain, primitive
from minigrad.watch import tell


@primitive
def order(a: Any, *, axis: int | None = -1) -> Any:
    """Where the smallest element lies, the next one ...: np.argsort, stable, as an operation of a graph.

    >>> order(np.array([3.0, 1.0, 2.0, 1.0]))
    array([1, 3, 2, 0])
    """
    return np.argsort(a, axis=axis, kind="stable")


derivative(order, a=None)
derivative(np.sort, "a, /, axis=-1, kind=None, order=None, *, stable=None",
           a=lambda g, a, axis: _back(g, a, axis))
derivative(np.partition, "a, /, kth, axis=-1, kind='introselect', order=None",
           a=lambda g, y, a, axis: _back(np.take_along_axis(g, order(y, axis=axis), axis), a, axis))
derivative(np.median, "a, /, axis=None, *, keepdims=False",
           a=lambda g, a, axis: _between(g, a, 0.5, axis, "linear"))
derivative(np.quantile, "a, /, q, axis=None, *, method='linear', keepdims=False",
           a=lambda g, a, q, axis, method: _between(g, a, q, axis, method))
derivative(np.percentile, "a, /, q, axis=None, *, method='linear', keepdims=False",
           a=lambda g, a, q, axis, method: _between(g, a, np.divide(q, 100), axis, method))


def _back(g: Any, a: Any, axis: int | None) -> Any:
    """The gradient of the sorted elements, each where its element was."""
    return add_along_axis(g, order(a, axis=axis), shape=a.shape, axis=axis)


def _between(g: Any, a: Any, q: Any, axis: Any, method: str) -> Any:
    """A quantile lies between two of the sorted elements, and each gets its weight in it."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    to_the_end = (*(i for i in range(a.ndim) if i not in axes), *axes)
    moved = np.transpose(a, to_the_end)
    kept, n = moved.shape[: a.ndim - len(axes)], prod(a.shape[i] for i in axes)
    weights = beside(_weights(q, n, method).astype(a.dtype), a)  # (quantiles, n)
    if len(weights) == 1:
        of_sorted = np.reshape(g, (*kept, 1)) * weights[0]  # (*kept, n)
    else:
        of_sorted = np.moveaxis(np.reshape(g, (len(weights), *kept)), 0, -1) @ weights
    of_moved = _back(of_sorted, np.reshape(moved, (*kept, n)), -1)
    return np.transpose(np.reshape(of_moved, moved.shape), inverse(to_the_end))


def _weights(q: Any, n: int, method: Any) -> Any:
    """How much each of n sorted elements counts in each quantile; that of 0, 1, 2 ... is its place."""
    places = np.quantile(np.arange(float(n)), q, method=method) if n else np.zeros(np.shape(q))
    return np.maximum(0, 1 - np.abs(np.reshape(places, (-1, 1)) - np.arange(n)))


@composition(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
) -> Any:
    """The first of equal elements gets their gradient."""
    tell("refuse_function", name_of(np.unique))
    check_computed(ar)
    wanted: Any = True, return_inverse, return_counts, axis
    _, first, *rest = np.unique(plain(ar), *wanted, equal_nan=equal_nan)
    found = (np.take(ar, first, axis), *[first] * return_index, *rest)
    return found if len(found) > 1 else found[0]


answers.update((np.argpartition, np.digitize, np.lexsort, np.searchsorted))
