"""What a function reaches by itself has to stay as it was: a recording holds as long as it does.

It is found once, when the function is recorded, and looked at before each replay, which therefore has to be
quick: it is asked whether the same objects are there; only where an entry is another object it is asked
whether it is an equal number or text.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from operator import attrgetter, is_
from types import MethodType
from typing import Any

import numpy as np

from minigrad.compiler.recording.conditions import Conditions
from minigrad.compiler.recording.search import Search, simple, unset
from minigrad.nn.module import assignments

_contents = attrgetter("cell_contents")
_defaults = attrgetter("__defaults__", "__kwdefaults__")
_needs_gradient = attrgetter("_requires_grad")
_decays = attrgetter("decay")


class Reached:
    """All that a function reaches, as it is now; `same()` says whether it still is so.

    generators  random generators of NumPy
    randoms     those of Python
    tensors     ids of the Tensors: their values are read at each replay, so only which they are is kept,
                and whether they need a gradient and decay
    things      everything, by id: what may be returned as it is
    """

    def __init__(self, function: Any, arguments: Any) -> None:
        found = Search(function, arguments)
        self.generators, self.randoms, self.things = found.generators, found.randoms, found.things
        self.tensors = set(map(id, found.tensors))
        self._tensors, self._parameters = found.tensors, found.parameters
        self._views, self._owners, self._of_modules = found.views, found.owners, found.of_modules
        self._functions, self._cells, self._context = found.functions, found.cells, found.context
        self._named, self._slots = found.named, found.slots
        self._arrays = [(array, _print_of(array)) for array in found.arrays]
        self._needs = list(map(_needs_gradient, self._tensors))
        self._decay = list(map(_decays, self._parameters))
        self._lengths = list(map(len, self._views))
        self._kept = list(map(list, self._views))
        self._assignments = assignments[0]
        self._others = [view for i, view in enumerate(self._views) if i not in self._of_modules]
        self._lengths_of_others = list(map(len, self._others))
        self._kept_others = list(chain.from_iterable(self._others))
        self._kept_named = {
            (key, name): of[name] for key, (of, names) in self._named.items() for name in names
        }
        self._kept_variables = list(self._variables())
        self._variables_are_the_same = self._conditions().function()

    def same(self) -> bool:
        """Whether all of it is as it was."""
        if list(map(_needs_gradient, self._tensors)) != self._needs:
            return False
        if list(map(_decays, self._parameters)) != self._decay:
            return False
        if assignments[0] != self._assignments:
            if not all(self._view_is_alike(i) for i in self._of_modules):
                return False
            self._assignments = assignments[0]
        if list(map(len, self._others)) != self._lengths_of_others:
            return False
        if not all(map(is_, chain.from_iterable(self._others), self._kept_others)) and not all(
            map(self._view_is_alike, range(len(self._views)))
        ):
            return False
        if not self._variables_are_the_same():
            try:
                variables = self._variables()
            except (ValueError, KeyError, AttributeError):  # one is not set any more
                return False
            if not _alike(variables, self._kept_variables):
                return False
        return not self._arrays or all(_print_of(array) == kept for array, kept in self._arrays)

    def _view_is_alike(self, i: int) -> bool:
        return len(self._views[i]) == self._lengths[i] and _alike(self._views[i], self._kept[i])

    def _variables(self) -> list[Any]:
        return [
            *chain.from_iterable(map(_defaults, self._functions)),
            *map(_contents, self._cells),
            *(of[name] for of, names in self._named.values() for name in names),
            *(getattr(thing, name, unset) for thing, name in self._slots),
            *(variable.get(unset) for variable in self._context),
        ]

    def _conditions(self) -> Conditions:
        """That each variable is the same object."""
        conditions = Conditions()
        for function in self._functions:
            conditions.add("{}.__defaults__ is {}", function, function.__defaults__)
            conditions.add("{}.__kwdefaults__ is {}", function, function.__kwdefaults__)
        for cell in self._cells:
            conditions.add("{}.cell_contents is {}", cell, cell.cell_contents)
        for of, names in self._named.values():
            for name in names:
                conditions.add(f"{{}}[{name!r}] is {{}}", of, of[name])
        for thing, name in self._slots:
            conditions.add(
                f"getattr({{}}, {name!r}, {{}}) is {{}}", thing, unset, getattr(thing, name, unset)
            )
        for variable in self._context:
            conditions.add("{}.get({}) is {}", variable, unset, variable.get(unset))
        return conditions

    def changed(self) -> str:
        """The first thing that is not as it was."""
        for i, owner in enumerate(self._owners):
            if not self._view_is_alike(i):
                return owner
        for array, kept in self._arrays:
            if _print_of(array) != kept:
                return f"an array of shape {array.shape}"
        for key, (of, names) in self._named.items():
            for name in names:
                kept = self._kept_named[key, name]
                if not _alike([of.get(name, unset)], [kept]):
                    return f"{name!r}"
        if list(map(_decays, self._parameters)) != self._decay:
            return "whether a parameter decays"
        return "a variable"


def _print_of(array: np.ndarray) -> Any:
    return array.shape, array.dtype, array.tobytes()


def _alike(now: Iterable[Any], kept: Iterable[Any]) -> bool:
    """Whether entries are the same objects, or equal numbers or texts."""
    return all(a is b or _equal(a, b) for a, b in zip(now, kept, strict=True))


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, MethodType):
        return a.__self__ is b.__self__ and a.__func__ is b.__func__
    if type(a) is tuple:
        return len(a) == len(b) and _alike(a, b)
    return isinstance(a, simple) and repr(a) == repr(b)  # 0.0 is not -0.0
