"""Exercises: what is shown, that it can be solved, and what is said to work in any state."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.check.exercises import names, network

of_name = pytest.mark.parametrize("name", names)


def function_of(source):
    namespace = {}
    exec(source, namespace)
    return namespace["loss_and_gradients"]


def filled(exercise, *, but=()):
    """The source with the solution's lines in their places, but for some."""
    right = exercise.solution().numpy()
    source = exercise.source
    for name in exercise.gradients:
        if name not in but:
            line = re.search(rf"^    {name} = (.*?)(  #|$)", right, re.MULTILINE)[1]
            source = re.sub(
                rf"^    {name} = \.\.\.",
                lambda _, n=name, x=line: f"    {n} = {x}",
                source,
                flags=re.MULTILINE,
            )
    return source


# ---- what is shown


@of_name
@pytest.mark.parametrize("seed", [0, 1])
def test_the_source_is_the_derivation_with_its_backward_lines_left_open(name, seed):
    exercise = mg.exercise(name, seed=seed)
    source, right = exercise.source, exercise.solution().numpy()
    ast.parse(source)
    assert source.count(" = ...") == len(exercise.gradients) > 2
    assert set(exercise.gradients) > {f"d{leaf.name}" for leaf in exercise.solution().wrt}
    shown, hidden = (text.partition("    # backward\n") for text in (source, right))
    for line in shown[0].partition("def ")[2].splitlines():
        assert re.sub(r" +#", " #", line) in re.sub(r" +#", " #", hidden[0])
    assert not re.search(r"= (?!\.\.\.)", shown[2].partition("return")[0]), "no line is given away"
    assert all(f'"{name}": {name}' in shown[2] for name in exercise.gradients)
    assert source in str(exercise).replace("\n    ", "\n").replace("    import", "import")


@of_name
def test_filled_in_it_is_right(name):
    exercise = mg.exercise(name, seed=3)
    report = exercise.submit(function_of(filled(exercise)))
    assert report.ok, report
    assert report.verdicts.keys() >= {f"d{leaf.name}" for leaf in exercise.solution().wrt}
    assert exercise.solved
    assert not report.notes, "the inputs hide nothing"


@of_name
def test_the_function_runs_on_the_inputs_and_gives_the_cost(name):
    exercise = mg.exercise(name)
    cost, gradients = function_of(filled(exercise))(**exercise.inputs)
    assert cost == pytest.approx(exercise.loss.item(), rel=1e-12)
    for leaf in exercise.solution().wrt:
        np.testing.assert_allclose(gradients[f"d{leaf.name}"], mg.grad(exercise.loss, leaf).data, atol=1e-12)


@of_name
def test_the_same_seed_gives_the_same_and_another_one_other_numbers(name):
    one, again, other = (mg.exercise(name, seed=seed) for seed in (4, 4, 5))
    assert one.source == again.source == other.source
    assert str(one) == str(again)
    for key, value in one.values.items():
        np.testing.assert_array_equal(value, again.values[key])
    drawn = [key for key in one.inputs if key.startswith(("X", "W"))]
    assert drawn
    assert not any(np.allclose(one.values[key], other.values[key]) for key in drawn)


@of_name
@pytest.mark.parametrize("seed", range(20))
def test_the_numbers_are_generic(name, seed):
    values = network(name, seed).values
    assert values["m"] == 7
    assert values.get("lambd", 0.9) == 0.9
    assert values.get("keep_prob", 0.8) == 0.8
    for key, value in values.items():
        if key.startswith("D"):
            assert 0 < np.mean(value) < 1
        if re.fullmatch(r"[WV]\d?", key) and (name, key) != ("residual", "W2"):
            assert value.shape[0] != value.shape[1]
        if re.fullmatch(r"b\d?|beta|gamma|c", key):
            assert np.all(value != 0)
    if "Y" in values and values["Y"].shape == (7, 1):
        assert set(np.unique(values["Y"])) == {0, 1}


def test_global_randomness_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    mg.exercise("both", seed=2)
    mg.find_the_bug(seed=2)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_inputs_and_values_are_copies():
    exercise = mg.exercise("l2")
    exercise.inputs["W1"][:] = 0
    exercise.values["Z1"][:] = 0
    assert np.all(exercise.inputs["W1"] != 0)
    assert np.any(exercise.values["Z1"] != 0)
    assert exercise.submit(function_of(filled(exercise))).ok


def test_it_shows_itself():
    exercise = mg.exercise("dropout", seed=6)
    assert repr(exercise) == "Exercise 'dropout', seed 6: 11 lines to write; print(_) shows it"
    text = str(exercise)
    assert text.startswith("Exercise 'dropout', seed 6")
    assert max(map(len, text.splitlines())) <= 104
    assert "keep_prob" in exercise.task
    html = exercise._repr_html_()
    assert "<pre>" in html
    assert "dZ3 = ..." in html
    assert "&lt;" in mg.exercise("dropout")._repr_html_() or "<" not in exercise.source


# ---- what is handed in


def test_a_mistake_is_named():
    exercise = mg.exercise("both", seed=1)
    source = filled(exercise).replace("dA1 = dZ2 @ W2 * D1 / keep_prob", "dA1 = dZ2 @ W2 * D1")
    report = exercise.submit(function_of(source))
    assert not report.ok
    assert [(fault.line, fault.what) for fault in report.faults] == [("dA1", "without `/ keep_prob`")]
    assert not exercise.solved


def test_a_function_may_take_any_of_the_names_and_return_the_parameters_gradients_alone():
    exercise = mg.exercise("logistic")

    def mine(A1, Y, X, m):
        dZ1 = (A1 - Y) / m
        return {"dW1": dZ1.T @ X, "db1": dZ1.sum(axis=0)}

    assert exercise.submit(mine).ok
    values = exercise.values
    assert exercise.submit(mine(*(values[name] for name in ("A1", "Y", "X", "m")))).ok
    assert len(exercise.attempts) == 2


def test_what_is_left_open_counts_for_parameters_alone():
    exercise = mg.exercise("softmax")
    report = exercise.submit(function_of(exercise.source))
    assert {name: verdict.verdict for name, verdict in report.verdicts.items()} == dict.fromkeys(
        ["dW1", "db1", "dW2", "db2"], "is not filled in"
    )
    assert not report.ok

    straight = filled(exercise, but=("dA2",)).replace(
        "dA2 - (dA2 * A2).sum(axis=-1, keepdims=True)", "A2 - Y"
    )
    straight = straight.replace("dZ2 = A2 * (A2 - Y)", "dZ2 = (A2 - Y) / m")
    report = exercise.submit(function_of(straight))
    assert report.ok, report
    assert "dA2" not in report.verdicts
    assert exercise.attempts[-1] is report


def test_a_function_that_raises_and_one_that_asks_for_what_is_not_there():
    exercise = mg.exercise("l2")
    report = exercise.submit(function_of(filled(exercise, but=("dZ3",))))
    assert not report.ok
    assert "ellipsis" in str(report)
    (verdict,) = exercise.submit(lambda W_1: {"dW1": W_1}).verdicts.values()
    assert "did you mean W1?" in verdict.verdict
    assert len(exercise.attempts) == 2
    with pytest.raises(TypeError, match="dict of arrays"):
        exercise.submit(3)
    assert len(exercise.attempts) == 2, "what is no work at all is no attempt"


def test_a_missing_parameter_is_missing():
    exercise = mg.exercise("line")
    report = exercise.submit(lambda R, X, m: {"dW": R.T @ X / m})
    assert report.verdicts["db"].verdict == "missing"
    assert not report.ok


def test_examples_as_columns():
    exercise = mg.exercise("logistic")

    def in_columns(A1, Y, X, m):
        dZ1 = (A1 - Y) / m
        return {"dW1": dZ1 @ X.T, "db1": dZ1.sum(axis=1, keepdims=True)}

    assert exercise.submit(in_columns, transposed=True).ok


# ---- hints and the solution


@of_name
def test_every_line_has_hints_that_do_not_give_it_away_at_once(name):
    exercise = mg.exercise(name)
    for gradient in exercise.gradients:
        way, rules, line = (exercise.hint(gradient, level) for level in (1, 2, 3))
        assert re.match(rf"{gradient}: .*(reaches|used|stands in).*\.", way), way
        assert rules.startswith(way)
        assert "\n- " in rules
        assert re.sub(r"\s+", " ", line) in re.sub(r"\s+", " ", exercise.solution().numpy())
        assert line.startswith(f"{gradient} = ")
        assert line.partition(" = ")[2] not in way
        assert repr(way) == str(way)


def test_the_hint_is_on_what_comes_next():
    exercise = mg.exercise("both")
    assert exercise.hint().startswith("dZ3: ")
    exercise.submit(function_of(filled(exercise, but=exercise.gradients[4:])))
    assert exercise.hint(level=3).startswith("dW2 = ")
    source = filled(exercise).replace("dA1 = dZ2 @ W2 * D1 / keep_prob", "dA1 = dZ2 @ W2 * D1")
    exercise.submit(function_of(source))
    assert exercise.hint().startswith("dA1: A1 reaches J through A1_drop")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("dW9",), "no gradient 'dW9'; there are dZ3, dW3"), ((None, 4), "level= is 1, 2 or 3, not 4")],
)
def test_hints_that_there_are_not(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        mg.exercise("both").hint(*arguments)


# ---- the file


@pytest.mark.parametrize(
    "make", [lambda: mg.exercise("line", seed=2), lambda: mg.find_the_bug("line", seed=2)]
)
def test_the_saved_file_grades_itself(make, tmp_path):
    task = make()
    path = task.save(tmp_path / "work.py")
    text = path.read_text("utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(
        "grade: 0 of 2" if " = ..." in text else "find_the_bug: the fault is not mended"
    )

    right = mg.derive(task.loss).numpy().partition("# backward")[2].partition("return")[0]
    mended = re.sub(r"(?s)# backward.*?    return", lambda _: f"# backward{right}return", text)
    mended = mended.replace('"dR": dR, ', "")
    path.write_text(mended, "utf-8")
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=True)
    solved = "grade: 2 of 2 arrays right, no mistake", "find_the_bug: the fault is mended, 2 of 2"
    assert done.stdout.startswith(solved), done.stdout

    with pytest.raises(FileExistsError, match="is there already"):
        task.save(path)
    assert path.read_text("utf-8") == mended
    assert task.save(str(path), overwrite=True).read_text("utf-8") == text
    with pytest.raises(FileNotFoundError, match=r"^save: there is no folder .*nowhere; make it first$"):
        task.save(tmp_path / "nowhere" / "work.py")


# ---- bad input


def test_an_unknown_name_is_told_those_that_there_are():
    with pytest.raises(ValueError, match=r"^exercise: there is no exercise 'l3'; there are line, .*, both, "):
        mg.exercise("l3")


@pytest.mark.parametrize("name", ["Batch_Statistics", "batch-statistics", "BOTH"])
def test_names_may_be_spelled_in_other_ways(name):
    assert mg.exercise(name).source


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), ("a", TypeError), (1.5, TypeError), (None, TypeError)]
)
def test_a_seed_is_a_whole_number(seed, error):
    for make in (lambda: mg.exercise("line", seed=seed), lambda: mg.find_the_bug("line", seed=seed)):
        with pytest.raises(error, match="seed= takes a whole number from 0 up"):
            make()


def test_the_names_are_listed_where_one_looks_for_them():
    page = Path(__file__).parent.parent.joinpath("docs", "exercises.md").read_text("utf-8")
    for name in names:
        assert f'"{name}"' in mg.exercise.__doc__
        assert f"`{name}`" in page


def test_a_seed_may_be_numpys():
    assert mg.exercise("line", seed=np.int64(3)).seed == 3
