"""The right solution: the lines of the backward pass, what each of them can be confused with, and its values.

Beside the values that were recorded there are those that the same program has *elsewhere*, for other numbers
in the same places: two mistakes that are the same for these numbers but not for others are told apart there.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache, cached_property
from math import inf
from typing import Any

import numpy as np

from minigrad.check.grading.change import Change, Surroundings
from minigrad.check.grading.changes import changes
from minigrad.check.grading.expression import (
    Atom,
    Expression,
    Product,
    Sum,
    as_variable,
    atoms,
    evaluate,
    expression_of,
    with_atoms,
)
from minigrad.program import Equation, Literal, Variable
from minigrad.program.names import activation_of
from minigrad.random import is_generator
from minigrad.show import Derivation
from minigrad.table import table
from minigrad.tensor import Tensor


class Solution:
    """The derivation of a loss as lines that can be computed with others, or other values, in their place.

    derivation  forward and backward pass
    forward     name of a gradient -> the forward value that it belongs to: what may be handed in
    gradients   name -> the value that it is in the program
    leaves      of these, the gradients of leaves, and of which leaf
    lines       every line of the backward pass as an expression, in the order in which they are computed
    values      the array of every value, as it was recorded
    """

    def __init__(self, loss: Tensor, wrt: Iterable[Tensor], forward: Mapping[str, Tensor]) -> None:
        self.derivation = Derivation(loss, wrt, who="grade")
        program = self.program = self.derivation.program
        by_stamp = {v.tensor.stamp: v for v in (*program.leaves, *(e.output for e in program.equations))}
        self.leaves: dict[Variable, Variable] = {}
        for x, g in zip(self.derivation.wrt, program.outputs[1:], strict=True):
            if x.function is None:
                self.leaves[g] = by_stamp[x.stamp]
        found = self.derivation.gradients
        self.gradients = {
            name: by_stamp[found[x.stamp].stamp]
            for name, x in forward.items()
            if x.stamp in found and found[x.stamp].stamp in by_stamp
        }
        self.values: dict[Variable, Any] = {v: v.tensor._value for v in by_stamp.values()}
        inline = self.derivation.lines.inline
        own = [
            e.output
            for e in program.equations
            if e.output.tensor.stamp > loss.stamp and e.output not in inline
        ]
        self.lines: dict[Variable, Expression] = {value: expression_of(value, inline) for value in own}
        self._forms: dict[Variable, list[Expression]] = {}
        self._about: dict[Variable, Surroundings] = {}
        self._apart: dict[tuple[int, ...], tuple[list[Variable], np.ndarray]] = {}
        self._forward = [
            v for v in by_stamp.values() if v.kind != "constant" and v.tensor.stamp <= loss.stamp
        ]

    def forms(self, line: Variable) -> list[Expression]:
        """A line as it stands; as (a - b) / c of forward values, where that is the same for any numbers; and
        with what has no name written inside it.

        The second is how people write the gradient at a logit, dZ3 = (A3 - Y) / m, however the machine came
        to it.
        """
        if line not in self._forms:
            own = self.lines[line]
            forms = [own, *self._differences(line)]
            if not self._nameless.isdisjoint(atoms(own)):
                forms.append(self._spelled(own, self._nameless))
            self._forms[line] = forms
        return self._forms[line]

    def changes(self, line: Variable, farthest: float = inf) -> Iterator[Change]:
        """What comes from a line by one change, in each of its forms."""
        about = self.surroundings(line, farthest)
        for form in self.forms(line):
            yield from changes(form, about)

    def spelled_out(self, line: Variable, hidden: Container[Variable]) -> Expression:
        """A line with the lines that were not handed in written inside it."""
        return self._spelled(self.lines[line], hidden)

    def _differences(self, line: Variable) -> Iterator[Expression]:
        shape = np.shape(self.values[line])
        if not shape or line in self.leaves:
            return
        alike, apart = self._differences_of(shape)
        if not alike:
            return
        own = float(np.vdot(_weights(shape), self.values[line]))
        for divisor in (None, *self._shared.constants):
            wanted = own * (1 if divisor is None else self.values[divisor])
            near = np.abs(apart - wanted) <= 1e-7 * (abs(wanted) + 1e-3)
            for i, j in np.argwhere(near):
                form: Expression = Sum(((1, Atom(alike[i])), (-1, Atom(alike[j]))))
                if divisor is not None:
                    form = Product(((form, 1), (Atom(divisor), -1)))
                if i != j and all(
                    np.allclose(evaluate(form, values), values[line], rtol=1e-9, atol=1e-12)
                    for values in (self.values, self.elsewhere)
                ):
                    yield form
                    return

    def _differences_of(self, shape: tuple[int, ...]) -> tuple[list[Variable], np.ndarray]:
        """The forward values of a shape that have a name, and what a - b weighs for any two of them.

        A number tells what a difference cannot be, so that few arrays have to be compared.
        """
        if shape not in self._apart:
            alike = [v for v in self._named if np.shape(self.values[v]) == shape]
            weighed = np.array([np.vdot(_weights(shape), self.values[v]) for v in alike], float)
            self._apart[shape] = alike, weighed[:, None] - weighed
        return self._apart[shape]

    # ---- what a line can be confused with

    def surroundings(self, line: Variable, farthest: float = inf) -> Surroundings:
        """What may stand in a line by mistake, no more far-fetched than that."""
        if line not in self._about:
            later = self._later(line)
            self._about[line] = self._shared._replace(
                line=line,
                arrays=tuple(v for v in self.arrays if v not in later),
                alike={
                    shape: tuple(v for v in alike if v not in later)
                    for shape, alike in self._shared.alike.items()
                },
                own=self.leaves.get(line),
                slopes=tuple((z, a) for z, a in self._activations if z in self.gradient_of.get(line, ())),
            )
        return self._about[line]._replace(farthest=farthest)

    def _later(self, line: Variable) -> set[Variable]:
        """The line and what comes from it, which cannot stand in it."""
        later = {line}
        waiting = [line]
        while waiting:
            more = [user for user in self._users.get(waiting.pop(), ()) if user not in later]
            later.update(more)
            waiting.extend(more)
        return later

    @cached_property
    def _users(self) -> Mapping[Variable, list[Variable]]:
        """A value -> the lines that mention it."""
        found: dict[Variable, list[Variable]] = {}
        for line, expression in self.lines.items():
            for x in atoms(expression):
                found.setdefault(x, []).append(line)
        return found

    @cached_property
    def arrays(self) -> tuple[Variable, ...]:
        """Every value of either pass that is no single number."""
        return tuple(v for v in (*self._forward, *self.lines) if np.ndim(self.values[v]))

    @cached_property
    def _named(self) -> list[Variable]:
        """Data and the forward values that have a name."""
        return [v for v in self._forward if v.label and np.asarray(self.values[v]).dtype.kind == "f"]

    @cached_property
    def _shared(self) -> Surroundings:
        constants: dict[str, Variable] = {}
        for leaf in self.program.leaves:
            if leaf.kind == "constant":
                constants.setdefault(self.derivation.source.written_name(leaf), leaf)
        functions = dict.fromkeys(
            e.function
            for e in self.program.equations
            if len(e.inputs) == 1 and table[e.function].elementwise and not table[e.function].constant
        )
        functions.pop(np.positive, None)
        alike: dict[tuple[int, ...], tuple[Variable, ...]] = {}
        for v in self.arrays:
            shape = np.shape(self.values[v])
            alike[shape] = (*alike.get(shape, ()), v)
        return Surroundings(
            values=self.values,
            line=self.program.outputs[0],
            farthest=inf,
            arrays=self.arrays,
            alike=alike,
            gradients=frozenset(self.lines),
            constants=tuple(constants.values()),
            scalars=tuple(v for v in self._forward if v.label and v.equation and not np.ndim(self.values[v])),
            neighbours=self._neighbours,
            own=None,
            fractions=tuple(self._fractions()),
            slopes=(),
            functions=tuple(functions),
            lengths=tuple(sorted({n for v in self._forward for n in np.shape(self.values[v])})),
        )

    @cached_property
    def _neighbours(self) -> Mapping[Variable, frozenset[Variable]]:
        found: dict[Variable, set[Variable]] = {}
        pairs = [(e.output, x) for e in self.program.equations for x in e.inputs if isinstance(x, Variable)]
        pairs += [(value, x) for value, line in self.lines.items() for x in atoms(line)]
        named = [v for v in self._forward if v.label and v.equation]
        pairs += [(value, x) for value in named for x in atoms(expression_of(value, self._nameless))]
        for a, b in pairs:
            found.setdefault(a, set()).add(b)
            found.setdefault(b, set()).add(a)
        return {value: frozenset(near) for value, near in found.items()}

    @cached_property
    def gradient_of(self) -> dict[Variable, list[Variable]]:
        """A line -> the forward values whose gradient it is, those with a name first."""
        forward = {v.tensor.stamp: v for v in self.values if v.tensor.stamp <= self.derivation.loss.stamp}
        found: dict[Variable, list[Variable]] = {}
        lines = {line.tensor.stamp: line for line in self.lines}
        for stamp, g in self.derivation.gradients.items():
            if g.stamp in lines and stamp in forward:
                found.setdefault(lines[g.stamp], []).append(forward[stamp])
        return {line: sorted(of, key=lambda v: v.label is None) for line, of in found.items()}

    @cached_property
    def _activations(self) -> list[tuple[Variable, Variable]]:
        """(z, a) where the forward pass makes a of z alone, element by element."""
        return [
            (e.inputs[0], e.output)
            for e in self.program.equations
            if len(e.inputs) == 1
            and isinstance(e.inputs[0], Variable)
            and e.output.tensor.stamp <= self.derivation.loss.stamp
            and table[e.function].elementwise
            and np.ndim(self.values[e.output])
        ]

    def _fractions(self) -> Iterator[tuple[tuple[Expression, int], ...]]:
        """The numbers with which leaves stand in their own gradients: lambd / m."""
        seen = set()
        for line, leaf in self.leaves.items():
            expression = self.lines.get(line)
            for _, term in expression.terms if isinstance(expression, Sum) else ():
                factors = term.factors if isinstance(term, Product) else ()
                rest = [f for f in factors if not (isinstance(f[0], Atom) and f[0].value is leaf)]
                numbers = all(np.ndim(self.values[x]) == 0 for factor, _ in rest for x in atoms(factor))
                if len(rest) == len(factors) - 1 and numbers:
                    key = tuple((id(x.value) if isinstance(x, Atom) else id(x), p) for x, p in rest)
                    if key not in seen:
                        seen.add(key)
                        yield tuple(rest)

    # ---- the same program for other numbers

    @cached_property
    def elsewhere(self) -> dict[Variable, Any]:
        """The values of the same program for generic data, parameters, constants and masks."""
        values = self._replayed(any_sign=True)
        finite = all(np.isfinite(np.asarray(values[g], float)).all() for g in self.program.outputs)
        return values if finite else self._replayed(any_sign=False)  # a logarithm of a parameter, say

    def with_others(self, put: Mapping[Variable, Any]) -> dict[Variable, Any]:
        """The values of the program with some of its leaves or draws put for others, the rest as it was."""
        values = dict(self.values) | dict(put)
        changed = set(put)
        with np.errstate(all="ignore"):
            for e in self.program.equations:
                if e.output not in put and any(x in changed for x in e.inputs):
                    inputs = [x.value if isinstance(x, Literal) else values[x] for x in e.inputs]
                    values[e.output] = table[e.function].compute(*inputs, **e.parameters)
                    changed.add(e.output)
        return values

    def _replayed(self, any_sign: bool) -> dict[Variable, Any]:
        rng = np.random.default_rng(7)
        source = self.derivation.source
        values: dict[Variable, Any] = {}
        constants: dict[str, float] = {}
        lengths = {n for value in self.values.values() for n in (*np.shape(value), np.size(value))}
        for leaf in self.program.leaves:
            old = self.values[leaf]
            if leaf.kind == "constant":
                values[leaf] = constants.setdefault(
                    source.written_name(leaf), _other_number(old, lengths, rng)
                )
            elif leaf.kind == "parameter" and any_sign:
                values[leaf] = rng.standard_normal(np.shape(old)).astype(np.asarray(old).dtype)
            else:
                values[leaf] = _other_array(np.asarray(old), rng, leaf.kind == "mask")
        drawn = set()
        with np.errstate(all="ignore"):
            for e in self.program.equations:
                old = self.values[e.output]
                if any(map(is_generator, e.parameters.values())):
                    values[e.output] = _other_array(np.asarray(old), rng, False)
                    drawn.add(e.output)
                    continue
                inputs = [x.value if isinstance(x, Literal) else values[x] for x in e.inputs]
                value = table[e.function].compute(*inputs, **e.parameters)
                mask = any(x in drawn for x in e.inputs) and np.asarray(value).dtype == bool
                values[e.output] = _some(value) if mask else value
        return values

    # ---- text

    def text(self, node: Expression, binding: int = 0) -> str:
        """An expression as NumPy, in parentheses if what stands around it binds more tightly."""
        spelled = self._spelled(node, self._unwritten)
        return self.derivation.source.expression(as_variable(spelled, self.values), binding)

    def line_text(self, line: Variable, node: Expression | None = None) -> str:
        """A line as NumPy: the right one, or with another expression on its right side."""
        if node is None:
            node = self.lines[line] if line in self.lines else expression_of(line, self._unwritten)
        return f"{self.derivation.source.written_name(line)} = {self.text(node)}"

    @cached_property
    def _nameless(self) -> set[Variable]:
        """The results that nobody gave a name."""
        return {e.output for e in self.program.equations if e.output.label is None}

    @cached_property
    def _unwritten(self) -> set[Variable]:
        """Those that are spelled out wherever they are mentioned: all but A2, the activation of Z2."""
        return {v for v in self._nameless if v.equation and not _is_activation(v.equation)}

    def _spelled(self, node: Expression, written_out: Container[Variable]) -> Expression:
        """The expression with some of the results that it mentions written inside it."""

        def put(atom: Atom) -> Expression:
            value = atom.value
            if not isinstance(value, Variable) or value.equation is None or value not in written_out:
                return atom
            return self._spelled(self.lines.get(value) or expression_of(value, ()), written_out)

        return with_atoms(node, put)


@cache
def _weights(shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of no meaning, none of them 0 and no two alike: two arrays hardly ever weigh the same."""
    return np.random.default_rng(11).uniform(1, 2, shape)


def _is_activation(equation: Equation) -> bool:
    """Whether the notes' letters name it by themselves."""
    first = equation.inputs[0] if equation.inputs else None
    return isinstance(first, Variable) and equation.output.name == activation_of(
        equation.function, first.name
    )


def _other_number(old: Any, lengths: set[int], rng: np.random.Generator) -> float:
    if old in lengths and old > 1:
        return float(old)  # it counts something, and a mean divides by it unseen
    return float(rng.uniform(0.6, 0.95) if 0 < old < 1 else rng.uniform(2, 9))


def _some(mask: np.ndarray) -> np.ndarray:
    """A mask that does not keep all, nor drop all: of few units, a draw may."""
    mask = np.array(mask)
    if mask.size > 1 and (mask.all() or not mask.any()):
        mask.flat[0] = not mask.flat[0]
    return mask


def _other_array(old: np.ndarray, rng: np.random.Generator, mask: bool) -> np.ndarray:
    """Generic numbers of the same kind: truth values, whole numbers, fractions, positive numbers, or any."""
    if old.dtype == bool or mask:
        return _some(rng.random(old.shape) < 0.6).astype(old.dtype)
    if old.dtype.kind in "iu":
        return rng.permutation(old.ravel()).reshape(old.shape)
    if old.ndim == 2 and np.all(old >= 0) and np.allclose(old.sum(axis=1), 1):  # probabilities, or one-hot
        hot = old[rng.permutation(len(old))] if np.all((old == 0) | (old == 1)) else rng.random(old.shape)
        return (hot / hot.sum(axis=1, keepdims=True)).astype(old.dtype)
    if np.all((old == 0) | (old == 1)):
        return (rng.random(old.shape) < 0.5).astype(old.dtype)
    if np.all((old >= 0) & (old <= 1)):
        return rng.uniform(0.05, 0.95, old.shape).astype(old.dtype)
    if np.all(old > 0):
        return rng.uniform(0.5, 2.0, old.shape).astype(old.dtype)
    return rng.standard_normal(old.shape).astype(old.dtype)
