"""The text of results.csv: as a sweep writes it, and as a spreadsheet saves it again."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from minigrad.experiments.sweep.grid import written

Row = tuple[str, ...]

_fewest_digits = 6
"""A spreadsheet shows no fewer digits of a number that has them; one with fewer is another number."""


def text_of(rows: Iterable[Sequence[str]]) -> str:
    r"""Rows as a sweep writes them.

    >>> text_of([("hidden", "seed"), ("(20, 3)", "0")])
    'hidden,seed\n"(20, 3)",0\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def rows_in(text: bytes, columns: Sequence[str]) -> dict[int, Row]:
    r"""The rows by their lines, each in the order of the columns.

    What follows the last end of line was torn by a kill.  But a \r, or a byte order mark, comes from another
    program, which has saved the whole.  Where cells are not separated by commas, numbers may have one.

    Raises:  ValueError, with what is wrong, if it is no such table.

    >>> rows_in(b"\xef\xbb\xbfseed;lambd;cost\r\n0;0,10;0,5\r\n;;", ["lambd", "seed", "cost"])
    {2: ('0.10', '0', '0.5')}
    """
    whole = text if b"\r" in text or text.startswith(b"\xef\xbb\xbf") else text[: text.rfind(b"\n") + 1]
    lines = whole.decode("utf-8-sig").splitlines()
    if not lines:
        return {}
    for separator in (",", ";", "\t"):
        rows = csv.reader(lines, delimiter=separator, strict=True)
        names = _trimmed(next(rows), len(columns))
        if sorted(names) == sorted(columns):
            found = dict(_in_order(rows, [names.index(name) for name in columns]))
            return found if separator == "," else _with_points(found)
    raise ValueError(f"its columns are {lines[0]}; wanted {','.join(columns)}")


def _in_order(rows: Any, order: Sequence[int]) -> Iterator[tuple[int, Row]]:
    """The rows that are not empty, with their lines."""
    for row in rows:
        if any(row):
            cells = _trimmed(row, len(order))
            if len(cells) != len(order):
                raise ValueError(f"line {rows.line_num} has {len(cells)} cells; wanted {len(order)}")
            yield rows.line_num, tuple(cells[i] for i in order)


def _trimmed(row: list[str], n: int) -> list[str]:
    """A row without the empty cells behind its n."""
    return row[:n] if not any(row[n:]) else row


_decimal_comma, _decimal_point = (re.compile(rf"-?\d*{mark}\d+(E[+-]?\d+)?", re.I) for mark in (",", r"\."))


def _with_points(rows: dict[int, Row]) -> dict[int, Row]:
    """Rows with decimal points in place of decimal commas; not if both are there: 1.000 may be a thousand."""
    with_comma, with_point = (
        [text for row in rows.values() for text in row if mark.fullmatch(text)]
        for mark in (_decimal_comma, _decimal_point)
    )
    if with_comma and with_point:
        raise ValueError(f"it has numbers as {with_comma[0]} and as {with_point[0]}")
    return {
        line: tuple(text.replace(",", ".") if _decimal_comma.fullmatch(text) else text for text in row)
        for line, row in rows.items()
    }


# ---- cells


def number(text: str) -> float | None:
    """A number; None if it is none.

    >>> number("0.10"), number("1E-05"), number("many")
    (0.1, 1e-05, None)
    """
    try:
        return float(text)
    except ValueError:
        return None


def recognized(text: str, values: Sequence[Any]) -> Any:
    """Which of the values a text is, if it is one of them only; else None.

    It may be written in another way, and be rounded, but not to fewer than six digits.

    >>> recognized("0.10", [0.1, 0.2]), recognized("0.333333333", [1 / 3, 1]), recognized("0.33", [1 / 3, 1])
    (0.1, 0.3333..., None)
    """
    for same in (_same_text, _same_number, _rounded):
        found = [value for value in values if same(text, value)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _same_text(text: str, value: Any) -> bool:
    return text == written(value) or (not isinstance(value, str) and text == written(value).upper())


def _same_number(text: str, value: Any) -> bool:
    return type(value) in (int, float) and number(text) == value


def _rounded(text: str, value: Any) -> bool:
    if type(value) is not float:
        return False
    try:
        digits = len(Decimal(text).as_tuple().digits)
    except InvalidOperation:
        return False
    return digits >= _fewest_digits and float(f"{value:.{digits - 1}e}") == number(text)
