"""The tester is tested: wrong rules of every kind are caught and named, right ones pass, none is empty."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from cases import Case, analytic_cases, cases_of, composed, not_holomorphic, outputs, rows

import minigrad as mg
from minigrad.check import GradcheckError, gradcheck
from minigrad.check.oracle import analytic
from minigrad.derivatives.piecewise_constant import flat
from minigrad.table import name_of, table
from minigrad.tensor import Tensor, made, plain


def leaf(*shape: int, name: str | None = None, seed: int = 0, scale: float = 1.0) -> Tensor:
    data = scale * np.random.default_rng(seed).uniform(0.3, 1.7, shape)
    return mg.Tensor(data, requires_grad=True, name=name)


@pytest.fixture
def enter() -> Iterator[Callable]:
    """Makes a throw-away primitive with its row; the row is gone after the test."""
    entered = []

    def make(function: Callable, **rules: Callable) -> Callable:
        primitive = mg.primitive(function)
        mg.derivative(primitive, **rules)
        entered.append(primitive)
        return primitive

    yield make
    for function in entered:
        del table[function]


def named(x: Tensor, name: str) -> Tensor:
    x.name = name
    return x


def message_of(function: Callable, inputs: Any, order: int = 1, **options: Any) -> str:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs, order, **options)
    result = gradcheck(function, inputs, order, raise_exception=False, **options)
    assert not result
    assert str(caught.value) == result.message
    return result.message


# ---- right rules pass


def checkable(case: Case) -> bool:
    """Whether there is something to check in each array of a case."""
    whole = all(np.asarray(y).dtype == np.float64 and np.size(y) for y in outputs(case.call()))
    return whole and all(x.size for x in case.arrays)


def as_function(case: Case) -> Callable:
    def function(*tensors: Tensor) -> Any:
        y = case.call(tensors)
        return tuple(y) if isinstance(y, list | tuple) else y

    return function


@pytest.mark.parametrize("case", [c for c in analytic_cases() if checkable(c)], ids=lambda case: case.name)
def test_the_rows_agree_with_both_oracles_to_second_order(case):
    result = gradcheck(as_function(case), case.arrays, 2, raise_exception=False)
    for slope in result.slopes:
        if "nothing is checked" in slope.fault:  # a case at which it is flat
            assert not slope.machine.any()
        else:
            assert slope.fault == ""
            by_differences = case.is_complex or case.function in not_holomorphic
            assert slope.error < (1e-9 if by_differences else 1e-11)
            assert slope.exact is not None or slope.order > 1 or by_differences


def test_every_row_with_a_rule_has_a_form_for_the_complex_step():
    differentiable = {f for f in rows if any(table[f].rules)}
    assert set(analytic) <= differentiable
    assert differentiable - set(analytic) <= not_holomorphic
    seen = {case.function for case in analytic_cases() if checkable(case)}
    whole = {np.frexp, np.linalg.lstsq}  # one of whose results is whole
    assert seen == differentiable | (set(composed) - flat - whole)


def parameters() -> list[Tensor]:
    rng = np.random.default_rng(3)
    shapes = {"W1": (5, 4), "b1": (5,), "W2": (1, 5), "b2": (1,)}
    return [mg.Tensor(rng.standard_normal(s), requires_grad=True, name=n) for n, s in shapes.items()]


def test_a_network_with_l2_and_a_mask_passes_to_second_order():
    rng = np.random.default_rng(4)
    X, y, mask = rng.standard_normal((7, 4)), (rng.random((7, 1)) < 0.5) * 1.0, rng.random((7, 5)) < 0.8

    def cost(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        A1 = np.tanh(X @ W1.T + b1) * mask / 0.8
        loss = np.mean(mg.nn.binary_cross_entropy_with_logits(A1 @ W2.T + b2, y))
        return loss + 0.9 / (2 * 7) * (np.sum(W1**2) + np.sum(W2**2))

    result = gradcheck(cost, parameters(), order=2)
    assert list(result.errors) == ["W1", "b1", "W2", "b2"]
    assert max(result.errors.values()) < 1e-13
    assert re.search(
        r"'W1' \(5, 4\), order 2: agrees to \d\.\de-1\d \(differences and the complex step\)", repr(result)
    )


def test_a_model_is_checked_through_its_own_parameters():
    model = mg.nn.Sequential(mg.nn.Linear(4, 5, rng=1), mg.nn.ReLU(), mg.nn.Dropout(keep_prob=0.8, rng=2))
    model = mg.nn.Sequential(*model, mg.nn.Linear(5, 1, rng=3))
    X = np.random.default_rng(5).standard_normal((7, 4))

    def cost(*_: Any) -> Any:
        return np.mean(mg.sigmoid(model(X)) ** 2)

    assert "fixed_masks(model)" in message_of(cost, list(model.parameters()))
    model(X)
    with mg.nn.fixed_masks(model):
        assert gradcheck(cost, model.parameters(), order=2)


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_scale_does_not_matter_to_right_rules(scale, enter):
    cube = enter(
        lambda x: x * x * x, x=lambda g, x: g * 3 * x * x
    )  # which the complex step is not taken through
    X = np.random.default_rng(6).standard_normal((7, 4))
    W, b = leaf(5, 4, name="W", scale=scale), leaf(5, name="b", seed=1)
    for function in (np.tanh, cube):
        assert gradcheck(lambda W, b, f=function: np.mean(f(X @ W.T / scale + b)), [W, b], order=2)
        assert gradcheck(lambda W, b, f=function: scale * np.mean(f(X @ W.T / scale + b)), [W, b], order=2)
        assert gradcheck(lambda W, f=function: f(W / scale) * scale, W, order=2)
    assert gradcheck(lambda W: np.sum(cube(W)), W, order=2)
    assert gradcheck(lambda W, b: (cube(W), cube(b)), [W, b], order=2)  # outputs of very different sizes


def test_a_small_output_beside_a_large_one_is_checked_too(enter):
    wrong = enter(lambda x: x * x, x=lambda g, x: g * 2.002 * x)
    assert "1.001 times" in message_of(
        lambda a, b: (1e9 * np.sin(a), 1e-9 * wrong(b)), [leaf(3), leaf(3, seed=1)]
    )


def test_steep_and_uneven_functions_pass(enter):
    opaque = enter(lambda x: np.sin(x), x=lambda g, x: g * np.cos(x))
    inverse = enter(lambda x: 1 / x, x=lambda g, x: -g / (x * x))
    assert gradcheck(lambda x: opaque(300 * x), leaf(4))
    assert gradcheck(inverse, mg.Tensor([1e-7, 0.3, 2.0, 1e5], requires_grad=True), order=2)
    assert gradcheck(lambda x: opaque(x) + x, mg.Tensor([0.0, 1e-12, 1.0], requires_grad=True))
    assert gradcheck(lambda x: np.sum(np.sqrt(x)), mg.Tensor([1e-9, 2.0], requires_grad=True), order=2)


# ---- wrong rules are caught, and their mistake is named

exponentials = {
    "a factor": (
        lambda g, y: g * 1.001 * y,
        "it is 1.001 times the slope, in every entry: a factor is wrong",
    ),
    "a digit": (
        lambda g, y: g * 1.000001 * y,
        "it is 1.000001 times the slope, in every entry: a factor is wrong, or",
    ),
    "the sign": (lambda g, y: -g * y, "it is -1 times the slope, in every entry: the sign is wrong"),
    "a 2": (
        lambda g, y: g * y / 2,
        "it is 0.5 times the slope, in every entry: a 2, as of a square or of 1/(2m)",
    ),
    "zero": (lambda g, y: 0 * g * y, "it is 0 everywhere, where the function has a slope: a term is dropped"),
    "some zeros": (
        lambda g, y: g * y * (y > 3),
        "of 12 entries, where the function has a slope: a term is dropped",
    ),
    "a term": (
        lambda g, y, x: g * y + 0.9 / 7 * x,
        "machine - slope = 0.128571 · W: a term like that of an L2 penalty",
    ),
    "a sign term": (
        lambda g, y, x: g * y - 0.3 * np.sign(x),
        "machine - slope = -0.3 · sign(W): a term like that of an L1",
    ),
    "a constant": (
        lambda g, y: g * y + 0.25,
        "machine - slope = 0.25 · 1: a term is dropped, doubled or has a wrong factor",
    ),
    "transposed": (
        lambda g, y: np.reshape(np.transpose(g * y), y.shape),
        "its entries are those of the transposed slope: a transposition is missing, or one too many",
    ),
    "unlike": (lambda g, y, x: g * (y + np.sin(9 * x)), "12 of 12 entries differ"),
}


def weight(sign: float = 1.0) -> Tensor:
    """W (3, 4), of both signs."""
    W = leaf(3, 4).data * np.where(np.arange(12).reshape(3, 4) % 3 == 1, -1, 1)
    return mg.Tensor(sign * W, requires_grad=True, name="W")


@pytest.mark.parametrize("kind", exponentials)
def test_a_wrong_rule_is_caught_and_its_mistake_named(kind, enter):
    rule, sentence = exponentials[kind]
    wrong = enter(lambda x: np.exp(x), x=rule)
    message = message_of(lambda W: np.sum(wrong(W)), weight())
    assert message.startswith(
        "gradcheck: the machine's gradient is not confirmed\n  'W' (3, 4), order 1: relative error"
    )
    assert sentence in message
    assert "the rule of <lambda> for x is wrong when checked alone" in message


@pytest.mark.parametrize(
    "kind", [kind for kind in exponentials if kind not in ("a term", "a sign term", "a constant")]
)
def test_a_rule_wrong_only_beyond_first_order_is_caught(kind, enter):
    rule, sentence = exponentials[kind]
    wrong = enter(lambda x: np.exp(x), x=rule)
    outer = enter(lambda x: np.exp(x), x=lambda g, x: g * wrong(x))
    assert gradcheck(lambda W: np.sum(outer(W)), weight())
    message = message_of(lambda W: np.sum(outer(W)), weight(), order=2)
    assert "'W' (3, 4), order 2: relative error" in message
    assert "order 1" not in message
    assert sentence in message
    assert "the rules of <lambda> are right to first order and not beyond" in message


def test_a_rule_that_works_on_plain_arrays_loses_a_term_of_the_second_order(enter):
    cube = enter(lambda x: x * x * x, x=lambda g, x: g * 3 * x * plain(x))
    square = enter(lambda x: x * x, x=lambda g, x: g * 2 * plain(x))
    W = leaf(3, 4, name="W")
    message = message_of(lambda W: np.sum(cube(W)), W, order=2)
    assert "it is 0.5 times the slope" in message
    assert "they must be expressions of their arguments, without .data, numpy() or constants" in message
    assert "it is 0 everywhere" in message_of(lambda W: np.sum(square(W)), W, order=2)
    assert "<lambda>" in message_of(lambda W: np.sum(square(W) * W), W, order=2)


def test_the_wrong_argument_of_several_is_named(enter):
    product = enter(lambda a, b: a * b, a=lambda g, b: g * b, b=lambda g, a: 1.001 * g * a)
    a, b = leaf(3, 4, name="a"), leaf(4, name="b", seed=1)
    assert gradcheck(lambda a: np.sum(np.tanh(product(a, b))), a)
    message = message_of(lambda a, b: np.sum(np.tanh(product(np.exp(a), b * b))), [a, b])
    assert "'b' (4,), order 1" in message
    assert "'a' (3, 4)" not in message
    assert "the rule of <lambda> for b is wrong when checked alone" in message


def test_a_sum_in_place_of_a_mean_is_named(enter):
    mean = enter(lambda x: np.mean(x), x=lambda g, x: g * np.ones_like(x))
    message = message_of(lambda X: mean(X * X), leaf(7, 1, name="X"))
    assert (
        "it is 7 times the slope, in every entry: 7 is the length of axis 0 of X; a sum may stand for"
        in message
    )


def changed(pull, change):
    """A rule whose gradient, or every one in its list of gradients, is changed."""

    def wrong(*given):
        d = pull(*given)
        return [change(part) for part in d] if isinstance(d, Sequence) else change(d)

    return wrong


@pytest.mark.parametrize("function", [f for f in rows if any(table[f].rules)], ids=name_of)
@pytest.mark.parametrize("mistake", ["times 1.001", "zero", "negative"])
def test_a_mistake_in_any_row_is_caught(function, mistake, monkeypatch):
    change = {"times 1.001": lambda d: d * 1.001, "zero": lambda d: d * 0.0, "negative": lambda d: -d}[
        mistake
    ]
    row, some = table[function], [case for case in cases_of(function) if case.arrays and checkable(case)]
    for i, pull in enumerate(row.rules):
        if pull is None:
            continue
        wrong = tuple(changed(p, change) if j == i else p for j, p in enumerate(row.rules))
        monkeypatch.setattr(row, "rules", wrong)
        faults = []
        for case in some:
            arrays = [mg.Tensor(x, requires_grad=True) for x in case.arrays]
            result = gradcheck(as_function(case), arrays, raise_exception=False)
            faults += [slope.fault for slope in result.slopes if "relative error" in slope.fault]
            if faults:
                break
        monkeypatch.undo()
        assert faults, f"{name_of(function)}: a wrong rule for {row.arrays[i]} passes"


@pytest.mark.parametrize("function", [f for f in rows if any(table[f].rules)], ids=name_of)
def test_a_row_that_takes_its_arguments_for_constants_is_caught(function, monkeypatch):
    row, right = table[function], table[function].rules

    def curvatures(case: Case) -> tuple[list[bool], list[bool]]:
        """Whether each input's second order is other than 0, and whether there is a fault."""
        found = gradcheck(as_function(case), case.arrays, 2, raise_exception=False).slopes
        second = [slope for slope in found if slope.order == 2]
        return [np.max(np.abs(slope.machine)) > 1e-9 for slope in second], [
            bool(slope.fault) for slope in second
        ]

    for case in [case for case in cases_of(function) if case.arrays and checkable(case)][:5]:
        monkeypatch.setattr(row, "rules", right)
        curved, _ = curvatures(case)
        detached = [p and (lambda g, y, x, *rest, p=p: p(g, plain(y), plain(tuple(x)), *rest)) for p in right]
        monkeypatch.setattr(row, "rules", tuple(detached))
        _, faults = curvatures(case)
        assert faults == curved


@pytest.mark.parametrize("reduce", [np.sum, np.tanh, lambda y: (np.sum(y), y)])
def test_a_transposed_result_of_a_rule_is_named(reduce, enter):
    wrong = enter(lambda x: np.exp(x), x=lambda g, y: (g * y).T)
    said = "gradcheck: the rule of <lambda> for x gives a transposed result: a gradient of shape (4, 3) for "
    for order in (1, 2):
        message = message_of(lambda W: reduce(wrong(W)), leaf(3, 4, name="W"), order)
        assert message == said + '"W" (3, 4)'
    assert message_of(lambda W: reduce(wrong(W)), leaf(3, 4)) == said + "input 0 (3, 4)"
    V, W = leaf(3, 4, name="V"), leaf(3, 4, name="W")
    message = message_of(lambda V, W, b: reduce(wrong(V * 2 * W) + b), [V, W, leaf(4, name="b")])
    assert message == said + "a Tensor of shape (3, 4), which comes from V and W"


def test_a_result_of_a_rule_with_its_axes_in_another_order_is_named(enter):
    wrong = enter(lambda x: np.exp(x), x=lambda g, y: np.swapaxes(g * y, 0, 1))
    message = message_of(lambda W: np.sum(wrong(W)), leaf(2, 3, 4, name="W"))
    assert 'gives a transposed result: a gradient of shape (3, 2, 4) for "W" (2, 3, 4)' in message


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (lambda g, y: (g * y)[:2], "of shape (2, 4)"),
        (lambda g, y: np.ravel(g * y), "of shape (12,)"),
        (lambda g, y: np.expand_dims(g * y, -1), "of shape (3, 4, 1)"),
        (lambda g, y: np.concatenate([g * y, g * y]), "of shape (6, 4)"),
        (lambda g, y: 3.0, "3.0, which is no array,"),
        (lambda g, y: None, "None, which is no array,"),
    ],
)
def test_a_result_of_a_rule_that_does_not_fit_is_named(rule, what, enter):
    wrong = enter(lambda x: np.exp(x), x=rule)
    message = message_of(lambda W: np.sum(wrong(W)), leaf(3, 4, name="W"))
    assert (
        message == "gradcheck: the rule of <lambda> for x gives a result that does not fit: "
        f'a gradient {what} for "W" (3, 4)'
    )


def test_a_misshapen_result_is_laid_to_the_argument_and_the_order_it_belongs_to(enter):
    product = enter(lambda a, b: a @ b, a=lambda g, b: g @ b.T, b=lambda g, a: g.T @ a)
    a, b = leaf(3, 4, name="a"), leaf(4, 5, name="b", seed=1)
    assert gradcheck(lambda a: product(a, b.data), a)
    message = message_of(lambda a, b: product(np.exp(a), b * b), [a, b])
    assert "the rule of <lambda> for b gives a transposed result: a gradient of shape (5, 4) for " in message
    assert message.endswith("a Tensor of shape (4, 5), which comes from b")
    joined = enter(lambda a, b: a * b, a=lambda g, b: (g * b).T, b=lambda g, a: g * a)
    message = message_of(lambda W, b: np.sum(joined(W, b)), [leaf(3, 4, name="W"), leaf(4, name="b")])
    assert 'for a gives a transposed result: a gradient of shape (4, 3) for "W" (3, 4)' in message
    slope = enter(lambda x: np.exp(x), x=lambda g, y: (g * y).T)
    right_to_first_order = enter(lambda x: np.exp(x), x=lambda g, x: g * slope(x))
    assert gradcheck(lambda W: np.sum(right_to_first_order(W)), leaf(3, 4, name="W"))
    message = message_of(lambda W: np.sum(right_to_first_order(W)), leaf(3, 4, name="W"), order=2)
    assert 'gives a transposed result: a gradient of shape (4, 3) for "W" (3, 4)' in message


def test_a_transposed_result_that_broadcasts_is_named(enter):
    wrong = enter(lambda x: np.exp(x), x=lambda g, y: (g * y).T)
    message = message_of(lambda W: np.sum(wrong(W)), leaf(1, 4, name="W"))
    assert (
        "the rule of <lambda> for x is wrong when checked alone: it gives (4, 1) for (1, 4), transposed"
        in message
    )


def test_an_error_that_a_rule_raises_is_its_own(enter):
    broken = enter(lambda x: np.exp(x), x=lambda g, y: g @ y)
    W = leaf(3, 4, name="W")
    before = W._value, W.stamp
    with pytest.raises(ValueError, match="matmul"):
        gradcheck(lambda W: np.sum(broken(W)), W, raise_exception=False)
    assert (W._value, W.stamp) == before


penalised = {
    "in each entry of the output": (
        lambda W, term: np.sum(np.tanh(W), axis=1, keepdims=True) + np.sum(term(W)),
        r"= (\S+) · W for the weighted sum of the outputs, -0\.128571 · W for each entry: a term",
    ),
    "entry by entry": (
        lambda W, term: np.tanh(W) + term(W),
        r"= -0\.128571 · W, entry by entry: a term like that of an L2 penalty is dropped",
    ),
    "row by row": (
        lambda W, term: np.sum(np.tanh(W) + term(W), axis=1),
        r"= -0\.128571 · W, entry by entry: a term like that of an L2 penalty is dropped",
    ),
    "column by column": (
        lambda W, term: np.sum(np.tanh(W) + term(W), axis=0, keepdims=True),
        r"= -0\.128571 · W, entry by entry: a term like that of an L2 penalty is dropped",
    ),
    "in one of two outputs": (
        lambda W, term: (np.tanh(W), np.sum(np.sin(W)) + np.sum(term(W))),
        r"= (\S+) · W for the weighted sum of the outputs: a term like that of an L2 penalty is dropped",
    ),
}


@pytest.mark.parametrize("where", penalised)
def test_a_penalty_forgotten_in_an_output_that_is_no_scalar_is_named(where, enter):
    function, sentence = penalised[where]
    square = enter(lambda x: 0.9 / 14 * x * x, x=lambda g, x: g * (0.9 / 7 * x))
    forgotten = enter(lambda x: 0.9 / 14 * x * x, x=lambda g, x: 0 * g * x)
    assert gradcheck(lambda W: function(W, square), weight())
    for term in (forgotten, lambda W: square(W.detach())):
        assert re.search(sentence, message_of(lambda W, term=term: function(W, term), weight()))


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (lambda x: 0.3 * x, "0.3 · W, entry by entry: a term like that of an L2 penalty"),
        (lambda x: 0.3 * np.sign(x), "0.3 · sign(W), entry by entry: a term like that of an L1 penalty"),
        (lambda x: np.full_like(x, 0.3), "0.3 · 1, entry by entry: a term is dropped"),
    ],
)
def test_a_term_too_many_in_an_elementwise_rule_is_named(term, said, enter):
    wrong = enter(lambda x: np.exp(x), x=lambda g, y, x: g * (y + term(x)))
    for function in (wrong, lambda W: (np.sin(W), wrong(W))):
        assert f"machine - slope = {said}" in message_of(function, weight())


def test_a_term_of_the_second_order_is_named(enter):
    wrong = enter(
        lambda x: np.exp(x) + 0.3 / 6 * x * x * x, x=lambda g, x: g * (np.exp(x) + 0.3 / 2 * plain(x) ** 2)
    )
    message = message_of(lambda W: np.sum(wrong(W)), weight(), order=2)
    assert "'W' (3, 4), order 2" in message
    assert "machine - slope = -0.3 · W, entry by entry: a term like that of an L2 penalty" in message


# ---- what it says of the function


def test_a_random_forward_pass():
    rng = np.random.default_rng(0)
    message = message_of(lambda W: np.sum(W * (rng.random((3, 4)) < 0.8)), leaf(3, 4))
    assert (
        "different values for the same inputs: it draws at random, or changes something at each call"
        in message
    )
    assert "mg.nn.fixed_masks(model)" in message
    assert gradcheck(lambda W: np.sum(W * (np.random.default_rng(0).random((3, 4)) < 0.8)), leaf(3, 4))


def test_single_precision():
    W = mg.Tensor(
        np.random.default_rng(0).standard_normal((3, 4)), requires_grad=True, name="W", dtype=np.float32
    )
    message = message_of(lambda W: np.mean(np.tanh(W) ** 2), W)
    assert (
        '"W" (3, 4) is float32, whose differences agree to about 1e-3 and at best 1e-5: check in float64'
        in message
    )
    assert gradcheck(lambda W: np.mean(np.tanh(W) ** 2), W, tolerance=1e-3)
    message = message_of(lambda W: np.mean(np.tanh(1.001 * W.detach() + 0 * W)), W, tolerance=1e-3)
    assert "float32" in message
    V = leaf(3, 4)
    message = message_of(lambda V: np.sum(np.astype(V * V, np.float32)), V)
    assert "made by np.astype, is float32" in message


def test_a_kink():
    x = mg.Tensor([-1.0, 0.0, 2.0], requires_grad=True, name="x")
    message = message_of(mg.relu, x)
    assert "x[1] = 0 is on a kink: the slope is 0 to its left and " in message
    assert "move it away" in message
    assert "on a kink" in message_of(lambda x: np.sum(np.maximum(x, 0) * [1, 2, 3]), x)
    assert "on a kink" in message_of(
        lambda x: np.max(np.abs(x[:2])), mg.Tensor([1.0, -1.0, 2.0], requires_grad=True)
    )
    assert "on a kink" in message_of(
        lambda x: np.sum(mg.relu(x) * x), x, order=2
    )  # whose first order is smooth
    for near in (1e-3, 1e-6, -1e-6):
        assert gradcheck(mg.relu, mg.Tensor([-1.0, near, 2.0], requires_grad=True))


def test_something_that_is_not_recorded():
    W, X = leaf(3, 4, name="W"), np.ones((7, 4))
    message = message_of(lambda W: np.sum(W * W.detach()), W)
    assert "it is 0.5 times the slope" in message
    assert "computes with something that is not recorded (detach(), .data, numpy() or no_grad)" in message
    message = message_of(lambda W, b: np.sum(X @ W.data.T + b), [W, leaf(3, name="b")])
    assert "'W' (3, 4), order 1" in message
    assert "it is 0 everywhere" in message
    assert "no recorded path leads from it to the output" in message
    assert "not recorded" in message_of(lambda W: np.sum(np.sin(W) * np.mean(W.data)), W)
    X = np.random.default_rng(1).standard_normal((7, 4))
    message = message_of(lambda W: np.mean((X @ W.T) ** 2) + 0.9 / 14 * np.sum(W.detach() ** 2), W)
    assert "machine - slope = -0.128571 · W: a term like that of an L2 penalty is dropped" in message  # 0.9/7


def test_something_that_is_not_recorded_in_the_backward_pass():
    message = message_of(lambda W: np.sum(W**3 + (W - W.detach()) ** 2), leaf(3, name="W"), order=2)
    assert "'W' (3,), order 2" in message
    assert "the gradient of the order below is right, but its graph misses a dependence" in message


def test_an_error_that_may_be_rounding():
    z = mg.Tensor([[20.0, 0.0, -1.0]], requires_grad=True, name="z")
    message = message_of(lambda z: mg.nn.cross_entropy(z, np.array([0])), z, order=2)
    assert "so small an error may be rounding within the function (saturation, cancellation)" in message


def test_something_computed_before_the_function_is_called():
    W = leaf(3, 4, name="W")
    Z = np.exp(W)
    Z.name = "Z"
    message = message_of(lambda W: np.sum(Z * W), W)
    assert '"Z" (3, 4), made by np.exp, was computed before the function was called' in message


def test_an_input_changed_in_place():
    def shrink(W: Tensor) -> Tensor:
        with mg.no_grad():
            W *= 0.5
        return np.sum(W * W)

    def sneak(W: Tensor) -> Tensor:
        base[0] += 1.0
        return np.sum(W * W)

    W, base = leaf(3, 4, name="W"), np.ones((3, 4))
    before = W.data.tobytes()
    assert 'changes its input "W" (3, 4) in place' in message_of(shrink, W)
    assert 'changes its input "V" (3, 4) in place' in message_of(
        sneak, named(made(base[:], requires_grad=True), "V")
    )
    with pytest.raises(GradcheckError):
        gradcheck(shrink, W)
    assert W.data.tobytes() == before


@pytest.mark.parametrize("read", [float, int, complex, Tensor.item, Tensor.tolist, "{:.3f}".format])
def test_a_number_read_out_of_a_tensor_raises(read):
    W = leaf(3, name="W")

    def function(W: Tensor) -> Tensor:
        read(np.sum(W))
        return np.sum(W * W)

    with pytest.raises(RuntimeError, match="inside a function that is being recorded would"):
        gradcheck(function, W)
    assert W.sum().item() == pytest.approx(float(np.sum(W.data)))  # allowed again


# ---- nothing passes empty


def test_an_input_that_the_function_does_not_depend_on():
    W, b = leaf(3, 4, name="W"), leaf(4, name="b")
    message = message_of(lambda W, b: np.sum(W * W), [W, b])
    assert (
        "'b' (4,), order 1: the function does not depend on it, or not at these values: nothing is checked"
        in message
    )
    assert "nothing is checked" in message_of(mg.relu, mg.Tensor([-1.0, -2.0], requires_grad=True))
    assert "nothing is checked" in message_of(lambda x: x**2, mg.Tensor([0.0, 0.0], requires_grad=True))
    assert "nothing is checked" in message_of(lambda W, b: np.sum(W + 0 * b[0]), [W, b])


def test_empty_inputs_and_outputs():
    assert "is empty: there is nothing to check" in message_of(
        lambda x: np.sum(x), mg.Tensor(np.ones((0, 3)), True)
    )
    assert "which is empty" in message_of(lambda x: x[:0], leaf(3))


def test_outputs_that_keep_no_gradient():
    x = leaf(3)
    assert "needs no gradient" in message_of(lambda x: x.detach() * 2, x)
    assert "needs no gradient" in message_of(lambda x: x > 1, x)
    assert "needs no gradient" in message_of(lambda x: (x * x, np.sign(x)), x)
    assert "gave a ndarray, which keeps no gradient" in message_of(lambda x: x.data * 2, x)
    assert "gave a float" in message_of(lambda x: 1.0, x)
    with mg.no_grad():
        assert gradcheck(lambda x: x * x, x)  # recorded here all the same


def test_what_is_not_finite_is_said(enter):
    x = mg.Tensor([0.0, 1.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        assert "the function's value at [0] is -inf" in message_of(np.log, x)
        assert "the function's value at [0] is nan" in message_of(lambda x: x / x, x)
        assert "the machine's gradient is inf: choose values inside" in message_of(
            lambda x: np.sum(np.sqrt(x)), x
        )
    lost = enter(lambda x: x * x, x=lambda g, x: g * np.nan * x)
    assert "the machine's gradient is nan" in message_of(lost, leaf(3))


def test_a_gradient_that_is_0_by_design():
    X = np.random.default_rng(2).standard_normal((7, 4))
    W, b = leaf(5, 4, name="W"), leaf(5, name="b")

    def normalised(W: Tensor, b: Tensor) -> Tensor:
        Z = X @ W.T + b
        return np.tanh((Z - np.mean(Z, axis=0)) / np.std(Z, axis=0))

    message = message_of(normalised, [W, b], order=2)
    assert "'b' (5,), order 1: its gradient cannot be told from 0" in message
    assert "name it in zero= if it is 0 by design" in message
    assert "'W'" not in message
    for zero in ("b", 1, ["b"], [1]):
        assert gradcheck(normalised, [W, b], order=2, zero=zero)
    assert "zero= says that its gradient is 0 by design, and it is not" in message_of(
        normalised, [W, b], zero=["W", "b"]
    )
    with pytest.raises(ValueError, match=re.escape("zero= names 'c'; the inputs are ['W', 'b']")):
        gradcheck(normalised, [W, b], zero="c")


def test_a_gradient_of_0_that_the_machine_has_wrong(enter):
    wrong = enter(lambda x: x - np.mean(x), x=lambda g: g)  # forgets that the mean moves too
    message = message_of(lambda x: wrong(x * 1.0 + 3.0), [leaf(5)])
    assert "relative error" in message
    shift = leaf(1, name="shift")
    message = message_of(lambda s: wrong(np.arange(5.0) + s), shift, zero="shift")
    assert "zero= says that its gradient is 0 by design, and it is not" in message


def test_a_slope_that_drowns_in_rounding_does_not_pass(enter):
    opaque = enter(lambda x: x + 1e12, x=lambda g: g)
    wrong = enter(lambda x: x + 1e12, x=lambda g: 1.001 * g)
    x = leaf(3)
    for function in (opaque, wrong):
        assert "rounding" in message_of(lambda x, f=function: f(np.sin(x)), x)
    assert gradcheck(lambda x: np.sin(x) + 1e12, x)  # the complex step is not drowned
    assert "saturation" in message_of(mg.sigmoid, mg.Tensor([30.0], requires_grad=True))


def test_a_function_linear_in_an_input_has_a_second_order_of_0():
    result = gradcheck(lambda W, b: np.sum(3 * W + b), [leaf(4, name="W"), leaf(4, name="b")], order=2)
    assert [slope.order for slope in result.slopes] == [1, 1, 2, 2]
    assert gradcheck(lambda W, b: np.sum(W * W + b), [leaf(4, name="W"), leaf(4, name="b")], order=3)


def test_a_second_order_of_0_that_should_not_be_is_caught(enter):
    half = enter(lambda x: x * x, x=lambda g, x: g * 2 * plain(x))
    message = message_of(
        lambda W, b: np.sum(3 * W) + np.sum(half(b)), [leaf(4, name="W"), leaf(4, name="b")], 2
    )
    assert "'b' (4,), order 2" in message
    assert "'W'" not in message


# ---- what goes in and what comes out


def test_the_inputs_are_as_before(enter):
    def fails_at_the_third_call(W: Tensor) -> Tensor:
        calls.append(W)
        if len(calls) > 2:
            raise KeyError("third")
        return np.sum(W * W)

    def also_runs_backward(W: Tensor) -> Tensor:
        cost = np.sum(W * W)
        cost.backward()
        return cost

    calls: list[Tensor] = []
    W = leaf(3, 4, name="W")
    y = np.sum(np.sin(W))
    W.grad = np.ones((3, 4))
    before = (W._value, W.stamp, W.grad, W.data.tobytes())
    with pytest.raises(KeyError, match="third"):
        gradcheck(fails_at_the_third_call, W)
    gradcheck(lambda W: np.sum(np.tanh(W)), W, order=2)
    gradcheck(also_runs_backward, W)
    wrong = enter(lambda x: x * x, x=lambda g, x: g * x)
    message_of(wrong, W, order=2)
    assert W._value is before[0]
    assert (W.stamp, W.grad, W.data.tobytes()) == before[1:]
    y.backward()  # a graph from before is not stale


def test_arrays_and_numbers_are_made_into_leaves():
    array = np.array([[1, 2], [3, 4]])
    assert gradcheck(lambda a: np.sum(a * a), array).errors == {"input 0": 0.0}
    assert gradcheck(lambda a, b: a * b, [1.5, np.float32(2.5)])
    assert gradcheck(lambda a: a * a, 3)
    assert array.dtype == int


def test_numbers_and_the_identity_are_checked():
    W = mg.Tensor(2.0, requires_grad=True, name="W")
    with mg.no_grad():
        W -= 0.5
    assert gradcheck(lambda W: W * W * W, W, order=2)
    assert gradcheck(lambda x: (x, x * x, x), leaf(3), order=2)
    assert gradcheck(lambda x: x, leaf(3), order=2)


def test_inputs_that_cannot_be_checked():
    x = leaf(3, name="x")
    for inputs, sentence in (
        ([], "there are no inputs"),
        (x * 2, "is a result, not a leaf"),
        (
            mg.Tensor([1.0], name="Y"),
            '"Y" (1,) needs no gradient; set requires_grad=True, or keep it out of the inputs',
        ),
        ([x, x], "an input is given twice"),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)):
            gradcheck(lambda *x: x[0] * x[0], inputs)
    for order in (0, -1, 1.5, "2"):
        with pytest.raises(ValueError, match="order must be 1, 2"):
            gradcheck(lambda x: x * x, x, order)


def test_inputs_of_one_name_are_told_apart_by_position():
    result = gradcheck(
        lambda a, b, c: a * b * c, [leaf(2, name="W"), leaf(2, name="W", seed=1), leaf(2, name="c")]
    )
    assert list(result.errors) == ["input 0", "input 1", "c"]


def test_the_result_of_a_failed_check_has_the_numbers(enter):
    wrong = enter(lambda x: x * x, x=lambda g, x: g * 2.002 * x)
    x = leaf(4, name="x")
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x: np.sum(wrong(x)), x)
    (slope,) = caught.value.result.slopes
    assert slope.error == pytest.approx(1e-3, rel=1e-6)
    np.testing.assert_allclose(slope.machine, 2.002 * x.data)
    assert slope.worst == (int(np.argmax(x.data)),)
    assert slope.differences[slope.worst] == pytest.approx(2 * x.data[slope.worst], rel=1e-10)
    assert slope.exact is None
    assert caught.value.result.errors == {"x": slope.error}
    assert isinstance(caught.value, AssertionError)
    assert f"at {list(slope.worst)} the machine gives {slope.machine[slope.worst]:.10g}, differences" in str(
        caught.value
    )


def test_a_tighter_tolerance_holds_where_the_complex_step_can_be_taken(monkeypatch):
    row = table[np.log2]
    ((pull),) = row.rules
    monkeypatch.setattr(
        row, "rules", (lambda *a: pull(*a) * (np.log(2) / 0.6931471806),)
    )  # ten digits of log 2
    message = message_of(lambda x: np.sum(np.log2(x)), leaf(4))
    assert "the rule of np.log2" not in message  # which only the complex step can see
    assert "the complex step" in message
