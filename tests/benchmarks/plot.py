"""The plot of docs/performance.md: the time of a step against the width of the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from engines import engines, floor, hand_written
from tasks import tasks, widths

styles: dict[str, dict[str, Any]] = {
    hand_written: {"color": "#000000", "linewidth": 2.2},
    floor: {"color": "#000000", "linestyle": ":"},
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
    """Log-log, every line named at its end."""
    from matplotlib.figure import Figure

    names = [name for name in widths if name in results["tasks"]]
    figure = Figure(figsize=(8.2, 5.6), layout="constrained")
    axes = figure.subplots()
    ends = {}
    for engine in engines:
        points = [
            (tasks[name].sizes[0], results["tasks"][name][engine]["seconds"] * 1e3)
            for name in names
            if engine in results["tasks"][name]
        ]
        if points:
            axes.plot(*zip(*points, strict=True), **{"markersize": 4, "linewidth": 1.3, **styles[engine]})
            ends[engine] = points[-1]
    last = max(x for x, _ in ends.values())
    axes.set(xscale="log", yscale="log", xlabel="width", ylabel="milliseconds per step")
    axes.set_xticks([tasks[name].sizes[0] for name in names], [str(tasks[name].sizes[0]) for name in names])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.set_title(f"A training step of {_family(names)}", fontsize=10)
    low, high = np.log(axes.get_ylim())
    order = sorted(ends, key=lambda engine: ends[engine][1])
    heights = _apart([np.log(ends[engine][1]) for engine in order], (high - low) / 24)
    for engine, height in zip(order, heights, strict=True):
        axes.annotate(
            engine,
            ends[engine],
            xytext=(last * 1.18, np.exp(height)),
            color=styles[engine]["color"],
            fontsize=8.5,
            verticalalignment="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": styles[engine]["color"], "linewidth": 0.5},
        )
    figure.savefig(path, dpi=100)


def _family(names: list[str]) -> str:
    task = tasks[names[0]]
    return f"three layers, w-w-w-{task.sizes[-1]}: SGD, L2, dropout, batch {task.batch}, {task.dtype}"


def _apart(heights: list[float], least: float) -> list[float]:
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
