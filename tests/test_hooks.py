"""Hooks of gradients: when they are called, with what, and what they may put in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.tensor import Tensor


@pytest.fixture
def x() -> Tensor:
    return mg.Tensor([1.0, 2.0], requires_grad=True, name="x")


def test_a_hook_sees_the_complete_gradient_once(x):
    seen: list[Any] = []
    h = x * 3
    h.register_hook(lambda g: seen.append(("h", g)))
    x.register_hook(lambda g: seen.append(("x", g)))
    np.sum(h * h + h).backward()  # two uses of h
    assert [name for name, _ in seen] == ["h", "x"]
    np.testing.assert_array_equal(seen[0][1], 2 * h.data + 1)
    np.testing.assert_array_equal(seen[1][1], x.grad)
    assert isinstance(seen[0][1], Tensor)
    assert seen[0][1].shape == h.shape
    assert seen[0][1].is_leaf


def test_of_a_gradient_that_is_left_broadcast_a_hook_sees_the_whole(x):
    seen: list[Any] = []
    h = x * 1
    h.register_hook(seen.append)
    mg.grad(np.sum(h), x)
    np.testing.assert_array_equal(seen[0], [1, 1])


def test_what_is_returned_takes_the_place_in_the_order_of_registration(x):
    seen: list[Any] = []
    h = x * 3
    h.register_hook(lambda g: g + 1)
    h.register_hook(lambda g: g.data * 10)  # an array will do
    h.register_hook(seen.append)
    h.retain_grad()
    x.register_hook(lambda g: -g)
    np.sum(h).backward()
    np.testing.assert_array_equal(h.grad, [20, 20])
    np.testing.assert_array_equal(seen[0], [20, 20])
    np.testing.assert_array_equal(x.grad, [-60, -60])
    np.sum(h).backward()
    np.testing.assert_array_equal(x.grad, [-120, -120])  # of the new gradient, not of what is there
    np.testing.assert_array_equal(mg.grad(np.sum(h), x), [-60, -60])
    np.testing.assert_array_equal(mg.grad(np.sum(h), h), [20, 20])


def test_as_in_torch():
    torch = pytest.importorskip("torch")

    def gradients(leaf: Any, total: Any) -> Any:
        h = leaf * 3
        h.register_hook(lambda g: g * 2)
        h.retain_grad()
        h.register_hook(lambda g: g + 1)
        leaf.register_hook(lambda g: g * g)
        total(h * h + h).backward()
        return leaf.grad, h.grad

    of_torch = gradients(torch.tensor([1.0, 2.0], requires_grad=True), torch.sum)
    own = gradients(mg.Tensor([1.0, 2.0], requires_grad=True), np.sum)
    for got, wanted in zip(own, of_torch, strict=True):
        np.testing.assert_array_equal(got, wanted.numpy())


def test_a_hook_off_the_way_is_not_called(x):
    y = mg.Tensor(2.0, requires_grad=True)
    y.register_hook(lambda g: pytest.fail("y was not asked for"))
    mg.grad(np.sum(x) * y, x)


def test_removal(x):
    seen: list[Any] = []
    first, second = x.register_hook(lambda g: seen.append(1)), x.register_hook(lambda g: seen.append(2))
    first.remove()
    first.remove()
    np.sum(x).backward()
    second.remove()
    np.sum(x).backward()
    assert seen == [2]


def test_within_a_graph_of_gradients_a_hook_is_part_of_it(x):
    h = np.sin(x)
    h.register_hook(lambda g: g * g)
    dx = mg.grad(np.sum(2 * h), x, create_graph=True)  # 4 cos x
    np.testing.assert_allclose(mg.grad(np.sum(dx), x), -4 * np.sin(x.data))
    derivation = mg.derive(np.sum(2 * h))
    np.testing.assert_allclose(derivation.run()[1]["dx"], dx.data)


def test_in_a_transform(x):
    def f(x: Any) -> Any:
        h = x * x
        h.register_hook(lambda g: np.clip(g, -0.5, 0.5))
        return np.sum(h)

    np.testing.assert_array_equal(mg.grad(f)(np.array([1.0, 2.0])), [1, 2])
    np.testing.assert_array_equal(mg.hessian(f)(np.array([1.0, 2.0])), np.eye(2))


def test_whichever_way_a_jacobian_would_take_a_hook_is_called(x):
    def f(x: Any, hook: bool = True) -> Any:
        h = x * x
        if hook:
            h.register_hook(lambda g: np.clip(g, -0.5, 0.5))
        return np.concatenate([h, 3 * h, np.ones(2)])  # more numbers than there are in x

    wanted = np.vstack([np.diag([1, 2.0]), np.diag([1, 2.0]), np.zeros((2, 2))])
    np.testing.assert_array_equal(mg.jacobian(f)(np.array([1.0, 2.0])), wanted)
    refused = r"a Tensor of shape \(2,\) has a hook, .* forward mode has none"
    for transform in (mg.jacobian(f, mode="forward"), lambda x: mg.jvp(f, x, x)):
        with pytest.raises(RuntimeError, match=refused):
            transform(np.array([1.0, 2.0]))
    off_the_way = mg.Tensor([1.0, 2.0], requires_grad=True)
    off_the_way.register_hook(lambda g: g * 2)
    _, tangent = mg.jvp(lambda x: f(x, False)[:2] * off_the_way, np.ones(2), np.ones(2))
    np.testing.assert_array_equal(tangent, [2, 4])


def test_a_hook_is_called_for_each_row_of_a_jacobian():
    seen: list[Any] = []

    def f(x: Any) -> Any:
        h = np.sin(x)
        h.register_hook(seen.append)
        return 2 * h

    mg.jacobian(f)(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(seen, [[2, 0], [0, 2]])


def test_an_error_leaves_every_gradient_as_it_was(x):
    y = mg.Tensor([3.0, 4.0], requires_grad=True)
    h = x * 2

    def fails(g: Any) -> Any:
        raise KeyError("hook")

    h.register_hook(fails)
    x.grad, y.grad = [1.0, 1.0], None
    with pytest.raises(KeyError):
        np.sum(h * y).backward()
    np.testing.assert_array_equal(x.grad, [1, 1])
    assert y.grad is None


@pytest.mark.parametrize(
    ("returned", "kind", "message"),
    [
        (1.0, TypeError, r'a hook of "x" \(2,\) gave a float; wanted None, or a gradient of shape \(2,\)'),
        (np.ones(3), ValueError, r'a hook of "x" \(2,\) gave float64 of shape \(3,\); wanted'),
        (np.ones(2) * 1j, ValueError, r"gave complex128 of shape \(2,\); wanted real"),
    ],
)
def test_what_a_hook_may_not_return(x, returned, kind, message):
    x.register_hook(lambda g: returned)
    with pytest.raises(kind, match=message):
        np.sum(x).backward()
    assert x.grad is None


def test_a_hook_that_assigns_in_place_of_returning_is_noticed(x):
    def doubles(g: Any) -> None:
        g *= 2

    x.register_hook(doubles)
    with pytest.raises(RuntimeError, match=r'a hook of "x" \(2,\) assigned to .*: return the new one'):
        np.sum(x).backward()
    assert x.grad is None


def test_a_hook_may_remove_itself_and_register_another(x):
    def first(g: Any) -> None:
        handle.remove()
        x.register_hook(lambda g: g * 10)

    handle = x.register_hook(first)
    for wanted in ([1, 1], [10, 10]):
        np.testing.assert_array_equal(mg.grad(np.sum(x), x), wanted)


def test_a_function_registered_twice_is_two_hooks(x):
    def doubles(g: Any) -> Any:
        return g * 2

    first, _ = x.register_hook(doubles), x.register_hook(doubles)
    np.testing.assert_array_equal(mg.grad(np.sum(x), x), [4, 4])
    first.remove()
    np.testing.assert_array_equal(mg.grad(np.sum(x), x), [2, 2])


def test_another_dtype_is_brought_to_the_tensors_own():
    x = mg.Tensor([1.0], requires_grad=True, dtype=np.float32)
    x.register_hook(lambda g: g.data.astype(float) * 2)
    assert mg.grad(np.sum(x), x).dtype == np.float32


def test_what_cannot_have_a_hook(x):
    with pytest.raises(TypeError, match=r'register_hook: "x" \(2,\) was given a int, not a function'):
        x.register_hook(3)
    with pytest.raises(RuntimeError, match="needs no gradient, so none would arrive"):
        x.detach().register_hook(print)


def test_a_hook_may_ask_for_gradients_itself(x):
    y = mg.Tensor(1.0, requires_grad=True)

    def asks(g: Any) -> None:
        with mg.enable_grad():
            (y * 3).backward()
            np.sum(x * 2).backward()

    (x * 1).register_hook(asks)
    h = x * 1
    h.register_hook(asks)
    np.sum(h * y).backward()
    assert y.grad.item() == 3 + np.sum(x.data)
    np.testing.assert_array_equal(x.grad, [2 + 1, 2 + 1])


# ---- compile


def test_a_hook_inside_of_a_compiled_function_is_compiled():
    W = mg.Tensor([1.0, 2.0], requires_grad=True, name="W")

    @mg.compile
    def step(X: Any) -> Any:
        z = X * W
        z.register_hook(lambda g: np.clip(g, -0.5, 0.5))
        return mg.grad(np.sum(z * z), W)

    for X in (np.array([1.0, 0.1]), np.array([0.1, 1.0])):
        np.testing.assert_allclose(step(X), X * np.clip(2 * X * W.data, -0.5, 0.5))
    assert step.stats()["recordings"] == 1


def test_a_hook_from_outside_is_refused_by_compile_whenever_it_was_registered():
    model = nn.Linear(2, 1, rng=0)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)

    @mg.compile
    def step(X: Any) -> Any:
        J = np.mean(model(X) ** 2)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    X = np.ones((3, 2))
    step(X)
    handle = model.weight.register_hook(lambda g: g * 2)
    before = model.weight.data
    with pytest.raises(RuntimeError, match=r'"W" \(1, 2\) has a hook from outside of the function'):
        step(X)
    np.testing.assert_array_equal(model.weight, before)
    handle.remove()
    step(X)
    assert step.stats()["recordings"] == 1


def test_a_hook_of_an_argument_is_refused_by_compile(x):
    gradient = mg.compile(lambda x: mg.grad(np.sum(x * x), x))
    gradient(x)
    x.register_hook(lambda g: g * 2)
    with pytest.raises(RuntimeError, match="has a hook from outside"):
        gradient(x)


@pytest.mark.parametrize("what", ["register", "remove"])
def test_compile_refuses_to_change_hooks(x, what):
    handle = x.register_hook(lambda g: g)
    act = handle.remove if what == "remove" else lambda: x.register_hook(lambda g: g)

    @mg.compile
    def f(y: Any) -> Any:
        act()
        return y * 2

    with pytest.raises(RuntimeError, match=r'a hook of "x" \(2,\) is registered or removed'):
        f(np.ones(2))
