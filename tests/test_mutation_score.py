"""Scores of tests that are good, blind, slack, random, endless or interrupted; the table is restored."""

from __future__ import annotations

import re
import threading
import time
import unittest
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.check import MutationScore
from minigrad.check.broken import changes
from minigrad.table import table


@pytest.fixture(autouse=True)
def _the_table_is_as_before() -> Iterator[None]:
    before = {function: (row, row.rules) for function, row in table.items()}
    yield
    for function, (row, rules) in before.items():
        assert table[function] is row
        assert row.rules is rules


@pytest.fixture
def W() -> mg.Tensor:
    data = np.random.default_rng(3).uniform(0.3, 1.7, (2, 3))
    return mg.Tensor(data, requires_grad=True, name="W")


def survivors(score: MutationScore) -> set[tuple[str, str]]:
    return {(mutant.rule, mutant.change) for mutant in score.survivors}


def by_hand(W: mg.Tensor, rtol: float = 1e-9) -> Callable[[], None]:
    """A test of the gradient of Σ tanh W."""

    def test() -> None:
        g = mg.grad(np.sum(np.tanh(W)), W)
        np.testing.assert_allclose(g.data, 1 - np.tanh(W.data) ** 2, rtol=rtol)

    return test


# ---- the network of the notes: dropout, L2


class Network:
    """A network with ReLU, dropout and an L2 penalty on generic data, and tests of its gradients."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.X, self.Y = rng.standard_normal((7, 2)), (rng.random((7, 1)) < 0.5) * 1.0
        self.model = nn.Sequential(
            nn.Linear(2, 4, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(4, 1, rng=rng)
        )

    def loss(self, *_: Any) -> mg.Tensor:
        cost = nn.binary_cross_entropy_with_logits(self.model(self.X), self.Y)
        return cost + nn.l2_penalty(self.model, lambd=0.9, m=7)

    def in_training(self) -> None:
        with nn.fixed_masks(self.model):
            mg.gradcheck(self.loss, self.model.parameters())

    def in_eval(self) -> None:
        self.model.eval()
        try:
            mg.gradcheck(self.loss, self.model.parameters())
        finally:
            self.model.train()


def test_a_gradcheck_in_training_mode_notices_everything():
    network = Network()
    score = mg.mutation_score(network.in_training, network.loss)
    assert score
    assert score.score == 1
    assert not score.survivors
    names = {mutant.rule for mutant in score.killed}
    assert {"np.multiply, rule of a beside a mask", "mg.relu, rule of x", "np.add, rule of b"} <= names
    assert score.rules["mg.relu, rule of x"] == (4, 4)
    assert all(mutant.reached and "GradcheckError" in mutant.note for mutant in score.killed)


def test_a_test_in_eval_mode_notices_nothing_of_dropout():
    network = Network()
    score = mg.mutation_score(network.in_eval, network.loss)
    assert not score
    assert score.score == 0
    assert score.noticed > 0.5  # of the layers and the loss everything is
    assert "of np.multiply, rule of a beside a mask, which it guards worst, 0 of 4" in str(score).replace(
        "\n", " "
    )
    dropout = ("np.multiply, rule of a beside a mask", "np.divide, rule of a")
    assert {rule for rule, (killed, _) in score.rules.items() if not killed} == set(dropout)
    assert {rule for rule, _ in survivors(score)} == set(dropout)
    assert not any(mutant.reached for mutant in score.survivors)
    assert "dropout in eval mode has none" in str(score)
    assert "mg.nn.fixed_masks(model)" in str(score).replace("\n", " ")


def test_of_dropout_alone_a_test_in_eval_mode_notices_nothing(W):
    dropout = nn.Dropout(keep_prob=0.6, rng=1)

    def test() -> None:
        dropout.eval()
        try:
            mg.gradcheck(lambda x: dropout(x) * 1.0, W)
        finally:
            dropout.train()

    assert mg.mutation_score(test, lambda: dropout(W)).score == 0


def test_the_score_is_that_of_the_worst_guarded_rule(W):
    score = mg.mutation_score(by_hand(W, rtol=0.01), lambda: np.sum(np.tanh(W)))
    assert score.score == min(killed / all_ for killed, all_ in score.rules.values()) == 2 / 3
    assert score.noticed == 4 / 6
    whole = mg.mutation_score(by_hand(W), lambda: np.sum(np.tanh(W)))
    assert whole.score == whole.noticed == 1
    assert "worst" not in str(whole)


def test_a_test_that_cannot_fail_has_score_0():
    network = Network()
    score = mg.mutation_score(lambda: None, network.loss)
    assert score.score == 0
    assert len(score.survivors) > 30
    score = mg.mutation_score(network.loss, network.loss)  # runs everything, compares nothing
    assert score.score == 0

    def compares_the_machine_with_itself() -> None:
        loss, weights = network.loss(), list(network.model.parameters())
        for g, again in zip(mg.grad(loss, weights), mg.grad(loss, weights), strict=True):
            np.testing.assert_array_equal(g.data, again.data)

    score = mg.mutation_score(compares_the_machine_with_itself, network.loss)
    assert score.score == 0
    assert all(mutant.reached for mutant in score.survivors)
    assert "the gradient was" not in str(score)
    assert "numbers in which the rules have no part" in str(score).replace("\n", " ")


# ---- the changes


def test_a_slack_tolerance_lets_the_small_change_through(W):
    score = mg.mutation_score(by_hand(W, rtol=0.01), lambda: np.sum(np.tanh(W)))
    assert survivors(score) == {("np.tanh, rule of a", "× 1.001"), ("np.sum, rule of a", "× 1.001")}
    assert "compare in float64, to 1e-7" in str(score)
    assert mg.mutation_score(by_hand(W), lambda: np.sum(np.tanh(W)))


def test_shapes_that_do_not_broadcast_hide_what_is_not_summed():
    x, b = (mg.Tensor(np.random.default_rng(1).random(shape), requires_grad=True) for shape in ((7, 3), (3,)))

    def test(rows: int) -> None:
        mg.gradcheck(lambda b: np.exp(x.data[:rows] + b), b)

    def function() -> mg.Tensor:
        return np.exp(x.data + b)

    assert mg.mutation_score(lambda: test(7), function)
    score = mg.mutation_score(lambda: test(1), function)
    assert survivors(score) == {("np.add, rule of b", "not un-broadcast")}
    assert score.survivors[0].reached
    assert "nothing is broadcast here" in score.survivors[0].note


def test_inputs_on_one_side_hide_that_a_mask_is_dropped():
    x = mg.Tensor([0.5, -1.0, 2.0], requires_grad=True)
    score = mg.mutation_score(lambda: mg.gradcheck(mg.relu, np.array([0.5, 1.0])), lambda: mg.relu(x))
    assert survivors(score) == {("mg.relu, rule of x", "mask dropped")}
    assert "choose inputs on both sides" in score.survivors[0].note
    assert mg.mutation_score(lambda: mg.gradcheck(mg.relu, x.data), lambda: mg.relu(x))


def test_a_symmetric_test_hides_a_transposed_rule():
    A, B = (mg.Tensor(np.random.default_rng(i).random((3, 3)), requires_grad=True) for i in range(2))

    def symmetric() -> None:
        i = np.eye(3)
        d = mg.grad(np.matmul(mg.Tensor(i, requires_grad=True), a := mg.Tensor(i, requires_grad=True)), a, i)
        np.testing.assert_allclose(d.data, i)

    score = mg.mutation_score(symmetric, lambda: A.data @ B)
    assert survivors(score) == {("np.matmul, rule of b", "transposed")}
    assert "choose a square one that is neither" in score.survivors[0].note
    assert mg.mutation_score(lambda: mg.gradcheck(lambda B: A.data @ B, B), lambda: A.data @ B)


def test_what_changes_no_gradient_is_counted_apart():
    x = mg.Tensor(np.random.default_rng(1).random((3, 3)), requires_grad=True)
    y = np.sum(np.transpose(x))
    score = mg.mutation_score(lambda: mg.gradcheck(lambda x: np.sum(x.T), x), y)
    assert {(m.rule, m.change) for m in score.equivalent} == {("np.transpose, rule of a", "transposed")}
    assert score.score == 1
    assert "1 more, not counted, change no gradient" in str(score).replace("\n", " ")


def test_a_vector_has_no_transpose():
    x = mg.Tensor([0.5, -1.0, 2.0], requires_grad=True)
    score = mg.mutation_score(lambda: mg.gradcheck(np.sin, x), lambda: np.sin(x))
    assert {mutant.change for mutant in score.killed} == {"× 1.001", "sign flipped", "dropped"}
    assert not score.equivalent


def test_second_order_tests_see_broken_rules_too(W):
    score = mg.mutation_score(lambda: mg.gradcheck(np.exp, W, order=2), lambda: np.exp(W))
    assert score.score == 1


def test_a_sequence_of_arrays_has_one_rule():
    x, y = (mg.Tensor(np.random.default_rng(i).random((3, 3)), requires_grad=True) for i in range(2))

    def f(x: Any, y: Any) -> Any:
        return np.concatenate([x, y])

    score = mg.mutation_score(lambda: mg.gradcheck(f, [x, y]), lambda: f(x, y))
    assert score.rules == {"np.concatenate, rule of arrays": (4, 4)}


def test_the_users_own_row_is_broken_too(W):
    @mg.primitive
    def cube(x):
        return x * x * x

    mg.derivative(cube, x=lambda g, x: g * 3 * x * x)
    assert mg.mutation_score(lambda: mg.gradcheck(cube, W), lambda: cube(W)).rules == {
        "cube, rule of x": (3, 3)
    }


# ---- what may be given


def test_the_function_may_be_a_tensor_or_give_several(W):
    y = np.sum(np.tanh(W))
    assert mg.mutation_score(by_hand(W), y).score == 1
    assert mg.mutation_score(by_hand(W), lambda: (y, y)).score == 1
    assert mg.mutation_score(by_hand(W), [y]).score == 1
    assert W.grad is None


def test_float32_graphs_are_scored():
    x = mg.Tensor(np.array([0.5, 1.5], dtype=np.float32), requires_grad=True)

    def test() -> None:
        np.testing.assert_allclose(mg.grad(np.sum(np.exp(x)), x).data, np.exp(x.data), rtol=1e-5)

    assert mg.mutation_score(test, lambda: np.sum(np.exp(x))).score == 1


@pytest.mark.parametrize(
    ("test", "function", "message"),
    [
        (None, lambda: None, "test is a NoneType; it must be a function without arguments"),
        (lambda: None, 3, "function is a int; it must be a function without arguments"),
        (lambda x: None, lambda: None, "test must be callable without arguments, and missing a required"),
        (lambda: None, lambda x: x, "function must be callable without arguments"),
        (lambda: None, lambda: 3.0, "the function gives a float, not a Tensor"),
        (lambda: True, lambda: mg.Tensor(1.0, requires_grad=True) * 2, "the test returns True: a verdict"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_refused(test, function, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        mg.mutation_score(test, function)


def test_coroutines_are_refused(W):
    async def test() -> None: ...

    with pytest.raises(TypeError, match="a coroutine or a generator, which does nothing when called"):
        mg.mutation_score(test, np.exp(W))
    with pytest.raises(TypeError, match="returns a coroutine, so nothing of it was run"):
        mg.mutation_score(lambda: test(), np.exp(W))


def test_a_leaf_or_nothing_has_no_rules(W):
    for function in (W, W.detach() * 2):
        with pytest.raises(ValueError, match="not computed from anything that needs a gradient"):
            mg.mutation_score(lambda: None, function)
    with pytest.raises(ValueError, match="the function gives no Tensor"):
        mg.mutation_score(lambda: None, list)
    with pytest.raises(ValueError, match="timeout= is a number of seconds, not 0"):
        mg.mutation_score(lambda: None, np.exp(W), timeout=0)


def test_a_flat_function_has_nothing_to_notice(W):
    with pytest.raises(ValueError, match="0 or empty: there is nothing to notice"):
        mg.mutation_score(lambda: None, lambda: W * 0.0)


# ---- how tests behave


def test_a_test_that_fails_as_it_is_is_not_scored(W):
    def test() -> None:
        assert W.size == 7, "seven entries"

    with pytest.raises(
        ValueError, match=r"the test fails with no rule broken .*seven entries.*make it pass"
    ) as caught:
        mg.mutation_score(test, np.exp(W))
    assert isinstance(caught.value.__cause__, AssertionError)


@pytest.mark.parametrize(
    "skip", [lambda: pytest.skip("not here"), lambda: unittest.TestCase().skipTest("not here")]
)
def test_a_skipped_test_is_not_scored(W, skip):
    with pytest.raises(ValueError, match=r"the test is skipped \(not here\)"):
        mg.mutation_score(skip, np.exp(W))


def test_a_test_that_fails_the_way_pytest_does_notices(W):
    def test() -> None:
        if mg.grad(np.sum(np.exp(W)), W).data[0, 0] != np.exp(W.data)[0, 0]:
            pytest.fail("the gradient is wrong")

    score = mg.mutation_score(test, lambda: np.sum(np.exp(W)))
    assert score.score == 1
    assert score.killed[0].note == "Failed: the gradient is wrong"


def failing_at_run(n: int, test: Callable[[], None]) -> Callable[[], None]:
    """The test, which fails without a reason at its nth run, counted from 1."""
    runs = iter(range(1, 1000))

    def run() -> None:
        test()
        assert next(runs) != n, "by chance"

    return run


def test_a_random_test_is_found_out(W):
    with pytest.raises(ValueError, match=r"the test fails with no rule broken .*by chance"):
        mg.mutation_score(failing_at_run(2, by_hand(W)), lambda: np.sum(np.tanh(W)))
    with pytest.raises(
        ValueError, match=r"failed where nothing that it computes was broken .*draws at random"
    ):
        mg.mutation_score(failing_at_run(3, lambda: None), lambda: np.sum(np.tanh(W)))
    # Broken runs fail for their own reason before they are counted, so the third one counted is the last.
    with pytest.raises(ValueError, match=r"passes at first, and now fails with no rule broken .*by chance"):
        mg.mutation_score(failing_at_run(3, by_hand(W)), lambda: np.sum(np.tanh(W)))


def test_a_test_that_never_ends_with_a_broken_rule_is_stopped():
    def test() -> None:
        x = mg.Tensor(3.0, requires_grad=True)
        while abs(x.item()) > 1e-3:
            g = mg.grad(np.square(x), x)
            with mg.no_grad():
                x -= 0.25 * g
            with np.errstate(all="ignore"):
                x = mg.Tensor(np.clip(x.data, -9, 9), requires_grad=True)

    x = mg.Tensor(3.0, requires_grad=True)
    start = time.monotonic()
    score = mg.mutation_score(test, lambda: np.square(x), timeout=0.2)
    assert time.monotonic() - start < 20
    notes = {mutant.change: mutant.note for mutant in score.killed}
    assert notes == dict.fromkeys(("sign flipped", "dropped"), "it ran for more than 0.2 s")


def test_a_test_may_assign_to_the_leaves(W):
    def test() -> None:
        with mg.no_grad():
            W[...] = W.data * 1.1
        by_hand(W)()

    assert mg.mutation_score(test, lambda: np.sum(np.tanh(W))).score == 1


def test_an_interrupt_goes_through_and_leaves_the_table(W):
    calls = []

    def test() -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mg.mutation_score(test, lambda: np.exp(W))
    assert len(calls) == 4
    assert mg.mutation_score(lambda: None, lambda: np.exp(W)).score == 0  # and it can be run again


def test_what_a_test_prints_and_warns_of_is_seen_once(W, capsys):
    def test() -> None:
        print("testing")
        warnings.warn("careful", UserWarning, stacklevel=1)
        by_hand(W)()

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert mg.mutation_score(test, lambda: np.sum(np.tanh(W))).score == 1
    assert capsys.readouterr().out == "testing\n" * 3  # the runs without a broken rule
    assert len(seen) == 3


def test_a_warning_that_is_an_error_still_is_one(W):
    def test() -> None:
        if mg.grad(np.sum(np.exp(W)), W).data[0, 0] != np.exp(W.data)[0, 0]:
            warnings.warn("wrong", UserWarning, stacklevel=1)

    assert mg.mutation_score(test, lambda: np.sum(np.exp(W))).score == 1  # the tests' filter raises


def test_one_at_a_time(W):
    started, go_on = threading.Event(), threading.Event()

    def waits() -> None:
        started.set()
        assert go_on.wait(30)

    thread = threading.Thread(target=mg.mutation_score, args=(waits, lambda: np.exp(W)))
    thread.start()
    assert started.wait(30)
    try:
        with pytest.raises(RuntimeError, match="another one is running, and there is one table to break"):
            mg.mutation_score(lambda: None, lambda: np.exp(W))
    finally:
        go_on.set()
        thread.join(30)
    assert not thread.is_alive()


def test_other_threads_compute_with_the_right_rules(W):
    broken, stop = threading.Event(), threading.Event()
    wanted, seen = np.exp(W.data), []

    def bystander() -> None:
        while not stop.is_set():
            seen.append(np.array_equal(mg.grad(np.sum(np.exp(W)), W).data, wanted))

    def test() -> None:
        n = len(seen)
        deadline = time.monotonic() + 10
        while len(seen) < n + 3 and time.monotonic() < deadline:
            time.sleep(0.001)
        broken.set()
        assert np.array_equal(mg.grad(np.sum(np.exp(W)), W).data, wanted)

    thread = threading.Thread(target=bystander)
    thread.start()
    try:
        score = mg.mutation_score(test, lambda: np.sum(np.exp(W)))
    finally:
        stop.set()
        thread.join(30)
    assert score.score == 1
    assert len(seen) > 10
    assert all(seen)


def test_threads_of_the_test_itself_see_the_broken_rule(W):
    def test() -> None:
        found: list[np.ndarray] = []
        thread = threading.Thread(target=lambda: found.append(mg.grad(np.sum(np.exp(W)), W).data))
        thread.start()
        thread.join(30)
        np.testing.assert_allclose(found[0], np.exp(W.data), rtol=1e-12)

    assert mg.mutation_score(test, lambda: np.sum(np.exp(W))).score == 1


# ---- the report


def test_the_report_fits_a_terminal_and_a_notebook(W):
    network = Network()
    for score in (
        mg.mutation_score(lambda: None, network.loss),
        mg.mutation_score(by_hand(W, rtol=0.01), lambda: np.sum(np.tanh(W))),
    ):
        lines = repr(score).splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[0].startswith("mutation score 0")
        for mutant in score.survivors:
            assert f"  {mutant.rule}: " in str(score)
        html = score._repr_html_()
        assert html.count("<tr>") == 1 + len(score.rules)
        assert html.count("<b>survived</b>") == len(score.survivors)
        for change in changes:
            assert f"<th>{change}</th>" in html


def test_a_score_that_is_not_1_is_not_shown_as_1():
    mutant = mg.check.Mutant("np.exp, rule of a", "dropped")
    assert "score 0.999:" in str(MutationScore((mutant,) * 9999, (mutant,)))
    assert "score 1:" in str(MutationScore((mutant,) * 9999, ()))
