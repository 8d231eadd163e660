"""What is said when something goes wrong: the function, the Tensors by name and shape, what to do."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.messages import no_derivative
from minigrad.nearest import of_kind, written
from minigrad.table import compositions, name_of, table
from minigrad.tensor import Tensor, answers, plain

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
            '"b1" (4,) as a parameter or an index would lose its gradient',
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


# ---- the nearest function that has a derivative


def function_named(name: str) -> Any:
    """np.linalg.norm for "np.linalg.norm"; None where this version of NumPy has no such function."""
    found: Any = {"np": np, "mg": mg}.get(name.split(".")[0])
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found


def unsupported() -> Iterator[Callable]:
    """NumPy's public functions that ask their arguments first, but those that give a Tensor or an answer."""
    for module in (np, np.linalg, np.fft):
        for name in module.__all__:
            function = getattr(module, name)
            asks = isinstance(function, np.ufunc) or hasattr(function, "_implementation")
            if asks and not {function} & (table.keys() | compositions.keys() | answers):
                yield function


plain_ones = "pi tri eye arange zeros linspace repeat isnan argsort sign round trunc floor_divide"
"""What suggestions may also use: constants, arrays made of numbers, and functions whose gradient is 0."""


@pytest.mark.parametrize("name", sorted({name_of(function) for function in unsupported()}))
def test_what_is_suggested_for_any_of_numpys_functions_has_a_derivative(name):
    message = no_derivative(lambda: None, name, {})
    before, _, rest = message.partition(
        " has no derivative here, and a Tensor that needs a gradient would lose it. "
    )
    assert before == name
    suggestion = rest.removesuffix(
        "Add a row with minigrad.derivative, or use t.detach() where no gradient is wanted"
    )
    assert suggestion != rest
    assert re.fullmatch(
        r"|(The nearest that have one: |Nothing near it has one; the nearest among [a-z -]+: ).*\. ",
        suggestion,
    )
    for used in set(re.findall(r"\b(?:np|mg)\.[\w.]*\w", suggestion)):
        if used.removeprefix("np.") in plain_ones.split():
            continue
        function = function_named(used)
        assert function in table or function in compositions, used
        assert function not in table or not table[function].constant, used


@pytest.mark.parametrize(
    "name", [*written, *(name for names, _ in of_kind.values() for name in names.split())]
)
def test_the_tables_of_suggestions_have_the_names_that_messages_have(name):
    function = function_named(name)
    if isinstance(function_named(name.rpartition(".")[0]), np.ufunc):  # a method of a ufunc
        assert callable(function)
    elif function is not None:  # no pattern, function of SciPy's or of a newer NumPy
        assert name_of(function) == name


rng = np.random.default_rng(0)
vectors = rng.uniform(0.2, 0.9, (2, 6))
matrices = rng.uniform(0.2, 0.9, (2, 4, 3))
half = vectors[0] > np.mean(vectors[0])


def each(names: str, value: Any) -> dict[str, Any]:
    """The value for each of the names."""
    return dict.fromkeys(names.split(), value)


samples: dict[str, tuple[Any, Any]] = {
    **each(
        "np.add.reduce np.multiply.reduce np.maximum.reduce np.minimum.reduce "
        "np.linalg.matrix_transpose np.inner np.cross np.linalg.cross "
        "np.linalg.vecdot np.vecdot np.apply_along_axis",
        tuple(matrices),
    ),
    **each("np.linalg.trace np.linalg.diagonal", tuple(matrices[:, :3])),
    **each("np.kron np.linalg.matmul", (matrices[0], matrices[1].T)),
    **each("np.geomspace np.linspace np.logspace", (vectors[0, 0], vectors[1, 0])),
    **each("np.fix np.modf np.around np.cbrt", (9 * vectors[0] - 4, None)),
    **each("np.divmod np.fmod", (9 * vectors[0], vectors[1])),
    **dict.fromkeys(
        [name for name in written if "np.nan" in name], (np.where(half, np.nan, vectors[0]), None)
    ),
    "np.arccosh": (1 + vectors[0], None),
    "np.copysign": (vectors[0], vectors[1] - 0.5),
    "np.matvec": (matrices[0], vectors[1, :3]),
    "np.vecmat": (vectors[0, :4], matrices[1]),
    "np.polyval": (vectors[0], vectors[1, 0]),
}
"""What a function is called on, where that is not a vector or two."""

calls: dict[str, Callable[[Any, Any, Any], Any]] = {
    **each("np.ldexp", lambda f, x, y: f(x, 2)),
    **each("np.geomspace np.linspace np.logspace", lambda f, x, y: f(x, y, 2)),
    "np.bincount": lambda f, x, y: f([0, 1, 1, 0, 1, 1], weights=vectors[1]),
    "np.apply_along_axis": lambda f, x, y: f(np.sum, 1, x),
}
"""How it is called, where that is not f(x) or f(x, y)."""

letters: dict[str, Any] = {
    "np": np, "mg": mg, "n": 2, "c": half, "i": [2, 0, 2], "f": np.sum,
}  # fmt: skip


def in_words(text: str) -> str:
    """The expression, without what is said on where it holds."""
    return text.partition(", where")[0]


def evaluated(name: str, text: str, x: Any, y: Any, w: Any) -> list[Any]:
    own = {"np.bincount": {"i": [0, 1, 1, 0, 1, 1]}}.get(name, {})
    found = eval(text, {**letters, **own, "x": x, "y": y, "w": w})
    return list(found) if isinstance(found, list | tuple) else [found]


@pytest.mark.parametrize("name", [name for name in written if function_named(name) is not None])
def test_what_is_written_in_place_of_a_function_gives_its_values_and_keeps_the_gradient(name):
    function, text = function_named(name), in_words(written[name])
    x, y = samples.get(name, tuple(vectors))
    call = calls.get(name, (lambda f, x, y: f(x, y)) if re.search(r"\by\b", text) else lambda f, x, y: f(x))
    with np.errstate(invalid="ignore"):
        expected = call(function, x, y)
        tensors = [t if t is None else mg.Tensor(t, requires_grad=True) for t in (x, y, vectors[1])]
        found = evaluated(name, text, *tensors)
    expected = list(expected) if isinstance(expected, list | tuple) else [expected]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(plain(ours), theirs, rtol=1e-12, atol=1e-14)
        assert ours.shape == np.shape(theirs)
    flat = name in ("np.fix", "np.around")
    assert any(isinstance(ours, Tensor) and ours.requires_grad for ours in found) != flat


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: np.gcd.reduce(b), "np.gcd.reduce .* the nearest among reductions: np.sum, np.mean"),
        (lambda: np.add.at(np.zeros(4), [0], b), "np.add.at .* make a new array: np.where, np.concatenate"),
        (lambda: np.packbits(b), "np.packbits .* would lose it. Add a row"),
    ],
)
def test_the_nearest_is_nearest_in_meaning(call, said):
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
