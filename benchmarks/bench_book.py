"""The live book of 20,000 contracts: latency of quotes, spot ticks and re-clocks, with histograms.

`python benchmarks/bench_book.py [OPERATIONS]` prints p50, p99 and a histogram of each work over
so many operations (default 1e5, a tenth of it for clocks), and the share of a core that
100,000 quotes a second take, with levels every 10 ms.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import books
import gexcore as gex
import numpy as np
import pytest
from gexcore import cpu
from gexcore.readings import followed

QUOTES = 1000  # between two looks at the levels
PERIOD = 0.01  # seconds from one look to the next
FEWER = {"clock and levels": 10}  # times fewer


def assert_batch(book: gex.Book) -> None:
    """Levels are those of the batch on the snapshot, bit for bit, and of formulas in NumPy."""
    now, levels = book.snapshot(), book.levels(exact=True)
    walls = (levels.call_wall.strike, levels.put_wall.strike)
    b, size = books.book_of(now.chain), now.chain.open_interest
    books.assert_levels(b, size, book.net()[0], levels.zero_gamma.value, walls)
    greeks = gex.compute_greeks(now.chain, ("gamma",))
    exposures = gex.compute_exposures(now.chain, greeks, now.positions)
    profile = gex.sweep_profile(now.chain, now.positions)
    for polish in (False, True):
        expected = followed(gex.find_levels(exposures, profile, polish=polish))
        assert book.levels(exact=polish).to_dict() == expected


def checked_book() -> gex.Book:
    """A book whose levels are those of the batch after some changes."""
    book = gex.Book(gex.synthetic_chain())
    book.update(5000, implied_vol=0.17)
    book.set_spot(5003.0)
    assert_batch(book)
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


def sustained(book: gex.Book, periods: int) -> float:
    """Share of each PERIOD that QUOTES quotes, one by one, and a look at the levels take."""
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(book), QUOTES * periods).tolist()
    vols = rng.uniform(0.1, 0.3, QUOTES * periods).tolist()
    busy, due = 0.0, time.perf_counter()
    for first in range(0, QUOTES * periods, QUOTES):
        start = time.perf_counter()
        for i in range(first, first + QUOTES):
            book.update(rows[i], vols[i])
        book.levels()
        busy += time.perf_counter() - start
        due += PERIOD
        time.sleep(max(due - time.perf_counter(), 0.0))
    return busy / (periods * PERIOD)


def test_sustained_rate(benchmark: Callable[..., Any]) -> None:
    """A period of the sustained rate: 1,000 quotes and the levels."""
    book = checked_book()
    benchmark.pedantic(sustained, (book, 1), rounds=20, warmup_rounds=1)
    assert_batch(book)


def latencies(run: Callable[[int], Any], count: int) -> Any:
    """Microseconds of each of `count` operations, after some that are not counted."""
    for i in range(min(count, 1000)):
        run(i)
    times = np.empty(count)
    for i in range(count):
        start = time.perf_counter_ns()
        run(1000 + i)
        times[i] = time.perf_counter_ns() - start
    return times / 1e3


def main() -> None:
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 100_000
    book = checked_book()
    print(f"{len(book)} contracts, {cpu.active()}")
    for name, run in operations(book).items():
        times = latencies(run, max(count // FEWER.get(name, 1), 1))
        p50, p99 = np.percentile(times, (50, 99))
        print(f"{name}: {len(times)} operations, p50 {p50:.1f} us, p99 {p99:.1f} us")
        edges = 2.0 ** np.arange(16)
        for low, held in zip(edges, np.histogram(times, np.append(edges, np.inf))[0], strict=True):
            if held:
                print(f"  from {low:7.0f} us {held:7d} {'#' * round(60 * held / len(times))}")
    share = sustained(book, 100)
    print(f"100,000 quotes a second, levels every 10 ms: {share:.1%} of a core")
    assert_batch(book)


if __name__ == "__main__":
    main()
