"""Readers of the graph for people: pictures."""

from minigrad.show.draw import Graph, draw
from minigrad.show.picture import NoRenderer

__all__ = ["Graph", "NoRenderer", "draw"]
