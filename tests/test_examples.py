"""Every example runs, its numbers are what independent formulas say, and its pictures are there."""

import importlib.util
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import backprop, show
from minigrad.program import Program
from minigrad.show.pictures import rendering
from minigrad.table import table

pytest.importorskip("matplotlib")
pytest.importorskip("sklearn")

scripts = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
PNG, SVG = b"\x89PNG\r\n\x1a\n", b"</svg>"


def can_draw() -> bool:
    try:
        rendering.render("digraph { W -> Z }")
    except show.NoRenderer:
        return False
    return True


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run an example by its number, and check its pictures (without a renderer, their DOT)."""

    def save_dot(graph, path):
        Path(path).write_text(graph.dot, encoding="utf-8")

    if not can_draw():
        monkeypatch.setattr(show.Graph, "save", save_dot)

    def run_number(number: int) -> dict:
        (script,) = [path for path in scripts if path.name.startswith(f"{number:02}_")]
        spec = importlib.util.spec_from_file_location(f"example_{number}", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        numbers = module.main(tmp_path)
        pictures = [path for path in tmp_path.iterdir() if path.suffix in (".png", ".svg")]
        assert any(path.stem == script.stem for path in pictures)
        for path in pictures:
            assert path.name.startswith(script.stem)
            content = path.read_bytes()
            if path.suffix == ".png":
                assert content.startswith(PNG)
                assert len(content) > 5000
            else:
                assert content.rstrip().endswith(SVG if can_draw() else b"}")
        return numbers

    rows = dict(table)
    yield run_number
    table.clear()  # of the rows that examples enter
    table.update(rows)


@pytest.fixture
def derived(monkeypatch):
    """Derive each kind of loss that is differentiated, run the text, and compare it with the machine."""
    found: dict[tuple, str] = {}
    backward, grad = backprop.backward, backprop.grad

    def check(output):
        output = output if output.size == 1 else np.sum(output)
        leaves = {leaf.name: leaf.kind for leaf in Program(output).leaves}
        kind = (len(Program(output).equations), *leaves)
        if kind not in found:
            derivation = show.derive(output)
            found[kind] = derivation.numpy()
            cost, gradients = derivation.run()
            np.testing.assert_allclose(cost, output.data, rtol=1e-12)
            for x, g in zip(derivation.wrt, gradients.values(), strict=True):
                wanted = grad(output, x).data
                np.testing.assert_allclose(g, wanted, rtol=0, atol=1e-12 * max(np.max(np.abs(wanted)), 1e-3))

    monkeypatch.setattr(backprop, "backward", lambda y, *given: check(y) or backward(y, *given))
    monkeypatch.setattr(mg, "grad", lambda y, *given, **named: check(y) or grad(y, *given, **named))
    return found


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_the_losses_of_an_example_can_be_derived(number, run, derived):
    run(number)
    assert derived
    assert all("# backward" in text for text in derived.values())


def test_every_example_has_a_test():
    tested = {name[5:7] for name in globals() if name.startswith("test_") and name[5:7].isdigit()}
    assert tested == {path.name[:2] for path in scripts}


def test_01_chain_rule(run):
    x, y = 1.5, -2.0
    numbers = run(1)
    assert numbers["J"] == pytest.approx(np.sin(x * y) + x**2)
    assert numbers["du"] == pytest.approx(np.cos(x * y))
    assert numbers["dx"] == numbers["x.grad"] == pytest.approx(y * np.cos(x * y) + 2 * x)
    assert numbers["dy"] == numbers["y.grad"] == pytest.approx(x * np.cos(x * y))
    assert numbers["ddx"] == pytest.approx(-y * y * np.sin(x * y) + 2)


def test_11_step_through(run):
    numbers = run(11)
    assert (numbers["right"], numbers["naive"]) == (156, 108)
    assert "dA2 = dmultiply_2 * D2" in numbers["page"]


def test_12_backward_picture(run):
    dot = run(12)["dot"]
    assert "dA2_drop = dZ3 W3" in dot
    assert "dA2 = dA2_drop ⊙ D2 ÷ keep_prob" in dot


def test_13_exercise(run):
    numbers = run(13)
    first, second, bug = numbers["first"], numbers["second"], numbers["bug"]
    assert [(fault.line, fault.what) for fault in first.faults] == [("dA1", "without `/ keep_prob`")]
    assert first.verdicts["dW1"].verdict == "follows from dZ1"
    assert numbers["hint"].startswith("dA1: A1 reaches J through A1_drop.")
    assert second.ok
    assert len(second.verdicts) == 6
    assert numbers["found"] == list(bug.solution().names)


def test_18_newton(run):
    numbers = run(18)
    slopes = numbers["slopes"]
    np.testing.assert_allclose(numbers["w"], numbers["by_products"], rtol=1e-8)
    assert slopes["matrix"][-1] < 1e-10
    assert slopes["products"][-1] < 1e-10
    assert slopes["matrix"][-2] < slopes["matrix"][-3] ** 1.5  # the exponent of what is left grows: quadratic
    assert slopes["descent"][-1] > 0.1


def test_14_early_stopping(run):
    numbers = run(14)
    history, further, best = numbers["history"], numbers["further"], numbers["best"]
    assert len(history) == best + 40 < len(further) == 300
    assert history["dev_cost"] == further["dev_cost"][: len(history)]
    assert numbers["kept"] == min(history["dev_cost"]) == history["dev_cost"][best - 1]
    assert further["cost"][-1] < further["cost"][best - 1]
    assert further["dev_cost"][-1] > 1.2 * numbers["kept"]


def test_15_lambda_by_gradient(run):
    numbers = run(15)
    derivatives, found, best = numbers["derivatives"], numbers["found"], numbers["best"]
    for k, derivative in derivatives.items():
        assert derivative == pytest.approx(numbers["differences"][k], rel=1e-5)
    assert found[10] < 0.05  # a short training asks for no λ
    assert found[10] < found[20] < found[60]
    assert found[60] == pytest.approx(best, rel=0.25)
    costs = dict(zip(numbers["results"]["lambd"], numbers["results"]["dev_cost"], strict=True))
    assert costs[best] == min(costs.values()) < 0.7 * costs[0]


def test_16_compile(run):
    numbers = run(16)
    np.testing.assert_allclose(numbers["replayed"], numbers["eager"], rtol=1e-9)
    assert numbers["eager"][-1] < 0.6 * numbers["eager"][0]
    assert numbers["stats"]["recordings"] == 1
    assert numbers["stats"]["replays"] == len(numbers["eager"]) - 1
    assert "rng.random(out=" in numbers["source"]


def test_02_hand_derivation(run):
    difference = run(2)["difference"]
    names = "Z3 W3 b3 A2_drop A2 Z2 W2 b2 A1_drop A1 Z1 W1 b1"
    assert list(difference) == names.split()
    assert max(difference.values()) < 1e-14


def test_03_cost(run):
    numbers = run(3)
    A, Y = numbers["A"], numbers["Y"]
    cost = -sum(np.log(a) if y else np.log(1 - a) for a, y in zip(A.ravel(), Y.ravel(), strict=True)) / len(A)
    for way in ("typed", "from A", "from Z"):
        assert numbers[way] == pytest.approx(cost, rel=1e-12)
    squares = sum(w * w for W in (numbers["W1"], numbers["W2"]) for w in W.ravel())
    assert numbers["J"] == pytest.approx(cost + 0.7 / (2 * len(A)) * squares, rel=1e-12)
    assert numbers["J nn"] == pytest.approx(numbers["J"], rel=1e-12)
    assert numbers["difference"] < 1e-14
    assert numbers["saturated"] == pytest.approx(40)


def test_04_l2(run):
    numbers = run(4)
    assert numbers["rule"] < 1e-15
    assert numbers["same"] < 1e-6
    assert numbers["shrunk"] < numbers["start"] < numbers["plain"]


def test_05_dropout(run):
    numbers = run(5)
    assert numbers["forward"] < 1e-15
    assert numbers["backward"] < 1e-15
    assert numbers["bias"] < 6 * np.sqrt((1 / 0.86 - 1) / 20_000)  # six standard deviations of the mean
    assert numbers["eval"] is True


def test_06_l2_and_dropout(run):
    numbers = run(6)
    for name in ("L2", "dropout", "both"):
        assert numbers[name]["cost"] > numbers["none"]["cost"]
        assert numbers[name]["cost_dev"] < numbers["none"]["cost_dev"]
        assert numbers[name]["errors_dev"] <= 7


def test_07_digits(run):
    numbers = run(7)
    assert numbers["accuracy"] > 0.94
    assert numbers["wrong"] == round(450 * (1 - numbers["accuracy"]))
    np.testing.assert_allclose(numbers["rows"], 1, rtol=1e-12)
    assert numbers["rule"] < 1e-15


def test_08_own_function(run):
    numbers = run(8)
    x, s = numbers["x"], 1 / (1 + np.exp(-numbers["x"]))
    assert numbers["right"]
    assert not numbers["wrong"]
    np.testing.assert_allclose(numbers["dy"], s + x * s * (1 - s), atol=1e-14)
    np.testing.assert_allclose(numbers["ddy"], s * (1 - s) * (2 + x * (1 - 2 * s)), atol=1e-14)
    assert numbers["difference"] < 1e-14


def test_09_save_and_resume(run):
    numbers = run(9)
    assert len(numbers["bits"]) == 4
    assert all(numbers["bits"].values())
    assert numbers["costs"]
    assert numbers["last"] < numbers["first"]


def test_19_arrays_in_chunks(run):
    pytest.importorskip("dask.array")
    numbers = run(19)
    np.testing.assert_allclose(numbers["costs"], numbers["wanted"], rtol=1e-12)
    assert numbers["difference"] < 1e-12
    assert numbers["costs"][-1] < 0.7 * numbers["costs"][0]
    assert len(set(numbers["tasks"])) == 1
    assert min(np.diff(numbers["growing"])) > 0.9 * numbers["tasks"][0]


def test_10_drawing(run):
    numbers = run(10)
    for word in ("W1", "W2", "D1", "A1_drop", "keep_prob", "lambd", "penalty"):
        assert word in numbers["10_drawing"]
        assert word in numbers["10_drawing_layers"]
    assert "b1" not in numbers["10_drawing"]
    assert "b1" in numbers["10_drawing_layers"]
    assert "Dropout(keep_prob=0.86)" in numbers["10_drawing_layers"]
    assert "box3d" in numbers["10_drawing_folded"]
    assert "box3d" not in numbers["10_drawing_layers"]


def test_17_convolution(run):
    numbers = run(17)
    assert numbers["accuracy"] > 0.94
    assert numbers["wrong"] == round(450 * (1 - numbers["accuracy"]))
    assert numbers["costs"][-1] < numbers["costs"][0] / 5
    assert numbers["rule"] < 1e-13


def loaded(number: int):
    """An example's module."""
    (script,) = [path for path in scripts if path.name.startswith(f"{number:02}_")]
    spec = importlib.util.spec_from_file_location(f"example_{number}", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained_by(number: int) -> tuple:
    """What an example trains: (model, its optimizer, loss of the model and a batch, data), all new."""
    example, nn = loaded(number), mg.nn
    data = {6: mg.data.breast_cancer, 7: mg.data.digits, 17: mg.data.digits}.get(
        number, mg.data.side_of_the_field
    )()
    digits = number in (7, 17)
    model = {
        4: lambda: example.network(),
        5: lambda: example.network(np.random.default_rng(4)),
        6: lambda: example.network(0.86),
        7: lambda: example.network(np.random.default_rng(7)),
        9: lambda: example.Run(seed=8).model,
        17: lambda: example.network(np.random.default_rng(7)),
    }[number]()
    adam = number in (9, 17)
    optimizer = (
        mg.optim.Adam(model.parameters(), lr=0.01) if adam else mg.optim.SGD(model.parameters(), lr=0.3)
    )

    def loss(X, y):
        cost = nn.cross_entropy if digits else nn.binary_cross_entropy_with_logits
        J = cost(model(X), y)
        return J + nn.l2_penalty(model, lambd=0.7, m=len(X)) if number in (4, 6) else J

    return model, optimizer, loss, data


@pytest.mark.parametrize("number", [4, 5, 6, 7, 9, 17])
def test_two_hundred_steps_of_what_an_example_trains_are_the_same_replayed(number):
    ends = []
    for compiled in (False, True):
        model, optimizer, loss, data = trained_by(number)

        def step(X, y, loss=loss, optimizer=optimizer):
            J = loss(X, y)
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            return J

        run = mg.compile(step) if compiled else step
        batch = mg.Tensor(data.X[:32]), data.y[:32]
        costs = [run(*batch).item() for _ in range(200)]
        ends.append((costs, [p.data for p in model.parameters()]))
        assert not compiled or run.stats()["replays"] >= 198
    (eager, weights), (replayed, others) = ends
    np.testing.assert_allclose(replayed, eager, rtol=1e-9, atol=1e-11)
    for w, other in zip(weights, others, strict=True):
        # Adam makes steps of 1e-10 of the rounding in the gradient of a bias that BatchNorm takes away again
        np.testing.assert_allclose(other, w, rtol=1e-8, atol=1e-8)


def test_what_an_example_fits_is_the_same_replayed(monkeypatch):
    example, fit = loaded(14), mg.fit
    data = mg.data.side_of_the_field()
    models = []
    for compiled in (False, True):
        monkeypatch.setattr(mg, "fit", partial(fit, compiled=compiled, progress=False))
        model, _ = example.train(data, 20, [])
        models.append([p.data for p in model.parameters()])
    for w, other in zip(*models, strict=True):
        np.testing.assert_allclose(other, w, rtol=1e-8, atol=1e-10)


def test_the_derivative_by_lambda_is_the_same_replayed():
    example = loaded(15)

    def derivative(lambd):
        return mg.grad(example.dev_cost(lambd, 5), lambd)

    compiled = mg.compile(derivative)
    for value in (0.3, 2.0, 0.7):
        eager = derivative(mg.Tensor(value, requires_grad=True)).item()
        np.testing.assert_allclose(compiled(mg.Tensor(value, requires_grad=True)).item(), eager, rtol=1e-11)
    assert compiled.stats()["recordings"] == 1


def test_newtons_method_is_the_same_replayed():
    example = loaded(18)

    def by_matrix(w):
        return np.linalg.solve(mg.hessian(example.cost)(w), mg.grad(example.cost)(w))

    def by_a_product(w):
        """The first direction of the conjugate gradients."""
        g = mg.grad(example.cost)(w)
        return (g @ g) / (g @ mg.hvp(example.cost, w, g)) * g

    for direction in (by_matrix, by_a_product):
        compiled, w = mg.compile(direction), mg.Tensor(np.zeros(example.n))
        for _ in range(8):
            step = direction(w)
            np.testing.assert_allclose(compiled(w), step, rtol=1e-9, atol=1e-12)
            w = (w - step).detach()
        assert compiled.stats()["recordings"] == 1
