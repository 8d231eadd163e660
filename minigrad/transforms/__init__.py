"""Transforms of functions: of a function its gradient, its products with Jacobians, its Jacobian, its Hessian.

tree.py         nested arguments and results
evaluation.py   a function evaluated at variables
forward.py      tangents, by the rules of the reverse mode
gradient.py     grad, value_and_grad
products.py     vjp, jvp, hvp
jacobian.py     jacobian, hessian
checkpoint.py   checkpoint: compute again instead of keep
"""

from minigrad.transforms.checkpoint import checkpoint as checkpoint
from minigrad.transforms.gradient import grad as grad
from minigrad.transforms.gradient import value_and_grad as value_and_grad
from minigrad.transforms.jacobian import hessian as hessian
from minigrad.transforms.jacobian import jacobian as jacobian
from minigrad.transforms.products import hvp as hvp
from minigrad.transforms.products import jvp as jvp
from minigrad.transforms.products import vjp as vjp
