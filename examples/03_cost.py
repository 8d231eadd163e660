"""The cost as the equations write it, (1) cross-entropy and (2) with L2, and as minigrad.nn gives it.

    (1)  J = -1/m Σᵢ (y⁽ⁱ⁾ log a⁽ⁱ⁾ + (1 - y⁽ⁱ⁾) log(1 - a⁽ⁱ⁾))
    (2)  J = (1) + 1/m λ/2 Σ_l Σ_k Σ_j W_kj²

Both give the same cost and the same gradients.  From logits the cost stays finite where the typed one
cannot: σ(40) is 1 in float64, and log(1 - 1) is nothing to train with.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg


def main(out="."):
    rng = np.random.default_rng(2)
    m = 5
    lambd = mg.constant(0.7, name="lambd")
    X = mg.Tensor(rng.standard_normal((m, 3)), name="X")
    Y = mg.Tensor([[0.0], [1.0], [1.0], [0.0], [1.0]], name="Y")
    W1 = mg.Tensor(rng.standard_normal((4, 3)), requires_grad=True, name="W1")
    W2 = mg.Tensor(rng.standard_normal((1, 4)), requires_grad=True, name="W2")
    Z = np.tanh(X @ W1.T) @ W2.T  # (m, 1)
    A = mg.sigmoid(Z)

    # as the equations write it
    cross_entropy_cost = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    L2_regularization_cost = 1 / m * lambd / 2 * (np.sum(np.square(W1)) + np.sum(np.square(W2)))
    J = cross_entropy_cost + L2_regularization_cost
    A.name, cross_entropy_cost.name, L2_regularization_cost.name, J.name = "A", "cross_entropy", "L2", "J"

    # as the library has it
    from_a = mg.nn.binary_cross_entropy(A, Y)
    from_z = mg.nn.binary_cross_entropy_with_logits(Z, Y)
    J_nn = from_z + mg.nn.l2_penalty([W1, W2], lambd=0.7, m=m)

    typed, built_in = mg.grad(J, [W1, W2]), mg.grad(J_nn, [W1, W2])
    difference = max(float(np.max(np.abs(a - b))) for a, b in zip(typed, built_in, strict=True))
    saturated = mg.nn.binary_cross_entropy_with_logits(np.array([[40.0]]), np.array([[0.0]]))
    print(f"(1) typed {cross_entropy_cost:.12f}, from A {from_a:.12f}, from Z {from_z:.12f}")
    print(f"(2) typed {J:.12f}, from nn {J_nn:.12f}; gradients differ by at most {difference:.1e}")
    print(f"a saturated mistake, z = 40 with y = 0, costs {saturated:g}")

    mg.draw(J).save(Path(out) / "03_cost.svg")
    return {
        "typed": cross_entropy_cost.item(), "from A": from_a.item(), "from Z": from_z.item(),
        "J": J.item(), "J nn": J_nn.item(), "difference": difference, "saturated": saturated.item(),
        "A": A.data, "Y": Y.data, "W1": W1.data, "W2": W2.data,
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
