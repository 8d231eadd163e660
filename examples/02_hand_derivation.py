"""Backpropagation by hand, checked line by line: three layers, L2, dropout with the masks D1 and D2.

Every line of the derivation is about a value of the graph, so mg.grad can be asked for each: a mistake
shows in the line in which it was made, and in all that follow from it.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg

m, lambd, keep_prob = mg.constant(7, "m"), mg.constant(0.9, "lambd"), mg.constant(0.8, "keep_prob")


def main(out="."):
    rng = np.random.default_rng(1)
    X = mg.Tensor(rng.standard_normal((7, 2)), name="X")
    Y = mg.Tensor(rng.random((7, 1)) < 0.5, name="Y", dtype=float)
    D1, D2 = (mg.Tensor(rng.random((7, n)) < 0.8, name=name) for n, name in ((5, "D1"), (3, "D2")))
    W1, W2, W3 = (
        mg.Tensor(rng.standard_normal(shape), requires_grad=True, name=name)
        for shape, name in (((5, 2), "W1"), ((3, 5), "W2"), ((1, 3), "W3"))
    )
    b1, b2, b3 = (
        mg.Tensor(rng.random(n), requires_grad=True, name=f"b{i}") for i, n in ((1, 5), (2, 3), (3, 1))
    )

    # forward, as a textbook writes it; the rows of X are the examples
    Z1 = X @ W1.T + b1  # (m, 5)
    A1 = np.maximum(Z1, 0)
    A1_drop = A1 * D1 / keep_prob
    Z2 = A1_drop @ W2.T + b2  # (m, 3)
    A2 = np.maximum(Z2, 0)
    A2_drop = A2 * D2 / keep_prob
    Z3 = A2_drop @ W3.T + b3  # (m, 1)
    A3 = mg.sigmoid(Z3)
    J = -np.mean(Y * np.log(A3) + (1 - Y) * np.log(1 - A3))
    J = J + lambd / (2 * m) * (np.sum(W1**2) + np.sum(W2**2) + np.sum(W3**2))

    # backward, by hand
    hand = {}
    with mg.no_grad():
        dZ3 = hand["Z3"] = (A3 - Y) / m
        hand["W3"] = dZ3.T @ A2_drop + lambd / m * W3
        hand["b3"] = np.sum(dZ3, axis=0)
        dA2_drop = hand["A2_drop"] = dZ3 @ W3
        dA2 = hand["A2"] = dA2_drop * D2 / keep_prob
        dZ2 = hand["Z2"] = dA2 * (Z2 > 0)
        hand["W2"] = dZ2.T @ A1_drop + lambd / m * W2
        hand["b2"] = np.sum(dZ2, axis=0)
        dA1_drop = hand["A1_drop"] = dZ2 @ W2
        dA1 = hand["A1"] = dA1_drop * D1 / keep_prob
        dZ1 = hand["Z1"] = dA1 * (Z1 > 0)
        hand["W1"] = dZ1.T @ X + lambd / m * W1
        hand["b1"] = np.sum(dZ1, axis=0)

    values = {"Z1": Z1, "A1": A1, "A1_drop": A1_drop, "Z2": Z2, "A2": A2, "A2_drop": A2_drop, "Z3": Z3,
              "W1": W1, "W2": W2, "W3": W3, "b1": b1, "b2": b2, "b3": b3}  # fmt: skip
    difference = {}
    for name, by_hand in hand.items():
        by_graph = mg.grad(J, values[name])
        difference[name] = float(np.max(np.abs(by_graph - by_hand)))
        print(f"d{name:8} {by_hand.shape!s:8} largest difference {difference[name]:.1e}")

    for name, value in {**values, "A3": A3, "J": J}.items():
        value.name = name
    mg.draw(J).save(Path(out) / "02_hand_derivation.svg")
    return {"J": J.item(), "difference": difference}


if __name__ == "__main__":
    main(*sys.argv[1:])
