"""StrictArray: a stand-in for CuPy's arrays, which never become NumPy arrays unless they are asked to.

It computes with NumPy, through NumPy's protocols alone, and refuses what CuPy refuses: np.asarray, float() by
NumPy, NumPy arrays beside it, 0-d ones too, functions and arguments that CuPy has not
(golden/cupy_functions.json).  Results are StrictArrays, 0-d ones too, and several are a plain tuple.  Indices
that do not exist wrap around, as on a GPU.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

of_cupy = json.loads((Path(__file__).parent / "golden" / "cupy_functions.json").read_text(encoding="utf-8"))
"""Of each function that CuPy has, by module and name: its arguments, or the methods of a ufunc."""

_numbers = (np.generic, int, float, complex)


class StrictArray(NDArrayOperatorsMixin):
    """The array `inner`, which only `get()` gives."""

    def __init__(self, inner: Any) -> None:
        self.inner = np.array(inner)

    shape = property(lambda self: self.inner.shape)
    dtype = property(lambda self: self.inner.dtype)
    ndim = property(lambda self: self.inner.ndim)
    size = property(lambda self: self.inner.size)
    T = property(lambda self: StrictArray(self.inner.T))

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError("Implicit conversion to a NumPy array is not allowed; use get()")

    def get(self) -> np.ndarray:
        return self.inner.copy()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        known = of_cupy.get(f"numpy.{ufunc.__name__}")
        if known is None or (method != "__call__" and f".{method}" not in known):
            return NotImplemented
        if not all(isinstance(x, (StrictArray, np.ndarray, *_numbers)) for x in inputs):
            return NotImplemented
        if ufunc in _comparisons:  # of a 0-d NumPy array CuPy takes the number
            inputs = tuple(x.item() if isinstance(x, np.ndarray) and not x.ndim else x for x in inputs)
        if method != "at":
            return _wrapped(getattr(ufunc, method)(*map(_unwrapped, inputs), **_unwrapped(options)))
        array, places, *values = inputs  # the places may be NumPy's: they are copied to the device
        ufunc.at(array.inner, _index(places), *map(_unwrapped, values))
        return None

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        known = of_cupy.get(f"{function.__module__}.{function.__name__}")
        if known is None or not all(issubclass(kind, StrictArray | np.ndarray) for kind in types):
            return NotImplemented
        if function in _from_numpy:
            return StrictArray(function(*args, **{k: x for k, x in kwargs.items() if k != "like"}))
        if len(args) > len(known) and not any(name.startswith("*") for name in known):
            raise TypeError(
                f"{function.__name__}() takes {len(known)} positional arguments, {len(args)} given"
            )
        if (unknown := [key for key in kwargs if key not in known]) and not known[-1].startswith("**"):
            raise TypeError(f"{function.__name__}() got an unexpected keyword argument {unknown[0]!r}")
        return _wrapped(function(*_unwrapped(tuple(args)), **_unwrapped(kwargs)))

    def __getitem__(self, index: Any) -> StrictArray:
        return StrictArray(self.inner[_wrapping(index, self.shape)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.inner[_index(index)] = _unwrapped(value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.inner)

    def __len__(self) -> int:
        return len(self.inner)


def _method(name: str) -> Callable:
    def method(self: StrictArray, *args: Any, **kwargs: Any) -> StrictArray:
        return StrictArray(getattr(self.inner, name)(*args, **kwargs))

    return method


for _name in (
    "argsort",
    "astype",
    "clip",
    "copy",
    "max",
    "mean",
    "min",
    "ravel",
    "reshape",
    "sum",
    "transpose",
):
    setattr(StrictArray, _name, _method(_name))


_from_numpy = (np.asarray, np.array, np.arange, np.full, np.zeros, np.ones)
_comparisons = (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)


def _unwrapped(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, StrictArray):
        return value.inner
    if isinstance(value, list | tuple):
        return type(value)(map(_unwrapped, value))
    if isinstance(value, dict):
        return {key: _unwrapped(entry) for key, entry in value.items()}
    return value


def _wrapped(result: Any) -> Any:
    if isinstance(result, list | tuple):
        return [*map(_wrapped, result)] if isinstance(result, list) else tuple(map(_wrapped, result))
    return StrictArray(result) if isinstance(result, np.ndarray | np.generic) else result


def _index(index: Any) -> Any:
    """Arrays of indices may be NumPy's: CuPy copies them to the device."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return index.inner if isinstance(index, StrictArray) else index


def _wrapping(index: Any, shape: tuple[int, ...]) -> Any:
    """The index of one axis, where CuPy does not see that a number in an array is too large."""
    index = _index(index)
    if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.size and shape[0]:
        return index % shape[0]
    return index
