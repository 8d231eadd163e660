"""Explanations of one wrong array: changes of lines that give its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from minigrad.check.grading.budget import Budget
from minigrad.check.grading.change import Change
from minigrad.check.grading.changes import changes
from minigrad.check.grading.distance import distance, loosest, single_rounding
from minigrad.check.grading.expression import Atom, Expression, Product, Values, atoms, attempt
from minigrad.check.grading.solution import Solution
from minigrad.program import Literal, Variable

_exact = 1e-9
"""How well a mistake has to give the numbers that it is named for."""

_usual = 2.5
"""Two mistakes at once are each looked for among those that are no more far-fetched than that."""

_beyond = 30_000
"""Candidates for one change of lines that were not handed in: of a deep network of which only the first
layer's gradient is there, these are all lines, and each candidate is computed through all of them."""

_for_examples = 3_000, 0.2
"""Candidates and seconds for sums over some of the examples: of a thousand there are thousands, all large."""

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


class Explainer:
    """Looks for the explanations of arrays, one after the other.

    lines     every line as the student is taken to have written it: those that were handed in as they should
              be, the others as the explanations so far have it
    settled   lines that were not handed in, but that an array shows which is right or explained
    """

    def __init__(self, solution: Solution, handed: Mapping[Variable, np.ndarray], budget: Budget) -> None:
        self.solution = solution
        self.handed = handed
        self.budget = budget
        self.beyond = budget.beside(_beyond)
        self.lines = dict(solution.lines)
        self.settled: set[Variable] = set()
        self._order = {line: i for i, line in enumerate(solution.lines)}

    def explanations(self, line: Variable, contexts: Sequence[Values]) -> tuple[Explanation, ...]:
        """Those that give the array, the likeliest first, no two that are the same for other numbers.

        contexts   what the lines before may have been: in the student's hands, or right
        """
        given = self.handed[line]
        if not np.any(given):
            return ()  # nothing can be told from zeros
        searches: tuple[Callable[..., Iterator[Explanation]], ...] = (
            self._singles,
            self._written_again,
            self._examples,
            self._pairs,
        )
        for search in searches:
            for context in contexts:
                found = list(search(line, given, context))
                if not all(_is_guess(explanation, given, context) for explanation in found):
                    return tuple(self._told_apart(found, line, contexts[0]))
        return ()

    def hidden(self, line: Variable) -> list[Variable]:
        """The lines before this one that were not handed in, as far back as to those that were."""
        found: dict[Variable, None] = {}
        waiting = [line]
        while waiting:
            for x in atoms(self.lines[waiting.pop(0)]):
                if x in self.lines and x not in self.handed and x not in found:
                    found[x] = None
                    waiting.append(x)
        return list(found)

    def _told_apart(self, found: list[Explanation], line: Variable, now: Values) -> list[Explanation]:
        best = min(explanation.error for explanation in found)
        close = [e for e in found if e.error <= 10 * best + 1e-12]
        classes: list[Explanation] = []
        for explanation in sorted(close, key=lambda e: e.far):
            twins = [other for other in classes if _same(explanation.elsewhere, other.elsewhere)]
            elsewhere_made = all(twin.lines != explanation.lines for twin in twins)
            if not twins or (elsewhere_made and explanation.far <= twins[0].far + _as_likely):
                classes.append(explanation)
        if len(classes) > 1:
            support = [self._support(explanation, line, now) for explanation in classes]
            classes = [e for e, n in zip(classes, support, strict=True) if n == max(support)]
        return classes

    def _support(self, explanation: Explanation, line: Variable, now: Values) -> int:
        """How many of the arrays that come later it explains too."""
        hidden = {
            changed: change.expression for changed, change in explanation.changes if changed is not line
        }
        values = dict(now)
        count = 0
        passed = False
        for other, expression in self.lines.items():
            if other is line:
                passed = True
                values[other] = self.handed[line]
            elif other not in self.handed:
                values[other] = attempt(hidden.get(other, expression), values)
            elif passed:
                expected = attempt(expression, values)
                count += distance(self.handed[other], expected) <= single_rounding
                values[other] = self.handed[other]
        return count

    # ---- the kinds of explanations

    def _singles(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        exact = _exact_for(given)
        for changed, route in self._targets(line):
            known: dict[int, Any] = {}
            for change in self.solution.changes(changed):
                if changed is not line and not self.beyond.spend():
                    break
                value = self._along(change.expression, changed, route, context, known)
                error = distance(given, _shaped_as(value, given))
                if error <= exact:
                    yield self._explanation(((changed, change),), error, line)
            yield from self._other_masks(line, given, changed, route, context)
        hidden = self.hidden(line)
        if hidden:  # a bracket that is opened in one line may be closed in another
            spelled = self.solution.spelled_out(line, hidden)
            for change in changes(spelled, self.solution.surroundings(line, _usual)):
                if change.kind == "bracket":
                    error = distance(given, attempt(change.expression, context))
                    if error <= exact:
                        yield self._explanation(((line, change),), error, line)
        for other in self.solution.arrays:
            if other is not line and distance(given, self.solution.values[other]) <= exact:
                kind = "another gradient" if other in self.lines else "forward value"
                change = Change(Atom(other), kind, None, Atom(other), 3)
                yield self._explanation(((line, change),), 0.0, line)

    def _written_again(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        """Whether a gradient that was handed in is not the one that this line uses.

        dA2 has its mask, and dZ2 is computed from dZ3 @ W3, which has none.
        """
        for used in atoms(self.lines[line]):
            if used in self.handed and used in self.lines:
                spelled = self.solution.spelled_out(line, {used})
                for change in changes(spelled, self.solution.surroundings(line, _usual)):
                    error = distance(given, attempt(change.expression, context))
                    if error <= _exact_for(given):
                        yield self._explanation(((line, change),), error, line)

    def _examples(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        """Whether the sums over examples were taken over some of them only."""
        expression = self.lines[line]
        arrays = [context[x] for x in atoms(expression) if x.kind != "parameter" and np.ndim(context[x])]
        m = max((np.shape(x)[0] for x in arrays), default=0)
        if np.shape(given)[:1] == (m,):
            return
        subsets = [(f"the first {_so_many(k)}", np.arange(k)) for k in range(1, m)]
        subsets += [(f"the last {_so_many(k)}", np.arange(m - k, m)) for k in range(1, m)]
        subsets += [(f"all examples but number {k}", np.delete(np.arange(m), k)) for k in range(1, m - 1)]
        budget = Budget(*_for_examples)
        for text, rows in subsets:
            if not budget.spend():
                return
            part = {
                x: context[x][rows] if np.shape(context[x])[:1] == (m,) else context[x]
                for x in atoms(expression)
            }
            error = distance(given, attempt(expression, part))
            if error <= _exact_for(given):
                change = Change(expression, "some examples", None, Atom(Literal(text)), 2)
                yield Explanation(((line, change),), error, (text,))

    def _pairs(self, line: Variable, given: np.ndarray, context: Values) -> Iterator[Explanation]:
        """Two changes at once, within the budget; on a single number anything could be explained."""
        exact = min(_exact_for(given), 1e-10 if given.size < 3 else 1.0)
        if given.dtype == np.float16 or (given.dtype == np.float32 and given.size < 3):
            return
        targets = [changed for changed, _ in self._targets(line)]
        pairs = [(a, b) for a, b in product(targets, targets) if self._order[a] <= self._order[b]]
        done = 0.0
        for together in (2.5, 3.25, 4.0, 2 * _usual):  # the likeliest first
            found = False
            for first, second in pairs:
                for explanation in self._pairs_in(first, second, line, given, context, (done, together)):
                    if explanation.error <= exact:
                        found = True
                        yield explanation
                if self.budget.is_spent:
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
            if change.far + 1 > most:
                return
            values: Values | None = context
            if first is second:
                others = self._usual_changes(first, change.expression, farthest=most - change.far)
            else:
                values = self._values_along(change.expression, first, to_second, context)
            known: dict[int, Any] = {}
            for again in others if values is not None else ():
                if over < change.far + again.far <= most:
                    if not self.budget.spend():
                        return
                    value = self._along(again.expression, second, to_line, values or context, known)
                    error = distance(given, value)
                    if error <= exact:
                        yield self._explanation(((first, change), (second, again)), error, line)

    def _explanation(
        self, changed: tuple[tuple[Variable, Change], ...], error: float, line: Variable
    ) -> Explanation:
        """The explanation, with what it gives for other numbers: this array, and those that come later."""
        return Explanation(changed, error, self._shown(changed, self.solution.elsewhere))

    def told_apart(self, explanations: Sequence[Explanation], values: Values) -> bool:
        """Whether they give different arrays, where the right solution has these values."""
        first, *others = (self._shown(explanation.changes, values) for explanation in explanations)
        return any(not _same(first, other) for other in others)

    def _shown(self, changed: Sequence[tuple[Variable, Change]], right: Values) -> tuple[Any, ...]:
        """The arrays that are handed in and that the changes change, for other right values."""
        values: Any = dict(right)
        last = {variable: change.expression for variable, change in changed}  # of two in one line, both
        shown = []
        for variable in self._route(next(iter(last)), None):
            values[variable] = attempt(last.get(variable, self.lines[variable]), values)
            if variable in self.handed:
                shown.append(values[variable])
        return tuple(shown)

    def _other_masks(
        self, line: Variable, given: np.ndarray, changed: Variable, route: Sequence[Variable], context: Values
    ) -> Iterator[Explanation]:
        """A mask that is none of the program's: where the array is 0, and where it is as without a mask."""
        expression = self.lines[changed]
        if changed is line:  # also one in a line that was not handed in
            expression = self.solution.spelled_out(line, self.hidden(line))
        factors = expression.factors if isinstance(expression, Product) else ()
        for i, (factor, power) in enumerate(factors):
            if not (isinstance(factor, Atom) and np.asarray(attempt(factor, context)).dtype == bool):
                continue
            rest = Product(
                (*factors[:i], *factors[i + 1 :]), isinstance(expression, Product) and expression.joint
            )
            bare = np.asarray(self._along(rest, changed, route, context, {}))
            if bare.shape != given.shape or not np.any(bare):
                continue
            kept = np.abs(given) > single_rounding * np.max(np.abs(bare))
            inside = np.where(kept, bare, 0)
            if distance(given, inside) <= _exact_for(given) and kept.any() and not kept.all():
                change = Change(rest, "another mask", factor, None, 1.5, power)
                yield Explanation(((changed, change),), distance(given, inside), (changed.name,))

    # ---- computing along the lines

    def _usual_changes(self, line: Variable, *forms: Expression, farthest: float = _usual) -> list[Change]:
        about = self.solution.surroundings(line, min(farthest, _usual))
        found = [change for form in forms for change in changes(form, about)]
        return sorted(found, key=lambda change: change.far)

    def _targets(self, line: Variable) -> Iterator[tuple[Variable, list[Variable]]]:
        """The lines in which the mistake may lie, each with the lines from there to this one."""
        for changed in (line, *self.hidden(line)):
            if changed not in self.settled:
                yield changed, self._route(changed, line)

    def _route(self, start: Variable, end: Variable | None) -> list[Variable]:
        """The lines through which a value reaches another (or any later one), in order, both included.

        What was handed in is not computed, and so lies on the way to nothing but itself.
        """
        order = list(self._order)
        stop = len(order) if end is None else self._order[end] + 1
        reached = {start}
        for variable in order[self._order[start] + 1 : stop]:
            computed = variable not in self.handed or variable is end or end is None
            if computed and any(x in reached for x in atoms(self.lines[variable])):
                reached.add(variable)
        return [variable for variable in order if variable in reached]

    def _values_along(
        self, expression: Expression, changed: Variable, route: Sequence[Variable], context: Values
    ) -> dict[Variable, Any] | None:
        values = dict(context)
        for variable in route[:-1] if len(route) > 1 else route:
            own = expression if variable is changed else self.lines[variable]
            values[variable] = attempt(own, values)
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
        value = attempt(expression, context, known)
        if len(route) < 2:
            return value
        if np.shape(value) != np.shape(self.solution.values[changed]):
            return None
        values = {**context, changed: value}
        for variable in route[1:]:
            values[variable] = attempt(self.lines[variable], values)
        return values[route[-1]]


def _so_many(k: int) -> str:
    return "example" if k == 1 else f"{k} examples"


def _is_guess(explanation: Explanation, given: np.ndarray, context: Values) -> bool:
    """Whether it is a mask that nobody knows, seen in a sum over its rows alone: many mistakes make zeros."""
    return any(
        change.kind == "another mask" and np.shape(attempt(change.old, context)) != given.shape
        for _, change in explanation.changes
        if change.old is not None
    )


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


def _exact_for(given: np.ndarray) -> float:
    return loosest(given) if given.dtype in (np.float32, np.float16) else _exact


def _same(x: tuple[Any, ...], y: tuple[Any, ...]) -> bool:
    return len(x) == len(y) and all(map(_alike, x, y))


def _alike(a: Any, b: Any) -> bool:
    """Whether two arrays are the same, or two texts that stand for what has no array."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    return a is b or distance(a, b) <= 1e-7
