"""A program as straight-line NumPy.

schedule.py      in which order it is computed
together.py      small parameters that are updated together
blocks.py        large arrays, a few rows at a time
plan.py          Plan: which array each value is computed into
pool.py          the buffers among these
writers.py       how functions are computed into an array
expressions.py   and how those that give a number, a view or an array of their own
printer.py       lines, and the objects that they name
text.py          Text: all of it, printed
"""
