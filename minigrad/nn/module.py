"""Module: layers and models, their parameters in definition order, train and eval, their state."""

from __future__ import annotations

from array import array
from collections import UserString
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from copy import deepcopy
from functools import wraps
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad.other_arrays.foreign import beside, to_numpy
from minigrad.random import generator_state, is_generator, restore_generator
from minigrad.recording import no_grad
from minigrad.table import name_of
from minigrad.tensor import Tensor, assign, freeze, made, next_stamp


class Parameter(Tensor):
    """A leaf Tensor that a model trains.

    name    shown in graphs and messages; the letters "W" and "b" get the number of their layer in a
            model (W1, b1, W2 ...), any other name stays as it is
    decay   whether l2_penalty and an optimizer's weight_decay touch it by default: biases say False

    >>> Parameter([[0.5, -0.5]], name="W")
    Tensor([[ 0.5, -0.5]], name='W', requires_grad=True)
    """

    __slots__ = ("decay", "letter", "numbered")

    def __init__(self, data: Any, name: str | None = None, *, decay: bool = True, dtype: Any = None) -> None:
        super().__init__(data, requires_grad=True, name=name, dtype=dtype)
        self.decay = decay
        self.letter = name if name in ("W", "b") else None
        self.numbered = name  # the name that numbering gave it last: a name given since is respected

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "decay": self.decay, "letter": self.letter, "numbered": self.numbered}


assignments = [0]
"""How often an attribute of any Module was set or deleted: while that is the same, no Module has changed."""


class Incompatible(NamedTuple):
    """What load_state_dict(strict=False) passed over."""

    missing: list[str]
    unexpected: list[str]


class Module:
    """A layer or a model: define `forward`; attributes that are Parameters or Modules are found.

    Attributes are searched in the order of their definition, also inside lists, tuples, dicts, deques and
    other sequences and mappings; a set or an array with Parameters or Modules in it is refused.  Public
    ones that are Tensors or random generators belong to the state too, but are not trained.

    >>> class Net(Module):
    ...     def __init__(self):
    ...         self.scale = Parameter(2.0, name="s")
    ...     def forward(self, x):
    ...         return self.scale * x
    >>> Net()(3.0).item()
    6.0
    """

    training: bool = True
    """Whether the module is in training mode (Dropout draws) or in evaluation mode."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        init = vars(cls).get("__init__")
        if init is not None:

            @wraps(init)
            def init_and_number(self: Module, *args: Any, **kwargs: Any) -> None:
                init(self, *args, **kwargs)
                _number_letters(self)  # for layers appended to a list: __setattr__ does not see them

            cls.__init__ = init_and_number  # type: ignore[method-assign, assignment]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = next_stamp()
        y = self.forward(*args, **kwargs)
        for output in (y,) if isinstance(y, Tensor) else y if isinstance(y, (tuple, list)) else ():
            if isinstance(output, Tensor) and output.stamp > before:
                output.scope = (self, before, output.scope)
        return y

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation; every module defines it."""
        raise TypeError(f"{type(self).__name__} defines no forward(self, x)")

    def extra_repr(self) -> str:
        """What stands between the parentheses when the module is shown."""
        return ""

    def __setattr__(self, name: str, value: Any) -> None:
        found: list[tuple[str, Any]] = []
        if type(value) not in _plain and not isinstance(value, Tensor):
            _search(name, value, found)  # before anything is set: it may raise
        super().__setattr__(name, value)
        assignments[0] += 1
        if found and any(
            p.letter for _, child in found if isinstance(child, Module) for p in child.parameters()
        ):
            _number_letters(self)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        assignments[0] += 1

    # ---- walking the tree

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(attribute, module) of the modules directly below this one."""
        return ((name, value) for name, value in self._attributes() if isinstance(value, Module))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """(path, module) of this module (path "") and all below it, each once, in definition order."""
        return ((path, module) for path, module, _ in self._tree())

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module, _ in self._tree())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter) in definition order; a tied parameter comes once, under its first path."""
        seen: set[int] = set()
        for path, _, attributes in self._tree():
            for name, value in attributes:
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def parameters(self) -> Iterator[Parameter]:
        """The parameters in definition order, each once."""
        found: dict[int, Parameter] = {}
        for _, _, attributes in self._tree():
            for _, x in attributes:
                if isinstance(x, Parameter):
                    found[id(x)] = x
        return iter(found.values())

    def _tree(self) -> Iterator[tuple[str, Module, list[tuple[str, Any]]]]:
        """(path, module, its attributes) of this module and all below it, each once, in definition order."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            path, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                attributes = module._attributes()
                yield path, module, attributes
                for name, child in reversed(attributes):
                    if isinstance(child, Module):
                        stack.append((f"{path}.{name}" if path else name, child))

    def _attributes(self) -> list[tuple[str, Any]]:
        """(name, value) of its modules, Tensors and generators; private ones only if they are trained."""
        found: list[tuple[str, Any]] = []
        for name, value in vars(self).items():
            if type(value) in _plain:
                continue
            if isinstance(value, (Parameter, Module)):
                found.append((name, value))
            else:
                private = name[0] == "_"
                if not (private and isinstance(value, Tensor)):
                    inside: list[tuple[str, Any]] = []
                    _search(name, value, inside)
                    found += [x for x in inside if not private or isinstance(x[1], (Module, Parameter))]
        return found

    # ---- modes and gradients

    def train(self, mode: bool = True) -> Self:
        """Put this module and all below it into training mode (or evaluation mode, mode=False)."""
        if not isinstance(mode, bool):
            raise TypeError(f"train: mode is True or False, not {mode!r}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Put this module and all below it into evaluation mode: dropout is the identity."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters (.grad becomes None)."""
        for parameter in self.parameters():
            parameter.grad = None

    # ---- where the arrays are

    def to(self, function: Callable[[Any], Any]) -> Self:
        """Move every array of the state, and every gradient, to another library: x becomes function(x).

        function   numpy.asarray, dask.array.from_array, cupy.asarray, cupy.asnumpy ...; an optimizer's state
                   follows at its next step
        Raises:    ValueError if it gives another shape or dtype, or what is no array; nothing is moved then.

        >>> from minigrad.nn import Linear
        >>> Linear(2, 1, rng=0).to(np.asarray)
        Linear(2, 1)  W (1, 2), b (1,)  3 parameters
        """
        moved: list[tuple[Tensor, Any, Tensor | None]] = []
        for path, x in self._state_entries().items():
            if isinstance(x, Tensor):
                new = _moved(path, x, function)
                moved.append((x, new, None if x._grad is None else made(_moved(path, x._grad, function))))
        for x, new, gradient in moved:
            x._value, x._grad, x.stamp = freeze(new), gradient, next_stamp()
        return self

    # ---- regularization

    def regularization(self, loss: Tensor, optimizer: Any = None) -> Any:
        """The ledger of the penalties in a loss: which parameters they touch, and by what coefficient.

        optimizer   whose weight_decay is to be compared with them
        See         minigrad.show.regularization
        """
        from minigrad.show.derivation.ledger import regularization

        return regularization(self, loss, optimizer)

    # ---- state

    def state_dict(self) -> dict[str, Any]:
        """path -> array for parameters and other Tensors, path -> state for random generators.

        The arrays are read-only snapshots: training does not change them.
        """
        return {
            path: to_numpy(value.data) if isinstance(value, Tensor) else generator_state(value)
            for path, value in self._state_entries().items()
        }

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> Incompatible:
        """Take over a state_dict; all of it or, if anything is wrong, nothing.

        strict   False passes over missing and unknown keys, and returns them
        Raises:  RuntimeError that lists every unknown, missing and misshapen key; TypeError if it is no dict.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict: the state is a {type(state).__name__}; wanted a dict, as of state_dict()"
            )
        own = self._state_entries()
        missing = [key for key in own if key not in state]
        unknown = [key for key in state if key not in own]
        problems = [
            *(f"{key} is missing" for key in missing),
            *(f"{key} is unknown" for key in unknown),
        ] * strict
        problems += [misfit for key in own if key in state and (misfit := _misfit(key, own[key], state[key]))]
        if problems:
            raise RuntimeError(f"load_state_dict into {type(self).__name__}: {'; '.join(problems)}")
        arrays = {  # all of them are cast before the first is taken over; the memory order stays
            key: beside(np.array(to_numpy(_array(state[key])), dtype=value.dtype), value._value)
            for key, value in own.items()
            if key in state and isinstance(value, Tensor)
        }
        with no_grad():
            for key, value in own.items():
                if key in arrays:
                    assign(value, arrays[key])
                elif key in state:
                    restore_generator(value, state[key])
        return Incompatible(missing, unknown)

    def _state_entries(self) -> dict[str, Any]:
        """path -> Tensor or generator of all that makes up the state, each Tensor once.

        Results of a computation are not state, nor are named constants: they hold a Python number.
        """
        entries: dict[str, Any] = {}
        seen: set[int] = set()
        for path, _, attributes in self._tree():
            for name, value in attributes:
                if isinstance(value, Module) or id(value) in seen:
                    continue
                if isinstance(value, Tensor):
                    if value.function is not None or not hasattr(value._value, "dtype"):
                        continue
                    seen.add(id(value))
                place = _join(path, name)
                if place in entries:
                    raise ValueError(
                        f"{type(self).__name__}: two parts of the state are called {place}; rename one"
                    )
                entries[place] = value
        return entries

    # ---- showing

    def __repr__(self) -> str:
        count = sum(parameter.size for parameter in self.parameters())
        lines = list(self._lines(set(), f"{count:,} parameters"))
        width = max(len(left) for left, _ in lines) + 2
        return "\n".join(f"{left:<{width}}{right}".rstrip() for left, right in lines)

    def _lines(self, shown: set[int], note: str = "") -> Iterator[tuple[str, str]]:
        """The lines of the tree, each in two columns; what was shown before is not counted again."""
        own = [value for _, value in self._attributes() if isinstance(value, Parameter)]
        tied = [id(parameter) in shown for parameter in own]
        repeated = id(self) in shown
        shown |= {id(self), *map(id, own)}
        shapes = ", ".join(
            f"{parameter.name or 'parameter'} {parameter.shape}{' tied' * again}"
            for parameter, again in zip(own, tied, strict=True)
        )
        count = sum(parameter.size for parameter, again in zip(own, tied, strict=True) if not again)
        yield (
            f"{type(self).__name__}({self.extra_repr()})",
            "  ".join(filter(None, (shapes, note or (f"{count:,} parameters" if count else "")))),
        )
        for name, child in () if repeated else self._shown_children():
            lines = child._lines(shown) if isinstance(child, Module) else iter([(name_of(child), "")])
            left, right = next(lines)
            yield f"  {name}: {left}", right
            yield from ((f"  {left}", right) for left, right in lines)

    def _shown_children(self) -> Iterator[tuple[str, Any]]:
        return self.named_children()


class Sequential(Module):
    """Modules (or functions of one Tensor) applied one after the other.

    >>> from minigrad.nn import Linear, ReLU
    >>> Sequential(Linear(2, 3, rng=0), ReLU(), Linear(3, 1, rng=1))
    Sequential()       13 parameters
      0: Linear(2, 3)  W1 (3, 2), b1 (3,)  9 parameters
      1: ReLU()
      2: Linear(3, 1)  W2 (1, 3), b2 (1,)  4 parameters
    """

    def __init__(self, *layers: Any) -> None:
        vars(self).update({str(i): _checked_layer(layer) for i, layer in enumerate(layers)})

    def forward(self, x: Any) -> Any:
        """x through every layer, in order."""
        for layer in self:
            x = layer(x)
        return x

    def append(self, layer: Any) -> Self:
        """Add one layer at the end."""
        setattr(self, str(len(self)), _checked_layer(layer))
        return self

    def __iter__(self) -> Iterator[Any]:
        return (layer for _, layer in self._shown_children())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, i: int) -> Any:
        return list(self)[i]

    def _shown_children(self) -> Iterator[tuple[str, Any]]:
        """(name, layer): those that were given, by number, and modules that became attributes later."""
        return ((name, x) for name, x in vars(self).items() if name.isdigit() or isinstance(x, Module))


def _checked_layer(layer: Any) -> Any:
    if not callable(layer) or isinstance(layer, type):
        raise TypeError(
            f"Sequential: {layer!r} is not a module; give the layers one by one: Sequential(a, b, c)"
        )
    return layer


_plain = {int, float, bool, str, type(None)}
"""Types of attributes in which there is nothing to search."""


_no_containers = (str, bytes, bytearray, memoryview, array, range, UserString)
"""Sequences of characters or numbers."""


def _search(name: str, value: Any, found: list[tuple[str, Any]]) -> None:
    """Add (path, value) of the modules, Tensors and generators in an attribute and in what it contains.

    Raises: TypeError for Parameters or Modules in a set, in a view of a dict or in an array.
    """
    if isinstance(value, (Module, Tensor)):
        found.append((name, value))
    elif type(value) in _plain:
        return
    elif is_generator(value):
        found.append((name, value))
    elif isinstance(value, (list, tuple)):
        _search_each(name, enumerate(value), found)
    elif isinstance(value, dict):
        _search_each(name, value.items(), found)
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            _check_none_inside(name, value, value.flat)
    elif isinstance(value, (Set, ValuesView)):
        _check_none_inside(name, value, value)
    elif isinstance(value, Mapping):
        _search_each(name, value.items(), found)
    elif isinstance(value, Sequence) and not isinstance(value, _no_containers):
        _search_each(name, enumerate(value), found)


def _search_each(name: str, entries: Iterable[tuple[Any, Any]], found: list[tuple[str, Any]]) -> None:
    for key, entry in entries:
        _search(f"{name}.{key}", entry, found)


def _check_none_inside(name: str, container: Any, entries: Iterable[Any]) -> None:
    """Raise if a container without a definite order holds Parameters or Modules."""
    inside: list[tuple[str, Any]] = []
    _search_each(name, enumerate(entries), inside)
    for _, x in inside:
        if isinstance(x, (Module, Parameter)):
            raise TypeError(
                f"{name}: a {type(container).__name__} is not searched, so the {type(x).__name__} in it "
                "would not be trained; use a list"
            )


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _number_letters(model: Module) -> None:
    """Name the letters of a model's layers W1, b1, W2, b2 ... in definition order.

    A lone layer needs no number; it keeps the one that it may have from a larger model.
    """
    seen: set[int] = set()
    layers = []
    for _, _, attributes in model._tree():
        own = [p for _, p in attributes if isinstance(p, Parameter) and p.letter]
        if own:
            layers.append([p for p in own if id(p) not in seen])  # a tied one keeps its first number
        seen.update(map(id, own))
    for number, own in enumerate(layers if len(layers) > 1 else (), 1):
        for p in own:
            if p.name == p.numbered:
                p.name = p.numbered = f"{p.letter}{number}"


def _array(value: Any) -> Any:
    """The array that an entry of a state holds."""
    value = value._value if isinstance(value, Tensor) else value
    return value if hasattr(value, "dtype") else np.asarray(value)


def _moved(path: str, x: Tensor, function: Callable[[Any], Any]) -> Any:
    """function(array), if it is an array of the same shape and dtype."""
    given = x.data
    new = function(given)
    if getattr(new, "shape", None) != x.shape or getattr(new, "dtype", None) != x.dtype:
        what = f"{new.dtype} {new.shape}" if hasattr(new, "dtype") else f"a {type(new).__name__}"
        raise ValueError(f"to: of {path}, {x.dtype} {x.shape}, the function makes {what}; wanted the same")
    return new.copy() if isinstance(new, np.ndarray) and new.flags.writeable else new


def _misfit(key: str, own: Any, given: Any) -> str | None:
    """What is wrong with an entry of a state, or None; found out without changing anything."""
    try:
        if not isinstance(own, Tensor):
            restore_generator(deepcopy(own), given)
            return None
        array = _array(given)
    except Exception as error:
        return f"{key} cannot be used ({error})"
    if array.dtype.kind not in "fciub" or not np.can_cast(array.dtype, own.dtype, "same_kind"):
        return f"{key} is {array.dtype}, wanted {own.dtype}"
    return None if array.shape == own.shape else f"{key} has shape {array.shape}, wanted {own.shape}"
