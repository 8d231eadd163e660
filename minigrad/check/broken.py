"""Rules broken on purpose: what a test of gradients should notice.

While a rule is broken its row in the table is replaced by a copy in which that one rule is wrapped; the row
is put back in the end, whatever happens.  The wrapper also notes whether it was called and whether it changed
a number, so that of a test which passed it can be said why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from threading import enumerate as threads
from threading import get_ident
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from minigrad.derivatives.reductions import keep_axes
from minigrad.table import Row, name_of, table
from minigrad.tensor import Tensor, plain


class OutOfTime(BaseException):
    """A test ran longer, with a broken rule, than it may; no `except Exception` in the test stops it."""


class Rule(NamedTuple):
    """One rule of the table, and which of its uses are meant.

    function  whose row it is in
    position  of its argument in the row
    masked    of np.multiply: whether the uses with a mask are meant, or all others.  To a test the product
              that dropout takes is a rule of its own
    """

    function: Callable[..., Any]
    position: int
    masked: bool

    @property
    def argument(self) -> str:
        """The argument's name in the row."""
        return table[self.function].arrays[self.position]

    def __str__(self) -> str:
        return f"{name_of(self.function)}, rule of {self.argument}{' beside a mask' * self.masked}"


class Use(NamedTuple):
    """One application of a rule: the rule, what it was given, what it gave, and the argument's shape."""

    pull: Callable[..., Any]
    given: tuple[Any, Any, Any, dict[str, Any]]  # g, y, inputs, parameters
    result: Any
    shape: tuple[int, ...]


def _slightly(use: Use) -> Any:
    return use.result * 1.001


def _sign(use: Use) -> Any:
    return -use.result


def _dropped(use: Use) -> Any:
    return np.zeros_like(plain(use.result))


def _transposed(use: Use) -> Any:
    """The last two axes exchanged, where that leaves the shape as it is."""
    shape = use.result.shape
    return np.swapaxes(use.result, -1, -2) if len(shape) > 1 and shape[-1] == shape[-2] > 1 else None


def _not_summed(use: Use) -> Any:
    """Of the copies that un-broadcasting would add up, the first alone."""
    d, shape = use.result, use.shape
    lead = len(d.shape) - len(shape)
    pairs = list(zip(d.shape[lead:], shape, strict=True)) if lead >= 0 else []
    fits = lead >= 0 and all(n == wanted or wanted == 1 for n, wanted in pairs)
    if not fits or d.shape == shape or 0 in d.shape:
        return None
    return d[(0,) * lead + tuple(slice(0, 1) if wanted == 1 else slice(None) for wanted in shape)]


def _unmasked(use: Use) -> Any:
    """What a mask stops is let through, with the factor of what the mask lets through.

    A rule has a mask if it gives g times a factor, entry by entry, that is 0 at some entries and of one size
    at all others: (x > 0) of relu, the drawn mask of dropout, the hits of a maximum.
    """
    g, y, inputs, parameters = use.given
    whole = keep_axes(g, parameters["axis"], parameters["keepdims"]) if "keepdims" in parameters else g
    values = plain((y, list(inputs)))
    factor = np.asarray(use.pull(np.ones_like(plain(g)), *values, parameters))
    d = plain(use.result)
    try:
        same = np.broadcast_shapes(whole.shape, factor.shape) == d.shape
    except ValueError:
        return None
    sizes = np.unique(np.abs(factor))
    if not same or len(sizes) != 2 or sizes[0] != 0 or not np.array_equal(plain(whole) * factor, d):
        return None
    passed = np.where(factor == 0, sizes[1], 0).astype(d.dtype)
    return use.result + whole * passed


changes: dict[str, Callable[[Use], Any]] = {
    "× 1.001": _slightly,
    "sign flipped": _sign,
    "dropped": _dropped,
    "transposed": _transposed,
    "not un-broadcast": _not_summed,
    "mask dropped": _unmasked,
}
"""What is done to a rule's result, by name; None where the change has nothing to act on."""


class Broken:
    """A rule with a change, and what became of it.

    reached  whether the rule was applied
    applied  whether the change had something to act on
    changed  whether a number came out otherwise
    """

    def __init__(self, rule: Rule, change: str, deadline: float = np.inf) -> None:
        self.rule, self.change, self.deadline = rule, change, deadline
        self.reached = self.applied = self.changed = False
        self.row = table[rule.function]
        # Others may be computing gradients: for threads that were there before, the rule stays right.
        self.bystanders = {thread.ident for thread in threads()} - {get_ident()}

    def result(self, g: Any, y: Any, inputs: Any, parameters: dict[str, Any]) -> Any:
        """What the broken rule gives."""
        pull = self.row.rules[self.rule.position]
        d = pull(g, y, inputs, parameters)
        if get_ident() in self.bystanders or self.rule.masked != masked(self.row, inputs, self.rule.position):
            return d
        if monotonic() > self.deadline:
            raise OutOfTime
        self.reached = True
        if self.row.many:
            return [
                self._change(Use(pull, (g, y, inputs, parameters), *pair))
                for pair in zip(d, map(np.shape, inputs), strict=True)
            ]
        return self._change(Use(pull, (g, y, inputs, parameters), d, np.shape(inputs[self.rule.position])))

    def _change(self, use: Use) -> Any:
        if not hasattr(use.result, "shape"):  # what backpropagation refuses is not for us to mend
            return use.result
        done = None if self.row.many and self.change == "mask dropped" else changes[self.change](use)
        if done is None:
            return use.result
        self.applied = True
        old, new = (np.ravel(plain(d)) for d in (use.result, done))  # an axis of one copy is no change
        self.changed |= not np.array_equal(old, new, equal_nan=True)
        return done

    @contextmanager
    def in_the_table(self) -> Iterator[None]:
        """Context: the rule is broken in the table."""
        row = copy(self.row)
        row.rules = tuple(
            self.result if i == self.rule.position else pull for i, pull in enumerate(row.rules)
        )
        if self.change == "not un-broadcast":
            row.elementwise = False  # or else backpropagation would make its gradient whole again, and sum
        table[self.rule.function] = row
        try:
            yield
        finally:
            table[self.rule.function] = self.row


def masked(row: Row, inputs: Any, position: int) -> bool:
    """Whether this is a product in which the other factor is a mask."""
    return row.function is np.multiply and _is_mask(plain(inputs[1 - position]))


def _is_mask(x: Any) -> bool:
    """Truth values; or numbers that are 0 or of one other value, and not all the same."""
    if not isinstance(x, np.ndarray) or not x.ndim or x.dtype.kind not in "fiub":
        return False
    if x.dtype.kind == "b":
        return True
    top = x.max(initial=0)
    hits = x == top
    return bool(top > 0 and not hits.all() and np.all(hits | (x == 0)))


def rules_of(nodes: Any) -> list[Rule]:
    """The rules that a gradient through these (node, origin) pairs is made with, without repetition."""
    found: dict[Rule, None] = {}
    for _, (function, inputs, _) in nodes:
        row = table[function]
        for i, x in enumerate(inputs):
            position = 0 if row.many else i
            if isinstance(x, Tensor) and x.requires_grad and row.rules[position] is not None:
                found[Rule(function, position, masked(row, inputs, i))] = None
    return list(found)
