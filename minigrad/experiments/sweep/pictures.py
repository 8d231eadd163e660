"""The pictures of a sweep, with matplotlib: the text of an SVG, the same for the same results."""

from __future__ import annotations

from math import ceil, isnan
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
_most_columns, _most_rows = 10, 12
"""With more values of λ, or of keep_prob, no numbers are written into the map: they would overlap."""

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
        linewidth=1.5,
    )
    if len(lambdas) <= _most_columns and len(keep) <= _most_rows:
        for one in found:
            _write(
                axes, one, results, lambdas.index(one.cell["lambd"]), keep.index(one.cell["keep_prob"]), scale
            )
    for one, style in ((results.one_standard_error, (0, (2, 1.2))), (results.best, "-")):
        x, y = lambdas.index(one.cell["lambd"]), keep.index(one.cell["keep_prob"])
        axes.add_patch(_box(x, y, style))
    _name_values(axes, lambdas)
    step = ceil(len(keep) / _lines)
    axes.set_yticks(range(0, len(keep), step), [shown(p) for p in keep[::step]])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    _finish(figure, axes, mesh, results)


def _name_values(axes: Axes, lambdas: list[float]) -> None:
    """The values of λ below its axis: all, or every second, every third ..., as there is room."""
    names = [shown(value) for value in lambdas]
    step = ceil(len(names) * (max(map(len, names)) + 1) / _characters)
    axes.set_xticks(range(0, len(names), step), names[::step])


def _write(axes: Axes, one: Mean, results: Results, x: int, y: int, scale: Any) -> None:
    cost, error = one.mean[results.judged_by], one.error[results.judged_by]
    if isnan(cost):
        axes.text(x, y, "diverged", ha="center", va="center", fontsize=7.5, color="#555555")
        return
    colour = "white" if scale(cost) < 0.6 else "black"
    axes.text(x, y, decimals(cost), ha="center", va="bottom", fontsize=9, color=colour)
    if not isnan(error):
        axes.text(x, y, f"± {decimals(error, digits=2)}", ha="center", va="top", fontsize=7, color=colour)


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
    finite = [one for one in found if not isnan(one.mean[results.judged_by])]
    x, y = (np.array([one.cell[name] for one in finite]) for name in ("lambd", "keep_prob"))
    costs = np.array([one.mean[results.judged_by] for one in finite])
    if (x > 0).all():
        axes.set_xscale("log")
    points = axes.scatter(
        x, y, c=costs, cmap="viridis", norm=_scale(costs), s=60, edgecolor="white", zorder=2
    )
    for one, style in ((results.one_standard_error, ":"), (results.best, "-")):
        axes.scatter(
            [one.cell["lambd"]], [one.cell["keep_prob"]],
            s=170, facecolor="none", edgecolor=colours["dropout"], linewidth=2, linestyle=style, zorder=3,
        )  # fmt: skip
    _plain_lambdas(axes, x)
    _finish(figure, axes, points, results)


def _plain_lambdas(axes: Axes, x: np.ndarray) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    if (x > 0).all():
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, position: shown(float(value))))
        axes.xaxis.set_minor_formatter(NullFormatter())


def _scale(costs: np.ndarray) -> Any:
    """Logarithmic where that can be: next to a diverging corner, good cells should still be told apart."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(costs.min()), float(costs.max())
    kind = LogNorm if low > 0 else Normalize
    return kind(low, high if high > low else low + 1)


def _finish(figure: Figure, axes: Axes, coloured: Any, results: Results) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

    bar = figure.colorbar(coloured, ax=axes, pad=0.02)
    bar.set_label(f"mean {results.judged_by.replace('_', ' ')}")
    bar.locator = MaxNLocator(6)
    bar.formatter = FuncFormatter(lambda value, position: decimals(value, digits=2))
    bar.update_ticks()
    bar.ax.yaxis.set_minor_formatter(NullFormatter())
    bar.ax.tick_params(which="minor", length=0)
    bar.outline.set_visible(False)
    axes.set_xlabel("λ")
    axes.set_ylabel("keep_prob")
    same = results.best == results.one_standard_error
    boxed = "outlined: the best cell" + (
        "" if same else "; dashed: the most regularized within one standard error"
    )
    axes.set_title(_where(results, boxed, ("lambd", "keep_prob")), fontsize=9.5)


# ---- from overfitting to underfitting


@drawn(5.6, 3.9)
def curve(figure: Figure, results: Results) -> None:
    """Cost on the training examples and on those held out against λ, its values at equal distances.

    Other axes are as in the best cell.  Bands reach one standard error to each side.

    Raises:  ValueError if λ is no axis, as of random cells there is one λ only, or no cell is finished.
    """
    if "lambd" not in results.axes:
        raise ValueError(f"curve: lambd is no axis of this sweep; it has {', '.join(results.axes)}")
    found = sorted(
        (one for one in _slice(results, ("lambd",)) if not isnan(one.mean[results.judged_by])),
        key=lambda one: one.cell["lambd"],
    )
    if len(found) < 2:
        raise ValueError(f"curve: there is one λ only with all else as in the best cell, {results.best}")
    axes = figure.subplots()
    x = np.arange(len(found))
    name = results.measures[0]
    for column, style, colour, label in (
        (name, "o-", colours["plain"], "training"),
        (results.judged_by, "o--", colours["L2"], "held out"),
    ):
        mean = np.array([one.mean[column] for one in found])
        spread = np.array([one.error[column] for one in found])
        axes.plot(x, mean, style, color=colour, markersize=4, label=label)
        axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.18, linewidth=0)
    best, chosen = results.best, results.one_standard_error
    at = found.index(best)
    axes.axvline(at, color=colours["dropout"], linewidth=1.4, label="best")
    error = best.error[results.judged_by]
    if not isnan(error):
        bound = best.mean[results.judged_by] + error
        axes.axhline(bound, color="#888888", linewidth=0.9, linestyle=":", label="best + one standard error")
        within = [i for i, one in enumerate(found) if i > at and one.mean[results.judged_by] <= bound]
        if within and chosen in found:
            axes.axvline(
                found.index(chosen), color=colours["dropout"], linewidth=1.4, linestyle=(0, (2, 1.2)),
                label="one-standard-error choice",
            )  # fmt: skip
    _regions(axes, found, at, results)
    _name_values(axes, [one.cell["lambd"] for one in found])
    axes.set_xlim(-0.4, len(found) - 0.6)
    axes.set_xlabel("λ")
    axes.set_ylabel(name if name != "cost" else "cost, without the penalty")
    axes.set_title(_where(results, "", ("lambd",)), fontsize=9.5, pad=18)  # above the names of the ends
    figure.legend(loc="outside lower center", ncols=3, fontsize=8.5)


def _regions(axes: Axes, found: list[Mean], at: int, results: Results) -> None:
    """An end that is worse than the best by more than one standard error has a name, if the numbers agree."""
    name, dev = results.measures[0], results.judged_by
    best = found[at]
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
