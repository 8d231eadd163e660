"""Complex numbers: the convention g = ∂L/∂x - i ∂L/∂y, what follows from it, and what is refused."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.check import GradcheckError


def parts(*shape: int, seed: int = 0) -> tuple[mg.Tensor, mg.Tensor]:
    """The real and the imaginary part of a generic z, as leaves."""
    x, y = np.random.default_rng(seed).uniform(0.3, 1.7, (2, *shape))
    return mg.Tensor(x, requires_grad=True, name="x"), mg.Tensor(-y, requires_grad=True, name="y")


w = np.array([0.7 - 1.1j, -0.4 + 0.9j, 1.3 + 0.2j])


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (np.exp, np.exp), (np.sin, np.cos), (lambda z: z**3, lambda z: 3 * z**2),
        (lambda z: 1j * z, lambda z: 1j), (lambda z: 1 / z, lambda z: -1 / z**2), (np.log, lambda z: 1 / z),
        (np.arctan, lambda z: 1 / (1 + z * z)),
        (lambda z: (2 - 1j) ** z, lambda z: np.log(2 - 1j) * (2 - 1j) ** z),
        (lambda z: (-1.5) ** z, lambda z: np.log(-1.5 + 0j) * (-1.5) ** z),
        (mg.sigmoid, lambda z: mg.sigmoid(z) * (1 - mg.sigmoid(z))), (mg.softplus, mg.sigmoid),
    ],
)  # fmt: skip
def test_a_holomorphic_function_multiplies_by_its_slope_without_a_conjugate(f, slope):
    x, y = parts(3)
    z = x + 1j * y
    L = np.sum(np.real(w * f(z)))
    dz, dx, dy = mg.grad(L, [z, x, y])
    np.testing.assert_allclose(dz.data, w * slope(z.data), rtol=1e-13)
    np.testing.assert_array_equal(dx.data, np.real(dz.data))  # g = ∂L/∂x - i ∂L/∂y
    np.testing.assert_array_equal(dy.data, -np.imag(dz.data))
    assert (dz.dtype, dx.dtype, dy.dtype) == (complex, float, float)


def test_the_gradient_of_the_squared_size_is_twice_the_conjugate():
    x, y = parts(3)
    z = x + 1j * y
    for squared in (np.absolute(z) ** 2, np.real(z * np.conjugate(z)), z.real**2 + z.imag**2):
        np.testing.assert_allclose(mg.grad(np.sum(squared), z).data, 2 * np.conj(z.data), rtol=1e-15)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: np.sum(np.absolute(z) ** 3), lambda z: np.sum(np.angle(z) * w.real),
        lambda z: np.var(z, ddof=1), lambda z: np.std(z),
        lambda z: np.sum(np.absolute(np.fft.fft(z)) ** 2 * w.real),
        lambda z: np.real(np.sum(np.conjugate(z) * w * z**2)), lambda z: np.max(np.absolute(z)),
        lambda z: np.real(np.max(z)) * np.imag(np.min(z)),
        lambda z: np.absolute(np.prod(z)) + np.real(np.mean(np.maximum(z, z[::-1]) ** 2)),
        lambda z: np.sum(np.absolute(np.linalg.norm(z) * z / np.linalg.vector_norm(z, ord=3))),
    ],
)  # fmt: skip
def test_real_losses_agree_with_differences_to_second_order(loss):
    x, y = parts(3, seed=1)
    assert max(mg.gradcheck(lambda x, y: loss(x + 1j * y), [x, y], 2).errors.values()) < 1e-8


@pytest.mark.parametrize("name", ["jax", "autograd"])
def test_the_convention_is_that_of_jax_and_autograd(name):
    library = pytest.importorskip(name)
    if name == "jax":
        library.config.update("jax_enable_x64", True)

    def loss(np: Any, z: Any) -> Any:
        return np.sum(np.abs(np.tanh(w * z)) ** 2 + np.real(w * z**2) + np.angle(z) * np.imag(np.conj(z)))

    x, y = parts(3)
    z = x + 1j * y
    theirs = library.grad(lambda z: loss(importlib.import_module(f"{name}.numpy"), z))(z.data)
    np.testing.assert_allclose(mg.grad(loss(np, z), z).data, np.asarray(theirs), rtol=1e-13)


def test_a_real_array_in_a_complex_operation_gets_the_real_part_in_its_own_precision():
    for dtype in (np.float32, np.float64):
        x = mg.Tensor(np.array([1.0, 2.0, 3.0], dtype), requires_grad=True)
        g = mg.grad(np.sum(np.real(w.astype(np.result_type(dtype, 1j)) * x)), x)
        assert g.dtype == dtype
        np.testing.assert_array_equal(g.data, w.real.astype(dtype))
        second = mg.grad(np.sum(mg.grad(np.real(np.sum(w * x**3)), x, create_graph=True) * [1, 2, 3]), x)
        assert second.dtype == dtype
        np.testing.assert_allclose(second.data, 6 * w.real * [1, 2, 3] * x.data, rtol=1e-6)


def test_the_edges_at_0():
    x, y = (mg.Tensor([0.0, 3.0], requires_grad=True) for _ in "xy")
    z = x + 1j * y
    assert mg.grad(np.sum(np.absolute(z)), z).tolist()[0] == 0
    assert mg.grad(np.sum(np.angle(z)), z).tolist()[0] == 0
    assert mg.grad(np.sum(np.angle(x)), x).tolist() == [0, 0]  # 0 or π
    assert mg.grad(np.sum(np.imag(x) + x), x).tolist() == [1, 1]


def test_real_if_close_looks_at_the_values():
    x, y = parts(3)
    kept, dropped = np.real_if_close(x + 1j * y), np.real_if_close(x + 1e-18j * y)
    assert (kept.dtype, dropped.dtype) == (complex, float)
    assert mg.grad(np.sum(dropped), [x, y])[0].tolist() == [1, 1, 1]
    with pytest.raises(Exception, match="is another one at each replay"):
        mg.compile(lambda x: np.real_if_close(x + 1j))(np.ones(3))


def test_a_loss_must_be_real():
    x, y = parts(3)
    z = np.sum(x + 1j * y)
    z.name = "z"
    for call in (z.backward, lambda: mg.grad(z, x)):
        with pytest.raises(
            RuntimeError, match=r'"z" \(\) is complex, and a loss is real; take np\.absolute, np\.r'
        ):
            call()
    assert x.grad is None
    dx, dy = mg.grad(z, [x, y], gradient=2 - 3j)  # dL = Re(g dz)
    assert (dx.tolist(), dy.tolist()) == ([2] * 3, [3] * 3)
    with pytest.raises(ValueError, match=r"gradient= is complex, and a Tensor of shape \(3,\) is real"):
        mg.grad(x * 2, x, gradient=w)
    for reader in (mg.derive, mg.steps):
        with pytest.raises((ValueError, RuntimeError), match=r'"z" \(\) is complex, and a loss is real'):
            reader(z)
    with pytest.raises(GradcheckError, match=r"is complex: give np\.real, np\.imag of it"):
        mg.gradcheck(lambda x: x * 1j, mg.Tensor([1.0], requires_grad=True))


def test_complex_leaves_are_written_with_real_ones():
    with pytest.raises(
        TypeError, match=r'"z" \(2,\) is complex128; only real .*write x \+ 1j \* y of real ones'
    ):
        mg.Tensor([1j, 2], name="z", requires_grad=True)
    assert mg.Tensor([1j, 2]).real.tolist() == [0, 2]
    assert mg.Tensor([1j, 2]).imag.tolist() == [1, 0]
    assert mg.Tensor([1j, 2]).conj().tolist() == [-1j, 2]


def test_the_sign_of_complex_numbers_is_not_constant_and_has_no_gradient():
    x, y = parts(3)
    for function in (np.sign, np.round, np.rint):
        with pytest.raises(TypeError, match=r": the result is complex128, for which there are no gradients"):
            function(x + 1j * y)
    assert np.sign(mg.Tensor(w)).dtype == complex


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(np.real(x * (1 + 2j)) * x) + np.sum(np.absolute((x * (3 - 1j)) * (x * (3 - 1j)))),
        lambda x: np.imag(x * (1 + 2j)) * 2 + np.absolute((np.exp(x) * (3 - 1j)) ** 2),
        lambda x: np.real(np.exp(x)) + np.square(np.sin(x) * x + 1),
    ],
)
def test_parts_are_views_whose_memory_a_compiled_function_does_not_use_again(function):
    compiled = mg.compile(function)
    for scale in (1.0, 1.0, 0.5):
        x = scale * np.linspace(0.1, 1.2, 40).reshape(8, 5)
        np.testing.assert_allclose(compiled(x).data, function(x), rtol=1e-14)
