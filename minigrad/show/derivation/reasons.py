"""Why the rules of the table are as they are, in a sentence each."""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from typing import Any

import numpy as np
import numpy.fft

from minigrad import functions
from minigrad.derivatives import linear_algebra
from minigrad.derivatives.indexing import scatter_add
from minigrad.derivatives.windows import overlap_add, windows


def reason(function: Callable[..., Any], argument: str, n: int) -> str:
    """Why the rule of an argument is as it is, "" for a function of which nothing is known.

    n  how many elements of the argument make one of the output

    >>> reason(np.mean, "a", 7)
    'Each of 7 terms counts 1/7 in their mean.'
    """
    said = reasons.get(function, "")
    if isinstance(said, dict):
        said = said.get(argument, "")
    return said.replace("{n}", str(n))


_moved = "The same numbers stand in other places, so the gradient is put back to where they came from."
_symmetric = "The transform's matrix is symmetric, so the gradient goes through the same transform."
reasons: dict[Callable[..., Any], str | dict[str, str]] = {
    np.add: "A term changes a sum one for one, so the gradient passes on as it is.",
    np.subtract: {
        "a": "It changes the difference one for one, so the gradient passes on as it is.",
        "b": "What is subtracted changes the difference one for one the other way: hence the minus.",
    },
    np.multiply: "The slope of a product in one factor is the other factor.",
    np.divide: {
        "a": "The slope of a quotient in what is divided is 1 over the divisor.",
        "b": "The slope of a / b in b is -a / b², and a / b is y.",
    },
    np.remainder: {
        "a": "Between its jumps a remainder grows with what is divided, one for one.",
        "b": "The remainder is a - b times the whole quotient, and that is the slope in b.",
    },
    np.power: {
        "a": "The slope of a power is the exponent times the next lower power.",
        "b": "The slope of a power in its exponent is the power times the logarithm of the base.",
    },
    np.negative: "The sign turns the slope around.",
    np.positive: "Nothing was changed, so the gradient passes on as it is.",
    np.square: "The slope of a square is twice what is squared.",
    np.sqrt: "The slope of a root is 1 over twice the root.",
    np.absolute: "Its slope is 1 to the right of 0 and -1 to the left.",
    np.exp: "The exponential is its own slope.",
    np.expm1: "Its slope is the exponential, which is y + 1.",
    np.log: "The slope of the logarithm is 1 over what it is taken of.",
    np.log1p: "The slope of log(1 + a) is 1 / (1 + a).",
    np.log2: "The slope of a logarithm is 1 over what it is taken of, and over the logarithm of its base.",
    np.log10: "The slope of a logarithm is 1 over what it is taken of, and over the logarithm of its base.",
    np.sin: "The slope of the sine is the cosine.",
    np.cos: "The slope of the cosine is minus the sine.",
    np.tan: "The slope of the tangent is 1 + its square.",
    np.sinh: "The slope of sinh is cosh.",
    np.cosh: "The slope of cosh is sinh.",
    np.tanh: "The slope of tanh is 1 - its square.",
    np.arctan: "The slope of the arc tangent is 1 / (1 + a²).",
    functions.relu: "Its slope is 1 where x > 0 and 0 elsewhere, so the gradient passes only where x > 0.",
    functions.sigmoid: "The slope of the sigmoid is y (1 - y).",
    functions.softplus: "Its slope is the sigmoid.",
    np.maximum: "Only the larger of the two passes on, so it alone gets the gradient; a tie shares it.",
    np.minimum: "Only the smaller of the two passes on, so it alone gets the gradient; a tie shares it.",
    np.clip: "The gradient goes to whichever of value and bounds was passed on.",
    np.where: "The gradient goes to where the value was chosen; elsewhere it is 0.",
    np.sum: "Every term counts once in a sum, so each of them gets the gradient of the sum.",
    np.mean: "Each of {n} terms counts 1/{n} in their mean.",
    np.var: "A term counts in the variance by twice its distance from the mean.",
    np.std: "A term counts in the deviation by its distance from the mean, over the deviation.",
    np.max: "Only the largest element passes on what it is, so it alone gets the gradient; ties share it.",
    np.min: "Only the smallest element passes on what it is, so it alone gets the gradient; ties share it.",
    np.prod: "The slope of a product in one factor is the product of the others.",
    functions.logsumexp: "Each term gets the share that its exponential has in the sum: the softmax.",
    functions.log_softmax: "Its own g, less its share of the sum of all: the shares of the softmax add to 1.",
    functions.softmax: "A share that grows takes from all others, in proportion to what they have.",
    functions.cross_entropy_of_logit: {
        "z": "Its slope is the predicted probability less the target.",
        "target": "The target stands before z, with a minus.",
    },
    functions.cross_entropy_of_probability: {
        "a": "It is the slope of -(t log a + (1 - t) log(1 - a)), kept finite at 0 and 1.",
        "target": "It is the slope of -(t log a + (1 - t) log(1 - a)) in t.",
    },
    np.matmul: {
        "a": "For matrices that is g bᵀ: an element of a meets one row of b, once for each column of y.",
        "b": "For matrices that is aᵀ g: an element of b meets one column of a, once for each row of y.",
    },
    np.einsum: "A factor meets the product of all the others, summed over the axes that it does not have.",
    np.convolve: "Each element meets the other array once at every place: a convolution with that, turned.",
    np.transpose: "What was turned is turned back.",
    np.swapaxes: "What was turned is turned back.",
    np.reshape: _moved,
    np.ravel: _moved,
    np.expand_dims: _moved,
    np.squeeze: _moved,
    np.broadcast_to: "Every copy passes on what it is.",
    np.astype: "The numbers are the same, so the gradient passes on as it is.",
    np.concatenate: "Each array gets the part of the gradient that stands where it stands.",
    np.stack: "Each array gets the slice of the gradient that stands where it stands.",
    getitem: "What was taken out gets its gradient back at its place; what was left there gets 0.",
    windows: "An element gets the sum of the gradients of all windows that it is in.",
    overlap_add: "An element was added at one place, and gets the gradient of that place.",
    np.real: "The imaginary part has no slope here, so the gradient passes to the real part alone.",
    np.imag: "The imaginary part of dz is the real part of -i dz: hence the -i.",
    np.conjugate: "The imaginary part is turned around, and so is that of the gradient.",
    np.angle: "The angle is the imaginary part of the logarithm, whose slope is 1 / z.",
    np.linalg.inv: "A change dA of the matrix changes its inverse Y by -Y dA Y.",
    np.linalg.det: "The slope of a determinant in one element is that element's cofactor.",
    np.linalg.solve: {
        "a": "A change dA acts as the right-hand side -dA y would.",
        "b": "The solution is A⁻¹ b, so the gradient goes through the transposed system.",
    },
    np.linalg.pinv: "A change acts as on an inverse within rows and columns, and turns both.",
    np.linalg.cholesky: "Of the lower triangle alone comes the change of the factor; one triangle is read.",
    np.linalg.vector_norm: "A norm grows with an element by its share, in the direction of the element.",
    linear_algebra.cofactors: "It is det(A) A⁻ᵀ, and both factors change.",
    linear_algebra.slogdet: "The slope of log |det A| is the transposed inverse.",
    linear_algebra.least_squares: {
        "a": "A change of the matrix acts on the solution directly, and through what is left over.",
        "b": "The solution is A⁺ b, so the gradient goes through the transposed pseudoinverse.",
    },
    linear_algebra.eigh: "A value changes by vᴴ dA v, a vector towards the others, the more the nearer.",
    linear_algebra.eig: "As with eigh, but the left vectors are the rows of V⁻¹.",
    linear_algebra.svd: "A value changes by uᴴ dA v; the vectors turn towards the others, on both sides.",
    linear_algebra.qr: "Q turns by what is below the diagonal of Qᴴ dA R⁻¹, and R takes the rest.",
    linear_algebra.inverse_gaps: "The slope of 1 / (b - a) is its square, with a minus in b.",
    linear_algebra.determined: "Nothing was changed, so the gradient passes on as it is.",
    np.fft.fft: _symmetric,
    np.fft.ifft: _symmetric,
    np.fft.rfft: "The transform's matrix is symmetric; of what it gives back, the signal is the real part.",
    np.fft.irfft: "Each frequency between the first and the last stands for two, so it counts twice.",
    scatter_add: "What was put in gets the gradient of the place that it was put to.",
}
"""Function -> why its rule is as it is, for all arguments or by argument; {n} is how many are summed."""
