"""How rows are computed on arrays in chunks where Dask has no such function, or wants the chunks otherwise.

An axis that a function needs whole is made one chunk; so of a stack of matrices it is the stack that is cut.
Of one matrix in square chunks, or in one column of chunks, Dask has algorithms of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.derivatives.further import factorizations as factors
from minigrad.derivatives.further import linear_algebra as la
from minigrad.derivatives.further import products as products
from minigrad.derivatives.further import ufuncs as ufuncs
from minigrad.derivatives.further.cumulative import recurrence
from minigrad.derivatives.further.nan_functions import rank
from minigrad.derivatives.further.ordering import order
from minigrad.derivatives.further.picking import add_along_axis
from minigrad.other_arrays.foreign import is_chunked, is_foreign, reshape
from minigrad.other_arrays.whole import along_whole, of_whole, reduced_whole
from minigrad.table import table


def _computed(function: Any, wrapped: Callable[..., Any], *args: Any) -> None:
    table[function].compute = wrapped(table[function].compute, *args)


def _lean(compute: Callable[..., Any], *known: str) -> Callable[..., Any]:
    """CuPy is given those arguments alone that it knows: how to sort is not the result's affair."""

    def lean(a: Any, **parameters: Any) -> Any:
        if is_foreign(a) and not is_chunked(a):
            parameters = {key: parameters[key] for key in known}
        return compute(a, **parameters)

    return lean


# ---- matrices


def _own(compute: Callable[..., Any], signature: str, *lengths: Any) -> Callable[..., Any]:
    """Dask's own algorithm for one matrix in more chunks than one, if these are as it wants them."""
    whole = of_whole(compute, signature, *lengths)

    def either(*arrays: Any, **parameters: Any) -> Any:
        a = arrays[0]
        plain = is_chunked(a) and a.ndim == 2 and a.dtype.kind == "f" and not any(parameters.values())
        if plain and a.npartitions > 1:
            try:
                return compute(*arrays, **parameters)
            except (ValueError, NotImplementedError):  # of these chunks
                pass
        return whole(*arrays, **parameters)

    return either


def _solved(compute: Callable[..., Any]) -> Callable[..., Any]:
    of_vector, of_matrix = _own(compute, "(n,n),(n)->(n)"), _own(compute, "(n,n),(n,k)->(n,k)")
    return lambda a, b: (of_vector if np.ndim(b) == 1 else of_matrix)(a, b)


def _cholesky(compute: Callable[..., Any]) -> Callable[..., Any]:
    """CuPy reads the lower triangle; the upper one is that of the conjugate transpose."""

    def cholesky(a: Any, *, upper: bool) -> Any:
        if not is_foreign(a) or is_chunked(a):
            return compute(a, upper=upper)
        return factors.H(np.linalg.cholesky(factors.H(a))) if upper else np.linalg.cholesky(a)

    return cholesky


for _function, _signature in {
    np.linalg.det: "(n,n)->()", la.cofactors: "(n,n)->(n,n)", la.second_cofactors: "(n,n),(n,n)->(n,n)",
    np.linalg.pinv: "(m,n)->(n,m)",
    np.linalg.cholesky: "(n,n)->(n,n)", la.least_squares: "(m,n),(m,k)->(n,k)",
    factors.determined: "(a,b),(c,d),(e,f),(g,h)->(a,b)", factors.inverse_gaps: "(m),(n)->(m,n)",
    rank: "(n)->(n)", np.nan_to_num: "()->()",
}.items():  # fmt: skip
    _computed(_function, of_whole, _signature)
_computed(np.linalg.cholesky, _cholesky)
_computed(np.linalg.inv, _own, "(n,n)->(n,n)")
_computed(np.linalg.solve, _solved)
_computed(la.slogdet, of_whole, "(n,n)->(k)", lambda a: {"k": 2})
_computed(factors.eigh, of_whole, "(n,n)->(k,n)", lambda a, UPLO: {"k": a.shape[-1] + 1})
_computed(factors.qr, _own, "(m,n)->(k,r)", lambda a, complete: {
    "k": sum(a.shape[-2:]), "r": a.shape[-2 if complete else -1]})  # fmt: skip
_computed(factors.svd, _own, "(m,n)->(k,r)", lambda a, full: {
    "k": sum(a.shape[-2:]) + 1, "r": (max if full else min)(a.shape[-2:])})  # fmt: skip


def _norm(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Neither Dask nor CuPy has np.linalg.vector_norm."""

    def norm(x: Any, *, axis: Any, keepdims: bool, ord: Any) -> Any:
        if not is_foreign(x):
            return compute(x, axis=axis, keepdims=keepdims, ord=ord)
        size = np.absolute(x)
        if abs(ord) == np.inf:
            return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
        if ord == 0:
            return np.sum((size != 0).astype(size.dtype), axis=axis, keepdims=keepdims)
        if ord == 2:
            return np.sqrt(np.sum(size * size, axis=axis, keepdims=keepdims))
        return np.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)

    return norm


_computed(np.linalg.vector_norm, _norm)

# ---- along an axis


for _function in (order, np.sort, np.unwrap):
    _computed(_function, along_whole)
_computed(np.partition, along_whole, "(n)->(n)", None, True)
_computed(np.sort, _lean, "axis")
_computed(np.partition, _lean, "kth", "axis")
_computed(recurrence, along_whole, "(n),(n)->(n)")
_computed(np.take_along_axis, along_whole, "(n),(k)->(k)")


def _added(compute: Callable[..., Any]) -> Callable[..., Any]:
    def added(values: Any, indices: Any, *, shape: tuple[int, ...], axis: int | None) -> Any:
        n = int(np.prod(shape)) if axis is None else shape[axis]

        def of_rows(values: Any, indices: Any, axis: int) -> Any:
            rows = np.broadcast_shapes(values.shape, indices.shape)[:-1]
            return compute(values, indices, shape=(*rows, n), axis=axis)

        if not is_chunked(values):
            return compute(values, indices, shape=shape, axis=axis)
        y = along_whole(of_rows, "(k),(k)->(n)", lambda *arrays, **others: {"n": n})(
            values, indices, axis=axis
        )
        return reshape(y, shape, "C")

    return added


_computed(add_along_axis, _added)


def _quantile(compute: Callable[..., Any]) -> Callable[..., Any]:
    def quantile(a: Any, *, axis: Any, keepdims: bool, **parameters: Any) -> Any:
        if not is_chunked(a):
            return compute(a, axis=axis, keepdims=keepdims, **parameters)
        axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
        first = np.shape(parameters.get("q", 0.5))
        return reduced_whole(lambda x, axis: compute(x, axis=axis, **parameters), a, axes, first, keepdims)

    return quantile


for _function in (np.median, np.quantile, np.percentile):
    _computed(_function, _quantile)


def _convolved(compute: Callable[..., Any]) -> Callable[..., Any]:
    def convolved(a: Any, v: Any, *, mode: Any) -> Any:
        def length(a: Any, v: Any) -> dict[str, int]:
            return {"k": np.convolve(np.zeros(a.size), np.zeros(v.size), mode).size}

        if not is_chunked(a) or not is_chunked(v):
            return compute(a, v, mode=mode)
        a, v = reshape(a, (-1,), "C"), reshape(v, (-1,), "C")
        return of_whole(partial(compute, mode=mode), "(m),(n)->(k)", length)(a, v)

    return convolved


_computed(np.convolve, _convolved)


def _running(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Of all elements in one row, and of one number, Dask has no running sums and products."""

    def running(a: Any, *, axis: int | None) -> Any:
        if is_chunked(a) and (axis is None or not a.ndim):
            a, axis = reshape(a, (-1,), "C"), 0
        return compute(a, axis=axis)

    return running


for _function in (np.cumsum, np.cumprod):
    _computed(_function, _running)
