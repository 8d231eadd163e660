"""What CuPy has of NumPy's functions, and with which arguments: cupy_functions.json, made by CuPy itself.

    python tests/golden/cupy_functions.py

No GPU is needed for that.  StrictArray, which stands in for CuPy's arrays, refuses everything else.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.fft

_methods = ("accumulate", "at", "outer", "reduce", "reduceat")


def functions(cupy: Any) -> dict[str, Any]:
    """Module and name -> names of the arguments; of one of NumPy's ufuncs, the methods that it has."""
    found: dict[str, Any] = {}
    for module in (np, np.linalg, np.fft, np.lib.stride_tricks):
        for name in dir(module):
            function = getattr(module, name)
            if name.startswith("_") or not hasattr(function, "__name__") or not callable(function):
                continue
            own = cupy
            where = "numpy" if isinstance(function, np.ufunc) else function.__module__
            for part in where.split(".")[1:]:
                own = getattr(own, part, None)
            own = getattr(own, function.__name__, None)
            if own is None or own is function or isinstance(own, type) or inspect.isbuiltin(own):
                continue
            key = f"{where}.{function.__name__}"
            if isinstance(function, np.ufunc):
                found[key] = [f".{m}" for m in _methods if hasattr(own, m)]
            elif isinstance(own, cupy.ufunc):
                found[key] = ["a", "out", "dtype"]
            else:
                found[key] = [re.split("[:=]", str(p))[0] for p in inspect.signature(own).parameters.values()]
    return found


def main() -> None:
    import cupy

    lines = [f"{json.dumps(name)}: {json.dumps(arguments)}" for name, arguments in functions(cupy).items()]
    text = "{\n" + ",\n".join(sorted(lines)) + "\n}\n"
    Path(__file__).with_suffix(".json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
