"""Numbers as a reader meets them: plain decimals with a real minus sign, no 1.2e-05.

Tables of gradients, whose entries differ by powers of ten, and .csv and .json files keep exponents; so do
numbers that would be too long, from ten million on.
"""

from __future__ import annotations

from math import floor, isfinite, log10

import numpy as np

_finest = 6
"""How many decimals a number gets at most."""

_most = 1e7
"""From here on a number has an exponent, since its digits would fill the line."""


def decimals(number: float, digits: int = 3) -> str:
    """Three significant digits or all digits before the point, six decimals at most.

    >>> decimals(0.30634), decimals(-0.00791), decimals(12345.6), decimals(1.23e-5), decimals(-1e-9)
    ('0.306', '−0.00791', '12,346', '0.000012', '0')
    >>> decimals(-1234567.8), decimals(1.234e45)  # of a training that diverges
    ('−1,234,568', '1.23e+45')
    """
    if not isfinite(number):
        return "−∞" if number < 0 else "∞"
    if abs(number) >= _most:
        return f"{number:.{digits - 1}e}".replace("-", "−")
    if abs(number) < 0.5 * 10**-_finest:
        return "0"
    places = digits - 1 - floor(log10(abs(number)))
    return f"{number:,.{min(max(places, 0), _finest)}f}".replace("-", "−")


def strength(number: float) -> str:
    """λ, keep_prob or a learning rate as it was given, without an exponent.

    >>> strength(0.7), strength(1e-5), strength(2e6)
    ('0.7', '0.00001', '2000000')
    """
    written = np.format_float_positional(float(f"{number:.6g}"), trim="-")
    return written if len(written) < 16 else f"{number:g}"


def percent(share: float) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.9905)
    '99.1%'
    """
    return f"{100 * share:.1f}%"


def signed(number: float) -> str:
    """A change with its sign and one decimal, or as many as it takes to see that it is one.

    >>> signed(-50.04), signed(2.0), signed(-0.0004), signed(0)
    ('−50.0', '+2.0', '−0.0004', '0')
    """
    if not number:
        return "0"
    written = f"{abs(number):.1f}"
    if abs(number) < 0.05:
        written = np.format_float_positional(abs(number), precision=1, fractional=False, trim="-")
    return f"{'−' if number < 0 else '+'}{written}"


def power(number: float, digits: int = 0) -> str:
    """A number with a power of ten, in HTML: 3·10<sup>−14</sup>.

    >>> power(3.1e-14), power(-0.0123456, digits=3), power(0)
    ('3·10<sup>−14</sup>', '−1.235·10<sup>−2</sup>', '0')
    """
    if not number or not isfinite(number):
        return decimals(number)
    mantissa, exponent = f"{number:.{digits}e}".split("e")
    return f"{mantissa}·10<sup>{int(exponent)}</sup>".replace("-", "−")


def word(n: int) -> str:
    """A small number as a word."""
    return {1: "one", 2: "two", 3: "three", 4: "four"}.get(n, f"{n:,}")


def listed(parts: list[str]) -> str:
    """One, two and three.

    >>> listed(["L2", "dropout", "both"]), listed(["L2"])
    ('L2, dropout and both', 'L2')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
