"""The regularization experiment: one network, plain, with L2, with dropout, with both.

training.py          a network, its cost, gradient descent
experiment.py        the four models on a data set; the curve of λ
judging.py           what the numbers say: the textbook's claims, what was learnt, where λ is too large
hand_derivation.py   the textbook's backward pass, in plain NumPy
gradient_table.py    every gradient by machine, by hand, by differences
studies.py           all of that for one data set
settings.py          the data sets and settings if nothing else is asked for
seeds.py             how often the claims hold over many seeds; a command of its own
numerals.py          numbers as a reader meets them
tables.py            the numbers as text, .csv and .json
figures.py           the figures, with matplotlib
graphs.py            the drawn graphs of the models
pictures.py          all there is to see
mathml.py            equations that a browser typesets
readings.py          a trained model's derivation, ledger and page of steps
page.py              the bricks of report.html
explanation.py       what it explains, whatever the numbers are
prose.py             what it says about the numbers
report.py            the page, put together
files.py             writing it, whole or not at all
output.py            printing to a reader that may have gone
options.py           the options of the command `minigrad`
command.py           the command itself
own_loss.py          a loss by module:function
subcommands.py       minigrad derive, minigrad draw, minigrad steps
sweep/               the search for λ and keep_prob, a package
"""

from minigrad.experiments.experiment import Experiment, Setting, Trained, lambda_curve, regularization
from minigrad.experiments.gradient_table import Gradient, gradients
from minigrad.experiments.judging import Verdict, verdicts
from minigrad.experiments.studies import Study, study
from minigrad.experiments.sweep import Results, Unfinished, sweep
from minigrad.experiments.training import cost, evaluate, gradient_descent, network

__all__ = [
    "Experiment",
    "Gradient",
    "Results",
    "Setting",
    "Study",
    "Trained",
    "Unfinished",
    "Verdict",
    "cost",
    "evaluate",
    "gradient_descent",
    "gradients",
    "lambda_curve",
    "network",
    "regularization",
    "study",
    "sweep",
    "verdicts",
]
