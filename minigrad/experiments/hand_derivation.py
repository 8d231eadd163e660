"""The textbook's backward pass, derived by hand and written in plain NumPy; it knows nothing of minigrad.

It is what the machine's gradients are compared with, line by line.  For layer l, from the last to the first:

    dZ3 = (A3 - Y) / m                          sigmoid or softmax, with cross-entropy
    dW3 = dZ3ᵀ A2_drop + λ/m W3                 the second term is all that L2 adds
    db3 = Σₘ dZ3
    dA2_drop = dZ3 W3
    dA2 = dA2_drop D2 / keep_prob               the same mask as in the forward pass, and the same division
    dZ2 = dA2 (Z2 > 0)                          ReLU
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]


class Line(NamedTuple):
    """One line of the derivation: the gradient's name, its formula as the textbook writes it, its value."""

    name: str
    formula: str
    value: np.ndarray


def forward(
    X: np.ndarray, parameters: Arrays, *, masks: Sequence[np.ndarray] = (), keep_prob: float = 1.0
) -> Arrays:
    """Every value of the forward pass by its name: Z1, A1, A1_drop, Z2 ... and A3, the probabilities.

    parameters  W1 (n_1, n_in), b1 (n_1,), W2 ...
    masks       D1 (m, n_1), D2 ... of 0 and 1, one for each hidden layer; none for a network without dropout

    >>> W1, W2 = np.array([[1.0, -1.0], [2.0, 0.0]]), np.array([[1.0, 1.0]])
    >>> values = forward(np.array([[3.0, 1.0]]), {"W1": W1, "b1": np.zeros(2), "W2": W2, "b2": np.zeros(1)})
    >>> values["A1"], values["Z2"]
    (array([[2., 6.]]), array([[8.]]))
    """
    values = {"X": X}
    A = X
    last = len(parameters) // 2
    for layer in range(1, last):
        values[f"Z{layer}"] = Z = A @ parameters[f"W{layer}"].T + parameters[f"b{layer}"]  # (m, n_l)
        values[f"A{layer}"] = A = np.maximum(Z, 0)
        if masks:
            values[f"D{layer}"] = D = masks[layer - 1]
            values[f"A{layer}_drop"] = A = A * D / keep_prob
    values[f"Z{last}"] = Z = A @ parameters[f"W{last}"].T + parameters[f"b{last}"]  # (m, n_out)
    values[f"A{last}"] = _softmax(Z) if Z.shape[1] > 1 else _sigmoid(Z)
    return values


def backward(
    values: Arrays, parameters: Arrays, Y: np.ndarray, *, lambd: float = 0.0, keep_prob: float = 1.0
) -> list[Line]:
    """The gradient of J by every value and parameter, from the last layer to the first.

    values   what `forward` gave
    Y        (m, 1) of 0 and 1, or one-hot rows (m, k)

    >>> parameters = {"W1": np.array([[0.0, 0.0]]), "b1": np.zeros(1)}
    >>> X, Y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [1.0]])
    >>> for name, formula, value in backward(forward(X, parameters), parameters, Y):
    ...     print(f"{name} = {formula:12}", value.tolist())
    dZ1 = (A1 − Y) / m [[-0.25], [-0.25]]
    dW1 = dZ1ᵀ X       [[-1.0, -1.5]]
    db1 = Σₘ dZ1       [-0.5]
    """
    m = len(Y)
    lines = []

    def derive(name: str, formula: str, value: np.ndarray) -> np.ndarray:
        lines.append(Line(name, formula, value))
        return value

    last = len(parameters) // 2
    dZ = derive(f"dZ{last}", f"(A{last} − Y) / m", (values[f"A{last}"] - Y) / m)
    for layer in range(last, 0, -1):
        below = layer - 1
        W = parameters[f"W{layer}"]
        drop = f"D{below}" in values
        A_name = (f"A{below}_drop" if drop else f"A{below}") if below else "X"
        A = values[A_name]
        if lambd:
            derive(f"dW{layer}", f"dZ{layer}ᵀ {A_name} + λ/m W{layer}", dZ.T @ A + lambd / m * W)
        else:
            derive(f"dW{layer}", f"dZ{layer}ᵀ {A_name}", dZ.T @ A)
        derive(f"db{layer}", f"Σₘ dZ{layer}", dZ.sum(axis=0))
        if not below:
            break
        dA = derive(f"d{A_name}", f"dZ{layer} W{layer}", dZ @ W)
        if drop:
            D = values[f"D{below}"]
            dA = derive(f"dA{below}", f"dA{below}_drop · D{below} / keep_prob", dA * D / keep_prob)
        dZ = derive(f"dZ{below}", f"dA{below} · (Z{below} > 0)", dA * (values[f"Z{below}"] > 0))
    return lines


def _sigmoid(Z: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -Z))  # 1 / (1 + e⁻ᶻ), without its overflow


def _softmax(Z: np.ndarray) -> np.ndarray:
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)
