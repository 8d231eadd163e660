"""fit: the training loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from math import isfinite
from time import perf_counter
from typing import Any

import numpy as np

from minigrad.nn import Module
from minigrad.optim import Optimizer, Schedule
from minigrad.training.arguments import whole
from minigrad.training.checkpoint import Checkpoint
from minigrad.training.feed import Batch, Feed, checked_arrays, fingerprint
from minigrad.training.history import History
from minigrad.training.progress import Progress, wanted
from minigrad.training.run import Run
from minigrad.training.step import Loss, Step, check_loss, evaluated, modes_kept


def fit(
    model: Module,
    loss: Loss,
    data: Any,
    optimizer: Optimizer,
    epochs: int,
    *,
    compiled: bool = True,
    callbacks: Iterable[Any] = (),
    batch_size: int | None = None,
    rng: Any = None,
    dev: tuple[Any, ...] | None = None,
    dev_loss: Loss | None = None,
    schedule: Schedule | None = None,
    progress: bool | None = None,
) -> History:
    """Train: for each batch of each epoch an update, such as  w ← w - lr ∂J/∂w,  of  J = loss(model, X, y).

    loss        a function of (model, X, y) that gives the cost J of a batch, penalties included
    data        arrays (X, y), or more or fewer of them; a Dataset, whose dev set is then `dev`; a list of
                batches, each such a tuple; or a function of rng that gives the batches of an epoch
    epochs      how many, in all: of a run that is resumed, those before are counted
    compiled    record the step and replay it (mg.compile); what cannot be is done without, with a warning
    callbacks   functions of the Run, called after each epoch; they may have on_start(run), on_step(run) and
                on_end(run) too.  EarlyStopping and Checkpoint are such
    batch_size  so many examples of the arrays at a time, shuffled for each epoch; None: all, in their order
    rng         draws the order: a Generator, a RandomState or a seed
    dev         arrays on which the cost is found after each epoch, in evaluation mode
    dev_loss    the function for it, if not `loss`: without the penalty, say
    schedule    steps after each epoch
    progress    a bar (tqdm): True, False, or None, where stderr is a terminal
    Returns:    the History, a row for each epoch.  The model is trained in place; its train and eval flags
                are as before
    Raises:     Diverged if a cost or, at the end, a parameter is not finite; the weights are then as the last
                step left them.  TypeError or ValueError for arguments that do not fit, before anything is
                changed.  Every exception that ends the training, also KeyboardInterrupt, has the History so
                far as its attribute `history`.

    >>> from minigrad import data, nn, optim
    >>> field, model = data.side_of_the_field(m=20, m_dev=10), nn.Sequential(nn.Linear(2, 1, rng=0))
    >>> def loss(model, X, y):
    ...     return nn.binary_cross_entropy_with_logits(model(X), y)
    >>> history = fit(model, loss, field, optim.SGD(model.parameters(), lr=0.5), epochs=30)
    >>> len(history), history["dev_cost"][0] > history["dev_cost"][-1]
    (30, True)
    """
    if not isinstance(compiled, bool):
        raise TypeError(f"fit: compiled={compiled!r}; wanted True or False")
    if not isinstance(model, Module):
        raise TypeError(f"fit: model is a {type(model).__name__}; wanted an nn.Module")
    _check_optimizer(model, optimizer, schedule)
    epochs = whole(epochs, who="fit", name="epochs", least=0)
    feed = Feed(data, batch_size=batch_size, rng=rng)
    dev = feed.dev if dev is None else dev
    held_out = None if dev is None else checked_arrays(dev, "dev")
    check_loss(loss, "loss", model, feed.example)
    if held_out is None and dev_loss is not None:
        raise ValueError("fit: dev_loss is for a dev set; give dev=(X_dev, y_dev)")
    dev_loss = loss if dev_loss is None else dev_loss
    check_loss(dev_loss, "dev_loss", model, held_out)
    called = _checked_callbacks(callbacks) + [Progress()] * wanted(progress)
    called.sort(key=lambda callback: isinstance(callback, Checkpoint))  # it saves what the others did
    run = Run(
        model,
        optimizer,
        schedule,
        feed.rng,
        epochs=epochs,
        steps=None if feed.count is None else epochs * feed.count,
        callbacks=called,
        dev=held_out,
        data=lambda: {**feed.describe(), "dev": fingerprint(held_out)},
    )
    step = Step(model, loss, optimizer, compiled=compiled)
    modules = list(model.modules())
    on_step = [callback.on_step for callback in called if hasattr(callback, "on_step")]
    with modes_kept(model), _history_kept(run), ExitStack() as ends:
        try:
            for callback in reversed(called):  # a Checkpoint first: the others see where the run stands
                if hasattr(callback, "on_end"):
                    ends.callback(callback.on_end, run)
                if hasattr(callback, "on_start"):
                    callback.on_start(run)
            model.train()
            while not run.ends:
                began = perf_counter()
                if not all(module.training for module in modules):  # a callback looked at it in eval()
                    model.train()
                row = {"epoch": run.epoch + 1, "cost": _epoch(run, step, feed, on_step)}
                if held_out is not None:
                    row["dev_cost"] = evaluated(model, dev_loss, held_out)
                    if not isfinite(row["dev_cost"]):
                        raise run.diverged("the cost on the dev set is not finite any more")
                row["lr"], row["seconds"] = optimizer.lr, perf_counter() - began
                if schedule is not None:
                    schedule.step()
                run.history.append(row)
                run.epoch += 1
                for callback in called:
                    if callable(callback):
                        callback(run)
            run.check_parameters()
        except BaseException as error:
            run.error = error
            raise
    return run.history


@contextmanager
def _history_kept(run: Run) -> Iterator[None]:
    """Context: an exception has the history as an attribute."""
    try:
        yield
    except BaseException as error:
        error.history = run.history  # type: ignore[attr-defined]
        raise


def _epoch(run: Run, step: Step, feed: Feed, on_step: list[Any]) -> float:
    """Make the steps of an epoch, and give the mean cost of its examples."""
    mean, m = 0.0, 0
    for batch in feed():
        run.cost = step(*batch)
        run.step += 1
        if not isfinite(run.cost):
            raise run.diverged("the cost is not finite any more" + _reason(batch))
        size = batch[0].shape[0] if getattr(batch[0], "shape", ()) else 1
        m += size
        mean += (run.cost - mean) * (size / m)  # of one batch it is its cost, to the bit
        for tell in on_step:
            tell(run)
    if m == 0:
        raise ValueError(f"fit: data gives no batch in epoch {run.epoch + 1}")
    return mean


def _reason(batch: Batch) -> str:
    bad = [
        i
        for i, a in enumerate(batch)
        if getattr(a, "dtype", np.dtype(int)).kind == "f" and not np.isfinite(a).all()
    ]
    return f" (array {bad[0]} of the batch, {batch[bad[0]].shape}, is not finite itself)" if bad else ""


def _check_optimizer(model: Module, optimizer: Any, schedule: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: optimizer is {_kind(optimizer)}; wanted, say, mg.optim.SGD(model.parameters(), lr=0.1)"
        )
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for p in optimizer.parameters):
        raise ValueError(
            "fit: the optimizer has none of the model's parameters; make it with model.parameters()"
        )
    if schedule is not None and not isinstance(schedule, Schedule):
        raise TypeError(
            f"fit: schedule is {_kind(schedule)}; wanted one such as mg.optim.StepLR(optimizer, 10)"
        )
    if schedule is not None and schedule.optimizer is not optimizer:
        raise ValueError("fit: the schedule is of another optimizer; make it with the one that fit is given")


_hooks = ("on_start", "on_step", "on_end")


def _checked_callbacks(callbacks: Any) -> list[Any]:
    if callable(callbacks) or not isinstance(callbacks, Iterable):
        raise TypeError(f"fit: callbacks is {_kind(callbacks)}; wanted a list, callbacks=[...]")
    found = list(callbacks)
    for callback in found:
        if isinstance(callback, type):
            raise TypeError(f"fit: the callback {callback.__name__} is a class; give an instance of it")
        if not callable(callback) and not any(hasattr(callback, hook) for hook in _hooks):
            raise TypeError(
                f"fit: the callback {callback!r} is no function, and has none of {', '.join(_hooks)}"
            )
        if sum(callback is other for other in found) > 1:
            raise ValueError(f"fit: the callback {callback!r} is given twice")
    return found


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
