"""Arrays that programs compute into: new ones that nobody holds, and several side by side in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, chain, pairwise
from math import prod
from operator import is_
from sys import getrefcount
from typing import Any

import numpy as np


class Fresh:
    """Gives arrays that nobody else holds: those that it gave earlier, if they have been let go.

    What leaves a program (a new weight, a gradient, a result) may be kept by whoever asked for it, and must
    not change under their hands: not while another reference, or a view, is alive.  Of what is still held at
    the next call, as a weight is while its new value is computed, there are two that take turns.

    makers  functions, each of which makes arrays: one, or all parts of a `SideBySide`
    before  what each of them gave at the last call but one

    >>> fresh = Fresh([lambda: [np.empty(2)]])
    >>> (a,), (b,) = fresh(), fresh(); a is b
    False
    >>> kept = id(a); del a; id(*fresh()) == kept
    True
    """

    def __init__(self, makers: Sequence[Callable[[], list[np.ndarray]]]) -> None:
        self.before: list[list[np.ndarray]] = []
        self._given: list[list[np.ndarray]] = [[] for _ in makers]
        self._turns = [([maker()], maker) for maker in makers]
        self._alone = [list(map(getrefcount, arrays)) for (arrays,), _ in self._turns]

    def __call__(self) -> list[np.ndarray]:
        given = []
        for (turns, maker), alone in zip(self._turns, self._alone, strict=True):
            if len(turns) > 1:
                turns.reverse()
            if list(map(getrefcount, turns[0])) != alone:
                turns[: len(turns) - 1] = [maker()]
            given.append(turns[0])
        self.before, self._given = self._given, given  # at once: a Ctrl-C may come at any time
        arrays = list(chain.from_iterable(given))
        for array in arrays:
            array.setflags(True)  # type: ignore[call-arg]
        return arrays


class Gather:
    """Puts arrays side by side, unless they lie so already: they are parts that `fresh` gave last."""

    def __init__(self, fresh: Fresh, shapes: Sequence[tuple[int, ...]], dtype: np.dtype) -> None:
        self._fresh = fresh
        self._n = len(shapes)
        self.whole, *self._parts = side_by_side(shapes, dtype)
        self._place: Any = None  # where they were last: number in the set, first and last part, numbers

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        if self._place is not None:
            number, first, last, numbers = self._place
            given = self._fresh.before[number]
            if all(map(is_, arrays, given[first:last])):
                return given[0][numbers]
        whole = self._found(arrays)
        return self._copied(arrays) if whole is None else whole

    def _found(self, arrays: tuple[np.ndarray, ...]) -> np.ndarray | None:
        """The arrays as a part of one that was given last, if they are."""
        for number, given in enumerate(self._fresh.before):
            for first in range(1, len(given) + 1 - self._n):
                last = first + self._n
                if all(map(is_, arrays, given[first:last])):
                    start = sum(x.size for x in given[1:first])
                    self._place = number, first, last, slice(start, start + self.whole.size)
                    return given[0][self._place[-1]]
        return None

    def _copied(self, arrays: tuple[np.ndarray, ...]) -> np.ndarray:
        for part_of_it, array in zip(self._parts, arrays, strict=True):
            part_of_it[...] = array
        return self.whole


def side_by_side(
    shapes: Sequence[tuple[int, ...]], dtype: np.dtype, ranges: Iterable[tuple[int, int]] = ()
) -> list[np.ndarray]:
    """One array, its parts in the shapes, and flat what lies from a part to another."""
    ends = [0, *accumulate(map(prod, shapes))]
    whole = np.empty(ends[-1], dtype)
    parts = [whole[a:b].reshape(shape) for (a, b), shape in zip(pairwise(ends), shapes, strict=True)]
    return [whole, *parts, *(whole[ends[a] : ends[b]] for a, b in ranges)]


def one_array(shape: tuple[int, ...], dtype: np.dtype) -> list[np.ndarray]:
    """A new array, in a list."""
    return [np.empty(shape, dtype)]
