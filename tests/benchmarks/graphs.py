"""What a node of the graph costs: python tests/benchmarks/graphs.py

A chain of operations, forward and backward, in several lengths (the time per operation must not grow with the
length), and a diamond, y = y + y, whose number of paths doubles at every step.  The garbage collector is on.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import minigrad as mg


def chain(n: int) -> tuple[float, float, float]:
    """Seconds of n multiplications forward, of their backward pass, and of freeing the graph."""
    x = mg.Tensor(1.5, requires_grad=True)
    start = perf_counter()
    y = x
    for _ in range(n):
        y = y * 1.0000001
    forward = perf_counter()
    y.backward()
    backward = perf_counter()
    del y
    return forward - start, backward - forward, perf_counter() - backward


def diamond(depth: int) -> float:
    """Seconds of y = y + y, depth times, forward and backward."""
    x = mg.Tensor(2.0**-depth, requires_grad=True)
    start = perf_counter()
    y = x
    for _ in range(depth):
        y = y + y
    y.backward()
    seconds = perf_counter() - start
    assert x.grad.item() == 2.0**depth
    return seconds


def main() -> None:
    print("a chain of n operations, µs per operation (best of 3):")
    print(f"{'n':>10}{'forward':>10}{'backward':>10}{'freeing':>10}{'together':>10}")
    for n in (1_000, 10_000, 100_000, 1_000_000):
        best = min((chain(n) for _ in range(3)), key=sum)
        print(f"{n:>10,}" + "".join(f"{seconds / n * 1e6:10.2f}" for seconds in (*best, sum(best))))
    print("a diamond, µs per operation (best of 3):")
    for depth in (10, 100, 1_000):
        print(f"{depth:>10,}{min(diamond(depth) for _ in range(3)) / depth * 1e6:10.2f}")


if __name__ == "__main__":
    main()
