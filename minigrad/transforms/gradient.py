"""grad and value_and_grad of a function: what they give is a function too, so they nest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from minigrad import backprop
from minigrad.tensor import Tensor
from minigrad.transforms.evaluation import Evaluation


def grad(
    output: Any,
    inputs: Any = None,
    gradient: Any = None,
    create_graph: bool | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    has_aux: bool = False,
    allow_unused: bool = False,
) -> Any:
    """∂output/∂input of a Tensor, or of a function f the function  ∇f: x -> ∂f/∂x.

    output        a Tensor: see `minigrad.backprop.grad`, which takes inputs, gradient, create_graph and
                  allow_unused; or a function that gives a number
    argnums       of a function: which arguments are differentiated, by position: 0 (as when it is left out),
                  or a tuple, for a tuple of gradients.  An argument is an array, a number, a Tensor, a list,
                  tuple or dict of them, or a Module; its gradient has the same structure, for a Module a dict
                  by the paths of its parameters
    has_aux       the function gives (output, aux), and its gradient (gradient, aux)
    create_graph  of a function, None: record the backward pass if something else that needs a gradient has
                  part in the output (an argument that does, a parameter, the variable of an outer grad), and
                  recording is on
    allow_unused  give zeros, instead of an error, for what the output does not depend on
    Raises:       TypeError for arguments that are no real floating-point numbers, ValueError for an output
                  that is no scalar or does not depend on an argument; nothing is changed then.

    >>> grad(grad(lambda x: x**3))(2.0).item()
    12.0
    """
    if isinstance(output, Tensor) or not callable(output):
        if argnums is not None or has_aux:
            raise TypeError("grad: argnums= and has_aux= belong to grad(function)")
        if inputs is None:
            raise TypeError("grad: of a Tensor, write grad(output, inputs); of a function, grad(function)")
        return backprop.grad(output, inputs, gradient, bool(create_graph), allow_unused=allow_unused)
    if gradient is not None or (inputs is not None and argnums is not None):
        raise TypeError("grad: of a function, write grad(function, argnums), and call what it gives")
    places = argnums if argnums is not None else 0 if inputs is None else inputs
    return gradient_function("grad", output, places, has_aux, create_graph, allow_unused)


def gradient_function(
    who: str,
    function: Callable[..., Any],
    argnums: int | Sequence[int],
    has_aux: bool,
    create_graph: bool | None = None,
    allow_unused: bool = False,
) -> Callable[..., Any]:
    """What grad(function) is; its errors name `who`."""
    if not callable(function):
        raise TypeError(f"{who}: a {type(function).__name__} is not a function")

    @wraps(function, updated=())
    def gradient_of(*args: Any, **kwargs: Any) -> Any:
        evaluation = Evaluation(who, function, args, kwargs, argnums, has_aux)
        found = evaluation.gradient(create_graph, allow_unused)
        return (found, evaluation.released(evaluation.aux)) if has_aux else found

    return gradient_of


def value_and_grad(
    function: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    has_aux: bool = False,
    create_graph: bool | None = None,
    allow_unused: bool = False,
) -> Callable[..., Any]:
    """Of a function f the function  x -> (f(x), ∂f/∂x),  both from one forward pass; arguments as of `grad`.

    has_aux   the function gives (output, aux), and this one ((output, aux), gradient)

    >>> value_and_grad(lambda x: x**3)(2.0)
    (Tensor(8.), Tensor(12.))
    """

    @wraps(function, updated=())
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        evaluation = Evaluation("value_and_grad", function, args, kwargs, argnums, has_aux)
        found = evaluation.gradient(create_graph, allow_unused)
        value = evaluation.released(evaluation.value)
        return ((value, evaluation.released(evaluation.aux)) if has_aux else value), found

    return value_and_gradient
