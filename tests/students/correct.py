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


# ---- only a part is handed in


@correct("equal widths L2")
def only_weights(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    delta3 = A3 - Y
    delta2 = delta3 @ W3 * (A2 > 0)
    delta1 = delta2 @ W2 * (A1 > 0)
    return {
        "dW1": (delta1.T @ X + lambd * W1) / m,
        "dW2": (delta2.T @ A1 + lambd * W2) / m,
        "dW3": (delta3.T @ A2 + lambd * W3) / m,
    }


@correct("three-layer dropout")
def only_biases(Y, W2, W3, A1_drop, A2_drop, A3, D1, D2, keep_prob, m):
    """Where a unit was dropped, A_drop is 0, and so is the gradient."""
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 / keep_prob
    dZ2[A2_drop == 0] = 0
    dZ1 = dZ2 @ W2 / keep_prob
    dZ1[A1_drop == 0] = 0
    return {"db1": np.add.reduce(dZ1), "db2": np.add.reduce(dZ2), "db3": np.add.reduce(dZ3)}


@correct("tied autoencoder")
def only_the_tied_weight(X, W, b1, b2, m):
    """The forward pass is done again."""
    A1 = np.tanh(X @ W.T + b1)
    R = A1 @ W + b2 - X
    return {"dW": (A1.T @ R + ((R @ W.T) * (1 - A1 * A1)).T @ X) / m}


@correct("two-layer dropout")
def only_the_gradient_of_the_activations(Y, W2, A2, D1, keep_prob, m):
    return {"dA1": np.where(D1, (A2 - Y) / m * W2 / keep_prob, 0.0)}


# ---- the sum of the losses, scaled by 1/m later


@correct("three-layer", scaled={"dZ3": "m", "dA2": "m", "dZ2": "m", "dA1": "m", "dZ1": "m"})
def scaled_later(X, Y, W2, W3, A1, A2, A3, m):
    dZ3 = A3 - Y
    dA2 = np.dot(dZ3, W3)
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dA1 = np.dot(dZ2, W2)
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    grads = {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1}
    for layer, dZ, A_prev in ((3, dZ3, A2), (2, dZ2, A1), (1, dZ1, X)):
        grads[f"dW{layer}"] = 1.0 / m * np.dot(dZ.T, A_prev)
        grads[f"db{layer}"] = 1.0 / m * np.sum(dZ, axis=0)
    return grads


@correct("two-layer L2", scaled={"dA2": "m", "dZ2": "m", "dZ1": "m"})
def scaled_later_through_the_probability(X, Y, W1, W2, A1, A2, lambd, m):
    dA2 = -(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
    dZ2 = dA2 * A2 * (1 - A2)
    dZ1 = np.dot(dZ2, W2) * (A1 > 0)
    dW2, dW1 = (dZ2.T @ A1 + lambd * W2) / m, (dZ1.T @ X + lambd * W1) / m
    return {
        "dA2": dA2,
        "dZ2": dZ2,
        "dZ1": dZ1,
        "dW2": dW2,
        "db2": dZ2.mean(0),
        "dW1": dW1,
        "db1": dZ1.mean(0),
    }


@correct("softmax", scaled={"dZ2": "m", "dZ1": "m"})
def softmax_scaled_later(X, Y, W2, A1, A2, m):
    dZ2 = A2.copy()
    dZ2[np.arange(m), np.argmax(Y, axis=1)] -= 1
    dZ1 = dZ2 @ W2
    dZ1[A1 <= 0] = 0
    return {"dZ2": dZ2, "dZ1": dZ1, "dW2": dZ2.T @ A1 / m, "db2": dZ2.mean(0), "dW1": dZ1.T @ X / m,
            "db1": dZ1.mean(0)}  # fmt: skip


# ---- examples as columns


@correct("three-layer dropout from logits", transposed=True)
def dropout_in_course_style(X, Y, W1, W2, W3, A1, A2, A3, D1, D2, keep_prob, m):
    dZ3 = 1.0 / m * (A3 - Y)
    dA2 = np.dot(W3.T, dZ3)
    dA2 = dA2 * D2
    dA2 = dA2 / keep_prob
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dA1 = np.dot(W2.T, dZ2)
    dA1 = dA1 * D1
    dA1 = dA1 / keep_prob
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW1": dW1, "db1": db1}


@correct("softmax from logits", transposed=True)
def softmax_with_columns(X, Y, W1, W2, W3, b1, b2, b3, m):
    """The forward pass is done again; softmax along the columns."""
    A1 = np.tanh(W1 @ X + b1)
    A2 = np.tanh(W2 @ A1 + b2)
    Z3 = W3 @ A2 + b3
    P = np.exp(Z3 - Z3.max(axis=0))
    P /= P.sum(axis=0)
    dZ3 = (P - Y) / m
    dZ2 = W3.T @ dZ3 * (1 - np.power(A2, 2))
    dZ1 = W2.T @ dZ2 * (1 - np.power(A1, 2))
    return {"dZ3": dZ3, "dW3": dZ3 @ A2.T, "db3": dZ3.sum(1, keepdims=True), "dW2": dZ2 @ A1.T, "dZ1": dZ1,
            "dW1": dZ1 @ X.T, "db1": dZ1.sum(1, keepdims=True)}  # fmt: skip


@correct("two-layer both", transposed=True, scaled={"dZ2": "m", "dZ1": "m"})
def course_style_scaled_later(X, Y, W1, W2, A1, A1_drop, A2, D1, keep_prob, lambd, m):
    dZ2 = A2 - Y
    dW2 = 1.0 / m * np.dot(dZ2, A1_drop.T) + (lambd * W2) / m
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2) * D1 / keep_prob
    dZ1 = np.multiply(dA1, np.int64(A1 > 0))
    dW1 = 1.0 / m * np.dot(dZ1, X.T) + (lambd * W1) / m
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}


# ---- biases as rows


@correct("two-layer tanh", rows=True)
def biases_as_rows(X, Y, W1, W2, b1, b2, m):
    A1 = np.tanh(X @ W1.T + b1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2.T + b2)))
    dZ2 = (A2 - Y) / m
    dZ1 = (dZ2 @ W2) * (1 - A1**2)
    return {"dW1": dZ1.T @ X, "db1": np.sum(dZ1, axis=0, keepdims=True), "dW2": dZ2.T @ A1,
            "db2": np.sum(dZ2, axis=0, keepdims=True)}  # fmt: skip


@correct("three-layer L2 from logits", rows=True)
def biases_as_rows_by_a_product_with_ones(X, Y, W1, W2, W3, A1, Z1, A2, Z2, A3, lambd, m):
    ones = np.ones((1, m))
    dZ3 = (A3 - Y) / m
    dZ2 = np.where(Z2 > 0, dZ3 @ W3, 0)
    dZ1 = np.where(Z1 > 0, dZ2 @ W2, 0)
    return {"db3": ones @ dZ3, "db2": ones @ dZ2, "db1": ones @ dZ1, "dW3": dZ3.T @ A2 + lambd / m * W3}


# ---- float32


@correct("three-layer both from logits", single=True)
def in_float32(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    dZ3 = (A3 - Y) / np.float32(m)
    dZ2 = dZ3 @ W3 * D2 / np.float32(keep_prob) * (Z2 > 0)
    dZ1 = dZ2 @ W2 * D1 / np.float32(keep_prob) * (Z1 > 0)
    decay = np.float32(lambd / m)
    return {"dZ3": dZ3, "dW3": dZ3.T @ A2_drop + decay * W3, "dZ2": dZ2, "dW2": dZ2.T @ A1_drop + decay * W2,
            "dZ1": dZ1, "dW1": dZ1.T @ X + decay * W1, "db1": dZ1.sum(axis=0)}  # fmt: skip


@correct("softmax both", single=True)
def softmax_in_float32(X, Y, W1, W2, Z1, A1_drop, Z2, D1, keep_prob, lambd, m):
    logs = Z2 - Z2.max(axis=1, keepdims=True)
    logs = logs - np.log(np.exp(logs).sum(axis=1, keepdims=True))
    dZ2 = (np.exp(logs) - Y) / m
    dZ1 = dZ2 @ W2 * (D1 / keep_prob).astype(np.float32) * (Z1 > 0)
    return {"dW1": dZ1.T @ X + lambd / m * W1, "dW2": dZ2.T @ A1_drop + lambd / m * W2, "db2": dZ2.sum(0)}


@correct("linear regression", single=True)
def regression_in_float32(X, Y, Y_hat):
    dY_hat = (Y_hat - Y) * np.float32(2 / Y.size)
    return {"dY_hat": dY_hat, "dW": dY_hat.T @ X, "db": dY_hat.sum(axis=0)}


# ---- other ways to write the same


def stable_sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


@correct("three-layer sigmoid")
def a_stable_sigmoid(X, Y, W1, W2, W3, b1, b2, b3, m):
    A1 = stable_sigmoid(X @ W1.T + b1)
    A2 = stable_sigmoid(A1 @ W2.T + b2)
    A3 = stable_sigmoid(A2 @ W3.T + b3)
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dZ2 = dA2 * (A2 - A2**2)
    dA1 = dZ2 @ W2
    dZ1 = dA1 * A1 * (1 - A1)
    return {"dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1, "dW3": dZ3.T @ A2, "dW2": dZ2.T @ A1,
            "dW1": dZ1.T @ X}  # fmt: skip


@correct("three-layer L2")
def by_einsum(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dA2 = np.einsum("mk,kj->mj", dZ3, W3)
    dZ2 = np.einsum("mj,mj->mj", dA2, Z2 > 0)
    dZ1 = np.einsum("mk,kj,mj->mj", dZ2, W2, (Z1 > 0).astype(float))
    return {
        "dA2": dA2,
        "dZ2": dZ2,
        "dZ1": dZ1,
        "dW3": np.einsum("mk,mj->kj", dZ3, A2) + lambd / m * W3,
        "dW2": np.einsum("mk,mj->kj", dZ2, A1) + lambd / m * W2,
        "dW1": np.einsum("mk,mj->kj", dZ1, X) + lambd / m * W1,
        "db1": np.einsum("mk->k", dZ1),
    }


@correct("two-layer both")
def loop_over_the_examples(X, Y, W1, W2, A1, A1_drop, A2, D1, keep_prob, lambd, m):
    dW1, db1 = lambd / m * W1, np.zeros(len(W1))
    dW2, db2 = lambd / m * W2, np.zeros(len(W2))
    for x, y, a1, a1_drop, a2, d1 in zip(X, Y, A1, A1_drop, A2, D1, strict=True):
        dz2 = (a2 - y) / m
        dW2 += np.outer(dz2, a1_drop)
        db2 += dz2
        dz1 = W2.T @ dz2 * d1 / keep_prob * (a1 > 0)
        dW1 += np.outer(dz1, x)
        db1 += dz1
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@correct("as wide as the batch")
def loops_over_everything(X, Y, W2, Z1, A1, A2, m):
    examples, units, features = m, len(Z1[0]), len(X[0])
    dW1, dW2 = np.zeros((units, features)), np.zeros((1, units))
    db1, db2 = np.zeros(units), np.zeros(1)
    for i in range(examples):
        error = (A2[i, 0] - Y[i, 0]) / m
        db2[0] += error
        for j in range(units):
            dW2[0, j] += error * A1[i, j]
            if Z1[i, j] <= 0:
                continue
            db1[j] += error * W2[0, j]
            for k in range(features):
                dW1[j, k] += error * W2[0, j] * X[i, k]
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


@correct("equal widths both")
def loop_over_the_layers(X, Y, W1, W2, W3, Z1, Z2, A1_drop, A2_drop, A3, D1, D2, keep_prob, lambd, m):
    W, Z, A, D = {1: W1, 2: W2, 3: W3}, {1: Z1, 2: Z2}, {0: X, 1: A1_drop, 2: A2_drop}, {1: D1, 2: D2}
    grads, dZ = {}, (A3 - Y) / m
    for layer in reversed(range(1, 4)):
        grads[f"dZ{layer}"] = dZ
        grads[f"dW{layer}"] = dZ.T @ A[layer - 1] + lambd / m * W[layer]
        grads[f"db{layer}"] = dZ.sum(axis=0)
        if layer > 1:
            scaled_mask = D[layer - 1] / keep_prob
            grads[f"dA{layer - 1}"] = dZ @ W[layer] * scaled_mask
            dZ = grads[f"dA{layer - 1}"] * (Z[layer - 1] > 0)
    return grads


@correct("equal widths dropout")
def the_mask_holds_the_scale(X, Y, W2, W3, A1, A2, A3, D1, D2, keep_prob, m):
    """Dropout as a mask of floats, 0 and 1 / keep_prob, made once for both passes."""
    D1, D2 = D1 / keep_prob, D2 / keep_prob
    dZ3 = (A3 - Y) / m
    dA2_drop = dZ3 @ W3
    dA2 = dA2_drop * D2
    dZ2 = dA2 * (A2 > 0)
    dA1_drop = dZ2 @ W2
    dA1 = dA1_drop * D1
    dZ1 = dA1 * (A1 > 0)
    return {"dW3": dZ3.T @ (A2 * D2), "dA2_drop": dA2_drop, "dA2": dA2, "dW2": dZ2.T @ (A1 * D1),
            "dA1_drop": dA1_drop, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}  # fmt: skip


@correct("two-layer dropout")
def the_mask_is_of_integers(X, Y, W2, Z1, A1, A2, D1, keep_prob, m):
    D1 = D1.astype(int)
    A1 = A1 * D1
    A1 /= keep_prob
    dZ2 = (A2 - Y) / m
    dW2 = dZ2.T @ A1
    dA1 = np.dot(dZ2, W2)
    dA1 *= D1
    dA1 /= keep_prob
    dZ1 = dA1 * (Z1 > 0)
    return {"dW2": dW2, "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T @ X}


@correct("dead units")
def relu_in_place(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3
    dZ2[Z2 <= 0] = 0
    dZ1 = dZ2 @ W2
    dZ1[Z1 <= 0] = 0
    return {"dW3": dZ3.T @ A2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dZ1": dZ1, "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}


@correct("dead units")
def relu_by_the_sign_of_the_activation(X, Y, W2, W3, A1, A2, A3, m):
    dZ2 = (A3 - Y) / m * W3 * np.sign(A2)
    dZ1 = np.heaviside(A1, 0.0) * (dZ2 @ W2)
    return {"dZ2": dZ2, "dZ1": dZ1, "db2": dZ2.sum(axis=0), "dW1": dZ1.T @ X}


@correct("three-layer both")
def with_helpers(X, Y, W1, W2, W3, A1, Z1, A2, Z2, A1_drop, A2_drop, Z3, A3, D1, D2, keep_prob, lambd, m):
    def linear_backward(dZ, cache):
        A_prev, W = cache
        return dZ @ W, dZ.T @ A_prev + lambd * W / m, dZ.sum(axis=0)

    def dropout_backward(dA, D):
        return dA * D / keep_prob

    def relu_backward(dA, Z):
        dZ = np.array(dA, copy=True)
        dZ[Z <= 0] = 0
        return dZ

    def sigmoid_backward(dA, Z):
        s = 1 / (1 + np.exp(-Z))
        return dA * s * (1 - s)

    grads = {"dA3": -(np.divide(Y, A3) - np.divide(1 - Y, 1 - A3)) / m}
    grads["dZ3"] = sigmoid_backward(grads["dA3"], Z3)
    dA2, grads["dW3"], grads["db3"] = linear_backward(grads["dZ3"], (A2_drop, W3))
    grads["dA2"] = dropout_backward(dA2, D2)
    grads["dZ2"] = relu_backward(grads["dA2"], Z2)
    dA1, grads["dW2"], grads["db2"] = linear_backward(grads["dZ2"], (A1_drop, W2))
    grads["dA1"] = dropout_backward(dA1, D1)
    grads["dZ1"] = relu_backward(grads["dA1"], Z1)
    _, grads["dW1"], grads["db1"] = linear_backward(grads["dZ1"], (X, W1))
    return grads


@correct("logistic regression L2")
def l2_from_the_norm(X, Y, W, A, lambd, m):
    """The derivative of λ/(2m) ‖W‖², as ‖W‖/m λ times the unit vector."""
    norm = np.linalg.norm(W)
    dZ = (A - Y) / m
    return {"dZ": dZ, "dW": dZ.T @ X + lambd / m * norm * (W / norm), "db": np.array([dZ.sum()])}


@correct("inputs as wide as the hidden layers")
def l2_added_at_the_end(X, Y, W1, W2, W3, Z1, A1, Z2, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 * W3 * (Z2 > 0)
    dZ1 = (W2.T @ dZ2.T).T * (Z1 > 0)
    grads = {"dW1": (X.T @ dZ1).T, "dW2": np.tensordot(dZ2, A1, axes=(0, 0)), "dW3": np.inner(dZ3.T, A2.T)}
    for name, W in (("dW1", W1), ("dW2", W2), ("dW3", W3)):
        grads[name] += lambd / m * W
    return grads


@correct("equal widths tanh")
def tanh_by_cosh(X, Y, W2, W3, Z1, A1, Z2, A3, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 / np.cosh(Z2) ** 2
    dZ1 = dZ2 @ W2 / np.cosh(Z1) ** 2
    return {"dZ2": dZ2, "dZ1": dZ1, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X}


@correct("three-layer tanh L2")
def tanh_by_two_factors(X, Y, W1, W2, W3, A1, A2, A3, lambd, m):
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2) * (1 + A2)
    dZ1 = dZ2 @ W2 * (1 - A1) * (1 + A1)
    return {"dW3": dZ3.T @ A2 + lambd / m * W3, "dW2": dZ2.T @ A1 + lambd / m * W2, "db1": dZ1.sum(axis=0),
            "dW1": dZ1.T @ X + lambd / m * W1}  # fmt: skip


@correct("softmax from logits")
def softmax_by_log_sum_exp(Y, W3, A1, A2, Z3, m):
    top = Z3.max(axis=1, keepdims=True)
    log_sum_exp = top + np.log(np.sum(np.exp(Z3 - top), axis=1, keepdims=True))
    dZ3 = (np.exp(Z3 - log_sum_exp) - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    return {"dZ3": dZ3, "dW3": dZ3.T @ A2, "db3": dZ3.sum(axis=0), "dZ2": dZ2, "dW2": dZ2.T @ A1}


@correct("softmax")
def softmax_by_its_jacobian(X, Y, W2, A1, A2, m):
    dA2 = -Y / A2 / m
    dZ2 = np.empty_like(A2)
    for i, a in enumerate(A2):
        jacobian = np.diag(a) - np.outer(a, a)
        dZ2[i] = jacobian @ dA2[i]
    dZ1 = dZ2 @ W2 * (A1 > 0)
    return {"dA2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X}


@correct("softmax regression L2")
def softmax_regression_in_one_line(X, Y, W, A, lambd, m):
    return {"dW": (X.T @ (A - Y) / m + lambd / m * W.T).T, "db": np.mean(A - Y, axis=0)}


@correct("ridge regression")
def ridge_by_normal_equations(X, Y, W, b, lambd, m):
    dW = (W @ (X.T @ X) - (Y - b).T @ X + lambd * W) / m
    return {"dW": dW, "db": W @ X.mean(axis=0) + b - Y.mean(axis=0)}


@correct("regression tanh")
def regression_through_the_error(X, Y, W2, A1, Z2):
    error = Z2 - Y
    dZ2 = 2.0 * error / error.size
    dA1 = dZ2.dot(W2)
    dZ1 = dA1 - dA1 * A1 * A1
    return {"dZ2": dZ2, "dW2": dZ2.T.dot(A1), "db2": dZ2.sum(0), "dA1": dA1, "dZ1": dZ1, "dW1": dZ1.T.dot(X)}


@correct("batch statistics")
def batch_statistics_in_one_formula(X, Y, W2, A1, A2, H1, X_hat, gamma, var, eps, m):
    dZ2 = (A2 - Y) / m
    dH1 = dZ2 @ W2 * (H1 > 0)
    dbeta, dgamma = dH1.sum(axis=0), np.sum(dH1 * X_hat, axis=0)
    dZ1 = gamma / np.sqrt(var + eps) / m * (m * dH1 - dbeta - X_hat * dgamma)
    return {"dW2": dZ2.T @ A1, "db2": dZ2.sum(axis=0), "dgamma": dgamma, "dbeta": dbeta, "dZ1": dZ1,
            "dW1": dZ1.T @ X}  # fmt: skip


@correct("batch statistics")
def batch_statistics_step_by_step(X, Y, W2, A1, A2, H1, Z1, gamma, mu, var, eps, m):
    """As in the paper, without the term of the mean that passes through the variance: it is zero."""
    dH1 = (A2 - Y) / m @ W2 * (H1 > 0)
    dX_hat = dH1 * gamma
    dvar = np.sum(dX_hat * (Z1 - mu) * -0.5 * (var + eps) ** -1.5, axis=0)
    dmu = np.sum(dX_hat * -1 / np.sqrt(var + eps), axis=0)
    dZ1 = dX_hat / np.sqrt(var + eps) + dvar * 2 * (Z1 - mu) / m + dmu / m
    return {"dH1": dH1, "dX_hat": dX_hat, "dvar": dvar, "dmu": dmu, "dZ1": dZ1, "dW1": dZ1.T @ X}


@correct("residual")
def residual_by_accumulation(X, Y, W2, W3, Z1, A1, Z2, A2, A3, m):
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3
    dA1 = dA2.copy()
    dZ2 = dA2 * (Z2 > 0)
    dA1 += dZ2 @ W2
    dZ1 = dA1 * (Z1 > 0)
    return {"dW3": dZ3.T @ A2, "dA2": dA2, "dR2": dA2, "dZ2": dZ2, "dW2": dZ2.T @ A1, "dA1": dA1, "dZ1": dZ1,
            "dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}  # fmt: skip


@correct("tied layers")
def tied_by_stacking(X, Y, U, W3, A1, A2, A3, m):
    """Both uses at once: the two steps' gradients and inputs, one under the other."""
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * (1 - A2**2)
    dZ1 = dZ2 @ U * (1 - A1**2)
    both = np.vstack([dZ1, dZ2])
    return {"dU": both.T @ np.vstack([X, A1]), "db": both.sum(axis=0), "dW3": dZ3.T @ A2}


@correct("two-layer")
def by_differences_of_the_complex_step(X, Y, W1, W2, b1, b2, m):
    """No backward pass at all: the imaginary part of the cost at W + ih."""

    def cost(W1, W2):
        Z1 = X @ W1.T + b1
        Z2 = np.where(Z1.real > 0, Z1, 0) @ W2.T + b2
        return np.mean(np.log(1 + np.exp(Z2)) - Y * Z2)

    dW1, dW2 = np.zeros(W1.shape), np.zeros(W2.shape)
    for i in np.ndindex(W1.shape):
        moved = W1.astype(complex)
        moved[i] += 1e-30j
        dW1[i] = cost(moved, W2).imag / 1e-30
    for i in np.ndindex(W2.shape):
        moved = W2.astype(complex)
        moved[i] += 1e-30j
        dW2[i] = cost(W1, moved).imag / 1e-30
    return {"dW1": dW1, "dW2": dW2}


# ---- of another kind


@correct("attention")
def attention_in_place(X, Y, Q, K, V, P, O, d_k, m):  # noqa: E741
    dO = (O - Y) / m
    dS = P * (dO @ V.T)
    dS -= P * dS.sum(axis=1)[:, None]
    dR = dS * d_k**-0.5
    return {"dS": dS, "dWv": X.T @ (P.T @ dO), "dWq": X.T @ dR @ K, "dWk": (Q.T @ dR @ X).T}


@correct("convolution")
def convolution_by_correlation(X, Y, w, b, v, m):
    Z = np.array([np.correlate(row, w, "valid") for row in X]) + b
    A = Z.clip(0)
    dE = (A * v - Y) / m
    dZ = dE * v * (Z > 0)
    dw = sum(np.correlate(row, d, "valid") for row, d in zip(X, dZ, strict=True))
    return {"dw": dw, "db": dZ.sum(keepdims=True)[0], "dv": (dE * A).sum(axis=0)}


@correct("pair potential")
def potential_by_powers(X, c, eps, sigma, m):
    D = X - c
    r2 = (D**2).sum(axis=1)
    s6 = sigma**6 / r2**3
    pull = 24 * eps * (2 * s6**2 - s6) / r2 / m
    return {
        "dc": pull @ D,
        "dsigma": 24 * eps / sigma * np.mean(2 * s6**2 - s6),
        "deps": [4 * np.mean(s6**2 - s6)],
    }


@correct("softmax by hand")
def softmax_by_outer_products(X, Y, W2, A1, A2, m):
    dZ2 = np.zeros_like(A2)
    for i, a in enumerate(A2):
        dZ2[i] = (np.diag(a) - np.outer(a, a)) @ (-Y[i] / a) / m
    dZ1 = dZ2 @ W2 * (1 - A1**2)
    return {"dZ2": dZ2, "dW2": dZ2.T @ A1, "dW1": dZ1.T @ X, "db1": dZ1.sum(0)}


@correct("regression both")
def by_the_complex_step(X, Y, W1, b1, W2, b2, D1, lambd, keep_prob, m):
    def J(W1, b1, W2, b2):
        R = np.tanh(X @ W1.T + b1) * D1 / keep_prob @ W2.T + b2 - Y
        return np.mean(R * R) + lambd / (2 * m) * (np.sum(W1 * W1) + np.sum(W2 * W2))

    at = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    grads = {}
    for name, x in at.items():
        g = grads[f"d{name}"] = np.zeros(x.shape)
        for k in np.ndindex(x.shape):
            moved = x.astype(complex)
            moved[k] += 1e-30j
            g[k] = J(**{**at, name: moved}).imag / 1e-30
    return grads
