"""Complex numbers, linear algebra, Fourier transforms."""

from __future__ import annotations

import operator

import numpy as np

from cases.case import add, complex_, real

# ---- complex numbers

for _function in (np.real, np.imag, np.conjugate, np.angle, np.isreal, np.iscomplex):
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
add(np.matmul, complex_(2, 3), complex_(3, 4))
add(np.matmul, real(2, 3), complex_(3))
add(np.where, np.array([True, False, True]), complex_(2, 3), real(3))
add(np.concatenate, [real(2), complex_(3)])
add(np.astype, real(2, 3), complex)
add(operator.getitem, complex_(4), np.array([0, 2, 2]))
