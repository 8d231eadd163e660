"""A derivation in words: every link of the chain, the rule of the table, and why a factor is there."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np
import pytest
from cases import cases, outputs

import minigrad as mg
from minigrad.program.lines import sections
from minigrad.show.derivation.derive import Derivation, derive
from minigrad.show.derivation.explain import explain
from minigrad.show.derivation.reasons import reasons
from minigrad.table import name_of, table
from minigrad.tensor import Tensor


def in_words(derivation: Derivation) -> str:
    return explain(derivation.source, derivation.gradients)


def steps(text: str) -> dict[str, str]:
    """Gradient -> its step, on one line."""
    found = re.split(r"\n\n(?=\d+\. )", text.rstrip("\n"))[1:]
    assert [int(step.partition(".")[0]) for step in found] == list(range(1, len(found) + 1))
    flat = [re.sub(r"\s+", " ", step.partition(". ")[2]) for step in found]
    return {step.partition(" = ")[0]: step for step in flat}


@pytest.fixture
def network(rng) -> dict[str, str]:
    X = Tensor(rng.normal(size=(7, 2)), name="X")
    Y = Tensor(rng.integers(0, 2, size=(7, 1)).astype(float), name="Y")
    model = mg.nn.Sequential(
        *(mg.nn.Linear(2, 4, rng=1), mg.nn.ReLU(), mg.nn.Dropout(keep_prob=0.8, rng=3)),
        *(mg.nn.Linear(4, 3, rng=2), mg.nn.ReLU(), mg.nn.Dropout(keep_prob=0.8, rng=4)),
        mg.nn.Linear(3, 1, rng=5),
    )
    cost = mg.nn.binary_cross_entropy_with_logits(model(X), Y)
    return steps(in_words(derive(cost + mg.nn.l2_penalty(model, lambd=0.9, m=7))))


# ---- the network of the notes


def test_every_equation_has_a_step(network):
    assert list(network) == ["dZ3", "dW3", "db3", "dA2", "dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"]


def test_golden_step(network):
    expected = """
    dA2 = dZ3 @ W3 * D2 / keep_prob A2 reaches J through A2_drop.
    - Z3 = A2_drop @ W3.T + b3 to A2_drop @ W3.T, where g = dZ3
    np.add in a: g. A term changes a sum one for one, so the gradient passes on as it is.
    - A2_drop @ W3.T to A2_drop
    np.matmul in a: g @ b.T with b = W3.T. For matrices that is g bᵀ: an element
    of a meets one row of b, once for each column of y.
    - A2_drop = A2 * D2 / keep_prob to A2 * D2
    np.divide in a: g / b with b = keep_prob. The slope of a quotient in what is divided is
    1 over the divisor.
    - A2 * D2 to A2
    np.multiply in a: g * b with b = D2. The slope of a product in one factor is the other factor.
    Put together that is dZ3 @ W3 / keep_prob * D2, simplified: dZ3 @ W3 * D2 / keep_prob
    """
    assert network["dA2"] == re.sub(r"\s+", " ", expected).strip()


def test_a_value_that_is_used_twice_gets_the_sum(network):
    assert re.search(r"W3 is used twice, in (Z3 and \w+|\w+ and Z3); what comes back", network["dW3"])
    assert "2 * g * a with a = W3. The slope of a square is twice what is squared." in network["dW3"]


def test_what_was_simplified_is_said(network):
    assert (
        "Put together that is (A2_drop.T @ dZ3).T + 2 * (lambd / (2 * m)) * W3, simplified: "
        in network["dW3"]
    )
    assert network["dW3"].endswith("dZ3.T @ A2_drop + lambd / m * W3")


def test_what_was_broadcast_gets_the_sum_over_its_uses(network):
    assert "b2 was used for each of the 7 rows, so its gradient is the sum over them." in network["db2"]


def test_a_mean_counts_each_term(network):
    assert "np.mean: g / m. Each of 7 terms counts 1/7 in their mean." in network["dZ3"]


def test_the_text_put_together_has_the_value_of_the_equation(rng):
    x, y, w = (Tensor(rng.uniform(0.5, 1.5, size=(3, 3)), requires_grad=True, name=n) for n in "xyw")
    loss = np.sum(np.tanh(x @ y.T) * np.exp(x) / y) + 3 * np.mean((w @ x - y) ** 2)
    derivation = derive(loss)
    result, gradients = derivation.run()
    known = {"np": np, "x": x.data, "y": y.data, "w": w.data, "J": result, **gradients}
    for line in derivation.lines.lines:
        text = derivation.source.expression(line.value, own=True)
        known.setdefault(derivation.source.written_name(line.value), eval(text, known))
    compared = 0
    for name, step in steps(in_words(derivation)).items():
        found = re.search(r"Put together that is (.*), simplified: (.*)$", step)
        if found:
            np.testing.assert_allclose(eval(found[1], known), known[name], rtol=1e-9)
            compared += 1
    assert compared


# ---- other graphs


def test_a_part_of_several_gradients(rng):
    x, y = (Tensor(rng.normal(size=(2, 2)), requires_grad=True, name=n) for n in "xy")
    text = in_words(derive(np.sum(np.sin(np.tanh(x @ y)))))
    assert_quotes_parse(text)
    assert {"dx", "dy"} <= set(steps(text))


def test_second_order(rng):
    x = Tensor(rng.normal(size=3), requires_grad=True, name="x")
    (dx,) = mg.grad(np.sum(np.sin(x) * x), [x], create_graph=True)
    assert "x is used" in steps(in_words(derive(np.sum(dx * dx))))["dx"]


def test_a_function_of_the_users_own():
    @mg.primitive
    def my_function(x, *, times=2.0):
        return times * x

    mg.derivative(my_function, x=lambda g, times: g * times)
    x = Tensor(2.0, requires_grad=True, name="x")
    assert "my_function: g * times." in steps(in_words(derive(np.sin(my_function(x)))))["dx"]


def test_a_rule_that_calls_helpers_is_said_as_it_is_here(rng):
    """Nobody can look up what _matmul_b, keep_axes or _within stand for."""
    A, B = (Tensor(rng.normal(size=(2, 3, 3)), requires_grad=True, name=n) for n in "AB")
    text = in_words(
        derive(np.sum(np.max(A @ B, axis=1)) + np.sum(np.clip(A, -1, 1)) + np.mean(np.var(B, axis=0)))
    )
    said = re.sub(r"\s+", " ", text)
    assert "np.clip in a: g * logical_and(a >= -1, a <= 1) with a = A." in said
    assert "np.sum: g." in said
    assert "np.matmul in b: a.mT @ g with a = A." in said
    assert "np.mean: g / (3 * 3)." in said  # of a weight: no m
    assert not re.search(r"\b_\w+\(|keep_axes", said)


def test_the_loss_itself_is_no_detour():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    assert "x stands in J itself." in steps(in_words(derive(np.sum(np.sin(x)))))["dx"]


def test_a_long_chain_is_told_in_bounded_time():
    x = Tensor(1.0, requires_grad=True, name="x")
    y = x
    for _ in range(300):
        y = y * 1.01 + x
    assert "x is used" in in_words(derive(y))


def test_a_sum_of_many_terms_is_one_link():
    parts = [Tensor(float(i), requires_grad=True, name=f"p{i}") for i in range(1, 9)]
    text = steps(in_words(derive(sum((p * p for p in parts[1:]), parts[0] * parts[0]))))
    assert text["dp1"].count("np.add") == 1


def assert_quotes_parse(text: str) -> None:
    """The equations at the head of the steps are Python."""
    for head in re.findall(r"^\d+\. (.*(?:\n {6,}.*)*)", text, flags=re.MULTILINE):
        ast.parse(re.sub(r"\s+", " ", head))


# ---- every row of the table


def test_every_row_is_explained():
    """Every rule of minigrad's own table has a reason; what the user enters needs none."""
    for function, row in table.items():
        if row.constant or not name_of(function).startswith(("np.", "mg.", "getitem")):
            continue
        reason = reasons[function]
        wanted = {argument for argument in row.arrays if row.written[argument]}
        assert not isinstance(reason, dict) or set(reason) == wanted, name_of(function)


def test_every_case_is_explained():
    count = 0
    for case in cases:
        tensors = [Tensor(x, requires_grad=True, name=n) for x, n in zip(case.arrays, "xyzuv", strict=False)]
        result = case.call(tensors)
        for y in outputs(result):
            if isinstance(y, Tensor) and y.requires_grad:
                derivation = derive(np.sum(Tensor(np.ones(y.shape), name="G") * y))
                found = steps(in_words(derivation))
                lines = [line for line in derivation.lines.lines if line.section == sections[-1]]
                assert len(found) == len(lines), case.name
                count += 1
    assert count > 400


def _hand_summed(n: int) -> str:
    """J = 0.1 ΣW0² - 0.2 Σ|W0| + ..., or with other functions in the way that are summed too."""
    J: Any = 0
    for i in range(n):
        W = Tensor(np.full(3, i + 1.0), requires_grad=True, name=f"W{i}")
        J = J + 0.1 * np.sum(np.square(W)) - 0.2 * np.sum(np.absolute(W))
    return in_words(derive(J))


def test_a_sum_by_hand_is_one_bullet():
    """The links of one sum are not said one by one, for each of its terms anew."""
    short, long = _hand_summed(20), _hand_summed(80)
    assert len(long) < 4.5 * len(short)
    assert "A sum of 160 terms passes the gradient on to each of them." in re.sub(r"\s+", " ", long)
    first = steps(long)["dW0"]
    assert first.count(" to ") < 15


def test_one_value_in_many_terms():
    W = Tensor(np.ones(3), requires_grad=True, name="W")
    J: Any = np.sum(W)
    for k in range(2, 40):
        J = J + np.sum(W**k)
    text = in_words(derive(J))
    assert text.count("A term changes a sum") <= 2
    assert len(text) < 40_000
