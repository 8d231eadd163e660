"""Ctrl-C while the command `minigrad` is still importing what it needs ends it at once, without a traceback.

Nothing has begun by then that would have to be told.  `minigrad.__main__` takes the interrupt over.
"""

import os.path  # not pathlib, which takes as long to import as half of minigrad
import signal
import sys
from contextlib import suppress


def is_the_command() -> bool:
    """Whether this process is `minigrad` or `python -m minigrad`, and not a program that imports it."""
    script = os.path.splitext(os.path.basename(sys.argv[0]))[0] if sys.argv else ""
    return script == "minigrad" or (
        script == "-m" and sys.orig_argv[-len(sys.argv)].removeprefix("-m") == "minigrad"
    )


def left_to_the_system(yes: bool) -> None:
    """Let Ctrl-C end the process, or let it raise KeyboardInterrupt; another handler stays as it is."""
    one, other = signal.default_int_handler, signal.SIG_DFL
    if signal.getsignal(signal.SIGINT) is (one if yes else other):
        with suppress(ValueError):  # a thread cannot
            signal.signal(signal.SIGINT, other if yes else one)


if is_the_command():
    left_to_the_system(True)
