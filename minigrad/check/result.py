"""What gradcheck and check_rule found, as numbers and as text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


class GradcheckError(AssertionError):
    """A gradient is not the slope of the function, or a rule is wrong; `result` has the numbers."""

    def __init__(self, result: Result | RuleResult) -> None:
        super().__init__(result.message)
        self.result = result


@dataclass(frozen=True)
class Slope:
    """One input at one order: what the machine says, and what was found without its rules.

    name         the Tensor's name, or "input 0"
    machine      the machine's gradient
    differences  the slopes of the function's values
    exact        the slopes by the complex step, or None where the graph does not allow it
    error        the largest |machine - slope| over the largest |slope|, by the complex step if there is one
    worst        the index of the largest disagreement
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
        label = f"{self.name if self.name.startswith('input ') else repr(self.name)} {self.machine.shape}"
        if not self.fault:
            by = "differences" if self.exact is None else "differences and the complex step"
            return f"{label}, order {self.order}: agrees to {self.error:.1e} ({by})"
        exact = "" if self.exact is None else f", the complex step {self.exact[self.worst]:.10g}"
        return "\n    ".join((
            f"{label}, order {self.order}: {self.fault}",
            f"at {list(map(int, self.worst))} the machine gives {self.machine[self.worst]:.10g}, "
            f"differences {self.differences[self.worst]:.10g}{exact}",
            *self.likely,
        ))  # fmt: skip


@dataclass(frozen=True)
class Result:
    """True if every gradient agrees.

    slopes   a Slope per input and order; after an order with a fault no higher one is tried
    problem  what kept the gradients from being compared at all, or ""
    """

    slopes: tuple[Slope, ...] = ()
    problem: str = ""

    def __bool__(self) -> bool:
        return not self.problem and bool(self.slopes) and not any(slope.fault for slope in self.slopes)

    def __repr__(self) -> str:
        return self.message

    @property
    def errors(self) -> dict[str, float]:
        """The largest relative error per input, over the orders."""
        found: dict[str, float] = {}
        for slope in self.slopes:
            found[slope.name] = max(slope.error, found.get(slope.name, 0.0))
        return found

    @property
    def message(self) -> str:
        """The whole finding as text: the faults if there are some, otherwise the accuracy per input."""
        shown = [slope for slope in self.slopes if slope.fault] or self.slopes
        head = self.problem or ("the gradients agree" if self else "the machine's gradient is not confirmed")
        return "\n  ".join([f"gradcheck: {head}", *(map(str, shown) if not self.problem else ())])


@dataclass(frozen=True)
class RuleFault:
    """One thing that is wrong.

    argument  whose rule it is; "" where the function itself is at fault
    kind      "values", "shape", "second order", "dtype", "in place", "purity", "broadcast", "linear",
              "error"
    text      a sentence
    sample    the shapes at which it was first seen
    """

    argument: str
    kind: str
    text: str
    sample: str


@dataclass(frozen=True)
class RuleResult:
    """True if nothing is wrong.

    function  the function's name
    faults    a RuleFault for each thing that is wrong
    samples   what it was tried on, as text
    errors    the largest relative error per argument, over the orders and samples
    notes     shapes that the function takes and its rules refuse, and other things to know
    """

    function: str
    faults: tuple[RuleFault, ...]
    samples: tuple[str, ...]
    errors: dict[str, float]
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.faults

    def __repr__(self) -> str:
        return self.message

    @property
    def message(self) -> str:
        """A sentence for each fault; or how well the gradients agree."""
        lines = []
        for fault in self.faults:
            where = f", rule of {fault.argument}" if fault.argument else ""
            lines.append(f"check_rule: {self.function}{where}: {fault.text} (seen with {fault.sample})")
        if not lines:
            n = len(self.samples)
            agree = ", ".join(f"of {name} to {error:.1e}" for name, error in self.errors.items())
            on = f"{n} sample{'s' * (n != 1)}"
            lines.append(f"check_rule: {self.function}: right on {on}; the gradients agree, {agree}")
        return "\n  ".join([*lines, *(f"note: {note}" for note in self.notes)])
