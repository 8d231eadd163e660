"""Checks of gradients: gradcheck compares the machine's with slopes that are found without its rules."""

from minigrad.check.gradcheck import gradcheck
from minigrad.check.result import GradcheckError, Result, Slope

__all__ = ["GradcheckError", "Result", "Slope", "gradcheck"]
