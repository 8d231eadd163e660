"""What an exercise and a bug to be found have in common: numbers, a function as text, and grading."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from operator import index
from pathlib import Path
from textwrap import dedent, fill, indent
from typing import Any

from minigrad.check.exercises.networks import Network, kinds, network
from minigrad.check.grading import Report, grade
from minigrad.check.grading.submission import unfilled
from minigrad.program import Variable
from minigrad.show import Derivation
from minigrad.show.derivation.source import Source
from minigrad.show.files import write_whole
from minigrad.tensor import Tensor

_width = 100
_function = "loss_and_gradients"


class Text(str):
    """Text that shows itself as it prints."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def known_kind(caller: str, name: Any) -> str:
    """A network's name as it is spelled in the list; `_` and `-` stand for a space.

    Raises: ValueError with the names that there are.
    """
    spelled = str(name).lower().replace("_", " ").replace("-", " ")
    if spelled not in kinds:
        raise ValueError(f"{caller}: there is no exercise {name!r}; there are {', '.join(kinds)}")
    return spelled


def known_seed(caller: str, seed: Any) -> int:
    """A seed as a number.

    Raises: TypeError for what is no whole number, ValueError for a negative one.
    """
    try:
        number = index(seed)
    except TypeError:
        raise TypeError(f"{caller}: seed= takes a whole number from 0 up, not {seed!r}") from None
    if number < 0:
        raise ValueError(f"{caller}: seed= takes a whole number from 0 up, not {seed!r}")
    return number


class Task:
    """A network with numbers, a function of NumPy's alone that belongs to it, and the grading of work on it.

    name        of the kind of network
    seed        what its numbers were drawn with
    task        what is to be done, in words
    source      the function as text
    loss        the cost as a Tensor: mg.draw, mg.steps and mg.terms can show it
    inputs      what the function takes, by name: arrays and numbers, copies
    values      these and the forward pass by name: Z1, A1, D1, keep_prob ...
    gradients   the names of the gradients, in the order in which they are computed
    """

    def __init__(
        self,
        name: str,
        seed: int,
        task: str,
        drawn: Network,
        derivation: Derivation,
        instead: Mapping[Variable, str],
    ) -> None:
        self.name = name
        self.seed = seed
        self.task = task
        self._network = drawn
        self._derivation = derivation
        self._lines = {
            line.value.name: line.value for line in derivation.lines.lines if line.section == "backward"
        }
        self._source = Source(derivation.lines, _function, self._lines, instead=instead)

    @property
    def source(self) -> str:
        """The function as text, which runs with NumPy alone; it takes `inputs`."""
        return self._source.text

    @property
    def loss(self) -> Tensor:
        """The cost, recorded."""
        return self._network.loss

    @property
    def gradients(self) -> tuple[str, ...]:
        """The names of the gradients, in the order in which they are computed."""
        return tuple(self._lines)

    @property
    def inputs(self) -> dict[str, Any]:
        """What the function takes, by name: `function(**task.inputs)`."""
        return {name: _copied(value) for name, value in self._source.arguments.items()}

    @property
    def values(self) -> dict[str, Any]:
        """The inputs and every value of the forward pass, by name."""
        return {name: _copied(value) for name, value in self._network.values.items()}

    def _graded(self, work: Any, transposed: Any) -> Report:
        """The report on the work; a gradient on the way that is not filled in is not in it."""
        report = grade(work, self.loss, self._network.parameters, transposed=transposed)
        verdicts = {
            name: verdict
            for name, verdict in report.verdicts.items()
            if name in self._wanted or verdict.verdict != unfilled
        }
        return Report(verdicts, report.faults, report.notes)

    @property
    def _wanted(self) -> list[str]:
        """The gradients of the parameters."""
        wanted = {f"d{parameter.name}" for parameter in self._network.parameters}
        return [*(name for name in self._lines if name in wanted), *wanted.difference(self._lines)]

    def _help(self, name: str) -> tuple[str, str]:
        """Through what a value reaches the cost, and by which rules its gradient comes back."""
        steps = self._derivation.explain().split("\n\n")[1:]
        _, way, rules = _parts(steps[list(self._lines).index(name)])
        return f"{name}: {way} {name} has the shape {self._lines[name].tensor.shape}.", rules

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the function into a file that grades itself: edit it, and run it with Python.

        Raises: FileExistsError if there is a file already, which may hold somebody's work, unless overwrite;
                FileNotFoundError if there is no such folder.
        """
        path = Path(path)
        if not path.parent.is_dir():
            raise FileNotFoundError(f"save: there is no folder {path.parent}; make it first")
        if path.exists() and not overwrite:
            raise FileExistsError(
                f"save: {path} is there already; give another name, or overwrite=True to lose what is in it"
            )
        text = (
            f'"""{self._headline}\n\n{self._told()}\n"""\n\n{self.source}\n\nif __name__ == "__main__":\n'
            f"    import minigrad as mg\n\n    print({self._call}.submit({_function}))\n"
        )
        return write_whole(path, text.encode())

    @property
    def _headline(self) -> str:
        raise NotImplementedError

    @property
    def _call(self) -> str:
        """The call that gives the same again."""
        raise NotImplementedError

    def _told(self) -> str:
        return fill(self.task, _width)

    def __str__(self) -> str:
        return f"{self._headline}\n\n{self._told()}\n\n{indent(self.source, '    ')}"

    def __repr__(self) -> str:
        return f"{self._headline}; print(_) shows it"

    def _repr_html_(self) -> str:
        return (
            f"<p><b>{escape(self._headline)}</b></p><p>{escape(self.task)}</p>"
            f"<pre>{escape(self.source, quote=False)}</pre>"
        )


def drawn(caller: str, name: Any, seed: Any) -> tuple[str, int, Network]:
    """The network for what a person asked for by name and seed."""
    spelled, number = known_kind(caller, name), known_seed(caller, seed)
    return spelled, number, network(spelled, number)


def _copied(value: Any) -> Any:
    return value.copy() if hasattr(value, "copy") else value


def _parts(step: str) -> tuple[str, str, str]:
    """The equation of a step of an explanation, the sentence on how the value is used, and the rules."""
    head, *rest = step.splitlines()
    margin = " " * (head.index(". ") + 2)
    equation = [head]
    while rest and rest[0].startswith(margin + " "):  # the equation goes on, further in
        equation.append(rest.pop(0))
    rules = next((i for i, text in enumerate(rest) if text.startswith(f"{margin}- ")), len(rest))
    end = next((i for i, text in enumerate(rest) if text.startswith(f"{margin}Put together")), len(rest))
    way = " ".join(text.strip() for text in rest[:rules])
    return " ".join(equation), way, dedent("\n".join(rest[rules:end]))
