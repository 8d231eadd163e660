"""Optimizers and schedules: their equations, PyTorch's trajectories, what is refused, states."""

import copy
import pickle
import warnings
from fractions import Fraction
from math import cos, pi

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD, Adam, AdamW, CosineLR, Optimizer, StepLR

shapes = {"W1": (4, 5), "b1": (4,), "W2": (1, 4), "s": ()}


def start(dtype=np.float64):
    rng = np.random.default_rng(8)
    return {name: np.asarray(rng.standard_normal(shape), dtype=dtype) for name, shape in shapes.items()}


def parameters(dtype=np.float64):
    return [
        mg.nn.Parameter(value, name=name, decay=name[0] != "b", dtype=dtype)
        for name, value in start(dtype).items()
    ]


def gradients(values, t):
    """A gradient that depends on the values and on the step, and is far from 0 nowhere in particular."""
    return [np.sin(3 * w + 0.1 * t + i) * (1 + 0.3 * w) for i, w in enumerate(values)]


def run(optimizer, ps, steps, first=0):
    for t in range(first, first + steps):
        for p, g in zip(ps, gradients([p.data for p in ps], t), strict=True):
            p.grad = g.astype(p.dtype)
        optimizer.step()
    return [p.data.copy() for p in ps]


# ---- independent transcriptions of the algorithms, in plain NumPy


def sgd_by_hand(w, grads, lr, momentum=0.0, nesterov=False, decay=0.0):
    v = None
    for g in grads:
        g = g(w) + decay * w
        if momentum:
            v = g if v is None else momentum * v + g
            g = g + momentum * v if nesterov else v
        w = w - lr * g
    return w


def adam_by_hand(w, grads, lr, betas=(0.9, 0.999), eps=1e-8, decay=0.0, decoupled=0.0):
    m = v = 0.0
    for t, g in enumerate(grads, 1):
        w = w - lr * decoupled * w
        g = g(w / (1 - lr * decoupled)) + decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w


variants = {
    "SGD": (SGD, {"lr": 0.05}),
    "SGD decay": (SGD, {"lr": 0.05, "weight_decay": 0.3}),
    "momentum": (SGD, {"lr": 0.05, "momentum": 0.9}),
    "momentum decay": (SGD, {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.3}),
    "Nesterov": (SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.3}),
    "Adam": (Adam, {"lr": 0.01}),
    "Adam decay": (Adam, {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.3}),
    "AdamW": (AdamW, {"lr": 0.01, "weight_decay": 0.3}),
    "AdamW plain": (AdamW, {"lr": 0.01}),
}


@pytest.mark.parametrize("variant", variants)
@pytest.mark.parametrize("decay_biases", [False, True])
def test_trajectories_agree_with_a_transcription(variant, decay_biases):
    kind, options = variants[variant]
    ps = parameters()
    found = run(kind(ps, **options, decay_biases=decay_biases), ps, 50)
    options = dict(options)
    decay = options.pop("weight_decay", 0.0)
    for i, (name, w) in enumerate(start().items()):
        touched = decay if decay_biases or name[0] != "b" else 0.0
        grads = [lambda w, t=t, i=i: gradients([w] * (i + 1), t)[i] for t in range(50)]
        if kind is SGD:
            expected = sgd_by_hand(w, grads, decay=touched, **options)
        else:
            expected = adam_by_hand(
                w, grads, **options, **{"decay" if kind is Adam else "decoupled": touched}
            )
        np.testing.assert_allclose(found[i], expected, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("variant", variants)
def test_trajectories_agree_with_torch(variant):
    torch = pytest.importorskip("torch")
    kind, options = variants[variant]
    ps = parameters()
    found = run(kind(ps, **options, decay_biases=True), ps, 50)
    theirs = [torch.tensor(value, requires_grad=True) for value in start().values()]
    options = {"weight_decay": 0.0, **options}  # AdamW's default is another there
    optimizer = getattr(torch.optim, kind.__name__)(theirs, **options)
    for t in range(50):
        for p, g in zip(theirs, gradients([p.detach().numpy() for p in theirs], t), strict=True):
            p.grad = torch.tensor(g)
        optimizer.step()
    for ours, p in zip(found, theirs, strict=True):
        np.testing.assert_allclose(ours, p.detach().numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_the_defaults_are_those_of_torch_but_for_decay(kind):
    torch = pytest.importorskip("torch")
    ours = kind(parameters(), lr=0.01).hyperparameters()
    theirs = getattr(torch.optim, kind.__name__)([torch.zeros(1)], lr=0.01).defaults
    shared = ours.keys() & theirs.keys() - {"weight_decay"}
    assert {key: ours[key] for key in shared} == {key: theirs[key] for key in shared}
    assert ours["weight_decay"] == 0
    assert not ours["decay_biases"]


def test_the_first_steps_by_head():
    w = mg.Tensor([1.0], requires_grad=True)
    w.grad = [2.0]
    SGD([w], lr=0.1).step()
    assert w.data == pytest.approx([0.8])
    w.grad = [-30.0]
    Adam([w], lr=0.1).step()  # the first step of Adam is lr · sign(g)
    assert w.data == pytest.approx([0.9])
    w.grad = [5.0]
    AdamW([w], lr=0.1, weight_decay=0.5).step()
    assert w.data == pytest.approx([0.9 * (1 - 0.1 * 0.5) - 0.1])


# ---- weight decay says what it touches


def test_weight_decay_says_whether_it_touches_biases():
    ps = parameters()
    assert "weight_decay touches W1, W2, s, not b1" in repr(SGD(ps, lr=0.1, weight_decay=0.3))
    assert repr(SGD(ps, lr=0.1, weight_decay=0.3, decay_biases=True)).endswith("touches W1, b1, W2, s")
    assert repr(SGD([ps[1]], lr=0.1, weight_decay=0.3)).endswith("touches nothing, not b1")
    assert "touches" not in repr(SGD(ps, lr=0.1))
    assert "decay_biases" in Optimizer.__doc__


def test_biases_stay_with_a_gradient_of_0():
    ps = parameters()
    for p in ps:
        p.grad = np.zeros(p.shape)
    SGD(ps, lr=0.1, weight_decay=0.3).step()
    for p, (name, before) in zip(ps, start().items(), strict=True):
        np.testing.assert_allclose(p.data, before if name == "b1" else (1 - 0.03) * before, rtol=1e-14)
    SGD(ps, lr=0.1, weight_decay=0.3, decay_biases=True).step()
    np.testing.assert_allclose(ps[1].data, 0.97 * start()["b1"], rtol=1e-14)


def test_a_plain_tensor_decays():
    w = mg.Tensor([1.0], requires_grad=True)
    w.grad = [0.0]
    SGD([w], lr=0.1, weight_decay=0.5).step()
    assert w.data == pytest.approx([0.95])


# ---- steps


@pytest.mark.parametrize("variant", variants)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(variant, dtype):
    kind, options = variants[variant]
    ps = parameters(dtype)
    optimizer = kind(ps, **{**options, "lr": np.float64(options["lr"])})
    run(optimizer, ps, 3)
    assert {p.dtype for p in ps} == {np.dtype(dtype)}
    assert {np.asarray(a).dtype for s in optimizer.state for k, a in s.items() if k != "count"} <= {
        np.dtype(dtype)
    }


@pytest.mark.parametrize("variant", variants)
def test_a_parameter_without_a_gradient_stays(variant):
    kind, options = variants[variant]
    ps = parameters()
    optimizer = kind(ps, **options)
    ps[0].grad = np.ones(ps[0].shape)
    optimizer.step()
    assert not np.array_equal(ps[0].data, start()["W1"])
    for p in ps[1:]:
        np.testing.assert_array_equal(p.data, start()[p.name])
    assert optimizer.state[1:] == [{}, {}, {}]
    assert optimizer.steps == 1
    optimizer.zero_grad()
    before = ps[0].data
    optimizer.step()
    np.testing.assert_array_equal(ps[0].data, before)


def test_zero_grad_forgets():
    ps = parameters()
    for p in ps:
        p.grad = np.ones(p.shape)
    SGD(ps, lr=0.1).zero_grad()
    assert all(p.grad is None for p in ps)


def test_a_step_makes_older_graphs_stale():
    w = mg.Tensor([1.0], requires_grad=True, name="w")
    optimizer = SGD([w], lr=0.1)
    J = np.sum(w * w)
    J.backward()
    optimizer.step()
    with pytest.raises(RuntimeError, match=r'"w".*stale'):
        J.backward()


def test_a_step_changes_neither_the_gradient_nor_arrays_that_were_read():
    for kind, options in variants.values():
        ps = parameters()
        optimizer = kind(ps, **options)
        read = [p.data for p in ps]
        run(optimizer, ps, 2)
        state = optimizer.state_dict()
        kept, given = copy.deepcopy(state), [p.grad.data.copy() for p in ps]
        optimizer.step()
        optimizer.step()
        np.testing.assert_equal(state, kept)
        np.testing.assert_equal([p.grad.data for p in ps], given)
        np.testing.assert_equal(read, list(start().values()))


@pytest.mark.parametrize("variant", variants)
def test_a_step_that_fails_changes_nothing(variant):
    kind, options = variants[variant]
    ps = parameters()
    optimizer = kind(ps, **options)
    run(optimizer, ps, 1)
    before, state = [p.data for p in ps], copy.deepcopy(optimizer.state_dict())
    ps[0].grad = np.ones(ps[0].shape)
    ps[2].grad = np.full(ps[2].shape, 1e308)
    optimizer.lr = 1e10
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        optimizer.step()
    np.testing.assert_equal([p.data for p in ps], before)
    state["hyperparameters"]["lr"] = 1e10
    np.testing.assert_equal(optimizer.state_dict(), state)


def test_training_learns(rng):
    for kind, lr in ((SGD, 0.5), (Adam, 0.05), (AdamW, 0.05)):
        model = mg.nn.Sequential(mg.nn.Linear(2, 8, rng=0), mg.nn.Tanh(), mg.nn.Linear(8, 1, rng=1))
        optimizer = kind(model.parameters(), lr=lr)
        X = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
        Y = np.array([[0], [1], [1], [0]])
        for _ in range(400):
            optimizer.zero_grad()
            J = mg.nn.binary_cross_entropy_with_logits(model(X), Y)
            J.backward()
            optimizer.step()
        assert J.item() < 0.1


# ---- what is refused


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (SGD, {"lr": -0.1}, "SGD: lr must be a number ≥ 0, not -0.1"),
        (SGD, {"lr": np.nan}, "SGD: lr must be a number ≥ 0, not nan"),
        (SGD, {"lr": np.inf}, "SGD: lr must be a number ≥ 0, not inf"),
        (SGD, {"lr": "0.1"}, "SGD: lr must be a number ≥ 0, not '0.1'"),
        (SGD, {"lr": None}, "SGD: lr"),
        (SGD, {"lr": True}, "SGD: lr"),
        (SGD, {"lr": 0.1, "momentum": 1.0}, "SGD: momentum must be a number ≥ 0 and < 1, not 1.0"),
        (SGD, {"lr": 0.1, "momentum": -0.1}, "SGD: momentum"),
        (SGD, {"lr": 0.1, "nesterov": True}, "SGD: nesterov=True needs a momentum > 0"),
        (SGD, {"lr": 0.1, "weight_decay": -1e-3}, "SGD: weight_decay must be a number ≥ 0"),
        (Adam, {"lr": -1}, "Adam: lr"),
        (Adam, {"betas": (0.9, 1.0)}, "Adam: betas must be a number ≥ 0 and < 1, not 1.0"),
        (Adam, {"betas": (-0.1, 0.9)}, "Adam: betas"),
        (Adam, {"betas": 0.9}, r"Adam: betas must be two numbers \(β₁, β₂\), not 0.9"),
        (Adam, {"betas": (0.9,)}, "Adam: betas must be two numbers"),
        (Adam, {"betas": (0.9, 0.99, 0.999)}, "Adam: betas must be two numbers"),
        (Adam, {"eps": 0}, "Adam: eps must be a number > 0, not 0"),
        (AdamW, {"weight_decay": "much"}, "AdamW: weight_decay"),
    ],
)
def test_numbers_out_of_range_are_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(parameters(), **options)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize("name", ["lr", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, "0.1", None, True, 1j, np.array(0.1), [0.1]])
def test_a_number_set_between_steps_is_checked_when_it_is_set(kind, name, value):
    ps = parameters()
    optimizer = kind(ps, lr=0.1, weight_decay=0.3)
    run(optimizer, ps, 1)
    before = copy.deepcopy(vars(optimizer))
    with pytest.raises(ValueError, match=f"{kind.__name__}: {name} must be a number ≥ 0, not ") as caught:
        setattr(optimizer, name, value)
    assert "\n" not in str(caught.value)
    after = vars(optimizer)
    assert before.keys() == after.keys()
    np.testing.assert_equal(after["state"], before["state"])
    np.testing.assert_equal([p.data for p in after["parameters"]], [p.data for p in before["parameters"]])
    assert (optimizer.lr, optimizer.weight_decay, optimizer.steps) == (0.1, 0.3, 1)


@pytest.mark.parametrize("variant", variants)
@pytest.mark.parametrize("number", [np.float64, np.float32, Fraction])
def test_a_number_set_between_steps_is_a_float_and_widens_nothing(variant, number):
    kind, options = variants[variant]
    ps = parameters(np.float32)
    optimizer = kind(ps, **options)
    optimizer.lr, optimizer.weight_decay = number(0.25), number(0.5)
    assert (type(optimizer.lr), type(optimizer.weight_decay)) == (float, float)
    assert (optimizer.lr, optimizer.weight_decay) == (0.25, 0.5)
    run(optimizer, ps, 3)
    arrays = [array for state in optimizer.state for slot, array in state.items() if slot != "count"]
    assert {x.dtype for x in (*ps, *arrays)} == {np.dtype(np.float32)}
    assert optimizer.state_dict()["hyperparameters"]["lr"] == 0.25


def test_a_number_set_between_steps_is_used_and_saved():
    ps, others = parameters(), parameters()
    optimizer = SGD(ps, lr=0.1)
    optimizer.lr, optimizer.weight_decay = 0.2, 0.3
    other = SGD(others, lr=0.7)
    other.load_state_dict(optimizer.state_dict())
    expected = SGD(parameters(), lr=0.2, weight_decay=0.3)
    trajectory = run(expected, expected.parameters, 3)
    np.testing.assert_equal(run(optimizer, ps, 3), trajectory)
    np.testing.assert_equal(run(other, others, 3), trajectory)
    twin = pickle.loads(pickle.dumps(optimizer))
    assert twin.hyperparameters() == optimizer.hyperparameters()


def used_up():
    found = mg.nn.Linear(2, 2, rng=0).parameters()
    list(found)
    return found


def frozen():
    p = parameters()[0]
    p.requires_grad = False
    return [p]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (list, ValueError, r"there are no parameters \(an iterator that was used up\?\)"),
        (used_up, ValueError, "there are no parameters"),
        (lambda: parameters()[0], TypeError, r"give a list of parameters, \[W\], not one Tensor"),
        (lambda: 2 * parameters()[:1], ValueError, r'given twice: "W1" \(4, 5\)'),
        (lambda: mg.nn.Linear(2, 2, rng=0), TypeError, r"give model\.parameters\(\), not the Linear itself"),
        (lambda: mg.nn.Sequential(mg.nn.Linear(2, 2, rng=0)), TypeError, r"give model\.parameters\(\)"),
        (lambda: mg.nn.Linear(2, 2, rng=0).named_parameters(), TypeError, "a tuple is not a Tensor"),
        (lambda: [np.ones(2)], TypeError, "a ndarray is not a Tensor"),
        (lambda: [mg.Tensor([1.0], name="x")], TypeError, r'"x" \(1,\) needs no gradient'),
        (frozen, TypeError, r'"W1" \(4, 5\) needs no gradient'),
        (lambda: [2 * parameters()[1]], TypeError, r"a Tensor of shape \(4,\) is a result, not a leaf"),
    ],
)
def test_what_is_not_a_list_of_parameters_is_refused(kind, given, error, message):
    with pytest.raises(error, match=f"{kind.__name__}: {message}") as caught:
        kind(given(), lr=0.1)
    assert "\n" not in str(caught.value)


def test_parameters_may_be_an_iterator():
    model = mg.nn.Linear(2, 2, rng=0)
    optimizer = SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        np.sum(model(np.ones((1, 2)))).backward()
        optimizer.step()
    assert model.bias.data == pytest.approx([-0.3, -0.3])


def test_tied_parameters_of_a_model_are_stepped_once():
    model = mg.nn.Sequential(mg.nn.Linear(2, 2, rng=0), mg.nn.Linear(2, 2, rng=1))
    model[1].weight = model[0].weight
    assert len(SGD(model.parameters(), lr=0.1).parameters) == 3


# ---- states


@pytest.mark.parametrize("variant", variants)
@pytest.mark.parametrize("stop", [0, 1, 5])
def test_a_restored_optimizer_takes_the_same_steps(variant, stop):
    kind, options = variants[variant]
    ps = parameters()
    optimizer = kind(ps, **options)
    halfway = run(optimizer, ps, stop)
    state = copy.deepcopy(optimizer.state_dict())
    expected = run(optimizer, ps, 5, first=stop)

    others = parameters()
    with mg.no_grad():
        for p, value in zip(others, halfway, strict=True):
            p.data = value
    other = kind(others, lr=0.7)
    run(other, others, 0)
    other.load_state_dict(state)
    assert other.hyperparameters() == optimizer.hyperparameters()
    assert repr(other) == repr(optimizer)
    np.testing.assert_equal(run(other, others, 5, first=stop), expected)
    assert other.steps == optimizer.steps == stop + 5


def test_a_parameter_that_was_skipped_keeps_its_own_count():
    ps = parameters()
    optimizer = Adam(ps, lr=0.1)
    ps[0].grad = np.ones(ps[0].shape)
    optimizer.step()
    optimizer.step()
    ps[1].grad = np.ones(ps[1].shape)
    optimizer.step()
    other = Adam(parameters(), lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    assert [s.get("count") for s in other.state] == [3, 1, None, None]


def test_a_state_is_loaded_though_a_parameter_is_frozen_by_now():
    W, b = (mg.Tensor(np.ones(3), requires_grad=True) for _ in range(2))
    optimizer = SGD([W, b], lr=0.1, momentum=0.9)
    parameters, state = optimizer.parameters, SGD([W, b], lr=0.2).state_dict()
    W.requires_grad = False
    optimizer.load_state_dict(state)
    assert optimizer.lr == 0.2
    assert optimizer.parameters is parameters


def test_a_loaded_state_is_a_copy_in_the_parameters_dtype():
    ps = parameters()
    optimizer = SGD(ps, lr=0.1, momentum=0.9)
    run(optimizer, ps, 2)
    state = copy.deepcopy(optimizer.state_dict())
    other = SGD(parameters(np.float32), lr=0.1, momentum=0.9)
    other.load_state_dict(state)
    assert other.state[0]["velocity"].dtype == np.float32
    same = SGD(ps, lr=0.1, momentum=0.9)
    same.load_state_dict(state)
    state["state"][0]["velocity"][:] = np.nan
    assert np.isfinite(same.state[0]["velocity"]).all()


def changed(**changes):
    def change(state):
        for key, value in changes.items():
            target = state["hyperparameters"] if key in state["hyperparameters"] else state
            target[key] = value
        return state

    return change


def without(key):
    return lambda state: {k: v for k, v in state.items() if k != key}


def slot(name, value):
    def change(state):
        state["state"][2] = {**state["state"][2], name: value}
        return state

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: None, "the state has a NoneType; wanted kind, hyperparameters, steps, state"),
        (lambda state: {}, "the state has nothing"),
        (without("steps"), "the state has kind, hyperparameters, state; wanted kind"),
        (changed(kind="SGD"), "the state is of 'SGD'"),
        (changed(hyperparameters={"lr": 0.1}), "the state has lr; wanted lr, weight_decay"),
        (changed(lr=-1.0), "lr must be a number ≥ 0, not -1.0"),
        (changed(lr="fast"), "lr must be a number ≥ 0, not 'fast'"),
        (changed(betas=(0.9, 2.0)), "betas"),
        (changed(eps=None), "eps"),
        (changed(steps=-1), "steps must be a whole number ≥ 0"),
        (changed(steps=1.5), "steps must be a whole number ≥ 0"),
        (lambda state: {**state, "state": state["state"][:3]}, "wanted the states of 4 parameters"),
        (changed(state=3), "wanted the states of 4 parameters"),
        (changed(state=[{}, {}, {}, 3]), '"s" .*: the state has a int; wanted count, mean, square'),
        (slot("mean", np.zeros((4, 1))), r'mean, float64 \(4, 1\), does not fit "W2" \(1, 4\)'),
        (slot("mean", np.array([["a"] * 4])), r'mean, <U1 \(1, 4\), does not fit "W2"'),
        (slot("count", "abc"), "count must be a whole number ≥ 0, not 'abc'"),
        (slot("count", np.ones(2)), "count must be a whole number"),
        (
            slot("velocity", np.zeros((1, 4))),
            '"W2" .* has count, mean, square, velocity; wanted count, mean, square',
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(change, message):
    ps = parameters()
    optimizer = Adam(ps, lr=0.1, weight_decay=0.3)
    run(optimizer, ps, 3)
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=message) as caught:
        optimizer.load_state_dict(change(copy.deepcopy(before)))
    np.testing.assert_equal(optimizer.state_dict(), before)
    assert "\n" not in str(caught.value)


def test_a_state_of_another_kind_of_sgd_is_taken_over():
    ps = parameters()
    with_momentum = SGD(ps, lr=0.1, momentum=0.9)
    run(with_momentum, ps, 2)
    plain = SGD(ps, lr=0.2)
    plain.load_state_dict(with_momentum.state_dict())
    assert plain.momentum == 0.9
    assert plain.lr == 0.1


# ---- schedules


def rates(schedule, steps):
    found = []
    for _ in range(steps):
        found.append(schedule.optimizer.lr)
        schedule.step()
    return found


def optimizer_for(lr=0.1):
    return SGD(parameters(), lr=lr)


def test_the_step_schedule_is_its_equation():
    found = rates(StepLR(optimizer_for(), 3, gamma=0.5), 10)
    np.testing.assert_allclose(found, [0.1 * 0.5 ** (t // 3) for t in range(10)], rtol=1e-15)
    assert found[:3] == [0.1] * 3


def test_the_cosine_schedule_is_its_equation():
    found = rates(CosineLR(optimizer_for(), 8, lr_min=0.01), 12)
    expected = [0.01 + (0.1 - 0.01) * (1 + cos(pi * t / 8)) / 2 for t in range(8)] + [0.01] * 4
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found[0] == 0.1
    assert found[8:] == [0.01] * 4
    assert rates(CosineLR(optimizer_for(), 4), 6)[4:] == [0.0, 0.0]


@pytest.mark.parametrize("name", ["StepLR", "CosineLR"])
def test_schedules_agree_with_torch(name):
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    if name == "StepLR":
        schedule, other = (
            StepLR(optimizer_for(), 3, gamma=0.5),
            torch.optim.lr_scheduler.StepLR(theirs, 3, gamma=0.5),
        )
    else:
        schedule = CosineLR(optimizer_for(), 20, lr_min=0.01)
        other = torch.optim.lr_scheduler.CosineAnnealingLR(theirs, 20, eta_min=0.01)
    found = rates(schedule, 20)
    expected = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it wants optimizer.step() between
        for _ in range(20):
            expected.append(theirs.param_groups[0]["lr"])
            other.step()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def schedules_for(optimizer):
    return StepLR(optimizer, 2, gamma=0.5), CosineLR(optimizer, 7, lr_min=0.01)


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("stop", [0, 1, 4, 9])
@pytest.mark.parametrize("schedule_first", [True, False])
def test_a_restored_schedule_goes_on_in_any_order(which, stop, schedule_first):
    schedule = schedules_for(optimizer_for())[which]
    rates(schedule, stop)
    states = copy.deepcopy((schedule.state_dict(), schedule.optimizer.state_dict()))
    expected = rates(schedule, 5)
    optimizer = optimizer_for(lr=0.9)
    other = [StepLR(optimizer, 5), CosineLR(optimizer, 3)][which]
    rates(other, 2)
    if schedule_first:
        other.load_state_dict(states[0])
        optimizer.load_state_dict(states[1])
    else:
        optimizer.load_state_dict(states[1])
        other.load_state_dict(states[0])
    assert rates(other, 5) == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: None, "the state has a NoneType; wanted initial_lr, count, step_size, gamma"),
        (without("gamma"), "wanted initial_lr, count, step_size, gamma"),
        (lambda state: {**state, "count": -1}, "count must be a whole number ≥ 0, not -1"),
        (lambda state: {**state, "step_size": 0}, "step_size must be a whole number > 0, not 0"),
        (lambda state: {**state, "gamma": "x"}, "gamma must be a number > 0, not 'x'"),
        (lambda state: {**state, "initial_lr": np.nan}, "initial_lr must be a number ≥ 0, not nan"),
    ],
)
def test_a_schedules_state_that_does_not_fit_changes_nothing(change, message):
    schedule = StepLR(optimizer_for(), 2)
    rates(schedule, 3)
    before, lr = schedule.state_dict(), schedule.optimizer.lr
    with pytest.raises(ValueError, match=message):
        schedule.load_state_dict(change(dict(before)))
    assert schedule.state_dict() == before
    assert schedule.optimizer.lr == lr


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (
            lambda: StepLR(optimizer_for(), 0),
            ValueError,
            "StepLR: step_size must be a whole number > 0, not 0",
        ),
        (lambda: StepLR(optimizer_for(), 2.5), ValueError, "StepLR: step_size must be a whole number"),
        (lambda: StepLR(optimizer_for(), 2, gamma=0), ValueError, "StepLR: gamma must be a number > 0"),
        (lambda: CosineLR(optimizer_for(), 0), ValueError, "CosineLR: steps must be a whole number > 0"),
        (
            lambda: CosineLR(optimizer_for(), 5, lr_min=-0.1),
            ValueError,
            "CosineLR: lr_min must be a number ≥ 0",
        ),
        (lambda: StepLR(parameters(), 2), TypeError, "StepLR: a list is not an optimizer"),
        (lambda: CosineLR(None, 2), TypeError, "CosineLR: a NoneType is not an optimizer"),
    ],
)
def test_schedules_refuse_what_is_wrong(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_a_learning_rate_of_0_takes_no_step():
    ps = parameters()
    schedule = CosineLR(SGD(ps, lr=0.1), 3)
    rates(schedule, 3)
    before = [p.data for p in ps]
    np.testing.assert_equal(run(schedule.optimizer, ps, 2), before)
    state = schedule.optimizer.state_dict()
    SGD(ps, lr=0.1).load_state_dict(state)
    assert state["hyperparameters"]["lr"] == 0
    rates(CosineLR(SGD(ps, lr=0.0), 3, lr_min=0.1), 4)


def test_a_schedule_whose_next_rate_is_refused_stays_where_it_was():
    schedule = StepLR(optimizer_for(lr=1e300), 1, gamma=1e10)
    with pytest.raises(ValueError, match="SGD: lr must be a number ≥ 0, not inf"):
        schedule.step()
    assert schedule.count == 0
    assert schedule.optimizer.lr == 1e300
    state = {**schedule.state_dict(), "count": 1}
    with pytest.raises(ValueError, match="SGD: lr must be a number ≥ 0, not inf"):
        schedule.load_state_dict(state)
    assert schedule.count == 0
    assert schedule.optimizer.lr == 1e300
