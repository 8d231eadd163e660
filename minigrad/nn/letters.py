"""The notes' letters: X, Y for data; Z, A, D, A_drop for what layers give, numbered as the layer's W.

A_pool and A_flat are of pooling and Flatten, X_windows and X_padded what a window slides over; mu, var, Z_hat
and Z_norm are of a normalization, and A follows Z_norm as it does Z.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from minigrad.tensor import Tensor


def named(x: Any, letter: str) -> Tensor:
    """x as a Tensor; an array is copied, and gets the letter as its name.

    >>> named([0.0, 1.0], "X").name
    'X'
    """
    return x if isinstance(x, Tensor) else Tensor(x, name=letter)


@lru_cache
def number_of(name: str | None) -> str:
    """The number behind a letter, as text: "3" of "A3", "" where there is none.

    >>> number_of("A3"), number_of("A"), number_of("A1_drop")
    ('3', '', '')
    """
    return name[1:] if name and name[1:].isdigit() else ""


@lru_cache
def follow(name: str | None, old: str, new: str) -> str | None:
    """The new letter with the same number, if the name is the old letter: Z3 after W3, A3 after Z3.

    >>> follow("W3", "W", "Z"), follow("W", "W", "Z"), follow("width", "W", "Z"), follow("Z2_norm", "Z", "A")
    ('Z3', 'Z', None, 'A2')
    """
    name = name and name.removesuffix("_norm")
    return new + number_of(name) if name and name[0] == old and (name == old or number_of(name)) else None
