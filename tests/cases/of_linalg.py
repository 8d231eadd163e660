"""Complex numbers, linear algebra, Fourier transforms."""

from __future__ import annotations

import operator

import numpy as np
import numpy.fft

from cases.case import add, begin, complex_, not_holomorphic, real, rounded_otherwise
from minigrad.derivatives.further import factorizations as _factors
from minigrad.derivatives.further import linear_algebra as _linalg

not_holomorphic |= {
    np.real, np.imag, np.conjugate, np.angle, np.real_if_close, np.linalg.slogdet, _linalg.slogdet,
    _linalg.second_cofactors,
    np.linalg.pinv, _linalg.least_squares, np.linalg.lstsq, np.linalg.cholesky, _factors.eigh,
    np.linalg.eigh, np.linalg.eigvalsh, _factors.eig, np.linalg.eig, np.linalg.eigvals, _factors.svd,
    np.linalg.svd, np.linalg.svdvals, _factors.qr, np.linalg.qr, _factors.inverse_gaps, _factors.determined,
    np.linalg.vector_norm, np.linalg.norm, np.linalg.matrix_norm, np.linalg.cond,
    np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.irfft2, np.fft.irfftn,
}  # fmt: skip
rounded_otherwise |= {
    np.linalg.lstsq, np.linalg.eigvalsh, np.linalg.eigvals, np.linalg.svdvals, np.linalg.svd, np.linalg.qr,
    np.linalg.norm, np.linalg.matrix_norm, np.linalg.cond, np.linalg.matrix_power, np.linalg.multi_dot,
    np.linalg.tensorinv, np.linalg.tensorsolve,
}  # fmt: skip

begin(12)

# ---- complex numbers

for _function in (np.real, np.imag, np.conjugate, np.angle):
    for _x in (real(2, 3), complex_(2, 3), complex_(3, 3), complex_()):
        add(_function, _x)
add(np.angle, complex_(3), deg=True)
add(np.real_if_close, real(2, 3))  # of complex arrays it looks at the values: test_complex_numbers.py

# ---- the core on complex arrays: holomorphic functions, and those that are not

for _function in (np.negative, np.square, np.absolute, np.exp, np.log, np.sin, np.tanh, np.sqrt):
    add(_function, complex_(2, 3))
for _function in (np.add, np.subtract, np.multiply, np.divide, np.maximum):
    add(_function, complex_(2, 3), real(3))
add(np.divide, real(3), complex_(2, 3))
add(np.power, complex_(2, 3), real(3))
add(np.power, real(3), complex_(2, 3))
for _function in (np.sum, np.mean, np.var, np.std, np.prod, np.max):
    add(_function, complex_(3, 3), axis=1)
add(np.cov, complex_(2, 4), aweights=np.array([1, 2, 2, 3]))
add(np.cov, real(2, 3), complex_(1, 3), bias=True)
add(np.corrcoef, complex_(2, 3))
add(np.matmul, complex_(2, 3), complex_(3, 4))
add(np.matmul, real(2, 3), complex_(3))
add(np.where, np.array([True, False, True]), complex_(2, 3), real(3))
add(np.concatenate, [real(2), complex_(3)])
add(np.astype, real(2, 3), complex)
add(operator.getitem, complex_(4), np.array([0, 2, 2]))

# ---- linear algebra

_square, _spd = real(3, 3), (lambda x: x @ x.T + 2 * np.eye(3))(real(3, 3))
_hermitian = (lambda z: z + z.conj().T + np.diag([1.0, 3.0, 6.0]))(complex_(3, 3))
for _x in (_square, real(2, 3, 3), complex_(3, 3)):
    for _function in (
        np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.pinv, _linalg.cofactors,
        _linalg.slogdet,
    ):  # fmt: skip
        add(_function, _x)
    add(_linalg.second_cofactors, _x, 0.7 * _x[..., ::-1, :])
add(_linalg.second_cofactors, np.diag([1.0, 2.0, 1.5, 3.0]) + 0.3, 0.7 + np.eye(4))  # of 3 x 3 linear in both
for _a, _b in (
    (_square, real(3, 2)), (_square, real(3)), (real(2, 3, 3), real(3)), (real(2, 1, 3, 3), real(2, 3, 2)),
    (complex_(3, 3), real(3, 3)), (real(3, 3), complex_(3)),
):  # fmt: skip
    add(np.linalg.solve, _a, _b)
for _a in (real(4, 3), real(3, 4), complex_(4, 3)):
    add(np.linalg.pinv, _a, 1e-9)
for _a, _b in (
    (real(4, 3), real(4, 2)), (real(3, 4), real(3, 3)), (complex_(4, 3), real(4, 1)), (_square, real(3, 3)),
):  # fmt: skip
    add(_linalg.least_squares, _a, _b)
    add(np.linalg.lstsq, _a, _b)
add(np.linalg.lstsq, real(4, 2), real(4), -1)
for _x in (_spd, np.stack([_spd, _spd + np.eye(3)]), _hermitian + 4 * np.eye(3)):
    add(np.linalg.cholesky, _x)
    add(np.linalg.cholesky, _x, upper=True)
for _uplo in "LU":
    for _x in (_square, real(2, 3, 3)):
        add(np.linalg.eigh, _x, _uplo)
        add(_factors.eigh, _x, UPLO=_uplo)
    add(np.linalg.eigvalsh, _hermitian, _uplo)
_apart = np.array([[1.0, 0.3, -0.2], [0.1, 2.5, 0.4], [0.2, -0.3, 4.0]])
for _x in (_apart, np.stack([_apart, _apart.T + 1])):
    add(np.linalg.eig, _x)
    add(_factors.eig, _x)
for _x in (_apart, complex_(3, 3), np.array([[0.3, -1.2], [0.9, 0.5]])):
    add(np.linalg.eigvals, _x)
for _x in (_square, real(4, 2), real(2, 4), real(2, 3, 2)):
    add(np.linalg.svd, _x, full_matrices=False)
    add(_factors.svd, _x)
for _x in (real(4, 2), complex_(3, 3), complex_(2, 4)):
    add(np.linalg.svdvals, _x)
    add(np.linalg.svd, _x, compute_uv=False)
for _x in (_square, real(4, 2), real(2, 3, 2), complex_(3, 2)):
    add(np.linalg.qr, _x)
    add(_factors.qr, _x)
for _x in (real(3, 2), real(2, 3)):  # one vector more, of which only the sign is free
    add(np.linalg.svd, _x)
    add(_factors.svd, _x, full=True)
add(np.linalg.qr, real(3, 2), "complete")
add(_factors.qr, real(3, 2), complete=True)
for _x, _mode in ((real(2, 4), "complete"), (real(4, 2), "r"), (complex_(2, 3), "reduced")):
    add(np.linalg.qr, _x, _mode)
add(_factors.inverse_gaps, real(3), real(3) + 4, who="np.linalg.eigh")
add(_factors.inverse_gaps, real(2, 3), real(2, 2) + 4, who="np.linalg.eigh")
add(_factors.inverse_gaps, real(3, 3), real(3, 3) + 4, who="np.linalg.eigh")
add(_factors.inverse_gaps, real(2, 3), real(2) + 4, who="np.linalg.eigh")
add(_factors.inverse_gaps, real(2), real(2, 3) + 4, who="np.linalg.eigh")
add(_factors.determined, *(real(3, 3) for _ in range(4)), who="np.linalg.eigh")
add(_factors.determined, real(2, 3), real(1, 3), real(2, 3), real(2, 3), who="np.linalg.eigh")

for _kwargs in (
    {}, {"axis": 1}, {"axis": (0, 2), "keepdims": True}, {"axis": 0, "ord": 1}, {"ord": 3},
    {"axis": -1, "ord": 2.5}, {"axis": 1, "ord": np.inf, "keepdims": True}, {"axis": 1, "ord": -np.inf},
    {"ord": 0}, {"axis": 2, "ord": -1},
):  # fmt: skip
    add(np.linalg.vector_norm, real(2, 3, 4), **_kwargs)
for _ord in (2, 1, 3, np.inf):
    add(np.linalg.vector_norm, complex_(3, 3), axis=1, ord=_ord)
add(np.linalg.vector_norm, real(3, 3), axis=1)
for _args in (
    (real(2, 3),), (real(3), 3), (real(2, 3), None, 1), (real(2, 3), 1, 0, True),
    (real(2, 3, 4), "fro", (0, 2)),
    (real(2, 3, 4), "nuc", (2, 0), True), (real(2, 3), "nuc"), (complex_(2, 3), 2), (real(2, 3), "f"),
    *((real(2, 3, 2), ord, (0, 1)) for ord in (1, -1, 2, -2, np.inf, -np.inf)),
):  # fmt: skip
    add(np.linalg.norm, *_args)
for _kwargs in ({}, {"ord": 1, "keepdims": True}):
    add(np.linalg.matrix_norm, real(2, 3, 2), **_kwargs)
for _p in (None, -2, 1, "fro", np.inf):
    add(np.linalg.cond, _apart + 0.3 * real(2, 3, 3), _p)
for _n in (0, 1, 2, 3, 5, -2):
    add(np.linalg.matrix_power, _square, _n)
add(np.linalg.multi_dot, [real(2, 4), real(4, 3), real(3, 5)])
add(np.linalg.multi_dot, [real(4), real(4, 2), real(2, 3), real(3)])
_six = real(6, 6) + 3 * np.eye(6)
add(np.linalg.tensorinv, _six.reshape(2, 3, 6))
add(np.linalg.tensorinv, (real(4, 4) + 3 * np.eye(4)).reshape(4, 2, 2), 1)
add(np.linalg.tensorsolve, _six.reshape(2, 3, 6), real(2, 3))
add(np.linalg.tensorsolve, np.moveaxis(_six.reshape(2, 3, 6), 2, 1), real(2, 3), (1,))

# ---- Fourier transforms

for _function in (np.fft.fft, np.fft.ifft):
    for _x, _kwargs in (
        (real(2, 3), {}),
        (complex_(3, 3), {"axis": 0}),
        (complex_(4, 2), {"n": 3, "axis": 0}),
    ):
        add(_function, _x, **_kwargs)
    add(_function, complex_(3), 5, norm="ortho")
for _n, _norm in ((None, "forward"), (5, "ortho"), (3, "backward"), (6, None)):
    add(np.fft.rfft, real(3, 4), _n, norm=_norm)
    add(np.fft.irfft, complex_(2, 4), _n, norm=_norm)
    add(np.fft.hfft, complex_(4), _n, norm=_norm)
    add(np.fft.ihfft, real(4), _n, norm=_norm)
for _function in (np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft):
    add(_function, real(3, 3), axis=0)
for _function in (
    np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2,
    np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn,
):  # fmt: skip
    add(_function, real(2, 3, 2))
    add(_function, real(2, 3), s=(3, -1), axes=(1, 0), norm="ortho")
for _function in (np.fft.fftshift, np.fft.ifftshift):
    add(_function, real(2, 3))
    add(_function, real(4, 5), axes=1)
