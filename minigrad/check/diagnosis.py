"""What a disagreement between the machine's gradient and the slopes looks like, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.backprop import grad
from minigrad.check.oracle import Differences, Replay, generic, leading, scale_of
from minigrad.reading import describe
from minigrad.table import name_of, table
from minigrad.tensor import Origin, Tensor, record


class Disagreement(NamedTuple):
    """One input at one order, and what was found there.

    leaves, names  all inputs, and what messages call them
    i              which of them it is
    order          of the gradient
    outputs        what the function gave
    recorded       what was differentiated: the outputs themselves, or their gradients of the order below
    weights        how its entries are added up
    started        the stamp at which the check began
    machine        the machine's gradient
    slopes         what it should be
    worst          the index of the largest difference
    differences    the way to more slopes
    """

    leaves: list[Tensor]
    names: list[str]
    i: int
    order: int
    outputs: list[Tensor]
    recorded: list[Tensor]
    weights: list[np.ndarray]
    started: int
    machine: np.ndarray
    slopes: np.ndarray
    worst: tuple[int, ...]
    differences: Differences


def likely_causes(found: Disagreement) -> tuple[str, ...]:
    """Sentences on what is likely wrong: how the numbers are related, and which operation it comes from."""
    narrow = single_precision(found)
    if narrow is None and (kink := _kink(found)):
        return (kink,)
    cause = _made_before(found) or _wrong_rule(found) or _unrecorded(found)
    likeness = _shape_of_error(found)
    if cause is None and np.max(np.abs(found.machine - found.slopes)) < 1e-6 * np.max(np.abs(found.slopes)):
        likeness, cause = (
            None,
            "so small an error may be rounding within the function (saturation, cancellation)",
        )
    return tuple(sentence for sentence in (narrow, likeness, cause) if sentence)


# ---- what the numbers look like


def _shape_of_error(found: Disagreement) -> str | None:
    """How the wrong gradient is related to the right one: 0, a factor, a transposition, a term."""
    machine, slopes = found.machine, found.slopes
    gap, size = np.abs(machine - slopes), np.max(np.abs(slopes))
    missed = (machine == 0) & (np.abs(slopes) > 1e-6 * size)
    if np.any(missed) and np.all(gap[~missed] <= 1e-6 * size):
        where = "everywhere" if not machine.any() else f"at {np.sum(missed)} of {machine.size} entries"
        return f"it is 0 {where}, where the function has a slope: a term is dropped, or its path is cut"
    factor = float(np.sum(machine * slopes) / np.sum(slopes * slopes)) if size else 0.0
    if factor and np.max(np.abs(machine - factor * slopes)) <= min(1e-5 * size, 1e-2 * np.max(gap)):
        digits = 6 if abs(factor - 1) > 1e-4 else 10
        meaning = _meaning(factor, found.leaves, found.names)
        return f"it is {factor:.{digits}g} times the slope, in every entry: {meaning}"
    if machine.ndim > 1 and np.max(np.abs(machine.ravel() - slopes.T.ravel())) <= 1e-5 * size < np.max(gap):
        return "its entries are those of the transposed slope: a transposition is missing, or one too many"
    return _parallel(found)


def _meaning(factor: float, leaves: list[Tensor], names: list[str]) -> str:
    ratio = max(abs(factor), 1 / abs(factor))
    if ratio < 1 + 1e-5:
        return (
            "the sign is wrong" if factor < 0 else "a factor is wrong, or a constant that has too few digits"
        )
    for x, name in zip(leaves, names, strict=True):
        for axis, n in enumerate(x.shape):
            if n > 2 and abs(ratio - n) < 1e-5 * n:
                return (
                    f"{n} is the length of axis {axis} of {name}; a sum may stand for a mean or the reverse"
                )
    if abs(ratio - 2) < 1e-5:
        return "a 2, as of a square or of 1/(2m), is missing or one too many"
    return "a factor is wrong"


def _parallel(found: Disagreement) -> str | None:
    """Whether the difference is a multiple of an input of the same shape, of its signs, or of 1.

    The gradient is that of Σ w y, so a term with the gradient c W leaves a difference of (Σ w) c W if it is
    in every entry of an output, and of w c W if each entry of the output has its own.  In which of several
    outputs the term should be cannot be told from their sum.
    """
    gap = found.machine - found.slopes
    if gap.size < 3:
        return None
    inputs = zip(found.leaves, found.names, strict=True)
    same = [(x._value, name) for x, name in inputs if x.shape == gap.shape]
    terms = [(x, name, " like that of an L2 penalty") for x, name in same]
    terms += [(np.sign(x), f"sign({name})", " like that of an L1 penalty") for x, name in same]
    terms += [(np.ones(gap.shape), "1", "")]
    for w in (None, *_weights_by_entry(found.weights, gap.shape)):
        for x, name, like in terms:
            if factor := _multiple(gap, x if w is None else w * x):
                where = _in_every_entry(found, factor, name) if w is None else ", entry by entry"
                fate = "is dropped, doubled or has a wrong factor"
                return f"machine - slope = {factor:.6g} · {name}{where}: a term{like} {fate}"
    return None


def _multiple(gap: np.ndarray, x: np.ndarray) -> float:
    """The factor c for which gap = c x, or 0."""
    factor = float(np.sum(gap * x) / np.sum(x * x)) if np.any(x) else 0.0
    return factor if np.max(np.abs(gap - factor * x)) <= 1e-4 * np.max(np.abs(gap)) else 0.0


def _weights_by_entry(weights: Sequence[np.ndarray], shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The weights of outputs that have an entry for each entry of the input, or for each along some axes."""
    for w in weights:
        missing = len(shape) - w.ndim
        for ahead in dict.fromkeys((missing, 0)):
            full = (1,) * ahead + w.shape + (1,) * (missing - ahead)
            if w.size > 1 and missing >= 0 and all(n in (1, m) for n, m in zip(full, shape, strict=True)):
                yield np.broadcast_to(w.reshape(full), shape)


def _in_every_entry(found: Disagreement, factor: float, name: str) -> str:
    """Of what the difference is c W, and what it is then for each entry of an output alone."""
    w = found.weights[0]
    if len(found.weights) == 1 and not w.ndim:
        return ""
    summed = f" for the weighted sum of the {'outputs' if found.order == 1 else 'gradients'}"
    if len(found.weights) > 1:
        return summed
    return f"{summed}, {factor / float(np.sum(w)):.6g} · {name} for each entry"


# ---- where it comes from


def single_precision(found: Disagreement) -> str | None:
    """What is computed in less than double precision, if something is."""
    for x in (*found.leaves, *(node for node, _ in leading(found.recorded))):
        if x.dtype != np.float64:
            made = f", made by {name_of(x.origin[0])}," if x.origin is not None else ""
            return (
                f"{describe(x)}{made} is {x.dtype}, whose differences agree to about 1e-3 and at best 1e-5: "
                "check in float64, or with a tolerance= of that size"
            )
    return None


def _kink(found: Disagreement) -> str | None:
    """Whether the slopes to the left and to the right stay apart, and the same, as the steps get shorter."""
    k, differences = found.worst, found.differences
    long, short = 1e-4 * differences.scale[k], 1e-6 * differences.scale[k]
    before, after = differences.one_sided(k, long)
    left, right = differences.one_sided(k, short)
    jump = abs(right - left)
    least = max(
        0.3 * abs(after - before),  # a smooth curve's falls with the step
        1e-3 * max(abs(left), abs(right)),
        100 * differences.refine(k).noise / short,
    )
    same = all(
        abs(near - far) <= 0.1 * jump or abs(near) > 30 * abs(far)  # or it is the kink of a step
        for near, far in ((left, before), (right, after))
    )
    if not (jump > least and same):
        return None
    place = f"{found.names[found.i]}{list(k) if k else ''} = {found.leaves[found.i]._value[k] + 0.0:.6g}"
    return (
        f"{place} is on a kink: the slope is {left:.6g} to its left and {right:.6g} to its right; move it "
        "away, for there is no gradient to agree with"
    )


def _made_before(found: Disagreement) -> str | None:
    for node, (function, *_) in leading(found.recorded, found.leaves[found.i]):
        if node.stamp < found.started:
            return (
                f"{describe(node)}, made by {name_of(function)}, was computed before the function was "
                "called, so its values do not follow the input: compute it inside the function"
            )
    return None


def _wrong_rule(found: Disagreement) -> str | None:
    """The first operation whose own derivative, taken alone, is wrong at this order."""
    tried = set()
    for node, (function, inputs, _) in filter(_is_real, leading(found.outputs)):
        key = (function, *(x.shape if isinstance(x, Tensor) else np.shape(x) for x in inputs))
        if key in tried:
            continue
        tried.add(key)
        alone = _Alone(node)
        if found.order == 1 and (wrong := alone.wrong_places()):
            arguments = " and ".join(map(alone.argument, wrong))
            shapes = [(alone.result_of_rule(i).shape, np.shape(alone.arrays[i])) for i in wrong]
            turned = [
                f": it gives {given} for {own}, transposed" for given, own in shapes if _turned(given, own)
            ]
            return (
                f"the rule of {name_of(function)} for {arguments} is wrong when checked alone"
                f"{''.join(turned[:1])}"
            )
        if found.order > 1 and alone.wrong_beyond_first_order():
            return (
                f"the rules of {name_of(function)} are right to first order and not beyond: they must be "
                "expressions of their arguments, without .data, numpy() or constants"
            )
    return None


def _is_real(made: tuple[Tensor, Origin]) -> bool:
    """Whether no complex numbers are in it: only then is an operation checked alone, on real numbers."""
    node, (_, inputs, _) = made
    return not any(np.iscomplexobj(x._value if isinstance(x, Tensor) else x) for x in (node, *inputs))


def misshapen(outputs: Sequence[Tensor], leaves: list[Tensor], names: list[str]) -> str | None:
    """A sentence on the rule at which backpropagation stops because its result does not fit its argument."""
    for node, (function, inputs, _) in filter(_is_real, reversed(leading(outputs))):
        alone = _Alone(node)
        for i in alone.misfits():
            given, own = alone.result_of_rule(i), np.shape(alone.arrays[i])
            shape = getattr(given, "shape", None)
            what = "a transposed result" if _turned(shape, own) else "a result that does not fit"
            of = f"of shape {shape}" if shape is not None else f"{given!r}, which is no array,"
            return (
                f"the rule of {name_of(function)} for {alone.argument(i)} gives {what}: a gradient {of} for "
                f"{_place(inputs[i], outputs, leaves, names)}"
            )
    return None


def _turned(given: tuple[int, ...] | None, own: tuple[int, ...]) -> bool:
    """Whether a shape has another's axes in another order."""
    return given is not None and given != own and sorted(given) == sorted(own)


def _place(x: Tensor, outputs: Sequence[Tensor], leaves: list[Tensor], names: list[str]) -> str:
    """A Tensor of a graph, and the inputs from which it comes."""
    for leaf, name in zip(leaves, names, strict=True):
        if x is leaf:
            return describe(x) if x.name == name else f"{name} {x.shape}"
    comes_from = [
        name
        for leaf, name in zip(leaves, names, strict=True)
        if any(node is x for node, _ in leading(outputs, leaf))
    ]
    return f"{describe(x)}, which comes from {' and '.join(comes_from)}"


class _Alone:
    """One recorded operation, apart from its graph, moved along a generic direction of its inputs."""

    def __init__(self, node: Tensor) -> None:
        assert node.origin is not None
        self.function, inputs, self.parameters = node.origin
        self.row = table[self.function]
        self.places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        self.arrays = [_double(x._value) if isinstance(x, Tensor) else x for x in inputs]
        starts = [self.arrays[i] for i in self.places] + [generic(node._value, 7)]  # the last is g
        self.starts = [np.asarray(x) for x in starts]
        self.moves = [generic(x, n) * scale_of(x) for n, x in enumerate(self.starts)]

    def argument(self, i: int) -> str:
        """The name of an argument in the row."""
        return self.row.arrays[0 if self.row.many else i]

    def result_of_rule(self, i: int) -> Any:
        """What the rule for an argument gives, as it is."""
        y = self.row.compute(*self.arrays, **self.parameters)
        given = self.row.rules[0 if self.row.many else i](self.starts[-1], y, self.arrays, self.parameters)
        return given[i] if self.row.many else given

    def misfits(self) -> Iterator[int]:
        """The places of the arguments whose rule gives what backpropagation refuses."""
        leaves = self._at(0.0)
        for x, i in zip(leaves, self.places, strict=False):
            try:
                self._gradients(leaves, create_graph=False, wanted=[x])
            except (TypeError, ValueError):
                yield i

    def wrong_places(self) -> list[int]:
        """The places of the arguments whose rule does not give the slope."""
        gradients = self._gradients(self._at(0.0), create_graph=False)
        self._follow(gradients)
        wrong = []
        for n, i in enumerate(self.places):

            def values(t: Any, n: int = n, i: int = i) -> list[Any]:
                given = list(self.arrays)
                given[i] = self.starts[n] + t * self.moves[n]
                return [self.row.compute(*given, **self.parameters)]

            if _off(gradients[n]._value * self.moves[n], values, self.starts[-1:]):
                wrong.append(i)
        return wrong

    def wrong_beyond_first_order(self) -> bool:
        """Whether the gradient of Σ v ∂/∂x is not the slope of Σ v ∂/∂x."""
        leaves = self._at(0.0)
        weights = [generic(x, 20 + n) for n, x in enumerate(self.starts[:-1])]
        first = self._gradients(leaves, create_graph=True)
        total: Any = sum(np.sum(v * g) for v, g in zip(weights, first, strict=True))
        second = grad(total, leaves, allow_unused=True)
        self._follow(second)
        terms = np.array([np.sum(g._value * u) for g, u in zip(second, self.moves, strict=True)])
        return _off(
            terms, lambda t: [g._value for g in self._gradients(self._at(t), create_graph=False)], weights
        )

    def _follow(self, gradients: Any) -> None:
        """Turn the moves so that no two entries' slopes cancel."""
        signed = [np.copysign(u, g._value) for u, g in zip(self.moves, gradients, strict=False)]
        self.moves = signed + self.moves[len(signed) :]

    def _at(self, t: Any) -> list[Tensor]:
        return [Tensor(x + t * u, requires_grad=True) for x, u in zip(self.starts, self.moves, strict=True)]

    def _gradients(self, leaves: list[Tensor], create_graph: bool, wanted: list[Tensor] | None = None) -> Any:
        given = list(self.arrays)
        for i, x in zip(self.places, leaves, strict=False):
            given[i] = x
        y = record(self.function, tuple(given), self.parameters)
        wanted = leaves[:-1] if wanted is None else wanted
        return grad(y, wanted, gradient=leaves[-1], create_graph=create_graph, allow_unused=True)


def _off(terms: np.ndarray, values: Any, weights: list[np.ndarray]) -> bool:
    """Whether the machine's slope, a sum of terms, is not the slope of Σ w values(t) at t = 0."""
    slope, uncertainty, _ = Differences(values, weights, np.zeros(())).refine(())
    size = max(float(np.sum(np.abs(terms))), abs(slope))
    return abs(float(np.sum(terms)) - slope) > max(1e-7 * size, 10 * uncertainty)


def _double(x: Any) -> Any:
    return x.astype(float) if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f" else x


def _unrecorded(found: Disagreement) -> str | None:
    """Whether the recorded graph has the machine's slope, and the function another."""
    leaf, machine = found.leaves[found.i], found.machine[found.worst]
    path = leading(found.recorded, leaf)
    if found.order == 1 and not path:
        return "no recorded path leads from it to the output: look for detach(), .data, numpy() or no_grad"
    if path:
        replay = Replay(found.recorded, leaf)
        slope, uncertainty, _ = Differences(replay, found.weights, leaf._value).refine(found.worst)
        close = 1e-6 * max(abs(slope), abs(machine)) + 3 * uncertainty
        if abs(slope - machine) > close or abs(slope - found.slopes[found.worst]) <= close:
            return None
    if found.order > 1:
        return (
            "the gradient of the order below is right, but its graph misses a dependence: something works on "
            "plain arrays, or holds a value that it should compute"
        )
    return (
        "the recorded graph has the machine's slope and the function another: it computes with something "
        "that is not recorded (detach(), .data, numpy() or no_grad)"
    )
