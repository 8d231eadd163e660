"""The plot of docs/performance.md: the time of a step against the width of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from engines import by_hand, engines, floor
from tasks import tasks, widths

styles: dict[str, dict[str, Any]] = {
    by_hand: {"color": "#000000", "linewidth": 2.2},
    floor: {"color": "#000000", "linestyle": ":"},
    "a bare tape": {"color": "#000000", "linestyle": "--", "linewidth": 0.9},
    "minigrad, compiled: numba": {"color": "#D55E00", "linewidth": 2.2, "marker": "o"},
    "minigrad, compiled: numpy": {"color": "#D55E00", "linewidth": 2.2, "linestyle": "--", "marker": "s"},
    "minigrad, eager": {"color": "#D55E00", "marker": "^"},
    "minigrad, eager, functions": {"color": "#D55E00", "linestyle": ":", "marker": "v"},
    "torch.compile": {"color": "#0072B2", "linestyle": "--", "marker": "s"},
    "PyTorch, torch.nn": {"color": "#0072B2", "marker": "^"},
    "PyTorch, functions": {"color": "#0072B2", "linestyle": ":", "marker": "v"},
    "jax.jit": {"color": "#009E73", "linestyle": "--", "marker": "s"},
    "autograd": {"color": "#CC79A7", "marker": "D"},
    "MyGrad": {"color": "#8A7A00", "marker": "X"},
}
"""A hue of Okabe and Ito's for each library, which colour-blind readers can tell apart, and another mark for
each way of using it."""


def draw(results: dict[str, Any], path: Path) -> None:
    """Log-log, every line named where it begins, since at large widths all of them come together."""
    from matplotlib.figure import Figure

    names = [name for name in widths if name in results["tasks"]]
    figure = Figure(figsize=(8.2, 5.6), layout="constrained")
    axes = figure.subplots()
    begins = {}
    for engine in engines:
        points = [
            (tasks[name].sizes[0], results["tasks"][name][engine]["seconds"] * 1e3)
            for name in names
            if engine in results["tasks"][name]
        ]
        if points:
            axes.plot(*zip(*points, strict=True), **{"markersize": 4, "linewidth": 1.3, **styles[engine]})
            begins[engine] = points[0]
    ticks = [tasks[name].sizes[0] for name in names]
    axes.set(xscale="log", yscale="log", xlabel="width w", ylabel="milliseconds per step")
    axes.set_xlim(ticks[0] / 13, ticks[-1] * 1.15)
    axes.set_xticks(ticks, map(str, ticks))
    axes.tick_params(axis="x", which="minor", bottom=False)
    axes.yaxis.tick_right()
    axes.yaxis.set_label_position("right")
    axes.spines[["top", "left"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_title(f"A training step of {_family(names)}", fontsize=10)
    low, high = np.log(axes.get_ylim())
    order = sorted(begins, key=lambda engine: begins[engine][1])
    heights = apart([np.log(begins[engine][1]) for engine in order], (high - low) / 26)
    for engine, height in zip(order, heights, strict=True):
        x, y = begins[engine]
        look = {"color": styles[engine]["color"]}
        axes.plot([x / 1.06, x / 1.3], [y, np.exp(height)], linewidth=0.6, **look)
        axes.text(
            x / 1.35,
            np.exp(height),
            engine,
            fontsize=8.5,
            horizontalalignment="right",
            verticalalignment="center",
            **look,
        )
    figure.savefig(path, dpi=100)


def _family(names: list[str]) -> str:
    task = tasks[names[0]]
    return f"three layers, w-w-w-{task.sizes[-1]}: SGD, L2, dropout, batch {task.batch}, {task.dtype}"


def apart(heights: list[float], least: float) -> list[float]:
    """Increasing heights, moved apart until there is room for a line of text between each two."""
    moved = np.array(heights)
    for _ in range(1000):
        gaps = np.diff(moved)
        close = np.flatnonzero(gaps < least * 0.999)
        for i in close:
            push = (least - (moved[i + 1] - moved[i])) / 2
            moved[i] -= push
            moved[i + 1] += push
        if not close.size:
            break
    return list(moved)
