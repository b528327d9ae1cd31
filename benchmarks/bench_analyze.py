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


@pytest.mark.parametrize("rows", [200, 19_000])
def test_analyze(benchmark: Callable[..., Any], rows: int) -> None:
    chain = gex.synthetic_chain(rows)
    books.assert_analysis(gex.analyze(chain), books.book_of(chain), chain.open_interest)
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
