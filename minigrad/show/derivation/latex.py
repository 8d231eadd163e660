"""LaTeX of a derivation: aligned equations in a textbook's notation, for LaTeX, MathJax and KaTeX alike.

Functions of arrays work element by element, and so do fractions and \\odot; a product of matrices has no
sign.  What is 1 where a condition holds is \\mathbf{1}: LaTeX has no \\mathbb{1}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import getitem
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.derivatives.further.ufuncs import i0_derivative, sinc_derivative
from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.windows import overlap_add, windows
from minigrad.program import Equation, Literal, Variable
from minigrad.program.lines import Lines
from minigrad.random import uniform_draw
from minigrad.show.derivation.equations import (
    Equations,
    Writer,
    behind_minus,
    by_name,
    conditions,
    indicator,
    is_number,
    setting_text,
    settings_text,
    shape_of,
    size_text,
    writers,
    writes,
)
from minigrad.show.derivation.typesetting import (
    Binds,
    Text,
    around,
    at,
    call,
    escaped,
    in_brackets,
    longest,
    negated,
    over,
    plus,
    power,
    tall,
    times,
    width,
)
from minigrad.table import name_of


def latex(lines: Lines, gradients: Mapping[int, Any]) -> str:
    """The lines of a derivation as one `aligned` environment, to be set in \\[ \\] or $$ $$.

    lines      of a program whose first output is the loss
    gradients  stamp of a value -> its gradient, as `gradients_as_graphs` gives them
    """
    return Equations(lines, gradients).text()


# ---- how each function is written


@writes(np.add)
def _(p: Equations, e: Equation) -> Text:
    left, (minus, right) = p(e.inputs[0]), p.signed(e.inputs[1])
    return plus(left, right, "-" if minus else "+")


@writes(np.subtract)
def _(p: Equations, e: Equation) -> Text:
    return plus(p(e.inputs[0]), p(e.inputs[1]), "-")


@writes(np.multiply)
def _(p: Equations, e: Equation) -> Text:
    a, b = e.inputs
    if a is b:
        return _squared(p, a)
    numbers = is_number(a), is_number(b)
    number_behind = isinstance(b, Literal) and not isinstance(a, Literal)
    if numbers == (False, True) or (all(numbers) and number_behind):
        a, b = b, a
    (minus, left), (other, right) = p.signed(a), p.signed(b)
    text = times(left, right, not any(numbers))
    return negated(text) if minus != other else text


@writes(np.divide)
def _(p: Equations, e: Equation) -> Text:
    minus, top = p.signed(e.inputs[0])
    bottom = p(e.inputs[1])
    if is_number(e.inputs[1]) and (tall(top.text) or width(top.text) > longest // 2):
        above = Text("1")
        product = p.inside(e.inputs[0])
        if not minus and product is not None and product.function is np.multiply:
            factor, rest = product.inputs
            if is_number(factor) and not is_number(rest) and not tall(p(factor).text):
                above, top = p(factor), p(rest)
        text = times(over(above, bottom), top, False)
    else:
        text = over(top, bottom)
    return negated(text) if minus else text


@writes(np.negative)
def _(p: Equations, e: Equation) -> Text:
    minus, text = p.signed(e.inputs[0])
    return text if minus else negated(text)


@writes(np.positive, np.astype)
def _(p: Equations, e: Equation) -> Text:
    return p(e.inputs[0])


@writes(np.power)
def _(p: Equations, e: Equation) -> Text:
    base, exponent = e.inputs
    sign = "" if is_number(base) else r"\odot "
    return power(p(base), sign + p(exponent).text)


@writes(np.square)
def _(p: Equations, e: Equation) -> Text:
    return _squared(p, e.inputs[0])


def _squared(p: Equations, x: Variable | Literal) -> Text:
    return power(p(x), "2" if is_number(x) else r"\odot 2")


@writes(np.exp)
def _(p: Equations, e: Equation) -> Text:
    return _exponential(p(e.inputs[0]))


@writes(np.expm1)
def _(p: Equations, e: Equation) -> Text:
    return plus(_exponential(p(e.inputs[0])), Text("1"), "-")


def _exponential(x: Text) -> Text:
    if tall(x.text) or width(x.text) > 16:
        return call(r"\exp", x)
    return Text(f"e^{{{x.text}}}")


@writes(np.log1p)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\log", plus(Text("1"), p(e.inputs[0]), "+"))


@writes(functions.softplus)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\log", plus(Text("1"), _exponential(p(e.inputs[0])), "+"))


@writes(functions.relu)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\max", Text("0"), p(e.inputs[0]))


@writes(np.clip)
def _(p: Equations, e: Equation) -> Text:
    a, low, high = e.inputs
    text = p(a)
    if not (isinstance(low, Literal) and low.value is None):
        text = call(r"\max", text, p(low))
    if not (isinstance(high, Literal) and high.value is None):
        text = call(r"\min", text, p(high))
    return text


def _called(name: str) -> Writer:
    return lambda p, e: call(name, *map(p, e.inputs))


writers.update(
    {
        np.log: _called(r"\log"), np.log2: _called(r"\log_2"), np.log10: _called(r"\log_{10}"),
        np.sin: _called(r"\sin"), np.cos: _called(r"\cos"), np.tan: _called(r"\tan"),
        np.sinh: _called(r"\sinh"), np.cosh: _called(r"\cosh"), np.tanh: _called(r"\tanh"),
        np.arctan: _called(r"\arctan"), functions.sigmoid: _called(r"\sigma"),
        np.maximum: _called(r"\max"), np.minimum: _called(r"\min"),
        np.real: _called(r"\operatorname{Re}"), np.imag: _called(r"\operatorname{Im}"),
        np.linalg.det: _called(r"\det"),
        np.arcsin: _called(r"\arcsin"), np.arccos: _called(r"\arccos"),
        np.arcsinh: _called(r"\operatorname{arsinh}"), np.arccosh: _called(r"\operatorname{arcosh}"),
        np.arctanh: _called(r"\operatorname{artanh}"), np.arctan2: _called(r"\operatorname{atan2}"),
        np.sign: _called(r"\operatorname{sgn}"), np.i0: _called("I_0"),
    }
)  # fmt: skip


def _enclosed(left: str, right: str) -> Writer:
    return lambda p, e: Text(f"\\left{left} {p(e.inputs[0]).text} \\right{right}", Binds.base)


writers.update(
    {
        np.absolute: _enclosed(r"\lvert", r"\rvert"),
        np.fabs: _enclosed(r"\lvert", r"\rvert"),
        np.floor: _enclosed(r"\lfloor", r"\rfloor"),
        np.ceil: _enclosed(r"\lceil", r"\rceil"),
    }
)


@writes(np.sqrt)
def _(p: Equations, e: Equation) -> Text:
    return Text(f"\\sqrt{{{p(e.inputs[0]).text}}}")


@writes(np.cbrt)
def _(p: Equations, e: Equation) -> Text:
    return Text(f"\\sqrt[3]{{{p(e.inputs[0]).text}}}")


@writes(np.reciprocal)
def _(p: Equations, e: Equation) -> Text:
    return over(Text("1"), p(e.inputs[0]))


@writes(np.exp2)
def _(p: Equations, e: Equation) -> Text:
    return power(Text("2", Binds.base), p(e.inputs[0]).text)


@writes(np.logaddexp, np.logaddexp2)
def _(p: Equations, e: Equation) -> Text:
    a, b = map(p, e.inputs)
    if e.function is np.logaddexp:
        return call(r"\log", plus(_exponential(a), _exponential(b), "+"))
    a, b = (power(Text("2", Binds.base), x.text) for x in (a, b))
    return call(r"\log_2", plus(a, b, "+"))


@writes(np.hypot)
def _(p: Equations, e: Equation) -> Text:
    a, b = (_squared(p, x) for x in e.inputs)
    return Text(f"\\sqrt{{{plus(a, b, '+').text}}}")


@writes(sinc_derivative, i0_derivative)
def _(p: Equations, e: Equation) -> Text:
    name = r"\operatorname{sinc}" if e.function is sinc_derivative else "I_0"
    n = e.parameters["n"]
    return call(name + ("'" * n if n < 4 else f"^{{({n})}}"), p(e.inputs[0]))


@writes(np.floor_divide)
def _(p: Equations, e: Equation) -> Text:
    return Text(rf"\left\lfloor {over(*map(p, e.inputs)).text} \right\rfloor", Binds.base)


@writes(np.remainder)
def _(p: Equations, e: Equation) -> Text:
    left, right = (at(p(x), Binds.factor).text for x in e.inputs)
    return Text(rf"{left} \bmod {right}", Binds.sum)


# ---- conditions and choices

_compared: dict[Callable[..., Any], str] = {
    np.less: "<", np.less_equal: r"\le", np.greater: ">", np.greater_equal: r"\ge", np.equal: "=",
    np.not_equal: r"\ne",
}  # fmt: skip
_joined: dict[Callable[..., Any], str] = {
    np.logical_and: r"\land", np.logical_or: r"\lor", np.logical_xor: r"\oplus", np.bitwise_and: r"\land",
    np.bitwise_or: r"\lor", np.bitwise_xor: r"\oplus",
}  # fmt: skip
conditions.update((*_compared, *_joined, np.logical_not, np.invert, np.isnan, np.isfinite, np.isinf))


@writes(*_compared)
def _(p: Equations, e: Equation) -> Text:
    left, right = map(p, e.inputs)
    return Text(f"{left.text} {_compared[e.function]} {right.text}", Binds.big)


@writes(*_joined)
def _(p: Equations, e: Equation) -> Text:
    if e.output.tensor.dtype.kind != "b":
        return by_name(p, e)
    left, right = (at(p.condition(x), Binds.hadamard).text for x in e.inputs)
    return Text(f"{left} {_joined[e.function]} {right}", Binds.big)


@writes(np.logical_not, np.invert)
def _(p: Equations, e: Equation) -> Text:
    if e.output.tensor.dtype.kind != "b":
        return by_name(p, e)
    return Text(rf"\lnot {at(p.condition(e.inputs[0]), Binds.product).text}", Binds.product)


@writes(np.where)
def _(p: Equations, e: Equation) -> Text:
    condition, a, b = e.inputs
    equation = p.inside(condition)
    asked = p.condition(condition)
    is_condition = equation is not None and equation.function in conditions
    if isinstance(b, Literal) and is_number(b) and b.value == 0:
        one = asked if _is_mask(condition) and not is_condition else indicator(asked)
        if is_number(a):
            return times(p(a), one, False)
        return times(p(a), one, True)
    if isinstance(a, Literal) and is_number(a) and a.value == 0:
        if _is_mask(condition) and not is_condition:
            one = plus(Text("1", Binds.base), asked, "-")
        else:
            one = indicator(Text(rf"\lnot {at(asked, Binds.product).text}"))
        return times(p(b), one, not is_number(b))
    return Text(
        rf"\begin{{cases}} {p(a).text} & \text{{where }} {asked.text} \\ "
        rf"{p(b).text} & \text{{elsewhere}} \end{{cases}}",
        Binds.big,
    )


def _is_mask(x: Variable | Literal) -> bool:
    return (x.tensor.dtype if isinstance(x, Variable) else np.asarray(x.value).dtype).kind == "b"


# ---- sums and their relatives

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
    return call(r"\log", Text(f"{sign} {_exponential(body).text}"))


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


# ---- cross-entropy


def _cross_entropy(p: Equations, e: Equation) -> Text:
    """t log a + (1 − t) log(1 − a), where a is the probability itself or σ of the operand."""
    x, target = e.inputs
    if e.function is functions.cross_entropy_of_logit:
        known = p.sigmoids.get(x)
        a = p(known) if known is not None else call(r"\sigma", p(x))
    else:
        a = p(x)
    one = Text("1", Binds.base)
    arrays = not is_number(target) and not is_number(x)
    first = times(p(target), call(r"\log", a), arrays)
    second = times(plus(one, p(target), "-"), call(r"\log", plus(one, a, "-")), arrays)
    return plus(first, second, "+")


_entropies = (functions.cross_entropy_of_logit, functions.cross_entropy_of_probability)
behind_minus.update(dict.fromkeys(_entropies, _cross_entropy))


@writes(*_entropies)
def _(p: Equations, e: Equation) -> Text:
    return negated(_cross_entropy(p, e))


# ---- products of matrices, shapes, parts


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
