"""Simplification: the same values, written as a person would write them.

A graph is rebuilt equation by equation, oldest first, out of operands that are simple already.  Each rewrite
is a small function of one equation, which keeps the value: `simplify(tensor)` never changes a shape or a
dtype, and changes a number by rounding alone.

Scalars travel apart from arrays.  Every operand is a *monomial* times a *core*: the monomial is an exact
fraction times powers of named constants, and linear functions hand it on, so that what stands in the end is
written once: 2 · lambd/(2 m) · W becomes  lambd / m * W,  and  g / keep_prob * D  becomes  g * D / keep_prob.

monomial.py     Monomial: an exact fraction times powers of named constants
operands.py     what equations are rebuilt of
simplifier.py   Simplifier: applies the rewrites, and keeps what it has built

The rewrites, by topic; each gives a simpler operand of the same value, or None:

products.py     products, also of matrices, quotients, signs, powers
sums.py         sums and differences, and their terms
shapes.py       what linear functions of one array hand on; shapes, dtypes, elements
transposes.py   transposes, of matrices in a stack too
"""

from minigrad.program.simplify import products, shapes, sums, transposes  # noqa: F401, they enter rewrites
from minigrad.program.simplify.monomial import Monomial, exact
from minigrad.program.simplify.operands import Operand, as_written, identity_of, is_narrow, recorded
from minigrad.program.simplify.simplifier import Rewrite, Simplifier
from minigrad.program.simplify.transposes import swaps_last_axes

__all__ = [
    "Monomial", "Operand", "Rewrite", "Simplifier", "as_written", "exact", "identity_of", "is_narrow",
    "recorded", "swaps_last_axes",
]  # fmt: skip
