"""The corpus of submissions: the correct ones are right, the faulty ones are wrong where they say."""

from __future__ import annotations

import ast
import re
import textwrap
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from students import correct, faulty
from students.networks import networks

import minigrad as mg
from minigrad.program import Program

seeds = (0, 1)
of_submission = pytest.mark.parametrize(
    "submission", [*correct.submissions, *faulty.submissions], ids=lambda s: s.name
)
of_correct = pytest.mark.parametrize("submission", correct.submissions, ids=lambda s: s.name)
of_faulty = pytest.mark.parametrize("submission", faulty.submissions, ids=lambda s: s.name)
of_network = pytest.mark.parametrize("network", networks)


@cache
def recorded(network, seed):
    """The loss, the values, and the gradient of every named value that has one."""
    loss, values = networks[network](seed)
    program = Program(loss)
    results = [equation.output for equation in program.equations if equation.output.tensor.ndim]
    wanted = [v for v in (*program.leaves, *results) if v.label and v.tensor.requires_grad]
    gradients = mg.grad(loss, [v.tensor for v in wanted])
    return loss, values, {f"d{v.name}": np.asarray(g) for v, g in zip(wanted, gradients, strict=True)}


@cache
def upstream(network):
    """name -> the gradients that it is computed from, by name: those of what is computed from the value."""
    program = Program(networks[network](0)[0])
    behind = {variable: set() for variable in program.leaves}
    for equation in program.equations:
        inputs = [x for x in equation.inputs if x in behind]
        behind[equation.output] = set(inputs).union(*(behind[x] for x in inputs))
    names = {f"d{v.name}": {f"d{x.name}" for x in found if x.label} for v, found in behind.items() if v.label}
    return {name: {later for later, needs in names.items() if name in needs} for name in names}


def standard(submission, seed):
    """What is handed in, as the network has it."""
    _, values, _ = recorded(submission.network, seed)
    with np.errstate(all="raise"):
        handed_in = submission.submit(values)
    return {name: submission.standard(name, array, values) for name, array in handed_in.items()}


def error(array, right):
    """The largest difference, relative to the largest entry; infinite for another shape."""
    if array.shape != right.shape:
        return np.inf
    difference, largest = np.max(np.abs(array - right)), np.max(np.abs(right))
    return difference / largest if largest else np.inf * difference if difference else 0.0


def errors(submission, seed):
    _, _, right = recorded(submission.network, seed)
    return {name: error(array, right[name]) for name, array in standard(submission, seed).items()}


def tolerance(submission):
    return 1e-5 if submission.single else 1e-12


# ---- the networks


@of_network
def test_another_seed_gives_other_numbers_for_the_same_structure(network):
    (one, values, _), (other, others, _) = (recorded(network, seed) for seed in seeds)
    assert Program(one) == Program(other)
    assert {name: np.shape(value) for name, value in values.items()} == {
        name: np.shape(value) for name, value in others.items()
    }
    assert not np.allclose(values["X"], others["X"])


@of_network
def test_values_are_arrays_and_numbers_with_identifiers(network):
    _, values, _ = recorded(network, 0)
    assert values["m"] == 7 == len(values["X"])
    assert values.get("lambd", 0.9) == 0.9
    assert values.get("keep_prob", 0.8) == 0.8
    for name, value in values.items():
        assert name.isidentifier()
        assert type(value) in (np.ndarray, int, float)


@of_network
@pytest.mark.parametrize("seed", seeds)
def test_the_derivation_gives_the_gradients(network, seed):
    loss, _, right = recorded(network, seed)
    _, derived = mg.derive(loss).run()
    for name, gradient in derived.items():
        assert error(gradient, right[name]) < 1e-12


def test_units_are_dead_where_that_is_said():
    for seed in seeds:
        _, values, _ = recorded("dead units", seed)
        assert np.sum(np.all(values["Z1"] == 0, axis=0)) == 2


def test_every_network_has_submissions():
    assert {s.network for s in (*correct.submissions, *faulty.submissions)} == networks.keys()


# ---- the submissions


def test_names_are_unique():
    names = [s.name for s in (*correct.submissions, *faulty.submissions)]
    assert len(set(names)) == len(names)


@of_submission
def test_it_is_finite_and_changes_nothing(submission):
    _, values, right = recorded(submission.network, 0)
    before = {name: np.copy(value) for name, value in values.items()}
    given = standard(submission, 0)
    assert given
    assert given.keys() <= right.keys()
    assert all(np.all(np.isfinite(array)) for array in given.values())
    assert all(np.array_equal(values[name], before[name]) for name in values)


@of_submission
def test_it_gives_the_same_again_unless_it_is_random(submission):
    first, again = standard(submission, 0), [standard(submission, 0) for _ in range(5)]
    same = all(np.array_equal(first[name], given[name]) for given in again for name in first)
    assert same != submission.random


@of_correct
@pytest.mark.parametrize("seed", seeds)
def test_a_correct_submission_is_right(submission, seed):
    wrong = {name: e for name, e in errors(submission, seed).items() if e > tolerance(submission)}
    assert not wrong
    assert not any((submission.mistake, submission.where, submission.says, submission.faults))


@of_faulty
def test_a_faulty_submission_says_what_is_wrong(submission):
    assert submission.mistake
    assert submission.where
    assert set(submission.where) <= upstream(submission.network).keys()
    assert submission.faults in (0, 1, 2)
    assert bool(submission.faults) == bool(submission.says)
    assert not submission.says or not re.search(submission.says, "", re.IGNORECASE)


@of_faulty
@pytest.mark.parametrize("seed", seeds)
def test_a_faulty_submission_is_wrong_where_it_says_and_nowhere_else(submission, seed):
    may_be_wrong = {
        name
        for name, above in upstream(submission.network).items()
        if name in submission.where or above & set(submission.where)
    }
    found = errors(submission, seed)
    right = {name for name, e in found.items() if e <= tolerance(submission)}
    wrong = {name for name, e in found.items() if e > 1e-6}
    assert right | wrong == found.keys(), "wrong enough to be told from rounding"
    assert wrong
    assert wrong <= may_be_wrong
    assert not right & set(submission.where)


@of_faulty
def test_every_place_of_a_mistake_shows(submission):
    """Each of the gradients in `where` is wrong in what is handed in, or what follows from it."""
    wrong = {name for name, e in errors(submission, 0).items() if e > 1e-6}
    for place in submission.where:
        assert any(name == place or place in upstream(submission.network)[name] for name in wrong), place


@cache
def lines(network, seed):
    """The names that the backward lines of the derivation use, and the lines themselves by name, compiled."""
    loss, values, _ = recorded(network, seed)
    derivation = mg.derive(loss)
    functions, _, function = derivation.numpy().partition("def loss_and_gradients")
    known = {line.value.name: line.value.tensor.data for line in derivation.lines.lines} | values
    exec(functions, known)
    text = function.partition("# backward")[2].partition("return")[0]
    assignments = ast.parse(textwrap.dedent(f"    {text.strip()}")).body
    return known, {a.targets[0].id: compile(ast.Expression(a.value), "line", "eval") for a in assignments}


@of_submission
def test_what_follows_from_the_gradients_before_it_is_right_given_those(submission):
    """A line of the derivation, with what was handed in for the lines before it, gives what was handed in for
    it, unless a mistake is made there.  A mistake in a line that was not handed in hides what comes after."""
    forward, backward = lines(submission.network, 0)
    given = standard(submission, 0)
    known = {name: value for name, value in forward.items() if name not in backward}
    for name, expression in backward.items():
        if all(used in known or used not in backward for used in expression.co_names):
            follows = eval(expression, known)
            if name in given:
                far = error(given[name], follows) > (1e-4 if submission.single else 1e-9)
                assert far == (name in submission.where), name
            elif name not in submission.where:
                known[name] = follows
        if name in given:
            known[name] = given[name]


@of_network
def test_no_two_faulty_submissions_are_the_same(network):
    """They differ in something that both hand in, if the mistakes are in one place, or all that is wrong is
    handed in by both."""
    for one, other in combinations([s for s in faulty.submissions if s.network == network], 2):
        ones, others = standard(one, 0), standard(other, 0)
        wrong = {name for s in (one, other) for name, e in errors(s, 0).items() if e > 1e-6}
        common = ones.keys() & others.keys()
        if wrong <= common or (set(one.where) == set(other.where) and wrong & common):
            assert any(error(ones[name], others[name]) > 1e-6 for name in common), (one.name, other.name)
