"""Who watches: whom operations, assignments and readings are told to while a function is recorded.

tensor.py, backprop.py and optim.py ask `if watchers and (watcher := watching())`: as long as nothing is being
recorded in any thread, that is one look at an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

watchers: list[Any] = []
"""All that watch something now, in any thread."""

_watcher: ContextVar[Any] = ContextVar("minigrad.watcher", default=None)


def watching() -> Any:
    """The one that watches the current thread or task, or None."""
    return _watcher.get()


def tell(event: str, *what: Any) -> None:
    """Call the watcher's method of this name, if there is a watcher."""
    if watchers and (watcher := watching()):
        getattr(watcher, event)(*what)


kept: ContextVar[list[tuple[Any, Any, int]] | None] = ContextVar("minigrad.kept", default=None)
"""What leaves were before they were assigned to, value and stamp, where somebody will put them back."""


def assigned(leaf: Any, value: Any) -> None:
    """A leaf is about to get this value."""
    tell("assigned", leaf, value)
    if (before := kept.get()) is not None:
        before.append((leaf, leaf._value, leaf.stamp))


@contextmanager
def watched_by(watcher: Any) -> Iterator[None]:
    """Context: what happens in this thread or task is told to the watcher; to nobody if it is None."""
    before = _watcher.get()
    try:  # from the beginning: a Ctrl-C may come at any time
        _watcher.set(watcher)
        if watcher is not None:
            watchers.append(watcher)
        yield
    finally:
        _watcher.set(before)
        if watcher in watchers:
            watchers.remove(watcher)
