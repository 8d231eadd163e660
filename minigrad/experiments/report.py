"""report.html: what was done and what came out, in words, equations, tables and pictures, in one file."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from minigrad.experiments import explanation, figures, page, tables
from minigrad.experiments.gradient_table import Gradient
from minigrad.experiments.graphs import ModelGraph
from minigrad.experiments.regularization import Experiment, Trained, changed_answers, claims, verdicts
from minigrad.experiments.study import Study


@dataclass(frozen=True, eq=False)
class Pictures:
    """What there is to see.

    figures   SVG texts by file name, without the suffix; empty if matplotlib is missing
    graphs    by the model's name and the mode, "train" or "eval"
    """

    figures: Mapping[str, str]
    graphs: Mapping[tuple[str, str], ModelGraph]


def draw_figures(studies: Sequence[Study]) -> dict[str, str]:
    """Every figure of the report, by its name."""
    drawn = {}
    for study in studies:
        experiment, name = study.experiment, _file_name(study)
        if experiment.dataset.n_in == 2:
            for model in experiment.models:
                drawn[f"boundary_{model.name}_{name}"] = figures.boundary(experiment.dataset, model)
        drawn[f"overfitting_{name}"] = figures.overfitting(experiment)
        drawn[f"costs_{name}"] = figures.costs(experiment)
        drawn[f"weights_{name}"] = figures.weight_histograms(experiment)
        if len(study.curve) > 2:
            drawn[f"lambda_curve_{name}"] = figures.lambda_curve(study.curve, used=experiment.setting.lambd)
            for number, model in enumerate(_strip(study)):
                if experiment.dataset.n_in == 2:
                    drawn[f"lambda_boundary_{number}_{name}"] = figures.boundary(
                        experiment.dataset, model, name=f"λ = {model.lambd:g}"
                    )
    return drawn


def _file_name(study: Study) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in study.experiment.dataset.name)


def _strip(study: Study) -> list[Trained]:
    """A few λ from the least to the largest, the best on the dev set among them."""
    curve = study.curve
    best, last = figures.best_on_dev(curve), len(curve) - 1
    places = {0, best // 3, 2 * best // 3, best, min(best + 1, last), last}
    return [curve[i] for i in sorted(places)]


# ---- the page


def report(
    studies: Sequence[Study], pictures: Pictures, *, command: str, files: Sequence[str], chosen_seed: bool
) -> str:
    """The page.

    command      what a reader types to make it again
    files        the names of the tables that lie beside it
    chosen_seed  whether the seed is the default one, which was chosen: the page says so
    """
    several = studies[0].experiment.dataset.n_out > 1
    parts = [
        _Part("what", "What was done", explanation.set_up([study.experiment for study in studies])),
        _Part("methods", "What the two methods change", explanation.methods(several_classes=several)),
    ]
    for i, study in enumerate(studies):
        heading = (
            f"{'What came of it on' if i == 0 else 'The same on'} “{escape(tables.title(study.experiment))}”"
        )
        parts.append(_Part(f"results-{i + 1}", heading, _results(study, pictures)))
    parts.append(_Part("luck", "How far one run can be trusted", _luck(studies, chosen_seed)))
    for i, study in enumerate(studies):
        if len(study.curve) > 2:
            parts.append(
                _Part(f"lambda-{i + 1}", "λ, from too small to oversmoothed", _curve(study, pictures))
            )
    parts.append(_Part("gradients", "Every gradient, found three times", _gradients(studies)))
    parts.append(_Part("graphs", "The same networks, drawn", _graphs(pictures)))
    parts.append(_Part("made", "How this page was made", _made(studies, command, files)))
    contents = "".join(f'<li><a href="#{part.id}">{part.heading}</a></li>' for part in parts)
    held = "".join(f"<p>{escape(sentence)}</p>" for sentence in tables.conclusions(studies))
    body = [
        "<h1>What regularization does to a network, and to its gradients</h1>",
        f'<p class="lead">{_lead(studies)}</p>',
        f'<div class="key"><p><b>What the textbook claims, and what these numbers say</b></p>{held}</div>',
        *(
            ["<p>There are no figures on this page, because matplotlib is not installed.</p>"]
            * (not pictures.figures)
        ),
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>',
    ]
    body += [f'<section id="{part.id}"><h2>{part.heading}</h2>\n{part.html}\n</section>' for part in parts]
    return page.page("What regularization does to a network, and to its gradients", "\n".join(body))


@dataclass(frozen=True)
class _Part:
    id: str
    heading: str
    html: str


def _lead(studies: Sequence[Study]) -> str:
    sets = "one data set" if len(studies) == 1 else f"each of {_word(len(studies))} data sets"
    return (
        f"On {sets}, four networks that began with the same weights were trained on the same examples: one "
        "plain, one with L2 regularization, one with dropout, one with both. This page shows what became of "
        "them, and checks the gradients that trained them against formulas derived by hand and against "
        "plain differences."
    )


# ---- the results on one data set


def _results(study: Study, pictures: Pictures) -> str:
    experiment = study.experiment
    name = _file_name(study)
    parts = [
        _results_table(experiment),
        _verdict_table(experiment),
        f"<p>{_overfitting_text(experiment)}</p>",
    ]
    if pictures.figures:
        ends = " ".join(
            f"{m.name}: ends at {m.cross_entropy:.3g} on the training set, {m.cross_entropy_dev:.3g} on the "
            "dev set."
            for m in experiment.models
        )
        parts.append(
            page.picture(
                pictures.figures[f"overfitting_{name}"],
                alt=f"Four panels, one per model: cross-entropy on both sets against the steps taken. {ends}",
                caption="Cross-entropy while the networks are trained, with dropout switched off. Solid: the "
                "training set. Dashed: the dev set. The shaded gap is what was learnt about the examples and "
                "not about the problem.",
            )
        )
    if experiment.dataset.n_in == 2:
        parts.append(_boundaries(study, pictures))
    parts.append(f"<h3>The weights</h3><p>{_weights_text(experiment)}</p>")
    if pictures.figures:
        norms = " ".join(f"{m.name}: norm {m.norm:.2f}." for m in experiment.models)
        ends = " ".join(f"{m.name}: from {m.costs[0]:.3g} to {m.costs[-1]:.3g}." for m in experiment.models)
        weights = page.picture(
            pictures.figures[f"weights_{name}"],
            alt=f"Histograms of the weights of the four models. {norms}",
            caption="All weights of the four networks, without the biases. The scale is logarithmic, so that "
            "single large weights can be seen.",
        )
        costs = page.picture(
            pictures.figures[f"costs_{name}"],
            alt=f"The cost J of every step for the four models. {ends}",
            caption="The cost <i>J</i> that gradient descent sees: with the penalty where there is one, and "
            "with the masks of the step. With dropout every step is taken by another network, so the cost "
            "jumps.",
        )
        parts.append(f'<div class="grid">{weights}{costs}</div>')
    return "\n".join(parts)


def _results_table(experiment: Experiment) -> str:
    layers = len(experiment.models[0].norms)
    norms = [f"‖<i>W</i><sup>[{layer}]</sup>‖" for layer in range(1, layers + 1)]
    head = ["model", "training", "dev", "training", "dev", *norms, "all"]
    rows = [
        [
            model.name,
            _percent(model.accuracy),
            _percent(model.accuracy_dev),
            f"{model.cross_entropy:.4f}",
            f"{model.cross_entropy_dev:.4f}",
            *(f"{norm:.2f}" for norm in model.norms),
            f"{model.norm:.2f}",
        ]
        for model in experiment.models
    ]
    return page.table(
        head,
        rows,
        groups=(1, 3, 5),
        over=(("", 1), ("accuracy", 2), ("cross-entropy", 2), ("norms of the weights", layers + 1)),
    )


def _verdict_table(experiment: Experiment) -> str:
    found = verdicts(experiment)
    names = list(dict.fromkeys(v.model for v in found))
    rows = []
    for claim in claims:
        cells = [
            f'<span class="{"yes" if v.held else "no"}">{"✓ yes" if v.held else "✗ no"}</span>, {change}'
            for v, change in ((v, tables.change(v)) for v in found if v.claim == claim)
        ]
        rows.append([claim, *cells])
    return page.table(["does it hold, compared with plain?", *names], rows, text=range(0, len(names) + 1))


def _overfitting_text(experiment: Experiment) -> str:
    plain = experiment.models[0]
    m, m_dev = experiment.dataset.m, len(experiment.dataset.X_dev)
    text = [
        f"The plain network gets {plain.right} of its {m} training examples right, and {plain.right_dev} of "
        f"the {m_dev} in the dev set."
    ]
    steps, on_training, on_dev = plain.watched.T
    best = int(np.argmin(on_dev))
    if on_dev[-1] > 1.05 * on_dev[best] and on_training[-1] < on_training[best]:
        text.append(
            f"Its cost on the dev set was least, {on_dev[best]:.3g}, after {int(steps[best]):,} steps. From "
            f"then on it rose, to {on_dev[-1]:.3g} at the end, while the cost on the training set went down "
            f"from {on_training[best]:.3g} to {on_training[-1]:.2g}. What the network learnt after that "
            "point helped with these examples only, noise included: it overfits."
        )
    elif best == len(steps) - 1:
        text.append("Its cost on the dev set was still falling at the end: it has not overfitted yet.")
    else:
        text.append(
            f"Its cost on the dev set was least, {on_dev[best]:.3g}, after {int(steps[best]):,} steps, and "
            f"{on_dev[-1]:.3g} at the end: it has hardly overfitted."
        )
    gaps = {model.name: model.cross_entropy_dev - model.cross_entropy for model in experiment.models}
    others = _listed([f"{gap:.3g} with {name}" for name, gap in gaps.items() if name != "plain"])
    text.append(
        f"At the end the gap between the two costs is {gaps['plain']:.3g} for the plain network, {others}."
    )
    if all(gap < gaps["plain"] for name, gap in gaps.items() if name != "plain"):
        text.append("Each kind of regularization has narrowed it.")
    return " ".join(text)


def _boundaries(study: Study, pictures: Pictures) -> str:
    experiment = study.experiment
    dataset = experiment.dataset
    if not pictures.figures:
        return ""
    parts = ["<h3>The decision boundaries</h3>"]
    parts.append(explanation.boundaries if dataset.n_out == 1 else explanation.boundaries_of_several)
    if dataset.m > figures.most_points:
        parts.append(f"<p>Of the training examples {figures.most_points:,} are shown.</p>")
    parts.append('<div class="grid">')
    for model in experiment.models:
        parts.append(
            page.picture(
                pictures.figures[f"boundary_{model.name}_{_file_name(study)}"], alt=_boundary_alt(model)
            )
        )
    parts.append("</div>")
    return "\n".join(parts)


def _boundary_alt(model: Trained, name: str = "") -> str:
    return (
        f"Decision boundary of the model {name or model.name} with the training examples; accuracy "
        f"{_percent(model.accuracy)} on the training set, {_percent(model.accuracy_dev)} on the dev set."
    )


def _weights_text(experiment: Experiment) -> str:
    plain, l2, dropout, both = experiment.models
    text = [
        f"Taken together the weights of the plain network have the norm {plain.norm:.2f}; with L2 it is "
        f"{l2.norm:.2f}, with dropout {dropout.norm:.2f}, with both {both.norm:.2f}."
    ]
    if l2.norm < plain.norm:
        text.append(
            "L2 does what the added term in its gradients says: it pulls at every weight at every step."
        )
    if dropout.norm < plain.norm:
        text.append(
            "Dropout has no such term. Its weights stay smaller only in so far as a network that cannot "
            "rely on single neurons finds less use for large weights, so the effect is weaker."
        )
    else:
        text.append(
            "Dropout has no such term, and here its weights have not become smaller: it spreads the work "
            "over more neurons, which need not make the sum of squares less."
        )
    return " ".join(text)


# ---- luck


_of_80_seeds = [  # the seeds 0 to 79 with command.field and command.breast_cancer
    ["training accuracy falls", "72\u00a0%", "42\u00a0%", "76\u00a0%", "89\u00a0%", "74\u00a0%", "94\u00a0%"],
    ["dev accuracy rises", "55\u00a0%", "62\u00a0%", "62\u00a0%", "75\u00a0%", "60\u00a0%", "74\u00a0%"],
    ["weights shrink", "100\u00a0%", "62\u00a0%", "100\u00a0%", "100\u00a0%", "100\u00a0%", "100\u00a0%"],
    ["mean dev cost (plain: 0.42 and 0.13)", "0.25", "0.33", "0.24", "0.08", "0.11", "0.10"],
]


def _luck(studies: Sequence[Study], chosen_seed: bool) -> str:
    rows = []
    for study in studies:
        title = escape(tables.title(study.experiment))
        for name, (gained, lost) in changed_answers(study.experiment).items():
            rows.append([title, name, str(gained), str(lost), f"{gained - lost:+d}".replace("-", "−")])
    worth = " and ".join(
        f"{100 / len(s.experiment.dataset.X_dev):.2g}\u00a0% on “{escape(tables.title(s.experiment))}”"
        for s in studies
    )
    head = ["data set", "model", "wrong before,<br>right now", "right before,<br>wrong now", "balance"]
    parts = [
        f"<p>A dev set is a sample. One example more or less is {worth}, and it was chance which examples "
        "came into it. What regularization changed can be followed example by example, from the plain "
        "network to the regularized one:</p>",
        page.table(head, rows, text=(1,)),
        "<p>As a rule of thumb, a balance no larger than the square root of the two numbers&rsquo; sum may "
        "well be luck. The cost on the dev set, to which every example contributes, tells more than the "
        "accuracy.</p>",
    ]
    if chosen_seed:
        parts.append(
            "<p>The seed that is used if none is given was <em>chosen</em>, because what textbooks say can "
            "be seen with it on both sets. With most others one claim or another fails for one of the "
            "models, as a rule by an example or two: the claims are about what happens on the whole. The "
            "table shows what was found when the seeds 0 to 79 were all tried once with these settings. "
            "Another <code>--seed</code> shows another draw: points, split, weights and masks.</p>"
        )
        head = ["over the seeds 0 to 79", "L2", "dropout", "both", "L2", "dropout", "both"]
        over = (("", 1), *((escape(title), 3) for title in tables.titles.values()))
        parts.append(page.table(head, _of_80_seeds, groups=(1, 4), over=over))
    return "\n".join(parts)


# ---- the curve of λ


def _curve(study: Study, pictures: Pictures) -> str:
    curve, experiment = study.curve, study.experiment
    best = figures.best_on_dev(curve)
    first, least, last = curve[0], curve[best], curve[-1]
    text = [
        "λ is a hyperparameter: it cannot be learnt from the training set, on which no penalty at all is "
        f"always best. So networks were trained with {len(curve)} values of λ from {first.lambd:g} to "
        f"{last.lambd:g}, everything else as before on “{escape(tables.title(experiment))}”, and the dev set "
        f"decides. It would choose λ = {least.lambd:g}, where its cost is least "
        f"({least.cross_entropy_dev:.3g}; accuracy {_percent(least.accuracy_dev)})."
    ]
    if best:
        text.append(
            f"To the left of it λ is too small. At λ = {first.lambd:g} the norm of the weights is "
            f"{first.norm:.2f} (against {least.norm:.2f}), the training cost {first.cross_entropy:.3g} "
            f"(against {least.cross_entropy:.3g}), and the dev cost {first.cross_entropy_dev:.3g}: "
            "overfitted."
        )
    if best < len(curve) - 1 and last.norm < 0.05 * first.norm:
        text.append(
            "To the right it is too large. The boundary is smoothed until it no longer follows the "
            f"examples, and in the end the penalty wins outright: at λ = {last.lambd:g} the weights are all "
            f"but zero, ‖<i>W</i>‖ = {last.norm:.2f}, every example gets the same answer, and the training "
            f"accuracy is {_percent(last.accuracy)}. This is high bias: a network too simple even for the "
            "examples that it has seen."
        )
    elif best < len(curve) - 1:
        text.append(
            f"To the right it is too large: at λ = {last.lambd:g} the norm of the weights is "
            f"{last.norm:.2f}, and the training accuracy {_percent(last.accuracy)}."
        )
    parts = [f"<p>{' '.join(text)}</p>"]
    name = _file_name(study)
    if pictures.figures:
        parts.append(
            page.picture(
                pictures.figures[f"lambda_curve_{name}"],
                alt="Accuracy and cross-entropy on both sets, and the norm of the weights, against lambda. "
                "The table below has the numbers.",
                caption="L2 models for λ in steps of about 3. Solid: the training set. Dashed: the dev set. "
                "White: where the dev cost is least; grey: λ too small; orange: λ too large. Dotted: the λ "
                "of the tables above.",
            )
        )
    rows = []
    for m in curve:
        accuracies = [_percent(m.accuracy), _percent(m.accuracy_dev)]
        rows.append([f"{m.lambd:g}", *accuracies, f"{m.cross_entropy:.4f}", f"{m.cross_entropy_dev:.4f}"])
        rows[-1].append(f"{m.norm:.2f}")
    parts.append(
        page.table(
            ["λ", "training", "dev", "training", "dev", "‖<i>W</i>‖"],
            rows,
            groups=(1, 3, 5),
            over=(("", 1), ("accuracy", 2), ("cross-entropy", 2), ("weights", 1)),
        )
    )
    if pictures.figures and experiment.dataset.n_in == 2:
        parts.append("<p>The boundaries of some of them, from the smallest λ to the largest:</p>")
        parts.append('<div class="strip">')
        for number, model in enumerate(_strip(study)):
            parts.append(
                page.picture(
                    pictures.figures[f"lambda_boundary_{number}_{name}"],
                    alt=_boundary_alt(model, f"λ = {model.lambd:g}"),
                )
            )
        parts.append("</div>")
    return "\n".join(parts)


# ---- the gradients


def _gradients(studies: Sequence[Study]) -> str:
    everything = [g for study in studies for found in study.gradients.values() for g in found]
    to_hand, to_differences = tables.largest_errors(everything)
    experiment = studies[0].experiment
    several = experiment.dataset.n_out > 1
    parts = [
        explanation.gradients(last_layer=len(experiment.setting.hidden) + 1, several_classes=several),
        f"<p>Over all {len(everything)} gradients the largest error to the hand formulas is "
        f"<b>{_power(to_hand)}</b>, and to differences <b>{_power(to_differences)}</b>.</p>",
    ]
    for i, study in enumerate(studies):
        if len(studies) > 1:
            parts.append(f"<h3>{escape(tables.title(study.experiment))}</h3>")
        for name, found in study.gradients.items():
            errors = tables.largest_errors(found)
            opened = " open" if i == 0 and name == "both" else ""
            shown = page.table(
                [
                    "gradient",
                    "by hand it is",
                    "shape",
                    "machine",
                    "by hand",
                    "by differences",
                    "to hand",
                    "to diff.",
                ],
                [_gradient_row(g) for g in found],
                text=(1,),
                groups=(3, 6),
                over=(("", 3), ("entry of the largest magnitude", 3), ("largest error", 2)),
            )
            parts.append(
                f"<details{opened}><summary><b>{name}</b>: {len(found)} gradients, largest error "
                f"{_power(errors[0])} to the hand formulas, {_power(errors[1])} to "
                f"differences</summary>{shown}</details>"
            )
    if any(np.isnan(g.differences).any() for g in everything):
        parts.append(
            "<p>Of the largest arrays only some entries, drawn at random, were tried by differences.</p>"
        )
    return "\n".join(parts)


def _gradient_row(g: Gradient) -> list[str]:
    shape = " × ".join(map(str, g.machine.shape))
    numbers = [f"{value:.5e}" for value in g.largest()]
    errors = [f"{error:.0e}" for error in g.errors()]
    cells = [number.replace("-", "−") for number in (*numbers, *errors)]
    return [f"<code>{g.name}</code>", f"<code>{escape(g.formula)}</code>", shape, *cells]


# ---- the graphs


def _graphs(pictures: Pictures) -> str:
    graphs = pictures.graphs
    parts = [explanation.graphs]
    missing = next((g.reason for g in graphs.values() if not g.svg), None)
    if missing is not None:
        parts.append(
            f"<p>The graphs could not be drawn here ({escape(missing)}), so here is their DOT text.</p>"
        )
    names = list(dict.fromkeys(name for name, _ in graphs))
    parts.append(_pair(graphs, names[-1]))
    for name in names[:-1]:
        summary = f"<b>{name}</b>, in training and in evaluation mode"
        parts.append(f"<details><summary>{summary}</summary>{_pair(graphs, name)}</details>")
    return "\n".join(parts)


def _pair(graphs: Mapping[tuple[str, str], ModelGraph], name: str) -> str:
    """Both graphs of a model side by side, on one scale."""
    pair = graphs[name, "train"], graphs[name, "eval"]
    widths = [re.search(r'<svg[^>]* width="([\d.]+)pt"', graph.svg) for graph in pair]
    columns = " ".join(f"{float(width[1]):.0f}fr" if width else "1fr" for width in widths)
    train = _graph(pair[0], f"<b>{name}</b>, in training mode: the cost on the training set.")
    evaluation = _graph(pair[1], f"<b>{name}</b>, in evaluation mode: the cross-entropy on the dev set.")
    return f'<div class="pair" style="--columns: {columns}">{train}{evaluation}</div>'


def _graph(graph: ModelGraph, caption: str) -> str:
    text = f"<details><summary>DOT text</summary><pre>{escape(graph.dot)}</pre></details>"
    shown = f'<div class="graph">{graph.svg}</div>' if graph.svg else text
    return f"<figure>{shown}<figcaption>{caption}</figcaption></figure>"


# ---- how it was made


def _made(studies: Sequence[Study], command: str, files: Sequence[str]) -> str:
    seed = studies[0].experiment.setting.seed
    links = ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in files)
    return "\n".join(
        [
            f"<pre>{escape(command)}</pre>",
            f"<p>with seed {seed}, which draws the data or its split, the initial weights and the masks. The "
            "same command gives the same tables, byte for byte, on the same machine with the same versions: "
            f"{', '.join(_versions())}. This page contains neither a time nor a date.</p>",
            f"<p>The numbers lie beside this page: {links}; the pictures are in the folders "
            "<code>figures</code> and <code>graphs</code>. Other data, sizes and strengths: "
            "<code>minigrad&nbsp;--help</code>.</p>",
            "<p>Sources: W. Street, W. Wolberg, O. Mangasarian, “Nuclear feature extraction for breast "
            "tumor diagnosis”, 1993. N. Srivastava et al., “Dropout: a simple way to prevent neural "
            "networks from overfitting”, 2014. K. He et al., “Delving deep into rectifiers”, 2015.</p>",
        ]
    )


def _versions() -> list[str]:
    from minigrad import __version__

    found = [f"minigrad {__version__}", f"Python {platform.python_version()}"]
    for package in ("numpy", "matplotlib", "scikit-learn"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def _power(error: float) -> str:
    """3e-14 as it is printed."""
    if not error:
        return "0"
    digits, exponent = f"{error:.0e}".split("e")
    return f"{digits}·10<sup>{int(exponent)}</sup>".replace("-", "−")


def _word(n: int) -> str:
    return {2: "two", 3: "three"}.get(n, str(n))


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
