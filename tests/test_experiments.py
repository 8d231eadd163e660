"""The regularization experiment: training, the gradients found three times, verdicts, tables, figures."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad import experiments, nn, no_grad
from minigrad.data import Dataset, side_of_the_field
from minigrad.experiments import (
    Setting,
    gradient_descent,
    gradient_table,
    gradients,
    hand_derivation,
    lambda_curve,
    network,
    regularization,
    study,
    tables,
    verdicts,
)
from minigrad.experiments import files as report_files
from minigrad.experiments.experiment import Trained, fit, lambdas_around
from minigrad.experiments.judging import changed_answers
from minigrad.experiments.training import Diverged, cost, evaluate, probabilities, weights


@pytest.fixture(scope="module")
def field():
    return side_of_the_field(1, m=40, m_dev=30)


@pytest.fixture(scope="module")
def setting():
    return Setting(hidden=(6, 3), steps=40, lr=0.2, lambd=0.9, keep_prob=0.8, seed=1)


@pytest.fixture(scope="module")
def small_study(field, setting):
    return study(field, setting, lambdas=[0, 0.1, 0.9, 30])


def three_classes(m=21):
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((m, 4)), np.arange(m) % 3
    return Dataset("three", X, y, X + 0.1, y, ("a", "b", "c", "d"), ("p", "q", "r"))


def trained(model, X, y, *, steps=5, lambd=0.0):
    for _ in gradient_descent(model, X, y, steps=steps, lr=0.2, lambd=lambd):
        pass
    return model


# ---- training


def test_keep_prob_does_not_change_the_initial_weights():
    plain, dropout = network((2, 5, 3, 1), seed=4), network((2, 5, 3, 1), keep_prob=0.5, seed=4)
    assert [type(layer).__name__ for layer in dropout] == [
        "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    for a, b in zip(plain.parameters(), dropout.parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_without_penalty_the_cost_is_the_cross_entropy(field):
    model = network((2, 4, 1), seed=0)
    J = cost(model, field.X, field.y)
    assert J.item() == pytest.approx(evaluate(model, field.X, field.y)[1], rel=1e-14)
    penalised = cost(model, field.X, field.y, lambd=0.9).item()
    squares = sum(float((W.data**2).sum()) for W in weights(model))
    assert penalised - J.item() == pytest.approx(0.9 / (2 * 40) * squares, rel=1e-12)


@pytest.mark.parametrize("lambd", [0.0, 0.9])
def test_training_takes_the_steps_that_the_hand_derivation_takes(field, lambd):
    model = network((2, 5, 3, 1), seed=2)
    by_hand = {p.name: np.array(p.data) for p in model.parameters()}
    trained(model, field.X, field.y, steps=30, lambd=lambd)
    for _ in range(30):
        values = hand_derivation.forward(field.X, by_hand)
        for line in hand_derivation.backward(values, by_hand, field.y, lambd=lambd):
            if line.name[1:] in by_hand:
                by_hand[line.name[1:]] = by_hand[line.name[1:]] - 0.2 * line.value
    for p in model.parameters():
        np.testing.assert_allclose(p.data, by_hand[p.name], rtol=1e-10, atol=1e-12)


def test_evaluation_switches_dropout_off_and_on_again(field):
    model = network((2, 8, 1), keep_prob=0.5, seed=0)
    assert evaluate(model, field.X, field.y) == evaluate(model, field.X, field.y)
    np.testing.assert_array_equal(probabilities(model, field.X), probabilities(model, field.X))
    assert model.training
    assert all(layer.training for layer in model if isinstance(layer, nn.Dropout))


def test_probabilities_of_several_classes_sum_to_one():
    data = three_classes()
    a = probabilities(network((4, 5, 3), seed=0), data.X)
    assert a.shape == (21, 3)
    np.testing.assert_allclose(a.sum(axis=1), 1)


def test_a_learning_rate_that_is_too_large_is_said(field):
    with pytest.raises(Diverged, match=r"^the cost is not finite any more at step \d+ of 200$"):
        trained(network((2, 20, 3, 1), seed=7), field.X, field.y, steps=200, lambd=1e5)
    with pytest.raises(Diverged, match=r"^side_of_the_field, model L2: the cost"):
        fit("L2", field, Setting(steps=200, lr=0.2), lambd=1e5, keep_prob=1.0)


# ---- the gradients


@pytest.mark.parametrize("hidden", [(5,), (5, 4), (5, 4, 3)])
@pytest.mark.parametrize(("lambd", "keep_prob"), [(0.0, 1.0), (0.9, 1.0), (0.0, 0.8), (0.9, 0.8)])
@pytest.mark.parametrize("classes", [2, 3])
def test_machine_hand_and_differences_agree(hidden, lambd, keep_prob, classes):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((7, 4))
    y = (rng.random((7, 1)) < 0.5).astype(float) if classes == 2 else np.arange(7) % 3
    model = network((4, *hidden, 1 if classes == 2 else 3), keep_prob=keep_prob, seed=3)
    found = gradients(trained(model, X, y, lambd=lambd), X, y, lambd=lambd)
    for g in found:
        assert g.machine.shape == g.hand.shape == g.differences.shape
        to_hand, to_differences = g.errors()
        assert to_hand < 1e-10, g.name
        assert to_differences < 1e-6, g.name
    names = [g.name for g in found]
    last = len(hidden) + 1
    assert names[:3] == [f"dZ{last}", f"dW{last}", f"db{last}"]
    assert names[-2:] == ["dW1", "db1"]
    assert ("dA1_drop" in names) == (keep_prob < 1)
    assert [("λ/m" in g.formula) for g in found] == [g.name.startswith("dW") and lambd > 0 for g in found]


def test_gradients_use_the_masks_of_the_last_forward_pass_and_change_nothing(field):
    model = trained(network((2, 6, 1), keep_prob=0.5, seed=0), field.X, field.y)
    before = {path: np.array(value) for path, value in model.state_dict().items() if "rng" not in path}
    mask = np.array(model[2].mask.data)
    found = {g.name: g for g in gradients(model, field.X, field.y)}
    np.testing.assert_array_equal(found["dA1"].machine[~mask], 0)
    np.testing.assert_array_equal(model[2].mask.data, mask)
    for path, value in before.items():
        np.testing.assert_array_equal(model.state_dict()[path], value)


@pytest.mark.parametrize("mistake", ["no decay", "no mask", "no division", "1/m missing", "transposed"])
def test_a_mistake_in_the_hand_derivation_is_found(field, monkeypatch, mistake):
    right = hand_derivation.backward

    def wrong(values, parameters, Y, *, lambd, keep_prob):
        if mistake == "no decay":
            return right(values, parameters, Y, lambd=0.0, keep_prob=keep_prob)
        if mistake == "no mask":
            values = {name: np.ones_like(v) if name.startswith("D") else v for name, v in values.items()}
        lines = right(
            values, parameters, Y, lambd=lambd, keep_prob=1.0 if mistake == "no division" else keep_prob
        )
        if mistake == "1/m missing":
            lines = [line._replace(value=line.value * len(Y)) for line in lines]
        if mistake == "transposed":
            lines = [
                line._replace(value=line.value.T.reshape(line.value.shape)) if line.name == "dW2" else line
                for line in lines
            ]
        return lines

    monkeypatch.setattr(hand_derivation, "backward", wrong)
    model = trained(network((2, 5, 4, 1), keep_prob=0.8, seed=0), field.X, field.y, lambd=0.9)
    found = gradients(model, field.X, field.y, lambd=0.9)
    assert max(g.errors()[0] for g in found) > 1e-3
    assert max(g.errors()[1] for g in found) < 1e-6


def test_a_mistake_of_the_machine_is_found_twice(field, monkeypatch):
    right = gradient_table.grad
    monkeypatch.setattr(gradient_table, "grad", lambda J, xs: [g * 1.001 for g in right(J, xs)])
    model = trained(network((2, 5, 1), seed=0), field.X, field.y)
    for g in gradients(model, field.X, field.y):
        assert min(g.errors()) > 5e-4


def test_differences_near_a_kink_of_relu():
    X = np.array([[1.0, 0.5], [0.3, -0.2], [-0.7, 0.4]])
    model = network((2, 3, 1), seed=1)
    bias = model[0].bias
    z = (X @ model[0].weight.data.T)[0, 1]
    with no_grad():
        bias.data = np.array([0.1, -z + 1e-7, 0.1])  # the first example is within h of the kink, on its right
    found = gradients(model, X, np.array([[1.0], [0.0], [1.0]]))
    assert max(g.errors()[1] for g in found) < 1e-6


def test_of_large_arrays_some_entries_are_tried(field, monkeypatch):
    monkeypatch.setattr(gradient_table, "_most_work", 1.0)  # the floor is 20 entries
    model = trained(network((2, 15, 1), seed=0), field.X, field.y)
    found = {g.name: g for g in gradients(model, field.X, field.y)}
    tried = ~np.isnan(found["dW1"].differences)
    assert 19 <= tried.sum() <= 20 < tried.size
    assert not np.isnan(found["dW1"].largest()).any()
    assert found["dW1"].errors()[1] < 1e-6


def test_relative_error():
    error = gradient_table.relative_error
    assert error(np.zeros(2), np.zeros(2)) == 0
    assert error(np.array([1.0, -4.0]), np.array([1.0, -4.0])) == 0
    assert error(np.array([1.0, -4.0]), np.array([2.0, -4.0])) == 0.25
    assert error(np.array([1.0, 4.0]), np.array([np.nan, 5.0])) == 0.2


# ---- the experiment


def test_four_models_from_the_same_weights(field, setting):
    experiment = regularization(field, replace(setting, steps=1))
    recipes = [(m.name, m.lambd, m.keep_prob) for m in experiment.models]
    assert recipes == [("plain", 0.0, 1.0), ("L2", 0.9, 1.0), ("dropout", 0.0, 0.8), ("both", 0.9, 0.8)]
    plain, l2, *_ = experiment.models
    norm = sum(float((W.data**2).sum()) for W in weights(network((2, 6, 3, 1), seed=1)))
    assert l2.costs[0] - plain.costs[0] == pytest.approx(0.9 / (2 * 40) * norm)


def test_what_is_measured_is_what_it_says(small_study, field):
    for m in small_study.experiment.models:
        assert m.accuracy == m.right / 40
        assert m.right_dev == evaluate(m.model, field.X_dev, field.y_dev)[0]
        assert m.norm == pytest.approx(np.sqrt(sum((W.data**2).sum() for W in weights(m.model))))
        assert len(m.costs) == 40
        assert m.watched[0, 0] == 0
        assert m.watched[-1].tolist() == [40, m.cross_entropy, m.cross_entropy_dev]


def test_progress_is_told_step_by_step(field, setting):
    told = []
    regularization(field, replace(setting, steps=3), tick=told.append)
    assert told == ["plain"] * 3 + ["L2"] * 3 + ["dropout"] * 3 + ["both"] * 3


def test_verdicts_are_computed_from_the_numbers(small_study):
    plain, l2, dropout, both = small_study.experiment.models

    def changed(model: Trained, **numbers):
        return replace(model, **numbers)

    models = (
        changed(plain, accuracy=0.9, accuracy_dev=0.8, norms=(3.0, 4.0)),
        changed(l2, accuracy=0.8, accuracy_dev=0.85, norms=(1.0, 1.0)),
        changed(dropout, accuracy=0.95, accuracy_dev=0.7, norms=(6.0, 8.0)),
        changed(both, accuracy=0.9, accuracy_dev=0.8, norms=(3.0, 4.0)),
    )
    experiment = replace(small_study.experiment, models=models)
    found = {(v.claim, v.model): (v.held, tables.change(v)) for v in verdicts(experiment)}
    assert found == {
        ("training accuracy falls", "L2"): (True, "−10.0 points"),
        ("training accuracy falls", "dropout"): (False, "+5.0 points"),
        ("training accuracy falls", "both"): (False, "unchanged"),
        ("dev accuracy rises", "L2"): (True, "+5.0 points"),
        ("dev accuracy rises", "dropout"): (False, "−10.0 points"),
        ("dev accuracy rises", "both"): (False, "unchanged"),
        ("weights shrink", "L2"): (True, "−72%"),
        ("weights shrink", "dropout"): (False, "+100%"),
        ("weights shrink", "both"): (False, "unchanged"),
    }
    first, *_ = tables.conclusions([replace(small_study, experiment=experiment)])
    assert first == (
        "Training accuracy falls: held in 1 of 3 comparisons, not for dropout (+5.0 points) and both "
        "(unchanged)."
    )


def test_changed_answers_balance(small_study):
    plain, *others = small_study.experiment.models
    changes = changed_answers(small_study.experiment)
    for model in others:
        gained, lost = changes[model.name]
        assert model.right_dev - plain.right_dev == gained - lost


def test_the_curve_of_lambda(small_study):
    assert [m.lambd for m in small_study.curve] == [0, 0.1, 0.9, 30]
    models = small_study.experiment.models
    assert small_study.curve[0] is models[0]
    assert small_study.curve[2] is models[1]
    norms = [m.norm for m in small_study.curve]
    assert norms == sorted(norms, reverse=True)


def test_a_lambda_that_diverges_is_left_out(small_study):
    curve = lambda_curve(small_study.experiment, [0, 0.9, 1e5])
    assert [m.lambd for m in curve] == [0, 0.9]


def test_lambdas_around():
    assert lambdas_around(0.7) == [0, 0.007, 0.021, 0.07, 0.21, 0.7, 2.1, 7, 21, 70]
    assert lambdas_around(0.0, count=3) == [0, 0.3, 1, 3]


# ---- tables


def test_tables_fit_a_terminal(small_study):
    experiment = small_study.experiment
    lines = [
        *tables.summary(experiment),
        *tables.results_table(experiment),
        *tables.verdict_table(experiment),
    ]
    assert max(map(len, lines)) <= 78  # they are indented by 2
    for found in small_study.gradients.values():
        assert max(map(len, tables.gradient_table(found))) <= 80


def test_every_gradient_is_in_the_table(small_study):
    text = tables.gradients_csv([small_study]).splitlines()
    assert len(text) == 1 + 11 + 11 + 13 + 13
    assert text[0].startswith(
        "data_set,model,gradient,shape,formula,machine,hand,differences,largest_relative"
    )
    assert any(line.startswith("side_of_the_field,both,dA1,40x6,dA1_drop · D1 / keep_prob,") for line in text)


def test_the_tables_have_the_same_bytes_again(field, setting, small_study):
    again = study(field, setting, lambdas=[0, 0.1, 0.9, 30])
    for written in (tables.results_csv, tables.gradients_csv):
        assert written([again]) == written([small_study])
    assert tables.curve_csv(again) == tables.curve_csv(small_study)


# ---- figures


@pytest.fixture(scope="module")
def svgs(small_study):
    pytest.importorskip("matplotlib")
    from minigrad.experiments.pictures import draw_figures

    return draw_figures([small_study])


def test_figures_are_svg_and_the_same_again(small_study, svgs):
    import matplotlib as mpl

    from minigrad.experiments import figures

    before = dict(mpl.rcParams)
    again = figures.overfitting(small_study.experiment)
    assert again == svgs["overfitting_side_of_the_field"]
    assert dict(mpl.rcParams) == before
    for svg in svgs.values():
        root = ElementTree.fromstring(svg)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "<dc:date>" not in svg
    names = {name.split("_side")[0] for name in svgs}
    assert names >= {f"boundary_{model}" for model in ("plain", "L2", "dropout", "both")}
    assert names >= {"overfitting", "costs", "weights", "lambda_curve", "lambda_boundary_0"}


def test_figures_of_several_classes_and_many_features(setting):
    pytest.importorskip("matplotlib")
    from minigrad.experiments.pictures import draw_figures

    data = three_classes()
    names = draw_figures([study(data, replace(setting, steps=3))])
    assert not any(name.startswith("boundary") for name in names)
    strange = ("price in $, not in $\\frac$", "長さ")
    plane = replace(
        data, X=data.X[:, :2], X_dev=data.X_dev[:, :2], feature_names=strange, classes=("_", "q", "r" * 50)
    )
    names = draw_figures([study(plane, replace(setting, steps=3))])
    assert "boundary_both_three" in names


def test_figures_of_one_step_and_of_a_perfect_fit(setting):
    pytest.importorskip("matplotlib")
    from minigrad.experiments.pictures import draw_figures

    X = np.array([[-1.0, 0.0], [1.0, 0.0]] * 5)
    y = (X[:, :1] > 0).astype(float)
    perfect = Dataset("perfect", 1e3 * X, y, 1e3 * X, y, ("a", "b"), ("0", "1"))
    assert draw_figures([study(perfect, replace(setting, steps=1, lr=1e-4))])
    assert draw_figures([study(perfect, replace(setting, steps=50, lr=1e-4, lambd=0.0, keep_prob=1.0))])


# ---- files


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    report_files.write_files(tmp_path, {"results.csv": "old"})

    def stopped(a, b):
        raise KeyboardInterrupt

    monkeypatch.setattr(report_files.os, "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        report_files.write_files(tmp_path, {"results.csv": "new", "figures/a.svg": "<svg/>"})
    assert (tmp_path / "results.csv").read_text() == "old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["results.csv"]


def test_files_of_an_earlier_report_go_and_others_stay(tmp_path):
    outside = tmp_path / "outside.svg"
    outside.write_text("mine")
    folder = tmp_path / "report"
    listed = '{"files": ["figures/old.svg", "figures/kept.svg", "../outside.svg", "notes.txt", 3]}'
    report_files.write_files(folder, {"figures/old.svg": "", "figures/kept.svg": "", "results.json": listed})
    (folder / "notes.txt").write_text("mine")
    (folder / "figures" / "mine.svg").write_text("mine")
    report_files.write_files(folder, {"figures/kept.svg": "new", "results.json": "{}"})
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    ours = {"report/figures/kept.svg", "report/results.json"}
    assert left == ours | {"outside.svg", "report/figures/mine.svg", "report/notes.txt"}


def test_a_folder_that_was_made_for_nothing_is_removed(tmp_path):
    def interrupted():
        with report_files.folder_for(tmp_path / "a" / "b"):
            assert (tmp_path / "a" / "b").is_dir()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []
    with report_files.folder_for(tmp_path / "a"):
        pass
    assert (tmp_path / "a").is_dir()
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        report_files.folder_for(tmp_path / "file").__enter__()


def test_a_public_name_is_not_a_module_too():
    folder = Path(experiments.__file__).parent
    assert not {path.stem for path in folder.glob("*.py")} & set(experiments.__all__)
    import minigrad.experiments.experiment as module

    assert module.regularization is experiments.regularization


def test_importing_the_experiments_needs_no_extra():
    code = (
        "import sys, minigrad.experiments.command\n"
        "print([m for m in ('matplotlib', 'sklearn', 'scipy', 'tqdm', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
