"""A call, recorded: what it reads, computes and changes, and what must stay as it was.

arguments.py    arguments and results, taken apart into arrays and the rest
recorder.py     Recorder: watches one call
search.py       Search: what a function reaches by itself: closures, globals, attributes
reached.py      Reached: whether that is as it was
guard.py        Guard: whether a recording holds for a call
conditions.py   conditions as the text of one function
"""
