"""Fourier transforms: lengths, axes and norms that the corpus leaves out; when their rows are entered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.fft
import pytest

import minigrad as mg

norms = (None, "backward", "ortho", "forward")
rng = np.random.default_rng(2)


def weighted(y: Any) -> Any:
    """Re Σ w y with generic weights."""
    draw = np.random.default_rng(4)
    w = draw.uniform(-1, 1, y.shape) + 1j * draw.uniform(-1, 1, y.shape)
    return np.sum(np.real(w * y))


def assert_transposed(transform: Any, *arrays: np.ndarray) -> None:
    """The gradient of a linear function is its value at each unit array; values are NumPy's."""
    tensors = [mg.Tensor(x, requires_grad=True) for x in arrays]
    y = transform(*tensors)
    np.testing.assert_array_equal(y.data, transform(*arrays), strict=True)
    for i, g in enumerate(mg.grad(weighted(y), tensors)):
        units = np.eye(arrays[i].size).reshape(-1, *arrays[i].shape)
        zeros = [np.zeros_like(x) for x in arrays]
        slopes = [weighted(transform(*zeros[:i], unit, *zeros[i + 1 :])) for unit in units]
        np.testing.assert_allclose(g.data.ravel(), slopes, atol=1e-14)


@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_every_length_and_norm(name):
    transform = getattr(np.fft, name)
    x, y = rng.uniform(-1, 1, (2, 2, 4))
    for norm in norms:
        for n in (None, 1, 2, 3, 4, 5, 8):
            if name in ("rfft", "ihfft"):
                assert_transposed(lambda x, n=n, norm=norm: transform(x, n, norm=norm), x)
            else:
                assert_transposed(lambda x, y, n=n, norm=norm: transform(x + 1j * y, n, norm=norm), x, y)
    assert_transposed(lambda x: transform(x, axis=0), rng.uniform(-1, 1, (3, 2)))


@pytest.mark.parametrize("name", ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {}, {"axes": (0, 1)}, {"axes": (-1, 0), "s": (3, 3)},
        {"axes": (2, 1), "s": (-1, 2), "norm": "forward"}, {"axes": (1, 1)},
    ],
)  # fmt: skip
def test_several_axes(name, kwargs):
    transform = getattr(np.fft, name)
    assert_transposed(lambda x: transform(x, **kwargs), rng.uniform(-1, 1, (2, 3, 2)))


def test_shifts():
    for shift in (np.fft.fftshift, np.fft.ifftshift):
        for axes in (None, 0, (1, -2)):
            assert_transposed(lambda x, shift=shift, axes=axes: shift(x, axes), rng.uniform(-1, 1, (3, 4)))


def test_the_energy_of_a_signal_is_that_of_its_spectrum():
    """Parseval: Σ |x|² = Σ |fft(x, norm="ortho")|², and so are the gradients, 2 x."""
    x = mg.Tensor(rng.uniform(-1, 1, 5), requires_grad=True)
    energy = np.sum(np.absolute(np.fft.fft(x, norm="ortho")) ** 2)
    np.testing.assert_allclose(mg.grad(energy, x).data, 2 * x.data, rtol=1e-14)


def test_a_convolution_through_the_spectrum_has_the_gradient_of_the_direct_one():
    a, b = (mg.Tensor(rng.uniform(-1, 1, n), requires_grad=True) for n in (4, 3))
    w = rng.uniform(-1, 1, 6)
    through = np.fft.irfft(np.fft.rfft(a, 6) * np.fft.rfft(b, 6), 6)
    da, db = mg.grad(np.sum(w * through), [a, b])
    np.testing.assert_allclose(da.data, np.correlate(w, b.data), atol=1e-14)
    np.testing.assert_allclose(db.data, np.correlate(w, a.data), atol=1e-14)


def test_real_transforms_take_no_complex_numbers():
    z = mg.Tensor(np.ones(3), requires_grad=True, name="z") * 1j
    with pytest.raises(TypeError, match=r"fft\.rfft: a Tensor of shape \(3,\): ufunc 'rfft_n_odd'"):
        np.fft.rfft(z)


def test_wrong_arguments_are_said_of_the_function_that_was_called():
    x = mg.Tensor(np.ones(3), requires_grad=True, name="x")
    for call, error, said in (
        (lambda: np.fft.hfft(x, norm="unit"), ValueError, r'fft\.hfft: "x" \(3,\).*wanted "backward", "or'),
        (lambda: np.fft.fft2(x), IndexError, r'fft\.fft2: "x" \(3,\): tuple index out of range'),
        (lambda: np.fft.fftn(x, (2, 2), (0,)), ValueError, "s has 2 lengths, for 1 axes"),
    ):
        with pytest.raises(error, match=said):
            call()


def test_out_would_lose_the_gradient():
    x = mg.Tensor(np.ones(3), requires_grad=True)
    for call in (np.fft.fft, np.fft.fftn):
        with pytest.raises(TypeError, match="out= would lose the gradient"):
            call(x, out=np.zeros(3, complex))
