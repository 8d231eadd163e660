"""Module: layers and models, their parameters in definition order, train and eval, their state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad.backprop import no_grad
from minigrad.random import Generator, generator_state, restore_generator, same_kind_of_generator
from minigrad.tensor import Tensor, assign, next_stamp


class Parameter(Tensor):
    """A leaf Tensor that a model trains.

    name    its letter in the notes, "W" or "b"; a model numbers the letters of its layers: W1, b1, W2 ...
    decay   whether l2_penalty and an optimizer's weight_decay touch it by default: biases say False

    >>> Parameter([[0.5, -0.5]], name="W")
    Tensor([[ 0.5, -0.5]], name='W', requires_grad=True)
    """

    __slots__ = ("decay", "letter")

    def __init__(self, data: Any, name: str | None = None, *, decay: bool = True, dtype: Any = None) -> None:
        super().__init__(data, requires_grad=True, name=name, dtype=dtype)
        self.letter = name
        self.decay = decay

    def _state(self) -> dict[str, Any]:
        return {**super()._state(), "letter": self.letter, "decay": self.decay}


class Incompatible(NamedTuple):
    """What load_state_dict(strict=False) passed over."""

    missing: list[str]
    unexpected: list[str]


class Module:
    """A layer or a model: define `forward`; attributes that are Parameters or Modules are found by themselves.

    Attributes are searched in the order of their definition, also inside lists, tuples and dicts; names that begin with an
    underscore are private and not searched.  Tensors that are not Parameters are saved with the state but not trained.

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

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        before = next_stamp()
        y = self.forward(*args, **kwargs)
        for output in y if isinstance(y, tuple | list) else (y,):
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
        super().__setattr__(name, value)
        if any(isinstance(found, Module) for _, found in _search(name, value)):
            _number_letters(self)

    # ---- walking the tree

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(attribute, module) of the modules directly below this one."""
        return ((name, value) for name, value in self._attributes() if isinstance(value, Module))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """(path, module) of this module (path "") and all below it, each once, in definition order."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [("", self)]
        while stack:
            path, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield path, module
                below = [(f"{path}.{name}" if path else name, child) for name, child in module.named_children()]
                stack.extend(reversed(below))

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter) in definition order; a parameter that is shared comes once, under its first path."""
        return ((name, value) for name, value in self._state_entries() if isinstance(value, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        """The parameters in definition order, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def _attributes(self) -> Iterator[tuple[str, Any]]:
        for name, value in vars(self).items():
            if not name.startswith("_"):
                yield from _search(name, value)

    def _state_entries(self) -> Iterator[tuple[str, Any]]:
        """(path, Tensor or generator) of everything that makes up the state, each Tensor once."""
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in module._attributes():
                if isinstance(value, Generator) or (isinstance(value, Tensor) and id(value) not in seen):
                    seen.add(id(value))
                    yield (f"{path}.{name}" if path else name), value

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

    # ---- state

    def state_dict(self) -> dict[str, Any]:
        """path -> array for parameters and other Tensors, path -> state for random generators.

        The arrays are read-only snapshots: training does not change them.
        """
        return {
            path: value.data if isinstance(value, Tensor) else generator_state(value)
            for path, value in self._state_entries()
        }

    def load_state_dict(self, state: Mapping[str, Any], *, strict: bool = True) -> Incompatible:
        """Take over a state_dict; all of it or, if anything is wrong, nothing.

        strict   False passes over missing and unknown keys, and returns them
        Raises:  RuntimeError that lists every unknown, missing and misshapen key.
        """
        own = dict(self._state_entries())
        missing = [key for key in own if key not in state]
        unknown = [key for key in state if key not in own]
        wrong = [_misfit(key, value, state[key]) for key, value in own.items() if key in state]
        wrong = [misfit for misfit in wrong if misfit]
        problems = [*(f"{key} is missing" for key in missing), *(f"{key} is unknown" for key in unknown)] * strict
        if problems or wrong:
            raise RuntimeError(f"load_state_dict into {type(self).__name__}: {'; '.join(problems + wrong)}")
        with no_grad():
            for key, value in own.items():
                if key in state:
                    if isinstance(value, Tensor):
                        assign(value, np.array(_plain(state[key])))
                    else:
                        restore_generator(value, state[key])
        return Incompatible(missing, unknown)

    # ---- showing

    def __repr__(self) -> str:
        count = sum(parameter.size for parameter in self.parameters())
        return "\n".join(f"{left:<{_repr_width}}{right}".rstrip() for left, right in self._lines("", f"{count:,} parameters"))

    def _lines(self, indent: str, note: str | None = None) -> Iterator[tuple[str, str]]:
        own = [value for _, value in self._attributes() if isinstance(value, Parameter)]
        shapes = ", ".join(f"{parameter.name or 'parameter'} {parameter.shape}" for parameter in own)
        count = f"{sum(parameter.size for parameter in own):,} parameters" if own else ""
        yield f"{type(self).__name__}({self.extra_repr()})", "  ".join(filter(None, (shapes, note or count)))
        for name, child in self.named_children():
            lines = child._lines(indent)
            left, right = next(lines)
            yield f"  {name}: {left}", right
            yield from ((f"  {left}", right) for left, right in lines)


_repr_width = 44


class Sequential(Module):
    """Modules (or functions of one Tensor) applied one after the other.

    >>> from minigrad.nn import Linear, ReLU
    >>> Sequential(Linear(2, 3, rng=0), ReLU(), Linear(3, 1, rng=1))
    Sequential()                                13 parameters
      0: Linear(2, 3)                           W1 (3, 2), b1 (3,)  9 parameters
      1: ReLU()
      2: Linear(3, 1)                           W2 (1, 3), b2 (1,)  4 parameters
    """

    def __init__(self, *layers: Any) -> None:
        for layer in layers:
            if not callable(layer):
                raise TypeError(f"Sequential: {layer!r} is not a module; give the layers one by one: Sequential(a, b, c)")
        vars(self).update({str(i): layer for i, layer in enumerate(layers)})
        _number_letters(self)

    def forward(self, x: Any) -> Any:
        """x through every layer, in order."""
        for layer in self:
            x = layer(x)
        return x

    def __iter__(self) -> Iterator[Any]:
        return (value for name, value in vars(self).items() if name.isdigit())

    def __len__(self) -> int:
        return sum(name.isdigit() for name in vars(self))

    def __getitem__(self, i: int) -> Any:
        return list(self)[i]


def _search(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    """(path, value) of the modules, Tensors and generators in an attribute, also inside lists, tuples and dicts."""
    if isinstance(value, Module | Tensor | Generator):
        yield name, value
    elif isinstance(value, list | tuple):
        for i, entry in enumerate(value):
            yield from _search(f"{name}.{i}", entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _search(f"{name}.{key}", entry)


def _number_letters(module: Module) -> None:
    """Name the parameters of a model's layers W1, b1, W2, b2 ... in definition order, where nobody named them."""
    layers = []
    for layer in module.modules():
        own = [value for _, value in layer._attributes() if isinstance(value, Parameter) and value.letter]
        own = [value for value in own if (value.name or "").rstrip("0123456789") == value.letter]
        if own:
            layers.append(own)
    for number, own in enumerate(layers, 1):
        for parameter in own:
            parameter.name = f"{parameter.letter}{number}" if len(layers) > 1 else parameter.letter


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


def _misfit(key: str, own: Any, given: Any) -> str | None:
    if not isinstance(own, Tensor):
        return None if same_kind_of_generator(own, given) else f"{key} is not the state of a {type(own).__name__}"
    given = np.asarray(_plain(given))
    if given.dtype.kind not in "fciub" or not np.can_cast(given.dtype, own.dtype, "same_kind"):
        return f"{key} is {given.dtype}, wanted {own.dtype}"
    return None if given.shape == own.shape else f"{key} has shape {given.shape}, wanted {own.shape}"
