"""One training of a sweep: a cell with a seed, on one part of the data."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from traceback import format_exc
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from minigrad.experiments.sweep.build import Build, arguments
from minigrad.experiments.sweep.grid import Cell, described
from minigrad.experiments.sweep.measures import Measures
from minigrad.experiments.sweep.sending import Sent, Shared
from minigrad.nn import Module
from minigrad.training import Diverged, fit
from minigrad.training.step import evaluated


@dataclass(frozen=True)
class Run:
    """A cell with a seed, and the fold that is held out; None for a dev set."""

    cell: Cell
    seed: int
    fold: int | None

    def __str__(self) -> str:
        fold = "" if self.fold is None else f", fold {self.fold}"
        return f"{described(self.cell)}, seed={self.seed}{fold}"


@dataclass(frozen=True)
class Failure:
    """Why a run has no numbers: an exception as a line, since not every one can be sent between processes.

    exits  it was sys.exit, called by what is built, or by whoever handles a signal
    """

    reason: str
    traceback: str
    exits: bool = False


class NotHere:
    """A machine does not see the file with the examples."""


Outcome = tuple[float, ...] | Failure | NotHere
"""Of each measure the number on the training examples and that on those held out."""


def outcome(build: Build, run: Run, examples: Shared | Sent, measures: Measures) -> Outcome:
    """Train and measure; nan throughout if the training diverged."""
    try:
        part = examples.get().part(run.fold)
    except OSError:
        return NotHere()
    try:
        made = arguments(build, run.cell, run.seed, part)
        model = made.pop("model")
        _take(model)
        if "callbacks" in made or "dev_loss" in made:
            made["dev"] = part.dev
        try:
            fit(model, data=part.train, progress=False, **made)
        except Diverged:
            return (nan,) * (2 * len(measures))
        found = [
            evaluated(model, measure, arrays, who=f'the measure "{name}"')
            for name, measure in measures.items()
            for arrays in (part.train, part.dev)
        ]
        return tuple(found) if np.isfinite(found).all() else (nan,) * len(found)
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Failure(reason, format_exc(), exits=isinstance(error, SystemExit))


_taken: WeakValueDictionary[int, Any] = WeakValueDictionary()
"""By id the parameters that runs of this process have trained."""


def _take(model: Any) -> None:
    """Raise ValueError if another run had the model: this one would begin where that one ended."""
    trained = [p for p in model.parameters() if p.requires_grad] if isinstance(model, Module) else []
    if any(_taken.get(id(p)) is p for p in trained):
        raise ValueError("build gives a model that another run has trained; make a new one in build")
    _taken.update((id(p), p) for p in trained)
