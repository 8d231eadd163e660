"""What all runs share, sent to a process once: a file that the processes map into their memory."""

from __future__ import annotations

import os
import pickle
import tempfile
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

_few_bytes = 1 << 17
"""What has no more than this is sent with each run: that is as fast, and needs no file."""


class Shared:
    """A value with arrays, which goes to other processes as a file, written when the first is to have it.

    Threads get the value itself.  A process maps the file once, and all have it in the same memory.
    """

    def __init__(self, value: Any, nbytes: int = 0) -> None:
        self._value, self._large = value, nbytes > _few_bytes
        self._sent: Sent | None = None
        self._lock = Lock()

    def get(self) -> Any:
        """The value."""
        return self._value

    def close(self) -> None:
        """Remove the file."""
        if self._sent is not None:
            with suppress(OSError):  # Windows, while a process has it
                os.unlink(self._sent.path)

    def __reduce__(self) -> tuple[Any, ...]:
        """How it is sent: by whatever pickles it, which may be an executor's thread."""
        with self._lock:
            if self._large and self._sent is None:
                try:
                    self._sent = _written(self._value)
                except OSError:  # a full disk
                    self._large = False
        return (Shared, (self._value,)) if self._sent is None else (Sent, tuple(self._sent))


class Sent(NamedTuple):
    """A value where it has arrived: its arrays are in the file, at these places, and all else in the head."""

    path: str
    head: bytes
    places: tuple[tuple[int, int], ...]

    def get(self) -> Any:
        """The value; its arrays can only be read.

        Raises:  OSError on a machine that does not see the file.
        """
        return _read(*self)


def _written(value: Any) -> Sent:
    arrays: list[pickle.PickleBuffer] = []
    head, places = pickle.dumps(value, 5, buffer_callback=arrays.append), []
    with tempfile.NamedTemporaryFile(prefix="minigrad-sweep-", delete=False) as file:
        try:
            for array in arrays:
                file.write(bytes(-file.tell() % 64))  # aligned
                start = file.tell()
                file.write(array.raw())
                places.append((start, file.tell()))
        except BaseException:
            os.unlink(file.name)
            raise
    return Sent(file.name, head, tuple(places))


@lru_cache(maxsize=1)
def _read(path: str, head: bytes, places: tuple[tuple[int, int], ...]) -> Any:
    memory = np.memmap(path, np.uint8, mode="r")
    return pickle.loads(head, buffers=[memory[start:end] for start, end in places])
