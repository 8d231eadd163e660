"""One training of a sweep: a cell with a seed, on one part of the data, and what is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from inspect import signature
from math import nan
from traceback import format_exc
from typing import Any

import numpy as np

from minigrad.experiments.experiment import Setting
from minigrad.experiments.sweep.grid import Cell, described
from minigrad.experiments.sweep.parts import Part
from minigrad.experiments.training import cost, cross_entropy, network, right_answers
from minigrad.optim import SGD
from minigrad.training import Diverged, fit
from minigrad.training.step import evaluated

Build = Setting | Callable[..., Mapping[str, Any]]
Measures = Mapping[str, Callable[..., Any]]


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
    """Why a run has no numbers: an exception as text, since not every one can be sent between processes."""

    reason: str
    traceback: str


Outcome = tuple[float, ...] | Failure
"""Of each measure the number on the training examples and that on those held out."""


def outcome(build: Build, run: Run, part: Part, measures: Measures) -> Outcome:
    """Train and measure; nan throughout if the training diverged."""
    try:
        made = arguments(build, run, part)
        model = made.pop("model")
        if "callbacks" in made or "dev_loss" in made:
            made["dev"] = part.dev
        try:
            fit(model, data=part.train, progress=False, **made)
        except Diverged:
            return (nan,) * (2 * len(measures))
        found = [
            evaluated(model, measure, arrays)
            for measure in measures.values()
            for arrays in (part.train, part.dev)
        ]
        return tuple(found) if np.isfinite(found).all() else (nan,) * len(found)
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}", format_exc())


# ---- what is trained


def arguments(build: Build, run: Run, part: Part) -> dict[str, Any]:
    """What build makes for a run: arguments of mg.fit, all but the data."""
    if isinstance(build, Setting):
        return network_of_the_notes(replace(build, **run.cell, seed=run.seed), part)
    made = build(**run.cell, seed=run.seed)
    if not isinstance(made, Mapping):
        raise TypeError(f"build gives a {type(made).__name__}; {_wanted}")
    missing = [name for name in ("model", "loss", "optimizer", "epochs") if name not in made]
    if missing or {"data", "dev"} & made.keys():
        what = f"no {missing[0]!r}" if missing else "data of its own"
        raise ValueError(f"build gives {what}; {_wanted}")
    return dict(made)


_wanted = "wanted arguments of mg.fit, dict(model=..., loss=..., optimizer=..., epochs=...), without the data"


def network_of_the_notes(setting: Setting, part: Part) -> dict[str, Any]:
    """The network of the main job, its cost with L2, and gradient descent on all examples."""
    X, y = part.train
    n_out = y.shape[1] if y.ndim == 2 else int(max(y.max(), part.dev[1].max())) + 1
    model = network((X.shape[1], *setting.hidden, n_out), keep_prob=setting.keep_prob, seed=setting.seed)
    optimizer = SGD(model.parameters(), lr=setting.lr)
    loss = partial(cost, lambd=setting.lambd)
    return {"model": model, "loss": loss, "optimizer": optimizer, "epochs": setting.steps}


def check_build(build: Any, cells: list[Cell]) -> None:
    """Raise TypeError or ValueError, in one sentence, if build does not take the axes."""
    first = cells[0]
    if isinstance(build, Setting):
        known = [field.name for field in fields(build) if field.name != "seed"]
        for name in first:
            if name not in known:
                raise ValueError(f"sweep: a Setting has no {name!r}; the axes can be {', '.join(known)}")
        for cell in cells:
            _check_setting(replace(build, **cell))
        return
    if not callable(build) or isinstance(build, type):
        raise TypeError(
            f"sweep: build is {build!r}; wanted a Setting, or a function of the axes and seed "
            "that gives the arguments of mg.fit"
        )
    try:
        taken = signature(build)
    except (TypeError, ValueError):  # a function that does not tell
        return
    try:
        taken.bind(**first, seed=0)
    except TypeError as error:
        asked = ", ".join(f"{name}=" for name in (*first, "seed"))
        raise TypeError(f"sweep: build takes {taken}, and is called with ({asked}): {error}") from None


def _check_setting(setting: Any) -> None:
    hidden, steps, lr = setting.hidden, setting.steps, setting.lr
    if not isinstance(hidden, tuple) or not all(type(n) is int and n >= 1 for n in hidden):
        raise ValueError(f"sweep: hidden has the value {hidden!r}; wanted tuples of sizes, such as (20, 3)")
    if type(steps) is not int or steps < 1:
        raise ValueError(f"sweep: steps has the value {steps!r}; wanted whole numbers ≥ 1")
    if type(lr) not in (int, float) or not lr > 0:
        raise ValueError(f"sweep: lr has the value {lr!r}; wanted numbers > 0")


def check_data(build: Build, part: Part) -> None:
    """Raise ValueError if a Setting, whose network is a classifier, is given other data."""
    if not isinstance(build, Setting):
        return
    for arrays in (part.train, part.dev):
        if len(arrays) != 2 or arrays[0].ndim != 2 or not _are_classes(arrays[1]):
            raise ValueError(
                "sweep: a Setting trains a classifier, on X (m, n) and y, (m, 1) of 0 and 1 or (m,) of whole "
                "numbers; for other data, give a function as build"
            )


def _are_classes(y: Any) -> bool:
    if y.ndim == 2:
        return y.shape[1] == 1 and bool(((y == 0) | (y == 1)).all())
    return y.ndim == 1 and y.dtype.kind in "iu" and bool((y >= 0).all())


# ---- what is measured


def cross_entropy_of(model: Any, X: Any, y: Any) -> Any:
    """The cross-entropy of a model that gives logits, without a penalty."""
    return cross_entropy(model(X), y)


def accuracy(model: Any, X: Any, y: Any) -> float:
    """The share of the labels that are the likelier class of a model that gives logits."""
    return float(np.mean(right_answers(model, X, y)))


def measures_of(measures: Any, names: list[str]) -> dict[str, Callable[..., Any]]:
    """The measures, by name, the one that is chosen by first.

    Raises:  TypeError or ValueError unless they are functions, with names that are no axes' (`names`).
    """
    if measures is None:
        return {"cost": cross_entropy_of, "accuracy": accuracy}
    if not isinstance(measures, Mapping) or not measures or not all(map(callable, measures.values())):
        raise TypeError(f"sweep: measures is {measures!r}; wanted functions of (model, X, y) by name")
    columns = [*names, "seed", "fold", *columns_of(measures)]
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise ValueError(
            f'sweep: two columns of the results would be named "{twice}"; name the measure differently'
        )
    return dict(measures)


def columns_of(measures: Mapping[str, Any] | list[str]) -> list[str]:
    """The columns of the results: of each measure on the training examples and on those held out."""
    return [column for name in measures for column in (name, f"dev_{name}")]
