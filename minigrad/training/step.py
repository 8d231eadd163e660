"""One step, compiled or eager; the cost on the dev set."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from minigrad.compiler import NotReplayable, compile
from minigrad.nn import Module
from minigrad.optim import Optimizer
from minigrad.other_arrays.foreign import is_chunked, is_foreign
from minigrad.reading import describe
from minigrad.recording import no_grad
from minigrad.tensor import Tensor

Loss = Callable[..., Any]


def one_step(model: Module, loss: Loss, optimizer: Optimizer, *batch: Any) -> Tensor:
    """The cost of a batch, its gradients, and an update: what a training loop does."""
    J = loss(model, *batch)
    if not isinstance(J, Tensor) or J.shape != ():
        what = describe(J) if isinstance(J, Tensor) else f"a {type(J).__name__}"
        raise TypeError(f"fit: the loss gives {what}; wanted the cost, a Tensor of one number ()")
    optimizer.zero_grad()
    J.backward()
    optimizer.step()
    return J


class Step:
    """`one_step` as a function of a batch, that gives the cost as a number.

    What cannot be compiled is done by eager from then on, and a warning says why, once.  On other libraries'
    arrays it is done by eager from the start; on lazy ones each step is computed in one pass.
    """

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, *, compiled: bool) -> None:
        self._eager = partial(one_step, model, loss, optimizer)
        self._optimizer = optimizer
        compiled = compiled and not any(is_foreign(p._value) for p in model.parameters())
        self._step: Callable[..., Tensor] = compile(self._eager) if compiled else self._eager

    def __call__(self, *batch: Any) -> float:
        with np.errstate(over="ignore", invalid="ignore"):  # fit says it, once
            try:
                J = self._step(*batch)
                return (self._optimizer.persist(J)[0] if is_chunked(J._value) else J).item()
            except NotReplayable as error:
                if self._step is self._eager:  # something in the loss is compiled
                    raise
                reason = str(error).removeprefix("compile: ")
        warnings.warn(f"fit: the steps are made without compile: {reason}", stacklevel=4)
        self._step = self._eager
        return self(*batch)


def evaluated(
    model: Module, loss: Loss, batch: tuple[Any, ...], *, who: str = "fit: on the dev set the loss"
) -> float:
    """The loss as a number, in evaluation mode and without a graph; the flags are as before afterwards."""
    with modes_kept(model), no_grad(), np.errstate(over="ignore", invalid="ignore"):
        J = loss(model.eval(), *batch)
    if isinstance(J, Tensor) and J.shape == ():
        return float(J.item())
    if isinstance(J, int | float | np.integer | np.floating):
        return float(J)
    what = describe(J) if isinstance(J, Tensor) else f"a {type(J).__name__}"
    raise TypeError(f"{who} gives {what}; wanted one number")


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Context: each module is in training or evaluation mode afterwards as it was before."""
    before = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in before:
            module.training = mode


def check_loss(loss: Any, name: str, model: Module, batch: tuple[Any, ...] | None) -> None:
    """Raise TypeError unless it is a function that takes the model and the arrays of a batch."""
    wanted = "wanted a function of (model, X, y) that gives the cost"
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(f"fit: {name} is {loss!r}; {wanted}")
    if batch is None:
        return
    try:
        taken = signature(loss)
    except (TypeError, ValueError):  # a function that does not tell
        return
    try:
        taken.bind(model, *batch)
    except TypeError:
        called = getattr(loss, "__name__", "<").replace("<lambda>", "<")
        called = name if "<" in called else called
        arrays = "X, y" if len(batch) == 2 else f"{len(batch)} arrays"
        example = f"lambda model, X, y: {called}(model(X), y)"
        raise TypeError(
            f"fit: {name} takes ({', '.join(taken.parameters)}), and is called with (model, {arrays}); "
            f"write, say, {example}"
        ) from None
