"""A program as loops that Numba compiles: element by element what can be fused, products of matrices by BLAS.

The text has a function for each stretch of the program that Numba can compile, and `replay`, which calls them
in turn, with NumPy's own functions between them where a program needs what loops do not say.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod
from textwrap import wrap
from typing import Any

import numpy as np

from minigrad.compiler.memory import Fresh, one_array, side_by_side
from minigrad.compiler.numba_text.elements import (
    Operand,
    cast,
    element,
    loop_dtypes,
    number,
    reductions,
    types,
)
from minigrad.compiler.numba_text.jit import RefusedError, executed
from minigrad.compiler.numba_text.loop_plan import Plan, alike
from minigrad.compiler.numba_text.loops import Step, phases
from minigrad.program import Equation, Literal, Program, Variable
from minigrad.random import is_generator, uniform_draw
from minigrad.table import name_of, table

_reserved = {*keyword.kwlist, *dir(builtins), "np", "njit", "read", "write", "options", "inner", "replay"}
_reserved |= {"drawn", "fresh", "keys", "limit", "plus", "plain", "whole", *types.values()}

_ours = re.compile(r".+_(only|total|row|seed|most|a|b|[i-z]+)")
_prefixes = ("part_", "whole_", "buffer_", "new_")
"""What the text calls elements, sums, parts and arrays by."""

_drawing = '''
@njit(**inner)
def keys(seed, mask):
    """Two numbers of 32 bits, of the 53 bits of a draw and the number of the mask."""
    h = np.uint64(seed * 9007199254740992.0) + np.uint64(mask) * np.uint64(0x9E3779B97F4A7C15)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h = h ^ (h >> np.uint64(31))
    return np.uint32(h), np.uint32(h >> np.uint64(32))


@njit(**inner)
def drawn(i, a, b):
    """The i-th number of 31 random bits that belongs to two keys."""
    h = np.uint32(np.uint32(i) * np.uint32(0x9E3779B9) + a)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x21F0AAAD))
    h = np.uint32((h ^ (h >> np.uint32(15))) + b)
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x735A2D97))
    return np.int32((h ^ (h >> np.uint32(15))) >> np.uint32(1))


@njit(**inner)
def limit(p):
    """The largest number of 31 bits that is kept: as many are as come nearest to the share p."""
    if p >= 1.0:
        return np.int32(2147483647)
    return np.int32(np.int64(p * 2147483648.0 + 0.5) - 1) if p > 0.0 else np.int32(-1)

'''
_adding = '''
@njit(fastmath={"reassoc"}, **inner)
def plus(total, x):
    """A sum that may be made in any order."""
    return total + x

'''


@dataclass
class _Part:
    """What is compiled as one function: its lines, what it is given, the numbers that it finds."""

    lines: list[str] = field(default_factory=list)
    arrays: dict[str, str] = field(default_factory=dict)  # name -> type
    numbers: dict[str, str] = field(default_factory=dict)
    found: list[Variable] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


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
        self.program = program
        self.plan = Plan(program)
        self.recorded = recorded
        self.why = {
            v: f"  # {reasons[v.tensor.stamp]}"
            for v in (e.output for e in program.equations)
            if reasons.get(v.tensor.stamp)
        }
        self.given = given
        self.objects: dict[str, Any] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._free: dict[Any, list[str]] = {}
        self._helpers: dict[str, None] = {}
        self._named()
        self._print()

    def _named(self) -> None:
        """Names for values: none that Python or the text has, or that an element may have."""
        every = (*self.program.leaves, *(e.output for e in self.program.equations))
        own = {v.name for v in every} | {*self.program.generators}
        self.names: dict[Variable, str] = {}
        for v in every:
            name = f"v_{v.name}" if v.name in _reserved or v.name.startswith(_prefixes) else v.name
            while _ours.fullmatch(name) or (name != v.name and name in own):
                name += "_"
            self.names[v] = name
            own.add(name)
        self._taken = {*own, *_reserved}
        letters = [*"ijklnopqrstuvwxyz", *(f"{x}{x}" for x in "ijklnopqrstuvwxyz")]
        self.letters = [letter for letter in letters if letter not in self._taken]

    # ---- the text

    def _print(self) -> None:
        numpy = {*self.plan.numpy}
        body: list[Any] = []  # lines of replay, and parts
        self.part: _Part | None = None
        self.body = body
        self.held: dict[Variable, str] = {}
        self._fresh: dict[str, Any] = {}  # name -> what makes an array of which nobody else knows
        self._draws()
        last = {
            v: max(readers, key=[g for g, _ in self.plan.order].index)
            for v, readers in self.plan.readers.items()
        }
        ends: dict[int, list[Variable]] = {}
        for v, g in last.items():
            ends.setdefault(g, []).append(v)
        for g, group in self.plan.order:
            if group[0] in numpy:
                self.part = None
                for e in group:
                    if e in self.plan.long:
                        self._long(e, [x for x in e.inputs if isinstance(x, Variable) and last.get(x) == g])
                    else:
                        body.append(f"{self.names[e.output]} = {self._numpy_call(e)}")
            else:
                if self.part is None or len(self.part.lines) > 400:
                    self.part = _Part()
                    body.append(self.part)
                if group[0] in self.plan.products:
                    self._dot(group[0])
                elif not self.plan.steps[group[0]].domain and not group[0].output.tensor.shape:
                    self._number(group[0])
                else:
                    self._loops([self.plan.steps[e] for e in group])
            for v in ends.get(g, ()):
                if v in self.held and v not in self.plan.pinned:
                    self._let_go(self.held.pop(v))
        self._assemble()

    def _draws(self) -> None:
        """All random numbers first, in the program's order; for all masks of a generator, one number."""
        masked = {draw: e.output for e, draw in self.plan.masks.items()}
        for e in self.program.equations:
            if e.function is uniform_draw and e.output in masked:
                rng = self._parameter(e.parameters["rng"])
                line = f"{rng}_seed = {rng}.random()"
                if line not in self.body:
                    self.body.append(line)
            elif e.function is uniform_draw:
                self.body.append(f"{self.names[e.output]} = {self._numpy_call(e)}")
        drawn = [(g, group) for g, group in self.plan.order if group[0].function is uniform_draw]
        self.plan.order = [entry for entry in self.plan.order if entry not in drawn]

    # ---- arrays

    def _element_of(self, v: Variable, index: Sequence[str]) -> str:
        """An element of an array, or of the one that it is a part of."""
        if v not in self.plan.place:
            return f"{self.names[v]}[{', '.join(index)}]"
        block, start = self.plan.place[v]
        terms, stride = [str(start)] if start else [], 1
        for i, n in zip(index[::-1], v.tensor.shape[::-1], strict=True):
            if i != "0":
                terms.insert(0, f"{i} * {stride}" if stride > 1 else i)
            stride *= n
        return f"{block}[{' + '.join(terms) or '0'}]"

    def _all_of(self, v: Variable) -> str:
        """All elements of an array."""
        if v not in self.plan.place:
            return f"{self.names[v]}[:]"
        block, start = self.plan.place[v]
        return f"{block}[{start}:{start + v.tensor.size}]"

    def _array(self, v: Variable) -> str:
        """The name of an array that is read in a part."""
        assert self.part is not None
        name = self.names[v]
        if v in self.plan.place:
            self.part.arrays[self.plan.place[v][0]] = _type("write", v.tensor.dtype, 1)
        elif v in self.held:
            self.part.arrays.setdefault(self.held[v], _type("write", v.tensor.dtype, v.tensor.ndim))
            line = f"{name} = {self.held[v]}"
            if line not in self.part.lines:
                self.part.lines.insert(0, line)
        elif name not in self.part.arrays:
            self.part.arrays[name] = _type("read", v.tensor.dtype, v.tensor.ndim)
        return name

    def _new_array(self, v: Variable) -> str:
        """The name of an array that a value is computed into."""
        assert self.part is not None
        name, shape, dtype = self.names[v], v.tensor.shape, v.tensor.dtype
        if v in self.plan.place:
            self.part.arrays[self.plan.place[v][0]] = _type("write", dtype, 1)
        elif v in self.plan.fresh:
            self._fresh[name] = partial(one_array, shape, dtype)
            self.part.arrays[name] = _type("write", dtype, len(shape))
        else:
            self.held[v] = self._in_place_of(v) or self._take(shape, dtype)
            self.part.arrays[self.held[v]] = _type("write", dtype, len(shape))
            self.part.lines.append(f"{name} = {self.held[v]}")
        return name

    def _in_place_of(self, v: Variable) -> str:
        """The array that leaves the program, if a product is computed into it; else ""."""
        if v not in self.plan.into:
            return ""
        name = self.names[self.plan.into[v]]
        self._fresh[name] = partial(one_array, v.tensor.shape, v.tensor.dtype)
        return name

    def _take(self, shape: tuple[int, ...], dtype: np.dtype) -> str:
        free = self._free.get((shape, dtype))
        if free:
            return free.pop()
        name = f"buffer_{len(self.buffers) + 1}"
        while name in self._taken:
            name += "_"
        self.buffers[name] = self.objects[name] = np.zeros(shape, dtype)
        return name

    def _let_go(self, buffer: str) -> None:
        array = self.buffers.get(buffer)
        if array is None:  # it leaves the program
            return
        self._free.setdefault((array.shape, array.dtype), []).append(buffer)

    def _scalar(self, v: Variable) -> str:
        """The name of a number that is read in a part."""
        assert self.part is not None
        name = self.names[v]
        if v not in self.part.found:
            self.part.numbers.setdefault(name, types[v.tensor.dtype])
        return name

    def _says(self, line: str) -> None:
        assert self.part is not None
        self.part.lines.append(line)

    # ---- products of matrices, numbers

    def _dot(self, e: Equation) -> None:
        assert self.part is not None
        a, b = e.inputs
        name = self.names[e.output]
        why = self.why.get(e.output, "").replace("  #", ";")
        if not e.output.tensor.shape:
            self.part.found.append(e.output)
            self._says(f"{name} = np.dot({self._factor(a)}, {self._factor(b)})  # BLAS{why}")
            return
        self._new_array(e.output)
        self._says(f"np.dot({self._factor(a)}, {self._factor(b)}, {name})  # BLAS{why}")

    def _factor(self, x: Variable | Literal) -> str:
        assert isinstance(x, Variable)
        return f"{self._array(self.plan.behind[x].root)}{self.plan.factor(x)}"

    def _number(self, e: Equation) -> None:
        assert self.part is not None
        operands: list[Operand] = []
        for x, read in zip(e.inputs, self.plan.steps[e].reads, strict=True):
            if isinstance(x, Literal):
                operands.append(x)
            else:
                assert read is not None
                operands.append((self._scalar_or_element(read[0]), read[0].tensor.dtype))
        self.part.found.append(e.output)
        self._says(f"{self.names[e.output]} = {self._said(e, operands)}")

    def _scalar_or_element(self, v: Variable) -> str:
        if not v.tensor.shape:
            return self._scalar(v)
        self._array(v)
        return self._element_of(v, ["0"] * v.tensor.ndim)

    def _said(self, e: Equation, operands: Sequence[Operand]) -> str:
        if e.function in reductions:  # of one element
            dtypes = loop_dtypes(e)
            assert dtypes is not None
            return cast(operands[0], dtypes[-1])
        return element(e, operands)

    # ---- loops

    def _loops(self, steps: list[Step]) -> None:
        assert self.part is not None
        domain = max((step.domain for step in steps), key=len)
        depth = len(domain)
        count = phases(steps, depth)
        at = self.letters[:depth]
        made = {step.output: step for step in steps}
        rows = "".join(at[:-1])
        inner = [step for step in steps if len(step.domain) == depth]
        scratch = self._scratch(inner, made, depth)
        before: list[str] = []
        after: list[str] = []
        per_row: list[str] = []
        end_of_row: list[str] = []
        sections: list[list[str]] = [[] for _ in range(count)]
        passes: list[list[str]] = [[] for _ in range(count)]
        begins: list[list[str]] = [[] for _ in range(count)]
        ends: list[list[str]] = [[] for _ in range(count)]
        titles = [self.names[step.output] for step in steps]
        arrays = {step.output: self._new_array(step.output) for step in steps if self._kept(step)}

        def local(v: Variable) -> str:
            step = made[v]
            found = at if len(step.domain) == depth and not step.reduced else at[:-1]
            return f"{self.names[v]}_{''.join(found) or 'only'}"

        def read(x: Variable | Literal, place: Any, phase: int) -> Operand:
            if isinstance(x, Literal):
                return x
            root, where = place
            dtype = root.tensor.dtype
            if not root.tensor.shape:
                return self._scalar(root), dtype
            if root in made:
                maker = made[root]
                later = maker.phase != phase and len(maker.domain) == depth and not maker.reduced
                if not later:
                    return local(root), dtype
                if root in scratch:
                    return f"{scratch[root]}[{at[-1]}]", dtype
            if root not in made:
                self._array(root)
            index = ["0" if a is None else a if isinstance(a, str) else at[a] for a in where]
            return self._element_of(root, index), dtype

        for step in steps:
            e, name = step.equation, self.names[step.output]
            in_loop = len(step.domain) == depth
            lines = passes[step.phase] if in_loop else sections[step.phase]
            places = step.reads
            inputs = e.inputs if e.function is not np.matmul else [p[0] for p in places]  # type: ignore[index]
            if e in self.plan.masks:
                value = self._mask(e, step, at, before)
                operands: list[Operand] = []
            else:
                operands = [read(x, p, step.phase) for x, p in zip(inputs, places, strict=True)]
                value = "" if step.reduced else self._said(e, operands)
            where = ["0" if a is None else at[a] for a in step.write]
            place = self._element_of(step.output, where) if step.output in arrays else ""
            if not step.reduced:
                lines.append(f"{local(step.output)} = {value}{self.why.get(step.output, '')}")
                if step.output in arrays:
                    lines.append(f"{place} = {local(step.output)}")
                if step.output in scratch:
                    lines.append(f"{scratch[step.output]}[{at[-1]}] = {local(step.output)}")
                continue
            sizes = prod(step.domain[a] for a in step.reduced)
            dtypes = loop_dtypes(e)
            assert dtypes is not None
            result = dtypes[-1]
            if step.reduces_rows and in_loop:
                total = f"{name}_{rows}"
                begins[step.phase].append(f"{total} = {_start(e, result)}")
                lines.append(f"{total} = {self._gathered(e, total, cast(operands[0], result))}")
                if e.function is np.mean:
                    ends[step.phase].append(f"{total} = {total} / {number(sizes, result)}")
                if step.output in arrays:
                    ends[step.phase].append(f"{place} = {total}")
            elif len(step.reduced) == len(step.domain):
                self._total(
                    step, operands[0], result, sizes, before, per_row, lines, end_of_row, after, depth
                )
            else:
                every = self._all_of(step.output)
                before.append(f"{every} = {_start(e, result)}")
                lines.append(f"{place} = {self._gathered(e, place, cast(operands[0], result))}")
                if e.function is np.mean:
                    after.append(f"{every} = {every} / {number(sizes, result)}")
        for line in before:
            self._says(line)
        over = " x ".join(map(str, domain)) or "one element"
        self._says(f"# {'fused, over' if len(steps) > 1 else 'over'} {over}: {', '.join(titles)}")
        indent = ""
        for letter, n in zip(at[:-1], domain[:-1], strict=False):
            self._says(f"{indent}for {letter} in range({n}):")
            indent += "    "
        for line in per_row:
            self._says(indent + line)
        for phase in range(count):
            for line in (*sections[phase], *begins[phase]):
                self._says(indent + line)
            if passes[phase] and depth:
                self._says(f"{indent}for {at[-1]} in range({domain[-1]}):")
                for line in passes[phase]:
                    self._says(f"{indent}    {line}")
            else:
                for line in passes[phase]:
                    self._says(indent + line)
            for line in ends[phase]:
                self._says(indent + line)
        for line in (*end_of_row,):
            self._says(indent + line)
        for line in after:
            self._says(line)
        for step in steps:
            if not step.output.tensor.shape:
                self.part.found.append(step.output)
        for buffer in self._rows_taken:
            self._let_go(buffer)

    def _kept(self, step: Step) -> bool:
        return step.output in self.plan.stored and bool(step.output.tensor.shape)

    def _scratch(self, inner: list[Step], made: dict[Variable, Step], depth: int) -> dict[Variable, str]:
        """A row for each value that is read in a later pass over the row than it is computed in."""
        assert self.part is not None
        scratch: dict[Variable, str] = {}
        self._rows_taken: list[str] = []
        for step in inner:
            for read in step.reads:
                maker = made.get(read[0]) if read is not None else None
                if maker is None or maker.phase == step.phase or maker.reduced or len(maker.domain) < depth:
                    continue
                v = maker.output
                if v not in self.plan.stored and v not in scratch:
                    buffer = self._take((maker.domain[-1],), v.tensor.dtype)
                    self._rows_taken.append(buffer)
                    self.part.arrays[buffer] = _type("write", v.tensor.dtype, 1)
                    scratch[v] = f"{self.names[v]}_row"
                    self._says(f"{scratch[v]} = {buffer}")
        return scratch

    def _mask(self, e: Equation, step: Step, at: list[str], before: list[str]) -> str:
        assert self.part is not None
        self._helpers["drawing"] = None
        name = self.names[e.output]
        p = e.inputs[1]
        bound = number(p.value, np.dtype(float)) if isinstance(p, Literal) else self._scalar(p)
        draw = self.plan.masks[e].equation
        assert draw is not None
        seed = f"{self._parameter(draw.parameters['rng'])}_seed"
        self.part.numbers[seed] = "float64"
        before.append(f"{name}_a, {name}_b = keys({seed}, {[*self.plan.masks].index(e) + 1})")
        before.append(f"{name}_most = limit({bound})")
        terms = []
        stride = 1
        for letter, n in reversed([*zip(at, step.domain, strict=False)]):  # a mask may have fewer axes
            terms.append(f"{letter} * {stride}" if stride > 1 else letter)
            stride *= n
        return f"drawn({' + '.join(terms[::-1]) or '0'}, {name}_a, {name}_b) <= {name}_most"

    def _gathered(self, e: Equation, total: str, x: str) -> str:
        if e.function in (np.sum, np.mean):
            if e.output.tensor.dtype.kind != "f":
                return f"{total} + {x}"
            self._helpers["adding"] = None
            return f"plus({total}, {x})"
        sign = ">=" if e.function is np.max else "<="
        return f"({total} if {total} {sign} {x} or {total} != {total} else {x})"

    def _total(
        self, step: Step, x: Operand, dtype: np.dtype, n: int, before: list[str], per_row: list[str],
        lines: list[str], end_of_row: list[str], after: list[str], depth: int,
    ) -> None:  # fmt: skip
        """A reduction of everything: rows first, then, in float64, the sum of these."""
        e, name = step.equation, self.names[step.output]
        adds = e.function in (np.sum, np.mean) and dtype.kind == "f"
        wide = np.dtype(float) if adds else dtype
        total, row = f"{name}_total", f"{name}_row"
        before.append(f"{total} = {_start(e, wide)}")
        if depth > 1 and len(step.domain) == depth:
            per_row.append(f"{row} = {_start(e, dtype)}")
            lines.append(f"{row} = {self._gathered(e, row, cast(x, dtype))}")
            end_of_row.append(f"{total} = {self._gathered(e, total, cast((row, dtype), wide))}")
        else:
            lines.append(f"{total} = {self._gathered(e, total, cast(x, wide))}")
        value = cast((total, wide), dtype)
        if e.function is np.mean:
            value = f"{value} / {number(n, dtype)}"
        if step.output.tensor.shape:
            after.append(f"{self._element_of(step.output, ['0'] * step.output.tensor.ndim)} = {value}")
        else:
            after.append(f"{name} = {value}")

    # ---- NumPy's functions

    def _numpy_call(self, e: Equation) -> str:
        compute = self._object(table[e.function].compute, name_of(e.function).replace(".", "_"))
        parameters = [f"{key}={self._parameter(value)}" for key, value in e.parameters.items()]
        return f"{compute}({', '.join([*self._operands(e), *parameters])})"

    def _long(self, e: Equation, dying: list[Any]) -> None:
        """A function of many elements, into an array of ours: that of an operand that is not used again."""
        v, name, operands = e.output, self.names[e.output], ", ".join(self._operands(e))
        same = [
            x for x in dying if x in self.held and x not in self.plan.pinned and alike(x.tensor, v.tensor)
        ]
        if v in self.plan.fresh:
            self._fresh[name] = partial(one_array, v.tensor.shape, v.tensor.dtype)
        else:
            self.held[v] = name = (
                self.held.pop(same[0]) if same else self._take(v.tensor.shape, v.tensor.dtype)
            )
        self.body.append(f"{name_of(e.function)}({operands}, {name})")

    def _operands(self, e: Equation) -> list[str]:
        return [
            self.held.get(x, self.names[x])
            if isinstance(x, Variable)
            else repr(x.value)
            if x.value is None or type(x.value) in (int, bool)
            else self._object(x.value, f"operand_{len(self.objects) + 1}")
            for x in e.inputs
        ]

    def _parameter(self, value: Any) -> str:
        if is_generator(value):
            return next(name for name, rng in self.program.generators.items() if rng is value)
        simple = value is None or isinstance(value, bool | int)
        if simple or (isinstance(value, tuple) and all(type(n) is int for n in value)):
            return repr(value)
        return self._object(value, f"parameter_{len(self.objects) + 1}")

    def _object(self, value: Any, name: str) -> str:
        for known, there in self.objects.items():
            if there is value:
                return known
        while name in self._taken or name in self.objects:
            name += "_"
        self.objects[name] = value
        return name

    # ---- put together

    def _assemble(self) -> None:
        parts = [entry for entry in self.body if isinstance(entry, _Part)]
        if not parts:
            raise RefusedError("there is nothing in it that loops could do")
        later = {x for e in self.plan.numpy for x in e.inputs if isinstance(x, Variable)} | {
            *self.program.outputs
        }
        strong = set(later)
        functions = []
        by_parts = {self.names[v] for part in parts for v in part.found}
        for n, part in reversed([*enumerate(parts, 1)]):
            found = {self.names[v]: v for v in part.found}
            given = {name: kind for name, kind in part.numbers.items() if name not in found}
            returned = [name for name, v in found.items() if v in later]
            wanted = {v for v in self.names if self.names[v] in given}
            later |= wanted
            arguments = [*part.arrays, *given]
            signature = ", ".join([*part.arrays.values(), *given.values()])
            lines = [f"@njit([({signature}{',' * bool(signature)})], **options)"]
            lines.append(f"def part_{n}({', '.join(arguments)}):")
            lines += [f"    {line}" for line in part.lines]
            if returned:
                lines.append(f"    return ({' '.join(f'{name},' for name in returned)})")
            functions.append("\n".join(lines) + "\n")
            passed = [*part.arrays, *(self._passed(name, kind, by_parts) for name, kind in given.items())]
            call = f"part_{n}({', '.join(passed)})"
            part.calls = [f"{' '.join(f'{name},' for name in returned)} = {call}" if returned else call]
            for name in returned:
                v = found[name]
                if v in strong and type(v.tensor._value) not in (int, float, bool):
                    part.calls.append(f"{name} = np.{v.tensor.dtype.type.__name__}({name})")
        text_of_parts = "\n\n".join(reversed(functions))
        helpers = "".join({"drawing": _drawing, "adding": _adding}[helper] for helper in self._helpers)
        self.kernels = f"{helpers}\n{text_of_parts}"
        used = {name for part in parts for name in (*part.arrays, *part.numbers)}
        lines = [line for v in self.given if self.names[v] in used for line in self._entry(v)]
        produced = {self.names[e.output] for e in self.plan.numpy if e.output.tensor.shape}
        names, makers = [*self._fresh], [*self._fresh.values()]
        for dtype, members in self.plan.blocks.items():
            names += [self.plan.place[members[0]][0], *(self.names[v] for v in members)]
            makers.append(partial(side_by_side, [v.tensor.shape for v in members], dtype))
        if makers:
            self.objects["fresh"] = Fresh(makers)
            taken = "\n        ".join(wrap(f"{', '.join(names)},", 96))
            lines.append(f"(\n        {taken}\n    ) = fresh()  # arrays that nobody holds")
        for entry in self.body:
            if isinstance(entry, _Part):
                lines += entry.calls
            else:
                lines.append(entry)
                name = entry.partition(" = ")[0]
                if name in produced and name in used:
                    lines.append(f"{name} = plain({name})")
        returned = [
            f"{self.names[v]}.copy()"
            if v.tensor.shape and self.plan.memory(v).equation is None
            else self.names[v]
            for v in self.program.outputs
        ]
        taken = ", ".join([*(self.names[leaf] for leaf in self.given), *self.program.generators])
        text = "".join(f"    {line}\n" for line in lines)
        self.replay = (
            f"def replay({taken}):\n{text}    return ({' '.join(f'{value},' for value in returned)})\n"
        )
        n = sum(
            line.startswith("# fused") or line.startswith("# over") for part in parts for line in part.lines
        )
        title = (
            f"# {n} nests of loops and {len(self.plan.products)} products by BLAS for {self.recorded}"
            " recorded operations:\n"
            "# what is not used is left out, what is computed twice is so once, and algebra saves the rest\n"
            f"# {len(self.buffers)} buffers: each is used again after the last use of what it holds\n"
        )
        self.source = f"{title}{self.kernels}\n\n{self.replay}"
        self.run = executed(self.kernels, self.replay, self.objects)

    def _entry(self, v: Variable) -> Iterable[str]:
        """What is given, as the parts take it: arrays in C's order, whole numbers that are still whole."""
        name = self.names[v]
        if v.tensor.shape:
            return [f"if not {name}.flags.c_contiguous:", f"    {name} = plain({name})"]
        return [f"whole_{name} = whole({name}, {name!r})"] if v.tensor.dtype.kind == "i" else []

    def _passed(self, name: str, kind: str, by_parts: set[str]) -> str:
        """A number as a part is given it."""
        if name in by_parts or name.endswith("_seed"):
            return name
        if kind == "int64":
            given = any(self.names[v] == name for v in self.given)
            return f"whole_{name}" if given else f"int({name})"
        return f"{'bool' if kind == 'bool' else 'float'}({name})"


def _type(kind: str, dtype: np.dtype, n: int) -> str:
    return f"{kind}({types[dtype]}, {n})"


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
