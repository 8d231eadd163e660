"""The grader: a hand-written backward pass compared with the derived one, and its mistakes named.

A line is an `expression`, of which `changes` alter one thing, of the whole or, as `part_changes`, of a
part; a `change` says what, `algebra` and `slopes` have what is put there.  A `search` goes through the
lines of the `solution` with what is in the `submission`; of an array that is wrong it asks for the
`explanations`, the changes that give its numbers, within a `budget`.  `words` say them, `why` says why
the right line is as it is, `clues` what is known where nothing was found, `blind` what the inputs cannot
show; the `report` is what `grade` gives.
"""

from minigrad.check.grading.grade import grade
from minigrad.check.grading.report import Fault, Reading, Report, Verdict

__all__ = ["Fault", "Reading", "Report", "Verdict", "grade"]
