"""Losses: scalar costs of a batch, batch first.  All take reduction="mean" (the default), "sum" or "none"."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.functions import cross_entropy_of_logit, cross_entropy_of_probability, log_softmax
from minigrad.nn.letters import named
from minigrad.other_arrays import chunked
from minigrad.other_arrays.foreign import is_chunked, is_foreign
from minigrad.reading import describe
from minigrad.tensor import Tensor, plain
from minigrad.watch import watchers, watching


def binary_cross_entropy(a: Any, y: Any, *, reduction: str = "mean") -> Tensor:
    """J = -1/m Σ (y log a + (1-y) log(1-a)),  from probabilities a: equation (1) of docs/l2.md.

    A saturated a = 0 or 1 gives a finite cost and gradient: a and 1-a are kept from below at ε, the precision
    of the dtype (2.2e-16 in float64), in the logarithms and in the quotients of the gradient alike: a wrong
    certainty costs -log ε ≈ 36 and still pulls the right way.  From logits nothing has to be cut off: prefer
    binary_cross_entropy_with_logits for training.

    Shapes:  a, y of one shape, usually (m, 1)  ->  () ; the mean is over all elements
    Rule:    ∂a = ((1-y)/(1-a) - y/a) / m
    Raises:  ValueError if the shapes differ, or an a or y lies outside [0, 1].

    >>> binary_cross_entropy(np.array([0.5, 0.5]), np.array([0, 1])).item().__round__(4)
    0.6931
    """
    a = _output(a, "A")
    y = _target(y, a, "binary_cross_entropy")
    a = _checked(a, "binary_cross_entropy", "; for logits there is binary_cross_entropy_with_logits")
    return _reduce(cross_entropy_of_probability(a, y), reduction, "binary_cross_entropy", "cross_entropy")


def binary_cross_entropy_with_logits(z: Any, y: Any, *, reduction: str = "mean") -> Tensor:
    """J = 1/m Σ (softplus(z) - y z),  the cross-entropy of a = σ(z), finite for every finite z.

    Shapes:  z, y of one shape, usually (m, 1)  ->  () ; the mean is over all elements
    Rule:    ∂z = (σ(z) - y) / m
    Raises:  ValueError if the shapes differ, or a y lies outside [0, 1].

    >>> binary_cross_entropy_with_logits(np.array([0.0, 1e4]), np.array([0, 1])).item().__round__(4)
    0.3466
    """
    z = _output(z, "Z")
    y = _target(y, z, "binary_cross_entropy_with_logits")
    return _reduce(
        cross_entropy_of_logit(z, y), reduction, "binary_cross_entropy_with_logits", "cross_entropy"
    )


def cross_entropy(logits: Any, labels: Any, *, reduction: str = "mean") -> Tensor:
    """J = -1/m Σ log softmax(z)[label],  for several classes, from logits.

    labels   whole numbers (m,), or a probability for each class (m, k)
    Shapes:  logits (m, k)  ->  ()
    Rule:    ∂z = (softmax(z) - Y) / m,  Y the labels as one-hot rows
    Raises:  ValueError if the shapes do not fit, or a label is not in 0 ... k-1; TypeError for labels (m,)
             that are not whole numbers.

    >>> cross_entropy(np.zeros((2, 10)), np.array([3, 7])).item().__round__(4)
    2.3026
    """
    z = _output(logits, "Z")
    if z.ndim != 2:
        raise ValueError(f"cross_entropy: the logits are {describe(z)}; wanted (m, k)")
    y = plain(labels) if isinstance(labels, Tensor) or is_foreign(labels) else np.asarray(labels)
    if y.ndim == 1:
        labels = _one_hot(labels, y, z)
    y = _target(labels, z, "cross_entropy", probabilities=y.ndim == 2)
    return _reduce(-np.sum(y * log_softmax(z, axis=1), axis=1), reduction, "cross_entropy", "cross_entropy")


def mse_loss(a: Any, y: Any, *, reduction: str = "mean") -> Tensor:
    """J = mean (a - y)².

    Shapes:  a, y of one shape  ->  ()
    Rule:    ∂a = 2 (a - y) / n
    Raises:  ValueError if the shapes differ.

    >>> mse_loss(np.array([1.0, 2.0]), np.array([1.0, 4.0])).item()
    2.0
    """
    a = _output(a, "A")
    y = _target(y, a, "mse_loss", probabilities=False)
    return _reduce(np.square(a - y), reduction, "mse_loss", "mse")


def _reduce(losses: Tensor, reduction: str, who: str, name: str) -> Any:
    """The cost, under the name by which derivations and terms call it; or the losses as they are."""
    if reduction == "none":
        return losses
    if reduction == "mean":
        if 0 in losses.shape:
            raise ValueError(f"{who}: there are no examples to take the mean of")
        cost = losses.mean()
    elif reduction == "sum":
        cost = losses.sum()
    else:
        raise ValueError(f'{who}: reduction is "mean", "sum" or "none", not {reduction!r}')
    cost.name = name
    return cost


def _output(a: Any, letter: str) -> Tensor:
    """A model's output as floating-point numbers: the targets get its dtype, and must not be rounded."""
    a = named(a, letter)
    return a if a.dtype.kind == "f" else Tensor(a, name=a.name or letter, dtype=np.float64)


def _target(y: Any, a: Tensor, name: str, probabilities: bool = True) -> Tensor:
    """The targets as a Tensor Y of a's dtype; a shape that would only broadcast is refused."""
    y = named(y, "Y")
    if y.shape != a.shape:
        raise ValueError(
            f"{name}: the targets are {describe(y)} and the outputs {describe(a)}; the shapes must agree"
        )
    if y.dtype != a.dtype:
        y = y.astype(a.dtype) if y.requires_grad else Tensor(y, name=y.name or "Y", dtype=a.dtype)
    return _checked(y, name, "; targets are 0 or 1, or probabilities") if probabilities else y


def _checked(a: Tensor, name: str, advice: str) -> Tensor:
    """Probabilities as they are; those that are not computed yet are looked at when they are."""
    data = a._value
    later = is_chunked(data)
    if not later and (not data.size or (data.min() >= 0 and data.max() <= 1)):
        return a
    wrong = f"{name}: {describe(a)} has values outside [0, 1]{advice}"
    if later:
        return _looked_at(a, 0, 1, wrong)
    raise ValueError(wrong)


def _looked_at(a: Tensor, low: float, high: float, message: str) -> Tensor:
    copy: Any = np.positive(a) if a.requires_grad else a.detach()
    copy._value, copy.name = chunked.check(a._value, low, high, message), a.name
    return copy


def _one_hot(given: Any, labels: np.ndarray, z: Tensor) -> Any:
    m, k = z.shape
    if labels.dtype.kind not in "iub":
        raise TypeError(
            f"cross_entropy: the labels are {labels.dtype}; wanted whole numbers (m,) or rows (m, k)"
        )
    if labels.shape != (m,):
        raise ValueError(f"cross_entropy: the labels have shape {labels.shape}; {describe(z)} wants ({m},)")
    if is_chunked(labels):
        given = _looked_at(named(given, "Y"), 0, k - 1, f"cross_entropy: labels run from 0 to {k - 1}")
    else:
        _check_labels(labels, k)
    if is_foreign(labels):
        return (named(given, "Y").reshape(m, 1) == np.arange(k, like=labels)).astype(z.dtype)
    if watchers and (watcher := watching()) and isinstance(given, Tensor):  # other labels at each replay
        watcher.checked(given, lambda labels: _check_labels(labels, k))
        return (given.reshape(m, 1) == np.arange(k)).astype(z.dtype)
    one_hot = np.zeros((m, k), dtype=z.dtype)
    one_hot[np.arange(m), labels.astype(np.intp)] = 1
    return one_hot


def _check_labels(labels: np.ndarray, k: int) -> None:
    if labels.size and not (labels.min() >= 0 and labels.max() < k):
        raise ValueError(
            f"cross_entropy: labels run from 0 to {k - 1}; there is a {labels.min()} ... {labels.max()}"
        )
