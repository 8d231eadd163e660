"""The pictures of a sweep, with matplotlib: the text of an SVG, the same for the same results."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, isnan, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.experiments.figures import colours, drawn
from minigrad.experiments.numerals import decimals
from minigrad.experiments.sweep.choice import Mean, regularizers
from minigrad.experiments.sweep.grid import described, shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minigrad.experiments.sweep.results import Results

_missing = "#E4E4E4"
_map_width, _map_height = 330, 240
"""Of the heat map, in points."""

_characters, _lines = 50, 18
"""How much text there is room for along the λ axis, and along the keep_prob axis."""


def heat_map(results: Results) -> str:
    """λ against keep_prob, the mean dev cost as colour: the darker, the better.

    Other axes are as in the best cell.

    Raises:  ValueError if λ or keep_prob is no axis, or no cell is finished.
    """
    for name in regularizers:
        if name not in results.axes:
            raise ValueError(f"heat_map: {name} is no axis of this sweep; it has {', '.join(results.axes)}")
    found = _slice(results, ("lambd", "keep_prob"))
    pairs = {(cell["lambd"], cell["keep_prob"]) for cell in results.cells}
    lambdas, keep = (sorted(set(values)) for values in zip(*pairs, strict=True))
    if len(pairs) < len(lambdas) * len(keep):  # random cells
        return _scattered(results, found)
    return _map(results, found, lambdas, keep)


@drawn(6.4, 4.2)
def _map(
    figure: Figure, results: Results, found: list[Mean], lambdas: list[float], keep: list[float]
) -> None:
    axes = figure.subplots()
    costs = np.full((len(keep), len(lambdas)), np.nan)
    for one in found:
        costs[keep.index(one.cell["keep_prob"]), lambdas.index(one.cell["lambd"])] = one.mean[
            results.judged_by
        ]
    scale = _scale(costs[np.isfinite(costs)])
    axes.set_facecolor(_missing)
    mesh = axes.pcolormesh(
        np.arange(len(lambdas) + 1) - 0.5,
        np.arange(len(keep) + 1) - 0.5,
        np.ma.masked_invalid(costs),
        cmap="viridis",
        norm=scale,
        edgecolors="white",
        linewidth=12 / max(8, len(lambdas), len(keep)),
    )
    texts = [_texts(one, results) for one in found]
    size = _size_of(texts, _map_width / len(lambdas), _map_height / len(keep))
    written = size > _smallest
    for one, (cost, error) in zip(found, texts, strict=True):
        if written:
            x, y = lambdas.index(one.cell["lambd"]), keep.index(one.cell["keep_prob"])
            dark = scale(one.mean[results.judged_by]) < 0.6
            style: Any = {"ha": "center", "color": "white" if dark else "black" if cost else "#555555"}
            axes.text(x, y, cost, va="bottom", fontsize=9 * size, **style)
            axes.text(x, y, error, va="top" if cost else "center", fontsize=7 * size, **style)
    for one, style in _marked(results):
        x, y = lambdas.index(one.cell["lambd"]), keep.index(one.cell["keep_prob"])
        axes.add_patch(_box(x, y, style))
    _name_values(axes, lambdas)
    step = ceil(len(keep) / _lines)
    axes.set_yticks(range(0, len(keep), step), [shown(p) for p in keep[::step]])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    known = written and any(not isnan(one.error[results.judged_by]) for one in found)
    notes = [f"± the standard error over {_independent(results)}"] if known else []
    if np.isnan(costs).any() and not (written and len(found) == costs.size):
        notes.append("grey: diverged, or not finished")
    _finish(figure, axes, mesh, results, *notes)


def _marked(results: Results) -> list[tuple[Mean, Any]]:
    """The cells that are marked, and the style of the line."""
    best, chosen = results.best, results.one_standard_error
    return [(best, "-")] if chosen == best else [(chosen, _dashed), (best, "-")]


_dashed: Any = (0, (2, 1.2))


def _independent(results: Results) -> str:
    """What the standard errors are over; see choice.independent."""
    folds = {run.fold for run in results.runs if run.fold is not None}
    return f"{len(folds)} folds" if folds else f"{len({run.seed for run in results.runs})} seeds"


def _name_values(axes: Axes, lambdas: list[float]) -> None:
    """The values of λ below its axis: all, or every second, every third ..., as there is room."""
    names = [shown(value) for value in lambdas]
    if _step(names) > 1:
        short = [shown(float(f"{value:.2g}")) for value in lambdas]
        names = short if len({*short}) == len(names) else names
    step = _step(names)
    axes.set_xticks(range(0, len(names), step), names[::step])


def _step(names: list[str]) -> int:
    return ceil(len(names) * (max(map(len, names)) + 1) / _characters)


def _texts(one: Mean, results: Results) -> tuple[str, str]:
    """What is written into a cell: the cost, and smaller its standard error."""
    cost, error = one.mean[results.judged_by], one.error[results.judged_by]
    if isnan(cost):
        return "", "diverged"
    return decimals(cost), "" if isnan(error) else f"± {decimals(error, digits=2)}"


_smallest = 0.65
"""Smaller than this part of their size numbers would not be read, and are not written."""


def _size_of(texts: list[tuple[str, str]], width: float, height: float) -> float:
    """The part of their size at which all texts fit into cells of so many points."""
    widest = max(max(5.8 * len(cost), 4.5 * len(error)) for cost, error in texts)
    return min(1.0, width / (widest + 3), height / 18)


def _box(x: float, y: float, style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(
        (x - 0.47, y - 0.45),
        0.94,
        0.9,
        fill=False,
        edgecolor=colours["dropout"],
        linewidth=2.4,
        linestyle=style,
    )


@drawn(6.4, 4.2)
def _scattered(figure: Figure, results: Results, found: list[Mean]) -> None:
    axes = figure.subplots()
    place = _logarithmic(axes, [one.cell["lambd"] for one in found])
    x = np.array([place(one.cell["lambd"]) for one in found])
    y = np.array([one.cell["keep_prob"] for one in found])
    costs = np.array([one.mean[results.judged_by] for one in found])
    finite = np.isfinite(costs)
    points = axes.scatter(
        x[finite], y[finite],
        c=costs[finite], cmap="viridis", norm=_scale(costs[finite]), s=60, edgecolor="white", zorder=2,
    )  # fmt: skip
    axes.scatter(x[~finite], y[~finite], c="#888888", marker="x", s=40, zorder=2)
    for one, style in _marked(results):
        axes.scatter(
            [place(one.cell["lambd"])], [one.cell["keep_prob"]],
            s=170, facecolor="none", edgecolor=colours["dropout"], linewidth=2, linestyle=style, zorder=3,
        )  # fmt: skip
    _finish(figure, axes, points, results, *["crosses: diverged"] * (not finite.all()))


def _logarithmic(axes: Axes, lambdas: list[float]) -> Callable[[float], float]:
    """Let the λ axis be logarithmic, with a place for 0 on its left; gives where a λ is."""
    positive = [value for value in lambdas if value > 0]
    if not positive:
        return float
    low, high = min(positive), max(positive)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)[:: 1 + int(log10(high / low)) // 8]
    steps = (1, 2, 5) if high / low < 100 else (1,)
    ticks = [t for t in (s * 10.0**n for n in decades for s in steps) if low / 1.1 <= t <= high * 1.1]
    ticks = ticks if len(ticks) > 1 else [low, high]
    names = [shown(float(f"{t:.2g}")) for t in ticks]
    zero = low / 10 ** max(0.3, log10(high / low) / 6)
    left = low
    if len(positive) < len(lambdas):
        left, ticks, names = zero, [zero, *ticks], ["0", *names]
        axes.axvline(zero**0.5 * low**0.5, color="#999999", linewidth=0.8, linestyle=":")
    margin = 1.1 * (high / left) ** 0.04
    axes.set_xscale("log")
    axes.set_xticks(ticks, names)
    axes.set_xticks([], minor=True)
    axes.set_xlim(left / margin, high * margin)
    return lambda value: value or zero


_wide = 100
"""Numbers that differ by more than this factor are told apart on a logarithmic axis only."""


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten between two numbers, all or some of them.

    >>> _powers(0.3, 1e4), _powers(1, 1e30)
    ([1.0, 10.0, 100.0, 1000.0, 10000.0], [1.0, 1e+06, 1e+12, 1e+18, 1e+24, 1e+30])
    """
    first, last = ceil(log10(low)), floor(log10(high))
    return [10.0**n for n in range(first, last + 1, 1 + (last - first) // 6)]


def _scale(costs: np.ndarray) -> Any:
    """Logarithmic where that can be: next to a diverging corner, good cells should still be told apart."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(costs.min()), float(costs.max())
    kind = LogNorm if low > 0 else Normalize
    return kind(low, high if high > low else low + 1)


def _finish(figure: Figure, axes: Axes, coloured: Any, results: Results, *notes: str) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import MaxNLocator, NullFormatter

    bar = figure.colorbar(coloured, ax=axes, pad=0.02)
    logarithmic = " (log scale)" if isinstance(coloured.norm, LogNorm) else ""
    bar.set_label(f"mean {results.judged_by.replace('_', ' ')}{logarithmic}")
    low, high = coloured.norm.vmin, coloured.norm.vmax
    ticks = [value for value in MaxNLocator(6).tick_values(low, high) if low <= value <= high]
    if logarithmic and high > _wide * low:
        ticks = _powers(low, high)
    bar.set_ticks(ticks, labels=_told_apart(ticks))
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(which="minor", length=0)
    bar.outline.set_visible(False)
    axes.set_xlabel("λ")
    axes.set_ylabel("keep_prob")
    boxed = "outlined: the best cell"
    if results.best != results.one_standard_error:
        boxed += "; dashed: the most regularized within one standard error"
    axes.set_title(_where(results, "\n".join([boxed, *notes]), ("lambd", "keep_prob")), fontsize=9.5)


def _told_apart(values: list[float]) -> list[str]:
    """Numbers with two digits, or as many as it takes to tell them apart.

    >>> _told_apart([0.5, 1]), _told_apart([0.711, 0.714])
    (['0.50', '1.0'], ['0.711', '0.714'])
    """
    written = [[decimals(value, digits) for value in values] for digits in range(2, 8)]
    return next((names for names in written if len({*names}) == len(names)), written[-1])


# ---- from overfitting to underfitting


@drawn(5.6, 3.9)
def curve(figure: Figure, results: Results) -> None:
    """Cost on the training examples and on those held out against λ, its values at equal distances.

    Other axes are as in the best cell.  Bands reach one standard error to each side.

    Raises:  ValueError if λ is no axis, as of random cells there is one λ only, or no cell is finished.
    """
    if "lambd" not in results.axes:
        raise ValueError(f"curve: lambd is no axis of this sweep; it has {', '.join(results.axes)}")
    found = sorted(_slice(results, ("lambd",)), key=lambda one: one.cell["lambd"])
    finite = [i for i, one in enumerate(found) if not isnan(one.mean[results.judged_by])]
    if len(finite) < 2:
        raise ValueError(f"curve: there is one λ only with all else as in the best cell, {results.best}")
    axes = figure.subplots()
    name = results.measures[0]
    for column, style, colour, label in (
        (name, "o-", colours["plain"], "training"),
        (results.judged_by, "o--", colours["L2"], "held out"),
    ):
        mean = np.array([one.mean[column] for one in found])
        spread = np.array([one.error[column] for one in found])
        axes.plot(finite, mean[finite], style, color=colour, markersize=4, label=label)
        axes.fill_between(
            range(len(found)), mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0
        )
    for i in {*range(len(found))} - {*finite}:
        axes.text(i, 0.02, "diverged", rotation=90, ha="center", va="bottom", fontsize=7.5, color="#555555",
                  transform=axes.get_xaxis_transform())  # fmt: skip
    best, chosen = results.best, results.one_standard_error
    axes.axvline(found.index(best), color=colours["dropout"], linewidth=1.4, label="best")
    if chosen != best and chosen in found:
        axes.axvline(
            found.index(chosen), color=colours["dropout"], linewidth=1.4, linestyle=_dashed,
            label="one-standard-error choice",
        )  # fmt: skip
    error = best.error[results.judged_by]
    if not isnan(error):
        bound = best.mean[results.judged_by] + error
        axes.axhline(bound, color="#888888", linewidth=0.9, linestyle=":", label="best + one standard error")
    _regions(axes, [found[i] for i in finite], results)
    _name_values(axes, [one.cell["lambd"] for one in found])
    axes.set_xlim(-0.4, len(found) - 0.6)
    axes.set_xlabel("λ (at equal distances)")
    label = name if name != "cost" else "cost, without the penalty"
    training, dev = ([found[i].mean[column] for i in finite] for column in (name, results.judged_by))
    low, high = min(training + dev), max(training + dev)
    if low > 0 and max(dev) > _wide * min(dev):
        ticks, margin = _powers(low, high), (log10(high) - log10(low)) / 20
        axes.set_ylim(10.0 ** (log10(low) - margin), 10.0 ** min(log10(high) + margin, 308))
        axes.set_yscale("log")
        axes.set_yticks(ticks, [decimals(value, digits=1) for value in ticks])
        axes.set_yticks([], minor=True)
        label += " (log scale)"
    axes.set_ylabel(label)
    where = _where(results, "", ("lambd",))
    bands = "" if isnan(error) else f"bands: ± one standard error over {_independent(results)}"
    axes.set_title("; ".join(filter(None, [where, bands])), fontsize=9.5, pad=18)  # above the ends' names
    figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)


def _regions(axes: Axes, found: list[Mean], results: Results) -> None:
    """An end that is worse than the best by more than one standard error has a name, if the numbers agree."""
    name, dev = results.measures[0], results.judged_by
    best = results.best
    bound = best.mean[dev] + (0.0 if isnan(best.error[dev]) else best.error[dev])
    first, last = found[0], found[-1]
    ends = (
        (first, 0.0, "left", "overfitting: high variance", first.mean[name] < best.mean[name]),
        (last, 1.0, "right", "underfitting: high bias", last.mean[name] > best.mean[name]),
    )
    for end, x, side, text, seen in ends:
        if seen and end.mean[dev] > bound:
            axes.text(
                x, 1.01, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=8.5, color="#555555"
            )


def _slice(results: Results, names: tuple[str, ...]) -> list[Mean]:
    """The cells that differ from the best in these axes only."""
    best = results.best
    others = [name for name in results.axes if name not in names]
    return [one for one in results.means if all(one.cell[name] == best.cell[name] for name in others)]


def _where(results: Results, text: str, names: tuple[str, ...]) -> str:
    others = {name: value for name, value in results.best.cell.items() if name not in names}
    return "\n".join(filter(None, [described(others), text]))
