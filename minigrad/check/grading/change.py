"""One change of an expression, and what a line can be changed into."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from minigrad.check.grading.expression import (
    Expression,
    Values,
)
from minigrad.program import Variable


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
