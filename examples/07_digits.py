"""Ten classes: handwritten digits, softmax with cross-entropy, mini-batches, Adam.

The layers give logits; nn.cross_entropy takes them and the labels 0 ... 9, and its gradient for the
logits is (softmax(z) - Y) / m, with Y the labels as one-hot rows.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn


def network(rng):
    return nn.Sequential(
        nn.Linear(64, 64, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(64, 10, rng=rng)
    )


def main(out="."):
    data = mg.data.digits()
    rng = np.random.default_rng(7)
    model = network(rng)
    optimizer = mg.optim.Adam(model.parameters(), lr=3e-3)
    schedule = mg.optim.CosineLR(optimizer, steps=30)
    for epoch in range(30):
        for X, y in mg.data.batches(data.X, data.y, size=64, rng=rng):
            J = nn.cross_entropy(model(X), y)
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
        schedule.step()
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: cost of the last batch {J:.4f}")

    with mg.no_grad():
        p = mg.softmax(model.eval()(data.X_dev)).data  # (m_dev, 10), each row sums to 1
    guess = p.argmax(axis=1)
    wrong = np.flatnonzero(guess != data.y_dev)
    accuracy = 1 - len(wrong) / len(guess)
    print(f"{accuracy:.1%} of {len(guess)} dev examples are right, {len(wrong)} wrong")

    figure = Figure(figsize=(9, 1.9), layout="constrained")
    figure.suptitle("the first ten mistakes")
    for axes, i in zip(figure.subplots(1, 10), wrong, strict=False):
        axes.imshow(data.X_dev[i].reshape(8, 8), cmap="gray_r")
        axes.set_title(f"{data.y_dev[i]} taken for {guess[i]}\np = {p[i].max():.2f}", fontsize=9)
    for axes in figure.axes:
        axes.axis("off")
    figure.savefig(Path(out) / "07_digits.png", dpi=100)

    # the gradient for the logits, against the formula
    Z = mg.Tensor(rng.standard_normal((5, 10)), requires_grad=True, name="Z")
    labels = np.array([3, 1, 4, 1, 5])
    dZ = mg.grad(nn.cross_entropy(Z, labels), Z)
    rule = np.max(np.abs(dZ.data - (mg.softmax(Z.data) - np.eye(10)[labels]) / 5))
    print(f"∂J/∂Z and (softmax(Z) - Y) / m differ by {rule:.1e}")
    return {"accuracy": accuracy, "wrong": len(wrong), "rows": p.sum(axis=1), "rule": rule}


if __name__ == "__main__":
    main(*sys.argv[1:])
