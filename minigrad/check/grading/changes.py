"""The mistakes that a person makes in one line, as general changes to an expression.

Nothing here knows a layer, dropout or a penalty: a factor is left out, a term is doubled, an operand is put
for another.  Each change gives a whole expression again; whether it is the mistake that was made is found out
by computing it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.check.grading.algebra import (
    complement,
    negated,
    product_of,
    scaled,
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
    number,
    parts,
    with_atoms,
)
from minigrad.check.grading.part_changes import changes_within
from minigrad.check.grading.slopes import activations, slope_of
from minigrad.functions import relu
from minigrad.program import Variable


def changes(line: Expression, about: Surroundings) -> Iterator[Change]:
    """Every expression that comes from a line by one change."""
    for change in (*_of_the_whole(line, about), *changes_within(line, about)):
        if change.far <= about.farthest:
            yield Change(*change[:-1], line)


def _of_the_whole(line: Expression, about: Surroundings) -> Iterator[Change]:
    yield Change(negated(line), "sign", line, None, 1)
    shape = np.shape(about.values[about.line])
    if len(shape) == 2 and 1 not in shape:
        yield Change(transposed(line), "result transposed", line, None, 1.5)
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
            yield Change(scaled(line, factor, power), "all scaled", line, factor, far, power)
    for i, (sign, term) in enumerate(terms):
        for factor, power, far in _foreign_factors(term, about):
            longer = scaled(term, factor, power)
            changed = Sum(with_term(terms, i, (sign, longer))) if isinstance(line, Sum) else longer
            yield Change(changed, "factor added", None, factor, far, power)
    for z, a in about.slopes:
        yield from _other_slopes(line, z, a)
    yield from _throughout(line, about)
    yield from _swapped(line, about)


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
            yield complement(Atom(constant)), 1, 3.5
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
                    yield slope_of(function, Atom(x), y), 1, 3


def _applied(function: Callable[..., Any], x: Variable, about: Surroundings) -> Expression:
    """A function of a value: under its own name, where the program has it."""
    for other in about.arrays:
        e = other.equation
        if e is not None and e.function is function and e.inputs == (x,) and other.name:
            return Atom(other)
    return Apply(function, (Atom(x),), {})


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
    slope = product_of(tuple(own), joint=False)
    for function in activations:
        again = Apply(function, (Atom(a),), {})  # the derivative, taken at a
        for y in (Atom(a), Atom(z), again):
            for x in (Atom(z), Atom(a)):
                new = slope_of(function, x, y)
                far = 2.5 if x.value is z and y is not again else 3
                whole = Product((*rest, *new.factors), isinstance(line, Product) and line.joint)
                yield Change(whole, "slope exchanged", slope, new, far)
