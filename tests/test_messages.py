"""What is said when something goes wrong: the function, the Tensors by name and shape, what to do."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.messages import no_derivative
from minigrad.not_supported import written

X = mg.Tensor(np.ones((5, 2)), name="X")
W = mg.Tensor(np.ones((3, 2)), requires_grad=True, name="W1")
b = mg.Tensor(np.ones(4), requires_grad=True, name="b1")


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda: X @ W,
            ValueError,
            'matmul: "X" (5, 2) and "W1" (3, 2): inner axes 2 and 3 differ; '
            "Linear weights are (n_out, n_in), did you mean X @ W1.T?",
        ),
        (
            lambda: X @ np.ones((5, 3)),
            ValueError,
            'matmul: "X" (5, 2) and an array (5, 3): inner axes 2 and 5 differ; did you mean X.T @ b?',
        ),
        (
            lambda: X @ np.ones(3),
            ValueError,
            'matmul: "X" (5, 2) and an array (3,): inner axes 2 and 3 differ',
        ),
        (
            lambda: np.ones((2, 5, 2)) @ np.matmul(np.ones((3, 2, 1)), mg.Tensor(np.ones((1, 1)))),
            ValueError,
            "matmul: an array (2, 5, 2) and a Tensor of shape (3, 2, 1): the leading axes (2,) and (3,)",
        ),
        (
            lambda: 2.0 @ X,
            ValueError,
            'matmul: 2.0 and "X" (5, 2): a matrix product needs at least one axis on each side; use *',
        ),
        (
            lambda: X @ W.T + b,
            ValueError,
            'add: a Tensor of shape (5, 3) and "b1" (4,): the shapes do not broadcast: '
            "from the last axis backwards, lengths must be equal or 1",
        ),
        (
            lambda: np.where(np.ones(4, bool), X, 0.0),
            ValueError,
            'where: an array (4,) and "X" (5, 2) and 0.0: the shapes do not broadcast: '
            "from the last axis backwards, lengths must be equal or 1",
        ),
        (
            lambda: X.reshape(3, -1),
            ValueError,
            'reshape: "X" (5, 2) with shape=(3, -1): cannot reshape array of size 10 into shape (3,newaxis)',
        ),
        (
            lambda: np.sum(X, axis=2),
            np.exceptions.AxisError,
            'sum: "X" (5, 2) with axis=2: axis 2 is out of bounds for array of dimension 2',
        ),
        (
            lambda: X[7],
            IndexError,
            'getitem: "X" (5, 2) with index=7: index 7 is out of bounds for axis 0 with size 5',
        ),
        (
            lambda: np.concatenate([X, W, b]),
            ValueError,
            'concatenate: "X" (5, 2) and "W1" (3, 2) and "b1" (4,): all the input arrays must have',
        ),
        (
            lambda: np.stack([W] * 9 + [X]),
            ValueError,
            'stack: "W1" (3, 2) and "W1" (3, 2) and "W1" (3, 2) and "W1" (3, 2) and 6 more: all input arrays',
        ),
        (
            lambda: X * [[1.0], [2.0, 3.0]],
            ValueError,
            'multiply: "X" (5, 2) and [[1.0], [2.0, 3.0]]: setting an array element with a sequence',
        ),
        (
            lambda: X * np.ma.masked_array([1.0, 2.0], [True, False]),
            TypeError,
            'multiply: "X" (5, 2) and an array (2,): a masked array would lose its mask',
        ),
        (
            lambda: X[np.arange(1000)],
            IndexError,
            'getitem: "X" (5, 2) with index=array([  0,  ...97, 998, 999]): index 5 is out of bounds',
        ),
        (
            lambda: X[b],
            TypeError,
            '"b1" (4,) as a parameter or index would lose its gradient: detach() it',
        ),
    ],
)
def test_errors_of_numpy_are_told_with_names_and_shapes(call, error, said):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_numpys_own_error_is_the_cause():
    with pytest.raises(ValueError, match="inner axes") as caught:
        X @ W
    assert isinstance(caught.value.__cause__, ValueError)
    assert "matmul" in str(caught.value.__cause__)


def test_an_error_of_a_primitive_keeps_its_kind():
    @mg.primitive
    def solve(A):
        return np.linalg.inv(A)

    mg.derivative(solve, A=lambda g: g)
    with pytest.raises(np.linalg.LinAlgError, match=r'solve: "S" \(2, 2\): Singular matrix'):
        solve(mg.Tensor(np.zeros((2, 2)), name="S"))

    @mg.primitive
    def broken(x):
        raise ZeroDivisionError("its own words")

    mg.derivative(broken, x=lambda g: g)
    with pytest.raises(ZeroDivisionError, match=r"^its own words$"):
        broken(X)


# ---- what has no derivative: why, and what comes nearest


@pytest.mark.parametrize("name", written)
def test_what_is_written_in_place_of_scipys_function_gives_its_values_and_keeps_the_gradient(name):
    special = pytest.importorskip("scipy.special")
    x, y = np.random.default_rng(0).uniform(0.2, 0.9, (2, 6))
    function = getattr(special, name)
    tensors = {"x": mg.Tensor(x, requires_grad=True), "y": mg.Tensor(y, requires_grad=True)}
    found = eval(written[name], {"np": np, "mg": mg, **tensors})
    np.testing.assert_allclose(found.data, function(*(x, y)[: function.nin]), rtol=1e-12)
    assert found.requires_grad


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: np.gcd.reduce(b),
            "np.gcd.reduce has .* would lose it: it is of whole numbers; use t.detach()",
        ),
        (lambda: np.add.at(np.zeros(4), [0], b), "np.add.at .* np.where makes a new one"),
        (lambda: np.packbits(b), "np.packbits .* would lose it: it is of whole numbers"),
    ],
)
def test_what_is_not_supported_is_refused_with_the_reason(call, said):
    with pytest.raises(TypeError, match=re.escape(said).replace(r"\.\*", ".*")):
        call()


def test_a_function_of_another_library_is_looked_for_by_its_spelling():
    def log1p(x: Any) -> Any: ...

    def frobnicate(x: Any) -> Any: ...

    def expit(x: Any) -> Any: ...

    for function, said in (
        (log1p, "that have one: np.log1p. Add"),
        (expit, "that have one: mg.sigmoid(x). Add"),
        (frobnicate, "would lose it. Add"),
    ):
        assert said in no_derivative(function, function.__name__, {})


def test_messages_are_imported_when_there_is_something_to_say():
    code = (
        "import sys, numpy as np, minigrad as mg\n"
        "t = mg.Tensor([1.0], requires_grad=True); np.sum(t * t).backward(); np.argmax(t)\n"
        "assert 'minigrad.messages' not in sys.modules and 'difflib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
