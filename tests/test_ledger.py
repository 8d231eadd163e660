"""regularization: what penalises which parameter, and the weight_decay that is the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.show.derivation.ledger import Ledger, regularization

m, lambd, keep_prob = 7, 0.9, 0.8


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def network() -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, (n_in, n_out) in enumerate(((2, 4), (4, 3))):
        layers += [nn.Linear(n_in, n_out, rng=i), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=i)]
    return nn.Sequential(*layers, nn.Linear(3, 1, rng=5))


def fit(model: nn.Module) -> mg.Tensor:
    Y = mg.Tensor((normal(m, 1, seed=8) > 0).astype(float), name="Y")
    J = nn.binary_cross_entropy_with_logits(model(mg.Tensor(normal(m, 2, seed=9), name="X")), Y)
    J.name = "cross_entropy"
    return J


def l2(weights: Any, **options: Any) -> mg.Tensor:
    penalty = nn.l2_penalty(weights, **{"lambd": lambd, "m": m, **options})
    penalty.name = "L2"
    return penalty


def ledger(penalty: Callable[[nn.Module], Any], optimizer: Callable[[Any], Any] | None = None) -> Ledger:
    model = network()
    return regularization(model, fit(model) + penalty(model), optimizer and optimizer(model.parameters()))


def test_l2_of_the_notes():
    found = ledger(l2)
    for name in ("W1", "W2", "W3"):
        row = found[name]
        assert row.penalties == ("L2",)
        assert row.coefficient == pytest.approx(lambd / (2 * m), rel=1e-12)
        assert row.weight_decay == pytest.approx(lambd / m, rel=1e-12)
        assert row.expression == f"lambd / m * {name}"
    for name in ("b1", "b2", "b3"):
        row = found[name]
        assert (row.penalties, row.coefficient, row.penalty_norm, row.bias) == ((), 0, 0, True)
    assert found.warnings == ()


def test_the_norms_are_those_of_the_gradients():
    model = network()
    cost, penalty = fit(model), l2(model)
    found = regularization(model, cost + penalty)
    for row, p in zip(found.rows, model.parameters(), strict=True):
        assert row.data_norm == pytest.approx(np.linalg.norm(mg.grad(cost, p).data.ravel()))
        g = mg.grad(penalty, p, allow_unused=True).data
        assert row.penalty_norm == pytest.approx(np.linalg.norm(g.ravel()))


def test_weight_decay_is_the_penalty_in_an_optimizer():
    """The number of the ledger, given to SGD and to Adam, takes the steps of the penalty in the loss."""
    for kind in (mg.optim.SGD, mg.optim.Adam):
        penalised, decayed = network(), network()
        decay = ledger(l2)["W1"].weight_decay
        one = kind(penalised.parameters(), lr=0.1)
        other = kind(decayed.parameters(), lr=0.1, weight_decay=decay)
        for _ in range(3):
            for model, optimizer in ((penalised, one), (decayed, other)):
                optimizer.zero_grad()
                J = fit(model)
                (J + l2(model) if model is penalised else J).backward()
                optimizer.step()
        for p, q in zip(penalised.parameters(), decayed.parameters(), strict=True):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-10, atol=1e-13)


def weights(model: nn.Module) -> list[mg.Tensor]:
    return [p for p in model.parameters() if p.decay]


def total(function: Callable[[mg.Tensor], Any]) -> Callable[[nn.Module], Any]:
    return lambda model: sum(0.3 * function(W) for W in weights(model))


@pytest.mark.parametrize(
    ("function", "c"),
    [
        (lambda W: np.sum(W**2), 0.3),
        (lambda W: np.sum(W * W) / 2, 0.15),
        (lambda W: np.mean(np.square(W.T)) * W.size, 0.3),
        (lambda W: np.sum(np.abs(W) ** 2), 0.3),
        (lambda W: W.reshape(-1) @ W.reshape(-1), 0.3),
        (lambda W: np.sum((W * mg.Tensor(2.0, name="s")) ** 2), 1.2),
        (lambda W: -np.sum(W**2), -0.3),
        (lambda W: np.abs(W).sum(), None),
        (lambda W: np.sum(W**4), None),
        (lambda W: np.sqrt(np.sum(W**2)), None),
        (lambda W: np.sum(W[0] ** 2), None),
        (lambda W: np.sum(W**2) + np.abs(W).sum(), None),
        (lambda W: np.sum(np.where(np.abs(W) < 9, W**2, 18 * np.abs(W) - 81)), None),
        (lambda W: np.sum((W - 1) ** 2), None),
    ],
)
def test_the_coefficient_comes_from_the_gradient(function, c):
    found = ledger(total(function))
    for name in ("W1", "W2"):
        assert found[name].penalties
        assert found[name].coefficient == (c if c is None else pytest.approx(c))
    if c is None:
        assert "not L2" in str(found)
        assert "no weight_decay equals it" in str(found)


def test_weights_of_zero_have_a_coefficient_too():
    model = network()
    with mg.no_grad():
        for W in weights(model):
            W[...] = np.zeros(W.shape)
    found = regularization(model, fit(model) + l2(model))
    assert found["W2"].coefficient == pytest.approx(lambd / (2 * m))
    assert (
        regularization(model, fit(model) + total(lambda W: np.abs(W).sum())(model))["W2"].coefficient is None
    )


def test_weights_in_which_l1_and_l2_look_alike():
    """Where all entries are ±1/2, sign(W) is 2 W: the gradient is computed anew elsewhere."""
    model = network()
    with mg.no_grad():
        for W in weights(model):
            W[...] = np.where(normal(*W.shape) > 0, 0.5, -0.5)
    assert (
        regularization(model, fit(model) + total(lambda W: np.abs(W).sum())(model))["W1"].coefficient is None
    )


@pytest.mark.parametrize(
    "value",
    [0.9, mg.Tensor(0.9, name="lambd"), mg.Tensor(0.9)],
)
def test_lambda_as_a_tensor(value):
    assert ledger(lambda model: l2(model, lambd=value))["W1"].coefficient == pytest.approx(0.9 / 14)


def test_a_coefficient_that_is_trained_is_no_weight_decay():
    value = mg.Tensor(0.9, requires_grad=True, name="lambd")
    found = ledger(lambda model: l2(model, lambd=value))
    assert found["W1"].coefficient is None
    assert found["W1"].weight_decay is None
    assert found["W1"].depends_on == ("lambd",)
    assert any("c depends on lambd, so no weight_decay equals it" in note for note in found.notes)
    assert "weight_decay=" not in "".join(found.notes)


def test_a_coefficient_that_moves_with_other_weights():
    found = ledger(lambda model: 0.1 * np.sum(weights(model)[0] ** 2) * np.sum(weights(model)[1] ** 2))
    assert [found[name].coefficient for name in ("W1", "W2")] == [None, None]
    assert (found["W1"].depends_on, found["W2"].depends_on) == (("W2",), ("W1",))
    assert "c depends on W2" in " ".join(str(found).split())


def test_a_penalty_that_is_l2_up_to_large_weights_only():
    for bound in (1e3, 1e5):
        found = ledger(total(lambda W, bound=bound: np.sum(np.minimum(np.abs(W), bound) ** 2)))
        assert found["W1"].coefficient is None


def test_float16():
    model = nn.Linear(2, 1, rng=0, dtype=np.float16)
    J = nn.mse_loss(model(normal(m, 2).astype(np.float16)), normal(m, 1).astype(np.float16))
    half = np.float16(0.5)
    assert regularization(model, J + half * np.sum(model.weight**2))["W"].coefficient == 0.5


@pytest.mark.parametrize("named", [False, True])
def test_a_fixed_array_in_a_penalty_is_no_data(named):
    mask = (np.arange(8).reshape(4, 2) % 3 > 0) * 1.0
    given = mg.Tensor(mask, name="kept") if named else mask
    found = ledger(lambda model: np.sum(given * weights(model)[0] ** 2))
    assert found["W1"].penalties == ("sum_1",)
    assert found["W1"].coefficient is None
    assert "W1: sum_1 is not c ‖W1‖², so no weight_decay equals it" in found.notes


def test_what_a_model_makes_of_data_is_no_penalty():
    """Of data that were scaled before the call, or of a second set; and what is made of the same data."""
    model = network()
    X = mg.Tensor(normal(m, 2), name="X")
    other = nn.mse_loss(model(2 * mg.Tensor(normal(m, 2, seed=3), name="X2")), normal(m, 1))
    shared = np.sum((X @ weights(model)[0].T) ** 2)
    fit_one = nn.mse_loss(model(X), normal(m, 1, seed=4))
    assert all(not row.penalties for row in regularization(model, fit_one + other + shared).rows)


def test_weights_and_biases_penalised_alike():
    notes = ledger(lambda model: l2(model, biases=True)).notes
    assert "Keras: kernel_regularizer=L2(0.0642857) for W1, W2, W3" in notes
    assert "Keras: bias_regularizer=L2(0.0642857) for b1, b2, b3" in notes


def test_two_penalties_add():
    found = ledger(lambda model: l2(model) + l2(weights(model)[:1], lambd=0.1))
    assert found["W1"].penalties == ("L2_1", "L2_2")
    assert found["W1"].coefficient == pytest.approx(1.0 / 14)
    assert found["W2"].coefficient == pytest.approx(0.9 / 14)
    assert "PyTorch: SGD or Adam with weight_decay=0.142857 for W1" in str(found)
    assert "Keras: kernel_regularizer=L2(0.0642857) for W2, W3" in str(found)


def test_factors_around_the_loss_count():
    model = network()
    found = regularization(model, 0.5 * (fit(model) + l2(model)))
    assert found["W1"].coefficient == pytest.approx(0.5 * lambd / (2 * m))
    assert found.loss == "J"


def test_float32():
    model = nn.Linear(2, 1, rng=0, dtype=np.float32)
    J = nn.mse_loss(model(normal(m, 2).astype(np.float32)), normal(m, 1).astype(np.float32))
    assert regularization(model, J + l2(model))["W"].coefficient == pytest.approx(lambd / (2 * m), rel=1e-5)


# ---- warnings


@pytest.mark.parametrize("kind", [mg.optim.SGD, mg.optim.Adam, mg.optim.AdamW])
def test_decayed_twice(kind):
    found = ledger(l2, lambda p: kind(p, lr=0.1, weight_decay=0.1))
    (warning,) = found.warnings
    assert warning == (
        f"W1, W2, W3 are decayed twice: by L2 in J and by {kind.__name__}'s weight_decay=0.1; "
        "drop one of the two"
    )
    assert found["W1"].optimizer_decay == 0.1
    assert found["b1"].optimizer_decay == 0
    assert not ledger(l2, lambda p: kind(p, lr=0.1, weight_decay=0)).warnings


def test_l1_in_the_loss_and_l2_in_the_optimizer():
    def sgd(p: Any) -> mg.optim.SGD:
        return mg.optim.SGD(p, lr=0.1, weight_decay=0.1)

    def l1(model: nn.Module) -> mg.Tensor:
        penalty = sum(np.abs(W).sum() for W in weights(model))
        penalty.name = "L1"
        return penalty

    (warning,) = ledger(l1, sgd).warnings
    assert warning == (
        "W1, W2, W3 are pulled at by both L1 in J, an L1, and SGD's weight_decay=0.1, an L2: these are two "
        "different penalties"
    )
    twice, both = ledger(lambda model: l2(model) + l1(model), sgd).warnings
    assert twice.startswith("W1, W2, W3 are decayed twice: by L2 in J and by SGD's")
    assert both == warning
    (other,) = ledger(total(lambda W: np.sum(W**4)), sgd).warnings
    assert "no c ‖W‖²" in other


def test_only_what_the_optimizer_has_is_decayed_twice():
    found = ledger(l2, lambda p: mg.optim.SGD(list(p)[:2], lr=0.1, weight_decay=0.1))
    (warning,) = found.warnings
    assert warning.startswith("W1 is decayed twice")


def test_penalised_biases():
    found = ledger(lambda model: l2(model, biases=True))
    assert found["b2"].coefficient == pytest.approx(lambd / (2 * m))
    assert found.warnings == (
        "b1, b2, b3 are penalised, but a bias shifts a neuron and does not make it steeper",
    )
    (warning,) = ledger(
        lambda model: 0.0, lambda p: mg.optim.SGD(p, lr=0.1, weight_decay=0.1, decay_biases=True)
    ).warnings
    assert warning == "b1, b2, b3 are decayed by SGD, but a bias does not make a neuron steeper"


def test_a_bias_is_known_by_its_name_too():
    class Net(nn.Module):
        def __init__(self) -> None:
            self.W = nn.Parameter(normal(2, 1), name="W")
            self.b = nn.Parameter(normal(1), name="b")  # without decay=False
            self.gain = nn.Parameter(normal(1), name="gain")

        def forward(self, x: Any) -> Any:
            return x @ self.W * self.gain + self.b

    model = Net()
    found = regularization(model, nn.mse_loss(model(normal(m, 2)), normal(m, 1)) + l2(model))
    assert [row.bias for row in found.rows] == [False, True, False]
    assert found.warnings[0].startswith("b is penalised")


def test_a_weight_that_is_left_out():
    found = ledger(lambda model: l2(weights(model)[:2]))
    assert found.warnings == ("W3 is not penalised, while W1, W2 are",)


def test_a_negative_coefficient():
    (warning,) = ledger(lambda model: -l2(model)).warnings
    assert warning == "W1, W2, W3 are pushed to larger values: the coefficient is negative"


def test_what_the_loss_does_not_depend_on():
    model = network()
    J = fit(nn.Sequential(nn.Linear(2, 1, rng=0)))
    with pytest.raises(ValueError, match="depends on no parameter of the model"):
        regularization(model, J)
    found = regularization(model, J + l2(model))
    assert found.warnings == ("J does not depend on b1, b2, b3",)


def test_a_parameter_that_is_not_trained():
    model = network()
    weights(model)[2].requires_grad = False
    found = regularization(model, fit(model) + l2(model))
    assert not found["W3"].trained
    assert "not trained" in str(found)
    assert found.warnings == ()


def test_a_loss_without_a_penalty():
    found = ledger(lambda model: 0.0, lambda p: mg.optim.SGD(p, lr=0.1, weight_decay=0.1))
    assert found.notes == (
        "no term of J is a penalty: each depends on data; SGD's weight_decay touches W1, W2, W3",
    )


def test_a_model_of_lone_numbers():
    class Line(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter(2.0, name="w")

        def forward(self, x: Any) -> Any:
            return self.w * x

    model = Line()
    cost = np.square(model(mg.Tensor(3.0, name="x")) - mg.Tensor(1.0, name="y"))
    assert regularization(model, cost)["w"].penalties == ()
    assert regularization(model, cost + 0.5 * model.w**2)["w"].coefficient == pytest.approx(0.5)


def test_names_that_two_parameters_share():
    class Net(nn.Module):
        def __init__(self) -> None:
            self.one = nn.Parameter(normal(2, 3), name="kernel")
            self.two = nn.Parameter(normal(3, 1), name="kernel")

        def forward(self, x: Any) -> Any:
            return x @ self.one @ self.two

    model = Net()
    found = regularization(model, nn.mse_loss(model(normal(m, 2)), normal(m, 1)) + l2([model.two]))
    assert [(row.name, row.penalties) for row in found.rows] == [("one", ()), ("two", ("L2",))]


# ---- what is shown


def test_the_table():
    lines = str(ledger(l2, lambda p: mg.optim.SGD(p, lr=0.1))).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == [
        "parameter", "shape", "penalty", "c", "λ/m", "=", "2c", "‖∂penalty‖", "‖∂data‖", "SGD",
    ]  # fmt: skip
    assert lines[1].split()[:6] == ["W1", "(4,", "2)", "L2", "0.0642857", "0.128571"]
    assert "dW3[penalty] = lambd / m * W3" in lines
    assert "PyTorch: SGD or Adam with weight_decay=0.128571 for W1, W2, W3" in lines
    assert "Keras: kernel_regularizer=L2(0.0642857) for W1, W2, W3" in lines


def test_html_is_escaped():
    model = nn.Linear(2, 1, rng=0)
    model.weight.name = "<W>"
    J = nn.mse_loss(model(normal(m, 2)), normal(m, 1)) + l2(model)
    html = regularization(model, J)._repr_html_()
    assert "&lt;W&gt;" in html
    assert "<W>" not in html


def test_nothing_is_changed():
    model = network()
    J = fit(model) + l2(model)
    before = model.state_dict()
    regularization(model, J)
    assert all(p.grad is None for p in model.parameters())
    for key, value in model.state_dict().items():
        assert np.all(value == before[key]) if isinstance(value, np.ndarray) else value == before[key]


def test_what_is_refused():
    model = network()
    J = fit(model) + l2(model)
    with pytest.raises(TypeError, match="a list has no named_parameters"):
        regularization([], J)
    with pytest.raises(TypeError, match="regularization: the loss must be a Tensor"):
        regularization(model, 3.0)
    with pytest.raises(ValueError, match=r"regularization: .* is not a scalar"):
        regularization(model, model(normal(m, 2)))
    with pytest.raises(KeyError, match="no 'W9' in the model"):
        regularization(model, J)["W9"]
    mg.optim.SGD(model.parameters(), lr=0.1)
    J.backward()
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)
    optimizer.step()
    with pytest.raises(RuntimeError, match="compute the loss again"):
        regularization(model, J)
