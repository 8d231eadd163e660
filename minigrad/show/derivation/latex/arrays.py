"""Products of matrices, shapes, parts of arrays, draws."""

from __future__ import annotations

from operator import getitem
from typing import Any

import numpy as np

from minigrad.derivatives.further.windows import overlap_add, windows
from minigrad.derivatives.indexing import scatter_add
from minigrad.program import Equation
from minigrad.random import uniform_draw
from minigrad.show.derivation.latex.equations import (
    Equations,
    is_number,
    setting_text,
    settings_text,
    shape_of,
    size_text,
    writes,
)
from minigrad.show.derivation.latex.typesetting import (
    Binds,
    Text,
    at,
    call,
    escaped,
    in_brackets,
    negated,
    power,
    times,
)
from minigrad.table import name_of


@writes(np.matmul)
def _(p: Equations, e: Equation) -> Text:
    a, b = e.inputs
    left = p.transposed(a) if len(shape_of(a)) == 1 else p(a)
    left, right = at(left, Binds.product), at(p(b), Binds.factor)
    return Text(f"{left.text} \\, {right.text}", Binds.product)


@writes(np.einsum)
def _(p: Equations, e: Equation) -> Text:
    axes = e.parameters["subscripts"].replace("...", r"\ldots ").replace("->", r" \to ")
    return call(rf"\operatorname{{einsum}}_{{{axes}}}", *map(p, e.inputs))


@writes(np.convolve)
def _(p: Equations, e: Equation) -> Text:
    a, v = (at(p(x), Binds.factor).text for x in e.inputs)
    mode = e.parameters["mode"]
    below = "" if mode == "full" else rf"_{{\mathrm{{{mode}}}}}"
    return Text(rf"{a} *{below} {v}", Binds.product)


@writes(windows, overlap_add)
def _(p: Equations, e: Equation) -> Text:
    name = rf"\operatorname{{{escaped(name_of(e.function).rpartition('.')[2])}}}"
    rest = [setting for setting in settings_text(e) if "axes" not in setting.text]
    return call(rf"{name}_{{\mathrm{{axes}} = {setting_text(e.parameters['axes'])}}}", p(e.inputs[0]), *rest)


@writes(np.linalg.inv)
def _(p: Equations, e: Equation) -> Text:
    return power(p(e.inputs[0]), "-1")


@writes(np.linalg.solve)
def _(p: Equations, e: Equation) -> Text:
    left, right = power(p(e.inputs[0]), "-1"), at(p(e.inputs[1]), Binds.factor)
    return Text(f"{left.text} \\, {right.text}", Binds.product)


@writes(np.conjugate)
def _(p: Equations, e: Equation) -> Text:
    return Text(f"\\overline{{{p(e.inputs[0]).text}}}", Binds.base)


@writes(np.transpose)
def _(p: Equations, e: Equation) -> Text:
    axes = e.parameters["axes"]
    if axes is None and len(shape_of(e.inputs[0])) <= 2:
        return p.transposed(e.inputs[0])
    return _shaped(p, e, "transpose", "" if axes is None else setting_text(axes))


@writes(np.swapaxes)
def _(p: Equations, e: Equation) -> Text:
    ndim = len(shape_of(e.inputs[0]))
    axes = e.parameters["axis1"] % ndim, e.parameters["axis2"] % ndim
    if sorted(axes) == [ndim - 2, ndim - 1]:
        return p.transposed(e.inputs[0])
    return _shaped(p, e, "swap", f"{axes[0]},{axes[1]}")


@writes(np.broadcast_to)
def _(p: Equations, e: Equation) -> Text:
    shape = size_text(e.parameters["shape"])
    if not is_number(e.inputs[0]):
        return _shaped(p, e, "broadcast", shape)
    minus, number = p.signed(e.inputs[0])
    ones = Text(rf"\mathbf{{1}}_{{{shape}}}", Binds.base)
    text = ones if number.text == "1" else times(number, ones, False)
    return negated(text) if minus else text


@writes(np.reshape)
def _(p: Equations, e: Equation) -> Text:
    return _shaped(p, e, "reshape", size_text(e.output.tensor.shape) or "()")


@writes(np.expand_dims)
def _(p: Equations, e: Equation) -> Text:
    return _shaped(p, e, "reshape", size_text(e.output.tensor.shape))


@writes(np.squeeze)
def _(p: Equations, e: Equation) -> Text:
    return _shaped(p, e, "reshape", size_text(e.output.tensor.shape) or "()")


def _shaped(p: Equations, e: Equation, name: str, below: str) -> Text:
    order = e.parameters.get("order", "C")
    rest = [Text(rf"\mathrm{{order}} = {setting_text(order)}")] * (order != "C")
    where = f"_{{{below}}}" if below else ""
    return call(rf"\operatorname{{{name}}}{where}", p(e.inputs[0]), *rest)


@writes(np.concatenate, np.stack)
def _(p: Equations, e: Equation) -> Text:
    name = name_of(e.function).rpartition(".")[2]
    axis = setting_text(e.parameters["axis"])
    below = "" if axis == "0" else rf"_{{\mathrm{{axis}} = {axis}}}"
    return call(rf"\operatorname{{{name}}}{below}", *map(p, e.inputs))


@writes(getitem)
def _(p: Equations, e: Equation) -> Text:
    index = in_brackets(Text(_index(p, e.parameters["index"])), "[]")
    return Text(at(p(e.inputs[0]), Binds.factor).text + index.text)


@writes(scatter_add)
def _(p: Equations, e: Equation) -> Text:
    index = _index(p, e.parameters["index"])
    where = Text(rf"\mathbf{{0}}_{{{size_text(e.parameters['shape'])}}}{in_brackets(Text(index), '[]').text}")
    return call(r"\operatorname{scatter}", Text(rf"{where.text} \mathrel{{+}}= {p(e.inputs[0]).text}"))


def _index(p: Equations, index: Any) -> str:
    if isinstance(index, tuple):
        return r",\, ".join(_index(p, part) for part in index) or r"\,"
    if isinstance(index, slice):
        ends = ["" if x is None else _index(p, x) for x in (index.start, index.stop, index.step)]
        return "{:}".join(ends[:2] if index.step is None else ends)
    if index is Ellipsis:
        return r"\ldots"
    if isinstance(index, range):
        return _index(p, list(index))
    return p.literal(np.asarray(index) if isinstance(index, list) else index).text


@writes(uniform_draw)
def _(p: Equations, e: Equation) -> Text:
    shape = size_text(e.parameters["shape"])
    return call(r"\mathcal{U}" + (f"_{{{shape}}}" if shape else ""), Text("0"), Text("1"))
