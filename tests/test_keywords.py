"""NumPy's further keywords, in any position: values, dtypes, gradients of both orders; wrong calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg

X = np.array([[0.7, -1.2, 0.4], [1.5, 0.3, -0.6]])
N = np.array([[0.7, np.nan, 0.4], [1.5, 0.3, -0.6]])
L = np.isnan(N)
M = np.array([[True, False, True], [True, True, False]])
means = {"axis": 1, "keepdims": True}

calls: dict[str, Callable[[Any], Any]] = {
    "sum, by position": lambda x: np.sum(x, 0, None, None, True),
    "sum of some": lambda x: np.sum(x, axis=0, where=M, initial=1.5),
    "sum from a Tensor": lambda x: np.sum(x[1:], initial=x[0, 0]),
    "prod of some": lambda x: np.prod(x, axis=1, where=M, initial=2.0),
    "max of some": lambda x: np.max(x, axis=1, where=M, initial=0.5),
    "max of none": lambda x: np.max(x[:, :0], axis=1, initial=x[0, 0]),
    "min from": lambda x: np.min(x, initial=-1.0, keepdims=True),
    "mean of some": lambda x: np.mean(x, axis=0, where=M),
    "method": lambda x: x.mean(where=M) + x.var(0, None, None, 1),
    "var, corrected": lambda x: np.var(x, correction=1),
    "var of some": lambda x: np.var(x, axis=1, where=M, ddof=1),
    "var about its mean": lambda x: np.var(x, axis=1, mean=np.mean(x, **means)),
    "var about another": lambda x: np.var(x, mean=x[:1, :1]),
    "std, corrected": lambda x: np.std(x, axis=1, correction=0.5, keepdims=True),
    "std of some": lambda x: np.std(x, where=M, ddof=1),
    "std about its mean": lambda x: np.std(x, axis=1, mean=np.mean(x, **means)),
    "nansum of some": lambda x: np.nansum(np.where(L, N, x), axis=0, where=M, initial=1.5),
    "nanmax of some": lambda x: np.nanmax(np.where(L, N, x), axis=0, where=M, initial=0.2),
    "nanmean of some": lambda x: np.nanmean(np.where(L, N, x), where=M),
    "nanstd, corrected": lambda x: np.nanstd(np.where(L, N, x), axis=1, correction=1),
    "nanvar by position": lambda x: np.nanvar(np.where(L, N, x), 0, None, None, 0, True),
    "clip": lambda x: np.clip(x, -1.0, 1.0, None),
    "concatenate": lambda x: np.concatenate([x, x], 1, None, dtype=float),
    "median": lambda x: np.median(x, 0, None, False, True),
    "quantile": lambda x: np.quantile(x, 0.3, 0, None, False, "linear", True),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x, out=None, order="C", casting="safe", dtype=float),
    "take": lambda x: np.take(x, [0, 7], None, None, "wrap"),
    "copy": lambda x: np.copy(x, "K", False) + x.astype(float, copy=False),
    "ufunc": lambda x: np.exp(x, dtype=float, casting="same_kind", where=True, order="K"),
    "add.reduce": lambda x: np.add.reduce(x, 1, None, None, True, 0.5, M),
    "maximum.reduce": lambda x: np.maximum.reduce(x, axis=None, initial=0.1, where=M),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x, axis=None, where=M, initial=0.2),
    "hypot.reduce": lambda x: np.hypot.reduce(x, where=M, initial=0.2, keepdims=True),
    "subtract.reduce": lambda x: np.subtract.reduce(x, initial=x[0, 0]),
    "maximum.accumulate": lambda x: np.maximum.accumulate(x, axis=(1,)),
    "divmod.outer": lambda x: np.divmod.outer(x, 0.9)[1],
}


@pytest.mark.parametrize("name", calls)
def test_further_keywords(name):
    call = calls[name]
    x = mg.Tensor(X, requires_grad=True, name="x")
    y, wanted = call(x), np.asarray(call(X))
    assert isinstance(y, mg.Tensor)
    assert y.requires_grad
    assert (y.dtype, y.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_allclose(y, wanted, rtol=1e-13)
    np.testing.assert_allclose(call(mg.Tensor(X)), wanted, rtol=1e-13)
    result = mg.gradcheck(call, mg.Tensor(X, requires_grad=True), order=2)
    assert result, str(result)


casts: dict[str, Callable[[Any], Any]] = {
    "sum": lambda x: np.sum(x, 1, np.float32),
    "prod": lambda x: np.prod(x, dtype=np.float32),
    "mean": lambda x: np.mean(x, dtype=np.float32),
    "std": lambda x: np.std(x, dtype=np.float32, axis=0, keepdims=True),
    "nanvar": lambda x: np.nanvar(x, dtype=np.float32),
    "cumsum": lambda x: np.cumsum(x, dtype=np.float32),
    "trace": lambda x: np.trace(x, dtype=np.float32),
    "cov": lambda x: np.cov(x, dtype=np.float32),
    "corrcoef": lambda x: np.corrcoef(x, dtype=np.float32),
    "linspace": lambda x: np.linspace(x[0], 1.0, 4, dtype=np.float32),
    "stack": lambda x: np.stack([x, x], axis=1, dtype=np.float32),
    "clip": lambda x: np.clip(x, -1.0, x[0], dtype=np.float32),
    "exp": lambda x: np.exp(x, dtype=np.float32),
    "add": lambda x: np.add(1.0, x, dtype=np.float32),
    "add.reduce": lambda x: np.add.reduce(x, dtype=np.float32),
    "add.accumulate": lambda x: np.add.accumulate(x, 1, np.float32),
    "add.reduceat": lambda x: np.add.reduceat(x, [0, 1], dtype=np.float32),
    "multiply.outer": lambda x: np.multiply.outer(x, 2.0, dtype=np.float32),
}


@pytest.mark.parametrize("name", casts)
def test_in_another_dtype(name):
    call = casts[name]
    x = mg.Tensor(X, requires_grad=True)
    y, wanted = call(x), call(X)
    assert y.dtype == wanted.dtype == np.float32
    np.testing.assert_allclose(y, wanted, rtol=1e-5)
    g = mg.grad(y, x, gradient=np.ones(y.shape))
    assert g.dtype == float
    wide = mg.Tensor(X, requires_grad=True)
    exact = call.__code__.replace(
        co_names=tuple("float64" if n == "float32" else n for n in call.__code__.co_names)
    )
    z = type(call)(exact, globals())(wide)
    np.testing.assert_allclose(g, mg.grad(z, wide, gradient=np.ones(z.shape)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, int])
@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, initial=1.5),
        lambda x: np.max(x, initial=1.5, axis=0),
        lambda x: np.add.reduce(x, initial=1.5),
        lambda x: np.multiply.outer(x, 2.0),
        lambda x: np.diff(x, prepend=0.0),
        lambda x: np.linspace(x, 2.0, 5),
        lambda x: np.linspace(0.0, x, 4, False),
        lambda x: np.logspace(x, 2.0, 3),
        lambda x: np.geomspace(x, 9.0, 3),
        lambda x: np.vander(x[0], 3),
        lambda x: np.dot(x, 2.0),
        lambda x: np.polyval([1.0, 2.0], x),
        lambda x: np.polyfit(x[0], x[1], 1),
        lambda x: np.poly(x[0]),
        lambda x: np.nanquantile(x, [0.3]),
        lambda x: np.nanquantile(x, 0.3),
    ],
)
def test_dtypes_are_those_of_numpy(call, dtype):
    x = np.array([[1, 4, 2], [5, 3, 7]], dtype)
    y, wanted = call(mg.Tensor(x)), call(x)
    assert y.dtype == wanted.dtype
    np.testing.assert_allclose(y, wanted, rtol=1e-5 if wanted.dtype == np.float32 else 1e-11)


def test_truth_is_counted():
    x = np.array([[True, False, True], [False, False, True]])
    for function in (np.nanmean, np.nanvar, np.nanstd):
        np.testing.assert_allclose(function(mg.Tensor(x), axis=0), function(x, axis=0), rtol=1e-14)


def test_covariances_of_complex_numbers_are_with_the_conjugate():
    z = X + 1j * X[::-1, ::-1]
    x, y = mg.Tensor(X, requires_grad=True), mg.Tensor(X[::-1, ::-1].copy(), requires_grad=True)
    for function in (np.cov, np.corrcoef):
        np.testing.assert_allclose(function(x + 1j * y), function(z), rtol=1e-13, atol=1e-14)
        result = mg.gradcheck(lambda x, y, f=function: np.absolute(f(x + 1j * y))[0], [x, y])
        assert result, str(result)


def test_further_keywords_are_replayed():
    compiled = mg.compile(lambda x: np.std(x, axis=1, where=M) + np.add.reduce(x, 1, initial=2.0))
    for x in (X, X[::-1] ** 2):
        np.testing.assert_allclose(
            compiled(x).data, np.std(x, axis=1, where=M) + np.add.reduce(x, 1, initial=2.0), rtol=1e-13
        )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: np.max(x, where=M), "initial"),
        (lambda x: np.var(x, ddof=1, correction=1), "np.var: ddof=1 and correction=1"),
        (lambda x: np.concatenate([x, x], dtype=int), "float64"),
        (lambda x: np.exp(x, dtype=int), "exp"),
        (lambda x: np.add(x, x, dtype=np.float32, casting="safe"), "add"),
        (lambda x: np.fliplr(x[0]), "fliplr: "),
        (lambda x: np.flipud(x[0, 0]), "flipud: "),
        (lambda x: np.pad(x, (1, 2, 3)), "pad: "),
        (lambda x: np.repeat(x, [1, 2, 3], axis=0), "repeat: "),
        (lambda x: np.take(x, 9), "take: "),
        (lambda x: np.diag(x[None]), "np.diag: an array of 3 axes"),
        (lambda x: np.select([X], [x]), "np.select: condition 0 is float64"),
        (lambda x: np.linspace(x, 1.0, -1), "np.linspace: num=-1"),
        (lambda x: np.linspace(x, 1.0, 2.5), "linspace: "),
        (lambda x: np.vander(x), "np.vander: x has 2 axes"),
        (lambda x: np.polyder(x[0], -1), "np.polyder: m=-1"),
        (lambda x: np.polyint(x[0], -1), "np.polyint: m=-1"),
        (lambda x: np.polyfit(x[0], x[0, :2], 1), "polyfit: "),
        (lambda x: np.add.accumulate(x, axis=None), "np.add.accumulate: axis=None"),
        (lambda x: np.maximum.accumulate(x[0, 0]), "np.maximum.accumulate of one number"),
        (lambda x: np.add.reduceat(x[0, 0], [0]), "np.add.reduceat of one number"),
        (lambda x: np.add.reduceat(x, [[0]]), "np.add.reduceat: the indices"),
        (lambda x: np.pad(x, 1, "edge", constant_values=1), "pad: "),
        (lambda x: np.geomspace(x * 0, 1.0, 3), "np.geomspace: a geometric sequence has no 0"),
        (lambda x: np.subtract.reduce(x, axis=None), "np.subtract.reduce depends on the order"),
    ],
)
def test_wrong_calls_raise_what_numpy_raises(call, said):
    with pytest.raises((TypeError, ValueError, IndexError)) as numpys:
        call(X)
    x = mg.Tensor(X, requires_grad=True, name="x")
    with pytest.raises(type(numpys.value)) as ours:
        call(x)
    assert said in str(ours.value)
    assert "getitem" not in str(ours.value)
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, out=np.zeros(())),
        lambda x: np.exp(x, where=M),
        lambda x: np.add.reduce(x, out=np.zeros(3)),
        lambda x: np.nan_to_num(x, copy=False),
        lambda x: np.quantile(x, 0.3, weights=np.ones((2, 3)), method="inverted_cdf"),
        lambda x: np.polyfit(x[0], x[1], 1, full=True),
    ],
)
def test_what_is_refused_names_its_keyword(call):
    with pytest.raises(TypeError, match=r"\w+= would lose the gradient"):
        call(mg.Tensor(X, requires_grad=True))


# ---- deviations of equal elements


@pytest.mark.parametrize("function", [np.std, np.nanstd])
@pytest.mark.parametrize("value", [0.1, 0.0, 1e300, -7.3])
def test_equal_elements_deviate_without_a_slope(function, value):
    """Their computed mean is not always what they are: then the deviation is rounding, and no slope is."""
    x = np.full(3, value)
    assert mg.grad(function)(x).data.tolist() == [0, 0, 0]
    assert mg.hessian(function)(x).data.tolist() == [[0] * 3] * 3
    rows = mg.grad(lambda x: np.sum(function(x, axis=1)))(np.stack([x, [0.1, 0.2, 0.4]]))
    assert rows[0].data.tolist() == [0, 0, 0]
    np.testing.assert_allclose(rows[1], mg.grad(np.std)(np.array([0.1, 0.2, 0.4])), rtol=1e-13)


def test_the_deviation_of_what_is_left_without_nan():
    x = mg.Tensor([[np.nan, 0.1, 0.1, 0.1], [np.nan, 1.0, 2.0, 4.0]], requires_grad=True)
    g = mg.grad(np.sum(np.nanstd(x, axis=1)), x)
    assert g[0].data.tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(g[1, 1:], mg.grad(np.std)(np.array([1.0, 2.0, 4.0])), rtol=1e-13)
