"""Numba: compiling the text of loops, and keeping what was compiled on disk.

Numba keeps compiled functions beside the file that they stand in, so the text is written to one: into the
folder `minigrad` of $NUMBA_CACHE_DIR, of $XDG_CACHE_HOME, or of the platform's folder for caches.  What is
read back is run, so a folder that others can write to is not used; nor is one that cannot be written to.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from operator import index
from pathlib import Path
from stat import S_IWGRP, S_IWOTH
from tempfile import mkstemp
from typing import Any

import numpy as np


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
    path = _kept(kernels)
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


# ---- on disk


def _kept(text: str) -> Path | None:
    """The file that holds a text, written if it is not there; None where nothing is kept."""
    folder = cache_folder()
    if folder is None:
        return None
    name = sha256("\n".join([text, *_versions()]).encode()).hexdigest()[:32]
    path = folder / f"loops_{name}.py"
    try:
        if path.exists():
            return path if path.read_text(encoding="utf-8") == text else None
        handle, temporary = mkstemp(dir=folder, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError:
        return None
    return path


def _versions() -> list[str]:
    """What compiled code depends on beside its text (and the processor, which Numba looks at)."""
    found = [platform.python_version(), platform.machine()]
    for package in ("minigrad", "numba", "llvmlite", "numpy", "scipy"):
        try:
            found.append(version(package))
        except PackageNotFoundError:
            found.append("")
    return found


def cache_folder() -> Path | None:
    """Where compiled loops are kept; None if there is no place that this user alone can write to."""
    try:
        above = _folder_for_caches()
        folder = above / "minigrad"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shared = os.environ.get("NUMBA_CACHE_DIR") and not _own(above)  # Numba itself writes into that
        return folder if _own(folder) and not shared and os.access(folder, os.W_OK) else None
    except (OSError, RuntimeError):  # the latter where there is no home
        return None


def _folder_for_caches() -> Path:
    if os.environ.get("NUMBA_CACHE_DIR"):
        return Path(os.environ["NUMBA_CACHE_DIR"])
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _own(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else can write to it."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (S_IWGRP | S_IWOTH)
