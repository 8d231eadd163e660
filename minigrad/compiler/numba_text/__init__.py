"""A program as loops that Numba compiles.

text.py        NumbaText: the loops, and the statements between them
loop_plan.py   which equations become loops, products by BLAS, or NumPy
loops.py       equations fused into nests of loops
elements.py    NumPy's functions on one element
jit.py         Numba itself, and what it compiled, kept on disk
"""
