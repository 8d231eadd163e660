"""Where operations are recorded, and where not: no_grad and enable_grad."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from minigrad.switches import recording

_outer: ContextVar[tuple[bool, ...]] = ContextVar("minigrad.outer", default=())
"""What recording was before each of the contexts that are entered now."""


def _put_back(outer: tuple[bool, ...], before: bool) -> None:
    """Leave a context; it may be done again."""
    recording.set(before)
    _outer.set(outer)


class _Recording:
    """Context manager and decorator that switches recording, for the current thread or task."""

    _on: bool

    def __new__(cls, function: Callable | None = None) -> Any:
        """The context; or, as a decorator without parentheses, the decorated function."""
        context = super().__new__(cls)
        return context if function is None else context(function)

    def __enter__(self) -> None:
        outer, before = _outer.get(), recording.get()
        try:
            _outer.set((*outer, before))
            recording.set(self._on)
        except BaseException:  # a Ctrl-C, for which there will be no __exit__
            _put_back(outer, before)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entered: tuple[bool, ...] = ()
        try:
            entered = _outer.get()
            _put_back(entered[:-1], entered[-1])
        except BaseException:  # a Ctrl-C in between
            entered = entered or _outer.get()
            _put_back(entered[:-1], entered[-1])
            raise

    def __call__(self, function: Callable) -> Callable:
        context = type(self)
        if inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{function.__name__} is an asynchronous generator: use `with` between its yields"
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapped(*args: Any, **kwargs: Any) -> Any:
                with context():
                    return await function(*args, **kwargs)

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                return _switched(function(*args, **kwargs), context)

        else:

            @functools.wraps(function)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                with context():
                    return function(*args, **kwargs)

        return wrapped


def _switched(generator: Any, context: type[_Recording]) -> Any:
    """Run each stretch of a generator with recording switched, and none of its caller's code."""
    resume, given = generator.send, None
    try:
        while True:
            with context():
                value = resume(given)
            try:
                resume, given = generator.send, (yield value)
            except Exception as error:
                resume, given = generator.throw, error
    except StopIteration as stop:
        return stop.value
    finally:
        given = None  # an exception, whose traceback holds this frame
        with context():
            generator.close()


class no_grad(_Recording):  # noqa: N801
    """Inside, results keep no origin and need no gradient; leaves may be assigned to.

    A context manager and a decorator (of functions, generators and coroutines), per thread and per task.

    >>> from minigrad import Tensor
    >>> W = Tensor(1.0, requires_grad=True)
    >>> with no_grad():
    ...     W -= 0.5
    >>> W
    Tensor(0.5, requires_grad=True)
    """

    _on = False


class enable_grad(_Recording):  # noqa: N801
    """Inside, results are recorded again, also within no_grad; a context manager and a decorator."""

    _on = True
