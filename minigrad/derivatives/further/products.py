"""Products summed over axes: einsum, and what is one (tensordot, inner, vecdot ...); kron, cross, convolve.

einsum is linear in each of its factors, so that the gradient of one is an einsum of g and all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.shapes import method_of
from minigrad.other_arrays.foreign import beside, is_chunked
from minigrad.reading import describe
from minigrad.table import composition, derivative
from minigrad.tensor import answers, fixed, record

derivative(np.einsum, "*arrays, subscripts, *, optimize=False",
           arrays=lambda g, arrays, subscripts, optimize: _factors(g, arrays, subscripts, optimize),
           compute=lambda *arrays, subscripts, optimize: _summed(arrays, subscripts, optimize), linear=True)
derivative(np.convolve, "a, v, /, mode='full'",
           a=lambda g, a, v, mode: np.convolve(_in_full(g, a, v, mode), np.reshape(v, (-1,))[::-1], "valid"),
           v=lambda g, a, v, mode: np.convolve(_in_full(g, a, v, mode), np.reshape(a, (-1,))[::-1], "valid"),
           linear=True)


# ---- einsum


@composition(np.einsum)
def _einsum(*operands: Any, optimize: Any = False) -> Any:
    subscripts, arrays = _read(operands)
    return record(np.einsum, arrays, {"subscripts": subscripts, "optimize": fixed(optimize)})


def _read(operands: tuple) -> tuple[str, tuple]:
    """(subscripts with an output, arrays) of a call with subscripts first, or with its axes after each array.

    >>> _read(("ij, jk", 1, 2)), _read((1, [0, 0, ...], 2, [2], [2, ...]))
    (('ij,jk->ik', (1, 2)), ('aa...,b->b...', (1, 2)))
    """
    if isinstance(operands[0], str):
        text, arrays = operands[0].replace(" ", ""), operands[1:]
    else:
        terms, output = operands[1::2], operands[-1:] if len(operands) % 2 else ()
        numbers = sorted({axis for term in (*terms, *output) for axis in term if axis is not ...})
        few = len(numbers) <= len(ascii_lowercase)
        letters = ascii_lowercase if few else ascii_uppercase + ascii_lowercase
        said = {...: "...", **dict(zip(numbers, letters, strict=False))}
        sides = (",".join("".join(said[axis] for axis in term) for term in side) for side in (terms, output))
        text, arrays = "->".join(sides) if output else next(sides), operands[: len(operands) // 2 * 2 : 2]
    if "->" not in text:  # then it is summed over what comes twice
        axes = text.replace(",", "").replace(".", "")
        once = sorted(axis for axis in axes if axes.count(axis) == 1)
        text = f"{text}->{'...' * ('...' in text)}{''.join(once)}"
    return text, arrays


def _summed(arrays: tuple, subscripts: str, optimize: Any) -> Any:
    try:
        return np.einsum(subscripts, *_cut_alike(subscripts, arrays), optimize=optimize)
    except ValueError as error:
        raise ValueError(_mismatch(subscripts, arrays) or str(error)) from error


def _cut_alike(subscripts: str, arrays: tuple) -> tuple:
    """Axes with the same letter in one factor must be cut alike where Dask cuts them: they are made whole."""
    if not any(map(is_chunked, arrays)):
        return arrays
    terms, _ = _spelt_out(subscripts, arrays)
    return tuple(
        x.rechunk({i: -1 for i, axis in enumerate(term) if term.count(axis) > 1}) if is_chunked(x) else x
        for x, term in zip(arrays, terms, strict=True)
    )


def _mismatch(subscripts: str, arrays: tuple) -> str:
    """Which axis has two lengths, if that is what is wrong."""
    terms, _ = _spelt_out(subscripts, arrays)
    if list(map(len, terms)) != list(map(np.ndim, arrays)):
        return ""
    first: dict[str, tuple[int, int]] = {}
    for i, (term, x) in enumerate(zip(terms, arrays, strict=True), 1):
        for axis, n in zip(term, np.shape(x), strict=True):
            k, known = first.setdefault(axis, (i, n))
            if n != known and 1 not in (n, known):
                return f"axis {axis} is {known} long in factor {k} and {n} in factor {i}"
    return ""


def _spelt_out(subscripts: str, arrays: Sequence) -> tuple[list[str], str]:
    """The letters of each factor and of the result, with letters for what the dots stand for.

    >>> _spelt_out("...ij,...j->...i", [np.ones((5, 4, 2, 3)), np.ones((4, 3))])
    (['abij', 'bj'], 'abi')
    """
    inputs, _, output = subscripts.partition("->")
    terms = inputs.split(",")
    counts = [np.ndim(x) - len(term.replace("...", "")) for term, x in zip(terms, arrays, strict=False)]
    most = max((n for n, term in zip(counts, terms, strict=False) if "..." in term), default=0)
    free = "".join(c for c in ascii_letters if c not in subscripts)[: max(most, 0)]
    dots = [free[len(free) - max(n, 0) :] for n in counts]
    return [term.replace("...", d) for term, d in zip(terms, dots, strict=False)], output.replace("...", free)


class _Each(Sequence):
    """A list whose entries are computed when they are asked for: of a factor without a gradient, none is."""

    def __init__(self, entry: Callable[[int], Any], length: int) -> None:
        self._entry, self._length = entry, length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, i: Any) -> Any:
        if not 0 <= i < self._length:
            raise IndexError(i)
        return self._entry(i)


def _factors(g: Any, arrays: Sequence, subscripts: str, optimize: Any) -> Sequence:
    """For each factor the einsum of g with all the others."""
    terms, output = _spelt_out(subscripts, arrays)
    optimize = optimize if isinstance(optimize, bool | str) else True  # a path is for these factors alone

    def factor(i: int) -> Any:
        own = "".join(dict.fromkeys(terms[i]))
        others = [output, *terms[:i], *terms[i + 1 :]]
        kept = [axis for axis in own if axis in "".join(others)]
        text = f"{','.join(others)}->{''.join(kept)}"
        d = np.einsum(text, g, *arrays[:i], *arrays[i + 1 :], optimize=optimize)
        if len(kept) < len(own):  # summed in this factor alone: the same all along the axis
            d = np.expand_dims(d, tuple(k for k, axis in enumerate(own) if axis not in kept))
        return d if own == terms[i] else _on_diagonal(d, own, terms[i], arrays[i].shape)

    return _Each(factor, len(arrays))


def _on_diagonal(d: Any, own: str, term: str, shape: tuple[int, ...]) -> Any:
    """d (..., i, ...) as (..., i, i, ...), 0 off the diagonal: the transpose of reading i twice."""
    free = iter(c for c in ascii_letters if c not in term)
    seen, axes, units = set(), [], []
    for axis, n in zip(term, shape, strict=True):
        axes.append(next(free) if axis in seen else axis)
        if axis in seen:
            units.append((axis + axes[-1], beside(np.eye(n, dtype=d.dtype), d)))
        seen.add(axis)
    letters, identities = zip(*units, strict=True)
    return np.einsum(f"{','.join([own, *letters])}->{''.join(axes)}", d, *identities)


# ---- what is an einsum


@composition(np.tensordot, np.linalg.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    n, m = np.ndim(a), np.ndim(b)
    left, right = (range(n - axes, n), range(axes)) if np.ndim(axes) == 0 else axes
    return _contracted("tensordot", a, b, normalize_axis_tuple(left, n), normalize_axis_tuple(right, m))


@composition(np.inner)
def _inner(a: Any, b: Any) -> Any:
    n, m = np.ndim(a), np.ndim(b)
    return np.multiply(a, b) if 0 in (n, m) else _contracted("inner", a, b, [n - 1], [m - 1])


def _contracted(name: str, a: Any, b: Any, left: Any, right: Any) -> Any:
    """Σ over pairs of axes, one of a and one of b; what is left of a comes first."""
    _check(name, a, b, left, right)
    n = np.ndim(a)
    of_a, of_b = list(ascii_letters[:n]), list(ascii_letters[n : n + np.ndim(b)])
    for i, j in zip(left, right, strict=True):
        of_b[j] = of_a[i]
    left_over = [axis for axis in (*of_a, *of_b) if (axis in of_a) != (axis in of_b)]
    return np.einsum(f"{''.join(of_a)},{''.join(of_b)}->{''.join(left_over)}", a, b, optimize=True)


def _check(name: str, a: Any, b: Any, left: Any, right: Any) -> None:
    """Raise unless these axes of a and b are there, and are equally long, axis by axis."""
    lengths = [[n for i in axes for n in np.shape(x)[i:][:1]] for x, axes in ((a, left), (b, right))]
    if lengths[0] != lengths[1] or len(lengths[0]) < len(left):
        raise ValueError(
            f"{name}: {_described(a)} and {_described(b)}: the axes that are summed over together are "
            f"{lengths[0]} and {lengths[1]} long; they must agree"
        )


@composition(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return np.matmul(_conjugate(np.ravel(a)), np.ravel(b))


@composition(np.vecdot, np.linalg.vecdot)
def _vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = (_moved(x, axis, -1) for x in (x1, x2))
    _check("vecdot", x1, x2, [-1], [-1])
    return np.einsum("...i,...i->...", _conjugate(x1), x2)


def _matvec(x1: Any, x2: Any, /) -> Any:
    _check("matvec", x1, x2, [-1], [-1])
    return np.einsum("...ij,...j->...i", x1, x2, optimize=True)


def _vecmat(x1: Any, x2: Any, /) -> Any:
    _check("vecmat", x1, x2, [-1], [-2])
    return np.einsum("...i,...ij->...j", _conjugate(x1), x2, optimize=True)


if hasattr(np, "matvec"):  # since NumPy 2.2
    composition(np.matvec)(_matvec)
    composition(np.vecmat)(_vecmat)


@composition(np.linalg.diagonal)
def _diagonal(x: Any, /, *, offset: int = 0) -> Any:
    if np.ndim(x) < 2:
        raise ValueError(f"linalg.diagonal: {_described(x)} has no diagonal; wanted two axes at least")
    down, right = max(-offset, 0), max(offset, 0)
    n = max(min(x.shape[-2] - down, x.shape[-1] - right), 0)
    return np.einsum("...ii->...i", x[..., down : down + n, right : right + n])


@composition(np.linalg.trace)
def _trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    diagonal = _diagonal(x, offset=offset)
    return np.sum(diagonal if dtype is None else diagonal.astype(dtype), axis=-1)


def _conjugate(x: Any) -> Any:
    return np.conjugate(x) if method_of(x).dtype.kind == "c" else x


def _moved(x: Any, source: int, destination: int) -> Any:
    """One axis moved, the others in their order."""
    n = np.ndim(x)
    axes = [i for i in range(n) if i != normalize_axis_index(source, n)]
    axes.insert(normalize_axis_index(destination, n), source % n)
    return method_of(x) if axes == list(range(n)) else np.transpose(x, axes)


def _described(x: Any) -> str:
    return describe(x) if hasattr(x, "stamp") else f"an array {np.shape(x)}"


# ---- other products


@composition(np.linalg.matmul)
def _matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@composition(np.linalg.outer)
def _outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer: {_described(x1)} and {_described(x2)}: both must have one axis")
    return np.outer(x1, x2)


@composition(np.kron)
def _kron(a: Any, b: Any) -> Any:
    n = max(np.ndim(a), np.ndim(b))
    rows, columns = ((1,) * (n - np.ndim(x)) + np.shape(x) for x in (a, b))
    a = np.reshape(a, [k for i in rows for k in (i, 1)])
    b = np.reshape(b, [k for j in columns for k in (1, j)])
    return np.reshape(a * b, tuple(i * j for i, j in zip(rows, columns, strict=True)))


@composition(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = _moved(a, axisa, -1), _moved(b, axisb, -1)
    if (a.shape[-1], b.shape[-1]) != (3, 3):
        raise ValueError(
            f"cross: {_described(a)} and {_described(b)}: the vectors must have 3 elements; for two of 2, "
            "a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]"
        )
    after, before = [1, 2, 0], [2, 0, 1]
    return _moved(a[..., after] * b[..., before] - a[..., before] * b[..., after], -1, axisc)


@composition(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return _cross(x1, x2, axis=axis)


# ---- convolve and correlate


@composition(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """y[k] = Σ a[n + k] v̄[n]:  a convolution with v turned round; of a longer v, NumPy turns the result."""
    if _size(a) < _size(v):
        return _conjugate(np.convolve(v, _conjugate(np.reshape(a, (-1,))[::-1]), mode))[::-1]
    return np.convolve(a, _conjugate(np.reshape(v, (-1,))[::-1]), mode)


def _in_full(g: Any, a: Any, v: Any, mode: Any) -> Any:
    """g where it stands among all places in which a and v meet; 0 at those that the mode leaves out."""
    mode = mode if isinstance(mode, str) else ("valid", "same", "full")[mode]
    n, least = _size(a) + _size(v) - 1, min(_size(a), _size(v))
    left_out = {"full": 0, "same": (least - 1) // 2, "valid": least - 1}[mode]
    return g if mode == "full" else scatter_add(g, index=slice(left_out, left_out + g.size), shape=(n,))


def _size(x: Any) -> int:
    return prod(np.shape(x))


answers.add(np.einsum_path)
