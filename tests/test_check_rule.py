"""check_rule is tested: right rows pass; wrong ones of every kind are caught, with rule and reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest
from cases import rows

import minigrad as mg
from minigrad import functions
from minigrad.check import GradcheckError, RuleResult
from minigrad.check.oracle import analytic
from minigrad.table import name_of, table


def row(function: Callable, elementwise: bool = True, **rules: Any) -> Callable:
    """A primitive with its row, which conftest takes out of the table after the test."""
    primitive = mg.primitive(function)
    mg.derivative(primitive, elementwise=elementwise, **rules)
    return primitive


def found_in(function: Callable, *samples: Any, **options: Any) -> RuleResult:
    """The result for a wrong row, which must also raise."""
    result = mg.check_rule(function, *samples, raise_exception=False, **options)
    assert not result
    with pytest.raises(GradcheckError) as caught:
        mg.check_rule(function, *samples, **options)
    assert str(caught.value) == result.message
    return result


# ---- right rows

probabilities = [(np.array([0.2, 0.5, 0.7]), np.array([[0.1, 0.4, 0.9], [0.3, 0.0, 1.0]]))]


@pytest.mark.parametrize(
    "function",
    [f for f in rows if table[f].elementwise and not table[f].constant],
    ids=name_of,
)
def test_every_elementwise_row_of_the_table_passes(function):
    samples = probabilities if function is functions.cross_entropy_of_probability else []
    result = mg.check_rule(function, *samples, **dict.fromkeys(table[function].needed & {"n"}, 2))
    assert result
    assert set(result.errors) == {name for name, rule in table[function].written.items() if rule}
    assert max(result.errors.values()) < 1e-10
    assert not result.notes
    if not samples:
        assert len(result.samples) >= (7 if len(table[function].arrays) == 1 else 20)


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        *((f, {"axis": axis}) for f in (np.sum, np.mean, np.max, np.prod, mg.softmax) for axis in (None, -1)),
        (np.var, {"axis": 0}), (np.std, {"axis": None}), (mg.logsumexp, {"axis": -1, "keepdims": True}),
        (np.matmul, {}), (np.where, {}), (np.clip, {}), (np.transpose, {}), (np.ravel, {}),
        (np.concatenate, {"axis": 0}), (np.stack, {"axis": -1}), (np.squeeze, {}),
        (np.swapaxes, {"axis1": 0, "axis2": -1}), (np.expand_dims, {"axis": 0}),
        (np.broadcast_to, {"shape": (2, 2, 3)}),
    ],
    ids=lambda x: name_of(x) if callable(x) else str(x),
)  # fmt: skip
def test_other_rows_of_the_table_pass(function, parameters):
    assert mg.check_rule(function, **parameters)


def test_samples_are_arrays_tuples_numbers_or_tensors():
    x = np.array([1.5, -0.3])
    for sample in (x, (x,), mg.Tensor(x), 0.7, x.astype(np.float32)):
        assert mg.check_rule(np.sin, sample).samples in (("a (2,)",), ("a ()",))
    assert mg.check_rule(np.power, (np.array([1.5, 2.0]), 3), (np.array([0.2]), np.array([[1.0], [2]])))
    assert mg.check_rule(np.concatenate, [x, x[:1]], axis=0).samples == ("arrays[0] (2,), arrays[1] (1,)",)
    assert mg.check_rule(mg.derivatives.indexing.scatter_add, x, index=[1, 1], shape=(3,))
    assert x.tolist() == [1.5, -0.3]
    assert x.flags.writeable


def test_domains_are_found():
    assert mg.check_rule(row(lambda x: np.arcsin(x), x=lambda g, x: g / np.sqrt(1 - x * x)))
    assert mg.check_rule(row(lambda x: np.arccosh(x), x=lambda g, x: g / np.sqrt(x * x - 1)))
    assert mg.check_rule(row(lambda x: x**0.3, x=lambda g, x: 0.3 * g * x**-0.7))


def test_a_matrix_function_passes_and_says_for_which_shapes_it_does_not_hold():
    product = row(lambda a, b: a @ b, False, a=lambda g, b: g @ b.T, b=lambda g, a: a.T @ g)
    result = mg.check_rule(product)
    assert result
    assert "a (2, 3), b (3, 4)" in result.samples
    assert result.notes
    assert "the function gives a value, and the rule of a" in str(result)
    layer = row(
        lambda x, w, b: x @ w.T + b, False, x=lambda g, w: g @ w, w=lambda g, x: g.T @ x, b=lambda g: g
    )  # fmt: skip
    result = mg.check_rule(layer)
    assert result.samples[0] == "x (7, 2), w (3, 2), b (3,)"
    assert any("the rule of x is wrong" in note for note in result.notes)  # for vectors
    linear = row(lambda x, w: x @ w.T, False, x=lambda g, w: g @ w, w=lambda g, x: g.T @ x)
    assert mg.check_rule(
        linear, (np.random.default_rng(0).random((7, 2)), np.random.default_rng(1).random((3, 2)))
    )


def test_the_inverse_of_a_matrix_passes_on_square_ones():
    inverse = row(
        lambda a: np.linalg.inv(a), False,
        a=lambda g, y: -np.matrix_transpose(y) @ g @ np.matrix_transpose(y),
    )  # fmt: skip
    result = mg.check_rule(inverse)
    assert result.samples == ("a (3, 3)",)


def test_functions_that_complex_numbers_cannot_follow_pass():
    size = row(lambda x: np.abs(x) + x, x=lambda g, x: g * (np.sign(x) + 1))
    assert mg.check_rule(size)
    ordered = row(lambda x: np.array(sorted(x)), False, x=lambda g, x: g[np.argsort(np.argsort(x))])
    assert mg.check_rule(ordered, np.array([0.3, -2.0, 1.1]))  # complex numbers have no order
    before = dict(analytic)
    assert mg.check_rule(row(lambda x: x * x, x=lambda g, x: 2 * g * x)).errors["x"] < 1e-15  # exact
    assert analytic == before


def test_order_1_alone():
    detached = row(lambda x: x * x, x=lambda g, x: g * 2 * mg.tensor.plain(x))
    assert mg.check_rule(detached, order=1)
    assert not mg.check_rule(detached, raise_exception=False)


def test_the_result_tells_what_was_done():
    result = mg.check_rule(np.tanh)
    assert repr(result).startswith("check_rule: np.tanh: right on 8 samples; the gradients agree, of a to ")
    assert {"a (2, 3)", "a ()", "a (0,)", "a (2, 0)"} <= set(result.samples)


# ---- wrong rows: (what, row, rule named, words of the sentence)

_counter = count()
_buffer = np.zeros(1000)


def _in_place(g: Any, x: Any) -> Any:
    g *= 2
    return g * x


def _into_x(g: Any, x: Any) -> Any:
    x *= 2
    return g * x


def _into_y(g: Any, y: Any) -> Any:
    np.multiply(y, 2, out=y)
    return g * y


def _squares_itself(x: Any) -> Any:
    x *= x
    return x


def _scales_itself_by_one(x: Any) -> Any:
    x *= 1
    return x * x


def _buffered(g: Any, x: Any) -> Any:
    if isinstance(x, mg.Tensor):
        return 2 * g * x
    d = _buffer[: x.size].reshape(x.shape)
    np.multiply(2 * g, x, out=d)
    return d


def square(x: Any) -> Any:
    return x * x


def scale(a: Any, b: Any) -> Any:
    return a * b


@mg.primitive
def sums_from_the_end(g: Any) -> Any:
    return np.cumsum(g[..., ::-1], axis=-1)[..., ::-1]


@mg.primitive
def cube_root(x: Any) -> Any:
    return np.cbrt(x)


wrong: dict[str, tuple[Callable[[], Callable], str, str, str]] = {
    "× 1.001": (
        lambda: row(square, x=lambda g, x: 2.002 * g * x), "x", "values",
        "the gradient is wrong: it is 1.001 times the slope, in every entry: a factor is wrong"),
    "a digit too few": (
        lambda: row(lambda x: x * np.pi, x=lambda g: g * 3.1416), "x", "values", "too few digits"),
    "factor 2": (
        lambda: row(square, x=lambda g, x: g * x), "x", "values",
        "it is 0.5 times the slope, in every entry: a 2, as of a square or of 1/(2m), is missing"),
    "sign": (
        lambda: row(lambda a, b: a - b, a=lambda g: g, b=lambda g: g), "b", "values",
        "it is -1 times the slope, in every entry: the sign is wrong"),
    "dropped": (
        lambda: row(scale, a=lambda g, b: g * b, b=lambda g, a: 0.0 * g * a), "b", "values",
        "it is 0 everywhere, where the function has a slope"),
    "swapped arguments": (
        lambda: row(scale, a=lambda g, a: g * a, b=lambda g, b: g * b), "a", "values",
        "6 of 6 entries differ; at ["),
    "forgotten term": (
        lambda: row(lambda x: np.tanh(x) + x * x / 2, x=lambda g, x: g * (1 - np.tanh(x) ** 2)),
        "x", "values", "-1 · x, entry by entry: a term like that of an L2 penalty"),
    "the derivative's own derivative": (
        lambda: row(lambda x: np.tanh(x), x=lambda g, y: g * (1 - y)), "x", "values", "where the slope is"),
    "transposed": (
        lambda: row(lambda x: 2 * x, False, x=lambda g: 2 * g.T), "x", "shape",
        "gives a gradient of shape (3, 2) for one of shape (2, 3): transposed"),
    "transposed product": (
        lambda: row(lambda a, b: a @ b, False, a=lambda g, b: g @ b.T, b=lambda g, a: g.T @ a), "b", "shape",
        "gives a gradient of shape (4, 3) for one of shape (3, 4): transposed"),
    "transposed and square": (
        lambda: row(lambda a, b: a @ b, False, a=lambda g, b: g @ b.T, b=lambda g, a: g.T @ a), "b", "values",
        "its entries are those of the transposed slope"),
    "missing transposition": (
        lambda: row(lambda a, b: a @ b, False, a=lambda g, b: g @ b, b=lambda g, a: a.T @ g), "a", "shape",
        "raises ValueError: matmul"),
    "sum for mean": (
        lambda: row(lambda x: np.mean(x), False, x=lambda g, x: g * np.ones_like(x)), "x", "values",
        "it is 6 times the slope, in every entry"),
    "keepdims forgotten": (
        lambda: row(lambda x: mg.softmax(x), False, x=lambda g, y: y * (g - np.sum(g * y, axis=-1))), "x",
        "shape", "raises ValueError: operands could not be broadcast"),
    "float64 constant in the rule": (
        lambda: row(scale, a=lambda g, b: g * b * np.float64(1), b=lambda g, a: g * a), "a", "dtype",
        "float32 input gives a float64 gradient; an array or np.float64 in it widens it: use Python numbers"),
    "float64 constant in the function": (
        lambda: row(lambda x: x * np.array([[0.5]]), False, x=lambda g: 0.5 * g), "", "dtype",
        "float32 input gives a float64 result"),
    "always float32": (
        lambda: row(square, x=lambda g, x: (2 * g * x).astype(np.float32)), "x", "dtype",
        "float64 input gives a float32 gradient"),
    "g written into": (
        lambda: row(square, x=_in_place), "x", "in place", "it writes into g, which others still use"),
    "an argument written into": (
        lambda: row(square, x=_into_x), "x", "in place", "it writes into x, which others still use"),
    "y written into": (
        lambda: row(lambda x: np.exp(2 * x), x=_into_y), "x", "in place", "it writes into y"),
    "the function works in place": (
        lambda: row(_squares_itself, x=lambda g, x: 2 * g * x), "", "in place",
        "it writes into its argument x, which a graph may hold"),
    "the function writes what is there": (
        lambda: row(_scales_itself_by_one, x=lambda g, x: 2 * g * x), "", "in place",
        "it writes into its argument, which a graph may hold"),
    "a function that draws": (
        lambda: row(lambda x: x * next(_counter), x=lambda g: g), "", "purity",
        "it gives other values for the same arguments: it draws at random, or keeps state"),
    "a rule that keeps state": (
        lambda: row(square, x=lambda g, x: 2 * g * x + 1e-3 * next(_counter)), "x", "purity",
        "it gives other values for the same arguments"),
    "one buffer for all": (
        lambda: row(square, x=_buffered), "x", "purity",
        "it gives the same array each time, so that a later use overwrites an earlier one"),
    "detached": (
        lambda: row(square, x=lambda g, x: g * 2 * mg.tensor.plain(x)), "x", "second order",
        "the gradient is right, and its gradient with respect to x is 0, and should not be"),
    "detached in the other argument": (
        lambda: row(lambda a, b: a * np.exp(b), a=lambda g, b: g * np.exp(mg.tensor.plain(b)),
                    b=lambda g, y: g * y), "a", "second order",
        "with respect to b is 0, and should not be; a rule must be an expression of its arguments"),
    "detached from g": (
        lambda: row(square, x=lambda g, x: 2 * mg.tensor.plain(g) * x), "x", "second order",
        "the gradient is right, and its gradient with respect to g is 0, and should not be; a rule must be"),
    "g not to be recorded": (
        lambda: row(lambda x: np.cumsum(x, axis=-1), False,
                    x=lambda g: sums_from_the_end(g)), "x", "second order",
        "cannot be differentiated again: TypeError: sums_from_the_end is a primitive without a row"),
    "not to be recorded": (
        lambda: row(lambda x: np.cbrt(x), x=lambda g, x: g / (3 * cube_root(x) ** 2)), "x", "second order",
        "cannot be differentiated again: TypeError: cube_root is a primitive without a row"),
    "marked elementwise": (
        lambda: row(lambda x: mg.log_softmax(x),
                    x=lambda g, y: g - np.exp(y) * np.sum(g, axis=-1, keepdims=True)),
        "x", "broadcast", "with a gradient that is left broadcast, of shape"),
    "marked linear": (
        lambda: row(lambda x: x * x + x, linear=True, x=lambda g, x: g * (2 * x + 1)), "", "linear",
        "it is marked linear=True and is not linear in x; leave the mark out"),
    "marked elementwise, another shape": (
        lambda: row(lambda x: np.sum(x, axis=-1), x=lambda g, x: np.expand_dims(g, -1) * np.ones_like(x)), "",
        "broadcast", "it is marked elementwise=True and gives the shape (2,)"),
    "memory order": (
        lambda: row(lambda x: 2 * x.ravel(), False,
                    x=lambda g, x: 2 * np.reshape(g, x.shape) if isinstance(x, mg.Tensor) or
                    x.flags.c_contiguous else 2 * g.reshape(x.shape, order="F")), "x", "layout",
        "it depends on how arrays lie in memory"),
    "a number": (
        lambda: row(lambda x: 3 * x, x=lambda: 3.0), "x", "shape", "gives 3.0, not an array"),
    "nothing": (
        lambda: row(lambda x: 3 * x, x=lambda g: None), "x", "shape", "gives None, not an array"),
    "raises": (
        lambda: row(lambda x: 3 * x, x=lambda g: g.nonsense), "x", "shape", "raises AttributeError"),
    "un-broadcasts in the rule": (
        lambda: row(scale, a=lambda g, b: g * b, b=lambda g, a: np.sum(g * a, axis=0)), "b", "values",
        "slope"),
}  # fmt: skip


@pytest.mark.parametrize("what", wrong)
def test_wrong_rules_are_caught_and_named(what):
    make, argument, kind, words = wrong[what]
    function = make()
    result = found_in(function)
    faults = {(fault.argument, fault.kind): fault for fault in result.faults}
    assert (argument, kind) in faults, result
    fault = faults[argument, kind]
    assert words in fault.text
    where = f", rule of {argument}" if argument else ""
    assert f"check_rule: {name_of(function)}{where}: {fault.text} (seen with " in result.message
    others = {name for name, _ in faults} - {argument}
    assert not others or what == "swapped arguments", "right rules are not blamed"


def test_the_broken_rules_of_the_table_are_caught():
    """Each way in which mutation_score breaks a rule."""
    for function in (np.maximum, np.matmul):
        assert mg.mutation_score(lambda f=function: mg.check_rule(f), lambda f=function: _on_generic(f))


def _on_generic(function: Callable) -> mg.Tensor:
    rng = np.random.default_rng(5)
    n = len(table[function].arrays)
    square_, broadcast = (
        [rng.standard_normal(s[:2]) for s in shapes[:n]] for shapes in (((3, 3),) * 2, ((3, 3), (1, 3)))
    )
    inputs = square_ if function is np.matmul else broadcast
    return function(*(mg.Tensor(x, requires_grad=True) for x in inputs))


def test_several_faults_are_each_told_once():
    function = row(scale, a=lambda g, b: 2.0 * g * b * np.float64(1), b=lambda g, a: -g * a)
    result = found_in(function)
    assert [(fault.argument, fault.kind) for fault in result.faults] == [
        ("a", "values"), ("b", "values"), ("a", "dtype"),
    ]  # fmt: skip
    assert all(fault.sample == "a (2, 3), b (2, 3)" for fault in result.faults)
    assert len(str(result).splitlines()) == 3


def test_a_function_that_is_flat_everywhere_is_not_confirmed():
    flat = row(lambda x: np.floor(x), x=lambda g: 0.0 * g)
    result = found_in(flat)
    assert "no sample tells anything: the gradient is 0 or empty" in str(result)


def test_a_kink_in_a_sample_is_told():
    result = found_in(mg.relu, np.array([0.0, 1.0]))
    assert "is on a kink" in str(result)


# ---- what is refused


@pytest.mark.parametrize(
    ("function", "samples", "options", "kind", "message"),
    [
        (np.gcd, [], {}, TypeError, "np.gcd has no row; mark it with @minigrad.primitive"),
        (lambda x: x, [], {}, TypeError, "<lambda> has no row"),
        (3, [], {}, TypeError, "3 has no row"),
        (np.sign, [], {}, TypeError, "np.sign has no gradient by design"),
        (np.tanh, [], {"order": 0}, ValueError, "order must be 1, 2 ..., not 0"),
        (np.tanh, [], {"axis": 0}, TypeError, "the parameters of np.tanh are []; it has no axis="),
        (np.swapaxes, [], {"axis1": 0}, TypeError, "axis2= is missing"),
        (np.add, [np.ones(3)], {}, ValueError, "sample 0 of np.add must be a tuple of (a, b)"),
        (np.add, [(np.ones(3),)], {}, ValueError, "sample 0 of np.add must be a tuple of (a, b)"),
        (np.add, [(1, 2)], {}, ValueError, "has no floating-point array to differentiate"),
        (np.tanh, [np.arange(3)], {}, ValueError, "has no floating-point array to differentiate"),
        (np.squeeze, [], {"axis": 7}, ValueError,
         "takes none of the generic arrays (with a (2, 3) it raises AxisError: axis 7 is out of bounds"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_refused(function, samples, options, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        mg.check_rule(function, *samples, **options)


def test_samples_outside_the_domain_are_told():
    assert "choose samples inside the domain" in str(found_in(np.log, np.array([-1.0, 2.0])))


def test_a_sample_that_the_function_does_not_take_is_told():
    result = found_in(np.matmul, (np.ones((2, 3)), np.ones((2, 3))))
    assert "it raises ValueError: matmul" in str(result)


def test_a_function_that_raises_beside_the_sample_is_told():
    def narrow(x: Any) -> Any:
        if np.any(np.real(x) > 0.5):
            raise ValueError("beyond 0.5")
        return x * x

    result = found_in(row(narrow, x=lambda g, x: 2 * g * x), np.array([0.2, 0.5]))
    assert "beside the sample it raises ValueError" in str(result)
    assert mg.check_rule(row(narrow, x=lambda g, x: 2 * g * x), np.array([0.2, 0.3]))
