"""Readers of the graph for people: pictures, and derivations as NumPy source."""

from minigrad.show.derive import Derivation, derive
from minigrad.show.draw import Graph, draw
from minigrad.show.picture import NoRenderer

__all__ = ["Derivation", "Graph", "NoRenderer", "derive", "draw"]
