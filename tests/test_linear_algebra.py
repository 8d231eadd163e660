"""Linear algebra where the corpus does not go: singular matrices, coinciding values, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.derivatives.further.linear_algebra import cofactors

L = np.linalg
rng = np.random.default_rng(3)
A = rng.uniform(-1, 1, (3, 3)) + np.diag([2.0, 3.5, 5.0])
B = rng.uniform(-1, 1, (3, 3))
tall, wide = rng.uniform(-1, 1, (4, 2)), rng.uniform(-1, 1, (2, 4))


def leaf(data: Any, name: str | None = None) -> mg.Tensor:
    return mg.Tensor(np.asarray(data, dtype=float), requires_grad=True, name=name)


def weighted(y: Any, seed: int = 5) -> Any:
    """Re Σ w y with generic weights."""
    draw = np.random.default_rng(seed)
    w = draw.uniform(-1, 1, y.shape)
    return np.sum(np.real((w + 1j * draw.uniform(-1, 1, y.shape)) * y) if y.dtype.kind == "c" else w * y)


def projections(v: Any) -> Any:
    """v vᴴ of each column, which does not depend on its sign or phase."""
    return np.stack([v[:, i : i + 1] @ np.conjugate(v[:, i : i + 1].T) for i in range(v.shape[1])])


def _cube(a: Any) -> Any:
    return L.matrix_power(a, 3)


_cube.__name__ = "matrix_power"


def agrees(loss: Callable, *arrays: Any, order: int = 2) -> None:
    assert max(mg.gradcheck(loss, [leaf(x) for x in arrays], order).errors.values()) < 1e-7


# ---- complex matrices; losses that do not depend on signs and phases


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: weighted(L.eigh(z + np.conjugate(z.T))[0]) + weighted(projections(L.eigh(z)[1])),
        lambda z: weighted(L.eig(z)[0]) + weighted(projections(L.eig(z)[1])),
        lambda z: weighted(L.cholesky(z @ np.conjugate(z.T))),
        lambda z: weighted(L.qr(z)[0]) + weighted(L.qr(z[:, :2]).R) + weighted(L.qr(z[:2]).R),
        lambda z: weighted(L.lstsq(z[:, :2], B)[0]) + weighted(L.pinv(z[:2])),
        lambda z: weighted(L.slogdet(z).sign) + L.slogdet(z).logabsdet + weighted(L.det(z)),
        lambda z: weighted(L.solve(z, B)) + L.cond(z) + L.norm(z, "nuc"),
    ],
)  # fmt: skip
def test_complex_matrices_to_second_order(loss):
    agrees(lambda x, y: loss(x + 1j * y), A, B)


@pytest.mark.parametrize("shape", [(3, 3), (3, 2), (2, 3)])
def test_complex_singular_vectors_to_second_order(shape):
    def loss(x: Any, y: Any) -> Any:
        u, s, vh = L.svd(x + 1j * y, full_matrices=False)
        both = np.stack([u[:, i : i + 1] @ vh[i : i + 1] for i in range(2)])
        return (
            weighted(s)
            + weighted(both)
            + weighted(projections(u))
            + weighted(projections(np.conjugate(vh.T)))
        )

    agrees(loss, A[: shape[0], : shape[1]], B[: shape[0], : shape[1]])


@pytest.mark.parametrize("factors", [L.eigh, L.eig, lambda z: L.svd(z)[:1], L.svd])
def test_a_loss_that_depends_on_a_free_phase_is_refused(factors):
    x, y = leaf(A + A.T), leaf(B - B.T)
    *_, vectors = factors(x + 1j * y)
    with pytest.raises(L.LinAlgError, match="vectors have a free phase"):
        weighted(vectors).backward()
    assert x.grad is None


def test_it_is_refused_in_every_mode_also_where_it_cancels_in_the_sum():
    def both(x: Any) -> Any:
        p = np.real(L.svd(A + 1j * x * B)[0][0, 0])
        return np.stack([p, -p])

    def sizes(x: Any) -> Any:
        return np.absolute(mg.checkpoint(lambda x: L.svd(A + 1j * x * B)[0])(x))

    x, one = np.array(0.3), np.array(1.0)
    for f in (both, mg.checkpoint(both)):
        for mode in (None, "reverse", "forward"):
            with pytest.raises(L.LinAlgError, match="vectors have a free phase"):
                mg.jacobian(f, mode=mode)(x)
        with pytest.raises(L.LinAlgError, match="vectors have a free phase"):
            mg.jvp(f, x, one)
    slopes = (sizes(x + 1e-6) - sizes(x - 1e-6)) / 2e-6
    for found in (mg.jvp(sizes, x, one)[1], mg.jacobian(sizes, mode="forward")(x), mg.jacobian(sizes)(x)):
        np.testing.assert_allclose(found.data, slopes, atol=1e-7)


@pytest.mark.parametrize(
    ("shape", "is_complex"), [((4, 2), False), ((2, 4), False), ((2, 3, 1), True), ((1, 3), True)]
)
def test_vectors_beyond_the_rank_have_the_gradient_of_the_space_that_they_span(shape, is_complex):
    def space(v: Any) -> Any:
        return v @ np.conjugate(np.swapaxes(v, -1, -2))

    def loss(x: Any, y: Any) -> Any:
        z, k = (x + 1j * y if is_complex else x + y * y), min(shape[-2:])
        u, s, vh = L.svd(z)
        q, r = L.qr(z, "complete")
        v = np.conjugate(np.swapaxes(vh, -1, -2))
        spaces = [space(u[..., k:]), space(v[..., k:]), u[..., :k] @ vh[..., :k, :]]
        return (
            weighted(s)
            + weighted(r)
            + weighted(q[..., :k])
            + sum(map(weighted, (space(q[..., k:]), *spaces)))
        )

    agrees(loss, rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape))


@pytest.mark.parametrize("factors", [L.eig, L.eigh])
def test_lengths_of_vectors_have_no_slope_and_rounding_is_not_taken_for_one(factors):
    def lengths(x: Any, y: Any) -> Any:
        z = x + 1j * y
        return weighted(np.sum(np.absolute(factors(z + np.conjugate(z.T) * (factors is L.eigh))[1]) ** 2, 0))

    for gradient in mg.grad(lengths, argnums=(0, 1))(A, B):
        np.testing.assert_allclose(gradient, 0, atol=1e-13)


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 1)])
def test_that_space_alone_leaves_only_rounding_for_the_other_vectors(shape):
    def loss(x: Any, y: Any) -> Any:
        u, _, vh = L.svd(x + 1j * y)
        rest = u[..., shape[-1] :] if shape[-1] < shape[-2] else np.swapaxes(np.conjugate(vh[2:]), -1, -2)
        return weighted(rest @ np.conjugate(np.swapaxes(rest, -1, -2)))

    agrees(loss, rng.uniform(-1, 1, shape), rng.uniform(-1, 1, shape))


@pytest.mark.parametrize(
    "vectors", [lambda a: L.svd(a).U, lambda a: L.svd(a.T).Vh, lambda a: L.qr(a, "complete").Q]
)
def test_a_choice_among_vectors_beyond_the_rank_is_refused(vectors):
    assert mg.grad(weighted(vectors(a := leaf(tall))[..., :2, :2]), a).dtype == float
    with pytest.raises(L.LinAlgError, match=r"np\.linalg\.(svd|qr): .* the gradient depends on the choice"):
        mg.grad(weighted(vectors(a := leaf(tall))), a)


def test_hermitian_matrices_of_which_one_triangle_is_read():
    for a in (A, A - 2 * np.eye(3)):  # values of both signs
        for got, wanted in zip(L.svd(leaf(a), hermitian=True), L.svd(a, hermitian=True), strict=True):
            np.testing.assert_allclose(got.data, wanted, rtol=1e-12)
        agrees(lambda a: sum(map(weighted, L.svd(a, hermitian=True))), a)
    agrees(lambda a: weighted(L.svd(a, True, False, True)) + weighted(L.pinv(a, hermitian=True)), A)
    z = A + 1j * B
    np.testing.assert_allclose(
        L.pinv(mg.Tensor(z), hermitian=True).data, L.pinv(z, hermitian=True), rtol=1e-12
    )


def test_factors_are_numpys_named_tuples():
    for function in (L.eigh, L.eig, L.svd, L.qr, L.slogdet):
        assert type(function(leaf(A))) is type(function(A))
    assert L.eigh(leaf(A)).eigenvalues.dtype == L.eig(leaf(A)).eigenvalues.dtype == float
    assert L.eig(leaf([[0, 1], [-1, 0]])).eigenvalues.dtype == complex


# ---- one triangle is read


@pytest.mark.parametrize(
    ("function", "upper"),
    [
        (L.cholesky, False), (lambda a: L.cholesky(a, upper=True), True), (L.eigvalsh, False),
        (lambda a: L.eigh(a, "U")[1] ** 2, True),
    ],
)  # fmt: skip
def test_the_gradient_is_in_the_triangle_that_is_read(function, upper):
    g = mg.grad(weighted(function(a := leaf(A @ A.T))), a).data
    np.testing.assert_array_equal(g, np.triu(g) if upper else np.tril(g))
    assert np.all(g[np.triu_indices(3) if upper else np.tril_indices(3)] != 0)


@pytest.mark.parametrize("name", ["jax", "autograd"])
def test_factors_of_a_symmetric_product_agree_with_other_libraries(name):
    """Through A Aᵀ it does not matter which triangle is read."""
    library = pytest.importorskip(name)
    numpy = pytest.importorskip(f"{name}.numpy")
    if name == "jax":
        library.config.update("jax_enable_x64", True)

    def loss(np: Any, a: Any) -> Any:
        w, v = np.linalg.eigh(a @ a.T)
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        vectors = np.sum(v**2 * B) + np.sum(u**2 * B) + np.sum(vh**2 * B)
        return vectors + np.sum(w * B[0]) + np.sum(s * B[1]) + np.sum(np.linalg.cholesky(a @ a.T) * B)

    np.testing.assert_allclose(
        mg.grad(loss(np, a := leaf(A)), a).data,
        np.asarray(library.grad(lambda a: loss(numpy, a))(A)),
        rtol=1e-10,
    )


# ---- coinciding values


def test_a_symmetric_function_of_coinciding_values_has_its_gradient():
    for values in ([2.0, 2.0, 2.0], [1.0, 2.0, 2.0]):
        a = leaf(symmetric := (q := L.qr(B)[0]) @ np.diag(values) @ q.T)
        lower = 4 * np.tril(symmetric) - 2 * np.diag(np.diag(symmetric))
        np.testing.assert_allclose(mg.grad(np.sum(L.eigvalsh(a) ** 2), a).data, lower, atol=1e-13)
        np.testing.assert_allclose(mg.grad(np.sum(L.svdvals(a) ** 2), a).data, 2 * symmetric, atol=1e-13)
        np.testing.assert_allclose(mg.grad(np.sum(L.eigvals(a) ** 2), a).data, 2 * symmetric, atol=1e-13)


def test_vectors_beside_coinciding_values_have_their_gradient():
    q = L.qr(B)[0]

    def loss(x: Any) -> Any:
        w, v = L.eigh(x @ np.diag([1.0, 2.0, 2.0]) @ x.T)
        return weighted(v[:, 0] ** 2) + w[0] + np.sum(w[1:])

    agrees(loss, q, order=1)


@pytest.mark.parametrize("values", [[1.0, 2.0, 2.0], [1.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
@pytest.mark.parametrize(("h", "flat_at_0"), [(lambda w: w, False), (lambda w: w**2, True)])
@pytest.mark.parametrize("factors", [L.eigh, L.svd])
def test_functions_of_a_matrix_are_right_or_refused(values, h, flat_at_0, factors):
    """V h(w) Vᵀ has a gradient also where values coincide, but ∂L/∂w and ∂L/∂V do not tell it."""

    def loss(a: Any) -> Any:
        first, *others = factors(a)
        u, w, vt = (others[0], first, others[0].T) if factors is L.eigh else (first, *others)
        return weighted((u * h(w)) @ vt)

    symmetric = (q := L.qr(B)[0]) @ np.diag(values) @ q.T
    free = values[1] == values[2] or (factors is L.svd and 0.0 in values)  # at 0 s has a kink, and w none
    if free and not (flat_at_0 and 0.0 in values):
        with pytest.raises(L.LinAlgError, match="singular values coincide"):
            mg.grad(loss(a := leaf(symmetric)), a)
    else:
        agrees(loss, symmetric, order=1)


def test_values_that_coincide_but_for_rounding_are_seen():
    """√A = V √w Vᵀ has a slope here; 1 / gap, of a gap that is rounding, would make it noise."""
    for seed in range(12):
        q = L.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
        a = leaf(q @ np.diag([2.0, 2.0, 0.7]) @ q.T)
        w, v = L.eigh((a + a.T) / 2)
        with pytest.raises(L.LinAlgError, match="eigenvalues or singular values coincide"):
            mg.grad(weighted((v * np.sqrt(w)) @ v.T), a)


@pytest.mark.parametrize(
    ("loss", "x"),
    [
        (lambda x: L.eigvalsh(x * (1 + 2j)), A), (lambda x: L.svdvals(x + 1j * B) * x[0], A),
        (lambda x: np.absolute(L.eig(x + 1j * B)[1]), A), (lambda x: np.real(L.eigvals(x)), B - B.T),
        (lambda x: np.sum(L.eigvalsh(x) ** 2), np.diag([1.0, 2.0, 2.0])),
        (lambda x: L.norm(x, "nuc"), np.diag([1.0, 2.0, 2.0])),
    ],
)  # fmt: skip
def test_forward_mode_through_vectors_that_have_a_free_choice(loss, x):
    y, moved = mg.jvp(loss, x, B)
    u = np.random.default_rng(0).uniform(-1, 1, y.shape)
    (pulled,) = mg.vjp(loss, x)[1](u)
    np.testing.assert_allclose(np.sum(moved.data * u), np.sum(pulled.data * B), rtol=1e-11)


def test_forward_mode_twice_through_complex_values():
    def slope(x: Any) -> Any:
        return mg.jvp(lambda x: L.svdvals(x + 1j * B), x, B)[1]

    ends = [slope(A + h * A).data for h in (1e-5, -1e-5)]
    np.testing.assert_allclose(mg.jvp(slope, A, A)[1].data, np.subtract(*ends) / 2e-5, rtol=1e-6, atol=1e-8)
    g = mg.grad(lambda x: np.sum(slope(x) * [1.0, 2.0, 3.0]))(A)
    np.testing.assert_allclose(np.sum(g.data * A), mg.jvp(slope, A, A)[1].data @ [1, 2, 3], rtol=1e-11)


@pytest.mark.parametrize(
    ("loss", "x"),
    [(lambda x: np.real(L.eigh(x * 1j)[1]), B), (lambda x: L.eigh(x)[1], np.diag([1.0, 2.0, 2.0]))],
)
def test_forward_mode_refuses_what_reverse_mode_refuses(loss, x):
    with pytest.raises(L.LinAlgError, match=r"^np\.linalg\.eigh: .* the gradient depends on the choice"):
        mg.jvp(loss, x, A)


@pytest.mark.parametrize(
    "vectors", [lambda a: L.eigh(a)[1], lambda a: L.eig(a)[1], lambda a: L.svd(a)[0], lambda a: L.svd(a)[2]]
)
def test_vectors_of_coinciding_values_are_refused(vectors):
    with pytest.raises(L.LinAlgError, match="eigenvalues or singular values coincide"):
        mg.grad(weighted(vectors(a := leaf(np.diag([1.0, 2.0, 2.0])))), a)


def test_second_derivatives_at_coinciding_values_are_refused():
    for values in (L.eigvalsh, L.svdvals):
        a = leaf(np.diag([1.0, 2.0, 2.0]))
        g = mg.grad(np.sum(values(a) ** 2), a, create_graph=True)
        with pytest.raises(L.LinAlgError, match="second derivatives always do"):
            mg.grad(weighted(g), a)


# ---- singular matrices


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_det_of_a_singular_matrix_has_its_cofactors(rank):
    singular = A[:, :rank] @ B[:rank] * (1 + 0.0)
    singular = np.round(8 * singular) if rank < 2 else np.array([[1.0, 2, 3], [4, 5, 6], [5, 7, 9]])
    a = leaf(singular if rank != 1 else np.outer([1.0, 2, -1], [2.0, 0, 4]))
    wanted = [[_minor(a.data, i, j) for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(mg.grad(L.det(a), a).data, wanted, atol=1e-12)
    both = np.stack([a.data, A])  # beside one that is not
    np.testing.assert_allclose(cofactors(both)[1], L.det(A) * L.inv(A).T, rtol=1e-12)


def _minor(a: np.ndarray, i: int, j: int) -> float:
    return float((-1) ** (i + j) * L.det(np.delete(np.delete(a, i, 0), j, 1)))


def test_complex_singular_matrices_have_cofactors_too():
    z = np.array([[1, 1j, 2], [2j, -2, 4j], [1 - 1j, 0.5, 3]])
    assert L.det(z) == 0
    np.testing.assert_allclose(
        cofactors(z), [[_cofactor(z, i, j) for j in range(3)] for i in range(3)], atol=1e-13
    )


def _cofactor(a: np.ndarray, i: int, j: int) -> complex:
    return complex((-1) ** (i + j) * L.det(np.delete(np.delete(a, i, 0), j, 1)))


@pytest.mark.parametrize(
    "a", [np.zeros((3, 3)), np.outer([1.0, 2, -1], [2.0, 0, 4]), np.arange(9.0).reshape(3, 3)]
)
def test_det_of_a_singular_matrix_has_second_derivatives(a):
    """Of three rows: ∂²det/∂aᵢⱼ∂aₖₗ is one of the elements, with a sign."""
    wanted = np.einsum("ikr,jls,rs->ijkl", e := _levi_civita(), e, a)
    np.testing.assert_allclose(mg.hessian(L.det)(a).data, wanted, atol=1e-14 * max(1, abs(a).max()))
    with pytest.raises(L.LinAlgError, match="Singular matrix"):
        mg.grad(lambda a: np.sum(mg.hessian(L.det)(a)))(np.zeros((3, 3)))


def test_the_third_derivative_of_det():
    agrees(lambda a: np.sum(B.T * mg.hvp(L.det, a, B)), A, order=1)


def _levi_civita() -> np.ndarray:
    i, j, k = np.indices((3, 3, 3))
    return (i - j) * (j - k) * (k - i) / 2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda a: L.inv(a), r'inv: "A" \(2, 2\): Singular'), (lambda a: L.solve(a, np.ones(2)), "Singular"),
        (lambda a: L.cholesky(a), r'cholesky: "A" \(2, 2\): Matrix is not positive definite'),
        (lambda a: L.eigh(a[0]), r"np\.linalg\.eigh: a Tensor of shape \(2,\) is no matrix"),
        (lambda a: L.qr(a[0]), "is no matrix"),
        (lambda a: L.inv(a[:1]), "must be square"),
        (lambda a: mg.grad(L.slogdet(a)[1], a), "Singular matrix"),
        (lambda a: L.lstsq(a[0], a[0]), "is no matrix"),
        (lambda a: L.lstsq(a, np.ones(3)), r"np\.linalg\.lstsq: the matrix has 2 rows, and b \(3,\)"),
        *(
            (lambda a, f=f: f(a[:1]), rf"np\.linalg\.{f.__name__}: a Tensor of shape \(1, 2\) is no square")
            for f in (L.eigh, L.eig, L.slogdet, _cube)
        ),
    ],
)  # fmt: skip
def test_what_has_no_value_or_gradient_says_so(call, said):
    with pytest.raises(L.LinAlgError, match=said):
        call(leaf([[1.0, 2.0], [2.0, 4.0]], "A"))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda a: L.qr(a, "raw"), ValueError, 'take "reduced", "complete" or "r"'),
        (lambda a: L.eigh(a[:2], "Q"), ValueError, 'UPLO=.Q.; wanted "L" or "U"'),
        (lambda a: L.pinv(a, 0.1, rtol=0.1), ValueError, "rcond and rtol are the same"),
        (lambda a: L.matrix_power(a[:2], 1.5), TypeError, "n=1.5; wanted a whole number"),
        (lambda a: L.multi_dot([a]), ValueError, "1 arrays; wanted two at least"),
        (lambda a: L.norm(a, axis=2), np.exceptions.AxisError, "axis=2: axis 2 is out of bounds"),
        (lambda a: L.norm(a, axis=[0, 1]), TypeError, "wanted a whole number, or a tuple"),
        (lambda a: L.tensorsolve(a, a, (2,)), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda a: L.norm(a, 3), ValueError, "3 is no norm of matrices; take 'fro'"),
        (lambda a: L.norm(a, 1, (0, 0)), ValueError, "of one axis or of two"),
        (lambda a: L.norm(a[None], 1), ValueError, "of one axis or of two"),
        (lambda a: L.norm(a[0], "fro"), ValueError, "vector"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_to_do(call, error, said):
    with pytest.raises(error, match=said):
        call(leaf(tall))


def test_without_a_gradient_to_lose_the_answer_is_numpys():
    a = mg.Tensor(tall)
    for got, wanted in zip(L.qr(a, "raw"), L.qr(tall, "raw"), strict=True):
        np.testing.assert_array_equal(got, wanted)
    with mg.no_grad():
        assert L.qr(leaf(tall), "raw")[0].shape == (2, 4)


@pytest.mark.parametrize("rtol", [0.2, None])
def test_the_pseudoinverse_of_a_rank_that_is_chosen(rtol):
    a = A[:, :2] * [1.0, 0.02]
    np.testing.assert_array_equal(L.pinv(leaf(a), rtol=rtol).data, L.pinv(a, rtol=rtol))
    assert L.matrix_rank(L.pinv(leaf(a), rtol=rtol)) == (2 if rtol is None else 1)
    if rtol is None:
        agrees(lambda a: weighted(L.pinv(a, rtol=rtol)), a)


def test_rank_deficient_matrices_where_the_rank_stays():
    """A = X Y of rank 1, for any X and Y: least squares and pseudoinverse have their gradients there."""
    agrees(
        lambda x, y: weighted(L.pinv(x @ y, 1e-9)), rng.uniform(0.5, 1, (3, 1)), rng.uniform(0.5, 1, (1, 2))
    )
    agrees(
        lambda x, y, b: weighted(L.lstsq(x @ y, b, 1e-9)[0]),
        rng.uniform(0.5, 1, (3, 1)), rng.uniform(0.5, 1, (1, 2)), rng.uniform(-1, 1, (3, 2)),
    )  # fmt: skip


def test_least_squares_is_numpys():
    for a, b, rcond in (
        (tall, B[:, :2] @ wide[:, :1], None),
        (tall, rng.uniform(-1, 1, 4), -1),
        (wide, A[:2], None),
    ):
        b = np.resize(b, (len(a), *b.shape[1:]))
        x, residuals, rank, s = L.lstsq(leaf(a), leaf(b), rcond)
        wanted = L.lstsq(a, b, rcond)
        for got, expected in zip((x, residuals, s), (wanted[0], wanted[1], wanted[3]), strict=True):
            np.testing.assert_allclose(got.data, expected, rtol=1e-12, atol=1e-13)
        assert rank.item() == wanted[2]
        assert not rank.requires_grad
    agrees(lambda a, b: weighted(L.lstsq(a, b)[0]) + weighted(L.lstsq(a, b)[1]), tall, rng.uniform(-1, 1, 4))


def test_a_matrix_may_be_a_list():
    x = leaf(rng.uniform(-1, 1, 2))
    for call in (
        lambda x: L.solve([[2.0, 1.0], [1.0, 3.0]], x),
        lambda x: L.lstsq([[2.0, 1.0], [1.0, 3.0]], x)[0],
        lambda x: L.multi_dot([[[2.0, 1.0], [1.0, 3.0]], [[0.0, 1.0], [1.0, 0.0]], x]),
        lambda x: L.tensorsolve([[2.0, 1.0], [1.0, 3.0]], x),
    ):
        np.testing.assert_allclose(call(x).data, call(x.data), rtol=1e-14)


def test_compiled_gradients_look_at_the_values_each_time():
    """What is refused does not depend on the matrix that a function was compiled with."""
    for loss in (lambda a: weighted(L.eigh(a)[1]), lambda a: weighted(L.svd(a[:, :2])[2])):
        compiled = mg.compile(mg.grad(loss))
        assert compiled(A).shape == compiled(B).shape == (3, 3)
        with pytest.raises(L.LinAlgError, match="the gradient depends on the choice"):
            compiled(np.eye(3))


def test_zero_singular_values():
    a = leaf(np.zeros((2, 3)))
    assert not mg.grad(L.norm(a, "nuc"), a).data.any()
    a = leaf(np.diag([3.0, 0.0]))
    assert mg.grad(np.sum(L.svdvals(a)), a).tolist() == [[1, 0], [0, 0]]
    a = leaf(np.diag([3.0, 0.0])[:, [0, 1, 1]])  # the second vector on the left stands across nothing
    with pytest.raises(L.LinAlgError, match="or are 0"):
        mg.grad(weighted(L.svd(a, full_matrices=False)[2]), a)


# ---- norms


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 1.5, np.inf])
def test_a_norm_is_flat_at_0(ord):
    w = leaf(np.zeros(3))
    for power in (1, 2):
        assert mg.grad(L.norm(w, ord) ** power, w).tolist() == [0, 0, 0]
    half = leaf([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(
        mg.grad(np.sum(L.norm(half, axis=1)), half).data, [[0, 0], [0.6, 0.8]], rtol=1e-15
    )


def test_the_largest_elements_share_the_gradient_of_their_norm():
    w = leaf([2.0, -2.0, 1.0, 0.0])
    assert mg.grad(L.norm(w, np.inf), w).tolist() == [0.5, -0.5, 0, 0]
    assert mg.grad(L.norm(w, 0), w).tolist() == [0, 0, 0, 0]
    assert mg.grad(L.norm(w, 0.5), w).tolist()[3] == 0  # where the slope is infinite
    with np.errstate(divide="ignore"):
        assert mg.grad(L.norm(w, -1), w).tolist() == [0, 0, 0, 0]  # 1 / Σ 1/|x| stays 0 in all but one


def test_matrix_rank_is_an_answer():
    assert L.matrix_rank(leaf(A)) == 3


def test_matrix_powers_and_chains_multiply_no_more_than_they_must():
    counted: list[Any] = []
    for power, products in ((1, 0), (2, 1), (3, 2), (8, 3), (11, 5)):
        counted.append(_products(L.matrix_power(leaf(A), power)))
        assert counted[-1] == products
    x, y = leaf(np.ones((5, 1))), leaf(np.ones((1, 5)))
    y_x = L.multi_dot([x, y, x])
    assert [t.shape for t in y_x.inputs[1].inputs] == [(1, 5), (5, 1)]  # x (y x), not (x y) x


def _products(y: mg.Tensor) -> int:
    seen = {y.stamp: y}
    for node in (nodes := [y]):
        for x in node.inputs:
            if isinstance(x, mg.Tensor) and x.stamp not in seen:
                seen[x.stamp] = x
                nodes.append(x)
    return sum(node.function is np.matmul for node in nodes)
