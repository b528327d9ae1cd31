"""W5: one call from Python, nine greeks of 1, 100 and 5,000 rows, output new or reused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import numpy as np
import pytest
from gexcore import bsm


def arguments(rows: int) -> books.Book:
    """Columns, or plain numbers for one row."""
    b = books.book(rows)
    if rows > 1:
        return b
    return books.Book(*(x[0].item() if isinstance(x, np.ndarray) else x for x in b))


@pytest.mark.benchmark(group="W5 one call")
@pytest.mark.parametrize("reused", [False, True], ids=["new", "out"])
@pytest.mark.parametrize("rows", [1, 100, 5000])
def test_one_call(benchmark: Callable[..., Any], rows: int, reused: bool) -> None:
    b = arguments(rows)
    result = bsm.greeks(*b, which=books.NINE)
    for name, expected in books.numpy_greeks(b).items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(result[name], expected, rtol=1e-9, atol=1e-11 * scale)
    if reused:
        benchmark(bsm.greeks, *b, which=books.NINE, out=result)
    else:
        benchmark(bsm.greeks, *b, which=books.NINE)
