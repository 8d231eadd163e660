"""Fourier transforms: their matrices are symmetric, so that, but for lengths, each is its own transpose.

Only transforms along one axis have rows; those along several are compositions of them, in NumPy's order.
`import numpy` leaves numpy.fft out, so this file is imported when one of its functions first meets a Tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.fft

from minigrad.derivatives.complex_numbers import conj
from minigrad.other_arrays.foreign import beside, is_chunked
from minigrad.table import composition, derivative

_other: dict[Any, Any] = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm that scales the transform back as the given one scales the transform there."""


def _of_whole(transform: Callable[..., Any]) -> Callable[..., Any]:
    """Dask transforms along an axis that is one chunk."""

    def compute(a: Any, *, n: Any, axis: Any, norm: Any) -> Any:
        return transform(a.rechunk({axis % a.ndim: -1}) if is_chunked(a) else a, n=n, axis=axis, norm=norm)

    return compute


derivative(np.fft.fft,   "a, /, n=None, axis=-1, norm=None", compute=_of_whole(np.fft.fft),
           a=lambda g, a, axis, norm: _resized(np.fft.fft(g, axis=axis, norm=norm), a, axis), linear=True)
derivative(np.fft.ifft,  "a, /, n=None, axis=-1, norm=None", compute=_of_whole(np.fft.ifft),
           a=lambda g, a, axis, norm: _resized(np.fft.ifft(g, axis=axis, norm=norm), a, axis), linear=True)
derivative(np.fft.rfft,  "a, /, n=None, axis=-1, norm=None", compute=_of_whole(np.fft.rfft),
           a=lambda g, a, n, axis, norm: _resized(                # the other half of the frequencies has no g
               np.real(np.fft.fft(g, n or a.shape[axis], axis, norm)), a, axis), linear=True)
derivative(np.fft.irfft, "a, /, n=None, axis=-1, norm=None", compute=_of_whole(np.fft.irfft),
           a=lambda g, a, axis, norm: _resized(                   # what is between the ends counts twice
               _counts(g, axis) * np.conjugate(np.fft.rfft(g, axis=axis, norm=_other[norm])), a, axis),
           linear=True)


def _resized(g: Any, a: Any, axis: int) -> Any:
    """g along the axis as long as a is: what was cut off gets 0, what was padded none."""
    n = a.shape[axis]
    missing = n - g.shape[axis]
    if not missing:
        return g
    g = np.swapaxes(g, axis, -1)
    if missing > 0:
        g = np.concatenate([g, np.zeros_like(g, shape=(*g.shape[:-1], missing))], axis=-1)
    return np.swapaxes(g[..., :n], axis, -1)


def _counts(g: Any, axis: int) -> Any:
    """How often each frequency of a real signal is in it: 2, and 1 for the constant and the alternation."""
    n = g.shape[axis]
    counts = np.full(n // 2 + 1, 2, g.dtype)
    counts[0] = counts[n - n // 2 :] = 1
    return beside(np.reshape(counts, (-1, *(1,) * (g.ndim - 1 - axis % g.ndim))), g)


# ---- Hermitian signals, and several axes


@composition(np.fft.hfft)
def _hfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    return np.fft.irfft(conj(a), n, axis, _turned_norm(norm))


def _turned_norm(norm: Any) -> Any:
    if norm not in _other:
        raise ValueError(f'norm={norm!r}; wanted "backward", "ortho" or "forward"')
    return _other[norm]


@composition(np.fft.ihfft)
def _ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    return np.conjugate(np.fft.rfft(a, n, axis, _turned_norm(norm)))


@composition(np.fft.fftn)
def _fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    for axis, n in reversed(_lengths(a, s, axes)):
        a = np.fft.fft(a, n, axis, norm)
    return a


@composition(np.fft.ifftn)
def _ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    for axis, n in reversed(_lengths(a, s, axes)):
        a = np.fft.ifft(a, n, axis, norm)
    return a


@composition(np.fft.rfftn)
def _rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    *others, (last, n) = _lengths(a, s, axes)
    a = np.fft.rfft(a, n, last, norm)
    for axis, n in reversed(others):
        a = np.fft.fft(a, n, axis, norm)
    return a


@composition(np.fft.irfftn)
def _irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None) -> Any:
    *others, (last, length) = _lengths(a, s, axes)
    for axis, n in others:
        a = np.fft.ifft(a, n, axis, norm)
    return np.fft.irfft(a, None if s is None else length, last, norm)


def _of_two_axes(transform: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, s=None, axes=(-2, -1), norm=None: transform(a, s, axes, norm)


composition(np.fft.fft2)(_of_two_axes(_fftn))
composition(np.fft.ifft2)(_of_two_axes(_ifftn))
composition(np.fft.rfft2)(_of_two_axes(_rfftn))
composition(np.fft.irfft2)(_of_two_axes(_irfftn))


def _lengths(a: Any, s: Any, axes: Any) -> list[tuple[int, int]]:
    """(axis, length of the transform along it), of all axes where none are given; -1 is the length it has."""
    if axes is None:
        axes = range(-(a.ndim if s is None else len(s)), 0)
    s = [-1] * len(axes) if s is None else s
    if len(s) != len(axes):
        raise ValueError(f"s has {len(s)} lengths, for {len(axes)} axes")
    return [(axis, a.shape[axis] if n == -1 else n) for axis, n in zip(axes, s, strict=True)]


# ---- the constant in the middle, or in front


@composition(np.fft.fftshift)
def _fftshift(x: Any, axes: Any = None) -> Any:
    for axis in range(x.ndim) if axes is None else np.atleast_1d(axes).tolist():
        x = _turned(x, axis, (x.shape[axis] + 1) // 2)
    return x


@composition(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Any = None) -> Any:
    for axis in range(x.ndim) if axes is None else np.atleast_1d(axes).tolist():
        x = _turned(x, axis, x.shape[axis] // 2)
    return x


def _turned(x: Any, axis: int, k: int) -> Any:
    """x with its first k along the axis put at the end."""
    before = (slice(None),) * (axis % x.ndim)
    return np.concatenate([x[(*before, slice(k, None))], x[(*before, slice(k))]], axis=axis)
