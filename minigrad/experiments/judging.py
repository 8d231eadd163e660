"""What the numbers say: the textbook's claims, what was learnt at all, where λ is too small or too large.

Every sentence of the report that judges is chosen by a function of this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

import numpy as np

from minigrad.data import Dataset
from minigrad.experiments.experiment import Experiment, Trained
from minigrad.experiments.training import answers, labels, right_answers

# ---- what the textbook claims

claims = {
    "training accuracy falls": ("accuracy", -1),
    "dev accuracy rises": ("accuracy_dev", +1),
    "weights shrink": ("norm", -1),
}
"""The textbook's claims: what is measured, and in which direction regularization moves it."""

least_change = {"accuracy": 0.0, "accuracy_dev": 0.0, "norm": 5e-4}
"""Relative changes that count as none: rounding alone can make a norm smaller, but not an accuracy."""


class Measured(Protocol):
    """A model's numbers that the claims are about."""

    @property
    def name(self) -> str: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def accuracy_dev(self) -> float: ...
    @property
    def norm(self) -> float: ...


@dataclass(frozen=True)
class Verdict:
    """Whether a claim held for one regularized model: the number without regularization, and with it.

    direction   of the change that counts: +1 it rose, -1 it fell, 0 it is unchanged
    """

    claim: str
    model: str
    before: float
    after: float
    direction: int

    @property
    def held(self) -> bool:
        """Whether the number went where the claim says."""
        return self.direction == claims[self.claim][1]


def judge(plain: Measured, regularized: Sequence[Measured]) -> list[Verdict]:
    """Every claim for every regularized model, compared with the plain one."""
    found = []
    for claim, (what, _) in claims.items():
        for model in regularized:
            before, after = getattr(plain, what), getattr(model, what)
            counts = abs(after - before) > least_change[what] * before
            direction = int(np.sign(after - before)) if counts else 0
            found.append(Verdict(claim, model.name, before, after, direction))
    return found


def verdicts(experiment: Experiment) -> list[Verdict]:
    """Every claim for every regularized model of an experiment, judged by the numbers."""
    plain, *regularized = experiment.models
    return judge(plain, regularized)


def changed_answers(experiment: Experiment) -> dict[str, tuple[int, int]]:
    """Per regularized model: (dev examples that it gets right and plain does not, the other way round)."""
    X, y = experiment.dataset.X_dev, experiment.dataset.y_dev
    plain, *regularized = experiment.models
    was_right = right_answers(plain.model, X, y)
    changes = {}
    for model in regularized:
        is_right = right_answers(model.model, X, y)
        changes[model.name] = (int(np.sum(is_right & ~was_right)), int(np.sum(was_right & ~is_right)))
    return changes


# ---- what was learnt at all


@dataclass(frozen=True)
class Guess:
    """What one gets who looks at no feature, and knows how frequent the classes are in the training set.

    right, right_dev                   if every example gets the most frequent class for an answer
    cross_entropy, cross_entropy_dev   if every class is held as likely as it is frequent
    """

    right: int
    right_dev: int
    cross_entropy: float
    cross_entropy_dev: float


def guess(dataset: Dataset) -> Guess:
    """The guess that a network has to beat.

    >>> X, y = np.zeros((4, 1)), np.array([[0.0], [0.0], [0.0], [1.0]])
    >>> found = guess(Dataset("", X, y, X[:2], y[2:], ("x",), ("a", "b")))
    >>> found.right, found.right_dev, round(found.cross_entropy, 4), round(found.cross_entropy_dev, 4)
    (3, 1, 0.5623, 0.837)
    """
    codes, codes_dev = labels(dataset.y), labels(dataset.y_dev)
    counts = np.bincount(codes, minlength=len(dataset.classes))
    frequent = np.argmax(counts)
    with np.errstate(divide="ignore"):  # a class that is in the dev set only
        surprise = -np.log(counts / len(codes))
    return Guess(
        right=int(np.sum(codes == frequent)),
        right_dev=int(np.sum(codes_dev == frequent)),
        cross_entropy=float(surprise[codes].mean()),
        cross_entropy_dev=float(surprise[codes_dev].mean()),
    )


def learnt(model: Trained, dataset: Dataset) -> bool:
    """Whether the model was ever better than the guess on the dev set.

    That is, its cost was less by 2 %, or it gets more examples right, by √m_dev (two standard deviations).
    """
    least, found = model.watched[:, 2].min(), guess(dataset)
    more = model.right_dev - found.right_dev
    return bool(least < 0.98 * found.cross_entropy_dev or more > sqrt(len(dataset.X_dev)))


def clearly_more(cost: float, than: float, *, scale: float) -> bool:
    """Whether a cost is more than another by 5 %, and by 1 % of `scale`, the cost of the guess.

    >>> clearly_more(0.33, 0.30, scale=0.69), clearly_more(2e-5, 1e-5, scale=0.69)
    (True, False)
    """
    return cost > 1.05 * than and cost - than > 0.01 * scale


def overfitted(model: Trained, dataset: Dataset) -> bool:
    """Whether training went on to lower the training cost when the dev cost was already rising."""
    _, on_training, on_dev = model.watched.T
    best = np.argmin(on_dev)
    scale = guess(dataset).cross_entropy
    return clearly_more(on_dev[-1], on_dev[best], scale=scale) and bool(on_training[-1] < on_training[best])


# ---- λ from small to large


@dataclass(frozen=True)
class CurveVerdict:
    """What the models of a curve of λ say.

    best         which λ a dev set would choose: the least cross-entropy on it
    learnt       whether any of the models learnt something that holds on the dev set
    too_small    the smallest λ is clearly worse on the dev set than the best
    overfitted   and yet it is better on the training set
    too_large    the largest λ is clearly worse on the dev set than the best
    high_bias    and on the training set too, where it also gets fewer examples right
    answers      how many different answers the training examples get with the best λ, with the largest λ
    """

    best: int
    learnt: bool
    too_small: bool
    overfitted: bool
    too_large: bool
    high_bias: bool
    answers: tuple[int, int]


def judge_curve(curve: Sequence[Trained], dataset: Dataset) -> CurveVerdict:
    """Compare both ends of a curve with its best."""
    best = min(range(len(curve)), key=lambda i: curve[i].cross_entropy_dev)
    first, least, last = curve[0], curve[best], curve[-1]
    scale = guess(dataset).cross_entropy
    something = any(learnt(model, dataset) for model in curve)

    def worse_than_best(model: Trained) -> bool:
        return something and clearly_more(model.cross_entropy_dev, least.cross_entropy_dev, scale=scale)

    worse_at_training = clearly_more(last.cross_entropy, least.cross_entropy, scale=scale)
    return CurveVerdict(
        best=best,
        learnt=something,
        too_small=worse_than_best(first),
        overfitted=worse_than_best(first) and first.cross_entropy < least.cross_entropy,
        too_large=worse_than_best(last),
        high_bias=worse_than_best(last) and worse_at_training and last.right < least.right,
        answers=(_answers(least, dataset), _answers(last, dataset)),
    )


def _answers(trained: Trained, dataset: Dataset) -> int:
    return len(np.unique(answers(trained.model, dataset.X)))
