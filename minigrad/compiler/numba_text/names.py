"""What values are called in loops."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Any

from minigrad.compiler.numba_text.elements import types
from minigrad.program import Program, Variable

_reserved = {*keyword.kwlist, *dir(builtins), "np", "njit", "read", "write", "options", "inner", "replay"}
_reserved |= {"drawn", "fresh", "keys", "limit", "plus", "plain", "whole", *types.values()}

_ours = re.compile(r".+_(only|total|row|seed|most|a|b|[i-z]+)")
_prefixes = ("part_", "whole_", "buffer_", "new_")
"""What the text calls elements, sums, parts and arrays by."""


class Names(dict[Variable, str]):
    """Names for values: none that Python or the text has, or that an element may have.

    taken    all of them, and what else nothing may be called
    letters  the indices of loops
    """

    def __init__(self, program: Program) -> None:
        values = (*program.leaves, *(e.output for e in program.equations))
        self._generators = program.generators
        own = {v.name for v in values} | {*program.generators}
        for v in values:
            name = f"v_{v.name}" if v.name in _reserved or v.name.startswith(_prefixes) else v.name
            while _ours.fullmatch(name) or (name != v.name and name in own):
                name += "_"
            self[v] = name
            own.add(name)
        self.taken = {*own, *_reserved}
        letters = [*"ijklnopqrstuvwxyz", *(f"{x}{x}" for x in "ijklnopqrstuvwxyz")]
        self.letters = [letter for letter in letters if letter not in self.taken]

    def generator(self, rng: Any) -> str:
        """What a random generator is called."""
        return next(name for name, known in self._generators.items() if known is rng)
