"""Writes docs/numpy-functions.md from the table: python docs/numpy_functions.py"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.fft

import minigrad  # noqa: F401  (fills the table)
from minigrad.derivatives.piecewise_constant import flat
from minigrad.not_supported import of_no_arrays, reason
from minigrad.table import compositions, name_of, on_demand, table
from minigrad.tensor import answers

for rows in on_demand.values():
    import_module(rows)

modules = {"NumPy": np, "np.linalg": np.linalg, "np.fft": numpy.fft}

page = Path(__file__).with_name("numpy-functions.md")

head = """# NumPy's functions

Every public function of NumPy {version}, and what it is on a Tensor. The page is made from the table, by
`python docs/numpy_functions.py`; a test compares the two, and calls what is not supported.

- **differentiable** ({differentiable}): it has a row in [the table](tensor-and-table.md), or is composed of
  functions that have one;
- **piecewise constant** ({flat}): the result is recorded, and has no gradient, by design;
- **an answer** ({answer}): indices, counts, truth, an empty array of the same shape: given as NumPy gives it;
- **not supported** ({unsupported}): on a Tensor that needs a gradient it raises, with the reason that stands
  here;
- **of no arrays** ({of_none}): it makes arrays of numbers and shapes, or is about types, files and settings.

Edges (kinks, ties, zeros) stand in [Tensor and table](tensor-and-table.md#kinks-ties-and-edges). Of a ufunc's
methods there are `reduce` and `accumulate` of sums, products and extremes, and `outer` of every
differentiable function of two arrays.
"""


def public(module: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions of a module, each once, under the name that it calls itself by."""
    seen = set()
    for name in sorted(module.__all__):
        function = getattr(module, name)
        is_function = callable(function) and hasattr(function, "__name__") and not isinstance(function, type)
        if is_function and function not in seen:
            seen.add(function)
            yield name_of(function), function


def status(name: str, function: Callable[..., Any]) -> tuple[str, str]:
    """What a function is on a Tensor, and why."""
    if function in flat or (function in table and table[function].constant):
        return "piecewise constant", ""
    if function in compositions:
        return "differentiable", "a composition"
    if function in table:
        return "differentiable", "a row"
    if function in answers:
        return "an answer", ""
    if name in of_no_arrays:
        return "of no arrays", ""
    return "not supported", reason(name)


def text() -> str:
    """The page."""
    of = {
        title: [(name, *status(name, function)) for name, function in public(module)]
        for title, module in modules.items()
    }
    every = [entry for entries in of.values() for entry in entries]

    def count(kind: str) -> int:
        return sum(entry[1] == kind for entry in every)

    lines = [
        head.format(
            version=".".join(np.__version__.split(".")[:2]),
            differentiable=count("differentiable"),
            flat=count("piecewise constant"),
            answer=count("an answer"),
            unsupported=count("not supported"),
            of_none=count("of no arrays"),
        )
    ]
    for title, entries in of.items():
        lines += [f"## {title}", "", "| | | |", "|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {why} |" for name, kind, why in sorted(entries)]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    page.write_text(text(), encoding="utf-8")
