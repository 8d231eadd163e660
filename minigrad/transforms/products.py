"""Products with Jacobians and Hessians, without the matrices: vjp, jvp, hvp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigrad.reading import describe
from minigrad.switches import recording
from minigrad.tensor import Tensor
from minigrad.transforms.evaluation import Evaluation, ones_like, zeros_like
from minigrad.transforms.forward import push
from minigrad.transforms.tree import filled, is_array, matched


def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """f(x), and the function  u -> Jᵀ u,  J = ∂f/∂x,  that pulls a cotangent of the output back to x.

    primals   the arguments of f, all of them differentiated, structured as in `grad`
    has_aux   the function gives (output, aux), and vjp (output, pull, aux)
    Returns:  (output, pull); pull(u) takes a u of the output's structure and shapes, gives a tuple with a
              gradient for each argument, zeros for those without part, and may be called again
    Raises:   as grad; ValueError if u has another structure or shape.

    >>> import numpy as np
    >>> y, pull = vjp(lambda x, b: x * x + b, np.array([1.0, 2.0]), 0.5)
    >>> y, pull(np.array([1.0, 10.0]))
    (Tensor([1.5, 4.5]), (Tensor([ 2., 40.]), Tensor(11.)))
    """
    evaluation = Evaluation("vjp", function, primals, {}, _all(primals), has_aux)
    evaluation.check_dependence()

    def pull(cotangent: Any) -> Any:
        pairs = matched(evaluation.value, cotangent, "the cotangent", "vjp")
        seeds = [_direction("vjp", path, y, u) for path, y, u in pairs]
        recorded = recording.get() and (evaluation.recorded or any(u.requires_grad for u in seeds))
        return evaluation.shaped(evaluation.pulled(evaluation.outputs, seeds, recorded))

    output = evaluation.released(evaluation.value)
    return (output, pull, evaluation.released(evaluation.aux)) if has_aux else (output, pull)


def jvp(function: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False) -> Any:
    """f(x), and the tangent  J v,  J = ∂f/∂x: how fast the output moves when x moves with velocity v.

    primals    a tuple of the arguments of f, or the one that there is
    tangents   likewise, of the same structure and shapes
    has_aux    the function gives (output, aux), and jvp (output, tangent, aux)
    Raises:    as grad; ValueError if a tangent has another structure or shape; RuntimeError if a Tensor on
               the way has a hook.

    The tangents go through the graph from the oldest node to the newest, by the rules of the one table (see
    minigrad.transforms.forward).

    >>> import numpy as np
    >>> jvp(np.square, 3.0, 1.0)
    (Tensor(9.), Tensor(6.))
    """
    args = primals if isinstance(primals, tuple) else (primals,)
    evaluation = Evaluation("jvp", function, args, {}, _all(args), has_aux)
    evaluation.check_dependence()
    evaluation.check_unhooked()
    directions = _directions(evaluation, args, tangents if isinstance(primals, tuple) else (tangents,))
    recorded = recording.get() and (evaluation.recorded or any(v.requires_grad for v in directions))
    found = push(evaluation.outputs, evaluation.variables, directions, recorded)
    pairs = zip(found, evaluation.outputs, strict=True)
    tangent = filled(evaluation.value, (zeros_like(y) if v is None else v for v, y in pairs))
    output = evaluation.released(evaluation.value)
    return (output, tangent, evaluation.released(evaluation.aux)) if has_aux else (output, tangent)


def hvp(function: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The product  H v  of the Hessian  H = ∂²f/∂x²  of a function that gives a number.

    primals, tangents   as of `jvp`; the result has the structure of the primals
    Raises:             as jvp.

    H is symmetric, so H v is the gradient of ⟨∇f, v⟩: reverse over reverse, a little faster here than pushing
    v through the gradient.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    Tensor([6., 0.])
    """
    args = primals if isinstance(primals, tuple) else (primals,)
    evaluation = Evaluation("hvp", function, args, {}, _all(args))
    directions = _directions(evaluation, args, tangents if isinstance(primals, tuple) else (tangents,))
    recorded = recording.get() and (evaluation.recorded or any(v.requires_grad for v in directions))
    output = evaluation.scalar()
    before = recording.get()
    try:
        recording.set(True)
        slopes = evaluation.pulled([output], [ones_like(output)], True)
    finally:
        recording.set(before)
    reached = [(g, v) for g, v in zip(slopes, directions, strict=True) if g is not None]
    found = evaluation.pulled([g for g, _ in reached], [v for _, v in reached], recorded)
    result = evaluation.shaped(found)
    return result if isinstance(primals, tuple) else result[0]


def _all(args: tuple) -> tuple[int, ...]:
    return tuple(range(len(args)))


def _directions(evaluation: Evaluation, args: tuple, tangents: Any) -> list[Tensor]:
    """A tangent for each variable."""
    who = evaluation.who
    if not isinstance(tangents, tuple):
        what = type(tangents).__name__
        raise TypeError(f"{who}: the primals are a tuple, so the tangents are one too, not a {what}")
    pairs = matched(args, tangents, "the tangents", who)
    return [
        _direction(who, f"the tangent of {name}", x, v)
        for name, x, (_, _, v) in zip(evaluation.names, evaluation.variables, pairs, strict=True)
    ]


def _direction(who: str, path: str, x: Tensor, v: Any) -> Tensor:
    """A tangent or cotangent as a Tensor of x's shape and dtype."""
    if not is_array(v):
        what = type(v).__name__
        raise TypeError(f"{who}: {path} is a {what}; wanted an array or a Tensor of shape {x.shape}")
    v = v if isinstance(v, Tensor) else Tensor(v)
    if v.shape != x.shape:
        raise ValueError(f"{who}: {path} has shape {v.shape}; wanted {x.shape}, as of {describe(x)}")
    if v.dtype.kind not in "fiub":
        raise TypeError(f"{who}: {path} is {v.dtype}; wanted real numbers")
    return v if v.dtype == x.dtype else v.astype(x.dtype)
