"""Gradients in float64 and float32, of arrays that lie otherwise in memory, of a g that is left broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.check.examination.examination import Examination, all_floating, close, widened
from minigrad.check.oracle import generic
from minigrad.check.samples import Sample


def look_at_precision(check: Examination, sample: Sample, i: int) -> None:
    """Arrays of float64 and of float32 give gradients of their own kind, and the same ones."""
    if not all_floating(sample):
        return
    found = {}
    for dtype in (np.float64, np.float32):
        inputs = sample.copy(dtype)
        y = check.compute(inputs).astype(dtype)
        found[dtype] = d = _quietly_pulled(check, i, generic(y, 7).astype(dtype), y, inputs)
        if d.dtype != dtype:
            name = np.dtype(dtype).name
            check.fault(
                sample, check.argument(i), "dtype",
                f"{name} input gives a {d.dtype} gradient{widened(d.dtype)}",
            )  # fmt: skip
            return
    wide, narrow = found.values()
    size = np.max(np.abs(wide), initial=0.0)
    if wide.shape != narrow.shape or not np.max(np.abs(wide - narrow), initial=0.0) <= 1e-3 * size:
        check.fault(sample, check.argument(i), "dtype", "its gradient in float32 is another than in float64")


def look_at_layout(check: Examination, sample: Sample, i: int) -> None:
    """The order of axes in memory does not matter; nor does, elementwise, whether g is left broadcast."""
    inputs = sample.copy()
    y = check.compute(inputs)
    g = generic(y, 7)
    right = _quietly_pulled(check, i, g, y, inputs)
    turned = [np.array(x, order="F") if isinstance(x, np.ndarray) else x for x in (g, y, *inputs)]
    if not close(_quietly_pulled(check, i, turned[0], turned[1], turned[2:]), right, right.shape):
        check.fault(
            sample, check.argument(i), "layout",
            "it depends on how arrays lie in memory; name the order, or keep to axes",
        )  # fmt: skip
    if not check.row.elementwise:
        return
    for shape in {(), *((*y.shape[:k], 1, *y.shape[k + 1 :]) for k in range(y.ndim))}:
        narrow = np.asarray(generic(np.zeros(shape), 8))
        whole = _quietly_pulled(check, i, np.array(np.broadcast_to(narrow, y.shape)), y, inputs)
        if not close(_quietly_pulled(check, i, narrow, y, inputs), whole, y.shape):
            check.fault(
                sample, check.argument(i), "broadcast",
                f"with a gradient that is left broadcast, of shape {shape} for {y.shape}, it gives "
                "another result: the row is marked elementwise=True; leave the mark out if it is not",
            )  # fmt: skip
            return


def _quietly_pulled(check: Examination, i: int, g: Any, y: Any, inputs: list[Any]) -> np.ndarray:
    """The rule's result; one that raises only now gives nan, which is close to nothing."""
    try:
        return np.asarray(check.pull(i, g, y, inputs))
    except Exception:  # of the user's rule, whatever it is
        return np.full(np.shape(inputs[i]), np.nan)
