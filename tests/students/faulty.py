"""Faulty backward passes, as students and programmers write them.

None of them is made from a derivation: each is written from scratch, in one of the ways in which people write
backward passes, with a mistake that people make.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from students.submission import Submission

submissions: list[Submission] = []


def faulty(
    network: str, mistake: str, *where: str, says: str = "", faults: int = 1, **others: Any
) -> Callable:
    """Enter a function as a faulty submission."""

    def enter(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        submissions.append(Submission(function, network, mistake, where, says, faults, **others))
        return function

    return enter


def both(*expressions: str) -> str:
    """What matches a text in which each of the expressions is found."""
    return "(?s)" + "".join(f"(?=.*(?:{expression}))" for expression in expressions)


# ---- what students have beside their backward pass


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu_backward(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_backward(dA, Z):
    s = 1 / (1 + np.exp(-Z))
    return dA * s * (1 - s)


def linear_backward(dZ, A_prev, W):
    """For examples as rows; dZ has its 1/m already."""
    return dZ @ W, dZ.T @ A_prev, np.sum(dZ, axis=0)


# ---- the cost and the last layer


@faulty("two-layer", "the mean over the examples is forgotten: dZ2 is not divided by m", "dZ2", says=r"\bm\b")
def forgets_the_mean(X, Y, W2, Z1, A1, A2):
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2.T, A1)
    db2 = np.sum(dZ2, axis=0)
    dA1 = np.dot(dZ2, W2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = np.dot(dZ1.T, X)
    db1 = np.sum(dZ1, axis=0)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@faulty("two-layer", "the sign of A2 - Y is reversed", "dZ2", says=r"sign|negat|minus|-")
def sign_of_the_error(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (Y - A2) / m
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dZ2.T @ A1, "db2": dZ2.sum(0)}


@faulty(
    "two-layer",
    "the derivative of the sigmoid is multiplied in although A2 - Y already contains it",
    "dZ2",
    says=r"A2|sigmoid|activation",
)
def sigmoid_derivative_twice(X, Y, W2, Z1, A1, Z2, A2, m):
    error = A2 - Y
    dZ2 = error * A2 * (1 - A2) / m
    dW2 = dZ2.T.dot(A1)
    db2 = dZ2.sum(axis=0)
    dZ1 = dZ2.dot(W2) * (Z1 > 0)
    dW1 = dZ1.T.dot(X)
    db1 = dZ1.sum(axis=0)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@faulty(
    "three-layer", "dZ3 is dA3: the sigmoid's derivative is forgotten", "dZ3", says=r"A3|sigmoid|activation"
)
def sigmoid_derivative_forgotten(X, Y, W3, W2, Z1, A1, Z2, A2, A3, m):
    dA3 = -(np.divide(Y, A3) - np.divide(1 - Y, 1 - A3)) / m
    dZ3 = dA3
    dW3 = np.dot(dZ3.T, A2)
    db3 = np.sum(dZ3, axis=0)
    dA2 = np.dot(dZ3, W3)
    dZ2 = relu_backward(dA2, Z2)
    dW2 = np.dot(dZ2.T, A1)
    db2 = np.sum(dZ2, axis=0)
    dA1 = np.dot(dZ2, W2)
    dZ1 = relu_backward(dA1, Z1)
    dW1 = np.dot(dZ1.T, X)
    db1 = np.sum(dZ1, axis=0)
    return {"dA3": dA3, "dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2,
            "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}  # fmt: skip


@faulty("three-layer", "the sign between the two terms of dA3 is wrong", "dA3", says=r"sign|negat|minus|\+|-")
def sign_inside_the_cost_derivative(Y, A3, A2, Z3, m):
    dA3 = -(Y / A3 + (1 - Y) / (1 - A3)) / m
    dZ3 = sigmoid_backward(dA3, Z3)
    return {"dA3": dA3, "dZ3": dZ3, "dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0)}


@faulty("three-layer", "the term of the examples with Y = 0 is missing in dA3", "dA3", says=r"1 - Y|term|1-Y")
def half_a_cross_entropy(Y, A3, A2, Z3, W3, Z2, m):
    dA3 = -Y / A3 / m
    dZ3 = dA3 * A3 * (1 - A3)
    dA2 = dZ3 @ W3
    dZ2 = np.where(Z2 > 0, dA2, 0)
    return {"dA3": dA3, "dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0)}


@faulty("three-layer", "sigmoid'(Z3) is written Z3 (1 - Z3): Z3 for A3", "dZ3", says=r"Z3|A3")
def derivative_of_sigmoid_with_z(X, Y, Z3, A3, A2, m):
    dA3 = ((1 - Y) / (1 - A3) - Y / A3) / m
    dZ3 = dA3 * Z3 * (1 - Z3)
    dW3 = dZ3.T @ A2
    return {"dA3": dA3, "dZ3": dZ3, "dW3": dW3}


@faulty(
    "two-layer L2", "course style, with 1/m put in dW and db: forgotten in dW1", "dW1", says=r"\bm\b",
    scaled={"dZ2": "m", "dA1": "m", "dZ1": "m"},
)  # fmt: skip
def one_over_m_forgotten_in_dW1(X, Y, W1, W2, Z1, A1, A2, lambd, m):
    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2.T, A1) + lambd / m * W2
    db2 = 1.0 / m * np.sum(dZ2, axis=0)
    dA1 = np.dot(dZ2, W2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = np.dot(dZ1.T, X) + lambd / m * W1
    db1 = 1.0 / m * np.sum(dZ1, axis=0)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@faulty("three-layer", "course style, with 1/m put in dW and db: forgotten in db2", "db2", says=r"\bm\b")
def one_over_m_forgotten_in_db2(X, Y, W2, W3, A1, A2, A3, m):
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3.T, A2)
    db3 = 1.0 / m * np.sum(dZ3, axis=0)
    dZ2 = np.multiply(np.dot(dZ3, W3), np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2.T, A1)
    db2 = np.sum(dZ2, axis=0)
    dZ1 = np.multiply(np.dot(dZ2, W2), np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1.T, X)
    db1 = 1.0 / m * np.sum(dZ1, axis=0)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


@faulty("three-layer", "divided by m twice: in dZ3, and in dW2 again", "dW2", says=r"\bm\b")
def divided_by_m_twice(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2, dW3, db3 = linear_backward(dZ3, A2, W3)
    dZ2 = relu_backward(dA2, Z2)
    dA1, dW2, db2 = linear_backward(dZ2, A1, W2)
    dW2 = dW2 / m
    dZ1 = relu_backward(dA1, Z1)
    dW1, db1 = dZ1.T @ X, dZ1.sum(axis=0)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


# ---- dropout


@faulty("two-layer dropout", "dA1 is not divided by keep_prob", "dA1", says=r"keep_prob")
def dropout_without_rescaling(X, Y, W2, Z1, A1_drop, A2, D1, keep_prob, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1_drop
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2
    dA1 = dA1 * D1
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@faulty("two-layer dropout", "the mask D1 is not applied to dA1", "dA1", says=r"D1|mask")
def dropout_without_mask(X, Y, W2, A1, A1_drop, A2, keep_prob, m):
    dZ2 = (A2 - Y) / m
    dW2 = np.einsum("ij,ik->jk", dZ2, A1_drop)
    dA1 = np.einsum("ij,jk->ik", dZ2, W2) / keep_prob
    dZ1 = dA1 * np.sign(A1)
    dW1 = np.einsum("ij,ik->jk", dZ1, X)
    return {"dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


@faulty(
    "two-layer dropout", "dropout is left out of the backward pass: neither mask nor keep_prob", "dA1",
    says=r"D1|mask|keep_prob|drop", faults=2,
)  # fmt: skip
def dropout_left_out(X, Y, W2, Z1, A1_drop, A2, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1_drop
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@faulty("three-layer dropout", "dA2 is multiplied by keep_prob instead of divided", "dA2", says=r"keep_prob")
def multiplied_by_keep_prob(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, m):
    dZ3 = 1 / m * (A3 - Y)
    dA2 = dZ3.dot(W3) * D2 * keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2.dot(W2) * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW3": dZ3.T.dot(A2_drop), "dW2": dZ2.T.dot(A1_drop),
            "dW1": dZ1.T.dot(X)}  # fmt: skip


@faulty("three-layer dropout", "dA1 is divided by keep_prob twice", "dA1", says=r"keep_prob")
def keep_prob_squared(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, m):
    dZ3 = (A3 - Y) / m
    dW3, db3 = dZ3.T @ A2_drop, dZ3.sum(axis=0)
    dA2 = dZ3 @ W3
    dA2 = dA2 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dW2, db2 = dZ2.T @ A1_drop, dZ2.sum(axis=0)
    dA1 = dZ2 @ W2
    dA1 = dA1 * (D1 / keep_prob)
    dA1 /= keep_prob
    dZ1 = dA1 * (Z1 > 0)
    dW1, db1 = dZ1.T @ X, dZ1.sum(axis=0)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dA1": dA1, "dW1": dW1, "db1": db1}


@faulty("two-layer both", "divided by 1 - keep_prob", "dA1", says=r"keep_prob")
def divided_by_the_probability_to_drop(X, Y, W1, W2, Z1, A1_drop, A2, D1, keep_prob, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1_drop + (lambd / m) * W2
    db2 = np.sum(dZ2, axis=0)
    dA1 = dZ2 @ W2 * D1 / (1 - keep_prob)
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X + (lambd / m) * W1
    db1 = np.sum(dZ1, axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@faulty("two-layer both", "the mask is inverted: the dropped units get the gradient", "dA1", says=r"D1|mask")
def inverted_mask(X, Y, W1, W2, Z1, A1_drop, A2, D1, keep_prob, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1_drop + (lambd / m) * W2
    dA1 = dZ2 @ W2
    dA1[D1] = 0
    dA1 /= keep_prob
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X + (lambd / m) * W1
    return {"dA1": dA1, "dZ1": dZ1, "dW1": dW1, "dW2": dW2}


@faulty(
    "three-layer dropout from logits", "a new mask is drawn for dA2 instead of D2", "dA2",
    says=r"D2|mask|redrawn", random=True,
)  # fmt: skip
def new_mask_in_the_backward_pass(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, keep_prob, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    mask = np.random.default_rng().random(dA2.shape) < keep_prob
    dA2 = dA2 * mask / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2": dA2, "dW3": dZ3.T @ A2_drop, "dW2": dZ2.T @ A1_drop, "dW1": dZ1.T @ X}


@faulty("equal widths dropout", "the mask of the other layer: D2 for D1", "dA1", says=r"D1|D2|mask")
def mask_of_the_wrong_layer(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D2 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2_drop, "db3": dZ3.sum(0), "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1_drop,
            "db2": dZ2.sum(0), "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}  # fmt: skip


@faulty("two-layer dropout", "A1 before dropout is used for A1_drop in dW2", "dW2", says=r"A1|drop")
def activations_before_dropout(X, Y, W2, Z1, A1, A2, D1, keep_prob, m):
    dZ2 = (A2 - Y) / m
    grads = {"dZ2": dZ2, "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0)}
    grads["dA1"] = dZ2 @ W2 * D1 / keep_prob
    grads["dZ1"] = grads["dA1"] * (Z1 > 0)
    grads["dW1"] = grads["dZ1"].T @ X
    grads["db1"] = grads["dZ1"].sum(axis=0)
    return grads


@faulty(
    "three-layer dropout", "the activations are masked but not rescaled in dW2", "dW2", says=r"keep_prob|A1"
)
def activations_masked_but_not_rescaled(X, Y, W3, Z2, A1, A2, D1, D2, A2_drop, A3, keep_prob, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2_drop
    dZ2 = dZ3 @ W3 * D2 / keep_prob * (Z2 > 0)
    dW2 = dZ2.T @ (A1 * D1)
    return {"dW3": dW3, "db3": dZ3.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0)}


@faulty("three-layer dropout", "neither layer divides by keep_prob", "dA2", "dA1", says=r"keep_prob")
def no_layer_rescales(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, m):
    dZ3 = (A3 - Y) / m
    dW3 = np.dot(dZ3.T, A2_drop)
    dA2 = np.dot(dZ3, W3)
    dA2 = dA2 * D2
    dZ2 = relu_backward(dA2, Z2)
    dW2 = np.dot(dZ2.T, A1_drop)
    dA1 = np.dot(dZ2, W2)
    dA1 = dA1 * D1
    dZ1 = relu_backward(dA1, Z1)
    dW1 = np.dot(dZ1.T, X)
    return {"dW3": dW3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


# ---- L2


@faulty("two-layer L2", "the L2 term is missing in dW1", "dW1", says=r"lambd|L2|penalty|term")
def l2_missing_in_one_weight(X, Y, W2, Z1, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dW1 = dZ1.T @ X
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0)}


@faulty(
    "three-layer L2", "the L2 term is missing in every dW", "dW1", "dW2", "dW3", says=r"lambd|L2|penalty|term"
)
def l2_missing_everywhere(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {f"dW{i}": dZ.T @ A for i, dZ, A in ((1, dZ1, X), (2, dZ2, A1), (3, dZ3, A2))}


@faulty(
    "three-layer L2",
    "the factor 2 of the derivative is not cancelled: 2 lambd / m",
    "dW2",
    says=r"2|lambd|L2",
)
def l2_doubled(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + lambd / m * W3
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dW2 = dZ2.T @ A1 + 2 * lambd / m * W2
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dZ3": dZ3, "dZ2": dZ2, "dZ1": dZ1, "dW3": dW3, "dW2": dW2, "dW1": dW1}


@faulty("two-layer L2", "the L2 term is not divided by m", "dW1", "dW2", says=r"\bm\b")
def l2_without_m(X, Y, W1, W2, Z1, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1 + lambd * W2
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd * W1
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0)}


@faulty(
    "two-layer L2", "the L2 term is halved: lambd / (2 m), as in the cost", "dW2", says=r"2|lambd|L2|half"
)
def l2_as_in_the_cost(X, Y, W1, W2, Z1, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1 + lambd / (2 * m) * W2
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0)}
