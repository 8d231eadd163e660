"""The two networks that every engine trains, and the data they are given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Network:
    """Sizes and constants of one benchmark; one sigmoid output is a binary problem, several a softmax."""

    sizes: tuple[int, ...]
    batch: int
    dtype: str
    keep_prob: float = 0.86
    lambd: float = 0.7
    lr: float = 0.01

    @property
    def binary(self) -> bool:
        return self.sizes[-1] == 1

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
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            arrays.append((rng.standard_normal((n_out, n_in)) * np.sqrt(2 / n_in)).astype(self.dtype))
            arrays.append(np.zeros(n_out, self.dtype))
        return arrays


networks = {
    "XS": Network((2, 2, 2, 1), batch=2, dtype="float64"),
    "S": Network((2, 20, 3, 1), batch=211, dtype="float64"),
    "M": Network((784, 256, 128, 10), batch=128, dtype="float32"),
}
