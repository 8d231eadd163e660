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
    report = mg.grade(function_of(bug.source), bug.loss)
    assert sorted(fault.line for fault in report.faults) == sorted(bug.solution().names)
    assert all(fault.found for fault in report.faults)
    progress = bug.submit(function_of(bug.source))
    assert not progress.ok
    assert progress.left == faults
    assert progress.changed == progress.broken == ()

    source = bug.source
    for i, mending in enumerate(planted, start=1):
        assert written(source, mending.name) == mending.faulty
        source = source.replace(mending.faulty, mending.right)
        progress = bug.submit(function_of(source))
        assert progress.ok == bool(progress) == (i == faults), progress
        assert progress.left == faults - i
        assert bool(progress.wrong) == (not progress.ok)
        left = {x.name for x in planted[i:]}
        assert {fault.line for fault in mg.grade(function_of(source), bug.loss).faults} == left
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


@of_case
def test_what_is_said_of_an_unmended_function_does_not_give_the_answer_away(name, seed, faults):
    bug = mg.find_the_bug(name, seed=seed, faults=faults)
    progress = bug.submit(function_of(bug.source))
    parameters = {f"d{leaf.name}" for leaf in mg.derive(bug.loss).wrt}
    assert {*progress.right, *progress.wrong} == parameters
    said = str(progress) + repr(vars(progress))
    for mending in bug.solution().mendings:
        for secret in (mending.faulty.partition(" = ")[2], mending.right.partition(" = ")[2], mending.what):
            assert f"`{secret}`" not in said
            assert f" {secret}" not in said
        assert mending.name in parameters or not re.search(rf"\b{mending.name}\b", said)
    on_the_way = set(bug.gradients) - parameters
    assert not [line for line in on_the_way if re.search(rf"\b{line}\b", said)]
    assert max(map(len, str(progress).splitlines())) <= 80


def test_which_gradients_are_wrong_is_what_a_gradient_check_would_say():
    bug = mg.find_the_bug("both", seed=5, faults=2)
    assert bug.solution().names == ("dW2", "dZ1")
    progress = bug.submit(function_of(bug.source))
    cost = function_of(bug.source)(**bug.inputs)[1]
    for leaf in mg.derive(bug.loss).wrt:
        right = np.allclose(cost[f"d{leaf.name}"], mg.grad(bug.loss, leaf).data)
        assert f"d{leaf.name}" in (progress.right if right else progress.wrong)
    assert str(progress) == repr(progress)
    assert str(progress).startswith(
        "find_the_bug: no fault is mended, 3 of 6 gradients of parameters right\n\n"
        "  right  dW3, db3, db2\n  wrong  dW2, dW1, db1\n\nhint() says"
    )
    mended = bug.source.replace(bug.solution().mendings[0].faulty, bug.solution().mendings[0].right)
    assert bug.submit(function_of(mended)).headline.startswith("1 of 2 faults is mended, 4 of 6 ")
    mended = mended.replace(bug.solution().mendings[1].faulty, bug.solution().mendings[1].right)
    assert (
        str(bug.submit(function_of(mended)))
        == "find_the_bug: both faults are mended, 6 of 6 gradients of parameters right\n\n"
        "  right  dW3, db3, dW2, db2, dW1, db1"
    )


def test_a_line_that_was_changed_but_not_mended_and_one_that_was_right():
    bug = mg.find_the_bug("both", seed=5, faults=2)
    (first, second) = bug.solution().mendings
    source = bug.source.replace(first.faulty, first.right.replace("dZ2.T", "2 * dZ2.T"))
    progress = bug.submit(function_of(source))
    assert (progress.left, progress.changed, progress.broken) == (2, ("dW2",), ())
    assert "dW2 was changed, and is not right yet." in str(progress)
    source = bug.source.replace(first.faulty, first.right).replace(second.faulty, second.right)
    progress = bug.submit(function_of(source.replace("db3 = dZ3.sum(axis=0)", "db3 = dZ3.mean(axis=0)")))
    assert (progress.left, progress.changed, progress.broken) == (0, (), ("db3",))
    assert not progress.ok
    assert "db3 was right, and is not any more." in str(progress)


def test_a_function_that_returns_less_or_raises():
    bug = mg.find_the_bug("both", seed=5, faults=2)
    of_all = function_of(bug.source)(**bug.inputs)[1]
    progress = bug.submit({name: of_all[name] for name in ("dW1", "dW2")})
    assert (progress.left, progress.wrong) == (2, ("dW2", "dW1"))
    assert progress.problems == dict.fromkeys(("dW3", "db3", "db2", "db1"), "missing")
    progress = bug.submit(lambda X: {"dW1": X / 0 * np.nan if len(X) == 0 else None})
    assert not progress.ok
    assert "is None" in progress.problems["dW1"]
    assert "dW1: is None: does the function return it?" in str(progress)
    with pytest.raises(TypeError, match="dict of arrays"):
        bug.submit(3)
    assert len(bug.attempts) == 2


@pytest.mark.parametrize("faults", [1, 2])
def test_nothing_is_mended_where_nothing_shows_it(faults):
    bug = mg.find_the_bug("both", seed=5, faults=faults)

    def backward(X):
        return 1 / 0

    everything = ("dW3", "db3", "dW2", "db2", "dW1", "db1")
    for work in ({}, backward, lambda W1: {"dW1": W1 * np.nan}):
        progress = bug.submit(work)
        assert (progress.left, progress.right, progress.wrong) == (faults, (), ())
        assert set(progress.ungraded) == set(everything)
        assert "0 of 6 gradients of parameters right" in progress.headline
        assert "mended" in progress.headline
        assert bug.hint(level=2) != "No fault is left."
    assert "raised ZeroDivisionError" in bug.attempts[1].problems["backward"]
    right = mg.derive(bug.loss).run()[1]
    for spoiled in bug.solution().names:  # all that comes from the faulty lines is left out
        left_out = bug._reached(spoiled)
        progress = bug.submit({name: right[name] for name in everything if name not in left_out})
        assert progress.left
        assert not progress.ok
    assert bug.submit(right).ok


@pytest.mark.parametrize("name", names)
def test_hints_lead_to_the_line_step_by_step(name):
    bug = mg.find_the_bug(name, seed=3)
    (mending,) = bug.solution().mendings
    region, line, rules = (bug.hint(level) for level in (1, 2, 3))
    assert mending.name in region
    wrong = bug.submit(function_of(bug.source)).wrong
    assert all(gradient in region for gradient in wrong)
    assert line == f"The fault is in the line of {mending.name}."
    assert rules.startswith(f"{mending.name}: ")
    assert "\n- " in rules
    assert mending.right.partition(" = ")[2] not in region + line
    bug.submit(function_of(bug.source.replace(mending.faulty, mending.right)))
    assert bug.hint() == "No fault is left."
    for level in (0, 4, "1"):
        with pytest.raises(ValueError, match="level= is 1, 2 or 3, not"):
            bug.hint(level)


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
