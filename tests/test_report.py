"""What the report says: every sentence follows from the numbers, also where the data are odd."""

import re
from dataclasses import replace
from html import escape, unescape
from pathlib import Path

import numpy as np
import pytest

from minigrad.__main__ import main
from minigrad.data import Dataset, breast_cancer, side_of_the_field
from minigrad.experiments import Setting, judging, numerals, prose, regularization, seeds, settings, tables
from minigrad.experiments import readings as readings_module
from minigrad.experiments.experiment import fit
from minigrad.experiments.judging import Verdict, guess, judge, judge_curve
from minigrad.experiments.page import table as html_table
from minigrad.experiments.readings import readings


@pytest.fixture(scope="module")
def field():
    return side_of_the_field(1, m=40, m_dev=30)


@pytest.fixture(scope="module")
def experiment(field):
    return regularization(field, Setting(hidden=(6,), steps=20, lr=0.2, lambd=0.9, keep_prob=0.8, seed=1))


def of(experiment, **plain):
    """The experiment with other numbers for its plain model."""
    first, *others = experiment.models
    return replace(experiment, models=(replace(first, **plain), *others))


def course(*rows):
    """What is watched: (training cost, dev cost) after 0, 10, 20 ... steps; and the costs at the end."""
    watched = np.array([(10 * i, *row) for i, row in enumerate(rows)], dtype=float)
    return {"watched": watched, "cross_entropy": rows[-1][0], "cross_entropy_dev": rows[-1][1]}


# ---- numbers


@pytest.mark.parametrize(
    "number", [0, 1e-12, -1e-12, 1.96e-5, -7.91e-3, 0.5, -3.0, 123.4, 1e6, np.float64(2.5)]
)
def test_prose_has_plain_decimals_and_a_real_minus(number):
    for written in (numerals.decimals(number), numerals.strength(abs(number)), numerals.signed(number)):
        assert re.fullmatch(r"[−+]?[\d,]+(\.\d+)?", written), written


def test_decimals_have_three_digits():
    assert numerals.decimals(-0.0079123) == "−0.00791"
    assert numerals.decimals(0.3) == "0.300"
    assert numerals.decimals(0.0000196) == "0.000020"
    assert numerals.decimals(float("inf")) == "∞"


def test_a_change_that_is_none_is_said_to_be_none():
    def change(before, after):
        (verdict,) = [v for v in judge(model(before), [model(after)]) if v.claim == "weights shrink"]
        return verdict.held, tables.change(verdict)

    def model(norm):
        return seeds.Outcome("set", 0, "L2", 0.9, 0.8, 0.3, norm)

    assert change(8.0, 8.0) == (False, "unchanged")
    assert change(8.0, 8.0 - 1e-9) == (False, "unchanged")  # rounding
    assert change(8.0, 7.976) == (True, "−0.3%")
    assert change(8.0, 8.024) == (False, "+0.3%")
    assert change(8.0, 4.0) == (True, "−50%")


def test_a_change_shows_a_digit_that_is_not_zero():
    one_of_many = Verdict("dev accuracy rises", "L2", 0.5, 0.5 + 1e-5, direction=1)
    assert tables.change(one_of_many) == "+0.001 points"


# ---- what was learnt


def test_the_guess():
    X, y = np.zeros((4, 1)), np.array([0, 0, 1, 2])
    found = guess(Dataset("three", X, y, X[:2], np.array([1, 1]), ("x",), ("a", "b", "c")))
    assert (found.right, found.right_dev) == (2, 0)
    assert found.cross_entropy == pytest.approx(1.5 * np.log(2))
    assert found.cross_entropy_dev == pytest.approx(np.log(4))


def test_overfitting_is_said_where_it_is(experiment):
    text = prose.results(of(experiment, **course((0.7, 0.7), (0.4, 0.35), (0.02, 0.9))))
    assert "was least, 0.350, after 10 steps. Later it was higher, 0.900 at the end" in text
    assert "went down from 0.400 to 0.0200." in text
    assert "it overfits" in text


def test_a_dev_cost_that_never_beats_the_guess_is_no_overfitting(experiment):
    text = prose.results(of(experiment, right_dev=15, **course((0.9, 0.95), (0.5, 0.7), (0.1, 2.0))))
    assert "overfit" not in text
    assert "has learnt nothing that holds for examples that it was not trained on" in text
    assert "so what it has learnt is about these examples only" in text
    text = prose.results(of(experiment, right_dev=15, **course((0.9, 0.95), (0.8, 0.9), (0.75, 0.85))))
    assert "But it was still falling at the end, so more steps may change that." in text
    assert "Nor does it do clearly better on the training set (0.750 at the end, the guess 0.6" in text


def test_a_cost_that_rises_on_both_sets_is_no_overfitting(experiment):
    text = prose.results(of(experiment, **course((0.7, 0.7), (0.3, 0.3), (0.5, 0.6))))
    assert "but the cost on the training set rose too, from 0.300 to 0.500. That is not overfitting" in text


def test_where_there_is_little_to_say(experiment):
    falling = prose.results(of(experiment, **course((0.7, 0.7), (0.3, 0.4), (0.2, 0.3))))
    assert "Its cost on the dev set was still falling at the end: it has not overfitted yet." in falling
    flat = prose.results(of(experiment, **course((0.6, 0.3), (0.3, 0.301), (0.2, 0.302))))
    assert "was least, 0.300, before the first step, and 0.302 at the end: it has hardly overfitted." in flat


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ((-0.0079, -0.0075, 0.1, 0.2), "does no worse on the dev set, so there is no gap to be narrowed."),
        ((0.5, 0.4, 0.3, 0.2), "Each kind of regularization has narrowed this gap."),
        ((0.5, 0.6, 0.3, 0.2), "The gap is narrower with dropout and both only."),
        ((0.5, 0.5, 0.6, 0.7), "No kind of regularization has narrowed this gap."),
        ((0.5, 0.5, 0.6, -0.7), "No kind of regularization has narrowed this gap."),
    ],
)
def test_gaps(experiment, gaps, said):
    models = [
        replace(m, cross_entropy=0.1, cross_entropy_dev=0.1 + gap)
        for m, gap in zip(experiment.models, gaps, strict=True)
    ]
    text = prose.results(replace(experiment, models=tuple(models)))
    assert said in text
    assert f"is {numerals.decimals(gaps[0])} for the plain network" in text


def test_luck_is_mentioned_where_there_are_few_examples(experiment, field):
    luck = "luck has much to say"
    assert luck not in prose.results(experiment)
    few = replace(field, X_dev=field.X_dev[:7], y_dev=field.y_dev[:7])
    assert f"The dev set has only 7 examples: {luck}" in prose.results(replace(experiment, dataset=few))
    one_rare = np.zeros_like(field.y_dev)
    one_rare[0] = 1
    rare = replace(field, y=np.zeros_like(field.y), y_dev=one_rare)
    text = prose.results(replace(experiment, dataset=rare))
    assert f"The dev set has only 1 of the less frequent classes: {luck}" in text


# ---- the weights


def test_weights(experiment):
    def text(plain, l2, dropout, lambd=0.9, keep_prob=0.8):
        models = [
            replace(m, norms=(norm,), lambd=lambd, keep_prob=keep_prob)
            for m, norm in zip(experiment.models, (plain, l2, dropout, 1.0), strict=True)
        ]
        return prose.weights(replace(experiment, models=tuple(models)))

    assert "L2 does what the added term in its gradients says" in text(8, 4, 6)
    assert "less use for large weights, so the effect is weaker." in text(8, 4, 6)
    assert "less use for large weights." in text(8, 4, 3)
    assert "Here they are hardly any smaller for it." in text(8, 7.99, 8)
    assert "Here they are larger for it." in text(8, 9, 8)
    assert "about as large as those of the plain network" in text(8, 4, 8.01)
    assert "have become larger" in text(8, 4, 9)
    nothing = text(8, 8, 8, lambd=0.0, keep_prob=1.0)
    assert "With λ = 0 there is no penalty, and L2 changes nothing." in nothing
    assert "With keep_prob = 1 no neuron is shut down, and dropout changes nothing." in nothing


# ---- λ


def curve_of(experiment, *numbers):
    """Models with λ = 0, 1, 2 ...; for each (training cost, dev cost, norm, training examples right)."""
    first = experiment.models[0]
    return [
        replace(
            first,
            lambd=float(i),
            cross_entropy=cost,
            cross_entropy_dev=cost_dev,
            watched=np.array([[0, 0.8, 0.8], [20, cost, cost_dev]]),
            norms=(norm,),
            right=right,
            right_dev=15,
        )
        for i, (cost, cost_dev, norm, right) in enumerate(numbers)
    ]


def said(curve, dataset):
    verdict = judge_curve(curve, dataset)
    return prose.curve_heading(verdict), prose.curve(curve, verdict, title="the set", dataset=dataset)


def constant(field, experiment):
    """A network that gives every example the same answer."""
    return fit("L2", field, replace(experiment.setting, steps=300), lambd=40.0, keep_prob=1.0).model


def test_from_overfitted_to_high_bias(experiment, field):
    curve = curve_of(experiment, (0.01, 0.9, 9, 40), (0.2, 0.3, 4, 38), (0.69, 0.69, 0.01, 22))
    curve[-1] = replace(curve[-1], model=constant(field, experiment))
    heading, text = said(curve, field)
    assert heading == "λ, from too small to oversmoothed"
    assert "To the left of it λ is too small: " in text
    assert "and the dev cost 0.900, overfitted." in text
    assert "the weights are all but zero (‖<i>W</i>‖ = 0.01), every training example gets the same" in text
    assert "This is high bias" in text


def test_where_nothing_is_learnt_no_lambda_is_too_small(experiment, field):
    heading, text = said(
        curve_of(experiment, (0.1, 2.0, 9, 40), (0.5, 0.9, 4, 30), (0.69, 0.7, 0, 22)), field
    )
    assert heading == "λ, from small to large"
    assert "none of these networks has learnt anything that holds on the dev set" in text
    for word in ("overfitted", "too small", "too large", "high bias"):
        assert word not in text


def test_one_answer_is_no_high_bias_where_it_costs_nothing(experiment, field):
    curve = curve_of(experiment, (0.05, 0.042, 6, 40), (0.056, 0.056, 0.01, 40))
    curve = [replace(m, model=constant(field, experiment)) for m in curve]
    text = said(curve, field)[1]
    assert "high bias" not in text
    assert "With λ = 0 too, every example gets the same answer." in text


def test_costs_that_rise_with_no_answer_wrong_are_no_high_bias(experiment, field):
    text = said(curve_of(experiment, (0.05, 0.05, 6, 40), (0.12, 0.12, 2, 40)), field)[1]
    assert "To the right it is too large: " in text
    assert text.endswith("The costs rise, although no fewer training examples are right.")


def test_a_flat_curve_is_called_flat(experiment, field):
    heading, text = said(
        curve_of(experiment, (0.3, 0.4, 6, 38), (0.3, 0.399, 6, 38), (0.3, 0.4, 6, 38)), field
    )
    assert heading == "λ, from small to large"
    assert "but neither end of the curve is clearly worse." in text
    assert "too" not in text.partition("clearly worse")[2]


def test_tiny_costs_are_not_told_apart():
    assert not judging.clearly_more(2e-5, 1e-5, scale=0.69)
    assert judging.clearly_more(0.4, 0.3, scale=0.69)


# ---- whole pages of odd data


def write(path, X, labels):
    rows = [",".join([*(f"{x:.4f}" for x in row), str(label)]) for row, label in zip(X, labels, strict=True)]
    path.write_text("\n".join([",".join([*(f"x{i}" for i in range(X.shape[1])), "kind"]), *rows, ""]))


def odd(name, rng):
    if name == "twelve random classes":
        return rng.standard_normal((120, 4)), rng.permutation(np.arange(120) % 12)
    if name == "one class 99 %":
        return rng.standard_normal((200, 2)), [int(i < 2) for i in range(200)]
    if name == "ten examples":
        return rng.standard_normal((10, 2)), [0, 1] * 5
    return rng.standard_normal((60, 3)), [i % 20 for i in range(60)]


@pytest.mark.parametrize(
    "name", ["twelve random classes", "one class 99 %", "ten examples", "twenty classes", "no regularization"]
)
def test_pages_of_odd_data(name, tmp_path, capsys):
    write(tmp_path / "odd.csv", *odd(name, np.random.default_rng(0)))
    nothing = ["--lambd", "0", "--keep-prob", "1"] if name == "no regularization" else []
    arguments = ["--data", str(tmp_path / "odd.csv"), "--quick", "--out", str(tmp_path / "report"), *nothing]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    text = words((tmp_path / "report" / "report.html").read_text(encoding="utf-8"))
    assert not re.search(r"\d[eE][-+−]?\d", text)
    assert not re.search(r"(?<![\w−])-\d", text)
    assert not re.search(r"[−+]0(\.0)?[%\s\u00a0]", text + printed)
    if name == "twelve random classes":
        for word in ("it overfits", ", overfitted", "high bias"):
            assert word not in text
        assert "learnt nothing that holds on the dev set" in " ".join(printed.split())
    if name == "one class 99 %":
        assert "high bias" not in text
        assert "The most frequent class has 99.3\u00a0% of the training examples." in text
    if name == "ten examples":
        assert "The dev set has only 2 examples" in text
    if name == "no regularization":
        assert "yes," not in text
        assert len(re.findall(r"no\W+unchanged", text)) == 9
        assert "With both L2 and dropout, all of that" not in text


def words(page):
    """The text of a page: no style, no drawings, no command."""
    for part in ("style", "svg", "pre"):
        page = re.sub(rf"<{part}.*?</{part}>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", page))


def test_a_wide_table_shows_that_it_goes_on(tmp_path, capsys):
    write(tmp_path / "odd.csv", *odd("ten examples", np.random.default_rng(0)))
    assert main(["--data", str(tmp_path / "odd.csv"), "--steps", "2", "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert re.search(
        r"\.wide, \.equation, \.graph \{ overflow-x: auto; background:[^}]*local[^}]*scroll", style
    )
    assert '.wide::before { content: "scroll →"' in style
    assert html_table(["a"], [["1"]]).startswith('<div class="wide"><table>')


# ---- the derivation and the ledger


def section(page, name):
    return re.search(rf'<section id="{name}">.*?</section>', page, flags=re.DOTALL)[0]


def page_of(tmp_path, kind, *options):
    write(tmp_path / "odd.csv", *odd(kind, np.random.default_rng(0)))
    arguments = ["--data", str(tmp_path / "odd.csv"), "--steps", "3", "--out", str(tmp_path / "report")]
    assert main([*arguments, *options]) == 0
    return (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_the_derivation_on_the_page_runs(experiment):
    read = readings(experiment)
    namespace = {}
    exec(read.source, namespace)
    assert read.error < 1e-13
    assert read.model == "both"
    assert len(re.findall(r"^\d+\. d\w+ = ", read.words, flags=re.MULTILINE)) == 7
    assert "<mfrac>" in read.equations


def test_the_page_has_derivation_ledger_and_steps(tmp_path, capsys):
    page = page_of(tmp_path, "ten examples")
    text = section(page, "derivation")
    source = (tmp_path / "report" / "derivation.py").read_text(encoding="utf-8")
    assert f"<pre>{escape(source.rstrip())}</pre>" in text
    assert "def loss_and_gradients(" in source
    assert '<math display="block"' in text
    assert "which has L2 and dropout, on the whole training set" in text
    assert 'href="steps.html"' in text
    assert "with the numbers of\nthe first 5 training examples" in text
    steps = (tmp_path / "report" / "steps.html").read_text(encoding="utf-8")
    assert steps.startswith("<!DOCTYPE html>")
    ledger = section(page, "ledger")
    rows = re.findall(
        r"<th scope=\"row\"><code>(\w+)</code></th><td[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>", ledger
    )
    assert [(name, penalty) for name, _, penalty in rows] == [
        ("W1", "L2"), ("b1", "–"), ("W2", "L2"), ("b2", "–"), ("W3", "L2"), ("b3", "–"),
    ]  # fmt: skip
    m = 8
    assert f"<td>{numerals.decimals(0.7 / m)}</td>" in ledger
    assert f"weight_decay={0.7 / m:g} for W1, W2, W3" in ledger


def test_the_derivation_without_regularization(tmp_path, capsys):
    page = page_of(tmp_path, "ten examples", "--lambd", "0", "--keep-prob", "1")
    assert "<b>both</b>, on the whole training set" in section(page, "derivation")
    assert "no term of J is a penalty" in section(page, "ledger")
    assert "<td" in section(page, "ledger")
    page = page_of(tmp_path, "ten examples", "--lambd", "0")
    assert "which has dropout, on the whole" in section(page, "derivation")


def test_the_derivation_of_several_classes(tmp_path, capsys):
    text = section(page_of(tmp_path, "twelve random classes"), "derivation")
    assert '<math display="block"' in text
    assert "softmax" in text


def test_equations_that_cannot_be_typeset_are_left_out(experiment, monkeypatch):
    def unknown(latex):
        raise ValueError("mathml: \\new is not known")

    monkeypatch.setattr(readings_module, "mathml", unknown)
    read = readings(experiment)
    assert read.equations == ""
    assert "def loss_and_gradients(" in read.source


def test_reading_changes_neither_weights_nor_gradients(experiment):
    parameters = list(experiment.models[-1].model.parameters())
    before = [(p.data.copy(), p.grad) for p in parameters]
    readings(experiment)
    for p, (value, gradient) in zip(parameters, before, strict=True):
        np.testing.assert_array_equal(p.data, value)
        assert p.grad is gradient


# ---- over many seeds


def same(found, stored):
    """The numbers agree; NumPy builds that add in another order may end a little apart."""
    assert [(o.data_set, o.seed, o.name) for o in found] == [(o.data_set, o.seed, o.name) for o in stored]
    for what, tolerance in (
        ("accuracy", 0.01),
        ("accuracy_dev", 0.015),
        ("cross_entropy_dev", 0.02),
        ("norm", 0.1),
    ):
        a, b = ([getattr(o, what) for o in outcomes] for outcomes in (found, stored))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance, err_msg=what)


@pytest.mark.parametrize(("name", "seed"), [("field", 0), ("cancer", 0), ("cancer", 41), ("cancer", 79)])
def test_a_seed_comes_to_what_is_stored(name, seed):
    if name == "field":
        dataset, setting = side_of_the_field(seed), settings.field
    else:
        pytest.importorskip("sklearn")
        dataset, setting = breast_cancer(seed, dev_fraction=0.5), settings.breast_cancer
    found = seeds.outcomes(dataset, replace(setting, seed=seed))
    stored = [o for o in seeds.stored() if o.data_set == dataset.name]
    same(found, [o for o in stored if o.seed == seed])
    with pytest.raises(AssertionError):
        same(found, [replace(o, seed=seed) for o in stored if o.seed == seed + 1 - 2 * (seed == 79)])


def test_what_is_stored_is_what_the_command_writes(tmp_path, monkeypatch, capsys):
    stored = seeds.stored()
    assert len(stored) == 80 * 2 * 4
    monkeypatch.setattr(seeds, "run", lambda seed: [o for o in stored if o.seed == seed])
    assert seeds.main(["--out", str(tmp_path / "again.csv")]) == 0
    kept = Path(seeds.__file__).with_name("seeds.csv")
    assert (tmp_path / "again.csv").read_bytes() == kept.read_bytes()
    printed = capsys.readouterr().out.replace("\u00a0", " ")
    assert printed.startswith("over the seeds 0 to 79\n")
    assert re.search(r"^training accuracy falls +72 % +42 % +76 %$", printed, flags=re.MULTILINE)


def test_the_table_on_the_page_of_the_main_job_is_that_of_the_seeds():
    page = (Path(__file__).parent.parent / "docs" / "main-job.md").read_text(encoding="utf-8")
    for row in seeds.table(seeds.stored()):
        assert f"| {' | '.join(row)} |".replace("\u00a0", " ") in page


def test_the_default_seed_is_one_with_which_every_claim_holds():
    found = [o for o in seeds.stored() if o.seed == settings.default_seed]
    assert seeds.with_every_claim(found) == 1


def test_shares_are_counted_over_seeds():
    def outcome(seed, name, accuracy):
        return seeds.Outcome("side_of_the_field", seed, name, accuracy, 0.5, 0.25, 2.0)

    found = [
        outcome(seed, name, 0.9 if name == "plain" or seed < falls else 0.8)
        for seed in range(4)
        for name, falls in (("plain", 4), ("L2", 1), ("dropout", 2), ("both", 4))
    ]
    first, second, *_, costs = seeds.table(found)
    assert first == ["training accuracy falls", "75\u00a0%", "50\u00a0%", "0\u00a0%"]
    assert second[1:] == ["0\u00a0%"] * 3
    assert costs == ["mean dev cost (plain: 0.25)", "0.25", "0.25", "0.25"]


def test_the_command_over_seeds_refuses_and_stops(monkeypatch, capsys, tmp_path):
    with pytest.raises(SystemExit, match="2"):
        seeds.main(["--seeds", "0"])
    assert "--seeds: 0 is not a whole number of at least 1" in capsys.readouterr().err

    def stopped(seed):
        raise KeyboardInterrupt

    monkeypatch.setattr(seeds, "run", stopped)
    assert seeds.main(["--seeds", "2", "--out", str(tmp_path / "out.csv")]) == 130
    assert capsys.readouterr() == ("", "minigrad: stopped; no file was written\n")
    assert not (tmp_path / "out.csv").exists()
