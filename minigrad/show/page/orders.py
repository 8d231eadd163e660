"""Why newest first: a diamond visited in the right and in a naive order, with the numbers that each gives."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any

import numpy as np

from minigrad.program import Variable
from minigrad.show import symbols
from minigrad.show.page.graph import node, size, svg
from minigrad.show.page.layout import layout
from minigrad.show.page.walk import Walk, contributions, depth_first
from minigrad.tensor import Tensor

Row = tuple[Tensor, float, str]
"""A visit: the node, its gradient by then, and what it passes on."""


@cache
def orders() -> str:
    """Both orders as HTML; the numbers are those that the orders compute."""
    x = Tensor(2.0, requires_grad=True, name="x")
    a: Any = np.square(x)
    b, c = 3 * a, a + 5
    y = b * c
    a.name, b.name, c.name, y.name = "a", "b", "c", "y"
    newest, depth = newest_first_visits(y), depth_first_visits(y)
    right = newest[-1][1]
    return "\n".join(
        [_order("newest", "newest first", y, newest, right), _order("depth", "depth first", y, depth, right)]
    )


def own_order(walk: Walk, gradients: Mapping[Variable, Any]) -> str:
    """What the naive order would give for the graph of a walk whose leaves have these gradients, as HTML.

    Wrong can only be a leaf behind a result that is used several times; all other differences are rounding.
    """
    naive, _ = depth_first(walk.loss)
    shared = _shared_ahead(walk)
    pairs = {
        leaf: (naive[leaf.tensor], np.broadcast_to(gradients[leaf], leaf.tensor.shape))
        for leaf in walk.differentiated
        if leaf in shared
    }
    finite = [np.abs(g[np.isfinite(g)]).max(initial=0) for pair in pairs.values() for g in pair]
    rounding = np.sqrt(np.finfo(walk.loss.dtype).eps) * max(finite, default=0)
    wrong = [
        leaf for leaf, pair in pairs.items() if not np.allclose(*pair, rtol=0, atol=rounding, equal_nan=True)
    ]
    if wrong:
        names = ", ".join(map(walk.gradient, wrong[:_listed]))
        more = f" and {len(wrong) - _listed:,} more" if len(wrong) > _listed else ""
        cause = shared[wrong[0]]
        text = f"would give wrong numbers for {names}{more}: {walk.name(cause)} is a result, and "
        text += f"it is used {walk.parts[cause]} times."
    elif pairs:
        text = "happens to give the same gradients."
    else:
        text = "gives the same gradients: no result is used twice, and a leaf passes nothing on."
    return f'<p class="own">{escape(f"In the graph above depth-first order {text}")}</p>'


def _shared_ahead(walk: Walk) -> dict[Variable, Variable]:
    """For every value that one leads to: the newest result that gets its gradient in several parts."""
    found: dict[Variable, Variable] = {}
    for equation in reversed(walk.program.equations):
        value = equation.output
        cause = value if walk.parts.get(value, 0) > 1 else found.get(value)
        if cause is not None:
            for x in equation.inputs:
                if isinstance(x, Variable):
                    found.setdefault(x, cause)
    return found


def newest_first_visits(y: Tensor) -> list[Row]:
    """The visits of a walk: a node's gradient is complete when its turn comes."""
    walk = Walk(y)
    gradients = {walk.program.outputs[0]: 1.0}
    texts: dict[Variable, list[str]] = {walk.program.outputs[0]: []}
    for step in walk.steps():
        if step.kind == "backward":
            before, d = gradients.get(step.to, 0.0), float(step.result)
            gradients[step.to] = before + d
            texts[step.value].append(_adding(step.to.name, before, d))
            texts.setdefault(step.to, [])
    order = sorted(texts, key=lambda v: -v.tensor.stamp)
    return [(v.tensor, gradients[v], "; ".join(texts[v]) or _leaf) for v in order]


def depth_first_visits(y: Tensor) -> list[Row]:
    """The visits of the naive order: a node passes on the first part of its gradient, and no other."""
    _, order = depth_first(y)
    first = {y: 1.0}
    so_far: dict[Tensor, float] = {}
    texts: dict[Tensor, list[str]] = {}
    open_nodes = [(y, _passed_on(y, 1.0))]
    while open_nodes:
        node_, parts = open_nodes[-1]
        if not parts:
            open_nodes.pop()
            continue
        x, d = parts.pop(0)
        late = x in first
        texts.setdefault(node_, []).append(
            _adding(x.name or "", so_far.get(x, 0.0), d) + ", too late: it has been visited" * late
        )
        so_far[x] = so_far.get(x, 0.0) + d
        if not late:
            first[x] = d
            open_nodes.append((x, _passed_on(x, d)))
    return [(x, first[x], "; ".join(texts.get(x, [])) or _leaf) for x in order]


_leaf = "it is a leaf: the end"
_listed = 12


def _passed_on(x: Tensor, g: float) -> list[tuple[Tensor, float]]:
    if x.function is None:
        return []
    return [(operand, float(d)) for _, operand, d in contributions(x, np.float64(g))]


def _adding(name: str, before: float, d: float) -> str:
    if not before:
        return f"d{name} = {symbols.number(d)}"
    return f"d{name} = {symbols.number(before)} + {symbols.number(d)} = {symbols.number(before + d)}"


def _order(key: str, words: str, y: Tensor, rows: list[Row], right: float) -> str:
    found = next(g for x, g, _ in rows if x.function is None)
    verdict = f"dx = {symbols.number(found)}: "
    verdict += "right." if found == right else f"wrong, it is {symbols.number(right)}. "
    if found != right:
        verdict += f"What came too late was never passed on: {symbols.number(right - found)} is missing."
    kind = "right" if found == right else "wrong"
    body = "".join(
        f'<tr><td>{i}</td><th scope="row">{x.name}</th><td>{symbols.number(g)}</td>'
        f'<td class="text">{escape(text)}</td></tr>'
        for i, (x, g, text) in enumerate(rows, 1)
    )
    head = "".join(
        f'<th scope="col"{kind}>{text}</th>'
        for text, kind in (
            ("visit", ""), ("node", ""), ("its gradient by then", ""), ("passes on", ' class="text"'),
        )
    )  # fmt: skip
    return (
        f'<div class="order {key}"><div class="diamond">{_picture(y, rows, words)}</div><div>'
        f'<div class="wide" tabindex="0" role="group" aria-label="Visits, {words}"><table class="visits">'
        f"<caption>Visited {words}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f'<p class="verdict {kind}">{verdict}</p></div></div>'
    )


def _picture(y: Tensor, rows: list[Row], words: str) -> str:
    """The diamond, with the number of its visit at each node."""
    program = Walk(y).program
    badges = {x: str(i) for i, (x, _, _) in enumerate(rows, 1)}
    texts = {"x": "x", "a": "a = x²", "b": "b = 3 a", "c": "c = a + 5", "y": "y = b c"}
    lines = {
        v: [texts[v.name], f"= {symbols.number(v.tensor._value)}"]
        for v in (*program.leaves, *(equation.output for equation in program.equations))
    }
    edges = [(x, e.output) for e in program.equations for x in e.inputs if isinstance(x, Variable)]
    placed = layout({v: size(texts) for v, texts in lines.items()}, edges)
    nodes = [node(i, v.kind, lines[v], placed.centres[v], badges[v.tensor]) for i, v in enumerate(lines)]
    return svg(placed, nodes, f"The graph of y = 3 a (a + 5) with a = x², visited {words}")
