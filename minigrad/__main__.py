"""The command `minigrad`, also `python -m minigrad`: the experiment, or derive, draw, steps, sweep.

Until all that the command needs is imported, Ctrl-C ends it without a word; see minigrad.interrupt.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from minigrad.interrupt import left_to_the_system


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and give its exit status; unless it is 0, one sentence on stderr says why.

    0 done, 1 stdout cannot be written to, 2 a file or an option is wrong, 130 stopped with Ctrl-C,
    141 the reader of stdout has gone.
    """
    try:
        from minigrad.experiments import command, subcommands
        from minigrad.experiments.sweep.command import main as sweep

        left_to_the_system(False)  # not before: numpy.random loses an interrupt while it is imported
        given = sys.argv[1:] if arguments is None else arguments
        if given and given[0] in subcommands.names:
            return subcommands.main(given[0], given[1:])
        if given and given[0] == "sweep":
            return sweep(given[1:])
        return command.main(given)
    except KeyboardInterrupt:
        _say_stopped()
        return 130


def _say_stopped() -> None:
    if sys.stderr is not None:
        below = "\n" if sys.stderr.isatty() else ""  # the terminal shows ^C
        print(f"{below}minigrad: stopped; no file was left half-written", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
