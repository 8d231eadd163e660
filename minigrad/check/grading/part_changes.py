"""Changes of a part of a line: an operand, a term, a factor, a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from operator import getitem
from typing import Any

import numpy as np

from minigrad.check.grading.algebra import (
    complement,
    negated,
    product_of,
    scaled,
    sum_of,
    transposed,
    with_term,
)
from minigrad.check.grading.change import Change, Surroundings
from minigrad.check.grading.expression import (
    Apply,
    Atom,
    Expression,
    Product,
    Sum,
    atoms,
    evaluate,
    number,
)
from minigrad.program import Literal, Variable
from minigrad.table import table


def changes_within(node: Expression, about: Surroundings) -> Iterator[Change]:
    """The changes of a part, and of what it is made of."""
    match node:
        case Atom():
            yield from _of_atom(node, about)
        case Sum():
            yield from _of_sum(node)
            for i, (sign, term) in enumerate(node.terms):
                for x in about.scalars:
                    whole = Sum(with_term(node.terms, i, (sign, Atom(x))))
                    yield Change(whole, "term exchanged", term, Atom(x), 2.5, sign)
                for change in changes_within(term, about):
                    yield _inside(change, Sum(with_term(node.terms, i, (sign, change.expression))))
        case Product():
            yield from _of_product(node, about)
            for i, (factor, power) in enumerate(node.factors):
                for change in changes_within(factor, about):
                    entry = change.expression, power
                    factors = (*node.factors[:i], entry, *node.factors[i + 1 :])
                    yield _inside(change, Product(factors, node.joint))
        case Apply():
            yield from _of_call(node, about)
            for i, operand in enumerate(node.inputs):
                for change in changes_within(operand, about):
                    inputs = (*node.inputs[:i], change.expression, *node.inputs[i + 1 :])
                    yield _inside(change, Apply(node.function, inputs, node.parameters))


def _inside(change: Change, whole: Expression) -> Change:
    return Change(whole, *change[1:])


def _of_atom(atom: Atom, about: Surroundings) -> Iterator[Change]:
    x = atom.value
    if isinstance(x, Literal):
        return
    value = np.asarray(about.values[x])
    near = about.neighbours.get(x, frozenset())
    if not value.shape:
        for constant in about.constants:
            if constant is not x and about.values[constant] != about.values[x]:
                yield Change(Atom(constant), "constant exchanged", atom, Atom(constant), 2)
        for length in about.lengths if x.kind == "constant" and float(value).is_integer() else ():
            if length != value:
                yield Change(number(length), "constant exchanged", atom, number(length), 2.5)
        if x.kind == "constant" and float(value).is_integer() and value > 2:
            fewer = Sum(((1, atom), (-1, number(1))))
            yield Change(fewer, "constant exchanged", atom, fewer, 2.5)
        if x.kind == "constant" and 0 < about.values[x] < 1:
            yield Change(complement(atom), "constant exchanged", atom, complement(atom), 1.5)
            for mask in about.arrays if about.farthest >= 3 else ():
                if np.asarray(about.values[mask]).dtype == bool and mask.label:
                    share = Apply(np.mean, (Atom(mask),), table[np.mean].parameters)
                    yield Change(share, "constant exchanged", atom, share, 3)
        return
    every = about.farthest >= 2.75  # few are near: those alone are cheap to go through in every line
    for other in about.alike.get(value.shape, ()) if every or (about.farthest >= 2 and near) else ():
        if other is not x and (every or other in near):
            yield Change(Atom(other), "exchanged", atom, Atom(other), 2 if other in near else 2.75)
    if x is about.own:
        for function in (np.sign, np.absolute, np.square):
            applied = Apply(function, (atom,), {})
            yield Change(applied, "exchanged", atom, applied, 2.5)
    if x.kind == "data" and len(value) > 1:
        n = len(value)
        for index in ((*range(1, n), 0), (n - 1, *range(n - 1)), slice(None, None, -1)):
            moved = Apply(getitem, (atom,), {"index": list(index) if isinstance(index, tuple) else index})
            yield Change(moved, "rows moved", atom, moved, 3)
    if x.equation is not None and value.dtype.kind == "f" and np.all((value >= 0) & (value <= 1)):
        predicted = Apply(np.greater, (atom, number(0.5)), {})
        yield Change(predicted, "exchanged", atom, predicted, 3)
    if value.dtype == bool:
        yield Change(complement(atom), "mask inverted", atom, complement(atom), 1.5)
    if value.ndim == 2 and 1 not in value.shape:
        yield Change(transposed(atom), "transposed", atom, transposed(atom), 1.5)


def _of_sum(node: Sum) -> Iterator[Change]:
    terms = node.terms
    for i, (sign, term) in enumerate(terms):
        rest = (*terms[:i], *terms[i + 1 :])
        if rest:
            yield Change(sum_of(rest), "term dropped", term, None, 1, sign)
        yield Change(Sum(with_term(terms, i, (-sign, term))), "term negated", term, None, 1.25, sign)
        for times, kind in ((1, "term doubled"), (-1, "term halved")):
            changed = sign, scaled(term, number(2), times)
            yield Change(Sum(with_term(terms, i, changed)), kind, term, None, 2, sign)


def _of_product(node: Product, about: Surroundings) -> Iterator[Change]:
    factors = node.factors
    for i, (factor, power) in enumerate(factors):
        rest = (*factors[:i], *factors[i + 1 :])
        if rest:
            kind = "slope dropped" if _is_slope(factor, about) else "factor dropped"
            yield Change(product_of(rest, node.joint), kind, factor, None, 1, power)
        if not _is_boolean(factor, about):
            inverse = Product((*factors[:i], (factor, -power), *factors[i + 1 :]), node.joint)
            yield Change(inverse, "factor inverted", factor, None, 1.25, power)
            again = Product((*factors[: i + 1], (factor, power), *factors[i + 1 :]), node.joint)
            yield Change(again, "factor twice", factor, None, 1.75, power)
    yield from _brackets(node)
    for several in (2, 3):
        for chosen in combinations(range(len(factors)), several):
            rest = tuple(f for i, f in enumerate(factors) if i not in chosen)
            if rest:
                dropped = Product(tuple(factors[i] for i in chosen))
                slope = all(_is_slope(factors[i][0], about) for i in chosen)
                kind = "slope dropped" if slope else "factors dropped"
                yield Change(
                    product_of(rest, node.joint), kind, dropped, None, 1 + 0.5 * several * (not slope), 1
                )


def _brackets(whole: Product) -> Iterator[Change]:
    """a * (b - c) * d  without its bracket, a * b - c * d;  or with a factor that reaches one term alone."""
    factors, joint = whole.factors, whole.joint
    for i, (bracket, power) in enumerate(factors):
        if not isinstance(bracket, Sum) or len(bracket.terms) < 2 or power < 0 or len(factors) < 2:
            continue
        before, after = factors[:i], factors[i + 1 :]
        (first_sign, first), *middle, (last_sign, last) = bracket.terms
        head = Product((*before, (first, 1)), joint) if before else first
        tail = Product(((last, 1), *after), joint) if after else last
        flat = Sum(((first_sign, head), *middle, (last_sign, tail)))
        yield Change(flat, "bracket", whole, flat, 2.25)
        for j, (sign, term) in enumerate(bracket.terms):
            rest = bracket.terms[:j] + bracket.terms[j + 1 :]
            reached = Product((*before, (sum_of(rest), 1), *after), joint)
            outside = Sum(((1, reached), (sign, term)))
            yield Change(outside, "bracket", whole, outside, 2.5)


def _is_slope(factor: Expression, about: Surroundings) -> bool:
    """Whether a factor is (part of) the slope of an activation, whose gradient this line is."""
    found = set(atoms(factor))
    return bool(found) and any(found <= {z, a} for z, a in about.slopes)


def _is_boolean(factor: Expression, about: Surroundings) -> bool:
    if isinstance(factor, Atom) and isinstance(factor.value, Variable):
        return np.asarray(about.values[factor.value]).dtype == bool
    return isinstance(factor, Apply) and factor.function in _comparisons


_comparisons: dict[Callable[..., Any], tuple[Callable[..., Any], ...]] = {
    np.greater: (np.less, np.greater_equal),
    np.greater_equal: (np.less_equal, np.greater),
    np.less: (np.greater, np.less_equal),
    np.less_equal: (np.greater_equal, np.less),
    np.equal: (np.not_equal,),
    np.not_equal: (np.equal,),
}
"""Comparison -> (reversed, the other way at equality)."""


def _of_call(node: Apply, about: Surroundings) -> Iterator[Change]:
    function, inputs, parameters = node.function, node.inputs, node.parameters
    new: Expression
    if about.farthest >= 3 and table[function].elementwise and function not in _comparisons:
        shape = np.shape(_value_of(node, about))
        for x in about.alike.get(shape, ()):
            if x.label:
                yield Change(Atom(x), "exchanged", node, Atom(x), 3)
    for other in _comparisons.get(function, ()):
        new = Apply(other, inputs, parameters)
        yield Change(new, "comparison", node, new, 1.5)
    if function is np.sum or function is np.mean:
        yield from _of_reduction(node, about)
    elif isinstance(parameters.get("axis"), int):
        for axis in {0, 1, -1} - {parameters["axis"]}:
            new = Apply(function, inputs, {**parameters, "axis": axis})
            yield Change(new, "axis", node, new, 1.75)
    if function is np.transpose and parameters["axes"] is None:
        yield Change(inputs[0], "transposed", node, inputs[0], 1.5)
    if function is np.matmul:
        a, b = inputs
        for new in (
            Apply(np.matmul, (transposed(a), b), parameters),
            Apply(np.matmul, (a, transposed(b)), parameters),
            Apply(np.matmul, (transposed(a), transposed(b)), parameters),
            transposed(node),
        ):
            yield Change(new, "transposed", node, new, 1.75)
        new = Apply(np.matmul, (b, a), parameters)
        yield Change(new, "order", node, new, 2)
        new = Product(((a, 1), (b, 1)))
        yield Change(new, "element by element", node, new, 2.25)
    if function is np.where:
        condition, a, b = inputs
        new = Apply(np.where, (condition, b, a), parameters)
        yield Change(new, "branches swapped", node, new, 2)
    if function is np.power and isinstance(inputs[1], Atom) and isinstance(inputs[1].value, Literal):
        for step in (-1, 1):
            new = Apply(np.power, (inputs[0], number(inputs[1].value.value + step)), parameters)
            yield Change(new, "exponent", node, new, 2)
    if function in _comparisons and isinstance(inputs[0], Atom):
        yield Change(inputs[0], "comparison", node, inputs[0], 2)
        for of, activation in about.slopes:
            if inputs[0].value is of:
                yield Change(Atom(activation), "comparison", node, Atom(activation), 2.25)
    if len(inputs) == 1 and table[function].elementwise and function is not np.positive:
        yield Change(inputs[0], "function left out", node, inputs[0], 2)
        flipped = Apply(function, (negated(inputs[0]),), parameters)
        yield Change(flipped, "argument negated", node, flipped, 2.25)
        for other in about.functions:
            if other is not function:
                new = Apply(other, inputs, table[other].parameters)
                yield Change(new, "function exchanged", node, new, 2.25)


def _of_reduction(node: Apply, about: Surroundings) -> Iterator[Change]:
    (x,), parameters = node.inputs, node.parameters
    other = np.mean if node.function is np.sum else np.sum
    new: Expression = Apply(other, (x,), parameters)
    yield Change(new, "mean for sum" if other is np.mean else "sum for mean", node, new, 1.5)
    yield Change(x, "sum left out", node, x, 1.5)
    ndim = np.ndim(_value_of(x, about))
    for row in (-1, 0) if parameters["axis"] == 0 else ():
        new = Apply(getitem, (x,), {"index": row})
        yield Change(new, "one row", node, new, 2)
    for axis in (None, *range(ndim)):
        if axis != parameters["axis"]:
            new = Apply(node.function, (x,), {**parameters, "axis": axis})
            yield Change(new, "axis", node, new, 1.5)


def _value_of(node: Expression, about: Surroundings) -> Any:
    """Its array; 0 if there is none, since it has been changed already and its shapes do not fit."""
    try:
        return evaluate(node, about.values)
    except (ValueError, TypeError, IndexError):
        return 0
