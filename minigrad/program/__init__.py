"""The recorded graph, read once as a list of equations."""

from minigrad.program.program import Call, Equation, Literal, Program, Variable

__all__ = ["Call", "Equation", "Literal", "Program", "Variable"]
