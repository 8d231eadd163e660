"""The search for λ and keep_prob: many trainings, judged on examples that were held out.

grid.py        the cells: every combination of the axes' values, or random draws
parts.py       what a cell is judged on: a dev set, or k folds
build.py       what is trained
measures.py    what is measured
run.py         one training
execution.py   running them, with any executor
identity.py    by what a sweep is recognized
ledger.py      the folder: what is swept, and a row for each run that is done
choice.py      means and standard errors, the best cell, the one-standard-error choice
summary.py     the results for a terminal
pictures.py    the heat map, and the curve from overfitting to underfitting
results.py     Results: the table, and what is read from it
sending.py     what all runs share, sent to a process once
rows.py        the text of the table
sweep.py       sweep: all of that
command.py     minigrad sweep
"""

from minigrad.experiments.sweep.choice import Mean
from minigrad.experiments.sweep.results import Results
from minigrad.experiments.sweep.sweep import Unfinished, sweep

__all__ = ["Mean", "Results", "Unfinished", "sweep"]
