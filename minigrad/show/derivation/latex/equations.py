"""The equations of a derivation as LaTeX: sections, lines, names, numbers; the topics have the functions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.program import Equation, Literal, Variable
from minigrad.program.lines import Lines
from minigrad.program.simplify import exact
from minigrad.program.tidy import contents
from minigrad.random import is_generator
from minigrad.show.derivation.latex.typesetting import (
    Binds,
    Name,
    Text,
    call,
    escaped,
    in_brackets,
    in_rows,
    power,
)
from minigrad.show.derivation.owners import owners
from minigrad.table import name_of

Writer = Callable[["Equations", Equation], Text]
writers: dict[Callable[..., Any], Writer] = {}
"""Function -> how an equation of it is written; the topics fill this table and the two below."""
behind_minus: dict[Callable[..., Any], Writer] = {}
"""Function that is written with a minus in front -> how it is written without."""
conditions: set[Callable[..., Any]] = set()
"""Functions that ask something: their values are written as 1 where it holds."""


def writes(*functions: Callable[..., Any]) -> Callable[[Writer], Writer]:
    """Decorator: writes equations of these functions."""

    def enter(writer: Writer) -> Writer:
        writers.update(dict.fromkeys(functions, writer))
        return writer

    return enter


class Equations:
    """The equations of a derivation."""

    def __init__(self, lines: Lines, gradients: Mapping[int, Any]) -> None:
        self.lines = lines
        self.loss = lines.program.outputs[0]
        self._arrays: dict[Any, int] = {}
        program = lines.program
        self._given = {v for v in program.leaves if v.tensor.stamp in gradients}
        self._of = owners(lines, gradients)
        self._sizes = {v.tensor.item(): v for v in program.leaves if v.kind == "constant" and v.label == "m"}
        self.sigmoids = {
            e.inputs[0]: e.output
            for e in program.equations
            if e.function is functions.sigmoid and e.output not in lines.inline
        }
        self._names = _names((*program.leaves, *(e.output for e in program.equations)))

    def text(self) -> str:
        """All of them, section by section, with the shapes beside them."""
        rows: list[str] = []
        constants = self._constants()
        if constants:
            rows += [r"&\textbf{Constants}", f"&{constants}"]
        section = ""
        for line in self.lines.lines:
            if line.section != section:
                section = line.section
                rows.append(f"&\\textbf{{{section.capitalize()}}}")
            rows += self._line(line.value)
        ends = [r" \\[1.2ex]" if r"\textbf" in after else r" \\[0.4ex]" for after in rows[1:]] + [""]
        body = "\n".join(f"  {row}{end}" for row, end in zip(rows, ends, strict=True))
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def _line(self, value: Variable) -> list[str]:
        assert value.equation is not None
        first, *others = in_rows(self.equation(value.equation))
        rows = [f"{self.name(value).text} &= {first}", *(f"&\\quad {{}} {row}" for row in others)]
        if value.tensor.shape:
            rows[0] += f" && \\scriptstyle({size_text(value.tensor.shape)})"
        return rows

    def _constants(self) -> str:
        written: dict[str, str] = {}
        for leaf in self.lines.program.leaves:
            if leaf.kind == "constant":
                written.setdefault(self.name(leaf).text, number_text(leaf.tensor.item()).text)
        return r",\quad ".join(f"{name} = {number}" for name, number in written.items())

    # ---- values

    def name(self, value: Variable) -> Text:
        """The name of a leaf or a line; a gradient is ∂J/∂ and the name of what it is the gradient of."""
        of = self._of.get(value)
        if of is not None:
            loss = self._names[self.loss].text()
            return Text(f"\\frac{{\\partial {loss}}}{{\\partial {self._names[of].text()}}}")
        name = self._names[value]
        return Text(name.text(), Binds.factor if name.above else Binds.base)

    def __call__(self, x: Variable | Literal) -> Text:
        """What stands for an operand in a line."""
        if isinstance(x, Literal):
            return self.literal(x.value)
        if self._is_plain(x):
            return self.literal(x.tensor.data)
        if x not in self.lines.inline:
            return self.name(x)
        assert x.equation is not None
        return self.equation(x.equation)

    def _is_plain(self, x: Variable) -> bool:
        """Whether it is an array that nobody named."""
        return x.kind == "data" and x.label is None and x not in self._given

    def _has_name(self, x: Variable | Literal) -> bool:
        """Whether it is written by a name that can have an index or a ᵀ."""
        if not isinstance(x, Variable) or self._is_plain(x):
            return False
        return x not in self.lines.inline and x not in self._of

    def equation(self, equation: Equation) -> Text:
        """The right side of an equation."""
        text = writers.get(equation.function, by_name)(self, equation)
        if equation.output.tensor.dtype.kind == "b" and equation.function in conditions:
            return indicator(text)
        return text

    def inside(self, x: Variable | Literal) -> Equation | None:
        """The equation of an operand that is written in the line that uses it."""
        return x.equation if isinstance(x, Variable) and x in self.lines.inline else None

    def condition(self, x: Variable | Literal) -> Text:
        """A value that is asked whether it is true."""
        equation = self.inside(x)
        if equation is not None and equation.function in conditions:
            return writers.get(equation.function, by_name)(self, equation)
        return self(x)

    def signed(self, x: Variable | Literal) -> tuple[bool, Text]:
        """(whether there is a minus in front, what is behind it)."""
        equation = self.inside(x)
        if equation is not None and equation.function is np.negative:
            return True, self(equation.inputs[0])
        text = self(x)
        if text.level == Binds.sum and not text.pieces and text.text.startswith("-"):
            return True, Text(text.text[1:])
        if equation is not None and equation.function in behind_minus:
            return True, behind_minus[equation.function](self, equation)
        return False, text

    def indexed(self, x: Variable | Literal, index: str) -> Text:
        """An operand with an index below it."""
        if isinstance(x, Variable) and self._has_name(x):
            name = self._names[x]
            if not name.below:
                return Text(name._replace(below=index).text())
        return Text(f"{in_brackets(self(x)).text}_{{{index}}}")

    def transposed(self, x: Variable | Literal) -> Text:
        """An operand with ᵀ."""
        if isinstance(x, Variable) and self._has_name(x):
            name = self._names[x]
            return Text(name._replace(above=rf"{name.above}\top").text())
        return power(self(x), r"\top")

    def count(self, n: int) -> str:
        """A number of examples: m, where the derivation has a constant of that name and value."""
        return self.name(self._sizes[n]).text if n in self._sizes else str(n)

    def literal(self, value: Any) -> Text:
        if isinstance(value, list | tuple):
            return Text(f"({', '.join(self.literal(x).text for x in value)})")
        if not np.ndim(value):
            return number_text(value.item() if isinstance(value, np.ndarray | np.generic) else value)
        array = np.asarray(value)
        for constant in (0, 1):
            if array.size > 1 and array.dtype.kind == "f" and np.all(array == constant):
                return Text(f"\\mathbf{{{constant}}}_{{{size_text(array.shape)}}}", Binds.base)
        if 0 < array.size <= 8 and array.ndim <= 2:
            rows = np.atleast_2d(array).tolist()
            body = r" \\ ".join(" & ".join(number_text(x).text for x in row) for row in rows)
            return Text(rf"\begin{{bmatrix}} {body} \end{{bmatrix}}", Binds.base)
        number = self._arrays.setdefault(contents(array), len(self._arrays) + 1)
        return Text(f"\\mathrm{{array}}_{{{number}}}", Binds.base)


def _names(values: Iterable[Variable]) -> dict[Variable, Name]:
    """Value -> its name in LaTeX; where two names would look alike, both are written as they are.

    Constants of one name and number share it.
    """
    values = list(values)
    numbers: dict[str | None, set[Any]] = {}
    labels = Counter(v.label for v in values if v.kind != "constant")
    for v in values:
        if v.kind == "constant":
            numbers.setdefault(v.label, set()).add(v.tensor.item())
    written = {}
    for v in values:
        alone = v.kind == "constant" and v.label and len(numbers[v.label]) == 1 and not labels[v.label]
        written[v] = re.sub(r"_\d+$", "", v.name) if alone and v.name != v.label else v.name
    looks: dict[Name, set[str]] = {}
    for name in written.values():
        looks.setdefault(Name.of(name), set()).add(name)
    return {
        v: Name.of(name) if len(looks[Name.of(name)]) == 1 else Name.plain(name)
        for v, name in written.items()
    }


def is_number(x: Variable | Literal) -> bool:
    return not np.ndim(x.value) if isinstance(x, Literal) else not x.tensor.shape


def shape_of(x: Variable | Literal) -> tuple[int, ...]:
    return np.shape(x.value) if isinstance(x, Literal) else x.tensor.shape


def size_text(shape: Iterable[int]) -> str:
    return r" \times ".join(map(str, shape))


def number_text(value: Any) -> Text:
    """A number; one of many digits is cut off with dots."""
    if isinstance(value, bool | np.bool_):
        return Text("1" if value else "0", Binds.base)
    if isinstance(value, complex):
        return Text(
            f"({number_text(value.real).text} + {number_text(value.imag).text} \\mathrm{{i}})", Binds.base
        )
    if not isinstance(value, int | float):
        return Text(f"\\mathrm{{{escaped(str(value))}}}", Binds.base)
    if not np.isfinite(value):
        text = r"\mathrm{nan}" if np.isnan(value) else r"\infty" if value > 0 else r"-\infty"
        return Text(text, Binds.sum if text.startswith("-") else Binds.base)
    text = repr(value)
    if isinstance(value, float) and len(text) > 8 and 1 < exact(value).denominator <= 1000:
        minus, top = ("-" if value < 0 else ""), abs(exact(value).numerator)
        return Text(
            f"{minus}\\frac{{{top}}}{{{exact(value).denominator}}}", Binds.sum if minus else Binds.factor
        )
    digits, _, exponent = text.partition("e")
    if len(digits.lstrip("-")) > 8 and not isinstance(value, int):
        digits = digits[: 8 + digits.startswith("-")]
        digits += r"\ldots"
    digits = digits.removesuffix(".0")
    if exponent:
        power = f"10^{{{int(exponent)}}}"
        text = {"1": power, "-1": f"-{power}"}.get(digits, rf"{digits} \cdot {power}")
    else:
        text = digits
    return Text(text, Binds.sum if text.startswith("-") else Binds.product if exponent else Binds.base)


def indicator(condition: Text) -> Text:
    return Text(r"\mathbf{1}" + in_brackets(condition, "[]").text)


# ---- a function that has no way of writing of its own


def by_name(p: Equations, e: Equation) -> Text:
    """Any other function: its name, its operands and what else it was given."""
    name = name_of(e.function).rpartition(".")[2]
    arguments = [*map(p, e.inputs), *settings_text(e)]
    return call(f"\\operatorname{{{escaped(name)}}}", *arguments)


def settings_text(e: Equation) -> list[Text]:
    return [
        Text(f"\\mathrm{{{escaped(key)}}} = {setting_text(value)}")
        for key, value in e.settings.items()
        if not is_generator(value)
    ]


def setting_text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(map(setting_text, value))})"
    if isinstance(value, bool | int | float | complex | np.generic):
        return number_text(value.item() if isinstance(value, np.generic) else value).text
    if value is None or isinstance(value, str | np.dtype):
        return f"\\mathrm{{{escaped(str(value))}}}"
    return f"\\mathrm{{{escaped(value.__name__)}}}" if hasattr(value, "__name__") else r"\ldots"
