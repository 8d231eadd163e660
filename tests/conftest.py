"""What the tests share."""

import signal
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pytest

from minigrad.derivatives.further import fourier  # noqa: F401  (all rows are there before any test)
from minigrad.table import compositions, table
from minigrad.transforms import checkpoint as checkpoint  # its row is there before any test, and so stays

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell: processes that tests
    with suppress(ValueError):  # start and interrupt would ignore it, too
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator; a new one for every test."""
    return np.random.default_rng(20)


@pytest.fixture(autouse=True)
def _rows_of_one_test_are_not_anothers() -> Iterator[None]:
    """Rows that a test enters into the table are taken out after it."""
    before = dict(table), dict(compositions)
    yield
    for entered, old in zip((table, compositions), before, strict=True):
        entered.clear()
        entered.update(old)
