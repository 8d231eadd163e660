"""The report's folder: a file is written beside its place and renamed, so it is there whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident

_ours = re.compile(r"(figures|graphs)/[\w-]+\.(svg|dot)|lambda_curve\.csv")


@contextmanager
def folder_for(folder: Path) -> Iterator[None]:
    """Context: a folder that can be written to, made at once, so that a long computation is not for nothing.

    If an exception ends the context, folders that were made for it and are empty are removed again.

    Raises:  OSError if the folder cannot be made, or not be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, and a report needs a folder", str(folder))
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        probe = folder / f".probe.{os.getpid()}-{get_ident()}"
        probe.touch()
        probe.unlink()
        yield
    except BaseException:
        for parent in made:
            if parent.is_dir() and not any(parent.iterdir()):
                parent.rmdir()
        raise


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write texts by their path in the folder, in the order given.

    Files of an earlier report there that this one does not have (its results.json names them) are removed.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp()) / "report"
    >>> write_files(folder, {"figures/curve.svg": "<svg/>"}); [path.name for path in folder.rglob("*.svg")]
    ['curve.svg']
    """
    earlier = _earlier_files(folder)
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, text)
    for name in earlier:
        if name not in texts and _ours.fullmatch(name):
            (folder / name).unlink(missing_ok=True)


def write_file(path: Path, text: str) -> None:
    """Write one text, whole or not at all, also if the power fails: it is on the disk, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}")
    try:
        with open(temporary, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _earlier_files(folder: Path) -> list[str]:
    try:
        files = json.loads((folder / "results.json").read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return [name for name in files if isinstance(name, str)] if isinstance(files, list) else []
