"""Which rows are held out, and what standardizing may look at: the training rows only."""

from collections.abc import Sequence

import numpy as np

LARGEST = 1e100  # of a feature that can be standardized: its square must not overflow


def stratified(
    codes: np.ndarray, classes: Sequence[str], *, dev_fraction: float, seed: int, who: str
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to train on and to hold out, each in ascending order; of every class the same fraction is held out.

    Shapes:  codes (m,) of 0 ... len(classes) - 1  ->  rows (m - m_dev,), rows_dev (m_dev,)
    Raises:  ValueError unless 0 < dev_fraction < 1 and every class has 2 rows, one for each side.

    >>> stratified(np.array([0, 0, 0, 0, 1, 1]), ("a", "b"), dev_fraction=0.5, seed=0, who="example")
    (array([1, 3, 4]), array([0, 2, 5]))
    """
    if not 0 < dev_fraction < 1:
        raise ValueError(f"{who}: dev_fraction={dev_fraction}; wanted a number between 0 and 1, such as 0.25")
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(codes), dtype=bool)
    for k, name in enumerate(classes):
        rows = np.flatnonzero(codes == k)
        if len(rows) < 2:
            raise ValueError(
                f'{who}: class "{name}" has only 1 row, and needs 2 or more (one to train on, one to hold out); '
                "if the labels are not classes, choose another label column"
            )
        size = min(max(round(dev_fraction * len(rows)), 1), len(rows) - 1)
        held_out[rng.permutation(rows)[:size]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def mean_and_scale(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each column's mean and standard deviation; 1 in place of the latter where a column is constant.

    >>> mean_and_scale(np.array([[1.0, 5.0], [3.0, 5.0]]))
    (array([2., 5.]), array([1., 1.]))
    """
    mean, scale = X.mean(axis=0), X.std(axis=0)
    # A constant column's std is not always 0: the mean of 0.1, 0.1, 0.1 is not 0.1.
    return mean, np.where((X == X[0]).all(axis=0) | (scale < 1 / LARGEST), 1.0, scale)
