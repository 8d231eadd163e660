"""What a notebook shows: equations beside their source, and tables, as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def notebook_page(mathematics: str, source: str) -> str:
    """HTML with equations, which MathJax or KaTeX typesets, and beside them the NumPy text of the same."""
    column = "overflow-x: auto; flex: 1 1 30em; min-width: 0"
    return (
        '<div style="display: flex; flex-wrap: wrap; gap: 1em; align-items: flex-start">\n'
        f'<div style="{column}">$$\n{escape(mathematics, quote=False)}\n$$</div>\n'
        f'<pre style="{column}">{escape(source, quote=False)}</pre>\n'
        "</div>"
    )


def html_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text as a table, the first row its head: text on the left, numbers to its right.

    >>> html_table([("name", "norm"), ("W < b", "3")]).count("<tr>")
    2
    """
    made = []
    for i, row in enumerate(rows):
        tag = "td" if i else "th"
        cells = [f'<{tag} style="text-align: left; white-space: pre-wrap">{escape(row[0])}</{tag}>']
        cells += [f'<{tag} style="text-align: right">{escape(cell)}</{tag}>' for cell in row[1:]]
        made.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(made)}</table>"
