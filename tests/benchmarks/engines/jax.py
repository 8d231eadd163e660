"""JAX: jax.jit of the whole step, the old weights' memory handed over to the new."""

from __future__ import annotations

from functools import partial

import numpy as np
from tasks import Task


def make(task: Task):
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", task.dtype == "float64")
    X, Y = map(jnp.asarray, task.data())
    parameters = [jnp.array(p) for p in task.parameters()]

    def logits(parameters, key):
        weights, biases = parameters[::2], parameters[1::2]
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = jax.nn.relu(A @ W.T + b)
            if task.keep_prob:
                key, used = jax.random.split(key)
                A = A * jax.random.bernoulli(used, task.keep_prob, A.shape) / task.keep_prob
        return A @ weights[-1].T + biases[-1]

    def cost(parameters, key):
        Z = logits(parameters, key)
        if task.binary:
            J = jnp.mean(jax.nn.softplus(Z) - Y * Z)
        else:
            J = -jnp.mean(jnp.sum(Y * jax.nn.log_softmax(Z), axis=1))
        return J + task.lambd / (2 * task.batch) * sum(jnp.sum(W * W) for W in parameters[::2])

    if task.inference:

        @jax.jit
        def predict(parameters):
            Z = logits(parameters, None)
            return jax.nn.sigmoid(Z) if task.binary else jax.nn.softmax(Z)

        return lambda: np.asarray(predict(parameters)), lambda: [np.asarray(p) for p in parameters]

    first, updated = {"SGD": _sgd, "Adam": _adam}[task.optimizer](task.lr)

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(parameters, state, key):
        key, used = jax.random.split(key)
        J, gradients = jax.value_and_grad(cost)(parameters, used)
        parameters, state = updated(parameters, gradients, state)
        return parameters, state, key, J

    state, key = first(parameters), jax.random.key(2)

    def step() -> float:
        nonlocal parameters, state, key
        parameters, state, key, J = update(parameters, state, key)
        return float(J)

    return step, lambda: [np.asarray(p) for p in parameters]


def _sgd(lr: float):
    """The state at the start, none, and the update."""

    def updated(parameters, gradients, state):
        return [p - lr * g for p, g in zip(parameters, gradients, strict=True)], state

    return lambda parameters: (), updated


def _adam(lr: float, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8):
    """The state at the start, and the update: Kingma and Ba 2015, algorithm 1."""
    import jax.numpy as jnp

    def first(parameters):
        return jnp.zeros((), int), [(jnp.zeros_like(p), jnp.zeros_like(p)) for p in parameters]

    def updated(parameters, gradients, state):
        t, moments = state
        t = t + 1
        rate, root = lr / (1 - b1**t), jnp.sqrt(1 - b2**t)
        moments = [
            (b1 * mean + (1 - b1) * g, b2 * square + (1 - b2) * g * g)
            for (mean, square), g in zip(moments, gradients, strict=True)
        ]
        parameters = [
            p - rate.astype(p.dtype) * mean / (jnp.sqrt(square) / root.astype(p.dtype) + eps)
            for p, (mean, square) in zip(parameters, moments, strict=True)
        ]
        return parameters, (t, moments)

    return first, updated
