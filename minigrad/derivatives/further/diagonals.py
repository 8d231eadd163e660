"""Diagonals of matrices, and the triangles beside them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.derivatives.indexing import scatter_add
from minigrad.other_arrays.foreign import beside
from minigrad.table import composition
from minigrad.tensor import answers


@composition(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    axes = normalize_axis_tuple((axis1, axis2), a.ndim)
    rows, columns = (a.shape[i] for i in axes)
    if axes != (a.ndim - 2, a.ndim - 1):
        a = np.moveaxis(a, axes, (-2, -1))
    i = np.arange(max(0, min(rows + min(offset, 0), columns - max(offset, 0))))
    index = i + max(-offset, 0), i + max(offset, 0)
    return a[index if a.ndim == 2 else (..., *index)]


@composition(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


@composition(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim not in (1, 2):
        raise ValueError(f"np.diag: an array of {v.ndim} axes; it takes one, or two (np.diagonal takes more)")
    if v.ndim == 2:
        return np.diagonal(v, k)
    i, n = np.arange(len(v)), len(v) + abs(k)
    return scatter_add(v, index=(i + max(-k, 0), i + max(k, 0)), shape=(n, n))


@composition(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


@composition(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return np.where(_below(m, k), m, False if m.dtype == bool else 0)


@composition(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return np.where(_below(m, k - 1), False if m.dtype == bool else 0, m)


def _below(m: Any, k: int) -> Any:
    """Where the diagonal number k of each matrix is, and what is below it."""
    shape = m.shape[-2:]
    return beside(np.tri(shape[0], shape[-1], k, dtype=bool), m)


answers.update((np.diag_indices_from, np.tril_indices_from, np.triu_indices_from))
