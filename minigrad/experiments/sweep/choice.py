"""Which cell is chosen: means, standard errors, the best, the most regularized within one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan, nan, sqrt
from typing import Any

import numpy as np

from minigrad.experiments.sweep.grid import Cell, described, shown


@dataclass(frozen=True)
class Mean:
    """A cell, and of each column the mean over its runs and the standard error of that mean.

    error   nan where there is one run only, which says nothing about how much chance is in it
    values  what the mean is over: of each fold, or of each seed
    """

    cell: Cell
    mean: dict[str, float]
    error: dict[str, float]
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return described(self.cell)


def means(cells: Sequence[Cell], rows: Iterable[Any], runs: int) -> list[Mean]:
    """Mean and standard error of each cell that has all its runs."""
    of_cell: dict[str, list[Any]] = {repr(cell): [] for cell in cells}
    for row in rows:
        of_cell[repr(row.run.cell)].append(row)
    return [_mean(cell, of_cell[repr(cell)]) for cell in cells if len(of_cell[repr(cell)]) == runs]


def _mean(cell: Cell, rows: Sequence[Any]) -> Mean:
    folds = [row.run.fold for row in rows]
    mean, error, values = {}, {}, {}
    for column in rows[0].numbers:
        values[column] = independent([row.numbers[column] for row in rows], folds)
        mean[column], error[column] = mean_and_error(values[column])
    return Mean(cell, mean, error, values)


def independent(values: Sequence[float], folds: Sequence[int | None]) -> tuple[float, ...]:
    """A value for each seed; or, if there are folds, for each fold.

    The seeds of a fold share its examples, so they count as one: their mean.

    >>> independent([1.0, 3.0], [None, None]), independent([1.0, 2.0, 3.0, 5.0], [1, 1, 2, 2])
    ((1.0, 3.0), (1.5, 4.0))
    """
    groups: dict[Any, list[float]] = {}
    for i, (value, fold) in enumerate(zip(values, folds, strict=True)):
        groups.setdefault(("seed", i) if fold is None else fold, []).append(value)
    return tuple(float(np.mean(group)) for group in groups.values())


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """The mean, and its standard error  s/√n,  nan of one value.

    >>> mean_and_error([1.0, 3.0]), mean_and_error([1.0])
    ((2.0, 1.0), (1.0, nan))
    """
    n = len(values)
    with np.errstate(over="ignore"):  # of a training that nearly diverged
        error = float(np.std(values, ddof=1)) / sqrt(n) if n > 1 else nan
        return float(np.mean(values)), error


def difference(one: Mean, other: Mean, column: str) -> tuple[float, float]:
    """How much more one cell has than another, and the standard error of that, seed by seed or fold by fold.

    The luck that both have in common, an easy fold for example, cancels out.

    >>> a, b = (Mean({}, {}, {}, {"cost": values}) for values in ((1.0, 5.0), (2.0, 6.0)))
    >>> difference(b, a, "cost")
    (1.0, 0.0)
    """
    return mean_and_error([x - y for x, y in zip(one.values[column], other.values[column], strict=True)])


def best_of(found: Sequence[Mean], column: str) -> Mean:
    """The cell with the least mean; of equals the first.

    Raises:  ValueError if there is no cell with a finite mean.
    """
    finite = [one for one in found if isfinite(one.mean[column])]
    if not finite:
        raise ValueError(
            "sweep: there is no cell to choose; "
            + ("every one has diverged" if found else "none is finished")
        )
    return min(finite, key=lambda one: one.mean[column])


def one_standard_error(found: Sequence[Mean], column: str) -> Mean:
    """The most regularized cell whose mean is at most that of the best and one standard error of it.

    It has no smaller λ and no larger keep_prob than the best, and all other axes as they are there: whoever
    weighs one against the other, it is not less regularized.  Of several the most regularized is a convention
    if both are axes: they count alike, each by where its value stands among the axis's values.  Where no
    standard error is known, only equals of the best are looked at.

    Source:  Breiman, Friedman, Olshen, Stone 1984, section 3.4.3.
             Hastie, Tibshirani, Friedman 2009, section 7.10.
    """
    best = best_of(found, column)
    error = best.error[column]
    bound = best.mean[column] + (0.0 if isnan(error) else error)
    near = [one for one in found if one.mean[column] <= bound and _as_regularized(one, best)]
    ranks = {name: _ranks([one.cell[name] for one in found]) for name in best.cell if name in regularizers}

    def strength(one: Mean) -> float:
        return sum(regularizers[name] * rank[one.cell[name]] for name, rank in ranks.items())

    return max(near, key=lambda one: (strength(one), -one.mean[column]))


regularizers = {"lambd": 1, "keep_prob": -1}
"""The axes that regularize, and in which direction: more with a larger λ, with a smaller keep_prob."""


def _as_regularized(one: Mean, best: Mean) -> bool:
    """Whether no axis regularizes a cell less than the best, and those that do not regularize are equal."""
    return all(
        regularizers[name] * (one.cell[name] - value) >= 0
        if name in regularizers
        else one.cell[name] == value
        for name, value in best.cell.items()
    )


def _ranks(values: Sequence[float]) -> dict[float, float]:
    """Where a value stands among the different ones, from 0 to 1."""
    distinct = sorted(set(values))
    return {value: i / max(len(distinct) - 1, 1) for i, value in enumerate(distinct)}


def at_the_edge(best: Mean, cells: Sequence[Cell]) -> list[str]:
    """For each regularizing axis at whose end the best stands, a phrase; not for what cannot go further.

    >>> at_the_edge(Mean({"lambd": 0.7}, {}, {}), [{"lambd": 0.0}, {"lambd": 0.7}])
    ['the largest lambd (0.7)']
    """
    found = []
    for name, end in (("lambd", 0.0), ("keep_prob", 1.0)):
        values = {cell[name] for cell in cells} if name in best.cell else set()
        value = best.cell.get(name, inf)
        if len(values) > 1 and value in (min(values), max(values)) and value != end:
            found.append(f"the {'smallest' if value == min(values) else 'largest'} {name} ({shown(value)})")
    return found
