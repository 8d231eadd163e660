"""exercise: a backward pass to be written by hand, with generic numbers, and graded."""

from __future__ import annotations

from typing import Any

from minigrad.check.exercises.networks import kinds
from minigrad.check.exercises.task import Task, Text, drawn
from minigrad.check.grading import Report
from minigrad.show import Derivation, derive

_levels = (1, 2, 3)


def exercise(name: str, *, seed: int = 0) -> Exercise:
    """A backward pass to be completed: a function of NumPy's whose backward lines are left open.

    name    "line", "logistic", "plain", "l2", "dropout", "both", "tanh", "probability", "softmax",
            "regression", "residual", "tied", "recurrence" or "batch statistics", the easier ones first
    seed    of the numbers: the same seed gives the same exercise, another one other numbers
    Raises: ValueError for another name, with those that there are; TypeError or ValueError for a seed that
            is no whole number from 0 up.

    >>> task = exercise("line", seed=1)
    >>> print(task.source)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss_and_gradients(X, Y, W, b, *, m=7):
        # forward
        Z = X @ W.T + b  # (7, 3)
        R = Z - Y        # (7, 3)
        # cost
        J = np.sum(np.square(R)) / (2 * m)
        # backward
        dR = ...         # (7, 3)
        dW = ...         # (3, 4)
        db = ...         # (3,)
        return J, {"dR": dR, "dW": dW, "db": db}
    <BLANKLINE>
    >>> report = task.submit(lambda R, X, m: {"dR": R / m, "dW": R.T @ X / m, "db": (R / m).mean(axis=0)})
    >>> report.faults[0].what
    'with a mean, `np.mean(dR, axis=0)`, instead of the sum `dR.sum(axis=0)`'
    """
    return Exercise(*drawn("exercise", name, seed))


class Exercise(Task):
    """A backward pass to be completed; `print` shows the task, `submit` grades the work, `hint` helps.

    attempts    the reports on what was handed in so far, the newest last
    """

    def __init__(self, name: str, seed: int, network: Any) -> None:
        derivation = derive(network.loss, network.parameters)
        backward = [line.value for line in derivation.lines.lines if line.section == "backward"]
        leaves = [parameter.name for parameter in network.parameters]
        task = (
            f"{kinds[name].task} Write the backward lines in the places of `...`: dx is the gradient of "
            f"the cost in x, and has its shape. The gradients of the parameters ({', '.join(leaves)}) are "
            "wanted; those on the way may be left open, but what is there tells more about a mistake."
        )
        super().__init__(name, seed, task, network, derivation, dict.fromkeys(backward, "..."))
        self.attempts: tuple[Report, ...] = ()

    @property
    def solved(self) -> bool:
        """Whether something that was handed in was all right."""
        return any(report.ok for report in self.attempts)

    def submit(self, work: Any, *, transposed: Any = False) -> Report:
        """Grade the work: the function of `source` as it should be, or whatever mg.grade takes.

        work        a function that takes the inputs, or any of the values, by name, and returns the gradients
                    as a dict, alone or after the cost; or that dict.  The gradients of the parameters are
                    wanted; those on the way are graded if they are there, and tell more
        transposed  as in mg.grade
        Returns:    the Report, which is added to `attempts`
        """
        report = self._graded(work, transposed)
        self.attempts += (report,)
        return report

    def hint(self, name: str | None = None, level: int = 1) -> Text:
        """Help with one gradient.

        name    of the gradient; by default the first that was not right in the last attempt, or was not there
        level   1 says through what the value reaches the cost, 2 by which rules its gradient comes back,
                3 is the line itself
        Raises: ValueError for a name, or a level, that there is not.
        """
        if level not in _levels:
            raise ValueError(f"hint: level= is 1, 2 or 3, not {level!r}")
        name = self._next() if name is None else str(name)
        if name not in self._lines:
            raise ValueError(f"hint: there is no gradient {name!r}; there are {', '.join(self._lines)}")
        if level == 3:
            return Text(f"{name} = {self._source.expression(self._lines[name], own=True)}")
        way, rules = self._help(name)
        return Text(way if level == 1 else f"{way}\n{rules}")

    def solution(self) -> Derivation:
        """The right lines: a Derivation, with .numpy(), .latex() and .explain(); a notebook shows it."""
        return self._derivation

    def _next(self) -> str:
        """The gradient that comes next: the first that was not right in the last attempt."""
        done = self.attempts[-1].verdicts if self.attempts else {}
        wrong = [name for name in self._lines if name in done and not done[name].passed]
        missing = [name for name in self._lines if name not in done]
        return next(iter(wrong or missing or self._lines))

    @property
    def _headline(self) -> str:
        return f"Exercise {self.name!r}, seed {self.seed}: {len(self._lines)} lines to write"

    @property
    def _call(self) -> str:
        return f'mg.exercise("{self.name}", seed={self.seed})'
