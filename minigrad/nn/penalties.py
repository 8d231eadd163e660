"""Penalties on the weights, as nodes of the graph."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np

from minigrad.nn.module import Module
from minigrad.tensor import Tensor, constant


def l2_penalty(
    model_or_parameters: Module | Tensor | Iterable[Tensor], *, lambd: Any, m: Any, biases: bool = False
) -> Tensor:
    """λ/(2m) Σ_l ‖W_l‖²_F,  the L2 regularization cost of the notes' equation (2).

    lambd    λ ≥ 0, a number (shown as the named constant "lambd") or a Tensor, which may need a gradient
    m        the number of training examples
    biases   whether parameters that are not decayed by default (decay=False: biases) are penalised too
    Rule:    ∂W = λ/m W
    Raises:  ValueError for a negative λ, an m that is not positive, or if there is nothing to penalise.

    >>> W = Tensor([[3.0, 4.0]], requires_grad=True, name="W")
    >>> penalty = l2_penalty([W], lambd=0.5, m=5); penalty.backward(); penalty.item(), W.grad
    (1.25, Tensor([[0.3, 0.4]]))
    """
    if isinstance(model_or_parameters, Module):
        parameters: list[Tensor] = list(model_or_parameters.parameters())
    elif isinstance(model_or_parameters, Tensor):
        parameters = [model_or_parameters]
    else:
        parameters = list(model_or_parameters)
    weights = [W for W in parameters if biases or getattr(W, "decay", True)]
    if not weights:
        raise ValueError("l2_penalty: there is no weight to penalise; pass a model, its parameters, or biases=True")
    lambd = _named_number(lambd, "lambd", at_least_zero=True)
    m = _named_number(m, "m", at_least_zero=False)
    squares = np.sum(np.square(weights[0]))
    for W in weights[1:]:
        squares = squares + np.sum(np.square(W))
    return lambd / (2 * m) * squares


def _named_number(value: Any, name: str, at_least_zero: bool) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, Number) or isinstance(value, complex) or not (value >= 0 if at_least_zero else value > 0):
        raise ValueError(f"l2_penalty: {name} must be {'at least' if at_least_zero else 'greater than'} 0, not {value!r}")
    return constant(value.item() if isinstance(value, np.generic) else value, name=name)
