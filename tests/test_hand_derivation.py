"""The hand derivation of a three-layer network, line by line in NumPy, against the general machinery.

The forward and backward pass stand here as a person writes them: batch first, L2 penalty, inverted dropout.
Every array of the backward pass is compared with what the chain rule gives, and with central differences.
"""

import numpy as np
import pytest

import minigrad as mg

m, n0, n1, n2, n3 = 7, 5, 4, 3, 1
settings = {"plain": (0.0, 1.0), "L2": (0.9, 1.0), "dropout": (0.0, 0.8), "L2 and dropout": (0.9, 0.8)}
parameter_names = ["W1", "b1", "W2", "b2", "W3", "b3"]
intermediates = ["Z3", "A2_drop", "A2", "Z2", "A1_drop", "A1", "Z1"]


@pytest.fixture
def given(rng):
    """Data, parameters and masks; no Z lies near the kink of relu, and every mask has both zeros and ones."""
    arrays = {
        "X": rng.standard_normal((m, n0)),
        "Y": rng.integers(0, 2, (m, n3)).astype(float),
        "W1": rng.standard_normal((n1, n0)),
        "b1": rng.standard_normal(n1),
        "W2": rng.standard_normal((n2, n1)),
        "b2": rng.standard_normal(n2) + 1,
        "W3": rng.standard_normal((n3, n2)),
        "b3": rng.standard_normal(n3),
        "D1": rng.random((m, n1)) < 0.8,
        "D2": rng.random((m, n2)) < 0.8,
    }
    F = forward(arrays, 0.9, 0.8)
    assert min(abs(F["Z1"]).min(), abs(F["Z2"]).min()) > 1e-3
    for D in (arrays["D1"], arrays["D2"]):
        assert 0 < D.mean() < 1
    return arrays


def forward(given, lambd, keep_prob, shift=None):
    """Every array of the forward pass; `shift` adds to an array on its way, for central differences."""
    F = {name: value + (shift or {}).get(name, 0) for name, value in given.items()}

    def keep(name, value):
        F[name] = value + (shift or {}).get(name, 0)
        return F[name]

    X, Y, W1, b1, W2, b2, W3, b3 = (F[name] for name in ("X", "Y", *parameter_names))
    D1, D2 = given["D1"], given["D2"]
    Z1 = keep("Z1", X @ W1.T + b1)
    A1 = keep("A1", np.maximum(Z1, 0))
    A1_drop = keep("A1_drop", A1 * D1 / keep_prob if keep_prob < 1 else A1)
    Z2 = keep("Z2", A1_drop @ W2.T + b2)
    A2 = keep("A2", np.maximum(Z2, 0))
    A2_drop = keep("A2_drop", A2 * D2 / keep_prob if keep_prob < 1 else A2)
    Z3 = keep("Z3", A2_drop @ W3.T + b3)
    A3 = keep("A3", 1 / (1 + np.exp(-Z3)))
    cross_entropy = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m
    penalty = lambd / (2 * m) * (np.sum(W1**2) + np.sum(W2**2) + np.sum(W3**2))
    keep("J", cross_entropy + penalty)
    return F


def backward(F, lambd, keep_prob):
    """The gradients, derived by hand."""
    X, Y, W1, W2, W3 = (F[name] for name in ("X", "Y", "W1", "W2", "W3"))
    D1, D2 = (F["D1"], F["D2"]) if keep_prob < 1 else (1, 1)
    dZ3 = (F["A3"] - Y) / m
    dW3 = dZ3.T @ F["A2_drop"] + lambd / m * W3
    db3 = dZ3.sum(axis=0)
    dA2_drop = dZ3 @ W3
    dA2 = dA2_drop * D2 / keep_prob
    dZ2 = dA2 * (F["Z2"] > 0)
    dW2 = dZ2.T @ F["A1_drop"] + lambd / m * W2
    db2 = dZ2.sum(axis=0)
    dA1_drop = dZ2 @ W2
    dA1 = dA1_drop * D1 / keep_prob
    dZ1 = dA1 * (F["Z1"] > 0)
    dW1 = dZ1.T @ X + lambd / m * W1
    db1 = dZ1.sum(axis=0)
    dX = dZ1 @ W1
    return {name: value for name, value in locals().items() if name.startswith("d")}


def central_differences(given, name, lambd, keep_prob, step=1e-5):
    at = forward(given, lambd, keep_prob)[name]
    gradient = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        e = np.zeros_like(at)
        e[place] = step
        up, down = (forward(given, lambd, keep_prob, {name: s * e})["J"] for s in (1, -1))
        gradient[place] = (up - down) / (2 * step)
    return gradient


def written_out(given, lambd, keep_prob):
    """The same forward pass on Tensors, with the cost as equation (1) has it; J and the Tensors by name."""
    T = {
        name: mg.Tensor(given[name], requires_grad=name != "Y", name=name)
        for name in ("X", "Y", *parameter_names)
    }
    X, Y, W1, b1, W2, b2, W3, b3 = T.values()
    T["Z1"] = X @ W1.T + b1
    T["A1"] = np.maximum(T["Z1"], 0)
    T["A1_drop"] = T["A1"] * given["D1"] / keep_prob if keep_prob < 1 else T["A1"]
    T["Z2"] = T["A1_drop"] @ W2.T + b2
    T["A2"] = np.maximum(T["Z2"], 0)
    T["A2_drop"] = T["A2"] * given["D2"] / keep_prob if keep_prob < 1 else T["A2"]
    T["Z3"] = T["A2_drop"] @ W3.T + b3
    A3 = 1 / (1 + np.exp(-T["Z3"]))
    J = -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m
    return J + lambd / (2 * m) * (np.sum(W1**2) + np.sum(W2**2) + np.sum(W3**2)), T


def network(given, keep_prob, *last):
    model = mg.nn.Sequential(
        mg.nn.Linear(n0, n1, rng=0),
        mg.nn.ReLU(),
        mg.nn.Dropout(keep_prob=keep_prob, rng=1),
        mg.nn.Linear(n1, n2, rng=2),
        mg.nn.ReLU(),
        mg.nn.Dropout(keep_prob=keep_prob, rng=3),
        mg.nn.Linear(n2, n3, rng=4),
        *last,
    )
    with mg.no_grad():
        for parameter in model.parameters():
            parameter.data = given[parameter.name]
    return model


def of_the_model(given, lambd, keep_prob, from_logits):
    """J of an ordinary model, and every Tensor of its graph by its name."""
    model = network(given, keep_prob, *(() if from_logits else (mg.nn.Sigmoid(),)))
    loss = mg.nn.binary_cross_entropy_with_logits if from_logits else mg.nn.binary_cross_entropy
    X = mg.Tensor(given["X"], requires_grad=True, name="X")
    with mg.nn.fixed_masks(model, [given["D1"], given["D2"]] if keep_prob < 1 else None):
        J = loss(model(X), given["Y"])
    if lambd:
        J = J + mg.nn.l2_penalty(model, lambd=lambd, m=m)
    T, todo = {}, [J]
    for node in todo:
        if node.name and node.name != "keep_prob":  # each Dropout has its own
            assert T.setdefault(node.name, node) is node, f"two Tensors are called {node.name}"
        todo += [x for x in (node.origin[1] if node.origin else ()) if isinstance(x, mg.Tensor)]
    if keep_prob == 1:
        T["A1_drop"], T["A2_drop"] = T["A1"], T["A2"]
    return J, T


@pytest.fixture(params=["written out", "model, from logits", "model, from probabilities"])
def machinery(request):
    if request.param == "written out":
        return written_out
    return lambda *args: of_the_model(*args, from_logits=request.param == "model, from logits")


@pytest.mark.parametrize("setting", settings)
def test_forward_values_agree(given, machinery, setting):
    lambd, keep_prob = settings[setting]
    F = forward(given, lambd, keep_prob)
    J, T = machinery(given, lambd, keep_prob)
    assert J.item() == pytest.approx(F["J"], abs=1e-12)
    for name in intermediates:
        np.testing.assert_allclose(T[name], F[name], rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("setting", settings)
def test_every_array_of_the_backward_pass_agrees(given, machinery, setting):
    lambd, keep_prob = settings[setting]
    by_hand = backward(forward(given, lambd, keep_prob), lambd, keep_prob)
    names = [*intermediates, "X", *parameter_names]
    assert set(by_hand) == {f"d{name}" for name in names}
    J, T = machinery(given, lambd, keep_prob)
    for name, gradient in zip(names, mg.grad(J, [T[name] for name in names]), strict=True):
        np.testing.assert_allclose(gradient, by_hand[f"d{name}"], rtol=0, atol=1e-12, err_msg=f"d{name}")
        assert gradient.shape == T[name].shape


@pytest.mark.parametrize("setting", settings)
def test_backward_leaves_the_same_gradients(given, machinery, setting):
    lambd, keep_prob = settings[setting]
    by_hand = backward(forward(given, lambd, keep_prob), lambd, keep_prob)
    J, T = machinery(given, lambd, keep_prob)
    J.backward()
    for name in (*parameter_names, "X"):
        np.testing.assert_allclose(T[name].grad, by_hand[f"d{name}"], rtol=0, atol=1e-12, err_msg=f"d{name}")


@pytest.mark.parametrize("setting", settings)
def test_the_hand_derivation_agrees_with_central_differences(given, setting):
    lambd, keep_prob = settings[setting]
    by_hand = backward(forward(given, lambd, keep_prob), lambd, keep_prob)
    for name in (*intermediates, "X", *parameter_names):
        measured = central_differences(given, name, lambd, keep_prob)
        np.testing.assert_allclose(by_hand[f"d{name}"], measured, rtol=0, atol=1e-6, err_msg=f"d{name}")


def without_the_mask(F, lambd, keep_prob):
    return backward({**F, "D1": 1, "D2": 1}, lambd, keep_prob)


def without_keep_prob(F, lambd, keep_prob):
    D = {name: F[name] * keep_prob for name in ("D1", "D2")}
    return backward({**F, **D}, lambd, keep_prob)


mistakes = {
    "the mask is forgotten": without_the_mask,
    "keep_prob is forgotten": without_keep_prob,
    "p in place of keep_prob": lambda F, lambd, keep_prob: backward(F, lambd, 1 - keep_prob),
    "the penalty is forgotten": lambda F, lambd, keep_prob: backward(F, 0, keep_prob),
    "2 λ/m": lambda F, lambd, keep_prob: backward(F, 2 * lambd, keep_prob),
    "λ in place of λ/m": lambda F, lambd, keep_prob: backward(F, m * lambd, keep_prob),
    "no 1/m": lambda F, lambd, keep_prob: {k: m * g for k, g in backward(F, lambd, keep_prob).items()},
}


@pytest.mark.parametrize("mistake", mistakes)
def test_a_mistake_would_be_seen(given, mistake):
    """The inputs are generic: each of the usual mistakes changes some array by far more than is allowed."""
    lambd, keep_prob = settings["L2 and dropout"]
    F = forward(given, lambd, keep_prob)
    right, wrong = backward(F, lambd, keep_prob), mistakes[mistake](F, lambd, keep_prob)
    assert max(abs(right[name] - wrong[name]).max() for name in right) > 1e-2


def test_the_gradients_of_the_model_are_the_formulas_of_the_notes(given):
    """What L2 adds is λ/m W, to the weights alone; what dropout does to dA is D / keep_prob."""
    lambd, keep_prob = settings["L2 and dropout"]
    J, T = of_the_model(given, lambd, keep_prob, from_logits=True)
    plain, P = of_the_model(given, 0.0, keep_prob, from_logits=True)
    names = ["W1", "W2", "W3", "b1", "b2", "b3"]
    for name, g, g0 in zip(
        names, mg.grad(J, [T[n] for n in names]), mg.grad(plain, [P[n] for n in names]), strict=True
    ):
        extra = lambd / m * given[name] if name[0] == "W" else 0
        np.testing.assert_allclose(g - g0, extra + np.zeros(g.shape), rtol=0, atol=1e-15)
    for A, A_drop, D in (("A1", "A1_drop", "D1"), ("A2", "A2_drop", "D2")):
        dA, dA_drop = mg.grad(J, [T[A], T[A_drop]])
        np.testing.assert_allclose(dA, dA_drop * given[D] / keep_prob, rtol=1e-15)
