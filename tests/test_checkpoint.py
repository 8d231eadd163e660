"""checkpoint: the same gradients of any order, from a second forward pass, in less memory."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.program import Program
from minigrad.tensor import Tensor


def same(function: Any) -> Any:
    return function


def close(got: Any, wanted: Any) -> None:
    got, wanted = (x.data if isinstance(x, Tensor) else x for x in (got, wanted))
    np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)


def network(wrap: Any, rng: Any) -> Any:
    """Dropout and parameters inside, and a checkpoint within a checkpoint."""
    inner = wrap(nn.Sequential(nn.Linear(4, 4, rng=1), nn.Dropout(keep_prob=0.5, rng=rng), nn.Tanh()))
    outer = wrap(nn.Sequential(nn.Linear(2, 4, rng=2), nn.Dropout(keep_prob=0.8, rng=rng), inner, inner))
    return nn.Sequential(outer, nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(4, 1, rng=3))


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_gradients_are_those_without_it(order, kind):
    X = np.random.default_rng(0).normal(size=(7, 2))

    def gradients(wrap: Any) -> list[Any]:
        rng = kind(5)
        model = network(wrap, rng)
        parameters = [p for p in model.parameters() if p.ndim == 2]
        J = np.mean(model(X) ** 2)
        for _ in range(order - 1):
            J = sum(np.sum(g * g) for g in mg.grad(J, parameters, create_graph=True))
        J.backward()
        return [J, *(p.grad for p in parameters), rng.random(3), model(X)]  # the draws after it, too

    for got, wanted in zip(gradients(mg.checkpoint), gradients(same), strict=True):
        close(got, wanted)


def test_the_forward_pass_keeps_the_inputs_only(rng):
    x = mg.Tensor(rng.normal(size=3), requires_grad=True, name="x")
    w = mg.Tensor(rng.normal(size=3), requires_grad=True, name="w")

    @mg.checkpoint
    def block(x: Any) -> Any:
        """Its own words."""
        return np.tanh(np.sin(x) * w + np.ones(3))

    y = block(x * 2)
    assert block.__name__ == "block"
    assert block.__doc__ == "Its own words."
    assert [e.function.__name__ for e in Program(y).equations] == ["multiply", "checkpoint"]
    assert {leaf.name for leaf in Program(y).leaves} == {"x", "w"}


def test_several_results_nested_and_of_several_dtypes(rng):
    def f(x: Any, *, scale: float, data: dict) -> Any:
        z = np.sin(x) * scale + data["a"]
        return {"z": z, "rest": (np.sum(z), [z.astype(np.float32), 3, "text", x > 0]), "x": x, "again": z}

    x = mg.Tensor(rng.normal(size=(2, 3)), requires_grad=True)

    def total(wrap: Any) -> Any:
        found = wrap(f)(x, scale=2.0, data={"a": np.ones(3), "unused": None})
        z32, three, text, positive = found["rest"][1]
        assert (three, text, z32.dtype, positive.dtype) == (3, "text", np.float32, bool)
        assert found["x"] is x
        assert found["again"] is found["z"]
        return (
            np.sum(found["z"] ** 2 * positive)
            + found["rest"][0] ** 2
            + np.sum(z32 * z32)
            + np.sum(found["again"])
        )

    close(total(mg.checkpoint), total(same))
    g, h = (mg.grad(total(wrap), x, create_graph=True) for wrap in (mg.checkpoint, same))
    np.testing.assert_allclose(g, h, rtol=1e-6)
    np.testing.assert_allclose(mg.grad(np.sum(g**2), x), mg.grad(np.sum(h**2), x), rtol=1e-5)


def test_arrays_are_kept_as_they_were_given():
    x, a = mg.Tensor(2.0, requires_grad=True), np.array([1.0, 2.0])
    y = np.sum(mg.checkpoint(lambda x, a: x * x * a)(x, a))
    a[:] = 100
    close(mg.grad(y, x), 12.0)


def test_a_method_may_be_decorated(rng):
    class Net(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter(np.array([0.5, 0.7]), name="w")

        @mg.checkpoint
        def forward(self, x: Any, *, power: int) -> Any:
            return np.sum(np.tanh(x * self.w) ** power)

    net = Net()
    y = net(np.ones(2), power=2)
    assert [e.function.__name__ for e in Program(y).equations] == ["checkpoint"]
    y.backward()
    close(net.w.grad, 2 * np.tanh(net.w.data) * (1 - np.tanh(net.w.data) ** 2))


def test_a_module_is_one_still(rng):
    model = nn.Sequential(mg.checkpoint(nn.Linear(2, 3, rng=rng)), nn.ReLU(), nn.Linear(3, 1, rng=rng))
    assert list(model.state_dict()) == ["0.module.weight", "0.module.bias", "2.weight", "2.bias"]
    y = model(np.ones((4, 2)))
    assert model.eval()[0].module.training is False
    assert Program(y).equations[0].output.label == "Z1"


def test_a_mask_beside_the_result_holds_no_graph():
    x = mg.Tensor([1.0, -2.0], requires_grad=True)

    def f(x: Any) -> Any:
        h = np.sin(x)
        positive = h > 0
        positive.name = "D"
        return h * positive, positive, mg.constant(3.0)

    y, positive, _ = mg.checkpoint(f)(x)
    assert positive.is_leaf
    assert (positive.name, positive.tolist()) == ("D", [True, False])
    close(mg.grad(np.sum(y), x), [np.cos(1.0), 0])


def test_what_it_keeps_is_freed_at_once():
    x = mg.Tensor(np.ones(3), requires_grad=True)
    gc.collect()
    gc.disable()
    try:
        y = np.sum(mg.checkpoint(np.sin)(x))
        segment = weakref.ref(y.inputs[0].parameters["of"])
        y.backward()
        mg.grad(y, x)
        del y
        assert segment() is None
    finally:
        gc.enable()


class Centred(nn.Module):
    """x without its mean, whose running mean it keeps in two ways."""

    def __init__(self) -> None:
        self.mean, self.last = mg.Tensor(np.zeros(2)), mg.Tensor(0.0)

    def forward(self, x: Any) -> Any:
        mean = np.mean(x, axis=0)
        with mg.no_grad():
            self.mean[...] = self.mean * 0.9 + mean * 0.1
            self.last = self.last + 1.0
        return np.sin(x - mean)


@pytest.mark.parametrize("inside", [False, True])
def test_running_means_are_brought_up_to_date_once(inside, rng):
    module, x = Centred(), mg.Tensor(rng.normal(size=(5, 2)), requires_grad=True)
    block = mg.checkpoint(module)
    if inside:
        block = mg.checkpoint(nn.Sequential(block))
    np.sum(block(x) ** 2).backward()
    close(module.mean, 0.1 * np.mean(x.data, axis=0))
    assert module.last.item() == 1


@pytest.mark.parametrize("reach", ["closure", "list"])
def test_running_means_of_modules_that_are_not_its_arguments(reach, rng):
    layers, x = [nn.BatchNorm1d(2), nn.BatchNorm1d(2)], mg.Tensor(rng.normal(size=(5, 2)), requires_grad=True)
    if reach == "list":
        y = mg.checkpoint(lambda x, layers: layers[1](layers[0](x)))(x, layers)
    else:
        y = mg.checkpoint(lambda x: layers[1](layers[0](x)))(x)
    np.sum(y**3).backward()
    close(layers[0].running_mean, 0.1 * np.mean(x.data, axis=0))
    again = mg.Tensor(x.data, requires_grad=True)
    np.sum(layers[1](layers[0](again)) ** 3).backward()
    close(x.grad, again.grad)


def test_a_leaf_that_the_function_makes_may_be_assigned_to():
    def f(x):
        scale = mg.Tensor(np.zeros(2))
        scale[...] = [2.0, 3.0]
        return np.sin(x * scale)

    x = np.array([0.4, -0.7])
    close(mg.grad(lambda x: np.sum(mg.checkpoint(f)(x)))(x), mg.grad(lambda x: np.sum(f(x)))(x))


def test_masks_held_still(rng):
    block = mg.checkpoint(nn.Sequential(nn.Linear(2, 4, rng=0), nn.Dropout(keep_prob=0.5, rng=rng)))
    block(np.ones((3, 2)))
    with nn.fixed_masks(block):
        assert mg.gradcheck(lambda *p: np.sum(block(np.ones((3, 2))) ** 2), block.parameters())


def test_where_nothing_is_recorded_it_is_the_function_itself():
    x = mg.Tensor(2.0, requires_grad=True)
    block = mg.checkpoint(lambda x: x * x)
    with mg.no_grad():
        assert block(x).is_leaf
    assert block(3.0) == 9.0
    assert block(mg.Tensor(3.0)).item() == 9


def test_what_has_no_part_has_zeros():
    x, y = mg.Tensor([1.0, 2.0], requires_grad=True), mg.Tensor(1.0, requires_grad=True)
    z = mg.checkpoint(lambda x, y: (x * 2, x * y))(x, y)
    close(mg.grad(np.sum(z[0]), y), 0)
    with pytest.raises(ValueError, match="does not depend on"):
        mg.grad(np.sum(mg.checkpoint(lambda x, y: x * 2)(x, y)), y)


def test_hooks_and_retained_gradients_at_its_ends_are_called_once(rng):
    W = mg.Tensor(rng.normal(size=2), requires_grad=True)
    seen: list[Any] = []
    W.register_hook(lambda g: seen.append("W"))
    x = W * 2
    x.register_hook(lambda g: g * 10)
    x.retain_grad()

    @mg.checkpoint
    def block(x: Any) -> Any:
        h = np.sin(x) * W
        h.register_hook(lambda g: g * 3)  # inside
        return h

    np.sum(block(x)).backward()
    assert seen == ["W"]
    close(x.grad, 30 * np.cos(x.data) * W.data)
    close(W.grad, 2 * x.grad.data + 3 * np.sin(x.data))


def test_forward_mode_does_not_go_past_a_hook_inside():
    def f(x: Any) -> Any:
        h = x * x
        h.register_hook(lambda g: np.clip(g, -0.5, 0.5))
        return np.concatenate([h, 3 * h])  # more numbers than there are in x

    x, wanted = np.array([1.0, 2.0]), np.vstack([np.diag([1, 2.0])] * 2)
    for g in (mg.checkpoint(f), mg.checkpoint(mg.checkpoint(f))):
        close(mg.jacobian(g)(x), wanted)
        for forward in (mg.jacobian(g, mode="forward"), lambda x, g=g: mg.jvp(g, x, x)):
            with pytest.raises(RuntimeError, match=r"a Tensor of shape \(2,\) has a hook"):
                forward(x)


def test_complex_results_beside_real_ones(rng):
    def f(x: Any) -> Any:
        z = np.fft.fft(x)
        return z, np.sin(x), z.astype(np.complex64)

    def loss(x: Any, f: Any = f) -> Any:
        z, s, w = f(x)
        return np.sum(np.absolute(z) ** 2 * s) + np.sum(np.imag(w))

    x, c = rng.normal(size=4), mg.checkpoint(f)
    results = c(mg.Tensor(x, requires_grad=True))
    assert [y.dtype for y in results] == [np.complex128, np.float64, np.complex64]
    for transform in (mg.grad, mg.hessian):
        np.testing.assert_allclose(transform(lambda x: loss(x, c))(x), transform(loss)(x), rtol=1e-6)


def test_transforms_of_it_and_in_it(rng):
    def f(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 3 * x[0])

    def penalized(x: Any) -> Any:
        return np.sum(mg.grad(f)(x) ** 2)

    x, v = rng.normal(size=(2, 3))
    for g in (f, penalized):
        close(mg.grad(mg.checkpoint(g))(x), mg.grad(g)(x))
        close(mg.hessian(mg.checkpoint(g))(x), mg.hessian(g)(x))
        close(mg.jvp(mg.checkpoint(g), x, v)[1], mg.jvp(g, x, v)[1])
    assert mg.gradcheck(mg.checkpoint(f), mg.Tensor(x, requires_grad=True), order=2)


def test_for_a_jacobian_it_is_computed_again_once(rng):
    W, x, calls = mg.Tensor(rng.normal(size=(2, 3)), requires_grad=True), rng.normal(size=3), []

    def f(x: Any) -> Any:
        h = np.sin(x)
        h.register_hook(lambda g: 2 * g)
        return np.tanh(W @ h) * x[0], np.sum(x * x[1])

    def counted(x: Any) -> Any:
        calls.append(x)
        return f(x)

    with mg.no_grad():
        for got, wanted in zip(
            mg.jacobian(mg.checkpoint(counted))(x), mg.jacobian(f, mode="reverse")(x), strict=True
        ):
            close(got, wanted)
        assert len(calls) == 1 + 2  # once for each result
    J = mg.jacobian(mg.checkpoint(lambda x: f(x)[0]))(x)  # a graph, to W
    close(mg.grad(np.sum(J**2), W), mg.grad(np.sum(mg.jacobian(lambda x: f(x)[0])(x) ** 2), W))


def test_a_jacobian_where_one_of_its_inputs_is_computed_of_another():
    def f(x: Any, wrap: Any) -> Any:
        h = x * x
        h.register_hook(lambda g: 2 * g)
        return wrap(lambda a, b: a * np.sin(b))(x, h)

    x = np.array([1.0, 2.0])
    close(mg.jacobian(lambda x: f(x, mg.checkpoint))(x), mg.jacobian(lambda x: f(x, same))(x).data)


@pytest.mark.parametrize("order", [1, 2])
def test_a_compiled_step_is_that_of_the_function(order):
    X = np.random.default_rng(0).normal(size=(7, 2))

    def costs(wrap: Any, compiled: Any) -> list[float]:
        model = network(wrap, np.random.default_rng(5))
        optimizer = mg.optim.SGD(model.parameters(), lr=0.1)

        @compiled
        def step(X: Any) -> Any:
            J = np.mean(model(X) ** 2)
            if order == 2:
                J = J + np.sum(mg.grad(J, model[2].weight, create_graph=True) ** 2)
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            return J

        return [step(X).item() for _ in range(4)]

    np.testing.assert_allclose(costs(mg.checkpoint, mg.compile), costs(same, same), rtol=1e-10)


# ---- readers of the graph


@pytest.fixture
def drawn(rng):
    w = mg.Tensor(rng.normal(size=3), requires_grad=True, name="w")
    x = mg.Tensor(rng.normal(size=3), requires_grad=True, name="x")

    @mg.checkpoint
    def block(x: Any) -> Any:
        return np.sin(x) * w

    return np.sum(block(x * 2) ** 2), x, w


def test_readers_show_one_box(drawn):
    J, x, w = drawn
    assert "checkpoint block" in mg.draw(J).dot
    assert "sin" not in mg.draw(J).dot.replace("np.sin", "")
    mg.draw(J, backward=True)
    mg.steps(J)
    derivation = mg.derive(J)
    assert "block([" in derivation.numpy()
    assert "checkpoint" in derivation.latex()
    assert "the call is made again" in " ".join(derivation.explain().split())
    cost, gradients = derivation.run()
    close(cost, J)
    close(gradients["dx"], mg.grad(J, x))
    close(gradients["dw"], mg.grad(J, w))


def test_a_derivation_has_the_masks_of_the_call():
    rng = np.random.default_rng(1)
    block = mg.checkpoint(nn.Sequential(nn.Linear(2, 4, rng=0), nn.Dropout(keep_prob=0.5, rng=rng)))
    J = np.sum(np.tanh(block(mg.Tensor(np.ones((3, 2)), name="X"))))
    state = rng.bit_generator.state
    derivation = mg.derive(J)
    cost, gradients = derivation.run()
    assert rng.bit_generator.state == state
    close(cost, J)
    close(gradients["dW"], mg.grad(J, block.module[0].weight))


def test_a_derivation_runs_with_other_values(drawn, rng):
    J, _x, _w = drawn
    names = [leaf.name for leaf in Program(J).leaves if leaf.name in ("x", "w")]
    new = {name: rng.normal(size=3) for name in names}
    derivation = mg.derive(J)
    namespace: dict[str, Any] = {}
    exec(derivation.numpy(), namespace)
    of = Program(J).equations[1].parameters["of"]
    cost, gradients = namespace["loss_and_gradients"](**new, block=of)
    close(cost, np.sum((np.sin(2 * new["x"]) * new["w"]) ** 2))
    close(gradients["dw"], 2 * np.sin(2 * new["x"]) ** 2 * new["w"])


# ---- bad input


def test_draws_outside_of_the_graph_are_noticed(rng):
    x = mg.Tensor(np.ones(50), requires_grad=True)
    y = np.sum(mg.checkpoint(lambda x: x * x * (rng.random(50) < 0.5))(x))
    with pytest.raises(
        RuntimeError, match="checkpoint: function gives something else when it is computed again"
    ):
        y.backward()
    assert x.grad is None


def test_another_mode_is_noticed(rng):
    block = mg.checkpoint(nn.Sequential(nn.Linear(3, 3, rng=rng), nn.Dropout(keep_prob=0.5, rng=rng)))
    y = np.sum(block(np.ones((9, 3))))
    block.eval()
    with pytest.raises(RuntimeError, match="checkpoint: Sequential gives something else"):
        y.backward()


def test_a_parameter_that_was_assigned_to_is_noticed():
    w = mg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    y = np.sum(mg.checkpoint(lambda: np.sin(w) * w)())
    with mg.no_grad():
        w -= 0.5
    with pytest.raises(RuntimeError, match=r'"w" \(2,\) was assigned to after mg.checkpoint used it'):
        y.backward()


def test_a_leaf_of_its_own_is_refused():
    def f(x: Any) -> Any:
        return x * mg.Tensor(2.0, requires_grad=True, name="own")

    with pytest.raises(RuntimeError, match=r'checkpoint: f makes "own" \(\), a leaf that needs a gradient'):
        mg.checkpoint(f)(mg.Tensor(1.0, requires_grad=True))


def test_what_is_no_function():
    with pytest.raises(TypeError, match="checkpoint: a int is not a function"):
        mg.checkpoint(3)

    def pieces(x: Any) -> Any:
        yield x * 2

    with pytest.raises(TypeError, match="checkpoint: pieces is a coroutine or a generator, which computes"):
        mg.checkpoint(pieces)


def test_an_error_in_the_first_pass_leaves_all_as_it_was(rng):
    """And it is an error of the function's own, as if there were no checkpoint."""
    x = mg.Tensor(np.ones(5), requires_grad=True)

    @mg.checkpoint
    def f(x: Any) -> Any:
        mg.random.bernoulli(rng, (5,), 0.5)
        raise KeyError("first")

    with pytest.raises(KeyError, match="first"), mg.no_grad(), mg.enable_grad():
        f(x)
    assert mg.checkpoint(np.sin)(x).requires_grad
    assert mg.random.first_states.get() == ()


def test_an_error_in_the_second_pass_puts_the_generators_back(rng):
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        y = x * mg.random.bernoulli(rng, (5,), 0.5)
        if len(calls) > 1:
            raise KeyError("second")
        return y

    y = np.sum(mg.checkpoint(f)(mg.Tensor(np.ones(5), requires_grad=True)))
    state = rng.bit_generator.state
    with pytest.raises(KeyError):
        y.backward()
    assert rng.bit_generator.state == state


# ---- memory


def test_a_hundred_layers_in_ten_pieces_take_a_fraction_of_the_memory():
    """√100 + 100/10 layers' arrays at a time, of 100: about a fifth."""
    w = mg.Tensor(np.eye(4) * 0.9, requires_grad=True)
    X = np.ones((2000, 4))

    def piece(x: Any) -> Any:
        for _ in range(10):
            x = np.tanh(x @ w)
        return x

    def peak(wrap: Any) -> tuple[int, Tensor]:
        gc.collect()
        tracemalloc.start()
        x: Any = X
        for _ in range(10):
            x = wrap(piece)(x)
        g = mg.grad(np.sum(x), w)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, g

    (kept, g), (again, h) = peak(same), peak(mg.checkpoint)
    close(g, h)
    assert again < 0.25 * kept
