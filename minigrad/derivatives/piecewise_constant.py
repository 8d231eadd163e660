"""What is piecewise constant and has no gradient, by design; and answers, which are no arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.table import derivative
from minigrad.tensor import answers

for _unary in (np.sign, np.floor, np.ceil, np.rint, np.trunc, np.invert,
               np.logical_not, np.isnan, np.isfinite, np.isinf, np.signbit, np.spacing):  # fmt: skip
    derivative(_unary, a=None)
for _binary in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
                np.floor_divide, np.logical_and, np.logical_or, np.logical_xor,
                np.bitwise_and, np.bitwise_or, np.bitwise_xor):  # fmt: skip
    derivative(_binary, a=None, b=None)
derivative(np.round, "a, /, decimals=0", a=None)
answers.update((
    np.all, np.allclose, np.any, np.argmax, np.argmin, np.argsort, np.array2string, np.array_equal,
    np.array_equiv, np.array_repr, np.array_str, np.can_cast, np.common_type, np.count_nonzero, np.empty_like,
    np.isclose, np.iscomplex, np.iscomplexobj, np.isneginf, np.isposinf, np.isreal, np.isrealobj,
    np.may_share_memory, np.min_scalar_type, np.ndim, np.nonzero, np.ones_like, np.result_type, np.shape,
    np.shares_memory, np.size, np.zeros_like,
))  # fmt: skip

flat: set[Any] = set()
"""Compositions that are piecewise constant, too."""
