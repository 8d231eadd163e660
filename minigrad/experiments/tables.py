"""The tables as text for a terminal of 80 columns, and as rows for .csv and .json files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from minigrad.experiments.experiment import Experiment, Setting, Trained
from minigrad.experiments.gradient_table import Gradient
from minigrad.experiments.judging import Verdict, changed_answers, claims, learnt, verdicts
from minigrad.experiments.numerals import listed, percent, signed, strength
from minigrad.experiments.studies import Study

titles = {"side_of_the_field": "Which side of the field", "breast_cancer": "Breast cancer"}


def title(experiment: Experiment) -> str:
    """The data set's name as a heading."""
    name = experiment.dataset.name
    return titles.get(name, name)


def columns(rows: Iterable[Sequence[str]], *, left: Sequence[int] = (0,), gap: str = "  ") -> list[str]:
    """Lines of aligned cells: flush left in the columns numbered in `left`, flush right in the others.

    >>> columns([["model", "cost"], ["L2", "0.5"]])
    ['model  cost', 'L2      0.5']
    """
    table = list(rows)
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return [
        gap.join(
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


# ---- the results


def summary(experiment: Experiment) -> list[str]:
    """What was trained on what, in two lines."""
    dataset, setting = experiment.dataset, experiment.setting
    sizes = "-".join(map(str, (dataset.n_in, *setting.hidden, dataset.n_out)))
    return [
        f"{dataset.n_in} features, {len(dataset.classes)} classes, {dataset.m} training and "
        f"{len(dataset.X_dev)} dev examples",
        f"{sizes} network, {setting.steps:,} steps, lr {strength(setting.lr)}, lambd "
        f"{strength(setting.lambd)}, keep_prob {strength(setting.keep_prob)}",
    ]


def results_table(experiment: Experiment) -> list[str]:
    """A line per model: accuracy and cross-entropy on both sets, dropout off, and the weights' norms."""
    head = ["model", "training", "dev", "training", "dev"]
    head += [f"‖W{layer}‖" for layer in range(1, len(experiment.models[0].norms) + 1)] + ["‖W‖"]
    rows = [
        [
            model.name,
            percent(model.accuracy),
            percent(model.accuracy_dev),
            f"{model.cross_entropy:.4f}",
            f"{model.cross_entropy_dev:.4f}",
            *(f"{norm:.2f}" for norm in model.norms),
            f"{model.norm:.2f}",
        ]
        for model in experiment.models
    ]
    lines = columns([head, *rows])
    starts = [lines[0].index("training"), lines[0].rindex("training"), lines[0].index("‖W1‖")]
    return ["".join(_at(starts, ["accuracy", "cost", "weights"])), lines[0], *lines[1:]]


def _at(starts: Sequence[int], texts: Sequence[str]) -> str:
    line = ""
    for start, text in zip(starts, texts, strict=True):
        line = line.ljust(start) + text
    return line


def verdict_table(experiment: Experiment) -> list[str]:
    """A line per claim, a column per model: whether it held, and the change."""
    found = verdicts(experiment)
    names = list(dict.fromkeys(verdict.model for verdict in found))
    rows = [["did it hold?", *names]]
    for claim in claims:
        rows.append(
            [claim, *(f"{'yes' if v.held else 'no'}, {change(v)}" for v in found if v.claim == claim)]
        )
    return columns(rows, left=(0, 1, 2, 3))


def change(verdict: Verdict) -> str:
    """By how much: percentage points of accuracy, per cent of a norm.

    >>> change(Verdict("dev accuracy rises", "L2", 0.5, 0.52, direction=1))
    '+2.0 points'
    >>> change(Verdict("weights shrink", "L2", 8.0, 4.0, direction=-1))
    '−50%'
    """
    if not verdict.direction:
        return "unchanged"
    if "accuracy" in verdict.claim:
        return f"{signed(100 * (verdict.after - verdict.before))} points"
    change = 100 * (verdict.after / verdict.before - 1)
    return f"{signed(change)}%" if abs(change) < 1 else f"{change:+.0f}%".replace("-", "−")


def conclusions(studies: Sequence[Study]) -> list[str]:
    """One sentence per claim over all data sets, and one per data set on which nothing was learnt.

    "held for L2, dropout and both on every data set", or where it did not.
    """
    return [*(_conclusion(claim, studies) for claim in claims), *_nothing_learnt(studies)]


def _conclusion(claim: str, studies: Sequence[Study]) -> str:
    judged = [(found, v) for found in studies for v in verdicts(found.experiment) if v.claim == claim]
    missed = []
    for found, verdict in judged:
        if not verdict.held:
            where = f" on {title(found.experiment)}" if len(studies) > 1 else ""
            missed.append(f"{verdict.model}{where} ({change(verdict)})")
    text = claim[0].upper() + claim[1:]
    if not missed:
        return f"{text}: held in all {len(judged)} comparisons with the plain model."
    held = len(judged) - len(missed)
    return f"{text}: held in {held} of {len(judged)} comparisons, not for {listed(missed)}."


def _nothing_learnt(studies: Sequence[Study]) -> Iterator[str]:
    for found in studies:
        plain, dataset = found.experiment.models[0], found.experiment.dataset
        if not learnt(plain, dataset):
            yield (
                f"But on {title(found.experiment)} the plain model learnt nothing that holds on the dev set, "
                "so its accuracy there says nothing about regularization."
            )


# ---- the gradients


def gradient_table(gradients: Sequence[Gradient]) -> list[str]:
    """A line per gradient: its largest entry found three times, the largest errors over all, the formula."""
    head = ["", "machine", "by hand", "by diff.", "hand", "diff.", "by hand it is"]
    rows = [
        [g.name, *(f"{x:.3e}" for x in g.largest()), *(f"{x:.0e}" for x in g.errors()), g.formula]
        for g in gradients
    ]
    lines = columns([head, *rows], left=(0, 6), gap=" ")
    machine, errors = lines[0].index("machine"), lines[0].index("by diff.") + len("by diff.") + 1
    return [_at([machine, errors], ["largest entry", "largest error"]), *lines]


def largest_errors(gradients: Iterable[Gradient]) -> tuple[float, float]:
    """The largest error to the hand formula, and to central differences."""
    to_hand, to_differences = zip(*(g.errors() for g in gradients), strict=True)
    return max(to_hand), max(to_differences)


# ---- files: fixed formats, no times, no dates: one seed gives the same bytes


def results_csv(studies: Sequence[Study]) -> str:
    """A row per data set and model."""
    return _csv(
        {"data_set": s.experiment.dataset.name, **_row(s.experiment, m)}
        for s in studies
        for m in s.experiment.models
    )


def curve_csv(found: Study) -> str:
    """A row per λ."""
    return _csv(_row(found.experiment, model) for model in found.curve)


def gradients_csv(studies: Sequence[Study]) -> str:
    """A row per data set, model and gradient."""
    return _csv(
        {
            "data_set": s.experiment.dataset.name,
            "model": name,
            "gradient": g.name,
            "shape": "x".join(map(str, g.machine.shape)),
            "formula": g.formula,
            **dict(
                zip(
                    ("machine", "hand", "differences"), (f"{value:.9e}" for value in g.largest()), strict=True
                )
            ),
            "largest_relative_error_to_hand": f"{g.errors()[0]:.1e}",
            "largest_relative_error_to_differences": f"{g.errors()[1]:.1e}",
        }
        for s in studies
        for name, found in s.gradients.items()
        for g in found
    )


def results_json(studies: Sequence[Study], *, version: str, files: Sequence[str]) -> str:
    """Settings, results, claims, the largest errors of the gradients, and the names of the report's files."""
    return (
        json.dumps(
            {
                "minigrad": version,
                "data_sets": [
                    {
                        "name": s.experiment.dataset.name,
                        "setting": _setting(s.experiment.setting),
                        "models": [_numbers(_row(s.experiment, model)) for model in s.experiment.models],
                        "claims": [
                            {
                                "claim": v.claim,
                                "model": v.model,
                                "plain": float(f"{v.before:.6g}"),
                                "regularized": float(f"{v.after:.6g}"),
                                "held": v.held,
                            }
                            for v in verdicts(s.experiment)
                        ],
                        "dev_answers_changed": {
                            name: {"right_now": gained, "wrong_now": lost}
                            for name, (gained, lost) in changed_answers(s.experiment).items()
                        },
                        "largest_gradient_errors": {
                            name: dict(
                                zip(
                                    ("to_hand", "to_differences"),
                                    (float(f"{e:.1e}") for e in largest_errors(found)),
                                    strict=True,
                                )
                            )
                            for name, found in s.gradients.items()
                        },
                    }
                    for s in studies
                ],
                "files": list(files),
            },
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "hidden": list(setting.hidden),
        "steps": setting.steps,
        "lr": setting.lr,
        "lambd": setting.lambd,
        "keep_prob": setting.keep_prob,
        "seed": setting.seed,
    }


def _row(experiment: Experiment, model: Trained) -> dict[str, str]:
    return {
        "model": model.name,
        "lambd": f"{model.lambd:g}",
        "keep_prob": f"{model.keep_prob:g}",
        "training_examples": str(experiment.dataset.m),
        "dev_examples": str(len(experiment.dataset.X_dev)),
        "training_right": str(model.right),
        "dev_right": str(model.right_dev),
        "training_accuracy": f"{model.accuracy:.6f}",
        "dev_accuracy": f"{model.accuracy_dev:.6f}",
        "training_cross_entropy": f"{model.cross_entropy:.6g}",
        "dev_cross_entropy": f"{model.cross_entropy_dev:.6g}",
        **{f"norm_W{layer}": f"{norm:.6g}" for layer, norm in enumerate(model.norms, 1)},
        "norm_all": f"{model.norm:.6g}",
    }


def _numbers(row: dict[str, str]) -> dict[str, Any]:
    return {key: value if key in ("model",) else json.loads(value) for key, value in row.items()}


def _csv(rows: Iterable[dict[str, str]]) -> str:
    table = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(
        text, list(dict.fromkeys(key for row in table for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(table)
    return text.getvalue()
