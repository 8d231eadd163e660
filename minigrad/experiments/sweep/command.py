"""minigrad sweep: the search for λ and keep_prob from a terminal."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from minigrad import data
from minigrad.data import Dataset
from minigrad.experiments import figures
from minigrad.experiments.experiment import Setting
from minigrad.experiments.files import write_file
from minigrad.experiments.options import Parser, count_type, number_type, sizes
from minigrad.experiments.output import Output, Refused, accept_any_letter, note
from minigrad.experiments.settings import default_seed, field, own_file, quick_steps
from minigrad.experiments.sweep.execution import processes
from minigrad.experiments.sweep.results import Results
from minigrad.experiments.sweep.sweep import Unfinished, sweep

default_lambdas = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
default_keep_probs = (1.0, 0.9, 0.8, 0.6)
default_seeds = (0, 1, 2)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for, and give the exit status."""
    accept_any_letter()
    output = Output()
    try:
        options = parser(output).parse_args(arguments)
    except SystemExit as left:  # after --help or a wrong option
        return output.status(otherwise=int(left.code or 0))
    try:
        results = run(options)
    except Refused as error:
        note(str(error))
        return 2
    output.print(*repr(results).splitlines(), "")
    try:
        output.print(*_written(results, options.out))
    except OSError as error:  # a full disk
        where = error.filename2 or error.filename or options.out
        note(f"--out: {where}: {error.strerror}; results.csv is complete")
        return 2
    return output.status(still=f"; the results are in {options.out} all the same")


def run(options: argparse.Namespace) -> Results:
    """Train what is missing in the folder.

    Raises:  Refused, with one sentence for the user.
    """
    dataset, setting = _chosen(options)
    axes = {"lambd": options.lambd, "keep_prob": options.keep_prob}
    asked: dict[str, Any] = {"seeds": options.seeds, "folds": options.folds, "fold_seed": options.seed}
    try:
        with processes(options.workers) as executor:
            results = sweep(
                setting, axes, dataset, executor=executor, folder=options.out, resume=options.resume, **asked
            )
    except (ValueError, Unfinished) as error:
        raise Refused(_in_words_of_the_command(str(error))) from error
    except OSError as error:
        raise Refused(
            f"--out: {error.filename or options.out}: {error.strerror}{_kept(error, '; ')}"
        ) from error
    except BaseException as error:
        if kept := _kept(error):
            note(f"{kept} in {options.out}; --resume goes on")
        raise
    if len(results.diverged) == len(results):
        raise Refused(f"every run diverged; try --lr smaller than {setting.lr:g}, and another --out")
    return results


def _chosen(options: argparse.Namespace) -> tuple[Dataset, Setting]:
    """The data, and what all networks have in common."""
    if options.label is not None and options.data is None:
        raise Refused("--label names a column of a .csv file: give the file with --data")
    try:
        if options.data is None:
            dataset, setting = data.side_of_the_field(options.seed), field
        else:
            dataset, setting = data.load(options.data, label=options.label, seed=options.seed), own_file
    except (ValueError, OSError, ImportError) as error:
        raise Refused(f"--data: {str(error).removeprefix('load: ')}") from error
    if options.quick:
        setting = replace(setting, steps=quick_steps.get(dataset.name, 200))
    given = {key: getattr(options, key) for key in ("hidden", "lr", "steps")}
    return dataset, replace(setting, **{key: value for key, value in given.items() if value is not None})


def _kept(error: BaseException, before: str = "") -> str:
    """What is done, if something is."""
    found = getattr(error, "results", ())
    return f"{before}{len(found)} of {len(found.runs)} runs are done and kept" if found else ""


def _in_words_of_the_command(said: str) -> str:
    said = said.removeprefix("sweep: ").replace("resume=True", "--resume")
    for option in ("lambd", "keep_prob", "seeds", "folds"):
        for follows in (" has ", " is ", "="):
            if said.startswith(option + follows):
                return f"--{option.replace('_', '-')}{said.removeprefix(option)}"
    return said.replace("give another folder", "give another folder with --out")


def _written(results: Results, folder: Path) -> Iterator[str]:
    """Write summary and pictures, and tell where everything is."""
    texts = {"summary.txt": f"{results!r}\n"}
    if figures.installed():
        texts["heat_map.svg"] = results.heat_map()
        with suppress(ValueError):  # of one λ there is no curve
            texts["curve.svg"] = results.curve()
    else:
        note("not installed: matplotlib, so there are no pictures (pip install 'minigrad[demo]')")
    for file, text in texts.items():
        write_file(folder / file, text)
    for file in {"heat_map.svg", "curve.svg"} - texts.keys():  # of an earlier grid
        (folder / file).unlink(missing_ok=True)
    yield f"In {folder}: {', '.join(['results.csv', *texts])}"


# ---- options and help

description = """\
Train one network with every λ, every keep_prob and every seed, and judge each
on examples that it was not trained on. Print a table of the mean costs, the
best cell, and the most regularized one within one standard error of it. The
folder gets every number as results.csv, a heat map, and the curve of λ.

Without --data this is done on points of a field, which minigrad makes."""

epilog = """\
examples:
  minigrad sweep                              28 cells, 3 seeds: a minute
  minigrad sweep --quick --out first-look     a first look, in a few seconds
  minigrad sweep --data flowers.csv --label kind --folds 5
  minigrad sweep --lambd 0 0.1 0.7 3 --keep-prob 1 0.8 --seeds 0 1 2 3
  minigrad sweep --workers 4 --resume         in four processes; go on

A sweep that was stopped, by Ctrl-C or in any other way, goes on with --resume:
what is in the folder is not trained again. So a grid can be extended, too."""


def parser(output: Output) -> Parser:
    """The options of this command."""
    made = Parser(
        prog="minigrad sweep",
        usage="minigrad sweep [--lambd L ...] [--keep-prob P ...] [options]",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.output = output
    _add_grid(made)
    _add_network(made)
    made.add_argument(
        "--workers", metavar="N", type=count_type(1), default=1, help="so many processes (default: 1)"
    )
    made.add_argument(
        "--out", metavar="FOLDER", type=Path, default=Path("minigrad-sweep"),
        help="the folder of the results (default: %(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--resume", action="store_true", help="go on with what is in the folder; the grid may be another"
    )
    made.add_argument("--quick", action="store_true", help="far fewer steps: a first look, in a few seconds")
    return made


def _add_grid(made: Parser) -> None:
    group = made.add_argument_group("the grid")
    group.add_argument(
        "--lambd", metavar="L", nargs="+", type=number_type(least=0), default=default_lambdas,
        help=f"values of λ (default: {_listed(default_lambdas)})",
    )  # fmt: skip
    group.add_argument(
        "--keep-prob", metavar="P", nargs="+", type=number_type(above=0, most=1), default=default_keep_probs,
        help=f"values of keep_prob (default: {_listed(default_keep_probs)})",
    )  # fmt: skip
    group.add_argument(
        "--seeds", metavar="N", nargs="+", type=count_type(0), default=default_seeds,
        help=f"seeds of weights and masks; the mean over them counts (default: {_listed(default_seeds)})",
    )  # fmt: skip


def _add_network(made: Parser) -> None:
    group = made.add_argument_group("the data and the network")
    group.add_argument("--data", metavar="FILE", type=Path, help="your own examples: .csv, .npz or .mat")
    group.add_argument(
        "--label", metavar="NAME", help="the column of the labels in a .csv file (default: the last)"
    )
    group.add_argument(
        "--folds", metavar="K", type=count_type(2),
        help="judge by K-fold cross-validation on the training examples (default: on the dev set)",
    )  # fmt: skip
    group.add_argument(
        "--seed", metavar="N", type=count_type(0), default=default_seed,
        help=f"draws data, split and folds (default: {default_seed})",
    )  # fmt: skip
    group.add_argument(
        "--hidden", metavar="N,N", type=sizes, help="sizes of the hidden layers (default: 20,3)"
    )
    group.add_argument(
        "--lr", metavar="R", type=number_type(above=0), help="learning rate of gradient descent"
    )
    group.add_argument("--steps", metavar="N", type=count_type(1), help="steps of gradient descent")


def _listed(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values)
