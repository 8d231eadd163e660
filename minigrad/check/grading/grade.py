"""grade: is a hand-written gradient right, and if not, which mistake was made?

The backward pass is a program: one thing in it is changed, it is run, and if the student's numbers come out,
that is the mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.check.grading import blind, submission
from minigrad.check.grading.budget import Budget
from minigrad.check.grading.clues import clues, constant_ratio, named_number
from minigrad.check.grading.distance import distance, single_rounding
from minigrad.check.grading.explanations import Explanation
from minigrad.check.grading.expression import atoms
from minigrad.check.grading.report import Fault, Reading, Report, Verdict
from minigrad.check.grading.search import Finding, Search
from minigrad.check.grading.solution import Solution
from minigrad.check.grading.why import reason
from minigrad.check.grading.words import sentence, what
from minigrad.program import Program, Variable
from minigrad.reading import describe
from minigrad.show.derivation.question import wanted_of
from minigrad.tensor import Tensor


def grade(
    student: Any,
    loss: Tensor,
    wrt: Any = None,
    *,
    transposed: bool | Collection[str] = False,
    candidates: int = 8_000,
    seconds: float = 3.0,
) -> Report:
    """Compare hand-written gradients with the machine's, and say which mistake was made in a wrong one.

    student     a dict of arrays by name, {"dW1": ..., "dA2": ...}; a function that returns one, whose
                arguments are filled by name (X, Y, W1, A1, D1, keep_prob, m ...); or a dict of such functions
    loss        the scalar Tensor whose gradients they are, with the values and masks that the student used
    wrt         what has to be handed in: a Tensor, several, a dict of them, or a model; by default whatever
                is handed in is graded.  The gradient of any value of the forward pass may be handed in too
    transposed  True if examples are columns, as in some courses: then a function is given X, Z1 ...
                transposed, and their gradients are taken so; weights keep their rows and columns.  Or the
                names of the gradients that are handed in transposed
    candidates  how many pairs of changes are tried where one change explains nothing: two mistakes at once
    seconds     how long they, and changes of lines that are not handed in, are tried at most, on a slow
                machine or with large arrays
    Returns:    a Report, which is true if all is right, prints as text, and has .faults, .score, .verdicts
    Raises:     TypeError for work that is no dict, a loss that is no Tensor, or a wrt that is none of those;
                ValueError for a loss that is no scalar or needs no gradient, for a name in transposed that is
                not known, for a limit below 0.  What is wrong with one array (nan, a shape, a
                function that raises) is in the report, and the others are graded

    >>> X, W = Tensor([[1.0, 2.0], [3.0, 5.0], [4.0, 1.0]], name="X"), Tensor([[0.5, -1.0]], True, name="W")
    >>> A = X @ W.T; A.name = "A"
    >>> J = np.mean(np.square(A))
    >>> report = grade({"dW": A.data.T @ X.data / 3}, J)
    >>> report.ok, report.faults[0].what, report.faults[0].readings[0].right
    (False, 'without `* 2`', 'dA = 2 * A / m')
    """
    _check_limits(candidates, seconds)
    solution, wanted = _solution(student, loss, wrt)
    known = {**solution.gradients}
    turned = _turned(transposed, known)
    values = _forward_values(solution)
    if turned is None:
        values = {
            name: array if _is_weight(solution, name) else _in_columns(array)
            for name, array in values.items()
        }
        turned = [name for name in known if not _is_weight(solution, name[1:])]
    work = submission.read(student, known, wanted, values, turned)
    handed, shapes = _fitted(solution, work.arrays)
    search, unit = _search(solution, handed, Budget(candidates, seconds))
    return _report(solution, search, work, shapes, unit)


def _check_limits(candidates: Any, seconds: Any) -> None:
    for name, limit in (("candidates", candidates), ("seconds", seconds)):
        if isinstance(limit, bool) or not isinstance(limit, int | float):
            raise TypeError(f"grade: {name}= is a number, not {limit!r}")
        if not limit >= 0:
            raise ValueError(f"grade: {name}= is a number from 0 up, not {limit!r}")


def _turned(transposed: Any, known: Collection[str]) -> list[str] | None:
    """The names of what is handed in transposed; None for a layout with examples as columns."""
    if isinstance(transposed, bool):
        return None if transposed else []
    names = [transposed] if isinstance(transposed, str) else transposed
    if not isinstance(names, Iterable):
        raise TypeError(f"grade: transposed= is True, or the names of gradients, not {transposed!r}")
    found = list(names)
    for name in found:
        if name not in known:
            raise ValueError(f"grade: transposed= names {name!r}; there are {', '.join(known)}")
    return found


def _solution(student: Any, loss: Any, wrt: Any) -> tuple[Solution, list[str]]:
    if not isinstance(loss, Tensor):
        raise TypeError(f"grade: the loss must be a Tensor, not {type(loss).__name__}")
    if loss.size != 1:
        raise ValueError(f"grade: {describe(loss)} is not a scalar; reduce it (np.sum, np.mean)")
    if not loss.requires_grad:
        raise ValueError(
            f"grade: {describe(loss)} is not computed from anything that needs a gradient; make the "
            "parameters with requires_grad=True, and compute the loss outside no_grad"
        )
    program = Program(loss, {loss: "J"})
    values = [*program.leaves, *(e.output for e in program.equations)]
    forward = {
        f"d{v.name}": v.tensor
        for v in values
        if v.tensor.requires_grad and v.tensor is not loss and (v.label or v.equation is None)
    }
    leaves = [leaf.tensor for leaf in program.leaves if leaf.tensor.requires_grad]
    asked = leaves if wrt is None else wanted_of(loss, wrt, "grade")
    names = {t.stamp: name for name, t in forward.items()}
    wanted = [names[t.stamp] for t in asked if t.stamp in names] if wrt is not None else []
    mentioned = student if isinstance(student, Mapping) else ()
    more = [t for name, t in forward.items() if name in mentioned and t.function is not None]
    every = {t.stamp: t for t in (*leaves, *asked, *more)}
    return Solution(loss, every.values(), forward), wanted


def _forward_values(solution: Solution) -> dict[str, Any]:
    """What a student's function can ask for: the values of the forward pass by name."""
    gradients = {g.stamp for g in solution.derivation.gradients.values()}
    written = solution.derivation.source.written_name
    shown = {line.value for line in solution.derivation.lines.lines if line.section != "backward"}
    return {
        written(v): array if v.kind == "constant" else np.asarray(array)
        for v, array in solution.values.items()
        if v.equation is None or v in shown or (v.label and v.tensor.stamp not in gradients)
    }


def _is_weight(solution: Solution, name: str) -> bool:
    """Whether a name is that of a parameter with rows and columns."""
    return any(leaf.name == name and leaf.kind == "parameter" and np.ndim(leaf.tensor.data) > 1
               for leaf in solution.program.leaves)  # fmt: skip


def _in_columns(array: Any) -> Any:
    """A value with the examples as columns: (m, n) becomes (n, m), and (n,) becomes (n, 1)."""
    return array[:, None] if np.ndim(array) == 1 else np.transpose(array)


def _fitted(
    solution: Solution, arrays: dict[str, np.ndarray]
) -> tuple[dict[Variable, np.ndarray], dict[str, str]]:
    """The arrays by line; those that differ by axes of length 1 alone get the right shape, with a note."""
    handed, notes = {}, {}
    for name, array in arrays.items():
        line = solution.gradients[name]
        shape = np.shape(solution.values[line])
        if array.shape != shape and [n for n in array.shape if n != 1] == [n for n in shape if n != 1]:
            notes[name] = f"{array.shape}, where {shape} is the shape of what it belongs to"
            array = array.reshape(shape)
        handed[line] = array
    return handed, notes


# ---- one convention or the other


def _search(
    solution: Solution, handed: dict[Variable, np.ndarray], budget: Budget
) -> tuple[Search, str | None]:
    """The search, and what gradients of intermediate values are handed in as multiples of, if of anything.

    Some divide by m last, in the gradients of the parameters: then those on the way are m times the right
    ones, and that is no mistake.  That it is so is seen in a parameter's gradient that is as it should be
    although it comes from one of those.  Where none was handed in, only the number of examples is taken for
    such a convention: another factor may as well have been forgotten.
    """
    later = [
        leaf for leaf in handed if leaf in solution.leaves and _comes_from_another(leaf, solution, handed)
    ]
    unit, name = _unit(solution, handed)
    on_the_way = [line for line in handed if line not in solution.leaves]
    if (
        name is None
        and later
        and not any(distance(handed[line], solution.values[line]) <= single_rounding for line in on_the_way)
    ):  # each of them may be wrong besides
        unit, name = next(_numbers_of_examples(solution), (1.0, None))
    if name is None or not (later or _counts_examples(unit, solution)):
        return Search(solution, handed, budget), None
    scaled = {line: array if line in solution.leaves else array / unit for line, array in handed.items()}

    def is_meant(search: Search) -> bool:
        return not search.dear and (
            not later or any(search.findings[leaf].verdict != "wrong" for leaf in later)
        )

    other = Search(solution, scaled, budget, most=0)
    if is_meant(other):
        return other, name
    plain = Search(solution, handed, budget)
    if plain.cost > 1:
        other = Search(solution, scaled, budget, most=plain.cost - 1)
    return (other, name) if is_meant(other) else (plain, None)


def _unit(solution: Solution, handed: Mapping[Variable, np.ndarray]) -> tuple[float, str | None]:
    """The number, and its name, that the first gradient on the way is a multiple by; (1, None) if none is."""
    for line, array in handed.items():
        ratio = None if line in solution.leaves else constant_ratio(array, np.asarray(solution.values[line]))
        name = None if ratio is None else named_number(ratio, solution)
        if ratio is not None and name is not None:
            return ratio, name
    return 1.0, None


def _comes_from_another(leaf: Variable, solution: Solution, handed: Mapping[Variable, np.ndarray]) -> bool:
    """Whether the gradient of a leaf comes from one of a value on the way that was handed in."""
    lines = solution.lines
    waiting, seen = [leaf] if leaf in lines else [], {leaf}
    while waiting:
        for x in atoms(lines[waiting.pop()]):
            if x in handed and x not in solution.leaves:
                return True
            if x in lines and x not in seen:
                seen.add(x)
                waiting.append(x)
    return False


def _counts_examples(unit: float, solution: Solution) -> bool:
    """Whether a number is that of the examples, as a named constant."""
    return any(abs(unit - n) <= 1e-6 * n for n, _ in _numbers_of_examples(solution))


def _numbers_of_examples(solution: Solution) -> Iterator[tuple[float, str]]:
    """The named constants, with their names, that the axis of the examples has for its length.

    That is the first axis of the data, or the last where that is what all of them have in common.
    """
    leaves, values = solution.program.leaves, solution.values
    shapes = [np.shape(values[x]) for x in leaves if x.kind == "data" and np.ndim(values[x])]
    first, last = {shape[0] for shape in shapes}, {shape[-1] for shape in shapes}
    lengths = last if len(last) == 1 < len(first) else first
    for x in leaves:
        if x.kind == "constant" and values[x] in lengths and values[x] > 1:
            yield float(values[x]), x.name


# ---- the report


def _report(
    solution: Solution,
    search: Search,
    work: submission.Submission,
    shapes: dict[str, str],
    unit: str | None,
) -> Report:
    verdicts: dict[str, Verdict] = {}
    faults: list[Fault] = []
    names = {line: name for name, line in solution.gradients.items() if name in work.arrays}
    for line, finding in search.findings.items():
        name = names[line]
        own_unit = unit if line not in solution.leaves else None
        half = search.handed[line].dtype == np.float16
        verdicts[name] = _verdict(solution, name, finding, shapes.get(name, ""), own_unit, half)
        if finding.verdict == "wrong":
            faults.extend(_faults(solution, search, line, name, finding, unit))
    for name, problem in work.problems.items():
        verdicts[name] = Verdict(name, problem, None, False)
    notes = list(solution.program.notes)
    if unit is not None:
        shown = any(line in solution.leaves for line in search.handed)
        notes.append(
            f"The gradients of the values on the way are {unit} times those of the cost; "
            + (
                "the parameters' gradients are divided by it. That is a convention, not a mistake."
                if shown
                else "that is a convention, not a mistake, if the parameters' gradients are divided by it."
            )
        )
    if not verdicts:
        notes.append(f"Nothing was handed in; there are {', '.join(solution.gradients)}.")
    if search.findings:
        notes += blind.notes(solution, search)
    return Report(verdicts, tuple(faults), tuple(notes))


def _verdict(
    solution: Solution, name: str, finding: Finding, shape: str, unit: str | None, half: bool
) -> Verdict:
    written = solution.derivation.source.written_name
    texts = {
        "right": "right",
        "rounded": f"right up to rounding of float{16 if half else 32}",
        "follows": f"follows from {', '.join(map(written, finding.follows))}",
        "wrong": "wrong",
    }
    text = texts[finding.verdict]
    if unit is not None and finding.verdict in ("right", "rounded"):
        text += f", times {unit}"
    if shape:
        text += f"; its shape is {shape}"
    return Verdict(name, text, finding.error, finding.verdict != "wrong")


def _faults(
    solution: Solution, search: Search, line: Variable, name: str, finding: Finding, unit: str | None
) -> Iterable[Fault]:
    if not finding.explanations:
        known = clues(solution, line, search.handed[line])
        yield Fault(name, name, (), tuple(known))
        return
    for i in range(len(finding.explanations[0].changes)):
        changed = finding.explanations[0].changes[i][0]
        readings = [
            _reading(solution, name, explanation, i, unit)
            for explanation in finding.explanations
            if i < len(explanation.changes)
        ]
        written = solution.derivation.source.written_name(changed)
        yield Fault(name, written, tuple(dict.fromkeys(readings)))


def _reading(solution: Solution, name: str, explanation: Explanation, i: int, unit: str | None) -> Reading:
    line, change = explanation.changes[i]
    own = [other for changed, other in explanation.changes if changed is line]
    yours = (
        ""
        if change.kind in ("another mask", "some examples")
        else solution.line_text(line, own[-1].expression)
    )
    said, why = what(solution, change), reason(solution, line, change)
    if unit is not None and said == f"with an extra `* {unit}`":
        said = f"without the `/ {unit}` that the gradients on the way have left out"
        why = f"what is handed in for those is {unit} times the gradient of the cost"
    return Reading(
        change.kind,
        said,
        sentence(solution, line, name, said, change),
        why,
        solution.line_text(line, own[0].before),
        yours,
    )
