"""Tensors over Dask arrays: the same code, lazily; one graph for a cost and its gradients, computed once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import Case
from other_arrays import (
    X,
    Y,
    assert_all_same,
    assert_same,
    assert_trains_the_same,
    cupy_lacks,
    dask_lacks,
    functions,
    network,
    optimizers,
)
from strict_array import StrictArray

import minigrad as mg
from minigrad import nn
from minigrad.compiler import NotReplayable
from minigrad.other_arrays.foreign import to_numpy
from minigrad.table import name_of
from minigrad.training.feed import fingerprint

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")


@pytest.fixture(autouse=True)
def _in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def chunked(x: Any) -> Any:
    """A Dask array in uneven chunks along each axis."""
    return da.from_array(
        np.asarray(x), chunks=tuple((n - n // 3, n // 3) if n > 2 else n for n in np.shape(x))
    )


# ---- the corpus


signs_are_free = {"np.linalg.qr", "np.linalg.svd", "mg.qr", "mg.svd"}
"""Factorizations, of which Dask finds others where the chunks are one below the other."""


@pytest.mark.filterwarnings("ignore::dask.array.core.PerformanceWarning")  # the chunks here are tiny
@pytest.mark.parametrize("function", [f for f in functions if name_of(f) not in signs_are_free], ids=name_of)
def test_the_corpus(function):
    assert_all_same(function, chunked, 1, dask_lacks)


@pytest.mark.filterwarnings("ignore::dask.array.core.PerformanceWarning")
@pytest.mark.parametrize("chunks", [(5, 4), (20, 2), (13, -1)])
def test_factors_are_right_up_to_signs(chunks):
    a = np.random.default_rng(0).standard_normal((20, 4))

    def loss(a):
        q, r = np.linalg.qr(a)
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(np.square(q[:3])) + np.sum(np.abs(r)) + np.sum(s**3) + np.sum((u[:2] * s) @ vh)

    leaves = [mg.Tensor(x, requires_grad=True) for x in (a, da.from_array(a, chunks=chunks))]
    np.testing.assert_allclose(*(to_numpy(loss(x)._value) for x in leaves), rtol=1e-12)
    wanted, found = (mg.grad(loss(x), x).numpy() for x in leaves)
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)


def test_the_page_says_what_dask_and_cupy_lack():
    page = (Path(__file__).parents[1] / "docs" / "arrays-that-scale.md").read_text(encoding="utf-8")
    table = page[page.index("| function |") :].partition("\n\n")[0].splitlines()[2:]
    for column, lacking in ((1, dask_lacks), (2, cupy_lacks)):
        said = {
            name
            for row in table
            if row.split("|")[1 + column].strip()
            for name in row.split("|")[1].split("`")[1::2]
        }
        assert said == lacking.keys() - internal


internal = {"mg.eig", "mg.of_interval", "mg.by_interval"}
"""Operations that NumPy's functions are composed of."""


def test_indices():
    """Several arrays, masks of several axes, indices in chunks: as NumPy has them, with their gradients."""
    a, w = np.arange(24.0).reshape(4, 3, 2), np.random.default_rng(0)
    for index in (
        (np.arange(4), np.array([0, 2, 1, 0])),
        (slice(1, None), np.array([0, 2]), np.array([1, 1])),
        (np.array([[0], [3]]), slice(None), np.array([1, 0])),
        a[..., 0] > 4,
        (1, None, slice(None, None, -1), [1, 0]),
        np.array([[2, 2], [0, 2]]),
    ):
        x, y = (mg.Tensor(move(a), requires_grad=True) for move in (chunked, np.asarray))
        g = w.standard_normal(y[index].shape)
        np.testing.assert_array_equal(x[index].detach().numpy(), y[index].data)
        dx, dy = mg.grad(x[index], x, gradient=chunked(g)), mg.grad(y[index], y, gradient=g)
        np.testing.assert_allclose(dx.numpy(), dy.data, rtol=1e-14)
    places = np.array([[3, 0], [3, 3], [1, -1]])
    g = w.standard_normal((3, 2, 3, 2))
    found = x[da.from_array(places, chunks=(2, 1))]
    np.testing.assert_array_equal(found.detach().numpy(), a[places])
    dx, dy = mg.grad(found, x, gradient=chunked(g)), mg.grad(y[places], y, gradient=g)
    np.testing.assert_allclose(dx.numpy(), dy.data, rtol=1e-14)


def test_indices_that_cannot_be_taken():
    x = mg.Tensor(chunked(np.ones((5, 3))), requires_grad=True, name="X")
    y = mg.Tensor(np.ones((5, 3)), name="Y")
    with pytest.raises(IndexError, match=r'getitem: "X" \(5, 3\) .*: the indices run from 0 to 5, .* of 5'):
        x[np.array([0, 5])]
    with pytest.raises(IndexError, match="a mask of shape"):
        x[np.ones((5, 2), bool)]
    with pytest.raises(TypeError, match=r"not computed yet: give a NumPy array of them"):
        x[:, chunked(np.array([0, 1]))]
    with pytest.raises(TypeError, match=r'getitem: "Y" \(5, 3\) .* do not mix'):
        y[chunked(np.array([0, 1]))]
    late = x[chunked(np.array([0, 9]))]
    with pytest.raises(IndexError, match="index 9 is out of bounds"):
        late.detach().numpy()
    empty = mg.Tensor(chunked(np.ones((0, 3))))
    with pytest.raises(ValueError, match="zero-size array"):
        np.max(empty, axis=1).numpy()


def test_a_function_that_dask_would_leave_to_numpy_is_refused():
    mg.derivative(np.packbits, "a, /", a=None)
    mg.derivative(np.linalg.matrix_rank, "a, /", a=None)
    x = mg.Tensor(chunked(np.eye(2, dtype=int)), name="x")
    for function in (np.packbits, np.linalg.matrix_rank):
        with (
            pytest.warns(FutureWarning, match="not implemented by Dask"),
            pytest.raises(TypeError, match=r'"x" \(2, 2\): the other library has no such function'),
        ):
            function(x)


def test_second_order():
    def call(arrays):
        x, w = arrays
        z = mg.softmax(x @ w.T) * np.sqrt(1 + x[:, :2] ** 2)
        return np.mean(np.log(1.5 + z[[0, 2, 2, 5]]), axis=0) + np.max(z, axis=0) * np.prod(1 + w, axis=1)

    rng = np.random.default_rng(3)
    case = Case(lambda *arrays: call(arrays), (rng.random((7, 3)), rng.random((2, 3))))
    assert_same(case, chunked, order=2)


# ---- a collection of Dask's


def small(requires_grad: bool = True) -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
    """(X, W, J)."""
    X = mg.Tensor(chunked(np.arange(10.0).reshape(5, 2) / 10), requires_grad=requires_grad, name="X")
    W = mg.Tensor(chunked([[0.5, -0.3]]), requires_grad=requires_grad, name="W")
    return X, W, np.mean(np.tanh(X @ W.T) ** 2)


def counted(x: Any, calls: list[int]) -> Any:
    """The same Dask array; each chunk that is computed is counted."""
    return x.map_blocks(lambda block: calls.append(1) or block, dtype=x.dtype, meta=x._meta)


def test_a_cost_and_its_gradients_are_computed_once():
    calls: list[int] = []
    X = mg.Tensor(counted(chunked(np.ones((6, 2))), calls), name="X")
    W = mg.Tensor(chunked([[0.5, -0.3]]), requires_grad=True, name="W")
    J = np.sum(np.tanh(X @ W.T))
    dW = mg.grad(J, W)
    assert not calls
    cost, gradient = dask.compute(J, dW)
    assert len(calls) == 2
    assert (type(cost), type(gradient), type(gradient.data)) == (mg.Tensor, mg.Tensor, np.ndarray)
    z = np.ones((6, 2)) @ [[0.5], [-0.3]]
    np.testing.assert_allclose(cost.data, np.sum(np.tanh(z)), rtol=1e-13)
    np.testing.assert_allclose(gradient.data, (1 - np.tanh(z) ** 2).T @ np.ones((6, 2)), rtol=1e-13)


def test_what_dask_gives_is_detached_and_keeps_its_name():
    X, _, J = small()
    (x,) = dask.compute(X)
    assert (x.name, x.requires_grad, x.is_leaf, type(x.data)) == ("X", False, True, np.ndarray)
    (j,) = dask.persist(J)
    assert dask.is_dask_collection(j)
    assert len(j.__dask_graph__()) == 1
    assert j.item() == J.item()
    nested, plain = dask.compute({"J": [J]}, mg.Tensor([1.0]))
    assert nested["J"][0].item() == J.item()
    assert isinstance(plain, mg.Tensor)
    assert not dask.is_dask_collection(plain)
    assert dask.delayed(lambda t: t.numpy() + 1)(J.detach()).compute() == J.item() + 1
    assert dask.base.tokenize(J) == dask.base.tokenize(J) != dask.base.tokenize(X)


def test_values_are_read_when_they_are_asked_for():
    X, W, J = small()
    assert repr(W).startswith("Tensor(dask.array<")
    assert repr(W).endswith("name='W', requires_grad=True)")
    value = J.item()
    assert float(J) == value == J.detach().numpy() == J.tolist()
    assert f"{J:.3f}" == f"{value:.3f}"
    assert bool(J > 0)
    assert 0.9 in X
    assert W.tolist() == [[0.5, -0.3]]
    np.testing.assert_array_equal(np.asarray(X.detach()), np.arange(10.0).reshape(5, 2) / 10)


def test_the_graph_can_be_read_while_nothing_is_computed():
    calls: list[int] = []
    X = mg.Tensor(counted(chunked(np.ones((6, 2))), calls), name="X")
    W = mg.Tensor(chunked([[0.5, -0.3]]), requires_grad=True, name="W")
    J = np.mean(np.tanh(X @ W.T) ** 2)
    assert "np.tanh" in mg.derive(J).numpy()
    assert "tanh" in mg.draw(J).dot
    assert not calls


# ---- training


@pytest.mark.parametrize("optimizer", optimizers())
def test_training_is_numpys_also_the_masks(optimizer):
    x, y = da.from_array(X, chunks=((7, 13, 3), (3, 1))), da.from_array(Y, chunks=((11, 12), 1))
    assert_trains_the_same(x, y, lambda a: da.from_array(a, chunks=3), optimizer)


def test_the_graph_does_not_grow_with_the_steps():
    model, sizes, chunks = network(chunked), [], []
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(4):
        J = nn.mse_loss(model(chunked(X)), chunked(Y))
        J.backward()  # adds to the gradients of before
        optimizer.step()
        sizes.append(len(J.__dask_graph__()))
        optimizer.persist()
        chunks.append([p.data.chunks for p in model.parameters()])
    assert len(set(sizes)) == 1
    assert all(each == chunks[0] for each in chunks)
    assert all(len(p.__dask_graph__()) <= 6 for p in model.parameters())


def test_persist_computes_everything_in_one_pass_and_leaves_numpys_alone():
    calls: list[int] = []
    model = network(chunked)
    optimizer = mg.optim.Adam(model.parameters())
    J = nn.mse_loss(model(counted(chunked(X), calls)), chunked(Y))
    J.backward()
    optimizer.step()
    assert not calls
    before = [p.stamp for p in model.parameters()]
    (cost,) = optimizer.persist(J)
    blocks = len(calls)
    assert blocks == chunked(X).npartitions
    assert cost.item() > 0
    model.to(np.asarray)
    assert [p.grad is not None for p in model.parameters()] == [True] * 4
    assert len(calls) == blocks
    assert before != [p.stamp for p in model.parameters()]  # a graph of before the move is stale
    (again,) = optimizer.persist(nn.mse_loss(model(X), Y))
    assert type(again.data) is np.ndarray


class Tokens(nn.Module):
    """Whole numbers to the scores of three classes."""

    def __init__(self) -> None:
        self.embedding, self.norm, self.linear = (
            nn.Embedding(7, 4, rng=0),
            nn.BatchNorm1d(4),
            nn.Linear(4, 3, rng=1),
        )

    def forward(self, x: Any) -> Any:
        return self.linear(self.norm(np.mean(self.embedding(x), axis=1)))


def image_network() -> nn.Module:
    rng = np.random.default_rng(1)
    layers = nn.Conv2d(2, 3, 3, padding=1, rng=rng), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*layers, nn.Dropout(keep_prob=0.8, rng=rng), nn.Flatten(), nn.Linear(12, 3, rng=rng))


@pytest.mark.filterwarnings("ignore::dask.array.core.PerformanceWarning")
@pytest.mark.parametrize(
    ("make", "x", "chunks"),
    [
        (Tokens, np.random.default_rng(0).integers(0, 7, (9, 4)), (5, 2)),
        (image_network, np.random.default_rng(0).standard_normal((9, 2, 4, 4)), (5, 1, 3, 4)),
    ],
)
def test_layers_with_running_statistics(make, x, chunks):
    """Lazily, and to NumPy's numbers; the graph of running statistics does not grow either."""
    calls: list[int] = []
    labels, costs, states = np.array([0, 2, 1] * 3), [], []
    for lazy in (False, True):
        model = make().to(da.from_array) if lazy else make()
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        X = counted(da.from_array(x, chunks=chunks), calls) if lazy else x
        for _ in range(3):
            J = nn.cross_entropy(model(X), chunked(labels) if lazy else labels)
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            before = len(calls)
            costs.append(optimizer.persist(J)[0].item())
            assert len(calls) == before + (X.npartitions if lazy else 0)
        states.append([value for value in model.state_dict().values() if not isinstance(value, dict)])
        if lazy:
            norm = model.norm if make is Tokens else model[1]
            assert max(len(t.__dask_graph__()) for t in (norm.running_mean, norm.running_var)) == 1
    np.testing.assert_allclose(costs[3:], costs[:3], rtol=1e-12)
    for found, wanted in zip(*reversed(states), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13)


def test_tokens_that_have_no_row_raise_when_they_are_computed():
    model = Tokens().to(da.from_array)
    with pytest.raises(ValueError, match="x runs from 0 to 6; there are others"):
        model.embedding(chunked(np.array([[1, 7]]))).detach().numpy()
    with pytest.raises(TypeError, match="wanted whole numbers"):
        model.embedding(chunked(np.array([[1.0]])))


def test_fit_trains_on_batches_of_chunks():
    """The same as on NumPy's arrays, each batch in one pass; a run is recognized by its chunks' checksums."""

    def loss(model, X, y):
        return nn.mse_loss(model(X), y)

    calls: list[int] = []
    x, y = counted(da.from_array(X, chunks=(12, 4)), calls), da.from_array(Y, chunks=(12, 1))
    costs = []
    for kind, data in ((np.asarray, [(X[:12], Y[:12]), (X[12:], Y[12:])]), (da.from_array, [
        (x.blocks[i], y.blocks[i]) for i in range(2)])):  # fmt: skip
        model = network(kind)
        optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
        costs.append(mg.fit(model, loss, data, optimizer, 3, progress=False)["cost"])
    np.testing.assert_allclose(costs[1], costs[0], rtol=1e-12)
    assert len(calls) == 3 * 2
    same = [
        da.from_array(X, chunks=(12, 4)),
        da.from_array(X, chunks=(12, 4)),
        da.from_array(X + 1, chunks=(12, 4)),
    ]
    prints = [fingerprint((array,)) for array in same]
    assert prints[0] == prints[1] != prints[2]


def test_a_model_and_its_optimizer_move_and_go_on():
    """There and back in the middle of a training: the same numbers as without."""

    def run(kinds):
        model = network(np.asarray)
        optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
        for kind in kinds:
            model.to(kind)
            J = nn.mse_loss(model(kind(X)), kind(Y))
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
        return [to_numpy(p.data) for p in model.parameters()]

    wanted = run([np.asarray] * 3)
    for kinds in ([np.asarray, chunked, np.asarray], [chunked, np.asarray, chunked]):
        for got, expected in zip(run(kinds), wanted, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_states_are_numpys_and_are_taken_over_in_chunks(tmp_path):
    model = network(chunked)
    optimizer = mg.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    nn.mse_loss(model(chunked(X)), chunked(Y)).backward()
    optimizer.step()
    mg.save(
        tmp_path / "run", {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "X": chunked(X)}
    )
    state = mg.load(tmp_path / "run")
    assert all(type(x) is np.ndarray for path, x in state["model"].items() if not path.endswith("rng"))
    np.testing.assert_array_equal(state["X"], X)
    other = network(chunked, seed=5)
    theirs = mg.optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    other.load_state_dict(state["model"])
    theirs.load_state_dict(state["optimizer"])
    for p, q in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(q.detach().numpy(), p.detach().numpy())
        assert q.data.chunks == network(chunked)[0].weight.data.chunks or q.shape != (5, 4)
    assert isinstance(theirs.state[0]["velocity"], da.Array)


# ---- masks


@pytest.mark.parametrize("kind", [np.random.PCG64, np.random.PCG64DXSM])
@pytest.mark.parametrize(
    ("shape", "chunks"),
    [((), ()), ((7,), ((3, 4),)), ((6, 5), ((4, 2), (5,))), ((6, 5), ((1, 5), (2, 3))),
     ((2, 3, 4), ((2,), (1, 2), (4,))), ((2, 3, 4), ((1, 1), (3,), (3, 1))), ((0, 3), ((0,), (3,)))],
)  # fmt: skip
def test_draws_are_the_generators_own_numbers(kind, shape, chunks):
    ours, theirs = (np.random.Generator(kind(5)) for _ in range(2))
    for rng in (ours, theirs):
        rng.integers(7, dtype=np.uint32)  # leaves half of a number, which random() does not touch
    drawn = mg.random.uniform(ours, shape, like=da.zeros(shape, chunks=chunks))
    assert drawn.data.chunks == chunks
    np.testing.assert_array_equal(drawn.numpy(), theirs.random(shape))
    np.testing.assert_array_equal(drawn.numpy(), drawn.numpy())
    assert ours.bit_generator.state == theirs.bit_generator.state
    assert drawn.origin[2] == {"rng": ours, "shape": shape}


def test_the_gradient_of_dropout_is_mask_over_keep_prob():
    dropout = nn.Dropout(keep_prob=0.8, rng=np.random.default_rng(3))
    x = mg.Tensor(chunked(np.ones((40, 30))), requires_grad=True)
    y = dropout(x)
    (dx,) = mg.grad(np.sum(y), [x])
    mask = np.random.default_rng(3).random((40, 30)) < 0.8
    np.testing.assert_array_equal(dropout.mask.numpy(), mask)
    np.testing.assert_allclose(dx.numpy(), mask / 0.8, rtol=1e-15)
    np.testing.assert_allclose(y.detach().numpy(), mask / 0.8, rtol=1e-15)
    with nn.fixed_masks(dropout):
        np.testing.assert_array_equal(dropout(x).detach().numpy(), y.detach().numpy())
    with nn.fixed_masks(dropout, [np.eye(3)[:, :2]]):
        given = dropout(mg.Tensor(chunked(np.ones((3, 2)))))
        np.testing.assert_allclose(given.numpy(), np.eye(3)[:, :2] / 0.8)
    assert type(mg.random.bernoulli(0, (2,), 0.5, like=np.zeros(2)).data) is np.ndarray


def test_a_generator_that_cannot_skip_is_refused_and_has_drawn_nothing():
    rng = np.random.RandomState(3)
    before = rng.get_state()[1].tolist()
    with pytest.raises(TypeError, match=r"a draw in chunks needs .* rng=np\.random\.default_rng\(seed\)"):
        nn.Dropout(p=0.2, rng=rng)(mg.Tensor(chunked(np.ones(3))))
    assert rng.get_state()[1].tolist() == before


# ---- losses look at the values when they are computed


def losses() -> list[tuple[Any, np.ndarray, np.ndarray, np.ndarray, str]]:
    p, z = np.array([[0.2], [0.6], [0.9]]), np.random.default_rng(2).standard_normal((3, 4))
    t, soft = np.array([[0.0], [1.0], [0.5]]), np.full((3, 4), 0.25)
    return [
        (nn.binary_cross_entropy, p, t, 3 * t, r'"Y" \(3, 1\) has values outside \[0, 1\]; targets are'),
        (nn.binary_cross_entropy_with_logits, p, t, -t, r"targets are 0 or 1, or probabilities"),
        (nn.cross_entropy, z, soft, 5 * soft, r"targets are 0 or 1, or probabilities"),
        (nn.cross_entropy, z, np.array([0, 3, 3]), np.array([0, 4, 1]), "labels run from 0 to 3"),
        (nn.cross_entropy, z, np.array([0, 3, 3]), np.array([0, 2, -1]), "labels run from 0 to 3"),
        (nn.cross_entropy, z, np.array([True, False, True]), np.array([0, 4, 1]), "labels run from 0 to 3"),
    ]


@pytest.mark.parametrize(("loss", "a", "y", "wrong", "said"), losses())
def test_losses(loss, a, y, wrong, said):
    for reduction in ("mean", "none"):
        outputs = [mg.Tensor(kind(a), requires_grad=True) for kind in (np.asarray, chunked)]
        costs = [loss(outputs[0], y, reduction=reduction), loss(outputs[1], chunked(y), reduction=reduction)]
        np.testing.assert_allclose(to_numpy(costs[1].data), costs[0].data, rtol=1e-13)
        slopes = [mg.grad(np.sum(J), x) for J, x in zip(costs, outputs, strict=True)]
        np.testing.assert_allclose(slopes[1].numpy(), slopes[0].numpy(), rtol=1e-13)
    targets = mg.Tensor(chunked(wrong), name="Y")
    late = loss(outputs[1], targets)
    with pytest.raises(ValueError, match=said):
        late.item()
    assert len(targets.__dask_graph__()) == len(chunked(wrong).__dask_graph__())  # which does not grow


def test_probabilities_outside_of_0_1_raise_when_they_are_computed():
    J = nn.binary_cross_entropy(mg.Tensor(chunked([0.2, 1.2]), name="A"), chunked([0.0, 1.0]))
    with pytest.raises(
        ValueError, match=r'binary_cross_entropy: "A" \(2,\) has values outside \[0, 1\]; for logits'
    ):
        J.item()


# ---- assignment


def test_assignment():
    _, W, _ = small()
    with mg.no_grad():
        W -= 0.1 * W
        W[0, 1] = 7.0
    assert W.tolist() == [[0.45, 7.0]]
    with mg.no_grad():
        W.data = da.ones((1, 2), chunks=1, dtype=np.float32)
    assert (W.dtype, W.data.chunks) == (np.float64, ((1,), (2,)))


def test_persist_that_fails_changes_nothing():
    model = network(chunked)
    optimizer = mg.optim.Adam(model.parameters())
    J = nn.binary_cross_entropy_with_logits(model(chunked(X)), chunked(3 * Y))
    J.backward()
    optimizer.step()
    before = [p.data for p in model.parameters()]
    with pytest.raises(ValueError, match="targets are 0 or 1"):
        optimizer.persist(J)
    assert all(p.data is x for p, x in zip(model.parameters(), before, strict=True))
    assert len(optimizer.state[0]["mean"].__dask_graph__()) > 1


# ---- bad input: one sentence each, and nothing lost

mixed = "NumPy arrays do not mix: move one of them with numpy.asarray, dask.array.from_array or cupy.asarray"


@pytest.mark.parametrize(
    ("call", "who"),
    [
        (lambda x: x @ np.ones((2, 3)), r'matmul: "X" \(5, 2\) and an array \(2, 3\)'),
        (lambda x: np.ones((5, 1)) - x, r'subtract: an array \(5, 1\) and "X"'),
        (lambda x: np.where(np.ones((5, 2), bool), x, 0), r'where: an array \(5, 2\) and "X"'),
        (lambda x: np.concatenate([x, np.ones((1, 2))]), r'concatenate: "X" \(5, 2\) and an array'),
        (lambda x: nn.Linear(2, 3, rng=0)(x), r'matmul: "X" \(5, 2\) and a Tensor'),
        (lambda x: nn.mse_loss(x, np.zeros((5, 2))), r'subtract: "X" \(5, 2\) and "Y" \(5, 2\)'),
        (lambda x: mg.grad(x * 2, x, gradient=np.ones((5, 2))), "grad: gradient= and a Tensor"),
        (lambda x: setattr(x, "data", np.ones((5, 2))), r'assignment to "X"'),
        (lambda x: x * mg.Tensor(StrictArray(np.ones((5, 2)))), r'multiply: "X" \(5, 2\) and a Tensor'),
    ],
)
def test_arrays_of_two_kinds_do_not_mix(call, who):
    x, _, _ = small()
    before = x.data
    said = mixed if "multiply" not in who else "do not mix"
    with (
        mg.no_grad() if "assignment" in who else mg.enable_grad(),
        pytest.raises(TypeError, match=f"{who}.*{said}"),
    ):
        call(x)
    assert x.data is before


@pytest.mark.filterwarnings("ignore:Passing an object to dask.array.from_array")  # the error comes after it
@pytest.mark.parametrize(
    "call",
    [
        da.sum,
        da.asarray,
        da.from_array,
        lambda t: da.concatenate([t, t]),
        lambda t: da.where(da.ones(t.shape) > 0, t, 0),
        lambda t: da.matmul(da.ones((3, 5)), t),
        lambda t: da.ones((3, 5)).dot(t),
    ],
)
def test_functions_of_dasks_own_would_lose_the_gradient(call):
    x, _, _ = small()
    for t in (x, x * 2, mg.Tensor(np.ones((5, 2)), requires_grad=True)):
        with pytest.raises(RuntimeError, match=r"Dask's own function, da\.sum\(t\) .* lose its gradient"):
            call(t)
    assert type(da.sum(x.detach()).compute()) is np.float64  # as the message says
    with pytest.raises(RuntimeError, match="lose its gradient"):
        da.rechunk(x, (2, 2))
    assert x.chunks == x.data.chunks
    assert not hasattr(mg.Tensor(1.0), "chunks")
    assert da.sqrt(x).requires_grad  # a ufunc is NumPy's


def test_numbers_go_with_any_kind():
    x, _, _ = small()
    c = mg.Tensor(0.5, requires_grad=True)
    J = np.sum(x * c + np.float64(2) - np.array(1.0) + mg.constant(3, name="c"))
    dx, dc = mg.grad(J, [x, c])
    assert J.item() == pytest.approx(0.5 * 4.5 + 40)
    assert dx.tolist() == [[0.5, 0.5]] * 5
    assert dc.item() == pytest.approx(4.5)


def test_axes_of_unknown_length_are_refused():
    array = da.from_array(np.arange(6.0), chunks=4)
    with pytest.raises(ValueError, match=r"unknown length, \(nan,\): .*compute_chunk_sizes"):
        mg.Tensor(array[array > 2])
    assert mg.Tensor(array[array > 2].compute_chunk_sizes()).shape == (3,)
    x = mg.Tensor(array, requires_grad=True, name="x")
    with pytest.raises(TypeError, match=r'getitem: "x".* not computed yet: give a NumPy array'):
        x[x > 2]
    assert x[np.array([True] * 3 + [False] * 3)].shape == (3,)


@pytest.mark.parametrize(
    ("function", "said"),
    [(lambda a: da.from_array(a).sum(), r"makes float64 \(\); wanted the same"), (list, "makes a list"),
     (lambda a: da.from_array(a).astype("f4"), "makes float32")],
)  # fmt: skip
def test_a_move_that_changes_more_than_the_kind_moves_nothing(function, said):
    model = network(np.asarray)
    before = [p.data for p in model.parameters()]
    changed = iter([da.from_array, function])
    with pytest.raises(ValueError, match=f"to: of 0.bias, float64 .*{said}"):
        model.to(lambda a: next(changed)(a))
    assert all(type(p.data) is np.ndarray for p in model.parameters())
    assert [p.data.tolist() for p in model.parameters()] == [a.tolist() for a in before]


class Labelled:
    """An array with labels, lazy as the array in it is."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __dask_graph__(self) -> Any:
        return getattr(self.data, "__dask_graph__", lambda: None)()

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self.data)


def test_what_is_lazy_and_no_array_is_refused():
    array = da.ones(3)
    for thing in (Labelled(array), [array, array], dask.delayed(np.ones)(3)):
        with pytest.raises(
            TypeError, match=f"a {type(thing).__name__} is not computed yet, and no array: give"
        ):
            mg.Tensor(thing)
    assert mg.Tensor(Labelled(np.ones(2))).tolist() == [1, 1]
    with pytest.raises(TypeError, match="would lose its mask"):
        mg.Tensor(da.ma.masked_equal(array, 1))
    for function in (np.unique, np.trim_zeros):
        with pytest.raises(TypeError, match="depends on values that are not computed yet"):
            function(mg.Tensor(array))


def test_shapes_kinds_and_weights_are_found_without_computing(monkeypatch):
    x, w, _ = small()
    monkeypatch.setattr(da.Array, "compute", lambda *args, **kwargs: pytest.fail("it computes"))
    assert (np.size(x), np.size(x, 1)) == (10, 2)
    assert isinstance(np.average(x, axis=0, weights=chunked(np.ones(5)))._value, da.Array)
    assert isinstance(np.full_like(x, 3.0), da.Array)
    pair = mg.checkpoint(lambda x: np.tanh(x @ w.T))(x)
    assert isinstance(mg.grad(np.sum(pair), x)._value, da.Array)
    assert isinstance(mg.jvp(lambda x: np.sort(x, axis=0), x, chunked(np.ones((5, 2))))[1]._value, da.Array)


def test_compile_computes_in_numpys_arrays_only():
    _, W, _ = small()
    with pytest.raises(NotReplayable, match="compile: a replay computes in NumPy's arrays"):
        mg.compile(lambda W: np.sum(W * W))(W)
    array = W.data
    with pytest.raises(NotReplayable, match=r"NumPy's arrays, and the function reaches an array of dask"):
        mg.compile(lambda x: np.sum(x) + np.sum(array))(np.ones(2))


def test_gradcheck_takes_differences_of_numpys_arrays():
    x, _, _ = small()
    with pytest.raises(TypeError, match=r'gradcheck: "X" \(5, 2\) is another .*: give its values, t\.detach'):
        mg.gradcheck(lambda x: np.sum(x**3), [x])
    assert mg.gradcheck(lambda x: np.sum(x**3), [x.detach().numpy()])


def test_chunks_that_do_not_fit_are_cut_to_fit():
    x, y = (mg.Tensor(da.ones((6, 4), chunks=chunks), requires_grad=True) for chunks in ((4, 3), (1, 2)))
    dx, dy = mg.grad(np.sum(x * y + x @ np.ones_like(y).T @ y), [x, y])
    np.testing.assert_array_equal(dx.numpy(), np.full((6, 4), 25.0))
    np.testing.assert_array_equal(dy.numpy(), np.full((6, 4), 25.0))
