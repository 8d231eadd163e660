"""What a cell is judged on: a dev set, or each of k folds in turn."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.data import Dataset
from minigrad.training.arguments import whole
from minigrad.training.feed import checked_arrays

Arrays = tuple[Any, ...]


class Part(NamedTuple):
    """Arrays to train on, and those that are held out; `fold` from 1, or None for a dev set."""

    fold: int | None
    train: Arrays
    dev: Arrays


class Examples:
    """The examples of a sweep, and how they are held out: a dev set, or the fold of each of them.

    arrays    (X, y), on which the cells are trained
    dev       arrays to judge on, or None
    fold_of   (m,), in which fold an example is held out, or None
    folds     the folds, from 1; of a dev set [None]
    """

    def __init__(self, arrays: Arrays, *, dev: Arrays | None = None, fold_of: Any = None) -> None:
        self.arrays, self.dev, self.fold_of = arrays, dev, fold_of
        self.folds = [None] if fold_of is None else [*range(1, int(fold_of.max()) + 1)]

    def part(self, fold: int | None) -> Part:
        """What is trained and judged on.  The arrays can only be read, since other runs have them too."""
        if fold is None:
            assert self.dev is not None
            return Part(None, _read_only(self.arrays), _read_only(self.dev))
        held_out = self.fold_of == fold
        train, dev = (tuple(a[which] for a in self.arrays) for which in (~held_out, held_out))
        return Part(fold, _read_only(train), _read_only(dev))

    @property
    def nbytes(self) -> int:
        """How much memory the arrays take; 0 if they are not all NumPy's."""
        arrays = (*self.arrays, *(self.dev or ()))
        return sum(a.nbytes for a in arrays) if all(type(a) is np.ndarray for a in arrays) else 0


def examples(data: Any, *, dev: Any = None, folds: int | None = None, fold_seed: int = 0) -> Examples:
    """The examples with their dev set, or dealt into k folds.

    data     a Dataset, or arrays (X, y).  With folds its dev set is not looked at
    Raises:  TypeError or ValueError, in one sentence, if there is nothing to judge on, or k does not fit.

    >>> X, y = np.zeros((6, 1)), np.array([[0.0], [0], [0], [0], [1], [1]])
    >>> examples((X, y), folds=2).part(1).dev[1].ravel().tolist()
    [0.0, 0.0, 1.0]
    """
    if isinstance(data, Dataset):
        dev = (data.X_dev, data.y_dev) if dev is None and folds is None else dev
        data = data.X, data.y
    arrays = _arrays(data, "data")
    if folds is None:
        if dev is None:
            raise ValueError("sweep: there is nothing to judge on; give dev=(X_dev, y_dev), or folds=")
        held_out = _arrays(dev, "dev")
        if len(held_out) != len(arrays):
            raise ValueError(f"sweep: dev has {len(held_out)} arrays, and data {len(arrays)}")
        for a, b in zip(arrays, held_out, strict=True):
            if a.shape[1:] != b.shape[1:]:
                raise ValueError(
                    f"sweep: an array {a.shape} of data is {b.shape} in dev; only the lengths may differ"
                )
        return Examples(arrays, dev=held_out)
    if dev is not None:
        raise ValueError("sweep: dev= and folds= are two ways to judge; give one of them")
    k = whole(folds, who="sweep", name="folds", least=2)
    if k > (m := len(arrays[0])):
        raise ValueError(f"sweep: folds={k} of {m} examples; each fold needs one, so at most {m}")
    seed = whole(fold_seed, who="sweep", name="fold_seed", least=0)
    return Examples(arrays, fold_of=assigned(arrays[-1], k, seed=seed))


def assigned(y: Any, k: int, *, seed: int) -> np.ndarray:
    """For each example the fold, 1 ... k, in which it is held out; the folds' sizes differ by at most 1.

    Stratified if y are labels, whole numbers (m,) or (m, 1): so do then the numbers of a class in the folds.

    Shapes:  y (m, ...)  ->  (m,)
    Source:  Kohavi 1995, "A study of cross-validation and bootstrap for accuracy estimation".

    >>> assigned(np.array([0, 0, 0, 0, 1, 1]), 2, seed=0)
    array([1, 2, 2, 1, 2, 1])
    """
    order = np.random.default_rng(seed).permutation(len(y))
    if _are_labels(y):
        order = order[np.argsort(np.asarray(y).ravel()[order], kind="stable")]  # class by class
    fold_of = np.empty(len(y), dtype=np.int64)
    fold_of[order] = np.arange(len(y)) % k + 1  # dealt like cards
    return fold_of


def _are_labels(y: Any) -> bool:
    flat = np.asarray(y)
    column = flat.ndim == 1 or (flat.ndim == 2 and flat.shape[1] == 1)
    return column and flat.dtype.kind in "biuf" and bool((flat == np.floor(flat)).all())


def _read_only(arrays: Arrays) -> Arrays:
    """The same, seen by who cannot change them; only NumPy's can be changed in place."""
    seen = tuple(a.view() if isinstance(a, np.ndarray) else a for a in arrays)
    for a in seen:
        if isinstance(a, np.ndarray):
            a.flags.writeable = False
    return seen


def _arrays(value: Any, name: str) -> Arrays:
    """The arrays, finite; what is wrong is said in the name of sweep."""
    try:
        arrays = checked_arrays(value, name)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("fit: ", "sweep: ", 1)) from None
    for i, a in enumerate(arrays):
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            raise ValueError(f"sweep: array {i} of {name}, {a.shape}, is not finite")
    return arrays
