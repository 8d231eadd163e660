"""What grading a network costs: python tests/benchmarks/grading.py [--rounds 3] [layers ...]

Deep networks, 30 units wide, 32 examples, with L2 and dropout, and a mistake in the middle layer; every
gradient is handed in.  A figure is the processor time of the shortest round; beside it, what was found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent.parent))


import minigrad as mg
from minigrad import nn

Line = Callable[..., Any]

m, lambd, keep_prob = 32, 0.9, 0.8

lines: dict[str, Line] = {
    "dW": lambda dZ, A, W: dZ.T @ A + lambd / m * W,
    "db": lambda dZ: dZ.sum(axis=0),
    "dA": lambda dZ, W, D: dZ @ W * D / keep_prob,
    "dZ": lambda dA, Z: dA * (Z > 0),
}
"""The backward pass of a layer."""

mistakes: dict[str, tuple[str, Line]] = {
    "none": ("dW", lines["dW"]),
    "no penalty": ("dW", lambda dZ, A, W: dZ.T @ A),
    "no / keep_prob": ("dA", lambda dZ, W, D: dZ @ W * D),
    "W transposed": ("dA", lambda dZ, W, D: dZ @ W.T * D / keep_prob),
    "dW transposed": ("dW", lambda dZ, A, W: A.T @ dZ + lambd / m * W),
    "no slope": ("dZ", lambda dA, Z: dA),
    "sign of penalty": ("dW", lambda dZ, A, W: dZ.T @ A - lambd / m * W),
    "mean for sum": ("db", lambda dZ: dZ.mean(axis=0)),
    "two in one line": ("dA", lambda dZ, W, D: dZ @ W.T * D),
    "not one line": ("dA", lambda dZ, W, D: np.sin(dZ @ W * D / keep_prob)),
}
"""What is done in the middle layer: (whose gradient, the line instead)."""


def network(layers: int, width: int = 30) -> mg.Tensor:
    """Cross-entropy and L2 of a network with relu and dropout after every hidden layer."""
    rng = np.random.default_rng(0)
    hidden: list[nn.Module] = []
    for _ in range(layers - 1):
        hidden += [nn.Linear(width, width, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=rng)]
    model = nn.Sequential(*hidden, nn.Linear(width, 1, rng=rng))
    with mg.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:  # biases of 0 hide mistakes, and searching for those is another matter
                parameter -= 0.1 * rng.standard_normal(parameter.shape)
    X = mg.Tensor(rng.standard_normal((m, width)), name="X")
    Y = mg.Tensor((rng.random((m, 1)) < 0.5).astype(float), name="Y")
    return nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=lambd, m=m)


def handed_in(loss: mg.Tensor, layers: int, mistake: str) -> dict[str, np.ndarray]:
    """Every gradient, written by hand, with the mistake in the middle layer."""
    return dict(_handed_in(loss, layers, mistake))


def _handed_in(loss: mg.Tensor, layers: int, mistake: str) -> Iterator[tuple[str, np.ndarray]]:
    program = mg.derive(loss).program
    forward = (*program.leaves, *(e.output for e in program.equations))
    of = {v.name: np.asarray(v.tensor.data) for v in forward}
    wrong, instead = mistakes[mistake]

    def line(name: str, layer: int, *operands: np.ndarray) -> tuple[str, np.ndarray]:
        chosen = instead if (name, layer) == (wrong, layers // 2) else lines[name]
        return f"{name}{layer}", chosen(*operands)

    dZ = (1 / (1 + np.exp(-of[f"Z{layers}"])) - of["Y"]) / m
    yield f"dZ{layers}", dZ
    for i in range(layers, 0, -1):
        W, below = of[f"W{i}"], of[f"A{i - 1}_drop"] if i > 1 else of["X"]
        yield line("dW", i, dZ, below, W)
        yield line("db", i, dZ)
        if i > 1:
            name, dA = line("dA", i - 1, dZ, W, of[f"D{i - 1}"])
            yield name, dA
            name, dZ = line("dZ", i - 1, dA, of[f"Z{i - 1}"])
            yield name, dZ


def main() -> None:
    """Print the seconds of mg.grade, by the number of layers and the mistake."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("layers", type=int, nargs="*", default=[5, 10, 20, 40])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parameters", action="store_true", help="only their gradients are handed in")
    parser.add_argument("--mistake", choices=mistakes, action="append")
    options = parser.parse_args()
    for layers in options.layers:
        loss = network(layers)
        print(f"\n{layers} layers, {len(mg.derive(loss).program.equations)} equations")
        for mistake in options.mistake or mistakes:
            work, times = handed_in(loss, layers, mistake), []
            if options.parameters:
                work = {name: array for name, array in work.items() if name[1] in "Wb"}
            for _ in range(options.rounds):
                start = process_time()
                report = mg.grade(work, loss)
                times.append(process_time() - start)
            found = "; ".join(f"{fault.line} {fault.what}" for fault in report.faults) or "all right"
            print(f"  {mistake:<16}{min(times):>6.2f} s  {found}")


if __name__ == "__main__":
    main()
