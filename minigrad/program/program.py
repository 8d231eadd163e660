"""Program: the recorded graph, read once as a list of equations.

Drawing, source, LaTeX, the grader and the compiler read a Program, not the Tensors: its equations stand
in the order in which they were computed, its values have names that are the same in every run, and it
knows which call of a module each equation belongs to.  Reading does not recurse, and takes time in
proportion to the graph.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.program.names import unique_names
from minigrad.random import is_generator
from minigrad.table import name_of, table
from minigrad.tensor import Tensor


class Variable:
    """A value of a program: a leaf that it is given, or the output of an equation.

    name      its identifier, unique in the program
    label     the Tensor's own name, as it was given, or None
    kind      "data", "parameter" (a Parameter, or a leaf that needs a gradient), "constant" (a named number),
              "mask" (a leaf of booleans named D, D1 ... or mask), or "result"
    tensor    the Tensor itself: shape, values, gradient
    equation  the equation that computes it; None for a leaf
    call      the innermost call of a module in which it was computed; None outside, and for a leaf
    """

    __slots__ = ("call", "equation", "kind", "label", "name", "tensor")

    def __init__(self, tensor: Tensor, kind: str) -> None:
        self.tensor = tensor
        self.kind = kind
        self.name = ""
        self.label = None if tensor.name in (None, "") else str(tensor.name)
        self.equation: Equation | None = None
        self.call: Call | None = None

    def __repr__(self) -> str:
        return self.name


class Literal:
    """An operand that is written as it stands: a Python number, or an array that is no Tensor."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return _text(self.value, {})


class Equation:
    """output = function(*inputs, **parameters).

    `operands` are the names of the inputs, as the function calls its arguments.
    """

    __slots__ = ("function", "inputs", "output", "parameters")

    def __init__(
        self,
        output: Variable,
        function: Callable,
        inputs: tuple[Variable | Literal, ...],
        parameters: dict[str, Any],
    ) -> None:
        self.output = output
        self.function = function
        self.inputs = inputs
        self.parameters = parameters

    @property
    def operands(self) -> tuple[str, ...]:
        """The names of the inputs, as the function calls its arguments."""
        row = table[self.function]
        return tuple(f"{row.arrays[0]}[{i}]" for i in range(len(self.inputs))) if row.many else row.arrays

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters that differ from the function's defaults."""
        defaults = table[self.function].parameters
        return {
            key: value for key, value in self.parameters.items() if not _is(value, defaults.get(key, self))
        }


class Call:
    """One call of a module: the equations computed between its beginning and its end.

    module   the module that was called
    path     where it is in the outermost module that was called, "" for that module itself
    number   which call of this module it is, from 1; `repeated` says whether there is another
    parent   the call inside which it was made, or None
    depth    how many calls it is inside of, counting itself
    """

    __slots__ = ("depth", "module", "number", "parent", "path", "repeated")

    def __init__(self, module: Any, parent: Call | None, path: str) -> None:
        self.module = module
        self.parent = parent
        self.path = path
        self.depth: int = parent.depth + 1 if parent else 1
        self.number = 1
        self.repeated = False

    def enclosing(self) -> Iterator[Call]:
        """This call and those that it is inside of, innermost first."""
        call: Call | None = self
        while call is not None:
            yield call
            call = call.parent


class Program:
    """The graph of one or several outputs as equations, each after those that its inputs come from.

    outputs     the values that the program is for, in the order given
    leaves      what it is given: data, parameters, constants, masks, in the order of their first use
    equations   what it computes, in the order in which it was computed
    generators  name -> random generator that it draws from, in the order of their first use
    calls       the calls of modules, each after the one that it is inside of
    stale       the leaves that were assigned to after an equation had used them
    notes       sentences on names that had to be changed
    names       what to call Tensors that have no name of their own
    Raises:     TypeError for an output that is not a Tensor.

    Two graphs that were built alike give programs that are equal and print alike; the values of data
    and parameters do not matter to that, those of constants and literals do.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> print(Program(np.sin(x) * x + 1))
    parameter x                            float64 ()
    sin_1 = np.sin(x)                      float64 ()
    multiply_1 = np.multiply(sin_1, x)     float64 ()
    add_1 = np.add(multiply_1, 1)          float64 ()
    return add_1
    """

    def __init__(self, outputs: Tensor | Iterable[Tensor], names: Mapping[Tensor, str] | None = None) -> None:
        given = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        for tensor in given:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"Program: the outputs must be Tensors, not {type(tensor).__name__}")
        results, stamps = _results(given)
        variables: dict[int, Variable] = {}  # by stamp, in order of first appearance
        used: dict[int, int] = {}  # leaf's stamp -> the newest equation that used it
        generators: dict[int, Any] = {}
        self.equations: list[Equation] = []
        for tensor in results:
            assert tensor.origin is not None
            function, given_inputs, parameters = tensor.origin
            inputs: list[Variable | Literal] = []
            for x in given_inputs:
                if not isinstance(x, Tensor):
                    inputs.append(Literal(x))
                    continue
                stamp = x.stamp
                variable = variables.get(stamp)
                if variable is None:
                    variable = variables[stamp] = Variable(x, _kind(x))
                if x.origin is None and stamp > tensor.stamp:
                    used[stamp] = tensor.stamp
                inputs.append(variable)
            output = variables[tensor.stamp] = Variable(tensor, "result")
            output.equation = Equation(output, function, tuple(inputs), parameters)
            self.equations.append(output.equation)
            for value in parameters.values():
                if is_generator(value):
                    generators.setdefault(id(value), value)
        for tensor in given:  # a leaf may itself be an output
            if tensor.stamp not in variables:
                variables[tensor.stamp] = Variable(tensor, _kind(tensor))
        self.outputs = tuple(variables[tensor.stamp] for tensor in given)
        self.leaves = [variable for variable in variables.values() if variable.equation is None]
        self.stale = [variables[stamp] for stamp in used]
        self.calls = _calls(self.equations, stamps)
        proposed = {tensor.stamp: name for tensor, name in (names or {}).items()}
        self._names(list(variables.values()), list(generators.values()), proposed)

    def _names(self, variables: list[Variable], generators: list[Any], proposed: dict[int, str]) -> None:
        wanted = [
            (
                v.label or proposed.get(v.tensor.stamp),
                v.kind if v.equation is None else _stem(v.equation.function),
            )
            for v in variables
        ]
        wanted += [("rng" if len(generators) == 1 else None, "rng")] * len(generators)
        names, self.notes = unique_names(wanted)
        for variable, name in zip(variables, names, strict=False):
            variable.name = name
        self.generators = dict(zip(names[len(variables) :], generators, strict=True))
        self._rngs = {id(rng): name for name, rng in self.generators.items()}

    def line(self, equation: Equation) -> str:
        """One equation as a line of text: Z1 = np.add(matmul_1, b1)."""
        parts = [x.name if isinstance(x, Variable) else _text(x.value, self._rngs) for x in equation.inputs]
        settings = equation.settings
        if equation.function is np.einsum:
            parts = [repr(settings.pop("subscripts")), *parts]
        elif table[equation.function].many:
            parts = [f"[{', '.join(parts)}]"]
        parts += [f"{key}={_text(value, self._rngs)}" for key, value in settings.items()]
        return f"{equation.output.name} = {name_of(equation.function)}({', '.join(parts)})"

    def __str__(self) -> str:
        lines = [(f"generator {name}", type(rng).__name__) for name, rng in self.generators.items()]
        for leaf in self.leaves:
            value = f" = {leaf.tensor.item()!r}" if leaf.kind == "constant" else ""
            lines.append((f"{leaf.kind} {leaf.name}{value}", _type(leaf)))
        lines += [(self.line(equation), _type(equation.output)) for equation in self.equations]
        width = min(max((len(left) for left, _ in lines), default=0), 60) + 4
        notes = [f"# {note}" for note in self.notes]
        returned = f"return {', '.join(output.name for output in self.outputs)}"
        return "\n".join([*notes, *(f"{left:<{width}} {right}" for left, right in lines), returned])

    def __repr__(self) -> str:
        of = ", ".join(output.name for output in self.outputs)
        return f"Program of {of}: {len(self.equations):,} equations, {len(self.leaves):,} leaves"

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Program):
            return NotImplemented
        return str(self) == str(other) and self._contents() == other._contents()

    def _contents(self) -> list[Any]:
        """What stands in the equations besides names: the functions themselves, and every literal in full."""
        rngs = self._rngs
        return [
            (
                e.function,
                [_frozen(x.value, rngs) for x in e.inputs if isinstance(x, Literal)],
                _frozen(e.parameters, rngs),
            )
            for e in self.equations
        ]


# ---- reading


def _results(outputs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The computed Tensors that the outputs come from, oldest first; and every Tensor, for its scope."""
    seen = set()
    found = []
    for output in outputs:
        if output.stamp not in seen:
            seen.add(output.stamp)
            found.append(output)
    for tensor in found:  # grows while it is read
        if tensor.origin is not None:
            for x in tensor.origin[1]:
                if isinstance(x, Tensor) and x.stamp not in seen:
                    seen.add(x.stamp)
                    found.append(x)
    results = [tensor for tensor in found if tensor.origin is not None]
    results.sort(key=attrgetter("stamp"))
    return results, found


def _kind(leaf: Tensor) -> str:
    if leaf.requires_grad or hasattr(leaf, "decay"):  # a Parameter that is not trained is one all the same
        return "parameter"
    if type(leaf._value) in (int, float, bool, complex):
        return "constant"
    if leaf.dtype.kind == "b" and re.fullmatch(r"D\d*|.*mask.*", leaf.name or "", re.IGNORECASE):
        return "mask"  # labels can be booleans too: only its name tells
    return "data"


def _stem(function: Callable) -> str:
    """What a result of the function is called: matmul, norm, ..."""
    stem = name_of(function).rpartition(".")[2]
    return stem if stem.isidentifier() else "function"


def _calls(equations: list[Equation], tensors: list[Tensor]) -> list[Call]:
    """The calls that left their mark on a Tensor; each result is told the innermost one that it is of."""
    spans: dict[int, list[Any]] = {}  # the stamp before a call -> [module, the stamp of its last output]
    for tensor in tensors:
        scope = tensor.scope
        while scope is not None:
            module, before, scope = scope
            span = spans.setdefault(before, [module, tensor.stamp])
            span[1] = max(span[1], tensor.stamp)
    waiting = sorted(spans, reverse=True)
    calls: list[Call] = []
    last_call: dict[int, Call] = {}
    paths: dict[int, dict[int, str]] = {}
    open_calls: list[tuple[int, Call]] = []
    for equation in equations:
        stamp = equation.output.tensor.stamp
        while waiting and waiting[-1] < stamp:
            before = waiting.pop()
            module, end = spans[before]
            while open_calls and open_calls[-1][0] <= before:
                open_calls.pop()
            if end < stamp:
                continue  # nothing of this call was recorded
            parent = open_calls[-1][1] if open_calls else None
            outermost = open_calls[0][1].module if open_calls else module
            if id(outermost) not in paths:
                paths[id(outermost)] = {id(m): path for path, m in outermost.named_modules()}
            call = Call(module, parent, paths[id(outermost)].get(id(module), type(module).__name__))
            earlier = last_call.get(id(module))
            if earlier is not None:
                call.number = earlier.number + 1
                call.repeated = earlier.repeated = True
            last_call[id(module)] = call
            calls.append(call)
            open_calls.append((min(end, open_calls[-1][0]) if open_calls else end, call))
        while open_calls and open_calls[-1][0] < stamp:
            open_calls.pop()
        equation.output.call = open_calls[-1][1] if open_calls else None
    return calls


# ---- text and comparison


def _type(variable: Variable) -> str:
    return f"{variable.tensor.dtype} {variable.tensor.shape}"


def _text(value: Any, generators: dict[int, str]) -> str:
    """A value as it is written in a listing: the same in every run, whatever the value."""
    if id(value) in generators:
        return generators[id(value)]
    if isinstance(value, np.ndarray):
        if value.size > 6 or value.dtype.kind == "O":
            return f"array({value.dtype} {value.shape})"
        return f"array({value.tolist()})"
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, list | tuple):
        inner = ", ".join(_text(entry, generators) for entry in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, slice):
        start, stop, step = (
            "" if part is None else _text(part, generators) for part in (value.start, value.stop, value.step)
        )
        return f"{start}:{stop}{f':{step}' if step else ''}"
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.dtype):
        return str(value)
    if isinstance(value, type):
        return value.__name__
    if value is None or isinstance(value, bool | int | float | complex | str):
        return repr(value)
    return name_of(value) if callable(value) else type(value).__name__


def _frozen(value: Any, generators: dict[int, str]) -> Any:
    """A value in a form that can be compared: arrays by dtype, shape and content, generators by name."""
    if id(value) in generators:
        return generators[id(value)]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tolist() if value.dtype.kind == "O" else value.tobytes()
    if isinstance(value, np.generic):
        return value.dtype.str, value.tobytes()
    if isinstance(value, list | tuple):
        return type(value).__name__, [_frozen(entry, generators) for entry in value]
    if isinstance(value, dict):
        return [(key, _frozen(entry, generators)) for key, entry in value.items()]
    if isinstance(value, slice):
        return "slice", _frozen([value.start, value.stop, value.step], generators)
    if isinstance(value, float):
        return "float", value.hex()  # nan equals itself, -0.0 is not 0.0
    return type(value).__name__, value


def _is(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, bool | int | float | str) and a == b)
