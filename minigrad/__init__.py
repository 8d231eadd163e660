"""minigrad: reverse-mode automatic differentiation on NumPy."""

from minigrad import derivatives as _derivatives  # the table must be filled before anything is recorded
from minigrad.backprop import backward, enable_grad, grad, no_grad
from minigrad.functions import log_softmax, logsumexp, relu, sigmoid, softmax, softplus
from minigrad.table import derivative
from minigrad.tensor import Tensor, constant, primitive
