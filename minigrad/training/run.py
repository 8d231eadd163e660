"""Run: a training in progress, what callbacks see and a checkpoint holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.nn import Module
from minigrad.optim import Optimizer, Schedule
from minigrad.random import generator_state, restore_generator
from minigrad.reading import describe
from minigrad.training.history import History


class Diverged(ArithmeticError):  # noqa: N818
    """A cost or a parameter has left the finite numbers: mostly, the learning rate is too large."""


class Run:
    """What a callback is given.

    model, optimizer, schedule, rng, dev   as they were given to fit; None for what was not
    epochs    how many there are to be in all; `epoch` of them are done
    steps     how many there are to be, None if that is not known; `step` of them are done
    cost      of the last step
    history   so far; the newest row is that of the epoch which is just done
    error     what ended the training, if something went wrong; seen by on_end
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        schedule: Schedule | None,
        rng: Any,
        *,
        epochs: int,
        steps: int | None,
        callbacks: list[Any],
        dev: tuple[Any, ...] | None,
        data: Callable[[], dict[str, Any]],
    ) -> None:
        self.model, self.optimizer, self.schedule, self.rng = model, optimizer, schedule, rng
        self.epochs, self.steps = epochs, steps
        self.epoch = self.step = 0
        self.cost = float("nan")
        self.history = History()
        self.error: BaseException | None = None
        self.dev = dev
        self._callbacks = callbacks
        self._describe = data
        self._begun = {"optimizer": optimizer.hyperparameters(), "schedule": _arguments(schedule)}

    def stop(self, why: str) -> None:
        """End the training when all callbacks have been called; history.stopped says why."""
        self.history.stopped = str(why)

    @property
    def ends(self) -> bool:
        """Whether there is no further epoch."""
        return self.epoch >= self.epochs or self.history.stopped is not None

    def check_parameters(self) -> None:
        """Raise Diverged if a parameter is not finite: the last step went too far, and no cost tells yet."""
        bad = [describe(p) for p in self.optimizer.parameters if not np.isfinite(p.data).all()]
        if bad:
            raise self.diverged(f"{', '.join(bad)} {'is' if len(bad) == 1 else 'are'} not finite any more")

    def diverged(self, what: str) -> Diverged:
        """The error for a number that is not finite, with the step, counted from 1."""
        of = "" if self.steps is None else f" of {self.steps}"
        return Diverged(f"{what} at step {self.step}{of}")

    # ---- what a later epoch depends on

    def state_dict(self) -> dict[str, Any]:
        """All that a later epoch depends on, and by what a run is recognized; for mg.save."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self.schedule is None else self.schedule.state_dict(),
            "rng": None if self.rng is None else generator_state(self.rng),
            "epoch": self.epoch,
            "step": self.step,
            "history": list(map(dict, self.history)),
            "callbacks": [(type(c).__name__, c.state_dict()) for c in self._with_state()],
            "begun": deepcopy(self._begun),
            "data": self._described,
        }

    def load_state_dict(self, state: Any) -> None:
        """Take over a state_dict of the same run, or raise ValueError and change nothing."""
        own = self.state_dict()
        try:
            strange = state.keys() != own.keys() or not _counts(state)
            differences = [] if strange else list(self._differences(state, own))
        except (AttributeError, KeyError, TypeError, ValueError):
            strange, differences = True, []
        if strange:
            raise ValueError("it is not the state of a run of fit")
        if differences:
            raise ValueError(f"it is of another run: {'; '.join(differences)}")
        if state["epoch"] > self.epochs:
            raise ValueError(
                f"it has {state['epoch']} epochs already, more than there are to be with epochs={self.epochs}"
            )
        try:
            self._take(state)
        except Exception as error:
            self._take(own)
            raise ValueError(str(error)) from error

    def _take(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            rate = self.optimizer.lr
            self.schedule.load_state_dict(state["schedule"])
            self.optimizer.lr = rate  # a callback may have set another than the schedule's
        if self.rng is not None:
            restore_generator(self.rng, state["rng"])
        for callback, (_, kept) in zip(self._with_state(), state["callbacks"], strict=True):
            callback.load_state_dict(kept)
        self.epoch, self.step = state["epoch"], state["step"]
        self.history = History(map(dict, state["history"]))
        self._begun = deepcopy(state["begun"])

    @cached_property
    def _described(self) -> dict[str, Any]:
        return self._describe()  # a checksum of all the data: once is enough

    def _with_state(self) -> list[Any]:
        return [c for c in self._callbacks if hasattr(c, "state_dict")]

    def _differences(self, state: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
        """What does not fit; a number may be as it was when the run began, or as it has become."""
        if state["optimizer"]["kind"] != own["optimizer"]["kind"]:
            yield f"the optimizer was {state['optimizer']['kind']} and is {own['optimizer']['kind']}"
            return
        now, became = own["optimizer"]["hyperparameters"], state["optimizer"]["hyperparameters"]
        began = state["begun"]["optimizer"]
        for name, value in now.items():
            if value not in (began[name], became[name]):
                yield f"{name} was {began[name]} and is {value}"
        if state["begun"]["schedule"] != own["begun"]["schedule"]:
            was, now = (x["begun"]["schedule"] or {"kind": "none"} for x in (state, own))
            yield f"the schedule was {_words(was)} and is {_words(now)}"
        for name, value in own["data"].items():
            if state["data"].get(name) != value:
                yield f"{name} was {_words(state['data'].get(name))} and is {_words(value)}"
        if (state["rng"] is None) != (own["rng"] is None):
            yield f"rng was {'not ' * (state['rng'] is None)}given"
        was, now = ([name for name, _ in x["callbacks"]] for x in (state, own))
        if was != now:
            yield f"callbacks with a state were {', '.join(was) or 'none'} and are {', '.join(now) or 'none'}"


def _counts(state: Mapping[str, Any]) -> bool:
    """Whether there are as many rows as epochs, and the numbers of epochs and steps are such."""
    whole = all(type(state[name]) is int and state[name] >= 0 for name in ("epoch", "step"))
    rows = state["history"]
    return whole and len(rows) == state["epoch"] and all(isinstance(row, Mapping) for row in rows)


def _arguments(schedule: Schedule | None) -> dict[str, Any] | None:
    """What a schedule was made with."""
    if schedule is None:
        return None
    arguments = {name: value for name, value in schedule.state_dict().items() if name != "count"}
    return {"kind": type(schedule).__name__, **arguments}


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        kind, *rest = value.items()
        return f"{kind[1]}({', '.join(f'{name}={x}' for name, x in rest)})" if rest else str(kind[1])
    return str(value)
