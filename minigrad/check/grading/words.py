"""What is said of a mistake: what was changed in the line, and why the right line is as it is.

The reasons come from the forward pass of the program at hand (which operation made a value, which line an
array went into), not from knowledge of layers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from minigrad.check.grading.changes import Change
from minigrad.check.grading.expression import Apply, Atom, Expression, Product, Sum, atoms, evaluate
from minigrad.check.grading.solution import Solution
from minigrad.program import Literal, Program, Variable
from minigrad.program.roles import roles

_tight = 7
"""How tightly a factor binds: sums and products in it need parentheses."""

_longest = 120
"""Lines that are quoted in a sentence are cut after so many letters."""

phrases: dict[str, str] = {
    "sign": "with the opposite sign",
    "result transposed": "transposed",
    "factor dropped": "without `{times} {old}`",
    "factors dropped": "without `{factors}`",
    "slope dropped": "without the slope `{factors}`",
    "factor added": "with an extra `{times} {new}`",
    "all scaled": "with an extra `{times} {new}` for all of it",
    "factor inverted": "with `{over} {old}` instead of `{times} {old}`",
    "factor twice": "with `{times} {old}` twice",
    "term dropped": "without `{sign} {old}`",
    "term negated": "with a sign reversed, `{flipped} {old}` instead of `{sign} {old}`",
    "term doubled": "with twice `{old}`",
    "term halved": "with half of `{old}`",
    "term added": "with an extra `+ {new}`",
    "mean for sum": "with a mean, `{new}`, instead of the sum `{old}`",
    "sum for mean": "with a sum, `{new}`, instead of the mean `{old}`",
    "sum left out": "without the sum: `{new}` instead of `{old}`",
    "axis": "along another axis: `{new}` instead of `{old}`",
    "comparison": "with `{new}` instead of `{old}`",
    "mask inverted": "with the inverted mask, `{new}` instead of `{old}`",
    "another mask": "with another mask than `{old}`: one that was drawn anew, or that belongs elsewhere",
    "transposed": "with `{new}` instead of `{old}`",
    "order": "with the operands exchanged, `{new}` instead of `{old}`",
    "element by element": "with a product element by element, `{new}`, instead of `{old}`",
    "branches swapped": "with the two choices of np.where exchanged",
    "exponent": "with `{new}` instead of `{old}`",
    "exchanged": "with `{new}` instead of `{old}`",
    "exchanged throughout": "with `{new}` instead of `{old}` throughout",
    "term exchanged": "with `{new}` instead of the term `{old}`",
    "bracket": "with a bracket forgotten or closed too early, `{new}` instead of `{old}`",
    "rows moved": "with the rows of `{old}` in another order, `{new}`",
    "one row": "with one row, `{new}`, instead of the sum `{old}`",
    "constant exchanged": "with `{new}` instead of `{old}`",
    "slope exchanged": "with the slope `{new}` instead of `{old}`",
    "function left out": "with `{new}` instead of `{old}`",
    "function exchanged": "with `{new}` instead of `{old}`",
    "forward value": "`{new}`, a value of the forward pass",
    "another gradient": "`{new}`, which is another gradient",
}
"""Kind of change -> how it is said, after "the right one"."""

_in_its_place = ("forward value", "another gradient")


def what(solution: Solution, change: Change) -> str:
    """The change in words: without `/ keep_prob`."""

    def text(node: Expression | None, binding: int = 0) -> str:
        return "" if node is None else solution.text(node, binding)

    if change.kind == "some examples":
        assert isinstance(change.new, Atom)
        assert isinstance(change.new.value, Literal)
        return f"for {change.new.value.value} only"
    factor = change.kind.startswith(("factor", "slope", "mask"))
    chain = change.old.factors if isinstance(change.old, Product) else ((change.old, change.power),)
    times, over = ("*", "/") if change.power > 0 else ("/", "*")
    sign, flipped = ("+", "-") if change.power > 0 else ("-", "+")
    needs = {
        "times": times,
        "over": over,
        "sign": sign,
        "flipped": flipped,
        "old": text(change.old, _tight * (factor and change.kind != "slope exchanged")),
        "new": text(change.new, _tight * (change.kind in ("factor added", "all scaled"))),
        "factors": " ".join(f"{'*' if power > 0 else '/'} {text(x, _tight)}" for x, power in chain if x),
    }
    return phrases[change.kind].format_map(needs)


def sentence(solution: Solution, line: Variable, name: str, said: str, change: Change) -> str:
    """What the student's array is: your dA1 is the right one without `/ keep_prob`."""
    own = solution.derivation.source.written_name(line)
    if change.kind in _in_its_place:
        return f"your {name} is {said}"
    if own != name:
        return f"your {name} is what comes out where {own} (not handed in) is the right one {said}"
    return f"your {name} is the right one {said}"


def reason(solution: Solution, line: Variable, change: Change) -> str:
    """Why the right line is as it is, in one clause; "" if there is nothing better than the line itself."""
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
    if kind == "result transposed":
        yield f"a gradient has the shape of what it belongs to, {np.shape(solution.values[line])}"
    if kind == "term added":
        yield (
            "nothing in the cost asks for this term: it depends on "
            + _listed(leaf.name for leaf in solution.leaves.values() if _has_own_term(solution, leaf))
            + " only"
        )
    if kind in ("factor added", "all scaled"):
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
    if kind.startswith("slope") or (isinstance(old, Apply) and kind == "comparison"):
        yield from _of_a_slope(solution, line)
    if kind.startswith("exchanged"):
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
    if kind.startswith("exchanged") and isinstance(old, Atom) and isinstance(old.value, Variable):
        yield from _of_an_exchange(solution, line, old.value)


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


def _of_an_exchange(solution: Solution, line: Variable, right: Variable) -> Iterator[str]:
    """Why it is this array and no other: by what it went into, or is the gradient of."""
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
    text = solution.line_text(own)
    return f"`{text}`" if len(text) <= _longest else f"`{text[:_longest]} ...`"


def _has_own_term(solution: Solution, leaf: Variable) -> bool:
    line = next(g for g, own in solution.leaves.items() if own is leaf)
    return leaf in atoms(solution.lines[line]) if line in solution.lines else False


def _listed(names: Iterator[str]) -> str:
    found = list(names)
    return ", ".join(found[:-1]) + (" and " if len(found) > 1 else "") + (found[-1] if found else "nothing")
