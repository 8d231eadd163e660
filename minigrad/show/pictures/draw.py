"""draw: the computation graph of an output as a picture.

Boxes are what is given, ellipses what is computed; arrows carry values from where they are made to where they
are used.  Shape and line tell the kinds apart, colour only helps:

    data         a box with sharp corners; dotted if it has no name
    parameter    a rounded box with a double line
    constant     its name and its value, with no box
    operation    an ellipse: the operation and, beneath it, the name of its result
    mask         dashed: random numbers and the mask made of them; what it masks has a line of the same colour
    penalty      green, in a dashed box: the terms of a cost that depend on parameters but on no data
    module       a box around the operations of one call; where there are too many, a solid box in their place
    output       a thick line
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.program import Equation, Literal, Program, Variable
from minigrad.program.roles import dependent_on_data, roles
from minigrad.show import symbols
from minigrad.show.pictures import dot
from minigrad.show.pictures.graph import Graph
from minigrad.show.pictures.lanes import two_lanes
from minigrad.show.pictures.view import Elision, Group, View, array_literals, caption
from minigrad.tensor import Tensor

shows = ("shapes", "values", "names")


def draw(
    output: Tensor | Sequence[Tensor],
    *,
    backward: bool = False,
    show: str = "shapes",
    gradients: bool = False,
    direction: str = "down",
    max_nodes: int | None = 150,
) -> Graph:
    """The computation graph of a Tensor, or of several together, as a picture.

    backward   draw the derivation of a scalar: forward and backward pass in two lanes, each gradient beside
               its value, with the rules that made it, and arrows in the colours of the loss's terms
    show       what stands with the names: "shapes", "values" (of many, their range), or "names" for nothing
    gradients  whether the `.grad` of leaves, and of results after retain_grad(), is shown too
    direction  "down" or "right"
    max_nodes  in a graph with more nodes modules are folded into one box each, and what is too much even
               so is left out, of which a node and a notice tell; None draws everything
    Raises:    TypeError for an output that is not a Tensor; ValueError for an unknown show or direction, or
               a max_nodes that is not a whole number of at least 1.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> draw(x * x)
    Graph: 1 operation, 1 leaf; .save("graph.svg") draws it
    """
    if show not in shows:
        raise ValueError(f"draw: show is {_or(shows)}, not {show!r}")
    if direction not in dot.directions:
        raise ValueError(f"draw: direction is {_or(dot.directions)}, not {direction!r}")
    if max_nodes is not None and not _is_count(max_nodes):
        raise ValueError(f"draw: max_nodes is a whole number of at least 1, or None, not {max_nodes!r}")
    tensors = _tensors(output)
    if backward:
        if gradients or len(tensors) != 1:
            raise ValueError("draw: backward=True draws the gradients of one scalar, without gradients=True")
        return two_lanes(tensors[0], show=show, direction=direction, max_nodes=max_nodes)
    program = Program(tensors)
    drawing = _Drawing(program, show, gradients, max_nodes)
    return Graph(
        drawing.dot(dot.directions[direction]), drawing.title, (len(program.equations), len(program.leaves))
    )


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    wanted = "draw: wanted a Tensor, or several as in draw([loss, accuracy])"
    if hasattr(output, "named_parameters"):
        raise TypeError(f"{wanted}, not a {type(output).__name__}; draw what it gives: draw(model(X))")
    if not isinstance(output, list | tuple):
        raise TypeError(f"{wanted}, not a {type(output).__name__}")
    if not output:
        raise TypeError(f"{wanted}, not an empty {type(output).__name__}")
    for i, tensor in enumerate(output):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{wanted}; number {i} of the outputs is a {type(tensor).__name__}")
    return list(output)


def _is_count(n: Any) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and int(n) >= 1


def _or(names: Iterable[str]) -> str:
    *others, last = (f'"{name}"' for name in names)
    return f"{', '.join(others)} or {last}"


# ---- what things look like

_large = 100
"""In a graph with more nodes arrows that run through all of it would take minutes, and can crash Graphviz."""
_most_arrows = 12
"""More arrows than that from one node to another are drawn as one."""
_most_notices = 6
_node = {**dot.text_style, "margin": "0.1,0.05", "width": "0.3", "height": "0.3"}
_edge = {**dot.quiet_style, "color": "#555555", "arrowsize": "0.6"}
_box = {"fontname": "Helvetica", "fontsize": "10", "labeljust": "l", "labelloc": "t", "margin": "10"}
_boxes = {
    "call": {**_box, "style": "rounded", "color": "#B5B5B5", "fontcolor": "#666666", "bgcolor": "#FAFAFA"},
    "penalty": {
        **_box,
        "style": "rounded,dashed",
        "color": "#12704F",
        "fontcolor": "#12704F",
        "bgcolor": "#F1FAF5",
    },
}
_parts = {
    "draw": "random numbers",
    "mask": "a mask",
    "masked": "a mask is applied",
    "rescaled": "divided by the probability to keep",
    "penalty": "penalty: it depends on parameters, but on no data",
}


class _Drawing:
    """A program on its way into DOT text."""

    def __init__(self, program: Program, show: str, gradients: bool, max_nodes: int | None) -> None:
        self.program = program
        self.show = show
        self.gradients = gradients
        self.title = dot.inline(f"Computation graph of {', '.join(v.name for v in program.outputs)}", 80)
        self.roles = roles(program)
        self.view = View(program, self.roles, max_nodes)
        self.unseen: set[Literal] = set()
        if max_nodes is not None:
            self._leave_out(max_nodes)
        self.nodes = self._nodes()
        self.outputs = set(program.outputs)
        self.used_outside = self.outputs | {  # of the box that it is computed in
            x
            for equation in program.equations
            for x in equation.inputs
            if isinstance(x, Variable) and self.view.place[x] is not self.view.place[equation.output]
        }
        self.ids: dict[Any, str] = {v: v.name for v in self.view.home}
        self.ids.update((group, f"box {number}") for number, group in enumerate(self.view.groups))

    def dot(self, rankdir: str) -> str:
        """The text: first all nodes, in their boxes, then all arrows."""
        import graphviz

        label = dot.notices([*self.view.notices, *self._notices()])
        picture = graphviz.Digraph(self.title, node_attr=_node, edge_attr=_edge)
        hurry = dot.hurry if len(self.nodes) > _large else {}
        picture.attr("graph", _attributes={**dot.graph_style, "rankdir": rankdir, **hurry, **label})
        open_boxes = {}
        for number, group in enumerate(self.view.groups):
            if group.parent is None:
                open_boxes[group] = picture
            elif group.fold is None:
                alone = group.kind == "call" and len(group.members) == 1 and not group.groups
                open_boxes[group] = open_boxes[group.parent] if alone else self._box(number, group)
        for group, box in open_boxes.items():
            for v in group.members:
                if self.view.place[v] is v:
                    self._value(box, v)
            for inner in group.groups:
                if inner.fold is inner and inner in self.nodes:
                    self._folded(box, inner)
        if self.view.elision in self.nodes:
            self._elision(picture)
        for group, box in reversed(
            open_boxes.items()
        ):  # what is in a box comes after it: it is complete by then
            for inner in group.groups:
                if inner in open_boxes and open_boxes[inner] is not box:
                    box.subgraph(open_boxes[inner])
        self._arrows(picture)
        self._arrange(picture)
        return str(picture.source)

    # ---- what there is no room for

    def _leave_out(self, max_nodes: int) -> None:
        """Leave out the leaves and arrays that there is no room for: one operation may have thousands.

        The View has chosen the operations; what the newest of them use is kept first.
        """
        if len(self._nodes()) <= max_nodes:
            return
        view, place = self.view, self.view.place
        said = f"{view.elision} are not drawn"
        elision = view.elision = view.elision or Elision(0, 0)
        computed = {elision, *(place[equation.output] for equation in self.program.equations)}
        unseen = self._given()[max(max_nodes - len(computed), 0) :]
        self.unseen.update(x for x in unseen if isinstance(x, Literal))
        leaves = [x for x in unseen if isinstance(x, Variable)]
        leaves += [v for v, node in place.items() if isinstance(node, Group) and node not in computed]
        place.update(dict.fromkeys(leaves, elision))
        elision.leaves += len(leaves)
        folded = [notice for notice in view.notices[:-1] if notice != said]
        limit = f"draw(..., max_nodes=None) draws all; here it is {max_nodes}"
        verb = "is" if elision.operations + elision.leaves + len(self.unseen) == 1 else "are"
        view.notices = [*folded, f"{self._left_out()} {verb} not drawn", limit]

    def _given(self) -> list[Variable | Literal]:
        """The leaves and arrays that are nodes: outputs first, then what the newest operations use."""
        nodes = self._nodes()
        given: dict[Variable | Literal, None] = dict.fromkeys(self.program.outputs)
        for equation in reversed(self.program.equations):
            given.update(dict.fromkeys(equation.inputs))
        return [x for x in given if x in nodes and (isinstance(x, Literal) or x.equation is None)]

    def _nodes(self) -> set[Variable | Literal | Group | Elision]:
        """All that is drawn."""
        place = self.view.place
        shown = [equation for equation in self.program.equations if place[equation.output] is equation.output]
        arrays = {literal for equation in shown for _, literal in array_literals(equation)}
        elision = [self.view.elision] if self.view.elision and self.unseen else []
        return {*place.values(), *(arrays - self.unseen), *elision}

    def _left_out(self) -> str:
        elision = self.view.elision
        assert elision is not None
        counts = [(elision.operations, "operation", "operations"), (elision.leaves, "leaf", "leaves")]
        counts.append((len(self.unseen), "array", "arrays"))
        *others, last = (f"{n:,} more {one if n == 1 else many}" for n, one, many in counts if n)
        return f"{', '.join(others)} and {last}" if others else last

    def _place(self, x: Variable | Literal) -> Variable | Literal | Group | Elision | None:
        """What stands for an operand."""
        if isinstance(x, Variable):
            return self.view.place[x]
        return self.view.elision if x in self.unseen else x

    # ---- nodes

    def _value(self, box: Any, v: Variable) -> None:
        kinds = [_look(v), self.roles.get(v, ""), "output" if v in self.outputs else ""]
        kinds = list(dict.fromkeys(filter(None, kinds)))
        style = {key: value for kind in kinds for key, value in dot.styles[kind].items()}
        if v.equation is None:
            lines = self._leaf(v)
        else:
            lines = [symbols.operation(v.equation), *self._named(v)]
            for i, literal in array_literals(v.equation):
                if literal in self.nodes:
                    self._array(box, v.equation, i, literal)
            if _arity(v.equation) > 1:
                style["ordering"] = "in"
        style["class"] = " ".join(kinds)
        style["tooltip"] = dot.tip(self._tooltip(v))
        box.node(self.ids[v], dot.escape(lines + self._gradient(v)), _attributes=style)

    def _leaf(self, v: Variable) -> list[str]:
        data = v.tensor._value
        if v.kind == "constant":
            return [_equation(v.label, data) if v.label else symbols.values(data)]
        if v.kind == "data" and v.label is None:
            return [symbols.in_place(data)]
        return self._named(v) or [v.kind]

    def _named(self, v: Variable) -> list[str]:
        """A line of the value's name, if it has one, and what is to be shown of it."""
        data, name = v.tensor._value, v.label or ""
        if self.show == "values":
            return [_equation(name, data) if name else symbols.values(data)]
        shape = symbols.shape(data) if self.show == "shapes" else ""
        return [f"{name} {shape}".strip()] if name or shape else []

    def _gradient(self, v: Variable) -> list[str]:
        tensor = v.tensor
        if not self.gradients or not tensor.requires_grad:
            return []
        name = f"d{v.label}" if v.label else "gradient"
        if tensor.grad is not None:
            return [_equation(name, tensor.grad._value)]
        return [f"{name}: not computed"] if v.equation is None or tensor._retains_grad else []

    def _array(self, box: Any, equation: Equation, i: int, literal: Literal) -> None:
        self.ids[literal] = f"{equation.output.name} operand {i}"
        style = dict(dot.styles["array"])
        style["class"] = "array"
        style["tooltip"] = dot.tip(["an array that is no Tensor", symbols.summary(literal.value)])
        box.node(self.ids[literal], dot.escape([symbols.in_place(literal.value)]), _attributes=style)

    def _tooltip(self, v: Variable) -> list[str]:
        tensor, equation = v.tensor, v.equation
        lines = [f"{v.kind} {v.label or v.name}" if equation is None else self.program.line(equation)]
        lines.append(f"{tensor.dtype} {tensor.shape}: {symbols.summary(tensor._value)}")
        if v in self.roles:
            lines.append(_parts[self.roles[v]])
        if equation is not None:
            rules = symbols.rules(equation.function)
            lines += [f"∂L/∂{name} = {rule}" for name, rule in rules] or ["no gradient, by design"]
        if tensor.grad is not None:
            lines.append(f"gradient: {symbols.summary(tensor.grad._value)}")
        elif tensor.requires_grad and equation is None:
            lines.append("gradient: not computed")
        if v.call is not None:
            lines.append(f"in {caption(v.call)}")
        return lines

    # ---- boxes

    def _box(self, number: int, group: Group) -> Any:
        import graphviz

        box = graphviz.Digraph(f"cluster_{number}")
        style = {**_boxes[group.kind], "class": "module" if group.call else "penalty"}
        style["tooltip"] = dot.tip(self._box_tooltip(group))
        box.attr("graph", label=dot.escape([group.title]), _attributes=style)
        return box

    def _folded(self, box: Any, group: Group) -> None:
        """A closed box: its title, its parameters and, if one value comes out of it, that."""
        results = [v for v in group.inside() if v.equation]
        operations = f"{len(results):,} operation{'s' * (len(results) != 1)}"
        parameters = {id(p): p.size for call in group.calls for p in call.module.parameters()}
        lines = [group.title, f"{sum(parameters.values()):,} parameters" if parameters else operations]
        given = [v for v in results if v in self.used_outside]
        if len(given) == 1 and given[0].label:
            lines += self._named(given[0])
        kinds = [
            "fold",
            *["penalty"] * (group.kind == "penalty"),
            *["output"] * any(v in self.outputs for v in given),
        ]
        style = {key: value for kind in kinds for key, value in dot.styles[kind].items()}
        style["class"] = " ".join(kinds)
        style["tooltip"] = dot.tip([*self._box_tooltip(group), f"{operations} folded"])
        box.node(self.ids[group], dot.escape(lines), _attributes=style)

    def _box_tooltip(self, group: Group) -> list[str]:
        if group.kind == "penalty":
            return [_parts["penalty"]]
        lines = [group.title]
        for call in group.calls:
            lines += [
                f"{path} {symbols.shape(parameter)}" for path, parameter in call.module.named_parameters()
            ]
        return lines if len(lines) <= 12 else [*lines[:10], "…"]

    def _elision(self, picture: Any) -> None:
        self.ids[self.view.elision] = "elision"
        style = {**dot.styles["elision"], "class": "elision"}
        picture.node("elision", dot.escape([f"… {self._left_out()}"]), _attributes=style)

    # ---- arrows

    def _arrows(self, picture: Any) -> None:
        main = {
            v
            for v in dependent_on_data(self.program)
            if v.equation and self.roles.get(v) not in ("draw", "mask")
        }
        drawn = set()
        for equation in self.program.equations:
            target = self.view.place[equation.output]
            names = symbols.operand_names(equation)
            counts = Counter(map(self._place, equation.inputs))
            for x, name in zip(equation.inputs, names, strict=True):
                source = self._place(x)
                if source is target or source not in self.ids:
                    continue
                most = 1 if source is self.view.elision else _most_arrows
                together = target is not equation.output or counts[source] > most
                if together and (source, target) in drawn:  # into a closed box one arrow will do
                    continue
                drawn.add((source, target))
                style = self._arrow(x, equation, main)
                if together and target is equation.output:
                    name = "" if source is self.view.elision else f"{counts[source]:,} ×"
                    style["tooltip"] = f"{counts[source]:,} operands"
                if name and target is equation.output:
                    style["label"] = dot.escape([f" {name} "])
                picture.edge(self.ids[source], self.ids[target], _attributes=style)

    def _arrow(self, x: Variable | Literal, equation: Equation, main: set[Variable]) -> dict[str, str]:
        """How the arrow from an operand looks, and how it pulls; `main` is the way of the data."""
        if isinstance(x, Literal):
            return {}
        style = {"tooltip": dot.tip([f"{x.label or x.name} {symbols.shape(x.tensor)}".rstrip()])}
        if x in main:
            style["weight"] = "8"  # the way of the data is kept straight
        elif (
            x.kind == "parameter"
            and self.roles.get(equation.output) == "penalty"
            and len(self.nodes) <= _large
        ):
            style["weight"] = "0"  # a penalty stands by the cost; in a large graph by its weights
        if self.roles.get(x) in ("draw", "mask"):
            style.update(style="dashed", color=dot.random_colour)
        return style

    def _arrange(self, picture: Any) -> None:
        """Unseen arrows from what comes into a box to what begins in it: boxes then follow one another."""
        first_use: dict[Any, Variable] = {}
        for equation in self.program.equations:
            for x in equation.inputs:
                first_use.setdefault(x, equation.output)
        for group in self.view.groups:
            if group.call is None or group.fold is not None:
                continue
            inside = dict.fromkeys(group.inside())
            inputs = [x for v in inside if v.equation for x in v.equation.inputs if isinstance(x, Variable)]
            outer = {x for x in inputs if x not in inside and x.kind == "parameter"}
            given = [x for x in inputs if x not in inside and x.kind != "parameter"]
            if not given:
                continue
            newest = max(given, key=lambda x: (x.equation is not None, x.tensor.stamp))
            for v in group.members:
                if v.equation is None:
                    begins = first_use.get(v) in inside
                else:
                    begins = all(isinstance(x, Literal) or x in outer for x in v.equation.inputs)
                if begins and self.view.place[v] is v:
                    picture.edge(self.ids[self.view.place[newest]], self.ids[v], style="invis", weight="0")

    # ---- notices

    def _notices(self) -> list[str]:
        notices = [
            f"No graph was recorded for {v.label or 'this value'}: it was given, or computed in mg.no_grad()"
            for v in self.program.outputs
            if v.kind == "data" and (v.tensor.scope is not None or v.label is None)
        ]
        for v in self.program.stale:
            notices.append(
                f"{v.label or v.name} was assigned to after it was used here: its values are newer"
            )
        more = len(notices) - _most_notices
        return notices if more <= 0 else [*notices[:_most_notices], f"… {more:,} more notices"]


# ---- texts


def _look(v: Variable) -> str:
    """The style of a value; one that was given without a name looks as if it were written in place."""
    if v.kind == "mask":
        return "array"
    if v.kind != "data" or v.label is not None:
        return v.kind
    return "constant" if symbols.is_one(v.tensor._value) else "array"


def _equation(name: str, data: Any) -> str:
    """W = [1, −2.5] for values in full, W: −2.1 … 3.4 for their range."""
    text = symbols.values(data)
    return f"{name} = {text}" if symbols.is_one(data) or text.startswith("[") else f"{name}: {text}"


def _arity(equation: Equation) -> int:
    """How many arrows lead to an operation."""
    return sum(isinstance(x, Variable) for x in equation.inputs) + len(array_literals(equation))
