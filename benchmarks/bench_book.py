"""The live book of 20,000 contracts: latency of quotes, spot ticks and re-clocks, with histograms.

`python benchmarks/bench_book.py` prints p50 and p99 of each operation; GEXCORE_BENCH_OPERATIONS
sets how many (default 2000).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.readings import followed

OPERATIONS = int(os.environ.get("GEXCORE_BENCH_OPERATIONS", "2000"))


def checked_book() -> gex.Book:
    """A book whose levels are those of the batch after some changes."""
    book = gex.Book(gex.synthetic_chain())
    book.update(5000, implied_vol=0.17)
    book.set_spot(5003.0)
    now = book.snapshot()
    greeks = gex.compute_greeks(now.chain, ("gamma",))
    exposures = gex.compute_exposures(now.chain, greeks, now.positions)
    profile = gex.sweep_profile(now.chain, now.positions)
    for polish in (False, True):
        expected = followed(gex.find_levels(exposures, profile, polish=polish))
        assert book.levels(exact=polish).to_dict() == expected
    return book


def operations(book: gex.Book) -> dict[str, Callable[[int], Any]]:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(book), 4096).tolist()
    vols = rng.uniform(0.1, 0.3, 4096).tolist()
    spots = (5000 + np.cumsum(0.2 * rng.normal(size=4096))).tolist()

    def quote(i: int, exact: bool) -> None:
        book.update(rows[i % 4096], vols[i % 4096])
        book.levels(exact)

    def tick(i: int, exact: bool) -> None:
        book.set_spot(spots[i % 4096])
        book.regime(exact)

    def clock(_: int) -> None:
        book.set_time(1e-6)
        book.levels()

    return {
        "quote and levels": lambda i: quote(i, False),
        "quote and exact levels": lambda i: quote(i, True),
        "spot tick and fast regime": lambda i: tick(i, False),
        "spot tick and exact regime": lambda i: tick(i, True),
        "clock and levels": clock,
    }


@pytest.mark.benchmark(group="live book")
@pytest.mark.parametrize("name", list(operations(gex.Book(gex.synthetic_chain(n=2)))))
def test_live_book(benchmark: Callable[..., Any], name: str) -> None:
    run, count = operations(checked_book())[name], iter(range(sys.maxsize))
    run(0)
    benchmark(lambda: run(next(count)))


def main() -> None:
    for name, run in operations(checked_book()).items():
        for i in range(100):
            run(i)
        times = np.empty(OPERATIONS)
        for i in range(OPERATIONS):
            start = time.perf_counter_ns()
            run(100 + i)
            times[i] = time.perf_counter_ns() - start
        edges = 2.0 ** np.arange(0, 16)
        counts, _ = np.histogram(times / 1e3, np.append(edges, np.inf))
        p50, p99 = np.percentile(times / 1e3, (50, 99))
        print(f"{name}: p50 {p50:.1f} us, p99 {p99:.1f} us")
        for low, count in zip(edges, counts, strict=True):
            if count:
                print(f"  from {low:7.0f} us {count:7d} {'#' * int(60 * count / OPERATIONS)}")


if __name__ == "__main__":
    main()
