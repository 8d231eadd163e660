"""Penalties on the weights, as nodes of the graph."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np

from minigrad.nn.module import Module
from minigrad.reading import describe
from minigrad.tensor import Tensor, constant
from minigrad.watch import watchers, watching


def l2_penalty(
    model_or_parameters: Module | Tensor | Iterable[Tensor], *, lambd: Any, m: Any, biases: bool = False
) -> Tensor:
    """λ/(2m) Σ_l ‖W_l‖²_F,  the L2 regularization cost, equation (2) of docs/l2.md.

    lambd    λ ≥ 0, a number (shown as the named constant "lambd") or a Tensor, which may need a gradient
    m        the number of training examples
    biases   whether parameters that are not decayed by default (decay=False: biases) are penalised too
    Rule:    ∂W = λ/m W
    Raises:  ValueError for a negative λ, an m that is not positive, a weight given twice, or no weights;
             TypeError for what is not a Tensor.

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
    weights: dict[int, Tensor] = {}
    for W in parameters:
        if not isinstance(W, Tensor):
            raise TypeError(
                f"l2_penalty: a {type(W).__name__} is not a Tensor; pass a model, or its parameters"
            )
        if biases or getattr(W, "decay", True):
            if id(W) in weights:
                raise ValueError("l2_penalty: a weight is given twice")
            weights[id(W)] = W
    if not weights:
        raise ValueError(
            "l2_penalty: there is no weight to penalise; pass a model, its parameters, or biases=True"
        )
    lambd = _named_number(lambd, "lambd", "at least 0")
    m = _named_number(m, "m", "greater than 0")
    first, *others = weights.values()
    squares = (first**2).sum()
    for W in others:
        squares = squares + (W**2).sum()
    penalty = lambd / (2 * m) * squares
    penalty.name = "L2"
    return penalty


def _named_number(value: Any, name: str, wanted: str) -> Tensor:
    if type(value) in (int, float) and (value > 0 or (value == 0 and wanted == "at least 0")):
        return constant(value, name=name)
    number = value._value if isinstance(value, Tensor) else value
    if isinstance(value, Tensor) and value.shape:
        raise ValueError(f"l2_penalty: {name} is {describe(value)}; wanted one number")
    if not isinstance(value, Tensor | Real):
        raise ValueError(f"l2_penalty: {name} must be {wanted}, not {value!r}")
    _check_sign(number, name, wanted, value)
    if isinstance(value, Tensor):
        if watchers and (watcher := watching()):
            watcher.checked(value, lambda number: _check_sign(number, name, wanted, number))
        return value
    return constant(number.item() if isinstance(number, np.generic) else number, name=name)


def _check_sign(number: Any, name: str, wanted: str, shown: Any) -> None:
    if not (number >= 0 if wanted == "at least 0" else number > 0):
        raise ValueError(f"l2_penalty: {name} must be {wanted}, not {shown!r}")
