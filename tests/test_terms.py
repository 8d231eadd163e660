"""terms: every gradient is the sum of its parts, and every part is what its expression says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from losses_to_derive import data, labels, lambd, leaf, m, network, normal

import minigrad as mg
from minigrad import nn
from minigrad.functions import sigmoid
from minigrad.program import Program
from minigrad.program.tidy import tidied
from minigrad.show.derivation.terms import Terms, terms
from minigrad.table import table


def called(name: str, tensor: mg.Tensor) -> mg.Tensor:
    tensor.name = name
    return tensor


def fit(model: Any) -> mg.Tensor:
    return called("cross_entropy", nn.binary_cross_entropy_with_logits(model(data(m, 2)), labels()))


def l2(weights: Any, factor: Any = lambd) -> mg.Tensor:
    return called("L2", nn.l2_penalty(weights, lambd=factor, m=m))


def l1(weights: Any) -> mg.Tensor:
    return called("L1", sum((np.abs(W).sum() for W in weights if W.decay), mg.constant(0.0)) * 0.01)


# ---- losses of many kinds


def _all_layers() -> mg.Tensor:
    model = network()
    return fit(model) + l2(model)


def _some_layers() -> mg.Tensor:
    model = network()
    W1, _, _, _, W3, _ = model.parameters()
    return fit(model) + l2([W1, W3])


def _two_penalties() -> mg.Tensor:
    model = network()
    return fit(model) + l2(model) + l1(model.parameters())


def _two_of_one_name() -> mg.Tensor:
    model = network()
    W1, _, W2, *_ = model.parameters()
    return l2([W1]) + fit(model) + l2([W1, W2], 0.1)


def _a_tensor_as_lambda() -> mg.Tensor:
    model = network()
    return fit(model) + l2(model, mg.Tensor(lambd, requires_grad=True, name="lambd"))


def _minus() -> mg.Tensor:
    model = network()
    return -(l2(model) - fit(model)) - l1(model.parameters())


def _factors_around() -> mg.Tensor:
    model = network()
    return 0.5 * -((fit(model) + l2(model) - l1(model.parameters())) / mg.constant(m, "m"))


def _factors_inside() -> mg.Tensor:
    model = network()
    return 0.7 * fit(model) + l2(model) / 3 - 2 * l1(model.parameters())


def _twice() -> mg.Tensor:
    model = network()
    penalty = l2(model)
    return penalty + fit(model) + penalty


def _cancelled() -> mg.Tensor:
    model = network()
    penalty = l1(model.parameters())
    return penalty + fit(model) + l2(model) - penalty


def _shared_weights() -> mg.Tensor:
    W, b = leaf(2, 2, name="W"), leaf(2, name="b")
    A = np.tanh(np.tanh(data(m, 2) @ W + b) @ W + b)
    return np.mean(np.square(A)) + np.sum(W * W) * 0.3 + np.sum(W @ b)


def _two_costs_of_one_output() -> mg.Tensor:
    model = network()
    Z = model(data(m, 2))
    return nn.binary_cross_entropy_with_logits(Z, labels()) + 0.1 * nn.mse_loss(sigmoid(Z), labels())


def _no_names() -> mg.Tensor:
    W1, W2 = leaf(2, 3), leaf(3, 1, seed=1)
    A = np.tanh(normal(m, 2) @ W1)
    return np.mean((A @ W2 - 1) ** 2) + 0.1 * (np.sum(W1**2) + np.sum(W2**2))


def _names_shared() -> mg.Tensor:
    W1, W2 = leaf(2, 3, name="W"), leaf(3, 1, name="W", seed=1)
    return np.mean(np.square(data(m, 2) @ W1 @ W2)) + np.sum(W1**2) - np.sum(W2**2)


def _shapes_that_broadcast() -> mg.Tensor:
    W = leaf(1, 1, name="W")
    return (W * W + np.sum(W) - np.array([3.0])) / 7


def _a_leaf_as_a_term() -> mg.Tensor:
    w = leaf(name="w")
    return w + np.sin(w) * 2 - w * w


def _long_sum() -> mg.Tensor:
    w = leaf(3, name="w")
    total = np.sum(w)
    for i in range(2000):
        total = total + (i + 0.5) * np.sum(w) if i < 3 else -total
    return total + np.mean(w * w)


losses = [
    _all_layers, _some_layers, _two_penalties, _two_of_one_name, _a_tensor_as_lambda, _minus, _factors_around,
    _factors_inside, _twice, _cancelled, _shared_weights, _two_costs_of_one_output, _no_names, _names_shared,
    _shapes_that_broadcast, _a_leaf_as_a_term, _long_sum,
]  # fmt: skip


@pytest.mark.parametrize("loss", losses)
def test_the_parts_sum_to_the_gradient(loss):
    J = loss()
    found = terms(J)
    wanted = [v.tensor for v in Program(J).leaves if v.tensor.requires_grad]
    assert len(found.norms) == len(wanted)
    for name, x in zip(found.norms, wanted, strict=True):
        g = mg.grad(J, x).data
        parts = found[name].values()
        for part in parts:
            assert part.array.shape == x.shape
            assert part.array.dtype == x.dtype
        np.testing.assert_allclose(sum(p.array for p in parts), g, rtol=1e-12, atol=1e-12 * np.abs(g).max())
        assert found.norms[name] == pytest.approx(np.linalg.norm(g.ravel()), rel=1e-12, abs=1e-15)
        assert sum(part.share for part in parts) == pytest.approx(1)
        for part in parts:
            assert part.norm == pytest.approx(np.linalg.norm(part.array.ravel()))


@pytest.mark.parametrize("loss", losses)
def test_the_terms_sum_to_the_loss(loss):
    J = loss()
    found = terms(J)
    constants = -3.0 / 7 if loss is _shapes_that_broadcast else 0.0
    assert sum(term.value for term in found.terms) + constants == pytest.approx(J.item(), rel=1e-12)
    assert len({term.name for term in found.terms}) == len(found.terms) > 1
    assert found.note == ""


def evaluated(found: Terms, J: mg.Tensor) -> Callable[[str], Any]:
    """Runs an expression with the names of the forward pass and of `where`."""
    forward = Program(tidied(J))
    names: dict[str, Any] = {"np": np, "sigmoid": lambda x: sigmoid(mg.Tensor(x)).data}
    for value in forward.leaves:
        names[value.name] = value.tensor.data
    for equation in forward.equations:
        if equation.output.label:
            names[equation.output.name] = equation.output.tensor.data
    for name, text in found.where.items():
        if not text.startswith("an array"):
            names[name] = eval(text, names)
    return lambda text: eval(text, names)


@pytest.mark.parametrize("loss", [x for x in losses if x is not _no_names])
def test_the_expressions_say_what_the_arrays_are(loss):
    J = loss()
    found = terms(J)
    run = evaluated(found, J)
    for part in found.parts:
        np.testing.assert_allclose(
            run(part.expression), part.array, rtol=1e-12, atol=1e-14, err_msg=str(part)
        )
    for term in found.terms:
        np.testing.assert_allclose(run(term.expression), term.value, rtol=1e-12)


def test_a_missing_part_would_be_noticed():
    """The tester, tested: without one of its parts, no gradient is the sum."""
    J = _two_penalties()
    found = terms(J)
    W1 = next(v.tensor for v in Program(J).leaves if v.name == "W1")
    parts = list(found["W1"].values())
    assert len(parts) == 3
    for left_out in parts:
        total = sum(part.array for part in parts if part is not left_out)
        assert not np.allclose(total, mg.grad(J, W1).data, rtol=1e-3)


# ---- what is shown


def test_the_notes_network():
    found = terms(_all_layers())
    assert [part.name for part in found["W3"].values()] == ["dW3[cross-entropy]", "dW3[L2]"]
    assert [part.expression for part in found["W3"].values()] == ["dZ3.T @ A2_drop", "lambd / m * W3"]
    assert list(found["b3"]) == ["cross-entropy"]
    assert "dW3 = dW3[cross-entropy] + dW3[L2]" in str(found)
    assert "db3 = db3[cross-entropy] = dZ3.sum(axis=0)" in str(found)
    assert found.where["dZ3"] == "(A3 - Y) / m"
    assert found.where["lambd"] == "0.9"


def test_signs_and_factors_stand_in_the_parts():
    W = leaf(2, 3, name="W")
    S, T = called("S", np.sum(W**2)), called("T", np.sum(np.sin(W)))
    found = terms((S - 3 * T) / mg.constant(m, "m"), W)
    assert {part.term: part.expression for part in found.parts} == {
        "S": "2 * W / m",
        "T": "-3 * np.cos(W) / m",
    }


def test_a_product_below_the_sum_is_one_term():
    W1, W2 = leaf(2, name="W1"), leaf(2, name="W2")
    assert len(terms(np.sum(W1 * W2) + 0.1 * (np.sum(W1**2) + np.sum(W2**2))).terms) == 2
    assert len(terms(0.1 * (np.sum(W1**2) + np.sum(W2**2))).terms) == 2


def test_a_named_sum_below_the_sum_is_one_term():
    W = leaf(2, name="W")
    cost = np.sum(W) + np.sum(np.sin(W))
    assert [term.name for term in terms(cost + np.sum(W**2)).terms] == ["sum_1", "sum_2", "sum_3"]
    cost.name = "cost"
    assert [term.name for term in terms(cost + np.sum(W**2)).terms] == ["cost", "sum_3"]
    assert [term.name for term in terms(cost / 2).terms] == ["sum_1", "sum_2"]


def test_a_value_in_wrt_is_not_taken_apart():
    w = leaf(name="w")
    z = called("z", w * 2)
    J = z + np.sin(z) * w
    found = terms(J, [z, w])
    assert {part.name: part.array.item() for part in found["z"].values()} == {
        "dz[z]": 1.0,
        "dz[multiply_1]": np.cos(z.item()) * w.item(),
    }
    for x in (z, w):
        total = sum(part.array for part in found[x.name].values())
        np.testing.assert_allclose(total, mg.grad(J, x).data)
    s = called("s", w + np.sin(w))
    assert [term.name for term in terms(s, s).terms] == ["s"]


@pytest.mark.parametrize(
    "loss",
    [
        lambda W: np.sum(W**2),
        lambda W: np.mean(np.square(W) + np.abs(W)),
        lambda W: np.sum(W) * np.sum(W + 1),
    ],
)
def test_a_loss_that_is_no_sum_says_so(loss):
    J = loss(leaf(2, 3, name="W"))
    found = terms(J)
    assert str(found).startswith("J is not a sum of terms, so there is one part, the whole: J = np.")
    (part,) = found.parts
    np.testing.assert_allclose(part.array, mg.grad(J, [v.tensor for v in Program(J).leaves][:1])[0].data)
    assert "is not a sum" in found._repr_html_()


def test_a_sum_with_one_term_that_has_a_gradient_says_so():
    W = leaf(2, 3, name="W")
    assert terms(np.sum(W**2) + 3).note == "J has one term with a gradient: sum_1 = np.sum(np.square(W))"


def test_a_gradient_that_is_zero_has_no_share():
    W = mg.Tensor(np.zeros((2, 3)), requires_grad=True, name="W")
    found = terms(np.sum(W**2) + np.sum(W**4))
    assert [part.share for part in found.parts] == [0.0, 0.0]
    assert " 0%" in str(found)


def test_the_same_text_in_every_run():
    assert str(terms(_two_penalties())) == str(terms(_two_penalties()))


def test_html_is_escaped():
    W = called("<W>", leaf(2, 3))
    html = terms(called("a<b", np.sum(W**2)) + np.sum(W))._repr_html_()
    assert "a&lt;b" in html
    assert "<W>" not in html
    assert "a<b" not in html
    assert html.count("<table>") == html.count("</table>") == 2


def test_nothing_of_the_graph_is_changed():
    J = _all_layers()
    before = str(Program(J))
    names = [t.name for t in J.inputs]
    with mg.no_grad():
        terms(J)
    assert str(Program(J)) == before
    assert [t.name for t in J.inputs] == names
    assert all(v.tensor.grad is None for v in Program(J).leaves)


def test_float32_stays():
    W = mg.Tensor(normal(2, 3).astype(np.float32), requires_grad=True, name="W")
    found = terms(np.sum(W**2) / 2 + np.mean(np.abs(W)))
    assert all(part.array.dtype == np.float32 for part in found.parts)


# ---- what is refused


def test_what_is_refused():
    W, V = leaf(2, 3, name="W"), leaf(2, name="V")
    J = np.sum(W**2) + np.sum(W)
    with pytest.raises(TypeError, match="terms: the loss must be a Tensor, not float"):
        terms(3.0)
    with pytest.raises(ValueError, match="not a scalar"):
        terms(W * 2)
    with pytest.raises(ValueError, match='does not depend on "V"'):
        terms(J, [W, V])
    with pytest.raises(ValueError, match='does not depend on "X"'):
        terms(J + np.sum(data(2)), [data(2)])
    with pytest.raises(ValueError, match="anything that needs a gradient"):
        terms(np.sum(data(2)))
    with pytest.raises(TypeError, match="not a str"):
        terms(J, ["W"])
    with pytest.raises(KeyError, match="no 'W9' here; there are W"):
        terms(J)["W9"]
    with mg.no_grad():
        W -= 1.0
    with pytest.raises(RuntimeError, match=r"W.* was assigned to after the loss had used it"):
        terms(J)


def test_where_has_arrays_only():
    """A generator, and a function that a primitive was given, are no arrays without a name."""

    @mg.primitive
    def applied(a, *, function):
        return function(a)

    x = leaf(3, name="x")
    mask = mg.random.bernoulli(np.random.default_rng(0), (3,), 0.8)
    found = terms(np.sum(mask * x) + np.sum(x**2))
    assert "rng" in str(found)
    assert "rng" not in found.where
    try:
        mg.derivative(applied, a=lambda g, a, function: function(g))
        found = terms(np.sum(applied(x, function=lambda a: 2 * a)) + np.sum(x**2))
    finally:
        table.pop(applied, None)
    assert "without a name" not in str(found)
    long = np.arange(9.0)
    found = terms(np.sum(leaf(9, name="W") * long) + np.sum(x**2))
    assert found.where["array_1"] == "an array (9,) without a name"
