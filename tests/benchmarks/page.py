"""The tables and the plot of docs/performance.md, from the results of a run: python tests/benchmarks/page.py

What is between the two markers in the page is written here and nowhere else, so that the page, the plot and
results.json say the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engines import by_hand, engines, floor
from plot import draw
from tasks import sizes, tasks, variants, widths

here = Path(__file__).parent
kept = here / "results.json"
docs = here.parent.parent / "docs"
shown = docs / "performance.md"
picture = docs / "images" / "performance.png"
begin, end = "<!-- written by tests/benchmarks/page.py -->", "<!-- as far as here -->"

compiled, compiled_numba, eager = "minigrad, compiled: numpy", "minigrad, compiled: numba", "minigrad, eager"
pytorch = ("PyTorch, torch.nn", "PyTorch, functions")
"""Eager PyTorch is the faster of the two."""

aims: dict[tuple[str, tuple[str, ...]], tuple[float | None, float | None, float | None]] = {
    ("S", (by_hand,)): (0.80, 0.42, 2.0),
    ("S", ("jax.jit",)): (0.6, 0.35, None),
    ("S", pytorch): (0.35, 0.20, 0.8),
    ("M", (by_hand,)): (0.88, 0.80, 1.25),
    ("M", ("jax.jit",)): (1.0, 0.9, None),
    ("M", pytorch): (0.55, 0.5, 0.85),
    ("L", (by_hand,)): (0.75, 0.75, 1.0),
    ("L", ("jax.jit",)): (1.1, 1.1, None),
    ("L", pytorch): (0.7, 0.7, 0.9),
    ("L", (floor,)): (1.35, 1.35, None),
}
"""The largest ratio that is aimed at, of compiled numpy, compiled numba and eager, to the fastest of some."""

compile_aims = {compiled: 0.03, compiled_numba: 3.0}
"""Seconds for S, with empty caches."""


def keep(results: dict[str, Any]) -> None:
    kept.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def write() -> None:
    """Draw the plot, and put the tables between the markers of the page."""
    results = json.loads(kept.read_text(encoding="utf-8"))
    draw(results, picture)
    before, _, after = parts(shown.read_text(encoding="utf-8"))
    shown.write_text(f"{before}\n{tables(results)}\n{after}", encoding="utf-8")


def parts(text: str) -> tuple[str, str, str]:
    """The page up to the line of the first marker, what is between the markers, and the rest."""
    before, first, rest = text.partition(f"{begin}\n")
    between, second, after = rest.partition(end)
    if not first or not second:
        raise ValueError(f"{shown.name}: wanted the lines {begin} and {end}")
    return before + first, between, second + after


def tables(results: dict[str, Any]) -> str:
    """All that is said of the results, in Markdown; what was not measured is left out."""
    done = results["tasks"]
    parts = [
        _conditions(results),
        _shown(done),
        _times("Forward, backward, SGD; L2 and dropout", done, sizes),
        _aims(done),
        _times("The same without dropout", done, (name for name in variants if "no-dropout" in name)),
        _times("Adam instead of SGD", done, (name for name in variants if "adam" in name)),
        _times("Inference: the probabilities", done, (name for name in variants if "inference" in name)),
        _times("Twenty layers", done, ["deep"]),
        _times("Bookkeeping", done, ["XS"]),
        _memory(done),
        _compiling(done),
        _times("Wider and wider", done, widths),
        _left_out(results["left_out"]),
    ]
    return "\n".join(part for part in parts if part)


def _conditions(results: dict[str, Any]) -> str:
    on = results["machine"]
    threads = "one thread" if on["threads"] == 1 else f"{on['threads']} threads"
    threads += " for every engine, on as many cores"
    versions = ", ".join(f"{package} {version}" for package, version in on["versions"].items())
    return (
        f"{on['processor']}, {on['cores']} cores, {on['system']}; Python {on['python']}, {versions};\n"
        f"{threads}, `OPENBLAS_CORETYPE` unset; {results['rounds']} rounds of {results['seconds']:g} s.\n"
    )


def _shown(done: dict[str, Any]) -> str:
    if not any(name in done for name in widths):
        return ""
    what = "Milliseconds per step against the width of the network, both logarithmic, for every engine"
    return f"![{what}](images/{picture.name})\n"


def _times(title: str, done: dict[str, Any], names: Iterable[str]) -> str:
    """A table of engines by tasks: the time of a step, and its ratio to hand-written NumPy."""
    names = [name for name in names if name in done]
    rows = []
    for engine in engines:
        if any(engine in done[name] for name in names):
            cells = [engine]
            for name in names:
                seconds = done[name].get(engine, {}).get("seconds")
                ratio = seconds and f"{seconds / _seconds(done[name], by_hand):.2f}"
                cells += [_time(seconds), ratio] if seconds else ["", ""]
            rows.append(cells)
    heads = [cell for name in names for cell in (f"{name}: {tasks[name]}", "")]
    return _table(title, ["", *heads], rows)


def _aims(done: dict[str, Any]) -> str:
    """Which of the aims are reached."""
    rows = []
    for (name, others), limits in aims.items():
        there = [other for other in others if other in done.get(name, {})]
        if not there:
            continue
        other = min(there, key=lambda engine: _seconds(done[name], engine))
        cells = [f"{name}, to {other}"]
        for engine, limit in zip((compiled, compiled_numba, eager), limits, strict=True):
            if engine in done[name]:
                ratio = _seconds(done[name], engine) / _seconds(done[name], other)
                aim = "" if limit is None else f" (≤ {limit:.2f}{', missed' * (ratio > limit)})"
                cells.append(f"{ratio:.2f}{aim}")
            else:
                cells.append("")
        rows.append(cells)
    return _table("Ratios, and what was aimed at", ["", compiled, compiled_numba, eager], rows)


def _memory(done: dict[str, Any]) -> str:
    names = [name for name in sizes if any("peak" in found for found in done.get(name, {}).values())]
    rows = []
    for engine in engines:
        found = [done[name].get(engine, {}) for name in names]
        if any("peak" in of for of in found):
            rows.append([engine, *(_bytes(of.get(key)) for of in found for key in ("peak", "allocated"))])
    heads = [head for name in names for head in (f"{name}: peak", "allocated per step")]
    return _table("Memory of a step", ["", *heads], rows) + _memory_aim(done)


def _memory_aim(done: dict[str, Any]) -> str:
    """The peak at L against that of eager PyTorch, the smaller of the two."""
    peaks = {name: found["peak"] for name, found in done.get("L", {}).items() if "peak" in found}
    least = min((peaks[name] for name in pytorch if name in peaks), default=None)
    if least is None:
        return ""
    ratios = [
        f"{name} {peaks[name] / least:.2f}{', missed' * (peaks[name] > least)}"
        for name in (compiled, compiled_numba, eager)
        if name in peaks
    ]
    return f"\nThe peak at L, to that of PyTorch eager (the aim is ≤ 1): {'; '.join(ratios)}.\n"


def _compiling(done: dict[str, Any]) -> str:
    """Compile time, that of the first call less an eager one (or, if there is none, a later one)."""
    rows = []
    for name in sizes:
        for engine, found in done.get(name, {}).items():
            if "first" in found:
                plain = done[name].get(engines[engine].eager, {}).get("seconds")
                usual = plain or found["seconds"]
                cold, cached = (max(found[key] - usual, 0) for key in ("first", "first_cached"))
                paid_off = [
                    _steps(cold, other - found["seconds"]) if other else ""
                    for other in (plain, _seconds(done[name], by_hand))
                ]
                aim = compile_aims.get(engine) if name == "S" else None
                said = f" (≤ {_time(aim)}{', missed' * (cold > aim)})" if aim else ""
                rows.append([f"{name}, {engine}", _time(cold) + said, _time(cached), *paid_off])
    heads = ["", "compile time", "in the next process", "paid off to eager after", "to hand-written after"]
    return _table("Compile time, and the steps after which it has paid off", heads, rows)


def _left_out(reasons: dict[str, str]) -> str:
    return "".join(f"Left out: {name}: {reason}.\n" for name, reason in reasons.items())


def _steps(spent: float, saved: float) -> str:
    """After how many steps, each of which saves something, what was spent is regained."""
    return f"{spent / saved:,.0f}" if saved > 0 else "never"


def _seconds(done: dict[str, Any], engine: str) -> float:
    return done[engine]["seconds"]


def _table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    lines = ["|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|" for cells in (heads, *rows)]
    return "\n".join([f"**{title}**", "", lines[0], "|" + "---|" * len(heads), *lines[1:], ""])


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 0.01 else f"{seconds * 1e6:,.0f} µs"


def _bytes(n: float | None) -> str:
    if n is None:
        return ""
    return f"{n / 1e6:,.1f} MB" if n >= 1e6 else f"{n / 1e3:,.0f} kB"


if __name__ == "__main__":
    write()
