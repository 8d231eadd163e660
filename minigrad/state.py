"""save and load: nested states in one file, without pickle, written whole or not at all.

The file is an .npz archive: the arrays, and one JSON text that says where they belong.
"""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np

from minigrad.random import Generator, generator_state
from minigrad.tensor import Tensor

_structure = "structure"


def save(path: str | os.PathLike[str], state: Any) -> None:
    """Write a state to one file: nested dicts, lists and tuples of numbers, strings, None, arrays, Tensors, generators.

    Give it what a run depends on, for example {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
    "rng": rng, "step": step}.  A Tensor is saved as its array, a generator as its state.  The file is written beside
    its place, flushed to the disk and renamed, so that a crash leaves the old file whole.

    Raises:  TypeError, naming the place in the state, for what cannot be saved; nothing is written then.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save(path, {"W": np.eye(2), "step": 3}); load(path)["step"]
    3
    """
    arrays: list[np.ndarray] = []
    structure = json.dumps(_encode(state, "state", arrays))
    entries = {f"array_{i}": array for i, array in enumerate(arrays)}
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        with open(temporary, "wb") as file:
            np.savez(file, **{_structure: np.array(structure)}, **entries)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> Any:
    """Read a state that `save` wrote; no code of the file is ever run.

    Raises:  FileNotFoundError; ValueError if it is not such a file, or not whole.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        structure = json.loads(str(arrays[_structure]))
        return _decode(structure, arrays)
    except FileNotFoundError:
        raise FileNotFoundError(f"load: there is no file {os.fspath(path)}") from None
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"load: {os.fspath(path)} is not a file that minigrad.save wrote, or not whole: {error}") from error


def _encode(value: Any, place: str, arrays: list[np.ndarray]) -> Any:
    """JSON for a nested state; arrays are appended to the list and referred to by their number."""
    if isinstance(value, Generator):
        value = generator_state(value)
    if isinstance(value, Tensor):
        value = value.data
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        if np.asarray(value).dtype.hasobject:
            raise TypeError(f"save: {place} is an array of Python objects")
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    if isinstance(value, list | tuple):
        entries = [_encode(entry, f"{place}[{i}]", arrays) for i, entry in enumerate(value)]
        return {"tuple": entries} if isinstance(value, tuple) else entries
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise TypeError(f"save: {place} has the key {key!r}; keys must be strings or whole numbers")
        return {"dict": [[key, _encode(entry, f"{place}[{key!r}]", arrays)] for key, entry in value.items()]}
    raise TypeError(f"save: {place} is a {type(value).__name__}, which cannot be saved; give numbers, strings or arrays")


def _decode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decode(entry, arrays) for entry in value]
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind == "array":
        return arrays[f"array_{content}"]
    if kind == "tuple":
        return tuple(_decode(entry, arrays) for entry in content)
    return {key: _decode(entry, arrays) for key, entry in content}
