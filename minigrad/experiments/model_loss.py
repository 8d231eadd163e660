"""A loss for somebody's model, which has none: its cost on a few generic examples."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import nn
from minigrad.experiments.output import Refused
from minigrad.tensor import Tensor

_m = 7
"""How many examples: not 1, which hides every 1/m."""


def model_loss(model: nn.Module, address: str) -> Tensor:
    """The cross-entropy of a model on 7 examples drawn at random; of probabilities, where it ends in them.

    The examples have as many inputs as the model's first Linear layer; with one output the labels are 0 and
    1, with more they are classes.

    Raises:  Refused, with one sentence for the user, for a model without a Linear layer, or with outputs that
             are not (m, k).

    >>> model_loss(nn.Sequential(nn.Linear(2, 1, rng=0)), "net:model").name
    'cross_entropy'
    """
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Linear)), None)
    if first is None:
        raise Refused(
            f"{address} is a model without a Linear layer, so its inputs are not known: return its loss on "
            "some examples"
        )
    rng = np.random.default_rng(0)
    output = model(Tensor(rng.standard_normal((_m, first.n_in)), name="X"))
    if not isinstance(output, Tensor) or output.ndim != 2 or len(output) != _m:
        shape = getattr(output, "shape", type(output).__name__)
        raise Refused(
            f"{address} gives {shape} for {_m} examples, and not ({_m}, k): return its loss on some examples"
        )
    return _cost(output, _last(model), rng)


def _cost(output: Tensor, last: Any, rng: np.random.Generator) -> Tensor:
    k = output.shape[1]
    if k == 1:
        labels = (rng.random((_m, 1)) < 0.5).astype(output.dtype)
        if isinstance(last, nn.Sigmoid):
            return nn.binary_cross_entropy(output, labels)
        return nn.binary_cross_entropy_with_logits(output, labels)
    classes = rng.integers(0, k, _m)
    if isinstance(last, nn.Softmax | nn.LogSoftmax):
        Y = Tensor(np.eye(k, dtype=output.dtype)[classes], name="Y")
        cost = -np.mean(np.sum(Y * (np.log(output) if isinstance(last, nn.Softmax) else output), axis=1))
        cost.name = "cross_entropy"
        return cost
    return nn.cross_entropy(output, classes)


def _last(model: nn.Module) -> nn.Module:
    """The innermost module that comes last."""
    children = [child for _, child in model.named_children()]
    return _last(children[-1]) if children else model
