"""A derivation in words: one numbered step per equation of the backward pass, and why each factor is in it.

Everything is read off the graph and the table: a step follows the value from where its gradient is known back
to where it is used, one function after the other, with the rule of each.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigrad import functions
from minigrad.program import Equation, Literal, Variable
from minigrad.show import symbols
from minigrad.show.derivation.owners import owners
from minigrad.show.derivation.reasons import reason
from minigrad.show.derivation.source import Source
from minigrad.show.rule_text import rule_at
from minigrad.table import name_of, table

_width = 100
_longest = 56
_longest_way = 40
_many = 6
_sums = (np.add, np.subtract)


def explain(source: Source, gradients: Mapping[int, Any]) -> str:
    """The backward pass of a derivation as numbered steps in words, one per equation.

    source     the NumPy text, in which the equations are quoted; its program's first output is the loss
    gradients  stamp of a value -> its gradient, as `gradients_as_graphs` gives them
    """
    return Explanation(source, gradients).text()


class Link(NamedTuple):
    """One use of a value: it is an operand of an equation, through which it reaches the loss."""

    equation: Equation
    position: int

    @property
    def value(self) -> Variable:
        """What is used."""
        value = self.equation.inputs[self.position]
        assert isinstance(value, Variable)
        return value

    @property
    def argument(self) -> str:
        """What the function calls it."""
        row = table[self.equation.function]
        return row.arrays[0] if row.many else row.arrays[self.position]

    @property
    def rule(self) -> str:
        """The rule of the table, as text."""
        return dict(symbols.rules(self.equation.function)).get(self.argument, "")

    @property
    def is_summand(self) -> bool:
        """Whether it is a term of a sum or difference, to which the gradient passes as it is."""
        y = self.equation.output.tensor.shape
        return self.equation.function in _sums and self.rule == "g" and self.value.tensor.shape == y


class Run(NamedTuple):
    """Links that only pass the gradient on, one behind the other: in a + b + c, from the sum to a.

    first, last  the links nearest to the loss and farthest from it
    length       how many there are
    mixed        whether they are of sums and of differences
    ends         what the gradient is passed on to, where the links of one sum are taken together
    """

    first: Link
    last: Link
    length: int = 1
    mixed: bool = False
    ends: tuple[Variable, ...] = ()


class Explanation:
    """The steps of a derivation."""

    def __init__(self, source: Source, gradients: Mapping[int, Any]) -> None:
        self.source = source
        self.lines = source.lines
        self.program = source.lines.program
        self.loss = self.program.outputs[0]
        self._of = owners(self.lines, gradients)
        own = {line.value for line in self.lines.lines}
        self._gradient = {value: g for g, value in self._of.items() if g in own and value is not self.loss}
        backward = [line.value for line in self.lines.lines if line.section == "backward"]
        self._users: dict[Variable, list[Variable]] = {}
        for use in backward:
            for part in self.lines.needs(use):
                self._users.setdefault(part, []).append(use)
        self._rules: dict[tuple[Variable, int], str] = {}
        self._quotes: dict[tuple[Any, bool], str] = {}
        self._has_m = any(leaf.label == "m" and leaf.kind == "constant" for leaf in self.program.leaves)
        self._links: dict[Variable, list[Link]] = {}
        for equation in self.program.equations:
            if equation.output.tensor.stamp in gradients:
                for i, x in enumerate(equation.inputs):
                    if isinstance(x, Variable) and x.tensor.stamp in gradients and _has_rule(equation, i):
                        self._links.setdefault(x, []).append(Link(equation, i))
        self._chains = self._sums_passed()

    def text(self) -> str:
        """All steps."""
        loss = self.source.written_name(self.loss)
        start = (
            f"Start at {loss}, where ∂{loss}/∂{loss} = 1, and go back. dx stands for ∂{loss}/∂x. In a rule, "
            "g is the gradient of what the function gave, y is what it gave, and the other letters are its "
            "operands. What is used more than once gets the sum of what comes back."
        )
        steps = [
            "\n".join(self._step(number, line.value))
            for number, line in enumerate(self._backward_lines(), start=1)
        ]
        return "\n\n".join([textwrap.fill(start, _width), *steps]) + "\n"

    def _backward_lines(self) -> list[Any]:
        return [line for line in self.lines.lines if line.section == "backward"]

    # ---- one step

    def _step(self, number: int, gradient: Variable) -> Iterator[str]:
        head = f"{number}. "
        equation = f"{self.source.written_name(gradient)} = {self.source.expression(gradient, own=True)}"
        yield _paragraph(equation, head, " " * (len(head) + 4))
        indent = " " * len(head)
        value = self._of.get(gradient)
        if value is None:
            yield _paragraph(self._shared(gradient), indent)
            return
        if value is self.loss:
            yield f"{indent}That is where it starts."
            return
        runs = self._way(value)
        yield _paragraph(self._uses(value), indent)
        for run in self._runs(runs):
            yield from self._link(run, indent)
        if sum(run.length for run in runs) <= _longest_way:
            together = self._put_together(value, gradient, len(runs))
            if together:
                yield _paragraph(together, indent)

    def _shared(self, part: Variable) -> str:
        where = _listed([self.source.written_name(use) for use in self._users.get(part, [])])
        return f"No gradient by itself, but a part of {where}: it is computed once."

    def _sums_passed(self) -> dict[Variable, Run]:
        """Value -> the sums of which it is, or is inside, a term and through which alone it is used.

        So the way through a sum of many terms is one run, and is not walked again for each of them.
        """
        found: dict[Variable, Run] = {}
        for equation in reversed(self.program.equations):
            x = equation.output
            links = self._links.get(x, [])
            if len(links) != 1 or not links[0].is_summand:
                continue
            (link,) = links
            y = link.equation.output
            above = None if self._is_known(y) else found.get(y)
            if above is None:
                found[x] = Run(link, link)
            else:
                mixed = above.mixed or above.last.equation.function is not link.equation.function
                found[x] = Run(above.first, link, above.length + 1, mixed)
        return found

    def _way(self, value: Variable) -> list[Run]:
        """The uses on the way from a value to those whose gradient is known: from these back to the value."""
        found: dict[Variable, list[Run]] = {}
        waiting = [value]
        while waiting:
            x = waiting.pop()
            if x in found:
                continue
            chain = self._chains.get(x)
            found[x] = [chain] if chain else [Run(link, link) for link in self._links.get(x, [])]
            outputs = [run.first.equation.output for run in found[x]]
            waiting += [y for y in outputs if not self._is_known(y)]
        runs = [run for runs in found.values() for run in runs]
        return sorted(runs, key=lambda run: -run.last.equation.output.tensor.stamp)

    def _is_known(self, value: Variable) -> bool:
        return value is self.loss or value in self._gradient

    def _uses(self, value: Variable) -> str:
        """Through what the value reaches the loss, and that gradients add where it is used more than once."""
        name = self._quoted(value)
        links = self._links.get(value, [])
        where = [self.source.written_name(line) for line in self._lines_of(value)]
        if max(len(links), len(where)) > 1:
            times = {2: "twice"}.get(max(len(links), len(where)), f"{max(len(links), len(where))} times")
            return f"{name} is used {times}, in {_listed(where)}; what comes back through each use is added."
        loss = self.source.written_name(self.loss)
        if where == [loss]:
            return f"{name} stands in {loss} itself."
        return f"{name} reaches {loss} through {_listed(where)}."

    def _lines_of(self, value: Variable) -> list[Variable]:
        """The lines on the way to the loss in which a value is written."""
        found: dict[Variable, None] = {}
        waiting = [value]
        for x in waiting:  # grows while it is read
            for link in self._links.get(x, []):
                y = link.equation.output
                if y in self.lines.inline:
                    waiting.append(y)
                else:
                    found[y] = None
        return list(found)

    def _runs(self, runs: list[Run]) -> list[Run]:
        """The runs, those of one sum taken together where there are many."""
        sum_of: dict[Variable, int] = {}  # a value inside a sum -> the sum's number
        members: list[list[Run]] = []
        for run in runs:
            if run.last.is_summand:
                y = run.first.equation.output
                if y not in sum_of:
                    sum_of[y] = len(members)
                    members.append([])
                members[sum_of[y]].append(run)
                sum_of[run.last.value] = sum_of[y]
            else:
                members.append([run])
        taken: list[Run] = []
        for together in members:
            if len(together) < _many:
                taken += together
                continue
            opened = {run.first.equation.output for run in together}
            ends = tuple(dict.fromkeys(r.last.value for r in together if r.last.value not in opened))
            taken.append(together[0]._replace(length=sum(r.length for r in together), ends=ends))
        return taken

    def _link(self, run: Run, indent: str) -> Iterator[str]:
        """One use: from where to where, the rule of the table, what its letters are here, and why."""
        link, function, y = run.last, run.first.equation.function, run.first.equation.output
        to = f"each of {len(run.ends)} terms" if run.ends else self._quoted(link.value)
        where = f"{self._quoted(y, in_full=True)}  to  {to}"
        if self._is_known(y):
            known = self._gradient.get(y)
            where += f",  where g = {'1' if known is None else self.source.written_name(known)}"
        yield f"{indent}- {where}"
        if run.ends:
            said = f"g. A sum of {len(run.ends)} terms passes the gradient on to each of them."
            yield _paragraph(said, indent + "    ")
            return
        if run.mixed:
            said = f"g. A sum of {run.length + 1} terms passes the gradient on to each of them."
            yield _paragraph(said, indent + "    ")
            return
        rule = self._rule(link)
        argument = link.argument if len(table[function].arrays) > 1 else ""
        letters = self._letters(link, rule)
        text = f"{name_of(function)}{' in ' + argument if argument else ''}:  {rule}{letters}."
        sentences = (
            text,
            reason(link.equation.function, link.argument, _count(link)),
            *self._unbroadcast(link),
        )
        yield _paragraph(" ".join(filter(None, sentences)), indent + "    ")

    def _rule(self, link: Link) -> str:
        """The rule of the table; one that calls helpers, as it is for these operands: g @ b.T, g / m."""
        key = link.equation.output, link.position
        if key not in self._rules:
            self._rules[key] = self._rule_here(link)
        return self._rules[key]

    def _rule_here(self, link: Link) -> str:
        if not link.rule or not _helpers(link.rule):
            return link.rule
        text = rule_at(link.equation.output.tensor, link.position)
        rows = str(link.value.tensor.shape[0]) if link.value.tensor.shape else "m"
        return text if self._has_m else re.sub(r"\bm\b", rows, text)

    def _spelled(self, link: Link) -> str | None:
        """A rule as one expression of g, y and its operands; None if it needs more than these."""
        row, rule = table[link.equation.function], self._rule(link)
        if not rule or row.many or _helpers(rule):
            return None
        used = {node.id for node in ast.walk(_parsed(rule)) if isinstance(node, ast.Name)}
        return None if used & set(row.parameters) else rule

    def _letters(self, link: Link, rule: str) -> str:
        """What the letters of a rule are in an equation."""
        equation = link.equation
        used = re.findall(r"(?<![\w.])([a-zA-Z]\w*)(?![\w(=])", rule)
        given: dict[str, Variable | Literal] = {"y": equation.output}
        if not table[equation.function].many:
            given.update(zip(table[equation.function].arrays, equation.inputs, strict=True))
        said = [f"{name} = {self._quoted(given[name])}" for name in dict.fromkeys(used) if name in given]
        return f"  with {', '.join(said)}" if said else ""

    def _unbroadcast(self, link: Link) -> Iterator[str]:
        """That what was used many times gets the sum over all of its uses."""
        x, y = link.value.tensor.shape, link.equation.output.tensor.shape
        if not table[link.equation.function].elementwise and link.equation.function is not np.broadcast_to:
            return
        if x == y:
            return
        name = self._quoted(link.value)
        lead = len(y) - len(x)
        axes = [i for i, n in enumerate(y) if i < lead or (x[i - lead] == 1 != n)]
        counts = [y[i] for i in axes if y[i] != 1]
        if not counts:
            return
        if axes == [0] and len(y) == 2 and x:
            yield f"{name} was used for each of the {counts[0]} rows, so its gradient is the sum over them."
        else:
            times = int(np.prod(counts))
            along = f"axis {axes[0]}" if len(axes) == 1 else f"axes {_listed([str(i) for i in axes])}"
            yield f"{name} was repeated along {along}, {times} times, so its gradient is the sum over these."

    # ---- what the rules give, multiplied out

    def _put_together(self, value: Variable, gradient: Variable, links: int) -> str:
        """The rules put into each other, if that differs from the equation."""
        if links < 2:
            return ""
        raw = self._composed(value, {})
        if raw is None:
            return ""
        text = ast.unparse(raw)
        written = self.source.expression(gradient, own=True)
        if ast.dump(ast.parse(text)) == ast.dump(ast.parse(written)) or len(text) > 300:
            return ""
        return f"Put together that is  {text},  simplified:  {written}"

    def _composed(self, value: Variable, known: dict[Variable, ast.expr | None]) -> ast.expr | None:
        """The gradient of a value as the rules give it, put into each other; None if it cannot be written."""
        if value in known:
            return known[value]
        total: ast.expr | None = None
        known[value] = None
        for link in self._links.get(value, []):
            y = link.equation.output
            if y is self.loss:
                g: ast.expr | None = ast.Constant(1)
            elif y in self._gradient:
                g = ast.Name(self.source.written_name(self._gradient[y]))
            else:
                g = self._composed(y, known)
            part = None if g is None else self._applied(link, g)
            if part is None or sum(1 for _ in ast.walk(part)) > 150:
                return None
            total = part if total is None else ast.BinOp(total, ast.Add(), part)
        known[value] = total
        return total

    def _applied(self, link: Link, g: ast.expr) -> ast.expr | None:
        """The rule of a use with its letters put in."""
        equation = link.equation
        x, y = link.value.tensor.shape, equation.output.tensor.shape
        rule = self._spelled(link)
        if rule is None or (table[equation.function].elementwise and x != y):
            return None
        tree = _parsed(rule)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        given = {"g": g}
        for name, operand in zip(table[equation.function].arrays, equation.inputs, strict=True):
            if name in used:
                given[name] = _parsed(self.source.expression(operand))
        if "y" in used:
            own = equation.output in self.lines.inline
            given["y"] = _parsed(self.source.expression(equation.output, own=own))
        return _Put(given).visit(tree)

    # ---- quoting

    def _quoted(self, x: Variable | Literal, in_full: bool = False) -> str:
        """A value as the NumPy text has it, cut off where it is long."""
        key = x, in_full
        if key not in self._quotes:
            self._quotes[key] = self._quote(x, in_full)
        return self._quotes[key]

    def _quote(self, x: Variable | Literal, in_full: bool) -> str:
        text = self.source.expression(x)
        equation = x.equation if isinstance(x, Variable) and x in self.lines.inline else None
        if len(text) > _longest and equation is not None and hasattr(equation.function, "on_arrays"):
            text = f"{name_of(equation.function)}({', '.join(map(self.source.expression, equation.inputs))})"
        if in_full and isinstance(x, Variable) and x not in self.lines.inline and x.equation is not None:
            text = f"{text} = {self.source.expression(x, own=True)}"
        return text if len(text) <= _longest else text[: _longest - 2] + " …"


class _Put(ast.NodeTransformer):
    """Puts expressions in place of letters; 1 · a is a, and (aᵀ)ᵀ is a."""

    def __init__(self, given: Mapping[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.given.get(node.id, node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult):
            if isinstance(node.left, ast.Constant) and node.left.value == 1:
                return node.right
            if isinstance(node.right, ast.Constant) and node.right.value == 1:
                return node.left
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        if node.attr == "T" and isinstance(node.value, ast.Attribute) and node.value.attr == "T":
            return node.value.value
        return node


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _paragraph(text: str, first: str, then: str | None = None) -> str:
    return textwrap.fill(
        text,
        _width,
        initial_indent=first,
        subsequent_indent=first if then is None else then,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _listed(words: list[str]) -> str:
    if not words:
        return "nothing"
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _has_rule(equation: Equation, position: int) -> bool:
    row = table[equation.function]
    return row.rules[0 if row.many else position] is not None


# ---- rules


@cache
def _helpers(text: str) -> bool:
    """Whether a rule calls a function that is neither NumPy's nor one of the table's, or is no expression."""
    try:
        calls = [node.func for node in ast.walk(_parsed(text)) if isinstance(node, ast.Call)]
    except SyntaxError:  # an array is quoted as: array (2, 3)
        return True
    return any(isinstance(f, ast.Name) and getattr(functions, f.id, None) not in table for f in calls)


def _count(link: Link) -> int:
    return link.value.tensor.size // max(link.equation.output.tensor.size, 1)


def _shape(x: Variable | Literal) -> tuple[int, ...]:
    return np.shape(x.value) if isinstance(x, Literal) else x.tensor.shape
