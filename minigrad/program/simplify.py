"""Simplification: the same values, written as a person would write them.

A graph is rebuilt equation by equation, oldest first, out of operands that are simple already.  Each rewrite
is a small function of one equation, which keeps the value: `simplify(tensor)` never changes a shape or a
dtype, and changes a number by rounding alone.

Scalars travel apart from arrays.  Every operand is a *monomial* times a *core*: the monomial is an exact
fraction times powers of named constants, and linear functions hand it on, so that what stands in the end is
written once: 2 · lambd/(2 m) · W becomes  lambd / m * W,  and  g / keep_prob * D  becomes  g * D / keep_prob.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from functools import reduce
from math import isfinite
from operator import getitem, mul
from typing import Any, NamedTuple

import numpy as np

from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.windows import overlap_add, windows
from minigrad.random import is_generator
from minigrad.table import table
from minigrad.tensor import Tensor, record

Operand = Any
"""A Tensor, a Python number, a Fraction, or an array that is no Tensor."""

_most_terms = 8
"""Longer sums are not looked into."""

_largest_power = 3
"""A product with a higher power of a constant is not looked into: powers are written as products."""

_largest_written = 1000
"""Fractions whose numerator and denominator are at most this are written as such, others as a decimal."""

_longest_typed = 8
"""How many characters a decimal has that is taken for one that was typed."""


Rewrite = Callable[["Simplifier", tuple[Operand, ...], Mapping[str, Any]], Operand]
"""Of a function: a simpler operand of the same value, made of the operands and parameters, or None."""


class Monomial(NamedTuple):
    """number · Π scalarᵖ:  an exact fraction times powers of named constants, which are given by stamp.

    divisor  what the number is written over, where that is not its denominator:  5/4 over 4/5 is 1 / 0.8,
             and 1/5 over 1 is 0.2, as they were typed

    >>> half = Monomial(Fraction(1, 2))
    >>> (half * Monomial(Fraction(2), ((7, 1),))).powers
    ((7, 1),)
    >>> (Monomial.of(2) * Monomial.of(0.1)).over, (Monomial.of(2) * Monomial.of(0.8).inverse()).over
    ((Fraction(1, 5), Fraction(1, 1)), (Fraction(2, 1), Fraction(4, 5)))
    """

    number: Fraction
    powers: tuple[tuple[int, int], ...] = ()
    divisor: Fraction | None = None

    @classmethod
    def of(cls, x: Fraction | int | float) -> Monomial:
        """A number; a float that is typed with a few digits stays a decimal."""
        number = exact(x)
        return cls(number, (), _as_typed(number, Fraction(1)) if type(x) is float else None)

    @property
    def over(self) -> tuple[Fraction, Fraction | int]:
        """What the number is written as: what stands above the line, and below it."""
        below = self.number.denominator if self.divisor is None else self.divisor
        return self.number * below, below

    def __mul__(self, other: Monomial) -> Monomial:  # type: ignore[override]
        powers = dict(self.powers)
        for scalar, power in other.powers:
            powers[scalar] = powers.get(scalar, 0) + power
        number, divisor = self.number * other.number, None
        if self.divisor is not None or other.divisor is not None:
            divisor = _as_typed(number, Fraction(self.over[1] * other.over[1]))
        return Monomial(number, tuple(p for p in powers.items() if p[1]), divisor)

    def inverse(self) -> Monomial:
        """1 / it."""
        divisor = None if self.divisor is None else _as_typed(1 / self.number, self.over[0])
        return Monomial(1 / self.number, tuple((scalar, -power) for scalar, power in self.powers), divisor)

    def size(self) -> Monomial:
        """The same without its sign."""
        return self * _minus_one if self.number < 0 else self

    def plus(self, other: Monomial) -> Monomial:
        """The sum with a number times the same powers."""
        number = self.number + other.number
        typed = self.divisor == other.divisor is not None
        return Monomial(number, self.powers, _as_typed(number, self.over[1]) if typed else None)


def _as_typed(number: Fraction, divisor: Fraction | int) -> Fraction | None:
    """The divisor, if number · divisor over divisor is short, and not better written as a fraction.

    >>> [_as_typed(Fraction(n), Fraction(d)) for n, d in (("5/4", "4/5"), ("1/5", 1), ("1/2", "1/5"))]
    [Fraction(4, 5), Fraction(1, 1), None]
    """
    divisor = abs(Fraction(divisor))
    parts = number * divisor, divisor
    decimals = sum(part.denominator != 1 for part in parts)
    whole = 1 in (number.denominator, abs(number.numerator)) and decimals == 2
    short = all(Fraction(repr(float(x))) == x and len(repr(float(x))) <= _longest_typed for x in parts)
    return divisor if decimals and short and number.denominator != 1 and not whole else None


_one = Monomial(Fraction(1))
_minus_one = Monomial(Fraction(-1))


class Simplifier:
    """Rebuilds equations out of simple operands; what it has built once it uses again.

    >>> from minigrad import constant
    >>> W, m = Tensor([3.0, 4.0], name="W"), constant(5, "m")
    >>> s = Simplifier()
    >>> s.equation(np.multiply, (s.equation(np.divide, (2, s.equation(np.multiply, (2, m)))), W))
    Tensor([0.6, 0.8], made by np.divide)
    """

    rewrites: Mapping[Callable[..., Any], Rewrite]
    """Function -> how it is written more simply."""

    def __init__(self) -> None:
        self._built: dict[Any, Operand] = {}
        self._factors: dict[int, tuple[Monomial, Operand]] = {}
        self._given: set[int] = set()  # stamps of what is computed already: there is nothing to be gained
        self._sums: dict[int, list[tuple[Monomial, Operand]]] = {}
        self._factors_of: dict[int, tuple[Any, ...]] = {}  # stamp of a product -> what it is a product of
        self._products: dict[tuple[Any, ...], Operand] = {}
        self._scalars: dict[int, Tensor] = {}
        self._constants: dict[Any, Tensor] = {}
        self.varying: set[int] = set()  # stamps of leaves that will have other values

    # ---- operands

    def leaf(self, tensor: Tensor) -> Operand:
        """A leaf as an operand: unnamed numbers as Python numbers, equal constants of one name as one."""
        if tensor.stamp in self.varying:
            return tensor
        value = tensor._value
        python = type(value) in (int, float)
        if tensor.name is None and not tensor.requires_grad and tensor.shape == ():
            return tensor.item() if python or tensor.dtype == np.float64 else tensor
        if not python:
            return tensor
        return self._constants.setdefault((tensor.name, type(value), value), tensor)

    def _as_leaf(self, x: Operand) -> Operand:
        """A leaf as an operand; of what is computed, equal values are not the same thing."""
        return self.leaf(x) if isinstance(x, Tensor) and x.function is None else x

    def given(self, tensor: Tensor, inputs: tuple[Operand, ...]) -> Operand:
        """A result that exists already as an operand; it stands for what is computed alike."""
        assert tensor.function is not None
        self._given.add(tensor.stamp)
        if any(map(is_generator, tensor.parameters.values())):
            return tensor  # another draw is another value
        self._built.setdefault(self._key(tensor.function, inputs, tensor.parameters), tensor)
        if tensor.function is np.multiply:
            self._known_product(tensor, inputs)
        cores = [core for _, core in map(self.split, inputs) if core is not None]
        multiple = tensor.function in _multiples and len(cores) == 1 and _is_at_hand(cores[0])
        if tensor.name is None and (multiple or not cores):
            with suppress(ZeroDivisionError, OverflowError):
                opened = self.split(self.equation(tensor.function, inputs, tensor.parameters))
                if not cores or opened[1] is cores[0]:
                    self._factors[tensor.stamp] = opened
        return tensor

    def _known_product(self, value: Operand, inputs: Iterable[Operand]) -> Operand:
        """The product, or one of the same factors in another order that was built before."""
        factors: list[Any] = []
        for x in inputs:
            alone = (identity_of(x),)
            is_open = isinstance(x, Tensor) and x.name is None
            factors += self._factors_of.get(x.stamp, alone) if is_open else alone
        if not isinstance(value, Tensor) or len(factors) > _most_terms:
            return value
        together = tuple(sorted(factors, key=repr))
        self._factors_of.setdefault(value.stamp, together)
        return self._products.setdefault(together, value)

    def simplified(self, tensor: Tensor, inputs: tuple[Operand, ...]) -> Operand:
        """A result computed anew in its simplest form, of the same shape and dtype."""
        assert tensor.function is not None
        try:
            value = self.equation(tensor.function, inputs, tensor.parameters)
            if isinstance(value, Fraction):
                float(value)  # 1e400 is none
        except (ZeroDivisionError, OverflowError):  # nan and inf, which arrays give and numbers do not
            return tensor
        scalar = not hasattr(value, "dtype") or self.split(value)[1] is None
        if _shape(value) == tensor.shape and (scalar or value.dtype == tensor.dtype):
            return value
        value = self.build(tensor.function, inputs, tensor.parameters)
        return self.equation(np.astype, (value,), {"dtype": tensor.dtype})

    def _terms(self, x: Operand) -> list[tuple[Monomial, Operand]]:
        """What it is a sum of, if it is a short sum without a name."""
        if isinstance(x, Tensor) and x.stamp in self._sums and x.name is None:
            return self._sums[x.stamp]
        p, a = self.split(x)
        if p == _minus_one and isinstance(a, Tensor) and a.stamp in self._sums and a.name is None:
            return [(q * p, b) for q, b in self._sums[a.stamp]]
        return [(p, a)]

    def _sum_of(self, terms: list[tuple[Monomial, Operand]]) -> Operand:
        value, before = None, terms[0]
        p, _ = before
        if len(terms) > 1 and all(_are_alike(p, q) and core is not None for q, core in terms):
            inside = [(q * p.size().inverse(), core) for q, core in terms]
            return self.scaled(p.size(), self._sum_of(inside))
        for p, a in terms:
            term = self.product(p, a)
            value = term if value is None else _sum_of_two(self, value, before, term, (p, a))
            before = self.split(value)
        if isinstance(value, Tensor) and len(terms) > 1:
            self._sums.setdefault(value.stamp, terms)
        return value

    def atom(self, tensor: Tensor) -> None:
        """Let a value be written by its name from now on: its factors are not looked into."""
        self._factors[tensor.stamp] = _one, tensor

    def split(self, x: Operand) -> tuple[Monomial, Operand]:
        """(monomial, core) with x = monomial · core; the core is None for a scalar."""
        if isinstance(x, Tensor):
            found = self._factors.get(x.stamp)
            if found is None:
                scalar = x.function is None and not x.shape and x.dtype.kind in "fiu"
                if scalar:
                    self._scalars[x.stamp] = x
                found = (Monomial(Fraction(1), ((x.stamp, 1),)), None) if scalar else (_one, x)
                self._factors[x.stamp] = found
            return found
        if type(x) is Fraction or (type(x) in (int, float) and isfinite(x)):
            return Monomial.of(x), None
        return _one, x

    def _split_factors(self, inputs: tuple[Operand, ...]) -> list[tuple[Monomial, Operand]]:
        """The factors of an elementwise product, split; what was broadcast for it is taken as it was."""
        split = [self.split(x) for x in inputs]
        cores = tuple(1 if core is None else core for _, core in split)
        for i, simple in enumerate(_without_broadcasts(cores)):
            if simple is not cores[i]:
                monomial, core = self.split(simple)
                split[i] = split[i][0] * monomial, core
        return split

    def _unrepeated(self, inputs: tuple[Operand, ...]) -> tuple[Operand, Operand]:
        """Two operands of a sum as they were before they were broadcast for it."""
        split = [self.split(x) for x in inputs]
        cores = tuple(1 if core is None else core for _, core in split)
        simple = _without_broadcasts(cores)
        x, y = (inputs[i] if simple[i] is cores[i] else self.scaled(split[i][0], simple[i]) for i in range(2))
        return x, y

    def product(self, monomial: Monomial, core: Operand) -> Operand:
        """monomial · core as a person writes it: p / q * core, or core / q where there is nothing above."""
        number = monomial.number
        if core is None and (not monomial.powers or not number):
            return number if monomial.divisor is None else float(number)
        above: list[Operand] = []
        below: list[Operand] = []
        top, bottom = monomial.over
        is_mask = core is not None and is_narrow(core)
        if number < 0 and not is_mask and (core is not None or any(n > 0 for _, n in monomial.powers)):
            positive = self.product(monomial * _minus_one, core)
            return self._remember(self.build(np.negative, (positive,)), monomial, core)
        if monomial.divisor is not None or max(abs(top), bottom) <= _largest_written:
            above += [float(top) if is_mask else top] * (top != 1)  # -D is none, where D is a mask
            below += [bottom] * (bottom != 1)
        else:
            above.append(float(number))
        for stamp, power in monomial.powers:
            (above if power > 0 else below).extend([self._scalars[stamp]] * abs(power))
        factor, divisor = self._chain(above), self._chain(below)
        if core is None:
            value = self._quotient(1 if factor is None else factor, divisor)
        elif any(power > 0 for _, power in monomial.powers):
            value = self.build(np.multiply, (self._quotient(factor, divisor), core))
        else:
            value = self._quotient(
                core if factor is None else self.build(np.multiply, (factor, core)), divisor
            )
        return self._remember(value, monomial, core)

    def scaled(self, monomial: Monomial, x: Operand) -> Operand:
        """monomial · x"""
        p, core = self.split(x)
        return self.product(monomial * p, core)

    def is_inverse(self, x: Operand) -> bool:
        """Whether it is 1 / a, and a product with it is better written as a quotient."""
        return (
            isinstance(x, Tensor)
            and x.function is np.divide
            and x.name is None
            and x.stamp not in self._given
            and not isinstance(x.inputs[0], Tensor)
            and bool(np.all(x.inputs[0] == 1))
        )

    def _quotient(self, top: Operand, bottom: Operand | None) -> Operand:
        if bottom is None:
            return top
        if isinstance(top, int | float | Fraction) and isinstance(bottom, int | float | Fraction):
            return Fraction(top) / Fraction(bottom)
        return self.build(np.divide, (top, bottom))

    def _chain(self, factors: list[Operand]) -> Operand:
        value = None
        for factor in factors:
            value = factor if value is None else self.build(np.multiply, (value, factor))
        return value

    def _remember(self, value: Operand, monomial: Monomial, core: Operand) -> Operand:
        if isinstance(value, Tensor):
            written = all(abs(power) <= _largest_power for _, power in monomial.powers)
            self._factors.setdefault(value.stamp, (monomial, core) if written else (_one, value))
        return value

    # ---- equations

    def equation(
        self, function: Callable, inputs: tuple[Operand, ...], parameters: Mapping[str, Any] | None = None
    ) -> Operand:
        """function(*inputs, **parameters) in its simplest form: a rewrite's, or the equation as it is."""
        parameters = table[function].parameters if parameters is None else parameters
        rewrite = self.rewrites.get(function)
        if rewrite is not None:
            value = rewrite(self, inputs, parameters)
            if value is not None:
                return value
        return self.build(function, inputs, parameters)

    def build(
        self, function: Callable, inputs: tuple[Operand, ...], parameters: Mapping[str, Any] | None = None
    ) -> Operand:
        """Compute and record the equation, or give what was built of the same before."""
        parameters = table[function].parameters if parameters is None else parameters
        inputs = tuple(as_written(x) for x in inputs)
        if function in _added and all(map(is_narrow, inputs)):
            inputs = (self.build(np.astype, inputs[:1], {"dtype": np.dtype(float)}), *inputs[1:])
        key = self._key(function, inputs, parameters)
        value = self._built.get(key)
        if value is None:
            value = self._built[key] = recorded(function, inputs, dict(parameters))
        return value

    def _key(self, function: Callable, inputs: Iterable[Operand], parameters: Mapping[str, Any]) -> Any:
        return (
            function,
            tuple(identity_of(self._as_leaf(x)) for x in inputs),
            tuple(identity_of(value) for value in parameters.values()),
        )


def recorded(function: Callable[..., Any], inputs: tuple[Any, ...], parameters: dict[str, Any]) -> Tensor:
    """The result with its origin, which is not kept where there are only numbers."""
    y = record(function, inputs, parameters)
    y.function, y.inputs, y.parameters = function, inputs, parameters
    return y


def exact(x: Fraction | int | float) -> Fraction:
    """The simplest fraction that rounds to a number: 1/3 for 0.3333333333333333, 1/10 for 0.1.

    >>> exact(0.1), exact(-1 / 7), exact(3)
    (Fraction(1, 10), Fraction(-1, 7), Fraction(3, 1))
    """
    if type(x) is Fraction:
        return x
    simple = Fraction(x).limit_denominator(_largest_written)
    return simple if float(simple) == x else Fraction(repr(x))


def as_written(x: Operand) -> Operand:
    """A fraction as the Python number that stands in an equation."""
    if type(x) is not Fraction:
        return x
    return x.numerator if x.denominator == 1 else float(x)


def identity_of(value: Any) -> Any:
    """What tells one operand or parameter from another."""
    if isinstance(value, Tensor):
        return Tensor, value.stamp
    if isinstance(value, list | tuple):
        return type(value), tuple(map(identity_of, value))
    if isinstance(value, slice):
        return slice, identity_of((value.start, value.stop, value.step))
    if isinstance(value, np.ndarray) or is_generator(value):
        return id(value)
    return type(value), value


# ---- the rewrites: each gives a simpler operand of the same value, or None

_rewrites: dict[Callable[..., Any], Rewrite] = {}
Simplifier.rewrites = _rewrites


def _rewrite(*functions: Callable[..., Any]) -> Callable[[Rewrite], Rewrite]:
    """Decorator: the rewrite of these functions."""

    def enter(rewrite: Rewrite) -> Rewrite:
        _rewrites.update(dict.fromkeys(functions, rewrite))
        return rewrite

    return enter


@_rewrite(np.multiply)
def _multiply(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """(p a) (q b) = p q · (a b), or a / c for b = 1 / c;  0 times an array stays, for its shape"""
    (p, a), (q, b) = s._split_factors(inputs)
    if p.number * q.number == 0 and not a is b is None:
        return None
    if a is None or b is None:
        return s.product(p * q, a if b is None else b)
    for x, y in ((a, b), (b, a)):
        if s.is_inverse(x):
            return s.product(p * q, s._known_product(s.build(np.divide, (y, x.inputs[1])), (a, b)))
    return s.product(p * q, s._known_product(s.build(np.multiply, (a, b)), (a, b)))


@_rewrite(np.divide)
def _divide(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """(p a) / (q b) = p / q · (a / b)"""
    (p, a), (q, b) = s._split_factors(inputs)
    if q.number == 0 or (p.number == 0 and not a is b is None):
        return None
    if b is not None:
        a = s.build(np.divide, (1 if a is None else a, b))
    return s.product(p * q.inverse(), a)


@_rewrite(np.negative)
def _negative(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """-(p a) = (-p) a"""
    p, a = s.split(inputs[0])
    return s.product(p * _minus_one, a)


@_rewrite(np.positive)
def _positive(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    return inputs[0]


@_rewrite(np.add)
def _add(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """a + 0 = a,  p a + q a = (p + q) a,  a + (-b) = a - b"""
    return _sum(s, *s._unrepeated(inputs), _one)


@_rewrite(np.subtract)
def _subtract(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """a - 0 = a,  p a - q a = (p - q) a,  a - (-b) = a + b"""
    return _sum(s, *s._unrepeated(inputs), _minus_one)


def _sum(s: Simplifier, x: Operand, y: Operand, sign: Monomial) -> Operand:
    """x + sign · y"""
    (p, a), (q, b) = s.split(x), s.split(y)
    q = q * sign
    if a is b is None and not p.powers and not q.powers:
        return p.number + q.number
    terms = [*s._terms(x), *((r * sign, c) for r, c in s._terms(y))]
    together = _like_terms_together(terms)
    if len(together) < len(terms):
        return s._sum_of(together)
    if _are_alike(p, q) and a is not None and b is not None:
        size = p.size()
        first = s.product(p * size.inverse(), a)
        value = s.scaled(size, _sum(s, first, b, q * size.inverse()))
    elif q == _minus_one and len(s._terms(y)) > 1:
        return s._sum_of(terms)  # a - (b + c) is  a - b - c
    else:
        value = _sum_of_two(s, x, (p, a), y, (q, b))
    if isinstance(value, Tensor) and len(terms) <= _most_terms:
        s._sums.setdefault(value.stamp, terms)
    return value


def _are_alike(p: Monomial, q: Monomial) -> bool:
    """Whether two terms have the same factor, but for its sign, and it is worth being written once: / m."""
    worth = p.powers != () or p.over[1] != 1
    return worth and p.powers == q.powers and abs(p.number) == abs(q.number)


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


def _sum_of_two(
    s: Simplifier, x: Operand, of_x: tuple[Monomial, Operand], y: Operand, of_y: tuple[Monomial, Operand]
) -> Operand:
    """x + y, of which the factors are known; a sum begins with a positive term if it has one."""
    (p, a), (q, b) = of_x, of_y
    if q.number == 0 and _shape(y) == ():
        return x
    if p.number == 0 and _shape(x) == ():
        return s.product(q, b)
    if q.number < 0:
        if p.number < 0:
            both = s.build(np.add, (s.product(p * _minus_one, a), s.product(q * _minus_one, b)))
            return s.product(_minus_one, both)
        return s.build(np.subtract, (x, s.product(q * _minus_one, b)))
    if p.number < 0:
        return s.build(np.subtract, (s.product(q, b), s.product(p * _minus_one, a)))
    return s.build(np.add, (x, s.product(q, b)))


@_rewrite(np.power)
def _power(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """a¹ = a,  a² = square(a)"""
    base, exponent = inputs
    if type(exponent) in (int, float) and isinstance(base, Tensor) and base.dtype.kind == "f":
        if exponent == 1:
            return base
        if exponent == 2:
            return s.build(np.square, (base,))
    return None


@_rewrite(np.where)
def _where(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """What was broadcast for it as it was"""
    return s.build(np.where, _without_broadcasts(inputs))


@_rewrite(np.astype)
def _astype(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """No cast to the dtype that it has; a Python number takes the dtype of what it meets."""
    (x,) = inputs
    if not isinstance(x, Tensor) or s.split(x)[1] is None:
        return x
    return x if x.dtype == parameters["dtype"] else None


@_rewrite(np.transpose)
def _transpose(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """(aᵀ)ᵀ = a,  (p a)ᵀ = p aᵀ,  (aᵀ b)ᵀ = bᵀ a"""
    p, a = s.split(inputs[0])
    axes, n = parameters["axes"], _ndim(a)
    if a is None or n < 2 or (axes is not None and [i % n for i in axes] == list(range(n))):
        return inputs[0]
    if n == 2:
        return s.product(p, _turned(s, a))
    if axes is None and _made_by(np.transpose, a) and a.parameters["axes"] is None:
        return s.product(p, a.inputs[0])
    return None


@_rewrite(np.swapaxes)
def _swapped(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """The same for each matrix in a stack"""
    p, a = s.split(inputs[0])
    if a is None or not swaps_last_axes(parameters, _ndim(a)):
        return _linear(np.swapaxes)(s, inputs, parameters)
    return s.product(p, _turned(s, a))


def swaps_last_axes(parameters: Mapping[str, Any], ndim: int) -> bool:
    """Whether np.swapaxes with these parameters transposes the matrices in a stack."""
    return ndim > 1 and {parameters["axis1"] % ndim, parameters["axis2"] % ndim} == {ndim - 1, ndim - 2}


def _turned(s: Simplifier, a: Operand) -> Operand:
    """The transpose of a matrix, or of each matrix in a stack."""
    if _is_turned(a) and a.name is None:
        return a.inputs[0]
    if _made_by(np.broadcast_to, a) and not _shape(a.inputs[0]):
        shape = (*a.shape[:-2], a.shape[-1], a.shape[-2])
        return s.build(np.broadcast_to, a.inputs, {"shape": shape})
    if _made_by(np.matmul, a) and a.stamp not in s._given:
        left, right = a.inputs
        if min(_ndim(left), _ndim(right)) >= 2 and (_holds_turned(left) or _holds_turned(right)):
            return s.build(np.matmul, (_turned(s, right), _turned(s, left)))
    if isinstance(a, Tensor) and a.name is None and a.stamp in s._sums:
        terms = s._sums[a.stamp]
        if all(_ndim(core) == a.ndim and _holds_turned(core) for _, core in terms):
            return s._sum_of([(p, _turned(s, core)) for p, core in terms])
    if _ndim(a) == 2:
        return s.build(np.transpose, (a,), {"axes": None})
    return s.build(np.swapaxes, (a,), {"axis1": -1, "axis2": -2})


def _is_turned(x: Operand) -> bool:
    if not isinstance(x, Tensor) or x.ndim < 2:
        return False
    if x.function is np.transpose:
        axes = x.parameters["axes"]
        return x.ndim == 2 and (axes is None or tuple(i % 2 for i in axes) == (1, 0))
    return x.function is np.swapaxes and swaps_last_axes(x.parameters, x.ndim)


def _holds_turned(x: Operand) -> bool:
    """Whether it is a transpose, a product of matrices one of which is, or of one number all over."""
    uniform = _made_by(np.broadcast_to, x) and not _shape(x.inputs[0])
    return uniform or _is_turned(x) or (_made_by(np.matmul, x) and any(map(_is_turned, x.inputs)))


def _made_by(functions: Callable[..., Any] | tuple[Callable[..., Any], ...], x: Operand) -> bool:
    """Whether it is a result of the function that has no name: it may be written in another way."""
    functions = functions if isinstance(functions, tuple) else (functions,)
    return isinstance(x, Tensor) and x.function in functions and x.name is None


_multiples = (np.multiply, np.divide, np.negative)
"""Functions that give a multiple of an operand, if the other one is a number."""


def _is_at_hand(x: Operand) -> bool:
    """Whether it is written by its name, or is a leaf: a multiple of it needs no line."""
    return isinstance(x, Tensor) and (x.function is None or x.name is not None)


_added = (np.add, np.subtract, np.matmul, np.einsum, scatter_add, overlap_add)
"""Functions that add, which of masks is "or"."""


def is_narrow(x: Operand) -> bool:
    """Whether it is an array of booleans, or of integers that wrap around: not to be added or negated."""
    kind, size = getattr(getattr(x, "dtype", None), "kind", ""), getattr(x, "itemsize", 0)
    return kind in ("b", "u") or (kind == "i" and 0 < size < 8)


@_rewrite(np.matmul)
def _matmul(s: Simplifier, inputs: tuple[Operand, ...], _: Mapping[str, Any]) -> Operand:
    """(p a) (q b) = p q · (a b), the products of matrices"""
    (p, a), (q, b) = map(s.split, inputs)
    return s.product(p * q, s.build(np.matmul, (a, b)))


@_rewrite(np.sum)
def _summed(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """Σ p a = p Σ a,  and what was broadcast is multiplied: Σ over n equal terms is n of them"""
    (x,) = inputs
    p, a = s.split(x)
    if a is None:
        return None
    axis, keepdims = parameters["axis"], parameters["keepdims"]
    if _made_by(np.broadcast_to, a):
        source = a.inputs[0]
        axes = set(range(a.ndim)) if axis is None else {i % a.ndim for i in np.atleast_1d(axis).tolist()}
        lead = a.ndim - _ndim(source)
        repeated = {i for i in axes if i < lead or _shape(source)[i - lead] == 1 != a.shape[i]}
        if axes == repeated == set(range(lead)) and not keepdims and a.size:
            count = int(np.prod([a.shape[i] for i in axes]))
            return s.equation(np.multiply, (s.product(p, None), s.equation(np.multiply, (count, source))))
    return s.product(p, s.build(np.sum, (a,), parameters))


@_rewrite(getitem)
def _item(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """(p a)[i] = p a[i]"""
    p, a = s.split(inputs[0])
    return None if a is None else s.product(p, s.build(getitem, (a,), parameters))


def _homogeneous(function: Any) -> Rewrite:
    """The same the other way round, and for windows"""

    def rewrite(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
        p, a = s.split(inputs[0])
        return None if a is None else s.product(p, s.build(function, (a,), parameters))

    return rewrite


for _function in (scatter_add, windows, overlap_add):
    _rewrites[_function] = _homogeneous(_function)


@_rewrite(np.einsum)
def _einsum(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """Σ (p a) (q b) = p q Σ a b, over whichever axes"""
    monomials, factors = zip(*map(s.split, inputs), strict=True)
    if any(x is None for x in factors):
        return None
    return s.product(reduce(mul, monomials), s.build(np.einsum, factors, parameters))


def _linear(function: Any) -> Rewrite:
    """f(p a) = p f(a),  and f(a) = a where it changes nothing, or undoes what was done before"""

    def rewrite(s: Simplifier, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
        p, a = s.split(inputs[0])
        if a is None:
            number = not isinstance(inputs[0], Tensor)
            return s.build(function, (float(inputs[0]),), parameters) if number else None
        value = s.build(function, (a,), parameters)
        if _made_by(np.broadcast_to, a) and not _shape(a.inputs[0]):
            value = s.build(np.broadcast_to, a.inputs, {"shape": _shape(value)})  # of one number, any shape
        if function is not np.swapaxes:
            value = _reshaped(s, a, value)
        return s.product(p, value)

    return rewrite


def _reshaped(s: Simplifier, a: Operand, value: Operand) -> Operand:
    """What has the value's shape without a detour: a, what it was made of, or a sum that keeps its axes."""
    x = a
    while _shape(x) != _shape(value) and _made_by(_shapes, x) and x.parameters.get("order", "C") == "C":
        x = x.inputs[0]
    if _shape(x) == _shape(value):
        return x
    if _made_by(np.sum, a) and a.parameters["axis"] is not None and not a.parameters["keepdims"]:
        source, axes = a.inputs[0], np.atleast_1d(a.parameters["axis"])
        kept = list(_shape(source))
        for axis in axes.tolist():
            kept[axis] = 1
        if tuple(kept) == _shape(value):
            return s.build(np.sum, a.inputs, {**a.parameters, "keepdims": True})
    return value


_shapes = (np.reshape, np.expand_dims, np.squeeze)
"""Functions that put the same numbers, in the same order, into another shape."""

for _function in (*_shapes, np.broadcast_to, np.ravel):
    _rewrites[_function] = _linear(_function)


def _without_broadcasts(inputs: tuple[Operand, ...]) -> tuple[Operand, ...]:
    """Operands of an elementwise function: what was broadcast for it as it was, since NumPy broadcasts."""
    simple = tuple(x.inputs[0] if _is_broadcast(x) else x for x in inputs)
    if np.broadcast_shapes(*map(_shape, simple)) == np.broadcast_shapes(*map(_shape, inputs)):
        return simple
    return inputs


def _is_broadcast(x: Operand) -> bool:
    """Whether NumPy does the same with its operand by itself: repeats it, or puts an axis first."""
    return _made_by(np.broadcast_to, x) or (
        _made_by(np.expand_dims, x) and x.parameters["axis"] in (0, -x.ndim)
    )


def _shape(x: Operand) -> tuple[int, ...]:
    return getattr(x, "shape", ())


def _ndim(x: Operand) -> int:
    return len(_shape(x))
