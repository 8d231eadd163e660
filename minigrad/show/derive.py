"""derive: the backward pass that the machine made, as a person would have written it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.program import Program
from minigrad.program.backward import gradients_as_graphs
from minigrad.program.lines import Lines
from minigrad.show.source import Source
from minigrad.tensor import Tensor, describe


def derive(loss: Tensor, wrt: Any = None) -> Derivation:
    """The derivation of ∂loss/∂wrt from the recorded graph."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"derive: the loss must be a Tensor, not {type(loss).__name__}")
    if loss.size != 1:
        raise ValueError(f"derive: {describe(loss)} is not a scalar; reduce it (np.sum, np.mean)")
    return Derivation(loss, _wanted(loss, wrt))


def _wanted(loss: Tensor, wrt: Any) -> list[Tensor]:
    leaves = [leaf.tensor for leaf in Program(loss).leaves]
    if wrt is None:
        return [leaf for leaf in leaves if leaf.requires_grad]
    if isinstance(wrt, Tensor):
        return [wrt]
    return list(wrt.parameters() if hasattr(wrt, "parameters") else wrt)


class Derivation:
    """A derivation."""

    def __init__(self, loss: Tensor, wrt: Iterable[Tensor]) -> None:
        self.loss = loss
        self.wrt = tuple(wrt)
        self.gradients = gradients_as_graphs(loss, self.wrt)
        outputs = [self.gradients[x.stamp] for x in self.wrt]
        self.program = Program([loss, *outputs], {loss: "J"})
        self.lines = Lines(self.program, loss, {g.stamp for g in self.gradients.values() if isinstance(g, Tensor)})

    def numpy(self) -> str:
        """The derivation as a NumPy function."""
        results = {v.name: v for v in self.program.outputs[1:]}
        return Source(self.lines, "loss_and_gradients", results).text
