"""What there is to see in the report: the figures of every study, and the drawn graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minigrad.experiments import figures
from minigrad.experiments.experiment import Trained
from minigrad.experiments.graphs import ModelGraph
from minigrad.experiments.judging import judge_curve
from minigrad.experiments.numerals import strength
from minigrad.experiments.studies import Study


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
        experiment, name = study.experiment, file_name(study)
        if experiment.dataset.n_in == 2:
            for model in experiment.models:
                drawn[f"boundary_{model.name}_{name}"] = figures.boundary(experiment.dataset, model)
        drawn[f"overfitting_{name}"] = figures.overfitting(experiment)
        drawn[f"costs_{name}"] = figures.costs(experiment)
        drawn[f"weights_{name}"] = figures.weight_histograms(experiment)
        if len(study.curve) > 2:
            drawn[f"lambda_curve_{name}"] = figures.lambda_curve(
                study.curve, judge_curve(study.curve, experiment.dataset), used=experiment.setting.lambd
            )
            for number, model in enumerate(strip(study)):
                if experiment.dataset.n_in == 2:
                    drawn[f"lambda_boundary_{number}_{name}"] = figures.boundary(
                        experiment.dataset, model, name=f"λ = {strength(model.lambd)}"
                    )
    return drawn


def file_name(study: Study) -> str:
    """The data set's name as a part of a file's name."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in study.experiment.dataset.name)


def strip(study: Study) -> list[Trained]:
    """A few λ from the least to the largest, the best on the dev set among them."""
    curve = study.curve
    best, last = judge_curve(curve, study.experiment.dataset).best, len(curve) - 1
    places = {0, best // 3, 2 * best // 3, best, min(best + 1, last), last}
    return [curve[i] for i in sorted(places)]
