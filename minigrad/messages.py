"""What is said when something goes wrong: the function, the Tensors by name and shape, and what to do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from inspect import signature
from reprlib import repr as shortened
from typing import Any

import numpy as np

from minigrad.not_supported import nearest, reason
from minigrad.other_arrays.foreign import mixture
from minigrad.reading import describe
from minigrad.table import compositions, name_of, table
from minigrad.tensor import Tensor, plain


def explain(error: Exception, function: Callable, inputs: tuple, parameters: dict[str, Any]) -> Exception:
    """An error of NumPy's told again with the Tensors' names and shapes, as the same type of exception."""
    if str(error).startswith("np."):  # it says what it is about, as NumPy's own do not
        return error
    kinds = (np.exceptions.AxisError, np.linalg.LinAlgError, IndexError, TypeError, ValueError)
    kind = next((kind for kind in kinds if isinstance(error, kind)), NotImplementedError)
    given = [_describe(x) for x in inputs[:4]] + [f"{len(inputs) - 4} more"] * (len(inputs) > 4)
    defaults = table[function].parameters if function in table else {}
    notes = ", ".join(
        f"{key}={shortened(value)}"
        for key, value in parameters.items()
        if key not in defaults or shortened(value) != shortened(defaults[key])
    )
    of_shapes = _matmul_reason(inputs) if function is np.matmul else _broadcast_reason(function, inputs)
    least = 0 if kind is TypeError else 1  # CuPy refuses NumPy's 0-d arrays too
    reason = mixture([x._value if isinstance(x, Tensor) else x for x in inputs], least) or of_shapes
    name = name_of(function).removeprefix("np.")
    told = kind(f"{name}: {' and '.join(given)}{f' with {notes}' if notes else ''}: {reason or error}")
    told.__cause__ = error  # here, since what is told may be the error itself
    return told


def retold(error: Exception, function: Callable, args: tuple, kwargs: dict[str, Any]) -> Exception:
    """What went wrong inside a composition, told of the function that was called.

    It is NumPy's own error for the call, if what is told of is a function inside, or of another type.
    """
    numpys, name = _error_of_numpy(function, args, kwargs), name_of(function)
    named = name in str(error) or str(error).startswith(f"{name.removeprefix('np.')}:")
    of_another = error.__cause__ is not None or (str(error).startswith("np.") and not named)
    its_own = not of_another and isinstance(error, type(numpys or error))
    if numpys is None and not its_own:
        return error  # what NumPy takes, and minigrad does not
    if named and isinstance(error, type(numpys or error)):
        return error  # it says what it is about
    told = explain(error if its_own or numpys is None else numpys, function, args, kwargs)
    if told is not error:
        told.__cause__ = error
    return told


def _error_of_numpy(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Exception | None:
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
            function(*plain(args), **plain(kwargs))
    except (TypeError, ValueError, IndexError) as error:
        return error.with_traceback(None)  # whose frames would hold it, and the graph
    return None


def no_derivative(function: Callable, name: str, kwargs: dict[str, Any]) -> str:
    """Why a function cannot be called on a Tensor that needs a gradient, and what comes nearest."""
    if hasattr(function, "on_arrays"):
        return f"{name} is a primitive without a row: give it one with minigrad.derivative"
    ufunc = getattr(function, "__self__", None)
    if isinstance(ufunc, np.ufunc) and ufunc in table and kwargs:  # a method of it
        function = getattr(np.ufunc, function.__name__)
    if function in table or function in compositions:
        takes = signature(compositions[function]).parameters if function in compositions else {}
        given = [f"{key}=" for key in kwargs if key not in takes] or [f"{key}=" for key in kwargs]
        how = f"with {', '.join(given)}" if kwargs else "with these arguments"
        return f"{name} {how} would lose the gradient; leave them out, or use t.detach() where none is wanted"
    why = f"{name} has no derivative here, and a Tensor that needs a gradient would lose it"
    if reason(name):
        return f"{why}: {reason(name)}; use t.detach() where no gradient is wanted"
    rows = [row.function for row in table.values() if not row.constant]
    known = [known for known in map(name_of, (*rows, *compositions)) if known.startswith("np.")]
    return (
        f"{why}. {nearest(name.rpartition('.')[2], known)}"
        "Add a row with minigrad.derivative, or use t.detach() where no gradient is wanted"
    )


def as_parameter(tensor: Tensor, of: Callable | None) -> str:
    """Why a Tensor that needs a gradient cannot be a parameter of a function."""
    who = f"{name_of(of)}: " if of else ""
    return f"{who}{describe(tensor)} as a parameter or index would lose its gradient: detach() it"


def _describe(x: Any) -> str:
    if isinstance(x, Tensor):
        return describe(x)
    if isinstance(x, list | tuple) and any(isinstance(entry, Tensor) for entry in x):
        return f"[{', '.join(map(_describe, x))}]"
    return f"an array {x.shape}" if _shape(x) else shortened(x)


def _shape(x: Any) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def _matmul_reason(inputs: tuple) -> str:
    a, b = map(_shape, inputs)
    if not a or not b:
        return "a matrix product needs at least one axis on each side; use *"
    inner = b[-2] if len(b) > 1 else b[0]
    if a[-1] == inner:
        return f"the leading axes {a[:-2]} and {b[:-2]} do not broadcast"
    reason = f"inner axes {a[-1]} and {inner} differ"
    left, right = (getattr(x, "name", None) or letter for x, letter in zip(inputs, "ab", strict=True))
    if len(b) == 2 and a[-1] == b[-1]:
        return f"{reason}; Linear weights are (n_out, n_in), did you mean {left} @ {right}.T?"
    if len(a) == 2 and a[0] == inner:
        return f"{reason}; did you mean {left}.T @ {right}?"
    return reason


def _broadcast_reason(function: Callable, inputs: tuple) -> str | None:
    if not isinstance(function, np.ufunc) and function is not np.where:
        return None
    try:
        np.broadcast_shapes(*map(_shape, inputs))
    except ValueError:
        return "the shapes do not broadcast: from the last axis backwards, lengths must be equal or 1"
    return None
