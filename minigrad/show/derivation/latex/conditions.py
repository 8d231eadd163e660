"""Conditions, and choices by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.program import Equation, Literal, Variable
from minigrad.show.derivation.latex.equations import (
    Equations,
    by_name,
    conditions,
    indicator,
    is_number,
    writes,
)
from minigrad.show.derivation.latex.typesetting import (
    Binds,
    Text,
    at,
    plus,
    times,
)

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
