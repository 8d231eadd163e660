"""Module: layers and models, their parameters in definition order, train and eval, their state."""

from __future__ import annotations

from array import array
from collections import UserString
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from functools import wraps
from typing import Any, Self

import numpy as np

from minigrad.nn.parameter import Parameter
from minigrad.nn.state_dict import Incompatible, moved_array, state_of, take_over
from minigrad.random import is_generator
from minigrad.table import name_of
from minigrad.tensor import Tensor, freeze, made, next_stamp

assignments = [0]
"""How often an attribute of any Module was set or deleted: while that is the same, no Module has changed."""


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
                new = moved_array(path, x, function)
                moved.append(
                    (x, new, None if x._grad is None else made(moved_array(path, x._grad, function)))
                )
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
        return state_of(self._state_entries())

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> Incompatible:
        """Take over a state_dict; all of it or, if anything is wrong, nothing.

        strict   False passes over missing and unknown keys, and returns them
        Raises:  RuntimeError that lists every unknown, missing and misshapen key; TypeError if it is no dict.
        """
        return take_over(self._state_entries(), state, strict=strict, who=type(self).__name__)

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
