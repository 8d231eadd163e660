"""The engines of the benchmark do the same work, and the benchmark runs; how fast they are is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import page
import pytest
from engines import by_hand, engines, floor
from engines.hand_written import any_depth, three_layers
from tasks import Task, looked_at, of_inference, tasks, with_adam, without_dropout

pytestmark = pytest.mark.filterwarnings("default")  # those of other libraries are not ours

benchmarks = Path(__file__).parent / "benchmarks"
compared = [name for name in engines if name not in (by_hand, floor)]
quick = [name for name in compared if not engines[name].slow_to_compile]
draws_with_numpy = [name for name in compared if engines[name].package in ("numpy", "autograd", "mygrad")]

binary = Task((5, 7, 4, 1), batch=13, dtype="float64", keep_prob=0.7)
classes = Task((5, 7, 4, 3), batch=13, dtype="float64", keep_prob=0.7)
deep = Task((6,) * 9 + (3,), batch=8, dtype="float64", keep_prob=0.7)
small = {
    "binary": without_dropout(binary),
    "classes": without_dropout(classes),
    "deep": without_dropout(deep),
    "binary, Adam": without_dropout(with_adam(binary)),
    "deep, Adam": without_dropout(with_adam(deep)),
    "binary, inference": of_inference(binary),
    "classes, inference": of_inference(classes),
}


def made(name: str, task: Task):
    """An engine's step and parameters; skipped where the engine is not installed."""
    if reason := engines[name].missing():
        pytest.skip(reason)
    return engines[name].make(task)


def run(step, parameters, steps: int = 20) -> tuple[np.ndarray, list[np.ndarray]]:
    """What the steps gave, and the parameters after them."""
    return np.array([step() for _ in range(steps)]), [np.array(p) for p in parameters()]


def assert_same(found, wanted, tolerance: float = 1e-10) -> None:
    np.testing.assert_allclose(found[0], wanted[0], rtol=tolerance, atol=tolerance)
    for p, q in zip(found[1], wanted[1], strict=True):
        assert p.dtype == q.dtype
        np.testing.assert_allclose(p, q, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("name", "task"),
    [
        *((name, task) for name in quick for task in small),
        *((name, "classes") for name in compared if name not in quick),
    ],
)
def test_every_engine_does_what_the_hand_written_numpy_does(name, task):
    found = run(*made(name, small[task]))
    assert_same(found, run(*engines[by_hand].make(small[task])))


@pytest.mark.parametrize("name", quick)
def test_float32_stays_float32(name):
    task = replace(small["classes"], dtype="float32")
    found, wanted = run(*made(name, task)), run(*engines[by_hand].make(task))
    assert found[1][0].dtype == np.float32
    assert_same(found, wanted, tolerance=1e-5)


@pytest.mark.parametrize("task", [binary, deep], ids=["binary", "deep"])
@pytest.mark.parametrize("name", draws_with_numpy)
def test_dropout_with_the_same_draws_gives_the_same_weights(name, task):
    assert_same(run(*made(name, task)), run(*engines[by_hand].make(task)))


def mean_cost(step, parameters) -> tuple[float, float]:
    """Over the draws of the masks, and its standard error."""
    costs = run(step, parameters, 400)[0]
    return costs.mean(), costs.std() / np.sqrt(len(costs))


def assert_same_mean(one: tuple[float, float], other: tuple[float, float]) -> None:
    assert abs(one[0] - other[0]) < 5 * np.hypot(one[1], other[1])


@pytest.mark.parametrize("name", [name for name in quick if name not in draws_with_numpy])
def test_dropout_with_other_draws_gives_the_same_cost_on_average(name):
    still = replace(binary, lr=0.0)
    wanted = mean_cost(*engines[by_hand].make(still))
    assert_same_mean(mean_cost(*made(name, still)), wanted)


def test_another_dropout_would_be_noticed():
    still = replace(binary, lr=0.0)
    wanted = mean_cost(*three_layers(still))
    assert_same_mean(mean_cost(*any_depth(still)), wanted)
    for wrong in (0.3, None):
        with pytest.raises(AssertionError):
            assert_same_mean(mean_cost(*three_layers(replace(still, keep_prob=wrong))), wanted)


@pytest.mark.parametrize("task", [binary, classes, with_adam(binary)], ids=["binary", "classes", "Adam"])
def test_the_page_and_the_loop_are_the_same_to_the_bit(task):
    assert_same(run(*three_layers(task)), run(*any_depth(task)), tolerance=0)


def test_a_mistake_of_an_engine_would_be_noticed():
    """The tester, tested: a tenth of a percent of λ, and a single step of the twenty."""
    task = small["binary"]
    wanted = run(*three_layers(task))
    for wrong in (run(*three_layers(replace(task, lambd=0.7007))), run(*three_layers(task), steps=21)):
        with pytest.raises(AssertionError):
            assert_same((wanted[0], wrong[1]), wanted)


# ---- the run, and what it writes


def test_the_benchmark_runs_and_gives_its_tables():
    command = [sys.executable, str(benchmarks / "run.py"), "--seconds", "0", "--rounds", "1"]
    command += ["--task", "S", "--task", "S-inference", "--engine", page.compiled, "--engine", page.eager]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    times, aims, inference, *rest = done.stdout.split("\n**")[1:]
    for table in (times, inference):
        rows = table.splitlines()[4:]
        assert [row.split("|")[1].strip() for row in rows if row] == [
            by_hand,
            floor,
            page.compiled,
            page.eager,
        ]
    assert "S, to hand-written NumPy" in aims
    assert any(f"S, {page.compiled} |" in part for part in rest)  # compile time


def test_an_engine_that_does_not_run_is_named(tmp_path):
    """A process that ends without an answer: what it said last is the message."""
    import run as benchmark

    with (
        benchmark.Process("jax.jit", "no such task", "time", {"PYTHONPATH": ""}) as process,
        pytest.raises(benchmark.EngineError, match="no such task"),
    ):
        process.answer()


def test_a_run_that_is_kept_is_complete():
    command = [sys.executable, str(benchmarks / "run.py"), "--write", "--task", "S"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "complete run" in done.stderr


@pytest.fixture
def made_up() -> dict:
    """Results of all engines and tasks, of one second and more."""
    found = {"steps": 9, "peak": 2_000_000, "allocated": 3_000}
    engine_results = {
        name: {**found, "seconds": 1.0 + i, "first": 30.0, "first_cached": 20.0}
        for i, name in enumerate(engines)
    }
    on = {"processor": "one", "cores": 2, "system": "Linux", "python": "3", "versions": {}, "threads": 1}
    return {
        "machine": on,
        "seconds": 1,
        "rounds": 1,
        "left_out": {},
        "tasks": dict.fromkeys(tasks, engine_results),
    }


def test_the_tables_have_every_task_and_every_engine(made_up):
    text = page.tables(made_up)
    for name, task in tasks.items():
        assert f"| {name}: {task} |" in text
    for engine in engines:
        assert text.count(f"\n| {engine} |") >= 6
    assert "| S, to hand-written NumPy | 4.00 (≤ 0.80, missed) | 3.00 (≤ 0.42, missed) | 5.00" in text
    # the first call took 30 s, an eager one 5 s; each step saves one more
    assert f"| S, {page.compiled} | 25.0 s (≤ 30.0 ms, missed) | 15.0 s | 25 | never |" in text
    assert f"| L, {page.compiled} | 25.0 s | 15.0 s | 25 | never |" in text
    peaks = "; ".join(f"{name} 1.00" for name in (page.compiled, page.compiled_numba, page.eager))
    assert f"to that of PyTorch eager (the aim is ≤ 1): {peaks}.\n" in text


def test_the_plot_names_every_engine(made_up, tmp_path):
    pytest.importorskip("matplotlib")
    import plot

    assert set(plot.styles) == set(engines)
    looks = [
        tuple(style.get(key) for key in ("color", "linestyle", "marker")) for style in plot.styles.values()
    ]
    assert len(set(looks)) == len(looks)
    plot.draw(made_up, tmp_path / "plot.png")
    assert len((tmp_path / "plot.png").read_bytes()) > 5000


def test_names_at_the_ends_of_lines_are_movedapart():
    import plot

    heights = plot.apart([0.0, 0.01, 0.02, 1.0], 0.1)
    assert min(np.diff(heights)) >= 0.099
    assert heights[-1] == 1.0


def test_what_is_kept_is_written_between_the_markers_and_nowhere_else(made_up, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    for name in ("kept", "picture", "shown"):
        monkeypatch.setattr(page, name, tmp_path / name)
    monkeypatch.setattr(page, "picture", tmp_path / "plot.png")
    page.shown.write_text(f"before\n{page.begin}\nold\n{page.end}\nafter\n", encoding="utf-8")
    page.keep(made_up)
    for _ in range(2):
        page.write()
        before, between, after = page.parts(page.shown.read_text(encoding="utf-8"))
        assert before == f"before\n{page.begin}\n"
        assert between == f"\n{page.tables(made_up)}\n"
        assert after == f"{page.end}\nafter\n"
    page.shown.write_text("a page without markers", encoding="utf-8")
    with pytest.raises(ValueError, match="wanted the lines"):
        page.write()


def test_the_page_says_what_the_results_say():
    """Nothing, as long as no run is kept."""
    text = page.parts(page.shown.read_text(encoding="utf-8"))[1]
    if not page.kept.exists():
        assert text == ""
        return
    results = json.loads(page.kept.read_text(encoding="utf-8"))
    assert set(results["tasks"]) == set(tasks) - set(looked_at)
    assert text == f"\n{page.tables(results)}\n", "out of date: run python tests/benchmarks/page.py"


def test_the_table_of_chunks():
    """Its figures are of trainings that give the same costs."""
    pytest.importorskip("dask.array")
    import dask_chunks

    lines = dask_chunks.table(64, [64, 20], steps=2).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| NumPy", ""], ["| 64", "1"], ["| 20", "4"]]
