"""Polynomials by their coefficients, the highest power first: values, sums, products, derivatives, fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.derivatives.shapes import method_of
from minigrad.other_arrays.foreign import alike, beside
from minigrad.table import composition
from minigrad.tensor import Tensor, plain


@composition(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    """Horner's scheme: ((p₀ x + p₁) x + p₂) ..."""
    p, y = method_of(p), np.zeros_like(x)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


@composition(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    return np.add(*_of_one_length(a1, a2))


@composition(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    return np.subtract(*_of_one_length(a1, a2))


@composition(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_as_row(a1, a2), _as_row(a2, a1))


@composition(np.polydiv)
def _polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Long division: the quotient and the remainder, without leading coefficients below 1e-8, as in NumPy."""
    u, v = _as_row(u, v) + 0.0, _as_row(v, u) + 0.0
    n = len(v)
    quotient = []
    for _ in range(len(u) - n + 1):
        quotient.append(u[0] / v[0])
        u = np.concatenate([u[1:n] - quotient[-1] * v[1:], u[n:]])
    while len(u) > 1 and np.abs(plain(u)[0]) <= 1e-8:
        u = u[1:]
    zero = 0 * v[:1]
    return np.stack(quotient) if quotient else zero, u if len(u) else zero


@composition(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise ValueError(f"np.polyder: m={m}; it is how often, 0 or more (np.polyint goes the other way)")
    p = np.positive(p)
    for _ in range(m):
        p = p[:-1] * beside(np.arange(len(p) - 1, 0, -1), p)
    return p


@composition(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """m times with the constants k: one for all, or one each, the first integration's first."""
    if m < 0:
        raise ValueError(f"np.polyint: m={m}; it is how often, 0 or more (np.polyder goes the other way)")
    constants = [0.0] * m if k is None else [*_as_row(k)]
    if len(constants) == 1:
        constants *= m
    if len(constants) < m:
        raise ValueError(f"np.polyint: {len(constants)} constants for m={m}; give one for all, or one each")
    p = np.positive(p)
    for c in constants[:m]:
        c = c if isinstance(c, Tensor) else beside(c, p)
        p = np.concatenate([p / beside(np.arange(len(p), 0, -1), p), np.reshape(c, (1,))])
    return p


@composition(np.polyfit)
def _polyfit(x: Any, y: Any, deg: int, rcond: Any = None, *, w: Any = None) -> Any:
    """Least squares on the powers of x, their columns scaled to length 1."""
    x, y = method_of(x) + 0.0, method_of(y) + 0.0
    powers = np.vander(x, deg + 1)
    if w is not None:
        powers, y = powers * w[:, None], y * (w[:, None] if np.ndim(y) > 1 else w)
    scale = np.sqrt(np.sum(powers * powers, axis=0))
    if rcond is None:
        rcond = len(x) * np.finfo(x.dtype).eps
    solution, *_ = np.linalg.lstsq(powers / scale, y, rcond)
    return (solution.T / scale).T


@composition(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    """Π (x - zᵢ), of zeros; that of a matrix is not differentiated here."""
    if seq_of_zeros.ndim != 1:
        raise TypeError(
            "np.poly of a matrix would lose the gradient: give its eigenvalues, np.linalg.eigvals(a)"
        )
    seq_of_zeros = seq_of_zeros if seq_of_zeros.dtype.kind in "fc" else seq_of_zeros.astype(float)
    p, zero = np.ones_like(seq_of_zeros, shape=1), np.zeros_like(seq_of_zeros, shape=1)
    for i in range(len(seq_of_zeros)):
        p = np.concatenate([p, zero]) - np.concatenate([zero, p * seq_of_zeros[i]])
    return p


def _as_row(p: Any, other: Any = None) -> Any:
    p = alike(p, other)
    return p[None] if p.ndim == 0 else p


def _of_one_length(a: Any, b: Any) -> tuple[Any, Any]:
    """Both with as many coefficients as the longer one."""
    a, b = _as_row(a, b), _as_row(b, a)
    n = max(len(a), len(b))
    a, b = (
        x if len(x) == n else np.concatenate([np.zeros_like(x, shape=n - len(x)), x]) for x in (a, b)
    )
    return a, b
