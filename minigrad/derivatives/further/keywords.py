"""The rest of NumPy's keywords, by calls with those that a row or a composition has.

np.sum(a, dtype=t, where=w, initial=s)  is  np.sum(np.where(w, a.astype(t), 0)) + s.  What says how a result
lies in memory (order=, copy= ...) means nothing to a Tensor, whose array does not change; out= is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import Parameter, signature
from typing import Any

import numpy as np

from minigrad.derivatives.complex_numbers import conj
from minigrad.derivatives.reductions import none_differ
from minigrad.derivatives.shapes import method_of
from minigrad.table import compositions, table

_forms: dict[Callable[..., Any], Callable[..., Any]] = {}

_of_memory = {"copy", "device", "like", "order", "overwrite_input", "sorted", "subok"}


def in_other_words(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    """The same call without what is as it is by default; or, if nothing is, with further keywords explained.

    Returns:  NotImplemented if there is no other way to say it, or NumPy does not take these arguments either
    """
    try:
        arrays, options = _spelt(function, args, kwargs)
    except TypeError:
        return NotImplemented
    if (len(arrays), len(options)) != (len(args), len(kwargs)):
        return function(*arrays, **options)
    form = partial(_ufunc, function) if isinstance(function, np.ufunc) else _forms.get(function)
    if form is None or not options:
        return NotImplemented
    try:
        signature(form).bind(*arrays, **options)
    except TypeError:
        return NotImplemented
    return form(*arrays, **options)


def _spelt(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> tuple[list[Any], dict]:
    """(arrays, options) of a call: the first by position, and by keyword what is not as it is by default."""
    parameters = signature(function).parameters
    bound = signature(function).bind(*args, **kwargs).arguments
    arrays: list[Any] = []
    options: dict[str, Any] = {}
    for i, (name, value) in enumerate(bound.items()):
        parameter = parameters[name]
        if parameter.kind is Parameter.VAR_POSITIONAL:
            arrays += value
        elif parameter.kind is Parameter.VAR_KEYWORD:
            options.update(value)
        elif parameter.kind is Parameter.POSITIONAL_ONLY or (i == 0 and args):
            arrays.append(value)
        elif value is not parameter.default:
            options[name] = value
    known = {*table[function].parameters} if function in table else set()
    known |= {*signature(compositions[function]).parameters} if function in compositions else set()
    silent = _of_memory - known
    if function is np.nan_to_num:  # changes its array with copy=False
        silent = silent - {"copy"}
    said = {"dtype": None, "out": None, "where": True, "mean": None, "initial": None}
    return arrays, {
        name: value
        for name, value in options.items()
        if name not in silent and (name not in said or value is not said[name])
    }


def _form(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: these functions with further keywords mean this one, their arrays by position."""

    def enter(form: Callable[..., Any]) -> Callable[..., Any]:
        _forms.update(dict.fromkeys(filter(None, functions), form))
        return form

    return enter


# ---- reductions of some elements, from an initial value


@_form(np.sum)
def _sum(
    a: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    y = np.sum(_chosen(cast(a, dtype), where, 0), axis=axis, keepdims=keepdims)
    return y if initial is None else y + cast(initial, y.dtype)


@_form(np.prod)
def _prod(
    a: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    y = np.prod(_chosen(cast(a, dtype), where, 1), axis=axis, keepdims=keepdims)
    return y if initial is None else y * cast(initial, y.dtype)


def _extreme(
    reduce: Any, larger: Any, a: Any, *, axis: Any = None, keepdims: bool = False, initial: Any = None,
    where: Any = True,
) -> Any:  # fmt: skip
    if initial is None:
        raise ValueError(f"np.{reduce.__name__}: where= leaves nothing to begin with; give initial= as well")
    a, initial = method_of(a), cast(initial, method_of(a).dtype)
    if not np.size(a):
        return np.broadcast_to(initial, np.sum(a, axis=axis, keepdims=keepdims).shape)
    return larger(reduce(_chosen(a, where, initial), axis=axis, keepdims=keepdims), initial)


_form(np.max)(partial(_extreme, np.max, np.maximum))
_form(np.min)(partial(_extreme, np.min, np.minimum))


@_form(np.mean)
def _mean(a: Any, *, axis: Any = None, dtype: Any = None, keepdims: bool = False, where: Any = True) -> Any:
    a = cast(a, dtype)
    if where is True:
        return np.mean(a, axis=axis, keepdims=keepdims)
    return _sum(a, axis=axis, keepdims=keepdims, where=where) / _count(a, axis, keepdims, where)


@_form(np.var)
def _var(
    a: Any, *, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    """Σ |a - mean|² / (n - ddof)."""
    ddof = _ddof("var", ddof, correction)
    a = cast(a, dtype)
    if where is True and mean is None:
        return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    d = _chosen(a, where, 0) - (_mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean)
    squares = np.real(d * conj(d)) if d.dtype.kind == "c" else np.square(d)
    n = np.maximum(_count(a, axis, keepdims, where) - ddof, 0)
    return _sum(squares, axis=axis, keepdims=keepdims, where=where) / n.astype(squares.dtype)


@_form(np.std)
def _std(
    a: Any, *, axis: Any = None, dtype: Any = None, ddof: Any = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: Any = None,
) -> Any:  # fmt: skip
    ddof = _ddof("std", ddof, correction)
    a = cast(a, dtype)
    if where is True and mean is None:
        return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    variance = _var(a, axis=axis, ddof=ddof, keepdims=keepdims, where=where, mean=mean)
    flat = np.logical_or(variance == 0, none_differ(a, axis, keepdims, where) if mean is None else False)
    return np.where(flat, 0, np.sqrt(np.where(flat, 1, variance)))


def _ddof(name: str, ddof: Any, correction: Any) -> Any:
    if correction is not None and ddof != 0:
        raise ValueError(f"np.{name}: ddof={ddof} and correction={correction} are the same; give one of them")
    return ddof if correction is None else correction


def _chosen(a: Any, where: Any, value: Any) -> Any:
    """a, with this value where it is not to be counted."""
    return a if where is True else np.where(np.broadcast_to(where, np.shape(a)), a, value)


def _count(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """How many elements are counted."""
    n = np.sum(np.broadcast_to(where, np.shape(a)), axis=axis, keepdims=keepdims)
    return n.astype(np.zeros(0, a.dtype).real.dtype if a.dtype.kind in "fc" else float)


def _skipping(function: Any, a: Any, *, where: Any = True, **options: Any) -> Any:
    """The function of what is not nan."""
    return _forms[function](a, where=np.logical_and(where, np.logical_not(np.isnan(a))), **options)


for _skips, _plain in (
    (np.nansum, np.sum), (np.nanprod, np.prod), (np.nanmax, np.max), (np.nanmin, np.min),
    (np.nanmean, np.mean), (np.nanvar, np.var), (np.nanstd, np.std),
):  # fmt: skip
    _forms[_skips] = partial(_skipping, _plain)


# ---- in another dtype


def cast(a: Any, dtype: Any, casting: Any = "unsafe") -> Any:
    """a in a dtype, if one is given that it does not have."""
    a = method_of(a)
    if dtype is None or a.dtype == dtype:
        return a
    if not np.can_cast(a.dtype, dtype, casting):
        raise TypeError(f"{a.dtype} does not become {np.dtype(dtype)} with casting={casting!r}")
    return a.astype(dtype)


def _cast_first(function: Any, a: Any, *, dtype: Any, **options: Any) -> Any:
    return function(cast(a, dtype), **options)


def _cast_last(function: Any, *args: Any, dtype: Any, **options: Any) -> Any:
    if np.dtype(dtype).kind not in "fc":
        raise TypeError(f"np.{function.__name__}: dtype={dtype!r} would lose the gradient")
    return cast(function(*args, **options), dtype)


def _cast_each(
    function: Any, arrays: Any, *, dtype: Any = None, casting: Any = "same_kind", **options: Any
) -> Any:
    return function([cast(x, dtype, casting) for x in arrays], **options)


for _function in (
    np.cumsum, np.cumprod, np.nancumsum, np.nancumprod, np.trace,
    getattr(np, "cumulative_sum", None), getattr(np, "cumulative_prod", None),
):  # fmt: skip
    _form(_function)(partial(_cast_first, _function))
for _function in (np.linspace, np.logspace, np.geomspace):
    _form(_function)(partial(_cast_last, _function))
for _function in (np.concatenate, np.stack, np.hstack, np.vstack):
    _form(_function)(partial(_cast_each, _function))


@_form(np.einsum)
def _einsum(*operands: Any, optimize: Any = False, dtype: Any = None, casting: Any = "safe") -> Any:
    cast_ = [x if isinstance(x, str | list | tuple) else cast(x, dtype, casting) for x in operands]
    return np.einsum(*cast_, optimize=optimize)  # type: ignore[arg-type]


@_form(np.clip)
def _clip(a: Any, *, dtype: Any, casting: Any = "same_kind", **bounds: Any) -> Any:
    given = {name: x if x is None else cast(x, dtype, casting) for name, x in bounds.items()}
    return np.clip(cast(a, dtype, casting), **given)  # type: ignore[arg-type]


def _ufunc(ufunc: Any, *inputs: Any, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """The loop that gives this dtype, on inputs cast to what it takes."""
    kinds = [type(x) if type(x) in (int, float, complex) else method_of(x).dtype for x in inputs]
    asked = (*(None,) * len(kinds), *(dtype,) * ufunc.nout)
    wanted = ufunc.resolve_dtypes((*kinds, *(None,) * ufunc.nout), signature=asked, casting=casting)
    return ufunc(*(cast(x, t, casting) for x, t in zip(inputs, wanted, strict=False)))
