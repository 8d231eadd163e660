"""Inverted dropout: the four forward and two backward steps of the textbook, as operations of the graph."""

import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.random import uniform_draw

generators = {
    "PCG64": lambda: np.random.Generator(np.random.PCG64(3)),
    "PCG64DXSM": lambda: np.random.Generator(np.random.PCG64DXSM(3)),
    "MT19937": lambda: np.random.Generator(np.random.MT19937(3)),
    "Philox": lambda: np.random.Generator(np.random.Philox(3)),
    "SFC64": lambda: np.random.Generator(np.random.SFC64(3)),
    "RandomState": lambda: np.random.RandomState(3),
    "a seed": lambda: 3,
    "the seed 0": lambda: 0,
}


def made_by(t):
    """The functions behind a result, the newest first, along its first inputs; None at the end."""
    found = []
    while t.origin is not None:
        function, inputs, _ = t.origin
        found.append(function)
        if not inputs:
            break
        t = inputs[0]
    return found


# ---- the forward pass


@pytest.mark.parametrize("kind", generators)
def test_the_mask_is_the_draw_of_the_notes_bit_for_bit(kind, rng):
    x, ours, same = rng.standard_normal((7, 5)), generators[kind](), generators[kind]()
    same = np.random.default_rng(same) if isinstance(same, int) else same
    drop = nn.Dropout(keep_prob=0.8, rng=ours)
    for _ in range(3):
        y = drop(x)
        D = same.random(x.shape) < 0.8
        np.testing.assert_array_equal(drop.mask, D)
        assert drop.mask.dtype == bool
        np.testing.assert_array_equal(y, x * D / 0.8)


def test_the_four_steps_are_operations_of_the_graph(rng):
    drop = nn.Dropout(keep_prob=0.8, rng=3)
    A1 = mg.Tensor(rng.standard_normal((7, 5)), requires_grad=True, name="A1")
    A1_drop = drop(A1)

    function, (scaled, keep_prob), _ = A1_drop.origin  # 4. A / keep_prob
    assert function is np.divide
    assert (keep_prob.name, keep_prob.item()) == ("keep_prob", 0.8)
    function, (a, D1), _ = scaled.origin  # 3. A * D
    assert function is np.multiply
    assert a is A1
    function, (draw, bound), _ = D1.origin  # 2. D = draw < keep_prob
    assert function is np.less
    assert bound is keep_prob
    function, inputs, parameters = draw.origin  # 1. rng.random(shape)
    assert function is uniform_draw
    assert inputs == ()
    assert parameters["shape"] == (7, 5)
    assert (A1_drop.name, D1.name) == ("A1_drop", "D1")
    assert not D1.requires_grad


def test_the_two_steps_backwards_reapply_the_mask_and_keep_prob(rng):
    drop, g = nn.Dropout(keep_prob=0.8, rng=3), rng.standard_normal((7, 5))
    x = mg.Tensor(rng.standard_normal((7, 5)), requires_grad=True, name="A1")
    (dx,) = mg.grad(drop(x), [x], gradient=g)
    np.testing.assert_array_equal(dx, g / 0.8 * drop.mask)

    dx = mg.grad(drop(x), x, gradient=mg.Tensor(g, requires_grad=True), create_graph=True)
    assert made_by(dx)[:2] == [np.multiply, np.divide]
    _, (scaled, D), _ = dx.origin
    assert D.name == "D1"
    assert scaled.origin[1][1].name == "keep_prob"


def test_the_gradient_agrees_with_differences_when_the_mask_is_held(rng):
    drop, x = nn.Dropout(keep_prob=0.8, rng=3), rng.standard_normal((7, 5))
    g = rng.standard_normal(x.shape)
    t = mg.Tensor(x, requires_grad=True)
    with nn.fixed_masks(drop):
        drop(t).backward(g)
        for place in [(0, 0), (3, 2), (6, 4)]:
            e = np.zeros_like(x)
            e[place] = 1e-6
            measured = np.sum(g * (drop(x + e) - drop(x - e)).data) / 2e-6
            assert t.grad.data[place] == pytest.approx(measured, abs=1e-8)


def test_every_call_draws_anew(rng):
    drop, x = nn.Dropout(keep_prob=0.5, rng=3), np.ones((20, 20))
    first, second = drop(x), drop(x)
    assert not np.array_equal(first.data, second.data)


@pytest.mark.parametrize("keep_prob", [0.1, 0.5, 0.8, 0.97])
def test_the_expectation_is_preserved(keep_prob, rng):
    """E[y] = x: the mean of n draws has the standard error |x| √((1 - k) / (k n)); five are allowed."""
    n = 200_000
    x = np.array([1.0, -3.0])
    drop = nn.Dropout(keep_prob=keep_prob, rng=11)
    y = drop(np.tile(x, (n, 1))).data
    error = np.abs(x) * np.sqrt((1 - keep_prob) / (keep_prob * n))
    assert (np.abs(y.mean(axis=0) - x) < 5 * error).all()
    kept = drop.mask.data.mean(axis=0)
    assert (np.abs(kept - keep_prob) < 5 * np.sqrt(keep_prob * (1 - keep_prob) / n)).all()
    g = mg.Tensor(np.tile(x, (n, 1)), requires_grad=True)
    np.sum(drop(g)).backward()
    assert (np.abs(g.grad.data.mean(axis=0) - 1) < 5 * error / np.abs(x)).all()


def test_units_are_dropped_independently():
    """The correlation of two units' masks over n examples has the standard error 1/√n; five are allowed."""
    n = 100_000
    drop = nn.Dropout(keep_prob=0.8, rng=11)
    drop(np.ones((n, 3)))
    correlations = np.corrcoef(drop.mask.data.T.astype(float))[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 5 / np.sqrt(n)).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_dtype_stays(dtype):
    x = mg.Tensor(np.ones((7, 5)), dtype=dtype, requires_grad=True)
    y = nn.Dropout(keep_prob=0.8, rng=0)(x)
    np.sum(y).backward()
    assert y.dtype == x.grad.dtype == dtype


def test_nothing_touches_the_global_generator():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    nn.Dropout(keep_prob=0.8, rng=0)(np.ones((7, 5)))
    nn.Linear(3, 2, rng=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_inside_no_grad_it_still_drops_but_keeps_no_graph():
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    with mg.no_grad():
        y = drop(mg.Tensor(np.ones(50), requires_grad=True))
    assert y.origin is None
    assert set(y.data.tolist()) == {0.0, 2.0}


# ---- where it does nothing


def state_of(drop):
    return drop.rng.bit_generator.state


@pytest.mark.parametrize("x", [np.ones((7, 5)), np.arange(3), mg.Tensor([1.0], requires_grad=True)], ids=type)
def test_in_eval_it_is_the_identity_and_leaves_no_node(x):
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    before = state_of(drop)
    assert drop.eval()(x) is x
    assert drop.mask is None
    assert state_of(drop) == before
    assert drop.train()(np.ones(50)) is not None
    assert drop.mask is not None


def test_in_eval_a_model_has_no_trace_of_dropout(rng):
    layer = nn.Linear(5, 3, rng=0)
    model, x = nn.Sequential(layer, nn.Dropout(keep_prob=0.5, rng=0)), rng.standard_normal((7, 5))
    assert made_by(model.eval()(x)) == made_by(layer(x))
    np.testing.assert_array_equal(model(x), layer(x))


def test_keep_prob_1_is_the_identity():
    x = mg.Tensor(np.ones((7, 5)), requires_grad=True)
    for drop in (nn.Dropout(keep_prob=1, rng=0), nn.Dropout(keep_prob=1.0, rng=0), nn.Dropout(p=0, rng=0)):
        before = state_of(drop)
        assert drop(x) is x
        assert state_of(drop) == before


# ---- what it is asked for


@pytest.mark.parametrize("keep_prob", [0, -0.1, 1.0001, 86, np.nan, np.inf, "0.8", [0.8], True, 0.8j])
def test_keep_prob_lies_in_0_to_1(keep_prob):
    with pytest.raises(
        ValueError, match=r"Dropout: keep_prob, the probability to keep, must be in \(0, 1\], not "
    ):
        nn.Dropout(keep_prob=keep_prob, rng=0)
    drop = nn.Dropout(keep_prob=0.8, rng=0)
    with pytest.raises(ValueError, match="keep_prob"):
        drop.keep_prob = keep_prob
    assert drop.keep_prob == 0.8


@pytest.mark.parametrize("p", [1, -0.1, 1.0001, 14, np.nan, "0.2", False])
def test_p_lies_in_0_to_1(p):
    with pytest.raises(ValueError, match=r"Dropout: p, the probability to drop, must be in \[0, 1\), not "):
        nn.Dropout(p=p, rng=0)


@pytest.mark.parametrize("value", [0.86, np.float32(0.86), np.float64(0.86)])
def test_both_spellings_mean_the_same(value):
    keep, drop = nn.Dropout(keep_prob=value, rng=0), nn.Dropout(p=1 - value, rng=0)
    assert keep.keep_prob == pytest.approx(0.86)
    assert drop.keep_prob == pytest.approx(0.86)
    assert type(keep.keep_prob) is float
    assert repr(keep) == repr(drop) == "Dropout(keep_prob=0.86)  0 parameters"


def test_a_bare_number_is_an_error_that_shows_both_spellings():
    for arguments, options in [
        ((0.3,), {}),
        ((0.3,), {"rng": 0}),
        ((0.3, 0), {}),
        ((0.3,), {"keep_prob": 0.3}),
    ]:
        with pytest.raises(TypeError) as caught:
            nn.Dropout(*arguments, **options)
        assert "Dropout(keep_prob=0.3) keeps a unit with probability 0.3" in str(caught.value)
        assert "Dropout(p=0.3) drops it with probability 0.3" in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"keep_prob": 0.8, "p": 0.2}])
def test_one_of_the_two_is_given(options):
    with pytest.raises(TypeError, match="Dropout: say which probability it is"):
        nn.Dropout(rng=0, **options)


@pytest.mark.parametrize("rng", [None, "0", 1.5, True, np.random])
def test_a_generator_is_asked_for(rng):
    with pytest.raises(TypeError, match="Dropout: rng="):
        nn.Dropout(keep_prob=0.8, rng=rng)


@pytest.mark.parametrize(
    "x", [np.arange(6), np.ones(6, bool), [1, 2, 3], mg.Tensor([1, 2], name="A1")], ids=repr
)
def test_integers_are_refused(x):
    drop = nn.Dropout(keep_prob=0.8, rng=0)
    before = state_of(drop)
    with pytest.raises(
        TypeError, match=r"Dropout: x is \"\w+\" \(\d,\) of (int64|bool); .* x\.astype\(float\)"
    ):
        drop(x)
    assert state_of(drop) == before
    assert drop.mask is None


def test_keep_prob_can_be_set_anew():
    drop = nn.Dropout(keep_prob=0.8, rng=0)
    drop.keep_prob = 0.5
    assert set(drop(np.ones(50)).data.tolist()) == {0.0, 2.0}
    assert repr(drop).startswith("Dropout(keep_prob=0.5)")


# ---- masks that are read and held


def test_the_last_mask_can_be_read(rng):
    drop, x = nn.Dropout(keep_prob=0.5, rng=0), rng.standard_normal((7, 5))
    assert drop.mask is None
    y = drop(x)
    np.testing.assert_array_equal(drop.mask, y.data != 0)
    assert drop.mask.origin is None
    drop.eval()(x)
    np.testing.assert_array_equal(drop.mask, y.data != 0)


@pytest.mark.parametrize(
    "D", [[[1, 0], [0, 1]], np.eye(2), np.eye(2, dtype=bool), mg.Tensor(np.eye(2))], ids=repr
)
def test_a_mask_can_be_given(D):
    drop, x = nn.Dropout(keep_prob=0.5, rng=0), np.array([[1.0, 2.0], [3.0, 4.0]])
    before = state_of(drop)
    with nn.fixed_masks(drop, [D]):
        for _ in range(2):
            np.testing.assert_array_equal(drop(x), [[2.0, 0.0], [0.0, 8.0]])
        np.testing.assert_array_equal(drop.mask, np.eye(2, dtype=bool))
    assert state_of(drop) == before
    assert drop.mask is None


def test_a_given_mask_is_applied_at_keep_prob_1_and_not_in_eval():
    drop = nn.Dropout(keep_prob=1, rng=0)
    with nn.fixed_masks(drop, [[1, 0]]):
        np.testing.assert_array_equal(drop(np.ones(2)), [1, 0])
        np.testing.assert_array_equal(drop.eval()(np.ones(2)), [1, 1])


def two_drops():
    return nn.Sequential(nn.Dropout(keep_prob=0.5, rng=0), nn.Dropout(keep_prob=0.5, rng=1))


def test_masks_can_be_given_in_order_or_by_path():
    model, x = two_drops(), np.ones(3)
    with nn.fixed_masks(model, [[1, 1, 0], [1, 0, 1]]):
        np.testing.assert_array_equal(model(x), [4, 0, 0])
    with nn.fixed_masks(model, {"1": [1, 0, 1]}):
        np.testing.assert_array_equal(model[1](x), [2, 0, 2])
        first = model[0](x).data
        np.testing.assert_array_equal(model[0](x), first)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([[1, 0]], "1 masks for 2 Dropout layers"),
        ([], "0 masks for 2 Dropout layers"),
        ([[1], [0], [1]], "3 masks for 2 Dropout layers"),
        ({"2": [1]}, r"no Dropout layer \['2'\]; there are \['0', '1'\]"),
        ([[1, 0], [0.5, 1]], "the mask for '1' has values other than 0 and 1"),
        ([[1, 0], [np.nan, 1]], "the mask for '1' has values other than 0 and 1"),
        ([[2, 0], [1, 1]], "the mask for '0' has values other than 0 and 1"),
    ],
)
def test_masks_that_do_not_belong_are_refused(masks, message):
    model = two_drops()
    with pytest.raises(ValueError, match=f"fixed_masks: .*{message}"), nn.fixed_masks(model, masks):
        pass
    assert not np.array_equal(model(np.ones(50)).data, model(np.ones(50)).data)


def test_a_given_mask_of_another_shape_is_refused():
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    before = state_of(drop)
    with (
        nn.fixed_masks(drop, [np.ones((7, 1))]),
        pytest.raises(ValueError, match=r"\(7, 1\), x is \"X\" \(7, 5\)"),
    ):
        drop(np.ones((7, 5)))  # it would broadcast
    assert state_of(drop) == before


def test_the_last_mask_can_be_repeated():
    model, x = two_drops(), np.ones((7, 5))
    y = model(x).data
    with nn.fixed_masks(model):
        np.testing.assert_array_equal(model(x), y)
        np.testing.assert_array_equal(model(x), y)
    assert not np.array_equal(model(x).data, y)


def test_a_mask_that_is_missing_is_drawn_once():
    model, x = two_drops(), np.ones((7, 5))
    twin = two_drops()
    with nn.fixed_masks(model):
        y = model(x).data
        np.testing.assert_array_equal(model(x), y)
    np.testing.assert_array_equal(twin(x), y)
    np.testing.assert_array_equal(twin(x), model(x))  # one draw each, and no more


def test_a_batch_of_another_size_draws_once_too():
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    large = drop(np.ones((50, 5))).data
    with nn.fixed_masks(drop):
        small = drop(np.ones((7, 5))).data
        np.testing.assert_array_equal(drop(np.ones((50, 5))), large)
        np.testing.assert_array_equal(drop(np.ones((7, 5))), small)


def test_a_layer_that_is_used_twice_is_held_at_both_places(rng):
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    model = nn.Sequential(drop, nn.Linear(5, 4, rng=0), drop)
    x = rng.standard_normal((7, 5))
    with nn.fixed_masks(model):
        y = model(x).data
        for _ in range(3):
            np.testing.assert_array_equal(model(x), y)


def test_held_masks_are_let_go_after_an_error():
    drop, x = nn.Dropout(keep_prob=0.5, rng=0), np.ones((20, 20))
    y = drop(x).data
    for masks in (None, [np.ones((20, 20))]):
        with (
            pytest.raises(ValueError, match=r"inner axes|leading axes|broadcast"),
            nn.fixed_masks(drop, masks),
        ):
            drop(x) + np.ones(3)
        np.testing.assert_array_equal(drop.mask, y != 0)
        y = drop(x).data
        assert 0 < (y == 0).mean() < 1
        assert not np.array_equal(drop(x).data, y)
        y = drop(x).data


def test_held_masks_nest():
    drop, x = nn.Dropout(keep_prob=0.5, rng=0), np.ones(3)
    with nn.fixed_masks(drop, [[1, 0, 0]]):
        with nn.fixed_masks(drop):
            np.testing.assert_array_equal(drop(x), [2, 0, 0])
        np.testing.assert_array_equal(drop(x), [2, 0, 0])
        with nn.fixed_masks(drop, [[0, 0, 1]]):
            np.testing.assert_array_equal(drop(x), [0, 0, 2])
            with nn.fixed_masks(drop):
                np.testing.assert_array_equal(drop(x), [0, 0, 2])
            np.testing.assert_array_equal(drop(x), [0, 0, 2])
        np.testing.assert_array_equal(drop(x), [2, 0, 0])
    assert drop.mask is None
    big = np.ones((20, 20))
    assert not np.array_equal(drop(big).data, drop(big).data)


def test_the_graph_is_the_same_at_every_evaluation_with_held_masks():
    drop = nn.Dropout(keep_prob=0.5, rng=0)
    with nn.fixed_masks(drop):
        first, second = (drop(mg.Tensor(np.ones(5), name="A2")) for _ in range(2))
    for y in (first, second):
        D = y.origin[1][0].origin[1][1]
        assert D.name == "D2"
        assert D.origin is None
    assert operator.is_(first.origin[1][1], second.origin[1][1])
