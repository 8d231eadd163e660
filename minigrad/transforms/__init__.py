"""Transforms of functions: of a function its gradient, its products with Jacobians, its Jacobian, its Hessian.

tree.py         nested arguments and results
evaluation.py   a function evaluated at variables
forward.py      tangents, by the rules of the reverse mode
gradient.py     grad, value_and_grad
products.py     vjp, jvp, hvp
jacobian.py     jacobian, hessian
checkpoint.py   checkpoint: compute again instead of keep
"""
