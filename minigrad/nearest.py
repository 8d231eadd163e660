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
    base, _, last = name.rpartition(".")
    if last == "outer" and base in names:
        return f"The nearest that have one: {base}(x[:, None], y). "
    for kind, (patterns, nearest) in of_kind.items():
        if any(fnmatchcase(name, pattern) for pattern in patterns.split()):
            return f"Nothing near it has one; the nearest among {kind}: {', '.join(nearest.split())}. "
    alike = [f"np.{match}" for match in get_close_matches(last, [n[3:] for n in names], cutoff=0.9)]
    return f"The nearest that have one: {', '.join(alike)}. " if alike else ""


written = {
    # elements
    "np.arccos": "np.pi / 2 - np.arctan(x / np.sqrt(1 - x * x))",
    "np.arccosh": "np.log(x + np.sqrt(x * x - 1))",
    "np.arcsin": "np.arctan(x / np.sqrt(1 - x * x))",
    "np.arcsinh": "np.log(x + np.sqrt(x * x + 1))",
    "np.arctan2": "2 * np.arctan(x / (np.sqrt(x * x + y * y) + y))",
    "np.arctanh": "np.log((1 + x) / (1 - x)) / 2",
    "np.cbrt": "np.sign(x) * np.absolute(x) ** (1 / 3)",
    "np.copy": "np.positive(x)",
    "np.copysign": "np.absolute(x) * np.where(y < 0, -1, 1)",
    "np.deg2rad": "x * (np.pi / 180)",
    "np.degrees": "x * (180 / np.pi)",
    "np.divmod": "np.floor_divide(x, y), np.remainder(x, y)",
    "np.exp2": "2.0 ** x",
    "np.fabs": "np.absolute(x)",
    "np.fix": "np.trunc(x)",
    "np.float_power": "x ** y",
    "np.fmax": "np.maximum(x, y)",
    "np.fmin": "np.minimum(x, y)",
    "np.fmod": "x - y * np.trunc(x / y)",
    "np.hypot": "np.sqrt(x * x + y * y)",
    "np.ldexp": "x * 2.0 ** n",
    "np.logaddexp": "mg.logsumexp(np.stack([x, y]), axis=0)",
    "np.logaddexp2": "np.log2(2.0 ** x + 2.0 ** y)",
    "np.modf": "x - np.trunc(x), np.trunc(x)",
    "np.nan_to_num": "np.where(np.isnan(x), 0, x)",
    "np.rad2deg": "x * (180 / np.pi)",
    "np.radians": "x * (np.pi / 180)",
    "np.reciprocal": "1 / x",
    "np.sinc": "np.sin(np.pi * x) / (np.pi * x)",
    "exp10": "10.0 ** x",
    "expit": "mg.sigmoid(x)",
    "log_expit": "-mg.softplus(-x)",
    "logit": "np.log(x / (1 - x))",
    "xlog1py": "x * np.log1p(y)",
    "xlogy": "x * np.log(y)",
    # reductions and sums
    "np.add.accumulate": "np.tri(len(x)) @ x",
    "np.add.reduce": "np.sum(x, axis=0)",
    "np.average": "np.mean(x * w) / np.mean(w)",
    "np.bincount": "(np.arange(n)[:, None] == i) @ w",
    "np.cumprod": "np.exp(np.tri(len(x)) @ np.log(x)), where x > 0",
    "np.cumsum": "np.tri(len(x)) @ x",
    "np.cumulative_prod": "np.exp(np.tri(len(x)) @ np.log(x)), where x > 0",
    "np.cumulative_sum": "np.tri(len(x)) @ x",
    "np.diff": "x[1:] - x[:-1]",
    "np.ediff1d": "x[1:] - x[:-1]",
    "np.gradient": "np.concatenate([x[1:2] - x[:1], (x[2:] - x[:-2]) / 2, x[-1:] - x[-2:-1]])",
    "np.maximum.reduce": "np.max(x, axis=0)",
    "np.median": "np.mean(x[np.argsort(x)][(len(x) - 1) // 2 : len(x) // 2 + 1])",
    "np.minimum.reduce": "np.min(x, axis=0)",
    "np.multiply.reduce": "np.prod(x, axis=0)",
    "np.nancumprod": "np.exp(np.tri(len(x)) @ np.log(np.where(np.isnan(x), 1, x))), where x > 0",
    "np.nancumsum": "np.tri(len(x)) @ np.where(np.isnan(x), 0, x)",
    "np.nanmax": "np.max(x[~np.isnan(x)])",
    "np.nanmean": "np.mean(x[~np.isnan(x)])",
    "np.nanmin": "np.min(x[~np.isnan(x)])",
    "np.nanprod": "np.prod(x[~np.isnan(x)])",
    "np.nanstd": "np.std(x[~np.isnan(x)])",
    "np.nansum": "np.sum(x[~np.isnan(x)])",
    "np.nanvar": "np.var(x[~np.isnan(x)])",
    "np.ptp": "np.max(x) - np.min(x)",
    "np.trace": "np.sum(x * np.eye(len(x)))",
    "np.trapezoid": "np.sum(x[1:] + x[:-1]) / 2",
    # products of vectors and matrices
    "np.multiply.outer": "np.outer(x, y)",
    "np.polyadd": "x + y",
    "np.polyder": "x[:-1] * np.arange(len(x) - 1, 0, -1)",
    "np.polyint": "np.concatenate([x / np.arange(len(x), 0, -1), [0]])",
    "np.polysub": "x - y",
    "np.polyval": "np.sum(x * y ** np.arange(len(x))[::-1])",
    "np.vander": "x[:, None] ** np.arange(len(x))[::-1]",
    # shapes, places and choices
    "np.append": "np.concatenate([x, y])",
    "np.apply_along_axis": "np.stack([f(row) for row in x])",
    "np.array_split": "np.split(x, n)",
    "np.around": "np.round(x)",
    "np.atleast_1d": "x[None]",
    "np.atleast_2d": "x[None]",
    "np.atleast_3d": "x[..., None]",
    "np.block": "np.concatenate([x, y], axis=-1)",
    "np.broadcast_arrays": "np.broadcast_to(x, shape), np.broadcast_to(y, shape)",
    "np.choose": "np.where(c, y, x)",
    "np.column_stack": "np.stack([x, y], axis=1)",
    "np.compress": "x[c]",
    "np.delete": "np.concatenate([x[:n], x[n + 1 :]])",
    "np.diag": "x * np.eye(len(x)), or x[np.arange(len(x)), np.arange(len(x))] of a matrix",
    "np.diagflat": "x * np.eye(len(x))",
    "np.diagonal": "x[np.arange(len(x)), np.arange(len(x))]",
    "np.dsplit": "np.split(x, n, axis=2)",
    "np.dstack": "np.stack([x, y], axis=2)",
    "np.extract": "x[c]",
    "np.flip": "x[::-1]",
    "np.fliplr": "x[:, ::-1]",
    "np.flipud": "x[::-1]",
    "np.geomspace": "x * (y / x) ** np.linspace(0, 1, n)",
    "np.hsplit": "np.split(x, n, axis=1)",
    "np.hstack": "np.concatenate([x, y], axis=1)",
    "np.insert": "np.concatenate([x[:n], y[None], x[n:]])",
    "np.linalg.matrix_transpose": "np.matrix_transpose(x)",
    "np.linspace": "x + (y - x) * np.linspace(0, 1, n)",
    "np.logspace": "10 ** (x + (y - x) * np.linspace(0, 1, n))",
    "np.meshgrid": "np.broadcast_to(x, (len(y), len(x))), np.broadcast_to(y[:, None], (len(y), len(x)))",
    "np.moveaxis": "np.transpose(x, axes)",
    "np.pad": "np.concatenate([np.zeros(n), x, np.zeros(n)])",
    "np.partition": "x[np.argsort(x)]",
    "np.piecewise": "np.where(c, x, y)",
    "np.repeat": "x[np.repeat(np.arange(len(x)), n)]",
    "np.roll": "np.concatenate([x[-n:], x[:-n]])",
    "np.rollaxis": "np.transpose(x, axes)",
    "np.rot90": "x.T[::-1]",
    "np.select": "np.where(c, x, y)",
    "np.sort": "x[np.argsort(x)]",
    "np.take": "x[i]",
    "np.take_along_axis": "x[np.arange(len(x))[:, None], i]",
    "np.tile": "np.concatenate([x] * n)",
    "np.tril": "x * np.tri(*x.shape)",
    "np.triu": "x * np.tri(*x.shape).T",
    "np.unstack": "[x[i] for i in range(len(x))]",
    "np.vsplit": "np.split(x, n, axis=0)",
    "np.vstack": "np.concatenate([x, y], axis=0)",
}
"""NumPy's functions without a row (and some of SciPy's), and how to write them with those that have one.

x, y         arrays, in the order in which the function takes them
w, c, i      weights, a condition and an index, fixed
n, f         a whole number and a function
shape, axes  of the result
"""

of_kind = {
    "reductions": (
        "np.apply_over_axes np.corrcoef np.cov np.nanmedian np.nanpercentile np.nanquantile np.percentile "
        "np.quantile np.*.accumulate np.*.reduce np.*.reduceat",
        "np.sum np.mean np.var np.std np.max np.min np.prod",
    ),
    "products": (
        "np.polymul",
        "np.matmul np.einsum np.convolve",
    ),
    "element-wise functions": (
        "np.i0 np.interp np.unwrap",
        "np.power np.exp np.log np.tanh np.where",
    ),
    "functions of shape": (
        "np.resize np.sort_complex np.trim_zeros",
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
