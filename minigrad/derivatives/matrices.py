"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import alike
from minigrad.table import composition, derivative

derivative(np.matmul, a=lambda g, a, b: _matmul_a(g, a, b),               # g bᵀ
                      b=lambda g, a, b: _matmul_b(g, a, b), linear=True)  # aᵀ g, formed as (gᵀ a)ᵀ


@composition(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(alike(a, b), alike(b, a))
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    n = np.ndim(b)
    columns = (*np.shape(b)[:-2], np.shape(b)[-1])
    b = np.reshape(np.transpose(b, (n - 2, *range(n - 2), n - 1)), (np.shape(b)[-2], -1))
    return np.reshape(np.matmul(a, b), np.shape(a)[:-1] + columns)


@composition(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@composition(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any) -> Any:
    return np.transpose(x) if np.ndim(x) == 2 else np.swapaxes(x, -1, -2)


def mT(x: Any) -> Any:
    """The transpose of the last two axes."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


def _matmul_a(g: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g * b if a.ndim == 1 else np.expand_dims(g, -1) * b  # (..., n, 1) (k,)
    if a.ndim == 1:
        return b @ g if b.ndim == 2 else (b @ np.expand_dims(g, -1))[..., 0]  # (..., k)
    return g @ mT(b)


def _matmul_b(g: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return g * a if b.ndim == 1 else np.expand_dims(a, -1) * np.expand_dims(g, -2)  # (k, 1) (..., 1, n)
    if b.ndim == 1:
        return g @ a if a.ndim == 2 else np.expand_dims(g, -1) * a  # (..., n, k)
    return mT(mT(g) @ a)  # not aᵀ g: a transposed weight then has its gradient in its own memory order
