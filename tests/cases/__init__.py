"""Sample inputs for every row of the table and every composition: the corpus that drives the tests.

A case is one call.  Its floating-point arrays are what is differentiated; all else (Python numbers, integers,
booleans, shapes, axes) is handed on.  Inputs are generic: no symmetric shapes where a transposition could
hide, values inside the domain, away from kinks and ties, which have tests of their own.  A file for each
topic of the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minigrad
from cases import of_arrays as of_arrays
from cases import of_linalg as of_linalg
from cases import of_polynomials as of_polynomials
from cases import of_products as of_products
from cases import of_the_core as of_the_core
from cases import of_ufuncs as of_ufuncs
from cases.case import Case as Case
from cases.case import cases as cases
from cases.case import not_holomorphic as not_holomorphic
from cases.case import outputs as outputs
from cases.case import rounded_otherwise as rounded_otherwise
from cases.case import shaped_by_values as shaped_by_values
from minigrad.derivatives.piecewise_constant import flat
from minigrad.table import compositions, name_of, table


def _import_all() -> None:
    """Import every module of the package that enters rows, so that none is missing."""
    root = Path(minigrad.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if "\nderivative(" in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(("minigrad", *path.relative_to(root).with_suffix("").parts)))


_import_all()
rows = [  # not those that tests enter, nor checkpoint's, a call with what it reaches: test_checkpoint.py
    f for f in table if name_of(f).startswith(("np.", "mg.", "getitem")) and name_of(f) != "mg.checkpoint"
]
composed = list(compositions)


def cases_of(function: Callable[..., Any]) -> list[Case]:
    return [case for case in cases if case.function is function]


def analytic_cases() -> list[Case]:
    """Cases with something to differentiate: a floating-point array, and a function with a rule."""
    return [
        case
        for case in cases
        if case.arrays
        and case.function not in flat
        and not (case.function in table and table[case.function].constant)
    ]
