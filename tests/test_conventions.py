"""Conventions: clocks, rates, scopes; exchanged later or read with; other people's greeks."""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from end_of_day import end_of_day
from gexcore import bsm
from gexcore.clock import CLOCKS
from gexcore.conventions import REASONS, USED
from gexcore.errors import ConventionError, InputError

HOUR = 1 / (365 * 24)
THURSDAY = "2024-03-14T15:00-04:00"
# Friday morning, Friday afternoon, Monday afternoon, and a Thursday morning that is over
TIMES = {
    "settlement": [18.5 * HOUR, 25 * HOUR, 97 * HOUR, -5.5 * HOUR],
    "calendar/365": [1 / 365, 1 / 365, 4 / 365, -5.5 * HOUR],
    "business/252": [1 / 252, 1 / 252, 2 / 252, -5.5 * HOUR],
    "business/262": [1 / 262, 1 / 262, 2 / 262, -5.5 * HOUR],
}


def four(**more: Any) -> gex.Chain:
    given = {
        "spot": 100.0,
        "strike": [98.0, 99.0, 101.0, 102.0],
        "is_call": [True, False, True, False],
        "implied_vol": [0.2, 0.0, 0.2, 0.2],
        "open_interest": 10.0,
        "expiry": ["2024-03-15", "2024-03-15", "2024-03-18", "2024-03-14"],
        "root": ["SPX", "SPXW", "SPXW", "SPX"],
        "as_of": THURSDAY,
    }
    return gex.Chain.from_arrays(**{**given, **more})


@pytest.mark.parametrize("clock", CLOCKS)
def test_clocks_by_hand(clock: str) -> None:
    read, exchanged = four(clock=clock), four().with_conventions(clock=clock)
    for chain in (read, exchanged):
        np.testing.assert_allclose(chain.time_to_expiry, TIMES[clock], rtol=1e-12)
        assert chain.manifest["clock"] == clock
        # a contract that has settled stays expired under every clock
        names = [REASONS[code] if code != USED else "used" for code in chain.status]
        assert names == ["used", "no_implied_vol", "used", "expired"]
    np.testing.assert_array_equal(read.time_to_expiry, exchanged.time_to_expiry)
    with pytest.raises(ConventionError, match="clock: there is no 'lunar'"):
        four(clock="lunar")


def test_a_time_that_has_come_makes_a_contract_expire_and_back() -> None:
    late = four().with_conventions(as_of="2024-03-15T10:00-04:00")
    assert [code == REASONS.index("expired") for code in late.status] == [True, False, False, True]
    again = late.with_conventions(as_of=THURSDAY)
    np.testing.assert_array_equal(again.status, four().status)
    np.testing.assert_array_equal(again.time_to_expiry, four().time_to_expiry)


def test_what_reading_found_stays_found() -> None:
    flags = {"duplicate": [False, True, False, True]}
    chain = four(strike=[-1.0, 99.0, 101.0, 102.0], flags=flags)
    moved = chain.with_conventions(as_of="2024-03-20T15:00-04:00", clock="business/252")
    names = ["bad_row", "duplicate", "expired", "duplicate"]
    assert [REASONS[code] for code in moved.status] == names
    unknown = four(expiry=["2024-03-15", None, "2024-03-18", "NaT"])
    for clock in CLOCKS:
        status = unknown.with_conventions(clock=clock).status
        assert [code == REASONS.index("bad_row") for code in status] == [False, True, False, True]


PUBLISHED = [
    ("business/262", 0.0, 0.0, 4734.722, -20.850),
    ("calendar/365", 0.053, 0.015, 4720.93, -13.316),
]


@pytest.mark.parametrize(("clock", "rate", "dividend_yield", "flip", "bn"), PUBLISHED)
def test_published_flip(
    clock: str, rate: float, dividend_yield: float, flip: float, bn: float, test_data: Path
) -> None:
    path = test_data / "data" / "cboe_spx_2024-01-07.csv"
    named = {"clock": clock, "rate": rate, "dividend_yield": dividend_yield, "as_of": "printed"}
    read, exchanged = gex.read_cboe(path, **named), gex.read_cboe(path).with_conventions(**named)
    for chain in (read, exchanged):
        result = gex.analyze(chain)
        assert result.levels.zero_gamma.value == pytest.approx(flip, abs=0.01)
        assert result.exposures.gamma.net / 1e9 == pytest.approx(bn, abs=1e-3)
        assert result.manifest["clock"] == clock


# --- exchanged is the same as read -------------------------------------------------------------

STARTS: list[dict[str, Any]] = [
    {},
    {"rate": 0.05, "dividend_yield": 0.015},
    {"rates": "parity", "rate": 0.04},
    {"rates": "parity", "dividend_yield": 0.012, "clock": "calendar/365"},
    {"rates": "flat", "clock": "business/252"},
    {"as_of": "2030-01-01T00:00Z"},  # everything has expired, no forward to fit
]
CHANGES: list[dict[str, Any]] = [
    {"clock": "calendar/365"},
    {"clock": "settlement", "as_of": "session"},
    {"as_of": "printed"},
    {"as_of": "2023-10-02T12:00-04:00", "clock": "business/262"},
    {"rate": 0.03},
    {"dividend_yield": 0.02, "clock": "business/252"},
    {"rate": 0.03, "dividend_yield": 0.01, "as_of": "session"},
    {"rates": "flat"},
]


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_exchanged_conventions_are_those_read_with(start: dict[str, Any], test_data: Path) -> None:
    path = test_data / "data" / "cboe_xsp_2023-09-14.csv"
    chain = gex.read_cboe(path, **start)
    for change in CHANGES:
        fitted = chain.rates.table is not None
        named = {**start, **change}
        if fitted and ("rate" in change or "dividend_yield" in change):
            named.pop("rates", None)  # a rate that is named ends the fit, unless asked for
        read, exchanged = gex.read_cboe(path, **named), chain.with_conventions(**change)
        for name in ("time_to_expiry", "status", "rate", "dividend_yield", "strike"):
            np.testing.assert_array_equal(getattr(exchanged, name), getattr(read, name))
        assert exchanged.as_of == read.as_of
        assert exchanged.manifest == read.manifest
        table = exchanged.rates.table
        assert (table is None) == (read.rates.table is None)
        assert table is None or table.to_dict() == read.rates.table.to_dict()


def test_the_old_chain_is_untouched() -> None:
    chain = four(rate=0.05)
    before = chain.time_to_expiry.copy()
    assert chain.codes("rate")[1].tolist() == [0.05]
    assert chain.codes("time_to_expiry")[1].size == 4
    moved = chain.with_conventions(clock="calendar/365", rate=0.02, dividend_yield=0.01)
    np.testing.assert_array_equal(chain.time_to_expiry, before)
    assert (chain.rate, chain.clock) == (0.05, "settlement")
    # values that were numbered for the old chain are not those of the new one
    assert moved.codes("rate")[1].tolist() == [0.02]
    assert moved.codes("dividend_yield")[1].tolist() == [0.01]
    assert moved.codes("time_to_expiry")[1].size == 3
    assert chain.with_conventions().rates is chain.rates


def test_rates_per_row_stay_with_their_rows() -> None:
    rate, held = [0.01, 0.02, 0.03, 0.04], [0.0, 0.01, 0.02, 0.03]
    chain = four(rate=rate, dividend_yield=held)
    part = chain.filter(np.array([True, False, True, False]))
    moved = part.with_conventions(clock="calendar/365")
    assert moved["rate"].tolist() == [0.01, 0.03]
    moved = part.with_conventions(dividend_yield=0.0)  # the rate is not named: it stays
    assert (moved["rate"].tolist(), moved.dividend_yield) == ([0.01, 0.03], 0.0)
    assert moved.rates.note is None
    with pytest.raises(InputError, match="rate: 4 rows, but strike has 2"):
        part.with_conventions(rate=rate)
    for values in chain.rates.given:
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 9.0


def test_exchanges_that_cannot_be_made() -> None:
    bare = gex.Chain.from_arrays(spot=100.0, strike=[100.0], is_call=True, implied_vol=0.2,
                                 open_interest=1.0, time_to_expiry=0.1)  # fmt: skip
    for change in ({"clock": "calendar/365"}, {"as_of": THURSDAY}):
        with pytest.raises(InputError, match="time_to_expiry: is missing"):
            bare.with_conventions(**change)
    with pytest.raises(InputError, match="needs a printed time"):
        four().with_conventions(as_of="printed")
    with pytest.raises(ConventionError, match="rates: there is no 'guess'"):
        bare.with_conventions(rates="guess")
    with pytest.raises(InputError, match="needs bid and ask"):
        bare.with_conventions(rates="parity")
    assert bare.with_conventions(rate=0.05).rate == 0.05


@pytest.mark.parametrize("rows", [[], [0], [0, 1, 2, 3]])
@pytest.mark.parametrize("when", ["2024-03-14T15:00-04:00", "2034-03-14T15:00-04:00"])
def test_odd_chains_keep_working(rows: list[int], when: str) -> None:
    # nothing, one row, everything expired: quoted, under every exchange
    mask = np.isin(np.arange(4), rows)
    chain = four(bid=1.0, ask=1.1, rates="parity", as_of=when).filter(mask)
    assert "NO FORWARDS" in chain.rates.note
    for change in ({"clock": "business/262"}, {"as_of": THURSDAY}, {"rates": "parity"},
                   {"rates": "flat"}, {"rate": 0.02}):  # fmt: skip
        moved = chain.with_conventions(**change)
        assert len(moved) == len(rows)
        assert np.isfinite(np.broadcast_to(moved.rate - moved.dividend_yield, len(rows))).all()
        result = gex.analyze(gex.Chain.concat([moved, moved]).filter("ex-next"))
        assert result.coverage.read <= 2 * len(rows)
        assert result.to_dict()["regime"]["kind"] in ("no_exposure", "long_gamma", "short_gamma")


# --- rates -------------------------------------------------------------------------------------


def test_parity_is_the_default_where_quotes_allow(test_data: Path) -> None:
    path = test_data / "data" / "cboe_xsp_2023-09-14.csv"
    auto, flat = gex.read_cboe(path), gex.read_cboe(path, rates="flat")
    assert (auto.rates.source, flat.rates.source) == ("parity", "not given")
    assert (flat.rate, flat.dividend_yield) == (0.0, 0.0)
    # the money-market rate of the day was 5.3%
    assert auto.with_conventions().rates is auto.rates  # nothing moved, nothing is fitted again
    assert auto.rate == pytest.approx(0.053, abs=0.006)
    assert len(np.unique(auto.dividend_yield)) > 10
    results = [gex.analyze(chain) for chain in (auto, flat)]
    assert "NOTE: rate and dividend_yield were not given: 0 is used" in str(results[1])
    assert "parity: rate 5." in str(results[0])
    flips = [result.levels.zero_gamma.value for result in results]
    assert abs(flips[0] / flips[1] - 1) > 1e-4  # it matters
    spy = gex.read_cboe(test_data / "data" / "cboe_spy_2023-09-14.csv")
    assert spy.rates.source == "not given"  # American: quotes do not tell


def test_a_rate_alone_means_no_dividends_and_says_so() -> None:
    for chain in (four(rate=0.05), four().with_conventions(rate=0.05)):
        assert (chain.rate, chain.dividend_yield) == (0.05, 0.0)
        assert chain.rates.note == "dividend_yield was not given: 0 is used"
        assert chain.manifest["rates"]["note"] == chain.rates.note
        assert chain.rates.note in str(gex.analyze(chain))


# --- scope -------------------------------------------------------------------------------------


def test_scope_changes_the_sign(test_data: Path) -> None:
    path = test_data / "data" / "cboe_xsp_2023-09-14.csv"
    chain = gex.read_cboe(path, rate=0.05, dividend_yield=0.015)
    whole, week = gex.analyze(chain), gex.analyze(chain.filter("dte<=7"))
    assert whole.exposures.gamma.net == pytest.approx(-0.297e9, abs=0.5e6)
    assert whole.levels.zero_gamma.value == pytest.approx(455.9, abs=0.05)
    assert week.exposures.gamma.net == pytest.approx(0.05e9, abs=5e6)
    assert week.levels.zero_gamma.value == pytest.approx(448.9, abs=0.05)
    assert week.manifest["scope"] == "dte<=7"


# --- greeks of others --------------------------------------------------------------------------


def deribit(path: Path) -> dict[str, Any]:
    """Columns of the later snapshot of every instrument."""
    with path.open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["timestamp"]))
    rows = list({row["instrument_name"]: row for row in rows}.values())
    names = [row["instrument_name"].split("-") for row in rows]
    settled = [datetime.strptime(name[1], "%d%b%y").replace(hour=8, tzinfo=UTC) for name in names]
    columns = ("underlying_price", "index_price", "mark_iv", "timestamp")
    found = {key: np.array([float(row[key]) for row in rows]) for key in columns}
    for key in ("delta", "gamma", "vega", "theta"):
        found[key] = np.array([float(row[f"greeks.{key}"]) for row in rows])
    seconds = np.array([moment.timestamp() for moment in settled]) - found["timestamp"] / 1000
    return {
        **found,
        "years": seconds / (365 * 86400),
        "strike": np.array([float(name[2]) for name in names]),
        "is_call": np.array([name[3] == "C" for name in names]),
    }


def test_greeks_of_the_deribit_book(test_data: Path) -> None:
    book = deribit(test_data / "data" / "deribit_eth_2021-02-11.csv")
    assert len(book["strike"]) == 498
    spot, forward, years = book["index_price"], book["underlying_price"], book["years"]
    held = -np.log(forward / spot) / years
    vol, names = book["mark_iv"] / 100, ("delta", "gamma", "vega", "theta")
    columns = (book["strike"], years, vol, 0.0)
    ours = bsm.greeks(spot, *columns, held, book["is_call"], which=names)
    on_forward = bsm.greeks(forward, *columns, 0.0, book["is_call"], which=names)
    # they differentiate by the forward, F = S e^(-yT): one factor S/F per derivative, and a
    # forward that stands still, while ours grows by -y F a year as time to expiry goes by
    ratio = spot / forward
    theirs = {
        "delta": (ours.delta * ratio, on_forward.delta),
        "gamma": (ours.gamma * ratio**2, on_forward.gamma),
        "vega": (ours.vega / 100, on_forward.vega / 100),  # per vol point
        "theta": ((ours.theta - held * spot * ours.delta) / 365, on_forward.theta / 365),  # per day
    }
    for name, (through_carry, direct) in theirs.items():
        np.testing.assert_allclose(through_carry, direct, rtol=1e-9, atol=1e-12)
        error = np.abs(through_carry - book[name])
        if name in ("delta", "gamma"):
            assert np.median(error) <= 1e-5
        else:
            large = np.abs(book[name]) > 0.01  # five decimals are printed
            assert large.sum() > 300
            assert np.median(error[large] / np.abs(book[name][large])) <= 1e-4


def test_gamma_of_an_american_stock(test_data: Path) -> None:
    path = test_data / "data" / "lean_goog_2015-12-24.csv"
    chain = end_of_day(path, "2015-12-24T13:00-05:00", clock="calendar/365", rate=0.01)
    theirs = chain["vendor_gamma"]
    gamma = gex.compute_greeks(chain, "gamma").gamma
    clear = (chain.status == USED) & (theirs > 1e-4)
    assert clear.sum() > 1500
    assert np.median(np.abs(gamma[clear] / theirs[clear] - 1)) < 0.05


@pytest.mark.parametrize(
    ("name", "rate", "dividend_yield"),
    [("rut_2023-09-21.json.gz", 0.0575, 0.01), ("spx_2023-09-14.csv", 0.053, 0.015)],
)
def test_gamma_of_the_exchange(
    name: str, rate: float, dividend_yield: float, test_data: Path
) -> None:
    path = test_data / "data" / f"cboe_{name}"
    conventions = {"clock": "calendar/365", "rate": rate, "dividend_yield": dividend_yield}
    chain = gex.read_cboe(path, **conventions)
    if name.startswith("rut"):  # printed at 03:17 UTC: the session of the day before
        assert math.isclose(chain.as_of.time.timestamp() % 86400, 3 * 3600 + 17 * 60, abs_tol=60)
    theirs = chain["vendor_gamma"]
    gamma = gex.compute_greeks(chain, "gamma").gamma
    clear = (chain.status == USED) & (theirs >= 5e-4)  # four decimals are printed
    assert clear.sum() > 2000
    assert np.median(np.abs(gamma[clear] / theirs[clear] - 1)) < 0.05
