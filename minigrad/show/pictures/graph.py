"""Graph: a picture of a computation graph, as a file or in a notebook."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

from minigrad.show.pictures.rendering import inline_svg, render, save


class Graph:
    """A picture of a computation graph: `.dot` is its text, `.save("graph.svg")` makes a file of it.

    A notebook shows it, with a tooltip on everything in it.
    """

    def __init__(self, dot: str, title: str, counts: tuple[int, int]) -> None:
        self.dot = dot
        self.title = title
        self._counts = counts

    def svg(self) -> str:
        """The picture as the text of an SVG file.

        Raises: NoRenderer, which says what to install.
        """
        return render(self.dot, "svg").decode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a .svg, .png or .pdf file, or the text to a .dot file.

        Raises: ValueError for another suffix; NoRenderer, which says what to install and where the text is.
        """
        return save(self.dot, path)

    def __repr__(self) -> str:
        return f'Graph: {size_of(*self._counts)}; .save("graph.svg") draws it'

    def _repr_html_(self) -> str:
        try:
            svg = inline_svg(self.dot, title=self.title)
        except Exception as error:  # showing must not fail in a notebook: there is the text
            return f"<p>{escape(str(error))}</p>\n<pre>{escape(self.dot)}</pre>"
        return f'<div style="overflow-x: auto">{svg}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


def size_of(operations: int, leaves: int) -> str:
    """How large a graph is, in words.

    >>> size_of(33, 1)
    '33 operations, 1 leaf'
    """
    return (
        f"{operations:,} operation{'s' * (operations != 1)}, {leaves:,} {'leaf' if leaves == 1 else 'leaves'}"
    )
