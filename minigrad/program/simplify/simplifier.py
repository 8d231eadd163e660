"""The engine: it applies the rewrites, and keeps what it has built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from minigrad.derivatives.further.windows import overlap_add
from minigrad.derivatives.indexing import scatter_add
from minigrad.program.simplify.monomial import Monomial, largest_written, minus_one, one
from minigrad.program.simplify.operands import Operand, as_written, identity_of, is_narrow, recorded, shape_of
from minigrad.random import is_generator
from minigrad.table import table
from minigrad.tensor import Tensor

most_terms = 8
"""Longer sums are not looked into."""

_largest_power = 3
"""A product with a higher power of a constant is not looked into: powers are written as products."""

_multiples = (np.multiply, np.divide, np.negative)
"""Functions that give a multiple of an operand, if the other one is a number."""

_added = (np.add, np.subtract, np.matmul, np.einsum, scatter_add, overlap_add)
"""Functions that add, which of masks is "or"."""

Rewrite = Callable[["Simplifier", tuple[Operand, ...], Mapping[str, Any]], Operand]
"""Of a function: a simpler operand of the same value, made of the operands and parameters, or None."""

_rewrites: dict[Callable[..., Any], Rewrite] = {}


def rewrite(*functions: Callable[..., Any]) -> Callable[[Rewrite], Rewrite]:
    """Decorator: how these functions are written more simply."""

    def enter(rewrite: Rewrite) -> Rewrite:
        _rewrites.update(dict.fromkeys(functions, rewrite))
        return rewrite

    return enter


class Simplifier:
    """Rebuilds equations out of simple operands; what it has built once it uses again.

    >>> from minigrad import constant
    >>> W, m = Tensor([3.0, 4.0], name="W"), constant(5, "m")
    >>> s = Simplifier()
    >>> s.equation(np.multiply, (s.equation(np.divide, (2, s.equation(np.multiply, (2, m)))), W))
    Tensor([0.6, 0.8], made by np.divide)
    """

    rewrites: Mapping[Callable[..., Any], Rewrite] = _rewrites
    """Function -> how it is written more simply."""

    def __init__(self) -> None:
        self._built: dict[Any, Operand] = {}
        self._factors: dict[int, tuple[Monomial, Operand]] = {}
        self._given: set[int] = set()  # stamps of what is computed already
        self.sums: dict[int, list[tuple[Monomial, Operand]]] = {}  # stamp of a sum -> its terms
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
            self.known_product(tensor, inputs)
        cores = [core for _, core in map(self.split, inputs) if core is not None]
        multiple = tensor.function in _multiples and len(cores) == 1 and _is_at_hand(cores[0])
        if tensor.name is None and (multiple or not cores):
            with suppress(ZeroDivisionError, OverflowError):
                opened = self.split(self.equation(tensor.function, inputs, tensor.parameters))
                if not cores or opened[1] is cores[0]:
                    self._factors[tensor.stamp] = opened
        return tensor

    def known_product(self, value: Operand, inputs: Iterable[Operand]) -> Operand:
        """The product, or one of the same factors in another order that was built before."""
        factors: list[Any] = []
        for x in inputs:
            alone = (identity_of(x),)
            is_open = isinstance(x, Tensor) and x.name is None
            factors += self._factors_of.get(x.stamp, alone) if is_open else alone
        if not isinstance(value, Tensor) or len(factors) > most_terms:
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
        if shape_of(value) == tensor.shape and (scalar or value.dtype == tensor.dtype):
            return value
        value = self.build(tensor.function, inputs, tensor.parameters)
        return self.equation(np.astype, (value,), {"dtype": tensor.dtype})

    def atom(self, tensor: Tensor) -> None:
        """Let a value be written by its name from now on: its factors are not looked into."""
        self._factors[tensor.stamp] = one, tensor

    def split(self, x: Operand) -> tuple[Monomial, Operand]:
        """(monomial, core) with x = monomial · core; the core is None for a scalar."""
        if isinstance(x, Tensor):
            found = self._factors.get(x.stamp)
            if found is None:
                scalar = x.function is None and not x.shape and x.dtype.kind in "fiu"
                if scalar:
                    self._scalars[x.stamp] = x
                found = (Monomial(Fraction(1), ((x.stamp, 1),)), None) if scalar else (one, x)
                self._factors[x.stamp] = found
            return found
        if type(x) is Fraction or (type(x) in (int, float) and isfinite(x)):
            return Monomial.of(x), None
        return one, x

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
            positive = self.product(monomial * minus_one, core)
            return self._remember(self.build(np.negative, (positive,)), monomial, core)
        if monomial.divisor is not None or max(abs(top), bottom) <= largest_written:
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
            and not self.is_given(x)
            and not isinstance(x.inputs[0], Tensor)
            and bool(np.all(x.inputs[0] == 1))
        )

    def is_given(self, x: Tensor) -> bool:
        """Whether it is computed already: there is nothing to be gained by writing it in another way."""
        return x.stamp in self._given

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
            self._factors.setdefault(value.stamp, (monomial, core) if written else (one, value))
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


def _is_at_hand(x: Operand) -> bool:
    """Whether it is written by its name, or is a leaf: a multiple of it needs no line."""
    return isinstance(x, Tensor) and (x.function is None or x.name is not None)
