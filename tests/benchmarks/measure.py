"""One engine on one task, in a process of its own, which run.py starts: measure.py ENGINE TASK {time,memory}

time     the seconds of the first call; then, for each line on the standard input, the seconds of every step
         that begins within the seconds that it says
memory   the bytes of memory.py, in a process into which the counter was loaded

An answer is a line of JSON.  Engines are prevented from printing in between.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
from engines import engines
from memory import memory_of
from tasks import tasks

at_least = 8
"""Steps in a slice of time, however short it is."""


def seconds_of(step: Callable[[], object]) -> float:
    start = perf_counter()
    result = step()
    seconds = perf_counter() - start
    if not np.isfinite(result).all():
        raise SystemExit("the cost is not finite")
    return seconds


def slice_of(step: Callable[[], object], seconds: float) -> list[float]:
    """The seconds of every step in a slice of time."""
    times: list[float] = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(times) < at_least:
        times.append(seconds_of(step))
    return times


def main() -> None:
    engine, task, what = engines[sys.argv[1]], tasks[sys.argv[2]], sys.argv[3]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else is printed is no answer
    if what == "memory":
        print(json.dumps(memory_of(engine, task)), file=answers)
        return
    step, _ = engine.make(task)
    print(json.dumps(seconds_of(step)), file=answers)
    slice_of(step, 0.1)  # some engines do more at their second call, too
    for line in sys.stdin:
        print(json.dumps(slice_of(step, float(line))), file=answers)


if __name__ == "__main__":
    main()
