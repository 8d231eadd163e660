"""Edges of the further ufuncs, of running sums and of the functions that skip nan; methods of ufuncs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any
from warnings import catch_warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.derivatives.further.ufuncs import i0_derivative, sinc_derivative
from minigrad.table import table

nan, inf = np.nan, np.inf


def leaf(x: Any, dtype: Any = float) -> mg.Tensor:
    return mg.Tensor(np.asarray(x, dtype), requires_grad=True)


def slopes(function: Callable, *values: Any) -> list[Any]:
    """∂(Σ function)/∂value for each value, as lists."""
    leaves = [leaf(x) for x in values]
    y = function(*leaves)
    found = mg.grad(y, leaves, gradient=np.ones(y.shape), allow_unused=True)
    return [g.data.tolist() for g in found]


def hessian(function: Callable, value: Any) -> np.ndarray:
    """The second derivatives of Σ function, row by row."""
    x = leaf(value)
    first = mg.grad(np.sum(function(x)), x, create_graph=True)
    if not first.requires_grad:
        return np.zeros((x.size, x.size))
    rows = [mg.grad(first[k], x, allow_unused=True).data for k in np.ndindex(x.shape)]
    return np.reshape(rows, (x.size, x.size))


# ---- edges of the ufuncs; warnings are errors here, so where a slope is finite nothing is divided by 0


@pytest.mark.parametrize(
    ("function", "values", "wanted"),
    [
        (np.hypot, ([0.0, 3.0], [0.0, 4.0]), [[0, 0.6], [0, 0.8]]),
        (np.hypot, ([3e200, 3e-200], [4e200, 4e-200]), [[0.6, 0.6], [0.8, 0.8]]),
        (np.arctan2, ([0.0, 0.0, 3.0], [0.0, -2.0, 4.0]), [[0, -0.5, 0.16], [0, 0, -0.12]]),
        (np.logaddexp, ([-inf, -inf, inf, 0.0], [-inf, 0.0, 0.0, 0.0]), [[0, 0, 1, 0.5], [0, 1, 0, 0.5]]),
        (np.logaddexp2, ([-inf, 1e5, 3.0], [-inf, 0.0, 3.0]), [[0, 1, 0.5], [0, 0, 0.5]]),
        (np.fmax, ([nan, 1, nan, 2, 3], [1, nan, nan, 2, 1]), [[0, 1, 0, 0.5, 1], [1, 0, 0, 0.5, 0]]),
        (np.fmin, ([nan, 1, nan, 2, 3], [1, nan, nan, 2, 1]), [[0, 1, 0, 0.5, 0], [1, 0, 0, 0.5, 1]]),
        (np.fabs, ([-2.0, 0.0, 3.0],), [[-1, 0, 1]]),
        (np.copysign, ([0.0, 2.0, -2.0, 2.0], [-1.0, -1.0, -0.0, 0.0]), [[0, -1, 1, 1], [0] * 4]),
        (np.heaviside, ([-1.0, 0.0, 1.0], [0.5] * 3), [[0] * 3, [0, 1, 0]]),
        (np.fmod, ([7.5, -7.5, 7.5], [2.0, 2.0, -2.0]), [[1] * 3, [-3, 3, 3]]),
        (np.nan_to_num, ([nan, inf, -inf, 2.0],), [[0, 0, 0, 1]]),
        (np.float_power, ([0.0, 0.0, 2.0], [0.0, 2.0, 0.0]), [[0, 0, 0], [0, 0, np.log(2)]]),
        (lambda x: np.float_power(x, 0), ([0.0, 1.5],), [[0, 0]]),
        (lambda x: np.modf(x)[0], ([1.5, -inf, -0.25],), [[1, 1, 1]]),
        (lambda x: np.frexp(x)[0], ([10.0, 0.0, -0.3],), [[1 / 16, 1, 2]]),
        (lambda x: np.divmod(x, 2.0)[1], ([7.5, -7.5],), [[1, 1]]),
        (lambda b: np.divmod(7.5, b)[1], ([2.0, -2.0],), [[-3, 4]]),
        (lambda x: np.diff(x, n=0), ([1.0, 4.0],), [[1, 1]]),
        (np.exp2, ([-1100.0, 0.0],), [[0, np.log(2)]]),
        (np.sinc, ([0.0, 1.0, -2.0],), [[0, -1, -0.5]]),
    ],
)  # fmt: skip
def test_slopes_at_edges(function, values, wanted):
    for got, expected in zip(slopes(function, *values), wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    ("function", "x", "wanted"),
    [
        (np.arcsin, [-1.0, 1.0], [inf, inf]), (np.arccos, [-1.0, 1.0], [-inf, -inf]),
        (np.arccosh, [1.0], [inf]), (np.cbrt, [0.0], [inf]),
    ],
)  # fmt: skip
def test_a_vertical_slope_is_infinite(function, x, wanted):
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert slopes(function, x) == [wanted]


@pytest.mark.parametrize(
    ("function", "x", "wanted"),
    [
        (lambda x: np.hypot(x, 0), 0.0, 0), (lambda x: np.arctan2(x, 0 * x), 0.0, 0), (np.fabs, 0.0, 0),
        (np.sinc, 0.0, -(np.pi**2) / 3), (np.sinc, 1e-9, -(np.pi**2) / 3), (np.i0, 0.0, 0.5),
        (lambda x: np.logaddexp(x, 1.0), 1.0, 0.25), (lambda x: np.logaddexp(x, -inf), -inf, 0),
        (lambda x: np.float_power(x, 2), 0.0, 2), (lambda x: np.float_power(x, 1), 0.0, 0),
        (np.arcsin, 0.0, 0), (lambda x: np.copysign(x, -1), 0.0, 0), (lambda x: np.fmax(x, nan), 2.0, 0),
    ],
)  # fmt: skip
def test_second_order_at_edges(function, x, wanted):
    assert hessian(function, x).item() == pytest.approx(wanted, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("x", [1e-12, 1e-3, 0.4, 1e200])
def test_inverse_functions_lose_no_digits(x):
    """Near 1 and far out: against forms in which nothing cancels or overflows there."""
    near, far = 1 - x if x < 0.5 else 0.0, x
    assert slopes(np.arctanh, near)[0] == pytest.approx(1 / ((1 - near) * (1 + near)), rel=1e-14)
    assert slopes(np.arcsin, near)[0] == pytest.approx(1 / np.sqrt((1 - near) * (1 + near)), rel=1e-14)
    assert slopes(np.arcsinh, far)[0] == pytest.approx(1 / np.hypot(1, far), rel=1e-13)
    above = 1 + x
    assert slopes(np.arccosh, above)[0] == pytest.approx(
        1 / np.sqrt(above - 1) / np.sqrt(above + 1), rel=1e-12
    )


def test_sinc_and_its_derivatives_are_exact_near_0():
    """Its Taylor series is Σ (-1)ʲ (πx)²ʲ / (2j+1)!, so the 2j-th derivative at 0 is (-1)ʲ π²ʲ / (2j+1)."""
    for n in range(9):
        wanted = 0 if n % 2 else (-1) ** (n // 2) * np.pi**n / (n + 1)
        assert sinc_derivative(np.array(0.0), n=n) == pytest.approx(wanted, rel=1e-14)
    x = np.linspace(-9, 9, 55)
    for n in range(1, 7):  # u s⁽ⁿ⁾ + n s⁽ⁿ⁻¹⁾ = sin⁽ⁿ⁾ u, which the series did not use
        u, s, before = np.pi * x, sinc_derivative(x, n=n), np.pi * sinc_derivative(x, n=n - 1)
        np.testing.assert_allclose(
            u * s + n * before, np.pi**n * np.sin(u + n * np.pi / 2), atol=2e-13 * np.pi**n
        )
    t = leaf(0.0)
    y = np.sinc(t)
    for wanted in (0, -(np.pi**2) / 3, 0, np.pi**4 / 5):
        y = mg.grad(y, t, create_graph=True)
        assert y.item() == pytest.approx(wanted, rel=1e-14)


def test_derivatives_of_i0_satisfy_bessels_equation():
    x = np.array([-650.0, -20.0, -1.0, 1e-6, 0.3, 4.0, 100.0, 700.0])
    first, second, third = (i0_derivative(x, n=n) for n in (1, 2, 3))
    np.testing.assert_allclose(i0_derivative(x, n=0), np.i0(x), rtol=1e-13)
    np.testing.assert_allclose(second + first / x, np.i0(x), rtol=1e-13)  # I₀″ + I₀′/x = I₀
    np.testing.assert_allclose(third + second / x - first / x**2, first, rtol=1e-12, atol=1e-9)


holomorphic = (
    np.exp2, np.arcsin, np.arccos, np.arcsinh, np.arccosh, np.arctanh, np.reciprocal, np.sinc,
    np.cumsum, np.cumprod,
)  # fmt: skip


@pytest.mark.parametrize("function", holomorphic, ids=lambda f: f.__name__)
def test_rules_hold_for_complex_numbers(function):
    """g f′(z), without a conjugate, in each quadrant, against differences along both axes."""
    z = np.array([0.4 + 0.7j, -1.3 + 0.2j, -0.6 - 0.9j, 1.8 - 0.5j])
    g, h = np.array([1.1 + 0.3j, -0.7j, 0.9, 0.4 - 1.2j]), 1e-5
    row = table[function]
    rule = row.rules[0](g, function(z), (z,), row.parameters)
    for direction in (1, 1j):
        change = [(function(z + h * e) - function(z - h * e)) / (2 * h) for e in direction * np.eye(4)]
        np.testing.assert_allclose(rule * direction, [np.sum(g * dz) for dz in change], rtol=1e-8)


def test_float_power_computes_in_double_precision():
    x = leaf([2.0, 3.0], np.float32)
    y = np.float_power(x, 2)
    assert y.dtype == np.float64
    assert mg.grad(np.sum(y), x).dtype == np.float32
    np.testing.assert_array_equal(np.float_power(mg.Tensor([2, 4]), -1).data, [0.5, 0.25])


def test_unwrap_and_its_likes_pass_the_gradient_on():
    assert slopes(lambda x: np.unwrap(x) ** 2, [0.0, 6.0])[0] == pytest.approx([0, 2 * (6 - 2 * np.pi)])
    assert slopes(lambda x: np.nextafter(x, inf), [1.0]) == [[1]]
    assert slopes(lambda x: np.ldexp(x, 3), [1.0]) == [[8]]
    for function in (np.around, np.fix, np.signbit, np.spacing):
        assert not function(leaf([1.5])).requires_grad


# ---- running sums and products


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 1, 2), (0, 1, 2, 3, 4)])
def test_cumprod_with_zeros_to_second_order(zeros):
    x = np.array([2.0, -3.0, 0.5, 7.0, 1.5])
    x[list(zeros)] = 0
    n, w = len(x), np.array([0.7, -1.3, 0.4, 1.1, -0.6])

    def without(*places: int) -> float:
        """Σₖ wₖ times the factors up to k but these, which must be among them."""
        if len(set(places)) < len(places):
            return 0.0
        kept = [np.prod([x[i] for i in range(k + 1) if i not in places]) for k in range(max(places), n)]
        return float(np.sum(w[max(places) :] * kept))

    def function(x: Any) -> Any:
        return np.sum(w * np.cumprod(x))

    np.testing.assert_allclose(slopes(function, x)[0], [without(i) for i in range(n)], rtol=1e-14)
    wanted = [[without(i, j) for j in range(n)] for i in range(n)]
    np.testing.assert_allclose(hessian(function, x), wanted, rtol=1e-13, atol=1e-14)


def test_what_running_functions_refuse():
    x = leaf(np.ones((2, 3)))
    with pytest.raises(TypeError, match="would lose the gradient"):
        np.cumsum(x, out=np.zeros(6))
    for call in (
        np.diff,
        np.gradient,
        np.trapezoid,
        np.cumsum,
        np.nanmedian,
        np.add.reduce,
        np.maximum.accumulate,
    ):
        with pytest.raises(np.exceptions.AxisError, match="axis 5 is out of bounds"):
            call(x, axis=5)
    with pytest.raises(ValueError, match=r"np\.diff: n=-1"):
        np.diff(x, n=-1)
    with pytest.raises(ValueError, match=r"np\.gradient: edge_order=3; it must be 1 or 2"):
        np.gradient(x, edge_order=3)
    with pytest.raises(ValueError, match=r"np\.gradient: 2 elements along axis 0, .* edge_order=2"):
        np.gradient(x, axis=0, edge_order=2)
    with pytest.raises(ValueError, match=r"a spacing of shape \(4,\)"):
        np.gradient(x, np.arange(4), axis=0)
    with pytest.raises(TypeError, match=r"np\.gradient: 3 spacings for 2 axes"):
        np.gradient(x, 1, 2, 3)


# ---- lines through points


def test_interp_at_the_points_and_beyond():
    """At a point the slope to its right, at the last one that to its left; beyond the ends none."""
    x = [-1.0, 0.0, 0.5, 1.0, 3.0, 4.0]
    slope, to_points = slopes(lambda x, fp: np.interp(x, [0.0, 1.0, 3.0], fp), x, [2.0, 4.0, 0.0])
    assert slope == [0, 2, 2, -2, -2, 0]
    assert to_points == [2.5, 1.5, 2]  # -1 and 0 and half of 0.5; half of 0.5 and 1; 3 and 4
    assert slopes(lambda left: np.interp(mg.Tensor([-1.0, 0.5]), [0.0, 1.0], [2.0, 3.0], left), 5.0) == [1]


def test_interp_of_moved_points():
    """The slope in xpᵢ, to second order too: y = f₀ + (x - p)(f₁ - f₀)/(q - p), a period apart as well."""
    x, (f0, f1), q = 0.3, (2.0, -1.0), 1.0
    for period in (None, 5.0):
        p = leaf(-0.5)
        y = np.interp(x, np.stack([p, mg.Tensor(q)]), [f0, f1], period=period)
        first = mg.grad(y, p, create_graph=True)
        assert first.item() == pytest.approx((f1 - f0) * (x - q) / (q + 0.5) ** 2)
        assert mg.grad(first, p).item() == pytest.approx(2 * (f1 - f0) * (x - q) / (q + 0.5) ** 3)


def test_what_interp_refuses():
    x = leaf([0.5])
    for xp, fp in (([0.0, 1.0], [1.0]), ([[0.0, 1.0]], [[1.0, 2.0]]), ([], [])):
        with pytest.raises(
            ValueError, match=r"np\.interp: xp \(.*\) and fp \(.*\) must be one axis of points"
        ):
            np.interp(x, xp, fp)
    compiled = mg.compile(lambda xp: np.interp(0.3, xp, [1.0, 2.0], period=3.0))
    with pytest.raises(RuntimeError, match=r"np\.argsort"):
        compiled(np.array([0.0, 1.0]))


# ---- functions that skip nan


@pytest.mark.parametrize(
    ("function", "of_all"),
    [
        (np.nansum, np.sum), (np.nanmean, np.mean), (np.nanvar, np.var), (np.nanstd, np.std),
        (np.nanmax, np.max), (np.nanmin, np.min), (np.nanprod, np.prod), (np.nancumsum, np.cumsum),
        (np.nancumprod, np.cumprod),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nan_gets_no_gradient_and_the_others_what_they_get_alone(function, of_all, dtype):
    x = np.array([nan, 0.7, -1.2, nan, 2.1, 0.4], dtype)
    there = ~np.isnan(x)
    whole, alone = leaf(x, dtype), leaf(x[there], dtype)
    y, z = function(whole), of_all(alone)
    np.testing.assert_array_equal(y.data, function(x), strict=True)
    got, wanted = mg.grad(np.sum(y), whole).data, mg.grad(np.sum(z), alone).data
    assert not got[~there].any()
    if function in (np.nancumsum, np.nancumprod):  # which repeat what is before a nan
        return
    np.testing.assert_allclose(got[there], wanted, rtol=1e-5 if dtype == np.float32 else 1e-14)


def test_running_sums_repeat_what_is_before_a_nan():
    assert slopes(np.nancumsum, [1.0, nan, 2.0]) == [[3, 0, 1]]
    assert slopes(np.nancumprod, [3.0, nan, 2.0]) == [[1 + 1 + 2, 0, 3]]


def test_what_is_left_of_nothing():
    x = leaf([[nan, nan], [1.0, nan]])
    for function in (np.nanmean, np.nanvar, np.nanstd):
        y = function(x, axis=1)
        assert np.isnan(y.data).tolist() == [True, False]
        assert not np.isnan(mg.grad(y[1], x).data).any()
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        y = np.nanmax(x, axis=1)
    assert mg.grad(np.sum(y), x).data.tolist() == [[0, 0], [1, 0]]
    assert slopes(np.nanstd, [2.0, nan, 2.0]) == [[0, 0, 0]]
    assert np.isnan(np.nanstd(x, axis=1, ddof=1).data).all()
    with np.errstate(invalid="ignore"):
        for function in (np.nanvar, np.nanstd):
            assert np.isnan(function(leaf([inf, nan, 1.0])).data)  # as NumPy has it
            assert np.isnan(function(leaf([inf, nan, inf])).data)
    assert slopes(np.nanmax, [-inf, nan, -inf]) == [[0.5, 0, 0.5]]
    assert np.nanargmax(x[1]) == 0
    assert np.nanmax(mg.Tensor([1, 2])).dtype == np.int64


@pytest.mark.parametrize("function", [np.var, np.std, np.nanvar, np.nanstd])
def test_the_variance_of_a_single_element(function):
    x = leaf([[3.0]])
    assert slopes(function, [[3.0]]) == [[[0]]]
    assert not np.any(mg.hessian(function)(x).data)
    with np.errstate(all="ignore"), catch_warnings(action="ignore"):
        y = function(x, ddof=1)
        assert np.isnan(y.data)
        assert np.isnan(mg.grad(y, x).data).all()


@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
@pytest.mark.parametrize("method", [
    "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf",
    "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased",
    "normal_unbiased",
])  # fmt: skip
def test_quantiles_of_what_is_no_nan(axis, method):
    x = np.array([[0.7, nan, 1.5, -0.3], [nan, nan, 0.2, 2.1], [1.1, nan, -0.8, 0.4]])[..., None]
    q = np.array([0.0, 0.4, 0.9])
    t = leaf(x)
    y = np.nanquantile(t, q, axis=axis, method=method)
    with pytest.warns(RuntimeWarning, match="All-NaN") if axis == 0 else nullcontext():
        wanted = np.nanquantile(x, q, axis=axis, method=method)
    np.testing.assert_allclose(y.data, wanted, rtol=1e-14, atol=1e-15)
    g = mg.grad(y, t, gradient=np.ones(y.shape)).data
    assert not g[np.isnan(x)].any()
    assert g.sum() == pytest.approx(9 if axis == 0 else 3)  # the weights of each quantile add up to 1


def test_medians_and_percentiles():
    assert slopes(np.nanmedian, [3.0, nan, 1.0, 2.0]) == [[0, 0, 0, 1]]
    assert slopes(np.nanmedian, [3.0, inf, 1.0, 2.0]) == [[0.5, 0, 0, 0.5]]
    assert slopes(lambda x: np.nanpercentile(x, 25), [1.0, 2.0, nan, 4.0]) == [[0.5, 0.5, 0, 0]]
    assert slopes(np.nanmedian, [1.0, 1.0, 1.0]) == [[0, 1, 0]]  # ties are not shared
    x = leaf([1, 2, 4], np.float32)
    assert np.nanmedian(x).dtype == np.float32
    assert np.nanquantile(x, 0.3).data == np.nanquantile(x.data, 0.3)
    for method in ("lower", "higher", "nearest"):  # in single precision, too, 10 * 0.1 is 1
        ten = leaf(range(11), np.float32)
        assert np.nanquantile(ten, 0.1, method=method).data == 1
        assert np.nanquantile(ten, [0.1], method=method).dtype == np.float32
    assert np.nanquantile(leaf([1, 2, 3, 4, 5]), 0.9, method="closest_observation").data == 4
    with pytest.raises(ValueError, match=r"nanquantile: .* method='middle' must be one of linear, lower"):
        np.nanquantile(x, 0.3, method="middle")


# ---- methods of ufuncs


def test_reductions_of_any_function_with_a_row():
    x = np.array([[0.9, -0.4, 1.7], [0.3, 1.1, -0.8]])
    for ufunc in (
        np.add,
        np.multiply,
        np.maximum,
        np.minimum,
        np.fmax,
        np.fmin,
        np.logaddexp,
        np.logaddexp2,
        np.hypot,
    ):
        for axis in (0, -1, (0, 1), None):
            y = ufunc.reduce(leaf(x), axis=axis, keepdims=True)
            np.testing.assert_allclose(y.data, ufunc.reduce(x, axis=axis, keepdims=True), rtol=1e-14)
            assert y.requires_grad
    a, b, c = columns = np.abs(x).T
    for ufunc in (np.subtract, np.divide, np.power, np.fmod, np.arctan2):
        wanted = [a, ufunc(a, b), ufunc(ufunc(a, b), c)]
        np.testing.assert_allclose(ufunc.reduce(leaf(columns.T), 1).data, wanted[-1], rtol=1e-15)
        np.testing.assert_allclose(ufunc.accumulate(leaf(columns)).data, wanted, rtol=1e-15)
    assert slopes(np.maximum.accumulate, [1.0, 3.0, 2.0, 4.0]) == [[1, 2, 0, 1]]
    assert slopes(lambda x: np.logaddexp.reduce(x), [-inf, 0.0, -inf]) == [[0, 1, 0]]
    assert slopes(lambda x: np.add.reduceat(x**2, [0, 2, 1]), [1.0, 2.0, 3.0, 4.0]) == [[2, 8, 12, 8]]


def test_outer_of_any_function_of_two_arrays():
    a, b = np.array([[0.9, -0.4]]), np.array([0.3, 1.1, -0.8])
    for ufunc in (np.add, np.multiply, np.maximum, np.hypot, np.arctan2, np.logaddexp):
        np.testing.assert_array_equal(ufunc.outer(leaf(a), b).data, ufunc.outer(a, b))
        np.testing.assert_array_equal(ufunc.outer(a, leaf(b)).data, ufunc.outer(a, b))
    for got, wanted in zip(slopes(np.multiply.outer, a, b), ([[0.6, 0.6]], [0.5] * 3), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-14)


def test_a_ufunc_with_a_row_of_ones_own_has_its_methods():
    special = pytest.importorskip("scipy.special")
    before = dict(table)
    try:
        mg.derivative(special.xlogy, a=lambda g, a, b: g * np.log(b), b=lambda g, a, b: g * a / b)
        (slope,) = slopes(lambda b: special.xlogy.outer(np.array([1.0, 3.0]), b), [2.0, 4.0])
        assert slope == [2, 1]
    finally:
        table.clear()
        table.update(before)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: np.add.reduce(x, out=np.zeros(())), r"np\.add\.reduce with out= would lose"),
        (lambda x: np.subtract.reduce(x, where=[True, False], initial=1), r"np\.subtract\.reduce with"),
        (lambda x: np.add.accumulate(x, out=np.zeros(2)), r"np\.add\.accumulate with out= would lose"),
        (lambda x: np.multiply.outer(x, x, out=np.zeros((2, 2))), r"np\.multiply of .* out= would lose"),
        (lambda x: np.add.at(x, [0], 1.0), r"np\.add\.at has no derivative here"),
        (lambda x: np.add.at(np.zeros(2), [0, 1], x), r"np\.add\.at has no derivative here"),
        (lambda x: np.gcd.outer(x, x), r"np\.gcd\.outer has no derivative here"),
        (lambda x: np.greater.accumulate(x), r"np\.greater\.accumulate has no derivative here"),
        (lambda x: np.float_power(x, 2, out=x.data.copy()), r"np\.float_power with out= would lose"),
        (lambda x: np.exp2(x, where=[True, False]), r"np\.exp2 of a Tensor takes a; where= would lose"),
    ],
)  # fmt: skip
def test_what_would_lose_a_gradient_is_refused(call, said):
    x = leaf([1.0, 2.0])
    with pytest.raises(TypeError, match=said):
        call(x)
    assert x.data.tolist() == [1, 2]


def test_methods_without_a_gradient_give_what_numpy_gives():
    x = mg.Tensor([1.0, 2.0, 3.0])
    assert np.add.reduce(x, initial=2.0) == 8
    assert np.greater.outer(x, 2.0).tolist() == [False, False, True]
    with pytest.raises(IndexError, match=r"np\.add\.reduceat: the indices \[0, 3\] must be .* from 0 to 2"):
        np.add.reduceat(x, [0, 3])


def test_methods_are_replayed():
    compiled = mg.compile(
        lambda x: np.logaddexp.reduce(np.maximum.accumulate(x)) + np.multiply.outer(x, x)[0, 1]
    )
    for x in ([0.3, -1.0, 2.0], [1.5, 0.2, 0.1], [-1.0, 2.0, 0.4]):
        x = np.array(x)
        wanted = np.logaddexp.reduce(np.maximum.accumulate(x)) + x[0] * x[1]
        np.testing.assert_allclose(compiled(x).item(), wanted, rtol=1e-14)
