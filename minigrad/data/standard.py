"""Well-known sets that come with scikit-learn: nothing is downloaded."""

from minigrad.data.dataset import Dataset, targets
from minigrad.data.split import mean_and_scale, stratified


def breast_cancer(seed: int = 0, *, dev_fraction: float = 0.25) -> Dataset:
    """569 tumours, 30 measurements of cell nuclei each: malignant (0) or benign (1), as in scikit-learn.

    The same fraction of each class, drawn by `seed`, is the dev set.  All features are standardized with the
    mean and the standard deviation of the training rows.

    Shapes:  X (427, 30), y (427, 1), X_dev (142, 30), y_dev (142, 1)
    Raises:  ImportError without scikit-learn; ValueError unless 0 < dev_fraction < 1.
    Source:  Street, Wolberg, Mangasarian 1993, "Nuclear feature extraction for breast tumor diagnosis".

    >>> breast_cancer()
    Dataset breast_cancer: 427 examples and 142 dev examples, 30 features, 2 classes
    """
    return _shipped("breast_cancer", seed, dev_fraction)


def digits(seed: int = 0, *, dev_fraction: float = 0.25) -> Dataset:
    """1797 handwritten digits of 8 x 8 pixels, ten classes; the pixels' 0 ... 16 are scaled to [0, 1].

    The same fraction of each class, drawn by `seed`, is the dev set.

    Shapes:  X (1347, 64), y (1347,), X_dev (450, 64), y_dev (450,)
    Raises:  ImportError without scikit-learn; ValueError unless 0 < dev_fraction < 1.
    Source:  Alpaydin, Kaynak 1998, "Optical recognition of handwritten digits", the UCI test set.

    >>> digits()
    Dataset digits: 1347 examples and 450 dev examples, 64 features, 10 classes
    """
    return _shipped("digits", seed, dev_fraction)


def _shipped(name: str, seed: int, dev_fraction: float) -> Dataset:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            f"{name}: this set comes with scikit-learn; pip install 'minigrad[demo]'"
        ) from error
    table = getattr(datasets, f"load_{name}")()
    classes = tuple(str(c) for c in table.target_names)
    rows, rows_dev = stratified(table.target, classes, dev_fraction=dev_fraction, seed=seed, who=name)
    shift, scale = mean_and_scale(table.data[rows]) if name == "breast_cancer" else (0.0, 16.0)
    X, y = (table.data - shift) / scale, targets(table.target, len(classes))
    features = tuple(str(f) for f in table.feature_names)
    return Dataset(name, X[rows], y[rows], X[rows_dev], y[rows_dev], features, classes, shift, scale)
