"""What is asked for: the gradients of which loss, with respect to what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.program import Program
from minigrad.reading import describe
from minigrad.table import table
from minigrad.tensor import Tensor


def checked(loss: Any, who: str) -> Program:
    """The program of a loss that can be split; `who` says so if it cannot."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"{who}: the loss must be a Tensor, not {type(loss).__name__}")
    if loss.size != 1:
        raise ValueError(f"{who}: {describe(loss)} is not a scalar; reduce it (np.sum, np.mean)")
    forward = Program(loss, {loss: "J"})
    if forward.stale:
        raise RuntimeError(
            f"{who}: {describe(forward.stale[0].tensor)} was assigned to after the loss had used it: the "
            "graph is stale; compute the loss again"
        )
    return forward


def wanted_of(loss: Tensor, wrt: Any, who: str) -> list[Tensor]:
    """What a loss is to be differentiated with respect to, each value once; `who` says so if it cannot be."""
    if wrt is None:
        reached = _reached(loss)
        wanted = [leaf.tensor for leaf in Program(loss).leaves if leaf.tensor.stamp in reached]
    elif isinstance(wrt, Tensor):
        wanted = [wrt]
    elif callable(getattr(wrt, "parameters", None)):
        wanted = [p for p in wrt.parameters() if p.requires_grad]
    elif isinstance(wrt, Mapping):
        wanted = list(wrt.values())
    elif isinstance(wrt, Iterable) and not isinstance(wrt, str | np.ndarray):
        wanted = list(wrt)
    else:
        raise TypeError(f"{who}: wrt= takes a Tensor, several, or a model, not {_a(wrt)}")
    for x in wanted:
        if not isinstance(x, Tensor):
            raise TypeError(f"{who}: wrt= takes a Tensor, several, or a model, not {_a(x)} among them")
    if not wanted and wrt is not None:
        raise ValueError(f"{who}: wrt= is empty, or a model of which no parameter is trained")
    if not wanted or not loss.requires_grad:
        raise ValueError(f"{who}: {name_of_loss(loss)} does not depend on anything that needs a gradient")
    return list({x.stamp: x for x in wanted}.values())


def _reached(loss: Tensor) -> set[int]:
    """Stamps of what a gradient flows to: none through a comparison, as to the bias behind a relu's slope."""
    found, stamps = [loss], {loss.stamp}
    for tensor in found:  # grows while it is read
        if tensor.function is None:
            continue
        row = table[tensor.function]
        for i, x in enumerate(tensor.inputs):
            passes = row.many or row.rules[i] is not None
            if isinstance(x, Tensor) and x.requires_grad and passes and x.stamp not in stamps:
                stamps.add(x.stamp)
                found.append(x)
    return stamps if loss.requires_grad else set()


def name_of_loss(loss: Tensor) -> str:
    """The loss as a message calls it."""
    return describe(loss) if loss.name else "the loss"


def _a(x: Any) -> str:
    kind = type(x).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
