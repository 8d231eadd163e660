"""Forward mode by the table of the reverse mode: a rule, transposed, carries tangents.

A rule is the linear map  g -> Jᵀ g.  Forward mode wants  v -> J v,  and there is no second table for it:

- of an elementwise function J is diagonal, so the rule is its own transpose, and is given v in place of g
  (so is that of softmax, whose J is symmetric);
- a function that is linear in an argument, as its row says, is its own derivative: v is put in its place;
- of any other the rule is recorded on a g of its own and differentiated with respect to it, which transposes
  it (`gradients_of` is that transposition): J v = ∂⟨Jᵀ g, v⟩/∂g.

Transposing the whole backward pass at once, the usual way to get forward from reverse mode, records every
rule and then pulls through what was recorded.  Here most nodes cost one evaluation of a rule on arrays: a
network of four layers takes some 0.6 of that time.  It is done where a rule must see what the outputs make of
its function: vectors that have a free phase are refused to what depends on it, and to nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add, attrgetter
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.backprop import gradients_of, stale, unbroadcast
from minigrad.other_arrays.foreign import beside, is_chunked, is_foreign
from minigrad.switches import recording
from minigrad.table import table
from minigrad.tensor import Tensor, made, record
from minigrad.transforms.graph import behind
from minigrad.watch import watchers, watching

symmetric = {functions.softmax, np.where, np.clip}
"""Functions beside the elementwise whose Jacobians are symmetric, but for broadcasting."""

together = {np.concatenate, np.stack}
"""Functions that are linear in all arrays together: those that do not move have the tangent 0."""


def push(
    outputs: Sequence[Tensor], variables: Sequence[Tensor], tangents: Sequence[Tensor], recorded: bool
) -> list[Tensor | None]:
    """The tangent  J v  of each output, for a tangent v of each variable; None where nothing arrives.

    Nodes are visited oldest first, so the tangents of a node's inputs are there when its turn comes.
    recorded   record what is computed, so that the tangents can be differentiated
    """
    symbolic = recorded or (bool(watchers) and watching() is not None)
    symbolic = symbolic or any(is_foreign(v._value) for v in tangents)
    try:
        found = _node_by_node(outputs, variables, tangents, recorded, symbolic)
    except np.linalg.LinAlgError:
        return _at_once(outputs, variables, tangents, recorded)
    results = [found.get(y.stamp) for y in outputs]
    return [v if isinstance(v, Tensor) or v is None else made(v) for v in results]


def _node_by_node(
    outputs: Sequence[Tensor],
    variables: Sequence[Tensor],
    tangents: Sequence[Tensor],
    recorded: bool,
    symbolic: bool,
) -> dict[int, Any]:
    """Stamp of each node that a tangent reaches -> its tangent."""
    found: dict[int, Any] = {
        x.stamp: v if symbolic else v._value for x, v in zip(variables, tangents, strict=True)
    }
    ends = set(found)

    def is_variable(node: Tensor) -> bool:
        return node.stamp in ends

    before = recording.get()
    try:
        recording.set(recorded)
        between = [node for node in behind(outputs, is_variable) if not is_variable(node)]
        for node in sorted(between, key=attrgetter("stamp")):
            moved = {
                i: found[x.stamp]
                for i, x in enumerate(node.inputs)
                if isinstance(x, Tensor) and x.stamp in found
            }
            tangent = _tangent(node, moved, symbolic) if moved else None
            if tangent is not None:
                found[node.stamp] = tangent
    finally:
        recording.set(before)
    return found


def _at_once(
    outputs: Sequence[Tensor], variables: Sequence[Tensor], tangents: Sequence[Tensor], recorded: bool
) -> list[Tensor | None]:
    """J v = ∂⟨Jᵀ u, v⟩/∂u,  with a generic u: what a rule refuses because of the outputs is refused here."""
    seeds = [made(generic(y), True) for y in outputs]
    back = gradients_of(outputs, seeds, variables, True, partial=True)
    pairs = [(back[x.stamp], v) for x, v in zip(variables, tangents, strict=True) if x.stamp in back]
    found = gradients_of([d for d, _ in pairs], [v for _, v in pairs], seeds, recorded)
    return [found.get(u.stamp) for u in seeds]


def generic(y: Tensor) -> Any:
    """A g of y's shape, dtype and kind, in which nothing cancels that a rule would refuse."""
    if is_chunked(y._value):  # whose rules look at no values, and whose size may be unknown
        return np.ones_like(y._value)
    return beside(np.cos(np.arange(y.size)).reshape(y.shape).astype(y.dtype), y)


def _tangent(node: Tensor, moved: dict[int, Any], symbolic: bool) -> Any:
    """The tangent of a node, from those of its inputs; None if no rule passes them on."""
    function, parameters = node.function, node.parameters
    assert function is not None
    row = table[function]
    for x in node.inputs:
        if isinstance(x, Tensor) and x.stamp > node.stamp:
            raise stale(x, function)
    y: Any = node
    values: Sequence[Any] = node.inputs
    if not symbolic:
        y, values = node._value, [x._value if isinstance(x, Tensor) else x for x in node.inputs]
    moved = {i: v for i, v in moved.items() if row.rules[0 if row.many else i] is not None}
    if row.elementwise or function in symmetric:
        parts = [row.rules[i](v, y, values, parameters) for i, v in moved.items()]
    elif row.linear or function in together:
        places = [tuple(v if j == i else x for j, x in enumerate(values)) for i, v in moved.items()]
        if function in together:
            places = [tuple(moved[j] if j in moved else np.zeros_like(x) for j, x in enumerate(values))]
        parts = [
            record(function, inputs, parameters) if symbolic else row.compute(*inputs, **parameters)
            for inputs in places
        ]
    else:
        parts = _transposed(node, moved, symbolic)
    if not parts:
        return None
    tangent = reduce(add, parts)
    if tangent.shape != node.shape:
        tangent = np.broadcast_to(tangent, node.shape)
    return _as(tangent, node.dtype)


def _as(v: Any, dtype: Any) -> Any:
    """v in this dtype; where a complex tangent meets real numbers, its real part is what counts."""
    v = np.real(v) if v.dtype.kind == "c" and dtype.kind != "c" else v
    return v if v.dtype == dtype else v.astype(dtype)


def _transposed(node: Tensor, moved: dict[int, Any], symbolic: bool) -> list[Any]:
    """[J v], by differentiating  ⟨Jᵀ g, v⟩  with respect to g."""
    assert node.function is not None
    row = table[node.function]
    g = made(generic(node), requires_grad=True)
    y, values = node, node.inputs
    if not symbolic:  # constants, so that nothing but g is differentiated
        y, values = made(node._value), tuple(made(x._value) if isinstance(x, Tensor) else x for x in values)
    before = recording.get()
    try:
        recording.set(True)
        parts = row.rules[0](g, y, values, node.parameters) if row.many else None
        pairs = []
        for i, v in moved.items():
            d = parts[i] if parts is not None else row.rules[i](g, y, values, node.parameters)
            x = node.inputs[i]
            if d.shape != x.shape:
                d = np.broadcast_to(unbroadcast(d, x.shape, node.function, x), x.shape)
            if isinstance(d, Tensor) and d.requires_grad:
                v = _as(v, d.dtype)
                pairs.append((d, v if isinstance(v, Tensor) else made(v)))
    finally:
        recording.set(before)
    found = gradients_of([d for d, _ in pairs], [v for _, v in pairs], [g], recording.get())
    return [tangent if symbolic else tangent._value for tangent in found.values()]
