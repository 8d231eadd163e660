"""Arrays of other libraries, which a Tensor may hold instead of NumPy's: known by NumPy's protocols alone.

CuPy's arrays compute on a GPU and become NumPy arrays only when they are asked to; Dask's are cut into chunks
and not computed before they are asked to.  Neither package is imported here.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def is_foreign(array: Any) -> bool:
    """Whether this is another library's array."""
    if type(array) is np.ndarray:  # the usual answer, and the fastest way to it
        return False
    return hasattr(array, "__array_function__") and not isinstance(array, np.ndarray)


def is_chunked(array: Any) -> bool:
    """Whether this is an array in chunks that are computed when they are asked for, as Dask's are."""
    return hasattr(array, "rechunk")


def copied(value: Any, dtype: Any) -> Any:
    """A copy of another library's array, as a Tensor holds it; None for what NumPy makes an array of.

    Raises: TypeError for what is lazy and no array, which NumPy would compute at once, and for masked arrays.
    """
    if isinstance(value, np.ma.MaskedArray) or isinstance(getattr(value, "_meta", None), np.ma.MaskedArray):
        raise TypeError("a masked array would lose its mask: use np.where, or fill it with .filled()")
    if is_foreign(value):
        check_lengths(value)
        return value.copy() if dtype is None else value.astype(dtype)
    first = value
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if hasattr(first, "__dask_graph__") and first.__dask_graph__() is not None:
        raise TypeError(
            f"a {type(value).__name__} is not computed yet, and no array: give the Dask array in it (.data), "
            "or the values, dask.compute(...)"
        )
    return None


def to_numpy(array: Any) -> np.ndarray:
    """The values as a NumPy array: computed, or copied from a GPU, if they have to be."""
    return np.asarray(array.get() if hasattr(array, "get") else array)  # CuPy converts only when asked


def beside(array: Any, other: Any) -> Any:
    """The values as an array of the kind of another one, or of a Tensor; in its chunks if the shapes agree.

    >>> beside([1.0, 2.0], np.zeros(2))
    array([1., 2.])
    """
    other = getattr(other, "_value", other)
    if not is_foreign(other):
        return to_numpy(array)
    if type(array) is not type(other):
        array = np.asarray(to_numpy(array), like=other)
    return in_chunks_of(other, array) if array.shape == other.shape else array


def alike(x: Any, other: Any) -> Any:
    """An array or a Tensor as it is; numbers and lists of them as an array of the other's kind."""
    return x if hasattr(x, "dtype") else beside(x, other)


def in_chunks_of(other: Any, array: Any) -> Any:
    """The same array; if both are in chunks, in those of the other."""
    return array.rechunk(other.chunks) if is_chunked(array) and is_chunked(other) else array


def broadcast(g: Any, like: Any) -> Any:
    """g, an array or a Tensor, broadcast to an array's shape, in its chunks if it has any."""
    return in_chunks_of(like, np.broadcast_to(g, like.shape))


def reshape(x: Any, shape: Any, order: Any) -> Any:
    """np.reshape of an array or a Tensor; Dask knows no order, and merges or splits axes in one step."""
    if not is_chunked(x):
        return np.reshape(x, shape, order=order)
    shape = shape if isinstance(shape, tuple | list) else (shape,)
    if order == "F":
        return reshape(x.T, shape[::-1], "C").T
    try:
        return np.reshape(x, shape)
    except NotImplementedError:
        return np.reshape(np.reshape(x, (-1,)), shape)


def of_one_kind(array: Any, other: Any, who: str) -> Any:
    """An array that is to replace another one, in its chunks; TypeError if the two are of different kinds."""
    if reason := mixture((array, other)):
        raise TypeError(f"{who}: {reason}")
    return beside(array, other)


_usual = {np.ndarray, np.float64, np.float32, float, int}
"""Types of most results and their inputs, which are no other library's: known at one look."""


def check_result(data: Any, values: Any) -> None:
    """Raise TypeError for a result of arrays of two kinds, ValueError for one of unknown length.

    Where its library has no such function, Dask leaves it to NumPy: what comes out is of NumPy's kind then.
    """
    if _usual.issuperset(map(type, (data, *values))):
        return
    if is_foreign(data):
        if reason := mixture((data, *values)):
            raise TypeError(reason)
        check_lengths(data)
    elif any(map(is_foreign, values)):
        raise TypeError("the other library has no such function, and would leave it to NumPy")


def mixture(values: Any, least: int = 1) -> str | None:
    """Why these arrays, of so many axes at least, cannot be computed with together; None if they can."""
    arrays = [x for x in values if hasattr(x, "__array_function__") and x.ndim >= least]
    kinds = {type(x): _kind(x) for x in arrays}
    if len(kinds) < 2 or not any(map(is_foreign, arrays)):
        return None
    return (
        f"{' and '.join(sorted(kinds.values()))} do not mix: move one of them with numpy.asarray, "
        "dask.array.from_array or cupy.asarray, a model with model.to(...) of it"
    )


def check_lengths(array: Any) -> None:
    """Raise ValueError for an array with an axis of unknown length, which no gradient can be formed of."""
    if any(n != n for n in array.shape):
        raise ValueError(
            f"an axis of unknown length, {array.shape}: how much a mask selects is not known before it is "
            "computed; use np.where(mask, x, 0), or compute_chunk_sizes() of the Dask array"
        )


def check_computed(*arrays: Any) -> None:
    """Raise TypeError for arrays in chunks, where a function must see the values."""
    if any(is_chunked(getattr(x, "_value", x)) for x in arrays):
        raise TypeError(
            "the result's shape depends on values that are not computed yet; np.asarray them first"
        )


_libraries = {"numpy": "NumPy", "dask": "Dask", "cupy": "CuPy"}


def _kind(array: Any) -> str:
    library = type(array).__module__.partition(".")[0]
    return f"{_libraries.get(library, library)} arrays"
