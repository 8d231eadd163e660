"""Readers of the graph for people: pictures, derivations, terms and penalties, the step-through page."""

from minigrad.show.derivation.derive import Derivation, derive
from minigrad.show.derivation.ledger import Ledger, regularization
from minigrad.show.derivation.terms import Terms
from minigrad.show.page.steps import Steps, steps
from minigrad.show.pictures.draw import draw
from minigrad.show.pictures.graph import Graph
from minigrad.show.pictures.rendering import NoRenderer

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
