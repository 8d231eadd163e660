"""A program as NumPy that computes into buffers which are used again at every call.

Each equation becomes one statement, or a few; which arrays they compute into is planned before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from textwrap import wrap
from typing import Any

from minigrad.compiler.memory import Fresh, Gather, one_array, side_by_side
from minigrad.compiler.numpy_text.blocks import Block, Statement, blocks_of, has_rows, rows_of
from minigrad.compiler.numpy_text.expressions import called, scalar
from minigrad.compiler.numpy_text.plan import Plan
from minigrad.compiler.numpy_text.printer import Printer
from minigrad.compiler.numpy_text.schedule import scheduled
from minigrad.compiler.numpy_text.together import Together, assembled, gathered, part
from minigrad.compiler.numpy_text.writers import writers
from minigrad.compiler.passes.cheapest import with_sums_of_squares
from minigrad.program import Equation, Program, Variable

_no_reasons: Mapping[int, str] = {}

_own_names = re.compile(r"^(np|copyto|replay|fresh|buffer|gather|together|scalar|rows|blocks)(?=_|$)")
"""What the text itself calls something."""


class Text:
    """The text of a program, and what it is executed with.

    given      what it is called with, before the random generators: the program's leaves, in any order
    updates    those of the program's outputs that are new values of parameters
    reasons    stamp of a value -> why it is computed as it is
    recorded   how many equations there were before they were simplified
    source     the text, a function `replay`
    run        the same, to be called
    buffers    name -> arrays that are used again at each call
    """

    def __init__(
        self,
        program: Program,
        given: Sequence[Variable],
        updates: Sequence[Variable] = (),
        reasons: Mapping[int, str] = _no_reasons,
        recorded: int = 0,
    ) -> None:
        self._reasons = reasons
        self._printer = _with_names(program)
        self._names, self._objects = self._printer.names, self._printer.objects
        self._together = Together(scheduled(with_sums_of_squares(program), rows_of), program.outputs, updates)
        self._names.update(self._together.names)
        self._printer.uses = Counter(x for e in self._together.equations for x in e.inputs)
        self._plan = Plan(program, self._together, self._names)
        for step in self._plan.steps:
            if isinstance(step, Block):
                self._block(step)
            else:
                self._statement(step)
        returned = [self._handed_out(v) for v in program.outputs]
        self.buffers = self._arrays()
        lines = self._printer.lines
        lines[:0] = [
            f"# {len(lines)} lines for {recorded} recorded operations: what is not used is left out,",
            "# what is computed twice is computed once, and algebra saves the rest",
            f"# {len(self.buffers)} buffers: each is used again after the last use of what it holds",
        ]
        text = "".join(f"    {line}\n" for line in lines)
        taken = ", ".join([*(self._names[leaf] for leaf in given), *program.generators])
        self.source = (
            f"def replay({taken}):\n{text}    return ({' '.join(f'{value},' for value in returned)})\n"
        )
        exec(compile(self.source, "<compiled>", "exec"), self._objects)
        self.run = self._objects["replay"]

    def _handed_out(self, v: Variable) -> str:
        """An output: what was given is not handed out."""
        name = self._names[v]
        return f"{name}.copy()" if v.tensor.shape and self._plan.root[v].equation is None else name

    # ---- statements

    def _statement(self, s: Statement) -> None:
        printer, e = self._printer, s.equation
        value, name = e.output, self._names[e.output]
        printer.reason = self._reason(e)
        operands = [printer.operand(x) for x in e.inputs]
        if e.function is gathered:
            printer.reason = "they lie side by side, unless others were set"
            printer.say(f"{name} = gather_{name}({', '.join(operands)})")
        elif e.function is part and e.parameters:
            printer.say(f"{name} = {operands[0]}[{e.parameters['start']}:{e.parameters['stop']}]")
        elif e.function in (assembled, part):
            pass  # they lie where they were computed
        elif s.place:
            self._given_place(s.place)
            if value in self._together.names:
                printer.reason = "of several at once"
            *before, last = writers[e.function](printer, e, operands, s.place)
            for line in before:
                printer.say(line)
            filled = "copyto" in last or s.place == name
            printer.say(last if filled else f"{name} = {last}")
            if filled and s.place != name:
                printer.say(f"{name} = {s.place}")
        else:
            write = called if value.tensor.shape or self._plan.is_view(value) else scalar
            printer.say(f"{name} = {write(printer, e, operands)}")

    def _block(self, block: Block) -> None:
        """Statements as a loop over a few rows at a time."""
        printer = self._printer
        operands = [[printer.operand(x) for x in s.equation.inputs] for s in block.statements]
        for array in (*(s.place for s in block.statements), *block.few.values()):
            self._given_place(array)
        slices = f"blocks_of_{block.size}_in_{block.rows}"
        self._objects[slices] = blocks_of(block.rows, block.size)
        places = {self._names[s.equation.output]: s.place for s in block.statements}

        def here(name: str, by_rows: bool = True) -> str:
            name = places.get(name, name)
            return block.few.get(name, f"{name}[rows]" if by_rows else name)

        lines = [f"for rows in {slices}:  # while they are in the cache"]
        for s, names in zip(block.statements, operands, strict=True):
            e = s.equation
            inputs = [here(name, has_rows(x, e)) for x, name in zip(e.inputs, names, strict=True)]
            line, reason = writers[e.function](printer, e, inputs, here(s.place))[0], self._reason(e)
            lines.append(f"    {line}" + (f"  # {reason}" if reason else ""))
        printer.lines += lines
        printer.lines += [f"{self._names[s.equation.output]} = {s.place}" for s in block.kept]

    def _reason(self, e: Equation) -> str:
        return self._reasons.get(e.output.tensor.stamp, "")

    def _given_place(self, name: str) -> None:
        """A buffer is an object of the text."""
        if name in self._plan.pool.arrays:
            self._objects[name] = self._plan.pool.arrays[name]

    # ---- arrays

    def _arrays(self) -> dict[str, Any]:
        """Those that are new at each call, and those in which values lie side by side; gives the buffers."""
        pool, storages = self._plan.pool, self._together.storages
        for name in pool.let_go():
            del self._objects[name]
        buffers = {**pool.buffers}
        names = [*self._plan.fresh]
        makers: list[Any] = [partial(one_array, *kind) for kind in self._plan.fresh.values()]
        for storage in storages:
            members = [self._names[v] for v in storage.members]
            of_storage = [storage.name, *members, *storage.ranges.values()]
            maker = partial(side_by_side, storage.shapes, storage.dtype, list(storage.ranges))
            if storage.kind == "fresh":
                makers.append(maker)
                names += of_storage
            elif storage.kind == "kept":
                arrays = maker()
                self._objects.update(zip(of_storage, arrays, strict=True))
                buffers[storage.name] = arrays[0]
        fresh = Fresh(makers)
        if makers:
            self._objects["fresh"] = fresh
            taken = "\n        ".join(wrap(f"{', '.join(names)},", 96))
            self._printer.lines.insert(0, f"(\n        {taken}\n    ) = fresh()  # arrays that nobody holds")
        for storage in storages:
            if storage.kind == "given":
                gather = Gather(fresh, storage.shapes, storage.dtype)
                self._objects[f"gather_{storage.name}"] = gather
                buffers[storage.name] = gather.whole
        return buffers


def _with_names(program: Program) -> Printer:
    """A printer that calls values by their names, but for those by which the text calls something itself."""
    values = [*program.leaves, *(e.output for e in program.equations)]
    printer = Printer([v.name for v in values], program.generators)
    for v in values:
        if _own_names.match(v.name):
            printer.call(v, f"v_{v.name}")
        else:
            printer.names[v] = v.name
    return printer
