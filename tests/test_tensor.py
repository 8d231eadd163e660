"""Tensor itself: what it is made of, what it says of itself, names, dtypes, and a primitive's life."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.switches import reading_allowed
from minigrad.table import name_of, table
from minigrad.tensor import Tensor


def leaf(data: Any, name: str | None = None, **options: Any) -> Tensor:
    return mg.Tensor(data, requires_grad=True, name=name, **options)


# ---- what it is made of


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, np.int64),
        (1.0, np.float64),
        ([1.0, 2.0], np.float64),
        ([[1, 2], [3, 4]], np.int64),
        ((True, False), np.bool_),
        (np.float32(2), np.float32),
        (np.ones((2, 0), np.float16), np.float16),
        (range(3), np.int64),
        (2j, np.complex128),
        (mg.Tensor([1.0]), np.float64),
        ([mg.Tensor(1.0), 2.0], np.float64),
        (np.ones(3)[::2], np.float64),
        (mg.constant(0.5), np.float64),
    ],
)
def test_data(data, dtype):
    t = mg.Tensor(data)
    expected = np.array(data)
    assert t.dtype == dtype
    assert t.shape == expected.shape
    assert (t.ndim, t.size, t.itemsize, t.nbytes) == (
        expected.ndim,
        expected.size,
        expected.itemsize,
        expected.nbytes,
    )
    assert t.is_leaf
    assert not t.requires_grad
    assert t.grad is None
    assert t.name is None
    assert type(t.data) is np.ndarray
    np.testing.assert_array_equal(t, expected)


def test_data_is_copied():
    array = np.array([1.0, 2.0])
    t, c = mg.Tensor(array), mg.constant(array)
    array[0] = 9
    np.testing.assert_array_equal(t, [1, 2])
    np.testing.assert_array_equal(c, [1, 2])
    assert mg.Tensor(t) is not t


def test_dtype_of_data():
    assert mg.Tensor([1, 2], dtype=np.float32).dtype == np.float32
    assert mg.Tensor([1, 2], dtype=float, requires_grad=True).requires_grad
    assert mg.Tensor(mg.Tensor([1.5]), dtype=np.float32).dtype == np.float32


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: mg.Tensor("text"), TypeError, "the data is <U4; it must be numbers"),
        (lambda: mg.Tensor(None), TypeError, "the data is object; it must be numbers"),
        (lambda: mg.Tensor(np.array("2020-01-01", dtype="M8[D]")), TypeError, "must be numbers"),
        (lambda: mg.Tensor([[1.0], [2.0, 3.0]]), ValueError, "does not make an array"),
        (
            lambda: mg.Tensor([1, 2], requires_grad=True),
            TypeError,
            r"is int64; only real floating-point leaves.*1\.0 for 1",
        ),
        (lambda: mg.Tensor([True], requires_grad=True), TypeError, "is bool"),
        (lambda: mg.Tensor([1j], requires_grad=True), TypeError, "is complex128"),
        (lambda: mg.Tensor([1.0], np.float32), TypeError, "requires_grad=.*float32.*wanted a bool"),
        (lambda: mg.Tensor([1.0], True, np.float32), TypeError, "name=.*float32"),
        (
            lambda: mg.Tensor(leaf([1.0], "x") * 2),
            RuntimeError,
            r"would lose its gradient: .*use t\.detach\(\)",
        ),
    ],
)
def test_data_that_does_not_do(make, error, said):
    with pytest.raises(error, match=said):
        make()


def test_requires_grad_can_be_set_on_leaves():
    t = mg.Tensor([1.0])
    t.requires_grad = True
    y = t * 2
    assert y.requires_grad
    with pytest.raises(RuntimeError, match=r"is a result, not a leaf; use t\.detach\(\)"):
        y.requires_grad = False
    t.requires_grad = False
    assert not (t * 2).requires_grad
    with pytest.raises(TypeError, match="is int64"):
        mg.Tensor([1]).requires_grad = True


def test_unknown_attributes_raise():
    t = mg.Tensor([1.0])
    with pytest.raises(AttributeError):
        t.grads = 1
    with pytest.raises(AttributeError):
        t.unsqueeze(0)
    with pytest.raises(AttributeError):
        t.shape = (1, 1)


def test_detach():
    x = leaf([1.0, 2.0], "x")
    y = (x * 2).detach()
    assert y.is_leaf
    assert not y.requires_grad
    np.testing.assert_array_equal(y, [2, 4])
    with mg.no_grad():
        x -= 1
    np.testing.assert_array_equal(x.detach(), [0, 1])


def test_containers():
    a, b, c = leaf([1.0, 2.0]), leaf([1.0, 2.0]), mg.Tensor(3.0)
    assert len({a, b, a}) == 2
    assert {a: "a", b: "b"}[b] == "b"
    assert a in [a, b]
    assert c in [1.0, 3.0]
    assert 3.0 in [c]
    assert 2.0 in a
    assert 5.0 not in a
    assert mg.Tensor(2.0) in a
    assert [t.item() for t in sorted([mg.Tensor(2.0), c, mg.Tensor(1.0)])] == [1, 2, 3]
    assert max(mg.Tensor(2.0), c) is c


def test_length_and_iteration():
    t = leaf([[1.0, 2.0], [3.0, 4.0]], "t")
    assert len(t) == 2
    first, second = t
    (first * second).backward([1.0, 1.0])
    np.testing.assert_array_equal(t.grad, [[3, 4], [1, 2]])
    assert [row.shape for row in t] == [(2,), (2,)]
    assert list(mg.Tensor(np.ones((0, 2)))) == []
    for call in (len, iter, list):
        with pytest.raises(TypeError, match=r'"s" \(\) has no axes'):
            call(mg.Tensor(1.0, name="s"))


def test_truth():
    assert mg.Tensor(1.0)
    assert not mg.Tensor([0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(mg.Tensor([1, 2]))


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (lambda: mg.Tensor(1.5), "Tensor(1.5)"),
        (lambda: mg.Tensor([1, 2]), "Tensor([1, 2])"),
        (lambda: mg.Tensor([True, False]), "Tensor([ True, False])"),
        (lambda: mg.Tensor([1.0], dtype=np.float32), "Tensor([1.], dtype=float32)"),
        (lambda: leaf([[1.0], [2.0]], "W"), "Tensor([[1.],\n        [2.]], name='W', requires_grad=True)"),
        (lambda: np.exp(leaf(0.0)), "Tensor(1., made by np.exp)"),
        (lambda: mg.sigmoid(leaf(0.0)), "Tensor(0.5, made by mg.sigmoid)"),
        (lambda: mg.constant(0.7, name="lambd"), "Tensor(0.7, name='lambd')"),
        (lambda: mg.Tensor(np.zeros((0, 2))), "Tensor([], shape=(0, 2))"),
    ],
)
def test_repr(tensor, text):
    assert repr(tensor()) == str(tensor()) == f"{tensor()}" == text


def test_repr_of_a_big_tensor_is_short():
    assert len(repr(mg.Tensor(np.zeros((1000, 1000))))) < 1000


def test_reading_can_be_forbidden():
    """What a recorded function must not do: fix a value that depends on its arguments."""
    x = leaf([1.0])
    token = reading_allowed.set(False)
    try:
        for read in (float, int, bool, list, lambda t: t.item(), lambda t: t.tolist(), lambda t: f"{t:.2f}"):
            if read is not list:
                with pytest.raises(RuntimeError, match="inside a function that is being recorded"):
                    read(x)
        with pytest.raises(RuntimeError, match="inside a function that is being recorded"):
            bool(x[0] > 0)
        assert float(mg.Tensor(1.0)) == 1
    finally:
        reading_allowed.reset(token)


# ---- operators


def test_every_operator_has_a_row():
    pairs = (
        (operator.add, np.add),
        (operator.sub, np.subtract),
        (operator.mul, np.multiply),
        (operator.truediv, np.divide),
        (operator.floordiv, np.floor_divide),
        (operator.mod, np.remainder),
        (operator.matmul, np.matmul),
        (operator.pow, np.power),
        (operator.lt, np.less),
        (operator.le, np.less_equal),
        (operator.gt, np.greater),
        (operator.ge, np.greater_equal),
        (operator.eq, np.equal),
        (operator.ne, np.not_equal),
    )
    a, b = np.array([[1.5, 2.5], [3.0, 4.0]]), np.array([[2.0, 1.0], [0.5, 3.0]])
    for symbol, function in pairs:
        for left, right in ((leaf(a), leaf(b)), (leaf(a), b), (a, leaf(b)), (leaf(a), mg.Tensor(b))):
            y = symbol(left, right)
            assert y.origin[0] is function
            np.testing.assert_array_equal(y, symbol(a, b))
    for number in (2, 0.5, np.float64(3), np.int64(2), True):
        for symbol, function in pairs:
            if function is not np.matmul:
                np.testing.assert_array_equal(symbol(leaf(a), number), symbol(a, number))
                np.testing.assert_array_equal(symbol(number, leaf(a)), symbol(number, a))


def test_powers_of_whole_numbers_are_numpys():
    t, array = mg.Tensor([1, 2, 3]), np.array([1, 2, 3])
    for exponent in (2, 2.0, 3, 0):
        assert (t**exponent).dtype == (array**exponent).dtype
        np.testing.assert_array_equal(t**exponent, array**exponent)
    assert (mg.Tensor([True]) ** 2).dtype == (np.array([True]) ** 2).dtype
    assert (leaf([3.0]) ** 2).origin[0] is np.square


# ---- dtypes (NEP 50)


def test_float32_stays_float32():
    x = leaf(np.ones((2, 3), np.float32))
    half = mg.constant(0.5, name="half")
    third = mg.constant(1.0) / mg.constant(3)
    for y in (
        x * 2,
        2.5 * x,
        x / 3,
        1 - x,
        x**2,
        x**0.5,
        2**x,
        x * half,
        half / x,
        x * third,
        x * (half * 2 - third),
        x * np.exp(half),
        x * -half,
        x + abs(half),
        np.maximum(x, 0),
        np.where(x > 0, x, 0.0),
        np.mean(x),
        np.sum(x) / 7 + 0.1,
        x.T @ x,
        mg.sigmoid(x),
        np.clip(x, 0, 0.5),
        np.float32(2) * x,
    ):
        assert y.dtype == np.float32, y.origin
        x.grad = None
        np.sum(y).backward()
        assert x.grad.dtype == np.float32
    assert (
        x * np.float64(2)
    ).dtype == np.float64  # NumPy's rule for a number that has a precision of its own


def test_constants_are_numbers_with_a_name():
    lambd, m = mg.constant(0.7, name="lambd"), mg.constant(2, name="m")
    ratio = lambd / (2 * m)
    assert ratio.origin[0] is np.divide
    assert ratio.origin[1][0] is lambd
    assert ratio.item() == 0.7 / 4
    assert lambd.shape == ratio.shape == ()
    assert lambd.dtype == np.float64
    assert m.dtype == np.int64
    assert not lambd.requires_grad
    assert type(lambd.data) is np.ndarray
    assert (lambd > 0.5).item() is True


def test_constants_can_be_arrays_too():
    c = mg.constant([1.0, 2.0], name="c")
    np.testing.assert_array_equal(c * 2, [2, 4])
    half, one = mg.constant(0.5), mg.constant(1.0)
    np.testing.assert_array_equal(np.stack([half, one]), [0.5, 1.0])
    assert np.reshape(half, (1, 1)).shape == (1, 1)
    assert np.broadcast_to(half, (3,)).shape == (3,)
    assert np.sum(half).item() == 0.5
    assert half.sum().item() == 0.5


# ---- names and what stays visible


def test_a_computation_with_named_data_stays_visible():
    Y = mg.Tensor([1.0, 0.0], name="Y")
    y = 1 - Y
    assert y.origin[0] is np.subtract
    assert y.origin[1] == (1, Y)
    assert (y * 2).origin is not None
    assert not y.requires_grad
    with mg.no_grad():
        assert (1 - Y).is_leaf


def test_unnamed_data_keeps_no_origin():
    data = mg.Tensor([1.0, 0.0])
    assert (1 - data).is_leaf
    assert (data + data).is_leaf
    assert np.sum(data).is_leaf
    total = mg.Tensor(0.0)
    for _ in range(3):
        total += leaf([1.0], "x").detach().sum()
        assert total.is_leaf


def test_names():
    t = mg.Tensor([1.0], name="first")
    t.name = "second"
    assert repr(t) == "Tensor([1.], name='second')"
    assert (t * 2).name is None
    assert t.detach().name is None


def test_stamps_order_the_graph():
    x = leaf([1.0])
    y = x * 2
    z = y + x
    assert x.stamp < y.stamp < z.stamp


def test_random_draws_are_nodes():
    from minigrad import random

    draw = random.uniform(0, (2, 3))
    assert name_of(draw.origin[0]) == "mg.uniform_draw"
    assert not draw.requires_grad
    np.testing.assert_array_equal(draw, np.random.default_rng(0).random((2, 3)))
    mask = random.bernoulli(np.random.RandomState(3), (1000,), mg.constant(0.8, name="keep_prob"))
    np.testing.assert_array_equal(mask, np.random.RandomState(3).random(1000) < 0.8)
    for wrong in (None, True, 1.5, "seed"):
        with pytest.raises(TypeError, match="there is no global generator"):
            random.uniform(wrong, (2,))


# ---- primitives and rows


@pytest.fixture
def power_of():
    @mg.primitive
    def power_of(x, *, exponent, factor=1.0):
        """factor · x^exponent."""
        return factor * x**exponent

    mg.derivative(power_of, x=lambda g, x, exponent, factor: g * factor * exponent * x ** (exponent - 1))
    return power_of


def test_a_primitive_is_one_operation(power_of):
    x = leaf([1.0, 2.0], "x")
    for y in (power_of(x, exponent=3), power_of(x=x, exponent=3), power_of(exponent=mg.Tensor(3), x=x)):
        assert y.origin[0] is power_of
        assert y.origin[1] == (x,)
        assert y.origin[2] == {"exponent": 3, "factor": 1.0}
        np.testing.assert_array_equal(y, [1, 8])
        np.testing.assert_array_equal(mg.grad(np.sum(y), x), [3, 12])
    np.testing.assert_array_equal(power_of(np.array([1.0, 2.0]), exponent=3), [1, 8])
    assert power_of(mg.Tensor([2.0]), exponent=2).is_leaf
    assert power_of.__doc__ == "factor · x^exponent."
    second = mg.grad(np.sum(mg.grad(np.sum(power_of(x, exponent=3)), x, create_graph=True)), x)
    np.testing.assert_array_equal(second, [6, 12])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda power_of, x: power_of(x),
            r"power_of of a Tensor takes x, exponent, factor; exponent is missing",
        ),
        (lambda power_of, x: power_of(x, 3), r"only x can be given by position"),
        (lambda power_of, x: power_of(x, exponent=3, base=2), r"base= would lose the gradient"),
        (lambda power_of, x: power_of(x, x=x, exponent=3), r"x is given twice"),
        (
            lambda power_of, x: power_of(x, exponent=x),
            r'"x" \(2,\) as a parameter or index would lose its gradient: detach\(\) it',
        ),
        (lambda power_of, x: power_of(np.ones(2), exponent=x), r'"x" \(2,\) as a parameter'),
    ],
)
def test_wrong_calls_of_a_primitive(call, said, power_of):
    with pytest.raises(TypeError, match=said):
        call(power_of, leaf([1.0, 2.0], "x"))


def test_a_primitive_without_a_row():
    @mg.primitive
    def f(x):
        return x * 2

    with pytest.raises(
        TypeError, match=r"f is a primitive without a row: give it one with minigrad\.derivative"
    ):
        f(leaf([1.0]))
    np.testing.assert_array_equal(f(np.ones(2)), [2, 2])
    np.testing.assert_array_equal(f(mg.Tensor(np.ones(2))), [2, 2])


@pytest.mark.parametrize("wrong", [None, [1.0], "text", (1.0, 2.0), {}])
def test_a_primitive_that_gives_no_array(wrong):
    @mg.primitive
    def f(x):
        return wrong

    mg.derivative(f, x=lambda g: g)
    with pytest.raises(TypeError, match=f"f gave a {type(wrong).__name__}, not an array"):
        f(leaf([1.0]))


def test_a_primitive_may_give_a_number():
    @mg.primitive
    def total(x):
        return float(np.sum(x))

    mg.derivative(total, x=lambda g, x: g * np.ones_like(x))
    x = leaf([1.0, 2.0])
    y = total(x)
    assert y.shape == ()
    y.backward()
    np.testing.assert_array_equal(x.grad, [1, 1])


@pytest.mark.parametrize(
    ("define", "said"),
    [
        (
            lambda f: mg.derivative(f, x=lambda g: g),
            r"the arguments are \['x', 'y_'\], the rules are for \['x'\]",
        ),
        (lambda f: mg.derivative(f, x=None, y_=None, z=None), r"the rules are for \['x', 'y_', 'z'\]"),
        (lambda f: mg.derivative(f), r"the arguments are \['x', 'y_'\], the rules are for \[\]"),
        (
            lambda f: mg.derivative(f, x=lambda g, w: g, y_=None),
            r"the rule asks for \['w'\]; what it can have is \['g', 'y', 'x', 'y_', 'scale'\]",
        ),
        (
            lambda f: mg.derivative(f, x=lambda *g: g, y_=None),
            r"a rule must name its arguments, and \*g does not",
        ),
        (lambda f: mg.derivative(f, x=0, y_=None), r"a rule must be a Python function, not 0"),
        (
            lambda f: mg.derivative(f.on_arrays, x=None, y_=None),
            r"mark it with @minigrad\.primitive",
        ),
        (
            lambda f: mg.derivative(np.linalg.det, a=None),
            r"np\.linalg\.det\): mark it .*a signature",
        ),
        (
            lambda f: mg.derivative(np.sin, b=lambda g: g),
            r"the arguments are \['a'\], the rules are for \['b'\]",
        ),
        (
            lambda f: mg.derivative(mg.primitive(lambda *xs: xs)),
            r"must name its arguments, and \*xs does not",
        ),
        (
            lambda f: mg.derivative(mg.primitive(lambda x, k=2: x), x=None),
            r"k=2 has a default, so it is no array: put it after a \*",
        ),
        (lambda f: mg.derivative(mg.primitive(lambda g: g), g=None), r"\['g'\] cannot name an argument"),
    ],
)
def test_wrong_rows_fail_where_they_are_defined(define, said):
    @mg.primitive
    def f(x, y_, *, scale=1.0):
        return x * y_ * scale

    before = dict(table)
    with pytest.raises(TypeError, match=said):
        define(f)
    assert table == before


def test_a_rule_is_given_what_it_names():
    seen = {}

    @mg.primitive
    def f(a, b, *, scale=2.0):
        return a * b * scale

    def rule(scale, b, y, g, a):
        seen.update(scale=scale, b=b, y=y, g=g, a=a)
        return g * b * scale

    mg.derivative(f, a=rule, b=lambda g, a, scale: g * a * scale)
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    f(a, b).backward([1.0, 1.0])
    assert seen["scale"] == 2.0
    for name, value in {"a": [1, 2], "b": [3, 4], "y": [6, 16], "g": [1, 1]}.items():
        np.testing.assert_array_equal(seen[name], value)
        assert type(seen[name]) is np.ndarray
    mg.grad(f(a, b), a, [1.0, 1.0], create_graph=True)
    assert all(isinstance(seen[name], Tensor) for name in "abyg")
