"""Initial weights: their distributions, by statistics with a stated error."""

import numpy as np
import pytest

from minigrad import nn
from minigrad.nn import initializers

n_out, n_in = 240, 360
n = n_out * n_in
variances = {
    "he_normal": 2 / n_in,
    "he_uniform": 2 / n_in,
    "xavier_normal": 2 / (n_in + n_out),
    "xavier_uniform": 2 / (n_in + n_out),
    "glorot_normal": 2 / (n_in + n_out),
    "glorot_uniform": 2 / (n_in + n_out),
}
kurtosis = {"normal": 3.0, "uniform": 1.8}


def drawn(name, seed=5):
    return getattr(initializers, name)(np.random.default_rng(seed), (n_out, n_in))


@pytest.mark.parametrize("name", variances)
def test_mean_and_variance(name):
    """The mean has the standard error σ/√n, the variance σ² √((κ - 1)/n); five of them are allowed."""
    W, variance = drawn(name), variances[name]
    k = kurtosis[name.partition("_")[2]]
    assert W.shape == (n_out, n_in)
    assert abs(W.mean()) < 5 * np.sqrt(variance / n)
    assert abs(W.var() - variance) < 5 * variance * np.sqrt((k - 1) / n)


@pytest.mark.parametrize("name", variances)
def test_the_distribution(name):
    """The share of |w| below a bound has the standard error √(p (1 - p) / n); five of them are allowed."""
    W, sigma = drawn(name), np.sqrt(variances[name])
    if name.endswith("uniform"):
        bound = np.sqrt(3) * sigma
        assert np.abs(W).max() < bound
        expected = {share * bound: share for share in (0.1, 0.5, 0.9)}
    else:
        expected = {sigma: 0.6826894921370859, 2 * sigma: 0.9544997361036416, 3 * sigma: 0.9973002039367398}
    for bound, p in expected.items():
        assert abs((np.abs(W) < bound).mean() - p) < 5 * np.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("name", variances)
def test_weights_are_independent(name):
    """Correlations over n pairs have the standard error 1/√n; five of them are allowed."""
    W = drawn(name)
    for a, b in ((W[:-1], W[1:]), (W[:, :-1], W[:, 1:])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 5 / np.sqrt(a.size)


@pytest.mark.parametrize("name", variances)
@pytest.mark.parametrize("rng", [3, np.random.RandomState(3)], ids=["seed", "RandomState"])
def test_any_generator_will_do(name, rng):
    W = getattr(initializers, name)(rng, (30, 40))
    assert W.shape == (30, 40)
    assert W.std() > 0
    if rng == 3:
        np.testing.assert_array_equal(W, getattr(initializers, name)(np.random.default_rng(3), (30, 40)))


def test_glorot_is_another_name_of_xavier():
    assert initializers.glorot_normal is initializers.xavier_normal
    assert initializers.glorot_uniform is initializers.xavier_uniform


def test_zeros():
    for shape in ((3, 2), (3,)):
        W = initializers.zeros(np.random.default_rng(0), shape)
        assert W.shape == shape
        assert not W.any()


@pytest.mark.parametrize("name", variances)
@pytest.mark.parametrize("shape", [(3,), (3, 0), (0, 3), (2, 3, 0), ()])
def test_a_weight_is_a_matrix_or_filters(name, shape):
    with pytest.raises(
        ValueError, match=r"weight has the shape \(n_out, n_in, \*kernel_size\), all at least 1, not"
    ):
        getattr(initializers, name)(0, shape)


@pytest.mark.parametrize("name", variances)
def test_a_generator_is_asked_for(name):
    with pytest.raises(TypeError, match="rng= takes a"):
        getattr(initializers, name)(None, (3, 2))


@pytest.mark.parametrize("name", variances)
def test_linear_takes_them(name):
    layer = nn.Linear(n_in, n_out, rng=5, init=getattr(initializers, name), dtype=np.float32)
    np.testing.assert_array_equal(layer.weight, drawn(name).astype(np.float32))
    assert not layer.bias.data.any()


def test_he_keeps_the_size_of_activations_through_relu():
    """Over 10 layers of 400 neurons E[a²] stays within a factor of 2; with Xavier's it falls to 2⁻¹⁰."""
    rng = np.random.default_rng(0)

    def through(init):
        a = rng.standard_normal((200, 400))
        for _ in range(10):
            a = np.maximum(a @ init(rng, (400, 400)).T, 0)
        return np.mean(a**2)

    assert 0.5 < through(initializers.he_normal) < 2
    assert 2**-11 < through(initializers.xavier_normal) < 2**-9
