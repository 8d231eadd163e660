"""Why a NumPy function has no derivative here, and what comes nearest to another library's."""

from __future__ import annotations

from types import FrameType

import numpy as np

reasons: dict[str, str] = {
    "it changes an array in place, and a graph uses its old values; np.where makes a new one": (
        "np.copyto np.fill_diagonal np.place np.put np.put_along_axis np.putmask"
    ),
    "it makes a NumPy array, which has no graph; np.stack makes a Tensor of several": (
        "np.array np.asanyarray np.asarray np.asarray_chkfinite np.ascontiguousarray np.asfortranarray "
        "np.asmatrix np.bmat np.require np.from_dlpack np.frombuffer np.matrix"
    ),
    "it makes a NumPy array, which has no graph; np.broadcast_to repeats a Tensor": "np.full",
    "it reads numbers, as float(t) does: it raises inside a transform, and elsewhere it gives them": (
        "np.fromiter"
    ),
    "which elements are left, and how many, depends on the values; np.sort keeps all of them": (
        "np.intersect1d np.setdiff1d np.setxor1d np.union1d np.unique_all np.unique_counts "
        "np.unique_inverse np.unique_values"
    ),
    "it counts, and counts are piecewise constant; np.bincount has weights": (
        "np.histogram np.histogram2d np.histogram_bin_edges np.histogramdd"
    ),
    "it is of whole numbers": (
        "np.bitwise_count np.bitwise_left_shift np.bitwise_right_shift np.gcd np.lcm np.left_shift "
        "np.right_shift np.packbits np.unpackbits np.ix_"
    ),
    "it calls a function of numbers on each element or row; apply it to the whole, or stack what it gives": (
        "np.apply_along_axis np.apply_over_axes np.frompyfunc np.fromfunction np.nested_iters np.vectorize"
    ),
    "it drops leading zeros by value; np.linalg.eigvals has a row": "np.roots",
    "complex numbers have no order": "np.sort_complex",
    "it is deprecated; it warns, and calls np.vstack, which is supported": "np.row_stack",
    "its result is of another kind than numbers": (
        "np.datetime_as_string np.isnat np.is_busday "
        "np.busday_count np.busday_offset np.format_float_positional np.format_float_scientific "
        "np.base_repr np.binary_repr"
    ),
    "it writes a file": "np.save np.savetxt np.savez np.savez_compressed",
}
"""Reason -> the functions that it is for, by name."""

_of_no_arrays = """
np.arange np.bartlett np.blackman np.broadcast_shapes np.datetime_data np.diag_indices np.empty
np.eye np.fromfile np.fromregex np.fromstring np.genfromtxt np.get_include np.get_printoptions
np.getbufsize np.geterr np.geterrcall np.hamming np.hanning np.identity np.indices np.info
np.isdtype np.isfortran np.isscalar np.issubdtype np.iterable np.kaiser np.load np.loadtxt
np.mask_indices np.mintypecode np.ones np.printoptions np.promote_types np.set_printoptions
np.setbufsize np.seterr np.seterrcall np.show_config np.show_runtime np.test np.tri
np.tril_indices np.triu_indices np.typename np.zeros np.fft.fftfreq np.fft.rfftfreq
"""

of_no_arrays = frozenset(_of_no_arrays.split())
"""What makes arrays of shapes and numbers, or is about types, files and settings."""

_reason_of = {name: reason for reason, names in reasons.items() for name in names.split()}


def reason(name: str) -> str:
    """Why a function of this name, or a ufunc's method, has no derivative here; "" if nothing is known.

    >>> reason("np.roots"), reason("np.gcd.reduce")
    ('it drops leading zeros by value; np.linalg.eigvals has a row', 'it is of whole numbers')
    """
    if name.endswith(" (vectorized)"):  # as np.frompyfunc calls what it makes
        name = "np.frompyfunc"
    of_ufunc, _, method = name.rpartition(".")
    return _reason_of.get("np.put" if method == "at" else name, "") or _reason_of.get(of_ufunc, "")


def no_array(who: str, tensor: str) -> str:
    """Why no array is made of a Tensor that needs a gradient, and what to do.

    who  what would take the array: a function of NumPy's, or how it was asked for
    """
    why = reason(who) or reason("np.asarray")
    return f"{who}: an array of {tensor} would lose its gradient: {why}; use t.detach() where none is wanted"


def called_in(frame: FrameType | None) -> str:
    """The function of NumPy's in whose code the frame is, by the name that was called; or ""."""
    name = ""
    while frame and frame.f_globals.get("__name__", "").startswith(_of_np):
        name, frame = frame.f_code.co_qualname.partition(".")[0], frame.f_back
    return f"np.{name}" if hasattr(np, name) else ""


_of_np = ("numpy._core.", "numpy.lib.", "numpy.matrixlib.")
"""Modules in which the functions called np.something are written."""

written = {
    "exp10": "10.0 ** x",
    "expit": "mg.sigmoid(x)",
    "log_expit": "-mg.softplus(-x)",
    "logit": "np.log(x / (1 - x))",
    "xlog1py": "x * np.log1p(y)",
    "xlogy": "x * np.log(y)",
}
"""SciPy's functions, and how to write them with those that have a derivative."""


def nearest(name: str, known: list[str]) -> str:
    """How to write another library's function, or which of those that are known is spelt nearly so.

    >>> nearest("expit", ["np.exp"]), nearest("log1p", ["np.log1p"])
    ('The nearest that have one: mg.sigmoid(x). ', 'The nearest that have one: np.log1p. ')
    """
    from difflib import get_close_matches  # which few ever need

    alike = [f"np.{match}" for match in get_close_matches(name, [n[3:] for n in known], cutoff=0.9)]
    found = written.get(name) or ", ".join(alike)
    return f"The nearest that have one: {found}. " if found else ""
