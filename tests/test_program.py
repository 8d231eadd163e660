"""Program: the recorded graph as equations with names, the calls of modules, the part that values play."""

import os
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.program import Literal, Program
from minigrad.program.names import identifier, unique_names
from minigrad.program.roles import roles


def leaf(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name)


def network(keep_prob=0.8, lambd=0.9, train=True):
    rng = np.random.default_rng(3)
    model = nn.Sequential(
        nn.Linear(2, 3, rng=rng),
        nn.ReLU(),
        nn.Dropout(keep_prob=keep_prob, rng=rng),
        nn.Linear(3, 1, rng=rng),
    ).train(train)
    X, Y = rng.normal(size=(7, 2)), np.ones((7, 1))
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=lambd, m=7)
    J.name = "J"
    return model, J


def parts(*outputs):
    return {variable.name: part for variable, part in roles(Program(outputs)).items()}


# ---- equations


def test_a_program_is_a_listing_in_the_order_of_the_computation():
    _, J = network()
    lines = str(Program(J)).splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "generator rng",
        "parameter W1",
        "data X",
        "parameter b1",
        "constant keep_prob = 0.8",
        "parameter W2",
        "parameter b2",
        "data Y",
        "constant m = 7",
        "constant lambd = 0.9",
        "transpose_1 = np.transpose(W1)",
        "matmul_1 = np.matmul(X, transpose_1)",
        "Z1 = np.add(matmul_1, b1)",
        "A1 = mg.relu(Z1)",
        "uniform_draw_1 = mg.uniform_draw(rng=rng, shape=(7, 3))",
        "D1 = np.less(uniform_draw_1, keep_prob)",
        "multiply_1 = np.multiply(A1, D1)",
        "A1_drop = np.divide(multiply_1, keep_prob)",
        "transpose_2 = np.transpose(W2)",
        "matmul_2 = np.matmul(A1_drop, transpose_2)",
        "Z2 = np.add(matmul_2, b2)",
        "cross_entropy_of_logit_1 = mg.cross_entropy_of_logit(Z2, Y)",
        "cross_entropy = np.mean(cross_entropy_of_logit_1)",
        "square_1 = np.square(W1)",
        "sum_1 = np.sum(square_1)",
        "square_2 = np.square(W2)",
        "sum_2 = np.sum(square_2)",
        "add_1 = np.add(sum_1, sum_2)",
        "multiply_2 = np.multiply(2, m)",
        "divide_1 = np.divide(lambd, multiply_2)",
        "L2 = np.multiply(divide_1, add_1)",
        "J = np.add(cross_entropy, L2)",
        "return J",
    ]
    assert lines[1].endswith("float64 (3, 2)")


def test_graphs_built_alike_give_equal_programs():
    (_, first), (_, second) = network(), network()
    assert Program(first) == Program(second)
    assert str(Program(first)) == str(Program(second))


def test_a_step_of_training_does_not_change_the_program():
    """Assignment gives the leaves new stamps; the order of the leaves is that of their use."""
    model, J = network()
    before = str(Program(J))
    J.backward()
    mg.optim.SGD(model.parameters(), lr=0.1).step()
    X, Y = np.zeros((7, 2)), np.ones((7, 1))
    J = nn.binary_cross_entropy_with_logits(model(X), Y) + nn.l2_penalty(model, lambd=0.9, m=7)
    J.name = "J"
    assert str(Program(J)) == before


@pytest.mark.parametrize("change", [{"lambd": 0.8}, {"keep_prob": 0.7}, {"train": False}])
def test_another_computation_is_another_program(change):
    assert Program(network()[1]) != Program(network(**change)[1])


def test_literals_are_compared_in_full():
    x = leaf([1.0, 2.0], "x")
    table = np.arange(20.0)
    other = table.copy()
    other[7] = 0
    assert Program(x[0] * table) == Program(x[0] * table.copy())
    assert Program(x[0] * table) != Program(x[0] * other)
    assert Program(x[[0, 1]]) != Program(x[[1, 0]])
    assert Program(x * np.nan) == Program(x * np.nan)
    assert Program(x * 0.0) != Program(x * -0.0)
    assert Program(x * 1.0) != Program(x * 1)


def test_functions_that_only_share_a_name_are_not_the_same():
    def twice(factor):
        @mg.primitive
        def scale(x):
            return factor * x

        mg.derivative(scale, x=lambda g: factor * g)
        return scale

    x = leaf(1.0, "x")
    one, two = twice(1), twice(2)
    assert str(Program(one(x))) == str(Program(two(x)))
    assert Program(one(x)) != Program(two(x))
    assert Program(one(x)) != "x"


def test_operands_keep_their_order_and_repeat():
    x, b = leaf(3.0, "x"), leaf(2.0, "b")
    (square,) = Program(x * x).equations
    assert [operand.name for operand in square.inputs] == ["x", "x"]
    (difference,) = Program(b - x).equations
    assert [operand.name for operand in difference.inputs] == ["b", "x"]
    (power,) = Program(2 - x).equations
    assert isinstance(power.inputs[0], Literal)
    assert power.inputs[0].value == 2
    assert power.operands == ("a", "b")


def test_a_sequence_of_arrays_is_written_as_one():
    a, b = leaf([1.0], "a"), leaf([2.0], "b")
    program = Program(np.concatenate([a, b, np.zeros(9)]))
    assert "np.concatenate([a, b, array(float64 (9,))])" in str(program)
    assert program.equations[0].operands == ("arrays[0]", "arrays[1]", "arrays[2]")


def test_parameters_are_written_where_they_differ_from_the_default():
    x = leaf(np.ones((2, 3)), "x")
    text = str(Program(np.sum(x, axis=0, keepdims=True)[0, 1:, ...].reshape(2).astype(np.float32)))
    for line in ("np.sum(x, axis=0, keepdims=True)", "index=(0, 1:, ...)", "shape=2", "dtype=float32"):
        assert line in text


def test_leaves_are_told_apart():
    rng = np.random.default_rng(0)
    frozen = nn.Parameter([1.0, 1.0, 1.0], name="V")
    frozen.requires_grad = False
    y = leaf([1.0, 2.0, 3.0], "W") * frozen * mg.Tensor(rng.random(3), name="X")
    y = y * mg.Tensor([True, False, True], name="D") * mg.constant(0.5, name="c")
    assert {v.name: v.kind for v in Program(y).leaves} == {
        "W": "parameter",
        "V": "parameter",
        "X": "data",
        "D": "mask",
        "c": "constant",
    }


def test_several_outputs_are_read_together():
    x = leaf(2.0, "x")
    y, z = x * 3, x + 1
    program = Program([z, x, y, z])
    assert [output.name for output in program.outputs] == ["add_1", "x", "multiply_1", "add_1"]
    assert len(program.equations) == 2
    assert repr(program) == "Program of add_1, x, multiply_1, add_1: 2 equations, 1 leaves"


def test_a_leaf_alone_is_a_program_without_equations():
    assert str(Program(leaf(1.0, "x"))).splitlines()[-1] == "return x"


def test_only_tensors_have_a_program():
    with pytest.raises(TypeError, match="Program: the outputs must be Tensors, not float"):
        Program([leaf(1.0), 2.0])


def test_a_deep_graph_needs_no_recursion_and_a_shared_one_no_walk_over_paths():
    y = leaf(1.0, "x")
    for _ in range(5000):
        y = (y + y) / 2
    assert len(Program(y).equations) == 10000


def test_gradients_of_any_order_are_programs_too():
    x = leaf(2.0, "x")
    second = mg.grad(mg.grad(x**3, x, create_graph=True), x, create_graph=True)
    program = Program(second)
    assert program.outputs[0].tensor is second
    assert [v.name for v in program.leaves if v.kind == "parameter"] == ["x"]


def test_a_leaf_that_was_assigned_to_later_is_reported():
    x, b = leaf(2.0, "x"), leaf(1.0, "b")
    y = x * b
    assert Program(y).stale == []
    with mg.no_grad():
        x -= 1
    assert [v.name for v in Program(y).stale] == ["x"]
    assert Program(x * b).stale == []


def test_generators_have_names():
    one, two = np.random.default_rng(0), np.random.RandomState(0)
    x = leaf(np.ones(2), "rng_1")
    drop = nn.Sequential(nn.Dropout(keep_prob=0.5, rng=one), nn.Dropout(keep_prob=0.5, rng=two))
    assert list(Program(drop(x)).generators) == ["rng_2", "rng_3"]
    text = str(Program(drop[0](x)))
    assert "mg.uniform_draw(rng=rng, shape=(2,))" in text
    assert "generator rng" in text


def test_the_text_is_the_same_in_every_run(tmp_path):
    code = dedent("""
        import sys; sys.path.insert(0, "tests")
        from test_program import network, Program
        print(Program(network()[1]))
        assert "graphviz" not in sys.modules
    """)
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("0", "77")
    }
    assert texts == {f"{Program(network()[1])}\n"}


# ---- names


def test_names_that_clash_are_numbered_around_those_that_are_taken():
    wanted = [("A", "x"), ("A_2", "x"), ("A", "x"), (None, "A"), (None, "sum"), ("sum_1", "x")]
    assert unique_names(wanted) == (["A_1", "A_2", "A_3", "A_4", "sum_2", "sum_1"], [])


def test_names_that_are_no_identifiers_are_made_so_with_a_note():
    wanted = [("my W", "x"), ("my-W", "x"), ("np", "x"), ("class", "x"), ("ﬁ", "x"), ("a·b", "x")]
    names, notes = unique_names(wanted)
    assert names == ["my_W_1", "my_W_2", "np_", "class_", "fi", "a·b"]
    assert notes[0] == '"my W" is written my_W_1'
    assert len(notes) == 5


@pytest.mark.parametrize("text", ["", "1", "²x", "x²", "\ud800", "λ", "a\nb", "名", "🎲", "·a", "None", "_"])
def test_every_text_makes_an_identifier(text):
    assert identifier(text).isidentifier()


def test_notes_stand_in_the_listing():
    assert str(Program(leaf(1.0, "my W") * 2)).startswith('# "my W" is written my_W\n')


def test_an_empty_name_is_none():
    assert Program(leaf(1.0, "") * 2).leaves[0].name == "parameter_1"


# ---- calls of modules


class Residual(nn.Module):
    def __init__(self, rng):
        self.layers = [nn.Linear(2, 2, rng=rng), nn.Linear(2, 2, rng=rng)]
        self._inner = nn.Tanh()

    def forward(self, x):
        y = x
        for layer in self.layers:
            y = self._inner(layer(y))
        return x + y, y


def test_calls_nest_and_have_paths(rng):
    model = nn.Sequential(nn.Linear(2, 2, rng=rng), Residual(rng))
    total, inner = model(np.ones((7, 2)))
    program = Program([total, inner])
    assert [(c.path, type(c.module).__name__, c.depth, c.number) for c in program.calls] == [
        ("", "Sequential", 1, 1),
        ("0", "Linear", 2, 1),
        ("1", "Residual", 2, 1),
        ("1.layers.0", "Linear", 3, 1),
        ("1._inner", "Tanh", 3, 1),
        ("1.layers.1", "Linear", 3, 1),
        ("1._inner", "Tanh", 3, 2),
    ]
    assert [c.repeated for c in program.calls] == [False, False, False, False, True, False, True]
    where = {v.name: v.call.path if v.call else None for v in (e.output for e in program.equations)}
    assert where["Z1"] == "0"
    assert where["Z2"] == "1.layers.0"
    assert where[program.outputs[0].name] == "1"
    assert program.calls[3].parent is program.calls[2]
    assert [c.path for c in program.calls[3].enclosing()] == ["1.layers.0", "1", ""]


def test_what_is_computed_outside_belongs_to_no_call(rng):
    model = nn.Linear(2, 2, rng=rng)
    X = leaf(np.ones((7, 2)), "X")
    program = Program(np.sum(model(X * 2)))
    assert [e.output.call is not None for e in program.equations] == [False, True, True, True, False]


def test_a_model_whose_own_output_is_not_drawn_leaves_its_layers(rng):
    model = nn.Sequential(nn.Linear(2, 2, rng=rng), nn.Tanh())
    model(np.ones((7, 2)))
    Z = model[0](np.ones((7, 2)))
    assert [call.path for call in Program(Z).calls] == [""]


def test_a_call_of_which_nothing_was_recorded_is_no_call(rng):
    with mg.no_grad():
        Z = nn.Linear(2, 2, rng=rng)(np.ones((7, 2)))
    W = leaf(np.ones((2, 2)), "W")
    assert Program(Z @ W).calls == []


def test_a_layer_that_does_nothing_in_eval_mode_is_no_call(rng):
    model = nn.Sequential(nn.Linear(2, 2, rng=rng), nn.Dropout(keep_prob=0.8, rng=rng)).eval()
    assert [call.path for call in Program(model(np.ones((7, 2)))).calls] == ["", "0"]


# ---- the parts that values play


def test_dropout_is_recognised():
    found = parts(network()[1])
    assert [found[name] for name in ("uniform_draw_1", "D1", "multiply_1", "A1_drop")] == [
        "draw",
        "mask",
        "masked",
        "rescaled",
    ]


def test_dropout_written_by_hand_is_recognised(rng):
    X, W = mg.Tensor(rng.normal(size=(7, 3)), name="X"), leaf(rng.normal(size=(3, 2)), "W")
    A = X @ W
    D = np.greater(0.8, mg.random.uniform(rng, A.shape)).astype(int)
    drop = A * D / 0.8
    assert list(parts(drop).values()) == ["draw", "mask", "mask", "masked", "rescaled"]
    assert list(parts(A * mg.Tensor(rng.random((7, 2)) < 0.8, name="D1")).values()) == ["mask", "masked"]
    assert parts(A * mg.Tensor(rng.random((7, 2)) < 0.8, name="Y")) == {}  # labels are no mask
    assert parts(A / 0.8) == {}


def test_a_comparison_of_data_is_no_mask_and_noise_is_no_draw(rng):
    X = leaf(rng.normal(size=(7, 3)), "X")
    assert parts(X * (X > 0)) == {}
    noise = mg.random.uniform(rng, (7, 3))
    assert parts(X + (2 * noise - 1)) == {
        "uniform_draw_1": "draw",
        "multiply_1": "draw",
        "subtract_1": "draw",
    }


def test_the_penalty_is_recognised():
    found = parts(network()[1])
    assert [name for name, part in found.items() if part == "penalty"] == [
        "L2",
        "divide_1",
        "multiply_2",
        "add_1",
        "sum_2",
        "square_2",
        "sum_1",
        "square_1",
    ]
    assert "penalty" not in parts(network(train=False)[1].origin[1][0]).values()


def test_a_penalty_written_by_hand_with_raw_arrays_is_recognised(rng):
    W = leaf(rng.normal(size=(3, 1)), "W")
    J = np.mean((rng.normal(size=(7, 3)) @ W - 1) ** 2) + 0.9 / 14 * np.sum(W**2) - 0.1 * np.sum(abs(W))
    assert list(parts(J).values()) == ["penalty"] * 6


def test_what_the_model_uses_too_is_not_the_penaltys(rng):
    W = leaf(rng.normal(size=(1, 3)), "W")
    W_T = W.T
    W_T.name = "W_T"
    J = np.mean((rng.normal(size=(7, 3)) @ W_T) ** 2) + np.sum(W_T**2)
    assert "W_T" not in parts(J)
    assert "penalty" in parts(J).values()


@pytest.mark.parametrize(
    "output",
    [
        lambda X, x, w, b: w * x + np.exp(b),  # a bias of its own: b is in no other term
        lambda X, x, w, b: np.sin(w) + w * w,  # no data at all
        lambda X, x, w, b: X * w + w * w,  # no scalar
        lambda X, x, w, b: np.mean(X * w + w * w),  # not a term of the output
        lambda X, x, w, b: w * x + np.exp(mg.constant(1.0, name="c")),  # no parameter
    ],
)
def test_other_sums_have_no_penalty(output):
    X, x = mg.Tensor(np.ones(3), name="X"), mg.Tensor(2.0, name="x")
    assert "penalty" not in parts(output(X, x, leaf(1.5, "w"), leaf(0.5, "b"))).values()
