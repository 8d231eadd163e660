"""Which rows are held out, and what standardizing may look at: the training rows only."""

from collections.abc import Sequence

import numpy as np

LARGEST = 1e100  # of a feature that can be standardized: its square must not overflow


def stratified(
    codes: np.ndarray, classes: Sequence[str], *, dev_fraction: float, seed: int, who: str
) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to train on and to hold out, in ascending order: of every class the same fraction.

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
                f'{who}: class "{name}" has 1 row and needs 2, one to train on and one to hold out; '
                "are the labels classes?"
            )
        size = min(max(round(dev_fraction * len(rows)), 1), len(rows) - 1)
        held_out[rng.permutation(rows)[:size]] = True
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def mean_and_scale(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each column's mean and standard deviation; 1 in place of the latter where a column is constant.

    Shapes:  X (m, n_in)  ->  (n_in,), (n_in,)

    >>> mean_and_scale(np.array([[1.0, 0.1], [3.0, 0.1], [5.0, 0.1]]))
    (array([3. , 0.1]), array([1.63, 1. ]))
    """
    mean, scale = X.mean(axis=0), X.std(axis=0)
    constant = (X[0] == X).all(axis=0) | (
        scale < 1 / LARGEST
    )  # (mean of 0.1, 0.1, 0.1) > 0.1, and the std > 0
    return np.where(constant, X[0], mean), np.where(constant, 1.0, scale)
