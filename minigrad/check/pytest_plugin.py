"""The pytest plugin: the marker gradcheck, and fixtures with generic numbers.

It is installed as the module pytest_minigrad (see pyproject.toml), since pytest imports its plugins in every
run: here, minigrad and NumPy are imported when a test asks for what needs them, and not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest

if TYPE_CHECKING:
    import numpy as np

    from minigrad.check.exercises import Network

_marker = (
    "gradcheck(order=1, *, tolerance=1e-7, exact_tolerance=1e-11, zero=()): the test returns "
    "(function, inputs), and passes if minigrad.gradcheck does, with these settings."
)
_settings = ("order", "tolerance", "exact_tolerance", "zero")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known to --markers and --strict-markers."""
    config.addinivalue_line("markers", _marker)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse the marker where what the test returns is lost: it would pass unchecked, or mislead."""
    if item.get_closest_marker("gradcheck") is None:
        return
    from inspect import isasyncgenfunction, iscoroutinefunction
    from unittest import TestCase

    test, cls = getattr(item, "obj", None), getattr(item, "cls", None)
    if iscoroutinefunction(test) or isasyncgenfunction(test):  # not awaited, it warns in some later test
        pytest.fail(
            f"{item.name}: the marker gradcheck is for plain functions, not for those of `async def`",
            pytrace=False,
        )
    if cls is not None and issubclass(cls, TestCase):
        pytest.fail(
            f"{item.name}: the marker gradcheck is for functions and methods of plain classes, not for those "
            "of unittest.TestCase",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[Any]:
    """Check what a test with the marker returns."""
    __tracebackhide__ = _is_told_by_itself
    marker = pyfuncitem.get_closest_marker("gradcheck")
    if marker is None:
        return (yield)
    settings = _settings_of(marker, pyfuncitem.name)
    test, returned = pyfuncitem.obj, []

    def keep(**fixtures: Any) -> None:
        __tracebackhide__ = True
        returned.append(test(**fixtures))

    pyfuncitem.obj = keep  # what calls the test may be another plugin, and a test must return None
    try:
        result = yield
    finally:
        pyfuncitem.obj = test
    _check(pyfuncitem.name, returned[0], settings)
    return result


def _is_told_by_itself(error: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether the plugin's frames are left out: a failure of its own has no others that could be shown."""
    return not error.errisinstance(pytest.fail.Exception)


def _settings_of(marker: pytest.Mark, name: str) -> dict[str, Any]:
    unknown = [key for key in marker.kwargs if key not in _settings]
    if unknown or len(marker.args) > 1 or (marker.args and "order" in marker.kwargs):
        given = unknown[0] if unknown else f"{len(marker.args)} positional arguments"
        pytest.fail(f"{name}: the marker gradcheck takes {', '.join(_settings)}, not {given}", pytrace=False)
    return {**dict(zip(_settings, marker.args, strict=False)), **marker.kwargs}


def _check(name: str, returned: Any, settings: dict[str, Any]) -> None:
    __tracebackhide__ = _is_told_by_itself
    from minigrad.check.gradcheck import SettingError, gradcheck

    if not (isinstance(returned, tuple) and len(returned) == 2 and callable(returned[0])):
        what = "a tuple" if isinstance(returned, tuple) else type(returned).__name__
        pytest.fail(
            f"{name}: a test with the marker gradcheck returns (function, inputs), not {what}", pytrace=False
        )
    try:
        result = gradcheck(*returned, **settings, raise_exception=False)
        said = "" if result else str(result)
    except SettingError as error:
        said = str(error).replace("gradcheck", "the marker gradcheck", 1)
    if said:
        pytest.fail(f"{name}: {said}", pytrace=False)


@pytest.fixture
def minigrad_rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A generator with a seed from the test's file and name: the same numbers in any order, also of xdist."""
    import numpy as np

    return np.random.default_rng(crc32(request.node.nodeid.encode()))


@pytest.fixture
def minigrad_network(request: pytest.FixtureRequest) -> Network:
    """A network with generic numbers: (loss, values), and its .parameters.

    It has three layers, dropout and L2, or is that of another exercise of minigrad.exercise:
    @pytest.mark.parametrize("minigrad_network", ["softmax"], indirect=True).
    """
    from minigrad.check.exercises.task import drawn

    return drawn("minigrad_network", getattr(request, "param", "both"), 0)[2]
