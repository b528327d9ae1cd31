"""Implied vols of a chain later on: other conventions, scopes, joined chains, and coverage."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from end_of_day import end_of_day, of_the_living
from gexcore.conventions import REASONS, USED
from pricing import NAMES, prices_of

NAN = float("nan")
SOURCES = ("mid", "bid", "ask", "last", "otm")


def dated(**changes: Any) -> gex.Chain:
    """A chain with dates, some of them over soon, a third of it without vols."""
    chain = gex.synthetic_chain(n=600)
    vol = np.where(np.arange(600) % 3 == 0, 0.0, chain.implied_vol)
    names = ("strike", "is_call", "open_interest", "expiry", "root", "bid", "ask")
    columns = {name: chain[name] for name in names}
    last = {"last": (chain["bid"] + chain["ask"]) / 2}
    given = {"as_of": chain.as_of, "rate": 0.04, "columns": last}
    return gex.Chain.from_arrays(
        spot=chain.spot, implied_vol=vol, **columns, **{**given, **changes}
    )


def same(left: gex.Chain, right: gex.Chain) -> None:
    for name in ("time_to_expiry", "implied_vol", "status", "rate", "dividend_yield"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
    assert left.manifest == right.manifest
    for name in ("implied_vol", "rate"):  # numbered for these columns, not for older ones
        np.testing.assert_array_equal(left.codes(name)[1], np.unique(right[name]))


CHANGES: list[dict[str, Any]] = [
    {"clock": "calendar/365"},
    {"as_of": "2026-03-20T15:00-04:00"},
    {"rate": 0.01, "dividend_yield": 0.02},
    {"as_of": "2026-03-20T15:00-04:00", "clock": "business/252", "rate": 0.02},
    {"rates": "parity"},
    {},
]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_other_conventions_imply_again(change: dict[str, Any], source: str) -> None:
    for only_missing in (True, False):
        chain = dated().with_implied_vols(source, only_missing)
        moved = chain.with_conventions(**change)
        same(moved, dated().with_conventions(**change).with_implied_vols(source, only_missing))
        same(moved.with_conventions(as_of=chain.as_of, clock="settlement", rates="flat", rate=0.04,
                                    dividend_yield=0.0),
             dated(dividend_yield=0.0).with_implied_vols(source, only_missing))  # fmt: skip


def test_an_expired_contract_that_comes_back_is_implied() -> None:
    late = dated(as_of="2026-03-20T15:00-04:00").with_implied_vols("ask")
    back = late.with_conventions(as_of="2026-03-18T10:30-04:00")
    came = (late.status == REASONS.index("expired")) & (back.status == USED)
    missing = came & ~(back.vols.vendor > 0)
    assert missing.sum() > 5
    assert (back.implied_vol[missing] > 0).all()


def test_scopes_and_pickles_keep_the_recipe() -> None:
    chain = dated().with_implied_vols("mid", only_missing=False)
    mask = np.arange(len(chain)) % 2 == 0
    for part in (chain.filter(mask), pickle.loads(pickle.dumps(chain)).filter(mask)):
        np.testing.assert_array_equal(part.implied_vol, chain.implied_vol[mask])
        assert part.manifest["vols"] == "implied from mid"
        moved = part.with_conventions(clock="calendar/365")
        whole = chain.with_conventions(clock="calendar/365")
        np.testing.assert_array_equal(moved.implied_vol, whole.implied_vol[mask])
        np.testing.assert_array_equal(moved.status, whole.status[mask])


def test_joined_chains_keep_the_recipe_of_each_part() -> None:
    parts = [dated(), dated().with_implied_vols("mid"), dated().with_implied_vols("last", False)]
    joint = gex.Chain.concat(parts)
    words = "vendor and implied from mid where missing and implied from last"
    assert joint.manifest["vols"] == words
    change = {"as_of": "2026-03-19T15:00-04:00", "rate": 0.02, "dividend_yield": 0.01}
    for together, each in (
        (joint, parts),
        (joint.with_conventions(**change), [part.with_conventions(**change) for part in parts]),
    ):
        for name in ("implied_vol", "status"):
            own = np.concatenate([getattr(part, name) for part in each])
            np.testing.assert_array_equal(getattr(together, name), own)
    parity = [part.with_conventions(rates="parity") for part in parts]
    later = [chain.with_conventions(as_of="2026-03-18T10:30-04:00", clock="settlement")
             for chain in (gex.Chain.concat(parity), *parity)]  # fmt: skip
    both = [
        np.concatenate([part.implied_vol for part in chains]) for chains in (later[:1], later[1:])
    ]
    np.testing.assert_array_equal(*both)  # the basis of each part, too


# --- coverage ----------------------------------------------------------------------------------


def test_coverage_by_hand() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=100.0 + np.arange(7), is_call=True, time_to_expiry=0.1,
        implied_vol=[0.2, 0.0, 0.0, 0.0, 0.0, 0.0, NAN],
        open_interest=[10.0, 20.0, 5.0, 30.0, 25.0, 0.0, 10.0],
        columns={"last": [2.0, 2.0, 0.0, -1.0, 100.0, 2.0, 1e-9]},
    )  # fmt: skip
    coverage = gex.analyze(chain).coverage
    assert coverage.implied_from_price == (0, 0.0)
    assert "implied from price" not in str(coverage)
    assert coverage.dropped["no_implied_vol"] == (5, pytest.approx(0.9))
    result = gex.analyze(chain.with_implied_vols("last"))
    coverage = result.coverage
    assert coverage.implied_from_price == (2, pytest.approx(0.3))
    assert (coverage.used, coverage.used_open_interest_share) == (3, pytest.approx(0.4))
    assert coverage.dropped == {
        "no_price": (2, pytest.approx(0.35)),
        "above_maximum": (1, pytest.approx(0.25)),
        "no_open_interest": (1, 0.0),  # solved, but nobody holds it
    }
    part = {"rows": 2, "open_interest_share": pytest.approx(0.3)}
    assert result.to_dict()["coverage"]["implied_from_price"] == part
    lines = [line.split() for line in str(coverage).splitlines()]
    assert ["implied", "from", "price", "2", "30.0%"] in lines
    assert "vols       implied from last where missing: 2 contracts (30.0%)" in str(result)
    assert "no price (35.0%), 1 above maximum (25.0%)" in str(result)
    vendor = gex.ChainGreeks.from_columns(result.chain, "vendor", gamma=[0.01] * 7)
    theirs = gex.compute_exposures(result.chain, vendor, result.positions).coverage
    assert theirs.implied_from_price == (0, 0.0)  # not what these numbers rest on
    assert (theirs.used, theirs.dropped) == (6, {"no_open_interest": (1, 0.0)})


# --- real end-of-day files ---------------------------------------------------------------------

FILES: list[tuple[str, str, float, Any, float, float]] = [
    ("lean_aapl_2014-06-05.csv", "2014-06-05T16:00-04:00", 0.0, None, 0.142, 0.85),
    ("lean_aapl_2014-06-09.csv", "2014-06-09T16:00-04:00", 0.0, of_the_living, 0.021, 0.98),
    ("lean_aapl_2014-06-09.csv", "2014-06-09T16:00-04:00", 0.0, None, 0.022, 0.925),
    ("lean_goog_2015-12-24.csv", "2015-12-24T13:00-05:00", 0.01, None, 0.535, 0.94),
]


@pytest.mark.parametrize(("name", "as_of", "rate", "keep", "before", "after"), FILES)
def test_open_interest_covered(
    name: str, as_of: str, rate: float, keep: Any, before: float, after: float, test_data: Path
) -> None:
    chain = end_of_day(test_data / "data" / name, as_of, keep, rate=rate)
    was = gex.analyze(chain).coverage
    assert was.used_open_interest_share == pytest.approx(before, abs=0.0006)
    result = gex.analyze(chain.with_implied_vols("last"))
    coverage, solved = result.coverage, result.chain
    assert coverage.used_open_interest_share >= after
    _, share = coverage.implied_from_price
    assert share == pytest.approx(coverage.used_open_interest_share - before, abs=0.0006)
    # the rest: every row at its bound, told without the code under test
    sign = np.where(chain.is_call, 1.0, -1.0)
    strike = chain.strike * np.exp(-rate * chain.time_to_expiry)
    last, intrinsic = chain["last"], np.maximum(sign * (chain.spot - strike), 0.0)
    most = np.where(chain.is_call, chain.spot, strike)
    missing = ~(chain.implied_vol > 0)
    expected = np.select([~(last > 0), last <= intrinsic, last >= most], NAMES[4:7], "used")
    assert NAMES[solved.status][missing].tolist() == expected[missing].tolist()
    assert (solved.implied_vol[~missing] == chain.implied_vol[~missing]).all()
    assert set(coverage.dropped) <= {"below_intrinsic", "above_maximum", "no_open_interest"}
    assert ("above_maximum" in coverage.dropped) == (after == 0.925)
    some = np.flatnonzero(missing & (solved.status == USED))[::40]
    part = solved.filter(np.isin(np.arange(len(chain)), some))
    again = prices_of(part, part.implied_vol)
    np.testing.assert_allclose(again, part["last"], rtol=1e-10)


def test_contracts_of_before_a_split_are_dead(test_data: Path) -> None:
    # half of the file are the old contracts once more, 7 times the strike and a 7th of the interest
    path, as_of = test_data / "data" / "lean_aapl_2014-06-09.csv", "2014-06-09T16:00-04:00"
    whole, live = end_of_day(path, as_of), end_of_day(path, as_of, of_the_living)
    assert (len(whole), len(live), live.strike.max()) == (4360, 2180, 150.0)
    old = np.nansum(whole.open_interest) - np.nansum(live.open_interest)
    assert old == pytest.approx(np.nansum(live.open_interest) / 7, rel=0.002)
    dropped = gex.analyze(live.with_implied_vols("last")).coverage.dropped
    assert dropped["below_intrinsic"][1] < 0.015
