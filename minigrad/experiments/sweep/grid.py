"""The cells of a sweep: every combination of the axes' values, or so many draws from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import isfinite
from typing import Any

import numpy as np

from minigrad.experiments.numerals import strength
from minigrad.random import generator
from minigrad.training.arguments import whole

Cell = dict[str, Any]
"""A value for each axis."""

_tries = 100
"""How often, for each draw, a cell may be drawn that is there already."""


def cells(axes: Any, *, draws: int | None = None, rng: Any = None) -> list[Cell]:
    """Every combination of the axes' values, the last axis fastest; with `draws`, so many random cells.

    axes     of each name the values; with draws also distributions: a frozen one of scipy.stats, or a
             function rng -> value.  Of a list every value is then equally likely
    Raises:  TypeError or ValueError in one sentence for values that cannot be: λ must be ≥ 0, keep_prob in
             (0, 1], no value may come twice.
    Source:  Bergstra, Bengio 2012, for random search.

    >>> cells({"lambd": [0, 0.7], "keep_prob": [1.0]})
    [{'lambd': 0.0, 'keep_prob': 1.0}, {'lambd': 0.7, 'keep_prob': 1.0}]
    >>> cells({"lambd": lambda rng: 10 ** rng.uniform(-2, 1)}, draws=2, rng=0)
    [{'lambd': 0.8144...}, {'lambd': 0.0644...}]
    """
    if not isinstance(axes, Mapping) or not axes:
        raise TypeError(f'sweep: axes is {_kind(axes)}; wanted values by name, {{"lambd": [0, 0.7], ...}}')
    for name in axes:
        _check_name(name)
    if draws is None:
        if rng is not None:
            raise ValueError("sweep: rng= is for draws; say how many cells with draws=")
        values = [_values(name, given) for name, given in axes.items()]
        return [dict(zip(axes, cell, strict=True)) for cell in product(*values)]
    return _drawn(axes, whole(draws, who="sweep", name="draws", least=1), generator(rng, "sweep"))


def _drawn(axes: Mapping[str, Any], draws: int, rng: Any) -> list[Cell]:
    """Different cells, in the order in which they are drawn: fewer draws are the first of more."""
    draw = {name: _distribution(name, given) for name, given in axes.items()}
    found: dict[tuple[str, ...], Cell] = {}
    for _ in range(_tries * draws):
        cell = {name: checked(name, one(rng)) for name, one in draw.items()}
        found.setdefault(tuple(map(written, cell.values())), cell)
        if len(found) == draws:
            return list(found.values())
    raise ValueError(f"sweep: draws={draws}, but only {len(found)} different cells were drawn; ask for fewer")


def _distribution(name: str, given: Any) -> Callable[[Any], Any]:
    if hasattr(given, "rvs"):
        return lambda rng: given.rvs(random_state=rng)
    if callable(given):
        return given
    values = _values(name, given)
    return lambda rng: values[int(rng.integers(len(values)))]


def _values(name: str, given: Any) -> list[Any]:
    """The values of an axis, each of them checked."""
    if callable(given) or hasattr(given, "rvs"):
        raise ValueError(f"sweep: {name} is a distribution; say how many cells are drawn with draws=")
    if (
        not isinstance(given, Sequence | np.ndarray)
        or isinstance(given, str | bytes)
        or getattr(given, "ndim", 1) == 0
    ):
        raise TypeError(f"sweep: {name} is {given!r}; wanted a list of values, such as {name}=[...]")
    values = [checked(name, value) for value in given]
    if not values:
        raise ValueError(f"sweep: {name} has no values; give at least one, or leave the axis out")
    for i, value in enumerate(values):
        if value in values[:i] or written(value) in map(written, values[:i]):
            raise ValueError(f"sweep: {name} has the value {shown(value)} twice")
    return values


# ---- what a value may be

_limits: dict[str, tuple[Callable[[float], bool], str]] = {
    "lambd": (lambda value: value >= 0, "≥ 0"),
    "keep_prob": (lambda value: 0 < value <= 1, "in (0, 1]"),
}
"""The axes whose values are numbers within limits."""


def checked(name: str, value: Any) -> Any:
    """A value as plain Python has it, so that it is written and read again.

    >>> checked("lambd", 1), checked("hidden", [20, np.int64(3)])
    (1.0, (20, 3))
    """
    plain = _plain(value)
    if name in _limits:
        fits, wanted = _limits[name]
        number = isinstance(plain, int | float) and not isinstance(plain, bool)
        if not number or not _finite(plain) or not fits(plain):
            said = plain if number else value
            raise ValueError(f"sweep: {name} has the value {said!r}; wanted numbers {wanted}")
        return float(plain) + 0.0  # not -0.0
    if plain is _strange or (isinstance(plain, str) and not plain.isprintable()) or not _finite(plain):
        raise ValueError(
            f"sweep: {name} has the value {value!r}; wanted finite numbers, texts or tuples of them"
        )
    return plain


_strange = object()


def _finite(value: Any) -> bool:
    """Whether a number is, also as a float; what is no number is not looked at."""
    try:
        return not isinstance(value, int | float) or isfinite(value)
    except OverflowError:  # 10**400
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        entries = tuple(map(_plain, value))
        return _strange if _strange in entries else entries
    return value if value is None or type(value) in (bool, int, float, str) else _strange


def written(value: Any) -> str:
    """A value as it stands in the table.

    >>> written(1e-5), written("relu"), written((20, 3))
    ('1e-05', 'relu', '(20, 3)')
    """
    return value if isinstance(value, str) else repr(value)


def shown(value: Any) -> str:
    """A value as a reader meets it.

    >>> shown(0.00001), shown((20, 3)), shown("relu")
    ('0.00001', '20,3', 'relu')
    """
    if isinstance(value, tuple):
        return ",".join(map(shown, value))
    return strength(value) if type(value) in (int, float) else str(value)


def described(cell: Mapping[str, Any]) -> str:
    """A cell in a sentence.

    >>> described({"lambd": 0.7, "keep_prob": 1.0})
    'lambd=0.7, keep_prob=1'
    """
    return ", ".join(f"{name}={shown(value)}" for name, value in cell.items())


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise TypeError(f"sweep: an axis is named {name!r}; wanted the name of an argument of build")
    if name in ("seed", "seeds"):
        raise ValueError(
            "sweep: the seeds are no axis, a cell is trained with each of them; give seeds=[...]"
        )
    if name == "fold":
        raise ValueError('sweep: an axis cannot be named "fold", which is a column of the results')


def _kind(value: Any) -> str:
    return "empty" if isinstance(value, Mapping) else f"a {type(value).__name__}"
