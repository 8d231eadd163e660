"""Numba: compiling the text of loops."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.compiler.numba_text.cache import kept


class RefusedError(Exception):
    """A program that Numba does not take, with the reason."""


def executed(kernels: str, replay: str, objects: dict[str, Any]) -> Callable[..., tuple]:
    """`replay` of the text, with the functions before it compiled by Numba.

    Raises: RefusedError if Numba, or SciPy, whose BLAS it calls, is missing, or if it does not compile.
    """
    try:
        import numba
        import scipy.linalg.cython_blas  # noqa: F401
    except ImportError as error:
        raise RefusedError(
            f"{error.name or 'Numba'} is not installed; pip install 'minigrad[numba]' brings Numba and SciPy"
        ) from None
    path = kept(kernels)
    try:
        functions = _compiled(numba, kernels, path)
    except Exception as error:  # Numba's, LLVM's, and what comes of those
        raise RefusedError(f"Numba does not compile it: {_first_line(error)}") from error
    functions |= objects
    exec(compile(replay, "<compiled>", "exec"), functions)
    run: Callable[..., tuple] = functions["replay"]
    return run


def _compiled(numba: Any, kernels: str, path: Path | None) -> dict[str, Any]:
    """The functions of a text, by name."""
    functions = _names(numba) | _options(numba, cache=path is not None)
    try:
        exec(compile(kernels, "<compiled>" if path is None else str(path), "exec"), functions)
    except Exception:
        if path is None:
            raise
        return _compiled(numba, kernels, None)  # what is on disk may be damaged
    del functions["bool"]
    return functions


def plain(x: Any) -> np.ndarray:
    """An array as loops take it: in C's order, and aligned."""
    return np.require(x, requirements=["C", "A"])


def whole(x: Any, name: str) -> int:
    """A number that was whole when the program was recorded."""
    try:
        return index(x)
    except TypeError:
        message = f'compile: "{name}" was a whole number at the recording, and is {x}; begin with a float'
        raise TypeError(message) from None


def _names(numba: Any) -> dict[str, Any]:
    """What the text refers to."""
    types = numba.types
    return {
        "__name__": __name__,  # a module that is there when compiled functions are read from disk
        "np": np, "njit": numba.njit, "plain": plain, "whole": whole,
        "float64": types.float64, "float32": types.float32, "int64": types.int64, "bool": types.boolean,
        "read": lambda dtype, n: types.Array(dtype, n, "C", readonly=True),
        "write": lambda dtype, n: types.Array(dtype, n, "C"),
    }  # fmt: skip


def _options(numba: Any, cache: bool) -> dict[str, Any]:
    """How functions are compiled: those that Python calls, and those that only they call."""
    from numba.core.compiler import CompilerBase, DefaultPassBuilder

    class Apart(CompilerBase):
        """No two arrays overlap: what is written is a buffer of ours, or nobody else's."""

        def define_pipelines(self) -> list[Any]:
            self.state.flags.noalias = True
            return [DefaultPassBuilder.define_nopython_pipeline(self.state)]

    options = {
        "error_model": "numpy", "nogil": True, "cache": cache,
        "pipeline_class": Apart, "no_cfunc_wrapper": True,
    }  # fmt: skip
    return {"options": options, "inner": options | {"no_cpython_wrapper": True}}


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
