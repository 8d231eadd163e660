"""Convolution, pooling, Flatten and Embedding: equations, gradients, PyTorch's answers, messages."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def by_loops(x, W, b, stride=1, padding=0, dilation=1):
    """The equation of Conv1d, element by element."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    n, k = x.shape[2], W.shape[2]
    z = np.zeros((len(x), len(W), (n - dilation * (k - 1) - 1) // stride + 1))
    for m, o, p in np.ndindex(z.shape):
        z[m, o, p] = b[o] + sum(
            x[m, c, stride * p + dilation * j] * W[o, c, j] for c, j in np.ndindex(W.shape[1:])
        )
    return z


def layer_and_x(rng, kind, shape, *args, **kwargs):
    """A layer with random biases, and an x that needs a gradient."""
    layer = kind(*args, rng=0, **kwargs)
    if layer.bias is not None:
        with mg.no_grad():
            layer.bias.data = rng.standard_normal(layer.bias.shape)
    return layer, mg.Tensor(rng.standard_normal(shape), requires_grad=True, name="X")


# ---- the equation, and differences


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": 3}])
def test_a_convolution_is_the_equation(settings, rng):
    layer, x = layer_and_x(rng, nn.Conv1d, (3, 2, 8), 2, 4, 3, **settings)
    np.testing.assert_allclose(
        layer(x), by_loops(x.data, layer.weight.data, layer.bias.data, **settings), atol=1e-13
    )


layers = {
    "Conv1d": (lambda: nn.Conv1d(2, 4, 3, stride=2, padding=1, groups=2, rng=0), (2, 2, 6)),
    "Conv2d": (lambda: nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(1, 2), rng=0), (2, 2, 4, 3)),
    "MaxPool1d": (lambda: nn.MaxPool1d(3, stride=2, padding=1), (2, 2, 5)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (2, 2, 4, 5)),
    "AvgPool1d": (lambda: nn.AvgPool1d(2, stride=1), (2, 2, 5)),
    "AvgPool2d": (lambda: nn.AvgPool2d((1, 3), padding=(0, 1)), (2, 1, 2, 6)),
    "Flatten": (lambda: nn.Flatten(), (2, 3, 2)),
}


@pytest.mark.parametrize("name", layers)
def test_gradients_agree_with_differences_to_second_order(name, rng):
    make, shape = layers[name]
    layer = make()
    x = mg.Tensor(rng.permutation(np.prod(shape)).reshape(shape) / 10, name="X", requires_grad=True)
    mg.gradcheck(lambda *_: np.sum(np.sin(layer(x))), [x, *layer.parameters()], order=2)


@pytest.mark.parametrize("name", layers)
def test_float32_stays_and_nothing_is_an_empty_batch(name):
    make, shape = layers[name]
    layer = make()
    for p in layer.parameters():
        assert p.dtype == np.float64
    y = layer(np.ones((0, *shape[1:])))
    assert len(y) == 0
    if y.requires_grad:
        np.sum(y).backward()
        assert not layer.weight.grad.data.any()
    narrow = layer if not list(layer.parameters()) else type(layer)(2, 2, 1, dtype=np.float32, rng=0)
    assert narrow(np.ones(shape, np.float32)).dtype == np.float32


# ---- PyTorch


def same_as_torch(layer, x, theirs, rng):
    """The layer's output and gradients are those of PyTorch's layer with the same state."""
    torch = pytest.importorskip("torch")
    state = {key: torch.tensor(np.array(value)) for key, value in layer.state_dict().items()}
    if any("num_batches" in key for key in theirs.state_dict()):
        state["num_batches_tracked"] = torch.tensor(0)
    theirs.load_state_dict(state)
    given = torch.tensor(np.array(x.data), requires_grad=True)
    z, expected = layer(x), theirs(given)
    np.testing.assert_allclose(z.data, expected.detach().numpy(), atol=1e-12)
    g = rng.standard_normal(z.shape)
    z.backward(g)
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(x.grad, given.grad.numpy(), atol=1e-11)
    for (path, ours), (name, other) in zip(layer.named_parameters(), theirs.named_parameters(), strict=True):
        assert path == name
        np.testing.assert_allclose(ours.grad, other.grad.numpy(), atol=1e-11)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize(
    ("shape", "args", "settings"),
    [
        ((3, 2, 9), (2, 4, 3), {}),
        ((3, 2, 9), (2, 4, 2), {"stride": 2, "padding": 1, "bias": False}),
        ((3, 4, 9), (4, 6, 3), {"groups": 2, "dilation": 2, "padding": 2}),
        ((3, 4, 9), (4, 4, 4), {"groups": 4, "padding": "same"}),
        ((3, 2, 9), (2, 3, 1), {"padding": "valid", "stride": 4}),
        ((3, 2, 6, 7), (2, 4, 3), {}),
        ((3, 2, 6, 7), (2, 4, (2, 3)), {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)}),
        ((3, 4, 6, 7), (4, 2, 3), {"groups": 2, "stride": 2, "padding": 1}),
        ((3, 2, 6, 7), (2, 4, (2, 4)), {"padding": "same", "dilation": 2, "bias": False}),
    ],
)
def test_a_convolution_agrees_with_torch(shape, args, settings, rng):
    torch = pytest.importorskip("torch")
    name = f"Conv{len(shape) - 2}d"
    layer, x = layer_and_x(rng, getattr(nn, name), shape, *args, **settings)
    same_as_torch(layer, x, getattr(torch.nn, name)(*args, **settings, dtype=torch.float64), rng)


@pytest.mark.parametrize(
    ("kind", "shape", "size", "settings"),
    [
        ("MaxPool", (3, 2, 9), 2, {}),
        ("MaxPool", (3, 2, 9), 3, {"stride": 1, "padding": 1, "dilation": 2}),
        ("MaxPool", (3, 2, 6, 7), 2, {}),
        ("MaxPool", (3, 2, 6, 7), (3, 2), {"stride": (1, 2), "padding": (1, 0), "dilation": (2, 1)}),
        ("AvgPool", (3, 2, 9), 2, {}),
        ("AvgPool", (3, 2, 9), 3, {"stride": 2, "padding": 1}),
        ("AvgPool", (3, 2, 6, 7), 3, {}),
        ("AvgPool", (3, 2, 6, 7), (3, 2), {"stride": (1, 3), "padding": (1, 1)}),
    ],
)
def test_pooling_agrees_with_torch(kind, shape, size, settings, rng):
    torch = pytest.importorskip("torch")
    name = f"{kind}{len(shape) - 2}d"
    x = mg.Tensor(rng.standard_normal(shape), requires_grad=True)
    same_as_torch(getattr(nn, name)(size, **settings), x, getattr(torch.nn, name)(size, **settings), rng)


def test_equal_elements_of_a_window_share_the_gradient():
    x = mg.Tensor(np.zeros((1, 1, 3)), requires_grad=True)
    np.sum(nn.MaxPool1d(3)(x)).backward()
    np.testing.assert_allclose(x.grad, np.full((1, 1, 3), 1 / 3))


# ---- weights


def test_filters_are_drawn_like_weights_of_as_many_inputs():
    layer = nn.Conv2d(3, 5, (2, 4), rng=0)
    np.testing.assert_array_equal(
        layer.weight, np.random.default_rng(0).standard_normal((5, 3, 2, 4)) * np.sqrt(2 / 24)
    )
    glorot = nn.Conv2d(30, 50, 3, groups=5, rng=0, init=nn.initializers.xavier_normal).weight.data
    assert np.var(glorot) == pytest.approx(2 / (6 * 9 + 50 * 9), rel=0.1)
    assert not layer.bias.data.any()
    assert nn.Conv1d(1, 2, 3, rng=0, dtype=np.float32).weight.dtype == np.float32


def test_filters_are_penalised_and_biases_are_not():
    model = nn.Sequential(nn.Conv1d(1, 2, 3, rng=0), nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(8, 1, rng=0))
    x = np.arange(12.0).reshape(2, 1, 6)
    J = nn.l2_penalty(model, lambd=0.9, m=7)
    weights = [model[0].weight, model[3].weight]
    np.testing.assert_allclose(J.item(), 0.9 / 14 * sum(np.sum(W.data**2) for W in weights))
    ledger = model.regularization(np.mean(np.square(model(x))) + J)
    penalised = {row.name: row.coefficient for row in ledger.rows}
    c = 0.9 / 14
    assert penalised == pytest.approx({"W1": c, "b1": 0, "gamma": 0, "beta": 0, "W2": c, "b2": 0})
    assert ledger.warnings == ()
    assert [p.decay for p in model.parameters()] == [True, False, False, False, True, False]


# ---- letters, drawings, compiled


def small_network():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 1, rng=1)
    )


def test_letters_follow():
    model = small_network()
    Z2 = model(np.ones((7, 1, 6, 6)))
    A1_pool_flat = Z2.inputs[0].inputs[0]
    A1_pool = A1_pool_flat.inputs[0]
    assert (Z2.name, A1_pool_flat.name, A1_pool.name) == ("Z2", "A1_pool_flat", "A1_pool")
    assert [p.name for p in model.parameters()] == ["W1", "b1", "W2", "b2"]
    assert repr(model).splitlines()[1:4] == [
        "  0: Conv2d(1, 2, kernel_size=3)  W1 (2, 1, 3, 3), b1 (2,)  20 parameters",
        "  1: ReLU()",
        "  2: MaxPool2d(kernel_size=2)",
    ]


def test_the_derivation_of_a_network_runs(rng):
    model, x = small_network(), rng.standard_normal((7, 1, 6, 6))
    J = np.mean(np.square(model(x)))
    source = mg.derive(J).numpy()
    assert "X_windows = windows(X, shape=(3, 3), axes=(-2, -1))" in source
    assert "np.einsum('mcpqkl,ockl->mopq', X_windows, W1, optimize=True)" in source
    names: dict = {}
    exec(source, names)
    function = names["loss_and_gradients"]
    arguments = {"X": x, **{p.name: p.data for p in model.parameters()}}
    taken = function.__code__.co_varnames[: function.__code__.co_argcount]
    cost, gradients = function(*(arguments[name] for name in taken))
    J.backward()
    assert cost == pytest.approx(J.item(), rel=1e-13)
    for p in model.parameters():
        np.testing.assert_allclose(gradients[f"d{p.name}"], p.grad, atol=1e-13)
    assert "einsum" in mg.derive(J).latex()
    assert "einsum" in mg.draw(J).dot


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_compiled_step_is_the_eager_one(backend, rng):
    if backend == "numba":
        pytest.importorskip("numba")
    eager, compiled = small_network(), small_network()

    def step_of(model):
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1)

        def step(x):
            J = np.mean(np.square(model(x)))
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            return J

        return step

    step, replay = step_of(eager), mg.compile(step_of(compiled), backend=backend)
    for _ in range(3):
        x = rng.standard_normal((7, 1, 6, 6))
        np.testing.assert_allclose(replay(x).item(), step(x).item(), rtol=1e-12)
    for a, b in zip(compiled.parameters(), eager.parameters(), strict=True):
        np.testing.assert_allclose(a.data, b.data, atol=1e-13)
    assert replay.stats()["replays"] == 2


# ---- Flatten and Embedding


def test_flatten_takes_any_axes():
    x = np.arange(24.0).reshape(2, 3, 2, 2)
    assert nn.Flatten(0, 1)(x).shape == (6, 2, 2)
    assert nn.Flatten(-2)(x).shape == (2, 3, 4)
    assert repr(nn.Flatten(0, 1)).startswith("Flatten(start_dim=0, end_dim=1)")
    with pytest.raises(ValueError, match=r'Flatten: x is "X" \(3,\); it has no axes from 1 to -1'):
        nn.Flatten()(np.ones(3))


def test_embedding_takes_rows_and_adds_their_gradients(rng):
    layer, x = nn.Embedding(5, 3, rng=0), np.array([[4, 1], [4, 0]])
    y = layer(x)
    np.testing.assert_array_equal(y, layer.weight.data[x])
    g = rng.standard_normal(y.shape)
    y.backward(g)
    wanted = np.zeros((5, 3))
    np.add.at(wanted, x, g)
    np.testing.assert_allclose(layer.weight.grad, wanted, atol=1e-14)
    assert y.name == "E"


def test_embedding_agrees_with_torch(rng):
    torch = pytest.importorskip("torch")
    layer, x = nn.Embedding(5, 3, rng=0), rng.integers(0, 5, (4, 6))
    theirs = torch.nn.Embedding(5, 3, dtype=torch.float64)
    theirs.load_state_dict({"weight": torch.tensor(np.array(layer.weight.data))})
    y, expected = layer(x), theirs(torch.tensor(x))
    np.testing.assert_array_equal(y, expected.detach().numpy())
    np.sum(y**2).backward()
    (expected**2).sum().backward()
    np.testing.assert_allclose(layer.weight.grad, theirs.weight.grad.numpy(), atol=1e-12)


def test_a_compiled_embedding_looks_at_each_x():
    layer = nn.Embedding(5, 3, rng=0)

    def loss(x):
        J = np.sum(np.square(layer(x)))
        return J, mg.grad(J, layer.weight)

    compiled = mg.compile(loss)
    for x in ([0, 1, 1], [4, 2, 0], [3, 3, 3]):
        for a, b in zip(compiled(np.array(x)), loss(np.array(x)), strict=True):
            np.testing.assert_allclose(a.data, b.data, atol=1e-14)
    assert compiled.stats()["replays"] == 2
    with pytest.raises(ValueError, match=r"Embedding: x runs from 0 to 4; there is a 0 \.\.\. 5"):
        compiled(np.array([0, 5, 1]))


# ---- messages


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 2, rng=0)(np.ones((7, 2, 5, 5))),
         r'Conv2d: x is "X" \(7, 2, 5, 5\); wanted \(m, 3, height, width\)'),
        (lambda: nn.Conv1d(3, 4, 2, rng=0)(np.ones((3, 5))),
         r'Conv1d: x is "X" \(3, 5\); wanted \(m, 3, length\)'),
        (lambda: nn.Conv1d(1, 4, 3, dilation=2, padding=1, rng=0)(np.ones((7, 1, 2))),
         r'Conv1d: x is "X" \(7, 1, 2\), \(4,\) with its border; a window is \(5,\), which does not fit'),
        (lambda: nn.Conv1d(0, 4, 3, rng=0), "Conv1d: in_channels must be a whole number of at least 1"),
        (lambda: nn.Conv1d(4, 6, 3, groups=3, rng=0),
         "Conv1d: groups=3 does not divide 4 channels in and 6 out"),
        (lambda: nn.Conv2d(1, 1, (2, 0), rng=0),
         r"Conv2d: kernel_size must be a whole number of at least 1, or 2 of them, not \(2, 0\)"),
        (lambda: nn.Conv2d(1, 1, 2, stride=(1, 1, 1), rng=0), "Conv2d: stride must be"),
        (lambda: nn.Conv1d(1, 1, 2, padding=-1, rng=0),
         "Conv1d: padding must be a whole number of at least 0, not -1"),
        (lambda: nn.Conv1d(1, 1, 2, padding="full", rng=0),
         "Conv1d: padding is \"same\", \"valid\" or whole numbers, not 'full'"),
        (lambda: nn.Conv1d(1, 1, 2, padding="same", stride=2, rng=0),
         r'Conv1d: padding="same" is for stride=1 alone, not for \(2,\)'),
        (lambda: nn.Conv1d(1, 1, 2, rng=0, init=lambda rng, shape: np.zeros(3)),
         r"Conv1d: init gave a weight of shape \(3,\), not \(1, 1, 2\)"),
        (lambda: nn.MaxPool2d(3, padding=2), "MaxPool2d: padding=2 is more than half of kernel_size=3"),
        (lambda: nn.AvgPool1d(4)(np.ones((2, 2, 3))),
         r"AvgPool1d: x is .*a window is \(4,\), which does not fit"),
        (lambda: nn.MaxPool1d(2)(np.ones((2, 2, 3, 3))),
         r"MaxPool1d: x is .*; wanted \(m, channels, length\)"),
        (lambda: nn.Embedding(5, 3, rng=0)(np.array([-1, 2])),
         r"Embedding: x runs from 0 to 4; there is a -1 \.\.\. 2"),
        (lambda: nn.Embedding(5, 0, rng=0), "Embedding: embedding_dim must be a whole number of at least 1"),
    ],
)  # fmt: skip
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_generator_and_whole_numbers_are_asked_for():
    with pytest.raises(TypeError, match="Conv2d: rng= takes a"):
        nn.Conv2d(1, 2, 3)
    with pytest.raises(TypeError, match=r"Embedding: x is float64 \(2,\); wanted whole numbers"):
        nn.Embedding(5, 3, rng=0)(np.ones(2))
