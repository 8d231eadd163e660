"""Initial weights from an explicit generator, (n_out, n_in) or, for a filter, (n_out, n_in, *kernel_size).

What meets one output of a filter counts as its inputs, what one input meets as its outputs: both times the
size of the kernel.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np

from minigrad.random import generator


def he_normal(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """W ~ N(0, 2/n_in): keeps the variance of activations through ReLU layers.

    Source:  He et al. 2015, equation (10).

    >>> he_normal(0, (3, 2)).shape
    (3, 2)
    """
    return generator(rng, "he_normal").standard_normal(shape) * sqrt(2 / _n_in(shape))


def he_uniform(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """W ~ U(-a, a) with a = √(6/n_in): the variance of he_normal.  Source:  He et al. 2015."""
    a = sqrt(6 / _n_in(shape))
    return generator(rng, "he_uniform").uniform(-a, a, shape)


def xavier_normal(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """W ~ N(0, 2/(n_in + n_out)): keeps the variance forwards and backwards, for tanh and sigmoid.

    Source:  Glorot and Bengio 2010, equation (12).
    """
    return generator(rng, "xavier_normal").standard_normal(shape) * sqrt(2 / (_n_in(shape) + _n_out(shape)))


def xavier_uniform(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """W ~ U(-a, a) with a = √(6/(n_in + n_out)).  Source:  Glorot and Bengio 2010, equation (16)."""
    a = sqrt(6 / (_n_in(shape) + _n_out(shape)))
    return generator(rng, "xavier_uniform").uniform(-a, a, shape)


def zeros(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """W = 0; for biases.  (As weights of a hidden layer zeros keep all its neurons alike.)"""
    return np.zeros(shape)


glorot_normal, glorot_uniform = xavier_normal, xavier_uniform


def _n_in(shape: tuple[int, ...]) -> int:
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(
            f"an initial weight has the shape (n_out, n_in, *kernel_size), all at least 1, not {shape}"
        )
    return prod(shape[1:])


def _n_out(shape: tuple[int, ...]) -> int:
    return shape[0] * prod(shape[2:])
