"""Transposes, of matrices in a stack too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.program.simplify.operands import Operand, made_by, ndim_of, shape_of
from minigrad.program.simplify.shapes import linear
from minigrad.program.simplify.simplifier import Simplifier, rewrite
from minigrad.program.simplify.sums import sum_of
from minigrad.tensor import Tensor


@rewrite(np.transpose)
def _transpose(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """(aᵀ)ᵀ = a,  (p a)ᵀ = p aᵀ,  (aᵀ b)ᵀ = bᵀ a"""
    p, a = s.split(inputs[0])
    axes, n = parameters["axes"], ndim_of(a)
    if a is None or n < 2 or (axes is not None and [i % n for i in axes] == list(range(n))):
        return inputs[0]
    if n == 2:
        return s.product(p, _turned(s, a))
    if axes is None and made_by(np.transpose, a) and a.parameters["axes"] is None:
        return s.product(p, a.inputs[0])
    return None


@rewrite(np.swapaxes)
def _swapped(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """The same for each matrix in a stack"""
    p, a = s.split(inputs[0])
    if a is None or not swaps_last_axes(parameters, ndim_of(a)):
        return linear(np.swapaxes)(s, inputs, parameters)
    return s.product(p, _turned(s, a))


def swaps_last_axes(parameters: Mapping[str, Any], ndim: int) -> bool:
    """Whether np.swapaxes with these parameters transposes the matrices in a stack."""
    return ndim > 1 and {parameters["axis1"] % ndim, parameters["axis2"] % ndim} == {ndim - 1, ndim - 2}


def _turned(s: Simplifier, a: Operand) -> Operand:
    """The transpose of a matrix, or of each matrix in a stack."""
    if _is_turned(a) and a.name is None:
        return a.inputs[0]
    if made_by(np.broadcast_to, a) and not shape_of(a.inputs[0]):
        shape = (*a.shape[:-2], a.shape[-1], a.shape[-2])
        return s.build(np.broadcast_to, a.inputs, {"shape": shape})
    if made_by(np.matmul, a) and not s.is_given(a):
        left, right = a.inputs
        if min(ndim_of(left), ndim_of(right)) >= 2 and (_holds_turned(left) or _holds_turned(right)):
            return s.build(np.matmul, (_turned(s, right), _turned(s, left)))
    if isinstance(a, Tensor) and a.name is None and a.stamp in s.sums:
        terms = s.sums[a.stamp]
        if all(ndim_of(core) == a.ndim and _holds_turned(core) for _, core in terms):
            return sum_of(s, [(p, _turned(s, core)) for p, core in terms])
    if ndim_of(a) == 2:
        return s.build(np.transpose, (a,), {"axes": None})
    return s.build(np.swapaxes, (a,), {"axis1": -1, "axis2": -2})


def _is_turned(x: Operand) -> bool:
    if not isinstance(x, Tensor) or x.ndim < 2:
        return False
    if x.function is np.transpose:
        axes = x.parameters["axes"]
        return x.ndim == 2 and (axes is None or tuple(i % 2 for i in axes) == (1, 0))
    return x.function is np.swapaxes and swaps_last_axes(x.parameters, x.ndim)


def _holds_turned(x: Operand) -> bool:
    """Whether it is a transpose, a product of matrices one of which is, or of one number all over."""
    uniform = made_by(np.broadcast_to, x) and not shape_of(x.inputs[0])
    return uniform or _is_turned(x) or (made_by(np.matmul, x) and any(map(_is_turned, x.inputs)))
