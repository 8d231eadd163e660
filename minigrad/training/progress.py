"""A bar, with tqdm."""

from __future__ import annotations

import sys
from typing import Any

from minigrad.training.run import Run


class Progress:
    """A bar on stderr that counts steps, or epochs if nobody knows how many steps they have.

    Without tqdm there is none.
    """

    def __init__(self) -> None:
        self._bar: Any = None
        self._counts_steps = False

    def on_start(self, run: Run) -> None:
        """Show the bar."""
        try:
            from tqdm import tqdm
        except ImportError:
            return
        self._counts_steps = run.steps is not None
        total, done, unit = (
            (run.steps, run.step, " steps") if self._counts_steps else (run.epochs, run.epoch, " epochs")
        )
        self._bar = tqdm(total=total, initial=done, unit=unit, dynamic_ncols=True, file=sys.stderr)

    def on_step(self, run: Run) -> None:
        """Count a step."""
        if self._bar is not None and self._counts_steps:
            self._bar.update()

    def __call__(self, run: Run) -> None:
        """Tell the costs."""
        if self._bar is not None:
            row = run.history[-1]
            costs = {name: f"{row[name]:.4g}" for name in ("cost", "dev_cost") if name in row}
            self._bar.set_postfix(costs, refresh=False)
            if not self._counts_steps:
                self._bar.update()

    def on_end(self, run: Run) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def wanted(progress: bool | None) -> bool:
    """Whether there is to be a bar: if it is asked for, or stderr is a terminal."""
    if sys.stderr is None:
        return False
    return sys.stderr.isatty() if progress is None else progress
