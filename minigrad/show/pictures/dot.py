"""What DOT text is made of: the look of things in every picture, and labels as Graphviz must have them.

Fills are pale and lines dark (hues of Okabe and Ito), told apart in grey too.
"""

from __future__ import annotations

directions = {"down": "TB", "right": "LR"}
text_style = {
    "fontname": "Helvetica",
    "fontsize": "11",
    "fontcolor": "#222222",
}
"""Helvetica's widths every renderer knows."""
quiet_style = {"fontname": "Helvetica", "fontsize": "9", "fontcolor": "#666666"}
graph_style = {
    "newrank": "true",  # arrows point one way through all boxes
    "bgcolor": "white",
    "nodesep": "0.25",
    "ranksep": "0.27",
    "labeljust": "l",
    "labelloc": "b",
    "tooltip": " ",
}
hurry = {"nslimit": "4"}
"""For a large graph: Graphviz looks for a better layout only so long, which else takes minutes."""
random_colour = "#99407A"
styles: dict[str, dict[str, str]] = {
    "data": {"shape": "box", "style": "filled", "fillcolor": "#DCE9F5", "color": "#2F6DA3"},
    "parameter": {"shape": "box", "style": "rounded,filled", "fillcolor": "#FBE3C0", "color": "#A85B00",
                  "peripheries": "2"},
    "constant": {"shape": "plaintext", "fontcolor": "#555555"},
    "array": {"shape": "box", "style": "dotted,filled", "fillcolor": "#F4F4F4", "color": "#777777"},
    "result": {"shape": "ellipse", "margin": "0.03,0.01", "style": "filled", "fillcolor": "#FFFFFF",
               "color": "#444444"},
    "draw": {"style": "dashed,filled", "fillcolor": "#F6E4EF", "color": random_colour},
    "mask": {"style": "dashed,filled", "fillcolor": "#EBC8DD", "color": random_colour},
    "masked": {"color": random_colour, "penwidth": "1.6"},
    "rescaled": {"color": random_colour, "penwidth": "1.6"},
    "penalty": {"fillcolor": "#CFEBDD", "color": "#12704F"},
    "output": {"penwidth": "2.6"},
    "fold": {"shape": "box3d", "style": "filled", "fillcolor": "#EDEDED", "color": "#444444",
             "margin": "0.16,0.1"},
    "elision": {"shape": "box", "style": "dotted", "color": "#777777", "fontcolor": "#555555"},
}  # fmt: skip


def inline(text: str, longest: int) -> str:
    """A text in one line, not too long, with no character that DOT or XML cannot hold."""
    text = "".join(c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def escape(lines: list[str], ending: str = "\\n", longest: int = 60) -> str:
    """A label of several lines, of which no character means anything to Graphviz."""
    import graphviz

    lines = [inline(line, longest).replace("&", "&amp;").replace("\\", "\\\\") for line in lines]
    text = ending.join(lines)
    return graphviz.nohtml(text if ending == "\\n" else text + ending)


def tip(lines: list[str]) -> str:
    """A tooltip of several lines."""
    return escape(lines, longest=160)


def notices(lines: list[str]) -> dict[str, str]:
    """What is said below a picture, if anything is."""
    return {**quiet_style, "label": escape(lines, ending="\\l", longest=160)} if lines else {}
