"""Sums and their relatives: means, norms, products, extremes."""

from __future__ import annotations

import re

import numpy as np

from minigrad import functions
from minigrad.program import Equation, Literal, Variable
from minigrad.show.derivation.latex.equations import (
    Equations,
    is_number,
    setting_text,
    settings_text,
    shape_of,
    writes,
)
from minigrad.show.derivation.latex.typesetting import (
    Binds,
    Text,
    around,
    at,
    call,
    exponential,
    negated,
    over,
    tall,
    times,
)
from minigrad.table import name_of

_indices = "ijklnpqr"


def _axes(e: Equation) -> list[int]:
    """The axes that are reduced, [] for all."""
    axis, ndim = e.parameters["axis"], len(shape_of(e.inputs[0]))
    if axis is None or not ndim:
        return []
    axes = sorted(i % ndim for i in (axis if isinstance(axis, tuple) else (axis,)))
    return [] if len(axes) == ndim or ndim > len(_indices) else axes


def _over_axes(p: Equations, e: Equation, sign: str, below_only: bool = False) -> tuple[str, Text]:
    """(Σ with its bounds, what is summed), with an index where not all of it is summed."""
    x = e.inputs[0]
    if e.parameters["axis"] == ():
        return sign + r"_{\emptyset}", p(x)
    axes, shape = _axes(e), shape_of(x)
    if not axes:
        return sign, p(x)
    letters = [_indices[i] if i in axes else "{:}" for i in range(axes[-1] + 1)]
    summed = ",".join(_indices[i] for i in axes)
    body = p.indexed(x, ",".join(letters))
    if below_only or len(axes) > 1:
        return f"{sign}_{{{summed}}}", body
    top = p.count(shape[0]) if axes[0] == 0 else str(shape[axes[0]])
    return f"{sign}_{{{summed}=1}}^{{{top}}}", body


def _summed(p: Equations, e: Equation) -> tuple[bool, Text]:
    """(whether there is a minus in front, Σ of the operand)."""
    x = e.inputs[0]
    if e.parameters["axis"] != () and not _axes(e):
        norm = _norm(p, x)
        if norm is not None:
            return False, norm
        minus, body = p.signed(x)
        return minus, around(r"\sum ", at(body, Binds.big), "", Binds.big)
    sign, body = _over_axes(p, e, r"\sum")
    return False, around(f"{sign} ", at(body, Binds.big), "", Binds.big)


def _norm(p: Equations, x: Variable | Literal) -> Text | None:
    """The sum of all squares as a norm."""
    equation = p.inside(x)
    if equation is None or not 1 <= len(shape_of(x)) <= 2:
        return None
    if equation.function is np.multiply:
        squared = equation.inputs[0] is equation.inputs[1]
    elif equation.function is np.power:
        exponent = equation.inputs[1]
        squared = isinstance(exponent, Literal) and is_number(exponent) and exponent.value == 2
    else:
        squared = equation.function is np.square
    if not squared or shape_of(equation.inputs[0]) != shape_of(x):
        return None
    body = p(equation.inputs[0]).text
    left, right = (r"\left\lVert", r"\right\rVert") if tall(body) else (r"\lVert", r"\rVert")
    return Text(f"{left} {body} {right}_{'F' if len(shape_of(x)) == 2 else '2'}^2")


@writes(np.sum)
def _(p: Equations, e: Equation) -> Text:
    minus, text = _summed(p, e)
    return negated(text) if minus else text


@writes(np.mean)
def _(p: Equations, e: Equation) -> Text:
    minus, text = _summed(p, e)
    size, left = (int(np.prod(shape)) for shape in (shape_of(e.inputs[0]), e.output.tensor.shape))
    if e.parameters["axis"] == ():
        left = size
    n = size // max(left, 1)
    examples = bool(shape_of(e.inputs[0])) and n == shape_of(e.inputs[0])[0]
    text = times(over(Text("1"), Text(p.count(n) if examples else str(n))), text, False)
    return negated(text) if minus else text


@writes(np.prod)
def _(p: Equations, e: Equation) -> Text:
    sign, body = _over_axes(p, e, r"\prod")
    return around(f"{sign} ", at(body, Binds.hadamard), "", Binds.big)


@writes(functions.logsumexp)
def _(p: Equations, e: Equation) -> Text:
    sign, body = _over_axes(p, e, r"\sum")
    return call(r"\log", Text(f"{sign} {exponential(body).text}"))


@writes(np.max, np.min, np.var, np.std)
def _(p: Equations, e: Equation) -> Text:
    name = name_of(e.function).rpartition(".")[2]
    sign, body = _over_axes(
        p, e, f"\\{name}" if name in ("max", "min") else rf"\operatorname{{{name}}}", True
    )
    rest = [
        setting for setting in settings_text(e) if not re.match(r"\\mathrm\{(axis|keepdims)\}", setting.text)
    ]
    return call(sign, body, *rest)


@writes(functions.softmax, functions.log_softmax)
def _(p: Equations, e: Equation) -> Text:
    name = r"\operatorname{softmax}" if e.function is functions.softmax else r"\operatorname{log\,softmax}"
    axis, ndim = e.parameters["axis"], len(shape_of(e.inputs[0]))
    if axis != -1 and axis != ndim - 1:
        name += rf"_{{\mathrm{{axis}} = {setting_text(axis)}}}"
    return call(name, p(e.inputs[0]))
