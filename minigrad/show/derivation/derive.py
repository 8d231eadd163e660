"""derive: the backward pass that the machine made, as a person would have written it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from html import escape
from typing import Any

from minigrad.program import Program, Variable
from minigrad.program.backward import gradients_as_graphs
from minigrad.program.lines import Lines
from minigrad.program.names import activation_of
from minigrad.program.tidy import tidied
from minigrad.reading import describe
from minigrad.show.derivation.explain import explain
from minigrad.show.derivation.latex import latex
from minigrad.show.derivation.notebook import notebook_page
from minigrad.show.derivation.question import name_of_loss, wanted_of
from minigrad.show.derivation.source import Source
from minigrad.show.derivation.terms import Terms, terms
from minigrad.tensor import Tensor


def derive(loss: Tensor, wrt: Any = None) -> Derivation:
    """The derivation of ∂loss/∂x, for each x in `wrt`, from the recorded graph.

    loss    a scalar Tensor; one without a name is called J
    wrt     a Tensor, several, or a model; by default all leaves to which a gradient flows
    Raises: TypeError for what is no Tensor; ValueError for a loss that is no scalar, or does not depend on
            one of `wrt`; RuntimeError if a leaf was assigned to since.

    >>> import numpy as np
    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> print(derive(np.sin(x) * x).numpy())
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss_and_gradients(x):
        # forward
        sin_1 = np.sin(x)
        J = sin_1 * x
        # backward
        dx = x * np.cos(x) + sin_1
        return J, {"dx": dx}
    <BLANKLINE>
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"derive: the loss must be a Tensor, not {type(loss).__name__}")
    if loss.size != 1:
        raise ValueError(f"derive: {describe(loss)} is not a scalar; reduce it (np.sum, np.mean)")
    return Derivation(loss, wanted_of(loss, wrt, "derive"))


def _forward_names(loss: Tensor) -> dict[Tensor, str]:
    """What values of the forward pass are called that have no name: J the loss, and A2 the σ(Z2)."""
    program = Program(loss)
    taken: set[str | None] = {v.label for v in (*program.leaves, *(e.output for e in program.equations))}
    names = {loss: "J"}
    for equation in program.equations:
        x = equation.inputs[0] if equation.inputs else None
        name = activation_of(equation.function, x.label) if isinstance(x, Variable) else None
        if name not in taken and equation.output.label is None:
            names[equation.output.tensor] = str(name)
            taken.add(name)
    return names


class Derivation:
    """A derivation: forward and backward pass as one program, with a textbook's names.

    loss       the scalar
    wrt        what it is differentiated with respect to
    tidied     the loss as a graph in which nothing is computed twice, of which the derivation is made
    gradients  stamp of a forward value -> its gradient as a Tensor, for the values on the way
    program    the equations of both passes
    lines      what is written on a line of its own, in which section and order

    `who` is the function that asks for it, as an error calls it.
    """

    def __init__(self, loss: Tensor, wrt: Iterable[Tensor], who: str = "derive") -> None:
        self.loss = loss
        self.wrt = tuple(wrt)
        loss = self.tidied = tidied(loss, {x.stamp for x in self.wrt})
        self.gradients = gradients_as_graphs(loss, self.wrt)
        for x in self.wrt:
            if x.stamp not in self.gradients:
                raise ValueError(
                    f"{who}: {name_of_loss(loss)} does not depend on {describe(x)}"
                    + ("" if x.requires_grad else ", which needs no gradient (requires_grad=True)")
                )
        proposed = _forward_names(loss)
        proposed |= dict(self._unnamed(loss, proposed))
        self.program = Program([loss, *(self.gradients[x.stamp] for x in self.wrt)], proposed)
        self.lines = Lines(self.program, loss, self.gradients)

    def _unnamed(self, loss: Tensor, names: dict[Tensor, str]) -> Iterator[tuple[Tensor, str]]:
        """Gradients of forward values that have no name, and what they are called: dtanh_1 beside tanh_1."""
        for equation in Program(loss, names).equations:
            value = equation.output
            g = self.gradients.get(value.tensor.stamp)
            if isinstance(g, Tensor) and g.name is None and g.stamp > loss.stamp:
                yield g, f"d{value.name}"

    @cached_property
    def source(self) -> Source:
        """The text of the derivation as NumPy, and what its function takes."""
        return self._source()

    def _source(self, repeated: bool = False) -> Source:
        gradients = {g.name: g for g in self.program.outputs[1:]}
        return Source(self.lines, "loss_and_gradients", gradients, repeated)

    def numpy(self) -> str:
        """The derivation as a function of NumPy alone, forward and backward in sections, that runs as it is.

        It takes the leaves by name, constants and generators by keyword, and gives the loss and a dict of
        gradients.
        """
        return self.source.text

    def latex(self) -> str:
        """The same as aligned equations in a textbook's notation, for LaTeX, MathJax and KaTeX."""
        return latex(self.lines, self.gradients)

    def explain(self) -> str:
        """The backward pass as numbered steps: by which rule each factor came, and why it is there."""
        return explain(self.source, self.gradients)

    def terms(self) -> Terms:
        """The gradients split by the additive terms of the loss, dW3 = dW3[cross-entropy] + dW3[L2]."""
        return terms(self.loss, self.wrt)

    def run(self) -> tuple[Any, dict[str, Any]]:
        """Execute the text of `numpy()` on the recorded values; what was drawn then stands for its draws."""
        source = self._source(repeated=True) if self.program.generators else self.source
        namespace: dict[str, Any] = {}
        exec(compile(source.text, "<derivation>", "exec"), namespace)
        return namespace[source.name](**source.arguments)

    def _repr_html_(self) -> str:
        """In a notebook: the mathematics, and the NumPy beside it."""
        try:
            return notebook_page(self.latex(), self.numpy())
        except Exception as error:  # showing must not fail in a notebook: there is the reason
            return f"<p>{escape(f'{type(error).__name__}: {error}')}</p>"

    def __repr__(self) -> str:
        gradients = ", ".join(g.name for g in self.program.outputs[1:])
        return f"Derivation of {gradients} from {self.program.outputs[0].name}; print(_.numpy()) shows it"
