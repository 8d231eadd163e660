"""A program as straight-line NumPy.

text.py       Text: the statements, and the buffers that they compute into
schedule.py   in which order
together.py   small parameters that are updated together
blocks.py     large arrays, a few rows at a time
memory.py     arrays that nobody holds, and several side by side in one
"""
