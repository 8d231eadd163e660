"""Cross-entropy, as the mathematics of a loss has it."""

from __future__ import annotations

from minigrad import functions
from minigrad.program import Equation
from minigrad.show.derivation.latex.equations import (
    Equations,
    behind_minus,
    is_number,
    writes,
)
from minigrad.show.derivation.latex.typesetting import (
    Binds,
    Text,
    call,
    negated,
    plus,
    times,
)


def _cross_entropy(p: Equations, e: Equation) -> Text:
    """t log a + (1 − t) log(1 − a), where a is the probability itself or σ of the operand."""
    x, target = e.inputs
    if e.function is functions.cross_entropy_of_logit:
        known = p.sigmoids.get(x)
        a = p(known) if known is not None else call(r"\sigma", p(x))
    else:
        a = p(x)
    one = Text("1", Binds.base)
    arrays = not is_number(target) and not is_number(x)
    first = times(p(target), call(r"\log", a), arrays)
    second = times(plus(one, p(target), "-"), call(r"\log", plus(one, a, "-")), arrays)
    return plus(first, second, "+")


_entropies = (functions.cross_entropy_of_logit, functions.cross_entropy_of_probability)
behind_minus.update(dict.fromkeys(_entropies, _cross_entropy))


@writes(*_entropies)
def _(p: Equations, e: Equation) -> Text:
    return negated(_cross_entropy(p, e))
