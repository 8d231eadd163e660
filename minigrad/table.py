"""What a row of the table of derivatives is.

A row belongs to one function of arrays and holds one rule per array argument, named after it:

    derivative(np.multiply, a=lambda g, b: g * b,
                            b=lambda g, a: g * a)

`g` is ∂L/∂y, `y` the function's output; every other name in a rule is one of the function's arguments or
parameters.  The names that a rule asks for are all that it is given.  A rule is a pure expression of operators and
NumPy functions, so it can be applied to arrays (which gives the gradient) and to Tensors (which gives the gradient as a
graph).  It may leave a gradient broadcast: un-broadcasting is done once, in backprop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np

table: dict[Callable[..., Any], Row] = {}
compositions: dict[Callable[..., Any], Callable[..., Any]] = {}


class Row:
    """A function of arrays, the form in which it is recorded, and its rules.

    function    the NumPy function, or a primitive of ours
    arrays      names of its array arguments, in order
    many        whether it takes one sequence of arrays (np.concatenate) in place of separate ones
    parameters  its other parameters and their defaults (`Row.required` where there is none)
    positional  how many of the parameters may be given by position
    compute     what is called on plain arrays: compute(*arrays, **parameters)
    rules       per array argument: (rule, picks the rule's arguments out of (g, y, *arrays, *parameters)), or None
    constant    whether it has no gradient by design (comparisons, sign ...)
    alone       whether it can be called with one array and nothing else
    elementwise whether its output is as large as its inputs broadcast together, so that its rules also hold for a g
                that is itself left broadcast
    """

    __slots__ = (
        "alone", "arrays", "compute", "constant", "elementwise", "function", "many", "parameters", "positional", "rules",
    )  # fmt: skip

    required: Any = object()

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Signature,
        rules: Mapping[str, Callable[..., Any] | None],
        compute: Callable[..., Any] | None,
    ) -> None:
        self.function = function
        self.arrays, self.many, self.parameters, self.positional = signature
        name = name_of(function)
        if set(rules) != set(self.arrays):
            raise TypeError(
                f"derivative({name}): the arguments are {list(self.arrays)}, the rules are for {list(rules)}; "
                "every array argument needs a rule (None where it has no gradient, by design)"
            )
        taken = {"g", "y", "i"} & {*self.arrays, *self.parameters}
        if taken:
            raise TypeError(
                f"derivative({name}): {sorted(taken)} cannot name an argument: in a rule g is ∂L/∂y, y the output and i the "
                "number of the array"
            )
        given = ("g", "y", *self.arrays, *(("i",) if self.many else ()), *self.parameters)
        self.rules = tuple(_bind_rule(name, rules[argument], given) for argument in self.arrays)
        if compute is None:
            compute = getattr(function, "on_arrays", function)
            if self.many:
                compute = _spread_sequence(compute)
        self.compute = compute
        self.constant = not any(self.rules)
        self.alone = not self.many and len(self.arrays) == 1 and Row.required not in self.parameters.values()
        self.elementwise = isinstance(function, np.ufunc) and function.signature is None

    def bind(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Split a call's arguments into (inputs, parameters), every parameter present and in the row's order.

        Raises TypeError for a parameter that the row does not know: its effect on the gradient would be lost.
        """
        count = 1 if self.many else len(self.arrays)
        inputs, extra = list(args[:count]), args[count:]
        unknown = []
        parameters = dict(self.parameters)
        if len(extra) > self.positional:
            raise TypeError(f"{name_of(self.function)}: give {', '.join(self.parameters)} by keyword")
        for name, value in zip(self.parameters, extra, strict=False):
            parameters[name] = value
        for name in self.arrays[len(inputs) :] if kwargs else ():
            if name in kwargs:
                inputs.append(kwargs.pop(name))
        for name, value in kwargs.items():
            if name in parameters:
                parameters[name] = value
            else:
                unknown.append(name)
        missing = [name for name, value in parameters.items() if value is Row.required]
        if unknown or missing or len(inputs) < count:
            wanted = ", ".join((*self.arrays, *self.parameters))
            raise TypeError(
                f"{name_of(self.function)} of a Tensor takes {wanted}"
                + (f"; {', '.join(f'{n}=' for n in unknown)} would lose the gradient" if unknown else "")
                + (f"; {', '.join(missing)} is missing" if missing else "")
            )
        return (tuple(inputs[0]) if self.many else tuple(inputs)), parameters


Signature = tuple[tuple[str, ...], bool, dict[str, Any], int]


def derivative(
    function: Callable[..., Any],
    signature: str | None = None,
    /,
    *,
    compute: Callable[..., Any] | None = None,
    **rules: Callable[..., Any] | None,
) -> None:
    """Enter one row into the table:  derivative(f, a=lambda g, y, a: ∂L/∂a, ...).

    function   a NumPy function, or a function of arrays marked with `minigrad.primitive`
    signature  for a NumPy function that is not a ufunc: its arrays before the slash, its parameters after it,
               `"a, /, axis=None, *, keepdims=False"`; `"*arrays, axis=0"` for a sequence of arrays.
               A ufunc's arguments are `a` and `b`; those of a primitive are read off its definition
               (positional: arrays; keyword-only: parameters)
    compute    what to call on plain arrays, where that is not the function itself
    rules      one per array argument, None where there is no gradient by design
    Raises:    TypeError, with both lists, if a rule is missing, is for an unknown argument, or asks for a name that
               is not `g`, `y`, an argument or a parameter.

    >>> derivative(np.sin, a=lambda g, a, b: g * b)
    Traceback (most recent call last):
    TypeError: derivative(np.sin): the rule asks for ['b']; what it can have is ['g', 'y', 'a']
    """
    if isinstance(function, np.ufunc):
        read: Signature = (("a", "b", "c")[: function.nin], False, {}, 0)
    elif signature is not None:
        read = _read_signature(signature)
    else:
        read = _signature_of(function)
    table[function] = Row(function, read, rules, compute)


def composition(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: on Tensors, each of these NumPy functions means this composition of recorded functions."""

    def enter(composed: Callable[..., Any]) -> Callable[..., Any]:
        compositions.update(dict.fromkeys(functions, composed))
        return composed

    return enter


def name_of(function: Callable[..., Any]) -> str:
    """A function's name as a user writes it: np.exp, np.linalg.norm, mg.sigmoid, my_function.

    >>> name_of(np.exp), name_of(np.linalg.norm)
    ('np.exp', 'np.linalg.norm')
    """
    name = getattr(function, "__name__", repr(function))
    module = getattr(function, "__module__", None) or ""
    if isinstance(function, np.ufunc) or module.partition(".")[0] == "numpy":
        public = module.removeprefix("numpy").lstrip(".")
        return f"np.{public}.{name}" if public and not public.startswith("_") else f"np.{name}"
    if module.partition(".")[0] == "minigrad":
        return f"mg.{name}"
    return name


def _bind_rule(
    function: str, rule: Callable[..., Any] | None, given: tuple[str, ...]
) -> tuple[Callable[..., Any], Callable[[tuple], tuple]] | None:
    if rule is None:
        return None
    wanted = rule.__code__.co_varnames[: rule.__code__.co_argcount]
    unknown = [name for name in wanted if name not in given]
    if unknown:
        raise TypeError(f"derivative({function}): the rule asks for {unknown}; what it can have is {list(given)}")
    places = [given.index(name) for name in wanted]
    pick = itemgetter(*places) if len(places) > 1 else itemgetter(slice(places[0], places[0] + 1))
    return rule, pick


def _read_signature(text: str) -> Signature:
    """Read `"a, b, /, axis=None, *, keepdims=False"` or `"*arrays, axis=0"`."""
    many = text.startswith("*")
    before, _, after = text.removeprefix("*").partition("," if many else "/")
    arrays = tuple(name.strip() for name in before.split(",") if name.strip())
    positional, _, keyword = after.partition("*")
    parameters: dict[str, Any] = {}
    counts = []
    for part in (positional, keyword):
        entries = [entry.strip() for entry in part.split(",") if entry.strip()]
        counts.append(len(entries))
        for entry in entries:
            name, has_default, default = entry.partition("=")
            parameters[name] = _literals[default] if has_default else Row.required
    return arrays, many, parameters, counts[0]


_literals = {"None": None, "False": False, "True": True, "0": 0, "'C'": "C"}


def _signature_of(function: Callable[..., Any]) -> Signature:
    """Positional arguments are arrays, keyword-only ones parameters."""
    code = getattr(function, "on_arrays", function).__code__
    arrays = code.co_varnames[: code.co_argcount]
    keywords = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = getattr(function, "on_arrays", function).__kwdefaults__ or {}
    return arrays, False, {name: defaults.get(name, Row.required) for name in keywords}, 0


def _spread_sequence(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays, **parameters: function(arrays, **parameters)
