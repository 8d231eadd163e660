"""How much memory a step takes, counted in the same way for every engine: at malloc, where all of them ask.

tracemalloc sees NumPy alone, PyTorch's profiler PyTorch alone, and the size of the process has in it what the
allocator keeps of what was freed.  So a small library in front of malloc counts: allocations.c, on Linux with
glibc and a C compiler.
"""

from __future__ import annotations

import ctypes
import gc
import platform
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from engines import Engine
from tasks import Task


def make_counter(folder: Path) -> Path | None:
    """The library, made in a folder, that is to be preloaded (LD_PRELOAD); None where it cannot be made."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or platform.libc_ver()[0] != "glibc":
        return None
    source, library = Path(__file__).with_name("allocations.c"), folder / "allocations.so"
    done = subprocess.run(
        [compiler, "-O2", "-fPIC", "-shared", "-fno-builtin", "-o", library, source],
        capture_output=True,
        check=False,
    )
    return library if done.returncode == 0 else None


def memory_of(engine: Engine, task: Task, *, steps: int = 5) -> dict[str, int]:
    """In a process with the counter preloaded, the bytes of an engine in the steady state.

    peak        the most that is allocated at once during a step, beyond what was there before the engine was
                given the task: its copy of the data, parameters, gradients, activations, buffers
    allocated   by all allocations of one step, whether freed in it or not
    """
    counted = ctypes.CDLL(None)
    for name in ("live_bytes", "peak_bytes", "total_bytes"):
        getattr(counted, name).restype = ctypes.c_long
    small = replace(task, sizes=(4, 3, 2, *task.sizes[3:]), batch=5)
    _run(engine.make(small)[0], 3)  # what is loaded, or made once, is there before the counting begins
    gc.collect()
    start = counted.live_bytes()
    step, _ = engine.make(task)
    _run(step, 4)
    gc.collect()
    counted.reset_peak()
    before = counted.total_bytes()
    _run(step, steps)
    return {
        "peak": counted.peak_bytes() - start,
        "allocated": (counted.total_bytes() - before) // steps,
    }


def _run(step, n: int) -> None:
    for _ in range(n):
        step()
