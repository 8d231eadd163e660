"""derive: the backward pass as a person would have written it, which runs and gives the machine's numbers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from cases import Case, analytic_cases
from losses_to_derive import data, labels, lambd, leaf, m, network, normal
from test_table import leaves, outputs

import minigrad as mg
from minigrad import nn
from minigrad.show.derivation.derive import Derivation, derive
from minigrad.table import table
from minigrad.tensor import record


def network_of_the_notes() -> mg.Tensor:
    model = network()
    return nn.binary_cross_entropy_with_logits(model(data(m, 2)), labels()) + nn.l2_penalty(
        model, lambd=lambd, m=m
    )


def check(derivation: Derivation, tolerance: float = 1e-12) -> None:
    """The text, executed, gives the loss and the gradients of the machine; so do the simplified graphs."""
    loss, wrt = derivation.loss, derivation.wrt
    cost, found = derivation.run()
    wanted = mg.grad(loss, wrt)
    assert len(found) == len(wrt)
    np.testing.assert_allclose(cost, loss.data, rtol=tolerance, atol=tolerance)
    for x, g, (name, text) in zip(wrt, wanted, found.items(), strict=True):
        largest = max(tolerance * np.max(np.abs(g.data), initial=0.0), 1e-15)
        graph = derivation.gradients[x.stamp]
        assert graph.name == name
        for given in (np.asarray(text), graph.data):
            assert given.shape == g.shape
            np.testing.assert_allclose(given, g.data, rtol=0, atol=largest)


def section(text: str, name: str) -> list[str]:
    """The lines of one section, without the shapes at their ends."""
    lines = text.split(f"    # {name}\n")[1].splitlines()
    end = next(i for i, line in enumerate(lines) if line.strip().startswith(("#", "return")))
    return [line.partition("  # ")[0].strip() for line in lines[:end]]


# ---- the textbook's derivation


def test_the_backward_section_is_the_textbooks():
    text = derive(network_of_the_notes()).numpy()
    assert section(text, "backward") == [
        "dZ3 = (A3 - Y) / m",
        "dW3 = dZ3.T @ A2_drop + lambd / m * W3",
        "db3 = dZ3.sum(axis=0)",
        "dA2 = dZ3 @ W3 * D2 / keep_prob",
        "dZ2 = dA2 * (Z2 > 0)",
        "dW2 = dZ2.T @ A1_drop + lambd / m * W2",
        "db2 = dZ2.sum(axis=0)",
        "dA1 = dZ2 @ W2 * D1 / keep_prob",
        "dZ1 = dA1 * (Z1 > 0)",
        "dW1 = dZ1.T @ X + lambd / m * W1",
        "db1 = dZ1.sum(axis=0)",
    ]


def test_the_forward_section_is_the_textbooks():
    text = derive(network_of_the_notes()).numpy()
    assert section(text, "forward") == [
        "Z1 = X @ W1.T + b1",
        "A1 = np.maximum(Z1, 0)",
        "D1 = rng_1.random(A1.shape) < keep_prob",
        "A1_drop = A1 * D1 / keep_prob",
        "Z2 = A1_drop @ W2.T + b2",
        "A2 = np.maximum(Z2, 0)",
        "D2 = rng_2.random(A2.shape) < keep_prob",
        "A2_drop = A2 * D2 / keep_prob",
        "Z3 = A2_drop @ W3.T + b3",
        "A3 = sigmoid(Z3)",
    ]
    assert "def loss_and_gradients(X, Y, W1, b1, W2, b2, W3, b3, *, " in text
    assert "keep_prob=0.8" in text
    assert "    Z1 = X @ W1.T + b1                       # (7, 4)\n" in text


def test_every_array_of_the_network_is_right():
    check(derive(network_of_the_notes()))


def test_intermediate_values_can_be_asked_for():
    loss = network_of_the_notes()
    values = {t.name: t for t in _behind(loss) if t.name}
    derivation = derive(loss, [values["A2"], values["Z1"], values["A2_drop"]])
    check(derivation)
    assert "dA2_drop = dZ3 @ W3" in section(derivation.numpy(), "backward")


def _behind(tensor: mg.Tensor) -> list[mg.Tensor]:
    found = {tensor.stamp: tensor}
    todo = [tensor]
    while todo:
        for x in todo.pop().inputs:
            if isinstance(x, mg.Tensor) and x.stamp not in found:
                found[x.stamp] = x
                todo.append(x)
    return list(found.values())


def test_the_text_runs_with_numpy_alone(tmp_path):
    """In another process that cannot import minigrad, with generators of its own."""
    path = tmp_path / "derived.py"
    call = (
        "r = np.random.default_rng\n"
        "shapes = (7, 2), (7, 1), (4, 2), (4,), (3, 4), (3,), (1, 3), (1,)\n"
        "given = [r(0).standard_normal(shape) for shape in shapes]\n"
        "given[1] = given[1] > 0\n"
        "J, gradients = loss_and_gradients(*given, rng_1=r(1), rng_2=r(2))\n"
        "print(*gradients, J > 0, gradients['dW3'].shape)\n"
    )
    path.write_text(
        "import sys; sys.modules['minigrad'] = None\n" + derive(network_of_the_notes()).numpy() + call,
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.split("\n")[0] == "dW1 db1 dW2 db2 dW3 db3 True (1, 3)"


# ---- every row, and graphs that nothing here knows of


def losses(case: Case) -> list[mg.Tensor]:
    """Scalars that depend on every output of a case: a weighted sum, and the mean of a function of it."""
    ys = [y for y in outputs(case.call(leaves(case))) if isinstance(y, mg.Tensor) and y.requires_grad]
    weighted = [np.sum(y * mg.Tensor(normal(*y.shape), name="w")) for y in ys]
    arrays = [np.sum(normal(*y.shape, seed=3) * y) for y in ys]
    means = [np.mean(np.tanh(y)) for y in ys if y.size]
    return [sum(some[1:], start=some[0]) for some in (weighted, arrays, means) if some]


@pytest.mark.parametrize("case", analytic_cases(), ids=lambda case: case.name)
def test_every_row_prints_a_derivation_that_runs(case):
    for loss in losses(case):
        check(derive(loss), 1e-12 if loss.dtype == np.float64 else 1e-6)


def residual_sum():
    X, W1, W2 = data(m, 4), leaf(4, 4, name="W1"), leaf(4, 4, name="W2", seed=1)
    H = np.tanh(X @ W1.T)
    H.name = "H"
    return np.mean(np.sum((H + np.tanh(H @ W2.T)) ** 2, axis=1))


def shared_weights():
    X, W = data(m, 4), leaf(4, 4, name="W")
    return np.sum(np.tanh(np.tanh(X @ W) @ W) ** 3) / m


def softmax_with_l2_on_the_activations():
    X, W, b = data(m, 4), leaf(3, 4, name="W"), leaf(3, name="b")
    Y = mg.Tensor(np.eye(3)[np.arange(m) % 3], name="Y")
    A = mg.softmax(X @ W.T + b, axis=1)
    A.name = "A"
    return -np.mean(np.sum(Y * np.log(A), axis=1)) + mg.constant(lambd, "lambd") / (
        2 * mg.constant(m, "m")
    ) * np.sum(A**2)


def second_derivative():
    X, w = data(5, 3), leaf(3, name="w")
    (g,) = mg.grad(np.sum(np.tanh(X @ w) ** 3), [w], create_graph=True)
    return np.sum(g * g)


def third_derivative():
    x = leaf(4, name="x")
    (g,) = mg.grad(np.sum(np.sin(x) * np.exp(x)), [x], create_graph=True)
    (h,) = mg.grad(np.sum(g * x), [x], create_graph=True)
    return np.sum(h**2)


def probabilities():
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1), nn.Sigmoid())
    return nn.binary_cross_entropy(model(data(m, 4)), labels())


def classes():
    model = nn.Sequential(nn.Linear(4, 5, rng=0), nn.Softplus(), nn.Linear(5, 3, rng=1))
    return nn.cross_entropy(model(data(m, 4)), np.arange(m) % 3) + nn.l2_penalty(model, lambd=lambd, m=m)


def cost_of_the_notes():
    Z = data(m, 4) @ leaf(1, 4, name="W1").T + leaf(1, name="b1")
    Z.name = "Z1"
    A, Y = mg.sigmoid(Z), labels()
    A.name = "A1"
    return -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def lambda_that_is_learned():
    W, lam = leaf(3, 2, name="W"), mg.Tensor(lambd, requires_grad=True, name="lambd")
    return np.mean(np.square(data(m, 2) @ W.T)) + nn.l2_penalty([W], lambd=lam, m=m)


def penalty_of_another_batch():
    model = nn.Linear(2, 1, rng=0)
    return nn.mse_loss(model(data(m, 2)), labels()) + nn.l2_penalty(model, lambd=lambd, m=211)


def everything_unnamed():
    x, y = leaf(3), leaf(3, seed=1)
    return np.sum(x * y + np.exp(-x) / (1 + y * y))


def single_precision():
    W = mg.Tensor(normal(3, 4), requires_grad=True, name="W", dtype=np.float32)
    return np.mean(np.tanh(W) ** 2) * 0.3 + 1 / 3


def in_eval_mode():
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Dropout(keep_prob=0.5, rng=0), nn.Linear(3, 1, rng=1))
    return nn.mse_loss(model.eval()(data(m, 2)), labels())


graphs = [
    residual_sum, shared_weights, softmax_with_l2_on_the_activations, second_derivative, third_derivative,
    probabilities, classes, cost_of_the_notes, lambda_that_is_learned, penalty_of_another_batch,
    everything_unnamed, single_precision, in_eval_mode,
]  # fmt: skip


@pytest.mark.parametrize("graph", graphs, ids=lambda graph: graph.__name__)
def test_a_graph_that_it_has_never_heard_of(graph):
    loss = graph()
    check(derive(loss), 1e-12 if loss.dtype == np.float64 else 1e-6)


@pytest.mark.parametrize("graph", graphs, ids=lambda graph: graph.__name__)
def test_the_same_text_every_time(graph):
    assert derive(graph()).numpy() == derive(graph()).numpy()


def test_what_some_of_them_read():
    assert "dZ2 = dA2 * A2 * (1 - A2)" in section(derive(probabilities()).numpy(), "backward")
    assert section(derive(cost_of_the_notes()).numpy(), "backward")[:2] == [
        "dA1 = ((1 - Y) / (1 - A1) - Y / A1) / 7",
        "dZ1 = dA1 * A1 * (1 - A1)",
    ]
    assert "lambd / m_2 * weight" not in derive(penalty_of_another_batch()).numpy()
    text = derive(penalty_of_another_batch()).numpy()
    assert "m_1=" in text
    assert "m_2=" in text
    assert "1.0 *" not in section(derive(second_derivative()).numpy(), "backward")


def test_two_gradients_that_are_one_have_a_line_each():
    a, b = leaf(3, name="a"), leaf(3, name="b")
    s = a + b
    s.name = "s"
    derivation = derive(np.sum(s**3))
    assert section(derivation.numpy(), "backward") == [
        "ds = 3 * np.square(s)",
        "da = ds",
        "db = ds",
    ]
    check(derivation)


def test_a_value_that_is_called_like_a_function():
    z, w = leaf(3, name="sigmoid"), leaf(3, name="np", seed=1)
    derivation = derive(np.sum(mg.sigmoid(z) * mg.softplus(w) * mg.logsumexp(z)))
    assert "def sigmoid_3(x):" in derivation.numpy()  # the results are called sigmoid_1, sigmoid_2
    assert derivation.numpy() == derive(derivation.loss).numpy()
    check(derivation)


def test_functions_that_use_other_functions_and_numbers():
    derivation = derive(np.sum(helped(leaf(3, name="x"), power=2)))
    text = derivation.numpy()
    assert "def helped(x, *, power):" in text
    assert "def twice(x):" in text
    assert "sigmoid(x)" in text
    assert "minigrad" not in text
    check(derivation)


offset = 0.25


def twice(x):
    """A plain function, called by a primitive."""
    return 2 * x + offset


@mg.primitive
def helped(x, *, power):
    """A primitive that calls minigrad's, a function of its file and a number of its file."""
    y = twice(x) ** power
    return y * mg.sigmoid(x)


mg.derivative(
    helped,
    x=lambda g, x, y, power: g * (y * (1 - mg.sigmoid(x)) + 2 * power * y / twice(x)),
)
rows_of_this_file = {helped: table[helped]}


@pytest.fixture(autouse=True)
def _rows():
    table.update(rows_of_this_file)


def test_gradients_that_are_plain_numbers():
    x, s = leaf(3, name="x"), leaf(name="s")
    f = mg.Tensor(2.0, requires_grad=True, name="f", dtype=np.float32)
    for loss, line in (
        (np.sum(x), "dx = np.ones((3,))"),
        (np.mean(x), "dx = np.full((3,), 1 / 3)"),
        (s + s, "ds = 2.0"),
        (s / 3, "ds = 1 / 3"),
        (f + 1, "df = np.array(1.0, np.float32)"),
        (s, "ds = 1.0"),
        (-(0 * np.sum(x)), "dx = np.zeros((3,))"),
    ):
        derivation = derive(loss)
        assert section(derivation.numpy(), "backward") == [line]
        check(derivation)


def test_users_own_functions_are_written_out():
    @mg.primitive
    def swish(x, *, beta):
        s = 1 / (1 + np.exp(-beta * x))
        return x * s

    mg.derivative(
        swish,
        x=lambda g, x, y, beta: g * (1 / (1 + np.exp(-beta * x)) * (1 + beta * (x - y))),
    )
    derivation = derive(np.sum(swish(leaf(3, name="x"), beta=2)))
    assert "def swish(x, *, beta):" in derivation.numpy()
    assert "swish(x, beta=2)" in derivation.numpy()
    check(derivation)


# ---- what bad input gets


def test_bad_input():
    x, y = leaf(3, name="x"), leaf(2, name="y")
    with pytest.raises(TypeError, match="derive: the loss must be a Tensor, not float"):
        derive(1.0)
    with pytest.raises(ValueError, match=r"derive: a Tensor of shape \(3,\) is not a scalar"):
        derive(x * 2)
    with pytest.raises(ValueError, match=r'derive: .* does not depend on "y" \(2,\)'):
        derive(np.sum(x), y)
    with pytest.raises(ValueError, match="does not depend on anything that needs a gradient"):
        derive(np.sum(x.detach() * mg.Tensor(2.0, name="two")))
    for wrt, said in (
        ("x", "not a str"),
        (3, "not an int"),
        (x.data, "not a ndarray"),
        (["x"], "not a str among"),
    ):
        with pytest.raises(TypeError, match=rf"derive: wrt= takes a Tensor, several, or a model, {said}"):
            derive(np.sum(x), wrt)
    with pytest.raises(ValueError, match="derive: wrt= is empty"):
        derive(np.sum(x), [])
    named = data(3)
    with pytest.raises(ValueError, match=r'the loss does not depend on "X" \(3,\), which needs no gradient'):
        derive(np.sum(x * named), named)
    with mg.no_grad():
        x.data = np.zeros(3)
    stale = leaf(3, name="z")
    loss = np.sum(stale**2)
    with mg.no_grad():
        stale -= 1.0
    with pytest.raises(RuntimeError, match=r'"z" .* was assigned to'):
        derive(loss)


def test_by_default_what_only_a_comparison_depends_on_is_left_out():
    X = leaf(m, 2, name="X")
    model = nn.Sequential(nn.Linear(2, 4, rng=0), nn.ReLU(), nn.Linear(4, 1, rng=1))
    slopes = mg.grad(np.sum(model(X)), X, create_graph=True)
    penalty = np.mean(np.square(slopes))  # in which X and b1 only decide which units are on
    assert derive(penalty).wrt == (model[0].weight, model[2].weight)
    check(derive(penalty), 1e-12)
    with pytest.raises(ValueError, match=r'the loss does not depend on "X" \(7, 2\)'):
        derive(penalty, X)


def test_a_weight_with_as_many_rows_as_there_are_examples():
    model = nn.Sequential(nn.Linear(2, m, rng=0), nn.Tanh(), nn.Linear(m, 1, rng=1))

    def loss(X, Y):
        return nn.mse_loss(model(X), Y) + lambd * np.mean(np.square(model[0].weight))

    derivation = derive(loss(data(m, 2), labels()))
    few = mg.Tensor(normal(3, 2, seed=4), name="X"), mg.Tensor(normal(3, 1, seed=5), name="Y")
    namespace = {}
    exec(derivation.numpy(), namespace)
    arguments = derivation.source.arguments | {"X": few[0].data, "Y": few[1].data, "m": 3}
    _, found = namespace["loss_and_gradients"](**arguments)
    np.testing.assert_allclose(found["dW1"], mg.grad(loss(*few), model[0].weight).data, rtol=1e-12)


def test_what_to_differentiate_may_be_given_in_many_ways():
    x, y = leaf(3, name="x"), leaf(3, name="y")
    loss = np.sum(x * y)
    for wrt in ([x, y], (x, y), iter([x, y, x]), {"a": x, "b": y}):
        assert list(derive(loss, wrt).run()[1]) == ["dx", "dy"]
    model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Linear(3, 1, rng=1))
    model[0].weight.requires_grad = False
    assert list(derive(np.sum(model(data(m, 2))), model).run()[1]) == ["db1", "dW2", "db2"]


def test_a_long_sum_is_one_statement():
    """No names are made up for parts of a sum; its terms stand one under the other."""
    weights = [leaf(2, name=f"W{i}", seed=i) for i in range(1, 31)]
    loss = 0.1 * sum(np.sum(np.square(w)) for w in weights)
    text = derive(loss).numpy()
    assert "add_" not in text
    assert "    J = 0.1 * (\n        np.sum(np.square(W1))\n        + np.sum(np.square(W2))\n" in text
    assert max(map(len, text.partition("# backward")[0].splitlines()[5:])) < 100
    check(derive(loss))


def test_a_sum_of_hundreds_of_terms_is_cut():
    """An expression is written by recursion."""
    weights = [leaf(name=f"W{i}", seed=i) for i in range(400)]
    derivation = derive(sum(w * w for w in weights))
    check(derivation)
    derivation.latex(), derivation.explain()


def test_long_lines_are_broken_where_they_can_be():
    x = leaf(3, name="a_name_that_takes_room")
    y = leaf(3, name="another_name_that_takes_room")
    derivation = derive(
        np.sum(np.where(x > y, np.exp(x) * np.tanh(y), np.exp(y) * np.tanh(x)) * (x + y + x * y))
    )
    assert all(len(line) < 115 for line in derivation.numpy().splitlines())
    check(derivation)


def test_a_gradient_is_called_after_a_value_that_can_be_found():
    """A gradient that has a line belongs to a value that has one too."""
    s, t = leaf(3, name="s"), leaf(3, name="t")
    derivation = derive(np.sum(np.tanh(mg.sigmoid(s * t))))
    backward = section(derivation.numpy(), "backward")
    assert backward[1:] == ["ds = dmultiply_1 * t", "dt = dmultiply_1 * s"]
    assert "multiply_1 = s * t" in section(derivation.numpy(), "forward")
    check(derivation)


def test_an_array_that_nobody_named_is_one_argument():
    """The same numbers are one array, wherever they are used; a short one is written where it is used."""
    X, D = normal(m, 3), normal(m, 4) > 0
    W, V = leaf(4, 3, name="W"), leaf(1, 4, name="V")
    hidden = X @ W.T * D / 0.8
    loss = np.sum((hidden @ V.T - normal(m, 1)) ** 2) + np.sum(W[np.array([0, 0, 2])] * V[0, :3])
    derivation = derive(loss)
    assert [name for name in derivation.source.arguments if name.startswith("array")] == [
        "array_1", "array_2", "array_3"
    ]  # fmt: skip
    assert "W[np.array([0, 0, 2])]" in derivation.numpy()
    check(derivation)


def test_factors_that_are_infinite():
    x = leaf(3, name="x")
    for factor in (np.inf, np.nan):
        assert section(derive(np.sum(x) * factor).numpy(), "backward") == [f"dx = np.full((3,), np.{factor})"]


def test_an_activation_without_a_name_is_called_as_in_the_notes():
    model = nn.Sequential(nn.Linear(2, 1, rng=0))
    a = mg.sigmoid(model(data(m, 2)))
    derivation = derive(
        nn.binary_cross_entropy(a, labels()) + nn.binary_cross_entropy_with_logits(a.inputs[0], labels())
    )
    assert "    A = sigmoid(Z) " in derivation.numpy()
    assert a.name is None  # what was derived is not changed by that
    check(derivation)


def test_names_that_clash_or_are_no_identifiers():
    a, b, c = leaf(3, name="my w"), leaf(3, name="W", seed=1), leaf(3, name="W", seed=2)
    derivation = derive(np.sum(a * b * c))
    text = derivation.numpy()
    assert "def loss_and_gradients(my_w, W_1, W_2):" in text
    assert '# "my w" is written my_w' in text
    check(derivation)


def test_deriving_changes_nothing():
    loss = network_of_the_notes()
    before = [(t.name, t.stamp, t.grad, t.requires_grad) for t in _behind(loss)]
    derive(loss).numpy()
    assert [(t.name, t.stamp, t.grad, t.requires_grad) for t in _behind(loss)] == before
    assert loss.name is None


def test_the_work_grows_with_the_number_of_equations(monkeypatch):
    """Counted in operations built: a network of twice the depth takes twice as many."""
    from minigrad.program.simplify import operands

    built = []
    record = operands.record
    monkeypatch.setattr(operands, "record", lambda *given: built.append(1) or record(*given))
    counts = []
    for depth in (20, 40, 80):
        layers = [x for i in range(depth) for x in (nn.Linear(3, 3, rng=i), nn.Tanh())]
        model = nn.Sequential(*layers, nn.Linear(3, 1, rng=1))
        loss = nn.mse_loss(model(data(m, 3)), labels()) + nn.l2_penalty(model, lambd=lambd, m=m)
        built.clear()
        derive(loss).numpy()
        counts.append(len(built))
    assert counts[2] - counts[1] == 2 * (counts[1] - counts[0])


# ---- graphs that were derived wrongly once


x, a, b = leaf(3, name="x"), leaf(3, name="a", seed=1), leaf(3, name="b", seed=2)
s, single = leaf(name="s"), mg.Tensor(normal(3), requires_grad=True, name="f", dtype=np.float32)


two_masks = [mg.Tensor(np.array(mask), name="D") for mask in ([True, True, False], [False, True, True])]


def draws(shape: tuple[int, ...], times: int = 2) -> list[mg.Tensor]:
    rng = np.random.default_rng(3)
    return [mg.random.uniform(rng, shape) for _ in range(times)]


def two_draws_of_one_shape():
    n, k = draws((3,))
    return np.sum((x + n) * a * k)


def a_draw_that_is_used_later_than_another():
    n, k = draws((3,))
    return np.sum(x * k) * np.sum(a * n) + np.sum(b * k * n)


def a_number_drawn_once_and_used_twice():
    (p,) = draws((), 1)
    return np.sum(np.tanh(x) * p) + np.sum(x * x * p)


def a_named_value_after_the_last_layer():
    Z = nn.Linear(2, 1, rng=0)(data(m, 2)) / 2.0
    Z.name = "Z1"
    return nn.binary_cross_entropy_with_logits(Z, labels())


def a_named_value_of_parameters_alone():
    Z = np.sum(a**2) * x
    Z.name = "Z1"
    fit = nn.mse_loss(nn.Linear(2, 1, rng=0)(data(m, 2)), labels())
    return fit + np.sum(mg.sigmoid(Z)) * 0.1 + np.sum(np.log1p(np.exp(Z)))


def names_that_the_text_uses_itself():
    c, d, e = leaf(3, name="slice"), leaf(3, name="bool"), leaf(3, name="array_1")
    return np.sum(c[1:] * c[::2]) + np.sum(d.astype(np.float32)) + np.sum(np.tile(np.arange(3.0), 9)[:3] * e)


mended = {
    "a sum and a bare sum": lambda: np.sum(leaf(2, name="z") ** 2) + np.sum(a),
    "a number and a bare sum": lambda: s**2 + np.sum(a),
    "two sums of one shape": lambda: np.sum(b**2) + np.sum(a),
    "a number that is a fraction": lambda: np.sum(x / mg.Tensor(1 / 3)) + np.sum(x / np.array(1 / 3)),
    "a negative base": lambda: np.sum(np.power(mg.Tensor(-2.0), np.array([1.0, 2, 3])) * x),
    "small integers times a NumPy integer": lambda: np.sum(
        mg.Tensor(np.array([200, 100, 50], np.uint8), name="pixels") * np.int64(2) * x
    ),
    "single precision times a NumPy integer": lambda: np.sum(single * np.int64(3)),
    "single precision times a double": lambda: np.sum(single * np.float64(3)),
    "what cancels": lambda: s * s / s,
    "an infinite constant": lambda: np.sum(np.minimum(x, mg.constant(float("inf"), "c"))),
    "a constant that is cast": lambda: np.sum(x * mg.constant(2, "c").astype(np.float32)),
    "a factor beyond the largest number": lambda: np.sum(x * 1e200 * 1e200),
    "minus a sum of relus": lambda: -np.sum(mg.relu(x)),
    "minus a mean of relus": lambda: -np.mean(mg.relu(x)),
    "a mean of two relus, which overlap": lambda: np.mean(mg.relu(x) + mg.relu(x + 1)),
    "a clip and a relu": lambda: np.mean(np.clip(x, -1, 1) + mg.relu(x) - mg.relu(x - 0.1)),
    "two masks": lambda: np.mean(two_masks[0] * x / 0.8 + two_masks[1] * x / 0.8),
    "a mask that is indexed twice": lambda: np.mean(mg.relu(x[np.array([0, 0, 1, 2])])),
    "minus pixels": lambda: -np.mean(mg.Tensor(np.array([200, 100, 50], np.uint8), name="pixels") * x),
    "a mask as it was typed, behind a minus": lambda: np.sum(-(two_masks[0] * (two_masks[1] * 2)) * x),
    "an or as it was typed": lambda: np.sum((x + (two_masks[0] + two_masks[1])) ** 2),
    "an axis before a number": lambda: np.sum(np.expand_dims(mg.constant(0.7, "c") * 2, 0) * x),
    "the transpose of a number": lambda: np.sum((mg.constant(0.7, "c") * 2).T * x),
    "a name with a line break": lambda: np.sum(leaf(3, name="a\nb") ** 2),
    **{
        graph.__name__: graph
        for graph in (
            two_draws_of_one_shape,
            a_draw_that_is_used_later_than_another,
            a_number_drawn_once_and_used_twice,
            a_named_value_after_the_last_layer,
            a_named_value_of_parameters_alone,
            names_that_the_text_uses_itself,
        )
    },
}


@pytest.mark.parametrize("name", mended)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_mended(name):
    derivation = derive(mended[name]())
    tolerance = 1e-6 if any(p.dtype == np.float32 for p in derivation.wrt) else 1e-12
    if "beyond" in name:
        _, found = derivation.run()
        np.testing.assert_array_equal(found["dx"], np.full(3, np.inf))
    else:
        check(derivation, tolerance)


def computed_twice():
    y, z = np.exp(x), np.exp(x)
    return np.sum(y * z), y


def turned_and_turned_back():
    W = leaf(2, 3, name="W")
    y = W.T
    return np.sum(y.T**2), y


@pytest.mark.parametrize("graph", [computed_twice, turned_and_turned_back])
def test_what_is_asked_for_does_not_stand_for_what_equals_it(graph):
    loss, y = graph()
    _, found = derive(loss, y).run()
    (gradient,) = found.values()
    np.testing.assert_allclose(gradient, mg.grad(loss, y).data, rtol=1e-12)


@mg.primitive
def noise(*, rng, shape):
    """Normal numbers: a draw that is not the library's."""
    return rng.standard_normal(shape)


mg.derivative(noise)
rows_of_this_file[noise] = table[noise]


def test_a_draw_of_ones_own_is_written_and_repeated():
    n = record(noise, (), {"rng": np.random.default_rng(0), "shape": (3,)})
    derivation = derive(np.sum(x * np.tanh(x * n)))
    assert "rng.standard_normal(x.shape)" in derivation.numpy()
    check(derivation)


def test_a_mask_is_drawn_in_the_shape_of_what_it_is_for():
    """So the text runs with another number of examples too, and gives what is derived from them."""
    model = network()
    found = []
    for rows in (m, 11):
        X, Y = normal(rows, 2, seed=1), (normal(rows, 1, seed=2) > 0).astype(float)
        for layer in (model[2], model[5]):
            layer.rng = np.random.default_rng(3)
        loss = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=lambd, m=rows)
        found.append((derive(loss), X, Y))
    (derivation, *_), (other, X, Y) = found
    namespace = {}
    exec(derivation.numpy(), namespace)
    rngs = {name: np.random.default_rng(3) for name in derivation.program.generators}
    given = {**derivation.source.arguments, **rngs, "X": X, "Y": Y, "m": 11}
    cost, gradients = namespace["loss_and_gradients"](**given)
    np.testing.assert_allclose(cost, other.loss.data, rtol=1e-12)
    for name, g in other.run()[1].items():
        np.testing.assert_allclose(gradients[name], g, rtol=1e-12, atol=1e-15)


def test_a_loss_with_respect_to_itself():
    derivation = derive(np.sum(x**2), None)
    loss = derivation.loss
    assert derive(loss, loss).run()[1] == {"dJ": 1.0}


weights, settings, t = np.array([1.0, 2.0, 3.0]), {"scale": 2.0}, 3.0


@mg.primitive
def with_globals(v, *, fn):
    """It names an array, a dict, and a number for which it has a name of its own."""
    square = lambda t: t * t  # noqa: E731
    sigmoid = mg.sigmoid(v)
    return weights * square(v) * settings["scale"] + sigmoid + fn(v)


mg.derivative(
    with_globals,
    v=lambda g, v, fn: g * (4 * v * weights + mg.sigmoid(v) * (1 - mg.sigmoid(v)) + np.cos(v)),
)
rows_of_this_file[with_globals] = table[with_globals]


def test_a_primitive_with_globals_and_names_of_its_own():
    derivation = derive(np.sum(with_globals(x, fn=np.sin)))
    assert "fn=np.sin" in derivation.numpy()
    assert "minigrad" not in derivation.numpy()
    check(derivation)
