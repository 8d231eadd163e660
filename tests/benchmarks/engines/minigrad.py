"""minigrad: eager with layers or with functions alone, and compiled by each backend."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
from tasks import Task

import minigrad as mg
from minigrad import nn


def layers(task: Task):
    """Eager, with its layers, its penalty and its optimizer."""
    arguments, step, parameters = _with_layers(task)
    return lambda: _as_numpy(step(*arguments)), parameters


def compiled(task: Task, *, backend: str):
    """The same step, recorded once and replayed."""
    arguments, step, parameters = _with_layers(task)
    replayed = mg.compile(step, backend=backend)
    return lambda: _as_numpy(replayed(*arguments)), parameters


compiled_numpy = partial(compiled, backend="numpy")
compiled_numba = partial(compiled, backend="numba")


def functions(task: Task):
    """Eager, without layers: functions of Tensors, SGD's update by hand."""
    X, Y = map(mg.Tensor, task.data())
    parameters = [mg.Tensor(p, requires_grad=True) for p in task.parameters()]
    weights, biases = parameters[::2], parameters[1::2]
    rng, keep_prob = np.random.default_rng(2), task.keep_prob
    adam = mg.optim.Adam(parameters, lr=task.lr)

    def logits() -> mg.Tensor:
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = mg.relu(A @ W.T + b)
            if keep_prob:
                A = A * mg.random.bernoulli(rng, A.shape, keep_prob) / keep_prob
        return A @ weights[-1].T + biases[-1]

    @mg.no_grad()
    def infer() -> np.ndarray:
        return (mg.sigmoid(logits()) if task.binary else mg.softmax(logits(), axis=1)).data

    def train() -> float:
        Z = logits()
        if task.binary:
            J = np.mean(mg.functions.cross_entropy_of_logit(Z, Y))
        else:
            J = -np.mean(np.sum(Y * mg.log_softmax(Z, axis=1), axis=1))
        J = J + task.lambd / (2 * task.batch) * sum(np.sum(W**2) for W in weights)
        if task.optimizer == "Adam":
            adam.zero_grad()
            J.backward()
            adam.step()
        else:
            gradients = mg.grad(J, parameters)
            with mg.no_grad():
                for p, g in zip(parameters, gradients, strict=True):
                    p -= task.lr * g
        return J.item()

    return infer if task.inference else train, lambda: [p.data for p in parameters]


def _with_layers(task: Task):
    """The arguments, a function of them that makes one step and gives a Tensor, and the parameters."""
    X, Y = task.data()
    X, Y = mg.Tensor(X, name="X"), mg.Tensor(Y, name="Y")
    rng = np.random.default_rng(2)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(task.sizes):
        if layers:
            layers.append(nn.ReLU())
            if task.keep_prob:
                layers.append(nn.Dropout(keep_prob=task.keep_prob, rng=rng))
        layers.append(nn.Linear(n_in, n_out, rng=0, dtype=task.dtype))
    model = nn.Sequential(*layers)
    with mg.no_grad():
        for parameter, value in zip(model.parameters(), task.parameters(), strict=True):
            parameter.data = value

    def parameters() -> list[np.ndarray]:
        return [p.data for p in model.parameters()]

    if task.inference:
        model.eval()

        @mg.no_grad()
        def infer(X: mg.Tensor) -> mg.Tensor:
            return mg.sigmoid(model(X)) if task.binary else mg.softmax(model(X), axis=1)

        return (X,), infer, parameters

    optimizer = {"SGD": mg.optim.SGD, "Adam": mg.optim.Adam}[task.optimizer](model.parameters(), lr=task.lr)
    loss = nn.binary_cross_entropy_with_logits if task.binary else nn.cross_entropy

    def train(X: mg.Tensor, Y: mg.Tensor) -> mg.Tensor:
        J = loss(model(X), Y) + nn.l2_penalty(model, lambd=task.lambd, m=task.batch)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    return (X, Y), train, parameters


def _as_numpy(result: mg.Tensor) -> float | np.ndarray:
    """The cost as a number, probabilities as an array."""
    return result.item() if result.ndim == 0 else result.data
