"""LaTeX as text: names, expressions with their parentheses, rows of a bearable length.

Nothing is used that LaTeX, MathJax and KaTeX understand in different ways: names of several letters stand in
\\mathrm, where all three know \\_ .
"""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from typing import NamedTuple

longest = 72
"""About how many letters a row holds; a longer one is broken before + and −."""


# ---- names


class Name(NamedTuple):
    """A name with what stands above and below it: W, [1] and nothing, for W1.

    >>> Name.of("W1").text(), Name.of("A1_drop").text(), Name.of("lambd").text()
    ('W^{[1]}', 'A^{[1]}_{\\\\mathrm{drop}}', '\\\\lambda')
    """

    base: str
    above: str = ""
    below: str = ""

    @classmethod
    def of(cls, name: str) -> Name:
        """A name as a textbook writes it: digits behind a letter of a layer above, others below."""
        if name in _greek:
            return cls(_greek[name])
        found = re.fullmatch(r"([^\W\d_]+)(\d*)(?:_(\w+))?", name)
        if not found or not (len(found[1]) == 1 or found[1] in _greek):
            numbered = re.fullmatch(r"(.*[^\W\d].*)_(\d+)", name)
            return cls(upright(numbered[1]), "", numbered[2]) if numbered else cls.plain(name)
        letter, digits, suffix = found[1], found[2], found[3] or ""
        base = _greek.get(letter) or (letter if letter.isascii() else upright(letter))
        below = suffix if suffix.isdigit() else upright(suffix)
        if digits and letter in _letters_of_layers:
            return cls(base, f"[{digits}]", below)
        return cls(base, "", ",".join(filter(None, (digits, below))))

    @classmethod
    def plain(cls, name: str) -> Name:
        """The name as it is."""
        return cls(upright(name))

    def text(self) -> str:
        """The LaTeX of it."""
        above = f"^{{{self.above}}}" if self.above else ""
        below = f"_{{{self.below}}}" if self.below else ""
        return f"{self.base}{above}{below}"


_letters_of_layers = frozenset("WbZADwzad")


def upright(name: str) -> str:
    """Letters that are no product of one-letter names."""
    if not name:
        return ""
    if name.isascii():
        return f"\\mathrm{{{escaped(name)}}}"
    return r"\_".join(f"\\text{{{part}}}" if part else "" for part in name.split("_"))


def escaped(text: str) -> str:
    return re.sub(r"[^\w.,:;()<>=+\-*/'|!? ]|_", lambda found: _special.get(found[0], " "), text)


_special = {
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "[": "[",
    "]": "]",
}


def _greek_letters() -> dict[str, str]:
    names = (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon "
        "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
    )
    letters = {name: f"\\{name}" for name in names.split()}
    written = {name.upper().replace("LAMBDA", "LAMDA"): name for name in letters}
    for code in range(0x391, 0x3CA):
        size, _, letter = unicodedata.name(chr(code), "").removeprefix("GREEK ").partition(" LETTER ")
        if letter in written:
            name = written[letter].lower()
            name = name.capitalize() if size == "CAPITAL" else name
            if name in letters:
                letters[chr(code)] = letters[name]
    return {**letters, "lambd": r"\lambda", "lambda_": r"\lambda", "eps": r"\varepsilon"}


_greek = _greek_letters()


# ---- expressions


class Binds(IntEnum):
    """How tightly an expression binds: a + b and -a; Σ a; a ⊙ b; a b; aᵀ and a²; a."""

    sum = 0
    big = 1
    hadamard = 2
    product = 3
    factor = 4
    base = 5


class Text(NamedTuple):
    """The LaTeX of an expression.

    text    all of it in one row
    level   how tightly its outermost operation binds
    pieces  its terms, between which a row may be broken
    """

    text: str
    level: Binds = Binds.factor
    pieces: tuple[Text, ...] = ()


def around(before: str, text: Text, after: str, level: Binds) -> Text:
    """An expression with something before and after it, also where it is in pieces."""
    pieces = list(text.pieces)
    if pieces:
        pieces[0] = around(before, pieces[0], "", level)
        pieces[-1] = around("", pieces[-1], after, level)
    return Text(f"{before}{text.text}{after}", level, tuple(pieces))


def in_brackets(text: Text, pair: str = "()") -> Text:
    left, right = pair[0], pair[1]
    if not tall(text.text):
        return around(left, text, right, Binds.base)
    whole = Text(f"\\left{left}{text.text}\\right{right}", Binds.base)
    if not text.pieces:
        return whole
    return whole._replace(pieces=around(f"\\Bigl{left}", text, f"\\Bigr{right}", Binds.base).pieces)


def tall(text: str) -> bool:
    return re.search(r"\\(d?frac|sum|prod|begin|max_|min_|left|Bigl)(?![a-z])", text) is not None


def at(text: Text, level: Binds) -> Text:
    return text if text.level >= level else in_brackets(text)


def times(left: Text, right: Text, arrays: bool) -> Text:
    """The product of two numbers, of a number and an array, or of two arrays element by element."""
    if arrays:
        left, right = at(left, Binds.hadamard), at(right, Binds.hadamard)
        return around(f"{left.text} \\odot ", right, "", Binds.hadamard)
    left, right = at(left, Binds.product), at(right, Binds.big)
    words = r"\\mathrm\{[^{}]*\}(_\{\d+\})?"
    apart = right.text[0].isdigit() or re.search(words + "$", left.text) or re.match(words, right.text)
    narrow = r" \cdot " if apart else " " if left.text[-1].isdigit() else r" \, "
    return around(f"{left.text}{narrow}", right, "", min(right.level, Binds.product))


def negated(text: Text) -> Text:
    text = at(text, Binds.big)
    return around("-", text, "", Binds.sum)


def plus(left: Text, right: Text, sign: str) -> Text:
    merged = sign == "+" and right.level == Binds.sum and not right.text.startswith("-")
    right = right if merged else at(right, Binds.big)
    terms = right.pieces if merged and right.pieces else (right,)
    first = around(f"{sign} ", terms[0], "", Binds.sum)
    pieces = (*((left.level == Binds.sum and left.pieces) or (left,)), first, *terms[1:])
    return Text(f"{left.text} {sign} {right.text}", Binds.sum, pieces)


def over(top: Text, bottom: Text) -> Text:
    return Text(f"\\frac{{{top.text}}}{{{bottom.text}}}")


def power(base: Text, exponent: str) -> Text:
    return Text(f"{at(base, Binds.base).text}^{{{exponent}}}")


def exponential(x: Text) -> Text:
    if tall(x.text) or width(x.text) > 16:
        return call(r"\exp", x)
    return Text(f"e^{{{x.text}}}")


def call(function: str, *arguments: Text) -> Text:
    inside = in_brackets(Text(", ".join(argument.text for argument in arguments)))
    return Text(function + inside.text)


def width(text: str) -> int:
    """About how many letters wide it is; of a fraction, the longer part."""
    part = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
    for _ in range(3):
        text = re.sub(rf"\\frac{part}{part}", lambda f: max(f[1], f[2], key=len), text)
    text = re.sub(r"\\(left|right|[Bb]ig[lr]|mathrm|mathbf|text|operatorname|,)(?![a-zA-Z])", "", text)
    text = re.sub(
        r"\\(log|exp|sin|cos|tan|sinh|cosh|tanh|arcsin|arccos|arctan|max|min)(?![a-zA-Z])", r"\1", text
    )
    text = re.sub(r"\\([a-zA-Z]+|.)", "x", text)
    return len(re.sub(r"[{}^_]|(?<!x) ", "", text))


def in_rows(text: Text) -> list[str]:
    """An expression in as many rows as it needs."""
    if width(text.text) <= longest or not text.pieces:
        return [text.text]
    rows = [""]
    for piece in text.pieces:
        if not rows[-1]:
            rows[-1:] = in_rows(piece)
        elif width(f"{rows[-1]} {piece.text}") <= longest:
            rows[-1] += f" {piece.text}"
        else:
            rows += in_rows(piece)
    return rows
