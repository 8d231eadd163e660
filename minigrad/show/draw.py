"""draw: the computation graph of an output as a picture.

Boxes are what is given, ellipses what is computed; arrows carry values from where they are made to where they are
used.  Shape and line tell the kinds apart, colour only helps:

    data         a box with sharp corners
    parameter    a rounded box with a double line
    constant     its name and its value, with no box
    operation    an ellipse: the operation and, beneath it, the name of its result
    mask         dashed: random numbers, the mask made of them; what it masks has a line in the same colour
    penalty      green, in a box of its own: the terms of a cost that depend on parameters but on no data
    module       a box around the operations of one call, or, where there are too many, in their place
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minigrad.program import Call, Equation, Literal, Program, Variable
from minigrad.program.roles import roles
from minigrad.show import symbols
from minigrad.show.picture import inline_svg, render, save
from minigrad.show.view import Elision, Group, View, array_literals
from minigrad.tensor import Tensor

shows = ("shapes", "values", "names")
directions = {"down": "TB", "right": "LR"}


def draw(
    output: Tensor | Iterable[Tensor],
    *,
    show: str = "shapes",
    gradients: bool = False,
    direction: str = "down",
    max_nodes: int | None = 150,
) -> Graph:
    """The computation graph of a Tensor, or of several together, as a picture.

    show       what stands under the names: "shapes", "values" (or their range), or "names" for nothing
    gradients  whether the `.grad` of leaves, and of results after retain_grad(), is shown too
    direction  "down" or "right"
    max_nodes  in a graph with more nodes modules are drawn as one box, the outermost opened first; None draws all
    Raises:    TypeError for an output that is not a Tensor; ValueError for another show or direction.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> draw(x * x)
    Graph: 1 operation, 1 leaf; .save("graph.svg") draws it
    """
    if show not in shows:
        raise ValueError(f"draw: show is {_or(shows)}, not {show!r}")
    if direction not in directions:
        raise ValueError(f"draw: direction is {_or(directions)}, not {direction!r}")
    if max_nodes is not None and (not isinstance(max_nodes, int) or max_nodes < 1):
        raise ValueError(f"draw: max_nodes is a whole number of at least 1, or None, not {max_nodes!r}")
    program = Program(_outputs(output))
    return Graph(*_Drawing(program, show, gradients, max_nodes).dot(directions[direction]), program)


class Graph:
    """A picture of a computation graph: `.dot` is its text, `.svg()` the picture, `.save("graph.svg")` a file.

    A notebook shows it, with a tooltip on everything in it.
    """

    def __init__(self, dot: str, title: str, program: Program) -> None:
        self.dot = dot
        self.title = title
        self._counts = len(program.equations), len(program.leaves)

    def svg(self) -> str:
        """The picture as the text of an SVG file.

        Raises: NoRenderer, which says what to install.
        """
        return render(self.dot, "svg").decode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a .svg, .png or .pdf file, or the text to a .dot file.

        Raises: ValueError for another suffix; NoRenderer, which says what to install and where the text is.
        """
        return save(self.dot, path)

    def __repr__(self) -> str:
        operations, leaves = self._counts
        return (
            f"Graph: {operations:,} operation{'s' * (operations != 1)}, "
            f'{leaves:,} lea{"ves" if leaves != 1 else "f"}; .save("graph.svg") draws it'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}

    def _repr_html_(self) -> str:
        from html import escape

        try:
            svg = inline_svg(self.dot, title=self.title)
        except Exception as error:  # a notebook's display must not fail: the text is shown instead
            return f"<p>{escape(str(error))}</p>\n<pre>{escape(self.dot)}</pre>"
        return f'<div style="overflow-x: auto">{svg}</div>'


def _outputs(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    wanted = "draw: wanted a Tensor or several, as in draw(loss) or draw([loss, accuracy])"
    if hasattr(output, "named_parameters"):
        raise TypeError(f"{wanted}, not a {type(output).__name__}; a model is drawn by its output: draw(model(X))")
    if not isinstance(output, list | tuple) or not output:
        raise TypeError(f"{wanted}, not {_what(output)}")
    for i, tensor in enumerate(output):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{wanted}; number {i} of the outputs is {_what(tensor)}")
    return list(output)


def _what(x: Any) -> str:
    if isinstance(x, list | tuple):
        return f"an empty {type(x).__name__}" if not x else f"a {type(x).__name__}"
    return f"a {type(x).__name__}" if x is not None else "None"


def _or(names: Iterable[str]) -> str:
    *others, last = (f'"{name}"' for name in names)
    return f"{', '.join(others)} or {last}"


# ---- what things look like: pale fills, dark lines, told apart in grey too (hues of Okabe and Ito)

_font = {"fontname": "Helvetica", "fontsize": "11", "fontcolor": "#222222"}
_edge = {"fontname": "Helvetica", "fontsize": "9", "fontcolor": "#666666", "color": "#555555", "arrowsize": "0.6"}
_styles: dict[str, dict[str, str]] = {
    "data": {"shape": "box", "style": "filled", "fillcolor": "#DCE9F5", "color": "#2F6DA3"},
    "parameter": {
        "shape": "box", "style": "rounded,filled", "fillcolor": "#FBE3C0", "color": "#A85B00", "peripheries": "2",
    },
    "constant": {"shape": "plaintext", "fontcolor": "#555555"},
    "array": {"shape": "box", "style": "dotted,filled", "fillcolor": "#F4F4F4", "color": "#777777"},
    "result": {"shape": "ellipse", "style": "filled", "fillcolor": "#FFFFFF", "color": "#444444"},
    "draw": {"style": "dashed,filled", "fillcolor": "#F6E4EF", "color": "#99407A"},
    "mask": {"style": "dashed,filled", "fillcolor": "#EBC8DD", "color": "#99407A"},
    "masked": {"fillcolor": "#FFFFFF", "color": "#99407A", "penwidth": "1.6"},
    "rescaled": {"fillcolor": "#FFFFFF", "color": "#99407A", "penwidth": "1.6"},
    "penalty": {"fillcolor": "#CFEBDD", "color": "#12704F"},
    "output": {"penwidth": "2.6"},
    "fold": {"shape": "box3d", "style": "filled", "fillcolor": "#EDEDED", "color": "#444444", "margin": "0.16,0.1"},
    "elision": {"shape": "box", "style": "dotted", "color": "#777777", "fontcolor": "#555555"},
}  # fmt: skip
_box = {"style": "rounded", "color": "#B5B5B5", "fontcolor": "#666666", "bgcolor": "#FAFAFA"}
_penalty_box = {"style": "rounded,dashed", "color": "#12704F", "fontcolor": "#12704F", "bgcolor": "#F1FAF5"}
_box_text = {"fontname": "Helvetica", "fontsize": "10", "labeljust": "l", "labelloc": "t", "margin": "10"}


class _Drawing:
    """A program on its way into DOT text."""

    def __init__(self, program: Program, show: str, gradients: bool, max_nodes: int | None) -> None:
        self.program = program
        self.show = show
        self.gradients = gradients
        self.roles = roles(program)
        self.view = View(program, self.roles, max_nodes)
        self.ids: dict[Any, str] = {}

    def dot(self, rankdir: str) -> tuple[str, str]:
        """The text, and the title of the picture."""
        import graphviz

        title = f"Computation graph of {', '.join(_inline(v.label or v.name) for v in self.program.outputs)}"
        notices = [*self.view.notices, *self._notices()]
        graph = graphviz.Digraph(
            name=graphviz.escape(title),
            graph_attr={
                "rankdir": rankdir, "nodesep": "0.25", "ranksep": "0.3", "bgcolor": "white", "tooltip": " ",
                **_font, "fontsize": "10", "fontcolor": "#666666", "labeljust": "l", "labelloc": "b",
                "label": _escape(notices, ending="\\l") if notices else "",
            },
            node_attr={**_font, "margin": "0.1,0.05", "height": "0.3", "width": "0.3"},
            edge_attr=_edge,
        )  # fmt: skip
        boxes = {self.view.groups[0]: graph}
        for number, group in enumerate(self.view.groups[1:], 1):
            self.ids[group] = f"box {number}"
            if group.fold is None:
                alone = group.call and len(group.members) == 1 and not group.groups
                boxes[group] = boxes[group.parent] if alone else self._box(graphviz, number, group)
        for group, box in boxes.items():
            for variable in group.members:
                self._variable(box, variable)
            for inner in group.groups:
                if inner.fold is inner:
                    self._fold(box, inner)
        if self.view.elision:
            self._elision(graph, self.view.elision)
        for group, box in reversed(boxes.items()):  # a box is complete when its turn comes
            for inner in group.groups:
                if inner in boxes and boxes[inner] is not box:
                    box.subgraph(boxes[inner])
        self._edges(graph)
        return graph.source, title

    # ---- nodes

    def _variable(self, box: Any, v: Variable) -> None:
        if self.view.place.get(v) is not v:
            return
        self.ids[v] = v.name
        kinds = [v.kind, *filter(None, [self.roles.get(v)]), *["output"] * (v in self.program.outputs)]
        style = {key: value for kind in kinds for key, value in _styles.get(kind, {}).items()}
        if v.equation is None:
            lines = self._leaf(v)
        else:
            lines = [symbols.operation(v.equation), *self._named(v)]
            if len(array_literals(v.equation)) + sum(isinstance(x, Variable) for x in v.equation.inputs) > 1:
                style["ordering"] = "in"
            for i, literal in array_literals(v.equation):
                self._literal(box, v.equation, i, literal)
        lines += self._gradient(v)
        box.node(v.name, _escape(lines), tooltip=_escape(self._tooltip(v)), _attributes={**style, "class": " ".join(kinds)})

    def _leaf(self, v: Variable) -> list[str]:
        data = v.tensor._data
        if v.kind == "constant":
            return [f"{v.label} = {symbols.values(data)}" if v.label else symbols.values(data)]
        if v.label is None and symbols.is_short(data):
            return [symbols.values(data)]
        return self._named(v) or [v.kind]

    def _named(self, v: Variable) -> list[str]:
        """The name of a value, if it has one, and what is to be shown of it."""
        data = v.tensor._data
        if self.show == "values" and symbols.is_short(data):
            return [f"{v.label} = {symbols.values(data)}" if v.label else symbols.values(data)]
        shown = {"names": "", "shapes": symbols.shape(data), "values": symbols.values(data)}[self.show]
        return [" ".join(text for text in (v.label, shown) if text)] if v.label or shown else []

    def _gradient(self, v: Variable) -> list[str]:
        tensor = v.tensor
        if not self.gradients or not tensor.requires_grad:
            return []
        name = f"d{v.label}" if v.label else "gradient"
        if tensor.grad is not None:
            return [f"{name} = {symbols.values(tensor.grad._data)}"]
        return [f"{name}: not computed"] if v.equation is None or tensor._retains_grad else []

    def _literal(self, box: Any, equation: Equation, i: int, literal: Literal) -> None:
        self.ids[literal] = f"{equation.output.name} operand {i}"
        shape = symbols.shape(literal.value) or str(type(literal.value).__name__)
        text = symbols.values(literal.value)
        box.node(
            self.ids[literal],
            _escape([text if symbols.is_short(literal.value) else f"array {shape}"]),
            tooltip=_escape([f"an array that is no Tensor, {shape}", text]),
            _attributes={**_styles["array"], "class": "array"},
        )

    def _tooltip(self, v: Variable) -> list[str]:
        tensor, equation = v.tensor, v.equation
        lines = [f"{v.kind} {v.label or v.name}" if equation is None else self.program.line(equation)]
        lines.append(f"{tensor.dtype} {tensor.shape}: {symbols.summary(tensor._data)}")
        role = self.roles.get(v)
        if role and role != v.kind:
            lines.append(_parts[role])
        if equation is not None:
            lines += [f"∂/∂{name}:  {rule}" for name, rule in symbols.rules(equation.function)]
        if tensor.grad is not None:
            lines.append(f"gradient: {symbols.summary(tensor.grad._data)}")
        elif tensor.requires_grad and equation is None:
            lines.append("gradient: not computed")
        if v.call is not None:
            lines.append(f"in {self._call(v.call)}")
        return lines

    # ---- boxes

    def _box(self, graphviz: Any, number: int, group: Group) -> Any:
        label = self._call(group.call) if group.call else "penalty"
        style = {**_box_text, **(_box if group.call else _penalty_box)}
        return graphviz.Digraph(
            name=f"cluster_{number}",
            graph_attr={"label": _escape([label]), "tooltip": _escape(self._box_tooltip(group)), **style,
                        "class": "module" if group.call else "penalty"},
        )  # fmt: skip

    def _fold(self, box: Any, group: Group) -> None:
        operations = sum(v.equation is not None for v in group.inside())
        lines = [self._call(group.call) if group.call else "penalty"]
        if group.call is not None:
            parameters = sum(parameter.size for parameter in group.call.module.parameters())
            lines += [f"{parameters:,} parameters"] * (parameters > 0)
        else:
            lines.append(f"{operations:,} operations")
        given = self._given_by(group)
        if len(given) == 1:
            lines += self._named(given[0])
        style = {**_styles["fold"], **({} if group.call else _styles["penalty"])}
        style["class"] = "fold" if group.call else "fold penalty"
        style["tooltip"] = _escape([*self._box_tooltip(group), f"{operations:,} operations are folded here"])
        box.node(self.ids[group], _escape(lines), _attributes=style)

    def _given_by(self, group: Group) -> list[Variable]:
        """The results of a closed box that are used outside it."""
        if not hasattr(self, "_given"):
            self._given: dict[Any, dict[Variable, None]] = {}
            place = self.view.place
            for equation in self.program.equations:
                for x in equation.inputs:
                    if isinstance(x, Variable) and x.equation and place[x] is not place[equation.output]:
                        self._given.setdefault(place[x], {})[x] = None
            for x in self.program.outputs:
                self._given.setdefault(place[x], {})[x] = None
        return list(self._given.get(group, {}))

    def _call(self, call: Call) -> str:
        inside = call.module.extra_repr()
        text = f"{type(call.module).__name__}({inside})"
        if call.path and call.path != type(call.module).__name__:
            text = f"{call.path}: {text}"
        return f"{text}, {symbols.ordinal(call.number)} call" if call.repeated else text

    def _box_tooltip(self, group: Group) -> list[str]:
        if group.call is None:
            return [_parts["penalty"]]
        named = group.call.module.named_parameters()
        return [self._call(group.call), *(f"{path} {symbols.shape(p)}" for path, p in named)][:20]

    def _elision(self, graph: Any, elision: Elision) -> None:
        text = f"… {elision.operations:,} more operation{'s' * (elision.operations != 1)}"
        text += f", {elision.leaves:,} leaves" * (elision.leaves > 0)
        self.ids[elision] = "elided"
        graph.node("elided", _escape([text]), _attributes={**_styles["elision"], "class": "elision"})

    # ---- arrows

    def _edges(self, graph: Any) -> None:
        drawn = set()
        for equation in self.program.equations:
            target = self.view.place[equation.output]
            for x, operand in zip(equation.inputs, symbols.operand_names(equation), strict=True):
                if isinstance(x, Variable):
                    source = self.view.place.get(x)
                elif x in self.ids:
                    source = x
                else:
                    continue
                if source is None or source is target:
                    continue
                if target is not equation.output:  # into a closed box one arrow will do
                    if (source, target) in drawn:
                        continue
                    drawn.add((source, target))
                self._edge(graph, x, source, target, operand if target is equation.output else "")

    def _edge(self, graph: Any, x: Any, source: Any, target: Any, operand: str) -> None:
        style = {}
        if isinstance(x, Variable):
            style["tooltip"] = _escape([f"{x.label or x.name} {symbols.shape(x.tensor)}".rstrip()])
            if self.roles.get(x) in ("draw", "mask"):
                style.update(style="dashed", color="#99407A")
        if operand:
            style.update(headlabel=operand, labeldistance="1.6", labelangle="-35" if operand == "1st" else "35")
        if isinstance(x, Variable) and x.equation is not None:
            style["weight"] = "4"
        graph.edge(self.ids[source], self.ids[target], _attributes=style)

    # ---- notices

    def _notices(self) -> list[str]:
        notices = []
        for v in self.program.outputs:
            tensor = v.tensor
            if v.kind == "data" and (tensor.scope is not None or v.label is None):
                notices.append(
                    f"No graph was recorded for {_inline(v.label or 'this value')}: it was given as it is, or computed "
                    "inside mg.no_grad()"
                )
        for v in self.program.stale:
            notices.append(f"{_inline(v.label or v.name)} was assigned to after it was used here: its values are newer")
        return notices


_parts = {
    "draw": "random numbers",
    "mask": "a mask of random booleans",
    "masked": "a mask is applied",
    "rescaled": "divided by the probability to keep",
    "penalty": "penalty: depends on parameters, on no data",
}


def _inline(text: str) -> str:
    """A text in one line, with no character that DOT or XML cannot hold."""
    text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
    return text if len(text) <= _longest else f"{text[: _longest - 1]}…"


_longest = 200


def _escape(lines: list[str], ending: str = "\\n") -> str:
    """A label of several lines in which no character of theirs means anything to Graphviz."""
    import graphviz

    texts = [_inline(line).replace("&", "&amp;").replace("\\", "\\\\") for line in lines]
    text = ending.join(texts)
    return graphviz.nohtml(text + ending if ending != "\\n" else text)
