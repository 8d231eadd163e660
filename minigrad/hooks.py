"""Hooks: functions that are called with the gradient of a Tensor, and may put another in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.reading import describe
from minigrad.tensor import Tensor, made
from minigrad.watch import tell

changes = [0]
"""How often a hook was registered or removed: while that is the same, no Tensor has other hooks."""


class Handle:
    """A hook that was registered; `remove()` takes it off, and does nothing the second time."""

    def __init__(self, tensor: Tensor, function: Callable[[Tensor], Any]) -> None:
        self._tensor: Tensor | None = tensor
        self.function = function

    def remove(self) -> None:
        """Take the hook off its Tensor."""
        tensor, self._tensor = self._tensor, None
        if tensor is not None:
            tell("hooked", tensor)
            changes[0] += 1
            tensor._hooks = tuple(hook for hook in tensor._hooks or () if hook is not self) or None


def register(tensor: Tensor, function: Any) -> Handle:
    """What stands behind `Tensor.register_hook`."""
    if not callable(function):
        what = type(function).__name__
        raise TypeError(f"register_hook: {describe(tensor)} was given a {what}, not a function")
    if not tensor.requires_grad:
        raise RuntimeError(f"register_hook: {describe(tensor)} needs no gradient, so none would arrive")
    tell("hooked", tensor)
    changes[0] += 1
    handle = Handle(tensor, function)
    tensor._hooks = (*(tensor._hooks or ()), handle)
    return handle


def after_hooks(node: Tensor, g: Any) -> Any:
    """A node's gradient, an array or a Tensor, after its hooks have seen it, in the order of registration."""
    tell("calls_hook", node)
    symbolic = isinstance(g, Tensor)
    for hook in node._hooks or ():
        if g.shape != node.shape:  # left broadcast
            g = np.broadcast_to(g, node.shape)
        given = g if symbolic else made(g)
        stamp = given.stamp
        returned = hook.function(given)
        if returned is None and given.stamp != stamp:
            raise RuntimeError(
                f"a hook of {describe(node)} assigned to the gradient, which changes nothing: return the new "
                "one"
            )
        if returned is not None:
            g = _checked(node, returned)
            g = g if symbolic else g._value
    return g


def _checked(node: Tensor, returned: Any) -> Tensor:
    """What a hook gave in place of a gradient, as a Tensor of the node's shape and dtype."""
    who = f"a hook of {describe(node)}"
    if not isinstance(returned, Tensor | np.ndarray | np.generic):
        what = type(returned).__name__
        raise TypeError(f"{who} gave a {what}; wanted None, or a gradient of shape {node.shape}")
    if returned.shape != node.shape or returned.dtype.kind not in "fiub":
        what = f"{returned.dtype} of shape {returned.shape}"
        raise ValueError(f"{who} gave {what}; wanted real numbers of shape {node.shape}")
    g = returned if isinstance(returned, Tensor) else Tensor(returned)
    return g if g.dtype == node.dtype else g.astype(node.dtype)
