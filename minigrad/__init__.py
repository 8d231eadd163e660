"""minigrad: reverse-mode automatic differentiation on NumPy, small enough to read in an afternoon.

>>> import numpy as np, minigrad as mg
>>> W = mg.Tensor([[1.0, -2.0]], requires_grad=True, name="W")
>>> J = np.mean(np.square(np.array([[3.0, 1.0]]) @ W.T))
>>> J.backward(); W.grad
Tensor([[6., 2.]])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import minigrad.interrupt  # noqa: F401  before NumPy is imported
from minigrad import derivatives, nn, optim  # derivatives fills the table
from minigrad.backprop import backward
from minigrad.functions import log_softmax, logsumexp, relu, sigmoid, softmax, softplus
from minigrad.recording import enable_grad, no_grad
from minigrad.table import derivative
from minigrad.tensor import Tensor, constant, primitive
from minigrad.transforms.gradient import grad, value_and_grad

if TYPE_CHECKING:
    from minigrad import check, data, experiments, show, training
    from minigrad.check.check_rule import check_rule
    from minigrad.check.exercises.bug import find_the_bug
    from minigrad.check.exercises.exercise import exercise
    from minigrad.check.gradcheck import gradcheck
    from minigrad.check.grading.grade import grade
    from minigrad.check.mutation_score import mutation_score
    from minigrad.compiler.compile import compile
    from minigrad.show import derive, draw, steps
    from minigrad.state import load, save
    from minigrad.training.fit import fit
    from minigrad.transforms.checkpoint import checkpoint
    from minigrad.transforms.jacobian import hessian, jacobian
    from minigrad.transforms.products import hvp, jvp, vjp

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "backward",
    "check",
    "check_rule",
    "checkpoint",
    "compile",
    "constant",
    "data",
    "derivative",
    "derivatives",
    "derive",
    "draw",
    "enable_grad",
    "exercise",
    "experiments",
    "find_the_bug",
    "fit",
    "grad",
    "gradcheck",
    "grade",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "log_softmax",
    "logsumexp",
    "mutation_score",
    "nn",
    "no_grad",
    "optim",
    "primitive",
    "relu",
    "save",
    "show",
    "sigmoid",
    "softmax",
    "softplus",
    "steps",
    "training",
    "value_and_grad",
    "vjp",
]

_on_demand = {
    "check_rule": "minigrad.check",
    "checkpoint": "minigrad.transforms.checkpoint",
    "compile": "minigrad.compiler",
    "derive": "minigrad.show",
    "draw": "minigrad.show",
    "exercise": "minigrad.check",
    "find_the_bug": "minigrad.check",
    "fit": "minigrad.training",
    "gradcheck": "minigrad.check",
    "grade": "minigrad.check",
    "hessian": "minigrad.transforms.jacobian",
    "hvp": "minigrad.transforms.products",
    "jacobian": "minigrad.transforms.jacobian",
    "jvp": "minigrad.transforms.products",
    "load": "minigrad.state",
    "mutation_score": "minigrad.check",
    "save": "minigrad.state",
    "steps": "minigrad.show",
    "vjp": "minigrad.transforms.products",
}
_packages = ("check", "data", "experiments", "show", "training")


def __getattr__(name: str) -> Any:
    """Import what is not needed to compute when it is first asked for: `import minigrad` stays light."""
    if name in _packages:
        return import_module(f"minigrad.{name}")
    if name in _on_demand:
        return getattr(import_module(_on_demand[name]), name)
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
