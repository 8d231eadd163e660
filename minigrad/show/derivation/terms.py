"""terms: a gradient split by the additive terms of the loss,  dW3 = dW3[cross-entropy] + dW3[L2]."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from typing import Any

import numpy as np

from minigrad.program import Program, Variable
from minigrad.program.backward import gradients_as_graphs
from minigrad.program.lines import Line, Lines
from minigrad.program.tidy import tidied
from minigrad.recording import enable_grad
from minigrad.show.derivation.notebook import html_table
from minigrad.show.derivation.source import Source
from minigrad.table import table
from minigrad.tensor import Tensor, describe, record

_longest, _brief = 16, 2
"""How many operations are written in place of a value that is used once, or is a number made of constants;
and of one that is used again."""


@dataclass(frozen=True, eq=False)
class Term:
    """One additive term of a loss, with its sign and factor.

    name        its Tensor's name (cross_entropy is shown as cross-entropy), or else its name in the Program
    expression  its equation as NumPy
    tensor      its value, as a graph
    """

    name: str
    expression: str
    tensor: Tensor

    @property
    def value(self) -> float:
        """Its number."""
        return float(self.tensor.data.item())


@dataclass(frozen=True, eq=False)
class Part:
    """The part of a parameter's gradient that comes from one term.

    parameter   the parameter's name
    term        the term's name
    expression  the part as NumPy, in the names of the forward pass and of `Terms.where`
    gradient    the part as a simplified graph, of the parameter's shape
    norm        ‖part‖_F, its Frobenius norm
    share       its norm over the sum of the norms of all parts of this gradient: 0 to 1, and 1 in sum (0 if
                all parts are 0); it says how large a part is, not which way it points
    stamp       of the parameter
    """

    parameter: str
    term: str
    expression: str
    gradient: Tensor
    norm: float
    share: float
    stamp: int

    @property
    def array(self) -> Any:
        """The part's numbers."""
        return self.gradient.data

    @property
    def name(self) -> str:
        """As it is shown: dW3[L2]."""
        return f"d{self.parameter}[{self.term}]"


@dataclass(frozen=True, eq=False)
class Terms:
    """The gradients of a loss, each as the sum of its parts:  dW = Σ_terms dW[term].

    loss   the loss's name
    terms  the additive terms, in the order in which they are written
    parts  for each parameter and each term that it depends on; what is not there is zero
    norms  parameter -> ‖dW‖_F of the whole gradient
    where  name -> equation of the values that the expressions mention and the forward pass does not name
    note   says so if the loss is no sum; "" if it is one
    """

    loss: str
    terms: tuple[Term, ...]
    parts: tuple[Part, ...]
    norms: dict[str, float]
    where: dict[str, str]
    note: str

    def __getitem__(self, parameter: str) -> dict[str, Part]:
        """The parts of one gradient by the term's name: terms["W3"]["L2"].array.

        Raises: KeyError for a name that is not among the parameters.
        """
        if parameter not in self.norms:
            raise KeyError(f"there is no {parameter!r} here; there are {', '.join(self.norms)}")
        return {part.term: part for part in self.parts if part.parameter == parameter}

    def _rows(self) -> Iterator[tuple[float, float | None, str, str]]:
        """(norm, share, name, expression) of each gradient and its parts below it; a lone one in one row."""
        for parameter, norm in self.norms.items():
            parts = list(self[parameter].values())
            if len(parts) == 1:
                yield norm, 1.0, f"d{parameter} = {parts[0].name}", parts[0].expression
                continue
            yield norm, None, f"d{parameter}", " + ".join(part.name for part in parts)
            width = max(len(part.name) for part in parts)
            for part in parts:
                yield part.norm, part.share, f"  {part.name:<{width}}", part.expression

    def __str__(self) -> str:
        lines = []
        if self.note:
            lines.append(self.note)
        else:
            lines.append(f"{'value':>9}  {self.loss} = {' + '.join(term.name for term in self.terms)}")
            width = max(len(term.name) for term in self.terms)
            for term in self.terms:
                lines.append(f"{term.value:>9.4g}    {term.name:<{width}} = {term.expression}")
        lines += ["", f"{'norm':>9}  share"]
        for norm, share, name, expression in self._rows():
            lines.append(f"{norm:>9.4g} {_percent(share):>6}  {name} = {expression}")
        if self.where:
            lines += ["", "where", *(f"  {name} = {text}" for name, text in self.where.items())]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Tables: the terms, each gradient with its parts, and the equations of the names in them."""
        head = f"<p>{escape(self.note)}</p>"
        if not self.note:
            rows = [(f"{self.loss} = {' + '.join(term.name for term in self.terms)}", "value")]
            rows += [(f"  {term.name} = {term.expression}", f"{term.value:.4g}") for term in self.terms]
            head = html_table(rows)
        parts = [("gradient", "norm", "share")]
        for norm, share, name, expression in self._rows():
            parts.append((f"{name} = {expression}", f"{norm:.4g}", _percent(share)))
        where = [f"<code>{escape(f'{name} = {text}')}</code>" for name, text in self.where.items()]
        return head + html_table(parts) + (f"<p>where<br>{'<br>'.join(where)}</p>" if where else "")


def terms(loss: Tensor, wrt: Any = None) -> Terms:
    """Split ∂loss/∂x, for each x in `wrt`, by the additive terms of the loss: the parts sum to the gradient.

    Split are sums, differences and signs, from the loss down to the first value that has a name or is
    something else; and constant factors (that need no gradient) around the whole sum:  (a + b) / m  is
    a / m + b / m.  A product below the sum is one term, so λ/(2m) (‖W1‖² + ‖W2‖²) beside a cross-entropy is
    not taken apart; nor is a sum of arrays under np.mean or np.sum.  A term that stands there twice is one.

    loss    a scalar Tensor; one without a name is called J
    wrt     a Tensor, several, or a model (those of its parameters that are trained); by default all leaves
            that need a gradient
    Raises: TypeError for what is no Tensor; ValueError for a loss that is no scalar, or does not depend on
            one of `wrt`; RuntimeError if a leaf was assigned to since.

    >>> from minigrad import constant
    >>> W, x = Tensor([3.0, 4.0], requires_grad=True, name="W"), Tensor([1.0, 2.0], name="x")
    >>> fit, decay = np.square(x @ W - 1), constant(0.5, "lambd") * np.sum(W**2)
    >>> fit.name, decay.name = "fit", "L2"
    >>> print(terms(fit + decay, W))
        value  J = fit + L2
          100    fit = np.square(x @ W - 1)
         12.5    L2  = lambd * np.sum(np.square(W))
    <BLANKLINE>
         norm  share
        49.65         dW = dW[fit] + dW[L2]
        44.72    90%    dW[fit] = 2 * (x @ W - 1) * x
            5    10%    dW[L2]  = 2 * lambd * W
    <BLANKLINE>
    where
      lambd = 0.5
    """
    forward = checked(loss, "terms")
    wanted = wanted_of(loss, wrt, "terms")
    loss = tidied(loss, {x.stamp for x in wanted})
    forward = Program(loss, {loss: "J"})
    in_graph = {v.tensor.stamp for v in _variables(forward)}
    found = split_gradients(loss, forward, [x for x in wanted if x.stamp in in_graph])
    reached = {part.stamp for part in found.parts}
    for x in wanted:
        if x.stamp not in reached:
            raise ValueError(f"terms: {name_of_loss(loss)} does not depend on {describe(x)}")
    return found


def split_gradients(loss: Tensor, forward: Program, wanted: Sequence[Tensor]) -> Terms:
    """The gradients of a loss by its terms, for values in its Program `forward`; zero is no part."""
    names = {v.tensor.stamp: v.name for v in _variables(forward)}
    kept = {x.stamp for x in wanted}
    split = _split(loss, kept)
    with enable_grad():  # a graph may be read where nothing is recorded
        scaled = [_scaled(base, times, split.around, kept) for base, times in split.terms]
    graphs = [_gradients(term, wanted) for term in scaled]
    text = _Text(loss, forward, scaled, [g for found in graphs for g in found.values()])
    found_terms = tuple(
        Term(name, text.of(tensor), tensor)
        for name, tensor in zip(_term_names(split.terms, names), scaled, strict=True)
    )
    parts: list[Part] = []
    norms: dict[str, float] = {}
    for x in wanted:
        name = names[x.stamp]
        own = [(t, found[x.stamp]) for t, found in zip(found_terms, graphs, strict=True) if x.stamp in found]
        norms[name] = norm(sum(g.data for _, g in own))
        sizes = [norm(g.data) for _, g in own]
        for (term, g), size in zip(own, sizes, strict=True):
            share = size / sum(sizes) if any(sizes) else 0.0
            parts.append(Part(name, term.name, text.of(g), g, size, share, x.stamp))
    note = _note(names[loss.stamp], split, found_terms)
    return Terms(names[loss.stamp], found_terms, tuple(parts), norms, text.where(), note)


# ---- what is given


def checked(loss: Any, who: str) -> Program:
    """The program of a loss that can be split; `who` says so if it cannot."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"{who}: the loss must be a Tensor, not {type(loss).__name__}")
    if loss.size != 1:
        raise ValueError(f"{who}: {describe(loss)} is not a scalar; reduce it (np.sum, np.mean)")
    forward = Program(loss, {loss: "J"})
    if forward.stale:
        raise RuntimeError(
            f"{who}: {describe(forward.stale[0].tensor)} was assigned to after the loss had used it: the "
            "graph is stale; compute the loss again"
        )
    return forward


def wanted_of(loss: Tensor, wrt: Any, who: str) -> list[Tensor]:
    """What a loss is to be differentiated with respect to, each value once; `who` says so if it cannot be."""
    if wrt is None:
        reached = _reached(loss)
        wanted = [leaf.tensor for leaf in Program(loss).leaves if leaf.tensor.stamp in reached]
    elif isinstance(wrt, Tensor):
        wanted = [wrt]
    elif callable(getattr(wrt, "parameters", None)):
        wanted = [p for p in wrt.parameters() if p.requires_grad]
    elif isinstance(wrt, Mapping):
        wanted = list(wrt.values())
    elif isinstance(wrt, Iterable) and not isinstance(wrt, str | np.ndarray):
        wanted = list(wrt)
    else:
        raise TypeError(f"{who}: wrt= takes a Tensor, several, or a model, not {_a(wrt)}")
    for x in wanted:
        if not isinstance(x, Tensor):
            raise TypeError(f"{who}: wrt= takes a Tensor, several, or a model, not {_a(x)} among them")
    if not wanted and wrt is not None:
        raise ValueError(f"{who}: wrt= is empty, or a model of which no parameter is trained")
    if not wanted or not loss.requires_grad:
        raise ValueError(f"{who}: {name_of_loss(loss)} does not depend on anything that needs a gradient")
    return list({x.stamp: x for x in wanted}.values())


def _reached(loss: Tensor) -> set[int]:
    """Stamps of what a gradient flows to: none through a comparison, as to the bias behind a relu's slope."""
    found, stamps = [loss], {loss.stamp}
    for tensor in found:  # grows while it is read
        if tensor.function is None:
            continue
        row = table[tensor.function]
        for i, x in enumerate(tensor.inputs):
            passes = row.many or row.rules[i] is not None
            if isinstance(x, Tensor) and x.requires_grad and passes and x.stamp not in stamps:
                stamps.add(x.stamp)
                found.append(x)
    return stamps if loss.requires_grad else set()


def name_of_loss(loss: Tensor) -> str:
    """The loss as a message calls it."""
    return describe(loss) if loss.name else "the loss"


def _a(x: Any) -> str:
    kind = type(x).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _variables(program: Program) -> list[Variable]:
    return [*program.leaves, *(equation.output for equation in program.equations)]


# ---- the terms of the loss


@dataclass(frozen=True)
class _Split:
    """around: the constant factors and signs, outermost first; terms: (value, how many times it is added)."""

    around: tuple[Tensor, ...]
    terms: tuple[tuple[Tensor, int], ...]
    is_sum: bool


def _split(loss: Tensor, kept: set[int]) -> _Split:
    """What the loss is a sum of, in the order in which it is written; values in `kept` are not opened."""
    around = []
    top = loss
    while top.stamp not in kept and (inner := _inside(top)) is not None:
        around.append(top)
        top = inner
    if top.function not in (np.add, np.subtract) or top.stamp in kept:
        return _Split((), ((loss, 1),), is_sum=False)
    values: dict[int, Tensor] = {}
    times: dict[int, int] = {}
    waiting = [(top, 1)]
    while waiting:
        x, sign = waiting.pop()
        opened = x is top or (x.name is None and x.stamp not in kept)
        if opened and x.function in (np.add, np.subtract, np.negative):
            signs = (-sign,) if x.function is np.negative else (sign, sign if x.function is np.add else -sign)
            pairs = [(operand, s) for operand, s in zip(x.inputs, signs, strict=True) if _counts(operand)]
            waiting.extend(reversed(pairs))
        else:
            values[x.stamp] = x
            times[x.stamp] = times.get(x.stamp, 0) + sign
    found = tuple((x, times[stamp]) for stamp, x in values.items() if times[stamp])
    return _Split(tuple(around), found, is_sum=True)


def _counts(operand: Any) -> bool:
    """Whether a gradient reaches it: numbers and data have no part in one."""
    return isinstance(operand, Tensor) and operand.requires_grad


def _inside(x: Tensor) -> Tensor | None:
    """What x is a constant multiple of: the operand of a sign, product or quotient that needs a gradient."""
    if x.function not in (np.negative, np.positive, np.multiply, np.divide):
        return None
    inner = [operand for operand in x.inputs if _counts(operand)]
    if len(inner) != 1 or (x.function is np.divide and inner[0] is not x.inputs[0]):
        return None
    return inner[0]


def _scaled(base: Tensor, times: int, around: Sequence[Tensor], kept: set[int]) -> Tensor:
    """A term with its sign and the factors around the sum, as a graph of its own.

    What it is made of is recorded anew as far as the first value that is no constant multiple: so the names
    of the terms do not stand between a parameter and its gradient.  Values in `kept` stay what they are.
    """
    factors = []
    x = base
    while x.stamp not in kept and (inner := _inside(x)) is not None:
        factors.append(x)
        x = inner
    if x.function is not None and x.stamp not in kept:
        x = record(x.function, x.inputs, x.parameters)
    x = _again(factors, x)
    if times == -1:
        x = record(np.negative, (x,))
    elif times != 1:
        x = record(np.multiply, (times, x))
    x = _again(around, x)
    return record(np.positive, (x,)) if x.stamp in kept else x  # a value has a gradient in another one only


def _again(factors: Sequence[Tensor], x: Tensor) -> Tensor:
    """The factors, outermost first, applied to another value."""
    for factor in reversed(factors):
        assert factor.function is not None
        inputs = tuple(x if _counts(operand) else operand for operand in factor.inputs)
        x = record(factor.function, inputs, factor.parameters)
    return x


def _term_names(split: Iterable[tuple[Tensor, int]], names: dict[int, str]) -> list[str]:
    """Names of the terms: of the Tensor, or of what it is a constant multiple of; shared ones numbered."""
    wanted = []
    for base, _ in split:
        x: Tensor | None = base
        while x is not None and not x.name:
            x = _inside(x)
        wanted.append(_shown(names[base.stamp] if x is None else str(x.name)))
    shared = Counter(wanted)
    following = {name: map(f"{name}_{{}}".format, count(1)) for name in shared}
    return [
        name if shared[name] == 1 else next(new for new in following[name] if new not in shared)
        for name in wanted
    ]


def _shown(name: str) -> str:
    """cross_entropy -> cross-entropy; other names, A1_drop and mean_1, stay as they are."""
    return name.replace("_", "-") if re.fullmatch(r"[a-z]+(_[a-z]+)+", name) else name


def _note(loss: str, split: _Split, found: Sequence[Term]) -> str:
    if len(found) != 1:
        return ""
    if split.is_sum:
        return f"{loss} has one term with a gradient: {found[0].name} = {found[0].expression}"
    return f"{loss} is not a sum of terms, so there is one part, the whole: {loss} = {found[0].expression}"


# ---- gradients and their text


def _gradients(term: Tensor, wanted: Sequence[Tensor]) -> dict[int, Tensor]:
    """Stamp -> the gradient of one term, for those of `wanted` that it depends on."""
    found = gradients_as_graphs(term, wanted)
    return {x.stamp: found[x.stamp] for x in wanted if x.stamp in found}


def norm(array: Any) -> float:
    """‖array‖_F, of an array of any library."""
    return float(np.linalg.norm(np.ravel(array)))


class _Inlined(Lines):
    """A value without a name is written where it is used, unless it is long, or used again and not brief."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.inline = self._without_line()
        self.lines = [Line(e.output, "") for e in program.equations if e.output not in self.inline]

    def _without_line(self) -> set[Variable]:
        uses: dict[Variable, int] = {}
        waiting = list(self.program.outputs[1:])  # not of the loss, whose terms stand beside it once more
        seen = set(waiting)
        while waiting:
            equation = waiting.pop().equation
            for x in equation.inputs if equation else ():
                if isinstance(x, Variable):
                    uses[x] = uses.get(x, 0) + 1
                    if x not in seen:
                        seen.add(x)
                        waiting.append(x)
        inline: set[Variable] = set()
        numbers: set[Variable] = set()
        length: dict[Variable, int] = {}
        for equation in self.program.equations:
            value = equation.output
            inside = [x for x in equation.inputs if isinstance(x, Variable) and x in inline]
            length[value] = sum(length[x] for x in inside) + (equation.function is not np.transpose)
            operands = [x for x in equation.inputs if isinstance(x, Variable)]
            if not value.tensor.shape and all(x.kind == "constant" or x in numbers for x in operands):
                numbers.add(value)
            limit = _longest if uses.get(value, 0) == 1 or value in numbers else _brief
            if not value.label and value not in self.program.outputs and length[value] <= limit:
                inline.add(value)
        return inline


class _Text:
    """Writes the terms and their gradients in one set of names, and keeps account of what they mention."""

    def __init__(
        self, loss: Tensor, forward: Program, scaled: Sequence[Tensor], gradients: Sequence[Tensor]
    ) -> None:
        program = Program([loss, *scaled, *gradients], {loss: "J"})
        self.lines = _Inlined(program)
        self.source = Source(self.lines, "terms", {})
        self.variables = {v.tensor.stamp: v for v in _variables(program)}
        self.of_forward = {v.tensor.stamp for v in _variables(forward) if v.label}
        self.written: list[str] = []
        self.shown = [*scaled, *gradients]

    def of(self, tensor: Tensor) -> str:
        """The equation of a term or a gradient; the name of a leaf."""
        variable = self.variables[tensor.stamp]
        text = self.source.expression(variable, own=variable.equation is not None)
        self.written.append(text)
        return text

    def where(self) -> dict[str, str]:
        """Name -> equation of what is mentioned and the forward pass does not name; the constants first."""
        values = self._mentioned()
        found: dict[str, str] = {}
        for leaf in self.lines.program.leaves:
            if leaf in values and leaf.kind == "constant":
                found[self.source.written_name(leaf)] = repr(leaf.tensor.item())
        for equation in self.lines.program.equations:
            value = equation.output
            if value in values and value.tensor.stamp not in self.of_forward:
                found[self.source.written_name(value)] = self.of(value.tensor)
        leaves = {self.source.written_name(leaf) for leaf in self.lines.program.leaves if leaf.label}
        for name, value in self.source.arguments.items():
            if not hasattr(value, "shape") or name in leaves | found.keys():
                continue  # a generator or a function is its own name
            if any(re.search(rf"\b{name}\b", text) for text in self.written):
                found[name] = f"an array {value.shape} without a name"
        return found

    def _mentioned(self) -> set[Variable]:
        found: set[Variable] = set()
        waiting = [v for v in map(self.variables.get, (t.stamp for t in self.shown)) if v and v.equation]
        while waiting:
            for x in self.lines.needs(waiting.pop()):
                if x not in found:
                    found.add(x)
                    if x.equation is not None and x.tensor.stamp not in self.of_forward:
                        waiting.append(x)
        return found


# ---- tables


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
