"""Checkpoint: a file from which a training goes on."""

from __future__ import annotations

import os
from pathlib import Path

from minigrad.state import load, save
from minigrad.training.arguments import whole
from minigrad.training.run import Run


class Checkpoint:
    """Saves the run, after every `every` epochs and at the end; resume=True goes on from the file.

    The file has all that a later epoch depends on: the model and its generators, the optimizer, the schedule,
    rng, the history, and the state of callbacks that have one.  A run that was stopped in whatever way and is
    resumed, with epochs as many as in all there are to be, ends with the same bits as one in one go.  It is
    written beside its place and renamed: a crash leaves the file of an earlier epoch whole.

    resume    go on from the file; if there is none, begin
    Raises:   ValueError for a file of another model, optimizer or run, or that is not whole; OSError if it
              cannot be read or written.  Nothing is changed then.

    Other callbacks may stand before it or behind it: a Checkpoint is called last.
    """

    def __init__(self, path: str | os.PathLike[str], *, every: int = 1, resume: bool = False) -> None:
        self.every = whole(every, who="Checkpoint", name="every", least=1)
        self.path, self.resume = Path(path), bool(resume)

    def on_start(self, run: Run) -> None:
        """Go on from the file, if that is asked for and it is there."""
        if self.path.is_dir():
            raise IsADirectoryError(f"Checkpoint: {self.path} is a folder; give the name of a file")
        if not self.path.absolute().parent.is_dir():
            raise FileNotFoundError(f"Checkpoint: there is no folder {self.path.parent}")
        if self.resume and self.path.exists():
            state = load(self.path)
            try:
                run.load_state_dict(state)
            except ValueError as error:
                raise ValueError(f"Checkpoint: {self.path} does not fit: {error}") from error

    def __call__(self, run: Run) -> None:
        """Save, if it is time."""
        if run.epoch % self.every == 0 or run.ends:
            run.check_parameters()  # an earlier file is better than one without finite weights
            save(self.path, run.state_dict())
