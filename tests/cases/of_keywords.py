"""Keywords that a row does not have: dtype=, where=, initial=, mean=, correction= of reductions, casts."""

from __future__ import annotations

import numpy as np

from cases.case import add, begin, not_holomorphic, positive, real, rounded_otherwise

begin(29)

_some = np.array([[True, False, True], [True, True, False]])

add(np.sum, real(2, 3), where=_some)
add(np.sum, real(2, 3), axis=0, initial=1.5, keepdims=True)
add(np.prod, real(2, 3), axis=1, where=_some, initial=1.5)
add(np.max, real(2, 3), axis=1, where=_some, initial=0.03)
add(np.min, real(2, 3), initial=0.03)
add(np.mean, real(2, 3), axis=0, where=_some)
add(np.var, real(2, 3), where=_some, correction=1)
add(np.var, real(2, 3), axis=1, mean=np.array([[0.3], [-0.2]]))
add(np.std, real(2, 3), axis=1, where=_some)
add(np.std, real(2, 3), ddof=1, mean=np.array([[0.3]]))
add(np.nansum, real(2, 3), axis=0, where=_some, initial=2.0)
add(np.nanmax, real(2, 3), where=_some, initial=0.03)
add(np.nanstd, real(2, 3), axis=1, where=_some)
add(np.add.reduce, real(2, 3), axis=1, where=_some, initial=0.7)
add(np.logaddexp.reduce, real(2, 3), axis=1, where=_some, initial=0.7)
add(np.subtract.reduce, real(3), initial=0.7)
