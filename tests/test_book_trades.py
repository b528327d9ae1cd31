"""Trades on a live book give the contracts of `from_trades` over the whole tape, bit for bit."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.positions import from_trades
from live_books import assert_batch, small

SETTINGS: dict[str, dict[str, Any]] = {
    "lee_ready": {},
    "tick": {"rule": "tick"},
    "emo": {"rule": "emo", "accuracy": "published"},
    "clnv": {"rule": "clnv", "accuracy": 0.75, "estimate": "unbiased"},
    "quote": {"rule": "quote", "accuracy": 0.8, "errors": "contract"},
    "given": {"rule": "given", "min_size": 5.0, "max_size": 90.0, "skip_complex": True},
}


def columns_of(chain: gex.Chain, n: int, seed: int) -> dict[str, Any]:
    """A tape in time order: prices on a grid, so that ticks, mids, locks and crosses all occur."""
    rng = np.random.default_rng(seed)
    row = rng.integers(len(chain), size=n)
    bid = np.round(rng.uniform(0.5, 1.0, n), 1)
    ask = bid + rng.choice([0.0, 0.1, 0.2, -0.1], n, p=[0.1, 0.4, 0.4, 0.1])
    price = np.round(rng.uniform(0.4, 1.3, n), 1)
    price[rng.random(n) < 0.02] = np.nan
    size = rng.integers(1, 120, n).astype(float)
    size[rng.random(n) < 0.02] = 0.0
    strike = chain.strike[row].copy()
    strike[rng.random(n) < 0.05] += 0.5  # contracts that no chain has
    strike[rng.random(n) < 0.01] = -1.0
    start = np.datetime64("2026-03-18T13:30", "ms")
    return {
        "strike": strike, "option_type": chain["option_type"][row], "root": chain.root[row],
        "expiry": chain.expiry[row], "bid": bid, "ask": ask, "price": price, "size": size,
        "time": start + np.sort(rng.integers(0, 3_000_000, n)).astype("timedelta64[ms]"),
        "is_complex": rng.random(n) < 0.1, "true_side": rng.integers(-1, 2, n),
    }  # fmt: skip


def some(columns: dict[str, Any], part: Any) -> gex.Trades:
    return gex.Trades.from_arrays(
        **{name: column[part] for name, column in columns.items()}, zone="America/New_York"
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_parts_of_a_tape_give_the_bits_of_the_whole(name: str) -> None:
    chain, settings = small(60), SETTINGS[name]
    columns = columns_of(chain, 4000, seed=5)
    whole = from_trades(
        chain, some(columns, slice(None)), until="2026-03-18T23:00-04:00", **settings
    )
    for cuts in ([], [2000], sorted(np.random.default_rng(1).integers(0, 4000, 60).tolist())):
        book = gex.Book(chain, "flow")
        totals: dict[str, int] = {}
        for part in np.split(np.arange(4000), cuts):
            order = np.random.default_rng(len(part)).permutation(part)  # any order within a call
            order = part if len(part) == 4000 else np.sort(order)
            for key, count in book.apply_trades(some(columns, order), **settings).items():
                totals[key] = totals.get(key, 0) + count
        now = book.snapshot().positions
        assert now.contracts.tobytes() == whole.contracts.tobytes()
        assert (now.rule, now.size, now.meaning) == (whole.rule, whole.size, whole.meaning)
        if whole.deviation is None:
            assert now.deviation is None
        else:
            assert now.deviation.tobytes() == whole.deviation.tobytes()
        ours, theirs = now.flow, whole.flow
        for column in ("bought", "sold", "unknown", "net"):
            assert getattr(ours, column).tobytes() == getattr(theirs, column).tobytes()
        assert (ours.read, ours.used, ours.dropped) == (theirs.read, theirs.used, theirs.dropped)
        assert ours.sides == theirs.sides
        left_out = {reason: trades for reason, (trades, _) in theirs.dropped.items()}
        assert totals == {"read": 4000, **left_out, "used": theirs.used}
        assert_batch(book)


def test_the_tape_moves_levels() -> None:
    chain = gex.synthetic_chain(n=2000)
    book = gex.Book(chain, "flow")
    assert book.regime().kind == "no_exposure"
    columns = columns_of(chain, 3000, seed=2)
    book.apply_trades(some(columns, slice(None)))
    assert book.regime().kind != "no_exposure"
    assert_batch(book)


def test_customers_who_buy_leave_dealers_short_of_what_they_held() -> None:
    chain = small()
    book, slot = gex.Book(chain), 7
    before = book.snapshot().positions.contracts[slot]
    version = book.levels().version
    one = {name: column[[slot]] for name, column in (
        ("strike", chain.strike), ("option_type", chain["option_type"]), ("root", chain.root),
        ("expiry", chain.expiry))}  # fmt: skip
    trade = gex.Trades.from_arrays(**one, price=[1.0], size=[30.0], true_side=[1])
    assert book.apply_trades(trade, rule="given") == {"read": 1, "used": 1}
    now = book.snapshot()
    assert now.positions.contracts[slot] == before - 30
    assert (now.positions.rule, now.version) == ("naive", version + 1)
    assert "other side of customers' trades" in now.positions.manifest["positions_meaning"]
    assert now.positions.manifest["flow"]["used"] == 1
    book.update(now.rows[slot], open_interest=1000.0)  # what open interest gives moves, flow stays
    sign = 1 if chain.is_call[slot] else -1
    assert book.snapshot().positions.contracts[slot] == sign * 1000 - 30
    assert_batch(book)


def test_unknown_contracts_wait_for_their_row() -> None:
    chain = small()
    later = np.zeros(len(chain), np.bool_)
    later[::3] = True
    columns = columns_of(chain, 2000, seed=9)
    tape = some(columns, slice(None))
    whole = from_trades(chain, tape, until="2026-03-18T23:00-04:00")
    book = gex.Book(chain.filter(~later), "flow")
    counts = book.apply_trades(tape)
    dropped = book.snapshot().positions.flow.dropped
    assert counts["unknown_contract"] == dropped["unknown_contract"][0] > 600
    book.add_rows(chain.filter(later))
    now = book.snapshot().positions
    order = np.concatenate([np.flatnonzero(~later), np.flatnonzero(later)])
    assert now.contracts.tobytes() == whole.contracts[order].tobytes()
    assert now.flow.dropped == whole.flow.dropped

    rows = np.arange(50, dtype=np.int64)  # a contract that goes and comes back keeps its flow
    back = book.snapshot().chain.filter(np.isin(np.arange(len(book)), rows))
    book.remove_rows(rows)
    assert (book.snapshot().positions.contracts[rows] == 0).all()
    book.compact()
    book.add_rows(back)
    again = book.snapshot().positions.contracts
    assert again.tobytes() == np.concatenate([now.contracts[50:], now.contracts[:50]]).tobytes()
    assert_batch(book)


def test_a_book_goes_on_from_positions_made_of_trades() -> None:
    chain = small(60)
    columns = columns_of(chain, 3000, seed=4)
    settings: dict[str, Any] = {"rule": "quote", "accuracy": 0.8}
    until = {"until": "2026-03-18T23:00-04:00"}
    whole = from_trades(chain, some(columns, slice(None)), **settings, **until)
    begin = from_trades(chain, some(columns, slice(0, 1000)), **settings, **until)
    book = gex.Book(chain, begin)
    assert book.snapshot().positions.contracts.tobytes() == begin.contracts.tobytes()
    book.apply_trades(some(columns, slice(1000, 3000)), **settings)
    now = book.snapshot().positions
    assert now.contracts.tobytes() == whole.contracts.tobytes()
    np.testing.assert_allclose(now.deviation, whole.deviation, rtol=1e-14)
    assert (now.flow.read, now.flow.used) == (whole.flow.read, whole.flow.used)

    halved = from_trades(chain, some(columns, slice(0, 1000)), rule="quote", half_life=0.01)
    book = gex.Book(chain, halved)  # sums that decay cannot go on: they are what was held
    book.apply_trades(some(columns, slice(1000, 3000)), rule="quote")
    late = from_trades(chain, some(columns, slice(1000, 3000)), rule="quote", **until)
    expected = halved.contracts + late.contracts
    np.testing.assert_allclose(book.snapshot().positions.contracts, expected, rtol=1e-13)
    assert_batch(book)


def test_late_trades_count_and_are_counted() -> None:
    chain = small(60)
    columns = columns_of(chain, 1000, seed=6)
    book = gex.Book(chain, "flow")
    book.apply_trades(some(columns, slice(500, 1000)), rule="quote")
    assert book.counts()["late_trades"] == 0
    book.apply_trades(some(columns, slice(0, 500)), rule="quote")
    assert book.counts()["late_trades"] > 300
    whole = from_trades(
        chain, some(columns, slice(None)), rule="quote", until="2026-03-18T23:00-04:00"
    )
    assert book.snapshot().positions.contracts.tolist() == whole.contracts.tolist()


@pytest.mark.parametrize(
    ("change", "settings", "message"),
    [
        ({}, {"rule": "given"}, "true_side"),
        ({"bid": None}, {}, "needs bid"),
        ({"root": None}, {}, "no root"),
        ({"is_complex": None}, {"skip_complex": True}, "is_complex"),
        ({}, {"accuracy": 0.4}, "accuracy"),
        ({}, {"rule": "guess"}, "no 'guess'"),
        ({}, {"min_size": -1}, "min_size"),
    ],
)
def test_refused_trades_change_nothing(
    change: dict[str, None], settings: dict[str, Any], message: str
) -> None:
    chain = small()
    columns = columns_of(chain, 100, seed=3)
    kept = {name: column for name, column in columns.items() if name not in (*change, "true_side")}
    book = gex.Book(chain, "flow")
    before = book.levels().version
    with pytest.raises(gex.GexError, match=message):
        book.apply_trades(some(kept, slice(None)), **settings)
    assert book.levels().version == before
    book.apply_trades(some(columns, slice(None)))
    whole = from_trades(chain, some(columns, slice(None)), until="2026-03-18T23:00-04:00")
    assert book.snapshot().positions.contracts.tolist() == whole.contracts.tolist()


def test_settings_stay() -> None:
    chain = small()
    columns = columns_of(chain, 100, seed=3)
    book = gex.Book(chain, "flow")
    book.apply_trades(some(columns, slice(0, 50)), accuracy=np.full(50, 0.7))
    book.apply_trades(some(columns, slice(50, 100)), accuracy=np.full(50, 0.9))
    per_trade = {"accuracy": [0.8], "errors": "contract"}
    for other in ({}, {"rule": "quote"}, {"accuracy": 0.8}, per_trade):
        with pytest.raises(gex.ConventionError, match="for the trades before these"):
            book.apply_trades(some(columns, slice(0, 1)), **other)
    with pytest.raises(gex.ConventionError, match="needs trades"):
        gex.Book(chain, "flow", contracts=np.ones(len(chain)))


def test_empty_tapes_and_empty_books() -> None:
    chain = small()
    columns = columns_of(chain, 10, seed=3)
    book = gex.Book(chain, "flow")
    assert book.apply_trades(some(columns, slice(0, 0))) == {"read": 0, "used": 0}
    empty = gex.Book(chain.filter(np.zeros(len(chain), np.bool_)), "flow")
    counts = empty.apply_trades(some(columns, slice(None)))
    assert counts["used"] == 0
    assert counts["unknown_contract"] == len(some(columns, slice(None)).keys()) - sum(
        counts.get(reason, 0) for reason in ("bad_contract", "bad_time", "bad_size", "bad_price")
    )
    assert empty.levels().zero_gamma.status == "no_exposure"
