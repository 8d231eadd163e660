"""Checks of gradients, of rows and of tests.

gradcheck compares the machine's gradients with slopes found without its rules; check_rule tries a row
of one's own.  grade compares a person's gradients with the machine's, and says which mistake was made.
mutation_score breaks the rules, to see whether a test notices.
"""

from minigrad.check.check_rule import check_rule
from minigrad.check.gradcheck import gradcheck
from minigrad.check.grading import Fault, Reading, Report, Verdict, grade
from minigrad.check.mutation_score import Mutant, MutationScore, mutation_score
from minigrad.check.result import GradcheckError, Result, RuleFault, RuleResult, Slope

__all__ = [
    "Fault",
    "GradcheckError",
    "Mutant",
    "MutationScore",
    "Reading",
    "Report",
    "Result",
    "RuleFault",
    "RuleResult",
    "Slope",
    "Verdict",
    "check_rule",
    "gradcheck",
    "grade",
    "mutation_score",
]
