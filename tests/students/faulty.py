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


def either(*expressions: str) -> str:
    """What matches a text in which one of the expressions is found."""
    return "|".join(expressions)


sign = r"\bsigns?\b|negat|minus|revers|opposite|subtract|-1\b|= ?-"
twice = r"twice|doubl|half|halv|\b2\b|\b0\.5\b"


# ---- what students have beside their backward pass


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


@faulty("two-layer", "the sign of A2 - Y is reversed", "dZ2", says=sign)
def sign_of_the_error(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (Y - A2) / m
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(0), "dW2": dZ2.T @ A1, "db2": dZ2.sum(0)}


@faulty(
    "two-layer",
    "the derivative of the sigmoid is multiplied in although A2 - Y already contains it",
    "dZ2",
    says=r"\bA2\b|sigmoid|activation",
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
    "three-layer",
    "dZ3 is dA3: the sigmoid's derivative is forgotten",
    "dZ3",
    says=r"\bA3\b|sigmoid|activation",
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


@faulty("three-layer", "the sign between the two terms of dA3 is wrong", "dA3", says=either(sign, r"\+"))
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


@faulty("three-layer", "sigmoid'(Z3) is written Z3 (1 - Z3): Z3 for A3", "dZ3", says=r"\bZ3\b|\bA3\b")
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


@faulty("two-layer dropout", "the mask D1 is not applied to dA1", "dA1", says=r"\bD1\b|mask")
def dropout_without_mask(X, Y, W2, A1, A1_drop, A2, keep_prob, m):
    dZ2 = (A2 - Y) / m
    dW2 = np.einsum("ij,ik->jk", dZ2, A1_drop)
    dA1 = np.einsum("ij,jk->ik", dZ2, W2) / keep_prob
    dZ1 = dA1 * np.sign(A1)
    dW1 = np.einsum("ij,ik->jk", dZ1, X)
    return {"dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


@faulty(
    "two-layer dropout", "dropout is left out of the backward pass: neither mask nor keep_prob", "dA1",
    says=r"\bD1\b|mask|keep_prob|drop", faults=2,
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
    weights = {"dW3": dZ3.T.dot(A2_drop), "dW2": dZ2.T.dot(A1_drop), "dW1": dZ1.T.dot(X)}
    return {"dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, **weights}


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


@faulty(
    "two-layer both", "the mask is inverted: the dropped units get the gradient", "dA1", says=r"\bD1\b|mask"
)
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
    says=r"\bD2\b|mask|redrawn", random=True,
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


@faulty("equal widths dropout", "the mask of the other layer: D2 for D1", "dA1", says=r"\bD1\b|\bD2\b|mask")
def mask_of_the_wrong_layer(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D2 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2_drop, "db3": dZ3.sum(0), "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1_drop,
            "db2": dZ2.sum(0), "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}  # fmt: skip


@faulty("two-layer dropout", "A1 before dropout is used for A1_drop in dW2", "dW2", says=r"\bA1\b|drop")
def activations_before_dropout(X, Y, W2, Z1, A1, A2, D1, keep_prob, m):
    dZ2 = (A2 - Y) / m
    grads = {"dZ2": dZ2, "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0)}
    grads["dA1"] = dZ2 @ W2 * D1 / keep_prob
    grads["dZ1"] = grads["dA1"] * (Z1 > 0)
    grads["dW1"] = grads["dZ1"].T @ X
    grads["db1"] = grads["dZ1"].sum(axis=0)
    return grads


@faulty(
    "three-layer dropout",
    "the activations are masked but not rescaled in dW2",
    "dW2",
    says=r"keep_prob|\bA1\b",
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
    says=either(twice, r"lambd|L2"),
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
    "two-layer L2",
    "the L2 term is halved: lambd / (2 m), as in the cost",
    "dW2",
    says=either(twice, r"lambd|L2"),
)
def l2_as_in_the_cost(X, Y, W1, W2, Z1, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1 + lambd / (2 * m) * W2
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0)}


@faulty(
    "three-layer L2 from logits",
    "course style: the L2 term, divided by m already, stands inside the bracket with 1/m",
    "dW1", "dW2", "dW3", says=r"\bm\b|lambd|L2",
)  # fmt: skip
def l2_divided_by_m_squared(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = A3 - Y
    dW3 = 1.0 / m * (np.dot(dZ3.T, A2) + lambd / m * W3)
    db3 = 1.0 / m * np.sum(dZ3, axis=0)
    dZ2 = np.multiply(np.dot(dZ3, W3), np.int64(A2 > 0))
    dW2 = 1.0 / m * (np.dot(dZ2.T, A1) + lambd / m * W2)
    db2 = 1.0 / m * np.sum(dZ2, axis=0)
    dZ1 = np.multiply(np.dot(dZ2, W2), np.int64(A1 > 0))
    dW1 = 1.0 / m * (np.dot(dZ1.T, X) + lambd / m * W1)
    db1 = 1.0 / m * np.sum(dZ1, axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


@faulty("three-layer L2", "the bias b2 is decayed too", "db2", says=r"\bb2\b|bias|lambd")
def l2_on_the_bias(Y, W2, W3, b2, A1, Z2, A2, A3, lambd, m):
    decay = lambd / m
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + decay * W3
    db3 = dZ3.sum(axis=0)
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dW2 = dZ2.T @ A1 + decay * W2
    db2 = dZ2.sum(axis=0) + decay * b2
    return {"dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


@faulty("inputs as wide as the hidden layers", "the L2 term of dW2 takes W1", "dW2", says=r"\bW1\b|\bW2\b")
def l2_of_the_wrong_weight(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + lambd / m * W3
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dW2 = dZ2.T @ A1 + lambd / m * W1
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dZ3": dZ3, "dW3": dW3, "dZ2": dZ2, "dW2": dW2, "dZ1": dZ1, "dW1": dW1}


@faulty("equal widths L2", "the L2 term of dW2 takes W2 transposed", "dW2", says=r"transpos|\bW2\b")
def l2_of_the_transpose(Y, W2, W3, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dW2 = (A1.T @ dZ2 + lambd / m * W2).T
    return {"dZ2": dZ2, "dW2": dW2, "db2": dZ2.sum(axis=0), "dW3": dZ3.T @ A2 + lambd / m * W3}


@faulty("three-layer L2", "the L2 term of dW3 is subtracted", "dW3", says=sign)
def l2_subtracted(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ = (A3 - Y) / m
    dW3 = np.einsum("mi,mj->ij", dZ, A2) - lambd / m * W3
    dZ = np.einsum("mi,ij->mj", dZ, W3) * (Z2 > 0)
    dW2 = np.einsum("mi,mj->ij", dZ, A1) + lambd / m * W2
    dZ = np.einsum("mi,ij->mj", dZ, W2) * (Z1 > 0)
    dW1 = np.einsum("mi,mj->ij", dZ, X) + lambd / m * W1
    return {"dW1": dW1, "dW2": dW2, "dW3": dW3}


@faulty("three-layer both", "keep_prob for lambd in the L2 term of dW2", "dW2", says=r"keep_prob|lambd")
def keep_prob_for_lambd(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2_drop + lambd / m * W3
    dA2 = dZ3 @ W3 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dW2 = dZ2.T @ A1_drop + keep_prob / m * W2
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dA2": dA2, "dA1": dA1, "dW3": dW3, "dW2": dW2, "dW1": dW1}


@faulty(
    "two-layer L2",
    "the cost of the L2 term is added to dW1 instead of its derivative",
    "dW1",
    says=r"lambd|L2",
)
def l2_cost_in_the_gradient(X, Y, W1, W2, Z1, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / (2 * m) * np.sum(np.square(W1))
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0)}


@faulty(
    "two-layer L2", "the square in the L2 term is not differentiated", "dW1", says=r"square|lambd|L2|\bW1\b"
)
def l2_square_not_differentiated(X, Y, W1, W2, Z1, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1**2
    return {"dZ2": dZ2, "dZ1": dZ1, "dW1": dW1, "db1": dZ1.sum(axis=0)}


@faulty("logistic regression L2", "the penalty is that of L1: sign(W)", "dW", says=r"lambd|L2|\bW\b")
def l1_for_l2(X, Y, W, A, lambd, m):
    dZ = (A - Y) / m
    return {"dZ": dZ, "dW": dZ.T @ X + lambd / m * np.sign(W), "db": dZ.sum(axis=0)}


@faulty("logistic regression L2", "m is the number of features", "dZ", "dW", says=r"\bm\b|\b4\b")
def m_is_the_number_of_features(X, Y, W, A, lambd):
    m = X.shape[1]
    dZ = A - Y
    dW = (dZ.T @ X + lambd * W) / m
    db = dZ.sum(axis=0) / m
    return {"dW": dW, "db": db}


@faulty(
    "logistic regression L2",
    "the sum over the examples is taken as a mean, of what has its 1/m",
    "db",
    says=r"mean|\bm\b",
)
def mean_of_what_is_divided_by_m(X, Y, W, A, lambd, m):
    dZ = (A - Y) / m
    return {"dZ": dZ, "dW": dZ.T @ X + lambd / m * W, "db": np.mean(dZ, axis=0)}


@faulty(
    "logistic regression L2", "predictions of 0 and 1 are used instead of probabilities", "dZ", says=r"\bA\b"
)
def predictions_for_probabilities(X, Y, W, A, lambd, m):
    prediction = (A > 0.5).astype(float)
    dZ = (prediction - Y) / m
    return {"dZ": dZ, "dW": dZ.T @ X + lambd / m * W}


# ---- relu


@faulty(
    "three-layer",
    "the derivative of relu is forgotten in the first layer: dZ1 is dA1",
    "dZ1",
    says=r"relu|\bZ1\b|activ",
)
def relu_derivative_forgotten(X, Y, W2, W3, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2, dW3, db3 = linear_backward(dZ3, A2, W3)
    dZ2 = relu_backward(dA2, Z2)
    dZ1, dW2, db2 = linear_backward(dZ2, A1, W2)
    return {"dW3": dW3, "db3": db3, "dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dZ1.T @ X,
            "db1": dZ1.sum(axis=0)}  # fmt: skip


@faulty(
    "three-layer L2", "no hidden layer has the derivative of relu", "dZ2", "dZ1", says=r"relu|\bZ[12]\b|activ"
)
def relu_derivative_forgotten_everywhere(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    W, A = [None, W1, W2, W3], [X, A1, A2, A3]
    grads = {}
    dZ = (A3 - Y) / m
    for layer in (3, 2, 1):
        grads[f"dW{layer}"] = dZ.T @ A[layer - 1] + lambd / m * W[layer]
        grads[f"db{layer}"] = dZ.sum(axis=0)
        dZ = dZ @ W[layer]
    return grads


@faulty("dead units", "the derivative of relu is 1 at 0: Z1 >= 0", "dZ1", says=r">=|\bZ1\b|at 0|strict")
def relu_derivative_at_zero(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 >= 0)
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("dead units", "the derivative of relu is taken as 1/2 at 0", "dZ1", says=r"at 0|\bZ1\b|0\.5|1/2")
def relu_derivative_of_one_half(X, Y, W2, W3, Z1, Z2, A3, m):
    dZ2 = (A3 - Y) / m @ W3 * np.heaviside(Z2, 0.5)
    dZ1 = dZ2 @ W2 * np.heaviside(Z1, 0.5)
    return {"dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("three-layer", "the comparison of relu is reversed: Z2 < 0", "dZ2", says=r"<|revers|\bZ2\b")
def relu_reversed(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3
    dZ2[Z2 > 0] = 0
    dZ1 = dZ2 @ W2
    dZ1[Z1 < 0] = 0
    return {"dW3": dZ3.T @ A2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty("three-layer", "relu itself, for its derivative: dA2 * A2", "dZ2", says=r"\bA2\b|relu|\bZ2\b")
def relu_for_its_derivative(Y, W3, A1, Z2, A2, A3, m):
    def relu(z):
        return np.maximum(z, 0)

    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * relu(Z2)
    return {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0)}


@faulty(
    "equal widths L2", "relu's derivative of the other layer: Z1 > 0 for Z2 > 0", "dZ2", says=r"\bZ1\b|\bZ2\b"
)
def relu_of_the_wrong_layer(X, Y, W1, W2, W3, Z1, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * (Z1 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    reg = lambd / m
    return {"dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW3": dZ3.T @ A2 + reg * W3,
            "dW2": dZ2.T @ A1 + reg * W2, "dW1": dZ1.T @ X + reg * W1}  # fmt: skip


@faulty("three-layer", "relu's derivative looks at the gradient: dA1 > 0", "dZ1", says=r"\bZ1\b|relu|\bdA1\b")
def relu_of_the_gradient(X, Y, W2, W3, Z2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (dA1 > 0)
    return {"dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("two-layer both", "the derivative of a leaky relu", "dZ1", says=r"relu|\bZ1\b|0\.01")
def relu_that_leaks(X, Y, W1, W2, Z1, A1_drop, A2, D1, keep_prob, lambd, m):
    dZ2 = (A2 - Y) / m
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = np.where(Z1 > 0, dA1, 0.01 * dA1)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW2": dZ2.T @ A1_drop + lambd / m * W2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


# ---- tanh and sigmoid in hidden layers


@faulty(
    "two-layer tanh",
    "the sigmoid's derivative, A1 (1 - A1), for that of tanh",
    "dZ1",
    says=r"\bA1\b|tanh|sigmoid",
)
def sigmoid_derivative_for_tanh(X, Y, W2, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1
    db2 = dZ2.sum(axis=0)
    dZ1 = dZ2 @ W2 * A1 * (1 - A1)
    dW1 = dZ1.T @ X
    db1 = dZ1.sum(axis=0)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@faulty("two-layer tanh", "1 - A1 for 1 - A1**2: the square is forgotten", "dZ1", says=r"\bA1\b|square|\*\*")
def tanh_derivative_without_square(X, Y, W2, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dZ1 = np.multiply(dZ2 @ W2, 1 - A1)
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("two-layer tanh", "1 - Z1**2 for 1 - A1**2", "dZ1", says=r"\bZ1\b|\bA1\b")
def tanh_derivative_of_z(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (1 - np.power(Z1, 2))
    return {"dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0), "dW2": dZ2.T @ A1}


@faulty(
    "two-layer tanh", "tanh is applied to A1 once more: 1 - tanh(A1)**2", "dZ1", says=r"\bA1\b|\bZ1\b|tanh"
)
def tanh_derivative_at_the_activation(X, Y, W2, A1, A2, m):
    def tanh_backward(dA, Z):
        return dA * (1 - np.tanh(Z) ** 2)

    dZ2 = (A2 - Y) / m
    dZ1 = tanh_backward(dZ2 @ W2, A1)
    return {"dW2": dZ2.T @ A1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("two-layer tanh", "the sign in tanh's derivative: 1 + A1**2", "dZ1", says=either(sign, r"\+|\bA1\b"))
def tanh_derivative_with_plus(X, Y, W2, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dZ1 = dZ2 @ W2 * (1 + A1 * A1)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(0), "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}


@faulty(
    "three-layer tanh L2",
    "relu's derivative for that of tanh",
    "dZ2",
    "dZ1",
    says=r"tanh|\bA[12]\b|relu|\bZ[12]\b",
)
def relu_derivative_for_tanh(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = np.dot(dZ3.T, A2) + lambd / m * W3
    dZ2 = relu_backward(np.dot(dZ3, W3), Z2)
    dW2 = np.dot(dZ2.T, A1) + lambd / m * W2
    dZ1 = relu_backward(np.dot(dZ2, W2), Z1)
    dW1 = np.dot(dZ1.T, X) + lambd / m * W1
    return {"dW3": dW3, "dZ2": dZ2, "dW2": dW2, "dZ1": dZ1, "dW1": dW1}


@faulty(
    "three-layer tanh L2",
    "tanh's derivative is forgotten in the second layer",
    "dZ2",
    says=r"tanh|\bA2\b|activ",
)
def tanh_derivative_forgotten(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + lambd / m * W3
    dZ2 = dZ3 @ W3
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0), "dW3": dW3}


@faulty("three-layer tanh L2", "(1 - A1)**2 for 1 - A1**2", "dZ1", says=r"\bA1\b|square|tanh")
def tanh_derivative_squared_as_a_whole(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (1 - A1) ** 2
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dZ3": dZ3, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


@faulty("equal widths tanh", "tanh's derivative of the other layer: A1 for A2", "dZ2", says=r"\bA1\b|\bA2\b")
def tanh_derivative_of_the_wrong_layer(X, Y, W2, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A1**2)
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dW3": dZ3.T @ A2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "three-layer sigmoid",
    "the sigmoid's derivative is taken of A1: sigmoid(A1) (1 - sigmoid(A1))",
    "dZ1",
    says=r"\bA1\b|\bZ1\b|sigmoid",
)
def sigmoid_derivative_at_the_activation(X, Y, W2, W3, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = sigmoid_backward(dZ3 @ W3, Z2)
    dZ1 = sigmoid_backward(dZ2 @ W2, A1)
    return {"dW3": dZ3.T @ A2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "three-layer sigmoid", "a bracket is forgotten: dA2 * A2 * 1 - A2", "dZ2", says=r"\bA2\b|sigmoid|bracket"
)
def bracket_forgotten(X, Y, W2, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * A2 * 1 - A2
    dA1 = dZ2 @ W2
    dZ1 = dA1 * A1 * (1 - A1)
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "three-layer sigmoid", "tanh's derivative for that of the sigmoid", "dZ1", says=r"tanh|\bA1\b|sigmoid"
)
def tanh_derivative_for_sigmoid(X, Y, W2, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * A2 * (1 - A2)
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty(
    "three-layer sigmoid", "the factor A2 of the sigmoid's derivative is forgotten", "dZ2", says=r"\bA2\b"
)
def half_a_sigmoid_derivative(Y, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2)
    return {"dZ3": dZ3, "dZ2": dZ2, "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0)}


@faulty("three-layer sigmoid", "Z1 for A1 in the sigmoid's derivative", "dZ1", says=r"\bZ1\b|\bA1\b")
def sigmoid_derivative_of_z_in_a_hidden_layer(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = sigmoid_backward(dZ3 @ W3, Z2)
    dZ1 = dZ2 @ W2 * (Z1 * (1 - Z1))
    return {"dW3": dZ3.T @ A2, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X}


# ---- the linear layers


@faulty("inputs as wide as the hidden layers", "X for A1 in dW2", "dW2", says=r"\bX\b|\bA1\b")
def inputs_for_activations(X, Y, W1, W2, W3, Z1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + lambd / m * W3
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dW2 = dZ2.T @ X + lambd / m * W2
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW1": dW1, "db1": dZ1.sum(0), "dW2": dW2, "db2": dZ2.sum(0), "dW3": dW3, "db3": dZ3.sum(0)}


@faulty("inputs as wide as the hidden layers", "A1 for X in dW1", "dW1", says=r"\bX\b|\bA1\b")
def activations_for_inputs(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    dW2, dW1 = (dZ.T @ A1 + lambd / m * W for dZ, W in ((dZ2, W2), (dZ1, W1)))
    return {"dZ1": dZ1, "dW1": dW1, "dW2": dW2}


@faulty("three-layer", "dA2 for dZ2 in dW2", "dW2", says=r"\bdA2\b|\bdZ2\b")
def gradient_of_a_for_that_of_z(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * (Z2 > 0)
    dW2 = dA2.T @ A1
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X}


@faulty("three-layer", "dA1 for dZ1 in db1", "db1", says=r"\bdA1\b|\bdZ1\b")
def bias_from_the_gradient_of_a(X, Y, W2, W3, Z1, Z2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": np.sum(dA1, axis=0)}


@faulty("three-layer", "dA2 for dZ2 on the way to dA1", "dA1", says=r"\bdA2\b|\bdZ2\b")
def gradient_of_a_goes_on(X, Y, W2, W3, Z1, A1, Z2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dA2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "equal widths L2",
    "upstream of the wrong layer: dA1 from dZ3 and W3",
    "dA1",
    says=r"\bdZ3\b|\bW3\b|\bdZ2\b|\bW2\b|\bdA2\b",
)
def upstream_of_the_wrong_layer(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ3 @ W3
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dW3 = dZ3.T @ A2 + lambd / m * W3
    return {"dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "dW2": dW2, "dW3": dW3}


@faulty("equal widths L2", "W2 is transposed on the way to dA1", "dA1", says=r"transpos|\bW2\b")
def transpose_on_the_way(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dZ1 = dZ2 @ W2.T * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dW3 = dZ3.T @ A2 + lambd / m * W3
    return {"dW1": dW1, "db1": dZ1.sum(axis=0), "dW2": dW2, "db2": dZ2.sum(axis=0), "dW3": dW3}


@faulty("equal widths tanh", "dW2 is transposed", "dW2", says=r"transpos")
def weight_gradient_transposed(Y, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    return {"dZ2": dZ2, "dW2": A1.T @ dZ2, "db2": dZ2.sum(axis=0)}


@faulty("two-layer", "dW1 is transposed, and has the wrong shape", "dW1", says=r"transpos|shape")
def weight_gradient_of_another_shape(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dZ1": dZ1, "dW1": X.T @ dZ1, "db1": dZ1.sum(axis=0)}


@faulty("two-layer", "W2 is updated before it is used for dA1", "dA1", says=r"\bW2\b|updat")
def weight_updated_too_early(X, Y, W2, Z1, A1, A2, m):
    learning_rate = 0.5
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1
    W2 -= learning_rate * dW2
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dW2": dW2, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("equal widths tanh", "Z1 for A1 in dW2", "dW2", says=r"\bZ1\b|\bA1\b")
def values_before_the_activation(X, Y, W2, W3, Z1, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dW2 = np.matmul(dZ2.T, Z1)
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dW1": np.matmul(dZ1.T, X), "dW2": dW2, "dW3": np.matmul(dZ3.T, A2)}


@faulty("equal widths L2", "A2 for A1 in dW2", "dW2", says=r"\bA2\b|\bA1\b")
def activations_of_the_wrong_layer(Y, W2, W3, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + lambd / m * W3
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dW2 = dZ2.T @ A2 + lambd / m * W2
    return {"dZ2": dZ2, "dW3": dW3, "dW2": dW2, "db2": dZ2.sum(axis=0)}


# ---- sums


@faulty(
    "as wide as the batch", "db1 is summed over the units instead of the examples", "db1", says=r"axis|sum"
)
def sum_over_the_wrong_axis(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=1), "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0)}


@faulty(
    "as wide as the batch",
    "dW2 is made of the columns of A1 instead of its rows",
    "dW2",
    says=r"transpos|\bA1\b",
)
def matrix_product_with_the_wrong_axis(Y, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dW2 = (A1 @ dZ2).T
    return {"dZ2": dZ2, "dW2": dW2}


@faulty("three-layer", "the sum over the examples is forgotten in db2", "db2", says=r"sum|shape|axis")
def sum_forgotten(Y, W3, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    return {"dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0), "dW2": dZ2.T @ A1, "db2": dZ2}


@faulty("three-layer", "db1 is summed over everything, and a number", "db1", says=r"sum|shape|axis")
def sum_over_everything(X, Y, W2, W3, Z1, Z2, A3, m):
    dZ2 = (A3 - Y) / m @ W3 * (Z2 > 0)
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dZ1": dZ1, "dW1": dZ1.T @ X, "db1": np.sum(dZ1)}


@faulty(
    "two-layer",
    "db1 with axis=1, keepdims=True as for examples that are columns",
    "db1",
    says=r"axis|shape|sum",
)
def keepdims_of_the_other_layout(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "db1": np.sum(dZ1, axis=1, keepdims=True), "dW2": dZ2.T @ A1}


@faulty(
    "two-layer L2",
    "in the loop over the examples, db1 is assigned instead of added to",
    "db1",
    says=r"sum|example|row",
)
def assigned_in_the_loop(X, Y, W1, W2, A1, A2, lambd, m):
    dW1, db1 = np.zeros_like(W1), np.zeros(len(W1))
    dW2, db2 = np.zeros_like(W2), np.zeros(len(W2))
    for i in range(m):
        dz2 = A2[i] - Y[i]
        dW2 += np.outer(dz2, A1[i]) / m
        db2 += dz2 / m
        dz1 = W2.T @ dz2 * (A1[i] > 0)
        dW1 += np.outer(dz1, X[i]) / m
        db1 = dz1 / m
    return {"dW1": dW1 + lambd / m * W1, "db1": db1, "dW2": dW2 + lambd / m * W2, "db2": db2}


@faulty("two-layer", "the loop leaves out the first example", "dZ2", says=r"example|row|batch|\b0\b")
def loop_without_the_first_example(X, Y, W1, W2, A1, A2, m):
    dW1, dW2 = np.zeros_like(W1), np.zeros_like(W2)
    for i in range(1, m):
        dz2 = (A2[i] - Y[i]) / m
        dW2 += np.outer(dz2, A1[i])
        dW1 += np.outer(dz2 @ W2 * (A1[i] > 0), X[i])
    return {"dW1": dW1, "dW2": dW2}


@faulty("equal widths both", "db2 is summed from dZ1", "db2", says=r"\bdZ1\b|\bdZ2\b")
def bias_of_the_wrong_layer(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * D2 / keep_prob * (Z2 > 0)
    dZ1 = dZ2 @ W2 * D1 / keep_prob * (Z1 > 0)
    decay = lambd / m
    return {
        "dW1": dZ1.T @ X + decay * W1,
        "db1": dZ1.sum(axis=0),
        "dW2": dZ2.T @ A1_drop + decay * W2,
        "db2": dZ1.sum(axis=0),
        "dW3": dZ3.T @ A2_drop + decay * W3,
        "db3": dZ3.sum(axis=0),
    }


# ---- a residual sum, shared weights


@faulty(
    "residual",
    "the branch past the second layer is forgotten: dA1 without + dA2",
    "dA1",
    says=r"\bdA2\b|term|branch",
)
def skip_forgotten(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2, "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1,
            "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}  # fmt: skip


@faulty(
    "residual", "only the branch past the second layer is followed", "dA1", says=r"\bdZ2\b|\bW2\b|term|branch"
)
def only_the_skip(X, Y, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dA1 = dA2
    dZ2, dZ1 = dA2 * (Z2 > 0), dA1 * (Z1 > 0)
    return {"dW1": dZ1.T @ X, "dW2": dZ2.T @ A1, "dW3": dZ3.T @ A2, "db1": dZ1.sum(axis=0)}


@faulty("residual", "dZ2 for dA2 goes along the branch past the layer", "dA1", says=r"\bdZ2\b|\bdA2\b")
def skip_after_the_relu(X, Y, W2, W3, Z1, A1, Z2, A3, m):
    dA2 = (A3 - Y) / m @ W3
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 + dZ2
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dW1": dZ1.T @ X}


@faulty(
    "residual",
    "the branch past the layer is added after relu's derivative, to dZ1",
    "dZ1",
    says=r"\bdA2\b|\bdA1\b|\bZ1\b|relu",
)
def skip_added_too_late(X, Y, W2, W3, Z1, Z2, A3, m):
    dA2 = (A3 - Y) / m @ W3
    dZ2 = dA2 * (Z2 > 0)
    dZ1 = (dZ2 @ W2) * (Z1 > 0)
    dZ1 = dZ1 + dA2
    return {"dZ2": dZ2, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("residual", "relu's derivative looks at the sum A2 instead of Z2", "dZ2", says=r"\bA2\b|\bZ2\b|relu")
def relu_of_the_sum(X, Y, W2, W3, Z1, A1, A2, A3, m):
    dA2 = (A3 - Y) / m @ W3
    dZ2 = dA2 * (A2 > 0)
    dA1 = dZ2 @ W2 + dA2
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "tied autoencoder", "the use of W in the decoder is forgotten in dW", "dW", says=r"\bA1\b|\bdZ2\b|term"
)
def decoder_forgotten(X, W, A1, Z2, m):
    dZ2 = (Z2 - X) / m
    dA1 = dZ2 @ W.T
    dZ1 = dA1 * (1 - A1**2)
    return {
        "dZ2": dZ2,
        "db2": dZ2.sum(axis=0),
        "dA1": dA1,
        "dZ1": dZ1,
        "db1": dZ1.sum(axis=0),
        "dW": dZ1.T @ X,
    }


@faulty(
    "tied autoencoder", "the use of W in the encoder is forgotten in dW", "dW", says=r"\bX\b|\bdZ1\b|term"
)
def encoder_forgotten(X, W, A1, Z2, m):
    dZ2 = (Z2 - X) / m
    dZ1 = dZ2 @ W.T * (1 - A1**2)
    return {"dW": A1.T @ dZ2, "db1": dZ1.sum(axis=0), "db2": dZ2.sum(axis=0)}


@faulty(
    "tied autoencoder",
    "the cost is halved, and the factor 2 kept: 2 (Z2 - X) / m",
    "dZ2",
    says=twice,
)
def factor_two_of_a_halved_cost(X, W, A1, Z2, m):
    dZ2 = 2 * (Z2 - X) / m
    dZ1 = dZ2 @ W.T * (1 - A1**2)
    return {"dZ2": dZ2, "dW": A1.T @ dZ2 + dZ1.T @ X, "db1": dZ1.sum(axis=0), "db2": dZ2.sum(axis=0)}


@faulty("tied layers", "the first use of U is forgotten in dU", "dU", says=r"\bX\b|\bdZ1\b|term")
def first_step_forgotten(X, Y, U, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dZ1 = dZ2 @ U * (1 - A1**2)
    return {"dZ2": dZ2, "dZ1": dZ1, "dU": dZ2.T @ A1, "db": dZ1.sum(axis=0) + dZ2.sum(axis=0)}


@faulty("tied layers", "the bias is used twice, and counted once", "db", says=r"\bdZ1\b|term|sum")
def bias_counted_once(X, Y, U, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dZ1 = dZ2 @ U * (1 - A1**2)
    return {"dU": dZ1.T @ X + dZ2.T @ A1, "db": dZ2.sum(axis=0), "dW3": dZ3.T @ A2}


@faulty(
    "tied layers",
    "the two uses of U are averaged instead of added",
    "dU",
    says=either(twice, r"mean|average"),
)
def uses_averaged(X, Y, U, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dZ1 = dZ2 @ U * (1 - A1**2)
    dU = np.mean([dZ2.T @ A1, dZ1.T @ X], axis=0)
    return {"dU": dU, "db": dZ1.sum(axis=0) + dZ2.sum(axis=0)}


@faulty("tied layers", "the second use of U is transposed in dU", "dU", says=r"transpos")
def one_use_transposed(X, Y, U, W3, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dU = A1.T @ dZ2
    dZ1 = dZ2 @ U * (1 - A1**2)
    dU += dZ1.T @ X
    return {"dZ2": dZ2, "dZ1": dZ1, "dU": dU, "dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0)}


# ---- batch statistics


def head(Y, W2, A1, A2, H1, m):
    """From the cost to dH1: what the passes through batch statistics begin with."""
    dZ2 = (A2 - Y) / m
    return dZ2.T @ A1, dZ2.sum(axis=0), dZ2 @ W2 * (H1 > 0)


@faulty(
    "batch statistics",
    "the batch's mean and variance are treated as constants",
    "dZ1",
    says=r"mu|var|mean|\bdmu\b|\bdvar\b",
    faults=2,
)
def batch_statistics_constant(X, Y, W2, A1, A2, H1, X_hat, gamma, var, eps, m):
    dW2, db2, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1 * gamma
    dZ1 = dX_hat / np.sqrt(var + eps)
    return {"dW2": dW2, "db2": db2, "dgamma": (dH1 * X_hat).sum(axis=0), "dbeta": dH1.sum(axis=0),
            "dX_hat": dX_hat, "dZ1": dZ1, "dW1": dZ1.T @ X}  # fmt: skip


@faulty("batch statistics", "the batch's mean is treated as a constant", "dZ1", says=r"mu|mean")
def batch_mean_constant(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    std_inv = 1 / np.sqrt(var + eps)
    dX_hat = dH1 * gamma
    dvar = np.sum(dX_hat * (Z1 - mu), axis=0) * -0.5 * std_inv**3
    dZ1 = dX_hat * std_inv + dvar * 2 * (Z1 - mu) / m
    return {"dX_hat": dX_hat, "dvar": dvar, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty("batch statistics", "the batch's variance is treated as a constant", "dZ1", says=r"var")
def batch_variance_constant(X, Y, W2, A1, A2, H1, gamma, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1 * gamma
    dZ1 = (dX_hat - dX_hat.mean(axis=0)) / np.sqrt(var + eps)
    return {"dX_hat": dX_hat, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "batch statistics",
    "m - 1 for m where the variance's gradient is spread: ddof=1",
    "dZ1",
    says=r"\bm\b|ddof|\bdvar\b|var",
)
def variance_with_ddof(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    std = np.sqrt(var + eps)
    dX_hat = dH1 * gamma
    dvar = -0.5 * np.sum(dX_hat * (Z1 - mu), axis=0) / std**3
    dmu = -np.sum(dX_hat, axis=0) / std
    dZ1 = dX_hat / std + 2 * dvar * (Z1 - mu) / (m - 1) + dmu / m
    return {"dX_hat": dX_hat, "dvar": dvar, "dmu": dmu, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "batch statistics",
    "the factor 1/2 of the square root's derivative is missing in dvar",
    "dvar",
    says=either(twice, r"0\.5"),
)
def half_missing_in_the_variance(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1 * gamma
    dvar = np.sum(dX_hat * (Z1 - mu) * -1 * (var + eps) ** -1.5, axis=0)
    dmu = np.sum(dX_hat * -1 / np.sqrt(var + eps), axis=0) + dvar * np.mean(-2 * (Z1 - mu), axis=0)
    dZ1 = dX_hat / np.sqrt(var + eps) + dvar * 2 * (Z1 - mu) / m + dmu / m
    return {"dX_hat": dX_hat, "dvar": dvar, "dmu": dmu, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty("batch statistics", "the exponent in dvar is -1/2 instead of -3/2", "dvar", says=r"var|power|sqrt")
def exponent_of_the_variance(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1 * gamma
    dvar = np.sum(dX_hat * (Z1 - mu), axis=0) * -0.5 * (var + eps) ** -0.5
    dmu = np.sum(dX_hat * -1 / np.sqrt(var + eps), axis=0)
    dZ1 = dX_hat / np.sqrt(var + eps) + dvar * 2 * (Z1 - mu) / m + dmu / m
    return {"dvar": dvar, "dmu": dmu, "dZ1": dZ1}


@faulty(
    "batch statistics",
    "the factor 2 is missing where the variance's gradient is spread",
    "dZ1",
    says=twice,
)
def two_missing_in_the_variance(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    std_inv = 1 / np.sqrt(var + eps)
    dX_hat = dH1 * gamma
    dvar = np.sum(dX_hat * (Z1 - mu), axis=0) * -0.5 * std_inv**3
    dmu = np.sum(dX_hat * -std_inv, axis=0)
    dZ1 = (dX_hat * std_inv) + (dvar * (Z1 - mu) / m) + (dmu / m)
    return {"dvar": dvar, "dmu": dmu, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty("batch statistics", "the mean's gradient is not divided by m", "dZ1", says=r"\bm\b|mean")
def mean_not_divided(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    std_inv = 1 / np.sqrt(var + eps)
    dX_hat = dH1 * gamma
    dvar = np.sum(dX_hat * (Z1 - mu), axis=0) * -0.5 * std_inv**3
    dmu = np.sum(dX_hat * -std_inv, axis=0)
    dZ1 = dX_hat * std_inv + dvar * 2 * (Z1 - mu) / m + dmu
    return {"dX_hat": dX_hat, "dvar": dvar, "dmu": dmu, "dZ1": dZ1}


@faulty("batch statistics", "Z1 for X_hat in dgamma", "dgamma", says=r"\bZ1\b|\bX_hat\b")
def gamma_from_what_is_not_normalised(Y, W2, A1, A2, H1, Z1, m):
    dW2, db2, dH1 = head(Y, W2, A1, A2, H1, m)
    return {"dW2": dW2, "db2": db2, "dH1": dH1, "dgamma": (dH1 * Z1).sum(axis=0), "dbeta": dH1.sum(axis=0)}


@faulty(
    "batch statistics",
    "dgamma and dbeta are exchanged",
    "dgamma",
    "dbeta",
    says=r"\bdgamma\b|\bdbeta\b|\bX_hat\b|exchang",
)
def gamma_and_beta_exchanged(Y, W2, A1, A2, H1, X_hat, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dgamma, dbeta = dH1.sum(axis=0), (dH1 * X_hat).sum(axis=0)
    return {"dgamma": dgamma, "dbeta": dbeta}


@faulty("batch statistics", "gamma is forgotten in dX_hat", "dX_hat", says=r"gamma")
def gamma_forgotten(X, Y, W2, A1, A2, H1, X_hat, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1
    centred = dX_hat - dX_hat.mean(axis=0) - X_hat * (dX_hat * X_hat).mean(axis=0)
    dZ1 = centred / np.sqrt(var + eps)
    return {"dX_hat": dX_hat, "dZ1": dZ1, "dW1": dZ1.T @ X}


# ---- softmax


@faulty("softmax", "the sign of A2 - Y is reversed", "dZ2", says=sign)
def softmax_sign(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (Y - A2) / m
    dA1, dW2, db2 = linear_backward(dZ2, A1, W2)
    dZ1 = relu_backward(dA1, Z1)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("softmax", "the mean over the examples is forgotten", "dZ2", says=r"\bm\b|mean")
def softmax_without_mean(X, Y, W2, Z1, A1, A2):
    dZ2 = A2.copy()
    dZ2[np.arange(len(Y)), Y.argmax(axis=1)] -= 1
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("softmax", "the sigmoid's derivative is multiplied in", "dZ2", says=r"\bA2\b|sigmoid|softmax")
def softmax_times_sigmoid_derivative(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (A2 - Y) * A2 * (1 - A2) / m
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X}


@faulty(
    "softmax",
    "only the diagonal of softmax's derivative: dA2 * A2 * (1 - A2)",
    "dZ2",
    says=r"\bA2\b|softmax|sum|term",
)
def softmax_diagonal_only(X, Y, W2, Z1, A1, A2, m):
    dA2 = -Y / A2 / m
    dZ2 = dA2 * A2 * (1 - A2)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "softmax",
    "the mean is taken over all entries: m times the number of classes",
    "dZ2",
    says=r"\bm\b|10|70|mean|factor",
)
def softmax_mean_over_all_entries(X, Y, W2, Z1, A1, A2):
    dZ2 = (A2 - Y) / Y.size
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty("softmax", "the sum in softmax's derivative is over the examples", "dZ2", says=r"axis|sum")
def softmax_sum_over_the_examples(Y, A1, A2, m):
    dA2 = -Y / A2 / m
    dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0))
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1}


@faulty(
    "softmax from logits",
    "softmax is normalised over the examples instead of the classes",
    "dZ3",
    says=r"axis|softmax|sum|\bdZ3\b",
)
def softmax_over_the_wrong_axis(X, Y, W2, W3, A1, A2, Z3, m):
    exps = np.exp(Z3)
    dZ3 = (exps / exps.sum(axis=0) - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dZ3": dZ3, "dW3": dZ3.T @ A2, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X}


@faulty(
    "softmax from logits", "softmax is not normalised: exp(Z3) - Y", "dZ3", says=r"softmax|exp|sum|\bdZ3\b"
)
def softmax_not_normalised(Y, A2, Z3, m):
    dZ3 = (np.exp(Z3) - Y) / m
    return {"dZ3": dZ3, "dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0)}


@faulty(
    "softmax from logits", "the logits for the probabilities: Z3 - Y", "dZ3", says=r"\bZ3\b|softmax|\bdZ3\b"
)
def logits_for_probabilities(Y, W3, A1, A2, Z3, m):
    dZ3 = (Z3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    return {"dZ3": dZ3, "dW3": dZ3.T @ A2, "dZ2": dZ2, "dW2": dZ2.T @ A1}


@faulty(
    "softmax from logits",
    "tanh's derivative is forgotten in the first layer",
    "dZ1",
    says=r"tanh|\bA1\b|activ",
)
def tanh_forgotten_behind_softmax(X, Y, W2, W3, A1, A2, Z3, m):
    exps = np.exp(Z3 - Z3.max(axis=1, keepdims=True))
    delta = (exps / exps.sum(axis=1, keepdims=True) - Y) / m
    grads = {"dW3": delta.T @ A2, "db3": delta.sum(axis=0)}
    delta = delta @ W3 * (1 - A2**2)
    grads |= {"dW2": delta.T @ A1, "db2": delta.sum(axis=0)}
    delta = delta @ W2
    return grads | {"dW1": delta.T @ X, "db1": delta.sum(axis=0)}


@faulty(
    "softmax regression L2",
    "the one of the label is subtracted after the division by m",
    "dZ",
    says=r"\bm\b|\bY\b",
)
def label_subtracted_after_the_mean(X, Y, W, A, lambd, m):
    dZ = A / m
    dZ[range(m), Y.argmax(axis=1)] -= 1
    return {"dZ": dZ, "dW": dZ.T @ X + lambd / m * W, "db": dZ.sum(axis=0)}


@faulty("softmax regression L2", "the L2 term is lambd W", "dW", says=r"\bm\b|lambd")
def softmax_l2_without_m(X, Y, W, A, lambd, m):
    dZ = (A - Y) / m
    return {"dZ": dZ, "dW": dZ.T @ X + lambd * W, "db": dZ.sum(axis=0)}


@faulty(
    "softmax both",
    "dW2 is divided by keep_prob, as if it were a gradient behind dropout",
    "dW2",
    says=r"keep_prob",
)
def last_layer_rescaled(X, Y, W1, W2, Z1, A1_drop, A2, D1, keep_prob, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1_drop / keep_prob + lambd / m * W2
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dZ2": dZ2, "dW2": dW2, "dA1": dA1, "dW1": dZ1.T @ X + lambd / m * W1}


# ---- squared errors


@faulty("linear regression", "the factor 2 is missing", "dY_hat", says=twice)
def mse_without_two(X, Y, Y_hat):
    dY_hat = (Y_hat - Y) / Y.size
    return {"dY_hat": dY_hat, "dW": dY_hat.T @ X, "db": dY_hat.sum(axis=0)}


@faulty("linear regression", "the sign: Y - Y_hat", "dY_hat", says=sign)
def mse_sign(X, Y, Y_hat):
    error = Y - Y_hat
    dW = 2 * error.T @ X / error.size
    db = 2 * error.sum(axis=0) / error.size
    return {"dW": dW, "db": db}


@faulty(
    "linear regression",
    "the mean is taken over the examples only, not over the outputs",
    "dY_hat",
    says=r"\b3\b|\bm\b|mean|factor|ratio",
)
def mse_mean_over_examples(X, Y, Y_hat, m):
    dY_hat = 2 / m * (Y_hat - Y)
    return {"dY_hat": dY_hat, "dW": dY_hat.T @ X, "db": dY_hat.sum(axis=0)}


@faulty("linear regression", "the mean is forgotten", "dY_hat", says=r"mean|\b21\b|/ m\b|factor|ratio")
def mse_sum(X, Y, Y_hat):
    dY_hat = 2 * (Y_hat - Y)
    dW = np.einsum("mk,mj->kj", dY_hat, X)
    return {"dW": dW}


@faulty("linear regression", "the squared error for the error", "dY_hat", says=r"square|error|\bdY_hat\b")
def mse_squared(X, Y, Y_hat):
    dY_hat = 2 * (Y_hat - Y) ** 2 / Y.size
    return {"dY_hat": dY_hat, "dW": dY_hat.T @ X}


@faulty("ridge regression", "the L2 term is twice too large", "dW", says=either(twice, r"lambd|L2"))
def ridge_doubled(X, Y, W, Y_hat, lambd, m):
    error = Y_hat - Y
    dW = 1 / m * error.T @ X + 2 * lambd / m * W
    db = 1 / m * error.sum(axis=0)
    return {"dW": dW, "db": db}


@faulty("ridge regression", "db is the sum over the examples, not divided by m", "db", says=r"\bm\b|mean")
def ridge_bias_not_divided(X, Y, W, Y_hat, lambd, m):
    error = Y_hat - Y
    return {"dW": (error.T @ X + lambd * W) / m, "db": np.sum(error, axis=0)}


@faulty(
    "ridge regression",
    "the error is taken with the sign of the weights' update",
    "dW",
    "db",
    says=sign,
)
def ridge_descent_direction(X, Y, W, Y_hat, lambd, m):
    gradient = (Y_hat - Y).T @ X / m + lambd / m * W
    return {"dW": -gradient, "db": -(Y_hat - Y).mean(axis=0)}


@faulty(
    "regression tanh",
    "the error of the output is multiplied by tanh's derivative, though the output is linear",
    "dZ2",
    says=r"tanh|\bZ2\b|\bdZ2\b",
)
def activation_of_a_linear_output(X, Y, W2, A1, Z2):
    dZ2 = 2 * (Z2 - Y) / Y.size * (1 - np.tanh(Z2) ** 2)
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty(
    "regression tanh",
    "1/m for 1/(m n): the number of outputs is forgotten",
    "dZ2",
    says=r"\b3\b|\bm\b|mean|factor|ratio",
)
def outputs_not_counted(X, Y, W2, A1, Z2, m):
    dZ2 = 2 * (Z2 - Y) / m
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


# ---- two mistakes at once


@faulty(
    "two-layer both", "dA1 is not divided by keep_prob, and the L2 term of dW2 not by m", "dA1", "dW2",
    says=both(r"keep_prob", r"\bm\b"), faults=2,
)  # fmt: skip
def two_forgotten_divisions(X, Y, W1, W2, Z1, A1_drop, A2, D1, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1_drop + lambd * W2
    dA1 = dZ2 @ W2 * D1
    dZ1 = dA1 * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dZ2": dZ2, "dW2": dW2, "db2": dZ2.sum(axis=0), "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


@faulty(
    "three-layer L2", "the sign of dZ3, and no L2 term in dW1", "dZ3", "dW1",
    says=both(sign, r"lambd|L2|term"), faults=2,
)  # fmt: skip
def sign_and_l2(X, Y, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (Y - A3) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    dW3 = dZ3.T @ A2 + lambd / m * W3
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dW1 = dZ1.T @ X
    return {"dZ3": dZ3, "dZ2": dZ2, "dZ1": dZ1, "dW3": dW3, "dW2": dW2, "dW1": dW1}


@faulty(
    "equal widths dropout", "the masks are exchanged, and A1 is taken before dropout in dW2", "dA2", "dA1",
    "dW2", says=both(r"\bD1\b|\bD2\b|mask", r"\bA1\b"), faults=2,
)  # fmt: skip
def masks_exchanged_and_activations_before_dropout(
    X, Y, W2, W3, Z1, A1, Z2, A2_drop, A3, D1, D2, keep_prob, m
):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D1 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D2 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2_drop, "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1,
            "dW1": dZ1.T @ X}  # fmt: skip


@faulty(
    "as wide as the batch", "relu's derivative is forgotten, and db1 summed over the units", "dZ1", "db1",
    says=both(r"relu|\bZ1\b|activ", r"axis|sum"), faults=2,
)  # fmt: skip
def relu_and_axis(X, Y, W2, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dZ1 = dZ2 @ W2
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(0), "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(1)}


@faulty(
    "three-layer L2 from logits", "the L2 term of dW1 is subtracted, and db2 lacks its 1/m", "dW1", "db2",
    says=both(sign, r"\bm\b"), faults=2,
)  # fmt: skip
def l2_sign_and_one_over_m(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = A3 - Y
    dW3, db3 = (dZ3.T @ A2 + lambd * W3) / m, dZ3.sum(axis=0) / m
    dZ2 = dZ3 @ W3 * (A2 > 0)
    dW2, db2 = (dZ2.T @ A1 + lambd * W2) / m, dZ2.sum(axis=0)
    dZ1 = dZ2 @ W2 * (A1 > 0)
    dW1, db1 = (dZ1.T @ X - lambd * W1) / m, dZ1.sum(axis=0) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2, "dW3": dW3, "db3": db3}


@faulty(
    "softmax both", "no mean in dZ2, and no keep_prob in dA1; only weights are handed in", "dZ2", "dA1",
    says=both(r"\bm\b|mean", r"keep_prob"), faults=2,
)  # fmt: skip
def softmax_mean_and_keep_prob(X, Y, W1, W2, Z1, A1_drop, A2, D1, lambd, m):
    dZ2 = A2 - Y
    dZ1 = dZ2 @ W2 * D1 * (Z1 > 0)
    return {"dW2": dZ2.T @ A1_drop + lambd / m * W2, "dW1": dZ1.T @ X + lambd / m * W1}


@faulty(
    "batch statistics", "the variance is a constant, and dgamma takes Z1", "dZ1", "dgamma",
    says=both(r"var", r"\bZ1\b|\bX_hat\b"), faults=2,
)  # fmt: skip
def variance_and_gamma(X, Y, W2, A1, A2, H1, Z1, gamma, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1 * gamma
    dZ1 = (dX_hat - dX_hat.mean(axis=0)) / np.sqrt(var + eps)
    return {"dH1": dH1, "dgamma": (dH1 * Z1).sum(axis=0), "dX_hat": dX_hat, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "three-layer tanh L2", "the sigmoid's derivative for tanh's in dZ1, and 2 lambd / m in dW3", "dZ1",
    "dW3", says=both(r"\bA1\b|tanh|sigmoid", either(twice, r"lambd")), faults=2,
)  # fmt: skip
def tanh_and_l2(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2 + 2 * lambd / m * W3
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dW2 = dZ2.T @ A1 + lambd / m * W2
    dZ1 = dZ2 @ W2 * A1 * (1 - A1)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW3": dW3, "dZ2": dZ2, "dW2": dW2, "dZ1": dZ1, "dW1": dW1}


@faulty(
    "residual", "the branch past the layer is forgotten, and dW2 transposed", "dA1", "dW2",
    says=both(r"\bdA2\b|term|branch", r"transpos"), faults=2,
)  # fmt: skip
def skip_and_transpose(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (Z2 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2, "dZ2": dZ2, "dW2": A1.T @ dZ2, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty(
    "tied autoencoder", "the 1/m is forgotten in dZ2, and the decoder's use of W in dW", "dZ2", "dW",
    says=both(r"\bm\b", r"\bA1\b|\bdZ2\b|term"), faults=2,
)  # fmt: skip
def mean_and_decoder(X, W, A1, Z2):
    dZ2 = Z2 - X
    dZ1 = dZ2 @ W.T * (1 - A1**2)
    return {"dZ2": dZ2, "db2": dZ2.sum(axis=0), "dW": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty(
    "equal widths both", "W2 is transposed on the way to dA1, and the mask D1 forgotten there", "dA1",
    says=both(r"transpos|\bW2\b", r"\bD1\b|mask"), faults=2,
)  # fmt: skip
def transpose_and_mask_in_one_line(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A3, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2.T / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    dW2 = dZ2.T @ A1_drop + lambd / m * W2
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X + lambd / m * W1}


@faulty(
    "three-layer dropout from logits", "no 1/m in dZ3, and dA1 times keep_prob", "dZ3", "dA1",
    says=both(r"\bm\b", r"keep_prob"), faults=2,
)  # fmt: skip
def mean_and_keep_prob(X, Y, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob):
    dZ3 = A3 - Y
    dZ2 = dZ3 @ W3 * D2 / keep_prob * (Z2 > 0)
    dA1 = dZ2 @ W2 * D1 * keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dZ3": dZ3, "dW3": dZ3.T @ A2_drop, "dZ2": dZ2, "dW2": dZ2.T @ A1_drop, "dA1": dA1,
            "dW1": dZ1.T @ X}  # fmt: skip


# ---- more of what goes wrong with dropout and both


@faulty(
    "equal widths both", "the masks of the two layers are exchanged", "dA2", "dA1", says=r"\bD1\b|\bD2\b|mask"
)
def masks_exchanged(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    masks = [D2, D1]
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * masks.pop() / keep_prob * (Z2 > 0)
    dZ1 = dZ2 @ W2 * masks.pop() / keep_prob * (Z1 > 0)
    decay = lambd / m
    return {"dW3": dZ3.T @ A2_drop + decay * W3, "dW2": dZ2.T @ A1_drop + decay * W2,
            "dW1": dZ1.T @ X + decay * W1}  # fmt: skip


@faulty(
    "three-layer both from logits", "a mask is drawn anew with a fixed seed in place of D1", "dA1",
    says=r"\bD1\b|mask|redrawn",
)  # fmt: skip
def new_mask_from_a_seed(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D2, keep_prob, lambd, m):
    rng = np.random.default_rng(1)
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2_drop + lambd / m * W3
    dZ2 = dZ3 @ W3 * D2 / keep_prob * (Z2 > 0)
    dW2 = dZ2.T @ A1_drop + lambd / m * W2
    dA1 = dZ2 @ W2
    D1 = rng.random(dA1.shape) < keep_prob
    dZ1 = dA1 * D1 / keep_prob * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    return {"dW3": dW3, "dW2": dW2, "dW1": dW1, "db1": dZ1.sum(axis=0)}


@faulty(
    "three-layer both from logits", "lambd for keep_prob in dA2", "dA2", says=r"lambd|keep_prob",
)  # fmt: skip
def lambd_for_keep_prob(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D2 / lambd
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    dW2, dW1 = dZ2.T @ A1_drop + lambd / m * W2, dZ1.T @ X + lambd / m * W1
    return {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW2": dW2, "dW1": dW1}


@faulty(
    "three-layer both from logits", "the penalty is divided by keep_prob as well, in dW3", "dW3",
    says=r"keep_prob|lambd",
)  # fmt: skip
def penalty_rescaled(Y, W3, A2_drop, A3, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dW3 = dZ3.T @ A2_drop + lambd / m * W3 / keep_prob
    return {"dZ3": dZ3, "dW3": dW3, "db3": dZ3.sum(axis=0)}


@faulty("three-layer both", "db1 is divided by keep_prob once more", "db1", says=r"keep_prob")
def bias_rescaled(X, Y, W1, W2, W3, Z1, Z2, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * D2 / keep_prob * (Z2 > 0)
    dZ1 = dZ2 @ W2 * D1 / keep_prob * (Z1 > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    db1 = (dZ1 / keep_prob).sum(axis=0)
    return {"dZ1": dZ1, "dW1": dW1, "db1": db1}


@faulty(
    "three-layer both",
    "the mask and the division by keep_prob are applied to dA2 twice",
    "dA2",
    says=r"keep_prob",
)
def rescaled_in_two_places(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / m
    dA2_drop = dZ3 @ W3
    dA2 = dA2_drop * D2 / keep_prob
    dA2 = dA2 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dA2_drop": dA2_drop, "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1_drop + lambd / m * W2, "dA1": dA1,
            "dW1": dZ1.T @ X + lambd / m * W1}  # fmt: skip


@faulty(
    "three-layer both",
    "the mask of the first layer is forgotten in a loop over the layers",
    "dA1",
    says=r"\bD1\b|mask",
)
def mask_forgotten_in_the_first_layer(
    X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D2, keep_prob, lambd, m
):
    caches = {3: (A2_drop, W3), 2: (A1_drop, W2), 1: (X, W1)}
    masks, Z = {2: D2, 1: 1}, {2: Z2, 1: Z1}
    dZ, grads = (A3 - Y) / m, {}
    for layer in (3, 2, 1):
        A_prev, W = caches[layer]
        grads[f"dW{layer}"] = dZ.T @ A_prev + lambd / m * W
        grads[f"db{layer}"] = dZ.sum(axis=0)
        if layer > 1:
            dA = dZ @ W * masks[layer - 1] / keep_prob
            dZ = dA * (Z[layer - 1] > 0)
    return grads


# ---- what no change of a line explains


@faulty("two-layer L2", "dW1 is random numbers", "dW1", faults=0, random=True)
def random_numbers(Y, W1, W2, A1, A2, lambd, m):
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1 + lambd / m * W2
    return {"dW2": dW2, "db2": dZ2.sum(axis=0), "dW1": np.random.default_rng().normal(size=W1.shape)}


@faulty("two-layer", "dW1 is made up of a table of numbers", "dW1", faults=0)
def made_up_numbers(Y, A1, A2, m):
    dZ2 = (A2 - Y) / m
    return {"dW2": dZ2.T @ A1, "dW1": np.cos(np.arange(15.0)).reshape(5, 3) / 10}


@faulty("three-layer", "Hebb's rule for dW2: the product of the activations", "dW2", faults=0)
def hebbian(Y, A1, A2, A3, m):
    dZ3 = (A3 - Y) / m
    return {"dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0), "dW2": np.tanh(A2.T @ A1 / m) * 0.1}


@faulty("three-layer", "feedback through other, fixed weights than W3", "dA2", faults=0)
def random_feedback(X, Y, W2, Z1, A1, Z2, A2, A3, m):
    feedback = np.random.default_rng(3).standard_normal((1, 4))
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ feedback
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2, "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dW1": dZ1.T @ X}


@faulty(
    "linear regression", "differences with a step of 1/2, on the cost of an absolute error", "dW", faults=0
)
def differences_of_another_cost(X, Y, W, b):
    def cost(W):
        return np.mean(np.abs(X @ W.T + b - Y))

    dW = np.zeros_like(W)
    for i in np.ndindex(W.shape):
        moved = W.copy()
        moved[i] += 0.5
        dW[i] = (cost(moved) - cost(W)) / 0.5
    return {"dW": dW}


@faulty("three-layer tanh L2", "the gradients are clipped", "dW1", "dW2", faults=0)
def clipped(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    dW1 = np.clip(dZ1.T @ X + lambd / m * W1, -0.02, 0.02)
    dW2 = np.clip(dZ2.T @ A1 + lambd / m * W2, -0.02, 0.02)
    return {"dZ1": dZ1, "dZ2": dZ2, "dW1": dW1, "dW2": dW2}


@faulty("ridge regression", "the solution is handed in instead of the gradient", "dW", faults=0)
def solution_for_gradient(X, Y, b, Y_hat, lambd, m):
    W = np.linalg.solve(X.T @ X + lambd * np.eye(X.shape[1]), X.T @ (Y - b)).T
    return {"dW": W, "db": (Y_hat - Y).mean(axis=0)}


@faulty(
    "softmax regression L2",
    "the gradient is divided by its norm, and given noise",
    "dW",
    faults=0,
    random=True,
)
def normed_with_noise(X, Y, W, A, lambd, m):
    dZ = (A - Y) / m
    dW = dZ.T @ X + lambd / m * W
    dW += 0.05 * np.random.default_rng().standard_normal(dW.shape)
    return {"dW": dW / np.linalg.norm(dW), "db": dZ.sum(axis=0)}


# ---- the forward pass, or the data, in place of the gradient


@faulty("two-layer tanh", "A1 itself is handed in as dA1", "dA1", says=r"\bA1\b")
def forward_value_for_gradient(Y, A1, A2, m):
    dZ2 = (A2 - Y) / m
    dA1 = A1
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1}


@faulty(
    "softmax regression L2", "only the first four examples are used", "dZ", says=r"example|row|batch|\bm\b"
)
def part_of_the_batch(X, Y, W, A, lambd, m):
    dZ = (A - Y)[:4] / m
    return {"dW": dZ.T @ X[:4] + lambd / m * W, "db": dZ.sum(axis=0)}


@faulty(
    "softmax both",
    "the labels belong to the examples in another order",
    "dZ2",
    says=r"\bY\b|example|row|batch|order",
)
def labels_in_another_order(X, Y, W1, W2, Z1, A1_drop, A2, D1, keep_prob, lambd, m):
    dZ2 = (A2 - np.roll(Y, 1, axis=0)) / m
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {
        "dZ2": dZ2,
        "dW2": dZ2.T @ A1_drop + lambd / m * W2,
        "dA1": dA1,
        "dW1": dZ1.T @ X + lambd / m * W1,
    }


# ---- the classic course style: examples are columns


@faulty(
    "three-layer dropout",
    "dA2 is masked, but not divided by keep_prob",
    "dA2",
    says=r"keep_prob",
    transposed=True,
)
def course_without_rescaling(X, Y, W2, W3, A1, A1_drop, A2, A2_drop, A3, D1, D2, keep_prob, m):
    cache = (D1, A1_drop, A1, W2, D2, A2_drop, A2, W3, A3)
    (D1, A1_drop, A1, W2, D2, A2_drop, A2, W3, A3) = cache
    dZ3 = 1.0 / m * (A3 - Y)
    dW3 = np.dot(dZ3, A2_drop.T)
    db3 = np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dA2 = dA2 * D2
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = np.dot(dZ2, A1_drop.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dA1 = dA1 * D1
    dA1 = dA1 / keep_prob
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dZ3": dZ3, "dW3": dW3, "db3": db3, "dA2": dA2, "dZ2": dZ2, "dW2": dW2, "db2": db2, "dA1": dA1,
            "dZ1": dZ1, "dW1": dW1, "db1": db1}  # fmt: skip


@faulty("three-layer L2", "the L2 term of dW2 is not divided by m", "dW2", says=r"\bm\b", transposed=True)
def course_l2_without_m(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3, A2.T) + lambd / m * W3
    dZ2 = np.multiply(np.dot(W3.T, dZ3), np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1.T) + lambd * W2
    dZ1 = np.multiply(np.dot(W2.T, dZ2), np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + lambd / m * W1
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW3": dW3, "dW2": dW2, "dW1": dW1, "db1": db1}


@faulty(
    "three-layer L2", "all weights lack 1/m in the first term, and the biases too", "dZ3", says=r"\bm\b|mean",
    transposed=True,
)  # fmt: skip
def course_without_the_mean(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = A3 - Y
    dW3 = np.dot(dZ3, A2.T) + lambd / m * W3
    db3 = np.sum(dZ3, axis=1, keepdims=True)
    dZ2 = np.multiply(np.dot(W3.T, dZ3), np.int64(A2 > 0))
    dW2 = np.dot(dZ2, A1.T) + lambd / m * W2
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), np.int64(A1 > 0))
    dW1 = np.dot(dZ1, X.T) + lambd / m * W1
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}


@faulty(
    "equal widths both", "the mask D1 is applied to dA1, and keep_prob is multiplied by", "dA1",
    says=r"keep_prob", transposed=True, scaled={"dZ3": "m", "dZ2": "m", "dA1": "m", "dZ1": "m"},
)  # fmt: skip
def course_multiplied_by_keep_prob(X, Y, W1, W2, W3, A1, A2, A1_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = A3 - Y
    dZ2 = np.multiply(np.dot(W3.T, dZ3) * D2 / keep_prob, np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1_drop.T) + lambd / m * W2
    dA1 = np.dot(W2.T, dZ2)
    dA1 *= D1
    dA1 *= keep_prob
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + lambd / m * W1
    return {"dZ3": dZ3, "dZ2": dZ2, "dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


@faulty(
    "two-layer tanh", "1 - A1 * 2 for 1 - A1**2", "dZ1", says=r"\bA1\b|square|\*\*|power|tanh",
    transposed=True, scaled={"dZ2": "m", "dZ1": "m"},
)  # fmt: skip
def course_tanh_with_twice_for_square(X, Y, W2, A1, A2, m):
    dZ2 = A2 - Y
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = np.dot(W2.T, dZ2) * (1 - A1 * 2)
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@faulty(
    "two-layer dropout",
    "dZ1 is the mask's share of dA1, without relu's derivative",
    "dZ1",
    says=r"relu|\bZ1\b|activ",
    transposed=True,
)
def course_dropout_without_relu(X, Y, W2, A1_drop, A2, D1, keep_prob, m):
    dZ2 = 1.0 / m * (A2 - Y)
    dW2 = np.dot(dZ2, A1_drop.T)
    dZ1 = np.dot(W2.T, dZ2) * D1 / keep_prob
    return {"dW2": dW2, "dW1": np.dot(dZ1, X.T), "db1": np.sum(dZ1, axis=1, keepdims=True)}


# ---- other declared styles, with a mistake


@faulty("two-layer both", "keep_prob is forgotten in dA1, in float32", "dA1", says=r"keep_prob", single=True)
def rescaling_forgotten_in_float32(X, Y, W1, W2, Z1, A1_drop, A2, D1, lambd, m):
    dZ2 = (A2 - Y) / np.float32(m)
    dA1 = dZ2 @ W2 * D1
    dZ1 = dA1 * (Z1 > 0)
    decay = np.float32(lambd / m)
    return {"dA1": dA1, "dZ1": dZ1, "dW2": dZ2.T @ A1_drop + decay * W2, "dW1": dZ1.T @ X + decay * W1}


@faulty(
    "three-layer L2 from logits",
    "the biases get the L2 term too",
    "db1",
    "db2",
    says=r"\bb[12]\b|bias|lambd",
    rows=True,
)
def biases_decayed_as_rows(X, Y, W2, W3, b1, b2, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (A2 > 0)
    dZ1 = dZ2 @ W2 * (A1 > 0)
    db2 = np.sum(dZ2, axis=0, keepdims=True) + lambd / m * b2
    db1 = np.sum(dZ1, axis=0, keepdims=True) + lambd / m * b1
    return {"db3": np.sum(dZ3, axis=0, keepdims=True), "db2": db2, "db1": db1}


# ---- loops, classes and bookkeeping


@faulty("two-layer both", "the L2 term is added once per example", "dW1", "dW2", says=r"\bm\b|example|7")
def l2_in_the_loop(X, Y, W1, W2, A1, A1_drop, A2, D1, keep_prob, lambd, m):
    dW1, dW2 = np.zeros(W1.shape), np.zeros(W2.shape)
    for i in range(m):
        error = (A2[i] - Y[i]) / m
        dW2 += np.outer(error, A1_drop[i]) + lambd / m * W2
        hidden = error @ W2 * D1[i] / keep_prob * (A1[i] > 0)
        dW1 += np.outer(hidden, X[i]) + lambd / m * W1
    return {"dW1": dW1, "dW2": dW2}


@faulty(
    "two-layer tanh",
    "the index of the inputs is off by one: X[i - 1]",
    "dW1",
    says=r"\bX\b|row|example|order|batch",
)
def index_off_by_one(X, Y, W1, W2, A1, A2, m):
    dW1, db1, dW2 = np.zeros(W1.shape), np.zeros(len(W1)), np.zeros(W2.shape)
    for i in range(m):
        dz2 = (A2[i] - Y[i]) / m
        dz1 = W2.T @ dz2 * (1 - A1[i] ** 2)
        dW2 += dz2[:, None] * A1[i]
        dW1 += dz1[:, None] * X[i - 1]
        db1 += dz1
    return {"dW1": dW1, "db1": db1, "dW2": dW2}


@faulty("two-layer", "an integer division, 1 // m, makes everything zero", "dZ2", says=r"zero|\b0\b|\bm\b|//")
def integer_division(X, Y, W2, Z1, A1, A2, m):
    dZ2 = (A2 - Y) * (1 // m)
    dZ1 = dZ2 @ W2 * (Z1 > 0)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}


@faulty(
    "inputs as wide as the hidden layers",
    "dW1 and dW2 are exchanged in the dictionary",
    "dW1",
    "dW2",
    says=r"dW1|dW2|exchang|swap",
)
def weights_exchanged(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    grads = []
    dZ = (A3 - Y) / m
    for A_prev, W, Z in ((A2, W3, Z2), (A1, W2, Z1), (X, W1, None)):
        grads.append(dZ.T @ A_prev + lambd / m * W)
        if Z is not None:
            dZ = dZ @ W * (Z > 0)
    return dict(zip(("dW3", "dW1", "dW2"), grads, strict=True))


@faulty(
    "logistic regression L2",
    "the gradients of two calls are added up: they were not set to zero",
    "dW",
    "db",
    says=either(twice, r"ratio"),
)
def accumulated_over_two_calls(X, Y, W, A, lambd, m):
    class Layer:
        def __init__(self):
            self.dW, self.db = np.zeros_like(W), np.zeros(len(W))

        def backward(self, dZ):
            self.dW += dZ.T @ X + lambd / m * W
            self.db += dZ.sum(axis=0)

    layer = Layer()
    for _ in range(2):
        layer.backward((A - Y) / m)
    return {"dW": layer.dW, "db": layer.db}


@faulty(
    "three-layer dropout",
    "divided by the share of the units that were kept, not by keep_prob",
    "dA2",
    says=r"keep_prob|\bD2\b|ratio",
)
def divided_by_the_share_kept(Y, W3, Z2, A1_drop, A3, D2, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D2 / D2.mean()
    dZ2 = dA2 * (Z2 > 0)
    return {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1_drop}


@faulty(
    "batch statistics", "relu's derivative looks at X_hat instead of H1", "dH1", says=r"X_hat|\bH1\b|relu"
)
def relu_of_the_normalised(X, Y, W2, A1, A2, X_hat, gamma, var, eps, m):
    dZ2 = (A2 - Y) / m
    dH1 = dZ2 @ W2 * (X_hat > 0)
    dgamma, dbeta = (dH1 * X_hat).sum(axis=0), dH1.sum(axis=0)
    dZ1 = gamma / np.sqrt(var + eps) * (dH1 - dbeta / m - X_hat * dgamma / m)
    return {"dW2": dZ2.T @ A1, "dH1": dH1, "dgamma": dgamma, "dbeta": dbeta, "dW1": dZ1.T @ X}


@faulty(
    "batch statistics",
    "divided by the variance instead of its square root",
    "dZ1",
    says=r"sqrt|square root|var",
)
def variance_for_standard_deviation(X, Y, W2, A1, A2, H1, X_hat, gamma, var, eps, m):
    _, _, dH1 = head(Y, W2, A1, A2, H1, m)
    dX_hat = dH1 * gamma
    dZ1 = (dX_hat - dX_hat.mean(axis=0) - X_hat * (dX_hat * X_hat).mean(axis=0)) / (var + eps)
    return {"dX_hat": dX_hat, "dZ1": dZ1, "dW1": dZ1.T @ X}


@faulty("batch statistics", "dbeta is averaged over the examples", "dbeta", says=r"mean|\bm\b|sum")
def beta_averaged(Y, W2, A1, A2, H1, X_hat, m):
    dW2, _, dH1 = head(Y, W2, A1, A2, H1, m)
    return {"dW2": dW2, "dH1": dH1, "dgamma": np.einsum("ij,ij->j", dH1, X_hat), "dbeta": dH1.mean(axis=0)}


# ---- attention


@faulty("attention", "the scores are divided by sqrt(d_k), and their gradient is not", "dR", says=r"d_k")
def attention_without_its_scale(X, Y, Q, K, V, P, O, m):  # noqa: E741
    dO = (O - Y) / m
    dV, dP = P.T @ dO, dO @ V.T
    dS = P * (dP - (dP * P).sum(-1, keepdims=True))
    dQ, dK = dS @ K, dS.T @ Q
    return {"dS": dS, "dQ": dQ, "dK": dK, "dV": dV, "dWq": X.T @ dQ, "dWk": X.T @ dK, "dWv": X.T @ dV}


@faulty("attention", "the scores are transposed in the gradient of the keys, and dR is not", "dK",
        says=r"transpos|\.T\b")  # fmt: skip
def keys_without_the_transpose(X, Y, Q, K, V, P, O, d_k, m):  # noqa: E741
    dO = (O - Y) / m
    dP = dO @ V.T
    dS = P * (dP - np.einsum("ij,ij->i", dP, P)[:, None])
    scale = d_k**-0.5
    return {"dWq": X.T @ (dS @ K * scale), "dWk": X.T @ (dS @ Q * scale), "dWv": X.T @ (P.T @ dO)}


@faulty("attention", "the values get P @ dO instead of P.T @ dO", "dV", says=r"transpos|\bP\b")
def values_without_the_transpose(X, Y, Q, K, V, P, O, d_k, m):  # noqa: E741
    dO = (O - Y) / m
    dV, dP = np.matmul(P, dO), np.matmul(dO, V.T)
    dR = P * (dP - np.sum(dP * P, axis=1, keepdims=True)) / np.sqrt(d_k)
    return {"dWv": X.T @ dV, "dWk": X.T @ dR.T @ Q, "dWq": X.T @ dR @ K}


@faulty("attention", "divided by d_k instead of its square root", "dR", says=r"d_k")
def attention_scaled_by_d_k(X, Y, Q, K, V, P, O, d_k, m):  # noqa: E741
    dP = (O - Y) @ V.T / m
    dS = P * (dP - (dP * P).sum(-1, keepdims=True))
    dR = dS / d_k
    return {"dP": dP, "dS": dS, "dR": dR, "dWq": X.T @ (dR @ K), "dWk": X.T @ (dR.T @ Q)}


@faulty("attention", "softmax is differentiated element by element, P (1 - P)", "dS",
        says=r"sum|\bP\b|term")  # fmt: skip
def attention_softmax_like_a_sigmoid(X, Y, Q, K, V, P, O, d_k, m):  # noqa: E741
    dP = (O - Y) @ V.T / m
    dS = dP * P * (1 - P)
    dR = dS / np.sqrt(d_k)
    return {"dP": dP, "dS": dS, "dWq": X.T @ dR @ K, "dWk": X.T @ dR.T @ Q}


# ---- a convolution by indexing


@faulty("convolution", "the kernel's gradient is filled in from the other end", "dw", faults=0)
def kernel_flipped(Y, v, windows, Z, A, m):
    dZ = (A * v - Y) / m * v * (Z > 0)
    dw = np.zeros(4)
    for i in range(4):
        dw[3 - i] = np.sum(dZ * windows[:, :, i])
    return {"dw": dw, "db": dZ.sum(keepdims=True)[0]}


@faulty("convolution", "the place weights get Z where relu(Z) belongs", "dv", says=r"\bZ\b|\bA\b")
def weights_of_places_before_relu(X, Y, v, Z, A, m):
    E = A * v - Y
    dZ = E / m * v * (Z > 0)
    dw = np.array([np.vdot(dZ, X[:, k : k + 6]) for k in range(4)])
    return {"dv": np.sum(E * Z, axis=0) / m, "dw": dw}


@faulty("convolution", "the slope of relu is forgotten in the bias alone", "db", says=r"\bd?A\b|\bZ\b|relu")
def bias_of_a_convolution_without_relu(Y, v, windows, Z, A, m):
    dE = (A * v - Y) / m
    dA = dE * v
    dZ = np.where(Z > 0, dA, 0)
    return {"dE": dE, "dA": dA, "dZ": dZ, "dw": np.einsum("nik,ni->k", windows, dZ), "db": [dA.sum()]}


@faulty("convolution", "the windows begin one place too far, after padding", "dw", faults=0)
def windows_off_by_one(X, Y, v, Z, A, m):
    dZ = (A * v - Y) / m * v * (Z > 0)
    padded = np.pad(X, ((0, 0), (0, 1)))
    return {"dZ": dZ, "dw": [np.sum(dZ * padded[:, k + 1 : k + 7]) for k in range(4)], "db": [dZ.sum()]}


# ---- physics


@faulty("pair potential", "the square of u is differentiated to u", "du", says=twice)
def square_without_its_two(D, r, u, eps, sigma, m):
    du = 4 * eps * (u - 1) / m
    dr = -6 * u / r * du
    return {"dc": -(dr / r) @ D, "dsigma": [np.sum(6 * u / sigma * du)], "deps": [np.mean(4 * (u * u - u))]}


@faulty("pair potential", "the force has the wrong sign", "dr", says=sign)
def attracts_where_it_repels(D, r, u, eps, sigma, m):
    dr = 24 * eps * (2 * u**2 - u) / r / m
    dsigma = np.sum(24 * eps * (2 * u**2 - u) / sigma, keepdims=True) / m
    return {"dr": dr, "dsigma": dsigma, "deps": np.sum(4 * (u**2 - u), keepdims=True) / m}


@faulty("pair potential", "divided by the distance once too often", "dr", says=r"\br\b")
def distance_once_too_often(D, r, u, eps, m):
    dr = -24 * eps * (2 * u**2 - u) / r**2 / m
    return {"dr": dr, "dD": (dr / r)[:, None] * D}


@faulty("pair potential", "the direction is not divided by the distance", "dD", says=r"\br\b")
def direction_of_any_length(D, r, u, eps, m):
    dr = -24 * eps * (2 * u**2 - u) / r / m
    dD = dr[:, None] * D
    return {"dr": dr, "dD": dD, "dc": -np.add.reduce(dD)}


@faulty("pair potential", "c is subtracted, and its gradient is added", "dc", says=sign)
def minus_of_the_centre_forgotten(D, r, u, eps, m):
    dr = -24 * eps * (2 * u**2 - u) / r / m
    dD = (dr / r)[:, None] * D
    return {"dD": dD, "dc": dD.sum(axis=0)}


# ---- a softmax written out


@faulty(
    "softmax by hand", "the sum in the softmax is held constant", "dE", says=r"\bds\b|sum|term|twice|once"
)
def softmax_with_a_constant_sum(Y, A1, A2, E, s, m):
    dA2 = -Y / A2 / m
    dE = dA2 / s
    dZ2 = dE * E
    return {"dA2": dA2, "dE": dE, "dZ2": dZ2, "dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0)}


@faulty("softmax by hand", "the logarithm's minus is forgotten", "dA2", says=sign)
def log_likelihood_maximised(Y, W2, A1, A2, m):
    dA2 = Y / A2 / m
    dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=1, keepdims=True))
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dZ1": dZ2 @ W2 * (1 - A1**2)}


@faulty("softmax by hand", "the softmax's own sum runs over the examples", "ds", says=r"axis|sum")
def own_sum_over_the_examples(Y, A1, A2, E, s, m):
    dA2 = -Y / A2 / m
    dZ2 = A2 * (dA2 - np.sum(dA2 * A2, axis=0, keepdims=True))
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1}


@faulty("softmax by hand", "the exponential is not differentiated", "dZ2", says=r"\bE\b|slope")
def softmax_without_the_exponential(Y, A1, A2, E, s, m):
    dA2 = -Y / A2 / m
    ds = -np.sum(dA2 * E / s**2, axis=1, keepdims=True)
    dE = dA2 / s + ds
    return {"ds": ds, "dE": dE, "dZ2": dE, "dW2": dE.T @ A1, "db2": dE.sum(axis=0)}


# ---- regression with dropout and L2


@faulty("regression both", "dA1 has no mask, and the penalty of W1 is counted twice", "dA1", "dW1",
        says=both(r"\bD1\b|mask", twice), faults=2)  # fmt: skip
def no_mask_and_the_penalty_twice(X, Y, W1, W2, A1, A1_drop, Z2, lambd, keep_prob, m):
    dZ2 = (Z2 - Y) / m
    dZ1 = dZ2 @ W2 / keep_prob * (1 - A1**2)
    return {"dW2": dZ2.T @ A1_drop + lambd / m * W2, "dW1": dZ1.T @ X + 2 * lambd / m * W1}


@faulty("regression both", "not divided by m, and tanh's slope at the dropped activations", "dZ2", "dZ1",
        says=both(r"\bm\b", r"A1_drop"), faults=2)  # fmt: skip
def sum_of_squares_and_the_slope_of_the_dropped(X, Y, W1, W2, A1_drop, Z2, D1, lambd, keep_prob, m):
    dZ2 = Z2 - Y
    dA1 = dZ2 @ W2 * D1 / keep_prob
    dZ1 = dA1 * (1 - A1_drop**2)
    dW2, dW1 = dZ2.T @ A1_drop + lambd / m * W2, dZ1.T @ X + lambd / m * W1
    return {"dZ2": dZ2, "dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1}


@faulty("regression both", "the gradient is clipped before it is returned", "dW1", faults=0)
def clipped_before_it_is_returned(X, Y, W1, W2, A1, Z2, D1, lambd, keep_prob, m):
    dZ2 = (Z2 - Y) / m
    dZ1 = dZ2 @ W2 * D1 / keep_prob * (1 - A1**2)
    return {"dZ2": dZ2, "dZ1": dZ1, "dW1": np.clip(dZ1.T @ X + lambd / m * W1, -0.1, 0.1)}


@faulty("regression both", "dZ1 goes on from the gradient of A1_drop, before its mask", "dZ1",
        says=r"\bD1\b|keep_prob|mask")  # fmt: skip
def goes_on_without_the_mask(X, Y, W1, W2, A1, Z2, D1, lambd, keep_prob, m):
    dZ2 = (Z2 - Y) / m
    dA1_drop = dZ2 @ W2
    dA1 = dA1_drop * D1 / keep_prob
    dZ1 = dA1_drop * (1 - np.square(A1))
    return {"dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X + lambd / m * W1}


@faulty(
    "regression both", "the gradients are those of the first four examples", "dZ2", "dW2", "dW1", faults=0
)
def of_the_first_four_examples(X, Y, W1, W2, A1, A1_drop, Z2, D1, lambd, keep_prob):
    few = slice(4)
    dZ2 = (Z2[few] - Y[few]) / 4
    dZ1 = dZ2 @ W2 * D1[few] / keep_prob * (1 - A1[few] ** 2)
    return {"dW2": dZ2.T @ A1_drop[few] + lambd / 4 * W2, "dW1": dZ1.T @ X[few] + lambd / 4 * W1}
