"""What part the values of a program play: masks and what they do, the penalty among the terms of a cost.

It is decided from the graph, in general terms: nothing here knows a layer, a loss or a penalty.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Number
from typing import Any

import numpy as np

from minigrad.program.program import Equation, Literal, Program, Variable
from minigrad.random import is_generator

_order = (np.less, np.less_equal, np.greater, np.greater_equal)


def roles(program: Program) -> dict[Variable, str]:
    """The part that a value plays, for those that play one.

    "draw"      random numbers: what is drawn from a generator, or computed from that and numbers alone
    "mask"      booleans: a leaf named as one (D1), or random numbers compared (U < keep_prob); or 0 and 1
    "masked"    a value times a mask, or chosen by one
    "rescaled"  what was divided by the number that the random numbers of a mask were compared with
    "penalty"   a term of a scalar output that depends on parameters but on no data, beside one that depends
                on data and on some of the same parameters; with everything that serves it alone

    >>> from minigrad.random import bernoulli
    >>> D = bernoulli(0, (3,), 0.8)
    >>> list(roles(Program(np.ones(3) * D / 0.8)).values())
    ['draw', 'mask', 'masked', 'rescaled']
    """
    found = _masks(program)
    for variable in _penalty(program):
        found.setdefault(variable, "penalty")
    return found


def dependent_on_data(program: Program) -> set[Variable]:
    """The data, masks and random draws, and all that is computed from them."""
    found = {leaf for leaf in program.leaves if leaf.kind in ("data", "mask")}
    for equation in program.equations:
        if _draws(equation) or any(
            _is_data(x) if isinstance(x, Literal) else x in found for x in equation.inputs
        ):
            found.add(equation.output)
    return found


def _masks(program: Program) -> dict[Variable, str]:
    found = {leaf: "mask" for leaf in program.leaves if leaf.kind == "mask"}
    thresholds: set[Any] = set()
    for equation in program.equations:
        inputs, output = equation.inputs, equation.output
        given = [found.get(x) for x in inputs if isinstance(x, Variable) and x.kind != "constant"]
        masks = sum(_is_mask(x, found) for x in inputs)
        boolean = output.tensor.dtype.kind == "b"
        if _draws(equation) or (given and all(part == "draw" for part in given)):
            found[output] = "mask" if boolean else "draw"
            if boolean and equation.function in _order:
                thresholds.update(_identity(x) for x in inputs if x not in found)
        elif masks and (boolean or equation.function is np.astype) and masks == len(inputs):
            found[output] = "mask"
        elif equation.function is np.divide and _identity(inputs[1]) in thresholds:
            found[output] = "rescaled"
        elif masks and equation.function in (np.multiply, np.where):
            found[output] = "masked"
    return found


def _is_mask(x: Variable | Literal, found: dict[Variable, str]) -> bool:
    return isinstance(x, Variable) and found.get(x) == "mask"


def _identity(x: Variable | Literal) -> Any:
    """What tells one number from another: the constant itself, or a literal's value."""
    if isinstance(x, Variable):
        return x
    return x.value if isinstance(x.value, Number) else x


def _penalty(program: Program) -> list[Variable]:
    on_data = dependent_on_data(program)
    on_parameters = {leaf for leaf in program.leaves if leaf.kind == "parameter"}
    for equation in program.equations:
        if any(x in on_parameters for x in equation.inputs):
            on_parameters.add(equation.output)
    terms = terms_of(output for output in program.outputs if output.tensor.size == 1)
    penalties = [t for t in terms if t in on_parameters and t not in on_data]
    behind = all_behind(penalties)
    if not any(x.kind == "parameter" and x in behind for x in all_behind(t for t in terms if t in on_data)):
        return []
    own = []
    serves_others: set[Variable] = set()  # as a W.T does that the model uses too
    for equation in reversed(program.equations):
        if equation.output in behind and equation.output not in serves_others:
            own.append(equation.output)
        else:
            serves_others.update(x for x in equation.inputs if isinstance(x, Variable) and x not in terms)
    return own


def terms_of(outputs: Iterable[Variable]) -> dict[Variable, None]:
    """What the outputs are sums and differences of."""
    found: dict[Variable, None] = {}  # a set that keeps its order
    waiting = list(outputs)
    seen = set(waiting)
    while waiting:
        variable = waiting.pop()
        if variable.equation is not None and variable.equation.function in (np.add, np.subtract, np.negative):
            for x in variable.equation.inputs:
                if isinstance(x, Variable) and x not in seen:
                    seen.add(x)
                    waiting.append(x)
        else:
            found[variable] = None
    return found


def all_behind(variables: Iterable[Variable]) -> dict[Variable, None]:
    """The variables, and all that they are computed from."""
    found = dict.fromkeys(variables)
    waiting = list(found)
    while waiting:
        equation = waiting.pop().equation
        for x in equation.inputs if equation else ():
            if isinstance(x, Variable) and x not in found:
                found[x] = None
                waiting.append(x)
    return found


def _draws(equation: Equation) -> bool:
    return any(is_generator(value) for value in equation.parameters.values())


def _is_data(x: Literal) -> bool:
    return np.ndim(x.value) > 0
