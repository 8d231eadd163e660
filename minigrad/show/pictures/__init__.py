"""The graph as a picture: what of it is drawn, how it becomes DOT text, and how that becomes SVG.

draw       the forward graph
lanes      the forward and the backward pass in two lanes; flow has which gradient goes into which
view       what is drawn, and in which boxes
dot        the look of things, and labels
graph      Graph, which draw and lanes give
rendering  from DOT text to svg, png or pdf
"""
