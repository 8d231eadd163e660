"""The folder of a sweep: what is swept, and a row for each run that is done.

sweep.json    the axes, the seeds, the data's checksum ...; locked while a sweep writes here
results.csv   a row for each run, appended when it is done; in the order of the runs once all are

A row is one write, flushed to the disk: a sweep that is killed leaves whole rows and perhaps the beginning of
one, which has no end of line.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from minigrad.experiments.files import write_file

Row = tuple[str, ...]
_about, _table = "sweep.json", "results.csv"


class Ledger:
    """The rows of a sweep's folder, while it is held; see `held`."""

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self._path, self._columns = folder / _table, tuple(columns)

    def append(self, row: Row) -> None:
        """Write one more row, to the disk."""
        _write(self._path, _text([row]), mode="ab")

    def write(self, rows: Sequence[Row]) -> None:
        """Write all rows anew, whole or not at all."""
        write_file(self._path, _text([self._columns, *rows]))


@contextmanager
def held(
    folder: Path, about: Mapping[str, Any], columns: Sequence[str], *, resume: bool
) -> Iterator[tuple[Ledger, list[Row]]]:
    """Context: the folder is this sweep's alone; gives the Ledger, to be written first, and the rows there.

    Raises:  ValueError, in one sentence, if another sweep is there or one is running, or, without resume, if
             rows are there; OSError if it cannot be written to.  Nothing in the folder is changed then.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, and a sweep needs a folder", str(folder))
    begun = (folder / _table).exists()
    if begun and not (folder / _about).exists():
        raise ValueError(f"sweep: {folder} has a {_table} without its {_about}; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    about = json.loads(json.dumps(about))
    with _locked(folder / _about) as alone:
        if not alone:
            raise ValueError(
                f"sweep: another sweep is writing to {folder}; wait for it, or give another folder"
            )
        earlier, rows = _parsed((folder / _about).read_bytes()), _rows(folder)
        if len(rows) > 1:
            if earlier is None:
                raise ValueError(f"sweep: {folder / _about} is damaged; give another folder")
            if differences := list(_differences(earlier, about)):
                raise ValueError(f"sweep: {folder} is of another sweep: {'; '.join(differences)}")
            if rows[0] != tuple(columns):
                raise ValueError(f"sweep: {folder / _table} has other columns: {', '.join(rows[0])}")
            if not resume:
                n = len(rows) - 1
                raise ValueError(
                    f"sweep: {folder} has {n} run{'s' * (n > 1)} already; go on with resume=True, "
                    "or give another folder"
                )
        elif not _begins_as_ours((folder / _about).read_bytes()):
            raise ValueError(f"sweep: {folder / _about} is no sweep's; give another folder")
        else:
            _write(folder / _about, json.dumps(about, indent=1) + "\n", mode="wb")
        yield Ledger(folder, columns), rows[1:]


def read(folder: Path) -> tuple[dict[str, Any], list[Row]]:
    """What is swept, and the rows so far without the names of the columns; a sweep may be running."""
    if not (folder / _about).is_file():
        raise FileNotFoundError(f"sweep: there is no sweep in {folder}")
    about = _parsed((folder / _about).read_bytes())
    if about is None:
        raise ValueError(f"sweep: {folder / _about} is damaged")
    return about, _rows(folder)[1:]


def _rows(folder: Path) -> list[Row]:
    """The whole rows, the header among them; what follows the last end of line was torn by a kill."""
    try:
        text = (folder / _table).read_bytes()
    except FileNotFoundError:
        return []
    whole = text[: text.rfind(b"\n") + 1]
    if not whole and b"\r" in text:  # as an old spreadsheet saves it: all of it would seem torn
        raise ValueError(f"sweep: {folder / _table} is damaged: no line ends with \\n; give another folder")
    try:
        return [tuple(row) for row in csv.reader(io.StringIO(whole.decode(), newline=""), strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"sweep: {folder / _table} is damaged: {error}; give another folder") from None


def _write(path: Path, text: str, *, mode: str) -> None:
    with open(path, mode) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        about = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return about if isinstance(about, dict) else None


_beginning = b'{\n "minigrad": '


def _begins_as_ours(text: bytes) -> bool:
    """Whether it is a sweep's, or what there is of one that was killed when it began."""
    return text.startswith(_beginning) or _beginning.startswith(text)


def _differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """What is not the same; of the axes, each on its own."""
    for name in dict.fromkeys([*was, *now]):
        one, other = was.get(name), now.get(name)
        if one == other or name == "minigrad" or (name == "cells" and was.get("axes") != now.get("axes")):
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other)
        else:
            yield f"{name} was {_words(one)} and is {_words(other)}"


def _words(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else shortened(value)


def _text(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


_fds: set[int] = set()
"""Files that are locked; a forked child closes them, or it would hold the locks beyond its parent's end."""


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Context: a file is locked, until this process ends in whatever way; gives False if it was already."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    _fds.add(fd)
    try:
        yield _lock(fd)
    finally:
        _fds.discard(fd)
        os.close(fd)


def _lock(fd: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows, where a locked byte cannot be read: one far behind the end is taken
        import msvcrt

        os.lseek(fd, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close_in_child() -> None:
    for fd in _fds:
        os.close(fd)
    _fds.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
