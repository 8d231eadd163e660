"""What is said when something goes wrong: the function, the Tensors by name and shape, what was wanted, what to do."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import numpy as np

from minigrad.table import compositions, name_of, table
from minigrad.tensor import Tensor, describe


def explain(error: Exception, function: Callable, inputs: tuple, parameters: dict[str, Any]) -> Exception:
    """An error of NumPy's told again with the Tensors' names and shapes, as the same type of exception."""
    if not isinstance(error, ValueError | TypeError | IndexError):
        return error
    given = " and ".join(_describe(x) for x in inputs)
    notes = ", ".join(f"{key}={value!r}" for key, value in parameters.items() if not callable(value))
    reason = _matmul_reason(inputs) if function is np.matmul else _broadcast_reason(function, inputs)
    text = f"{name_of(function).removeprefix('np.')}: {given}{f' with {notes}' if notes else ''}: {reason or error}"
    return (type(error) if type(error) in (ValueError, TypeError, IndexError) else _plain_type(error))(text)


def no_derivative(function: Callable, name: str, kwargs: dict[str, Any]) -> str:
    """Why a NumPy function cannot be called on a Tensor that needs a gradient, and what comes nearest."""
    lost = [f"{key}=" for key in ("out", "where", "dtype", "casting", "axes") if kwargs.get(key) is not None]
    if lost and (function in table or function in compositions):
        return f"{name}: {', '.join(lost)} would lose the gradient; leave it out, or use t.detach()"
    known = {name_of(f).rpartition(".")[2]: name_of(f) for f in (*table, *compositions) if name_of(f).startswith("np.")}
    near = [known[match] for match in get_close_matches(name.rpartition(".")[2], known, n=3, cutoff=0.0)]
    return (
        f"{name} has no derivative here, and a Tensor that needs a gradient would lose it. The nearest that have one: "
        f"{', '.join(near)}. Add a row with minigrad.derivative, or use t.detach() where no gradient is wanted"
    )


def _describe(x: Any) -> str:
    if isinstance(x, Tensor):
        return describe(x)
    shape = np.shape(x)
    return f"an array {shape}" if shape else repr(x)


def _plain_type(error: Exception) -> type[Exception]:
    return next(kind for kind in (IndexError, TypeError, ValueError) if isinstance(error, kind))


def _matmul_reason(inputs: tuple) -> str:
    a, b = (np.shape(x) for x in inputs)
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
        np.broadcast_shapes(*(np.shape(x) for x in inputs))
    except ValueError:
        return "the shapes do not broadcast: from the last axis backwards, lengths must be equal or 1"
    return None
