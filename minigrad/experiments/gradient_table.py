"""Every gradient of a model three times: by the machine, by the hand formula, by central differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.backprop import grad
from minigrad.experiments import hand_derivation
from minigrad.experiments.training import cross_entropy
from minigrad.recording import no_grad
from minigrad.tensor import Tensor


@dataclass(frozen=True, eq=False)
class Gradient:
    """One gradient, found in three ways, each an array of the same shape.

    differences   nan where no difference was taken: of a large array some entries are drawn
    """

    name: str
    formula: str
    machine: np.ndarray
    hand: np.ndarray
    differences: np.ndarray

    def errors(self) -> tuple[float, float]:
        """The largest error to the hand formula and to differences, relative to the largest entry."""
        return relative_error(self.machine, self.hand), relative_error(self.machine, self.differences)

    def largest(self) -> tuple[float, float, float]:
        """The entry that is largest in magnitude: by the machine, by hand, by differences."""
        place = _place_of_largest(self.machine)
        return float(self.machine[place]), float(self.hand[place]), float(self.differences[place])


def gradients(model: nn.Sequential, X: np.ndarray, y: np.ndarray, *, lambd: float = 0.0) -> list[Gradient]:
    """∂J/∂(every value and parameter), in the order of the hand derivation.

    The masks are those of the model's last forward pass in training mode.

    >>> from minigrad.experiments.training import network
    >>> rng = np.random.default_rng(0)
    >>> found = gradients(network((2, 4, 1), seed=0), rng.random((7, 2)), np.ones((7, 1)), lambd=0.9)
    >>> [g.name for g in found], max(g.errors()[0] for g in found) < 1e-10
    (['dZ2', 'dW2', 'db2', 'dA1', 'dZ1', 'dW1', 'db1'], True)
    """
    parameters = {str(p.name): p for p in model.parameters()}
    dropouts = [layer for layer in model if isinstance(layer, nn.Dropout)]
    with nn.fixed_masks(model):
        values = _forward(model, X)
        J = _cost(model, values, y, lambd)
        sought = {f"d{name}": tensor for name, tensor in (values | parameters).items()}
        found = grad(J, list(sought.values()))
        machine = {name: np.asarray(g.data) for name, g in zip(sought, found, strict=True)}
        differences = {f"d{name}": _by_value(model, values, name, y) for name in values}
        affordable = int(_most_work // (len(X) * sum(p.size for p in parameters.values())))
        for p in parameters.values():
            entries = _some_entries(machine[f"d{p.name}"], min(max(affordable, 20), 1000))
            differences[f"d{p.name}"] = _by_parameter(model, p, entries, X, y, lambd)
    arrays = {name: np.asarray(p.data) for name, p in parameters.items()}
    keep_prob = dropouts[0].keep_prob if dropouts else 1.0
    masks = [np.asarray(layer.mask.data) for layer in dropouts if layer.mask is not None]
    lines = hand_derivation.backward(
        hand_derivation.forward(X, arrays, masks=masks, keep_prob=keep_prob),
        arrays,
        one_hot(y, values[list(values)[-1]].shape[1]),
        lambd=lambd,
        keep_prob=keep_prob,
    )
    return [Gradient(name, formula, machine[name], hand, differences[name]) for name, formula, hand in lines]


def relative_error(a: np.ndarray, b: np.ndarray) -> float:
    """max |a - b| / max(|a|, |b|), the maxima over all entries that both have; 0 for zeros.

    >>> relative_error(np.array([1.0, 4.0]), np.array([1.0, 5.0]))
    0.2
    """
    known = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[known], b[known]
    scale = max(np.max(np.abs(a)), np.max(np.abs(b)))
    return float(np.max(np.abs(a - b)) / scale) if scale else 0.0


def one_hot(y: np.ndarray, k: int) -> np.ndarray:
    """Labels (m,) as one-hot rows (m, k); (m, 1) of 0 and 1 as it is.

    >>> one_hot(np.array([0, 2]), 3)
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    return y if y.ndim == 2 else np.eye(k)[y]


# ---- central differences  (J(w + h) - J(w - h)) / 2h

_steps = (6e-6, 6e-7, 6e-8)
"""h: the first is near the best there is, ∛ε; the others are for entries within h of a kink of ReLU."""

_most_work = 2e8
"""Entries times examples times parameters, for one parameter: beyond that only some entries are tried."""


def _by_parameter(
    model: nn.Sequential,
    p: Tensor,
    entries: list[tuple[int, ...]],
    X: np.ndarray,
    y: np.ndarray,
    lambd: float,
) -> np.ndarray:
    """∂J/∂p entry by entry, J being the machine's cost and the masks the last ones."""
    before = np.array(p.data)
    result = np.full_like(before, np.nan)

    def cost_at(index: tuple[int, ...], value: float) -> tuple[float, np.ndarray]:
        moved = before.copy()
        moved[index] = value
        p.data = moved
        values = _forward(model, X)
        return _cost(model, values, y, lambd).item(), _signs(values.values())

    with no_grad(), _restored(p, before):
        for index in entries:
            for h in _steps:
                above, signs_above = cost_at(index, before[index] + h)
                below, signs_below = cost_at(index, before[index] - h)
                result[index] = (above - below) / (2 * h)
                if np.array_equal(signs_above, signs_below):
                    break
    return result


def _by_value(model: nn.Sequential, values: dict[str, Tensor], name: str, y: np.ndarray) -> np.ndarray:
    """∂J/∂(a value of the forward pass), computed from there on.

    A row of Z1 or A1 belongs to one example and moves that example's part of J only.  So a whole column is
    moved at once, and every example's own part is read.
    """
    start = list(values).index(name) + 1
    before = np.array(values[name].data)
    m = len(before)
    result = np.empty_like(before)

    def parts_at(column: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
        moved = before.copy()
        moved[:, column] += shift
        later = _forward(model, moved, start)
        last = list(later.values())[-1] if later else Tensor(moved)
        parts = cross_entropy(last, y, reduction="none")
        return parts.data.reshape(m), _signs([Tensor(moved), *later.values()]).reshape(m, -1)

    with no_grad():
        for column in range(before.shape[1]):
            todo = np.ones(m, dtype=bool)
            for h in _steps:
                above, signs_above = parts_at(column, h)
                below, signs_below = parts_at(column, -h)
                result[todo, column] = ((above - below) / (2 * h) / m)[todo]
                todo = np.any(signs_above != signs_below, axis=1)
                if not todo.any():
                    break
    return result


def _cost(model: nn.Sequential, values: dict[str, Tensor], y: np.ndarray, lambd: float) -> Tensor:
    J = cross_entropy(values[list(values)[-1]], y)
    return J + nn.l2_penalty(model, lambd=lambd, m=len(y)) if lambd else J


def _some_entries(g: np.ndarray, count: int) -> list[tuple[int, ...]]:
    """All places of an array, or so many of them, drawn; the largest entry's is always among them."""
    places = list(np.ndindex(g.shape))
    if len(places) <= count:
        return places
    drawn = np.random.default_rng(0).choice(len(places), count - 1, replace=False)
    return sorted({_place_of_largest(g), *(places[i] for i in drawn)})


def _place_of_largest(g: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(g)), g.shape))


def _forward(model: nn.Sequential, x: Any, start: int = 0) -> dict[str, Tensor]:
    """What each layer gives, from layer number `start` on, by name: Z1, A1, A1_drop, Z2 ..."""
    values = {}
    for i, layer in enumerate(model):
        if i >= start:
            x = layer(x)
            values[str(x.name) if x.name else str(i)] = x
    return values


def _signs(values: Sequence[Tensor] | Any) -> np.ndarray:
    """On which side of ReLU's kink every number is; where that stays, the network is smooth."""
    return np.concatenate([v.data > 0 for v in values], axis=1)


@contextmanager
def _restored(p: Tensor, before: np.ndarray) -> Iterator[None]:
    try:
        yield
    finally:
        p.data = before
