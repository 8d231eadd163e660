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
    X, labels = [], {}
    for row, cells in body:
        if len(cells) != len(header):
            short = len(cells) < len(header)
            hint = f'nothing for "{header[len(cells)]}"' if short else "does a cell with commas need quotes?"
            raise ValueError(f"{who}, row {row}: {len(cells)} instead of {len(header)} cells; {hint}")
        for name, cell in zip(header, cells, strict=True):
            if not cell or (name != header[target] and not _is_usable(cell)):
                raise ValueError(f'{who}, row {row}, column "{name}": {_complaint(cell)}')
        labels[row] = cells.pop(target)
        X.append([float(cell) for cell in cells])
    if not X:
        raise ValueError(f"{who}: there is no row below the header")
    names = (*header[:target], *header[target + 1 :])
    return np.array(X), _numbers_or_text(labels, who, header[target]), names


def _rows(path: Path, who: str) -> dict[int, list[str]]:
    """The cells of every row that is not blank, by the number of the line on which it begins."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # Excel's byte-order mark is no part of the first name
    except UnicodeDecodeError as error:
        row = len((error.object[: error.start] + b".").splitlines())
        raise ValueError(f"{who}, row {row}: not UTF-8 text; save the file as CSV UTF-8") from error
    rows, row = {}, 1
    try:
        top = next(filter(str.strip, io.StringIO(text, newline="")), "")
        delimiter = max(",;\t", key=lambda d: len(next(csv.reader([top], delimiter=d), "")))
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
        )
        for cells in reader:
            if len(cells) > 1 or "".join(cells).strip():
                rows[row] = [cell.strip() for cell in cells]
            row = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{who}, row {row}: {error}; is a quote not closed?") from error
    if not rows:
        raise ValueError(f"{who}: the file is empty")
    return rows


def _check_header(header: list[str], body: list[list[str]], who: str) -> None:
    if len(header) < 2:
        raise ValueError(f'{who}: one column, "{header[0]}"; wanted more, between commas, semicolons or tabs')
    for i, name in enumerate(header):
        if _number(name) is None and all(cells[i : i + 1] != [name] for cells in body):
            break
    else:  # numbers only, or numbers and a label that comes again below
        raise ValueError(f'{who}: "{header[0]}", "{header[1]}" ... is data; put a header of names above it')
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


def _numbers_or_text(labels: dict[int, str], who: str, name: str) -> np.ndarray:
    text = [row for row, cell in labels.items() if not _is_usable(cell)]
    if 0 < len(text) < len(labels):
        raise ValueError(
            f'{who}, row {text[0]}, column "{name}": "{labels[text[0]]}" is not a number, other labels are; '
            "write all labels as numbers, or all as text"
        )
    return np.array(list(labels.values()), dtype=np.str_ if text else np.float64)


def _number(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)  # to Python, 1_000 is a number
    except ValueError:
        return None


def _is_usable(cell: str) -> bool:
    number = _number(cell)
    return number is not None and abs(number) < LARGEST  # nan is not


def _complaint(cell: str) -> str:
    if not cell:
        return "the cell is empty; fill it in or drop the row"
    if _number(cell) is not None:
        return f'"{cell}" is not a finite number below {LARGEST:g}; fill it in or drop the row'
    if _number(cell.replace(",", "")) is not None:
        return f'"{cell}" is not a number; write a point before decimals, and nothing between thousands'
    return f'"{cell}" is not a number; only labels may be text (write categories as 0, 1, ...)'
