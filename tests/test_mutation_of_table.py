"""The tests of the table are tested: every rule is broken in every way, and each case alone must notice.

The function is a case (cases.py), and the test what test_table.py holds for every case.  Nothing survives, so
nothing has to be explained; what has no effect on a case (its gradient is empty or 0 there, its copies are
one) must be noticed by another case.
"""

from __future__ import annotations

import operator

import numpy as np
import pytest
import test_table as properties
from cases import Case, rows

import minigrad as mg
from minigrad import functions
from minigrad.check.broken import changes
from minigrad.derivatives.further.factorizations import inverse_gaps
from minigrad.table import name_of, table

differentiable = [function for function in rows if not table[function].constant]

with_a_mask = {
    np.maximum: "ab", np.minimum: "ab", np.max: "a", np.min: "a", np.clip: ("a", "a_min", "a_max"),
    np.where: "ab", functions.relu: "x", operator.getitem: "a", np.prod: "a", np.median: "a",
    np.take_along_axis: ("arr",),
    np.fmax: "ab", np.fmin: "ab", np.heaviside: "b", np.nanmax: "a", np.nanmin: "a",
    np.linalg.vector_norm: "x",
}  # fmt: skip
"""Rules that stop the gradient at some entries (np.prod beside a 0, np.median of 3); others have none."""

summed = (
    np.matmul, np.einsum, np.where, np.clip, np.broadcast_to, np.take_along_axis,
    np.linalg.solve, inverse_gaps,
)  # fmt: skip
"""Functions that broadcast, beside those that work element by element."""


of_one_axis = (np.convolve,)
"""Functions of vectors, of which there is no transpose."""


def hold(case: Case) -> None:
    """What test_table.py wants of a case of a row."""
    properties.test_first_order(case)
    properties.test_second_order(case)
    properties.test_float32_stays_float32_also_inside_the_rules(case)
    properties.test_rules_change_nothing_that_they_are_given(case)
    properties.test_inputs_are_unchanged_by_forward_and_backward(case)
    if table[case.function].elementwise:
        properties.test_elementwise_rules_hold_for_a_gradient_left_broadcast(case)


def ways(function, argument: str) -> set[str]:
    """The ways in which a rule can be broken."""
    row = table[function]
    broadcasts = function in summed or (row.elementwise and len(row.arrays) > 1)
    masked = argument in with_a_mask.get(function, ())
    left_out = {
        "not un-broadcast": not broadcasts,
        "mask dropped": not masked,
        "transposed": function in of_one_axis,
    }
    return {change for change in changes if not left_out.get(change)}


@pytest.mark.parametrize("function", differentiable, ids=name_of)
def test_every_case_notices_every_broken_rule(function):
    noticed, without_effect = set(), set()
    for case in properties.of_rows:
        y = case.call(properties.leaves(case)) if case.function is function else None
        if y is None or not y.requires_grad:  # a cast to whole numbers has no gradient
            continue

        def test(case: Case = case) -> None:
            hold(case)

        if not any(map(np.any, properties.gradients(case, case.arrays, properties.weights_of(case)))):
            with pytest.raises(ValueError, match="no broken rule changes a gradient of the function"):
                mg.mutation_score(test, y)
            continue
        score = mg.mutation_score(test, y)
        assert not score.survivors, f"{case.name}: {score}"
        own = f"{name_of(function)}, rule of"  # complex cases have other operations around it
        noticed |= {(m.rule, m.change) for m in score.killed if m.rule.startswith(own)}
        without_effect |= {(m.rule, m.change) for m in score.equivalent if m.rule.startswith(own)}
    assert without_effect <= noticed
    for argument, rule in table[function].written.items():
        if rule is not None:
            name = f"{name_of(function)}, rule of {argument}"
            assert {change for rule, change in noticed if rule == name} == ways(function, argument), name
