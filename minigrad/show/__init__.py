"""Readers of the graph for people: pictures, derivations, terms and penalties, the step-through page."""

from minigrad.show.derive import Derivation, derive
from minigrad.show.draw import Graph, draw
from minigrad.show.ledger import Ledger, regularization
from minigrad.show.picture import NoRenderer
from minigrad.show.steps import Steps, steps
from minigrad.show.terms import Terms

__all__ = [
    "Derivation",
    "Graph",
    "Ledger",
    "NoRenderer",
    "Steps",
    "Terms",
    "derive",
    "draw",
    "regularization",
    "steps",
]
