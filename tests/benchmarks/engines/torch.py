"""PyTorch: eager with torch.nn and torch.optim or with functions alone, and torch.compile."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from tasks import Task


def layers(task: Task):
    """Eager: torch.nn, torch.optim, the penalty in the graph."""
    import torch
    from torch import nn

    X, Y = map(torch.tensor, task.data())
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(task.sizes):
        if layers:
            layers.append(nn.ReLU())
            if task.keep_prob:
                layers.append(nn.Dropout(1 - task.keep_prob))
        layers.append(nn.Linear(n_in, n_out, dtype=X.dtype))
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), task.parameters(), strict=True):
            parameter.copy_(torch.tensor(value))
    parameters = list(model.parameters())

    if task.inference:
        model.eval()
        return _inference(task, lambda: model(X)), _arrays(parameters)

    loss, optimizer = _loss(task), _optimizer(task, parameters)

    def step() -> float:
        J = loss(model(X), Y) + _penalty(task, parameters)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J.item()

    return step, _arrays(parameters)


def functions(task: Task):
    """Eager without torch.nn: functions of tensors, SGD's update by hand."""
    import torch

    parameters, logits, cost = _functions(task)
    if task.inference:
        return _inference(task, logits), _arrays(parameters)
    adam = torch.optim.Adam(parameters, lr=task.lr)

    def step() -> float:
        J = cost()
        if task.optimizer == "Adam":
            adam.zero_grad()
            J.backward()
            adam.step()
        else:
            gradients = torch.autograd.grad(J, parameters)
            with torch.no_grad():
                for p, g in zip(parameters, gradients, strict=True):
                    p -= task.lr * g
        return J.item()

    return step, _arrays(parameters)


def compiled(task: Task):
    """torch.compile of the cost, by which its backward pass is compiled too, and of the optimizer's step."""
    import torch

    parameters, logits, cost = _functions(task)
    if task.inference:
        return _inference(task, torch.compile(logits)), _arrays(parameters)
    cost, optimizer = torch.compile(cost), _optimizer(task, parameters)
    update = torch.compile(lambda: optimizer.step())

    def step() -> float:
        J = cost()
        optimizer.zero_grad()
        J.backward()
        update()
        return J.item()

    return step, _arrays(parameters)


def _functions(task: Task):
    """The parameters, and two functions without arguments: of the logits, and of the cost."""
    import torch
    from torch.nn import functional

    X, Y = map(torch.tensor, task.data())
    parameters = [torch.tensor(p, requires_grad=True) for p in task.parameters()]
    weights, biases = parameters[::2], parameters[1::2]
    loss = _loss(task)

    def logits():
        A = X
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = torch.relu(functional.linear(A, W, b))
            if task.keep_prob:
                A = functional.dropout(A, 1 - task.keep_prob)
        return functional.linear(A, weights[-1], biases[-1])

    return parameters, logits, lambda: loss(logits(), Y) + _penalty(task, parameters)


def _loss(task: Task):
    from torch.nn import functional

    return functional.binary_cross_entropy_with_logits if task.binary else functional.cross_entropy


def _penalty(task: Task, parameters):
    import torch

    return task.lambd / (2 * task.batch) * sum(torch.sum(torch.square(W)) for W in parameters[::2])


def _optimizer(task: Task, parameters):
    import torch

    return {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}[task.optimizer](parameters, lr=task.lr)


def _inference(task: Task, logits):
    import torch

    @torch.inference_mode()
    def step() -> np.ndarray:
        Z = logits()
        return (torch.sigmoid(Z) if task.binary else torch.softmax(Z, dim=1)).numpy()

    return step


def _arrays(parameters):
    return lambda: [p.detach().numpy() for p in parameters]
