"""What a derivation costs, from the recorded graph to the NumPy text: python tests/benchmarks/deriving.py

Of the network of the notes, and of deeper ones: the time per equation must not grow with their number.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))


import minigrad as mg
from minigrad import nn


def loss_of(sizes: tuple[int, ...], m: int = 211) -> mg.Tensor:
    """Cross-entropy and L2 of a network with ReLU and dropout after every hidden layer."""
    rng = np.random.default_rng(0)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers += [nn.Linear(n_in, n_out, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.86, rng=rng)]
    model = nn.Sequential(*layers, nn.Linear(*sizes[-2:], rng=rng))
    X = mg.Tensor(rng.standard_normal((m, sizes[0])), name="X")
    Y = mg.Tensor((rng.random((m, 1)) < 0.5).astype(float), name="Y")
    return nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.7, m=m)


def main() -> None:
    """Print the milliseconds of derive(...).numpy(), the median of several, by the number of equations."""
    print(f"{'layers':>7}{'equations':>11}{'ms':>9}{'µs/equation':>13}")
    for layers, rounds in ((3, 30), (50, 5), (100, 5), (200, 5), (400, 3)):
        loss = loss_of((2, 20, 3, 1) if layers == 3 else (4,) * layers + (1,))
        times = []
        for _ in range(rounds):
            start = perf_counter()
            derivation = mg.derive(loss)
            derivation.numpy()
            times.append(perf_counter() - start)
        n = len(derivation.program.equations)
        print(f"{layers:>7}{n:>11,}{1e3 * median(times):>9.1f}{1e6 * median(times) / n:>13.1f}")


if __name__ == "__main__":
    main()
