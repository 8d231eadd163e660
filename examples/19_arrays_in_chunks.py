"""One model trained over the chunks of a Dask array: the same code and numbers, one pass for each step.

Each chunk gives its part of the cost and of the gradient, where it is, and the parts are added up: that is
data-parallel training.  `optimizer.persist` computes a step; without it the graph would remember all before.
"""

import sys
from pathlib import Path

import numpy as np
from dask import array as da
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn


def make_model():
    rng = np.random.default_rng(1)
    return nn.Sequential(
        nn.Linear(2, 16, rng=rng), nn.Tanh(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(16, 1, rng=rng)
    )


def train(model, X, y, steps, persist=True):
    optimizer = mg.optim.Adam(model.parameters(), lr=0.03)
    costs, tasks = [], []
    for _ in range(steps):
        J = nn.binary_cross_entropy_with_logits(model(X), y) + nn.l2_penalty(model, lambd=0.1, m=len(X))
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        graph = J.__dask_graph__()
        tasks.append(0 if graph is None else len(graph))  # None: there is nothing to be computed
        if persist:
            (J,) = optimizer.persist(J)
            costs.append(J.item())
    return costs, tasks


def main(out="."):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 2))
    y = (X[:, :1] * X[:, 1:] > 0).astype(float)

    on_numpy = make_model()
    wanted, _ = train(on_numpy, X, y, 40)

    on_dask = make_model().to(da.from_array)  # the parameters, one chunk each
    X_chunks, y_chunks = (da.from_array(a, chunks=(250, -1)) for a in (X, y))  # the data, four chunks each
    costs, tasks = train(on_dask, X_chunks, y_chunks, 40)
    on_dask.to(np.asarray)  # and back
    _, growing = train(make_model().to(da.from_array), X_chunks, y_chunks, 6, persist=False)

    difference = max(
        np.max(np.abs(p.data - q.data))
        for p, q in zip(on_numpy.parameters(), on_dask.parameters(), strict=True)
    )
    print(f"cost {costs[0]:.4f} -> {costs[-1]:.4f} on four chunks, {wanted[-1]:.4f} on NumPy arrays")
    print(f"largest difference of a parameter: {difference:.1e}")
    print(f"tasks of a step: {tasks[0]} at first, {tasks[-1]} in the end; without persist {growing}")

    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(wanted, color="0.6", linewidth=4, label="NumPy")
    left.plot(costs, color="tab:blue", linestyle="--", label="Dask, four chunks")
    left.set(xlabel="step", ylabel="cost")
    left.legend()
    right.plot(range(1, 7), growing, "o-", color="tab:red", label="without persist")
    right.plot(range(1, 7), tasks[:6], "o-", color="tab:blue", label="with optimizer.persist(J)")
    right.set(xlabel="step", ylabel="tasks in the graph of the cost", ylim=(0, None))
    right.legend(loc="upper left")
    figure.savefig(Path(out) / "19_arrays_in_chunks.png", dpi=100)
    return {"costs": costs, "wanted": wanted, "difference": difference, "tasks": tasks, "growing": growing}


if __name__ == "__main__":
    main(*sys.argv[1:])
