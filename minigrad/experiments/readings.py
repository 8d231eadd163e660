"""The trained model with L2 and dropout, as its graph can be read: derivation, ledger, a page of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.backprop import grad
from minigrad.experiments.experiment import Experiment
from minigrad.experiments.gradient_table import relative_error
from minigrad.experiments.mathml import mathml
from minigrad.experiments.training import cost
from minigrad.show import derive
from minigrad.show.derivation.ledger import Ledger, regularization
from minigrad.show.page.steps import steps
from minigrad.tensor import Tensor

examples = 5
"""In the page of steps: so few that every matrix can be read."""


@dataclass(frozen=True, eq=False)
class Readings:
    """One model, read in several ways.

    model      its name
    source     the derivation as NumPy
    equations  the derivation as MathML; "" if one of its functions cannot be written so
    words      the derivation in words, step by step
    error      the largest error of the gradients that the source gives to those of backward()
    ledger     what penalises which parameter
    steps      the page to walk through, on the first few examples; there are `examples` of them
    """

    model: str
    source: str
    equations: str
    words: str
    error: float
    ledger: Ledger
    steps: str
    examples: int


def readings(experiment: Experiment) -> Readings:
    """The last model of an experiment, after training, in training mode; masks are drawn anew.

    >>> from minigrad.data import side_of_the_field
    >>> from minigrad.experiments import Setting, regularization
    >>> found = readings(regularization(side_of_the_field(m=20, m_dev=10), Setting(steps=3)))
    >>> found.model, found.ledger["W1"].penalties, found.examples
    ('both', ('L2',), 5)
    """
    trained, dataset = experiment.models[-1], experiment.dataset
    model = trained.model.train()
    J = cost(model, dataset.X, dataset.y, lambd=trained.lambd)
    derivation: Any = derive(J, model)
    few = cost(model, dataset.X[:examples], dataset.y[:examples], lambd=trained.lambd)
    return Readings(
        model=trained.name,
        source=derivation.numpy(),
        equations=_equations(derivation.latex()),
        words=derivation.explain(),
        error=_error(derivation, J, model),
        ledger=regularization(model, J),
        steps=steps(few).html(),
        examples=min(examples, dataset.m),
    )


def _equations(latex: str) -> str:
    try:
        return mathml(latex)
    except ValueError:
        return ""


def _error(derivation: Any, J: Tensor, model: nn.Module) -> float:
    """The text is run on the numbers and masks of J, and its gradients are compared with the machine's."""
    _, found = derivation.run()
    parameters = list(model.parameters())
    machine = grad(J, parameters)
    return max(
        relative_error(np.asarray(found[f"d{p.name}"]), g.data)
        for p, g in zip(parameters, machine, strict=True)
    )
