"""The table: what NumPy's functions differentiate to, in files by topic.

One row per function, one rule per argument, read as a formula sheet: `g` is ∂L/∂y and `y` the function's
output.  The rules know nothing of layers, losses or penalties.  At kinks and ties the row says which
sub-gradient it takes.

Here stands what networks are made of.  The rest of NumPy stands in `further`, and is entered when one of its
functions first meets a Tensor: `import minigrad` stays light.
"""

from minigrad.derivatives import arithmetic as arithmetic
from minigrad.derivatives import choices as choices
from minigrad.derivatives import complex_numbers as complex_numbers
from minigrad.derivatives import indexing as indexing
from minigrad.derivatives import matrices as matrices
from minigrad.derivatives import piecewise_constant as piecewise_constant
from minigrad.derivatives import reductions as reductions
from minigrad.derivatives import shapes as shapes
from minigrad.table import on_demand

on_demand.update({
    "numpy": "minigrad.derivatives.further",
    "numpy.lib.stride_tricks": "minigrad.derivatives.further",
    "numpy.linalg": "minigrad.derivatives.further",
    "numpy.fft": "minigrad.derivatives.further.fourier",  # `import numpy` leaves numpy.fft out, too
})
