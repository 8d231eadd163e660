"""Normalization: to mean 0 and variance 1, then scaled by gamma and shifted by beta, which are learnt."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from minigrad.nn.letters import named, number_of
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.sizes import whole
from minigrad.reading import describe
from minigrad.recording import no_grad
from minigrad.tensor import Tensor, assign, constant


class _Normalization(Module):
    def _normalized(self, x: Tensor, centred: Tensor, var: Tensor, shape: tuple[int, ...]) -> Tensor:
        """gamma centred / √(var + eps) + beta,  gamma and beta as arrays of this shape; named after x."""
        y = centred / np.sqrt(var + self._eps)
        y.name = x.name and f"{x.name}_hat"
        if self.weight is not None:
            y = self.weight.reshape(shape) * y
        if self.bias is not None:
            y = y + self.bias.reshape(shape)
        y.name = x.name and f"{x.name}_norm"
        return y

    def _set_up(self, shape: tuple[int, ...], eps: Any, scale: bool, shift: bool, dtype: Any) -> None:
        if not _is_number(eps) or not eps > 0:
            raise ValueError(f"{type(self).__name__}: eps must be greater than 0, not {eps!r}")
        self._eps = constant(float(eps), name="eps")
        self.weight = Parameter(np.ones(shape), name="gamma", decay=False, dtype=dtype) if scale else None
        self.bias = Parameter(np.zeros(shape), name="beta", decay=False, dtype=dtype) if shift else None

    @property
    def eps(self) -> float:
        """What is added to the variance."""
        return self._eps._value


def _statistics(x: Tensor, axes: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean over these axes, which stay as axes of length 1; x less the mean; variance."""
    mean = x.mean(axis=axes, keepdims=True)
    mean.name = "mu" + number_of(x.name)
    centred = x - mean
    var = np.square(centred).mean(axis=axes, keepdims=True)
    var.name = "var" + number_of(x.name)
    return mean, centred, var


class _BatchNormalization(_Normalization):
    axes: tuple[int, ...]
    """How many axes x may have after the channels."""

    def __init__(
        self,
        num_features: int,
        *,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        who = type(self).__name__
        if not _is_number(momentum) or not 0 <= momentum <= 1:
            raise ValueError(f"{who}: momentum must be in [0, 1], not {momentum!r}")
        (self.num_features,) = whole(who, num_features=num_features)
        self.momentum = float(momentum)
        self._set_up((self.num_features,), eps, affine, affine, dtype)
        self.running_mean = Tensor(np.zeros(self.num_features), name="running_mean", dtype=dtype)
        self.running_var = Tensor(np.ones(self.num_features), name="running_var", dtype=dtype)

    def forward(self, x: Any) -> Tensor:
        """x normalized by its own statistics in training mode, by the running ones in eval mode."""
        x = named(x, "X")
        if x.ndim - 2 not in self.axes or x.shape[1] != self.num_features:
            lengths = {(0, 1): "[, length]", (2,): ", height, width"}[self.axes]
            raise ValueError(
                f"{type(self).__name__}: x is {describe(x)}; wanted (m, {self.num_features}{lengths})"
            )
        shape = (self.num_features, *(1,) * (x.ndim - 2))
        if self.training:
            n = x.size // self.num_features
            if n < 2:
                raise ValueError(
                    f"{type(self).__name__}: x is {describe(x)}, {n} of each feature; in training mode "
                    "wanted at least 2, since one alone has no variance"
                )
            mean, centred, var = _statistics(x, (0, *range(2, x.ndim)))
            self._follow(mean, var, n)
        else:
            centred, var = x - self.running_mean.reshape(shape), self.running_var.reshape(shape)
        return self._normalized(x, centred, var, shape)

    def _follow(self, mean: Tensor, var: Tensor, n: int) -> None:
        """Move the running statistics towards those of n elements, whose variance is taken over n - 1."""
        with no_grad():
            for running, new in ((self.running_mean, mean), (self.running_var, var * (n / (n - 1)))):
                assign(running, (1 - self.momentum) * running + self.momentum * np.reshape(new, -1))

    def extra_repr(self) -> str:
        """num_features, and the settings that are not the usual ones."""
        settings = (("eps", self.eps, 1e-5), ("momentum", self.momentum, 0.1))
        shown = [f", {name}={value:g}" for name, value, usual in settings if value != usual]
        return f"{self.num_features}{''.join(shown)}{', affine=False' * (self.weight is None)}"


class BatchNorm1d(_BatchNormalization):
    """y = γ (x - μ) / √(σ² + ε) + β,  μ and σ² of each feature over the batch (and the length).

    In eval mode μ and σ² are the running statistics, r ← (1 - momentum) r + momentum · (that of the batch),
    which every forward pass in training mode moves; they are state (state_dict), but are not trained.

    affine   whether there are γ (weight) and β (bias); neither is decayed
    Shapes:  x (m, num_features) or (m, num_features, n)  ->  the same
    Raises:  ValueError for an x of another shape; in training mode, for one element of each feature.
    Source:  Ioffe and Szegedy 2015, algorithms 1 and 2; momentum as PyTorch means it.

    >>> layer = BatchNorm1d(1)
    >>> layer(np.array([[1.0], [3.0]])).data.ravel().round(3), layer.running_mean
    (array([-1.,  1.]), Tensor([0.2], name='running_mean'))
    """

    axes = (0, 1)


class BatchNorm2d(_BatchNormalization):
    """y = γ (x - μ) / √(σ² + ε) + β,  μ and σ² of each channel over batch, height and width; as BatchNorm1d.

    Shapes:  x (m, num_features, height, width)  ->  the same

    >>> BatchNorm2d(3)(np.ones((7, 3, 4, 5))).shape
    (7, 3, 4, 5)
    """

    axes = (2,)


class LayerNorm(_Normalization):
    """y = γ (x - μ) / √(σ² + ε) + β,  μ and σ² of each example over its last axes, alike in train and eval.

    normalized_shape    of the last axes: a tuple, or one number for the last
    elementwise_affine  whether there are γ (weight) and β (bias); neither is decayed
    bias                whether there is β
    Shapes:  x (..., *normalized_shape)  ->  the same
    Raises:  ValueError if x does not end with these axes.
    Source:  Ba, Kiros and Hinton 2016, equation (4).

    >>> LayerNorm(2)(np.array([[1.0, 3.0]])).data.round(3)
    array([[-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: Any,
        *,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: Any = np.float64,
    ) -> None:
        shape = normalized_shape if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
        if not shape:
            raise ValueError("LayerNorm: normalized_shape has no axes; there must be one at least")
        self.normalized_shape = tuple(whole("LayerNorm", normalized_shape=n)[0] for n in shape)
        self._set_up(self.normalized_shape, eps, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, x: Any) -> Tensor:
        """x normalized over its last axes."""
        x = named(x, "X")
        n = len(self.normalized_shape)
        if x.shape[-n:] != self.normalized_shape:
            raise ValueError(f"LayerNorm: x is {describe(x)}; its last axes must be {self.normalized_shape}")
        _, centred, var = _statistics(x, tuple(range(-n, 0)))
        return self._normalized(x, centred, var, self.normalized_shape)

    def extra_repr(self) -> str:
        """normalized_shape."""
        return str(self.normalized_shape if len(self.normalized_shape) > 1 else self.normalized_shape[0])


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
