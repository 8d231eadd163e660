"""Sums and differences, and their terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.program.simplify.monomial import Monomial, minus_one, one
from minigrad.program.simplify.operands import Operand, shape_of, without_broadcasts
from minigrad.program.simplify.simplifier import Simplifier, most_terms, rewrite
from minigrad.tensor import Tensor


@rewrite(np.add)
def _add(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """a + 0 = a,  p a + q a = (p + q) a,  a + (-b) = a - b"""
    return _sum(s, *_unrepeated(s, inputs), one)


@rewrite(np.subtract)
def _subtract(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """a - 0 = a,  p a - q a = (p - q) a,  a - (-b) = a + b"""
    return _sum(s, *_unrepeated(s, inputs), minus_one)


def _sum(s: Simplifier, x: Operand, y: Operand, sign: Monomial) -> Operand:
    """x + sign · y"""
    (p, a), (q, b) = s.split(x), s.split(y)
    q = q * sign
    if a is b is None and not p.powers and not q.powers:
        return p.number + q.number
    terms = [*_terms(s, x), *((r * sign, c) for r, c in _terms(s, y))]
    together = _like_terms_together(terms)
    if len(together) < len(terms):
        return sum_of(s, together)
    if _are_alike(p, q) and a is not None and b is not None:
        size = p.size()
        first = s.product(p * size.inverse(), a)
        value = s.scaled(size, _sum(s, first, b, q * size.inverse()))
    elif q == minus_one and len(_terms(s, y)) > 1:
        return sum_of(s, terms)  # a - (b + c) is  a - b - c
    else:
        value = _sum_of_two(s, x, (p, a), y, (q, b))
    if isinstance(value, Tensor) and len(terms) <= most_terms:
        s.sums.setdefault(value.stamp, terms)
    return value


def sum_of(s: Simplifier, terms: list[tuple[Monomial, Operand]]) -> Operand:
    """Σ pᵢ aᵢ, term after term; a factor that all have is written once."""
    value, before = None, terms[0]
    p, _ = before
    if len(terms) > 1 and all(_are_alike(p, q) and core is not None for q, core in terms):
        inside = [(q * p.size().inverse(), core) for q, core in terms]
        return s.scaled(p.size(), sum_of(s, inside))
    for p, a in terms:
        term = s.product(p, a)
        value = term if value is None else _sum_of_two(s, value, before, term, (p, a))
        before = s.split(value)
    if isinstance(value, Tensor) and len(terms) > 1:
        s.sums.setdefault(value.stamp, terms)
    return value


def _sum_of_two(
    s: Simplifier, x: Operand, of_x: tuple[Monomial, Operand], y: Operand, of_y: tuple[Monomial, Operand]
) -> Operand:
    """x + y, of which the factors are known; a sum begins with a positive term if it has one."""
    (p, a), (q, b) = of_x, of_y
    if q.number == 0 and shape_of(y) == ():
        return x
    if p.number == 0 and shape_of(x) == ():
        return s.product(q, b)
    if q.number < 0:
        if p.number < 0:
            both = s.build(np.add, (s.product(p * minus_one, a), s.product(q * minus_one, b)))
            return s.product(minus_one, both)
        return s.build(np.subtract, (x, s.product(q * minus_one, b)))
    if p.number < 0:
        return s.build(np.subtract, (s.product(q, b), s.product(p * minus_one, a)))
    return s.build(np.add, (x, s.product(q, b)))


def _terms(s: Simplifier, x: Operand) -> list[tuple[Monomial, Operand]]:
    """What it is a sum of, if it is a short sum without a name."""
    if isinstance(x, Tensor) and x.stamp in s.sums and x.name is None:
        return s.sums[x.stamp]
    p, a = s.split(x)
    if p == minus_one and isinstance(a, Tensor) and a.stamp in s.sums and a.name is None:
        return [(q * p, b) for q, b in s.sums[a.stamp]]
    return [(p, a)]


def _like_terms_together(terms: list[tuple[Monomial, Operand]]) -> list[tuple[Monomial, Operand]]:
    """p a + q a = (p + q) a; terms that cancel stay as they are, for the shape that they have."""
    found: list[tuple[Monomial, Operand]] = []
    for p, a in terms:
        for i, (q, b) in enumerate(found):
            if a is b and p.powers == q.powers and p.number + q.number:
                found[i] = q.plus(p), a
                break
        else:
            found.append((p, a))
    return found


def _are_alike(p: Monomial, q: Monomial) -> bool:
    """Whether two terms have the same factor, but for its sign, and it is worth being written once: / m."""
    worth = p.powers != () or p.over[1] != 1
    return worth and p.powers == q.powers and abs(p.number) == abs(q.number)


def _unrepeated(s: Simplifier, inputs: tuple[Operand, ...]) -> tuple[Operand, Operand]:
    """Two operands of a sum as they were before they were broadcast for it."""
    split = [s.split(x) for x in inputs]
    cores = tuple(1 if core is None else core for _, core in split)
    simple = without_broadcasts(cores)
    x, y = (inputs[i] if simple[i] is cores[i] else s.scaled(split[i][0], simple[i]) for i in range(2))
    return x, y
