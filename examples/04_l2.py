"""L2 regularization: the penalty's gradient is λ/m W, weights shrink, the boundary gets smoother.

weight_decay = λ/m in SGD takes the very same steps: the penalty in the graph and the decay in the
optimizer are one thing written in two places.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn

steps, lr, lambd = 3000, 0.3, 0.7


def network():
    rng = np.random.default_rng(3)
    return nn.Sequential(
        nn.Linear(2, 20, rng=rng), nn.ReLU(), nn.Linear(20, 3, rng=rng), nn.ReLU(), nn.Linear(3, 1, rng=rng)
    )


def train(data, *, lambd=0.0, weight_decay=0.0):
    """The trained network, and Σ‖W‖² after every step."""
    model, sizes = network(), []
    optimizer = mg.optim.SGD(model.parameters(), lr=lr, weight_decay=weight_decay)
    for _ in range(steps):
        J = nn.binary_cross_entropy_with_logits(model(data.X), data.y)
        if lambd:
            J = J + nn.l2_penalty(model, lambd=lambd, m=data.m)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        sizes.append(sum(float(np.sum(W.data**2)) for W in weights(model)))
    return model, sizes


def weights(model):
    return [p for p in model.parameters() if p.decay]


def main(out="."):
    data = mg.data.side_of_the_field()
    free, sizes_plain = train(data)
    small, sizes_shrunk = train(data, lambd=lambd)
    decayed, _ = train(data, weight_decay=lambd / data.m)

    W = weights(small)
    penalty = nn.l2_penalty(small, lambd=lambd, m=data.m)
    rule = max(
        float(np.max(np.abs(dW - lambd / data.m * w))) for dW, w in zip(mg.grad(penalty, W), W, strict=True)
    )
    same = max(float(np.max(np.abs(a.data - b.data))) for a, b in zip(W, weights(decayed), strict=True))
    print(f"Σ‖W‖² after {steps} steps: {sizes_plain[-1]:.1f}, with λ = {lambd} {sizes_shrunk[-1]:.1f}")
    print(f"gradient of the penalty and λ/m W differ by {rule:.1e}, penalty and weight decay by {same:.1e}")

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    curves, *fields = figure.subplots(1, 3, width_ratios=[1.2, 1, 1])
    curves.plot(sizes_plain, label="λ = 0")
    curves.plot(sizes_shrunk, label=f"λ = {lambd}")
    curves.set(xlabel="step", title="Σ‖W‖², all weights", ylim=(0, None))
    curves.legend()
    x = np.linspace(-0.8, 0.8, 161)
    grid = np.stack(np.meshgrid(x, x), axis=-1).reshape(-1, 2)
    for field, model, title in zip(fields, (free, small), ("λ = 0", f"λ = {lambd}"), strict=True):
        p = mg.sigmoid(model(grid)).data.reshape(161, 161)
        field.imshow(p, extent=(-0.8, 0.8, -0.8, 0.8), origin="lower", cmap="RdBu", vmin=-0.3, vmax=1.3)
        field.scatter(*data.X.T, c=data.y, s=10, cmap="bwr_r", edgecolors="black", linewidths=0.4)
        field.set(title=f"P(y = 1), {title}", xticks=[], yticks=[])
    figure.savefig(Path(out) / "04_l2.png", dpi=100)
    start, plain, shrunk = sizes_plain[0], sizes_plain[-1], sizes_shrunk[-1]
    return {"rule": rule, "same": same, "start": start, "plain": plain, "shrunk": shrunk}


if __name__ == "__main__":
    main(*sys.argv[1:])
