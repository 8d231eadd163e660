"""The chain rule, once: grad and backward, accumulation, un-broadcasting.

Nodes are visited newest first, so a node's gradient is complete when its turn comes: every consumer is newer.
There is no recursion, and each node is visited once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from heapq import heappop, heappush
from operator import attrgetter
from threading import RLock
from typing import Any

import numpy as np

from minigrad.hooks import after_hooks, changes
from minigrad.other_arrays.foreign import broadcast, is_foreign, mixture
from minigrad.reading import describe
from minigrad.switches import recording
from minigrad.table import name_of, table
from minigrad.tensor import Tensor, made, plain
from minigrad.watch import watchers, watching

Outputs = Tensor | Sequence[Tensor]

_accumulating = RLock()
"""Held while gradients are added up, for threads that share leaves."""


def backward(output: Tensor, gradient: Any = None, create_graph: bool = False) -> None:
    """Accumulate ∂output/∂leaf into `.grad` of every leaf that requires a gradient.

    gradient      ∂L/∂output, for an output that is not a scalar
    create_graph  record the backward pass too, so that the gradients can be differentiated again.  The leaf
                  then holds its gradient and the gradient's graph the leaf, a cycle; `grad` makes none
    Raises:       RuntimeError if nothing needs a gradient, if a scalar is wanted, or if a leaf was changed
                  since; no `.grad` is changed then.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> y = x * x * x; y.backward(); y.backward(); x.grad
    Tensor(24.)
    """
    seed = seed_of(output, gradient, "backward")
    watcher = watching() if watchers else None
    before = recording.get()
    try:
        recording.set(create_graph)
        with _accumulating:
            found = []
            for node, g in backpropagate(output, seed, create_graph or watcher is not None):
                if node.function is None or node._retains_grad:
                    if watcher is not None:
                        watcher.accumulates(node)
                    found.append((node, _whole(g, node)))
            new = [  # now: a hook may have called backward itself
                (node, node._grad + g if node.function is None and node._grad is not None else g)
                for node, g in found
            ]
            for node, g in new:  # all of them, or none if a rule or a sum failed
                node._grad = g
    finally:
        recording.set(before)


def grad(
    output: Tensor,
    inputs: Tensor | Sequence[Tensor],
    gradient: Any = None,
    create_graph: bool = False,
    *,
    allow_unused: bool = False,
) -> Any:
    """∂output/∂input for each input (leaf or intermediate result); nothing is stored in `.grad`.

    inputs        a Tensor, or several (a tuple of gradients is returned then)
    gradient      ∂L/∂output, for an output that is not a scalar
    create_graph  record the backward pass too, so that the result can be differentiated again
    allow_unused  give zeros, instead of an error, for an input that the output does not depend on
    Raises:       as backward; ValueError for an input that the output does not depend on.

    >>> x = Tensor(2.0, requires_grad=True)
    >>> dx = grad(x**3, x, create_graph=True); dx.item(), grad(dx, x).item()
    (12.0, 12.0)
    """
    wanted: list[Any] = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    for x in wanted:
        if not isinstance(x, Tensor):
            raise TypeError(f"grad: the inputs must be Tensors, not {type(x).__name__}")
    found: dict[int, Tensor] = {}
    if not allow_unused or getattr(output, "requires_grad", True):
        found = gradients_of(output, seed_of(output, gradient, "grad"), wanted, create_graph)
    results = []
    for x in wanted:
        if x.stamp not in found and not allow_unused:
            raise ValueError(
                f"grad: the output does not depend on {describe(x)}"
                + ("" if x.requires_grad else ", which needs no gradient (requires_grad=True)")
                + "; pass allow_unused=True for zeros"
            )
        results.append(found[x.stamp] if x.stamp in found else made(np.zeros_like(x._value)))
    return results[0] if isinstance(inputs, Tensor) else tuple(results)


def gradients_of(
    outputs: Outputs, seeds: Outputs, inputs: Sequence[Tensor], create_graph: bool, partial: bool = False
) -> dict[int, Tensor]:
    """Stamp of each input that they depend on -> its gradient,  Σ over the outputs of seed · ∂output.

    partial  hold the other inputs still where one is computed of another, and leave their hooks alone
    """
    stamps = {x.stamp for x in inputs}
    symbolic = create_graph or (bool(watchers) and watching() is not None)
    before = recording.get()
    try:
        recording.set(create_graph)
        ends = stamps if partial else ()
        leading = leading_to(stamps, outputs, ends)
        walk = backpropagate(outputs, seeds, symbolic, leading, ends)
        return {node.stamp: _whole(g, node) for node, g in walk if node.stamp in stamps}
    finally:
        recording.set(before)


def _whole(g: Any, x: Tensor) -> Any:
    """The gradient as a Tensor of x's shape, and x's own: assignment to it must not reach another one."""
    if g.shape != x.shape:
        g = broadcast(g, x._value)
    if not isinstance(g, Tensor) or (is_foreign(g._value) and not recording.get()):
        return made(plain(g))
    return np.positive(g) if g.is_leaf else g


def seed_of(output: Any, gradient: Any, name: str) -> Tensor:
    """What a backward pass starts from: the gradient given, or 1 for a scalar; errors name the function."""
    if not isinstance(output, Tensor):
        raise TypeError(f"{name}: the output must be a Tensor, not {type(output).__name__}")
    if not output.requires_grad:
        raise RuntimeError(f"{name}: {describe(output)} does not depend on anything that needs a gradient")
    if gradient is None:
        if output.dtype.kind == "c":
            raise RuntimeError(
                f"{name}: {describe(output)} is complex, and a loss is real; take np.absolute, np.real or "
                "np.imag of it, or pass gradient="
            )
        if output.size != 1:
            raise RuntimeError(
                f"{name}: {describe(output)} is not a scalar; reduce it (np.sum, np.mean) or pass gradient="
            )
        number = not output.shape and not is_foreign(output._value)
        return made(output.dtype.type(1) if number else np.ones_like(output._value))
    if np.shape(gradient) != output.shape:
        raise ValueError(
            f"{name}: gradient= has shape {np.shape(gradient)}, {describe(output)} wants its own"
        )
    if reason := mixture((output._value, gradient._value if isinstance(gradient, Tensor) else gradient)):
        raise TypeError(f"{name}: gradient= and {describe(output)}: {reason}")
    if np.iscomplexobj(gradient) and output.dtype.kind != "c":
        raise ValueError(f"{name}: gradient= is complex, and {describe(output)} is real")
    if isinstance(gradient, Tensor):
        return gradient.astype(output.dtype) if gradient.dtype != output.dtype else gradient
    return Tensor(gradient, dtype=output.dtype)


def leading_to(stamps: set[int], outputs: Outputs, ends: Collection[int] = ()) -> set[int]:
    """The given stamps, and those of the nodes through which a gradient reaches them."""
    nodes = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    seen = {node.stamp for node in nodes}.union(ends)
    for node in nodes:  # grows while it is read
        for x in node.inputs:
            if isinstance(x, Tensor) and x._requires_grad and x.stamp not in seen:
                seen.add(x.stamp)
                nodes.append(x)
    leading = set(stamps)
    for node in sorted(nodes, key=attrgetter("stamp")):
        if any(isinstance(x, Tensor) and x.stamp in leading for x in node.inputs):
            leading.add(node.stamp)
    return leading


def backpropagate(
    outputs: Outputs, seeds: Any, create_graph: bool, leading: Any = None, ends: Collection[int] = ()
) -> Iterator[tuple[Tensor, Any]]:
    """Each node that a gradient reaches with its gradient, newest first: so it is complete by then.

    The rules are given arrays, or Tensors if the backward pass is to be a graph itself, or if the arrays are
    another library's: what Tensors know of these, rules need not.  A gradient that is the same along an axis
    stays broadcast (that of a sum is one number) until a rule needs it whole.
    It does not go on from nodes whose stamps are in `ends`.
    """
    if isinstance(outputs, Tensor):
        outputs, seeds = [outputs], [seeds]
    create_graph = create_graph or any(is_foreign(y._value) for y in outputs)
    nodes, gradients = _several(outputs, seeds, create_graph)
    queue = sorted([-stamp for stamp in nodes])
    if leading is not None:
        queue = [stamp for stamp in queue if -stamp in leading]
    special = bool(ends) or changes[0] > 0  # whether anybody has ever registered a hook
    while queue:
        stamp = -heappop(queue)
        g = gradients.pop(stamp)
        node = nodes.pop(stamp)
        function, data = node.function, node._value
        if type(g) is np.ndarray:
            g.setflags(False)  # type: ignore[call-arg]  # no rule works in place
        if special:
            if stamp in ends:
                yield node, g
                continue
            if node._hooks is not None:
                g = after_hooks(node, g)
        yield node, g
        if function is None:
            continue
        row = table[function]
        inputs, parameters, shape = node.inputs, node.parameters, data.shape
        if not row.elementwise and g.shape != shape:
            g = broadcast(g, data)
        y: Any = node
        values: Any = inputs
        if not create_graph:
            y, values = data, []
            for x in inputs:
                values.append(x._value if isinstance(x, Tensor) else x)
        parts = row.rules[0](g, y, values, parameters) if row.many else None
        for i, x in enumerate(inputs):
            if not isinstance(x, Tensor):
                continue
            stamp_of_x = x.stamp
            if stamp_of_x > stamp:
                raise stale(x, function)
            if not x._requires_grad or (leading is not None and stamp_of_x not in leading):
                continue
            if parts is not None:
                d = parts[i]
            elif row.rules[i] is None:
                continue
            else:
                d = row.rules[i](g, y, values, parameters)
            data = x._value
            shape_of_x = data.shape
            try:
                if shape_of_x != shape != d.shape and row.elementwise:  # x was broadcast: count every use
                    d = np.broadcast_to(d, shape)
                if d.shape != shape_of_x:
                    d = unbroadcast(d, shape_of_x, function, x)
            except AttributeError:
                raise no_array(d, function, x) from None
            if d.dtype is not data.dtype:
                d = of_dtype(d, data.dtype)
            if stamp_of_x in gradients:
                gradients[stamp_of_x] = d + gradients.pop(stamp_of_x)  # a temporary: NumPy adds into it
            else:
                gradients[stamp_of_x] = d
                nodes[stamp_of_x] = x
                heappush(queue, -stamp_of_x)


def of_dtype(g: Any, dtype: Any) -> Any:
    """A gradient in the dtype of its array; of a real one the real part, since  dL = Re(g dx)."""
    g = np.real(g) if g.dtype.kind == "c" != dtype.kind else g
    return g if g.dtype == dtype else g.astype(dtype)


def _several(outputs: Sequence[Tensor], seeds: Sequence[Tensor], create_graph: bool) -> Any:
    """Stamp -> output, and stamp -> its seed, or the sum of its seeds."""
    gradients: dict[int, Any] = {}
    for output, seed in zip(outputs, seeds, strict=True):
        g = seed if create_graph else seed._value
        gradients[output.stamp] = gradients[output.stamp] + g if output.stamp in gradients else g
    return {output.stamp: output for output in outputs}, gradients


def stale(x: Tensor, function: Callable) -> RuntimeError:
    """What is said of a leaf that was assigned to after a function had used it."""
    return RuntimeError(
        f"{describe(x)} was assigned to after {name_of(function)} used it: the graph is stale; "
        "compute the output again before asking for its gradient"
    )


def no_array(d: Any, function: Callable, x: Tensor) -> TypeError:
    """What is said of a rule that gave something else."""
    return TypeError(f"the rule of {name_of(function)} gave {d!r} for {describe(x)}, not an array")


def unbroadcast(g: Any, shape: tuple[int, ...], function: Callable, x: Tensor) -> Any:
    """Un-broadcast: sum g over the axes along which an array of this shape was broadcast.

    Axes along which g itself is still broadcast (of length 1, or not there) stay so.
    """
    if not g.ndim:
        return g
    lead = g.ndim - len(shape)
    if lead > 0 and g.shape[lead:] == shape:
        if lead == 1 and g.ndim == 2 and type(g) is np.ndarray:
            return np.ones(len(g), g.dtype) @ g  # Σₘ g by BLAS, in a third of the time of g.sum(axis=0)
        return g.sum(axis=tuple(range(lead)) if lead > 1 else 0)
    pairs = list(zip((1,) * -lead + g.shape, (1,) * lead + shape, strict=True))
    axes = tuple(i for i, (n, wanted) in enumerate(pairs) if i < lead or wanted == 1 != n)
    if (axes and lead < 0) or any(n != wanted and 1 not in (n, wanted) for n, wanted in pairs):
        raise ValueError(
            f"the rule of {name_of(function)} gave a gradient of shape {g.shape} for {describe(x)}"
        )
    if not axes:
        return g
    left = tuple(1 if i in axes else n for i, (n, _) in enumerate(pairs))[lead:]
    g = g.sum(axis=axes[0] if len(axes) == 1 else axes)
    return g if g.shape == left else g.reshape(left)
