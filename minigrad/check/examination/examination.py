"""What is looked at, and what was found."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.check.result import RuleFault, RuleResult
from minigrad.check.samples import Sample
from minigrad.table import Row, name_of
from minigrad.tensor import Tensor, made, record


class Examination:
    """One call of check_rule: a row, the parameters, and what was found so far.

    found   what is wrong, and with which sample
    tried   the samples that were looked at
    errors  argument -> the largest error of a gradient that is right
    """

    def __init__(self, row: Row, parameters: dict[str, Any], order: int, asked_for: bool) -> None:
        self.row, self.parameters, self.order, self.asked_for = row, parameters, order, asked_for
        self.found: list[tuple[Sample, RuleFault]] = []
        self.tried: list[Sample] = []
        self.errors: dict[str, float] = {}

    def is_spoilt(self) -> bool:
        """Whether nothing can be told about other rules and samples until what was found is mended."""
        return any(_spoils_all_else(fault) for _, fault in self.found)

    def fault(self, sample: Sample, argument: str, kind: str, text: str) -> None:
        """Note what is wrong."""
        if kind in ("shape", "values") and not (self.asked_for or self.row.elementwise):
            text += "; if it is not meant for such arrays, give samples" * (sample is not self.tried[0])
        self.found.append((sample, RuleFault(argument, kind, text, str(sample))))

    def compute(self, inputs: list[Any]) -> Any:
        """The function on plain arrays."""
        with np.errstate(all="ignore"):
            return np.asarray(self.row.compute(*inputs, **self.parameters))

    def pull(self, i: int, g: Any, y: Any, inputs: list[Any]) -> Any:
        """What the rule for input i gives, as it is."""
        with np.errstate(all="ignore"):
            d = self.row.rules[0 if self.row.many else i](g, y, inputs, self.parameters)
        return d[i] if self.row.many else d

    def argument(self, i: int) -> str:
        """The name of an input's argument in the row."""
        return self.row.arrays[0 if self.row.many else i]

    def leaves(self, sample: Sample) -> list[Any]:
        """The inputs, with a leaf, which has the argument's name, for each that is differentiated."""
        inputs = sample.copy()
        for i in sample.places:
            inputs[i] = made(inputs[i], requires_grad=True)
            inputs[i].name = sample.names[i]
        return inputs

    def record(self, inputs: list[Any]) -> Tensor:
        """The function, recorded."""
        return record(self.row.function, tuple(inputs), self.parameters)

    def result(self) -> RuleResult:
        """The verdict, with each kind of fault of each rule told once, where it was first seen."""
        faults: dict[tuple[str, str], RuleFault] = {}
        notes: dict[str, None] = {}
        for sample, fault in self.found:
            if self._is_excused(sample, fault):
                what = "raises or does not fit" if fault.kind == "shape" else "is wrong"
                notes[
                    f"with {sample} the function gives a value, and the rule of {fault.argument} {what}"
                ] = None
            else:
                faults.setdefault((fault.argument, fault.kind), fault)
        checked = [argument for argument, rule in self.row.written.items() if rule is not None]
        unseen = [argument for argument in checked if argument not in self.errors]
        if unseen and not faults:
            text = "no sample tells anything: the gradient is 0 or empty in all of them; give others"
            faults[unseen[0], "values"] = RuleFault(unseen[0], "values", text, str(self.tried[0]))
        name, samples = name_of(self.row.function), tuple(map(str, self.tried))
        return RuleResult(name, tuple(faults.values()), samples, dict(self.errors), tuple(notes)[:3])

    def _is_excused(self, sample: Sample, fault: RuleFault) -> bool:
        """Whether a rule may be meant for other arrays only: those that were made here may be no use of it.

        That is so if no sample with as many axes passes.  It must raise, unless there are several arguments:
        a rule for a product of matrices holds for no vectors, and cannot always know.
        """
        if (
            self.asked_for
            or self.row.elementwise
            or not fault.argument
            or sample.ndims == self.tried[0].ndims
        ):
            return False
        useless = {id(other) for other, _ in self.found} | {id(x) for x in self.tried if x.is_empty}
        if any(other.ndims == sample.ndims and id(other) not in useless for other in self.tried):
            return False
        return fault.kind == "shape" or (fault.kind == "values" and len(self.row.arrays) > 1)


def _spoils_all_else(fault: RuleFault) -> bool:
    """Whether nothing can be told about other rules and samples until this is mended."""
    return fault.kind in ("in place", "purity") or (not fault.argument and fault.kind != "dtype")


def said(error: Exception) -> str:
    """Its type and the first line of what it says."""
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def all_floating(sample: Sample) -> bool:
    """Whether nothing but the differentiated arrays decides the dtype.

    Truth values do not; a number does, where a function makes an array of it (np.clip of a number).
    """
    return all(
        i in sample.places or x is None or (isinstance(x, np.ndarray) and x.dtype.kind == "b")
        for i, x in enumerate(sample.inputs)
    )


def widened(dtype: Any) -> str:
    if dtype != np.float64:
        return ""
    return "; an array or np.float64 in it widens it: use Python numbers, or the argument's dtype"


def close(d: np.ndarray, right: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether two results are the same to rounding, once they are whole."""
    try:
        d, right = np.broadcast_to(d, shape), np.broadcast_to(right, shape)
    except ValueError:
        return False
    return bool(np.all(np.abs(d - right) <= 1e-12 * np.max(np.abs(right), initial=0.0)))
