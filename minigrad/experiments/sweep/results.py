"""The results of a sweep: a row for each run, and what is read from them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from minigrad.experiments.files import write_file
from minigrad.experiments.sweep import ledger
from minigrad.experiments.sweep.choice import Mean, best_of, difference, means, one_standard_error
from minigrad.experiments.sweep.grid import Cell, written
from minigrad.experiments.sweep.measures import columns_of
from minigrad.experiments.sweep.rows import Row, number, recognized, text_of
from minigrad.experiments.sweep.run import Run


class Done(NamedTuple):
    """A run that is done, and its numbers by column; nan if the training diverged."""

    run: Run
    numbers: dict[str, float]


class Results(Sequence[Done]):
    """The rows of a sweep, in the order of its cells, seeds and folds; what is not done yet is missing.

    cells     all cells, by the values of the axes
    measures  the names of what is measured, that which is chosen by first: columns `cost` and `dev_cost` ...
    data      shapes and checksum of what was trained on

    best                 the cell whose mean dev cost is least; a Mean, with its standard error
    one_standard_error   the most regularized cell within one standard error of it
    """

    def __init__(
        self,
        runs: Sequence[Run],
        measures: Sequence[str],
        rows: Mapping[int, Sequence[float]],
        *,
        cells: Sequence[Cell],
        data: str,
    ) -> None:
        self.runs, self.cells, self.measures, self.data = list(runs), list(cells), list(measures), data
        self._rows = [
            Done(run, dict(zip(columns_of(self.measures), rows[i], strict=True)))
            for i, run in enumerate(runs)
            if i in rows
        ]

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Results:
        """What a sweep has written to its folder so far; it may be running.

        Raises:  FileNotFoundError if there is none, ValueError if it is damaged.
        """
        about, texts = ledger.read(Path(folder))
        asked, others = runs_in(about)
        done = rows_of(texts, [*asked, *others], about["measures"], Path(folder))
        cells = ledger.cells_in(about, about["cells"])
        return cls(asked, about["measures"], done, cells=cells, data=about["data"])

    @property
    def axes(self) -> list[str]:
        """The names of the axes."""
        return list(self.cells[0])

    @property
    def columns(self) -> list[str]:
        """The names of the columns: axes, seed, fold, measures."""
        return ledger.header(self.axes, self.measures)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, which: Any) -> Any:
        """A row by its position, several by a slice, a column by its name."""
        if not isinstance(which, str):
            return self._rows[which]
        if which not in self.columns:
            raise KeyError(f"Results: there is no {which!r}; there are {', '.join(self.columns)}")
        return [
            {**run.cell, "seed": run.seed, "fold": run.fold, **numbers}[which] for run, numbers in self._rows
        ]

    def csv(self) -> str:
        """The rows as text, a line each beneath the names; floats can be read back to the bit."""
        rows = [texts_of(run, list(numbers.values())) for run, numbers in self._rows]
        return text_of([self.columns, *rows])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write csv() to a file, whole or not at all."""
        write_file(Path(path), self.csv())

    @property
    def diverged(self) -> list[Run]:
        """The runs whose cost left the finite numbers."""
        return [run for run, numbers in self._rows if any(map(isnan, numbers.values()))]

    @property
    def means(self) -> list[Mean]:
        """Mean and standard error of each cell whose runs are all done."""
        return means(self.cells, self._rows, len(self.runs) // len(self.cells))

    @property
    def best(self) -> Mean:
        """The cell with the least mean dev cost.

        Raises:  ValueError if no cell is finished, or none with finite numbers.
        """
        return best_of(self.means, self.judged_by)

    @property
    def one_standard_error(self) -> Mean:
        """The most regularized cell whose mean dev cost is within one standard error of the best's.

        Source:  Breiman, Friedman, Olshen, Stone 1984, section 3.4.3.
        """
        return one_standard_error(self.means, self.judged_by)

    def difference(self, one: Mean, other: Mean) -> tuple[float, float]:
        """How much more dev cost one cell has than another, and its standard error, in pairs (choice.py)."""
        return difference(one, other, self.judged_by)

    @property
    def judged_by(self) -> str:
        """The column that is chosen by: the first measure, on the examples held out."""
        return f"dev_{self.measures[0]}"

    def heat_map(self) -> str:
        """λ against keep_prob, the mean dev cost as colour, as the text of an SVG."""
        from minigrad.experiments.sweep.pictures import heat_map

        return heat_map(self)

    def curve(self) -> str:
        """Cost on the training examples and on those held out against λ, as the text of an SVG."""
        from minigrad.experiments.sweep.pictures import curve

        return curve(self)

    def __repr__(self) -> str:
        from minigrad.experiments.sweep.summary import summary

        return "\n".join(summary(self))


# ---- runs, and rows as texts


def runs_of(cells: Sequence[Cell], seeds: Sequence[int], folds: int | None) -> list[Run]:
    """Every cell with every seed and every fold, in this order."""
    numbers = [None] if folds is None else range(1, folds + 1)
    return [Run(cell, seed, fold) for cell in cells for seed in seeds for fold in numbers]


def runs_in(about: ledger.About) -> tuple[list[Run], list[Run]]:
    """The runs that sweep.json asks for, and the others that may be in the table."""
    cells, seeds = about["cells"], about["seeds"]
    asked = runs_of(ledger.cells_in(about, cells), seeds, about["folds"])
    earlier = about.get("earlier", {"cells": [], "seeds": []})
    all_cells = ledger.cells_in(about, cells + earlier["cells"])
    known = {_key(run) for run in asked}
    others = [
        run for run in runs_of(all_cells, seeds + earlier["seeds"], about["folds"]) if _key(run) not in known
    ]
    return asked, others


def texts_of(run: Run, numbers: Sequence[float]) -> Row:
    """A row as it is written."""
    return (*_key(run), *map(repr, numbers))


def rows_of(
    texts: Mapping[int, Row], runs: Sequence[Run], measures: Sequence[str], folder: Path
) -> dict[int, tuple[float, ...]]:
    """The numbers of rows as they were written, by the position of their run.

    Raises:  ValueError, with the line, for a row of no run or one that comes twice.
    """
    positions = {_key(run): i for i, run in enumerate(runs)}
    values = [
        list({repr(value): value for value in column}.values())
        for column in zip(*map(_values, runs), strict=True)
    ]
    known = [{written(value): written(value) for value in column} for column in values]

    def text_of_value(text: str, axis: int) -> str:
        """The value as a sweep writes it."""
        if text not in known[axis]:
            value = recognized(text, values[axis])
            known[axis][text] = text if value is None else written(value)
        return known[axis][text]

    found: dict[int, tuple[float, ...]] = {}
    n = 2 * len(measures)
    for line, row in texts.items():
        key = tuple(text_of_value(text, axis) for axis, text in enumerate(row[:-n]))
        i, numbers = positions.get(key, -1), [*map(number, row[-n:])]
        if i < 0 or i in found or None in numbers:
            what = "is there twice" if i in found else "is not of this sweep"
            raise ValueError(f"sweep: {folder / 'results.csv'}, line {line} {what}; give another folder")
        found[i] = tuple(x for x in numbers if x is not None)
    return found


def _values(run: Run) -> tuple[Any, ...]:
    return (*run.cell.values(), run.seed, "" if run.fold is None else run.fold)


def _key(run: Run) -> Row:
    return tuple(map(written, _values(run)))
