"""The recorded graph made anew, in its simplest and cheapest form.

rebuilt.py    the graph, equation by equation, with primitives spelled out
cheapest.py   rewrites that look at what an operation costs
"""
