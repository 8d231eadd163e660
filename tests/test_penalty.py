"""The L2 penalty of equation (2), and what it has to do with weight decay."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

lambd, m = 0.9, 7


def network(dtype=np.float64):
    return nn.Sequential(
        nn.Linear(5, 4, rng=0, dtype=dtype),
        nn.Tanh(),
        nn.Dropout(keep_prob=0.8, rng=1),
        nn.Linear(4, 3, rng=2, dtype=dtype),
        nn.Tanh(),
        nn.Dropout(keep_prob=0.8, rng=3),
        nn.Linear(3, 1, rng=4, dtype=dtype),
    )


def weights(model):
    return [p for p in model.parameters() if p.ndim == 2]


def leaves_behind(t, found=None):
    """The leaves of a graph, each once, by what it was made from."""
    found, todo = [], [t]
    for node in todo:
        if node.origin is None and not any(node is x for x in found):
            found.append(node)
        todo += [x for x in (node.origin[1] if node.origin else ()) if isinstance(x, mg.Tensor)]
    return found


def test_it_is_equation_2():
    model = network()
    expected = 1 / m * lambd / 2 * sum((W.data**2).sum() for W in weights(model))
    assert nn.l2_penalty(model, lambd=lambd, m=m).item() == pytest.approx(expected, rel=1e-14)


def test_its_gradient_is_lambda_over_m_times_w():
    model = network()
    nn.l2_penalty(model, lambd=lambd, m=m).backward()
    for W in weights(model):
        np.testing.assert_allclose(W.grad, lambd / m * W.data, rtol=1e-14)
    assert all(p.grad is None for p in model.parameters() if p.ndim == 1)


def test_its_second_derivative_is_lambda_over_m():
    W = mg.Tensor([[3.0, -4.0]], requires_grad=True)
    dW = mg.grad(nn.l2_penalty(W, lambd=lambd, m=m), W, create_graph=True)
    np.testing.assert_allclose(mg.grad(np.sum(dW), W), np.full((1, 2), lambd / m), rtol=1e-14)


def test_biases_are_penalised_only_when_asked_for():
    model = network()
    with mg.no_grad():
        for p in model.parameters():
            p.data = np.ones(p.shape)
    assert nn.l2_penalty(model, lambd=lambd, m=m).item() == pytest.approx(lambd / (2 * m) * 35)
    assert nn.l2_penalty(model, lambd=lambd, m=m, biases=True).item() == pytest.approx(lambd / (2 * m) * 43)


def test_a_model_a_list_an_iterator_and_one_tensor_can_be_given():
    model = network()
    expected = nn.l2_penalty(model, lambd=lambd, m=m).item()
    assert nn.l2_penalty(list(model.parameters()), lambd=lambd, m=m).item() == expected
    assert nn.l2_penalty(model.parameters(), lambd=lambd, m=m).item() == expected
    assert nn.l2_penalty(weights(model), lambd=lambd, m=m).item() == expected
    W = mg.Tensor([[3.0, 4.0]], requires_grad=True)
    assert nn.l2_penalty(W, lambd=lambd, m=m).item() == pytest.approx(lambd / m * 12.5)


def test_lambd_and_m_stay_visible_as_named_constants():
    model = network()
    leaves = leaves_behind(nn.l2_penalty(model, lambd=lambd, m=m))
    constants = {t.name: t.item() for t in leaves if not t.requires_grad}
    assert constants == {"lambd": lambd, "m": m}
    assert {id(t) for t in leaves if t.requires_grad} == {id(W) for W in weights(model)}


def test_tied_weights_count_once():
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1))
    model[1].weight = model[0].weight
    expected = lambd / (2 * m) * (model[0].weight.data ** 2).sum()
    assert nn.l2_penalty(model, lambd=lambd, m=m).item() == pytest.approx(expected)


def test_lambd_may_be_a_tensor_that_needs_a_gradient():
    model = network()
    strength = mg.Tensor(lambd, requires_grad=True, name="strength")
    penalty = nn.l2_penalty(model, lambd=strength, m=m)
    assert any(t is strength for t in leaves_behind(penalty))
    penalty.backward()
    assert strength.grad.item() == pytest.approx(penalty.item() / lambd)
    np.testing.assert_allclose(model[0].weight.grad, lambd / m * model[0].weight.data, rtol=1e-14)
    dW = mg.grad(nn.l2_penalty(model, lambd=strength, m=m), model[0].weight, create_graph=True)
    np.testing.assert_allclose(mg.grad(np.sum(dW), strength).item(), model[0].weight.data.sum() / m)


@pytest.mark.parametrize("number", [1, 0.7, np.float64(0.7), np.float32(0.5), np.int64(2)])
def test_float32_stays_float32(number):
    model = network(np.float32)
    penalty = nn.l2_penalty(model, lambd=number, m=np.int64(7))
    penalty.backward()
    assert penalty.dtype == np.float32
    assert all(W.grad.dtype == np.float32 for W in weights(model))


def test_lambda_zero_is_no_penalty():
    model = network()
    penalty = nn.l2_penalty(model, lambd=0, m=m)
    penalty.backward()
    assert penalty.item() == 0
    assert not model[0].weight.grad.data.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lambd": -0.1, "m": m}, "lambd must be at least 0, not -0.1"),
        ({"lambd": np.nan, "m": m}, "lambd must be at least 0, not nan"),
        ({"lambd": "0.7", "m": m}, "lambd must be at least 0, not '0.7'"),
        ({"lambd": 0.7j, "m": m}, "lambd must be at least 0"),
        ({"lambd": mg.Tensor(-1.0), "m": m}, r"lambd must be at least 0, not Tensor\(-1"),
        ({"lambd": mg.Tensor([0.7, 0.8], name="λ"), "m": m}, r'lambd is "λ" \(2,\); wanted one number'),
        ({"lambd": 0.7, "m": 0}, "m must be greater than 0, not 0"),
        ({"lambd": 0.7, "m": -7}, "m must be greater than 0, not -7"),
        ({"lambd": 0.7, "m": None}, "m must be greater than 0, not None"),
        ({"lambd": 0.7, "m": [7]}, r"m must be greater than 0, not \[7\]"),
    ],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=f"l2_penalty: {message}"):
        nn.l2_penalty(network(), **options)


def test_both_numbers_are_asked_for_by_name():
    for options in ({}, {"lambd": 0.7}, {"m": 7}):
        with pytest.raises(TypeError, match="missing"):
            nn.l2_penalty(network(), **options)


def test_what_has_no_gradient_is_not_silently_penalised():
    model = network()
    for wrong in (model[0].weight.data, model[0], ("0.weight", model[0].weight)):
        with pytest.raises(TypeError, match=r"l2_penalty: a .* is not a Tensor"):
            nn.l2_penalty([wrong], lambd=lambd, m=m)
    parameters = model.parameters()
    list(parameters)
    for nothing in ([], parameters, nn.ReLU(), [model[0].bias]):
        with pytest.raises(ValueError, match="there is no weight to penalise"):
            nn.l2_penalty(nothing, lambd=lambd, m=m)
    with pytest.raises(ValueError, match="a weight is given twice"):
        nn.l2_penalty([model[0].weight, *model.parameters()], lambd=lambd, m=m)


# ---- the penalty in the graph and the decay in the optimizer


def train(build, in_graph, steps=100):
    """Parameters after some steps, with the penalty as a term of the cost or as weight decay."""
    model = network()
    optimizer = build(model.parameters(), 0.0 if in_graph else lambd / m)
    data = np.random.default_rng(5)
    for _ in range(steps):
        X = data.standard_normal((m, 5))
        Y = (X[:, :1] * X[:, 1:2] > 0).astype(float)
        J = nn.binary_cross_entropy_with_logits(model(X), Y)
        if in_graph:
            J = J + nn.l2_penalty(model, lambd=lambd, m=m)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
    return np.concatenate([p.data.ravel() for p in model.parameters()])


def momentum(parameters, decay):
    return mg.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=decay)


def nesterov(parameters, decay):
    return mg.optim.SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=decay)


def plain(parameters, decay):
    return mg.optim.SGD(parameters, lr=0.1, weight_decay=decay)


def adam(parameters, decay):
    return mg.optim.Adam(parameters, lr=0.01, weight_decay=decay)


def adamw(parameters, decay):
    return mg.optim.AdamW(parameters, lr=0.01, weight_decay=decay)


@pytest.mark.parametrize("build", [plain, momentum, nesterov])
def test_sgd_with_weight_decay_takes_the_steps_of_the_penalty(build):
    """The masks are the same: both runs draw them from the same seeds."""
    np.testing.assert_allclose(train(build, in_graph=True), train(build, in_graph=False), rtol=0, atol=1e-12)


def test_adam_with_weight_decay_takes_the_steps_of_the_penalty():
    np.testing.assert_allclose(train(adam, in_graph=True), train(adam, in_graph=False), rtol=0, atol=1e-12)


def test_adamw_does_not():
    assert np.abs(train(adam, in_graph=True) - train(adamw, in_graph=False)).max() > 1e-2


def test_the_penalty_makes_weights_smaller():
    def size(decay):
        return np.abs(train(lambda parameters, _: plain(parameters, decay), in_graph=False)).sum()

    assert size(lambd / m) < 0.8 * size(0.0)
