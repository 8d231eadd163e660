"""Layers, losses, penalties, initialisers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from minigrad.nn import initializers
from minigrad.nn.layers import (
    Dropout,
    Linear,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Softplus,
    Tanh,
    fixed_masks,
)
from minigrad.nn.losses import binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, mse_loss
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.penalties import l2_penalty
from minigrad.nn.sequential import Sequential

if TYPE_CHECKING:
    from minigrad.nn.convolution import Conv1d, Conv2d
    from minigrad.nn.embedding import Embedding
    from minigrad.nn.flatten import Flatten
    from minigrad.nn.normalization import BatchNorm1d, BatchNorm2d, LayerNorm
    from minigrad.nn.pooling import AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "fixed_masks",
    "initializers",
    "l2_penalty",
    "mse_loss",
]

_on_demand = {
    "Conv1d": "convolution",
    "Conv2d": "convolution",
    "Embedding": "embedding",
    "Flatten": "flatten",
    "BatchNorm1d": "normalization",
    "BatchNorm2d": "normalization",
    "LayerNorm": "normalization",
    "AvgPool1d": "pooling",
    "AvgPool2d": "pooling",
    "MaxPool1d": "pooling",
    "MaxPool2d": "pooling",
}


def __getattr__(name: str) -> Any:
    """Import the layers of convolutional and other networks when one of them is first asked for."""
    if name in _on_demand:
        return getattr(import_module(f"minigrad.nn.{_on_demand[name]}"), name)
    raise AttributeError(f"module 'minigrad.nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
