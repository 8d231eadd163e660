"""mg.fit: training stops when the dev set does not profit from it any more, and the best weights are kept.

Without regularization the network learns its training examples by heart: the cost on the dev set falls, and
then rises while the cost on the training set goes on to fall.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn
from minigrad.training import EarlyStopping


def loss(model, X, y):
    return nn.binary_cross_entropy_with_logits(model(X), y)


def train(data, epochs, callbacks):
    rng = np.random.default_rng(3)
    model = nn.Sequential(
        nn.Linear(2, 50, rng=rng), nn.ReLU(), nn.Linear(50, 50, rng=rng), nn.ReLU(), nn.Linear(50, 1, rng=rng)
    )
    optimizer = mg.optim.Adam(model.parameters(), lr=0.003)
    history = mg.fit(model, loss, data, optimizer, epochs, batch_size=16, rng=rng, callbacks=callbacks)
    return model, history


def main(out="."):
    data = mg.data.side_of_the_field()
    stopping = EarlyStopping(patience=40)
    model, history = train(data, 300, [stopping])
    print(history)
    with mg.no_grad():
        kept = loss(model.eval(), data.X_dev, data.y_dev).item()
    print(f"kept: the weights of epoch {stopping.best_epoch}, cost {kept:.4f} on the dev set")
    _, further = train(data, 300, [])
    print(f"300 epochs would have ended with {further['dev_cost'][-1]:.4f}")

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for column, color in (("cost", "tab:blue"), ("dev_cost", "tab:red")):
        axes.plot(further["epoch"], further[column], color=color, alpha=0.3)
        axes.plot(history["epoch"], history[column], color=color, label=column)
    axes.axvline(stopping.best_epoch, color="0.6", linewidth=1, label="the weights that are kept")
    axes.set(xlabel="epoch", ylabel="cross-entropy")
    axes.legend()
    figure.savefig(Path(out) / "14_early_stopping.png", dpi=100)
    return {"history": history, "further": further, "best": stopping.best_epoch, "kept": kept}


if __name__ == "__main__":
    main(*sys.argv[1:])
