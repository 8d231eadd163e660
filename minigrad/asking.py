"""Who asks a Tensor for its values: to look at them, as a test and float(t) do, or to take them along."""

from __future__ import annotations

import sys
from opcode import opmap
from types import FrameType

_tests = ("numpy.testing", "_pytest.")
"""Modules whose functions (np.testing.assert_allclose, pytest.approx) only look at the values."""


def taker(how: str) -> str:
    """What takes values along where no gradient follows, in the code that called the method; or "".

    how  the method: "numpy()" makes an array, which is taken in any case; "float()" a number
    """
    frame = sys._getframe(3)
    module = frame.f_globals.get("__name__", "")
    if module.startswith(_tests):
        return ""
    if how == "numpy()":
        of_memory = "as_strided, which looks at memory (sliding_window_view at elements)"
        return of_memory if "stride_tricks" in module else how
    if _assigns(frame):
        return "array[...] = t"
    return f"{how} by a NumPy function" if module.startswith("numpy.") else ""  # np.sum(a, initial=t)


def _assigns(frame: FrameType) -> bool:
    """Whether the frame is at an assignment  x[...] = t:  float(t), which looks alike, is a call."""
    return frame.f_code.co_code[frame.f_lasti] == _store


_store = opmap["STORE_SUBSCR"]
