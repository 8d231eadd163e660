"""The chain rule: accumulation, higher order, the life of a graph, linear time, nothing half-done."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.tensor import Tensor


def leaf(data: Any, name: str | None = None, **options: Any) -> Tensor:
    return mg.Tensor(data, requires_grad=True, name=name, **options)


@pytest.fixture
def no_collector():
    """The cyclic collector is off: what is freed is freed by reference count."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# ---- backward and grad


def test_leaves_accumulate_and_results_start_anew():
    x = leaf(2.0)
    y = x * x * x
    for calls in (1, 2, 3):
        y.backward()
        assert x.grad.item() == 12 * calls
    x.grad = None
    (2 * x).backward()
    assert x.grad.item() == 2


def test_accumulation_as_in_torch(rng):
    torch = pytest.importorskip("torch")
    data = rng.normal(size=(3, 4))
    x, t = leaf(data), torch.tensor(data, requires_grad=True)
    for _ in range(3):
        np.sum(np.tanh(x) * x).backward()
        (torch.tanh(t) * t).sum().backward()
    np.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=1e-12)


def test_retained_gradients_of_results_do_not_accumulate():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    z = y * y
    for _ in range(3):
        z.backward()
        assert y.grad.item() == 8
    assert x.grad.item() == 3 * 32
    assert z.grad is None
    with pytest.raises(RuntimeError, match="needs no gradient"):
        mg.Tensor(1.0).retain_grad()


def test_grad_stores_nothing():
    x, w = leaf([1.0, 2.0]), leaf(3.0)
    y = np.sum(x * x) * w
    dx, dw = mg.grad(y, [x, w])
    np.testing.assert_array_equal(dx, [6, 12])
    assert dw.item() == 5
    assert x.grad is None
    assert w.grad is None
    assert isinstance(mg.grad(y, x), Tensor)
    assert isinstance(mg.grad(y, (x,)), tuple)
    assert mg.grad(y, []) == ()


def test_grad_of_results_and_of_the_output_itself():
    x = leaf([1.0, 2.0])
    y = x * x
    z = y * 3
    loss = np.sum(z)
    dy, dz, dloss, dx = mg.grad(loss, [y, z, loss, x])
    np.testing.assert_array_equal(dy, [3, 3])
    np.testing.assert_array_equal(dz, [1, 1])
    assert dloss.item() == 1
    np.testing.assert_array_equal(dx, [6, 12])


def test_a_leaf_is_its_own_output():
    x = leaf(5.0)
    x.backward()
    assert x.grad.item() == 1


def test_gradient_of_an_output_that_is_not_a_scalar():
    x = leaf([1.0, 2.0], "x")
    y = x * x
    y.backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [2, 40])
    np.testing.assert_array_equal(mg.grad(y, x, mg.Tensor([0.0, 1.0])), [0, 4])
    with pytest.raises(
        RuntimeError, match=r"backward: a Tensor of shape \(2,\) is not a scalar; reduce it \(np\.sum"
    ):
        y.backward()
    with pytest.raises(ValueError, match=r"gradient= has shape \(3,\)"):
        y.backward(np.ones(3))
    np.sum(x, keepdims=True).backward()  # one element is a scalar, whatever its axes
    np.testing.assert_array_equal(x.grad, [3, 41])


def test_unused_inputs():
    x, z = leaf(2.0, "x"), leaf(3.0, "z")
    y = x * x
    with pytest.raises(ValueError, match=r'does not depend on "z" \(\); pass allow_unused=True for zeros'):
        mg.grad(y, [x, z])
    dx, dz = mg.grad(y, [x, z], allow_unused=True)
    assert (dx.item(), dz.item()) == (4, 0)
    assert mg.grad(mg.Tensor(1.0), x, allow_unused=True).item() == 0
    with pytest.raises(ValueError, match="which needs no gradient"):
        mg.grad(y, mg.Tensor(1.0))


def test_wrong_arguments():
    x = leaf(2.0)
    with pytest.raises(TypeError, match="the output must be a Tensor, not float"):
        mg.backward(2.0)
    with pytest.raises(TypeError, match="the output must be a Tensor, not float"):
        mg.grad(2.0, x, allow_unused=True)
    with pytest.raises(TypeError, match="the inputs must be Tensors, not float"):
        mg.grad(x * x, [x, 2.0])
    with pytest.raises(RuntimeError, match="does not depend on anything that needs a gradient"):
        mg.Tensor(1.0).backward()


def test_a_path_that_is_not_asked_for_is_not_walked():
    called = []

    @mg.primitive
    def watched(x):
        return x * 2

    def rule(g):
        called.append(1)
        return g * 2

    mg.derivative(watched, x=rule)
    x, w = leaf(1.0), leaf(1.0)
    y = watched(x) * w
    mg.grad(y, w)
    assert not called
    mg.grad(y, x)
    assert called


@pytest.mark.parametrize("create_graph", [False, True])
def test_broadcast_inputs_count_each_of_their_uses(create_graph, rng):
    """Also where the gradient that arrives is one number for the whole output, as that of a sum is."""
    shapes = [
        ((), (3,)),
        ((1, 3), (2, 3)),
        ((2, 1), (2, 3)),
        ((3,), (2, 3)),
        ((1, 1), (2, 3)),
        ((1,), (4, 1)),
        ((0,), (1,)),
    ]
    reductions = [
        np.sum,
        np.mean,
        lambda y: np.sum(np.sum(y, axis=0, keepdims=True)),
        lambda y: np.sum(np.sum(y, axis=-1)),
        lambda y: np.sum(np.mean(y, axis=-1, keepdims=True) * 2),
    ]
    for small, large in shapes:
        for reduce in reductions:
            if 0 in small and reduce is not np.sum:
                continue
            for f in (np.add, np.subtract, np.multiply, np.divide, np.maximum):
                for swapped in (False, True):
                    a, b = leaf(rng.random(small) + 0.5), leaf(rng.random(large) + 0.5)
                    arguments = (b, a) if swapped else (a, b)
                    da, db = mg.grad(reduce(f(*arguments)), (a, b), create_graph=create_graph)
                    assert da.shape == small
                    assert db.shape == large
                    shape = np.broadcast_shapes(small, large)
                    A, B = leaf(np.broadcast_to(a.data, shape)), leaf(np.broadcast_to(b.data, shape))
                    dA, dB = mg.grad(reduce(f(*((B, A) if swapped else (A, B)))), (A, B))
                    np.testing.assert_allclose(da, _summed_to(dA.numpy(), small))
                    np.testing.assert_allclose(db, _summed_to(dB.numpy(), large))


def _summed_to(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def test_gradients_of_sums_are_whole_arrays():
    x = leaf(np.ones((2, 3)))
    np.sum(x).backward()
    assert x.grad.shape == (2, 3)
    assert np.asarray(x.grad).sum() == 6
    (x * 1.0).backward(np.ones((2, 3)))
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 2.0))


def test_empty_and_zero_dimensional():
    x = leaf(np.ones((0, 3)))
    np.sum(np.exp(x) @ np.ones((3, 2))).backward()
    assert x.grad.shape == (0, 3)
    s = leaf(3.0)
    np.sum(np.square(s), keepdims=True).backward()
    assert s.grad.shape == ()
    assert type(s.grad.data) is np.ndarray
    t = leaf([[2.0]])
    (t @ t)[0, 0].backward()
    np.testing.assert_array_equal(t.grad, [[4]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradients_have_the_leafs_dtype(dtype, rng):
    x = leaf(rng.random((3, 4)).astype(dtype))
    W = leaf(rng.random((2, 4)).astype(dtype))
    b = leaf(rng.random(2))  # float64, mixed in
    lambd, m = mg.constant(0.7, name="lambd"), mg.constant(3, name="m")
    loss = (
        np.sum(mg.sigmoid(x @ W.T)) / m
        + lambd / (2 * m) * np.sum(np.square(W))
        + np.mean(np.maximum(x, 0) ** 3) * 2
    )
    assert loss.dtype == dtype
    for y in (loss, loss + np.sum(b)):
        x.grad = W.grad = b.grad = None
        y.backward()
        assert x.grad.dtype == W.grad.dtype == dtype
        for g in mg.grad(y, (x, W), create_graph=True):
            assert g.dtype == dtype
    assert b.grad.dtype == np.float64
    x.grad = None
    y = x * 1
    for seed in (np.ones((3, 4)), mg.Tensor(np.ones((3, 4)))):  # of float64
        y.backward(seed)
        assert x.grad.dtype == dtype
        assert mg.grad(y, y, seed).dtype == dtype


# ---- higher order


def test_gradients_of_any_order():
    x = leaf(2.0)
    y = x**5
    for factor in (5 * 2**4, 20 * 2**3, 60 * 2**2, 120 * 2, 120):
        y = mg.grad(y, x, create_graph=True)
        assert y.item() == pytest.approx(factor)


def test_backward_twice_with_create_graph():
    x = leaf(3.0)
    (x**3).backward(create_graph=True)
    dx = x.grad
    x.grad = None
    dx.backward()
    assert x.grad.item() == 18


def test_create_graph_inside_no_grad_and_backward_records_nothing():
    x = leaf([1.0, 2.0])
    y = np.sum(x**3)
    with mg.no_grad():
        dx = mg.grad(y, x, create_graph=True)
        y.backward(create_graph=True)
    np.testing.assert_array_equal(mg.grad(np.sum(dx), x), [6, 12])
    assert x.grad.requires_grad
    w = leaf(3.0)
    scaled = np.sum(x) * w
    with mg.no_grad():
        dx = mg.grad(scaled, x, create_graph=True)  # one number, w, for the whole of x
    assert mg.grad(np.sum(dx), w).item() == 2
    s = mg.grad(np.sum(x), x, create_graph=True)
    assert s.shape == (2,)
    x.grad = None
    y.backward()
    assert x.grad.is_leaf
    assert not x.grad.requires_grad


def test_gradient_of_a_seed():
    x, v = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    dx = mg.grad(x * x, x, gradient=v, create_graph=True)
    np.testing.assert_array_equal(mg.grad(np.sum(dx), v), [2, 4])
    (seed,) = mg.grad(x, [x], gradient=v, create_graph=True)
    np.testing.assert_array_equal(mg.grad(np.sum(seed * seed), v), [6, 8])


# ---- the life of a graph


def test_a_graph_is_freed_with_its_last_holder(no_collector):
    x = leaf(np.ones(3))
    y = np.exp(x)
    loss = np.sum(y * np.tanh(y))
    held = weakref.ref(y)
    loss.backward()
    mg.grad(loss, x)
    del y
    assert held() is not None
    assert loss.origin is not None
    del loss
    assert held() is None


def test_second_order_graphs_are_freed_too(no_collector):
    x = leaf(np.ones(3))
    loss = np.sum(np.tanh(x) ** 3)
    dx = mg.grad(loss, x, create_graph=True)
    ddx = mg.grad(np.sum(dx), x, create_graph=True)
    held = [weakref.ref(t) for t in (loss, dx, ddx)]
    del loss, dx, ddx
    assert [ref() for ref in held] == [None] * 3


def test_a_running_sum_of_detached_values_grows_no_graph():
    x = leaf(1.0)
    total = mg.Tensor(0.0)
    for _ in range(3):
        loss = np.square(x)
        total += loss.detach()
    assert total.is_leaf
    with mg.no_grad():
        total = total + x
    assert total.is_leaf


def test_errors_in_backward_keep_no_graph_alive(no_collector):
    @mg.primitive
    def broken(x):
        return x * 2

    def rule(g):
        raise KeyError("broken rule")

    mg.derivative(broken, x=rule)

    def attempt(create_graph: bool, stale: bool) -> weakref.ref:
        x = leaf(np.ones(2), "x")
        y = np.exp(x)
        loss = np.sum(y if stale else broken(y))
        if stale:
            with mg.no_grad():
                x -= 1
        with pytest.raises((KeyError, RuntimeError)):
            loss.backward(create_graph=create_graph)
        return weakref.ref(y)

    def forward() -> weakref.ref:
        x = leaf(np.ones(2), "x")
        y = np.exp(x)
        for wrong in (
            lambda: y @ np.ones(5),
            lambda: np.sum(y, axis=7),
            lambda: np.linalg.svd(y),
            lambda: np.sum(y, out=1),
        ):
            with pytest.raises((ValueError, TypeError)):
                wrong()
        return weakref.ref(y)

    for held in (attempt(False, False), attempt(True, False), attempt(False, True), forward()):
        assert held() is None


def test_a_million_nodes_are_built_and_freed():
    x = y = leaf(1.0)
    for _ in range(1_000_000):
        y = -y
    held = weakref.ref(y.origin[1][0])
    del y
    assert held() is None
    assert x.is_leaf


# ---- linear time


def counted(function, rule):
    """A primitive whose rule counts its calls."""
    calls = [0]

    def counting(g):
        calls[0] += 1
        return rule(g)

    counted_function = mg.primitive(function)
    mg.derivative(counted_function, x=counting)
    return counted_function, calls


def test_a_long_chain():
    double, calls = counted(lambda x: x + 1, lambda g: g)
    x = y = leaf(1.0)
    for _ in range(100_000):
        y = double(y)
    y.backward()
    assert x.grad.item() == 1
    assert calls == [100_000]


def test_a_deep_diamond_is_walked_once():
    same, calls = counted(lambda x: x * 1.0, lambda g: g)
    x = y = leaf(1.0)
    for _ in range(1_000):
        y = same(y)
        y = y + y
    y.backward()
    assert calls == [1_000]
    assert x.grad.item() == 2.0**1000
    assert mg.grad(y, x).item() == 2.0**1000


def test_a_deep_diamond_at_second_order():
    x = y = leaf(1e-3)
    for _ in range(100):
        y = y + y * 1e-3
    dx = mg.grad(y * y, x, create_graph=True)
    c = 1.001**100
    assert mg.grad(dx, x).item() == pytest.approx(2 * c * c)


def test_many_consumers_of_one_leaf(rng):
    x = leaf(rng.normal(size=3))
    parts = [x * float(i) for i in range(2_000)]
    np.sum(np.stack(parts)).backward()
    np.testing.assert_allclose(x.grad, np.full(3, sum(range(2_000))))


# ---- nothing half-done


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_raises_midway_changes_no_gradient(create_graph):
    @mg.primitive
    def second(x):
        return x * 3

    def rule(g):
        raise ArithmeticError("no")

    mg.derivative(second, x=rule)
    a, b = leaf(1.0), leaf(2.0)
    middle = b * 2
    middle.retain_grad()
    a.grad = 5.0
    loss = second(a) * 1.0 + middle  # b is newer than a: its gradient is complete before the rule is asked
    with pytest.raises(ArithmeticError):
        loss.backward(create_graph=create_graph)
    assert a.grad.item() == 5
    assert b.grad is None
    assert middle.grad is None
    middle.backward()
    assert b.grad.item() == 2
    assert (mg.Tensor(1.0, requires_grad=True) * 2).requires_grad  # and recording is as it was


@pytest.mark.parametrize("wrong", [None, [1.0, 2.0], 1.0, "text"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_gives_no_array(wrong, create_graph):
    @mg.primitive
    def f(x):
        return x * 2

    mg.derivative(f, x=lambda g: wrong)
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(TypeError, match=r'the rule of f gave .* for "x" \(2,\), not an array'):
        np.sum(f(x)).backward(create_graph=create_graph)
    assert x.grad is None


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_gives_a_wrong_shape(create_graph):
    @mg.primitive
    def f(x):
        return x * 2

    mg.derivative(f, x=lambda g: np.concatenate([g, g]))
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(ValueError, match=r'the rule of f gave a gradient of shape \(4,\) for "x" \(2,\)'):
        np.sum(f(x)).backward(create_graph=create_graph)
    assert x.grad is None


def test_threads_that_share_leaves_lose_no_gradient():
    W = leaf(np.zeros(100))

    def work():
        for _ in range(200):
            np.sum(W * 1.0).backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(W.grad, np.full(100, 1600.0))
