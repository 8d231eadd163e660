"""The command `minigrad`: its tables and its report, every option, and what bad input gets."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from minigrad import __version__
from minigrad.__main__ import main
from minigrad.experiments import command, graphs
from minigrad.experiments import files as report_files
from minigrad.show import NoRenderer

tables = ["results.csv", "gradients.csv", "lambda_curve.csv", "results.json"]
beside = ["derivation.py", "steps.html"]
root = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """`minigrad --quick` in a process of its own: (the finished process, the report's folder)."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("quick") / "report"
    arguments = [sys.executable, "-W", "error", "-m", "minigrad", "--quick", "--out", str(folder)]
    return subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", env=utf8()), folder


@pytest.fixture
def points(tmp_path):
    """A .csv file of 40 examples of two classes, with three features: no boundaries are to be drawn."""
    X = np.random.default_rng(0).standard_normal((40, 3))
    rows = [f"{a:.3f},{'in' if a + b > 0 else 'out'},{b:.3f},{c:.3f}" for a, b, c in X]
    path = tmp_path / "points.csv"
    path.write_text("\n".join(["across,kind,up,deep", *rows]) + "\n")
    return path


def utf8(**variables):
    return {**os.environ, "PYTHONIOENCODING": "utf-8", **variables}


def run(capsys, *arguments):
    """(exit status, stdout, stderr) of the command line."""
    try:
        status = main([str(argument) for argument in arguments])
    except SystemExit as left:
        status = left.code
    out, err = capsys.readouterr()
    return status, out, err


# ---- the whole of it


def test_quick_prints_the_tables(quick):
    done, folder = quick
    assert (done.returncode, done.stderr) == (0, "")  # no terminal: no progress bar
    lines = done.stdout.splitlines()
    assert lines[0] == f"minigrad {__version__}, seed 7"
    assert lines[-1] == f"The report: {folder / 'report.html'}"
    assert max(map(len, lines[:-1])) <= 80
    for heading in ("Which side of the field", "Breast cancer", "plain", "L2", "dropout", "both"):
        assert heading in lines
    for claim in ("Training accuracy falls", "Dev accuracy rises", "Weights shrink"):
        assert sum(line.startswith(f"  {claim}: held in ") for line in lines) == 1
    rows = [line.split() for line in lines if re.match(r"d[ZWAb]\d", line)]
    assert len(rows) == 11 + 11 + 13 + 13
    for name, machine, hand, differences, to_hand, to_differences, *_ in rows:
        assert machine == hand == differences, name
        assert float(to_hand) < 1e-10
        assert float(to_differences) < 1e-6


def test_the_same_seed_gives_the_same_bytes(quick, tmp_path):
    _, folder = quick
    arguments = [sys.executable, "-m", "minigrad", "--quick", "--out", str(tmp_path)]
    subprocess.run(arguments, capture_output=True, check=True, env=utf8(PYTHONHASHSEED="1"))
    names = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert names == {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    for name in names - {Path("report.html")}:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes(), name
    pages = [(path / "report.html").read_text(encoding="utf-8") for path in (tmp_path, folder)]
    assert pages[0].replace(str(tmp_path), "") == pages[1].replace(
        str(folder), ""
    )  # the command names the folder


def test_the_tables_of_quick(quick):
    _, folder = quick
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert [found["name"] for found in results["data_sets"]] == ["side_of_the_field", "breast_cancer"]
    for found in results["data_sets"]:
        numbers = {model["model"]: model for model in found["models"]}
        assert list(numbers) == ["plain", "L2", "dropout", "both"]
        assert len(found["claims"]) == 9
        for claim in found["claims"]:
            key, direction = {
                "training accuracy falls": ("training_accuracy", -1),
                "dev accuracy rises": ("dev_accuracy", 1),
                "weights shrink": ("norm_all", -1),
            }[claim["claim"]]
            before, after = numbers["plain"][key], numbers[claim["model"]][key]
            assert claim["held"] == (direction * (after - before) > 0)
        for errors in found["largest_gradient_errors"].values():
            assert errors["to_hand"] < 1e-10
            assert errors["to_differences"] < 1e-6
        changed = found["dev_answers_changed"]["L2"]
        balance = numbers["L2"]["dev_right"] - numbers["plain"]["dev_right"]
        assert changed["right_now"] - changed["wrong_now"] == balance
    assert set(results["files"]) == {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    }
    text = (folder / "results.csv").read_text(encoding="utf-8").splitlines()
    assert len(text) == 1 + 4 + 4
    assert len((folder / "gradients.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2 * 48


class Page(HTMLParser):
    """What a test wants to know about a page: that its tags match, its ids, links, images and text."""

    void = ("meta", "img", "br", "path", "polygon", "ellipse", "polyline", "use", "rect")

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.images, self.headings = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in self.void:
            self.open.append(tag)
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)

    def handle_endtag(self, tag):
        if tag not in self.void:
            assert self.open.pop() == tag


def test_the_page_needs_nothing_but_itself(quick):
    _, folder = quick
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        assert link[1:] in page.ids if link.startswith("#") else (folder / link).is_file()
    assert len(page.images) == len(list((folder / "figures").glob("*.svg")))
    for image in page.images:
        assert image["src"].startswith("data:image/svg+xml;base64,")
        assert len(image["alt"]) > 40
    assert "<script" not in text
    assert "@import" not in text
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?(https?:)?//""", text)
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_page_says_what_the_tables_say(quick):
    done, folder = quick
    text = (folder / "report.html").read_text(encoding="utf-8")
    cells = set(re.findall(r"<td[^>]*>([^<]*)</td>", text))
    for row in csv.DictReader((folder / "results.csv").read_text(encoding="utf-8").splitlines()):
        assert f"{100 * float(row['dev_accuracy']):.1f}\u00a0%" in cells
        assert f"{float(row['dev_cross_entropy']):.4f}" in cells
        assert f"{float(row['norm_all']):.2f}" in cells
    for line in done.stdout.split("say\n")[1].split("\n\n")[0].replace("\n    ", " ").splitlines():
        assert f"<p>{line.strip()}</p>" in text
    assert f"minigrad --quick --out {folder}" in text
    assert f"minigrad {__version__}, Python " in text
    assert "was <em>chosen</em>" not in text  # that is about the default settings, which --quick changes


def test_graphs_are_drawn_in_train_and_eval_mode(quick):
    _, folder = quick
    text = (folder / "report.html").read_text(encoding="utf-8")
    for model in ("plain", "L2", "dropout", "both"):
        for mode in ("train", "eval"):
            dot = (folder / "graphs" / f"{model}_{mode}.dot").read_text(encoding="utf-8")
            assert ("keep_prob" in dot) == (mode == "train" and model in ("dropout", "both"))
            assert ("lambd" in dot) == (mode == "train" and model in ("L2", "both"))
    if not list((folder / "graphs").glob("*.svg")):
        pytest.skip("nothing here draws SVG")
    assert len(list((folder / "graphs").glob("*.svg"))) == 8
    for mode in ("training", "evaluation"):
        for model in ("plain", "L2", "dropout", "both"):
            assert f">Computation graph of {model}, {mode} mode</title>" in text


# ---- options


def test_options_reach_the_experiment(points, tmp_path, capsys):
    out = tmp_path / "report"
    points.write_text(re.sub(r",[^,\n]*\n", "\n", points.read_text()))  # two features: there are boundaries
    status, shown, err = run(
        capsys, "--data", points, "--label", "kind", "--hidden", "5,4,3", "--lambd", 2, "--keep-prob", 0.6,
        "--lr", 0.05, "--steps", 7, "--seed", 0, "--out", out,
    )  # fmt: skip
    assert (status, err) == (0, "")
    (found,) = json.loads((out / "results.json").read_text(encoding="utf-8"))["data_sets"]
    assert found["name"] == "points"
    assert found["setting"] == {
        "hidden": [5, 4, 3], "steps": 7, "lr": 0.05, "lambd": 2.0, "keep_prob": 0.6, "seed": 0,
    }  # fmt: skip
    assert "2-5-4-3-1 network, 7 steps, lr 0.05, lambd 2, keep_prob 0.6" in shown
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "the classes are “in”, “out”" in text
    assert text.count("Decision boundary of the model") >= 4


def test_without_regularization_nothing_changes(points, tmp_path, capsys):
    out = tmp_path / "report"
    nothing = ["--lambd", 0, "--keep-prob", 1, "--steps", 5, "--out", out]
    assert run(capsys, "--data", points, "--label", "kind", *nothing)[0] == 0
    (found,) = json.loads((out / "results.json").read_text(encoding="utf-8"))["data_sets"]
    assert not any(claim["held"] for claim in found["claims"])
    assert len({json.dumps({**model, "model": ""}) for model in found["models"]}) == 1


def test_several_classes_and_many_features(tmp_path, capsys):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 5))
    path = tmp_path / "many.npz"
    np.savez(path, X=X, y=np.argmax(X[:, :4], axis=1))
    status, shown, err = run(capsys, "--data", path, "--steps", 20, "--out", tmp_path / "report")
    assert (status, err) == (0, "")
    assert "5-20-3-4 network" in shown
    text = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Decision boundary" not in text
    assert "softmax" in text


def test_another_seed_gives_another_draw(points, tmp_path, capsys):
    tables = []
    for seed in (1, 2):
        arguments = [
            "--data",
            points,
            "--label",
            "kind",
            "--steps",
            3,
            "--seed",
            seed,
            "--out",
            tmp_path / "r",
        ]
        assert run(capsys, *arguments)[0] == 0
        tables.append((tmp_path / "r" / "results.csv").read_bytes())
    assert tables[0] != tables[1]


def test_help_and_version(capsys):
    status, shown, err = run(capsys, "--help")
    assert (status, err) == (0, "")
    assert max(map(len, shown.splitlines())) <= 80
    for option in (
        "data",
        "label",
        "hidden",
        "lambd",
        "keep-prob",
        "lr",
        "steps",
        "seed",
        "out",
        "quick",
        "version",
    ):
        assert f"--{option}" in shown
    assert "examples:\n  minigrad " in shown
    assert run(capsys, "--version") == (0, f"minigrad {__version__}\n", "")


def test_python_m_minigrad():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "minigrad", "--version"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"minigrad {__version__}\n", "")


# ---- what is refused, in one sentence


def refused(capsys, *arguments):
    """The one line on stderr of a command that ends with status 2."""
    status, shown, err = run(capsys, *arguments)
    assert (status, shown) == (2, "")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert err.startswith("minigrad: ")
    return err.removeprefix("minigrad: ").rstrip()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--steps", "0"], '--steps: "0" is not a whole number of at least 1'),
        (["--steps", "2.5"], '--steps: "2.5" is not a whole number of at least 1'),
        (["--seed", "-1"], '--seed: "-1" is not a whole number of at least 0'),
        (["--lr", "0"], '--lr: "0" is not a number greater than 0'),
        (["--lr", "fast"], '--lr: "fast" is not a number greater than 0'),
        (["--lr", "inf"], '--lr: "inf" is not a number greater than 0'),
        (["--lambd", "-0.1"], '--lambd: "-0.1" is not a number of at least 0'),
        (["--lambd", "nan"], '--lambd: "nan" is not a number of at least 0'),
        (["--keep-prob", "0"], '--keep-prob: "0" is not a number greater than 0 and at most 1'),
        (["--keep-prob", "1.1"], '--keep-prob: "1.1" is not a number greater than 0 and at most 1'),
        (
            ["--hidden", "20,x"],
            '--hidden: "20,x" is not a list of sizes, each 1 to 100000, such as 20,3',
        ),
        (["--hidden", "0"], '--hidden: "0" is not a list of sizes'),
        (["--hidden", ""], '--hidden: "" is not a list of sizes'),
        (["--quik"], "unrecognized arguments: --quik"),
        (["report"], 'there is no command "report", but derive, draw, steps and sweep; see minigrad --help'),
        (["--label", "kind"], "--label names a column of a .csv file: give the file with --data"),
        (["--data", "nowhere.csv"], "--data: nowhere.csv: there is no such file"),
        (["--data", "."], "--data: "),
    ],
)
def test_bad_options(capsys, tmp_path, arguments, said):
    assert said in refused(capsys, *arguments, "--out", tmp_path / "report")
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b,kind\n1,2,x\n3,oops,y\n", [], ', row 3, column "b": "oops" is not a number'),
        ("a,b,kind\n1,2,x\n3,,y\n", [], ', row 3, column "b": the cell is empty'),
        ("a,b,kind\n1,2,x\n3,y\n", [], ", row 3"),
        ("a,b,kind\n1,2,x\n", ["--label", "knd"], 'did you mean "kind"?'),
        ("", [], "empty"),
        ("a,b,kind\n" + "1,2,x\n" * 12, [], 'every label is "x"'),
    ],
)
def test_bad_files(capsys, tmp_path, text, options, said):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    sentence = refused(capsys, "--data", path, *options, "--out", tmp_path / "report")
    assert sentence.startswith("--data: bad.csv")
    assert said in sentence


def test_bad_folders(capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    assert refused(capsys, "--out", file) == f"--out: {file}: it is a file, and a report needs a folder"
    assert refused(capsys, "--out", file / "report").startswith(f"--out: {file}")
    assert file.read_text() == "mine"


def test_a_learning_rate_that_is_too_large(capsys, tmp_path):
    arguments = ["--quick", "--lambd", "1e6", "--out", tmp_path / "report"]
    sentence = refused(capsys, *arguments)
    assert re.fullmatch(
        r"side_of_the_field, model L2: the cost is not finite any more at step \d+ of 400; "
        r"try --lr smaller than 0.3, or --lambd smaller than 1e\+06",
        sentence,
    )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk(capsys, tmp_path, points, monkeypatch):
    def full(a, b):
        raise OSError(28, "No space left on device", str(a))

    monkeypatch.setattr(report_files.os, "replace", full)
    arguments = ["--data", points, "--label", "kind", "--steps", 2, "--out", tmp_path / "report"]
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert err.startswith("minigrad: --out: ")
    assert err.endswith(": No space left on device\n")
    assert not [path for path in (tmp_path / "report").rglob("*") if path.is_file()]


# ---- what is missing


def test_without_the_extra_demo(capsys, tmp_path, monkeypatch):
    for package in ("matplotlib", "sklearn", "tqdm"):
        monkeypatch.setitem(sys.modules, package, None)
    out = tmp_path / "report"
    status, shown, err = run(capsys, "--quick", "--steps", 5, "--out", out)
    assert status == 0
    assert err == (
        "minigrad: not installed: scikit-learn, so there is no breast cancer set; matplotlib, so there are "
        "no figures (pip install 'minigrad[demo]')\n"
    )
    assert "Breast cancer" not in shown
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "<p>There are no figures on this page, because matplotlib is not installed.</p>" in text
    assert Page(text).images == []
    assert not (out / "figures").exists()
    assert {path.name for path in out.iterdir()} == {*tables, *beside, "report.html", "graphs"}


def test_without_a_renderer(capsys, tmp_path, points, monkeypatch):
    def nothing_draws(dot, **options):
        raise NoRenderer("no svg picture: Graphviz's dot is not installed")

    monkeypatch.setattr(graphs, "inline_svg", nothing_draws)
    out = tmp_path / "report"
    arguments = ["--data", points, "--label", "kind", "--steps", 2, "--out", out]
    assert run(capsys, *arguments)[0] == 0
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "The graphs could not be drawn here (no svg picture: Graphviz&#x27;s dot is not installed)" in text
    assert text.count("<pre>digraph ") == 8
    assert {path.suffix for path in (out / "graphs").iterdir()} == {".dot"}


class Terminal:
    """A stderr that says it is a terminal."""

    def __init__(self, stream):
        self.stream = stream

    def isatty(self):
        return True

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_on_a_terminal_there_is_a_progress_bar(capsys, tmp_path, points, monkeypatch):
    pytest.importorskip("tqdm")
    arguments = ["--data", points, "--label", "kind", "--steps", 40, "--out", tmp_path / "report"]
    monkeypatch.setattr(sys, "stderr", Terminal(sys.stderr))
    assert "%|" in run(capsys, *arguments)[2]
    monkeypatch.setitem(sys.modules, "tqdm", None)
    said = "minigrad: training (with tqdm installed there would be a progress bar here)\n"
    assert run(capsys, *arguments)[2] == said


# ---- stopped


def test_interrupted(capsys, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "study", interrupted)
    status, shown, err = run(capsys, "--quick", "--out", tmp_path / "report")
    assert (status, shown) == (130, "")
    assert err == "minigrad: stopped; no file was left half-written\n"
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(sys, "stderr", Terminal(sys.stderr))
    shown = run(capsys, "--quick", "--out", tmp_path / "report")[2]
    assert shown.endswith("\nminigrad: stopped; no file was left half-written\n")  # below the ^C


def test_interrupted_while_importing(capsys, monkeypatch):
    class Interrupt:
        def find_spec(self, name, path=None, target=None):
            if name == "minigrad.experiments.command":
                raise KeyboardInterrupt

    import minigrad.experiments

    monkeypatch.delitem(sys.modules, "minigrad.experiments.command")
    monkeypatch.delattr(minigrad.experiments, "command")
    monkeypatch.setattr(sys, "meta_path", [Interrupt(), *sys.meta_path])
    assert run(capsys, "--quick") == (130, "", "minigrad: stopped; no file was left half-written\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
@pytest.mark.parametrize("command", [["-m", "minigrad", "sweep"], ["minigrad", "--quick"]])
def test_interrupted_before_anything_is_imported(tmp_path, command):
    (tmp_path / "numpy.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    (tmp_path / "minigrad").write_text("from minigrad.__main__ import main; main()")  # as pip writes it
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(root)])}
    done = subprocess.run(
        [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_a_program_that_imports_minigrad_keeps_its_interrupts():
    shown = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    for program in (
        f"import minigrad; {shown}",
        f"from minigrad.__main__ import main; main(['-h']); {shown}",
    ):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert done.stdout.endswith("True\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another matter there")
def test_ctrl_c(tmp_path):
    arguments = [sys.executable, "-m", "minigrad", "--steps", "100000000", "--out", str(tmp_path / "report")]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "report").exists() and time.monotonic() < deadline:
            time.sleep(0.05)  # the folder is made before the training begins
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert err == "minigrad: stopped; no file was left half-written\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are another matter there")
def test_a_reader_that_has_seen_enough(tmp_path, points):
    out = tmp_path / "report"
    arguments = [sys.executable, "-m", "minigrad", "--data", str(points), "--label", "kind", "--steps", "2"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*arguments, "--out", str(out)], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    said = f"minigrad: stdout: Broken pipe; the report is written all the same: {out / 'report.html'}\n"
    assert (done.returncode, done.stderr) == (141, said)
    assert (out / "report.html").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("buffered", [True, False])
def test_output_on_a_full_disk(tmp_path, points, buffered):
    out = tmp_path / "report"
    environment = utf8(PYTHONUNBUFFERED="" if buffered else "1")
    work = ["--data", str(points), "--label", "kind", "--steps", "2", "--out", str(out)]
    still = f"; the report is written all the same: {out / 'report.html'}"
    for arguments, also in ((["--help"], ""), (["--version"], ""), (work, still)):
        with open("/dev/full", "w") as full:
            command = [sys.executable, "-m", "minigrad", *arguments]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment)
        assert (done.returncode, done.stderr) == (1, f"minigrad: stdout: No space left on device{also}\n")
    assert (out / "report.html").is_file()


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_stream_that_is_closed(tmp_path, points, monkeypatch, closed):
    monkeypatch.setattr(sys, closed, None)
    work = ["--data", str(points), "--label", "kind", "--steps", "2", "--out", str(tmp_path / "report")]
    assert main(work) == 0
    assert main(["--help"]) == 0
    assert main(["--quik"]) == 2
    assert (tmp_path / "report" / "report.html").is_file()


def test_a_terminal_without_greek_letters(tmp_path, points):
    arguments = [sys.executable, "-m", "minigrad", "--data", str(points), "--label", "kind", "--steps", "2"]
    done = subprocess.run(
        [*arguments, "--out", str(tmp_path / "report")],
        capture_output=True,
        env=utf8(PYTHONIOENCODING="ascii"),
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?W1?" in done.stdout
