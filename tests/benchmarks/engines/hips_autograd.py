"""autograd (HIPS): value_and_grad of a cost in its NumPy, the update by the hand-written optimizers."""

from __future__ import annotations

import numpy as np
from tasks import Task

from engines.hand_written import inference, optimizers


def make(task: Task):
    import autograd.numpy as anp
    from autograd import value_and_grad

    if task.inference:  # without a gradient, autograd's functions are NumPy's
        return inference(task)

    X, Y = task.data()
    parameters = task.parameters()
    rng, keep_prob = np.random.default_rng(2), task.keep_prob

    def cost(parameters):
        weights, biases = parameters[::2], parameters[1::2]
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            Z = anp.dot(A, W.T) + b
            A = Z * (Z > 0)  # maximum has g/2 at 0, which is where the inputs of a unit may all be
            if keep_prob:
                A = A * (rng.random(A.shape) < keep_prob) / keep_prob
        Z = anp.dot(A, weights[-1].T) + biases[-1]
        if task.binary:
            J = anp.mean(anp.logaddexp(0, Z) - Y * Z)
        else:
            Z = Z - anp.max(Z, axis=1, keepdims=True)
            log_A = Z - anp.log(anp.sum(anp.exp(Z), axis=1, keepdims=True))
            J = -anp.mean(anp.sum(Y * log_A, axis=1))
        return J + task.lambd / (2 * task.batch) * sum(anp.sum(W**2) for W in weights)

    cost_and_gradients = value_and_grad(cost)
    update = optimizers[task.optimizer](task.lr, parameters)

    def step() -> float:
        J, gradients = cost_and_gradients(parameters)
        update(gradients)
        return float(J)

    return step, lambda: parameters
