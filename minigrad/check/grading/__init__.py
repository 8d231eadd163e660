"""The grader: a hand-written backward pass compared with the derived one, and its mistakes named.

A line is an `expression`, of which `changes` alter one thing; a `search` through the lines of the `solution`
finds the change that gives the numbers of the `submission`; `words` say it, `clues` what is known where
nothing was found, `blind` what the inputs cannot show; the `report` is what `grade` gives.
"""

from minigrad.check.grading.grade import grade
from minigrad.check.grading.report import Fault, Reading, Report, Verdict

__all__ = ["Fault", "Reading", "Report", "Verdict", "grade"]
