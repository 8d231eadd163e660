"""Sums, means, deviations, extremes.

max and min share the gradient among ties; std has none where all are equal.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from minigrad.derivatives.complex_numbers import conj
from minigrad.derivatives.shapes import inverse, method_of
from minigrad.table import composition, derivative
from minigrad.tensor import Tensor, constant

derivative(np.sum,  "a, /, axis=None, *, keepdims=False",
           a=lambda g, axis, keepdims: keep_axes(g, axis, keepdims), linear=True,
           compute=lambda a, axis, keepdims: method_of(a).sum(axis=axis, keepdims=keepdims))
derivative(np.mean, "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g / _count(a, y, axis), axis, keepdims), linear=True,
           compute=lambda a, axis, keepdims: method_of(a).mean(axis=axis, keepdims=keepdims))
derivative(np.var,  "a, /, axis=None, *, ddof=0, keepdims=False",
           a=lambda g, y, a, axis, ddof, keepdims: keep_axes(2 * g, axis, keepdims)
                                                   * _centred(a, y, axis, ddof))
derivative(np.std,  "a, /, axis=None, *, ddof=0, keepdims=False",
           a=lambda g, y, a, axis, ddof, keepdims: keep_axes(_over(g, y, a, axis, keepdims), axis, keepdims)
                                                   * _centred(a, y, axis, ddof))
derivative(np.max,  "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g, axis, keepdims) * _share(a, y, axis, keepdims))
derivative(np.min,  "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g, axis, keepdims) * _share(a, y, axis, keepdims))
derivative(np.prod, "a, /, axis=None, *, keepdims=False",
           a=lambda g, a, axis, keepdims: keep_axes(g, axis, keepdims) * _product_of_others(a, axis))

composition(np.amax)(lambda *args, **kwargs: np.max(*args, **kwargs))
composition(np.amin)(lambda *args, **kwargs: np.min(*args, **kwargs))


def keep_axes(g: Any, axis: Any, keepdims: bool) -> Any:
    """g with the reduced axes put back as axes of length 1 (one value for all needs none)."""
    return g if keepdims or axis is None else np.expand_dims(g, axis)


def _count(a: Any, y: Any, axis: Any) -> Any:
    """How many elements of a went into each element of y; in a graph, the number of examples is called m."""
    n, axes = a.size // max(y.size, 1), range(a.ndim) if axis is None else np.atleast_1d(axis) % a.ndim
    rows = a.shape[0] if n and isinstance(a, Tensor) and 0 in axes else 0
    return n if not rows else constant(n, "m") if n == rows else n // rows * constant(rows, "m")


def _centred(a: Any, y: Any, axis: Any, ddof: int) -> Any:
    return conj(a - np.mean(a, axis=axis, keepdims=True)) / (_count(a, y, axis) - ddof)


def _over(g: Any, y: Any, a: Any, axis: Any, keepdims: bool) -> Any:
    """g / y, and 0 where all are equal: there the deviation y is 0, or rounding."""
    return g / np.where(none_differ(a, axis, keepdims), np.inf, y)


def none_differ(a: Any, axis: Any, keepdims: bool, where: Any = True) -> Any:
    """Whether all that are counted are equal, along the axis."""
    if not a.size:
        return False
    low, high = (a, a) if where is True else (np.where(where, a, np.inf), np.where(where, a, -np.inf))
    return np.min(low, axis=axis, keepdims=keepdims) == np.max(high, axis=axis, keepdims=keepdims)


def _share(a: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """1 / (number of ties) where a is the extreme value, 0 elsewhere."""
    hits = (a == keep_axes(y, axis, keepdims)).astype(a.dtype)
    return hits / np.sum(hits, axis=axis, keepdims=True)


def _product_of_others(a: Any, axis: Any) -> Any:
    """Π over the other elements along the axis; right where elements are 0, since nothing is divided."""
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = [i % a.ndim for i in axes]
    order = (*reduced, *(i for i in range(a.ndim) if i not in reduced))
    moved = np.transpose(a, order)
    rest = moved.shape[len(reduced) :]
    others = _others(np.reshape(moved, (prod(moved.shape[: len(reduced)]), *rest)))
    return np.transpose(np.reshape(others, moved.shape), inverse(order))


def _others(a: Any) -> Any:
    """Along axis 0: pair neighbours, take the products of the other pairs, and give each its partner back."""
    n = a.shape[0]
    if n < 2:
        return np.ones_like(a)
    if n % 2:
        return _others(np.concatenate([a, np.ones_like(a[:1])]))[:n]
    left, right = a[0::2], a[1::2]
    pairs = _others(left * right)
    return np.reshape(np.stack([pairs * right, pairs * left], axis=1), a.shape)
