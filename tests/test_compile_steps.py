"""compile: random training steps are as if eager had run; also where everything counts as large."""

from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.compiler.numpy_text import blocks, expressions, together
from minigrad.compiler.passes import cheapest

optimizers = {
    "SGD": lambda p: mg.optim.SGD(p, lr=0.05, weight_decay=0.1),
    "momentum": lambda p: mg.optim.SGD(p, lr=0.02, momentum=0.9),
    "Adam": lambda p: mg.optim.Adam(p, lr=0.01, eps=1e-2),
    "AdamW": lambda p: mg.optim.AdamW(p, lr=0.01, eps=1e-2, weight_decay=0.1),
}
activations = {
    "relu": mg.relu,
    "maximum": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "sigmoid": mg.sigmoid,
    "softplus": mg.softplus,
    "softmax": lambda z: mg.softmax(z, axis=-1),
    "folded": lambda z: np.maximum(z, -0.5 * z),
    "turned": lambda z: np.exp(-z * z) + np.tanh(z.T).T * z,
}
names = ("W", "b", "add", "multiply_1", "rows", "zero", "fresh_1", None)


@st.composite
def networks(draw):
    """What a network is made of; a size that is met again gets the same weights, or their transpose."""
    return {
        "sizes": draw(st.lists(st.sampled_from([1, 3, 3, 8]), min_size=2, max_size=5)),
        "activations": draw(st.lists(st.sampled_from(sorted(activations)), min_size=5, max_size=5)),
        "dropped": draw(st.lists(st.booleans(), min_size=5, max_size=5)),
        "frozen": draw(st.integers(0, 5)),
        "names": draw(st.lists(st.sampled_from(names), min_size=10, max_size=10)),
        "penalty": draw(st.sampled_from(["none", "l2", "l1", "gradient"])),
        "optimizer": draw(st.sampled_from(sorted(optimizers))),
        "accumulates": draw(st.booleans()),
    }


class Trained:
    """A network, with a step of its training, and what the steps depend on."""

    def __init__(self, about, m):
        rng = np.random.default_rng(0)
        self.masks = np.random.default_rng(1)
        names, known, self.layers = iter(about["names"]), {}, []
        for n_in, n_out in zip(about["sizes"], about["sizes"][1:], strict=False):
            if (n_in, n_out) not in known:
                W = nn.Parameter(rng.standard_normal((n_out, n_in)) / np.sqrt(n_in), name=next(names))
                b = nn.Parameter(rng.standard_normal(n_out), name=next(names), decay=False)
                known[n_in, n_out] = W, b
            self.layers.append(known[n_in, n_out])
        self.parameters = [p for pair in known.values() for p in pair]
        self.optimizer = optimizers[about["optimizer"]](self.parameters)
        if about["frozen"] < len(self.parameters) - 1:
            self.parameters[about["frozen"]].requires_grad = False
        self.about = about
        self.X = rng.standard_normal((m, about["sizes"][0]))
        self.Y = rng.standard_normal((m, about["sizes"][-1]))

    def cost(self, X, Y, lambd, keep_prob):
        for (W, b), kind, dropped in zip(
            self.layers, self.about["activations"], self.about["dropped"], strict=False
        ):
            X = activations[kind](X @ W.T + b)
            if dropped:
                X = X * mg.random.bernoulli(self.masks, X.shape, keep_prob) / keep_prob
        J = nn.mse_loss(X, Y)
        if self.about["penalty"] == "l2":
            J = J + nn.l2_penalty(self.parameters, lambd=lambd, m=len(Y))
        elif self.about["penalty"] == "l1":
            J = J + lambd / len(Y) * sum(np.sum(np.abs(p)) for p in self.parameters)
        elif self.about["penalty"] == "gradient":
            last = self.layers[-1][1]
            J = (
                J + lambd * np.sum(np.square(mg.grad(J, last, create_graph=True)))
                if last.requires_grad
                else J
            )
        return J

    def step(self, X, Y, lambd, keep_prob):
        self.optimizer.zero_grad()
        for _ in range(1 + self.about["accumulates"]):
            J = self.cost(X, Y, lambd, keep_prob)
            J.backward()
        self.optimizer.step()
        return J


@pytest.mark.parametrize("large", [False, True])
@settings(max_examples=60, deadline=None)
@given(networks(), st.sampled_from([1, 2, 7]), st.sampled_from([0.0, 0.9]), st.sampled_from([0.5, 0.8]))
def test_random_training_steps(large, about, m, lambd, keep_prob):
    with ExitStack() as context:
        if large:  # everything is computed by rows, and no factor is too cheap to be moved
            for module, limit, value in (
                (blocks, "_large", 16), (blocks, "_block", 64), (cheapest, "_few", 1),
                (together, "_small", 10), (expressions, "_short", 4),
            ):  # fmt: skip
                context.enter_context(patch.object(module, limit, value))
        eager, replayed = Trained(about, m), Trained(about, m)
        compiled = mg.compile(replayed.step)
        kept = []
        for k in range(5):
            numbers = (lambd, 0.3, lambd, 0.9, 0.0)[k], keep_prob
            expected = eager.step(mg.Tensor(eager.X), mg.Tensor(eager.Y), *numbers)
            found = compiled(replayed.X, replayed.Y, *numbers)
            np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-10)
            for p, q in zip(eager.parameters, replayed.parameters, strict=True):
                np.testing.assert_allclose(q.data, p.data, rtol=1e-9, atol=1e-11)
                if p.grad is not None:
                    np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=1e-9, atol=1e-11)
                kept.append((q.data.T[:1] if q.ndim else q.data, q.data.T[:1].copy()))
            for view, as_it_was in kept:
                np.testing.assert_array_equal(view, as_it_was)
        assert replayed.masks.random() == eager.masks.random()
