"""Arrays X and y, perhaps Xval and yval, from an .npz or a MATLAB .mat file; nothing is ever unpickled."""

from pathlib import Path
from typing import Any

import numpy as np

from minigrad.data.split import LARGEST

ARRAYS = ("X", "y", "Xval", "yval")
_zip_begins = b"PK\x03\x04"


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """X (m, n_in) float64 and y (m,) of numbers or text, and the same of Xval and yval if they are there.

    Raises:  ValueError that says what is wrong first, and where; ImportError for a .mat file without scipy.
    """
    who = f"load: {path.name}"
    found = _read_npz(path, who) if path.suffix.lower() == ".npz" else _read_mat(path, who)
    has_dev = "Xval" in found or "yval" in found
    arrays: dict[str, np.ndarray] = {}
    for X, y in (ARRAYS[:2], ARRAYS[2:])[: 1 + has_dev]:
        for name in (X, y):
            if name not in found:
                raise ValueError(f'{who}: no array is named "{name}", only {", ".join(found) or "nothing"}')
        arrays[X] = _features(found[X], f'{who}, "{X}"', X)
        arrays[y] = _labels(found[y], f'{who}, "{y}"', X, arrays[X].shape)
    if has_dev and arrays["X"].shape[1] != arrays["Xval"].shape[1]:
        shapes = f'"X" {arrays["X"].shape} and "Xval" {arrays["Xval"].shape}'
        raise ValueError(f"{who}: {shapes}: the numbers of columns differ")
    return arrays


def _read_npz(path: Path, who: str) -> dict[str, Any]:
    from zipfile import is_zipfile

    if not is_zipfile(path):  # it looks for the table of contents, which a zip has at its end
        with path.open("rb") as opened:
            cut = _zip_begins.startswith(opened.read(len(_zip_begins)))
        what = "damaged or cut short; copy it again, or save it" if cut else "not an .npz file; save one"
        raise ValueError(f"{who}: {what} with numpy.savez(path, X=X, y=y)")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return {name: file[name] if name in ARRAYS else None for name in file.files}
    except Exception as error:  # a damaged zip can raise nearly anything
        pickled = "allow_pickle" in str(error)
        reason = "pickled Python objects, which are never loaded" if pickled else "damaged or cut short"
        raise ValueError(f"{who}: {reason}; save plain arrays with numpy.savez(path, X=X, y=y)") from error


def _read_mat(path: Path, who: str) -> dict[str, Any]:
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError(f"{who}: a .mat file is read by scipy; pip install 'minigrad[demo]'") from error
    try:
        found = loadmat(path, appendmat=False)
    except NotImplementedError as error:
        raise ValueError(f"{who}: a MATLAB 7.3 file; in MATLAB, save it with save(..., '-v7')") from error
    except Exception as error:  # on bytes that are not MATLAB's, scipy can raise nearly anything
        raise ValueError(f"{who}: not a MATLAB .mat file, or a damaged one") from error
    return {name: value for name, value in found.items() if not name.startswith("__")}


def _features(X: Any, who: str, name: str) -> np.ndarray:
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "buif":
        raise ValueError(f"{who}: {_kind(X)}; wanted an array of real numbers")
    if X.ndim != 2 or 0 in X.shape:
        hint = f"; did you mean {name}.reshape(-1, 1)?" if X.ndim == 1 and X.size else ""
        raise ValueError(f"{who}: shape {X.shape}; wanted (m, n_in), one example a row{hint}")
    X = X.astype(np.float64)
    if len(bad := np.argwhere(~(np.abs(X) < LARGEST))):  # nan is not less either
        row, column = bad[0]
        value = f"{name}[{row}, {column}] is {X[row, column]}"
        raise ValueError(f"{who}: {value}; every feature must be a finite number below {LARGEST:g}")
    return X


def _labels(y: Any, who: str, X: str, shape: tuple[int, ...]) -> np.ndarray:
    """y, (m,) or (m, 1) or (1, m), as (m,)."""
    m, n_in = shape
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "buifU":
        raise ValueError(f"{who}: {_kind(y)}; wanted an array of numbers or text")
    if y.ndim not in (1, 2) or (y.ndim == 2 and 1 not in y.shape):
        hint = "; if it is one-hot, save y.argmax(axis=1)" if y.ndim == 2 and len(y) == m else ""
        raise ValueError(f"{who}: shape {y.shape}; wanted one label per example, (m,) or (m, 1){hint}")
    if y.shape == (1, m) and m == n_in > 1:
        raise ValueError(
            f'{who}: shape {y.shape} with a square "{X}" {shape} leaves open whether its rows or its columns '
            "are the examples; save one example a row, and y as (m,)"
        )
    if y.size != m:
        hint = f'; one example a row is wanted, so save {X}.T as "{X}"' if y.size == n_in else ""
        raise ValueError(f'{who}: {y.size} labels for the {m} rows of "{X}"{hint}')
    y = y.ravel()
    if y.dtype.kind == "U":
        return np.char.strip(y)
    if len(bad := np.flatnonzero(~np.isfinite(y))):
        raise ValueError(
            f"{who}: label {bad[0]} (from 0) is {y[bad[0]]}; every label must be a finite number"
        )
    return y.astype(np.float64)


def _kind(value: Any) -> str:
    return f"dtype {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
