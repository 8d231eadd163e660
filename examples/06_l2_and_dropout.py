"""No regularization, L2, dropout, both, on real data: 569 tumours, 30 measurements each, malignant or benign.

Regularization makes the training cost worse and the cost on examples that were held out better.  How much
better depends on the split: with breast_cancer(seed=1) a few hard examples are held out, and dropout
alone does not help.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn

steps, lr = 1500, 0.3


def network(keep_prob):
    rng, masks = np.random.default_rng(5), np.random.default_rng(6)
    return nn.Sequential(
        nn.Linear(30, 20, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=masks),
        nn.Linear(20, 8, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=masks),
        nn.Linear(8, 1, rng=rng),
    )  # fmt: skip


def train(data, *, lambd, keep_prob):
    """The trained network, and its dev cost every 10 steps."""
    model, curve = network(keep_prob), []
    optimizer = mg.optim.SGD(model.parameters(), lr=lr)
    for step in range(steps):
        J = nn.binary_cross_entropy_with_logits(model.train()(data.X), data.y)
        if lambd:
            J = J + nn.l2_penalty(model, lambd=lambd, m=data.m)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        if step % 10 == 0:
            curve.append(cost_and_errors(model, data.X_dev, data.y_dev)[0])
    return model, curve


def cost_and_errors(model, X, y):
    with mg.no_grad():
        z = model.eval()(X)  # dropout is for training only
        return nn.binary_cross_entropy_with_logits(z, y).item(), int(np.sum((z.data > 0) != y))


def main(out="."):
    data = mg.data.breast_cancer()
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    results = {}
    for name, lambd, keep_prob in (("none", 0, 1), ("L2", 10, 1), ("dropout", 0, 0.6), ("both", 10, 0.6)):
        model, curve = train(data, lambd=lambd, keep_prob=keep_prob)
        cost, errors = cost_and_errors(model, data.X, data.y)
        cost_dev, errors_dev = cost_and_errors(model, data.X_dev, data.y_dev)
        results[name] = {"cost": cost, "errors": errors, "cost_dev": cost_dev, "errors_dev": errors_dev}
        print(f"{name:8} λ = {lambd:<2}  keep_prob = {keep_prob:<3}", end="  ")
        print(f"training: {cost:.4f}, {errors} of {data.m} wrong", end="  ")
        print(f"dev: {cost_dev:.4f}, {errors_dev} of {len(data.y_dev)} wrong")
        axes.plot(range(0, steps, 10), curve, label=f"{name}: λ = {lambd}, keep_prob = {keep_prob}")
    axes.set(xlabel="step", ylabel="cross-entropy of the dev set", ylim=(0, None), title="breast cancer")
    axes.legend()
    figure.savefig(Path(out) / "06_l2_and_dropout.png", dpi=100)
    return results


if __name__ == "__main__":
    main(*sys.argv[1:])
