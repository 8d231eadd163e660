"""terms: a gradient split by the additive terms of the loss,  dW3 = dW3[cross-entropy] + dW3[L2]."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from minigrad.program import Program
from minigrad.program.backward import gradients_as_graphs
from minigrad.program.tidy import tidied
from minigrad.reading import describe
from minigrad.recording import enable_grad
from minigrad.show.derivation.additive import Sum, scaled_term, sum_of, term_names
from minigrad.show.derivation.notebook import html_table
from minigrad.show.derivation.question import checked, name_of_loss, wanted_of
from minigrad.show.derivation.terms_text import TermsText, variables_of
from minigrad.tensor import Tensor


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
    in_graph = {v.tensor.stamp for v in variables_of(forward)}
    found = split_gradients(loss, forward, [x for x in wanted if x.stamp in in_graph])
    reached = {part.stamp for part in found.parts}
    for x in wanted:
        if x.stamp not in reached:
            raise ValueError(f"terms: {name_of_loss(loss)} does not depend on {describe(x)}")
    return found


def split_gradients(loss: Tensor, forward: Program, wanted: Sequence[Tensor]) -> Terms:
    """The gradients of a loss by its terms, for values in its Program `forward`; zero is no part."""
    names = {v.tensor.stamp: v.name for v in variables_of(forward)}
    kept = {x.stamp for x in wanted}
    split = sum_of(loss, kept)
    with enable_grad():  # a graph may be read where nothing is recorded
        scaled = [scaled_term(base, times, split.around, kept) for base, times in split.terms]
    graphs = [_gradients(term, wanted) for term in scaled]
    text = TermsText(loss, forward, scaled, [g for found in graphs for g in found.values()])
    found_terms = tuple(
        Term(name, text.of(tensor), tensor)
        for name, tensor in zip(term_names(split.terms, names), scaled, strict=True)
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


def _note(loss: str, split: Sum, found: Sequence[Term]) -> str:
    if len(found) != 1:
        return ""
    if split.is_sum:
        return f"{loss} has one term with a gradient: {found[0].name} = {found[0].expression}"
    return f"{loss} is not a sum of terms, so there is one part, the whole: {loss} = {found[0].expression}"


def _gradients(term: Tensor, wanted: Sequence[Tensor]) -> dict[int, Tensor]:
    """Stamp -> the gradient of one term, for those of `wanted` that it depends on."""
    found = gradients_as_graphs(term, wanted)
    return {x.stamp: found[x.stamp] for x in wanted if x.stamp in found}


def norm(array: Any) -> float:
    """‖array‖_F, of an array of any library."""
    return float(np.linalg.norm(np.ravel(array)))


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
