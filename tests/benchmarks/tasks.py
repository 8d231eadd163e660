"""What every engine is given to do: a network, its data and first weights, and what one step consists of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Task:
    """One step of training a network with ReLU, dropout behind every hidden layer, and L2; or of inference.

    sizes       of the layers, the input first; one output is a sigmoid, several are a softmax
    keep_prob   of the dropout; None leaves it out
    optimizer   "SGD" or "Adam", or "" for inference: the probabilities, without dropout
    """

    sizes: tuple[int, ...]
    batch: int
    dtype: str
    keep_prob: float | None = 0.86
    lambd: float = 0.7
    optimizer: str = "SGD"
    lr: float = 0.01

    @property
    def binary(self) -> bool:
        return self.sizes[-1] == 1

    @property
    def inference(self) -> bool:
        return not self.optimizer

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """X (batch, n_in) and Y (batch, n_out): 0/1, or one-hot rows."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((self.batch, self.sizes[0])).astype(self.dtype)
        labels = rng.integers(0, max(2, self.sizes[-1]), self.batch)
        Y = labels[:, None] if self.binary else np.eye(self.sizes[-1])[labels]
        return X, Y.astype(self.dtype)

    def parameters(self) -> list[np.ndarray]:
        """W1, b1, W2, b2 ... in He's initialisation."""
        rng = np.random.default_rng(1)
        arrays = []
        for n_in, n_out in pairwise(self.sizes):
            arrays.append((rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in)).astype(self.dtype))
            arrays.append(np.zeros(n_out, self.dtype))
        return arrays

    def __str__(self) -> str:
        depth = len(self.sizes) - 1
        layers = "-".join(map(str, self.sizes)) if depth < 8 else f"{depth} layers of {self.sizes[0]}"
        return f"{layers}, batch {self.batch}, {self.dtype}"


def without_dropout(task: Task) -> Task:
    return replace(task, keep_prob=None)


def with_adam(task: Task) -> Task:
    return replace(task, optimizer="Adam", lr=0.001)


def of_inference(task: Task) -> Task:
    return replace(task, optimizer="", keep_prob=None)


sizes = {
    "S": Task((2, 20, 3, 1), batch=211, dtype="float64"),
    "M": Task((784, 256, 128, 10), batch=128, dtype="float32"),
    "L": Task((784, 1024, 1024, 10), batch=512, dtype="float32"),
}
"""SGD, L2 and dropout at three sizes: the smallest is all bookkeeping, the largest all arithmetic."""

variants = {
    **{f"{name}-no-dropout": without_dropout(task) for name, task in sizes.items()},
    **{f"{name}-adam": with_adam(task) for name, task in sizes.items()},
    **{f"{name}-inference": of_inference(task) for name, task in sizes.items()},
    "deep": Task((30,) * 20 + (10,), batch=32, dtype="float32"),
}

widths = {f"width-{n}": Task((n, n, n, 10), batch=128, dtype="float32") for n in (16, 64, 256, 1024)}
"""For the plot: the same network, wider and wider."""

looked_at = {"XS": Task((2, 2, 2, 1), batch=2, dtype="float64")}
"""On demand: the graph of S with next to no numbers in it, so what is left is bookkeeping."""

tasks = sizes | variants | widths | looked_at
