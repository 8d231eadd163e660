"""What is switched on and off, per thread and per task."""

from __future__ import annotations

from contextvars import ContextVar

recording: ContextVar[bool] = ContextVar("minigrad.recording", default=True)
"""Whether results keep their origin; set by no_grad and enable_grad."""

reading_allowed: ContextVar[bool] = ContextVar("minigrad.reading_allowed", default=True)
"""Whether float(t), t.item() and the like may read a Tensor that is part of a graph."""

differentiating: ContextVar[bool] = ContextVar("minigrad.differentiating", default=False)
"""Whether a transform is calling a function: a number read out of a Tensor there would drop its gradient."""

graph_wanted: ContextVar[bool] = ContextVar("minigrad.graph_wanted", default=False)
"""Whether the graph of what is called now is asked for: a replay, which has none, will not do."""
