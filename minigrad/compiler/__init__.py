"""Record a function once, replay it fast."""

from minigrad.compiler.compile import Compiled, compile
from minigrad.compiler.recording import NotReplayable

__all__ = ["Compiled", "NotReplayable", "compile"]
