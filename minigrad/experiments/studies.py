"""All that is computed for one data set: the four models, their gradients three times, the curve of λ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from minigrad.data import Dataset
from minigrad.experiments.experiment import (
    Experiment,
    Setting,
    Tick,
    Trained,
    lambda_curve,
    regularization,
)
from minigrad.experiments.gradient_table import Gradient, gradients


@dataclass(frozen=True, eq=False)
class Study:
    """What was found on one data set.

    gradients  every gradient of each model, by the model's name
    curve      L2 models for λ from small to large; empty if it was not asked for
    """

    experiment: Experiment
    gradients: dict[str, list[Gradient]]
    curve: list[Trained]


def study(
    dataset: Dataset, setting: Setting, *, lambdas: Sequence[float] = (), tick: Tick = lambda name: None
) -> Study:
    """Train, check the gradients with the masks of the last step, and draw the curve of λ.

    >>> from minigrad.data import side_of_the_field
    >>> found = study(side_of_the_field(m=20, m_dev=10), Setting(steps=3))
    >>> len(found.gradients["plain"]), len(found.gradients["both"])
    (11, 13)
    """
    experiment = regularization(dataset, setting, tick=tick)
    found = {
        trained.name: gradients(trained.model, dataset.X, dataset.y, lambd=trained.lambd)
        for trained in experiment.models
    }
    return Study(experiment, found, lambda_curve(experiment, lambdas, tick=tick))
