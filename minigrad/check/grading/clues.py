"""What can be said of a wrong array whose mistake was not found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement
from math import prod

import numpy as np

from minigrad.check.grading.distance import distance, single_rounding
from minigrad.check.grading.expression import Atom, atoms, attempt
from minigrad.check.grading.solution import Solution
from minigrad.program import Variable


def clues(solution: Solution, line: Variable, given: np.ndarray) -> list[str]:
    """Sentences on how an array differs from the right one, the most telling first."""
    right = np.asarray(solution.values[line])
    if given.shape != right.shape:
        return list(_of_the_shape(given, right))
    of_the_numbers = list(_of_the_numbers(solution, line, given, right))
    found = [
        *of_the_numbers,
        *_of_the_rows(given, right),
        *_of_the_order(given, right),
        *_of_the_examples(solution, line, given, or_all=not of_the_numbers),
    ]
    return found or [_where(given, right)]


def _of_the_shape(given: np.ndarray, right: np.ndarray) -> Iterator[str]:
    same = given.shape == right.T.shape and distance(given.T, right) <= single_rounding
    reshaped = given.size == right.size and distance(given.ravel(), right.ravel()) <= single_rounding
    if given.shape == right.T.shape and (same or not reshaped):
        yield (
            f"its shape is {given.shape}, the right one is {right.shape}: the transpose fits"
            + (", and its numbers are right" if same else ", but its numbers are not right either")
            + "; where a layout with examples as columns is meant, say transposed=True"
        )
        return
    text = f"its shape is {given.shape}, the right one is {right.shape}, that of the value it belongs to"
    yield text + ("; its numbers are right, row after row: reshape it" if reshaped else "")


def _of_the_numbers(
    solution: Solution, line: Variable, given: np.ndarray, right: np.ndarray
) -> Iterator[str]:
    cut = any(np.array_equal(given, f(right)) for f in (np.trunc, np.round, np.floor))
    if given.dtype.kind in "iu" and cut:
        yield "it is an array of whole numbers, in which the decimals of the right one are lost: use floats"
        return
    if given.dtype == bool:
        yield "it is an array of truth values, as a comparison gives, and not of numbers"
        return
    if not np.any(given):
        yield "it is 0 everywhere"
        return
    ratio = constant_ratio(given, right)
    if ratio is not None:
        named = named_number(ratio, solution)
        if named is None and ratio > 0 and (square := named_number(ratio * ratio, solution)):
            named = f"the square root of {square}"
        yield f"it is {ratio:.6g} times the right one everywhere" + (f", which is {named}" if named else "")
        return
    difference = given - right
    for value, array in solution.values.items():
        if value is line or np.shape(array) != right.shape or np.asarray(array).dtype == bool:
            continue
        ratio = constant_ratio(difference, np.asarray(array))
        if ratio is not None and right.size > 1:
            named = named_number(abs(ratio), solution)
            name = solution.text(Atom(value), 6)
            size = f"{abs(ratio):.6g} * {name}" if not named else f"{named} * {name}"
            yield f"the difference from the right one is parallel to {name}: it is {'-' * (ratio < 0)}{size}"
            return


def _of_the_rows(given: np.ndarray, right: np.ndarray) -> Iterator[str]:
    if given.ndim != 2:
        return
    size = float(np.max(np.abs(right))) or 1.0
    fits = np.abs(given - right) <= single_rounding * size
    for axis, name in ((1, "row"), (0, "column")):
        good = fits.all(axis=axis)
        if good.any() and not good.all() and len(good) > 1:
            bad = np.flatnonzero(~good)
            yield (
                f"it is right in {int(good.sum())} of {len(good)} {name}s; wrong in {name}"
                f"{'s' * (len(bad) > 1)} {_numbers(bad)}"
            )
    if fits.any() and not any(fits.all(axis=axis).any() for axis in (0, 1)):
        yield f"{int(fits.sum())} of its {fits.size} entries are right"


def _of_the_order(given: np.ndarray, right: np.ndarray) -> Iterator[str]:
    """Whether the numbers are the right ones in other places: rows exchanged, an axis reversed."""
    if not given.ndim or distance(np.sort(given, axis=None), np.sort(right, axis=None)) > single_rounding:
        return
    if given.ndim == 1:
        rows, own = given[:, None], right[:, None]
    else:
        rows, own = given.reshape(len(given), -1), right.reshape(len(right), -1)
    size = np.max(np.abs(right))
    places = [np.flatnonzero(np.max(np.abs(own - row), axis=1) <= single_rounding * size) for row in rows]
    what = "entries" if given.ndim == 1 else "rows"
    if all(len(place) == 1 for place in places):
        yield f"its {what} are right, in another order: {_numbers(np.concatenate(places))}"
    elif distance(np.flip(given), right) <= single_rounding:
        yield "its numbers are right, in reverse order along every axis"
    else:
        yield "its numbers are right, in other places"


def _of_the_examples(solution: Solution, line: Variable, given: np.ndarray, or_all: bool) -> Iterator[str]:
    """Whether it is right for another batch: how often each example counts in a sum over all of them.

    or_all   also where all of them count, and alike: a factor, of which more may be known already
    """
    found = _what_each_example_gives(solution, line)
    if found is None:
        return
    columns = np.column_stack(found)  # those of the examples, and the last that of none
    size = np.max(np.abs(np.sum(columns, axis=1)))
    tells = np.max(np.abs(columns), axis=0) > 1e-9 * size  # the others are 0
    wanted = np.ravel(given).astype(float)
    counts, _, rank, _ = np.linalg.lstsq(columns[:, tells], wanted, rcond=None)
    told = rank == tells.sum() < wanted.size - 1  # with more unknown numbers, anything could be a batch
    if not told or distance(columns[:, tells] @ counts, wanted) > single_rounding:
        return
    every = np.zeros(len(tells))
    every[tells] = counts
    *of_each, of_rest = every.tolist()
    counted = np.flatnonzero(np.abs(of_each) > 1e-6)
    often = [of_each[k] for k in counted]
    if not often or max(often) - min(often) > 1e-5 * abs(often[0]):
        return
    names, m = _numbers(counted), len(of_each)
    silent = np.flatnonzero(~tells[:m])
    if len(counted) + len(silent) == m and not or_all:
        return
    text = (
        f"it is what examples {names} of {m} give"
        if len(counted) > 1
        else f"it is what example {names} gives"
    )
    if abs(often[0] - 1) > 1e-5:
        text += f", counted {often[0]:.4g} times"
    if tells[m] and abs(of_rest - 1) > 1e-5:
        text += f", and what no example enters {of_rest:.4g} times"
    yield text + (f" ({_numbers(silent)} would give nothing)" if len(silent) else "")


def _what_each_example_gives(solution: Solution, line: Variable) -> list[np.ndarray] | None:
    """The parts of a sum over examples, and then what is added to it, flat; None if it is no such sum."""
    if line not in solution.lines:
        return None
    expression, values = solution.lines[line], solution.values
    entered = {x: np.asarray(values[x]) for x in atoms(expression) if x.kind != "parameter"}
    m = max((len(x) for x in entered.values() if x.ndim), default=0)
    if m * np.size(values[line]) > _most_numbers:
        return None

    def of(examples: slice) -> np.ndarray | None:
        part = {x: a[examples] if a.shape[:1] == (m,) else values[x] for x, a in entered.items()}
        value = attempt(expression, {**values, **part})
        return np.ravel(value).astype(float) if np.shape(value) == np.shape(values[line]) else None

    alone = [x for k in range(m) if (x := of(slice(k, k + 1))) is not None]  # each with what is added
    together, but_one = of(slice(m)), of(slice(1, m))
    if m < 2 or len(alone) < m or together is None or but_one is None:
        return None
    added = (sum(alone) - together) / (m - 1)
    if distance(alone[0] + but_one - added, together) > 1e-9:
        return None
    return [*(x - added for x in alone), added]


_most_numbers = 300_000
"""Examples times entries, up to which it is worth the time to take a sum apart."""


def _where(given: np.ndarray, right: np.ndarray) -> str:
    off = np.abs(given - right)
    at = np.unravel_index(int(np.argmax(off)), off.shape)
    place = list(map(int, at))
    return f"the largest difference is at {place}: {given[at]:.6g}, where {right[at]:.6g} is right"


def _numbers(indices: np.ndarray) -> str:
    shown = ", ".join(str(int(i)) for i in indices[:8])
    return shown + (" ..." if len(indices) > 8 else "")


def constant_ratio(x: np.ndarray, y: np.ndarray) -> float | None:
    """c with x = c y everywhere, c not 0 or 1; None if there is none.

    >>> constant_ratio(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    2.0
    """
    if x.shape != y.shape or not np.any(y) or not np.any(x):
        return None
    x, y = x.astype(float), y.astype(float)
    c = float(np.vdot(y, x) / np.vdot(y, y))
    if not c or abs(c - 1) <= single_rounding or distance(x, c * y) > single_rounding:
        return None
    return c


def named_number(c: float, solution: Solution) -> str | None:
    """A number as a product of powers of the named constants and 2: lambd / m; None if it is none.

    The simplest is given.
    """
    constants = {
        solution.derivation.source.written_name(v): float(solution.values[v])
        for v in solution.surroundings(solution.program.outputs[0]).constants
    }
    numbers = {name: x for name, x in constants.items() if x > 0 and x != 1} | {"2": 2.0}
    sign, size = ("-" if c < 0 else ""), abs(c)
    letters = [(name, x, power) for name, x in numbers.items() for power in (1, -1)]
    for count in range(1, _longest_product + 1):
        found: list[str] = []
        for factors in combinations_with_replacement(letters, count):
            if any((name, x, -power) in factors for name, x, power in factors):
                continue  # they cancel
            value = prod(x if power > 0 else 1 / x for _, x, power in factors)
            if abs(value - size) <= 1e-6 * size:
                above = [name for name, _, power in factors if power > 0]
                below = [name for name, _, power in factors if power < 0]
                bottom = below[0] if len(below) == 1 else f"({' * '.join(below)})" if below else ""
                found.append(sign + (" * ".join(above) or "1") + (f" / {bottom}" if bottom else ""))
        if found:
            return min(found)
    return None


_longest_product = 4
"""A number is looked for among products of so many constants at most: with more, any number could be one."""
