"""Transforms of functions: against the corpus, differences, JAX and each other; what bad input gets."""

from __future__ import annotations

import tracemalloc
from typing import Any, NamedTuple

import numpy as np
import pytest
from cases import Case, analytic_cases
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.derivatives.further import factorizations
from minigrad.table import table
from minigrad.tensor import Tensor
from minigrad.transforms import forward


def close(got: Any, wanted: Any, tolerance: float = 1e-10) -> None:
    got, wanted = (x.data if isinstance(x, Tensor) else np.asarray(x) for x in (got, wanted))
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def slope(f: Any, x: np.ndarray, h: float = 1e-5) -> np.ndarray:
    """∂f/∂x by central differences, the axes of x behind those of f(x); f of arrays."""
    found = []
    for k in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[k] += h
        down[k] -= h
        found.append((np.asarray(f(up)) - np.asarray(f(down))) / (2 * h))
    return np.moveaxis(np.array(found), 0, -1).reshape(*np.shape(f(x)), *x.shape)


x3 = np.ones(3)


def tanh_net(W: Any, b: Any) -> Any:
    return np.sum(np.tanh(np.array([[0.5, -1.0], [0.3, 0.8], [1.2, 0.1]]) @ W + b) ** 2)


@pytest.fixture
def W(rng):
    return rng.normal(size=(2, 3))


@pytest.fixture
def b(rng):
    return rng.normal(size=3)


# ---- forward mode, by the rules of the reverse mode


def call(case: Case) -> Any:
    def function(*arrays: Any) -> Any:
        y = case.call(arrays)
        return tuple(y) if isinstance(y, list | tuple) else y

    return function


def inner(a: Any, b: Any) -> Any:
    """⟨a, b⟩ over all arrays of two structures."""
    if isinstance(a, tuple):
        return sum(inner(x, y) for x, y in zip(a, b, strict=True))
    return np.sum(a * b)


def generic(like: Any, seed: int) -> Any:
    if isinstance(like, tuple):
        return tuple(generic(x, seed + i) for i, x in enumerate(like))
    rng = np.random.default_rng(seed)
    return np.asarray(rng.uniform(0.5, 1.5, np.shape(like)) * rng.choice([-1.0, 1.0], np.shape(like)))


def gives_numbers(case: Case) -> bool:
    ys = case.call()
    return all(np.asarray(y).dtype.kind == "f" for y in (ys if isinstance(ys, list | tuple) else [ys]))


spectral = {np.linalg.eigvals, np.linalg.eigvalsh, np.linalg.svd, np.linalg.svdvals, np.linalg.norm}
"""Forward mode goes through vectors here, and refuses those with a free phase, used or not."""


smooth = [case for case in analytic_cases() if gives_numbers(case)]


@pytest.mark.parametrize("case", smooth, ids=lambda case: case.name)
def test_forward_mode_is_the_transpose_of_reverse_mode(case):
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩ for every row, and so are the derivatives of both sides."""
    f, x = call(case), tuple(map(np.asarray, case.arrays))
    v = generic(x, 3)
    y, pull = mg.vjp(f, *x)
    u = generic(y, 5)
    try:
        _, Jv = mg.jvp(f, x, v)
    except np.linalg.LinAlgError:
        if case.function not in spectral:
            raise
        return
    single = any(t.dtype == np.float32 for t in (y if isinstance(y, tuple) else (y,)))
    close(inner(Jv, u), inner(pull(u), v), 1e-6 if single else 1e-10)

    def forward(*x: Any) -> Any:
        return inner(mg.jvp(f, x, v)[1], u)

    def reverse(*x: Any) -> Any:
        return inner(mg.vjp(f, *x)[1](u), v)

    places = tuple(range(len(x)))
    try:
        wanted = mg.grad(reverse, argnums=places, allow_unused=True)(*x)
    except ValueError:  # linear: nothing depends on x any more
        with pytest.raises(ValueError, match="nothing that depends on"):
            mg.grad(forward, argnums=places)(*x)
        return
    for got, g in zip(mg.grad(forward, argnums=places, allow_unused=True)(*x), wanted, strict=True):
        close(got, g, 1e-8)


def is_linear(node: Tensor, i: int) -> bool:
    """Whether f is linear in one of its inputs, the others held: f(a + 2b) = f(a) + 2 f(b), also for no a."""
    values = [x.data if isinstance(x, Tensor) else x for x in node.inputs]
    row, rng = table[node.function], np.random.default_rng(4)
    a, b = rng.normal(size=(2, *values[i].shape)) + (1j if values[i].dtype.kind == "c" else 0)

    def f(x: Any) -> Any:
        inputs = [np.asarray(x, values[i].dtype) if j == i else v for j, v in enumerate(values)]
        return np.asarray(row.compute(*inputs, **node.parameters))

    try:
        with np.errstate(all="ignore"):
            return np.allclose(f(a + 2 * b), f(a) + 2 * f(b), 1e-4, 1e-4) and not f(0 * a).any()
    except np.linalg.LinAlgError:  # of a matrix for which there is no answer
        return False


def test_the_rows_that_are_said_to_be_linear_are_those_that_are():
    """In each argument with a rule, in every case; those that forward mode knows otherwise are left out."""
    found: dict[Any, bool] = {}
    known = {*forward.symmetric, *forward.together, factorizations.determined}  # which looks at values
    for case in analytic_cases():
        row = table.get(case.function)
        if row is None or row.elementwise or case.function in known:
            continue
        node = case.result([mg.Tensor(x, requires_grad=True) for x in case.arrays])
        if not isinstance(node, Tensor) or not node.requires_grad:
            continue
        for i, x in enumerate(node.inputs):
            if isinstance(x, Tensor) and x.size > 1 and row.rules[0 if row.many else i] is not None:
                found[row.function] = is_linear(node, i) and found.get(row.function, True)
    assert {f for f in found if found[f]} == {f for f in found if table[f].linear}
    assert {np.sum, np.fft.rfft, np.sort} < found.keys()


def test_a_tangent_is_a_difference(W, b, rng):
    v = rng.normal(size=W.shape)
    y, tangent = mg.jvp(lambda W: tanh_net(W, b), W, v)
    close(y, tanh_net(W, b))
    close(tangent, (tanh_net(W + 1e-6 * v, b) - tanh_net(W - 1e-6 * v, b)) / 2e-6, 1e-8)


# ---- gradients


def test_gradients_by_argument(W, b):
    dW, db = mg.grad(tanh_net, argnums=(0, 1))(W, b)
    close(dW, slope(lambda W: tanh_net(W, b), W), 1e-8)
    close(db, slope(lambda b: tanh_net(W, b), b), 1e-8)
    close(mg.grad(tanh_net, argnums=-1)(W, b), db)
    close(mg.grad(tanh_net, 1)(W, b), db)
    value, gradient = mg.value_and_grad(tanh_net)(W, b=b)
    close(value, tanh_net(W, b))
    close(gradient, dW)


class Pair(NamedTuple):
    a: Any
    b: Any


def test_structured_arguments_and_results(W, b):
    def f(p: dict) -> Any:
        return tanh_net(p["layer"][0], p["layer"].b) * p["scale"], {"W": p["layer"].a}

    given = {"layer": Pair(W, b), "scale": 2.0, "none": None}
    gradient, aux = mg.grad(f, has_aux=True)(given)
    dW, db = mg.grad(tanh_net, argnums=(0, 1))(W, b)
    assert isinstance(gradient["layer"], Pair)
    assert gradient["none"] is None
    close(gradient["layer"].a, 2 * dW.data)
    close(gradient["layer"].b, 2 * db.data)
    close(gradient["scale"], tanh_net(W, b))
    assert isinstance(aux["W"], Tensor)
    assert not aux["W"].requires_grad
    (value, aux), _ = mg.value_and_grad(f, has_aux=True)(given)
    close(value, 2 * tanh_net(W, b))
    (y, pull, aux), (z, tangent, _) = (
        mg.vjp(f, given, has_aux=True),
        mg.jvp(f, given, given, has_aux=True),
    )
    close(inner(tuple(pull(1.0)[0]["layer"]), (W, b)) + 2 * value.item() / 2, tangent)
    close(y, z)


def test_of_arrays_nothing_keeps_a_graph(W, b):
    value, gradient = mg.value_and_grad(tanh_net)(W, b)
    for x in (value, gradient, *mg.vjp(np.tanh, W)[1](W), *mg.jvp(np.tanh, W, W), mg.hessian(tanh_net)(W, b)):
        assert x.is_leaf
        assert not x.requires_grad


def test_higher_orders():
    f = mg.grad(mg.grad(mg.grad(lambda x: x**5)))
    assert f(2.0).item() == 240
    assert mg.grad(lambda x: x * mg.grad(lambda y: x + y)(1.0))(2.0).item() == 1  # not confused
    assert mg.grad(lambda w: mg.grad(lambda x: w * x * x)(3.0))(2.0).item() == 6  # through what f closes over
    cubes = mg.jacobian(mg.jacobian(lambda x: {"y": x**3, "z": (x, np.sum(x**2))}))(np.array([1.0, 2.0]))
    close(cubes["y"], [[[6, 0], [0, 0]], [[0, 0], [0, 12]]])
    close(cubes["z"][0], np.zeros((2, 2, 2)))
    close(cubes["z"][1], 2 * np.eye(2))


def test_second_order_in_any_way(W, b, rng):
    H = slope(lambda W: mg.grad(tanh_net)(W, b).data, W)
    for mode in (None, "forward", "reverse"):
        close(mg.hessian(tanh_net, mode=mode)(W, b), H, 1e-7)
    v = rng.normal(size=W.shape)
    product = mg.hvp(lambda W: tanh_net(W, b), W, v)
    close(product, np.tensordot(H, v, 2), 1e-7)
    close(mg.jvp(mg.grad(lambda W: tanh_net(W, b)), W, v)[1], product)
    blocks = mg.hessian(tanh_net, argnums=(0, 1))(W, b)
    close(blocks[1][0], slope(lambda W: mg.grad(tanh_net, 1)(W, b).data, W), 1e-7)
    both = mg.hvp(tanh_net, (W, b), (v, b))
    close(both[1], np.tensordot(blocks[1][0].data, v, 2) + blocks[1][1].data @ b)
    third = mg.grad(lambda W: inner(mg.hvp(lambda W: tanh_net(W, b), W, v), v))(W)
    close(third, slope(lambda W: inner(mg.hvp(lambda W: tanh_net(W, b), W, v), v).data, W), 1e-6)


@pytest.mark.parametrize("mode", [None, "forward", "reverse"])
def test_jacobians(mode, W, b):
    def f(W: Any, b: Any) -> Any:
        return {"h": np.tanh(W + b), "s": (np.sum(W, axis=0), np.max(b))}

    got = mg.jacobian(f, argnums=(0, 1), mode=mode)(W, b)
    for i, x in enumerate((W, b)):

        def of(x: Any, i: int = i) -> Any:
            return f(*(x if j == i else y for j, y in enumerate((W, b))))

        close(got["h"][i], slope(lambda x: of(x)["h"], x), 1e-8)
        close(got["s"][0][i], slope(lambda x: of(x)["s"][0], x), 1e-8)
        close(got["s"][1][i], slope(lambda x: of(x)["s"][1], x), 1e-8)
    assert mg.jacobian(lambda x: x[:0] * 2, mode=mode)(b).shape == (0, 3)
    rows, aux = mg.jacobian(lambda x: (2 * x, "aux"), mode=mode, has_aux=True)(b)
    close(rows, 2 * np.eye(3))
    assert aux == "aux"


def test_the_cheaper_mode_is_taken(monkeypatch):
    from minigrad.transforms import jacobian as module

    passes = []
    for way in ("_by_rows", "_by_columns"):
        original = getattr(module, way)
        monkeypatch.setattr(
            module, way, lambda e, way=way, original=original: (passes.append(way), original(e))[1]
        )
    tall, wide = np.ones((5, 2)), np.ones((2, 5))
    close(mg.jacobian(lambda x: tall @ x)(np.ones(2)), tall)
    close(mg.jacobian(lambda x: wide @ x)(np.ones(5)), wide)
    assert passes == ["_by_columns", "_by_rows"]


def test_float32_stays_float32(W, b):
    W, b = W.astype(np.float32), b.astype(np.float32)

    def f(W: Any) -> Any:
        return np.sum(np.tanh(W + b) ** 2)

    results = [
        *mg.value_and_grad(f)(W), mg.hessian(f)(W), mg.hvp(f, W, W.astype(float)), *mg.jvp(np.tanh, W, W),
        mg.vjp(np.tanh, W)[1](W)[0], mg.jacobian(np.tanh)(b), mg.jacobian(np.tanh, mode="forward")(b),
    ]  # fmt: skip
    assert {x.dtype for x in results} == {np.dtype(np.float32)}
    assert mg.jvp(lambda x: x.astype(np.float64), b, b)[1].dtype == np.float64
    assert [g.dtype for g in mg.grad(lambda x, y: np.sum(x * y), (0, 1))(b, b.astype(float))] == ["f4", "f8"]
    for mode in ("reverse", "forward"):  # a block is gradients, in the dtype of the argument
        blocks = mg.jacobian(lambda x, y: x * y, (0, 1), mode=mode)(b, b.astype(float))
        assert [block.dtype for block in blocks] == ["f4", "f8"]


# ---- Tensors, Modules, and where a graph is wanted


def model_of(rng: Any) -> Any:
    return nn.Sequential(nn.Linear(2, 3, rng=rng), nn.Tanh(), nn.Linear(3, 1, rng=rng))


def loss(model: Any, X: Any) -> Any:
    return np.mean(model(X) ** 2)


def test_a_module_has_a_gradient_for_each_parameter(rng):
    model, X = model_of(rng), rng.normal(size=(7, 2))
    loss(model, X).backward()
    _value, gradients = mg.value_and_grad(loss)(model, X)
    assert list(gradients) == [path for path, _ in model.named_parameters()]
    for path, p in model.named_parameters():
        close(gradients[path], p.grad)
    H = mg.hessian(loss)(model, X)
    p = dict(model.named_parameters())
    g = mg.grad(loss(model, X), p["2.weight"], create_graph=True)
    close(H["2.weight"]["0.bias"][0, 1], mg.grad(g[0, 1], p["0.bias"]))
    tangents = {path: np.ones(x.shape) for path, x in p.items()}
    _, moved = mg.jvp(lambda model: loss(model, X), model, tangents)
    close(moved, sum(np.sum(g.data) for g in gradients.values()))
    product = mg.hvp(lambda m: loss(m, X), model, tangents)
    close(
        product["0.bias"],
        sum(np.sum(block.data, axis=tuple(range(1, block.ndim))) for block in H["0.bias"].values()),
    )
    p["0.weight"].requires_grad = False
    assert "0.weight" not in mg.grad(loss)(model, X)
    assert mg.grad(loss, argnums=1)(model, X).shape == X.shape


def test_a_gradient_penalty_reaches_what_the_function_closes_over(rng):
    model, X = model_of(rng), rng.normal(size=(7, 2))

    def penalty() -> Any:
        return np.sum(mg.grad(loss, argnums=1)(model, X) ** 2)

    x = mg.Tensor(X, requires_grad=True)
    wanted = np.sum(mg.grad(loss(model, x), x, create_graph=True) ** 2)
    for p in model.parameters():
        if p.size > 1:
            close(mg.grad(penalty(), p), mg.grad(wanted, p))
    with mg.no_grad():
        assert not penalty().requires_grad
        value, g = mg.value_and_grad(loss)(model, X)
        assert not value.requires_grad
        assert all(x.is_leaf for x in g.values())
    value, g = mg.value_and_grad(loss, create_graph=False)(model, X)
    assert value.requires_grad
    assert all(x.is_leaf for x in g.values())


def test_a_tensor_that_needs_a_gradient_gets_one_through_the_transform():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    np.sum(mg.grad(lambda x: np.sum(x**3))(x)).backward()
    close(x.grad, [6, 12])
    for y in (
        mg.hvp(lambda x: np.sum(x**3), x, np.ones(2)),
        mg.jvp(lambda x: 3 * x**2, x, np.ones(2))[1],
        mg.vjp(lambda x: 3 * x**2, x)[1](np.ones(2))[0],
    ):
        close(mg.grad(np.sum(y), x), [6, 6])
    v = mg.Tensor([1.0, 1.0], requires_grad=True)
    close(mg.grad(np.sum(mg.jvp(np.square, np.array([1.0, 2.0]), v)[1]), v), [2, 4])
    u = mg.Tensor([1.0, 1.0], requires_grad=True)
    close(mg.grad(np.sum(mg.vjp(np.square, np.array([1.0, 2.0]))[1](u)[0]), u), [2, 4])
    y, pull = mg.vjp(np.square, x)
    close(pull(np.ones(2))[0], pull(np.ones(2))[0])
    assert mg.grad(np.sum(y), x).shape == (2,)


def test_a_stale_parameter_is_noticed(rng):
    model, X = model_of(rng), rng.normal(size=(7, 2))
    _, pull = mg.vjp(lambda model: loss(model, X), model)
    with mg.no_grad():
        model[0].weight *= 2.0
    with pytest.raises(RuntimeError, match=r'"W1".* was assigned to'):
        pull(1.0)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_a_function_that_assigns_to_what_it_has_used_has_no_jacobian(mode):
    w = mg.Tensor(2.0, requires_grad=True, name="w")

    def f(x: Any) -> Any:
        y = x * w
        with mg.no_grad():
            w.data = w.data + 1.0
        return y

    with pytest.raises(RuntimeError, match=r'"w".* was assigned to'):
        mg.jacobian(f, mode=mode)(x3)


# ---- stacks of passes


def test_a_large_jacobian_is_made_in_pieces(monkeypatch, rng):
    from minigrad.transforms import stacked

    A, x = rng.normal(size=(5, 4)), rng.normal(size=4)
    for mode in ("reverse", "forward"):
        whole = mg.jacobian(lambda x: np.tanh(A @ x), mode=mode)(x)
        monkeypatch.setattr(stacked, "_most", 11)  # two passes at a time
        close(mg.jacobian(lambda x: np.tanh(A @ x), mode=mode)(x), whole.data)
        monkeypatch.undo()


def test_of_many_numbers_by_one_there_is_no_matrix_of_all_pairs(monkeypatch):
    from minigrad.transforms import stacked

    x, n = np.ones(1), 2000
    cases = [("reverse", lambda x: x * np.ones(n), x), ("forward", np.sum, np.ones(n))]
    monkeypatch.setattr(stacked, "_most", 10 * n)
    for mode, f, at in cases:
        tracemalloc.start()
        try:
            J = mg.jacobian(f, mode=mode)(at)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        close(J, np.ones(J.shape))
        assert peak < n * n  # bytes; the seeds of all passes are eight times that


def test_of_arrays_in_chunks_as_of_numpys(rng):
    da = pytest.importorskip("dask.array")
    A, x = rng.normal(size=(5, 3)), rng.normal(size=3)

    def f(A: Any) -> Any:
        def f(x: Any) -> Any:
            h = np.tanh(A @ x)[1:] * np.max(x)
            return np.stack([h, h[::-1]]).reshape(-1) + np.sum(np.maximum(x, 0)[[0, 2, 0]]) - np.mean(x)

        return f

    def cost(x: Any) -> Any:
        return np.sum(f(A if isinstance(x.data, np.ndarray) else da.from_array(A, chunks=2))(x) ** 2)

    chunks = [da.from_array(a, chunks=2) for a in (A, x)]
    for mode in ("reverse", "forward"):
        J = mg.jacobian(f(chunks[0]), mode=mode)(chunks[1])
        assert isinstance(J.data, da.Array)
        close(J.data.compute(), mg.jacobian(f(A), mode=mode)(x))
    close(mg.hessian(cost)(chunks[1]).data.compute(), mg.hessian(cost)(x))


def test_a_rule_of_ones_own_is_given_one_pass_at_a_time():
    """One that looks at g's shape, and one for first order only: it computes with arrays."""
    shapes = []

    @mg.primitive
    def positive_part(x):
        return np.maximum(x, 0)

    def rule(g: Any, x: Any) -> Any:
        shapes.append(g.shape)
        return g * mg.Tensor(np.heaviside(mg.tensor.plain(x), 0))

    mg.derivative(positive_part, x=rule, elementwise=True)
    x = np.array([1.0, -2.0, 3.0])
    for mode in ("reverse", "forward"):
        close(mg.jacobian(lambda x: positive_part(x) * 2, mode=mode)(x), np.diag([2.0, 0, 2]))
    assert set(shapes) == {(3,)}


def test_a_rule_that_gives_no_array_is_named():
    @mg.primitive
    def halved(x):
        return x / 2

    mg.derivative(halved, x=lambda g: "half")
    with pytest.raises(TypeError, match=r"the rule of halved gave 'half' for .*, not an array"):
        mg.jacobian(halved)(x3)


# ---- compile


@pytest.mark.parametrize(
    "transformed",
    [
        mg.grad(lambda x: np.sum(np.tanh(x) ** 2 * x)),
        mg.hessian(lambda x: np.sum(np.tanh(x) ** 2 * x)),
        mg.hessian(lambda x: np.sum(np.tanh(x) ** 2 * x), mode="forward"),
        mg.jacobian(lambda x: mg.softmax(x) * x[0]),
        lambda x: mg.hvp(lambda x: np.sum(x**3) * x[0], x, x),
        lambda x: mg.jvp(np.sin, x, x)[1],
        lambda x: mg.vjp(np.sin, x)[1](x)[0],
        lambda x: mg.grad(lambda x, s: np.sum(x * s), argnums=(0, 1))(x, 2.0)[1],
    ],
)
def test_a_compiled_transform_is_read_anew_at_each_call(transformed, rng):
    compiled = mg.compile(transformed)
    for _ in range(3):
        x = rng.normal(size=3)
        close(compiled(x), transformed(x))
    assert compiled.stats()["recordings"] == 1


def test_a_compiled_number_is_read_anew_too():
    compiled = mg.compile(mg.grad(lambda x, s: x * s * s, argnums=1))
    assert [compiled(2.0, s).item() for s in (3.0, 5.0)] == [12, 20]


class Scaled:
    scale = 2.0

    @mg.compile
    def cost(self, x: Any) -> Any:
        return np.sum(np.tanh(x) ** 2 * x) * self.scale


def test_of_a_compiled_function_the_function_is_differentiated(rng):
    def cost(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 2 * x)

    compiled, x, v = mg.compile(cost), *rng.normal(size=(2, 3))
    value = compiled(x)
    for transform in (mg.grad, mg.hessian, mg.jacobian, lambda f: mg.grad(lambda x: f(x) ** 2)):
        close(transform(compiled)(x), transform(cost)(x))
        close(mg.compile(transform(compiled))(x), transform(cost)(x))
    close(mg.grad(mg.checkpoint(compiled))(x), mg.grad(cost)(x))
    close(mg.jvp(compiled, x, v)[1], mg.jvp(cost, x, v)[1])
    close(mg.hvp(compiled, x, v), mg.hvp(cost, x, v))
    close(mg.vjp(compiled, x)[1](2.0)[0], 2 * mg.grad(cost)(x))
    close(mg.grad(Scaled().cost)(x), 2 * mg.grad(cost)(x))
    close(compiled(x), value)
    assert compiled.stats()["replays"] == 1  # outside of transforms


def test_what_a_compiled_function_reaches_is_differentiated_too(rng):
    model, X = model_of(rng), rng.normal(size=(7, 2))
    compiled = mg.compile(loss)

    def penalized(loss: Any) -> Any:
        return lambda model: loss(model, X) + np.sum(model[0].weight ** 2)

    wanted = mg.grad(penalized(loss))(model)
    for path, g in mg.grad(penalized(compiled))(model).items():
        close(g, wanted[path])


# ---- a primitive of one's own


@mg.primitive
def masked_affine(x, w, mask, *, scale, shift=0.0):
    return scale * x * w * mask + shift


@pytest.fixture
def own():
    mg.derivative(
        masked_affine,
        x=lambda g, w, mask, scale: g * scale * w * mask,
        w=lambda g, x, mask, scale: g * scale * x * mask,
        mask=None,
    )
    return masked_affine


def test_a_primitive_of_ones_own_goes_through_everything(own, rng):
    x, w = rng.normal(size=(2, 3, 2))
    mask = rng.random((3, 2)) < 0.7

    def f(x: Any, w: Any) -> Any:
        return np.sum(np.sin(own(x, w, mask, scale=2.0, shift=0.5)))

    def composed(x: Any, w: Any) -> Any:
        return np.sum(np.sin(2 * x * w * mask + 0.5))

    for transform in (
        mg.grad,
        mg.hessian,
        mg.jacobian,
        lambda f: mg.grad(mg.checkpoint(f)),
        lambda f: mg.compile(mg.grad(f)),
    ):
        close(transform(f)(x, w), transform(composed)(x, w))
    close(mg.jvp(f, (x, w), (w, x))[1], mg.jvp(composed, (x, w), (w, x))[1])
    close(mg.hvp(f, (x, w), (w, x))[1], mg.hvp(composed, (x, w), (w, x))[1])
    assert mg.check_rule(own, (x, w, mask), scale=2.0)
    X, V = (mg.Tensor(a, requires_grad=True, name=name) for a, name in ((x, "X"), (w, "V")))
    derivation = mg.derive(f(X, V))
    close(derivation.run()[1]["dX"], mg.grad(f)(x, w))
    assert "affine" in derivation.latex()
    assert "masked affine" in mg.draw(f(X, V)).dot


# ---- random compositions

unary = (
    np.sin,
    np.tanh,
    mg.sigmoid,
    mg.softmax,
    np.square,
    lambda x: x[::-1] * 1.0,
    lambda x: np.exp(-x * x),
)
binary = (np.add, np.multiply, lambda a, b: a / (2 + b * b), lambda a, b: np.outer(a, b) @ b)
steps = st.lists(
    st.tuples(st.integers(0, len(unary) + len(binary) - 1), st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
    max_size=6,
)


def composition(program: Any) -> Any:
    """A function of a vector: each step takes earlier values."""

    def f(x: Any) -> Any:
        values = [x]
        for which, i, j in program:
            a, b = values[-1 - i % len(values)], values[j % len(values)]
            values.append(unary[which](a) if which < len(unary) else binary[which - len(unary)](a, b))
        return values[-1] + 0.1 * x

    return f


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(0, 1000))
def test_random_compositions(program, seed):
    rng = np.random.default_rng(seed)
    f, (x, v, u) = composition(program), rng.uniform(-1, 1, (3, 3))
    J = mg.jacobian(f, mode="forward")(x).data
    close(mg.jacobian(f, mode="reverse")(x), J)
    close(mg.jvp(f, x, v)[1], J @ v)
    close(mg.vjp(f, x)[1](u)[0], J.T @ u)
    close(mg.jacobian(mg.checkpoint(f))(x), J)

    def scalar(x: Any) -> Any:
        return np.sum(f(x) * u)

    H = mg.hessian(scalar)(x).data
    close(H, H.T)
    close(mg.hessian(mg.checkpoint(scalar), mode="forward")(x), H)
    close(mg.hvp(scalar, x, v), H @ v)
    close(mg.grad(mg.checkpoint(scalar))(x), mg.grad(scalar)(x))
    close(J, slope(lambda x: f(mg.Tensor(x)).data, x), 1e-6)


@pytest.mark.parametrize(
    ("gives", "message"),
    [
        (lambda x: (x, x), r"gave a tuple, not an array \(of several make one\)"),
        (lambda x: mg.Tensor(x), "gave a Tensor, not an array"),
        (lambda x: None, "gave a NoneType, not an array"),
    ],
)
def test_a_primitive_gives_one_array(gives, message):
    function = mg.primitive(gives)
    mg.derivative(function, x=lambda g: g)
    with pytest.raises(TypeError, match=message):
        function(mg.Tensor(1.0, requires_grad=True))


# ---- JAX


def test_as_in_jax(W, b, rng):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    X, v = rng.normal(size=(5, 2)), rng.normal(size=W.shape)

    def f_of(np: Any) -> Any:
        def f(p: Any) -> Any:
            h = np.tanh(X @ p["W"] + p["b"])
            return np.sum(h**2), {"h": h}

        return f

    def g_of(np: Any) -> Any:
        return lambda p: (np.tanh(p["W"] + p["b"]), {"s": np.sum(p["W"], axis=0) * p["b"]})

    p = {"W": W, "b": b}
    pairs = [
        (mg.value_and_grad(f_of(np), has_aux=True)(p), jax.value_and_grad(f_of(jnp), has_aux=True)(p)),
        (mg.hessian(lambda p: f_of(np)(p)[0])(p), jax.hessian(lambda p: f_of(jnp)(p)[0])(p)),
        (mg.jacobian(g_of(np), mode="forward")(p), jax.jacfwd(g_of(jnp))(p)),
        (mg.jacobian(g_of(np))(p), jax.jacrev(g_of(jnp))(p)),
        (mg.jvp(g_of(np), (p,), ({"W": v, "b": b},)), jax.jvp(g_of(jnp), (p,), ({"W": v, "b": b},))),
    ]
    u = (v, {"s": b})
    pairs.append((mg.vjp(g_of(np), p)[1](u), jax.vjp(g_of(jnp), p)[1](jax.tree.map(jnp.asarray, u))))
    for got, wanted in pairs:
        got, wanted = jax.tree.flatten(got), jax.tree.flatten(wanted)
        assert str(got[1]) == str(wanted[1])
        for x, y in zip(got[0], wanted[0], strict=True):
            close(x, np.asarray(y))


# ---- bad input


def f(x: Any, y: Any = 1.0) -> Any:
    return np.sum(x * x) * y


linear = nn.Linear(1, 1, rng=0)


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (lambda: mg.grad(f)(3), TypeError, "grad: x is int64; only real floating-point .*1.0 for 1"),
        (lambda: mg.grad(f)(1j), TypeError, "grad: x is complex128; only real"),
        (lambda: mg.grad(lambda x: x * 1j)(1.0), TypeError, "gives complex128; there are gradients"),
        (lambda: mg.grad(f)("x"), TypeError, "grad: x is a str; wanted an array"),
        (lambda: mg.grad(f)({"a": [x3, "n"]}), TypeError, r"grad: x\['a'\]\[1\] is a str"),
        (lambda: mg.grad(f)([]), TypeError, "grad: x has no arrays"),
        (lambda: mg.grad(f, argnums=2)(x3), ValueError, "argnums=2, and there are 1 arguments"),
        (lambda: mg.grad(f, argnums=(0, -2))(x3, 1.0), ValueError, "names an argument twice"),
        (lambda: mg.grad(f, argnums="x")(x3), TypeError, "argnums= is a position"),
        (lambda: mg.grad(f, argnums=np.int64(2))(x3), ValueError, "and there are 1 arguments"),
        (lambda: mg.grad(f, argnums=0.5)(x3), TypeError, "argnums= is a position"),
        (lambda: mg.grad(f, mg.Tensor(1.0))(x3), TypeError, "argnums= is a position"),
        (lambda: mg.grad(f)([linear, linear]), ValueError, r"x\[1\].weight is x\[0\].weight again"),
        (lambda: mg.grad(f, argnums=())(x3), ValueError, "names no argument"),
        (lambda: mg.grad(np.sin)(x3), ValueError, r"np.sin gives a Tensor of shape \(3,\), not a scalar"),
        (lambda: mg.grad(lambda x: (x, x))(1.0), TypeError, "gives a tuple, not one number; with has_aux"),
        (lambda: mg.grad(lambda x: "x")(1.0), TypeError, "gives a str; wanted a Tensor"),
        (lambda: mg.grad(f, has_aux=True)(x3), TypeError, r"with has_aux=True f gives \(output, aux\)"),
        (lambda: mg.grad(lambda x: 1.0)(x3), ValueError, "gives nothing that depends on x; is it"),
        (lambda: mg.grad(lambda x: np.sum(x.detach()))(x3), ValueError, "gives nothing that depends on x"),
        (lambda: mg.grad(lambda p: p["a"])({"a": 1.0, "b": 2.0}), ValueError, r"not depend on p\['b'\]; "),
        (lambda: mg.grad(f, gradient=x3), TypeError, "of a function, write grad"),
        (lambda: mg.grad(f, 0, argnums=0), TypeError, "of a function, write grad"),
        (lambda: mg.grad(mg.Tensor(1.0), argnums=0), TypeError, "belong to grad"),
        (lambda: mg.grad(mg.Tensor(1.0)), TypeError, "of a Tensor, write grad"),
        (lambda: mg.value_and_grad(f)(3), TypeError, "value_and_grad: x is int64"),
        (lambda: mg.vjp(np.sin, x3)[1](np.ones(2)), ValueError, r"vjp: .* has shape \(2,\); wanted \(3,\)"),
        (lambda: mg.vjp(np.sin, x3)[1]({"a": 1}), TypeError, "vjp: .* is a dict; wanted an array"),
        (lambda: mg.vjp(lambda x: (x, x), x3)[1](x3), ValueError, "vjp: for the cotangent, 2 values in a"),
        (lambda: mg.vjp(lambda x: {"a": x}, x3)[1](x3), ValueError, r"keys \['a'\], came a ndarray"),
        (lambda: mg.jvp(np.sin, x3, 1.0), ValueError, r"jvp: the tangent of .* has shape \(\); wanted"),
        (lambda: mg.jvp(np.sin, (x3,), x3), TypeError, "the tangents are one too, not a ndarray"),
        (lambda: mg.jvp(f, (x3, 1.0), (x3,)), ValueError, "2 values in a sequence, came a tuple of 1"),
        (lambda: mg.jvp(np.sin, x3, x3 * 1j), TypeError, "is complex128; wanted real"),
        (lambda: mg.jvp(lambda x: np.ones(3), x3, x3), ValueError, "jvp: the function gives nothing"),
        (lambda: mg.hvp(np.sin, x3, x3), ValueError, "hvp: np.sin gives .*not a scalar"),
        (lambda: mg.jacobian(np.sin, mode="fast"), ValueError, 'jacobian: mode is "reverse", "forward"'),
        (lambda: mg.jacobian(3), TypeError, "jacobian: a int is not a function"),
        (lambda: mg.jacobian(lambda x: mg.Tensor(x3))(x3), ValueError, "jacobian: .* nothing that depends"),
        (lambda: mg.hessian(np.sin)(x3), ValueError, "hessian: np.sin gives .*not a scalar"),
        (lambda: mg.hessian(3), TypeError, "hessian: a int is not a function"),
    ],
)  # fmt: skip
def test_what_bad_input_gets(wrong, kind, message):
    with pytest.raises(kind, match=message) as caught:
        wrong()
    assert "\n" not in str(caught.value)


def test_zeros_where_they_are_right():
    a, b = mg.grad(lambda p: p["a"] * 2, allow_unused=True)({"a": 1.0, "b": x3}).values()
    assert a.item() == 2
    assert not b.data.any()
    close(mg.hessian(lambda x: np.sum(x))(x3), np.zeros((3, 3)))
    close(mg.hvp(lambda x: np.sum(x), x3, x3), np.zeros(3))
    close(mg.vjp(lambda x, y: 2 * x, 1.0, x3)[1](1.0)[1], np.zeros(3))
    close(mg.jvp(lambda x: (x, np.ones(2)), x3, x3)[1][1], np.zeros(2))
    for mode in ("reverse", "forward"):
        blocks = mg.jacobian(lambda x, y: (2 * x, np.sum(y)), (0, 1), mode=mode)(x3, np.ones(2))
        close(blocks[0][1], np.zeros((3, 2)))
        close(blocks[1][0], np.zeros(3))


def test_recording_is_as_it_was_after_an_error():
    def fails(x: Any) -> Any:
        raise KeyError("x")

    with mg.no_grad():
        for transform in (mg.grad(fails), mg.jacobian(fails), lambda x: mg.hvp(fails, x, x)):
            with pytest.raises(KeyError):
                transform(x3)
            assert not (mg.Tensor(1.0, requires_grad=True) * 2).requires_grad


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_recording_is_as_it_was_after_a_rule_has_failed(mode):
    @mg.primitive
    def doubled(x: Any) -> Any:
        return 2 * x

    mg.derivative(doubled, x=lambda g: g["x"])
    with mg.no_grad():
        mg.jacobian(np.sin, mode=mode)(x3)
        assert not (mg.Tensor(1.0, requires_grad=True) * 2).requires_grad
        with pytest.raises(Exception, match=r"indices|index"):
            mg.jacobian(doubled, mode=mode)(x3)
        assert not (mg.Tensor(1.0, requires_grad=True) * 2).requires_grad
