"""MyGrad: eager, with its losses, the update of `.data` by the hand-written optimizers."""

from __future__ import annotations

import numpy as np
from tasks import Task

from engines.hand_written import optimizers


def make(task: Task):
    import mygrad
    from mygrad.nnet.activations import relu, sigmoid, softmax
    from mygrad.nnet.losses import softmax_crossentropy

    X, Y = task.data()
    labels = Y.argmax(axis=1)
    parameters = [mygrad.tensor(p) for p in task.parameters()]
    weights, biases = parameters[::2], parameters[1::2]
    rng, keep_prob = np.random.default_rng(2), task.keep_prob
    number = X.dtype.type  # MyGrad turns a float into an array of float64, and float32 would not stay

    def logits():
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = relu(mygrad.matmul(A, W.T) + b)
            if keep_prob:
                A = A * (rng.random(A.shape) < keep_prob) / number(keep_prob)
        return mygrad.matmul(A, weights[-1].T) + biases[-1]

    @mygrad.no_autodiff
    def infer() -> np.ndarray:
        return (sigmoid(logits()) if task.binary else softmax(logits())).data

    if task.inference:
        return infer, lambda: [p.data for p in parameters]

    update = optimizers[task.optimizer](task.lr, [p.data for p in parameters])

    def step() -> float:
        Z = logits()
        J = mygrad.mean(mygrad.logaddexp(0, Z) - Y * Z) if task.binary else softmax_crossentropy(Z, labels)
        J = J + number(task.lambd / (2 * task.batch)) * sum(mygrad.sum(mygrad.square(W)) for W in weights)
        J.backward()
        update([p.grad for p in parameters])
        return J.item()

    return step, lambda: [p.data for p in parameters]
