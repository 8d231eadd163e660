"""What a state_dict holds, and how it is taken over: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np

from minigrad.other_arrays.foreign import beside, to_numpy
from minigrad.random import generator_state, restore_generator
from minigrad.recording import no_grad
from minigrad.tensor import Tensor, assign


class Incompatible(NamedTuple):
    """What load_state_dict(strict=False) passed over."""

    missing: list[str]
    unexpected: list[str]


def state_of(own: Mapping[str, Any]) -> dict[str, Any]:
    """path -> array for Tensors, path -> state for random generators."""
    return {
        path: to_numpy(value.data) if isinstance(value, Tensor) else generator_state(value)
        for path, value in own.items()
    }


def take_over(own: Mapping[str, Any], state: Mapping[str, Any], *, strict: bool, who: str) -> Incompatible:
    """Let the Tensors and generators of a model have what a state_dict holds; see Module.load_state_dict."""
    if not isinstance(state, Mapping):
        raise TypeError(
            f"load_state_dict: the state is a {type(state).__name__}; wanted a dict, as of state_dict()"
        )
    missing = [key for key in own if key not in state]
    unknown = [key for key in state if key not in own]
    problems = [
        *(f"{key} is missing" for key in missing),
        *(f"{key} is unknown" for key in unknown),
    ] * strict
    problems += [misfit for key in own if key in state and (misfit := _misfit(key, own[key], state[key]))]
    if problems:
        raise RuntimeError(f"load_state_dict into {who}: {'; '.join(problems)}")
    arrays = {  # all of them are cast before the first is taken over; the memory order stays
        key: beside(np.array(to_numpy(_array(state[key])), dtype=value.dtype), value._value)
        for key, value in own.items()
        if key in state and isinstance(value, Tensor)
    }
    with no_grad():
        for key, value in own.items():
            if key in arrays:
                assign(value, arrays[key])
            elif key in state:
                restore_generator(value, state[key])
    return Incompatible(missing, unknown)


def _array(value: Any) -> Any:
    """The array that an entry of a state holds."""
    value = value._value if isinstance(value, Tensor) else value
    return value if hasattr(value, "dtype") else np.asarray(value)


def _misfit(key: str, own: Any, given: Any) -> str | None:
    """What is wrong with an entry of a state, or None; found out without changing anything."""
    try:
        if not isinstance(own, Tensor):
            restore_generator(deepcopy(own), given)
            return None
        array = _array(given)
    except Exception as error:
        return f"{key} cannot be used ({error})"
    if array.dtype.kind not in "fciub" or not np.can_cast(array.dtype, own.dtype, "same_kind"):
        return f"{key} is {array.dtype}, wanted {own.dtype}"
    return None if array.shape == own.shape else f"{key} has shape {array.shape}, wanted {own.shape}"


def moved_array(path: str, x: Tensor, function: Callable[[Any], Any]) -> Any:
    """function(array), if it is an array of the same shape and dtype."""
    given = x.data
    new = function(given)
    if getattr(new, "shape", None) != x.shape or getattr(new, "dtype", None) != x.dtype:
        what = f"{new.dtype} {new.shape}" if hasattr(new, "dtype") else f"a {type(new).__name__}"
        raise ValueError(f"to: of {path}, {x.dtype} {x.shape}, the function makes {what}; wanted the same")
    return new.copy() if isinstance(new, np.ndarray) and new.flags.writeable else new
