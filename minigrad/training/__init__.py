"""The training loop: mg.fit, and what may be hung onto it.

fit.py              fit: the loop itself
run.py              Run: a training in progress, what callbacks see and a checkpoint holds
step.py             one step, compiled or eager; the cost on the dev set
feed.py             what the data may be, and the batches of an epoch
history.py          History: a row of numbers for each epoch
early_stopping.py   EarlyStopping: ends a training that the dev set does not profit from any more
checkpoint.py       Checkpoint: a file from which a training goes on
progress.py         a bar, with tqdm
arguments.py        numbers among the arguments
"""

from minigrad.training.checkpoint import Checkpoint
from minigrad.training.early_stopping import EarlyStopping
from minigrad.training.fit import fit
from minigrad.training.history import History
from minigrad.training.run import Diverged, Run

__all__ = ["Checkpoint", "Diverged", "EarlyStopping", "History", "Run", "fit"]
