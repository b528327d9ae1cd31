"""Levels: published chains, closed forms, brute force in NumPy, and what must never change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import MismatchError
from hypothesis import given, settings
from hypothesis import strategies as st

WEEKEND = ("spx_2022-02-05", "spx_2022-06-11", "spx_2024-01-07")
OTHERS = ("spx_2023-02-07", "spx_2023-09-04", "spx_2023-09-14", "spy_2023-09-14", "xsp_2023-09-14")
MOMENTS = [(name, "at_printed_snapshot", "printed") for name in WEEKEND + OTHERS]
MOMENTS += [(name, "at_last_close", "session") for name in WEEKEND]
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def reference(test_data: Path) -> dict[str, Any]:
    return json.loads((test_data / "reference" / "levels_open_chains.json").read_text())


def test_every_published_chain_is_tested(reference: dict[str, Any]) -> None:
    chains = reference["chains"].items()
    published = {(name, key) for name, chain in chains for key in chain if key.startswith("at_")}
    assert published == {(name, key) for name, key, _ in MOMENTS}


@pytest.mark.parametrize(("name", "key", "as_of"), MOMENTS)
def test_open_chains(
    name: str, key: str, as_of: str, reference: dict[str, Any], test_data: Path
) -> None:
    expected = reference["chains"][name][key]
    chain = gex.read_cboe(
        test_data / "data" / f"cboe_{name}.csv",
        rate=expected["rate"],
        dividend_yield=expected["dividend"],
        as_of=as_of,
    )
    result = gex.analyze(chain)
    gamma, zero = result.exposures.gamma, result.levels.zero_gamma
    assert result.coverage.used == expected["rows_used"]
    assert gamma.net == pytest.approx(expected["net_gamma_usd_per_1pct"], rel=1e-12)
    assert gamma.gross == pytest.approx(expected["gross_gamma_usd_per_1pct_rows"], rel=1e-12)
    assert zero.value == pytest.approx(expected["flip"], rel=1e-12)
    assert [c.direction for c in zero.crossings] == ["short_to_long"]
    check_strikes(result.levels, expected)
    profile = expected["profile_usd_per_1pct"]
    spots = [float(factor) * chain.spot for factor in profile]
    swept = gex.sweep_profile(chain, result.positions, spots=spots)
    np.testing.assert_allclose(swept.gamma, list(profile.values()), rtol=1e-6)


def check_strikes(levels: gex.Levels, expected: dict[str, Any]) -> None:
    for wall, top in (("call_wall", "top3_net_positive"), ("put_wall", "top3_net_negative")):
        first, second = (abs(value) for _, value in expected[top][:2])
        if second > 0.99 * first:  # a near tie decides nothing
            continue
        level, published = getattr(levels, wall), expected[wall]["net"]
        assert level.strike == published["strike"]
        assert level.value == pytest.approx(published["usd_per_1pct"], rel=1e-6)
        assert level.share == pytest.approx(
            abs(published["usd_per_1pct"]) / expected["gross_gamma_usd_per_1pct_rows"], rel=1e-6
        )
    pin = levels.absolute_gamma_strike
    assert pin.strike == expected["absolute_gamma_strike"]["strike"]
    assert pin.value == pytest.approx(expected["absolute_gamma_strike"]["usd_per_1pct"], rel=1e-6)


def test_vendor_gamma_over_all_rows(test_data: Path) -> None:
    chain = gex.read_cboe(test_data / "data" / "cboe_spx_2024-01-07.csv")
    positions = gex.assign_positions(chain)
    greeks = gex.ChainGreeks.from_columns(chain, "vendor", gamma=chain["vendor_gamma"])
    exposures = gex.compute_exposures(chain, greeks, positions)
    levels = gex.find_levels(exposures, gex.sweep_profile(chain, positions))
    assert exposures.gamma.net == pytest.approx(-10.998709390e9, rel=1e-9)
    assert exposures.gamma.gross == pytest.approx(234.060110063e9, rel=1e-9)
    assert levels.call_wall.strike == 4900.0
    assert levels.call_wall.value == pytest.approx(3.041354916e9, rel=1e-9)
    assert levels.put_wall.strike == 4600.0
    assert levels.put_wall.value == pytest.approx(-2.344975500e9, rel=1e-9)
    assert levels.absolute_gamma_strike.strike == 4800.0
    assert levels.absolute_gamma_strike.value == pytest.approx(17.034063119e9, rel=1e-9)


PUBLISHED_FLIPS = [  # days from, days per year, rate, dividend yield, flip, $bn at spot
    ("2024-01-07", 262, 0.0, 0.0, 4734.722082978, -20.850029787685),
    ("2024-01-05", 365, 0.053, 0.015, 4721.297812, -13.365998),
    ("2024-01-07", 365, 0.053, 0.015, 4720.92927, -13.316073),
]


@pytest.mark.parametrize("case", PUBLISHED_FLIPS)
def test_published_flip_by_its_own_clock(case: tuple[Any, ...], test_data: Path) -> None:
    start, basis, rate, dividend_yield, flip, at_spot_bn = case
    read = gex.read_cboe(test_data / "data" / "cboe_spx_2024-01-07.csv")
    days = (read.expiry - np.datetime64(start)).astype(float)
    if basis == 262:
        days = np.maximum(np.busday_count(start, read.expiry), 1)
    same = ("spot", "strike", "is_call", "implied_vol", "open_interest")
    chain = gex.Chain.from_arrays(
        **{name: getattr(read, name) for name in same},
        time_to_expiry=days / basis,
        rate=rate,
        dividend_yield=dividend_yield,
    )
    result = gex.analyze(chain)
    assert result.levels.zero_gamma.value == pytest.approx(flip, rel=1e-9)
    assert result.exposures.gamma.net / 1e9 == pytest.approx(at_spot_bn, rel=1e-6)


# --- small books -------------------------------------------------------------------------------


def book(held: Any, strike: Any, years: Any, vol: Any, spot: float = 100.0, **more: Any):
    """Chain and positions from signed contracts, no matter which rule would give them."""
    held = np.asarray(held, dtype=float)
    chain = gex.Chain.from_arrays(
        spot=spot,
        strike=np.asarray(strike, dtype=float),
        is_call=held > 0,
        implied_vol=vol,
        open_interest=np.abs(held),
        time_to_expiry=years,
        **more,
    )
    return chain, gex.assign_positions(chain, "contracts", contracts=held)


def analyzed(*arguments: Any, **more: Any) -> gex.Analysis:
    return gex.analyze(*book(*arguments, **more))


def brute_gamma(
    spots: Any, held: Any, strike: Any, years: Any, vol: Any, rate: float = 0.0, carry: float = 0.0
) -> Any:
    """Net and gross $ per 1% at each spot: the textbook gamma, summed row by row."""
    s = np.asarray(spots, dtype=float)[..., None]
    width = vol * np.sqrt(years)
    d1 = (np.log(s / strike) + (rate - carry) * years) / width + width / 2
    gamma = np.exp(-carry * years - d1 * d1 / 2) / np.sqrt(2 * np.pi) / (s * width)
    each = 100.0 * held * gamma * s * s / 100
    return each.sum(-1), np.abs(each).sum(-1)


def brute_roots(low: float, high: float, *contracts: Any) -> list[float]:
    """Dense scan, then bisection; far finer than anything a search grid would use."""
    grid = np.exp(np.linspace(np.log(low), np.log(high), 60001))
    value = brute_gamma(grid, *contracts)[0]
    roots = []
    for at in np.flatnonzero(np.sign(value[1:]) * np.sign(value[:-1]) < 0):
        a, b, start = grid[at], grid[at + 1], value[at]
        for _ in range(60):
            middle = (a + b) / 2
            same = brute_gamma(middle, *contracts)[0] * start > 0
            a, b = (middle, b) if same else (a, middle)
        roots.append(float(a))
    return roots


def random_contracts(seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 14))
    held = rng.integers(1, 500, n) * rng.choice([-1.0, 1.0], n)
    strike = rng.integers(70, 140, n).astype(float)
    return held, strike, rng.uniform(0.002, 0.5, n), rng.uniform(0.1, 0.5, n), 0.04, 0.01


def random_analysis(seed: int) -> tuple[gex.Analysis, tuple[Any, ...]]:
    held, strike, years, vol, rate, carry = contracts = random_contracts(seed)
    result = analyzed(held, strike, years, vol, rate=rate, dividend_yield=carry)
    return result, contracts


def test_random_books_have_the_roots_of_a_dense_scan() -> None:
    counts = set()
    for seed in range(60):
        result, contracts = random_analysis(seed)
        zero = result.levels.zero_gamma
        roots = brute_roots(*zero.searched, *contracts)
        np.testing.assert_allclose([c.spot for c in zero.crossings], roots, rtol=1e-10)
        counts.add(len(roots))
        edge = brute_gamma(zero.searched[0], *contracts)[0]
        nearest = min(roots, key=lambda root: abs(root - 100.0), default=None)
        assert zero.status == ("found" if roots else "always_long" if edge > 0 else "always_short")
        assert zero.value == (nearest if nearest is None else pytest.approx(nearest, rel=1e-10))
    assert {0, 1, 2, 3} <= counts  # otherwise the books were too tame


def butterfly(body: float, width: float = 0.1, **more: Any) -> gex.Analysis:
    """Wings one deviation away: gamma ~ exp(-u u / 2) (2 exp(-1/2) cosh(u) - body)."""
    strikes = 100.0 * np.exp(np.array([-width, 0.0, width]))
    return analyzed([1000.0, -1000.0 * body, 1000.0], strikes, 1.0, width, **more)


def test_roots_of_a_butterfly_in_closed_form() -> None:
    zero = butterfly(2 * np.exp(-0.5) * 1.01).levels.zero_gamma
    roots = 100 * np.exp(np.array([-1, 1]) * np.arccosh(1.01) * 0.1 - 0.005)
    np.testing.assert_allclose([c.spot for c in zero.crossings], roots, rtol=1e-12)
    assert [c.direction for c in zero.crossings] == ["long_to_short", "short_to_long"]
    assert [np.sign(c.slope) for c in zero.crossings] == [-1, 1]
    assert zero.value == zero.crossings[1].spot  # 100.9 is nearer to 100 than 98.1


def test_slope_is_the_derivative_of_the_profile() -> None:
    result, contracts = random_analysis(3)
    for crossing in result.levels.zero_gamma.crossings:
        above, below = brute_gamma([crossing.spot + 1e-4, crossing.spot - 1e-4], *contracts)[0]
        assert crossing.slope == pytest.approx((above - below) / 2e-4, rel=1e-5)
    assert result.levels.zero_gamma.crossings


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_a_touch_is_not_a_crossing(flip: float) -> None:
    touch, body = 100 * np.exp(-0.005), 2 * np.exp(-0.5)
    zero = butterfly(body).levels.zero_gamma
    assert (zero.value, zero.status, zero.crossings) == (None, "always_long", ())
    held = flip * np.array([1.0, -body, 1.0]) * 1000
    chain, positions = book(held, 100 * np.exp(np.array([-0.1, 0.0, 0.1])), 1.0, 0.1)
    # nodes at and around the touch, where only rounding has a sign
    spots = np.sort(np.append(touch * (1 + np.linspace(-1e-8, 1e-8, 41)), [80.0, 120.0]))
    assert gex.sweep_profile(chain, positions, spots=spots).crossings() == []


def test_a_balanced_book_has_no_level() -> None:
    rng = np.random.default_rng(0)
    strike, years, vol = rng.integers(80, 120, 400), rng.uniform(0.01, 1, 400), 0.25
    held = rng.integers(1, 1000, 400)
    order = rng.permutation(800)
    # what is left of the sums is rounding, its sign means nothing
    levels = analyzed(
        np.append(held, -held)[order], np.tile(strike, 2)[order], np.tile(years, 2)[order], vol
    ).levels
    assert levels.zero_gamma.crossings == ()
    assert levels.zero_gamma.value is None
    assert levels.call_wall.strike is None
    assert levels.put_wall.strike is None
    assert levels.absolute_gamma_strike.strike is not None


def test_one_sided_and_empty_books() -> None:
    long = analyzed([5.0, 3.0], [95, 105], 0.1, 0.2).levels
    assert (long.zero_gamma.value, long.zero_gamma.status) == (None, "always_long")
    assert (long.put_wall.strike, long.put_wall.status) == (None, "no_negative_strike")
    assert long.put_wall.to_dict() is None
    short = analyzed([-5.0, -3.0], [95, 105], 0.1, 0.2).levels
    assert (short.zero_gamma.value, short.zero_gamma.status) == (None, "always_short")
    assert (short.call_wall.strike, short.call_wall.status) == (None, "no_positive_strike")
    assert "always short from 79.44 to 125.96" in str(short.zero_gamma)
    for empty in (analyzed([0.0, 0.0], [95, 105], 0.1, 0.2), analyzed([], [], 0.1, 0.2)):
        levels = empty.levels
        assert (levels.zero_gamma.value, levels.zero_gamma.status) == (None, "no_exposure")
        assert levels.zero_gamma.searched is None
        for strike in (levels.call_wall, levels.put_wall, levels.absolute_gamma_strike):
            assert (strike.strike, strike.value, strike.share) == (None, None, None)
            assert strike.status == "no_exposure"


@pytest.mark.parametrize(("vol", "reach"), [(0.05, 0.15), (0.2, 0.8 * 0.286691), (4.0, 1.5)])
def test_searched_range(vol: float, reach: float) -> None:
    # sqrt(30/365) = 0.286691; the grid may reach out by one of its steps
    low, high = analyzed([1.0, -1.0], [95, 105], 0.1, vol).levels.zero_gamma.searched
    assert -reach - 2**-8 <= np.log(low / 100) <= -reach + 1e-6
    assert reach - 1e-6 <= np.log(high / 100) <= reach + 2**-8


def given_gamma(held: Any, strike: Any, gamma: Any, spot: float = 100.0) -> gex.Levels:
    chain, positions = book(held, strike, 0.1, 0.2, spot=spot)
    greeks = gex.ChainGreeks.from_columns(chain, gamma=gamma)
    exposures = gex.compute_exposures(chain, greeks, positions)
    return gex.find_levels(exposures, gex.sweep_profile(chain, positions))


def test_walls_by_hand() -> None:
    # $ per 1% is 10,000 q gamma at spot 100: 100 has 200,000 - 180,000 net
    levels = given_gamma([20, -18, 6, -8, 0], [100, 100, 110, 90, 80], [1.0, 1.0, 0.5, 0.5, 9.0])
    assert (levels.call_wall.strike, levels.call_wall.value) == (110.0, 30000.0)
    assert (levels.put_wall.strike, levels.put_wall.value) == (90.0, -40000.0)
    pin = levels.absolute_gamma_strike  # not netted
    assert (pin.strike, pin.value, pin.share) == (100.0, 380000.0, 38 / 45)
    assert levels.call_wall.share == 3 / 45


@pytest.mark.parametrize(("spot", "nearest"), [(94.0, 90.0), (104.0, 105.0), (130.0, 110.0)])
def test_ties_go_to_the_strike_nearest_spot(spot: float, nearest: float) -> None:
    strikes = np.array([90.0, 105.0, 110.0])
    long = given_gamma([7.0] * 3, strikes, [0.5] * 3, spot=spot)
    assert long.call_wall.strike == long.absolute_gamma_strike.strike == nearest
    assert given_gamma([-7.0] * 3, strikes, [0.5] * 3, spot=spot).put_wall.strike == nearest


def test_expirations_of_one_strike_are_summed_first() -> None:
    # 90 has the largest single contract, 110 the largest sum
    levels = given_gamma([9, 5, 5], [90, 110, 110], [1.0, 1.0, 1.0])
    assert (levels.call_wall.strike, levels.call_wall.value) == (110.0, 100000.0)


def test_both_crossings_minutes_before_settlement() -> None:
    held, strikes = np.array([1000.0, -900.0, 1100.0]), np.array([4990.0, 5000.0, 5010.0])
    chain = gex.Chain.from_arrays(
        spot=5004.0,
        strike=strikes,
        is_call=held > 0,
        implied_vol=0.15,
        open_interest=np.abs(held),
        expiry=["2024-03-15"] * 3,
        root="SPXW",
        as_of="2024-03-15T15:55-04:00",
    )
    zero = gex.analyze(chain).levels.zero_gamma
    roots = brute_roots(4950.0, 5050.0, held, strikes, 300 / (365 * 86400), 0.15)
    assert len(roots) == 2
    np.testing.assert_allclose([c.spot for c in zero.crossings], roots, rtol=1e-10)
    assert [c.direction for c in zero.crossings] == ["long_to_short", "short_to_long"]
    assert zero.value == zero.crossings[1].spot


def test_parts_of_different_books_do_not_mix() -> None:
    chain, positions = book([1.0, -1.0], [95, 105], 0.1, 0.2)
    other, others = book([1.0, -1.0], [95, 105], 0.1, 0.2)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain), positions)
    again = gex.assign_positions(chain)
    for profile in (gex.sweep_profile(other, others), gex.sweep_profile(chain, again)):
        with pytest.raises(MismatchError, match="different chains or positions"):
            gex.find_levels(exposures, profile)
    with pytest.raises(MismatchError, match="another chain"):
        gex.sweep_profile(chain, others)


# --- invariants --------------------------------------------------------------------------------


def shared_roots(one: Any, two: Any, scale: float = 1.0) -> list[list[float]]:
    """Roots of both on the range that both searched; the ends fall on nodes of a grid."""
    low = max(one.searched[0] * scale, two.searched[0]) * (1 + 1e-9)
    high = min(one.searched[1] * scale, two.searched[1]) * (1 - 1e-9)
    pairs = ((one, scale), (two, 1.0))
    return [[c.spot for c in z.crossings if low < c.spot * by < high] for z, by in pairs]


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([0.01, 0.5, 47.0, 1e4]))
def test_scaling_prices_scales_levels(seed: int, scale: float) -> None:
    result, (held, strike, years, vol, rate, carry) = random_analysis(seed)
    scaled = analyzed(
        held, strike * scale, years, vol, spot=100 * scale, rate=rate, dividend_yield=carry
    )
    one, two = result.levels, scaled.levels
    left, right = shared_roots(one.zero_gamma, two.zero_gamma, scale)
    np.testing.assert_allclose(right, np.array(left) * scale, rtol=1e-10)
    for name in gex.Levels.STRIKES:
        if getattr(one, name).strike is not None:
            expected = getattr(one, name).strike * scale
            assert getattr(two, name).strike == pytest.approx(expected, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_flipping_every_sign_mirrors_the_levels(seed: int) -> None:
    result, (held, strike, years, vol, rate, carry) = random_analysis(seed)
    other = analyzed(-held, strike, years, vol, rate=rate, dividend_yield=carry)
    one, two = result.levels, other.levels
    assert other.exposures.gamma.net == -result.exposures.gamma.net
    assert other.exposures.gamma.gross == result.exposures.gamma.gross
    assert [c.spot for c in two.zero_gamma.crossings] == [c.spot for c in one.zero_gamma.crossings]
    opposite = {"short_to_long": "long_to_short", "long_to_short": "short_to_long"}
    turned = [opposite[c.direction] for c in two.zero_gamma.crossings]
    assert turned == [c.direction for c in one.zero_gamma.crossings]
    assert two.call_wall.strike == one.put_wall.strike
    assert two.put_wall.strike == one.call_wall.strike
    assert two.absolute_gamma_strike == one.absolute_gamma_strike


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_gamma_vanishes_at_a_root_and_changes_sign(seed: int) -> None:
    result, contracts = random_analysis(seed)
    for crossing in result.levels.zero_gamma.crossings:
        at = crossing.spot * np.array([1 - 1e-6, 1.0, 1 + 1e-6])
        net, gross = brute_gamma(at, *contracts)
        assert abs(net[1]) <= 1e-11 * gross[1]
        assert net[2] > 0 > net[0] if crossing.direction == "short_to_long" else net[0] > 0 > net[2]


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.floats(-0.02, 0.02))
def test_moving_spot_does_not_move_the_roots(seed: int, move: float) -> None:
    *columns, rate, carry = random_contracts(seed)
    rates, spots = {"rate": rate, "dividend_yield": carry}, (100.0, 100.0 * np.exp(move))
    zeros = [analyzed(*columns, spot=s, **rates).levels.zero_gamma for s in spots]
    np.testing.assert_allclose(*shared_roots(*zeros), rtol=1e-10)
    for zero, spot in zip(zeros, spots, strict=True):
        distance = [abs(c.spot - spot) for c in zero.crossings]
        assert zero.value is None or abs(zero.value - spot) == min(distance)
