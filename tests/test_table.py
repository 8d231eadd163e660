"""Every row of the table against every property: values, first and second order, dtypes, frozen inputs.

The two oracles here are a few lines of NumPy that share nothing with minigrad.check, so neither hides the other's mistake.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import Case, analytic_cases, cases, cases_of, composed, rows
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import derivatives, functions
from minigrad.backprop import sum_to
from minigrad.table import Row, name_of, table
from minigrad.tensor import Tensor, made, record

# ---- the oracles

not_holomorphic = (np.absolute, np.var, np.std, np.astype)
"""Functions whose own complex form is something else (|z|, conjugates, a cast)."""


def outputs(result: Any) -> list[Any]:
    return list(result) if isinstance(result, list | tuple) else [result]


def generic(like: Any, seed: int) -> list[np.ndarray]:
    """For each array one of its shape: numbers of both signs, none small, no two alike."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.5, 1.5, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x)) for x in like]


def by_differences(f: Callable, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The gradient of Σ f(*arrays), f a list of arrays, by central differences of fourth order."""

    def change(i: int, k: Any, h: float) -> float:
        def moved(step: float) -> list[np.ndarray]:
            shifted = [np.array(x) for x in arrays]
            shifted[i][k] += step
            return f(*shifted)

        return sum(float(np.sum(up - down)) for up, down in zip(moved(h), moved(-h), strict=True))

    def slope(i: int, k: Any, h: float = 2e-4) -> float:
        return (8 * change(i, k, h) - change(i, k, 2 * h)) / (12 * h)

    return _entrywise(slope, arrays)


def by_complex_step(f: Callable, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The gradient of Σ f(*arrays) as  Im f(x + ih) / h,  which subtracts nothing and so has no rounding of its own."""
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
    """Entry by entry, to within a fraction of the largest entry; a gradient of zeros to within the oracle's noise."""
    for got, wanted in zip(machine, oracle, strict=True):
        got = got.data if isinstance(got, Tensor) else got
        assert got.shape == wanted.shape
        largest = np.max(np.abs(wanted), initial=0.0)
        np.testing.assert_allclose(got, wanted, rtol=0, atol=max(tolerance * largest, noise))


# ---- a case on plain arrays and on Tensors


def plain_call(case: Case, weights: list[np.ndarray]) -> Callable:
    """The case as a function of its arrays: NumPy's own results, each times a generic array."""
    return lambda *arrays: [w * y for w, y in zip(weights, outputs(case.call(arrays)), strict=True)]


def leaves(case: Case) -> list[Tensor]:
    """Its arrays as leaves that hold read-only arrays: a rule that works in place raises."""
    arrays = [x.view() for x in case.arrays]
    for x in arrays:
        x.flags.writeable = False
    return [made(x, None, True) for x in arrays]


def weights_of(case: Case) -> list[np.ndarray]:
    return generic(outputs(case.call()), seed=1)


def contracted(case: Case, tensors: list[Tensor], weights: list[np.ndarray]) -> Tensor:
    """Σ w y over the case's outputs."""
    total: Any = 0.0
    for w, y in zip(weights, outputs(case.call(tensors)), strict=True):
        total = total + np.sum(w * y)
    return total


def gradients(case: Case, arrays: Any, weights: list[np.ndarray]) -> list[np.ndarray]:
    tensors = [made(np.asarray(x), None, True) for x in arrays]
    found = mg.grad(contracted(case, tensors, weights), tensors, allow_unused=True)
    return [g.data for g in found]


def pullback(case: Case, arrays: Any, g: Any) -> list[tuple[Any, Any]]:
    """(what the rule gives, before anything sums or casts it; its array), for each array with a rule."""
    row = table[case.function]
    args = (*case.args[:0],)
    inputs, parameters = row.bind(_arguments(case, arrays), dict(case.kwargs))
    args = inputs
    y = row.compute(*args, **parameters)
    if np.ndim(y) == 0:
        y = np.asarray(y)[()]
    found = []
    for i, x in enumerate(args):
        entry = row.rules[0 if row.many else i]
        if entry is not None and isinstance(x, np.ndarray) and x.dtype.kind in "fc":
            rule, pick = entry
            given_ = (g, y, tuple(args), i) if row.many else (g, y, *args)
            found.append((rule(*pick((*given_, *parameters.values()))), x))
    return found


def _arguments(case: Case, arrays: Any) -> tuple:
    taken: list = []
    case.call(arrays, function=lambda *args, **kwargs: taken.append(args))
    return taken[0]


def ids(some: list[Case]) -> dict[str, Any]:
    return {"argvalues": some, "ids": [case.name for case in some]}


of_rows = [case for case in analytic_cases() if case.function in table]

# ---- what is covered


@pytest.mark.parametrize("function", [*rows, *composed], ids=name_of)
def test_every_row_and_every_composition_has_a_case(function):
    assert cases_of(function), f"{name_of(function)} has no sample input in tests/cases.py"


def test_every_array_argument_with_a_rule_is_differentiated_by_some_case():
    missing = []
    for function in rows:
        row = table[function]
        for i, argument in enumerate(row.arrays):
            if row.rules[i] is None:
                continue
            given = [row.bind(_arguments(case, None), dict(case.kwargs))[0] for case in cases_of(function)]
            given += [  # np.clip's keywords are the composition's
                (case.args[0], case.args[1], case.args[2])
                for case in cases_of(function)
                if function is np.clip and len(case.args) == 3
            ]
            if not any(isinstance(x[i], np.ndarray) and x[i].dtype.kind == "f" for x in given if len(x) > i):
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
        np.testing.assert_array_equal(y.data, expected, strict=False)


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


@pytest.mark.parametrize("case", **ids([c for c in cases if c.arrays and c.function in table and table[c.function].constant]))
def test_what_is_piecewise_constant_needs_no_gradient(case):
    for y in outputs(case.call(leaves(case))):
        assert not y.requires_grad


# ---- first and second order


@pytest.mark.parametrize("case", **ids(analytic_cases()))
def test_first_order(case):
    weights = weights_of(case)
    if any(np.asarray(y).dtype.kind != "f" for y in outputs(case.call())):
        assert not any(y.requires_grad for y in outputs(case.call(leaves(case))))  # a cast to whole numbers
        return
    tolerance, noise = (1e-8, 1e-10) if np.asarray(outputs(case.call())[0]).dtype != np.float32 else (1e-3, 1e-3)
    f = plain_call(case, weights)
    machine = gradients(case, case.arrays, weights)
    if tolerance == 1e-8:
        assert_agree(machine, by_differences(f, case.arrays), tolerance, noise)
    if case.function not in not_holomorphic:
        assert_agree(machine, by_complex_step(f, case.arrays), 2e-14, 1e-15)


@pytest.mark.parametrize("case", **ids(analytic_cases()))
def test_second_order(case):
    weights = weights_of(case)
    if any(np.asarray(y).dtype != np.float64 for y in outputs(case.call())):
        return
    directions = generic(case.arrays, seed=2)
    tensors = leaves(case)
    first = mg.grad(contracted(case, tensors, weights), tensors, create_graph=True)
    for g, eager in zip(first, gradients(case, case.arrays, weights), strict=True):
        np.testing.assert_allclose(g.data, eager, rtol=1e-15, atol=1e-15 * np.max(np.abs(eager), initial=0.0))
    total = sum(np.sum(u * g) for u, g in zip(directions, first, strict=True))
    second: Any = [np.zeros(x.shape) for x in tensors]
    if total.requires_grad:
        second = mg.grad(total, tensors, allow_unused=True)

    def along(*arrays: Any) -> list[Any]:
        return [u * g for u, g in zip(directions, gradients(case, arrays, weights), strict=True)]

    assert_agree(second, by_differences(along, case.arrays), 1e-8, 1e-9)
    if case.function in table and case.function not in not_holomorphic:
        assert_agree(second, by_complex_step(lambda *x: rules_along(case, x, weights[0], directions), case.arrays), 1e-13, 3e-15)


def rules_along(case: Case, arrays: Any, g: np.ndarray, directions: list[np.ndarray]) -> list[Any]:
    """Σ u ∂L/∂x with the rules given complex arrays, for the complex step."""
    found = pullback(case, arrays, g.astype(complex))
    if len(found) < len(directions):  # an array without a rule: where's condition
        return [u * sum_to(d, x.shape) for (d, x), u in zip(found, directions[-len(found) :], strict=True)]
    return [u * sum_to(d, x.shape) for (d, x), u in zip(found, directions, strict=True)]


# ---- dtypes, frozen inputs


@pytest.mark.parametrize("case", **ids(of_rows))
def test_float32_stays_float32_also_inside_the_rules(case):
    narrow = case.as_dtype(np.float32)
    y = np.asarray(narrow.call())
    if y.dtype != np.float32:
        wide = case.function is np.astype or any(isinstance(x, np.ndarray) and x.dtype.kind == "i" for x in _all(case.args))
        assert wide, "only whole-number arrays widen float32"
        return
    (w,) = generic([y], seed=1)
    for d, x in pullback(narrow, None, w.astype(np.float32)):
        assert np.asarray(d).dtype == np.float32
        assert x.dtype == np.float32
    tensors = leaves(narrow)
    result = narrow.call(tensors)
    assert result.dtype == np.float32
    if result.requires_grad:
        machine = mg.grad(result, tensors, gradient=w, allow_unused=True)
        assert all(g.dtype == np.float32 for g in machine)
        exact = gradients(Case(case.function, narrow.args, case.kwargs).as_dtype(np.float64), [x.astype(float) for x in narrow.arrays], [w])
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
    for d, x in pullback(case, frozen[:-1], frozen[-1]):
        assert sum_to(np.asarray(d), x.shape).shape == x.shape
    assert [x.tobytes() for x in frozen] == before


@pytest.mark.parametrize("case", **ids(analytic_cases()))
def test_inputs_are_unchanged_by_forward_and_backward(case):
    tensors = leaves(case)
    before = [x.data.tobytes() for x in tensors]
    total = contracted(case, tensors, weights_of(case))
    if total.requires_grad:
        for x, g in zip(tensors, mg.grad(total, tensors, allow_unused=True, create_graph=True), strict=True):
            assert g.shape == x.shape
            assert g.dtype == x.dtype
    assert [x.data.tobytes() for x in tensors] == before
