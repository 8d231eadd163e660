"""Making a graph, and walking back from its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from minigrad.reading import describe
from minigrad.switches import differentiating, graph_wanted, recording
from minigrad.tensor import Tensor


@contextmanager
def recorded() -> Iterator[None]:
    """Context: what is called makes its graph, within no_grad too, and if it is compiled, is not replayed.

    To read a number out of a Tensor, float(t), would drop its gradient there, and raises.
    """
    switches = recording, graph_wanted, differentiating
    before = [switch.get() for switch in switches]
    try:
        for switch in switches:
            switch.set(True)
        yield
    finally:
        for switch, was in zip(switches, before, strict=True):
            switch.set(was)


def behind(outputs: Iterable[Tensor], is_end: Callable[[Tensor], bool]) -> Iterator[Tensor]:
    """Each Tensor that needs a gradient and has part in the outputs, these too; no further than to the ends.

    >>> x = Tensor(2.0, requires_grad=True, name="x")
    >>> [node.name for node in behind([x * x], lambda node: node.is_leaf)]
    [None, 'x']
    """
    nodes = {y.stamp: y for y in outputs if y.requires_grad}
    waiting = list(nodes.values())
    for node in waiting:  # grows while it is read
        yield node
        if not is_end(node):
            for x in node.inputs:
                if isinstance(x, Tensor) and x._requires_grad and x.stamp not in nodes:
                    nodes[x.stamp] = x
                    waiting.append(x)


def hooked(nodes: Iterable[Tensor]) -> str:
    """Which of these nodes has a hook, or which in a checkpoint that one of them stands for; "" if none."""
    for node in nodes:
        if node._hooks is not None:
            return describe(node)
        if inside := getattr(node.parameters.get("of"), "hooked", ""):
            return inside
    return ""
