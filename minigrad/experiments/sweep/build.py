"""What is trained: the network of the main job, or what a function of the axes and the seed makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from inspect import signature
from math import inf
from typing import Any

from minigrad.experiments.experiment import Setting
from minigrad.experiments.sweep.grid import Cell, checked
from minigrad.experiments.sweep.parts import Arrays, Examples, Part
from minigrad.experiments.training import cost, network
from minigrad.optim import SGD
from minigrad.other_arrays.foreign import is_foreign

Build = Setting | Callable[..., Mapping[str, Any]]


def arguments(build: Build, cell: Cell, seed: int, part: Part) -> dict[str, Any]:
    """What build makes for a cell: arguments of mg.fit, all but the data."""
    if isinstance(build, Setting):
        return network_of_the_notes(replace(build, **cell, seed=seed), part)
    made = build(**cell, seed=seed)
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
    if type(lr) not in (int, float) or not 0 < lr < inf:
        raise ValueError(f"sweep: lr has the value {lr!r}; wanted numbers > 0")
    checked("lambd", setting.lambd)
    checked("keep_prob", setting.keep_prob)


def check_data(build: Build, examples: Examples) -> None:
    """Raise ValueError if a Setting, whose network is a classifier on NumPy arrays, is given other data."""
    if not isinstance(build, Setting):
        return
    if any(map(is_foreign, (*examples.arrays, *(examples.dev or ())))):
        raise ValueError(
            "sweep: a Setting trains on NumPy arrays; np.asarray the data, or give a function as build"
        )
    for arrays in (examples.arrays, examples.dev):
        if arrays is not None and not _is_classified(arrays):
            raise ValueError(
                "sweep: a Setting trains a classifier, on X (m, n) and y, (m, 1) of 0 and 1 or (m,) of whole "
                "numbers; for other data, give a function as build"
            )


def _is_classified(arrays: Arrays) -> bool:
    return len(arrays) == 2 and arrays[0].ndim == 2 and _are_classes(arrays[1])


def _are_classes(y: Any) -> bool:
    if y.ndim == 2:
        return y.shape[1] == 1 and bool(((y == 0) | (y == 1)).all())
    return y.ndim == 1 and y.dtype.kind in "iu" and bool((y >= 0).all())
