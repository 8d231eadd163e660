"""Names for the values of a program: identifiers, no two the same, and the same in every run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from keyword import iskeyword
from typing import Any
from unicodedata import normalize

import numpy as np

from minigrad.functions import log_softmax, relu, sigmoid, softmax, softplus

_activations = frozenset((relu, sigmoid, softmax, log_softmax, softplus, np.tanh))
_taken_by_source = frozenset({"np", "mg", "slice", "bool", "float", "int", "complex", "range"})


def unique_names(wanted: Sequence[tuple[str | None, str]]) -> tuple[list[str], list[str]]:
    """A unique identifier for each (own name or None, what to call it otherwise), and notes on changed names.

    An own name is kept.  One that is no identifier is made into one, with a note; values that share a
    name, and those that have none, are numbered in order: `A_1, A_2`, `matmul_1`.

    >>> unique_names([("W1", "parameter"), (None, "matmul"), ("A", "relu"), ("A", "tanh"), ("my W", "data")])
    (['W1', 'matmul_1', 'A_1', 'A_2', 'my_W'], ['"my W" is written my_W'])
    """
    made = {text: identifier(text) for pair in wanted for text in pair if text}
    shared = Counter(made[label] for label, _ in wanted if label)
    numbered: dict[str, Iterator[str]] = {}
    names = []
    notes: dict[str, None] = {}  # a set that keeps its order
    for label, base in wanted:
        stem = made[label or base]
        if label and shared[stem] == 1:
            name = stem
        else:
            following = numbered.setdefault(stem, map((stem + "_{}").format, count(1)))
            name = next(candidate for candidate in following if candidate not in shared)
        if label and label != stem:
            notes[f'"{" ".join(label.split())}" is written {name}'] = None
        names.append(name)
    return names, list(notes)


def identifier(text: str) -> str:
    """The identifier nearest to a text.

    >>> [identifier(text) for text in ("W1", "my W", "1st", "lambda", "λ", "?", "W^{[1]}")]
    ['W1', 'my_W', '_1st', 'lambda_', 'λ', '_', 'W_1']
    """
    text = normalize("NFKC", text)  # as Python reads it
    if not text.isidentifier():
        text = re.sub(r"\W+", "_", text).rstrip("_") or "_"
    if not text.isidentifier():
        text = f"_{text}"
    if not text.isidentifier():  # digits that Python does not allow in a name
        text = re.sub(r"[^a-zA-Z0-9_]", "_", text)
    return f"{text}_" if iskeyword(text) or text in _taken_by_source else text


def base_of(name: str | None) -> str | None:
    """The letter of which a name is a variant: A1 of A1_drop; None for a name without a suffix.

    >>> base_of("A1_drop"), base_of("A1")
    ('A1', None)
    """
    base, _, suffix = (name or "").rpartition("_")
    return base if base and suffix else None


def activation_of(function: Callable[..., Any], name: str | None) -> str | None:
    """What the notes call an activation of a value: A3 for sigmoid(Z3); None if it is no activation of a Z.

    A log-softmax is the logarithm of what they call A3, and is called so.

    >>> activation_of(np.tanh, "Z1"), activation_of(np.tanh, "X"), activation_of(np.exp, "Z1")
    ('A1', None, None)
    >>> activation_of(log_softmax, "Z3")
    'log_A3'
    """
    if function not in _activations or re.fullmatch(r"Z\d*", name or "") is None:
        return None
    return f"{'log_' * (function is log_softmax)}A{(name or '')[1:]}"
