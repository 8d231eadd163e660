"""Whole Jacobians and Hessians, a pass for each output or for each input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import is_foreign
from minigrad.tensor import Tensor, made
from minigrad.transforms.evaluation import Evaluation, zeros_like
from minigrad.transforms.forward import push
from minigrad.transforms.gradient import grad
from minigrad.transforms.graph import behind
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
    gradient = grad(function, argnums=argnums, has_aux=has_aux, allow_unused=True)
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
        forward = mode == "forward" or (mode is None and n_in < n_out)
        blocks = (_by_columns if forward else _by_rows)(evaluation)
        found = filled(evaluation.value, (evaluation.shaped(of_y) for of_y in blocks))
        return (found, evaluation.released(evaluation.aux)) if has_aux else found

    return derivative_of


def _by_rows(evaluation: Evaluation) -> list[list[Tensor]]:
    """For each output a block for each variable, a backward pass with a lane for each number in it."""
    sizes = [node.size for node in behind(evaluation.outputs, attrgetter("is_leaf"))]
    step = max(1, _most // max(1, *sizes, 1))

    def rows(y: Tensor, start: int) -> list[Tensor]:
        like = y._value if is_foreign(y._value) else None
        seeds = np.eye(min(step, y.size - start), y.size, start, y.dtype, like=like)
        return evaluation.pulled_in_lanes(y, made(seeds.reshape(-1, *y.shape)))

    blocks = []
    for y in evaluation.outputs:
        pieces = [rows(y, start) for start in range(0, y.size, step)]
        columns = enumerate(evaluation.variables)
        blocks.append([_joined([piece[i] for piece in pieces], x, y.shape) for i, x in columns])
    return blocks


def _by_columns(evaluation: Evaluation) -> list[list[Tensor]]:
    """For each output a block for each variable, by a tangent for each number in the variables."""

    def column(x: Tensor, k: int) -> list[Tensor]:
        found = push(evaluation.outputs, [x], [_unit(x, k)], evaluation.recorded)
        return [zeros_like(y) if v is None else v for v, y in zip(found, evaluation.outputs, strict=True)]

    columns = [[column(x, k) for k in range(x.size)] for x in evaluation.variables]
    return [
        [
            _stacked([c[j] for c in of_x], y, x.shape, axis=-1)
            for of_x, x in zip(columns, evaluation.variables, strict=True)
        ]
        for j, y in enumerate(evaluation.outputs)
    ]


_most = 2**22
"""How many numbers the largest gradients of one pass may have, in all lanes together."""


def _joined(pieces: list[Tensor], x: Tensor, along: tuple[int, ...]) -> Tensor:
    """Gradients of x in lanes, as one array with the axes of an output before those of x."""
    if not pieces:
        return made(np.zeros((*along, *x.shape), x.dtype))
    whole: Any = np.concatenate(pieces)
    return whole.reshape(*along, *x.shape)


def _unit(like: Tensor, k: int) -> Tensor:
    """1 at one place and 0 elsewhere."""
    unit = np.zeros_like(like._value, order="C")  # in another order, reshape would copy
    unit.reshape(-1)[k] = 1
    return made(unit)


def _stacked(parts: list[Tensor], of: Tensor, along: tuple[int, ...], axis: int = 0) -> Tensor:
    """Parts, each of the shape of a Tensor, as one array with other axes before theirs, or behind."""
    shape = along + of.shape if axis == 0 else of.shape + along
    if not parts:
        return made(np.zeros(shape, of.dtype))
    stacked: Any = np.stack(parts, axis=axis)
    return stacked.reshape(shape)
