"""The graph as a picture: what of it is drawn, how it becomes DOT text, and how that becomes SVG."""
