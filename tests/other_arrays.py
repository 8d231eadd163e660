"""The corpus, and a training, on arrays of another library, side by side with NumPy's."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cases import Case, cases, cases_of

import minigrad as mg
from minigrad import nn
from minigrad.other_arrays.foreign import to_numpy
from minigrad.table import name_of
from minigrad.tensor import Tensor, made

functions = sorted({case.function for case in cases if case.arrays}, key=name_of)

_of_indices = {
    operator.getitem,
    np.take,
    np.compress,
    np.extract,
    np.choose,
    np.piecewise,
    np.delete,
    np.repeat,
}


def moved(case: Case, move: Callable, indices: bool) -> Case:
    """The same call with the arrays that are not differentiated moved too; indices only if they are to be."""

    def move_all(x: Any) -> Any:
        if isinstance(x, np.ndarray) and x.dtype.kind not in "fc":
            return move(x)
        return [move_all(entry) for entry in x] if isinstance(x, list) else x

    stay = case.function is operator.getitem or (case.function in _of_indices and not indices)
    args = case.args if stay else tuple(map(move_all, case.args))
    kwargs = {
        key: move(x) if isinstance(x, np.ndarray) and key != "index" else x for key, x in case.kwargs.items()
    }
    return Case(case.function, args, kwargs)


def generic(like: Any, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).uniform(0.5, 1.5, like.shape))


def derivatives(call: Callable, arrays: list[np.ndarray], move: Callable, order: int) -> list[Tensor]:
    """The outputs of a call, the gradient of Σ w y, and that of Σ u g over these gradients."""
    leaves = [made(move(x), requires_grad=True) for x in arrays]
    result = call(leaves)
    found = ys = list(result) if isinstance(result, list | tuple) else [result]
    for i in range(order):
        total = sum(np.sum(Tensor(move(generic(y))) * y) for y in ys)
        if not total.requires_grad:
            break
        ys = list(mg.grad(total, leaves, create_graph=i + 1 < order, allow_unused=True))
        found = [*found, *ys]
    return found


def assert_same(case: Case, move: Callable, order: int, indices: bool = False) -> None:
    """On moved arrays a case gives what it gives on NumPy's, in arrays of the other kind."""
    with np.errstate(all="ignore"):
        wanted = derivatives(case.call, case.arrays, np.asarray, order)
        found = derivatives(moved(case, move, indices).call, case.arrays, move, order)
    assert len(found) == len(wanted)
    kind = type(move(np.zeros(1)))
    for got, expected in zip(found, wanted, strict=True):
        values = to_numpy(got._value)
        assert type(got._value) is kind, case.name
        assert (got.shape, got.dtype) == (values.shape, values.dtype) == (expected.shape, expected.dtype)
        largest = np.max(np.abs(expected.data), initial=0)
        np.testing.assert_allclose(values, expected.data, rtol=1e-12, atol=1e-12 * largest, err_msg=case.name)


def assert_all_same(
    function: Callable, move: Callable, order: int, lacking: dict[str, Callable[[Case], bool]], **options: Any
) -> None:
    """All cases of a function are right; those that the other library lacks something for raise."""
    lacks = lacking.get(name_of(function), lambda case: False)
    for case in cases_of(function):
        if not case.arrays:
            continue
        if lacks(case):
            with pytest.raises(_refusals):
                assert_same(case, move, order, **options)
        else:
            assert_same(case, move, order, **options)


_refusals = TypeError, ValueError, IndexError, NotImplementedError, FutureWarning, ZeroDivisionError


# ---- what cannot be done, and why: docs/arrays-that-scale.md says it, and a test that it says all of it


def _always(case: Case) -> bool:
    return True


def _empty(case: Case) -> bool:
    return not all(x.size for x in case.arrays)


dask_lacks: dict[str, Callable[[Case], bool]] = {
    **dict.fromkeys(("np.linalg.eig", "np.linalg.eigvals", "mg.eig"), _always),
    **dict.fromkeys(("mg.of_interval", "mg.by_interval"), _always),
    "np.interp": lambda case: np.size(case.args[1]) > 1,
    **dict.fromkeys(("np.unique", "np.trim_zeros"), _always),
    **dict.fromkeys(
        ("np.max", "np.min", "np.amax", "np.amin", "np.reshape", "np.sort", "np.cumprod"), _empty
    ),
    **dict.fromkeys(("mg.softmax", "mg.log_softmax", "mg.logsumexp"), _empty),
    "np.repeat": lambda case: np.ndim(case.args[1]) == 0 and case.args[1] == 0,
    "np.piecewise": lambda case: 0.5 in case.args[2],
    "np.convolve": lambda case: isinstance(case.args[0], float),
}
cupy_lacks: dict[str, Callable[[Case], bool]] = {
    "np.spacing": _always,
    "np.trim_zeros": _always,
    "np.interp": lambda case: isinstance(case.args[1], list),
    "np.piecewise": lambda case: 0.5 in case.args[2],
    "np.convolve": lambda case: isinstance(case.args[0], float),
}


# ---- a training


X = np.random.default_rng(0).standard_normal((23, 4))
Y = (np.random.default_rng(1).random((23, 1)) < 0.4).astype(float)


def network(kind: Callable, seed: int = 2) -> nn.Module:
    """A network with dropout, its parameters moved."""
    rng = np.random.default_rng(seed)
    layers = nn.Linear(4, 5, rng=rng), nn.Tanh(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(5, 1, rng=rng)
    return nn.Sequential(*layers).to(kind)


def trained(x: Any, y: Any, kind: Callable, optimizer: Callable, steps: int = 4) -> list[np.ndarray]:
    """The cost of each step and, at the end, the parameters and what the optimizer keeps."""
    model = network(kind)
    optimizer = optimizer(model.parameters())
    costs = []
    for _ in range(steps):
        J = nn.binary_cross_entropy_with_logits(model(x), y) + nn.l2_penalty(model, lambd=0.7, m=len(x))
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        (J,) = optimizer.persist(J)
        costs.append(J.item())
    kept = [x for state in optimizer.state_dict()["state"] for x in state.values()]
    return [np.array(costs), *model.state_dict().values(), *kept]


def optimizers() -> list[Callable]:
    return [
        lambda parameters: mg.optim.SGD(parameters, lr=0.3, momentum=0.9, weight_decay=0.01),
        lambda parameters: mg.optim.Adam(parameters, lr=0.05),
        lambda parameters: mg.optim.AdamW(parameters, lr=0.05, weight_decay=0.1),
    ]


def assert_trains_the_same(x: Any, y: Any, kind: Callable, optimizer: Callable) -> None:
    """To 1e-12, with the same masks."""
    wanted = trained(X, Y, np.asarray, optimizer)
    for got, expected in zip(trained(x, y, kind, optimizer), wanted, strict=True):
        if not isinstance(expected, dict):  # the state of the masks' generator
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
        else:
            assert got == expected
