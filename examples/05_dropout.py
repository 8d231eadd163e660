"""Dropout: every iteration trains another, thinned network; dividing by keep_prob keeps the expected value.

The picture shows the 2-20-3-1 network as the first training example meets it in four iterations.  A mask
has the shape of A, so every other example of the batch meets a thinned network of its own.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn

sizes, keep_prob = (2, 20, 3, 1), 0.86


def draw_network(axes, kept):
    """One thinned network; `kept` holds the mask of each layer."""
    units = [[(layer, (n - 1 - 2 * i) * 10 / (n + 1)) for i in range(n)] for layer, n in enumerate(sizes)]
    for layer in range(len(sizes) - 1):
        for start, on in zip(units[layer], kept[layer], strict=True):
            for end, too in zip(units[layer + 1], kept[layer + 1], strict=True):
                if on and too:
                    axes.plot(*zip(start, end, strict=True), color="0.7", linewidth=0.5, zorder=1)
    for layer, mask in zip(units, kept, strict=True):
        for unit, on in zip(layer, mask, strict=True):
            axes.scatter(*unit, s=44, color="tab:blue" if on else "white", edgecolors="0.5", zorder=2)
            if not on:
                axes.scatter(*unit, s=44, color="tab:red", marker="x", zorder=3)
    axes.axis("off")


def network(rng):
    """2-20-3-1, with dropout behind both hidden layers."""
    hidden1 = nn.Sequential(nn.Linear(2, 20, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=rng))
    hidden2 = nn.Sequential(nn.Linear(20, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=rng))
    return nn.Sequential(hidden1, hidden2, nn.Linear(3, 1, rng=rng))


def main(out="."):
    data = mg.data.side_of_the_field()
    rng = np.random.default_rng(4)
    model = network(rng)
    drop1, drop2 = (module for module in model.modules() if isinstance(module, nn.Dropout))
    optimizer = mg.optim.SGD(model.parameters(), lr=0.3)
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    for iteration, axes in enumerate(figure.subplots(1, 4), start=1):
        J = nn.binary_cross_entropy_with_logits(model(data.X), data.y)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        kept = [(True, True), drop1.mask.data[0], drop2.mask.data[0], (True,)]
        draw_network(axes, kept)
        left = sum(kept[1]) + sum(kept[2])
        axes.set_title(f"iteration {iteration}: {left} of 23 hidden units", fontsize=11)
    figure.savefig(Path(out) / "05_dropout.png", dpi=100)

    # the layer against the four forward steps and the two backward steps, written out
    A = mg.Tensor(rng.random((5, 4)), requires_grad=True, name="A")
    dA_drop = rng.random(A.shape)
    D = rng.random(A.shape) < keep_prob  # 1. draw uniform numbers, 2. compare
    with nn.fixed_masks(drop1, [D]):
        A_drop = drop1(A)
    forward = np.max(np.abs(A_drop.data - A.data * D / keep_prob))  # 3. shut down, 4. divide
    dA = mg.grad(A_drop, A, dA_drop)
    backward = np.max(np.abs(dA.data - dA_drop * D / keep_prob))  # the same mask, the same division
    mean = np.mean([drop1(A).data for _ in range(20_000)], axis=0)
    bias = np.max(np.abs(mean / A.data - 1))
    model.eval()
    print(f"layer and written steps differ by {forward:.1e} forward and {backward:.1e} backward")
    print(f"the mean of 20 000 draws of A_drop is A to within {bias:.1%}")
    print(f"in eval mode the layer returns its input itself: {drop1(A) is A}")
    return {"forward": forward, "backward": backward, "bias": bias, "eval": drop1(A) is A}


if __name__ == "__main__":
    main(*sys.argv[1:])
