"""The definitions of functions that are not NumPy's, as a source that runs by itself must have them."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any

import numpy as np

_shortest_worth_a_call = 45
"""An expression of fewer nodes is written in place of the call."""


class Helpers:
    """The definitions that a source needs, each with those of the functions that it calls itself.

    taken    names that mean something else in the source
    imports  the lines that import what the definitions name
    missing  name -> function, for those whose definition cannot be read: the source must be given them
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self.imports: set[str] = set()
        self.missing: dict[str, Any] = {}
        self._texts: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._names: dict[Any, str] = {}
        self._taken = {"np", *taken}

    def add(self, function: Callable[..., Any], besides: Iterable[str] = ()) -> str:
        """The name by which the source calls a function; its definition is added.

        besides  names that mean something else where it is called
        """
        function = getattr(function, "on_arrays", function)
        if function in self._names and self._names[function] not in besides:
            return self._names[function]
        name = self._names[function] = self._free(function.__name__, set(besides))
        definition = _definition(function)
        if definition is None:
            self.missing[name] = function
        else:
            self._texts[name] = ""  # its place, before those that it calls
            definition = _Calls(self, function, definition).visit(deepcopy(definition))
            definition.name = name
            self._texts[name] = ast.unparse(definition)
        return name

    def texts(self) -> list[str]:
        """The definitions, each after two empty lines."""
        values = [f"{name} = {text}" for name, text in self._values.items()]
        return [
            *([""] * bool(values)),
            *values,
            *(x for text in self._texts.values() for x in ("", "", text)),
        ]

    def name_of(self, name: str, value: Any) -> str:
        """What the source calls a global value of a helper, which is defined or imported."""
        if isinstance(value, ModuleType):
            self.imports.add(f"import {value.__name__} as {name}")
            return name
        if inspect.isfunction(value) and _definition(value) is not None:
            return self.add(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "fciub":
            free = self._free(name, set())
            self._values[free] = f"np.array({value.tolist()!r}, dtype=np.{value.dtype.name})"
            return free
        if _is_literal(value):
            return repr(value)
        for module in (getattr(value, "__module__", None), "types"):
            if module and getattr(import_module(module), name, None) is value:
                self.imports.add(f"from {module} import {name}")
                return name
        self.missing[name] = value
        return name

    def _free(self, name: str, besides: set[str]) -> str:
        stem = name if name.isidentifier() else "function"
        taken = self._taken | set(self._names.values()) | besides
        numbered = (f"{stem}_{i}" for i in count(2))
        return stem if stem not in taken else next(other for other in numbered if other not in taken)


class _Calls(ast.NodeTransformer):
    """Puts the source's names in place of the global ones of a function."""

    def __init__(self, helpers: Helpers, function: Any, definition: ast.FunctionDef) -> None:
        self.helpers = helpers
        self.given = function.__globals__
        self.own = set(function.__code__.co_varnames)
        self.own |= {node.arg for node in ast.walk(definition) if isinstance(node, ast.arg)}
        stored = (node for node in ast.walk(definition) if isinstance(node, ast.Name))
        self.own |= {node.id for node in stored if isinstance(node.ctx, ast.Store)}

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.own or node.id not in self.given or self.given[node.id] is np:
            return node
        name = self.helpers.name_of(node.id, self.given[node.id])
        return ast.parse(name, mode="eval").body

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Name) and node.value.id not in self.own:
            module = self.given.get(node.value.id)
            value = getattr(module, node.attr, None)
            ours = getattr(value, "__module__", "").partition(".")[0] == "minigrad"
            if isinstance(module, ModuleType) and ours and callable(value):
                return ast.Name(self.helpers.add(value, besides=self.own), ast.Load())
        return self.generic_visit(node)  # type: ignore[return-value]


class _Substitution(ast.NodeTransformer):
    """Puts expressions in place of names."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.given.get(node.id, node)


def in_place(function: Callable[..., Any], arguments: dict[str, str]) -> tuple[str, bool] | None:
    """A call written out, and whether it is an operation: if the function is one short expression of NumPy's.

    An argument that it names more than once must be a name or a number.

    >>> from minigrad import relu
    >>> in_place(relu, {"x": "Z1"})
    ('np.maximum(Z1, 0)', False)
    """
    short = _one_expression(function)
    if short is None:
        return None
    text, names = short
    given = {name: ast.parse(argument, mode="eval").body for name, argument in arguments.items()}
    for name, times in names.items():
        if times > 1 and not isinstance(given[name], ast.Name | ast.Constant):
            return None
    body = _Substitution(given).visit(ast.parse(text, mode="eval").body)
    return ast.unparse(body), isinstance(body, ast.BinOp | ast.UnaryOp | ast.Compare)


def _is_literal(value: Any) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


@cache
def _definition(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The definition of a plain Python function, without decorators, annotations and docstring."""
    function = getattr(function, "on_arrays", function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(tree, ast.FunctionDef) or function.__closure__:
        return None
    tree.decorator_list = []
    tree.returns = None
    for argument in (*tree.args.args, *tree.args.kwonlyargs):
        argument.annotation = None
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    return tree


@cache
def _one_expression(function: Callable[..., Any]) -> tuple[str, Counter[str]] | None:
    """(the expression, how often it names each argument) of a function that is nothing else."""
    definition = _definition(function)
    if definition is None or len(definition.body) != 1 or not isinstance(definition.body[0], ast.Return):
        return None
    value = definition.body[0].value
    assert value is not None
    arguments = {a.arg for a in (*definition.args.args, *definition.args.kwonlyargs)}
    names = Counter(node.id for node in ast.walk(value) if isinstance(node, ast.Name))
    del names["np"]
    if not set(names) <= arguments or len(list(ast.walk(value))) > _shortest_worth_a_call:
        return None
    return ast.unparse(value), names
