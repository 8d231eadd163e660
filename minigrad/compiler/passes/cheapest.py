"""Simplification that looks at what an operation costs: the same values from fewer and smaller arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.program import Equation, Program, Variable
from minigrad.program.simplify import Monomial, Operand, Simplifier
from minigrad.table import table
from minigrad.tensor import Tensor

_few = 4096
"""Up to so many elements, an elementwise operation costs hardly more than the call of NumPy itself."""


class Cheapest(Simplifier):
    """A simplifier that applies a factor to the smallest array, and a mask once.

    reasons  stamp of a value -> why it is computed so
    """

    def __init__(self) -> None:
        super().__init__()
        self.reasons: dict[int, str] = {}
        self._uses: Counter[int] = Counter()

    def used(self, operand: Operand, times: int) -> None:
        """How often the recorded value is used for which the operand stands."""
        if isinstance(operand, Tensor):
            self._uses[operand.stamp] += times

    def product(self, monomial: Monomial, core: Operand) -> Operand:
        """monomial · core; of a product of matrices that serves nothing else, a small one gets the factor."""
        if _made_by(np.matmul, core) and self._uses[core.stamp] == 1 and _is_factor(monomial):
            a, b = core.inputs
            smaller = a if _size(a) <= _size(b) else b
            if _cost(smaller) < _cost(core):
                scaled = self.scaled(monomial, smaller)
                inputs = (scaled, b) if smaller is a else (a, scaled)
                return self.because(self.build(np.matmul, inputs), _moved)
        if _made_by(np.transpose, core) and core.ndim == 2 and _is_factor(monomial):
            scaled = self.scaled(monomial, core.inputs[0])  # which may be needed as it is, too
            return self._remember(self.build(np.transpose, (scaled,), core.parameters), monomial, core)
        return super().product(monomial, core)

    def is_inverse(self, x: Operand) -> bool:
        """Never: what is divided once, and small, costs less than a large array that is divided."""
        return False

    def known(self, function: Callable[..., Any], inputs: tuple[Operand, ...]) -> Operand | None:
        """What was computed by the function from these operands before, or None."""
        return self._built.get(self._key(function, inputs, table[function].parameters))

    def because(self, value: Operand, reason: str) -> Operand:
        """The value, with the reason why it is computed so."""
        if isinstance(value, Tensor):
            self.reasons.setdefault(value.stamp, reason)
        return value


def _is_factor(monomial: Monomial) -> bool:
    """Whether it is more than a sign."""
    return bool(monomial.powers) or abs(monomial.number) != 1


def _size(x: Operand) -> int:
    return getattr(x, "size", 1)


def _cost(x: Operand) -> int:
    """Of an elementwise operation on an array, in elements."""
    return max(_size(x), _few)


_moved = "the factor is applied to the smaller matrix"
# ---- rewrites


def _matmul(s: Any, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """(p a) (q b): a factor stays with a small array, or is put where there are fewest elements"""
    (p, a), (q, b) = map(s.split, inputs)
    factor = p * q
    if a is None or b is None or not _is_factor(factor):
        return Simplifier.rewrites[np.matmul](s, inputs, parameters)
    as_it_stands = sum(_size(x) for x, r in ((a, p), (b, q)) if _is_factor(r) and _size(x) > _few)
    behind = max(_size_of_product(a, b), _few)
    _, place = min((as_it_stands, 0), (_cost(a), 1), (_cost(b), 2), (behind, 3))
    if place == 0:
        return s.build(np.matmul, inputs)
    if place == 3:
        return Simplifier.product(s, factor, s.build(np.matmul, (a, b)))
    moved = (s.scaled(factor, a), b) if place == 1 else (a, s.scaled(factor, b))
    return s.because(s.build(np.matmul, moved), _moved)


def _size_of_product(a: Any, b: Any) -> int:
    rows, columns = a.shape[-2:-1], b.shape[-1:] if b.ndim > 1 else ()
    return prod((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *rows, *columns))


def _sum(s: Any, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """Σ p a: the factor stays where it stands if a is small, since others need p a, too"""
    (x,) = inputs
    whole = parameters["axis"] is None and not parameters["keepdims"]
    if isinstance(x, Tensor) and not whole and x.function is not np.broadcast_to and _size(x) <= _few:
        p, a = s.split(x)
        if a is not None and _is_factor(p):
            return s.build(np.sum, inputs, parameters)
    return Simplifier.rewrites[np.sum](s, inputs, parameters)


def _greater(s: Any, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """z > 0 is relu(z) > 0, and z need not be kept"""
    z, zero = inputs
    for same in (functions.relu, (z,)), (np.maximum, (z, 0)):
        a = s.known(*same) if _is_zero(zero) else None
        if a is not None:
            return s.because(s.build(np.greater, (a, zero)), "true where z > 0 is, and z need not be kept")
    return None


def _multiply(s: Any, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """(g D) (a > 0) is g (a D > 0), if D is a mask and a D is known"""
    (p, x), (q, y) = map(s.split, inputs)
    if _made_by(np.multiply, x) and _made_by(np.greater, y) and _is_zero(y.inputs[1]):
        a, (g, mask) = y.inputs[0], x.inputs
        alike = isinstance(mask, Tensor) and mask.dtype == bool and mask.shape == a.shape
        both = s.known(np.multiply, (a, mask)) if alike else None
        if both is not None:
            passing = s.because(s.build(np.greater, (both, 0)), "both masks at once")
            return s.product(p * q, s.build(np.multiply, (g, passing)))
    return Simplifier.rewrites[np.multiply](s, inputs, parameters)


def _astype(s: Any, inputs: tuple[Operand, ...], parameters: Mapping[str, Any]) -> Operand:
    """One number in many places is cast once, and NumPy repeats it"""
    (x,) = inputs
    if _made_by(np.broadcast_to, x) and not np.shape(x.inputs[0]) and x.dtype != parameters["dtype"]:
        number = s.build(np.astype, x.inputs, parameters)
        return s.build(np.broadcast_to, (number,), x.parameters)
    return Simplifier.rewrites[np.astype](s, inputs, parameters)


def _made_by(function: Callable[..., Any], x: Operand) -> bool:
    return isinstance(x, Tensor) and x.function is function and x.name is None


def _is_zero(x: Operand) -> bool:
    return type(x) in (int, float) and x == 0


Cheapest.rewrites = {
    **Simplifier.rewrites, np.matmul: _matmul, np.sum: _sum, np.greater: _greater, np.multiply: _multiply,
    np.astype: _astype,
}  # fmt: skip


# ---- sums of squares


def sum_of_squares(x: Any) -> Any:
    """Σ x², as the product of x with itself: in half the time of squaring and adding."""
    return np.vdot(x, x)


def with_sums_of_squares(program: Program) -> list[Equation]:
    """The equations, with the sum of a square that serves nothing else as one."""
    uses = Counter(x for e in program.equations for x in e.inputs if isinstance(x, Variable))
    uses.update(program.outputs)
    squares: dict[Variable, Equation] = {}
    for e in program.equations:
        total = e.function is np.sum and e.parameters["axis"] is None and not e.parameters["keepdims"]
        x = e.inputs[0] if total else None
        square = x.equation if isinstance(x, Variable) and uses[x] == 1 else None
        if square is not None and square.function is np.square and square.output.tensor.dtype.kind == "f":
            squares[square.output] = Equation(e.output, sum_of_squares, square.inputs, {})
    instead = {e.output: e for e in squares.values()}
    return [instead.get(e.output, e) for e in program.equations if e.output not in squares]
