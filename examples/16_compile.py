"""mg.compile: a training step, recorded once and replayed without the graph, with the same numbers.

Eager, every step calls Python for each operation and for each rule.  Recorded, it is a list of lines of NumPy
that compute into buffers which are used again.  The masks of dropout are drawn by the same generator, so both
trainings see the same ones.
"""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn

data = mg.data.side_of_the_field()
steps = 400


def train(compiled):
    """The costs of a training, and the seconds that had passed after each step."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(2, 20, rng=rng),
        nn.ReLU(),
        nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(20, 3, rng=rng),
        nn.ReLU(),
        nn.Linear(3, 1, rng=rng),
    )
    optimizer = mg.optim.SGD(model.parameters(), lr=0.3)

    def step(X, y):
        J = nn.binary_cross_entropy_with_logits(model(X), y) + nn.l2_penalty(model, lambd=0.7, m=len(X))
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    run = mg.compile(step) if compiled else step
    costs, seconds, start = [], [], perf_counter()
    for _ in range(steps):
        costs.append(run(data.X, data.y).item())
        seconds.append(perf_counter() - start)
    return costs, seconds, run


def main(out="."):
    eager, eager_seconds, _ = train(compiled=False)
    replayed, replayed_seconds, step = train(compiled=True)
    print("\n".join(step.source.splitlines()[:4]), "    ...", sep="\n")
    print(step.stats())
    difference = np.max(np.abs(np.subtract(eager, replayed)))
    print(f"the costs of {steps} steps differ by {difference:.1e}")
    eager_step, replayed_step = (np.median(np.diff(s)) for s in (eager_seconds, replayed_seconds))
    print(f"a step takes {1e6 * eager_step:.0f} µs eager and {1e6 * replayed_step:.0f} µs replayed")

    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(eager, color="0.6", linewidth=4, label="eager")
    left.plot(replayed, color="tab:blue", linewidth=1, label="replayed")
    left.set(xlabel="step", ylabel="cost")
    right.plot(np.multiply(eager_seconds, 1e3), color="0.6", linewidth=4, label="eager")
    right.plot(np.multiply(replayed_seconds, 1e3), color="tab:blue", label="recorded, then replayed")
    right.set(xlabel="step", ylabel="ms that have passed")
    for axes in (left, right):
        axes.legend()
    figure.savefig(Path(out) / "16_compile.png", dpi=100)
    return {"eager": eager, "replayed": replayed, "stats": step.stats(), "source": step.source}


if __name__ == "__main__":
    main(*sys.argv[1:])
