"""W2: gamma x position of a million contracts summed by strike, codes numbered beforehand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import numpy as np
import pytest

ROWS = 1_000_000
pytestmark = pytest.mark.benchmark(group="W2 gamma by strike")


@pytest.fixture(scope="module")
def million() -> books.Keyed:
    return books.keyed(ROWS)


def test_gamma_by_strike(benchmark: Callable[..., Any], million: books.Keyed) -> None:
    run = books.GammaByStrike(million)
    expected = books.numpy_gamma_by_strike(million)
    np.testing.assert_allclose(run(), expected, rtol=1e-9, atol=1e-10 * np.abs(expected).max())
    benchmark(run)
    books.note(benchmark, "ns_per_contract", ROWS)


def test_gamma_by_strike_in_numpy(benchmark: Callable[..., Any], million: books.Keyed) -> None:
    """The yardstick: NumPy and bincount."""
    assert (
        abs(
            books.numpy_gamma_by_strike(million).sum()
            / (million.weight @ books.numpy_gamma(million.book))
            - 1
        )
        < 1e-9
    )
    benchmark.pedantic(books.numpy_gamma_by_strike, (million,), rounds=10, warmup_rounds=1)
    books.note(benchmark, "ns_per_contract", ROWS)
