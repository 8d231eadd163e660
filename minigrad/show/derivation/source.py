"""NumPy source of a program: a function as a person would have written it, in sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from itertools import count
from operator import getitem
from types import MappingProxyType
from typing import Any

import numpy as np

from minigrad.program import Equation, Literal, Variable
from minigrad.program.lines import Lines
from minigrad.program.simplify import exact, is_narrow, swaps_last_axes
from minigrad.program.tidy import contents
from minigrad.random import is_generator
from minigrad.show.derivation.helpers import Helpers, in_place
from minigrad.table import name_of, table

_between: dict[Callable[..., Any], tuple[str, int]] = {
    np.add: ("+", 5), np.subtract: ("-", 5),
    np.multiply: ("*", 6), np.divide: ("/", 6), np.matmul: ("@", 6),
    np.remainder: ("%", 6), np.floor_divide: ("//", 6), np.power: ("**", 8),
    np.bitwise_and: ("&", 4), np.bitwise_xor: ("^", 3), np.bitwise_or: ("|", 2),
    np.less: ("<", 1), np.less_equal: ("<=", 1), np.greater: (">", 1), np.greater_equal: (">=", 1),
    np.equal: ("==", 1), np.not_equal: ("!=", 1),
}  # fmt: skip
"""Function -> (operator, how tightly it binds in Python)."""

_widest = 96
_longest_array = 32
"""How long an array is that is written where it is used."""

_whole, _unary, _name = 0, 7, 9
_epsilons = {float(np.finfo(t).eps): f"np.finfo(np.{t.__name__}).eps" for t in (np.float32, np.float64)}


class Source:
    """The text of a program's lines, and of the functions that they call.

    text       the whole module: helpers, then one function
    name       the name of the function
    arguments  what the function takes: argument -> the value that was recorded
    repeated   whether it takes what was drawn, in place of the generators
    instead    line -> what is written on its right side in place of its own equation
    """

    def __init__(
        self,
        lines: Lines,
        name: str,
        results: dict[str, Variable],
        repeated: bool = False,
        instead: Mapping[Variable, str] = MappingProxyType({}),
    ) -> None:
        self.lines = lines
        self._repeated = repeated
        self.name = name
        self.instead = instead
        program = lines.program
        values = (*program.leaves, *(equation.output for equation in program.equations))
        self._taken = {name, *program.generators, *(value.name for value in values)}
        self.helpers = Helpers(self._taken)
        self._constants = _shared_constants(program.leaves)
        self._arrays: dict[str, Any] = {}
        self._array_names: dict[Any, str] = {}
        self._given = set(results.values())
        self._double = not any(v.tensor.dtype.kind == "f" and v.tensor.dtype != np.float64 for v in values)
        self._generators = {id(rng): name for name, rng in program.generators.items()}
        body = self._body(results)
        self.arguments, signature = self._signature()
        self.text = "\n".join(
            [
                *sorted(self.helpers.imports),
                "import numpy as np",
                *self.helpers.texts(),
                "",
                "",
                f"def {name}({', '.join(signature)}):",
                *(f"    # {note}" for note in program.notes),
                *(f"    {line}".rstrip() for line in body),
                "",
            ]
        )

    # ---- the function

    def _signature(self) -> tuple[dict[str, Any], list[str]]:
        arguments: dict[str, Any] = {}
        positional, keywords = [], []
        first = {"data": 0, "mask": 1}
        for leaf in sorted(self.lines.program.leaves, key=lambda leaf: first.get(leaf.kind, 2)):
            name = self.written_name(leaf)
            if name in arguments or self._is_plain(leaf):
                continue
            if leaf.kind == "constant":
                arguments[name] = leaf.tensor._value
                keywords.append(f"{name}={self._literal(leaf.tensor._value)}")
            else:
                arguments[name] = leaf.tensor.data
                positional.append(name)
        drawn = {
            e.output.name: e.output.tensor.data for e in self.lines.program.equations if self._is_given(e)
        }
        for name, array in {**self._arrays, **self.helpers.missing, **drawn}.items():
            arguments[name] = array
            positional.append(name)
        if not self._repeated:
            keywords += self.lines.program.generators
            arguments.update(self.lines.program.generators)
        return arguments, positional + (["*", *keywords] if keywords else [])

    def _body(self, results: dict[str, Variable]) -> list[str]:
        rows: list[tuple[str, str]] = []
        section = ""
        for line in self.lines.lines:
            if self._is_given(line.value.equation):
                continue
            if line.section != section:
                section = line.section
                rows.append((f"# {section}", ""))
            right = self.instead.get(line.value) or self.expression(line.value, own=True)
            rows.append((f"{self.written_name(line.value)} = {right}", self._shape(line.value)))
        width = max((len(text) for text, shape in rows if shape and len(text) <= 60), default=0)
        body = [line for text, shape in rows for line in _commented(text, shape, width)]
        names = {key: self.written_name(value) for key, value in results.items()}
        loss = self.written_name(self.lines.program.outputs[0])
        gradients = ", ".join(f'"{key}": {name}' for key, name in names.items())
        returned = f"return {loss}, {{{gradients}}}"
        if len(returned) > 100:
            returned = f"return {loss}, {{\n        " + ",\n        ".join(gradients.split(", ")) + ",\n    }"
        return [*body, returned]

    def _shape(self, value: Variable) -> str:
        return str(value.tensor.shape) if value.tensor.shape else ""

    # ---- expressions

    def written_name(self, value: Variable) -> str:
        """The name of a leaf or a line; constants of one name and number share it."""
        if self._is_plain(value):
            return self._array(value.tensor.data)
        return self._constants.get(value, value.name)

    def _is_plain(self, value: Variable) -> bool:
        """Whether it is an array that nobody named."""
        return value.kind == "data" and value.label is None and value not in self._given

    def expression(self, value: Variable | Literal, binding: int = _whole, own: bool = False) -> str:
        """A value as it is written in a line: its name, or its equation in parentheses where they are needed.

        A value without a name is always written out.

        binding  how tightly what stands around it binds
        own      write its equation even if it has a line: this is that line
        """
        if isinstance(value, Literal):
            return self._literal(value.value, binding)
        if self._is_plain(value):
            return self._array(value.tensor.data, binding)
        if (not own and not self._is_inside(value)) or self._is_given(value.equation):
            return self.written_name(value)
        assert value.equation is not None
        text, own_binding = self._equation(value.equation)
        return f"({text})" if own_binding < binding else text

    def _is_inside(self, value: Variable | Literal) -> bool:
        """Whether it has no line of its own: it is written inside the line that uses it."""
        return isinstance(value, Variable) and (
            value in self.lines.inline or (value.equation is not None and not value.name)
        )

    def _is_given(self, equation: Equation | None) -> bool:
        """Whether it is a draw that is not to be made again."""
        return self._repeated and equation is not None and _draws(equation)

    def _equation(self, equation: Equation) -> tuple[str, int]:
        function, inputs, parameters = equation.function, equation.inputs, equation.parameters
        base = inputs[0] if inputs else None
        constant = isinstance(base, Variable) and base.kind == "constant"
        bare = base is not None and not np.ndim(_value(base))  # it may be a number of Python's: no methods
        if function in _between and not (function is np.power and constant):
            operator, binding = _between[function]
            left = binding
            right = binding + (not self._associates(function, inputs[1]))
            if binding == 1 or function is np.power:
                left = binding + 1
            if function is np.power:
                right = _unary
            return (
                f"{self.expression(inputs[0], left)} {operator} {self.expression(inputs[1], right)}",
                binding,
            )
        if function is np.negative:
            inside = base.equation if isinstance(base, Variable) and self._is_inside(base) else None
            if inside is not None and inside.function in _products and not self._begins_with_mask(inside):
                return f"-{self.expression(inputs[0], 6)}", 5  # -a * b is (-a) * b, which is the same
            return f"-{self.expression(inputs[0], _unary)}", _unary
        if function is np.positive:
            return self.expression(inputs[0]), _whole
        if function is np.transpose and parameters["axes"] is None and not bare:
            return f"{self.expression(inputs[0], _name)}.T", _name
        if function is np.swapaxes and swaps_last_axes(parameters, equation.output.tensor.ndim):
            return f"{self.expression(inputs[0], _name)}.mT", _name
        if function is np.expand_dims and isinstance(parameters["axis"], int) and not bare:
            axis = parameters["axis"] % equation.output.tensor.ndim
            return f"{self.expression(inputs[0], _name)}[{':, ' * axis}None]", _name
        if function is getitem:
            operand = f"np.array({self.expression(inputs[0])})" if bare else self.expression(inputs[0], _name)
            return f"{operand}[{self._index(parameters['index'])}]", _name
        settings = equation.settings
        if function is np.sum and settings and not bare:
            return f"{self.expression(inputs[0], _name)}.sum({self._keywords(settings)})", _name
        if function is np.broadcast_to and not np.ndim(_value(inputs[0])):
            return self._filled(inputs[0], settings["shape"]), _name
        if function is np.broadcast_to:
            return f"np.broadcast_to({self.expression(inputs[0])}, {settings['shape']})", _name
        if function is np.astype and bare:
            return f"np.array({self.expression(inputs[0])}, {self._literal(settings['dtype'])})", _name
        if function is np.astype:
            return f"{self.expression(inputs[0], _name)}.astype({self._literal(settings['dtype'])})", _name
        if hasattr(function, "on_arrays"):
            return self._own(equation)
        arguments = [self.expression(x) for x in inputs]
        if function is np.einsum:
            arguments = [self._literal(settings.pop("subscripts")), *arguments]
        elif table[function].many:
            arguments = [f"[{', '.join(arguments)}]"]
        keywords = self._keywords(settings)
        return f"{name_of(function)}({', '.join([*arguments, keywords] if keywords else arguments)})", _name

    def _associates(self, function: Callable[..., Any], right: Variable | Literal) -> bool:
        """Whether  a ∘ (b ∘ c)  may be written  a ∘ b ∘ c."""
        if not isinstance(right, Variable) or not self._is_inside(right) or right.equation is None:
            return False
        inner = right.equation.function
        if is_narrow(right.tensor):
            return False  # an "or", or an integer that wraps around
        return (function is np.add and inner in (np.add, np.subtract)) or (
            function is np.multiply and inner in (np.multiply, np.divide)
        )

    def _begins_with_mask(self, product: Equation) -> bool:
        """Whether its first factor, as it is written, is one that cannot have a minus before it."""
        first: Any = product.inputs[0]
        while self._is_inside(first) and first.equation.function in _products:
            first = first.equation.inputs[0]
        return is_narrow(first.tensor if isinstance(first, Variable) else first.value)

    def _filled(self, number: Variable | Literal, shape: tuple[int, ...]) -> str:
        """An array of one number."""
        text = self.expression(number)
        function = {"1.0": "np.ones", "0.0": "np.zeros"}.get(text)
        return f"{function}({shape})" if function else f"np.full({shape}, {text})"

    def _own(self, equation: Equation) -> tuple[str, int]:
        """A function of ours, or of the user's: its one expression, if it is that short, or a call of it."""
        function, row = equation.function, table[equation.function]
        arguments = [self.expression(x) for x in equation.inputs]
        if row.many:
            arguments = [f"[{', '.join(arguments)}]"]
        given = dict(zip(row.arrays, arguments, strict=True))
        shape = self._shape_of_partner(equation)
        given |= {
            name: shape if shape and value == equation.output.tensor.shape else self._literal(value)
            for name, value in equation.parameters.items()
        }
        written = in_place(function, given)
        if written is not None:
            text, is_operation = written
            return text, _whole if is_operation else _name
        name = self.helpers.add(function)
        keywords = self._keywords(equation.settings)
        return f"{name}({', '.join([*arguments, keywords] if keywords else arguments)})", _name

    def _shape_of_partner(self, equation: Equation) -> str:
        """For a draw, the shape of what it is multiplied with: a mask is drawn as rng.random(A1.shape)."""
        if not _draws(equation):
            return ""
        drawn = equation.output
        shape, made = drawn.tensor.shape, [drawn]
        for value in made:  # grows while it is read: the mask is what is made of the draw and of numbers
            for use in self._uses.get(value, ()):
                others = [x for x in use.inputs if isinstance(x, Variable) and x is not value]
                for x in others:
                    before = x.equation is None or x.tensor.stamp < drawn.tensor.stamp
                    if before and x not in self.lines.inline and x.tensor.shape == shape:
                        return f"{self.written_name(x)}.shape"
                if use.output.tensor.shape == shape and all(not x.tensor.shape for x in others):
                    made.append(use.output)
        return ""

    @cached_property
    def _uses(self) -> dict[Variable, list[Equation]]:
        """Value -> the equations that it is an operand of."""
        found: dict[Variable, list[Equation]] = {}
        for equation in self.lines.program.equations:
            for x in equation.inputs:
                if isinstance(x, Variable):
                    found.setdefault(x, []).append(equation)
        return found

    def _keywords(self, settings: dict[str, Any]) -> str:
        return ", ".join(f"{key}={self._literal(value)}" for key, value in settings.items())

    def _literal(self, value: Any, binding: int = _whole) -> str:
        if id(value) in self._generators:
            return self._generators[id(value)]
        if isinstance(value, np.ndarray):
            return self._array(value, binding)
        if isinstance(value, np.generic):
            if type(value) not in (np.float64, np.bool_) or not self._double:
                return f"np.{value.dtype.name}({value.item()!r})"
            value = value.item()
        if callable(value) and not isinstance(value, type):
            return name_of(value) if isinstance(value, np.ufunc) else self.helpers.add(value)
        if isinstance(value, np.dtype):
            return f"np.{value.name}" if value.name != "bool" else "bool"
        if isinstance(value, type):
            return value.__name__ if value.__module__ == "builtins" else f"np.{value.__name__}"
        if isinstance(value, slice) or (
            isinstance(value, tuple) and any(isinstance(x, slice) for x in value)
        ):
            return f"np.s_[{self._index(value)}]"
        if isinstance(value, list | tuple):
            inner = ", ".join(map(self._literal, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
        if isinstance(value, float) and not np.isfinite(value):
            return "np.nan" if np.isnan(value) else "np.inf" if value > 0 else "(-np.inf)"
        text = repr(value)
        if isinstance(value, float) and len(text) > 8:
            if value in _epsilons:
                return _epsilons[value]
            simple = exact(value)
            if simple.denominator <= 1000:
                text = f"{simple.numerator} / {simple.denominator}"
                return f"({text})" if binding > 6 else text
        return f"({text})" if text.startswith("-") and binding > _unary else text

    def _array(self, array: np.ndarray, binding: int = _whole) -> str:
        """An array that is no Tensor: one number all over, a few numbers, or else an argument."""
        if array.shape == () and array.dtype == np.float64 and self._double:
            return self._literal(array.item(), binding)
        usual = array.dtype in (np.float64, np.int64, np.bool_)
        dtype = "" if usual and array.size else f", dtype={self._literal(array.dtype)}"
        if array.size != 1 and (not array.size or array.dtype == np.float64):
            for value, function in ((0, "np.zeros"), (1, "np.ones")):
                if np.all(array == value):
                    return f"{function}({array.shape}{dtype})"
        if array.size <= 8:
            text = f"np.array({array.tolist()!r}{dtype})".replace("nan", "np.nan").replace("inf", "np.inf")
            if len(text) <= _longest_array:
                return text
        key = contents(array)
        if key in self._array_names:
            return self._array_names[key]
        names = (f"array_{i}" for i in count(len(self._arrays) + 1))
        name = next(name for name in names if name not in self._taken)
        self._arrays[name] = array
        self._array_names[key] = name
        return name

    def _index(self, index: Any) -> str:
        parts = index if isinstance(index, tuple) else (index,)
        texts = [self._slice(part) for part in parts]
        alone = len(texts) == 1 and isinstance(index, tuple) and isinstance(parts[0], tuple)
        return f"{texts[0]}," if alone else ", ".join(texts) or "()"

    def _slice(self, part: Any) -> str:
        if isinstance(part, slice):
            ends = ["" if x is None else self._literal(x) for x in (part.start, part.stop, part.step)]
            return f"{ends[0]}:{ends[1]}" + (f":{ends[2]}" if ends[2] else "")
        return "..." if part is Ellipsis else self._literal(part)


_products = (np.multiply, np.divide)


def _value(x: Variable | Literal) -> Any:
    return x.value if isinstance(x, Literal) else x.tensor.data


def _commented(text: str, shape: str, width: int) -> list[str]:
    """An assignment with its shape at the line's end; one that is too long is broken at its sums."""
    if len(text) <= _widest:
        return [f"{text:<{width}}  # {shape}" if shape else text]
    name, _, right = text.partition(" = ")
    lines = _broken(f"{name} = ", right)
    return [f"{lines[0]}  # {shape}" if shape else lines[0], *lines[1:]]


def _broken(head: str, text: str) -> list[str]:
    """An expression after what stands before it: a term a line, or what is in its longest parentheses so."""
    if len(head) + len(text) <= _widest:
        return [head + text]
    end, parts = "", _terms(text)
    start, stop = 0, len(text)
    if len(parts) > 1:
        opening, closing = head + "(", ")"
    else:
        start, stop = max(_parentheses(text), key=lambda pair: pair[1] - pair[0], default=(0, 0))
        inside = text[start:stop]
        parts, end = _split(inside, ","), ","
        if len(parts) == 1:
            parts, end = _terms(inside), ""
        if len(parts) == 1 or len(inside) < _widest // 3:
            return [head + text]
        opening, closing = head + text[:start], text[stop:]
    lines = [opening]
    for part in parts:
        sign = part[:2] if part[:2] in ("+ ", "- ") else ""
        lines += [f"    {line}" for line in _broken(sign, part[len(sign) :])]
        lines[-1] += end
    return [*lines, closing]


def _parentheses(text: str) -> list[tuple[int, int]]:
    """Where the outermost parentheses begin and end."""
    found, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        if letter in "([{":
            start = start if depth else i + 1
            depth += 1
        elif letter in ")]}":
            depth -= 1
            if not depth:
                found.append((start, i))
    return found


def _split(text: str, *separators: str) -> list[str]:
    """The text between separators that stand in no parentheses and in no quotes."""
    parts, depth, start, quoted = [], 0, 0, False
    for i, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        quoted ^= letter == "'"
        if not depth and not quoted and text[i:].startswith(separators):
            parts.append(text[start:i].strip())
            start = i if separators != (",",) else i + 1
    return [*parts, text[start:].strip()]


def _terms(text: str) -> list[str]:
    """The terms of a sum, each with its sign: a * b - c * d gives [a * b, - c * d]."""
    return _split(text, " + ", " - ")


def _draws(equation: Equation) -> bool:
    return any(map(is_generator, equation.parameters.values()))


def _shared_constants(leaves: Iterable[Variable]) -> dict[Variable, str]:
    """Names of constants: those of one label and number have one name, the label where no other has it."""
    constants = [leaf for leaf in leaves if leaf.kind == "constant"]
    numbers: dict[str | None, dict[Any, Variable]] = {}
    for leaf in constants:
        numbers.setdefault(leaf.label, {}).setdefault(leaf.tensor._value, leaf)
    written = {}
    for leaf in constants:
        same = numbers[leaf.label]
        first = same[leaf.tensor._value]
        alone = leaf.label is not None and len(same) == 1 and not _clashes(leaf, leaves)
        written[leaf] = leaf.name.rpartition("_")[0] if alone and leaf.name != leaf.label else first.name
    return written


def _clashes(constant: Variable, leaves: Iterable[Variable]) -> bool:
    return any(leaf.kind != "constant" and leaf.label == constant.label for leaf in leaves)
