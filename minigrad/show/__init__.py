"""Readers of the graph for people: pictures, derivations, terms and penalties, the step-through page.

derivation  mg.derive: as NumPy, LaTeX and words; terms; the ledger
pictures    mg.draw: the graph, and both passes in two lanes
page        mg.steps: the page to step through
symbols     how each function of the table is written
rule_text   how a rule of the table is written at one node
files       files written whole or not at all

Of the three rooms each imports only from those above it, and all of them from the three files.
"""

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
