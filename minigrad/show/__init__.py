"""Readers of the graph for people: pictures, derivations, a gradient by terms, the ledger of penalties."""

from minigrad.show.derive import Derivation, derive
from minigrad.show.draw import Graph, draw
from minigrad.show.ledger import Ledger, regularization
from minigrad.show.picture import NoRenderer
from minigrad.show.terms import Terms

__all__ = ["Derivation", "Graph", "Ledger", "NoRenderer", "Terms", "derive", "draw", "regularization"]
