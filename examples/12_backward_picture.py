"""Forward and backward in one picture: a three-layer network with dropout and the L2 penalty, in two lanes.

Beside each value stands its gradient, with the rules of the table that made it.  The colour of an arrow says
which term of the cost the gradient is of: W3 has a part from the cross-entropy and one from the penalty.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn


def cost(rng):
    """The cost of the network on seven examples, and its model."""
    model = nn.Sequential(
        nn.Linear(2, 4, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(4, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(3, 1, rng=rng),
    )  # fmt: skip
    X = mg.Tensor(rng.standard_normal((7, 2)), name="X")
    Y = mg.Tensor(rng.random((7, 1)) < 0.5, name="Y", dtype=float)
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=7)
    J.name = "J"
    return J, model


def main(out="."):
    J, model = cost(np.random.default_rng(12))
    graph = mg.draw(J, backward=True)
    graph.save(Path(out) / "12_backward_picture.svg")
    print(f"12_backward_picture.svg  {graph}")
    masks = [module.mask.data for module in model if hasattr(module, "mask")]
    return {"dot": graph.dot, "masks": masks}


if __name__ == "__main__":
    main(*sys.argv[1:])
