"""W7: from a chain in memory to levels and regime, long and short way; and a whole process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import books
import gexcore as gex
import numpy as np
import pytest

pytestmark = pytest.mark.benchmark(group="W7 analyze")


def assert_levels(result: gex.Analysis, b: books.Book, size: Any) -> None:
    """Net gamma, its zero and the walls from gammas computed here."""
    on = (b.implied_vol > 0) & (b.time_to_expiry > 0) & (size > 0)
    columns = [np.broadcast_to(x, len(size))[on] for x in b[1:]]
    weight = np.where(columns[-1], 100.0, -100.0) * size[on]

    def each(spot: float) -> Any:
        return weight * books.numpy_gamma(books.Book(spot, *columns)) * spot**2 / 100

    gamma = each(b.spot)
    assert abs(gamma.sum() / result.exposures.gamma.net - 1) < 1e-9
    zero = result.levels.zero_gamma
    if zero.value is None:
        assert len({each(s).sum() > 0 for s in np.geomspace(*zero.searched, 50)}) == 1
    else:
        assert each(zero.value * (1 - 1e-6)).sum() * each(zero.value * (1 + 1e-6)).sum() < 0
    strikes, codes = np.unique(columns[0], return_inverse=True)
    by_strike = np.bincount(codes, gamma)
    assert result.levels.call_wall.strike == strikes[by_strike.argmax()]
    assert result.levels.put_wall.strike == strikes[by_strike.argmin()]


@pytest.mark.parametrize("rows", [200, 19_000])
def test_analyze(benchmark: Callable[..., Any], rows: int) -> None:
    chain = gex.synthetic_chain(rows)
    columns = (chain.strike, chain.time_to_expiry, chain.implied_vol)
    b = books.Book(chain.spot, *columns, chain.rate, chain.dividend_yield, chain.is_call)
    assert_levels(gex.analyze(chain), b, chain.open_interest)
    benchmark(gex.analyze, chain)


@pytest.mark.parametrize("rows", [200, 19_000])
@pytest.mark.parametrize("seen", ["again", "fresh"])
def test_quick_levels(benchmark: Callable[..., Any], rows: int, seen: str) -> None:
    """Again: the chain has numbered its strikes and times in an earlier call. Fresh: it has not."""
    chain = gex.synthetic_chain(rows)
    quick, full = gex.quick_levels(chain), gex.analyze(chain)
    assert (quick.net_gamma, quick.gross_gamma) == (
        full.exposures.gamma.net, full.exposures.gamma.gross,
    )  # fmt: skip
    assert quick.zero_gamma == full.levels.zero_gamma
    assert (quick.call_wall, quick.put_wall) == (full.levels.call_wall, full.levels.put_wall)
    assert quick.regime == full.regime.kind
    every = np.ones(len(chain), bool)

    def take() -> tuple[tuple[gex.Chain], dict[str, Any]]:
        return (chain if seen == "again" else chain.filter(every),), {}

    benchmark.pedantic(gex.quick_levels, setup=take, rounds=300, warmup_rounds=5)


def test_process_and_import(benchmark: Callable[..., Any]) -> None:
    """A whole `gexcore demo` process."""
    command = [sys.executable, "-m", "gexcore", "demo"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "zero gamma" in done.stdout
    benchmark.pedantic(
        subprocess.run, (command,), {"check": True, "capture_output": True}, rounds=5
    )
