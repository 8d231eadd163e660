"""A program as loops that Numba compiles: element by element what can be fused, products of matrices by BLAS.

The text has a function for each stretch of the program that Numba can compile, and `replay`, which calls them
in turn, with NumPy's own functions between them where a program needs what loops do not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from textwrap import wrap
from typing import Any

import numpy as np

from minigrad.compiler.memory import Fresh, side_by_side
from minigrad.compiler.numba_text.buffers import Buffers
from minigrad.compiler.numba_text.elements import Operand
from minigrad.compiler.numba_text.jit import RefusedError, executed
from minigrad.compiler.numba_text.loop_plan import Plan
from minigrad.compiler.numba_text.names import Names
from minigrad.compiler.numba_text.nests import Nest, said
from minigrad.compiler.numba_text.parts import Part
from minigrad.program import Equation, Literal, Program, Variable
from minigrad.random import is_generator, uniform_draw
from minigrad.table import name_of, table

_longest = 400
"""Lines: a part that has more of them is followed by another."""


class NumbaText:
    """The text of a program, and what it is executed with.

    given      what it is called with, before the random generators: the program's leaves, in any order
    reasons    stamp of a value -> why it is computed as it is
    recorded   how many equations there were before they were simplified
    source     the text: functions that Numba compiles, and `replay`, which calls them
    run        `replay`, to be called
    buffers    name -> arrays that are used again at each call
    Raises:    RefusedError, with the reason, where Numba is not there or does not compile it, or where
               nothing in the program is for it.
    """

    def __init__(
        self,
        program: Program,
        given: Sequence[Variable],
        reasons: Mapping[int, str],
        recorded: int,
    ) -> None:
        self._program, self._given = program, given
        self._plan = Plan(program)
        self._names = Names(program)
        self._planned = Buffers(self._plan, self._names)
        self.buffers = self._planned.arrays
        self._objects: dict[str, Any] = {}
        self._why = {
            v: f"  # {reasons[v.tensor.stamp]}"
            for v in (e.output for e in program.equations)
            if reasons.get(v.tensor.stamp)
        }
        self._body: list[str | Part] = []  # of replay: lines, and parts that it calls
        self._draws()
        self._groups()
        self._parts = [entry for entry in self._body if isinstance(entry, Part)]
        if not self._parts:
            raise RefusedError("there is nothing in it that loops could do")
        kernels, calls = self._compiled()
        replay = self._replay(calls)
        nests = sum(line.startswith(("# fused", "# over")) for part in self._parts for line in part.lines)
        self.source = (
            f"# {nests} nests of loops and {len(self._plan.products)} products by BLAS for {recorded}"
            " recorded operations:\n"
            "# what is not used is left out, what is computed twice is so once, and algebra saves the rest\n"
            f"# {len(self.buffers)} buffers: each is used again after the last use of what it holds\n"
            f"{kernels}\n\n{replay}"
        )
        self.run = executed(kernels, replay, self._objects)

    # ---- the program, group by group

    def _draws(self) -> None:
        """All random numbers first, in the program's order; for all masks of a generator, one number."""
        masked = set(self._plan.masks.values())
        for e in self._program.equations:
            if e.function is uniform_draw and e.output in masked:
                rng = self._names.generator(e.parameters["rng"])
                line = f"{rng}_seed = {rng}.random()"
                if line not in self._body:
                    self._body.append(line)
            elif e.function is uniform_draw:
                self._body.append(self._of_numpy(e))

    def _groups(self) -> None:
        """What NumPy computes as lines, the rest into parts."""
        numpy = {*self._plan.numpy}
        part: Part | None = None
        for _, group in self._plan.order:
            e = group[0]
            if e in numpy:
                part = None
                self._body.append(self._long(e) if e in self._plan.long else self._of_numpy(e))
                continue
            if part is None or len(part.lines) > _longest:
                part = Part(self._plan, self._names, self._planned)
                self._body.append(part)
            if e in self._plan.products:
                self._product(part, e)
            elif not self._plan.steps[e].domain and not e.output.tensor.shape:
                self._number(part, e)
            else:
                Nest(part, [self._plan.steps[e] for e in group], self._why)
            self._objects |= {name: self.buffers[name] for name in part.arrays if name in self.buffers}

    def _product(self, part: Part, e: Equation) -> None:
        name = self._names[e.output]
        why = self._why.get(e.output, "").replace("  #", ";")
        if e.output.tensor.shape:
            part.new_array(e.output)
            part.lines.append(f"np.dot({', '.join([*self._factors(part, e), name])})  # BLAS{why}")
        else:
            part.found.append(e.output)
            part.lines.append(f"{name} = np.dot({', '.join(self._factors(part, e))})  # BLAS{why}")

    def _factors(self, part: Part, e: Equation) -> list[str]:
        plan = self._plan
        return [f"{part.array(plan.behind[x].root)}{plan.factor(x)}" for x in e.inputs]  # type: ignore[index]

    def _number(self, part: Part, e: Equation) -> None:
        operands: list[Operand] = []
        for x, read in zip(e.inputs, self._plan.steps[e].reads, strict=True):
            if isinstance(x, Literal):
                operands.append(x)
                continue
            assert read is not None
            operands.append((part.number_or_element(read[0]), read[0].tensor.dtype))
        part.found.append(e.output)
        part.lines.append(f"{self._names[e.output]} = {said(e, operands)}")

    # ---- NumPy's functions

    def _of_numpy(self, e: Equation) -> str:
        compute = self._object(table[e.function].compute, name_of(e.function).replace(".", "_"))
        parameters = [f"{key}={self._parameter(value)}" for key, value in e.parameters.items()]
        return f"{self._names[e.output]} = {compute}({', '.join([*self._operands(e), *parameters])})"

    def _long(self, e: Equation) -> str:
        """A function of many elements, into an array of ours."""
        operands = ", ".join(self._operands(e))
        name = self._planned.of.get(e.output, self._names[e.output])
        if name in self.buffers:
            self._objects[name] = self.buffers[name]
        return f"{name_of(e.function)}({operands}, {name})"

    def _operands(self, e: Equation) -> list[str]:
        return [
            self._planned.of.get(x, self._names[x])
            if isinstance(x, Variable)
            else repr(x.value)
            if x.value is None or type(x.value) in (int, bool)
            else self._object(x.value, f"operand_{len(self._objects) + 1}")
            for x in e.inputs
        ]

    def _parameter(self, value: Any) -> str:
        if is_generator(value):
            return self._names.generator(value)
        simple = value is None or isinstance(value, bool | int)
        if simple or (isinstance(value, tuple) and all(type(n) is int for n in value)):
            return repr(value)
        return self._object(value, f"parameter_{len(self._objects) + 1}")

    def _object(self, value: Any, name: str) -> str:
        for known, there in self._objects.items():
            if there is value:
                return known
        while name in self._names.taken or name in self._objects:
            name += "_"
        self._objects[name] = value
        return name

    # ---- put together

    def _compiled(self) -> tuple[str, dict[Part, list[str]]]:
        """The functions that Numba compiles, and how each part is called."""
        strong = {x for e in self._plan.numpy for x in e.inputs if isinstance(x, Variable)}
        strong |= {*self._program.outputs}
        later = set(strong)
        by_parts = {self._names[v] for part in self._parts for v in part.found}
        functions: list[str] = []
        calls: dict[Part, list[str]] = {}
        for n, part in reversed([*enumerate(self._parts, 1)]):
            found = {self._names[v]: v for v in part.found}
            given = [name for name in part.numbers if name not in found]
            returned = [name for name, v in found.items() if v in later]
            later |= {v for v in self._names if self._names[v] in given}
            functions.append(part.printed(n, given, returned))
            passed = [*part.arrays, *(self._passed(name, part.numbers[name], by_parts) for name in given)]
            call = f"part_{n}({', '.join(passed)})"
            calls[part] = [f"{' '.join(f'{name},' for name in returned)} = {call}" if returned else call]
            for name in returned:
                v = found[name]
                if v in strong and type(v.tensor._value) not in (int, float, bool):
                    calls[part].append(f"{name} = np.{v.tensor.dtype.type.__name__}({name})")
        helpers = {name: text for part in self._parts for name, text in part.helpers.items()}
        text_of_parts = "\n\n".join(reversed(functions))
        return f"{''.join(helpers.values())}\n{text_of_parts}", calls

    def _passed(self, name: str, kind: str, by_parts: set[str]) -> str:
        """A number as a part is given it."""
        if name in by_parts or name.endswith("_seed"):
            return name
        if kind == "int64":
            given = any(self._names[v] == name for v in self._given)
            return f"whole_{name}" if given else f"int({name})"
        return f"{'bool' if kind == 'bool' else 'float'}({name})"

    def _replay(self, calls: Mapping[Part, list[str]]) -> str:
        """What is given, new arrays, and the body."""
        used = {name for part in self._parts for name in (*part.arrays, *part.numbers)}
        lines = [line for v in self._given if self._names[v] in used for line in self._entry(v)]
        lines += self._new_arrays()
        produced = {self._names[e.output] for e in self._plan.numpy if e.output.tensor.shape}
        for entry in self._body:
            if isinstance(entry, Part):
                lines += calls[entry]
            else:
                lines.append(entry)
                name = entry.partition(" = ")[0]
                if name in produced and name in used:
                    lines.append(f"{name} = plain({name})")
        returned = "".join(f"{self._handed_out(v)}, " for v in self._program.outputs).rstrip()
        taken = ", ".join([*(self._names[leaf] for leaf in self._given), *self._program.generators])
        text = "".join(f"    {line}\n" for line in lines)
        return f"def replay({taken}):\n{text}    return ({returned})\n"

    def _new_arrays(self) -> Iterator[str]:
        """The line that takes the arrays that are new at each call."""
        names = [*self._planned.fresh]
        makers: list[Callable[[], list[np.ndarray]]] = [*self._planned.fresh.values()]
        for dtype, members in self._plan.blocks.items():
            names += [self._plan.place[members[0]][0], *(self._names[v] for v in members)]
            makers.append(partial(side_by_side, [v.tensor.shape for v in members], dtype))
        if makers:
            self._objects["fresh"] = Fresh(makers)
            taken = "\n        ".join(wrap(f"{', '.join(names)},", 96))
            yield f"(\n        {taken}\n    ) = fresh()  # arrays that nobody holds"

    def _entry(self, v: Variable) -> list[str]:
        """What is given, as the parts take it: arrays in C's order, whole numbers that are still whole."""
        name = self._names[v]
        if v.tensor.shape:
            return [f"if not {name}.flags.c_contiguous:", f"    {name} = plain({name})"]
        return [f"whole_{name} = whole({name}, {name!r})"] if v.tensor.dtype.kind == "i" else []

    def _handed_out(self, v: Variable) -> str:
        """An output: what was given is not handed out."""
        given = self._plan.memory(v).equation is None
        return f"{self._names[v]}.copy()" if v.tensor.shape and given else self._names[v]
