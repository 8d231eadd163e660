"""Two lanes: gradients beside their values, rules, loss terms, masks, what is left out; the golden text."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.show import NoRenderer
from minigrad.show.derivation.derive import derive
from minigrad.show.derivation.mathematics import mathematics
from minigrad.show.pictures import rendering
from minigrad.show.pictures.flow import Flow
from minigrad.show.pictures.lanes import two_lanes, whole_flow

golden = Path(__file__).parent / "golden" / "lanes.dot"


def leaf(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name)


def network(penalty=True):
    """Three layers with dropout, of numbers that no rounding can change."""
    model = nn.Sequential(
        nn.Linear(2, 4, rng=1), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=3),
        nn.Linear(4, 3, rng=2), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=4),
        nn.Linear(3, 1, rng=5),
    )  # fmt: skip
    with mg.no_grad():
        for parameter in model.parameters():
            parameter[...] = (np.arange(parameter.size).reshape(parameter.shape) % 5 - 1.5) / 2
    X = mg.Tensor(np.arange(14.0).reshape(7, 2) / 8, name="X")
    Y = mg.Tensor((np.arange(7.0) % 2).reshape(7, 1), name="Y")
    J = nn.binary_cross_entropy_with_logits(model(X), Y)
    return J + nn.l2_penalty(model, lambd=0.9, m=7) if penalty else J


def chain(length):
    """y0, y1, y2 ...: each a line of its own."""
    x = leaf(0.5, "x")
    y = x
    for i in range(length):
        y = np.sin(y) * x
        y.name = f"y{i}"
    return y


def recurrent():
    """Unnamed values, of which the gradients are constants times what would be shared between the lines."""
    W = leaf((np.arange(4.0).reshape(2, 2) - 1.5) / 2, "W")
    X = mg.Tensor(np.arange(14.0).reshape(7, 2) / 8 - 1, name="X")
    return np.mean(np.square(np.tanh(np.tanh(X @ W.T) @ W.T) - X))


def normalised():
    """A batch normalisation, written down with NumPy."""
    W, gamma = leaf((np.arange(12.0).reshape(4, 3) % 5 - 1.5) / 2, "W"), leaf(np.arange(4.0) - 1, "gamma")
    Z = mg.Tensor(np.sin(np.arange(21.0)).reshape(7, 3), name="X") @ W.T
    mean = Z.mean(axis=0)
    return np.sum((gamma * (Z - mean) / np.sqrt(np.mean((Z - mean) ** 2, axis=0) + 1e-5)) ** 3)


def flow(loss, wrt=None):
    return Flow(derive(loss, wrt))


def gradients(loss, of=flow):
    """Name -> its equation, of every gradient of a flow."""
    return {g.name: g.text for g in of(loss).gradients.values()}


def steps(loss):
    """(from the gradient of, into that of) -> the names of the terms."""
    f = flow(loss)
    return {(s.source.name, s.target.name): {t.name for t in s.terms} for s in f.steps}


def labels(dot):
    found = re.findall(r'^\s*("[^"]*"|\w+) \[label=("(?:[^"\\]|\\.)*"|\w+)', dot, re.MULTILINE)
    return {node.strip('"'): label.strip('"') for node, label in found}


def colours_of(dot, target, source):
    """The colours of the arrow from one gradient into another, which is drawn from its head."""
    (found,) = re.findall(rf'"?d {target}"? -> "?d {source}"? \[class=flow color="([^"]*)"', dot)
    return found.split(":")


# ---- the equations


def test_the_network_reads_as_in_the_notes():
    assert gradients(network()) == {
        "dJ": "1", "dcross_entropy": "1", "dL2": "1",
        "dZ3": "(A3 − Y) ÷ m",
        "dW3": "dZ3ᵀ A2_drop + lambd/m · W3", "db3": "Σ rows of dZ3",
        "dA2": "dZ3 W3 ⊙ D2 ÷ keep_prob", "dZ2": "dA2 ⊙ 1[Z2 > 0]",
        "dW2": "dZ2ᵀ A1_drop + lambd/m · W2", "db2": "Σ rows of dZ2",
        "dA1": "dZ2 W2 ⊙ D1 ÷ keep_prob", "dZ1": "dA1 ⊙ 1[Z1 > 0]",
        "dW1": "dZ1ᵀ X + lambd/m · W1", "db1": "Σ rows of dZ1",
    }  # fmt: skip
    shown = labels(two_lanes(network()).dot)
    assert shown["Z1"] == r"Z1 = X W1ᵀ + b1\n(7, 4)"
    assert shown["A1_drop"] == r"A1_drop = A1 ⊙ D1 ÷ keep_prob\n(7, 4)\nkeep_prob = 0.8"


def test_the_rules_of_the_table_are_named_once_for_each_way():
    rules = {(s.source.name, s.target.name): s.rules for s in flow(network()).steps}
    assert rules["Z3", "A2"] == ["matmul: g bᵀ", "divide: g ÷ b", "multiply: g ⊙ b"]
    assert rules["A1", "Z1"] == ["relu: g ⊙ 1[x > 0]"]
    assert rules["L2", "W3"] == ["multiply: g · a", "square: 2 g ⊙ a"]
    assert rules["J", "L2"] == ["add: g"]
    dot = two_lanes(network()).dot
    assert r"from dZ3: matmul: aᵀ g,  transpose: gᵀ\nfrom dL2: multiply: g · a" in dot.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("np.maximum(Z1, 0)", "max(Z1, 0)"),
        ("rng_1.random((7, 4)) < keep_prob", "random < keep_prob"),
        ("(a * b) @ c.T", "(a ⊙ b) cᵀ"),
        ("a - (b - c)", "a − (b − c)"),
        ("a / (b * c)", "a ÷ (b ⊙ c)"),
        ("a - (b + c)", "a − (b + c)"),
        ("-(a + b) * c", "−(a + b) ⊙ c"),
        ("x**2 * y**-1", "x² ⊙ y⁻¹"),
        ("lambd / m * W", "lambd/m · W"),
        ("np.log1p(np.exp(x))", "log(1 + exp(x))"),
        ("np.where(x < 0, e, 1) / s", "(e where x < 0, else 1) ÷ s"),
        ("a * (b > 0)", "a ⊙ 1[b > 0]"),
        ("(a == b).astype(float)", "1[a = b]"),
        ("a * (b == c).astype(float)", "a ⊙ 1[b = c]"),
        ("np.swapaxes(a, axis1=-1, axis2=-2) @ np.swapaxes(b, -2, -1)", "aᵀ bᵀ"),
        ("np.swapaxes(a, axis1=0, axis2=1)", "swapaxes(a, axis1 0, axis2 1)"),
        ("a + np.broadcast_to(-1 / m, (7, 1))", "a + (−1/m of shape (7, 1))"),
        ("a[0, 1:]", "a[0, 1:]"),
        ("a[4:8,]", "a[4:8]"),
        ("a[..., ::-1, None]", "a[..., ::−1, None]"),
        ("a[np.array([0, -1]), np.array([1, 1])]", "a[[0, −1], [1, 1]]"),
        ("np.log(np.maximum(a, np.finfo(np.float64).eps))", "log(max(a, ε))"),
        ("np.sum(x) * np.sum(y)", "(Σ x) · Σ y"),
        ("x.sum(axis=1, keepdims=True)", "Σ columns of x"),
        ("no expression at all", "no expression at all"),
    ],
)
def test_mathematics(text, expected):
    assert mathematics(text, {"lambd", "m", "keep_prob"}) == expected


def test_a_gradient_that_is_used_for_several_values_has_its_equation_once():
    X, W = mg.Tensor(np.ones((2, 3)), name="X"), leaf(np.ones((3, 3)), "W")
    H = np.tanh(X @ W)
    S = H + np.tanh(H)
    R = S - 1
    H.name, S.name, R.name = "H", "S", "R"
    shown = gradients(np.mean(R**2))
    assert shown["dR"] == "2 R ÷ (3 m)"
    assert shown["dS"] == "dR"


def test_every_line_on_the_way_has_its_gradient_beside_it():
    for loss in (network(), recurrent(), normalised(), chain(5)):
        f = whole_flow(derive(loss))
        on_the_way = {v.name for v in f.values if v.tensor.requires_grad and v.name != "A3"}  # σ of no loss
        assert {v.name for v in f.gradients} >= on_the_way
        assert not f.helpers
        boxes = set(re.findall(r'subgraph "cluster_d (\w+)"', two_lanes(loss).dot))
        assert boxes >= on_the_way


def test_the_gradient_of_what_dropout_left_stands_beside_it():
    shown = gradients(network(), lambda loss: whole_flow(derive(loss)))
    assert shown["dA2_drop"] == "dZ3 W3"
    assert shown["dA2"] == "dA2_drop ⊙ D2 ÷ keep_prob"
    assert shown["dZ3"] == "(A3 − Y) ÷ m"


def test_normalisation_reads_one_gradient_after_the_other():
    shown = gradients(normalised(), lambda loss: whole_flow(derive(loss)))
    assert shown["ddivide_1"] == "3 · divide_1²"
    assert shown["dgamma"] == "Σ rows of dmultiply_1 ⊙ subtract_1"
    assert shown["dsubtract_1"] == "dmultiply_1 ⊙ gamma + dsqrt_1 ÷ sqrt_1 ⊙ subtract_1 ÷ m"
    assert shown["dW"] == "dmatmul_1ᵀ X"


def test_the_numbers_of_the_gradients_are_those_of_backward():
    for loss in (network(), recurrent(), normalised()):
        f = whole_flow(derive(loss))
        values = [v.tensor for v in f.gradients]
        tidied = f.derivation.tidied  # in which Z - mean, which is typed twice, is one value
        for x, g in zip(values, mg.grad(tidied, values), strict=True):
            np.testing.assert_allclose(f.derivation.gradients[x.stamp].data, g, rtol=1e-12, atol=1e-15)


def test_a_helper_stands_between_what_it_is_made_of_and_what_uses_it():
    x = leaf(np.arange(6.0).reshape(2, 3), "x")
    y = np.max(np.tanh(x), axis=1)
    dot = two_lanes(np.sum(y * y)).dot
    (helper,) = re.findall(r"^\t\t(\w+) \[label=.*class=helper", dot, re.MULTILINE)
    (drawn,) = re.findall(rf'"d \w+" -> {helper} \[[^\]]*dir=back[^\]]*\]', dot)
    assert "constraint" not in drawn


# ---- the way of the gradients


def test_every_arrow_is_a_step_of_the_backward_pass():
    assert steps(network(penalty=False)).keys() == {
        ("cross_entropy", "Z3"), ("Z3", "W3"), ("Z3", "b3"), ("Z3", "A2"), ("A2", "Z2"), ("Z2", "W2"),
        ("Z2", "b2"), ("Z2", "A1"), ("A1", "Z1"), ("Z1", "W1"), ("Z1", "b1"),
    }  # fmt: skip


def test_terms_are_carried_along():
    found = steps(network())
    assert found["J", "L2"] == found["L2", "W3"] == {"L2"}
    assert found["J", "cross_entropy"] == found["Z3", "W3"] == found["Z1", "b1"] == {"cross_entropy"}


def test_where_two_terms_flow_an_arrow_has_both_colours():
    x, w = mg.Tensor([[1.0, 2.0]], name="x"), leaf([[1.0], [-1.0]], "w")
    z = x @ w
    fit, size = np.sum((z - 1) ** 2), 0.1 * np.sum(z**2)
    z.name, fit.name, size.name = "z", "fit", "size"
    J = fit + size
    assert steps(J) == {
        ("J", "fit"): {"fit"}, ("J", "size"): {"size"}, ("fit", "z"): {"fit"}, ("size", "z"): {"size"},
        ("z", "w"): {"fit", "size"},
    }  # fmt: skip
    dot = two_lanes(J).dot
    one, other = colours_of(dot, "z", "fit"), colours_of(dot, "z", "size")
    assert one != other
    assert colours_of(dot, "w", "z") == one + other
    for name, (colour,) in (("fit", one), ("size", other)):
        assert re.search(rf'gradient of {name}" fontcolor="{colour}"', dot)


def test_a_difference_and_a_sum_with_a_name_are_taken_apart():
    x, y = leaf(1.0, "x"), leaf(2.0, "y")
    s = np.sin(x) + y**2
    s.name = "s"
    J = s - np.exp(x)
    assert steps(J) == {
        ("J", "s"): {"sin_1", "square_1"}, ("s", "sin_1"): {"sin_1"}, ("s", "square_1"): {"square_1"},
        ("J", "exp_1"): {"exp_1"}, ("sin_1", "x"): {"sin_1"}, ("exp_1", "x"): {"exp_1"},
        ("square_1", "y"): {"square_1"},
    }  # fmt: skip
    assert gradients(J)["dexp_1"] == "−1"


def test_more_terms_than_colours_are_grey_together():
    x = [leaf(float(i), f"x{i}") for i in range(9)]
    dot = two_lanes(sum((a * a for a in x[1:]), x[0] * 2)).dot
    assert dot.count("gradient of multiply_") > 5
    assert "━━  gradient of 4 more terms" in dot


def test_dotted_arrows_come_from_what_a_gradient_needs():
    dot = two_lanes(network()).dot
    needed = re.findall(r'^\s*(\w+) -> "d (\w+)" \[[^\]]*class=needs', dot, re.MULTILINE)
    assert {("Z2", "Z2"), ("A2_drop", "W3"), ("W3", "A2_drop"), ("D2", "A2"), ("Y", "Z3")} <= set(needed)
    assert ("A2", "Z2") not in needed


def test_a_gradient_stands_on_the_rank_of_its_value():
    dot = two_lanes(network()).dot
    for name in ("W1", "Z1", "A1", "J", "L2"):
        assert re.search(rf'rank=same\n\s*{name}\n\s*"d {name}"\n', dot)


def test_wrt_chooses_the_gradients():
    x, y = leaf(1.5, "x"), leaf(-2.0, "y")
    assert gradients(x * y + np.sin(x)).keys() >= {"dx", "dy"}
    assert "dy" not in {g.name for g in flow(x * y + np.sin(x), x).gradients.values()}


# ---- masks


def test_a_small_mask_shows_what_it_dropped():
    J = network()
    (D2,) = [v.tensor for v in flow(J).values if v.name == "D2"]
    rows = labels(two_lanes(J).dot)["D2"].split(r"\n")[-7:]
    assert rows == ["".join("●" if kept else "○" for kept in row) for row in D2.data.tolist()]


def test_a_large_mask_shows_shares_and_units_that_are_dropped_throughout():
    kept = np.random.default_rng(0).random((30, 40)) < 0.7
    kept[:, [3, 8]] = False
    D1, A1 = mg.Tensor(kept, name="D1"), leaf(np.ones((30, 40)), "A1")
    A1_drop = A1 * D1 / mg.constant(0.7, "keep_prob")
    A1_drop.name = "A1_drop"
    shown = labels(two_lanes(np.mean(A1_drop**2)).dot)
    assert f"kept {100 * kept.mean():.3g} %" in shown["D1"]
    assert "per column 0 … " in shown["D1"]
    assert "2 of 40 columns dropped in every row" in shown["A1_drop"]


# ---- any graph


def test_second_order():
    W, x = leaf([[1.0, 2.0], [3.0, -1.0]], "W"), mg.Tensor([1.0, 2.0], name="x")
    f = np.sum(np.tanh(W @ x) ** 2)
    (g,) = mg.grad(f, [W], create_graph=True)
    loss = f + 0.5 * np.sum(g**2)
    loss.name = "loss"
    assert {"dW", "dloss"} <= gradients(loss).keys()
    f_and_penalty = {term.name for term in flow(loss).terms}
    assert len(f_and_penalty) == 2
    assert (
        set().union(*(terms for (_, target), terms in steps(loss).items() if target == "W")) == f_and_penalty
    )
    assert '"d W"' in two_lanes(loss).dot
    assert "W" in labels(mg.draw(mg.grad(f, W, create_graph=True)).dot)


def test_a_leaf_and_odd_names():
    assert two_lanes(leaf(2.0, "x")).dot
    x = leaf([1.0, 2.0], 'we"ird\\n:x')
    dot = two_lanes(np.sum(x * mg.Tensor([1.0, 2.0], name="<b>&amp;"))).dot
    assert '"we"' not in dot
    if can_draw():
        assert rendering.render(dot).endswith(b"</svg>\n")


def test_wrong_losses_are_refused_in_the_name_of_draw():
    with pytest.raises(ValueError, match=r"draw: .* is not a scalar"):
        two_lanes(leaf([1.0, 2.0], "x"))
    with pytest.raises(ValueError, match=r"draw: .* does not depend on anything"):
        two_lanes(mg.Tensor(2.0))
    with pytest.raises(TypeError, match="draw: the loss must be a Tensor"):
        two_lanes(3.0)


def test_the_middle_of_a_large_graph_is_left_out_and_told():
    dot = two_lanes(chain(100)).dot
    shown = labels(dot)
    assert {"y0", "d y0", "y99", "d y99"} <= shown.keys()
    assert "y50" not in shown
    assert len([node for node in shown if not node.startswith("legend")]) <= 120
    left, right = (int(shown[f"{lane} elision"].split()[1]) for lane in ("forward", "backward"))
    whole = labels(two_lanes(chain(100), max_nodes=None).dot)
    assert left + right == len(whole) - len(shown) + 2
    assert f"{left} lines in the middle of the forward pass and {right} of the backward pass" in dot
    assert "y50" in whole
    assert "forward elision" not in whole


def test_the_terms_are_kept_when_the_middle_is_left_out():
    """A penalty on many weights comes after the cost, in many lines."""
    model = nn.Sequential(*(nn.Linear(3, 3, rng=i) for i in range(30)))
    fit = nn.mse_loss(model(mg.Tensor(np.ones((7, 3)), name="X")), np.zeros((7, 3)))
    dot = two_lanes(fit + nn.l2_penalty(model, lambd=0.9, m=7), max_nodes=20).dot
    shown = labels(dot)
    terms = set(re.findall(r"gradient of (\w+)\"", dot))
    assert len(terms) == 2
    assert {f"d {name}" for name in terms} | terms | {"J", "d J"} <= shown.keys()
    assert len([node for node in shown if not node.startswith("legend")]) <= 20


def test_values_or_names_instead_of_shapes():
    assert "(7, 4)" not in labels(two_lanes(network(), show="names").dot)["Z1"]
    assert " … " in labels(two_lanes(network(), show="values").dot)["Z1"]


# ---- pictures


def can_draw():
    try:
        rendering.render("digraph { W -> Z }")
    except NoRenderer:
        return False
    return True


@pytest.mark.skipif(not can_draw(), reason="no Graphviz here")
def test_the_legend_reads_from_left_to_right():
    svg = two_lanes(network()).svg()
    x = [
        float(
            re.search(
                rf'<text[^>]* x="([-\d.]+)"[^>]*>━━ *\S* *gradient of {name}<',
                svg.replace("\u00a0", " ").replace("&#160;", " "),
            )[1]
        )
        for name in ("cross_entropy", "L2")
    ]
    assert x == sorted(x)


@pytest.mark.skipif(not can_draw(), reason="no Graphviz here")
@pytest.mark.parametrize("seed", range(12))
def test_the_forward_lane_is_to_the_left(seed):
    rng = np.random.default_rng(seed)
    values = [mg.Tensor(rng.normal(size=(3, 3)), requires_grad=True, name=f"x{i}") for i in range(4)]
    for k in range(12):
        a, b = (values[i] for i in rng.integers(0, len(values), 2))
        made = (np.add, np.multiply, np.matmul, np.subtract)[rng.integers(4)](a, np.tanh(b))
        if rng.random() < 0.6:
            made.name = f"v{k}"
        values.append(made)
    svg = two_lanes(sum((np.mean(v**2) for v in values[-4:-1]), np.sum(values[-1]))).svg()
    left, right = (
        float(re.search(rf'<title>cluster_{lane}</title>.*?<path[^>]* d="M([-\d.]+),', svg, re.DOTALL)[1])
        for lane in ("forward", "backward")
    )
    assert left < right


def test_golden():
    assert two_lanes(network()).dot == golden.read_text(encoding="utf-8")


def test_golden_in_another_process():
    code = (
        "import sys; sys.path.insert(0, 'tests'); import test_lanes as t; "
        "assert t.two_lanes(t.network()).dot == t.golden.read_text(encoding='utf-8')"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=golden.parent.parent.parent)


if __name__ == "__main__":
    golden.parent.mkdir(exist_ok=True)
    golden.write_text(two_lanes(network()).dot, encoding="utf-8")
    print(golden)
