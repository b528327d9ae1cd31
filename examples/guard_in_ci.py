"""A guard for a build: fails when greeks are wrong, or no longer faster than NumPy by a factor.

    python examples/guard_in_ci.py --at-least 2

Right first: the answer is checked before anything is timed. Then a ratio, never a time: both take
turns in one process and the best of many rounds counts, so a slow or busy machine slows both.
Exit codes: 0 fine, 1 too slow, 2 wrong.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from gexcore import bsm

ROWS = 20_000


def book() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    strike = 5000 * np.exp(rng.normal(0, 0.1, ROWS))
    return strike, rng.uniform(0.01, 2, ROWS), rng.uniform(0.1, 0.4, ROWS)


def gamma_by_numpy(spot: float, strike: np.ndarray, years: np.ndarray, vol: np.ndarray):
    """Gamma at zero rates, as textbooks have it."""
    width = vol * np.sqrt(years)
    d1 = np.log(spot / strike) / width + width / 2
    return np.exp(-0.5 * d1 * d1) / (np.sqrt(2 * np.pi) * spot * width)


def best(works, rounds: int = 50) -> list[float]:
    """Least time of each; they take turns."""
    times = [[float("inf")] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, times, strict=True):
            start = time.perf_counter()
            work()
            found.append(time.perf_counter() - start)
    return [min(found) for found in times]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--at-least", type=float, default=2.0, help="times faster than NumPy")
    least = parser.parse_args(words).at_least
    columns = book()
    out = bsm.greeks(5000.0, *columns, which="gamma")
    error = float(np.abs(out.gamma / gamma_by_numpy(5000.0, *columns) - 1).max())
    if not error < 1e-10:  # what the textbook formula loses far from the money
        print(f"wrong: gamma differs by {error:.1e}")
        return 2
    ours, theirs = best(
        [
            lambda: bsm.greeks(5000.0, *columns, which="gamma", out=out),
            lambda: gamma_by_numpy(5000.0, *columns),
        ]
    )
    ratio = theirs / ours
    print(f"gamma of {ROWS:,} contracts: {ratio:.1f} times NumPy, relative difference {error:.1e}")
    return 0 if ratio >= least else 1


if __name__ == "__main__":
    sys.exit(main())
