"""Printing to a reader that may go away, or to a disk that may be full: the work itself goes on."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


class Refused(Exception):  # noqa: N818
    """What was asked for cannot be done; the message is one sentence for the user."""


class Output:
    """stdout, until writing to it fails; from then on it swallows what is printed.

    error   the failure: a BrokenPipeError if the reader, `head` for example, has gone; else a full disk, say
    """

    def __init__(self) -> None:
        self.error: OSError | None = None

    def print(self, *lines: str) -> None:
        """Print lines, all of them at once."""
        if self.error is None and sys.stdout is not None:
            try:
                print(*lines, sep="\n", flush=True)
            except OSError as error:
                self.error = error
                _swallow()

    def status(self, *, otherwise: int = 0, still: str = "") -> int:
        """The exit status: 141 as a shell says it of a closed pipe, 1 for a full disk.

        What failed is said; of a reader that left, which means to, only if something was done all the same.

        otherwise  the status if nothing failed
        still      what was done all the same
        """
        if self.error is None:
            return otherwise
        left = isinstance(self.error, BrokenPipeError)
        if still or not left:
            note(f"stdout: {self.error.strerror}{still}")
        return 141 if left else 1


def accept_any_letter() -> None:
    """A letter that a terminal does not have is printed as a question mark: λ, say."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _swallow() -> None:
    """Point stdout at nothing, so that what it still holds does not fail once more when Python ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # a stdout that is no file
        os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def note(line: str) -> None:
    """A sentence of the command on stderr."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(f"minigrad: {line}", file=sys.stderr, flush=True)
