"""Gradients of the whole corpus against libraries that share no line with minigrad: autograd, JAX, PyTorch.

autograd (HIPS) is a dependency of the tests; JAX and PyTorch are compared where they are installed.  Each has
NumPy's functions under NumPy's names; what one of them lacks, or does not take in this form, is counted.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import Case, analytic_cases, outputs

import minigrad as mg
from minigrad.table import name_of
from minigrad.tensor import Tensor

numpys = [case for case in analytic_cases() if name_of(case.function).startswith("np.")]


class Lacking(Exception):  # noqa: N818
    """The library has no such function, does not take it in this form, or has no gradient for it."""


def weights_of(case: Case) -> list[np.ndarray]:
    """For each output generic numbers, by which a scalar is made of it."""
    rng = np.random.default_rng(5)
    return [rng.uniform(0.5, 1.5, np.shape(y)) for y in outputs(case.result())]


def ours(case: Case) -> list[np.ndarray]:
    """The gradients of Σ w Re(y) over the outputs."""
    tensors = [Tensor(x, requires_grad=True) for x in case.arrays]
    total: Any = 0.0
    for w, y in zip(weights_of(case), outputs(case.result(tensors)), strict=True):
        if isinstance(y, Tensor) and y.requires_grad:
            total = total + np.sum(w * (np.real(y) if y.dtype.kind == "c" else y))
    if not isinstance(total, Tensor) or not total.requires_grad:
        return [np.zeros_like(x) for x in case.arrays]
    return [g.numpy() for g in mg.grad(total, tensors, allow_unused=True)]


def found(library: Any, function: Callable) -> Callable:
    """The library's function of the same name."""
    for part in name_of(function).split(".")[1:]:
        library = getattr(library, part, None)
    if library is None:
        raise Lacking
    return library


def total_of(case: Case, theirs: Callable, numpy: Any) -> Callable:
    """Σ w Re(y), as a function of a list of the library's arrays."""

    def total(arrays: Any) -> Any:
        ys = outputs(case.result(arrays, theirs))
        return sum(
            numpy.sum(w * numpy.real(y)) for w, y in zip(weights_of(case), ys, strict=True) if np.size(w)
        )

    return total


def by_autograd(case: Case) -> list[np.ndarray]:
    autograd = pytest.importorskip("autograd")
    anp = importlib.import_module("autograd.numpy")
    importlib.import_module("autograd.numpy.fft")
    importlib.import_module("autograd.numpy.linalg")
    theirs = found(anp, case.function)
    try:
        return autograd.grad(total_of(case, theirs, anp))([np.array(x) for x in case.arrays])
    except Exception as error:  # what it lacks shows in many ways
        raise Lacking from error


def by_jax(case: Case) -> list[np.ndarray]:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    theirs = found(jax.numpy, case.function)
    try:
        return jax.grad(total_of(case, theirs, jax.numpy))([jax.numpy.asarray(x) for x in case.arrays])
    except Exception as error:
        raise Lacking from error


def by_torch(case: Case) -> list[np.ndarray]:
    torch = pytest.importorskip("torch")
    theirs = found(torch, case.function)
    tensors = [torch.tensor(x, requires_grad=True) for x in case.arrays]
    try:
        ys = outputs(case.result(tensors, theirs))
        total = sum(
            torch.sum(torch.tensor(w) * torch.real(y)) for w, y in zip(weights_of(case), ys, strict=True)
        )
        parts = torch.autograd.grad(total, tensors, allow_unused=True)
    except Exception as error:
        raise Lacking from error
    return [np.zeros_like(x) if g is None else g.numpy() for g, x in zip(parts, case.arrays, strict=True)]


otherwise: dict[str, dict[str, str]] = {
    "autograd": {
        "np.full_like": "drops the gradient",
        "np.prod": "divides by the elements, which may be 0",
        "np.astype": "is not in autograd: it is NumPy's own",
        "np.linalg.cholesky": "shares the gradient among both triangles, and conjugates none of it",
        "norm='forward'": "scales a real transform as if norm were None",
        "np.power((3), complex": "takes the logarithm of a negative number among real ones",
        "np.sinc((4))": "is nan at 0",
        "np.tile((2,2), 2)": "repeats the gradient along another axis",
    },
    "jax": {
        "np.linalg.cholesky": "takes the mean of both triangles first",
        "np.linalg.eigh": "takes the mean of both triangles first",
        "np.linalg.eigvalsh": "takes the mean of both triangles first",
        "np.partition": "leaves the others in another order",
        "np.unique": "drops the gradient",
    },
    "torch": {
        "np.linalg.cholesky": "takes the mean of both triangles first",
        "np.linalg.eigh": "takes the mean of both triangles first",
        "np.linalg.eigvalsh": "takes the mean of both triangles first",
        "np.linalg.svd": "chooses other signs of the vectors",
        "np.nanmedian": "takes the lower of two in the middle",
        "np.var": "divides by m - 1 unless told otherwise",
        "np.std": "divides by m - 1 unless told otherwise",
        "axis=()": "means all axes",
    },
}
"""Functions, or parameters, with which a library gives something else, and why."""


@pytest.mark.parametrize(
    ("library", "theirs"), [("autograd", by_autograd), ("jax", by_jax), ("torch", by_torch)]
)
def test_gradients_are_those_of_another_library(library, theirs):
    pytest.importorskip(library)
    compared, functions, wrong = 0, set(), {}
    for case in numpys:
        if any(part in case.name for part in otherwise[library]):
            continue
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                wanted = theirs(case)
            except Lacking:
                continue
        for got, expected in zip(ours(case), wanted, strict=True):
            expected = np.asarray(expected)
            if expected.shape != got.shape or not np.allclose(got, expected, rtol=1e-9, atol=1e-9):
                wrong[case.name] = (got, expected)
        compared += 1
        functions.add(case.function)
    print(library, compared, len(functions))
    assert not wrong, "; ".join(wrong)
    assert compared > least[library]


least = {"autograd": 300, "jax": 300, "torch": 150}
"""So many cases are compared at least."""
