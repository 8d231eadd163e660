"""The backends by which a program can be printed and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minigrad.compiler.numba_text.jit import RefusedError
from minigrad.compiler.numba_text.text import NumbaText
from minigrad.compiler.numpy_text.text import Text
from minigrad.program import Program, Variable


class Printed(NamedTuple):
    """A program that was printed: its text, the same to be called, and the arrays that it uses again.

    refusal  why it is not run by the backend that was asked for, "" if it is
    """

    source: str
    run: Callable[..., tuple]
    buffers: dict[str, np.ndarray]
    refusal: str = ""


def printed(
    backend: str,
    program: Program,
    given: Sequence[Variable],
    updates: Sequence[Variable],
    reasons: Mapping[int, str],
    recorded: int,
) -> Printed:
    """A program as the text of a backend; as NumPy's, with the reason, if Numba is not for it."""
    refusal = ""
    if backend == "numba":
        try:
            loops = NumbaText(program, given, reasons, recorded)
            return Printed(loops.source, loops.run, loops.buffers)
        except RefusedError as error:
            refusal = str(error)
    text = Text(program, given, updates, reasons, recorded)
    return Printed(text.source, text.run, text.buffers, refusal)
