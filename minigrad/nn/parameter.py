"""Parameter: what a model trains."""

from __future__ import annotations

from typing import Any

from minigrad.tensor import Tensor


class Parameter(Tensor):
    """A leaf Tensor that a model trains.

    name    shown in graphs and messages; the letters "W" and "b" get the number of their layer in a
            model (W1, b1, W2 ...), any other name stays as it is
    decay   whether l2_penalty and an optimizer's weight_decay touch it by default: biases say False

    >>> Parameter([[0.5, -0.5]], name="W")
    Tensor([[ 0.5, -0.5]], name='W', requires_grad=True)
    """

    __slots__ = ("decay", "letter", "numbered")

    def __init__(self, data: Any, name: str | None = None, *, decay: bool = True, dtype: Any = None) -> None:
        super().__init__(data, requires_grad=True, name=name, dtype=dtype)
        self.decay = decay
        self.letter = name if name in ("W", "b") else None
        self.numbered = name  # the name that numbering gave it last: a name given since is respected

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "decay": self.decay, "letter": self.letter, "numbered": self.numbered}
