"""Many backward passes as one: every gradient is a stack, one more axis in front, an entry for each pass.

What NumPy's functions do to each array of a stack they mostly do to the stack, with their axes moved by one:

    np.sum(x, axis=0)  of each   is   np.sum(x, axis=1)  of the stack,
    x[i]               of each   is   x[:, i]            of the stack.

So the rule in the table, given the moved axes, is the rule for the stack.  For any other function, and for
those that are not minigrad's own, the rule is applied to one entry after another.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from operator import attrgetter, getitem
from types import EllipsisType
from typing import Any

import numpy as np

from minigrad import functions
from minigrad.backprop import leading_to, no_array, of_dtype, stale, unbroadcast
from minigrad.derivatives.further.windows import overlap_add, windows
from minigrad.derivatives.indexing import scatter_add
from minigrad.hooks import after_hooks
from minigrad.other_arrays.foreign import beside
from minigrad.switches import recording
from minigrad.table import Row, table
from minigrad.tensor import Tensor, made
from minigrad.transforms.graph import behind
from minigrad.watch import watchers, watching


def blocks_of(y: Tensor, inputs: Sequence[Tensor], recorded: bool) -> list[Tensor]:
    """∂y/∂x for each input x, of a stack of as many passes as y has numbers; zeros where x has no part in y.

    Shapes:   y (*m), x (*n)  ->  (*m, *n)
    recorded  record what is computed, so that it can be differentiated
    """
    pieces: list[dict[int, Tensor]] = []
    if y.requires_grad and y.size:
        step = max(1, _most // max(node.size for node in behind([y], attrgetter("is_leaf"))))
        for start in range(0, y.size, step):
            rows = np.eye(min(step, y.size - start), y.size, start, y.dtype)
            seeds = made(beside(rows, y._value).reshape(-1, *y.shape))
            pieces.append(stacked_gradients(y, seeds, inputs, recorded))
    blocks = []
    for x in inputs:
        shape = (*y.shape, *x.shape)
        if pieces and x.stamp in pieces[0]:
            block: Any = np.concatenate([piece[x.stamp] for piece in pieces])
            blocks.append(block.reshape(shape))
        else:
            blocks.append(made(np.zeros(shape, x.dtype)))
    return blocks


_most = 2**22
"""How many numbers the largest stack may have: beyond that there are several."""


def stacked_gradients(
    output: Tensor, seeds: Tensor, inputs: Sequence[Tensor], recorded: bool, partial: bool = False
) -> dict[int, Tensor]:
    """Stamp of each input that the output depends on -> its gradients, an entry for each seed.

    Shapes:   y (*m), its seeds (n, *m)  ->  x (*k), its gradients (n, *k)
    partial   as of `gradients_of`
    """
    symbolic = recorded or _is_watched()
    before = recording.get()
    try:
        recording.set(recorded)
        ends = {x.stamp for x in inputs} if partial else set()
        return _backwards(output, seeds if symbolic else seeds._value, inputs, symbolic, ends=ends)
    finally:
        recording.set(before)


def slopes_along(y: Tensor, u: Tensor, inputs: Sequence[Tensor], recorded: bool) -> list[Tensor]:
    """Jᵀ u  for each input, a stack of one, as a graph of u, and of nothing else unless it is recorded."""
    before = recording.get()
    try:
        recording.set(True)
        found = _backwards(y, u, inputs, True, held=not recorded and not _is_watched())
    finally:
        recording.set(before)
    return [found[x.stamp] if x.stamp in found else made(np.zeros((1, *x.shape), x.dtype)) for x in inputs]


def _is_watched() -> bool:
    return bool(watchers) and watching() is not None


def _backwards(
    output: Tensor,
    seeds: Any,
    inputs: Sequence[Tensor],
    symbolic: bool,
    held: bool = False,
    ends: Collection[int] = (),
) -> dict[int, Tensor]:
    """The pass itself, on Tensors if it is symbolic; held: with the values of the nodes as constants.

    ends  stamps of nodes from which it does not go on, and whose hooks it leaves alone
    """
    stamps = {x.stamp for x in inputs}
    leading = leading_to(stamps, output, ends)
    nodes = [node for node in behind([output], lambda node: node.stamp in ends) if node.stamp in leading]
    gradients: dict[int, Any] = {output.stamp: seeds}
    found: dict[int, Tensor] = {}
    for node in sorted(nodes, key=attrgetter("stamp"), reverse=True):
        g = gradients.pop(node.stamp, None)
        if g is None:
            continue
        if node._hooks is not None and node.stamp not in ends:
            g = np.stack([after_hooks(node, part) for part in g])
        if node.stamp in stamps:
            found[node.stamp] = g if isinstance(g, Tensor) else made(g)
        if node.function is None or node.stamp in ends:
            continue
        for x, d in _passed_on(node, g, symbolic, held, leading):
            gradients[x.stamp] = d + gradients[x.stamp] if x.stamp in gradients else d
    return found


def _passed_on(
    node: Tensor, g: Any, symbolic: bool, held: bool, leading: set[int]
) -> list[tuple[Tensor, Any]]:
    """(input, its gradients) for each input of a node on the way, by the rules of the node's function."""
    assert node.function is not None
    row, n = table[node.function], len(g)
    wanted = []
    for i, x in enumerate(node.inputs):
        if isinstance(x, Tensor):
            if x.stamp > node.stamp:
                raise stale(x, node.function)
            if x._requires_grad and x.stamp in leading and row.rules[0 if row.many else i] is not None:
                wanted.append((i, x))
    y: Any = node
    values: Sequence[Any] = node.inputs
    if held:
        y, values = made(node._value), [made(x._value) if isinstance(x, Tensor) else x for x in values]
    elif not symbolic:
        y, values = node._value, [x._value if isinstance(x, Tensor) else x for x in node.inputs]
    moved = _moved(node, row, n)
    if moved is None:
        entries = [_ruled(row, part, y, values, node.parameters, wanted) for part in g]
        of_inputs = zip(wanted, zip(*entries, strict=True), strict=True)
        return [(x, np.stack([_fitted(d, (), node, x) for d in ds])) for (_, x), ds in of_inputs]
    if node.function is np.matmul and values[0].ndim == 1:  # as the one row of a matrix
        g = np.expand_dims(g, -1 if values[1].ndim == 1 else -2)
        values = [np.expand_dims(values[0], 0), values[1]]
    elif not (row.elementwise or node.function in aligned):
        y, values = _repeated(y, n), [_repeated(x, n) for x in values]
    found = _ruled(row, g, y, values, moved, wanted)
    return [(x, _fitted(d, (n,), node, x)) for d, (_, x) in zip(found, wanted, strict=True)]


def _ruled(row: Row, g: Any, y: Any, values: Any, parameters: Any, wanted: list[Any]) -> list[Any]:
    """What the rules give for the inputs that are wanted."""
    if row.many:
        parts = row.rules[0](g, y, values, parameters)
        return [parts[i] for i, _ in wanted]
    return [row.rules[i](g, y, values, parameters) for i, _ in wanted]


def _fitted(d: Any, lead: tuple[int, ...], node: Tensor, x: Tensor) -> Any:
    """What a rule gave for x, un-broadcast, in the shape of x behind that of the stack, and x's dtype."""
    assert node.function is not None
    if not hasattr(d, "shape"):
        raise no_array(d, node.function, x)
    shape, k = (*lead, *x.shape), len(lead)
    if d.shape != shape:
        d = unbroadcast(d, (*lead, *(1,) * (d.ndim - len(shape)), *x.shape), node.function, x)
        if d.ndim > len(shape):
            d = np.reshape(d, (*d.shape[:k], *d.shape[d.ndim - x.ndim :]))
        d = d if d.shape == shape else np.broadcast_to(d, shape)
    return d if d.dtype is x.dtype else of_dtype(d, x.dtype)


def _repeated(x: Any, n: int) -> Any:
    """The same values in each entry."""
    return np.broadcast_to(x, (n, *x.shape)) if hasattr(x, "shape") else x


# ---- the call that does it for the stack

aligned = {np.matmul, np.where, np.clip, np.real, np.imag, np.angle, np.astype, np.broadcast_to}
"""Functions whose rules see to the last axes alone, as those of elementwise functions do."""


def _moved(node: Tensor, row: Row, n: int) -> dict[str, Any] | None:
    """The parameters with which the node's function works on each of a stack of n; None if none are known."""
    rules = row.written.values()
    if any(getattr(rule, "__module__", "minigrad").partition(".")[0] != "minigrad" for rule in rules if rule):
        return None  # of somebody's own, and tested by nobody with more axes
    if row.elementwise or node.function in aligned:
        return node.parameters
    move = _moves.get(node.function)
    moved = None if move is None else move(node, n, **node.parameters)
    return None if moved is None else {**node.parameters, **moved}


def _of_all_axes(node: Tensor, n: int, axis: Any, **_: Any) -> dict[str, Any]:
    ndim = node.inputs[0].ndim
    return {"axis": tuple(range(1, ndim + 1)) if axis is None else _behind(axis, ndim)}


def _of_one_axis(node: Tensor, n: int, axis: Any, **_: Any) -> dict[str, Any] | None:
    return None if axis is None else {"axis": _behind(axis, node.ndim)}


def _of_axes(node: Tensor, n: int, axes: Any, **_: Any) -> dict[str, Any]:
    return {"axes": (0, *(range(node.ndim, 0, -1) if axes is None else _behind(tuple(axes), node.ndim)))}


def _of_two_axes(node: Tensor, n: int, axis1: int, axis2: int) -> dict[str, Any]:
    return {"axis1": _behind(axis1, node.ndim), "axis2": _behind(axis2, node.ndim)}


def _of_shape(node: Tensor, n: int, **_: Any) -> dict[str, Any]:
    return {"shape": (n, *node.shape)}  # with order="F", too: the axis of the stack is the first of both


def _of_index(node: Tensor, n: int, index: Any, **shape: Any) -> dict[str, Any] | None:
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [i for i, part in enumerate(parts) if not isinstance(part, slice | EllipsisType | None)]
    apart = bool(arrays) and arrays[-1] - arrays[0] + 1 != len(arrays)
    if apart and not all(_is_whole(parts[i]) for i in arrays):
        return None  # the axes of the arrays come first, before that of the stack
    return {"index": (slice(None), *parts), **({"shape": (n, *node.shape)} if shape else {})}


def _of_windows(node: Tensor, n: int, axes: Any, **_: Any) -> dict[str, Any]:
    return {"axes": _behind(tuple(axes), node.inputs[0].ndim)}


def _of_added(node: Tensor, n: int, axes: Any, shape: Any, **_: Any) -> dict[str, Any]:
    return {"axes": _behind(tuple(axes), node.ndim), "shape": (n, *shape)}


_moves: dict[Callable[..., Any] | None, Callable[..., Any]] = {
    **dict.fromkeys(
        (np.sum, np.mean, np.var, np.std, np.max, np.min, np.prod, functions.logsumexp), _of_all_axes
    ),
    **dict.fromkeys(
        (np.concatenate, np.stack, np.cumsum, functions.softmax, functions.log_softmax), _of_one_axis
    ),
    np.transpose: _of_axes, np.swapaxes: _of_two_axes,
    **dict.fromkeys((np.reshape, np.ravel, np.expand_dims, np.squeeze), _of_shape),
    getitem: _of_index, scatter_add: _of_index,
    windows: _of_windows, overlap_add: _of_added,
}  # fmt: skip


def _behind(axis: Any, ndim: int) -> Any:
    """An axis, or several, behind the axis of the stack."""
    return tuple(i % ndim + 1 for i in axis) if isinstance(axis, tuple) else axis % ndim + 1


def _is_whole(part: Any) -> bool:
    """Whether this part of an index is a whole number."""
    return isinstance(part, int | np.integer) and not isinstance(part, bool)
