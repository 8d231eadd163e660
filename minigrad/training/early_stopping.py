"""EarlyStopping: ends a training that the dev set does not profit from any more."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from minigrad.training.arguments import not_negative, whole
from minigrad.training.run import Run


class EarlyStopping:
    """Stops when `monitor` has not become smaller by more than min_delta for `patience` epochs in a row.

    However the training ends, if not by an error, the model has the weights of the best epoch then.

    monitor   a column of the history, of which less is better
    Raises:   ValueError if the history has no such column.
    Source:   Prechelt 1998.

    best, best_epoch   the least value so far, and its epoch
    """

    def __init__(self, patience: int, *, min_delta: float = 0.0, monitor: str = "dev_cost") -> None:
        self.patience = whole(patience, who="EarlyStopping", name="patience", least=1)
        self.min_delta = not_negative(min_delta, who="EarlyStopping", name="min_delta")
        self.monitor = monitor
        self.best, self.best_epoch = inf, 0
        self._weights: dict[str, Any] = {}

    def on_start(self, run: Run) -> None:
        """Begin anew, or where the history is, if the training goes on."""
        if self.monitor == "dev_cost" and run.dev is None:
            raise ValueError("EarlyStopping: there is no dev set; give dev=(X_dev, y_dev) to fit")
        if not run.history:
            self._weights = {}
        self.best, self.best_epoch = inf, 0
        for row in run.history:
            self._is_better(row)
        self._decide(run)

    def __call__(self, run: Run) -> None:
        """Look at the newest row."""
        if self._is_better(run.history[-1]):
            state = run.model.state_dict()  # snapshots; a generator's state is a dict, and no weight
            self._weights = {path: x for path, x in state.items() if not isinstance(x, dict)}
        self._decide(run)

    def on_end(self, run: Run) -> None:
        """Give the model the weights of the best epoch."""
        if run.error is None and self._weights:
            run.model.load_state_dict(self._weights, strict=False)

    def _is_better(self, row: Mapping[str, Any]) -> bool:
        value = row.get(self.monitor)
        if not isinstance(value, int | float | np.number):
            raise ValueError(f"EarlyStopping: there is no number {self.monitor!r}, only {', '.join(row)}")
        if not value < self.best - self.min_delta:  # nan is not less either
            return False
        self.best, self.best_epoch = float(value), row["epoch"]
        return True

    def _decide(self, run: Run) -> None:
        if run.epoch - self.best_epoch >= self.patience:
            run.stop(
                f"{self.monitor} has not become less than {self.best:.4g}, of epoch {self.best_epoch}, for "
                f"{self.patience} epoch{'s' * (self.patience > 1)}"
            )

    # ---- what a checkpoint needs beside the history

    def state_dict(self) -> dict[str, Any]:
        """The best weights, and what it was made with."""
        made = {"patience": self.patience, "min_delta": self.min_delta, "monitor": self.monitor}
        return {**made, "weights": dict(self._weights)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the best weights, or raise ValueError and change nothing."""
        own = self.state_dict()
        other = [name for name in own if name != "weights" and state[name] != own[name]]
        if other:
            differences = ", ".join(f"{name} was {state[name]} and is {own[name]}" for name in other)
            raise ValueError(f"EarlyStopping: {differences}")
        self._weights = {path: np.array(x) for path, x in state["weights"].items()}
