"""What a data set is: examples to train on, examples held out (the dev set), and their names."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Training examples (X, y) and dev examples (X_dev, y_dev), one example a row.

    Two classes:   y is (m, 1) float64 of 0 and 1, as a sigmoid's output is; 1 stands for classes[1].
    More classes:  y is (m,) int64 of 0 ... n_out - 1, as cross_entropy takes it; k stands for classes[k].

    X is (original - shift) / scale: that is how a new example is prepared, and X * scale + shift is in the
    original units.

    Shapes:  X (m, n_in) and X_dev (m_dev, n_in) float64; shift and scale (n_in,), or one number for all

    >>> X, y = np.array([[0.0], [1.0]]), np.array([[1.0], [0.0]])
    >>> Dataset("not", X, y, X_dev=X, y_dev=y, feature_names=("x",), classes=("false", "true"))
    Dataset not: 2 examples and 2 dev examples, 1 features, 2 classes
    """

    name: str
    X: np.ndarray
    y: np.ndarray
    X_dev: np.ndarray
    y_dev: np.ndarray
    feature_names: tuple[str, ...]
    classes: tuple[str, ...]
    shift: np.ndarray | float = 0.0
    scale: np.ndarray | float = 1.0

    @property
    def m(self) -> int:
        """How many training examples there are."""
        return len(self.X)

    @property
    def n_in(self) -> int:
        """How many features an example has."""
        return self.X.shape[1]

    @property
    def n_out(self) -> int:
        """How many outputs a network needs: 1 (a sigmoid) for two classes, else one per class."""
        return 1 if len(self.classes) == 2 else len(self.classes)

    def __repr__(self) -> str:
        return (
            f"Dataset {self.name}: {self.m} examples and {len(self.X_dev)} dev examples, "
            f"{self.n_in} features, {len(self.classes)} classes"
        )


def targets(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Class numbers as `y`: (m, 1) float64 for two classes, (m,) int64 for more.

    >>> targets(np.array([1, 0]), n_classes=2)
    array([[1.], [0.]])
    """
    return codes.astype(np.float64)[:, np.newaxis] if n_classes == 2 else codes.astype(np.int64)
