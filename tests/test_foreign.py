"""Arrays of other libraries: a strict stand-in for CuPy's finds every hidden conversion to a NumPy array."""

from __future__ import annotations

import numpy as np
import pytest
from other_arrays import (
    X,
    Y,
    assert_all_same,
    assert_trains_the_same,
    cupy_lacks,
    functions,
    network,
    optimizers,
)
from strict_array import StrictArray

import minigrad as mg
from minigrad import nn
from minigrad.other_arrays.foreign import beside
from minigrad.table import name_of


@pytest.mark.parametrize("function", functions, ids=name_of)
def test_the_corpus_to_second_order(function):
    assert_all_same(function, StrictArray, 2, cupy_lacks, indices=True)


def test_the_stand_in_is_strict():
    x = StrictArray([1.0, 2.0])
    for convert in (
        np.asarray,
        np.array,
        lambda x: x + np.ones(2),
        lambda x: x * np.array(2.0),
        lambda x: np.add.at(x, (0,), 1.0),
        lambda x: x.tolist(),
        lambda x: np.sum(x, initial=1.0),
        lambda x: np.sort(x, stable=True),
        np.linalg.vector_norm,
        np.spacing,
    ):
        with pytest.raises((TypeError, AttributeError)):
            convert(x)
    np.add.at(x, np.array([1, 1]), 2.0)
    assert x[np.array([0, 3])].get().tolist() == x.get().tolist() == [1, 6]
    assert type(np.linalg.slogdet(StrictArray(np.eye(2)))) is tuple
    assert (np.array(2.0) > x).get().tolist() == [True, False]


@pytest.mark.parametrize("optimizer", optimizers())
def test_training_is_numpys_also_the_masks(optimizer):
    assert_trains_the_same(StrictArray(X), StrictArray(Y), StrictArray, optimizer)


@pytest.mark.parametrize(
    ("loss", "y", "wrong"),
    [
        (nn.cross_entropy, np.array([0, 2, 1]), np.array([0, 3, 1])),
        (nn.cross_entropy, np.eye(3), 2 * np.eye(3)),
        (nn.binary_cross_entropy, np.eye(3), 2 * np.eye(3)),
        (nn.mse_loss, np.eye(3), None),
    ],
)
def test_losses(loss, y, wrong):
    a = np.random.default_rng(0).random((3, 3))
    outputs = [mg.Tensor(kind(a), requires_grad=True) for kind in (np.asarray, StrictArray)]
    costs = [loss(outputs[0], y), loss(outputs[1], StrictArray(y))]
    assert costs[1].item() == pytest.approx(costs[0].item(), rel=1e-14)
    slopes = [mg.grad(J, x) for J, x in zip(costs, outputs, strict=True)]
    np.testing.assert_allclose(slopes[1].numpy(), slopes[0].numpy(), rtol=1e-13)
    if wrong is not None:
        with pytest.raises(ValueError, match=r"values outside \[0, 1\]|labels run from 0 to 2"):
            loss(outputs[1], StrictArray(wrong))


def test_a_mixture_is_told_in_one_sentence():
    x = mg.Tensor(StrictArray([1.0, 2.0]), requires_grad=True, name="x")
    for call in (
        lambda: x * np.ones(2),
        lambda: np.where(np.ones(2, bool), x, 0),
        lambda: x - mg.Tensor(1.0),
    ):
        with pytest.raises(
            TypeError, match=r'"x" .*NumPy arrays and strict_array arrays do not mix: move one'
        ):
            call()
    assert (x * np.float64(2) - mg.constant(1, name="c")).tolist() == [1, 3]


def test_the_state_moves_and_is_saved_as_numpys(tmp_path):
    model = network(StrictArray)
    given = StrictArray([2.0])
    held = mg.Tensor(given)
    given.inner[0] = 7  # it was copied
    mg.save(tmp_path / "state", {"model": model.state_dict(), "held": held, "array": given})
    state = mg.load(tmp_path / "state")
    assert state["held"].tolist() == [2]
    assert state["array"].tolist() == [7]
    other = network(StrictArray, seed=9)
    other.load_state_dict(state["model"])
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        assert isinstance(q.data, StrictArray)
        assert p.tolist() == q.tolist()
    assert repr(held) == "Tensor([2.])"


def test_beside_gives_numpys_where_numpys_are():
    assert type(beside(StrictArray([1.0]), np.zeros(3))) is np.ndarray
    assert isinstance(beside([1.0], StrictArray([0.0])), StrictArray)


def test_indices_that_do_not_exist_raise():
    """CuPy itself would wrap around."""
    x = mg.Tensor(StrictArray(np.ones((2, 3))), requires_grad=True, name="x")
    for index in ([0, 2], StrictArray([0, 2]), (slice(None), np.array([3]))):
        with pytest.raises(IndexError, match=r'"x" \(2, 3\) .*: the indices run from'):
            x[index]
