"""Checks of gradients, of rows and of tests.

gradcheck compares the machine's gradients with slopes found without its rules; check_rule tries a row of
one's own.  grade compares a person's gradients with the machine's, and says which mistake was made;
assert_gradients does so in a test; exercise and find_the_bug give backward passes to be written, or mended.
mutation_score breaks the rules, to see whether a test notices.
"""

from minigrad.check.assertion import assert_gradients
from minigrad.check.check_rule import check_rule
from minigrad.check.exercises import Bug, Exercise, exercise, find_the_bug
from minigrad.check.gradcheck import gradcheck
from minigrad.check.grading import Fault, Reading, Report, Verdict, grade
from minigrad.check.mutation_score import Mutant, MutationScore, mutation_score
from minigrad.check.result import GradcheckError, Result, RuleFault, RuleResult, Slope

__all__ = [
    "Bug",
    "Exercise",
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
    "assert_gradients",
    "check_rule",
    "exercise",
    "find_the_bug",
    "gradcheck",
    "grade",
    "mutation_score",
]
