"""A function, evaluated at variables of which derivatives are asked for.

Each array, number or Tensor that is differentiated becomes a variable: a Tensor of its own that needs a
gradient.  If the array was a Tensor that needs a gradient itself, the variable is computed from it, so that
whoever called the transform can differentiate what it gives: that is how transforms nest.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.backprop import gradients_of, leading_to
from minigrad.hooks import changes
from minigrad.nn.module import Module
from minigrad.reading import describe
from minigrad.switches import recording
from minigrad.table import name_of
from minigrad.tensor import Tensor, made, next_stamp, record
from minigrad.transforms.graph import behind, hooked, recorded
from minigrad.transforms.tree import filled, is_array, leaves_of, mapped
from minigrad.watch import watchers, watching


class Evaluation:
    """function(*args, **kwargs), and the variables among its arguments.

    given       the arguments that are differentiated, as they came: the structure of a gradient
    names       what each variable is called in messages
    variables   the Tensors that the function was given in place of the arrays in them
    value       what the function gave, with a Tensor for each array and number; aux beside it
    paths, outputs   the Tensors in the value, and what they are called
    recorded    whether derivatives are part of a graph: recording is on, and the value depends on something
                else that needs a gradient
    """

    def __init__(
        self,
        who: str,
        function: Callable[..., Any],
        args: tuple,
        kwargs: dict[str, Any],
        argnums: int | Sequence[int] = 0,
        has_aux: bool = False,
    ) -> None:
        self.who, self.called = who, called(function)
        self.names: list[str] = []
        self._paths: dict[int, str] = {}
        self.variables: list[Tensor] = []
        self._recording = recording.get()
        self._began = next_stamp()
        places = _places(who, argnums, len(args))
        names = _names_of_arguments(function, args)
        given = [args[i] for i in places]
        self.given = tuple(given) if isinstance(argnums, list | tuple) else given[0]
        new = list(args)
        for i in places:
            new[i] = mapped(self._variable, args[i], names[i], of_parameter=self._add)
        if not self.variables:
            raise TypeError(f"{who}: {names[places[0]]} has no arrays to differentiate with respect to")
        with recorded():
            value = function(*new, **kwargs)
        self.aux: Any = None
        if has_aux:
            if not isinstance(value, tuple) or len(value) != 2:
                raise TypeError(f"{who}: with has_aux=True {self.called} gives (output, aux)")
            value, self.aux = value
        self.value = mapped(self._output, value, self.called)
        found = leaves_of(self.value, self.called)
        self.paths, self.outputs = [path for path, _ in found], [y for _, y in found]
        self.recorded = self._recording and self._reaches_others(self.outputs)

    def _variable(self, path: str, x: Any) -> Tensor:
        if not is_array(x):
            raise TypeError(
                f"{self.who}: {path} is a {type(x).__name__}; wanted an array, a number or a Tensor, a list, "
                "tuple or dict of them, or a Module; say by argnums= what is differentiated"
            )
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.dtype.kind != "f":
            raise TypeError(
                f"{self.who}: {path} is {x.dtype}; only real floating-point numbers have a gradient (write "
                "1.0 for 1); say by argnums= what is differentiated"
            )
        if watchers and watching() is not None:
            variable = record(np.positive, (x,))  # a replay has to compute it from x, ...
            if not hasattr(x._value, "dtype"):
                variable = record(np.astype, (x,), {"dtype": x.dtype})  # ... as an array, of a Python number
        else:
            x = x if self._recording else x.detach()
            variable = made(x._value if hasattr(x._value, "dtype") else np.asarray(x._value))
            variable.function, variable.inputs = np.positive, (x,)
        variable._requires_grad = True
        variable.name = x.name or (path if path.isidentifier() else None)
        return self._add(path, variable)

    def _add(self, path: str, variable: Tensor) -> Tensor:
        first = self._paths.setdefault(variable.stamp, path)
        if first is not path:
            raise ValueError(f"{self.who}: {path} is {first} again; give each parameter once")
        self.names.append(path)
        self.variables.append(variable)
        return variable

    def _output(self, path: str, y: Any) -> Tensor:
        if not is_array(y):
            raise TypeError(
                f"{self.who}: {path} gives a {type(y).__name__}; wanted a Tensor, or a tuple, list or dict "
                "of Tensors"
            )
        y = y if isinstance(y, Tensor) else Tensor(y)
        if y.dtype.kind == "c":
            raise TypeError(f"{self.who}: {path} gives {y.dtype}; there are gradients of real numbers only")
        return y

    def _reaches_others(self, outputs: Iterable[Tensor]) -> bool:
        """Whether something else than the variables, that needs a gradient, has part in the outputs."""
        return any(node.is_leaf or self._is_older(node) for node in behind(outputs, self._is_older))

    def _is_older(self, node: Tensor) -> bool:
        return node.stamp < self._began

    def released(self, tree: Any) -> Any:
        """The Tensors in a result, without the graph if only this transform can ask for it."""

        def release(path: str, y: Any) -> Any:
            if not isinstance(y, Tensor) or not y.requires_grad:
                return y
            return y if self._recording and self._reaches_others([y]) else y.detach()

        return mapped(release, tree, "", of_parameter=lambda path, p: p)

    def check_dependence(self) -> None:
        """Raise if no output depends on any variable."""
        wanted = {x.stamp for x in self.variables}
        if not any(node.stamp in wanted for node in behind(self.outputs, self._is_older)):
            raise ValueError(
                f"{self.who}: {self.called} gives nothing that depends on {', '.join(self.names[:4])}; is it "
                "computed of them by operators and NumPy's functions, without detach(), no_grad and compile?"
            )

    def hooked(self) -> str:
        """Which Tensor has a hook between the variables and the outputs, these too; "" if none has."""
        if not changes[0]:  # nobody has ever registered one
            return ""
        leading = leading_to({x.stamp for x in self.variables}, self.outputs)
        return hooked(node for node in behind(self.outputs, self._is_older) if node.stamp in leading)

    def check_unhooked(self) -> None:
        """Raise where forward mode would go past a hook."""
        if which := self.hooked():
            raise RuntimeError(
                f"{self.who}: {which} has a hook, for gradients, and forward mode has none; "
                'take reverse mode (mg.vjp, mode="reverse"), or remove the hook'
            )

    def scalar(self) -> Tensor:
        """The one output, which has to be a number."""
        if not isinstance(self.value, Tensor):
            hint = "; with has_aux=True it gives (output, aux)" if isinstance(self.value, tuple) else ""
            raise TypeError(
                f"{self.who}: {self.called} gives a {type(self.value).__name__}, not one number{hint}"
            )
        if self.value.size != 1:
            raise ValueError(
                f"{self.who}: {self.called} gives {describe(self.value)}, not a scalar; reduce it (np.sum, "
                "np.mean), or ask for mg.jacobian"
            )
        self.check_dependence()
        return self.value

    def pulled(
        self, outputs: Sequence[Tensor], seeds: Sequence[Tensor], recorded: bool
    ) -> list[Tensor | None]:
        """Σ over the outputs of seed · ∂output/∂variable, for each variable; None for one without part."""
        pairs = [(y, seed) for y, seed in zip(outputs, seeds, strict=True) if y.requires_grad]
        found = gradients_of([y for y, _ in pairs], [seed for _, seed in pairs], self.variables, recorded)
        return [found.get(x.stamp) for x in self.variables]

    def gradient(self, create_graph: bool | None = None, allow_unused: bool = False) -> Any:
        """∂output/∂variable of a function that gives a number, in the structure of the arguments."""
        output = self.scalar()
        recorded = self.recorded if create_graph is None else create_graph
        found = self.pulled([output], [ones_like(output)], recorded)
        for name, g in zip(self.names, found, strict=True):
            if g is None and not allow_unused:
                raise ValueError(
                    f"{self.who}: {self.called} does not depend on {name}; pass allow_unused=True for zeros"
                )
        return self.shaped(found)

    def shaped(self, parts: Sequence[Any]) -> Any:
        """One part for each variable, in the structure of the arguments; zeros for None."""
        pairs = zip(parts, self.variables, strict=True)
        return filled(self.given, (zeros_like(x) if part is None else part for part, x in pairs))


def zeros_like(x: Tensor) -> Tensor:
    """Zeros as a Tensor."""
    return made(np.zeros_like(x._value))


def ones_like(x: Tensor) -> Tensor:
    """Ones as a Tensor."""
    return made(np.ones_like(x._value))


def called(function: Callable[..., Any]) -> str:
    """What a function is called in a message."""
    if isinstance(function, Module) or not hasattr(function, "__name__"):
        return type(function).__name__
    name = name_of(function)
    return "the function" if "<" in name else name


def _places(who: str, argnums: int | Sequence[int], n: int) -> list[int]:
    numbers: list[Any] = list(argnums) if isinstance(argnums, list | tuple) else [argnums]
    for i in numbers:
        if not isinstance(i, int | np.integer) or isinstance(i, bool):
            raise TypeError(f"{who}: argnums= is a position or a tuple of positions, not {argnums!r}")
        if not -n <= i < n:
            raise ValueError(f"{who}: argnums={argnums!r}, and there are {n} arguments by position")
    places = [i % n for i in numbers]
    if not places or len(set(places)) != len(places):
        what = "an argument twice" if places else "no argument"
        raise ValueError(f"{who}: argnums={argnums!r} names {what}")
    return places


def _names_of_arguments(function: Callable[..., Any], args: tuple) -> list[str]:
    """What the arguments by position are called: as the function's signature calls them."""
    names = [f"argument {i}" for i in range(len(args))]
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return names
    by_name = [a.name for a in known if a.kind in (a.POSITIONAL_ONLY, a.POSITIONAL_OR_KEYWORD)]
    return by_name[: len(args)] + names[len(by_name) :]
