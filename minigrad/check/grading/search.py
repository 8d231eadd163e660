"""The search for the mistake: which change of which line gives the student's numbers.

The lines are gone through in the order in which they are computed, each with what the student handed in for
the lines before it.  So an array that is wrong only because an earlier one is, is told from one in which a
mistake was made; a line that was not handed in is searched together with the next one that was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from minigrad.check.grading.changes import Change, changes
from minigrad.check.grading.expression import Atom, Expression, Product, Values, atoms, evaluate
from minigrad.check.grading.solution import Solution
from minigrad.program import Literal, Variable

rounding = 1e-8
"""The largest difference, as a fraction of the largest entry, that arithmetic in float64 explains."""

single_rounding = 5e-5
"""The same for float32."""

_exact = 1e-9
"""How well a mistake has to give the numbers that it is named for."""

_usual = 2.5
"""Two mistakes at once are each looked for among those that are no more far-fetched than that."""


_as_likely = 0.25
"""Mistakes in different lines that always give the same numbers are told together if they are as likely."""


class Explanation(NamedTuple):
    """Changes that together give the numbers of an array.

    changes    (the line that is changed, the change), one or two
    error      what is left of the difference
    elsewhere  what the arrays that it changes would be for other numbers: two explanations that agree there
               are the same one
    """

    changes: tuple[tuple[Variable, Change], ...]
    error: float
    elsewhere: tuple[Any, ...]

    @property
    def lines(self) -> tuple[Variable, ...]:
        """The lines that are changed."""
        return tuple(line for line, _ in self.changes)

    @property
    def far(self) -> float:
        """How far-fetched they are together."""
        return sum(change.far for _, change in self.changes)


class Finding(NamedTuple):
    """What was found of one array.

    verdict       "right", "single" (right up to rounding of float32), "follows" or "wrong"
    error         largest difference from the right array over its largest entry; inf for another shape
    follows       the lines that it follows from
    explanations  for a wrong one: explanations that give different numbers elsewhere, the likeliest first
    """

    verdict: str
    error: float
    follows: tuple[Variable, ...] = ()
    explanations: tuple[Explanation, ...] = ()


def distance(x: Any, y: Any) -> float:
    """Largest |x - y| over the largest |y|; inf where the shapes differ.

    >>> distance(np.array([1.0, 2.2]), np.array([1.0, 2.0])), distance(np.ones(2), np.ones(3))
    (0.1, inf)
    """
    if x is None or y is None:  # what could not be computed
        return np.inf
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        return np.inf
    if not x.size:
        return 0.0
    with np.errstate(all="ignore"):
        off = float(np.max(np.abs(x.astype(float) - y.astype(float))))
        size = float(np.max(np.abs(y)))
    if not off:
        return 0.0
    return off / size if size and np.isfinite(off) and np.isfinite(size) else np.inf


class Search:
    """One submission, gone through from the loss to the leaves.

    findings   what was found of each array that was handed in
    now        what every value is in the student's hands: handed in, or following from what was
    """

    def __init__(self, solution: Solution, handed: Mapping[Variable, np.ndarray], deadline: float) -> None:
        self.solution = solution
        self.handed = handed
        self.deadline = deadline
        self.findings: dict[Variable, Finding] = {}
        self.now: dict[Variable, Any] = dict(solution.values)
        self._changed: dict[Variable, Expression] = {}
        self._settled: set[Variable] = set()  # not handed in, but seen through an array that was
        self.in_spite = 0
        with np.errstate(all="ignore"):
            for line in handed:
                if line not in solution.lines:  # a number, or one that is another line's
                    self.findings[line] = self._without_a_line(line)
            for line in solution.lines:
                self._visit(line)

    @property
    def cost(self) -> int:
        """How much is wrong: mistakes, what is not explained, and what is right in spite of a mistake."""
        wrong = [f for f in self.findings.values() if f.verdict == "wrong"]
        return self.in_spite + sum(len(f.explanations[0].changes) if f.explanations else 2 for f in wrong)

    # ---- one line after the other

    def _visit(self, line: Variable) -> None:
        expected = self.attempt(self._changed.get(line, self.solution.lines[line]), self.now)
        if line not in self.handed:
            self.now[line] = expected
            return
        given, right = self.handed[line], self.solution.values[line]
        error = distance(given, right)
        upstream = self._mistaken(line)
        follows_error = distance(given, expected)
        if error <= rounding or error <= single_rounding < follows_error:
            self.findings[line] = Finding(_right(given, error), error)
            self.in_spite += bool(upstream) and distance(expected, right) > single_rounding
        elif upstream and follows_error <= single_rounding:
            self.findings[line] = Finding("follows", error, tuple(upstream))
        elif error <= single_rounding:
            self.findings[line] = Finding("single", error)
        else:
            found = self._explanations(line, given)
            self.findings[line] = Finding("wrong", error, (), found)
            if found:
                self._adopt(found[0], line)
        if self.findings[line].verdict != "wrong" or self.findings[line].explanations:
            self._settled.update(changed for changed, _ in self._targets(line) if changed is not line)
        self.now[line] = given if np.shape(given) == np.shape(right) else right

    def _without_a_line(self, line: Variable) -> Finding:
        error = distance(self.handed[line], self.solution.values[line])
        verdict = _right(self.handed[line], error) if error <= single_rounding else "wrong"
        return Finding(verdict, error)

    def _mistaken(self, line: Variable) -> list[Variable]:
        """The nearest lines before this one in which the student's numbers are not the right ones."""
        found: dict[Variable, None] = {}
        waiting = list(atoms(self.solution.lines[line]))
        seen = set(waiting)
        while waiting:
            x = waiting.pop(0)
            if x not in self.solution.lines:
                continue
            if x in self._changed or (x in self.handed and self.findings[x].verdict in ("wrong", "follows")):
                found[x] = None
            elif x not in self.handed:
                more = [y for y in atoms(self.solution.lines[x]) if y not in seen]
                seen.update(more)
                waiting.extend(more)
        return list(found)

    def _adopt(self, explanation: Explanation, line: Variable) -> None:
        """Take an explanation to be true of the lines that were not handed in, from here on."""
        for changed, change in explanation.changes:
            if changed is not line:
                self._changed[changed] = change.expression
        for earlier in self.solution.lines:
            if earlier is line:
                break
            if earlier not in self.handed:
                expression = self._changed.get(earlier, self.solution.lines[earlier])
                self.now[earlier] = self.attempt(expression, self.now)

    # ---- explanations of one array

    def _explanations(self, line: Variable, given: np.ndarray) -> tuple[Explanation, ...]:
        """Those that give the array, the likeliest first, no two that are the same for other numbers."""
        if not np.any(given):
            return ()  # nothing can be told from zeros
        contexts = [self.now]
        if self._mistaken(line):
            contexts.append(dict(self.solution.values))
        for search in (self._singles, self._examples, self._pairs):
            for context in contexts:
                found = list(search(line, given, context))
                if found:
                    return tuple(self._told_apart(found, line))
        return ()

    def _told_apart(self, found: list[Explanation], line: Variable) -> list[Explanation]:
        best = min(explanation.error for explanation in found)
        close = [e for e in found if e.error <= 10 * best + 1e-12]
        classes: list[Explanation] = []
        for explanation in sorted(close, key=lambda e: e.far):
            twins = [other for other in classes if _same(explanation.elsewhere, other.elsewhere)]
            elsewhere_made = all(twin.lines != explanation.lines for twin in twins)
            if not twins or (elsewhere_made and explanation.far <= twins[0].far + _as_likely):
                classes.append(explanation)
        if len(classes) > 1:
            support = [self._support(explanation, line) for explanation in classes]
            classes = [e for e, n in zip(classes, support, strict=True) if n == max(support)]
        return classes

    def _support(self, explanation: Explanation, line: Variable) -> int:
        """How many of the arrays that come later it explains too."""
        hidden = {
            changed: change.expression for changed, change in explanation.changes if changed is not line
        }
        values = dict(self.now)
        count = 0
        passed = False
        for other, expression in self.solution.lines.items():
            if other is line:
                passed = True
                values[other] = self.handed[line]
            elif other not in self.handed:
                values[other] = self.attempt(hidden.get(other, self._changed.get(other, expression)), values)
            elif passed:
                expected = self.attempt(expression, values)
                count += distance(self.handed[other], expected) <= single_rounding
                values[other] = self.handed[other]
        return count

    def _singles(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        exact = _exact_for(given)
        for changed, route in self._targets(line):
            known: dict[int, Any] = {}
            for change in self.changes_of(self.solution, changed):
                value = self._along(change.expression, changed, route, context, known)
                error = distance(given, _shaped_as(value, given))
                if error <= exact:
                    yield self._explanation(((changed, change),), error, line)
            yield from self._other_masks(line, given, changed, route, context)
        hidden = {changed for changed, _ in self._targets(line)} - {line}
        if hidden:  # a bracket that is opened in one line may be closed in another
            spelled = self.solution.spelled_out(line, hidden)
            for change in changes(spelled, self.solution.surroundings(line)):
                if change.kind == "bracket":
                    error = distance(given, self.attempt(change.expression, context))
                    if error <= exact:
                        yield self._explanation(((line, change),), error, line)
        for other in self.solution.arrays:
            if other is not line and distance(given, self.solution.values[other]) <= exact:
                kind = "another gradient" if other in self.solution.lines else "forward value"
                change = Change(Atom(other), kind, None, Atom(other), 3)
                yield self._explanation(((line, change),), 0.0, line)

    def _examples(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        """Whether the sums over examples were taken over some of them only."""
        expression = self.solution.lines[line]
        arrays = [context[x] for x in atoms(expression) if x.kind != "parameter" and np.ndim(context[x])]
        m = max((np.shape(x)[0] for x in arrays), default=0)
        if np.shape(given)[:1] == (m,):
            return
        subsets = [(f"the first {k} examples", np.arange(k)) for k in range(1, m)]
        subsets += [(f"the last {k} examples", np.arange(m - k, m)) for k in range(1, m)]
        subsets += [(f"all examples but number {k}", np.delete(np.arange(m), k)) for k in range(1, m - 1)]
        for text, rows in subsets:
            part = {
                x: context[x][rows] if np.shape(context[x])[:1] == (m,) else context[x]
                for x in atoms(expression)
            }
            error = distance(given, self.attempt(expression, part))
            if error <= _exact_for(given):
                change = Change(expression, "some examples", None, Atom(Literal(text)), 2)
                yield Explanation(((line, change),), error, (text,))

    def _pairs(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        """Two changes at once, until the time is over; on a single number anything could be explained."""
        exact = min(_exact_for(given), 1e-10 if given.size < 3 else 1.0)
        if given.dtype == np.float32 and given.size < 3:
            return
        targets = [changed for changed, _ in self._targets(line)]
        pairs = [(a, b) for a, b in product(targets, targets) if a is b or self._before(a, b)]
        done = 0.0
        for together in (2.5, 3.25, 4.0, 2 * _usual):  # the likeliest first
            found = False
            for first, second in pairs:
                for explanation in self._pairs_in(first, second, line, given, context, (done, together)):
                    if explanation.error <= exact:
                        found = True
                        yield explanation
                if perf_counter() > self.deadline:
                    return
            if found:
                return
            done = together

    def _pairs_in(
        self,
        first: Variable,
        second: Variable,
        line: Variable,
        given: np.ndarray,
        context: Values,
        between: tuple[float, float],
    ) -> Iterator[Explanation]:
        """A change of one line and one of another, or two of one, that are together so far-fetched."""
        exact, (over, most) = _exact_for(given), between
        to_second, to_line = self._route(first, second), self._route(second, line)
        others = [] if first is second else self._usual_changes(second, *self.solution.forms(second))
        for change in self._usual_changes(first, *self.solution.forms(first)):
            if change.far + 1 > most or perf_counter() > self.deadline:
                return
            values: Values | None = context
            if first is second:
                others = self._usual_changes(first, change.expression)
            else:
                values = self._values_along(change.expression, first, to_second, context)
            known: dict[int, Any] = {}
            for again in others if values is not None else ():
                if over < change.far + again.far <= most:
                    value = self._along(again.expression, second, to_line, values or context, known)
                    error = distance(given, value)
                    if error <= exact:
                        yield self._explanation(((first, change), (second, again)), error, line)

    def _explanation(
        self, changed: tuple[tuple[Variable, Change], ...], error: float, line: Variable
    ) -> Explanation:
        """The explanation, with what it gives for other numbers: this array, and those that come later."""
        values: Any = dict(self.solution.elsewhere)
        last = {variable: change.expression for variable, change in changed}  # of two in one line, both
        shown = []
        for variable in self._route(next(iter(last)), None):
            values[variable] = self.attempt(last.get(variable, self.solution.lines[variable]), values)
            if variable in self.handed:
                shown.append(values[variable])
        return Explanation(changed, error, tuple(shown))

    def _other_masks(
        self, line: Variable, given: np.ndarray, changed: Variable, route: Sequence[Variable], context: Values
    ) -> Iterator[Explanation]:
        """A mask that is none of the program's: where the array is 0, and where it is as without a mask."""
        expression = self.solution.lines[changed]
        if changed is line:  # also one in a line that was not handed in
            expression = self.solution.spelled_out(line, [hidden for hidden, _ in self._targets(line)][1:])
        factors = expression.factors if isinstance(expression, Product) else ()
        for i, (factor, power) in enumerate(factors):
            if not (isinstance(factor, Atom) and np.asarray(self.attempt(factor, context)).dtype == bool):
                continue
            rest = Product((*factors[:i], *factors[i + 1 :]))
            bare = np.asarray(self._along(rest, changed, route, context, {}))
            if bare.shape != given.shape or not np.any(bare):
                continue
            kept = np.abs(given) > single_rounding * np.max(np.abs(bare))
            inside = np.where(kept, bare, 0)
            if distance(given, inside) <= _exact_for(given) and kept.any() and not kept.all():
                change = Change(rest, "another mask", factor, None, 1.5, power)
                yield Explanation(((changed, change),), distance(given, inside), (changed.name,))

    # ---- computing along the lines

    @staticmethod
    def changes_of(solution: Solution, line: Variable) -> Iterator[Change]:
        """The changes of a line that are looked for, in each of its forms."""
        about = solution.surroundings(line)
        for form in solution.forms(line):
            yield from changes(form, about)

    def _usual_changes(self, line: Variable, *forms: Expression) -> list[Change]:
        about = self.solution.surroundings(line)
        found = [c for form in forms for c in changes(form, about) if c.far <= _usual]
        return sorted(found, key=lambda change: change.far)

    def _targets(self, line: Variable) -> Iterator[tuple[Variable, list[Variable]]]:
        """The line, and those before it that were not handed in, each with the lines from there to here.

        One that an earlier array depends on, which is right or explained, has no mistake still to be found.
        """
        hidden: dict[Variable, None] = {}
        waiting = [line]
        while waiting:
            for x in atoms(self.solution.lines[waiting.pop(0)]):
                if x in self.solution.lines and x not in self.handed and x not in hidden:
                    hidden[x] = None
                    waiting.append(x)
        for changed in (line, *hidden):
            if changed not in self._settled:
                yield changed, self._route(changed, line)

    def _route(self, start: Variable, end: Variable | None) -> list[Variable]:
        """The lines through which a value reaches another (or any later one), in order, both included.

        What was handed in is not computed, and so lies on the way to nothing but itself.
        """
        order = list(self.solution.lines)
        stop = len(order) if end is None else order.index(end) + 1
        reached = {start}
        for variable in order[order.index(start) + 1 : stop]:
            computed = variable not in self.handed or variable is end or end is None
            if computed and any(x in reached for x in atoms(self.solution.lines[variable])):
                reached.add(variable)
        return [variable for variable in order if variable in reached]

    def _before(self, first: Variable, second: Variable) -> bool:
        order = list(self.solution.lines)
        return order.index(first) < order.index(second)

    def _values_along(
        self, expression: Expression, changed: Variable, route: Sequence[Variable], context: Values
    ) -> dict[Variable, Any] | None:
        values = dict(context)
        for variable in route[:-1] if len(route) > 1 else route:
            own = expression if variable is changed else self.solution.lines[variable]
            values[variable] = self.attempt(own, values)
            if np.shape(values[variable]) != np.shape(self.solution.values[variable]):
                return None
        return values

    def _along(
        self,
        expression: Expression,
        changed: Variable,
        route: Sequence[Variable],
        context: Values,
        known: dict[int, Any],
    ) -> Any:
        """What the last line of a route gives if the first one is this expression; None if it cannot be."""
        value = self.attempt(expression, context, known)
        if len(route) < 2:
            return value
        if np.shape(value) != np.shape(self.solution.values[changed]):
            return None
        values = {**context, changed: value}
        for variable in route[1:]:
            values[variable] = self.attempt(self.solution.lines[variable], values)
        return values[route[-1]]

    @staticmethod
    def attempt(expression: Expression, values: Values, known: dict[int, Any] | None = None) -> Any:
        """What it gives, or None where NumPy refuses: the shapes of a changed line need not fit."""
        try:
            return evaluate(expression, values, known)
        except (ValueError, TypeError, IndexError, ArithmeticError, AttributeError):
            return None


def _shaped_as(value: Any, given: np.ndarray) -> Any:
    """A value in the shape of what it is compared with, if they differ by axes of length 1 alone."""
    if (
        value is not None
        and np.shape(value) != given.shape
        and np.size(value) == given.size
        and np.squeeze(value).shape == given.squeeze().shape
    ):
        return np.reshape(value, given.shape)
    return value


def _right(given: np.ndarray, error: float) -> str:
    return "right" if error <= rounding else "single"


def _exact_for(given: np.ndarray) -> float:
    return single_rounding if given.dtype in (np.float32, np.float16) else _exact


def _same(x: tuple[Any, ...], y: tuple[Any, ...]) -> bool:
    if len(x) != len(y):
        return False
    return all(
        a == b if isinstance(a, str) or isinstance(b, str) else a is b or distance(a, b) <= 1e-7
        for a, b in zip(x, y, strict=True)
    )
