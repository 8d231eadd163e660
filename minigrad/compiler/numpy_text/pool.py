"""The buffers of a program: what one value is done with, another may have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import prod

import numpy as np


class Pool:
    """Buffers that are taken and given back; one memory serves arrays of several shapes, in turn.

    A buffer of which no more than a few rows at a time turn out to be used need not be there: those rows are.

    arrays   name -> array
    buffers  name -> what is kept for the arrays from call to call: their memory, and the few rows

    >>> pool = Pool()
    >>> first = pool.take((2, 3), np.dtype(float), whole=True)
    >>> pool.give_back(first); second = pool.take((3, 2), np.dtype(float), whole=True)
    >>> first, second, np.shares_memory(*pool.arrays.values())
    ('buffer_1', 'buffer_2', True)
    """

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.buffers: dict[str, np.ndarray] = {}
        self._free: list[str] = []
        self._memory: dict[str, np.ndarray] = {}  # buffer -> what it is a view of
        self._whole: set[str] = set()  # buffers of which more than a few rows are used

    def take(
        self, shape: tuple[int, ...], dtype: np.dtype, *, whole: bool, busy: Collection[str] = ()
    ) -> str:
        """Of the free buffers the newest of this shape, or the smallest not too large; else a new one.

        whole  whether more than a few rows of it will be used
        busy   free buffers that may serve no other shape yet
        """
        free = [name for name in self._free if name in self._whole] if whole else self._free
        alike = [
            name for name in free if (self.arrays[name].shape, self.arrays[name].dtype) == (shape, dtype)
        ]
        needed = prod(shape) * dtype.itemsize
        large = [
            name for name in free if needed <= self._memory[name].nbytes <= 2 * needed and name not in busy
        ]
        if alike:
            name = alike[-1]
            self._free.remove(name)
        else:
            name = f"buffer_{len(self._memory) + 1}"
            if large:
                smallest = min(large, key=lambda name: self._memory[name].nbytes)
                self._free.remove(smallest)
                memory = self._memory[smallest]
            else:
                memory = self.buffers[f"memory_{len(self.buffers) + 1}"] = np.empty(needed, np.uint8)
            self._memory[name] = memory
            self.arrays[name] = memory[:needed].view(dtype).reshape(shape)
        if whole:
            self._whole.add(name)
        return name

    def give_back(self, name: str) -> None:
        """Let a buffer be used for other values."""
        self._free.append(name)

    def used(self, names: Iterable[str]) -> None:
        """More than a few rows of these are used."""
        self._whole.update(names)

    def few_rows(self, name: str, n: int) -> str:
        """An array of n rows that serves instead of the buffer."""
        few = f"{name}_{n}_rows"
        self.arrays[few] = self.buffers[few] = self.arrays[name][:n].copy()
        return few

    def let_go(self) -> list[str]:
        """Forget the memory of which a few rows turned out to be enough; gives the names of its buffers."""
        used = {id(memory) for name, memory in self._memory.items() if name in self._whole}
        unused = {name: memory for name, memory in self._memory.items() if id(memory) not in used}
        gone = set(map(id, unused.values()))
        self.buffers = {name: array for name, array in self.buffers.items() if id(array) not in gone}
        return list(unused)
