"""What is measured of a trained model, on the training examples and on those held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad.experiments.training import cross_entropy, right_answers

Measures = Mapping[str, Callable[..., Any]]


def cross_entropy_of(model: Any, X: Any, y: Any) -> Any:
    """The cross-entropy of a model that gives logits, without a penalty."""
    return cross_entropy(model(X), y)


def accuracy(model: Any, X: Any, y: Any) -> float:
    """The share of the labels that are the likelier class of a model that gives logits."""
    return float(np.mean(right_answers(model, X, y)))


def measures_of(measures: Any, names: list[str]) -> dict[str, Callable[..., Any]]:
    """The measures, by name, the one that is chosen by first.

    Raises:  TypeError or ValueError unless they are functions, with names that are no axes' (`names`).
    """
    if measures is None:
        return {"cost": cross_entropy_of, "accuracy": accuracy}
    if not isinstance(measures, Mapping) or not measures or not all(map(callable, measures.values())):
        raise TypeError(f"sweep: measures is {measures!r}; wanted functions of (model, X, y) by name")
    for name in measures:
        if not isinstance(name, str) or not name or not name.isprintable():
            raise TypeError(f"sweep: a measure is named {name!r}; wanted a text of one line")
    columns = [*names, "seed", "fold", *columns_of(measures)]
    if twice := next((name for name in columns if columns.count(name) > 1), None):
        raise ValueError(
            f'sweep: two columns of the results would be named "{twice}"; name the measure differently'
        )
    return dict(measures)


def columns_of(measures: Iterable[str]) -> list[str]:
    """The columns of the results: of each measure on the training examples and on those held out."""
    return [column for name in measures for column in (name, f"dev_{name}")]
