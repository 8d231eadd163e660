"""Reading a Tensor: what gives its values, and to whom it does not, because a gradient would be lost.

To look at the values is always allowed: float(t), t.item(), print, a test.  To take them along, into an array
or out of a function that is differentiated or recorded, is refused where the Tensor needs a gradient.
"""

from __future__ import annotations

import sys
from opcode import opmap
from operator import index as as_index
from types import FrameType
from typing import Any

import numpy as np

from minigrad.not_supported import called_in, no_array
from minigrad.other_arrays.foreign import to_numpy
from minigrad.switches import differentiating, reading_allowed, recording
from minigrad.table import name_of
from minigrad.watch import tell

scalars = frozenset((float, int, bool, complex))
"""Types of Python's numbers, as which a constant is kept."""


class Readable:
    """The methods of a Tensor that give its values, for a class that holds its array as `_value`."""

    __slots__ = ()

    _value: Any
    _requires_grad: bool
    data: Any
    dtype: Any
    function: Any
    name: str | None
    shape: Any
    size: Any

    def numpy(self) -> np.ndarray:
        """The values as a read-only NumPy array (the host's copy, for arrays that live elsewhere).

        Raises: RuntimeError if it needs a gradient: what is computed from the array would lose it.
        """
        return self.__array__()

    def item(self) -> Any:
        """The one value of a Tensor of size 1, as a Python number."""
        return self._number("item()", ValueError)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        self._check_reading("tolist()", number=True)
        return to_numpy(self.data).tolist()

    def __float__(self) -> float:
        self._check_taking("float()")
        return float(self._number("float()"))

    def __complex__(self) -> complex:
        self._check_taking("complex()")
        return complex(self._number("complex()"))

    def __int__(self) -> int:
        return int(self._number("int()", flat=True))

    def __index__(self) -> int:
        return as_index(self._number("index()", flat=True))

    def __bool__(self) -> bool:
        self._check_reading("bool()")
        return bool(self._value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self._check_taking("numpy()")
        return np.array(to_numpy(self.data), dtype=dtype, copy=copy)

    def __dlpack__(self, **options: Any) -> Any:
        self._check_leaving("DLPack")
        if options.pop("copy", None) is False:
            raise BufferError("DLPack of a Tensor is a copy, since its array must not change under the graph")
        return self.data.copy().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def __contains__(self, value: Any) -> bool:
        self._check_reading("in")
        return bool(np.any(self._value == getattr(value, "_value", value)))

    def __repr__(self) -> str:
        notes = [self._shown()]
        if not self.size:
            notes.append(f"shape={self.shape}")
        if self.dtype not in (np.float64, np.int64, np.bool_):
            notes.append(f"dtype={self.dtype}")
        if self.name is not None:
            notes.append(f"name={self.name!r}")
        if self.function is not None:
            notes.append(f"made by {name_of(self.function)}")
        elif self._requires_grad:
            notes.append("requires_grad=True")
        return f"Tensor({', '.join(notes)})"

    def __format__(self, spec: str) -> str:
        return format(self._number(f"format {spec!r}", flat=True), spec) if spec else repr(self)

    def _shown(self) -> str:
        return np.array2string(to_numpy(self.data), separator=", ", prefix="Tensor(")

    # ---- who may read

    def _number(self, how: str, wrong_size: type[Exception] = TypeError, flat: bool = False) -> Any:
        """The one value; `flat` where what it becomes has no gradient to lose, as int(t)."""
        self._check_reading(how, number=not flat)
        if self.size != 1:
            raise wrong_size(f"{how}: {describe(self)} has {self.size} elements; only one can be a number")
        return self._value if type(self._value) in scalars else to_numpy(self._value).item()

    def _check_reading(self, how: str, number: bool = False) -> None:
        tell("refuse", self, how)
        part_of_graph = not reading_allowed.get() and (self._requires_grad or self.function is not None)
        lost = number and differentiating.get() and self._requires_grad and recording.get()
        if part_of_graph or lost:
            raise RuntimeError(
                f"{how} of {describe(self)} inside a function that is being recorded would fix its value and "
                "drop its gradient; keep to Tensors, or use t.detach() where no gradient is wanted"
            )

    def _check_taking(self, how: str) -> None:
        if where := _taker(how):
            self._check_leaving(where)

    def _check_leaving(self, how: str) -> None:
        if self._requires_grad and recording.get():
            raise RuntimeError(no_array(how, describe(self)))


def describe(tensor: Any) -> str:
    """How a message names a Tensor: by name and shape.

    >>> from minigrad import Tensor
    >>> describe(Tensor([[1.0, 2.0]], name="X"))
    '"X" (1, 2)'
    """
    return f'"{tensor.name}" {tensor.shape}' if tensor.name else f"a Tensor of shape {tensor.shape}"


# ---- who reads


_tests = ("numpy.testing", "_pytest.")
"""Modules whose functions (np.testing.assert_allclose, pytest.approx) only look at the values."""


def _taker(how: str) -> str:
    """What takes values along where no gradient follows, in the code that called the method; or "".

    how  the method: "numpy()" makes an array, which is taken in any case; "float()" a number
    """
    frame = sys._getframe(3)
    module = frame.f_globals.get("__name__", "")
    if module.startswith(_tests):
        return ""
    if how == "numpy()":
        of_memory = "as_strided, which looks at memory (sliding_window_view at elements)"
        return of_memory if "stride_tricks" in module else called_in(frame) or how
    if _assigns(frame):
        return "array[...] = t"
    return called_in(frame) or (f"{how} by NumPy" if module.startswith("numpy.") else "")


def _assigns(frame: FrameType) -> bool:
    """Whether the frame is at an assignment  x[...] = t:  float(t), which looks alike, is a call."""
    return frame.f_code.co_code[frame.f_lasti] == _store


_store = opmap["STORE_SUBSCR"]
