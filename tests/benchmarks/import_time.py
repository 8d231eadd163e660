"""What `import minigrad` costs over `import numpy`: python tests/benchmarks/import_time.py [--runs 40]

Fresh processes, the two in turn; the ratio is of the medians of the import's CPU time, taken inside each
process: it depends less on what else the machine does than the clock.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

_program = "from time import process_time as t; start = t(); import {}; print(t() - start)"


def seconds_of(module: str) -> float:
    """The CPU time of one import in a fresh process, bytecode cached as after an installation."""
    root = str(Path(__file__).parent.parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", _program.format(module)]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    seconds_of("minigrad")  # writes the bytecode
    times = [(seconds_of("numpy"), seconds_of("minigrad")) for _ in range(runs)]
    numpy, minigrad = (median(column) for column in zip(*times, strict=True))
    print(f"import numpy    {numpy * 1e3:6.1f} ms")
    print(f"import minigrad {minigrad * 1e3:6.1f} ms, {minigrad / numpy:.2f} x import numpy")


if __name__ == "__main__":
    main()
