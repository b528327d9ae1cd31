"""W1: nine greeks of a million contracts into a reused output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import numpy as np
import pytest
from gexcore import bsm

ROWS = 1_000_000
SAMPLE = 20_000
pytestmark = pytest.mark.benchmark(group="W1 nine greeks")


@pytest.fixture(scope="module")
def million() -> books.Book:
    return books.book(ROWS)


def assert_nine(found: Any, expected: dict[str, Any]) -> None:
    """Relative to the largest of each greek, since textbook formulas cancel in the wings."""
    for name, values in expected.items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(found[name], values, rtol=1e-9, atol=1e-11 * scale, err_msg=name)


def test_nine_greeks(benchmark: Callable[..., Any], million: books.Book) -> None:
    result = bsm.greeks(*million, which=books.NINE)
    head = {name: result[name][:SAMPLE] for name in books.NINE}
    assert_nine(head, books.numpy_greeks(million.head(SAMPLE)))
    benchmark(bsm.greeks, *million, which=books.NINE, out=result)
    books.note(benchmark, "ns_per_contract", ROWS)


@pytest.mark.skipif(not books.HAVE_SCIPY, reason=books.NO_SCIPY)
def test_nine_greeks_in_numpy(benchmark: Callable[..., Any], million: books.Book) -> None:
    """The yardstick: vectorised NumPy with SciPy's ndtr."""
    head = million.head(SAMPLE)
    assert_nine(books.numpy_greeks(head, books.fast_cdf), books.numpy_greeks(head))
    benchmark.pedantic(books.numpy_greeks, (million, books.fast_cdf), rounds=5, warmup_rounds=1)
    books.note(benchmark, "ns_per_contract", ROWS)
