"""Gradients to every order, against differences and the complex step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.backprop import grad
from minigrad.check.examination.examination import Examination, said
from minigrad.check.gradcheck import gradcheck
from minigrad.check.oracle import Differences, analytic, generic
from minigrad.check.result import Slope
from minigrad.check.samples import Sample
from minigrad.tensor import Tensor, made


def look_at_slopes(check: Examination, sample: Sample) -> None:
    """Gradients against differences, and the complex step if the function can follow it."""
    wrong = {fault.argument for _, fault in check.found if fault.kind == "values"}
    if check.row.elementwise and wrong >= set(map(check.argument, sample.places)):
        return
    inputs = check.leaves(sample)
    wanted = [inputs[i] for i in sample.places]

    def function(*tensors: Tensor) -> Tensor:
        given = list(inputs)
        for i, x in zip(sample.places, tensors, strict=True):
            given[i] = x
        return check.record(given)

    with _following_the_complex_step(check, sample):
        first = gradcheck(function, wanted, raise_exception=False)
        if first.problem:
            check.fault(sample, "", "error", first.problem)
            return
        flat = [n for n, slope in enumerate(first.slopes) if _is_flat(slope)]
        for n, slope in enumerate(first.slopes):
            argument = check.argument(sample.places[n])
            if slope.fault and n not in flat:
                check.fault(sample, argument, "values", f"the gradient is wrong: {_diagnosis(slope)}")
            elif n not in flat:
                check.errors[argument] = max(slope.error, check.errors.get(argument, 0.0))
        if any(fault.kind == "second order" for _, fault in check.found):
            return
        if check.order == 1 or any(slope.fault for n, slope in enumerate(first.slopes) if n not in flat):
            return
        if not _can_be_recorded(check, sample, function, wanted):
            return

        def curved(*tensors: Tensor) -> Tensor:  # so that the gradient g depends on the inputs too
            y = function(*tensors)
            return y + np.square(y) / 2

        every = gradcheck(curved, wanted, check.order, zero=flat, raise_exception=False)
    names = [x.name for x in wanted]
    for slope in every.slopes:
        argument = check.argument(sample.places[names.index(slope.name)])
        if slope.order > 1 and slope.fault:
            culprit, what = _culprit(check, sample, function, wanted) or (
                argument,
                f"is not: {_diagnosis(slope)}",
            )
            check.fault(
                sample, culprit, "second order",
                f"the gradient is right, and its gradient {what}; a rule must be an expression of its "
                "arguments, without .data, numpy() or constants",
            )  # fmt: skip
            return
        if argument in check.errors:
            check.errors[argument] = max(slope.error, check.errors[argument])
    if every.problem:
        check.fault(sample, "", "error", every.problem)


def _can_be_recorded(check: Examination, sample: Sample, function: Any, wanted: list[Tensor]) -> bool:
    """Whether the rules can be applied to Tensors."""
    for x, i in zip(wanted, sample.places, strict=True):
        y = function(*wanted)
        try:
            g = Tensor(generic(y._value, 7), requires_grad=True)
            grad(y, x, gradient=g, create_graph=True, allow_unused=True)
        except Exception as error:  # of the user's rule, whatever it is
            check.fault(
                sample, check.argument(i), "second order",
                f"the gradient is right, and cannot be differentiated again: {said(error)}",
            )  # fmt: skip
            return False
    return True


def _culprit(
    check: Examination, sample: Sample, function: Any, wanted: list[Tensor]
) -> tuple[str, str] | None:
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
                return check.argument(i), f"with respect to {names[n]} {verdict}"
    return None


@contextmanager
def _following_the_complex_step(check: Examination, sample: Sample) -> Iterator[None]:
    """Context: gradcheck may take the complex step through the function, if it gives the slopes.

    A function that is not analytic as it is written (|x|, a sort, a cast) gives others, or raises.
    """
    function = check.row.function
    if function in analytic or not _follows_the_complex_step(check, sample):
        yield
        return
    analytic[function] = check.row.compute
    try:
        yield
    finally:
        analytic.pop(function, None)


def _follows_the_complex_step(check: Examination, sample: Sample) -> bool:
    for i in sample.places:
        inputs = sample.copy()
        w = generic(check.compute(inputs), 7)

        def values(x: Any, i: int = i, inputs: list[Any] = inputs) -> list[Any]:
            return [check.compute([x if j == i else other for j, other in enumerate(inputs)])]

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
