"""What a function reaches by itself, found: closures, globals, defaults, attributes, arrays, generators."""

from __future__ import annotations

import sys
import sysconfig
from array import array as array_of_python
from collections import deque
from contextvars import ContextVar
from ctypes import Array, Structure, Union, _SimpleCData
from functools import partial
from random import Random, SystemRandom
from threading import local
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

from minigrad.compiler.recording.recorder import NotReplayable
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.optim import Optimizer, Schedule
from minigrad.other_arrays.foreign import is_foreign
from minigrad.random import is_generator
from minigrad.table import table
from minigrad.tensor import Tensor

simple = (
    int,
    float,
    str,
    bool,
    complex,
    bytes,
    type(None),
    type(Ellipsis),
    slice,
    range,
    np.generic,
    np.dtype,
)
_sequences = (list, deque, set, frozenset)
_mappings = (dict, MappingProxyType)
_buffers = (bytearray, memoryview, array_of_python)
_closed = (local, SystemRandom, Array, Structure, Union, _SimpleCData)
"""What gives values that are not looked at: others in each thread, or at each call, or outside of Python."""

_libraries = {"minigrad", "numpy", "builtins"} | set(sys.stdlib_module_names) - {"__main__"}
_python = sysconfig.get_path("stdlib")
_open = {"types", "argparse", "collections", "functools", "contextlib"}
"""Modules of Python whose objects hold what a user puts into them."""

_descriptions = {
    "__annotations__", "__dataclass_fields__", "__dataclass_params__", "__dict__", "__doc__", "__eq__",
    "__hash__", "__match_args__", "__module__", "__qualname__", "__repr__", "__slots__", "__weakref__",
}  # fmt: skip
"""What a class has for its readers and for Python, beside what is computed with."""

unset = object()
"""What stands for a value that is not there."""


class Search:
    """All that a function reaches, step by step from its arguments and itself.

    things      everything, by id: what may be returned as it is
    generators  random generators of NumPy
    randoms     those of Python
    tensors     Tensors, whose values are read at each replay
    parameters  those of them that may decay
    arrays      NumPy's, whose values are not
    views       what is iterated over: lists, keys and values of dicts
    owners      whose each view is, in words
    of_modules  which of the views are of attributes of Modules
    functions   that have defaults
    cells       of closures
    named       id -> (dict, names) of globals, modules, classes, optimizers
    slots       (object, name) of attributes that no dict holds
    context     context variables
    """

    def __init__(self, function: Any, arguments: Any) -> None:
        self.things: dict[int, Any] = {}
        self.generators: list[Any] = []
        self.randoms: list[Random] = []
        self.tensors: list[Tensor] = []
        self.parameters: list[Parameter] = []
        self.arrays: list[np.ndarray] = []
        self.views: list[Any] = []
        self.owners: list[str] = []
        self.of_modules: list[int] = []
        self.functions: list[FunctionType] = []
        self.cells: list[CellType] = []
        self.named: dict[int, tuple[Any, list[str]]] = {}
        self.slots: list[tuple[Any, str]] = []
        self.context: list[ContextVar] = []
        self._names: set[str] = set()  # that code mentions
        self._waiting: list[Any] = [arguments, function]
        optimizers: list[Any] = []
        while self._waiting:
            thing = self._waiting.pop()
            if isinstance(thing, simple) or id(thing) in self.things:
                continue
            self.things[id(thing)] = thing
            if isinstance(thing, Optimizer | Schedule):
                optimizers.append(thing)
            self._visit(thing)
        for thing in optimizers:  # their numbers are read at each replay; code may look at them, too
            for name in vars(thing):
                if {name, name.lstrip("_")} & self._names or (
                    isinstance(thing, Schedule) and {"lr", "hyperparameters"} & self._names
                ):
                    self._name(vars(thing), name)

    def _visit(self, thing: Any) -> None:
        if isinstance(thing, FunctionType) and thing in table:
            self._waiting.extend(table[thing].written.values())
        array = thing._value if isinstance(thing, Tensor) else thing
        if is_foreign(array) and not isinstance(array, type | np.generic):
            raise NotReplayable(
                "compile: a replay computes in NumPy's arrays, and the function reaches an array of "
                f"{type(array).__module__.partition('.')[0]}; call the function itself"
            )
        if isinstance(thing, Tensor):
            self.tensors.append(thing)
            if isinstance(thing, Parameter):
                self.parameters.append(thing)
        elif is_generator(thing):
            self.generators.append(thing)
        elif isinstance(thing, Random) and not isinstance(thing, SystemRandom):
            self.randoms.append(thing)
        elif isinstance(thing, ContextVar):
            self.context.append(thing)
            self._waiting.append(thing.get(None))
        elif isinstance(thing, _closed):
            raise NotReplayable(
                f"compile: the function reaches {thing!r}, whose values a replay would not see; pass them as "
                "arguments"
            )
        elif isinstance(thing, np.ndarray):
            self.arrays.append(thing)
            if thing.dtype.hasobject:
                self._waiting.extend(thing.flat)
        elif isinstance(thing, FunctionType):
            self._function(thing)
        elif isinstance(thing, MethodType):
            self._waiting += thing.__self__, thing.__func__
        elif callable(thing) and not isinstance(getattr(thing, "__self__", None), ModuleType | None):
            self._waiting.append(thing.__self__)  # rng.normal, settings.get
        elif isinstance(thing, partial):
            self._waiting += thing.func, thing.args, thing.keywords
        elif isinstance(thing, staticmethod | classmethod):
            self._waiting.append(thing.__func__)
        elif isinstance(thing, property):
            self._waiting += thing.fget, thing.fset
        elif isinstance(thing, ModuleType):
            pass  # what functions mention of it is found with them
        elif isinstance(thing, type):
            self._class(thing)
        elif isinstance(thing, tuple):
            self._waiting.extend(thing)
        else:
            self._object(thing)

    def _watch(self, view: Any, owner: str) -> None:
        self.views.append(view)
        self.owners.append(owner)

    def _object(self, thing: Any) -> None:
        kind = type(thing)
        if isinstance(thing, _mappings):
            self._watch(thing.keys(), f"a {kind.__name__}")
            self._watch(thing.values(), f"a {kind.__name__}")
            self._waiting.extend(thing.values())
        elif isinstance(thing, _sequences):
            self._watch(thing, f"a {kind.__name__}")
            self._waiting.extend(thing)
        elif isinstance(thing, _buffers):
            self._watch(thing, f"a {kind.__name__}")
        if isinstance(thing, Optimizer) and _of_library(kind):
            self._waiting.append(thing.parameters)
            return
        if isinstance(thing, Schedule) and _of_library(kind):
            self._waiting.append(thing.optimizer)
            return
        if hasattr(thing, "__wrapped__"):
            self._waiting.append(thing.__wrapped__)
            if _of_library(kind):  # another compiled function
                return
        if _of_library(kind) and kind.__module__.partition(".")[0] not in ("minigrad", *_open):
            return
        own = getattr(thing, "__dict__", None)
        if isinstance(own, dict):
            passing = _passing(thing)
            if passing:
                for name in own.keys() - passing:
                    self._name(own, name)
            else:
                first = len(self.views)
                if not _of_library(kind):
                    self._watch(own.keys(), f"the attributes of a {kind.__name__}")
                self._watch(own.values(), f"an attribute of a {kind.__name__}")
                if isinstance(thing, Module) and _assigns_as_modules_do(kind):
                    self.of_modules += range(first, len(self.views))
            self._waiting.extend(value for name, value in own.items() if name not in passing)
        if not _of_library(kind):
            self._waiting.append(kind)
            for base in kind.__mro__:
                slots = vars(base).get("__slots__", ())
                for name in (slots,) if isinstance(slots, str) else slots:
                    if name not in ("__dict__", "__weakref__") and not _of_library(base):
                        self.slots.append((thing, name))
                        self._waiting.append(getattr(thing, name, None))

    def _class(self, kind: type) -> None:
        for base in kind.__mro__:
            if _of_library(base):
                continue
            own = vars(base)
            for name, value in own.items():
                code = getattr(value, "__code__", None)
                written = "__dataclass_fields__" not in own or code is None or code.co_filename != "<string>"
                if name not in _descriptions and written:
                    self._name(own, name)
                    self._waiting.append(value)

    def _function(self, function: FunctionType) -> None:
        if _of_library(function):
            return
        if function.__defaults__ or function.__kwdefaults__:
            self.functions.append(function)
        self._waiting += function.__defaults__, function.__kwdefaults__
        if vars(function):
            self._watch(vars(function).values(), f"an attribute of the function {function.__name__}")
            self._waiting.extend(vars(function).values())
        for cell in function.__closure__ or ():
            value = _contents_of(cell)
            if value is not unset:  # one that is not set yet is set by the function
                self.cells.append(cell)
                self._found(value)
        codes: list[CodeType] = [function.__code__]
        names: set[str] = set()
        for code in codes:  # grows while it is read
            names.update(code.co_names)
            codes += (constant for constant in code.co_consts if isinstance(constant, CodeType))
            self._names.update(x for x in code.co_consts if isinstance(x, str))  # getattr(optimizer, "lr")
        self._names |= names
        cells = [_contents_of(cell) for cell in function.__closure__ or ()]
        for name in names:
            value = function.__globals__.get(name, unset)
            if value is unset:
                value = sys.modules.get(name, unset)  # imported in the function
            else:
                if not (isinstance(value, ModuleType) and _of_library(value)):
                    self._name(function.__globals__, name)
                self._found(value)
            cells.append(value)
        modules = [value for value in cells if isinstance(value, ModuleType)]
        for module in modules:  # grows while it is read
            if _of_library(module):
                continue
            for name in names & vars(module).keys():
                value = vars(module)[name]
                self._name(vars(module), name)
                self._found(value)
                if isinstance(value, ModuleType) and value not in modules:
                    modules.append(value)

    def _found(self, value: Any) -> None:
        """What a function mentions by name."""
        if hasattr(type(value), "__next__"):
            raise NotReplayable(
                f"compile: the function reaches {value!r}, which a replay would not advance; pass what it "
                "gives as an argument"
            )
        self._waiting.append(value)

    def _name(self, of: Any, name: str) -> None:
        self.named.setdefault(id(of), (of, []))[1].append(name)


def _assigns_as_modules_do(kind: type) -> bool:
    """Whether attributes are set by Module's own __setattr__, which counts."""
    return next(base for base in kind.__mro__ if "__setattr__" in vars(base)) is Module


def _contents_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return unset


def _of_library(thing: Any) -> bool:
    """Whether a function, class or module is not the user's, so that it does not change."""
    module = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    if not isinstance(module, str):
        module = ""
    first = module.partition(".")[0]
    if first not in _libraries or module.startswith("minigrad.experiments"):
        return False
    if first in ("minigrad", "numpy", "builtins"):
        return True
    file = getattr(sys.modules.get(first), "__file__", None)  # a user's own profile.py hides Python's
    return file is None or file.startswith(_python)


def _passing(thing: Any) -> frozenset[str]:
    """The attributes of a user's optimizer or schedule that its steps change, or are read at each replay."""
    if isinstance(thing, Optimizer):
        return _numbers_of_optimizers
    return frozenset({"count"}) if isinstance(thing, Schedule) else frozenset()


_numbers_of_optimizers = frozenset(
    {"_lr", "_weight_decay", "betas", "decay_biases", "eps", "momentum", "nesterov", "state", "steps"}
)
