"""Draws from an explicit generator, as nodes that the graph can see.  There is no global generator."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from minigrad.other_arrays import chunked
from minigrad.other_arrays.foreign import is_foreign
from minigrad.switches import recording
from minigrad.table import derivative
from minigrad.tensor import Tensor, made, plain, primitive, record

if TYPE_CHECKING:  # NumPy itself loads numpy.random only when it is first used
    Generator = np.random.Generator | np.random.RandomState


def is_generator(value: Any) -> TypeGuard[Generator]:
    """Whether a value is a numpy.random.Generator or a RandomState."""
    return str(type(value).__module__).startswith("numpy.random") and isinstance(
        value, (np.random.Generator, np.random.RandomState)
    )


def generator(rng: Any, who: str = "rng") -> Generator:
    """The generator that `rng=` stands for: a Generator or RandomState as it is, a seed (also 0) made one.

    Raises: TypeError for anything else, None included: randomness is always asked for.

    >>> generator(0).random(2).round(3)
    array([0.637, 0.27 ])
    """
    if is_generator(rng):
        return rng
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        return np.random.default_rng(int(rng))
    raise TypeError(
        f"{who}: rng= takes a numpy.random.Generator, a RandomState or an integer seed, not {rng!r}; "
        "there is no global generator, so write for example rng=np.random.default_rng(0)"
    )


first_states: ContextVar[tuple[dict[int, Any], ...]] = ContextVar("minigrad.first_states", default=())
"""Each: id -> (generator, its state before its first draw since), for whoever has to draw the same again."""


@primitive
def uniform_draw(*, rng: Generator, shape: tuple[int, ...]) -> Any:
    """rng.random(shape): uniform on [0, 1)."""
    return rng.random(shape)


derivative(uniform_draw)


def uniform(rng: Any, shape: tuple[int, ...], like: Any = None) -> Tensor:
    """Uniform numbers on [0, 1) as a node of the graph; of the kind that `like`, of this shape, is.

    >>> uniform(0, (2,)).shape
    (2,)
    """
    rng = generator(rng, "uniform")
    for first in first_states.get():
        first.setdefault(id(rng), (rng, generator_state(rng)))
    origin = {"rng": rng, "shape": tuple(shape)}
    like = plain(like)
    if not is_foreign(like):
        return record(uniform_draw, (), origin)
    numbers = made(chunked.draw(rng, like))
    if recording.get():
        numbers.function, numbers.parameters = uniform_draw, origin
    return numbers


def bernoulli(rng: Any, shape: tuple[int, ...], keep_prob: Any, like: Any = None) -> Tensor:
    """A mask D of booleans, True with probability keep_prob: D = (uniform draw < keep_prob).

    >>> bernoulli(0, (4,), 0.5).numpy()
    array([False,  True,  True,  True])
    """
    return uniform(rng, shape, like) < keep_prob


# ---- a generator's state, to be saved and restored


def generator_state(rng: Generator) -> dict[str, Any]:
    """The state as a dict of numbers, strings and arrays."""
    if isinstance(rng, np.random.Generator):
        return dict(rng.bit_generator.state)
    return dict(rng.get_state(legacy=False))


def restore_generator(rng: Generator, state: Any) -> None:
    """Set a generator to a saved state of a generator of the same kind."""
    if not same_kind_of_generator(rng, state):
        raise ValueError(f"the saved state does not belong to a {type(rng).__name__} of this kind")
    if isinstance(rng, np.random.Generator):
        rng.bit_generator.state = state
    else:
        rng.set_state(state)


def same_kind_of_generator(rng: Generator, state: Any) -> bool:
    """Whether a saved state fits a generator."""
    own = generator_state(rng)
    return (
        isinstance(state, dict)
        and state.keys() == own.keys()
        and state["bit_generator"] == own["bit_generator"]
    )
