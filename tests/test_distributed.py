"""Several processes: two workers of Dask's own scheduler, data that no worker could hold, one that dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import sleep
from typing import Any

import numpy as np
import pytest
from other_arrays import X, Y, assert_trains_the_same, optimizers

import minigrad as mg
from minigrad import nn

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
da = pytest.importorskip("dask.array")

limit = 320 * 2**20
"""Bytes that a worker may hold; Python with the packages takes a third of it."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A client of two processes on this machine, started once; no page, no fixed ports."""
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0"}
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "5s"}),  # to one that has died
        distributed.LocalCluster(
            **options, memory_limit=limit, silence_logs=50, scheduler_kwargs={"dashboard": False}
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def client(cluster: Any) -> Iterator[Any]:
    """What computes in a test: the two processes."""
    with cluster.as_current():
        yield cluster


def workers(client: Any) -> dict[str, Any]:
    return client.scheduler_info(n_workers=-1)["workers"]


def test_training_is_numpys_also_the_masks(client):
    x, y = da.from_array(X, chunks=((7, 13, 3), (3, 1))), da.from_array(Y, chunks=((11, 12), 1))
    assert_trains_the_same(x, y, da.from_array, optimizers()[1])


def test_data_larger_than_the_workers_memory(client):
    """A gradient of 704 MiB of numbers: each chunk is made where it is needed, and gone when it was used."""
    rows, n, blocks = 2**13, 128, 88

    def some_rows(block_id: tuple[int, ...]) -> np.ndarray:
        return np.linspace(-1, 2 + block_id[0] / 10, rows * n).reshape(rows, n)

    data = da.map_blocks(some_rows, chunks=((rows,) * blocks, (n,)), dtype=float, meta=np.empty((0, 0)))
    assert data.nbytes > limit * len(workers(client))
    W = mg.Tensor(da.ones((2, n)), requires_grad=True, name="W")
    J = np.mean(np.tanh(mg.Tensor(data, name="X") @ W.T / n) ** 2)
    cost, dW = client.gather(client.compute([J, mg.grad(J, W)]))

    c, g = 0.0, np.zeros((2, n))  # the same by hand, chunk by chunk
    m = rows * blocks
    for i in range(blocks):
        x = some_rows((i,))
        y = np.tanh(x @ np.ones((n, 2)) / n)
        c += np.sum(y**2) / (2 * m)
        g += (2 * y * (1 - y**2)).T @ x / n / (2 * m)
    assert cost.item() == pytest.approx(c, rel=1e-12)
    np.testing.assert_allclose(dW.data, g, rtol=0, atol=1e-12 * np.max(np.abs(g)))


def test_a_worker_that_dies_in_the_middle_of_a_step(client, tmp_path):
    """What it had is computed again elsewhere, masks included."""
    died = str(tmp_path / "died")

    def die_once(block: np.ndarray, block_id: tuple[int, ...]) -> np.ndarray:
        if block_id[0] == 2:
            try:
                os.close(os.open(died, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return block
            os._exit(1)
        return block

    before = set(workers(client))
    x = da.from_array(X, chunks=(8, 4)).map_blocks(die_once, dtype=float, meta=np.empty((0, 0)))
    assert_trains_the_same(x, da.from_array(Y, chunks=(8, 1)), da.from_array, optimizers()[0])
    assert os.path.exists(died)
    client.wait_for_workers(2, timeout=60)
    assert set(workers(client)) != before


def test_a_cluster_remembers_no_steps_and_what_it_made_outlives_it():
    """The scheduler's tasks do not grow with the steps; when it is gone, the parameters are still here."""
    options = {"n_workers": 1, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0"}
    model = nn.Sequential(nn.Linear(4, 3, rng=0), nn.BatchNorm1d(3), nn.Linear(3, 1, rng=1)).to(da.from_array)
    optimizer = mg.optim.Adam(model.parameters(), lr=0.05)
    x, y = da.from_array(X, chunks=(12, 4)), da.from_array(Y, chunks=(12, 1))

    def step() -> Any:
        J = nn.mse_loss(model(x), y)
        optimizer.zero_grad()
        J.backward()
        optimizer.step()
        return J

    with (
        distributed.LocalCluster(
            **options, silence_logs=50, scheduler_kwargs={"dashboard": False}
        ) as cluster,
        distributed.Client(cluster) as client,
    ):

        def forgets() -> bool:
            """Whether no task is left on the scheduler, which lets go of them a moment later."""
            for _ in range(100):
                if not client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
                    return True
                sleep(0.1)
            return False

        for _ in range(3):
            assert optimizer.persist(step())[0].item() > 0
            assert forgets()
        held = client.persist(y)
        J = nn.mse_loss(model(x), held)
        J.backward()
    before = [p.data for p in model.parameters()]
    with pytest.raises(Exception, match=r".") as caught:  # what the cluster held is lost with it
        optimizer.persist(J)
    assert "persist: nothing was changed" in caught.value.__notes__[0]
    assert all(p.data is array for p, array in zip(model.parameters(), before, strict=True))
    assert optimizer.persist(step())[0].item() > 0  # here, by threads
