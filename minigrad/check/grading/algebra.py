"""Expressions made of others: negated, scaled, transposed."""

from __future__ import annotations

import numpy as np

from minigrad.check.grading.expression import (
    Apply,
    Atom,
    Expression,
    Product,
    Sum,
    number,
)


def negated(line: Expression) -> Expression:
    """-line, as it is written by hand: (Y - A) / m for (A - Y) / m."""
    if isinstance(line, Sum):
        terms = sorted(((-sign, term) for sign, term in line.terms), key=lambda entry: -entry[0])
        return sum_of(tuple(terms))
    if isinstance(line, Product):
        (first, power), *rest = line.factors
        if isinstance(first, Sum) and power > 0:
            return Product(((negated(first), 1), *rest), line.joint)
    return Sum(((-1, line),))


def scaled(term: Expression, factor: Expression, power: int) -> Product:
    if isinstance(term, Product):
        return Product((*term.factors, (factor, power)), term.joint)
    return Product(((term, 1), (factor, power)))


def sum_of(terms: tuple[tuple[int, Expression], ...]) -> Expression:
    return terms[0][1] if len(terms) == 1 and terms[0][0] > 0 else Sum(terms)


def with_term(
    terms: tuple[tuple[int, Expression], ...], i: int, term: tuple[int, Expression]
) -> tuple[tuple[int, Expression], ...]:
    return (*terms[:i], term, *terms[i + 1 :])


def product_of(factors: tuple[tuple[Expression, int], ...], joint: bool) -> Expression:
    return factors[0][0] if len(factors) == 1 and factors[0][1] > 0 else Product(factors, joint)


def transposed(x: Expression) -> Expression:
    if isinstance(x, Apply) and x.function is np.transpose and x.parameters["axes"] is None:
        return x.inputs[0]
    return Apply(np.transpose, (x,), {"axes": None})


def complement(x: Atom) -> Expression:
    """1 - x."""
    return Sum(((1, number(1)), (-1, x)))
