"""Levels that are strikes: published walls of every variant, hand-made books, brute force."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.strikes import StrikeSums
from hypothesis import given, settings
from hypothesis import strategies as st

WEEKEND = ("spx_2022-02-05", "spx_2022-06-11", "spx_2024-01-07")
OTHERS = ("spx_2023-02-07", "spx_2023-09-04", "spx_2023-09-14", "spy_2023-09-14", "xsp_2023-09-14")
MOMENTS = [(name, "at_printed_snapshot", "printed") for name in WEEKEND + OTHERS]
MOMENTS += [(name, "at_last_close", "session") for name in WEEKEND]
VARIANTS = {
    "net": ("net", False), "net_gated": ("net", True),
    "gross": ("gross", False), "gross_gated": ("gross", True),
}  # fmt: skip


@pytest.fixture(scope="module")
def reference(test_data: Path) -> dict[str, Any]:
    return json.loads((test_data / "reference" / "levels_open_chains.json").read_text())["chains"]


def candidates(
    values: Any, strike: Any, is_call: Any, spot: float, wall: str, side: str, gated: bool
) -> list[tuple[float, float]]:
    """(height, strike) of every strike that could be the wall, highest first: plain sums."""
    call = wall == "call_wall"
    sign = 1.0 if call or side == "gross" else -1.0
    found = []
    for k in np.unique(strike):
        if gated and (k < spot if call else k > spot):
            continue
        rows = strike == k
        if side == "gross":
            rows &= is_call == call
        total = values[rows].sum()
        found.append((sign * total if side == "net" else abs(total), float(k)))
    return sorted((item for item in found if item[0] > 0), reverse=True)


@pytest.mark.parametrize(("name", "key", "as_of"), MOMENTS)
def test_walls_of_every_variant_are_the_published_ones(
    name: str, key: str, as_of: str, reference: dict[str, Any], test_data: Path
) -> None:
    expected = reference[name][key]
    chain = gex.read_cboe(
        test_data / "data" / f"cboe_{name}.csv",
        rate=expected["rate"],
        dividend_yield=expected["dividend"],
        as_of=as_of,
    )
    positions = gex.assign_positions(chain)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain, "gamma"), positions)
    profile = gex.sweep_profile(chain, positions, spots=[chain.spot])
    gamma, used, compared = exposures.gamma, exposures.gamma.used, 0
    columns = (gamma.values[used], chain.strike[used], chain.is_call[used], chain.spot)
    for variant, (side, gated) in VARIANTS.items():
        levels = gex.find_levels(exposures, profile, side, gated)
        for wall in ("call_wall", "put_wall"):
            (first, _), (second, runner_up), *_ = candidates(*columns, wall, side, gated)
            level, published = getattr(levels, wall), expected[wall][variant]
            assert level.margin == pytest.approx(1 - second / first, abs=1e-9)
            if second > 0.99 * first:  # a near tie decides nothing
                continue
            assert level.strike == published["strike"]
            assert level.value == pytest.approx(published["usd_per_1pct"], rel=1e-6)
            assert level.runner_up == runner_up
            compared += 1
    assert compared >= 5  # near ties are the exception
    assert levels.hvl.strike == expected["hvl"]["strike"]
    assert levels.hvl.value == pytest.approx(expected["hvl"]["usd_per_1pct"], rel=1e-6)


# --- by hand -----------------------------------------------------------------------------------


def book(
    value: Any, strike: Any, is_call: Any = True, spot: float = 100.0, side: str = "net",
    gated: bool = False, delta: Any = None, **more: Any,
) -> gex.Levels:  # fmt: skip
    """One contract per row at spot 100: `value` is its gamma exposure in units of $10,000."""
    value = np.asarray(value, float)
    chain = gex.Chain.from_arrays(
        spot=spot,
        strike=np.asarray(strike, float),
        is_call=np.broadcast_to(is_call, len(value)),
        implied_vol=0.2,
        open_interest=1.0,
        time_to_expiry=0.1,
        **more,
    )
    positions = gex.assign_positions(chain, "contracts", contracts=np.sign(value))
    columns = {"gamma": np.abs(value)} if delta is None else {"gamma": 1.0, "delta": delta}
    greeks = gex.ChainGreeks.from_columns(chain, **columns)
    exposures = gex.compute_exposures(chain, greeks, positions)
    profile = gex.sweep_profile(chain, positions, spots=[90.0, 110.0])
    return gex.find_levels(exposures, profile, side, gated)


def test_runner_up_margin_and_share() -> None:
    levels = book([8.0, 6.0, -5.0, -4.0, -1.0], [110, 120, 90, 80, 70])
    wall = levels.call_wall
    assert (wall.strike, wall.runner_up, wall.margin) == (110.0, 120.0, 0.25)
    assert (wall.value, wall.share, wall.weak) == (80_000.0, 8 / 24, False)
    wall = levels.put_wall
    assert (wall.strike, wall.runner_up) == (90.0, 80.0)
    assert wall.margin == pytest.approx(0.2, rel=1e-14)
    assert wall.to_dict() == {
        "strike": 90.0, "value": -50_000.0, "share": 5 / 24, "runner_up": 80.0,
        "margin": wall.margin, "weak": False,
    }  # fmt: skip


def test_a_lone_strike_has_no_runner_up() -> None:
    wall = book([3.0, -2.0], [110, 90]).call_wall
    assert (wall.strike, wall.runner_up, wall.margin) == (110.0, None, None)


@pytest.mark.parametrize(("small", "weak"), [(0.49, True), (0.51, False)])
def test_weak_is_a_share_of_gross_below_half_a_percent(small: float, weak: bool) -> None:
    # the put side holds 100 - small, netted by nothing: gross is 100
    levels = book([small, small - 100.0], [110, 90])
    assert levels.call_wall.weak is weak
    assert (", weak" in str(levels)) is weak
    assert levels.put_wall.weak is False


def test_net_gross_and_gated_differ() -> None:
    #        net: 95 +3, 100 0, 105 +2, 110 -1; calls: 95 4, 100 9, 105 2; puts: 95 1, 100 9, 110 1
    values, strikes = [4, -1, 9, -9, 2, -1], [95, 95, 100, 100, 105, 110]
    calls = np.array([True, False, True, False, True, False])
    walls = {
        (side, gated): (levels.call_wall.strike, levels.put_wall.strike)
        for side in ("net", "gross")
        for gated in (False, True)
        for levels in [book(values, strikes, calls, spot=102.0, side=side, gated=gated)]
    }
    assert walls == {
        ("net", False): (95.0, 110.0),
        ("net", True): (105.0, None),  # the only net put strike lies above spot
        ("gross", False): (100.0, 100.0),
        ("gross", True): (105.0, 100.0),
    }


def test_gates_include_the_strike_at_spot() -> None:
    levels = book([5.0, 4.0, -5.0, -4.0], [100, 110, 100, 90], [True, True, False, False],
                  side="gross", gated=True)  # fmt: skip
    assert (levels.call_wall.strike, levels.put_wall.strike) == (100.0, 100.0)


@pytest.mark.parametrize(("spot", "nearest"), [(93.0, 90.0), (97.0, 100.0), (119.0, 120.0)])
def test_ties_of_gross_walls_go_to_spot(spot: float, nearest: float) -> None:
    tie = book([2.0] * 3, [120, 90, 100], spot=spot, side="gross")
    assert (tie.call_wall.strike, tie.call_wall.margin) == (nearest, 0.0)
    assert tie.call_wall.runner_up != nearest


def test_high_volatility_level() -> None:
    # cumulative: -1 -4 -6 -1 3
    level = book([-1.0, -3.0, -2.0, 5.0, 4.0], [80, 90, 100, 110, 120]).hvl
    assert (level.strike, level.value, level.share) == (100.0, -60_000.0, 6 / 15)


@pytest.mark.parametrize("values", [[-2.0, 1.0, 3.0], [-1.0, 0.5, -3.0], [1.0, 2.0], [-5.0]])
def test_no_high_volatility_level_at_an_end(values: list[float]) -> None:
    # cumulative: -2 -1 2; -1 -0.5 -3.5; 1 3; -5: the lowest is the first or the last
    level = book(values, 90.0 + 10 * np.arange(len(values))).hvl
    assert (level.strike, level.status) == (None, "at_end_strike")
    assert level.to_dict() is None


def test_cumulative_crossings() -> None:
    # cumulative: -2 1 0 2 -1 -1: a zero on the way is no change of sign
    values, strikes = [-2.0, 3.0, -1.0, 2.0, -3.0, 0.0], [80, 90, 95, 100, 120, 130]
    for spot, nearest in ((70.0, 90.0), (104.0, 90.0), (106.0, 120.0)):
        levels = book(values, strikes, spot=spot)
        assert StrikeSums.of(levels.exposures.gamma).cumulative_crossings() == [90.0, 120.0]
        assert levels.cumulative_gamma_crossing == nearest
    assert book([1.0, 2.0], [90, 100]).cumulative_gamma_crossing is None
    # it is not the flip: this book is re-priced, not added up
    levels = book(values, strikes)
    assert levels.cumulative_gamma_crossing not in [c.spot for c in levels.zero_gamma.crossings]


def test_key_delta_strike_counts_what_is_out_of_the_money() -> None:
    # rows: call 90 in the money, put 90 out; call 100 and put 100 at spot: out; put 110 in
    strike = [90, 90, 100, 100, 110, 110]
    calls = np.array([True, False, True, False, True, False])
    delta = [0.9, -0.1, 0.5, -0.5, 0.2, -0.8]
    level = book([1, -1, 1, -2, 1, 1], strike, calls, delta=delta).key_delta_strike
    # 90: +0.1; 100: 0.5 + 0.5; 110: +0.2, each x 100 shares x $100; gross counts all six rows
    assert (level.strike, level.runner_up) == (100.0, 110.0)
    assert level.value == pytest.approx(10_000.0, rel=1e-14)
    assert level.margin == pytest.approx(0.8, rel=1e-14)
    assert level.share == pytest.approx(1.0 / 3.0, rel=1e-14)
    # a short position may win, with its sign
    level = book([1, -1, 1, 1, -1, 1], strike, calls, delta=delta).key_delta_strike
    assert (level.strike, level.value) == (110.0, pytest.approx(-2_000.0))
    assert book([1.0], [100]).key_delta_strike.status == "delta_not_computed"


def test_top_lists_hold_five_of_one_sign() -> None:
    values = [1.0, -2.0, 7.0, 3.0, 5.0, 6.0, 4.0, -9.0]
    levels = book(values, np.arange(80.0, 120.0, 5.0))
    tops = [(90.0, 7e4), (105.0, 6e4), (100.0, 5e4), (110.0, 4e4), (95.0, 3e4)]
    assert levels.top_positive == tuple(tops)
    assert levels.top_negative == ((115.0, -9e4), (85.0, -2e4))
    assert levels.to_dict()["top_negative"][0] == {"strike": 115.0, "value": -9e4}


def test_drivers_are_the_ten_largest_contracts() -> None:
    rng = np.random.default_rng(5)
    values = rng.permutation(np.arange(1.0, 31.0)) * rng.choice([-1.0, 1.0], 30)
    strikes, calls = rng.integers(80, 120, 30).astype(float), rng.random(30) < 0.5
    days = np.datetime64("2024-03-15") + rng.integers(0, 90, 30)
    roots = rng.choice(["SPX", "SPXW"], 30)
    levels = book(values, strikes, calls, expiry=days, root=roots)
    order = sorted(range(30), key=lambda i: -abs(values[i]))[:10]
    expected = [
        {
            "root": roots[i],
            "expiry": str(days[i]),
            "strike": strikes[i],
            "option_type": "C" if calls[i] else "P",
            "value": pytest.approx(1e4 * values[i]),
            "share": pytest.approx(abs(values[i]) / 465),  # 1 + 2 + ... + 30
        }
        for i in order
    ]
    assert [driver.to_dict() for driver in levels.drivers] == expected
    few = book([2.0, 0.0, -3.0], [90, 100, 110]).drivers
    assert [(d.strike, d.root, d.expiry) for d in few] == [(110.0, "", ""), (90.0, "", "")]


# --- brute force -------------------------------------------------------------------------------

ROWS = st.lists(
    st.tuples(st.integers(-4, 4), st.sampled_from(range(80, 125, 5)), st.booleans()),
    min_size=1, max_size=25,
)  # fmt: skip
SPOTS = st.sampled_from([75.0, 95.0, 102.5, 112.5])  # squares / 100 are exact, so ties are too


@settings(max_examples=150, deadline=None)
@given(ROWS, SPOTS, st.sampled_from(list(VARIANTS)))
def test_walls_agree_with_brute_force(rows: list[Any], spot: float, variant: str) -> None:
    values, strikes, calls = (np.array(column) for column in zip(*rows, strict=True))
    side, gated = VARIANTS[variant]
    levels = book(values, strikes, calls, spot=spot, side=side, gated=gated)
    unit, gross = spot * spot, float(np.abs(values).sum())  # $ per 1% of one contract
    held = values != 0
    columns = (values[held].astype(float), strikes[held], calls[held], spot)
    for wall in ("call_wall", "put_wall"):
        found, level = candidates(*columns, wall, side, gated), getattr(levels, wall)
        if not found:
            assert level.strike is level.value is level.share is level.runner_up is None
            assert level.status != "found"
            continue
        height = found[0][0]
        best = [k for h, k in found if h == height]
        assert level.strike in best
        assert abs(level.strike - spot) == min(abs(k - spot) for k in best)
        assert abs(level.value) == pytest.approx(height * unit, rel=1e-12)
        assert level.share == pytest.approx(height / gross, rel=1e-12)
        if len(found) == 1:
            assert level.runner_up is level.margin is None
        else:
            assert level.margin == pytest.approx(1 - found[1][0] / height, abs=1e-12)
            assert level.runner_up in [k for h, k in found if h == found[1][0]]


@settings(max_examples=150, deadline=None)
@given(ROWS, SPOTS)
def test_sums_over_strikes_agree_with_brute_force(rows: list[Any], spot: float) -> None:
    values, strikes, calls = (np.array(column) for column in zip(*rows, strict=True))
    levels, unit = book(values, strikes, calls, spot=spot), spot * spot
    held = np.unique(strikes[values != 0])
    net = [int(values[strikes == k].sum()) for k in held]
    gross = [int(np.abs(values[strikes == k]).sum()) for k in held]
    pin = levels.absolute_gamma_strike
    assert (pin.strike is None) == (not len(held))
    if pin.strike is not None:
        best = [k for k, g in zip(held, gross, strict=True) if g == max(gross)]
        assert pin.strike in best
        assert abs(pin.strike - spot) == min(abs(k - spot) for k in best)
        assert pin.value == pytest.approx(max(gross) * unit, rel=1e-12)
    sums = [sum(net[: i + 1]) for i in range(len(net))]
    inside = len(sums) > 2 and min(sums) not in (sums[0], sums[-1])
    if inside:
        assert levels.hvl.strike == held[sums.index(min(sums))]
    if levels.hvl.strike is not None:  # a lowest sum shared with an end may be named
        assert levels.hvl.value == min(sums) * unit
        assert levels.hvl.strike not in (held[0], held[-1])
    signed = [(k, s) for k, s in zip(held, sums, strict=True) if s]
    turns = [b for (_, x), (b, y) in pairwise(signed) if (x > 0) != (y > 0)]
    assert StrikeSums.of(levels.exposures.gamma).cumulative_crossings() == turns
    for sign, top in ((1, levels.top_positive), (-1, levels.top_negative)):
        expected = sorted((sign * v for v in net if sign * v > 0), reverse=True)[:5]
        assert [sign * v / unit for _, v in top] == pytest.approx(expected)
