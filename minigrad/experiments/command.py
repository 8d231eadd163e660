"""The command `minigrad` without a subcommand: the regularization experiment, its tables, its report."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from textwrap import wrap
from typing import Any

from minigrad import data
from minigrad.data import Dataset
from minigrad.experiments import figures, tables
from minigrad.experiments.experiment import Setting, Tick, lambdas_around
from minigrad.experiments.files import folder_for, write_files
from minigrad.experiments.graphs import model_graphs
from minigrad.experiments.options import add_options, parse
from minigrad.experiments.output import Output, Refused, accept_any_letter, note
from minigrad.experiments.pictures import Pictures, draw_figures
from minigrad.experiments.readings import Readings, readings
from minigrad.experiments.report import report
from minigrad.experiments.settings import default_seed, default_sets, installed, own_file, quick_steps
from minigrad.experiments.studies import Study, study
from minigrad.training import Diverged

__all__ = ["Refused", "add_options", "as_typed", "main", "run"]


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for, and give the exit status."""
    accept_any_letter()
    output = Output()
    try:
        options = parse(arguments, output)
    except SystemExit as left:  # after --help, --version or a wrong option
        return output.status(otherwise=int(left.code or 0))
    try:
        return run(options, command=as_typed(arguments), output=output)
    except Refused as error:
        note(str(error))
        return 2


def run(options: argparse.Namespace, *, command: str, output: Output) -> int:
    """Do it all; the report is written last, so that a run that is stopped leaves nothing behind.

    Raises:  Refused, with one sentence for the user.
    """
    if options.label is not None and options.data is None:
        raise Refused("--label names a column of a .csv file: give the file with --data")
    chosen = list(_chosen(options))
    try:
        with folder_for(options.out):
            _run(chosen, options, command, output)
    except OSError as error:
        raise Refused(f"--out: {error.filename or options.out}: {error.strerror}") from error
    page = options.out / "report.html"
    output.print("", f"The report: {page}")
    return output.status(still=f"; the report is written all the same: {page}")


def _run(chosen: list[Job], options: argparse.Namespace, command: str, output: Output) -> None:
    for line in _missing(options):
        note(line)
    with _progress(sum(_steps_of(*job) for job in chosen)) as tick:
        studies = [_study(*job, tick=tick) for job in chosen]
    output.print(*_results(studies, options))
    pictures = Pictures(
        figures=draw_figures(studies) if figures.installed() else {},
        graphs=model_graphs(studies[0].experiment),
    )
    read = readings(studies[0].experiment)
    texts = _texts(studies, pictures, read, command=command, chosen_seed=_is_default(options))
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


def _sets(options: argparse.Namespace) -> Iterable[tuple[Dataset, Setting]]:
    if options.data is None:
        return default_sets(options.seed)
    try:
        return [(data.load(options.data, label=options.label, seed=options.seed), own_file)]
    except (ValueError, OSError, ImportError) as error:
        raise Refused(f"--data: {str(error).removeprefix('load: ')}") from error


def _is_default(options: argparse.Namespace) -> bool:
    """Whether nothing is asked for that changes the numbers."""
    asked = (options.data, options.lambd, options.keep_prob, options.lr, options.steps, options.quick or None)
    return options.seed == default_seed and options.hidden == (20, 3) and asked == (None,) * len(asked)


def _missing(options: argparse.Namespace) -> Iterator[str]:
    lacking = []
    if options.data is None and not installed("sklearn"):
        lacking.append("scikit-learn, so there is no breast cancer set")
    if not figures.installed():
        lacking.append("matplotlib, so there are no figures")
    if lacking:
        yield f"not installed: {'; '.join(lacking)} (pip install 'minigrad[demo]')"


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


def _results(studies: Sequence[Study], options: argparse.Namespace) -> Iterator[str]:
    """The lines that are printed."""
    from minigrad import __version__

    yield f"minigrad {__version__}, seed {options.seed}"
    for found in studies:
        yield from ("", tables.title(found.experiment))
        yield from _lines(tables.summary(found.experiment))
        yield from ("", *_lines(tables.results_table(found.experiment)))
        yield from ("", *_lines(tables.verdict_table(found.experiment)))
    yield from ("", "What the textbook claims, and what these numbers say")
    yield from _lines(tables.conclusions(studies))
    first, *others = studies
    yield from (
        "",
        f"Every gradient of J, “{tables.title(first.experiment)}”, with the masks of the last step",
    )
    for name, found_gradients in first.gradients.items():
        yield from ("", name, *_lines(tables.gradient_table(found_gradients), indent=""))
    for found in others:
        everything = [g for gradients in found.gradients.values() for g in gradients]
        to_hand, to_differences = tables.largest_errors(everything)
        yield ""
        yield from _lines(
            [
                f"“{tables.title(found.experiment)}” has {len(everything)} gradients more, in gradients.csv; "
                f"the largest errors are {to_hand:.0e} (hand) and {to_differences:.0e} (differences)."
            ],
            indent="",
        )


def _lines(lines: Sequence[str], indent: str = "  ") -> Iterator[str]:
    """Indented; a sentence that is too long for a terminal goes on below."""
    for line in lines:
        if len(line) + len(indent) <= 80 or "  " in line.strip():
            yield indent + line
        else:
            yield from wrap(line, 80, initial_indent=indent, subsequent_indent=indent and indent + "  ")


def _texts(
    studies: Sequence[Study], pictures: Pictures, read: Readings, *, command: str, chosen_seed: bool
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
    page = report(studies, pictures, read, command=command, files=names, chosen_seed=chosen_seed)
    texts |= {**written, "derivation.py": read.source, "steps.html": read.steps}
    texts["results.json"] = tables.results_json(
        studies, version=__version__, files=[*texts, "results.json", "report.html"]
    )
    texts["report.html"] = page
    return texts


@contextmanager
def _progress(total: int) -> Iterator[Tick]:
    """A progress bar on a terminal; elsewhere silence."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda name: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        note("training (with tqdm installed there would be a progress bar here)")
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


def as_typed(arguments: Sequence[Any]) -> str:
    """The command line that a reader can type again.

    >>> as_typed(["--data", "my file.csv"])
    "minigrad --data 'my file.csv'"
    """
    return shlex.join(["minigrad", *map(str, arguments)])
