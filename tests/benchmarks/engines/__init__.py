"""The engines: who does a task.  A file for each family, with functions that make of a Task two functions,

step()         does one step, and gives the cost of a training step, or the probabilities of inference
parameters()   W1, b1, W2, b2 ... as they are now, as NumPy arrays
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from tasks import Task


@dataclass(frozen=True)
class Engine:
    """What makes an engine's step, and what it needs.

    place            module:function in this folder
    package          that has to be installed
    compiles         at the first call
    eager            the engine that does the same without compiling; "" if there is none
    slow_to_compile  for half a minute and more: it does not do every task
    counted          whether its memory is; what a large compiler leaves behind would be counted, too
    """

    name: str
    place: str
    package: str = "numpy"
    compiles: bool = False
    eager: str = ""
    slow_to_compile: bool = False
    counted: bool = True

    @property
    def optional(self) -> bool:
        """Whether a run goes on without it when it fails; a failure of minigrad's is an error."""
        return self.package not in ("numpy", "numba")

    def make(self, task: Task) -> tuple[Callable[[], Any], Callable[[], list[Any]]]:
        module, _, function = self.place.partition(":")
        return getattr(import_module(f"engines.{module}"), function)(task)

    def missing(self) -> str:
        """Why the engine cannot be used here; "" if it can."""
        if find_spec(self.package) is None:
            return f"{self.package} is not installed"
        if self.name == "torch.compile" and not any(map(shutil.which, ("c++", "g++", "clang++"))):
            return "no C++ compiler"
        if self.package == "numba":
            import minigrad as mg

            try:
                mg.compile(lambda x: x, backend="numba")
            except ValueError as error:
                return str(error)
        return ""


by_hand, floor = "hand-written NumPy", "the matrix products alone"

engines = {
    engine.name: engine
    for engine in (
        Engine(by_hand, "hand_written:make"),
        Engine(floor, "products:make"),
        Engine(
            "minigrad, compiled: numba",
            "minigrad:compiled_numba",
            "numba",
            compiles=True,
            eager="minigrad, eager",
        ),
        Engine(
            "minigrad, compiled: numpy", "minigrad:compiled_numpy", compiles=True, eager="minigrad, eager"
        ),
        Engine("minigrad, eager", "minigrad:layers"),
        Engine("minigrad, eager, functions", "minigrad:functions"),
        Engine("a bare tape", "bare_tape:make"),
        Engine(
            "torch.compile",
            "torch:compiled",
            "torch",
            compiles=True,
            eager="PyTorch, functions",
            slow_to_compile=True,
            counted=False,
        ),
        Engine("PyTorch, torch.nn", "torch:layers", "torch"),
        Engine("PyTorch, functions", "torch:functions", "torch"),
        Engine("jax.jit", "jax:make", "jax", compiles=True),
        Engine("autograd", "hips_autograd:make", "autograd"),
        Engine("MyGrad", "mygrad:make", "mygrad"),
    )
}
