"""λ by gradient: the derivative of the dev cost with respect to λ, through the steps of the training.

    W ← W - lr ∂J/∂W,   J = cross-entropy + λ/(2m) ‖W‖²,   k times;   then  d dev cost(W) / dλ

The weights after k steps are a function of λ, and a graph of it is there: `mg.grad(..., create_graph=True)`
makes each step part of it.  So log λ can be trained as weights are.  But k steps are what it is trained for:
a training that is stopped early is regularized by that, and a short one asks for little λ, or none (Wu et al.
2018).  With steps enough the gradient finds what the grid finds.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import minigrad as mg
from minigrad import nn
from minigrad.experiments import sweep

n_in, lr, horizons = 20, 1.0, (10, 20, 60)
grid = [0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 6.0]


def examples(m, rng):
    """Five features of 20 matter; with few examples the others can be learnt by heart."""
    w = np.zeros((n_in, 1))
    w[:5, 0] = 2, -1.5, 1, 1, -0.5
    X = rng.standard_normal((m, n_in))
    return X, (rng.random((m, 1)) < mg.sigmoid(X @ w)).astype(float)


rng = np.random.default_rng(1)
(X, y), (X_dev, y_dev) = examples(80, rng), examples(300, rng)


def cost(W, lambd):
    return nn.binary_cross_entropy_with_logits(X @ W.T, y) + nn.l2_penalty(W, lambd=lambd, m=len(X))


def dev_cost(lambd, steps):
    """The cost on the dev set after so many steps, as a function of λ."""
    W = mg.Tensor(np.zeros((1, n_in)), requires_grad=True, name="W")
    for _ in range(steps):
        W = W - lr * mg.grad(cost(W, lambd), W, create_graph=True)
    return nn.binary_cross_entropy_with_logits(X_dev @ W.T, y_dev)


def lambda_by_gradient(steps, *, updates=40):
    """λ = exp(η), η trained by Adam on the dev cost."""
    eta = mg.Tensor(np.log(0.3), requires_grad=True, name="eta")
    optimizer = mg.optim.Adam([eta], lr=0.2)
    for _ in range(updates):
        optimizer.zero_grad()
        dev_cost(np.exp(eta), steps).backward()
        optimizer.step()
    return float(np.exp(eta.data))


def build(*, lambd, seed):
    """The same training for the grid, long enough to come to its end."""
    model = nn.Sequential(nn.Linear(n_in, 1, bias=False, rng=seed))
    optimizer = mg.optim.SGD(model.parameters(), lr=lr)
    return {
        "model": model,
        "loss": lambda model, X, y: cost(model[0].weight, lambd),
        "optimizer": optimizer,
        "epochs": 300,
    }


def main(out="."):
    lambd = mg.Tensor(1.0, requires_grad=True, name="lambd")
    derivatives, differences, found = {}, {}, {}
    for k in horizons:
        derivatives[k] = mg.grad(dev_cost(lambd, k), lambd).item()
        h = 1e-4
        differences[k] = (dev_cost(1 + h, k).item() - dev_cost(1 - h, k).item()) / (2 * h)
        found[k] = lambda_by_gradient(k)
        print(f"{k:3} steps: d dev cost / dλ at λ = 1 is {derivatives[k]:.8f}", end=", ")
        print(f"by differences {differences[k]:.8f}; gradient descent comes to λ = {found[k]:.2f}")
    results = sweep(build, {"lambd": grid}, (X, y), dev=(X_dev, y_dev))
    best = results.best.cell["lambd"]
    print(f"the grid, with 300 steps: λ = {best}")

    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes = figure.subplots()
    shown = np.geomspace(0.005, 9, 25)
    for k, line, color in zip(horizons, (":", "-.", "-"), ("#E69F00", "#009E73", "#0072B2"), strict=True):
        axes.plot(shown, [dev_cost(x, k).item() for x in shown], line, color=color, label=f"{k} steps")
        axes.plot(found[k], dev_cost(found[k], k).item(), "o", color=color, zorder=3)
    of_grid = [(row.run.cell["lambd"], row.numbers["dev_cost"]) for row in results if row.run.cell["lambd"]]
    axes.plot(*zip(*of_grid, strict=True), "s--", color="0.4", markersize=4, label="the grid, 300 steps")
    star = {"color": "#D55E00", "fillstyle": "none", "markersize": 18, "linestyle": "none"}
    axes.plot(best, results.best.mean["dev_cost"], "*", label="its best", **star)
    axes.set(xscale="log", xlabel="λ", ylabel="cross-entropy of the dev set", ylim=(0.45, 0.55))
    axes.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    axes.legend(title="dots: found by gradient")
    figure.savefig(Path(out) / "15_lambda_by_gradient.png", dpi=100)
    return {
        "derivatives": derivatives,
        "differences": differences,
        "found": found,
        "best": best,
        "results": results,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
