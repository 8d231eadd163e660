"""Layers, losses, penalties, initialisers."""

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
from minigrad.nn.module import Module, Parameter, Sequential
from minigrad.nn.penalties import l2_penalty

__all__ = [
    "Dropout",
    "Linear",
    "LogSoftmax",
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
