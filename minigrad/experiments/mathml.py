"""LaTeX as MathML, which browsers typeset themselves: what `Derivation.latex()` writes, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

_tokens = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\S", flags=re.DOTALL)
_rows = re.compile(r"\\\\(?:\[[^]]*\])?")

_greek = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi
omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell infty partial top
"""
_letters = dict(zip(_greek.split(), "αβγδϵζηθικλμνξπρστυϕχψωΓΔΘΛΞΠΣΥΦΨΩℓ∞∂\u22a4", strict=True))
_operators = {
    r"\times": "×", r"\cdot": "·", r"\odot": "⊙", r"\le": "≤", r"\leq": "≤", r"\ge": "≥", r"\geq": "≥",
    r"\ne": "≠", r"\neq": "≠", r"\approx": "≈", r"\in": "∈", r"\ldots": "…", r"\dots": "…",
    r"\sim": "∼", r"\land": "∧", r"\lor": "∨", r"\to": "→", "-": "−", "+": "+", "=": "=", "<": "<", ">": ">",
    ",": ",", ":": ":", ";": ";", "/": "/", "*": "∗", "!": "!",
}  # fmt: skip
_fences = {r"\lVert": "‖", r"\rVert": "‖", r"\lvert": "|", r"\rvert": "|", r"\{": "{", r"\}": "}"}
_fences |= {r"\lfloor": "⌊", r"\rfloor": "⌋", r"\lceil": "⌈", r"\rceil": "⌉", **{c: c for c in "()[]|"}}
_large = {r"\sum": "∑", r"\prod": "∏"}
_names = "log exp max min sin cos tan sinh cosh tanh arcsin arccos arctan det gcd"
_functions = frozenset(f"\\{name}" for name in _names.split(" "))
_sizes = {r"\bigl": "1.2em", r"\bigr": "1.2em", r"\Bigl": "1.8em", r"\Bigr": "1.8em"}
_spaces = {r"\,": "0.17em", r"\;": "0.28em", r"\quad": "1em", r"\qquad": "2em", r"\ ": "0.25em", r"\!": "0"}


def mathml(latex: str, *, spoken: str = "") -> str:
    """An `aligned` environment as a `<math>` element.

    spoken   what a screen reader calls it
    Raises:  ValueError for LaTeX that it does not know.

    >>> mathml(r"\\frac{\\lambda}{m} &").partition("<mtd>")[2].partition("</mtd>")[0]
    '<mfrac><mrow><mi>λ</mi></mrow><mrow><mi>m</mi></mrow></mfrac>'
    """
    text = latex.strip().removeprefix(r"\begin{aligned}").removesuffix(r"\end{aligned}")
    rows = [[_cell(cell) for cell in row.split("&")] for row in _rows.split(text) if row.strip()]
    body = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
    label = f' aria-label="{escape(spoken)}"' if spoken else ""
    table = f'<mtable displaystyle="true" columnalign="right left">{body}</mtable>'
    return f'<math display="block"{label}>{table}</math>'


def _cell(text: str) -> str:
    return _Reader(_tokens.findall(text)).until("")


class _Reader:
    """Reads the tokens of one cell, from the left to the right."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def until(self, end: str) -> str:
        """Everything up to a token, or to the end."""
        return "".join(self._items(end))

    def _items(self, end: str) -> Iterator[str]:
        while self._peek() != end:
            if not self._peek():
                raise ValueError(f"mathml: {end} is missing")
            if self._peek() == r"\scriptstyle":
                self._next()
                yield f'<mstyle scriptlevel="1" displaystyle="false">{self.until(end)}</mstyle>'
                return
            yield self._scripted()
        self._next()

    def _scripted(self) -> str:
        """One thing with what stands below and above it."""
        large = self._peek() in _large
        base = self._one()
        scripts: dict[str, str] = {}
        while self._peek() in ("_", "^") and self._peek() not in scripts:
            where = self._next()
            scripts[where] = self._one()
        if not scripts:
            return base
        below, above = ("under", "over") if large else ("sub", "sup")
        tag = "m" + below * ("_" in scripts) + above * ("^" in scripts)
        return f"<{tag}>{base}{scripts.get('_', '')}{scripts.get('^', '')}</{tag}>"

    def _one(self) -> str:
        token = self._next()
        if token == "{":
            return f"<mrow>{self.until('}')}</mrow>"
        if token[:1].isdigit():
            return f"<mn>{token}</mn>"
        if len(token) == 1 and token.isalpha():
            return f"<mi>{token}</mi>"
        if token[1:] in _letters:
            return f"<mi>{_letters[token[1:]]}</mi>"
        if token in _functions:
            return f"<mi>{token[1:]}</mi><mo>&#8289;</mo>"
        if token in _operators:
            return f"<mo>{escape(_operators[token])}</mo>"
        if token in _fences:
            return f'<mo stretchy="false">{_fences[token]}</mo>'
        if token in _large:
            return f"<mo>{_large[token]}</mo>"
        if token in _spaces:
            return f'<mspace width="{_spaces[token]}"></mspace>'
        return self._command(token)

    def _command(self, token: str) -> str:
        if token == r"\frac":
            return f"<mfrac>{self._one()}{self._one()}</mfrac>"
        if token == r"\sqrt":
            return f"<msqrt>{self._one()}</msqrt>"
        if token == r"\left":
            return self._fenced()
        if token in _sizes:
            return self._fence(f' minsize="{_sizes[token]}" maxsize="{_sizes[token]}"')
        if token == r"\mathrel":
            return self._one()
        if token in (r"\mathrm", r"\operatorname"):
            name = self._name()
            return f'<mi mathvariant="normal">{name}</mi>' + "<mo>&#8289;</mo>" * (token == r"\operatorname")
        if token in (r"\textbf", r"\text"):
            style = ' style="font-weight: bold"' * (token == r"\textbf")
            return f"<mtext{style}>{self._name()}</mtext>"
        if token in _alphabets:
            return f"<mi>{_alphabets[token](self._name())}</mi>"
        raise ValueError(f"mathml: {token or 'the end'} is not known")

    def _fenced(self) -> str:
        left = self._fence()
        inside = self.until(r"\right")
        return f"<mrow>{left}{inside}{self._fence()}</mrow>"

    def _fence(self, size: str = "") -> str:
        token = self._next()
        if token == ".":
            return ""
        if token not in _fences:
            raise ValueError(f"mathml: {token} is no bracket")
        return f'<mo stretchy="true"{size}>{_fences[token]}</mo>'

    def _name(self) -> str:
        """The letters in braces, as they are."""
        if self._next() != "{":
            raise ValueError("mathml: a name stands in braces")
        letters = []
        while self._peek() != "}":
            if not self._peek():
                raise ValueError("mathml: } is missing")
            token = self._next()
            letters.append("\u2009" if token in _spaces else token.removeprefix("\\"))
        self._next()
        return escape("".join(letters))

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""


def _moved(name: str, capital_a: int, digit_0: int) -> str:
    """Capital letters and digits in another alphabet of Unicode's."""
    moved = str.maketrans(
        {chr(65 + i): chr(capital_a + i) for i in range(26)}
        | {chr(48 + i): chr(digit_0 + i) for i in range(10)}
    )
    return name.translate(moved)


_alphabets = {
    r"\mathcal": lambda name: _moved(name, 0x1D49C, ord("0")),
    r"\mathbf": lambda name: _moved(name, 0x1D400, 0x1D7CE),
    r"\mathbb": lambda name: _moved(name, 0x1D538, 0x1D7D8),
}
