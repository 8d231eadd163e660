"""Batch and layer normalization: equations, running statistics, PyTorch's answers, compiled, messages."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def with_random_parameters(layer, rng):
    with mg.no_grad():
        for p in layer.parameters():
            p.data = rng.standard_normal(p.shape)
    return layer


# ---- the equation, and differences


def test_a_batch_is_normalized_to_gamma_and_beta(rng):
    layer, x = with_random_parameters(nn.BatchNorm2d(3, eps=1e-9), rng), rng.standard_normal((7, 3, 4, 5))
    y = layer(x).data
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), layer.bias.data, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), np.abs(layer.weight.data), rtol=1e-7)


layers = {
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "BatchNorm1d of sequences": (lambda: nn.BatchNorm1d(2), (3, 2, 2)),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2, affine=False), (2, 2, 2, 2)),
    "BatchNorm1d in eval mode": (lambda: nn.BatchNorm1d(3).eval(), (4, 3)),
    "LayerNorm": (lambda: nn.LayerNorm((2, 3)), (2, 2, 3)),
    "LayerNorm without beta": (lambda: nn.LayerNorm(3, bias=False, eps=0.1), (2, 3)),
}


@pytest.mark.parametrize("name", layers)
def test_gradients_agree_with_differences_to_second_order(name, rng):
    make, shape = layers[name]
    layer = with_random_parameters(make(), rng)
    x = mg.Tensor(rng.standard_normal(shape), name="X", requires_grad=True)
    mg.gradcheck(lambda *_: np.sum(np.sin(layer(x))), [x, *layer.parameters()], order=2)


def test_the_gradients_are_ioffes_and_szegedys(rng):
    """The equations of section 3: three of them, in which dx sums over the batch twice."""
    layer, x = with_random_parameters(nn.BatchNorm1d(3), rng), rng.standard_normal((7, 3))
    X = mg.Tensor(x, requires_grad=True)
    g = rng.standard_normal((7, 3))
    layer(X).backward(g)
    centred, deviation = x - x.mean(axis=0), np.sqrt(x.var(axis=0) + 1e-5)
    x_hat, g_hat = centred / deviation, g * layer.weight.data
    dx = (g_hat - g_hat.mean(axis=0) - x_hat * (g_hat * x_hat).mean(axis=0)) / deviation
    np.testing.assert_allclose(X.grad, dx, atol=1e-13)
    np.testing.assert_allclose(layer.weight.grad, (g * x_hat).sum(axis=0), atol=1e-13)
    np.testing.assert_allclose(layer.bias.grad, g.sum(axis=0), atol=1e-13)


# ---- PyTorch


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("name", "shape", "settings"),
    [
        ("BatchNorm1d", (7, 3), {}),
        ("BatchNorm1d", (7, 3, 4), {"momentum": 0.3, "eps": 1e-2}),
        ("BatchNorm2d", (2, 3, 4, 5), {"affine": False, "momentum": 1.0}),
    ],
)
def test_batch_normalization_agrees_with_torch(name, shape, settings, training, rng):
    torch = pytest.importorskip("torch")
    layer = with_random_parameters(getattr(nn, name)(3, **settings), rng)
    layer.load_state_dict(
        {**layer.state_dict(), "running_mean": rng.standard_normal(3), "running_var": rng.random(3) + 0.5}
    )
    theirs = getattr(torch.nn, name)(3, **settings, dtype=torch.float64)
    theirs.load_state_dict(
        {k: torch.tensor(np.array(v)) for k, v in layer.state_dict().items()}, strict=False
    )
    layer.train(training)
    theirs.train(training)
    for _ in range(2):  # the running statistics move twice
        x = mg.Tensor(rng.standard_normal(shape), requires_grad=True)
        g = rng.standard_normal(shape)
        given = torch.tensor(np.array(x.data), requires_grad=True)
        layer.zero_grad()
        theirs.zero_grad()
        y, expected = layer(x), theirs(given)
        y.backward(g)
        expected.backward(torch.tensor(g))
        np.testing.assert_allclose(y.data, expected.detach().numpy(), atol=1e-12)
        np.testing.assert_allclose(x.grad, given.grad.numpy(), atol=1e-11)
        for ours, other in zip(layer.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(ours.grad, other.grad.numpy(), atol=1e-11)
        for key in ("running_mean", "running_var"):
            np.testing.assert_allclose(getattr(layer, key), getattr(theirs, key).numpy(), rtol=1e-13)


@pytest.mark.parametrize(
    ("normalized", "settings"), [(4, {}), ((3, 4), {"eps": 0.1}), ([4], {"elementwise_affine": False})]
)
def test_layer_normalization_agrees_with_torch(normalized, settings, rng):
    torch = pytest.importorskip("torch")
    layer = with_random_parameters(nn.LayerNorm(normalized, **settings), rng)
    theirs = torch.nn.LayerNorm(normalized, **settings, dtype=torch.float64)
    theirs.load_state_dict({k: torch.tensor(np.array(v)) for k, v in layer.state_dict().items()})
    x, g = mg.Tensor(rng.standard_normal((2, 3, 4)), requires_grad=True), rng.standard_normal((2, 3, 4))
    given = torch.tensor(np.array(x.data), requires_grad=True)
    y, expected = layer(x), theirs(given)
    y.backward(g)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(y.data, expected.detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(x.grad, given.grad.numpy(), atol=1e-11)
    for ours, other in zip(layer.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(ours.grad, other.grad.numpy(), atol=1e-11)


# ---- running statistics: state, not parameters


def test_running_statistics_are_state_and_not_trained(rng):
    layer = nn.BatchNorm1d(3)
    assert [path for path, _ in layer.named_parameters()] == ["weight", "bias"]
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var"]
    assert not any(p.decay for p in layer.parameters())
    assert list(nn.BatchNorm1d(3, affine=False).state_dict()) == ["running_mean", "running_var"]
    x = rng.standard_normal((7, 3))
    layer(x)
    np.testing.assert_allclose(layer.running_mean, 0.1 * x.mean(axis=0))
    np.testing.assert_allclose(layer.running_var, 0.9 + 0.1 * x.var(axis=0, ddof=1))
    other = nn.BatchNorm1d(3)
    other.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(other.eval()(x), layer.eval()(x))


def test_evaluation_leaves_the_running_statistics_alone(rng):
    layer = nn.BatchNorm1d(3)
    layer(rng.standard_normal((7, 3)))
    before = {key: value.copy() for key, value in layer.state_dict().items()}
    layer.eval()(rng.standard_normal((7, 3)))
    layer(rng.standard_normal((1, 3)))
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value, before[key])


def test_a_call_that_raises_leaves_them_alone():
    layer = nn.BatchNorm1d(3)
    for wrong in (np.ones((1, 3)), np.ones((7, 2))):
        with pytest.raises(ValueError, match="BatchNorm1d: x is"):
            layer(wrong)
    assert not layer.running_mean.data.any()


def test_a_graph_of_evaluation_has_the_statistics_of_its_time(rng):
    layer, x = nn.BatchNorm1d(3), rng.standard_normal((7, 3))
    at_once = mg.grad(np.sum(layer.eval()(x) ** 3), layer.weight)
    later = np.sum(layer(x) ** 3)
    layer.train()(x)
    np.testing.assert_array_equal(mg.grad(later, layer.weight), at_once)


def test_float32_stays(rng):
    for layer in (nn.BatchNorm1d(3, dtype=np.float32), nn.LayerNorm(3, dtype=np.float32)):
        y = layer(rng.standard_normal((7, 3)).astype(np.float32))
        assert y.dtype == np.float32
        assert {np.asarray(value).dtype for value in layer.state_dict().values()} == {np.dtype(np.float32)}


# ---- compiled


def network():
    return nn.Sequential(nn.Linear(2, 4, rng=0), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1, rng=1))


def step_of(model):
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)

    def step(x):
        J = np.mean(np.square(model(x)))
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    return step


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_compiled_step_moves_the_running_statistics(backend, rng):
    if backend == "numba":
        pytest.importorskip("numba")
    eager, compiled = network(), network()
    step, replay = step_of(eager), mg.compile(step_of(compiled), backend=backend)
    for _ in range(4):
        x = rng.standard_normal((7, 2))
        np.testing.assert_allclose(replay(x).item(), step(x).item(), rtol=1e-12)
        for a, b in zip(compiled.state_dict().values(), eager.state_dict().values(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-12)
    assert replay.stats()["replays"] == 3
    assert eager[1].running_mean.data.any()


def test_a_compiled_evaluation_reads_the_running_statistics_of_today(rng):
    model = network()
    predict = mg.compile(lambda x: model(x))
    x = rng.standard_normal((7, 2))
    for _ in range(3):
        model.train()(rng.standard_normal((7, 2)))
        model.eval()
        before = {key: value.copy() for key, value in model.state_dict().items()}
        np.testing.assert_allclose(predict(x).data, model(x).data, rtol=1e-13)
        for key, value in model.state_dict().items():
            np.testing.assert_array_equal(value, before[key])
    assert predict.stats()["replays"] == 2


def test_a_compiled_function_that_trains_twice_is_refused(rng):
    model = network()
    twice = mg.compile(lambda x: np.sum(model(x) - model(2 * x)))
    with pytest.raises(RuntimeError, match=r'"running_mean" \(4,\) is used after it was assigned to'):
        twice(rng.standard_normal((7, 2)))
    assert not model[1].running_mean.data.any()


# ---- letters, messages


def test_the_activation_has_the_letter_of_its_layer():
    model = network()
    Z2 = model(np.arange(14.0).reshape(7, 2))
    A1 = Z2.inputs[0].inputs[0]
    assert (A1.name, A1.inputs[0].name) == ("A1", "Z1_norm")
    assert repr(model).splitlines()[2] == "  1: BatchNorm1d(4)  gamma (4,), beta (4,)  8 parameters"
    settings = nn.BatchNorm1d(4, momentum=0.3, affine=False)
    assert repr(settings).startswith("BatchNorm1d(4, momentum=0.3, affine=False)")
    assert repr(nn.LayerNorm((2, 3))).startswith("LayerNorm((2, 3))")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.BatchNorm1d(3)(np.ones((7, 3, 2, 2))),
         r'BatchNorm1d: x is "X" \(7, 3, 2, 2\); wanted \(m, 3\[, length\]\)'),
        (lambda: nn.BatchNorm2d(3)(np.ones((7, 3, 2))),
         r'BatchNorm2d: x is "X" \(7, 3, 2\); wanted \(m, 3, height, width\)'),
        (lambda: nn.BatchNorm1d(3)(np.ones((1, 3))),
         r'BatchNorm1d: x is "X" \(1, 3\), 1 of each feature; in training mode wanted at least 2'),
        (lambda: nn.BatchNorm1d(3, momentum=1.5), r"BatchNorm1d: momentum must be in \[0, 1\], not 1.5"),
        (lambda: nn.BatchNorm1d(3, eps=0), "BatchNorm1d: eps must be greater than 0, not 0"),
        (lambda: nn.BatchNorm2d(0), "BatchNorm2d: num_features must be a whole number of at least 1"),
        (lambda: nn.LayerNorm((3, 2))(np.ones((7, 3))),
         r'LayerNorm: x is "X" \(7, 3\); its last axes must be \(3, 2\)'),
        (lambda: nn.LayerNorm(()), "LayerNorm: normalized_shape has no axes"),
        (lambda: nn.LayerNorm((2, 0)), "LayerNorm: normalized_shape must be a whole number of at least 1"),
    ],
)  # fmt: skip
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()
