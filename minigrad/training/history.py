"""History: a row of numbers for each epoch, as plain data."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, overload


class History(Sequence[dict[str, Any]]):
    """The rows of a training: history[-1] is the last epoch's dict, history["cost"] the list of all costs.

    epoch     from 1
    cost      the mean over the epoch's examples, as they were met: in training mode, the weights on their way
    dev_cost  on the dev set after the epoch, in evaluation mode; only if there is a dev set
    lr        the learning rate of the epoch's last step
    seconds   that the epoch took
    A callback may add to a row: run.history[-1]["accuracy"] = 0.9.

    stopped   why the training was stopped before its last epoch; None if it was not

    >>> history = History([{"epoch": 1, "cost": 0.7}, {"epoch": 2, "cost": 0.5, "right": 9}])
    >>> history["cost"], history[-1]["right"], history["right"]
    ([0.7, 0.5], 9, [None, 9])
    >>> history
    epoch  cost  right
        1   0.7
        2   0.5      9
    >>> print(history.csv(), end="")
    epoch,cost,right
    1,0.7,
    2,0.5,9
    """

    def __init__(self, rows: Iterable[dict[str, Any]] = ()) -> None:
        self._rows = list(rows)
        self.stopped: str | None = None

    @property
    def columns(self) -> list[str]:
        """The names of the numbers, in the order in which they appeared."""
        return list(dict.fromkeys(name for row in self._rows for name in row))

    @overload
    def __getitem__(self, which: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, which: slice) -> History: ...
    @overload
    def __getitem__(self, which: str) -> list[Any]: ...
    def __getitem__(self, which: Any) -> Any:
        """A row by its position, a History by a slice, a column by its name (None where a row lacks it)."""
        if isinstance(which, str):
            if self._rows and which not in self.columns:
                raise KeyError(f"History: there is no {which!r}; there are {', '.join(self.columns)}")
            return [row.get(which) for row in self._rows]
        return History(self._rows[which]) if isinstance(which, slice) else self._rows[which]

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, row: dict[str, Any]) -> None:
        """Add the row of one more epoch."""
        self._rows.append(row)

    def csv(self) -> str:
        """The rows as text, a line each beneath the names; floats can be read back to the bit."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        return text.getvalue()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write csv() to a file."""
        Path(path).write_text(self.csv(), encoding="utf-8", newline="\n")

    def __repr__(self) -> str:
        n = len(self._rows)
        if not n:
            return "History: no epoch yet"
        shown = range(n) if n <= 2 * _shown else [*range(_shown), None, *range(n - _shown, n)]
        table = [self.columns]
        table += [
            ["..."] if i is None else [_text(self._rows[i].get(c)) for c in self.columns] for i in shown
        ]
        widths = [max(len(line[k]) for line in table if k < len(line)) for k in range(len(self.columns))]
        lines = ["  ".join(f"{x:>{w}}" for x, w in zip(line, widths, strict=False)) for line in table]
        lines += [f"stopped: {self.stopped}"] if self.stopped else []
        return "\n".join(line.rstrip() for line in lines)


_shown = 5
"""How many of the first rows and of the last are shown, where there are many."""


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
