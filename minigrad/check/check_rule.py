"""check_rule: is the row of a function of one's own right in everything that a row promises?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.backprop import grad
from minigrad.check.gradcheck import gradcheck
from minigrad.check.oracle import Differences, analytic, generic
from minigrad.check.result import GradcheckError, RuleFault, RuleResult, Slope
from minigrad.check.samples import Sample, generic_samples, sample_of
from minigrad.table import Row, enter_further, name_of, table
from minigrad.tensor import Tensor, made, record


def check_rule(
    function: Callable[..., Any],
    *samples: Any,
    order: int = 2,
    raise_exception: bool = True,
    **parameters: Any,
) -> RuleResult:
    """Check the row of a function in all that a row promises, and say what is wrong with which rule.

    Values and shapes of gradients are compared, up to `order`, with differences and with the complex step if
    the function can follow it; float32 is to stay float32 through forward and backward; function and rules
    are to change nothing that they are given, and to give the same twice; an elementwise rule is to hold for
    a gradient that is left broadcast.

    function         a `primitive` with its row, or any function that has one
    samples          what to try it on: for each call a tuple of its arrays (for a function of one array, the
                     array).  Without them generic ones are made, of both signs or, where the function gives
                     nan, positive ones or fractions: every way to broadcast if the row is elementwise, and
                     several shapes otherwise, of which those are kept that the function takes
    parameters       the function's own, by name
    raise_exception  False gives a result that is false, in place of the error
    Returns:         a RuleResult that is true
    Raises:          GradcheckError, with the result in `.result`; TypeError for a function without a row or
                     with parameters that it does not have; ValueError for samples that do not fit.

    >>> from minigrad import derivative, primitive
    >>> @primitive
    ... def cube(x):
    ...     return x * x * x
    >>> derivative(cube, x=lambda g, x: g * 2 * x * x, elementwise=True)
    >>> result = check_rule(cube, raise_exception=False); bool(result), result.faults[0].argument
    (False, 'x')
    >>> result.faults[0].text
    'the gradient is wrong: it is 0.666667 times the slope, in every entry: a factor is wrong'
    """
    row = _row_of(function)
    if order not in range(1, 10):
        raise ValueError(f"check_rule: order must be 1, 2 ..., not {order!r}")
    given = _given_parameters(row, parameters)
    chosen = [_as_sample(row, sample, n) for n, sample in enumerate(samples)] or generic_samples(row, given)
    check = _RuleCheck(row, given, order, asked_for=bool(samples))
    for sample in chosen:
        check.run(sample)
    result = check.result()
    if not result and raise_exception:
        raise GradcheckError(result)
    return result


# ---- what is asked for


def _row_of(function: Any) -> Row:
    if callable(function):
        enter_further(function)
    row = table.get(function) if callable(function) else None
    if row is None:
        name = name_of(function) if callable(function) else repr(function)
        raise TypeError(
            f"check_rule: {name} has no row; mark it with @minigrad.primitive and enter one with "
            "minigrad.derivative"
        )
    if row.constant:
        raise TypeError(
            f"check_rule: {name_of(function)} has no gradient by design: there is no rule to check"
        )
    return row


def _given_parameters(row: Row, parameters: dict[str, Any]) -> dict[str, Any]:
    unknown = [name for name in parameters if name not in row.parameters]
    missing = [
        name for name, value in row.parameters.items() if value is Row.required and name not in parameters
    ]
    if unknown or missing:
        wrong = [f"it has no {name}=" for name in unknown] + [f"{name}= is missing" for name in missing]
        raise TypeError(
            f"check_rule: the parameters of {name_of(row.function)} are {list(row.parameters)}; "
            f"{', '.join(wrong)}"
        )
    return {**row.parameters, **parameters}


def _as_sample(row: Row, sample: Any, n: int) -> Sample:
    single = len(row.arrays) == 1 and not row.many
    given = (sample,) if single and not isinstance(sample, tuple) else sample
    wanted = f"a tuple of ({', '.join(row.arrays)})" if not row.many else "a list of arrays"
    if not isinstance(given, tuple | list) or not (row.many or len(given) == len(row.arrays)):
        raise ValueError(f"check_rule: sample {n} of {name_of(row.function)} must be {wanted}")
    arrays = [x._value if isinstance(x, Tensor) else x for x in given]
    arrays = [x if isinstance(x, int | float | None) else np.array(x) for x in arrays]
    if single and isinstance(arrays[0], int | float):
        arrays = [np.array(float(arrays[0]))]
    found = sample_of(row, tuple(arrays))
    if not found.places:
        raise ValueError(
            f"check_rule: sample {n}, {found}, has no floating-point array to differentiate; give {wanted}"
        )
    return found


# ---- the checks


class _RefusedError(Exception):
    """A rule raises, or gives what backpropagation cannot use."""


def _spoils_all_else(fault: RuleFault) -> bool:
    """Whether nothing can be told about other rules and samples until this is mended."""
    return fault.kind in ("in place", "purity") or (not fault.argument and fault.kind != "dtype")


class _RuleCheck:
    """One call of check_rule: a row, the parameters, and what was found so far."""

    def __init__(self, row: Row, parameters: dict[str, Any], order: int, asked_for: bool) -> None:
        self.row, self.parameters, self.order, self.asked_for = row, parameters, order, asked_for
        self.found: list[tuple[Sample, RuleFault]] = []
        self.tried: list[Sample] = []
        self.errors: dict[str, float] = {}

    def run(self, sample: Sample) -> None:
        """Everything, on one sample; what depends on something that is wrong already is left out."""
        if any(_spoils_all_else(fault) for _, fault in self.found):
            return
        self.tried.append(sample)
        self.look_at_function(sample)
        if any(_spoils_all_else(fault) for _, fault in self.found):
            return
        good = [i for i in sample.places if self.look_at_rule(sample, i)]
        if len(good) < len(sample.places):
            return
        if all(np.size(sample.inputs[i]) for i in good) and np.size(self.compute(sample.copy())):
            try:
                self.look_at_slopes(sample)
            except (ValueError, TypeError, ArithmeticError, IndexError) as error:
                self.fault(sample, "", "error", f"beside the sample it raises {_said(error)}")
                return
        for i in good:
            self.look_at_precision(sample, i)
            self.look_at_layout(sample, i)

    def result(self) -> RuleResult:
        """The verdict, with each kind of fault of each rule told once, where it was first seen."""
        faults: dict[tuple[str, str], RuleFault] = {}
        notes: dict[str, None] = {}
        for sample, fault in self.found:
            if self._is_excused(sample, fault):
                what = "raises or does not fit" if fault.kind == "shape" else "is wrong"
                notes[
                    f"with {sample} the function gives a value, and the rule of {fault.argument} {what}"
                ] = None
            else:
                faults.setdefault((fault.argument, fault.kind), fault)
        checked = [argument for argument, rule in self.row.written.items() if rule is not None]
        unseen = [argument for argument in checked if argument not in self.errors]
        if unseen and not faults:
            text = "no sample tells anything: the gradient is 0 or empty in all of them; give others"
            faults[unseen[0], "values"] = RuleFault(unseen[0], "values", text, str(self.tried[0]))
        name, samples = name_of(self.row.function), tuple(map(str, self.tried))
        return RuleResult(name, tuple(faults.values()), samples, dict(self.errors), tuple(notes)[:3])

    def _is_excused(self, sample: Sample, fault: RuleFault) -> bool:
        """Whether a rule may be meant for other arrays only: those that were made here may be no use of it.

        That is so if no sample with as many axes passes.  It must raise, unless there are several arguments:
        a rule for a product of matrices holds for no vectors, and cannot always know.
        """
        if (
            self.asked_for
            or self.row.elementwise
            or not fault.argument
            or sample.ndims == self.tried[0].ndims
        ):
            return False
        useless = {id(other) for other, _ in self.found} | {id(x) for x in self.tried if x.is_empty}
        if any(other.ndims == sample.ndims and id(other) not in useless for other in self.tried):
            return False
        return fault.kind == "shape" or (fault.kind == "values" and len(self.row.arrays) > 1)

    def fault(self, sample: Sample, argument: str, kind: str, text: str) -> None:
        """Note what is wrong."""
        if kind in ("shape", "values") and not (self.asked_for or self.row.elementwise):
            text += "; if it is not meant for such arrays, give samples" * (sample is not self.tried[0])
        self.found.append((sample, RuleFault(argument, kind, text, str(sample))))

    def compute(self, inputs: list[Any]) -> Any:
        """The function on plain arrays."""
        with np.errstate(all="ignore"):
            return np.asarray(self.row.compute(*inputs, **self.parameters))

    def pull(self, i: int, g: Any, y: Any, inputs: list[Any]) -> Any:
        """What the rule for input i gives, as it is."""
        with np.errstate(all="ignore"):
            d = self.row.rules[0 if self.row.many else i](g, y, inputs, self.parameters)
        return d[i] if self.row.many else d

    def argument(self, i: int) -> str:
        """The name of an input's argument in the row."""
        return self.row.arrays[0 if self.row.many else i]

    # ---- the function

    def look_at_function(self, sample: Sample) -> None:
        """It changes nothing that it is given, and gives the same twice."""
        inputs = sample.copy(writeable=True)
        held = [np.array(x) for x in inputs]
        try:
            y = np.array(self.compute(inputs))
            again = self.compute(sample.copy(writeable=True))
        except Exception as error:  # of the user's function, whatever it is
            self.fault(sample, "", "error", f"it raises {_said(error)}")
            return
        if written := _written_into(inputs, held, sample.names):
            self.fault(
                sample, "", "in place",
                f"it writes into its argument {written}, which a graph may hold; work on a copy",
            )  # fmt: skip
        elif y.dtype.kind != "f":
            self.fault(sample, "", "error", f"it gives {y.dtype}, which has no gradient")
        elif not np.all(np.isfinite(y)):
            self.fault(sample, "", "error", "it gives nan or inf; choose samples inside the domain")
        elif y.shape != again.shape or not np.array_equal(y, again):
            self.fault(
                sample, "", "purity",
                "it gives other values for the same arguments: it draws at random, or keeps state",
            )  # fmt: skip
        elif self.row.elementwise and y.shape != np.broadcast_shapes(*map(np.shape, inputs)):
            self.fault(
                sample, "", "broadcast",
                f"it is marked elementwise=True and gives the shape {y.shape}; leave the mark out",
            )  # fmt: skip
        elif self.row.linear and (name := self._not_linear(sample)):
            self.fault(
                sample, "", "linear",
                f"it is marked linear=True and is not linear in {name}; leave the mark out",
            )  # fmt: skip
        else:
            try:
                narrow = self.compute(sample.copy(np.float32))
            except Exception as error:  # what it writes may be what was there: x *= 1
                if "read-only" in str(error):
                    kind, text = (
                        "in place",
                        "it writes into its argument, which a graph may hold; work on a copy",
                    )
                else:
                    kind, text = "error", f"float32 input raises {_said(error)}"
                self.fault(sample, "", kind, text)
                return
            if _all_floating(sample) and narrow.dtype != np.float32:
                self.fault(
                    sample, "", "dtype",
                    f"float32 input gives a {narrow.dtype} result{_widened(narrow.dtype)}",
                )  # fmt: skip

    def _not_linear(self, sample: Sample) -> str | None:
        """The name of an argument with a rule, of whose sums and multiples it gives others."""

        def value(i: int, x: Any) -> np.ndarray:
            inputs = sample.copy()
            inputs[i] = x
            return np.asarray(self.compute(inputs))

        for i in (i for i, rule in enumerate(self.row.rules) if rule is not None and not self.row.many):
            x = np.asarray(sample.copy()[i])
            part = np.asarray(generic(x, 9), x.dtype)
            try:
                whole, parts = value(i, x + 2 * part), value(i, x) + 2 * value(i, part)
            except Exception:  # of the user's function, whatever it is: outside of its domain
                return sample.names[i]
            if not _close(whole, parts, parts.shape):
                return sample.names[i]
        return None

    # ---- a rule on plain arrays

    def look_at_rule(self, sample: Sample, i: int) -> bool:
        """It gives an array that fits, changes nothing, and gives the same twice."""
        argument = self.argument(i)
        before = len(self.found)
        try:
            self._look_at_rule(sample, i, argument)
        except _RefusedError as reason:
            self.fault(sample, argument, "shape", str(reason))
        return len(self.found) == before

    def _look_at_rule(self, sample: Sample, i: int, argument: str) -> None:
        given, names = self._given(sample)
        held = [np.array(x) for x in given]
        d = self._pulled(i, given)
        if written := _written_into(given, held, names):
            self.fault(
                sample, argument, "in place",
                f"it writes into {written}, which others still use; make a new array of it",
            )  # fmt: skip
            return
        if not hasattr(d, "shape") or not hasattr(d, "dtype"):
            raise _RefusedError(f"gives {d!r}, not an array")
        kept = np.array(d)
        again, _ = self._given(sample)
        second = np.array(self._pulled(i, again))
        if kept.shape != second.shape or not np.array_equal(kept, second, equal_nan=True):
            self.fault(
                sample, argument, "purity",
                "it gives other values for the same arguments: it draws at random, or keeps state",
            )  # fmt: skip
            return
        again[0] = again[0] * 2.0 + 1.0
        self._pulled(i, again)
        if not np.array_equal(kept, d, equal_nan=True):
            self.fault(
                sample, argument, "purity",
                "it gives the same array each time, so that a later use overwrites an earlier one",
            )  # fmt: skip
            return
        self._fit(sample, i, d)

    def _given(self, sample: Sample) -> tuple[list[Any], list[str]]:
        """[g, y, *inputs], all of which can be written to, and what they are called."""
        inputs = sample.copy(writeable=True)
        y = np.array(self.compute(inputs))
        return [generic(y, 7), y, *inputs], ["g", "y", *sample.names]

    def _pulled(self, i: int, given: list[Any]) -> Any:
        try:
            return self.pull(i, given[0], given[1], given[2:])
        except Exception as error:  # of the user's rule, whatever it is
            raise _RefusedError(f"raises {_said(error)}") from error

    def _fit(self, sample: Sample, i: int, d: Any) -> None:
        leaves = self.leaves(sample)
        y = self.record(leaves)
        try:
            grad(y, leaves[i], gradient=generic(y._value, 7), allow_unused=True)
        except (ValueError, TypeError):
            own = np.shape(sample.inputs[i])
            turned = d.shape != own and sorted(d.shape) == sorted(own)
            what = "transposed" if turned else f"which does not fit the result {y.shape} either"
            raise _RefusedError(
                f"gives a gradient of shape {d.shape} for one of shape {own}: {what}"
            ) from None

    # ---- values, to every order

    def leaves(self, sample: Sample) -> list[Any]:
        """The inputs, with a leaf, which has the argument's name, for each that is differentiated."""
        inputs = sample.copy()
        for i in sample.places:
            inputs[i] = made(inputs[i], requires_grad=True)
            inputs[i].name = sample.names[i]
        return inputs

    def record(self, inputs: list[Any]) -> Tensor:
        """The function, recorded."""
        return record(self.row.function, tuple(inputs), self.parameters)

    def look_at_slopes(self, sample: Sample) -> None:
        """Gradients against differences, and the complex step if the function can follow it."""
        wrong = {fault.argument for _, fault in self.found if fault.kind == "values"}
        if self.row.elementwise and wrong >= set(map(self.argument, sample.places)):
            return
        inputs = self.leaves(sample)
        wanted = [inputs[i] for i in sample.places]

        def function(*tensors: Tensor) -> Tensor:
            given = list(inputs)
            for i, x in zip(sample.places, tensors, strict=True):
                given[i] = x
            return self.record(given)

        with self.following_the_complex_step(sample):
            first = gradcheck(function, wanted, raise_exception=False)
            if first.problem:
                self.fault(sample, "", "error", first.problem)
                return
            flat = [n for n, slope in enumerate(first.slopes) if _is_flat(slope)]
            for n, slope in enumerate(first.slopes):
                argument = self.argument(sample.places[n])
                if slope.fault and n not in flat:
                    self.fault(sample, argument, "values", f"the gradient is wrong: {_diagnosis(slope)}")
                elif n not in flat:
                    self.errors[argument] = max(slope.error, self.errors.get(argument, 0.0))
            if any(fault.kind == "second order" for _, fault in self.found):
                return
            if self.order == 1 or any(slope.fault for n, slope in enumerate(first.slopes) if n not in flat):
                return
            if not self._can_be_recorded(sample, function, wanted):
                return

            def curved(*tensors: Tensor) -> Tensor:  # so that the gradient g depends on the inputs too
                y = function(*tensors)
                return y + np.square(y) / 2

            every = gradcheck(curved, wanted, self.order, zero=flat, raise_exception=False)
        names = [x.name for x in wanted]
        for slope in every.slopes:
            argument = self.argument(sample.places[names.index(slope.name)])
            if slope.order > 1 and slope.fault:
                culprit, what = self._culprit(sample, function, wanted) or (
                    argument,
                    f"is not: {_diagnosis(slope)}",
                )
                self.fault(
                    sample, culprit, "second order",
                    f"the gradient is right, and its gradient {what}; a rule must be an expression of its "
                    "arguments, without .data, numpy() or constants",
                )  # fmt: skip
                return
            if argument in self.errors:
                self.errors[argument] = max(slope.error, self.errors[argument])
        if every.problem:
            self.fault(sample, "", "error", every.problem)

    def _can_be_recorded(self, sample: Sample, function: Any, wanted: list[Tensor]) -> bool:
        """Whether the rules can be applied to Tensors."""
        for x, i in zip(wanted, sample.places, strict=True):
            y = function(*wanted)
            try:
                g = Tensor(generic(y._value, 7), requires_grad=True)
                grad(y, x, gradient=g, create_graph=True, allow_unused=True)
            except Exception as error:  # of the user's rule, whatever it is
                self.fault(
                    sample, self.argument(i), "second order",
                    f"the gradient is right, and cannot be differentiated again: {_said(error)}",
                )  # fmt: skip
                return False
        return True

    def _culprit(self, sample: Sample, function: Any, wanted: list[Tensor]) -> tuple[str, str] | None:
        """The argument whose rule, as a function of the inputs and g, has a wrong gradient; and which."""
        names = [*(x.name for x in wanted), "g"]
        for x, i in zip(wanted, sample.places, strict=True):
            y = function(*wanted)
            g = made(generic(y._value, 7), requires_grad=True)
            first = grad(y, x, gradient=g, create_graph=True, allow_unused=True)
            v = generic(first._value, 8)
            for n, other in enumerate([*wanted, g]):
                machine = np.zeros(other.shape)
                if first.requires_grad:
                    machine = grad(first, other, gradient=v, allow_unused=True)._value

                def values(moved: Any, n: int = n, i: int = i, g: Any = g) -> list[Any]:
                    leaves = [made(x._value, requires_grad=True) for x in (*wanted, g)]
                    leaves[n] = made(np.array(moved), requires_grad=True)
                    *inputs, g = leaves
                    x = inputs[sample.places.index(i)]
                    return [grad(function(*inputs), x, gradient=g, allow_unused=True)._value]

                slopes = Differences(values, [v], other._value).all()
                if np.max(np.abs(machine - slopes)) > 1e-5 * np.max(np.abs(slopes)) + 1e-7:
                    verdict = "is wrong" if np.any(machine) else "is 0, and should not be"
                    return self.argument(i), f"with respect to {names[n]} {verdict}"
        return None

    @contextmanager
    def following_the_complex_step(self, sample: Sample) -> Iterator[None]:
        """Context: gradcheck may take the complex step through the function, if it gives the slopes.

        A function that is not analytic as it is written (|x|, a sort, a cast) gives others, or raises.
        """
        function = self.row.function
        if function in analytic or not self._follows_the_complex_step(sample):
            yield
            return
        analytic[function] = self.row.compute
        try:
            yield
        finally:
            analytic.pop(function, None)

    def _follows_the_complex_step(self, sample: Sample) -> bool:
        for i in sample.places:
            inputs = sample.copy()
            w = generic(self.compute(inputs), 7)

            def values(x: Any, i: int = i, inputs: list[Any] = inputs) -> list[Any]:
                return [self.compute([x if j == i else other for j, other in enumerate(inputs)])]

            slopes = Differences(values, [w], inputs[i]).all()
            exact = np.empty(slopes.shape)
            for k in np.ndindex(slopes.shape):
                moved = inputs[i].astype(complex)
                moved[k] += 1e-20j
                try:
                    exact[k] = np.sum(w * np.imag(values(moved)[0])) / 1e-20
                except Exception:  # of the user's function, which need not take complex numbers
                    return False
            if not np.max(np.abs(exact - slopes)) <= 1e-6 * np.max(np.abs(slopes), initial=1e-3):
                return False
        return True

    # ---- precision, layout

    def look_at_precision(self, sample: Sample, i: int) -> None:
        """Arrays of float64 and of float32 give gradients of their own kind, and the same ones."""
        if not _all_floating(sample):
            return
        found = {}
        for dtype in (np.float64, np.float32):
            inputs = sample.copy(dtype)
            y = self.compute(inputs).astype(dtype)
            found[dtype] = d = self._quietly_pulled(i, generic(y, 7).astype(dtype), y, inputs)
            if d.dtype != dtype:
                name = np.dtype(dtype).name
                self.fault(
                    sample, self.argument(i), "dtype",
                    f"{name} input gives a {d.dtype} gradient{_widened(d.dtype)}",
                )  # fmt: skip
                return
        wide, narrow = found.values()
        size = np.max(np.abs(wide), initial=0.0)
        if wide.shape != narrow.shape or not np.max(np.abs(wide - narrow), initial=0.0) <= 1e-3 * size:
            self.fault(
                sample, self.argument(i), "dtype", "its gradient in float32 is another than in float64"
            )

    def look_at_layout(self, sample: Sample, i: int) -> None:
        """The order of axes in memory does not matter; nor does, elementwise, whether g is left broadcast."""
        inputs = sample.copy()
        y = self.compute(inputs)
        g = generic(y, 7)
        right = self._quietly_pulled(i, g, y, inputs)
        turned = [np.array(x, order="F") if isinstance(x, np.ndarray) else x for x in (g, y, *inputs)]
        if not _close(self._quietly_pulled(i, turned[0], turned[1], turned[2:]), right, right.shape):
            self.fault(
                sample, self.argument(i), "layout",
                "it depends on how arrays lie in memory; name the order, or keep to axes",
            )  # fmt: skip
        if not self.row.elementwise:
            return
        for shape in {(), *((*y.shape[:k], 1, *y.shape[k + 1 :]) for k in range(y.ndim))}:
            narrow = np.asarray(generic(np.zeros(shape), 8))
            whole = self._quietly_pulled(i, np.array(np.broadcast_to(narrow, y.shape)), y, inputs)
            if not _close(self._quietly_pulled(i, narrow, y, inputs), whole, y.shape):
                self.fault(
                    sample, self.argument(i), "broadcast",
                    f"with a gradient that is left broadcast, of shape {shape} for {y.shape}, it gives "
                    "another result: the row is marked elementwise=True; leave the mark out if it is not",
                )  # fmt: skip
                return

    def _quietly_pulled(self, i: int, g: Any, y: Any, inputs: list[Any]) -> np.ndarray:
        """The rule's result; one that raises only now gives nan, which is close to nothing."""
        try:
            return np.asarray(self.pull(i, g, y, inputs))
        except Exception:  # of the user's rule, whatever it is
            return np.full(np.shape(inputs[i]), np.nan)


# ---- words


def _said(error: Exception) -> str:
    """Its type and the first line of what it says."""
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _written_into(arrays: Sequence[Any], held: Sequence[np.ndarray], names: Sequence[str]) -> str:
    """The name of the first array that is not as it was."""
    for x, before, name in zip(arrays, held, names, strict=True):
        if isinstance(x, np.ndarray) and not np.array_equal(x, before, equal_nan=x.dtype.kind == "f"):
            return name
    return ""


def _all_floating(sample: Sample) -> bool:
    """Whether nothing but the differentiated arrays decides the dtype.

    Truth values do not; a number does, where a function makes an array of it (np.clip of a number).
    """
    return all(
        i in sample.places or x is None or (isinstance(x, np.ndarray) and x.dtype.kind == "b")
        for i, x in enumerate(sample.inputs)
    )


def _widened(dtype: Any) -> str:
    if dtype != np.float64:
        return ""
    return "; an array or np.float64 in it widens it: use Python numbers, or the argument's dtype"


def _is_flat(slope: Slope) -> bool:
    """Whether the function does not depend on it at these values, and the machine says so too."""
    return not slope.machine.any() and not slope.differences.any()


def _diagnosis(slope: Slope) -> str:
    """The sentences on what is likely; or the numbers at the worst entry."""
    known = [
        text for text in slope.likely if not text.startswith(("the rule", "the gradient of the order below"))
    ]
    if known:
        return "; ".join(known)
    k = slope.worst
    return (
        f"{slope.fault}; at {list(map(int, k))} it gives {slope.machine[k]:.6g}, where the slope is "
        f"{slope.differences[k]:.6g}"
    )


def _close(d: np.ndarray, right: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether two results are the same to rounding, once they are whole."""
    try:
        d, right = np.broadcast_to(d, shape), np.broadcast_to(right, shape)
    except ValueError:
        return False
    return bool(np.all(np.abs(d - right) <= 1e-12 * np.max(np.abs(right), initial=0.0)))
