"""einsum and its relatives, convolve, windows: what the corpus of cases does not say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.derivatives.further.windows import overlap_add, windows
from minigrad.table import table

sliding_window_view = np.lib.stride_tricks.sliding_window_view


def leaf(rng, *shape, name=None):
    return mg.Tensor(rng.standard_normal(shape), requires_grad=True, name=name)


# ---- einsum


sizes = dict(zip("ijkl", (2, 3, 4, 1), strict=True))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    terms=st.lists(st.text("ijkl", max_size=3), min_size=1, max_size=3),
    data=st.data(),
    optimize=st.booleans(),
)
def test_any_einsum_is_numpys_and_so_is_its_transpose(terms, data, optimize):
    """⟨g, dy⟩ of a step in each factor is ⟨dx, step⟩: einsum is linear in it, so that is exact."""
    letters = sorted(set("".join(terms)))
    output = "".join(data.draw(st.lists(st.sampled_from(letters), unique=True))) if letters else ""
    text = f"{','.join(terms)}->{output}"
    rng = np.random.default_rng(0)
    xs = [leaf(rng, *(sizes[c] for c in term)) for term in terms]
    y = np.einsum(text, *xs, optimize=optimize)
    np.testing.assert_allclose(y.data, np.einsum(text, *(x.data for x in xs)), atol=1e-14)
    g = rng.standard_normal(y.shape)
    for i, (x, d) in enumerate(zip(xs, mg.grad(y, xs, gradient=g), strict=True)):
        step = rng.standard_normal(x.shape)
        moved = [step if k == i else other.data for k, other in enumerate(xs)]
        assert np.sum(g * np.einsum(text, *moved)) == pytest.approx(np.sum(d.data * step), abs=1e-12)


def test_einsum_agrees_with_torch_to_second_order(rng):
    torch = pytest.importorskip("torch")
    for text, shapes in (("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]), ("ijj,jk->ki", [(2, 3, 3), (3, 4)])):
        xs = [leaf(rng, *shape) for shape in shapes]
        their = [torch.tensor(np.array(x.data), requires_grad=True) for x in xs]
        first = mg.grad(np.sum(np.sin(np.einsum(text, *xs))), xs, create_graph=True)
        wanted = torch.autograd.grad(torch.einsum(text, *their).sin().sum(), their, create_graph=True)
        second = mg.grad(sum(np.sum(d**3) for d in first), xs)
        wanted_second = torch.autograd.grad(sum((d**3).sum() for d in wanted), their)
        for ours, other in zip((*first, *second), (*wanted, *wanted_second), strict=True):
            np.testing.assert_allclose(ours.data, other.detach().numpy(), rtol=1e-11, atol=1e-11)


def test_a_factor_without_a_gradient_costs_none(rng, monkeypatch):
    row, computed = table[np.einsum], []
    (pull,) = row.rules

    def counted(*args):
        parts = pull(*args)
        entry = parts._entry
        parts._entry = lambda i: computed.append(i) or entry(i)
        return parts

    monkeypatch.setattr(row, "rules", (counted,))
    W = leaf(rng, 3, 4)
    np.sum(np.einsum("ij,jk,kl->il", rng.standard_normal((2, 3)), W, rng.standard_normal((4, 2)))).backward()
    assert computed == [1]


def test_the_gradient_is_formed_as_the_sum_was(rng):
    a, b = leaf(rng, 2, 3), leaf(rng, 3, 4)
    path = ["einsum_path", (0, 1)]
    for optimize, kept in ((False, False), (True, True), ("greedy", "greedy"), (path, True)):
        y = np.einsum("ij,jk->ik", a, b, optimize=optimize)
        assert y.parameters == {"subscripts": "ij,jk->ik", "optimize": optimize}
        d = mg.grad(y, a, gradient=leaf(rng, 2, 4), create_graph=True)
        assert d.parameters == {"subscripts": "ik,jk->ij", "optimize": kept}


def test_more_axes_than_small_letters(rng):
    """30 axes in the form with lists, and the letters that NumPy orders first."""
    a, b = leaf(rng, *(1,) * 15), leaf(rng, *(1,) * 14, 2)
    y = np.einsum(a, list(range(15)), b, list(range(15, 30)))
    assert y.shape == np.einsum(a.data, list(range(15)), b.data, list(range(15, 30))).shape
    np.testing.assert_allclose(np.sum(mg.grad(np.sum(y), b).data), 2 * a.data.item())


def test_the_rule_as_text_puts_the_subscripts_first(rng):
    from minigrad.show.rule_text import rule_at

    y = np.einsum("ij,jk", leaf(rng, 2, 3), leaf(rng, 3, 4))
    assert rule_at(y, 1) == "einsum('ik,ij->jk', g, arrays[0])"


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "view",
    [lambda y: windows(y, shape=(2,), axes=(0,)), lambda y: np.einsum("iij->ij", y)],
    ids=["windows", "diagonal"],
)
def test_a_view_outlives_its_base_when_compiled(view, backend, rng):
    """Windows and diagonals look at an array, whose buffer must not be used again while they are needed."""
    if backend == "numba":
        pytest.importorskip("numba")

    def function(x):
        seen = view(np.tanh(x))
        z = np.exp(x * np.mean(seen))  # after the last use of the array itself, and as large
        return np.sum(z) + np.sum(np.sin(seen) * np.mean(z[0]))

    compiled = mg.compile(function, backend=backend)
    for _ in range(3):
        x = rng.standard_normal((4, 4, 3))
        np.testing.assert_allclose(compiled(x).data, function(x), rtol=1e-12)
    assert compiled.stats()["replays"] == 2


# ---- what is an einsum


def test_ufuncs_of_vectors_with_an_array_on_either_side(rng):
    a, b = leaf(rng, 2, 3), rng.standard_normal((2, 3))
    for left, right in ((a, b), (b, a)):
        y = np.vecdot(left, right)
        np.testing.assert_allclose(y.data, (a.data * b).sum(axis=-1))
        np.testing.assert_allclose(mg.grad(np.sum(y), a), b)


def test_lists_are_arrays(rng):
    a, v = leaf(rng, 2, 3), [0.5, -1, 2]
    for function in (np.inner, np.vecdot, np.linalg.vecdot, np.kron, np.cross):
        np.testing.assert_allclose(function(a, v).data, function(a.data, v), atol=1e-14)
        np.testing.assert_allclose(function(np.array(v), a).data, function(np.array(v), a.data), atol=1e-14)
    np.testing.assert_allclose(np.tensordot(a, v, 1).data, a.data @ v)
    np.testing.assert_allclose(np.correlate(a[0], v[:2]).data, np.correlate(a.data[0], v[:2]))


def test_what_conjugates_does(rng):
    """Of complex arrays, which have no gradient here, the values are NumPy's."""
    z = mg.Tensor(rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)))
    w = mg.Tensor(rng.standard_normal((3, 3)) + 1j * rng.standard_normal((3, 3)))
    for function in (np.vdot, np.vecdot, np.linalg.vecdot, np.inner, np.kron, np.tensordot):
        np.testing.assert_allclose(function(z, w).data, function(z.data, w.data), atol=1e-14)
    for k, mode in ((2, "full"), (3, "same"), (1, "valid")):
        for a, v in ((z[0], w[0, :k]), (w[0, :k], z[0])):
            for function in (np.correlate, np.convolve):
                wanted = function(a.data, v.data, mode)
                np.testing.assert_allclose(function(a, v, mode).data, wanted, atol=1e-14)


def test_trace_adds_up_in_the_dtype_that_is_said(rng):
    x = leaf(rng, 3, 3)
    narrow = x.astype(np.float32)
    y = np.linalg.trace(narrow, dtype=np.float64)
    assert y.dtype == np.float64
    assert y.item() == np.linalg.trace(narrow.data, dtype=np.float64)
    np.testing.assert_array_equal(mg.grad(y, x), np.eye(3))
    assert np.linalg.trace(mg.Tensor(np.full((200, 200), 100, np.int8))).item() == 20000


# ---- messages


def test_messages(rng):
    A, B = leaf(rng, 2, 3, name="A"), leaf(rng, 4, 5, name="B")
    for call, error, message in (
        (lambda: np.einsum("ij,jk", A, B), ValueError,
         r'einsum: "A" \(2, 3\) and "B" \(4, 5\) .*: axis j is 3 long in factor 1 and 4 in factor 2'),
        (lambda: np.einsum("i,jk", A, B), ValueError, "einsum: .*more dimensions than subscripts"),
        (lambda: np.einsum("ij", A, out=np.zeros((2, 3))), TypeError, "out= would lose the gradient"),
        (lambda: np.tensordot(A, B, 1), ValueError,
         r'tensordot: "A" \(2, 3\) and "B" \(4, 5\): .* are \[3\] and \[4\] long; they must agree'),
        (lambda: np.tensordot(A, B, ([5], [0])), np.exceptions.AxisError, "axis 5 is out of bounds"),
        (lambda: np.vecdot(A, B[0, :1]), ValueError, r'vecdot: "A" .* are \[3\] and \[1\] long'),
        (lambda: np.linalg.vecdot(A, A, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda: np.linalg.trace(A[0]), ValueError, r"linalg.diagonal: .* \(3,\) has no diagonal"),
        (lambda: np.inner(A, B.data), ValueError, r'inner: "A" \(2, 3\) and an array \(4, 5\): .*must agree'),
        (lambda: np.cross(A, B), ValueError, r'cross: "A" .*: the vectors must have 3 elements'),
        (lambda: np.linalg.outer(A, B), ValueError, r'linalg.outer: "A" .*: both must have one axis'),
        (lambda: np.vecdot(A, A, out=np.zeros(2)), TypeError, r"np\.vecdot with out= would lose"),
        (lambda: np.convolve(A, B[0]), ValueError, r'convolve: "A" \(2, 3\) and .*: object too deep'),
        (lambda: sliding_window_view(A, 4, 1), ValueError, r'sliding_window_view: "A" .*cannot be larger'),
        (lambda: sliding_window_view(A, 2), ValueError, r'view: "A" .*got 1 window_shape elements'),
        (lambda: sliding_window_view(A, 2, 5), np.exceptions.AxisError, "axis 5 is out of bounds"),
    ):  # fmt: skip
        with pytest.raises(error, match=message):
            call()
    with pytest.raises(
        RuntimeError, match=r'looks at memory \(sliding_window_view .*"A" \(2, 3\) would lose'
    ):
        np.lib.stride_tricks.as_strided(A, (2, 2), (8, 8))


# ---- windows


def test_windows_are_a_view_and_overlap_add_is_their_transpose(rng):
    x = rng.standard_normal((2, 9, 8))
    setting = {"axes": (1, 2), "stride": (2, 1), "dilation": (1, 3)}
    seen = windows(x, shape=(3, 2), **setting)
    assert np.shares_memory(seen, x)
    assert seen.shape == (2, 4, 5, 3, 2)
    v = rng.standard_normal(seen.shape)
    added = overlap_add(v, shape=x.shape, **setting)
    assert np.sum(seen * v) == pytest.approx(np.sum(x * added), rel=1e-13)


def test_the_gradient_counts_the_windows_that_an_element_is_in():
    x = mg.Tensor(np.arange(6.0), requires_grad=True)
    np.sum(sliding_window_view(x, 3)).backward()
    assert x.grad.tolist() == [1, 2, 3, 3, 2, 1]
