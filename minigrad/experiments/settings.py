"""What is trained if nothing else is asked for: the data sets and how strongly they are regularized."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from minigrad import data
from minigrad.data import Dataset
from minigrad.experiments.experiment import Setting

default_seed = 7
field = Setting(steps=6000, lr=0.3, lambd=0.7, keep_prob=0.8)
breast_cancer = Setting(steps=1000, lr=0.1, lambd=4.0, keep_prob=0.6)
own_file = Setting(steps=2000, lr=0.1, lambd=0.7, keep_prob=0.8)
quick_steps = {"side_of_the_field": 400, "breast_cancer": 150}


def default_sets(seed: int) -> Iterator[tuple[Dataset, Setting]]:
    """Both data sets with their settings; without scikit-learn only the first."""
    yield data.side_of_the_field(seed), field
    if installed("sklearn"):
        yield data.breast_cancer(seed, dev_fraction=0.5), breast_cancer


def installed(module: str) -> bool:
    """Whether an optional package is there."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
