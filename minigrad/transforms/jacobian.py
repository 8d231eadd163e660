"""Whole Jacobians and Hessians: a stack of passes, one for each number in the output or in the arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from minigrad.backprop import of_dtype
from minigrad.tensor import Tensor, made
from minigrad.transforms.evaluation import Evaluation
from minigrad.transforms.forward import generic
from minigrad.transforms.gradient import gradient_function
from minigrad.transforms.stacked import blocks_of, slopes_along
from minigrad.transforms.tree import filled


def jacobian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    mode: str | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Of a function f the function  x -> ∂f/∂x.

    Shapes:   x (*n), f(x) (*m)  ->  (*m, *n); an output that is structured has at the place of each array the
              blocks for the arguments, structured as a gradient
    mode      "reverse": a backward pass for each number in the output; "forward": a tangent for each number
              in the arguments; None: whichever needs fewer passes
    Raises:   as grad.  Blocks of what does not depend on another are zeros.

    >>> jacobian(lambda x: np.array([[1.0, 2.0], [0.0, 1.0]]) @ x**2)(np.array([1.0, 3.0]))
    Tensor([[ 2., 12.],
            [ 0.,  6.]])
    """
    return _jacobian("jacobian", function, argnums, mode, has_aux)


def hessian(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    mode: str | None = None,
    has_aux: bool = False,
) -> Callable[..., Any]:
    """Of a function f that gives a number the function  x -> ∂²f/∂x²,  the Jacobian of its gradient.

    Shapes:   x (*n)  ->  (*n, *n); structured arguments give for each array a block for each array
    mode      as of `jacobian`
    Raises:   as grad.

    >>> hessian(lambda x: np.prod(x) * x[0])(np.array([3.0, 5.0]))
    Tensor([[10.,  6.],
            [ 6.,  0.]])
    """
    gradient = gradient_function("hessian", function, argnums, has_aux, allow_unused=True)
    return _jacobian("hessian", gradient, argnums, mode, has_aux, linear=True)


def _jacobian(
    who: str,
    function: Callable[..., Any],
    argnums: int | Sequence[int],
    mode: str | None,
    has_aux: bool,
    linear: bool = False,
) -> Callable[..., Any]:
    """linear: whether an output that does not depend on the arguments is right, and has zeros."""
    if mode not in (None, "reverse", "forward"):
        raise ValueError(f'{who}: mode is "reverse", "forward" or None, not {mode!r}')
    if not callable(function):
        raise TypeError(f"{who}: a {type(function).__name__} is not a function")

    @wraps(function, updated=())
    def derivative_of(*args: Any, **kwargs: Any) -> Any:
        evaluation = Evaluation(who, function, args, kwargs, argnums, has_aux)
        if not linear:
            evaluation.check_dependence()
        n_in = sum(x.size for x in evaluation.variables)
        n_out = sum(y.size for y in evaluation.outputs)
        forward = mode == "forward" or (mode is None and n_in < n_out and not evaluation.hooked())
        if forward:
            evaluation.check_unhooked()
        blocks = (_by_columns if forward else _by_rows)(evaluation)
        found = filled(evaluation.value, (evaluation.shaped(of_y) for of_y in blocks))
        return (found, evaluation.released(evaluation.aux)) if has_aux else found

    return derivative_of


def _by_rows(evaluation: Evaluation) -> list[list[Tensor]]:
    """For each output a block for each variable, by a backward pass for each number in it."""
    return [blocks_of(y, evaluation.variables, evaluation.recorded) for y in evaluation.outputs]


def _by_columns(evaluation: Evaluation) -> list[list[Tensor]]:
    """The same by a tangent for each number in the variables:  J v = ∂⟨Jᵀ u, v⟩/∂u,  whatever u is.

    It is generic, for the rules that look at it: what they refuse in a row they have to refuse here.
    """

    def blocks(y: Tensor) -> list[Tensor]:
        if not y.requires_grad:
            return blocks_of(y, evaluation.variables, evaluation.recorded)
        u = made(generic(y)[np.newaxis], requires_grad=True)
        slopes = slopes_along(y, u, evaluation.variables, evaluation.recorded)
        return [
            _turned(blocks_of(slope, [u], evaluation.recorded)[0], x, y)
            for x, slope in zip(evaluation.variables, slopes, strict=True)
        ]

    return [blocks(y) for y in evaluation.outputs]


def _turned(block: Any, x: Tensor, y: Tensor) -> Tensor:
    """A block (1, *x, 1, *y) with the axes of y before those of x, in x's dtype, as by rows."""
    block = of_dtype(block.reshape(*x.shape, *y.shape), x.dtype)
    return np.transpose(block, (*range(x.ndim, block.ndim), *range(x.ndim)))  # type: ignore[return-value]
