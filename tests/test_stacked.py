"""A stack of backward passes gives what each of them gives, for every row of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases import Case, analytic_cases, cases, outputs

import minigrad as mg
from minigrad.backprop import gradients_of
from minigrad.tensor import made
from minigrad.transforms import stacked
from minigrad.transforms.checkpoint import recomputed


def one_by_one(y: Any, seeds: np.ndarray, inputs: list[Any]) -> list[Any]:
    found = [gradients_of(y, made(seed), inputs, False) for seed in seeds]
    return [np.stack([g[x.stamp].data if x.stamp in g else np.zeros(x.shape) for g in found]) for x in inputs]


def close(got: Any, wanted: Any) -> None:
    got = got.data
    assert got.shape == wanted.shape
    tolerance = 1e-5 if got.dtype == np.float32 else 1e-11
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("case", analytic_cases(), ids=lambda case: case.name)
def test_every_row(case: Case, rng):
    """On arrays, and on Tensors, where the stack can be differentiated again."""
    inputs = [mg.Tensor(x, requires_grad=True) for x in case.arrays]
    for y in outputs(case.call(inputs)):
        if not y.requires_grad:
            continue
        seeds = rng.normal(size=(3, *y.shape)).astype(y.dtype)
        wanted = one_by_one(y, seeds, inputs)
        for recorded in (False, True):
            found = stacked.stacked_gradients(y, made(seeds), inputs, recorded)
            for x, g in zip(inputs, wanted, strict=True):
                if x.stamp in found:
                    close(found[x.stamp], g)
                else:
                    assert not g.any()


@pytest.mark.parametrize("order", ["C", "F"])
def test_another_shape_in_either_order(order, monkeypatch, rng):
    monkeypatch.setattr(
        stacked, "_ruled", lambda *args, ruled=stacked._ruled: calls.append(1) or ruled(*args)
    )
    calls: list[int] = []
    x = mg.Tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
    for y in (np.reshape(x, (4, 6), order=order), np.ravel(x, order=order)):
        seeds = rng.normal(size=(5, *y.shape))
        close(stacked.stacked_gradients(y, made(seeds), [x], False)[x.stamp], one_by_one(y, seeds, [x])[0])
    assert len(calls) == 2  # not one for each of five


mask = np.array([True, False, True])


@pytest.mark.parametrize(
    "index",
    [
        True, np.array(True), mask, (0, slice(None), 1), (True, slice(None), 0), (True, [0, 1]),
        ([0, 1], ..., [1, 2]), (0, slice(None), [1, 2]), (np.array(0), slice(None), np.array(1)),
        (slice(None), None, mask), ([], 0),
    ],
    ids=str,
)  # fmt: skip
def test_whatever_the_index(index, rng):
    """Arrays, truth values and None among its parts, apart from each other and side by side."""
    x = mg.Tensor(rng.normal(size=(3, 3, 4)), requires_grad=True)
    y = x[index]
    seeds = rng.normal(size=(2, *y.shape))
    for recorded in (False, True):
        found = stacked.stacked_gradients(y, made(seeds), [x], recorded)
        close(found[x.stamp], one_by_one(y, seeds, [x])[0])


at_once = [*stacked._moves, *sorted(stacked.aligned - {recomputed}, key=lambda f: f.__name__)]


@pytest.mark.parametrize("function", at_once, ids=lambda f: f.__name__)
def test_what_is_said_to_be_stacked_is_done_at_once(function, monkeypatch):
    """Some case of each function takes one call of its rule for the whole stack."""
    done = []
    original = stacked._moved

    def moved(node: Any, *rest: Any) -> Any:
        parameters = original(node, *rest)
        done.append((node.function, parameters is not None))
        return parameters

    monkeypatch.setattr(stacked, "_moved", moved)
    for case in (case for case in cases if case.function in (function, getattr(np, function.__name__, None))):
        inputs = [mg.Tensor(x, requires_grad=True) for x in case.arrays]
        for y in outputs(case.call(inputs)):
            if y.requires_grad:
                stacked.stacked_gradients(y, made(np.ones((2, *y.shape), y.dtype)), inputs, False)
    assert (function, True) in done
