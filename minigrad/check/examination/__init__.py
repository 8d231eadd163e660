"""The examination of a row, sample by sample.

examination.py   Examination: what is looked at, and what was found
behaviour.py     function and rules on plain arrays: they change nothing, give the same twice, and fit
values.py        gradients to every order
precision.py     dtypes, the order in memory, gradients that are left broadcast
"""
