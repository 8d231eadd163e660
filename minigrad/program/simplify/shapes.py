"""Shapes, dtypes and elements: what linear functions of one array hand on."""

from __future__ import annotations

from collections.abc import Mapping
from operator import getitem
from typing import Any

import numpy as np

from minigrad.derivatives.further.windows import overlap_add, windows
from minigrad.derivatives.indexing import scatter_add
from minigrad.program.simplify.operands import Operand, made_by, ndim_of, shape_of, without_broadcasts
from minigrad.program.simplify.simplifier import Rewrite, Simplifier, rewrite
from minigrad.tensor import Tensor


@rewrite(np.sum)
def _summed(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """Σ p a = p Σ a,  and what was broadcast is multiplied: Σ over n equal terms is n of them"""
    (x,) = inputs
    p, a = s.split(x)
    if a is None:
        return None
    axis, keepdims = parameters["axis"], parameters["keepdims"]
    if made_by(np.broadcast_to, a):
        source = a.inputs[0]
        axes = set(range(a.ndim)) if axis is None else {i % a.ndim for i in np.atleast_1d(axis).tolist()}
        lead = a.ndim - ndim_of(source)
        repeated = {i for i in axes if i < lead or shape_of(source)[i - lead] == 1 != a.shape[i]}
        if axes == repeated == set(range(lead)) and not keepdims and a.size:
            count = int(np.prod([a.shape[i] for i in axes]))
            return s.equation(np.multiply, (s.product(p, None), s.equation(np.multiply, (count, source))))
    return s.product(p, s.build(np.sum, (a,), parameters))


def linear(function: Any) -> Rewrite:
    """f(p a) = p f(a),  and f(a) = a where it changes nothing, or undoes what was done before"""

    def rewrite(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
        p, a = s.split(inputs[0])
        if a is None:
            number = not isinstance(inputs[0], Tensor)
            return s.build(function, (float(inputs[0]),), parameters) if number else None
        value = s.build(function, (a,), parameters)
        if made_by(np.broadcast_to, a) and not shape_of(a.inputs[0]):
            value = s.build(np.broadcast_to, a.inputs, {"shape": shape_of(value)})  # of one number, any shape
        if function is not np.swapaxes:
            value = _reshaped(s, a, value)
        return s.product(p, value)

    return rewrite


_shapes = (np.reshape, np.expand_dims, np.squeeze)
"""Functions that put the same numbers, in the same order, into another shape."""


for _function in (*_shapes, np.broadcast_to, np.ravel):
    rewrite(_function)(linear(_function))


def _reshaped(s: Simplifier, a: Operand, value: Operand) -> Operand:
    """What has the value's shape without a detour: a, what it was made of, or a sum that keeps its axes."""
    x = a
    while shape_of(x) != shape_of(value) and made_by(_shapes, x) and x.parameters.get("order", "C") == "C":
        x = x.inputs[0]
    if shape_of(x) == shape_of(value):
        return x
    if made_by(np.sum, a) and a.parameters["axis"] is not None and not a.parameters["keepdims"]:
        source, axes = a.inputs[0], np.atleast_1d(a.parameters["axis"])
        kept = list(shape_of(source))
        for axis in axes.tolist():
            kept[axis] = 1
        if tuple(kept) == shape_of(value):
            return s.build(np.sum, a.inputs, {**a.parameters, "keepdims": True})
    return value


@rewrite(getitem)
def _item(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """(p a)[i] = p a[i]"""
    p, a = s.split(inputs[0])
    return None if a is None else s.product(p, s.build(getitem, (a,), parameters))


def _homogeneous(function: Any) -> Rewrite:
    """The same the other way round, and for windows"""

    def rewrite(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
        p, a = s.split(inputs[0])
        return None if a is None else s.product(p, s.build(function, (a,), parameters))

    return rewrite


for _function in (scatter_add, windows, overlap_add):
    rewrite(_function)(_homogeneous(_function))


@rewrite(np.where)
def _where(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """What was broadcast for it as it was"""
    return s.build(np.where, without_broadcasts(inputs))


@rewrite(np.astype)
def _astype(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """No cast to the dtype that it has; a Python number takes the dtype of what it meets."""
    (x,) = inputs
    if not isinstance(x, Tensor) or s.split(x)[1] is None:
        return x
    return x if x.dtype == parameters["dtype"] else None
