"""Arrays X and y, perhaps Xval and yval, from an .npz or a MATLAB .mat file; pickled objects are never loaded."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """X (m, n_in) float64 and y (m,), and Xval, yval likewise where the file has them; y is of numbers or text.

    Raises:  ValueError that says what is wrong first, and where; ImportError for a .mat without scipy.
    """
    who = f"load: {path.name}"
    found = _read_npz(path, who) if path.suffix.lower() == ".npz" else _read_mat(path, who)
    arrays = {}
    for X, y in (("X", "y"), ("Xval", "yval")) if {"Xval", "yval"} & set(found) else (("X", "y"),):
        for name in (X, y):
            if name not in found:
                raise ValueError(f'{who}: no array is named "{name}", only {", ".join(found) or "nothing"}')
        arrays[X] = _features(found[X], f'{who}, "{X}"')
        arrays[y] = _labels(found[y], arrays[X].shape, f'{who}, "{y}"', X)
    if "Xval" in arrays and arrays["Xval"].shape[1] != arrays["X"].shape[1]:
        raise ValueError(
            f'{who}: "X" {arrays["X"].shape} and "Xval" {arrays["Xval"].shape} have different numbers of columns'
        )
    return arrays
