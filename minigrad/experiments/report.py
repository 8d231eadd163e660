"""report.html: what was done and what came out, in words, equations, tables and pictures, in one file."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from minigrad.experiments import explanation, figures, page, prose, seeds, tables
from minigrad.experiments.experiment import Experiment, Setting, Trained
from minigrad.experiments.gradient_table import Gradient
from minigrad.experiments.graphs import ModelGraph
from minigrad.experiments.judging import Verdict, changed_answers, claims, judge_curve, verdicts
from minigrad.experiments.numerals import decimals, power, strength, word
from minigrad.experiments.pictures import Pictures, file_name, strip
from minigrad.experiments.prose import share
from minigrad.experiments.readings import Readings
from minigrad.experiments.studies import Study
from minigrad.show.derivation.ledger import Row

# ---- the page


def report(
    studies: Sequence[Study],
    pictures: Pictures,
    read: Readings,
    *,
    command: str,
    files: Sequence[str],
    chosen_seed: bool,
) -> str:
    """The page.

    read         the derivation and the ledger of the first study's last model
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
            heading = prose.curve_heading(judge_curve(study.curve, study.experiment.dataset))
            parts.append(_Part(f"lambda-{i + 1}", heading, _curve(study, pictures)))
    parts.append(_Part("gradients", "Every gradient, found three times", _gradients(studies)))
    parts.append(_Part("derivation", "The derivation", _derivation(studies[0].experiment, read)))
    parts.append(_Part("ledger", "The ledger", _ledger(read)))
    parts.append(
        _Part("graphs", "The same networks, drawn", _graphs(studies[0].experiment.setting, pictures))
    )
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
    sets = "one data set" if len(studies) == 1 else f"each of {word(len(studies))} data sets"
    return (
        f"On {sets}, four networks that began with the same weights were trained on the same examples: one "
        "plain, one with L2 regularization, one with dropout, one with both. This page shows what became of "
        "them, and checks the gradients that trained them against formulas derived by hand and against "
        "plain differences."
    )


# ---- the results on one data set


def _results(study: Study, pictures: Pictures) -> str:
    experiment = study.experiment
    name = file_name(study)
    parts = [
        _results_table(experiment),
        _verdict_table(experiment),
        f"<p>{prose.results(experiment)}</p>",
    ]
    if pictures.figures:
        ends = " ".join(
            f"{m.name}: ends at {decimals(m.cross_entropy)} on the training set, "
            f"{decimals(m.cross_entropy_dev)} on the dev set."
            for m in experiment.models
        )
        parts.append(
            page.picture(
                pictures.figures[f"overfitting_{name}"],
                alt=f"Four panels, one per model: cross-entropy on both sets against the steps taken. {ends}",
                caption="Cross-entropy while the networks are trained, with dropout switched off. Solid: the "
                "training set. Dashed: the dev set. Shaded: the gap between what the network does with "
                "the examples that it was trained on, and with others.",
            )
        )
    if experiment.dataset.n_in == 2:
        parts.append(_boundaries(study, pictures))
    parts.append(f"<h3>The weights</h3><p>{prose.weights(experiment)}</p>")
    if pictures.figures:
        norms = " ".join(f"{m.name}: norm {m.norm:.2f}." for m in experiment.models)
        ends = " ".join(
            f"{m.name}: from {decimals(m.costs[0])} to {decimals(m.costs[-1])}." for m in experiment.models
        )
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
            share(model.accuracy),
            share(model.accuracy_dev),
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
            f'<span class="{"yes" if v.held else "no"}">{"✓ yes" if v.held else "✗ no"}</span>, {_change(v)}'
            for v in found
            if v.claim == claim
        ]
        rows.append([claim, *cells])
    return page.table(["does it hold, compared with plain?", *names], rows, text=range(0, len(names) + 1))


def _change(verdict: Verdict) -> str:
    return tables.change(verdict).replace("%", "\u00a0%")


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
                pictures.figures[f"boundary_{model.name}_{file_name(study)}"], alt=_boundary_alt(model)
            )
        )
    parts.append("</div>")
    return "\n".join(parts)


def _boundary_alt(model: Trained, name: str = "") -> str:
    return (
        f"Decision boundary of the model {name or model.name} with the training examples; accuracy "
        f"{share(model.accuracy)} on the training set, {share(model.accuracy_dev)} on the dev set."
    )


# ---- luck


def _luck(studies: Sequence[Study], chosen_seed: bool) -> str:
    rows = []
    for study in studies:
        title = escape(tables.title(study.experiment))
        for name, (gained, lost) in changed_answers(study.experiment).items():
            balance = f"{gained - lost:+d}".replace("-", "−") if gained != lost else "0"
            rows.append([title, name, str(gained), str(lost), balance])
    worth = " and ".join(
        f"{share(1 / len(s.experiment.dataset.X_dev))} on “{escape(tables.title(s.experiment))}”"
        for s in studies
    )
    head = ["data set", "model", "wrong before,<br>right now", "right before,<br>wrong now", "balance"]
    parts = [
        f"<p>A dev set is a sample; another would have given other numbers. One example more or less is "
        f"{worth}. What regularization changed can be followed example by example, from the plain network to "
        "the regularized one:</p>",
        page.table(head, rows, text=(1,)),
        "<p>As a rule of thumb, a balance no larger than the square root of the two numbers&rsquo; sum may "
        "well be luck. The cost on the dev set, to which every example contributes, tells more than the "
        "accuracy.</p>",
    ]
    if chosen_seed:
        parts += _over_seeds()
    return "\n".join(parts)


def _over_seeds() -> list[str]:
    """That the seed was chosen, and what other seeds show."""
    found = seeds.stored()
    number, every = len({outcome.seed for outcome in found}), seeds.with_every_claim(found)
    head = [f"over the seeds 0 to {number - 1}", *["L2", "dropout", "both"] * 2]
    over = (("", 1), *((escape(title), 3) for title in tables.titles.values()))
    return [
        "<p>The seed that is used if none is given was <em>chosen</em>, because what textbooks say can "
        f"be seen with it on both sets. Among the seeds 0 to {number - 1} that is so with {every}; with the "
        "others one claim or another fails for one of the models: they are about what happens on the whole. "
        f"The table shows in how many of these {number} runs, with these settings, each claim held, and the "
        "mean cost on the dev set. Another <code>--seed</code> shows another draw: points, split, weights "
        "and masks.</p>",
        page.table(head, seeds.table(found), groups=(1, 4), over=over),
        "<p>The command that finds this table anew is "
        "<code>python -m minigrad.experiments.seeds</code>; it takes about ten minutes.</p>",
    ]


# ---- the curve of λ


def _curve(study: Study, pictures: Pictures) -> str:
    curve, experiment = study.curve, study.experiment
    dataset = experiment.dataset
    verdict = judge_curve(curve, dataset)
    text = prose.curve(
        curve,
        verdict,
        title=escape(tables.title(experiment)),
        dataset=dataset,
    )
    shades = "; grey: λ too small" * verdict.too_small + "; orange: λ too large" * verdict.too_large
    parts = [f"<p>{text}</p>"]
    name = file_name(study)
    if pictures.figures:
        parts.append(
            page.picture(
                pictures.figures[f"lambda_curve_{name}"],
                alt="Accuracy and cross-entropy on both sets, and the norm of the weights, against lambda. "
                "The table below has the numbers.",
                caption="L2 models for λ in steps of about 3. Solid: the training set. Dashed: the dev set. "
                f"White: where the dev cost is least{shades}. Dotted: the λ of the tables above.",
            )
        )
    rows = []
    for m in curve:
        accuracies = [share(m.accuracy), share(m.accuracy_dev)]
        rows.append([strength(m.lambd), *accuracies, f"{m.cross_entropy:.4f}", f"{m.cross_entropy_dev:.4f}"])
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
        for number, model in enumerate(strip(study)):
            parts.append(
                page.picture(
                    pictures.figures[f"lambda_boundary_{number}_{name}"],
                    alt=_boundary_alt(model, f"λ = {strength(model.lambd)}"),
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
        explanation.gradients(experiment.setting, several_classes=several),
        f"<p>Over all {len(everything)} gradients the largest error to the hand formulas is "
        f"<b>{power(to_hand)}</b>, and to differences <b>{power(to_differences)}</b>.</p>",
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
                f"{power(errors[0])} to the hand formulas, {power(errors[1])} to "
                f"differences</summary>{shown}</details>"
            )
    if any(np.isnan(g.differences).any() for g in everything):
        parts.append(
            "<p>Of the largest arrays only some entries, drawn at random, were tried by differences.</p>"
        )
    return "\n".join(parts)


def _gradient_row(g: Gradient) -> list[str]:
    shape = " × ".join(map(str, g.machine.shape))
    cells = [*(power(value, digits=4) for value in g.largest()), *(power(error) for error in g.errors())]
    return [f"<code>{g.name}</code>", f"<code>{escape(g.formula)}</code>", shape, *cells]


# ---- the derivation and the ledger


def _derivation(experiment: Experiment, read: Readings) -> str:
    equations = f'<div class="wide mathematics">{read.equations}</div>' if read.equations else ""
    return explanation.derivation(
        experiment,
        model=read.model,
        equations=equations,
        source=escape(read.source.rstrip()),
        words=escape(read.words.rstrip()),
        error=power(read.error),
        examples=read.examples,
    )


def _ledger(read: Readings) -> str:
    head = ["parameter", "shape", "penalty", "<i>c</i>", "2<i>c</i> = λ/<i>m</i>", "penalty", "data"]
    shown = page.table(
        head,
        [_ledger_row(row) for row in read.ledger.rows],
        text=(1, 2),
        groups=(2, 5),
        over=(("", 2), ("what the cost charges for it", 3), ("norm of its gradient, from", 2)),
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in read.ledger.notes)
    warnings = "".join(f'<li><span class="no">{escape(text)}</span></li>' for text in read.ledger.warnings)
    return f"{explanation.ledger(read.model)}{shown}<ul>{notes}{warnings}</ul>"


def _ledger_row(row: Row) -> list[str]:
    shape = " × ".join(map(str, row.shape))
    charged = ["–", "–", "–"]
    if row.penalties:
        c = row.coefficient
        strengths = ["not L2", "–"] if c is None else [decimals(c), decimals(2 * c)]
        charged = [", ".join(row.penalties), *strengths]
    norms = [decimals(row.penalty_norm) if row.penalties else "–", decimals(row.data_norm)]
    return [f"<code>{escape(row.name)}</code>", shape, *map(escape, charged), *norms]


# ---- the graphs


def _graphs(setting: Setting, pictures: Pictures) -> str:
    graphs = pictures.graphs
    parts = [explanation.graphs(setting)]
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
            f"{', '.join(_versions())}.</p>",
            f"<p>The numbers lie beside this page: {links}; the pictures are in the folders "
            "<code>figures</code> and <code>graphs</code>. Other data, sizes and strengths: "
            "<code>minigrad&nbsp;--help</code>. The search for λ and keep_prob, with several seeds: "
            "<code>minigrad&nbsp;sweep</code>.</p>",
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
