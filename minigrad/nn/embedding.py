"""Embedding: whole numbers as vectors that are learnt."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.nn.letters import follow
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import whole
from minigrad.other_arrays import chunked
from minigrad.other_arrays.foreign import is_chunked, is_foreign
from minigrad.random import generator
from minigrad.tensor import Tensor
from minigrad.watch import watchers, watching


class Embedding(Module):
    """y = W[x],  a row of W for each whole number in x.

    num_embeddings  how many rows there are: x is in 0 ... num_embeddings - 1
    embedding_dim   how long each is
    rng             a numpy Generator, a RandomState or a seed, for W ~ N(0, 1), as in PyTorch
    Shapes:         x (...) whole numbers, weight (num_embeddings, embedding_dim)  ->  (..., embedding_dim)
    Rule:           a row of ∂W is the sum of the gradients of all its uses
    Raises:         TypeError for an x that is not whole numbers, ValueError for one that is out of range.

    In a compiled function x is given anew at each call, and then y is the product of its one-hot rows with W.

    >>> Embedding(10, 4, rng=0)(np.array([[3, 1, 3]])).shape
    (1, 3, 4)
    """

    def __init__(
        self, num_embeddings: int, embedding_dim: int, *, rng: Any = None, dtype: Any = np.float64
    ) -> None:
        self.num_embeddings, self.embedding_dim = whole(
            "Embedding", num_embeddings=num_embeddings, embedding_dim=embedding_dim
        )
        weight = generator(rng, "Embedding").standard_normal((self.num_embeddings, self.embedding_dim))
        self.weight = Parameter(weight, name="W", dtype=dtype)

    def forward(self, x: Any) -> Tensor:
        """The rows of W that x says."""
        values = x._value if isinstance(x, Tensor) else x if is_foreign(x) else np.asarray(x)
        if is_chunked(values):
            self._check_kind(values)
            values = chunked.check(values, 0, self.num_embeddings - 1, f"{self._range}; there are others")
        else:
            self._check(values)
        if watchers and (watcher := watching()) and isinstance(x, Tensor):  # other rows at each replay
            watcher.checked(x, self._check)
            one_hot = np.expand_dims(x, -1) == np.arange(self.num_embeddings)
            y = one_hot.astype(self.weight.dtype) @ self.weight
        else:
            y = self.weight[values]
        y.name = follow(self.weight.name, "W", "E")
        return y

    def _check_kind(self, x: Any) -> None:
        if x.dtype.kind not in "iu":
            raise TypeError(f"Embedding: x is {x.dtype} {x.shape}; wanted whole numbers, the rows to take")

    def _check(self, x: Any) -> None:
        self._check_kind(x)
        if x.size and not (x.min() >= 0 and x.max() < self.num_embeddings):
            raise ValueError(f"{self._range}; there is a {x.min()} ... {x.max()}")

    @property
    def _range(self) -> str:
        return f"Embedding: x runs from 0 to {self.num_embeddings - 1}"

    def extra_repr(self) -> str:
        """num_embeddings, embedding_dim."""
        return f"{self.num_embeddings}, {self.embedding_dim}"
