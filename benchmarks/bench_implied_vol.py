"""W4: implied vols of a million prices, time values down to 1e-10 of spot, all moneynesses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import numpy as np
import pytest
from gexcore import bsm

ROWS = 1_000_000
SAMPLE = 20_000


@pytest.mark.benchmark(group="W4 implied vol")
def test_implied_vol(benchmark: Callable[..., Any]) -> None:
    p = books.priced(ROWS)
    vol, status = bsm.implied_vol(*p.arguments(), return_status=True)
    assert len(vol) == ROWS
    assert not status.any()
    # the prices are good to 3e-13 themselves
    assert books.vol_errors(vol, p).max() < 2e-12
    solved = p.book._replace(implied_vol=vol).head(SAMPLE)
    price = books.numpy_greeks(solved)["price"]
    np.testing.assert_allclose(price, p.price[:SAMPLE], rtol=1e-7, atol=1e-11 * books.SPOT)
    benchmark.pedantic(bsm.implied_vol, p.arguments(), rounds=10, warmup_rounds=1)
    books.note(benchmark, "ns_per_price", ROWS)
