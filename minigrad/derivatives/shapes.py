"""The same elements in another shape, order or dtype."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import reshape
from minigrad.table import composition, derivative
from minigrad.tensor import Tensor, plain

derivative(np.transpose,    "a, /, axes=None", linear=True,
                            a=lambda g, axes: g.T if axes is None else np.transpose(g, inverse(axes)),
                            compute=lambda a, axes: method_of(a).T if axes is None else a.transpose(axes))
derivative(np.swapaxes,     "a, /, axis1, axis2", a=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2),
                            linear=True)
derivative(np.reshape,      "a, /, shape, order='C'",
                            a=lambda g, a, order: reshape(g, a.shape, order), linear=True,
                            compute=lambda a, shape, order: reshape(a, shape, _definite(order)))
derivative(np.ravel,        "a, /, order='C'", a=lambda g, a, order: reshape(g, a.shape, order), linear=True,
                            compute=lambda a, order: reshape(a, (-1,), _definite(order)))
derivative(np.expand_dims,  "a, /, axis", a=lambda g, a: np.reshape(g, a.shape), linear=True)
derivative(np.squeeze,      "a, /, axis=None", a=lambda g, a: np.reshape(g, a.shape), linear=True)
derivative(np.broadcast_to, "a, /, shape", a=lambda g: g, linear=True)
derivative(np.astype,       "a, /, dtype", a=lambda g: g, linear=True,
                            compute=lambda a, dtype: method_of(a).astype(dtype))
derivative(np.concatenate,  "*arrays, axis=0", arrays=lambda g, arrays, axis: _parts(g, arrays, axis))
derivative(np.stack,        "*arrays, axis=0", arrays=lambda g, axis: _slices(g, axis))


@composition(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None) -> Any:
    shape, dtype = np.shape(a) if shape is None else shape, dtype or a.dtype
    if isinstance(fill_value, Tensor):
        return np.broadcast_to(fill_value.astype(dtype), shape)
    return np.full_like(plain(a), fill_value, dtype, shape=shape)


@composition(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    n = ary.shape[axis]
    if isinstance(indices_or_sections, int | np.integer):
        if n % indices_or_sections:
            raise ValueError(f"np.split: {n} along axis {axis} is no multiple of {indices_or_sections}")
        step = n // indices_or_sections
        indices_or_sections = range(step, n, step)
    bounds = [0, *indices_or_sections, n]
    return [ary[at(slice(*pair), axis, ary.ndim)] for pair in pairwise(bounds)]


def method_of(a: Any) -> Any:
    """The array itself, whose method costs half of what the NumPy function does; a number as an array."""
    return a if hasattr(a, "dtype") else np.asarray(a)


def _definite(order: Any) -> Any:
    """The order of a reshape: 'C' or 'F'; 'A' and 'K' follow the memory, which may not be the gradient's."""
    if order not in ("C", "F"):
        raise ValueError(f"order={order!r} depends on how an array lies in memory; give order='C' or 'F'")
    return order


def inverse(axes: Any) -> tuple[int, ...] | None:
    """The permutation that undoes a transposition."""
    return None if axes is None else tuple(np.argsort([axis % len(axes) for axis in axes]).tolist())


def _parts(g: Any, arrays: Any, axis: int | None) -> list[Any]:
    """The pieces of g that belong to each of the concatenated arrays."""
    bounds = [0, *accumulate(x.size if axis is None else x.shape[axis] for x in arrays)]
    parts = [g[at(slice(*pair), axis or 0, g.ndim)] for pair in pairwise(bounds)]
    return parts if axis is not None else [np.reshape(d, x.shape) for d, x in zip(parts, arrays, strict=True)]


def _slices(g: Any, axis: int) -> list[Any]:
    """The slices of g along an axis, without that axis."""
    return [g[at(i, axis, g.ndim)] for i in range(g.shape[axis])]


def at(index: Any, axis: int, ndim: int) -> tuple:
    """The index that takes `index` along one axis and all of the axes before it."""
    return (*(slice(None),) * (axis % ndim), index)
