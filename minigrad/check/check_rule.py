"""check_rule: is the row of a function of one's own right in everything that a row promises?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.check.examination.behaviour import look_at_function, look_at_rule
from minigrad.check.examination.examination import Examination, said
from minigrad.check.examination.precision import look_at_layout, look_at_precision
from minigrad.check.examination.values import look_at_slopes
from minigrad.check.result import GradcheckError, RuleResult
from minigrad.check.samples import Sample, generic_samples, sample_of
from minigrad.table import Row, enter_further, name_of, table
from minigrad.tensor import Tensor


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
    check = Examination(row, given, order, asked_for=bool(samples))
    for sample in chosen:
        _look_at(check, sample)
    result = check.result()
    if not result and raise_exception:
        raise GradcheckError(result)
    return result


def _look_at(check: Examination, sample: Sample) -> None:
    """Everything, on one sample; what depends on something that is wrong already is left out."""
    if check.is_spoilt():
        return
    check.tried.append(sample)
    look_at_function(check, sample)
    if check.is_spoilt():
        return
    good = [i for i in sample.places if look_at_rule(check, sample, i)]
    if len(good) < len(sample.places):
        return
    if all(np.size(sample.inputs[i]) for i in good) and np.size(check.compute(sample.copy())):
        try:
            look_at_slopes(check, sample)
        except (ValueError, TypeError, ArithmeticError, IndexError) as error:
            check.fault(sample, "", "error", f"beside the sample it raises {said(error)}")
            return
    for i in good:
        look_at_precision(check, sample, i)
        look_at_layout(check, sample, i)


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
