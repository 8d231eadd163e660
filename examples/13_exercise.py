"""A backward pass written by hand and graded; and a bug that is found by guessing where it is."""

import sys
from pathlib import Path

import minigrad as mg


def first_attempt(A3, Y, A2_drop, A1_drop, Z2, Z1, D2, D1, W3, W2, W1, X, m, lambd, keep_prob):
    """The division by keep_prob is forgotten in the first layer."""
    dZ3 = (A3 - Y) / m
    dA2 = dZ3 @ W3 * D2 / keep_prob
    dZ2 = dA2 * (Z2 > 0)
    dA1 = dZ2 @ W2 * D1
    dZ1 = dA1 * (Z1 > 0)
    return {
        "dZ3": dZ3, "dA2": dA2, "dZ2": dZ2, "dA1": dA1, "dZ1": dZ1,
        "dW3": dZ3.T @ A2_drop + lambd / m * W3, "db3": dZ3.sum(axis=0),
        "dW2": dZ2.T @ A1_drop + lambd / m * W2, "db2": dZ2.sum(axis=0),
        "dW1": dZ1.T @ X + lambd / m * W1, "db1": dZ1.sum(axis=0),
    }  # fmt: skip


def second_attempt(A3, Y, A2_drop, A1_drop, Z2, Z1, D2, D1, W3, W2, W1, X, m, lambd, keep_prob):
    """As the hint says: through A1_drop = A1 * D1 / keep_prob, and so with the division."""
    dZ3 = (A3 - Y) / m
    dZ2 = dZ3 @ W3 * D2 / keep_prob * (Z2 > 0)
    dZ1 = dZ2 @ W2 * D1 / keep_prob * (Z1 > 0)
    return {
        "dW3": dZ3.T @ A2_drop + lambd / m * W3, "db3": dZ3.sum(axis=0),
        "dW2": dZ2.T @ A1_drop + lambd / m * W2, "db2": dZ2.sum(axis=0),
        "dW1": dZ1.T @ X + lambd / m * W1, "db1": dZ1.sum(axis=0),
    }  # fmt: skip


def main(out="."):
    exercise = mg.exercise("both", seed=0)
    print(exercise)
    first = exercise.submit(first_attempt)
    hint = exercise.hint()
    second = exercise.submit(second_attempt)
    print(first, hint, second, sep="\n\n", end="\n\n")

    bug = mg.find_the_bug("both", seed=1)
    found = [name for name in bug.gradients if bug.guess(name)]
    print(bug, bug.solution(), sep="\n")

    mg.draw(exercise.loss).save(Path(out) / "13_exercise.svg")
    return {"first": first, "hint": hint, "second": second, "found": found, "bug": bug}


if __name__ == "__main__":
    main(*sys.argv[1:])
