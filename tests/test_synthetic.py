"""The synthetic chain: as many rows as asked, and the proportions of a real index chain."""

from __future__ import annotations

from datetime import date

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import InputError


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain()


@pytest.mark.parametrize("n", [2, 3, 50, 200, 999, 20000])
def test_exactly_as_many_rows_as_asked(n: int) -> None:
    chain = gex.synthetic_chain(n=n)
    assert len(chain) == n
    assert gex.analyze(chain).coverage.read == n
    contracts = {
        (r, str(e), k, c)
        for r, e, k, c in zip(chain.root, chain.expiry, chain.strike, chain.is_call, strict=True)
    }
    assert len(contracts) == n  # no contract twice


@pytest.mark.parametrize("n", [1, 0, -5, 150_001, 1_000_000])
def test_too_few_and_too_many_rows_are_refused(n: int) -> None:
    with pytest.raises(InputError, match=rf"{n:,} contracts, not 2 to 150,000"):
        gex.synthetic_chain(n=n)


def test_the_largest_chain() -> None:
    assert len(gex.synthetic_chain(n=150_000)) == 150_000


def test_a_seed_is_a_chain() -> None:
    one, same, other = (gex.synthetic_chain(n=500, seed=seed) for seed in (1, 1, 2))
    for name in ("strike", "implied_vol", "open_interest", "bid", "ask", "volume"):
        np.testing.assert_array_equal(one[name], same[name])
    assert (one.open_interest != other.open_interest).any()


def test_it_says_that_it_is_invented(chain: gex.Chain) -> None:
    source = chain.manifest["source"]
    assert source["vendor"] == "synthetic"
    assert source["seed"] == 7
    assert (chain.spot, chain.underlying) == (5000.0, "SPX")
    assert chain.manifest["rates"]["note"] is None


def test_roots_and_their_settlement(chain: gex.Chain) -> None:
    assert sorted(set(chain.root.tolist())) == ["SPX", "SPXW"]
    moment = np.datetime64(chain.as_of.time.replace(tzinfo=None))
    # hours on the New York clock of both ends; summer time holds until November
    summer = chain.expiry < np.datetime64("2026-11-01")
    hours = np.where(chain.root == "SPX", 9.5, 16.0)
    settled = chain.expiry.astype("datetime64[m]") + (hours * 60).astype("timedelta64[m]")
    years = (settled - moment) / np.timedelta64(365, "D")
    np.testing.assert_allclose(chain.time_to_expiry[summer], years[summer], rtol=1e-12)
    morning = (chain.root == "SPX") & (chain.expiry == np.datetime64("2026-03-20"))
    evening = (chain.root == "SPXW") & (chain.expiry == np.datetime64("2026-03-20"))
    assert morning.any()
    assert evening.any()
    assert chain.time_to_expiry[morning][0] < chain.time_to_expiry[evening][0]


def test_expirations_from_today_to_years_ahead(chain: gex.Chain) -> None:
    days = {date.fromisoformat(str(day)) for day in chain.expiry}
    today = chain.as_of.time.date()
    assert min(days) == today  # 0DTE
    assert len(chain.filter("0dte")) > 50
    assert (max(days) - today).days > 700
    assert {day.weekday() for day in days if (day - today).days < 10} == {0, 1, 2, 3, 4}  # dailies
    fridays = [day for day in days if day.weekday() == 4 and (day - today).days < 60]
    assert len(fridays) >= 7  # weeklies, one of them a holiday at most
    third = [day for day in days if 15 <= day.day <= 21 and day.weekday() == 4]
    assert {day.month for day in third} == set(range(1, 13))  # monthlies
    assert {date(2026, 3, 31), date(2026, 6, 30), date(2026, 9, 30)} <= days  # quarter ends
    assert all(day.weekday() < 5 for day in days)
    assert date(2026, 4, 3) not in days  # Good Friday


def test_quotes_are_quotes(chain: gex.Chain) -> None:
    bid, ask = chain["bid"], chain["ask"]
    assert (bid >= 0).all()
    assert (ask > bid).all()
    assert (bid == 0).any()
    np.testing.assert_allclose(ask * 20, np.round(ask * 20), atol=1e-6)  # ticks of 0.05
    assert (chain["volume"] >= 0).all()


def test_smile_is_skewed(chain: gex.Chain) -> None:
    known = chain.implied_vol > 0
    monthly = known & (chain.expiry == np.datetime64("2026-05-15")) & (chain.root == "SPX")

    def wing(moneyness: float) -> float:
        strikes = chain.strike[monthly]
        return float(
            chain.implied_vol[monthly][np.argmin(np.abs(strikes / chain.spot - moneyness))]
        )

    assert wing(0.85) > wing(1.0) > wing(1.10)
    assert wing(0.85) - wing(1.0) > wing(1.0) - wing(1.15)
    assert 0.08 < wing(1.0) < 0.25
    assert chain.implied_vol[known].min() > 0.02
    assert chain.implied_vol[known].max() < 2.0


def test_open_interest_looks_like_open_interest(chain: gex.Chain) -> None:
    interest, strike = chain.open_interest, chain.strike
    assert (interest >= 0).all()
    assert (interest == np.floor(interest)).all()
    assert (interest == 0).any()
    near = np.abs(strike / chain.spot - 1) < 0.1
    round_strike = near & (strike % 100 == 0)
    odd_strike = near & (strike % 25 != 0)
    assert interest[round_strike].mean() > 2 * interest[odd_strike].mean()
    put_interest = interest[~chain.is_call]
    assert strike[~chain.is_call][np.argmax(put_interest)] < chain.spot
    centers = [np.average(strike[chain.is_call == c], weights=interest[chain.is_call == c])
               for c in (True, False)]  # fmt: skip
    assert centers[0] > chain.spot > centers[1]


def test_some_rows_cannot_be_used(chain: gex.Chain) -> None:
    dropped = gex.analyze(chain).coverage.dropped
    assert set(dropped) == {"no_implied_vol", "no_open_interest"}
    assert all(0 < rows < 0.5 * len(chain) for rows, _ in dropped.values())


def test_levels_lie_where_they_should(chain: gex.Chain) -> None:
    levels = gex.analyze(chain).levels
    assert levels.zero_gamma.status == "found"
    assert [c.direction for c in levels.zero_gamma.crossings] == ["short_to_long"]
    assert levels.put_wall.strike < chain.spot < levels.call_wall.strike
    assert 0.9 < levels.zero_gamma.value / chain.spot < 1.1
