"""Products summed over axes, other products of arrays, convolutions, windows."""

from __future__ import annotations

import numpy as np

from cases.case import add, real, turned
from minigrad.derivatives.windows import overlap_add, windows

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

# ---- sums over pairs of axes

for _axes in (0, 1, 2, ([0, -1], [2, 0]), (1, 0)):
    add(np.tensordot, real(2, 3, 2), real(2, 3, 2) if _axes == ([0, -1], [2, 0]) else real(3, 2, 2).transpose(
        {0: (0, 1, 2), 1: (1, 0, 2), 2: (0, 1, 2), (1, 0): (0, 1, 2)}[_axes]
    ), _axes)
