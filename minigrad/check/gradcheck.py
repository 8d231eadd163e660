"""gradcheck: are the machine's gradients the slopes of the function?

The machine's gradient is compared with differences of the function's values and, where the recorded graph
allows it, with the complex step.  Both tolerances are fractions of the gradient itself, so a check cannot
pass because there was nothing to compare: what would make it empty is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np

from minigrad.backprop import grad
from minigrad.check.diagnosis import Disagreement, likely_causes, misshapen, single_precision
from minigrad.check.oracle import Differences, Replay, generic, scale_of
from minigrad.check.result import GradcheckError, Result, Slope
from minigrad.reading import describe
from minigrad.recording import enable_grad
from minigrad.switches import reading_allowed
from minigrad.tensor import Tensor, next_stamp


def gradcheck(
    function: Callable[..., Any],
    inputs: Any,
    order: int = 1,
    *,
    tolerance: float = 1e-7,
    exact_tolerance: float = 1e-11,
    zero: int | str | Iterable[int | str] = (),
    raise_exception: bool = True,
) -> Result:
    """Compare the machine's gradients of function(*inputs) with slopes that are found without its rules.

    function         takes the inputs and gives a Tensor or a tuple of Tensors; outputs that are not scalars
                     are weighted with fixed generic numbers.  It may also reach the inputs by itself, as a
                     model does its parameters
    inputs           a leaf that requires a gradient, or several; arrays and numbers are made into leaves.
                     Each entry takes four calls of the function, so a few hundred are plenty
    order            2 also checks the gradient of (gradient · generic vector), and so on
    tolerance        of the differences, as a fraction of the input's largest slope; smooth functions agree to
                     about 1e-11 in float64
    exact_tolerance  of the complex step, which is taken where every function in the graph is known to allow
                     it; they agree to about 1e-15, and to as much less as cancels within the function
    zero             inputs, by name or position, whose gradient is 0 by design (a bias before a batch is
                     normalised); for all others a gradient of 0 is an error: no mistake in it could be seen
    raise_exception  False gives a result that is false, in place of the error
    Returns:         a Result that is true, with the largest relative error per input in `.errors`; the
                     inputs, their values and their `.grad`, are as before, whatever happens
    Raises:          GradcheckError, which says what is likely; TypeError or ValueError for inputs that cannot
                     be checked; RuntimeError if the function reads a number out of a Tensor (float(t)), which
                     drops its gradient.

    >>> W = Tensor([[1.0, -2.0, 0.5]], requires_grad=True, name="W")
    >>> gradcheck(lambda W: np.sum(np.tanh(W) ** 2), W).errors["W"] < 1e-14
    True
    """
    if order not in range(1, 10):
        raise SettingError(f"gradcheck: order must be 1, 2 ..., not {order!r}")
    leaves = _leaves(inputs)
    for name, value in (("tolerance", tolerance), ("exact_tolerance", exact_tolerance)):
        if not _is_fraction(value):
            raise SettingError(f"gradcheck: {name} is a fraction of the gradient, in (0, 1), not {value!r}")
    check = _Check(function, leaves, _positions(zero, leaves), tolerance, exact_tolerance)
    with check.inputs_restored(), enable_grad():
        try:
            result = check.run(order)
        except _UnfitError as reason:
            result = Result(problem=str(reason))
    if not result and raise_exception:
        raise GradcheckError(result)
    return result


def _is_fraction(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < 1


class SettingError(ValueError):
    """A setting that gradcheck does not take; the message says which, and what it takes."""


class _UnfitError(Exception):
    """The function cannot be checked; the message says why."""


class _Check:
    """One call of gradcheck: a function, its leaves, and the weights that make its outputs one number."""

    def __init__(
        self,
        function: Callable[..., Any],
        leaves: list[Tensor],
        zero: set[int],
        tolerance: float,
        exact_tolerance: float,
    ) -> None:
        self.function, self.leaves, self.zero = function, leaves, zero
        self.tolerance, self.exact_tolerance = tolerance, exact_tolerance
        given = [x.name for x in leaves]
        self.names = [n if n and given.count(n) == 1 else f"input {i}" for i, n in enumerate(given)]
        self.started = next_stamp()
        self.weights: list[np.ndarray] = []
        self.directions = [generic(x._value, i) * _typical(x) for i, x in enumerate(leaves)]

    def run(self, order: int) -> Result:
        """Compare order by order, until one is wrong."""
        for x in self.leaves:
            if x.size == 0:
                raise _UnfitError(f"{describe(x)} is empty: there is nothing to check")
        before = [x._value.tobytes() for x in self.leaves]
        outputs = self.call()
        for x, held in zip(self.leaves, before, strict=True):
            if x._value.tobytes() != held:
                raise _UnfitError(_changed(x))
        for y in outputs:
            _check_output(y)
        if any(_differ(y, again) for y, again in zip(outputs, self.call(), strict=True)):
            raise _UnfitError(
                "the function gives different values for the same inputs: it draws at random, or changes "
                "something at each call. Hold dropout masks with mg.nn.fixed_masks(model), or make the "
                "generator from its seed inside the function"
            )
        self.weights = _weights(outputs)
        slopes: list[Slope] = []
        for level in range(1, order + 1):
            recorded, weights = self.recorded(level)
            machine = self.gradients(recorded, weights, create_graph=False)
            slopes += [_Comparison(self, i, level, recorded, g._value).slope() for i, g in enumerate(machine)]
            if any(slope.fault for slope in slopes):
                break
        return Result(tuple(slopes))

    def call(self) -> list[Tensor]:
        """The function's outputs, recorded; a number read out of a Tensor raises."""
        held = [(x._value, x.stamp) for x in self.leaves]
        token = reading_allowed.set(False)
        try:
            result = self.function(*self.leaves)
        finally:
            reading_allowed.reset(token)
        for x, (data, stamp) in zip(self.leaves, held, strict=True):
            if x._value is not data or x.stamp != stamp:
                raise _UnfitError(_changed(x))
        return list(result) if isinstance(result, list | tuple) else [result]

    def recorded(self, level: int) -> tuple[list[Tensor], list[np.ndarray]]:
        """What is differentiated, and its weights: outputs at level 1, the gradients of the last above."""
        recorded, weights = self.call(), self.weights
        for _ in range(level - 1):
            recorded, weights = self.gradients(recorded, weights, create_graph=True), self.directions
        return recorded, weights

    def gradients(
        self, recorded: list[Tensor], weights: list[np.ndarray], create_graph: bool
    ) -> list[Tensor]:
        """Σ w ∂y/∂leaf per leaf; the weights go in as `gradient=`, past the rules that are being checked."""
        found: list[Any] = [None] * len(self.leaves)
        for y, w in zip(recorded, weights, strict=True):
            if y.requires_grad:
                try:
                    new = grad(y, self.leaves, gradient=w, create_graph=create_graph, allow_unused=True)
                except (TypeError, ValueError) as error:
                    if wrong := misshapen([y], self.leaves, self.names):
                        raise _UnfitError(wrong) from error
                    raise
                found = [g if old is None else old + g for old, g in zip(found, new, strict=True)]
        return [
            Tensor(np.zeros_like(x._value)) if g is None else g
            for g, x in zip(found, self.leaves, strict=True)
        ]

    def values(self, level: int, i: int, x: np.ndarray) -> list[np.ndarray]:
        """The values of what is differentiated at a level, with leaf i holding another array."""
        leaf = self.leaves[i]
        held = leaf._value
        leaf._value = x
        try:
            if level == 1:
                return [y._value for y in self.call()]
            return [g._value for g in self.gradients(*self.recorded(level - 1), create_graph=False)]
        finally:
            leaf._value = held

    @contextmanager
    def inputs_restored(self) -> Iterator[None]:
        """The leaves' arrays, stamps and `.grad` are put back at the end, whatever happens."""
        held = [(x._value, x.stamp, x._grad) for x in self.leaves]
        try:
            yield
        finally:
            for x, (data, stamp, g) in zip(self.leaves, held, strict=True):
                x._value, x.stamp, x._grad = data, stamp, g


class _Comparison:
    """One input's gradient of one order against differences and, where it can be taken, the complex step."""

    def __init__(
        self, check: _Check, i: int, level: int, recorded: list[Tensor], machine: np.ndarray
    ) -> None:
        self.check, self.i, self.level, self.recorded, self.machine = check, i, level, recorded, machine
        leaf = check.leaves[i]
        self.weights = check.weights if level == 1 else check.directions
        self.differences = Differences(lambda x: check.values(level, i, x), self.weights, leaf._value)
        self.slopes = self.differences.all()
        self.exact = Replay(recorded, leaf).slopes(self.weights)
        for k in map(tuple, np.argwhere(~np.isfinite(self.slopes))):  # a step beyond the end of the domain
            self.slopes[k] = self.differences.refine(k).slope

    @property
    def largest(self) -> float:
        """The size of the gradient, which errors are a fraction of."""
        return float(np.max(np.abs(self.slopes if self.exact is None else self.exact)))

    def slope(self) -> Slope:
        """The verdict."""
        arrays = ((self.machine, "the machine's gradient"), (self.slopes, "the slope of the function"))
        for array, what in arrays:
            if not np.all(np.isfinite(array)):
                k = _largest(~np.isfinite(array))
                return self.said(np.inf, k, f"{what} is {array[k]}: choose values inside the domain")
        by_design = self.i in self.check.zero
        if self._is_zero():
            return self.said(0.0) if by_design or self.level > 1 else self._says_nothing()
        if by_design and self.level == 1:
            return self.said(np.inf, None, "zero= says that its gradient is 0 by design, and it is not")
        if self.exact is not None and (wrong := self._against_the_complex_step(self.exact)):
            return wrong
        return self._against_differences()

    def said(self, error: float, k: Any = None, fault: str = "", likely: tuple[str, ...] = ()) -> Slope:
        """A Slope with these findings."""
        worst = _largest(self.machine) if k is None else k
        name = self.check.names[self.i]
        return Slope(name, self.level, self.machine, self.slopes, self.exact, error, worst, fault, likely)

    def _is_zero(self) -> bool:
        """Whether machine and slopes are all lost in the rounding of the function's values."""
        size = max(self.largest, float(np.max(np.abs(self.machine))))
        if size > self._floor:
            return False
        k = _largest(self.machine)
        slope, uncertainty, _ = self.differences.refine(k)  # longer steps may tell
        return not max(abs(slope), abs(self.machine[k])) > 10 * uncertainty

    @property
    def _floor(self) -> float:
        noise, rounding = np.max(self.differences.noise), np.max(self.differences.rounding)
        return float(10 * noise if self.exact is None else 100 * rounding)

    def _says_nothing(self) -> Slope:
        if not self.machine.any() and not self.slopes.any():
            fault = "the function does not depend on it, or not at these values: nothing is checked"
        else:
            fault = (
                f"its gradient cannot be told from 0 (below {self._floor:.1g} it is lost in rounding), so no "
                "mistake in it could be seen; choose other values, or name it in zero= if it is 0 by design"
            )
        return self.said(np.inf, None, fault)

    def _against_the_complex_step(self, exact: np.ndarray) -> Slope | None:
        """What is wrong, or None; rounding within the function is allowed, up to differences' tolerance."""
        k = _largest(self.machine - exact)
        error = _fraction(self.machine[k] - exact[k], self.largest)
        if error <= self.check.exact_tolerance:
            return None
        rounding = 100 * self.differences.refine(k).noise / self.differences.scale[k]
        rounding = _fraction(rounding, self.largest)
        allowed = max(self.check.exact_tolerance, min(rounding, self.check.tolerance))
        return None if error <= allowed else self._wrong(exact, k, allowed, unsettled=error <= rounding)

    def _against_differences(self) -> Slope:
        """Look again, with better steps, wherever they disagree; a disagreement that stays is a fault."""
        gap = np.array(np.abs(self.machine - self.slopes))
        uncertain: dict[tuple[int, ...], float] = {}
        while True:
            k = _largest(gap)
            if gap[k] <= self.check.tolerance * self.largest:
                break
            if k not in uncertain:
                self.slopes[k], uncertain[k], _ = self.differences.refine(k)
                gap[k] = abs(self.machine[k] - self.slopes[k])
            elif self.exact is None or gap[k] > 3 * uncertain[k] or uncertain[k] > self.largest:
                settled = gap[k] > 3 * uncertain[k] or uncertain[k] > self.largest  # or else it jumps here
                return self._wrong(self.slopes, k, self.check.tolerance, unsettled=not settled)
            else:
                gap[k] = 0.0  # differences cannot tell here; the complex step could
        reference = self.slopes if self.exact is None else self.exact
        k = _largest(self.machine - reference)
        return self.said(_fraction(self.machine[k] - reference[k], self.largest), k)

    def _wrong(self, reference: np.ndarray, k: tuple[int, ...], allowed: float, unsettled: bool) -> Slope:
        self.slopes[k] = self.differences.refine(k).slope
        size = float(np.max(np.abs(reference)))
        error = _fraction(self.machine[k] - reference[k], size)
        count = int(np.sum(np.abs(self.machine - reference) > allowed * size))
        entries = f"{count} of {self.machine.size} entries differ"
        fault = f"relative error {error:.2g}, allowed {allowed:.2g}; {entries}"
        check = self.check
        found = Disagreement(
            check.leaves, check.names, self.i, self.level, check.call(), self.recorded, self.weights,
            check.started, self.machine, reference, k, self.differences,
        )  # fmt: skip
        if unsettled:
            fault += (
                "; this may be rounding within the function: take its inputs out of saturation, or large "
                "constants out of its value"
            )
            narrow = single_precision(found)
            return self.said(error, k, fault, (narrow,) if narrow else ())
        return self.said(error, k, fault, likely_causes(found))


def _largest(array: np.ndarray) -> tuple[int, ...]:
    """The index of the largest entry."""
    return tuple(int(n) for n in np.unravel_index(int(np.argmax(np.abs(array))), array.shape))


def _fraction(error: float, size: float) -> float:
    return float(abs(error) / size) if size else np.inf if error else 0.0


def _typical(x: Tensor) -> float:
    return float(np.median(scale_of(x._value))) if x.size else 1.0


def _weights(outputs: Sequence[Tensor]) -> list[np.ndarray]:
    """1 for a single scalar; generic numbers otherwise, smaller for outputs that are larger than others."""
    if len(outputs) == 1:
        return [generic(outputs[0]._value) if outputs[0].shape else np.asarray(1.0)]
    return [generic(y._value, i) / (np.max(np.abs(y._value)) or 1.0) for i, y in enumerate(outputs)]


def _check_output(y: Any) -> None:
    if not isinstance(y, Tensor):
        raise _UnfitError(
            f"the function gave a {type(y).__name__}, which keeps no gradient; it must give a Tensor, or a "
            "tuple of Tensors"
        )
    if y.size == 0:
        raise _UnfitError(f"the function gave {describe(y)}, which is empty: there is nothing to check")
    if y.dtype.kind == "c":
        raise _UnfitError(f"the function gave {describe(y)}, which is complex: give np.real, np.imag of it")
    if not y.requires_grad:
        raise _UnfitError(
            f"the function gave {describe(y)}, which needs no gradient: no recorded path leads to it from "
            "the inputs (look for detach(), .data, no_grad, or functions without a gradient, as comparisons)"
        )
    if not np.all(np.isfinite(y._value)):
        k = _largest(~np.isfinite(y._value))
        raise _UnfitError(
            f"the function's value at {list(k)} is {y._value[k]}: choose values inside the domain"
        )


def _changed(x: Tensor) -> str:
    return (
        f"the function changes its input {describe(x)} in place, so that every call sees other values; work "
        "on a result (x * 1.0) in place of the input itself"
    )


def _differ(y: Tensor, again: Any) -> bool:
    """Whether two calls gave different values (a sum over threads may be rounded otherwise)."""
    if not isinstance(again, Tensor) or y.shape != again.shape:
        return True
    gap, size = np.max(np.abs(y._value - again._value)), np.max(np.abs(y._value))
    return bool(gap > 8 * np.finfo(y.dtype).eps * size)


def _leaves(inputs: Any) -> list[Tensor]:
    several = [inputs] if isinstance(inputs, Tensor | np.ndarray | float | int) else list(inputs)
    if not several:
        raise ValueError("gradcheck: there are no inputs to check")
    leaves = []
    for x in several:
        if not isinstance(x, Tensor):
            x = Tensor(np.asarray(x, dtype=float), requires_grad=True)
        if not x.is_leaf:
            raise ValueError(
                f"gradcheck: {describe(x)} is a result, not a leaf; give the leaves that made it"
            )
        if not x.requires_grad:
            raise ValueError(
                f"gradcheck: {describe(x)} needs no gradient; set requires_grad=True, or keep it out of the "
                "inputs, as X in gradcheck(lambda W: loss(W, X), W)"
            )
        if not isinstance(x._value, np.ndarray | np.generic):
            raise TypeError(
                f"gradcheck: {describe(x)} is another library's array; differences are taken of NumPy's: "
                "give its values, t.detach().numpy()"
            )
        leaves.append(x)
    if len({x.stamp for x in leaves}) < len(leaves):
        raise ValueError("gradcheck: an input is given twice")
    return leaves


def _positions(zero: int | str | Iterable[int | str], leaves: Sequence[Tensor]) -> set[int]:
    names = [x.name for x in leaves]
    found = set()
    if not isinstance(zero, int | str | Iterable):
        raise SettingError(f"gradcheck: zero= takes inputs by name or position, not {zero!r}")
    for entry in [zero] if isinstance(zero, int | str) else zero:
        position = names.index(entry) if isinstance(entry, str) and entry in names else entry
        if not isinstance(position, int) or not 0 <= position < len(leaves):
            raise SettingError(f"gradcheck: zero= names {entry!r}; the inputs are {names}")
        found.add(position)
    return found
