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
        self.lines = Lines(
            self.program, loss, {g.stamp for g in self.gradients.values() if isinstance(g, Tensor)}
        )

    @property
    def source(self) -> Source:
        """The text of the derivation, and what its function takes."""
        results = {
            f"d{x.name or i}": v
            for i, (x, v) in enumerate(zip(self.wrt, self.program.outputs[1:], strict=True))
        }
        return Source(self.lines, "loss_and_gradients", results)

    def numpy(self) -> str:
        """The derivation as a NumPy function."""
        return self.source.text

    def run(self) -> tuple[Any, dict[str, Any]]:
        """Execute the NumPy text on the values that were recorded; draws give what was drawn then."""
        source = self.source
        arguments = dict(source.arguments)
        for name, rng in self.program.generators.items():
            arguments[name] = _Replay(self.program, rng)
        namespace: dict[str, Any] = {}
        exec(compile(source.text, "<derivation>", "exec"), namespace)
        return namespace[source.name](**arguments)


class _Replay:
    """Stands for a generator, and gives again what was drawn from it."""

    def __init__(self, program: Program, rng: Any) -> None:
        self._drawn = [
            e.output.tensor.data
            for e in program.equations
            if any(value is rng for value in e.parameters.values())
        ]

    def random(self, shape: Any) -> Any:
        """The next draw."""
        return self._drawn.pop(0)
