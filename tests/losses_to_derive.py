"""Generic leaves and data, and the network of the notes, for the tests of derivations and their readers."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad import nn

m, lambd, keep_prob = 7, 0.9, 0.8


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def leaf(*shape: int, name: str | None = None, seed: int = 0) -> mg.Tensor:
    return mg.Tensor(normal(*shape, seed=seed), requires_grad=True, name=name)


def data(*shape: int, name: str | None = "X") -> mg.Tensor:
    return mg.Tensor(normal(*shape, seed=9), name=name)


def labels() -> mg.Tensor:
    return mg.Tensor((normal(m, 1, seed=8) > 0).astype(float), name="Y")


def network() -> nn.Sequential:
    """Three layers, with dropout after the hidden ones."""
    layers = []
    for i, (n_in, n_out) in enumerate(((2, 4), (4, 3))):
        layers += [nn.Linear(n_in, n_out, rng=i), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=i)]
    return nn.Sequential(*layers, nn.Linear(3, 1, rng=5))
