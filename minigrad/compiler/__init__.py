"""Record a function once, replay it fast.

compile.py    compile, and Compiled: which recording is replayed, and when is recorded
replay.py     Replay: one recording, bound to what it reads and changes
backends.py   which text a program becomes
recording/    a call, recorded, and what must stay as it was
memory.py     arrays that nobody holds, and several side by side in one
passes/       the graph in its simplest and cheapest form
numpy_text/   a program as straight-line NumPy
numba_text/   a program as loops that Numba compiles
"""

from minigrad.compiler.compile import Compiled, compile
from minigrad.compiler.recording.recorder import NotReplayable

__all__ = ["Compiled", "NotReplayable", "compile"]
