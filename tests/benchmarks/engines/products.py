"""The matrix products of a step and nothing else, into arrays that are there: the floor for all engines."""

from __future__ import annotations

import numpy as np
from tasks import Task


def make(task: Task):
    """Forward A W; backward, for each layer, the products for W and, but for the first, for A."""
    X, _ = task.data()
    parameters = task.parameters()
    weights = parameters[::2]
    A = [X, *(np.ones((task.batch, n), task.dtype) for n in task.sizes[1:])]  # and, as large, the gradients
    dA = [np.ones_like(a) for a in A]
    dW = [np.empty_like(W) for W in weights]

    def step() -> float:
        for layer, W in enumerate(weights):
            np.matmul(A[layer], W.T, out=A[layer + 1])
        if not task.inference:
            for layer in reversed(range(len(weights))):
                np.matmul(dA[layer + 1].T, A[layer], out=dW[layer])
                if layer > 0:
                    np.matmul(dA[layer + 1], weights[layer], out=dA[layer])
        return 0.0

    return step, lambda: parameters
