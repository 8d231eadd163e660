"""One training step as a person writes it in NumPy: the textbook's two passes, with L2, dropout and SGD.

Fair and idiomatic: everything is vectorised, nothing is computed twice, and no buffers are managed by hand.
"""

from __future__ import annotations

import numpy as np
from networks import Network


def make_step(network: Network):
    X, Y = network.data()
    W1, b1, W2, b2, W3, b3 = network.parameters()
    rng = np.random.default_rng(2)
    m, keep_prob, lambd, lr = network.batch, network.keep_prob, network.lambd, network.lr

    def step() -> float:
        nonlocal W1, b1, W2, b2, W3, b3
        # forward
        Z1 = X @ W1.T + b1
        A1 = np.maximum(Z1, 0)
        D1 = rng.random(A1.shape) < keep_prob
        A1 = A1 * D1 / keep_prob
        Z2 = A1 @ W2.T + b2
        A2 = np.maximum(Z2, 0)
        D2 = rng.random(A2.shape) < keep_prob
        A2 = A2 * D2 / keep_prob
        Z3 = A2 @ W3.T + b3
        # cost
        if network.binary:
            A3 = 1 / (1 + np.exp(-Z3))
            cross_entropy = np.mean(np.maximum(Z3, 0) - Y * Z3 + np.log1p(np.exp(-np.abs(Z3))))
        else:
            E = np.exp(Z3 - Z3.max(axis=1, keepdims=True))
            total = E.sum(axis=1, keepdims=True)
            A3 = E / total
            cross_entropy = -np.sum(Y * (Z3 - Z3.max(axis=1, keepdims=True) - np.log(total))) / m
        penalty = lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)) + np.sum(np.square(W3)))
        J = cross_entropy + penalty
        # backward
        dZ3 = (A3 - Y) / m
        dW3 = dZ3.T @ A2 + lambd / m * W3
        db3 = dZ3.sum(axis=0)
        dA2 = dZ3 @ W3 * D2 / keep_prob
        dZ2 = dA2 * (Z2 > 0)
        dW2 = dZ2.T @ A1 + lambd / m * W2
        db2 = dZ2.sum(axis=0)
        dA1 = dZ2 @ W2 * D1 / keep_prob
        dZ1 = dA1 * (Z1 > 0)
        dW1 = dZ1.T @ X + lambd / m * W1
        db1 = dZ1.sum(axis=0)
        # update
        W1 -= lr * dW1
        b1 -= lr * db1
        W2 -= lr * dW2
        b2 -= lr * db2
        W3 -= lr * dW3
        b3 -= lr * db3
        return float(J)

    return step
