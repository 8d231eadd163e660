"""Running what is to be run, one after the other or with an executor."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.context import SpawnContext, SpawnProcess
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Any, TypeVar

Task = tuple[Any, ...]
Result = TypeVar("Result")


class ExecutorFailed(RuntimeError):  # noqa: N818
    """An executor did not call what it was given: a worker was killed, it was shut down ..."""


def completed(
    function: Callable[..., Result], tasks: Sequence[Task], executor: Executor | None
) -> Generator[tuple[int, Result]]:
    """(position, function(*task)) for each task, as they are done.

    Closing the iterator cancels what has not begun; the executor is the caller's, and is left running.

    Raises:  ExecutorFailed, when all that can be given has been given; the function itself raises nothing.

    >>> list(completed(pow, [(2, 3), (3, 2)], None))
    [(0, 8), (1, 9)]
    """
    if executor is None:
        yield from ((i, function(*task)) for i, task in enumerate(tasks))
        return
    position: dict[Future[Result], int] = {}
    finished: SimpleQueue[Future[Result]] = SimpleQueue()  # as_completed waits for ever for what is cancelled
    failed: Exception | None = None
    try:
        try:
            for i, task in enumerate(tasks):
                future = executor.submit(function, *task)
                future.add_done_callback(finished.put)
                position[future] = i
        except Exception as error:  # broken, shut down, a task that cannot be sent; every library has its own
            failed = error
        for _ in range(len(position)):
            future = finished.get()
            try:
                yield position[future], future.result()
            except Exception as error:
                failed = failed or error
    finally:
        for future in position:
            future.cancel()
    if failed is not None:
        why = " ".join(str(failed).split()).rstrip(".") or "it was shut down"
        raise ExecutorFailed(f"{type(failed).__name__}: {why}") from failed


def spread(value: Any, executor: Executor | None) -> Any:
    """What stands for a value in tasks: itself; with Dask's executor, what each worker is sent once."""
    scatter = getattr(getattr(executor, "_client", None), "scatter", None)
    if scatter is None:
        return value
    with suppress(Exception):  # no worker is left: the executor itself will say so
        return scatter(value, broadcast=True)
    return value


def check_executor(executor: Any, sent: Sequence[Any]) -> None:
    """Raise TypeError for what is no executor, or for what cannot be sent to its processes."""
    if executor is None:
        return
    if isinstance(executor, type) or not isinstance(executor, Executor):
        raise TypeError(
            f"sweep: executor is {executor!r}; wanted a concurrent.futures.Executor, such as "
            "ThreadPoolExecutor(4), or Dask's client.get_executor()"
        )
    if isinstance(executor, ProcessPoolExecutor):
        for what in sent:
            try:
                pickle.dumps(what)
            except Exception as error:  # whatever a class's own __reduce__ raises
                raise TypeError(
                    f"sweep: {what!r} cannot be sent to a process: {error}; define it at the top of a module"
                ) from None


@contextmanager
def processes(workers: int) -> Iterator[Executor | None]:
    """Context: an executor with so many processes, whose work is dropped if an exception ends the context.

    One worker is none: the work is done in this process.
    """
    if workers == 1:
        yield None
        return
    # spawned, not forked: a fork copies the locks that other threads hold
    pool = ProcessPoolExecutor(workers, mp_context=_Context(), initializer=_begin_work)
    try:
        yield pool
    except BaseException:
        _terminate(pool)
        raise
    pool.shutdown()


class _Process(SpawnProcess):
    """A process that Ctrl-C, which reaches all those of a terminal, leaves alone from its first moment on."""

    def start(self) -> None:
        """Start it with the interrupt blocked, as it is then in the process."""
        if not hasattr(signal, "pthread_sigmask"):  # Windows
            super().start()
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Context(SpawnContext):
    Process = _Process


def _terminate(pool: ProcessPoolExecutor) -> None:
    """pool.terminate_workers(), which is there from Python 3.14 on."""
    running = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    until = monotonic() + 1
    # else the pool's thread stumbles over cancelled futures, and says so
    while getattr(pool, "_cancel_pending_futures", False) and monotonic() < until:
        sleep(0.01)
    for process in running:
        process.terminate()


def _begin_work() -> None:
    """In each process: leave Ctrl-C, which reaches all of them, to the one with the pool; end with it."""
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import os
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
