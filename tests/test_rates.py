"""Rates as reported; which roots are European; parity on real chains against public rates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import InputError
from gexcore.parity import fit_parity
from gexcore.rates import EUROPEAN_ROOTS, ParityTable, Rates, flat_rates


@pytest.mark.parametrize(
    ("rate", "dividend_yield", "source", "note"),
    [
        (0.05, 0.01, "given", None),
        (0.05, None, "given", "dividend_yield was not given: 0 is used"),
        (None, 0.01, "given", "rate was not given: 0 is used"),
        (None, None, "not given", "rate and dividend_yield were not given: 0 is used"),
    ],
)
def test_flat_rates_say_what_is_missing(
    rate: float | None, dividend_yield: float | None, source: str, note: str | None
) -> None:
    found = flat_rates(rate, dividend_yield, 3)
    assert (found.rate, found.dividend_yield) == (rate or 0.0, dividend_yield or 0.0)
    assert (found.source, found.note) == (source, note)
    assert (found.table, found.spot_basis, found.flags) == (None, None, ())
    assert set(found.to_dict()) == {"rate", "dividend_yield", "source", "note"}


def test_columns_are_copied_and_reported_as_a_range() -> None:
    column = np.array([0.01, 0.03, 0.02])
    found = flat_rates(0.05, column, 3)
    column[:] = 9
    assert found.dividend_yield.tolist() == [0.01, 0.03, 0.02]
    assert found.to_dict()["dividend_yield"] == {"low": 0.01, "high": 0.03}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5.3, "decimal, not percent"),
        (np.array([0.01, -7.0, 0.0]), "rate: -7 is above 1"),
        (float("nan"), "not finite"),
        (np.array([0.01, np.inf, 0.0]), "not finite"),
        ([0.01, 0.02], "2 rows, but strike has 3"),
        ("0.05", "not numbers"),
        (np.ma.masked_array([0.01, 0.02, 0.03]), "masked"),
    ],
)
def test_unusable_rates_are_refused(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        flat_rates(value, 0.0, 3)


def test_european_roots() -> None:
    """Exchange specifications: index options settled in cash, all but OEX; no funds or shares."""
    assert {"SPX", "SPXW", "XSP", "NDX", "NDXP", "XND", "RUT", "RUTW", "MRUT"} < EUROPEAN_ROOTS
    assert {"VIX", "VIXW", "DJX", "XEO"} < EUROPEAN_ROOTS
    assert not EUROPEAN_ROOTS & {"SPY", "QQQ", "IWM", "DIA", "AAPL", "OEX", "GLD", "VXX", "TLT"}


def test_rates_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Rates(0.0, 0.0, "given").rate = 0.1  # type: ignore[misc]


def test_table_as_text_data_and_frame() -> None:
    nan = float("nan")
    table = ParityTable(
        root=np.array(["SPXW", "SPX", "SPXW"]),
        expiry=np.array(["2024-01-05", "2024-01-19", "2024-01-19"]),
        time_to_expiry=np.array([nan, 0.04, 0.0407]),
        forward=np.array([nan, 4707.111, 4707.2]),
        discount=np.array([nan, 0.998, 0.99799]),
        rate=np.array([0.05, 0.05, 0.05]),
        dividend_yield=np.array([0.01, 0.01, 0.0125]),
        strikes=np.array([0, 11, 4]),
        mad_bp=np.array([nan, 0.04, 7.0]),
        status=np.array(["not used", "fitted", "flat"]),
    )
    assert str(table).splitlines() == [
        "root  expiry       days   forward  discount  rate %  yield %  strikes  mad bp  status",
        "SPXW  2024-01-05   none      none      none   5.000    1.000        0    none  not used",
        "SPX   2024-01-19  14.60  4,707.11   0.99800   5.000    1.000       11    0.04  fitted",
        "SPXW  2024-01-19  14.86   4,707.2   0.99799   5.000    1.250        4    7.00  flat",
    ]
    assert repr(table) == "<ParityTable 3 series: 1 fitted, 1 flat, 1 not used>"
    data = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert data["forward"] == [None, 4707.111, 4707.2]
    assert {len(column) for column in data.values()} == {len(table)}
    assert list(table.to_frame().columns) == list(data)
    rates = Rates(0.05, np.array([0.01, 0.0125]), "parity", None, table, 4e-4, ("spot_basis",))
    assert rates.to_dict() == {
        "rate": 0.05,
        "dividend_yield": {"low": 0.01, "high": 0.0125},
        "source": "parity",
        "note": None,
        "spot_basis": 4e-4,
        "flags": ["spot_basis"],
        "series": {"fitted": 1, "flat": 1, "not used": 1},
    }


# ---- real chains


def real(test_data: Path, name: str, **given: Any) -> tuple[gex.Chain, Rates]:
    chain = gex.read_cboe(next((test_data / "data").glob(f"cboe_{name}.*")))
    labels = list(zip(chain.root.tolist(), chain.expiry.astype(str).tolist(), strict=True))
    names = sorted(set(labels), key=lambda label: label[::-1])
    code = {label: i for i, label in enumerate(names)}
    rates = fit_parity(
        spot=chain.spot, strike=chain.strike, is_call=chain.is_call, bid=chain["bid"],
        ask=chain["ask"], time_to_expiry=chain.time_to_expiry, names=names,
        series=np.array([code[label] for label in labels]), usable=chain.time_to_expiry > 0,
        european=np.isin(chain.root, list(EUROPEAN_ROOTS)), **given,
    )  # fmt: skip
    assert np.isfinite(rates.rate).all()
    assert np.isfinite(rates.dividend_yield).all()
    assert rates.dividend_yield.shape == (len(chain),)
    return chain, rates


# Treasury constant maturity (H.15) and SOFR (New York Fed) of those days, rounded: one flat rate
# has to lie near what money cost between one month and one year.
REAL = {
    "spx_2022-02-05": 0.006,  # 6 months 0.6%, 1 year 0.9%
    "spx_2022-06-11": 0.021,  # 3 months 1.4%, 6 months 2.1%, 1 year 2.6%
    "spx_2023-02-07": 0.046,  # SOFR 4.55%, 3 months 4.7%
    "spx_2023-09-04": 0.053,  # SOFR 5.3%
    "spx_2023-09-14": 0.053,
    "xsp_2023-09-14": 0.053,
    "rut_2023-09-21": 0.053,
    "spx_2024-01-07": 0.052,  # SOFR 5.3%, 1 year 4.8%
}


@pytest.mark.parametrize("name", REAL)
def test_pooled_rate_is_the_money_market_rate(name: str, test_data: Path) -> None:
    chain, found = real(test_data, name)
    assert found.rate == pytest.approx(REAL[name], abs=0.0060)
    counts = found.table.counts
    assert counts["fitted"] >= 0.9 * sum(counts.values())
    years, carry = found.table.time_to_expiry, found.table.rate - found.table.dividend_yield
    # the forward of the quotes is spot, basis and carry; on the last days the basis rounds it
    again = chain.spot * np.exp(found.spot_basis + carry * years)
    long = (found.table.status == "fitted") & (years > 30 / 365)
    np.testing.assert_allclose(again[long], found.table.forward[long], rtol=0.5e-4)
    # no expiration, however close, carries an absurd yield
    assert np.abs(found.dividend_yield).max() < 0.04


@pytest.mark.parametrize("name", [n for n in REAL if "2023" in n or "2024" in n])
def test_forwards_increase(name: str, test_data: Path) -> None:
    """Rates were above dividend yields: beyond the next month a week later is always dearer."""
    _, found = real(test_data, name)
    fitted = (found.table.status == "fitted") & (found.table.time_to_expiry > 30 / 365)
    years, forward = found.table.time_to_expiry[fitted], found.table.forward[fitted]
    order = np.argsort(years)
    years, forward = years[order], forward[order]
    later = np.searchsorted(years, years + 6.5 / 365)
    here = later < len(years)
    assert (forward[later[here]] > forward[here]).all()


@pytest.mark.parametrize("name", [n for n in REAL if n.startswith(("spx_2023", "spx_2024", "xsp"))])
def test_dividend_yield_of_the_index(name: str, test_data: Path) -> None:
    """The S&P 500 paid 1.5 to 1.7% a year; a rate that is not flat shifts what is left for it."""
    _, found = real(test_data, name)
    years = found.table.time_to_expiry
    middle = (found.table.status == "fitted") & (years > 0.24) & (years < 1.01)
    assert middle.sum() >= 10
    assert found.table.dividend_yield[middle].min() > 0.008
    assert found.table.dividend_yield[middle].max() < 0.022


def by_name(found: Rates) -> dict[tuple[str, str], tuple[float, float, float]]:
    table = found.table
    labels = zip(table.root.tolist(), table.expiry.tolist(), strict=True)
    carry = table.rate - table.dividend_yield
    numbers = zip(table.time_to_expiry, table.forward, carry, strict=True)
    fitted = (table.status == "fitted").tolist()
    return {label: n for label, n, good in zip(labels, numbers, fitted, strict=True) if good}


def test_two_sizes_of_one_index_agree(test_data: Path) -> None:
    _, large = real(test_data, "spx_2023-09-14")
    _, small = real(test_data, "xsp_2023-09-14")
    assert large.spot_basis == pytest.approx(small.spot_basis, abs=0.5e-4)
    assert large.rate == pytest.approx(small.rate, abs=10e-4)
    spx, xsp = by_name(large), by_name(small)
    shared = [expiry for root, expiry in xsp if ("SPXW", expiry) in spx]
    assert len(shared) > 20
    for expiry in shared:
        years, forward, carry = spx["SPXW", expiry]
        _, tenth, other = xsp["XSP", expiry]
        assert forward == pytest.approx(10 * tenth, rel=1e-4)
        assert carry == pytest.approx(other, abs=max(5e-4, 1e-4 / years))


@pytest.mark.parametrize("name", [n for n in REAL if n.startswith("spx")])
def test_morning_and_evening_settlement_agree(name: str, test_data: Path) -> None:
    _, found = real(test_data, name)
    series = by_name(found)
    both = [expiry for root, expiry in series if root == "SPX" and ("SPXW", expiry) in series]
    assert len(both) >= 5
    for expiry in both:
        morning, evening = series["SPX", expiry], series["SPXW", expiry]
        assert 0.2 < (evening[0] - morning[0]) * 365 < 0.3
        assert morning[1] == pytest.approx(evening[1], rel=1.5e-4)


def test_american_fund_stays_flat(test_data: Path) -> None:
    """Free parity on its one-day expiry would say a rate of minus thousands of percent."""
    chain, found = real(test_data, "spy_2023-09-14")
    assert found.rate == 0.0
    assert (found.dividend_yield == 0).all()
    assert set(found.table.counts) == {"american: flat", "not used"}
    assert "american exercise" in found.note
    _, found = real(test_data, "spy_2023-09-14", rate=0.053)
    assert found.rate == 0.053
    assert len(found.dividend_yield) == len(chain)


def test_given_rate_on_a_real_chain(test_data: Path) -> None:
    """Forwards do not depend on the rate; the yield takes up the difference."""
    _, pooled = real(test_data, "spx_2023-09-14")
    _, given_rate = real(test_data, "spx_2023-09-14", rate=0.05)
    near = pooled.table.time_to_expiry < 1
    np.testing.assert_allclose(
        given_rate.table.forward[near], pooled.table.forward[near], rtol=0.3e-4
    )
    shift = pooled.dividend_yield - given_rate.dividend_yield
    np.testing.assert_allclose(shift, pooled.rate - 0.05, atol=3e-4)
