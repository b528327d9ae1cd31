"""Levels of 19,000 contracts under 24 conventions, and under the default 27."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import gexcore as gex
import pytest
from gexcore import clock

pytestmark = pytest.mark.benchmark(group="levels across conventions")

GRID = {
    "rates": ["given", "parity", "zero"],
    "clock": clock.CLOCKS,
    "as_of": ["printed", "session"],
}


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    """With a printed time, so that both as_of can be chosen."""
    chain = gex.synthetic_chain(19_000)
    assert chain.as_of is not None
    return chain.with_conventions(as_of=clock.AsOf(chain.as_of.time, "printed", chain.as_of.time))


def assert_row(row: Any, chain: gex.Chain) -> None:
    """Net gamma, its zero and the walls from gammas computed here."""
    c = row.convention
    rates: dict[str, Any] = {
        "given": {},
        "parity": {"rates": "parity"},
        "zero": {"rate": 0.0, "dividend_yield": 0.0},
    }[c.rates]
    chain = chain.with_conventions(as_of=c.as_of, clock=c.clock, **rates)
    b, walls = books.book_of(chain), (row.call_wall, row.put_wall)
    books.assert_levels(b, chain.open_interest, row.net_gamma, row.zero_gamma, walls)


def test_across_24(benchmark: Callable[..., Any], chain: gex.Chain) -> None:
    across = gex.levels_across(chain, conventions=GRID)
    assert len(across) == 24
    for row in across.rows:
        assert_row(row, chain)
    zeros = [row.zero_gamma for row in across.rows]
    interval = across.intervals["zero_gamma"]
    assert (interval.low, interval.high) == (min(zeros), max(zeros))
    benchmark(gex.levels_across, chain, conventions=GRID)


def test_across_default(benchmark: Callable[..., Any], chain: gex.Chain) -> None:
    across = gex.levels_across(chain)
    assert len(across) == 27
    for row in across.where(scope="all", side="net"):
        assert_row(row, chain)
    benchmark(gex.levels_across, chain)
