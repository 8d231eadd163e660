"""compile(backend="numba"): loops that Numba compiles do what NumPy does; masks of the same distribution."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from cases import cases, shaped_by_values
from test_compile import data, network, optimizers, training_step

import minigrad as mg
from minigrad.compiler.numba_text import cache
from minigrad.random import generator_state, restore_generator

there = importlib.util.find_spec("numba") is not None and importlib.util.find_spec("scipy") is not None
compiles = pytest.mark.skipif(not there, reason="Numba and SciPy are not installed")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    """Nothing of these tests is kept beside them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("NUMBA_CACHE_DIR", raising=False)
        yield


def numba_of(function):
    return mg.compile(function, backend="numba")


def all_of(result):
    return [x for x in (result if isinstance(result, list | tuple) else [result]) if isinstance(x, mg.Tensor)]


def assert_alike(one, other, rtol=1e-12, atol=1e-14):
    for a, b in zip(all_of(one), all_of(other), strict=True):
        np.testing.assert_allclose(b.numpy(), a.detach().numpy(), rtol=rtol, atol=atol)
        assert (b.dtype, b.shape) == (a.dtype, a.shape)


# ---- the same results


def values_and_gradients(case, tensors):
    """What a case gives, and the gradient of the sum of its squares."""
    result = all_of(case.call(tensors))
    floats = [y for y in result if y.dtype.kind == "f" and y.requires_grad]
    if not floats or case.function is np.prod:  # whose gradient asks for np.ones_like
        return result
    J = sum(np.sum(y * y) for y in floats)
    return [*result, *mg.grad(J, [x for x in tensors if x.requires_grad], allow_unused=True)]


def over(batch, compiled_by):
    """The cases as one function, compared with eager at its recording and at two replays."""

    def function(*tensors):
        rest, found = list(tensors), []
        for case in batch:
            own = [rest.pop(0) for _ in case.arrays]
            found += values_and_gradients(case, own)
        return [x for x in found if x is not None]

    def arguments(scale):
        arrays = [np.asarray(scale * x, x.dtype) for case in batch for x in case.arrays]
        return [mg.Tensor(x, requires_grad=True) for x in arrays]

    compiled = compiled_by(function)
    with np.errstate(all="ignore"):
        for scale in (1.0, 1.0, 0.75):
            assert_alike(function(*arguments(scale)), compiled(*arguments(scale)))
    assert compiled.stats()["replays"] == 2
    assert "for i in range" in compiled.source


compilable = [case for case in cases if case.function not in {mg.random.uniform_draw, *shaped_by_values}]
sample = compilable[::16]


@compiles
def test_rows_of_the_table_and_their_gradients():
    over(sample, numba_of)


@compiles
@pytest.mark.parametrize("number", range(8))
def test_every_row_of_the_table_and_its_gradient_as_python(number, monkeypatch):
    import numba

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)  # the same text, without compiling it
    over(compilable[number::8], numba_of)


def steps(name, dtype, backend, n=40):
    """Training steps without dropout: the costs, and the parameters at the end."""
    model = network(dtype, keep_prob=1.0)
    step = mg.compile(training_step(model, optimizers[name](model.parameters())), backend=backend)
    X, Y = data(dtype)
    costs = [step(X, Y, 0.9).item() for _ in range(n)]
    return costs, [p.data for p in model.parameters()], step


@compiles
@pytest.mark.parametrize(("name", "dtype"), [("Nesterov", np.float64), ("SGD", np.float32)])
def test_training_steps(name, dtype):
    tolerance = 1e-12 if dtype is np.float64 else 2e-4
    one, other = steps(name, dtype, "numpy"), steps(name, dtype, "numba")
    np.testing.assert_allclose(other[0], one[0], rtol=tolerance)
    for p, q in zip(one[1], other[1], strict=True):
        assert q.dtype == dtype
        np.testing.assert_allclose(q, p, rtol=tolerance, atol=tolerance)
    assert "np.dot(" in other[2].source
    assert "fused, over 7 x 5" in other[2].source


@compiles
def test_nan_and_infinity_are_as_in_numpy():
    strange = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 2.5])
    X = np.stack([strange, strange[::-1], np.roll(strange, 3)])

    def function(x, y):
        total = np.sum(x, axis=1), np.sum(x), np.max(x, axis=0), np.min(x), np.mean(x, axis=0)
        chosen = np.maximum(x, y), np.minimum(x, y), mg.relu(x), np.clip(x, -1.0, y), np.where(x > y, x, y)
        changed = np.exp(x), np.log(x), np.sqrt(x), mg.sigmoid(x), mg.softplus(x), np.tanh(x), np.sign(x)
        return [*total, *chosen, *changed, x / y, x * y - x, np.isnan(x), np.isfinite(x), mg.softmax(x)]

    compiled = numba_of(function)
    with np.errstate(all="ignore"):
        for x in (X, X, X[:, ::-1]):
            assert_alike(function(mg.Tensor(x), mg.Tensor(X[::-1])), compiled(x, X[::-1]))
    assert compiled.stats()["replays"] == 2


@compiles
def test_arrays_in_any_order_of_memory():
    W = mg.Tensor(np.asfortranarray(np.arange(6.0).reshape(2, 3)), requires_grad=True)

    def function(x):
        J = np.sum(np.tanh(x @ W.T * 0.1))
        return J, mg.grad(J, W)

    compiled = numba_of(function)
    x = np.random.default_rng(0).standard_normal((4, 3))
    for given in (x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1]):
        assert_alike(function(mg.Tensor(given)), compiled(given))
    assert compiled.stats()["replays"] == 3


@compiles
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_long_functions_of_many_elements(dtype):
    W = mg.Tensor(np.random.default_rng(0).standard_normal((50, 60)).astype(dtype), requires_grad=True)

    def function(x):
        J = np.sum(mg.sigmoid(x * W) + np.tanh(x + W) ** 3.0 + np.exp(W.T).T, axis=1)
        return np.exp(W), J, mg.grad(np.mean(J), W)

    compiled = numba_of(function)
    kept = []
    for scale in (0.5, 1.0, 2.0):
        x = np.full((50, 60), scale, dtype)
        result = compiled(x)
        kept.append((result[0].numpy(), result[0].numpy().copy()))
        assert_alike(
            function(mg.Tensor(x)), result, **({} if dtype is np.float64 else {"rtol": 1e-4, "atol": 1e-6})
        )
    for array, copy in kept:
        np.testing.assert_array_equal(array, copy)
    assert "np.tanh(" in compiled.source.partition("def replay")[2]


# ---- masks


@compiles
@pytest.mark.parametrize("keep_prob", [0.5, 0.8, 0.003, 1.0, 0.0])
def test_masks_have_their_distribution(keep_prob):
    n, rows = 100_000, 20
    rng = np.random.default_rng(3)
    drawn = numba_of(lambda p: mg.random.bernoulli(rng, (n // 50, 50), p))
    drawn(keep_prob)
    masks = np.array([drawn(keep_prob).numpy().ravel() for _ in range(rows)])
    deviation = np.sqrt(keep_prob * (1 - keep_prob))
    assert abs(masks.mean() - keep_prob) <= 5 * deviation / np.sqrt(masks.size)
    if not deviation:
        return
    z = (masks - keep_prob) / deviation
    for lag in (1, 2, 3, 7, 49, 50, 51, 64, 100, 4096):  # neither neighbours nor rows know of each other
        assert abs(np.mean(z[:, lag:] * z[:, :-lag])) <= 5 / np.sqrt(masks.size - rows * lag)
    for one in range(rows - 1):  # nor do the masks of two calls
        assert abs(np.mean(z[one] * z[one + 1])) <= 5 / np.sqrt(n)
    spread = z.mean(axis=1) * np.sqrt(n)  # how many are kept varies as it should: not less, not more
    assert 4.5 < np.sum(spread**2) < 48  # χ² with 20 degrees of freedom, 1 in 10,000 on either side


@compiles
@pytest.mark.parametrize(
    "make", [np.random.default_rng, np.random.RandomState], ids=lambda make: make.__name__
)
def test_masks_are_those_of_the_generator(make):
    def masks(rng, n=4):
        drawn = numba_of(lambda: mg.random.bernoulli(rng, (5, 9), 0.6))
        return [drawn().numpy() for _ in range(n)], drawn

    rng = make(5)
    one, drawn = masks(rng)
    other, _ = masks(make(5))
    np.testing.assert_array_equal(one, other)
    assert not np.array_equal(one[1], one[2])
    state = generator_state(rng)
    further = [drawn().numpy() for _ in range(3)]
    restore_generator(rng, state)
    np.testing.assert_array_equal([drawn().numpy() for _ in range(3)], further)
    different, _ = masks(make(6))
    assert not np.array_equal(one[1], different[1])


@compiles
def test_backward_uses_the_mask_that_was_drawn():
    rng = np.random.default_rng(0)
    W = mg.Tensor(np.ones((6, 5)), requires_grad=True)

    @numba_of
    def function(x):
        D = mg.random.bernoulli(rng, (6, 5), 0.5)
        dropped = np.tanh(x * W) * D / 0.5
        return D, dropped, mg.grad(np.sum(dropped), W)

    for scale in (1.0, 2.0, 3.0):
        x = np.full((6, 5), scale)
        D, dropped, dW = (t.numpy() for t in function(x))
        np.testing.assert_allclose(dropped, np.tanh(x) * D * 2, rtol=1e-12)
        np.testing.assert_allclose(dW, x * (1 - np.tanh(x) ** 2) * D * 2, rtol=1e-12)
    assert "drawn(" in function.source


@compiles
def test_numbers_that_are_no_masks_are_the_generators():
    rng, same = np.random.default_rng(0), np.random.default_rng(0)
    drawn = numba_of(lambda: mg.random.uniform(rng, (3, 4)) * 2)
    for _ in range(3):
        np.testing.assert_array_equal(drawn().numpy(), same.random((3, 4)) * 2)


# ---- nobody's arrays change, and other promises of compile


@compiles
def test_a_mask_of_whole_rows():
    rng = np.random.default_rng(0)
    dropped = numba_of(lambda x: x * mg.random.bernoulli(rng, (len(x), 1), 0.5))
    X = np.arange(1.0, 151).reshape(50, 3)
    for _ in range(2):
        found = dropped(X).numpy()
        kept = found == X
        np.testing.assert_array_equal(kept, found != 0)
        assert 10 < kept[:, 0].sum() < 40
        np.testing.assert_array_equal(kept, np.broadcast_to(kept[:, :1], (50, 3)))


@compiles
def test_what_was_kept_does_not_change():
    model = network()
    step = numba_of(training_step(model, mg.optim.SGD(model.parameters(), lr=0.1)))
    X, Y = data()
    kept = []
    for _ in range(5):
        J = step(X, Y, 0.9)
        views = [model[0].weight.data[:2], model[0].weight.grad.numpy(), J.numpy()]
        kept.append((views, [view.copy() for view in views]))
    for views, copies in kept:
        for view, copy in zip(views, copies, strict=True):
            np.testing.assert_array_equal(view, copy)


@compiles
def test_a_product_that_is_written_out_is_not_computed_over_its_factor(monkeypatch):
    import numba

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    A, B, W = (np.random.default_rng(0).standard_normal(s) for s in ((5, 7), (7, 4), (4, 4)))
    compiled = numba_of(lambda A, B, W: A @ B @ W)
    np.testing.assert_allclose(compiled(A, B, W).numpy(), A @ B @ W, rtol=1e-12)
    assert "matmul_1[i, 3] * W[3, j]" in compiled.source


@compiles
def test_a_number_that_is_not_whole_any_more():
    W = mg.Tensor(np.ones(3), requires_grad=True)
    optimizer = mg.optim.SGD([W], lr=1)

    @numba_of
    def step(x):
        W.grad = None
        np.sum(np.square(W * x)).backward()
        optimizer.step()

    expected = np.ones(3)
    x = np.arange(3.0)
    for lr in (1, 1, 0.25, 2):
        optimizer.lr = lr
        step(x)
        expected = expected - lr * 2 * expected * x * x
        np.testing.assert_allclose(W.data, expected, rtol=1e-13)


@compiles
def test_names_of_tensors_that_the_text_has_too():
    names = [
        "A",
        "A_i",
        "A_ij",
        "i",
        "j",
        "np",
        "njit",
        "drawn",
        "part_1",
        "A_total",
        "A_row",
        "float64",
        "plus",
    ]

    def function(*tensors):
        return sum(np.sum(t * t, axis=0) * (k + 1) for k, t in enumerate(tensors))

    rng = np.random.default_rng(0)
    compiled = numba_of(function)
    for _ in range(3):
        tensors = [mg.Tensor(rng.standard_normal((3, 4)), name=name) for name in names]
        assert_alike(function(*tensors), compiled(*tensors))


# ---- on disk


script = """
import sys, time, warnings
warnings.simplefilter("error")
import numpy as np, minigrad as mg
assert "numba" not in sys.modules
f = mg.compile(lambda x: np.sum(np.tanh(x * 2), axis=0), backend="numba")
f(np.ones((3, 4)))
assert np.allclose(f(np.full((3, 4), 0.5)).numpy(), 3 * np.tanh(1.0)), f.source
names = next(iter(f._replays.values()))[0].text.run.__globals__
print(sum(sum(names[name].stats.cache_hits.values()) for name in names if name.startswith("part_")))
"""


def run(cache, **environment):
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "XDG_CACHE_HOME": str(cache), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@compiles
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
def test_a_second_process_reads_what_the_first_compiled(tmp_path):
    assert run(tmp_path) == 0
    assert run(tmp_path) > 0
    for path in (tmp_path / "minigrad").rglob("*.nb*"):
        path.write_bytes(b"damaged")
    assert run(tmp_path) == 0  # and compiles, as if nothing were there


@compiles
@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
def test_where_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / "minigrad"
    (tmp_path / "minigrad").chmod(0o777)  # others could put there what is run here
    assert cache.cache_folder() is None
    (tmp_path / "minigrad").chmod(0o700)
    assert cache.cache_folder() == tmp_path / "minigrad"
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(shared))
    assert cache.cache_folder() is None
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(file))
    assert cache.cache_folder() is None


# ---- without Numba


@pytest.mark.parametrize("missing", ["numba", "scipy"])
def test_without_numba_numpy_runs_and_one_warning_says_why(missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    compiled = numba_of(lambda x: np.sum(np.tanh(x), axis=0))
    with pytest.warns(
        UserWarning, match=r"run by NumPy: .* is not installed; pip install 'minigrad\[numba\]'"
    ) as w:
        compiled(np.ones((2, 3)))
    assert len(w) == 1
    assert w[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (np.ones((2, 3)), np.ones((4, 3))):  # another shape: another recording, no other warning
            np.testing.assert_allclose(compiled(x).numpy(), np.tanh(x).sum(axis=0), rtol=1e-13)
    assert compiled.source.startswith("def replay(")


@compiles
def test_what_numba_refuses_is_run_by_numpy(monkeypatch):
    import numba

    def refuse(*args, **kwargs):
        raise numba.core.errors.TypingError("cannot type it\nat all")

    monkeypatch.setattr(numba, "njit", refuse)
    compiled = numba_of(np.tanh)
    with pytest.warns(
        UserWarning, match="tanh is run by NumPy: Numba does not compile it: TypingError: cannot type it"
    ):
        compiled(np.ones(3))
    np.testing.assert_allclose(compiled(np.full(3, 0.5)).numpy(), np.tanh(0.5), rtol=1e-13)


@compiles
def test_what_loops_cannot_do_is_numpys():
    compiled = numba_of(lambda x: np.concatenate([x, 1j * x]))
    with pytest.warns(UserWarning, match="nothing in it that loops could do"):
        compiled(np.ones(3))
    np.testing.assert_array_equal(compiled(np.full(3, 2.0)).numpy(), [2, 2, 2, 2j, 2j, 2j])
