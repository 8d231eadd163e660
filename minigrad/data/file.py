"""A user's own file as a data set."""

from os import PathLike
from pathlib import Path

import numpy as np

from minigrad.data.arrays import read_arrays
from minigrad.data.dataset import Dataset, targets
from minigrad.data.split import mean_and_scale, stratified
from minigrad.data.table import read_table

FEWEST_EXAMPLES = 10


def load(
    path: str | PathLike[str],
    *,
    label: str | None = None,
    dev_fraction: float = 0.25,
    seed: int = 0,
    standardize: bool = True,
) -> Dataset:
    """A classification data set from a .csv, .npz or .mat file: (X, y) to train on, (X_dev, y_dev) held out.

    .csv        UTF-8 text: a header, then one example a row, with commas, semicolons or tabs between cells.
                The labels are the last column or the one named `label`, numbers or text; all else is numbers.
    .npz, .mat  X (m, n_in) and y, (m,) or (m, 1) or (1, m); Xval and yval, if there, are the dev set.

    Classes are the distinct labels in ascending order.  If the file has no dev set, `seed` draws one:
    `dev_fraction` of every class.  Unless standardize=False, features are standardized with the mean and the
    standard deviation of the training rows, and a column that is constant there becomes 0.  Nothing in a file
    is run or unpickled.

    Raises:  FileNotFoundError; ValueError with a sentence that says where in the file what is wrong;
             ImportError for a .mat file without scipy.

    >>> load("no_such_file.csv")
    Traceback (most recent call last):
    FileNotFoundError: load: no_such_file.csv: there is no such file in the folder ...
    """
    path = Path(path)
    who = f"load: {path.name}"
    if path.suffix.lower() not in (".csv", ".npz", ".mat"):
        raise ValueError(f"{who}: wanted a file whose name ends in .csv, .npz or .mat")
    if not path.is_file():
        raise FileNotFoundError(f'{who}: there is no such file in the folder "{path.absolute().parent}"')
    dev: tuple[np.ndarray, np.ndarray] | None = None
    if path.suffix.lower() == ".csv":
        X, labels, features = read_table(path, label)
    else:
        if label is not None:
            raise ValueError(
                f'{who}: label="{label}" names a column of a .csv file; here the labels are the array "y"'
            )
        arrays = read_arrays(path)
        X, labels = arrays["X"], arrays["y"]
        features = tuple(f"x{i}" for i in range(1, X.shape[1] + 1))
        dev = (arrays["Xval"], arrays["yval"]) if "Xval" in arrays else None
    if len(X) < FEWEST_EXAMPLES:
        raise ValueError(f"{who}: {len(X)} examples; at least {FEWEST_EXAMPLES} are needed")
    distinct, codes = np.unique(labels, return_inverse=True)
    classes = tuple(_name(value) for value in distinct)
    if len(classes) == 1:
        raise ValueError(f'{who}: every label is "{classes[0]}"; at least two classes are needed')
    if dev is None:
        rows, rows_dev = stratified(codes, classes, dev_fraction=dev_fraction, seed=seed, who=who)
        X, X_dev, codes, codes_dev = X[rows], X[rows_dev], codes[rows], codes[rows_dev]
    else:
        X_dev, codes_dev = dev[0], _codes(dev[1], distinct, who)
    shift: np.ndarray | float
    scale: np.ndarray | float
    shift, scale = mean_and_scale(X) if standardize else (0.0, 1.0)
    y, y_dev = targets(codes, len(classes)), targets(codes_dev, len(classes))
    # a file is not told apart from a set of ours by a name that it shares
    name = path.name if path.stem in ("side_of_the_field", "breast_cancer", "digits") else path.stem
    return Dataset(
        name, (X - shift) / scale, y, (X_dev - shift) / scale, y_dev, features, classes, shift, scale
    )


def _codes(labels: np.ndarray, distinct: np.ndarray, who: str) -> np.ndarray:
    """Where the dev set's labels stand among the training set's."""
    alike = (labels.dtype.kind == "U") == (distinct.dtype.kind == "U")
    new = labels[~np.isin(labels, distinct)] if alike else labels
    if len(new):
        raise ValueError(f'{who}, "yval": the label {_name(new[0])!r} does not occur in "y"')
    return np.searchsorted(distinct, labels)


def _name(label: np.float64 | np.str_) -> str:
    """A label as text: 3 for 3.0.

    >>> _name(np.float64(3)), _name(np.float64(0.5)), _name(np.str_("ham"))
    ('3', '0.5', 'ham')
    """
    return str(label) if isinstance(label, str) else np.format_float_positional(label, trim="-")
