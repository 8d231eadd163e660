"""What a row of the table of derivatives is.

A row belongs to one function of arrays and holds one rule per array argument, named after it:

    derivative(np.multiply, a=lambda g, b: g * b,
                            b=lambda g, a: g * a)

`g` is ∂L/∂y, `y` the function's output; every other name in a rule is one of the function's arguments or
parameters.  The names that a rule asks for are all that it is given.  A rule is a pure expression of
operators and NumPy functions, so it can be applied to arrays (which gives the gradient) and to Tensors (which
gives the gradient as a graph).  It may leave a gradient broadcast: un-broadcasting is done once, in backprop.
"""

from __future__ import annotations

import inspect
from ast import literal_eval
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from types import FunctionType
from typing import Any

import numpy as np

table: dict[Callable[..., Any], Row] = {}
compositions: dict[Callable[..., Any], Callable[..., Any]] = {}
on_demand: dict[str, str] = {}
"""Module of NumPy's -> where the rest of its rows stand, imported when one of them is first asked for."""


class Row:
    """A function of arrays, the form in which it is recorded, and its rules.

    function     the NumPy function, or a primitive of ours
    arrays       names of its array arguments, in order
    many         whether it takes one sequence of arrays (np.concatenate) in place of separate ones
    parameters   its other parameters and their defaults (`Row.required` where there is none), in order
    positional   how many of the parameters may be given by position
    needed       the arguments without a default
    simple       whether a call with its arrays alone, by position, is complete
    compute      what is called on plain arrays: compute(*arrays, **parameters)
    written      per array argument: its rule as it was written, or None
    rules        per array argument: pull(g, y, inputs, parameters), which calls the rule with what it
                 names, or None; where there are `many`, one rule that gives a list of gradients
    constant     whether it has no gradient by design (comparisons, sign ...)
    elementwise  whether its output is as large as its inputs broadcast together, so that its rules also hold
                 for a g that is itself left broadcast
    linear       whether it is linear in each argument that has a rule, the others held as they are, so that
                 what it makes of an argument's tangent in its place is the output's tangent
    """

    __slots__ = (
        "arrays", "compute", "constant", "elementwise", "function", "linear", "many", "needed",
        "parameters", "positional", "rules", "simple", "written",
    )  # fmt: skip

    required: Any = object()

    def __init__(
        self,
        function: Callable[..., Any],
        signature: Signature,
        rules: Mapping[str, Callable[..., Any] | None],
        compute: Callable[..., Any] | None,
        elementwise: bool,
        linear: bool = False,
    ) -> None:
        self.function = function
        self.arrays, self.many, self.parameters, self.positional = signature
        self.needed = {*self.arrays, *(k for k, v in self.parameters.items() if v is Row.required)}
        self.simple = not self.many and len(self.needed) == len(self.arrays)
        name = name_of(function)
        if set(rules) != set(self.arrays):
            raise TypeError(
                f"derivative({name}): the arguments are {list(self.arrays)}, the rules are for {list(rules)}"
                "; every array argument needs a rule (None where it has no gradient, by design)"
            )
        taken = {"g", "y"} & {*self.arrays, *self.parameters}
        if taken:
            raise TypeError(
                f"derivative({name}): {sorted(taken)} cannot name an argument: in a rule g is "
                "∂L/∂y and y the output"
            )
        self.rules = tuple(_bind_rule(name, rules[argument], signature) for argument in self.arrays)
        self.written = dict(rules)
        self.constant = not any(self.rules)
        self.elementwise = elementwise or (isinstance(function, np.ufunc) and function.signature is None)
        self.linear = linear
        if compute is None:
            compute = getattr(function, "on_arrays", function)
            if self.many:
                compute = _spread_sequence(compute)
        self.compute = compute

    def bind(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        """Split a call's arguments into (inputs, parameters), every parameter present and in the row's order.

        Raises TypeError for a parameter that the row does not know: its effect on the gradient would be lost.
        """
        names = (*self.arrays, *self.parameters)
        first = names[: len(self.arrays) + self.positional]
        given = {**dict(zip(first, args, strict=False)), **kwargs}
        complete = len(given) == len(args) + len(kwargs) and self.needed.issubset(given)
        if not complete or not given.keys() <= set(names):
            wrong = [f"only {', '.join(first)} can be given by position"] * (len(args) > len(first))
            wrong += [
                f"{name} is given twice" for name, _ in zip(first, args, strict=False) if name in kwargs
            ]
            wrong += [f"{name} is missing" for name in names if name in self.needed and name not in given]
            wrong += [f"{name}= would lose the gradient" for name in given if name not in names]
            raise TypeError(
                f"{name_of(self.function)} of a Tensor takes {', '.join(names)}; {'; '.join(wrong)}"
            )
        inputs = [given.pop(name) for name in self.arrays]
        return tuple(inputs[0] if self.many else inputs), {**self.parameters, **given}


Signature = tuple[tuple[str, ...], bool, dict[str, Any], int]


def derivative(
    function: Callable[..., Any],
    signature: str | None = None,
    /,
    *,
    compute: Callable[..., Any] | None = None,
    elementwise: bool = False,
    linear: bool = False,
    **rules: Callable[..., Any] | None,
) -> None:
    """Enter one row into the table:  derivative(f, a=lambda g, y, a: ∂L/∂a, ...).

    function     a NumPy function, or a function of arrays marked with `minigrad.primitive`
    signature    for a NumPy function that is not a ufunc: its arrays before the slash, its parameters after
                 it, `"a, /, axis=None, *, keepdims=False"`; `"*arrays, axis=0"` for a sequence of arrays.
                 A ufunc's arguments are `a` and `b`; those of a primitive are read off its definition
                 (positional: arrays; keyword-only: parameters)
    compute      what to call on plain arrays, where that is not the function itself
    elementwise  whether a primitive works element by element on inputs that broadcast, as a ufunc does
    linear       whether it is linear in each argument that has a rule: forward mode calls it on tangents then
    rules        one per array argument, None where there is no gradient by design; for a sequence of arrays
                 one rule, which gives a list of gradients
    Raises:      TypeError, with both lists, if a rule is missing, is for an unknown argument, or asks for a
                 name that is not `g`, `y`, an argument or a parameter.

    >>> derivative(np.sin, a=lambda g, a, b: g * b)
    Traceback (most recent call last):
    TypeError: derivative(np.sin): the rule asks for ['b']; what it can have is ['g', 'y', 'a']
    """
    enter_further(function)  # first, so that the row which is entered last is the one that counts
    compositions.pop(function, None)
    if isinstance(function, np.ufunc):
        read: Signature = (("a", "b", "c")[: function.nin], False, {}, 0)
    elif signature is not None:
        read = _read_signature(signature)
    else:
        read = _signature_of(function)
    table[function] = Row(function, read, rules, compute, elementwise, linear)


def composition(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: on Tensors, each of these NumPy functions means this composition of recorded functions."""

    def enter(composed: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            enter_further(function)
        compositions.update(dict.fromkeys(functions, composed))
        return composed

    return enter


def enter_further(function: Callable[..., Any]) -> bool:
    """Enter the rows that wait until a function of this one's module is asked for; whether there are any."""
    where = on_demand.get(getattr(function, "__module__", ""))
    if where is not None:
        import_module(where)
    return where is not None


def name_of(function: Callable[..., Any]) -> str:
    """A function's name as a user writes it: np.exp, np.linalg.norm, mg.sigmoid, my_function.

    >>> name_of(np.exp), name_of(np.linalg.norm)
    ('np.exp', 'np.linalg.norm')
    """
    name = getattr(function, "__name__", repr(function))
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):  # np.add.reduce
        return f"{name_of(ufunc)}.{name}"
    module = getattr(function, "__module__", None) or ""
    if getattr(np, name, None) is function or module.partition(".")[0] == "numpy":
        public = module.removeprefix("numpy").lstrip(".")
        return f"np.{public}.{name}" if public and not public.startswith("_") else f"np.{name}"
    if module.partition(".")[0] == "minigrad":
        return f"mg.{name}"
    return name


def _bind_rule(name: str, rule: Callable[..., Any] | None, signature: Signature) -> Any:
    """The rule as pull(g, y, x, p), which picks what the rule names among the inputs x and parameters p."""
    if rule is None:
        return None
    arrays, many, parameters, _ = signature
    places = {"g": "g", "y": "y"}
    places.update({arrays[0]: "x"} if many else {array: f"x[{i}]" for i, array in enumerate(arrays)})
    places.update({parameter: f"p[{parameter!r}]" for parameter in parameters})
    wanted = _names_of(rule, f"derivative({name}): a rule")
    unknown = [argument for argument in wanted if argument not in places]
    if unknown:
        raise TypeError(
            f"derivative({name}): the rule asks for {unknown}; what it can have is {list(places)}"
        )
    given = ", ".join(places[argument] for argument in wanted)
    return _picking(given)(rule)


@cache
def _picking(given: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Of a rule the function of (g, y, x, p) that calls it with these: many rules are called alike."""
    return eval(f"lambda rule: lambda g, y, x, p: rule({given})")


def _names_of(function: Callable[..., Any], who: str) -> list[str]:
    """The names of a function's arguments; of a plain one as its code has them, in a tenth of the time."""
    if type(function) is FunctionType and not function.__code__.co_flags & _starred and not vars(function):
        code = function.__code__
        return list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    return list(_arguments(function, who))


_starred = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def _arguments(function: Callable[..., Any], who: str) -> Mapping[str, inspect.Parameter]:
    """A function's arguments, each with a name of its own."""
    try:
        arguments = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise TypeError(f"{who} must be a Python function, not {function!r}") from None
    starred = [str(a) for a in arguments.values() if a.kind in (a.VAR_POSITIONAL, a.VAR_KEYWORD)]
    if starred:
        raise TypeError(f"{who} must name its arguments, and {starred[0]} does not")
    return arguments


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
            parameters[name] = literal_eval(default) if has_default else Row.required
    return arrays, many, parameters, counts[0]


def _signature_of(primitive: Callable[..., Any]) -> Signature:
    """Positional arguments are arrays, keyword-only ones parameters."""
    name = name_of(primitive)
    if not hasattr(primitive, "on_arrays"):
        raise TypeError(f"derivative({name}): mark it with @minigrad.primitive, or give NumPy's a signature")
    arrays: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    for argument in _arguments(primitive, f"derivative({name}): a primitive").values():
        has_default = argument.default is not argument.empty
        if argument.kind is argument.KEYWORD_ONLY:
            parameters[argument.name] = argument.default if has_default else Row.required
        elif has_default:
            raise TypeError(
                f"derivative({name}): {argument} has a default, so it is no array: put it after a *"
            )
        else:
            arrays += (argument.name,)
    return arrays, False, parameters, 0


def _spread_sequence(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays, **parameters: function(arrays, **parameters)
