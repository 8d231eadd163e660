"""The training of one model: a network, its cost, and gradient descent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.functions import sigmoid, softmax
from minigrad.optim import SGD
from minigrad.recording import no_grad
from minigrad.tensor import Tensor
from minigrad.training import Diverged, Run, fit


def network(sizes: Sequence[int], *, keep_prob: float = 1.0, seed: int) -> nn.Sequential:
    """Linear, ReLU, Dropout, Linear, ReLU, Dropout ... Linear: logits, for the losses that take logits.

    sizes      of the layers, the input's first: (2, 20, 3, 1)
    keep_prob  of the Dropout after each hidden layer; 1 leaves the Dropout layers out
    seed       draws the initial weights, and apart from them the masks: keep_prob does not change the weights

    >>> network((2, 20, 3, 1), seed=0)
    Sequential()                                127 parameters
      0: Linear(2, 20)                          W1 (20, 2), b1 (20,)  60 parameters
      1: ReLU()
      2: Linear(20, 3)                          W2 (3, 20), b2 (3,)  63 parameters
      3: ReLU()
      4: Linear(3, 1)                           W3 (1, 3), b3 (1,)  4 parameters
    """
    weights, masks = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1])
    model = nn.Sequential()
    for n_in, n_out in pairwise(sizes):
        if len(model):
            model.append(nn.ReLU())
            if keep_prob < 1:
                model.append(nn.Dropout(keep_prob=keep_prob, rng=masks))
        model.append(nn.Linear(n_in, n_out, rng=weights))
    return model


def cross_entropy(logits: Any, y: Any, *, reduction: str = "mean") -> Tensor:
    """The cross-entropy cost from logits: of a sigmoid for y (m, 1), of a softmax for labels y (m,)."""
    if np.ndim(y) == 2:
        return nn.binary_cross_entropy_with_logits(logits, y, reduction=reduction)
    return nn.cross_entropy(logits, y, reduction=reduction)


def cost(model: nn.Module, X: Any, y: Any, *, lambd: float = 0.0) -> Tensor:
    """J = cross-entropy + λ/(2m) Σ_l ‖W_l‖²_F,  equations (1) and (2) of docs/l2.md.

    With λ = 0 the penalty leaves no node in the graph.

    >>> model = network((2, 1), seed=0)
    >>> cost(model, np.zeros((4, 2)), np.ones((4, 1))).item().__round__(4)
    0.6931
    """
    J = cross_entropy(model(X), y)
    if lambd:
        J = J + nn.l2_penalty(model, lambd=lambd, m=len(X))
    J.name = "J"
    return J


def gradient_descent(
    model: nn.Module,
    X: Any,
    y: Any,
    *,
    steps: int,
    lr: float,
    lambd: float = 0.0,
    after: Callable[[float], None] = lambda J: None,
) -> list[float]:
    """Full-batch gradient descent  w ← w - lr ∂J/∂w;  gives the cost J before every step.

    after    is told it, after the step
    Raises:  Diverged if the cost is not finite.

    The last step is not a replay: of it, and not of the recording, the Dropout layers keep their masks.

    >>> X, y = np.array([[-1.0], [1.0]]), np.array([[0.0], [1.0]])
    >>> costs = gradient_descent(network((1, 1), seed=0), X, y, steps=100, lr=1.0)
    >>> costs[0] > costs[-1]
    True
    """
    costs: list[float] = []
    optimizer = SGD(model.parameters(), lr=lr)

    def take(run: Run) -> None:
        costs.append(run.cost)
        after(run.cost)

    def train(epochs: int, *, compiled: bool) -> None:
        loss = partial(cost, lambd=lambd)
        fit(model, loss, (X, y), optimizer, epochs, compiled=compiled, callbacks=[take], progress=False)

    try:
        train(steps - 1, compiled=True)
        train(1, compiled=False)
    except Diverged as error:
        what, at, _ = str(error).partition(" at step ")
        raise Diverged(f"{what}{at}{len(costs) + 1} of {steps}") from error
    return costs


def probabilities(model: nn.Module, X: np.ndarray) -> np.ndarray:
    """What the network holds likely, dropout off: σ(z) (m, 1), or softmax(z) (m, k)."""
    z = _logits(model, X).data
    return sigmoid(z) if z.shape[1] == 1 else softmax(z, axis=1)


def answers(model: nn.Module, X: np.ndarray) -> np.ndarray:
    """For each example the number of the class that the network holds likeliest, dropout off: (m,).

    >>> answers(network((2, 1), seed=0), np.zeros((2, 2)))
    array([0, 0])
    """
    return _likeliest(_logits(model, X).data)


def right_answers(model: nn.Module, X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each example whether the likelier class, dropout off, is its label.

    >>> right_answers(network((2, 1), seed=0), np.zeros((2, 2)), np.array([[0.0], [1.0]]))
    array([ True, False])
    """
    return answers(model, X) == labels(y)


def labels(y: np.ndarray) -> np.ndarray:
    """The numbers of the classes (m,), from (m, 1) of 0 and 1 or from (m,)."""
    return y.ravel().astype(np.int64)


def evaluate(model: nn.Module, X: np.ndarray, y: np.ndarray) -> tuple[int, float]:
    """How many examples the network gets right, and its cross-entropy cost; dropout is off, as it must be.

    >>> evaluate(network((2, 1), seed=0), np.zeros((4, 2)), np.zeros((4, 1)))[0]
    4
    """
    z = _logits(model, X)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller sees that the cost is not finite
        return int(np.sum(_likeliest(z.data) == labels(y))), cross_entropy(z, y).item()


def _logits(model: nn.Module, X: np.ndarray) -> Tensor:
    training = model.training
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        z = model.eval()(X)
    model.train(training)
    return z


def _likeliest(z: np.ndarray) -> np.ndarray:
    return np.argmax(z, axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(np.int64)


def weights(model: nn.Module) -> list[Tensor]:
    """The weight matrices W1, W2 ... without the biases."""
    return [p for p in model.parameters() if p.decay]
