"""The command `minigrad` without a subcommand: the regularization experiment, its tables, its report."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import Any

from minigrad import data
from minigrad.data import Dataset
from minigrad.experiments import figures, tables
from minigrad.experiments.files import folder_for, write_files
from minigrad.experiments.graphs import model_graphs
from minigrad.experiments.regularization import Setting, Tick, lambdas_around
from minigrad.experiments.report import Pictures, draw_figures, report
from minigrad.experiments.study import Study, study
from minigrad.experiments.training import Diverged

default_seed = 7
field = Setting(steps=6000, lr=0.3, lambd=0.7, keep_prob=0.8)
breast_cancer = Setting(steps=1000, lr=0.1, lambd=4.0, keep_prob=0.6)
own_file = Setting(steps=2000, lr=0.1, lambd=0.7, keep_prob=0.8)
quick_steps = {"side_of_the_field": 400, "breast_cancer": 150}

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
arrays X and y, and perhaps a dev set Xval and yval."""


class Refused(Exception):  # noqa: N818
    """What was asked for cannot be done; the message is one sentence for the user."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this job."""
    parser.add_argument("--data", metavar="FILE", type=Path, help="your own examples: .csv, .npz or .mat")
    parser.add_argument(
        "--label", metavar="NAME", help="the column of the labels in a .csv file (default: the last)"
    )
    parser.add_argument(
        "--hidden",
        metavar="N,N",
        type=_sizes,
        default=(20, 3),
        help="sizes of the hidden layers (default: 20,3)",
    )
    parser.add_argument(
        "--lambd", metavar="L", type=_number(least=0), help="λ of the L2 penalty λ/(2m) Σ‖W‖², at least 0"
    )
    parser.add_argument(
        "--keep-prob",
        metavar="P",
        type=_number(above=0, most=1),
        help="probability to keep a neuron in dropout, at most 1",
    )
    parser.add_argument("--lr", metavar="R", type=_number(above=0), help="learning rate of gradient descent")
    parser.add_argument("--steps", metavar="N", type=_count(1), help="steps of gradient descent")
    parser.add_argument(
        "--seed", metavar="N", type=_count(0), default=default_seed,
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


def run(options: argparse.Namespace, *, command: str) -> int:
    """Do it all; the report is written last, so that a run that is stopped leaves nothing behind.

    Raises:  Refused, with one sentence for the user.
    """
    if options.label is not None and options.data is None:
        raise Refused("--label names a column of a .csv file: give the file with --data")
    chosen = list(_chosen(options))
    try:
        with folder_for(options.out):
            _run(chosen, options, command)
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # the reader of our output has gone
            raise
        raise Refused(f"--out: {error.filename or options.out}: {error.strerror}") from error
    print(f"\nThe report: {options.out / 'report.html'}")
    return 0


def _run(chosen: list[Job], options: argparse.Namespace, command: str) -> None:
    for line in _missing(options):
        _note(line)
    with _progress(sum(_steps_of(*job) for job in chosen)) as tick:
        studies = [_study(*job, tick=tick) for job in chosen]
    try:
        _print_results(studies, options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for example, has seen enough; the report is still written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    pictures = Pictures(
        figures=draw_figures(studies) if figures.installed() else {},
        graphs=model_graphs(studies[0].experiment),
    )
    texts = _texts(studies, pictures, command=command, chosen_seed=_is_default(options))
    write_files(options.out, texts)


Job = tuple[Dataset, Setting, list[float]]
"""A data set, the setting, the values of λ for the curve."""


# ---- what is to be done


def _chosen(options: argparse.Namespace) -> Iterator[Job]:
    """A job for each data set; the curve is drawn for the first only."""
    given = {name: getattr(options, name) for name in ("lambd", "keep_prob", "lr", "steps")}
    given = {name: value for name, value in given.items() if value is not None}
    given |= {"hidden": options.hidden, "seed": options.seed}
    for i, (dataset, setting) in enumerate(_sets(options)):
        if options.quick:
            setting = replace(setting, steps=quick_steps.get(dataset.name, 200))
        setting = replace(setting, **given)
        lambdas = lambdas_around(setting.lambd, count=5 if options.quick else 9) if i == 0 else []
        yield dataset, setting, lambdas


def _sets(options: argparse.Namespace) -> Iterator[tuple[Dataset, Setting]]:
    if options.data is not None:
        try:
            yield data.load(options.data, label=options.label, seed=options.seed), own_file
        except (ValueError, OSError, ImportError) as error:
            raise Refused(f"--data: {str(error).removeprefix('load: ')}") from error
        return
    yield data.side_of_the_field(options.seed), field
    if _installed("sklearn"):
        yield data.breast_cancer(options.seed, dev_fraction=0.5), breast_cancer


def _is_default(options: argparse.Namespace) -> bool:
    """Whether nothing is asked for that changes the numbers."""
    asked = (options.data, options.lambd, options.keep_prob, options.lr, options.steps, options.quick or None)
    return options.seed == default_seed and options.hidden == (20, 3) and asked == (None,) * len(asked)


def _missing(options: argparse.Namespace) -> Iterator[str]:
    lacking = []
    if options.data is None and not _installed("sklearn"):
        lacking.append("scikit-learn, so there is no breast cancer set")
    if not figures.installed():
        lacking.append("matplotlib, so there are no figures")
    if lacking:
        yield f"not installed: {'; '.join(lacking)} (pip install 'minigrad[demo]')"


def _installed(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _steps_of(dataset: Dataset, setting: Setting, lambdas: Sequence[float]) -> int:
    new = [lambd for lambd in lambdas if lambd not in (0, setting.lambd)]
    return setting.steps * (len(setting.recipes()) + len(new))


def _study(dataset: Dataset, setting: Setting, lambdas: list[float], *, tick: Tick) -> Study:
    try:
        return study(dataset, setting, lambdas=lambdas, tick=tick)
    except Diverged as error:
        advice = f"--lr smaller than {setting.lr:g}"
        if setting.lr * setting.lambd >= 2 * dataset.m:  # the decay alone overshoots: |1 - lr λ/m| > 1
            advice += f", or --lambd smaller than {setting.lambd:g}"
        raise Refused(f"{error}; try {advice}") from error


# ---- what is shown


def _print_results(studies: Sequence[Study], options: argparse.Namespace) -> None:
    from minigrad import __version__

    print(f"minigrad {__version__}, seed {options.seed}")
    for found in studies:
        print(f"\n{tables.title(found.experiment)}")
        _print_lines(tables.summary(found.experiment), indent="  ")
        print()
        _print_lines(tables.results_table(found.experiment))
        print()
        _print_lines(tables.verdict_table(found.experiment))
    print("\nWhat the textbook claims, and what these numbers say")
    _print_lines(tables.conclusions(studies), indent="  ")
    first, *others = studies
    print(f"\nEvery gradient of J, “{tables.title(first.experiment)}”, with the masks of the last step")
    for name, found_gradients in first.gradients.items():
        print(f"\n{name}")
        _print_lines(tables.gradient_table(found_gradients), indent="")
    for found in others:
        everything = [g for gradients in found.gradients.values() for g in gradients]
        to_hand, to_differences = tables.largest_errors(everything)
        print(
            f"\n“{tables.title(found.experiment)}” has {len(everything)} gradients more, in gradients.csv; "
            f"the largest errors\nare {to_hand:.0e} (hand) and {to_differences:.0e} (differences)."
        )


def _print_lines(lines: Sequence[str], indent: str = "  ") -> None:
    from textwrap import wrap

    for line in lines:
        if len(line) + len(indent) <= 80 or "  " in line.strip():
            print(indent + line)
        else:
            print("\n".join(wrap(line, 80, initial_indent=indent, subsequent_indent=indent + "  ")))


def _texts(
    studies: Sequence[Study], pictures: Pictures, *, command: str, chosen_seed: bool
) -> dict[str, str]:
    """Every file of the report; the page itself is the last."""
    from minigrad import __version__

    texts = {f"figures/{name}.svg": svg for name, svg in pictures.figures.items()}
    for (name, mode), graph in pictures.graphs.items():
        texts[f"graphs/{name}_{mode}.dot"] = graph.dot
        if graph.file:
            texts[f"graphs/{name}_{mode}.svg"] = graph.file
    written = {"results.csv": tables.results_csv(studies), "gradients.csv": tables.gradients_csv(studies)}
    if studies[0].curve:
        written["lambda_curve.csv"] = tables.curve_csv(studies[0])
    names = [*written, "results.json"]
    page = report(studies, pictures, command=command, files=names, chosen_seed=chosen_seed)
    texts |= written
    texts["results.json"] = tables.results_json(
        studies, version=__version__, files=[*texts, "results.json", "report.html"]
    )
    texts["report.html"] = page
    return texts


def _note(line: str) -> None:
    print(f"minigrad: {line}", file=sys.stderr)


@contextmanager
def _progress(total: int) -> Iterator[Tick]:
    """A progress bar on a terminal; elsewhere silence."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        _note("training (with tqdm installed there would be a progress bar here)")
        yield lambda name: None
        return
    with tqdm(total=total, unit=" steps", leave=False, dynamic_ncols=True) as bar:
        shown = ""

        def tick(name: str) -> None:
            nonlocal shown
            if name != shown:
                shown = name
                bar.set_description(f"{name:>9}")
            bar.update()

        yield tick


# ---- options


def _number(
    *, above: float = -float("inf"), least: float = -float("inf"), most: float = float("inf")
) -> Callable[[str], float]:
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


def _count(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f'"{text}" is not a whole number of at least {least}')
        return number

    return read


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 1 or max(sizes) > 100_000:
        raise argparse.ArgumentTypeError(f'"{text}" is not a list of sizes, each 1 to 100000, such as 20,3')
    return sizes


def as_typed(arguments: Sequence[Any]) -> str:
    """The command line that a reader can type again.

    >>> as_typed(["--data", "my file.csv"])
    "minigrad --data 'my file.csv'"
    """
    return shlex.join(["minigrad", *map(str, arguments)])
