"""The mistakes that a person makes in one line, as general changes to an expression.

Nothing here knows a layer, dropout or a penalty: a factor is left out, a term is doubled, an operand is put
for another.  Each change gives a whole expression again; whether it is the mistake that was made is found out
by computing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from inspect import signature
from itertools import combinations
from operator import getitem
from typing import Any, NamedTuple

import numpy as np

from minigrad.check.grading.expression import (
    Apply,
    Atom,
    Expression,
    Product,
    Sum,
    Values,
    atoms,
    evaluate,
    number,
    parts,
    with_atoms,
)
from minigrad.functions import relu, sigmoid
from minigrad.program import Literal, Variable
from minigrad.recording import enable_grad
from minigrad.table import table
from minigrad.tensor import Tensor

activations: tuple[Callable[..., Any], ...] = (relu, sigmoid, np.tanh)
"""Functions whose slopes are put for one another."""


class Change(NamedTuple):
    """An expression with one thing changed.

    expression  the whole of it, as changed
    kind        what was done: a key of `minigrad.check.grading.words.phrases`
    old         the part that was there, or None
    new         the part that is there in its place, or None
    far         how far-fetched it is, 1 for the most usual mistakes: of changes that give the same numbers
                for any input, the nearest is told
    power       of a factor: 1 above the line, -1 below; of a term: its sign
    before      the whole of it, before the change
    """

    expression: Expression
    kind: str
    old: Expression | None
    new: Expression | None
    far: float
    power: int = 1
    before: Expression | None = None


class Surroundings(NamedTuple):
    """What a line can be confused with.

    values     the array of every value, for shapes
    line       the value whose line it is
    farthest   changes that are more far-fetched are left out
    arrays     what is there when the line is written: data, parameters, masks, forward values, gradients
    alike      the same by shape: the arrays that may be put for one another
    gradients  those among them that belong to the backward pass
    constants  the named numbers
    scalars    forward values that are one number: the cost, and what it is the sum of
    neighbours for a value, those one operation away from it, which are the likeliest to be put for it
    own        for the gradient of a leaf: the leaf
    fractions  coefficients (factors) that other leaves have in their gradients
    slopes     (z, a): this is the gradient of z, of which the forward pass made a, element by element
    functions  of one array, which the forward pass applies element by element
    lengths    of the axes of what is there
    """

    values: Values
    line: Variable
    farthest: float
    arrays: tuple[Variable, ...]
    alike: Mapping[tuple[int, ...], tuple[Variable, ...]]
    gradients: frozenset[Variable]
    constants: tuple[Variable, ...]
    scalars: tuple[Variable, ...]
    neighbours: Mapping[Variable, frozenset[Variable]]
    own: Variable | None
    fractions: tuple[tuple[tuple[Expression, int], ...], ...]
    slopes: tuple[tuple[Variable, Variable], ...]
    functions: tuple[Callable[..., Any], ...]
    lengths: tuple[int, ...]


def changes(line: Expression, about: Surroundings) -> Iterator[Change]:
    """Every expression that comes from a line by one change."""
    for change in (*_of_the_whole(line, about), *_within(line, about)):
        if change.far <= about.farthest:
            yield Change(*change[:-1], line)


# ---- changes of the whole line


def _of_the_whole(line: Expression, about: Surroundings) -> Iterator[Change]:
    yield Change(_negated(line), "sign", line, None, 1)
    shape = np.shape(about.values[about.line])
    if len(shape) == 2 and 1 not in shape:
        yield Change(_transposed(line), "result transposed", line, None, 1.5)
    terms = line.terms if isinstance(line, Sum) else ((1, line),)
    if about.own is not None:
        own = Atom(about.own)
        if not any(_is_multiple_of(term, about.own) for _, term in terms):
            for coefficient in about.fractions:
                extra = Product((*coefficient, (own, 1)))
                yield Change(Sum((*terms, (1, extra))), "term added", None, extra, 2)
    if about.farthest < 2.25:
        return
    if isinstance(line, Sum):
        for factor, power, far in _foreign_factors(line, about):
            yield Change(_scaled(line, factor, power), "all scaled", line, factor, far, power)
    for i, (sign, term) in enumerate(terms):
        for factor, power, far in _foreign_factors(term, about):
            longer = _scaled(term, factor, power)
            changed = Sum(_with_term(terms, i, (sign, longer))) if isinstance(line, Sum) else longer
            yield Change(changed, "factor added", None, factor, far, power)
    for z, a in about.slopes:
        yield from _other_slopes(line, z, a)
    yield from _throughout(line, about)
    yield from _swapped(line, about)


def _negated(line: Expression) -> Expression:
    """-line, as it is written by hand: (Y - A) / m for (A - Y) / m."""
    if isinstance(line, Sum):
        terms = sorted(((-sign, term) for sign, term in line.terms), key=lambda entry: -entry[0])
        return _sum(tuple(terms))
    if isinstance(line, Product):
        (first, power), *rest = line.factors
        if isinstance(first, Sum) and power > 0:
            return Product(((_negated(first), 1), *rest), line.joint)
    return Sum(((-1, line),))


def _throughout(line: Expression, about: Surroundings) -> Iterator[Change]:
    """A value that a line mentions more than once, put for another each time."""
    for x, times in Counter(_mentions(line)).items():
        for other in about.alike.get(np.shape(about.values[x]), ()) if times > 1 else ():
            if other is not x:

                def put(atom: Atom, x: Variable = x, other: Variable = other) -> Atom:
                    return Atom(other) if atom.value is x else atom

                changed = with_atoms(line, put)
                far = 2.25 if other in about.neighbours.get(x, ()) else 2.75
                yield Change(changed, "exchanged throughout", Atom(x), Atom(other), far)


def _swapped(line: Expression, about: Surroundings) -> Iterator[Change]:
    """Two values of one shape in a line, each put for the other."""
    for x, y in combinations(dict.fromkeys(_mentions(line)), 2):
        if np.shape(about.values[x]) == np.shape(about.values[y]) != ():

            def put(atom: Atom, x: Variable = x, y: Variable = y) -> Atom:
                return Atom(y) if atom.value is x else Atom(x) if atom.value is y else atom

            yield Change(with_atoms(line, put), "swapped", Atom(x), Atom(y), 2.25)


def _mentions(node: Expression) -> Iterator[Variable]:
    if isinstance(node, Atom):
        if isinstance(node.value, Variable):
            yield node.value
    else:
        for part in parts(node):
            yield from _mentions(part)


def _foreign_factors(term: Expression, about: Surroundings) -> Iterator[tuple[Expression, int, float]]:
    """What a term might be multiplied with that it should not: constants, 2, masks, slopes."""
    present = atoms(term)
    for constant in about.constants:
        yield Atom(constant), 1, 2.5
        yield Atom(constant), -1, 2.5
        if 0 < about.values[constant] < 1:
            yield _complement(Atom(constant)), 1, 3.5
    for n in dict.fromkeys((2, *(about.lengths if about.farthest >= 3.25 else ()))):
        yield number(n), 1, 2.5 if n == 2 else 3.25
        yield number(n), -1, 2.5 if n == 2 else 3.25
    shape = np.shape(about.values[about.line])
    for x in about.alike.get(shape, ()):
        if x is about.line:
            continue
        if x.kind == "mask" or np.asarray(about.values[x]).dtype == bool:
            if x not in present:
                yield Atom(x), 1, 2.5
        elif about.farthest >= 3 and x.equation is not None and x not in about.gradients:
            for function in activations:
                for y in (Atom(x), _applied(function, x, about)) if function is not relu else (Atom(x),):
                    yield _slope_of(function, Atom(x), y), 1, 3


def _applied(function: Callable[..., Any], x: Variable, about: Surroundings) -> Expression:
    """A function of a value: under its own name, where the program has it."""
    for other in about.arrays:
        e = other.equation
        if e is not None and e.function is function and e.inputs == (x,) and other.name:
            return Atom(other)
    return Apply(function, (Atom(x),), {})


def _scaled(term: Expression, factor: Expression, power: int) -> Product:
    if isinstance(term, Product):
        return Product((*term.factors, (factor, power)), term.joint)
    return Product(((term, 1), (factor, power)))


def _is_multiple_of(term: Expression, leaf: Variable) -> bool:
    """Whether a term is a number times the leaf."""
    factors = term.factors if isinstance(term, Product) else ((term, 1),)
    return any(isinstance(x, Atom) and x.value is leaf for x, power in factors)


def _other_slopes(line: Expression, z: Variable, a: Variable) -> Iterator[Change]:
    """The slope of an activation, put for that of another one."""
    factors = line.factors if isinstance(line, Product) else ((line, 1),)
    own = [(x, p) for x, p in factors if atoms(x) and set(atoms(x)) <= {z, a}]
    rest = tuple((x, p) for x, p in factors if (x, p) not in own)
    if not own or not rest:
        return
    slope = _product(tuple(own), joint=False)
    for function in activations:
        again = Apply(function, (Atom(a),), {})  # the derivative, taken at a
        for y in (Atom(a), Atom(z), again):
            for x in (Atom(z), Atom(a)):
                new = _slope_of(function, x, y)
                far = 2.5 if x.value is z and y is not again else 3
                whole = Product((*rest, *new.factors), isinstance(line, Product) and line.joint)
                yield Change(whole, "slope exchanged", slope, new, far)


def _slope_of(function: Callable[..., Any], x: Expression, y: Expression) -> Product:
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


# ---- changes of a part


def _within(node: Expression, about: Surroundings) -> Iterator[Change]:
    """The changes of a part, and of what it is made of."""
    match node:
        case Atom():
            yield from _of_atom(node, about)
        case Sum():
            yield from _of_sum(node)
            for i, (sign, term) in enumerate(node.terms):
                for x in about.scalars:
                    whole = Sum(_with_term(node.terms, i, (sign, Atom(x))))
                    yield Change(whole, "term exchanged", term, Atom(x), 2.5, sign)
                for change in _within(term, about):
                    yield _inside(change, Sum(_with_term(node.terms, i, (sign, change.expression))))
        case Product():
            yield from _of_product(node, about)
            for i, (factor, power) in enumerate(node.factors):
                for change in _within(factor, about):
                    entry = change.expression, power
                    factors = (*node.factors[:i], entry, *node.factors[i + 1 :])
                    yield _inside(change, Product(factors, node.joint))
        case Apply():
            yield from _of_call(node, about)
            for i, operand in enumerate(node.inputs):
                for change in _within(operand, about):
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
            yield Change(_complement(atom), "constant exchanged", atom, _complement(atom), 1.5)
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
        yield Change(_complement(atom), "mask inverted", atom, _complement(atom), 1.5)
    if value.ndim == 2 and 1 not in value.shape:
        yield Change(_transposed(atom), "transposed", atom, _transposed(atom), 1.5)


def _of_sum(node: Sum) -> Iterator[Change]:
    terms = node.terms
    for i, (sign, term) in enumerate(terms):
        rest = (*terms[:i], *terms[i + 1 :])
        if rest:
            yield Change(_sum(rest), "term dropped", term, None, 1, sign)
        yield Change(Sum(_with_term(terms, i, (-sign, term))), "term negated", term, None, 1.25, sign)
        for times, kind in ((1, "term doubled"), (-1, "term halved")):
            changed = sign, _scaled(term, number(2), times)
            yield Change(Sum(_with_term(terms, i, changed)), kind, term, None, 2, sign)


def _sum(terms: tuple[tuple[int, Expression], ...]) -> Expression:
    return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Sum(terms)


def _with_term(
    terms: tuple[tuple[int, Expression], ...], i: int, term: tuple[int, Expression]
) -> tuple[tuple[int, Expression], ...]:
    return (*terms[:i], term, *terms[i + 1 :])


def _of_product(node: Product, about: Surroundings) -> Iterator[Change]:
    factors = node.factors
    for i, (factor, power) in enumerate(factors):
        rest = (*factors[:i], *factors[i + 1 :])
        if rest:
            kind = "slope dropped" if _is_slope(factor, about) else "factor dropped"
            yield Change(_product(rest, node.joint), kind, factor, None, 1, power)
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
                    _product(rest, node.joint), kind, dropped, None, 1 + 0.5 * several * (not slope), 1
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
            reached = Product((*before, (_sum(rest), 1), *after), joint)
            outside = Sum(((1, reached), (sign, term)))
            yield Change(outside, "bracket", whole, outside, 2.5)


def _product(factors: tuple[tuple[Expression, int], ...], joint: bool) -> Expression:
    return factors[0][0] if len(factors) == 1 and factors[0][1] > 0 else Product(factors, joint)


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
            Apply(np.matmul, (_transposed(a), b), parameters),
            Apply(np.matmul, (a, _transposed(b)), parameters),
            Apply(np.matmul, (_transposed(a), _transposed(b)), parameters),
            _transposed(node),
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
        flipped = Apply(function, (_negated(inputs[0]),), parameters)
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


def _transposed(x: Expression) -> Expression:
    if isinstance(x, Apply) and x.function is np.transpose and x.parameters["axes"] is None:
        return x.inputs[0]
    return Apply(np.transpose, (x,), {"axes": None})


def _complement(x: Atom) -> Expression:
    """1 - x."""
    return Sum(((1, number(1)), (-1, x)))
