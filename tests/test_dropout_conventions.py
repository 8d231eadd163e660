"""What docs/dropout.md says of dropout in other libraries: every row against that library's own formula.

Of the libraries PyTorch alone can be asked; the others' formulas are written down here, each with its source.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from minigrad import nn

page = Path(__file__).parent.parent / "docs" / "dropout.md"


def found(pattern: str, text: str) -> re.Match:
    match = re.search(pattern, text, re.MULTILINE)
    assert match, f"{pattern!r} is not in {text!r}"
    return match


@dataclass(frozen=True)
class Row:
    """A line of the table, cell by cell."""

    library: str
    argument: str
    written: str
    training: str
    evaluation: str
    same: str

    @property
    def signature(self) -> tuple[str, ...]:
        """The library and the calls named in the second cell."""
        return (self.library, *re.findall(r"`([^`]+)`", self.argument))

    @property
    def setting(self) -> tuple[str, float]:
        """(argument, value) of the third cell: `rate=0.14` or `dropout_ratio: 0.14`."""
        name, value = found(r"^`(\w+)(?:=|: )([\d.]+)`$", self.written).groups()
        return name, float(value)


@dataclass(frozen=True)
class Convention:
    """Dropout as a library defines it.

    train      (x, uniform numbers, value of the argument) -> what training mode computes
    infer      (x, value) -> what evaluation mode computes; None if the function has no modes
    arguments  the names of the argument
    switch     what turns evaluation mode on
    source     where the library says so
    """

    train: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
    infer: Callable[[np.ndarray, float], np.ndarray] | None
    arguments: tuple[str, ...]
    switch: str | None
    source: str


def keep_and_scale_up(x, u, keep_prob):
    """With probability keep_prob the input times 1 / keep_prob, otherwise 0."""
    return np.where(u < keep_prob, x * (1 / keep_prob), 0)


def drop_and_scale_up(x, u, rate):
    """With probability rate 0, otherwise the input times 1 / (1 - rate)."""
    return np.where(u >= rate, x * (1 / (1 - rate)), 0)


def drop(x, u, rate):
    """The input times a mask, of which a share `rate` is 0."""
    return x * (u > rate)


def unchanged(x, rate):
    return x


def scaled_down(x, rate):
    return x * (1 - rate)


conventions = {
    ("TensorFlow 1", "tf.nn.dropout(x, keep_prob)"): Convention(
        keep_and_scale_up, None, ("keep_prob",), None,
        "tensorflow.org, r1.0 to r1.15, tf.nn.dropout; in r1.15 keep_prob is called an alias for 1 - rate",
    ),
    ("TensorFlow 2", "tf.nn.dropout(x, rate)"): Convention(
        drop_and_scale_up, None, ("rate",), None, "tensorflow.org, r2.0, tf.nn.dropout",
    ),
    ("Keras", "Dropout(rate)"): Convention(
        drop_and_scale_up, unchanged, ("rate",), "training=False",
        "keras.io, api/layers/regularization_layers/dropout",
    ),
    ("PyTorch", "nn.Dropout(p)"): Convention(
        drop_and_scale_up, unchanged, ("p",), "eval()", "docstring of torch.nn.Dropout",
    ),
    ("Caffe", "dropout_param { dropout_ratio }"): Convention(
        drop_and_scale_up, unchanged, ("dropout_ratio",), "TEST",
        "BVLC/caffe, src/caffe/layers/dropout_layer.cpp: Forward_cpu, scale_ = 1 / (1 - threshold_)",
    ),
    ("PaddlePaddle 0.9", "ExtraAttr(drop_rate)", "dropout_layer(input, dropout_rate)"): Convention(
        drop, scaled_down, ("drop_rate", "dropout_rate"), None,
        "paddle/gserver/layers/Layer.cpp, forwardDropOut: biggerThanScalar(drop_rate), mulScalar(1 - ...)",
    ),
    ("PaddlePaddle 2", 'nn.Dropout(p, mode="upscale_in_train")'): Convention(
        drop_and_scale_up, unchanged, ("p",), "eval()",
        "paddlepaddle.org.cn, api/paddle/nn/Dropout: input * mask / (1 - p), then input",
    ),
    ("PaddlePaddle 2", 'nn.Dropout(p, mode="downscale_in_infer")'): Convention(
        drop, scaled_down, ("p",), "eval()",
        "paddlepaddle.org.cn, api/paddle/nn/Dropout: input * mask, then input * (1 - p)",
    ),
}  # fmt: skip


def table(text: str) -> list[Row]:
    """The rows of the table that begins with the column "library"."""
    lines = found(r"^\| library \|.*\n\|[-|]+\n((?:\|.*\n)+)", text)[1].splitlines()
    return [Row(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def factor(cell: str, name: str, value: float) -> float:
    """What a cell like "× 1 / (1 − rate)" multiplies by; the argument may be called by its last word."""
    formula = found(r"^× ([^,]+)", cell)[1].replace("−", "-")
    short = name.rpartition("_")[2]
    assert set(re.findall(r"[a-z_]+", formula)) <= {name, short}, f"{cell}: not of {name}"
    return eval(formula, {"__builtins__": {}}, {name: value, short: value})


text = page.read_text(encoding="utf-8")
rows = table(text)
keep_prob = float(found(r"^How `Dropout\(keep_prob=([\d.]+)\)` is written elsewhere", text)[1])
n = 10_000
uniform = np.random.default_rng(3).permutation((np.arange(n) + 0.5) / n)  # every share is met exactly
x = np.random.default_rng(4).uniform(1, 2, n)


def check(row: Row) -> None:
    """Hold every cell of a row against the library's formula."""
    assert row.signature in conventions
    convention = conventions[row.signature]
    name, value = row.setting
    y = convention.train(x, uniform, value)
    kept = y != 0
    check_probability(row, convention, kept)

    scale = factor(row.training, name, value)
    np.testing.assert_allclose(y[kept], x[kept] * scale, rtol=1e-12)
    assert (scale == 1) == ("not scaled" in row.training)

    later = x if convention.infer is None else convention.infer(x, value)
    np.testing.assert_allclose(
        later.mean(), (y / x).mean() * x.mean(), rtol=1e-12
    )  # the expected value stays
    check_evaluation(row, convention, later)

    ours = nn.Dropout(keep_prob=keep_prob, rng=0)
    with nn.fixed_masks(ours, [kept]):
        agrees = np.allclose(y, ours(x).data) and np.array_equal(later, ours.eval()(x))
    assert row.same == ("yes" if agrees else "no: scaled at inference")


def check_probability(row: Row, convention: Convention, kept: np.ndarray) -> None:
    """So many are kept with the value that is written; and the second cell says what the argument means."""
    name, value = row.setting
    assert name in convention.arguments
    assert math.isclose(kept.mean(), keep_prob, abs_tol=2 / n)
    means_to_keep = math.isclose(value, keep_prob)
    assert means_to_keep or math.isclose(value, 1 - keep_prob)
    assert bool(re.search(r"\bto keep\b", row.argument)) == means_to_keep
    assert bool(re.search(r"\bto drop\b|\bto zero\b|\bof zeros\b", row.argument)) != means_to_keep


def check_evaluation(row: Row, convention: Convention, later: np.ndarray) -> None:
    """A function is left out, a layer is switched over, to the identity or to a factor."""
    name, value = row.setting
    if convention.infer is None:
        assert row.evaluation.startswith("you leave it out")
        if row.evaluation != "you leave it out":
            neutral = float(found(r"^you leave it out, or pass ([\d.]+)$", row.evaluation)[1])
            np.testing.assert_array_equal(convention.train(x, uniform, neutral), x)
    elif np.array_equal(later, x):
        assert row.evaluation.startswith("identity (")
        assert f"`{convention.switch}`" in row.evaluation
    else:
        np.testing.assert_allclose(later, x * factor(row.evaluation, name, value), rtol=1e-12)


@pytest.mark.parametrize("row", rows, ids=lambda row: "-".join(row.signature[:2]))
def test_a_row_says_what_the_library_computes(row):
    check(row)


def test_every_library_has_its_row():
    assert [row.signature for row in rows] == list(conventions)


def test_pytorch_itself():
    """The module: which probability p is, the factor in training mode, the identity in eval mode."""
    torch = pytest.importorskip("torch")
    (row,) = [row for row in rows if row.library == "PyTorch"]
    name, value = row.setting
    dropout = torch.nn.Dropout(**{name: value})
    given = torch.arange(1.0, 100_001.0, dtype=torch.float64)
    torch.manual_seed(5)
    y = dropout(given).numpy()
    kept = y != 0
    assert abs(kept.mean() - keep_prob) < 5 * math.sqrt(keep_prob * (1 - keep_prob) / kept.size)
    np.testing.assert_allclose(y[kept], given.numpy()[kept] * factor(row.training, name, value), rtol=1e-12)
    assert torch.equal(dropout.eval()(given), given)
    ours = nn.Dropout(keep_prob=keep_prob, rng=0)
    with nn.fixed_masks(ours, [kept]):
        np.testing.assert_allclose(ours(given.numpy()).data, y, rtol=1e-12)


def test_a_bare_number_means_opposite_things_in_tensorflow():
    """The first of the two traps below the table."""
    claim = r"`tf.nn.dropout\(x, ([\d.]+)\)` keeps (\d+) % in TensorFlow 1 and drops (\d+) % in TensorFlow 2"
    bare, first, then = found(claim, " ".join(text.split())).groups()
    one, two = (conventions[signature].train(x, uniform, float(bare)) for signature in list(conventions)[:2])
    assert 100 * (one != 0).mean() == pytest.approx(float(first), abs=0.1)
    assert 100 * (two == 0).mean() == pytest.approx(float(then), abs=0.1)


def test_weights_from_a_library_that_scales_at_inference_are_multiplied_by_keep_prob():
    """The second: with keep_prob W they give what that library gives, in both modes."""
    assert "multiply the weights of the layer after each dropout by `keep_prob`" in " ".join(text.split())
    rng = np.random.default_rng(6)
    A, W, u = rng.standard_normal((7, 5)), rng.standard_normal((3, 5)), rng.random((7, 5))
    dropout = nn.Dropout(keep_prob=keep_prob, rng=0)
    with nn.fixed_masks(dropout, [u > 1 - keep_prob]):
        np.testing.assert_allclose(dropout(A).data @ (keep_prob * W).T, drop(A, u, 1 - keep_prob) @ W.T)
    np.testing.assert_allclose(dropout.eval()(A) @ (keep_prob * W).T, scaled_down(A, 1 - keep_prob) @ W.T)


# ---- a wrong row is found out


mistakes = [
    (r"0\.86`$", "0.14`", "written"),
    (r"0\.14`$", "0.86`", "written"),
    (r"^`\w+", "`q", "written"),
    (r"to keep", "to drop", "argument"),
    (r"to drop|to zero|share of zeros", "to keep", "argument"),
    (r"× 1 / (\w+|\(.*\))", r"× \1", "training"),
    (r"× 1 / (\w+|\(.*\))", "× 1, not scaled", "training"),
    (r"1 − (\w+)", r"\1", "training"),
    (r"/ keep_prob", "/ (1 − keep_prob)", "training"),
    (r", not scaled", " / keep_prob", "training"),
    (r", not scaled", "", "training"),
    (r"1 − (\w+)", r"1 + \1", "evaluation"),
    (r"1 − (\w+)", r"\1", "evaluation"),
    (r"^× .*", "identity (`eval()`)", "evaluation"),
    (r"^identity", "× keep_prob", "evaluation"),
    (r"`(eval\(\)|training=False|TEST)`", "`train()`", "evaluation"),
    (r"pass 1\.0", "pass 0.5", "evaluation"),
    (r"^you leave it out", "identity", "evaluation"),
    (r"^yes$", "no: scaled at inference", "same"),
    (r"^no: .*", "yes", "same"),
    (r"2$", "1", "library"),
    (r"1$", "2", "library"),
    (r"upscale_in_train", "downscale_in_infer", "argument"),
    (r"downscale_in_infer", "upscale_in_train", "argument"),
]


def wrong_rows() -> list[tuple[int, str, Row]]:
    """(number of the row, column, the row with a mistake in it), for every mistake that a row can have."""
    made = []
    for number, row in enumerate(rows):
        for pattern, replacement, column in mistakes:
            cells = vars(row) | {column: re.sub(pattern, replacement, getattr(row, column))}
            if cells != vars(row):
                made.append((number, column, Row(**cells)))
    return made


@pytest.mark.parametrize(
    "row",
    [row for *_, row in wrong_rows()],
    ids=[f"{rows[i].library}-{column}" for i, column, _ in wrong_rows()],
)
def test_a_wrong_row_is_found_out(row):
    with pytest.raises(AssertionError):
        check(row)


def test_a_mistake_is_made_in_every_cell_of_every_row_but_the_names():
    made = {(number, column) for number, column, _ in wrong_rows()}
    wanted = {(i, field.name) for i in range(len(rows)) for field in fields(Row) if field.name != "library"}
    assert wanted <= made
