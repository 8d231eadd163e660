"""Averages with weights, ranges, covariances."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.derivatives.complex_numbers import conj
from minigrad.derivatives.shapes import method_of
from minigrad.other_arrays.foreign import alike, beside, is_chunked, to_numpy
from minigrad.table import composition
from minigrad.tensor import fixed, plain
from minigrad.watch import watching


@composition(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composition(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Σ w a / Σ w."""
    a = method_of(a)
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keepdims)
        total: Any = np.asarray(a.size / max(y.size, 1), y.dtype)
    else:
        a = a.astype(float) if a.dtype.kind in "biu" else a
        w = _beside(a, axis, alike(weights, a))
        dtype = np.result_type(a.dtype, w.dtype)
        w = w if w.dtype == dtype else w.astype(dtype)
        total = np.sum(w, axis=axis, keepdims=keepdims)
        if watching() is None and not is_chunked(plain(total)) and np.any(total == 0):
            raise ZeroDivisionError("np.average: the weights add up to 0")
        y = np.sum(a * w, axis=axis, keepdims=keepdims) / total
    return (y, np.broadcast_to(total, y.shape)) if returned else y


def _beside(a: Any, axis: Any, weights: Any) -> Any:
    """Weights of a's shape, or of the averaged axes alone, in a shape that broadcasts with a."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError(f"np.average: weights of shape {weights.shape} for {a.shape} need an axis")
    axes = normalize_axis_tuple(axis, a.ndim)
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ValueError(f"weights of shape {weights.shape} do not fit the axes {axes} of {a.shape}")
    if len(axes) > 1:
        weights = np.transpose(weights, np.argsort(axes).tolist())
    return np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(a.shape)])


@composition(np.cov)
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """The deviations from the means, multiplied for each pair of variables:  D Dᵀ / (n - ddof)."""
    parts = [_rows(variables, rowvar, dtype) for variables in (m, y) if variables is not None]
    x = parts[0] if y is None else np.concatenate(parts)
    f = None if fweights is None else to_numpy(fixed(fweights))
    a = None if aweights is None else np.asarray(to_numpy(fixed(aweights)), float)
    np.cov(np.zeros((1, 1)) if f is a is None else np.zeros((1, x.shape[1])), ddof=0, fweights=f, aweights=a)
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"ddof={ddof} must be a whole number")
    w = f if a is None else a if f is None else f * a
    mean = np.average(x, axis=1, weights=None if w is None else beside(w, x))
    ddof = int(not bias) if ddof is None else ddof
    n = x.shape[1] if w is None else np.sum(w)
    if ddof and a is not None:
        ddof = ddof * np.sum(w * a) / n
    d = x - np.expand_dims(mean, 1)
    d_w = d if w is None else d * beside(w, d)
    c = d @ np.transpose(conj(d_w)) * float(np.true_divide(1, max(n - ddof, 0.0)))
    return np.squeeze(c) if len(x) == 1 else c


def _rows(m: Any, rowvar: bool, dtype: Any = None) -> Any:
    """The variables as rows; in double precision, as NumPy has them, unless a dtype is given."""
    m = method_of(m)
    if m.ndim > 2:
        raise ValueError(f"variables of shape {m.shape}; wanted one or two axes")
    dtype = dtype or (m.dtype if m.dtype.kind == "c" else float)
    m = m if m.dtype == dtype else m.astype(dtype)
    if m.ndim < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar else m.T


@composition(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """The covariances over the deviations of both variables, which are not more than 1."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    is_complex = c.dtype.kind == "c"
    s = np.sqrt(np.diag(np.real(c) if is_complex else c))
    r = c / np.expand_dims(s, 1) / np.expand_dims(s, 0)
    return np.clip(np.real(r), -1, 1) + 1j * np.clip(np.imag(r), -1, 1) if is_complex else np.clip(r, -1, 1)
