"""Layers: Linear, Dropout, activations.

Outputs carry letters (letters.py): Linear gives Z, an activation A, Dropout its mask D and A_drop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, TypeGuard

import numpy as np

from minigrad.functions import log_softmax, relu, sigmoid, softmax, softplus
from minigrad.nn.initializers import he_normal
from minigrad.nn.letters import follow, named, number_of
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import whole
from minigrad.other_arrays.foreign import beside, is_foreign, to_numpy
from minigrad.random import bernoulli, generator
from minigrad.reading import describe
from minigrad.tensor import Tensor, constant
from minigrad.watch import watchers, watching


class Linear(Module):
    """z = x Wᵀ + b, a neuron per row of W.

    rng     a numpy Generator, a RandomState or a seed, for the initial weights; biases begin at 0
    init    an initialiser: he_normal (the default), xavier_uniform ... of minigrad.nn.initializers
    Shapes: x (..., n_in), weight (n_out, n_in), bias (n_out,)  ->  (..., n_out)
    Rule:   ∂W = gᵀ x,  ∂b = Σₘ g,  ∂x = g W
    Raises: ValueError if x's last axis is not n_in; TypeError without rng, for there is no global generator.

    >>> Linear(2, 3, rng=0)(np.ones((5, 2))).shape
    (5, 3)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        rng: Any = None,
        init: Callable[..., np.ndarray] = he_normal,
        dtype: Any = np.float64,
    ) -> None:
        self.n_in, self.n_out = whole("Linear", n_in=n_in, n_out=n_out)
        weight = init(generator(rng, "Linear"), (self.n_out, self.n_in))
        if np.shape(weight) != (self.n_out, self.n_in):
            raise ValueError(
                f"Linear: init gave a weight of shape {np.shape(weight)}, not {(self.n_out, self.n_in)}"
            )
        self.weight = Parameter(weight, name="W", dtype=dtype)
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


class _Last:
    """The last mask: it changes at each call, as no attribute of a layer does."""

    __slots__ = ("mask",)

    def __init__(self) -> None:
        self.mask: Tensor | None = None


class Dropout(Module):
    """Inverted dropout  y = x D / keep_prob,  D = 1 with probability keep_prob; in eval mode the identity.

    keep_prob  the probability to keep a unit, in (0, 1]; or
    p          the probability to drop one, in [0, 1), as PyTorch and Keras say it: p = 1 - keep_prob
    rng        a numpy Generator, a RandomState or a seed
    Rule:      ∂x = g D / keep_prob, with the D of the forward pass
    Raises:    TypeError for a bare number, for both or neither of the two, for integer input; ValueError for
               a probability out of range.
    Source:    Srivastava et al. 2014, section 10, in the inverted form.

    >>> dropout = Dropout(keep_prob=0.5, rng=0)
    >>> dropout(np.ones(4)), dropout.eval()(np.ones(4))
    (Tensor([0., 2., 2., 2.], name='X_drop', made by np.divide), array([1., 1., 1., 1.]))
    """

    def __init__(
        self, *args: Any, keep_prob: float | None = None, p: float | None = None, rng: Any = None
    ) -> None:
        if args or (keep_prob is None) == (p is None):
            bare = args[0] if args and isinstance(args[0], int | float) else 0.86
            raise TypeError(
                f"Dropout: say which probability it is: Dropout(keep_prob={bare}) keeps a unit with "
                f"probability {bare}, Dropout(p={bare}) drops it with probability {bare}"
            )
        if rng is None:
            raise TypeError(
                "Dropout: rng= is missing; masks are drawn from an explicit generator, for example rng=0"
            )
        if keep_prob is None:
            if not _is_number(p) or not 0 <= p < 1:
                raise ValueError(f"Dropout: p, the probability to drop, must be in [0, 1), not {p!r}")
            keep_prob = 1 - p
        self.keep_prob = keep_prob
        self.rng = generator(rng, "Dropout")
        self._last = _Last()
        self._held: dict[tuple[int, ...], Tensor] | None = None  # by shape: it may be used in two places
        self._given = False

    @property
    def keep_prob(self) -> float:
        """The probability to keep a unit; may be set anew."""
        return self._keep_prob._value

    @keep_prob.setter
    def keep_prob(self, value: float) -> None:
        if not _is_number(value) or not 0 < value <= 1:
            raise ValueError(f"Dropout: keep_prob, the probability to keep, must be in (0, 1], not {value!r}")
        self._keep_prob = constant(float(value), name="keep_prob")

    @property
    def _mask(self) -> Tensor | None:
        return self._last.mask

    @_mask.setter
    def _mask(self, mask: Tensor | None) -> None:
        self._last.mask = mask

    @property
    def mask(self) -> Tensor | None:
        """The last mask, True where a unit was kept; None before the first."""
        return self._mask

    def forward(self, x: Any) -> Any:
        """x D / keep_prob in training mode, x itself in eval mode."""
        if not self.training or (self.keep_prob == 1 and not self._given):
            return x
        x = named(x, "X")
        if x.dtype.kind not in "fc":
            raise TypeError(
                f"Dropout: x is {describe(x)} of {x.dtype}; it must be floating-point: x.astype(float)"
            )
        mask = self._held_mask(x) if self._held is not None else self._draw(x)
        mask.name = "D" + number_of(x.name)
        y = x * mask / self._keep_prob
        y.name = x.name and f"{x.name}_drop"
        self._last.mask = last = mask.detach()
        last.name = mask.name
        return y

    def _draw(self, x: Tensor) -> Tensor:
        return bernoulli(self.rng, x.shape, self._keep_prob, like=x)

    def _held_mask(self, x: Tensor) -> Tensor:
        held = self._held or {}
        if x.shape in held:
            mask = held[x.shape]
            return Tensor(beside(mask._value, x._value)) if is_foreign(x._value) else mask
        if self._given:
            masks = ", ".join(map(describe, held.values()))
            raise ValueError(
                f"Dropout: the mask that was given is {masks}, x is {describe(x)}; the shapes must agree"
            )
        mask = self._draw(x).detach()
        self._held = {**held, x.shape: mask}
        return mask

    def extra_repr(self) -> str:
        """keep_prob."""
        return f"keep_prob={self.keep_prob:g}"


@contextmanager
def fixed_masks(model: Module, masks: Mapping[str, Any] | Sequence[Any] | None = None) -> Iterator[None]:
    """Context: dropout masks held still, so that a function can be evaluated twice and its gradient checked.

    masks   the masks to use: a sequence, one for each of the model's Dropout layers in their order, or a dict
            by path for some.  The others repeat their last mask; one that has none, or whose input has now
            another shape, draws it once
    Raises: ValueError if masks do not match the model's Dropout layers, or are not made of 0 and 1.

    >>> from minigrad.nn import Dropout
    >>> dropout = Dropout(keep_prob=0.5, rng=0)
    >>> with fixed_masks(dropout, [np.array([1, 0])]):
    ...     dropout(np.ones(2)).numpy()
    array([2., 0.])
    """
    layers = {path: module for path, module in model.named_modules() if isinstance(module, Dropout)}
    if masks is None:
        masks = {}
    if not isinstance(masks, Mapping):
        masks = list(masks)
        if len(masks) != len(layers):
            raise ValueError(
                f"fixed_masks: {len(masks)} masks for {len(layers)} Dropout layers, {list(layers)}"
            )
        masks = dict(zip(layers, masks, strict=True))
    unknown = [path for path in masks if path not in layers]
    if unknown:
        raise ValueError(f"fixed_masks: there is no Dropout layer {unknown}; there are {list(layers)}")
    held = {path: _as_mask(mask, path) for path, mask in masks.items()}
    before = [(layer, layer._held, layer._given, layer._mask) for layer in layers.values()]
    try:
        for path, layer in layers.items():
            if path in held:
                layer._held, layer._given = {held[path].shape: held[path]}, True
            elif layer._held is None:
                if watchers and (watcher := watching()):
                    watcher.refuse_last_mask()
                layer._held = {} if layer._mask is None else {layer._mask.shape: layer._mask}
        yield
    finally:
        for layer, outer_held, outer_given, mask in before:
            if layer._given:  # a mask that was given is lent only
                layer._mask = mask
            layer._held, layer._given = outer_held, outer_given


def _as_mask(mask: Any, path: str) -> Tensor:
    array = to_numpy(mask.data if isinstance(mask, Tensor) else mask)
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


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
