"""By what a sweep is recognized: what is built, how it is judged, the data; and what is asked of it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import fields
from types import CodeType
from typing import Any
from zlib import crc32

import numpy as np

from minigrad.experiments.experiment import Setting
from minigrad.experiments.sweep.build import Build
from minigrad.experiments.sweep.grid import Cell
from minigrad.experiments.sweep.measures import Measures
from minigrad.experiments.sweep.parts import Examples
from minigrad.training.feed import fingerprint


def about_sweep(
    build: Build,
    points: Sequence[Cell],
    judged: Examples,
    seeds: Sequence[int],
    folds: int | None,
    fold_seed: int,
    measures: Measures,
) -> dict[str, Any]:
    """What is swept, as plain data: a folder has one build and data, and of them what is asked for."""
    from minigrad import __version__

    names = list(points[0])
    values = {name: list(dict.fromkeys(cell[name] for cell in points)) for name in names}
    return {
        "minigrad": __version__,
        "build": _words(build, names),
        "axes": values,
        "cells": [list(cell.values()) for cell in points],
        "seeds": list(seeds),
        "folds": folds,
        "fold_seed": fold_seed if folds is not None else None,
        "data": fingerprint((*judged.arrays, *(judged.dev or ()))),
        "measures": list(measures),
        "measured by": [_words(measure, names) for measure in measures.values()],
    }


def _words(build: Any, axes: Sequence[str]) -> str:
    """What is built, in words that are the same in every process: what is an axis or the seed is left out."""
    if isinstance(build, Setting):
        names = [field.name for field in fields(build) if field.name not in (*axes, "seed")]
        return f"Setting({', '.join(f'{name}={getattr(build, name)}' for name in names)})"
    if hasattr(build, "func") and hasattr(build, "keywords"):  # a partial
        given = [*map(_repr, build.args), *(f"{name}={_repr(x)}" for name, x in build.keywords.items())]
        return f"{_words(build.func, axes)}({', '.join(given)})"
    if not hasattr(build, "__qualname__"):  # an object with a __call__
        return _repr(build)
    return f"{build.__module__}.{build.__qualname__}{_text(build)}{_closed_over(build)}"


def _text(function: Any) -> str:
    """A checksum of a function's own text, without its comments; nothing where there is none to be read.

    A lambda has none: its line may hold the grid too, which may grow.
    """
    if "<lambda>" in function.__qualname__ or str(function.__module__).partition(".")[0] == "minigrad":
        return ""
    try:
        text = ast.unparse(ast.parse(textwrap.dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError):  # typed in, built in, part of an expression
        return ""
    return f" (text {crc32(text.encode()):08x})"


def _closed_over(function: Any) -> str:
    """The numbers, texts and arrays around it, also of its module, that it reads: epochs, for example."""
    try:
        values = inspect.getclosurevars(function).nonlocals
    except TypeError:  # it is not written in Python
        return ""
    of_module = function.__globals__
    read = {name: of_module[name] for name in _names(function.__code__) if name in of_module}
    values = {**read, **values}
    plain = (bool, int, float, str, tuple, np.ndarray, Setting)
    known = [f"{name}={_repr(value)}" for name, value in values.items() if isinstance(value, plain)]
    return f" with {', '.join(known)}" if known else ""


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function and those in it read; not __file__, which is another on another machine."""
    yield from (name for name in code.co_names if not name.startswith("__"))
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _repr(value: Any) -> str:
    """In a line, without addresses in memory, which no other process has; an array by its contents."""
    if isinstance(value, np.ndarray):
        return fingerprint((value,))
    return " ".join(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value)).split())
