"""A function of one's own: compute it with NumPy, mark it, enter its row, check the row.

    swish(x) = x σ(x)              y' = σ(x) + y (1 - σ(x))

Without a row it would be two operations, a product and a sigmoid, and right as well; with a row the graph
sees one operation.  A wrong row does not get past gradcheck: here the second term of the product rule is
forgotten.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg


@mg.primitive
def swish(x):
    """x σ(x): smooth, and like relu far from 0."""
    return x * mg.sigmoid(x)


mg.derivative(swish, x=lambda g, x, y: g * (mg.sigmoid(x) + y * (1 - mg.sigmoid(x))))


@mg.primitive
def forgetful_swish(x):
    """The same function, to be given a wrong row."""
    return x * mg.sigmoid(x)


mg.derivative(forgetful_swish, x=lambda g, x: g * mg.sigmoid(x))


def main(out="."):
    x = mg.Tensor(np.linspace(-6, 6, 241), requires_grad=True, name="x")
    right = mg.gradcheck(swish, x, order=2)
    wrong = mg.gradcheck(forgetful_swish, x, raise_exception=False)
    print(right)
    print(wrong)

    y = swish(x)
    dy = mg.grad(y, x, np.ones(x.shape), create_graph=True)  # the rule is recorded, so it has a slope itself
    ddy = mg.grad(dy, x, np.ones(x.shape))
    composed = mg.grad(x * mg.sigmoid(x), x, np.ones(x.shape))
    difference = float(np.max(np.abs(dy - composed)))
    print(f"with the row and without it the slopes differ by {difference:.1e}")

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for curve, label in ((y, "swish(x)"), (dy, "its slope, by the row"), (ddy, "the slope of the row")):
        axes.plot(x.data, curve.data, label=label)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(Path(out) / "08_own_function.png", dpi=100)
    values = {"x": x.data, "dy": dy.data, "ddy": ddy.data}
    return {"right": bool(right), "wrong": bool(wrong), "difference": difference, **values}


if __name__ == "__main__":
    main(*sys.argv[1:])
