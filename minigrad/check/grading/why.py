"""Why the right line is as it is.

The reasons come from the forward pass of the program at hand (which operation made a value, which line an
array went into) and from the rules of the table, not from knowledge of layers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigrad.check.grading.change import Change
from minigrad.check.grading.expression import Apply, Atom, Expression, Product, Sum, atoms, evaluate, parts
from minigrad.check.grading.solution import Solution
from minigrad.program import Equation, Literal, Program, Variable
from minigrad.program.roles import roles
from minigrad.show.derivation import reasons
from minigrad.table import table

_longest = 120
"""Lines that are quoted in a sentence are cut after so many letters."""

_turns: dict[Callable[..., Any], str] = {np.negative: "", np.subtract: "b", np.divide: "b"}
"""Functions that turn the sign of a gradient, and in which argument; "" for any."""

_passes = (np.add, np.positive, np.sum, np.transpose, np.swapaxes, np.reshape, np.broadcast_to, np.astype)
"""Functions that pass a gradient on as it is, but for its shape: they explain no factor."""

_as_letter = r"(?:^|[-+/(] ?|\b(?:in|log|where|is) ){0}\b(?! \w)|\b{0}(?= ?[-+/²)(>])"
"""An operand's letter in the reason of a rule, and no article: -a / b², log a, y (1 - y), where x > 0."""


def reason(solution: Solution, line: Variable, change: Change) -> str:
    """Why the right line is as it is, in one clause; "" for what is neither a gradient nor used in one."""
    return next(_reasons(solution, line, change), "")


def _reasons(solution: Solution, line: Variable, change: Change) -> Iterator[str]:
    old, kind = change.old, change.kind
    forward = Program(solution.derivation.loss, {solution.derivation.loss: "J"})
    played = {v.tensor.stamp: part for v, part in roles(forward).items()}
    mentioned = list(atoms(old)) if old is not None else []
    own = solution.leaves.get(line)
    penalised = own is not None and kind.startswith("term") and own in mentioned
    if kind == "sign":
        yield "the gradient is the direction in which the cost grows; an update subtracts it"
    if kind == "some examples":
        cost = _short(solution.line_text(solution.program.outputs[0]))
        yield f"every example has its part in {cost}, so the sum is over all of them"
    if kind == "rows moved" and isinstance(old, Atom) and isinstance(old.value, Variable):
        for use, _ in _uses_of(solution, old.value):
            where = _forward_line(solution, use.output)
            yield f"a row of {old.value.name} is one example, and they have the same order as in {where}"
    if kind in ("forward value", "another gradient"):
        yield from _of_the_line(solution, line)
    if kind == "result transposed":
        yield f"a gradient has the shape of what it belongs to, {np.shape(solution.values[line])}"
    if kind == "term added":
        yield (
            "nothing in the cost asks for this term: it depends on "
            + _listed(leaf.name for leaf in solution.leaves.values() if _has_own_term(solution, leaf))
            + " only"
        )
    if kind in ("factor added", "all scaled"):
        yield from _of_a_second_time(solution, line, change)
        yield "nothing in the forward pass asks for this factor"
    if penalised and own is not None:
        for equation in forward.equations:
            uses = any(isinstance(x, Variable) and x.tensor is own.tensor for x in equation.inputs)
            if uses and played.get(equation.output.tensor.stamp) == "penalty":
                where = _forward_line(solution, equation.output)
                yield f"{own.name} is in {where} too, whose gradient is added"
    if kind.startswith("term") and _is_a_sum_over_uses(solution, line, change):
        yield "what is used more than once gets the sum of what comes back through each use"
    for x in mentioned:
        part = played.get(x.tensor.stamp)
        if part == "mask" or (part is None and x.kind == "mask"):
            yield (
                f"the units that {x.name} shut down in the forward pass get no gradient, so the same mask "
                "is applied to the gradient"
            )
        if x.kind == "constant":
            yield from _of_a_constant(solution, forward, line, x, _in_own_term(solution, line, change))
    if kind.startswith("slope") or (isinstance(old, Apply) and kind in ("comparison", "argument negated")):
        yield from _of_a_slope(solution, line)
    exchanged = kind.startswith("exchanged") or kind == "swapped"
    if exchanged:
        yield from _of_a_slope(solution, line, mentioned)
    if kind.startswith("term"):  # within a slope: 1 + A * A
        yield from _of_a_slope(solution, line, mentioned, named=True)
    if kind in ("mean for sum", "sum left out", "axis", "one row") and own is not None:
        yield f"{own.name} was used for every row, so its gradient is the sum of what comes back from each"
    if (
        kind in ("transposed", "order", "element by element")
        and isinstance(old, Apply)
        and old.function is np.matmul
    ):
        shapes = [np.shape(evaluate(x, solution.values)) for x in old.inputs]
        yield f"the axes that meet have to be the same: {shapes[0]} @ {shapes[1]}"
    dropped = kind.startswith("factor") and isinstance(old, Atom) and old.value in solution.lines
    if exchanged or dropped:
        yield from _of_an_exchange(solution, old)
    yield from _of_a_part(solution, change)
    yield from _of_the_rules(solution, line, change)
    yield from _of_the_line(solution, line)


def _of_a_second_time(solution: Solution, line: Variable, change: Change) -> Iterator[str]:
    """Whether a divisor that is too much divides an upstream gradient already."""
    new = change.new.value if isinstance(change.new, Atom) and change.power < 0 else None
    if not isinstance(new, Variable):
        return
    written = solution.derivation.source.written_name
    for upstream in atoms(solution.lines[line]):
        divisors = map(written, _divisors(solution.lines[upstream])) if upstream in solution.lines else ()
        if written(new) in divisors:
            text = _short(solution.line_text(upstream))
            yield f"{written(upstream)} is divided by {written(new)} already, {text}"


def _divisors(node: Expression) -> Iterator[Variable]:
    """The values that an expression, or a term of it, is divided by."""
    if isinstance(node, Sum):
        for _, term in node.terms:
            yield from _divisors(term)
    elif isinstance(node, Product):
        for factor, power in node.factors:
            if power < 0 and isinstance(factor, Atom) and isinstance(factor.value, Variable):
                yield factor.value


def _of_a_part(solution: Solution, change: Change) -> Iterator[str]:
    """Whether what was changed within stands so in the forward pass: the 1 - Y of (1 - Y) log(1 - A)."""
    part = _changed_part(change.before, change.expression)
    if isinstance(part, Sum | Apply) and part is not change.before:
        text = solution.text(part)
        for line in _forward_lines(solution):
            made = solution.line_text(line)
            if re.search(rf"(?<![\w.]){re.escape(text)}(?![\w.(])", made.partition(" = ")[2]):
                yield f"`{text}` is what the forward pass has, {_short(made)}"


def _changed_part(before: Expression | None, after: Expression) -> Expression | None:
    """The smallest part that has all of a change in it."""
    while before is not None and _frame(before) == _frame(after):
        differ = [(x, y) for x, y in zip(parts(before), parts(after), strict=True) if x is not y]
        if len(differ) != 1:
            break
        before, after = differ[0]
    return before


def _frame(node: Expression) -> tuple[Any, ...]:
    """What an expression is but for its parts."""
    match node:
        case Sum():
            return Sum, *(sign for sign, _ in node.terms)
        case Product():
            return Product, *(power for _, power in node.factors)
        case Apply():
            return Apply, node.function, len(node.inputs)
    return (node,)


def _of_the_rules(solution: Solution, line: Variable, change: Change) -> Iterator[str]:
    """Why the operations of the forward pass give this gradient: the reasons of the table's rules.

    First those that have to do with what was changed: that turn a sign, divide by a number, or have an
    operand that is mentioned in it.
    """
    links: list[tuple[Equation, int]] = []
    for value in solution.gradient_of.get(line, ()):
        links += _uses_of(solution, value)
    mentioned = set(atoms(change.old)) if change.old is not None else set()
    for x in mentioned if change.kind in ("transposed", "order", "element by element") else ():
        links += [
            (e, j)
            for e, i in _uses_of(solution, x)
            for j in range(len(e.inputs))
            if i != j or len(e.inputs) == 1
        ]
    number = isinstance(change.old, Atom) and isinstance(change.old.value, Literal)

    def is_meant(link: tuple[Equation, int]) -> bool:
        e, i = link
        if change.kind in ("term negated", "sign"):
            return _turns.get(e.function) in ("", _argument(e, i))
        if number and change.power < 0:
            return e.function is np.mean
        others = [x for j, x in enumerate(e.inputs) if j != i and isinstance(x, Variable)]
        return any(not mentioned.isdisjoint({x, *_behind(x)}) for x in others)

    for e, i in sorted(links, key=lambda link: not is_meant(link)):
        said = _rule(solution, e, i)
        if said:
            yield f"the forward pass has {_forward_line(solution, e.output)}: {said}"


def _rule(solution: Solution, equation: Equation, position: int) -> str:
    """The reason of a rule, "" for one that passes the gradient on as it is, and with it explains nothing."""
    x, argument = equation.inputs[position], _argument(equation, position)
    if not isinstance(x, Variable):
        return ""
    if equation.function is np.matmul:
        return "of a product P = A @ B the gradient of A is dP @ B.T, and that of B is A.T @ dP"
    count = x.tensor.size // max(equation.output.tensor.size, 1)
    said = reasons.reason(equation.function, argument, count).rstrip(".")
    if not said or equation.function in _passes or "passes on as it is" in said:
        return ""
    letters = dict(zip(table[equation.function].arrays, equation.inputs, strict=False)) | {
        "y": equation.output
    }
    given = [
        f"{letter} = {solution.text(Atom(operand))}"
        for letter, operand in letters.items()
        if len(letter) == 1 and re.search(_as_letter.format(letter), said)
    ]
    return f"{said[:1].lower()}{said[1:]}" + (f" (with {', '.join(given)})" if given else "")


def _behind(value: Variable) -> Iterator[Variable]:
    """What a value without a name is made of: W of W.T."""
    if value.label is None and value.equation is not None:
        for x in value.equation.inputs:
            if isinstance(x, Variable):
                yield x
                yield from _behind(x)


def _argument(equation: Equation, position: int) -> str:
    row = table[equation.function]
    return row.arrays[0] if row.many else row.arrays[position]


def _uses_of(solution: Solution, value: Variable) -> Iterator[tuple[Equation, int]]:
    """The operations through which a value reaches what has a name, those that are nearest to it first."""
    waiting, seen = [value], {value}
    while waiting:
        x = waiting.pop(0)
        for e in solution.program.equations:
            if x in e.inputs and e.output.tensor.stamp <= solution.derivation.loss.stamp:
                yield from ((e, i) for i, operand in enumerate(e.inputs) if operand is x)
                if e.output.label is None and e.output not in seen:
                    seen.add(e.output)
                    waiting.append(e.output)


def _of_the_line(solution: Solution, line: Variable) -> Iterator[str]:
    """What the line is the gradient of, or is needed for, where no rule has a reason of its own."""
    own = solution.derivation.source.written_name(line)
    for value in solution.gradient_of.get(line, ()):
        for e, _ in _uses_of(solution, value):
            yield f"{own} is what comes back to {value.name}, through {_forward_line(solution, e.output)}"
    for user, expression in solution.lines.items():
        if line in atoms(expression):
            yield f"it stands in {_short(solution.line_text(user))}"


def _forward_lines(solution: Solution) -> Iterator[Variable]:
    """The values that have a line in the forward pass, the cost included."""
    for line in solution.derivation.lines.lines:
        if line.section != "backward" and line.value in solution.values:
            yield line.value


def _short(text: str) -> str:
    """A line as it is quoted in a sentence."""
    return f"`{text}`" if len(text) <= _longest else f"`{text[:_longest]} ...`"


def _of_a_slope(
    solution: Solution, line: Variable, about: list[Variable] | None = None, named: bool = False
) -> Iterator[str]:
    """Why there is a slope in the line.

    about  what the mistake is in: only slopes in which it stands
    named  only slopes of what has a name: others are factors of one term of a cost, as of -Y log A
    """
    for z, a in solution.surroundings(line).slopes:
        if (about is None or z in about or a in about) and (a.label or not named):
            made = solution.line_text(a)
            text = made if a.label else made.partition(" = ")[2]  # what has no name stands in another line
            yield f"the forward pass has `{text}`, whose slope is a factor of the gradient"


def _is_a_sum_over_uses(solution: Solution, line: Variable, change: Change) -> bool:
    """Whether each term of a line is what comes back through one use: an upstream gradient, or a penalty's.

    A3 - Y is not: there the two terms are what is left of one slope.
    """
    whole = solution.lines[line]
    if change.before is not whole or not isinstance(whole, Sum):
        return False
    own = solution.leaves.get(line)
    return len(whole.terms) > 1 and all(
        any(x in solution.gradient_of or x is own for x in atoms(term)) for _, term in whole.terms
    )


def _in_own_term(solution: Solution, line: Variable, change: Change) -> bool:
    """Whether the change is in a term that is a number times the leaf whose gradient this is."""
    before, after, own = change.before, change.expression, solution.leaves.get(line)
    if own is None or not isinstance(before, Sum) or not isinstance(after, Sum):
        return False
    changed = [term for term in before.terms if term not in after.terms]
    return len(changed) == 1 and own in atoms(changed[0][1])


def _of_a_constant(
    solution: Solution, forward: Program, line: Variable, constant: Variable, own_term: bool
) -> Iterator[str]:
    """Why a named number is in the line: by what the forward pass did with it."""
    name = solution.derivation.source.written_name(constant)
    uses = [
        e
        for e in forward.equations
        if any(isinstance(x, Variable) and x.label == constant.label for x in e.inputs)
    ]
    played = roles(forward)
    if own_term:
        for equation in uses:
            if played.get(equation.output) == "penalty":
                where = _forward_line(solution, equation.output)
                yield f"{name} is in that term of the cost too, {where}"
    rescaled = [e.output for e in uses if played.get(e.output) == "rescaled"]
    made = max((v.tensor.stamp for v in solution.gradient_of.get(line, ())), default=0)
    after = [v for v in rescaled if v.tensor.stamp > made]
    for value in (*after, *rescaled):
        yield (
            f"in backpropagation the kept units are scaled by 1/{name} again, because the forward pass was: "
            f"{_forward_line(solution, value)}"
        )
    for equation in forward.equations:
        averaged = equation.inputs[0] if equation.function is np.mean else None
        if equation.output.tensor.size > 1 or equation.output.tensor.stamp < made:
            continue  # a mean of the batch, or one that the value comes from
        if isinstance(averaged, Variable) and np.size(averaged.tensor.data):
            each, more = divmod(averaged.tensor.size, constant.tensor._value)
            if each == 1 and not more:
                yield f"the cost is a mean over {name} examples, so each of them counts 1/{name}"
            elif averaged.tensor.shape[:1] == (constant.tensor._value,) and not more:
                yield (
                    f"the cost is a mean over {name} examples of {each} numbers each, so each number counts "
                    f"1/({each} * {name})"
                )
    for equation in uses:
        yield f"the forward pass has it too: {_forward_line(solution, equation.output)}"


def _of_an_exchange(solution: Solution, old: Expression | None) -> Iterator[str]:
    """Why it is this array and no other: by what it went into, or is the gradient of."""
    right = old.value if isinstance(old, Atom) else None
    if not isinstance(right, Variable):
        return
    if right in solution.lines:
        for value in solution.gradient_of.get(right, ()):
            if value.equation is not None and value.label:
                where = solution.line_text(value)
                yield f"it is the gradient of {value.name} that comes back, through `{where}`"
        return
    consumers = [e.output for e in solution.program.equations if right in e.inputs]
    for value in consumers:
        if value.tensor.stamp <= solution.derivation.loss.stamp:
            yield f"it was {right.name} that the forward pass used: {_forward_line(solution, value)}"


def _forward_line(solution: Solution, value: Variable) -> str:
    """The line of the forward pass in which a value is computed: that of the next value with a name."""
    by_stamp = {v.tensor.stamp: v for v in solution.values}
    own = by_stamp.get(value.tensor.stamp, value)
    users = {
        x: e.output for e in reversed(solution.program.equations) for x in e.inputs if isinstance(x, Variable)
    }
    while own.label is None and own in users:
        own = users[own]
    return _short(solution.line_text(own))


def _has_own_term(solution: Solution, leaf: Variable) -> bool:
    line = next(g for g, own in solution.leaves.items() if own is leaf)
    return leaf in atoms(solution.lines[line]) if line in solution.lines else False


def _listed(names: Iterator[str]) -> str:
    found = list(names)
    return ", ".join(found[:-1]) + (" and " if len(found) > 1 else "") + (found[-1] if found else "nothing")
