"""The slope of an activation, as its rule in the table has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from inspect import signature
from typing import Any

import numpy as np

from minigrad.check.grading.expression import (
    Apply,
    Atom,
    Expression,
    Product,
    Sum,
    number,
    with_atoms,
)
from minigrad.functions import relu, sigmoid
from minigrad.program import Literal
from minigrad.recording import enable_grad
from minigrad.table import table
from minigrad.tensor import Tensor

activations: tuple[Callable[..., Any], ...] = (relu, sigmoid, np.tanh)
"""Functions whose slopes are put for one another."""


def slope_of(function: Callable[..., Any], x: Expression, y: Expression) -> Product:
    """What a rule of the table multiplies a gradient with, of a function of x that gave y."""
    slope, at = _slope(function)
    put = with_atoms(slope, lambda atom: x if atom is at["x"] else y if atom is at["y"] else atom)
    assert isinstance(put, Product)
    return put


@cache
def _slope(function: Callable[..., Any]) -> tuple[Product, dict[str, Atom]]:
    """The slope as its rule in the table has it, and what stands for x and y in it."""
    (argument,) = table[function].arrays
    rule = table[function].written[argument]
    assert rule is not None
    given = {"g": Tensor(1.5, name="g"), argument: Tensor(0.25, name="x"), "y": Tensor(0.25, name="y")}
    at = {"g": number(1), "x": number(0), "y": number(0)}
    known: dict[int, Expression] = {
        given["g"].stamp: at["g"], given[argument].stamp: at["x"], given["y"].stamp: at["y"]
    }  # fmt: skip
    with enable_grad():
        pulled = _of_tensor(rule(**{name: given[name] for name in signature(rule).parameters}), known)
    assert isinstance(pulled, Product)
    return Product(tuple(factor for factor in pulled.factors if factor[0] is not at["g"])), at


def _of_tensor(x: Any, known: Mapping[int, Expression]) -> Expression:
    if not isinstance(x, Tensor):
        return Atom(Literal(x))
    if x.stamp in known:
        return known[x.stamp]
    inputs = tuple(_of_tensor(operand, known) for operand in x.inputs)
    if x.function is np.multiply:
        return Product(tuple(f for a in inputs for f in (a.factors if isinstance(a, Product) else ((a, 1),))))
    if x.function is np.subtract:
        return Sum(((1, inputs[0]), (-1, inputs[1])))
    assert x.function is not None
    return Apply(x.function, inputs, x.parameters)
