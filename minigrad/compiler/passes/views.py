"""Which values are views: of whose memory a result may be."""

from __future__ import annotations

from operator import getitem
from typing import Any

import numpy as np

from minigrad.derivatives.further.windows import windows
from minigrad.program import Equation, Variable

_views = {
    np.transpose, np.reshape, np.ravel, np.expand_dims, np.squeeze, np.broadcast_to, np.swapaxes, windows,
    np.real, np.imag,
}  # fmt: skip
"""What may give a view, depending on how its operand lies in memory."""


def viewed(e: Equation) -> Variable | None:
    """The operand at whose memory the result of an equation looks, or may look; None if it has its own.

    A primitive of a user's is not known: whether it gave a view is seen in what was recorded.
    """
    operands = [x for x in e.inputs if isinstance(x, Variable)]
    if e.function in _views or (e.function is np.einsum and len(e.inputs) == 1):  # as of "ii->i"
        return operands[0] if operands else None
    if e.function is getitem:
        index = e.parameters["index"]
        parts = index if isinstance(index, tuple) else (index,)
        fancy = any(hasattr(part, "dtype") or isinstance(part, list | tuple | range) for part in parts)
        return None if fancy or not operands else operands[0]
    y = e.output.tensor._value
    return next((x for x in operands if _share(x.tensor._value, y)), None)


def _share(x: Any, y: Any) -> bool:
    return isinstance(x, np.ndarray) and isinstance(y, np.ndarray) and np.may_share_memory(x, y)
