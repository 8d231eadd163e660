"""CuPy's arrays, on a machine that has a GPU; elsewhere tests/test_foreign.py checks what can be checked."""

from __future__ import annotations

import numpy as np
import pytest
from other_arrays import X, Y, assert_all_same, assert_trains_the_same, cupy_lacks, functions, optimizers

import minigrad as mg
from minigrad.table import name_of

cupy = pytest.importorskip("cupy")


def has_gpu() -> bool:
    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


pytestmark = pytest.mark.skipif(not has_gpu(), reason="CuPy finds no GPU")


@pytest.mark.parametrize("function", functions, ids=name_of)
def test_the_corpus_to_second_order(function):
    assert_all_same(function, cupy.asarray, 2, cupy_lacks, indices=True)


@pytest.mark.parametrize("optimizer", optimizers())
def test_training_is_numpys_also_the_masks(optimizer):
    assert_trains_the_same(cupy.asarray(X), cupy.asarray(Y), cupy.asarray, optimizer)


def test_mixtures_are_told_in_one_sentence():
    x = mg.Tensor(cupy.ones(2), requires_grad=True, name="x")
    with pytest.raises(TypeError, match=r'multiply: "x" \(2,\) .*CuPy arrays and NumPy arrays do not mix'):
        x * np.ones(2)
