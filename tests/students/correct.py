"""Correct backward passes in the many styles in which people write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from students.submission import Submission

submissions: list[Submission] = []


def correct(network: str, **style: Any) -> Callable:
    """Enter a function as a correct submission, in the style declared."""

    def enter(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        submissions.append(Submission(function, network, **style))
        return function

    return enter


# ---- the notes' way, whole and in part


@correct("three-layer both")
def as_in_the_notes(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2_drop + lambd / m * W3
    db3 = dZ3.sum(axis=0)
    dA2 = dZ3 @ W3 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dW2 = dZ2.T @ A1_drop + lambd / m * W2
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    db1 = dZ1.sum(axis=0)
    return {"dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1,
            "dZ1": dZ1, "dW1": dW1, "db1": db1}  # fmt: skip


@correct("three-layer L2", transposed=True)
def course_style(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3, A2.T) + lambd / m * W3
    db3 = 1.0 / m * np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1.T) + lambd / m * W2
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + lambd / m * W1
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}
