"""Products summed over axes, other products of arrays, convolutions, windows."""

from __future__ import annotations

import numpy as np

from cases.case import add, begin, not_holomorphic, real, rounded_otherwise, turned
from minigrad.derivatives.further.windows import overlap_add, windows

begin(884)

rounded_otherwise |= {
    np.tensordot, np.inner, np.vdot, np.vecdot, np.linalg.tensordot, np.linalg.vecdot, np.linalg.trace,
    np.convolve, np.correlate,
}  # fmt: skip
not_holomorphic |= {np.vdot, np.vecdot, np.linalg.vecdot, np.correlate}  # conjugates

# ---- einsum

add(np.einsum, "ij,jk", real(2, 3), real(3, 4))
add(np.einsum, "ij,jk->ki", real(2, 3), turned(real(3, 4)), optimize=True)
add(np.einsum, "ij , jk, kl -> il", real(2, 3), real(3, 4), real(4, 2), optimize="optimal")
add(np.einsum, "i,ij,j->", real(2), real(2, 3), real(3), optimize=["einsum_path", (0, 1), (0, 1)])
add(np.einsum, "ii", real(3, 3))
add(np.einsum, "ii->i", real(3, 3))
add(np.einsum, "ikijj->k", real(2, 3, 2, 2, 2))
add(np.einsum, "iij,i->j", real(1, 1, 2), real(3))  # an axis of length 1 is broadcast
add(np.einsum, "ij,jk->ik", real(2, 1), real(3, 2))
add(np.einsum, "ij,k->j", real(3, 3), real(2))
add(np.einsum, "...ij,...j", real(4, 1, 2, 3), real(5, 3))
add(np.einsum, "i...,...->...i", real(2, 3), real())
add(np.einsum, real(2, 3), [0, 1], real(3, 4), [1, 2])
add(np.einsum, real(5, 2, 3), [..., 0, 1], real(3, 2), [1, 7], [7, ...])
add(np.einsum, "ij,ij->i", real(2, 3), np.array([[1, 0, 2], [3, -1, 1]]))
add(np.einsum, "ij,jk->ik", real(0, 3), real(3, 2))
add(np.einsum, "ij,jk->ik", real(3, 3), real(3, 3))

# ---- what is an einsum

for _b, _axes in (
    (real(2), 0), (real(4, 2), 1), (real(3, 4), 2), (real(4, 5, 2), ([0, -1], [2, 0])), (real(3, 2), (1, 0)),
):  # fmt: skip
    add(np.tensordot, real(2, 3, 4), _b, _axes)
add(np.linalg.tensordot, real(2, 3), real(4, 3), axes=([1], [1]))
for _a, _b in (
    (real(2, 3), real(4, 3)), (real(3), real(3)), (real(3), real(2, 4, 3)), (real(), real(2)), (real(2), 0.7),
):  # fmt: skip
    add(np.inner, _a, _b)
add(np.vdot, real(2, 3), turned(real(2, 3)))
add(np.vecdot, real(4, 1, 3), real(2, 3))
add(np.vecdot, real(3, 2), real(3, 1), axis=0)
add(np.linalg.vecdot, real(3, 2), real(3, 2), axis=-2)
if hasattr(np, "matvec"):
    rounded_otherwise |= {np.matvec, np.vecmat}
    not_holomorphic.add(np.vecmat)
    add(np.matvec, real(5, 2, 3), real(3))
    add(np.vecmat, real(3), real(5, 3, 2))
for _offset in (0, 1, -1):
    add(np.linalg.diagonal, real(2, 3, 4), offset=_offset)
    add(np.linalg.trace, real(2, 4, 3), offset=_offset)
add(np.linalg.diagonal, real(2, 3), offset=5)

# ---- other products

add(np.linalg.matmul, real(2, 3), real(3, 4))
add(np.linalg.outer, real(2), real(3))
for _a, _b in (
    (real(2, 3), real(3, 2)),
    (real(2), real(2, 3)),
    (real(2, 1, 3), real(2, 2)),
    (real(), real(3)),
):
    add(np.kron, _a, _b)
add(np.cross, real(3), real(3))
add(np.cross, real(2, 1, 3), real(4, 3))
add(np.cross, real(3, 2), real(2, 3), axisa=0, axisb=-1, axisc=0)
add(np.cross, real(2, 3, 4), real(2, 3, 4), axis=1)
add(np.linalg.cross, real(3, 2), real(3, 2), axis=0)

# ---- convolutions: the longer array first or second, of even and odd lengths

for _function in (np.convolve, np.correlate):
    for _n, _k in ((5, 3), (5, 2), (2, 5), (3, 3), (1, 3)):
        for _mode in ("full", "same", "valid"):
            add(_function, real(_n), real(_k), _mode)
    add(_function, real(4), real(2))
    add(_function, real(3), np.array([1, -2]))
add(np.convolve, 0.7, real(3))
add(np.convolve, np.array([0.3, -1.2, 0.8]), np.array([1.1, -0.6]), 1)

# ---- windows

_sliding = np.lib.stride_tricks.sliding_window_view
add(_sliding, real(5), 3)
add(_sliding, real(4, 3), (2, 3))
add(_sliding, real(2, 5), 3, -1)
add(_sliding, real(5, 2), (2, 3), (0, 0))  # twice along one axis
add(_sliding, real(2, 4, 3), (2, 2), axis=(1, 2))
for _shape, _window in (
    ((2, 7), {"shape": (3,), "axes": (1,), "stride": 2}),
    ((7, 2), {"shape": (2,), "axes": (0,), "dilation": 3}),
    ((5, 6), {"shape": (2, 3), "axes": (-1, 0), "stride": (3, 1), "dilation": (2, 2)}),
):  # fmt: skip
    add(windows, real(*_shape), **_window)
    add(overlap_add, real(*windows(real(*_shape), **_window).shape), **{**_window, "shape": _shape})
add(overlap_add, real(3, 3), shape=(7,), axes=(0,), stride=2)
add(windows, real(3, 3), shape=(1,), axes=(0,))
