"""The core: arithmetic, choices, reductions, products, shapes, indexing, and functions of ours."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from cases.case import (
    add,
    begin,
    broadcast_pairs,
    not_holomorphic,
    positive,
    probability,
    real,
    rounded_otherwise,
    turned,
)
from minigrad import derivatives, functions, random

begin(7)

not_holomorphic |= {np.absolute, np.remainder, np.var, np.std, np.astype, np.full_like}
rounded_otherwise |= {np.dot}

# ---- one array, elementwise

any_real = (
    np.negative, np.positive, np.square, np.absolute, np.exp, np.expm1, np.sin, np.cos, np.sinh, np.cosh,
    np.tanh, np.arctan, functions.relu, functions.sigmoid, functions.softplus,
)  # fmt: skip
for _function in any_real:
    for _x in (real(2, 3), turned(real(3, 2)), real(4)[::2], real(), real(0), real(2, 0)):
        add(_function, _x)
for _x in (0.7 * real(2, 3), 0.7 * turned(real(3, 2)), real(), real(0)):
    add(np.tan, _x)
for _function in (np.sqrt, np.log, np.log1p, np.log2, np.log10):
    for _x in (positive(2, 3), turned(positive(3, 2)), positive(), positive(0), positive(3) * 40):
        add(_function, _x)
add(np.log1p, -0.3 * positive(3))
for _function in (functions.sigmoid, functions.softplus, np.tanh):
    add(_function, np.array([-9.0, -3.5, 4.5, 8.0]))
add(functions.softplus, np.array([-40.0, 40.0, 1.5]))

# ---- two arrays, elementwise: every pair of shapes that broadcasts in another way


for _function in (np.add, np.subtract, np.multiply, np.maximum, np.minimum):
    for _a, _b in broadcast_pairs():
        add(_function, _a, _b)
for _a, _b in broadcast_pairs(real, positive):
    add(np.divide, _a, _b)
for _a, _b in (
    (np.array([[2.3, -1.7, 0.9], [3.2, -0.4, 1.6]]), np.array([0.7, -1.1, 0.5])),
    (np.array([[2.3], [-1.7]]), np.array([0.75, 1.2])), (np.array(-2.3), 0.75), (3.1, np.array([0.7, -1.1])),
):  # fmt: skip
    add(np.remainder, _a, _b)
for _a, _b in broadcast_pairs(positive, real):
    add(np.power, _a, _b)
for _exponent in (0, 1, 2, 3, -1, -2, 3.0, np.array([0, 1, 2]), np.array([2, -1, 3])):
    add(np.power, real(2, 3), _exponent)
for _exponent in (0.5, -1.5, 0.0, np.array([0.0, 1.0, 2.5])):
    add(np.power, positive(2, 3), _exponent)
add(np.power, 2, real(3))

# ---- choices

for _a, _low, _high in (
    (real(2, 3), -0.5, 0.5), (real(2, 3), -0.5, None), (real(2, 3), None, 0.5), (real(), -0.5, 0.5),
    (real(0), -1, 1), (real(2, 3), real(3) - 1, real(2, 1) + 1), (real(3), real(), 1.3),
    (real(3, 1), -1.2, real(4)), (0.4, np.array([0.6, -0.3, 0.1]), np.array([1.2, 0.2, 0.9])),
    (real(4), 0.6 + real(4), 0.2 + real(4)),
):  # fmt: skip
    add(np.clip, _a, _low, _high)
add(np.clip, real(2, 3), a_min=-0.5, a_max=0.5)
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    add(np.clip, real(2, 3), min=-0.5, max=0.5)
    add(np.clip, real(2, 3), max=0.4)

_truth = np.array([[True, False, True], [False, False, True]])
for _condition, _a, _b in (
    (_truth, real(2, 3), real(2, 3)), (_truth, real(3), real(2, 1)), (_truth[0], real(2, 1), real()),
    (_truth, real(2, 3), 0.0), (_truth, 0, real(3)), (np.array(True), real(3), real(3)),
    (True, real(), real()), (_truth[:, :0], real(2, 0), 1.5), (np.array([1, 0, 2]), real(3), real(3)),
):  # fmt: skip
    add(np.where, _condition, _a, _b)

add(np.full_like, real(2, 3), real())
add(np.full_like, real(2, 3), real(2, 1), shape=(2, 2))

# ---- no gradient, by design

for _function in (
    np.sign, np.floor, np.ceil, np.rint, np.trunc, np.logical_not, np.isnan, np.isfinite, np.isinf,
):  # fmt: skip
    for _x in (real(2, 3), real(), real(0)):
        add(_function, _x)
add(np.invert, np.array([3, -2]))
add(np.invert, _truth)
for _function in (
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.floor_divide,
    np.logical_and, np.logical_or, np.logical_xor,
):  # fmt: skip
    for _a, _b in (
        (real(2, 3), real(3)),
        (real(3, 1), 0.5),
        (0.5, real(3)),
        (real(), real()),
        (real(0), real()),
    ):
        add(_function, _a, _b)
for _function in (np.bitwise_and, np.bitwise_or, np.bitwise_xor):
    add(_function, np.array([6, 3]), np.array([[5], [2]]))
    add(_function, _truth, np.array([True, True, False]))
add(np.round, real(2, 3))
add(np.round, real(2, 3), 1)
add(np.round, real(2, 3), decimals=1)

# ---- reductions

_axes: tuple[dict[str, Any], ...] = (
    {}, {"axis": None}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": (-1, 1)}, {"axis": ()},
    {"axis": None, "keepdims": True}, {"axis": 1, "keepdims": True}, {"axis": (0, -1), "keepdims": True},
)  # fmt: skip
for _function in (
    np.sum,
    np.mean,
    np.var,
    np.std,
    np.max,
    np.min,
    np.prod,
    np.amax,
    np.amin,
    functions.logsumexp,
):
    for _kwargs in _axes:
        if _kwargs.get("axis") == () and _function is np.std:
            continue  # the deviation of single numbers is 0, where it has no slope
        add(_function, real(2, 3, 4), **_kwargs)
    add(_function, real(3, 5), axis=1)
    add(_function, real(5, 3), axis=0)
    add(_function, turned(real(2, 3)))
    add(_function, real(0, 3), axis=1)
    if _function not in (np.std,):
        add(_function, real())
        add(_function, real(1))
    if _function is not functions.logsumexp:  # its parameters are given by name
        add(_function, real(2, 3), 0)
for _function in (np.sum, np.prod):
    add(_function, real(0))
    add(_function, real(0, 3), axis=0)
for _function in (np.var, np.std):
    for _kwargs in ({"ddof": 1}, {"axis": 1, "ddof": 1}, {"axis": (0, 1), "ddof": 2, "keepdims": True}):
        add(_function, real(3, 4), **_kwargs)
for _n in (1, 2, 3, 4, 5, 7, 8):
    add(np.prod, real(_n))
add(np.prod, np.array([0.0, 1.5, -0.7, 2.0]))
add(np.prod, np.array([[0.0, 1.5, 0.0], [0.4, 0.0, -2.0]]), axis=1)

# ---- softmax and its relatives

for _function in (functions.softmax, functions.log_softmax):
    for _kwargs in ({}, {"axis": 0}, {"axis": -1}, {"axis": None}, {"axis": (0, 1)}):
        add(_function, real(3, 4), **_kwargs)
    add(_function, real(2, 3, 2), axis=1)
    add(_function, 9 * real(5))
    add(_function, real(0, 3))
add(functions.logsumexp, np.array([-3.0, 700.0, 699.0, 2.0]))
for _z, _target in broadcast_pairs(real, probability):
    add(functions.cross_entropy_of_logit, _z, _target)
for _a, _b in broadcast_pairs(probability, probability):
    if isinstance(_a, np.ndarray):
        add(functions.cross_entropy_of_probability, _a, _b)
add(functions.cross_entropy_of_probability, 0.3, probability(3))
add(functions.cross_entropy_of_logit, np.array([-40.0, 2.5, 30.0]), np.array([1.0, 0.0, 0.2]))
add(functions.cross_entropy_of_probability, np.array([0.1, 0.6, 0.97]), np.array([1, 0, 1]))

# ---- products of matrices

_products: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((5, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((1, 2, 3), (5, 3, 1)),
    ((3,), (5, 3, 2)), ((5, 2, 3), (3,)), ((3,), (2, 5, 3, 2)), ((2, 5, 2, 3), (3,)), ((0, 3), (3, 2)),
    ((2, 0), (0, 3)), ((2, 3), (3, 0)), ((1, 1), (1, 4)), ((0, 2, 3), (3, 2)),
)  # fmt: skip
for _left, _right in _products:
    add(np.matmul, real(*_left), real(*_right))
add(np.matmul, turned(real(2, 3)), real(4, 3).T)
add(np.matmul, real(2, 3), np.array([[1, 2], [0, -1], [3, 1]]))
add(np.matmul, np.array([1, 2]), real(2, 3))
for _left, _right in (
    ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((), (2, 3)), ((2, 3), ()), ((), ()),
    ((4, 2, 3), (3,)), ((2, 3), (5, 3, 4)), ((3,), (2, 3, 4)), ((2, 2, 3), (4, 3, 2)),
):  # fmt: skip
    add(np.dot, real(*_left), real(*_right))
add(np.dot, real(2, 3), 1.5)
for _left, _right in (((3,), (4,)), ((2, 2), (3,)), ((), (3,)), ((0,), (3,))):
    add(np.outer, real(*_left), real(*_right))

# ---- shape

for _args in (
    (real(2, 3),), (real(2, 3, 4),), (real(3),), (real(),), (real(0, 3),), (real(2, 3, 4), (1, 2, 0)),
    (real(2, 3, 4), (-1, 0, 1)), (real(2, 3), None), (real(2, 3), [1, 0]),
):  # fmt: skip
    add(np.transpose, *_args)
add(np.transpose, real(2, 3, 4), axes=(2, 0, 1))
for _x, _first, _second in (
    (real(2, 3), 0, 1),
    (real(2, 3, 4), 0, -1),
    (real(2, 3, 4), -2, -1),
    (real(2, 0), 0, 1),
):
    add(np.swapaxes, _x, _first, _second)
for _x in (real(2, 3), real(4, 2, 3), real(1, 3), real(2, 0)):
    add(np.matrix_transpose, _x)
for _x, _shape in (
    (real(2, 3), (3, 2)), (real(2, 3), (6,)), (real(2, 3), -1), (real(2, 3), (1, -1)), (real(), (1, 1)),
    (real(1), ()), (real(0, 3), (3, 0)), (turned(real(2, 3)), (3, 2)),
):  # fmt: skip
    add(np.reshape, _x, _shape)
add(np.reshape, real(2, 3), (3, 2), "F")
add(np.reshape, turned(real(2, 6)), (3, 4), order="F")
for _x in (real(2, 3), turned(real(2, 3)), real(), real(0, 2)):
    add(np.ravel, _x)
    add(np.ravel, _x, order="F")
for _x, _axis in ((real(2, 3), 0), (real(2, 3), -1), (real(2, 3), (0, 3)), (real(), 0), (real(0), 1)):
    add(np.expand_dims, _x, _axis)
for _x, _axis in (
    (real(1, 3, 1), None),
    (real(1, 3, 1), 0),
    (real(1, 3, 1), (0, -1)),
    (real(3), None),
    (real(1), 0),
):
    add(np.squeeze, _x, _axis)
for _x, _shape in (
    (real(3), (2, 3)),
    (real(2, 1), (2, 4)),
    (real(), (2, 3)),
    (real(3), (3,)),
    (real(1), (0,)),
    (real(1, 2), (3, 4, 2)),
):
    add(np.broadcast_to, _x, _shape)
for _dtype in (np.float64, np.float32, "int64"):
    add(np.astype, real(2, 3), _dtype)
for _arrays, _kwargs in (
    ([real(2, 3), real(1, 3), real(4, 3)], {}), ([real(2, 3), real(2, 1)], {"axis": 1}),
    ([real(2, 3), real(2, 2)], {"axis": -1}), ([real(2, 3), real(4)], {"axis": None}), ([real(3)], {}),
    ([real(0), real(2)], {}), ([real(2), np.array([1, 2, 3]), real(1)], {}),
):  # fmt: skip
    add(np.concatenate, _arrays, **_kwargs)
add(np.concatenate, [real(2), real(3)], 0)
for _arrays, _kwargs in (
    ([real(2, 3), real(2, 3)], {}), ([real(2, 3), real(2, 3)], {"axis": 1}),
    ([real(2), real(2), real(2)], {"axis": -1}), ([real(), real()], {}), ([real(0), real(0)], {"axis": 1}),
    ([real(3), np.array([1, 2, 3])], {}),
):  # fmt: skip
    add(np.stack, _arrays, **_kwargs)
for _x, _sections, _kwargs in (
    (real(6), 3, {}), (real(2, 4), 2, {"axis": 1}), (real(2, 4), 2, {"axis": -1}), (real(5, 2), (1, 3), {}),
    (real(5), [2, 2, 7], {}), (real(5), (-2,), {}),
):  # fmt: skip
    add(np.split, _x, _sections, **_kwargs)

# ---- indexing

_index_5_3: tuple[Any, ...] = (
    0, -1, np.int64(2), slice(1, 4), slice(None, None, -1), slice(4, 0, -2), slice(2, 2), (slice(None), 1),
    (2, 1), ..., (..., 0), None, (slice(None), None), (1, None, slice(None, 2)), np.array([0, 2, 2, -1]),
    [3, 3, 0], ((1, 1, 4),), np.array([[0, 1], [1, 0]]), np.array([], dtype=int),
    np.array([True, False, True, True, False]), [True, False, False, False, True],
    (np.array([0, 0, 4]), np.array([1, 1, 2])), (np.array([[0], [3]]), np.array([2, 2])),
    (slice(None), np.array([2, 0, 2])), (np.array([1, 1]), slice(0, 2)), (np.array([1, 1]), None, 0),
    (range(2), 0), np.arange(15).reshape(5, 3) % 4 == 1, (),
)  # fmt: skip
for _index in _index_5_3:
    add(operator.getitem, real(5, 3), _index)
add(operator.getitem, real(2, 3, 4), (0, slice(None), np.array([1, 1, 3])))
add(operator.getitem, real(2, 3, 4), (np.array([0, 1, 0]), slice(None, None, -1), 2))
add(operator.getitem, real(), ())
add(operator.getitem, real(), None)
add(operator.getitem, real(0, 3), slice(None))
for _index in (
    0,
    slice(1, 4),
    np.array([0, 2, 2, -1]),
    (slice(None), [1, 1]),
    ((1, 1, 4),),
    ...,
    (np.array([1, 1]), 0),
):
    add(derivatives.indexing.scatter_add, real(*np.zeros((5, 3))[_index].shape), index=_index, shape=(5, 3))

# ---- square: where a transposed gradient would fit

for _function in (*any_real, functions.softmax, functions.log_softmax, np.ravel, np.transpose):
    add(_function, real(3, 3))
add(np.tan, 0.7 * real(3, 3))
for _function in (np.sqrt, np.log, np.log1p, np.log2, np.log10):
    add(_function, positive(3, 3))
for _function in (np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.matmul):
    add(_function, real(3, 3), real(3, 3))
add(np.divide, real(3, 3), positive(3, 3))
add(np.remainder, 4 * real(3, 3), positive(3, 3) + 0.1)
add(np.power, positive(3, 3), real(3, 3))
add(np.clip, real(3, 3), real(3, 3) - 0.8, real(3, 3) + 0.8)
add(np.where, real(3, 3) > 0, real(3, 3), real(3, 3))
for _function in (np.var, np.std, np.max, np.min, np.prod, functions.logsumexp):
    add(_function, real(3, 3), axis=1)
for _function in (np.sum, np.mean):
    add(_function, real(3, 3), axis=())
add(functions.cross_entropy_of_logit, real(3, 3), probability(3, 3))
add(functions.cross_entropy_of_probability, probability(3, 3), probability(3, 3))
add(np.swapaxes, real(3, 3), 0, 1)
add(np.reshape, real(3, 3), 9)
add(np.expand_dims, real(3, 3), 0)
add(np.squeeze, real(1, 3, 3), 0)
add(np.broadcast_to, real(3, 3), (2, 3, 3))
add(np.astype, real(3, 3), np.float64)
add(np.concatenate, [real(3, 3), real(1, 3)])
add(np.stack, [real(3, 3), real(3, 3)])
add(operator.getitem, real(3, 3), (slice(None), np.array([2, 0, 2])))
add(derivatives.indexing.scatter_add, real(3, 3), index=slice(1, 4), shape=(5, 3))

# ---- draws

add(random.uniform_draw, rng=np.random.default_rng(3), shape=(2, 3))
add(random.uniform_draw, rng=np.random.default_rng(3), shape=())
add(np.linalg.matrix_transpose, real(4, 2, 3))
