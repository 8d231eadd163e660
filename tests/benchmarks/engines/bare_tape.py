"""A bare tape: about the least of Python that records a step and differentiates it, a floor for eager code.

A node has its value, its rules, its inputs and a stamp; backward is a heap.  There are no names, modules or
checks, no NumPy functions that dispatch, no second order, and nothing is frozen or kept.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import Any

import numpy as np
from tasks import Task

from engines.hand_written import inference, optimizers

next_stamp = count().__next__


class Node:
    __slots__ = ("inputs", "needs_gradient", "rules", "stamp", "value")


def node(value: Any, rules: tuple = (), inputs: tuple = (), needs_gradient: bool = False) -> Node:
    """A result of inputs, with a rule for each of them; or a leaf."""
    made = Node()
    made.value, made.rules, made.inputs, made.stamp = value, rules, inputs, next_stamp()
    made.needs_gradient = needs_gradient or any(x.needs_gradient for x in inputs)
    return made


def linear(A: Node, W: Node, b: Node) -> Node:
    """A Wᵀ + b, as the three nodes that it is elsewhere."""
    Wt = node(W.value.T, (lambda g: g.T,), (W,))
    Z = node(A.value @ Wt.value, (lambda g: g @ Wt.value.T, lambda g: (g.T @ A.value).T), (A, Wt))
    return node(Z.value + b.value, (lambda g: g, lambda g: np.ones(len(g), g.dtype) @ g), (Z, b))


def relu(Z: Node) -> Node:
    return node(np.maximum(Z.value, 0), (lambda g: g * (Z.value > 0),), (Z,))


def dropout(A: Node, D: np.ndarray, keep_prob: float) -> Node:
    """A * D / keep_prob, as two nodes."""
    dropped = node(A.value * D, (lambda g: g * D,), (A,))
    return node(dropped.value / keep_prob, (lambda g: g / keep_prob,), (dropped,))


def cross_entropy(Z: Node, Y: np.ndarray) -> Node:
    """The mean over the examples, of one column of logits or of several."""
    z = Z.value
    if z.shape[1] == 1:
        loss = np.maximum(z, 0) - Y * z + np.log1p(np.exp(-np.abs(z)))
        each = node(loss, (lambda g: g * (1 / (1 + np.exp(-z)) - Y),), (Z,))
    else:
        shifted = z - z.max(axis=1, keepdims=True)
        E = np.exp(shifted)
        total = E.sum(axis=1, keepdims=True)
        loss = -np.sum(Y * (shifted - np.log(total)), axis=1)
        each = node(loss, (lambda g: g * (E / total - Y),), (Z,))
    return node(np.add.reduce(loss, None) / len(z), (lambda g: g / len(z),), (each,))


def penalty(weights: list[Node], factor: Any) -> Node:
    """factor · Σ ‖W‖²."""
    sums = []
    for W in weights:
        square = node(np.square(W.value), (lambda g, W=W: 2 * g * W.value,), (W,))
        sums.append(node(np.add.reduce(square.value, None), (lambda g: g,), (square,)))
    while len(sums) > 1:
        sums[:2] = [add(*sums[:2])]
    return node(sums[0].value * factor, (lambda g: g * factor,), tuple(sums))


def add(a: Node, b: Node) -> Node:
    return node(a.value + b.value, (lambda g: g, lambda g: g), (a, b))


def backward(output: Node) -> dict[int, Any]:
    """Stamp of each leaf -> its gradient, newest node first."""
    stamp = -output.stamp
    nodes, gradients, queue, found = {stamp: output}, {stamp: output.value.dtype.type(1)}, [stamp], {}
    while queue:
        stamp = heappop(queue)
        y, g = nodes.pop(stamp), gradients.pop(stamp)
        if not y.rules:
            found[y.stamp] = g
        for x, rule in zip(y.inputs, y.rules, strict=True):
            if x.needs_gradient:
                d, stamp = rule(g), -x.stamp
                if stamp in gradients:
                    gradients[stamp] = gradients[stamp] + d
                else:
                    gradients[stamp], nodes[stamp] = d, x
                    heappush(queue, stamp)
    return found


def make(task: Task):
    if task.inference:
        return inference(task)
    X, Y = task.data()
    arrays = task.parameters()
    update = optimizers[task.optimizer](task.lr, arrays)
    keep_prob, factor, rng = task.keep_prob, task.lambd / (2 * task.batch), np.random.default_rng(2)

    def step() -> float:
        parameters = [node(p, needs_gradient=True) for p in arrays]
        weights, biases = parameters[::2], parameters[1::2]
        A = node(X)
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            A = relu(linear(A, W, b))
            if keep_prob:
                A = dropout(A, rng.random(A.value.shape) < keep_prob, keep_prob)
        J = add(cross_entropy(linear(A, weights[-1], biases[-1]), Y), penalty(weights, factor))
        found = backward(J)
        update([found[p.stamp] for p in parameters])
        return float(J.value)

    return step, lambda: arrays
