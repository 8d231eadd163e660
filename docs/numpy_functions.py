"""Writes docs/numpy-functions.md from the table: python docs/numpy_functions.py"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.fft

from minigrad import derivatives
from minigrad.derivatives.piecewise_constant import flat
from minigrad.not_supported import of_no_arrays, reason
from minigrad.table import compositions, name_of, on_demand, table
from minigrad.tensor import answers

for rows in on_demand.values():
    import_module(rows)

modules = {"NumPy": np, "np.linalg": np.linalg, "np.fft": numpy.fft}

folder = Path(derivatives.__file__).parent
page = Path(__file__).with_name("numpy-functions.md")

topics = {
    "Elementwise functions": ("arithmetic", "further/ufuncs", "choices"),
    "Complex numbers": ("complex_numbers",),
    "Reductions and statistics": (
        "reductions",
        "further/statistics",
        "further/nan_functions",
        "further/ordering",
    ),
    "Running sums, differences, areas": ("further/cumulative",),
    "Products": ("matrices", "further/products"),
    "Shapes, joining, rearranging": ("shapes", "further/joining", "further/rearranging", "further/padding"),
    "Picking and diagonals": ("further/picking", "further/diagonals"),
    "Grids, interpolation, polynomials": ("further/grids", "further/interpolation", "further/polynomials"),
    "Linear algebra": ("further/linear_algebra", "further/factorizations"),
    "Fourier transforms": ("further/fourier",),
}
"""Title -> files of minigrad/derivatives."""

more = {
    "Complex numbers": "[Complex numbers](complex-numbers.md): the convention.",
    "Products": "[Convolution](convolution.md): `np.einsum` and windows.",
    "Linear algebra": "[Linear algebra](linear-algebra.md): vectors, singular matrices, norms.",
    "Fourier transforms": "[Fourier transforms](linear-algebra.md#fourier-transforms): their gradient.",
}

head = """# NumPy's functions

Every public function of NumPy {version}, and what it is on a Tensor. The page is made from the table, by
`python docs/numpy_functions.py`; a test compares the two, and calls what is not supported.

| on a Tensor | functions | |
|---|---:|---|
| [differentiable](#differentiable) | {differentiable} | a [row](tensor-and-table.md#rows), or composed |
| [piecewise constant](#piecewise-constant) | {flat} | recorded, and without a gradient, by design |
| [an answer](#answers) | {answer} | indices, counts, truth: given as NumPy gives it |
| [not supported](#not-supported) | {unsupported} | raises where a gradient would be lost |
| [of no arrays](#of-no-arrays) | {of_none} | of shapes, numbers, types, files and settings |

Beside these there are indexing, `t[...]`, `np.lib.stride_tricks.sliding_window_view`, and the
[methods of ufuncs](tensor-and-table.md#methods-of-ufuncs), `np.add.reduce` and the like. Kinks, ties and
zeros: [Tensors and the table](tensor-and-table.md#kinks-ties-and-edges). In brackets stand other names of the
same function. What is in `np.emath`, `np.ma`, `np.polynomial` and `np.random` works with arrays of its own: a
Tensor that needs a gradient is refused there.
"""


methods = """### Methods of ufuncs

`reduce`, `accumulate`, `reduceat`, `outer` of {binary}; `outer` of {outer} too. `at`, which changes an array
in place, is not supported. [What they are, and their keywords](tensor-and-table.md#methods-of-ufuncs).
"""


def public(module: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions of a module, each once, under the name that it calls itself by."""
    seen = set()
    for name in sorted(module.__all__):
        function = getattr(module, name)
        is_function = callable(function) and hasattr(function, "__name__") and not isinstance(function, type)
        is_function = is_function or function is np.vectorize  # a class that is used as one
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


def topic(function: Callable[..., Any]) -> str:
    """The title under which a differentiable function stands, by the file of its composition or rules."""
    written = [compositions[function]] if function in compositions else table[function].written.values()
    rule = next(rule for rule in written if rule is not None)
    file = Path(getattr(rule, "func", rule).__code__.co_filename).relative_to(folder).with_suffix("")
    titles = [title for title, files in topics.items() if file.as_posix() in files]
    assert len(titles) == 1, f"{file}.py should stand under one of the topics in docs/numpy_functions.py"
    return titles[0]


def other_names(module: Any) -> dict[Callable[..., Any], list[str]]:
    """Function -> its other public names, without the module."""
    names: dict[Callable[..., Any], list[str]] = {}
    for name in sorted(module.__all__):
        function = getattr(module, name)
        if callable(function) and not isinstance(function, type):
            names.setdefault(function, []).append(name)
    return {
        f: [name for name in all_of if not name_of(f).endswith("." + name)] for f, all_of in names.items()
    }


def text() -> str:
    """The page."""
    known = {name: f for module in modules.values() for name, f in public(module)}
    others = {f: names for module in modules.values() for f, names in other_names(module).items()}
    of_kind: dict[str, dict[str, str]] = {}
    for name, function in known.items():
        kind, why = status(name, function)
        of_kind.setdefault(kind, {})[name] = why

    def listed(names: Iterable[str]) -> str:
        """Names in the order of the alphabet, NumPy's own before those of its modules."""
        ordered = sorted(names, key=lambda name: (name.count("."), name))
        aliases = {n: ", ".join(f"`{x}`" for x in others.get(known[n], [])) for n in ordered}
        return ", ".join(f"`{n}`" + (f" ({aliases[n]})" if aliases[n] else "") for n in ordered)

    lines = [
        head.format(
            version=".".join(np.__version__.split(".")[:2]),
            differentiable=len(of_kind["differentiable"]),
            flat=len(of_kind["piecewise constant"]),
            answer=len(of_kind["an answer"]),
            unsupported=len(of_kind["not supported"]),
            of_none=len(of_kind["of no arrays"]),
        ),
        "## Differentiable\n",
    ]
    for title, files in topics.items():
        here = {name: how for name, how in of_kind["differentiable"].items() if topic(known[name]) == title}
        sources = ", ".join(f"[{Path(file).name}.py](../minigrad/derivatives/{file}.py)" for file in files)
        lines.append(f"### {title}\n")
        for how, kind in (("a row", "Rows"), ("a composition", "Composed")):
            if names := [name for name in here if here[name] == how]:
                lines.append(f"{kind}: {listed(names)}.\n")
        lines.append(f"In {sources}. {more.get(title, '')}".rstrip() + "\n")
    binary = [
        n for n in of_kind["differentiable"] if getattr(known[n], "nin", 0) == 2 and not known[n].signature
    ]
    rows = [name for name in binary if known[name] in table]
    lines.append(methods.format(binary=listed(rows), outer=listed({*binary} - {*rows})))
    for title, kind in (("Piecewise constant", "piecewise constant"), ("Answers", "an answer")):
        lines.append(f"## {title}\n\n{listed(of_kind[kind])}.\n")
    lines += ["## Not supported\n", "| functions | why, and what to do |", "|---|---|"]
    why_not = of_kind["not supported"]
    for why in sorted(set(why_not.values()), key=lambda why: min(n for n in why_not if why_not[n] == why)):
        lines.append(f"| {listed(name for name in why_not if why_not[name] == why)} | {why} |")
    lines.append(f"\n## Of no arrays\n\n{listed(of_kind['of no arrays'])}.\n")
    return "\n".join(lines)


if __name__ == "__main__":
    page.write_text(text(), encoding="utf-8")
