"""minigrad.data: what its sets promise, and what a bad file is told."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from minigrad.data import Dataset, batches, breast_cancer, digits, load, side_of_the_field


def digest(data: Dataset) -> str:
    """A hash of all arrays of a data set, in one byte order."""
    arrays = (data.X, data.y, data.X_dev, data.y_dev)
    return hashlib.sha256(b"".join(a.astype(a.dtype.newbyteorder("<")).tobytes() for a in arrays)).hexdigest()


def test_import_is_cheap():
    code = "import sys, json, minigrad.data; print(json.dumps(list(sys.modules)))"
    loaded = json.loads(subprocess.check_output([sys.executable, "-c", code]))
    assert not {"scipy", "sklearn", "pandas", "matplotlib"} & set(loaded)


# ---- side_of_the_field


def test_field_is_the_same_to_the_byte_everywhere():
    assert digest(side_of_the_field()).startswith("2d02ff53169bf1eb")
    assert digest(side_of_the_field(1)) == digest(side_of_the_field(1)) != digest(side_of_the_field(2))


def test_field_follows_the_conventions():
    data = side_of_the_field()
    assert (data.X.shape, data.y.shape) == ((211, 2), (211, 1))
    assert (data.X_dev.shape, data.y_dev.shape) == ((200, 2), (200, 1))
    assert data.X.dtype == data.y.dtype == np.float64
    assert set(np.unique(data.y)) == {0.0, 1.0}
    assert np.abs(data.X).max() <= 0.8
    assert (data.m, data.n_in, data.n_out) == (211, 2, 1)


def test_field_training_examples_do_not_depend_on_m_dev():
    assert np.array_equal(side_of_the_field(m_dev=7).X, side_of_the_field().X)
    assert np.array_equal(side_of_the_field(m_dev=7).y, side_of_the_field().y)


def test_field_obeys_its_law():
    data = side_of_the_field(3, m=200_000, m_dev=1)
    x1, x2 = data.X.T
    height, ours = x2 - (0.8 * x1 - 0.4 * x1**3), data.y[:, 0]
    assert ours[height > 0.1].mean() == pytest.approx(0.96, abs=0.002)
    assert ours[height < -0.1].mean() == pytest.approx(0.04, abs=0.002)
    assert ours[np.abs(height - 0.05) < 0.005].mean() == pytest.approx(0.75, abs=0.02)
    assert ((height > 0) == ours).mean() == pytest.approx(0.934, abs=0.002)  # the best that a rule can do


@pytest.mark.parametrize("sizes", [{"m": 0}, {"m_dev": 0}, {"m": -1}])
def test_field_needs_an_example_on_each_side(sizes):
    with pytest.raises(ValueError, match=r"^side_of_the_field: m=.* must be at least 1$"):
        side_of_the_field(**sizes)


# ---- sets that come with scikit-learn


def test_breast_cancer_is_standardized_by_its_training_rows_alone():
    shipped = pytest.importorskip("sklearn.datasets").load_breast_cancer()
    data = breast_cancer(seed=4, dev_fraction=0.2)
    assert data.X.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert data.X.std(axis=0) == pytest.approx(1)
    rows, rows_dev = data.X * data.scale + data.shift, data.X_dev * data.scale + data.shift
    assert np.sort(np.concatenate([rows, rows_dev]), axis=0) == pytest.approx(np.sort(shipped.data, axis=0))
    assert data.shift == pytest.approx(rows.mean(axis=0))
    assert abs(data.shift - shipped.data.mean(axis=0)).max() > 0.01  # the mean of all rows is another
    assert data.classes == ("malignant", "benign")
    assert data.y.sum() + data.y_dev.sum() == 357  # the benign ones
    assert data.y_dev.mean() == pytest.approx(data.y.mean(), abs=0.005)
    assert digest(data) == digest(breast_cancer(seed=4, dev_fraction=0.2)) != digest(breast_cancer(seed=5))


def test_digits_are_scaled_and_stratified():
    pytest.importorskip("sklearn")
    data = digits()
    assert (data.X.min(), data.X.max(), data.n_in, data.n_out) == (0, 1, 64, 10)
    assert (data.y.shape, data.y.dtype) == ((data.m,), np.int64)
    share = np.bincount(data.y_dev) / (np.bincount(data.y) + np.bincount(data.y_dev))
    assert share == pytest.approx(0.25, abs=0.005)


@pytest.mark.parametrize("function", [breast_cancer, digits])
def test_without_scikit_learn(function, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=rf"^{function.__name__}: .*; pip install 'minigrad\[demo\]'$"):
        function()


@pytest.mark.parametrize("dev_fraction", [0, 1, -0.5, float("nan")])
def test_dev_fraction_is_a_fraction(dev_fraction):
    pytest.importorskip("sklearn")
    with pytest.raises(ValueError, match=r"^digits: dev_fraction=\S+; wanted a number between 0 and 1"):
        digits(dev_fraction=dev_fraction)


# ---- a user's own file: what is accepted


ROWS = [f"{i},{i * i % 7},{'ham' if i % 3 else 'spam'}" for i in range(12)]  # 8 ham, 4 spam


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """save("name.csv", text or bytes) or save("name.npz", X=..., y=...) -> the path of a new file."""

    def write(name: str, content: str | bytes = b"", **arrays: object) -> Path:
        path = tmp_path / name
        if not arrays:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        elif path.suffix == ".npz":
            np.savez(path, **arrays)
        else:
            pytest.importorskip("scipy.io").savemat(path, arrays)
        return path

    return write


def table(rows: list[str] = ROWS, header: str = "a,b,kind") -> str:
    return "\n".join([header, *rows, ""])


def same(one: Dataset, other: Dataset) -> bool:
    names = (one.feature_names, one.classes) == (other.feature_names, other.classes)
    return names and digest(one) == digest(other)


def test_csv(save):
    data = load(save("mail.csv", table()), seed=1)
    assert repr(data) == "Dataset mail: 9 examples and 3 dev examples, 2 features, 2 classes"
    assert (data.feature_names, data.classes) == (("a", "b"), ("ham", "spam"))
    assert (data.y.sum(), data.y_dev.sum()) == (3, 1)
    a, b = (data.X * data.scale + data.shift).round().astype(int).T
    assert np.array_equal(b, a * a % 7)
    assert np.array_equal(data.y[:, 0] == 1, a % 3 == 0)
    assert data.X.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert data.X.std(axis=0) == pytest.approx(1)
    assert same(data, load(save("mail.csv", table()), seed=1))
    assert not same(data, load(save("mail.csv", table()), seed=2))


@pytest.mark.parametrize(
    "content",
    [
        table().replace("\n", "\r\n"),
        table().replace("\n", "\r"),
        table().encode("utf-8-sig"),
        table().replace(",", ";"),
        table().replace(",", "\t"),
        table().replace(",", " , "),
        table().replace("ham", '"ham"').replace("a,b,", '"a", "b",'),
        table().replace("\n", "\n\n"),
        "\n \n" + table().strip(),
    ],
    ids=["CRLF", "CR", "BOM", "semicolon", "tab", "spaces", "quotes", "blank lines", "blank start, no end"],
)
def test_csv_in_other_dress_is_the_same(save, content):
    assert same(load(save("dressed.csv", content)), load(save("plain.csv", table())))


def test_csv_cells_with_commas_and_umlauts(save):
    text = table(header='"a, in m",Größe,"kind ""of"" mail"').replace("spam", '"spam, or so"')
    data = load(save("quoted.csv", text))
    assert (data.feature_names, data.classes) == (("a, in m", "Größe"), ("ham", "spam, or so"))


def test_csv_label_column_by_name(save):
    moved = table([",".join(reversed(row.split(","))) for row in ROWS], header="kind,b,a")
    data = load(save("moved.csv", moved), label="kind")
    plain = load(save("plain.csv", table()))
    assert data.feature_names == ("b", "a")
    assert np.array_equal(data.X[:, ::-1], plain.X)
    assert np.array_equal(data.y, plain.y)


def test_numeric_labels_are_sorted_as_numbers(save):
    rows = [f"{i},{label}" for i, label in enumerate([10, 9, 2.5] * 4)]
    data = load(save("numbers.csv", table(rows, header="a,y")))
    assert (data.classes, data.n_out) == (("2.5", "9", "10"), 3)
    assert (data.y.dtype, data.y.shape) == (np.int64, (9,))
    assert np.array_equal(np.bincount(data.y), [3, 3, 3])
    assert np.array_equal(np.bincount(data.y_dev), [1, 1, 1])


def test_column_names_may_be_numbers(save):
    data = load(save("pixels.csv", table(header="0,1,kind")))
    assert data.feature_names == ("0", "1")


def test_constant_column_is_0(save):
    rows = [f"0.1,{i},{1e-200 * i},{i % 2}" for i in range(12)]
    data = load(save("constant.csv", table(rows, header="c,i,tiny,y")))
    assert not data.X[:, 0].any()
    assert np.isfinite(data.X).all()
    assert np.isfinite(data.X_dev).all()


def test_standardize_false_keeps_the_numbers(save):
    data = load(save("plain.csv", table()), standardize=False)
    assert set(data.X[:, 0]) | set(data.X_dev[:, 0]) == set(range(12))


X = np.arange(24.0).reshape(12, 2) ** 2
Y = np.arange(12) % 3 // 2  # 8 zeros, 4 ones


@pytest.mark.parametrize("suffix", ["npz", "mat"])
@pytest.mark.parametrize("y", [Y, Y[:, None], Y[None], Y.astype(bool), Y.astype(np.float32)])
def test_arrays(save, suffix, y):
    data = load(save(f"arrays.{suffix}", X=X.astype(np.int64), y=y), seed=3)
    assert (data.classes, data.feature_names, data.y.dtype) == (("0", "1"), ("x1", "x2"), np.float64)
    assert (data.y.sum(), data.y_dev.sum()) == (3, 1)
    assert same(data, load(save("plain.npz", X=X, y=Y), seed=3))


@pytest.mark.parametrize("suffix", ["npz", "mat"])
def test_arrays_with_a_dev_set_of_their_own(save, suffix):
    data = load(save(f"arrays.{suffix}", X=X, y=Y, Xval=X[:3] + 1000, yval=Y[:3]))
    assert np.array_equal(data.shift, X.mean(axis=0))  # the dev rows have no say
    assert data.X_dev * data.scale + data.shift == pytest.approx(X[:3] + 1000)
    assert np.array_equal(data.y_dev[:, 0], Y[:3])


def test_text_labels_in_an_npz(save):
    data = load(save("text.npz", X=X, y=np.array(["no", "yes"])[Y], extra=np.array([object()])))
    assert data.classes == ("no", "yes")


# ---- a user's own file: what a bad one is told


def with_row_5(row: str, header: str = "a,b,kind") -> str:
    return table([*ROWS[:3], row, *ROWS[3:]], header)


NO_NUMBER = "is not a number; only labels may be text (write categories as 0, 1, ...)"
NOT_FINITE = "is not a finite number below 1e+100; fill it in or drop the row"
EMPTY = "the cell is empty; fill it in or drop the row"

BAD_TABLES = {
    "text": (with_row_5("1,x,ham"), f'row 5, column "b": "x" {NO_NUMBER}'),
    "date": (with_row_5("1,2020-01-02,ham"), f'row 5, column "b": "2020-01-02" {NO_NUMBER}'),
    "underscore": (with_row_5("1,1_000,ham"), f'row 5, column "b": "1_000" {NO_NUMBER}'),
    "decimal comma": (
        with_row_5('1,"3,14",ham'),
        'row 5, column "b": "3,14" is not a number; '
        "write a point before decimals, and nothing between thousands",
    ),
    "empty cell": (with_row_5("1, ,ham"), f'row 5, column "b": {EMPTY}'),
    "empty label": (with_row_5("1,2,"), f'row 5, column "kind": {EMPTY}'),
    "nan": (with_row_5("NaN,2,ham"), f'row 5, column "a": "NaN" {NOT_FINITE}'),
    "inf": (with_row_5("1,-inf,ham"), f'row 5, column "b": "-inf" {NOT_FINITE}'),
    "overflow": (with_row_5("1,1e999,ham"), f'row 5, column "b": "1e999" {NOT_FINITE}'),
    "huge": (with_row_5("1,1e200,ham"), f'row 5, column "b": "1e200" {NOT_FINITE}'),
    "short row": (with_row_5("1"), 'row 5: 1 instead of 3 cells; nothing for "b"'),
    "long row": (
        with_row_5("1,2,ham,4"),
        "row 5: 4 instead of 3 cells; does a cell with commas need quotes?",
    ),
    "blank lines count": (with_row_5("\n\n1,x,ham"), f'row 7, column "b": "x" {NO_NUMBER}'),
    "line breaks count": (with_row_5('1,2,"ham\nand"\n1,x,ham'), f'row 7, column "b": "x" {NO_NUMBER}'),
    "open quote": (with_row_5('1,2,"ham'), "row 5: unexpected end of data; is a quote not closed?"),
    "stray quote": (with_row_5('1,2,"ham"x'), "row 5: ',' expected after '\"'; is a quote not closed?"),
    "numbers as header": (
        table(["1,2,0"] * 12, header="3,4,1"),
        'row 1: "3", "4" ... is data; put a header of names above it',
    ),
    "data as header": (
        table(header="5,6,ham"),
        'row 1: "5", "6" ... is data; put a header of names above it',
    ),
    "unnamed": (table(header="a,,kind"), "row 1, column 2: no name; name every column, or drop it"),
    "twice": (table(header="a,a,kind"), 'row 1: columns 1 and 2 are both named "a"; rename one'),
    "one column": (
        "a b kind\n1 2 ham\n",
        'row 1: one column, "a b kind"; wanted more, between commas, semicolons or tabs',
    ),
    "header only": ("a,b,kind\n", "there is no row below the header"),
    "empty": ("", "the file is empty"),
    "only a BOM": (b"\xef\xbb\xbf\r\n", "the file is empty"),
    "Latin-1": (
        with_row_5("1,2,Käse").encode("latin-1"),
        "row 5: not UTF-8 text; save the file as CSV UTF-8",
    ),
    "UTF-16": (table().encode("utf-16"), "row 1: not UTF-8 text; save the file as CSV UTF-8"),
    "mixed labels": (
        table(["1,2,0", "1,2,1", "1,2,x"] * 4),
        'row 4, column "kind": "x" is not a number, other labels are; '
        "write all labels as numbers, or all as text",
    ),
    "one class": (table(["1,2,ham"] * 12), 'every label is "ham"; at least two classes are needed'),
    "few rows": (table(ROWS[:9]), "9 examples; at least 10 are needed"),
    "rare class": (
        with_row_5("1,2,eggs"),
        'class "eggs" has 1 row and needs 2, one to train on and one to hold out; are the labels classes?',
    ),
}


@pytest.mark.parametrize(("content", "sentence"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_table(save, content, sentence):
    expected = f"load: bad.csv{',' if sentence.startswith('row') else ':'} {sentence}"
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
        load(save("bad.csv", content))
    assert str(caught.value) == expected


@pytest.mark.parametrize("label", ["Kind", "kinds", "knd"])
def test_label_that_is_no_column(save, label):
    with pytest.raises(
        ValueError, match=rf'row 1: no column is named label="{label}"; did you mean "kind"\?$'
    ):
        load(save("mail.csv", table()), label=label)


PICKLED = np.array([{}, {}], dtype=object)
REAL = "wanted an array of real numbers"
FINITE = "every feature must be a finite number below 1e+100"

BAD_ARRAYS = {
    "no y": ({"X": X, "labels": Y}, ': no array is named "y", only X, labels'),
    "no Xval": ({"X": X, "y": Y, "yval": Y}, ': no array is named "Xval", only X, y, yval'),
    "pickled": (
        {"X": PICKLED, "y": Y},
        ": pickled Python objects, which are never loaded; "
        "save plain arrays with numpy.savez(path, X=X, y=y)",
    ),
    "text features": ({"X": X.astype(str), "y": Y}, f', "X": dtype <U32; {REAL}'),
    "complex features": ({"X": X + 1j, "y": Y}, f', "X": dtype complex128; {REAL}'),
    "one axis": (
        {"X": X[:, 0], "y": Y},
        ', "X": shape (12,); wanted (m, n_in), one example a row; did you mean X.reshape(-1, 1)?',
    ),
    "three axes": (
        {"X": X[None], "y": Y},
        ', "X": shape (1, 12, 2); wanted (m, n_in), one example a row',
    ),
    "no rows": ({"X": X[:0], "y": Y[:0]}, ', "X": shape (0, 2); wanted (m, n_in), one example a row'),
    "nan": ({"X": np.where(X == 25, np.nan, X), "y": Y}, f', "X": X[2, 1] is nan; {FINITE}'),
    "inf": (
        {"X": X, "y": Y, "Xval": np.where(X == 4, np.inf, X), "yval": Y},
        f', "Xval": Xval[1, 0] is inf; {FINITE}',
    ),
    "nan label": (
        {"X": X, "y": np.where(Y, np.nan, 0)},
        ', "y": label 2 (from 0) is nan; every label must be a finite number',
    ),
    "complex labels": (
        {"X": X, "y": Y * 1j},
        ', "y": dtype complex128; wanted an array of numbers or text',
    ),
    "one-hot": (
        {"X": X, "y": np.eye(2)[Y]},
        ', "y": shape (12, 2); wanted one label per example, (m,) or (m, 1); '
        "if it is one-hot, save y.argmax(axis=1)",
    ),
    "matrix y": (
        {"X": X, "y": np.ones((3, 4))},
        ', "y": shape (3, 4); wanted one label per example, (m,) or (m, 1)',
    ),
    "lengths": ({"X": X, "y": Y[:11]}, ', "y": 11 labels for the 12 rows of "X"'),
    "columns": (
        {"X": X.T, "y": Y[None]},
        ', "y": 12 labels for the 2 rows of "X"; one example a row is wanted, so save X.T as "X"',
    ),
    "square": (
        {"X": np.eye(12), "y": Y[None]},
        ', "y": shape (1, 12) with a square "X" (12, 12) leaves open whether its rows or its columns '
        "are the examples; save one example a row, and y as (m,)",
    ),
    "Xval wider": (
        {"X": X, "y": Y, "Xval": np.eye(3), "yval": Y[:3]},
        ': "X" (12, 2) and "Xval" (3, 3): the numbers of columns differ',
    ),
    "new class": (
        {"X": X, "y": Y, "Xval": X, "yval": Y * 2},
        ', "yval": the label \'2\' does not occur in "y"',
    ),
    "other labels": (
        {"X": X, "y": Y, "Xval": X, "yval": Y.astype(str)},
        ', "yval": the label \'0\' does not occur in "y"',
    ),
    "one class": ({"X": X, "y": Y * 0}, ': every label is "0"; at least two classes are needed'),
    "few rows": ({"X": X[:3], "y": Y[:3]}, ": 3 examples; at least 10 are needed"),
}


@pytest.mark.parametrize(("arrays", "sentence"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_bad_arrays(save, arrays, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
        load(save("bad.npz", **arrays))
    assert str(caught.value) == f"load: bad.npz{sentence}"


@pytest.mark.parametrize("content", [b"not a zip", b"PKnor this"])
def test_not_an_npz(save, content):
    with pytest.raises(ValueError, match=r"^load: bad\.npz: not an \.npz file; save one with numpy\.savez"):
        load(save("bad.npz", content))


@pytest.mark.parametrize("left", [0, 2, 4, 100, 400, -1])
def test_npz_that_is_cut_short(save, left):
    whole = save("good.npz", X=X, y=Y).read_bytes()
    with pytest.raises(ValueError, match=r"^load: bad\.npz: damaged or cut short; (copy|save)"):
        load(save("bad.npz", whole[:left]))


def test_damaged_npz(save):
    with pytest.raises(ValueError, match=r"^load: bad\.npz: damaged or cut short; save plain arrays with"):
        load(save("bad.npz", save("good.npz", X=X, y=Y).read_bytes().replace(b"NUMPY", b"numpy")))


def test_zip_without_arrays(save, tmp_path):
    with ZipFile(tmp_path / "bad.npz", "w") as file:
        file.writestr("X", "text")
        file.writestr("y", "text")
    with pytest.raises(ValueError, match=r'^load: bad\.npz, "X": a bytes; wanted an array of real numbers$'):
        load(tmp_path / "bad.npz")


def test_bad_mat(save, monkeypatch):
    pytest.importorskip("scipy.io")
    for content in (b"", b"not a mat file", bytes(500), save("good.mat", X=X, y=Y).read_bytes()[:300]):
        with pytest.raises(ValueError, match=r"^load: bad\.mat: not a MATLAB \.mat file, or a damaged one$"):
            load(save("bad.mat", content))
    with pytest.raises(
        ValueError, match=r'^load: cell\.mat, "X": dtype object; wanted an array of real numbers$'
    ):
        load(save("cell.mat", X=PICKLED, y=Y))
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(400)
    with pytest.raises(
        ValueError, match=r"^load: bad\.mat: a MATLAB 7\.3 file; in MATLAB, save it with save"
    ):
        load(save("bad.mat", header))
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(ImportError, match=r"^load: bad\.mat: .* scipy; pip install 'minigrad\[demo\]'$"):
        load(save("bad.mat", b""))


def test_no_file_or_not_one_that_can_be_read(save, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r'^load: none\.csv: there is no such file in the folder ".+"$'
    ):
        load(tmp_path / "none.csv")
    for name in ("mail.xlsx", "mail"):
        with pytest.raises(ValueError, match=rf"^load: {name}: wanted a file whose name ends in \.csv"):
            load(save(name, table()))


def test_label_names_no_array(save):
    with pytest.raises(ValueError, match=r'^load: a\.npz: label="y" names a column of a \.csv file; here '):
        load(save("a.npz", X=X, y=Y), label="y")


# ---- batches


@pytest.mark.parametrize(("size", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (8, [7])])
def test_batches_hold_every_row_once(size, sizes):
    x, y = np.arange(7), np.arange(14).reshape(7, 2)
    epoch = list(batches(x, y, size=size, rng=0))
    assert [len(a) for a, _ in epoch] == sizes
    assert sorted(np.concatenate([a for a, _ in epoch])) == list(range(7))
    assert all(np.array_equal(b, y[a]) for a, b in epoch)


def test_batches_drop_last():
    epoch = list(batches(np.arange(7), size=3, rng=0, drop_last=True))
    assert [len(a) for (a,) in epoch] == [3, 3]
    assert len(list(batches(np.arange(6), size=3, rng=0, drop_last=True))) == 2


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.RandomState])
def test_batches_draw_one_permutation_per_epoch(make):
    rng, twin = make(5), make(5)
    for _ in range(3):
        (x,) = next(batches(np.arange(9), size=9, rng=rng))
        assert np.array_equal(x, twin.permutation(9))


def test_batches_from_a_seed():
    first, second = (list(batches(np.arange(9), size=4, rng=np.int64(0))) for _ in range(2))
    assert all(np.array_equal(a, b) for (a,), (b,) in zip(first, second, strict=True))
    (x,) = next(batches(np.arange(9), size=9, rng=0))
    assert np.array_equal(x, np.random.default_rng(0).permutation(9))


@pytest.mark.parametrize(
    ("arrays", "options", "kind", "sentence"),
    [
        ((), {}, TypeError, "wanted arrays of examples (m, ...), such as batches(X, y, size=32, rng=rng)"),
        (([1, 2],), {}, TypeError, "wanted arrays of examples (m, ...)"),
        ((np.float64(1),), {}, TypeError, "wanted arrays of examples (m, ...)"),
        (
            (X, Y[:5]),
            {},
            ValueError,
            "arrays (12, 2) and (5,); the first axis, the examples, must be equally long",
        ),
        ((X,), {"size": 0}, ValueError, "size=0; wanted a whole number of rows, 1 or more"),
        ((X,), {"size": 2.5}, ValueError, "size=2.5; wanted a whole number of rows, 1 or more"),
        (
            (X,),
            {"size": 13, "drop_last": True},
            ValueError,
            "12 rows make no batch with size=13, drop_last=True",
        ),
        ((X[:0],), {}, ValueError, "0 rows make no batch with size=3, drop_last=False"),
        (
            (X,),
            {"rng": None},
            TypeError,
            "rng= takes a numpy.random.Generator, a RandomState or an integer seed, not None",
        ),
        (
            (X,),
            {"rng": True},
            TypeError,
            "rng= takes a numpy.random.Generator, a RandomState or an integer seed, not True",
        ),
        (
            (X,),
            {"rng": np.random},
            TypeError,
            "rng= takes a numpy.random.Generator, a RandomState or an integer seed, not <module",
        ),
    ],
)
def test_batches_complain_when_called(arrays, options, kind, sentence):
    with pytest.raises(kind, match=f"^batches: {re.escape(sentence)}"):
        batches(*arrays, **{"size": 3, "rng": 0, **options})
