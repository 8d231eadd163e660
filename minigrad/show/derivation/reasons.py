"""Why the rules of the table are as they are, in a sentence each."""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from typing import Any

import numpy as np
import numpy.fft

from minigrad import functions
from minigrad.derivatives.further import cumulative, factorizations, interpolation, linear_algebra, ufuncs
from minigrad.derivatives.further.picking import add_along_axis
from minigrad.derivatives.further.windows import overlap_add, windows
from minigrad.derivatives.indexing import scatter_add
from minigrad.transforms.checkpoint import recomputed


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
_shared = "Each of the two counts by its share in the sum inside the logarithm."
_scaled = "Another unit: the gradient is multiplied by the same factor."
_next_derivative = "Its slope is its next derivative, for which there is a function."
_ordered = "Each number has come to a place in the order; the gradient of that place goes back with it."
_between = (
    "It lies between two of the sorted numbers; each gets the share of the gradient that it counts with."
)

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
    np.arcsin: "The slope of the arc sine is 1 / √(1 - a²).",
    np.arccos: "The slope of the arc cosine is -1 / √(1 - a²).",
    np.arcsinh: "The slope of an inverse is 1 over the slope of sinh, which is cosh.",
    np.arccosh: "The slope of an inverse is 1 over the slope of cosh, which is sinh.",
    np.arctanh: "The slope of artanh is 1 / (1 - a²).",
    np.exp2: "A power of 2 grows in proportion to itself, by log 2.",
    np.cbrt: "The slope of a cube root is 1 over three times its square.",
    np.reciprocal: "The slope of 1 / a is -1 / a², and 1 / a is y.",
    np.fabs: "Its slope is 1 to the right of 0 and -1 to the left.",
    np.copysign: "Its slope is 1 where a already has the sign, and -1 where the sign is changed.",
    np.heaviside: "Only where a is 0 is b what comes out, so only there it gets the gradient.",
    np.logaddexp: _shared,
    np.logaddexp2: _shared,
    np.hypot: "A side counts in the length by what the side is of the length.",
    np.arctan2: {
        "a": "The angle turns by what goes across, over the length; across goes b over the length of it.",
        "b": "The same, with a over the length; as b grows the angle turns back: hence the minus.",
    },
    np.deg2rad: _scaled,
    np.radians: _scaled,
    np.rad2deg: _scaled,
    np.degrees: _scaled,
    np.unwrap: "What is added are whole turns, so the gradient passes on as it is.",
    np.fmax: "Only the larger of the two passes on, so it alone gets the gradient; a tie shares it.",
    np.fmin: "Only the smaller of the two passes on, so it alone gets the gradient; a tie shares it.",
    np.fmod: {
        "a": "Between its jumps a remainder grows with what is divided, one for one.",
        "b": "The remainder is a - b times the whole quotient, and that is the slope in b.",
    },
    np.ldexp: "A number times a power of 2: so is its gradient.",
    np.nextafter: "A neighbour moves with its number, so the gradient passes on as it is.",
    np.nan_to_num: "Where a number was finite it passes on as it is; what was put in elsewhere is fixed.",
    ufuncs.fraction: "Between whole numbers what is behind the point grows one for one.",
    np.sinc: _next_derivative,
    np.i0: _next_derivative,
    ufuncs.sinc_derivative: _next_derivative,
    ufuncs.i0_derivative: _next_derivative,
    np.cumsum: "A term counts in every sum from its own place on, so they all are added, from the end.",
    np.cumprod: (
        "A factor counts in every product from its own place on, by the product of the other factors; "
        "a recurrence from the end adds these up without dividing."
    ),
    cumulative.recurrence: {
        "x": "What comes in at a place goes on with the factors behind it: the same recurrence from the end.",
        "a": "A factor carries on the y before it, so it counts by that y times what its place is worth.",
    },
    interpolation.of_interval: "What was taken for an interval gets its gradients back, added up.",
    interpolation.by_interval: "Each of the values added up for an interval gets the gradient of the sum.",
    np.nanmax: "Only the largest number passes on what it is, so it alone gets the gradient; ties share it.",
    np.nanmin: "Only the smallest number passes on what it is, so it alone gets the gradient; ties share it.",
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
    recomputed: "Only the inputs were kept: the call is made again, and the gradient goes back through it.",
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
    linear_algebra.second_cofactors: {
        "a": "Of det(A) the inverse gives every derivative: each factor A⁻¹ changes by -A⁻¹ dA A⁻¹.",
        "b": "A second derivative is symmetric: the gradient takes the place of b.",
    },
    linear_algebra.slogdet: "The slope of log |det A| is the transposed inverse.",
    linear_algebra.least_squares: {
        "a": "A change of the matrix acts on the solution directly, and through what is left over.",
        "b": "The solution is A⁺ b, so the gradient goes through the transposed pseudoinverse.",
    },
    factorizations.eigh: "A value changes by vᴴ dA v, a vector towards the others, the more the nearer.",
    factorizations.eig: "As with eigh, but the left vectors are the rows of V⁻¹.",
    factorizations.svd: "A value changes by uᴴ dA v; the vectors turn towards the others, on both sides.",
    factorizations.qr: "Q turns by what is below the diagonal of Qᴴ dA R⁻¹, and R takes the rest.",
    factorizations.inverse_gaps: "The slope of 1 / (b - a) is its square, with a minus in b.",
    factorizations.determined: "Nothing was changed, so the gradient passes on as it is.",
    np.fft.fft: _symmetric,
    np.fft.ifft: _symmetric,
    np.fft.rfft: "The transform's matrix is symmetric; of what it gives back, the signal is the real part.",
    np.fft.irfft: "Each frequency between the first and the last stands for two, so it counts twice.",
    scatter_add: "What was put in gets the gradient of the place that it was put to.",
    np.take_along_axis: "What was taken out gets its gradient back at its place, once for each time.",
    add_along_axis: "What was put in gets the gradient of the place that it was put to.",
    np.sort: _ordered,
    np.partition: _ordered,
    np.median: _between,
    np.quantile: _between,
    np.percentile: _between,
}
"""Function -> why its rule is as it is, for all arguments or by argument; {n} is how many are summed."""
