"""The synthetic feed: as many events as asked, in order, the same from a seed, and plausible."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import USED

SECONDS, RATE = 19800.0, 2.0


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=2000)


@pytest.fixture(scope="module")
def events(chain: gex.Chain) -> list[gex.Event]:
    return list(gex.synthetic_feed(chain, SECONDS, RATE))


def plain(event: gex.Event) -> Any:
    def text(value: Any) -> str:
        return str(value.to_dict() if isinstance(value, gex.Trades) else value)

    return event.time, event.kind, str(event.rows), {n: text(v) for n, v in event.values.items()}


@pytest.mark.parametrize(
    ("seconds", "rate", "count"),
    [(2.0, 100.0, 200), (0.0, 100.0, 0), (10.0, 0.0, 0), (3.0, 0.5, 2), (1.0, 20_000.0, 20_000)],
)
def test_exactly_as_many_events_as_asked(
    chain: gex.Chain, seconds: float, rate: float, count: int
) -> None:
    found = list(gex.synthetic_feed(chain, seconds, rate))
    assert len(found) == count
    times = [event.time for event in found]
    assert times == sorted(times)
    begin = chain.as_of.time
    assert all(begin <= time <= begin + timedelta(seconds=seconds) for time in times)


def test_a_seed_is_a_feed(chain: gex.Chain) -> None:
    one, same, other = (
        [plain(e) for e in gex.synthetic_feed(chain, 60.0, 10.0, seed=seed)] for seed in (1, 1, 2)
    )
    assert one == same != other


def test_a_book_takes_every_event(chain: gex.Chain, events: list[gex.Event]) -> None:
    summary = gex.Replay(gex.Book(chain), events, every=600.0).run()
    assert summary.dropped == {} and summary.noted == {}
    assert sum(summary.events.values()) == len(events) == round(SECONDS * RATE)


def test_kinds_are_mixed_as_on_a_day(events: list[gex.Event]) -> None:
    counts = Counter(event.kind for event in events)
    assert set(counts) == {"quote", "spot", "clock", "trade", "open_interest"}
    assert counts["quote"] > 0.8 * len(events)
    assert counts["clock"] == 1979  # every ten seconds, but for the first
    assert 0 < counts["open_interest"] < 0.002 * len(events)
    assert 0.005 * len(events) < counts["trade"] < 0.03 * len(events)
    clocks = [e for e in events if e.kind == "clock"]
    assert all(e.time.isoformat() >= e.values["when"] for e in clocks)


def test_spot_is_a_diffusion(events: list[gex.Event]) -> None:
    spots = [(e.time, e.values["spot"]) for e in events if e.kind == "spot"]
    moves = np.diff(np.log([spot for _, spot in spots]))
    waits = np.diff([time.timestamp() for time, _ in spots])
    # 16% a year of 252 sessions of 6.5 hours; the rounding to cents adds little
    scaled = moves / (0.16 * np.sqrt(waits / (252 * 6.5 * 3600)))
    assert np.std(scaled) == pytest.approx(1.0, rel=0.05)
    assert abs(np.mean(scaled)) < 4 / math.sqrt(len(scaled))
    assert abs(np.corrcoef(scaled[1:], scaled[:-1])[0, 1]) < 4 / math.sqrt(len(scaled))


def test_vols_move_together_against_spot(chain: gex.Chain, events: list[gex.Event]) -> None:
    spot, last = chain.spot, []
    for event in events:
        if event.kind == "spot":
            spot = event.values["spot"]
        if event.kind == "quote" and isinstance(event.rows, int):
            change = math.log(event.values["implied_vol"] / chain.implied_vol[event.rows])
            years = chain.time_to_expiry[event.rows]
            last.append((math.log(spot / chain.spot), change, years, event.time.timestamp()))
    moved, change, years, time = np.array(last).T
    near, far = years < 0.03, years > 0.2
    assert near.sum() > 500 and far.sum() > 500
    assert np.corrcoef(moved[near], change[near])[0, 1] < -0.5  # a common factor, as spot falls
    assert np.std(change[near]) > 2 * np.std(change[far])
    # contracts that are quoted one after the other have moved alike
    order = np.argsort(time[near])
    series = change[near][order]
    assert np.corrcoef(series[1:], series[:-1])[0, 1] > 0.8


def test_quotes_come_where_contracts_trade() -> None:
    chain = gex.synthetic_chain()
    events = list(gex.synthetic_feed(chain, 60.0, 200.0))
    rows = np.concatenate([np.atleast_1d(e.rows) for e in events if e.kind == "quote"])
    assert (chain.status[rows] == USED).all()
    away = np.abs(np.log(chain.strike / chain.spot))
    for day in np.unique(chain.expiry)[:3]:  # near the money on each of the next days
        quoted, listed = (at[chain.expiry[at] == day] for at in (rows, np.arange(len(chain))))
        assert np.median(away[quoted]) < 0.7 * np.median(away[listed])
    near = chain.time_to_expiry < 0.1
    assert near[rows].mean() > 1.2 * near.mean()
    together = [e.rows for e in events if e.kind == "quote" and not isinstance(e.rows, int)]
    assert len(together) > 200
    same = [len(set(chain.expiry[at].tolist())) == 1 for at in together]
    assert np.mean(same) > 0.8


def test_customers_trade_at_the_quote(chain: gex.Chain, events: list[gex.Event]) -> None:
    trades = [e.values["trades"] for e in events if e.kind == "trade"]
    assert all(t.counts == {"read": 1, "used": 1} for t in trades)
    bought = [float(t.price[0]) == float(t.ask[0]) for t in trades]
    assert 0.4 < np.mean(bought) < 0.7
    assert all(0 <= t.bid[0] < t.ask[0] for t in trades)
    book = gex.Book(chain, "flow")
    for each in trades:
        book.apply_trades(each)
    assert np.count_nonzero(book.snapshot().positions.contracts) > 100


def test_other_chains_are_fed_too() -> None:
    bare = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0, 100.0], is_call=[False, True, True],
        implied_vol=[0.22, 0.18, math.nan], open_interest=[10, 20, 30], time_to_expiry=0.1,
    )  # fmt: skip
    events = list(gex.synthetic_feed(bare, 300.0, 10.0))
    assert gex.Replay(gex.Book(bare), events, every=math.inf).run().dropped == {}
    rows = {int(row) for e in events if e.rows is not None for row in np.atleast_1d(e.rows)}
    assert rows == {0, 1}  # the third has no vol
    assert {e.values["when"] for e in events if e.kind == "clock"} == {10.0 / 86400}  # days


@pytest.mark.parametrize(
    ("seconds", "rate", "message"),
    [(-1.0, 1.0, "seconds: -1.0"), (math.nan, 1.0, "seconds: nan"), (1.0, math.inf, "rate: inf")],
)
def test_what_cannot_be(chain: gex.Chain, seconds: float, rate: float, message: str) -> None:
    with pytest.raises(gex.InputError, match=message):
        next(gex.synthetic_feed(chain, seconds, rate))
    with pytest.raises(gex.InputError, match="no usable contract"):
        next(gex.synthetic_feed(chain.filter(np.zeros(len(chain), bool))))
