"""Bugs to be found: the faults are real, look like a person's, and the grader finds them and no others."""

import ast
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.check.exercises import names

cases = [(names[i % len(names)], i, 1 + i % 5 // 3) for i in range(70)]
"""(exercise, seed, faults): every exercise five times, with one fault and with two."""

of_case = pytest.mark.parametrize(("name", "seed", "faults"), cases)


def function_of(source):
    namespace = {}
    exec(source, namespace)
    return namespace["loss_and_gradients"]


def written(source, line):
    """A line of the source, but for the comment."""
    return re.search(rf"^    ({re.escape(line)} = .*?) *(?:#.*)?$", source, re.MULTILINE)[1]


@of_case
def test_the_grader_names_the_planted_lines_and_mending_all_of_them_makes_it_right(name, seed, faults):
    bug = mg.find_the_bug(name, seed=seed, faults=faults)
    planted = bug.solution().mendings
    assert len(planted) == bug.faults == faults
    report = bug.submit(function_of(bug.source))
    assert sorted(fault.line for fault in report.faults) == sorted(bug.solution().names)
    assert all(fault.found for fault in report.faults)
    assert not report.ok

    source = bug.source
    for i, mending in enumerate(planted, start=1):
        assert written(source, mending.name) == mending.faulty
        source = source.replace(mending.faulty, mending.right)
        report = bug.submit(function_of(source))
        assert report.ok == (i == faults), report
        left = {x.name for x in planted[i:]}
        assert {fault.line for fault in report.faults} == left
    assert bug.solved
    assert len(bug.attempts) == faults + 1


@of_case
def test_the_text_looks_like_that_of_the_right_one(name, seed, faults):
    bug = mg.find_the_bug(name, seed=seed, faults=faults)
    ast.parse(bug.source)
    assert not re.search(r"(?<![\w.])1 \*|[*/] 1\b|- -|-1 \*|\b(\w+) / \1\b", bug.source)
    right = mg.derive(bug.loss).numpy()
    for name in bug.gradients:
        shapes = [
            re.search(rf"^    {name} = .*#(.*)$", text, re.MULTILINE)[1] for text in (bug.source, right)
        ]
        assert shapes[0] == shapes[1]
    cost, gradients = function_of(bug.source)(**bug.inputs)
    assert cost == pytest.approx(bug.loss.item(), rel=1e-12)
    for gradient, array in gradients.items():
        value = bug.values.get(gradient[1:])
        assert np.all(np.isfinite(array))
        assert value is None or array.shape == np.shape(value)


@of_case
def test_every_other_line_is_the_right_one(name, seed, faults):
    """The lines that are not planted give, from the right values, the right values."""
    bug = mg.find_the_bug(name, seed=seed, faults=faults)
    known = bug.values | {"np": np}
    exec(bug.source.partition("def loss_and_gradients")[0], known)
    right = bug._derivation
    known |= {line.value.name: line.value.tensor.data for line in right.lines.lines}
    for gradient in bug.gradients:
        off = eval(written(bug.source, gradient).partition(" = ")[2], dict(known)) - known[gradient]
        far = np.max(np.abs(off)) / np.max(np.abs(known[gradient]))
        assert far > 1e-3 if gradient in bug.solution().names else far < 1e-12, gradient


@pytest.mark.parametrize("faults", [1, 2])
def test_a_guess_says_whether_there_is_a_fault_and_nothing_else(faults):
    bug = mg.find_the_bug("both", seed=5, faults=faults)
    for name in bug.gradients:
        guess = bug.guess(name)
        assert bool(guess) == (name in bug.solution().names)
        assert (
            str(guess)
            == repr(guess)
            == (
                f"Yes: there is a fault in {name}."
                if guess
                else f"No: {name} is right, given the lines before it."
            )
        )
    assert sum(map(bool, bug.guesses)) == faults
    line = bug.solution().mendings[0].faulty
    assert bug.guess(line)
    with pytest.raises(ValueError, match="no line 'dW9'; there are dZ3, dW3"):
        bug.guess("dW9")
    assert len(bug.guesses) == len(bug.gradients) + 1


def test_the_solution_shows_the_lines_and_why():
    bug = mg.find_the_bug("dropout", seed=0, faults=2)
    text = str(bug.solution())
    assert text == repr(bug.solution())
    for mending in bug.solution().mendings:
        shown = f"wrong {mending.faulty} right {mending.right} {mending.what}: {mending.why}."
        assert shown in " ".join(text.split())
        assert mending.faulty != mending.right
        assert mending.name == mending.right.partition(" = ")[0] == mending.faulty.partition(" = ")[0]


@pytest.mark.parametrize("name", ["logistic", "tanh", "probability", "tied", "batch statistics"])
def test_a_sum_is_said_to_be_one_over_uses_only_where_each_of_its_terms_is_an_upstream_gradient(name):
    over_uses = re.compile(r"\w+ = (?=.*[+-])(?:[^()]|\(axis=0.*?\))*")
    for seed in range(14):
        for mending in mg.find_the_bug(name, seed=seed).solution().mendings:
            if "used more than once" in mending.why:
                assert over_uses.fullmatch(mending.right), mending
                assert mending.right.count("d") >= 3, mending
                assert not mending.right.startswith(f"{mending.name} = -"), mending


@pytest.mark.parametrize(
    ("name", "seed", "right", "why"),
    [
        ("tanh", 2, "dZ1 = dA1 * (1 - A1 * A1)", "the forward pass has `A1 = np.tanh(Z1)`, whose slope"),
        ("tied", 2, "dZ1 = dA1 * (1 - A1 * A1)", "the forward pass has `A1 = np.tanh(Z1)`, whose slope"),
        ("line", 8, "dR = R / m", "the forward pass has `np.square(R)`, whose slope"),
        ("logistic", 0, "dZ1 = (A1 - Y) / m", "the forward pass has `cross_entropy = np.mean("),
    ],
)
def test_what_is_wrong_within_a_slope_is_explained_by_the_slope(name, seed, right, why):
    (mending,) = mg.find_the_bug(name, seed=seed).solution().mendings
    assert mending.right == right
    assert mending.why.startswith(why)


@pytest.mark.parametrize("name", names)
def test_every_fault_has_a_reason(name):
    for seed in range(14):
        for mending in mg.find_the_bug(name, seed=seed).solution().mendings:
            assert mending.why, mending


def test_the_same_seed_gives_the_same_bug_and_seeds_differ():
    one, again = (mg.find_the_bug(seed=8, faults=2) for _ in range(2))
    assert str(one) == str(again)
    assert str(one.solution()) == str(again.solution())
    assert len({str(mg.find_the_bug(seed=seed).solution()) for seed in range(12)}) > 8


def test_faults_are_of_many_kinds_and_in_many_lines():
    bugs = [mg.find_the_bug("both", seed=seed) for seed in range(25)]
    assert len({bug.solution().names for bug in bugs}) >= 6
    assert len({bug.solution().mendings[0].what for bug in bugs}) >= 12


def test_it_shows_itself():
    bug = mg.find_the_bug("l2", seed=2, faults=2)
    assert repr(bug) == "Find the bug in 'l2', seed 2: 2 faults; print(_) shows it"
    assert "Two lines of the backward pass are wrong" in str(bug).replace("\n", " ")
    assert mg.find_the_bug("l2").source in mg.find_the_bug("l2")._repr_html_().replace("&gt;", ">").replace(
        "&lt;", "<"
    )


def test_bad_input():
    with pytest.raises(ValueError, match="find_the_bug: there is no exercise 'l3'; there are line"):
        mg.find_the_bug("l3")
    for faults in (0, 3, "1", None):
        with pytest.raises(ValueError, match="faults= is 1 or 2, not"):
            mg.find_the_bug(faults=faults)
