"""save and load: what is kept, what a crash leaves, damaged and foreign files, training that goes on."""

import errno
import io
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.random import restore_generator

root = Path(__file__).parent.parent

generators = {
    "PCG64": lambda seed: np.random.Generator(np.random.PCG64(seed)),
    "PCG64DXSM": lambda seed: np.random.Generator(np.random.PCG64DXSM(seed)),
    "MT19937": lambda seed: np.random.Generator(np.random.MT19937(seed)),
    "Philox": lambda seed: np.random.Generator(np.random.Philox(seed)),
    "SFC64": lambda seed: np.random.Generator(np.random.SFC64(seed)),
    "RandomState": np.random.RandomState,
    "RandomState of PCG64": lambda seed: np.random.RandomState(np.random.PCG64(seed)),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


def saved_and_loaded(path, value):
    mg.save(path, value)
    return mg.load(path)


def assert_same(a, b):
    """Equal in value, type, dtype, shape and order of keys; nan is nan."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray | np.generic):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert repr(a) == repr(b) if isinstance(a, float) else a == b


# ---- what is kept

numbers = [0, -1, True, False, None, 2**63 - 1, 2**63, -(2**63), -(2**200), 3 << 40_000]
floats = [0.1, -0.0, float("nan"), float("inf"), -float("inf"), 5e-324, 1.7976931348623157e308]
texts = ["", "λ", "a\0", "\ud800", "\n", '"', "array", "x" * 10_000]
containers = [
    [],
    (),
    {},
    [[]],
    ((),),
    {"": {}},
    (1, [2, (3,)]),
    {1: "a", "1": "b", -5: None},
    {"array": 0},
    {"dict": [1]},
]
arrays = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.arange(6.0)[::-2],
    np.broadcast_to(np.float32(3), (2, 2)),
    np.array(3.0),
    np.array(3.0, dtype=np.float32),
    np.zeros((0, 3), dtype=np.float16),
    np.zeros((2, 0, 3), dtype=int),
    np.array([True, False]),
    np.array([np.nan, np.inf, -0.0]),
    np.array([1 + 2j]),
    np.array([2**64 - 1], dtype=np.uint64),
    np.array(["λ", "abc"]),
    np.array([1, 2], dtype=">i4"),
    np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
    np.array(["2024-01-01"], dtype="datetime64[D]"),
]
scalars = [np.float64(0.1), np.float32(0.1), np.int8(-3), np.bool(True), np.str_("a"), np.complex64(1j)]


@pytest.mark.parametrize(
    "value", [*numbers, *floats, *texts, *containers, *arrays, *scalars], ids=lambda v: type(v).__name__
)
def test_values_and_types_are_kept(value, path):
    assert_same(saved_and_loaded(path, value), value)
    nested = {"list": [value, (value,)], "dict": {"value": value}}
    assert_same(saved_and_loaded(path, nested), nested)


def test_random_states_are_kept(path):
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies
    leaves = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(arrays)
    )
    states = st.recursive(
        leaves,
        lambda x: st.one_of(
            st.lists(x, max_size=4),
            st.tuples(x, x),
            st.dictionaries(st.one_of(st.text(), st.integers()), x, max_size=4),
        ),
        max_leaves=12,
    )

    @hypothesis.given(states)
    @hypothesis.settings(max_examples=150, deadline=None, database=None, derandomize=True)
    def check(state):
        assert_same(saved_and_loaded(path, state), state)

    check()


def test_loaded_arrays_can_be_changed(path):
    array = saved_and_loaded(path, np.arange(3.0))
    array[0] = 7


def test_a_tensor_is_saved_as_its_array(path):
    W = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="W", dtype=np.float32)
    assert_same(
        saved_and_loaded(path, [W, W * 2]), [np.array([[1, 2]], np.float32), np.array([[2, 4]], np.float32)]
    )


@pytest.mark.parametrize("kind", generators)
def test_a_generator_is_saved_as_its_state(kind, path):
    rng, other = generators[kind](3), generators[kind](4)
    rng.random(5)
    rng.standard_normal(3)  # leaves half a pair behind in a RandomState
    rng.integers(0, 9, 3, dtype=np.uint32) if isinstance(rng, np.random.Generator) else rng.randint(0, 9, 3)
    restore_generator(other, saved_and_loaded(path, {"rng": rng})["rng"])
    np.testing.assert_array_equal(rng.random(9), other.random(9))
    np.testing.assert_array_equal(rng.standard_normal(9), other.standard_normal(9))
    np.testing.assert_array_equal(rng.permutation(9), other.permutation(9))


def test_one_state_gives_one_file(tmp_path, monkeypatch):
    state = {"W": np.eye(2), "step": 3}
    mg.save(tmp_path / "a", state)
    monkeypatch.setattr(time, "time", lambda: 1e9)
    mg.save(tmp_path / "b", state)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_is_read_by_numpy_and_by_people(path):
    mg.save(path, {"W": np.eye(2)})
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["array_0"], np.eye(2))
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("structure.json")) == {"dict": [["W", {"array": 0}]]}


def test_a_path_may_be_a_text_or_a_link_and_needs_no_ending(tmp_path):
    mg.save(str(tmp_path / "run"), 1)
    assert mg.load(str(tmp_path / "run")) == 1
    (tmp_path / "latest").symlink_to(tmp_path / "run")
    mg.save(tmp_path / "latest", 2)
    assert (tmp_path / "latest").is_symlink()
    assert mg.load(tmp_path / "run") == 2


# ---- what cannot be saved


class Own:
    pass


ring: list = []
ring.append(ring)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            Own(),
            TypeError,
            r"state\['a'\]\[1\] is a Own, which cannot be saved; give numbers, strings or arrays",
        ),
        (mg.nn.Linear(2, 2, rng=0), TypeError, r"state\['a'\]\[1\] is a Linear, .* give its state_dict\(\)"),
        (
            mg.optim.SGD([mg.Tensor(1.0, requires_grad=True)], lr=1),
            TypeError,
            r"is a SGD, .* give its state_dict\(\)",
        ),
        (np.array([None]), TypeError, r"state\['a'\]\[1\] is a ndarray of object"),
        (np.array(["a"], dtype=np.dtypes.StringDType()), TypeError, "is a ndarray of StringDType"),
        (np.ma.masked_array([1, 2], [0, 1]), TypeError, "is a MaskedArray"),
        ({1, 2}, TypeError, "is a set"),
        (1j, TypeError, "is a complex"),
        (b"bytes", TypeError, "is a bytes"),
        (len, TypeError, "is a builtin_function_or_method"),
        ({1.5: 2}, TypeError, r"state\['a'\]\[1\] has the key 1.5; keys must be strings or whole numbers"),
        ({True: 2}, TypeError, "has the key True"),
        ({None: 2}, TypeError, "has the key None"),
        (ring, ValueError, "the state contains itself, or is nested too deep"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(value, error, message, path):
    mg.save(path, "old")
    with pytest.raises(error, match=f"save: .*{message}") as caught:
        mg.save(path, {"a": [1, value]})
    assert "\n" not in str(caught.value)
    assert mg.load(path) == "old"
    assert os.listdir(path.parent) == [path.name]


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"save: .* is a folder"):
        mg.save(tmp_path, 1)
    with pytest.raises(FileNotFoundError, match=r"save: there is no folder .*nowhere"):
        mg.save(tmp_path / "nowhere" / "run", 1)
    with pytest.raises(IsADirectoryError):
        mg.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"load: there is no file .*nothing"):
        mg.load(tmp_path / "nothing")
    assert os.listdir(tmp_path) == []


# ---- crashes


def large(k):
    """A state whose parts all say k, long enough to be cut in the middle."""
    return {"first": k, "arrays": [np.full(50_000, k) for _ in range(4)], "last": k}


def assert_whole(state):
    assert {state["first"], state["last"], *(int(v) for a in state["arrays"] for v in np.unique(a))} == {
        state["first"]
    }
    assert [a.shape for a in state["arrays"]] == [(50_000,)] * 4


def failing(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "place", ["os.replace", "os.fsync", "numpy.lib.format.write_array", "zipfile.ZipFile.writestr"]
)
def test_a_failure_anywhere_leaves_the_old_file_and_nothing_else(place, path, monkeypatch):
    mg.save(path, large(1))
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(place, failing)
        with pytest.raises(OSError, match="No space left"):
            mg.save(path, large(2))
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    mg.save(path, large(2))
    assert mg.load(path)["first"] == 2


@pytest.mark.skipif(os.name != "posix", reason="limits of a process")
def test_a_full_disk_leaves_the_old_file(path):
    import resource

    mg.save(path, large(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
        with pytest.raises(OSError, match="File too large"):
            mg.save(path, large(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert_whole(mg.load(path))
    assert mg.load(path)["first"] == 1
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupt_leaves_the_old_file(path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    mg.save(path, large(1))
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mg.save(path, large(2))
    assert mg.load(path)["first"] == 1
    assert os.listdir(path.parent) == [path.name]


def child(code, path):
    source = (
        "import os, signal, numpy as np, minigrad as mg\nfrom test_state import large\n"
        + textwrap.dedent(code)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "tests")])}
    return subprocess.Popen(
        [sys.executable, "-c", source, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    )


kills = {
    "in an array": """
        whole = np.lib.format.write_array
        def write(file, array, **options):
            whole(file, array[: len(array) // 2], **options)
            os.kill(os.getpid(), signal.SIGKILL)
        np.lib.format.write_array = write
    """,
    "before the flush": "os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)",
    "before the renaming": "os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("moment", kills)
def test_a_killed_process_leaves_the_old_file_whole(moment, path):
    mg.save(path, large(1))
    before = path.read_bytes()
    code = f"{textwrap.dedent(kills[moment])}\nimport sys\nmg.save(sys.argv[1], large(2))\n"
    process = child(code, path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert len(os.listdir(path.parent)) == 2  # what was begun lies beside it, under another name
    mg.save(path, large(3))
    assert_whole(mg.load(path))


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_process_that_is_killed_at_any_time_leaves_a_whole_file(path):
    mg.save(path, large(0))
    code = """
        import sys
        k = mg.load(sys.argv[1])["first"]
        print("ready", flush=True)
        while True:
            k += 1
            mg.save(sys.argv[1], large(k))
    """
    chance, last = random.Random(4), 0
    for _ in range(4):
        process = child(code, path)
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.02, 0.08))
        process.kill()
        process.communicate(timeout=60)
        state = mg.load(path)
        assert_whole(state)
        assert state["first"] >= last
        last = state["first"]
    assert last > 0


def test_two_threads_that_save_at_once_do_not_mix(path):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda k: mg.save(path, large(k)), range(12)))
    assert_whole(mg.load(path))
    assert os.listdir(path.parent) == [path.name]


# ---- damaged, foreign and malicious files


def refused(path):
    with pytest.raises(
        ValueError, match=re.escape(f"load: {path} is not a file that minigrad.save wrote")
    ) as caught:
        mg.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_was_cut_anywhere_is_refused(path):
    mg.save(path, {"W": np.arange(20.0), "b": (1, "λ"), "more": [np.eye(3)]})
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        refused(path)


def test_a_changed_byte_is_found_or_harmless(path):
    state = {"W": np.arange(20.0), "b": (1, "λ"), "more": [np.eye(3)]}
    mg.save(path, state)
    whole = path.read_bytes()
    found = 0
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :])
        try:
            loaded = mg.load(path)
        except ValueError:
            refused(path)
            found += 1
        else:
            assert_same(loaded, state)
    assert found > len(whole) / 3 / 2


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def archive(path, entries):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def test_no_code_of_a_file_is_run(path, tmp_path):
    trap = tmp_path / "sprung"
    objects = np.array([Trap(trap)], dtype=object)
    refused_files = {
        "pickle": lambda: path.write_bytes(pickle.dumps(Trap(trap))),
        "npy": lambda: path.write_bytes(npy(objects, allow_pickle=True)),
        "npz": lambda: np.savez(path, structure=objects),
        "ours": lambda: archive(
            path, {"structure.json": '{"array": 0}', "array_0.npy": npy(objects, allow_pickle=True)}
        ),
        "structure": lambda: archive(path, {"structure.json": pickle.dumps(Trap(trap))}),
    }
    for write in refused_files.values():
        write()
        refused(path)
        assert not trap.exists()
    pickle.loads(pickle.dumps(Trap(trap))).close()
    assert trap.exists()  # the trap works


header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")


@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"structure": "{}"},
        {"structure.json": ""},
        {"structure.json": "{}"},
        {"structure.json": "{"},
        {"structure.json": b"\xff\xfe"},
        {"structure.json": '{"array": 0}'},
        {"structure.json": '{"array": "../../etc/passwd"}'},
        {"structure.json": '{"array": [1]}'},
        {"structure.json": '{"array": 0, "tuple": []}'},
        {"structure.json": '{"object": "os.system"}'},
        {"structure.json": '{"int": "12; x"}'},
        {"structure.json": '{"int": 12}'},
        {"structure.json": '{"tuple": 3}'},
        {"structure.json": '{"dict": [[[1], 2]]}'},
        {"structure.json": '{"dict": [["a"]]}'},
        {"structure.json": '{"dict": {"a": 1}}'},
        {"structure.json": "[" * 100_000 + "]" * 100_000},
        {"structure.json": '{"tuple": [' * 2000 + "]}" * 2000},
        {"structure.json": '{"array": 0}', "array_0.npy": b""},
        {"structure.json": '{"array": 0}', "array_0.npy": b"abc"},
        {"structure.json": '{"array": 0}', "array_0.npy": npy(np.eye(2))[:-3]},
        {"structure.json": '{"array": 0}', "array_0.npy": npy(np.zeros(1)).replace(b"(1,)", b"(9**9**9,)")},
        {
            "structure.json": '{"array": 0}',
            "array_0.npy": npy(np.zeros(1)).replace(b"(1,), }      ", b"(1000000000000,), }"),
        },
    ],
    ids=str,
)
def test_a_malicious_archive_is_refused(entries, path):
    archive(path, entries)
    refused(path)


def test_foreign_files_are_refused(path):
    contents = [
        b"",
        b"\0" * 1000,
        b"PK\x05\x06" + b"\0" * 18,
        b"hello",
        json.dumps({"a": 1}).encode(),
        npy(np.eye(2)),
    ]
    for content in contents:
        path.write_bytes(content)
        refused(path)
    np.savez(path, W=np.eye(2))
    assert "structure.json" in refused(path)
    np.savez_compressed(path, W=np.eye(2))
    refused(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_an_oserror(path):
    mg.save(path, 1)
    path.chmod(0)
    with pytest.raises(PermissionError):
        mg.load(path)


# ---- training that goes on

m, batch, steps = 20, 7, 8


class Run:
    """A training run that can be stopped after any step: model, optimizer, schedule, shuffled batches."""

    def __init__(self, kind, optimizer, schedule, seed):
        rng = generators[kind]
        self.model = mg.nn.Sequential(
            mg.nn.Linear(5, 4, rng=rng(seed)),
            mg.nn.ReLU(),
            mg.nn.Dropout(keep_prob=0.8, rng=rng(seed + 1)),
            mg.nn.Linear(4, 1, rng=rng(seed + 2)),
        )
        self.optimizer = optimizer(self.model.parameters())
        self.schedule = schedule(self.optimizer)
        self.rng = rng(seed + 3)
        self.order = []
        self.costs = []
        data = np.random.default_rng(0)
        self.X = data.standard_normal((m, 5))
        self.Y = (self.X[:, :1] > 0).astype(float)

    def step(self):
        if len(self.order) == 0:
            self.order = self.rng.permutation(m)
        rows, self.order = self.order[:batch], self.order[batch:]
        J = mg.nn.binary_cross_entropy_with_logits(self.model(self.X[rows]), self.Y[rows])
        J = J + mg.nn.l2_penalty(self.model, lambd=0.9, m=m)
        self.optimizer.zero_grad()
        J.backward()
        self.optimizer.step()
        self.schedule.step()
        self.costs.append(J.item())

    def save(self, path):
        mg.save(path, {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": self.rng,
            "order": self.order,
            "costs": self.costs,
        })  # fmt: skip

    def load(self, path):
        state = mg.load(path)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        restore_generator(self.rng, state["rng"])
        self.order, self.costs = state["order"], state["costs"]


optimizers = {
    "momentum": lambda ps: mg.optim.SGD(ps, lr=0.1, momentum=0.9),
    "Nesterov": lambda ps: mg.optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "Adam": lambda ps: mg.optim.Adam(ps, lr=0.05),
    "AdamW": lambda ps: mg.optim.AdamW(ps, lr=0.05, weight_decay=0.1),
}
schedules = {
    "step": lambda optimizer: mg.optim.StepLR(optimizer, 3, gamma=0.7),
    "cosine": lambda optimizer: mg.optim.CosineLR(optimizer, 10, lr_min=0.001),
}
settings = [("PCG64", name, "step") for name in optimizers] + [
    (kind, "Adam", "cosine") for kind in generators
]


@pytest.mark.parametrize(("kind", "optimizer", "schedule"), settings)
def test_training_goes_on_bit_for_bit(kind, optimizer, schedule, path):
    arguments = kind, optimizers[optimizer], schedules[schedule]
    straight = Run(*arguments, seed=0)
    for _ in range(steps):
        straight.step()
    for stop in range(steps + 1):
        first = Run(*arguments, seed=0)
        for _ in range(stop):
            first.step()
        first.save(path)
        resumed = Run(*arguments, seed=100)
        resumed.load(path)
        for _ in range(steps - stop):
            resumed.step()
        assert resumed.costs == straight.costs
        assert resumed.optimizer.lr == straight.optimizer.lr
        for p, q in zip(straight.model.parameters(), resumed.model.parameters(), strict=True):
            assert p.data.tobytes() == q.data.tobytes()


def test_a_run_goes_on_in_another_process(path):
    arguments = "PCG64", optimizers["Adam"], schedules["cosine"]
    straight, first = Run(*arguments, seed=0), Run(*arguments, seed=0)
    for _ in range(steps):
        straight.step()
    for _ in range(3):
        first.step()
    first.save(path)
    code = f"""
        import sys
        from test_state import Run, optimizers, schedules
        run = Run("PCG64", optimizers["Adam"], schedules["cosine"], seed=9)
        run.load(sys.argv[1])
        for _ in range({steps - 3}):
            run.step()
        print(b"".join(p.data.tobytes() for p in run.model.parameters()).hex())
    """
    out, _ = child(code, path).communicate(timeout=60)
    assert out.strip() == b"".join(p.data.tobytes() for p in straight.model.parameters()).hex()
