"""grade: the mistake that was planted in a line is the one that is named, and what follows is told apart."""

from __future__ import annotations

import inspect
import itertools
import re
from html.parser import HTMLParser
from itertools import pairwise
from time import perf_counter

import numpy as np
import pytest
from students.networks import networks

import minigrad as mg
from minigrad import nn
from minigrad.check import Report, exercises
from minigrad.check.grading import budget, explanations
from minigrad.check.grading import changes as changes_of
from minigrad.check.grading.expression import atoms, attempt, evaluate
from minigrad.check.grading.solution import Solution
from minigrad.check.grading.words import phrases

notes_network = "three-layer both from logits"
every = ("dZ3", "dW3", "db3", "dA2", "dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1")


def handed_in(loss, wrong=(), names=every):
    """What a student hands in who writes the derivation's lines, but for these wrong ones."""
    text = mg.derive(loss).numpy()
    for line in wrong:
        name = line.partition(" = ")[0]
        text, count = re.subn(rf"(?m)^    {name} = .*$", lambda _, line=line: f"    {line}", text)
        assert count == 1, name
    shown = ", ".join(f'"{name}": {name}' for name in names)
    text = text[: text.rindex("\n    return ")] + f"\n    return {{{shown}}}"
    namespace: dict = {}
    exec(text, namespace)
    function = namespace["loss_and_gradients"]
    program = mg.derive(loss).program
    drawn = iter([e.output.tensor.data for e in program.equations if "rng" in e.parameters])
    values = {**mg.derive(loss).source.arguments, "rng": Again(drawn)}
    taken = inspect.signature(function).parameters
    return function(**{name: value for name, value in values.items() if name in taken})


class Again:
    """A generator that gives what was drawn."""

    def __init__(self, drawn):
        self.drawn = drawn

    def random(self, shape):
        return next(self.drawn)


@pytest.fixture(scope="module")
def loss():
    return networks[notes_network](0)[0]


planted = (
    # a factor dropped, inverted, squared or put twice
    ("dA1 = dZ2 @ W2 * D1", "factor dropped", "without `/ keep_prob`"),
    ("dA1 = dZ2 @ W2 / keep_prob", "factor dropped", "without `* D1`"),
    ("dA1 = dZ2 @ W2", "factors dropped", "without `* D1 / keep_prob`"),
    ("dA1 = dZ2 @ W2 * D1 * keep_prob", "factor inverted", "with `* keep_prob` instead of `/ keep_prob`"),
    ("dA1 = dZ2 @ W2 * D1 / keep_prob / keep_prob", "factor twice", "with `/ keep_prob` twice"),
    ("dW2 = dZ2.T @ A1_drop + lambd / m**2 * W2", "factor twice", "with `/ m` twice"),
    ("dZ3 = A3 - Y", "factor dropped", "without `/ m`"),
    ("dW1 = dZ1.T @ X / m + lambd / m * W1", "factor added", "with an extra `/ m`"),
    # an added term dropped, negated or doubled
    ("dW3 = dZ3.T @ A2_drop", "term dropped", "without `+ lambd / m * W3`"),
    ("dW3 = dZ3.T @ A2_drop - lambd / m * W3", "term negated", "with a sign reversed"),
    ("dW3 = dZ3.T @ A2_drop + 2 * lambd / m * W3", "term doubled", "with twice `lambd / m * W3`"),
    ("dW3 = dZ3.T @ A2_drop + lambd / (2 * m) * W3", "term halved", "with half of `lambd / m * W3`"),
    ("db2 = dZ2.sum(axis=0) + lambd / m * b2", "term added", "with an extra `+ lambd / m * b2`"),
    # a sign flipped
    ("dZ3 = (Y - A3) / m", "sign", "with the opposite sign"),
    ("dZ3 = (A3 + Y) / m", "term negated", "with a sign reversed, `+ Y` instead of `- Y`"),
    # a sum over the other axis, replaced by a mean, or left out
    ("db2 = dZ2.mean(axis=0)", "mean for sum", "with a mean"),
    ("db2 = dZ2", "sum left out", "without the sum"),
    ("db2 = dZ2.sum(axis=1)", "axis", "along another axis"),
    # a comparison reversed or made non-strict; a derivative of an activation forgotten
    ("dZ1 = dA1 * (Z1 < 0)", "comparison", "with `Z1 < 0` instead of `Z1 > 0`"),
    ("dZ1 = dA1", "slope dropped", "without the slope `* (Z1 > 0)`"),
    ("dZ1 = dA1 * (1 - A1 * A1)", "slope exchanged", "with the slope"),
    ("dZ2 = dA2 * Z2", "comparison", "with `Z2` instead of `Z2 > 0`"),
    ("dZ2 = dA2 * A2", "comparison", "with `A2` instead of `Z2 > 0`"),
    ("dZ3 = (A3 - Y) * A3 * (1 - A3) / m", "factor added", "with an extra `* (A3 * (1 - A3))`"),
    # a mask inverted or exchanged for another one
    ("dA1 = dZ2 @ W2 * (1 - D1) / keep_prob", "mask inverted", "with the inverted mask"),
    ("dA2 = dZ3 @ W3 * (np.arange(28).reshape(7, 4) % 3 > 0) / keep_prob", "another mask", "another mask"),
    # a value before instead of after an operation
    ("dW2 = dZ2.T @ A1 + lambd / m * W2", "exchanged", "with `A1` instead of `A1_drop`"),
    ("dW2 = dZ2.T @ Z1 + lambd / m * W2", "exchanged", "with `Z1` instead of `A1_drop`"),
    # one named constant for another; an upstream gradient for its neighbour
    ("dA1 = dZ2 @ W2 * D1 / (1 - keep_prob)", "constant exchanged", "with `1 - keep_prob` instead"),
    ("dA1 = dZ2 @ W2 * D1 / lambd", "constant exchanged", "with `lambd` instead of `keep_prob`"),
    ("dW2 = dA2.T @ A1_drop + lambd / m * W2", "exchanged", "with `dA2` instead of `dZ2`"),
    # a gradient that is handed in, and not used as it is
    ("dZ2 = dZ3 @ W3 * (Z2 > 0)", "factors dropped", "without `* D2 / keep_prob`"),
    ("dW2 = (dA2 * Z2).T @ A1_drop + lambd / m * W2", "comparison", "with `Z2` instead of `Z2 > 0`"),
)  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "what"), planted, ids=[line for line, *_ in planted])
def test_a_planted_mistake_is_named(loss, line, kind, what):
    name = line.partition(" = ")[0]
    report = mg.grade(handed_in(loss, [line]), loss)
    fault = next(fault for fault in report.faults if fault.array == name)
    assert what in fault.what
    assert fault.kind == kind
    assert fault.line == name
    assert not report.ok


@pytest.mark.parametrize(("line", "kind", "what"), planted, ids=[line for line, *_ in planted])
def test_it_is_the_only_one_and_the_rest_is_right_or_follows(loss, line, kind, what):
    name = line.partition(" = ")[0]
    wrong = handed_in(loss, [line])
    if wrong[name].shape != handed_in(loss)[name].shape:
        return  # what would follow has no shape
    report = mg.grade(wrong, loss)
    assert [fault.array for fault in report.faults] == [name]
    for other, verdict in report.verdicts.items():
        if other != name:
            assert verdict.passed
            assert verdict.verdict == "right" or verdict.verdict.startswith("follows from d")


def test_right_is_right(loss):
    report = mg.grade(handed_in(loss), loss)
    assert report.ok
    assert report
    assert report.score == 1
    assert not report.faults
    assert [v.verdict for v in report.verdicts.values()] == ["right"] * len(every)


def test_what_follows_is_told_from_what_is_wrong(loss):
    report = mg.grade(handed_in(loss, ["dZ2 = dA2"]), loss)
    verdicts = {name: v.verdict for name, v in report.verdicts.items()}
    assert verdicts["dZ2"] == "wrong"
    assert verdicts["dW2"] == verdicts["db2"] == verdicts["dA1"] == "follows from dZ2"
    assert verdicts["dZ1"] == "follows from dA1"
    assert verdicts["dW1"] == verdicts["db1"] == "follows from dZ1"
    assert report.score == pytest.approx(10 / 11)


def test_a_line_that_was_not_handed_in_is_searched_too(loss):
    work = handed_in(loss, ["dA1 = dZ2 @ W2 * D1"], names=("dW1", "db1", "dW2"))
    report = mg.grade(work, loss)
    (fault,) = report.faults
    assert (fault.line, fault.what) == ("dA1", "without `/ keep_prob`")
    assert "dA1 (not handed in)" in str(fault)


def test_two_lines_each_with_a_mistake(loss):
    wrong = ["dA2 = dZ3 @ W3 * D2", "dW1 = dZ1.T @ X + lambd * W1"]
    report = mg.grade(handed_in(loss, wrong), loss)
    assert [(f.line, f.what) for f in report.faults] == [
        ("dA2", "without `/ keep_prob`"),
        ("dW1", "without `/ m`"),
    ]


def test_two_mistakes_in_one_line(loss):
    report = mg.grade(handed_in(loss, ["dW2 = dZ2.T @ A1 + lambd * W2"]), loss)
    assert {f.what for f in report.faults} == {"with `A1` instead of `A1_drop`", "without `/ m`"}
    assert {f.line for f in report.faults} == {"dW2"}


def test_two_mistakes_in_lines_that_were_not_handed_in(loss):
    wrong = ["dA2 = dZ3 @ W3 * D2", "dZ1 = dA1"]
    report = mg.grade(handed_in(loss, wrong, names=("dW1",)), loss)
    assert {f.what for f in report.faults} == {
        "without `/ keep_prob`",
        "without the slope `* (Z1 > 0)`",
    }


def test_two_mistakes_are_looked_for_with_the_same_result_on_a_machine_that_is_slow(loss, monkeypatch):
    right = handed_in(loss)

    def tried(seconds_each, **limits):
        made, clock = [], itertools.count(0, seconds_each)
        with monkeypatch.context() as patch:
            patch.setattr(budget, "perf_counter", lambda: next(clock))
            explored = explanations.Explainer._along
            patch.setattr(explanations.Explainer, "_along", lambda *a: made.append(1) or explored(*a))
            (fault,) = mg.grade({**right, "dW2": np.sin(100 * right["dW2"])}, loss, **limits).faults
        assert not fault.found
        return len(made)

    without = tried(0, candidates=0)
    assert tried(0, candidates=300) == tried(0.001, candidates=300) == without + 300
    assert without < tried(0.1, candidates=300, seconds=1) < without + 300


def test_the_sentence_the_reason_and_both_lines(loss):
    text = " ".join(str(mg.grade(handed_in(loss, ["dA1 = dZ2 @ W2 * D1"]), loss)).split())
    assert (
        "Your dA1 is the right one without `/ keep_prob`: in backpropagation the kept units are scaled by "
        "1/keep_prob again, because the forward pass was: `A1_drop = A1 * D1 / keep_prob`."
    ) in text
    assert "right dA1 = dZ2 @ W2 * D1 / keep_prob yours dA1 = dZ2 @ W2 * D1" in text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("dA1 = dZ2 @ W2 / keep_prob", "the same mask is applied"),
        ("dZ3 = A3 - Y", "mean over m examples"),
        ("dW3 = dZ3.T @ A2_drop", "W3 is in `L2 ="),
        ("dZ1 = dA1", "A1 = np.maximum(Z1, 0)"),
        ("dW2 = dZ2.T @ A1 + lambd / m * W2", "it was A1_drop that the forward pass used: `Z2 ="),
        ("dW2 = dA2.T @ A1_drop + lambd / m * W2", "`Z2 = A1_drop @ W2.T + b2`"),
        ("db2 = dZ2.mean(axis=0)", "b2 was used for every row"),
    ],
)
def test_why_the_right_line_is_as_it_is(loss, line, why):
    (fault,) = mg.grade(handed_in(loss, [line]), loss).faults
    assert why in fault.readings[0].why


# ---- what cannot be told


def network(m=7, lambd=0.9, keep_prob=0.8, sizes=(4, 5, 3, 1), symmetric=False, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, sizes[0])), (rng.random((m, 1)) < 0.5) * 1.0
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=keep_prob, rng=rng)]
    model = nn.Sequential(*layers[:-2])
    for p in model.parameters():
        with mg.no_grad():
            p.data = p.data + p.data.T if symmetric and p.ndim == 2 and p.shape == p.shape[::-1] else p.data
    J = nn.binary_cross_entropy_with_logits(model(X), Y)
    return J + nn.l2_penalty(model, lambd=lambd, m=m)


@pytest.mark.parametrize(
    ("special", "cause", "better", "hidden"),
    [
        ({"m": 1}, "m = 1", "m = 7", "without `/ m`"),
        ({"lambd": 0}, "lambd = 0", "lambd = 0.9", "without `+ lambd / m * W3`"),
        ({"keep_prob": 0.5}, "keep_prob = 0.5", "keep_prob = 0.8", "`1 - keep_prob` instead of `keep_prob`"),
        ({"sizes": (4, 4, 4, 1), "symmetric": True}, "W2 is symmetric", "W2 that is not square", "`W2.T`"),
    ],
)
def test_inputs_that_hide_mistakes_are_said_and_better_ones_proposed(special, cause, better, hidden):
    J = network(**special)
    report = mg.grade(handed_in(J), J)
    (note,) = report.notes
    assert report.ok
    for text in (cause, better, hidden):
        assert text in note


def test_a_penalty_of_a_bias_is_hidden_where_the_bias_is_0():
    J = network()
    (note,) = mg.grade(handed_in(J), J).notes
    assert "db3 with an extra `+ lambd / m * b3`" in note
    assert "That is so since b1 is 0, b2 is 0, b3 is 0." in note
    assert mg.grade(handed_in(J, names=("dW1", "dW2")), J).notes == ()


def test_only_what_hides_something_is_called_a_cause():
    J = network(sizes=(4, 5, 1), lambd=0, keep_prob=0.999)
    work = handed_in(J, ["dA1 = dZ2 @ W2 * D1 * keep_prob"], names=("dA1", "dW1"))
    note = mg.grade(work, J).notes[-1]
    assert "That is so since lambd = 0. Inputs" in note  # the mask hides nothing: dA1 is wrong in any case
    J = network(m=1, keep_prob=0.999)
    (note,) = mg.grade(handed_in(J, names=("dA1",)), J).notes
    assert "no unit was shut down by D1" in note


def test_readings_that_only_these_inputs_cannot_tell_apart_have_their_cause_told():
    J = network(sizes=(4, 5, 1), keep_prob=0.5)
    (note,) = mg.grade(handed_in(J, ["dA1 = dZ2 @ W2 * D1"], names=("dA1",)), J).notes
    assert note.startswith(
        "Some readings give the same numbers for these inputs only. That is so since keep_prob"
    )


def test_generic_inputs_hide_nothing(loss):
    assert mg.grade(handed_in(loss), loss).notes == ()


def test_mistakes_that_give_the_same_numbers_are_one_group():
    J = network(keep_prob=0.5)
    report = mg.grade(handed_in(J, ["dA1 = dZ2 @ W2 * D1 * 2 / keep_prob"]), J)
    (fault,) = report.faults
    assert len(fault.readings) > 1
    assert {r.what for r in fault.readings} >= {"with `/ keep_prob` twice", "with an extra `* 2`"}
    assert "the numbers are the same" in str(fault)
    assert any("keep_prob = 0.8" in note for note in report.notes)


def test_a_mask_that_may_be_another_one_is_told_beside_what_else_it_may_be():
    J = network(seed=10)
    (fault,) = mg.grade(handed_in(J, ["dA2 = dZ3 @ W3 * (1 - D2) / keep_prob"], names=("db2",)), J).faults
    assert {reading.kind for reading in fault.readings} == {"mask inverted", "another mask"}


@pytest.mark.parametrize(
    ("spoil", "clue"),
    [
        (lambda W: 1.37 * W, "it is 1.37 times the right one everywhere"),
        (lambda W: W * 0, "it is 0 everywhere"),
        (lambda W: np.round(W).astype(int), "whole numbers"),
        (lambda W: np.vstack([W[:2], W[2:] + 1.0]), "right in 2 of 4 rows"),
        (lambda W: np.hstack([W[:, :1] + 1.0, W[:, 1:]]), "right in 4 of 5 columns"),
        (lambda W: W[::-1], "its rows are right, in another order: 3, 2, 1, 0"),
        (lambda W: W[::-1, ::-1], "its numbers are right, in reverse order along every axis"),
        (lambda W: W.T.reshape(4, 5), "its numbers are right, in other places"),
        (lambda W: W.ravel(), "its numbers are right, row after row: reshape it"),
        (lambda W: W.reshape(5, 4), "its numbers are right, row after row: reshape it"),
        (lambda W: W > 0, "truth values"),
        (lambda W: np.sin(100 * W), "the largest difference is at"),
        (lambda W: np.zeros((2, 2)), "its shape is (2, 2), the right one is (4, 5)"),
    ],
)
def test_what_is_not_found_is_said_to_be_not_found_with_what_is_known(loss, spoil, clue):
    right = handed_in(loss)["dW2"]
    report = mg.grade({"dW2": spoil(right)}, loss)
    (fault,) = report.faults
    assert not fault.found
    assert fault.kind == "not found"
    assert any(clue in known for known in fault.clues), fault.clues
    assert "were found to give it" in str(fault)


def test_the_entries_of_a_bias_in_another_order(loss):
    (fault,) = mg.grade({"db1": np.roll(handed_in(loss)["db1"], 1)}, loss).faults
    assert fault.clues == ("its entries are right, in another order: 4, 0, 1, 2, 3",)


def test_a_gradient_for_another_batch():
    """The mean is one over examples 1, 2 and 4, and the penalty is divided by 3 too."""
    J, _ = networks["regression tanh"](0)
    J = J + nn.l2_penalty([v.tensor for v in mg.derive(J).program.leaves if v.name == "W1"], lambd=0.9, m=7)
    line = "dW1 = 7 / 3 * (dZ1[[1, 2, 4]].T @ X[[1, 2, 4]]) + lambd / 3 * W1"
    (fault,) = mg.grade(handed_in(J, [line], names=("dW1",)), J).faults
    text = "it is what examples 1, 2, 4 of 7 give, counted 2.333 times"
    assert fault.clues == (f"{text}, and what no example enters 2.333 times",)


def test_many_examples_are_not_looked_through_for_ever(monkeypatch):
    def attempts(m):
        J = network(m=m, sizes=(4, 5, 1))
        work = {"dW1": np.sin(100 * handed_in(J, names=("dW1",))["dW1"])}
        made, clock = [], itertools.count(perf_counter(), 0.02)
        monkeypatch.setattr(explanations.Explainer, "_pairs", lambda *_: iter(()))
        monkeypatch.setattr(budget, "perf_counter", lambda: next(clock))
        monkeypatch.setattr(explanations, "attempt", lambda *a: made.append(1) or attempt(*a))
        (fault,) = mg.grade(work, J, seconds=0).faults
        assert not fault.found
        return len(made)

    assert attempts(3000) < attempts(30) + 100


def test_a_batch_in_which_some_examples_are_dead(loss):
    line = "dW2 = 2 * (dZ2[[1, 2, 4]].T @ A1_drop[[1, 2, 4]]) + lambd / m * W2"
    (fault,) = mg.grade({"dW2": handed_in(loss, [line])["dW2"]}, loss).faults
    dead = ", ".join(str(k) for k, row in enumerate(handed_in(loss)["dZ2"]) if not row.any())
    assert fault.clues[-1] == f"it is what example 1 gives, counted 2 times ({dead} would give nothing)"


def test_a_difference_parallel_to_an_array_is_named(loss):
    work = handed_in(loss)
    values = networks[notes_network](0)[1]
    report = mg.grade({"dW2": work["dW2"] + 3.7 * values["W2"]}, loss)
    assert any("parallel to W2" in clue for clue in report.faults[0].clues)


def test_a_gradient_for_some_of_the_examples(loss):
    work = handed_in(loss, ["dW1 = dZ1[:4].T @ X[:4] + lambd / m * W1"])
    (fault,) = mg.grade(work, loss).faults
    assert fault.what == "for the first 4 examples only"


# ---- conventions and styles


def test_examples_as_columns(loss):
    work = {k: v.T if k[1] in "ZA" else v for k, v in handed_in(loss).items()}
    assert not mg.grade(work, loss).ok
    assert mg.grade(work, loss, transposed=True).ok


def test_gradients_named_as_transposed(loss):
    work = handed_in(loss)
    work["dW2"] = work["dW2"].T
    assert mg.grade(work, loss, transposed=["dW2"]).ok
    (fault,) = mg.grade(work, loss).faults
    assert fault.what == "transposed"


def test_a_function_gets_columns_too(loss):
    def work(A3, Y, m):
        assert A3.shape == (1, 7)
        return {"dZ3": (A3 - Y) / m}

    assert mg.grade(work, loss, transposed=True).ok


def test_dividing_by_m_last_is_no_mistake(loss):
    names = {"dZ3", "dA2", "dZ2", "dA1", "dZ1"}
    work = {k: v * 7 if k in names else v for k, v in handed_in(loss).items()}
    report = mg.grade(work, loss)
    assert report.ok
    assert report.verdicts["dZ3"].verdict == "right, times m"
    assert any("That is a convention" in note for note in report.notes)


def test_dividing_by_m_last_but_not_everywhere_is_one(loss):
    names = {"dZ3", "dA2", "dZ2", "dA1", "dZ1", "db2"}
    work = {k: v * 7 if k in names else v for k, v in handed_in(loss).items()}
    (fault,) = mg.grade(work, loss).faults
    assert fault.array == "db2"
    assert "without the `/ m`" in fault.what


@pytest.mark.parametrize(
    ("line", "what", "names"),
    [
        ("dA1 = dZ2 @ W2 * D1", "without `/ keep_prob`", ("dA1",)),
        ("dA1 = dZ2 @ W2 * D1", "without `/ keep_prob`", ("dA1", "dZ1")),
        ("dA1 = dZ2 @ W2 * D1", "without `/ keep_prob`", ("dA1", "dW3", "db2")),
        ("dZ3 = (Y - A3) / m", "with the opposite sign", ("dZ3", "dA2", "dZ2")),
        ("dZ2 = dA2 * (Z2 > 0) * m", "with an extra `* m`", ("dA2", "dZ2", "dW2")),
    ],
)
def test_a_factor_that_no_parameter_makes_good_is_a_mistake(loss, line, what, names):
    (fault,) = mg.grade(handed_in(loss, [line], names=names), loss).faults
    assert fault.what == what


def test_dividing_by_m_last_where_no_parameter_is_handed_in(loss):
    report = mg.grade(handed_in(loss, ["dZ3 = A3 - Y"], names=("dZ3", "dZ2", "dA1")), loss)
    assert report.ok
    assert "not a mistake, if the parameters' gradients are divided by it" in report.notes[0]


def test_dividing_by_m_last_beside_a_mistake(loss):
    work = handed_in(loss, ["dA1 = dZ2 @ W2 * D1"], names=("dZ3", "dA1", "dW1"))
    report = mg.grade({k: v * 7 if k[1] in "ZA" else v for k, v in work.items()}, loss)
    (fault,) = report.faults
    assert fault.what == "without `/ keep_prob`"
    assert report.verdicts["dZ3"].verdict == "right, times m"


def test_dividing_by_m_last_among_many_constants():
    rng = np.random.default_rng(0)
    layers = [nn.Linear(4, 5, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng)]
    layers += [nn.Linear(5, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.7, rng=rng)]
    model = nn.Sequential(*layers, nn.Linear(3, 1, rng=rng))
    X, Y = rng.standard_normal((7, 4)), (rng.random((7, 1)) < 0.5) * 1.0
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=7)
    work = handed_in(J)
    work |= {name: 7 * work[name] for name in every if name[1] in "ZA"}
    report = mg.grade(work, J)
    assert report.ok
    assert report.verdicts["dA1"].verdict == "right, times m"


def test_float16(loss):
    work = {name: array.astype(np.float16) for name, array in handed_in(loss).items()}
    report = mg.grade(work, loss)
    assert report.ok
    assert report.verdicts["dW1"].verdict == "right up to rounding of float16"
    wrong = handed_in(loss, ["dA1 = dZ2 @ W2 * D1"])
    report = mg.grade({name: array.astype(np.float16) for name, array in wrong.items()}, loss)
    (fault,) = report.faults
    assert fault.what == "without `/ keep_prob`"
    assert report.verdicts["dW1"].verdict == "follows from dZ1"


def test_float32(loss):
    work = {k: v.astype(np.float32) for k, v in handed_in(loss).items()}
    report = mg.grade(work, loss)
    assert report.ok
    assert {v.verdict for v in report.verdicts.values()} <= {"right", "right up to rounding of float32"}
    wrong = {k: v.astype(np.float32) for k, v in handed_in(loss, ["dA1 = dZ2 @ W2 * D1"]).items()}
    (fault,) = mg.grade(wrong, loss).faults
    assert fault.what == "without `/ keep_prob`"


def test_biases_as_rows_or_columns(loss):
    work = handed_in(loss)
    report = mg.grade({"db1": work["db1"][None], "db2": work["db2"][:, None]}, loss)
    assert report.ok
    assert "its shape is (1, 5)" in report.verdicts["db1"].verdict


def test_a_function_is_given_what_it_names_as_copies(loss):
    def backward(A3, Y, m, A2_drop, W3, lambd=0.0):
        A3 -= Y
        dZ3 = A3 / m
        return {"dZ3": dZ3, "dW3": dZ3.T @ A2_drop + lambd / m * W3}

    assert mg.grade(backward, loss).ok
    assert mg.grade(backward, loss).ok  # what it was given is not changed


def test_a_function_may_ask_for_every_line_of_the_forward_pass():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(4, 5, rng=rng), nn.ReLU(), nn.Linear(5, 3, rng=rng))
    X, labels = mg.Tensor(rng.standard_normal((7, 4)), name="X"), rng.integers(0, 3, 7)
    J = nn.cross_entropy(model(X), labels)
    text = mg.derive(J).numpy()
    assert "log_A2 = log_softmax(Z2, axis=1)" in text

    def backward(log_A2, Y, m, A1):
        dZ2 = (np.exp(log_A2) - Y) / m
        return {"dZ2": dZ2, "dW2": dZ2.T @ A1}

    assert mg.grade(backward, J).ok
    (fault,) = mg.grade({"dZ2": lambda log_A2, Y, m: (log_A2 - Y) / m}, J).faults
    assert fault.what == "with `log_A2` instead of `np.exp(log_A2)`"


def test_cost_and_gradients(loss):
    assert mg.grade(lambda A3, Y, m: (1.0, {"dZ3": (A3 - Y) / m}), loss).ok


# ---- it knows nothing of layers


def test_a_graph_of_another_kind():
    rng = np.random.default_rng(3)
    x = mg.Tensor(rng.standard_normal((4, 3)), requires_grad=True, name="x")
    k = mg.constant(1.7, name="k")
    u = np.sin(k * x)
    u.name = "u"
    energy = np.sum(u * x)
    right = np.cos(1.7 * x.data) * 1.7 * x.data + u.data
    assert mg.grade({"dx": right}, energy).ok
    (fault,) = mg.grade({"dx": np.cos(1.7 * x.data) * x.data + u.data}, energy).faults
    assert fault.what == "without `* k`"
    (fault,) = mg.grade({"dx": np.cos(1.7 * x.data) * 1.7 * x.data}, energy).faults
    assert fault.what == "without `+ u`"
    (fault,) = mg.grade({"dx": np.sin(1.7 * x.data) * 1.7 * x.data + u.data}, energy).faults
    assert "np.sin" in fault.what or "`u`" in fault.what


def test_every_kind_of_change_has_its_words(loss):
    """Whatever change there is of a line can be said."""
    parameters = [leaf.tensor for leaf in mg.derive(loss).program.leaves if leaf.tensor.requires_grad]
    solution = Solution(loss, parameters, {})
    kinds = {
        change.kind
        for line in solution.lines
        for form in solution.forms(line)
        for change in changes_of.changes(form, solution.surroundings(line))
    }
    assert kinds <= phrases.keys()
    assert len(kinds) > 20


def test_lines_give_what_was_recorded(loss):
    parameters = [leaf.tensor for leaf in mg.derive(loss).program.leaves if leaf.tensor.requires_grad]
    solution = Solution(loss, parameters, {})
    for line in solution.lines:
        for form in solution.forms(line):
            np.testing.assert_allclose(evaluate(form, solution.values), solution.values[line], rtol=1e-12)
            values = solution.elsewhere
            np.testing.assert_allclose(evaluate(form, values), values[line], rtol=1e-9, atol=1e-12)
            assert atoms(form)


# ---- bad input


def test_names_shapes_and_values_that_cannot_be_graded(loss):
    nan = handed_in(loss)["dW1"].copy()
    nan[0, 1] = np.nan
    work = {
        "dW1": nan,
        "dw2": 1.0,
        "dw_3": 1.0,
        "q": 1.0,
        "dX": np.ones((7, 3)),
        "Z1": np.ones((7, 5)),
        "db1": None,
        "db2": "text",
        "db3": [[1.0], [2.0, 3.0]],
        "dZ3": handed_in(loss)["dZ3"],
    }
    report = mg.grade(work, loss)
    said = {name: v.verdict for name, v in report.verdicts.items()}
    assert said["dZ3"] == "right"
    assert "nan in 1 of 15 places, at [0, 1]" in said["dW1"]
    assert "is not known, did you mean dW2? There are dW1" in said["dw2"]
    assert "did you mean dW3?" in said["dw_3"]
    assert "is not known. There are dW1" in said["q"]
    assert "X needs no gradient" in said["dX"]
    assert "a value of the forward pass" in said["Z1"]
    assert "is None" in said["db1"]
    assert "wanted real numbers" in said["db2"]
    assert "does not make an array" in said["db3"]
    assert not report.ok
    assert report.score == pytest.approx(1 / 10)
    assert "9 not graded" in report.headline


def test_a_forward_value_by_mistake(loss):
    values = networks[notes_network](0)[1]
    (fault,) = mg.grade({"dA1": values["A1"]}, loss).faults
    assert fault.what == "`A1`, a value of the forward pass"


def test_another_gradient_by_mistake():
    J = network(sizes=(4, 4, 4, 1))
    work = handed_in(J)
    report = mg.grade({"dW1": work["dW2"], "dW2": work["dW1"]}, J)
    assert {f.what for f in report.faults} == {
        "`dW1`, which is another gradient",
        "`dW2`, which is another gradient",
    }


def test_what_is_missing(loss):
    names = [leaf.tensor for leaf in mg.derive(loss).program.leaves if leaf.name in ("W1", "b1")]
    report = mg.grade({"dW1": handed_in(loss)["dW1"], "dB1": 1.0}, loss, wrt=names)
    assert report.verdicts["db1"].verdict == "missing; is it what is called dB1?"
    assert not report.ok


def test_what_has_to_be_handed_in_by_name_or_as_a_dict(loss):
    weights = {x.name: x.tensor for x in mg.derive(loss).program.leaves if x.name in ("W1", "W2")}
    work = {"dW1": handed_in(loss)["dW1"]}
    for wrt in (weights, list(weights.values())):
        assert mg.grade(work, loss, wrt).verdicts["dW2"].verdict == "missing"
    for wrt in ("W1", ["W1"], 3):
        with pytest.raises(TypeError, match="grade: wrt= takes a Tensor, several, or a model, not"):
            mg.grade(work, loss, wrt)


def test_what_has_to_be_handed_in_and_is_not_in_the_loss(loss):
    other = mg.Tensor([1.0, 2.0], requires_grad=True, name="V")
    with pytest.raises(ValueError, match=r'^grade: the loss does not depend on "V" \(2,\)$'):
        mg.grade({"dW1": handed_in(loss)["dW1"]}, loss, other)


def test_a_function_that_raises_does_not_hide_the_others(loss):
    def broken(X):
        return 1 / (X.shape[0] - 7)

    report = mg.grade({"dW1": broken, "dZ3": lambda A3, Y, m: (A3 - Y) / m}, loss)
    assert report.verdicts["dZ3"].verdict == "right"
    assert "raised ZeroDivisionError" in report.verdicts["dW1"].verdict
    assert "return 1 / (X.shape[0] - 7)" in report.verdicts["dW1"].verdict
    report = mg.grade(broken, loss)
    assert "raised ZeroDivisionError" in report.verdicts["broken"].verdict


def test_an_argument_that_names_nothing(loss):
    report = mg.grade({"dZ3": lambda A_3, Y: A_3 - Y}, loss)
    assert "nothing is called 'A_3', did you mean A3?" in report.verdicts["dZ3"].verdict


@pytest.mark.parametrize("work", [3, [1.0], None, np.ones(3), lambda: 5])
def test_work_that_is_no_dict(loss, work):
    with pytest.raises(TypeError, match="must be a dict of arrays"):
        mg.grade(work, loss)


def test_nothing_handed_in(loss):
    report = mg.grade({}, loss)
    assert not report.ok
    assert any("Nothing was handed in; there are" in note for note in report.notes)


def test_a_loss_that_is_none(loss):
    with pytest.raises(TypeError, match="loss must be a Tensor"):
        mg.grade({}, 3.0)
    with pytest.raises(ValueError, match="is not a scalar"):
        mg.grade({}, mg.Tensor([1.0, 2.0], requires_grad=True))


def test_grading_changes_nothing(loss):
    leaves = [leaf.tensor for leaf in mg.derive(loss).program.leaves]
    before = [(leaf.stamp, leaf.data.copy(), leaf.grad) for leaf in leaves]
    work = handed_in(loss, ["dA1 = dZ2 @ W2 * D1"])
    kept = {k: v.copy() for k, v in work.items()}
    mg.grade(work, loss)
    for leaf, (stamp, data, grad) in zip(leaves, before, strict=True):
        assert leaf.stamp == stamp
        assert leaf.grad is grad
        np.testing.assert_array_equal(leaf.data, data)
    for name, array in kept.items():
        np.testing.assert_array_equal(work[name], array)


# ---- how it is shown


def test_it_fits_a_terminal(loss):
    text = str(mg.grade(handed_in(loss, ["dA1 = dZ2 @ W2 * D1", "dW1 = dZ1.T @ X"]), loss))
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("grade: 7 of 11 arrays right, 2 mistakes\n")


def test_long_lines_of_code_are_broken():
    x = mg.Tensor(np.linspace(0.5, 2, 6).reshape(2, 3), True, name="the_only_parameter")
    work = {"dthe_only_parameter": mg.grad(J := np.sum(np.exp(x) * np.sin(x) / np.cosh(x)), x).data}
    report = mg.grade({name: -array for name, array in work.items()}, J)
    (right, yours) = report.faults[0].lines()
    assert len(right[1]) > 80
    text = str(report)
    assert max(map(len, text.splitlines())) <= 80
    assert right[1] in " ".join(text.split())
    assert yours[1] in " ".join(text.split())


def test_a_sign_is_written_as_people_write_it(loss):
    (fault,) = mg.grade(handed_in(loss, ["dZ3 = (Y - A3) / m"]), loss).faults
    assert fault.readings[0].yours == "dZ3 = (Y - A3) / m"
    assert fault.readings[0].why.startswith("the gradient is the direction in which the cost grows")
    x = mg.Tensor([1.0, 2.0, 4.0], True, name="x")
    (fault,) = mg.grade({"dx": 1 / x.data**2}, np.sum(1 / x)).faults
    assert "-" not in fault.readings[0].yours


def test_a_mean_over_several_outputs_is_why_there_is_an_m():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 4, rng=rng), nn.Tanh(), nn.Linear(4, 2, rng=rng))
    X, Y = (mg.Tensor(rng.standard_normal((7, n)), name=name) for n, name in ((3, "X"), (2, "Y")))
    J = nn.mse_loss(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=7)
    (fault,) = mg.grade(handed_in(J, ["dZ2 = Z2 - Y"], names=("dZ2", "dW2", "dW1")), J).faults
    assert fault.what == "without `/ m`"
    assert "a mean over m examples of 2 numbers each, so each number counts 1/(2 * m)" in str(fault)


def test_it_shows_itself_in_a_notebook(loss):
    html = mg.grade(handed_in(loss, ["dZ1 = dA1"]), loss)._repr_html_()
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attrs):
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balance().feed(html)
    assert not opened
    assert "<code>dZ1 = dA1 * (Z1 &gt; 0)</code>" in html
    assert "✗" in html
    assert "→" in html


def test_an_empty_report_is_not_ok():
    assert not Report({}).ok
    assert Report({}).score == 0


def test_lines_that_cannot_be_told_apart_by_what_was_handed_in_are_both_told(loss):
    """A number that is missing in dA1 or in dA2 is missing in dW1: nothing in dW1 says in which."""
    (fault,) = mg.grade(handed_in(loss, ["dA2 = dZ3 @ W3 * D2"], names=("dW1",)), loss).faults
    assert {reading.yours for reading in fault.readings} == {"dA2 = dZ3 @ W3 * D2", "dA1 = dZ2 @ W2 * D1"}


# ---- how lines are written


@pytest.mark.parametrize("name", [*networks, *(f"exercise {name}" for name in exercises.names)])
def test_a_line_is_written_as_the_derivation_writes_it(name):
    """What derive has no name for is written out by the grader; all other lines are the same."""
    known, exercise = networks.get(name), name.removeprefix("exercise ")
    J = known(0)[0] if known else exercises.network(exercise, 0).loss
    solution = Solution(J, mg.derive(J).wrt, {})
    source = solution.derivation.source
    same = 0
    for line in solution.lines:
        written = source.expression(line, own=True)
        if not re.search(r"\b[a-z][a-z_]*_\d+\b", f"{line.name} {written}"):  # subtract_1
            assert solution.line_text(line) == f"{line.name} = {written}"
            assert written in source.text or len(written) > 80  # broken into several
            same += 1
    assert same >= 2


@pytest.mark.parametrize(
    ("name", "wrong", "yours"),
    [
        ("softmax", lambda w: -w["dA2"], "dA2 = Y / A2 / m"),
        ("softmax", lambda w: w["dA2"] / 7, "dA2 = -Y / A2 / m / m"),
        ("linear regression", lambda w: -w["dY_hat"], "dY_hat = -2 * (Y_hat - Y) / (3 * m)"),
        ("linear regression", lambda w: w["dY_hat"] / 2, "dY_hat = (Y_hat - Y) / (3 * m)"),
    ],
)
def test_a_line_with_a_mistake_is_written_as_the_right_one_but_for_the_mistake(name, wrong, yours):
    J, _ = networks[name](0)
    (key,) = (key for key in ("dA2", "dY_hat") if yours.startswith(key))
    value = next(e.output.tensor for e in mg.derive(J).program.equations if e.output.name == key[1:])
    fault = mg.grade({key: wrong({key: mg.grad(J, value).data})}, J).faults[0]
    assert fault.readings[0].yours == yours


# ---- what people hand in beside arrays


def test_of_a_function_that_calls_itself_without_end_the_first_and_the_last_calls_are_shown(loss):
    def backward(X):
        return backward(X) + 1

    report = mg.grade(backward, loss)
    lines = report.verdicts["backward"].verdict.splitlines()
    assert lines[0].startswith("raised RecursionError")
    assert len(lines) == 8
    assert re.fullmatch(r"\.\.\. \d+ calls more \.\.\.", lines[3])
    shown = str(report)
    assert all(re.search(rf"(?m)^ +{re.escape(line)}$", shown) for line in lines[1:])  # a line is a line


@pytest.mark.parametrize("name", ["W1_grad", "grad_W1", "W1.grad", "gradient_W1", "dw1", "d_W1"])
def test_a_gradient_by_another_of_its_usual_names_is_understood_as_a_question(loss, name):
    report = mg.grade({name: np.ones((5, 3))}, loss)
    assert report.verdicts[name].verdict.startswith("is not known, did you mean dW1? There are dW1, ")


def test_what_a_function_returns_is_named(loss):
    with pytest.raises(TypeError, match="or a function that returns one; what <lambda> returns is None"):
        mg.grade(lambda X: None, loss)
    with pytest.raises(TypeError, match="what <lambda> returns is of type tuple"):
        mg.grade(lambda X: (X, X), loss)

    async def backward(X):
        return {}

    with pytest.raises(TypeError, match="what backward returns is of type coroutine"):
        mg.grade(backward, loss)


def test_settings_that_mean_nothing_are_refused(loss):
    right = handed_in(loss)
    for name, limit in (("candidates", "many"), ("seconds", None), ("seconds", True)):
        with pytest.raises(TypeError, match=f"grade: {name}= is a number, not {limit!r}"):
            mg.grade(right, loss, **{name: limit})
    for limit in (-1, np.nan):
        with pytest.raises(ValueError, match="grade: seconds= is a number from 0 up"):
            mg.grade(right, loss, seconds=limit)
    with pytest.raises(ValueError, match="grade: transposed= names 'dQ'; there are dW1, db1"):
        mg.grade(right, loss, transposed=["dW2", "dQ"])
    with pytest.raises(TypeError, match="grade: transposed= is True, or the names of gradients, not 3"):
        mg.grade(right, loss, transposed=3)
    assert mg.grade({"dW2": right["dW2"].T}, loss, transposed="dW2").ok


def test_a_loss_that_needs_no_gradient_is_refused():
    with pytest.raises(ValueError, match="not computed from anything that needs a gradient"):
        mg.grade({"dW": np.ones(3)}, mg.Tensor(1.0))


def test_what_is_known_is_said_once(loss):
    right = handed_in(loss)
    W1 = mg.derive(loss).source.arguments["W1"]
    for wrong in (right["dW1"] * np.pi, right["dW1"] + 0.37 * W1):
        (fault,) = mg.grade({**right, "dW1": wrong}, loss).faults
        assert len(fault.clues) == 1, fault.clues


def test_a_ratio_may_be_the_square_root_of_a_constant(loss):
    right = handed_in(loss)
    (fault,) = mg.grade({"dA2": right["dA2"] * np.sqrt(0.8)}, loss).faults
    assert "which is the square root of keep_prob" in str(fault)


def test_no_other_mask_is_guessed_from_a_sum_over_its_rows_alone(loss):
    """A relu that is taken at 1/2 makes a whole column 0, as a mask could that is none of the program's."""
    right = handed_in(loss)
    db2 = right["db2"].copy()
    db2[np.flatnonzero(db2)[0]] = 0
    (fault,) = mg.grade({"dW3": right["dW3"], "db2": db2}, loss).faults
    assert not fault.found
    assert fault.clues


def test_one_mistake_that_is_hidden_is_named_once():
    J = network(sizes=(4, 4, 4, 1), symmetric=True)
    (note,) = mg.grade(handed_in(J), J).notes
    assert note.count("W2.T") == 1


# ---- changes that go beyond one place


def test_two_values_of_a_line_that_are_exchanged(loss):
    rng = np.random.default_rng(0)
    x1, x2, x3 = (mg.Tensor(rng.standard_normal((7, 3)), name=f"x{t}") for t in (1, 2, 3))
    W, V = (
        mg.Tensor(rng.standard_normal(shape), True, name=n) for n, shape in (("W", (4, 3)), ("V", (4, 4)))
    )
    h = None
    for t, x in enumerate((x1, x2, x3), 1):
        z = x @ W.T if h is None else x @ W.T + h @ V.T
        z.name, h = f"z{t}", np.tanh(z)
        h.name = f"h{t}"
    J = np.sum(np.square(h))
    wrong = ["dW = dz1.T @ x3 + dz2.T @ x2 + dz3.T @ x1"]
    (fault,) = mg.grade(handed_in(J, wrong, names=("dW", "dV")), J).faults
    assert fault.kind == "swapped"
    assert fault.what in ("with `dz1` and `dz3` exchanged", "with `x1` and `x3` exchanged")
    assert fault.readings[0].why


def test_the_sign_of_an_argument():
    rng = np.random.default_rng(0)
    X = mg.Tensor(rng.standard_normal((7, 3)), name="X")
    W = mg.Tensor(rng.standard_normal((4, 3)), True, name="W")
    Z = X @ W.T
    Z.name = "Z"
    A = mg.softplus(Z)
    A.name = "A"
    J = np.sum(np.square(A))
    (fault,) = mg.grade(handed_in(J, ["dZ = dA * sigmoid(-Z)"], names=("dZ", "dW")), J).faults
    assert fault.what == "with `sigmoid(-Z)` instead of `sigmoid(Z)`"
    assert "slope" in fault.readings[0].why


def test_one_example_is_called_one():
    J, values = networks[notes_network](0)
    right = handed_in(J)
    dW1 = right["dZ1"][-1:].T @ values["X"][-1:] + values["lambd"] / values["m"] * values["W1"]
    (fault,) = mg.grade({**right, "dW1": dW1}, J).faults
    assert fault.what == "for the last example only"


@pytest.mark.parametrize("columns", [False, True])
def test_a_mistake_in_the_only_gradient_on_the_way_that_is_divided_by_m_later(columns):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((7, 3)), (rng.random((7, 1)) < 0.5) * 1.0
    sizes = {"W1": (5, 3), "b1": (5, 1) if columns else (5,), "W2": (1, 5), "b2": (1, 1) if columns else (1,)}
    W1, b1, W2, b2 = (mg.Tensor(rng.standard_normal(size), True, name=name) for name, size in sizes.items())
    X, Y = (mg.Tensor(a.T if columns else a, name=name) for a, name in ((X, "X"), (Y, "Y")))
    m, lambd = mg.constant(7, "m"), mg.constant(0.9, "lambd")
    Z1 = W1 @ X + b1 if columns else X @ W1.T + b1
    A1 = mg.relu(Z1)
    Z2 = W2 @ A1 + b2 if columns else A1 @ W2.T + b2
    A2 = mg.sigmoid(Z2)
    for name, value in (("Z1", Z1), ("A1", A1), ("Z2", Z2), ("A2", A2)):
        value.name = name
    J = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    J = J + lambd / (2 * m) * (np.sum(np.square(W1)) + np.sum(np.square(W2)))

    def backward(X, Y, W1, W2, A1, A2, m, lambd):
        if columns:
            dZ1 = W2.T @ (A2 - Y) * A1
            return {"dZ1": dZ1, "dW1": dZ1 @ X.T / m + lambd / m * W1, "db1": dZ1.sum(1, keepdims=True) / m}
        dZ1 = (A2 - Y) @ W2 * A1
        return {"dZ1": dZ1, "dW1": dZ1.T @ X / m + lambd / m * W1, "db1": dZ1.sum(0) / m}

    report = mg.grade(backward, J)
    assert [fault.what for fault in report.faults] == ["with `A1` instead of `Z1 > 0`"]
    assert report.verdicts["dW1"].verdict == report.verdicts["db1"].verdict == "follows from dZ1"
    assert "times those of the cost" in " ".join(report.notes)
    on_the_way = mg.grade(lambda A2, Y: {"dZ2": A2 - Y}, J)
    assert on_the_way.verdicts["dZ2"].verdict == "right, times m"
