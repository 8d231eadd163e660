"""Reductions and running sums that skip nan: where the array is nan, its gradient is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.derivatives.further.keywords import cast
from minigrad.derivatives.reductions import keep_axes, none_differ
from minigrad.derivatives.shapes import method_of
from minigrad.other_arrays.foreign import alike
from minigrad.table import composition, derivative
from minigrad.tensor import answers, primitive
from minigrad.watch import watching

derivative(np.nanmax, "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g, axis, keepdims) * _share(a, y, axis, keepdims))
derivative(np.nanmin, "a, /, axis=None, *, keepdims=False",
           a=lambda g, y, a, axis, keepdims: keep_axes(g, axis, keepdims) * _share(a, y, axis, keepdims))
answers.update((np.nanargmax, np.nanargmin))


@composition(np.nansum)
def _nansum(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.sum(_without_nan(a, 0), axis=axis, keepdims=keepdims)


@composition(np.nanprod)
def _nanprod(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.prod(_without_nan(a, 1), axis=axis, keepdims=keepdims)


@composition(np.nancumsum)
def _nancumsum(a: Any, axis: int | None = None) -> Any:
    return np.cumsum(_without_nan(a, 0), axis=axis)


@composition(np.nancumprod)
def _nancumprod(a: Any, axis: int | None = None) -> Any:
    return np.cumprod(_without_nan(a, 1), axis=axis)


@composition(np.nanmean)
def _nanmean(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.sum(_without_nan(a, 0), axis=axis, keepdims=keepdims) / _count(a, axis, keepdims)


@composition(np.nanvar)
def _nanvar(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    centred = _without_nan(a, 0, a - np.nanmean(a, axis=axis, keepdims=True))
    squares = np.real(centred * np.conjugate(centred)) if a.dtype.kind == "c" else np.square(centred)
    return np.sum(squares, axis=axis, keepdims=keepdims) / _count(a, axis, keepdims, ddof)


@composition(np.nanstd)
def _nanstd(a: Any, axis: Any = None, *, ddof: int = 0, keepdims: bool = False) -> Any:
    """√ of the variance, without a slope where all are equal, as np.std."""
    variance = np.nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims)
    flat = none_differ(a, axis, keepdims, np.logical_not(np.isnan(a)))
    flat = np.logical_and(flat, np.logical_not(np.isnan(variance)))  # too few, or all of them inf
    return np.where(flat, 0, np.sqrt(np.where(flat, 1, variance)))


# ---- order statistics


@composition(np.nanmedian)
def _nanmedian(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return _nanquantile(a, 0.5, axis, keepdims=keepdims)


@composition(np.nanpercentile)
def _nanpercentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    return _nanquantile(a, np.divide(q, 100), axis, method=method, keepdims=keepdims)


@composition(np.nanquantile)
def _nanquantile(a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """Σ wₖ aₖ: an element counts the more, the nearer its rank is to the place of the quantile."""
    if method not in _places:
        raise ValueError(f"method={method!r} must be one of {', '.join(_places)}")
    if a.dtype.kind == "c":
        raise TypeError("np.nanquantile: complex numbers have no order")
    if watching() is None and not np.all(np.absolute(np.subtract(q, 0.5)) <= 0.5):  # a replay does not ask
        raise ValueError("np.nanquantile: q must be from 0 to 1")
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    kept = [i for i in range(a.ndim) if i not in axes]
    rows = np.reshape(np.transpose(a, (*kept, *axes)), (*(a.shape[i] for i in kept), -1))
    rows = rows if a.dtype.kind == "f" else rows.astype(float)
    if method not in _whole and not isinstance(q, int | float):
        rows = cast(rows, np.result_type(rows.dtype, method_of(q).dtype))
    n = np.sum(np.logical_not(np.isnan(rows)), axis=-1, keepdims=True)
    q = alike(q, rows)
    q = np.reshape(q, (*q.shape, *(1,) * rows.ndim))
    place = _places[method](n.astype(rows.dtype), q)
    weights = np.maximum(1 - np.absolute(np.clip(place, 0, n - 1) - rank(rows)), 0).astype(rows.dtype)
    y = np.sum(weights * np.where(weights > 0, rows, 0), axis=-1)
    y = np.where(n[..., 0] > 0, y, np.nan)
    return np.expand_dims(y, [y.ndim - len(kept) + i for i in sorted(axes)]) if keepdims else y


_places: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "midpoint": lambda n, q: (np.floor((n - 1) * q) + np.ceil((n - 1) * q)) / 2,
    "nearest": lambda n, q: np.round((n - 1) * q),
    "inverted_cdf": lambda n, q: np.ceil(n * q - 1),
    "averaged_inverted_cdf": lambda n, q: (np.floor(n * q) + np.ceil(n * q - 1)) / 2,
    "closest_observation": lambda n, q: np.round(n * q) - 1,
    "interpolated_inverted_cdf": lambda n, q: n * q - 1,
    "hazen": lambda n, q: n * q - 1 / 2,
    "weibull": lambda n, q: (n + 1) * q - 1,
    "median_unbiased": lambda n, q: (n + 1 / 3) * q - 2 / 3,
    "normal_unbiased": lambda n, q: (n + 1 / 4) * q - 5 / 8,
}
"""Where the quantile is among the places 0 ... n - 1, by method: Hyndman and Fan 1996, and NumPy's own."""


_whole = {"lower", "higher", "nearest", "inverted_cdf", "closest_observation"}
"""Those that give an element as it is."""


@primitive
def rank(a: Any) -> Any:
    """How many elements along the last axis are smaller, or equal and before it; nan comes last."""
    return np.argsort(np.argsort(a, axis=-1, kind="stable"), axis=-1, kind="stable")


derivative(rank, a=None)


def _without_nan(a: Any, value: float, of_a: Any = None) -> Any:
    """a, or what was made of it, with this value where a is nan."""
    of_a = a if of_a is None else of_a
    return np.where(np.isnan(a), value, of_a) if a.dtype.kind in "fc" else of_a


def _count(a: Any, axis: Any, keepdims: bool, ddof: int = 0) -> Any:
    """How many numbers there are along the axis, less ddof; nan where that leaves none."""
    n = np.sum(np.logical_not(np.isnan(a)), axis=axis, keepdims=keepdims)
    n = n.astype(np.zeros(0, a.dtype).real.dtype if a.dtype.kind in "fc" else float) - ddof
    return np.where(n > 0, n, np.nan)


def _share(a: Any, y: Any, axis: Any, keepdims: bool) -> Any:
    """1 / (number of ties) where a is the extreme value, which a nan never is; 0 elsewhere."""
    hits = (a == keep_axes(y, axis, keepdims)).astype(a.dtype)
    return hits / np.maximum(np.sum(hits, axis=axis, keepdims=True), 1)
