"""minigrad's own functions: what NumPy has no function for, or what stability demands; each with its row.

They take arrays or Tensors.  Everything else is composed of NumPy's functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.derivatives.reductions import keep_axes
from minigrad.table import derivative
from minigrad.tensor import primitive

__all__ = ["log_softmax", "logsumexp", "relu", "sigmoid", "softmax", "softplus"]


@primitive
def relu(x: Any) -> Any:
    """The rectifier  y = max(x, 0);  its derivative at 0 is 0.

    >>> relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    """
    return np.maximum(x, 0)


derivative(relu, x=lambda g, x: g * (x > 0), elementwise=True)


@primitive
def sigmoid(x: Any) -> Any:
    """The logistic function  y = 1 / (1 + e⁻ˣ), without overflow and exact in relative terms for any x.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    e = np.exp(np.minimum(x, -x))  # e^-|x|, in a form that the complex step can follow
    return np.exp(np.minimum(x, 0)) / (1 + e)


derivative(sigmoid, x=lambda g, y: g * (y * (1 - y)), elementwise=True)


@primitive
def softplus(x: Any) -> Any:
    """y = log(1 + eˣ), without overflow; its derivative is the sigmoid.

    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    """
    return np.maximum(x, 0) + np.log1p(np.exp(np.minimum(x, -x)))


derivative(softplus, x=lambda g, x: g * sigmoid(x), elementwise=True)


@primitive
def logsumexp(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    """y = log Σ eˣ along the axis, without overflow: the largest x is taken out first.

    >>> float(logsumexp(np.array([1000.0, 1000.0])).round(4))
    1000.6931
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    y = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis=axis)


derivative(
    logsumexp,
    x=lambda g, x, y, axis, keepdims: keep_axes(g, axis, keepdims) * np.exp(x - keep_axes(y, axis, keepdims)),
)


@primitive
def log_softmax(x: Any, *, axis: Any = -1) -> Any:
    """y = x - log Σ eˣ along the axis: the logarithm of softmax, finite for any finite x.

    >>> log_softmax(np.array([0.0, -1000.0]))
    array([    0., -1000.])
    """
    z = x - np.max(x, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


derivative(log_softmax, x=lambda g, y, axis: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))


@primitive
def softmax(x: Any, *, axis: Any = -1) -> Any:
    """y = eˣ / Σ eˣ along the axis: positive, and its sum is 1.

    >>> softmax(np.array([0.0, 0.0]))
    array([0.5, 0.5])
    """
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


derivative(softmax, x=lambda g, y, axis: y * (g - np.sum(g * y, axis=axis, keepdims=True)))


@primitive
def cross_entropy_of_logit(z: Any, target: Any) -> Any:
    """-(t log σ(z) + (1-t) log(1-σ(z))) per element, as  softplus(z) - t z,  finite for any finite z."""
    return np.maximum(z, 0) - target * z + np.log1p(np.exp(np.minimum(z, -z)))


# fmt: off
derivative(cross_entropy_of_logit, elementwise=True,
           z=lambda g, z, target: g * (sigmoid(z) - target),
           target=lambda g, z: -g * z)
# fmt: on


@primitive
def cross_entropy_of_probability(a: Any, target: Any) -> Any:
    """-(t log a + (1-t) log(1-a)) per element, with a and 1-a kept from below at ε, the dtype's precision.

    The derivative is kept finite in the same way, (1-t)/max(1-a, ε) - t/max(a, ε): it does not vanish where
    the probability is saturated, so a saturated mistake still points the right way.
    """
    low = _precision(a)
    return -(target * np.log(np.maximum(a, low)) + (1 - target) * np.log(np.maximum(1 - a, low)))


# fmt: off
derivative(cross_entropy_of_probability, elementwise=True,
           a=lambda g, a, target: g * ((1 - target) / np.maximum(1 - a, _precision(a))
                                       - target / np.maximum(a, _precision(a))),
           target=lambda g, a: g * (np.log(np.maximum(1 - a, _precision(a)))
                                    - np.log(np.maximum(a, _precision(a)))))
# fmt: on


def _precision(a: Any) -> float:
    return float(np.finfo(np.result_type(a, 0.0)).eps)
