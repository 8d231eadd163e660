"""Assignment to leaves: what may be changed, how the graph sees it, and that nothing else can change."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.tensor import Tensor


def leaf(data: Any, name: str | None = None, **options: Any) -> Tensor:
    return mg.Tensor(data, requires_grad=True, name=name, **options)


# ---- assignment to leaves


def test_a_step_of_gradient_descent_changes_the_leaf_in_place():
    W = leaf([1.0, 2.0], "W")
    alias, before = W, W.stamp
    np.sum(W * W).backward()
    with mg.no_grad():
        W -= 0.5 * W.grad
    assert W is alias
    assert W.requires_grad
    assert W.is_leaf
    assert W.name == "W"
    assert W.stamp > before
    np.testing.assert_array_equal(W, [0.0, 0.0])
    np.testing.assert_array_equal(W.grad, [2.0, 4.0])


in_place: dict[str, Callable[[Any, Any], Any]] = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "*=": operator.imul,
    "/=": operator.itruediv,
    "//=": operator.ifloordiv,
    "%=": operator.imod,
    "**=": operator.ipow,
    "@=": operator.imatmul,
}


@pytest.mark.parametrize("symbol", in_place)
def test_every_operator_in_place(symbol, rng):
    data, other = rng.random((2, 2)) + 0.5, rng.random((2, 2)) + 0.5
    W = leaf(data)
    with mg.no_grad():
        result = in_place[symbol](W, other)
    assert result is W
    expected = np.array(data)
    np.testing.assert_array_equal(W, in_place[symbol](expected, other))
    with pytest.raises(RuntimeError, match=r"with mg.no_grad\(\):\n        W -= lr \* W.grad"):
        in_place[symbol](W, other)
    np.testing.assert_array_equal(W, expected)


def test_logical_operators_in_place():
    t = mg.Tensor([True, False])
    with mg.no_grad():
        for f, other in (
            (operator.iand, [True, True]),
            (operator.ior, [False, True]),
            (operator.ixor, [True, False]),
        ):
            assert f(t, np.array(other)) is t
    np.testing.assert_array_equal(t, [False, True])


assignments: dict[str, Callable[[Tensor], None]] = {
    "W[0] = 5": lambda W: W.__setitem__(0, 5.0),
    "W[...] = array": lambda W: W.__setitem__(..., np.ones(2)),
    "W[W > 1] = 0": lambda W: W.__setitem__(W > 1, 0.0),
    "W[:] = list": lambda W: W.__setitem__(slice(None), [7.0, 8.0]),
    "W.data = array": lambda W: setattr(W, "data", np.array([3.0, 4.0])),
    "W.data = Tensor": lambda W: setattr(W, "data", mg.Tensor([3.0, 4.0])),
    "W -= Tensor": lambda W: W.__isub__(mg.Tensor([1.0, 1.0])),
}


@pytest.mark.parametrize("form", assignments)
def test_a_graph_that_used_the_old_value_is_refused(form):
    W, x = leaf([1.0, 2.0], "W"), leaf([3.0, 4.0], "x")
    loss = np.sum(W * x)
    x.grad = np.array([9.0, 9.0])
    with mg.no_grad():
        assignments[form](W)
    for ask in (
        loss.backward,
        lambda: mg.grad(loss, x),
        lambda: mg.grad(loss, W),
        lambda: loss.backward(create_graph=True),
    ):
        with pytest.raises(RuntimeError, match=r'"W" \(2,\) was assigned to after np.multiply used it'):
            ask()
    assert W.grad is None
    np.testing.assert_array_equal(x.grad, [9, 9])
    np.sum(W * x).backward()  # the new value in a new graph
    np.testing.assert_array_equal(x.grad, W + 9)


def test_data_that_needs_no_gradient_is_watched_too():
    X, w = mg.Tensor([1.0, 2.0], name="X"), leaf([3.0, 4.0])
    loss = np.sum(X * w)
    X[0] = 5.0
    with pytest.raises(RuntimeError, match=r'"X" \(2,\) was assigned to'):
        loss.backward()


@pytest.mark.parametrize("form", assignments)
def test_outside_no_grad_a_leaf_with_a_gradient_is_not_assigned_to(form):
    W = leaf([1.0, 2.0], "W")
    with pytest.raises(
        RuntimeError, match=r'"W" \(2,\): it needs a gradient, so write\n    with mg.no_grad\(\):\n +W -='
    ):
        assignments[form](W)
    np.testing.assert_array_equal(W, [1, 2])


def test_results_are_not_assigned_to():
    y = leaf([1.0, 2.0]) * 2
    for recording in (mg.no_grad, mg.enable_grad):
        for form in ("W[0] = 5", "W.data = array"):
            with recording(), pytest.raises(RuntimeError, match=r"it is a result.*np\.where"):
                assignments[form](y)
    np.testing.assert_array_equal(y, [2, 4])


def test_in_place_operators_on_results_and_data_give_new_tensors():
    t = leaf([1.0, 2.0])
    y = t * 2
    kept = y
    y += 1
    assert y is not kept
    assert y.requires_grad
    np.testing.assert_array_equal(kept, [2, 4])
    np.sum(y).backward()
    np.testing.assert_array_equal(t.grad, [2, 2])
    data = mg.Tensor([1.0, 2.0])
    kept = data
    data *= t
    assert data.requires_grad
    np.testing.assert_array_equal(kept, [1, 2])


def test_data_without_a_gradient_can_be_assigned_to_anywhere():
    t = mg.Tensor([1, 2, 3])
    t[1] = 20
    t.data = [4, 5, 6]
    np.testing.assert_array_equal(t, [4, 5, 6])
    scalar = mg.Tensor(1.0)
    scalar[...] = 3.0
    assert scalar.item() == 3


def test_assigned_values_keep_shape_and_dtype():
    W = leaf(np.ones((2, 3), np.float32), "W")
    with mg.no_grad():
        W -= np.full(3, 0.25)  # float64, broadcast
        assert W.dtype == np.float32
        W.data = np.ones((2, 3))
        assert W.dtype == np.float32
        with pytest.raises(ValueError, match=r'assignment to "W" \(2, 3\): the new value has shape \(3,\)'):
            W.data = np.ones(3)
        with pytest.raises(
            ValueError, match=r'add: "W" \(2, 3\) and an array \(2,\): the shapes do not broadcast'
        ):
            W += np.ones(2)
        with pytest.raises(ValueError, match=r"the new value has shape \(4, 2, 3\)"):
            W += np.ones((4, 2, 3))
        with pytest.raises(ValueError, match=r'setitem: "W" \(2, 3\) and an array \(2,\) with index=0'):
            W[0] = np.ones(2)
        with pytest.raises(IndexError, match=r'setitem: "W" \(2, 3\) and 1.0 with index=5'):
            W[5] = 1.0
        with pytest.raises(TypeError, match="complex128 does not fit into float32"):
            W.data = np.ones((2, 3)) * 1j
    np.testing.assert_array_equal(W, np.ones((2, 3)))
    integers = mg.Tensor([1, 2])
    with mg.no_grad(), pytest.raises(TypeError, match="float64 does not fit into int64"):
        integers += 0.5


def test_a_value_that_needs_a_gradient_is_not_written_into_data():
    data, x = mg.Tensor([1.0, 2.0]), leaf(3.0, "x")
    with pytest.raises(RuntimeError, match=r'"x" \(\) would lose its gradient: use np.where'):
        data[0] = x
    with mg.no_grad():
        data[0] = x
    np.testing.assert_array_equal(data, [3, 2])


def test_python_numbers_stay_python_numbers():
    c = mg.constant(0.5, name="rate")
    with mg.no_grad():
        c *= 0.5
    assert (mg.Tensor(np.ones(2, np.float32)) * c).dtype == np.float32
    assert c.item() == 0.25


def test_gradients_can_be_changed():
    W = leaf([3.0, 4.0])
    np.sum(W * W).backward()
    W.grad *= 0.5
    np.testing.assert_array_equal(W.grad, [3, 4])
    with mg.no_grad():
        W.grad *= 2
        W.grad[0] = 0.0
    np.testing.assert_array_equal(W.grad, [0, 8])
    W.grad = [1, 2]
    assert W.grad.dtype == np.float64
    W.grad = None
    assert W.grad is None
    with pytest.raises(ValueError, match=r"cannot have a gradient of shape \(3,\)"):
        W.grad = np.ones(3)
    with pytest.raises(ValueError, match="float32"):
        W.grad = mg.Tensor(np.ones(2, np.float32))


def test_one_leafs_gradient_is_not_anothers():
    """y = a + b hands one array to both; what is done to one gradient must not reach the other."""
    for create_graph in (False, True):
        a, b, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), mg.Tensor([1.0, 1.0])
        (a + b).backward(seed, create_graph=create_graph)
        da, db = mg.grad(a + b, (a, b), seed, create_graph=create_graph)
        with mg.no_grad():
            a.grad *= 10
            da *= 10
        np.testing.assert_array_equal(a.grad, [10, 10])
        for untouched in (b.grad, db, seed):
            np.testing.assert_array_equal(untouched, [1, 1])


# ---- nothing else changes an array that a graph uses


def _multiply_by_array(W: Tensor) -> tuple[Tensor, Any]:
    array = np.array([3.0, 4.0])
    return W * array, array


def _add_and_multiply_a_list(W: Tensor) -> tuple[Tensor, Any]:
    numbers = [3.0, 4.0]
    return np.multiply(W, numbers), numbers


def _array_on_the_left(W: Tensor) -> tuple[Tensor, Any]:
    array = np.array([3.0, 4.0])
    return array * W, array


def _broadcast_view(W: Tensor) -> tuple[Tensor, Any]:
    array = np.array([3.0])
    return W * np.broadcast_to(array, (2,)), array


def _condition(W: Tensor) -> tuple[Tensor, Any]:
    condition = np.array([True, False])
    return np.where(condition, W, W * W), condition


def _stack(W: Tensor) -> tuple[Tensor, Any]:
    parts = [W * W, W]
    return np.concatenate(parts), parts


def _index(W: Tensor) -> tuple[Tensor, Any]:
    index = np.array([1, 1])
    return W[index] * W[index], index


def _index_list(W: Tensor) -> tuple[Tensor, Any]:
    index = [1, 1]
    return W[index] * 2, index


def _index_in_a_tuple(W: Tensor) -> tuple[Tensor, Any]:
    index = np.array([1, 0])
    return (W[:, None] * W)[index, index], index


def _mask(W: Tensor) -> tuple[Tensor, Any]:
    mask = np.array([True, False])
    return W[mask] * 3, mask


def _axes(W: Tensor) -> tuple[Tensor, Any]:
    axes = [1, 0]
    return np.transpose(W * np.array([[1.0, 2.0], [3.0, 4.0]]), axes) * np.array(
        [[5.0, 6.0], [7.0, 8.0]]
    ), axes


def _parameter_of_a_primitive(W: Tensor) -> tuple[Tensor, Any]:
    @mg.primitive
    def scaled(x, *, scale):
        return x * scale

    mg.derivative(scaled, x=lambda g, scale: g * scale)
    scale = np.array([3.0, 4.0])
    return scaled(W, scale=scale), scale


def _leaf_data(W: Tensor) -> tuple[Tensor, Any]:
    array = np.array([3.0, 4.0])
    return W * mg.Tensor(array), array


def _constant(W: Tensor) -> tuple[Tensor, Any]:
    array = np.array([3.0, 4.0])
    return W * mg.constant(array, name="c"), array


def _module_input(W: Tensor) -> tuple[Tensor, Any]:
    X = np.array([[3.0, 4.0]])
    layer = mg.nn.Linear(2, 1, rng=0)
    layer.weight = mg.nn.Parameter([[1.0, 1.0]])
    return layer(X) * W, X


def _seed(W: Tensor) -> tuple[Tensor, Any]:
    seed = np.array([3.0, 4.0])
    return mg.grad(W * W, W, seed, create_graph=True), seed


mutable = [
    value
    for name, value in list(globals().items())
    if name.startswith("_") and getattr(value, "__module__", None) == __name__
]


def _spoil(thing: Any) -> None:
    """Change an array or a list as its owner may."""
    thing[0] = 0 if not isinstance(thing, list) or not isinstance(thing[0], Tensor) else thing[1]


@pytest.mark.parametrize("use", mutable, ids=lambda use: use.__name__)
def test_what_the_caller_changes_later_does_not_reach_the_graph(use):
    def gradient(spoil: bool) -> np.ndarray:
        W = leaf([1.0, 2.0])
        y, thing = use(W)
        loss = np.sum(y * np.arange(1.0, 1.0 + y.size).reshape(y.shape))
        if spoil:
            _spoil(thing)
        loss.backward()
        return W.grad.numpy()

    np.testing.assert_array_equal(gradient(spoil=True), gradient(spoil=False))


def arrays_of(t: Tensor) -> dict[str, np.ndarray]:
    return {
        "t.data": t.data,
        "np.asarray(t)": np.asarray(t),
        "t.numpy()": t.numpy(),
        "t.data.reshape": t.data.reshape(-1),
        "t.data[...]": t.data[...],
        "t.T.data": t.T.data,
        "t.detach().data": t.detach().data,
        "t.reshape().numpy()": t.reshape(-1).numpy(),
        "np.asarray of a row": np.asarray(t[0]),
        "np.asanyarray(t)": np.asanyarray(t),
        "np.ascontiguousarray(t)": np.ascontiguousarray(t),
        "np.broadcast_to(t, ...)": np.broadcast_to(t, (3, 2, 2)).data,
        "state_dict": mg.nn.Module.state_dict(_holding(t))["t"],
    }


def _holding(t: Tensor) -> mg.nn.Module:
    module = mg.nn.Module()
    module.t = t
    return module


@pytest.mark.parametrize("how", arrays_of(mg.Tensor(np.ones((2, 2)))))
def test_arrays_that_are_handed_out_are_read_only(how):
    t = mg.Tensor(np.ones((2, 2)))
    array = arrays_of(t)[how]
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        array -= 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        array.flags.writeable = True
    np.testing.assert_array_equal(t, np.ones((2, 2)))


def test_data_of_a_parameter_is_read_only():
    W = leaf([[1.0, 2.0]], "W")
    with pytest.raises(ValueError, match="read-only"):
        W.data[0] = 1
    with pytest.raises(ValueError, match="read-only"), mg.no_grad():
        W.data -= 0.1
    with pytest.raises(
        ValueError, match=r"np.subtract: the array of a Tensor is not changed in place.*t\[...\] = value"
    ):
        W.data -= mg.Tensor(0.1)
    np.testing.assert_array_equal(W, [[1, 2]])


def test_functions_that_write_do_not_write_into_tensors():
    t = mg.Tensor([3.0, 1.0, 2.0], name="t")
    for write in (
        lambda: np.copyto(t, 0),
        lambda: np.put(t, 0, 9),
        lambda: np.place(t, np.array([True, False, False]), 9),
        lambda: np.putmask(t, np.array([True, False, False]), 9),
        lambda: np.add(1.0, 1.0, out=t),
        lambda: np.add.at(t, 0, 1.0),
        lambda: np.exp(t, out=t),
        lambda: np.sum(np.ones((2, 3)), axis=0, out=t),
        lambda: np.nan_to_num(t, copy=False).__setitem__(0, 9),
        lambda: t.data.sort(),
        lambda: t.data.fill(0),
        lambda: np.random.default_rng(0).shuffle(t.data),
    ):
        with pytest.raises((ValueError, TypeError), match=r"read-only|not changed in place"):
            write()
    np.testing.assert_array_equal(t, [3, 1, 2])


def test_a_primitive_and_a_rule_that_work_in_place_are_refused():
    @mg.primitive
    def greedy(x):
        x *= 2
        return x

    mg.derivative(greedy, x=lambda g: g * 2)
    x = leaf([1.0, 2.0], "x")
    with pytest.raises(ValueError, match=r'greedy: "x" \(2,\): output array is read-only'):
        greedy(x)

    @mg.primitive
    def doubled(x):
        return x * 2

    def rule(g):
        g *= 2
        return g

    mg.derivative(doubled, x=rule)
    y = doubled(x * 1.0) + x  # x is handed the same gradient
    with pytest.raises(ValueError, match="read-only"):
        np.sum(y * np.ones(2)).backward()
    np.testing.assert_array_equal(x, [1, 2])
    assert x.grad is None
