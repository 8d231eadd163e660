"""The additive terms of a loss: what it is a sum of, with signs and constant factors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from minigrad.tensor import Tensor, record


@dataclass(frozen=True)
class Sum:
    """around: the constant factors and signs, outermost first; terms: (value, how many times it is added)."""

    around: tuple[Tensor, ...]
    terms: tuple[tuple[Tensor, int], ...]
    is_sum: bool


def sum_of(loss: Tensor, kept: set[int]) -> Sum:
    """What the loss is a sum of, in the order in which it is written; values in `kept` are not opened."""
    around = []
    top = loss
    while top.stamp not in kept and (inner := _inside(top)) is not None:
        around.append(top)
        top = inner
    if top.function not in (np.add, np.subtract) or top.stamp in kept:
        return Sum((), ((loss, 1),), is_sum=False)
    values: dict[int, Tensor] = {}
    times: dict[int, int] = {}
    waiting = [(top, 1)]
    while waiting:
        x, sign = waiting.pop()
        opened = x is top or (x.name is None and x.stamp not in kept)
        if opened and x.function in (np.add, np.subtract, np.negative):
            signs = (-sign,) if x.function is np.negative else (sign, sign if x.function is np.add else -sign)
            pairs = [(operand, s) for operand, s in zip(x.inputs, signs, strict=True) if _counts(operand)]
            waiting.extend(reversed(pairs))
        else:
            values[x.stamp] = x
            times[x.stamp] = times.get(x.stamp, 0) + sign
    found = tuple((x, times[stamp]) for stamp, x in values.items() if times[stamp])
    return Sum(tuple(around), found, is_sum=True)


def _counts(operand: Any) -> bool:
    """Whether a gradient reaches it: numbers and data have no part in one."""
    return isinstance(operand, Tensor) and operand.requires_grad


def _inside(x: Tensor) -> Tensor | None:
    """What x is a constant multiple of: the operand of a sign, product or quotient that needs a gradient."""
    if x.function not in (np.negative, np.positive, np.multiply, np.divide):
        return None
    inner = [operand for operand in x.inputs if _counts(operand)]
    if len(inner) != 1 or (x.function is np.divide and inner[0] is not x.inputs[0]):
        return None
    return inner[0]


def scaled_term(base: Tensor, times: int, around: Sequence[Tensor], kept: set[int]) -> Tensor:
    """A term with its sign and the factors around the sum, as a graph of its own.

    What it is made of is recorded anew as far as the first value that is no constant multiple: so the names
    of the terms do not stand between a parameter and its gradient.  Values in `kept` stay what they are.
    """
    factors = []
    x = base
    while x.stamp not in kept and (inner := _inside(x)) is not None:
        factors.append(x)
        x = inner
    if x.function is not None and x.stamp not in kept:
        x = record(x.function, x.inputs, x.parameters)
    x = _again(factors, x)
    if times == -1:
        x = record(np.negative, (x,))
    elif times != 1:
        x = record(np.multiply, (times, x))
    x = _again(around, x)
    return record(np.positive, (x,)) if x.stamp in kept else x  # a value has a gradient in another one only


def _again(factors: Sequence[Tensor], x: Tensor) -> Tensor:
    """The factors, outermost first, applied to another value."""
    for factor in reversed(factors):
        assert factor.function is not None
        inputs = tuple(x if _counts(operand) else operand for operand in factor.inputs)
        x = record(factor.function, inputs, factor.parameters)
    return x


def term_names(split: Iterable[tuple[Tensor, int]], names: dict[int, str]) -> list[str]:
    """Names of the terms: of the Tensor, or of what it is a constant multiple of; shared ones numbered."""
    wanted = []
    for base, _ in split:
        x: Tensor | None = base
        while x is not None and not x.name:
            x = _inside(x)
        wanted.append(_shown(names[base.stamp] if x is None else str(x.name)))
    shared = Counter(wanted)
    following = {name: map(f"{name}_{{}}".format, count(1)) for name in shared}
    return [
        name if shared[name] == 1 else next(new for new in following[name] if new not in shared)
        for name in wanted
    ]


def _shown(name: str) -> str:
    """cross_entropy -> cross-entropy; other names, A1_drop and mean_1, stay as they are."""
    return name.replace("_", "-") if re.fullmatch(r"[a-z]+(_[a-z]+)+", name) else name
