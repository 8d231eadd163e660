"""What a student hands in: arrays by name, read so that an unusable one does not hide the others."""

from __future__ import annotations

import inspect
import re
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

import numpy as np

from minigrad.tensor import Tensor

unfilled = "is not filled in"
"""What is said of `...`, which an exercise has in the places of what is to be written."""


class Submission(NamedTuple):
    """arrays: name -> what was handed in;  problems: name -> why it cannot be graded."""

    arrays: dict[str, np.ndarray]
    problems: dict[str, str]


def read(
    student: Any,
    known: Collection[str],
    wanted: Iterable[str],
    values: Mapping[str, Any],
    transposed: Collection[str],
) -> Submission:
    """Read a dict of arrays or functions, or a function that returns one.

    known       the names that can be graded
    wanted      those that have to be there
    values      what a function is given for the arguments that it names
    transposed  names whose matrices are handed in transposed
    """
    problems: dict[str, str] = {}
    it = "it"
    if callable(student) and not isinstance(student, Mapping):
        function = name_of(student)
        try:
            student = called(student, values)
        except Exception as error:  # a student's code may raise anything, and it is the student's to see
            return Submission({}, {function: raised(error)})
        it = f"what {function} returns"
    if isinstance(student, tuple) and student and isinstance(student[-1], Mapping):
        student = student[-1]  # (cost, gradients), as a derivation's own text returns it
    if not isinstance(student, Mapping):
        if inspect.iscoroutine(student):
            student.close()  # it is never run, and need not warn of that
        raise TypeError(
            f"grade: the student's work must be a dict of arrays, such as {{{_example(known)}: ...}}, or a "
            f"function that returns one; {it} is {_kind(student)}"
        )
    arrays: dict[str, np.ndarray] = {}
    for key, value in student.items():
        name = str(key)
        if name not in known:
            problems[name] = _unknown(name, known, values)
            continue
        try:
            if callable(value) and not isinstance(value, np.ndarray | Tensor):
                value = called(value, values)
            arrays[name] = _array(value)
        except _UnusableError as reason:
            problems[name] = str(reason)
        except Exception as error:
            problems[name] = raised(error)
    for name in wanted:
        if name not in arrays and name not in problems:
            close = _nearest(name, [n for n in problems if n not in known], 0.6)
            problems[name] = "missing" + (f"; is it what is called {close[0]}?" if close else "")
    for name in transposed:
        if name in arrays and arrays[name].ndim == 2:
            arrays[name] = arrays[name].T
    return Submission(arrays, problems)


class _UnusableError(Exception):
    """Why a value cannot be graded."""


def called(function: Callable[..., Any], values: Mapping[str, Any]) -> Any:
    """Call a student's function with the values that its arguments name, as copies that it may change.

    Raises: TypeError, with the names that there are, for an argument that names none of them.
    """
    arguments = inspect.signature(function).parameters.values()
    given: dict[str, Any] = {}
    for argument in arguments:
        if argument.name in values:
            value = values[argument.name]
            given[argument.name] = value.copy() if isinstance(value, np.ndarray) else value
        elif argument.default is argument.empty and argument.kind not in (
            argument.VAR_POSITIONAL,
            argument.VAR_KEYWORD,
        ):
            close = _nearest(argument.name, values, 0.6)
            raise TypeError(
                f"{name_of(function)}: nothing is called {argument.name!r}{_meant(close)} "
                f"There are {', '.join(values)}"
            )
    positional = [given.pop(a.name) for a in arguments if a.kind is a.POSITIONAL_ONLY and a.name in given]
    return function(*positional, **given)


def name_of(function: Callable[..., Any]) -> str:
    """What a student's function is called."""
    return str(getattr(function, "__name__", type(function).__name__))


def raised(error: Exception) -> str:
    """An error with the lines of the student's code that led to it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    lines = [f"line {frame.lineno}, in {frame.name}: {frame.line}" for frame in own if frame.line]
    if len(lines) > _most_frames:  # a function that calls itself without end
        left_out = f"... {len(lines) - _most_frames} calls more ..."
        lines = [*lines[:2], left_out, *lines[2 - _most_frames :]]
    return "\n".join([f"raised {type(error).__name__}: {error}", *lines])


_most_frames = 6
"""How many calls are shown of those that led to an error: the outermost two, and the innermost."""


def _array(value: Any) -> np.ndarray:
    if value is None:
        raise _UnusableError("is None: does the function return it?")
    if value is Ellipsis:
        raise _UnusableError(unfilled)
    if isinstance(value, Tensor):
        value = value.detach().numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise _UnusableError(f"does not make an array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise _UnusableError(f"is an array of {array.dtype}; wanted real numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = np.argwhere(~np.isfinite(array))
        where = ", ".join(str(list(map(int, index))) for index in bad[:3])
        kind = "nan" if np.isnan(array).any() else "inf"
        raise _UnusableError(
            f"has {kind} in {len(bad)} of {array.size} places, at {where}{' ...' if len(bad) > 3 else ''}: "
            "look for a division by 0, a log of 0, or an overflow of exp"
        )
    return array


def _unknown(name: str, known: Collection[str], values: Mapping[str, Any]) -> str:
    bare = re.sub("grad(ient)?", "", "".join(filter(str.isalnum, name)).lower())  # grad_W1, W1.grad
    close = _nearest(f"d{bare}", known, 1.0) or _nearest(name, known, 0.5)
    if name in values:
        return f"is a value of the forward pass, not a gradient; there are {', '.join(known)}"
    if name.startswith("d") and name[1:] in values:
        return f"cannot be graded, since {name[1:]} needs no gradient here; there are {', '.join(known)}"
    return f"is not known{_meant(close)} There are {', '.join(known)}"


def _kind(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _nearest(name: str, known: Iterable[str], cutoff: float) -> list[str]:
    """The known name that is most like this one, in letters of either case, or none."""
    plain = {"".join(filter(str.isalnum, n)).lower(): n for n in known}
    found = get_close_matches("".join(filter(str.isalnum, name)).lower(), plain, 1, cutoff)
    return [plain[match] for match in found]


def _meant(close: list[str]) -> str:
    return f", did you mean {close[0]}?" if close else "."


def _example(known: Collection[str]) -> str:
    return repr(next(iter(known), "dW"))
