"""Polynomials, grids between two numbers, and counts with weights."""

from __future__ import annotations

import numpy as np

from cases.case import add, begin, not_holomorphic, positive, real, rounded_otherwise

begin(1207)

not_holomorphic |= {np.bincount, np.polyfit}
rounded_otherwise |= {np.geomspace, np.polydiv, np.polyfit}

for _p, _x in (
    (real(4), real(3)),
    (real(3), real(2, 2)),
    (real(3), 0.7),
    (real(1), real(2)),
    ([1, 2], real(3)),
):
    add(np.polyval, _p, _x)
for _function in (np.polyadd, np.polysub):
    for _a, _b in ((real(3), real(3)), (real(2), real(4)), (real(4), real(1)), (real(3), [1, 2])):
        add(_function, _a, _b)
for _m in (0, 1, 2, 5):
    add(np.polyder, real(4), _m)
for _m, _k in ((1, None), (2, None), (2, 0.7), (2, [0.3, -0.4]), (0, None)):
    add(np.polyint, real(3), _m, _k)
add(np.polyint, real(3), 2, real(2))
add(np.poly, real(3))
add(np.poly, real(1))
for _kwargs in ({}, {"N": 2}, {"N": 5, "increasing": True}, {"increasing": True}):
    add(np.vander, real(3), **_kwargs)

for _start, _stop in (
    (real(), real()),
    (real(2), real(2)),
    (real(3, 1), real(2)),
    (0.3, real()),
    (real(2), 1),
):
    add(np.linspace, _start, _stop, 4)
add(np.linspace, real(), real(), 3, endpoint=False)
add(np.linspace, real(2), real(2), 3, axis=-1)
add(np.linspace, real(2), real(2), 3, retstep=True)
add(np.linspace, real(), real(), 1)
add(np.linspace, real(), real(), 0)
for _start, _stop in ((real(), real()), (real(2), real(2)), (0.3, real())):
    add(np.logspace, _start, _stop, 3)
add(np.logspace, real(), real(), 3, False, 2.0)
for _start, _stop in ((positive(), positive()), (positive(2), positive(2)), (-positive(1), -positive(1))):
    add(np.geomspace, _start, _stop, 4)
add(np.geomspace, positive(2), positive(2), 3, endpoint=False, axis=1)
add(np.bincount, np.array([2, 0, 2, 1]), real(4))
add(np.bincount, np.array([2, 0, 2, 1]), real(4), 6)
for _u, _v in (
    (real(4), real(2)),
    (real(3), real(3)),
    (real(2), real(3)),
    (real(3), real(1)),
    ([1, 2, 3], real(2)),
):
    add(np.polydiv, _u, _v)
for _a, _b in ((real(3), real(2)), (real(2), real(2)), ([1, 2], real(3)), (real(1), real(2))):
    add(np.polymul, _a, _b)
add(np.polyfit, real(5), real(5), 2)
add(np.polyfit, real(4), real(4, 2), 1)
add(np.polyfit, real(5), real(5), 1, w=np.array([1.0, 0.5, 2.0, 1.5, 0.7]))
