"""Mini-batches."""

from collections.abc import Iterator
from numbers import Integral

import numpy as np


def batches(
    *arrays: np.ndarray,
    size: int,
    rng: np.random.Generator | np.random.RandomState | int,
    drop_last: bool = False,
) -> Iterator[tuple[np.ndarray, ...]]:
    """One epoch: every row once, in one random order, `size` rows at a time, from all arrays alike.

    The last batch holds what remains, unless drop_last.  The order is drawn when `batches` is called: for many epochs
    call it once each with the same Generator (a bare seed would give the same order every time).

    Shapes:  arrays (m, ...)  ->  tuples of arrays (size, ...)
    Raises:  TypeError if an array has no rows to count, or rng is not a Generator, a RandomState or a seed;
             ValueError if the arrays' lengths differ, size is less than 1, or there would be no batch at all.

    >>> for X, y in batches(np.arange(5), np.arange(5) * 10, size=2, rng=0):
    ...     print(X, y)
    [2 0] [20  0]
    [1 3] [10 30]
    [4] [40]
    """
    if not arrays or not all(getattr(a, "shape", ()) for a in arrays):
        raise TypeError(
            "batches: wanted one or more arrays of examples (m, ...), such as batches(X, y, size=32, rng=rng)"
        )
    if len(lengths := {len(a) for a in arrays}) > 1:
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(
            f"batches: the arrays' shapes are {shapes}; the first axis must have the same length in all"
        )
    if not isinstance(size, Integral) or size < 1:
        raise ValueError(f"batches: size={size!r}; wanted a whole number of rows, 1 or more")
    m = lengths.pop()
    stop = m - m % size if drop_last else m
    if not stop:
        raise ValueError(
            f"batches: {m} rows give no batch of size={size}{' with drop_last' if drop_last else ''}"
        )
    order = _generator(rng).permutation(m)
    return (tuple(a[order[i : i + size]] for a in arrays) for i in range(0, stop, size))


def _generator(rng: object) -> np.random.Generator | np.random.RandomState:
    if isinstance(rng, np.random.Generator | np.random.RandomState):
        return rng
    if isinstance(rng, Integral) and not isinstance(rng, bool):
        return np.random.default_rng(int(rng))
    raise TypeError(
        f"batches: rng={rng!r}; wanted a numpy.random.Generator, a RandomState or a seed, "
        "for example rng=np.random.default_rng(0)"
    )
