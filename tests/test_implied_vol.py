"""bsm.implied_vol: against exact roots, as the inverse of the price, statuses, and the border."""

from __future__ import annotations

import csv
import functools
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from gexcore import bsm, cpu
from gexcore.errors import InputError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

REFERENCE = Path(__file__).parent / "reference"
VARIANTS = ("x86_v4", "x86_v3", "baseline")
NUMBERS = ("price", "spot", "strike", "time_to_expiry", "rate", "dividend_yield")
COLUMNS = (*NUMBERS, "is_call")
EPS = np.finfo(float).eps
LIMIT = 5e-13  # times max(1, condition), relative
SOLVED, BELOW, ABOVE, BAD = range(4)
fast = settings(deadline=None, max_examples=300)

ONE = dict(zip(COLUMNS, (4.0, 100.0, 105.0, 0.5, 0.04, 0.01, True), strict=True))


@functools.cache
def table():
    """Columns by header name, each value rounded once to float64."""
    with (REFERENCE / "implied_vols.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}
    columns["is_call"] = columns["is_call"] == 1
    return columns


def solve(columns, **options):
    """(vols, statuses) of a mapping of columns; other entries than COLUMNS are left out."""
    return bsm.implied_vol(*(columns[name] for name in COLUMNS), return_status=True, **options)


def on(name, work):
    """What `work` gives on one variant; a processor without it skips the test."""
    if name not in cpu.available():
        pytest.skip(f"this processor has no {name}")
    before = cpu.active()
    try:
        cpu.use(name)
        return work()
    finally:
        cpu.use(before)


def bits(values):
    """Doubles as integers, every NaN as one."""
    values = np.asarray(values, dtype=float)
    return np.where(np.isnan(values), np.nan, values).view(np.uint64).tolist()


def wild(n=3000, seed=7):
    """Prices from nothing to the maximum of every kind of contract, one in 20 spoiled."""
    rng = np.random.default_rng(seed)
    spot = np.exp(rng.uniform(-10, 10, n))
    time = np.exp(rng.uniform(math.log(2e-6), math.log(30), n))
    rate, carry = rng.uniform(-0.05, 0.1, (2, n))
    strike = spot * np.exp(rng.uniform(-1, 1, n) * np.exp(rng.uniform(-9, 1.5, n)))
    price = np.minimum(spot, strike) * np.exp(rng.uniform(-400, 1, n) ** 3 / 400**2)
    columns = [price, spot, strike, time, rate, carry]
    for i in rng.choice(n, n // 20, replace=False):
        columns[rng.integers(6)][i] = rng.choice([math.nan, math.inf, -math.inf, -1.0, 0.0, 1e300])
    return dict(zip(COLUMNS, (*columns, rng.random(n) < 0.5), strict=True))


# ---------------------------------------------------------- the exact roots


@pytest.mark.parametrize("isa", [None, *VARIANTS])
def test_error_against_the_exact_roots(isa):
    t = table()
    vol, status = solve(t) if isa is None else on(isa, lambda: solve(t))
    want = t["implied_vol"]
    share = np.abs(vol - want) / want / (LIMIT * np.maximum(1, t["condition"]))
    share = np.where(np.isnan(share), np.inf, share)
    worst = int(np.argmax(share))
    row = {key: t[key][worst].item() for key in t}
    assert not status.any()
    assert share[worst] <= 1, (
        f"{np.count_nonzero(share > 1)} rows fail; worst {worst}: {row}, got {vol[worst]!r}"
    )


def test_table_covers_what_it_promises():
    t = table()
    width = t["implied_vol"] * np.sqrt(t["time_to_expiry"])
    relative = t["price"] / t["spot"]
    assert width.min() < 2e-5 and width.max() > 12
    assert t["implied_vol"].min() < 0.011 and t["implied_vol"].max() > 9.9
    assert t["time_to_expiry"].min() < 4e-6 and t["time_to_expiry"].max() > 29
    assert relative.min() < 1e-190 and np.count_nonzero(relative < 1e-100) > 30
    assert np.count_nonzero((t["spot"] == t["strike"]) & (t["rate"] == t["dividend_yield"])) >= 60
    assert t["condition"].max() > 1e9 and t["condition"].min() < 2e-3
    assert 0.4 < t["is_call"].mean() < 0.6


def test_table_is_what_the_script_writes(monkeypatch):
    monkeypatch.syspath_prepend(str(REFERENCE))
    path = REFERENCE / "make_implied_vols.py"
    spec = importlib.util.spec_from_file_location("make_implied_vols", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.table()
    with (REFERENCE / "implied_vols.csv").open(newline="") as file:
        header, *written = csv.reader(file)
    assert tuple(header) == script.HEADER
    assert len(written) == len(made)
    for i in range(0, len(made), 37):
        assert written[i] == script.line(made[i]), f"row {i}"


# ---------------------------------------------------------------- same bits


@pytest.mark.parametrize("columns", [wild(), table()], ids=["wild", "table"])
def test_avx2_and_avx512_give_the_same_bits(columns):
    (a, status_a), (b, status_b) = (on(isa, lambda: solve(columns)) for isa in VARIANTS[:2])
    assert bits(a) == bits(b)
    assert np.array_equal(status_a, status_b)


@pytest.mark.parametrize("n", [1, 511, 513, 5000])
def test_threads_and_neighbours_change_no_bit(n):
    columns = wild(n)
    vol, status = solve(columns, threads=1)
    again, same = solve(columns, threads=2)
    assert bits(vol) == bits(again) and np.array_equal(status, same)
    for i in range(0, n, 37):
        one, code = solve({name: values[i].item() for name, values in columns.items()})
        assert (bits(one), code) == (bits(vol[i]), status[i])


def test_baseline_solves_the_same_rows():
    columns = wild()
    vol, status = solve(columns)
    other, codes = on("baseline", lambda: solve(columns))
    # a time value within rounding of a bound may fall on either side of it
    assert np.count_nonzero(status != codes) <= 3
    both = (status == SOLVED) & (codes == SOLVED)
    assert np.median(np.abs(other[both] / vol[both] - 1)) < 4 * EPS


# -------------------------------------------------------------- round trips


def between(low, high):
    return st.floats(low, high, allow_nan=False)


def contract(S, T, s, r, y, z, is_call):
    """A row whose strike is z standard deviations from the forward."""
    return S, S * math.exp((r - y) * T + z * s * math.sqrt(T)), T, s, r, y, is_call


contracts = st.builds(
    contract,
    between(0.01, 1e5),
    between(2e-6, 30.0),
    between(0.01, 4.0),
    between(-0.02, 0.08),
    between(-0.02, 0.08),
    between(-8.0, 8.0),
    st.booleans(),
)


def priced(row):
    """Price, condition, and the roundings of a price in ulps."""
    S, K, T, s, r, y, is_call = row
    g = bsm.greeks(*row, which=("price", "vega"))
    condition = g.price / (s * g.vega) if g.vega > 0 else math.inf
    x, log, carry = s * math.sqrt(T), math.log(S / K), (r - y) * T
    D = (abs(log) + abs(carry)) / x + x / 2  # a rounding in a term of d1 moves a tail by D d
    ulps = 1 + D * (1 + abs(log + carry) / x + x / 2)
    if (log + carry) * (1 if is_call else -1) > -1e-12:  # intrinsic value: two discount factors
        ulps += (abs(r) + abs(y)) * T * max(S, K) / max(g.price, 1e-290)
    return g.price, condition, ulps


@fast
@given(contracts)
def test_the_vol_of_a_price_is_the_vol_it_came_from(row):
    price, condition, ulps = priced(row)
    if price < 1e-250 or condition > 1e9:
        return
    S, K, T, s, r, y, is_call = row
    vol = bsm.implied_vol(price, S, K, T, r, y, is_call)
    assert abs(vol - s) <= 8 * EPS * s * (1 + condition * ulps)


@fast
@given(contracts, between(0.9, 1.1))
@example((229.0, 1.0967601500134194e16, 9.0, 2.0, 0.0, 0.0, False), 1.0)  # time value: one ulp
def test_the_price_of_a_vol_is_the_price_it_came_from(row, factor):
    S, K, T, _, r, y, is_call = row
    price = priced(row)[0] * factor
    vol, status = bsm.implied_vol(price, S, K, T, r, y, is_call, return_status=True)
    if status != SOLVED or price < 1e-250:
        return
    back, condition, ulps = priced((S, K, T, vol, r, y, is_call))
    if condition > 1e9:  # the vol is a matter of rounding, the price is not: tested below
        assert back == pytest.approx(price, rel=64 * EPS)
        return
    assert abs(back - price) <= 8 * EPS * price * (ulps + 1 / condition)


@fast
@given(contracts)
def test_black_76_through_forward_and_yield(row):
    S, _, T, s, r, y, is_call = row
    F = S * math.exp((r - y) * T)
    K = row[1]
    price, condition, ulps = priced((F, K, T, s, r, r, is_call))
    if price < 1e-250 or condition > 1e9:
        return
    vol = bsm.implied_vol(price, F, K, T, r, r, is_call)
    assert vol == pytest.approx(s, rel=8 * EPS * (1 + condition * ulps))
    undiscounted = bsm.implied_vol(price * math.exp(r * T), F, K, T, 0.0, 0.0, is_call)
    assert undiscounted == pytest.approx(vol, rel=32 * EPS * max(1, condition))


@fast
@given(contracts)
def test_a_call_on_spot_is_a_put_on_the_strike(row):
    S, K, T, _, r, y, is_call = row
    price, condition, ulps = priced(row)
    vol, status = bsm.implied_vol(price, S, K, T, r, y, is_call, return_status=True)
    if status != SOLVED or condition > 1e9:
        return
    swapped = bsm.implied_vol(price, K, S, T, y, r, not is_call)
    assert swapped == pytest.approx(vol, rel=8 * EPS * max(1, condition * ulps))


@fast
@given(contracts, st.integers(-60, 60))
def test_powers_of_two_scale_bit_for_bit(row, power):
    S, K, T, _, r, y, is_call = row
    price, scale = priced(row)[0], 2.0**power
    if price < 1e-250:
        return
    plain = solve(dict(zip(COLUMNS, (price, S, K, T, r, y, is_call), strict=True)))
    moved = (price * scale, S * scale, K * scale, T, r, y, is_call)
    scaled = solve(dict(zip(COLUMNS, moved, strict=True)))
    assert bits(plain) == bits(scaled)


@settings(deadline=None, max_examples=60)
@given(contracts)
def test_vols_rise_with_prices(row):
    S, K, T, _, r, y, _ = row
    legs = S * math.exp(-y * T), K * math.exp(-r * T)
    low = 1e-200 if abs(legs[0] / legs[1] - 1) > 1e-9 else 1e-9  # intrinsic value is 0 but for ulps
    share = np.concatenate((np.geomspace(low, 0.4, 400), 1 - np.geomspace(0.4, 1e-9, 200)[1:]))
    vol, status = bsm.implied_vol(
        share * min(legs), S, K, T, r, y, legs[1] >= legs[0], return_status=True
    )
    assert not status.any() and (np.diff(vol) > 0).all()


# ----------------------------------------------------------------- statuses


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("strike", [60.0, 100.0, 170.0])
@pytest.mark.parametrize(("rate", "carry"), [(0.0, 0.0), (0.05, 0.01), (-0.01, 0.08)])
def test_prices_at_and_beyond_the_bounds(strike, is_call, rate, carry):
    legs = 100.0 * math.exp(-carry * 2.0), strike * math.exp(-rate * 2.0)
    inner = max((legs[0] - legs[1]) * (1 if is_call else -1), 0.0)
    most, ulp = legs[0 if is_call else 1], 4 * math.ulp(max(legs))
    low = [inner - ulp, inner * 0.9, 0.0, -0.0, -1.0, -1e200]
    high = [most + ulp, most * 1.1, 1e200]
    inside = [inner + 64 * ulp, (inner + most) / 2, most - 64 * ulp]
    prices = np.array(low + high + inside)
    vol, status = bsm.implied_vol(
        prices, 100.0, strike, 2.0, rate, carry, is_call, return_status=True
    )
    want = [BELOW] * len(low) + [ABOVE] * len(high) + [SOLVED] * len(inside)
    assert status.tolist() == want
    assert np.array_equal(np.isnan(vol), status != SOLVED)
    assert (np.diff(vol[-3:]) > 0).all()


def test_exact_bounds_without_rates():
    def codes(prices, strike, is_call):
        return bsm.implied_vol(prices, 100.0, strike, 1.0, 0.0, 0.0, is_call, return_status=True)[1]

    for strike, is_call in ((120.0, True), (80.0, True), (80.0, False), (120.0, False)):
        inner = max((100.0 - strike) * (1 if is_call else -1), 0.0)
        most = 100.0 if is_call else strike
        assert codes(np.array([inner, most]), strike, is_call).tolist() == [BELOW, ABOVE]
        near = np.array([np.nextafter(inner, 1e9), np.nextafter(most, 0.0)])
        assert codes(near, strike, is_call)[1] == SOLVED
        assert codes(near, strike, is_call)[0] == (SOLVED if inner else BELOW)  # 5e-324


BAD_VALUES = {
    "price": (math.nan, math.inf, -math.inf),
    "spot": (math.nan, math.inf, 0.0, -100.0),
    "strike": (math.nan, math.inf, -math.inf, 0.0, -5.0, 1e-300),
    "time_to_expiry": (math.nan, math.inf, -math.inf, 0.0, -0.0, -0.5),
    "rate": (math.nan, math.inf, -math.inf, 1e6),
    "dividend_yield": (math.nan, math.inf, -math.inf, -1e6),
}


@pytest.mark.parametrize("column", BAD_VALUES)
def test_a_bad_row_is_not_a_number_and_leaves_the_others(column):
    t = {name: table()[name][:40].copy() for name in COLUMNS}
    before = solve(t)[0]
    places = range(3, 3 + 5 * len(BAD_VALUES[column]), 5)
    for i, value in zip(places, BAD_VALUES[column], strict=True):
        t[column][i] = value
    vol, status = solve(t)
    hit = np.zeros(40, dtype=bool)
    hit[list(places)] = True
    assert np.isnan(vol[hit]).all() and (status[hit] == BAD).all()
    assert bits(vol[~hit]) == bits(before[~hit]) and not status[~hit].any()


doubles = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True, width=64)
sane = st.floats(1e-6, 1e6) | st.floats(1e-300, 1e300) | st.floats(-1.0, 1.0)


@settings(deadline=None, max_examples=500)
@given(hnp.arrays(float, (6, 9), elements=doubles | sane), hnp.arrays(bool, 9))
# the square root of e^-|ln F/K| times such a price underflows
@example(np.outer([3.7e-246, 9e206, 3.2e-27, 1e-3, 46.0, 0.04], np.ones(9)), np.zeros(9, bool))
@example(np.outer([5e-195, 10.0, 30.0, 0.13, 0.03, 0.02], np.ones(9)), np.ones(9, bool))
def test_no_double_raises_and_every_row_has_a_reason(numbers, is_call):
    vol, status = solve(dict(zip(COLUMNS, (*numbers, is_call), strict=True)))
    assert vol.shape == status.shape == (9,)
    assert set(status.tolist()) <= {SOLVED, BELOW, ABOVE, BAD}
    assert np.array_equal(status != SOLVED, np.isnan(vol))
    assert (vol[status == SOLVED] > 0).all() and not np.isinf(vol).any()
    assert (status[~np.isfinite(numbers).all(axis=0)] == BAD).all()


# ------------------------------------------------------------------- border


def test_numbers_give_a_float():
    vol, status = solve(ONE)
    assert type(vol) is float and status == SOLVED and bsm.VOL_STATUS[status] == "solved"
    assert bsm.implied_vol(**ONE) == vol
    S, K, T, r, y, is_call = list(ONE.values())[1:]
    assert bsm.greeks(S, K, T, vol, r, y, is_call).price == pytest.approx(4.0, rel=4 * EPS)
    assert math.isnan(bsm.implied_vol(**(ONE | {"price": -1.0})))


@pytest.mark.parametrize("column", COLUMNS)
def test_one_array_is_enough(column):
    vol, status = solve(ONE | {column: np.array([ONE[column]] * 3)})
    assert (vol.shape, vol.dtype, status.shape, status.dtype) == ((3,), float, (3,), np.uint8)
    assert bits(vol) == bits([bsm.implied_vol(**ONE)] * 3)


def test_empty_columns_and_defaults():
    vol, status = solve(ONE | {"price": np.array([])})
    assert vol.shape == status.shape == (0,)
    short = bsm.implied_vol([4.0], 100.0, 105.0, 0.5)
    assert short.tolist() == [bsm.implied_vol(4.0, 100.0, 105.0, 0.5, 0.0, 0.0, True)]


REFUSED = {
    "bool": np.ones(4, bool),
    "text": np.array(["4.0"] * 4),
    "complex": np.ones(4, complex),
    "2-D": np.ones((4, 1)),
    "length": np.ones(5),
    "masked": np.ma.masked_array(np.ones(4), mask=[1, 0, 0, 0]),
    "None": None,
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("column", NUMBERS)
def test_refusals_name_the_column(column, kind):
    columns = {name: np.array([value] * 4) for name, value in ONE.items()}
    with pytest.raises(InputError, match=rf"\b{column}\b.*\. Hint: "):
        bsm.implied_vol(**(columns | {column: REFUSED[kind]}))


@pytest.mark.parametrize("bad", [np.ones(4), np.array(["C"] * 4), np.ones(5, bool), 1.0])
def test_is_call_must_be_boolean(bad):
    columns = {name: np.array([value] * 4) for name, value in ONE.items()}
    with pytest.raises(InputError, match="is_call"):
        bsm.implied_vol(**(columns | {"is_call": bad}))
