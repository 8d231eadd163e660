"""Linear and the activations: their equations, shapes, dtypes, gradients and messages."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


def differences(f, x, step=1e-6):
    """∂f/∂x by central differences, f a function of an array that gives a number."""
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[place] = step
        gradient[place] = (f(x + e) - f(x - e)) / (2 * step)
    return gradient


# ---- Linear


def test_linear_is_the_equation(rng):
    layer, x = nn.Linear(5, 3, rng=0), rng.standard_normal((7, 5))
    with mg.no_grad():
        layer.bias.data = rng.standard_normal(3)
    np.testing.assert_array_equal(layer(x), x @ layer.weight.data.T + layer.bias.data)
    without = nn.Linear(5, 3, bias=False, rng=0)
    assert without.bias is None
    assert list(without.state_dict()) == ["weight"]
    np.testing.assert_array_equal(without(x), x @ without.weight.data.T)


@pytest.mark.parametrize("lead", [(), (7,), (2, 7), (0,)])
def test_linear_takes_any_leading_axes(lead, rng):
    layer, x = nn.Linear(5, 3, rng=0), rng.standard_normal((*lead, 5))
    z = layer(x)
    assert z.shape == (*lead, 3)
    np.sum(z).backward()
    assert layer.weight.grad.shape == (3, 5)
    np.testing.assert_allclose(layer.bias.grad, np.full(3, np.prod(lead)))


def test_the_gradients_of_linear_are_its_rule(rng):
    layer, g = nn.Linear(5, 3, rng=0), rng.standard_normal((7, 3))
    x = mg.Tensor(rng.standard_normal((7, 5)), requires_grad=True)
    layer(x).backward(g)
    np.testing.assert_allclose(layer.weight.grad, g.T @ x.data, atol=1e-13)
    np.testing.assert_allclose(layer.bias.grad, g.sum(axis=0), atol=1e-13)
    np.testing.assert_allclose(x.grad, g @ layer.weight.data, atol=1e-13)


def test_linear_agrees_with_torch(rng):
    torch = pytest.importorskip("torch")
    layer, x = nn.Linear(5, 3, rng=0), rng.standard_normal((7, 5))
    theirs = torch.nn.Linear(5, 3, dtype=torch.float64)
    theirs.load_state_dict({key: torch.tensor(np.array(value)) for key, value in layer.state_dict().items()})
    z, expected = layer(x), theirs(torch.tensor(x))
    np.testing.assert_allclose(z, expected.detach().numpy(), atol=1e-13)
    np.sum(z * z).backward()
    (expected**2).sum().backward()
    np.testing.assert_allclose(layer.weight.grad, theirs.weight.grad.numpy(), atol=1e-12)
    np.testing.assert_allclose(layer.bias.grad, theirs.bias.grad.numpy(), atol=1e-12)


def test_only_weights_decay():
    layer = nn.Linear(5, 3, rng=0)
    assert layer.weight.decay
    assert not layer.bias.decay


@pytest.mark.parametrize("rng", [0, np.random.default_rng(0), np.random.RandomState(0)])
def test_initial_weights_come_from_the_generator(rng):
    layer = nn.Linear(5, 3, rng=rng)
    assert np.std(layer.weight.data) > 0.1
    assert not layer.bias.data.any()


def test_one_seed_gives_the_same_weights():
    a, b, c = (nn.Linear(5, 3, rng=seed).weight.data for seed in (0, 0, 1))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    np.testing.assert_array_equal(a, np.random.default_rng(0).standard_normal((3, 5)) * np.sqrt(2 / 5))


@pytest.mark.parametrize("rng", [None, "0", 1.0, True, np.random])
def test_a_generator_is_asked_for(rng):
    with pytest.raises(TypeError, match=r"Linear: rng= takes a .*Generator.* there is no global generator"):
        nn.Linear(5, 3, rng=rng)
    with pytest.raises(TypeError, match="Linear: rng="):
        nn.Linear(5, 3)


@pytest.mark.parametrize(
    ("n_in", "n_out", "name"),
    [(0, 3, "n_in"), (5, -1, "n_out"), (5.0, 3, "n_in"), ("5", 3, "n_in"), (5, True, "n_out")],
)
def test_sizes_are_whole_numbers(n_in, n_out, name):
    with pytest.raises(ValueError, match=f"Linear: {name} must be a whole number of at least 1"):
        nn.Linear(n_in, n_out, rng=0)


def test_sizes_may_be_numpy_integers():
    assert repr(nn.Linear(np.int64(5), np.int32(3), rng=0)).startswith("Linear(5, 3)")


def test_the_message_for_a_wrong_width_names_both():
    model = nn.Sequential(nn.Linear(5, 4, rng=0), nn.Linear(3, 1, rng=0))
    with pytest.raises(
        ValueError, match=r'Linear: x is "Z1" \(7, 4\); .* n_in = 3, the columns of "W2" \(1, 3\)'
    ):
        model(np.ones((7, 5)))
    with pytest.raises(ValueError, match=r'Linear: x is "X" \(\)'):
        model(1.0)
    assert model[0].weight.grad is None


def test_an_initialiser_must_give_the_shape_of_the_weight():
    with pytest.raises(ValueError, match=r"Linear: init gave a weight of shape \(5, 3\), not \(3, 5\)"):
        nn.Linear(5, 3, rng=0, init=lambda rng, shape: np.zeros(shape[::-1]))
    layer = nn.Linear(5, 3, rng=0, init=nn.initializers.zeros)
    assert not layer.weight.data.any()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_dtype_stays_through_forward_and_backward(dtype, rng):
    model = nn.Sequential(
        nn.Linear(5, 4, rng=0, dtype=dtype),
        *(activation() for activation in activations),
        nn.Dropout(keep_prob=0.8, rng=1),
        nn.Linear(4, 3, rng=2, dtype=dtype),
    )
    x = mg.Tensor(rng.standard_normal((7, 5)), dtype=dtype)
    for layer in model:
        x = layer(x)
        assert x.dtype == dtype, layer
    np.mean(x).backward()
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(dtype)}


def test_weights_must_be_floating_point():
    with pytest.raises(TypeError, match="floating-point"):
        nn.Linear(5, 3, rng=0, dtype=int)


def test_the_users_array_is_neither_changed_nor_frozen(rng):
    x = rng.standard_normal((7, 5))
    before = x.copy()
    model = nn.Sequential(nn.Linear(5, 3, rng=0), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=1), nn.Softmax())
    model(x)
    np.testing.assert_array_equal(x, before)
    x[0, 0] = 1.0


def test_a_change_of_the_users_array_does_not_reach_the_graph(rng):
    layer, x = nn.Linear(5, 3, rng=0), rng.standard_normal((7, 5))
    z = layer(x)
    expected = x.sum(axis=0)
    x[:] = np.nan
    np.sum(z).backward()
    np.testing.assert_allclose(layer.weight.grad, np.tile(expected, (3, 1)), atol=1e-13)


# ---- activations

activations = {
    nn.ReLU: lambda z: np.maximum(z, 0),
    nn.Sigmoid: lambda z: 1 / (1 + np.exp(-z)),
    nn.Tanh: np.tanh,
    nn.Softplus: lambda z: np.log1p(np.exp(z)),
    nn.Softmax: lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    nn.LogSoftmax: lambda z: z - np.log(np.exp(z).sum(axis=-1, keepdims=True)),
}


@pytest.mark.parametrize("activation", activations)
def test_activations_are_their_equations(activation, rng):
    z, g = rng.standard_normal((7, 3)), rng.standard_normal((7, 3))
    np.testing.assert_allclose(activation()(z), activations[activation](z), atol=1e-14)
    t = mg.Tensor(z, requires_grad=True)
    activation()(t).backward(g)
    expected = differences(lambda x: np.sum(g * activations[activation](x)), z)
    np.testing.assert_allclose(t.grad, expected, atol=1e-8)


@pytest.mark.parametrize("activation", activations)
def test_activations_agree_with_torch(activation, rng):
    torch = pytest.importorskip("torch")
    z, g = 30 * rng.standard_normal((7, 3)), rng.standard_normal((7, 3))
    theirs = torch.tensor(z, requires_grad=True)
    options = {"dim": -1} if "Softmax" in activation.__name__ else {}
    expected = getattr(torch.nn, activation.__name__)(**options)(theirs)
    expected.backward(torch.tensor(g))
    t = mg.Tensor(z, requires_grad=True)
    a = activation()(t)
    a.backward(g)
    np.testing.assert_allclose(
        a, expected.detach().numpy(), atol=1e-8 if activation is nn.Softplus else 1e-12
    )
    np.testing.assert_allclose(t.grad, theirs.grad.numpy(), atol=1e-8 if activation is nn.Softplus else 1e-12)


@pytest.mark.parametrize("activation", activations)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_are_finite_far_out(activation, dtype):
    z = mg.Tensor([[-1e4, -80.0, 0.0, 80.0, 1e4]], requires_grad=True, dtype=dtype)
    a = activation()(z)
    dz = mg.grad(a, z, gradient=np.ones(z.shape, dtype), create_graph=True)
    ddz = mg.grad(np.sum(dz), z, allow_unused=True)
    for t in (a, dz, ddz):
        assert np.isfinite(t.data).all()
        assert t.dtype == dtype


def test_activations_carry_the_letter_of_their_z():
    for name, expected in {"Z3": "A3", "Z": "A", "Z12": "A12", "width": None, None: None}.items():
        assert nn.Tanh()(mg.Tensor([1.0], name=name)).name == expected
