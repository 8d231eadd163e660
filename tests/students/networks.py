"""The networks whose backward passes the students write.

`networks[name](seed)` gives the loss, recorded, and what a student is handed: the forward values, masks and
constants by name, as plain arrays and numbers.  The inputs are generic (m = 7, lambd = 0.9, keep_prob = 0.8,
biases that are not zero), and sizes differ, except where a name says that they coincide.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import minigrad as mg
from minigrad import nn

m, lambd, keep_prob = 7, 0.9, 0.8

Values = dict[str, Any]
networks: dict[str, Callable[[int], tuple[mg.Tensor, Values]]] = {}


def network(name: str) -> Callable[[Callable[[np.random.Generator], mg.Tensor]], Callable]:
    """Enter a function from a generator to a loss as a network."""

    def enter(build: Callable[[np.random.Generator], mg.Tensor]) -> Callable:
        def built(seed: int) -> tuple[mg.Tensor, Values]:
            loss = build(np.random.default_rng([seed, len(name)]))
            return loss, values_of(loss)

        assert name not in networks, name
        networks[name] = built
        return build

    return enter


def values_of(loss: mg.Tensor) -> Values:
    """The leaves and the named values of the forward pass and the cost, by name.

    They are those of the derivation: an activation that only the backward pass needs (A3, where the loss is
    computed from the logits Z3) is among them.  The number of examples is there in any case.
    """
    derivation = mg.derive(loss)
    lines = [line.value for line in derivation.lines.lines if line.section != "backward"]
    named = [*derivation.program.leaves, *(value for value in lines if value.label)]
    values: Values = {}
    for value in named:
        name = value.label if value.kind == "constant" else value.name  # each layer has its own keep_prob
        number = not value.tensor.ndim
        content = value.tensor.item() if number else value.tensor.data.copy()
        assert not number or values.get(name, content) == content, name
        values[name] = content
    values.setdefault("m", m)
    return values


def named(name: str, value: mg.Tensor) -> mg.Tensor:
    value.name = name
    return value


def parameter(rng: np.random.Generator, name: str, *shape: int, scale: float = 0.8) -> mg.Tensor:
    return mg.Tensor(scale * rng.standard_normal(shape), requires_grad=True, name=name)


def inputs(rng: np.random.Generator, n: int = 3) -> mg.Tensor:
    return mg.Tensor(rng.standard_normal((m, n)), name="X")


def labels(rng: np.random.Generator) -> mg.Tensor:
    """Zeros and ones, both among them."""
    return mg.Tensor(rng.permutation(np.arange(m) < rng.integers(2, m - 1)).astype(float)[:, None], name="Y")


def classes(rng: np.random.Generator, n: int) -> mg.Tensor:
    return mg.Tensor(np.eye(n)[rng.integers(0, n, m)], name="Y")


def layers(
    rng: np.random.Generator,
    *widths: int,
    hidden: type[nn.Module] = nn.ReLU,
    dropout: bool = False,
    last: type[nn.Module] | None = None,
) -> nn.Sequential:
    """Linear layers of these widths, after each but the last an activation and maybe dropout."""
    made: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(pairwise(widths), start=1):
        linear = nn.Linear(n_in, n_out, rng=rng)
        with mg.no_grad():
            linear.bias += 0.4 * rng.standard_normal(n_out)
        made.append(linear)
        if i < len(widths) - 1:
            made.append(hidden())
            if dropout:
                made.append(nn.Dropout(keep_prob=keep_prob, rng=rng))
    return nn.Sequential(*made, *([last()] if last else []))


def classifier(
    *widths: int,
    hidden: type[nn.Module] = nn.ReLU,
    dropout: bool = False,
    penalty: bool = False,
    logits: bool = False,
) -> Callable[[np.random.Generator], mg.Tensor]:
    """Binary cross-entropy of a network with one output, from its probabilities or its logits."""

    def build(rng: np.random.Generator) -> mg.Tensor:
        X, Y = inputs(rng, widths[0]), labels(rng)
        model = layers(rng, *widths, hidden=hidden, dropout=dropout, last=None if logits else nn.Sigmoid)
        cost = nn.binary_cross_entropy_with_logits if logits else nn.binary_cross_entropy
        J = cost(model(X), Y)
        return J + nn.l2_penalty(model, lambd=lambd, m=m) if penalty else J

    return build


two, three, equal, wide = (3, 5, 1), (3, 5, 4, 1), (3, 5, 5, 1), (3, m, 1)

network("two-layer")(classifier(*two))
network("two-layer L2")(classifier(*two, penalty=True))
network("two-layer dropout")(classifier(*two, dropout=True))
network("two-layer both")(classifier(*two, penalty=True, dropout=True))
network("three-layer")(classifier(*three))
network("three-layer L2")(classifier(*three, penalty=True))
network("three-layer dropout")(classifier(*three, dropout=True))
network("three-layer both")(classifier(*three, penalty=True, dropout=True))
network("three-layer L2 from logits")(classifier(*three, penalty=True, logits=True))
network("three-layer dropout from logits")(classifier(*three, dropout=True, logits=True))
network("three-layer both from logits")(classifier(*three, penalty=True, dropout=True, logits=True))
network("equal widths L2")(classifier(*equal, penalty=True))
network("equal widths dropout")(classifier(*equal, dropout=True))
network("equal widths both")(classifier(*equal, penalty=True, dropout=True, logits=True))
network("as wide as the batch")(classifier(*wide))
network("two-layer tanh")(classifier(*two, hidden=nn.Tanh))
network("three-layer tanh L2")(classifier(*three, hidden=nn.Tanh, penalty=True))
network("equal widths tanh")(classifier(*equal, hidden=nn.Tanh, logits=True))
network("three-layer sigmoid")(classifier(*three, hidden=nn.Sigmoid, logits=True))
network("logistic regression L2")(classifier(4, 1, penalty=True))
network("inputs as wide as the hidden layers")(classifier(4, 4, 4, 1, penalty=True, logits=True))


@network("dead units")
def _(rng: np.random.Generator) -> mg.Tensor:
    """Two units of the first hidden layer have no weights yet: their Z1 is exactly 0."""
    X, Y = inputs(rng), labels(rng)
    model = layers(rng, *three)
    with mg.no_grad():
        alive = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
        model[0].weight *= alive[:, None]
        model[0].bias *= alive
    return nn.binary_cross_entropy_with_logits(model(X), Y)


@network("softmax")
def _(rng: np.random.Generator) -> mg.Tensor:
    X, Y = inputs(rng), classes(rng, 10)
    A2 = layers(rng, 3, 5, 10, last=nn.Softmax)(X)
    return -np.mean(np.sum(Y * np.log(A2), axis=1))


@network("softmax both")
def _(rng: np.random.Generator) -> mg.Tensor:
    X, Y = inputs(rng), classes(rng, 10)
    model = layers(rng, 3, 5, 10, dropout=True, last=nn.Softmax)
    return -np.sum(Y * np.log(model(X))) / mg.constant(m, "m") + nn.l2_penalty(model, lambd=lambd, m=m)


@network("softmax from logits")
def _(rng: np.random.Generator) -> mg.Tensor:
    """Three layers of tanh; the cost takes the logits Z3."""
    X, Y = inputs(rng), classes(rng, 10)
    return nn.cross_entropy(layers(rng, 3, 5, 4, 10, hidden=nn.Tanh)(X), Y)


@network("softmax regression L2")
def _(rng: np.random.Generator) -> mg.Tensor:
    X, Y = inputs(rng, 4), classes(rng, 10)
    model = layers(rng, 4, 10, last=nn.Softmax)
    return -np.mean(np.sum(Y * np.log(model(X)), axis=1)) + nn.l2_penalty(model, lambd=lambd, m=m)


def targets(rng: np.random.Generator, n: int) -> mg.Tensor:
    return mg.Tensor(rng.standard_normal((m, n)), name="Y")


@network("linear regression")
def _(rng: np.random.Generator) -> mg.Tensor:
    """The mean of squares over all entries, examples and outputs."""
    X, Y = inputs(rng, 4), targets(rng, 3)
    W, b = parameter(rng, "W", 3, 4), parameter(rng, "b", 3)
    Y_hat = named("Y_hat", X @ W.T + b)
    return nn.mse_loss(Y_hat, Y)


@network("ridge regression")
def _(rng: np.random.Generator) -> mg.Tensor:
    """Squares summed over the outputs, halved, averaged over the examples; L2."""
    X, Y = inputs(rng), targets(rng, 2)
    W, b = parameter(rng, "W", 2, 3), parameter(rng, "b", 2)
    Y_hat = named("Y_hat", X @ W.T + b)
    count = mg.constant(m, "m")
    penalty = mg.constant(lambd, "lambd") / (2 * count) * np.sum(np.square(W))
    return np.sum(np.square(Y_hat - Y)) / (2 * count) + penalty


@network("regression tanh")
def _(rng: np.random.Generator) -> mg.Tensor:
    X, Y = inputs(rng, 4), targets(rng, 3)
    return nn.mse_loss(layers(rng, 4, 5, 3, hidden=nn.Tanh)(X), Y)


@network("batch statistics")
def _(rng: np.random.Generator) -> mg.Tensor:
    """Z1 normalised by the batch's mean and variance, then scaled and shifted; no bias before it."""
    X, Y = inputs(rng), labels(rng)
    W1, W2, b2 = parameter(rng, "W1", 5, 3), parameter(rng, "W2", 1, 5), parameter(rng, "b2", 1)
    gamma = mg.Tensor(1 + 0.3 * rng.standard_normal(5), requires_grad=True, name="gamma")
    beta = parameter(rng, "beta", 5)
    Z1 = named("Z1", X @ W1.T)
    mu = named("mu", np.mean(Z1, axis=0))
    var = named("var", np.mean(np.square(Z1 - mu), axis=0))
    X_hat = named("X_hat", (Z1 - mu) / np.sqrt(var + mg.constant(1e-5, "eps")))
    H1 = named("H1", gamma * X_hat + beta)
    A1 = named("A1", mg.relu(H1))
    Z2 = named("Z2", A1 @ W2.T + b2)
    return nn.binary_cross_entropy_with_logits(Z2, Y)


@network("residual")
def _(rng: np.random.Generator) -> mg.Tensor:
    """A2 = A1 + relu(Z2): A1 goes on by two branches."""
    X, Y = inputs(rng), labels(rng)
    W1, b1 = parameter(rng, "W1", 5, 3), parameter(rng, "b1", 5)
    W2, b2 = parameter(rng, "W2", 5, 5), parameter(rng, "b2", 5)
    W3, b3 = parameter(rng, "W3", 1, 5), parameter(rng, "b3", 1)
    Z1 = named("Z1", X @ W1.T + b1)
    A1 = named("A1", mg.relu(Z1))
    Z2 = named("Z2", A1 @ W2.T + b2)
    R2 = named("R2", mg.relu(Z2))
    A2 = named("A2", A1 + R2)
    Z3 = named("Z3", A2 @ W3.T + b3)
    A3 = named("A3", mg.sigmoid(Z3))
    return nn.binary_cross_entropy(A3, Y)


@network("tied autoencoder")
def _(rng: np.random.Generator) -> mg.Tensor:
    """The decoder's weight is the encoder's, transposed; the cost is the squared error of X_rec, halved."""
    X = inputs(rng, 4)
    W, b1, b2 = parameter(rng, "W", 3, 4), parameter(rng, "b1", 3), parameter(rng, "b2", 4)
    Z1 = named("Z1", X @ W.T + b1)
    A1 = named("A1", np.tanh(Z1))
    Z2 = named("Z2", A1 @ W + b2)
    return np.sum(np.square(Z2 - X)) / (2 * mg.constant(m, "m"))


@network("tied layers")
def _(rng: np.random.Generator) -> mg.Tensor:
    """One square weight used by two layers, as in a recurrence of two steps, and one bias."""
    X, Y = inputs(rng, 4), labels(rng)
    U, b = parameter(rng, "U", 4, 4), parameter(rng, "b", 4)
    W3, b3 = parameter(rng, "W3", 1, 4), parameter(rng, "b3", 1)
    Z1 = named("Z1", X @ U.T + b)
    A1 = named("A1", np.tanh(Z1))
    Z2 = named("Z2", A1 @ U.T + b)
    A2 = named("A2", np.tanh(Z2))
    Z3 = named("Z3", A2 @ W3.T + b3)
    A3 = named("A3", mg.sigmoid(Z3))
    return nn.binary_cross_entropy(A3, Y)


# ---- of another kind


@network("attention")
def _(rng: np.random.Generator) -> mg.Tensor:
    """One head of attention among the seven rows of X, and the squared error of what it gives."""
    X, Y = inputs(rng, 4), targets(rng, 3)
    Wq, Wk, Wv = (parameter(rng, name, 4, n) for name, n in (("Wq", 5), ("Wk", 5), ("Wv", 3)))
    Q, K, V = named("Q", X @ Wq), named("K", X @ Wk), named("V", X @ Wv)
    R = named("R", Q @ K.T)
    S = named("S", R / np.sqrt(mg.constant(5, "d_k")))
    P = named("P", mg.softmax(S))
    O = named("O", P @ V)  # noqa: E741
    return np.sum(np.square(O - Y)) / (2 * mg.constant(m, "m"))


@network("convolution")
def _(rng: np.random.Generator) -> mg.Tensor:
    """A kernel w that slides along each row of X, relu, and a weight for each place."""
    X, Y = inputs(rng, 9), targets(rng, 6)
    w, b, v = parameter(rng, "w", 4), parameter(rng, "b", 1), parameter(rng, "v", 6)
    windows = named("windows", X[:, np.arange(6)[:, None] + np.arange(4)])
    Z = named("Z", windows @ w + b)
    A = named("A", mg.relu(Z))
    E = named("E", A * v - Y)
    return np.sum(E * E) / (2 * mg.constant(m, "m"))


@network("pair potential")
def _(rng: np.random.Generator) -> mg.Tensor:
    """The mean Lennard-Jones energy of particles at X and one at c."""
    X = inputs(rng)
    c = mg.Tensor(1.5 + 0.3 * rng.standard_normal(3), requires_grad=True, name="c")
    eps = mg.Tensor([1.3], requires_grad=True, name="eps")
    sigma = mg.Tensor([2.1], requires_grad=True, name="sigma")
    D = named("D", X - c)
    r = named("r", np.sqrt(np.sum(D * D, axis=1)))
    q = named("q", sigma / r)
    u = named("u", q**6)
    return np.sum(4 * eps * (u * u - u)) / mg.constant(m, "m")


@network("softmax by hand")
def _(rng: np.random.Generator) -> mg.Tensor:
    """The softmax is written as what it is, and not called."""
    X, Y = inputs(rng, 4), classes(rng, 3)
    W1, b1 = parameter(rng, "W1", 5, 4), parameter(rng, "b1", 5)
    W2, b2 = parameter(rng, "W2", 3, 5), parameter(rng, "b2", 3)
    Z1 = named("Z1", X @ W1.T + b1)
    A1 = named("A1", np.tanh(Z1))
    Z2 = named("Z2", A1 @ W2.T + b2)
    E = named("E", np.exp(Z2))
    s = named("s", np.sum(E, axis=1, keepdims=True))
    A2 = named("A2", E / s)
    return -np.sum(Y * np.log(A2)) / mg.constant(m, "m")


@network("regression both")
def _(rng: np.random.Generator) -> mg.Tensor:
    """tanh, dropout and L2; the mean of squares over examples and two outputs."""
    X, Y = inputs(rng, 4), targets(rng, 2)
    model = layers(rng, 4, 6, 2, hidden=nn.Tanh, dropout=True)
    return nn.mse_loss(model(X), Y) + nn.l2_penalty(model, lambd=lambd, m=m)
