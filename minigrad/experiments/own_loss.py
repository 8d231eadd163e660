"""The loss of somebody's own file: module:function is imported and called, and gives the loss, or a model."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import minigrad
from minigrad import nn
from minigrad.experiments.model_loss import model_loss
from minigrad.experiments.output import Refused
from minigrad.tensor import Tensor


def own_loss(address: str) -> Tensor:
    """The loss that `module:function` returns, or `folder/net.py:function`; a model gets one.

    The module is looked for in the current folder first, and what it prints goes to stderr.

    Raises:  Refused, with one sentence for the user.
    """
    where, function_name = _parts(address)
    with _as_a_guest(where):
        module = _told(f"importing {where}", lambda: _module(where))
        function = _function(module, where, function_name)
        if isinstance(function, Tensor):
            return function
        found = function if isinstance(function, nn.Module) else _told(address, function)
        if isinstance(found, nn.Module):
            return _told(address, lambda: model_loss(found, address))
        return _loss(found, address)


def _parts(address: str) -> tuple[str, str]:
    """net.py:loss -> net.py, loss."""
    where, _, name = address.rpartition(":")
    if where and name and all(part.isidentifier() for part in name.split(".")):
        return where, name
    example = address if Path(address).suffix == ".py" or address.isidentifier() else "net"
    raise Refused(f'"{address}" is not module:function, such as {example}:loss')


@contextmanager
def _as_a_guest(where: str) -> Iterator[None]:
    """Modules are looked for here and beside the file; what is printed is kept apart from the result."""
    before = list(sys.path)
    folders = [os.path.abspath(os.path.dirname(where))] if _is_file(where) else []
    sys.path[:0] = [*folders, os.getcwd()]
    try:
        with _stdout_apart():
            yield
    finally:
        sys.path[:] = before


@contextmanager
def _stdout_apart() -> Iterator[None]:
    """What is printed goes to stderr; also what comes from C or from a child process, which knows 1 and 2."""
    if sys.stderr is None:
        yield
        return
    real = sys.__stdout__ if sys.stdout is sys.__stdout__ else None
    with ExitStack() as afterwards, redirect_stdout(sys.stderr):
        if real is not None:
            kept = os.dup(1)
            afterwards.callback(os.close, kept)
            os.dup2(2, 1)
            afterwards.callback(os.dup2, kept, 1)
            afterwards.callback(real.flush)
        yield


def _is_file(where: str) -> bool:
    return where.endswith(".py") or os.sep in where or "/" in where


def _module(where: str) -> ModuleType:
    if not _is_file(where):
        return _named_module(where)
    path = Path(where)
    if not path.is_file():
        raise Refused(f"{where}: there is no such file")
    name = path.stem if path.stem not in sys.modules else f"minigrad_own_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.absolute())
    if spec is None or spec.loader is None:
        raise Refused(f"{where}: a file of Python ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _named_module(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise Refused(f'"{name}" is not the name of a module')
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # something that the module itself imports
        file = f"{name.replace('.', '/')}.py"
        raise Refused(f'there is no module "{error.name}": no {file} in this folder, nor installed') from None


def _function(module: ModuleType, where: str, name: str) -> Any:
    """What the name leads to: something that can be called without arguments, or a Tensor."""
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Refused(f'{where} has no "{name}"{_did_you_mean(part, found)}') from None
    if isinstance(found, Tensor | nn.Module):
        return found
    if not callable(found) or isinstance(found, type):
        raise Refused(f"{where}:{name} is {_kind(found)}; wanted is a function that returns the loss")
    try:
        inspect.signature(found).bind()
    except TypeError:
        takes = inspect.signature(found)
        raise Refused(
            f"{where}:{name} wants arguments, {takes}; it is called without any, and returns the loss"
        ) from None
    except ValueError:  # a callable that does not tell: it is tried
        pass
    return found


def _did_you_mean(name: str, owner: Any) -> str:
    close = get_close_matches(name, [known for known in vars(owner) if not known.startswith("_")], n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _loss(found: Any, address: str) -> Tensor:
    if isinstance(found, Tensor):
        return found
    hint = "return the loss"
    if isinstance(found, tuple | list) and any(isinstance(x, Tensor) for x in found):
        hint = "return the loss alone"
    elif found is None:
        hint = "return the loss (is there a return?)"
    raise Refused(f"{address} returned {_kind(found)} and not a Tensor: {hint}")


def _kind(found: Any) -> str:
    if found is None:
        return "None"
    if isinstance(found, type):
        return f"the class {found.__name__}"
    name = type(found).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


# ---- what goes wrong in it


def _told(doing: str, function: Callable[[], Any]) -> Any:
    """What a function returns; what it raises is said in one sentence, with the line that it came from."""
    try:
        return function()
    except Refused:
        raise
    except SystemExit as error:
        raise Refused(f"{doing}: it called sys.exit({error.code!r}){_place(error)}") from error
    except Exception as error:
        if isinstance(error, SyntaxError) and error.filename:
            place = f" ({_short(error.filename)}:{error.lineno})"
            raise Refused(f"{doing}: {type(error).__name__}: {error.msg}{place}") from error
        said = " ".join(str(error).split())
        kind = type(error).__name__
        raise Refused(f"{doing}: {f'{kind}: {said}' if said else kind}{_place(error)}") from error


def _place(error: BaseException) -> str:
    """The innermost line of the user's own code on the way to an error."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    return f" ({_short(own[-1].filename)}:{own[-1].lineno})" if own else ""


def _is_own(file: str) -> bool:
    package = os.path.dirname(os.path.abspath(minigrad.__file__))
    foreign = (
        file.startswith("<") or "site-packages" in file or os.path.abspath(file).startswith(package + os.sep)
    )
    return not foreign and not os.path.abspath(file).startswith(os.path.dirname(os.__file__) + os.sep)


def _short(file: str) -> str:
    """The path as seen from the current folder, if it lies in it."""
    path = Path(file).absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
