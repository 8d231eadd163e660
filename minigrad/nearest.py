"""What comes nearest to a NumPy function that has no derivative here, written with those that have one."""

from __future__ import annotations

from difflib import get_close_matches
from fnmatch import fnmatchcase

from minigrad.table import compositions, name_of, table


def nearest(name: str) -> str:
    """How to write a function with those that have a derivative, or which of its kind or spelling have one.

    >>> nearest("log_expit")
    'The nearest that have one: -mg.softplus(-x). '
    """
    if name in written:
        return f"The nearest that have one: {written[name]}. "
    rows = [row.function for row in table.values() if not row.constant]
    names = [known for known in map(name_of, (*rows, *compositions)) if known.startswith("np.")]
    last = name.rpartition(".")[2]
    for kind, (patterns, nearest) in of_kind.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns.split()):
            return f"Nothing near it has one; the nearest among {kind}: {', '.join(nearest.split())}. "
    alike = [f"np.{match}" for match in get_close_matches(last, [n[3:] for n in names], cutoff=0.9)]
    return f"The nearest that have one: {', '.join(alike)}. " if alike else ""


written = {
    # elements
    "exp10": "10.0 ** x",
    "expit": "mg.sigmoid(x)",
    "log_expit": "-mg.softplus(-x)",
    "logit": "np.log(x / (1 - x))",
    "xlog1py": "x * np.log1p(y)",
    "xlogy": "x * np.log(y)",
    # reductions and sums
    "np.bincount": "(np.arange(n)[:, None] == i) @ w",
    # products of vectors and matrices
    "np.polyadd": "x + y",
    "np.polyder": "x[:-1] * np.arange(len(x) - 1, 0, -1)",
    "np.polyint": "np.concatenate([x / np.arange(len(x), 0, -1), [0]])",
    "np.polysub": "x - y",
    "np.polyval": "np.sum(x * y ** np.arange(len(x))[::-1])",
    "np.vander": "x[:, None] ** np.arange(len(x))[::-1]",
    # shapes, places and choices
    "np.apply_along_axis": "np.stack([f(row) for row in x])",
    "np.geomspace": "x * (y / x) ** np.linspace(0, 1, n)",
    "np.linalg.matrix_transpose": "np.matrix_transpose(x)",
    "np.linspace": "x + (y - x) * np.linspace(0, 1, n)",
    "np.logspace": "10 ** (x + (y - x) * np.linspace(0, 1, n))",
}
"""NumPy's functions without a row (and some of SciPy's), and how to write them with those that have one.

x, y     arrays, in the order in which the function takes them
w, c, i  weights, a condition and an index, fixed
n, f     a whole number and a function
"""

of_kind = {
    "reductions": (
        "np.apply_over_axes np.*.accumulate np.*.reduce np.*.reduceat",
        "np.sum np.mean np.var np.std np.max np.min np.prod",
    ),
    "products": (
        "np.polymul",
        "np.matmul np.einsum np.convolve",
    ),
    "functions of shape": (
        "np.sort_complex",
        "np.reshape np.transpose np.broadcast_to np.concatenate np.stack",
    ),
    "functions that make a new array": (
        "np.copyto np.fill_diagonal np.place np.put np.put_along_axis np.putmask np.*.at",
        "np.where np.concatenate np.stack",
    ),
}
"""Functions (or patterns of names) that cannot be written in one line, and the nearest of the same kind.

For what is in neither table nothing is near, or a gradient makes no sense (np.searchsorted, np.save ...).
"""
