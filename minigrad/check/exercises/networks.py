"""The networks of the exercises: a cost to differentiate, with generic numbers, and the task in words.

Generic: m = 7, lambd = 0.9, keep_prob = 0.8, no two widths alike, biases that are not zero, and masks that
shut something down.  m = 1 hides every mistake in 1/m, λ = 0 every one in L2, keep_prob = 0.5 the exchange of
keeping and dropping, and a square W a transpose.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigrad import nn
from minigrad.functions import relu, sigmoid, softmax
from minigrad.program import Program
from minigrad.show import derive
from minigrad.tensor import Tensor, constant

m, lambd, keep_prob = 7, 0.9, 0.8
_two, _three = (3, 5, 1), (3, 5, 4, 1)
_tries = 200


class Network(NamedTuple):
    """A recorded cost, and all values by name as plain arrays and numbers: X, W1, Z1, D1, m ..."""

    loss: Tensor
    values: dict[str, Any]

    def __repr__(self) -> str:
        return f"Network(loss={self.loss.item():.6g}, values of {', '.join(self.values)})"

    @property
    def parameters(self) -> list[Tensor]:
        """The leaves that need a gradient."""
        return [leaf.tensor for leaf in Program(self.loss).leaves if leaf.tensor.requires_grad]


class Kind(NamedTuple):
    """A kind of network: the task in words, and how its cost is built from drawn numbers."""

    task: str
    build: Callable[[Numbers], Tensor]


def network(name: str, seed: int) -> Network:
    """A network by name, with numbers that depend on the seed alone."""
    numbers = Numbers(np.random.default_rng([seed, *name.encode()]))
    for _ in range(_tries):
        loss = kinds[name].build(numbers)
        if _is_generic(loss):
            return Network(loss, _values(loss))
    raise RuntimeError(f"no generic numbers were drawn for {name!r} in {_tries} tries")


def _values(loss: Tensor) -> dict[str, Any]:
    """Those of the derivation: an activation that only the backward pass needs (A3) is among them."""
    derivation = derive(loss)
    lines = [line.value for line in derivation.lines.lines if line.section != "backward"]
    written = derivation.source.written_name
    return {
        written(v): v.tensor._value if v.kind == "constant" else np.array(v.tensor.data)
        for v in (*derivation.program.leaves, *lines)
        if v.label
    }


def _is_generic(loss: Tensor) -> bool:
    """Whether mistakes show in every line: masks shut something down, no unit is always on, or off."""
    program = Program(loss)
    masks = [leaf.tensor.data for leaf in program.leaves if leaf.tensor.dtype == bool]
    rectified = [e.output.tensor.data > 0 for e in program.equations if e.function is relu]
    some_off = all(not np.all(mask) for mask in masks) and all(not np.any(np.all(x, 0)) for x in rectified)
    return some_off and all(np.all(np.any(x, axis=0)) for x in (*masks, *rectified))


class Numbers:
    """Data, parameters and masks, drawn and named."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def inputs(self, n: int) -> Tensor:
        """X (m, n)."""
        return Tensor(self.rng.standard_normal((m, n)), name="X")

    def labels(self) -> Tensor:
        """Y (m, 1), zeros and ones, both among them."""
        ones = np.arange(m) < self.rng.integers(2, m - 1)
        return Tensor(self.rng.permutation(ones)[:, None], name="Y", dtype=float)

    def classes(self, n: int) -> Tensor:
        """Y (m, n), a one in each row."""
        return Tensor(np.eye(n)[self.rng.integers(0, n, m)], name="Y")

    def targets(self, n: int) -> Tensor:
        """Y (m, n), any numbers."""
        return Tensor(self.rng.standard_normal((m, n)), name="Y")

    def parameter(self, name: str, *shape: int, scale: float = 0.8) -> Tensor:
        """A leaf that needs a gradient."""
        return Tensor(scale * self.rng.standard_normal(shape), requires_grad=True, name=name)

    def mask(self, name: str, n: int) -> Tensor:
        """Which of n units are kept, for each example."""
        return Tensor(self.rng.random((m, n)) < keep_prob, name=name)


def _named(name: str, value: Any) -> Tensor:
    value.name = name
    return value


def _layers(
    numbers: Numbers, X: Tensor, widths: tuple[int, ...], hidden: Callable[[Any], Any], dropout: bool = False
) -> tuple[Tensor, list[Tensor]]:
    """The last layer's Z, and the weights: Z = A W.T + b; A = hidden(Z), and inverted dropout, between."""
    weights: list[Tensor] = []
    keep = constant(keep_prob, "keep_prob")
    A, Z = X, X
    for i, (n_in, n_out) in enumerate(pairwise(widths), start=1):
        W, b = numbers.parameter(f"W{i}", n_out, n_in), numbers.parameter(f"b{i}", n_out, scale=0.4)
        weights.append(W)
        Z = _named(f"Z{i}", A @ W.T + b)
        if i < len(widths) - 1:
            A = _named(f"A{i}", hidden(Z))
            if dropout:
                A = _named(f"A{i}_drop", A * numbers.mask(f"D{i}", n_out) / keep)
    return Z, weights


def _penalty(weights: list[Tensor]) -> Tensor:
    squares = sum((np.sum(np.square(W)) for W in weights[1:]), np.sum(np.square(weights[0])))
    return _named("L2", constant(lambd, "lambd") / (2 * constant(m, "m")) * squares)


def _classifier(
    *widths: int, hidden: Callable[[Any], Any] = relu, dropout: bool = False, penalty: bool = False
) -> Callable[[Numbers], Tensor]:
    """Binary cross-entropy, computed from the last Z, and L2."""

    def build(numbers: Numbers) -> Tensor:
        X, Y = numbers.inputs(widths[0]), numbers.labels()
        Z, weights = _layers(numbers, X, widths, hidden, dropout)
        cost = _named("cross_entropy", nn.binary_cross_entropy_with_logits(Z, Y))
        return cost + _penalty(weights) if penalty else cost

    return build


def _line(numbers: Numbers) -> Tensor:
    X, Y = numbers.inputs(4), numbers.targets(3)
    W, b = numbers.parameter("W", 3, 4), numbers.parameter("b", 3)
    R = _named("R", _named("Z", X @ W.T + b) - Y)
    return np.sum(np.square(R)) / (2 * constant(m, "m"))


def _regression(numbers: Numbers) -> Tensor:
    X, Y = numbers.inputs(4), numbers.targets(3)
    Z, weights = _layers(numbers, X, (4, 5, 3), np.tanh)
    R = _named("R", Z - Y)
    cost = _named("squared_error", np.sum(np.square(R)) / (2 * constant(m, "m")))
    return cost + _penalty(weights)


def _probability(numbers: Numbers) -> Tensor:
    X, Y = numbers.inputs(3), numbers.labels()
    Z, _ = _layers(numbers, X, _two, relu)
    A = _named("A2", sigmoid(Z))
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def _softmax(numbers: Numbers) -> Tensor:
    X, Y = numbers.inputs(3), numbers.classes(4)
    Z, weights = _layers(numbers, X, (3, 5, 4), relu)
    A = _named("A2", softmax(Z))
    cost = _named("cross_entropy", -np.sum(Y * np.log(A)) / constant(m, "m"))
    return cost + _penalty(weights)


def _tied(numbers: Numbers) -> Tensor:
    X = numbers.inputs(4)
    W, b1, b2 = numbers.parameter("W", 3, 4), numbers.parameter("b1", 3), numbers.parameter("b2", 4)
    A1 = _named("A1", np.tanh(_named("Z1", X @ W.T + b1)))
    R = _named("R", _named("Z2", A1 @ W + b2) - X)
    return np.sum(np.square(R)) / (2 * constant(m, "m"))


def _recurrence(numbers: Numbers) -> Tensor:
    X1, X2, Y = (
        Tensor(numbers.rng.standard_normal((m, 3)), name="X1"),
        Tensor(numbers.rng.standard_normal((m, 3)), name="X2"),
        numbers.labels(),
    )
    W, U, b = numbers.parameter("W", 4, 3), numbers.parameter("U", 4, 4), numbers.parameter("b", 4)
    V, c = numbers.parameter("V", 1, 4), numbers.parameter("c", 1)
    H1 = _named("H1", np.tanh(_named("Z1", X1 @ W.T + b)))
    H2 = _named("H2", np.tanh(_named("Z2", X2 @ W.T + H1 @ U.T + b)))
    return _named("cross_entropy", nn.binary_cross_entropy_with_logits(_named("Z3", H2 @ V.T + c), Y))


def _residual(numbers: Numbers) -> Tensor:
    X, Y = numbers.inputs(3), numbers.labels()
    W1, b1 = numbers.parameter("W1", 5, 3), numbers.parameter("b1", 5)
    W2, b2 = numbers.parameter("W2", 5, 5), numbers.parameter("b2", 5)
    W3, b3 = numbers.parameter("W3", 1, 5), numbers.parameter("b3", 1)
    A1 = _named("A1", relu(_named("Z1", X @ W1.T + b1)))
    A2 = _named("A2", A1 + _named("R2", relu(_named("Z2", A1 @ W2.T + b2))))
    Z3 = _named("Z3", A2 @ W3.T + b3)
    return _named("cross_entropy", nn.binary_cross_entropy_with_logits(Z3, Y))


def _statistics(numbers: Numbers) -> Tensor:
    X, Y = numbers.inputs(3), numbers.labels()
    W1, W2, b2 = numbers.parameter("W1", 5, 3), numbers.parameter("W2", 1, 5), numbers.parameter("b2", 1)
    gamma, beta = numbers.parameter("gamma", 5), numbers.parameter("beta", 5)
    Z1 = _named("Z1", X @ W1.T)
    C1 = _named("C1", Z1 - np.mean(Z1, axis=0))
    var = _named("var", np.mean(np.square(C1), axis=0))
    X_hat = _named("X_hat", C1 / _named("std", np.sqrt(var + constant(1e-5, "eps"))))
    A1 = _named("A1", relu(_named("H1", gamma * X_hat + beta)))
    Z2 = _named("Z2", A1 @ W2.T + b2)
    return _named("cross_entropy", nn.binary_cross_entropy_with_logits(Z2, Y))


_cost = (
    "The cost is the binary cross-entropy -(Y log A + (1 - Y) log(1 - A)), averaged over the m examples, "
    "where A is the sigmoid of the last Z; it is computed from that Z, so that no logarithm of 0 can "
    "come up."
)

kinds: dict[str, Kind] = {
    "line": Kind(
        "A straight line through points, to warm up: the cost is the squared residual R = Z - Y, summed "
        "over the outputs, averaged over the m examples, and halved.",
        _line,
    ),
    "logistic": Kind(f"Logistic regression: one layer, no hidden units. {_cost}", _classifier(4, 1)),
    "plain": Kind(f"Three layers, relu in between. {_cost}", _classifier(*_three)),
    "l2": Kind(
        f"Three layers, relu in between. {_cost} To it, lambd / (2 m) times the sum of all squared "
        "weights is added.",
        _classifier(*_three, penalty=True),
    ),
    "dropout": Kind(
        "Three layers, relu in between, and inverted dropout: the masks D1 and D2 say which units were "
        f"kept, and what is kept is divided by keep_prob. {_cost}",
        _classifier(*_three, dropout=True),
    ),
    "both": Kind(
        "Three layers, relu in between, with inverted dropout (masks D1 and D2, and a division by "
        f"keep_prob) and L2 at once. {_cost} To it, lambd / (2 m) times the sum of all squared weights is "
        "added.",
        _classifier(*_three, dropout=True, penalty=True),
    ),
    "tanh": Kind(
        f"Three layers, tanh in between, and L2. {_cost} To it, lambd / (2 m) times the sum of all squared "
        "weights is added.",
        _classifier(*_three, hidden=np.tanh, penalty=True),
    ),
    "probability": Kind(
        "Two layers, relu in between. The cost is the binary cross-entropy of the probabilities A2, "
        "averaged over the m examples, as a textbook writes it: go from A2 back to Z2, or straight to Z2.",
        _probability,
    ),
    "softmax": Kind(
        "Two layers, relu in between, and four classes: the cost is the cross-entropy of A2 = "
        "softmax(Z2) with Y, which has a one in each row, averaged over the m examples. L2 is added.",
        _softmax,
    ),
    "regression": Kind(
        "Two layers, tanh in between, for three numbers per example: the cost is the squared residual R "
        "= Z2 - Y, summed over the outputs, averaged over the m examples, and halved. L2 is added.",
        _regression,
    ),
    "residual": Kind(
        f"A layer whose input goes past it too: A2 = A1 + relu(Z2), so A1 is used twice. {_cost}", _residual
    ),
    "tied": Kind(
        "An autoencoder whose decoder has the encoder's weight, transposed, so W is used twice. The cost "
        "is the squared residual R = Z2 - X, summed over the columns, averaged over the m examples, and "
        "halved.",
        _tied,
    ),
    "recurrence": Kind(
        f"A recurrence of two steps: both use W and b, and the second gets H1 through U. {_cost}", _recurrence
    ),
    "batch statistics": Kind(
        "A layer that is normalised by the mean and the variance of its batch, then scaled by gamma and "
        f"shifted by beta. {_cost} Both statistics depend on each of the examples.",
        _statistics,
    ),
}
"""Name -> kind, the easier ones first."""
