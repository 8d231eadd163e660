"""One network trained plain, with L2, with dropout, with both; L2 for λ from small to large."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from minigrad import nn
from minigrad.data import Dataset
from minigrad.experiments.training import evaluate, gradient_descent, network, weights
from minigrad.training import Diverged


@dataclass(frozen=True)
class Setting:
    """What the four models have in common, and how strongly they are regularized.

    hidden     the sizes of the hidden layers
    steps, lr  of full-batch gradient descent
    lambd      λ of the models L2 and both
    keep_prob  of the models dropout and both
    seed       of the initial weights and of the masks
    """

    hidden: tuple[int, ...] = (20, 3)
    steps: int = 2000
    lr: float = 0.1
    lambd: float = 0.7
    keep_prob: float = 0.8
    seed: int = 0

    def recipes(self) -> dict[str, tuple[float, float]]:
        """(λ, keep_prob) of the four models."""
        return {
            "plain": (0.0, 1.0),
            "L2": (self.lambd, 1.0),
            "dropout": (0.0, self.keep_prob),
            "both": (self.lambd, self.keep_prob),
        }


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model and what there is to say about it.

    costs         J of every step, in training mode: with the penalty, with dropout
    watched       rows (steps taken, cross-entropy on the training set, on the dev set), dropout off
    right         examples of the training set that it gets right, dropout off; right_dev, of the dev set
    norms         ‖W1‖, ‖W2‖ ...
    """

    name: str
    lambd: float
    keep_prob: float
    model: nn.Sequential
    costs: np.ndarray
    watched: np.ndarray
    right: int
    right_dev: int
    accuracy: float
    accuracy_dev: float
    cross_entropy: float
    cross_entropy_dev: float
    norms: tuple[float, ...]

    @property
    def norm(self) -> float:
        """√(Σ_l ‖W_l‖²_F): the size of all weights together."""
        return sqrt(sum(norm**2 for norm in self.norms))


@dataclass(frozen=True, eq=False)
class Experiment:
    """The four models trained on one data set."""

    dataset: Dataset
    setting: Setting
    models: tuple[Trained, ...]


Tick = Callable[[str], None]
"""What is told, after every step, which model is being trained: a progress bar."""


def fit(
    name: str,
    dataset: Dataset,
    setting: Setting,
    *,
    lambd: float,
    keep_prob: float,
    tick: Tick = lambda name: None,
) -> Trained:
    """Train one model and measure it.

    Raises:  Diverged, naming the model, if the cost is not finite any more.
    """
    model = network((dataset.n_in, *setting.hidden, dataset.n_out), keep_prob=keep_prob, seed=setting.seed)
    costs: list[float] = []
    watched = []
    every = max(1, setting.steps // 100)

    def watch() -> None:
        on_training, on_dev = (evaluate(model, *part)[1] for part in _parts(dataset))
        if not np.isfinite([on_training, on_dev]).all():
            raise Diverged(f"the cost is not finite any more after step {len(costs)} of {setting.steps}")
        watched.append((len(costs), on_training, on_dev))

    def after(J: float) -> None:
        costs.append(J)
        tick(name)
        if len(costs) % every == 0 or len(costs) == setting.steps:
            watch()

    try:
        watch()
        gradient_descent(
            model, dataset.X, dataset.y, steps=setting.steps, lr=setting.lr, lambd=lambd, after=after
        )
    except Diverged as error:
        raise Diverged(f"{dataset.name}, model {name}: {error}") from None
    (right, J), (right_dev, J_dev) = (evaluate(model, *part) for part in _parts(dataset))
    norms = tuple(float(np.linalg.norm(W.data)) for W in weights(model))
    return Trained(
        name=name,
        lambd=lambd,
        keep_prob=keep_prob,
        model=model.train(),
        costs=np.array(costs),
        watched=np.array(watched),
        right=right,
        right_dev=right_dev,
        accuracy=right / dataset.m,
        accuracy_dev=right_dev / len(dataset.X_dev),
        cross_entropy=J,
        cross_entropy_dev=J_dev,
        norms=norms,
    )


def regularization(dataset: Dataset, setting: Setting, *, tick: Tick = lambda name: None) -> Experiment:
    """Train the four models from the same initial weights.

    >>> from minigrad.data import side_of_the_field
    >>> experiment = regularization(side_of_the_field(m=20, m_dev=10), Setting(steps=5))
    >>> [model.name for model in experiment.models]
    ['plain', 'L2', 'dropout', 'both']
    """
    models = [
        fit(name, dataset, setting, lambd=lambd, keep_prob=keep_prob, tick=tick)
        for name, (lambd, keep_prob) in setting.recipes().items()
    ]
    return Experiment(dataset, setting, tuple(models))


# ---- λ from small to large


def lambda_curve(
    experiment: Experiment, lambdas: Sequence[float], *, tick: Tick = lambda name: None
) -> list[Trained]:
    """An L2 model for every λ, in ascending order; what the experiment has already is not trained again.

    A λ for which gradient descent diverges is left out.
    """
    known = {model.lambd: model for model in experiment.models if model.keep_prob == 1}
    curve = []
    for lambd in sorted(lambdas):
        name = f"λ = {lambd:g}"
        try:
            curve.append(
                known.get(lambd)
                or fit(name, experiment.dataset, experiment.setting, lambd=lambd, keep_prob=1.0, tick=tick)
            )
        except Diverged:
            continue
    return curve


def lambdas_around(lambd: float, *, count: int = 9) -> list[float]:
    """0, and `count` values in steps of about 3, with λ in the middle.

    >>> lambdas_around(0.7, count=5)
    [0.0, 0.07, 0.21, 0.7, 2.1, 7.0]
    """
    middle = lambd or 1.0
    half = count // 2
    factors = [10.0 ** (i // 2) * (3 if i % 2 else 1) for i in range(-half, count - half)]
    return [0.0, *(float(f"{middle * factor:.6g}") for factor in factors)]


def _parts(dataset: Dataset) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    return (dataset.X, dataset.y), (dataset.X_dev, dataset.y_dev)
