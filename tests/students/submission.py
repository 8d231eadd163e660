"""A submission: a backward pass that was handed in, and what is known of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Submission:
    """A function that gives some of the gradients by name, and what is known of it.

    function    takes what its arguments are called among the values of the network
    network     whose backward pass it is, by name
    mistake     what is wrong, in one sentence; "" if nothing is
    where       the gradients in whose lines a mistake is made, handed in or not; not those that follow
    says        what a sentence that names the mistake must match, as a regular expression, any case; the
                sentence, not the equations beside it, in which the names of other factors stand too
    faults      how many different mistakes it has (one that is made in each layer counts once); 0 also for
                what no change of a line explains
    random      whether it draws, so that it gives something else each time

    The style, which is no mistake:

    scaled      gradients that are handed in as a multiple, and of which value: {"dZ2": "m"}
    transposed  whether examples are columns, and biases too: (n, m), and (n, 1)
    rows        whether biases are rows: (1, n)
    single      whether it computes in float32
    """

    function: Callable[..., dict[str, Any]]
    network: str
    mistake: str = ""
    where: tuple[str, ...] = ()
    says: str = ""
    faults: int = 0
    random: bool = False
    scaled: Mapping[str, str] = field(default_factory=dict)
    transposed: bool = False
    rows: bool = False
    single: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    def submit(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What it gives for the values of its network, in its own style."""
        return self.function(*(self._as_taken(name, values[name]) for name in self.arguments))

    @property
    def arguments(self) -> list[str]:
        return list(inspect.signature(self.function).parameters)

    def standard(self, name: str, handed_in: Any, values: Mapping[str, Any]) -> Any:
        """A gradient that was handed in as the network has it: examples as rows, not scaled."""
        array = np.asarray(handed_in)
        if self.transposed and not is_weight(name[1:]):
            array = array[:, 0] if name[1:] in values and np.ndim(values[name[1:]]) == 1 else array.T
        if self.rows and np.ndim(values[name[1:]]) == 1 and array.ndim == 2:
            array = array[0]
        return array / values[self.scaled[name]] if name in self.scaled else array

    def _as_taken(self, name: str, value: Any) -> Any:
        """A value as the function takes it; a copy, so that it may work in place."""
        if not isinstance(value, np.ndarray):
            return value
        if self.transposed and not is_weight(name):
            value = value[:, None] if value.ndim == 1 else value.T
        if self.rows and value.ndim == 1:
            value = value[None]
        return value.astype(np.float32) if self.single and value.dtype == np.float64 else value.copy()


def is_weight(name: str) -> bool:
    """Whether a value has the same shape where examples are columns."""
    return name[0] in "WU"
