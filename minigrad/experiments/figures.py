"""The report's figures, with matplotlib: each function gives the text of an SVG, the same for the same data.

A colour stands for a model, a solid line for the training set, a dashed one for the dev set.  The hues are
Okabe and Ito's, which colour-blind readers can tell apart; the two sides of a boundary are purple and orange,
and their points differ in shape too.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.data import Dataset
from minigrad.experiments.experiment import Experiment, Trained
from minigrad.experiments.judging import CurveVerdict
from minigrad.experiments.numerals import decimals, strength
from minigrad.experiments.training import probabilities, weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

colours = {"plain": "#4D4D4D", "L2": "#0072B2", "dropout": "#D55E00", "both": "#009E73"}

_points = ("#542788", "#B35806", "#1B7837", "#2166AC", "#8C510A", "#C51B7D", "#4D4D4D")
_tints = ("#D9D3E8", "#FBE0BF", "#CDE7CF", "#CFE1F0", "#EADCC0", "#F5D3E6", "#E0E0E0")
_markers = "^oDsvPX"
_shades = (
    "#B2ABD2",
    "#D0CBE3",
    "#E9E6F1",
    "#FCEBD6",
    "#FDD5A6",
    "#FDB863",
)  # of the likely class, up to certainty


def installed() -> bool:
    """Whether matplotlib is there; without it there are no figures."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


_long_number = re.compile(r"(?<=[ML \n\"])(-?\d+\.\d\d)\d+(?=[ \n\"])")
"""A coordinate with more digits than a picture needs; the factors of scale(...) are left alone."""


def drawn(width: float, height: float) -> Callable[[Callable[..., None]], Callable[..., str]]:
    """Decorator: what draws on a Figure becomes a function that gives the SVG; no global state is changed."""

    def decorator(draw: Callable[..., None]) -> Callable[..., str]:
        @wraps(draw)
        def svg(*args: Any, **options: Any) -> str:
            from matplotlib.backends.backend_svg import FigureCanvasSVG
            from matplotlib.figure import Figure

            with _style(), warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", "Glyph .* missing"
                )  # a name in a script that the font lacks
                figure = Figure(figsize=(width, height), layout="constrained")
                draw(figure, *args, **options)
                text = io.StringIO()
                FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Creator": None})
            return _long_number.sub(r"\1", text.getvalue())

        return svg

    return decorator


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib as mpl

    style: Any = {
        "svg.hashsalt": "minigrad",  # ids that are the same in every run
        "font.family": ["DejaVu Sans"],
        "font.size": 10,
        "axes.titlesize": 10.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": "#777777",
        "xtick.color": "#444444",
        "ytick.color": "#444444",
        "legend.frameon": False,
        "text.parse_math": False,  # a $ in a name is a $
        "lines.linewidth": 1.8,
    }
    with mpl.rc_context():
        mpl.rcdefaults()  # not the reader's own matplotlibrc
        mpl.rcParams.update(style)
        yield


# ---- decision boundaries


@drawn(4.2, 3.9)
def boundary(figure: Figure, dataset: Dataset, model: Trained, *, name: str = "") -> None:
    """Where the model changes its mind, on the plane of the two features, with training examples."""
    axes = figure.subplots()
    _plane(axes, dataset, model)
    axes.set_title(
        f"{name or model.name}: training {100 * model.accuracy:.1f} %, dev {100 * model.accuracy_dev:.1f} %",
        color=colours["L2" if name else model.name],
        fontweight="bold",
    )
    axes.set_xlabel(dataset.feature_names[0])
    axes.set_ylabel(dataset.feature_names[1])
    handles, labels = axes.get_legend_handles_labels()
    if 0 < len(labels) <= 8:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(len(labels), 4), handletextpad=0.2
        )


most_points = 1000
"""How many training examples are drawn."""


def _plane(axes: Axes, dataset: Dataset, model: Trained) -> None:
    X = dataset.X * dataset.scale + dataset.shift  # in the original units
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.05 * np.where(high > low, high - low, 1.0)
    low, high = low - margin, high + margin
    x1, x2 = (np.linspace(low[i], high[i], 201) for i in range(2))
    grid = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    a = probabilities(model.model, (grid - dataset.shift) / dataset.scale)
    if a.shape[1] == 1:
        a = a.reshape(len(x2), len(x1))
        axes.contourf(x1, x2, a, levels=[0, 0.05, 0.2, 0.5, 0.8, 0.95, 1], colors=_shades)
        if a.min() < 0.5 < a.max():
            axes.contour(x1, x2, a, levels=[0.5], colors="black", linewidths=1.8)
        codes = dataset.y[:, 0]
    else:
        for i, likelihood in enumerate(a.T):
            lead = (likelihood - np.delete(a, i, axis=1).max(axis=1)).reshape(len(x2), len(x1))
            if lead.max() > 0:
                axes.contourf(x1, x2, lead, levels=[0, 1], colors=[_tints[i % len(_tints)]])
            if lead.min() < 0 < lead.max():
                axes.contour(x1, x2, lead, levels=[0], colors="black", linewidths=1.0)
        codes = dataset.y
    X, codes = X[:most_points], codes[:most_points]
    for i, name in enumerate(dataset.classes):
        x, y = X[codes == i].T
        style: dict[str, Any] = {"marker": _markers[i % len(_markers)], "color": _points[i % len(_points)]}
        label = name if len(name) <= 20 else f"{name[:19]}…"
        axes.scatter(x, y, s=20, edgecolor="white", linewidth=0.6, label=label, zorder=3, **style)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])


# ---- costs


@drawn(5.2, 3.5)
def costs(figure: Figure, experiment: Experiment) -> None:
    """J of every step, as gradient descent sees it: with the penalty, with dropout."""
    axes = figure.subplots()
    for model in experiment.models:
        if model.keep_prob < 1:  # every step has other masks: the cost jumps
            axes.plot(*_thinned(model.costs), color=colours[model.name], alpha=0.25, linewidth=0.7)
            axes.plot(
                *_smoothed(model.costs), color=colours[model.name], label=f"{model.name} (running median)"
            )
        else:
            axes.plot(*_thinned(model.costs), color=colours[model.name], label=model.name)
    axes.set_yscale("log")
    _plain_ticks(axes, [model.costs for model in experiment.models])
    axes.set_xlim(0, experiment.setting.steps)
    axes.set_xlabel("steps of gradient descent")
    axes.set_ylabel("cost J in training mode (log scale)")
    figure.legend(loc="outside lower center", ncols=2)


def _thinned(y: np.ndarray, points: int = 800) -> tuple[np.ndarray, np.ndarray]:
    x = np.unique(np.linspace(0, len(y) - 1, points).astype(int))
    return x, y[x]


def _smoothed(y: np.ndarray, points: int = 120) -> tuple[np.ndarray, np.ndarray]:
    parts = [part for part in np.array_split(np.arange(len(y)), points) if len(part)]
    return np.array([part.mean() for part in parts]), np.array([np.median(y[part]) for part in parts])


@drawn(5.2, 4.6)
def overfitting(figure: Figure, experiment: Experiment) -> None:
    """Cross-entropy on both sets while each model is trained, dropout off; the gap is what is overfitted."""
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    for axes, model in zip(panels.flat, experiment.models, strict=True):
        steps, on_training, on_dev = model.watched.T
        colour = colours[model.name]
        axes.plot(steps, on_training, color=colour, label="training set")
        axes.plot(steps, on_dev, color=colour, linestyle=(0, (4, 1.5)), label="dev set")
        axes.fill_between(steps, on_training, on_dev, color=colour, alpha=0.12, linewidth=0)
        axes.set_title(model.name, color=colour, fontweight="bold")
        axes.set_yscale("log")
        upper = max(on_training[-1], on_dev[-1])
        for line, text in ((on_training, "training"), (on_dev, "dev")):
            above = line[-1] == upper
            axes.annotate(
                f"{text} {decimals(line[-1], digits=2)}",
                (steps[-1], line[-1]),
                (-2, 4 if above else -5),
                textcoords="offset points",
                ha="right",
                va="bottom" if above else "top",
                fontsize=8.5,
                color="#333333",
            )
    watched = [model.watched[:, 1:] for model in experiment.models]
    _plain_ticks(panels[0, 0], watched)
    low, high = max(min(w.min() for w in watched), 1e-12), max(w.max() for w in watched)
    panels[0, 0].set_ylim(low / 2.5, high * 1.6)
    panels[0, 0].set_xlim(0, experiment.setting.steps)
    figure.supxlabel("steps of gradient descent", fontsize=10)
    figure.supylabel("cross-entropy (log scale)", fontsize=10)


def _plain_ticks(axes: Axes, values: Sequence[np.ndarray]) -> None:
    """Ticks at 1, 2, 5, written out, on a logarithmic y axis."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = max(min(v.min() for v in values), 1e-12), max(v.max() for v in values)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    ticks = [s * 10.0**e for e in range(-12, 13) for s in steps if low / 1.5 <= s * 10.0**e <= high * 1.5]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: strength(value)))


# ---- weights


@drawn(5.2, 4.6)
def weight_histograms(figure: Figure, experiment: Experiment) -> None:
    """How large the weights of the four models are; all layers together, biases left out."""
    panels = figure.subplots(len(experiment.models), 1, sharex=True, sharey=True)
    found = [np.concatenate([W.data.ravel() for W in weights(model.model)]) for model in experiment.models]
    largest = max(float(np.abs(w).max()) for w in found)
    bins = np.linspace(-largest, largest, 42)
    for axes, model, w in zip(panels, experiment.models, found, strict=True):
        axes.hist(w, bins=bins, color=colours[model.name])
        axes.set_yscale("symlog", linthresh=1)
        axes.set_yticks([0, 1, 10, 100], ["0", "1", "10", "100"])
        axes.yaxis.set_minor_locator(_no_ticks())
        axes.text(
            0.01,
            0.93,
            model.name,
            transform=axes.transAxes,
            va="top",
            fontweight="bold",
            color=colours[model.name],
        )
        axes.text(0.99, 0.93, f"‖W‖ = {model.norm:.2f}", transform=axes.transAxes, va="top", ha="right")
    panels[-1].set_xlabel("weight")
    figure.supylabel("number of weights (log scale)", fontsize=10)


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


# ---- the curve of λ


@drawn(5.2, 6.6)
def lambda_curve(figure: Figure, curve: Sequence[Trained], verdict: CurveVerdict, *, used: float) -> None:
    """Accuracy, cross-entropy and the size of the weights against λ, its values at equal distances."""
    panels = figure.subplots(3, 1, sharex=True, height_ratios=[1.2, 1.2, 1])
    x = np.arange(len(curve))
    colour, dashed = colours["L2"], (0, (4, 1.5))
    panels[0].plot(
        x, [100 * m.accuracy for m in curve], "o-", color=colour, markersize=4, label="training set"
    )
    panels[0].plot(
        x,
        [100 * m.accuracy_dev for m in curve],
        "o",
        linestyle=dashed,
        color=colour,
        markersize=4,
        label="dev set",
    )
    panels[0].set_ylabel("accuracy in %")
    panels[1].plot(x, [m.cross_entropy for m in curve], "o-", color=colour, markersize=4)
    panels[1].plot(x, [m.cross_entropy_dev for m in curve], "o", linestyle=dashed, color=colour, markersize=4)
    panels[1].set_ylabel("cross-entropy")
    panels[1].set_ylim(bottom=0)
    panels[2].plot(x, [m.norm for m in curve], "o-", color=colour, markersize=4)
    panels[2].set_ylabel("‖W‖")
    panels[2].set_ylim(bottom=0)
    panels[2].set_xlabel("λ")
    panels[2].set_xticks(x, [strength(m.lambd) for m in curve], fontsize=9)
    best = verdict.best
    too_small, too_large = (-0.5, best - 0.5), (best + 0.5, len(curve) - 0.5)
    here = [i for i, m in enumerate(curve) if m.lambd == used]
    for axes in panels:
        if verdict.too_small:
            axes.axvspan(*too_small, color="#EDEDED", linewidth=0)
        if verdict.too_large:
            axes.axvspan(*too_large, color="#F7E9DC", linewidth=0)
        axes.set_xlim(-0.5, len(curve) - 0.5)
        for i in here:
            axes.axvline(i, color="#555555", linestyle=":", linewidth=1.2)
    for (start, end), seen, text in (
        (too_small, verdict.too_small, "too small"),
        (too_large, verdict.too_large, "too large"),
    ):
        if seen and end - start >= 2:
            panels[0].text(
                (start + end) / 2,
                1.0,
                text,
                transform=panels[0].get_xaxis_transform(),
                ha="center",
                va="bottom",
            )
    panels[0].legend(*panels[0].get_legend_handles_labels(), loc="lower left")
