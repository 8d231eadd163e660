"""checkpoint: the forward pass keeps a function's inputs, and the backward pass computes the rest again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.backprop import gradients_of, of_dtype, stale
from minigrad.nn.module import Module
from minigrad.other_arrays.foreign import is_chunked, to_numpy
from minigrad.random import first_states, generator_state, restore_generator
from minigrad.reading import describe
from minigrad.switches import recording
from minigrad.table import derivative, table
from minigrad.tensor import Tensor, made, next_stamp, primitive
from minigrad.transforms.evaluation import called, zeros_like
from minigrad.transforms.graph import behind, hooked, recorded
from minigrad.transforms.stacked import aligned, stacked_gradients
from minigrad.transforms.tree import leaves_of, mapped
from minigrad.watch import kept, watchers, watching


def checkpoint(function: Any) -> Any:
    """The same function, or Module, whose graph keeps only its inputs: memory for a second forward pass.

    function  of Tensors, arrays and anything else; also as a decorator.  Gradients reach the Tensors among
              its arguments, and those of its surroundings (the parameters of a Module)
    Returns:  a function; of a Module a Module, with the given one under the path `module`
    Raises:   RuntimeError at the backward pass if the function, computed again, gives something else: it
              draws random numbers outside of the graph (dropout's masks are the same again), or what it
              depends on was changed; at the forward pass, if it makes a leaf that needs a gradient.

    A network of n layers in √n pieces holds the arrays of some 2 √n layers at a time in place of n.  The
    graph has one node for the call.  Where nothing is recorded the function is called as it is, and in a
    compiled function, too: its buffers are allocated once.

    Source:   Chen et al. 2016, "Training deep nets with sublinear memory cost", section 4.

    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> y = np.sum(checkpoint(lambda x: np.exp(np.sin(x)))(x)); y.backward(); x.grad
    Tensor([ 1.25338077, -1.03311687])
    """
    if isinstance(function, Module):
        return Checkpoint(function)
    if not callable(function):
        raise TypeError(f"checkpoint: a {type(function).__name__} is not a function")
    if iscoroutinefunction(function) or isgeneratorfunction(function) or isasyncgenfunction(function):
        raise TypeError(
            f"checkpoint: {called(function)} is a coroutine or a generator, which computes after the call; "
            "checkpoint a function that it calls"
        )

    @wraps(function)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        return _call(function, args, kwargs)

    return checkpointed


class Checkpoint(Module):
    """A Module whose graph keeps only its inputs."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The module's own result, whose graph is computed again in the backward pass."""
        return _call(self.module, args, kwargs)


def _call(function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Any:
    if not recording.get() or (watchers and watching() is not None):
        return function(*args, **kwargs)
    segment = Segment(function, args, kwargs)
    value, outputs = segment.value, segment.outputs
    segment.value, segment.outputs = None, []  # with their graph
    if not outputs:
        return value
    node = made(_joined(outputs)._value)
    node.function, node.inputs, node.parameters = recomputed, tuple(segment.inputs), {"of": segment}
    node._requires_grad = True
    segment.stamp = node.stamp
    parts = dict(zip((y.stamp for y in outputs), _parts(node, outputs), strict=True))

    def part(path: str, y: Any) -> Any:
        if not isinstance(y, Tensor):
            return y
        if y.stamp in parts or y.requires_grad or y.stamp < segment.began:
            return parts.get(y.stamp, y)
        return _alone(y)  # a mask would hold what it was made of

    return mapped(part, value, "", of_parameter=_itself)


class Segment:
    """A call of a function, of which only what it was given is kept, and which can be made again.

    inputs    the Tensors from outside that need a gradient, and have part in the outputs
    value     what the call gave, and
    outputs   the Tensors in it that were computed of the inputs, as long as nobody has taken them
    began     the stamp before the call
    stamp     of the node that stands for the call
    hooked    which Tensor in it has a hook, where forward mode would go past it; "" if none has
    """

    def __init__(self, function: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> None:
        self.__name__ = called(function).rpartition(".")[2].replace("the function", "function")
        self.__module__ = ""  # of no library: messages call it by its name alone
        self._function = function
        self._args, self._kwargs = _kept(args), _kept(kwargs)
        reached = (function, getattr(function, "__self__", None), *args, *kwargs.values())
        self._modules = [x for x in reached if isinstance(x, Module)]
        self._generators: dict[int, Any] = {}
        self.stamp = 0
        self.began = next_stamp()
        outer = first_states.get()
        try:
            first_states.set((*outer, self._generators))
            self.value, self.outputs = self._made(self.began)
        finally:
            first_states.set(outer)
        self.inputs = self._boundary()

    def _made(self, began: int) -> tuple[Any, list[Tensor]]:
        """What the function gives, and the Tensors in it that it computed and that need a gradient."""
        with recorded():
            value = self._function(*self._args, **self._kwargs)
        tensors = (y for _, y in leaves_of(value, "") if isinstance(y, Tensor))
        outputs = {y.stamp: y for y in tensors if y.requires_grad and y.stamp > began and not y.is_leaf}
        return value, list(outputs.values())

    def _boundary(self) -> list[Tensor]:
        """The Tensors that were there before the call."""
        inputs = []
        nodes = list(behind(self.outputs, lambda node: node.stamp < self.began))
        self.hooked = hooked(node for node in nodes if node.stamp > self.began)
        for node in nodes:
            if node.stamp < self.began:
                inputs.append(node)
            elif node.is_leaf:
                raise RuntimeError(
                    f"checkpoint: {self.__name__} makes {describe(node)}, a leaf that needs a gradient, and "
                    "would make another one when it is computed again; make it outside"
                )
        return inputs

    def again(self) -> Tensor:
        """The outputs, computed again from the same inputs and draws, as one Tensor with its graph."""
        for x in self.inputs:
            if x.stamp > self.stamp:
                raise stale(x, recomputed)
        began = next_stamp()
        with (
            recorded(),
            _leaves_kept(began),
            _attributes_kept(self._modules),
            _as_they_were(self._generators.values()),
        ):
            return _joined(self._made(began)[1])

    def gradients(self, g: Any, y: Any) -> list[Any]:
        """The gradient of each input, arrays of an array and Tensors of a Tensor; of a stack of g, stacks."""
        symbolic = isinstance(g, Tensor)
        output = self.again()
        self._check_same(output._value, y._value if symbolic else y)
        seed = g if symbolic else made(g)
        pull = gradients_of if g.shape == y.shape else stacked_gradients
        found = pull(output, seed, self.inputs, recording.get(), partial=True)
        gradients = [found[x.stamp] if x.stamp in found else zeros_like(x) for x in self.inputs]
        return gradients if symbolic else [d._value for d in gradients]

    def _check_same(self, again: Any, first: Any) -> None:
        if is_chunked(first):
            return  # nothing is computed yet, and draws are the same however often they are
        again, first = to_numpy(again), to_numpy(first)
        some = float(np.finfo(first.dtype).eps ** 0.5)
        largest = np.max(np.abs(first), where=np.isfinite(first), initial=0.0)
        if again.shape != first.shape or not np.allclose(again, first, some, some * largest, equal_nan=True):
            raise RuntimeError(
                f"checkpoint: {self.__name__} gives something else when it is computed again: it draws "
                "random numbers outside of the graph, or what it depends on was changed; draw with mg.random "
                "or nn.Dropout, and give what changes as an argument"
            )

    def __call__(self, arrays: Sequence[Any]) -> Any:
        """The outputs for other inputs, through the graph of the same call."""
        values = {x.stamp: value for x, value in zip(self.inputs, arrays, strict=True)}
        output = self.again()
        nodes, seen = [output], {output.stamp, *values}
        for node in nodes:  # grows while it is read
            for x in node.inputs:
                if isinstance(x, Tensor) and x.stamp not in seen:
                    seen.add(x.stamp)
                    nodes.append(x)
        for node in sorted(nodes, key=attrgetter("stamp")):
            if node.inputs and node.function is not None and node.stamp > self.stamp:
                inputs = (values[x.stamp] if isinstance(x, Tensor) else x for x in node.inputs)
                values[node.stamp] = table[node.function].compute(*inputs, **node.parameters)
            else:  # a leaf, or a draw, which stays
                values[node.stamp] = node._value
        return values[output.stamp]


@primitive
def recomputed(arrays: Any, *, of: Segment) -> Any:
    """What a segment gives for its inputs."""
    return of(arrays)


recomputed.__name__ = "checkpoint"  # as graphs and messages call it
derivative(recomputed, "*arrays, of", arrays=lambda g, y, of: of.gradients(g, y))
aligned.add(recomputed)  # it is computed again once for a whole stack


def _alone(y: Tensor) -> Tensor:
    """The same values and name, without the graph."""
    alone = y.detach()
    alone.name = y.name
    return alone


def _itself(path: str, x: Any) -> Any:
    return x


def _kept(tree: Any) -> Any:
    """Arguments as they are now: whoever gave an array may change it."""
    return mapped(lambda path, x: np.array(x) if type(x) is np.ndarray else x, tree, "", of_parameter=_itself)


@contextmanager
def _as_they_were(states: Iterable[tuple[Any, Any]]) -> Iterator[None]:
    """Context: generators have earlier states, and afterwards those that they had before."""
    now, outer = [(rng, generator_state(rng)) for rng, _ in states], first_states.get()
    try:
        first_states.set(())
        for rng, state in states:
            restore_generator(rng, state)
        yield
    finally:
        for rng, state in now:
            restore_generator(rng, state)
        first_states.set(outer)


@contextmanager
def _leaves_kept(began: int) -> Iterator[None]:
    """Context: afterwards the leaves that were there before are what they were, as running means."""
    before: list[tuple[Tensor, Any, int]] = []
    outer = kept.get()
    try:
        kept.set(before)
        yield
    finally:
        kept.set(outer)
        for x, value, stamp in before:
            if stamp < began:
                x._value, x.stamp = value, stamp


@contextmanager
def _attributes_kept(modules: Iterable[Module]) -> Iterator[None]:
    """Context: afterwards the modules have the Tensors that they had, as a counter that is replaced."""
    attributes_of = [
        (vars(module), name, x)
        for outer in modules
        for module in outer.modules()
        for name, x in vars(module).items()
        if isinstance(x, Tensor)
    ]
    try:
        yield
    finally:
        for attributes, name, x in attributes_of:
            attributes[name] = x


def _joined(outputs: list[Tensor]) -> Tensor:
    """Several Tensors as one, end to end."""
    if len(outputs) == 1:
        return outputs[0]
    dtype = np.result_type(*(y.dtype for y in outputs))
    return np.concatenate([np.ravel(y.astype(dtype)) for y in outputs])  # type: ignore[return-value]


def _parts(joined: Tensor, outputs: list[Tensor]) -> list[Tensor]:
    """The Tensors that were joined, each with its shape and dtype."""
    if len(outputs) == 1:
        joined.name = outputs[0].name
        return [joined]
    bounds = [0, *accumulate(y.size for y in outputs)]
    parts = [joined[slice(*pair)].reshape(y.shape) for pair, y in zip(pairwise(bounds), outputs, strict=True)]
    parts = [of_dtype(x, y.dtype) for x, y in zip(parts, outputs, strict=True)]
    for x, y in zip(parts, outputs, strict=True):
        x.name = y.name
    return parts
