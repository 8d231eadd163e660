"""One call of a function, the corpus of them, and the generic arrays that they are made of."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.table import name_of


@dataclass(frozen=True)
class Case:
    """function(*args, **kwargs); `name` says which call it is."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        shown = [_show(x) for x in self.args] + [f"{key}={_show(x)}" for key, x in self.kwargs.items()]
        return f"{name_of(self.function)}({', '.join(shown)})"

    @property
    def arrays(self) -> list[np.ndarray]:
        """The floating-point arrays, in order; those inside a list too; a complex one as its two parts."""
        return [part for x in _flat(self.args) if _is_variable(x) for part in _parts(x)]

    @property
    def is_complex(self) -> bool:
        """Whether complex numbers go in or come out."""
        return any(
            getattr(x, "dtype", None) in (np.complex64, np.complex128)
            for x in _flat([outputs(self.result()), *self.args])
        )

    def call(self, replacements: Any = None) -> Any:
        """What is differentiated: the result, real and imaginary parts of a complex one stacked."""
        result = self.result(replacements)
        return [_real(y) for y in result] if isinstance(result, list | tuple) else _real(result)

    def gradient(self, w: Any) -> Any:
        """∂L/∂y of the function's own result y, where L is the sum of w times what `call` gives."""
        return w[0] - 1j * w[1] if np.asarray(self.result()).dtype.kind == "c" else w

    def result(self, replacements: Any = None, function: Callable[..., Any] | None = None) -> Any:
        """Call the function (or another one) with the floating-point arrays replaced, in order."""
        rest = iter(self.arrays if replacements is None else replacements)
        args = [_replace(x, rest) for x in self.args]
        kwargs = copy.deepcopy(self.kwargs)  # a generator is used up by a draw
        return (function or self.function)(*args, **kwargs)

    def as_dtype(self, dtype: Any) -> Case:
        """The same call with the floating-point arrays in another precision."""
        rest = iter([x.astype(dtype) for x in self.arrays])  # a complex array is made of its parts
        return Case(self.function, tuple(_replace(x, rest) for x in self.args), self.kwargs)


def _is_variable(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "fc"


def _parts(x: np.ndarray) -> list[np.ndarray]:
    return [x.real.copy(order="K"), x.imag.copy(order="K")] if np.iscomplexobj(x) else [x]


def _real(y: Any) -> Any:
    return np.stack([np.real(y), np.imag(y)]) if np.iscomplexobj(y) else y


def _flat(args: Any) -> Iterator[Any]:
    for x in args:
        if isinstance(x, list):
            yield from _flat(x)
        else:
            yield x


def _replace(x: Any, rest: Iterator[Any]) -> Any:
    if isinstance(x, list):
        return [_replace(entry, rest) for entry in x]
    if not _is_variable(x) or not np.iscomplexobj(x):
        return next(rest) if _is_variable(x) else x
    z = next(rest) + 1j * next(rest)
    return np.asarray(z) if isinstance(z, np.generic) else z


def _show(x: Any) -> str:
    if isinstance(x, np.ndarray):
        kind = {"i": "int", "b": "bool", "c": "complex"}.get(x.dtype.kind, "")
        return f"{kind}{x.shape}".replace(" ", "").replace(",)", ")")
    if isinstance(x, list):
        return f"[{', '.join(map(_show, x))}]"
    if isinstance(x, np.random.Generator):
        return "rng"
    return getattr(x, "__name__", None) or repr(x).replace(" ", "")


def outputs(result: Any) -> list[Any]:
    """What a call gives, one or several, as a list."""
    return list(result) if isinstance(result, list | tuple) else [result]


not_holomorphic: set[Callable[..., Any]] = set()
"""Functions whose own complex form is something else (|z|, conjugates, a cast), or that have none."""

rounded_otherwise: set[Callable[..., Any]] = set()
"""Compositions that add up in another order than NumPy does, or compute in another way."""

shaped_by_values: set[Callable[..., Any]] = set()
"""Compositions that look at the values to say how many elements they give: they cannot be compiled."""

cases: list[Case] = []


def add(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    cases.append(Case(function, args, kwargs))


_rng = np.random.default_rng()


def begin(seed: int) -> None:
    """At the head of a file of cases: its numbers do not depend on which files there are beside it."""
    global _rng
    _rng = np.random.default_rng(seed)


def real(*shape: int) -> np.ndarray:
    """Distinct values in (-1.7, 1.7), none nearer to 0 than 0.05."""
    size = int(np.prod(shape))
    values = np.linspace(0.1, 1.6, size) if size > 1 else np.array([0.7] * size)
    values = values + _rng.uniform(-0.04, 0.04, size)
    return (_rng.permutation(values) * _rng.choice([-1.0, 1.0], size)).reshape(shape)


def positive(*shape: int) -> np.ndarray:
    """Distinct values in (0.3, 2.2)."""
    return np.asarray(np.abs(real(*shape)) + 0.3 + 0.2 * _rng.random(shape))


def probability(*shape: int) -> np.ndarray:
    """Values in (0.1, 0.74)."""
    return np.asarray(positive(*shape) / 3)


def complex_(*shape: int) -> np.ndarray:
    """Distinct complex numbers, neither part near 0."""
    return np.asarray(real(*shape) + 1j * real(*shape))


def turned(x: np.ndarray) -> np.ndarray:
    """The same values in a memory order that is not C's."""
    return np.asfortranarray(x) if x.ndim > 1 else np.repeat(x, 2)[::2]


def broadcast_pairs(first: Callable = real, second: Callable = real) -> Iterator[tuple[Any, Any]]:
    """Pairs of operands: equal shapes, each way to broadcast, 0-d, empty, Python numbers on either side."""
    shapes: tuple[tuple[Any, Any], ...] = (
        ((2, 3), (2, 3)), ((3, 1), (4,)), ((), (2, 3)), ((2, 3), ()), ((1,), (3,)), ((3,), (1,)),
        ((2, 1, 3), (4, 1)), ((1, 1), (3,)), ((), ()), ((0,), ()), ((0, 3), (3,)), ((1,), (0,)),
    )  # fmt: skip
    for a, b in shapes:
        yield first(*a), second(*b)
    yield turned(first(3, 2)), second(3, 2)
    for number in (0.75, 1):
        yield first(2, 3), number
        yield number, second(2, 3)
    yield first(), 0.75
    yield first(2, 3), np.array([2, 1, 3])  # integers
