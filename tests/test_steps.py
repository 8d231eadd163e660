"""steps: their order, sums, numbers against backward(), the naive order, folding, the text of the page."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from cases import Case, analytic_cases
from test_derivation import losses as losses_of

import minigrad as mg
from minigrad import nn
from minigrad.backprop import backpropagate, seed_of
from minigrad.show.page.layout import layout
from minigrad.show.page.orders import depth_first_visits, newest_first_visits
from minigrad.show.page.steps import max_nodes, steps
from minigrad.show.page.walk import Walk, depth_first, local_derivative
from minigrad.show.page.words import Words
from minigrad.show.rule_text import applied, local_at, rule_at


def leaf(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name)


def network():
    """Three layers with dropout and L2."""
    rng = np.random.default_rng(10)
    X = mg.Tensor(rng.standard_normal((7, 2)), name="X")
    Y = mg.Tensor(rng.random((7, 1)) < 0.5, name="Y", dtype=float)
    model = nn.Sequential(
        nn.Linear(2, 4, rng=1), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=3),
        nn.Linear(4, 3, rng=2), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=4), nn.Linear(3, 1, rng=5),
    )  # fmt: skip
    return nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=7)


def diamond():
    x = leaf(2.0, "x")
    a = np.square(x)
    b, c = 3 * a, a + 5
    y = b * c
    for tensor, name in ((a, "a"), (b, "b"), (c, "c"), (y, "y")):
        tensor.name = name
    return x, y


def deep(layers):
    model = nn.Sequential(*(m for i in range(layers) for m in (nn.Linear(5, 5, rng=i), nn.Tanh())))
    return nn.mse_loss(model(mg.Tensor(np.ones((4, 5)), name="X")), np.zeros((4, 5)))


def loop(count):
    x = leaf([0.5, -0.5], "x")
    y = x
    for _ in range(count):
        y = np.tanh(y) * x
    return np.sum(y)


def data_of(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


losses = {
    "network": network,
    "diamond": lambda: diamond()[1],
    "scalar": lambda: np.sin(leaf(1.5, "x") * leaf(-2.0, "y")),
    "unnamed": lambda: np.sum(leaf([[1.0, 2.0]]) ** 3),
    "same twice": lambda: np.multiply(*[leaf(3.0, "x")] * 2),
    "concatenated": lambda: np.sum(np.concatenate([leaf([1.0]), leaf([2.0, 3.0])]) ** 2),
    "broadcast": lambda: np.sum(leaf(np.ones((3, 1)), "u") * leaf(np.ones((2, 1, 4)), "v")),
    "indexed": lambda: np.sum(leaf(np.arange(6.0).reshape(2, 3), "A")[:, 1] ** 2),
    "softmax": lambda: nn.cross_entropy(leaf(np.eye(3), "Z"), np.array([0, 2, 1])),
    "float32": lambda: np.mean(mg.Tensor(np.ones((2, 3), np.float32), requires_grad=True, name="A")),
}


@pytest.fixture(params=losses)
def loss(request):
    return losses[request.param]()


# ---- the steps as data


def test_steps_come_in_the_order_in_which_backpropagation_visits(loss):
    walk = Walk(loss)
    sequence = list(walk.steps())
    kinds = [step.kind for step in sequence]
    n = len(walk.program.equations)
    assert kinds[: n + 2] == ["start", *["forward"] * n, "seed"]
    assert kinds[-1] == "end"
    forward = [step.value for step in sequence if step.kind == "forward"]
    assert forward == [equation.output for equation in walk.program.equations]
    visited = [node.stamp for node, _ in backpropagate(loss, seed_of(loss, None, ""), create_graph=False)]
    rules = dict.fromkeys(step.value.tensor.stamp for step in sequence if step.kind == "backward")
    assert list(rules) == [stamp for stamp in visited if stamp in rules]
    backward = [step for step in sequence if step.kind in ("seed", "backward", "sum")]
    assert [step.number for step in backward] == list(range(1, len(backward) + 1))
    assert {step.total for step in backward} == {len(backward)}


def test_every_gradient_is_what_backpropagation_has(loss):
    expected = {
        node.stamp: np.broadcast_to(g, node.shape)
        for node, g in backpropagate(loss, seed_of(loss, None, ""), create_graph=False)
    }
    found = {}
    for step in Walk(loss).steps():
        if step.kind in ("seed", "backward", "sum") and (step.kind == "sum" or step.part == 1):
            found[step.to.tensor.stamp] = step.result
    assert found.keys() == expected.keys()
    for stamp, g in expected.items():
        np.testing.assert_array_equal(found[stamp], g)


def test_walking_stores_nothing_and_backward_gives_the_same():
    loss = network()
    walk = Walk(loss)
    last = {step.to: step.result for step in walk.steps() if step.kind in ("backward", "sum")}
    leaves = [v for v in walk.program.leaves if v.kind == "parameter"]
    assert all(v.tensor.grad is None for v in leaves)
    loss.backward()
    for v in leaves:
        np.testing.assert_array_equal(last[v], v.tensor.grad.data)


def test_what_is_used_twice_is_added_up_in_a_step_of_its_own():
    walk = Walk(network())
    sequence = list(walk.steps())
    sums = [i for i, step in enumerate(sequence) if step.kind == "sum"]
    assert [sequence[i].value.name for i in sums] == ["W3", "W2", "W1"]
    for i in sums:
        before, step = sequence[i - 1], sequence[i]
        assert (before.kind, before.to, before.part, before.parts) == ("backward", step.value, 2, 2)
        so_far, new, total = (shown.data for shown in step.arrays)
        np.testing.assert_array_equal(new, before.result)
        np.testing.assert_allclose(total, so_far + new, rtol=1e-15)


def test_three_uses_are_two_sums():
    x = leaf(2.0, "x")
    sequence = list(Walk(x * 2 + x * 3 + x * 4).steps())
    assert [(s.part, s.parts) for s in sequence if s.kind == "sum"] == [(2, 3), (3, 3)]
    assert [float(s.result) for s in sequence if s.kind == "sum"][-1] == 9


def test_incoming_times_local_is_outgoing():
    """Of elementwise functions; un-broadcasting sums what remains."""
    checked = 0
    for step in Walk(network()).steps():
        local = next((shown for shown in step.arrays if shown.name == "local derivative"), None)
        if local is not None:
            product = step.arrays[0].data * local.data
            axes = tuple(range(product.ndim - step.result.ndim))
            np.testing.assert_allclose(product.sum(axis=axes), step.result, rtol=1e-12)
            checked += 1
    assert checked > 20


def test_products_of_matrices_show_the_other_factor_on_its_side():
    walk = Walk(network())
    products = [s for s in walk.steps() if s.kind == "backward" and s.value.equation.function is np.matmul]
    assert len(products) == 5  # X needs no gradient
    for step in products:
        left, right, out = step.arrays
        np.testing.assert_allclose(left.data @ right.data, out.data, rtol=1e-12)
    assert [s.arrays[1 - s.operand].name for s in products] == ["W3", "A2_drop.T", "W2", "A1_drop.T", "X.T"]


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (3.0, TypeError, "must be a Tensor"),
        (leaf([1.0, 2.0], "x"), ValueError, '"x" .* is not a scalar'),
        (mg.Tensor(1.0), RuntimeError, "does not depend on anything"),
    ],
)
def test_bad_losses_are_refused(bad, error, words):
    with pytest.raises(error, match=words):
        steps(bad)


def test_a_stale_graph_is_refused():
    W = leaf(2.0, "W")
    J = W * W
    with mg.no_grad():
        W -= 1.0
    with pytest.raises(RuntimeError, match="stale"):
        steps(J)


# ---- words


def test_rules_are_written_as_the_table_has_them():
    W, X = leaf(np.ones((3, 2)), "W"), leaf(np.ones((5, 2)), "X")
    Z = X @ W.T
    assert [rule_at(Z, i) for i in (0, 1)] == ["g @ b.T", "a.T @ g"]
    assert applied(Z, 0, "dZ", "Z", ["X", "W.T"]) == "dZ @ W"
    assert rule_at(mg.relu(X), 0) == "g * (x > 0)"
    assert rule_at(np.tanh(X), 0) == "g * (1 - y * y)"
    assert local_at(np.tanh(X), 0, "A", ["X"]) == "1 - A * A"
    assert rule_at(X + leaf(np.ones(2)), 1) == "g.sum(axis=0)"
    assert rule_at(np.concatenate([X, W]), 1).startswith("g[")


def test_a_rule_that_is_for_arrays_only_has_its_own_text():
    @mg.primitive
    def halved(x):
        """x / 2"""
        return x / 2

    mg.derivative(halved, x=lambda g: np.asarray(g).copy() / 2)
    y = halved(leaf([1.0, 2.0]))
    assert "asarray" in rule_at(y, 0)
    assert applied(y, 0, "dy", "y", ["x"]) == ""
    assert "halved" in steps(np.sum(y)).html()


def test_titles_and_sentences():
    words = Words(Walk(network()))
    told = {words.title(step).partition(": ")[2]: words.sentence(step) for step in words.walk.steps()}
    assert "matmul_1 = X @ W1.T" in told
    assert "dA1 = dmultiply_1 * D1" in told
    assert "dW1 = part 1 + part 2" in told
    assert "drops it" in told["D1 = uniform_draw_1 < keep_prob"]
    assert "b3 was broadcast from (1,) to (7, 1)" in told["db3 = dZ3.sum(axis=0)"]
    assert "b3.grad" in told["db3 = dZ3.sum(axis=0)"]
    assert "complete" in told["dW1 = part 1 + part 2"]
    assert any("Nothing goes to Y, which needs no gradient" in sentence for sentence in told.values())


# ---- reductions, other spellings, and every row of the table


def evaluated(walk):
    """(step, the right-hand side of its line, evaluated by NumPy on the arrays that the page names)"""
    words = Words(walk)
    values = (*walk.program.leaves, *(e.output for e in walk.program.equations))
    arrays = {walk.name(v): v.tensor.data for v in values}
    for step in walk.steps():
        if step.kind in ("seed", "sum", "backward"):
            arrays[walk.gradient(step.to)] = step.result
        text = words.line(step).partition(" = ")[2] if step.kind in ("forward", "backward") else ""
        if text and "…" not in text:  # an index is not written out
            yield step, eval(text, {**vars(np), "m": len(values[0].tensor), **arrays})


reductions = (np.sum, np.mean, np.max, np.min, np.std, np.var, np.prod)
axes = {(4, 3): (None, 0, 1, -1, (0, 1)), (2, 4, 3): (None, 0, 1, -1, (0, 1), (2, 0), (1,))}
reduced = [
    pytest.param(function, shape, axis, keepdims, id=f"{function.__name__}-{shape}-{axis}-{keepdims}")
    for function in reductions
    for shape, some in axes.items()
    for axis in some
    for keepdims in (False, True)
]


@pytest.mark.parametrize(("function", "shape", "axis", "keepdims"), reduced)
def test_the_local_derivative_of_a_reduction_is_that_of_differences(function, shape, axis, keepdims):
    M = leaf(np.random.default_rng(0).uniform(0.5, 2, shape), "M")
    y = function(M, axis=axis, keepdims=keepdims)
    local, differences = local_derivative(y, 0), np.zeros(shape)
    for i in np.ndindex(shape):
        high, low = M.data.copy(), M.data.copy()
        high[i] += 1e-6
        low[i] -= 1e-6
        differences[i] = (np.sum(function(high, axis=axis)) - np.sum(function(low, axis=axis))) / 2e-6
    assert local.shape == shape
    np.testing.assert_allclose(local, differences, atol=1e-6)
    assert steps(np.sum(y**2)).html()


@pytest.mark.parametrize(("function", "shape", "axis", "keepdims"), reduced)
def test_the_text_of_a_reduction_evaluated_as_written_is_the_step(function, shape, axis, keepdims):
    M = leaf(np.random.default_rng(0).uniform(0.5, 2, shape), "M")
    walk = Walk(np.sum(function(M, axis=axis, keepdims=keepdims) ** 2))
    checked = 0
    for step, found in evaluated(walk):
        if step.kind == "forward":
            assert np.shape(found) == np.shape(step.result)
        np.testing.assert_allclose(np.broadcast_to(found, np.shape(step.result)), step.result, rtol=1e-12)
        checked += 1
    assert checked >= (4 if function is np.prod else 5)


def test_keepdims_is_written_where_it_is_true():
    M = leaf(np.random.default_rng(0).uniform(0.5, 2, (4, 3)), "M")
    walk = Walk(np.sum(np.mean(M, axis=1, keepdims=True) + np.sum(M, axis=1, keepdims=True)))
    titles = " ".join(Words(walk).line(step) for step in walk.steps() if step.kind == "forward")
    assert re.search(r"mean\(\w+, axis=1, keepdims=True\)", titles)
    assert ".sum(axis=1, keepdims=True)" in titles
    assert "keepdims" not in rule_at(np.mean(M, axis=1), 0)
    assert "mean(a, axis=1, keepdims=True)" in rule_at(np.std(M, axis=1), 0)
    assert rule_at(mg.softmax(M, axis=1), 0) == "y * (g - (g * y).sum(axis=1, keepdims=True))"


def test_a_smaller_gradient_is_not_said_to_be_multiplied_element_by_element():
    walk = Walk(np.sum(np.std(leaf(np.eye(4, 3), "M"), axis=1) ** 2))
    *_, last, _end = walk.steps()
    assert "The gradient of each result is multiplied" in Words(walk).sentence(last)


spellings = {
    "reshape(M, -1)": lambda M: M.reshape(-1),
    "reshape(M, 12)": lambda M: np.reshape(M, 12),
    "reshape(M, (2, 6))": lambda M: M.reshape((2, 6)),
    "reshape(M, (2, -1))": lambda M: M.reshape(2, -1),
    "ravel(M)": np.ravel,
    "transpose(M, (0, 1))": lambda M: np.transpose(M, (0, 1)),
    "transpose(M, (1, 0))": lambda M: np.transpose(M, axes=(1, 0)),
    "swapaxes(M, 0, -1)": lambda M: np.swapaxes(M, 0, -1),
    "std(M, axis=0, ddof=1)": lambda M: np.std(M, axis=0, ddof=1),
    "broadcast_to(M, (2, 4, 3))": lambda M: np.broadcast_to(M, (2, 4, 3)),
    "concatenate([M, M], axis=1)": lambda M: np.concatenate([M, M], axis=1),
    "stack([M, M], axis=-1)": lambda M: np.stack([M, M], axis=-1),
    "clip(M, 0.6, 1.1)": lambda M: np.clip(M, 0.6, 1.1),
}


@pytest.mark.parametrize("text", spellings)
def test_what_moves_values_is_written_so_that_it_runs(text):
    M = leaf(np.random.default_rng(0).uniform(0.5, 2, (4, 3)), "M")
    y = spellings[text](M)
    walk = Walk(np.sum(y**2))
    first = next(step for step in walk.steps() if step.kind == "forward")
    written = re.sub(r"M_\d", "M", Words(walk).line(first).partition(" = ")[2])
    assert written == text
    np.testing.assert_allclose(eval(written, {**vars(np), "M": M.data}), y.data, rtol=1e-12)
    assert steps(np.sum(y**2)).html()


@pytest.mark.parametrize(
    "function",
    [
        lambda M: nn.cross_entropy(M, np.array([0, 1, 2, 0])),
        lambda M: np.sum(np.sum(M**2, axis=1) ** 2),
        lambda M: np.sum(M[np.array([0, 0, 3])] ** 2) + np.sum(M[1:, ::2] ** 2),
        lambda M: np.sum(np.where(np.eye(4, 3) > 0, M, 2.0) ** 2),
        lambda M: np.sum(np.astype(M, np.float32) ** 2),
        *(
            lambda M, f=f, axis=axis: np.sum(f(M, axis=axis) ** 2)
            for f in (mg.softmax, mg.log_softmax, mg.logsumexp)
            for axis in (0, 1, -1)
        ),
    ],
)
def test_a_matrix_that_is_not_square_has_a_page(function):
    M = leaf(np.random.default_rng(0).uniform(0.5, 2, (4, 3)), "M")
    check_page(function(M))


def check_page(loss):
    """It has a page, and its last parts and sums are the gradients of the leaves."""
    with np.errstate(all="ignore"):
        assert data_of(steps(loss).html())["steps"]
    walk = Walk(loss)
    last = {step.to: step.result for step in walk.steps() if step.kind in ("backward", "sum")}
    found = [v for v in walk.program.leaves if v in walk.parts]
    assert found
    for v, g in zip(found, mg.grad(loss, [v.tensor for v in found]), strict=True):
        np.testing.assert_allclose(np.broadcast_to(last[v], g.shape), g.data, rtol=1e-12)


@pytest.mark.parametrize("case", analytic_cases(), ids=lambda case: case.name)
def test_every_case_has_a_page_with_the_gradients_of_grad(case: Case):
    for loss in losses_of(case):
        check_page(loss)


def test_an_empty_stack_of_matrices_has_a_page():
    data = data_of(steps(np.sum(leaf(np.zeros((0, 2, 3)), "A"))).html())
    assert {"cells": [], "cut": "", "name": "A", "shape": "(0, 2, 3)"} in data["matrices"]


# ---- the naive order


def test_depth_first_gives_the_wrong_number_and_newest_first_the_right_one():
    x, y = diamond()
    naive, order = depth_first(y)
    y.backward()
    assert x.grad.item() == 156  # d(3x²(x² + 5))/dx = 12x³ + 30x at 2
    assert naive[x] == 108
    assert [node.name for node in order] == ["y", "b", "a", "x", "c"]
    newest, depth = newest_first_visits(y), depth_first_visits(y)
    assert [node.name for node, _, _ in newest] == ["y", "c", "b", "a", "x"]
    assert newest[-1][1] == 156
    assert next(g for node, g, _ in depth if node is x) == 108
    assert "too late" in depth[-1][2]


def test_depth_first_is_right_where_only_leaves_are_shared():
    loss = network()
    naive, _ = depth_first(loss)
    loss.backward()
    for v in Walk(loss).program.leaves:
        if v.kind == "parameter":
            np.testing.assert_allclose(np.broadcast_to(naive[v.tensor], v.tensor.shape), v.tensor.grad.data)


def test_the_page_says_what_the_naive_order_would_do_to_this_graph():
    assert "would give wrong numbers for dx: a is a result" in steps(diamond()[1]).html()
    assert "a leaf passes nothing on" in steps(network()).html()
    assert (
        "dx = 108: wrong, it is 156. What came too late was never passed on: 48 is missing."
        in steps(network()).html()
    )


def test_rounding_is_no_wrong_number():
    """Where only a leaf is shared, its parts come in another order, and in float32 to another sum."""
    rng = np.random.default_rng(2)
    W = mg.Tensor(rng.normal(size=(6, 6)).astype(np.float32), requires_grad=True, name="W")
    h = rng.normal(size=(7, 6)).astype(np.float32)
    for _ in range(12):
        h = np.tanh(h @ W.T)
    loss = np.mean(h**2)
    naive, _ = depth_first(loss)
    assert not np.allclose(naive[W], mg.grad(loss, W), rtol=1e-6, atol=0)
    assert "gives the same gradients: no result is used twice" in steps(loss).html()
    y = np.sin(leaf([1.0, 2.0], "x"))
    assert "happens to give the same" in steps(np.sum(y) + 0.0 * np.sum(y * y)).html()


def test_the_result_that_makes_a_number_wrong_is_named():
    x, z = leaf(2.0, "x"), leaf(1.0, "z")
    a, b = np.square(x), np.sin(z)
    a.name, b.name = "a", "b"
    page = steps(3 * a * (a + 5) + b).html()
    assert "wrong numbers for dx: a is a result" in page
    page = steps(b * np.exp(b) + np.sin(x)).html()
    assert "wrong numbers for dz: b is a result, and it is used 2 times" in page


def test_the_page_says_how_large_the_graph_is():
    assert "4 operations, 1 leaf<" in steps(diamond()[1]).html()


def test_a_loss_that_is_a_leaf():
    last = data_of(steps(leaf(2.0, "x")).html())["steps"][-1]
    assert last["lit"]
    assert "dx = ∂x/∂x" in last["sentence"]


def test_a_name_that_had_to_be_changed_is_told():
    x = leaf(2.0, "learning rate")
    assert "&quot;learning rate&quot; is written learning_rate." in steps(x * x).html()


def test_depth_does_not_matter():
    assert depth_first(loop(3000))[1]


# ---- the page


def test_the_page_is_the_same_in_every_run():
    assert steps(network()).html() == steps(network()).html()


def test_the_page_needs_nothing_but_itself():
    page = steps(network()).html()
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "url(" not in page
    assert "@import" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert "{{" not in page


def test_names_cannot_leave_their_place():
    name = "</script><img src=x onerror=alert(1)>&\"'{{data}}"
    x = leaf([1.0, 2.0], name)
    y = np.sum(x * x)
    y.name = "]]>--><b>"
    page = steps(y).html()
    assert "<img" not in page
    assert "<b>" not in page
    assert page.count("</script>") == 2
    assert any(matrix["name"] != "" for matrix in data_of(page)["matrices"])


def test_every_step_lights_a_node_that_is_there(loss):
    page = steps(loss).html()
    data = data_of(page)
    nodes = {int(n) for n in re.findall(r'data-node="(\d+)"', page.partition('class="orders"')[0])}
    edges = {int(n) for n in re.findall(r'data-edge="(\d+)"', page.partition('class="orders"')[0])}
    assert len(data["nodes"]) == len(nodes)
    for step in data["steps"]:
        assert step["lit"]
        assert set(step["lit"] + step["to"]) <= nodes
        assert set(step["edges"]) <= edges
        assert step["title"]
        assert step["sentence"]
        assert all(0 <= i < len(data["matrices"]) for _, i in step["matrices"])
    assert all(step["matrices"] for step in data["steps"][:-1])


def test_large_arrays_are_cut_with_a_notice():
    A = leaf(np.arange(12.0 * 1000).reshape(1000, 12), "A")
    (matrix,) = (m for m in data_of(steps(np.sum(A)).html())["matrices"] if m["name"] == "A")
    assert matrix["shape"] == "(1000, 12)"
    assert matrix["cut"] == "8 of 1,000 rows, 8 of 12 columns"
    assert [len(row) for row in matrix["cells"]] == [8] * 8
    assert matrix["cells"][1][0][0] == "12"
    A = leaf(np.ones((3, 2, 2)), "A")
    (matrix,) = (m for m in data_of(steps(np.sum(A)).html())["matrices"] if m["name"] == "A")
    assert matrix["cut"] == "the first of 3 slices"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, 1e300, 5e-324])
def test_extreme_numbers_have_a_colour_and_a_text(value):
    with np.errstate(all="ignore"):
        page = steps(np.sum(leaf([[value, 1.0]], "A") * 1.0)).html()
    for matrix in data_of(page)["matrices"]:
        assert all(text and -100 <= level <= 100 for row in matrix["cells"] for text, level in row)
    assert "NaN" not in page


def test_empty_arrays_have_a_page():
    data = data_of(steps(np.sum(leaf(np.zeros((0, 3)), "A"))).html())
    assert {"cells": [], "cut": "", "name": "A", "shape": "(0, 3)"} in data["matrices"]


def test_up_to_300_nodes_each_is_drawn_and_has_steps_of_its_own():
    loss = loop(148)  # 297 operations and a leaf
    page = steps(loss).html()
    data = data_of(page)
    assert len(data["nodes"]) == 298 <= max_nodes
    assert "folded" not in page.partition("<script")[0]
    assert len(data["steps"]) == 2 + 297 + Walk(loss).backward_steps
    assert len(page) < 1_500_000  # what a browser opens at once


def test_beyond_300_nodes_modules_are_folded():
    loss = deep(200)
    page = steps(loss).html()
    data = data_of(page)
    assert len(data["nodes"]) <= max_nodes
    assert "folded" in page
    assert len(data["steps"]) < 200
    folded = [step for step in data["steps"] if "folded into this one" in step["sentence"]]
    assert {step["title"].partition(" ")[0] for step in folded} == {"Forward", "Backward"}
    assert all(step["matrices"] for step in folded)
    loss.backward()
    W1 = next(v for v in Walk(loss).program.leaves if v.name == "W1").tensor
    last = [data["matrices"][i] for _, i in data["steps"][-1]["matrices"]]
    shown = next(m for m in last if m["name"] == "dW1")
    first = float(shown["cells"][0][0][0].replace("−", "-"))
    assert first == pytest.approx(W1.grad.data[0, 0], rel=5e-3)


def test_a_long_loop_without_modules_is_one_step_but_for_its_end():
    data = data_of(steps(loop(2000)).html())
    assert len(data["nodes"]) <= max_nodes + 1
    assert sum("folded into this one" in step["sentence"] for step in data["steps"]) == 2


def test_saving_is_whole_or_not_at_all(tmp_path, monkeypatch):
    made = steps(diamond()[1])
    path = made.save(tmp_path / "steps.html")
    assert path.read_text(encoding="utf-8") == made.html()
    with pytest.raises(ValueError, match="html"):
        made.save(tmp_path / "steps.svg")
    with pytest.raises(FileNotFoundError, match="no folder"):
        made.save(tmp_path / "missing" / "steps.html")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        made.save(tmp_path / "steps.html")
    assert [p.name for p in tmp_path.iterdir()] == ["steps.html"]


def test_a_notebook_shows_the_page_in_a_frame():
    html = steps(diamond()[1])._repr_html_()
    assert html.startswith("<iframe")
    assert "<script" not in html
    assert repr(steps(diamond()[1])) == 'Steps: 4 forward, 7 backward; .save("steps.html") makes the page'


# ---- the layout


def test_nothing_overlaps_and_arrows_point_down():
    sizes = {i: (30.0 + 7 * (i % 5), 20.0 + 5 * (i % 3)) for i in range(40)}
    edges = [(i, j) for j in range(40) for i in {j // 2, j - 1, j // 3} if 0 <= i < j]
    placed = layout(sizes, edges)
    for i in sizes:
        for j in range(i):
            (xi, yi), (xj, yj) = placed.centres[i], placed.centres[j]
            apart_x = abs(xi - xj) - (sizes[i][0] + sizes[j][0]) / 2
            apart_y = abs(yi - yj) - (sizes[i][1] + sizes[j][1]) / 2
            assert max(apart_x, apart_y) > 5
    assert placed.arrows.keys() == set(edges)
    for points in placed.arrows.values():
        assert all(a[1] <= b[1] for a, b in pairwise(points))
        assert all(0 <= x <= placed.width and 0 <= y <= placed.height for x, y in points)


def test_an_arrow_that_would_point_up_is_left_out():
    assert layout({"a": (9, 9), "b": (9, 9)}, [("b", "a")]).arrows == {}
