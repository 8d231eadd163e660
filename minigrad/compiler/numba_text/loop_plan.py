"""What of a program loops compute, what BLAS, what NumPy; in which order, and into which arrays."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate

import numpy as np

from minigrad.compiler.numba_text.elements import draw_of_mask, is_square, types
from minigrad.compiler.numba_text.fusion import fused, phases
from minigrad.compiler.numba_text.loops import Step, View, step_of, view_of
from minigrad.compiler.passes.views import viewed
from minigrad.program import Equation, Literal, Program, Variable
from minigrad.random import uniform_draw
from minigrad.tensor import Tensor

_series = (
    np.exp, np.expm1, np.log, np.log1p, np.log2, np.log10, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh,
    np.arctan, np.power,
)  # fmt: skip
_many = 2048
"""From so many elements on, NumPy's own loops, several elements at a time, are worth leaving Numba's for."""

_small = 4096
"""Up to so many elements, an array that leaves a program is a part of another."""


class Plan:
    """A program, divided.

    behind     value -> the array that it is a view of
    masks      draw < number -> the draw, of which nothing else is computed
    steps      equation -> its step in loops
    products   of matrices, by BLAS
    numpy      what NumPy's functions compute
    long       what they compute into arrays of ours: exp, tanh and the like of many elements
    stored     values that are arrays; the others are elements that a loop forgets
    fresh      arrays that leave the program
    blocks     dtype -> small ones of these, which are parts of one array
    place      each of them -> that array's name, and where in it
    pinned     arrays of which NumPy has views
    into       a product of matrices -> the array that leaves the program and is computed in its place
    readers    array -> the groups that read it
    order      (number, equations) of groups: those of one nest of loops, and others alone; draws apart
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._divide()
        self._arrays()

    def _divide(self) -> None:
        """Which equations are steps in loops, products of matrices, NumPy's, or views for loops."""
        equations = self.program.equations
        behind: dict[Variable, View] = {}
        for v in (*self.program.leaves, *(e.output for e in equations)):
            view = view_of(v, behind)
            if view is not None:
                behind[v] = view
        uses: dict[Variable, int] = {}
        for x in (*(x for e in equations for x in e.inputs), *self.program.outputs):
            if isinstance(x, Variable):
                uses[x] = uses.get(x, 0) + 1
        self.behind = behind
        self.masks: dict[Equation, Variable] = {}
        for e in equations:
            draw = draw_of_mask(e)
            if draw is not None and uses[draw] == 1 and draw not in self.program.outputs:
                self.masks[e] = draw
        ignored = {draw.equation for draw in self.masks.values()}
        self.steps: dict[Equation, Step] = {}
        self.products: set[Equation] = set()
        self.numpy: list[Equation] = []
        self.long = {e for e in equations if _is_long(e)}
        views = []
        for i, e in enumerate(equations):
            if e in ignored:
                continue
            step = step_of(e, i, behind, self.masks.get(e)) if e not in self.long else None
            if step is not None:
                self.steps[e] = step
            elif self._is_product(e):
                self.products.add(e)
            elif e.output in behind and behind[e.output].root is not e.output:
                views.append(e)
            else:
                self.numpy.append(e)
        wanted = {x for e in self.numpy for x in e.inputs if isinstance(x, Variable)} | {
            *self.program.outputs
        }
        for e in reversed(views):
            if e.output in wanted:
                self.numpy.append(e)
                wanted |= {x for x in e.inputs if isinstance(x, Variable)}

    def _is_product(self, e: Equation) -> bool:
        if e.function is not np.matmul or e.output.tensor.dtype not in (np.float64, np.float32):
            return False
        if any(
            not isinstance(x, Variable)
            or x.tensor.ndim not in (1, 2)
            or x.tensor.dtype != e.output.tensor.dtype
            or 0 in x.tensor.shape
            or self.factor(x) is None
            for x in e.inputs
        ):
            return False
        return bool(e.output.tensor.ndim or e.inputs[0].tensor.ndim == 1)  # type: ignore[union-attr]

    def factor(self, x: Variable | Literal) -> str | None:
        """What makes an array a factor of a product: "" or ".T" or ".reshape(...)" of the one behind it."""
        view = self.behind.get(x) if isinstance(x, Variable) else None
        if view is None or not isinstance(x, Variable):
            return None
        behind, shape = view.root.tensor.shape, x.tensor.shape
        if any(n > 1 and a is None for n, a in zip(shape, view.axes, strict=True)):
            return None
        if len(shape) == 2 and behind == shape[::-1] and view.axes in ((1, 0), (1, None), (None, 0)):
            return ".T"
        axes = [a for a in view.axes if a is not None]
        counted = [a for a, n in enumerate(behind) if n > 1]
        if axes == counted:
            return "" if behind == shape else f".reshape({shape})"
        return f".reshape({shape[::-1]}).T" if axes[::-1] == counted and len(shape) == 2 else None

    def memory(self, v: Variable) -> Variable:
        """The value whose memory an array is in."""
        while v.equation is not None and (behind := viewed(v.equation)) is not None:
            v = behind
        return v

    # ---- which values are arrays, and in which order all is computed

    def _arrays(self) -> None:
        """Fuse, and see which values are read where they are not computed."""
        numpy = {*self.numpy}
        items = [e for e in self.program.equations if e in self.steps or e in self.products or e in numpy]
        number_of = {e.output: i for i, e in enumerate(items)}
        needs: list[set[int]] = []
        for e in items:
            step = self.steps.get(e)
            if step is not None:
                inputs = [read[0] for read in step.reads if read is not None]
            elif e in self.products:
                inputs = [self.behind[x].root for x in e.inputs]  # type: ignore[index]
            else:
                inputs = [x for x in e.inputs if isinstance(x, Variable)]
            needs.append({number_of[x] for x in inputs if x in number_of})
        groups = fused([self.steps.get(e) for e in items], needs)
        group_of = {i: g for g, numbers in enumerate(groups) for i in numbers}
        self.stored: set[Variable] = {self.memory(v) for v in self.program.outputs}
        self.pinned: set[Variable] = set()
        self.readers: dict[Variable, set[int]] = {}
        for i, e in enumerate(items):
            for j in needs[i]:
                made = items[j].output
                self.readers.setdefault(self.memory(made), set()).add(group_of[i])
                if group_of[i] != group_of[j]:
                    self.stored.add(made)
            if e in numpy:
                roots = {self.memory(x) for x in e.inputs if isinstance(x, Variable)}
                self.stored |= roots
                if viewed(e) is not None:
                    self.pinned |= roots
        for e in self.steps:
            step = self.steps[e]
            if step.reduced and not step.reduces_rows and e.output.tensor.ndim:
                self.stored.add(e.output)
        for e in self.products:
            self.stored.add(e.output)
        self.fresh = {self.memory(v) for v in self.program.outputs}
        self._together()
        self.into = self._in_place()
        self.order = self._ordered(
            [[items[i] for i in numbers] for numbers in groups],
            [{group_of[j] for i in numbers for j in needs[i]} - {g} for g, numbers in enumerate(groups)],
            numpy,
        )
        for _, group in self.order:
            phases([self.steps[e] for e in group if e in self.steps])

    def is_array(self, v: Variable) -> bool:
        """Whether loops compute a value into an array, beside what their elements are."""
        return v in self.stored and v.tensor.shape != ()

    def _together(self) -> None:
        """Small arrays that leave the program are parts of one: each array that is handed over takes time."""
        factors = {self.behind[x].root for e in self.products for x in e.inputs}  # type: ignore[index]
        self.blocks: dict[np.dtype, list[Variable]] = {}
        self.place: dict[Variable, tuple[str, int]] = {}  # value -> the array that it is a part of, and where
        for v in (e.output for e in self.program.equations if e in self.steps):
            if v in self.fresh and v not in factors and v.tensor.shape and v.tensor.size <= _small:
                self.blocks.setdefault(v.tensor.dtype, []).append(v)
        for dtype in [dtype for dtype, parts in self.blocks.items() if len(parts) < 2]:
            del self.blocks[dtype]
        for dtype, parts in self.blocks.items():
            starts = [0, *accumulate(v.tensor.size for v in parts)]
            self.place |= {v: (f"new_{types[dtype]}", start) for v, start in zip(parts, starts, strict=False)}

    def _in_place(self) -> dict[Variable, Variable]:
        """Products that one step alone reads, element by element, which makes what leaves the program."""
        reads = Counter(x for e in self.program.equations for x in e.inputs if isinstance(x, Variable))
        made = {e.output for e in self.products} - self.fresh - self.pinned
        into: dict[Variable, Variable] = {}
        for v in (e.output for e in self.steps if e.output in self.fresh and e.output not in self.place):
            if v.equation is None or v.equation.function is np.matmul:  # written out, it reads whole rows
                continue
            for x in v.equation.inputs:
                if isinstance(x, Variable) and x in made and reads[x] == 1 and alike(x.tensor, v.tensor):
                    into[x] = v
                    break
        return into

    def _ordered(
        self, groups: list[list[Equation]], needs: list[set[int]], numpy: set[Equation]
    ) -> list[tuple[int, list[Equation]]]:
        """The groups, each after those that it needs, in as few stretches between NumPy's as that allows.

        What needs nothing that is computed comes last, since it takes memory until it is used.
        """
        missing = [len(needed) for needed in needs]
        waiting: list[list[int]] = [[] for _ in groups]
        for g, needed in enumerate(needs):
            for other in needed:
                waiting[other].append(g)
        ready = [g for g in range(len(groups)) if not missing[g]]
        order = []
        while ready:
            ours = [g for g in ready if groups[g][0] not in numpy]
            for g in [min(ours, key=lambda g: (not needs[g], g))] if ours else list(ready):
                ready.remove(g)
                order.append((g, groups[g]))
                for other in waiting[g]:
                    missing[other] -= 1
                    if not missing[other]:
                        ready.append(other)
        return [(g, group) for g, group in order if group[0].function is not uniform_draw]


def alike(a: Tensor, b: Tensor) -> bool:
    """Whether two arrays have the same shape and dtype."""
    return a.shape == b.shape and a.dtype == b.dtype


def _is_long(e: Equation) -> bool:
    """Whether it is a function that Numba computes one element after the other, of many elements."""
    v = e.output.tensor
    return (
        e.function in _series and not is_square(e) and v.size >= _many and v.dtype in (np.float64, np.float32)
    )
