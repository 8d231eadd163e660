"""What stands before an array: an exact fraction times powers of named constants."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

largest_written = 1000
"""Fractions whose numerator and denominator are at most this are written as such, others as a decimal."""

_longest_typed = 8
"""How many characters a decimal has that is taken for one that was typed."""


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
        return self * minus_one if self.number < 0 else self

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


one = Monomial(Fraction(1))
minus_one = Monomial(Fraction(-1))


def exact(x: Fraction | int | float) -> Fraction:
    """The simplest fraction that rounds to a number: 1/3 for 0.3333333333333333, 1/10 for 0.1.

    >>> exact(0.1), exact(-1 / 7), exact(3)
    (Fraction(1, 10), Fraction(-1, 7), Fraction(3, 1))
    """
    if type(x) is Fraction:
        return x
    simple = Fraction(x).limit_denominator(largest_written)
    return simple if float(simple) == x else Fraction(repr(x))
