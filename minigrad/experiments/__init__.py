"""The regularization experiment: one network, plain, with L2, with dropout, with both.

training.py          a network, its cost, a plain loop of gradient descent
regularization.py    the four models on a data set; the textbook's claims, judged; the curve of λ
hand_derivation.py   the textbook's backward pass, in plain NumPy
gradient_table.py    every gradient by machine, by hand, by differences
study.py             all of that for one data set
tables.py            the numbers as text, .csv and .json
figures.py           the figures, with matplotlib
graphs.py            the drawn graphs of the models
page.py              the bricks of report.html
explanation.py       what it explains, whatever the numbers are
report.py            what it says about the numbers
files.py             writing it, whole or not at all
command.py           the command `minigrad`
"""

from minigrad.experiments.gradient_table import Gradient, gradients
from minigrad.experiments.regularization import (
    Experiment,
    Setting,
    Trained,
    Verdict,
    lambda_curve,
    regularization,
    verdicts,
)
from minigrad.experiments.study import Study, study
from minigrad.experiments.training import cost, evaluate, gradient_descent, network

__all__ = [
    "Experiment",
    "Gradient",
    "Setting",
    "Study",
    "Trained",
    "Verdict",
    "cost",
    "evaluate",
    "gradient_descent",
    "gradients",
    "lambda_curve",
    "network",
    "regularization",
    "study",
    "verdicts",
]
