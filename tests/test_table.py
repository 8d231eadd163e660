"""Every row of the table against every property: values, first and second order, dtypes, frozen inputs.

The two oracles here are a few lines of NumPy that share nothing with minigrad.check, so that neither hides a
mistake of the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import (
    Case,
    analytic_cases,
    cases,
    cases_of,
    composed,
    not_holomorphic,
    outputs,
    rounded_otherwise,
    rows,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import functions
from minigrad.table import name_of, table
from minigrad.tensor import Tensor, made, record

# ---- the oracles


def follows_the_complex_step(case: Case) -> bool:
    return case.function not in not_holomorphic and not case.is_complex


def generic(like: Any, seed: int) -> list[np.ndarray]:
    """For each array one of its shape: numbers of both signs, none small, no two alike."""
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.uniform(0.5, 1.5, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))) for x in like
    ]


def by_differences(f: Callable, arrays: list[np.ndarray], h: float = 2e-4) -> list[np.ndarray]:
    """The gradient of Σ f(*arrays), f a list of arrays, by central differences of fourth order."""

    def change(i: int, k: Any, h: float) -> float:
        def moved(step: float) -> list[np.ndarray]:
            shifted = [np.array(x) for x in arrays]
            shifted[i][k] += step
            return f(*shifted)

        return sum(float(np.sum(up - down)) for up, down in zip(moved(h), moved(-h), strict=True))

    def slope(i: int, k: Any) -> float:
        return (8 * change(i, k, h) - change(i, k, 2 * h)) / (12 * h)

    return _entrywise(slope, arrays)


def by_complex_step(f: Callable, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The gradient of Σ f(*arrays) as  Im f(x + ih) / h,  which subtracts nothing and so does not round."""
    h = 1e-30

    def slope(i: int, k: Any) -> float:
        shifted = [np.array(x, dtype=complex if j == i else None) for j, x in enumerate(arrays)]
        shifted[i][k] += 1j * h
        return sum(float(np.sum(np.imag(y))) for y in f(*shifted)) / h

    return _entrywise(slope, arrays)


def _entrywise(slope: Callable, arrays: list[np.ndarray]) -> list[np.ndarray]:
    found = [np.empty(x.shape) for x in arrays]
    for i, x in enumerate(arrays):
        for k in np.ndindex(x.shape):
            found[i][k] = slope(i, k)
    return found


def assert_agree(machine: list[Any], oracle: list[np.ndarray], tolerance: float, noise: float = 0.0) -> None:
    """To within a fraction of the largest entry; a gradient of zeros to within the oracle's noise."""
    for got, wanted in zip(machine, oracle, strict=True):
        got = got.data if isinstance(got, Tensor) else got
        assert got.shape == wanted.shape
        largest = np.max(np.abs(wanted), initial=0.0)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=max(tolerance * largest, noise))


# ---- a case on plain arrays and on Tensors


def plain_call(case: Case, weights: list[np.ndarray]) -> Callable:
    """The case as a function of its arrays: NumPy's own results, each times a generic array."""
    call = case.call if case.is_complex else case.result  # complex numbers come from the complex step
    return lambda *arrays: [w * y for w, y in zip(weights, outputs(call(arrays)), strict=True)]


def leaves(case: Case) -> list[Tensor]:
    """Its arrays as leaves that hold read-only arrays: a rule that works in place raises."""
    arrays = [x.view() for x in case.arrays]
    for x in arrays:
        x.flags.writeable = False
    return [made(x, requires_grad=True) for x in arrays]


def weights_of(case: Case) -> list[np.ndarray]:
    return generic(outputs(case.call()), seed=1)


def differentiate(
    case: Case, tensors: list[Tensor], weights: list[np.ndarray], create_graph: bool = False
) -> list[Tensor]:
    """The gradients of Σ w y over the case's outputs."""
    ys = outputs(case.call(tensors))
    if len(ys) == 1:
        return list(
            mg.grad(ys[0], tensors, gradient=weights[0], create_graph=create_graph, allow_unused=True)
        )
    total = sum(np.sum(w * y) for w, y in zip(weights, ys, strict=True))
    return list(mg.grad(total, tensors, create_graph=create_graph, allow_unused=True))


def gradients(case: Case, arrays: Any, weights: list[np.ndarray]) -> list[np.ndarray]:
    return [
        g.data
        for g in differentiate(case, [made(np.asarray(x), requires_grad=True) for x in arrays], weights)
    ]


def pullback(case: Case, arrays: Any, g: Any) -> list[tuple[Any, Any]]:
    """(what the rule gives, before anything sums or casts it; its array), for each array with a rule."""
    row = table[case.function]
    inputs, parameters = bound(case, arrays)
    y = row.compute(*inputs, **parameters)
    found = []
    parts = row.rules[0](g, y, inputs, parameters) if row.many else []
    for i, x in enumerate(inputs):
        if isinstance(x, np.ndarray) and x.dtype.kind in "fc":
            if row.many:
                found.append((np.asarray(parts[i]), x))
            elif row.rules[i] is not None:
                found.append((np.asarray(row.rules[i](g, y, inputs, parameters)), x))
    return found


def folded(d: np.ndarray, shape: tuple[int, ...], shape_of_y: tuple[int, ...] | None = None) -> np.ndarray:
    """A rule's result as a gradient of this shape: broadcast, and summed where the array was broadcast."""
    d = np.broadcast_to(d, shape_of_y if shape_of_y is not None else np.broadcast_shapes(d.shape, shape))
    d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    return d.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1 != d.shape[i]), keepdims=True)


def bound(case: Case, arrays: Any = None) -> tuple[tuple, dict]:
    """The call's (inputs, parameters), as the row would record them."""
    if case.function is np.einsum:  # whose operands may be given in two ways
        y = case.call(leaves(case))
        rest = iter(case.arrays if arrays is None else arrays)
        return tuple(next(rest) if isinstance(x, Tensor) else x for x in y.inputs), y.parameters
    taken: list = []
    case.result(arrays, function=lambda *args, **kwargs: taken.append((args, kwargs)))
    args, kwargs = taken[0]
    if case.function is np.clip:  # whose bounds may be given in three ways
        low, high = (
            next((kwargs.pop(name) for name in names if name in kwargs), None)
            for names in (("a_min", "min"), ("a_max", "max"))
        )
        args = (*args, low, high)[:3] if len(args) == 1 else args
    return table[case.function].bind(args, kwargs)


def ids(some: list[Case]) -> dict[str, Any]:
    return {"argvalues": some, "ids": [case.name for case in some]}


of_rows = [case for case in analytic_cases() if case.function in table]

# ---- what is covered


@pytest.mark.parametrize("function", [*rows, *composed], ids=name_of)
def test_every_row_and_every_composition_has_a_case(function):
    assert cases_of(function), f"{name_of(function)} has no sample input in tests/cases"


def test_every_array_argument_with_a_rule_is_differentiated_by_some_case():
    missing = []
    for function in rows:
        row = table[function]
        calls = [bound(case)[0] for case in cases_of(function)]
        for i, argument in enumerate(row.arrays):
            given_ = [inputs[i] for inputs in calls if row.rules[i] is not None]
            if given_ and not any(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in given_):
                missing.append((name_of(function), argument))
    assert not missing


# ---- values


@pytest.mark.parametrize("case", **ids([case for case in cases if case.arrays]))
def test_values_are_numpys(case):
    wanted, got = outputs(case.call()), outputs(case.call(leaves(case)))
    assert len(got) == len(wanted)
    for y, expected in zip(got, wanted, strict=True):
        assert isinstance(y, Tensor)
        assert y.shape == np.shape(expected)
        assert y.dtype == np.asarray(expected).dtype
        if case.function in rounded_otherwise:
            np.testing.assert_allclose(y.data, expected, rtol=1e-14, atol=1e-14)
        else:
            np.testing.assert_array_equal(y.data, expected)


@pytest.mark.parametrize("case", **ids([case for case in cases if not case.arrays and case.args]))
def test_values_of_whole_numbers_are_numpys(case):
    got = case.function(*(mg.Tensor(x) if isinstance(x, np.ndarray) else x for x in case.args))
    np.testing.assert_array_equal(got.data, case.call(), strict=True)
    assert not got.requires_grad


def test_draws_are_the_generators():
    for case in cases_of(mg.random.uniform_draw):
        wanted = case.call()
        drawn = record(case.function, (), {**case.kwargs, "rng": np.random.default_rng(3)})
        np.testing.assert_array_equal(drawn.data, wanted)
        assert not drawn.requires_grad


@pytest.mark.parametrize(
    "case", **ids([c for c in cases if c.arrays and c.function in table and table[c.function].constant])
)
def test_what_is_piecewise_constant_needs_no_gradient(case):
    for y in outputs(case.call(leaves(case))):
        assert not y.requires_grad


# ---- first and second order


@pytest.mark.parametrize("case", **ids(analytic_cases()))
def test_first_order(case):
    weights = weights_of(case)
    if any(np.asarray(y).dtype.kind != "f" for y in outputs(case.call())):
        ys = outputs(case.call(leaves(case)))
        assert not any(y.requires_grad for y in ys if y.dtype.kind != "f")  # a cast to whole numbers
        return
    f = plain_call(case, weights)
    machine = gradients(case, case.arrays, weights)
    if np.asarray(outputs(case.call())[0]).dtype == np.float32:  # a cast: linear, so a long step suits it
        assert_agree(machine, by_differences(f, case.arrays, h=0.1), 1e-5)
    else:
        assert_agree(machine, by_differences(f, case.arrays), 1e-8, 1e-10)
    if follows_the_complex_step(case):
        assert_agree(machine, by_complex_step(f, case.arrays), 2e-14, 1e-15)


@pytest.mark.parametrize("case", **ids(analytic_cases()))
def test_second_order(case):
    weights = weights_of(case)
    if all(np.asarray(y).dtype != np.float64 for y in outputs(case.call())):
        return
    directions = generic(case.arrays, seed=2)
    tensors = leaves(case)
    first = differentiate(case, tensors, weights, create_graph=True)
    for g, eager in zip(first, gradients(case, case.arrays, weights), strict=True):
        np.testing.assert_allclose(g.data, eager, rtol=1e-15, atol=1e-15 * np.max(np.abs(eager), initial=0.0))
    total = sum(np.sum(u * g) for u, g in zip(directions, first, strict=True))
    second: Any = [np.zeros(x.shape) for x in tensors]
    if total.requires_grad:
        second = mg.grad(total, tensors, allow_unused=True)

    def along(*arrays: Any) -> list[Any]:
        return [u * g for u, g in zip(directions, gradients(case, arrays, weights), strict=True)]

    assert_agree(second, by_differences(along, case.arrays), 1e-8, 1e-9)
    if case.function in table and follows_the_complex_step(case):
        assert_agree(
            second,
            by_complex_step(lambda *x: rules_along(case, x, weights[0], directions), case.arrays),
            1e-12,
            3e-15,
        )


def rules_along(case: Case, arrays: Any, g: np.ndarray, directions: list[np.ndarray]) -> list[Any]:
    """u ∂L/∂x for each array x, with the rules given complex arrays, for the complex step."""
    shape = g.shape if table[case.function].elementwise else None
    found = [folded(d, x.shape, shape) for d, x in pullback(case, arrays, g.astype(complex))]
    return [u * d for u, d in zip(directions, found, strict=True)]


# ---- dtypes, frozen inputs


@pytest.mark.parametrize("case", **ids(of_rows))
def test_float32_stays_float32_also_inside_the_rules(case):
    narrow = case.as_dtype(np.float32)
    y = np.asarray(narrow.call())
    if y.dtype != np.float32:
        number_first = isinstance(
            case.args[0], int | float
        )  # an array of float64 to np.clip, np.exp and np.log
        whole = any(isinstance(x, np.ndarray) and x.dtype.kind == "i" for x in _all(case.args))
        assert (
            whole
            or case.function in (np.astype, np.quantile, np.percentile)  # whose q may be an array of float64
            or (number_first and not isinstance(case.function, np.ufunc))
        )
        return
    (w,) = generic([y], seed=1)
    for d, x in pullback(narrow, None, narrow.gradient(w.astype(np.float32))):
        assert d.dtype in (np.float32, np.complex64)
        assert x.dtype in (np.float32, np.complex64)
    tensors = leaves(narrow)
    result = narrow.call(tensors)
    assert result.dtype == np.float32
    if result.requires_grad:
        machine = mg.grad(result, tensors, gradient=w, allow_unused=True)
        assert all(g.dtype == np.float32 for g in machine)
        exact = gradients(
            Case(case.function, narrow.args, case.kwargs).as_dtype(np.float64),
            [x.astype(float) for x in narrow.arrays],
            [w],
        )
        for g, e in zip(machine, exact, strict=True):
            np.testing.assert_allclose(g.data, e, rtol=0, atol=2e-4 * np.max(np.abs(e), initial=1e-3))


def _all(args: Any) -> list[Any]:
    return [x for entry in args for x in (entry if isinstance(entry, list) else [entry])]


@pytest.mark.parametrize("case", **ids(of_rows))
def test_rules_change_nothing_that_they_are_given(case):
    y = np.asarray(case.call())
    if y.dtype.kind != "f":
        return
    (g,) = generic([y], seed=1)
    frozen = [x.copy(order="K") for x in (*case.arrays, g)]
    before = [x.tobytes() for x in frozen]
    for x in frozen:
        x.flags.writeable = False
    for d, x in pullback(case, frozen[:-1], case.gradient(frozen[-1])):
        assert folded(d, x.shape).shape == x.shape
    assert [x.tobytes() for x in frozen] == before


@pytest.mark.parametrize("case", **ids(analytic_cases()))
def test_inputs_are_unchanged_by_forward_and_backward(case):
    tensors = leaves(case)
    before = [x.data.tobytes() for x in tensors]
    if all(y.requires_grad for y in outputs(case.call(tensors))):
        for x, g in zip(
            tensors, differentiate(case, tensors, weights_of(case), create_graph=True), strict=True
        ):
            assert g.shape == x.shape
            assert g.dtype == x.dtype
    assert [x.data.tobytes() for x in tensors] == before


@pytest.mark.parametrize("case", **ids([case for case in of_rows if table[case.function].elementwise]))
def test_elementwise_rules_hold_for_a_gradient_left_broadcast(case):
    shape = np.shape(case.result())
    g = np.asarray(0.7)
    whole = pullback(case, None, np.broadcast_to(g, shape))
    for (d, _), (wanted, _) in zip(pullback(case, None, g), whole, strict=True):
        np.testing.assert_array_equal(np.broadcast_to(d, shape), np.broadcast_to(wanted, shape))


# ---- kinks, ties, ends of the domain: the sub-gradient that the row documents


def slopes(function: Callable, *values: Any, g: Any = None) -> list[Any]:
    """∂(Σ function)/∂value for each value, as lists."""
    tensors = [mg.Tensor(np.asarray(x, dtype=float), requires_grad=True) for x in values]
    y = function(*tensors)
    g = np.ones(y.shape) if g is None else np.asarray(g, dtype=float)
    return [d.data.tolist() for d in mg.grad(y, tensors, gradient=g, allow_unused=True)]


def hessian(function: Callable, value: Any) -> np.ndarray:
    """The second derivatives of a scalar function, row by row."""
    x = mg.Tensor(np.asarray(value, dtype=float), requires_grad=True)
    first = mg.grad(function(x), x, create_graph=True)
    row_of = [mg.grad(first[k], x, allow_unused=True).data for k in np.ndindex(x.shape)]
    return np.array(row_of).reshape(x.size, x.size)


def test_relu_and_absolute_are_flat_at_0():
    assert slopes(mg.relu, [-1.0, 0.0, -0.0, 2.0]) == [[0, 0, 0, 1]]
    assert slopes(np.absolute, [-1.0, 0.0, 2.0]) == [[-1, 0, 1]]


@pytest.mark.parametrize("function", [np.maximum, np.minimum])
def test_a_tie_of_two_shares_the_gradient(function):
    a, b = slopes(function, [1.0, 2.0, 5.0], [1.0, 5.0, 2.0], g=[3, 3, 3])
    assert a[0] == b[0] == 1.5
    assert np.add(a, b).tolist() == [3, 3, 3]
    assert slopes(lambda x: function(x, 0), [0.0]) == [[0.5]]
    assert slopes(lambda x: function(x, x), [0.4]) == [[1]]


@pytest.mark.parametrize(("function", "sign"), [(np.max, 1), (np.min, -1)])
def test_ties_of_an_extreme_value_share_the_gradient(function, sign):
    assert slopes(function, sign * np.array([3.0, 1.0, 3.0, 3.0])) == [[1 / 3, 0, 1 / 3, 1 / 3]]
    x = sign * np.array([[2.0, 2.0], [0.0, 1.0]])
    assert slopes(lambda x: function(x, axis=1), x, g=[4, 6]) == [[[2, 2], [0, 6]]]
    assert slopes(lambda x: function(x, axis=(0, 1), keepdims=True), x) == [[[0.5, 0.5], [0, 0]]]
    assert not np.any(hessian(function, sign * np.array([3.0, 1.0, 3.0])))


def test_clip_refuses_bounds_that_are_given_twice():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(ValueError, match=r"np\.clip: give the bounds .* not both"):
        np.clip(x, a_min=0, a_max=None, min=5)
    with pytest.raises(TypeError, match=r'clip: "x" \(2,\) with a_max=1, min=0: .* missing'):  # as NumPy
        np.clip(x, a_max=1, min=0)


@pytest.mark.parametrize("function", [np.concatenate, np.stack])
def test_a_rule_for_a_sequence_is_applied_once(function, monkeypatch):
    """However many arrays there are: their gradients come from it as one list."""
    row, applied = table[function], []
    (pull,) = row.rules
    monkeypatch.setattr(row, "rules", (lambda *given: applied.append(1) or pull(*given),))
    some = [mg.Tensor([float(i)], requires_grad=True) for i in range(100)]
    for x, g in zip(some, mg.grad(np.sum(function(some) ** 2), some), strict=True):
        assert g.item() == 2 * x.item()
    assert len(applied) == 1


def test_clip_passes_the_gradient_at_its_bounds_and_not_beyond():
    assert slopes(lambda x: np.clip(x, -1, 1), [-2.0, -1.0, 0.0, 1.0, 2.0]) == [[0, 1, 1, 1, 0]]
    assert slopes(np.clip, [-2.0, -1.0, 0.0, 1.0, 2.0], -1, 1) == [[0, 1, 1, 1, 0], 1, 1]
    assert slopes(np.clip, [5.0, 0.0], 2.0, 1.0) == [[0, 0], 0, 2]  # the upper bound wins where they cross
    assert slopes(np.clip, [0.0], 1.0, 1.0) == [[0], 1, 0]


@pytest.mark.parametrize("zero", [0, 0.0, np.array([0.0, 0.0]), np.array([0, 0])])
def test_x_to_the_power_0_is_flat_also_at_0(zero):
    assert slopes(lambda x: np.power(x, zero), [0.0, 1.5]) == [[0, 0]]


def test_powers_at_0():
    assert slopes(lambda x: x**1, [0.0, 2.0]) == [[1, 1]]
    assert slopes(lambda x: x**3, [0.0, 2.0]) == [[0, 12]]
    assert slopes(lambda b: np.power(np.array([0.0, 0.0]), b), [0.0, 2.0]) == [[0, 0]]
    assert slopes(lambda b: 0**b, [0.0, 2.0]) == [[0, 0]]
    assert hessian(lambda x: np.power(x, 1), 0.0) == 0
    assert hessian(lambda x: np.power(x, 2), 0.0) == 2
    assert hessian(lambda x: np.power(x, np.array(2.0)), 0.0) == 2
    assert hessian(lambda x: np.power(x, 3), 0.0) == 0


def test_the_mixed_derivative_of_a_power_at_exponent_0():
    a, b = (mg.Tensor(x, requires_grad=True) for x in (1.6, 0.0))
    da = mg.grad(a**b, a, create_graph=True)
    assert mg.grad(da, b).item() == 1 / 1.6  # ∂/∂b of b aᵇ⁻¹


@pytest.mark.parametrize("zeros", [(), (1,), (0, 3), (0, 1, 2), (0, 1, 2, 3, 4)])
def test_prod_with_zeros_to_second_order(zeros):
    x = np.array([2.0, -3.0, 0.5, 7.0, 1.5])
    x[list(zeros)] = 0
    n = len(x)

    def without(*k: int) -> float:
        return float(np.prod(np.delete(x, k)))

    np.testing.assert_allclose(slopes(np.prod, x)[0], [without(i) for i in range(n)], rtol=1e-15)
    wanted = [[without(i, j) if i != j else 0.0 for j in range(n)] for i in range(n)]
    np.testing.assert_allclose(hessian(np.prod, x), wanted, rtol=1e-14)


def test_where_gives_an_infinite_branch_that_is_not_taken_no_gradient():
    condition = np.array([True, False])
    a, b = slopes(lambda a, b: np.where(condition, a, b), [1.0, np.inf], [np.nan, 2.0])
    assert (a, b) == ([1, 0], [0, 1])
    a, b = slopes(lambda a, b: np.where(condition, a, b), [1.0, 2.0], [3.0, 4.0], g=[np.inf, np.inf])
    assert (a, b) == ([np.inf, 0], [0, np.inf])


def test_a_denominator_made_safe_before_the_division_keeps_nan_out():
    x = np.array([0.0, 2.0])
    safe = slopes(lambda x: np.where(x == 0, 0.0, 1 / np.where(x == 0, 1.0, x)), x)
    assert safe == [[0, -0.25]]


def test_the_slope_of_a_square_root_at_0_is_infinite():
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert slopes(np.sqrt, [0.0, 4.0]) == [[np.inf, 0.25]]


def test_saturated_functions_have_finite_gradients():
    x = [-1000.0, -745.0, 0.0, 745.0, 1000.0]
    assert slopes(mg.sigmoid, x)[0] == pytest.approx([0, 0, 0.25, 0, 0], abs=1e-300)
    assert slopes(mg.softplus, x) == [[0, mg.sigmoid(np.array(-745.0)), 0.5, 1, 1]]
    assert slopes(lambda z: functions.cross_entropy_of_logit(z, np.array([1, 0, 1, 0, 1])), x)[
        0
    ] == pytest.approx([-1, 0, -0.5, 1, 0], abs=1e-300)
    assert slopes(mg.logsumexp, [0.0, -np.inf, 0.0]) == [[0.5, 0, 0.5]]
    assert slopes(mg.log_softmax, [0.0, -1000.0], g=[0, 1]) == [[-1, 1]]
    assert slopes(mg.softmax, [0.0, -np.inf], g=[3, 1]) == [[0, 0]]


def test_a_saturated_probability_still_points_the_right_way():
    ((first, second, third, fourth),) = slopes(
        lambda a: functions.cross_entropy_of_probability(a, np.array([1, 0, 0, 1])), [0.0, 1.0, 0.0, 1.0]
    )
    eps = np.finfo(float).eps
    assert first == -1 / eps
    assert second == 1 / eps
    assert (third, fourth) == (1, -1)


# ---- what the rows refuse


@pytest.mark.parametrize(
    "call", [lambda x: np.ravel(x, order="K"), lambda x: np.reshape(x, (3, 2), order="A")]
)
def test_an_order_that_depends_on_memory_is_refused(call):
    with pytest.raises(ValueError, match=r"order='[KA]' depends on how an array lies in memory"):
        call(mg.Tensor(np.ones((2, 3)), requires_grad=True))


def test_a_row_needs_a_rule_per_argument_and_rules_that_ask_for_what_there_is():
    with pytest.raises(
        TypeError, match=r"derivative\(np.gcd\): the arguments are \['a', 'b'\], the rules are for \['a'\]"
    ):
        mg.derivative(np.gcd, a=lambda g, y, a: g * a / y)
    with pytest.raises(TypeError, match=r"the rule asks for \['c'\]"):
        mg.derivative(np.gcd, a=lambda g, c: g * c, b=lambda g: g)
    assert np.gcd not in table


# ---- other people's derivatives


def test_values_of_our_own_functions_are_scipys():
    special = pytest.importorskip("scipy.special")
    x = 6 * np.random.default_rng(5).standard_normal((3, 4))
    for ours, theirs in (
        (mg.sigmoid, special.expit), (mg.softmax, lambda x: special.softmax(x, axis=-1)),
        (mg.log_softmax, lambda x: special.log_softmax(x, axis=-1)), (mg.logsumexp, special.logsumexp),
        (mg.softplus, lambda x: -special.log_expit(-x)),
    ):  # fmt: skip
        np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-14)


def agreements() -> list[tuple[str, Callable, Callable, tuple[Any, ...]]]:
    """(name, on Tensors, the same in terms of torch, inputs); ties and kinks included."""
    x, w = np.random.default_rng(6).standard_normal((2, 3, 4))
    tied = np.round(x)  # with repeated values and zeros
    return [
        ("matmul", lambda x, w: x @ w.T, lambda t, x, w: x @ w.T, (x, w)),
        ("batched matmul", lambda x, w: np.matmul(x[:, None, :], w[..., None]),
         lambda t, x, w: x[:, None, :] @ w[..., None], (x, w)),
        ("relu", mg.relu, lambda t, x: t.relu(x), (tied,)),
        ("absolute", np.absolute, lambda t, x: t.abs(x), (tied,)),
        # at a bound PyTorch's versions differ
        ("clip", lambda x: np.clip(x, -1, 1), lambda t, x: t.clip(x, -1, 1), (x,)),
        ("maximum", np.maximum, lambda t, x, w: t.maximum(x, w), (tied, np.round(w))),
        ("max", lambda x: np.max(x, axis=1), lambda t, x: t.amax(x, dim=1), (tied,)),
        ("min", lambda x: np.min(x, axis=(0, 1)), lambda t, x: t.amin(x, dim=(0, 1)), (tied,)),
        ("prod", lambda x: np.prod(x, axis=1), lambda t, x: t.prod(x, dim=1), (tied,)),
        ("std", lambda x: np.std(x, axis=0, ddof=1), lambda t, x: t.std(x, dim=0), (x,)),
        ("var", lambda x: np.var(x, axis=1), lambda t, x: t.var(x, dim=1, correction=0), (x,)),
        ("softmax", mg.softmax, lambda t, x: t.softmax(x, -1), (x,)),
        ("log_softmax", lambda x: mg.log_softmax(x, axis=0), lambda t, x: t.log_softmax(x, 0), (x,)),
        ("logsumexp", lambda x: mg.logsumexp(x, axis=1), lambda t, x: t.logsumexp(x, 1), (x,)),
        ("softplus", mg.softplus, lambda t, x: t.nn.functional.softplus(x), (x,)),
        ("sigmoid", mg.sigmoid, lambda t, x: t.sigmoid(x), (x,)),
        ("power", lambda x, w: np.power(np.abs(x), w), lambda t, x, w: t.pow(t.abs(x), w), (x, w)),
        ("where", lambda x, w: np.where(x > w, x * w, w / (1 + x * x)),
         lambda t, x, w: t.where(x > w, x * w, w / (1 + x * x)), (x, w)),
        ("indexing", lambda x: x[[0, 2, 2], ::-1][:, [1, 1]],
         lambda t, x: t.flip(x[[0, 2, 2]], [1])[:, [1, 1]], (x,)),
        ("concatenate", lambda x, w: np.concatenate([x, w[:1], x]),
         lambda t, x, w: t.cat([x, w[:1], x]), (x, w)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "inputs"), [pytest.param(*rest, id=name) for name, *rest in agreements()]
)
def test_gradients_are_torchs_to_second_order(ours, theirs, inputs):
    torch = pytest.importorskip("torch")
    mine = [mg.Tensor(x, requires_grad=True) for x in inputs]
    their = [torch.tensor(x, requires_grad=True) for x in inputs]
    y, z = ours(*mine), theirs(torch, *their)
    (w,) = generic([y.data], seed=3)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-13, atol=1e-14)
    first = mg.grad(np.sum(w * y), mine, create_graph=True)
    wanted = torch.autograd.grad(torch.sum(torch.tensor(w) * z), their, create_graph=True)
    for g, e in zip(first, wanted, strict=True):
        np.testing.assert_allclose(g.data, e.detach().numpy(), rtol=1e-12, atol=1e-13)
    directions = generic([x.data for x in mine], seed=4)
    total = sum(np.sum(u * g) for u, g in zip(directions, first, strict=True))
    total_of_torch = sum(torch.sum(torch.tensor(u) * g) for u, g in zip(directions, wanted, strict=True))
    if total.requires_grad:
        second = mg.grad(total, mine, allow_unused=True)
        wanted = torch.autograd.grad(total_of_torch, their, allow_unused=True)
        for g, e in zip(second, wanted, strict=True):
            np.testing.assert_allclose(g.data, 0 if e is None else e.numpy(), rtol=1e-11, atol=1e-12)


# ---- random compositions: what holds for each row holds for any chain of them

steps: dict[str, Callable] = {
    "tanh": lambda x, y: np.tanh(x),
    "sin": lambda x, y: np.sin(x) * 1.3,
    "sigmoid": lambda x, y: mg.sigmoid(x),
    "softplus": lambda x, y: mg.softplus(x),
    "exp": lambda x, y: np.exp(-np.square(x)),
    "log": lambda x, y: np.log(1.2 + x * x),
    "power": lambda x, y: (1 + x * x) ** -0.5,
    "add y": lambda x, y: x + y,
    "y - x": lambda x, y: y - x,
    "times y": lambda x, y: x * y,
    "over y": lambda x, y: x / (2 + np.cos(y)),
    "normalise": lambda x, y: (x - np.mean(x, axis=0)) / (1 + np.sum(x * x, axis=1, keepdims=True)),
    "gram": lambda x, y: (x @ x.T) @ x / 3,
    "softmax": lambda x, y: mg.softmax(x) + x,
    "logsumexp": lambda x, y: x - mg.logsumexp(x, axis=0, keepdims=True),
    "prod": lambda x, y: x * np.prod(1 + x / 3, axis=0),
    "reverse": lambda x, y: x[::-1] + x[[0, 1, 1]],
    "concatenate": lambda x, y: np.concatenate([x[1:], np.reshape(y[:4], (1, 4))]),
    "transpose": lambda x, y: np.reshape(np.transpose(x), (3, 4)),
    "max": lambda x, y: x + np.max(x, axis=1, keepdims=True),
    "clip": lambda x, y: np.clip(x, -0.8, 1.1) + 0.3 * x,
    "where": lambda x, y: np.where(y > 0, x, x * x),
}  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(chain=st.lists(st.sampled_from(sorted(steps)), min_size=1, max_size=6), seed=st.integers(0, 10))
def test_random_compositions_to_second_order(chain, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.uniform(-1.5, 1.5, (3, 4)), rng.uniform(-1.5, 1.5, 4)]
    (w,) = generic(arrays[:1], seed=1)

    def f(x: Any, y: Any) -> Any:
        for name in chain:
            x = steps[name](x, y)
        return np.sum(w * x) + np.sum(y)

    tensors = [mg.Tensor(x, requires_grad=True) for x in arrays]
    first = mg.grad(f(*tensors), tensors, create_graph=True)
    assert_agree(list(first), by_complex_step(lambda *x: [f(*x)], arrays), 1e-12, 1e-13)
    directions = generic(arrays, seed=2)
    total = sum(np.sum(u * g) for u, g in zip(directions, first, strict=True))

    def along(*x: Any) -> list[Any]:
        leaves_ = [mg.Tensor(entry, requires_grad=True) for entry in x]
        found = mg.grad(f(*leaves_), leaves_)
        return [u * g.data for u, g in zip(directions, found, strict=True)]

    second = (
        mg.grad(total, tensors, allow_unused=True)
        if total.requires_grad
        else [np.zeros(x.shape) for x in arrays]
    )
    assert_agree(list(second), by_differences(along, arrays), 1e-7, 1e-9)
