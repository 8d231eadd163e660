"""The table: what NumPy's functions differentiate to, in files by topic.

One row per function, one rule per argument, read as a formula sheet: `g` is ∂L/∂y and `y` the function's
output.  The rules know nothing of layers, losses or penalties.  At kinks and ties the row says which
sub-gradient it takes.
"""

from minigrad.derivatives import arithmetic as arithmetic
from minigrad.derivatives import choices as choices
from minigrad.derivatives import complex_numbers as complex_numbers
from minigrad.derivatives import cumulative as cumulative
from minigrad.derivatives import diagonals as diagonals
from minigrad.derivatives import further_ufuncs as further_ufuncs
from minigrad.derivatives import grids as grids
from minigrad.derivatives import indexing as indexing
from minigrad.derivatives import interpolation as interpolation
from minigrad.derivatives import joining as joining
from minigrad.derivatives import matrices as matrices
from minigrad.derivatives import nan_functions as nan_functions
from minigrad.derivatives import ordering as ordering
from minigrad.derivatives import padding as padding
from minigrad.derivatives import picking as picking
from minigrad.derivatives import piecewise_constant as piecewise_constant
from minigrad.derivatives import polynomials as polynomials
from minigrad.derivatives import products as products
from minigrad.derivatives import rearranging as rearranging
from minigrad.derivatives import reductions as reductions
from minigrad.derivatives import shapes as shapes
from minigrad.derivatives import statistics as statistics
from minigrad.derivatives import ufunc_methods as ufunc_methods
from minigrad.derivatives import windows as windows
from minigrad.table import on_demand

on_demand["numpy.linalg"] = "minigrad.derivatives.linear_algebra"
on_demand["numpy.fft"] = "minigrad.derivatives.fourier"  # `import numpy` leaves numpy.fft out, too
