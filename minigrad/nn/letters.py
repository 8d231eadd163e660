"""The notes' letters: X, Y for data; Z, A, D, A_drop for what the layers give, with the number of the layer's W."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.tensor import Tensor, made


def named(x: Any, letter: str) -> Tensor:
    """x as a Tensor; an array is not copied, and gets the letter as its name.

    >>> named(np.zeros(2), "X").name
    'X'
    """
    if isinstance(x, Tensor):
        return x
    tensor = made(np.asarray(x), None, False)
    tensor.name = letter
    return tensor


def number_of(name: str | None) -> str:
    """The number behind a letter, as text: "3" of "A3", "" where there is none.

    >>> number_of("A3"), number_of("A"), number_of("A1_drop")
    ('3', '', '')
    """
    return name[1:] if name and name[1:].isdigit() else ""


def follow(name: str | None, old: str, new: str) -> str | None:
    """The new letter with the same number, if the name is the old letter and a number: Z3 after W3, A3 after Z3.

    >>> follow("W3", "W", "Z"), follow("W", "W", "Z"), follow("width", "W", "Z")
    ('Z3', 'Z', None)
    """
    return new + number_of(name) if name and name[0] == old and (name == old or number_of(name)) else None
