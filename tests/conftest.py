"""What the tests share."""

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator; a new one for every test."""
    return np.random.default_rng(20)
