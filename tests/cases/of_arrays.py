"""Elements rearranged, joined, picked and ordered; statistics."""

from __future__ import annotations

import numpy as np

from cases.case import add, begin, not_holomorphic, positive, real, rounded_otherwise, shaped_by_values
from minigrad.derivatives.further import ordering, picking

begin(647)

not_holomorphic |= {np.insert, np.partition, np.quantile, np.percentile, np.cov, np.corrcoef}
rounded_otherwise |= {np.cov, np.corrcoef}
shaped_by_values |= {np.trim_zeros, np.unique}

# ---- rearranged

for _axis in (None, 0, (-1, 0)):
    add(np.flip, real(2, 3), _axis)
add(np.flipud, real(2, 3))
add(np.flipud, real(3))
add(np.fliplr, real(2, 3))
for _k in (0, 1, 2, 3, -1):
    add(np.rot90, real(2, 3), _k)
add(np.rot90, real(2, 3, 2), 1, (2, 0))
for _shift, _axis in ((2, None), (-1, 0), (4, 1), ((1, -1), (0, 1)), (1, (0, 1)), ((1, 1), 1)):
    add(np.roll, real(2, 3), _shift, _axis)
add(np.roll, real(0), 1)
for _source, _destination in ((0, -1), (-1, 0), ((0, 1), (2, 0))):
    add(np.moveaxis, real(2, 3, 4), _source, _destination)
for _axis, _start in ((2, 0), (0, 3), (-1, 1)):
    add(np.rollaxis, real(2, 3, 4), _axis, _start)
for _reps in (2, (2, 3), (2, 1, 2), (0,), ()):
    add(np.tile, real(2, 2), _reps)
add(np.tile, real(2, 1, 2), (3,))
add(np.tile, real(), 3)
for _repeats, _axis in ((2, None), (3, 1), (np.array([1, 3]), 0), ([2], -1), (0, 0), ([0, 2, 1], 1)):
    add(np.repeat, real(2, 3), _repeats, _axis)
for _shape in ((3, 3), 4, (0,)):
    add(np.resize, real(2, 3), _shape)
add(np.resize, real(0), (2,))
add(np.copy, real(2, 3))
for _obj, _axis in ((1, None), (1, 0), ([0, 2], 1), (slice(0, 2), -1), (np.array([True, False, True]), 1)):
    add(np.delete, real(2, 3), _obj, _axis)
add(np.trim_zeros, real(3))

# ---- joined and taken apart

for _function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    for _x in (real(), real(2), real(2, 3)):
        add(_function, _x)
add(np.atleast_2d, real(2), real())
add(np.broadcast_arrays, real(2, 1), real(3), real())
add(np.meshgrid, real(3), real(2))
add(np.meshgrid, real(3), real(2), real(2), indexing="ij")
add(np.meshgrid, real(2), real(), real(2), sparse=True)
add(np.meshgrid, real(3))
for _function in (np.vstack, np.hstack, np.dstack, np.column_stack):
    add(_function, [real(2), real(2)])
    add(_function, [real(2, 2), real(2, 2)])
add(np.hstack, [real(), real(2), 0.5])
add(np.vstack, [real(2, 3), real(3)])
add(np.column_stack, [real(2), real(2, 3)])
add(np.dstack, [real(2, 3), real(2, 3, 2)])
add(np.block, [[real(2, 2), real(2, 1)], [real(1, 3)]])
add(np.block, [real(2), 0.5, real(3)])
add(np.block, real(2))
add(np.block, [[[real(2, 1)]], [[real(2, 1)]]])
add(np.append, real(2, 3), real(4))
add(np.append, real(2, 3), real(1, 3), 0)
for _x, _obj, _values, _axis in (
    (real(4), 1, real(), None), (real(2, 3), 1, real(), None), (real(2, 3), 1, real(3), 0),
    (real(2, 3), [0, 2], real(2, 2), 1), (real(2, 3), 1, real(2), 1), (real(3), [0, 2], real(), None),
    (real(3), 1, 7, None),
):  # fmt: skip
    add(np.insert, _x, _obj, _values, _axis)
for _x, _sections, _axis in ((real(5), 3, 0), (real(2, 5), 2, -1), (real(5, 2), [1, 4], 0)):
    add(np.array_split, _x, _sections, _axis)
add(np.hsplit, real(4), 2)
add(np.hsplit, real(2, 3), [1])
add(np.vsplit, real(4, 2), 2)
add(np.dsplit, real(1, 2, 4), [1, 3])
if hasattr(np, "unstack"):
    add(np.unstack, real(2, 3))
    add(np.unstack, real(2, 3), axis=-1)

# ---- diagonals

for _offset in (0, 1, -1, 2, -2):
    add(np.diagonal, real(2, 3), _offset)
    add(np.diag, real(3), _offset)
add(np.diagonal, real(3, 2, 3), 1, 0, 2)
add(np.diagonal, real(2, 3, 2), axis1=2, axis2=1)
add(np.diagonal, real(2, 3), 5)
add(np.diag, real(3, 3), 1)
add(np.diagflat, real(2, 2), 1)
add(np.trace, real(3, 3))
add(np.trace, real(2, 3, 4), 1, 2, 0)
for _function in (np.tril, np.triu):
    for _x, _k in ((real(3, 3), 0), (real(2, 3), 1), (real(2, 3, 3), -1), (real(3), 0)):
        add(_function, _x, _k)

# ---- padded

for _width in (1, (1, 2), ((1, 2), (0, 3))):
    add(np.pad, real(2, 3), _width)
add(np.pad, real(2, 3), ((1, 2), (0, 1)), constant_values=((1.5, -1), (0, 7)))
for _mode in ("edge", "reflect", "symmetric", "wrap", "linear_ramp", "mean", "median", "maximum", "minimum"):
    add(np.pad, real(2, 3), ((1, 2), (0, 2)), _mode)
for _mode in ("reflect", "symmetric"):
    add(np.pad, real(3), (2, 1), _mode, reflect_type="odd")
    add(np.pad, real(3), (7, 5), _mode)
add(np.pad, real(4), 2, "mean", stat_length=2)
add(np.pad, real(4), 2, "maximum", stat_length=((1, 3),))
add(np.pad, real(2, 2), 2, "linear_ramp", end_values=((1, 2), (-1, 0.5)))

# ---- picked

_index = np.array([[0, 2, 2], [1, 0, -1]])
add(np.take, real(2, 3), _index)
add(np.take, real(2, 3), [2, 0, 2], 1)
add(np.take, real(2, 3), -1, 0)
for _mode in ("wrap", "clip"):
    add(np.take, real(2, 3), np.array([-4, 1, 5]), axis=1, mode=_mode)
for _x, _axis in ((real(2, 3), 1), (real(2, 3), -1), (real(1, 3), 1), (real(3, 3), 0)):
    add(np.take_along_axis, _x, _index, _axis)
add(np.take_along_axis, real(3, 3), _index[:1], 0)
add(np.take_along_axis, real(2, 3), _index[0], None)
add(np.take_along_axis, real(2, 3, 2), _index[:1, :2, None], 1)
add(picking.add_along_axis, real(2, 3), _index, shape=(2, 3), axis=1)
add(picking.add_along_axis, real(3, 3), np.array([[2, 1, 0]] * 3), shape=(3, 3), axis=-1)
add(picking.add_along_axis, real(3), _index[0], shape=(2, 3), axis=None)
add(np.compress, [True, False, True], real(2, 3), 1)
add(np.compress, np.array([False, True]), real(2, 3))
add(np.extract, _index > 0, real(2, 3))
add(np.choose, np.array([2, 0, 1]), [real(3), real(), real(1)])
add(np.choose, np.array([3, -1, 1]), [real(3), real(3)], mode="wrap")
for _default in (0, real(3), 0.5):
    add(np.select, [_index > 0, np.array([True, False, True])], [real(2, 3), real(3)], _default)
_truth = _index > 0
add(np.piecewise, real(2, 3), [_truth, ~_truth], [np.sin, np.cos])
add(np.piecewise, real(2, 3), [_truth, _index > 1], [np.sin, np.exp, 0.5])
add(np.piecewise, real(3), _truth[0], [np.sin])

# ---- ordered

for _axis in (-1, 0, None):
    add(np.sort, real(3, 4), _axis)
    add(np.partition, real(3, 4), 1, _axis)
for _x in (real(3, 3), real(1), real(0), real(2, 0)):
    add(np.sort, _x)
add(np.sort, real(3, 2, 2), axis=1, kind="stable")
add(np.partition, real(3, 3), (0, 2), 0)
for _x, _function_axis in ((real(2, 3, 2), (0, 2)), (real(3, 4), None), (real(3, 3), 0), (real(4, 3), -1)):
    add(np.median, _x, _function_axis)
    add(np.quantile, _x, 0.3, _function_axis)
    add(np.percentile, _x, 30, _function_axis)
add(np.median, real(1), keepdims=True)
add(np.median, real(2, 3, 2), axis=(1, -1), keepdims=True)
for _method in (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
):  # fmt: skip
    add(np.quantile, real(5), [0.07, 0.4, 0.81], method=_method)
add(np.quantile, real(3, 4), [[0.0, 0.5], [0.2, 1.0]], axis=0, keepdims=True)
add(np.percentile, real(2, 3, 2), [10, 70], (-1, 0), keepdims=True)
add(np.unique, real(2, 3))
add(ordering.order, real(2, 3), axis=0)

# ---- statistics

add(np.ptp, real(2, 3))
add(np.ptp, real(2, 3), axis=1, keepdims=True)
add(np.average, real(2, 3))
for _x, _axis, _w in (
    (real(2, 3), None, positive(2, 3)), (real(2, 3), 0, positive(2, 3)), (real(2, 3), 1, positive(3)),
    (real(2, 3, 2), (2, 0), positive(2, 2)), (np.array([1, 2, 4]), None, positive(3)),
    (real(3), None, np.array([1, 2, 1])), (real(2, 3), -1, [1.0, 2.0, 0.5]),
):  # fmt: skip
    add(np.average, _x, _axis, _w)
add(np.average, real(2, 3), 1, positive(3), True)
add(np.average, real(2, 3), 1, positive(3), keepdims=True)
for _x, _y in ((real(2, 5), None), (real(5), None), (real(5), real(5)), (real(2, 4), real(1, 4))):
    add(np.cov, _x, _y)
    add(np.corrcoef, _x, _y)
add(np.cov, real(4, 2), None, False, True)
add(np.cov, real(2, 3), ddof=0, fweights=np.array([1, 2, 3]))
add(np.cov, real(2, 3), aweights=np.array([0.3, 1.2, 0.8]), fweights=np.array([1, 2, 3]))
