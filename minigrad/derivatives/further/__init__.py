"""Rows of the rest of NumPy, in files by topic; entered when one of its functions first meets a Tensor."""

from minigrad.derivatives.further import cumulative as cumulative
from minigrad.derivatives.further import diagonals as diagonals
from minigrad.derivatives.further import factorizations as factorizations
from minigrad.derivatives.further import grids as grids
from minigrad.derivatives.further import in_chunks as in_chunks
from minigrad.derivatives.further import interpolation as interpolation
from minigrad.derivatives.further import joining as joining
from minigrad.derivatives.further import keywords as keywords
from minigrad.derivatives.further import linear_algebra as linear_algebra
from minigrad.derivatives.further import nan_functions as nan_functions
from minigrad.derivatives.further import ordering as ordering
from minigrad.derivatives.further import padding as padding
from minigrad.derivatives.further import picking as picking
from minigrad.derivatives.further import polynomials as polynomials
from minigrad.derivatives.further import products as products
from minigrad.derivatives.further import rearranging as rearranging
from minigrad.derivatives.further import statistics as statistics
from minigrad.derivatives.further import ufunc_methods as ufunc_methods
from minigrad.derivatives.further import ufuncs as ufuncs
from minigrad.derivatives.further import windows as windows
