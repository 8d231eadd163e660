"""The graph of a step-through page as an SVG element, drawn without Graphviz: nodes, arrows, texts."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from minigrad.program import Variable
from minigrad.show import symbols
from minigrad.show.page.layout import Layout, Point, layout
from minigrad.show.page.walk import Walk
from minigrad.show.page.words import Words
from minigrad.show.pictures.view import Elision, Group, View

_text_width, _rule_width = 7.4, 5.9  # of a character, in pixels
_line, _around = 15.0, 12.0
_corners = {"data": 0.0, "mask": 0.0, "fold": 3.0, "parameter": 8.0}


class StepGraph:
    """What is drawn of a walk, and the numbers by which the page calls it.

    places    what is drawn, each after what it uses: values, and the closed boxes that stand for several
    node_ids  place -> its number
    edge_ids  (place, place that uses it) -> the number of the arrow
    """

    def __init__(self, walk: Walk, words: Words, view: View) -> None:
        self.walk, self.words, self.view = walk, words, view
        self.places = self._in_order()
        self.node_ids = {place: i for i, place in enumerate(self.places)}
        self._texts = {place: self._text(place) for place in self.places}
        edges = [
            (view.place[x], view.place[equation.output])
            for equation in walk.program.equations
            for x in equation.inputs
            if isinstance(x, Variable)
        ]
        edges = [(a, b) for a, b in edges if a is not b]
        self._layout = layout({place: size(lines) for place, lines in self._texts.items()}, edges)
        self.edge_ids = {edge: i for i, edge in enumerate(self._layout.arrows)}

    def _in_order(self) -> list[Any]:
        """Leaves before their first use, closed boxes where their last value is computed."""
        order: dict[Any, None] = {}
        for equation in self.walk.program.equations:
            for v in (*equation.inputs, equation.output):
                if isinstance(v, Variable):
                    place = self.view.place[v]
                    if place is not v:
                        order.pop(place, None)
                    order[place] = None
        order.update((self.view.place[v], None) for v in self.walk.program.outputs)
        return list(order)

    def svg(self, title: str) -> str:
        """The drawing as one element."""
        nodes = [
            node(self.node_ids[place], self._classes(place), lines, self._layout.centres[place])
            for place, lines in self._texts.items()
        ]
        return svg(self._layout, nodes, title)

    def _text(self, place: Any) -> list[str]:
        """The lines on a node: the operation, the name and shape of its result, the rules of the table."""
        walk, words = self.walk, self.words
        if isinstance(place, Group | Elision):
            return [_shortened(caption(place), 44), "folded"]
        name, shape = walk.name(place), symbols.shape(place.tensor)
        if place.equation is None:
            value = place.tensor._value
            if place.kind == "constant" or (place.label is None and symbols.is_one(value)):
                return [f"{name} = {symbols.values(value)}" if place.label else symbols.values(value)]
            return list(filter(None, [_shortened(name, 30), shape]))
        rule = words.rules_on(place)
        lines = [_shortened(symbols.operation(place.equation), 30), f"{_shortened(name, 30)} {shape}".strip()]
        return [*lines, _shortened(rule, 48)] if rule else lines

    def _classes(self, place: Any) -> str:
        if isinstance(place, Group | Elision):
            return "fold"
        output = "output" if place in self.walk.program.outputs else ""
        return " ".join(filter(None, [place.kind, self.words.roles.get(place, ""), output]))


def _outline(x: float, y: float, width: float, height: float, corner: float, more: str = "") -> str:
    return f'<rect{more} x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{corner:g}"/>'


def caption(place: Group | Elision) -> str:
    """What is written on a closed box."""
    return str(place) if isinstance(place, Elision) else place.title


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def size(lines: list[str]) -> tuple[float, float]:
    """The width and height of a node with these lines."""
    widths = [len(line) * (_text_width if i < 2 else _rule_width) for i, line in enumerate(lines)]
    return max(34.0, round(max(widths)) + 18.0), _around + _line * len(lines)


def svg(placed: Layout, nodes: Iterable[str], title: str) -> str:
    """A laid out graph as one element; its arrows are numbered in the order of the layout."""
    paths = [
        f'<path data-edge="{i}" class="edge" d="{_path(points)}"/>'
        for i, points in enumerate(placed.arrows.values())
    ]
    width, height = f"{placed.width:g}", f"{placed.height:g}"
    return "\n".join(
        [
            f'<svg role="img" aria-label="{escape(title)}" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}">',
            *paths,
            *nodes,
            "</svg>",
        ]
    )


def _path(points: list[Point]) -> str:
    """A line through the points: straight down, or an S from one layer to the next."""
    (x, y), *others = points
    parts = [f"M{x:g} {y:g}"]
    for k, (nx, ny) in enumerate(others):
        straight_on = k + 1 < len(others) and others[k + 1][0] == nx == x
        if nx == x:
            if not straight_on:
                parts.append(f"V{ny:g}")
        else:
            middle = f"{(y + ny) / 2:g}"
            parts.append(f"C{x:g} {middle} {nx:g} {middle} {nx:g} {ny:g}")
        x, y = nx, ny
    return "".join(parts)


def node(number: int, classes: str, lines: list[str], centre: Point, badge: str = "") -> str:
    """A node: its outline, its lines of text, and a badge with a number if there is one."""
    width, height = size(lines)
    x, y = centre[0] - width / 2, centre[1] - height / 2
    kind = classes.split(" ")[0]
    shapes = [_outline(x, y, width, height, _corners.get(kind, min(height / 2, 20)))]
    if kind == "parameter":
        shapes.append(_outline(x + 3, y + 3, width - 6, height - 6, 6, ' class="inner"'))
    names = ["operation" if "result" in classes or kind == "fold" else "name", "quiet", "rule"]
    texts = [
        f'<text class="{name}" x="{centre[0]:g}" y="{y + 17 + _line * i:g}">{escape(line)}</text>'
        for i, (name, line) in enumerate(zip(names, lines, strict=False))
    ]
    if badge:
        texts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="9"/><text class="badge" x="{x:g}" y="{y + 4:g}">{badge}</text>'
        )
    title = f"<title>{escape(', '.join(lines))}</title>"
    return f'<g class="node {classes}" data-node="{number}">{title}{"".join(shapes + texts)}</g>'
