"""Arrays to try a function on: of several shapes, inside its domain, generic in their values."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.table import Row, name_of

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sample:
    """The arguments of one call.

    inputs   arrays and numbers, in the row's order
    places   which of them are differentiated: floating-point arrays whose argument has a rule
    names    what messages call each
    """

    inputs: tuple[Any, ...]
    places: tuple[int, ...]
    names: tuple[str, ...]

    def __str__(self) -> str:
        shown = [
            f"{name} {x.shape}" if isinstance(x, np.ndarray) else f"{name} = {x!r}"
            for name, x in zip(self.names, self.inputs, strict=True)
        ]
        return ", ".join(shown)

    @property
    def ndims(self) -> Shape:
        """How many axes each input has."""
        return tuple(np.ndim(x) for x in self.inputs)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in one of the inputs."""
        return not all(map(np.size, self.inputs))

    def copy(self, dtype: Any = float, writeable: bool = False) -> list[Any]:
        """The inputs, the differentiated ones as new arrays of a dtype."""
        found = list(self.inputs)
        for i, x in enumerate(found):
            if isinstance(x, np.ndarray):
                found[i] = x.astype(dtype) if i in self.places else x.copy(order="K")
                found[i].flags.writeable = writeable
        return found


def sample_of(row: Row, inputs: tuple[Any, ...]) -> Sample:
    """A sample for a row; floating-point arrays are taken in double precision."""
    arrays = tuple(x.astype(float) if _is_floating(x) else x for x in inputs)
    rules = [row.rules[0 if row.many else i] for i in range(len(arrays))]
    places = tuple(
        i for i, (x, rule) in enumerate(zip(arrays, rules, strict=True)) if _is_floating(x) and rule
    )
    names = tuple(f"{row.arrays[0]}[{i}]" for i in range(len(arrays))) if row.many else row.arrays
    return Sample(arrays, places, names)


def generic_samples(row: Row, parameters: dict[str, Any]) -> list[Sample]:
    """Samples that the function takes, in the first domain in which all its values are finite.

    The first one tells most: two axes of different length, nothing broadcast.
    Raises: ValueError if there are none.
    """
    reasons = ""
    for domain in _domains:
        rng = np.random.default_rng(12)

        def sample(shapes: tuple[Any, ...], domain: Any = domain, rng: Any = rng) -> tuple[Sample, Any]:
            arrays = (_of_shape(row, i, shape, domain, rng) for i, shape in enumerate(shapes))
            made = sample_of(row, tuple(arrays))
            return made, _value(row, made, parameters)

        n = 2 if row.many else len(row.arrays)
        broadcasts = n > 1 and all(
            np.shape(sample(shapes)[1]) == np.broadcast_shapes(*shapes) for shapes in _turns(n)
        )
        tried = list(map(sample, _shapes_for(row, n, broadcasts)))
        taken = [(made, y) for made, y in tried if isinstance(y, np.ndarray) and made.places]
        if taken and all(np.all(np.isfinite(y)) for _, y in taken):
            return [made for made, _ in taken]
        reason = (
            f"with {tried[0][0]} {tried[0][1]}" if not taken else f"with {taken[0][0]} it gives nan or inf"
        )
        reasons = reasons or reason
    raise ValueError(
        f"check_rule: {name_of(row.function)} takes none of the generic arrays ({reasons}); give samples, "
        f"each a tuple of ({', '.join(row.arrays)})"
    )


def _is_floating(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def _value(row: Row, sample: Sample, parameters: dict[str, Any]) -> Any:
    """What the function gives, as an array; or, as text, why the sample cannot be used."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)  # as of the mean of nothing
        try:
            y = row.compute(*sample.copy(writeable=True), **parameters)
        except Exception as error:  # whatever a function raises at arrays that are not meant for it
            return f"it raises {type(error).__name__}: {error}"
    if not isinstance(y, np.ndarray | np.floating) or y.dtype.kind != "f":
        return f"it gives {getattr(y, 'dtype', type(y).__name__)}, not floating-point numbers"
    return np.asarray(y)


# ---- values: distinct, none near 0 or near another


def _spread(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Distinct numbers in (0.1, 1.6), in no order."""
    size = int(np.prod(shape))
    low, high = 0.15 + 0.1 * rng.random(), 1.55 - 0.1 * rng.random()  # other ends for each array: no ties
    values = np.linspace(low, high, size) if size > 1 else np.full(size, 0.6 + 0.2 * rng.random())
    room = min(0.05, 0.4 / max(size, 1))  # neighbours stay apart
    return np.asarray(rng.permutation(values + rng.uniform(-room, room, size))).reshape(shape)


def _real(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(_spread(shape, rng) * rng.choice([-1.0, 1.0], shape))


_domains: tuple[Callable[[Shape, np.random.Generator], np.ndarray], ...] = (
    _real,
    lambda shape, rng: _spread(shape, rng) + 0.2,  # (0.3, 1.8)
    lambda shape, rng: _spread(shape, rng) / 2,  # (0, 0.8): probabilities
    lambda shape, rng: _spread(shape, rng) + 1.1,
)


def _of_shape(row: Row, i: int, shape: Any, domain: Any, rng: np.random.Generator) -> Any:
    if isinstance(shape, float):  # a number in place of an array
        return shape
    if row.rules[0 if row.many else i] is None:  # a condition, if anything
        return np.asarray(rng.random(shape) < 0.5)
    return np.asarray(domain(shape, rng), order="F" if shape == (5, 2) else "C")


# ---- shapes


def _shapes_for(row: Row, n: int, broadcasts: bool) -> Iterator[tuple[Any, ...]]:
    """Tuples of n shapes; a number stands for itself."""
    yield ((2, 3),) * n
    if not row.elementwise and n > 1:
        yield from (shapes for shapes in _of_products if len(shapes) == n)
    yield from (((5, 2),) * n, ((4,),) * n, ((),) * n, ((3, 3),) * n, ((2, 3, 4),) * n)
    if broadcasts:
        for shape in ((3,), (2, 1), (1, 3), ()):
            for i in range(n):
                yield tuple(shape if j == i else (2, 3) for j in range(n))
        yield from _turns(n)
        for i in range(n):
            if row.elementwise:
                yield tuple(0.75 if j == i else (2, 3) for j in range(n))
            yield tuple((1,) if j == i else (3,) for j in range(n))
        yield ((0, 3), *((3,),) * (n - 1))
    yield from (((0,),) * n, ((2, 0),) * n)


def _turns(n: int) -> Iterator[tuple[Shape, ...]]:
    """Shapes all of which are broadcast, in every place."""
    return (tuple(((2, 1, 3), (4, 1), (3,))[(i + turn) % 3] for i in range(n)) for turn in range(n))


_of_products: tuple[tuple[Shape, ...], ...] = (
    ((2, 3), (3, 4)), ((2, 3), (4, 3)), ((3, 2), (3, 4)), ((2, 3), (4,)), ((5, 2, 3), (5, 3, 4)),
    ((7, 2), (3, 2), (3,)), ((7, 2), (2, 3), (3,)), ((2, 3), (3, 4), (2, 4)),
)  # fmt: skip
