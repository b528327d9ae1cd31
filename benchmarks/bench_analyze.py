"""From a chain in memory to levels and regime, and from a file as a process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from math import exp, log, pi, sqrt
from typing import Any

import gexcore as gex


def gamma_at(chain: gex.Chain, spot: float) -> float:
    """Net dealer gamma by the textbook, one contract after the other."""
    total = 0.0
    rows = zip(
        chain.strike,
        chain.time_to_expiry,
        chain.implied_vol,
        chain.open_interest,
        chain.is_call,
        strict=True,
    )
    for k, t, s, size, is_call in rows:
        if s > 0 and t > 0:
            width = s * sqrt(t)
            d1 = (log(spot / k) + (chain.rate - chain.dividend_yield + s * s / 2) * t) / width
            gamma = exp(-chain.dividend_yield * t - d1 * d1 / 2) / (sqrt(2 * pi) * spot * width)
            total += (size if is_call else -size) * gamma
    return total * 100 * spot**2 / 100


def test_analyze(benchmark: Callable[..., Any]) -> None:
    chain = gex.synthetic_chain(19_000)
    result = gex.analyze(chain)
    assert abs(gamma_at(chain, chain.spot) / result.exposures.gamma.net - 1) < 1e-9
    flip = result.levels.zero_gamma.value
    assert gamma_at(chain, flip * (1 - 1e-6)) < 0 < gamma_at(chain, flip * (1 + 1e-6))
    benchmark(gex.analyze, chain)


def test_process_and_import(benchmark: Callable[..., Any]) -> None:
    """A whole `gexcore demo` process."""
    command = [sys.executable, "-m", "gexcore", "demo"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "zero gamma" in done.stdout
    benchmark.pedantic(
        subprocess.run, (command,), {"check": True, "capture_output": True}, rounds=5
    )
