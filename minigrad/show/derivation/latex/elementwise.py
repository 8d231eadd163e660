"""Functions that work element by element."""

from __future__ import annotations

import numpy as np

from minigrad import functions
from minigrad.derivatives.further.ufuncs import i0_derivative, sinc_derivative
from minigrad.program import Equation, Literal, Variable
from minigrad.show.derivation.latex.equations import (
    Equations,
    Writer,
    is_number,
    writers,
    writes,
)
from minigrad.show.derivation.latex.typesetting import (
    Binds,
    Text,
    at,
    call,
    exponential,
    longest,
    negated,
    over,
    plus,
    power,
    tall,
    times,
    width,
)


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
    return exponential(p(e.inputs[0]))


@writes(np.expm1)
def _(p: Equations, e: Equation) -> Text:
    return plus(exponential(p(e.inputs[0])), Text("1"), "-")


@writes(np.log1p)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\log", plus(Text("1"), p(e.inputs[0]), "+"))


@writes(functions.softplus)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\log", plus(Text("1"), exponential(p(e.inputs[0])), "+"))


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
        return call(r"\log", plus(exponential(a), exponential(b), "+"))
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
