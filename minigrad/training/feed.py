"""What the data may be, and the batches of an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from minigrad.data import Dataset, batches
from minigrad.other_arrays.chunked import checksums
from minigrad.other_arrays.foreign import is_chunked, to_numpy
from minigrad.random import generator
from minigrad.training.arguments import whole

Batch = tuple[Any, ...]


class Feed:
    """Gives the batches of an epoch, tuples of arrays, each time that it is called.

    count     how many batches an epoch has, if that is known
    example   a batch, to see how many arrays there are, if that is known
    dev       the arrays of a Dataset's dev set, or None
    rng       the generator of the order, or None
    """

    def __init__(self, data: Any, *, batch_size: Any, rng: Any) -> None:
        self.dev: Batch | None = None
        if isinstance(data, Dataset):
            self.dev = data.X_dev, data.y_dev
            data = data.X, data.y
        self.rng: Any = None if rng is None else generator(rng, "fit")
        self.batch_size = batch_size
        self.example: Batch | None = None
        self.count: int | None = None
        self._arrays: Batch | None = None
        arrays = isinstance(data, tuple | list) and len(data) > 0 and all(map(_is_array, data))
        if batch_size is not None:
            _check_batch_size(batch_size, arrays, self.rng)
        elif rng is not None and not callable(data):
            raise ValueError(
                "fit: rng= draws the order of the examples, and one batch has none; give batch_size="
            )
        if arrays:
            self._arrays = self.example = checked_arrays(data, "data")
            self.count = 1 if batch_size is None else -(-len(data[0]) // batch_size)
            self._epoch: Callable[[], Iterable[Any]] = self._of_arrays
        elif callable(data):
            self._epoch = lambda: data(self.rng)
        elif isinstance(data, Sequence) and data and not isinstance(data, str | np.ndarray):
            checked = list(map(_checked_batch, data))
            self._epoch = lambda: checked
            self.count, self.example = len(checked), checked[0]
        elif (
            isinstance(data, Iterable)
            and not isinstance(data, str | Sequence | Iterator)
            and not _is_array(data)
        ):
            self._epoch = lambda: data
        else:
            raise TypeError(_wanted(data))

    def __call__(self) -> Iterator[Batch]:
        epoch: Any = self._epoch()
        if not isinstance(epoch, Iterable):
            what = type(epoch).__name__
            raise TypeError(f"fit: data gives a {what} for an epoch; wanted its batches, [(X, y), ...]")
        return map(_checked_batch, epoch)

    def _of_arrays(self) -> Iterable[Batch]:
        assert self._arrays is not None
        if self.batch_size is None:
            return [self._arrays]
        return batches(*self._arrays, size=self.batch_size, rng=self.rng)

    def describe(self) -> dict[str, Any]:
        """By what the same data is recognized."""
        size = None if self.batch_size is None else int(self.batch_size)
        return {"data": fingerprint(self._arrays), "batch_size": size}


def fingerprint(arrays: Batch | None) -> str:
    """Shapes, dtypes and a checksum of the contents.

    >>> fingerprint((np.zeros((3, 2)), np.zeros(3)))
    '(3, 2) float64 and (3,) float64, checksum 0fc2bb52'
    """
    if arrays is None:
        return "no arrays"
    checksum = 0
    for a in arrays:
        contents = checksums(a) if is_chunked(a) else to_numpy(a)
        checksum = crc32(np.ascontiguousarray(contents).tobytes(), checksum)
    return f"{' and '.join(f'{a.shape} {a.dtype}' for a in arrays)}, checksum {checksum:08x}"


def checked_arrays(arrays: Any, name: str) -> Batch:
    """A tuple of arrays of examples, equally many in each.

    Raises:  TypeError or ValueError that says what is wrong.
    """
    if not isinstance(arrays, tuple | list) or not arrays or not all(map(_is_array, arrays)):
        what = "a tuple of other things" if isinstance(arrays, tuple | list) else f"a {type(arrays).__name__}"
        raise TypeError(f"fit: {name} is {what}; wanted arrays of examples, such as (X, y)")
    lengths = [a.shape[0] if a.shape else None for a in arrays]
    if None in lengths or len(set(lengths)) > 1 or lengths[0] == 0:
        shapes = " and ".join(str(a.shape) for a in arrays)
        raise ValueError(
            f"fit: {name} has arrays {shapes}; the first axis, the examples, must be equally long and not 0"
        )
    return tuple(arrays)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _check_batch_size(size: Any, arrays: bool, rng: Any) -> None:
    whole(size, who="fit", name="batch_size", least=1)
    if not arrays:
        raise ValueError("fit: batch_size= is for arrays; these data come in batches already")
    if rng is None:
        raise TypeError(
            "fit: rng= is missing; mini-batches are drawn from an explicit generator, "
            "for example rng=np.random.default_rng(0)"
        )


def _checked_batch(batch: Any) -> Batch:
    if not isinstance(batch, tuple | list) or not batch:
        raise TypeError(f"fit: a batch is a {type(batch).__name__}; wanted a tuple of arrays, such as (X, y)")
    return tuple(batch)


def _wanted(data: Any) -> str:
    what = "empty" if isinstance(data, Sequence) and not len(data) else f"a {type(data).__name__}"
    why = ""
    if isinstance(data, Iterator):
        why = ", which is used up after one epoch"
    elif _is_array(data):
        why = " alone"
    return (
        f"fit: data is {what}{why}; wanted arrays (X, y), a Dataset, a list of batches, or a function of rng "
        "that gives the batches of an epoch: lambda rng: mg.data.batches(X, y, size=32, rng=rng)"
    )
