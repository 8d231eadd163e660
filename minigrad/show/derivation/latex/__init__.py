"""LaTeX of a derivation: aligned equations in a textbook's notation, for LaTeX, MathJax and KaTeX alike.

Functions of arrays work element by element, and so do fractions and \\odot; a product of matrices has no
sign.  What is 1 where a condition holds is \\mathbf{1}: LaTeX has no \\mathbb{1}.

typesetting.py     parentheses and rows
equations.py       Equations: lines, names, numbers; how each function is written is entered there, by topic:

elementwise.py     functions that work element by element
conditions.py      conditions, and choices by them
sums.py            sums and their relatives
cross_entropy.py   t log a + (1 − t) log(1 − a)
arrays.py          products of matrices, shapes, parts of arrays, draws
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigrad.program.lines import Lines
from minigrad.show.derivation.latex import arrays, conditions, cross_entropy, elementwise, sums  # noqa: F401
from minigrad.show.derivation.latex.equations import Equations

__all__ = ["latex"]


def latex(lines: Lines, gradients: Mapping[int, Any]) -> str:
    """The lines of a derivation as one `aligned` environment, to be set in \\[ \\] or $$ $$.

    lines      of a program whose first output is the loss
    gradients  stamp of a value -> its gradient, as `gradients_as_graphs` gives them
    """
    return Equations(lines, gradients).text()
