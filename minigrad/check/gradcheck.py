"""gradcheck: are the machine's gradients the slopes of the function?

The machine's gradient is compared with differences of the function's values and, where the recorded graph allows it,
with the complex step.  Both tolerances are fractions of the gradient itself, so a check cannot pass by having nothing
to compare: what would make it vacuous is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.backprop import enable_grad, grad
from minigrad.check.oracle import Differences, Replay, generic
from minigrad.tensor import Tensor, describe, reading_allowed


class GradcheckError(AssertionError):
    """The gradients are not the slopes, or nothing was checked; `result` holds the numbers."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.message)
        self.result = result


@dataclass(frozen=True)
class Slope:
    """One input at one order: what the machine says, and what was found without its rules.

    machine      the machine's gradient
    differences  the slopes of the function's values
    exact        the slopes by the complex step, or None where the graph does not allow it
    error        the largest |machine - slope| over the largest slope; by the complex step if there is one
    worst        where that is
    fault        what is wrong, or "" if they agree
    likely       sentences on the likely cause
    """

    name: str
    order: int
    machine: np.ndarray
    differences: np.ndarray
    exact: np.ndarray | None
    error: float
    worst: tuple[int, ...] = ()
    fault: str = ""
    likely: tuple[str, ...] = ()

    def __str__(self) -> str:
        by = "differences" if self.exact is None else "differences and the complex step"
        if not self.fault:
            small = "is 0, as it should be" if self.error == 0 else f"agrees to {self.error:.1e}"
            return f"{self.name}: order {self.order} {small} ({by})"
        lines = [f"{self.name}: {self.fault}"]
        if self.machine.size:
            lines.append(
                f"at {list(self.worst)} the machine gives {self.machine[self.worst]:.10g}, "
                f"differences give {self.differences[self.worst]:.10g}"
                + (f", the complex step gives {self.exact[self.worst]:.10g}" if self.exact is not None else "")
            )
        return "\n    ".join([*lines, *self.likely])


@dataclass(frozen=True)
class Result:
    """What gradcheck found: true if every gradient agrees.

    slopes   a Slope per input and order
    problem  what kept gradients from being compared at all, or ""
    """

    slopes: tuple[Slope, ...] = ()
    problem: str = ""

    def __bool__(self) -> bool:
        return not self.problem and bool(self.slopes) and not any(slope.fault for slope in self.slopes)

    @property
    def errors(self) -> dict[str, float]:
        """The largest relative error per input, over the orders."""
        found: dict[str, float] = {}
        for slope in self.slopes:
            found[slope.name] = max(slope.error, found.get(slope.name, 0.0))
        return found

    @property
    def message(self) -> str:
        """The whole finding as text."""
        if self.problem:
            return f"gradcheck: {self.problem}"
        if self:
            return "gradcheck: " + "\n  ".join(map(str, self.slopes))
        wrong = [slope for slope in self.slopes if slope.fault]
        return "\n  ".join([f"gradcheck: the gradient of order {wrong[0].order} is not confirmed", *map(str, wrong)])

    def __repr__(self) -> str:
        return self.message


def gradcheck(
    function: Callable[..., Any],
    inputs: Any,
    order: int = 1,
    *,
    tolerance: float = 1e-7,
    exact_tolerance: float = 1e-11,
    zero: Iterable[int | str] = (),
    raise_exception: bool = True,
) -> Result:
    """Compare the machine's gradients of function(*inputs) with slopes that are found without its rules.

    function         takes the inputs and gives a Tensor or a tuple of Tensors; outputs that are not scalars are
                     weighted with fixed generic numbers.  It may also reach the inputs by itself (a model's parameters)
    inputs           a leaf that requires a gradient, or several; arrays and numbers are made into float64 leaves
    order            2 checks the gradient of (gradient · generic vector) too, and so on
    tolerance        of differences, as a fraction of the largest slope.  Smooth functions in float64 agree to about 1e-11
    exact_tolerance  of the complex step, which is taken where every function in the graph is known to allow it; they
                     agree to about 1e-14, less what cancels within the function
    zero             inputs, by name or position, whose gradient is 0 by design (a bias before batch normalization):
                     for the others a gradient of 0 checks nothing, and is an error
    raise_exception  False gives a result that is false, in place of the error
    Returns:         a Result, true, with the largest relative error per input in `.errors`.  The inputs are as before
    Raises:          GradcheckError with the likely cause; TypeError or ValueError for inputs that cannot be checked;
                     RuntimeError if the function reads a number out of a Tensor (float(t)), which drops its gradient.

    >>> W = Tensor([[1.0, -2.0, 0.5]], requires_grad=True, name="W")
    >>> gradcheck(lambda W: np.sum(np.tanh(W) ** 2), W).errors["W"] < 1e-14
    True
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"gradcheck: order must be 1, 2 ..., not {order!r}")
    leaves = _leaves(inputs)
    problem = Problem(function, leaves, _positions(zero, leaves), tolerance, exact_tolerance)
    with problem.restored():
        result = problem.check(order)
    if not result and raise_exception:
        raise GradcheckError(result)
    return result


def _leaves(inputs: Any) -> list[Tensor]:
    several = [inputs] if isinstance(inputs, Tensor | np.ndarray | float | int) else list(inputs)
    if not several:
        raise ValueError("gradcheck: there are no inputs to check")
    leaves = []
    for x in several:
        if not isinstance(x, Tensor):
            x = Tensor(np.asarray(x, dtype=float), requires_grad=True)
        if not x.is_leaf:
            raise ValueError(f"gradcheck: {describe(x)} is a result, not a leaf; give the leaves that it is made from")
        if not x.requires_grad:
            raise ValueError(
                f"gradcheck: {describe(x)} needs no gradient; set requires_grad=True, or leave it out of the inputs: "
                "lambda W: loss(W, X)"
            )
        if not isinstance(x._data, np.ndarray):
            raise TypeError(f"gradcheck: {describe(x)} holds a {type(x._data).__name__}; only NumPy's arrays are checked")
        leaves.append(x)
    if len({x.stamp for x in leaves}) < len(leaves):
        raise ValueError("gradcheck: one input is given twice")
    return leaves


def _names(leaves: Sequence[Tensor]) -> list[str]:
    """W1 (4, 3) by name if it has one of its own, by position otherwise."""
    names = [x.name for x in leaves]
    return [
        f'"{x.name}" {x.shape}' if x.name and names.count(x.name) == 1 else f"input {i} {x.shape}"
        for i, x in enumerate(leaves)
    ]


def _positions(zero: Iterable[int | str], leaves: Sequence[Tensor]) -> set[int]:
    names = [x.name for x in leaves]
    found = set()
    for entry in [zero] if isinstance(zero, int | str) else zero:
        if isinstance(entry, str) and entry not in names or isinstance(entry, int) and not 0 <= entry < len(leaves):
            raise ValueError(f"gradcheck: zero= names {entry!r}; the inputs are {names}")
        found.add(names.index(entry) if isinstance(entry, str) else entry)
    return found
