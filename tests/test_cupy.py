"""CuPy's arrays, on a machine that has a GPU; elsewhere tests/test_foreign.py checks what can be checked."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from other_arrays import X, Y, assert_all_same, assert_trains_the_same, cupy_lacks, functions, optimizers
from strict_array import of_cupy

import minigrad as mg
from minigrad.table import name_of

cupy = pytest.importorskip("cupy")


def has_gpu() -> bool:
    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


needs_gpu = pytest.mark.skipif(not has_gpu(), reason="CuPy finds no GPU")


def test_the_stand_in_has_the_functions_that_this_cupy_has():
    maker = runpy.run_path(str(Path(__file__).parent / "golden" / "cupy_functions.py"))
    if not cupy.__version__.startswith("14."):
        pytest.skip("the list is of CuPy 14")
    here = maker["functions"](cupy)
    assert {name: of_cupy[name] for name in here if name in of_cupy} == here


@needs_gpu
@pytest.mark.parametrize("function", functions, ids=name_of)
def test_the_corpus_to_second_order(function):
    assert_all_same(function, cupy.asarray, 2, cupy_lacks, indices=True)


@needs_gpu
@pytest.mark.parametrize("optimizer", optimizers())
def test_training_is_numpys_also_the_masks(optimizer):
    assert_trains_the_same(cupy.asarray(X), cupy.asarray(Y), cupy.asarray, optimizer)


@needs_gpu
def test_indices_that_do_not_exist_raise():
    x = mg.Tensor(cupy.ones((2, 3)), requires_grad=True)
    for index in ([0, 2], cupy.asarray([0, 2]), (slice(None), np.array([3]))):
        with pytest.raises(IndexError, match="the indices run from"):
            x[index]


@needs_gpu
def test_mixtures_are_told_in_one_sentence():
    x = mg.Tensor(cupy.ones(2), requires_grad=True, name="x")
    with pytest.raises(TypeError, match=r'multiply: "x" \(2,\) .*CuPy arrays and NumPy arrays do not mix'):
        x * np.ones(2)
