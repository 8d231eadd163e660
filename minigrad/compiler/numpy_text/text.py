"""A program as NumPy that computes into buffers which are used again at every call.

Each equation becomes one statement, or a few.  A buffer is planned for each array, from where it is computed
to where it is last used; elementwise functions compute into a buffer of an operand that is not used any more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from math import prod
from textwrap import wrap
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.compiler.numpy_text.blocks import Blocks, Statement, blocks_of, mentions, operands_of, rows_of
from minigrad.compiler.numpy_text.memory import Fresh, Gather, one_array, side_by_side
from minigrad.compiler.numpy_text.schedule import scheduled
from minigrad.compiler.numpy_text.together import Together, assembled, gathered, part
from minigrad.compiler.passes.cheapest import sum_of_squares, with_sums_of_squares
from minigrad.compiler.passes.views import viewed
from minigrad.program import Equation, Literal, Program, Variable
from minigrad.random import is_generator, uniform_draw
from minigrad.table import name_of, table
from minigrad.tensor import Tensor

_between = {
    np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.power: "**",
}  # fmt: skip

_called: Mapping[float, str] = {0: "zero", 1: "one"}
_called_many: Mapping[float, str] = {0: "zeros", 1: "ones"}

_long_row = 128
"""Elements: a loop over a row of them takes longer than it takes NumPy to go on to the next."""

_worth_keeping = 2**14
"""Up to so many elements, a constant array is kept where a loop over it is faster than one with a number."""

_no_reasons: Mapping[int, str] = {}

_short = 4096
"""Up to so many elements, a plain sum is as exact as NumPy's in pairs, to within the rounding of a few."""


Write = Callable[["Text", Equation, list[str], str], list[str]]
"""How a function is computed into an array: statements of the names of operands, and of the array."""


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
        self.program = program
        self.reason = ""
        self.lines: list[str] = []
        self.objects: dict[str, Any] = {"np": np, "copyto": np.copyto}
        self.names: dict[Variable, str] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._root: dict[Variable, Variable] = {}  # of a view: the value whose memory it is
        self._held: dict[Variable, str] = {}  # value -> its buffer
        self._free: list[str] = []
        self._memory: dict[str, np.ndarray] = {}  # buffer -> what it is a view of
        self._whole: set[str] = set()  # buffers of which more than a few rows are used
        self._at: dict[Variable, str] = {}  # value -> the array that it is computed into
        self._blocks = Blocks()
        self._given_to_blocks: set[str] = set()  # the arrays of what was computed before
        self._freed_by_blocks: set[str] = set()  # buffers, of which other rows are still to be computed
        self._viewed_by_blocks: set[Variable] = set()  # at whose other rows they look, too
        self._freed_after_blocks: list[Variable] = []  # those of them that are not used any more
        self._constants: dict[Any, str] = {}
        self._left: Counter[Variable] = Counter()
        variables = [*program.leaves, *(e.output for e in program.equations)]
        self._taken = {v.name for v in variables} | {*program.generators}
        for variable in variables:
            self.names[variable] = variable.name
            if _own_names.match(variable.name):
                self.names[variable] = self._not_taken(f"v_{variable.name}")
                self._taken.add(self.names[variable])
        self.together = Together(
            scheduled(with_sums_of_squares(program), rows_of),
            program.outputs,
            updates,
            self._is_elementwise,
            self._is_written,
            sum_of_squares,
        )
        self.names.update(self.together.names)
        self.equations = self.together.equations
        self._uses: Counter[Any] = Counter(x for e in self.equations for x in e.inputs)
        roots = self._roots()
        self.fresh = {roots[v] for v in program.outputs if roots[v].equation is not None}
        self.fresh -= self.together.places.keys()
        for e in self.equations:
            for x in e.inputs:
                if isinstance(x, Variable):
                    self._left[roots[x]] += 1
        for output in program.outputs:
            self._left[roots[output]] += 1
        self._into = self._coalesced()
        self._placed: dict[Variable, str] = {}
        self._fresh: list[Any] = []  # shape and dtype of what is computed into new arrays
        for equation in self.equations:
            self.reason = reasons.get(equation.output.tensor.stamp, "")
            self._equation(equation)
        self._end_blocks()
        returned = [
            f"{self.names[v]}.copy()" if v.tensor.shape and roots[v].equation is None else self.names[v]
            for v in program.outputs  # what was given is not handed out
        ]
        self._new_arrays()
        self._without_unused()
        taken = ", ".join([*(self.names[leaf] for leaf in given), *program.generators])
        self.lines[:0] = [
            f"# {len(self.lines)} lines for {recorded} recorded operations: what is not used is left out,",
            "# what is computed twice is computed once, and algebra saves the rest",
            f"# {len(self.buffers)} buffers: each is used again after the last use of what it holds",
        ]
        lines = "".join(f"    {line}\n" for line in self.lines)
        self.source = (
            f"def replay({taken}):\n{lines}    return ({' '.join(f'{value},' for value in returned)})\n"
        )
        exec(compile(self.source, "<compiled>", "exec"), self.objects)
        self.run = self.objects["replay"]

    def _without_unused(self) -> None:
        """Let go of buffers of which a few rows turned out to be enough."""
        text = "\n".join(self.lines)
        used = {id(memory) for name, memory in self._memory.items() if mentions(text, name)}
        self.buffers = {
            name: array
            for name, array in self.buffers.items()
            if not name.startswith("memory_") or id(array) in used
        }
        for name, memory in self._memory.items():
            if id(memory) not in used:
                del self.objects[name]

    def _new_arrays(self) -> None:
        """The arrays that are new at each call, and those in which values lie side by side."""
        names = list(dict.fromkeys(self._placed.values()))
        makers: list[Any] = [partial(one_array, *kind) for kind in self._fresh]
        for storage in self.together.storages:
            members = [self.names[v] for v in storage.members]
            of_storage = [storage.name, *members, *storage.ranges.values()]
            maker = partial(side_by_side, storage.shapes, storage.dtype, list(storage.ranges))
            if storage.kind == "fresh":
                makers.append(maker)
                names += of_storage
            elif storage.kind == "kept":
                arrays = maker()
                self.objects.update(zip(of_storage, arrays, strict=True))
                self.buffers[storage.name] = arrays[0]
        fresh = Fresh(makers)
        if makers:
            self.objects["fresh"] = fresh
            taken = "\n        ".join(wrap(f"{', '.join(names)},", 96))
            self.lines.insert(0, f"(\n        {taken}\n    ) = fresh()  # arrays that nobody holds")
        for storage in self.together.storages:
            if storage.kind == "given":
                gather = self.objects[f"gather_{storage.name}"] = Gather(fresh, storage.shapes, storage.dtype)
                self.buffers[storage.name] = gather.whole

    def _coalesced(self) -> dict[Variable, Variable]:
        """value -> the value that leaves the program in whose array it is computed, step by step."""
        into: dict[Variable, Variable] = {}
        for e in reversed(self.equations):
            end = e.output if e.output in self.fresh else into.get(e.output)
            if end is None or e.function not in _elementwise or not self._writable(e):
                continue
            for x in e.inputs:
                if isinstance(x, Variable) and x.equation is not None and self._left[x] == 1:
                    alike = x.tensor.shape == end.tensor.shape and x.tensor.dtype == end.tensor.dtype
                    own = x.equation.function in _writers and self._writable(x.equation)
                    in_cache = self._is_by_rows(e) and self._is_by_rows(x.equation)  # a few rows are enough
                    if alike and own and not in_cache and x not in self.fresh and self._root[x] is x:
                        into[x] = end
                        break
        return into

    def _roots(self) -> dict[Variable, Variable]:
        roots: dict[Variable, Variable] = {leaf: leaf for leaf in self.program.leaves}
        for e in self.equations:
            x = viewed(e)
            roots[e.output] = e.output if x is None else roots[x]
        self._root = roots
        return roots

    def _is_view(self, e: Equation) -> bool:
        return self._root[e.output] is not e.output

    # ---- statements

    def _equation(self, e: Equation) -> None:
        value, name = e.output, self.names[e.output]
        shape, dtype = value.tensor.shape, value.tensor.dtype
        by_rows = self._is_by_rows(e)
        ends = (
            rows_of(e) != self._blocks.rows or self._draws_again(e) if by_rows else self._waits_for_blocks(e)
        )
        if ends:
            self._end_blocks()
        operands = [self._operand(x) for x in e.inputs]
        dying = self._dying(e)
        if by_rows:
            views = [x for x in e.inputs if isinstance(x, Variable) and self._root[x] is not x]
            self._viewed_by_blocks |= {self._root[x] for x in views}
        self._freed_after_blocks += [x for x in dying if x in self._viewed_by_blocks]
        dying = [x for x in dying if x not in self._viewed_by_blocks]
        if e.function is gathered:
            self.reason = "they lie side by side, unless others were set"
            self._say(f"{name} = gather_{name}({', '.join(operands)})")
        elif e.function is part and e.parameters:
            self._say(f"{name} = {operands[0]}[{e.parameters['start']}:{e.parameters['stop']}]")
        elif e.function in (assembled, part):
            pass  # they lie where they were computed
        elif self._is_view(e):
            self._say(f"{name} = {self._call(e, operands)}")
        elif not shape:
            self._say(f"{name} = {self._scalar(e, operands)}")
            self._release(dying)
        elif (write := _writers.get(e.function)) is not None and self._writable(e):
            if e.function in _elementwise:  # it may overwrite an operand of its own size that dies here
                same = [x for x in dying if x.tensor.shape == shape and x.tensor.dtype == dtype]
                self._release(same)
                dying = [x for x in dying if x not in same]
            out = self._at[value] = self._out(value, by_rows)
            if by_rows:
                self._into_blocks(e, write, operands, out)
                self._release(dying)
                return
            if value in self.together.names:
                self.reason = "of several at once"
            *before, last = write(self, e, operands, out)
            for line in before:
                self._say(line)
            filled = "copyto" in last or out == name
            self._say(last if filled else f"{name} = {last}")
            if filled and out != name:
                self._say(f"{name} = {out}")
            self._release(dying)
        else:
            self._say(f"{name} = {self._call(e, operands)}")
            self._release(dying)

    # ---- statements that are computed a few rows at a time

    def _is_by_rows(self, e: Equation) -> bool:
        if e.function is not uniform_draw and not self._is_elementwise(e):
            return False
        return rows_of(e) > 0 and self._is_written(e) and e.output not in self.together.places

    def _draws_again(self, e: Equation) -> bool:
        """Whether it draws from a generator that the collected statements draw from: draws stay in order."""
        drawing = [s.equation for s in self._blocks.statements if s.equation.function is uniform_draw]
        return e.function is uniform_draw and any(
            e.parameters["rng"] is other.parameters["rng"] for other in drawing
        )

    def _waits_for_blocks(self, e: Equation) -> bool:
        """Whether an equation needs, or may overwrite, what the collected statements compute."""
        if self._is_view(e) or not e.output.tensor.shape:
            ours = {s.equation.output for s in self._blocks.statements}
            return any(self._root.get(x, x) in ours for x in e.inputs if isinstance(x, Variable))
        return True

    def _into_blocks(self, e: Equation, write: Write, operands: list[str], out: str) -> None:
        """Collect a statement."""

        def line(operands: list[str], out: str) -> str:
            return write(self, e, operands, out)[0]

        ours = {s.equation.output for s in self._blocks.statements}
        self._given_to_blocks |= {
            self._at.get(self._root[x], "")
            for x in e.inputs
            if isinstance(x, Variable) and self._root[x] not in ours
        }
        self._blocks.statements.append(
            Statement(e, self.names[e.output], out, operands_of(e, operands), line, self.reason)
        )
        self.reason = ""

    def _end_blocks(self) -> None:
        """Say the statements that were collected: as a loop if there are several."""
        statements = self._blocks.statements
        if len(statements) > 1:
            size = self._blocks.size()
            places = dict.fromkeys(s.place for s in statements)
            kept = {*self._held.values(), *self._given_to_blocks}
            small = {p: f"{p}_{size}_rows" for p in places if p.startswith("buffer_") and p not in kept}
            if self._blocks.rows % size:  # the last block is smaller
                small = {}
            self._whole |= places.keys() - small.keys()
            for place, rows in small.items():
                self.objects[rows] = self.buffers[rows] = self.objects[place][:size].copy()
            blocks = f"blocks_of_{size}_in_{self._blocks.rows}"
            self.objects[blocks] = blocks_of(self._blocks.rows, size)
            self.lines += self._blocks.lines(blocks, small)
            for s in statements:
                if self._left[s.equation.output]:
                    self.lines.append(f"{s.name} = {s.place}")
        for s in statements if len(statements) == 1 else ():
            self._whole.add(s.place)
            self.reason = s.reason
            self._say(f"{s.name} = {s.write([name for name, _ in s.operands], s.place)}")
        self._blocks.statements = []
        self._given_to_blocks = set()
        self._freed_by_blocks = set()
        self._viewed_by_blocks = set()
        self._release(self._freed_after_blocks)
        self._freed_after_blocks = []

    def _dying(self, e: Equation) -> list[Variable]:
        dying = []
        for x in e.inputs:
            if isinstance(x, Variable):
                root = self._root[x]
                self._left[root] -= 1
                if not self._left[root] and root in self._held:
                    dying.append(root)
        return dying

    def _release(self, values: list[Variable]) -> None:
        for value in values:
            self._free.append(self._held.pop(value))
            if self._blocks.statements:
                self._freed_by_blocks.add(self._free[-1])

    def _out(self, value: Variable, by_rows: bool) -> str:
        """The array that a value is computed into."""
        shape, dtype = value.tensor.shape, value.tensor.dtype
        if value in self.together.names:
            return self.names[value]
        if value in self.together.places:
            storage, i = self.together.places[value]
            return self.names[storage.members[i]]
        end = value if value in self.fresh else self._into.get(value)
        if end in self._placed:
            return self._placed[end]
        if end is not None:
            fresh = self._placed[end] = f"fresh_{len(self._placed) + 1}"
            self._fresh.append((shape, dtype))
            return fresh
        free = self._free if by_rows else [name for name in self._free if name in self._whole]
        name = self._held[value] = self._buffer(shape, dtype, free)
        if not by_rows:
            self._whole.add(name)
        return name

    def _buffer(self, shape: tuple[int, ...], dtype: np.dtype, free: list[str]) -> str:
        """Of the free buffers the newest of this shape, or the smallest not too large; else a new one."""
        alike = [name for name in free if _kind_of(self.objects[name]) == (shape, dtype)]
        needed = prod(shape) * dtype.itemsize
        large = [
            name
            for name in free
            if needed <= self._memory[name].nbytes <= 2 * needed and name not in self._freed_by_blocks
        ]
        if alike or large:
            name = alike[-1] if alike else min(large, key=lambda name: self._memory[name].nbytes)
            self._free.remove(name)
            if alike:
                return name
            memory = self._memory[name]
        else:
            memory = np.empty(needed, np.uint8)
            self.buffers[f"memory_{len(self.buffers) + 1}"] = memory
        name = f"buffer_{len(self._memory) + 1}"
        self._memory[name] = memory
        self.objects[name] = memory[:needed].view(dtype).reshape(shape)
        return name

    def _writable(self, e: Equation) -> bool:
        """Whether NumPy can compute it into an array: the operands have to be arrays, and no casts needed."""
        if e.function is uniform_draw:
            return isinstance(e.parameters["rng"], np.random.Generator)
        condition = e.inputs[0]
        if e.function is np.where and not (
            isinstance(condition, Variable) and condition.tensor.dtype == bool and condition.tensor.shape
        ):
            return False
        return all(isinstance(x, Literal) or x.tensor.dtype.kind in "fib" for x in e.inputs)

    def _is_written(self, e: Equation) -> bool:
        """Whether it is computed into an array that it is given."""
        return bool(e.output.tensor.shape) and e.function in _writers and self._writable(e)

    def _is_elementwise(self, e: Equation) -> bool:
        """Whether it is, of arrays and numbers."""
        numbers = all(type(x.value) in (int, float, bool) for x in e.inputs if isinstance(x, Literal))
        return numbers and e.function in _elementwise and self._is_written(e)

    def _say(self, line: str) -> None:
        self.lines.append(f"{line}  # {self.reason}" if self.reason else line)
        self.reason = ""

    # ---- expressions

    def _operand(self, x: Variable | Literal) -> str:
        if isinstance(x, Variable):
            return self.names[x]
        value = x.value
        if type(value) in (int, float, bool):
            text = repr(value)
            if "inf" in text or "nan" in text:
                return self._object(value, "number")
            return f"({text})" if text.startswith("-") else text
        if value is None:
            return "None"
        return self._object(value, "array")

    def ones(self, n: int, dtype: np.dtype) -> str:
        """The name of an array of ones, the same one for the same length."""
        return self._constant(np.ones(n, dtype), "ones")

    def as_array(self, x: Variable | Literal, name: str, dtype: np.dtype) -> str:
        """The name of an operand beside arrays of this dtype; of a Python number, if it pays, as an array."""
        if isinstance(x, Literal):
            return self.number(x.value, dtype) if type(x.value) in (int, float) else name
        if type(x.tensor._value) is not float or self._uses[x] < 2:
            return name
        array = f"scalar_{name}"
        if array not in self.objects:
            self.objects[array] = np.empty((), dtype)
            self.lines.append(f"{array}[()] = {name}")
        return array if self.objects[array].dtype == dtype else name

    def repeated(self, x: Variable | Literal, name: str, dtype: np.dtype, e: Equation) -> str:
        """The same of an operand of maximum, whose fast loops are for arrays: a number many times over."""
        shape = e.output.tensor.shape
        if not isinstance(x, Literal) or type(x.value) not in (int, float):
            return self.as_array(x, name, dtype)
        if shape[-1] >= _long_row:
            shape = shape[-1:]  # NumPy repeats it
        elif rows_of(e) or prod(shape) > _worth_keeping:
            return self.as_array(x, name, dtype)
        return self._constant(np.full(shape, x.value, dtype), _called_many.get(x.value, "numbers"))

    def number(self, value: float, dtype: np.dtype) -> str:
        """The name of a number as an array: NumPy need not look what it is and what its dtype would be."""
        return self._constant(np.array(value, dtype), _called.get(value, "number"))

    def _constant(self, array: np.ndarray, kind: str) -> str:
        key = array.shape, array.dtype, array.tobytes()
        if key not in self._constants:
            self._constants[key] = self._object(array, kind)
        return self._constants[key]

    def _object(self, value: Any, kind: str) -> str:
        for name, known in self.objects.items():
            if known is value or (kind == "dtype" and isinstance(known, np.dtype) and known == value):
                return name
        name = self._not_taken(kind)
        self.objects[name] = value
        return name

    def _not_taken(self, name: str) -> str:
        """The name, with a number if something else is called so."""
        return next(
            x for x in _numbered(name, len(self.objects)) if x not in self._taken | self.objects.keys()
        )

    def _scalar(self, e: Equation, operands: list[str]) -> str:
        if e.function in _between and len(operands) == 2 and e.function is not np.power:
            return f"{operands[0]} {_between[e.function]} {operands[1]}"
        if e.function is np.negative:
            return f"-{operands[0]}"
        if e.function is np.astype:
            dtype = e.output.tensor.dtype
            return f"{self._object(dtype.type, dtype.name)}({operands[0]})"
        if e.function is np.sum and e.parameters["axis"] is None and not e.parameters["keepdims"]:
            return self._total(e, operands)
        if e.function is np.mean and e.parameters["axis"] is None and not e.parameters["keepdims"]:
            x = e.inputs[0]
            if isinstance(x, Variable) and _adds_up(x.tensor):
                return f"{self._total(e, operands)} / {x.tensor.size}"
        if e.function is sum_of_squares:
            self.reason = self.reason or "the sum of squares, as a product"
            return f"{self._object(np.vdot, 'vdot')}({operands[0]}, {operands[0]})"
        return self._call(e, operands)

    def _total(self, e: Equation, operands: list[str]) -> str:
        """Σ x over all elements: of a short array as the product with ones."""
        x = e.inputs[0]
        if not isinstance(x, Variable):
            return self._call(e, operands)
        if x.tensor.dtype.kind == "f" and 0 < x.tensor.size <= _short:
            ones = self.ones(x.tensor.size, x.tensor.dtype)
            self.reason = self.reason or "the sum, as a product"
            return f"{self._object(np.vdot, 'vdot')}({ones}, {operands[0]})"
        return f"{operands[0]}.sum()"

    def _call(self, e: Equation, operands: list[str]) -> str:
        """The function as eager calls it."""
        if e.function is np.transpose and e.parameters["axes"] is None and e.output.tensor.ndim:
            return f"{operands[0]}.T"
        if e.function is np.matmul:
            return f"{operands[0]} @ {operands[1]}"
        compute = self._object(table[e.function].compute, name_of(e.function).replace(".", "_"))
        parameters = [f"{key}={self._parameter(value)}" for key, value in e.parameters.items()]
        return f"{compute}({', '.join([*operands, *parameters])})"

    def _parameter(self, value: Any) -> str:
        if is_generator(value):
            return next(name for name, rng in self.program.generators.items() if rng is value)
        if (
            value is None
            or isinstance(value, bool | int)
            or (isinstance(value, tuple) and all(type(n) is int for n in value))
        ):
            return repr(value)
        return self._object(value, "parameter")


# ---- how functions are computed into an array

_own_names = re.compile(r"^(np|copyto|replay|fresh|buffer|gather|together|scalar|rows|blocks)(?=_|$)")
"""What the text itself calls something."""


def _adds_up(x: Tensor) -> bool:
    """Whether its mean is its sum by its size: a sum of float16 is soon too large."""
    return x.ndim > 0 and x.size > 0 and x.dtype.kind == "f" and x.itemsize > 2


def _numbered(name: str, first: int) -> Iterator[str]:
    yield name
    yield from (f"{name}_{i}" for i in count(first))


def _kind_of(array: np.ndarray) -> Any:
    return array.shape, array.dtype


_writers: dict[Callable[..., Any], Write] = {}
_elementwise: set[Callable[..., Any]] = set()


def _ufunc(function: np.ufunc) -> Write:
    choosing = function in (np.maximum, np.minimum)
    said = "out=" if choosing else ""  # NumPy wants it said there
    takes = [of.partition("->")[0] for of in function.types]
    alike = all(len(set(kinds)) == 1 for kinds in takes if "d" in kinds)  # not so np.ldexp, of a whole number

    def write(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
        dtypes = {x.tensor.dtype for x in e.inputs if isinstance(x, Variable) and x.tensor.shape}
        if alike and len(dtypes) == 1 and next(iter(dtypes)).kind == "f":
            pairs = zip(e.inputs, operands, strict=True)
            beside = partial(text.repeated, e=e) if choosing else text.as_array
            operands = [beside(x, name, *dtypes) for x, name in pairs]
        return [f"{text._object(function, function.__name__)}({', '.join(operands)}, {said}{out})"]

    return write


for _function in vars(np).values():
    if isinstance(_function, np.ufunc) and _function.signature is None:
        _writers[_function] = _ufunc(_function)
        _elementwise.add(_function)


def _matmul(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    return [f"{text._object(np.matmul, 'matmul')}({operands[0]}, {operands[1]}, {out})"]


def _relu(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    x = e.inputs[0]
    real = isinstance(x, Variable) and x.tensor.dtype.kind == "f"
    zero = text.repeated(Literal(0), "0", e.output.tensor.dtype, e) if real else "0"
    return [f"{text._object(np.maximum, 'maximum')}({operands[0]}, {zero}, out={out})"]


def _draw(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    return [f"{text._parameter(e.parameters['rng'])}.random(out={out})"]


def _sum(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    axis, keepdims = e.parameters["axis"], e.parameters["keepdims"]
    x = e.inputs[0]
    if (
        isinstance(x, Variable)
        and x.tensor.ndim == 2
        and axis == 0
        and x.tensor.dtype.kind == "f"
        and not keepdims
    ):
        ones = text.ones(len(x.tensor._value), x.tensor.dtype)
        text.reason = text.reason or "the sum over the rows, as a product"
        return [f"{text._object(np.dot, 'dot')}({ones}, {operands[0]}, {out})"]
    return [f"np.add.reduce({operands[0]}, axis={axis!r}, keepdims={keepdims!r}, out={out})"]


def _extreme(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    """max and min along axes, without the way through NumPy's Python."""
    of_two = text._object(_of_two[e.function], _of_two[e.function].__name__)
    axis, keepdims = e.parameters["axis"], e.parameters["keepdims"]
    return [f"{of_two}.reduce({operands[0]}, axis={axis!r}, keepdims={keepdims!r}, out={out})"]


def _with_out(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    """Functions that take the array to compute into as a parameter."""
    function = text._object(e.function, f"np_{e.function.__name__}")
    parameters = "".join(f", {key}={text._parameter(value)}" for key, value in e.parameters.items())
    return [f"{function}({operands[0]}{parameters}, out={out})"]


def _joined(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    """concatenate and stack, which take the arrays in a list."""
    axis, function = e.parameters["axis"], text._object(e.function, e.function.__name__)
    return [f"{function}([{', '.join(operands)}], axis={axis!r}, out={out})"]


def _astype(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    return [f"copyto({out}, {operands[0]}, casting='unsafe')"]


def _where(text: Text, e: Equation, operands: list[str], out: str) -> list[str]:
    condition, a, b = operands
    return [f"copyto({out}, {b})", f"copyto({out}, {a}, where={condition})"]


_of_two: Mapping[Callable[..., Any], np.ufunc] = {np.max: np.maximum, np.min: np.minimum}

_writers.update({
    np.where: _where, np.max: _extreme, np.min: _extreme,
    np.concatenate: _joined, np.stack: _joined,
    np.mean: _with_out, np.var: _with_out, np.std: _with_out, np.prod: _with_out,
    np.matmul: _matmul, functions.relu: _relu, uniform_draw: _draw, np.sum: _sum, np.astype: _astype,
})  # fmt: skip
_elementwise.add(functions.relu)
