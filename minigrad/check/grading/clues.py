"""What can be said of a wrong array whose mistake was not found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from minigrad.check.grading.distance import distance, single_rounding
from minigrad.check.grading.expression import Atom
from minigrad.check.grading.solution import Solution
from minigrad.program import Variable


def clues(solution: Solution, line: Variable, given: np.ndarray) -> list[str]:
    """Sentences on how an array differs from the right one, the most telling first."""
    right = np.asarray(solution.values[line])
    if given.shape != right.shape:
        return list(_of_the_shape(given, right))
    found = [*_of_the_numbers(solution, line, given, right), *_of_the_rows(solution, line, given, right)]
    return found or [_where(given, right)]


def _of_the_shape(given: np.ndarray, right: np.ndarray) -> Iterator[str]:
    if given.shape == right.T.shape:
        same = distance(given.T, right) <= single_rounding
        yield (
            f"its shape is {given.shape}, the right one is {right.shape}: the transpose fits"
            + (", and its numbers are right" if same else ", but its numbers are not right either")
            + "; where a layout with examples as columns is meant, say transposed=True"
        )
    else:
        yield f"its shape is {given.shape}, the right one is {right.shape}, that of the value it belongs to"


def _of_the_numbers(
    solution: Solution, line: Variable, given: np.ndarray, right: np.ndarray
) -> Iterator[str]:
    cut = any(np.array_equal(given, f(right)) for f in (np.trunc, np.round, np.floor))
    if given.dtype.kind in "iu" and cut:
        yield "it is an array of whole numbers, in which the decimals of the right one are lost: use floats"
        return
    if not np.any(given):
        yield "it is 0 everywhere"
        return
    ratio = constant_ratio(given, right)
    if ratio is not None:
        named = named_number(ratio, solution)
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


def _of_the_rows(solution: Solution, line: Variable, given: np.ndarray, right: np.ndarray) -> Iterator[str]:
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
    if len(given) > 1 and not fits.all() and not fits.any():
        order = [np.flatnonzero([distance(row, own) <= single_rounding for own in right]) for row in given]
        if all(len(match) == 1 for match in order):
            yield f"its rows are right, in another order: {_numbers(np.concatenate(order))}"


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
    found: list[tuple[int, str]] = []
    for powers in product((0, 1, -1, 2, -2), repeat=len(numbers)) if len(numbers) <= 4 else ():
        value = np.prod([x**p for x, p in zip(numbers.values(), powers, strict=True)])
        if abs(value - size) <= 1e-6 * size and any(powers):
            above = [n for n, p in zip(numbers, powers, strict=True) for _ in range(max(p, 0))]
            below = [n for n, p in zip(numbers, powers, strict=True) for _ in range(max(-p, 0))]
            bottom = below[0] if len(below) == 1 else f"({' * '.join(below)})" if below else ""
            text = (" * ".join(above) or "1") + (f" / {bottom}" if bottom else "")
            found.append((sum(map(abs, powers)), sign + text))
    return min(found)[1] if found else None
