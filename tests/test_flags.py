"""Flags: each raised, not raised and not to be told, on chains whose answer is known by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import bsm
from gexcore.flags import Flag, compute_flags

NAN = float("nan")
THURSDAY = "2024-03-14T15:00-04:00"


def flags_of(chain: gex.Chain, rule: str = "naive", **more: Any) -> dict[str, Flag]:
    return compute_flags(gex.analyze(chain, rule, **more).levels)


def quoted(
    scale: Any = 1.0, gap: float = 0.0, days: Any = (7, 21, 45), bid: float | None = None,
    **more: Any,
) -> gex.Chain:  # fmt: skip
    """Straddles priced at a vol of 20%; the chain is told `scale` times it, calls `gap` more."""
    years = np.repeat(np.asarray(days, float), 2) / 365
    calls = np.arange(len(years)) % 2 == 0
    price = bsm.greeks(100.0, 100.0, years, 0.2, is_call=calls, which="price").price
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=np.full(len(years), 100.0),
        is_call=calls,
        implied_vol=0.2 * scale + gap * calls,
        open_interest=10.0,
        time_to_expiry=years,
        bid=price if bid is None else bid,
        ask=price,
        **more,
    )


# --- clock -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "raised"), [(1.0, False), (2.0, True), (0.5, True)])
def test_vols_that_contradict_straddles(scale: float, raised: bool) -> None:
    flag = flags_of(quoted(scale))["clock_mismatch"]
    # at the forward a straddle is F s sqrt(T) sqrt(2 / pi) (1 - s s T / 24)
    expected = np.sqrt(2 / np.pi) * (1 - 0.04 * 21 / 365 / 24) / scale
    assert flag.value == pytest.approx(expected, rel=1e-6)
    assert flag.raised is raised
    assert f"{expected:.3f}" in flag.evidence


@pytest.mark.parametrize(
    ("scale", "raised"), [(0.97, False), (0.95, True), (1.03, False), (1.04, True)]
)
def test_bounds_of_the_clock(scale: float, raised: bool) -> None:
    # 0.798 / 0.97 = 0.823, / 0.95 = 0.840, / 1.03 = 0.775, / 1.04 = 0.767
    assert flags_of(quoted(scale))["clock_mismatch"].raised is raised


def test_the_middle_of_the_short_expirations_decides() -> None:
    # one of three is off; the two beyond 60 days do not count
    scale = np.repeat([1.0, 3.0, 1.0, 4.0, 4.0], 2)
    assert flags_of(quoted(scale, days=(7, 21, 45, 90, 180)))["clock_mismatch"].raised is False
    scale = np.repeat([1.0, 3.0, 3.0, 1.0, 1.0], 2)
    assert flags_of(quoted(scale, days=(7, 21, 45, 90, 180)))["clock_mismatch"].raised is True


@pytest.mark.parametrize(
    "chain", [quoted(bid=0.0), quoted(bid=NAN), quoted(2.0, days=(90, 180)), quoted(NAN)]
)
def test_no_short_straddle_no_clock(chain: gex.Chain) -> None:
    flag = flags_of(chain)["clock_mismatch"]
    assert (flag.raised, flag.value) == (None, None)
    assert "no quoted straddle" in flag.evidence


def test_sunday_file_at_both_moments(test_data: Path) -> None:
    tables, flags = [], []
    for as_of in ("printed", "session"):
        chain = gex.read_cboe(
            test_data / "data" / "cboe_spx_2024-01-07.csv", as_of=as_of, rate=0.0,
            dividend_yield=0.0,
        )  # fmt: skip
        result = gex.analyze(chain)
        tables.append(result.levels.expiries)
        flags.append(result.regime.flags)
    printed, session = flags
    assert printed["clock_mismatch"].raised is True
    assert session["clock_mismatch"].raised is False
    assert session["clock_mismatch"].value == pytest.approx(0.80, abs=0.01)
    # Monday 16:00 is 29h08m after Sunday 10:52 and 72h after Friday 16:00
    monday = [float((table.straddle / table.one_sd)[0]) for table in tables]
    assert monday[0] / monday[1] == pytest.approx(np.sqrt(72 / (29 + 8 / 60)), rel=1e-9)
    assert monday[0] > 1.2
    assert 0.77 < monday[1] < 0.83
    assert (printed["stale"].raised, printed["stale"].value) == (False, 0.0)
    assert session["stale"].raised is True
    assert session["stale"].value == pytest.approx(42 + 52 / 60, rel=1e-12)
    assert "43 hours" in session["stale"].evidence


# --- vols --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap", "raised", "shown"),
    [(0.06, True, "6.0 points"), (-0.06, True, "6.0 points"), (0.04, False, "4.0 points")],
)
def test_call_and_put_vols_apart(gap: float, raised: bool, shown: str) -> None:
    flag = flags_of(quoted(gap=gap))["vol_mismatch"]
    assert flag.raised is raised
    assert flag.value == pytest.approx(abs(gap), rel=1e-9)
    assert shown in flag.evidence


def test_vols_of_one_side_cannot_be_compared() -> None:
    for keep in (slice(0, None, 2), slice(1, None, 2)):
        chain = quoted()
        mask = np.zeros(len(chain), bool)
        mask[keep] = True
        flag = flags_of(chain.filter(mask))["vol_mismatch"]
        assert (flag.raised, flag.value) == (None, None)
    # a put at 95 and a call at 105 differ by the skew, which is no mismatch
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0], is_call=[False, True], implied_vol=[0.30, 0.18],
        open_interest=1.0, time_to_expiry=0.1,
    )  # fmt: skip
    assert flags_of(chain)["vol_mismatch"].raised is None


# --- time --------------------------------------------------------------------------------------

DAYS = ["2024-03-14", "2024-03-15", "2024-03-17", "2024-03-18", "2024-04-19"]


def expiring(gammas: Any, as_of: Any = THURSDAY, days: Any = DAYS, held: Any = None):
    """Vendor gammas, so that the shares of gross are known."""
    count = len(gammas)
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=np.full(count, 100.0),
        is_call=True,
        implied_vol=0.2,
        open_interest=1.0,
        root="SPXW",
        expiry=days,
        as_of=as_of,
    )
    signs = np.ones(count) if held is None else held
    positions = gex.assign_positions(chain, "contracts", contracts=signs)
    greeks = gex.ChainGreeks.from_columns(chain, gamma=gammas)
    exposures = gex.compute_exposures(chain, greeks, positions)
    return gex.find_levels(exposures, gex.sweep_profile(chain, positions, spots=[100.0]))


def test_share_that_expires_this_week() -> None:
    flag = compute_flags(expiring([10.0, 12.0, 8.0, 50.0, 20.0]))["expiry_roll"]
    # Thursday 10, until Sunday 10 + 12 + 8, of 100; the Monday is next week
    assert (flag.raised, flag.value) == (True, pytest.approx(0.30))
    assert flag.evidence.startswith("10% of gross gamma expires today, 30% by the end of the week")
    assert str(flag) == f"expiry roll: {flag.evidence}"


@pytest.mark.parametrize(("near", "raised"), [(24.9, False), (25.1, True)])
def test_bound_of_the_roll(near: float, raised: bool) -> None:
    flag = compute_flags(expiring([0.0, near, 0.0, 100.0 - near, 0.0]))["expiry_roll"]
    assert flag.raised is raised


def test_the_roll_is_of_gross_gamma() -> None:
    # long and short cancel in net, not in what has to be unwound
    levels = expiring([30.0, 30.0, 0.0, 40.0, 40.0], held=[1.0, -1.0, 1.0, 1.0, -1.0])
    assert compute_flags(levels)["expiry_roll"].value == pytest.approx(60 / 140)


def test_today_on_the_last_day_of_the_week() -> None:
    friday = "2024-03-15T10:00-04:00"
    flag = compute_flags(expiring([0.0, 40.0, 0.0, 60.0, 0.0], friday))["expiry_roll"]
    assert flag.evidence.startswith("40% of gross gamma expires today, 40%")


def test_roll_that_cannot_be_told() -> None:
    for chain in (quoted(), quoted(expiry="2024-04-19"), quoted(as_of=THURSDAY)):
        flag = flags_of(chain)["expiry_roll"]
        assert (flag.raised, flag.value) == (None, None)
    empty = expiring([0.0] * 5)
    assert compute_flags(empty)["expiry_roll"].raised is None


def printed_at(as_of: str) -> gex.Chain:
    """A file printed on Tuesday 12 March 2024 at 10:52 New York."""
    options = [
        {"option": f"XYZ240419{kind}00100000", "iv": 0.2, "open_interest": 5.0}
        for kind in ("C", "P")
    ]
    data = {"current_price": 100.0, "options": options}
    text = {"timestamp": "2024-03-12 14:52:00", "symbol": "XYZ", "data": data}
    return gex.read_cboe(json.dumps(text).encode(), as_of=as_of)


@pytest.mark.parametrize(
    ("as_of", "hours", "raised"),
    [
        ("printed", 0.0, False),
        ("session", 18 + 52 / 60, False),  # Monday 16:00
        ("2024-03-11T10:53-04:00", 24 - 1 / 60, False),
        ("2024-03-11T10:51-04:00", 24 + 1 / 60, True),
        ("2024-03-13T10:52-04:00", 24.0, False),  # the caller says later: as old then
        ("2024-03-18T10:52-04:00", 144.0, True),
    ],
)
def test_age_of_the_quotes(as_of: str, hours: float, raised: bool) -> None:
    flag = flags_of(printed_at(as_of))["stale"]
    assert flag.value == pytest.approx(hours, abs=1e-9)
    assert flag.raised is raised
    assert f"{max(hours, 0):.0f} hours old" in flag.evidence
    assert "-" not in flag.evidence


def test_no_printed_time_no_age() -> None:
    for chain in (quoted(), quoted(as_of=THURSDAY, expiry="2024-04-19")):
        flag = flags_of(chain)["stale"]
        assert (flag.raised, flag.value) == (None, None)
        assert "not known" in flag.evidence


# --- all of them -------------------------------------------------------------------------------


def test_raised_flags_are_warnings() -> None:
    result = gex.analyze(quoted(2.0, gap=0.08))
    flags = result.regime.flags
    raised = [name for name, flag in flags.items() if flag.raised]
    assert raised == ["clock_mismatch", "vol_mismatch"]
    assert result.warnings == [str(flags[name]) for name in raised]
    assert str(result).count("WARNING ") == 2
    quiet = gex.analyze(quoted())
    assert (quiet.warnings, "WARNING" in str(quiet)) == ([], False)


def test_flags_as_data() -> None:
    flags = flags_of(quoted())
    known = ["expiry_roll", "stale", "clock_mismatch", "vol_mismatch", "squeeze", "pin"]
    assert list(flags) == known
    data = flags["expiry_roll"].to_dict()
    assert data == {
        "raised": None, "value": None, "evidence": "expiration dates are not known",
    }  # fmt: skip
    assert repr(flags["clock_mismatch"]) == "<Flag clock_mismatch: False>"
    json.dumps([flag.to_dict() for flag in flags.values()], allow_nan=False)


def test_a_squeeze_without_limit_is_said_in_words() -> None:
    from gexcore.report import build_report

    result = gex.analyze(gex.synthetic_chain(n=2000), "short_all", adv=1e9, kappa=0.5)
    assert result.regime.feedback == float("inf")
    squeeze = result.regime.flags["squeeze"]
    assert squeeze.raised
    assert "within a daily deviation hedging runs away, at " in squeeze.evidence
    pytest.importorskip("plotly")
    page = build_report(result, across=False).partition("<main>")[2].partition("</main>")[0]
    for text in (squeeze.evidence, str(result), page):
        assert text
        assert not re.search(r"\binf\b", text)
    assert re.search(r"feedback +runs away +on realised vol", str(result))
