"""Steps that are computed in the same loops, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from minigrad.compiler.numba_text.elements import Operand, cast, element, loop_dtypes, number, reductions
from minigrad.compiler.numba_text.helpers import adding, drawing
from minigrad.compiler.numba_text.loops import Step
from minigrad.compiler.numba_text.parts import Part
from minigrad.program import Equation, Literal, Variable


class Nest:
    """A nest of loops, which is printed into a part.

    Its lines stand in this order; the three in the middle are there once for each phase:

        before
        for i in range(m):
            per_row
            once
            for j in range(n):
                passes
            ends
            end_of_row
        after

    why  value -> a comment on how it is computed
    """

    def __init__(self, part: Part, steps: Sequence[Step], why: Mapping[Variable, str]) -> None:
        self.part, self.steps, self.why = part, steps, why
        self.domain = max((step.domain for step in steps), key=len)
        self.depth = len(self.domain)
        self.at = part.names.letters[: self.depth]
        self.made = {step.output: step for step in steps}
        count = 1 + max(step.phase for step in steps)
        self.before: list[str] = []
        self.per_row: list[str] = []
        self.sections: list[list[str]] = [[] for _ in range(count)]
        self.begins: list[list[str]] = [[] for _ in range(count)]
        self.passes: list[list[str]] = [[] for _ in range(count)]
        self.ends: list[list[str]] = [[] for _ in range(count)]
        self.end_of_row: list[str] = []
        self.after: list[str] = []
        self.rows = {v: part.row(v) for v in part.buffers.rows if v in self.made}
        self.arrays = {v: part.new_array(v) for v in self.made if part.plan.is_array(v)}
        for step in steps:
            if step.reduced:
                self._reduction(step)
            else:
                self._elements(step)
        part.lines += self._lines()
        part.found += [v for v in self.made if not v.tensor.shape]

    def _lines(self) -> list[str]:
        titles = ", ".join(self.part.names[v] for v in self.made)
        over = " x ".join(map(str, self.domain)) or "one element"
        lines = [*self.before, f"# {'fused, over' if len(self.steps) > 1 else 'over'} {over}: {titles}"]
        indent = ""
        for letter, n in zip(self.at[:-1], self.domain[:-1], strict=False):
            lines.append(f"{indent}for {letter} in range({n}):")
            indent += "    "
        lines += [indent + line for line in self.per_row]
        phases = zip(self.sections, self.begins, self.passes, self.ends, strict=True)
        for sections, begins, passes, ends in phases:
            lines += [indent + line for line in (*sections, *begins)]
            deeper = indent
            if passes and self.depth:
                lines.append(f"{indent}for {self.at[-1]} in range({self.domain[-1]}):")
                deeper += "    "
            lines += [deeper + line for line in passes]
            lines += [indent + line for line in ends]
        lines += [indent + line for line in self.end_of_row]
        return lines + self.after

    # ---- steps

    def _lines_of(self, step: Step) -> list[str]:
        """Where the lines of a step stand: in the innermost loop, or once for a row."""
        return (self.passes if self._is_inner(step) else self.sections)[step.phase]

    def _is_inner(self, step: Step) -> bool:
        return len(step.domain) == self.depth

    def _elements(self, step: Step) -> None:
        """An equation that is computed element by element."""
        e, v, lines = step.equation, step.output, self._lines_of(step)
        value = self._mask(step) if e in self.part.plan.masks else said(e, self._operands(step))
        lines.append(f"{self._local(v)} = {value}{self.why.get(v, '')}")
        if v in self.arrays:
            lines.append(f"{self._written(step)} = {self._local(v)}")
        if v in self.rows:
            lines.append(f"{self.rows[v]}[{self.at[-1]}] = {self._local(v)}")

    def _reduction(self, step: Step) -> None:
        """A sum, a mean or an extreme: of each row, of everything, or along other axes."""
        e = step.equation
        (x,) = self._operands(step)
        dtypes = loop_dtypes(e)
        assert dtypes is not None
        dtype, n = dtypes[-1], prod(step.domain[a] for a in step.reduced)
        mean = f" / {number(n, dtype)}" if e.function is np.mean else ""
        if step.reduces_rows and self._is_inner(step):
            self._of_rows(step, x, dtype, mean)
        elif len(step.reduced) == len(step.domain):
            self._total(step, x, dtype, mean)
        else:
            every, place = self.part.all_of(step.output), self._written(step)
            self.before.append(f"{every} = {_start(e, dtype)}")
            self._lines_of(step).append(f"{place} = {self._gathered(e, place, cast(x, dtype))}")
            if mean:
                self.after.append(f"{every} = {every}{mean}")

    def _of_rows(self, step: Step, x: Operand, dtype: np.dtype, mean: str) -> None:
        e, total = step.equation, self._local(step.output)
        self.begins[step.phase].append(f"{total} = {_start(e, dtype)}")
        self._lines_of(step).append(f"{total} = {self._gathered(e, total, cast(x, dtype))}")
        if mean:
            self.ends[step.phase].append(f"{total} = {total}{mean}")
        if step.output in self.arrays:
            self.ends[step.phase].append(f"{self._written(step)} = {total}")

    def _total(self, step: Step, x: Operand, dtype: np.dtype, mean: str) -> None:
        """A reduction of everything: rows first, then, in float64, the sum of these."""
        e, v, lines = step.equation, step.output, self._lines_of(step)
        name = self.part.names[v]
        adds = e.function in (np.sum, np.mean) and dtype.kind == "f"
        wide = np.dtype(float) if adds else dtype
        total, row = f"{name}_total", f"{name}_row"
        self.before.append(f"{total} = {_start(e, wide)}")
        if self.depth > 1 and self._is_inner(step):
            self.per_row.append(f"{row} = {_start(e, dtype)}")
            lines.append(f"{row} = {self._gathered(e, row, cast(x, dtype))}")
            self.end_of_row.append(f"{total} = {self._gathered(e, total, cast((row, dtype), wide))}")
        else:
            lines.append(f"{total} = {self._gathered(e, total, cast(x, wide))}")
        place = self.part.element(v, ["0"] * v.tensor.ndim) if v.tensor.shape else name
        self.after.append(f"{place} = {cast((total, wide), dtype)}{mean}")

    # ---- operands and results

    def _local(self, v: Variable) -> str:
        """An element, in the loops that compute it."""
        step = self.made[v]
        found = self.at if self._is_inner(step) and not step.reduced else self.at[:-1]
        return f"{self.part.names[v]}_{''.join(found) or 'only'}"

    def _operands(self, step: Step) -> list[Operand]:
        e, places = step.equation, step.reads
        inputs = e.inputs if e.function is not np.matmul else [p[0] for p in places]  # type: ignore[index]
        return [self._read(x, p, step.phase) for x, p in zip(inputs, places, strict=True)]

    def _read(self, x: Variable | Literal, place: Any, phase: int) -> Operand:
        if isinstance(x, Literal):
            return x
        root, where = place
        dtype = root.tensor.dtype
        if not root.tensor.shape:
            return self.part.number(root), dtype
        if root in self.made:
            maker = self.made[root]
            if maker.phase == phase or not self._is_inner(maker) or maker.reduced:
                return self._local(root), dtype
            if root in self.rows:
                return f"{self.rows[root]}[{self.at[-1]}]", dtype
        else:
            self.part.array(root)
        return self.part.element(root, self._index(where)), dtype

    def _written(self, step: Step) -> str:
        """The element of an array that a step computes."""
        return self.part.element(step.output, self._index(step.write))

    def _index(self, axes: Sequence[Any]) -> list[str]:
        return ["0" if a is None else a if isinstance(a, str) else self.at[a] for a in axes]

    def _mask(self, step: Step) -> str:
        """Whether a random number of few bits is small enough."""
        part, e = self.part, step.equation
        part.helpers["drawing"] = drawing
        name, p = part.names[e.output], e.inputs[1]
        bound = number(p.value, np.dtype(float)) if isinstance(p, Literal) else part.number(p)
        draw = part.plan.masks[e].equation
        assert draw is not None
        seed = f"{part.names.generator(draw.parameters['rng'])}_seed"
        part.numbers[seed] = "float64"
        self.before.append(f"{name}_a, {name}_b = keys({seed}, {[*part.plan.masks].index(e) + 1})")
        self.before.append(f"{name}_most = limit({bound})")
        terms = []
        stride = 1
        for letter, n in reversed([*zip(self.at, step.domain, strict=False)]):  # it may have fewer axes
            terms.append(f"{letter} * {stride}" if stride > 1 else letter)
            stride *= n
        return f"drawn({' + '.join(terms[::-1]) or '0'}, {name}_a, {name}_b) <= {name}_most"

    def _gathered(self, e: Equation, total: str, x: str) -> str:
        """A sum, or an extreme, with one element more."""
        if e.function in (np.sum, np.mean):
            if e.output.tensor.dtype.kind != "f":
                return f"{total} + {x}"
            self.part.helpers["adding"] = adding
            return f"plus({total}, {x})"
        sign = ">=" if e.function is np.max else "<="
        return f"({total} if {total} {sign} {x} or {total} != {total} else {x})"


def said(e: Equation, operands: Sequence[Operand]) -> str:
    """What an equation computes of the elements of its operands; a reduction, of one element."""
    if e.function in reductions:
        dtypes = loop_dtypes(e)
        assert dtypes is not None
        return cast(operands[0], dtypes[-1])
    return element(e, operands)


def _start(e: Equation, dtype: np.dtype) -> str:
    """What a reduction begins with."""
    if e.function in (np.sum, np.mean):
        return number(0, dtype)
    first = np.max if e.function is np.max else np.min
    if dtype.kind == "f":
        return number(float("-inf") if first is np.max else float("inf"), dtype)
    if dtype.kind == "b":
        return str(first is np.min)
    return number(np.iinfo(dtype).min if first is np.max else np.iinfo(dtype).max, dtype)
