"""W2: gamma x position of a million contracts summed by strike, codes numbered beforehand.

Net and gross in one pass; the yardstick sums net alone.
"""

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
    found = books.gamma_by_strike(million)
    net = books.numpy_gamma_by_strike(million)
    gross = books.numpy_gamma_by_strike(million._replace(weight=np.abs(million.weight)))
    atol = 1e-10 * gross.max()
    np.testing.assert_allclose(found.net, net, rtol=1e-9, atol=atol)
    np.testing.assert_allclose(found.gross, gross, rtol=1e-9, atol=atol)
    assert abs(found.total_net - net.sum()) < 1e-9 * gross.sum()
    benchmark(books.gamma_by_strike, million)
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
