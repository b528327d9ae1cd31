"""Vols that a live book implies from quotes: those of the batch on the same quotes, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import REASONS, USED
from gexcore.implied_vols import VOL_SOURCES
from live_books import assert_batch


def flat(n: int = 400) -> gex.Chain:
    """A chain whose vendor has no vol for every third contract."""
    chain = gex.synthetic_chain(n=n, seed=5)
    vol = np.where(np.arange(n) % 3 == 0, np.nan, chain.implied_vol)
    names = ("strike", "is_call", "open_interest", "expiry", "root")
    return gex.Chain.from_arrays(
        **{name: getattr(chain, name) for name in names}, spot=chain.spot, implied_vol=vol,
        as_of=chain.as_of, rate=chain.rate, dividend_yield=chain.dividend_yield,
        bid=chain["bid"], ask=chain["ask"],
    )  # fmt: skip


CHAINS = {"flat": flat, "parity": lambda: flat(800).with_conventions(rates="parity")}
RULES = [(source, missing) for source in ("mid", "bid", "ask", "otm") for missing in (True, False)]


def moved_quotes(chain: gex.Chain, seed: int) -> tuple[Any, Any]:
    """New bids and asks: most move, some vanish, cross or leave the range of prices."""
    rng = np.random.default_rng(seed)
    factor = rng.uniform(0.8, 1.25, len(chain))
    bid, ask = chain["bid"] * factor, chain["ask"] * factor
    kind = rng.random(len(chain))
    bid[kind < 0.04], ask[kind > 0.97] = np.nan, np.nan
    bid[(kind > 0.04) & (kind < 0.08)] *= 3.0  # crossed, or above the ask
    ask[(kind > 0.08) & (kind < 0.1)] = np.inf
    bid[(kind > 0.1) & (kind < 0.12)] = 0.0
    deep = (kind > 0.12) & (kind < 0.16)
    bid[deep], ask[deep] = 1e-7, 2e-7
    bid[(kind > 0.16) & (kind < 0.18)] = ask[(kind > 0.16) & (kind < 0.18)] = 1e5
    return bid, ask


def with_quotes(chain: gex.Chain, bid: Any, ask: Any, source: str, missing: bool) -> gex.Chain:
    """The chain with other quotes, implied from scratch."""
    quoted = chain._replace(columns={**chain.columns, "bid": bid, "ask": ask})
    return quoted.with_implied_vols(source, only_missing=missing)


def assert_vols(found: gex.Chain, expected: gex.Chain, rows: Any = slice(None)) -> None:
    np.testing.assert_array_equal(found.status[rows], expected.status[rows])
    live = np.zeros(len(found), np.bool_)
    live[rows] = True
    live &= found.status > REASONS.index("expired")
    assert found.implied_vol[live].tobytes() == expected.implied_vol[live].tobytes()


@pytest.mark.parametrize("kind", CHAINS)
@pytest.mark.parametrize(("source", "missing"), RULES)
def test_new_quotes_give_the_vols_of_the_batch(kind: str, source: str, missing: bool) -> None:
    chain = CHAINS[kind]().with_implied_vols(source, only_missing=missing)
    book = gex.Book(chain)
    rows = book.snapshot().rows
    reasons: set[int] = set()
    for step, (spot, days) in enumerate(((5000.0, 0.0), (5021.0, 0.0), (4903.0, 0.05))):
        book.set_spot(spot)
        book.set_time(days)
        bid, ask = moved_quotes(chain, seed=step)
        book.update(rows, bid=bid, ask=ask)
        now = book.snapshot().chain
        assert_vols(now, with_quotes(now, bid, ask, source, missing))
        assert now.vols.label == chain.vols.label
        assert_batch(book)
        reasons |= set(now.status.tolist())
    assert {REASONS.index("no_price"), REASONS.index("above_maximum"), USED} <= reasons
    if source != "otm":
        assert REASONS.index("below_intrinsic") in reasons


@pytest.mark.parametrize(("source", "missing"), RULES)
def test_quotes_of_some_rows_move_those_alone(source: str, missing: bool) -> None:
    chain = CHAINS["parity"]().with_implied_vols(source, only_missing=missing)
    book, rng = gex.Book(chain), np.random.default_rng(8)
    for step in range(25):
        before = book.snapshot()
        bid, ask = moved_quotes(before.chain, seed=100 + step)
        book.set_spot(float(rng.uniform(4950, 5050)))
        rows = rng.choice(len(chain), size=int(rng.integers(1, 40)), replace=False)
        one = len(rows) == 1
        book.update(rows, bid=bid[rows], ask=ask[rows])
        now = book.snapshot().chain
        for name, column in (("bid", bid), ("ask", ask)):
            expected = before.chain[name].copy()
            expected[rows] = column[rows]
            assert now[name].tobytes() == expected.tobytes()
        whole = with_quotes(now, now["bid"], now["ask"], source, missing)
        moved = followers(now, rows) if source == "otm" else np.isin(np.arange(len(chain)), rows)
        assert_vols(now, whole, moved)
        assert now.implied_vol[~moved].tobytes() == before.chain.implied_vol[~moved].tobytes()
        assert now.status[~moved].tolist() == before.chain.status[~moved].tolist()
        assert one or moved.any()
    assert_batch(book)


def followers(chain: gex.Chain, rows: Any) -> Any:
    """Rows of the settlements and strikes of which a contract out of the money was quoted.

    And quoted rows that no such contract has a price for.
    """
    spot = chain.spot * np.exp(chain.rates.basis)
    forward = spot * np.exp((chain.rate - chain.dividend_yield) * chain.time_to_expiry)
    outside = np.where(chain.is_call, chain.strike >= forward, chain.strike <= forward)
    key = list(zip(chain.root, chain.expiry.astype(str), chain.strike, strict=True))
    paid = (chain["bid"] > 0) & (chain["ask"] >= chain["bid"]) & (chain["ask"] < np.inf)
    alive = chain.status > REASONS.index("expired")
    priced = {each for each, good in zip(key, outside & paid & alive, strict=True) if good}
    wanted = {key[row] for row in rows if outside[row]}
    found = np.array([each in wanted for each in key])
    found[rows] |= [key[row] not in priced for row in rows]
    return found


def test_vendor_vols_stay() -> None:
    chain = gex.synthetic_chain(n=400)
    book = gex.Book(chain)
    book.update(np.arange(400), bid=np.full(400, 1.0), ask=np.full(400, 1.1))
    now = book.snapshot().chain
    assert now.implied_vol.tobytes() == chain.implied_vol.tobytes()
    assert set(now["bid"].tolist()) == {1.0}

    implied = chain.with_implied_vols("mid")  # those that are missing
    book, vendor = gex.Book(implied), np.flatnonzero(chain.implied_vol > 0)
    book.update(vendor, bid=np.full(len(vendor), 1.0), ask=np.full(len(vendor), 1.1))
    now = book.snapshot().chain
    assert now.implied_vol[vendor].tobytes() == chain.implied_vol[vendor].tobytes()


def test_a_vendor_vol_that_goes_is_implied_and_one_that_comes_is_taken() -> None:
    chain = gex.synthetic_chain(n=400).with_implied_vols("mid")
    book = gex.Book(chain)
    row = int(np.flatnonzero((chain.vols.vendor > 0) & (chain["bid"] > 1))[0])
    book.update(row, implied_vol=math.nan)
    now = book.snapshot().chain
    whole = with_quotes(now, now["bid"], now["ask"], "mid", True)
    assert now.implied_vol[row] == whole.implied_vol[row] > 0
    assert_vols(now, whole, [row])
    book.update(row, implied_vol=0.33)
    assert book.snapshot().chain.implied_vol[row] == 0.33

    always = gex.synthetic_chain(n=400).with_implied_vols("mid", only_missing=False)
    book = gex.Book(always)
    before = book.snapshot().chain.implied_vol[row]
    book.update(row, implied_vol=0.33)  # kept aside
    now = book.snapshot().chain
    assert (now.implied_vol[row], now.vols.vendor[row]) == (before, 0.33)


def test_vols_from_last_prices_stay() -> None:
    chain = gex.synthetic_chain(n=400)
    last = np.where(chain["bid"] > 0, (chain["bid"] + chain["ask"]) / 2, np.nan)
    made = chain._replace(columns={**chain.columns, "last": last})
    implied = made.with_implied_vols("last", only_missing=False)
    book = gex.Book(implied)
    book.update(np.arange(400), bid=np.full(400, 1.0), ask=np.full(400, 1.1))
    now = book.snapshot().chain
    assert now.implied_vol.tobytes() == implied.implied_vol.tobytes()
    assert now.status.tolist() == implied.status.tolist()


def test_added_rows_are_implied_like_the_others() -> None:
    chain = gex.synthetic_chain(n=800).with_implied_vols("otm", only_missing=False)
    calls = chain.filter(chain.is_call)
    book = gex.Book(chain.filter(~chain.is_call))
    rows = book.add_rows(calls)
    assert_batch(book)
    now = book.snapshot()
    bid, ask = moved_quotes(now.chain, seed=2)
    book.update(now.rows, bid=bid, ask=ask)
    found = book.snapshot().chain
    assert_vols(found, with_quotes(found, bid, ask, "otm", False))
    book.remove_rows(rows[:100])
    moved = book.compact()
    after = book.snapshot().chain
    kept = moved >= 0
    assert after.implied_vol.tobytes() == found.implied_vol[kept].tobytes()
    book.update(book.snapshot().rows, bid=bid[kept], ask=ask[kept])
    now = book.snapshot().chain
    assert_vols(now, with_quotes(now, bid[kept], ask[kept], "otm", False))
    assert_batch(book)


def test_every_source_is_known_to_the_core() -> None:
    assert list(VOL_SOURCES) == ["mid", "bid", "ask", "last", "otm"]
