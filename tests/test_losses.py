"""The losses: equation (1) from probabilities and from logits, several classes, mean squares."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

from_pairs = [nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits, nn.mse_loss]


def outputs(loss, rng, shape=(7, 1)):
    return (
        rng.uniform(0.05, 0.95, shape) if loss is nn.binary_cross_entropy else 2 * rng.standard_normal(shape)
    )


def equation_1(a, y):
    return -1 / len(a) * np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))


# ---- values and gradients


def test_from_probabilities_it_is_equation_1(rng):
    a, y = rng.uniform(0.05, 0.95, (7, 1)), rng.integers(0, 2, (7, 1))
    A = mg.Tensor(a, requires_grad=True)
    J = nn.binary_cross_entropy(A, y)
    J.backward()
    assert J.item() == pytest.approx(equation_1(a, y), rel=1e-14)
    np.testing.assert_allclose(A.grad, ((1 - y) / (1 - a) - y / a) / 7, rtol=1e-13)


def test_equation_1_written_with_np_log_differentiates_too(rng):
    A = mg.Tensor(rng.uniform(0.05, 0.95, (7, 1)), requires_grad=True)
    y = rng.integers(0, 2, (7, 1)).astype(float)
    written = equation_1(A, y)
    loss = nn.binary_cross_entropy(A, y)
    assert written.item() == pytest.approx(loss.item(), rel=1e-14)
    first = [mg.grad(J, A, create_graph=True) for J in (written, loss)]
    np.testing.assert_allclose(*(g.data for g in first), rtol=1e-12)
    np.testing.assert_allclose(*(mg.grad(np.sum(g), A).data for g in first), rtol=1e-12)


def test_from_logits_it_is_the_same_cost(rng):
    z, y = 2 * rng.standard_normal((7, 1)), rng.integers(0, 2, (7, 1))
    a = 1 / (1 + np.exp(-z))
    Z = mg.Tensor(z, requires_grad=True)
    J = nn.binary_cross_entropy_with_logits(Z, y)
    J.backward()
    assert J.item() == pytest.approx(equation_1(a, y), rel=1e-13)
    np.testing.assert_allclose(Z.grad, (a - y) / 7, atol=1e-15)


def test_several_classes_from_logits(rng):
    z, labels = 2 * rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
    softmax = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    Z = mg.Tensor(z, requires_grad=True)
    J = nn.cross_entropy(Z, labels)
    J.backward()
    assert J.item() == pytest.approx(-np.mean(np.log(softmax[np.arange(7), labels])), rel=1e-13)
    np.testing.assert_allclose(Z.grad, (softmax - np.eye(4)[labels]) / 7, atol=1e-15)


@pytest.mark.parametrize(
    "form",
    [
        list,
        np.int8,
        np.uint8,
        mg.Tensor,
        lambda y: np.eye(4)[y],
        lambda y: np.eye(4, dtype=int)[y],
        lambda y: mg.Tensor(np.eye(4)[y]),
    ],
)  # fmt: skip
def test_labels_may_be_numbers_or_rows(form, rng):
    z, labels = rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
    assert nn.cross_entropy(z, form(labels)).item() == nn.cross_entropy(z, labels).item()


def test_two_classes_from_logits_are_the_binary_cost(rng):
    z, y = rng.standard_normal((7, 1)), rng.integers(0, 2, (7, 1))
    two = nn.cross_entropy(np.concatenate([np.zeros_like(z), z], axis=1), y[:, 0].astype(bool))
    assert two.item() == pytest.approx(nn.binary_cross_entropy_with_logits(z, y).item(), rel=1e-13)


def test_labels_may_be_probabilities_and_need_a_gradient(rng):
    z, y = rng.standard_normal((7, 4)), rng.dirichlet(np.ones(4), 7)
    Y = mg.Tensor(y, requires_grad=True)
    J = nn.cross_entropy(z, Y)
    log_softmax = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    assert J.item() == pytest.approx(-np.mean(np.sum(y * log_softmax, axis=1)), rel=1e-13)
    np.testing.assert_allclose(mg.grad(J, Y), -log_softmax / 7, atol=1e-14)


def test_mean_squares(rng):
    a, y = rng.standard_normal((7, 2)), rng.standard_normal((7, 2))
    A = mg.Tensor(a, requires_grad=True)
    J = nn.mse_loss(A, y)
    J.backward()
    assert J.item() == pytest.approx(((a - y) ** 2).mean(), rel=1e-14)
    np.testing.assert_allclose(A.grad, 2 * (a - y) / 14, rtol=1e-14)


@pytest.mark.parametrize("loss", from_pairs)
def test_targets_may_need_a_gradient(loss, rng):
    a, y, h = outputs(loss, rng), rng.uniform(0.2, 0.8, (7, 1)), 1e-6
    for dtype in (np.float64, np.float32):
        Y = mg.Tensor(y, requires_grad=True, dtype=dtype)
        J = loss(a, Y)
        measured = [
            (loss(a, y + e).item() - loss(a, y - e).item()) / (2 * h) for e in np.eye(7)[:, :, None] * h
        ]
        np.testing.assert_allclose(mg.grad(J, Y).data[:, 0], measured, atol=1e-6)
        assert J.dtype == np.float64


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(7, 1), (7,), (7, 3), ()])
@pytest.mark.parametrize("loss", from_pairs)
def test_losses_agree_with_torch(loss, reduction, shape, rng):
    torch = pytest.importorskip("torch")
    a, y = outputs(loss, rng, shape), rng.uniform(0, 1, shape)
    A, theirs = mg.Tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
    J = loss(A, y, reduction=reduction)
    expected = getattr(torch.nn.functional, loss.__name__)(theirs, torch.tensor(y), reduction=reduction)
    np.testing.assert_allclose(J, expected.detach().numpy(), atol=1e-12)
    assert J.shape == expected.shape
    np.sum(J).backward()
    expected.sum().backward()
    np.testing.assert_allclose(A.grad, theirs.grad.numpy(), atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("rows", [False, True])
def test_cross_entropy_agrees_with_torch(reduction, rows, rng):
    torch = pytest.importorskip("torch")
    z, labels = 30 * rng.standard_normal((7, 4)), rng.integers(0, 4, 7)
    y = rng.dirichlet(np.ones(4), 7) if rows else labels
    Z, theirs = mg.Tensor(z, requires_grad=True), torch.tensor(z, requires_grad=True)
    J = nn.cross_entropy(Z, y, reduction=reduction)
    expected = torch.nn.functional.cross_entropy(theirs, torch.tensor(y), reduction=reduction)
    np.testing.assert_allclose(J, expected.detach().numpy(), rtol=1e-13, atol=1e-12)
    np.sum(J).backward()
    expected.sum().backward()
    np.testing.assert_allclose(Z.grad, theirs.grad.numpy(), atol=1e-12)


# ---- far out


def derivatives(J, z):
    """J and its first and second derivative (the sum of the Hessian's rows)."""
    first = mg.grad(J, z, create_graph=True)
    return J.data, first.data, mg.grad(np.sum(first), z, allow_unused=True).data


@pytest.mark.parametrize(("dtype", "far"), [(np.float64, 1e4), (np.float32, 80.0), (np.float32, 1e4)])
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_from_logits_everything_is_finite_and_right(dtype, far, y):
    """Warnings are errors here, so nothing overflows on the way either."""
    for size in (0.0, 1e-30, 1e-3, 1.0, 30.0, 37.0, far):
        z = mg.Tensor([[-size], [size]], requires_grad=True, dtype=dtype)
        J, first, second = derivatives(nn.binary_cross_entropy_with_logits(z, np.full((2, 1), y)), z)
        assert J.dtype == first.dtype == second.dtype == dtype
        wide = np.array([[-size], [size]])
        e = np.exp(-np.abs(wide))
        sigmoid = np.where(wide < 0, e, 1) / (1 + e)
        tolerance = {"rtol": 8 * np.finfo(dtype).eps, "atol": 8 * np.finfo(dtype).eps}
        expected = np.maximum(wide, 0) - np.float64(dtype(y)) * wide + np.log1p(e)
        np.testing.assert_allclose(J, expected.mean(), **tolerance)
        np.testing.assert_allclose(first, (sigmoid - y) / 2, **tolerance)
        np.testing.assert_allclose(second, sigmoid * (1 - sigmoid) / 2, **tolerance)


@pytest.mark.parametrize(("dtype", "far"), [(np.float64, 1e4), (np.float32, 80.0), (np.float32, 1e4)])
def test_from_logits_of_several_classes_everything_is_finite(dtype, far):
    z = mg.Tensor([[far, -far, 0.0], [-far, -far, far], [far, far, far]], requires_grad=True, dtype=dtype)
    values = derivatives(nn.cross_entropy(z, [1, 2, 0]), z)
    assert all(np.isfinite(value).all() and value.dtype == dtype for value in values)
    assert values[0] == pytest.approx((2 * far + 0 + np.log(3)) / 3)
    np.testing.assert_allclose(values[1][0], np.array([1, -1, 0]) / 3, atol=1e-7)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_saturated_probability_gives_a_finite_cost_and_gradient(dtype):
    a = mg.Tensor([[0.0], [1.0], [0.0], [1.0]], requires_grad=True, dtype=dtype)
    y = np.array([[0], [1], [1], [0]])
    losses = nn.binary_cross_entropy(a, y, reduction="none")
    J, first, second = derivatives(np.sum(losses), a)
    eps = np.finfo(dtype).eps
    assert J.dtype == first.dtype == dtype
    np.testing.assert_allclose(losses.data[:, 0], [0, 0, -np.log(eps), -np.log(eps)], rtol=1e-6)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert first[2] == -1 / eps  # a wrong certainty pulls the right way
    assert first[3] == 1 / eps
    assert abs(first[0]) == abs(first[1]) == 1
    text = nn.binary_cross_entropy.__doc__
    assert "saturated" in text
    assert "ε" in text


def test_a_saturated_network_still_learns():
    """Through sigmoid, the gradient of a wrong certainty is -1 while the probability is not rounded to 0."""
    z = mg.Tensor([[-30.0]], requires_grad=True)
    nn.binary_cross_entropy(mg.sigmoid(z), np.ones((1, 1))).backward()
    np.testing.assert_allclose(z.grad, [[-1.0]], rtol=1e-9)


# ---- dtypes

labels_in = [bool, np.int8, np.int64, np.uint8, np.float16, np.float32, np.float64]


@pytest.mark.parametrize("kind", labels_in)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("wrap", [np.asarray, mg.Tensor])
def test_labels_of_any_kind_do_not_widen(kind, dtype, wrap, rng):
    y = wrap(rng.integers(0, 2, (7, 1)).astype(kind))
    for loss in from_pairs:
        a = mg.Tensor(outputs(loss, rng), requires_grad=True, dtype=dtype)
        J = loss(a, y)
        J.backward()
        assert J.dtype == a.grad.dtype == dtype
    z = mg.Tensor(rng.standard_normal((7, 4)), requires_grad=True, dtype=dtype)
    for labels in ([0, 1, 2, 3, 0, 1, 2], np.eye(4)[[0, 1, 2, 3, 0, 1, 2]].astype(kind)):
        J = nn.cross_entropy(z, labels)
        assert J.dtype == mg.grad(J, z).dtype == dtype


def test_outputs_that_are_whole_numbers_do_not_round_the_targets():
    assert nn.mse_loss(np.array([1, 2]), np.array([1.5, 2.5])).item() == 0.25
    assert nn.mse_loss(mg.Tensor([1, 2]), [1.5, 2.5]).item() == 0.25
    whole = nn.binary_cross_entropy_with_logits(np.array([1, 2]), np.array([0.3, 0.7])).item()
    assert whole == nn.binary_cross_entropy_with_logits(np.array([1.0, 2.0]), np.array([0.3, 0.7])).item()
    assert nn.binary_cross_entropy(np.array([0, 1]), np.array([0, 1])).item() == pytest.approx(0, abs=1e-15)
    rows = np.array([[0.3, 0.7], [0.5, 0.5]])
    assert (
        nn.cross_entropy(np.array([[1, 2], [3, 4]]), rows).item()
        == nn.cross_entropy(np.array([[1.0, 2], [3, 4]]), rows).item()
    )


@pytest.mark.parametrize("loss", from_pairs)
def test_the_users_arrays_are_neither_changed_nor_frozen(loss, rng):
    a, y = outputs(loss, rng), rng.integers(0, 2, (7, 1)).astype(float)
    before = a.copy(), y.copy()
    loss(a, y)
    np.testing.assert_array_equal((a, y), before)
    a[0] = y[0] = 1.0


# ---- what is refused


@pytest.mark.parametrize(
    ("a", "y"), [((7, 1), (7,)), ((7,), (7, 1)), ((7, 1), (1, 1)), ((7, 1), ()), ((7, 3), (7, 1))]
)
@pytest.mark.parametrize("loss", from_pairs)
def test_shapes_that_would_only_broadcast_are_refused(loss, a, y):
    A = mg.Tensor(np.full(a, 0.5), requires_grad=True, name="A3")
    with pytest.raises(ValueError, match="the shapes must agree") as caught:
        loss(A, np.ones(y))
    message = str(caught.value)
    assert message.startswith(f"{loss.__name__}: ")
    assert f'"Y" {y}' in message
    assert f'"A3" {a}' in message


@pytest.mark.parametrize("bad", [-0.001, 1.001, 2, np.nan, np.inf])
def test_probabilities_lie_in_0_to_1(bad):
    a, y = np.full((7, 1), 0.5), np.zeros((7, 1))
    wrong = a.copy()
    wrong[3] = bad
    with pytest.raises(
        ValueError, match=r"binary_cross_entropy: \"A\" .* outside \[0, 1\]; for logits there is"
    ):
        nn.binary_cross_entropy(wrong, y)
    for loss in (nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits):
        with pytest.raises(ValueError, match=rf"{loss.__name__}: \"Y\" .* outside \[0, 1\]"):
            loss(a, wrong)
    with pytest.raises(ValueError, match=r"cross_entropy: \"Y\" .* outside \[0, 1\]"):
        nn.cross_entropy(np.zeros((7, 1)), wrong)


@pytest.mark.parametrize(
    ("logits", "labels", "kind", "message"),
    [
        ((7, 4), np.full(7, 4), ValueError, r"labels run from 0 to 3; there is a 4 \.\.\. 4"),
        ((7, 4), np.arange(7) - 1, ValueError, r"labels run from 0 to 3; there is a -1 \.\.\. 5"),
        ((7, 4), np.zeros(6, int), ValueError, r'the labels have shape \(6,\); "Z" \(7, 4\) wants \(7,\)'),
        ((7, 4), np.zeros(7), TypeError, r"the labels are float64; wanted whole numbers"),
        ((7, 4), np.zeros((7, 1), int), ValueError, r'"Y" \(7, 1\) and the outputs "Z" \(7, 4\)'),
        ((7, 4), 3, ValueError, r'"Y" \(\) and the outputs "Z" \(7, 4\)'),
        ((7,), np.zeros(7, int), ValueError, r'the logits are "Z" \(7,\); wanted \(m, k\)'),
        ((7, 4), np.array(["a"] * 7), TypeError, "the labels are <U1"),
    ],
)
def test_labels_that_do_not_fit_are_refused(logits, labels, kind, message):
    with pytest.raises(kind, match=f"cross_entropy: .*{message}"):
        nn.cross_entropy(np.zeros(logits), labels)


@pytest.mark.parametrize("reduction", ["average", None, "MEAN"])
def test_an_unknown_reduction_is_refused(reduction):
    for loss in from_pairs:
        with pytest.raises(ValueError, match=f'{loss.__name__}: reduction is "mean", "sum" or "none", not'):
            loss(np.full(3, 0.5), np.ones(3), reduction=reduction)
    with pytest.raises(ValueError, match="cross_entropy: reduction"):
        nn.cross_entropy(np.zeros((3, 2)), [0, 1, 0], reduction=reduction)


def test_the_mean_of_no_examples_is_refused():
    for loss in from_pairs:
        with pytest.raises(ValueError, match=f"{loss.__name__}: there are no examples"):
            loss(np.zeros((0, 1)), np.zeros((0, 1)))
        assert loss(np.zeros((0, 1)), np.zeros((0, 1)), reduction="sum").item() == 0
    with pytest.raises(ValueError, match="cross_entropy: there are no examples"):
        nn.cross_entropy(np.zeros((0, 4)), np.zeros(0, int))


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        (nn.binary_cross_entropy, "cross_entropy"),
        (nn.binary_cross_entropy_with_logits, "cross_entropy"),
        (nn.mse_loss, "mse"),
    ],
)
def test_a_cost_has_a_name(loss, name):
    """By which a derivation calls it, and a split of a gradient by terms."""
    a, y = mg.Tensor([0.2, 0.7], requires_grad=True), np.array([0.0, 1.0])
    assert [loss(a, y, reduction=r).name for r in ("mean", "sum", "none")] == [name, name, None]
