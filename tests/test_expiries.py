"""Expirations: max pain by brute force, moves and skew by hand, real straddles."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.expiries import Expiries, compute_expiries
from hypothesis import given, settings
from hypothesis import strategies as st

NAN = float("nan")
YEARS = 0.25


def pain_of(strike: Any, is_call: Any, size: Any) -> float:
    """The lowest strike with the least total intrinsic value, every strike tried, exactly."""
    rows = [
        (Fraction(str(k)), bool(c), Fraction(str(n)))
        for k, c, n in zip(strike, is_call, size, strict=True)
        if n > 0
    ]
    best = None
    for price in sorted({k for k, _, _ in rows}):
        paid = sum(n * max(price - k if c else k - price, Fraction(0)) for k, c, n in rows)
        if best is None or paid < best[0]:
            best = (paid, price)
    return NAN if best is None else float(best[1])


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 2.5, 5.0]))
def test_max_pain_of_random_chains(seed: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 60))
    days = np.array(["2024-03-14", "2024-03-15", "2024-04-19"], "M8[D]")
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=np.round(100 + step * rng.integers(-8, 9, rows), 1),
        is_call=rng.random(rows) < 0.5,
        implied_vol=0.2 * (rng.random(rows) < 0.5),  # vols are not needed
        open_interest=rng.integers(0, 4, rows).astype(float),
        expiry=rng.choice(days, rows),
        root=rng.choice(["SPX", "SPXW"], rows),
        as_of="2024-03-14T18:00-04:00",  # the first day has settled
    )
    table = compute_expiries(chain)
    keys = set(zip(table.root.tolist(), table.expiry.astype(str).tolist(), strict=True))
    later = chain.expiry > days[0]
    expected = set(zip(chain.root[later].tolist(), chain.expiry[later].astype(str), strict=True))
    assert keys == expected
    for i in range(len(table)):
        own = (chain.root == table.root[i]) & (chain.expiry == table.expiry[i])
        columns = (chain.strike[own], chain.is_call[own], chain.open_interest[own])
        np.testing.assert_equal(table.max_pain[i], pain_of(*columns))


def test_max_pain_of_a_real_chain(test_data: Path) -> None:
    chain = gex.read_cboe(test_data / "data" / "cboe_spx_2023-09-14.csv", rate=0.05)
    table = compute_expiries(chain)
    found = {}
    for i in range(len(table)):
        own = (chain.root == table.root[i]) & (chain.expiry == table.expiry[i])
        strike, calls, size = chain.strike[own], chain.is_call[own], chain.open_interest[own]
        prices = np.unique(strike[size > 0])
        if not len(prices):
            assert np.isnan(table.max_pain[i])
            continue
        gap = prices[:, None] - strike
        paid = (np.where(calls, np.maximum(gap, 0), np.maximum(-gap, 0)) * size).sum(axis=1)
        assert table.max_pain[i] == prices[np.argmin(paid)]  # whole numbers: sums are exact
        found[str(table.root[i]), str(table.expiry[i])] = table.max_pain[i]
    assert found["SPX", "2023-11-17"] == 4340.0
    assert found["SPXW", "2023-11-17"] == 4480.0
    assert ("SPXW", "2023-09-14") not in found  # settled half an hour before the file


# --- by hand -----------------------------------------------------------------------------------


def table_of(strike: Any, is_call: Any, vol: Any, bid: Any = 1.0, ask: Any = 2.0, **more: Any):
    """Contracts that settle in a quarter of a year."""
    given = {
        "spot": 100.0, "open_interest": 1.0, "time_to_expiry": YEARS, "rate": 0.05,
        "dividend_yield": 0.01, "bid": bid, "ask": ask,
    }  # fmt: skip
    return compute_expiries(
        gex.Chain.from_arrays(strike=strike, is_call=is_call, implied_vol=vol, **{**given, **more})
    )


def one(table: Expiries) -> dict[str, float]:
    assert len(table) == 1
    names = ("forward", "at_the_money_vol", "vol_gap", "straddle", "one_sd", "skew", "max_pain")
    return {name: float(getattr(table, name)[0]) for name in names}


STRIKES, CALLS = [95.0, 95.0, 101.0, 101.0, 105.0, 105.0], np.array([True, False] * 3)
VOLS = [0.30, 0.31, 0.22, 0.20, 0.18, 0.19]
BIDS, ASKS = [7.0, 1.0, 4.0, 3.0, 2.0, 6.0], [7.4, 1.2, 4.4, 3.2, 2.4, 6.4]


def test_forward_vol_and_moves() -> None:
    found = one(table_of(STRIKES, CALLS, VOLS, BIDS, ASKS))
    forward = 100 * math.exp(0.04 * 0.25)  # 101.005: nearest strike is 101
    assert found["forward"] == pytest.approx(forward, rel=1e-14)
    assert found["at_the_money_vol"] == pytest.approx(0.21, rel=1e-14)
    assert found["vol_gap"] == pytest.approx(0.02, rel=1e-12)
    assert found["straddle"] == pytest.approx(4.2 + 3.1, rel=1e-14)
    assert found["one_sd"] == pytest.approx(forward * 0.21 * 0.5, rel=1e-14)


def test_the_strike_nearest_the_forward_not_the_spot() -> None:
    found = one(table_of([100.0, 100.0, 104.0, 104.0], [True, False] * 2, [0.2, 0.2, 0.3, 0.3],
                         rate=0.15, dividend_yield=0.0))  # fmt: skip
    assert found["forward"] == pytest.approx(103.8212, abs=1e-4)  # e^.0375
    assert found["at_the_money_vol"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("bid", "ask"),
    [(0.0, 4.4), (NAN, 4.4), (-1.0, 4.4), (4.0, 3.9), (4.0, NAN)],  # no bid, crossed, no ask
)
def test_no_straddle_without_both_quotes(bid: float, ask: float) -> None:
    for row in (2, 3):  # the call, the put
        bids, asks = [*BIDS], [*ASKS]
        bids[row], asks[row] = bid, ask
        found = table_of(STRIKES, CALLS, VOLS, bids, asks)
        assert np.isnan(found.straddle[0])
        assert found.one_sd[0] > 0
        assert found.to_dict()["straddle"] == [None]
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=STRIKES, is_call=CALLS, implied_vol=VOLS, open_interest=1.0,
        time_to_expiry=YEARS,
    )  # fmt: skip
    assert np.isnan(compute_expiries(chain).straddle[0])  # no quotes at all


def test_a_missing_vol_moves_to_the_neighbour() -> None:
    vols = [0.30, 0.31, NAN, 0.20, 0.18, 0.19]
    found = one(table_of(STRIKES, CALLS, vols, BIDS, ASKS))
    # 105 is nearer to 101.005 than 95 is
    assert found["at_the_money_vol"] == pytest.approx(0.185)
    assert found["straddle"] == pytest.approx(2.2 + 6.2)


def test_a_call_and_a_put_of_two_strikes_are_no_straddle() -> None:
    # out-of-the-money rows alone: a strangle, whose vols differ by the skew
    found = one(table_of([95.0, 105.0], [False, True], [0.30, 0.18], [1.0, 2.0], [1.2, 2.4]))
    assert np.isnan(found["straddle"])
    assert np.isnan(found["vol_gap"])
    assert found["at_the_money_vol"] == pytest.approx(0.24)
    lone = one(table_of([105.0], [True], [0.18]))
    assert np.isnan(lone["straddle"])
    assert lone["at_the_money_vol"] == pytest.approx(0.18)


def test_nothing_usable_leaves_the_forward() -> None:
    found = table_of(STRIKES, CALLS, 0.0)
    assert found.forward[0] == pytest.approx(100 * math.exp(0.01))
    for name in ("at_the_money_vol", "vol_gap", "straddle", "one_sd", "skew"):
        assert np.isnan(getattr(found, name)[0])
    assert found.max_pain[0] == 101.0  # the middle one of three equal strikes
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["at_the_money_vol"] == [None]
    assert "-" in str(found).splitlines()[1]


def put_delta(strike: float, vol: float, carry: float = 0.04, held: float = 0.01) -> float:
    d1 = (math.log(100 / strike) + (carry + vol * vol / 2) * YEARS) / (vol * math.sqrt(YEARS))
    return math.exp(-held * YEARS) * 0.5 * math.erfc(d1 / math.sqrt(2))


def call_delta(strike: float, vol: float) -> float:
    return math.exp(-0.01 * YEARS) - put_delta(strike, vol)


def test_skew_is_read_at_25_deltas() -> None:
    strikes, calls = [88.0, 93.0, 97.0, 104.0, 108.0, 112.0], [False] * 3 + [True] * 3
    vols = [0.30, 0.27, 0.25, 0.20, 0.19, 0.185]
    puts = [put_delta(k, v) for k, v in zip(strikes[:3], vols[:3], strict=True)]
    asked = [call_delta(k, v) for k, v in zip(strikes[3:], vols[3:], strict=True)]
    assert puts[0] < puts[1] < 0.25 < puts[2]
    assert asked[1] > 0.25 > asked[2]
    part = (0.25 - puts[1]) / (puts[2] - puts[1])
    put_vol = 0.27 + part * (0.25 - 0.27)
    part = (0.25 - asked[1]) / (asked[2] - asked[1])
    call_vol = 0.19 + part * (0.185 - 0.19)
    found = one(table_of(strikes, calls, vols))
    assert found["skew"] == pytest.approx(put_vol - call_vol, rel=1e-12)
    # without a put beyond 25 deltas there is nothing between which to read
    assert np.isnan(one(table_of(strikes[:2] + strikes[3:], calls[:2] + calls[3:],
                                 vols[:2] + vols[3:]))["skew"])  # fmt: skip


def test_ties_of_max_pain_go_to_the_lowest() -> None:
    # between 90 and 110 every price pays the same: one call and one put open at each end
    strikes, calls = [90.0, 90.0, 100.0, 100.0, 110.0, 110.0], np.array([True, False] * 3)
    size = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    assert one(table_of(strikes, calls, 0.2, open_interest=size))["max_pain"] == 90.0
    # prices in tenths, where sums round: two puts at 21.1 cost 2 x 0.7 at 20.4, at 21 they cost
    # 2 x 0.1 and two calls 2 x 0.6
    strikes, calls = np.array([20.4, 21.0, 21.1]), np.array([True, True, False])
    assert pain_of(strikes, calls, [2.0, 1.0, 2.0]) == 20.4
    found = one(table_of(strikes, calls, 0.2, open_interest=[2.0, 1.0, 2.0]))
    assert found["max_pain"] == 20.4


def test_max_pain_counts_multipliers_and_leaves_out_what_is_unsure() -> None:
    strikes, calls = [90.0, 110.0], np.array([True, False])
    for multiplier, expected in (([100.0, 10.0], 90.0), ([10.0, 100.0], 110.0)):
        found = one(table_of(strikes, calls, 0.2, multiplier=multiplier))
        assert found["max_pain"] == expected
    # the heavy put at 110 is a duplicate, adjusted, or unreadable
    for reason in ("duplicate", "adjusted_contract", "bad_row"):
        found = one(
            table_of(
                [90.0, 95.0, 110.0], [True, False, False], 0.2, open_interest=[2.0, 1.0, 9.0],
                flags={reason: [False, False, True]},
            )
        )  # fmt: skip
        assert found["max_pain"] == 90.0
    assert np.isnan(one(table_of(STRIKES, CALLS, VOLS, open_interest=0.0))["max_pain"])


def two_roots(as_of: str = "2024-03-14T15:00-04:00") -> Expiries:
    """One Friday, settled at 09:30 and at 16:00, and a Thursday that is over at 16:00."""
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[95.0, 105.0, 95.0, 105.0, 100.0],
        is_call=[True, False, True, False, True],
        implied_vol=[0.2, 0.2, 0.3, 0.3, 0.4],
        open_interest=[2.0, 1.0, 1.0, 2.0, 1.0],
        expiry=["2024-03-15"] * 4 + ["2024-03-14"],
        root=["SPX", "SPX", "SPXW", "SPXW", "SPXW"],
        rate=[0.02, 0.02, 0.05, 0.05, 0.0],
        as_of=as_of,
    )
    return compute_expiries(chain)


def test_morning_and_evening_settlements_are_kept_apart() -> None:
    table = two_roots()
    assert table.root.tolist() == ["SPXW", "SPX", "SPXW"]
    assert table.expiry.astype(str).tolist() == ["2024-03-14", "2024-03-15", "2024-03-15"]
    np.testing.assert_allclose(table.time_to_expiry * 365 * 24, [1.0, 18.5, 25.0], rtol=1e-12)
    np.testing.assert_allclose(table.at_the_money_vol, [0.4, 0.2, 0.3])
    np.testing.assert_allclose(table.max_pain, [100.0, 95.0, 105.0])
    hours = np.array([1.0, 18.5, 25.0]) / (365 * 24)
    np.testing.assert_allclose(table.forward, 100 * np.exp(np.array([0, 0.02, 0.05]) * hours))


def test_what_has_settled_is_left_out() -> None:
    assert two_roots("2024-03-15T12:00-04:00").root.tolist() == ["SPXW"]
    assert len(two_roots("2024-03-16T12:00-04:00")) == 0


def test_a_column_at_a_horizon() -> None:
    table = table_of([100.0] * 4, [True, False] * 2, [0.2, 0.24, 0.3, 0.3],
                     time_to_expiry=np.array([20, 20, 60, 60]) / 365)  # fmt: skip
    # a quarter of the way from 20 to 60 days
    assert table.at(table.at_the_money_vol, 30) == pytest.approx(0.22 + 0.25 * 0.08, rel=1e-12)
    assert table.at(table.at_the_money_vol, 5) == pytest.approx(0.22)
    assert table.at(table.at_the_money_vol, 500) == pytest.approx(0.3)
    assert table.at(table.skew) is None


# --- real chains -------------------------------------------------------------------------------

SPX = ("2022-02-05", "2022-06-11", "2023-02-07", "2023-09-04", "2023-09-14", "2024-01-07")


@pytest.mark.parametrize("day", SPX)
def test_straddles_of_real_chains(day: str, test_data: Path) -> None:
    chain = gex.read_cboe(test_data / "data" / f"cboe_spx_{day}.csv")
    table = compute_expiries(chain)
    short = (table.time_to_expiry <= 60 / 365) & np.isfinite(table.straddle)
    ratio = (table.straddle / table.one_sd)[short]
    assert short.sum() >= 15
    assert 0.77 <= np.median(ratio) <= 0.83  # sqrt(2 / pi) = 0.798
    usable = (chain.time_to_expiry > 0) & (chain.implied_vol > 0)
    for i in np.flatnonzero(short)[::5]:
        own = usable & (chain.root == table.root[i]) & (chain.expiry == table.expiry[i])
        calls = {chain.strike[j]: j for j in np.flatnonzero(own & chain.is_call)}
        puts = {chain.strike[j]: j for j in np.flatnonzero(own & ~chain.is_call)}
        nearest = min(calls.keys() & puts.keys(), key=lambda k: abs(np.log(k / table.forward[i])))
        rows = [calls[nearest], puts[nearest]]
        quotes = chain["bid"][rows] + chain["ask"][rows]
        assert table.straddle[i] == pytest.approx(quotes.sum() / 2, rel=1e-12)
        vols = chain.implied_vol[rows]
        assert table.at_the_money_vol[i] == pytest.approx(vols.mean(), rel=1e-12)
        assert table.vol_gap[i] == pytest.approx(vols[0] - vols[1], abs=1e-12)
