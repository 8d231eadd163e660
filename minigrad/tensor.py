"""Tensor: an array that remembers how it was made.

NumPy is the language.  Operators and NumPy functions on a Tensor compute what they compute on arrays, and the
result keeps its *origin*: the function, its inputs and its parameters.  That is the whole graph, and backprop
reads it backwards.

Every Tensor carries a stamp from one counter, so a result is newer than its inputs, and topological order is
a sort by stamp.  An array is frozen once a Tensor holds it: assignment to a leaf gives it a new array and a
new stamp, by which backprop sees that a graph is older than the leaf that it used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial, update_wrapper
from itertools import count
from math import prod
from numbers import Number
from operator import getitem, setitem
from typing import Any

import numpy as np

from minigrad.other_arrays.foreign import check_result, copied, is_foreign, of_one_kind
from minigrad.other_arrays.lazy import Lazy
from minigrad.reading import Readable, describe, scalars
from minigrad.switches import recording
from minigrad.table import compositions, enter_further, name_of, table
from minigrad.watch import assigned, tell, watchers, watching

next_stamp = count(1).__next__

Origin = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

_operands = (*scalars, np.ndarray, np.generic, list, tuple, Number)
_numbers = (np.generic, Number)
_no_parameters: dict[str, Any] = {}
_new = object.__new__
_ndarray = np.ndarray


# ---- what stands behind Tensor's operators and methods


def _operator(function: Any, reflected: bool = False) -> Any:
    """The method behind an operator: records the NumPy function."""

    def method(self: Tensor, other: Any) -> Any:
        if (
            not isinstance(other, Tensor)
            and not isinstance(other, _operands)
            and getattr(other, "__array_ufunc__", None) is None
        ):
            return NotImplemented
        return record(function, (other, self) if reflected else (self, other))

    return method


def _in_place(function: Any) -> Any:
    """The method behind `t -= ...`: assignment to a leaf inside no_grad, else the name gets a new result."""

    def method(self: Tensor, other: Any) -> Tensor:
        if self.function is not None or (recording.get() and not self._requires_grad):
            return record(function, (self, other))
        assign(self, record(function, (self, other)))
        return self

    return method


def _unary(function: Any) -> Any:
    return lambda self: record(function, (self,))


def _method(function: Any) -> Any:
    """The method of the same name as a NumPy function: t.sum(axis=0) is np.sum(t, axis=0)."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return call(function, (self, *args), kwargs)

    method.__doc__ = f"{name_of(function)} of this Tensor."
    return method


class Tensor(Lazy, Readable):
    """An array that remembers how it was made:  Tensor = (data, function, inputs, parameters, name, stamp).

    data           anything that NumPy makes a numeric array of; it is copied
    requires_grad  whether gradients with respect to this leaf are wanted (floating-point data only)
    name           shown in graphs, source and error messages
    dtype          as in np.array; Python floats and lists of them give float64
    Raises:        TypeError for data that is not numeric, or integers that are to have a gradient.

    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> y = np.sum(x * x); y.backward(); x.grad
    Tensor([2., 4.])
    """

    __slots__ = (
        "__weakref__", "_grad", "_hooks", "_requires_grad", "_retains_grad", "_value", "function", "inputs",
        "name", "parameters", "scope", "stamp",
    )  # fmt: skip

    _value: Any  # a frozen ndarray, a NumPy scalar, another library's array, or a constant's Python number
    _grad: Tensor | None
    _hooks: tuple[Any, ...] | None
    _requires_grad: bool
    _retains_grad: bool
    name: str | None
    function: Callable[..., Any] | None  # that made it; None for a leaf
    inputs: tuple[Any, ...]  # Tensors, arrays and numbers
    parameters: dict[str, Any]
    scope: Any  # of a module's output: (module, the stamp before its call, the scope inside it)
    stamp: int

    def __init__(
        self, data: Any, requires_grad: bool = False, name: str | None = None, dtype: Any = None
    ) -> None:
        if requires_grad not in (True, False) or type(name) not in (str, type(None)):
            raise TypeError(
                f"Tensor: requires_grad={requires_grad!r}, name={name!r}; wanted a bool and a text"
            )
        source = data
        if isinstance(data, Tensor):
            data._check_leaving("Tensor()")
            data = data._value
        try:
            data = _array(data, dtype)
        except ValueError as error:
            raise ValueError(f"Tensor: the data does not make an array: {error}") from error
        if data.dtype.kind not in "fciub":
            raise TypeError(f"Tensor: the data is {data.dtype}; it must be numbers")
        _fill(self, data)
        self.name = name
        self.requires_grad = requires_grad
        if isinstance(source, Tensor):
            tell("copied", self, source)

    # ---- what it is

    @property
    def data(self) -> Any:
        """The array, read-only.  `t.data = a` assigns to a leaf, as `t[...] = a` does."""
        tell("refuse", self, "the array (.data, numpy(), print, t[...] = value)")
        data = self._value
        if isinstance(data, _numbers):
            data = freeze(np.asarray(data))
        return data.view() if isinstance(data, np.ndarray) else data

    @data.setter
    def data(self, value: Any) -> None:
        assign(self, value if isinstance(value, Tensor) else _array(value))

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to this Tensor; can be set on a leaf."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.function is not None:
            raise RuntimeError(f"requires_grad: {describe(self)} is a result, not a leaf; use t.detach()")
        if value not in (True, False):
            raise TypeError(f"requires_grad: {value!r} is not True or False")
        if value and self.dtype.kind != "f":
            how = "x + 1j * y of real ones" if self.dtype.kind == "c" else "1.0 for 1, or pass dtype=float"
            raise TypeError(
                f"requires_grad: {describe(self)} is {self.dtype}; only real floating-point leaves can have "
                f"a gradient (write {how})"
            )
        if value != self._requires_grad:
            tell("switched", self)
            self._requires_grad = bool(value)
            self._value = freeze(np.asarray(self._value)) if type(self._value) in scalars else self._value
            self.stamp = next_stamp()  # a graph that used it as it was is refused

    @property
    def grad(self) -> Tensor | None:
        """What backward() has accumulated here (in leaves, and results after retain_grad()), or None."""
        if watchers:
            tell("grad_read", self)
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if value is not None and not isinstance(value, Tensor):
            value = Tensor(value, dtype=self.dtype)
        if value is not None and (value.shape != self.shape or value.dtype != self.dtype):
            raise ValueError(
                f"grad: {describe(self)} of {self.dtype} cannot have a gradient of shape {value.shape} and "
                f"{value.dtype}"
            )
        tell("grad_set", self)
        self._grad = value

    @property
    def origin(self) -> Origin | None:
        """How it was made, as (function, inputs, parameters); None for a leaf."""
        return None if self.function is None else (self.function, self.inputs, self.parameters)

    @property
    def is_leaf(self) -> bool:
        """Whether it was given rather than computed (or computed where nothing was recorded)."""
        return self.function is None

    shape = property(lambda self: getattr(self._value, "shape", ()))
    dtype = property(
        lambda self: np.result_type(self._value) if type(self._value) in scalars else self._value.dtype
    )
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: prod(self.shape))
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    T = property(lambda self: record(np.transpose, (self,), {"axes": None}))
    mT = property(lambda self: np.matrix_transpose(self))

    def retain_grad(self) -> None:
        """Ask backward() to leave this result's gradient in .grad too (leaves have it anyway)."""
        if not self._requires_grad:
            raise RuntimeError(f"retain_grad: {describe(self)} needs no gradient")
        self._retains_grad = True

    def register_hook(self, function: Callable[[Tensor], Any]) -> Any:
        """Call function(gradient) in every backward pass, when the gradient of this Tensor is complete.

        function  gives None, or a gradient to go on with in its place, also to the next hook and to .grad
        Returns:  a handle, whose `remove()` takes the hook off
        """
        from minigrad.hooks import register

        return register(self, function)

    def backward(self, gradient: Any = None, create_graph: bool = False) -> None:
        """Accumulate ∂self/∂leaf into `.grad` of every leaf that needs one; see `minigrad.backward`."""
        from minigrad.backprop import backward

        backward(self, gradient, create_graph)

    def detach(self) -> Tensor:
        """The same values as a leaf that needs no gradient."""
        values = made(self._value)
        tell("copied", values, self)
        return values

    # ---- its rows

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len: {describe(self)} has no axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError(f"iteration: {describe(self)} has no axes")
        return (self[i] for i in range(self.shape[0]))

    # ---- copies

    def __reduce__(self) -> tuple[Any, ...]:
        if self.function is not None and self._requires_grad:
            raise RuntimeError(f"copy: {describe(self)} has a graph; only leaves are copied: use t.detach()")
        return _rebuild, (type(self), self._value, self._state())

    def _state(self) -> dict[str, Any]:
        grad = self._grad if self._grad is None else self._grad.detach()
        own = {"name": self.name, "_requires_grad": self._requires_grad, "_grad": grad}
        return {**getattr(self, "__dict__", {}), **own}

    # ---- NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **parameters: Any) -> Any:
        if method == "__call__" and not parameters and ufunc in table:
            return record(ufunc, inputs)
        if method == "__call__":
            return call(ufunc, inputs, parameters)
        enter_further(ufunc)  # with the methods
        function, composed = getattr(ufunc, method), compositions.get(getattr(np.ufunc, method))
        if composed is not None:
            result = _composed(partial(composed, ufunc), function, inputs, parameters)
            if result is not NotImplemented:
                return result
        return _without_gradient(function, inputs, parameters)

    def __array_function__(self, function: Callable, types: Any, args: tuple, kwargs: dict) -> Any:
        return call(function, args, kwargs)

    # ---- operators and methods

    __hash__ = object.__hash__

    __add__, __radd__ = _operator(np.add), _operator(np.add, reflected=True)
    __sub__, __rsub__ = _operator(np.subtract), _operator(np.subtract, reflected=True)
    __mul__, __rmul__ = _operator(np.multiply), _operator(np.multiply, reflected=True)
    __truediv__, __rtruediv__ = _operator(np.divide), _operator(np.divide, reflected=True)
    __floordiv__, __rfloordiv__ = _operator(np.floor_divide), _operator(np.floor_divide, reflected=True)
    __mod__, __rmod__ = _operator(np.remainder), _operator(np.remainder, reflected=True)
    __divmod__ = lambda self, other: (self // other, self % other)  # noqa: E731
    __rdivmod__ = lambda self, other: (other // self, other % self)  # noqa: E731
    __matmul__, __rmatmul__ = _operator(np.matmul), _operator(np.matmul, reflected=True)
    _power, __rpow__ = _operator(np.power), _operator(np.power, reflected=True)
    __and__, __rand__ = _operator(np.bitwise_and), _operator(np.bitwise_and, reflected=True)
    __or__, __ror__ = _operator(np.bitwise_or), _operator(np.bitwise_or, reflected=True)
    __xor__, __rxor__ = _operator(np.bitwise_xor), _operator(np.bitwise_xor, reflected=True)
    __lt__, __le__, __gt__, __ge__ = map(_operator, (np.less, np.less_equal, np.greater, np.greater_equal))
    __eq__, __ne__ = _operator(np.equal), _operator(np.not_equal)
    __neg__, __pos__, __abs__, __invert__ = map(_unary, (np.negative, np.positive, np.absolute, np.invert))
    __iadd__, __isub__, __imul__, __itruediv__ = map(_in_place, (np.add, np.subtract, np.multiply, np.divide))
    __ifloordiv__, __imod__, __imatmul__, __ipow__ = map(
        _in_place, (np.floor_divide, np.remainder, np.matmul, np.power)
    )
    __iand__, __ior__, __ixor__ = map(_in_place, (np.bitwise_and, np.bitwise_or, np.bitwise_xor))

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) is int and exponent == 2:
            return record(np.square, (self,))
        return self._power(exponent)

    sum, mean, var, std, prod = map(_method, (np.sum, np.mean, np.var, np.std, np.prod))
    max, min, clip, dot, round = map(_method, (np.max, np.min, np.clip, np.dot, np.round))
    any, all, argmax, argmin, argsort = map(_method, (np.any, np.all, np.argmax, np.argmin, np.argsort))
    ravel, squeeze, swapaxes, astype = map(_method, (np.ravel, np.squeeze, np.swapaxes, np.astype))
    repeat, take, choose, diagonal, trace = map(
        _method, (np.repeat, np.take, np.choose, np.diagonal, np.trace)
    )
    cumsum, cumprod, nonzero, searchsorted = map(
        _method, (np.cumsum, np.cumprod, np.nonzero, np.searchsorted)
    )
    argpartition = _method(np.argpartition)
    flatten = ravel

    __round__ = round
    conj = conjugate = _unary(np.conjugate)

    def copy(self) -> Tensor:
        """The same values as a result of its own, through which gradients flow."""
        return self.astype(bool) if self.dtype == bool else record(np.positive, (self,))

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """np.reshape, with the shape as one argument or several."""
        return call(np.reshape, (self, shape[0] if len(shape) == 1 else shape), {"order": order})

    def transpose(self, *axes: Any) -> Tensor:
        """np.transpose, with the axes as one argument, several, or none (reversed)."""
        return call(np.transpose, (self, (axes[0] if len(axes) == 1 else axes) if axes else None), {})

    def __getitem__(self, index: Any) -> Tensor:
        return record(getitem, (self,), {"index": fixed(index)})

    def __setitem__(self, index: Any, value: Any) -> None:
        _check_assignable(self)
        if recording.get() and _needs_gradient(value):
            what = describe(value) if isinstance(value, Tensor) else "a list with Tensors"
            raise RuntimeError(f"t[...] = {what} would lose its gradient: use np.where, np.stack")
        data = self.data.copy()
        try:
            data[fixed(index)] = plain(value)
        except (ValueError, TypeError, IndexError) as error:
            from minigrad.messages import explain

            raise explain(error, setitem, (self, value), {"index": index})  # noqa: B904  (has its cause)
        assign(self, data)


# ---- making and describing Tensors


def made(data: Any, requires_grad: bool = False) -> Tensor:
    """A leaf around an array that is already ours (no copy, no checks); the array is frozen."""
    return _fill(_new(Tensor), data, requires_grad=requires_grad)


def _fill(
    tensor: Tensor,
    data: Any,
    function: Callable[..., Any] | None = None,
    inputs: tuple[Any, ...] = (),
    parameters: dict[str, Any] = _no_parameters,
    requires_grad: bool = False,
) -> Tensor:
    if type(data) is _ndarray:
        data.setflags(False)  # type: ignore[call-arg]
    tensor._value = data
    tensor.function = function
    tensor.inputs = inputs
    tensor.parameters = parameters
    tensor._requires_grad = requires_grad
    tensor.stamp = next_stamp()
    tensor.name = tensor._grad = tensor._hooks = tensor.scope = None
    tensor._retains_grad = False
    return tensor


def _rebuild(kind: type[Tensor], data: Any, state: dict[str, Any]) -> Tensor:
    tensor = _fill(_new(kind), data)
    for attribute, value in state.items():
        setattr(tensor, attribute, value)
    return tensor


def constant(value: Any, name: str | None = None) -> Tensor:
    """A named number that stays visible in graphs and source, as in  lambd / (2 · m).

    A Python number stays a Python number, so it does not widen float32 (NEP 50).

    >>> constant(0.7, name="lambd") / constant(2, name="m")
    Tensor(0.35, made by np.divide)
    """
    tensor = made(value) if type(value) in scalars else Tensor(value)
    tensor.name = name
    return tensor


def _array(value: Any, dtype: Any = None) -> Any:
    """A copy as an array that nobody else can change; another library's array (CuPy, Dask) stays one."""
    if type(value) is not np.ndarray:
        copy = copied(value, dtype)
        if copy is not None:
            return copy
    return freeze(np.array(value, dtype=dtype))


def freeze(data: Any) -> Any:
    """Make an array read-only, which is what it stays: a Tensor, and so perhaps a graph, holds it now."""
    if type(data) is np.ndarray:
        data.setflags(False)  # type: ignore[call-arg]  # by position: twice as fast
    return data


# ---- assignment


def assign(leaf: Tensor, value: Any) -> None:
    """Give a leaf a new array of the same shape and dtype; backprop refuses graphs that used the old one.

    value    a Tensor, or an array that nobody else holds: it becomes the leaf's own
    Raises:  RuntimeError for a result, or for a leaf that needs a gradient outside no_grad; ValueError for
             another shape; TypeError for a dtype that does not fit.
    """
    _check_assignable(leaf)
    assigned(leaf, value)
    old, data = leaf._value, plain(value)
    number = type(old) in scalars
    if not type(data) is type(old) is _ndarray:
        old = np.asarray(old) if number else old
        if is_foreign(data) or is_foreign(old):
            data = of_one_kind(data, old, f"assignment to {describe(leaf)}")
        data = data if hasattr(data, "astype") else np.asarray(data)
    if data.shape != old.shape:
        raise ValueError(f"assignment to {describe(leaf)}: the new value has shape {data.shape}")
    if data.dtype != old.dtype:
        if not np.can_cast(data.dtype, old.dtype, "same_kind"):
            raise TypeError(f"assignment to {describe(leaf)}: {data.dtype} does not fit into {old.dtype}")
        data = data.astype(old.dtype)
    leaf._value = data.item() if number else freeze(data)
    leaf.stamp = next_stamp()


def _check_assignable(leaf: Tensor) -> None:
    if leaf.function is not None:
        raise RuntimeError(
            f"assignment to {describe(leaf)}: it is a result, so its gradient would be wrong; make a new "
            "Tensor (np.where, np.concatenate)"
        )
    if leaf._requires_grad and recording.get():
        name = leaf.name or "W"
        raise RuntimeError(
            f"assignment to {describe(leaf)}: it needs a gradient, so write\n"
            f"    with mg.no_grad():\n        {name} -= lr * {name}.grad"
        )


# ---- recording


def record(function: Callable, inputs: tuple, parameters: dict[str, Any] = _no_parameters) -> Tensor:
    """Compute function(*inputs, **parameters) and remember it.

    The result needs a gradient if an input does.  It keeps its origin if it needs a gradient, or if an input
    has a name or an origin of its own (so `1 - Y` of named data stays visible); inside no_grad it keeps none.
    """
    if watchers and (watcher := watching()):
        return watcher.record(function, inputs, parameters)
    row = table[function]
    values: list[Any] = []
    needs_gradient = False
    visible = not inputs  # a draw has no inputs, and is always part of the graph
    try:
        for x in inputs:
            if isinstance(x, Tensor):
                if x._requires_grad:
                    needs_gradient = True
                elif x.function is not None or x.name is not None:
                    visible = True
                x = x._value
            elif type(x) not in scalars and x is not None and not isinstance(x, np.generic):
                x = _array(x)
                inputs = (*inputs[: len(values)], x, *inputs[len(values) + 1 :])
            values.append(x)
        data = row.compute(*values, **parameters) if parameters else row.compute(*values)
        if type(data) is not _ndarray:
            data = _settled(data, values, function)
        elif values and type(values[0]) is not _ndarray:
            check_result(data, values)
    except (ValueError, TypeError, IndexError, NotImplementedError) as error:
        from minigrad.messages import explain

        raise explain(error, function, inputs, parameters)  # noqa: B904  (has its cause)
    if not (needs_gradient or visible) or not recording.get():
        return _fill(_new(Tensor), data)
    if needs_gradient and (row.constant or data.dtype.kind not in "fc"):
        # np.sign of complex numbers turns
        if data.dtype.kind not in ("iubf" if row.constant else "iub" if function is np.astype else ""):
            raise TypeError(
                f"{name_of(function)}: the result is {data.dtype}, for which there are no gradients; keep to "
                "other numbers, or use t.detach()"
            )
        needs_gradient = False
    return _fill(_new(Tensor), data, function, inputs, parameters, needs_gradient)


def _settled(data: Any, values: list[Any], function: Callable) -> Any:
    """A result that is not an array, as a Tensor holds it."""
    if isinstance(data, _numbers):
        if scalars.issuperset(map(type, values)):  # of Python numbers it stays one: float32 stays so, too
            return data.item() if values and isinstance(data, np.generic) else data
        check_result(data, values)
        return data if isinstance(data, np.generic) else np.array(data)
    if isinstance(data, np.ndarray):
        return np.array(data)
    if not hasattr(data, "__array_function__") or isinstance(data, Tensor):
        raise TypeError(
            f"{name_of(function)} gave a {type(data).__name__}, not an array (of several make one)"
        )
    check_result(data, values)
    return data


def call(function: Callable, args: tuple, kwargs: dict) -> Any:
    """Call a function on arguments among which there are Tensors: recorded if the table knows it.

    Raises: TypeError if it has no row (or not with these arguments) and a gradient would be lost.
    """
    composed, row = compositions.get(function), table.get(function)
    if composed is None and row is None and enter_further(function):
        composed, row = compositions.get(function), table.get(function)
    refusal = None
    if composed is not None:
        answer = _composed(composed, function, args, kwargs)
        if answer is not NotImplemented:
            return answer
    if row is not None:
        if not kwargs and row.simple and len(args) == len(row.arrays):
            return record(function, args, row.parameters)
        try:
            inputs, parameters = row.bind(args, dict(kwargs))
        except TypeError as error:
            refusal = str(error)
        else:
            return record(function, inputs, {k: fixed(value, function) for k, value in parameters.items()})
    if composed is not None or row is not None:
        from minigrad.derivatives.further.keywords import in_other_words

        answer = in_other_words(function, args, kwargs)
        if answer is not NotImplemented:
            return answer
        if refusal and recording.get() and _needs_gradient((args, kwargs)):
            raise TypeError(refusal)
    return _without_gradient(function, args, kwargs)


def _composed(composed: Callable, function: Callable, args: tuple, kwargs: dict) -> Any:
    """What a composition gives; NotImplemented if it does not take these arguments."""
    try:
        return composed(*args, **kwargs)
    except (TypeError, ValueError, IndexError) as error:
        if isinstance(error, TypeError) and error.__traceback__.tb_next is None:  # type: ignore[union-attr]
            return NotImplemented
        from minigrad.messages import retold

        raise retold(error, function, args, kwargs)  # noqa: B904  (has its cause)


def primitive(function: Callable) -> Callable:
    """Decorator: a function of arrays that the graph sees as one operation; give it a row with `derivative`.

    Positional arguments are arrays, keyword-only ones are parameters.

    >>> from minigrad import derivative
    >>> @primitive
    ... def cube(x):
    ...     return x * x * x
    >>> derivative(cube, x=lambda g, x: g * 3 * x * x)
    >>> t = Tensor(2.0, requires_grad=True); cube(t).backward(); t.grad
    Tensor(12.)
    """

    def on_tensors(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(x, Tensor):
                return call(on_tensors, args, kwargs)
        return function(*args, **kwargs)

    update_wrapper(on_tensors, function)
    on_tensors.on_arrays = function  # type: ignore[attr-defined]
    return on_tensors


answers: set[Callable] = set()
"""Those whose answer is no array to differentiate (np.argmax, np.allclose ...): given for plain arrays."""


def _without_gradient(function: Callable, args: tuple, kwargs: dict) -> Any:
    """NumPy's own answer for plain arrays, unless a gradient would be lost by that."""
    name = name_of(function)
    if function not in answers and recording.get() and _needs_gradient((args, kwargs)):
        from minigrad.messages import no_derivative

        raise TypeError(no_derivative(function, name, kwargs))
    if function not in _of_shape:
        tell("refuse_function", name)
    try:
        if name.endswith(".at") and isinstance(args[0], Tensor):
            raise ValueError("read-only, which ufunc.at does not look at")
        if function is np.size:  # for which a lazy array would be computed
            args = (np.broadcast_to(0, np.shape(args[0])), *args[1:])
        return function(*plain(args), **plain(kwargs))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise ValueError(
            f"{name}: the array of a Tensor is not changed in place, since graphs use it; assign to a leaf, "
            "t[...] = value"
        ) from error


_of_shape = {
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.isrealobj, np.iscomplexobj,
    np.zeros_like, np.ones_like, np.empty_like, np.tril_indices_from, np.triu_indices_from,
    np.diag_indices_from, np.common_type, np.einsum_path,
}  # fmt: skip
"""Those whose answer does not depend on the values."""


def _needs_gradient(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value._requires_grad
    if isinstance(value, dict):
        return any(map(_needs_gradient, value.values()))
    return isinstance(value, list | tuple) and any(map(_needs_gradient, value))


def plain(value: Any) -> Any:
    """The same nested value with every Tensor replaced by its array."""
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


def fixed(value: Any, of: Callable | None = None) -> Any:
    """A parameter as the graph keeps it: no Tensors in it, and nothing that its caller can change later."""
    if isinstance(value, Tensor):
        if value._requires_grad and recording.get():
            from minigrad.messages import as_parameter

            raise TypeError(as_parameter(value, of))
        tell("refuse_parameter", value)
        return value._value
    if isinstance(value, np.ndarray):
        return _array(value)
    if type(value) in (list, tuple):
        return type(value)(fixed(entry, of) for entry in value)
    return value
