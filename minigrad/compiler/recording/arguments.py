"""Arguments and results: nested dicts, lists and tuples, taken apart into arrays and the rest."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np

from minigrad.tensor import Tensor, constant


def signature(value: Any, found: list[Any], seen: dict[int, int]) -> Any:
    """What must stay as it is for a recording to hold; arrays, Tensors and floats are put into `found`.

    Whole numbers, texts and the like are part of it: they may be shapes, axes and choices.

    >>> found = []
    >>> signature({"x": np.zeros(3), "axis": 0}, found, {}), len(found)
    (('dict', (('x', ('array', <class 'numpy.ndarray'>, (3,), '<f8', 0)), ('axis', (<class 'int'>, 0)))), 1)
    """
    if isinstance(value, Tensor):
        where = seen.setdefault(id(value), len(found))
        found.append(value)
        return (
            "Tensor",
            value.shape,
            value.dtype.str,
            value._requires_grad,
            value._grad is None,
            value._hooks is None,
            value.function is None,
            value.name,
            where,
        )
    if isinstance(value, np.ndarray):
        where = seen.setdefault(id(value), len(found))
        found.append(value)
        return "array", type(value), value.shape, value.dtype.str, where
    if isinstance(value, float | np.floating):
        found.append(value)
        return "number", type(value)
    if type(value) is dict:
        return "dict", tuple((key, signature(entry, found, seen)) for key, entry in value.items())
    if _is_sequence(value):
        return type(value), tuple(signature(entry, found, seen) for entry in value)
    if isinstance(value, bool | int | str | bytes | complex | np.generic | np.dtype | None):
        return type(value), value
    if isinstance(value, slice):
        return slice, signature((value.start, value.stop, value.step), found, seen)
    return "object", id(value)


def as_tensors(value: Any, made: list[Tensor], name: str | None = None) -> Any:
    """The same nested value with a Tensor for each array and float, which are put into `made`, in order.

    name  what they are called
    """
    if isinstance(value, Tensor):
        made.append(value)
        return value
    if isinstance(value, np.ndarray):
        made.append(Tensor(value, name=name))
        return made[-1]
    if isinstance(value, float | np.floating):
        made.append(constant(value, name=name or f"number_{len(made)}"))
        return made[-1]
    if type(value) is dict:
        return {
            key: as_tensors(entry, made, key if isinstance(key, str) else name)
            for key, entry in value.items()
        }
    return _mapped(value, lambda entry: as_tensors(entry, made, name))


def arguments_as_tensors(
    function: Callable[..., Any], args: tuple, kwargs: dict[str, Any], made: list[Tensor]
) -> tuple[tuple, dict[str, Any]]:
    """The arguments of a call with a Tensor for each array and float, called as the function calls them."""
    try:
        names = list(inspect.signature(function).bind_partial(*args).arguments)
    except (TypeError, ValueError):  # others are given by name, or it has no signature
        names = []
    called = zip_longest(args, names[: len(args)])
    return tuple(as_tensors(x, made, name) for x, name in called), as_tensors(kwargs, made)


def tensors_in(value: Any, found: list[Tensor], known: Mapping[int, Any]) -> Any:
    """A result with a place for each Tensor in it; the Tensors are put into `found`.

    known   id -> object that the function reaches by itself, or was given: it may be returned as it is
    Raises: TypeError for other objects, in which there may be Tensors, or which are made anew at each call.
    """
    if isinstance(value, Tensor):
        found.append(value)
        return _Place(len(found) - 1)
    if type(value) is np.ndarray:
        return np.array(value)
    plain = isinstance(value, bool | int | float | complex | str | bytes | np.generic | np.dtype | None)
    if not plain and type(value) is not dict and not _is_sequence(value) and id(value) not in known:
        raise TypeError(
            f"returns a {type(value).__name__}; return Tensors, numbers, texts, and dicts, lists and tuples"
        )
    return _mapped(value, lambda entry: tensors_in(entry, found, known))


def objects_in(value: Any, found: list[Any]) -> list[Any]:
    """What arguments hold beside arrays, Tensors, numbers and texts: Modules, functions, objects."""
    if type(value) is dict:
        for entry in value.values():
            objects_in(entry, found)
    elif _is_sequence(value):
        for entry in value:
            objects_in(entry, found)
    elif not isinstance(value, Tensor | np.ndarray):
        found.append(value)
    return found


def filled(value: Any, results: list[Tensor]) -> Any:
    """The result with other Tensors in the places."""
    if isinstance(value, _Place):
        return results[value.number]
    if type(value) is np.ndarray:
        return value.copy()
    return _mapped(value, lambda entry: filled(entry, results))


def _is_sequence(value: Any) -> bool:
    return type(value) in (list, tuple) or (isinstance(value, tuple) and hasattr(value, "_fields"))


class _Place:
    def __init__(self, number: int) -> None:
        self.number = number


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if type(value) is dict:
        return {key: function(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(function, value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(function, value))
    return value
