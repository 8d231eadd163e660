"""What a step of training costs on a Dask array, by the size of its chunks.

    OMP_NUM_THREADS=1 python tests/benchmarks/dask_chunks.py

The same network is trained on NumPy arrays and on Dask arrays of the same numbers, by a thread for each core.
BLAS has one thread in both, so that it is chunks that run side by side.  Every figure is of the fastest step,
and the ratio says how much more it is than NumPy's.  The CPU time is that of all threads together: what the
scheduler costs is in it, and what waiting costs is not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import numpy as np

import minigrad as mg
from minigrad import nn

n_in, n_hidden = 64, 128


def training(X: Any, Y: Any, kind: Callable) -> Iterator[tuple[float, float, float]]:
    """(seconds of a step, its CPU time, cost) of one step after the other."""
    rng = np.random.default_rng(1)
    model = nn.Sequential(
        nn.Linear(n_in, n_hidden, rng=rng),
        nn.Tanh(),
        nn.Dropout(keep_prob=0.8, rng=rng),
        nn.Linear(n_hidden, 1, rng=rng),
    )
    optimizer = mg.optim.Adam(model.to(kind).parameters(), lr=0.01)
    while True:
        start, cpu = perf_counter(), process_time()
        J = nn.mse_loss(model(X), Y) + nn.l2_penalty(model, lambd=0.1, m=len(X))
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        (J,) = optimizer.persist(J)
        cost = J.item()
        yield perf_counter() - start, process_time() - cpu, cost


def table(rows: int, chunk_sizes: list[int], steps: int) -> str:
    """The table as Markdown, for so many examples; every training is made twice, one after the other."""
    from dask import array as da
    from dask import config

    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((rows, n_in)), rng.standard_normal((rows, 1))
    best: dict[str, tuple[float, float]] = {}
    wanted: list[float] = []
    with config.set(scheduler="threads", num_workers=os.cpu_count()):
        for size in 2 * [None, *chunk_sizes]:
            name, kind = "NumPy | ", np.asarray
            if size is not None:
                name, kind = f"{size:,} | {-(-rows // size)}", da.from_array
            x, y = (mg.Tensor(a if size is None else da.from_array(a, chunks=(size, -1))) for a in (X, Y))
            seconds, cpu, costs = zip(*islice(training(x, y, kind), steps), strict=True)
            wanted = wanted or list(costs)
            np.testing.assert_allclose(costs, wanted, rtol=1e-12)
            before = best.get(name, (np.inf, np.inf))
            best[name] = min(*seconds, before[0]), min(*cpu, before[1])
    lines = [
        "| rows in a chunk | chunks | ms per step | times NumPy's | CPU ms | times NumPy's |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    t1, c1 = best["NumPy | "]
    return "\n".join(
        lines
        + [
            f"| {name} | {t * 1e3:.0f} | {t / t1:.2f} | {c * 1e3:.0f} | {c / c1:.2f} |"
            for name, (t, c) in best.items()
        ]
    )


def main() -> None:
    for rows in (2**13, 2**16):
        sizes = [rows // k for k in (1, 2, 8, 32, 128)]
        print(f"{rows:,} examples, {os.cpu_count()} cores\n\n{table(rows, sizes, steps=8)}\n")


if __name__ == "__main__":
    main()
