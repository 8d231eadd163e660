"""Newton's method, with the Hessian as a matrix and without it: logistic regression in a few steps.

    w ← w - H⁻¹ ∇J

mg.hessian gives H.  Conjugate gradients solve H d = ∇J from products H v alone, which mg.hvp gives without
ever forming H: memory for a few vectors, whatever the number of weights.  Gradient descent, on the same
badly scaled data, has hardly begun when both have arrived.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg

rng = np.random.default_rng(0)
m, n, lambd = 200, 5, 0.9
X = rng.standard_normal((m, n)) * [1, 2, 4, 8, 16]
y = rng.random(m) < mg.sigmoid(X @ [2, -1, 0.5, -0.25, 0.1])


def cost(w):
    """Logistic loss and L2."""
    z = X @ w
    return np.mean(mg.softplus(z) - y * z) + lambd / (2 * m) * np.sum(w**2)


def newton(w):
    return np.linalg.solve(mg.hessian(cost)(w).data, mg.grad(cost)(w).data)


def newton_by_products(w):
    """H d = ∇J by conjugate gradients (Hestenes and Stiefel 1952), which end after n steps at most."""
    d, r = np.zeros(n), mg.grad(cost)(w).data
    p = r
    for _ in range(n):
        Hp = mg.hvp(cost, w, p).data
        step = (r @ r) / (p @ Hp)
        d, rest = d + step * p, r - step * Hp
        p = rest + (rest @ rest) / (r @ r) * p
        r = rest
    return d


def descent(w):
    return 0.02 * mg.grad(cost)(w).data


def slopes(direction, steps):
    """‖∇J‖ after each step."""
    w, found = np.zeros(n), []
    for _ in range(steps):
        found.append(float(np.linalg.norm(mg.grad(cost)(w).data)))
        w = w - direction(w)
    return w, found


def main(out="."):
    w, by_matrix = slopes(newton, 8)
    w_by_products, by_products = slopes(newton_by_products, 8)
    _, by_descent = slopes(descent, 8)
    print("‖∇J‖ of Newton's method:  " + "  ".join(f"{slope:.0e}" for slope in by_matrix))
    print("‖∇J‖ of gradient descent: " + "  ".join(f"{slope:.0e}" for slope in by_descent))
    print(f"by products the weights differ by {np.max(np.abs(w - w_by_products)):.0e}")

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for curve, style, label in (
        (by_descent, {"color": "tab:red"}, "gradient descent"),
        (by_matrix, {"color": "0.7", "linewidth": 5}, "Newton, H as a matrix"),
        (by_products, {"color": "tab:blue"}, "Newton, by products H v"),
    ):
        axes.semilogy(curve, "o-", label=label, **style)
    axes.set(xlabel="step", ylabel="‖∇J‖")
    axes.legend()
    figure.savefig(Path(out) / "18_newton.png", dpi=100)
    return {
        "w": w,
        "by_products": w_by_products,
        "slopes": {"matrix": by_matrix, "products": by_products, "descent": by_descent},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
