"""Progress: how far a backward pass is mended, and not how it is mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from minigrad.check.grading.report import wrapped

_width = 80


@dataclass(frozen=True)
class Progress:
    """What a check of the gradients says of a function that was handed in; true if all is mended.

    It names no line that is still as it was: which it is can be found out from the gradients that are wrong.

    faults    how many lines were wrong at first
    left      how many of them still are
    right     the gradients of parameters that are right
    wrong     those that are not
    changed   lines that were wrong, have been changed, and are still wrong
    broken    lines that were right, and are not any more
    problems  what could not be graded, by name, and why: it is missing, has nan in it ...
    ungraded  the gradients of parameters that could not be graded: nothing shows that their lines are mended
    """

    faults: int
    left: int
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    changed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    ungraded: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every line is right."""
        return not (self.left or self.wrong or self.broken or self.problems or self.ungraded)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def headline(self) -> str:
        """One line: how many faults are mended, and how many gradients are right."""
        mended = self.faults - self.left
        faults = "the fault" if self.faults == 1 else f"{mended} of {self.faults} faults"
        state = f"{faults} is{' not' * (self.faults == 1 and not mended)} mended"
        state = state.replace("2 of 2 faults is", "both faults are").replace(
            "0 of 2 faults is", "no fault is"
        )
        count = len(self.right) + len(self.wrong) + len(self.ungraded)
        return f"{state}, {len(self.right)} of {count} gradients of parameters right"

    def __str__(self) -> str:
        rows = [("right", self.right), ("wrong", self.wrong)]
        said = [
            f"{name}: {problem}" + "." * (len(problem.splitlines()) == 1)  # no full stop behind a traceback
            for name, problem in self.problems.items()
        ]
        said += [f"{name} was changed, and is not right yet." for name in self.changed]
        said += [f"{name} was right, and is not any more." for name in self.broken]
        if self.left:
            said.append("hint() says where to look, solution() shows what is wrong.")
        paragraphs = [
            f"find_the_bug: {self.headline}",
            "\n".join(f"  {label}  {', '.join(names)}" for label, names in rows if names),
            "\n".join(part for text in said for part in wrapped(text, _width)),
        ]
        return "\n\n".join(filter(None, paragraphs))

    __repr__ = __str__
