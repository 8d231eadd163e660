"""Sequential: layers, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from minigrad.nn.module import Module


class Sequential(Module):
    """Modules (or functions of one Tensor) applied one after the other.

    >>> from minigrad.nn import Linear, ReLU
    >>> Sequential(Linear(2, 3, rng=0), ReLU(), Linear(3, 1, rng=1))
    Sequential()       13 parameters
      0: Linear(2, 3)  W1 (3, 2), b1 (3,)  9 parameters
      1: ReLU()
      2: Linear(3, 1)  W2 (1, 3), b2 (1,)  4 parameters
    """

    def __init__(self, *layers: Any) -> None:
        vars(self).update({str(i): _checked_layer(layer) for i, layer in enumerate(layers)})

    def forward(self, x: Any) -> Any:
        """x through every layer, in order."""
        for layer in self:
            x = layer(x)
        return x

    def append(self, layer: Any) -> Self:
        """Add one layer at the end."""
        setattr(self, str(len(self)), _checked_layer(layer))
        return self

    def __iter__(self) -> Iterator[Any]:
        return (layer for _, layer in self._shown_children())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, i: int) -> Any:
        return list(self)[i]

    def _shown_children(self) -> Iterator[tuple[str, Any]]:
        """(name, layer): those that were given, by number, and modules that became attributes later."""
        return ((name, x) for name, x in vars(self).items() if name.isdigit() or isinstance(x, Module))


def _checked_layer(layer: Any) -> Any:
    if not callable(layer) or isinstance(layer, type):
        raise TypeError(
            f"Sequential: {layer!r} is not a module; give the layers one by one: Sequential(a, b, c)"
        )
    return layer
