"""The rewrites: each keeps the value, and each gives the form that a person would write."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.program import Program
from minigrad.program.lines import Lines
from minigrad.program.simplify import Monomial, Simplifier, exact
from minigrad.program.tidy import behind, tidied
from minigrad.show.derivation.derive import derive
from minigrad.show.derivation.source import Source


def named(*shape: int, name: str, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal(shape), requires_grad=True, name=name)


stack = named(2, 3, 4, name="stack", seed=3)
A, B, C = named(4, 4, name="A"), named(4, 4, name="B", seed=1), named(4, name="C", seed=2)
m, lambd, keep_prob = mg.constant(7, "m"), mg.constant(0.9, "lambd"), mg.constant(0.8, "keep_prob")


def simplified(tensor: Tensor) -> Any:
    """A graph rebuilt from its leaves, with every rewrite that applies."""
    simplifier, operands = Simplifier(), {}
    waiting = {tensor.stamp: tensor}
    todo = [tensor]
    while todo:
        for x in todo.pop().inputs:
            if isinstance(x, Tensor) and x.stamp not in waiting:
                waiting[x.stamp] = x
                todo.append(x)
    for stamp in sorted(waiting):
        x = waiting[stamp]
        inputs = tuple(operands[i.stamp] if isinstance(i, Tensor) else i for i in x.inputs)
        made = x.function is not None
        operands[stamp] = simplifier.simplified(x, inputs) if made else simplifier.leaf(x)
    return operands[tensor.stamp]


def text(value: Any) -> str:
    """A value on one line."""
    if not isinstance(value, Tensor):
        return str(value)
    program = Program(value)
    output = program.outputs[0]
    if output.equation is None:
        return output.name
    lines = Lines(program, value, {})
    lines.inline.update(e.output for e in program.equations)
    return Source(lines, "f", {}).expression(output)


forms: dict[str, tuple[Callable[[], Any], str]] = {
    "fractions of constants": (lambda: 2 * (lambd / (2 * m)) * A, "lambd / m * A"),
    "a fraction of numbers": (lambda: 2 * (A / 3), "2 * A / 3"),
    "a decimal as it was typed": (lambda: 2 * (A * 0.1), "0.2 * A"),
    "a division by a decimal": (lambda: (A / 0.8) * B, "A * B / 0.8"),
    "a decimal and a whole number": (lambda: 0.1 * A / 3, "0.1 * A / 3"),
    "a decimal that cancels": (lambda: 2 * (0.5 * A) / m, "A / m"),
    "decimals that make a fraction": (lambda: 0.1 * (A / 0.3), "A / 3"),
    "decimals that add up": (lambda: 0.1 * A + 0.2 * A, "0.3 * A"),
    "powers of a constant": (lambda: m * (A / m) / m, "A / m"),
    "scalars come last below": (lambda: (A / keep_prob) * B, "A * B / keep_prob"),
    "scalars come first above": (lambda: (A * lambd) * B, "lambd * A * B"),
    "one, times": (lambda: 1 * A * 1.0 / 1, "A"),
    "zero, added": (lambda: 0 + A - 0.0, "A"),
    "two signs": (lambda: np.negative(-A), "A"),
    "a sign in a product": (lambda: (-A) * (-B), "A * B"),
    "a sign in a sum": (lambda: A + -B, "A - B"),
    "a negative first term": (lambda: -A + B, "B - A"),
    "two negative terms": (lambda: -A - B, "-(A + B)"),
    "minus a negative term": (lambda: A - (-B), "A + B"),
    "like terms": (lambda: A + A + A, "3 * A"),
    "like terms with constants": (lambda: A / m + 2 * A / m, "3 * A / m"),
    "unlike terms": (lambda: A / m + A, "A / m + A"),
    "a first power": (lambda: np.power(A, 1), "A"),
    "a second power": (lambda: np.power(A, 2), "np.square(A)"),
    "a product divided by an array": (lambda: (2 * A) / (3 * B), "2 * A / B / 3"),
    "a number over an array": (lambda: 2 / (A * 4), "1 / A / 2"),
    "a product with an inverse": (lambda: 2 * (1 / np.exp(C)) * A * B, "2 * A / np.exp(C) * B"),
    "two transposes": (lambda: A.T.T, "A"),
    "the transpose of a product": (lambda: (A.T @ B).T, "B.T @ A"),
    "the transpose of a plain product": (lambda: (A @ B).T, "(A @ B).T"),
    "a transpose and a factor": (lambda: (2 * A.T).T / m, "2 * A / m"),
    "factors of a matrix product": (lambda: (A / m) @ (3 * B), "3 * (A @ B) / m"),
    "a cast that changes nothing": (lambda: A.astype(np.float64), "A"),
    "a reshape that changes nothing": (lambda: A.reshape(4, 4), "A"),
    "a broadcast that NumPy makes itself": (lambda: np.broadcast_to(C, (4, 4)) * A, "C * A"),
    "a broadcast number": (lambda: np.broadcast_to(lambd / m, (4, 4)) * A, "lambd / m * A"),
    "a broadcast number reshaped": (
        lambda: np.expand_dims(np.broadcast_to(1 / m, (4,)), 1) * A,
        "A / m",
    ),
    "a broadcast that is needed": (
        lambda: np.broadcast_to(C, (4, 4)) @ B,
        "np.broadcast_to(C, (4, 4)) @ B",
    ),
    "a sum of a broadcast": (lambda: np.sum(np.broadcast_to(C, (5, 4)), axis=0), "5 * C"),
    "a sum and a factor": (lambda: np.sum(A / m, axis=0), "A.sum(axis=0) / m"),
    "a sum with nothing to simplify": (lambda: np.sum(A * B), "np.sum(A * B)"),
    "products in another order": (lambda: (A * B) * np.exp(B) + (A * np.exp(B)) * B, "2 * A * B * np.exp(B)"),
    "a divisor of every term": (lambda: A / m - B / m, "(A - B) / m"),
    "a divisor of every term, negative": (lambda: -(A / 7) + B / 7, "(B - A) / 7"),
    "minus a sum": (lambda: A - (B + np.exp(B)), "A - B - np.exp(B)"),
    "the transpose of a sum": (lambda: (A.T @ B + B.T @ A).T, "B.T @ A + A.T @ B"),
    "the transpose of a longer product": (lambda: (A.T @ B @ C[:, None]).T, "C[:, None].T @ (B.T @ A)"),
    "the transpose of ones": (
        lambda: np.broadcast_to(lambd, (3, 4)).T @ A[:3],
        "np.full((4, 3), lambd) @ A[:3]",
    ),
    "transposes in a stack": (
        lambda: np.swapaxes(np.swapaxes(stack, -1, -2) @ stack, -2, -1),
        "stack.mT @ stack",
    ),
    "a permutation that changes nothing": (lambda: np.transpose(A, (0, 1)), "A"),
    "a sum that keeps its axis": (
        lambda: np.sum(A, axis=1).reshape(4, 1) * B,
        "A.sum(axis=1, keepdims=True) * B",
    ),
    "a shape there and back": (lambda: np.exp(C).reshape(4, 1).reshape(4), "np.exp(C)"),
    "an axis that NumPy puts there itself": (lambda: np.expand_dims(C, 0) * A, "C * A"),
    "an axis that NumPy puts there itself, in a sum": (lambda: np.expand_dims(C, 0) / m + A, "C / m + A"),
    "a choice between broadcast numbers": (
        lambda: np.where(A > 0, np.broadcast_to(lambd, (4, 4)), B),
        "np.where(A > 0, lambd, B)",
    ),
    "an item of a multiple": (lambda: (A / m)[1:], "A[1:] / m"),
    "the copy that is none": (lambda: np.positive(A) * B, "A * B"),
}


@pytest.mark.parametrize("name", forms)
def test_a_rewrite_gives_the_form_and_keeps_the_value(name):
    make, form = forms[name]
    raw = make()
    value = simplified(raw)
    assert text(value) == form
    assert value.shape == raw.shape
    assert value.dtype == raw.dtype
    np.testing.assert_allclose(value.data, raw.data, rtol=1e-14)


kept: dict[str, Callable[[], Any]] = {
    "a cast to another dtype": lambda: A.astype(np.float32),
    "zero times an array": lambda: 0 * A,
    "an array minus itself": lambda: A - A,
    "a sum over some of the axes": lambda: np.sum(A, axis=1, keepdims=True),
    "a transpose of three axes": lambda: np.transpose(A.reshape(2, 2, 4), (1, 0, 2)),
    "whole numbers": lambda: Tensor([1, 2, 3], name="n") * 2 + 1,
    "whole numbers divided": lambda: Tensor([1, 2, 3], name="n") / 2,
    "booleans": lambda: (Tensor([True, False], name="D") * 1) + 0,
    "a number that is infinite": lambda: A * np.inf,
    "a zero added that broadcasts": lambda: C + np.zeros((4, 4)),
    "a vector times a matrix": lambda: (2 * C) @ (A / m),
    "numbers alone": lambda: lambd / (2 * m) * 3,
    "float32": lambda: Tensor(A.data, name="S", dtype=np.float32) * 0.1 / m,
}


@pytest.mark.parametrize("name", kept)
def test_shape_dtype_and_value_are_kept_where_little_can_be_simplified(name):
    raw = kept[name]()
    value = simplified(raw)
    data = value.data if isinstance(value, Tensor) else np.asarray(float(value))
    assert np.shape(data) == raw.shape
    if raw.shape:
        assert value.dtype == raw.dtype
    np.testing.assert_allclose(data, raw.data, rtol=1e-6 if raw.dtype == np.float32 else 1e-14)


def test_what_is_computed_twice_is_computed_once():
    value = simplified(np.tanh(A @ B) * np.exp(A @ B) + np.tanh(A @ B))
    functions = [equation.function for equation in Program(value).equations]
    assert functions.count(np.matmul) == 1
    assert functions.count(np.tanh) == 1


def test_a_number_of_weights_is_no_number_of_examples():
    """A mean over data of 7 rows divides by m, and one over the rows of a weight by their number."""
    X = Tensor(np.ones((7, 3)), name="X")
    text = derive(np.mean(np.square(X @ A[:3])) + np.mean(np.exp(C)) + np.mean(np.square(B))).numpy()
    assert "/ (2 * m)" in text  # 2 (X A) / 28
    assert "dC = exp_1 / 4" in text
    assert "B / 8" in text


# ---- the recorded graph, before anything is derived from it


def functions_of(loss: Tensor) -> list[str]:
    return [x.function.__name__ for x in behind([loss]) if x.function is not None]


def test_nothing_changes_where_there_is_nothing_to_tidy():
    loss = np.sum(np.tanh(A @ B) / keep_prob)
    assert tidied(loss) is loss


def test_what_changes_nothing_is_left_out():
    loss = np.sum((0 + 1.0 * np.exp(A) - 0) / 1)
    again = tidied(loss)
    assert functions_of(again) == ["exp", "sum"]
    assert again.stamp == loss.stamp
    assert functions_of(tidied(np.sum(np.negative(-A.T.T.astype(float).reshape(4, 4))))) == ["sum"]


def test_what_changes_something_stays():
    for loss in (
        np.sum(A.astype(np.float32)), np.sum(C + np.zeros((4, 4))), np.sum(mg.constant(1, "one") * A),
        np.sum(2 - A), np.sum(1 / A),
    ):  # fmt: skip
        assert functions_of(tidied(loss)) == functions_of(loss)


def test_what_was_recorded_twice_is_recorded_once():
    loss = np.sum(np.exp(A @ B) * np.tanh(A @ B) + np.exp(A @ B) * B + B * np.exp(A @ B))
    assert sorted(functions_of(tidied(loss))) == sorted(
        ["matmul", "exp", "tanh", *["multiply"] * 2, *["add"] * 2, "sum"]
    )


def test_names_draws_and_what_is_asked_for_stay():
    P, Q = np.exp(A), np.exp(A)
    P.name, Q.name = "P", "Q"
    assert functions_of(tidied(np.sum(P * Q))).count("exp") == 2
    Q.name = "P"
    assert functions_of(tidied(np.sum(P * Q))).count("exp") == 1
    one = 1.0 * np.exp(A)
    loss = np.sum(one * 1.0)
    assert functions_of(tidied(loss, {one.stamp})) == ["exp", "multiply", "sum"]
    rng = np.random.default_rng(0)
    draws = mg.random.uniform(rng, (4,)), mg.random.uniform(rng, (4,))
    assert functions_of(tidied(np.sum(C * draws[0] + C * draws[1]))).count("uniform_draw") == 2


def test_data_that_was_wrapped_twice_is_one_leaf():
    """So that two losses on the same X and Y do not take X_1, X_2, Y_1 and Y_2."""
    X, Y = np.ones((7, 2)), np.zeros((7, 1))
    model = mg.nn.Linear(2, 1, rng=0)
    Z = model(X)
    loss = mg.nn.binary_cross_entropy_with_logits(Z, Y) + mg.nn.mse_loss(model(X), Y)
    text = derive(loss).numpy()
    assert "def loss_and_gradients(X, Y, W, b, *, m=7):" in text
    assert text.count("X @ W.T") == 1


def test_a_second_order_loss_is_written_as_one_would():
    x = named(4, name="x")
    slope = mg.grad(np.sum(x**3 * np.sin(x)), x, create_graph=True)
    derivation = derive(np.sum(slope * slope))
    lines = [line.partition("  #")[0].strip() for line in derivation.numpy().splitlines()]
    assert "add_1 = sin_1 * multiply_2 + power_1 * cos_1" in lines
    assert lines.count("sin_1 = np.sin(x)") == 1
    assert "1.0 *" not in derivation.numpy()
    np.testing.assert_allclose(
        derivation.run()[1]["dx"], mg.grad(derivation.loss, x).data, rtol=1e-12, atol=1e-12
    )


def test_draws_are_never_taken_for_one_another():
    D = mg.random.bernoulli(0, (4,), 0.5)
    E = mg.random.bernoulli(0, (4,), 0.5)
    derivation = derive(np.sum(C * D) + np.sum(C * C * E))
    np.testing.assert_array_equal(
        derivation.gradients[C.stamp].data, np.asarray(D) + 2 * C.data * np.asarray(E)
    )


def test_exact_numbers():
    assert exact(0.1) == Fraction(1, 10)
    assert exact(1 / 3) == Fraction(1, 3)
    assert exact(-0.5) == Fraction(-1, 2)
    assert float(exact(np.pi)) == np.pi
    assert float(exact(1e-300)) == 1e-300


def test_monomials():
    x = Monomial(Fraction(2), ((1, 1), (2, -1)))
    assert x * x.inverse() == Monomial(Fraction(1))
    assert (x * x).powers == ((1, 2), (2, -2))
    assert Monomial.of(1 / 3) == Monomial(Fraction(1, 3))  # nobody types 0.3333333333333333


def random_loss(rng: np.random.Generator) -> Tensor:
    """A graph of operations drawn at random, over values of some shapes that broadcast."""
    shapes = [(), (3,), (4, 3), (4, 1), (3, 3)]
    pool = [named(*s, name=f"x{i}", seed=i) for i, s in enumerate(shapes)] + [m, lambd]
    pool += [mg.constant(0.5), Tensor(rng.standard_normal(3))]
    unary = [
        np.tanh, np.negative, np.exp, np.square, np.positive, np.abs, lambda x: x * 1, lambda x: x - 0,
        lambda x: x / 2, lambda x: 3 * x, lambda x: x + x, lambda x: np.sum(x, axis=0, keepdims=True),
        lambda x: np.mean(x) if x.shape else x, lambda x: x.T if x.ndim > 1 else x, lambda x: x**2,
        lambda x: np.broadcast_to(x, (4, 3)) if x.shape in ((), (3,), (4, 1)) else x,
        lambda x: x.reshape(-1), lambda x: np.maximum(x, 0), lambda x: x @ x.T if x.ndim == 2 else x * x,
    ]  # fmt: skip
    binary = [np.add, np.subtract, np.multiply, lambda x, y: x / (2 + y * y), np.matmul]
    for _ in range(12):
        x = pool[rng.integers(len(pool))]
        y = pool[rng.integers(len(pool))]
        try:
            if rng.random() < 0.5 and x.shape:
                pool.append(unary[rng.integers(len(unary))](x))
            else:
                pool.append(binary[rng.integers(len(binary))](x, y))
        except ValueError:  # the shapes do not fit
            continue
        if rng.random() < 0.2 and pool[-1].function is not None:
            pool[-1].name = f"v{len(pool)}"
    return sum(np.mean(np.tanh(x)) if x.shape else np.tanh(x) for x in pool[-4:])


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", range(150))
def test_random_graphs(seed, order):
    """The simplified graphs and the text that runs agree with backprop, for slopes of slopes too."""
    loss = random_loss(np.random.default_rng(seed))
    if order == 2 and loss.requires_grad:
        leaves = [x for x in behind([loss]) if x.requires_grad and x.function is None]
        loss = sum(np.sum(np.tanh(g)) for g in mg.grad(loss, leaves, create_graph=True))
    if not loss.requires_grad:
        return
    derivation = derive(loss)
    _, found = derivation.run()
    for x, g in zip(derivation.wrt, found.values(), strict=True):
        wanted = mg.grad(loss, x).data
        scale = max(float(np.max(np.abs(wanted), initial=0.0)), 1e-3)
        np.testing.assert_allclose(g, wanted, rtol=0, atol=1e-12 * scale)
        np.testing.assert_allclose(derivation.gradients[x.stamp].data, wanted, rtol=0, atol=1e-12 * scale)
