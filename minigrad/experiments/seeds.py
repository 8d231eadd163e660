"""How often the textbook's claims hold: the experiment over many seeds, and the command that runs it.

    python -m minigrad.experiments.seeds                  the table of the report, found anew: 80 seeds
    python -m minigrad.experiments.seeds --seeds 3        a look, with the first three
    python -m minigrad.experiments.seeds --out FILE.csv   and every number, as in seeds.csv

A seed takes some seven seconds.  What came of the seeds 0 to 79 lies beside this file, in seeds.csv, and the
report shows the table of it.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from minigrad.data import Dataset
from minigrad.experiments import numerals
from minigrad.experiments.experiment import Setting, regularization
from minigrad.experiments.judging import Verdict, claims, judge
from minigrad.experiments.output import Output, note
from minigrad.experiments.settings import default_sets
from minigrad.experiments.tables import columns, titles

_file = Path(__file__).with_name("seeds.csv")


@dataclass(frozen=True)
class Outcome:
    """What one model came to with one seed."""

    data_set: str
    seed: int
    name: str
    accuracy: float
    accuracy_dev: float
    cross_entropy_dev: float
    norm: float


def outcomes(dataset: Dataset, setting: Setting) -> list[Outcome]:
    """What the four models come to on one data set, with the setting's seed."""
    return [
        Outcome(
            dataset.name,
            setting.seed,
            m.name,
            *(float(f"{number:.6g}") for number in (m.accuracy, m.accuracy_dev, m.cross_entropy_dev, m.norm)),
        )
        for m in regularization(dataset, setting).models
    ]


def run(seed: int) -> list[Outcome]:
    """What `minigrad --seed` finds on every data set."""
    return [
        outcome
        for dataset, setting in default_sets(seed)
        for outcome in outcomes(dataset, replace(setting, seed=seed))
    ]


def stored() -> list[Outcome]:
    """The outcomes of the seeds 0 to 79, found by `python -m minigrad.experiments.seeds --out seeds.csv`.

    >>> len(stored())
    640
    """
    rows = csv.reader(_file.read_text(encoding="utf-8").splitlines()[1:])
    return [Outcome(name, int(seed), model, *map(float, numbers)) for name, seed, model, *numbers in rows]


# ---- the table


def judged(found: Iterable[Outcome]) -> dict[str, list[list[Verdict]]]:
    """By data set, for each seed, the verdicts on every claim and model."""
    groups: dict[tuple[str, int], list[Outcome]] = {}
    for outcome in found:
        groups.setdefault((outcome.data_set, outcome.seed), []).append(outcome)
    by_set: dict[str, list[list[Verdict]]] = {}
    for (name, _), (plain, *regularized) in groups.items():
        by_set.setdefault(name, []).append(judge(plain, regularized))
    return by_set


def table(found: Sequence[Outcome]) -> list[list[str]]:
    """A row per claim, with the share of the seeds for which it held, by data set and model; mean costs."""
    by_set = judged(found)
    models = [outcome.name for outcome in found[1:4]]
    rows = []
    for claim in claims:
        row = [claim]
        for runs in by_set.values():
            row += [
                _share([v.held for run in runs for v in run if (v.claim, v.model) == (claim, m)])
                for m in models
            ]
        rows.append(row)
    plain = numerals.listed([_mean_cost(found, name, "plain") for name in by_set])
    costs = [_mean_cost(found, name, model) for name in by_set for model in models]
    return [*rows, [f"mean dev cost (plain: {plain})", *costs]]


def _share(held: Sequence[bool]) -> str:
    return f"{100 * sum(held) / len(held):.0f}\u00a0%"


def _mean_cost(found: Sequence[Outcome], data_set: str, name: str) -> str:
    costs = [o.cross_entropy_dev for o in found if (o.data_set, o.name) == (data_set, name)]
    return f"{sum(costs) / len(costs):.2f}"


def with_every_claim(found: Sequence[Outcome]) -> int:
    """With how many seeds every claim held for every model on every data set."""
    by_set = judged(found).values()
    return sum(all(v.held for run in runs for v in run) for runs in zip(*by_set, strict=True))


# ---- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds, print the table, and give the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m minigrad.experiments.seeds",
        description="Run the regularization experiment with many seeds, and count how often each claim held.",
    )
    parser.add_argument("--seeds", metavar="N", type=int, default=80, help="the seeds 0 to N-1 (default: 80)")
    parser.add_argument("--out", metavar="FILE", type=Path, help="a .csv file for every number")
    options = parser.parse_args(arguments)
    if options.seeds < 1:
        parser.error(f"--seeds: {options.seeds} is not a whole number of at least 1")
    found: list[Outcome] = []
    try:
        for seed in range(options.seeds):
            found += run(seed)
            note(f"seed {seed} is done")
    except KeyboardInterrupt:
        note("stopped; no file was written")
        return 130
    if options.out:
        options.out.write_text(as_csv(found), encoding="utf-8", newline="\n")
    output = Output()
    output.print(*lines(found))
    return output.status()


def lines(found: Sequence[Outcome]) -> list[str]:
    """The table as text, one below the other for each data set."""
    seeds = sorted({outcome.seed for outcome in found})
    models = [outcome.name for outcome in found[1:4]]
    text = [f"over the seeds {seeds[0]} to {seeds[-1]}"]
    for i, name in enumerate(judged(found)):
        rows = [[claim, *cells[3 * i : 3 * i + 3]] for claim, *cells in table(found)]
        text += ["", *columns([[titles[name], *models], *rows])]
    every = f"every claim held for every model with {with_every_claim(found)} of {len(seeds)} seeds"
    return [*text, "", every]


def as_csv(found: Iterable[Outcome]) -> str:
    """A row per data set, seed and model."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["data_set", "seed", "model", "training_accuracy", "dev_accuracy", "dev_cross_entropy", "norm_all"]
    )
    for o in found:
        numbers = o.accuracy, o.accuracy_dev, o.cross_entropy_dev, o.norm
        writer.writerow([o.data_set, o.seed, o.name, *(f"{number:.6g}" for number in numbers)])
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(main())
