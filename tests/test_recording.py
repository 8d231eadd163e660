"""Where recording is switched off and on: nesting, errors, decorators, threads, tasks."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad.switches import recording


def recorded() -> bool:
    """Whether what is computed here is recorded."""
    y = mg.Tensor(1.0, requires_grad=True) * 2
    assert y.requires_grad == (y.origin is not None) == recording.get()
    return y.requires_grad


@pytest.fixture(autouse=True)
def _recording_is_left_as_it_was():
    assert recorded()
    yield
    assert recorded()


# ---- contexts


def test_nesting():
    with mg.no_grad():
        assert not recorded()
        with mg.enable_grad():
            assert recorded()
            with mg.no_grad():
                assert not recorded()
            assert recorded()
        assert not recorded()
    assert recorded()


def test_one_object_may_be_entered_again_and_again():
    off = mg.no_grad()
    with off:
        with off:
            assert not recorded()
        assert not recorded()
    with off:
        assert not recorded()


def test_exceptions_restore():
    for context in (mg.no_grad(), mg.enable_grad()):
        with pytest.raises(KeyError), context:
            raise KeyError
        assert recorded()
    with mg.no_grad():
        with pytest.raises(ValueError, match="matmul"), mg.enable_grad():
            mg.Tensor([1.0, 2.0]) @ mg.Tensor([1.0, 2.0, 3.0])
        assert not recorded()


def test_inside_no_grad_results_are_leaves_and_hold_nothing():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    with mg.no_grad():
        y = np.exp(x) * x
        z = x[0] > 1
    for t in (y, z):
        assert t.is_leaf
        assert not t.requires_grad
    held = weakref.ref(x)
    gc.collect()
    del x
    assert held() is None
    y.requires_grad = True  # so it can begin a graph of its own
    np.sum(y * y).backward()
    np.testing.assert_allclose(y.grad, 2 * y)


class Interrupted:
    """A context variable; after the `when`-th call of all, where Python looks for signals, comes a Ctrl-C."""

    calls, when = 0, 0

    def __init__(self, variable):
        self.variable = variable

    def __getattr__(self, name):
        def called(*args):
            found = getattr(self.variable, name)(*args)
            Interrupted.calls += 1
            if Interrupted.calls == Interrupted.when:
                raise KeyboardInterrupt
            return found

        return called


def test_a_ctrl_c_while_a_context_is_entered_or_left(monkeypatch):
    from minigrad import recording as module

    for name in ("recording", "_outer"):
        monkeypatch.setattr(module, name, Interrupted(getattr(module, name)))
    for outer in (mg.enable_grad, mg.no_grad):
        for when in range(1, 50):
            with outer():
                Interrupted.calls, Interrupted.when = 0, when
                on, depth = recording.get(), len(module._outer.variable.get())
                try:
                    with mg.no_grad():
                        pass
                except KeyboardInterrupt:
                    pass
                else:
                    break
                finally:
                    Interrupted.when = 0
                assert (recording.get(), len(module._outer.variable.get())) == (on, depth)
        assert when == 8  # seven calls, none of which is a place where recording stays off


# ---- decorators


def test_functions():
    @mg.no_grad()
    def evaluate(x, *, factor=1):
        """What it does."""
        return recorded(), x * factor

    assert evaluate(2, factor=3) == (False, 6)
    assert evaluate.__name__ == "evaluate"
    assert evaluate.__doc__ == "What it does."

    @mg.enable_grad()
    def inner():
        return recorded()

    @mg.no_grad()
    def outer():
        return recorded(), inner(), recorded()

    assert outer() == (False, True, False)


def test_recursive_functions():
    @mg.no_grad()
    def count(n):
        return [recorded(), *count(n - 1)] if n else [recorded()]

    assert count(5) == [False] * 6


def test_functions_that_raise():
    @mg.no_grad()
    def broken():
        raise KeyError

    with pytest.raises(KeyError):
        broken()
    assert recorded()


def test_methods():
    class Model:
        @mg.no_grad()
        def predict(self, x):
            return self, recorded(), x

    model = Model()
    assert model.predict(1) == (model, False, 1)


def test_generators_switch_only_their_own_code():
    @mg.no_grad()
    def numbers():
        for i in range(3):
            assert not recorded()
            yield i
        assert not recorded()
        return "the end"

    for _ in numbers():
        assert recorded()
    generator = numbers()
    assert list(zip(range(3), generator, strict=False)) == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "the end"


def test_generators_are_sent_to_thrown_into_and_closed():
    log = []

    @mg.no_grad()
    def echo():
        value = None
        try:
            while True:
                try:
                    value = yield value
                except KeyError as error:
                    value = repr(error)
                log.append(recorded())
        finally:
            log.append("closed" if not recorded() else "closed, but recorded")

    generator = echo()
    assert next(generator) is None
    assert generator.send(5) == 5
    assert generator.throw(KeyError("a")) == "KeyError('a')"
    assert recorded()
    generator.close()
    assert log == [False, False, "closed"]
    generator = echo()
    next(generator)
    with pytest.raises(ValueError, match="not caught"):
        generator.throw(ValueError("not caught"))
    assert recorded()
    assert log[-1] == "closed"


def test_generators_keep_nothing_alive_after_an_error():
    gc.collect()
    gc.disable()
    try:

        @mg.no_grad()
        def echo(thing):
            yield thing

        def attempt():
            thing = mg.Tensor(1.0)
            generator = echo(thing)
            next(generator)
            with pytest.raises(KeyError):
                generator.throw(KeyError("a"))
            return weakref.ref(thing)

        assert attempt()() is None
    finally:
        gc.enable()


def test_interleaved_generators():
    @mg.no_grad()
    def off():
        while True:
            yield recorded()

    @mg.enable_grad()
    def on():
        while True:
            yield recorded()

    a, b = off(), on()
    with mg.no_grad():
        assert [next(a), next(b), recorded(), next(b), next(a)] == [False, True, False, True, False]
    assert [next(a), next(b), recorded()] == [False, True, True]


def test_a_generator_left_inside_no_grad_does_not_leave_it_off():
    """An undecorated generator that stops inside the context switches its caller too, until it goes on."""

    def leaky():
        with mg.no_grad():
            yield

    generator = leaky()
    next(generator)
    assert not recorded()
    with mg.enable_grad():
        generator.close()
    assert recorded()


def test_coroutines():
    @mg.no_grad()
    async def evaluate():
        before = recorded()
        await asyncio.sleep(0)
        return before, recorded()

    async def main():
        return await evaluate(), recorded()

    assert asyncio.run(main()) == ((False, False), True)


def test_asynchronous_generators_are_refused():
    with pytest.raises(TypeError, match="numbers is an asynchronous generator: use `with` between"):

        @mg.no_grad()
        async def numbers():
            yield 1


# ---- threads and tasks


def test_threads_do_not_see_each_other():
    """Each thread is in the middle of its context while the other looks."""
    barrier = threading.Barrier(3, timeout=10)
    seen: dict[str, list[bool]] = {}

    def work(name, context):
        seen[name] = [recorded()]
        with context:
            barrier.wait()
            seen[name].append(recorded())
            barrier.wait()
        seen[name].append(recorded())

    threads = [
        threading.Thread(target=work, args=("off", mg.no_grad())),
        threading.Thread(target=work, args=("on", mg.enable_grad())),
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    assert recorded()
    barrier.wait()
    for thread in threads:
        thread.join()
    assert seen == {"off": [True, False, True], "on": [True, True, True]}


def test_one_object_shared_by_threads():
    off = mg.no_grad()
    barrier = threading.Barrier(8, timeout=10)

    def work(i):
        for _ in range(50):
            with off:
                barrier.wait()
                assert not recorded()
            assert recorded()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_threads_record_graphs_of_their_own(rng):
    data = rng.normal(size=(8, 5))

    def work(i):
        x = mg.Tensor(data[i], requires_grad=True)
        for _ in range(20):
            x.grad = None
            np.sum(np.tanh(x) * x).backward()
            with mg.no_grad():
                x -= 0.0 * x.grad
        return x.grad.numpy()

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    np.testing.assert_array_equal(together, [work(i) for i in range(8)])


def test_tasks_do_not_see_each_other():
    off = mg.no_grad()

    async def work(context, expected):
        for _ in range(5):
            assert recorded()
            with context:
                await asyncio.sleep(0)
                assert recorded() is expected
                await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def main():
        await asyncio.gather(
            *(work(off, False) for _ in range(4)),
            *(work(mg.enable_grad(), True) for _ in range(4)),
        )

    asyncio.run(main())


def test_tasks_begin_as_where_they_were_made():
    async def look():
        await asyncio.sleep(0)
        return recorded()

    async def main():
        with mg.no_grad():
            task = asyncio.create_task(look())
            in_thread = await asyncio.to_thread(recorded)
        return await task, in_thread, await look()

    assert asyncio.run(main()) == (False, False, True)


def test_backward_in_a_thread_while_another_is_in_no_grad():
    barrier = threading.Barrier(2, timeout=10)

    def off():
        with mg.no_grad():
            for _ in range(20):
                barrier.wait()
        return True

    def second_order():
        x = mg.Tensor(2.0, requires_grad=True)
        for _ in range(20):
            barrier.wait()
            dx = mg.grad(x**3, x, create_graph=True)
            assert mg.grad(dx, x).item() == 12
        return True

    with ThreadPoolExecutor(2) as pool:
        assert all(f.result() for f in [pool.submit(off), pool.submit(second_order)])
