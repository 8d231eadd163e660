"""save and load: nested states in one file, without pickle, written whole or not at all.

The file is a zip archive: every array in NumPy's .npy format, and one JSON text that says where they belong.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import get_ident
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from minigrad.other_arrays.foreign import is_foreign, to_numpy
from minigrad.random import generator_state, is_generator
from minigrad.tensor import Tensor

_structure = "structure.json"


def save(path: str | os.PathLike[str], state: Any) -> None:
    """Write a state to one file: dicts, lists, tuples of numbers, strings, None, arrays, Tensors, generators.

    Give it what a run depends on, for example {"model": model.state_dict(), "optimizer":
    optimizer.state_dict(), "rng": rng, "step": step}.  A Tensor is saved as its array, a generator as its
    state; all else keeps its type.  The file is written beside its place, flushed to the disk and renamed, so
    that a crash leaves the old file whole.

    Raises:  TypeError, naming the place in the state, for what cannot be saved, ValueError for a state that
             contains itself, OSError if the file cannot be written; the old file is as it was then.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.npz"
    >>> save(path, {"W": np.eye(2), "step": 3}); load(path)["step"]
    3
    """
    arrays: list[np.ndarray] = []
    try:
        structure = json.dumps(_encode(state, "state", arrays))
    except RecursionError:
        raise ValueError("save: the state contains itself, or is nested too deep") from None
    path = Path(os.path.realpath(path))  # a link stays a link
    if path.is_dir():
        raise IsADirectoryError(f"save: {path} is a folder; give the name of a file")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"save: there is no folder {path.parent}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        with open(temporary, "wb") as file:
            with ZipFile(file, "w") as archive:
                archive.writestr(ZipInfo(_structure), structure)
                for i, array in enumerate(arrays):
                    with archive.open(ZipInfo(_entry(i)), "w", force_zip64=True) as entry:
                        np.lib.format.write_array(entry, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> Any:
    """Read a state that `save` wrote; no code of the file is ever run.

    Raises:  OSError (FileNotFoundError ...) if it cannot be read; ValueError if it is not such a file, or not
             whole.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"load: there is no file {os.fspath(path)}")
    with open(path, "rb") as file:
        try:
            with ZipFile(file) as archive:
                return _decode(json.loads(archive.read(_structure)), lambda i: _read_array(archive, i))
        except Exception as error:  # a damaged or foreign file can fail in any way
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(
                f"load: {os.fspath(path)} is not a file that minigrad.save wrote, or not whole ({reason})"
            ) from error


def _entry(i: int) -> str:
    return f"array_{i}.npy"


def _read_array(archive: ZipFile, i: Any) -> np.ndarray:
    with archive.open(_entry(i)) as entry:
        return np.lib.format.read_array(entry, allow_pickle=False)


def _encode(value: Any, place: str, arrays: list[np.ndarray]) -> Any:
    """JSON for a nested state; arrays are appended to the list and referred to by their number."""
    if is_generator(value):
        value = generator_state(value)
    if isinstance(value, Tensor):
        value = value.data
    if is_foreign(value):
        value = to_numpy(value)
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is int:
        return value if abs(value) < 2**63 else {"int": hex(value)}  # Python limits the length of decimals
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.hasobject or isinstance(value, np.ma.MaskedArray):
            raise TypeError(
                f"save: {place} is a {type(value).__name__} of {array.dtype}; give an array of numbers"
            )
        arrays.append(array)
        return {"array" if isinstance(value, np.ndarray) else "scalar": len(arrays) - 1}
    if isinstance(value, list | tuple):
        entries = [_encode(entry, f"{place}[{i}]", arrays) for i, entry in enumerate(value)]
        return {"tuple": entries} if isinstance(value, tuple) else entries
    if isinstance(value, dict):
        for key in value:
            if type(key) not in (str, int):
                raise TypeError(f"save: {place} has the key {key!r}; keys must be strings or whole numbers")
        return {"dict": [[key, _encode(entry, f"{place}[{key!r}]", arrays)] for key, entry in value.items()]}
    advice = "its state_dict()" if hasattr(value, "state_dict") else "numbers, strings or arrays"
    raise TypeError(f"save: {place} is a {type(value).__name__}, which cannot be saved; give {advice}")


def _decode(value: Any, read: Callable[[Any], np.ndarray]) -> Any:
    if isinstance(value, list):
        return [_decode(entry, read) for entry in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    match kind:
        case "int":
            return int(content, 16)
        case "array":
            return read(content)
        case "scalar":
            return read(content)[()]
        case "tuple":
            return tuple(_decode(entry, read) for entry in content)
        case "dict":
            return {key: _decode(entry, read) for key, entry in content}
    raise ValueError(f"there is an entry of the unknown kind {kind!r}")
