"""Drawing: the graph of a regularized network, whole and folded into its layers.

The picture is read off the graph that computed J, so it shows what was computed: the mask D1 and the
division by keep_prob, the penalty on the weights and not on the biases.
"""

import sys
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn


def main(out="."):
    rng = np.random.default_rng(10)
    X = mg.Tensor(rng.standard_normal((7, 2)), name="X")
    Y = mg.Tensor(rng.random((7, 1)) < 0.5, name="Y", dtype=float)
    model = nn.Sequential(
        nn.Linear(2, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.86, rng=rng), nn.Linear(3, 1, rng=rng)
    )
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.7, m=7)
    J.name = "J"

    whole = mg.draw(J, direction="right")
    folded = mg.draw(J, direction="right", max_nodes=12)
    whole.save(Path(out) / "10_drawing.svg")
    folded.save(Path(out) / "10_drawing_folded.svg")
    print(whole)
    print(folded)
    return {"whole": whole.dot, "folded": folded.dot}


if __name__ == "__main__":
    main(*sys.argv[1:])
