"""A Tensor over an array that is not computed yet is a Dask collection, computed when it is asked to be.

dask.compute(J, *gradients) and dask.persist find Tensors by the methods here, as they find Dask's own arrays,
and give the values as Tensors, without the graph as t.detach() does; all of them in one pass, so that what
they share is computed once.  Of any other array a Tensor is no collection.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from minigrad.other_arrays.foreign import is_chunked

_own_function = "Dask's own function, da.sum(t) in place of np.sum(t)"


class Lazy:
    """The protocol of Dask's collections, for a class that holds its array as `_value`."""

    __slots__ = ()

    _value: Any
    data: Any
    name: str | None
    _check_leaving: Callable[[str], None]

    def __dask_graph__(self) -> Any:
        return self._value.__dask_graph__() if is_chunked(self._value) else None

    def __dask_layers__(self) -> Any:
        return self._value.__dask_layers__()

    def __dask_keys__(self) -> Any:
        return self._value.__dask_keys__()

    def __dask_tokenize__(self) -> Any:
        return type(self), self.name, self._value

    def __dask_postcompute__(self) -> tuple[Callable, tuple]:
        finish, rest = self._value.__dask_postcompute__()
        return _compute, (self.name, finish, rest)

    def __dask_postpersist__(self) -> tuple[Callable, tuple]:
        rebuild, rest = self._value.__dask_postpersist__()
        return _persist, (self.name, rebuild, rest)

    def to_dask_array(self) -> Any:
        """Dask's array, for functions of dask.array: they have no rules.

        Raises: RuntimeError if it needs a gradient.
        """
        self._check_leaving(_own_function)
        from dask.array import asarray

        return asarray(self._value)

    @property
    def chunks(self) -> Any:
        """How the array is cut, if it is; da.from_array, which da.dot and others call, asks for it first."""
        if sys._getframe(1).f_globals.get("__name__", "").startswith("dask.array"):
            self._check_leaving(_own_function)
        return self._value.chunks

    @property
    def __dask_optimize__(self) -> Any:
        return self._value.__dask_optimize__

    @property
    def __dask_scheduler__(self) -> Any:
        return self._value.__dask_scheduler__

    def _shown(self) -> str:
        """The array as repr(t) shows it: values only where there are some already."""
        return repr(self._value) if is_chunked(self._value) else super()._shown()  # type: ignore[misc]


def _compute(results: Any, name: str | None, finish: Callable, rest: tuple) -> Any:
    return _values(finish(results, *rest), name)


def _persist(graph: Any, name: str | None, rebuild: Callable, rest: tuple, **options: Any) -> Any:
    return _values(rebuild(graph, *rest, **options), name)


def _values(data: Any, name: str | None) -> Any:
    from minigrad.tensor import made

    tensor = made(data)
    tensor.name = name
    return tensor


def persisted(arrays: list[Any], left: int) -> list[Any]:
    """The arrays, computed in one pass; all but the last ones, which are left to the workers, come home.

    A cluster remembers how what its workers hold was made.  If the parameters stayed there it would remember
    every step before, make all of them again when a worker dies, and take the parameters along when it ends.
    """
    from dask.array import from_array
    from dask.base import compute, get_scheduler, persist

    try:
        found = list(persist(*arrays))
        get: Any = get_scheduler()
        if type(getattr(get, "__self__", None)).__module__.startswith("distributed"):
            n = len(arrays) - left
            values = compute(*found[:n])
            found[:n] = [
                from_array(value, chunks=array.chunks, name=False) if is_chunked(array) else array
                for value, array in zip(values, found[:n], strict=True)
            ]
    except Exception as error:
        error.add_note("persist: nothing was changed; the step is still to be computed, so call it again")
        raise
    return found
