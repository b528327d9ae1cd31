"""Rates by parity on chains of known rate, yields and basis, with junk and without quotes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from gexcore.parity import fit_parity
from hypothesis import given, settings
from hypothesis import strategies as st

SPOT = 5000.0
DAYS = np.array(
    [0.25, 1, 2, 3, 4, 7, 9, 11, 14, 21, 28, 35, 42, 49, 59, 90, 120, 180, 270, 365, 720]
)
STRIKES = np.arange(3500.0, 6505.0, 25.0)


def quotes(
    days: Any = DAYS, *, rate: float = 0.04, dividend_yield: Any = 0.013, basis: float = 0.0,
    half_spread: float = 0.0, noise: Any = 0.0, spot: float = SPOT, seed: int = 1,
) -> dict[str, Any]:  # fmt: skip
    """Calls above puts for every strike, C - P = D (F - K) exactly but for `noise` (per series).

    Prices are softplus functions of the distance to F: positive, convex, of no pricing model.
    """
    rng = np.random.default_rng(seed)
    days = np.asarray(days, float)
    years = days / 365
    forward = spot * np.exp(basis + (rate - dividend_yield) * years)
    discount = np.exp(-rate * years)
    m, k = len(days), len(STRIKES)
    strike = np.tile(STRIKES * spot / SPOT, m)
    series = np.repeat(np.arange(m), k)
    width = spot * (0.02 + 0.08 * np.sqrt(years))[series]
    x = (forward[series] - strike) / width
    prices = [discount[series] * width * np.logaddexp(0, sign * x) for sign in (1, -1)]
    mid = np.concatenate(prices)
    mid += np.tile(np.broadcast_to(noise, m)[series], 2) * rng.standard_normal(len(mid))
    return {
        "spot": spot,
        "strike": np.tile(strike, 2),
        "is_call": np.arange(len(mid)) < len(mid) // 2,
        "bid": np.maximum(mid - half_spread, 0),
        "ask": np.maximum(mid + half_spread, 0),
        "time_to_expiry": np.tile(years[series], 2),
        "series": np.tile(series, 2),
        "names": [("XYZ", f"in {day:g} days") for day in days],
        "usable": np.ones(len(mid), bool),
    }


def permuted(chain: dict[str, Any], order: Any) -> dict[str, Any]:
    return {k: v[order] if isinstance(v, np.ndarray) else v for k, v in chain.items()}


# ---- known answers


@pytest.mark.parametrize("basis", [0.0, 12e-4, -25e-4])
@pytest.mark.parametrize("rate", [-0.01, 0.0, 0.04, 0.12])
def test_exact_quotes_give_exact_rates(rate: float, basis: float) -> None:
    chain = quotes(rate=rate, basis=basis)
    found = fit_parity(**chain)
    assert isinstance(found.rate, float)
    assert found.rate == pytest.approx(rate, abs=1e-9)
    assert found.spot_basis == pytest.approx(basis, abs=1e-10)
    np.testing.assert_allclose(found.dividend_yield, 0.013, atol=1e-6)
    assert found.flags == (("spot_basis",) if basis else ())
    assert found.source == "parity"
    assert ("spot basis" in found.note) if basis else found.note is None
    table = found.table
    assert table.counts == {"fitted": len(DAYS)}
    years = DAYS / 365
    np.testing.assert_allclose(table.time_to_expiry, years)
    np.testing.assert_allclose(table.forward, SPOT * np.exp(basis + (rate - 0.013) * years))
    np.testing.assert_allclose(table.discount, np.exp(-rate * years))
    assert (table.strikes == 11).all()
    assert (table.mad_bp < 1e-6).all()


def test_yields_by_expiry_basis_and_noise_together() -> None:
    years = DAYS / 365
    dividend_yield = np.where(DAYS < 60, 0.013, 0.013 + 0.006 * np.sin(5 * years))
    noise = 0.05 + 0.3 * np.sqrt(years)
    chain = quotes(dividend_yield=dividend_yield, basis=8e-4, noise=noise, half_spread=0.2)
    found = fit_parity(**chain)
    assert found.rate == pytest.approx(0.04, abs=5e-4)
    assert found.spot_basis == pytest.approx(8e-4, abs=0.5e-4)
    true = SPOT * np.exp(8e-4 + (0.04 - dividend_yield) * years)
    np.testing.assert_allclose(found.table.forward, true, rtol=1e-4)
    error = found.table.dividend_yield - dividend_yield
    assert np.abs(error[DAYS >= 30]).max() < 15e-4
    # a noise of 0.3 bp is 4.4% of carry on a quarter of a day; the slope of the line stands in
    assert np.abs(error).max() < 60e-4


def test_lumpy_dividends_stay_where_they_are_seen() -> None:
    """Half of a year's dividends paid on day 40: 30 bp, in the forwards from there on."""
    paid = np.where(DAYS >= 40, 30e-4, 0.0)
    found = fit_parity(**quotes(dividend_yield=paid / (DAYS / 365)))
    late = DAYS > 60
    total = found.table.dividend_yield * DAYS / 365 - found.spot_basis
    np.testing.assert_allclose(total[late], 30e-4, atol=1e-4)
    # before it the line, bent by the payment, pulls by a tenth of it at most
    assert np.abs(total[(DAYS > 10) & (DAYS < 40)]).max() < 3.5e-4


def test_ten_percent_junk_quotes() -> None:
    chain = quotes(half_spread=0.1, basis=5e-4)
    clean = fit_parity(**chain)
    rng = np.random.default_rng(3)
    rows = len(chain["bid"])
    junk = rng.random(rows) < 0.1
    mid = chain["bid"] * rng.lognormal(0, 1, rows)
    bid, ask = np.where(junk, mid, chain["bid"]), np.where(junk, 1.1 * mid, chain["ask"])
    found = fit_parity(**{**chain, "bid": bid, "ask": ask})
    assert found.table.counts == {"fitted": len(DAYS)}
    assert found.rate == pytest.approx(clean.rate, abs=5e-4)
    assert found.spot_basis == pytest.approx(5e-4, abs=1e-6)
    np.testing.assert_allclose(found.table.forward, clean.table.forward, rtol=1e-4)
    np.testing.assert_allclose(found.dividend_yield, clean.dividend_yield, atol=15e-4)


@pytest.mark.parametrize(
    ("bid", "ask"), [(1.0, np.nan), (0.0, 900.0), (900.0, 1.0), (1.0, np.inf), (np.nan, 1.0)]
)
def test_bad_quotes_are_no_quotes(bid: float, ask: float) -> None:
    chain = quotes(half_spread=0.1)
    bad = np.arange(len(chain["bid"])) % 3 == 0
    columns = {"bid": np.where(bad, bid, chain["bid"]), "ask": np.where(bad, ask, chain["ask"])}
    found = fit_parity(**{**chain, **columns})
    without = fit_parity(**{**chain, "usable": ~bad})
    np.testing.assert_array_equal(found.dividend_yield, without.dividend_yield)
    assert found.rate == pytest.approx(0.04, abs=1e-9)


def test_first_of_duplicate_rows_counts() -> None:
    chain = quotes(basis=4e-4)
    expected = fit_parity(**chain)
    wrong = {
        **chain,
        "bid": chain["bid"] + 50,
        "ask": chain["ask"] + np.where(chain["is_call"], 90, 50),
    }
    columns = [k for k, v in chain.items() if isinstance(v, np.ndarray)]
    both = {**chain, **{k: np.concatenate([chain[k], wrong[k]]) for k in columns}}
    found = fit_parity(**both)
    np.testing.assert_array_equal(found.table.forward, expected.table.forward)
    assert found.rate == expected.rate


def test_order_of_rows_does_not_matter() -> None:
    chain = quotes(noise=0.3, half_spread=0.2, basis=4e-4)
    order = np.random.default_rng(5).permutation(len(chain["bid"]))
    here, there = fit_parity(**chain), fit_parity(**permuted(chain, order))
    assert there.rate == here.rate
    np.testing.assert_array_equal(there.dividend_yield, here.dividend_yield[order])
    assert there.to_dict() == here.to_dict()


@pytest.mark.parametrize("scale", [1e-3, 0.1, 20.0])
def test_scale_of_prices_does_not_matter(scale: float) -> None:
    found = fit_parity(**quotes(spot=SPOT * scale, basis=4e-4))
    assert found.rate == pytest.approx(0.04, abs=1e-9)
    np.testing.assert_allclose(found.dividend_yield, 0.013, atol=1e-6)


# ---- what is accepted


def test_scattered_forwards_are_rejected_and_interpolated() -> None:
    dividend_yield = 0.010 + 0.004 * DAYS / 365
    noise = np.where(np.isin(DAYS, [35, 180]), 30.0, 0.0)  # 60 bp of F; allowed 5 and 8.7
    found = fit_parity(**quotes(dividend_yield=dividend_yield, noise=noise, half_spread=0.1))
    table = found.table
    rejected = noise > 0
    assert (table.status == np.where(rejected, "interpolated", "fitted")).all()
    assert "2 of 21 series interpolated" in found.note
    assert (table.mad_bp[rejected] > 9).all()
    carry = table.rate - table.dividend_yield
    years = DAYS / 365
    between = np.interp(years[rejected], years[~rejected], carry[~rejected])
    np.testing.assert_allclose(carry[rejected], between, atol=1e-14)
    implied = SPOT * np.exp(found.spot_basis + carry * years)
    np.testing.assert_allclose(table.forward[rejected], implied[rejected])
    np.testing.assert_allclose(table.dividend_yield[10:], dividend_yield[10:], atol=3e-4)


@pytest.mark.parametrize(
    ("days", "scatter", "status"),
    [
        (59, 4e-4, "fitted"), (59, 7e-4, "interpolated"),
        (270, 9e-4, "fitted"), (270, 12e-4, "interpolated"),  # 5 bp x sqrt(270 / 60) = 10.6 bp
        (720, 16e-4, "fitted"), (720, 19e-4, "interpolated"),  # 17.3 bp
    ],
)  # fmt: skip
def test_bound_on_scatter_grows_with_the_root_of_time(
    days: float, scatter: float, status: str
) -> None:
    chain = quotes(half_spread=0.1)
    here = chain["is_call"] & (chain["time_to_expiry"] == days / 365)
    off = scatter * SPOT * ((chain["strike"] / 25).round() % 3 - 1) * here  # up, down, none
    table = fit_parity(**{**chain, "bid": chain["bid"] + off, "ask": chain["ask"] + off}).table
    assert table.status[days == DAYS] == status


def test_carry_is_held_outside() -> None:
    dividend_yield = np.linspace(0.01, 0.02, len(DAYS))
    noise = np.where((DAYS < 5) | (DAYS > 300), 60.0, 0.0)
    table = fit_parity(**quotes(dividend_yield=dividend_yield, noise=noise, half_spread=0.1)).table
    fitted = table.status == "fitted"
    assert (fitted == (noise == 0)).all()
    y = table.dividend_yield
    np.testing.assert_allclose(y[DAYS < 5], y[fitted][0], atol=1e-14)
    np.testing.assert_allclose(y[DAYS > 300], y[fitted][-1], atol=1e-14)


def test_four_strikes_are_too_few_and_five_enough() -> None:
    chain = quotes()
    for strikes, status in ((4, "interpolated"), (5, "fitted")):
        near = np.abs(chain["strike"] - SPOT - 12.5 * (strikes % 2 - 1)) < 12.6 * strikes
        table = fit_parity(**{**chain, "usable": near | (chain["series"] != 12)}).table
        assert (table.strikes[12], table.status[12]) == (strikes, status)


def test_expired_rows_get_rates_but_no_say() -> None:
    chain = quotes(basis=4e-4)
    expired = chain["series"] == 3
    for years in (0.0, -1.0, np.nan):
        times = np.where(expired, years, chain["time_to_expiry"])
        found = fit_parity(**{**chain, "time_to_expiry": times})
        assert found.table.counts == {"fitted": len(DAYS) - 1, "not used": 1}
        np.testing.assert_allclose(found.dividend_yield, 0.013, atol=1e-6)
        assert "interpolated" not in found.note


# ---- rates: given, pooled, held, missing


@pytest.mark.parametrize(("rate", "expected"), [(0.30, 0.15), (-0.08, -0.02)])
def test_pooled_rate_is_held_in_range(rate: float, expected: float) -> None:
    found = fit_parity(**quotes(rate=rate))
    assert found.rate == expected
    assert f"{rate:.2%} is held at {expected:.2%}" in found.note
    true = SPOT * np.exp((rate - 0.013) * DAYS / 365)
    np.testing.assert_allclose(found.table.forward, true, rtol=1e-3)  # the discount is not true


def test_given_rate_or_yield_is_used_and_forwards_stand() -> None:
    chain, carry = quotes(), 0.04 - 0.013
    found = fit_parity(**chain, rate=0.05)
    assert found.rate == 0.05
    np.testing.assert_allclose(found.dividend_yield, 0.05 - carry, atol=1e-4)
    np.testing.assert_allclose(found.table.discount, np.exp(-0.05 * DAYS / 365))
    curve = 0.03 + 0.02 * chain["time_to_expiry"] / 2
    found = fit_parity(**chain, rate=curve)
    np.testing.assert_array_equal(found.rate, curve)
    np.testing.assert_allclose(found.rate - found.dividend_yield, carry, atol=1e-4)
    found = fit_parity(**chain, dividend_yield=0.02)
    np.testing.assert_array_equal(found.dividend_yield, 0.02)
    np.testing.assert_allclose(found.rate, 0.02 + carry, atol=1e-6)
    found = fit_parity(**chain, rate=0.05, dividend_yield=0.02)
    assert found.rate == 0.05
    np.testing.assert_array_equal(found.dividend_yield, 0.02)
    assert found.table.counts == {"fitted": len(DAYS)}


def test_no_expiration_long_enough_for_the_rate() -> None:
    found = fit_parity(**quotes(DAYS[DAYS < 30], basis=4e-4))
    assert "no expiration tells the rate" in found.note
    assert found.rate == pytest.approx(0.04 - 0.013, abs=3e-4)
    np.testing.assert_allclose(found.dividend_yield, 0.0, atol=3e-4)


def test_long_rates_do_not_outvote_the_short_end() -> None:
    """Five expirations at 5% within the year, four at 3% beyond."""
    short = quotes([45, 90, 180, 270, 330], rate=0.05, dividend_yield=0.01)
    long = quotes([700, 1100, 1400, 1800], rate=0.03, dividend_yield=0.01)
    columns = [k for k, v in short.items() if isinstance(v, np.ndarray)]
    chain = {k: np.concatenate([short[k], long[k]]) for k in columns}
    chain["series"] = np.concatenate([short["series"], long["series"] + 5])
    found = fit_parity(**chain, spot=SPOT, names=short["names"] + long["names"])
    assert found.rate == pytest.approx(0.05, abs=1e-9)


# ---- the last days, and chains without a line


def test_last_day_follows_the_line() -> None:
    """An error of 2 bp in a forward is 300% of carry six hours before settlement."""
    off = np.where(DAYS == 0.25, 2e-4, 0.0)
    rates = fit_parity(
        **quotes(dividend_yield=0.013 - off / (DAYS / 365), noise=0.2, half_spread=0.1)
    )
    assert rates.table.status[0] == "fitted"
    assert rates.table.dividend_yield[0] == pytest.approx(0.013, abs=0.01)


def test_one_expiration_cannot_tell_a_basis() -> None:
    found = fit_parity(**quotes([0.25], basis=12e-4))
    assert found.spot_basis is None
    assert "spot basis" in found.note
    assert np.abs(found.dividend_yield).max() < 0.05
    found = fit_parity(**quotes([90], basis=0.0), rate=0.04)
    assert found.spot_basis is None
    assert found.table.dividend_yield[0] == pytest.approx(0.013, abs=0.002)


def test_futures_that_are_no_line_keep_their_forwards() -> None:
    """Volatility futures: far from spot, in no proportion to time; no timing can explain that."""
    climb = 0.25 * (1 - np.exp(-DAYS / 30))
    found = fit_parity(**quotes(dividend_yield=0.04 - climb / (DAYS / 365)))
    assert found.spot_basis is None
    assert "no line" in found.note
    forward = SPOT * np.exp((found.table.rate - found.table.dividend_yield) * DAYS / 365)
    np.testing.assert_allclose(forward, SPOT * np.exp(climb))


# ---- nothing to fit on


def test_american_chain_is_flat() -> None:
    chain = quotes()
    rows = len(chain["bid"])
    found = fit_parity(**chain, european=np.zeros(rows, bool), rate=0.05)
    assert (found.rate, found.source, found.flags) == (0.05, "flat fallback", ("no_parity",))
    assert (found.dividend_yield == 0).all()
    assert found.table.counts == {"american: flat": len(DAYS)}
    assert "NO FORWARDS" in found.note
    assert "american" in found.note
    assert "dividend_yield was not given: 0 is used" in found.note


def test_american_rows_among_european() -> None:
    chain = quotes()
    american = chain["series"] % 2 == 1
    found = fit_parity(**chain, european=~american)
    assert (found.rate[american] == 0).all()
    assert (found.dividend_yield[american] == 0).all()
    np.testing.assert_allclose(found.rate[~american], 0.04, atol=1e-9)
    np.testing.assert_allclose(found.dividend_yield[~american], 0.013, atol=1e-6)
    assert found.table.counts == {"american: flat": 10, "fitted": 11}
    assert "10 of 21 series american" in found.note
    assert found.table.forward[1] == SPOT


def test_no_quotes_is_flat() -> None:
    chain = quotes()
    found = fit_parity(**{**chain, "bid": np.zeros_like(chain["bid"])})
    assert found.rate == 0.0
    assert (found.dividend_yield == 0).all()
    assert found.table.counts == {"flat": len(DAYS)}
    assert "too few good quotes" in found.note
    assert "rate and dividend_yield were not given: 0 is used" in found.note
    assert found.spot_basis is None


def test_no_rows() -> None:
    found = fit_parity(**permuted(quotes([]), slice(0, 0)))
    assert len(found.dividend_yield) == len(found.table) == 0
    assert json.dumps(found.to_dict())
    assert str(found.table)


NUMBER = st.one_of(
    st.floats(-1e3, 1e4), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e-300, 1e300, 100.0])
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_data_raises_or_gives_nan(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 60))
    count = data.draw(st.integers(1, 7))
    seed = data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    draw = lambda: np.array(data.draw(st.lists(NUMBER, min_size=1, max_size=4)))  # noqa: E731
    bid, ask, strike, years = (rng.choice(draw(), rows) for _ in range(4))
    if data.draw(st.booleans()):
        strike = rng.choice(np.arange(90.0, 111.0, 5.0), rows)
        ask = bid + 1
    with np.errstate(invalid="raise", divide="raise"):
        found = fit_parity(
            spot=data.draw(NUMBER), strike=strike, is_call=rng.random(rows) < 0.5, bid=bid,
            ask=ask, time_to_expiry=years, series=rng.integers(0, count, rows),
            names=[("X", str(i)) for i in range(count)], usable=rng.random(rows) < 0.9,
            european=None if data.draw(st.booleans()) else rng.random(rows) < 0.8,
            rate=data.draw(st.sampled_from([None, 0.05])),
            dividend_yield=data.draw(st.sampled_from([None, 0.01])),
        )  # fmt: skip
    assert np.isfinite(found.rate).all()
    assert found.dividend_yield.shape == (rows,)
    assert np.isfinite(found.dividend_yield).all()
    json.dumps(found.to_dict(), allow_nan=False)
    assert str(found.table)
