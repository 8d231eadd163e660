"""StrictArray: a stand-in for CuPy's arrays, which never become NumPy arrays unless they are asked to.

It computes with NumPy, through NumPy's protocols alone, and refuses what CuPy refuses: np.asarray, float() by
NumPy, and NumPy arrays, also 0-d ones, beside it.  Results are StrictArrays, 0-d ones too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

_from_numpy = (np.asarray, np.array, np.arange, np.full, np.zeros, np.ones)


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
        if method != "__call__" or not all(isinstance(x, _known) for x in inputs):
            return NotImplemented
        return _wrapped(ufunc(*map(_unwrapped, inputs), **_unwrapped(options)))

    def __array_function__(self, function: Callable, types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if not all(issubclass(kind, _known) for kind in types):
            return NotImplemented
        if function in _from_numpy:
            kwargs = {key: value for key, value in kwargs.items() if key != "like"}
            return StrictArray(function(*args, **kwargs))
        return _wrapped(function(*_unwrapped(tuple(args)), **_unwrapped(kwargs)))

    def __getitem__(self, index: Any) -> StrictArray:
        return StrictArray(self.inner[_index(index)])

    def __bool__(self) -> bool:
        return bool(self.inner)

    def __len__(self) -> int:
        return len(self.inner)


def _method(name: str) -> Callable:
    def method(self: StrictArray, *args: Any, **kwargs: Any) -> StrictArray:
        return StrictArray(getattr(self.inner, name)(*args, **kwargs))

    return method


for _name in ("astype", "copy", "max", "mean", "min", "reshape", "sum", "transpose"):
    setattr(StrictArray, _name, _method(_name))


_known = (StrictArray, np.ndarray, np.generic, int, float, complex)
"""What CuPy takes into its hands, if only to refuse it; anything else gets its own turn."""


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
        return type(result)(map(_wrapped, result))
    return StrictArray(result) if isinstance(result, np.ndarray | np.generic) else result


def _index(index: Any) -> Any:
    """Arrays of indices may be NumPy's: CuPy copies them to the device."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    return index.inner if isinstance(index, StrictArray) else index
