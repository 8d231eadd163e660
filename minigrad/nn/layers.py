"""Layers: Linear, Dropout, activations.

Outputs carry the notes' letters (letters.py): Linear gives Z, an activation A, Dropout its mask D and A_drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.functions import log_softmax, relu, sigmoid, softmax, softplus
from minigrad.nn.initializers import he_normal
from minigrad.nn.letters import follow, named, number_of
from minigrad.nn.module import Module, Parameter
from minigrad.random import bernoulli, generator
from minigrad.tensor import Tensor, constant, describe


class Linear(Module):
    """z = x Wᵀ + b, a neuron per row of W.

    rng     a numpy Generator, a RandomState or a seed, for the initial weights; biases begin at 0
    init    an initialiser: he_normal (the default), xavier_uniform ... of minigrad.nn.initializers
    Shapes: x (..., n_in), weight (n_out, n_in), bias (n_out,)  ->  (..., n_out)
    Rule:   ∂W = gᵀ x,  ∂b = Σₘ g,  ∂x = g W
    Raises: ValueError if x's last axis is not n_in.

    >>> Linear(2, 3, rng=0)(np.ones((5, 2))).shape
    (5, 3)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        rng: Any,
        init: Callable[..., np.ndarray] = he_normal,
        dtype: Any = np.float64,
    ) -> None:
        for name, n in (("n_in", n_in), ("n_out", n_out)):
            if not isinstance(n, int | np.integer) or n < 1:
                raise ValueError(f"Linear: {name} must be a whole number of at least 1, not {n!r}")
        self.n_in, self.n_out = int(n_in), int(n_out)
        self.weight = Parameter(init(generator(rng, "Linear"), (n_out, n_in)), name="W", dtype=dtype)
        self.bias = Parameter(np.zeros(n_out), name="b", decay=False, dtype=dtype) if bias else None

    def forward(self, x: Any) -> Tensor:
        """x Wᵀ + b."""
        x = named(x, "X")
        if x.shape[-1:] != (self.n_in,):
            raise ValueError(
                f"Linear: x is {describe(x)}; its last axis must be n_in = {self.n_in}, the columns of "
                f"{describe(self.weight)}"
            )
        z = x @ self.weight.T
        if self.bias is not None:
            z = z + self.bias
        z.name = follow(self.weight.name, "W", "Z")
        return z

    def extra_repr(self) -> str:
        """n_in, n_out."""
        return f"{self.n_in}, {self.n_out}" + ("" if self.bias is not None else ", bias=False")


class Dropout(Module):
    """Inverted dropout  y = x D / keep_prob,  each D drawn 1 with probability keep_prob; in eval mode the identity.

    keep_prob  the probability to keep a unit, in (0, 1]; or
    p          the probability to drop one, in [0, 1), as PyTorch and Keras say it: p = 1 - keep_prob
    rng        a numpy Generator, a RandomState or a seed
    Rule:      ∂x = g D / keep_prob, with the D of the forward pass
    Raises:    TypeError for a bare number, for both or neither of the two, for integer input; ValueError out of range.
    Source:    Srivastava et al. 2014, section 10, in the inverted form.

    >>> dropout = Dropout(keep_prob=0.5, rng=0)
    >>> dropout(np.ones(4)), dropout.eval()(np.ones(4))
    (Tensor([0., 2., 2., 2.], name='X_drop', made by np.divide), array([1., 1., 1., 1.]))
    """

    def __init__(self, *args: Any, keep_prob: float | None = None, p: float | None = None, rng: Any = None) -> None:
        if args or (keep_prob is None) == (p is None):
            bare = args[0] if args and isinstance(args[0], int | float) else 0.86
            raise TypeError(
                f"Dropout: say which probability it is: Dropout(keep_prob={bare}) keeps a unit with probability {bare}, "
                f"Dropout(p={bare}) drops it with probability {bare}"
            )
        if rng is None:
            raise TypeError("Dropout: rng= is missing; masks are drawn from an explicit generator, for example rng=0")
        if keep_prob is None:
            if not isinstance(p, int | float | np.number) or not 0 <= p < 1:
                raise ValueError(f"Dropout: p, the probability to drop, must be in [0, 1), not {p!r}")
            keep_prob = 1 - p
        self.keep_prob = keep_prob
        self.rng = generator(rng, "Dropout")
        self._mask: Tensor | None = None
        self._holding = False

    @property
    def keep_prob(self) -> float:
        """The probability to keep a unit; may be set anew."""
        return self._keep_prob._data

    @keep_prob.setter
    def keep_prob(self, value: float) -> None:
        if not isinstance(value, int | float | np.number) or not 0 < value <= 1:
            raise ValueError(f"Dropout: keep_prob, the probability to keep, must be in (0, 1], not {value!r}")
        self._keep_prob = constant(float(value), name="keep_prob")

    @property
    def mask(self) -> Tensor | None:
        """The last mask, True where a unit was kept; None before the first."""
        return self._mask

    def forward(self, x: Any) -> Any:
        """x D / keep_prob in training mode, x itself in eval mode."""
        if not self.training or self.keep_prob == 1:
            return x
        x = named(x, "X")
        if x.dtype.kind not in "fc":
            raise TypeError(f"Dropout: x is {describe(x)} of {x.dtype}; dropout needs floating-point numbers")
        mask = self._mask if self._holding and self._mask is not None else self._draw(x)
        if mask.shape != x.shape:
            raise ValueError(f"Dropout: the mask that is held is {describe(mask)}, x is {describe(x)}")
        y = x * mask / self._keep_prob
        y.name = x.name and f"{x.name}_drop"
        return y

    def _draw(self, x: Tensor) -> Tensor:
        mask = bernoulli(self.rng, x.shape, self._keep_prob)
        mask.name = "D" + number_of(x.name)
        self._mask = mask.detach()
        self._mask.name = mask.name
        return mask

    def extra_repr(self) -> str:
        """keep_prob."""
        return f"keep_prob={self.keep_prob:g}"


@contextmanager
def fixed_masks(model: Module, masks: Mapping[str, Any] | Sequence[Any] | None = None) -> Iterator[None]:
    """Context: dropout masks held still, so that a function can be evaluated twice and its gradient checked.

    masks   the masks to use: a sequence in the order of the model's Dropout layers, or a dict by path; by default each
            layer repeats its last mask, and one that has none, or whose input has another shape now, draws once
    Raises: ValueError if masks do not match the model's Dropout layers, or are not made of 0 and 1.

    >>> from minigrad.nn import Dropout
    >>> dropout = Dropout(keep_prob=0.5, rng=0)
    >>> with fixed_masks(dropout, [np.array([1, 0])]):
    ...     dropout(np.ones(2)).numpy()
    array([2., 0.])
    """
    layers = {path: module for path, module in model.named_modules() if isinstance(module, Dropout)}
    given = masks if isinstance(masks, Mapping) else dict(zip(layers, masks or (), strict=False))
    if masks is not None and (len(given) != len(masks) or not given.keys() <= layers.keys()):
        raise ValueError(f"fixed_masks: {len(masks)} masks for the Dropout layers {list(layers)}")
    held = {path: _as_mask(mask, path) for path, mask in given.items()}
    before = {path: (layer._holding, layer._mask) for path, layer in layers.items()}
    try:
        for path, layer in layers.items():
            layer._holding = True
            layer._mask = held.get(path, layer._mask)
        yield
    finally:
        for path, layer in layers.items():
            layer._holding, last = before[path]
            layer._mask = last if path in held else layer._mask


def _as_mask(mask: Any, path: str) -> Tensor:
    array = np.asarray(mask.data if isinstance(mask, Tensor) else mask)
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"fixed_masks: the mask for {path!r} has values other than 0 and 1")
    return Tensor(array.astype(bool), name="D")


class _Activation(Module):
    """A function of one Tensor, applied element by element or along an axis."""

    _function: Callable[..., Any]

    def forward(self, x: Any) -> Tensor:
        """The function of x."""
        x = named(x, "X")
        y = type(self)._function(x)
        y.name = follow(x.name, "Z", "A")
        return y


class ReLU(_Activation):
    """a = max(z, 0); see minigrad.relu."""

    _function = staticmethod(relu)


class Sigmoid(_Activation):
    """a = 1 / (1 + e⁻ᶻ); see minigrad.sigmoid."""

    _function = staticmethod(sigmoid)


class Tanh(_Activation):
    """a = tanh z."""

    _function = staticmethod(np.tanh)


class Softplus(_Activation):
    """a = log(1 + eᶻ); see minigrad.softplus."""

    _function = staticmethod(softplus)


class Softmax(_Activation):
    """a = eᶻ / Σ eᶻ along the last axis; see minigrad.softmax."""

    _function = staticmethod(softmax)


class LogSoftmax(_Activation):
    """a = z - log Σ eᶻ along the last axis; see minigrad.log_softmax."""

    _function = staticmethod(log_softmax)
