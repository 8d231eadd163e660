"""Drawing: a regularized network typed by hand, the same made of layers, and folded into its layers.

A picture is read off the graph that computed J, so it shows what was computed: the mask D1 and the division
by keep_prob, the penalty on the weights and not on the biases.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn

m, lambd, keep_prob = mg.constant(7, "m"), mg.constant(0.7, "lambd"), mg.constant(0.86, "keep_prob")


def typed(rng, X, Y):
    """The cost of a network of two layers, without biases."""
    W1 = mg.Tensor(rng.standard_normal((3, 2)), requires_grad=True, name="W1")
    W2 = mg.Tensor(rng.standard_normal((1, 3)), requires_grad=True, name="W2")
    D1 = mg.Tensor(rng.random((7, 3)) < 0.86, name="D1")
    A1 = mg.relu(X @ W1.T)
    A1_drop = A1 * D1 / keep_prob
    Z2 = A1_drop @ W2.T
    J = nn.binary_cross_entropy_with_logits(Z2, Y) + lambd / (2 * m) * (np.sum(W1**2) + np.sum(W2**2))
    A1.name, A1_drop.name, Z2.name, J.name = "A1", "A1_drop", "Z2", "J"
    return J


def layered(rng, X, Y):
    """The same of layers, with biases; the names come by themselves."""
    model = nn.Sequential(
        nn.Linear(2, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.86, rng=rng), nn.Linear(3, 1, rng=rng)
    )
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.7, m=7)
    J.name = "J"
    return J


def main(out="."):
    rng = np.random.default_rng(10)
    X = mg.Tensor(rng.standard_normal((7, 2)), name="X")
    Y = mg.Tensor(rng.random((7, 1)) < 0.5, name="Y", dtype=float)
    J = layered(rng, X, Y)
    graphs = {
        "10_drawing": mg.draw(typed(rng, X, Y), show="names", direction="right"),
        "10_drawing_layers": mg.draw(J),
        "10_drawing_folded": mg.draw(J, direction="right", max_nodes=12),
    }
    for name, graph in graphs.items():
        graph.save(Path(out) / f"{name}.svg")
        print(f"{name}.svg  {graph}")
    return {name: graph.dot for name, graph in graphs.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
