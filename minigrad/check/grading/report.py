"""The report on a submission: as data, as text for a terminal, and as HTML for a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from math import inf
from textwrap import wrap


@dataclass(frozen=True)
class Reading:
    """One way to read a mistake: a change of a line that gives the student's numbers.

    kind   what was changed, "factor dropped" ...; two mistakes in one line are joined by " and "
    what   the change in words: without `/ keep_prob`
    said   the same as a sentence
    why    why the right line is as it is, or ""
    right  the right line, as NumPy
    yours  the line that gives the student's numbers, or "" where it cannot be written (another mask)
    """

    kind: str
    what: str
    said: str
    why: str
    right: str
    yours: str


@dataclass(frozen=True)
class Fault:
    """One mistake.

    array     the array in which it came to light
    line      the line in which it was made: the array's own, or that of one that was not handed in
    readings  what it may be, the likeliest first: more than one where these inputs do not tell them apart;
              none where it was not found
    clues     what is known of it, where it was not found
    """

    array: str
    line: str
    readings: tuple[Reading, ...]
    clues: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether it is known which mistake it is, or may be."""
        return bool(self.readings)

    @property
    def kind(self) -> str:
        """The kind of the likeliest reading; "not found" if there is none."""
        return self.readings[0].kind if self.readings else "not found"

    @property
    def what(self) -> str:
        """The likeliest reading in words."""
        return self.readings[0].what if self.readings else "not found"

    def __str__(self) -> str:
        if not self.readings:
            known = " ".join(f"{_sentence(clue)}" for clue in self.clues)
            return (
                f"Your {self.array} is wrong; no change of its line, and no two of them, were found to give "
                f"it. What is known: {known}"
            )
        first = self.readings[0]
        text = _sentence(first.said + (f": {first.why}" if first.why else ""))
        for other in self.readings[1:]:
            text += f" Or {other.said}: with what was handed in, the numbers are the same."
        return text

    def lines(self) -> list[tuple[str, str]]:
        """(label, line of NumPy): the right line, and the ones that give the student's numbers."""
        found: dict[tuple[str, str], None] = {}
        for reading in self.readings:
            found["right", reading.right] = None
            if reading.yours:
                found["yours", reading.yours] = None
        return sorted(found, key=lambda entry: entry[0])


@dataclass(frozen=True)
class Verdict:
    """What is said of one array.

    verdict  "right", "right up to rounding of float32", "follows from dZ2", "wrong", or why it is not graded
    error    the largest difference as a fraction of the largest entry; None if it was not compared
    passed   whether nothing is wrong with it by itself: it is right, or follows from an earlier mistake
    """

    name: str
    verdict: str
    error: float | None
    passed: bool

    @property
    def mark(self) -> str:
        """✓ if it is right, → if it follows from an earlier mistake, ✗ if it is wrong or not graded."""
        return "✗" if not self.passed else "→" if self.verdict.startswith("follows") else "✓"


@dataclass(frozen=True)
class Report:
    """What was found in a submission; true if all of it is right.

    verdicts  for each array, by name, in the order in which they are computed
    faults    the mistakes, in the same order
    notes     what else should be known: a convention that was recognised, what these inputs cannot show
    """

    verdicts: dict[str, Verdict]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every array is right."""
        return bool(self.verdicts) and not self.faults and all(v.passed for v in self.verdicts.values())

    @property
    def score(self) -> float:
        """The share of arrays that are right or follow from an earlier mistake, as a good teacher counts."""
        return sum(v.passed for v in self.verdicts.values()) / max(len(self.verdicts), 1)

    def __bool__(self) -> bool:
        return self.ok

    @property
    def headline(self) -> str:
        """One line: how much is right, and how many mistakes there are."""
        right = sum(v.verdict.startswith("right") for v in self.verdicts.values())
        wrong, ungraded = len(self.faults), sum(v.error is None for v in self.verdicts.values())
        mistakes = f"{wrong} mistake{'s' * (wrong != 1)}" if wrong or ungraded else "no mistake"
        text = f"{right} of {len(self.verdicts)} arrays right, {mistakes}"
        return text + (f", {ungraded} not graded" if ungraded else "")

    def __str__(self) -> str:
        return f"grade: {self.text()}"

    def text(self, columns: int = 80) -> str:
        """What is printed, but for the name of the function: lines of at most so many columns."""
        width = max((len(name) for name in self.verdicts), default=0)
        lines = [self.headline, ""]
        for v in self.verdicts.values():
            first, *more = wrapped(self._verdict(v), columns - 4 - width) or [""]
            lines += [f"  {v.name:<{width}}  {first}", *(f"  {'':<{width}}  {rest}" for rest in more)]
        for i, fault in enumerate(self.faults, 1):
            lines += ["", *wrap(f"{i}. {fault}", columns, subsequent_indent="   ", break_on_hyphens=False)]
            for label, text in fault.lines():
                lines += _code(text, f"     {label}   ", columns)
        for note in self.notes:
            lines += ["", *wrap(note, columns, break_on_hyphens=False)]
        return "\n".join(lines)

    __repr__ = __str__

    def _verdict(self, v: Verdict) -> str:
        numbers = [str(i) for i, fault in enumerate(self.faults, 1) if fault.array == v.name]
        mistake = f", mistake {' and '.join(numbers)}" if numbers else ""
        if v.error is None or not 1e-12 < v.error < inf:
            return f"{v.verdict}{mistake}"
        return f"{v.verdict}{mistake} (off by {_size(v.error)} its largest entry)"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{escape(v.name)}</code></td><td>{v.mark}</td>"
            f"<td style='text-align:left;white-space:pre-wrap'>{escape(self._verdict(v))}</td></tr>"
            for v in self.verdicts.values()
        )
        faults = "".join(
            f"<li><p>{_marked(str(fault))}</p><table>"
            + "".join(
                f"<tr><td>{label}</td><td style='text-align:left'><code>{escape(text)}</code></td></tr>"
                for label, text in fault.lines()
            )
            + "</table></li>"
            for fault in self.faults
        )
        notes = "".join(f"<p>{_marked(note)}</p>" for note in self.notes)
        return f"<p><b>{escape(self.headline)}</b></p><table>{rows}</table><ol>{faults}</ol>{notes}"


def wrapped(text: str, columns: int) -> list[str]:
    """Text as lines of at most so many columns; where it has lines, as a traceback does, they stay lines.

    >>> wrapped("raised KeyError: 'W4'\\nline 3, in backward: dZ3 @ W[4]", 40)
    ["raised KeyError: 'W4'", 'line 3, in backward: dZ3 @ W[4]']
    """
    found: list[str] = []
    for i, line in enumerate(text.splitlines()):
        found += wrap(line, columns, subsequent_indent="  " * (i > 0), break_on_hyphens=False)
    return found


def _code(text: str, label: str, columns: int) -> list[str]:
    """A line of NumPy behind its label, broken at spaces where it is longer than a terminal is wide."""
    further = " " * (len(label) + 4)
    return wrap(
        text,
        columns,
        initial_indent=label,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _size(fraction: float) -> str:
    """A fraction as a person reads it.

    >>> _size(0.25), _size(0.0012), _size(3e-8), _size(11.2)
    ('25 % of', '0.12 % of', '3e-08 of', '11 times')
    """
    if fraction >= 2:
        return f"{fraction:.2g} times"
    return f"{100 * fraction:.3g} % of" if fraction > 1e-5 else f"{fraction:.1g} of"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")


def _marked(text: str) -> str:
    """Text with `code` as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))
