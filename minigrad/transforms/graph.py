"""Walking back from outputs through the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from minigrad.tensor import Tensor


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
