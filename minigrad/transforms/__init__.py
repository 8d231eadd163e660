"""Transforms of functions: gradients, products with Jacobians and Hessians, these matrices, checkpoints.

tree.py         nested arguments and results
graph.py        walking back from outputs
evaluation.py   a function evaluated at variables
forward.py      tangents, by the rules of the reverse mode
stacked.py      many backward passes as one
gradient.py     grad, value_and_grad
products.py     vjp, jvp, hvp
jacobian.py     jacobian, hessian
checkpoint.py   checkpoint: compute again instead of keep
"""
