"""mg.experiments.sweep: cells, folds, any executor, a folder from which it goes on, the choice, pictures."""

import csv
import importlib
import io
import json
import linecache
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from math import isnan, nan
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from strict_array import StrictArray

import minigrad as mg
from minigrad import nn, optim
from minigrad.experiments import Results, Setting, Unfinished, sweep
from minigrad.experiments.experiment import fit as fit_of_the_main_job
from minigrad.experiments.numerals import decimals
from minigrad.experiments.sweep import execution, ledger, sending
from minigrad.experiments.sweep.build import network_of_the_notes
from minigrad.experiments.sweep.choice import (
    Mean,
    at_the_edge,
    best_of,
    independent,
    mean_and_error,
    one_standard_error,
)
from minigrad.experiments.sweep.grid import cells, shown
from minigrad.experiments.sweep.parts import assigned, examples
from minigrad.experiments.sweep.results import runs_of

field = mg.data.side_of_the_field(3, m=23, m_dev=17)
small = Setting(hidden=(3,), steps=4)
grid = {"lambd": [0, 0.7], "keep_prob": [1, 0.8]}


def quietly(build=small, axes=grid, data=field, **options):
    return sweep(build, axes, data, **{"progress": False, **options})


def loss(model, X, y, *, lambd):
    return nn.binary_cross_entropy_with_logits(model(X), y) + nn.l2_penalty(model, lambd=lambd, m=len(X))


def build(*, lambd, seed, **others):
    """A network of two inputs; `others` may be more axes."""
    rng = np.random.default_rng(seed)
    model = nn.Sequential(nn.Linear(2, 3, rng=rng), nn.Tanh(), nn.Linear(3, 1, rng=rng))
    optimizer = optim.SGD(model.parameters(), lr=others.get("lr", 0.1))
    return {"model": model, "loss": partial(loss, lambd=lambd), "optimizer": optimizer, "epochs": 4}


def fails_at_one(*, lambd, seed):
    if lambd == 1:
        raise ArithmeticError("no such model")
    return build(lambd=lambd, seed=seed)


def dies_at_one(*, lambd, seed):
    if lambd == 1:
        time.sleep(0.3)  # the cells before it are done
        os._exit(1)
    return build(lambd=lambd, seed=seed)


@pytest.fixture(scope="module")
def expected():
    return quietly(seeds=[0, 5])


# ---- cells


def test_every_combination_in_the_order_of_the_axes():
    found = cells({"lambd": np.array([0, 2]), "hidden": [[3], (4, np.int64(2))], "kind": ["a"]})
    assert [tuple(cell.values()) for cell in found] == [
        (0.0, (3,), "a"),
        (0.0, (4, 2), "a"),
        (2.0, (3,), "a"),
        (2.0, (4, 2), "a"),
    ]
    assert [type(value) for value in found[1].values()] == [float, tuple, str]


def test_random_cells_are_drawn_by_a_seed_and_more_of_them_begin_with_the_same():
    axes = {"lambd": lambda rng: 10 ** rng.uniform(-2, 1), "keep_prob": [0.8, 1.0], "n": [1, 2, 3]}
    few, many = cells(axes, draws=3, rng=4), cells(axes, draws=9, rng=np.random.default_rng(4))
    assert many[:3] == few
    assert cells(axes, draws=3, rng=5) != few
    assert all(0.01 <= cell["lambd"] <= 10 for cell in many)
    assert {cell["keep_prob"] for cell in many} == {0.8, 1.0}
    of_three = cells({"n": [1, 2, 3]}, draws=3, rng=0)  # no cell twice
    assert sorted(cell["n"] for cell in of_three) == [1, 2, 3]


def test_distributions_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    axes = {"lambd": stats.loguniform(0.01, 10), "steps": stats.randint(2, 9)}
    found = cells(axes, draws=5, rng=0)
    assert found == cells(axes, draws=5, rng=0)
    assert all(type(cell["lambd"]) is float and type(cell["steps"]) is int for cell in found)
    results = quietly(axes=axes, draws=2, rng=0)
    assert [row.run.cell for row in results] == found[:2]


@pytest.mark.parametrize(
    ("axes", "options", "said"),
    [
        ({"lambd": [0, -1]}, {}, "lambd has the value -1; wanted numbers ≥ 0"),
        ({"lambd": [nan]}, {}, "lambd has the value nan; wanted numbers ≥ 0"),
        ({"lambd": ["0.1"]}, {}, "lambd has the value '0.1'; wanted numbers ≥ 0"),
        ({"lambd": [True]}, {}, "lambd has the value True; wanted numbers ≥ 0"),
        ({"lambd": "0.1"}, {}, "lambd is '0.1'; wanted a list of values, such as lambd=[...]"),
        ({"lambd": 0.1}, {}, "lambd is 0.1; wanted a list of values"),
        ({"keep_prob": [0]}, {}, "keep_prob has the value 0; wanted numbers in (0, 1]"),
        ({"keep_prob": [1.5]}, {}, "keep_prob has the value 1.5; wanted numbers in (0, 1]"),
        ({"lambd": [0.7, 0, 0.70]}, {}, "lambd has the value 0.7 twice"),
        ({"lambd": [0, -0.0]}, {}, "lambd has the value 0 twice"),
        ({"lambd": [1], "keep_prob": []}, {}, "keep_prob has no values; give at least one"),
        ({}, {}, "axes is empty; wanted values by name"),
        ([0.1], {}, "axes is a list; wanted values by name"),
        ({1: [2]}, {}, "an axis is named 1; wanted the name of an argument of build"),
        ({"seed": [1]}, {}, "the seeds are no axis, a cell is trained with each of them; give seeds=[...]"),
        ({"fold": [1]}, {}, 'an axis cannot be named "fold"'),
        ({"lr": [np.inf]}, {}, "lr has the value inf; wanted finite numbers, texts or tuples of them"),
        ({"kind": ["a\n"]}, {}, "kind has the value 'a\\n'; wanted finite numbers, texts or tuples of them"),
        ({"lambd": [1], "n": [1, "1"]}, {}, "n has the value 1 twice"),
        ({"lr": [object]}, {}, "wanted finite numbers, texts or tuples of them"),
        ({"lambd": lambda rng: 1.0}, {}, "lambd is a distribution; say how many cells are drawn with draws="),
        ({"lambd": [1]}, {"rng": 0}, "rng= is for draws; say how many cells with draws="),
        ({"lambd": [1]}, {"draws": 2}, "sweep: rng= takes a numpy.random.Generator"),
        ({"lambd": [1, 2]}, {"draws": 3, "rng": 0}, "draws=3, but only 2 different cells were drawn"),
        ({"lambd": lambda rng: np.float64(-1)}, {"draws": 1, "rng": 0}, "lambd has the value -1.0; wanted"),
        ({"lambd": [1]}, {"draws": 0, "rng": 0}, "draws=0; wanted a whole number, 1 or more"),
        ({"batch": [1]}, {}, "a Setting has no 'batch'; the axes can be hidden, steps, lr, lambd, keep_prob"),
        ({"hidden": [3]}, {}, "hidden has the value 3; wanted tuples of sizes, such as (20, 3)"),
        ({"steps": [0]}, {}, "steps has the value 0; wanted whole numbers ≥ 1"),
        ({"lr": [0]}, {}, "lr has the value 0; wanted numbers > 0"),
        ({"lambd": [10**400]}, {}, "0; wanted numbers ≥ 0"),
        ({"steps": [10**400]}, {}, "0; wanted finite numbers, texts or tuples of them"),
        ({"lambd": [1]}, {"build": replace(small, keep_prob=0)}, "keep_prob has the value 0; wanted"),
        ({"keep_prob": [1]}, {"build": replace(small, lambd=-1)}, "lambd has the value -1; wanted"),
        ({"lambd": [1]}, {"build": replace(small, lr=np.inf)}, "lr has the value inf; wanted numbers > 0"),
        (grid, {"seeds": []}, "seeds is []; wanted at least one, and none twice"),
        (grid, {"seeds": [1, 1]}, "seeds is [1, 1]; wanted at least one, and none twice"),
        (grid, {"seeds": 3}, "seeds is 3; wanted a list of them, such as seeds=range(5)"),
        (grid, {"seeds": [-1]}, "seeds=-1; wanted a whole number, 0 or more"),
        (grid, {"folds": 24}, "folds=24 of 23 examples; each fold needs one, so at most 23"),
        (grid, {"folds": 1}, "folds=1; wanted a whole number, 2 or more"),
        (grid, {"folds": 2, "dev": (field.X, field.y)}, "dev= and folds= are two ways to judge"),
        (grid, {"dev": (field.X[:, :1], field.y)}, "an array (23, 2) of data is (23, 1) in dev"),
        (grid, {"dev": (field.X,)}, "dev has 1 arrays, and data 2"),
        (grid, {"data": (field.X, field.y)}, "there is nothing to judge on; give dev="),
        (grid, {"data": (field.X, field.y + 0.5), "folds": 2}, "a Setting trains a classifier, on X"),
        (grid, {"data": (field.X, field.X), "folds": 2}, "a Setting trains a classifier"),
        (grid, {"data": (StrictArray(field.X > 0), field.y), "folds": 2}, "a Setting trains on NumPy arrays"),
        (grid, {"data": field.X}, "sweep: data is a ndarray; wanted arrays of examples, such as (X, y)"),
        (grid, {"data": (field.X * nan, field.y), "folds": 2}, "array 0 of data, (23, 2), is not finite"),
        (grid, {"executor": 2}, "executor is 2; wanted a concurrent.futures.Executor"),
        (grid, {"resume": True}, "resume=True, folder=None; resume=True goes on with a folder"),
        (grid, {"measures": {"a": 1}}, "wanted functions of (model, X, y) by name"),
        (grid, {"measures": {1: len}}, "a measure is named 1; wanted a text of one line"),
        (grid, {"measures": {"a\nb": len}}, "a measure is named 'a\\nb'; wanted a text of one line"),
        (grid, {"measures": {"lambd": len}}, 'two columns of the results would be named "lambd"'),
        (grid, {"build": 3}, "build is 3; wanted a Setting, or a function of the axes and seed"),
        (grid, {"build": build}, "is called with"),
        ({"lr": [1]}, {"build": build}, "build takes (*, lambd, seed, **others), and is called with (lr="),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence_before_anything_is_run(axes, options, said, monkeypatch, tmp_path):
    if options.get("build") is build and axes is grid:
        options = {"build": lambda *, lambd, seed: build(lambd=lambd, seed=seed)}
    monkeypatch.setattr(nn, "Linear", None)  # nothing can be trained
    with pytest.raises((TypeError, ValueError)) as caught:
        quietly(axes=axes, **{"folder": None if "resume" in options else tmp_path / "f", **options})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("sweep: ")
    assert not (tmp_path / "f").exists()


# ---- what is judged on


def test_folds_are_as_large_as_can_be_and_have_their_share_of_each_class():
    y = np.repeat([0.0, 1.0, 2.0], [11, 7, 2])
    for seed in range(5):
        found = assigned(y, 4, seed=seed)
        assert sorted(np.bincount(found)[1:]) == [5, 5, 5, 5]
        for label in (0, 1):
            counts = np.bincount(found[y == label], minlength=5)[1:]
            assert counts.max() - counts.min() <= 1
    found = assigned(y, 4, seed=1)
    np.testing.assert_array_equal(found, assigned(y, 4, seed=1))
    assert (found != assigned(y, 4, seed=2)).any()
    continuous = assigned(np.linspace(0, 1, 10), 5, seed=0)
    assert sorted(continuous) == sorted([*range(1, 6)] * 2)
    assert (continuous != np.arange(10) % 5 + 1).any()  # not in the order of the rows


def test_each_example_is_held_out_once_and_not_trained_on_then():
    X = np.arange(23.0)[:, np.newaxis]
    judged = examples((X, field.y), folds=5)
    found = [judged.part(fold) for fold in judged.folds]
    assert [part.fold for part in found] == [1, 2, 3, 4, 5]
    assert sorted(np.concatenate([part.dev[0] for part in found])) == sorted(X)
    for part in found:
        assert not set(part.train[0].ravel()) & set(part.dev[0].ravel())
        assert len(part.train[0]) + len(part.dev[0]) == 23
        np.testing.assert_array_equal(part.dev[1], field.y[part.dev[0].ravel().astype(int)])


def test_there_is_one_part_with_the_dev_set():
    for judged in (examples(field), examples((field.X, field.y), dev=(field.X_dev, field.y_dev))):
        assert judged.folds == [None]
        _, train, dev = judged.part(None)
        assert np.shares_memory(dev[0], field.X_dev)
        assert [a.tolist() for a in train] == [field.X.tolist(), field.y.tolist()]


# ---- the numbers


def test_a_cell_is_what_the_main_job_trains(expected):
    setting = replace(small, seed=5)
    of_job = fit_of_the_main_job("both", field, setting, lambd=0.7, keep_prob=0.8)
    (row,) = [r for r in expected if r.run.cell == {"lambd": 0.7, "keep_prob": 0.8} and r.run.seed == 5]
    wanted = of_job.cross_entropy, of_job.cross_entropy_dev, of_job.accuracy, of_job.accuracy_dev
    np.testing.assert_allclose(list(row.numbers.values()), wanted, rtol=1e-12)


def test_a_build_of_ones_own_with_any_axes_is_what_fit_trains():
    squares = {"mean": lambda model, X, y: float(np.mean((model(X).data - y) ** 2))}
    results = quietly(build, {"lambd": [0.7], "lr": [0.1, 0.5]}, seeds=[2], measures=squares)
    assert results.columns == ["lambd", "lr", "seed", "fold", "mean", "dev_mean"]
    for row in results:
        made = build(**row.run.cell, seed=2)
        mg.fit(made["model"], made["loss"], (field.X, field.y), made["optimizer"], 4, progress=False)
        for name, X, y in (("mean", field.X, field.y), ("dev_mean", field.X_dev, field.y_dev)):
            assert row.numbers[name] == np.mean((made["model"](X).data - y) ** 2)
    assert results[0].numbers != results[1].numbers


def test_folds_are_trained_on_the_others(expected):
    results = quietly(axes={"lambd": [0.7]}, folds=3, fold_seed=2)
    assert results["fold"] == [1, 2, 3]
    part = examples((field.X, field.y), folds=3, fold_seed=2).part(2)
    made = network_of_the_notes(replace(small, lambd=0.7), part)
    mg.fit(made["model"], made["loss"], part.train, made["optimizer"], 4, progress=False)
    assert results[1].numbers["dev_cost"] == pytest.approx(
        mg.experiments.evaluate(made["model"], *part.dev)[1]
    )
    best = results.best
    assert best.mean["dev_cost"] == pytest.approx(np.mean(results["dev_cost"]))
    assert best.error["dev_cost"] == pytest.approx(np.std(results["dev_cost"], ddof=1) / np.sqrt(3))


def test_more_classes_and_callbacks_that_look_at_the_dev_set():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 2)), np.arange(12) % 3

    def stopped(*, lambd, seed):
        model = nn.Sequential(nn.Linear(2, 3, rng=seed))
        made = {"model": model, "loss": lambda model, X, y: nn.cross_entropy(model(X), y), "epochs": 30}
        callbacks = [mg.training.EarlyStopping(patience=1, min_delta=10.0)]
        return {**made, "optimizer": optim.SGD(model.parameters(), lr=0.1), "callbacks": callbacks}

    results = quietly(stopped, {"lambd": [0]}, (X, y), folds=2)
    assert len(results) == 2
    assert quietly(data=(X, y), folds=2).columns[-1] == "dev_accuracy"


# ---- any executor, any order


class Shuffled(Executor):
    """Runs what is submitted in a random order, when first asked for results."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *given, **named):
        future = Future()
        self.futures.append((future, partial(function, *given, **named)))
        if len(self.futures) == 1:
            Thread(target=self.work, daemon=True).start()
        return future

    def work(self):
        time.sleep(0.05)
        random.Random(0).shuffle(self.futures)
        for future, call in self.futures:
            if future.set_running_or_notify_cancel():
                future.set_result(call())


@pytest.fixture(scope="module")
def pool():
    with execution.processes(2) as executor:
        yield executor


def test_the_results_do_not_depend_on_the_executor(expected, pool, tmp_path):
    with ThreadPoolExecutor(3) as threads:
        for i, executor in enumerate((None, threads, Shuffled(), pool)):
            folder = tmp_path / str(i)
            results = quietly(seeds=[0, 5], executor=executor, folder=folder)
            assert results.csv() == expected.csv()
            assert (folder / "results.csv").read_text() == expected.csv()


def test_dask(monkeypatch):
    distributed = pytest.importorskip("distributed")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own
        options = {"processes": False, "n_workers": 1, "threads_per_worker": 2, "dashboard_address": None}
        with distributed.Client(**options) as client:
            found = quietly(executor=client.get_executor())
            spread, scatter = [], client.scatter
            monkeypatch.setattr(client, "scatter", lambda x, **named: spread.append(x) or scatter(x, **named))
            monkeypatch.setattr(sending, "_few_bytes", 0)
            as_file = quietly(executor=client.get_executor())
            assert not spread
            monkeypatch.setattr(sending, "_read", open_elsewhere)
            as_value = quietly(executor=client.get_executor())
    assert len(spread) == 1
    assert found.csv() == as_file.csv() == as_value.csv() == quietly().csv()


def open_elsewhere(path, *places):
    """Another machine does not see the file."""
    raise FileNotFoundError(path)


def test_one_worker_is_this_process():
    with execution.processes(1) as executor:
        assert executor is None


def test_what_cannot_be_sent_to_a_process_is_said_before(pool):
    with pytest.raises(
        TypeError, match=r"sweep: <function .* cannot be sent to a process: .*; define it at the top"
    ):
        quietly(lambda *, lambd, seed: None, {"lambd": [0]}, executor=pool)


def test_a_process_that_dies(tmp_path):
    with (
        execution.processes(2) as executor,
        pytest.raises(
            Unfinished, match=r"^sweep: the executor failed \(BrokenProcessPool: .*\); \d+ of 6 runs"
        ) as died,
    ):
        quietly(dies_at_one, {"lambd": [0, 2, 3, 4, 5, 1]}, executor=executor, folder=tmp_path / "f")
    kept = Results.read(tmp_path / "f")
    assert kept.csv() == died.value.results.csv()
    assert 2 <= len(kept) < 6
    with pytest.raises(RuntimeError):
        executor.submit(len, "")


def test_an_executor_that_was_shut_down():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(
        Unfinished, match=r"the executor failed .*; 0 of 4 runs are done and kept in .results of"
    ):
        quietly(executor=executor)


def test_an_executor_that_cancels_what_waits():
    with ThreadPoolExecutor(1) as executor:

        def ends(*, lambd, seed):
            if lambd == 1:
                executor.shutdown(wait=False, cancel_futures=True)
            return build(lambd=lambd, seed=seed)

        with pytest.raises(Unfinished, match=r"the executor failed .*; 2 of 5 runs are done") as caught:
            quietly(ends, {"lambd": [0, 1, 2, 3, 4]}, executor=executor)
    assert caught.value.results["lambd"] == [0, 1]


@pytest.mark.parametrize("error", [OSError("no connection"), TypeError("cannot\n  be sent")])
def test_an_executor_that_does_not_take_all(error):
    class Two(Executor):
        taken = 0

        def submit(self, function, /, *given, **named):
            self.taken += 1
            if self.taken == 3:
                raise error
            future = Future()
            future.set_result(function(*given, **named))
            return future

    said = re.escape(
        f"the executor failed ({type(error).__name__}: {' '.join(str(error).split())}); 2 of 4 runs are done"
    )
    with pytest.raises(Unfinished, match=said):
        quietly(executor=Two())


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals cannot be blocked")
def test_processes_are_deaf_to_interrupts_from_the_first_moment(pool):
    blocked = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ()).result()
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


# ---- what is sent


many = (np.arange(40000.0).reshape(20000, 2) % 7, np.arange(20000) % 2)


def sums(*, lambd, seed):
    model = nn.Sequential(nn.Linear(2, 2, rng=seed))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loss = lambda model, X, y: nn.cross_entropy(model(X), y)  # noqa: E731
    return {"model": model, "loss": loss, "optimizer": optimizer, "epochs": 1}


def is_mapped(model, X, y):
    """Whether the examples are in the memory of a file; the measure of these tests."""
    while isinstance(X, np.ndarray) and not isinstance(X, np.memmap):
        X = X.base
    return float(isinstance(X, np.memmap))


def mapped(**options):
    """Of the runs of a sweep, whether the examples were in the memory of a file."""
    data = {"data": many} if "folds" in options else {"data": many, "dev": many}
    found = quietly(sums, {"lambd": [0, 1]}, measures={"mapped": is_mapped}, **data, **options)
    return found["dev_mapped"]


class Posted(Executor):
    """Sends what is submitted as to a process, `elsewhere` to another machine; keeps how much that was."""

    def __init__(self, *, elsewhere=False):
        self.sizes, self.files, self.elsewhere = [], set(), elsewhere

    def submit(self, function, /, *given, **named):
        letter = pickle.dumps((function, given))
        self.files |= set(Path(tempfile.gettempdir()).glob("minigrad-sweep-*"))
        if self.elsewhere:
            letter = letter.replace(b"minigrad-sweep-", b"minigrad-sweep_")
        self.sizes.append(len(letter))
        function, given = pickle.loads(letter)
        future = Future()
        future.set_result(function(*given))
        return future


def test_examples_are_sent_to_a_process_once(pool, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    posted = Posted()
    assert mapped(executor=posted) == [1, 1]
    assert len(posted.files) == 1
    assert max(posted.sizes) < 2000
    assert mapped(executor=pool) == [1, 1]
    with ThreadPoolExecutor(2) as threads:
        assert mapped(executor=threads) == mapped() == [0, 0]
    assert not list(tmp_path.iterdir())
    for judged in ({"dev": many}, {"folds": 2}):
        both = [quietly(sums, {"lambd": [0]}, many, executor=e, **judged).csv() for e in (None, pool)]
        assert both[0] == both[1]


@pytest.mark.parametrize("full", [False, True])
def test_a_machine_without_the_file_is_sent_the_examples_with_each_run(monkeypatch, tmp_path, full):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none") if full else str(tmp_path))
    posted = Posted(elsewhere=not full)
    assert mapped(executor=posted) == [0, 0]
    assert len(posted.sizes) == (2 if full else 4)
    assert min(posted.sizes[-2:]) > many[0].nbytes
    assert not list(tmp_path.iterdir())


def test_a_run_cannot_change_what_the_others_are_trained_on():
    def changes(model, X, y):
        X -= 1

    before = field.X_dev.copy()
    for options in ({}, {"folds": 2}):
        with pytest.raises(Unfinished, match="read-only"):
            quietly(build, {"lambd": [0]}, measures={"changed": changes}, **options)
    np.testing.assert_array_equal(field.X_dev, before)
    field.X_dev[:] = before  # the caller's own can be changed as ever


# ---- what goes wrong in a run


def test_a_build_that_fails_is_named_and_the_others_are_kept(tmp_path):
    axes = {"lambd": [0, 1, 2]}
    for options in ({}, {"folder": tmp_path / "f"}):
        with pytest.raises(Unfinished) as caught:
            quietly(fails_at_one, axes, seeds=[4, 5], **options)
        said = str(caught.value)
        assert said.startswith(
            "sweep: the run with lambd=1, seed=4 failed: ArithmeticError: no such model, and 1 more failed; "
            "4 of 6 runs are done and kept in "
        )
        assert "in fails_at_one" in caught.value.__notes__[0]
        assert caught.value.results["lambd"] == [0, 0, 2, 2]
    assert Results.read(tmp_path / "f")["lambd"] == [0, 0, 2, 2]


def test_what_a_build_says_in_many_lines_is_said_in_one():
    def fails(*, lambd, seed):
        raise ValueError("one\n  two")

    with pytest.raises(Unfinished, match="failed: ValueError: one two; 0 of 1 runs"):
        quietly(fails, {"lambd": [0]})


def test_a_measure_that_gives_no_number():
    with pytest.raises(Unfinished, match='TypeError: the measure "all" gives a ndarray; wanted one number'):
        quietly(build, {"lambd": [0]}, measures={"all": lambda model, X, y: X})


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (3, "TypeError: build gives a int; wanted arguments of mg.fit"),
        ({"model": 1}, "ValueError: build gives no 'loss'; wanted"),
        ({"model": 1, "loss": 2, "optimizer": 3, "epochs": 4, "data": 5}, "build gives data of its own"),
        ({"model": 1, "loss": 2, "optimizer": 3, "epochs": 4}, "TypeError: fit: model is a int"),
        ({**build(lambd=0, seed=0), "epoch": 1}, "unexpected keyword argument 'epoch'"),
    ],
)
def test_a_build_that_gives_something_else(made, said):
    with pytest.raises(Unfinished, match=re.escape(said)):
        quietly(lambda *, lambd, seed: made, {"lambd": [0]})


def test_a_build_that_gives_the_same_model_again_is_refused():
    made = build(lambd=0, seed=0)
    with pytest.raises(
        Unfinished,
        match="lambd=1, seed=0 failed: ValueError: build gives a model that another run has trained",
    ):
        quietly(lambda *, lambd, seed: made, {"lambd": [0, 1]})


def test_what_is_frozen_may_be_shared():
    frozen = nn.Linear(2, 3, rng=0)
    for parameter in frozen.parameters():
        parameter.requires_grad = False

    def on_top(*, lambd, seed):
        model = nn.Sequential(frozen, nn.Linear(3, 1, rng=seed))
        optimizer = optim.SGD(model[1].parameters(), lr=0.1)
        return {"model": model, "loss": partial(loss, lambd=lambd), "optimizer": optimizer, "epochs": 2}

    assert len(quietly(on_top, {"lambd": [0, 1]})) == 2


def test_a_run_that_diverges_has_nan_and_is_not_chosen(tmp_path):
    results = quietly(replace(small, lr=5.0, steps=300), {"lambd": [0, 1e6]}, folder=tmp_path / "f")
    assert results["lambd"] == [0, 1e6]
    assert isnan(results[1].numbers["dev_cost"])
    assert results.best.cell == {"lambd": 0.0}
    assert [run.cell for run in results.diverged] == [{"lambd": 1e6}]
    assert "1 run diverged, and cells with such are not chosen" in repr(results)
    assert Results.read(tmp_path / "f").csv() == results.csv()
    only = quietly(replace(small, lr=5.0, steps=300), {"lambd": [1e6]})
    assert repr(only).endswith("every cell has diverged")
    with pytest.raises(ValueError, match="there is no cell to choose; every one has diverged"):
        only.best  # noqa: B018


@pytest.mark.parametrize("ends", [KeyboardInterrupt, GeneratorExit])
def test_whatever_ends_a_sweep_has_what_is_done(tmp_path, ends):
    def interrupted(*, lambd, seed):
        if lambd == 2:
            raise ends
        return build(lambd=lambd, seed=seed)

    with pytest.raises(ends) as caught:
        quietly(interrupted, {"lambd": [0, 1, 2, 3]}, folder=tmp_path / "f")
    assert caught.value.results["lambd"] == Results.read(tmp_path / "f")["lambd"] == [0, 1]


def exits_at_one(*, lambd, seed):
    if lambd == 1:
        sys.exit("no more")
    return build(lambd=lambd, seed=seed)


def test_a_build_that_calls_exit_is_one_that_fails(pool):
    axes, said = {"lambd": [0, 1, 2]}, "lambd=1, seed=0 failed: SystemExit: no more; {} of 3"
    with ThreadPoolExecutor(1) as threads:
        for executor in (threads, pool):
            with pytest.raises(Unfinished, match=said.format(2)) as caught:
                quietly(exits_at_one, axes, executor=executor)
            assert caught.value.results["lambd"] == [0, 2]
    with pytest.raises(Unfinished, match=said.format(1)) as caught:  # this process is told to end: at once
        quietly(exits_at_one, axes)
    assert caught.value.results["lambd"] == [0]


def test_what_has_not_begun_is_cancelled():
    begun = []

    def slow(i):
        begun.append(i)
        time.sleep(0.05)

    with ThreadPoolExecutor(1) as threads:
        found = execution.completed(slow, [(i,) for i in range(50)], threads)
        next(found)
        found.close()
    assert len(begun) < 10


# ---- the folder


def counted(calls):
    def counting(*, lambd, seed):
        calls.append((lambd, seed))
        return build(lambd=lambd, seed=seed)

    return counting


def test_runs_that_are_done_are_not_run_again(tmp_path):
    calls, axes = [], {"lambd": [0, 1, 2]}
    whole = quietly(counted(calls), axes, seeds=[0, 1], folder=tmp_path / "a").csv()
    assert quietly(counted(calls), axes, seeds=[0, 1], folder=tmp_path / "a", resume=True).csv() == whole
    assert len(calls) == 6
    lines = whole.splitlines(keepends=True)
    (tmp_path / "a" / "results.csv").write_text(lines[0] + lines[5] + lines[2])  # in any order
    assert quietly(counted(calls), axes, seeds=[0, 1], folder=tmp_path / "a", resume=True).csv() == whole
    assert calls[6:] == [(0, 0), (1, 0), (1, 1), (2, 1)]
    assert (tmp_path / "a" / "results.csv").read_text() == whole
    assert quietly(counted([]), axes, seeds=[0, 1], folder=tmp_path / "new", resume=True).csv() == whole


@pytest.mark.parametrize("cut", [0, 1, 40, 90, 200, -1])
def test_a_torn_line_is_recognized(tmp_path, cut):
    axes = {"lambd": [0, 1]}
    whole = quietly(build, axes, folder=tmp_path).csv()
    (tmp_path / "results.csv").write_text(whole[:cut])
    if whole[:cut].count("\n") > 1:
        assert len(Results.read(tmp_path)) == whole[:cut].count("\n") - 1
    assert quietly(build, axes, folder=tmp_path, resume=True).csv() == whole
    assert (tmp_path / "results.csv").read_text() == whole


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"axes": {"lambd": [0, 0.7]}}, "axes was keep_prob, lambd and is lambd"),
        ({"data": mg.data.side_of_the_field(4, m=23, m_dev=17)}, "data was (23, 2) float64"),
        ({"build": replace(small, steps=5)}, "build was Setting(hidden=(3,), steps=4, lr=0.1) and is "),
        ({"build": build}, "lambd=0.7"),
        ({"folds": 2}, "folds was none and is 2"),
        ({"measures": {"cost": len}}, "measures was cost, accuracy and is cost"),
        ({"resume": False}, "has 4 runs already; go on with resume=True, or give another folder"),
    ],
)  # fmt: skip
def test_a_folder_of_another_sweep_is_refused_and_left_as_it_is(tmp_path, change, said):
    quietly(folder=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    if change.get("build") is build:
        change = {"build": partial(build, lambd=0.7), "axes": {"keep_prob": [1.0]}}
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        quietly(**{"folder": tmp_path, "resume": True, **change})
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_another_measure_of_the_same_name_is_another_sweep(tmp_path):
    quietly(folder=tmp_path)
    measures = {"cost": square, "accuracy": square}
    with pytest.raises(ValueError, match=r"sweep: measured by was .*\.accuracy and is .*\.square \("):
        quietly(folder=tmp_path, resume=True, measures=measures)


def square(model, X, y):
    return float(np.mean((model(X).data - y) ** 2))


def test_arrays_of_a_partial_are_recognized_by_their_contents(tmp_path):
    one, other = np.zeros(2000), np.zeros(2000)
    other[1000] = 1  # repr shows both ends only
    quietly(partial(build, w=one), {"lambd": [1]}, folder=tmp_path)
    quietly(partial(build, w=one.copy()), {"lambd": [1]}, folder=tmp_path, resume=True)
    with pytest.raises(ValueError, match=r"build was test_sweep\.build .*\(w=\(2000,\) float64") as caught:
        quietly(partial(build, w=other), {"lambd": [1]}, folder=tmp_path, resume=True)
    assert "\n" not in str(caught.value)


class Made:
    def __call__(self, *, lambd, seed):
        return build(lambd=lambd, seed=seed)


def test_what_is_built_is_recognized_wherever_it_lies_in_memory(tmp_path):
    for i, make in enumerate((Made, lambda: partial(build, extra=lambda: 1))):
        quietly(make(), {"lambd": [1]}, folder=tmp_path / str(i))
        assert len(quietly(make(), {"lambd": [1]}, folder=tmp_path / str(i), resume=True)) == 1
        assert "0x" not in (tmp_path / str(i) / "sweep.json").read_text()


def test_a_build_whose_text_has_changed_is_another_sweep(tmp_path, monkeypatch):
    text = (
        "from test_sweep import build as base\ndef build(**cell):\n    return {**base(**cell), 'epochs': 4}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def imported(text):
        (tmp_path / "changing.py").write_text(text)
        sys.modules.pop("changing", None)
        linecache.checkcache()
        importlib.invalidate_caches()
        return importlib.import_module("changing").build

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    options = {"axes": {"lambd": [1]}, "folder": tmp_path / "f"}
    quietly(imported(text), **options)
    quietly(imported(text.replace("return", "# a comment\n    return")), resume=True, **options)
    with pytest.raises(
        ValueError, match=r"build was changing\.build \(text .*\) and is changing\.build \(te"
    ):
        quietly(imported(text.replace("4", "5")), resume=True, **options)


def test_what_a_build_closes_over_makes_another_sweep(tmp_path):
    def make(epochs, calls):
        def closing(*, lambd, seed):
            calls.append(lambd)
            return {**build(lambd=lambd, seed=seed), "epochs": epochs}

        return closing

    options = {"axes": {"lambd": [1]}, "folder": tmp_path}
    quietly(make(3, []), **options)
    quietly(make(3, [1]), resume=True, **options)
    with pytest.raises(ValueError, match=r"build was .*\) with epochs=3 and is .* with epochs=4; give"):
        quietly(make(4, []), resume=True, **options)


epochs = 3


def test_what_a_build_reads_from_its_module_makes_another_sweep(tmp_path, monkeypatch):
    def reading(*, lambd, seed):
        def made():
            return {**build(lambd=lambd, seed=seed), "epochs": epochs}

        return made()

    options = {"axes": {"lambd": [1]}, "folder": tmp_path}
    quietly(reading, **options)
    quietly(reading, resume=True, **options)
    monkeypatch.setitem(globals(), "epochs", 4)
    with pytest.raises(ValueError, match=r"build was .*\) with epochs=3 and is .* with epochs=4; give"):
        quietly(reading, resume=True, **options)


# ---- more is asked of a folder


def test_a_grid_grows_and_what_is_done_is_not_done_again(tmp_path):
    calls, options = [], {"folder": tmp_path, "resume": True}
    quietly(counted(calls), {"lambd": [0, 1]}, **options)
    more = quietly(counted(calls), {"lambd": [0, 0.5, 1]}, seeds=[0, 3], **options)
    assert calls == [(0, 0), (1, 0), (0, 3), (0.5, 0), (0.5, 3), (1, 3)]
    assert more.csv() == quietly(counted([]), {"lambd": [0, 0.5, 1]}, seeds=[0, 3]).csv()
    assert Results.read(tmp_path).csv() == more.csv() == (tmp_path / "results.csv").read_text()


def test_what_is_no_longer_asked_for_stays_in_the_table(tmp_path):
    calls, options = [], {"folder": tmp_path, "resume": True}
    wide = quietly(counted(calls), {"lambd": [0, 1, 2]}, seeds=[0, 1], **options)
    few = quietly(counted(calls), {"lambd": [3, 1]}, seeds=[1], **options)
    assert few["lambd"] == Results.read(tmp_path)["lambd"] == [3, 1]
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 1 + 6 + 1
    assert quietly(counted(calls), {"lambd": [0, 1, 2]}, seeds=[0, 1], **options).csv() == wide.csv()
    assert len(calls) == 6 + 1


def test_more_draws_begin_with_those_that_are_done(tmp_path):
    axes = {"keep_prob": [0.8, 1.0], "lambd": lambda rng: rng.random()}
    few = quietly(axes=axes, draws=2, rng=0, folder=tmp_path)
    turned = {"lambd": axes["lambd"], "keep_prob": axes["keep_prob"]}  # other cells: drawn in this order
    quietly(axes=turned, draws=2, rng=0, folder=tmp_path, resume=True)
    many = quietly(axes=axes, draws=3, rng=0, folder=tmp_path, resume=True)
    assert many[:2] == few[:]
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 1 + 3 + 2


def test_a_kill_while_a_grid_grows_loses_nothing(tmp_path, monkeypatch):
    first = quietly(folder=tmp_path)

    def killed(self, rows):
        raise SystemExit

    monkeypatch.setattr(ledger.Ledger, "write", killed)
    more = {"lambd": [0, 0.7, 2], "keep_prob": [1, 0.8]}
    with pytest.raises(SystemExit):
        quietly(axes=more, folder=tmp_path, resume=True)  # sweep.json is new, and results.csv is not
    monkeypatch.undo()
    assert Results.read(tmp_path).csv() == first.csv()
    assert len(quietly(axes=more, folder=tmp_path, resume=True)) == 6


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "results.csv",
            "lambd,keep_prob,seed,fold,cost\n1,1,0,,2\n",
            "is damaged: its columns are lambd,keep_prob,seed,fold,cost; wanted lambd,kee",
        ),
        ("results.csv", "{header}0.0,1.0,0,,1,1,1\n", "is damaged: line 2 has 7 cells; wanted 8"),
        ("results.csv", "{header}0.0,1.0,9,,1,1,1,1\n", "line 2 is not of this sweep"),
        ("results.csv", "{header}0.0,1.0,0,,1,1,1,x\n0.0,", "line 2 is not of this sweep"),
        ("results.csv", "{header}" + "0.0,1.0,0,,1,1,1,1\n" * 2, "line 3 is there twice"),
        ("results.csv", '{header}"0.0"x,1\n', "is damaged: "),
        ("results.csv", "{header}\udcff\n", "is damaged: "),
        ("sweep.json", "{", "sweep.json is damaged, or no sweep's; give another folder"),
        ("sweep.json", "[]", "sweep.json is damaged, or no sweep's"),
        ("sweep.json", '{"axes": {}, "measures": [], "cells": []}', "sweep.json is damaged, or no sweep's"),
        ("sweep.json", None, "has a results.csv without its sweep.json; give another folder"),
    ],
)
def test_a_damaged_folder_is_refused_and_left_as_it_is(tmp_path, file, text, said):
    header = quietly(folder=tmp_path).csv().partition("\n")[0] + "\n"
    if text is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(text.replace("{header}", header).encode(errors="surrogateescape"))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=re.escape(said)):
        quietly(folder=tmp_path, resume=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    with pytest.raises((ValueError, FileNotFoundError)):
        Results.read(tmp_path)


# ---- a table that a spreadsheet has saved again


def as_saved(rows, *, separator=",", end="\r\n", mark="", decimal=".", order=None, digits=10):
    """Rows as a spreadsheet saves them: numbers as they are shown, columns where they were moved."""

    def shown(text):
        try:
            number = float(text)
        except ValueError:
            return text
        return text if isnan(number) else f"{number:.{digits}g}".replace(".", decimal)

    moved = [[shown(row[i]) for i in order or range(len(row))] for row in rows]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end).writerows(moved)
    return (mark + text.getvalue()).encode()


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"mark": "\ufeff"},
        {"end": "\n", "order": [3, 2, 0, 1, 4, 6, 5, 7]},
        {"end": "\r"},
        {"separator": ";", "decimal": ",", "mark": "\ufeff"},
        {"separator": "\t", "end": "\n"},
        {"separator": ";", "end": "\n", "digits": 7},
    ],
    ids=str,
)
def test_a_table_that_a_spreadsheet_has_saved_is_gone_on_with(tmp_path, saved):
    axes = {"lambd": [0.1, 1 / 3], "hidden": [(3,), (2, 2)]}
    first = quietly(axes=axes, folds=2, folder=tmp_path)
    rows = list(csv.reader(io.StringIO(first.csv())))
    (tmp_path / "results.csv").write_bytes(as_saved(rows[:6] + rows[7:], **saved))  # without a row
    read = Results.read(tmp_path)
    assert len(read) == 7
    again = quietly(axes=axes, folds=2, folder=tmp_path, resume=True)
    np.testing.assert_allclose(again["dev_cost"], first["dev_cost"], rtol=1e-6)
    assert again[5] == first[5]  # which was run again
    assert (tmp_path / "results.csv").read_text() == again.csv()


def test_zeros_quotes_and_empty_lines_do_not_matter(tmp_path):
    quietly(build, {"lambd": [0.1]}, folder=tmp_path, measures={"a": square})
    text = '"seed","lambd","fold","a","dev_a",,\r\n"0","0.10","","0.50","nan",,\r\n,,,,,,\r\n'
    (tmp_path / "results.csv").write_bytes(text.encode())
    (row,) = Results.read(tmp_path)
    assert row.numbers["a"] == 0.5
    (tmp_path / "results.csv").write_bytes(b"seed,lambd,fold,a,dev_a\r\n0,0.1,,0.5,1")  # whole all the same
    assert len(Results.read(tmp_path)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed,lambd,fold,a,dev_a\r\n0,0.1,,0.5,", "line 2 is not of this sweep"),
        ('seed,lambd,fold,a,dev_a\n0,"0,1",,0.5,1\n', "line 2 is not of this sweep"),
        ("seed;lambd;fold;a;dev_a\n0;0,1;;1.000;1\n", "is damaged: it has numbers as 0,1 and as 1.000"),
        ("seed,lambd,a,dev_a\n0,0.1,1,1\n", "is damaged: its columns are seed,lambd,a,dev_a; wanted lambd,s"),
        (
            "seed,lambd,fold,a,dev_a,mine\n0,0.1,,1,1,x\n",
            "is damaged: its columns are seed,lambd,fold,a,dev_a,",
        ),
    ],
)
def test_what_is_ambiguous_in_it_is_refused(tmp_path, text, said):
    quietly(build, {"lambd": [0.1]}, folder=tmp_path, measures={"a": square})
    (tmp_path / "results.csv").write_bytes(text.encode())
    with pytest.raises(ValueError, match=re.escape(said)):
        quietly(build, {"lambd": [0.1]}, folder=tmp_path, measures={"a": square}, resume=True)
    assert (tmp_path / "results.csv").read_bytes() == text.encode()


def test_a_number_that_could_be_two_values_is_refused(tmp_path):
    close = {"lambd": [0.12345678, 0.12345681]}
    quietly(build, close, folder=tmp_path, measures={"a": square})
    for text, line in (("0.12345678", None), ("0.123457", 2), ("0.1235", 2)):
        (tmp_path / "results.csv").write_text(f"lambd,seed,fold,a,dev_a\n{text},0,,1,1\n")
        if line is None:
            assert Results.read(tmp_path)["lambd"] == [0.12345678]
        else:
            with pytest.raises(
                ValueError, match=r"results\.csv, line 2 is not of this sweep; give another f"
            ):
                quietly(build, close, folder=tmp_path, measures={"a": square}, resume=True)


# ---- a folder that is not as it should be


def test_a_sweep_that_had_no_run_done_is_begun_anew(tmp_path):
    with pytest.raises(Unfinished):
        quietly(fails_at_one, {"lambd": [1]}, folder=tmp_path)
    assert len(quietly(folder=tmp_path)) == 4
    (tmp_path / "results.csv").unlink()
    assert len(quietly(folder=tmp_path)) == 4


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path):
    (tmp_path / "sweep.json").write_text('{"mine": 1}')
    with pytest.raises(ValueError, match=r"sweep.json is damaged, or no sweep's; give another folder"):
        quietly(folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.json"]
    assert (tmp_path / "sweep.json").read_text() == '{"mine": 1}'


def test_a_folder_that_is_a_file_or_not_there(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="it is a file, and a sweep needs a folder"):
        quietly(folder=tmp_path / "file")
    with pytest.raises(FileNotFoundError, match="sweep: there is no sweep in "):
        Results.read(tmp_path)


def test_two_sweeps_do_not_write_to_one_folder(tmp_path):
    with (
        ledger.held(tmp_path, {}, resume=False),
        pytest.raises(
            ValueError, match=r"another sweep is writing to .*; wait for it, or give another folder"
        ),
    ):
        quietly(folder=tmp_path)
    assert len(quietly(folder=tmp_path)) == 4  # let go of


def test_a_full_disk_in_the_middle(tmp_path, monkeypatch):
    rows, append = [], ledger.Ledger.append

    def full(self, row):
        if len(rows) == 2:
            raise OSError(28, "No space left on device")
        rows.append(row)
        append(self, row)

    monkeypatch.setattr(ledger.Ledger, "append", full)
    with pytest.raises(OSError, match="No space") as caught:
        quietly(folder=tmp_path)
    assert len(Results.read(tmp_path)) == 2
    assert len(caught.value.results) == 3  # also what could not be written
    monkeypatch.undo()
    assert quietly(folder=tmp_path, resume=True).csv() == quietly().csv()


def test_each_row_is_on_the_disk_and_the_table_is_written_anew_whole_or_not_at_all(tmp_path, monkeypatch):
    sizes, fsync, replace_file = [], os.fsync, os.replace

    def on_the_disk(fd):
        fsync(fd)
        sizes.append(os.fstat(fd).st_size)

    def full(source, place):
        if Path(place).name == "results.csv":
            raise OSError(28, "No space left on device")
        replace_file(source, place)

    monkeypatch.setattr(os, "fsync", on_the_disk)
    quietly(folder=tmp_path)
    table = (tmp_path / "results.csv").read_bytes()
    ends = [i + 1 for i, byte in enumerate(table) if byte == ord("\n")]
    assert len(ends) == 5
    assert {*ends} <= {*sizes}
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        quietly(axes={**grid, "lambd": [0, 5]}, folder=tmp_path, resume=True)
    assert (tmp_path / "results.csv").read_bytes() == table


killed = """
    import os, signal, sys
    from minigrad.experiments import Setting, sweep
    from minigrad.experiments.sweep import execution, ledger
    from test_sweep import field, small, grid

    append, left = ledger.Ledger.append, [3]

    def append_and_die(self, row):
        append(self, row)
        left[0] -= 1
        if left[0] == 0:
            with open(self._path, "ab") as file:
                file.write(b"0.7,0.8,0,,0.6")  # a row is torn
            os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        ledger.Ledger.append = append_and_die
        with execution.processes(int(sys.argv[2])) as executor:
            sweep(small, grid, field, seeds=[0, 5], executor=executor, folder=sys.argv[1], progress=False)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_sweep_that_is_killed_goes_on(tmp_path, expected, workers):
    script = tmp_path / "killed.py"
    script.write_text(textwrap.dedent(killed))
    here = os.path.dirname(__file__)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([here, os.path.dirname(here)])}
    done = subprocess.run([sys.executable, str(script), str(tmp_path / "f"), workers], env=environment)
    assert done.returncode == -signal.SIGKILL
    kept = Results.read(tmp_path / "f")
    assert len(kept) == 3
    assert set(kept.csv().splitlines()) < set(expected.csv().splitlines())
    with pytest.raises(ValueError, match="has 3 runs already"):
        quietly(seeds=[0, 5], folder=tmp_path / "f")
    assert quietly(seeds=[0, 5], folder=tmp_path / "f", resume=True).csv() == expected.csv()
    assert (tmp_path / "f" / "results.csv").read_text() == expected.csv()


# ---- the table


def test_the_table_is_a_csv_whose_floats_can_be_read_again(expected, tmp_path):
    rows = list(csv.DictReader(io.StringIO(expected.csv())))
    assert list(rows[0]) == expected.columns
    for name in ("lambd", "cost", "dev_cost", "accuracy", "dev_accuracy"):
        assert [float(row[name]) for row in rows] == expected[name]
    assert [(row["lambd"], row["keep_prob"], row["seed"]) for row in rows[:3]] == [
        ("0.0", "1.0", "0"),
        ("0.0", "1.0", "5"),
        ("0.0", "0.8", "0"),
    ]
    assert {row["fold"] for row in rows} == {""}
    expected.save(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == expected.csv()
    assert expected[0].run.seed == 0
    assert len(expected[2:4]) == 2
    with pytest.raises(KeyError, match="there is no 'lamda'; there are lambd"):
        expected["lamda"]


def test_what_is_read_again_is_the_same(tmp_path):
    axes = {"lambd": [0.1], "hidden": [(3,), (2, 2)]}
    results = quietly(axes=axes, folds=2, seeds=[0, 3], folder=tmp_path)
    again = Results.read(tmp_path)
    assert again.csv() == results.csv()
    assert repr(again) == repr(results)
    assert again.best == results.best
    assert json.loads((tmp_path / "sweep.json").read_text())["minigrad"] == mg.__version__


# ---- the choice


def made(cost, error, **cell):
    return Mean(cell, {"dev_cost": cost}, {"dev_cost": error})


def test_standard_errors_are_over_folds_or_else_over_seeds():
    assert independent([1.0, 2.0, 6.0], [None] * 3) == (1, 2, 6)
    assert mean_and_error([1.0, 2.0, 6.0]) == pytest.approx((3.0, np.std([1, 2, 6], ddof=1) / 3**0.5))
    assert independent([0.0, 2.0, 5.0, 7.0], [1, 1, 2, 2]) == (1, 6)
    assert independent([0.0, 5.0, 2.0, 7.0], [1, 2, 1, 2]) == (1, 6)  # seed by seed
    mean, error = mean_and_error([2.0])
    assert mean == 2
    assert isnan(error)


def test_a_difference_is_taken_in_pairs(expected):
    one, other = expected.means[3], expected.means[0]
    pairs = np.array(expected["dev_cost"]).reshape(4, 2)
    d = pairs[3] - pairs[0]
    assert expected.difference(one, other) == pytest.approx((d.mean(), d.std(ddof=1) / 2**0.5))
    assert expected.difference(one, one) == (0, 0)
    assert isnan(quietly().difference(*quietly().means[:2])[1])


def test_the_best_and_the_most_regularized_within_one_standard_error():
    of_lambd = [
        made(0.5, 0.1, lambd=0.0),
        made(0.3, 0.05, lambd=1.0),
        made(0.35, 9.0, lambd=3.0),
        made(0.36, 0, lambd=9.0),
    ]
    assert best_of(of_lambd, "dev_cost").cell == {"lambd": 1.0}
    assert one_standard_error(of_lambd, "dev_cost").cell == {"lambd": 3.0}  # 0.36 is outside, 0.35 is not
    without = [made(0.3, nan, lambd=1.0), made(0.301, nan, lambd=3.0)]
    assert one_standard_error(without, "dev_cost").cell == {"lambd": 1.0}
    smaller = [made(0.3, 0.1, lambd=1.0), made(0.31, 0.1, lambd=0.0)]  # less regularized is no choice
    assert one_standard_error(smaller, "dev_cost").cell == {"lambd": 1.0}


def test_lambda_and_keep_prob_count_alike_and_other_axes_stay():
    costs = {(0, 1.0): 0.5, (0, 0.8): 0.31, (0, 0.5): 0.4, (1, 1.0): 0.3, (1, 0.8): 0.33, (1, 0.5): 0.6}
    found = [made(cost, 0.05, lambd=lambd, keep_prob=p) for (lambd, p), cost in costs.items()]
    assert one_standard_error(found, "dev_cost").cell == {"lambd": 1, "keep_prob": 0.8}
    costs = {(3, 0.9): 0.3, (3, 1.0): 0.31, (1, 0.5): 0.31, (9, 0.9): 0.5, (3, 0.8): 0.32}
    found = [made(cost, 0.05, lambd=lambd, keep_prob=p) for (lambd, p), cost in costs.items()]
    assert one_standard_error(found, "dev_cost").cell == {"lambd": 3, "keep_prob": 0.8}  # λ = 1 would be less
    of_keep = [made(0.3, 0.05, keep_prob=0.9), made(0.34, 0, keep_prob=0.5), made(0.31, 0, keep_prob=1.0)]
    assert one_standard_error(of_keep, "dev_cost").cell == {"keep_prob": 0.5}
    of_rate = [
        made(0.3, 0.05, lambd=0, lr=0.1),
        made(0.31, 0, lambd=1, lr=0.1),
        made(0.3, 0, lambd=2, lr=0.2),
    ]
    assert one_standard_error(of_rate, "dev_cost").cell == {"lambd": 1, "lr": 0.1}


def test_only_cells_with_all_their_runs_are_compared():
    results = quietly(seeds=[0, 1])
    rows = {i: list(row.numbers.values()) for i, row in enumerate(results) if i not in (1, 2, 3)}
    some = Results(results.runs, results.measures, rows, cells=results.cells, data="")
    assert [one.cell["lambd"] for one in some.means] == [0.7, 0.7]
    assert "5 of 8 runs are done" in repr(some)
    assert "? " in repr(some)
    none = Results(results.runs, results.measures, {}, cells=results.cells, data="")
    assert repr(none).endswith("no cell is finished")
    with pytest.raises(ValueError, match="none is finished"):
        none.best  # noqa: B018


def test_the_end_of_an_axis():
    points = [{"lambd": x, "keep_prob": p} for x in (0.0, 1.0, 2.0) for p in (1.0, 0.5)]
    assert at_the_edge(Mean({"lambd": 2.0, "keep_prob": 0.5}, {}, {}), points) == [
        "the largest lambd (2)",
        "the smallest keep_prob (0.5)",
    ]
    assert at_the_edge(Mean({"lambd": 0.0, "keep_prob": 1.0}, {}, {}), points) == []
    assert at_the_edge(Mean({"lambd": 1.0, "keep_prob": 1.0}, {}, {}), points) == []
    assert at_the_edge(Mean({"lambd": 5.0}, {}, {}), [{"lambd": 5.0}]) == []


# ---- the summary


def filled(axes, cost, *, seeds=(0, 1), names=("cost", "accuracy")):
    """Results with costs by a formula: dev_cost = cost(**cell) ± 0.012."""
    points = cells(axes)
    runs = runs_of(points, seeds, None)
    rows = {}
    for i, run in enumerate(runs):
        dev = cost(**run.cell) + 0.012 * (-1) ** i
        rows[i] = [0.01 + run.cell.get("lambd", 0), dev, *[0.5] * (2 * len(names) - 2)]
    return Results(runs, names, rows, cells=points, data="")


def bowl(lambd, keep_prob=0.9, **others):
    return 0.3 + (np.log10(lambd + 0.01) / 6) ** 2 + 2 * (keep_prob - 0.87) ** 2


wide = {"lambd": [0, 0.1, 1, 10], "keep_prob": [1, 0.9, 0.8, 0.6]}


def test_the_summary_has_a_table_with_marks():
    lines = repr(filled(wide, bowl)).splitlines()
    assert lines[0] == "16 cells, 2 seeds, judged on a dev set"
    assert lines[3].split() == ["λ", "\\", "keep_prob", "1", "0.9", "0.8", "0.6"]
    assert [line.split()[0] for line in lines[4:8]] == ["0", "0.1", "1", "10"]
    assert lines[6].split()[1:] == ["0.334", "0.302*", "0.310°", "0.446"]
    assert any(
        line.startswith("* best: lambd=1, keep_prob=0.9: dev cost 0.302 ± 0.012 (tr") for line in lines
    )
    assert any(
        line.startswith("° most regularized within one standard error: lambd=1, keep_prob=0.8")
        for line in lines
    )
    assert " ".join("\n".join(lines).split()).endswith(" 0.0080 ± 0 more than the best, seed by seed")


def test_the_summary_fits_into_80_columns():
    many = {"lambd": [10.0**-i for i in range(12)], "keep_prob": [1 - i / 20 for i in range(15)]}
    others = {**wide, "hidden": [(20, 3), (7,)], "activation": ["a" * 70, "relu"]}
    for axes in (many, others, {"lambd": [0, 1]}, wide):
        for seeds in ([0], [0, 1]):
            text = repr(filled(axes, bowl, seeds=seeds))
            assert max(map(len, text.splitlines())) <= 80
            assert ("has no standard error" in text) == (seeds == [0])
    listed = repr(filled(others, bowl)).splitlines()
    assert listed[2].split()[:5] == ["dev", "cost", "±", "training", "lambd"]
    assert [line[:8].strip() for line in listed[3:5]] == ["0.302", "0.302"]
    assert all(line.endswith("…") for line in listed[2:13])


# ---- the pictures


@pytest.fixture
def drawn():
    pytest.importorskip("matplotlib")
    return lambda svg: sorted(re.findall(r"<!-- (.*?) -->", svg))  # numbers with two decimals


def test_the_heat_map(drawn):
    results = filled(wide, bowl)
    texts = drawn(results.heat_map())
    assert {"λ", "keep_prob", "mean dev cost (log scale)", "0.30", "± 0.01", "0.1", "0.6"} <= set(texts)
    assert "± the standard error over 2 seeds" in texts
    assert "outlined: the best cell; dashed: the most regularized within one standard error" in texts
    assert results.heat_map() == results.heat_map()
    one_seed = drawn(filled(wide, bowl, seeds=[0]).heat_map())
    assert "outlined: the best cell" in one_seed
    assert not any(text.startswith("±") for text in one_seed)
    more = filled({**wide, "lr": [0.1, 0.2]}, lambda lr, **cell: bowl(**cell) + lr)
    assert "lr=0.1" in drawn(more.heat_map())
    with pytest.raises(ValueError, match="heat_map: keep_prob is no axis of this sweep; it has lambd"):
        filled({"lambd": [1]}, bowl).heat_map()


def test_a_cell_that_diverged_says_so(drawn):
    results = filled(wide, lambda lambd, keep_prob: nan if lambd == 10 else bowl(lambd, keep_prob))
    assert drawn(results.heat_map()).count("diverged") == 4
    assert {"10", "diverged"} <= set(drawn(results.curve()))
    lambdas, keep = [float(i) for i in range(20)], wide["keep_prob"]
    large = filled({"lambd": lambdas, "keep_prob": keep}, lambda lambd, keep_prob: nan if lambd == 3 else 1)
    assert "grey: diverged, or not finished" in drawn(large.heat_map())


def scattered(lambdas, cost=bowl):
    """Results of cells that are no grid."""
    points = [{"lambd": lambd, "keep_prob": 0.5 + 0.01 * i} for i, lambd in enumerate(lambdas)]
    runs = runs_of(points, [0], None)
    rows = {i: [0.1, cost(**run.cell)] for i, run in enumerate(runs)}
    return Results(runs, ["cost"], rows, cells=points, data="")


def test_random_cells_are_points(drawn):
    axes = {"lambd": lambda rng: 10 ** rng.uniform(-2, 1), "keep_prob": lambda rng: rng.uniform(0.5, 1)}
    results = quietly(axes=axes, draws=6, rng=0)
    assert {"λ", "keep_prob", "mean dev cost (log scale)"} <= set(drawn(results.heat_map()))
    assert "crosses: diverged" not in drawn(results.heat_map())
    with pytest.raises(
        ValueError, match="curve: there is one λ only with all else as in the best cell, lambd="
    ):
        results.curve()


@pytest.mark.parametrize(
    ("lambdas", "ticks"),
    [
        ([0.01, 0.3, 10], {"0.01", "0.1", "1", "10"}),
        ([0, 0.01, 0.3, 10], {"0", "0.01", "0.1", "1", "10"}),
        ([0, 2.1, 4.4], {"0", "2.1", "4.4"}),
        ([0.5, 4], {"0.5", "1", "2"}),
        ([1e-6, 1e6], {"1", "10000", "1000000"}),
        ([0, 1e-200], {"0"}),
    ],
)
def test_the_lambdas_of_random_cells_are_logarithmic_and_0_has_a_place(drawn, lambdas, ticks):
    assert ticks <= set(drawn(scattered(lambdas).heat_map()))


def test_random_cells_that_diverged_are_crosses(drawn):
    results = scattered([0, 0.1, 100], lambda lambd, keep_prob: nan if lambd == 100 else lambd)
    svg = results.heat_map()
    assert "crosses: diverged" in drawn(svg)
    assert "100" in drawn(svg)


def test_the_curve_names_what_the_numbers_show(drawn):
    texts = drawn(filled(wide, bowl).curve())
    assert {"λ (at equal distances)", "training", "held out", "best"} <= set(texts)
    assert "keep_prob=0.9; bands: ± one standard error over 2 seeds" in texts
    assert "overfitting: high variance" in texts
    rising = filled({"lambd": [0, 1, 10]}, lambda lambd: 0.3 + lambd)
    assert "underfitting: high bias" in drawn(rising.curve())
    assert "overfitting: high variance" not in drawn(rising.curve())
    flat = drawn(filled({"lambd": [0, 1, 10]}, lambda lambd: 0.3).curve())
    assert not any("fitting" in text for text in flat)
    assert "one-standard-error choice" in flat
    with pytest.raises(ValueError, match="curve: lambd is no axis of this sweep; it has keep_prob"):
        filled({"keep_prob": [1]}, lambda keep_prob: 1).curve()


def test_texts_of_a_large_grid_do_not_overlap(drawn):
    lambdas, keep = [1000.25 + i for i in range(30)], [round(0.02 * i, 2) for i in range(26, 51)]
    large = filled({"lambd": lambdas, "keep_prob": keep}, lambda lambd, keep_prob: 0.3 + lambd)
    named = {*map(shown, lambdas)}
    for picture in (large.heat_map(), large.curve()):
        texts = drawn(picture)
        assert len(named & {*texts}) == 6
        assert not any(text.startswith("±") for text in texts)
    assert len({*map(shown, keep)} & {*drawn(large.heat_map())}) == 13


def test_numbers_fit_into_their_cells(drawn):
    from matplotlib.textpath import TextPath

    from minigrad.experiments.sweep.pictures import _size_of

    texts = [("0.00843", "± 0.0012"), ("12,345", "± 1,234"), ("−0.743", ""), ("", "diverged")]
    for width in (24, 33, 47, 200):
        for one in texts:
            size = _size_of([one], width, 40)
            for text, points in zip(one, (9, 7), strict=True):
                path = TextPath((0, 0), text, size=points * size) if text else None
                assert path is None or path.get_extents().width < width
    assert _size_of(texts, 200, 40) == 1
    small = {"lambd": [float(i) for i in range(10)], "keep_prob": [1, 0.5]}
    assert "± 0.01" in drawn(filled(small, lambda lambd, **_: (lambd + 3) / 1000).heat_map())


@pytest.mark.parametrize("most", [1e5, 3.5e45, 1e300])
def test_a_cost_that_has_nearly_diverged_leaves_the_others_to_be_seen(drawn, most):
    grid = {"lambd": [0, 1, 10, 100, 1000], "keep_prob": [1, 0.5]}
    results = filled(grid, lambda lambd, keep_prob: most if lambd == 1000 else 0.3 + lambd / 1000)
    lines = repr(results).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("1000 ") and line.count(decimals(most)) == 2 for line in lines)
    texts = drawn(results.heat_map())
    assert {"0.30", "± 0.01"} <= set(texts)  # there is room for the numbers
    assert max(map(len, (text for text in texts if text[0].isdigit()))) < 10
    assert "cost, without the penalty (log scale)" in drawn(results.curve())
    assert "cost, without the penalty" in drawn(filled(wide, bowl).curve())


# ---- the bar


def test_the_bar_counts_runs_and_is_there_if_it_is_asked_for(capsys, tmp_path):
    pytest.importorskip("tqdm")
    quietly(folder=tmp_path)
    assert capsys.readouterr().err == ""
    quietly(folder=tmp_path, resume=True, progress=True)
    assert "4/4" in capsys.readouterr().err
