"""assert_gradients: a hand-written gradient in a test, whose failure says which mistake was made."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from minigrad.check.grading import Report, grade
from minigrad.tensor import Tensor

_columns = 72
"""How wide the message is: pytest puts eight columns before it, and a terminal has 80."""


def assert_gradients(
    hand: Any,
    loss: Tensor,
    wrt: Any = None,
    *,
    transposed: bool | Collection[str] = False,
    seconds: float = 1.0,
) -> Report:
    """Assert that hand-written gradients are the machine's; a failure's message is mg.grade's diagnosis.

    hand, loss, wrt, transposed, seconds  as mg.grade takes them
    Returns:  the Report, if all is right
    Raises:   AssertionError with the report as its message if anything is not; what mg.grade raises

    >>> import numpy as np
    >>> X, W = Tensor([[1.0, 2.0], [3.0, 5.0]], name="X"), Tensor([[0.5, -1.0]], True, name="W")
    >>> A = X @ W.T
    >>> bool(assert_gradients({"dW": np.ones((1, 2)) @ X.data}, np.sum(A)))
    True
    >>> assert_gradients({"dW": np.ones((1, 2)) @ X.data / 2}, np.sum(A))
    Traceback (most recent call last):
    AssertionError: 0 of 1 arrays right, 1 mistake
    ...
    """
    __tracebackhide__ = True  # pytest leaves this frame out: the test's own line is what counts
    report = grade(hand, loss, wrt, transposed=transposed, seconds=seconds)
    if not report.ok:
        raise AssertionError(report.text(_columns))
    return report
