"""minigrad derive, minigrad draw, minigrad steps: a loss, read in three ways, as a file or on stdout."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minigrad.data import side_of_the_field
from minigrad.experiments.files import write_file
from minigrad.experiments.options import Parser, count_type, number_type, sizes
from minigrad.experiments.output import Output, Refused, accept_any_letter, note
from minigrad.experiments.own_loss import own_loss
from minigrad.experiments.settings import default_seed
from minigrad.experiments.training import cost, network
from minigrad.program import Program
from minigrad.show import derive, draw
from minigrad.show.pictures.rendering import formats as picture_formats
from minigrad.show.pictures.rendering import texts as dot_suffixes
from minigrad.tensor import Tensor

default_hidden, default_lambd, default_keep_prob = (20, 3), 0.7, 0.86
examples = 5
"""So few that every matrix can be read."""

derivation_formats: dict[str, Callable[[Any], Any]] = {
    "numpy": lambda derivation: derivation.numpy(),
    "latex": lambda derivation: derivation.latex(),
    "explain": lambda derivation: derivation.explain(),
    "terms": lambda derivation: derivation.terms(),
}
_by_suffix = {".py": "numpy", ".tex": "latex"}


def main(name: str, arguments: Sequence[str]) -> int:
    """Do what one of the commands is asked for, and give the exit status."""
    accept_any_letter()
    output = Output()
    try:
        options = parser(name, output).parse_intermixed_args(arguments)
    except SystemExit as left:  # after --help or a wrong option
        return output.status(otherwise=int(left.code or 0))
    try:
        _commands[name](options, output)
    except Refused as error:
        note(str(error))
        return 2
    return output.status()


# ---- the three commands


def _derive(options: argparse.Namespace, output: Output) -> None:
    _check_place(options.out)
    loss = _loss(options)
    suffix = options.out.suffix.lower() if options.out else ""
    format = options.format or _by_suffix.get(suffix, "numpy")
    text = _read(lambda: derivation_formats[format](derive(loss, _wanted(loss, options.wrt))))
    _give(str(text), options.out, output)


def _draw(options: argparse.Namespace, output: Output) -> None:
    _check_place(options.out, picture_formats + dot_suffixes)
    if options.out and options.format:
        raise Refused(f'--format is for standard output; the name "{options.out.name}" says it for the file')
    loss = _loss(options)
    asked: dict[str, Any] = {"show": "values" if options.values else "shapes"}
    if options.backward:
        asked["backward"] = True
    if options.max_nodes is not None:
        asked["max_nodes"] = options.max_nodes
    graph = _read(lambda: draw(loss, **asked))
    if options.out is None:
        _give(_read(graph.svg) if options.format == "svg" else graph.dot, None, output)
        return
    _written(options.out, lambda: _read(lambda: graph.save(options.out)))


def _steps(options: argparse.Namespace, output: Output) -> None:
    from minigrad.show.page.steps import steps

    _check_place(options.out, ("html", "htm"))
    loss = _loss(options)
    _give(_read(lambda: steps(loss).html()), options.out, output)


_commands = {"derive": _derive, "draw": _draw, "steps": _steps}
names = tuple(_commands)


def _read(reader: Callable[[], Any]) -> Any:
    """What a reader of the graph gives; what it has against the loss is for the user."""
    try:
        return reader()
    except (TypeError, ValueError, RuntimeError) as error:
        who, colon, said = str(error).partition(": ")
        raise Refused(said if colon and who in names else str(error)) from error


def _wanted(loss: Tensor, wrt: Sequence[str] | None) -> list[Tensor] | None:
    """The values that --wrt names, leaves or results on the way."""
    if wrt is None:
        return None
    program = Program(loss)
    values = [*program.leaves, *(equation.output for equation in program.equations)]
    known = {v.name: v.tensor for v in values if v.tensor.requires_grad}
    for name in wrt:
        if name not in known:
            leaves = ", ".join(leaf.name for leaf in program.leaves if leaf.tensor.requires_grad)
            raise Refused(f'--wrt: there is no "{name}" that has a gradient; there are {leaves or "none"}')
    return [known[name] for name in wrt]


# ---- the loss


def _loss(options: argparse.Namespace) -> Tensor:
    """The user's own loss, or that of the standard network on a few points of the field."""
    given = {name: getattr(options, name) for name in ("hidden", "lambd", "keep_prob", "seed")}
    given = {name: value for name, value in given.items() if value is not None}
    if options.loss is None:
        return _standard_loss(**given, evaluation=getattr(options, "eval", False))
    asked = [f"--{name.replace('_', '-')}" for name in given] + ["--eval"] * getattr(options, "eval", False)
    if asked:
        raise Refused(f"{asked[0]} is for the network that --hidden describes; {options.loss} has its own")
    return own_loss(options.loss)


def _standard_loss(
    *,
    hidden: Sequence[int] = default_hidden,
    lambd: float | None = None,
    keep_prob: float = default_keep_prob,
    seed: int = default_seed,
    evaluation: bool = False,
) -> Tensor:
    """J of the network 2-20-3-1 with its first weights; in evaluation mode the cross-entropy alone."""
    if evaluation and lambd is not None:
        raise Refused("--lambd: in evaluation mode there is no penalty; leave --lambd or --eval out")
    if lambd is None:
        lambd = 0.0 if evaluation else default_lambd
    points = side_of_the_field(seed, m=examples, m_dev=1)
    try:
        model = network((points.n_in, *hidden, points.n_out), keep_prob=keep_prob, seed=seed)
        return cost(model.train(not evaluation), points.X, points.y, lambd=lambd)
    except MemoryError as error:
        raise Refused("--hidden: there is not enough memory for weights of these sizes") from error


# ---- where it goes


def _check_place(out: Path | None, suffixes: Sequence[str] = ()) -> None:
    """Before anything is computed: a file that cannot be written."""
    if out is None:
        return
    if out.is_dir():
        raise Refused(f"--out: {out}: it is a folder, and a file is wanted")
    if not out.parent.is_dir():
        raise Refused(f"--out: {out}: there is no folder {out.parent}")
    if suffixes and out.suffix[1:].lower() not in suffixes:
        known = ", ".join(f".{suffix}" for suffix in suffixes)
        raise Refused(f'--out: the name "{out.name}" does not end in a known suffix: {known}')


def _give(text: str, out: Path | None, output: Output) -> None:
    """Print a text, or write it."""
    text = text.removesuffix("\n")
    if out is None:
        output.print(text)
    else:
        _written(out, lambda: write_file(out, text + "\n"))


def _written(out: Path, write: Callable[[], Any]) -> None:
    try:
        write()
    except OSError as error:
        raise Refused(f"--out: {out}: {error.strerror or error}") from error
    note(f"wrote {out}")


# ---- options and help

_source = """\
The loss comes from one of two places:

  module:function   Your own. The module is imported, from this folder too; the
                    function is called without arguments and returns the loss,
                    a Tensor that is one number, or a model, which then gets
                    a cost on seven examples. net.py:loss works as well.
  --hidden 20,3     The standard network: hidden layers of 20 and 3, ReLU,
                    dropout, a sigmoid and the L2 penalty, with its first
                    weights, on five points. This is the default."""

_descriptions = {
    "derive": "Write out the backward pass of a loss, as a person would have written it.",
    "draw": "Draw the computation graph of a loss. On standard output it is DOT text.",
    "steps": "Make a page to walk through the forward and the backward pass, one step at\na time. "
    "The page needs nothing but itself.",
}

_examples = {
    "derive": """\
  minigrad derive                                 the standard network
  minigrad derive --format explain                the same in words
  minigrad derive --lambd 0 --wrt W1,b1           no penalty, two gradients
  minigrad derive net:loss --out derivation.py    your own loss, in a file
  minigrad derive net:loss --out derivation.tex   as a textbook sets it""",
    "draw": """\
  minigrad draw --out graph.svg                   the standard network
  minigrad draw --eval --out graph.svg            without dropout and penalty
  minigrad draw --hidden 3 --lambd 0 --backward --out both.svg
  minigrad draw net:loss --values --out net.png   your own loss, with numbers
  minigrad draw net:loss | dot -Tpdf > net.pdf""",
    "steps": """\
  minigrad steps --out steps.html                 the standard network
  minigrad steps --hidden 3 --out steps.html      a smaller one
  minigrad steps net:loss --out steps.html        your own loss""",
}


def parser(name: str, output: Output) -> Parser:
    """The options of one of the commands."""
    made = Parser(
        prog=f"minigrad {name}",
        usage=f"minigrad {name} [module:function | --hidden N,N] [options]",
        description=f"{_descriptions[name]}\n\n{_source}",
        epilog=f"examples:\n{_examples[name]}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.output = output
    made.add_argument("loss", metavar="module:function", nargs="?", help="your own loss")
    _add_network(made)
    _add_own[name](made)
    return made


def _add_network(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the standard network")
    group.add_argument(
        "--hidden", metavar="N,N", type=sizes, help="sizes of the hidden layers (default: 20,3)"
    )
    group.add_argument(
        "--lambd", metavar="L", type=number_type(least=0),
        help=f"λ of the L2 penalty λ/(2m) Σ‖W‖² (default: {default_lambd})",
    )  # fmt: skip
    group.add_argument(
        "--keep-prob", metavar="P", type=number_type(above=0, most=1),
        help=f"probability to keep a neuron in dropout (default: {default_keep_prob})",
    )  # fmt: skip
    group.add_argument(
        "--seed", metavar="N", type=count_type(0),
        help=f"draws points, weights and masks (default: {default_seed})",
    )  # fmt: skip


def _add_derive(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=tuple(derivation_formats), metavar="F",
        help="numpy, a function that runs (the default); latex, equations; explain, the steps in words; "
        "terms, each gradient split by the terms of the loss",
    )  # fmt: skip
    parser.add_argument(
        "--wrt", metavar="W1,b1", type=lambda text: [name.strip() for name in text.split(",")],
        help="only the gradients of these (default: of all parameters)",
    )  # fmt: skip
    _add_out(parser, "derivation.py", "a .py file is numpy, a .tex file latex, if --format is not given")


def _add_draw(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--backward", action="store_true", help="the backward pass is drawn too")
    parser.add_argument(
        "--eval", action="store_true", help="the network in evaluation mode: no dropout, no penalty"
    )
    parser.add_argument("--values", action="store_true", help="values are shown in place of shapes")
    parser.add_argument(
        "--max-nodes",
        metavar="N",
        type=count_type(1),
        help="a graph with more nodes is folded (default: 150)",
    )
    parser.add_argument(
        "--format", choices=("dot", "svg"), metavar="F", help="of standard output: dot (the default) or svg"
    )
    _add_out(parser, "graph.svg", "the suffix says what it is: .svg, .png, .pdf, .dot")


def _add_steps(parser: argparse.ArgumentParser) -> None:
    _add_out(parser, "steps.html", "the page")


_add_own = {"derive": _add_derive, "draw": _add_draw, "steps": _add_steps}


def _add_out(parser: argparse.ArgumentParser, example: str, what: str) -> None:
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help=f"write to a file such as {example}: {what} (default: standard output)",
    )
