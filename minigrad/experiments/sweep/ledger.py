"""The folder of a sweep: what is swept, and a row for each run that is done.

sweep.json    what is built, the data's checksum ..., the cells and seeds that are asked for
results.csv   a row for each run, appended when it is done; in the order of the runs once all are
.lock         empty; locked while a sweep writes here

A row is one write, flushed to the disk: a sweep that is killed leaves whole rows and perhaps the beginning of
one, which has no end of line.  Another time other cells and seeds can be asked for: what is done is not done
again, and what is no longer asked for stays in the table.
"""

from __future__ import annotations

import csv
import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from minigrad.experiments.files import write_file
from minigrad.experiments.sweep.grid import Cell
from minigrad.experiments.sweep.measures import columns_of
from minigrad.experiments.sweep.rows import Row, rows_in, text_of

About = dict[str, Any]
"""What sweep.json has: see identity.py; and `earlier`, cells and seeds that are no longer asked for."""

_about, _table, _lock_file = "sweep.json", "results.csv", ".lock"


class Ledger:
    """The files of a sweep's folder, while it is held; see `held`.

    about  what is swept
    rows   by their lines those that are there
    """

    def __init__(self, folder: Path, about: About, rows: Mapping[int, Row]) -> None:
        self.about, self.rows = about, rows
        self._folder, self._path = folder, folder / _table

    def begin(self, rows: Sequence[Row]) -> None:
        """Write what is swept and the rows so far, without what is torn."""
        write_file(self._folder / _about, json.dumps(self.about, indent=1) + "\n")
        self.write(rows)

    def append(self, row: Row) -> None:
        """Write one more row, to the disk."""
        with open(self._path, "ab") as file:
            file.write(text_of([row]).encode())
            file.flush()
            os.fsync(file.fileno())

    def write(self, rows: Sequence[Row]) -> None:
        """Write all rows anew, whole or not at all."""
        write_file(self._path, text_of([_columns(self.about), *rows]))


@contextmanager
def held(folder: Path, about: Mapping[str, Any], *, resume: bool) -> Iterator[Ledger]:
    """Context: the folder is this sweep's alone.

    Raises:  ValueError, in one sentence, if another sweep is there or one is running, or, without resume, if
             rows are there; OSError if it cannot be written to.  Nothing in the folder is changed then.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file, and a sweep needs a folder", str(folder))
    if _earlier(folder) is None and (folder / _table).exists():
        raise ValueError(f"sweep: {folder} has a {_table} without its {_about}; give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    asked = json.loads(json.dumps(about))
    with _locked(folder / _lock_file) as alone:
        if not alone:
            raise ValueError(
                f"sweep: another sweep is writing to {folder}; wait for it, or give another folder"
            )
        earlier = _earlier(folder)
        rows = {} if earlier is None else _rows(folder, earlier)
        if earlier is None or not rows:
            yield Ledger(folder, asked, {})
            return
        if differences := list(_differences(earlier, asked)):
            raise ValueError(
                f"sweep: {folder} is of another sweep: {'; '.join(differences)}; give another folder"
            )
        if not resume:
            n = len(rows)
            raise ValueError(
                f"sweep: {folder} has {n} run{'s' * (n > 1)} already; go on with resume=True, "
                "or give another folder"
            )
        yield Ledger(folder, _joined(earlier, asked), _reordered(rows, _columns(earlier), _columns(asked)))


def read(folder: Path) -> tuple[About, dict[int, Row]]:
    """What is swept, and the rows so far by their lines; a sweep may be running.

    Raises:  FileNotFoundError if there is none, ValueError if it is damaged.
    """
    about = _earlier(folder)
    if about is None:
        raise FileNotFoundError(f"sweep: there is no sweep in {folder}")
    return about, _rows(folder, about)


def cells_in(about: About, cells: Sequence[Any]) -> list[Cell]:
    """Cells of sweep.json as they were given."""
    return [{name: _tuples(value) for name, value in zip(about["axes"], cell, strict=True)} for cell in cells]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _earlier(folder: Path) -> About | None:
    """What is swept in a folder, if there is something."""
    try:
        text = (folder / _about).read_bytes()
    except FileNotFoundError:
        return None
    try:
        about: About = json.loads(text)
        cells_in(about, about["cells"] + about.setdefault("earlier", {"cells": [], "seeds": []})["cells"])
        _columns(about)
        if {"seeds", "folds", "data"} <= about.keys():
            return about
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        pass
    raise ValueError(f"sweep: {folder / _about} is damaged, or no sweep's; give another folder")


def _rows(folder: Path, about: About) -> dict[int, Row]:
    try:
        return rows_in((folder / _table).read_bytes(), _columns(about))
    except FileNotFoundError:
        return {}
    except (ValueError, csv.Error) as error:
        raise ValueError(f"sweep: {folder / _table} is damaged: {error}; give another folder") from None


def _columns(about: Mapping[str, Any]) -> list[str]:
    return header(about["axes"], about["measures"])


def header(axes: Iterable[str], measures: Iterable[str]) -> list[str]:
    """The names of the columns."""
    return [*axes, "seed", "fold", *columns_of(measures)]


# ---- what was asked for, and what is asked for now


def _joined(was: About, now: About) -> About:
    """What is asked for now; what only was asked for earlier."""
    order = [list(was["axes"]).index(name) for name in now["axes"]]
    cells = [[cell[i] for i in order] for cell in was["cells"] + was["earlier"]["cells"]]
    seeds = was["seeds"] + was["earlier"]["seeds"]
    earlier = {"cells": _without(cells, now["cells"]), "seeds": _without(seeds, now["seeds"])}
    return {**now, "earlier": earlier}


def _without(values: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    known = {*map(repr, others)}
    return [value for value in values if repr(value) not in known]


def _reordered(rows: Mapping[int, Row], was: Sequence[str], now: Sequence[str]) -> dict[int, Row]:
    order = [was.index(name) for name in now]
    return {line: tuple(row[i] for i in order) for line, row in rows.items()}


def _differences(was: About, now: About) -> Iterator[str]:
    """Why runs of the one could not be compared with runs of the other."""
    for name in dict.fromkeys([*was, *now]):
        one, other = was.get(name), now.get(name)
        if name in ("minigrad", "cells", "seeds", "earlier"):
            continue
        if name == "axes":
            one, other = sorted(was["axes"]), sorted(now["axes"])
        if one != other:
            yield f"{name} was {_words(one)} and is {_words(other)}"


def _words(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return value if isinstance(value, str) else "none" if value is None else str(value)


# ---- the lock

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
