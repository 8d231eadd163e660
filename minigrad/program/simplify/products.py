"""Products, quotients, signs and powers."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import mul
from typing import Any

import numpy as np

from minigrad.program.simplify.monomial import Monomial, minus_one
from minigrad.program.simplify.operands import Operand, without_broadcasts
from minigrad.program.simplify.simplifier import Simplifier, rewrite
from minigrad.tensor import Tensor


@rewrite(np.multiply)
def _multiply(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """(p a) (q b) = p q · (a b), or a / c for b = 1 / c;  0 times an array stays, for its shape"""
    (p, a), (q, b) = _split_factors(s, inputs)
    if p.number * q.number == 0 and not a is b is None:
        return None
    if a is None or b is None:
        return s.product(p * q, a if b is None else b)
    for x, y in ((a, b), (b, a)):
        if s.is_inverse(x):
            return s.product(p * q, s.known_product(s.build(np.divide, (y, x.inputs[1])), (a, b)))
    return s.product(p * q, s.known_product(s.build(np.multiply, (a, b)), (a, b)))


@rewrite(np.divide)
def _divide(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """(p a) / (q b) = p / q · (a / b)"""
    (p, a), (q, b) = _split_factors(s, inputs)
    if q.number == 0 or (p.number == 0 and not a is b is None):
        return None
    if b is not None:
        a = s.build(np.divide, (1 if a is None else a, b))
    return s.product(p * q.inverse(), a)


@rewrite(np.negative)
def _negative(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """-(p a) = (-p) a"""
    p, a = s.split(inputs[0])
    return s.product(p * minus_one, a)


@rewrite(np.positive)
def _positive(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    return inputs[0]


@rewrite(np.power)
def _power(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """a¹ = a,  a² = square(a)"""
    base, exponent = inputs
    if type(exponent) in (int, float) and isinstance(base, Tensor) and base.dtype.kind == "f":
        if exponent == 1:
            return base
        if exponent == 2:
            return s.build(np.square, (base,))
    return None


@rewrite(np.matmul)
def _matmul(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """(p a) (q b) = p q · (a b), the products of matrices"""
    (p, a), (q, b) = map(s.split, inputs)
    return s.product(p * q, s.build(np.matmul, (a, b)))


@rewrite(np.einsum)
def _einsum(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """Σ (p a) (q b) = p q Σ a b, over whichever axes"""
    monomials, factors = zip(*map(s.split, inputs), strict=True)
    if any(x is None for x in factors):
        return None
    return s.product(reduce(mul, monomials), s.build(np.einsum, factors, parameters))


def _split_factors(s: Simplifier, inputs: tuple[Operand, ...]) -> list[tuple[Monomial, Operand]]:
    """The factors of an elementwise product, split; what was broadcast for it is taken as it was."""
    split = [s.split(x) for x in inputs]
    cores = tuple(1 if core is None else core for _, core in split)
    for i, simple in enumerate(without_broadcasts(cores)):
        if simple is not cores[i]:
            monomial, core = s.split(simple)
            split[i] = split[i][0] * monomial, core
    return split
