"""Checks of gradients.

gradcheck compares the machine's gradients with slopes that are found without its rules; grade compares a
person's with the machine's, and says which mistake was made.
"""

from minigrad.check.gradcheck import gradcheck
from minigrad.check.grading import Fault, Reading, Report, Verdict, grade
from minigrad.check.result import GradcheckError, Result, Slope

__all__ = [
    "Fault",
    "GradcheckError",
    "Reading",
    "Report",
    "Result",
    "Slope",
    "Verdict",
    "gradcheck",
    "grade",
]
