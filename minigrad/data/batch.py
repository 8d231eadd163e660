"""Mini-batches."""

from collections.abc import Iterator

import numpy as np

from minigrad.random import generator


def batches(
    *arrays: np.ndarray,
    size: int,
    rng: np.random.Generator | np.random.RandomState | int,
    drop_last: bool = False,
) -> Iterator[tuple[np.ndarray, ...]]:
    """One epoch: every row once, in a random order, `size` rows at a time, the same rows of all arrays.

    The last batch holds what remains, unless drop_last.  The order is drawn when `batches` is called: for
    many epochs, call it once for each with the same Generator (a seed would give the same order every time).

    Shapes:  arrays (m, ...)  ->  tuples of arrays (size, ...)
    Raises:  TypeError if an array has no rows, or rng is not a Generator, a RandomState or a seed;
             ValueError if the arrays' lengths differ, size is not 1 or more, or there would be no batch.

    >>> for X, y in batches(np.arange(5), np.arange(5) * 10, size=2, rng=0):
    ...     print(X, y)
    [2 4] [20 40]
    [3 0] [30  0]
    [1] [10]
    """
    if not arrays or not all(getattr(a, "shape", ()) for a in arrays):
        raise TypeError(
            "batches: wanted arrays of examples (m, ...), such as batches(X, y, size=32, rng=rng)"
        )
    m = len(arrays[0])
    if any(len(a) != m for a in arrays):
        shapes = " and ".join(str(a.shape) for a in arrays)
        raise ValueError(f"batches: arrays {shapes}; the first axis, the examples, must be equally long")
    if not hasattr(size, "__index__") or size < 1:
        raise ValueError(f"batches: size={size!r}; wanted a whole number of rows, 1 or more")
    stop = m - m % size if drop_last else m
    if stop == 0:
        raise ValueError(f"batches: {m} rows make no batch with size={size}, drop_last={drop_last}")
    order = generator(rng, "batches").permutation(m)
    return (tuple(a[order[i : i + size]] for a in arrays) for i in range(0, stop, size))
