"""Bricks of a web page that needs nothing but itself: its style, tables, pictures, equations."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from string import Template

_page = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<main>
$body
</main>
</body>
</html>
""")

_style = """
:root { color-scheme: light; --line: #d5d5d5; --soft: #f6f5f2; --ink: #222; --quiet: #5c5c5c; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: white; color: var(--ink);
       font: 17px/1.6 Georgia, "Times New Roman", "DejaVu Serif", serif; }
main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1.1rem 4rem; }
h1, h2, h3, th, nav, figcaption, summary, .key {
       font-family: system-ui, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.4rem; line-height: 1.25; margin: 3rem 0 .8rem; padding-top: .6rem;
       border-top: 2px solid var(--ink); }
h3 { font-size: 1.08rem; margin: 2rem 0 .5rem; }
p, ul, ol { margin: .7rem 0; }
p, li { max-width: 42rem; }
a { color: #0b5394; }
code, pre { font: .84em/1.5 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--soft); padding: .8rem 1rem; overflow-x: auto; }
.lead { font-size: 1.12rem; }
.key { background: var(--soft); border-left: 4px solid #0072B2; padding: .6rem 1.1rem; margin: 1.4rem 0;
       font-size: .95rem; }
.key p { margin: .35rem 0; max-width: none; }
main { counter-reset: part; } section { counter-increment: part; } h2::before { content: counter(part) ". "; }
nav ol { columns: 2; column-gap: 2.5rem; padding-left: 1.4rem; font-size: .95rem; max-width: none; }
nav li { break-inside: avoid; }
.wide { margin: 1rem 0; }
.wide, .equation, .graph { overflow-x: auto; background:  /* a shadow at an edge beyond which there is more */
       linear-gradient(to right, white 35%, transparent) left / 3rem 100% no-repeat local,
       linear-gradient(to left, white 35%, transparent) right / 3rem 100% no-repeat local,
       linear-gradient(to right, rgb(0 0 0 / .28), transparent) left / 1rem 100% no-repeat scroll,
       linear-gradient(to left, rgb(0 0 0 / .28), transparent) right / 1rem 100% no-repeat scroll; }
@supports (animation-timeline: scroll()) {
  .wide::before { content: "scroll →"; position: sticky; left: 0; display: block; max-height: 0;
       width: max-content; overflow: hidden; color: var(--quiet); animation: more linear;
       font: .78rem/1.6 system-ui, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
       animation-timeline: scroll(nearest inline); }  /* runs only where there is something to scroll */
  @keyframes more { from, to { max-height: 2em; } }
}
table { border-collapse: collapse;
       font: .82rem/1.35 system-ui, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif;
       font-variant-numeric: tabular-nums lining-nums; }
caption { caption-side: top; text-align: left; color: var(--quiet); padding-bottom: .4rem; }
th, td { padding: .3rem .55rem; text-align: right; white-space: nowrap;
       border-bottom: 1px solid var(--line); }
thead th { font-weight: 600; font-size: .78rem; border-bottom: 1.5px solid var(--ink);
       vertical-align: bottom; }
tbody th { font-weight: 600; } th:first-child { text-align: left; }
td.text, th.text { text-align: left; }
td.group, th.group { border-left: 1px solid var(--line); }
.yes { color: #00664a; } .no { color: #a13a00; font-weight: 600; }
figure { margin: 1.4rem 0; }
figure img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
figcaption { font-size: .88rem; line-height: 1.45; color: var(--quiet); margin-top: .5rem;
       max-width: 46rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(21rem, 100%), 1fr)); gap: 1rem;
       align-items: start; }
.strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr));
       gap: .8rem; }
.grid figure, .strip figure { margin: 0; }
.equation { margin: 1.1rem 0; padding: .2rem 0 .2rem 1.4rem; white-space: nowrap;
       font-size: 1.08rem; }
.equation .number { color: var(--quiet); padding-left: 2rem; }
.equation i, p i.math, li i.math { font-family: "Latin Modern Math", Cambria, Georgia, serif; }
.whole { white-space: nowrap; }
.frac { display: inline-flex; flex-direction: column; vertical-align: middle; text-align: center;
       line-height: 1.25; padding: 0 .15em; }
.frac > span:first-child { border-bottom: 1.2px solid currentColor; padding: 0 .2em; }
.sum { display: inline-flex; flex-direction: column; vertical-align: middle; text-align: center;
       line-height: 1; padding: 0 .12em; }
.sum > span:first-child { font-size: 1.5em; } .sum > span:last-child { font-size: .62em;
       padding-top: .15em; }
.brace { display: inline-block; position: relative; vertical-align: middle; text-align: center;
       margin: 0 .2em 1.6em; top: .8em; }
.brace > span:first-child { display: block; border-bottom: 2px solid var(--quiet);
       border-radius: 0 0 6px 6px; padding-bottom: .3em; }
.brace > span:last-child { position: absolute; left: 0; right: 0; top: 100%;
       font: .68em/1.4 system-ui, Arial, sans-serif; color: var(--quiet); padding-top: .2em; }
sub, sup { line-height: 0; font-size: .7em; }
details { margin: .8rem 0; border: 1px solid var(--line); border-radius: 4px; padding: 0 .9rem; }
summary { cursor: pointer; padding: .5rem 0; font-size: .95rem; }
.graph { text-align: center; }
.mathematics math { font-size: 1.05rem; }
mtd { padding: .32em .3em; } mtd:nth-child(odd) { text-align: right; text-align: -webkit-right; }
mtd:nth-child(even) { text-align: left; text-align: -webkit-left; }
details pre { margin: 0 -.9rem; font-size: .78em; }
.graph svg { max-width: 100%; height: auto; }
.pair { display: grid; grid-template-columns: var(--columns); gap: 1rem; align-items: start; }
.pair figure { margin: 0; min-width: 0; }
@media (max-width: 40rem) {
  body { font-size: 16px; } h1 { font-size: 1.55rem; } nav ol { columns: 1; }
  .pair { grid-template-columns: 1fr; } .equation { padding-left: 0; font-size: 1rem; }
  th, td { padding: .3rem .45rem; } .graph svg { max-width: none; }
}
@media print {
  body { font-size: 10.5pt; } main { max-width: none; padding: 0; } nav { display: none; }
  figure, table, .equation, .key { break-inside: avoid; } h2, h3 { break-after: avoid; }
  details { border: 0; padding: 0; } details::details-content { content-visibility: visible; height: auto; }
  .graph svg { max-height: 23cm; } .wide::before { display: none; }
  .wide, .equation, .graph { overflow: visible; background: none; }
  table { font-size: 7.2pt; } th, td { padding: .2rem .4rem; }
}
"""


def page(title: str, body: str) -> str:
    """A whole page."""
    return _page.substitute(title=escape(title), style=_style.strip(), body=body)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    caption: str = "",
    text: Sequence[int] = (),
    groups: Sequence[int] = (),
    over: Sequence[tuple[str, int]] = (),
) -> str:
    """A table of HTML cells; the first column names its row.

    text    columns of words rather than numbers
    groups  columns that begin a group, with a line before them
    over    a line above the head: (text, how many columns it spans)

    >>> "<td>1</td>" in table(["model", "n"], [["plain", "1"]])
    True
    """

    def attributes(i: int) -> str:
        classes = " ".join(name for name, where in (("text", text), ("group", groups)) if i in where)
        return f' class="{classes}"' if classes else ""

    lines = ['<div class="wide"><table>']
    if caption:
        lines.append(f"<caption>{caption}</caption>")
    lines.append("<thead>")
    if over:
        lines.append(
            "<tr>"
            + "".join(f'<th colspan="{span}" class="text">{words}</th>' for words, span in over)
            + "</tr>"
        )
    lines.append(
        "<tr>"
        + "".join(f'<th scope="col"{attributes(i)}>{cell}</th>' for i, cell in enumerate(head))
        + "</tr>"
    )
    lines.append("</thead><tbody>")
    for first, *others in rows:
        cells = "".join(f"<td{attributes(i)}>{cell}</td>" for i, cell in enumerate(others, 1))
        lines.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    lines.append("</tbody></table></div>")
    return "\n".join(lines)


def picture(svg: str, *, alt: str, caption: str = "") -> str:
    """An SVG as an embedded image: whatever ids are in it stay its own."""
    data = b64encode(svg.encode()).decode()
    below = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}">{below}</figure>'


def fraction(above: str, below: str) -> str:
    """above / below, one over the other."""
    return f'<span class="frac"><span>{above}</span><span>{below}</span></span>'


def total(over: str) -> str:
    """Σ with what it runs over below it."""
    return f'<span class="sum"><span>Σ</span><span>{over}</span></span>'


def brace(content: str, words: str) -> str:
    """A part of an equation with words below it."""
    return f'<span class="brace"><span>{content}</span><span>{words}</span></span>'


def equation(content: str, *, number: str = "", spoken: str = "") -> str:
    """An equation on a line of its own."""
    label = f' role="math" aria-label="{escape(spoken)}"' if spoken else ""
    tag = f'<span class="number">({number})</span>' if number else ""
    return f'<div class="equation"{label}>{content}{tag}</div>'
