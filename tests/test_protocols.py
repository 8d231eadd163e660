"""NumPy's protocols: what is recorded, what is read, and that nothing is computed behind the graph's back."""

from __future__ import annotations

import copy
import io
import math
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.table import compositions, name_of, table
from minigrad.tensor import Tensor, answers, plain


def leaf(data: Any, name: str | None = None, **options: Any) -> Tensor:
    return mg.Tensor(data, requires_grad=True, name=name, **options)


# ---- recorded


recorded: dict[str, Callable[[Any], Any]] = {
    "np.exp(t)": np.exp,
    "np.maximum(t, 0)": lambda t: np.maximum(t, 0),
    "np.maximum(0, t)": lambda t: np.maximum(0, t),
    "np.sum(t, axis=0)": lambda t: np.sum(t, axis=0),
    "np.sum(t, 0)": lambda t: np.sum(t, 0),
    "np.sum(a=t)": lambda t: np.sum(a=t),
    "np.sum(t, axis=(0, 1))": lambda t: np.sum(t, axis=(0, 1)),
    "np.mean(t, -1, keepdims=True)": lambda t: np.mean(t, -1, keepdims=True),
    "np.where(t > 0, t, 0)": lambda t: np.where(t > 0, t, 0),
    "np.concatenate((t, t))": lambda t: np.concatenate((t, t)),
    "np.concatenate([t, array], axis=1)": lambda t: np.concatenate([t, np.ones((2, 1))], axis=1),
    "np.stack([t, array])": lambda t: np.stack([t, np.zeros((2, 3))], axis=-1),
    "np.stack(tuple of rows)": lambda t: np.stack(tuple(t)),
    "np.split": lambda t: np.split(t, 3, axis=1)[1],
    "np.clip(t, 0, 1)": lambda t: np.clip(t, -0.5, 1),
    "np.full_like(t, value)": lambda t: np.full_like(t, t[0, 0]),
    "array * t": lambda t: np.array([1.0, 2.0, 3.0]) * t,
    "t * array": lambda t: t * np.array([1.0, 2.0, 3.0]),
    "array - t": lambda t: np.array([1.0, 2.0, 3.0]) - t,
    "array @ t": lambda t: np.array([1.0, 2.0]) @ t,
    "np.float64(2) * t": lambda t: np.float64(2) * t,
    "np.float64(2) / t": lambda t: np.float64(2) / t,
    "np.float64(2) ** t": lambda t: np.float64(2) ** t,
    "np.int64(1) - t": lambda t: np.int64(1) - t,
    "[1, 2, 3] + t": lambda t: [1.0, 2.0, 3.0] + t,  # noqa: RUF005
    "t + (1, 2, 3)": lambda t: t + (1.0, 2.0, 3.0),  # noqa: RUF005
    "2 - t": lambda t: 2 - t,
    "2 / t": lambda t: 2 / t,
    "2 ** t": lambda t: 2**t,
    "t ** 2": lambda t: t**2,
    "t ** 3.0": lambda t: t**3.0,
    "-t": lambda t: -t,
    "+t": lambda t: +t,
    "abs(t)": abs,
    "t.T @ t": lambda t: t.T @ t,
    "t.mT": lambda t: t.mT,
    "t[:, 1]": lambda t: t[:, 1],
    "t[[0, 0, 1]]": lambda t: t[[0, 0, 1]],
    "t[t > 0]": lambda t: t[t > 0],
    "t[..., None]": lambda t: t[..., None],
    "t.reshape(-1)": lambda t: t.reshape(-1),
    "t.reshape((3, 2))": lambda t: t.reshape((3, 2)),
    "t.reshape(3, 2)": lambda t: t.reshape(3, 2),
    "t.transpose(1, 0)": lambda t: t.transpose(1, 0),
    "t.transpose((1, 0))": lambda t: t.transpose((1, 0)),
    "t.transpose([1, 0])": lambda t: t.transpose([1, 0]),
    "t.transpose()": lambda t: t.transpose(),
    "t.flatten()": lambda t: t.flatten(),
    "t.ravel()": lambda t: t.ravel(),
    "t[None].squeeze()": lambda t: t[None].squeeze(),
    "t.swapaxes(0, 1)": lambda t: t.swapaxes(0, 1),
    "t.astype(float)": lambda t: t.astype(float),
    "t.clip(0, 1)": lambda t: t.clip(-0.5, 1),
    "t.clip(min=0)": lambda t: t.clip(min=0),
    "t.sum((0, 1))": lambda t: t.sum((0, 1)),
    "t.mean(axis=0)": lambda t: t.mean(axis=0),
    "t.var(axis=1)": lambda t: t.var(axis=1),
    "t.std(ddof=1)": lambda t: t.std(ddof=1),
    "t.max(axis=1, keepdims=True)": lambda t: t.max(axis=1, keepdims=True),
    "t.min()": lambda t: t.min(),
    "t.prod(axis=0)": lambda t: t.prod(axis=0),
    "t.dot(vector)": lambda t: t.dot(np.array([1.0, 2.0, 3.0])),
    "sum(list of Tensors)": lambda t: sum([t, t, t]),
    "sum(t)": sum,
    "max of rows": lambda t: max(t[0, 0], t[1, 1]),
    "a, b = t": lambda t: (lambda a, b: a * b)(*t),
    "reversed(t)": lambda t: next(iter(reversed(t))),
}


@pytest.mark.parametrize("form", recorded)
def test_is_recorded_with_numpys_value(form, rng):
    f = recorded[form]
    x = rng.normal(size=(2, 3))
    t = leaf(x)
    expected = _as_array_function(f, form)(np.abs(x) if "**" in form else x)
    y = f(leaf(np.abs(x))) if "**" in form else f(t)
    assert isinstance(y, Tensor)
    assert y.requires_grad
    assert y.origin is not None
    np.testing.assert_array_equal(y, expected)
    assert y.dtype == expected.dtype


def _as_array_function(f: Callable, form: str) -> Callable:
    """The same on arrays, for the forms that lists and arrays do not have."""
    return {
        "[1, 2, 3] + t": lambda a: np.array([1.0, 2.0, 3.0]) + a,
        "max of rows": lambda a: max(a[0, 0], a[1, 1]),
    }.get(form, f)


@pytest.mark.parametrize("form", recorded)
def test_is_recorded_with_the_right_derivative(form, rng):
    """The derivative along one direction, against a central difference."""
    f = recorded[form]
    x, direction = np.abs(rng.normal(size=(2, 3))) + 0.2, rng.normal(size=(2, 3))
    weights = rng.normal(size=np.shape(_as_array_function(f, form)(x)))
    t = leaf(x)
    np.sum(f(t) * weights).backward()
    h = 1e-6
    up, down = (np.sum(_as_array_function(f, form)(x + s * h * direction) * weights) for s in (1, -1))
    assert np.sum(t.grad.numpy() * direction) == pytest.approx((up - down) / (2 * h), rel=1e-6, abs=1e-8)


def test_comparisons_are_recorded_but_have_no_gradient():
    t = leaf([1.0, -2.0])
    for y in (
        t > 0,
        t >= 0,
        t < 0,
        t <= 0,
        t == 0,
        t != 0,
        0 < t,  # noqa: SIM300
        np.sign(t),
        np.floor(t),
        np.isnan(t),
        t // 1,
    ):
        assert isinstance(y, Tensor)
        assert y.origin is not None
        assert not y.requires_grad
    assert (t == None) is False  # noqa: E711  as for arrays of another kind
    assert (t != "text") is True


def test_logical_operators(rng):
    a, b = rng.random(4) < 0.5, rng.random(4) < 0.5
    s, t = mg.Tensor(a), mg.Tensor(b)
    for y, expected in (
        (s & t, a & b),
        (s | t, a | b),
        (s ^ t, a ^ b),
        (~s, ~a),
        (True & s, a),
        (False | t, b),
    ):
        assert isinstance(y, Tensor)
        np.testing.assert_array_equal(y, expected)


def test_other_types_get_their_turn():
    class Unit:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "mine"

    assert leaf([1.0]) + Unit() == "mine"
    with pytest.raises(TypeError, match="unsupported operand"):
        leaf([1.0]) + None
    with pytest.raises(TypeError, match="unsupported operand"):
        leaf([1.0]) - "text"


# ---- read


def test_arrays_of_tensors_without_a_gradient():
    t = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert type(np.asarray(t)) is np.ndarray
    np.testing.assert_array_equal(np.asarray(t), [[1, 2], [3, 4]])
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    assert np.array(t, copy=True).flags.writeable
    np.testing.assert_array_equal(np.array([t[0], t[1]]), t)
    np.testing.assert_array_equal(np.array([t[0, 0], t[1, 1]]), [1.0, 4.0])
    array = np.zeros((2, 2))
    array[...] = t
    array += t
    np.copyto(array[0], t[0])
    np.testing.assert_array_equal(array, [[1, 2], [6, 8]])
    np.testing.assert_array_equal(np.add(t, t, out=array), 2 * t)
    assert np.argmax(t) == t.argmax() == 3
    assert np.linalg.matrix_rank(t) == 2  # without a gradient to lose, NumPy's own answer is given


def test_arrays_of_tensors_with_a_gradient_raise():
    t = leaf([1.0, 2.0], name="t")
    array = np.zeros(2)
    for read in (
        lambda: np.asarray(t),
        lambda: np.array([t, t]),
        lambda: np.array([t[0], t[1]]),
        lambda: np.array([t, t], dtype=object),
        lambda: mg.Tensor(t),
        lambda: mg.Tensor([t, t]),
        lambda: t.numpy(),
        lambda: array.__setitem__(..., t),
        lambda: np.arange(t[0]),
        lambda: np.full(2, t),
        lambda: np.random.default_rng(0).normal(t),
        lambda: np.from_dlpack(t),
        lambda: [t, t] + mg.Tensor([1.0, 2.0]),  # noqa: RUF005
    ):
        with pytest.raises((RuntimeError, TypeError), match=r"would lose"):
            read()
    with pytest.raises(RuntimeError, match=r'"t" \(2,\) would lose its gradient: .*; use t.detach\(\)'):
        np.asarray(t)
    with mg.no_grad():
        np.testing.assert_array_equal(np.asarray(t), [1, 2])  # nothing is lost where nothing is recorded
    assert not array.any()


def test_assertions_read():
    t, d = leaf([1.0, 2.0]), mg.Tensor([1.0, 2.0])
    y = t * 2
    for x in (t, d):
        np.testing.assert_allclose(x, [1, 2])
        np.testing.assert_allclose([1, 2], x)
        np.testing.assert_allclose(x, x)
        np.testing.assert_array_equal(x, d)
        np.testing.assert_array_equal(np.array([1.0, 2.0]), x)
        np.testing.assert_array_almost_equal(x, [1, 2])
        np.testing.assert_array_less(x, [2, 3])
        np.testing.assert_equal(x, np.array([1.0, 2.0]))
        np.testing.assert_equal(np.asarray([1.0, 2.0]), x)
        np.testing.assert_almost_equal(x[0], 1.0)
        assert x == pytest.approx([1, 2])
        assert x == pytest.approx(np.array([1, 2]))
        assert [1, 2] == pytest.approx(x)  # noqa: SIM300
        assert np.array([1.0, 2.0]) == pytest.approx(x)
        assert x == pytest.approx(d)
        assert x[0] == pytest.approx(1.0)
        assert pytest.approx(1.0) == x[0]
        assert x[0].item() == pytest.approx(x[0])
    assert y != pytest.approx([2, 5])
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(y, [2, 5])


def test_numbers_read():
    loss = np.mean(np.square(leaf([1.0, 3.0])))
    assert float(loss) == loss.item() == 5.0
    assert f"{loss:.4f}" == "5.0000"
    assert f"{loss:8.2e}" == "5.00e+00"
    assert int(loss) == 5
    assert complex(loss) == 5
    assert math.sqrt(loss * 5) == 5
    assert bool(loss > 4)
    assert math.isclose(loss, 5)
    assert f"{loss}" == str(loss) == repr(loss)
    losses = np.zeros(2)
    losses[1] = float(loss)  # a record of the training
    assert losses[1] == 5
    assert divmod(leaf(7.0), 2) == divmod(7.0, 2)
    assert divmod(7.0, leaf(2.0)) == divmod(7.0, 2)
    assert float(leaf([[2.0]])) == 2
    assert leaf([[1.0], [2.0]]).tolist() == [[1.0], [2.0]]
    assert leaf(1.5).tolist() == 1.5
    assert isinstance(leaf(1.5, dtype=np.float32).item(), float)


def test_an_element_of_an_array_would_lose_the_gradient():
    """z[0] = t asks for a number, as float(t) does, and is told from it by the instruction that is run."""
    t, array, z = leaf(2.0, name="t"), np.zeros(2), np.zeros(2, complex)
    for assign in (
        lambda: array.__setitem__(slice(0, 1), t),
        lambda: exec("array[0] = t", {"array": array, "t": t}),
        lambda: exec("array[0] += t", {"array": array, "t": t}),
        lambda: exec("z[0] = t", {"z": z, "t": t}),
    ):
        with pytest.raises((ValueError, RuntimeError)) as raised:
            assign()
        reason = raised.value.__cause__ or raised.value
        assert "would lose its gradient" in str(reason)
        assert "use t.detach()" in str(reason)
    assert not array.any()
    assert not z.any()
    array[0], z[0] = t.detach(), mg.Tensor(3.0)
    with mg.no_grad():
        array[1] = t
    assert (array.tolist(), z[0]) == ([2, 2], 3)


reads: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "item": lambda t: t.item(),
    "complex": complex,
    "tolist": lambda t: t.tolist(),
    "math": math.exp,
    "fsum": lambda t: math.fsum([t, t]),
    "fromiter": lambda t: np.fromiter([t, t], float),
    "fill": lambda t: (z := np.zeros(2)).fill(t) or z,
    "np.float64": np.float64,
}


@pytest.mark.parametrize("name", reads)
def test_a_number_read_in_a_differentiated_function_raises(name):
    read, x = reads[name], np.array(2.0)

    def f(t):
        return t * np.real(np.sum(read(t)))

    for transform in (mg.grad(f), mg.value_and_grad(f), mg.jacobian(f), mg.hessian(f)):
        with pytest.raises((RuntimeError, ValueError)) as raised:
            transform(x)
        reason = raised.value.__cause__ or raised.value
        assert re.search(r'"t" \(\) .*(drop|lose) its gradient', str(reason))
    for transform in (mg.vjp, mg.jvp, mg.hvp):
        with pytest.raises((RuntimeError, ValueError)):
            transform(f, x, *[1.0] * (transform is not mg.vjp))
    with pytest.raises((RuntimeError, ValueError)):
        mg.checkpoint(f)(leaf(2.0, name="t"))
    detached = mg.grad(lambda t: t * np.real(np.sum(read(t.detach()))))
    assert detached(x).item() == np.sum(read(x)).real
    read(leaf(2.0))  # and outside nobody is asked why


def test_what_has_no_gradient_is_read_in_a_differentiated_function():
    shown = []

    def f(t):
        shown.append(f"{t:.2f}")
        with mg.no_grad():
            shown.append(t.item())
        return t * int(t) if t > 1 else -t

    assert mg.grad(f)(2.5).item() == 2
    assert mg.grad(f)(0.5).item() == -1
    assert shown == ["2.50", 2.5, "0.50", 0.5]
    assert mg.jacobian(lambda t: np.stack(divmod(t, 2.0)))(7.5).data.tolist() == [0, 1]


def test_numbers_of_several_raise():
    t = leaf([1.0, 2.0], name="t")
    with pytest.raises(ValueError, match=r'item\(\): "t" \(2,\) has 2 elements'):
        t.item()
    for read in (float, int, complex, lambda t: f"{t:.3f}", range, math.sqrt):
        with pytest.raises(TypeError, match=r'"t" \(2,\) has 2 elements'):
            read(t)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(t)


def test_indices():
    i = mg.Tensor(2)
    assert [10, 20, 30][i] == 30
    assert list(range(i)) == [0, 1]
    assert np.arange(5)[i] == 2
    with pytest.raises(TypeError):
        [10, 20, 30][mg.Tensor(2.0)]


def test_plotting(rng):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    t = leaf(rng.normal(size=(4, 4)))
    figure, axes = plt.subplots()
    (line,) = axes.plot(t.detach()[0], t.detach()[1])
    np.testing.assert_array_equal(line.get_ydata(), t[1])
    axes.imshow(t.detach())
    axes.scatter(t.detach()[0], t.detach()[1], c=t.detach()[2])
    axes.hist(t.detach()[0])
    axes.bar([0, 1, 2, 3], t.detach()[0])
    with pytest.raises(RuntimeError, match=r"use t.detach\(\)"):
        axes.plot(t)
    plt.close(figure)


def test_pickle_and_copy_of_leaves():
    W = leaf(np.arange(6.0, dtype=np.float32).reshape(2, 3), name="W")
    np.sum(W * W).backward()
    for copied in (pickle.loads(pickle.dumps(W)), copy.deepcopy(W), copy.copy(W)):
        assert copied.requires_grad
        assert copied.name == "W"
        assert copied.dtype == np.float32
        np.testing.assert_array_equal(copied, W)
        np.testing.assert_array_equal(copied.grad, W.grad)
        assert copied.stamp > W.stamp
        with mg.no_grad():
            copied -= 1
        assert W[0, 0].item() == 0
        with pytest.raises(ValueError, match="read-only"):
            copied.data[0] = 1
    both = copy.deepcopy({"a": W, "b": W})
    assert both["a"] is both["b"]


def test_pickle_and_copy_of_parameters():
    p = mg.nn.Parameter(np.ones(2), name="b", decay=False)
    for copied in (pickle.loads(pickle.dumps(p)), copy.deepcopy(p)):
        assert type(copied) is mg.nn.Parameter
        assert copied.requires_grad
        assert (copied.name, copied.letter, copied.decay) == ("b", "b", False)


def test_copies_of_results_raise_and_their_values_do_not():
    y = np.exp(leaf([1.0], name="x"))
    for copying in (copy.deepcopy, copy.copy, pickle.dumps):
        with pytest.raises(RuntimeError, match=r"only leaves are copied: use t.detach\(\)"):
            copying(y)
        copying(y.detach())
        copying(y > 0)


def test_a_leaf_whose_gradient_has_a_graph_can_be_copied():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert copy.deepcopy(x).grad.item() == 12
    assert copy.deepcopy(x).grad.is_leaf


def test_subclasses_keep_their_attributes():
    class Weight(Tensor):
        pass

    w = Weight([1.0], requires_grad=True)
    w.note = "kept"
    assert copy.deepcopy(w).note == "kept"
    assert type(w * 2) is Tensor


def test_dlpack():
    t = mg.Tensor(np.arange(6.0, dtype=np.float32).reshape(2, 3)).T
    np.testing.assert_array_equal(np.from_dlpack(t), t)
    given = np.from_dlpack(t)
    assert not np.shares_memory(given, t.data)
    assert np.from_dlpack(mg.Tensor(1.5)).item() == 1.5
    assert np.from_dlpack(mg.Tensor([1.0]).sum()).item() == 1.0
    with pytest.raises(BufferError, match="copy"):
        t.__dlpack__(copy=False)
    with pytest.raises(RuntimeError, match=r"use t.detach\(\)"):
        np.from_dlpack(leaf([1.0]))


def test_dlpack_into_torch():
    torch = pytest.importorskip("torch")
    t = mg.Tensor([[1.0, 2.0]])
    given = torch.from_dlpack(t)
    given += 1
    np.testing.assert_array_equal(given.numpy(), [[2, 3]])
    np.testing.assert_array_equal(t, [[1, 2]])


# ---- never silently plain


def public_functions() -> Iterator[tuple[str, Callable]]:
    """Everything in np, np.linalg and np.fft that can be called, but is no type."""
    for prefix, module in (("np", np), ("np.linalg", np.linalg), ("np.fft", np.fft)):
        for name in dir(module):
            function = getattr(module, name)
            if (
                callable(function)
                and not isinstance(function, type)
                and not name.startswith("_")
                and name != "test"
            ):
                yield f"{prefix}.{name}", function


X = np.array([[2.0, 0.5, 0.25], [0.3, 1.5, 0.2], [0.1, 0.6, 0.7]])
V = np.array([0.1, 0.2, 0.3])
A, B = np.ones((3, 3)) + np.eye(3), np.arange(3.0)
M = X > 0.4
S = 1.5
for _array in (X, V, A, B, M):
    _array.setflags(write=False)

calls: dict[str, tuple[Callable[[Any, Any, Any], tuple], dict[str, Any]]] = {
    "(t)": (lambda t, v, s: (t,), {}),
    "(v)": (lambda t, v, s: (v,), {}),
    "(s)": (lambda t, v, s: (s,), {}),
    "(t, t)": (lambda t, v, s: (t, t), {}),
    "(t, a)": (lambda t, v, s: (t, A), {}),
    "(a, t)": (lambda t, v, s: (A, t), {}),
    "(v, b)": (lambda t, v, s: (v, B), {}),
    "(b, v)": (lambda t, v, s: (B, v), {}),
    "(s, s)": (lambda t, v, s: (s, s), {}),
    "(a, s)": (lambda t, v, s: (A, s), {}),
    "(t, 1)": (lambda t, v, s: (t, 1), {}),
    "(v, 2)": (lambda t, v, s: (v, 2), {}),
    "(s, 3.0)": (lambda t, v, s: (s, 3.0), {}),
    "(0.5, s)": (lambda t, v, s: (0.5, s), {}),
    "(3, s)": (lambda t, v, s: (3, s), {}),
    "((3, 3), s)": (lambda t, v, s: ((3, 3), s), {}),
    "((3, 3), t)": (lambda t, v, s: ((3, 3), t), {}),
    "(t, (3, 3))": (lambda t, v, s: (t, (3, 3)), {}),
    "(t, 0, 1)": (lambda t, v, s: (t, 0, 1), {}),
    "(t, 0.3, 0.9)": (lambda t, v, s: (t, 0.3, 0.9), {}),
    "(a, s, 9.0)": (lambda t, v, s: (A, s, 9.0), {}),
    "(a, 0.0, s)": (lambda t, v, s: (A, 0.0, s), {}),
    "(s, 9.0, 4)": (lambda t, v, s: (s, 9.0, 4), {}),
    "(0.5, s, 4)": (lambda t, v, s: (0.5, s, 4), {}),
    "(m, t, a)": (lambda t, v, s: (M, t, A), {}),
    "(m, a, t)": (lambda t, v, s: (M, A, t), {}),
    "(a, m, t)": (lambda t, v, s: (np.array(A), M, t), {}),
    "(a, m, s)": (lambda t, v, s: (np.array(A), M, s), {}),
    "(t, a, a)": (lambda t, v, s: (t, A, A), {}),
    "(s, b, v)": (lambda t, v, s: (s, B, v), {}),
    "(0.5, b, v)": (lambda t, v, s: (0.5, B, v), {}),
    "(b, b, v)": (lambda t, v, s: (B, B, v), {}),
    "(v, v, 1)": (lambda t, v, s: (v, v, 1), {}),
    "([t, t])": (lambda t, v, s: ([t, t],), {}),
    "([t, a])": (lambda t, v, s: ([t, A],), {}),
    "((v, v))": (lambda t, v, s: ((v, v),), {}),
    "([s, s])": (lambda t, v, s: ([s, s],), {}),
    "([[t, a]])": (lambda t, v, s: ([[t, A]],), {}),
    "(iterator of t)": (lambda t, v, s: (iter([t, t]),), {}),
    "(a, [s, s])": (lambda t, v, s: (A, [s, s]), {}),
    "(b, [s, s, s])": (lambda t, v, s: (B, [s, s, s]), {}),
    "(a, [0], t)": (lambda t, v, s: (np.array(A), [0], t), {}),
    "(a, 0, t)": (lambda t, v, s: (np.array(A), 0, t), {}),
    "(a, 0, s)": (lambda t, v, s: (np.array(A), 0, s), {}),
    "(m, [v, s])": (lambda t, v, s: (M, [v, s]), {}),
    "(b, [m], [s])": (lambda t, v, s: (B, [B > 1], [s]), {}),
    "([m], [t], s)": (lambda t, v, s: ([M], [t], s), {}),
    "('ij,jk', t, a)": (lambda t, v, s: ("ij,jk->ik", t, A), {}),
    "('ij', t)": (lambda t, v, s: ("ij->i", t), {}),
    "(function, t)": (lambda t, v, s: (lambda row: row * 2, t), {}),
    "(function, 0, t)": (lambda t, v, s: (lambda row: row * 2, 0, t), {}),
    "(t, str)": (lambda t, v, s: (t, "f"), {}),
    "(t, float)": (lambda t, v, s: (t, float), {}),
    "(v, float)": (lambda t, v, s: (v, float), {}),
    "(t, axis=0)": (lambda t, v, s: (t,), {"axis": lambda t, v, s: 0}),
    "(t, axis=1, keepdims)": (
        lambda t, v, s: (t,),
        {"axis": lambda t, v, s: 1, "keepdims": lambda t, v, s: True},
    ),
    "(t, dtype=)": (lambda t, v, s: (t,), {"dtype": lambda t, v, s: np.float32}),
    "(t, where=)": (lambda t, v, s: (t,), {"where": lambda t, v, s: M}),
    "(a, where=t > 1)": (
        lambda t, v, s: (A,),
        {"where": lambda t, v, s: t > 1, "out": lambda t, v, s: np.zeros((3, 3))},
    ),
    "(t, out=a)": (lambda t, v, s: (t,), {"out": lambda t, v, s: np.zeros((3, 3))}),
    "(t, a, out=a)": (lambda t, v, s: (t, A), {"out": lambda t, v, s: np.zeros((3, 3))}),
    "(a, out=t)": (lambda t, v, s: (A,), {"out": lambda t, v, s: t}),
    "(a, a, out=t)": (lambda t, v, s: (A, A), {"out": lambda t, v, s: t}),
    "(a, initial=s)": (lambda t, v, s: (A,), {"initial": lambda t, v, s: s}),
    "(a, weights=t)": (lambda t, v, s: (A,), {"weights": lambda t, v, s: t}),
    "(b, weights=v)": (lambda t, v, s: (B,), {"weights": lambda t, v, s: v}),
    "(a, 0.5, weights=t)": (lambda t, v, s: (A, 0.5), {"weights": lambda t, v, s: t}),
    "(b, bins=v)": (lambda t, v, s: (B,), {"bins": lambda t, v, s: v}),
    "(a, prepend=t)": (lambda t, v, s: (A,), {"prepend": lambda t, v, s: t}),
    "(b, dx=s)": (lambda t, v, s: (B,), {"dx": lambda t, v, s: s}),
    "(a, mean=v)": (lambda t, v, s: (A,), {"mean": lambda t, v, s: v, "axis": lambda t, v, s: 0}),
    "(a, 1, constant_values=s)": (
        lambda t, v, s: (A, 1),
        {"constant_values": lambda t, v, s: s},
    ),
    "(a, 1, end_values=s)": (lambda t, v, s: (A, 1, "linear_ramp"), {"end_values": lambda t, v, s: s}),
    "(a, nan=s)": (lambda t, v, s: (np.full(3, np.nan),), {"nan": lambda t, v, s: s}),
    "(b, b, b, right=s)": (lambda t, v, s: (B + 5, B, B), {"right": lambda t, v, s: s}),
    "(b, axis=, like=t)": (lambda t, v, s: (B,), {"like": lambda t, v, s: t}),
    "(t, t, t)": (lambda t, v, s: (t, t, t), {}),
    "(t[None], 3)": (lambda t, v, s: (t[None], 3), {}),
    "(function, t, axes)": (lambda t, v, s: (np.sum, t, [0]), {}),
    "(t, indices, 0)": (lambda t, v, s: (t, np.zeros((1, 3), int), 0), {}),
    "(a, indices, t, 0)": (lambda t, v, s: (np.array(A), np.zeros((3, 3), int), t, 0), {}),
}


def _call(function: Callable, form: str, t: Any, v: Any, s: Any) -> Any:
    args, kwargs = calls[form]
    return function(*args(t, v, s), **{key: value(t, v, s) for key, value in kwargs.items()})


def _has_tensor(y: Any) -> bool:
    if isinstance(y, np.ndarray) and y.dtype == object:
        y = y.tolist()
    return isinstance(y, Tensor) or (isinstance(y, list | tuple) and any(map(_has_tensor, y)))


def _numbers(y: Any) -> list[Any]:
    """The floating-point numbers in an answer."""
    if isinstance(y, list | tuple):
        return [number for entry in y for number in _numbers(entry)]
    y = plain(y)
    return (
        [np.asarray(y)]
        if isinstance(y, float | complex | np.ndarray | np.generic) and np.asarray(y).dtype.kind in "fc"
        else []
    )


def _depends_on_the_value(function: Callable, form: str) -> bool:
    """Whether NumPy's answer for plain arrays moves with the argument in which the gradient was asked for."""
    try:
        here = _numbers(_call(function, form, np.array(X), np.array(V), S))
        there = _numbers(_call(function, form, X * 1.001, V * 1.001, S * 1.001))
    except TypeError:
        return False  # it took a Tensor for its dtype, as which an array will not do
    return len(here) != len(there) or any(
        not np.array_equal(a, b, equal_nan=True) for a, b in zip(here, there, strict=True)
    )


@pytest.mark.parametrize("name", [name for name, _ in public_functions()])
def test_no_public_function_drops_a_gradient(name, monkeypatch, tmp_path):
    """Called in every plausible way it gives a Tensor, raises, or answers what its values have no part in."""
    function = dict(public_functions())[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    state = np.geterr(), np.get_printoptions(), np.getbufsize(), np.geterrcall()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for form in calls:
                t, v, s = leaf(X, "t"), leaf(V, "v"), leaf(S, "s")
                try:
                    y = _call(function, form, t, v, s)
                except Exception:
                    continue  # it raises: nothing is lost in silence
                if _has_tensor(y) or not _numbers(y) or name == "np.empty_like":
                    continue
                if name == "np.fromiter":  # reads numbers, as float(t) does: caught in a transform alone
                    continue
                assert not _depends_on_the_value(function, form), f"{name}{form} gave {y!r}"
                np.testing.assert_array_equal(t, X)
        finally:
            np.seterr(**state[0])
            np.set_printoptions(**state[1])
            np.setbufsize(state[2])
            np.seterrcall(state[3])


@pytest.mark.parametrize("name", [name for name, f in public_functions() if isinstance(f, np.ufunc)])
def test_no_method_of_a_ufunc_drops_a_gradient(name):
    ufunc = dict(public_functions())[name]
    v = leaf(V, "v")
    for call in (
        lambda: ufunc.reduce(v),
        lambda: ufunc.accumulate(v),
        lambda: ufunc.reduceat(v, [0, 1]),
        lambda: ufunc.outer(v, B),
        lambda: ufunc.outer(B, v),
        lambda: ufunc.at(np.ones(3), [0, 1, 2], v),
        lambda: ufunc.at(v, [0], 1.0),
        lambda: ufunc(v, out=np.ones(3)),
        lambda: ufunc(v, B, out=np.ones(3)),
        lambda: ufunc(v, where=np.array([True, False, True])),
        lambda: ufunc(v, B, where=v > 0.1),
        lambda: ufunc(v, dtype=np.float32),
        lambda: ufunc(v, B, dtype=np.float64),
        lambda: ufunc(B, B, out=v),
    ):
        try:
            y = call()
        except Exception:
            continue
        assert _has_tensor(y), f"{name} gave {y!r}"


def test_answers_are_plain():
    t = leaf([3.0, 1.0], name="t")
    for function in answers:
        assert function not in table, name_of(function)
        assert function not in compositions, name_of(function)
    assert np.argmax(t) == 0
    assert np.argsort(t).tolist() == [1, 0]
    assert np.allclose(t, [3, 1])
    assert np.shape(t) == (2,)
    assert np.ndim(t) == 1
    assert type(np.zeros_like(t)) is np.ndarray


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: np.gcd.reduce(t), r"np\.gcd\.reduce has no derivative.*it is of whole numbers"),
        (
            lambda t: np.exp(t, out=np.zeros((3, 3))),
            r"np\.exp of a Tensor takes a; out= would lose the gradient",
        ),
        (lambda t: np.exp(t, where=M), r"np\.exp of a Tensor takes a; where= would lose"),
        (
            lambda t: np.sum(t, out=np.zeros(())),
            r"np\.sum of a Tensor takes a, axis, .*out= would lose the gradient",
        ),
        (lambda t: np.clip(t, 0, 1, out=np.zeros((3, 3))), r"np\.clip.*out= would lose the gradient"),
        (lambda t: np.split(t, 3, 0, 1), r"np\.split\(\)|np\.split with these arguments|split"),
        (lambda t: np.transpose(t, 0, 1, 2), r"transpose"),
        (lambda t: np.copyto(np.zeros((3, 3)), t), r"np\.copyto has no derivative"),
        (lambda t: np.linspace(t[0, 0], 1.0, dtype=int), r"np\.linspace: dtype=.* would lose the gradient"),
    ],
)
def test_refusals_name_the_function_and_what_to_do(call, said):
    with pytest.raises(TypeError, match=said):
        call(leaf(X, "t"))


def test_adding_to_an_array_in_place_raises():
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"np\.add of a Tensor takes a, b; out= would lose the gradient"):
        array += leaf([1.0, 2.0])
    assert not array.any()


def test_other_libraries_ufuncs_raise_and_name_themselves():
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError, match=r"^expit has no derivative"):
        special.expit(leaf([1.0]))
    np.testing.assert_allclose(special.expit(mg.Tensor([0.0])), [0.5])


def test_object_results_are_refused():
    t = leaf([1.0, 2.0], name="t")
    with pytest.raises(TypeError, match=r"the result is object, for which there are no gradients"):
        t * np.array([2, 1], dtype=object)


def test_a_rule_whose_function_gives_integers_is_not_dropped():
    @mg.primitive
    def steps(x):
        return np.floor(x).astype(int)

    mg.derivative(steps, x=lambda g: g)
    x = mg.Tensor([1.5], requires_grad=True)
    with pytest.raises(TypeError, match=r"steps: the result is int64, for which there are no gradients"):
        steps(x)
    assert not x.astype(int).requires_grad
    assert steps(x.detach()).dtype == int


def test_masked_arrays_are_refused_and_matrices_are_arrays():
    masked = np.ma.masked_array([1.0, 2.0], [True, False])
    for call in (
        lambda: mg.Tensor(masked),
        lambda: leaf([1.0, 2.0]) * masked,
        lambda: mg.Tensor([1.0, 2.0]) + masked,
    ):
        with pytest.raises(TypeError, match="mask"):
            call()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix([[1.0, 2.0], [3.0, 4.0]])
    y = leaf([[1.0, 2.0], [3.0, 4.0]]) * matrix
    assert type(y.data) is np.ndarray
    np.testing.assert_array_equal(y, [[1, 4], [9, 16]])


def test_inside_no_grad_everything_is_computed():
    t = leaf(X)
    with mg.no_grad():
        assert np.linalg.norm(t) == np.linalg.norm(X)
        np.testing.assert_array_equal(np.exp(t, out=np.zeros((3, 3))), np.exp(X))
        np.testing.assert_array_equal(
            np.sum(t, axis=0, dtype=np.float32), np.sum(X, axis=0, dtype=np.float32)
        )
        np.testing.assert_array_equal(np.clip(t, 0, 1, out=np.zeros((3, 3))), np.clip(X, 0, 1))


class Remote:
    """An array of another library: it computes by itself, and never becomes a NumPy array unasked."""

    def __init__(self, inner: Any) -> None:
        self.inner = np.asarray(inner)
        self.shape, self.dtype, self.ndim = self.inner.shape, self.inner.dtype, self.inner.ndim

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError("not unasked")

    def get(self) -> np.ndarray:
        return self.inner

    def copy(self) -> Remote:
        return Remote(self.inner.copy())

    def astype(self, dtype: Any) -> Remote:
        return Remote(self.inner.astype(dtype))

    def sum(self, axis: Any = None, keepdims: bool = False) -> Remote:
        return Remote(self.inner.sum(axis=axis, keepdims=keepdims))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return Remote(
            getattr(ufunc, method)(*(x.inner if isinstance(x, Remote) else x for x in inputs), **options)
        )

    def __array_function__(self, function: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        args = tuple(x.inner if isinstance(x, Remote) else x for x in args)
        return Remote(function(*args, **kwargs))


for _name, _ufunc in (("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("truediv", np.divide)):
    setattr(Remote, f"__{_name}__", lambda self, other, _ufunc=_ufunc: _ufunc(self, other))
    setattr(Remote, f"__r{_name}__", lambda self, other, _ufunc=_ufunc: _ufunc(other, self))


def test_arrays_of_another_library_stay_where_they_are():
    given = Remote([1.0, 2.0, 3.0])
    t = leaf(given)
    given.inner[0] = 100.0  # it was copied
    y = np.sum(np.tanh(t) * Remote([1.0, 2.0, 3.0]))
    y.backward()
    assert isinstance(y.data, Remote)
    assert isinstance(t.grad.data, Remote)
    np.testing.assert_allclose(
        t.grad.numpy(), np.array([1.0, 2.0, 3.0]) * (1 - np.tanh([1.0, 2.0, 3.0]) ** 2)
    )
