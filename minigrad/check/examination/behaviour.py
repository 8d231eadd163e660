"""A function and its rules on plain arrays: they change nothing, give the same twice, and fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.backprop import grad
from minigrad.check.examination.examination import Examination, all_floating, close, said, widened
from minigrad.check.oracle import generic
from minigrad.check.samples import Sample


def look_at_function(check: Examination, sample: Sample) -> None:
    """It changes nothing that it is given, and gives the same twice."""
    inputs = sample.copy(writeable=True)
    held = [np.array(x) for x in inputs]
    try:
        y = np.array(check.compute(inputs))
        again = check.compute(sample.copy(writeable=True))
    except Exception as error:  # of the user's function, whatever it is
        check.fault(sample, "", "error", f"it raises {said(error)}")
        return
    if written := _written_into(inputs, held, sample.names):
        check.fault(
            sample, "", "in place",
            f"it writes into its argument {written}, which a graph may hold; work on a copy",
        )  # fmt: skip
    elif y.dtype.kind != "f":
        check.fault(sample, "", "error", f"it gives {y.dtype}, which has no gradient")
    elif not np.all(np.isfinite(y)):
        check.fault(sample, "", "error", "it gives nan or inf; choose samples inside the domain")
    elif y.shape != again.shape or not np.array_equal(y, again):
        check.fault(
            sample, "", "purity",
            "it gives other values for the same arguments: it draws at random, or keeps state",
        )  # fmt: skip
    elif check.row.elementwise and y.shape != np.broadcast_shapes(*map(np.shape, inputs)):
        check.fault(
            sample, "", "broadcast",
            f"it is marked elementwise=True and gives the shape {y.shape}; leave the mark out",
        )  # fmt: skip
    elif check.row.linear and (name := _not_linear(check, sample)):
        check.fault(
            sample, "", "linear",
            f"it is marked linear=True and is not linear in {name}; leave the mark out",
        )  # fmt: skip
    else:
        try:
            narrow = check.compute(sample.copy(np.float32))
        except Exception as error:  # what it writes may be what was there: x *= 1
            if "read-only" in str(error):
                kind, text = (
                    "in place",
                    "it writes into its argument, which a graph may hold; work on a copy",
                )
            else:
                kind, text = "error", f"float32 input raises {said(error)}"
            check.fault(sample, "", kind, text)
            return
        if all_floating(sample) and narrow.dtype != np.float32:
            check.fault(
                sample, "", "dtype",
                f"float32 input gives a {narrow.dtype} result{widened(narrow.dtype)}",
            )  # fmt: skip


def _not_linear(check: Examination, sample: Sample) -> str | None:
    """The name of an argument with a rule, of whose sums and multiples it gives others."""

    def value(i: int, x: Any) -> np.ndarray:
        inputs = sample.copy()
        inputs[i] = x
        return np.asarray(check.compute(inputs))

    for i in (i for i, rule in enumerate(check.row.rules) if rule is not None and not check.row.many):
        x = np.asarray(sample.copy()[i])
        part = np.asarray(generic(x, 9), x.dtype)
        try:
            whole, parts = value(i, x + 2 * part), value(i, x) + 2 * value(i, part)
        except Exception:  # of the user's function, whatever it is: outside of its domain
            return sample.names[i]
        if not close(whole, parts, parts.shape):
            return sample.names[i]
    return None


def look_at_rule(check: Examination, sample: Sample, i: int) -> bool:
    """It gives an array that fits, changes nothing, and gives the same twice."""
    argument = check.argument(i)
    before = len(check.found)
    try:
        _look_at_rule(check, sample, i, argument)
    except _RefusedError as reason:
        check.fault(sample, argument, "shape", str(reason))
    return len(check.found) == before


class _RefusedError(Exception):
    """A rule raises, or gives what backpropagation cannot use."""


def _look_at_rule(check: Examination, sample: Sample, i: int, argument: str) -> None:
    given, names = _given(check, sample)
    held = [np.array(x) for x in given]
    d = _pulled(check, i, given)
    if written := _written_into(given, held, names):
        check.fault(
            sample, argument, "in place",
            f"it writes into {written}, which others still use; make a new array of it",
        )  # fmt: skip
        return
    if not hasattr(d, "shape") or not hasattr(d, "dtype"):
        raise _RefusedError(f"gives {d!r}, not an array")
    kept = np.array(d)
    again, _ = _given(check, sample)
    second = np.array(_pulled(check, i, again))
    if kept.shape != second.shape or not np.array_equal(kept, second, equal_nan=True):
        check.fault(
            sample, argument, "purity",
            "it gives other values for the same arguments: it draws at random, or keeps state",
        )  # fmt: skip
        return
    again[0] = again[0] * 2.0 + 1.0
    _pulled(check, i, again)
    if not np.array_equal(kept, d, equal_nan=True):
        check.fault(
            sample, argument, "purity",
            "it gives the same array each time, so that a later use overwrites an earlier one",
        )  # fmt: skip
        return
    _fit(check, sample, i, d)


def _given(check: Examination, sample: Sample) -> tuple[list[Any], list[str]]:
    """[g, y, *inputs], all of which can be written to, and what they are called."""
    inputs = sample.copy(writeable=True)
    y = np.array(check.compute(inputs))
    return [generic(y, 7), y, *inputs], ["g", "y", *sample.names]


def _pulled(check: Examination, i: int, given: list[Any]) -> Any:
    try:
        return check.pull(i, given[0], given[1], given[2:])
    except Exception as error:  # of the user's rule, whatever it is
        raise _RefusedError(f"raises {said(error)}") from error


def _fit(check: Examination, sample: Sample, i: int, d: Any) -> None:
    leaves = check.leaves(sample)
    y = check.record(leaves)
    try:
        grad(y, leaves[i], gradient=generic(y._value, 7), allow_unused=True)
    except (ValueError, TypeError):
        own = np.shape(sample.inputs[i])
        turned = d.shape != own and sorted(d.shape) == sorted(own)
        what = "transposed" if turned else f"which does not fit the result {y.shape} either"
        raise _RefusedError(f"gives a gradient of shape {d.shape} for one of shape {own}: {what}") from None


def _written_into(arrays: Sequence[Any], held: Sequence[np.ndarray], names: Sequence[str]) -> str:
    """The name of the first array that is not as it was."""
    for x, before, name in zip(arrays, held, names, strict=True):
        if isinstance(x, np.ndarray) and not np.array_equal(x, before, equal_nan=x.dtype.kind == "f"):
            return name
    return ""
