"""The package beside other libraries: time, ratio and error of each work, in one run.

python benchmarks/peers.py [--works W1,W4] [--rows 1000000] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from math import inf
from pathlib import Path
from time import perf_counter
from typing import Any

# One thread each; read by the libraries when they are first imported.
os.environ.update(
    OMP_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    NUMBA_NUM_THREADS="1",
    POLARS_MAX_THREADS="1",
    GEXCORE_NUM_THREADS="1",
    JAX_ENABLE_X64="1",
    JAX_PLATFORMS="cpu",
    XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
)

import books
import rivals
import rivals.greeks
import rivals.paths
import rivals.profiles
import rivals.sums
import rivals.vols
from rivals import oracle

CALLS = (1, 100, 5000)
PACKAGES = (
    "gexcore", "numpy", "scipy", "numba", "torch", "jax", "fast-vollib", "pyvolr",
    "py_vollib_vectorized", "polars", "pandas", "QuantLib", "msgspec",
)  # fmt: skip
OF_CALLS = ("gexcore", "NumPy + SciPy", "numba fastmath", "jax.jit", "pyvolr")
TITLES = {
    "W1": "W1 nine greeks, ns per contract",
    "W2": "W2 gamma by strike, ns per contract",
    "W3": "W3 gamma profile, 20,000 x 100, ns per pair",
    "W4": "W4 implied vol, ns per price",
    **{f"W5:{n}": f"W5 one call, nine greeks, {n:,} row{'s' if n > 1 else ''}, us" for n in CALLS},
    "W7": "W7 analyze, 19,000 contracts, ms",
    "W8": "W8 CBOE file to levels, 20,000 contracts, ms",
}


@dataclass
class Line:
    """One row of the table."""

    work: str
    library: str
    time: float  # in the unit of the work's title
    ratio: float  # to gexcore
    error: str
    remark: str


@dataclass
class Entry:
    """One library at one work, ready to be timed."""

    library: str
    run: Callable[[], Any]
    items: int
    remark: str
    best: float = inf
    calls: int = 1


def one_row(b: books.Book) -> books.Book:
    """Plain numbers, as a user calls with a single contract."""
    return books.Book(*(x[0].item() if hasattr(x, "item") else x for x in b))


def inputs_of(work: str, rows: int) -> tuple[Any, int]:
    """Inputs of a work and the items that one call handles."""
    if work == "W1":
        return books.book(rows), rows
    if work == "W2":
        return books.keyed(rows), rows
    if work == "W3":
        s = books.sweep()
        return s, len(s.weight) * len(s.spots)
    if work == "W4":
        return books.priced(rows), rows
    if work.startswith("W5"):
        n = int(work[3:])
        return (one_row(books.book(1)) if n == 1 else books.book(n)), 1
    return (19_000 if work == "W7" else 20_000), 1


def entries_of(work: str, rows: int) -> tuple[list[Entry], list[str]]:
    """Whatever is installed and works, warmed up; and why the rest is not."""
    kind = "W1" if work.startswith("W5") else work
    entries, skipped = [], []
    for rival in rivals.RIVALS:
        if rival.work != kind or (kind != work and rival.library not in OF_CALLS):
            continue
        fewer = min(rows, rival.rows or rows)
        try:
            inputs, items = inputs_of(work, fewer)
            if kind != work and rival.library in ("jax.jit", "numba fastmath"):
                inputs = books.book(int(work[3:]))
            run = rival.make(inputs)
            run()
        except ImportError as error:
            skipped.append(f"{rival.library} ({error.name or error} is not installed)")
            continue
        except Exception as error:  # a rival that fails is a line of the report, not the end of it
            skipped.append(f"{rival.library} ({type(error).__name__})")
            continue
        entries.append(Entry(rival.library, run, items, rival.remark))
    if kind != work:
        entries[0].library = "gexcore, out="
        entries.insert(0, Entry("gexcore", new_output(inputs_of(work, rows)[0]), 1, ""))
    return entries, skipped


def new_output(b: books.Book) -> Callable[[], Any]:
    """The package without a reused output."""
    from gexcore import bsm

    arguments = tuple(b)
    return lambda: bsm.greeks(*arguments, which=books.NINE)


def stopwatch(entries: list[Entry], seconds: float) -> None:
    """Best times, libraries taking turns; a turn warms up first, short calls are repeated.

    What is not timed fetches what the libraries before have driven out of the caches, and wakes
    the wide registers.
    """
    for entry in entries:
        warm_up(entry)
        begin = perf_counter()
        entry.run()
        entry.calls = max(1, int(1e-3 / max(perf_counter() - begin, 1e-7)))
    end = perf_counter() + seconds
    rounds = 0
    while rounds < 3 or (perf_counter() < end and rounds < 200):
        rounds += 1
        for entry in entries:
            warm_up(entry)
            begin = perf_counter()
            for _ in range(entry.calls):
                entry.run()
            spent = (perf_counter() - begin) / entry.calls / entry.items
            entry.best = min(entry.best, spent)


def warm_up(entry: Entry) -> None:
    """Calls that are not timed, for 20 ms."""
    begin = perf_counter()
    while perf_counter() < begin + 0.02:
        entry.run()


def errors_of(work: str, library: str) -> str:
    """Largest errors of a library at a work, if there is an oracle."""
    measure = oracle.MEASURES.get(work)
    if measure is None or not oracle.TABLES.is_dir():
        return ""
    make = next(r.make for r in rivals.RIVALS if (r.work, r.library) == (work, library))
    try:
        return measure(make)
    except Exception as error:
        return type(error).__name__


def compare(work: str, rows: int, seconds: float) -> list[Line]:
    """Time all libraries at one work."""
    entries, skipped = entries_of(work, rows)
    if skipped:
        print(f"{work}: skipped {', '.join(skipped)}", file=sys.stderr)
    stopwatch(entries, seconds)
    scale = 1e3 if work in ("W7", "W8") else 1e6 if work.startswith("W5") else 1e9
    ours = entries[0].best
    lines = [
        Line(work, e.library, e.best * scale, e.best / ours, errors_of(work, e.library), e.remark)
        for e in entries
    ]
    return lines[:1] + sorted(lines[1:], key=lambda line: line.time)


def figure(x: float) -> str:
    """Three digits, never an exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.3g}"


def markdown(lines: list[Line]) -> str:
    """One table for all works."""
    rows = ["| library | time | x gexcore | max relative error | |", "|---|---|---|---|---|"]
    work = ""
    for line in lines:
        if line.work != work:
            work = line.work
            rows.append(f"| **{TITLES[work]}** | | | | |")
        figures = f"{figure(line.time)} | {figure(line.ratio)} | {line.error}"
        rows.append(f"| {line.library} | {figures} | {line.remark} |")
    return "\n".join(rows)


def versions() -> str:
    """What ran: the instruction set of the package and the version of each library."""
    from gexcore import cpu

    found = []
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found.append(f"{name} {metadata.version(name)}")
    return f"{cpu.active()}; Python {platform.python_version()}, {', '.join(found)}"


def main() -> None:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", default="W1,W2,W3,W4,W5,W7,W8")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of W1, W2 and W4")
    parser.add_argument("--seconds", type=float, default=15.0, help="of timing for each work")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    works: list[str] = []
    for work in asked.works.split(","):
        works += [f"W5:{n}" for n in CALLS] if work == "W5" else [work]
    lines = [line for work in works for line in compare(work, asked.rows, asked.seconds)]
    if asked.json:
        text = json.dumps([asdict(line) for line in lines], indent=2)
        asked.json.write_text(text + "\n", encoding="utf-8")
    print(f"{versions()}\n\n{markdown(lines)}")


if __name__ == "__main__":
    main()
