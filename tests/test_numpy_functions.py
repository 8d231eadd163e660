"""The page of all of NumPy's functions, and that what it calls not supported says so when it is called."""

from __future__ import annotations

import re
import runpy
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import cases, composed, outputs

import minigrad as mg
from minigrad.derivatives.piecewise_constant import flat
from minigrad.not_supported import of_no_arrays, reason, reasons
from minigrad.table import compositions, name_of, table
from minigrad.tensor import Tensor, answers

maker = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "numpy_functions.py"))
every = {name: function for module in maker["modules"].values() for name, function in maker["public"](module)}
unsupported = {name: f for name, f in every.items() if maker["status"](name, f)[0] == "not supported"}


def test_the_page_is_what_the_table_gives():
    text = maker["page"].read_text(encoding="utf-8")
    if f"function of NumPy {'.'.join(np.__version__.split('.')[:2])}," not in text:
        pytest.skip("the page is of another version of NumPy")
    assert text == maker["text"](), "run python docs/numpy_functions.py"


@pytest.mark.parametrize("name", sorted(unsupported))
def test_what_is_not_supported_has_a_reason_and_says_it(name):
    assert reason(name), f"{name} has no row, and minigrad/not_supported.py does not say why"
    function, t = unsupported[name], mg.Tensor(np.ones((2, 2)), requires_grad=True)
    call = (
        partial(t.__array_ufunc__, function, "__call__", *[t] * function.nin)
        if isinstance(function, np.ufunc)
        else partial(t.__array_function__, function, (Tensor,), (t,), {})
    )
    with pytest.raises(TypeError, match=re.escape(reason(name))):
        call()


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # of matrices
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("np.apply_along_axis", lambda t: np.apply_along_axis(np.sum, 0, t)),
        ("np.array", np.array),
        ("np.asarray", np.asarray),
        ("np.asarray_chkfinite", np.asarray_chkfinite),
        ("np.asmatrix", np.asmatrix),
        ("np.bmat", lambda t: np.bmat([[t, t]])),
        ("np.fill_diagonal", lambda t: np.fill_diagonal(np.zeros((2, 2)), t[0, 0])),
        ("np.format_float_positional", lambda t: np.format_float_positional(t[0, 0])),
        ("np.frompyfunc", np.frompyfunc(lambda number: 2 * number, 1, 1)),
        ("np.from_dlpack", np.from_dlpack),
        ("np.full", lambda t: np.full(2, t[0, 0])),
        ("np.histogram", lambda t: np.histogram(np.ones(2), weights=t[0])),
        ("np.putmask", lambda t: np.putmask(np.zeros((2, 2)), np.eye(2) > 0, t)),
        ("np.require", np.require),
        ("np.savez", lambda t: np.savez("never written", t=t)),
        ("np.vectorize", np.vectorize(lambda number: 2 * number)),
    ],
)
def test_a_call_that_would_lose_the_gradient_says_why(name, call):
    """Also where NumPy does not ask its arguments first, and reads them on the way."""
    t = mg.Tensor(np.ones((2, 2)), requires_grad=True)
    with pytest.raises((TypeError, RuntimeError), match=f"would lose it.*: {re.escape(reason(name))}"):
        call(t)


@pytest.mark.parametrize(
    "call",
    [
        np.emath.sqrt,
        np.ma.array,
        np.ma.log,
        np.ma.sum,
        lambda t: np.polynomial.polynomial.polyval(1.0, t),
        np.polynomial.Polynomial,
        np.random.default_rng(0).normal,
        np.random.default_rng(0).permutation,
    ],
)
def test_what_is_beside_the_page_refuses_a_tensor_that_needs_a_gradient(call):
    with pytest.raises((TypeError, RuntimeError), match="would lose it"):
        call(mg.Tensor([1.0, 2.0], requires_grad=True))


def test_the_answers_are_those_for_the_array():
    """Those that ask for a Tensor's shape, type or memory have nothing to lose."""
    x = np.arange(6.0).reshape(2, 3)[:, :2]
    t = mg.Tensor(x, requires_grad=True, name="x")
    for f in (np.tril_indices_from, np.triu_indices_from, np.diag_indices_from):
        np.testing.assert_array_equal(f(t), f(x))
    assert np.einsum_path("ij,jk", t, t) == np.einsum_path("ij,jk", x, x)
    assert np.common_type(t) is np.common_type(x)
    assert np.min_scalar_type(t[0, 0]) == np.min_scalar_type(x[0, 0])
    assert np.can_cast(t.dtype, t)
    assert np.shares_memory(t, t)
    assert np.may_share_memory(t, t)
    assert mg.compile(lambda x: x[np.tril_indices_from(x)])(t).tolist() == [0, 3, 4]


def test_a_function_of_no_arrays_does_not_ask_its_arguments_first():
    """One that does would refuse a Tensor, without a reason."""
    for name in of_no_arrays:
        function = every.get(name)
        assert not hasattr(function, "_implementation") or "like" in signature(function).parameters, name


def test_a_reason_is_for_what_there_is_and_is_not_supported():
    supported = {name_of(f) for f in (*table, *compositions, *answers)}
    for name in " ".join(reasons.values()).split():
        assert name in unsupported or not hasattr(np, name.removeprefix("np.")) or name not in every
        assert name not in supported
        assert name not in of_no_arrays


def given(x: Any) -> Any:
    return mg.Tensor(x, requires_grad=True)


@pytest.mark.parametrize("function", composed, ids=name_of)
def test_a_composition_is_piecewise_constant_if_it_is_said_to_be(function):
    results = [
        y
        for case in cases
        if case.function is function and case.arrays
        for y in outputs(case.call(list(map(given, case.arrays))))
    ]
    assert any(isinstance(y, Tensor) and y.requires_grad for y in results) != (function in flat)
