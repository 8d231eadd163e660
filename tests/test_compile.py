"""compile: replayed is as if eager had run, and what cannot be replayed is refused."""

from __future__ import annotations

import importlib
import pickle
import random
import re
import sys
import threading
import time
import tracemalloc
import warnings
from array import array
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from copy import deepcopy
from ctypes import c_double
from functools import partial
from types import MappingProxyType, ModuleType

import numpy as np
import pytest
from cases import cases, shaped_by_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.compiler import NotReplayable
from minigrad.random import generator_state
from minigrad.table import table

optimizers = {
    "SGD": lambda p: mg.optim.SGD(p, lr=0.1),
    "decay": lambda p: mg.optim.SGD(p, lr=0.1, weight_decay=0.05, decay_biases=True),
    "momentum": lambda p: mg.optim.SGD(p, lr=0.1, momentum=0.9),
    "Nesterov": lambda p: mg.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda p: mg.optim.Adam(p, lr=0.01, weight_decay=0.01),
    "AdamW": lambda p: mg.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}


@pytest.fixture(autouse=True, params=["numpy", "numba"])
def backend(request, monkeypatch):
    """Every test is one of both backends; here Python runs what Numba would compile, in no time."""
    if request.param == "numba":
        numba = pytest.importorskip("numba")
        pytest.importorskip("scipy")
        monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
        monkeypatch.setitem(mg.compile.__kwdefaults__, "backend", "numba")
        with warnings.catch_warnings(), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            warnings.filterwarnings(
                "ignore", ".* is run by NumPy: there is nothing in it that loops could do"
            )
            yield request.param
    else:
        yield request.param


of_numpy = pytest.mark.parametrize("backend", ["numpy"], indirect=True)
"""Tests of the text that NumPy runs, or in which eager has to draw the same masks."""


def network(dtype=np.float64, keep_prob=0.8, seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(4, 5, rng=rng, dtype=dtype), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=rng),
        nn.Linear(5, 3, rng=rng, dtype=dtype), nn.Tanh(), nn.Dropout(keep_prob=keep_prob, rng=rng),
        nn.Linear(3, 1, rng=rng, dtype=dtype),
    )  # fmt: skip


def data(dtype=np.float64, m=7, seed=5):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, 4)).astype(dtype), (rng.random((m, 1)) < 0.5).astype(dtype)


def training_step(model, optimizer):
    def step(X, Y, lambd):
        J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=lambd, m=len(X))
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    return step


def assert_same_state(one, other, rtol):
    for (name, p), q in zip(one.named_parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(q.data, p.data, rtol=rtol, atol=rtol, err_msg=name)
        np.testing.assert_allclose(q.grad.data, p.grad.data, rtol=rtol, atol=rtol, err_msg=name)
        assert q.grad.is_leaf
        assert not q.data.flags.writeable


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", optimizers)
def test_200_steps_are_as_if_eager_had_run(name, dtype, backend):
    keep_prob = 0.8 if backend == "numpy" else 1.0  # Numba's masks are others
    eager, replayed = network(dtype, keep_prob), network(dtype, keep_prob)
    one, other = optimizers[name](eager.parameters()), optimizers[name](replayed.parameters())
    step = training_step(eager, one)
    compiled = mg.compile(training_step(replayed, other))
    X, Y = data(dtype)
    tolerance = 1e-12 if dtype is np.float64 else 2e-4
    for _ in range(200):
        a, b = step(mg.Tensor(X), mg.Tensor(Y), 0.9), compiled(X, Y, 0.9)
        np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=tolerance)
    assert_same_state(eager, replayed, tolerance)
    assert compiled.stats()["recordings"] <= 2
    assert one.steps == other.steps == 200
    for kept, expected in zip(other.state, one.state, strict=True):
        assert kept.keys() == expected.keys()
        for slot in kept:
            np.testing.assert_allclose(kept[slot], expected[slot], rtol=tolerance, atol=tolerance)
    rngs = [m[2].rng for m in (eager, replayed)]
    assert generator_state(rngs[0]) == generator_state(rngs[1])  # the same draws, bit by bit


@of_numpy
def test_numbers_that_change_are_read_at_each_call():
    eager, replayed = network(), network()
    one, other = optimizers["Nesterov"](eager.parameters()), optimizers["Nesterov"](replayed.parameters())
    step, compiled = training_step(eager, one), mg.compile(training_step(replayed, other))
    for i in range(12):
        X, Y = data(seed=i)
        for optimizer in (one, other):
            optimizer.lr = 0.1 / (i + 1)
            optimizer.momentum = 0.5 + 0.03 * i
            optimizer.weight_decay = 0.01 * (i + 1)
        for model in (eager, replayed):
            model[2].keep_prob = 0.5 + 0.04 * i
        step(X, Y, 0.1 * i + 0.1)
        compiled(X, Y, 0.1 * i + 0.1)
    assert_same_state(eager, replayed, 1e-12)


def test_a_schedule(backend):
    keep_prob = 0.8 if backend == "numpy" else 1.0
    eager, replayed = network(keep_prob=keep_prob), network(keep_prob=keep_prob)
    steps = []
    for model in (eager, replayed):
        optimizer = mg.optim.SGD(model.parameters(), lr=0.5)
        schedule = mg.optim.CosineLR(optimizer, steps=30)
        inner = training_step(model, optimizer)

        def step(X, Y, inner=inner, schedule=schedule):
            J = inner(X, Y, 0.9)
            schedule.step()
            return J

        steps.append((step, schedule, optimizer))
    compiled = mg.compile(steps[1][0])
    X, Y = data()
    for _ in range(20):
        steps[0][0](X, Y)
        compiled(X, Y)
    assert steps[0][1].count == steps[1][1].count == 20
    assert steps[0][2].lr == steps[1][2].lr
    assert_same_state(eager, replayed, 1e-12)


def test_gradients_that_are_added_up():
    W = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="W")

    @mg.compile
    def accumulate(X):
        J = np.sum(np.tanh(X @ W.T))
        J.backward()
        return J

    X = np.random.default_rng(0).standard_normal((3, 2))
    for _ in range(4):
        accumulate(X)
    np.testing.assert_allclose(W.grad.data, 4 * (1 - np.tanh(X @ W.data.T) ** 2).T @ X, rtol=1e-13)
    W.grad = None
    accumulate(X)
    np.testing.assert_allclose(W.grad.data, (1 - np.tanh(X @ W.data.T) ** 2).T @ X, rtol=1e-13)


def test_an_update_by_hand():
    W = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    X = np.random.default_rng(0).standard_normal((3, 2))

    @mg.compile
    def step(X, lr):
        J = np.mean(np.square(X @ W.T - 1))
        (dW,) = mg.grad(J, [W])
        with mg.no_grad():
            W[...] = W - lr * dW
        return J

    with pytest.raises(NotReplayable, match="write W -= lr"):
        step(X, 0.1)

    @mg.compile
    def minus(X, lr):
        J = np.mean(np.square(X @ W.T - 1))
        (dW,) = mg.grad(J, [W])
        with mg.no_grad():
            W.data = W - lr * dW  # an in-place operator would make W a local name
        return J

    expected = W.data.copy()
    for lr in (0.1, 0.2, 0.05):
        minus(X, lr)
        expected = expected - lr * (2 / 3) * (X @ expected.T - 1).T @ X
        np.testing.assert_allclose(W.data, expected, rtol=1e-13)


# ---- functions of other kinds


def test_a_forward_pass_in_train_and_eval():
    model = network()
    compiled = mg.compile(model)
    X, _ = data()
    model.eval()
    np.testing.assert_allclose(compiled(X).numpy(), model(X).detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(compiled(X).numpy(), model(X).detach().numpy(), rtol=1e-13)
    model.train()
    first, second = compiled(X).numpy(), compiled(X).numpy()
    assert not np.allclose(first, second)  # other masks
    model.eval()
    np.testing.assert_allclose(compiled(X).numpy(), model(X).detach().numpy(), rtol=1e-13)
    assert compiled.stats()["recordings"] == 2


def test_second_order_and_several_outputs_in_a_dict():
    W = mg.Tensor([[0.3, -0.2]], requires_grad=True, name="W")

    def both(batch, scale):
        J = scale * np.sum(np.tanh(batch["X"] @ W.T) ** 2)
        (dW,) = mg.grad(J, [W], create_graph=True)
        (ddW,) = mg.grad(np.sum(dW * dW), [W])
        return {"J": J, "gradients": [dW, ddW], "name": "both"}

    compiled = mg.compile(both)
    for seed in range(3):
        batch = {"X": np.random.default_rng(seed).standard_normal((5, 2))}
        expected, got = both({"X": mg.Tensor(batch["X"])}, 1.5), compiled(batch, 1.5)
        assert got["name"] == "both"
        np.testing.assert_allclose(got["J"].numpy(), expected["J"].detach().numpy(), rtol=1e-13)
        for a, b in zip(expected["gradients"], got["gradients"], strict=True):
            np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=1e-12)


def test_a_parameter_that_is_frozen_and_thawed_though_its_value_is_not_needed():
    W = mg.Tensor(np.ones((4, 3)), requires_grad=True)
    compiled = mg.compile(lambda X: np.sum(X @ W).backward())
    X, _ = data()
    for needed in (True, False, True):
        W.grad, W.requires_grad = None, needed
        if needed:
            compiled(X)
            np.testing.assert_allclose(W.grad.data, X.sum(axis=0)[:, None] * np.ones(3))
        else:
            with pytest.raises(RuntimeError):  # as eager does: nothing needs a gradient
                compiled(X)
            assert W.grad is None


def test_a_leaf_that_is_assigned_to_and_returned_is_what_was_assigned():
    W = mg.Tensor(np.ones(3), requires_grad=True)
    optimizer = mg.optim.SGD([W], lr=0.5)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        np.sum(W * x).backward()
        optimizer.step()
        return {"W": W}

    for k in (1, 2, 3):
        np.testing.assert_array_equal(step(np.ones(3))["W"].numpy(), np.full(3, 1 - k / 2))
        np.testing.assert_array_equal(W.data, np.full(3, 1 - k / 2))


def test_an_assigned_leaf_keeps_its_dtype():
    W = mg.Tensor(np.ones(3, dtype=np.float32), requires_grad=True)

    @mg.compile
    def step(lr):
        W.grad = None
        np.sum(W * W).backward()
        with mg.no_grad():
            W.__isub__(lr * W.grad)

    for _ in range(3):
        step(np.float64(0.125))
        assert W.dtype == np.float32
    np.testing.assert_array_equal(W.data, np.float32(0.75**3) * np.ones(3))


def test_the_mean_of_many_small_numbers():
    x = np.full(70000, 20, dtype=np.float16)
    assert mg.compile(lambda x: np.mean(x))(x).item() == 20


def test_the_recording_does_not_warn_of_numbers_that_nobody_asked_for():
    W = mg.Tensor(np.full(3, 1e100), requires_grad=True)

    @mg.compile
    def step(x):
        W.grad = None
        J = np.sum(np.square(W) * x)
        J.backward()
        with mg.no_grad():
            W.__isub__(1e60 * W.grad)
        return J

    assert step(np.ones(3)).item() == pytest.approx(3e200)
    np.testing.assert_allclose(W.data, -2e160)


def test_shared_weights_and_a_module_as_an_argument():
    rng = np.random.default_rng(0)
    layer = nn.Linear(3, 3, rng=rng)

    def twice(layer, X):
        return np.sum(layer(np.tanh(layer(X))))

    compiled = mg.compile(twice)
    for seed in range(3):
        X = np.random.default_rng(seed).standard_normal((2, 3))
        np.testing.assert_allclose(compiled(layer, X).numpy(), twice(layer, X).detach().numpy(), rtol=1e-13)
    other = nn.Linear(3, 3, rng=rng)
    np.testing.assert_allclose(compiled(other, X).numpy(), twice(other, X).detach().numpy(), rtol=1e-13)
    assert compiled.stats()["recordings"] == 2


def test_integer_labels_are_read_at_each_call():
    rng = np.random.default_rng(0)
    layer = nn.Linear(4, 3, rng=rng)

    def loss(X, labels):
        return nn.cross_entropy(layer(X), labels)

    compiled = mg.compile(loss)
    X = rng.standard_normal((6, 4))
    for _ in range(4):
        labels = rng.integers(0, 3, 6)
        np.testing.assert_allclose(compiled(X, labels).numpy(), loss(X, labels).detach().numpy(), rtol=1e-13)


def test_labels_of_another_dtype_are_read_at_each_call():
    layer = nn.Linear(4, 1, rng=0)

    def loss(X, Y):
        return nn.binary_cross_entropy_with_logits(layer(X), Y)

    compiled = mg.compile(loss)
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 4))
    for _ in range(4):
        Y = rng.random((6, 1)) < 0.5
        np.testing.assert_allclose(compiled(X, Y).numpy(), loss(X, Y).detach().numpy(), rtol=1e-13)


def all_of(result):
    return [x for x in (result if isinstance(result, list | tuple) else [result]) if isinstance(x, mg.Tensor)]


@pytest.mark.parametrize("case", cases, ids=lambda case: case.name)
def test_every_row_of_the_table(case):
    def function(*tensors):
        return case.call(tensors)

    compiled = mg.compile(function)
    if case.function in shaped_by_values:
        with pytest.raises(RuntimeError, match="of a Tensor is not recorded"):
            compiled(*case.arrays)
        return
    for scale in (1.0, 1.0, 0.75):
        arrays = [np.asarray(scale * x, x.dtype) for x in case.arrays]
        expected = function(*map(mg.Tensor, arrays))
        got = compiled(*arrays)
        for a, b in zip(*map(all_of, (expected, got)), strict=True):
            np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=1e-12, atol=1e-14)
            assert b.dtype == a.dtype
            assert b.shape == a.shape
    assert compiled.stats()["replays"] == 2


# ---- recorded anew


def test_what_records_anew():
    layer = nn.Linear(4, 2, rng=0)
    compiled = mg.compile(lambda X, axis=0: np.sum(layer(X), axis=axis))
    count = lambda: compiled.stats()["recordings"]  # noqa: E731
    compiled(np.ones((3, 4)))
    compiled(np.zeros((3, 4)))
    assert count() == 1
    compiled(np.ones((5, 4)))
    assert count() == 2
    compiled(np.ones((3, 4), np.float32))
    assert count() == 3
    compiled(np.ones((3, 4)), axis=1)
    assert count() == 4
    compiled(np.ones((3, 4)))
    assert count() == 4
    layer.weight.requires_grad = False
    compiled(np.ones((3, 4)))
    assert count() == 5
    layer.weight = nn.Parameter(np.ones((2, 4)), name="W")
    np.testing.assert_allclose(compiled(np.ones((3, 4))).numpy(), layer(np.ones((3, 4))).data.sum(axis=0))
    assert count() == 6


factor = 2.0


def test_a_global_number_is_part_of_the_recording():
    global factor
    compiled = mg.compile(lambda x: factor * x)
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    factor = 3.0
    assert compiled(np.ones(2)).tolist() == [3.0, 3.0]
    factor = 2.0
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    assert compiled.stats()["recordings"] == 2


# ---- what a function reaches by itself


class Thing:
    """With attributes that change."""

    shared = 1.0
    __slots__ = ("__dict__", "slot")

    def __init__(self):
        self.number, self.slot, self.array, self.listed = 1.0, 1.0, np.ones(2), [1.0]

    @property
    def first(self):
        return self.listed[0]

    def call(self, x):
        return x * self.number

    def __call__(self, x):
        return x * self.number


def helped(x):
    return np.multiply(x, factor)


def by_default(x, listed=[1.0]):  # noqa: B006
    return x * listed[-1]


def reach_array_changed_in_place():
    a = np.ones(2)
    return (lambda x: x * a), lambda i: a.fill(i)


def reach_view_of_an_array():
    a = np.ones(4)
    view = a[::2]
    return (lambda x: x * view), lambda i: a.fill(i)


def reach_number_of_an_array():
    a = np.ones(4)
    return (lambda x: x * np.mean(a)), lambda i: a.fill(i)


def reach_dict():
    d = {"a": np.ones(2), "b": 1.0}
    return (lambda x: x * d["a"] + d["b"]), lambda i: d.update(a=np.full(2, i), b=-i)


def reach_keys():
    d = {"b": 2.0}
    return (lambda x: x * d.get("c", 5.0)), lambda i: d.update({"bc"[int(i) % 2]: d.popitem()[1]})


def reach_list():
    numbers = [1.0]
    return (lambda x: x * numbers[-1]), numbers.append


def reach_deque():
    numbers = deque([1.0], maxlen=1)
    return (lambda x: x * numbers[-1]), numbers.append


def reach_cell():
    scale = 1.0

    def change(i):
        nonlocal scale
        scale = i

    return (lambda x: x * scale), change


def reach_function_in_a_cell():
    act = np.tanh

    def change(i):
        nonlocal act
        act = (np.tanh, np.sin)[int(i) % 2]

    return (lambda x: act(x)), change


def reach_tensor_in_a_cell():
    W = mg.Tensor(1.0)

    def change(i):
        nonlocal W
        W = mg.Tensor(i)

    return (lambda x: W * x), change


def reach_attribute():
    thing = Thing()
    return (lambda x: thing.number * x), lambda i: setattr(thing, "number", i)


def reach_slot():
    thing = Thing()
    return (lambda x: thing.slot * x), lambda i: setattr(thing, "slot", i)


def reach_property():
    thing = Thing()
    return (lambda x: thing.first * x), lambda i: thing.listed.insert(0, i)


def reach_class_attribute():
    return (lambda x: Thing.shared * x), lambda i: setattr(Thing, "shared", i)


def reach_method():
    thing = Thing()
    return thing.call, lambda i: setattr(thing, "number", i)


def reach_callable_object():
    thing = Thing()
    return thing, lambda i: setattr(thing, "number", i)


def reach_partial():
    thing = Thing()
    return partial(lambda thing, x: thing.number * x, thing), lambda i: setattr(thing, "number", i)


def reach_default():
    return by_default, by_default.__defaults__[0].append


def reach_module():
    settings = ModuleType("settings")
    settings.scale = 1.0
    return (lambda x: settings.scale * x), lambda i: setattr(settings, "scale", i)


def reach_global_of_a_helper():
    def change(i):
        global factor
        factor = i

    return (lambda x: helped(x) + 1), change


def reach_rule_of_a_primitive():
    scale = [1.0]

    @mg.primitive
    def scaled(x):
        return x * 2.0

    mg.derivative(scaled, x=lambda g: g * scale[0])
    W = mg.Tensor(np.ones(2), requires_grad=True)
    return (lambda x: mg.grad(np.sum(scaled(W * x)), W)), lambda i: scale.__setitem__(0, i)


def reach_layers():
    class Net(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2, rng=0)]

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return x

    net = Net()
    return net, lambda i: net.layers.append(nn.Linear(2, 2, rng=int(i)))


def reach_learning_rate():
    optimizer = mg.optim.SGD([mg.Tensor(1.0, requires_grad=True)], lr=1.0)
    return (lambda x: x * optimizer.lr), lambda i: setattr(optimizer, "lr", i)


def reach_result_of_an_earlier_graph():
    X = mg.Tensor(np.ones(2), name="X")
    doubled = 2 * X
    return (lambda x: x * doubled), lambda i: setattr(X, "data", np.full(2, i))


def reach_whether_a_tensor_needs_a_gradient():
    W = mg.Tensor(np.ones(2), requires_grad=True)
    return (lambda x: x * 2 if W.requires_grad else x), lambda i: setattr(W, "requires_grad", i == 1)


def reach_whether_a_tensor_has_a_gradient():
    W = mg.Tensor(np.ones(2), requires_grad=True)
    return (lambda x: x if W.grad is None else x * 2), lambda i: setattr(
        W, "grad", None if i == 1 else np.ones(2)
    )


def reach_which_parameters_decay():
    model = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
    decaying = model[0].weight
    return (lambda x: x * nn.l2_penalty(model, lambd=0.9, m=7)), lambda i: setattr(decaying, "decay", i == 1)


def reach_read_only_dict():
    d = {"a": 1.0}
    settings = MappingProxyType(d)
    return (lambda x: x * settings["a"]), lambda i: d.update(a=i)


def reach_method_of_a_dict():
    d = {"a": 1.0}
    get = d.get
    return (lambda x: x * get("a")), lambda i: d.update(a=i)


def reach_array_of_python():
    numbers = array("d", [1.0])
    return (lambda x: x * numbers[0]), lambda i: numbers.__setitem__(0, i)


def reach_memoryview():
    numbers = bytearray(1)
    view = memoryview(numbers)
    return (lambda x: x * view[0]), lambda i: numbers.__setitem__(0, int(i))


def reach_context_variable():
    variable = ContextVar("variable", default=1.0)
    return (lambda x: x * variable.get()), variable.set


reaching = [value for name, value in list(globals().items()) if name.startswith("reach_")]


@pytest.mark.parametrize("case", reaching, ids=lambda case: case.__name__[6:])
def test_what_a_function_reaches_is_as_it_is_at_each_call(case):
    global factor
    function, change = case()
    compiled = mg.compile(function)
    for i in (1.0, 1.0, 2.0, 3.0, 2.0):
        change(i)
        x = np.array([0.3, i])
        expected = function(mg.Tensor(x))
        np.testing.assert_allclose(compiled(x).numpy(), expected.detach().numpy(), rtol=1e-13)
    factor = 2.0


def test_a_module_of_ones_own_that_is_called_as_one_of_python(monkeypatch, tmp_path):
    (tmp_path / "profile.py").write_text("scale = 1.0\n\ndef scaled(x):\n    return x * scale\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "profile", None)  # what is there now is put back in the end
    del sys.modules["profile"]
    own = importlib.import_module("profile")
    compiled = mg.compile(own.scaled)
    for own.scale in (1.0, 2.0):
        assert compiled(np.ones(1)).item() == own.scale


def test_what_stays_is_not_recorded_anew():
    thing, arrays = Thing(), {"a": np.ones(2)}
    compiled = mg.compile(lambda x: x * thing.number * arrays["a"] * thing.first)
    for _ in range(4):
        thing.number = float("1.5")  # another object, the same number
        compiled(np.ones(2))
    assert compiled.stats() | {"buffers": 0, "bytes": 0} == {
        "recordings": 1, "replays": 3, "buffers": 0, "bytes": 0,
    }  # fmt: skip


def test_keep_prob_that_was_1():
    dropout = nn.Dropout(keep_prob=1.0, rng=0)
    compiled = mg.compile(lambda x: dropout(x))
    compiled(np.ones(50))
    dropout.keep_prob = 0.5
    assert set(compiled(np.ones(50)).tolist()) == {0.0, 2.0}


@of_numpy
def test_a_number_that_is_drawn_and_scales_a_parameter():
    W = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    rng, same = np.random.default_rng(0), np.random.default_rng(0)

    @mg.compile
    def function(X):
        scale = mg.random.uniform(rng, ())
        return X @ (W * mg.random.bernoulli(rng, W.shape, 0.5) * scale)

    for _ in range(3):
        scale = same.random()
        expected = np.ones((4, 2)) @ ((same.random((2, 3)) < 0.5) * scale)
        np.testing.assert_allclose(function(np.ones((4, 2))).numpy(), expected)
    np.testing.assert_allclose(
        mg.compile(lambda X: X @ (W * mg.random.uniform(rng, ())))(np.ones((4, 2))).numpy(),
        np.full((4, 3), 2 * same.random()),
    )


def test_masks_that_are_given():
    dropout = nn.Dropout(keep_prob=0.5, rng=0)
    compiled = mg.compile(lambda x: dropout(x))
    for mask in ([1, 0, 1], [0, 1, 1], [1, 1, 1]):
        with nn.fixed_masks(dropout, [np.array(mask)]):
            np.testing.assert_array_equal(compiled(np.ones(3)).numpy(), 2.0 * np.array(mask))


@of_numpy
def test_a_generator_that_is_exchanged():
    dropout = nn.Dropout(keep_prob=0.5, rng=0)
    compiled = mg.compile(lambda x: dropout(x))
    for seed in range(4):
        dropout.rng = np.random.default_rng(seed)
        expected = 2.0 * (np.random.default_rng(seed).random(20) < 0.5)
        np.testing.assert_array_equal(compiled(np.ones(20)).numpy(), expected)


def test_recordings_are_not_kept_without_end():
    compiled = mg.compile(lambda x, epoch: x * epoch)
    for epoch in range(100):
        assert compiled(np.ones(2), epoch).tolist() == [epoch, epoch]
    assert len(compiled._replays) < 50


# ---- which Tensors are given


def test_equal_numbers_at_the_recording_stay_apart():
    def function(x, a, b):
        return np.maximum(x, a) * 2 + np.maximum(x, b) + np.minimum(x, 2.0)

    for number in (float, np.array):
        compiled = mg.compile(function)
        for a, b in ((2.0, 2.0), (-0.5, 2.0), (0.1, -0.2)):
            x = np.array([-1.0, 0.0, 3.0])
            np.testing.assert_allclose(compiled(x, number(a), number(b)).numpy(), function(x, a, b))
        assert compiled.stats()["recordings"] == 1


@pytest.mark.parametrize("lambd", [0.0, 0.9])
def test_equal_multiples_at_the_recording_stay_apart(lambd):
    W = mg.Tensor(np.ones(3), requires_grad=True)

    @mg.compile
    def function(a, b):
        return a / 14 * W, b * a / 7 * W, a * W * b

    function(lambd, 0.5)  # at 0 all of them are, else the first two
    for result, factor in zip(function(0.7, 0.3), (0.05, 0.03, 0.21), strict=True):
        np.testing.assert_allclose(result.numpy(), np.full(3, factor))


def test_two_optimizers_with_equal_rates_stay_apart():
    weights = []
    for wrap in (lambda step: step, mg.compile):
        W, V = (mg.Tensor(np.ones(3), requires_grad=True) for _ in range(2))
        one, other = mg.optim.SGD([W], lr=0.05), mg.optim.SGD([V], lr=0.05)

        @wrap
        def step(x, W=W, V=V, one=one, other=other):
            W.grad = V.grad = None
            np.sum(np.square(W * V * x)).backward()
            one.step()
            other.step()

        for i in range(5):
            other.lr = 0.05 / (i + 1)
            step(mg.Tensor(np.arange(3.0)))
        weights.append((W.data, V.data))
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-13)


@pytest.mark.parametrize("first", [True, False])
def test_a_schedule_before_or_after_its_optimizer(first):
    found = []
    for wrap in (lambda step: step, mg.compile):
        W = mg.Tensor(np.ones(3), requires_grad=True)
        optimizer = mg.optim.SGD([W], lr=0.03)
        schedule = mg.optim.StepLR(optimizer, 2, gamma=0.5)

        @wrap
        def step(x, W=W, optimizer=optimizer, schedule=schedule):
            W.grad = None
            np.sum(np.square(W * x)).backward()
            for part in (schedule, optimizer) if first else (optimizer, schedule):
                part.step()

        for _ in range(6):
            step(mg.Tensor(np.arange(3.0)))
        with np.errstate(all="raise"), pytest.raises(FloatingPointError):
            step(mg.Tensor(np.full(3, 1e200)))
        found.append((*W.data, optimizer.lr, optimizer.steps))
    np.testing.assert_allclose(*found, rtol=1e-13)


def interrupted(call, at):
    """Whether Ctrl-C comes during a call, at so many lines of a replay."""
    lines, traced = iter(range(at)), sys.gettrace()

    def at_line(frame, event, _):
        if event == "line" and next(lines, None) == at - 1:
            raise KeyboardInterrupt
        return at_line

    def at_call(frame, event, _):
        name = frame.f_code.co_filename
        return at_line if name.endswith(("replay.py", "memory.py", "<compiled>")) else None

    sys.settrace(at_call)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(traced)
    return False


def test_ctrl_c_leaves_a_whole_step_or_none():
    model = nn.Linear(4, 1, rng=0)
    optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
    step = partial(mg.compile(training_step(model, optimizer)), *data(), 0.9)

    def state():
        kept = [x for slots in optimizer.state for x in slots.values()]
        return [*(p._value for p in model.parameters()), *kept, optimizer.steps]

    for _ in range(3):
        step()
    found, at, again = set(), 1, True
    while again:
        before = state()
        again = interrupted(step, at)
        changed = {x is not y for x, y in zip(before, state(), strict=True)}
        assert len(changed) == 1, f"half a step at line {at}"
        found |= changed
        at += 1
    assert found == {True, False}
    assert at > 50


def test_ctrl_c_at_a_recording_does_not_go_on_recording(monkeypatch):
    class Interrupted(list):
        def append(self, watcher):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("minigrad.watch.watchers", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            mg.compile(np.tanh)(np.ones(3))
    assert mg.watch.watching() is None


def clipping(wrap):
    """Gradients that are there before the call are read, and set, by what is compiled."""
    W = mg.Tensor(np.ones(3), requires_grad=True)
    optimizer = mg.optim.SGD([W], lr=0.1)
    norm_of = wrap(lambda t: np.sqrt(np.sum(np.square(t.grad))))

    @wrap
    def update():
        norm = np.sqrt(np.sum(np.square(W.grad)))
        W.grad = W.grad / np.maximum(norm, 1.0)
        optimizer.step()
        return norm

    for k in range(4):
        W.grad = np.full(3, k / 2)
        yield norm_of(W).item()
        yield update().item()
        other = mg.Tensor(np.ones(3), requires_grad=True)
        other.grad = np.full(3, k)
        yield norm_of(other).item()
        yield from (*W.data, *W.grad.data)


def setting(wrap):
    """A gradient is what is given: an argument, which at first is the gradient of another one, too."""
    W, V = (mg.Tensor(np.full(2, x), requires_grad=True) for x in (1.0, 2.0))
    optimizer = mg.optim.SGD([W, V], lr=0.1)
    V.grad = np.full(2, 5.0)

    @wrap
    def update(g):
        W.grad = g
        optimizer.step()

    for k in range(3):
        update(V.grad if k == 0 else mg.Tensor(np.full(2, 10.0 * k)))
        yield from (*W.data, *V.data, *W.grad.data, *V.grad.data)


@pytest.mark.parametrize("steps", [clipping, setting])
def test_gradients_from_before_the_call_are_read_at_each_call(steps):
    np.testing.assert_allclose(list(steps(mg.compile)), list(steps(lambda function: function)), rtol=1e-12)


def test_an_argument_that_the_function_has_by_itself():
    W, V = mg.Tensor(np.ones(3)), mg.Tensor(np.full(3, 2.0))
    compiled = mg.compile(lambda x: x * W)
    for x in (W, V, W, V):
        np.testing.assert_array_equal(compiled(x).numpy(), x.data)


def test_an_argument_that_is_assigned_to_and_has_a_gradient():
    def step(p, x):
        p.grad = None
        np.sum(np.square(p * x)).backward()
        with mg.no_grad():
            p.data = p - 0.1 * p.grad

    compiled = mg.compile(step)
    pairs = [[mg.Tensor(np.full(2, i), requires_grad=True) for _ in range(2)] for i in (1.0, 2.0)]
    for _ in range(3):
        for one, other in pairs:
            step(one, np.array([0.5, 1.5]))
            compiled(other, np.array([0.5, 1.5]))
    for one, other in pairs:
        np.testing.assert_allclose(other.data, one.data, rtol=1e-13)
        np.testing.assert_allclose(other.grad.data, one.grad.data, rtol=1e-13)


def test_an_argument_that_was_computed():
    X = mg.Tensor(np.ones(3), name="X")
    compiled = mg.compile(lambda x: x + 1)
    assert [compiled(X * k).tolist()[0] for k in (2, 3, 4)] == [3.0, 4.0, 5.0]
    W = mg.Tensor(np.ones(3), requires_grad=True, name="W")
    with pytest.raises(NotReplayable, match="computed before the call and needs a gradient"):
        compiled(W * 2)


def test_values_that_are_checked_are_checked_at_each_call():
    W = mg.Tensor(np.ones(3), requires_grad=True)
    loss = mg.compile(lambda z, labels: nn.cross_entropy(z, labels))
    penalty = mg.compile(lambda lambd: nn.l2_penalty([W], lambd=lambd, m=3))
    for _ in range(2):
        loss(np.zeros((2, 3)), np.array([0, 2]))
        penalty(0.5)
    with pytest.raises(ValueError, match="labels run from 0 to 2"):
        loss(np.zeros((2, 3)), np.array([0, 3]))
    with pytest.raises(ValueError, match="lambd must be at least 0"):
        penalty(-0.5)


def test_objects_as_arguments():
    compiled = mg.compile(lambda thing, x: thing.number * x * thing.array)
    for i in range(40):
        thing = Thing()  # at an address where another may have been
        thing.number = float(i)
        assert compiled(thing, np.ones(2)).tolist() == [i, i]
        thing.array[:] = 2.0
        assert compiled(thing, np.ones(2)).tolist() == [2.0 * i, 2.0 * i]


def test_numbers_of_every_kind():
    compiled = mg.compile(lambda x, s: x * s)
    x = np.ones(2, np.float32)
    for s in (2.0, 3.0, np.float64(3.0), np.float64(4.0), np.float32(3.0), 3, np.int64(3), True, 1j, 2j):
        expected = mg.Tensor(x) * s
        assert compiled(x, s).dtype == expected.dtype
        assert compiled(x, s).tolist() == expected.tolist()
    with pytest.raises(TypeError, match="mask"):
        compiled(np.ma.array([1.0, 2.0], mask=[0, 1], dtype=np.float32), 2.0)
    batch = OrderedDict(x=np.ones(2))
    compiled = mg.compile(lambda batch, y: batch["x"] * y)
    for i in (1.0, 2.0):
        batch["x"] = np.full(2, i)
        assert compiled(batch, np.full(2, 3.0)).tolist() == [3 * i, 3 * i]


def test_a_method_a_copy_and_a_call_inside_of_another():
    class Scaled(nn.Module):
        def __init__(self, scale):
            self.W = nn.Parameter(np.array([scale, 1.0]), name="W")

        @mg.compile
        def forward(self, x):
            return np.tanh(x * self.W)

    one, other = Scaled(0.5), Scaled(0.25)
    copied = deepcopy(one)
    outer = mg.compile(lambda x: mg.grad(np.sum(one(2 * x)), one.W))
    for x in np.random.default_rng(0).standard_normal((3, 2)):
        for model in (one, other, copied):
            np.testing.assert_allclose(model(x).numpy(), np.tanh(x * model.W.data), rtol=1e-13)
        expected = 2 * x * (1 - np.tanh(2 * x * one.W.data) ** 2)
        np.testing.assert_allclose(outer(x).numpy(), expected, rtol=1e-13)
    compiled = mg.compile(one)
    compiled(x)
    np.testing.assert_allclose(deepcopy(compiled)(x).numpy(), compiled(x).numpy(), rtol=1e-13)


@mg.compile
def at_the_top(x):
    return x * 2


def test_what_a_module_knows_by_its_name_is_pickled_by_its_name():
    assert pickle.loads(pickle.dumps(at_the_top)) is at_the_top
    layer = nn.Linear(2, 2, rng=0)
    copy = pickle.loads(pickle.dumps(mg.compile(layer)))
    np.testing.assert_array_equal(copy(np.ones((1, 2))).numpy(), layer(np.ones((1, 2))).detach().numpy())


def test_floating_point_errors_are_treated_as_the_function_says():
    @mg.compile
    def function(x):
        with np.errstate(divide="ignore"):
            return np.exp(-1 / x)

    assert function(np.ones(2)).tolist() == [np.exp(-1), np.exp(-1)]
    assert function(np.zeros(2)).tolist() == [0, 0]  # and no warning, which is an error here
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        mg.compile(lambda x: np.exp(x))(np.full(2, 1000.0))


def test_detached_values_are_computed_at_each_call():
    W = mg.Tensor(np.ones(2), requires_grad=True)

    def function(x):
        y = (x * W).detach() * W
        return y, mg.grad(np.sum(y), W)

    compiled = mg.compile(function)
    for x in np.random.default_rng(0).standard_normal((3, 2)):
        for a, b in zip(function(x), compiled(x), strict=True):
            np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=1e-13)


# ---- refused


def refuse_branch(x):
    return x if np.sum(x) > 0 else -x


def refuse_item(x):
    return x * np.sum(x).item()


def refuse_float(x):
    return x * float(np.sum(x))


def refuse_print(x):
    print(x)
    return x


def refuse_array(x):
    return x * np.asarray(x * 2).max()


def refuse_data(x):
    return x * (x * 2).data


def refuse_argmax(x):
    return x * np.argmax(x)


def refuse_argsort(x):
    return x[np.argsort(x)]


def refuse_index(x):
    return np.arange(3.0) * x[(x > 0)]


def refuse_in(x):
    return x if 0.0 in x else -x


@pytest.mark.parametrize(
    "function",
    [
        refuse_branch,
        refuse_item,
        refuse_float,
        refuse_print,
        refuse_array,
        refuse_data,
        refuse_argmax,
        refuse_argsort,
        refuse_index,
        refuse_in,
    ],
    ids=lambda f: f.__name__,
)
def test_what_reads_a_value_is_refused_with_the_line(function):
    with pytest.raises(NotReplayable, match=f"in {function.__name__}\n"):
        mg.compile(function)(np.ones(2))


def test_a_refusal_that_the_function_catches_is_one():
    def function(x):
        try:
            return x if np.sum(x) > 0 else x * 3
        except RuntimeError:
            return x * 2

    with pytest.raises(NotReplayable, match="bool"):
        mg.compile(function)(np.ones(2))


def test_draws_outside_of_the_graph_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(NotReplayable, match="outside of the graph"):
        mg.compile(lambda x: x * rng.random(2))(np.ones(2))


@pytest.mark.parametrize(
    ("draw", "why"),
    [
        (lambda: np.random.rand(), "outside of the graph"),  # noqa: NPY002
        (lambda: random.random(), "outside of the graph"),
        (random.Random(0).random, "outside of the graph"),
        (np.random.default_rng(0).normal, "outside of the graph"),
        (random.SystemRandom().random, "would not see"),
        (lambda: mg.random.uniform(3, (2,)), "a generator that it makes itself"),
    ],
)
def test_other_draws_are_refused(draw, why):
    with pytest.raises(NotReplayable, match=why):
        mg.compile(lambda x: x * draw())(np.ones(2))


@pytest.mark.parametrize("draw", [random.random, np.random.rand])
def test_a_draw_of_another_thread_is_not_the_functions(draw, monkeypatch):
    module = importlib.import_module("minigrad.compiler.compile")
    recorded, done, finished = module._recorded, [], threading.Event()

    def disturbed(*given):
        replay = recorded(*given)
        if not done:
            other = threading.Thread(target=draw)
            other.start()
            other.join()
        done.append(replay)
        return replay

    monkeypatch.setattr(module, "_recorded", disturbed)
    waiting = threading.Thread(target=finished.wait)
    waiting.start()
    function = mg.compile(lambda x: x * 2)
    np.testing.assert_array_equal(function(np.ones(2)).data, 2)
    finished.set()
    waiting.join()
    assert len(done) == 2
    assert function.stats()["recordings"] == 1


def test_recordings_are_made_one_at_a_time(monkeypatch):
    module = importlib.import_module("minigrad.compiler.compile")
    recorded, inside, most = module._recorded, [], []

    def counted(*given):
        inside.append(given)
        most.append(len(inside))
        time.sleep(0.01)
        replay = recorded(*given)
        inside.pop()
        return replay

    monkeypatch.setattr(module, "_recorded", counted)
    functions = [mg.compile(lambda x, k=k: x * k) for k in range(4)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda function: function(np.ones(2)).data[0], functions))
    assert found == [0, 1, 2, 3]
    assert max(most) == 1


def test_values_that_cannot_be_looked_at_are_refused():
    own, number = threading.local(), c_double(1.0)
    own.scale = 2.0
    for value in (lambda: own.scale, lambda: number.value):
        with pytest.raises(NotReplayable, match="would not see"):
            mg.compile(lambda x, value=value: x * value())(np.ones(2))


def test_what_changes_beside_the_graph_is_refused():
    history, thing, numbers = [], Thing(), iter([1.0, 2.0])
    model = nn.Sequential(nn.Dropout(keep_prob=0.5, rng=0))
    W = mg.Tensor(np.ones(2), requires_grad=True, name="W")
    optimizer = mg.optim.SGD([W], lr=0.1)
    refused = {
        "a list": lambda x: history.append(x),
        "an attribute of a Thing": lambda x: setattr(thing, "number", 2.0),
        "an attribute of a Sequential": lambda x: model.eval()(x),
        "'_lr'": lambda x: setattr(optimizer, "lr", 0.2),
        "requires_grad": lambda x: setattr(W, "requires_grad", False),
        "list_iterator": lambda x: x * next(numbers),
        "fixed_masks": lambda x: nn.fixed_masks(model).__enter__(),
        "returns a set": lambda x: {x * 2},
    }
    for what, function in refused.items():
        with pytest.raises(NotReplayable, match=what):
            mg.compile(function)(np.ones(2))


def test_a_counter_is_refused():
    calls = 0

    def counting(x):
        nonlocal calls
        calls += 1
        return x

    with pytest.raises(NotReplayable, match="changes a variable"):
        mg.compile(counting)(np.ones(2))


def everything(model, optimizer, schedule):
    """All that a step changes, as bits."""
    kept = [p.data.tobytes() for p in model.parameters()]
    kept += [p.grad if p.grad is None else p.grad.data.tobytes() for p in model.parameters()]
    kept += [repr(optimizer.state_dict()), schedule.state_dict(), repr(generator_state(model[2].rng))]
    return kept


def stop_in_the_middle(J):
    return J.item()


def stop_at_the_end(J, told=[]):  # noqa: B006
    told.append(1)
    return J


def draw_outside(J):
    return J * np.random.random()  # noqa: NPY002


@pytest.mark.parametrize("warm", [0, 3])
@pytest.mark.parametrize("then", [stop_in_the_middle, stop_at_the_end, draw_outside])
def test_a_refused_call_changes_nothing(then, warm):
    model = network()
    optimizer = mg.optim.Adam(model.parameters(), lr=0.1)
    schedule = mg.optim.StepLR(optimizer, 1, gamma=0.5)
    step = training_step(model, optimizer)
    for _ in range(warm):
        step(*data(), 0.9)

    def refused(X, Y):
        J = step(X, Y, 0.9)
        schedule.step()
        return then(J)

    before = everything(model, optimizer, schedule)
    drawn = np.random.get_state(legacy=False)["state"]["pos"]  # noqa: NPY002
    with pytest.raises(NotReplayable):
        mg.compile(refused)(*data())
    assert everything(model, optimizer, schedule) == before
    assert np.random.get_state(legacy=False)["state"]["pos"] == drawn  # noqa: NPY002
    refused(mg.Tensor(data()[0]), mg.Tensor(data()[1]))
    assert everything(model, optimizer, schedule) != before


@pytest.mark.parametrize("name", optimizers)
def test_a_call_gives_the_same_bits_whenever_it_was_recorded(name):
    """As a run that is stopped and goes on in another process needs it."""
    model, again = network(), network()
    one, other = optimizers[name](model.parameters()), optimizers[name](again.parameters())
    compiled = mg.compile(training_step(model, one))
    costs, costs_again = [], []
    for i in range(20):
        costs.append(compiled(*data(seed=i), 0.9).item())
        anew = mg.compile(training_step(again, other))
        costs_again.append(anew(*data(seed=i), 0.9).item())
        assert anew.stats()["recordings"] == 1
    assert compiled.stats()["recordings"] <= 2
    assert costs == costs_again
    for p, q in zip(model.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)


def test_using_a_leaf_after_assigning_to_it_is_refused():
    model = network()
    step = training_step(model, mg.optim.SGD(model.parameters(), lr=0.1))

    def twice(X, Y):
        step(X, Y, 0.9)
        return step(X, Y, 0.9)

    with pytest.raises(NotReplayable, match="after it was assigned to"):
        mg.compile(twice)(*data())


def test_arguments_of_compile():
    with pytest.raises(ValueError, match="backend"):
        mg.compile(network, backend="abacus")
    with pytest.raises(TypeError, match="not a function"):
        mg.compile(3)

    async def later(x):
        return x

    with pytest.raises(TypeError, match="coroutine"):
        mg.compile(later)


# ---- nobody's arrays change


def test_what_was_kept_does_not_change():
    model = network()
    compiled = mg.compile(training_step(model, mg.optim.SGD(model.parameters(), lr=0.1)))
    X, Y = data()
    kept = []
    for _ in range(6):
        J = compiled(X, Y, 0.9)
        views = [model[0].weight.data[:2], model[0].weight.grad.numpy(), J.numpy()]
        kept.append((views, [view.copy() for view in views]))
    for views, copies in kept:
        for view, copy in zip(views, copies, strict=True):
            np.testing.assert_array_equal(view, copy)


def test_views_and_arguments_that_are_returned_are_nobody_elses():
    compiled = mg.compile(lambda X: ((X * 2).T, X, X.T[:1], np.reshape(X + 1, (-1,))))
    kept = []
    for i in range(4):
        X = np.full((2, 3), float(i))
        results = compiled(X)
        assert X.flags.writeable
        kept.append((results, [t.numpy().copy() for t in results]))
        X[:] = -1.0
    for results, copies in kept:
        for t, copy in zip(results, copies, strict=True):
            np.testing.assert_array_equal(t.numpy(), copy)


def test_arguments_are_not_changed():
    X, Y = data()
    kept = X.copy(), Y.copy()
    model = network()
    compiled = mg.compile(training_step(model, mg.optim.SGD(model.parameters(), lr=0.1)))
    for _ in range(3):
        compiled(X, Y, 0.9)
    np.testing.assert_array_equal(X, kept[0])
    np.testing.assert_array_equal(Y, kept[1])


def test_no_new_buffers_in_the_steady_state():
    model = network()
    compiled = mg.compile(training_step(model, mg.optim.SGD(model.parameters(), lr=0.1)))
    X, Y = data()
    compiled(X, Y, 0.9)
    before = compiled.stats()
    for _ in range(5):
        compiled(X, Y, 0.9)
    after = compiled.stats()
    assert after["buffers"] == before["buffers"]
    assert after["replays"] == before["replays"] + 5


def wide_step():
    """A compiled step of a network whose activations take 1 MB each, its arguments and the model."""
    rng = np.random.default_rng(3)
    model = nn.Sequential(
        nn.Linear(300, 512, rng=rng, dtype="float32"),
        nn.ReLU(),
        nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(512, 7, rng=rng, dtype="float32"),
    )
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1)

    @mg.compile(backend="numpy")  # what Numba compiles is Python here, and slow
    def step(X, Y):
        J = nn.cross_entropy(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=512)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    X = rng.standard_normal((512, 300)).astype(np.float32)
    return step, (X, np.eye(7, dtype=np.float32)[rng.integers(0, 7, 512)]), model


def test_no_array_is_allocated_in_the_steady_state():
    step, arguments, _ = wide_step()
    for _ in range(4):
        step(*arguments)
    tracemalloc.start()
    try:
        step(*arguments)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        step(*arguments)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < 40_000  # of NumPy's own casts of a mask to numbers, 8,192 at a time


def test_joined_arrays_and_statistics_are_computed_into_buffers():
    X = np.random.default_rng(0).standard_normal((30, 40)).astype(np.float32)

    def function(X):
        wide, deep = np.concatenate([X, X * 2], axis=1), np.stack([X, X + 1])
        means = np.mean(wide, axis=0), np.mean(X > 0, axis=0)
        deviations = np.var(wide, axis=1, ddof=1), np.std(wide, axis=0)
        extremes = np.max(wide, axis=1), np.min(deep, axis=(0, 1), keepdims=True)
        return *means, *deviations, *extremes, np.prod(deep, axis=0)

    compiled = mg.compile(function, backend="numpy")
    compiled(X)
    assert all("out=" in line for line in compiled.source.splitlines() if "axis=" in line)
    for y, expected in zip(compiled(X), function(mg.Tensor(X)), strict=True):
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-6)


def test_a_recording_is_not_kept_by_a_mask():
    step, arguments, model = wide_step()
    step(*arguments)
    assert model[2].mask.is_leaf


def test_the_new_gradient_takes_the_memory_of_the_old_one():
    step, arguments, model = wide_step()
    W = model[0].weight
    step(*arguments)
    place = W.grad.numpy().ctypes.data
    step(*arguments)
    assert W.grad.numpy().ctypes.data == place
    kept = W.grad
    values = kept.numpy().copy()
    step(*arguments)
    assert W.grad.numpy().ctypes.data != place  # not what somebody holds
    np.testing.assert_array_equal(kept.numpy(), values)


def test_threads():
    W = mg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True, name="W")
    compiled = mg.compile(lambda X: np.sum(np.tanh(X @ W.T), axis=1))
    inputs = [np.random.default_rng(i).standard_normal((4, 3)) for i in range(8)]
    results = [[] for _ in inputs]

    def work(i):
        for _ in range(50):
            results[i].append(compiled(inputs[i]).numpy())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for X, found in zip(inputs, results, strict=True):
        for y in found:
            np.testing.assert_allclose(y, np.tanh(X @ W.data.T).sum(axis=1), rtol=1e-12)


def test_source_is_what_runs():
    compiled = mg.compile(lambda X: np.tanh(X * 2))
    assert "nothing is recorded" in compiled.source
    compiled(np.ones(3))
    assert "tanh(" in compiled.source
    assert "def replay(" in compiled.source


def steps_of(optimizer, **numbers):
    """A compiled and an eager training of the same network of small parameters."""
    models = [network(), network()]
    optimizers = [getattr(mg.optim, optimizer)(model.parameters(), lr=0.05, **numbers) for model in models]
    steps = [training_step(model, o) for model, o in zip(models, optimizers, strict=True)]
    return models, mg.compile(steps[0]), steps[1]


@of_numpy
@pytest.mark.parametrize("numbers", [{"weight_decay": 0.1}, {"weight_decay": 0.1, "decay_biases": True}])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_parameters_that_are_updated_together(optimizer, numbers):
    models, compiled, eager = steps_of(optimizer, **numbers)
    X, Y = data()
    for _ in range(5):
        compiled(X, Y, 0.9)
        eager(mg.Tensor(X), mg.Tensor(Y), 0.9)
    for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(p.grad.data, q.grad.data, rtol=1e-11, atol=1e-13)
    assert "of several at once" in compiled.source
    assert compiled.stats()["recordings"] <= 2


@of_numpy
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_which_parameters_are_decayed_is_looked_at(optimizer):
    models, compiled, eager = steps_of(optimizer, weight_decay=0.1)
    X, Y = data()
    for i in range(6):
        for model in models:
            model[0].weight.decay = i % 3 != 2
        compiled(X, Y, 0.9)
        eager(mg.Tensor(X), mg.Tensor(Y), 0.9)
    for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
        np.testing.assert_allclose(p.data, q.data, rtol=1e-11, atol=1e-13)


@of_numpy
def test_a_single_number_beside_parameters_that_are_updated_together():
    def train(wrap):
        model = network().eval()
        model.scale = nn.Parameter(0.5, name="s")
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1)

        @wrap
        def step(X):
            J = np.sum(np.square(model(X) * model.scale))
            optimizer.zero_grad()
            J.backward()
            optimizer.step()

        for _ in range(3):
            step(data()[0])
        return [p.data for p in model.parameters()], step

    expected, _ = train(lambda step: step)
    found, step = train(mg.compile)
    for p, q in zip(found, expected, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-12)
    assert "together" in step.source


@of_numpy
def test_parameters_updated_together_may_be_set_from_outside():
    models, compiled, eager = steps_of("SGD")
    X, Y = data()
    for i in range(6):
        if i in (2, 3, 5):  # one of them, so that they do not lie side by side any more
            for model in models:
                with mg.no_grad():
                    model[0].bias.data = np.full(model[0].bias.shape, 0.1 * i)
        compiled(X, Y, 0.9)
        eager(mg.Tensor(X), mg.Tensor(Y), 0.9)
        for p, q in zip(models[0].parameters(), models[1].parameters(), strict=True):
            np.testing.assert_allclose(p.data, q.data, rtol=1e-11, atol=1e-13)


def test_what_was_kept_of_parameters_updated_together_does_not_change():
    models, compiled, _ = steps_of("SGD")
    X, Y = data()
    kept = []
    for _ in range(6):
        compiled(X, Y, 0.9)
        of_one = models[0][0].bias.data[1:]  # a view of an array that is itself a part of another
        kept.append((of_one, of_one.copy()))
        assert not models[0][0].bias.data.flags.writeable
    for view, copy in kept:
        np.testing.assert_array_equal(view, copy)


@of_numpy
def test_the_text_says_why():
    _models, compiled, _ = steps_of("SGD")
    X, Y = data()
    compiled(X, Y, 0.9)
    for reason in (
        "what is not used is left out",
        "each is used again after the last use of what it holds",
        "arrays that nobody holds",
        "both masks at once",
        "the sum over the rows, as a product",
        "the sum of squares, as a product",
        "they lie side by side",
        "of several at once",
    ):
        assert reason in compiled.source


@of_numpy
def test_a_factor_goes_to_the_smaller_matrix():
    W = mg.Tensor(np.ones((2, 100)), requires_grad=True, name="W")
    c = mg.constant(3.0, name="c")
    compiled = mg.compile(lambda X: (X * c) @ W.T)
    X = np.random.default_rng(0).standard_normal((500, 100))
    compiled(X)
    np.testing.assert_allclose(compiled(X).numpy(), 3 * X @ np.ones((100, 2)), rtol=1e-12)
    assert "the factor is applied to the smaller matrix" in compiled.source
    assert "multiply(c, W, " in compiled.source


@of_numpy
@pytest.mark.parametrize("rows", [256, 509, 1009])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_large_arrays_are_computed_by_blocks_of_rows(rows, dtype):
    def train(compile):
        rng, masks = np.random.default_rng(1), np.random.default_rng(2)
        model = nn.Sequential(
            nn.Linear(20, 300, rng=rng, dtype=dtype),
            nn.ReLU(),
            nn.Dropout(keep_prob=0.8, rng=masks),
            nn.Linear(300, 260, rng=rng, dtype=dtype),
            nn.Tanh(),
            nn.Dropout(keep_prob=0.7, rng=masks),
            nn.Linear(260, 3, rng=rng, dtype=dtype),
        )
        optimizer = mg.optim.Adam(model.parameters(), lr=0.01)
        X = rng.standard_normal((rows, 20)).astype(dtype)
        y = rng.integers(0, 3, rows)

        def step(X, y):
            J = nn.cross_entropy(model(X), y) + nn.l2_penalty(model, lambd=0.9, m=len(X))
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            return J

        run = mg.compile(step) if compile else step
        costs = [run(mg.Tensor(X), mg.Tensor(y)).item() for _ in range(3)]
        if compile:  # what is said of buffers is so
            said = re.findall(r"# (\d+) buffers: ", run.source)  # Adam's first step is a recording of its own
            assert sum(map(int, said)) == run.stats()["buffers"]
            names = {name for replay in run._replays.values() for r in replay for name in r.text.buffers}
            assert {*re.findall(r"\bbuffer_\d+_\d+_rows\b", run.source)} <= names  # of some rows only, too
        return costs, [p.data for p in model.parameters()], masks.random(), getattr(run, "source", "")

    compiled, eager = train(True), train(False)
    assert "while they are in the cache" in compiled[3]
    assert compiled[2] == eager[2]  # the generator stands where it would
    rtol = 1e-10 if dtype == np.float64 else 1e-3
    np.testing.assert_allclose(compiled[0], eager[0], rtol=rtol)
    for p, q in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(p, q, rtol=rtol, atol=1e-10 if dtype == np.float64 else 2e-3)


@of_numpy
def test_draws_of_large_masks_stay_in_order():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)

    @mg.compile
    def function(X):
        for _ in range(3):
            X = X * mg.random.bernoulli(rng, X.shape, 0.7) * 2 + 1
        return X

    x = np.random.default_rng(1).standard_normal((400, 300))
    for _ in range(2):
        expected = x
        for _ in range(3):
            expected = expected * (same.random(x.shape) < 0.7) * 2 + 1
        np.testing.assert_allclose(function(x).numpy(), expected)


def test_rows_of_a_transpose_are_kept_while_others_are_computed():
    def function(X, V):
        turned = np.exp(X * 0.1).T
        return np.exp(V * turned * 0.1) * np.tanh(V) + np.exp(V)

    rng = np.random.default_rng(0)
    X, V = rng.standard_normal((300, 300)), rng.standard_normal((300, 300))
    np.testing.assert_allclose(mg.compile(function)(X, V).numpy(), function(X, V), rtol=1e-12)

    def symmetric(X):
        one = np.exp(X * 0.1)
        return (one + one.T) * 2 + one

    np.testing.assert_allclose(mg.compile(symmetric)(X).numpy(), symmetric(X), rtol=1e-12)

    def both_ways(X):  # what one statement looks at by a view is not overwritten by another
        one = np.tanh(X)
        turned, straight = np.exp(one.T), np.exp(one)
        return np.sum(np.cos(turned)) + np.sum(np.cos(straight) * straight)

    np.testing.assert_allclose(mg.compile(both_ways)(X).numpy(), both_ways(X), rtol=1e-12)
    np.testing.assert_allclose(
        mg.compile(lambda X: np.tanh(X @ X + (X @ X).T) * 2)(X).numpy(),
        np.tanh(X @ X + (X @ X).T) * 2,
        rtol=1e-12,
    )


def test_a_parameter_scaled_by_a_number_that_is_computed_late():
    W = mg.Tensor(np.ones((300, 200)), requires_grad=True)

    @mg.compile
    def function(X):
        a = np.tanh(X)
        scale = np.sum(np.exp(X)) / X.size
        return a + W * scale

    x = np.full((300, 200), 0.5)
    np.testing.assert_allclose(function(x).numpy(), np.tanh(x) + np.exp(0.5))


@pytest.mark.parametrize(
    "name",
    [
        "np", "copyto", "replay", "rows", "blocks", "fresh", "fresh_1", "buffer_1", "together_1", "zero",
        "ones", "matmul", "add", "multiply", "v_np",
    ],
)  # fmt: skip
def test_names_that_the_text_uses_itself(name):
    rng = np.random.default_rng(0)
    W = mg.Tensor(rng.standard_normal((3, 4)), requires_grad=True, name=name)
    b = mg.Tensor(rng.standard_normal(3), requires_grad=True, name="b")
    optimizer = mg.optim.SGD([W, b], lr=0.1)

    def step(X):
        J = np.sum(np.tanh(mg.relu(X @ W.T + b))) + np.sum(W**2)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    X = rng.standard_normal((5, 4))
    before = W.data, b.data
    eager = [step(mg.Tensor(X)).item() for _ in range(3)]
    with mg.no_grad():
        W.data, b.data = before
    compiled = mg.compile(step)
    np.testing.assert_allclose([compiled(X).item() for _ in range(3)], eager, rtol=1e-12)


def test_names_with_a_number_that_the_text_uses_itself():
    for number in range(30):
        one = mg.Tensor(np.full(3, 2.0), name="multiply")
        other = mg.Tensor(np.ones(3), name=f"multiply_{number}")
        product = mg.compile(lambda x, one=one, other=other: x * one * other)
        np.testing.assert_allclose(product(np.ones(3)).numpy(), 2.0)


def test_attributes_of_modules_are_looked_at_when_one_was_set():
    model = network()
    compiled = mg.compile(lambda X: model(X))
    X, _ = data()
    model.eval()
    for _ in range(3):
        compiled(X)
    model.note = "nothing that is computed with"
    compiled(X)
    recordings = compiled.stats()["recordings"]
    model[-1].bias = mg.nn.Parameter(np.full(model[-1].bias.shape, 7.0), name="b")
    np.testing.assert_allclose(compiled(X).numpy(), model(X).detach().numpy(), rtol=1e-12)
    assert compiled.stats()["recordings"] == recordings + 1
    layer = model[0]
    layer.own = 3
    compiled(X)
    del layer.own
    np.testing.assert_allclose(compiled(X).numpy(), model(X).detach().numpy(), rtol=1e-12)


# ---- random programs

unary = (np.tanh, np.exp, np.negative, np.square, mg.sigmoid, mg.relu, mg.softplus, np.sin, np.absolute)
binary = (np.add, np.subtract, np.multiply, np.maximum, np.minimum)


@st.composite
def programs(draw):
    steps = []
    for i in range(draw(st.integers(1, 12))):
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(unary)), draw(st.integers(0, i + 1))))
        else:
            steps.append(
                (draw(st.sampled_from(binary)), draw(st.integers(0, i + 1)), draw(st.integers(0, i + 1)))
            )
    return steps


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs(), st.integers(0, 2**32 - 1))
def test_random_programs(steps, seed):
    W = mg.Tensor(np.random.default_rng(0).uniform(-1, 1, (3, 2)), requires_grad=True, name="W")

    def function(x):
        values = [x, W]
        for operation, *operands in steps:
            values.append(np.tanh(operation(*(values[i] for i in operands))))
        J = np.sum(values[-1] * W)
        return J, mg.grad(J, W, allow_unused=True)

    compiled = mg.compile(function)
    rng = np.random.default_rng(seed)
    for _ in range(3):
        x = rng.uniform(-1, 1, (3, 2))
        for a, b in zip(function(mg.Tensor(x)), compiled(x), strict=True):
            np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=1e-11, atol=1e-13)


def test_a_view_that_a_users_primitive_gives_is_not_written_over():
    @mg.primitive
    def halves(a, b):
        """Every second row of b: a view of the second operand."""
        return b[::2]

    mg.derivative(halves, a=None, b=lambda g, b: 0 * b)
    try:

        def function(x):
            y = np.exp(x)
            half = halves(x, y)
            again = np.exp(y / 7)  # may be computed where y lies, but for its view
            return np.sum(again), half * 1

        compiled = mg.compile(function)
        x = np.random.default_rng(0).standard_normal((6, 5))
        for _ in range(2):
            total, half = compiled(x)
        np.testing.assert_allclose(half.numpy(), np.exp(x)[::2], rtol=1e-15)
        np.testing.assert_allclose(total.item(), np.sum(np.exp(np.exp(x) / 7)), rtol=1e-13)
    finally:
        table.pop(halves)


def test_an_array_that_is_no_tensor_is_turned():
    """A constant array of the function's own, whose transpose stands in a rule of matmul."""
    A = np.random.default_rng(0).standard_normal((3, 4))

    def function(w):
        return mg.grad(np.sum(np.tanh(A @ w)), w)

    W = mg.Tensor(np.linspace(-1, 1, 8).reshape(4, 2), requires_grad=True)
    compiled = mg.compile(function)
    for _ in range(2):
        np.testing.assert_allclose(compiled(W).numpy(), function(W).numpy(), rtol=1e-13)
    turned = mg.compile(lambda x: x @ np.transpose(mg.Tensor(A)))
    np.testing.assert_allclose(turned(np.ones((2, 4))).numpy(), np.ones((2, 4)) @ A.T, rtol=1e-14)
