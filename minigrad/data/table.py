"""A .csv file as a table of numbers with a column of labels; what is wrong is said by row and column.

Rows are counted as an editor counts lines: the header is row 1.
"""

import csv
import io
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from minigrad.data.split import LARGEST


def read_table(path: Path, label: str | None) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The features, the labels (all numbers or all text) and the features' names.

    Shapes:  ->  X (m, n_in) float64, labels (m,) float64 or text, names (n_in,)
    Raises:  ValueError that says what is wrong first, and where.
    """
    who = f"load: {path.name}"
    (first, header), *body = _rows(path, who).items()
    _check_header(header, [cells for _, cells in body], f"{who}, row {first}")
    target = _label_column(header, label, f"{who}, row {first}")
    X, labels = {}, {}
    for row, cells in body:
        if len(cells) != len(header):
            last = min(len(cells), len(header)) - 1
            raise ValueError(
                f'{who}, row {row}: {len(cells)} cells for the header\'s {len(header)} columns, after "{header[last]}" '
                + (
                    "some are missing"
                    if len(cells) < len(header)
                    else "there are more (quote a cell with commas in it)"
                )
            )
        for name, cell in zip(header, cells, strict=True):
            if not cell or (name != header[target] and _number(cell) is None):
                raise ValueError(f'{who}, row {row}, column "{name}": {_complaint(cell)}')
        labels[row] = cells.pop(target)
        X[row] = [float(cell) for cell in cells]
    if not body:
        raise ValueError(f"{who}: there is no row below the header")
    names = (*header[:target], *header[target + 1 :])
    return np.array(list(X.values())), _labels(labels, f"{who}, row", header[target]), names


def _rows(path: Path, who: str) -> dict[int, list[str]]:
    """The cells of every row that is not blank, by the number of the line it begins on."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")  # a byte-order mark, Excel's habit, is no part of the first name
    except UnicodeDecodeError as error:
        row = len((error.object[: error.start] + b".").splitlines())
        raise ValueError(f"{who}, row {row}: not UTF-8 text; save the file as CSV UTF-8") from error
    rows, row = {}, 1
    try:
        header = next(filter(str.strip, io.StringIO(text, newline="")), "")
        delimiter = max(",;\t", key=lambda d: len(next(csv.reader([header], delimiter=d), "")))
        lines = io.StringIO(text, newline="")
        reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                rows[row] = [cell.strip() for cell in cells]
            row = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{who}, row {row}: {error}; look for a quote that is not closed") from error
    if not rows:
        raise ValueError(f"{who}: the file is empty")
    return rows


def _check_header(header: list[str], body: list[list[str]], who: str) -> None:
    if len(header) < 2:
        raise ValueError(
            f'{who}: only one column, "{header[0]}"; wanted two or more between commas, semicolons or tabs'
        )
    if all(
        _number(name) is not None or any(cells[i : i + 1] == [name] for cells in body)
        for i, name in enumerate(header)
    ):  # numbers, or a label that comes again below
        raise ValueError(
            f'{who}: "{header[0]}", "{header[1]}" ... is data, not a header; put the columns\' names above it'
        )
    for column, name in enumerate(header, start=1):
        if not name:
            raise ValueError(f"{who}, column {column}: no name; name every column, or drop it")
        if (earlier := header.index(name) + 1) < column:
            raise ValueError(f'{who}: columns {earlier} and {column} are both named "{name}"; rename one')


def _label_column(header: list[str], label: str | None, who: str) -> int:
    if label is None:
        return len(header) - 1
    if label not in header:
        lower = {name.lower(): name for name in header}
        near = lower[get_close_matches(label.lower(), lower, n=1, cutoff=0.0)[0]]
        raise ValueError(f'{who}: no column is named label="{label}"; did you mean "{near}"?')
    return header.index(label)


def _labels(cells: dict[int, str], who: str, name: str) -> np.ndarray:
    numbers = {row: _number(cell) for row, cell in cells.items()}
    text = [row for row, number in numbers.items() if number is None]
    if 0 < len(text) < len(cells):
        raise ValueError(
            f'{who} {text[0]}, column "{name}": the label "{cells[text[0]]}" is not a number and others are; '
            "write all labels as numbers, or all as text"
        )
    return np.array(list(cells.values() if text else numbers.values()))


def _number(cell: str) -> float | None:
    """The number of ordinary size that a cell holds, if it does."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if abs(number) < LARGEST and "_" not in cell else None  # to Python, 1_000 is a number


def _complaint(cell: str) -> str:
    if not cell:
        return "the cell is empty; fill it in or drop the row"
    if cell.lower().lstrip("+-") in ("nan", "inf", "infinity") or cell.strip("+-.0123456789eE") == "":
        return f'"{cell}" is not a finite number below {LARGEST:g}; fill it in or drop the row'
    if _number(cell.replace(",", "")) is not None:
        return f'"{cell}" is not a number; write a point before decimals, and nothing between thousands'
    return f'"{cell}" is not a number; a feature must be one (code categories as 0, 1, ...), only the label may be text'
