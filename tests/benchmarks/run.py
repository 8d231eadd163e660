"""One step across engines: python tests/benchmarks/run.py [--task S] [--rounds 5] [--threads 1] [--write]

Each engine does each task in a process of its own.  They are measured in turn, a slice of time each, in
several rounds; the figure is the median of all steps, the ratio is to the hand-written NumPy of the same
rounds.  All have the same number of threads, on as many cores.  --write keeps the results of a run of all
engines and tasks in results.json, and makes of them the tables and the plot of docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any

import page
from engines import Engine, by_hand, engines, floor
from memory import make_counter
from tasks import looked_at, sizes, tasks, widths

here = Path(__file__).parent
sys.path.insert(0, str(here.parent.parent))  # minigrad, installed or not
packages = ("numpy", "numba", "torch", "jax", "autograd", "mygrad")


class EngineError(Exception):
    """An engine that cannot do a task, with what its process said last."""


class Process:
    """An engine doing a task: `answer` gives what it says next (see measure.py)."""

    def __init__(self, engine: str, task: str, what: str, environment: dict[str, str]) -> None:
        self._errors = TemporaryFile("w+")  # noqa: SIM115, closed below
        self._process = subprocess.Popen(
            [sys.executable, here / "measure.py", engine, task, what],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._errors.close()

    def answer(self, question: object = None) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        if question is not None:
            print(question, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            raise EngineError((self._errors.read().strip().splitlines() or ["it ended without a word"])[-1])
        return json.loads(line)


def environment_of(threads: int, folder: Path) -> dict[str, str]:
    """The environment of every engine: so many threads, OpenBLAS's own choice of a kernel, empty caches."""
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}
    environment["PYTHONPATH"] = str(here.parent.parent)
    for variable in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        environment[f"{variable}_NUM_THREADS"] = str(threads)
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    for variable in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR"):
        environment[variable] = str(folder / "cache")
    return environment


def measure(
    task: str,
    chosen: Iterable[Engine],
    options: argparse.Namespace,
    environment: dict[str, str],
    counter: Path | None,
    left_out: dict[str, str],
) -> dict[str, dict[str, Any]]:
    """What is measured of each engine at a task; one that fails is left out, with the reason.

    seconds, steps        of a step, the median; and of how many
    first, first_cached   call, of an engine that compiles: with empty caches, and in the next process
    peak, allocated       bytes, at the three sizes (memory.py)
    """
    results: dict[str, dict[str, Any]] = {}
    with ExitStack() as processes:
        running: dict[str, Process] = {}
        for engine in chosen:
            found: dict[str, Any] = {}
            try:
                if engine.compiles and task in sizes:
                    with Process(engine.name, task, "time", environment) as process:
                        found["first"] = process.answer()
                if engine.counted and task in sizes and counter:
                    counting = {**environment, "LD_PRELOAD": str(counter)}
                    with Process(engine.name, task, "memory", counting) as process:
                        found |= process.answer()
                process = processes.enter_context(Process(engine.name, task, "time", environment))
                first = process.answer()
                if "first" in found:
                    found["first_cached"] = first
            except EngineError as failure:
                if not engine.optional:
                    raise SystemExit(f"{engine.name}, {task}: {failure}") from None
                left_out[f"{engine.name}, {task}"] = str(failure)
                continue
            results[engine.name], running[engine.name] = found, process
        times: dict[str, list[float]] = {name: [] for name in running}
        try:
            for _ in range(options.rounds):
                for name, process in running.items():
                    times[name] += process.answer(options.seconds)
        except EngineError as failure:
            raise SystemExit(f"{task}: {failure}") from None
    for name, seconds in times.items():
        results[name] |= {"seconds": median(seconds), "steps": len(seconds)}
    return results


def machine(threads: int) -> dict[str, Any]:
    """What the figures depend on."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next((line.partition(": ")[2] for line in lines if "model name" in line), processor)
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "threads": threads,
    }


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", choices=tasks, action="append", metavar="TASK", help=", ".join(tasks))
    parser.add_argument(
        "--engine", choices=engines, action="append", metavar="ENGINE", help=", ".join(engines)
    )
    parser.add_argument("--seconds", type=float, default=0.15, help="a slice of time; eight steps at least")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="results.json, the page and its plot")
    options = parser.parse_args(arguments)
    if options.write and (options.task or options.engine):
        parser.error("--write keeps a complete run: leave out --task and --engine")
    if hasattr(os, "sched_setaffinity"):  # the processes inherit it
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-options.threads :])

    left_out = {name: reason for name, engine in engines.items() if (reason := engine.missing())}
    usable = [
        engine
        for name, engine in engines.items()
        if name not in left_out and name in (by_hand, floor, *(options.engine or engines))
    ]
    results: dict[str, Any] = {
        "machine": machine(options.threads),
        "seconds": options.seconds,
        "rounds": options.rounds,
        "tasks": {},
        "left_out": left_out,
    }
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = environment_of(options.threads, Path(folder))
        counter = make_counter(Path(folder))
        for name in options.task or [name for name in tasks if name not in looked_at]:
            chosen = [e for e in usable if name in sizes or name in widths or not e.slow_to_compile]
            print(f"{name}: {tasks[name]}", file=sys.stderr)
            results["tasks"][name] = measure(name, chosen, options, environment, counter, left_out)
    for name, reason in left_out.items():
        print(f"left out: {name}: {reason}", file=sys.stderr)
    if options.write:
        page.keep(results)
        page.write()
    print(page.tables(results))


if __name__ == "__main__":
    main()
