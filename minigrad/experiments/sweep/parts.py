"""What a cell is judged on: a dev set, or each of k folds in turn."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minigrad.data import Dataset
from minigrad.training.arguments import whole
from minigrad.training.feed import checked_arrays


class Part(NamedTuple):
    """Arrays to train on, and those that are held out; `fold` from 1, or None for a dev set."""

    fold: int | None
    train: tuple[Any, ...]
    dev: tuple[Any, ...]


def parts(data: Any, *, dev: Any = None, folds: int | None = None, fold_seed: int = 0) -> list[Part]:
    """The dev set, or k parts in each of which another fold is held out.

    data     a Dataset, or arrays (X, y).  With folds its dev set is not looked at
    Raises:  TypeError or ValueError, in one sentence, if there is nothing to judge on, or k does not fit.

    >>> X, y = np.zeros((6, 1)), np.array([[0.0], [0], [0], [0], [1], [1]])
    >>> [part.dev[1].ravel().tolist() for part in parts((X, y), folds=2)]
    [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
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
        return [Part(None, arrays, held_out)]
    if dev is not None:
        raise ValueError("sweep: dev= and folds= are two ways to judge; give one of them")
    k = whole(folds, who="sweep", name="folds", least=2)
    if k > (m := len(arrays[0])):
        raise ValueError(f"sweep: folds={k} of {m} examples; each fold needs one, so at most {m}")
    seed = whole(fold_seed, who="sweep", name="fold_seed", least=0)
    fold_of = assigned(arrays[-1], k, seed=seed)
    return [
        Part(
            fold,
            tuple(a[fold_of != fold] for a in arrays),
            tuple(a[fold_of == fold] for a in arrays),
        )
        for fold in range(1, k + 1)
    ]


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


def _arrays(value: Any, name: str) -> tuple[Any, ...]:
    """The arrays, finite; what is wrong is said in the name of sweep."""
    try:
        arrays = checked_arrays(value, name)
    except (TypeError, ValueError) as error:
        raise type(error)(str(error).replace("fit: ", "sweep: ", 1)) from None
    for i, a in enumerate(arrays):
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            raise ValueError(f"sweep: array {i} of {name}, {a.shape}, is not finite")
    return arrays
