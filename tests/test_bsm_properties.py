"""Invariants of the greeks: parity, bounds, homogeneity, the pricing equation, limits, bad rows."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from gexcore import bsm
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

EPS = np.finfo(float).eps
GREEKS = bsm.GREEKS
SAME_FOR_CALL_AND_PUT = ("gamma", "vega", "vanna", "vomma", "speed", "zomma", "color")
fast = settings(deadline=None, max_examples=300)
# mpmath: shrinking a failure would take minutes
slow = settings(
    deadline=None, max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


def between(low, high):
    return st.floats(low, high, allow_nan=False)


def contract(S, T, s, r, y, z):
    """A row whose strike is z standard deviations from the forward."""
    return S, S * math.exp((r - y) * T + z * s * math.sqrt(T)), T, s, r, y


rates = between(-0.02, 0.06)
contracts = st.builds(
    contract,
    between(1.0, 1e4),
    between(1e-4, 3.0),
    between(0.05, 1.5),
    rates,
    rates,
    between(-6.0, 6.0),
)
off_the_money = st.sampled_from([0.5, 0.9, 0.99, 1.01, 1.1, 2.0])


def greeks(row, is_call):
    return bsm.greeks(*row, is_call, which=GREEKS)


def legs(row):
    """Discounted spot and discounted strike."""
    S, K, T, _, r, y = row
    return S * math.exp(-y * T), K * math.exp(-r * T)


def spread(row):
    """x = s sqrt T and max(|d1|, |d2|)."""
    S, K, T, s, r, y = row
    x = s * math.sqrt(T)
    return x, abs(math.log(S / K) + (r - y) * T) / x + x / 2


@fast
@given(contracts)
def test_put_call_parity(row):
    S, _, T, _, r, y = row
    spot, strike = legs(row)
    call, put = greeks(row, True), greeks(row, False)
    # each side is a handful of roundings of its largest term
    tolerance = 8 * EPS
    assert abs(call.price - put.price - (spot - strike)) <= tolerance * (spot + strike)
    assert abs(call.delta - put.delta - spot / S) <= tolerance * spot / S
    assert abs(call.rho - put.rho - T * strike) <= tolerance * T * strike
    assert abs(call.charm - put.charm - y * spot / S) <= tolerance * (
        abs(call.charm) + abs(put.charm) + abs(y) * spot / S
    )
    assert abs(call.theta - put.theta - (y * spot - r * strike)) <= tolerance * (
        abs(call.theta) + abs(put.theta) + abs(y) * spot + abs(r) * strike
    )


@fast
@given(contracts)
def test_density_greeks_do_not_know_the_type(row):
    call, put = greeks(row, True), greeks(row, False)
    assert [call[name] for name in SAME_FOR_CALL_AND_PUT] == [
        put[name] for name in SAME_FOR_CALL_AND_PUT
    ]


@fast
@given(contracts, st.booleans())
def test_signs_and_bounds(row, is_call):
    w = 1 if is_call else -1
    spot, strike = legs(row)
    g = greeks(row, is_call)
    ulps = 4 * EPS
    assert 0 <= g.price <= (spot if is_call else strike) * (1 + ulps)
    assert g.price >= w * (spot - strike) - ulps * (spot + strike)
    assert 0 <= w * g.delta <= spot / row[0] * (1 + ulps)
    assert 0 <= w * g.rho <= row[2] * strike * (1 + ulps)
    assert g.gamma > 0
    assert g.vega > 0


DEGREES = {"price": 1, "delta": 0, "gamma": -1, "vega": 1, "theta": 1, "rho": 1}
DEGREES |= {"vanna": 0, "charm": 0, "vomma": 1, "speed": -2, "zomma": -1, "color": -1}


@fast
@given(contracts, st.booleans(), st.integers(-40, 40))
def test_homogeneity_in_powers_of_two_is_exact(row, is_call, power):
    S, K, *rest = row
    base, scaled = greeks(row, is_call), greeks((S * 2.0**power, K * 2.0**power, *rest), is_call)
    for name in GREEKS:
        assert scaled[name] == base[name] * 2.0 ** (power * DEGREES[name]), name


@pytest.mark.parametrize("power", [-960, -880, 880, 960])
def test_delta_and_charm_know_no_scale_where_prices_end(power):
    """Spots near 1e-290 and 1e290, contracts whose price is no longer a number there."""
    for call in (True, False):
        for money in (0.7, 0.9, 1.0, 1.2, 1.3):
            for r, y in ((0.0, 0.0), (0.05, 0.02), (-1.0, 3.0)):
                rest = (2.0**-7, 0.25, r, y)
                here = bsm.greeks(1.0, money, *rest, call, which=("delta", "charm"))
                there = bsm.greeks(
                    2.0**power, money * 2.0**power, *rest, call, which=("delta", "charm")
                )
                assert (there.delta, there.charm) == (here.delta, here.charm)


@fast
@given(contracts, st.booleans(), between(0.01, 100.0))
def test_homogeneity(row, is_call, factor):
    S, K, *rest = row
    x, d = spread(row)
    base, scaled = greeks(row, is_call), greeks((S * factor, K * factor, *rest), is_call)
    # the products round S / K by 2 eps: d1 moves by 2 eps / x, a tail by (1 + d) times that
    tolerance = 8 * EPS * (1 + d * d + (1 + d) / x)
    for name in ("price", "delta", "gamma", "vega"):
        want = base[name] * factor ** DEGREES[name]
        assert abs(scaled[name] - want) <= tolerance * abs(want), name


@fast
@given(contracts, st.booleans())
def test_pricing_equation(row, is_call):
    S, _, _, s, r, y = row
    g = greeks(row, is_call)
    terms = (g.theta, (r - y) * S * g.delta, 0.5 * s * s * S * S * g.gamma, -r * g.price)
    # the sum of the error targets of theta and gamma
    assert abs(math.fsum(terms)) <= 1e-12 * sum(map(abs, terms))


@fast
@given(contracts, st.booleans())
def test_put_call_symmetry(row, is_call):
    S, K, T, s, r, y = row
    g, mirrored = greeks(row, is_call), greeks((K, S, T, s, y, r), not is_call)
    # twice the error target of price and of gamma
    assert abs(g.price - mirrored.price) <= 6e-13 * g.price
    assert abs(S * S * g.gamma - K * K * mirrored.gamma) <= 6e-13 * S * S * g.gamma


def oracle_price(S, s, T, r, K, y, w):
    """mpmath price in the order in which it is differentiated."""
    x = s * mpmath.sqrt(T)
    d1 = (mpmath.log(S / K) + (r - y + s * s / 2) * T) / x
    share = mpmath.ncdf(w * d1) * S * mpmath.exp(-y * T)
    return w * (share - mpmath.ncdf(w * (d1 - x)) * K * mpmath.exp(-r * T))


# orders of the derivative to (S, s, T, r), and its sign
ORDERS = {
    "price": ((0, 0, 0, 0), 1),
    "delta": ((1, 0, 0, 0), 1),
    "gamma": ((2, 0, 0, 0), 1),
    "vega": ((0, 1, 0, 0), 1),
    "theta": ((0, 0, 1, 0), -1),
    "rho": ((0, 0, 0, 1), 1),
    "vanna": ((1, 1, 0, 0), 1),
    "charm": ((1, 0, 1, 0), -1),
    "vomma": ((0, 2, 0, 0), 1),
    "speed": ((3, 0, 0, 0), 1),
    "zomma": ((2, 1, 0, 0), 1),
    "color": ((2, 0, 1, 0), -1),
}


def central_difference(f, point, orders, h):
    """Mixed central difference of the given orders, one variable after the other."""
    for i, order in enumerate(orders):
        if order:
            rest = (*orders[:i], order - 1, *orders[i + 1 :])
            up, down = ((*point[:i], point[i] + side * h, *point[i + 1 :]) for side in (1, -1))
            ahead, behind = (central_difference(f, at, rest, h) for at in (up, down))
            return (ahead - behind) / (up[i] - down[i])
    return f(*point)


def unit(name, row, g):
    """Size of a greek away from its roots, the floor of its relative error."""
    S, _, T, s, r, y = row
    x, _ = spread(row)
    density, time = g.gamma * S * x, 1 / T + abs(r - y) / x
    spot, strike = legs(row)
    return {
        "theta": s * s * S * S * g.gamma / 2 + abs(r) * strike + abs(y) * spot,
        "vanna": density / s,
        "charm": abs(y) + density * time,
        "vomma": g.vega / s,
        "speed": g.gamma / (S * x),
        "zomma": g.gamma / s,
        "color": g.gamma * time,
    }.get(name, 0.0)


@slow
@given(contracts, st.booleans())
def test_greeks_are_derivatives_of_the_price(row, is_call):
    g = greeks(row, is_call)
    w = 1 if is_call else -1
    # truncation is 1e-60 / (T x)^2 at most; three differences cost 90 of the 130 digits
    with mpmath.workdps(130):
        S, K, T, s, r, y = map(mpmath.mpf, row)
        for name, (orders, sign) in ORDERS.items():
            want = sign * central_difference(
                lambda *at: oracle_price(*at, K, y, w), (S, s, T, r), orders, mpmath.mpf("1e-30")
            )
            error = abs(mpmath.mpf(g[name]) - want)
            assert error <= 1e-12 * max(abs(want), 0.01 * unit(name, row, g)), name


def intrinsic_limits(row, is_call):
    """All greeks as s sqrt T -> 0 off the money: a discounted forward, or nothing."""
    S, K, T, _, r, y = row
    w = 1 if is_call else -1
    spot, strike = legs(row)
    limit = dict.fromkeys(GREEKS, 0.0)
    # S e^-yT against K e^-rT, as logarithms so that equal rates cancel
    if w * (math.log(S / K) + (r - y) * T) > 0:
        limit |= {"price": w * (spot - strike), "delta": w * spot / S}
        limit |= {"theta": w * (y * spot - r * strike), "rho": w * T * strike}
        limit |= {"charm": w * y * spot / S}
    return limit


ZERO_WIDTH = [(0.0, 0.2), (1.0, 0.0), (0.0, 0.0), (5e-324, 0.2), (1e-300, 0.2), (1e-14, 0.2)]
ZERO_WIDTH += [(1.0, 1e-300), (1.0, 1e-9)]


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(("T", "s"), ZERO_WIDTH)
@pytest.mark.parametrize("K", [50.0, 90.0, 110.0, 200.0])
def test_limits_of_zero_time_and_zero_vol(K, T, s, is_call):
    row = (100.0, K, T, s, 0.05, 0.02)
    g, limit = greeks(row, is_call), intrinsic_limits(row, is_call)
    for name in GREEKS:
        assert abs(g[name] - limit[name]) <= 16 * EPS * abs(limit[name]), name


@fast
@given(contracts, st.booleans(), off_the_money, st.sampled_from([(1e-12, 1.0), (1.0, 1e-6)]))
def test_small_time_or_vol_is_near_the_limit(row, is_call, moneyness, shrink):
    S, _, T, s, r, y = row
    T, s = T * shrink[0], s * shrink[1]
    row = (S, S * math.exp((r - y) * T) / moneyness, T, s, r, y)
    g, limit = greeks(row, is_call), intrinsic_limits(row, is_call)
    spot, strike = legs(row)
    # |d| is above 1000 in every such row: only the roundings of the two legs are left
    assert abs(g.price - limit["price"]) <= 8 * EPS * (spot + strike)
    assert abs(g.delta - limit["delta"]) <= 8 * EPS
    assert (g.gamma, g.vega) == (0.0, 0.0)


@pytest.mark.parametrize(("T", "s"), [(0.0, 0.2), (1.0, 0.0), (0.0, 0.0)])
@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("rate", [0.0, 0.03])
def test_exactly_at_the_money_without_width(T, s, is_call, rate):
    g = greeks((100.0, 100.0, T, s, rate, rate), is_call)
    w = 1 if is_call else -1
    assert abs(g.price) <= 4 * EPS * 100.0
    assert g.delta == pytest.approx(w * math.exp(-rate * T) / 2, rel=4 * EPS, abs=0)
    assert math.isnan(g.gamma)


@fast
@given(contracts)
def test_spot_to_zero_and_to_infinity(row):
    _, K, *rest = row
    y_discount = math.exp(-row[5] * row[2])
    low, high = (K * 1e-120, K, *rest), (K * 1e120, K, *rest)
    # s sqrt T <= 2.6, so |d| > 100 and every wing is below the smallest double
    for gone in (greeks(low, True), greeks(high, False)):
        assert [gone[name] for name in GREEKS] == [0.0] * len(GREEKS)
    put, call = greeks(low, False), greeks(high, True)
    assert put.price == pytest.approx(legs(low)[1], rel=8 * EPS, abs=0)
    assert put.delta == pytest.approx(-y_discount, rel=8 * EPS, abs=0)
    assert call.price == pytest.approx(legs(high)[0], rel=8 * EPS, abs=0)
    assert call.delta == pytest.approx(y_discount, rel=8 * EPS, abs=0)
    assert put.gamma == call.gamma == 0.0


NOT_NUMBERS = [math.nan, math.inf, -math.inf]
BAD = [(column, value) for column in range(6) for value in NOT_NUMBERS]
BAD += [(0, 0.0), (0, -0.0), (0, -1.0), (1, 0.0), (1, -1.0), (2, -1e-9), (3, -0.2)]


@fast
@given(st.lists(contracts, min_size=1, max_size=20), st.data())
def test_bad_row_is_nan_and_leaves_the_others_alone(rows, data):
    column, value = data.draw(st.sampled_from(BAD))
    where = data.draw(st.integers(0, len(rows)))
    spoiled = list(data.draw(st.sampled_from(rows)))
    spoiled[column] = value
    types = np.arange(len(rows) + 1) % 3 == 0
    good = [np.array(values) for values in zip(*rows, strict=True)]
    mixed = [np.insert(values, where, bad) for values, bad in zip(good, spoiled, strict=True)]
    clean = bsm.greeks(*good, np.delete(types, where), which=GREEKS)
    g = bsm.greeks(*mixed, types, which=GREEKS)
    for name in GREEKS:
        assert math.isnan(g[name][where]), name
        others = np.delete(g[name], where)
        assert np.array_equal(others.view(np.int64), clean[name].view(np.int64)), name
    assert all(math.isnan(v) for v in greeks(tuple(spoiled), True).to_dict().values())


def test_at_the_money_gamma_and_vega_are_right_to_a_few_ulp():
    """Nothing but the root of T and one exponential of a small number: neither may lose a digit."""
    rng = np.random.default_rng(8)
    years = np.concatenate([rng.uniform(1.0, 4.0, 4000), 10.0 ** rng.uniform(-8, 2, 4000)])
    g = bsm.greeks(1.0, 1.0, years, 0.01, 0.0, 0.0, True, which=("gamma", "vega"))
    root = np.sqrt(years.astype(np.longdouble))
    width = np.longdouble(0.01) * root
    density = np.exp(-(width * width) / 8) / np.sqrt(2 * np.longdouble(math.pi))
    for found, exact in ((g.gamma, density / width), (g.vega, density * root)):
        assert np.abs(found / exact - 1).max() < 5 * EPS
