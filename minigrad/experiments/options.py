"""The options of the command `minigrad`, and what is said about a wrong one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import NoReturn

from minigrad.experiments.output import Output, note
from minigrad.experiments.settings import default_seed

description = """\
Train one network four times: plain, with L2, with dropout, with both. Print
what became of training accuracy, dev accuracy and weights. Find every gradient
by machine, by hand and by differences. Write a report with pictures.

Without --data this is done on two sets: on points of a field, which minigrad
makes, and on the breast cancer set that comes with scikit-learn."""

epilog = """\
examples:
  minigrad                                    both sets; about half a minute
  minigrad --quick --out first-look           a first look, in a few seconds
  minigrad --data flowers.csv --label kind    your own examples, a row each
  minigrad --lambd 2 --keep-prob 0.9 --seed 1

A .csv file has a header, the features in columns of numbers, and the label in
the last column or in the one that --label names. A .npz or .mat file has the
arrays X and y, and perhaps a dev set Xval and yval.

other commands, which have a --help of their own:
  minigrad derive    the backward pass of a loss, written out
  minigrad draw      the computation graph of a loss as a picture
  minigrad steps     a page to walk through both passes, step by step
  minigrad sweep     the search for λ and keep_prob"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence, and whose help is printed as the results are."""

    output: Output

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with exit status 2."""
        note(f"{message}; see {self.prog} --help")
        self.exit(2)

    def _print_message(self, message: str, file: object = None) -> None:
        self.output.print(message.removesuffix("\n"))  # argparse's own leaves it unsaid when this fails


def parse(arguments: Sequence[str], output: Output) -> argparse.Namespace:
    """The options as they were typed.

    Raises:  SystemExit after --help and --version, and with status 2 after one sentence about a wrong option.
    """
    from minigrad import __version__

    parser = Parser(
        prog="minigrad",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.output = output
    parser.add_argument("--version", action="version", version=f"minigrad {__version__}")
    add_options(parser)
    if arguments and not arguments[0].startswith("-"):
        parser.error(f'there is no command "{arguments[0]}", but derive, draw, steps and sweep')
    return parser.parse_args(arguments)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this job."""
    parser.add_argument("--data", metavar="FILE", type=Path, help="your own examples: .csv, .npz or .mat")
    parser.add_argument(
        "--label", metavar="NAME", help="the column of the labels in a .csv file (default: the last)"
    )
    parser.add_argument(
        "--hidden",
        metavar="N,N",
        type=sizes,
        default=(20, 3),
        help="sizes of the hidden layers (default: 20,3)",
    )
    parser.add_argument(
        "--lambd", metavar="L", type=number_type(least=0), help="λ of the L2 penalty λ/(2m) Σ‖W‖², at least 0"
    )
    parser.add_argument(
        "--keep-prob",
        metavar="P",
        type=number_type(above=0, most=1),
        help="probability to keep a neuron in dropout, at most 1",
    )
    parser.add_argument(
        "--lr", metavar="R", type=number_type(above=0), help="learning rate of gradient descent"
    )
    parser.add_argument("--steps", metavar="N", type=count_type(1), help="steps of gradient descent")
    parser.add_argument(
        "--seed", metavar="N", type=count_type(0), default=default_seed,
        help=f"draws data, split, initial weights and masks (default: {default_seed})",
    )  # fmt: skip
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("minigrad-report"),
        help="the report's folder (default: %(default)s)",
    )
    parser.add_argument(
        "--quick", action="store_true", help="far fewer steps: a first look, in a few seconds"
    )


def number_type(
    *, above: float = -float("inf"), least: float = -float("inf"), most: float = float("inf")
) -> Callable[[str], float]:
    """What reads an option that is a number within limits."""
    wanted = " and ".join(
        text
        for text, asked in (
            (f"greater than {above:g}", isfinite(above)),
            (f"of at least {least:g}", isfinite(least)),
            (f"at most {most:g}", isfinite(most)),
        )
        if asked
    )

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not (isfinite(number) and number > above and least <= number <= most):
            raise argparse.ArgumentTypeError(f'"{text}" is not a number {wanted}')
        return number

    return read


def count_type(least: int) -> Callable[[str], int]:
    """What reads an option that is a whole number of at least `least`."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f'"{text}" is not a whole number of at least {least}')
        return number

    return read


def sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of hidden layers: 20,3."""
    try:
        read = tuple(int(part) for part in text.split(","))
    except ValueError:
        read = ()
    if not read or min(read) < 1 or max(read) > 100_000:
        raise argparse.ArgumentTypeError(f'"{text}" is not a list of sizes, each 1 to 100000, such as 20,3')
    return read
