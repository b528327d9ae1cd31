"""Chains of one underlying as one: dollars stay what they are, rows keep what is theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import bsm
from gexcore.errors import InputError
from hypothesis import given, settings
from hypothesis import strategies as st

THURSDAY = "2024-03-14T15:00-04:00"
SPOTS = {"SPX": 5000.0, "SPY": 498.5, "XSP": 500.0}


def part(name: str, spot: float | None = None, rows: int = 6, **more: Any) -> gex.Chain:
    """A small chain around its own spot, settled by its own root, quoted in its own points."""
    spot = spot or SPOTS[name]
    strike = spot * np.repeat(np.array([0.98, 1.0, 1.02]), 2)[:rows]
    calls = np.arange(rows) % 2 == 0
    years = np.full(rows, 18.5 if name == "SPX" else 25.0) / (365 * 24)
    mid = bsm.greeks(spot, strike, years, 0.2, is_call=calls, which="price").price
    given = {
        "implied_vol": 0.2,
        "open_interest": 10.0 + np.arange(rows),
        "expiry": ["2024-03-15"] * rows,
        "root": name,
        "as_of": THURSDAY,
        "underlying": name,
        "rate": 0.05,
        "dividend_yield": 0.015,
        "bid": mid * 0.999,
        "ask": mid * 1.001,
        "volume": 7.0,
    }
    arguments = {**given, **more}
    return gex.Chain.from_arrays(spot=spot, strike=strike, is_call=calls, **arguments)


def net(chain: gex.Chain, greek: str = "gamma") -> float:
    return getattr(gex.analyze(chain).exposures, greek).net


# --- real chains -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(test_data: Path) -> list[gex.Chain]:
    names = ("spx", "spy", "xsp")
    return [
        gex.read_cboe(
            test_data / "data" / f"cboe_{name}_2023-09-14.csv", rate=0.05, dividend_yield=0.015
        )
        for name in names
    ]


def test_strikes_of_one_index_meet(real: list[gex.Chain]) -> None:
    # the spots are 4505.1001 and 450.51: their ratio is a rounding away from 10
    joint = gex.Chain.concat([real[0], real[2]])
    assert {part["scale"] for part in joint.source["parts"]} == {1.0, 10.0}
    assert set(joint.strike[joint["part"] == 1]) <= {k * 10 for k in real[2].strike}
    funds = gex.Chain.concat([real[0], real[1]])
    assert funds.source["parts"][1]["scale"] == real[0].spot / real[1].spot  # a fund's is its own


def test_dollars_of_every_real_part_are_unchanged(real: list[gex.Chain]) -> None:
    joint = gex.Chain.concat(real, scale=[real[0].spot / chain.spot for chain in real])
    assert len(joint) == sum(map(len, real))
    gamma = gex.analyze(joint).exposures.gamma
    by_part = gamma.by("part")
    assert by_part.keys.tolist() == [0, 1, 2]
    for chain, value, gross in zip(real, by_part.values, by_part.gross, strict=True):
        own = gex.analyze(chain).exposures.gamma
        assert value == pytest.approx(own.net, rel=1e-9)
        assert gross == pytest.approx(own.gross, rel=1e-9)
    assert gamma.net == pytest.approx(sum(by_part.values), rel=1e-12)


def test_round_factors_look_at_the_fund_from_the_index(real: list[gex.Chain]) -> None:
    # SPY is quoted 0.30 above a tenth of the index: with 10 its strikes are seen from 450.51
    gamma = gex.analyze(gex.Chain.concat(real, scale=[1, 10, 10])).exposures.gamma
    values = gamma.by("part").values
    assert values[0] == pytest.approx(net(real[0]), rel=1e-12)
    for chain, value in zip(real[1:], values[1:], strict=True):
        positions = gex.assign_positions(chain)
        moved = gex.sweep_profile(chain, positions, spots=[real[0].spot / 10])
        assert value == pytest.approx(moved.gamma[0], rel=1e-9)
    exact = sum(net(chain) for chain in real)
    assert 1e-5 < abs(gamma.net - exact) / gamma.gross < 1e-3  # small, and not nothing


def test_flags_of_a_real_joint_chain(real: list[gex.Chain]) -> None:
    # quotes are in points of the first as strikes are, or straddles would not fit vols
    result = gex.analyze(gex.Chain.concat(real))
    assert result.regime.flags["clock_mismatch"].raised is False
    assert result.regime.flags["clock_mismatch"].value == pytest.approx(0.80, abs=0.01)
    tables = [gex.analyze(chain).levels.expiries for chain in real]
    ratio = real[0].spot / real[1].spot
    joint = result.levels.expiries
    own = joint.root == "SPY"
    np.testing.assert_allclose(joint.straddle[own], ratio * tables[1].straddle, rtol=1e-9)
    np.testing.assert_allclose(joint.max_pain[own], ratio * tables[1].max_pain, rtol=1e-12)
    np.testing.assert_allclose(joint.skew[own], tables[1].skew, rtol=1e-6)


# --- by hand -----------------------------------------------------------------------------------


def test_rows_keep_what_is_theirs() -> None:
    flags = {"duplicate": [True] + [False] * 5}
    spx = part("SPX", rate=[0.01, 0.02, 0.03, 0.04, 0.05, 0.06], multiplier=100.0)
    spy = part("SPY", multiplier=[100.0, 10.0] * 3, flags=flags, columns={"lot": 3})
    joint = gex.Chain.concat([spx, spy], scale=[1.0, 10.0])
    assert joint.spot == 5000.0
    assert joint["rate"].tolist() == [0.01, 0.02, 0.03, 0.04, 0.05, 0.06] + [0.05] * 6
    assert joint["dividend_yield"].tolist() == [0.015] * 12
    assert joint.multiplier.tolist() == [100.0] * 6 + [10.0, 1.0] * 3
    np.testing.assert_array_equal(joint.strike[6:], spy.strike * 10)
    np.testing.assert_array_equal(joint["bid"], np.append(spx["bid"], spy["bid"] * 10))
    np.testing.assert_array_equal(joint["ask"], np.append(spx["ask"], spy["ask"] * 10))
    assert joint["volume"].tolist() == [7.0] * 12
    assert joint.root.tolist() == ["SPX"] * 6 + ["SPY"] * 6
    hours = joint.time_to_expiry * 365 * 24
    np.testing.assert_allclose(hours, [18.5] * 6 + [25.0] * 6, rtol=1e-12)
    np.testing.assert_array_equal(joint.status, np.append(spx.status, spy.status))
    assert joint.open_interest.tolist() == [10.0, 11.0, 12.0, 13.0, 14.0, 15.0] * 2
    assert "lot" not in joint.columns  # only what all parts have
    assert joint["part"].tolist() == [0] * 6 + [1] * 6
    assert spy.strike[0] == pytest.approx(0.98 * 498.5)  # the parts are untouched
    assert (joint.underlying, joint.clock) == ("SPX+SPY", "settlement")


def test_explain_shows_the_mapping() -> None:
    joint = gex.Chain.concat([part("SPX"), part("SPY", multiplier=[100.0, 10.0] * 3)])
    head, first, second = joint.explain().splitlines()
    assert head.split()[:4] == ["part", "underlying", "contracts", "spot"]
    assert first.split() == ["0", "SPX", "6", "5,000", "1.000000", "100", "100.0000"]
    # 5000 / 498.5 = 10.030090
    assert second.split() == ["1", "SPY", "6", "498.5", "10.030090", "10-100", "per", "row"]
    parts = joint.manifest["source"]["parts"]
    assert [p["scale"] for p in parts] == [1.0, pytest.approx(10.030090, abs=1e-6)]
    json.dumps(joint.to_dict(), allow_nan=False)
    assert part("SPX").explain() == "SPX: one part, nothing was mapped"


def test_one_chain_and_none() -> None:
    lone = part("SPX")
    joint = gex.Chain.concat([lone])
    assert net(joint) == net(lone)
    assert joint.underlying == "SPX"
    for name in ("strike", "multiplier", "implied_vol", "time_to_expiry", "status"):
        np.testing.assert_array_equal(getattr(joint, name), getattr(lone, name))
    with pytest.raises(InputError, match="concat: no chains"):
        gex.Chain.concat([])
    empty = lone.filter(np.zeros(6, bool))
    both = gex.Chain.concat([lone, empty])
    assert net(both) == net(lone)
    assert both.explain().splitlines()[2].split()[:3] == ["1", "SPX", "0"]
    nothing = gex.analyze(gex.Chain.concat([empty, empty]))
    assert nothing.regime.kind == "no_exposure"


def test_filters_and_keys_of_a_joint_chain() -> None:
    joint = gex.Chain.concat([part("SPX"), part("SPY"), part("XSP")])
    assert len(joint.filter("root=SPY")) == 6
    assert joint.filter("next").root.tolist() == ["SPX"] * 6 + ["SPY"] * 6 + ["XSP"] * 6
    late = joint.with_conventions(as_of="2024-03-15T10:00-04:00")
    assert set(late.filter("next").root.tolist()) == {"SPY", "XSP"}
    gamma = gex.analyze(joint.filter(joint["part"] != 1)).exposures.gamma
    keys = gamma.by("part", "option_type").keys
    assert [keys[0].tolist(), keys[1].tolist()] == [[0, 0, 2, 2], ["C", "P", "C", "P"]]
    # one strike in three scales is one strike
    exact = gex.Chain.concat([part("SPX"), part("XSP")], scale=[1, 10])
    assert gex.analyze(exact).exposures.gamma.by("strike").keys.tolist() == [4900.0, 5000.0, 5100.0]


def test_other_conventions_of_a_joint_chain() -> None:
    joint = gex.Chain.concat([part("SPX"), part("SPY")])
    moved = joint.with_conventions(clock="calendar/365")
    np.testing.assert_allclose(moved.time_to_expiry, 1 / 365)
    assert moved["rate"].tolist() == [0.05] * 12
    flat = joint.with_conventions(rate=0.02, dividend_yield=0.0)
    assert (flat.rate, flat.dividend_yield) == (0.02, 0.0)


def test_a_part_without_root_keeps_its_afternoon() -> None:
    joint = gex.Chain.concat([part("SPX"), part("SPY", root=None)])
    assert joint.root.tolist() == ["SPX"] * 6 + [""] * 6
    np.testing.assert_allclose(joint.time_to_expiry * 365 * 24, [18.5] * 6 + [25.0] * 6)
    again = joint.with_conventions(as_of=THURSDAY)
    np.testing.assert_allclose(again.time_to_expiry * 365 * 24, [18.5] * 6 + [25.0] * 6)


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize("clock", ["15:05", "14:55"])
def test_five_minutes_apart_is_one_moment(clock: str) -> None:
    first = part("SPX")
    joint = gex.Chain.concat([first, part("SPY", as_of=f"2024-03-14T{clock}-04:00")])
    assert joint.as_of == first.as_of


@pytest.mark.parametrize("times", [["15:06"], ["14:54"], ["15:04", "14:58"]])
def test_more_than_five_minutes_is_not(times: list[str]) -> None:
    # the last two are six minutes apart, though each is near the first
    others = [part("SPY", as_of=f"2024-03-14T{time}-04:00") for time in times]
    with pytest.raises(InputError, match=r"concat: chain \d is of .* same minute"):
        gex.Chain.concat([part("SPX"), *others])


def test_a_chain_without_its_time_is_refused() -> None:
    bare = part("SPY", as_of=None, expiry=None, time_to_expiry=0.1)
    for chains in ([part("SPX"), bare], [bare, part("SPX")]):
        with pytest.raises(InputError, match="do not both know their as_of"):
            gex.Chain.concat(chains)
    assert len(gex.Chain.concat([bare, bare])) == 12


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ([1.0], "scale: 1 factors for 2 chains"),
        ([1.0, 1.0], "scale: 1.0 for chain 1, but the spots say 10.0301"),
        ([1.0, 0.1], "scale: 0.1 for chain 1"),
        ([1.0, 10.4], "scale: 10.4 for chain 1"),
        ([1.0, -10.0], "scale: -10.0"),
        ([1.0, float("nan")], "scale: nan"),
        ([1.0, float("inf")], "scale: inf"),
        ([10.0, 100.0], "scale: 10.0 for chain 0"),
        ([1.0, None], "scale: is not a list of numbers"),
        (10.0, "scale: is not a list of numbers"),
    ],
)
def test_scales_that_do_not_fit(scale: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        gex.Chain.concat([part("SPX"), part("SPY")], scale=scale)


def test_columns_that_do_not_mix_are_named() -> None:
    days = np.full(6, np.datetime64("2024-03-14"))
    with pytest.raises(InputError, match="concat: seen is of types that do not mix"):
        gex.Chain.concat(
            [part("SPX", columns={"seen": days}), part("SPY", columns={"seen": np.ones(6)})]
        )


# --- any parts ---------------------------------------------------------------------------------

SEEDS = st.integers(0, 2**32 - 1)


def random_part(rng: np.random.Generator, spot: float) -> gex.Chain:
    rows = int(rng.integers(0, 15))
    return gex.Chain.from_arrays(
        spot=spot,
        strike=spot * rng.uniform(0.7, 1.4, rows),
        is_call=rng.random(rows) < 0.5,
        implied_vol=rng.choice([0.0, 0.1, 0.2, 0.4], rows),
        open_interest=rng.integers(0, 500, rows).astype(float),
        time_to_expiry=rng.uniform(-0.1, 1.0, rows),
        multiplier=rng.choice([10.0, 100.0], rows),
        rate=float(rng.uniform(0, 0.1)),
        dividend_yield=rng.uniform(0, 0.05, rows),
    )


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_dollars_of_random_parts_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spots = rng.uniform(1.0, 5000.0, int(rng.integers(1, 5)))
    chains = [random_part(rng, float(spot)) for spot in spots]
    whole = gex.analyze(gex.Chain.concat(chains))
    parts = [gex.analyze(chain) for chain in chains]
    # a % of the underlying, a day and a vol point are the same for every part
    for name in ("gamma", "delta", "vanna", "charm", "vega", "speed", "zomma", "color"):
        total, own = getattr(whole.exposures, name), [getattr(p.exposures, name) for p in parts]
        limit = 1e-9 * total.gross
        assert total.net == pytest.approx(sum(e.net for e in own), abs=limit)
        assert total.gross == pytest.approx(sum(e.gross for e in own), rel=1e-9)
    assert whole.coverage.used == sum(p.coverage.used for p in parts)
    assert whole.coverage.read == sum(p.coverage.read for p in parts)


def test_the_order_of_an_index_and_its_mini_does_not_matter() -> None:
    big, mini = part("SPX"), part("XSP")
    for spot in (450.51, 450.51001, 450.50999):
        small = mini._replace(spot=spot)
        large = big._replace(spot=4505.1001)
        scales = [
            [p["scale"] for p in gex.Chain.concat(order).source["parts"]]
            for order in ([large, small], [small, large])
        ]
        assert scales == [[1.0, 10.0], [1.0, 0.1]]
