"""The results for a terminal of 80 columns: a table over λ and keep_prob, and which cell is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from textwrap import wrap
from typing import TYPE_CHECKING

from minigrad.experiments.numerals import decimals, listed, percent
from minigrad.experiments.sweep.choice import Mean, at_the_edge
from minigrad.experiments.sweep.grid import described, shown
from minigrad.experiments.tables import columns

if TYPE_CHECKING:
    from minigrad.experiments.sweep.results import Results

_width = 80
_longest = 10
"""How many cells are listed where there is no table of λ and keep_prob."""


def summary(results: Results) -> Iterator[str]:
    """The lines, none longer than a terminal is wide."""
    yield from _wrapped(_what(results))
    found = results.means
    if not any(not isnan(one.mean[results.judged_by]) for one in found):
        yield "no cell is finished" if not found else "every cell has diverged"
        return
    yield ""
    best, chosen = results.best, results.one_standard_error
    yield from _table(results, found, best, chosen) or _list(results, found, best, chosen)
    yield ""
    yield from _choice(results, best, chosen)


def _what(results: Results) -> str:
    seeds = len({run.seed for run in results.runs})
    folds = len({run.fold for run in results.runs if run.fold is not None})
    judged = f"judged on {folds} folds" if folds else "judged on a dev set"
    text = f"{_count(len(results.cells), 'cell')}, {_count(seeds, 'seed')}, {judged}"
    if len(results) < len(results.runs):
        text += f": {len(results)} of {len(results.runs)} runs are done"
    return text


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _mark(one: Mean, best: Mean, chosen: Mean) -> str:
    return "*" if one == best else "°" if one == chosen else " "


# ---- the cells


def _table(results: Results, found: Sequence[Mean], best: Mean, chosen: Mean) -> list[str]:
    """A line per λ, a column per keep_prob; nothing if there are other axes, or it would be too wide."""
    if results.axes not in (["lambd", "keep_prob"], ["keep_prob", "lambd"]):
        return []
    known = {(one.cell["lambd"], one.cell["keep_prob"]): one for one in found}
    lambdas = sorted({cell["lambd"] for cell in results.cells})
    keep = sorted({cell["keep_prob"] for cell in results.cells}, reverse=True)
    if len(lambdas) * len(keep) != len(results.cells):  # random cells
        return []
    rows = [["λ \\ keep_prob", *(f"{shown(p)} " for p in keep)]]
    for lambd in lambdas:
        cells = [known.get((lambd, p)) for p in keep]
        rows.append(
            [
                shown(lambd),
                *("? " if one is None else _number(results, one) + _mark(one, best, chosen) for one in cells),
            ]
        )
    lines = [f"mean {results.judged_by.replace('_', ' ')}", *columns(rows)]
    return lines if max(map(len, lines)) <= _width else []


def _list(results: Results, found: Sequence[Mean], best: Mean, chosen: Mean) -> list[str]:
    """The best cells, a line each."""
    finite = [one for one in found if not isnan(one.mean[results.judged_by])]
    ranked = sorted(finite, key=lambda one: one.mean[results.judged_by])
    top = [*ranked[:_longest], *[one for one in ranked[_longest:] if one == chosen]]
    head = [results.judged_by.replace("_", " "), "± ", "training", *results.axes]
    rows = [
        [
            _number(results, one),
            (_error(one.error[results.judged_by]) or "-") + _mark(one, best, chosen),
            decimals(one.mean[results.measures[0]]),
            *map(shown, one.cell.values()),
        ]
        for one in top
    ]
    lines = columns([head, *rows], left=())
    return [line if len(line) <= _width else f"{line[: _width - 1]}…" for line in lines]


def _number(results: Results, one: Mean) -> str:
    value = one.mean[results.judged_by]
    return "diverged" if isnan(value) else decimals(value)


def _error(error: float) -> str:
    return "" if isnan(error) else decimals(error, digits=2)


# ---- the choice


def _choice(results: Results, best: Mean, chosen: Mean) -> Iterator[str]:
    yield from _wrapped(f"* best: {_told(results, best)}")
    unknown = isnan(best.error[results.judged_by])
    if unknown:
        yield from _wrapped(
            "one run per cell has no standard error: chance may have made the best; more seeds or folds tell"
        )
    elif chosen == best:
        yield from _wrapped("° no cell within one standard error of it is more regularized")
    else:
        more, error = results.difference(chosen, best)
        paired = (
            f"{decimals(more, 2)} ± {_error(error)} more than the best, {_pair(results)} by {_pair(results)}"
        )
        yield from _wrapped(
            f"° most regularized within one standard error: {_told(results, chosen)}; {paired}"
        )
    if edge := at_the_edge(best, results.cells):
        yield from _wrapped(f"the best has {listed(edge)}, at the end of the axis: look further there")
    if diverged := len(results.diverged):
        yield f"{_count(diverged, 'run')} diverged, and cells with such are not chosen"


def _pair(results: Results) -> str:
    return "seed" if results.runs[0].fold is None else "fold"


def _told(results: Results, one: Mean) -> str:
    parts = []
    for name in results.measures:
        dev, error = one.mean[f"dev_{name}"], one.error[f"dev_{name}"]
        show = percent if name == "accuracy" else decimals
        plus = "" if isnan(error) else f" ± {percent(error) if name == 'accuracy' else _error(error)}"
        parts.append(f"dev {name} {show(dev)}{plus} (training {show(one.mean[name])})")
    return f"{described(one.cell)}: {', '.join(parts)}"


def _wrapped(text: str) -> list[str]:
    return wrap(text, _width, subsequent_indent="  ")
