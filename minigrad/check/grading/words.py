"""What is said of a mistake: what was changed in the line."""

from __future__ import annotations

from minigrad.check.grading.change import Change
from minigrad.check.grading.expression import Atom, Expression, Product
from minigrad.check.grading.solution import Solution
from minigrad.program import Literal, Variable

_tight = 7
"""How tightly a factor binds: sums and products in it need parentheses."""

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
    "swapped": "with `{old}` and `{new}` exchanged",
    "term exchanged": "with `{new}` instead of the term `{old}`",
    "bracket": "with a bracket forgotten or closed too early, `{new}` instead of `{old}`",
    "rows moved": "with the rows of `{old}` in another order, `{new}`",
    "one row": "with one row, `{new}`, instead of the sum `{old}`",
    "constant exchanged": "with `{new}` instead of `{old}`",
    "slope exchanged": "with the slope `{new}` instead of `{old}`",
    "argument negated": "with `{new}` instead of `{old}`",
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
