"""Saving and resuming: a run that is interrupted ends with the same bits as one that is not.

All that a later step depends on is saved: weights, the optimizer's moments, the generator of masks and
batches.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn


class Run:
    """A model in training, with all that a step depends on."""

    def __init__(self, seed):
        self.data = mg.data.side_of_the_field()
        self.rng = np.random.default_rng(seed)  # of the masks and the batches
        self.model = nn.Sequential(
            nn.Linear(2, 20, rng=self.rng), nn.Tanh(), nn.Dropout(keep_prob=0.9, rng=self.rng),
            nn.Linear(20, 1, rng=self.rng),
        )  # fmt: skip
        self.optimizer = mg.optim.Adam(self.model.parameters(), lr=0.01)

    def train(self, epochs):
        costs = []
        for _ in range(epochs):
            for X, y in mg.data.batches(self.data.X, self.data.y, size=32, rng=self.rng):
                J = nn.binary_cross_entropy_with_logits(self.model(X), y)
                self.optimizer.zero_grad()
                J.backward()
                self.optimizer.step()
                costs.append(J.item())
        return costs

    def save(self, path):
        # the model's state includes the generator, since its Dropout layer draws from it
        mg.save(path, {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()})

    def load(self, path):
        state = mg.load(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])


def main(out="."):
    whole = Run(seed=8)
    costs = whole.train(16)

    first = Run(seed=8)
    before = first.train(8)
    second = Run(seed=99)  # other weights, another generator: all of it comes from the file
    with TemporaryDirectory() as folder:
        first.save(Path(folder) / "run.npz")
        second.load(Path(folder) / "run.npz")
    after = second.train(8)

    resumed = dict(second.model.named_parameters())
    bits = {path: np.array_equal(p.data, resumed[path].data) for path, p in whole.model.named_parameters()}
    print("the same bits:", ", ".join(f"{path} {same}" for path, same in bits.items()))
    print("the same costs:", costs == before + after)

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(costs, color="0.75", linewidth=4, label="in one go")
    axes.plot(before, color="tab:blue", linewidth=1, label="until the save")
    steps = range(len(before), len(costs))
    axes.plot(steps, after, color="tab:red", linewidth=1, label="resumed from the file")
    axes.set(xlabel="step", ylabel="cost of the mini-batch")
    axes.legend()
    figure.savefig(Path(out) / "09_save_and_resume.png", dpi=100)
    last = float(np.mean(costs[-14:]))
    return {"bits": bits, "costs": costs == before + after, "first": costs[0], "last": last}


if __name__ == "__main__":
    main(*sys.argv[1:])
