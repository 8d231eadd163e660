"""Derivations in LaTeX: the notes' notation, every row of the table, and accepted by those who typeset it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from cases import cases, outputs

import minigrad as mg
from minigrad.program import Program
from minigrad.program.lines import Lines
from minigrad.show.derivation.derive import derive
from minigrad.show.derivation.latex import latex
from minigrad.show.derivation.latex.typesetting import Name
from minigrad.show.derivation.notebook import notebook_page
from minigrad.tensor import Tensor

golden = r"""
  &\textbf{Constants}
  &\mathrm{keep\_prob} = 0.8,\quad m = 7,\quad \lambda = 0.9
  &\textbf{Forward}
  Z^{[1]} &= X \, W^{[1]\top} + b^{[1]} && \scriptstyle(7 \times 4)
  A^{[1]} &= \max(0, Z^{[1]}) && \scriptstyle(7 \times 4)
  D^{[1]} &= \mathbf{1}[\mathcal{U}_{7 \times 4}(0, 1) < \mathrm{keep\_prob}] && \scriptstyle(7 \times 4)
  A^{[1]}_{\mathrm{drop}} &= \frac{A^{[1]} \odot D^{[1]}}{\mathrm{keep\_prob}} && \scriptstyle(7 \times 4)
  Z^{[2]} &= A^{[1]}_{\mathrm{drop}} \, W^{[2]\top} + b^{[2]} && \scriptstyle(7 \times 3)
  A^{[2]} &= \max(0, Z^{[2]}) && \scriptstyle(7 \times 3)
  D^{[2]} &= \mathbf{1}[\mathcal{U}_{7 \times 3}(0, 1) < \mathrm{keep\_prob}] && \scriptstyle(7 \times 3)
  A^{[2]}_{\mathrm{drop}} &= \frac{A^{[2]} \odot D^{[2]}}{\mathrm{keep\_prob}} && \scriptstyle(7 \times 3)
  Z^{[3]} &= A^{[2]}_{\mathrm{drop}} \, W^{[3]\top} + b^{[3]} && \scriptstyle(7 \times 1)
  A^{[3]} &= \sigma(Z^{[3]}) && \scriptstyle(7 \times 1)
  &\textbf{Cost}
  COST &= -\frac{1}{m} \, \sum (Y \odot \log(A^{[3]}) + (1 - Y) \odot \log(1 - A^{[3]}))
  &\textbf{Penalty}
  PENALTY &= \frac{\lambda}{2 m} \, (\lVert W^{[1]} \rVert_F^2 + \lVert W^{[2]} \rVert_F^2 + \lVert W^{[3]} \rVert_F^2)
  J &= COST + PENALTY
  &\textbf{Backward}
  \d{Z^{[3]}} &= \frac{A^{[3]} - Y}{m} && \scriptstyle(7 \times 1)
  \d{W^{[3]}} &= \left(\d{Z^{[3]}}\right)^{\top} \, A^{[2]}_{\mathrm{drop}} + \frac{\lambda}{m} \, W^{[3]} && \scriptstyle(1 \times 3)
  \d{b^{[3]}} &= \sum_{i=1}^{m} \left(\d{Z^{[3]}}\right)_{i} && \scriptstyle(1)
  \d{A^{[2]}} &= \frac{1}{\mathrm{keep\_prob}} \, \d{Z^{[3]}} \, W^{[3]} \odot D^{[2]} && \scriptstyle(7 \times 3)
  \d{Z^{[2]}} &= \d{A^{[2]}} \odot \mathbf{1}[Z^{[2]} > 0] && \scriptstyle(7 \times 3)
  \d{W^{[2]}} &= \left(\d{Z^{[2]}}\right)^{\top} \, A^{[1]}_{\mathrm{drop}} + \frac{\lambda}{m} \, W^{[2]} && \scriptstyle(3 \times 4)
  \d{b^{[2]}} &= \sum_{i=1}^{m} \left(\d{Z^{[2]}}\right)_{i} && \scriptstyle(3)
  \d{A^{[1]}} &= \frac{1}{\mathrm{keep\_prob}} \, \d{Z^{[2]}} \, W^{[2]} \odot D^{[1]} && \scriptstyle(7 \times 4)
  \d{Z^{[1]}} &= \d{A^{[1]}} \odot \mathbf{1}[Z^{[1]} > 0] && \scriptstyle(7 \times 4)
  \d{W^{[1]}} &= \left(\d{Z^{[1]}}\right)^{\top} \, X + \frac{\lambda}{m} \, W^{[1]} && \scriptstyle(4 \times 2)
  \d{b^{[1]}} &= \sum_{i=1}^{m} \left(\d{Z^{[1]}}\right)_{i} && \scriptstyle(4)
"""  # noqa: E501  # COST and PENALTY: the names of the two terms; \d{x}: the gradient in x


def network(rng: np.random.Generator) -> Tensor:
    """Three layers with dropout and an L2 penalty."""
    X = Tensor(rng.normal(size=(7, 2)), name="X")
    Y = Tensor(rng.integers(0, 2, size=(7, 1)).astype(float), name="Y")
    model = mg.nn.Sequential(
        *(mg.nn.Linear(2, 4, rng=1), mg.nn.ReLU(), mg.nn.Dropout(keep_prob=0.8, rng=3)),
        *(mg.nn.Linear(4, 3, rng=2), mg.nn.ReLU(), mg.nn.Dropout(keep_prob=0.8, rng=4)),
        mg.nn.Linear(3, 1, rng=5),
    )
    cost = mg.nn.binary_cross_entropy_with_logits(model(X), Y)
    return cost + mg.nn.l2_penalty(model, lambd=0.9, m=7)


def written(loss: Tensor) -> str:
    derivation = derive(loss)
    return latex(derivation.lines, derivation.gradients)


def rows(text: str) -> list[str]:
    """The rows without the environment and the distances between them."""
    return [re.sub(r" \\\\\[[\d.]+ex\]$", "", row) for row in text.split("\n")[1:-1]]


def right(y: Tensor) -> str:
    """What stands behind the equals sign of the last equation of a program."""
    text = rows(latex(Lines(Program(y), y, {}), {}))[-1]
    return text.partition(" &= ")[2].partition(" && ")[0]


def leaf(*shape: int, name: str) -> Tensor:
    return Tensor(np.arange(1.0, 1 + np.prod(shape)).reshape(shape), requires_grad=True, name=name)


# ---- the network of the notes


def test_the_network_reads_as_in_the_notes(rng):
    found = "\n".join(rows(written(network(rng))))
    cost, penalty = re.findall(r"^  (\S+) &= (?:-|\\frac\{\\lambda\}\{2)", found, flags=re.MULTILINE)
    expected = golden.strip("\n").replace("COST", cost).replace("PENALTY", penalty)
    expected = re.sub(r"\\d\{(\w\^\{\[\d\]\})\}", r"\\frac{\\partial J}{\\partial \1}", expected)
    assert found == expected


# ---- names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("W1", "W^{[1]}"),
        ("b12", "b^{[12]}"),
        ("X", "X"),
        ("x1", "x_{1}"),
        ("L2", "L_{2}"),
        ("A1_drop", r"A^{[1]}_{\mathrm{drop}}"),
        ("W_1", "W_{1}"),
        ("lambd", r"\lambda"),
        ("lambda_", r"\lambda"),
        ("\u03bb", r"\lambda"),
        ("theta2", r"\theta_{2}"),
        ("Ω", r"\Omega"),
        ("beta_1", r"\beta_{1}"),
        ("keep_prob", r"\mathrm{keep\_prob}"),
        ("keep_prob_2", r"\mathrm{keep\_prob}_{2}"),
        ("m", "m"),
        ("tanh_1", r"\mathrm{tanh}_{1}"),
        ("log1p_1", r"\mathrm{log1p}_{1}"),
        ("dW1", r"\mathrm{dW1}"),
        ("_", r"\mathrm{\_}"),
        ("_1st", r"\mathrm{\_1st}"),
        ("é", r"\text{é}"),
        ("été_2", r"\text{été}_{2}"),
    ],
)
def test_names(name, text):
    assert Name.of(name).text() == text


def test_names_that_would_look_alike_are_written_as_they_are():
    assert right(leaf(name="x1") * leaf(name="x_1")) == r"\mathrm{x1} \cdot \mathrm{x\_1}"


def test_names_with_characters_that_latex_treats_specially():
    x = leaf(3, name="100% {of} $x_1 & #~^\\")
    text = right(np.exp(x))
    assert re.fullmatch(r"e\^\{\\mathrm\{(\w|\\_)+\}(_\{1\})?\}", text)


# ---- expressions

a, b, c = (leaf(3, 3, name=name) for name in "abc")
s, t = leaf(name="s"), leaf(name="t")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (a * b, r"a \odot b"),
        (s * a, r"s \, a"),
        (a * s, r"s \, a"),
        (2 * s, "2 s"),
        (s * 2, "2 s"),
        (a @ b, r"a \, b"),
        (a @ (b @ c), r"a \, (b \, c)"),
        (a @ b @ c, r"a \, b \, c"),
        ((a + b) * c, r"(a + b) \odot c"),
        (a * b @ c, r"(a \odot b) \, c"),
        (a * (b @ c), r"a \odot b \, c"),
        (a - (b - c), "a - (b - c)"),
        (a - b - c, "a - b - c"),
        (a + (b + c), "a + b + c"),
        (-(a + b), "-(a + b)"),
        (a * -b, r"-a \odot b"),
        (-a * -b, r"a \odot b"),
        (a + -b, "a - b"),
        (-a + b, "-a + b"),
        (a @ -b, r"a \, (-b)"),
        (a.T, r"a^{\top}"),
        ((a + b).T, r"(a + b)^{\top}"),
        ((a @ b).T, r"(a \, b)^{\top}"),
        (a.T**2, r"(a^{\top})^{\odot 2}"),
        (a**2, r"a^{\odot 2}"),
        (s**2, "s^{2}"),
        ((-s) ** 2, "(-s)^{2}"),
        (np.exp(a) ** 2, r"(e^{a})^{\odot 2}"),
        (a / s, r"\frac{a}{s}"),
        (np.sum(a) / s, r"\frac{1}{s} \, \sum a"),
        (2 * np.sum(a) / s, r"\frac{1}{s} \cdot 2 \sum a"),
        (np.sum(a) * t, r"\left(\sum a\right) \, t"),
        (np.sum(a * b), r"\sum a \odot b"),
        (np.sum(a + b), r"\sum (a + b)"),
        (np.sum(a) + t, r"\sum a + t"),
        (np.sum(a**2), r"\lVert a \rVert_F^2"),
        (np.sum(a * a), r"\lVert a \rVert_F^2"),
        (np.sum(leaf(3, name="v") ** 2), r"\lVert v \rVert_2^2"),
        (np.mean(a**2), r"\frac{1}{9} \, \lVert a \rVert_F^2"),
        (np.sum(a, axis=0), r"\sum_{i=1}^{3} a_{i}"),
        (np.sum(a, axis=1), r"\sum_{j=1}^{3} a_{{:},j}"),
        (np.sum(a * b, axis=0), r"\sum_{i=1}^{3} (a \odot b)_{i}"),
        (np.max(a, axis=1), r"\max_{j}(a_{{:},j})"),
        (np.maximum(a, 0), r"\max(a, 0)"),
        (np.log(1 + a), r"\log(1 + a)"),
        (a > 0, r"\mathbf{1}[a > 0]"),
        ((a > 0) * b, r"\mathbf{1}[a > 0] \odot b"),
        (np.where(a > b, a, 0), r"a \odot \mathbf{1}[a > b]"),
        (np.logical_and(a > 0, np.logical_not(b > 0)), r"\mathbf{1}[(a > 0) \land \lnot (b > 0)]"),
        (s * 1e-5, r"10^{-5} \, s"),
        (s / 3.0 * (1 / 3), r"\frac{1}{3} \, \frac{s}{3}"),
        (s * 0.12345678901, r"0.123456\ldots \, s"),
        (1 - a * a, r"1 - a^{\odot 2}"),
        (a[0] @ b[1], r"(a[0])^{\top} \, b[1]"),
        (a[:, 1:], r"a[{:},\, 1{:}]"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_expressions(value, text):
    assert right(value) == text


def test_a_sum_of_many_terms_is_broken_before_a_sign():
    terms = [np.tanh(leaf(3, name=f"W{i}")) for i in range(1, 21)]
    text = rows(latex(Lines(Program(y := sum(terms[1:], terms[0])), y, {}), {}))
    assert any(re.match(r"  &\\quad \{\} \+ ", row) for row in text)
    assert all(row.count(r"\tanh") < 12 for row in text)
    assert "".join(text).count(r"\tanh(") == 20


def test_second_order():
    x = leaf(3, name="x")
    (dx,) = mg.grad(np.sum(np.sin(x) * x), [x], create_graph=True)
    text = written(np.sum(dx * dx))
    assert r"\frac{\partial J}{\partial x} &= " in text
    assert_sound(text)


def test_a_function_of_the_users_own_is_written_by_its_name():
    @mg.primitive
    def my_own_function(x, *, how_much=2.0):
        return how_much * x

    mg.derivative(my_own_function, x=lambda g, how_much: g * how_much)
    assert right(my_own_function(a)) == r"\operatorname{my\_own\_function}(a)"
    assert (
        right(my_own_function(a, how_much=3.0))
        == r"\operatorname{my\_own\_function}(a, \mathrm{how\_much} = 3)"
    )


# ---- every row of the table


def corpus() -> list[tuple[str, str]]:
    """(case, LaTeX) of what it computes, and of its gradients."""
    texts = []
    for case in cases:
        tensors = [Tensor(x, requires_grad=True, name=n) for x, n in zip(case.arrays, "xyzuv", strict=False)]
        result = case.call(tensors)
        for y in outputs(result):
            if not isinstance(y, Tensor):
                continue
            texts.append((case.name, latex(Lines(Program(y), y, {}), {})))
            if y.requires_grad:
                texts.append((case.name, written(np.sum(Tensor(np.ones(y.shape), name="G") * y))))
    return texts


def assert_sound(text: str) -> None:
    """Braces, environments and \\left with \\right are balanced; & and \\\\ only where they belong."""
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0, text
    assert depth == 0, text
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name, text
    assert not opened, text
    for row in rows(text):
        assert len(re.findall(r"\\left(?![a-z])", row)) == len(re.findall(r"\\right(?![a-z])", row)), row
        outside, inner = row, r"\\begin\{(cases|bmatrix)\}((?!\\begin).)*?\\end\{\1\}"
        while re.search(inner, outside):  # one may stand in another
            outside = re.sub(inner, "", outside)
        assert outside.count("&") in (1, 3), row
        assert "\\\\" not in outside, row


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    return corpus()


def test_every_row_of_the_table_is_sound(texts):
    assert len(texts) > 1000
    for _, text in texts:
        assert_sound(text)


def test_katex_accepts_it(texts, rng):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    if subprocess.run([node, "-e", "require('katex')"], capture_output=True, check=False).returncode:
        pytest.skip("node does not find katex: npm install katex, and NODE_PATH=.../node_modules")
    program = """
        const katex = require("katex"), texts = JSON.parse(require("fs").readFileSync(0));
        for (const text of texts) katex.renderToString(text, {displayMode: true, strict: "error"});
    """
    given = json.dumps([text for _, text in texts] + [written(network(rng))])
    done = subprocess.run([node, "-e", program], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_latex_accepts_it(texts, rng, tmp_path: Path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    formulas = "\n\n".join(rf"\[{text}\]" for text in [written(network(rng)), *(text for _, text in texts)])
    page = rf"\documentclass{{article}}\usepackage{{amsmath}}\begin{{document}}{formulas}\end{{document}}"
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


# ---- the notebook


def test_the_page_of_a_notebook_has_both_texts():
    page = notebook_page(r"a &< b", "if a < b & c:\n    pass")
    assert "$$\na &amp;&lt; b\n$$" in page
    assert "if a &lt; b &amp; c:\n    pass</pre>" in page
    assert "if a < b & c" in unescape(page)


def test_a_forward_value_that_is_a_gradient_too_keeps_its_name(rng):
    x = Tensor(rng.normal(size=3), requires_grad=True, name="x")
    text = mg.derive(np.sum(np.sin(x) * np.cos(x))).latex()
    assert re.findall(r"\\partial J}{\\partial (.*?)}", text) == ["x"]
    X, y = Tensor(rng.normal(size=(5, 3)), name="X"), Tensor(rng.normal(size=5), name="y")
    w = Tensor(rng.normal(size=3), requires_grad=True, name="w")
    text = mg.derive(np.sum(np.square(X @ w - y)) / 2).latex()
    forward, backward = text.split(r"\textbf{Backward}")
    assert r"\partial" not in forward
    assert re.findall(r"\\partial J}{\\partial (.*?)}", backward) == ["w"]


def test_an_array_that_nobody_named_is_written_alike_everywhere():
    """A number that stands for it is the same in both passes, and a ᵀ does not give it another name."""
    W, v = leaf(4, 3, name="W"), leaf(3, 1, name="v")
    ones, X = np.ones((5, 4)), np.arange(20.0).reshape(5, 4)
    text = derive(
        np.sum(np.square(mg.Tensor(ones) @ W @ v)) + np.sum(np.tanh(X @ W)) + np.sum(X.copy() @ W)
    ).latex()
    assert r"\mathbf{1}_{5 \times 4}^{\top}" in text
    assert "data" not in text
    assert r"\mathrm{array}_{1}" in text
    assert r"\mathrm{array}_{2}" not in text
