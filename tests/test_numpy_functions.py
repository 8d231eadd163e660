"""The page of all of NumPy's functions, and that what it calls not supported says so when it is called."""

from __future__ import annotations

import re
import runpy
from functools import partial
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
