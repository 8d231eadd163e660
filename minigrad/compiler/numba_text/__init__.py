"""A program as loops that Numba compiles.

elements.py    NumPy's functions on one element
loops.py       Step: an equation in loops
fusion.py      which of them are in the same
loop_plan.py   which equations become loops, products by BLAS, or NumPy
names.py       what values are called
buffers.py     which array each value is computed into
helpers.py     functions that loops call
parts.py       Part: what is compiled as one function
nests.py       Nest: loops, printed into a part
jit.py         Numba itself
cache.py       what it compiled, kept on disk
text.py        NumbaText: all of it, printed
"""
