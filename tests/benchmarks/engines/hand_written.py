"""A step as a person writes it in NumPy: the textbook's two passes, with L2 and dropout.

Fair and idiomatic: everything is vectorised, nothing is computed twice, float32 stays float32, and no buffers
are managed by hand.
"""

from __future__ import annotations

import numpy as np
from tasks import Task


def make(task: Task):
    """The page for three layers, the loop for any other number of them."""
    if task.inference:
        return inference(task)
    return three_layers(task) if len(task.sizes) == 4 else any_depth(task)


def three_layers(task: Task):
    X, Y = task.data()
    W1, b1, W2, b2, W3, b3 = parameters = task.parameters()
    m, lambd, keep_prob, rng = task.batch, task.lambd, task.keep_prob, np.random.default_rng(2)
    update = optimizers[task.optimizer](task.lr, parameters)

    def step() -> float:
        # forward
        Z1 = X @ W1.T + b1
        A1 = np.maximum(Z1, 0)
        if keep_prob:
            D1 = rng.random(A1.shape) < keep_prob
            A1 = A1 * D1 / keep_prob
        Z2 = A1 @ W2.T + b2
        A2 = np.maximum(Z2, 0)
        if keep_prob:
            D2 = rng.random(A2.shape) < keep_prob
            A2 = A2 * D2 / keep_prob
        Z3 = A2 @ W3.T + b3
        # cost
        cross_entropy, A3 = cross_entropy_and_probabilities(Z3, Y)
        squares = np.sum(np.square(W1)) + np.sum(np.square(W2)) + np.sum(np.square(W3))
        J = cross_entropy + lambd / (2 * m) * squares
        # backward
        dZ3 = (A3 - Y) / m
        dW3 = dZ3.T @ A2 + lambd / m * W3
        db3 = dZ3.sum(axis=0)
        dA2 = dZ3 @ W3
        if keep_prob:
            dA2 = dA2 * D2 / keep_prob
        dZ2 = dA2 * (Z2 > 0)
        dW2 = dZ2.T @ A1 + lambd / m * W2
        db2 = dZ2.sum(axis=0)
        dA1 = dZ2 @ W2
        if keep_prob:
            dA1 = dA1 * D1 / keep_prob
        dZ1 = dA1 * (Z1 > 0)
        dW1 = dZ1.T @ X + lambd / m * W1
        db1 = dZ1.sum(axis=0)
        # update
        update([dW1, db1, dW2, db2, dW3, db3])
        return float(J)

    return step, lambda: parameters


def any_depth(task: Task):
    X, Y = task.data()
    parameters = task.parameters()
    weights, biases = parameters[::2], parameters[1::2]
    m, lambd, keep_prob, rng = task.batch, task.lambd, task.keep_prob, np.random.default_rng(2)
    update = optimizers[task.optimizer](task.lr, parameters)

    def step() -> float:
        # forward
        A, Z, D = [X], [], []  # A[l] is what layer l is given
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            Z.append(A[-1] @ W.T + b)
            A.append(np.maximum(Z[-1], 0))
            if keep_prob:
                D.append(rng.random(A[-1].shape) < keep_prob)
                A[-1] = A[-1] * D[-1] / keep_prob
        cross_entropy, probabilities = cross_entropy_and_probabilities(A[-1] @ weights[-1].T + biases[-1], Y)
        J = cross_entropy + lambd / (2 * m) * sum(np.sum(np.square(W)) for W in weights)
        # backward
        gradients = []
        dZ = (probabilities - Y) / m
        for layer in reversed(range(len(weights))):
            gradients += [dZ.sum(axis=0), dZ.T @ A[layer] + lambd / m * weights[layer]]
            if layer > 0:
                dA = dZ @ weights[layer]
                if keep_prob:
                    dA = dA * D[layer - 1] / keep_prob
                dZ = dA * (Z[layer - 1] > 0)
        # update
        update(gradients[::-1])
        return float(J)

    return step, lambda: parameters


def inference(task: Task):
    X, _ = task.data()
    parameters = task.parameters()
    *hidden, (W_last, b_last) = zip(parameters[::2], parameters[1::2], strict=True)

    def step() -> np.ndarray:
        A = X
        for W, b in hidden:
            A = np.maximum(A @ W.T + b, 0)
        Z = A @ W_last.T + b_last
        if task.binary:
            return 1 / (1 + np.exp(-Z))
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True)

    return step, lambda: parameters


def cross_entropy_and_probabilities(Z: np.ndarray, Y: np.ndarray) -> tuple[np.floating, np.ndarray]:
    """The mean over the examples, and the sigmoid of one column of logits or the softmax of several."""
    if Z.shape[1] == 1:
        return np.mean(np.maximum(Z, 0) - Y * Z + np.log1p(np.exp(-np.abs(Z)))), 1 / (1 + np.exp(-Z))
    Z = Z - Z.max(axis=1, keepdims=True)
    E = np.exp(Z)
    total = E.sum(axis=1, keepdims=True)
    return -np.sum(Y * (Z - np.log(total))) / len(Z), E / total


def sgd(lr: float, parameters: list[np.ndarray]):
    """w ← w - lr g, in place."""

    def update(gradients: list[np.ndarray]) -> None:
        for w, g in zip(parameters, gradients, strict=True):
            w -= lr * g

    return update


def adam(lr: float, parameters: list[np.ndarray], b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8):
    """Kingma and Ba 2015, algorithm 1, in place; its last line with the two corrections taken together."""
    means = [np.zeros_like(w) for w in parameters]
    squares = [np.zeros_like(w) for w in parameters]
    t = 0

    def update(gradients: list[np.ndarray]) -> None:
        nonlocal t
        t += 1
        rate, root = lr / (1 - b1**t), (1 - b2**t) ** 0.5
        for w, g, mean, square in zip(parameters, gradients, means, squares, strict=True):
            mean *= b1
            mean += (1 - b1) * g
            square *= b2
            square += (1 - b2) * np.square(g)
            w -= rate * mean / (np.sqrt(square) / root + eps)

    return update


optimizers = {"SGD": sgd, "Adam": adam}
