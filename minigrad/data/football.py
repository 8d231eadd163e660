"""A small, noisy set in two dimensions, made to be overfitted: who wins a ball that the keeper kicks."""

import numpy as np

from minigrad.data.dataset import Dataset


def side_of_the_field(seed: int = 37, *, m: int = 211, m_dev: int = 200) -> Dataset:
    """Whose ball is it that lands at x = (x1, x2) on the field [-0.8, 0.8]²: ours (1) or theirs (0)?

        P(y = 1 | x) = clip(1/2 + (x2 - bend(x1)) / 0.2, 0.04, 0.96),   bend(x1) = 0.8 x1 - 0.4 x1³

    Above the bent diagonal the ball is ours, below it theirs.  On the line chance decides, ever less up to
    0.1 above or below it, and beyond that 4 % of the balls still go to the wrong side: a network that wins
    those too has learnt the noise.  On new kicks no rule is right more than 93.4 % of the time.

    Shapes:  X (m, 2), y (m, 1), X_dev (m_dev, 2), y_dev (m_dev, 1); X and y do not depend on m_dev.
    Raises:  ValueError if m or m_dev is less than 1.

    >>> side_of_the_field()
    Dataset side_of_the_field: 211 examples and 200 dev examples, 2 features, 2 classes
    """
    if min(m, m_dev) < 1:
        raise ValueError(f"side_of_the_field: m={m} and m_dev={m_dev}; each must be at least 1")
    rng = np.random.default_rng(seed)
    return Dataset(
        "side_of_the_field", *_kicks(rng, m), *_kicks(rng, m_dev), ("x1", "x2"), ("theirs", "ours")
    )


def _kicks(rng: np.random.Generator, m: int) -> tuple[np.ndarray, np.ndarray]:
    X = 0.8 * (2 * rng.random((m, 2)) - 1)
    x1, x2 = X[:, :1], X[:, 1:]
    # Only + - * and /, which round alike on every machine: a seed gives the same bytes everywhere.
    ours = np.clip(0.5 + (x2 - x1 * (0.8 - 0.4 * x1 * x1)) / 0.2, 0.04, 0.96)  # (m, 1)
    return X, (rng.random((m, 1)) < ours).astype(np.float64)
