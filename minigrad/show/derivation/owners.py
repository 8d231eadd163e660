"""Which values of a derivation are gradients, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.program import Variable
from minigrad.program.lines import Lines
from minigrad.tensor import Tensor


def owners(lines: Lines, gradients: Mapping[int, Any]) -> dict[Variable, Variable]:
    """Gradient -> the value that it is the gradient of, for the gradients that are values of the program.

    What the forward pass computed keeps its own name, even if it is a gradient too:  Σ sin x ⊙ cos x.
    """
    program = lines.program
    newest = program.outputs[0].tensor.stamp
    values = {v.tensor.stamp: v for v in (*program.leaves, *(e.output for e in program.equations))}
    found: dict[Variable, Variable] = {}
    for stamp, g in gradients.items():
        value = values.get(stamp)
        gradient = values.get(g.stamp) if isinstance(g, Tensor) else None
        if value is None or gradient is None or gradient.equation is None:
            continue
        if gradient.tensor.stamp <= newest:
            continue
        if gradient not in found or gradient.name == f"d{value.name}":
            found[gradient] = value
    return found
