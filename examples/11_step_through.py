"""Step through: the forward and the backward pass as a page, one rule at a time; why the newest goes first.

The page is one file: open it in a browser, and walk with the arrow keys.  A result that is used twice gets
its gradient in two parts, and passing on the first part alone gives a wrong number.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.show.page.walk import depth_first


def network():
    """The cost of three layers with dropout and the L2 penalty."""
    rng = np.random.default_rng(21)
    X = mg.Tensor(rng.standard_normal((7, 2)), name="X")
    Y = mg.Tensor(rng.random((7, 1)) < 0.5, name="Y", dtype=float)
    model = nn.Sequential(
        nn.Linear(2, 4, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(4, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(3, 1, rng=rng),
    )  # fmt: skip
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=7)
    J.name = "J"
    return J


def diamond():
    """dy/dx of y = 3 a (a + 5), a = x², newest first and depth first."""
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    a = x**2
    y = 3 * a * (a + 5)
    naive, _ = depth_first(y)
    return mg.grad(y, x).item(), naive[x].item()


def main(out="."):
    J = network()
    page = mg.steps(J)
    page.save(Path(out) / "11_step_through.html")
    mg.draw(J).save(Path(out) / "11_step_through.svg")
    right, naive = diamond()
    print(f"11_step_through.html  {page}")
    print(f"dy/dx of the diamond: {right} newest first, {naive} depth first")
    return {"page": page.html(), "right": right, "naive": naive}


if __name__ == "__main__":
    main(*sys.argv[1:])
