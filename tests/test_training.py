"""mg.fit: the plain loop, compiled and eager; stopping, going on, history, progress, callbacks."""

import csv
import io
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn, optim
from minigrad.random import generator_state
from minigrad.training import Checkpoint, Diverged, EarlyStopping, History
from minigrad.training import progress as progress_module

optimizers = {
    "SGD": lambda p: optim.SGD(p, lr=0.2, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.02),
    "AdamW": lambda p: optim.AdamW(p, lr=0.02, weight_decay=0.1),
}


def network(seed=0):
    rng = np.random.default_rng(seed)
    return nn.Sequential(
        nn.Linear(2, 5, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(5, 1, rng=rng)
    )


def cross_entropy(model, X, y):
    return nn.binary_cross_entropy_with_logits(model(X), y)


def penalised(model, X, y):
    return cross_entropy(model, X, y) + nn.l2_penalty(model, lambd=0.9, m=len(X))


@pytest.fixture(scope="module")
def field():
    return mg.data.side_of_the_field(3, m=23, m_dev=17)


def quietly(*given, **named):
    return mg.fit(*given, **{"progress": False, **named})


def plain_loop(model, loss, data, optimizer, epochs, *, size, rng, schedule=None):
    costs = []
    model.train()
    for _ in range(epochs):
        for X, y in mg.data.batches(data.X, data.y, size=size, rng=rng):
            J = loss(model, X, y)
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            costs.append((J.item(), len(X)))
        if schedule is not None:
            schedule.step()
    return costs


def weights(model):
    return {path: np.array(p.data) for path, p in model.named_parameters()}


def assert_same_weights(one, other, *, rtol=0.0):
    for path, w in weights(one).items():
        np.testing.assert_allclose(weights(other)[path], w, rtol=rtol, atol=rtol, err_msg=path)


def without_seconds(history):
    return [{name: x for name, x in row.items() if name != "seconds"} for row in history]


# ---- the plain loop


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", optimizers)
def test_it_does_what_the_plain_loop_does(field, name, compiled):
    """Batches of 6, 6, 6, 5: the last is smaller."""
    one, other = network(), network()
    plain, own = optimizers[name](one.parameters()), optimizers[name](other.parameters())
    rng, own_rng = np.random.default_rng(5), np.random.default_rng(5)
    costs = plain_loop(
        one, penalised, field, plain, 12, size=6, rng=rng, schedule=optim.StepLR(plain, 3, gamma=0.5)
    )
    rates = []
    history = quietly(
        other, penalised, field, own, 12, batch_size=6, rng=own_rng, compiled=compiled,
        schedule=optim.StepLR(own, 3, gamma=0.5), callbacks=[lambda run: rates.append(run.history[-1]["lr"])],
    )  # fmt: skip
    tolerance = 1e-12 if compiled else 0.0
    assert_same_weights(one, other, rtol=tolerance)
    assert plain.lr == own.lr
    assert plain.steps == own.steps == 48
    for kept, expected in zip(own.state, plain.state, strict=True):
        for slot in expected:
            np.testing.assert_allclose(kept[slot], expected[slot], rtol=tolerance, atol=tolerance)
    assert generator_state(rng) == generator_state(own_rng)
    assert generator_state(one[2].rng) == generator_state(other[2].rng)
    means = [sum(J * m for J, m in costs[i : i + 4]) / 23 for i in range(0, 48, 4)]
    np.testing.assert_allclose(history["cost"], means, rtol=1e-12)
    assert history["epoch"] == list(range(1, 13))
    assert rates == history["lr"]
    assert rates[::3] == [rates[0], rates[0] / 2, rates[0] / 4, rates[0] / 8]


@pytest.mark.parametrize("compiled", [False, True])
def test_without_a_batch_size_an_epoch_is_one_step_and_the_cost_is_that_of_the_step(field, compiled):
    model, plain = network(), network()
    one, other = (optim.SGD(m.parameters(), lr=0.3) for m in (model, plain))
    history = quietly(model, penalised, (field.X, field.y), one, 7, compiled=compiled)
    costs = []
    for _ in range(7):
        J = penalised(plain, field.X, field.y)
        other.zero_grad()
        J.backward()
        other.step()
        costs.append(J.item())
    np.testing.assert_allclose(history["cost"], costs, rtol=1e-12 if compiled else 0)
    assert_same_weights(plain, model, rtol=1e-12 if compiled else 0)


def test_the_step_is_compiled_and_the_smaller_batch_recorded_on_its_own(field, monkeypatch):
    made = []

    def watched(function):
        made.append(mg.compiler.compile(function))
        return made[-1]

    import minigrad.compiler

    assert mg.compiler is minigrad.compiler
    monkeypatch.setattr("minigrad.training.step.compile", watched)
    model = network()
    quietly(
        model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 5, batch_size=6, rng=0,
        callbacks=[lambda run: model.eval()],
    )  # fmt: skip
    assert made[0].stats()["recordings"] == 2
    quietly(model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 5, compiled=False)
    assert len(made) == 1


def asks_for_a_value(model, X, y):
    J = cross_entropy(model, X, y)
    return J * 2 if J.item() > 0.5 else J


def draws_outside(model, X, y):
    return cross_entropy(model, X + 0.1 * noise.standard_normal(X.shape), y)


noise = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("loss", "why"),
    [(asks_for_a_value, r"item\(\) of .*another one"), (draws_outside, "draws random numbers")],
)
def test_what_cannot_be_compiled_is_done_by_eager_with_one_warning_and_the_same_numbers(field, loss, why):
    found = []
    for compiled in (False, True):
        noise.bit_generator.state = np.random.default_rng(9).bit_generator.state
        model = network()
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        train = partial(quietly, model, loss, field, optimizer, 6, batch_size=6, rng=0, compiled=compiled)
        if compiled:
            with pytest.warns(
                UserWarning, match=f"^fit: the steps are made without compile: .*{why}"
            ) as told:
                history = train()
            assert len(told) == 1
            assert told[0].filename == __file__
            assert str(told[0].message).count("fit:") == 1
        else:
            history = train()
        found.append((without_seconds(history), {p: w.tolist() for p, w in weights(model).items()}))
    assert found[0] == found[1]


def test_a_warning_that_is_an_error_leaves_the_model_as_it_was(field):
    model = network()
    before = weights(model)
    with pytest.raises(UserWarning, match="without compile"):
        quietly(model, asks_for_a_value, field, optim.SGD(model.parameters(), lr=0.1), 6)
    for path, w in weights(model).items():
        np.testing.assert_array_equal(w, before[path])


# ---- data


def batches_of(field, sizes):
    stops = np.cumsum(sizes)
    return [(field.X[b - n : b], field.y[b - n : b]) for n, b in zip(sizes, stops, strict=True)]


def test_data_may_come_in_batches(field):
    sizes = [9, 9, 5]
    epoch = batches_of(field, sizes)

    class Reader:
        def __iter__(self):
            return iter(epoch)

    found = []
    for data in (epoch, tuple(epoch), lambda rng: iter(epoch), Reader()):
        model = network()
        history = quietly(model, penalised, data, optim.SGD(model.parameters(), lr=0.1), 4)
        found.append((history["cost"], weights(model)["0.weight"].tolist()))
    assert found == [found[0]] * 4


def test_a_function_is_given_the_generator_that_draws_its_batches(field):
    models = [network(), network()]
    draw = lambda rng: mg.data.batches(field.X, field.y, size=6, rng=rng)  # noqa: E731
    for model, how in zip(models, ({"data": draw}, {"data": field, "batch_size": 6}), strict=True):
        data, more = how.pop("data"), how
        quietly(model, penalised, data, optim.SGD(model.parameters(), lr=0.1), 4, rng=5, **more)
    assert_same_weights(*models)


def test_there_may_be_one_array_or_three():
    rng = np.random.default_rng(0)
    X, C, y = rng.standard_normal((11, 2)), rng.random((11, 1)), rng.standard_normal((11, 1))
    model = nn.Sequential(nn.Linear(2, 1, rng=0))

    def weighted(model, X, C, y):
        return np.mean(C * np.square(model(X) - y))

    history = quietly(
        model, weighted, (X, C, y), optim.SGD(model.parameters(), lr=0.1), 20, batch_size=4, rng=1
    )
    assert history["cost"][-1] < history["cost"][0]
    code = nn.Sequential(nn.Linear(2, 2, rng=0))
    history = quietly(
        code, lambda model, X: nn.mse_loss(model(X), X), [X], optim.Adam(code.parameters(), lr=0.1), 20
    )
    assert history["cost"][-1] < history["cost"][0]


def test_every_example_is_met_once_in_an_epoch_in_an_order_that_changes(field):
    met = []

    def loss(model, X, y):
        met.append(X.data[:, 0].tolist() if isinstance(X, mg.Tensor) else X[:, 0].tolist())
        return cross_entropy(model, X, y)

    model = network()
    quietly(model, loss, (field.X, field.y), optim.SGD(model.parameters(), lr=0.1), 2, compiled=False,
            batch_size=6, rng=0)  # fmt: skip
    epochs = [[x for batch in some for x in batch] for some in (met[:4], met[4:])]
    assert epochs[0] != epochs[1]
    for epoch in epochs:
        assert sorted(epoch) == sorted(field.X[:, 0].tolist())


# ---- the dev set


def test_the_dev_cost_is_without_dropout_and_may_be_without_the_penalty(field):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    seen = []

    def watch(run):
        seen.append(cross_entropy(model.eval(), *run.dev).item())

    history = quietly(model, penalised, field, optimizer, 3, dev_loss=cross_entropy, callbacks=[watch])
    assert history["dev_cost"] == seen
    again = network()
    penalties = quietly(
        again, penalised, field, optim.SGD(again.parameters(), lr=0.1), 3,
        callbacks=[lambda run: seen.append(nn.l2_penalty(again, lambd=0.9, m=17).item())],
    )  # fmt: skip
    np.testing.assert_allclose(penalties["dev_cost"], np.add(seen[:3], seen[3:]), rtol=1e-12)
    assert_same_weights(model, again)


def test_the_dev_set_leaves_training_and_its_random_numbers_alone(field):
    models = [network(), network()]
    for model, dev in zip(models, (None, (field.X_dev, field.y_dev)), strict=True):
        quietly(model, penalised, (field.X, field.y), optim.SGD(model.parameters(), lr=0.1), 5, dev=dev)
    assert_same_weights(*models)


def test_train_and_eval_are_as_before_afterwards(field):
    model = network()
    model.eval()
    model[1].train()
    modes = []
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    quietly(model, penalised, field, optimizer, 2, callbacks=[lambda run: modes.append(model[2].training)])
    assert modes == [True, True]
    assert [m.training for m in model.modules()] == [False, False, True, False, False]
    with pytest.raises(ZeroDivisionError):
        quietly(model, penalised, field, optimizer, 2, callbacks=[lambda run: 1 // 0])
    assert [m.training for m in model.modules()] == [False, False, True, False, False]


def test_a_callback_that_forgets_evaluation_mode_does_not_switch_dropout_off(field):
    models = [network(), network()]
    for model, callback in zip(models, (lambda run: run.model.eval(), lambda run: None), strict=True):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        quietly(model, penalised, field, optimizer, 4, callbacks=[callback], compiled=False)
    assert_same_weights(*models)


# ---- numbers that are not finite


@pytest.mark.parametrize("compiled", [False, True])
def test_a_training_that_diverges_says_at_which_step(field, compiled):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=1e160)
    with pytest.raises(Diverged, match=r"^the cost is not finite any more at step [2-9] of 80$") as stopped:
        quietly(model, penalised, field, optimizer, 20, batch_size=6, rng=0, compiled=compiled)
    assert stopped.value.history["epoch"] == list(range(1, len(stopped.value.history) + 1))


def test_data_that_are_not_finite_are_said_to_be_so(field):
    X = np.array(field.X)
    X[3, 1] = np.nan
    model = network()
    with pytest.raises(
        Diverged, match=r"any more \(array 0 of the batch, \(23, 2\), is not finite itself\) at step 1"
    ):
        quietly(model, penalised, (X, field.y), optim.SGD(model.parameters(), lr=0.1), 5)


def test_the_dev_cost_and_the_last_weights_are_looked_at(field):
    model = network()
    train = partial(quietly, model, penalised, (field.X, field.y))
    with pytest.raises(Diverged, match=r"on the dev set is not finite any more at step 1 of 5"):
        train(optim.SGD(model.parameters(), lr=0.1), 5, dev=(field.X_dev + np.inf, field.y_dev))
    model = network()
    with pytest.raises(Diverged, match=r'"W1" \(5, 2\).* not finite any more at step 1 of 1'):
        quietly(model, lambda model, X, y: cross_entropy(model, X, y) * 1e300, (field.X, field.y),
                optim.SGD(model.parameters(), lr=1e300), 1)  # fmt: skip


def test_a_checkpoint_with_weights_that_are_not_finite_is_not_written(field, tmp_path):
    path = tmp_path / "run.npz"
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def spoil(run):
        if run.epoch == 3:
            with mg.no_grad():
                model[0].weight[...] = np.full((5, 2), np.nan)

    with pytest.raises(Diverged, match="W1"):
        quietly(model, penalised, field, optimizer, 5, callbacks=[spoil, Checkpoint(path)])
    assert mg.load(path)["epoch"] == 2


# ---- early stopping


def prescribed(values):
    """A callback that writes a column, and the weights of each epoch."""
    kept = []

    def write(run):
        run.history[-1]["watched"] = values[run.epoch - 1]
        kept.append(weights(run.model))

    return write, kept


@pytest.mark.parametrize(
    ("values", "patience", "min_delta", "epochs", "best"),
    [
        ([5, 4, 3, 2, 1, 0], 1, 0, 6, 6),
        ([5, 4, 4, 4, 1, 0], 2, 0, 4, 2),
        ([5, 4, 6, 3, 6, 6], 2, 0, 6, 4),
        ([5, 4.9, 4.8, 4.7, 4.6, 0], 3, 0.5, 4, 1),
        ([5, 4.9, 4.4, 4.4, 4.4, 4.4], 3, 0.5, 6, 3),
        ([5, float("nan"), 6, 1, 1, 1], 2, 0, 3, 1),
        ([1, 2, 2, 2, 2, 2], 9, 0, 6, 1),
    ],
)
def test_early_stopping(field, values, patience, min_delta, epochs, best):
    write, kept = prescribed(values)
    stopping = EarlyStopping(patience, min_delta=min_delta, monitor="watched")
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = quietly(model, penalised, field, optimizer, 6, callbacks=[write, stopping])
    assert len(history) == epochs
    assert (stopping.best_epoch, stopping.best) == (best, values[best - 1])
    for path, w in weights(model).items():
        np.testing.assert_array_equal(w, kept[best - 1][path])
    reason = f"watched has not become less than {values[best - 1]}, of epoch {best}, for {patience} epoch"
    gave_up = epochs - best >= patience
    assert (history.stopped or "").startswith(reason) == gave_up
    assert (history.stopped is None) == (not gave_up)


def test_early_stopping_looks_at_the_dev_set(field):
    model = network()
    stopping = EarlyStopping(5)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    history = quietly(model, cross_entropy, field, optimizer, 400, callbacks=[stopping])
    assert len(history) < 400
    assert len(history) == stopping.best_epoch + 5
    assert stopping.best == min(history["dev_cost"])
    with mg.no_grad():
        restored = cross_entropy(model.eval(), field.X_dev, field.y_dev).item()
    assert restored == stopping.best


def test_the_best_weights_do_not_rewind_the_generators(field):
    models = [network(), network()]
    for model, callbacks in zip(models, ([EarlyStopping(9)], []), strict=True):
        quietly(model, penalised, field, optim.SGD(model.parameters(), lr=9.0), 6, callbacks=callbacks)
    assert generator_state(models[0][2].rng) == generator_state(models[1][2].rng)


def test_an_early_stopping_may_be_used_again(field):
    stopping = EarlyStopping(2)
    found = []
    for _ in range(2):
        model = network()
        optimizer = optim.Adam(model.parameters(), lr=0.1)
        found.append(without_seconds(quietly(model, penalised, field, optimizer, 50, callbacks=[stopping])))
    assert found[0] == found[1]


# ---- checkpoints


class Training:
    """All that a run is made of, anew; the seed does not matter where it is resumed."""

    def __init__(
        self, field, path, *, resume=True, compiled=True, name="Adam", seed=0, every=1, patience=None
    ):
        self.model = network(seed)
        optimizer = optimizers[name](self.model.parameters())
        self.callbacks = [Checkpoint(path, resume=resume, every=every)]
        if patience:
            self.callbacks.append(EarlyStopping(patience))
        self.given = self.model, penalised, field, optimizer
        self.named = {
            "batch_size": 6, "rng": np.random.default_rng(seed + 1), "compiled": compiled,
            "schedule": optim.CosineLR(optimizer, 9), "dev_loss": cross_entropy,
        }  # fmt: skip

    def run(self, epochs, *more, **named):
        self.history = quietly(
            *self.given, epochs, callbacks=[*self.callbacks, *more], **{**self.named, **named}
        )
        return self


def assert_same_training(one, other):
    assert without_seconds(one.history) == without_seconds(other.history)
    assert one.history.stopped == other.history.stopped
    assert_same_weights(one.model, other.model)
    states = [(repr(t.given[3].state_dict()), t.named["schedule"].state_dict()) for t in (one, other)]
    assert states[0] == states[1]
    for a, b in ((one.named["rng"], other.named["rng"]), (one.model[2].rng, other.model[2].rng)):
        assert generator_state(a) == generator_state(b)


class Interrupted(KeyboardInterrupt):
    pass


def interrupt_at(step):
    class Interrupt:
        def on_step(self, run):
            if run.step == step:
                raise Interrupted

    return Interrupt()


@settings(max_examples=25, deadline=None)
@given(
    stops=st.lists(st.integers(0, 7), max_size=3),
    interrupted=st.lists(st.integers(1, 28), max_size=2),
    every=st.integers(1, 3),
    patience=st.sampled_from([None, 1, 2]),
    name=st.sampled_from(sorted(optimizers)),
    compiled=st.booleans(),
)
def test_however_a_run_is_split_it_ends_with_the_same_bits(
    field, tmp_path_factory, stops, interrupted, every, patience, name, compiled
):
    """Runs that end after some epochs, and runs that are interrupted at a step; then one to the end."""
    folder = tmp_path_factory.mktemp("runs")
    how = {"compiled": compiled, "name": name, "patience": patience}
    whole = Training(field, folder / "whole.npz", **how).run(7)
    path = folder / "run.npz"

    def anew():
        """A seed matters only as long as there is no file."""
        return Training(field, path, seed=99 if path.exists() else 0, every=every, **how)

    for epochs in sorted(stops):
        anew().run(epochs)
    for step in sorted(interrupted):
        with suppress(Interrupted):
            anew().run(7, interrupt_at(step))
    last = anew().run(7)
    assert_same_training(whole, last)


script = textwrap.dedent(
    """
    import sys
    import numpy as np, minigrad as mg
    from minigrad import nn
    from minigrad.training import Checkpoint, EarlyStopping

    path, compiled, moment = sys.argv[1], sys.argv[2] == "compiled", sys.argv[3]
    field = mg.data.side_of_the_field(3, m=23, m_dev=17)
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(2, 5, rng=rng), nn.ReLU(), nn.Dropout(keep_prob=0.8, rng=rng), nn.Linear(5, 1, rng=rng)
    )

    def loss(model, X, y):
        J = nn.binary_cross_entropy_with_logits(model(X), y)
        return J + nn.l2_penalty(model, lambd=0.9, m=len(X))

    def wait():
        print("now", flush=True)
        sys.stdin.read()

    class Killed:
        def on_step(self, run):
            if moment == "in an epoch" and run.step == 22:
                wait()
            if moment == "while it is saved" and run.step == 24:
                import os
                os.replace = lambda *paths: wait()

    optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    mg.fit(
        model, loss, field, optimizer, 12, batch_size=6, rng=4, compiled=compiled,
        schedule=mg.optim.StepLR(optimizer, 2, gamma=0.7),
        callbacks=[Checkpoint(path, resume=True), EarlyStopping(9), Killed()],
    )
    mg.save(path + ".end", model.state_dict())
    """
)


@pytest.mark.parametrize("moment", ["in an epoch", "while it is saved"])
@pytest.mark.parametrize("compiled", ["compiled", "eager"])
def test_a_process_that_is_killed_goes_on_with_the_same_bits(tmp_path, compiled, moment):
    def start(name, moment):
        command = [sys.executable, "-c", script, str(tmp_path / name), compiled, moment]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    process = start("killed.npz", moment)
    assert process.stdout.readline() == "now\n"
    process.kill()
    process.communicate()
    assert process.returncode != 0
    if hasattr(signal, "SIGKILL"):
        assert process.returncode == -signal.SIGKILL
    assert mg.load(tmp_path / "killed.npz")["epoch"] == 5
    assert not (tmp_path / "killed.npz.end").exists()
    for name in ("killed.npz", "whole.npz"):
        process = start(name, "")
        assert process.communicate()[0] == ""
        assert process.returncode == 0
    killed, whole = (mg.load(tmp_path / name) for name in ("killed.npz", "whole.npz"))
    assert without_seconds(killed.pop("history")) == without_seconds(whole.pop("history"))
    assert repr(killed) == repr(whole)
    ends = [mg.load(tmp_path / f"{name}.npz.end") for name in ("killed", "whole")]
    for path, w in ends[1].items():
        np.testing.assert_array_equal(ends[0][path], w)


def test_resume_without_a_file_begins(field, tmp_path):
    one = Training(field, tmp_path / "one.npz", resume=True).run(3)
    other = Training(field, tmp_path / "other.npz", resume=False).run(3)
    assert_same_training(one, other)
    assert (tmp_path / "one.npz").exists()


def test_without_resume_a_run_begins_anew_though_there_is_a_file(field, tmp_path):
    path = tmp_path / "run.npz"
    first = Training(field, path).run(3)
    assert len(Training(field, path, resume=False).run(3).history) == 3
    assert_same_training(first, Training(field, path, resume=False).run(3))


def test_a_run_that_was_over_is_not_trained_again(field, tmp_path):
    path = tmp_path / "run.npz"
    first = Training(field, path, patience=1).run(60)
    assert first.history.stopped
    again = Training(field, path, patience=1, seed=9)

    class Never:
        def on_step(self, run):
            raise AssertionError

    again.run(60, Never())
    assert_same_training(first, again)


def test_a_callback_without_a_state_that_stopped_a_run_does_not_stop_it_again(field, tmp_path):
    """An hour was over, say: the next hour goes on."""
    path = tmp_path / "run.npz"
    whole = Training(field, tmp_path / "whole.npz").run(6)
    first = Training(field, path).run(6, lambda run: run.stop("an hour is over") if run.epoch == 2 else None)
    assert (len(first.history), first.history.stopped) == (2, "an hour is over")
    assert_same_training(whole, Training(field, path, seed=5).run(6))


def test_a_callback_may_set_the_learning_rate_and_the_run_goes_on_with_it(field, tmp_path):
    def halve(run):
        run.optimizer.lr = 0.5**run.epoch

    whole = Training(field, tmp_path / "whole.npz").run(6, halve)
    Training(field, tmp_path / "run.npz").run(3, halve)
    assert_same_training(whole, Training(field, tmp_path / "run.npz").run(6, halve))


def test_the_same_objects_can_go_on_too(field, tmp_path):
    whole = Training(field, tmp_path / "whole.npz", patience=9).run(6)
    one = Training(field, tmp_path / "run.npz", patience=9)
    one.run(2)
    one.run(6)
    assert_same_training(whole, one)


def test_every_so_many_epochs_and_at_the_end(field, tmp_path):
    saved = []

    class Watched(Checkpoint):
        def __call__(self, run):
            before = self.path.stat().st_mtime_ns if self.path.exists() else 0
            super().__call__(run)
            if self.path.stat().st_mtime_ns != before if self.path.exists() else False:
                saved.append(run.epoch)

    training = Training(field, tmp_path / "unused.npz")
    training.callbacks = [Watched(tmp_path / "run.npz", every=3)]
    training.run(8)
    assert saved == [3, 6, 8]


def other_model(training):
    training.given = (nn.Sequential(nn.Linear(2, 1, rng=0)), *training.given[1:])
    training.given = (*training.given[:3], optim.Adam(training.given[0].parameters(), lr=0.02))
    training.named["schedule"] = optim.CosineLR(training.given[3], 9)


def other_optimizer(training):
    training.given = (*training.given[:3], optim.SGD(training.model.parameters(), lr=0.02))
    training.named["schedule"] = optim.CosineLR(training.given[3], 9)


def other_rate(training):
    training.given[3].lr = 0.3
    training.named["schedule"] = optim.CosineLR(training.given[3], 9)


def other_betas(training):
    training.given[3].betas = (0.8, 0.999)


def other_schedule(training):
    training.named["schedule"] = optim.CosineLR(training.given[3], 8)


def no_schedule(training):
    training.named["schedule"] = None


def other_batch_size(training):
    training.named["batch_size"] = 7


def other_data(training):
    data = mg.data.side_of_the_field(4, m=23, m_dev=17)
    training.given = (*training.given[:2], data, training.given[3])


def other_patience(training):
    training.callbacks[1] = EarlyStopping(8)


def no_early_stopping(training):
    del training.callbacks[1]


def other_kind_of_rng(training):
    training.named["rng"] = np.random.Generator(np.random.MT19937(0))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (other_model, "load_state_dict into Sequential: .*0.weight has shape"),
        (other_optimizer, "another run: the optimizer was Adam and is SGD"),
        (other_rate, "another run: lr was 0.02 and is 0.3; the schedule was CosineLR.*lr=0.02.* is CosineLR"),
        (other_betas, r"another run: betas was \(0.9, 0.999\) and is \(0.8, 0.999\)"),
        (other_schedule, r"another run: the schedule was CosineLR\(.*steps=9.* and is CosineLR\(.*steps=8"),
        (no_schedule, r"another run: the schedule was CosineLR\(.*\) and is none$"),
        (other_batch_size, "another run: batch_size was 6 and is 7$"),
        (
            other_data,
            r"another run: data was \(23, 2\) float64 and \(23, 1\) float64, checksum .* and is .*; dev was",
        ),
        (other_patience, "EarlyStopping: patience was 9 and is 8$"),
        (no_early_stopping, "another run: callbacks with a state were EarlyStopping and are none$"),
        (other_kind_of_rng, "the saved state does not belong to a Generator of this kind$"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_is_changed(field, tmp_path, change, why):
    path = tmp_path / "run.npz"
    Training(field, path, patience=9).run(3)
    content = path.read_bytes()
    training = Training(field, path, patience=9, seed=5)
    change(training)
    model, optimizer = training.given[0], training.given[3]
    everything = lambda: (  # noqa: E731
        repr(model.state_dict()), repr(optimizer.state_dict()), generator_state(training.named["rng"]),
        training.named["schedule"] and training.named["schedule"].state_dict(),
    )  # fmt: skip
    before = repr(everything())
    with pytest.raises(ValueError, match=f"^Checkpoint: {path} does not fit: .*{why}") as refused:
        training.run(6)
    assert "\n" not in str(refused.value)
    assert repr(everything()) == before
    assert path.read_bytes() == content


def test_a_file_that_has_more_epochs_or_is_none_of_ours_is_refused(field, tmp_path):
    path = tmp_path / "run.npz"
    Training(field, path).run(3)
    with pytest.raises(ValueError, match=r"does not fit: it has 3 epochs already, more than .* epochs=2"):
        Training(field, path).run(2)
    whole = mg.load(path)
    wrong = [
        {"epoch": -1},
        {"epoch": "a"},
        {"step": 1.5},
        {"history": [{}]},
        {"optimizer": 3},
        {"begun": None},
    ]
    for state in ({"step": 3}, [1, 2], *({**whole, **other} for other in wrong)):
        mg.save(path, state)
        with pytest.raises(ValueError, match=r"does not fit: it is not the state of a run of fit$"):
            Training(field, path).run(4)
    path.write_text("nonsense")
    with pytest.raises(ValueError, match=r"is not a file that minigrad.save wrote"):
        Training(field, path).run(4)
    assert path.read_text() == "nonsense"


def test_a_place_where_nothing_can_be_written_is_refused_before_the_first_step(field, tmp_path):
    for path, error in ((tmp_path, IsADirectoryError), (tmp_path / "none" / "run.npz", FileNotFoundError)):
        training = Training(field, path)
        before = weights(training.model)
        with pytest.raises(error, match=r"^Checkpoint: "):
            training.run(2)
        for name, w in weights(training.model).items():
            np.testing.assert_array_equal(w, before[name])


# ---- interrupted


def test_of_an_interrupted_training_the_history_is_kept_and_the_checkpoint_is_whole(field, tmp_path):
    path = tmp_path / "run.npz"
    training = Training(field, path)
    with pytest.raises(KeyboardInterrupt) as stopped:
        training.run(7, interrupt_at(14))
    assert stopped.value.history["epoch"] == [1, 2, 3]
    assert mg.load(path)["history"] == list(stopped.value.history)
    assert sorted(os.listdir(tmp_path)) == ["run.npz"]


def test_any_exception_has_the_history(field):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def fails(run):
        if run.epoch == 2:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full") as stopped:
        quietly(model, penalised, field, optimizer, 5, callbacks=[fails, EarlyStopping(3)])
    assert stopped.value.history["epoch"] == [1, 2]
    assert optimizer.steps == 2


def test_an_exception_at_the_end_has_the_history_too(field):
    class Ends:
        def on_end(self, run):
            raise OSError("the disk is full")

    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(OSError, match="full") as stopped:
        quietly(model, cross_entropy, field, optimizer, 2, callbacks=[Ends()])
    assert len(stopped.value.history) == 2


def test_a_function_that_gives_no_batches_is_told_so(field):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(TypeError, match="fit: data gives a NoneType for an epoch"):
        quietly(model, cross_entropy, lambda rng: None, optimizer, 2)


def test_an_interrupted_training_keeps_its_last_weights(field):
    model = network()
    seen = []

    def interrupt(run):
        seen.append(weights(model))
        if run.epoch == 4:
            raise KeyboardInterrupt

    optimizer = optim.SGD(model.parameters(), lr=9.0)
    with pytest.raises(KeyboardInterrupt):
        quietly(model, penalised, field, optimizer, 9, callbacks=[interrupt, EarlyStopping(9)])
    for path, w in weights(model).items():
        np.testing.assert_array_equal(w, seen[-1][path])


# ---- callbacks


class Told:
    def __init__(self, told, name):
        self.told, self.name = told, name

    def on_start(self, run):
        self.told.append((self.name, "start", run.epoch, run.step))

    def on_step(self, run):
        self.told.append((self.name, "step", run.epoch, run.step))

    def __call__(self, run):
        self.told.append((self.name, "epoch", run.epoch, run.step))

    def on_end(self, run):
        self.told.append((self.name, "end", run.epoch, type(run.error)))


def test_when_callbacks_are_called(field):
    told = []
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    quietly(model, penalised, field, optimizer, 2, batch_size=12, rng=0,
            callbacks=[Told(told, "a"), lambda run: told.append("function")])  # fmt: skip
    assert told == [
        ("a", "start", 0, 0),
        ("a", "step", 0, 1), ("a", "step", 0, 2), ("a", "epoch", 1, 2), "function",
        ("a", "step", 1, 3), ("a", "step", 1, 4), ("a", "epoch", 2, 4), "function",
        ("a", "end", 2, type(None)),
    ]  # fmt: skip


def test_on_end_is_called_of_those_that_were_started_whatever_happens(field):
    told = []
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    class Fails(Told):
        def on_start(self, run):
            super().on_start(run)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        quietly(
            model,
            penalised,
            field,
            optimizer,
            2,
            callbacks=[Told(told, "a"), Fails(told, "b"), Told(told, "c")],
        )
    assert told == [
        ("c", "start", 0, 0), ("b", "start", 0, 0),
        ("b", "end", 0, ZeroDivisionError), ("c", "end", 0, ZeroDivisionError),
    ]  # fmt: skip


def test_a_callback_can_stop_the_training_and_add_to_the_history(field):
    model = network()

    def right(run):
        z = model.eval()(run.dev[0]).data
        run.history[-1]["right"] = int(np.sum((z > 0) == run.dev[1]))
        if run.epoch == 3:
            run.stop("enough")

    history = quietly(model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 9, callbacks=[right])
    assert len(history) == 3
    assert history.stopped == "enough"
    assert all(0 <= n <= 17 for n in history["right"])
    assert repr(history).splitlines()[-1] == "stopped: enough"


def test_a_checkpoint_has_what_callbacks_behind_it_wrote(field, tmp_path):
    training = Training(field, tmp_path / "run.npz")
    training.run(2, lambda run: run.history[-1].update(right=run.epoch))
    assert [row["right"] for row in mg.load(tmp_path / "run.npz")["history"]] == [1, 2]


# ---- history


def test_history_is_plain_data():
    history = History({"epoch": i, "cost": 1 / i} for i in range(1, 13))
    assert history[-1] == {"epoch": 12, "cost": 1 / 12}
    assert history["cost"][2] == 1 / 3
    assert isinstance(history[2:5], History)
    assert history[2:5]["epoch"] == [3, 4, 5]
    assert [row["epoch"] for row in history] == list(range(1, 13))
    with pytest.raises(KeyError, match="there is no 'loss'; there are epoch, cost"):
        history["loss"]
    assert repr(History()) == "History: no epoch yet"
    assert History()["cost"] == []


def test_history_as_csv_is_read_back_to_the_bit(tmp_path):
    rows = [{"epoch": i, "cost": np.pi / i} for i in range(1, 4)]
    rows[2]["note"] = 'a "word", and another'
    history = History(rows)
    history.save(tmp_path / "history.csv")
    text = (tmp_path / "history.csv").read_text("utf-8")
    assert text == history.csv()
    back = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["cost"]) for row in back] == history["cost"]
    assert [row["note"] for row in back] == ["", "", 'a "word", and another']


def test_history_shows_the_first_and_the_last_rows():
    history = History({"epoch": i, "cost": 1 / i} for i in range(1, 13))
    lines = repr(history).splitlines()
    assert lines[0].split() == ["epoch", "cost"]
    assert [line.split()[0] for line in lines[1:]] == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "...",
        "8",
        "9",
        "10",
        "11",
        "12",
    ]
    assert lines[3].split() == ["3", "0.3333"]
    assert len(set(map(len, (line for line in lines if "..." not in line and "." in line)))) > 0


def test_the_columns_of_a_history(field):
    model = network()
    history = quietly(model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 2)
    assert history.columns == ["epoch", "cost", "dev_cost", "lr", "seconds"]
    assert all(
        type(x) is float and np.isfinite(x) and x >= 0 for name in history.columns[1:] for x in history[name]
    )
    history = quietly(model, penalised, (field.X, field.y), optim.SGD(model.parameters(), lr=0.1), 2)
    assert history.columns == ["epoch", "cost", "lr", "seconds"]
    assert len(quietly(model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 0)) == 0


# ---- progress


class Screen(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize(
    ("terminal", "asked", "shown"),
    [(True, None, True), (True, False, False), (True, True, True), (False, None, False), (False, True, True)],
)
@pytest.mark.parametrize("counted", [True, False])
def test_a_bar_is_shown_on_a_terminal_or_if_it_is_asked_for(
    field, monkeypatch, capsys, terminal, asked, shown, counted
):
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys, "stderr", Screen(terminal))
    model = network()
    data = batches_of(field, [12, 11])
    mg.fit(model, penalised, data if counted else lambda rng: data, optim.SGD(model.parameters(), lr=0.1), 3,
           dev=(field.X_dev, field.y_dev), progress=asked)  # fmt: skip
    text = sys.stderr.getvalue()
    if shown:
        assert ("6/6" if counted else "3/3") in text
        assert (" steps" if counted else " epochs") in text
        assert "dev_cost=" in text
    else:
        assert text == ""
    assert capsys.readouterr().out == ""


def test_without_tqdm_there_is_no_bar_and_no_error(field, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr(sys, "stderr", Screen(True))
    model = network()
    history = mg.fit(model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 3)
    assert len(history) == 3
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", None)
    assert not progress_module.wanted(True)


# ---- bad input


def bad(model, field):
    """How fit may be called wrongly: (changes of its arguments, type of error, message)."""
    X, y = field.X, field.y
    other = optim.SGD(network().parameters(), lr=0.1)
    foreign = optim.StepLR(other, 3)
    late = {"loss": lambda model, X, y: model(X)}
    return [
        ({"model": print}, TypeError, "model is a builtin_function_or_method; wanted an nn.Module"),
        ({"loss": None}, TypeError, r"loss is None; wanted a function of \(model, X, y\)"),
        ({"loss": nn.cross_entropy}, TypeError, r"loss takes \(logits, labels, reduction\), and is called "
         r"with \(model, X, y\); write, say, lambda model, X, y: cross_entropy\(model\(X\), y\)"),
        ({"loss": lambda z, y: z}, TypeError, r"loss takes \(z, y\)"),
        ({"optimizer": optim.SGD}, TypeError, "optimizer is the class SGD; wanted, say"),
        ({"optimizer": other}, ValueError, "the optimizer has none of the model's parameters"),
        ({"epochs": -1}, ValueError, "epochs=-1; wanted a whole number, 0 or more"),
        ({"epochs": 2.0}, ValueError, "epochs=2.0"),
        ({"epochs": True}, ValueError, "epochs=True"),
        ({"compiled": "numba"}, TypeError, "compiled='numba'; wanted True or False"),
        ({"data": X}, TypeError, r"data is a ndarray alone; wanted arrays \(X, y\)"),
        ({"data": iter([(X, y)])}, TypeError, "data is a list_iterator, which is used up after one epoch"),
        ({"data": []}, TypeError, "data is empty; wanted"),
        ({"data": "field"}, TypeError, "data is a str; wanted"),
        ({"data": 3}, TypeError, "data is a int; wanted"),
        ({"data": [(X, y), X]}, TypeError, "a batch is a ndarray; wanted a tuple of arrays"),
        ({"data": (X, y[:-1])}, ValueError, r"data has arrays \(23, 2\) and \(22, 1\); the first axis"),
        ({"data": (X[:0], y[:0])}, ValueError, r"must be equally long and not 0"),
        ({"data": lambda rng: []}, ValueError, "data gives no batch in epoch 1"),
        ({"data": lambda rng: [X]}, TypeError, "a batch is a ndarray; wanted a tuple of arrays"),
        ({"batch_size": 0, "rng": 0}, ValueError, "batch_size=0; wanted a whole number, 1 or more"),
        ({"batch_size": 6}, TypeError, "rng= is missing"),
        ({"rng": 0}, ValueError, "one batch has none; give batch_size="),
        ({"batch_size": 6, "rng": "seed"}, TypeError, "rng= takes"),
        ({"data": [(X, y)], "batch_size": 6, "rng": 0}, ValueError, "these data come in batches already"),
        ({"dev": X}, TypeError, "dev is a ndarray; wanted arrays"),
        ({"dev": (X, y[:3])}, ValueError, "dev has arrays"),
        ({"data": (X, y), "dev_loss": cross_entropy}, ValueError, "dev_loss is for a dev set"),
        ({"dev_loss": nn.cross_entropy}, TypeError, "dev_loss takes"),
        ({"schedule": other}, TypeError, "schedule is a SGD; wanted"),
        ({"schedule": foreign}, ValueError, "the schedule is of another optimizer"),
        ({"callbacks": print}, TypeError, r"callbacks is a builtin_function_or_method; wanted a list"),
        ({"callbacks": [EarlyStopping]}, TypeError, "the callback EarlyStopping is a class"),
        ({"callbacks": [3]}, TypeError, "the callback 3 is no function, and has none of on_start"),
        ({"callbacks": [print, print]}, ValueError, "is given twice"),
        ({"callbacks": [EarlyStopping(3)], "data": (X, y)}, ValueError, "EarlyStopping: there is no dev set"),
        ({**late, "compiled": False}, TypeError, r'the loss gives "?Z2"? \(23, 1\); wanted the cost'),
        (late, TypeError, r'the loss gives "?Z2"? \(23, 1\); wanted the cost'),
        ({"loss": lambda model, X, y: 3.0}, TypeError, "the loss gives a float; wanted the cost"),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(39))
def test_bad_input_gets_one_sentence_and_changes_nothing(field, number):
    model = network().eval()
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    named = {"model": model, "loss": penalised, "data": field, "optimizer": optimizer, "epochs": 3}
    cases = bad(model, field)
    assert len(cases) == 39
    changes, error, message = cases[number]
    before = repr((model.state_dict(), optimizer.state_dict(), [m.training for m in model.modules()]))
    with pytest.raises(error, match=message) as refused:
        quietly(**{**named, **changes})
    assert "\n" not in str(refused.value)
    after = repr((model.state_dict(), optimizer.state_dict(), [m.training for m in model.modules()]))
    if "loss" not in changes or changes["loss"] is None or not message.startswith("the loss"):
        assert after == before
    else:  # a forward pass was made before: its masks are drawn
        assert optimizer.steps == 0


def test_bad_arguments_of_callbacks():
    for patience in (0, 2.5, True):
        with pytest.raises(ValueError, match="EarlyStopping: patience="):
            EarlyStopping(patience)
    for min_delta in (-1, float("nan"), float("inf"), True):
        with pytest.raises(ValueError, match="EarlyStopping: min_delta="):
            EarlyStopping(3, min_delta=min_delta)
    with pytest.raises(ValueError, match="Checkpoint: every=0; wanted a whole number, 1 or more"):
        Checkpoint("run.npz", every=0)


def test_a_column_that_is_not_there_is_said(field):
    model = network()
    with pytest.raises(
        ValueError, match="there is no number 'accuracy', only epoch, cost, dev_cost, lr, seconds"
    ):
        quietly(model, penalised, field, optim.SGD(model.parameters(), lr=0.1), 3,
                callbacks=[EarlyStopping(3, monitor="accuracy")])  # fmt: skip


def test_a_dev_loss_may_be_a_number_and_must_be_one(field):
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def wrong(model, X, y):
        return int(np.sum((model(X).data > 0) != y))

    history = quietly(model, penalised, field, optimizer, 3, dev_loss=wrong)
    assert all(0 <= n <= 17 and n == int(n) for n in history["dev_cost"])
    with pytest.raises(TypeError, match=r"on the dev set the loss gives .*\(17, 1\); wanted one number"):
        quietly(model, penalised, field, optimizer, 3, dev_loss=lambda model, X, y: model(X))


# ---- the main job


def test_the_main_job_trains_with_fit(monkeypatch, field):
    from minigrad.experiments import training

    asked = []

    def watched(*given, **named):
        asked.append((given[4], named["compiled"]))
        return mg.fit(*given, **named)

    monkeypatch.setattr(training, "fit", watched)
    model = training.network((2, 4, 1), keep_prob=0.8, seed=0)
    costs = training.gradient_descent(model, field.X, field.y, steps=6, lr=0.1, lambd=0.9)
    assert len(costs) == 6
    assert asked == [(5, True), (1, False)]


def test_after_the_main_jobs_training_the_masks_are_those_of_the_last_step(field):
    from minigrad.experiments.training import cost, gradient_descent, network

    model, plain = (network((2, 8, 1), keep_prob=0.5, seed=0) for _ in range(2))
    gradient_descent(model, field.X, field.y, steps=6, lr=0.1)
    for _ in range(6):
        cost(plain, field.X, field.y)
    np.testing.assert_array_equal(model[2].mask.data, plain[2].mask.data)
