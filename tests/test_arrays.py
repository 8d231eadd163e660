"""Rearranging, joining, picking, ordering: ties and nan, mixed inputs, whole numbers, refusals, replays."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cases import cases, outputs, shaped_by_values
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import NumpyVersion

import minigrad as mg
from minigrad.table import compositions
from minigrad.tensor import Tensor, plain

nan = np.nan


def leaf(values, name="x"):
    return mg.Tensor(np.asarray(values, dtype=float), requires_grad=True, name=name)


def slope(function, values, g=None):
    """The gradient of Σ g y as a list; of Σ y if there is no g."""
    x = leaf(values)
    y = function(x)
    return mg.grad(y, x, gradient=np.ones(y.shape) if g is None else np.asarray(g, dtype=float)).tolist()


# ---- ties, nan, single elements


def test_equal_elements_keep_their_order_when_they_are_sorted():
    assert slope(np.sort, [2, 1, 2, 1], [1, 2, 3, 4]) == [3, 1, 4, 2]
    assert slope(lambda x: np.sort(x, axis=None), [[1, 0], [1, 0]], [1, 2, 3, 4]) == [[3, 1], [4, 2]]
    assert slope(lambda x: np.sort(x, axis=0), np.zeros((3, 2)), [[1, 2], [3, 4], [5, 6]]) == [
        [1, 2],
        [3, 4],
        [5, 6],
    ]
    assert sorted(slope(lambda x: np.partition(x, 1), [2, 1, 2, 1], [1, 2, 3, 4])[1::2]) == [1, 2]


def test_nan_is_the_largest():
    assert slope(np.sort, [2, nan, 1, nan], [1, 2, 3, 4]) == [2, 3, 1, 4]
    y = np.median(leaf([nan, 3, 1]))
    assert np.isnan(y.item())  # as NumPy says
    assert slope(np.median, [nan, 3, 1]) == [0, 1, 0]
    assert slope(lambda x: np.quantile(x, 0.25), [nan, 3, 1]) == [0, 0.5, 0.5]


def test_single_and_no_elements():
    assert slope(np.sort, [5]) == [1]
    assert slope(np.sort, []) == []
    assert slope(np.median, 5) == 1
    assert slope(lambda x: np.quantile(x, [0.2, 0.5], axis=1), np.zeros((0, 3))) == []
    with pytest.warns(RuntimeWarning):  # NumPy's, of the mean of no numbers
        assert slope(np.median, []) == []
    assert slope(np.median, [5]) == [1]
    assert slope(lambda x: np.quantile(x, [0, 0.3, 1]), [5]) == [3]
    assert slope(np.ptp, [5]) == [0]
    assert slope(lambda x: np.average(x, weights=[3]), [5]) == [1]


def test_quantiles_share_their_gradient_between_two_and_not_among_equals():
    assert slope(np.median, [3, 1, 2, 1]) == [0, 0, 0.5, 0.5]
    assert slope(np.median, [7, 7, 7]) == [0, 1, 0]
    assert slope(lambda x: np.quantile(x, 0.1), [2, 2, 2], 10) == pytest.approx([8, 2, 0])
    assert slope(lambda x: np.percentile(x, 50, method="lower"), [4, 1, 2, 3]) == [0, 0, 1, 0]
    assert slope(lambda x: np.quantile(x, [0.0, 1.0]), [3, 1, 2], [1, 2]) == [2, 1, 0]


def test_the_extremes_of_a_range_are_shared_by_equals():
    assert slope(np.ptp, [1, 1, 3, 3]) == [-0.5, -0.5, 0.5, 0.5]


def test_gathering_by_argsort_is_sorting():
    x = [3.0, 1.0, 2.0, 1.0]
    g = [1, 2, 3, 4]
    by_hand = slope(lambda x: x[np.argsort(x, kind="stable")], x, g)
    assert by_hand == slope(np.sort, x, g)
    X = np.random.default_rng(0).permuted(np.arange(12.0)).reshape(3, 4)
    g = np.arange(12.0).reshape(3, 4)
    along = slope(lambda X: np.take_along_axis(X, np.argsort(X, axis=0), 0), X, g)
    assert along == slope(lambda X: np.sort(X, axis=0), X, g)


def test_the_first_of_equal_elements_stands_for_them_in_unique():
    assert slope(np.unique, [2, 1, 2, 1], [1, 2]) == [2, 1, 0, 0]
    x = leaf([[1, 0], [1, 0], [0, 5]])
    for options in ({"return_index": True}, {"return_inverse": True, "return_counts": True}, {"axis": 0}):
        found, wanted = outputs(np.unique(x, **options)), outputs(np.unique(x.data, **options))
        assert isinstance(found[0], Tensor)
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(plain(ours), theirs)


@pytest.mark.parametrize("x", [[0, 0, 1, 0, 2, 0], [1, 2], [0, 0], [], [0, 3]])
@pytest.mark.parametrize("trim", ["fb", "f", "b", "B"])
def test_zeros_at_the_ends_are_trimmed_and_get_no_gradient(x, trim):
    y = np.trim_zeros(leaf(x), trim)
    assert y.tolist() == np.trim_zeros(np.array(x, dtype=float), trim).tolist()
    if trim == "fb" and len(x) == 6:
        assert slope(np.trim_zeros, x, [1, 2, 3]) == [0, 0, 1, 2, 3, 0]


@pytest.mark.skipif(NumpyVersion(np.__version__) < "2.2.0", reason="np.trim_zeros was for vectors alone")
def test_zeros_are_trimmed_along_several_axes():
    x = np.zeros((4, 5))
    x[1, 2], x[2, 3] = 1, 2
    assert np.trim_zeros(leaf(x)).tolist() == [[1, 0], [0, 2]]
    assert np.trim_zeros(leaf(x), axis=1).shape == (4, 2)


# ---- averages and covariances


def test_average_gives_the_sum_of_the_weights_too():
    x, w = leaf([[1, 2], [3, 5]]), leaf([1, 3], "w")
    y, total = np.average(x, 1, w, returned=True)
    assert (y.tolist(), total.tolist()) == ([1.75, 4.5], [4, 4])
    assert mg.grad(np.sum(total), w).tolist() == [2, 2]
    y, count = np.average(x, 0, returned=True)
    assert (y.tolist(), count.tolist()) == ([2, 3.5], [2, 2])


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"weights": [1, -1]}, ZeroDivisionError, "np.average: the weights add up to 0"),
        ({"weights": [1, 2, 3]}, TypeError, r"np.average: weights of shape \(3,\) for \(2,\) need an axis"),
        (
            {"weights": [1, 2, 3], "axis": 0},
            ValueError,
            r'average: "x" \(2,\) with .*weights of shape \(3,\)',
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(options, error, said):
    with pytest.raises(error, match=said):
        np.average(leaf([1, 2]), **options)


def test_the_weights_of_an_average_may_change_between_replays():
    compiled = mg.compile(lambda x, w: np.average(x, 0, w))
    x = np.array([1.0, 2.0, 4.0])
    for w in ([1.0, 1, 1], [1.0, 2, 1], [0.0, 0, 3]):
        assert compiled(x, np.array(w)).item() == pytest.approx(np.average(x, weights=w), rel=1e-15)
    assert compiled.stats()["recordings"] == 1


def test_covariances_of_float32_are_in_double_precision_as_numpys_are():
    x = mg.Tensor(np.ones((2, 3), np.float32) * [1, 2, 4], requires_grad=True, dtype=np.float32)
    y = np.cov(x)
    assert y.dtype == np.float64
    assert mg.grad(np.sum(y), x).dtype == np.float32


def test_a_covariance_of_too_few_warns_as_numpys_does():
    with pytest.warns(RuntimeWarning, match="divide by zero"), np.errstate(invalid="ignore"):
        assert np.isnan(np.cov(leaf([1.0])).item())
    with pytest.raises(ValueError, match="aweights cannot be negative"):
        np.cov(leaf([1.0, 2.0]), aweights=[-1.0, 2.0])


def test_a_variable_is_correlated_with_itself_whatever_its_values_are():
    assert np.corrcoef(leaf([1, 2, 5])).item() == 1
    assert slope(np.corrcoef, [1, 2, 5]) == pytest.approx([0, 0, 0], abs=1e-15)


# ---- mixed inputs: numbers, lists and arrays beside Tensors


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.atleast_2d(x, 1.5, [1, 2]),
        lambda x: np.broadcast_arrays(x, 1.5, np.ones((2, 1))),
        lambda x: np.meshgrid([1, 2], x, 3.0),
        lambda x: np.hstack([1.0, x, [2, 3]]),
        lambda x: np.vstack([[1, 2, 3], x]),
        lambda x: np.vstack(np.reshape(x, (3, 1))),
        lambda x: np.dstack([np.ones((1, 3)), x]),
        lambda x: np.column_stack([x, [1, 2, 3]]),
        lambda x: np.block([[x, 1.0], [np.zeros((2, 4))]]),
        lambda x: np.append(x, 4),
        lambda x: np.meshgrid(x, [1, 2], copy=False)[0],
        lambda x: np.compress([True, False], x[:2]),
        lambda x: np.compress(x > 0.7, [[1, 2, 3]], axis=1),
        lambda x: np.delete([[1, 2, 3]], (x > 0.7).astype(int), axis=1),
        lambda x: np.tile([1, 2], (x > 0.7).astype(int)),
        lambda x: np.append(7.0, x),
        lambda x: np.insert([1.0, 2.0], 1, x),
        lambda x: np.insert(np.array([1, 2]), 1, x),
        lambda x: np.insert(x, 1, 3),
        lambda x: np.choose([0, 1, 1], [x, [4.0, 5, 6]]),
        lambda x: np.choose([0, 0, 0], np.stack([x, x])),
        lambda x: np.select([[True, False, True]], [x], 9),
        lambda x: np.select([x > 1, x > 0], [x, x * x], [7, 8, 9]),
        lambda x: np.take([1.0, 2.0], np.where(x > 1.5, 1, 0).astype(int)),
        lambda x: np.average([1, 2, 3], weights=x),
        lambda x: np.cov([1, 2, 4], x),
    ],
)
def test_what_stands_beside_tensors_may_be_numbers_lists_and_arrays(call):
    values = np.array([0.5, 2.0, 1.0])
    x = leaf(values)
    for ours, theirs in zip(outputs(call(x)), outputs(call(values)), strict=True):
        np.testing.assert_allclose(plain(ours), theirs, rtol=1e-15, strict=True)


def file_of(composed):
    """The file of a composition; "" of None."""
    return getattr(getattr(composed, "func", composed), "__module__", "").rpartition(".")[2]


here = {"rearranging", "joining", "diagonals", "padding", "picking", "ordering", "statistics"}
rows = {np.sort, np.partition, np.median, np.quantile, np.percentile}
of_arrays = [
    case
    for case in cases
    if case.arrays and (case.function in rows or file_of(compositions.get(case.function)) in here)
]


def test_whole_numbers_stay_what_they_are_in_numpy():
    """The corpus, with whole numbers and truths in place of floating-point numbers."""
    count = 0
    for case in of_arrays:
        for kind in (np.int64, bool):
            arrays = [np.asarray(10 * x, kind) for x in case.arrays]
            with np.errstate(all="ignore"):
                try:
                    wanted = outputs(case.call(arrays))
                except (TypeError, ValueError, IndexError, ZeroDivisionError):
                    continue  # bool has no minus, for instance
                found = outputs(case.call([mg.Tensor(x) for x in arrays]))
            for ours, theirs in zip(found, wanted, strict=True):
                np.testing.assert_allclose(plain(ours), theirs, rtol=1e-14, atol=1e-15, err_msg=case.name)
                assert ours.dtype == theirs.dtype, case.name
            count += 1
    assert count > 300


def test_without_gradients_nothing_is_recorded():
    with mg.no_grad():
        for case in of_arrays:
            tensors = [mg.Tensor(x, requires_grad=True) for x in case.arrays]
            assert not any(isinstance(y, Tensor) and y.origin for y in outputs(case.call(tensors)))


# ---- linear functions: the gradient is the transpose, ⟨g, f(x)⟩ = ⟨fᵀg, x⟩

widths = st.tuples(st.integers(0, 5), st.integers(0, 5))
linear = {
    "pad": lambda d: (np.pad, (d(widths), d(widths)), d(st.sampled_from(
        ["constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean"]))),
    "roll": lambda d: (np.roll, d(st.integers(-7, 7)), d(st.sampled_from([None, 0, 1, (0, 1), (1, 1)]))),
    "rot90": lambda d: (np.rot90, d(st.integers(-5, 5)), d(st.sampled_from([(0, 1), (1, 0), (-1, 0)]))),
    "tile": lambda d: (np.tile, d(st.lists(st.integers(0, 3), max_size=3))),
    "repeat": lambda d: (np.repeat, d(st.integers(0, 3) | st.tuples(*[st.integers(0, 3)] * 4)), 1),
    "resize": lambda d: (np.resize, d(st.tuples(st.integers(0, 4), st.integers(0, 6)))),
    "delete": lambda d: (np.delete, d(st.integers(-3, 2) | st.lists(st.integers(-3, 2), max_size=4)), 0),
    "insert": lambda d: (np.insert, d(st.integers(-3, 3) | st.lists(st.integers(-3, 3), max_size=4)), 0, 0),
    "take": lambda d: (np.take, d(st.lists(st.integers(-3, 2), min_size=1)), 0),
    "diagonal": lambda d: (np.diagonal, d(st.integers(-4, 5)), d(st.integers(0, 0)), 1),
    "trace": lambda d: (np.trace, d(st.integers(-4, 5))),
    "tril": lambda d: (np.tril, d(st.integers(-4, 5))),
    "triu": lambda d: (np.triu, d(st.integers(-4, 5))),
    "flip": lambda d: (np.flip, d(st.sampled_from([None, 0, 1, (0, -1), ()]))),
    "array_split": lambda d: (np.array_split, d(st.integers(1, 6) | st.lists(st.integers(-5, 5))), 1),
}  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_gradient_of_a_linear_function_is_its_transpose(data):
    function, *args = linear[data.draw(st.sampled_from(sorted(linear)))](data.draw)
    values = np.random.default_rng(0).uniform(0.5, 1.5, (3, 4))
    x = leaf(values)
    for i, (y, wanted) in enumerate(
        zip(outputs(function(x, *args)), outputs(function(values, *args)), strict=True)
    ):
        np.testing.assert_array_equal(y.data, wanted, strict=True)
        g = np.random.default_rng(1 + i).uniform(0.5, 1.5, y.shape)
        pulled = mg.grad(y, x, gradient=g, allow_unused=True)
        np.testing.assert_allclose(np.sum(g * wanted), np.sum(pulled.data * values), rtol=1e-12, atol=1e-14)


# ---- padding


def test_pad_as_numpy_has_it_in_rare_forms():
    x = np.arange(6).reshape(2, 3) + 0.25
    for args, options in (
        (({1: (2, 1)},), {}), (({-1: 2},), {"mode": "edge"}), ((0,), {}),
        ((((1, 2), (3, 4)), "mean"), {"stat_length": ((2, 1), (9, 2))}),
        ((2, "constant"), {"constant_values": (4, 5)}),
    ):  # fmt: skip
        try:
            wanted = np.pad(x, *args, **options)
        except TypeError:
            continue  # a dict, before NumPy 2.2
        np.testing.assert_array_equal(np.pad(leaf(x), *args, **options).data, wanted, strict=True)


# ---- what is refused


X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda x: np.pad(x, 1, "empty"), ValueError, "mode='empty': what it pads with is not known"),
        (lambda x: np.pad(x, 1, lambda *a: None), ValueError, "what it pads with is not known"),
        (lambda x: np.pad(x, -1), ValueError, 'pad: "x" (2, 3) and -1: pad_width=-1 is negative'),
        (lambda x: np.pad(x, 3, "reflect", reflect_type="odd"), ValueError, "reflects once, and 3 is more"),
        (lambda x: np.trim_zeros(x, "left"), ValueError, "trim='left' must be of the letters f"),
        (lambda x: np.tile(x, 1.5), TypeError, "'float' object cannot be interpreted as an integer"),
        (lambda x: np.cov(x, ddof=0.5), ValueError, "ddof=0.5 must be a whole number"),
        (lambda x: np.cov(x[None]), ValueError, "variables of shape (1, 2, 3); wanted one or two axes"),
        (lambda x: np.nanquantile(x, 1.5), ValueError, "q must be from 0 to 1"),
        (lambda x: np.nanpercentile(x, [50, -1]), ValueError, "nanpercentile: \"x\" (2, 3) and"),
        (lambda x: np.flip(x, 2), ValueError, 'flip: "x" (2, 3) and 2: axis 2 is out of bounds'),
        (lambda x: np.rot90(x, axes=(1, 1)), ValueError, 'rot90: "x" (2, 3) with axes=(1, 1): repeated'),
        (lambda x: np.roll(x, 1, 5), ValueError, 'roll: "x" (2, 3) and 1 and 5: axis 5 is out of bounds'),
        (lambda x: np.delete(x, 7, 0), IndexError, 'delete: "x" (2, 3) and 7 and 0: index 7 is out'),
        (lambda x: np.insert(x, 1, [1, 2], 0), ValueError, 'insert: "x" (2, 3) and 1'),
        (lambda x: np.vsplit(x[0], 3), ValueError, "it takes an array of 2 or more axes"),
        (lambda x: np.dsplit(x, 3), ValueError, 'dsplit: "x" (2, 3) and 3: it takes an array of 3'),
        (lambda x: np.hsplit(x, 2), ValueError, "array split does not result in an equal division"),
        (lambda x: np.block([[x], x]), ValueError, 'block: [["x" (2, 3)], "x" (2, 3)]: the lists are'),
        (lambda x: np.block([x, []]), ValueError, "a list is empty"),
        (lambda x: np.meshgrid(x[0], indexing="yx"), ValueError, "indexing='yx' must be 'xy'"),
        (lambda x: np.select([x > 1], [x, x]), ValueError, "1 conditions for 2 choices"),
        (lambda x: np.choose([2, 0], [x[:, 0], x[:, 1]]), ValueError, "choose: [2, 0] and [a Tensor of"),
        (lambda x: np.take(x, [9], 1), IndexError, 'take: "x" (2, 3) and [9] and 1'),
        (lambda x: np.take(x, 0, mode="round"), ValueError, "mode='round' must be 'raise', 'wrap' or 'clip'"),
        (lambda x: np.take(x, 0.5), TypeError, "Cannot cast"),
        (lambda x: np.take(x, x), TypeError, '"x" (2, 3) as a parameter or index would lose its gradient'),
        (lambda x: np.compress([[True]], x), ValueError, "the condition has 2 axes; it takes one"),
        (lambda x: np.quantile(x, x[0, 0]), TypeError, "np.quantile: a Tensor of shape () as a parameter or"),
        (lambda x: np.repeat(x, x[0, 0]), TypeError, 'repeat: "x" (2, 3) and a Tensor of shape (): a Tensor'),
        (lambda x: np.pad(x, 1, constant_values=x[0, 0]), TypeError, 'pad: "x" (2, 3) and 1 with constant_'),
        (lambda x: np.nan_to_num(x, nan=x[0, 0]), TypeError, "index would lose its gradient: detach() it"),
        (lambda x: np.quantile(x, 0.5, weights=X), TypeError, "weights= would lose the gradient"),
        (lambda x: np.median(x, out=np.zeros(())), TypeError, "out= would lose the gradient"),
        (lambda x: np.histogram(x), TypeError, "np.histogram has no derivative here"),
        (lambda x: np.sort_complex(x), TypeError, "np.sort_complex has no derivative here"),
        (lambda x: np.put_along_axis(x, np.array([[0]]), 1.0, 0), TypeError, "np.put_along_axis has no"),
        (lambda x: np.put(x, [0], 1.0), TypeError, "np.put has no derivative here"),
        (lambda x: np.fill_diagonal(x, 0), TypeError, "np.fill_diagonal has no derivative here"),
        (lambda x: np.piecewise(x, [x > 1], [0, 1, 2]), ValueError, "3 functions for 1 conditions"),
    ],
)  # fmt: skip
def test_refusals_say_what_is_wrong_and_change_nothing(call, error, said):
    x = leaf(X)
    with pytest.raises(error, match=re.escape(said)):
        call(x)
    assert x.grad is None
    np.testing.assert_array_equal(x.data, X)


def test_the_functions_of_a_piecewise_one_see_their_own_elements_alone():
    x = [-1.0, 0.0, 4.0]
    assert slope(lambda x: np.piecewise(x, [x > 0], [np.sqrt, 7]), x) == [0, 0, 0.25]
    assert slope(lambda x: np.piecewise(x, [x < 1, x < 0], [np.exp, np.negative, lambda x: x * x]), x) == [
        -1,
        1,
        8,
    ]
    y = np.piecewise(leaf(x), [[True, False, False]], [lambda x, k: k * x], 3)
    assert y.tolist() == [-3, 0, 0]


def test_answers_are_numpys_and_plain():
    x = leaf([3, 1, 2])
    assert np.where(x > 1)[0].tolist() == np.nonzero(x > 1)[0].tolist() == [0, 2]
    assert np.argwhere(x > 1).tolist() == [[0], [2]]
    assert np.flatnonzero(x > 1).tolist() == [0, 2]
    assert np.argpartition(x, 0)[0] == 1
    assert np.searchsorted(x[1:], 1.5) == 1
    assert np.digitize(x, [1.5, 2.5]).tolist() == [2, 0, 1]
    assert np.isin(x, [1, 2]).tolist() == [False, True, True]
    assert np.unravel_index(mg.Tensor([3]), (2, 2))[0].tolist() == [1]


# ---- methods


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.repeat(2, axis=1),
        lambda x: x.take([2, 0], axis=1),
        lambda x: x.diagonal(1),
        lambda x: x.trace(),
        lambda x: x.searchsorted(0.5) if x.ndim == 1 else x.flatten(),
        lambda x: x.argpartition(1, axis=1)[:, :1],
        lambda x: x.nonzero()[0],
        lambda x: x.astype(bool).copy(),
        lambda x: (x > 1).astype(int).choose([1.0, x]),
    ],
)
def test_methods_are_those_of_arrays(call):
    np.testing.assert_array_equal(plain(call(leaf(X))), call(X), strict=True)


# ---- compiled: what depends on values is computed anew, or refused


def test_an_order_is_found_anew_in_each_replay():
    def function(x, i):
        y = np.sum(np.sort(x) * [1, 2, 3, 4]) + 10 * np.median(x) + np.sum(np.take_along_axis(x, i, 0))
        y = y + np.sum(np.partition(x, 1)[:1]) + 3 * np.quantile(x, 0.4)
        return y, mg.grad(y, x)

    compiled = mg.compile(function)
    rng = np.random.default_rng(0)
    for _ in range(4):
        x, i = mg.Tensor(rng.permutation(4) + 0.5, requires_grad=True), rng.integers(0, 4, 2)
        for got, wanted in zip(compiled(x, i), function(x, i), strict=True):
            np.testing.assert_allclose(got.data, wanted.data, rtol=1e-14)
    assert compiled.stats()["recordings"] == 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x: x[np.argsort(x)], "np.argsort of a Tensor is not recorded"),
        (lambda x: np.take(x, x.astype(int)), "is an index or a parameter"),
        (lambda x: np.piecewise(x, [x > 1], [np.sin, np.cos]), "is an index or a parameter"),
        (lambda x: x[np.where(x > 1)], "np.nonzero of a Tensor is not recorded"),
        (lambda x: np.compress(x > 1, x), "np.flatnonzero of a Tensor is not recorded"),
        (lambda x: np.choose((x > 1).astype(int), [x, x]), "is an index or a parameter"),
        (lambda x: np.quantile(x, x[0] / 9), "is an index or a parameter"),
        (np.unique, "np.unique of a Tensor is not recorded"),
        (np.trim_zeros, "np.argwhere of a Tensor is not recorded"),
    ],
)
def test_what_depends_on_values_is_not_replayed(function, said):
    with pytest.raises(RuntimeError, match=said):
        mg.compile(function)(np.array([2.0, 1.0, 3.0]))


def test_the_corpus_knows_what_cannot_be_compiled():
    assert shaped_by_values == {np.unique, np.trim_zeros}
