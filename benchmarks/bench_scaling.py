"""Scaling: two threads give the bits of one thread; cost per item stays as sizes grow, memory too.

python benchmarks/bench_scaling.py     # the table; `pytest` times single lines of it
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import books
import numpy as np
import pytest
from gexcore import bsm

CHUNK = 1_000_000
SAMPLE = 50
THREADS = 2
pytestmark = pytest.mark.benchmark(group="scaling")


def best_times(works: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Best seconds of each work; the works take turns."""
    best = dict.fromkeys(works, float("inf"))
    for _ in range(repeats):
        for name, work in works.items():
            begin = perf_counter()
            work()
            best[name] = min(best[name], perf_counter() - begin)
    return best


def chunks(rows: int) -> Iterator[books.Book]:
    """A book of any number of rows, a million at a time, no two chunks alike."""
    for first in range(0, rows, CHUNK):
        yield books.book(min(CHUNK, rows - first), seed=1 + first // CHUNK)


def greeks_of(rows: int) -> tuple[Any, float]:
    """Nine greeks of all chunks through one output; the last result and the calls' seconds."""
    out, seconds = None, 0.0
    for b in chunks(rows):
        begin = perf_counter()
        out = bsm.greeks(*b, which=books.NINE, out=out)
        seconds += perf_counter() - begin
        assert_sample(out, b)
    return out, seconds


def assert_sample(found: Any, b: books.Book) -> None:
    """The first rows of a chunk against formulas of the benchmarks."""
    for name, values in books.numpy_greeks(b.head(SAMPLE)).items():
        scale = np.abs(values).max()
        np.testing.assert_allclose(
            found[name][:SAMPLE], values, rtol=1e-9, atol=1e-11 * scale, err_msg=name
        )


def wide_sweep(rows: int, spots: int) -> books.Sweep:
    """A profile of any number of contracts, no two alike."""
    b = books.book(rows, seed=5)
    weight = np.where(b.is_call, 1.0, -1.0) * np.random.default_rng(6).integers(0, 5000, rows)
    return books.sweep_of(b, weight, spots)


def assert_profile(found: Any, s: books.Sweep) -> None:
    """Every twentieth spot against a direct evaluation in NumPy."""
    here = s._replace(spots=s.spots[::20])
    gross = np.abs(books.numpy_profile(here._replace(weight=np.abs(s.weight)))).max()
    np.testing.assert_allclose(found[::20], books.numpy_profile(here), rtol=0, atol=1e-11 * gross)


def greeks_by_threads(rows: int = 10_000_000) -> dict[str, Callable[[], Any]]:
    """W1 on one and two threads, bits compared."""
    b = books.book(rows)
    one = bsm.greeks(*b, which=books.NINE, threads=1)
    two = bsm.greeks(*b, which=books.NINE, threads=THREADS)
    assert_sample(one, b)
    assert all(np.array_equal(*(g[n].view(np.uint64) for g in (one, two))) for n in books.NINE)
    return {
        "one": lambda: bsm.greeks(*b, which=books.NINE, out=one, threads=1),
        "two": lambda: bsm.greeks(*b, which=books.NINE, out=one, threads=THREADS),
    }


def profiles_by_threads(rows: int = 1_000_000, spots: int = 100) -> dict[str, Callable[[], Any]]:
    """W3 on one and two threads, bits compared."""
    s = wide_sweep(rows, spots)
    one, two = (books.gamma_profile(s, threads=n) for n in (1, THREADS))
    assert_profile(one, s)
    assert one.tobytes() == two.tobytes()
    return {
        "one": lambda: books.gamma_profile(s, threads=1),
        "two": lambda: books.gamma_profile(s, threads=THREADS),
    }


@pytest.mark.parametrize("make", [greeks_by_threads, profiles_by_threads])
def test_two_threads(benchmark: Any, make: Callable[[], dict[str, Callable[[], Any]]]) -> None:
    works = make()
    if not benchmark.disabled:
        best = best_times(works, 10)
        benchmark.extra_info["times_one_thread"] = best["one"] / best["two"]
    benchmark.pedantic(works["two"], rounds=3)


def test_a_hundred_million_rows_in_bounded_memory(benchmark: Any) -> None:
    """One output and a few chunks, where all inputs and outputs would take ten gigabytes."""
    tracemalloc.start()
    seconds = benchmark.pedantic(lambda: greeks_of(100 * CHUNK), rounds=1)[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 72e6 < peak < 250e6  # nine columns of a chunk are in it
    benchmark.extra_info["ns_per_contract"] = seconds / (100 * CHUNK) * 1e9


def test_profile_of_a_million_contracts_at_400_spots(benchmark: Any) -> None:
    s = wide_sweep(1_000_000, 400)
    assert_profile(books.gamma_profile(s), s)
    benchmark.pedantic(books.gamma_profile, (s,), rounds=3)
    books.note(benchmark, "ns_per_pair", len(s.weight) * len(s.spots))


def main() -> None:
    """Print cost per item for growing sizes, and two threads against one."""
    print("| work | size | ns per item |\n|---|---|---|")
    for rows in (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000):
        repeats = max(1, min(200, 10_000_000 // rows))
        if rows <= CHUNK:
            b = books.book(rows)
            out = bsm.greeks(*b, which=books.NINE)
            work = {"W1": lambda b=b, out=out: bsm.greeks(*b, which=books.NINE, out=out)}
            seconds = best_times(work, repeats)["W1"]
        else:
            seconds = min(greeks_of(rows)[1] for _ in range(repeats))
        print(f"| W1, out= reused | {rows:,} | {seconds / rows * 1e9:.2f} |")
    for rows, spots in ((10_000, 100), (100_000, 100), (1_000_000, 100), (1_000_000, 400)):
        s = wide_sweep(rows, spots)
        work = {"W3": lambda s=s: books.gamma_profile(s)}
        seconds = best_times(work, max(3, 1_000_000 // rows))["W3"]
        print(f"| W3 | {rows:,} x {spots} | {seconds / (rows * spots) * 1e9:.4f} |")
    print(f"\n| work | one thread, ms | {THREADS} threads, ms | ratio |\n|---|---|---|---|")
    for name, make in (("W1, 1e7", greeks_by_threads), ("W3, 1e6 x 100", profiles_by_threads)):
        best = best_times(make(), 15)
        ratio = best["one"] / best["two"]
        print(f"| {name} | {best['one'] * 1e3:.1f} | {best['two'] * 1e3:.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
