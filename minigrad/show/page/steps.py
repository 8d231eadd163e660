"""steps: a page in which a person walks through the forward and the backward pass, one step at a time.

The page is one file that needs nothing but itself: no network, no server, no Graphviz.
"""

from __future__ import annotations

import json
import math
import os
import re
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.program import Variable
from minigrad.show import symbols
from minigrad.show.files import write_whole
from minigrad.show.page.graph import StepGraph, caption
from minigrad.show.page.orders import orders, own_order
from minigrad.show.page.walk import Shown, Step, Walk
from minigrad.show.page.words import Words
from minigrad.show.pictures.graph import size_of
from minigrad.show.pictures.view import Elision, Group, View
from minigrad.tensor import Tensor

max_nodes = 300
"""A graph with more nodes is folded: the calls of modules are one node, and one step, each."""

_cells = 8
_listed = 12
_out_of_a_box = 4


def steps(loss: Tensor) -> Steps:
    """The forward and the backward pass of a loss as a page to step through.

    Raises:  TypeError for a loss that is not a Tensor, ValueError for one that is not a scalar, RuntimeError
             for one that needs no gradient, or whose leaves were assigned to since.

    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> steps(x**2)
    Steps: 1 forward, 2 backward; .save("steps.html") makes the page
    """
    return Steps(Walk(loss))


class Steps:
    """The steps of a loss: `.save("steps.html")` makes a page of them; a notebook shows it."""

    def __init__(self, walk: Walk) -> None:
        page = _Page(walk)
        self._counts = page.counts
        self._html = page.html()

    def html(self) -> str:
        """The page, the same text for the same graph and numbers."""
        return self._html

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file, whole or not at all.

        Raises: ValueError for a name that does not end in .html; FileNotFoundError if the folder is missing.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f'save: the page is a .html file, and "{path.name}" does not end so')
        if not path.parent.is_dir():
            raise FileNotFoundError(f'save: there is no folder "{path.parent}" to write "{path.name}" in')
        return write_whole(path, self._html.encode())

    def __repr__(self) -> str:
        forward, backward = self._counts
        return f'Steps: {forward:,} forward, {backward:,} backward; .save("steps.html") makes the page'

    def _repr_html_(self) -> str:
        style = "width: 100%; height: 46rem; border: 1px solid #999"
        return f'<iframe title="step by step" style="{style}" srcdoc="{escape(self._html)}"></iframe>'


# ---- the page


class _Page:
    """A walk on its way into HTML."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self.words = Words(walk)
        program = walk.program
        self.view = View(program, self.words.roles, max_nodes)
        self.matrices: dict[str, int] = {}
        self.gradients: dict[Variable, Any] = {}
        self.graph = StepGraph(walk, self.words, self.view)
        self.ids = self.graph.node_ids
        self.told = self._tell()
        self.counts = (len(program.equations), walk.backward_steps)

    def html(self) -> str:
        """The whole text."""
        program = self.walk.program
        loss = self.walk.name(program.outputs[0])
        data = {
            "steps": self.told,
            "matrices": [json.loads(text) for text in self.matrices],
            "nodes": self._times(),
        }
        notices = [text for text in self.view.notices if "max_nodes" not in text]
        notices += self.walk.program.notes[:_listed]
        texts = {
            "title": escape(f"{loss}, step by step"),
            "counts": size_of(len(program.equations), len(program.leaves)),
            "notices": "".join(f"<p>{escape(text)}.</p>" for text in notices),
            "graph": self.graph.svg(f"Computation graph of {loss}"),
            "orders": orders() + own_order(self.walk, self.gradients),
            "style": _template("steps.css"),
            "script": _template("steps.js"),
            "data": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
            "last": str(len(self.told)),
        }
        return re.sub(r"\{\{(\w+)\}\}", lambda found: texts[found[1]], _template("steps.html"))

    # ---- steps

    def _tell(self) -> list[dict[str, Any]]:
        """The steps as data; those inside one closed box, one after the other, are one."""
        told: list[dict[str, Any]] = []
        run: list[Step] = []
        where: Group | Elision | None = None  # the box of the run; a sum belongs to the rule before it
        for step in self.walk.steps():
            if step.kind in ("backward", "sum", "seed"):
                self._keep(step)
            place = where if step.kind == "sum" and where is not None else self._place(step)
            if run and (place is not where or _side(step) != _side(run[-1])):
                told.append(self._closed(run, where))
                run = []
            if place is None:
                told.append(self._open(step))
            else:
                run.append(step._replace(arrays=()))  # which many steps would keep for long
            where = place
        return told

    def _place(self, step: Step) -> Group | Elision | None:
        """The closed box that a step happens in, if there is one."""
        if step.kind in ("start", "end"):
            return None
        place = self.view.place[step.value]
        return place if isinstance(place, Group | Elision) else None

    def _keep(self, step: Step) -> None:
        """Remember the gradient of a leaf for the end, and of what leaves a closed box for that box."""
        wanted = step.to.equation is None or self.view.place[step.to] is not self.view.place[step.value]
        if wanted and (step.kind == "sum" or step.part == 1):
            self.gradients[step.to] = step.result
        elif step.kind == "sum":
            self.gradients.pop(step.to, None)

    def _open(self, step: Step) -> dict[str, Any]:
        if step.kind in ("start", "end"):
            arrays = self._listed(step)
            lit = list(dict.fromkeys(self.ids[self.view.place[v]] for v in self._leaves(step)))
            edges: list[int] = []
        else:
            arrays = list(step.arrays)
            lit = [self.ids[self.view.place[step.value]]]
            edges = self._edges(step)
        return {
            "kind": step.kind,
            "title": self.words.title(step),
            "sentence": self.words.sentence(step),
            "rule": self.words.rule(step),
            "lit": lit,
            "to": [self.ids[self.view.place[step.to]]] if step.kind == "backward" else [],
            "edges": edges,
            "matrices": [[shown.sign, self._matrix(shown)] for shown in arrays],
        }

    def _leaves(self, step: Step) -> list[Variable]:
        return self.walk.program.leaves if step.kind == "start" else self.walk.differentiated

    def _listed(self, step: Step) -> list[Shown]:
        leaves = list({self.walk.name(leaf): leaf for leaf in self._leaves(step)}.values())[:_listed]
        if step.kind == "start":
            return [Shown(self.walk.name(leaf), leaf.tensor._value) for leaf in leaves]
        return [
            Shown(self.walk.gradient(leaf), np.broadcast_to(self.gradients[leaf], leaf.tensor.shape))
            for leaf in leaves
            if leaf in self.gradients
        ]

    def _edges(self, step: Step) -> list[int]:
        """The arrows that a step runs along: into the node in the forward pass, back to one operand."""
        place = self.view.place[step.value]
        if step.kind == "backward":
            pairs = [(self.view.place[step.to], place)]
        elif step.kind == "forward":
            assert step.value.equation is not None
            pairs = [
                (self.view.place[x], place) for x in step.value.equation.inputs if isinstance(x, Variable)
            ]
        else:
            pairs = []
        return [self.graph.edge_ids[pair] for pair in dict.fromkeys(pairs) if pair in self.graph.edge_ids]

    def _closed(self, run: list[Step], place: Any) -> dict[str, Any]:
        """The steps inside one closed box as one."""
        first, last, count = run[0], run[-1], len(run)
        if first.kind == "forward":
            values = [last.value]
            arrays = [Shown(self.walk.name(v), v.tensor._value, "→") for v in values]
            result = f"The result is {self.walk.name(last.value)}."
        else:
            outside = {step.to: None for step in run if self._leaves_box(step.to, place)}
            values = list(outside)[-_out_of_a_box:]
            arrays = [
                Shown(self.walk.gradient(v), np.broadcast_to(self.gradients[v], v.tensor.shape))
                for v in values
            ]
            more = f" and {len(outside) - len(values):,} more" if len(outside) > len(values) else ""
            names = ", ".join(shown.name for shown in arrays)
            result = f"What has come out of it by now: {names}{more}." if names else ""
        numbers = f"{first.number:,}" if count == 1 else f"{first.number:,} to {last.number:,}"
        side = "Forward" if first.kind == "forward" else "Backward"
        return {
            "kind": side.lower(),
            "title": f"{side} {numbers} of {first.total:,}: {caption(place)}",
            "sentence": f"{count:,} step{'s' * (count != 1)} inside, folded into this one. {result}".rstrip(),
            "rule": [],
            "lit": [self.ids[place]],
            "to": [],
            "edges": [],
            "matrices": [[shown.sign, self._matrix(shown)] for shown in arrays],
        }

    def _leaves_box(self, v: Variable, place: Any) -> bool:
        return v.equation is None or self.view.place[v] is not place

    def _times(self) -> list[list[int]]:
        """For every node: the step that computes it, and the last one in which its gradient is used."""
        times = [[-1, -1] for _ in self.ids]
        for k, step in enumerate(self.told):
            for node in step["lit"]:
                if step["kind"] == "forward":
                    times[node][0] = k
                elif step["kind"] not in ("start", "end"):
                    times[node][1] = k
            for node in step["to"]:
                times[node][1] = k
        return times

    # ---- matrices

    def _matrix(self, shown: Shown) -> int:
        """The number of an array among those on the page."""
        matrix = _cut(shown.data)
        matrix["name"] = shown.name
        text = json.dumps(matrix, ensure_ascii=False, sort_keys=True)
        return self.matrices.setdefault(text, len(self.matrices))


def _side(step: Step) -> str:
    return "forward" if step.kind == "forward" else "backward"


@cache
def _template(name: str) -> str:
    return (files("minigrad.show.page") / "assets" / name).read_text(encoding="utf-8")


# ---- arrays as small tables


def _cut(data: Any) -> dict[str, Any]:
    """An array as rows of texts with a level from -100 to 100 for each; of a large one, a corner.

    >>> _cut(np.array([[1.0, -2.0]]))["cells"]
    [[['1', 50], ['−2', -100]]]
    """
    array = np.asarray(data.get() if hasattr(data, "get") else data)
    corner, notices = array, []
    if array.ndim > 2:
        slices = array.reshape(math.prod(array.shape[:-2]), *array.shape[-2:])
        corner = slices[0] if len(slices) else np.zeros((0, array.shape[-1]), array.dtype)
        if len(slices) > 1:
            notices.append(f"the first of {len(slices):,} slices")
    corner = np.atleast_2d(corner)
    for axis, what in ((0, "rows"), (1, "columns")):
        if corner.shape[axis] > _cells:
            notices.append(f"{_cells} of {corner.shape[axis]:,} {what}")
    corner = corner[:_cells, :_cells]
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind in "fciub" else np.zeros(0)
    largest = float(finite.max()) if finite.size else 0.0
    cells = [[[_number(x), _level(x, largest)] for x in row] for row in corner.tolist()]
    return {"shape": symbols.shape(array), "cells": cells, "cut": ", ".join(notices)}


def _number(x: Any) -> str:
    return symbols.number(int(x) if isinstance(x, bool) else x, 3)


def _level(x: Any, largest: float) -> int:
    if isinstance(x, complex):
        x = abs(x)
    if x != x or not largest:
        return 100 * (x > 0) - 100 * (x < 0)
    return round(100 * max(-1.0, min(1.0, x / largest)))
