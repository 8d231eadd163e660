"""Two lanes: the forward pass on the left, each gradient beside its value on the right, as one picture.

A node is a line of the derivation: its equation, and under a gradient the rules of the table that made it.

    forward lane     looks as in `draw`: parameters have a double line, masks are dashed
    backward lane    read from the loss up: dJ = 1, then one gradient from the next
    coloured arrows  the way of the gradient; each colour is a term of the loss, of which a legend tells
    dotted arrows    what a gradient needs of the forward pass
    ● and ○          what a mask kept and dropped
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise
from textwrap import wrap
from typing import Any

import numpy as np

from minigrad.program import Program, Variable
from minigrad.program.roles import roles
from minigrad.show import symbols
from minigrad.show.derivation.derive import Derivation, derive
from minigrad.show.pictures import dot
from minigrad.show.pictures.flow import Flow, Gradient, Step
from minigrad.show.pictures.graph import Graph
from minigrad.tensor import Tensor

_colours = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8C6D00", "#56B4E9")
"""Okabe and Ito's, which are told apart without seeing colours; the orange is darker, for thin lines."""
_other = "#555555"
_widest, _widest_rules, _most_lines = 44, 56, 6
_largest_pattern = 8
_large = 80
"""A picture with more forward lines is large: Graphviz has to hurry."""
_legend_row = 3
_held = 3
"""As often as that an unseen arrow counts when crossings are."""
_node = {**dot.text_style, "margin": "0.11,0.06", "width": "0.3", "height": "0.3"}
_edge = {"color": "#777777", "arrowsize": "0.6"}
_box = {
    "fontname": "Helvetica", "fontsize": "9", "fontcolor": "#555555", "labelloc": "b", "margin": "3",
    "style": "filled", "fillcolor": "#FFFFFF", "color": "#444444",
}  # fmt: skip
"""Around the equation of a gradient and the rules below it, which are smaller."""
_lane = {"fontname": "Helvetica", "fontsize": "12", "labeljust": "l", "labelloc": "t", "margin": "14"}
_lane_styles = {
    "forward": {
        **_lane,
        "style": "rounded",
        "color": "#C9D3DC",
        "bgcolor": "#F8FAFC",
        "fontcolor": "#444444",
    },
    "backward": {
        **_lane,
        "style": "rounded",
        "color": "#D9D3C7",
        "bgcolor": "#FDFBF6",
        "fontcolor": "#444444",
    },
}
_titles = {"forward": "forward pass", "backward": "backward pass, from the loss back"}
_looks = {
    "mask": {**dot.styles["mask"], "shape": "box"},
    "line": {"shape": "box", "style": "filled", "fillcolor": "#FFFFFF", "color": "#444444"},
    "helper": {"shape": "box", "style": "dotted,filled", "fillcolor": "#FFFFFF", "color": "#777777"},
}


def two_lanes(
    loss: Tensor,
    wrt: Any = None,
    *,
    show: str = "shapes",
    direction: str = "down",
    max_nodes: int | None = 120,
) -> Graph:
    """The forward and the backward pass of a loss as one picture in two lanes.

    loss       a scalar Tensor; one without a name is called J
    wrt        a Tensor, several, or a model; by default all leaves to which a gradient flows
    show       what stands with the names: "shapes", "values" (of many, their range), or "names" for nothing
    direction  "down" or "right"
    max_nodes  of a graph with more nodes the middle of both lanes is left out, of which a node in each and a
               notice tell; None draws everything
    Raises:    what `derive` raises.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> two_lanes(x * x)
    Graph: 1 operation, 1 leaf; .save("graph.svg") draws it
    """
    try:
        flow = whole_flow(derive(loss, wrt))
    except (TypeError, ValueError, RuntimeError) as error:
        raise type(error)(str(error).replace("derive:", "draw:", 1)) from None
    program = Program(loss)
    lanes = _Lanes(flow, program, show, max_nodes)
    title = f"Forward and backward pass of {flow.name(flow.loss)}"
    return Graph(
        lanes.dot(title, dot.directions[direction]), title, (len(program.equations), len(program.leaves))
    )


def whole_flow(derivation: Derivation) -> Flow:
    """The flow in which no gradient that has a value to stand beside is written inside another line.

    A gradient that becomes a line may need values that had none of their own before: so it is asked again.
    """
    while alone := (flow := Flow(derivation)).alone:
        derivation = Derivation(derivation.tidied, [*derivation.wrt, *alone])
    return flow


class _Lanes:
    """Two lanes on their way into DOT text."""

    def __init__(self, flow: Flow, program: Program, show: str, max_nodes: int | None) -> None:
        self.flow = flow
        self.show = show
        stamps = {v.tensor.stamp: role for v, role in roles(program).items()}
        self.roles = {v: stamps[v.tensor.stamp] for v in flow.values if v.tensor.stamp in stamps}
        self.values = [v for v in flow.values if self._is_node(v)]
        self.places = set(self.values)
        self.colours = {
            term: _colours[i] if i < len(_colours) - (len(flow.terms) > len(_colours)) else _other
            for i, term in enumerate(flow.terms)
        }
        self.notices: list[str] = list(flow.derivation.program.notes)
        self.elided: set[Variable] = set()
        if max_nodes is not None:
            self._leave_out(max_nodes)
        self.boxes = {self._gradient_id(value) for value in flow.gradients if value not in self.elided}
        self.into: dict[Variable, list[Step]] = {}
        for step in flow.steps:
            self.into.setdefault(step.target, []).append(step)
        self.told = {x for v in self.values if v not in self.elided for x in flow.needs(v)}

    def _is_node(self, value: Variable) -> bool:
        """Constants stand in the node that uses them; so does an array that is written out there."""
        return value.kind != "constant" and (
            value.equation is not None or self.flow.name(value).isidentifier()
        )

    def _leave_out(self, max_nodes: int) -> None:
        """Leave out the middle of the forward lane, with the gradients of what is left out.

        The loss and its terms, whose colours the arrows have, are kept first.
        """
        size = {value: 1 + (value in self.flow.gradients) for value in self.values}
        if sum(size.values()) + len(self.flow.helpers) <= max_nodes:
            return
        ends = dict.fromkeys(v for v in (self.flow.loss, *self.flow.terms) if v in size)
        others = [value for value in self.values if value not in ends]
        from_both_ends = [others[-1 - i // 2 if i % 2 else i // 2] for i in range(len(others))]
        taken = accumulate(size[value] for value in (*ends, *from_both_ends))
        kept = sum(total <= max_nodes - 2 for total in taken)
        self.elided = {*[*ends, *from_both_ends][kept:], *self.flow.helpers}
        values, gradients = self._counts()
        self.notices.append(
            f"{values:,} lines in the middle of the forward pass and {gradients:,} of the backward pass "
            f"are not drawn; max_nodes=None draws all, here it is {max_nodes}"
        )

    def _counts(self) -> tuple[int, int]:
        """How many lines are left out of the forward and of the backward lane."""
        values = [value for value in self.values if value in self.elided]
        return len(values), sum(v in self.flow.gradients for v in values) + len(self.flow.helpers)

    # ---- the text

    def dot(self, title: str, rankdir: str) -> str:
        """The text: the lanes, the legend, then all arrows."""
        import graphviz

        picture = graphviz.Digraph(title, node_attr=_node, edge_attr=_edge)
        label = dot.notices(self.notices)
        space = {"nodesep": "0.3", "ranksep": "0.42", "compound": "true"}
        hurry = dot.hurry if len(self.values) - len(self.elided) > _large else {}
        picture.attr("graph", _attributes={**dot.graph_style, **space, **hurry, "rankdir": rankdir, **label})
        forward, backward = self._lane("forward"), self._lane("backward")
        for value in self.values:
            if value not in self.elided:
                self._value(forward, value)
        for value, gradient in self.flow.gradients.items():
            if value not in self.elided:
                self._gradient(backward, value, gradient)
        for value in self.flow.helpers:
            if value not in self.elided:
                self._helper(backward, value)
        if self.elided:
            values, gradients = self._counts()
            style = {**dot.styles["elision"], "class": "elision"}
            forward.node("forward elision", dot.escape([f"… {values:,} more lines"]), _attributes=style)
            backward.node("backward elision", dot.escape([f"… {gradients:,} more lines"]), _attributes=style)
        self._legend(backward)
        picture.subgraph(forward)
        picture.subgraph(backward)
        self._beside(picture)
        self._in_order(picture)
        self._forward_arrows(picture)
        self._backward_arrows(picture)
        self._needs(picture)
        return str(picture.source)

    def _lane(self, name: str) -> Any:
        import graphviz

        lane = graphviz.Digraph(f"cluster_{name}")
        lane.attr("graph", _attributes={**_lane_styles[name], "label": _titles[name], "class": name})
        return lane

    # ---- nodes

    def _id(self, value: Variable) -> str:
        return "forward elision" if value in self.elided else value.name

    def _gradient_id(self, value: Variable) -> str:
        return "backward elision" if value in self.elided else f"d {value.name}"

    def _value(self, lane: Any, value: Variable) -> None:
        role = self.roles.get(value, "")
        kinds = ["line" if value.equation is not None else value.kind]
        kinds += [role] * (role in dot.styles) + ["output"] * (value is self.flow.loss)
        look = {**dot.styles, **_looks}
        style = {key: text for kind in kinds for key, text in look[kind].items()}
        if value in self.colours and len(self.colours) > 1:
            style.update(color=self.colours[value], penwidth="2")
        style["class"] = " ".join(kinds)
        lines = self._lines(value)
        style["tooltip"] = dot.tip([*lines, symbols.summary(value.tensor._value)])
        lane.node(self._id(value), dot.escape(lines), _attributes=style)

    def _lines(self, value: Variable) -> list[str]:
        """The lines on a node: name and equation, shape, constants, and what a mask did."""
        flow, name = self.flow, self.flow.name(value)
        shown = self._shown(value)
        if value.equation is None:
            lines = [f"{name} {shown}".rstrip()]
        else:
            lines = [*_wrapped(f"{name} = {flow.text(value)}")] + [shown] * bool(shown)
            lines += self._constants(flow.needs(value))
        if self.roles.get(value) == "mask":
            lines += _pattern(value.tensor.data)
        else:
            lines += [text for x in flow.needs(value) if self.roles.get(x) == "mask" for text in _dropped(x)]
        return lines

    def _constants(self, values: Iterable[Variable]) -> list[str]:
        """The constants of a line with their numbers."""
        return [
            f"{self.flow.name(x)} = {symbols.values(x.tensor._value)}"
            for x in values
            if x.kind == "constant" and x.label
        ]

    def _shown(self, value: Variable) -> str:
        if self.show == "names":
            return ""
        return symbols.shape(value.tensor) if self.show == "shapes" else symbols.values(value.tensor._value)

    def _gradient(self, lane: Any, value: Variable, gradient: Gradient) -> None:
        import graphviz

        lines = _wrapped(f"{gradient.name} = {gradient.text}")
        if gradient.line is not None:
            own = [x for x in self.flow.needs(gradient.line) if x not in self.told]
            lines += self._constants(own)
            self.told.update(own)
        data = self.flow.derivation.gradients[value.tensor.stamp].data
        if self.show == "values":
            lines.append(symbols.values(data))
        rules = self._rules(value)
        style = {**_box, "label": dot.escape(rules, longest=160), "class": "gradient"}
        style["tooltip"] = dot.tip([*lines, *rules, symbols.summary(data)])
        if value is self.flow.loss:
            style.update(dot.styles["output"])
        box = graphviz.Digraph(_cluster(self._gradient_id(value)))
        box.attr("graph", _attributes=style)
        inside = {"shape": "plaintext", "margin": "0.06,0.02", "height": "0.2", "tooltip": style["tooltip"]}
        box.node(self._gradient_id(value), dot.escape(lines), _attributes=inside)
        lane.subgraph(box)

    def _rules(self, value: Variable) -> list[str]:
        """The rules under a gradient; where several gradients are added, a row for each that says so."""
        steps = self.into.get(value, [])
        texts: list[str] = []
        for step in steps:
            origin = f"from {self.flow.gradients[step.source].name}: " if len(steps) > 1 else ""
            texts += wrap(origin + ",  ".join(map(_together, step.rules)), _widest_rules)
        return texts

    def _helper(self, lane: Any, value: Variable) -> None:
        lines = _wrapped(f"{self.flow.name(value)} = {self.flow.text(value)}")
        style = {**_looks["helper"], "class": "helper", "tooltip": dot.tip(lines)}
        lane.node(self._id(value), dot.escape(lines), _attributes=style)

    # ---- where they stand

    def _beside(self, picture: Any) -> None:
        """Every gradient on the rank of its value."""
        beside = [v for v in self.flow.gradients if v in self.places]
        for pair in {(self._id(v), self._gradient_id(v)): None for v in beside}:
            _rank(picture, pair)
            picture.edge(*pair, style="invis")

    def _in_order(self, picture: Any) -> None:
        """Unseen nodes below the lanes, which hold the forward lane to the left.

        Graphviz exchanges boxes to have fewer crossings; that the unseen arrows would cross prevents it.
        """
        unseen = {"style": "invis", "weight": "0"}
        ends = {"forward end": self._id(self.flow.loss), "backward end": self._gradient_id(self.flow.loss)}
        for end, node in ends.items():
            picture.node(
                end, _attributes={"shape": "point", "style": "invis", "width": "0.01", "height": "0.01"}
            )
            for _ in range(_held):
                picture.edge(node, end, _attributes=unseen)
        _rank(picture, ends)
        picture.edge(*ends, style="invis")

    def _ends(self, tail: str, head: str) -> dict[str, str]:
        """Let an arrow end at the box around a gradient."""
        ends = ("ltail", tail), ("lhead", head)
        return {key: _cluster(node) for key, node in ends if node in self.boxes}

    def _legend(self, lane: Any) -> None:
        """What the arrows are, below the loss."""
        import graphviz

        shown = [(self.flow.name(term), colour) for term, colour in self.colours.items() if colour != _other]
        if len(shown) < len(self.colours):
            shown.append((f"{len(self.colours) - len(shown):,} more terms", _other))
        texts = [(f"━━  gradient of {name}", colour) for name, colour in shown]
        texts.append(("·····  needed of the forward pass", "#666666"))
        legend = graphviz.Digraph("cluster_legend")
        box = {**_box, "label": "", "style": "dotted", "color": "#999999", "class": "legend"}
        legend.attr("graph", _attributes=box)
        style = {"shape": "plaintext", "fontsize": "10", "height": "0.2", "margin": "0.05,0"}
        names = [f"legend {i}" for i in range(len(texts))]
        for name, (text, colour) in zip(names, texts, strict=True):
            legend.node(name, dot.escape([text]), _attributes={**style, "fontcolor": colour})
        lane.subgraph(legend)
        for i in range(0, len(names), _legend_row):
            row = names[i : i + _legend_row]
            _rank(lane, row)
            for left, right in pairwise(row):
                lane.edge(left, right, style="invis")
        for above, below in pairwise([self._gradient_id(self.flow.loss), *names[::_legend_row]]):
            lane.edge(above, below, style="invis")

    # ---- arrows

    def _forward_arrows(self, picture: Any) -> None:
        drawn = set()
        for value in self.values:
            for x in self.flow.needs(value):
                pair = self._id(x), self._id(value)
                if x.kind == "constant" or not self._is_node(x) or pair[0] == pair[1] or pair in drawn:
                    continue
                drawn.add(pair)
                style = {"tooltip": dot.tip([self.flow.name(x)])}
                if x.equation is not None:
                    style["weight"] = "6"
                if self.roles.get(value) == "penalty" and x.kind == "parameter":
                    style["weight"] = "0"
                picture.edge(*pair, _attributes=style)

    def _backward_arrows(self, picture: Any) -> None:
        """Drawn from the target, which stands above the source, with the head at the tail."""
        joined: dict[tuple[str, str], list[Step]] = {}
        for step in self.flow.steps:
            pair = self._gradient_id(step.target), self._gradient_id(step.source)
            if pair[0] != pair[1]:
                joined.setdefault(pair, []).append(step)
        for pair, steps in joined.items():
            colours = dict.fromkeys(self.colours[term] for step in steps for term in step.terms)
            names = ", ".join(dict.fromkeys(self.flow.name(term) for step in steps for term in step.terms))
            style = {"color": ":".join(colours) or _other, "penwidth": "1.6", "dir": "back", "class": "flow"}
            style["tooltip"] = dot.tip([f"gradient of {names}"])
            if any(step.target.equation is not None for step in steps):
                style["weight"] = "6"
            picture.edge(*pair, _attributes={**style, **self._ends(*pair)})

    def _needs(self, picture: Any) -> None:
        """Dotted arrows from what else a gradient uses, of the forward pass as a rule."""
        ids: dict[Variable, dict[str, None]] = {v: {self._id(v): None} for v in self.flow.helpers}
        for value, gradient in reversed(self.flow.gradients.items()):
            if gradient.line is not None and gradient.line not in self.places:
                ids.setdefault(gradient.line, {})[self._gradient_id(value)] = None
        flows = {(self._gradient_id(s.source), self._gradient_id(s.target)) for s in self.flow.steps}
        drawn = set()
        for line, (target, *_) in ids.items():
            for x in self.flow.needs(line):
                sources = [*ids.get(x, [self._id(x)] if x in self.places else [])]
                pair = (*sources[:1], target)
                known = (
                    pair in drawn or target in sources or any((source, target) in flows for source in sources)
                )
                if not sources or known:
                    continue
                drawn.add(pair)
                style = {"style": "dotted", "arrowsize": "0.5", "color": "#8A8A8A", "class": "needs"}
                style["tooltip"] = dot.tip([f"{target.replace('d ', 'd', 1)} needs {self.flow.name(x)}"])
                if {x, line}.isdisjoint(self.flow.helpers) or x in self.places:
                    style["constraint"] = "false"
                else:  # in the backward lane what is used stands below its user: drawn from the head
                    pair, style["dir"] = (target, pair[0]), "back"
                picture.edge(*pair, _attributes={**style, **self._ends(*pair)})


# ---- texts


def _wrapped(text: str) -> list[str]:
    """A long equation in several lines, of which the last tells if there is more."""
    lines = wrap(text, _widest) or [""]
    return lines if len(lines) <= _most_lines else [*lines[: _most_lines - 1], "…"]


def _together(rule: str) -> str:
    """A rule in which no line is broken, if it is short."""
    return rule.replace(" ", "\u00a0") if len(rule) <= _widest_rules // 2 else rule


def _pattern(mask: Any) -> list[str]:
    """What a mask kept: a small one entry by entry, of a large one the share."""
    kept = np.asarray(mask) != 0
    if kept.ndim <= 2 and kept.size > 0 and max(kept.shape, default=1) <= _largest_pattern:
        return ["".join("●" if one else "○" for one in row) for row in np.atleast_2d(kept)]
    if not kept.size:
        return []
    texts = [f"kept {symbols.number(100 * kept.mean(), 3)} %"]
    if kept.ndim == 2:
        share = 100 * kept.mean(axis=0)
        low, high = symbols.number(share.min(), 3), symbols.number(share.max(), 3)
        texts.append(f"per column {low} … {high} %")
    return texts


def _dropped(mask: Variable) -> list[str]:
    """How many columns a mask drops in every row."""
    kept = np.asarray(mask.tensor.data) != 0
    if kept.ndim != 2 or kept.shape[0] < 2:
        return []
    count = int((~kept.any(axis=0)).sum())
    return [f"{count:,} of {kept.shape[1]:,} columns dropped in every row"] if count else []


def _rank(picture: Any, nodes: Iterable[str]) -> None:
    import graphviz

    rank = graphviz.Digraph()
    rank.attr(rank="same")
    for node in nodes:
        rank.node(node)
    picture.subgraph(rank)


def _cluster(node: str) -> str:
    return f"cluster_{node}"
