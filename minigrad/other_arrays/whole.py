"""Functions of whole vectors and matrices on arrays in chunks: their axes are made one chunk, others stay.

Dask has no sort, no determinant, no stacks of matrices; NumPy has, and does it for each chunk of the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import is_chunked, reshape


def of_whole(
    function: Callable[..., Any], signature: str, lengths: Callable[..., dict[str, int]] | None = None
) -> Callable[..., Any]:
    """The function, which on arrays in chunks is called on chunks with these axes, the last, whole.

    signature   as of a generalized ufunc, such as "(m,n)->(n,m)" (NEP 20)
    lengths     of the arrays and parameters: how long the axes are that only the result has
    """

    def compute(*arrays: Any, **parameters: Any) -> Any:
        if not any(map(is_chunked, arrays)):
            return function(*arrays, **parameters)
        new = None if lengths is None else lengths(*arrays, **parameters)
        return _applied(partial(function, **parameters), signature, arrays, new)

    return compute


def along_whole(
    function: Callable[..., Any],
    signature: str = "(n)->(n)",
    lengths: Callable[..., Any] | None = None,
    same_dtype: bool = False,
) -> Callable[..., Any]:
    """The same of a function of axis=, which is None for all elements in one row.

    same_dtype   the result's is the first array's: it is not asked of a sample
    """

    def compute(*arrays: Any, axis: int | None, **parameters: Any) -> Any:
        if not any(map(is_chunked, arrays)):
            return function(*arrays, axis=axis, **parameters)
        if axis is None:
            arrays, axis = tuple(reshape(x, (-1,), "C") for x in arrays), -1
        axis = axis - arrays[0].ndim if axis >= 0 else axis
        new = None if lengths is None else lengths(*arrays, axis=axis, **parameters)
        dtype = arrays[0].dtype if same_dtype else None
        return _applied(partial(function, axis=-1, **parameters), signature, arrays, new, axis, dtype)

    return compute


def reduced_whole(
    function: Callable[..., Any], a: Any, axes: tuple[int, ...], first: tuple[int, ...], keepdims: bool
) -> Any:
    """function(rows, axis=-1) of an array in chunks, whose results have axes of these lengths first."""
    kept = [i for i in range(a.ndim) if i not in axes]
    rows = reshape(np.transpose(a, (*kept, *axes)), (*(a.shape[i] for i in kept), -1), "C")

    def last(x: Any) -> Any:
        return np.moveaxis(np.reshape(function(x, axis=-1), (prod(first), *x.shape[:-1])), 0, -1)

    y = np.moveaxis(_applied(last, "(n)->(k)", (rows,), {"k": prod(first)}), -1, 0)
    shape = [1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i in kept]
    return reshape(y, (*first, *shape), "C")


def _applied(
    function: Callable[..., Any], signature: str, arrays: Any, new: Any, axis: Any = None, dtype: Any = None
) -> Any:
    from dask.array import apply_gufunc

    if dtype is None:  # of a sample: matrices with an inverse, indices that exist
        indices = "iu" if axis is not None else ""
        sample = [(np.zeros if x.dtype.kind in indices else np.ones)((2,) * x.ndim, x.dtype) for x in arrays]
        if "(n,n)" in signature:
            sample[0] = sample[0] * np.eye(2, dtype=sample[0].dtype)
        dtype = function(*sample).dtype
    return apply_gufunc(
        function,
        signature,
        *arrays,
        axes=None if axis is None else [(axis,)] * (len(arrays) + 1),
        output_sizes=new,
        output_dtypes=dtype,
        allow_rechunk=True,
    )
