"""minigrad sweep: what it prints and writes, every option, and what bad input gets."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from minigrad.__main__ import main
from minigrad.data import side_of_the_field
from minigrad.experiments import Results, figures, settings
from minigrad.experiments import sweep as run_sweep
from minigrad.experiments.output import Output
from minigrad.experiments.sweep import command, ledger

root = Path(__file__).parent.parent
few = ["--lambd", "0", "1", "--keep-prob", "1", "0.8", "--seeds", "0", "1", "--steps", "4", "--hidden", "3"]


def run(capsys, *arguments):
    """(exit status, stdout, stderr)."""
    status = main(["sweep", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, *arguments):
    """The one sentence of a command that ends with status 2."""
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    return line.removeprefix("minigrad: ")


def test_what_it_prints_and_writes(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "new" / "s"
    status, out, err = run(capsys, *few, "--out", folder)
    assert (status, err) == (0, "")
    results = Results.read(folder)
    assert out == f"{results!r}\n\nIn {folder}: results.csv, summary.txt, heat_map.svg, curve.svg\n"
    assert (folder / "summary.txt").read_text(encoding="utf-8") == f"{results!r}\n"
    assert (folder / "heat_map.svg").read_text(encoding="utf-8") == results.heat_map()
    assert (folder / "curve.svg").read_text(encoding="utf-8") == results.curve()
    assert {path.name for path in folder.iterdir()} == {
        ".lock", "sweep.json", "results.csv", "summary.txt", "heat_map.svg", "curve.svg",
    }  # fmt: skip
    axes = {"lambd": [0, 1], "keep_prob": [1, 0.8]}
    own = replace(settings.field, steps=4, hidden=(3,))
    assert results.csv() == run_sweep(own, axes, side_of_the_field(7), seeds=[0, 1]).csv()


def test_going_on(capsys, tmp_path):
    run(capsys, *few, "--out", tmp_path)
    whole = (tmp_path / "results.csv").read_text()
    (tmp_path / "results.csv").write_text(whole[:200])
    said = refused(capsys, *few, "--out", tmp_path)
    assert said == f"{tmp_path} has 1 run already; go on with --resume, or give another folder with --out"
    assert run(capsys, *few, "--out", tmp_path, "--resume")[0] == 0
    assert (tmp_path / "results.csv").read_text() == whole
    said = refused(capsys, *few, "--out", tmp_path, "--resume", "--lr", "1", "--seed", "8")
    assert said.startswith(
        f"{tmp_path} is of another sweep: build was Setting(hidden=(3,), steps=4, lr=0.3) and is"
    )
    assert "; data was (211, 2) float64" in said


def test_workers_and_folds_give_the_same_numbers_as_one_process(capsys, tmp_path):
    asked = [*few, "--folds", 3, "--seeds", 2]
    assert run(capsys, *asked, "--out", tmp_path / "a")[0] == 0
    assert run(capsys, *asked, "--out", tmp_path / "b", "--workers", 2)[0] == 0
    one, other = ((tmp_path / name / "results.csv").read_bytes() for name in "ab")
    assert one == other
    assert len(Results.read(tmp_path / "a")) == 4 * 3


def test_own_data(capsys, tmp_path):
    X = np.random.default_rng(0).standard_normal((40, 3))
    rows = [f"{a:.3f},{'in' if a + b > 0 else 'out'},{b:.3f},{c:.3f}" for a, b, c in X]
    path = tmp_path / "points.csv"
    path.write_text("\n".join(["across,kind,up,deep", *rows]) + "\n")
    asked = [
        "--data",
        path,
        "--label",
        "kind",
        "--out",
        tmp_path / "s",
        "--quick",
        "--lambd",
        1,
        "--seeds",
        0,
    ]
    status, out, _ = run(capsys, *asked)
    assert status == 0
    assert "one run per cell has no standard error" in out
    assert out.endswith("results.csv, summary.txt, heat_map.svg\n")  # of one λ there is no curve
    assert refused(capsys, "--data", path, "--label", "king").startswith(
        "--data: points.csv, row 1: no column is"
    )


def test_without_matplotlib_there_are_no_pictures(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "installed", lambda: False)
    status, out, err = run(capsys, *few, "--out", tmp_path)
    assert status == 0
    assert (
        err
        == "minigrad: not installed: matplotlib, so there are no pictures (pip install 'minigrad[demo]')\n"
    )
    assert out.endswith(f"In {tmp_path}: results.csv, summary.txt\n")


def test_a_file_that_cannot_be_written_at_the_end(capsys, tmp_path):
    (tmp_path / "summary.txt").mkdir()
    status, out, err = run(capsys, *few, "--out", tmp_path)
    assert status == 2
    assert out.startswith("4 cells, 2 seeds")  # the table is not lost
    assert re.fullmatch(r"minigrad: --out: .*summary\.txt: .*; results\.csv is complete\n", err)
    assert len(Results.read(tmp_path)) == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--lambd", "0", "-1"], 'argument --lambd: "-1" is not a number of at least 0; see minigrad s'),
        (["--lambd", "nan"], 'argument --lambd: "nan" is not a number of at least 0'),
        (["--lambd"], "argument --lambd: expected at least one argument"),
        (["--lambd", "1", "1.0"], "--lambd has the value 1 twice"),
        (["--keep-prob", "0"], 'argument --keep-prob: "0" is not a number greater than 0 and at most 1'),
        (["--keep-prob", "1", "1"], "--keep-prob has the value 1 twice"),
        (["--seeds", "a"], 'argument --seeds: "a" is not a whole number of at least 0'),
        (["--seeds", "1", "1"], "--seeds is [1, 1]; wanted at least one, and none twice"),
        (["--folds", "1"], 'argument --folds: "1" is not a whole number of at least 2'),
        (["--folds", "212"], "--folds=212 of 211 examples; each fold needs one, so at most 211"),
        (["--workers", "0"], 'argument --workers: "0" is not a whole number of at least 1'),
        (["--label", "x"], "--label names a column of a .csv file: give the file with --data"),
        (["--data", "no.csv"], "--data: no.csv: there is no such file in the folder"),
        (["--out", __file__], f"--out: {__file__}: it is a file, and a sweep needs a folder"),
        (["more"], "unrecognized arguments: more"),
    ],
)  # fmt: skip
def test_bad_options(capsys, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, *arguments).startswith(said)
    assert not list(tmp_path.iterdir())


def test_every_run_diverges(capsys, tmp_path):
    asked = ["--lambd", 1e6, "--keep-prob", 1, "--seeds", 0, "--steps", 300, "--hidden", 3, "--lr", 5]
    assert refused(capsys, *asked, "--out", tmp_path).startswith(
        "every run diverged; try --lr smaller than 5"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_ends_it_at_once_and_keeps_what_is_done(tmp_path, workers):
    out = tmp_path / "s"
    typed = [*few[:-3], "100000", "--out", str(out), "--workers", workers]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "minigrad", "sweep", *typed],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (out / "results.csv").exists() and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C reaches all processes of a terminal
    printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed) == (130, "")
    assert said == "minigrad: stopped; no file was left half-written\n"


def test_an_interrupt_says_what_is_done(capsys, tmp_path, monkeypatch):
    append = ledger.Ledger.append

    def interrupted(self, row):
        append(self, row)
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger.Ledger, "append", interrupted)
    status, out, err = run(capsys, *few, "--out", tmp_path)
    assert (status, out) == (130, "")
    assert err.startswith(f"minigrad: 1 of 8 runs are done and kept in {tmp_path}; --resume goes on\n")


def test_help(capsys):
    status, text, err = run(capsys, "--help")
    assert (status, err) == (0, "")
    assert max(map(len, text.splitlines())) <= 80
    examples = text.partition("examples:\n")[2].partition("\n\n")[0].splitlines()
    assert len(examples) >= 3
    for example in examples:
        typed = shlex.split(re.split(r"  +", example.strip())[0])
        assert typed[:2] == ["minigrad", "sweep"]
        command.parser(Output()).parse_args(typed[2:])
    main(["--help"])
    assert "\n  minigrad sweep " in capsys.readouterr().out


# ---- the page


def test_the_page_shows_what_is_kept_of_its_command():
    page = (root / "docs" / "sweep.md").read_text(encoding="utf-8")
    shown = page.partition("--out sweep\n```\n\n")[2].partition("\n\nIt takes")[0]
    assert "\n".join(line[4:] for line in shown.splitlines()) == repr(
        Results.read(root / "tests/golden/sweep")
    )


def test_what_is_kept_is_what_the_command_trains():
    kept = Results.read(root / "tests" / "golden" / "sweep")
    axes = {"lambd": [10.0], "keep_prob": [1.0]}
    (row,) = run_sweep(settings.field, axes, side_of_the_field(settings.default_seed), seeds=[0])
    (same,) = [other for other in kept if other.run == row.run]
    np.testing.assert_allclose(list(row.numbers.values()), list(same.numbers.values()), rtol=1e-4)


def test_the_options_on_the_page_are_the_options_there_are():
    page = (root / "docs" / "sweep.md").read_text(encoding="utf-8").partition("## Options")[2]
    listed = set(re.findall(r"`(--[a-z-]+)|, `(--[a-z-]+)", page))
    there_are = {name for a in command.parser(Output())._actions for name in a.option_strings}
    assert {name for pair in listed for name in pair if name} == there_are - {"-h", "--help"}
