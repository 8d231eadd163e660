"""Slopes found without any rule: differences of a function's values, and the complex step through a recorded graph.

Differences ask nothing of the function, but lose half of the digits or more to rounding.  The complex step,
∂f/∂x = Im f(x + ih) / h, subtracts nothing and so is exact to rounding; it needs a graph all of whose functions are
analytic (or are, like np.maximum, analytic pieces chosen by NumPy's order of complex numbers, which looks at the real
parts first).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter, getitem
from typing import Any

import numpy as np

from minigrad import derivatives, functions
from minigrad.table import table
from minigrad.tensor import Tensor

Values = Callable[[np.ndarray], Sequence[np.ndarray]]

# ---- differences


class Differences:
    """Slopes of  Σ w · values(x)  along each entry of x, by central differences.

    values   the arrays that come out for an x; they are subtracted entry by entry, before the weights add them up, so
             that what does not depend on an entry adds no rounding to its slope
    weights  an array for each of them
    noise    per entry, what rounding the values to their precision can do to the slope; known after `all()`
    """

    def __init__(self, values: Values, weights: Sequence[np.ndarray], x: np.ndarray) -> None:
        self._values, self._weights, self._x = values, weights, np.asarray(x)
        self._precision = float(np.finfo(self._x.dtype).eps)
        sizes = np.abs(self._x)
        typical = float(np.median(sizes[sizes > 0])) if np.any(sizes > 0) else 1.0
        self.scale = np.maximum(sizes, typical).astype(float)
        self.noise = np.zeros(self._x.shape)

    def at(self, k: Any, step: float) -> list[np.ndarray]:
        """The values with entry k of x moved by a step."""
        x = np.array(self._x)
        x[k] += step
        with np.errstate(all="ignore"):  # beyond the end of a domain; what is not finite is looked at
            return [np.asarray(y, dtype=float) for y in self._values(x)]

    def all(self) -> np.ndarray:
        """The slope along every entry, at a step that suits smooth functions: 1e-12 of the function, at best."""
        slopes = np.empty(self._x.shape)
        for k in np.ndindex(self._x.shape):
            h = self.scale[k] * self._precision**0.25
            slopes[k], size = self._central(k, h)
            self.noise[k] = self._precision * size / h
        return slopes

    def refine(self, k: Any) -> tuple[float, float]:
        """(the slope along one entry, its uncertainty) from a ladder of steps: where neighbours agree best.

        Nothing of what is being checked enters into the choice.
        """
        ladder = self.scale[k] * 0.1 * 8.0 ** -np.arange(11 if self._precision < 1e-10 else 5)
        found = [self._central(k, h) for h in ladder]
        size = max((s for _, s in found if np.isfinite(s)), default=0.0)
        best = (np.nan, np.inf)
        for (slope, _), (finer, _), h in zip(found, found[1:], ladder[1:], strict=False):
            uncertainty = abs(slope - finer) + self._precision * size / h
            if uncertainty < best[1]:
                best = (finer, uncertainty)
        return best

    def one_sided(self, k: Any, step: float) -> tuple[float, float]:
        """The slopes to the left and to the right of entry k."""
        here = self.at(k, 0.0)
        right = sum(float(np.sum(w * (y - y0))) for w, y, y0 in zip(self._weights, self.at(k, step), here, strict=True))
        left = sum(float(np.sum(w * (y0 - y))) for w, y, y0 in zip(self._weights, self.at(k, -step), here, strict=True))
        return left / step, right / step

    def _central(self, k: Any, h: float) -> tuple[float, float]:
        """(8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h, whose error is of order h⁴; and the size of what was subtracted."""
        near, size = self._change(k, h)
        far, _ = self._change(k, 2 * h)
        return (8 * near - far) / (12 * h), size

    def _change(self, k: Any, h: float) -> tuple[float, float]:
        change = size = 0.0
        for w, up, down in zip(self._weights, self.at(k, h), self.at(k, -h), strict=True):
            with np.errstate(invalid="ignore"):
                change += float(np.sum(w * (up - down)))
                size += float(np.sum(np.abs(w) * (np.abs(up) + np.abs(down)) / 2))
        return change, size


# ---- the recorded graph, computed again


class Replay:
    """The part of a recorded graph that leads from a leaf to an output, as a function of the leaf's array."""

    def __init__(self, output: Tensor, leaf: Tensor) -> None:
        self._leaf, self._output = leaf, output
        self._nodes = leading_from(output, leaf)
        self.analytic = all(node.origin[0] in analytic for node in self._nodes)

    def __call__(self, x: np.ndarray) -> Any:
        values: dict[int, Any] = {self._leaf.stamp: x}
        for node in self._nodes:
            function, inputs, parameters = node.origin
            given = [values.get(t.stamp, t._data) if isinstance(t, Tensor) else t for t in inputs]
            compute = analytic.get(function) if np.iscomplexobj(x) else None
            values[node.stamp] = (compute or table[function].compute)(*given, **parameters)
        return values[self._output.stamp]

    def slopes(self) -> np.ndarray | None:
        """The slope of the output, a scalar, along every entry of the leaf by the complex step; None where it does not apply."""
        x = self._leaf._data
        if not self.analytic or x.dtype != np.float64 or any(node.dtype != np.float64 for node in self._nodes):
            return None
        found = np.zeros(x.shape)
        with np.errstate(all="ignore"):
            for k in np.ndindex(x.shape):
                h = 1e-20 * (abs(x[k]) or 1.0)
                shifted = x.astype(complex)
                shifted[k] += 1j * h
                found[k] = np.imag(self(shifted)) / h
        return found if np.all(np.isfinite(found)) else None


def leading_from(output: Tensor, leaf: Tensor | None = None) -> list[Tensor]:
    """The results, oldest first, through which a gradient goes from the output to the leaf (or to any leaf)."""
    seen = {output.stamp: output}
    for node in (found := [output]):  # grows while it is read
        for t in node.origin[1] if node.origin is not None else ():
            if isinstance(t, Tensor) and t.requires_grad and t.stamp not in seen:
                seen[t.stamp] = t
                found.append(t)
    leading, kept = set() if leaf is None else {leaf.stamp}, []
    for node in sorted(found, key=attrgetter("stamp")):
        if node.origin is not None and (
            leaf is None or any(isinstance(t, Tensor) and t.stamp in leading for t in node.origin[1])
        ):
            leading.add(node.stamp)
            kept.append(node)
    return kept


def _power(a: Any, b: Any) -> Any:
    """aᵇ where the real a may be negative if b is whole: NumPy turns by an angle, which rounds, beyond the power 100."""
    negative = np.real(a) < 0
    sign = np.where(negative & (np.real(b) % 2 == 1), -1, 1)
    return sign * np.power(np.where(negative, -a, a), b)


def _var(a: Any, axis: Any, ddof: int, keepdims: bool) -> Any:
    centred = a - np.mean(a, axis=axis, keepdims=True)
    y = np.sum(centred * centred, axis=axis, keepdims=keepdims)
    return y / (a.size // max(y.size, 1) - ddof)


analytic: dict[Callable[..., Any], Callable[..., Any] | None] = dict.fromkeys((
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.positive, np.square, np.sqrt,
    np.exp, np.expm1, np.log, np.log1p, np.log2, np.log10, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arctan,
    np.maximum, np.minimum, np.clip, np.where, np.sum, np.mean, np.max, np.min, np.prod, np.matmul,
    np.transpose, np.swapaxes, np.reshape, np.ravel, np.expand_dims, np.squeeze, np.broadcast_to, np.concatenate, np.stack,
    getitem, derivatives.scatter_add, functions.relu, functions.sigmoid, functions.softplus, functions.logsumexp,
    functions.log_softmax, functions.softmax, functions.cross_entropy_of_logit, functions.cross_entropy_of_probability,
))  # fmt: skip
"""The functions through which the complex step can be taken, and how, where NumPy's complex form is another function."""

analytic.update({
    np.absolute: lambda a: np.where(np.real(a) < 0, -a, a),  # NumPy's |z| is real
    np.power: _power,
    np.var: _var,  # NumPy's multiplies by the conjugate
    np.std: lambda a, axis, ddof, keepdims: np.sqrt(_var(a, axis, ddof, keepdims)),
    np.astype: lambda a, dtype: a,
})  # fmt: skip


# ---- directions


def generic(like: Any, seed: int = 0) -> np.ndarray:
    """Fixed weights of a shape: of both signs, none small, no two alike, so that nothing cancels by chance."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(0.5, 1.5, np.shape(like)) * rng.choice((-1.0, 1.0), np.shape(like)))
