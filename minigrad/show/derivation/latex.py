"""LaTeX of a derivation: aligned equations in the notes' notation, for LaTeX, MathJax and KaTeX alike.

Functions of arrays work element by element, and so do fractions and \\odot; a product of matrices has no
sign.  What is 1 where a condition holds is \\mathbf{1}: LaTeX has no \\mathbb{1}.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from html import escape as escape_html
from operator import getitem
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.derivatives import scatter_add
from minigrad.program import Equation, Literal, Variable
from minigrad.program.lines import Lines
from minigrad.program.simplify import exact
from minigrad.random import is_generator, uniform_draw
from minigrad.show.derivation.typesetting import (
    Binds,
    Name,
    Text,
    around,
    at,
    call,
    escaped,
    in_brackets,
    in_rows,
    longest,
    negated,
    over,
    plus,
    power,
    tall,
    times,
    width,
)
from minigrad.table import name_of
from minigrad.tensor import Tensor


def latex(lines: Lines, gradients: Mapping[int, Any]) -> str:
    """The lines of a derivation as one `aligned` environment, to be set in \\[ \\] or $$ $$.

    lines      of a program whose first output is the loss
    gradients  stamp of a value -> its gradient, as `gradients_as_graphs` gives them
    """
    return Equations(lines, gradients).text()


def notebook_page(mathematics: str, source: str) -> str:
    """HTML with equations, which MathJax or KaTeX typesets, and beside them the NumPy text of the same."""
    column = "overflow-x: auto; flex: 1 1 30em; min-width: 0"
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start">\n'
        f'<div style="{column}">$$\n{escape_html(mathematics, quote=False)}\n$$</div>\n'
        f'<pre style="{column}">{escape_html(source, quote=False)}</pre>\n'
        "</div>"
    )


def owners(lines: Lines, gradients: Mapping[int, Any]) -> dict[Variable, Variable]:
    """Gradient -> the value that it is the gradient of, for the gradients that are values of the program.

    What the forward pass computed keeps its own name, even if it is a gradient too:  Σ sin x ⊙ cos x.
    """
    program = lines.program
    newest = program.outputs[0].tensor.stamp
    values = {v.tensor.stamp: v for v in (*program.leaves, *(e.output for e in program.equations))}
    found: dict[Variable, Variable] = {}
    for stamp, g in gradients.items():
        value = values.get(stamp)
        gradient = values.get(g.stamp) if isinstance(g, Tensor) else None
        if value is None or gradient is None or gradient.equation is None:
            continue
        if gradient.tensor.stamp <= newest:
            continue
        if gradient not in found or gradient.name == f"d{value.name}":
            found[gradient] = value
    return found


# ---- a derivation

Writer = Callable[["Equations", Equation], Text]
_writers: dict[Callable[..., Any], Writer] = {}


class Equations:
    """The equations of a derivation."""

    def __init__(self, lines: Lines, gradients: Mapping[int, Any]) -> None:
        self.lines = lines
        self.loss = lines.program.outputs[0]
        self._arrays: list[Any] = []
        program = lines.program
        self._given = {v for v in program.leaves if v.tensor.stamp in gradients}
        self._of = owners(lines, gradients)
        self._sizes = {v.tensor.item(): v for v in program.leaves if v.kind == "constant" and v.label == "m"}
        self._sigmoids = {
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
            rows[0] += f" && \\scriptstyle({_size(value.tensor.shape)})"
        return rows

    def _constants(self) -> str:
        written: dict[str, str] = {}
        for leaf in self.lines.program.leaves:
            if leaf.kind == "constant":
                written.setdefault(self.name(leaf).text, _number(leaf.tensor.item()).text)
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
            return self._literal(x.value)
        if x.kind == "data" and x.label is None and x not in self._given:
            return self._literal(x.tensor.data)
        if x not in self.lines.inline:
            return self.name(x)
        assert x.equation is not None
        return self.equation(x.equation)

    def equation(self, equation: Equation) -> Text:
        """The right side of an equation."""
        text = _writers.get(equation.function, _by_name)(self, equation)
        if equation.output.tensor.dtype.kind == "b" and equation.function in _conditions:
            return _indicator(text)
        return text

    def inside(self, x: Variable | Literal) -> Equation | None:
        """The equation of an operand that is written in the line that uses it."""
        return x.equation if isinstance(x, Variable) and x in self.lines.inline else None

    def condition(self, x: Variable | Literal) -> Text:
        """A value that is asked whether it is true."""
        equation = self.inside(x)
        if equation is not None and equation.function in _conditions:
            return _writers[equation.function](self, equation)
        return self(x)

    def signed(self, x: Variable | Literal) -> tuple[bool, Text]:
        """(whether there is a minus in front, what is behind it)."""
        equation = self.inside(x)
        if equation is not None and equation.function is np.negative:
            return True, self(equation.inputs[0])
        text = self(x)
        if text.level == Binds.sum and not text.pieces and text.text.startswith("-"):
            return True, Text(text.text[1:])
        if equation is not None and equation.function in _entropies:
            return True, _entropies[equation.function](self, equation)
        return False, text

    def indexed(self, x: Variable | Literal, index: str) -> Text:
        """An operand with an index below it."""
        if isinstance(x, Variable) and x not in self.lines.inline and x not in self._of:
            name = self._names[x]
            if not name.below:
                return Text(name._replace(below=index).text())
        return Text(f"{in_brackets(self(x)).text}_{{{index}}}")

    def transposed(self, x: Variable | Literal) -> Text:
        """An operand with ᵀ."""
        if isinstance(x, Variable) and x not in self.lines.inline and x not in self._of:
            name = self._names[x]
            return Text(name._replace(above=rf"{name.above}\top").text())
        return power(self(x), r"\top")

    def count(self, n: int) -> str:
        """A number of examples: m, where the derivation has a constant of that name and value."""
        return self.name(self._sizes[n]).text if n in self._sizes else str(n)

    def _literal(self, value: Any) -> Text:
        if isinstance(value, list | tuple):
            return Text(f"({', '.join(self._literal(x).text for x in value)})")
        if not np.ndim(value):
            return _number(value.item() if isinstance(value, np.ndarray | np.generic) else value)
        array = np.asarray(value)
        for constant in (0, 1):
            if array.size > 1 and array.dtype.kind == "f" and np.all(array == constant):
                return Text(f"\\mathbf{{{constant}}}_{{{_size(array.shape)}}}", Binds.base)
        if 0 < array.size <= 8 and array.ndim <= 2:
            rows = np.atleast_2d(array).tolist()
            body = r" \\ ".join(" & ".join(_number(x).text for x in row) for row in rows)
            return Text(rf"\begin{{bmatrix}} {body} \end{{bmatrix}}", Binds.base)
        if not any(known is value for known in self._arrays):
            self._arrays.append(value)
        number = next(i for i, known in enumerate(self._arrays, 1) if known is value)
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


def _is_number(x: Variable | Literal) -> bool:
    return not np.ndim(x.value) if isinstance(x, Literal) else not x.tensor.shape


def _shape(x: Variable | Literal) -> tuple[int, ...]:
    return np.shape(x.value) if isinstance(x, Literal) else x.tensor.shape


def _size(shape: Iterable[int]) -> str:
    return r" \times ".join(map(str, shape))


def _number(value: Any) -> Text:
    """A number; one of many digits is cut off with dots."""
    if isinstance(value, bool | np.bool_):
        return Text("1" if value else "0", Binds.base)
    if isinstance(value, complex):
        return Text(f"({_number(value.real).text} + {_number(value.imag).text} \\mathrm{{i}})", Binds.base)
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


def _indicator(condition: Text) -> Text:
    return Text(r"\mathbf{1}" + in_brackets(condition, "[]").text)


# ---- how each function is written


def _writes(*functions: Callable[..., Any]) -> Callable[[Writer], Writer]:
    """Decorator: writes equations of these functions."""

    def enter(writer: Writer) -> Writer:
        _writers.update(dict.fromkeys(functions, writer))
        return writer

    return enter


def _by_name(p: Equations, e: Equation) -> Text:
    """Any other function: its name, its operands and what else it was given."""
    name = name_of(e.function).rpartition(".")[2]
    arguments = [*map(p, e.inputs), *_settings(e)]
    return call(f"\\operatorname{{{escaped(name)}}}", *arguments)


def _settings(e: Equation) -> list[Text]:
    return [
        Text(f"\\mathrm{{{escaped(key)}}} = {_setting(value)}")
        for key, value in e.settings.items()
        if not is_generator(value)
    ]


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_setting, value))})"
    if isinstance(value, bool | int | float | complex | np.generic):
        return _number(value.item() if isinstance(value, np.generic) else value).text
    if value is None or isinstance(value, str | np.dtype):
        return f"\\mathrm{{{escaped(str(value))}}}"
    return f"\\mathrm{{{escaped(value.__name__)}}}" if hasattr(value, "__name__") else r"\ldots"


@_writes(np.add)
def _(p: Equations, e: Equation) -> Text:
    left, (minus, right) = p(e.inputs[0]), p.signed(e.inputs[1])
    return plus(left, right, "-" if minus else "+")


@_writes(np.subtract)
def _(p: Equations, e: Equation) -> Text:
    return plus(p(e.inputs[0]), p(e.inputs[1]), "-")


@_writes(np.multiply)
def _(p: Equations, e: Equation) -> Text:
    a, b = e.inputs
    if a is b:
        return _squared(p, a)
    numbers = _is_number(a), _is_number(b)
    number_behind = isinstance(b, Literal) and not isinstance(a, Literal)
    if numbers == (False, True) or (all(numbers) and number_behind):
        a, b = b, a
    (minus, left), (other, right) = p.signed(a), p.signed(b)
    text = times(left, right, not any(numbers))
    return negated(text) if minus != other else text


@_writes(np.divide)
def _(p: Equations, e: Equation) -> Text:
    minus, top = p.signed(e.inputs[0])
    bottom = p(e.inputs[1])
    if _is_number(e.inputs[1]) and (tall(top.text) or width(top.text) > longest // 2):
        above = Text("1")
        product = p.inside(e.inputs[0])
        if not minus and product is not None and product.function is np.multiply:
            factor, rest = product.inputs
            if _is_number(factor) and not _is_number(rest) and not tall(p(factor).text):
                above, top = p(factor), p(rest)
        text = times(over(above, bottom), top, False)
    else:
        text = over(top, bottom)
    return negated(text) if minus else text


@_writes(np.negative)
def _(p: Equations, e: Equation) -> Text:
    minus, text = p.signed(e.inputs[0])
    return text if minus else negated(text)


@_writes(np.positive, np.astype)
def _(p: Equations, e: Equation) -> Text:
    return p(e.inputs[0])


@_writes(np.power)
def _(p: Equations, e: Equation) -> Text:
    base, exponent = e.inputs
    sign = "" if _is_number(base) else r"\odot "
    return power(p(base), sign + p(exponent).text)


@_writes(np.square)
def _(p: Equations, e: Equation) -> Text:
    return _squared(p, e.inputs[0])


def _squared(p: Equations, x: Variable | Literal) -> Text:
    return power(p(x), "2" if _is_number(x) else r"\odot 2")


@_writes(np.exp)
def _(p: Equations, e: Equation) -> Text:
    return _exponential(p(e.inputs[0]))


@_writes(np.expm1)
def _(p: Equations, e: Equation) -> Text:
    return plus(_exponential(p(e.inputs[0])), Text("1"), "-")


def _exponential(x: Text) -> Text:
    if tall(x.text) or width(x.text) > 16:
        return call(r"\exp", x)
    return Text(f"e^{{{x.text}}}")


@_writes(np.log1p)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\log", plus(Text("1"), p(e.inputs[0]), "+"))


@_writes(functions.softplus)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\log", plus(Text("1"), _exponential(p(e.inputs[0])), "+"))


@_writes(functions.relu)
def _(p: Equations, e: Equation) -> Text:
    return call(r"\max", Text("0"), p(e.inputs[0]))


@_writes(np.clip)
def _(p: Equations, e: Equation) -> Text:
    a, low, high = e.inputs
    text = p(a)
    if not (isinstance(low, Literal) and low.value is None):
        text = call(r"\max", text, p(low))
    if not (isinstance(high, Literal) and high.value is None):
        text = call(r"\min", text, p(high))
    return text


def _called(name: str) -> Writer:
    return lambda p, e: call(name, *map(p, e.inputs))


_writers.update(
    {
        np.log: _called(r"\log"), np.log2: _called(r"\log_2"), np.log10: _called(r"\log_{10}"),
        np.sin: _called(r"\sin"), np.cos: _called(r"\cos"), np.tan: _called(r"\tan"),
        np.sinh: _called(r"\sinh"), np.cosh: _called(r"\cosh"), np.tanh: _called(r"\tanh"),
        np.arctan: _called(r"\arctan"), functions.sigmoid: _called(r"\sigma"),
        np.maximum: _called(r"\max"), np.minimum: _called(r"\min"),
    }
)  # fmt: skip


def _enclosed(left: str, right: str) -> Writer:
    return lambda p, e: Text(f"\\left{left} {p(e.inputs[0]).text} \\right{right}", Binds.base)


_writers.update(
    {
        np.absolute: _enclosed(r"\lvert", r"\rvert"),
        np.floor: _enclosed(r"\lfloor", r"\rfloor"),
        np.ceil: _enclosed(r"\lceil", r"\rceil"),
    }
)


@_writes(np.sqrt)
def _(p: Equations, e: Equation) -> Text:
    return Text(f"\\sqrt{{{p(e.inputs[0]).text}}}")


@_writes(np.floor_divide)
def _(p: Equations, e: Equation) -> Text:
    return Text(rf"\left\lfloor {over(*map(p, e.inputs)).text} \right\rfloor", Binds.base)


@_writes(np.remainder)
def _(p: Equations, e: Equation) -> Text:
    left, right = (at(p(x), Binds.factor).text for x in e.inputs)
    return Text(rf"{left} \bmod {right}", Binds.sum)


# ---- conditions and choices

_compared: dict[Callable[..., Any], str] = {
    np.less: "<", np.less_equal: r"\le", np.greater: ">", np.greater_equal: r"\ge", np.equal: "=",
    np.not_equal: r"\ne",
}  # fmt: skip
_joined: dict[Callable[..., Any], str] = {
    np.logical_and: r"\land", np.logical_or: r"\lor", np.logical_xor: r"\oplus", np.bitwise_and: r"\land",
    np.bitwise_or: r"\lor", np.bitwise_xor: r"\oplus",
}  # fmt: skip
_conditions = frozenset((*_compared, *_joined, np.logical_not, np.invert, np.isnan, np.isfinite, np.isinf))


@_writes(*_compared)
def _(p: Equations, e: Equation) -> Text:
    left, right = map(p, e.inputs)
    return Text(f"{left.text} {_compared[e.function]} {right.text}", Binds.big)


@_writes(*_joined)
def _(p: Equations, e: Equation) -> Text:
    if e.output.tensor.dtype.kind != "b":
        return _by_name(p, e)
    left, right = (at(p.condition(x), Binds.hadamard).text for x in e.inputs)
    return Text(f"{left} {_joined[e.function]} {right}", Binds.big)


@_writes(np.logical_not, np.invert)
def _(p: Equations, e: Equation) -> Text:
    if e.output.tensor.dtype.kind != "b":
        return _by_name(p, e)
    return Text(rf"\lnot {at(p.condition(e.inputs[0]), Binds.product).text}", Binds.product)


@_writes(np.where)
def _(p: Equations, e: Equation) -> Text:
    condition, a, b = e.inputs
    equation = p.inside(condition)
    asked = p.condition(condition)
    is_condition = equation is not None and equation.function in _conditions
    if isinstance(b, Literal) and _is_number(b) and b.value == 0:
        one = asked if _is_mask(condition) and not is_condition else _indicator(asked)
        if _is_number(a):
            return times(p(a), one, False)
        return times(p(a), one, True)
    if isinstance(a, Literal) and _is_number(a) and a.value == 0:
        if _is_mask(condition) and not is_condition:
            one = plus(Text("1", Binds.base), asked, "-")
        else:
            one = _indicator(Text(rf"\lnot {at(asked, Binds.product).text}"))
        return times(p(b), one, not _is_number(b))
    return Text(
        rf"\begin{{cases}} {p(a).text} & \text{{where }} {asked.text} \\ "
        rf"{p(b).text} & \text{{elsewhere}} \end{{cases}}",
        Binds.big,
    )


def _is_mask(x: Variable | Literal) -> bool:
    return (x.tensor.dtype if isinstance(x, Variable) else np.asarray(x.value).dtype).kind == "b"


# ---- sums and their relatives

_indices = "ijklnpqr"


def _axes(e: Equation) -> list[int]:
    """The axes that are reduced, [] for all."""
    axis, ndim = e.parameters["axis"], len(_shape(e.inputs[0]))
    if axis is None or not ndim:
        return []
    axes = sorted(i % ndim for i in (axis if isinstance(axis, tuple) else (axis,)))
    return [] if len(axes) == ndim or ndim > len(_indices) else axes


def _over_axes(p: Equations, e: Equation, sign: str, below_only: bool = False) -> tuple[str, Text]:
    """(Σ with its bounds, what is summed), with an index where not all of it is summed."""
    x = e.inputs[0]
    if e.parameters["axis"] == ():
        return sign + r"_{\emptyset}", p(x)
    axes, shape = _axes(e), _shape(x)
    if not axes:
        return sign, p(x)
    letters = [_indices[i] if i in axes else "{:}" for i in range(axes[-1] + 1)]
    summed = ",".join(_indices[i] for i in axes)
    body = p.indexed(x, ",".join(letters))
    if below_only or len(axes) > 1:
        return f"{sign}_{{{summed}}}", body
    top = p.count(shape[0]) if axes[0] == 0 else str(shape[axes[0]])
    return f"{sign}_{{{summed}=1}}^{{{top}}}", body


def _summed(p: Equations, e: Equation) -> tuple[bool, Text]:
    """(whether there is a minus in front, Σ of the operand)."""
    x = e.inputs[0]
    if e.parameters["axis"] != () and not _axes(e):
        norm = _norm(p, x)
        if norm is not None:
            return False, norm
        minus, body = p.signed(x)
        return minus, around(r"\sum ", at(body, Binds.big), "", Binds.big)
    sign, body = _over_axes(p, e, r"\sum")
    return False, around(f"{sign} ", at(body, Binds.big), "", Binds.big)


def _norm(p: Equations, x: Variable | Literal) -> Text | None:
    """The sum of all squares as a norm."""
    equation = p.inside(x)
    if equation is None or not 1 <= len(_shape(x)) <= 2:
        return None
    if equation.function is np.multiply:
        squared = equation.inputs[0] is equation.inputs[1]
    elif equation.function is np.power:
        exponent = equation.inputs[1]
        squared = isinstance(exponent, Literal) and _is_number(exponent) and exponent.value == 2
    else:
        squared = equation.function is np.square
    if not squared or _shape(equation.inputs[0]) != _shape(x):
        return None
    body = p(equation.inputs[0]).text
    left, right = (r"\left\lVert", r"\right\rVert") if tall(body) else (r"\lVert", r"\rVert")
    return Text(f"{left} {body} {right}_{'F' if len(_shape(x)) == 2 else '2'}^2")


@_writes(np.sum)
def _(p: Equations, e: Equation) -> Text:
    minus, text = _summed(p, e)
    return negated(text) if minus else text


@_writes(np.mean)
def _(p: Equations, e: Equation) -> Text:
    minus, text = _summed(p, e)
    size, left = (int(np.prod(shape)) for shape in (_shape(e.inputs[0]), e.output.tensor.shape))
    if e.parameters["axis"] == ():
        left = size
    n = size // max(left, 1)
    examples = bool(_shape(e.inputs[0])) and n == _shape(e.inputs[0])[0]
    text = times(over(Text("1"), Text(p.count(n) if examples else str(n))), text, False)
    return negated(text) if minus else text


@_writes(np.prod)
def _(p: Equations, e: Equation) -> Text:
    sign, body = _over_axes(p, e, r"\prod")
    return around(f"{sign} ", at(body, Binds.hadamard), "", Binds.big)


@_writes(functions.logsumexp)
def _(p: Equations, e: Equation) -> Text:
    sign, body = _over_axes(p, e, r"\sum")
    return call(r"\log", Text(f"{sign} {_exponential(body).text}"))


@_writes(np.max, np.min, np.var, np.std)
def _(p: Equations, e: Equation) -> Text:
    name = name_of(e.function).rpartition(".")[2]
    sign, body = _over_axes(
        p, e, f"\\{name}" if name in ("max", "min") else rf"\operatorname{{{name}}}", True
    )
    rest = [setting for setting in _settings(e) if not re.match(r"\\mathrm\{(axis|keepdims)\}", setting.text)]
    return call(sign, body, *rest)


@_writes(functions.softmax, functions.log_softmax)
def _(p: Equations, e: Equation) -> Text:
    name = r"\operatorname{softmax}" if e.function is functions.softmax else r"\operatorname{log\,softmax}"
    axis, ndim = e.parameters["axis"], len(_shape(e.inputs[0]))
    if axis != -1 and axis != ndim - 1:
        name += rf"_{{\mathrm{{axis}} = {_setting(axis)}}}"
    return call(name, p(e.inputs[0]))


# ---- cross-entropy


def _cross_entropy(p: Equations, e: Equation) -> Text:
    """t log a + (1 − t) log(1 − a), where a is the probability itself or σ of the operand."""
    x, target = e.inputs
    if e.function is functions.cross_entropy_of_logit:
        known = p._sigmoids.get(x)
        a = p(known) if known is not None else call(r"\sigma", p(x))
    else:
        a = p(x)
    one = Text("1", Binds.base)
    arrays = not _is_number(target) and not _is_number(x)
    first = times(p(target), call(r"\log", a), arrays)
    second = times(plus(one, p(target), "-"), call(r"\log", plus(one, a, "-")), arrays)
    return plus(first, second, "+")


_entropies = {
    functions.cross_entropy_of_logit: _cross_entropy,
    functions.cross_entropy_of_probability: _cross_entropy,
}


@_writes(*_entropies)
def _(p: Equations, e: Equation) -> Text:
    return negated(_cross_entropy(p, e))


# ---- products of matrices, shapes, parts


@_writes(np.matmul)
def _(p: Equations, e: Equation) -> Text:
    a, b = e.inputs
    left = p.transposed(a) if len(_shape(a)) == 1 else p(a)
    left, right = at(left, Binds.product), at(p(b), Binds.factor)
    return Text(f"{left.text} \\, {right.text}", Binds.product)


@_writes(np.transpose)
def _(p: Equations, e: Equation) -> Text:
    axes = e.parameters["axes"]
    if axes is None and len(_shape(e.inputs[0])) <= 2:
        return p.transposed(e.inputs[0])
    return _shaped(p, e, "transpose", "" if axes is None else _setting(axes))


@_writes(np.swapaxes)
def _(p: Equations, e: Equation) -> Text:
    ndim = len(_shape(e.inputs[0]))
    axes = e.parameters["axis1"] % ndim, e.parameters["axis2"] % ndim
    if sorted(axes) == [ndim - 2, ndim - 1]:
        return p.transposed(e.inputs[0])
    return _shaped(p, e, "swap", f"{axes[0]},{axes[1]}")


@_writes(np.broadcast_to)
def _(p: Equations, e: Equation) -> Text:
    shape = _size(e.parameters["shape"])
    if not _is_number(e.inputs[0]):
        return _shaped(p, e, "broadcast", shape)
    minus, number = p.signed(e.inputs[0])
    ones = Text(rf"\mathbf{{1}}_{{{shape}}}", Binds.base)
    text = ones if number.text == "1" else times(number, ones, False)
    return negated(text) if minus else text


@_writes(np.reshape)
def _(p: Equations, e: Equation) -> Text:
    return _shaped(p, e, "reshape", _size(e.output.tensor.shape) or "()")


@_writes(np.expand_dims)
def _(p: Equations, e: Equation) -> Text:
    return _shaped(p, e, "reshape", _size(e.output.tensor.shape))


@_writes(np.squeeze)
def _(p: Equations, e: Equation) -> Text:
    return _shaped(p, e, "reshape", _size(e.output.tensor.shape) or "()")


def _shaped(p: Equations, e: Equation, name: str, below: str) -> Text:
    order = e.parameters.get("order", "C")
    rest = [Text(rf"\mathrm{{order}} = {_setting(order)}")] * (order != "C")
    where = f"_{{{below}}}" if below else ""
    return call(rf"\operatorname{{{name}}}{where}", p(e.inputs[0]), *rest)


@_writes(np.concatenate, np.stack)
def _(p: Equations, e: Equation) -> Text:
    name = name_of(e.function).rpartition(".")[2]
    axis = _setting(e.parameters["axis"])
    below = "" if axis == "0" else rf"_{{\mathrm{{axis}} = {axis}}}"
    return call(rf"\operatorname{{{name}}}{below}", *map(p, e.inputs))


@_writes(getitem)
def _(p: Equations, e: Equation) -> Text:
    index = in_brackets(Text(_index(p, e.parameters["index"])), "[]")
    return Text(at(p(e.inputs[0]), Binds.factor).text + index.text)


@_writes(scatter_add)
def _(p: Equations, e: Equation) -> Text:
    index = _index(p, e.parameters["index"])
    where = Text(rf"\mathbf{{0}}_{{{_size(e.parameters['shape'])}}}{in_brackets(Text(index), '[]').text}")
    return call(r"\operatorname{scatter}", Text(rf"{where.text} \mathrel{{+}}= {p(e.inputs[0]).text}"))


def _index(p: Equations, index: Any) -> str:
    if isinstance(index, tuple):
        return r",\, ".join(_index(p, part) for part in index) or r"\,"
    if isinstance(index, slice):
        ends = ["" if x is None else _index(p, x) for x in (index.start, index.stop, index.step)]
        return "{:}".join(ends[:2] if index.step is None else ends)
    if index is Ellipsis:
        return r"\ldots"
    if isinstance(index, range):
        return _index(p, list(index))
    return p._literal(np.asarray(index) if isinstance(index, list) else index).text


@_writes(uniform_draw)
def _(p: Equations, e: Equation) -> Text:
    shape = _size(e.parameters["shape"])
    return call(r"\mathcal{U}" + (f"_{{{shape}}}" if shape else ""), Text("0"), Text("1"))
