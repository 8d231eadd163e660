"""One training step across engines: python tests/benchmarks/run.py [--seconds 1] [--rounds 5] [--threads 1]

Every engine runs in a process of its own, the engines in turn, several rounds; the figure is the median of
all steps, and the ratio is to the hand-written NumPy of the same run.  All get the same number of threads.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median

from engines import engines
from networks import networks

here = Path(__file__).parent


def measure(engine: str, network: str, seconds: float, environment: dict[str, str]) -> list[float]:
    command = [sys.executable, str(here / "engines.py"), engine, network, str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine}: {done.stderr.strip().splitlines()[-1]}")
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="of measuring, per engine and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--network", choices=networks, action="append", help="XS, S or M; S and M by default")
    options = parser.parse_args()

    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    environment["PYTHONPATH"] = str(here.parent.parent)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[variable] = str(options.threads)
    if options.threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    modules = {"PyTorch": "torch", "jax.jit": "jax"}
    installed = [
        name
        for name in engines
        if importlib.util.find_spec(modules.get(name.split(",")[0], "numpy")) is not None
    ]
    python = platform.python_version()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {python}, {options.threads} thread(s)")
    for name in options.network or ("S", "M"):
        network = networks[name]
        steps: dict[str, list[float]] = {engine: [] for engine in installed}
        for _ in range(options.rounds):
            for engine in installed:
                steps[engine] += measure(engine, name, options.seconds, environment)
        medians = {engine: median(times) for engine, times in steps.items()}
        base = medians["hand-written NumPy"]
        sizes = "-".join(map(str, network.sizes))
        print(f"\n{name}: {sizes}, batch {network.batch}, {network.dtype}, L2 and dropout")
        for engine, seconds in medians.items():
            print(f"  {engine:<22}{seconds * 1e6:>9.1f} µs{seconds / base:>8.2f} x hand-written")


if __name__ == "__main__":
    main()
