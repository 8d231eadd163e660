"""The page in which a person walks through both passes, one step at a time.

steps   the page, and what it is told; its HTML, CSS and script are in assets
walk    the passes as a list of steps
words   what is said of a step
graph   the graph as SVG; layout has where the nodes stand
orders  why newest first: the diamond visited in two orders
"""
