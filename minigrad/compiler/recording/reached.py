"""What a function reaches by itself: closures, globals, defaults, attributes, arrays, generators.

A recording holds as long as all of it is as it was.  It is found once, when the function is recorded, and
looked at before each replay, which therefore has to be quick: it is asked whether the same objects are there;
only where an entry is another object it is asked whether it is an equal number or text.
"""

from __future__ import annotations

import sys
import sysconfig
from array import array as array_of_python
from collections import deque
from collections.abc import Iterable
from contextvars import ContextVar
from ctypes import Array, Structure, Union, _SimpleCData
from functools import partial
from itertools import chain
from operator import attrgetter, is_
from random import Random, SystemRandom
from threading import local
from types import CellType, CodeType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

from minigrad.compiler.recording.conditions import Conditions
from minigrad.compiler.recording.recorder import NotReplayable
from minigrad.nn.module import Module, Parameter, assignments
from minigrad.optim import Optimizer, Schedule
from minigrad.other_arrays.foreign import is_foreign
from minigrad.random import is_generator
from minigrad.table import table
from minigrad.tensor import Tensor

_simple = (
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

_unset = object()
_contents = attrgetter("cell_contents")
_defaults = attrgetter("__defaults__", "__kwdefaults__")
_needs_gradient = attrgetter("_requires_grad")
_decays = attrgetter("decay")


class Reached:
    """All that a function reaches, as it is now; `same()` says whether it still is so.

    generators  random generators of NumPy
    randoms     those of Python
    tensors     ids of the Tensors: their values are read at each replay, so only which they are is kept,
                and whether they need a gradient and decay
    things      everything, by id: what may be returned as it is
    """

    def __init__(self, function: Any, arguments: Any) -> None:
        self.generators: list[Any] = []
        self.randoms: list[Random] = []
        self.tensors: set[int] = set()
        self._tensors: list[Tensor] = []
        self._parameters: list[Parameter] = []
        self._context: list[ContextVar] = []
        self.things: dict[int, Any] = {}
        self._views: list[Any] = []  # of what is iterated over: lists, keys and values of dicts
        self._owners: list[str] = []
        self._of_modules: list[int] = []  # which of the views are of attributes of Modules
        self._cells: list[CellType] = []
        self._functions: list[FunctionType] = []
        self._named: dict[int, tuple[Any, list[str]]] = {}  # of globals, modules, classes, optimizers
        self._slots: list[tuple[Any, str]] = []
        self._arrays: list[tuple[np.ndarray, Any]] = []
        self._names: set[str] = set()  # that code mentions
        self._waiting: list[Any] = [arguments, function]
        optimizers: list[Any] = []
        while self._waiting:
            thing = self._waiting.pop()
            if isinstance(thing, _simple) or id(thing) in self.things:
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
        self._needs = list(map(_needs_gradient, self._tensors))
        self._decay = list(map(_decays, self._parameters))
        self._lengths = list(map(len, self._views))
        self._kept = list(map(list, self._views))
        self._assignments = assignments[0]
        self._others = [view for i, view in enumerate(self._views) if i not in self._of_modules]
        self._lengths_of_others = list(map(len, self._others))
        self._kept_others = list(chain.from_iterable(self._others))
        self._kept_named = {
            (key, name): of[name] for key, (of, names) in self._named.items() for name in names
        }
        self._kept_variables = list(self._variables())
        self._variables_are_the_same = self._conditions().function()

    def same(self) -> bool:
        """Whether all of it is as it was."""
        if list(map(_needs_gradient, self._tensors)) != self._needs:
            return False
        if list(map(_decays, self._parameters)) != self._decay:
            return False
        if assignments[0] != self._assignments:
            if not all(self._view_is_alike(i) for i in self._of_modules):
                return False
            self._assignments = assignments[0]
        if list(map(len, self._others)) != self._lengths_of_others:
            return False
        if not all(map(is_, chain.from_iterable(self._others), self._kept_others)) and not all(
            map(self._view_is_alike, range(len(self._views)))
        ):
            return False
        if not self._variables_are_the_same():
            try:
                variables = self._variables()
            except (ValueError, KeyError, AttributeError):  # one is not set any more
                return False
            if not _alike(variables, self._kept_variables):
                return False
        return not self._arrays or all(_print_of(array) == kept for array, kept in self._arrays)

    def _view_is_alike(self, i: int) -> bool:
        return len(self._views[i]) == self._lengths[i] and _alike(self._views[i], self._kept[i])

    def _variables(self) -> list[Any]:
        return [
            *chain.from_iterable(map(_defaults, self._functions)),
            *map(_contents, self._cells),
            *(of[name] for of, names in self._named.values() for name in names),
            *(getattr(thing, name, _unset) for thing, name in self._slots),
            *(variable.get(_unset) for variable in self._context),
        ]

    def _conditions(self) -> Conditions:
        """That each variable is the same object."""
        conditions = Conditions()
        for function in self._functions:
            conditions.add("{}.__defaults__ is {}", function, function.__defaults__)
            conditions.add("{}.__kwdefaults__ is {}", function, function.__kwdefaults__)
        for cell in self._cells:
            conditions.add("{}.cell_contents is {}", cell, cell.cell_contents)
        for of, names in self._named.values():
            for name in names:
                conditions.add(f"{{}}[{name!r}] is {{}}", of, of[name])
        for thing, name in self._slots:
            conditions.add(
                f"getattr({{}}, {name!r}, {{}}) is {{}}", thing, _unset, getattr(thing, name, _unset)
            )
        for variable in self._context:
            conditions.add("{}.get({}) is {}", variable, _unset, variable.get(_unset))
        return conditions

    def changed(self) -> str:
        """The first thing that is not as it was."""
        for i, owner in enumerate(self._owners):
            if not self._view_is_alike(i):
                return owner
        for array, kept in self._arrays:
            if _print_of(array) != kept:
                return f"an array of shape {array.shape}"
        for key, (of, names) in self._named.items():
            for name in names:
                kept = self._kept_named[key, name]
                if not _alike([of.get(name, _unset)], [kept]):
                    return f"{name!r}"
        if list(map(_decays, self._parameters)) != self._decay:
            return "whether a parameter decays"
        return "a variable"

    # ---- finding

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
            self.tensors.add(id(thing))
            self._tensors.append(thing)
            if isinstance(thing, Parameter):
                self._parameters.append(thing)
        elif is_generator(thing):
            self.generators.append(thing)
        elif isinstance(thing, Random) and not isinstance(thing, SystemRandom):
            self.randoms.append(thing)
        elif isinstance(thing, ContextVar):
            self._context.append(thing)
            self._waiting.append(thing.get(None))
        elif isinstance(thing, _closed):
            raise NotReplayable(
                f"compile: the function reaches {thing!r}, whose values a replay would not see; pass them as "
                "arguments"
            )
        elif isinstance(thing, np.ndarray):
            self._arrays.append((thing, _print_of(thing)))
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
        self._views.append(view)
        self._owners.append(owner)

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
                first = len(self._views)
                if not _of_library(kind):
                    self._watch(own.keys(), f"the attributes of a {kind.__name__}")
                self._watch(own.values(), f"an attribute of a {kind.__name__}")
                if isinstance(thing, Module) and _assigns_as_modules_do(kind):
                    self._of_modules += range(first, len(self._views))
            self._waiting.extend(value for name, value in own.items() if name not in passing)
        if not _of_library(kind):
            self._waiting.append(kind)
            for base in kind.__mro__:
                slots = vars(base).get("__slots__", ())
                for name in (slots,) if isinstance(slots, str) else slots:
                    if name not in ("__dict__", "__weakref__") and not _of_library(base):
                        self._slots.append((thing, name))
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
            self._functions.append(function)
        self._waiting += function.__defaults__, function.__kwdefaults__
        if vars(function):
            self._watch(vars(function).values(), f"an attribute of the function {function.__name__}")
            self._waiting.extend(vars(function).values())
        for cell in function.__closure__ or ():
            value = _contents_of(cell)
            if value is not _unset:  # one that is not set yet is set by the function
                self._cells.append(cell)
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
            value = function.__globals__.get(name, _unset)
            if value is _unset:
                value = sys.modules.get(name, _unset)  # imported in the function
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
        self._named.setdefault(id(of), (of, []))[1].append(name)


def _assigns_as_modules_do(kind: type) -> bool:
    """Whether attributes are set by Module's own __setattr__, which counts."""
    return next(base for base in kind.__mro__ if "__setattr__" in vars(base)) is Module


def _contents_of(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _unset


def _print_of(array: np.ndarray) -> Any:
    return array.shape, array.dtype, array.tobytes()


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


def _alike(now: Iterable[Any], kept: Iterable[Any]) -> bool:
    """Whether entries are the same objects, or equal numbers or texts."""
    return all(a is b or _equal(a, b) for a, b in zip(now, kept, strict=True))


def _equal(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, MethodType):
        return a.__self__ is b.__self__ and a.__func__ is b.__func__
    if type(a) is tuple:
        return len(a) == len(b) and _alike(a, b)
    return isinstance(a, _simple) and repr(a) == repr(b)  # 0.0 is not -0.0
