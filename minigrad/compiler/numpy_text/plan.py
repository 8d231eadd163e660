"""Which array each value of a program is computed into, and how long it is held there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from minigrad.compiler.numpy_text.blocks import Block, Statement, rows_of
from minigrad.compiler.numpy_text.pool import Pool
from minigrad.compiler.numpy_text.together import Together, assembled, gathered, part
from minigrad.compiler.numpy_text.writers import is_elementwise, is_written, overwrites
from minigrad.compiler.passes.views import viewed
from minigrad.program import Equation, Program, Variable
from minigrad.random import uniform_draw


class Plan:
    """The statements of a program, in order, each with the array that it computes into.

    A buffer is planned for each array, from where it is computed to where it is last used.  Elementwise
    functions compute into a buffer of an operand that is not used any more; what leaves the program is
    computed in an array of its own, as far back as elementwise functions go.

    steps   statements, and blocks of them that are computed a few rows at a time
    pool    the buffers
    root    of a view: the value whose memory it is; of others themselves
    fresh   arrays that are new at each call: name -> shape and dtype
    """

    def __init__(self, program: Program, together: Together, names: dict[Variable, str]) -> None:
        self.steps: list[Statement | Block] = []
        self.pool = Pool()
        self.fresh: dict[str, tuple[tuple[int, ...], np.dtype]] = {}
        self._together = together
        self._names = names
        self.root = _roots(program, together.equations)
        self._left = Counter(
            self.root[x] for e in together.equations for x in e.inputs if isinstance(x, Variable)
        )
        self._left.update(self.root[v] for v in program.outputs)
        leave = {self.root[v] for v in program.outputs}
        self._leave = {v for v in leave if v.equation is not None and v not in together.places}
        self._into = self._coalesced()
        self._held: dict[Variable, str] = {}  # value -> its buffer
        self._at: dict[Variable, str] = {}  # value -> the array that it is computed into
        self._new: dict[Variable, str] = {}  # value that leaves the program -> its array
        self._block = Block()
        for e in together.equations:
            self._equation(e)
        self._end_block()

    def is_view(self, v: Variable) -> bool:
        """Whether a value is a view of another one."""
        return self.root[v] is not v

    def _coalesced(self) -> dict[Variable, Variable]:
        """value -> the value that leaves the program in whose array it is computed, step by step."""
        into: dict[Variable, Variable] = {}
        for e in reversed(self._together.equations):
            end = e.output if e.output in self._leave else into.get(e.output)
            if end is None or not overwrites(e):
                continue
            for x in e.inputs:
                if isinstance(x, Variable) and x.equation is not None and self._left[x] == 1:
                    own = is_written(x.equation) and x not in self._leave and not self.is_view(x)
                    in_cache = self._is_by_rows(e) and self._is_by_rows(x.equation)  # a few rows are enough
                    if own and _are_alike(x, end) and not in_cache:
                        into[x] = end
                        break
        return into

    # ---- equation by equation

    def _equation(self, e: Equation) -> None:
        by_rows = self._is_by_rows(e)
        if self._needs_all(e, by_rows):
            self._end_block()
        dying = self._dying(e)
        if by_rows:
            views = [x for x in e.inputs if isinstance(x, Variable) and self.is_view(x)]
            self._block.seen |= {self.root[x] for x in views}
        self._block.ends += [x for x in dying if x in self._block.seen]
        dying = [x for x in dying if x not in self._block.seen]
        if e.function in (gathered, part, assembled) or self.is_view(e.output):
            self.steps.append(Statement(e, ""))  # they lie where they were computed
            return
        place = ""
        if is_written(e):
            if overwrites(e):
                same = [x for x in dying if _are_alike(x, e.output)]
                self._release(same)
                dying = [x for x in dying if x not in same]
            place = self._at[e.output] = self._place(e.output, by_rows)
        if by_rows:
            before = {self.root[x] for x in e.inputs if isinstance(x, Variable)} - self._block.outputs
            self._block.read |= {self._at.get(x, "") for x in before}
            self._block.statements.append(Statement(e, place))
        else:
            self.steps.append(Statement(e, place))
        self._release(dying)

    def _dying(self, e: Equation) -> list[Variable]:
        """What is in a buffer and not used behind this equation."""
        dying = []
        for x in e.inputs:
            if isinstance(x, Variable):
                root = self.root[x]
                self._left[root] -= 1
                if not self._left[root] and root in self._held:
                    dying.append(root)
        return dying

    def _release(self, values: Iterable[Variable]) -> None:
        for value in values:
            name = self._held.pop(value)
            self.pool.give_back(name)
            if self._block.statements:
                self._block.freed.add(name)

    def _place(self, value: Variable, by_rows: bool) -> str:
        """The array that a value is computed into."""
        kind = value.tensor.shape, value.tensor.dtype
        if value in self._together.names:
            return self._names[value]
        if value in self._together.places:
            storage, i = self._together.places[value]
            return self._names[storage.members[i]]
        end = value if value in self._leave else self._into.get(value)
        if end is None:
            name = self._held[value] = self.pool.take(*kind, whole=not by_rows, busy=self._block.freed)
            return name
        if end not in self._new:
            self._new[end] = f"fresh_{len(self._new) + 1}"
            self.fresh[self._new[end]] = kind
        return self._new[end]

    # ---- what is computed a few rows at a time

    def _is_by_rows(self, e: Equation) -> bool:
        by_element = is_elementwise(e) or (e.function is uniform_draw and is_written(e))
        return by_element and rows_of(e) > 0 and e.output not in self._together.places

    def _needs_all(self, e: Equation, by_rows: bool) -> bool:
        """Whether an equation needs all rows, or may overwrite what the collected statements compute."""
        if by_rows:
            draws_again = e.function is uniform_draw and self._block.draws_from(e.parameters["rng"])
            return draws_again or rows_of(e) != self._block.rows
        if self.is_view(e.output) or not e.output.tensor.shape:
            ours = self._block.outputs
            return any(self.root[x] in ours for x in e.inputs if isinstance(x, Variable))
        return True

    def _end_block(self) -> None:
        """A step of the statements that were collected: a block, if there are several."""
        block, self._block = self._block, Block()
        if len(block.statements) > 1:
            places = dict.fromkeys(s.place for s in block.statements)
            needed = {*self._held.values(), *block.read}
            few = [p for p in places if p.startswith("buffer_") and p not in needed]
            if block.rows % block.size == 0:  # else the last rows are fewer
                block.few = {place: self.pool.few_rows(place, block.size) for place in few}
            block.kept = [s for s in block.statements if self._left[s.equation.output]]
            self.pool.used(places.keys() - block.few.keys())
            self.steps.append(block)
        else:
            self.pool.used(s.place for s in block.statements)
            self.steps += block.statements
        self._release(block.ends)


def _roots(program: Program, equations: Iterable[Equation]) -> dict[Variable, Variable]:
    roots: dict[Variable, Variable] = {leaf: leaf for leaf in program.leaves}
    for e in equations:
        x = viewed(e)
        roots[e.output] = e.output if x is None else roots[x]
    return roots


def _are_alike(x: Variable, y: Variable) -> bool:
    """Whether the one can be computed in the array of the other."""
    return x.tensor.shape == y.tensor.shape and x.tensor.dtype == y.tensor.dtype
