"""Slopes found without any rule: differences of a function's values, and the complex step through its graph.

Differences ask nothing of the function, but rounding costs them a third of their digits or more.  The complex
step, ∂f/∂x = Im f(x + ih) / h, subtracts nothing and so is exact to rounding.  It needs a graph all of whose
functions are analytic, or made of analytic pieces among which the real part chooses: np.maximum is one of
these, since NumPy orders complex numbers by their real parts first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, getitem
from typing import Any, NamedTuple

import numpy as np

from minigrad import derivatives, functions
from minigrad.derivatives import further
from minigrad.table import table
from minigrad.tensor import Origin, Tensor

# ---- differences


class Refined(NamedTuple):
    """A slope, how far it may be off, and the rounding noise of the values that it comes from."""

    slope: float
    uncertainty: float
    noise: float


class Differences:
    """Slopes of  Σ w · values(x)  along each entry of x, by central differences.

    values    the arrays that come out for an x; they are subtracted entry by entry before the weights add
              them up, so what does not depend on an entry of x adds no rounding to its slope
    weights   an array for each of them
    scale     per entry of x, the size that steps are a fraction of: its own, or that of a typical entry
    noise     per entry, what rounding of the values can do to the slope that `all()` gives
    rounding  the same for a slope that is computed without differences
    """

    def __init__(self, values: Callable[[Any], Sequence[Any]], weights: Sequence[Any], x: np.ndarray) -> None:
        self._values, self._weights, self._x = values, weights, np.asarray(x)
        self._precision = float(np.finfo(self._x.dtype).eps)
        self.scale = np.maximum(scale_of(self._x), np.median(scale_of(self._x)))
        self.noise = np.zeros(self._x.shape)
        self.rounding = np.zeros(self._x.shape)

    def all(self) -> np.ndarray:
        """The slope along every entry, at a step that suits smooth functions: good to about 1e-11."""
        slopes = np.empty(self._x.shape)
        for k in np.ndindex(self._x.shape):
            h = self.scale[k] * self._precision**0.25
            slopes[k], _, size = self._central(k, h)
            self.noise[k] = self._precision * size / h
            self.rounding[k] = self._precision * size / self.scale[k]
        return slopes

    def refine(self, k: Any) -> Refined:
        """The slope along one entry from a ladder of steps, where neighbours agree best.

        The first steps keep to the entry's own size, so as not to cross a pole at 0; if they do not settle
        it, steps of the size of a typical entry may.  Nothing of what is being checked enters the choice.
        """
        own = float(abs(self._x[k])) or float(self.scale[k])
        best = self._climb(k, own)
        if own < self.scale[k] and not best.uncertainty <= 1e-8 * abs(best.slope):
            best = min(best, self._climb(k, self.scale[k]), key=attrgetter("uncertainty"))
        return best

    def one_sided(self, k: Any, step: float) -> tuple[float, float]:
        """The slopes to the left and to the right of entry k."""
        (left, _), (right, _) = self._change(k, -step, 0.0), self._change(k, 0.0, step)
        return left / step, right / step

    def _climb(self, k: Any, scale: float) -> Refined:
        ladder = scale * 0.1 * 8.0 ** -np.arange(11 if self._precision < 1e-10 else 5)
        found = [self._central(k, h) for h in ladder]
        changes = np.abs([change for _, change, _ in found])
        noise = self._precision * max((size for _, _, size in found if np.isfinite(size)), default=0.0)
        if np.any(changes == 0) and np.any(
            changes > 0
        ):  # values that stand still are rounded to a coarser grid
            noise = max(noise, float(np.min(changes[changes > 0])))
        best = Refined(np.nan, np.inf, noise)
        for (slope, *_), (finer, *_), h in zip(found, found[1:], ladder[1:], strict=False):
            uncertainty = abs(slope - finer) + noise / h
            if uncertainty < best.uncertainty:
                best = Refined(finer, uncertainty, noise)
        return best

    def _central(self, k: Any, h: float) -> tuple[float, float, float]:
        """(8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h, off by order h⁴; f(h) - f(-h); its terms' size."""
        near, size = self._change(k, -h, h)
        far, _ = self._change(k, -2 * h, 2 * h)
        return (8 * near - far) / (12 * h), near, size

    def _change(self, k: Any, start: float, stop: float) -> tuple[float, float]:
        change = size = 0.0
        with np.errstate(all="ignore"):  # beyond the end of a domain: what is not finite is looked at later
            for w, a, b in zip(self._weights, self._at(k, start), self._at(k, stop), strict=True):
                change += float(np.sum(w * (b - a)))
                size += float(np.sum(np.abs(w) * (np.abs(a) + np.abs(b)) / 2))
        return change, size

    def _at(self, k: Any, step: float) -> list[np.ndarray]:
        x = np.array(self._x)
        x[k] += step
        return [_real(y) for y in self._values(x)]


def _real(y: Any) -> np.ndarray:
    """The values as real numbers; what has become complex is beyond the end of a domain."""
    return np.full(y.shape, np.nan) if np.iscomplexobj(y) else np.asarray(y, dtype=float)


# ---- the recorded graph, computed again


class Replay:
    """The part of a recorded graph that leads from a leaf to outputs, as a function of the leaf's array."""

    def __init__(self, outputs: Sequence[Tensor], leaf: Tensor) -> None:
        self._leaf, self._outputs = leaf, outputs
        self._nodes = leading(outputs, leaf)

    def __call__(self, x: np.ndarray) -> list[Any]:
        values: dict[int, Any] = {self._leaf.stamp: x}
        for node, (function, inputs, parameters) in self._nodes:
            given = [values.get(t.stamp, t._value) if isinstance(t, Tensor) else t for t in inputs]
            compute = analytic.get(function) if np.iscomplexobj(x) else None
            values[node.stamp] = (compute or table[function].compute)(*given, **parameters)
        return [values.get(y.stamp, y._value) for y in self._outputs]

    def slopes(self, weights: Sequence[Any]) -> np.ndarray | None:
        """The slope of Σ w y along each entry, by the complex step; None where that cannot be taken."""
        x = self._leaf._value
        wide = all(t.dtype == np.float64 for t in (self._leaf, *(node for node, _ in self._nodes)))
        if not self._nodes or not wide or not all(origin[0] in analytic for _, origin in self._nodes):
            return None
        found = np.zeros(x.shape)
        with np.errstate(all="ignore"):
            for k in np.ndindex(x.shape):
                h = 1e-20 * (abs(x[k]) or 1.0)
                shifted = np.array(x, dtype=complex)
                shifted[k] += 1j * h
                found[k] = (
                    sum(np.sum(w * np.imag(y)) for w, y in zip(weights, self(shifted), strict=True)) / h
                )
        return found if np.all(np.isfinite(found)) else None


def leading(outputs: Sequence[Tensor], leaf: Tensor | None = None) -> list[tuple[Tensor, Origin]]:
    """The results, oldest first, through which a gradient goes from the outputs to the leaf (or any leaf)."""
    found = list({y.stamp: y for y in outputs if y.requires_grad}.values())
    seen = {y.stamp for y in found}
    for node in found:  # grows while it is read
        for t in node.origin[1] if node.origin is not None else ():
            if isinstance(t, Tensor) and t.requires_grad and t.stamp not in seen:
                seen.add(t.stamp)
                found.append(t)
    reached = set() if leaf is None else {leaf.stamp}
    kept = []
    for node in sorted(found, key=attrgetter("stamp")):
        if node.origin is not None:
            through = any(isinstance(t, Tensor) and t.stamp in reached for t in node.origin[1])
            if leaf is None or through:
                reached.add(node.stamp)
                kept.append((node, node.origin))
    return kept


def _power(a: Any, b: Any) -> Any:
    """aᵇ, also for a negative a and a whole b: beyond the power 100 NumPy turns by an angle, which rounds."""
    negative = np.real(a) < 0
    sign = np.where(negative & (np.real(b) % 2 == 1), -1, 1)
    return sign * np.power(np.where(negative, -a, a), b)


def _arctan2(a: Any, b: Any) -> Any:
    """By half of the angle, in the form that does not cancel."""
    r = np.sqrt(a * a + b * b)
    right = np.real(b) > 0
    return 2 * np.arctan(np.where(right, a, r - b) / np.where(right, r + b, a))


def _var(a: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    centred = a - np.mean(a, axis=axis, keepdims=True)
    y = np.sum(centred * centred, axis=axis, keepdims=keepdims)
    return y / (a.size // max(y.size, 1) - ddof)


def _partition(a: Any, kth: Any, axis: Any, kind: str, order: Any) -> Any:
    """The order that NumPy gives the real parts."""
    y = np.partition(np.real(a), kth, axis)
    places = np.argsort(np.argsort(y, axis, kind="stable"), axis)
    return np.take_along_axis(np.sort(a, axis), places, axis)


def _quantile(a: Any, q: Any, axis: Any, method: Any, keepdims: bool) -> Any:
    """At the place that the quantile of 0, 1, 2 ... says: NumPy has no quantiles of complex numbers."""
    ndim = np.ndim(a)
    axes = [i % ndim for i in (range(ndim) if axis is None else np.atleast_1d(axis).tolist())]
    rest = [n for i, n in enumerate(a.shape) if i not in axes]
    last = np.sort(np.moveaxis(a, axes, range(ndim - len(axes), ndim)).reshape(*rest, -1))
    places = np.quantile(np.arange(float(last.shape[-1])), q, method=method)
    low = np.floor(places).astype(int)
    parts = [
        np.moveaxis(last[..., i], range(len(rest)), range(-len(rest), 0))
        for i in (low, np.ceil(places).astype(int))
    ]
    share = np.reshape(places - low, (*np.shape(q), *[1] * len(rest)))
    y = (1 - share) * parts[0] + share * parts[1]
    return y.reshape(*np.shape(q), *(1 if i in axes else n for i, n in enumerate(a.shape))) if keepdims else y


def _second_cofactors(a: Any, b: Any) -> Any:
    """det(A) (A⁻ᵀ tr A⁻¹B - A⁻ᵀ Bᵀ A⁻ᵀ),  without the singular values, which are real."""
    inverse = np.linalg.inv(a)
    turned = inverse @ b
    trace = np.trace(turned, axis1=-2, axis2=-1)[..., None, None]
    return np.linalg.det(a)[..., None, None] * np.matrix_transpose(trace * inverse - turned @ inverse)


analytic: dict[Callable[..., Any], Callable[..., Any] | None] = dict.fromkeys((
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.sqrt,
    np.exp, np.expm1, np.log, np.log1p, np.log2, np.log10,
    np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arctan,
    np.exp2, np.reciprocal, np.arcsin, np.arccos, np.arcsinh, np.arccosh, np.arctanh, np.sinc,
    np.fmax, np.fmin, np.nan_to_num, np.cumsum, np.cumprod, np.nanmax, np.nanmin,
    further.cumulative.recurrence,
    further.interpolation.of_interval, further.interpolation.by_interval,
    further.ufuncs.sinc_derivative, further.ufuncs.i0_derivative,
    np.maximum, np.minimum, np.clip, np.where, np.sum, np.mean, np.max, np.min, np.prod, np.matmul,
    np.transpose, np.swapaxes, np.reshape, np.ravel, np.expand_dims, np.squeeze, np.broadcast_to,
    np.concatenate, np.stack, getitem, derivatives.indexing.scatter_add, np.einsum, np.convolve,
    further.windows.windows, further.windows.overlap_add,
    np.take_along_axis, further.picking.add_along_axis, np.sort, np.median,
    np.linalg.inv, np.linalg.det, np.linalg.solve, further.linear_algebra.cofactors,
    functions.relu, functions.sigmoid, functions.softplus,
    functions.logsumexp, functions.log_softmax, functions.softmax,
    functions.cross_entropy_of_logit, functions.cross_entropy_of_probability,
))  # fmt: skip
"""The functions through which the complex step can be taken; with their form, where NumPy's is another."""

analytic.update({
    np.remainder: lambda a, b: a - b * np.floor_divide(np.real(a), np.real(b)),
    np.absolute: lambda a: np.where(np.real(a) < 0, -a, a),  # |z| is real
    np.power: _power,
    np.var: _var,  # NumPy multiplies by the conjugate
    np.std: lambda a, axis, ddof, keepdims: np.sqrt(_var(a, axis, ddof, keepdims)),
    np.astype: lambda a, dtype: a,
    np.real: lambda val: val,
    np.imag: lambda val: 0 * val,  # of real arrays, as np.angle
    np.angle: lambda z, deg: 0 * z,
    np.conjugate: lambda a: a,
    np.fabs: lambda a: np.where(np.real(a) < 0, -a, a),
    np.copysign: lambda a, b: np.where(np.real(a) < 0, -a, a) * np.copysign(1.0, np.real(b)),
    np.cbrt: lambda a: np.sign(np.real(a)) * np.where(np.real(a) < 0, -a, a) ** (1 / 3),
    np.logaddexp: lambda a, b: np.maximum(a, b) + np.log1p(np.exp(np.minimum(a, b) - np.maximum(a, b))),
    np.logaddexp2: lambda a, b: np.log2(np.exp2(a) + np.exp2(b)),
    np.hypot: lambda a, b: np.sqrt(a * a + b * b),
    np.arctan2: _arctan2,
    np.deg2rad: lambda a: a * (np.pi / 180),
    np.radians: lambda a: a * (np.pi / 180),
    np.rad2deg: lambda a: a * (180 / np.pi),
    np.degrees: lambda a: a * (180 / np.pi),
    np.heaviside: lambda a, b: np.where(np.real(a) == 0, b, np.real(a) > 0),
    np.fmod: lambda a, b: a - b * np.trunc(np.real(a) / np.real(b)),
    np.ldexp: lambda a, b: a * 2.0**b,
    np.nextafter: lambda a, b: a + (np.nextafter(np.real(a), np.real(b)) - np.real(a)),
    np.unwrap: lambda p, **how: p + (np.unwrap(np.real(p), **how) - np.real(p)),
    np.i0: lambda x: further.ufuncs.i0_derivative(x, n=0),
    further.ufuncs.fraction: lambda a: a - np.trunc(np.real(a)),
    further.linear_algebra.second_cofactors: _second_cofactors,
    np.partition: _partition,
    np.quantile: _quantile,
    np.percentile: lambda a, q, **parameters: _quantile(a, np.divide(q, 100), **parameters),
})  # fmt: skip


# ---- sizes and directions


def scale_of(x: Any) -> np.ndarray:
    """The size of each entry; for a 0, that of a typical other one."""
    sizes = np.abs(np.asarray(x, dtype=float))
    typical = np.median(sizes[sizes > 0]) if np.any(sizes > 0) else 1.0
    return np.asarray(np.where(sizes > 0, sizes, typical))


def generic(like: Any, seed: int = 0) -> np.ndarray:
    """Fixed weights of a shape: of both signs, none small, no two alike, so that nothing cancels by chance.

    >>> generic([0.0, 0.0]).round(3)
    array([-1.137, -0.77 ])
    """
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(0.5, 1.5, np.shape(like)) * rng.choice((-1.0, 1.0), np.shape(like)))
