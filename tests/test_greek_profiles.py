"""Sums of greeks over spots in the core, against sums with 40 digits."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
import pytest
from gexcore import _core, bsm, cpu
from gexcore.errors import InputError
from mpmath import mpf
from test_dispatch import EPS, on, reach, same, terms

GREEKS = ("delta", "gamma", "vega", "vanna", "charm", "vomma", "speed", "zomma", "color")
MINUTE = 1 / 525_600


def bits(greeks):
    return sum(1 << bsm.GREEKS.index(name) for name in greeks)


def swept(columns, spots, which=GREEKS, threads=None):
    """Sums by name."""
    profile = _core.GreekProfile(*columns, bits(which), threads=threads)
    rows = profile.evaluate(np.asarray(spots, dtype=float), threads=threads)
    return dict(zip([name for name in bsm.GREEKS if name in which], rows, strict=True))


def book(rows, seed=1, shortest=MINUTE, widest=2.0):
    """Contracts around 100: minutes to three years, vols of 1% to 500%, both signs."""
    rng = np.random.default_rng(seed)
    time = np.exp(rng.uniform(math.log(shortest), math.log(3), rows))
    vol = np.exp(rng.uniform(math.log(0.01), math.log(5), rows))
    strike = 100 * np.exp(rng.normal(0, widest, rows) * vol * np.sqrt(time))
    weight = rng.normal(0, 1, rows) * np.exp(rng.uniform(0, 5, rows))
    weight[rng.random(rows) < 0.1] = 0.0
    rate, held = rng.uniform(-0.02, 0.08, rows), rng.uniform(-0.02, 0.05, rows)
    return strike, time, vol, rate, held, rng.random(rows) < 0.5, weight


def each(s, k, t, v, r, y, call):
    """Greeks of one contract, as docs/definitions.md has them."""
    w, width, carry = (1 if call else -1), v * mpmath.sqrt(t), r - y
    d1 = (mpmath.log(s / k) + (carry + v * v / 2) * t) / width
    d2 = d1 - width
    discount = mpmath.exp(-y * t)
    density = discount * mpmath.npdf(d1)
    gamma = density / (s * width)
    vega = s * density * mpmath.sqrt(t)
    drift = (2 * carry * t - d2 * width) / (2 * t * width)
    delta = w * discount * mpmath.ncdf(w * d1)
    return {
        "delta": delta,
        "gamma": gamma,
        "vega": vega,
        "vanna": -density * d2 / v,
        "charm": y * delta - density * drift,
        "vomma": vega * d1 * d2 / v,
        "speed": -gamma / s * (d1 / width + 1),
        "zomma": gamma * (d1 * d2 - 1) / v,
        "color": gamma * (y + 1 / (2 * t) + d1 * drift),
    }


def exact(columns, spots):
    """The sums with 40 digits, rounded at the end."""
    out = {name: [] for name in GREEKS}
    with mpmath.workdps(40):
        rows = [[*map(mpf, row[:5]), row[5], mpf(row[6])] for row in zip(*columns, strict=True)]
        rows = [row for row in rows if row[6] != 0]
        for spot in spots:
            greeks = [(row[6], each(mpf(spot), *row[:6])) for row in rows]
            for name in GREEKS:
                out[name].append(float(mpmath.fsum(w * g[name] for w, g in greeks)))
    return {name: np.array(sums) for name, sums in out.items()}


def assert_close(found, want, allowed=1e-12):
    for name in GREEKS:
        error = np.abs(found[name] - want[name]).max() / np.abs(want[name]).max()
        assert error <= allowed, (name, error)


GRIDS = {
    "geometric": 100 * np.exp(np.arange(-37, 38) * 0.006),
    "coarse": 100 * np.exp(np.arange(-8, 9) * 0.05),
    "fine": 100 * np.exp(np.arange(-20, 21) * 0.0005),
    "linear": np.linspace(70.0, 130.0, 25),
    "single": np.array([100.0]),
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_sums_have_twelve_digits_of_the_maximum(grid, seed):
    columns, spots = book(45, seed), GRIDS[grid]
    width = (columns[2] * np.sqrt(columns[1]))[columns[6] != 0]
    if len(spots) > 1:  # recurrence and direct evaluation both take part on a geometric grid
        assert width.min() < np.log(spots[1] / spots[0]) < width.max()
    assert_close(swept(columns, spots), exact(columns, spots))


def test_a_contract_of_a_minute_around_its_strike():
    """1.4e-5 wide: a rounding of ln S would cost four digits."""
    columns = [np.array([x]) for x in (97.3, MINUTE, 0.01, 0.03, 0.01, True, 1000.0)]
    for step in (4e-6, 1e-5, 1e-3):
        spots = 97.3 * np.exp((np.arange(-20, 21) + 0.3) * step)
        assert_close(swept(columns, spots), exact(columns, spots))


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("spread", [0.0, 1e-9])
def test_far_from_every_strike_digits_are_those_of_what_is_left(call, spread):
    """10 to 13 widths away all is below 1e-20, and still right."""
    side = -1 if call else 1
    time, vol, rate = (np.full(3, x) for x in (0.04, 0.25, 0.02))
    strike, weight = np.array([99.0, 100.0, 100.5]), np.array([1.0, -0.5, 2.0])
    columns = strike, time, vol, rate, rate / 2, np.full(3, call), weight
    spots = 100 * np.exp(side * (0.5 + np.arange(41) * 0.004)) * (1 + spread * np.arange(41) ** 2)
    want = exact(columns, np.sort(spots))
    assert np.abs(want["delta"]).max() < 1e-20
    assert_close(swept(columns, np.sort(spots)), want)


@pytest.mark.parametrize("step", [0.0021, 0.03])
def test_long_profiles_of_large_books_are_the_sums_of_bsm(step):
    columns, spots = book(3001, 3, shortest=0.001), 100 * np.exp(np.arange(-300, 301) * step / 6)
    found, (*contracts, weight) = swept(columns, spots), columns
    for j in range(0, len(spots), 30):
        greeks = bsm.greeks(spots[j], *contracts, which=GREEKS)
        for name in GREEKS:
            terms = weight * greeks[name]
            limit = 1e-12 * max(np.abs(found[name]).max(), np.abs(terms).sum())
            assert abs(found[name][j] - math.fsum(terms)) <= limit, name


def test_spots_in_any_order():
    columns, spots = book(100, 4), GRIDS["geometric"]
    order = np.random.default_rng(4).permutation(len(spots))
    shuffled, ascending = swept(columns, spots[order]), swept(columns, spots)
    falling = swept(columns, spots[::-1])
    for name in GREEKS:
        limit = 1e-12 * np.abs(ascending[name]).max()
        np.testing.assert_allclose(shuffled[name], ascending[name][order], rtol=0, atol=limit)
        np.testing.assert_allclose(falling[name], ascending[name][::-1], rtol=0, atol=limit)


def shapes():
    """Results of every path: both kinds of grid, several tiles of spots, blocks cut short."""
    geometric, linear = 100 * np.exp(np.arange(-150, 151) * 0.004), np.linspace(60.0, 150.0, 45)
    parts = [swept(book(3001, 5), spots) for spots in (geometric, linear, linear[:1])]
    parts += [swept(book(n, 6), geometric[:n]) for n in range(41)]
    return np.concatenate([np.concatenate(list(part.values())) for part in parts])


def test_fma_variants_agree_to_the_bit():
    left, right = (on(name, shapes) for name in ("x86_v3", "x86_v4"))
    assert np.count_nonzero(left) > left.size / 2
    assert same(left, right)


def test_the_baseline_agrees_within_a_few_roundings():
    columns, spots = book(2000, 7, shortest=0.01), np.linspace(60.0, 150.0, 45)
    base, best = (on(name, lambda: swept(columns, spots)) for name in ("baseline", "x86_v3"))
    *contracts, weight = columns
    for j, spot in enumerate(spots):
        row = (np.full(weight.size, spot), *contracts)
        greeks = bsm.greeks(*row, which=bsm.GREEKS)
        _, D, d = reach(row)
        for name in GREEKS:
            # a rounding in d1 moves a bell by D (1 + d) eps; up to 66 + 3 additions of a sum
            gross = np.abs(weight) * terms(name, greeks, row)
            allowed = EPS * np.sum(gross * (70 + 8 * D * (1 + d)))
            assert abs(base[name][j] - best[name][j]) <= allowed, name


def test_threads_do_not_change_a_bit():
    columns, spots = book(20_011, 8), np.linspace(70.0, 140.0, 21)
    for grid in (spots, GRIDS["geometric"]):
        one = swept(columns, grid, threads=1)
        for threads in (2, 3):
            other = swept(columns, grid, threads=threads)
            assert all(same(one[name], other[name]) for name in GREEKS)


@pytest.mark.parametrize("isa", cpu.available())
def test_any_set_of_greeks_gives_the_bits_of_all(isa):
    columns = book(700, 9)

    def work():
        for grid in ("geometric", "coarse", "linear"):
            full = swept(columns, GRIDS[grid])
            for which in itertools.chain([(g,) for g in GREEKS], itertools.combinations(GREEKS, 3)):
                some = swept(columns, GRIDS[grid], which)
                assert all(same(some[name], full[name]) for name in which), which

    on(isa, work)


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 500, 512, 513])
def test_rows_of_weight_zero_are_nothing_whatever_they_hold(rows):
    columns, bad = book(rows, 10), [math.nan, math.inf, -1.0, 0.0, 1e308, 1e-308]
    rng = np.random.default_rng(rows)
    rubbish = [rng.choice(bad, 70) for _ in range(5)]
    more = [np.append(c, r) for c, r in zip(columns[:5], rubbish, strict=True)]
    more += [np.append(columns[5], rng.random(70) < 0.5), np.append(columns[6], np.zeros(70))]
    for spots in (GRIDS["geometric"], GRIDS["linear"]):
        clean, dirty = swept(columns, spots), swept(more, spots)
        assert all(same(clean[name], dirty[name]) for name in GREEKS)


POSITIVE, FINITE = (math.nan, 0.0, -1.0), (math.nan, math.inf)


@pytest.mark.parametrize("grid", ["geometric", "linear"])
@pytest.mark.parametrize(
    ("column", "values"),
    [(0, POSITIVE), (1, POSITIVE), (2, POSITIVE), (3, FINITE), (4, FINITE), (6, FINITE)],
)
def test_a_bad_row_with_weight_makes_every_sum_nan(column, values, grid):
    for value in values:
        columns = [np.array(c) for c in book(100, 11)]
        columns[6][40] = 1.0
        columns[column][40] = value
        for name, sums in swept(columns, GRIDS[grid]).items():
            assert np.isnan(sums).all(), (name, value)
        alone = swept([c[40:41] for c in columns], GRIDS[grid], ("gamma",))
        assert np.isnan(alone["gamma"]).all(), value


def test_empty_books_and_no_spots():
    nothing = [np.array([], dtype=c.dtype) for c in book(3)]
    for sums in swept(nothing, GRIDS["linear"]).values():
        assert not sums.any()
        assert sums.shape == (25,)
    assert all(sums.shape == (0,) for sums in swept(book(3), []).values())


@pytest.mark.parametrize("which", [0, bits(["price"]), bits(["gamma", "theta"]), 1 << 12])
def test_greeks_without_a_profile_are_refused(which):
    with pytest.raises(InputError, match=r"^which: .*Hint: "):
        _core.GreekProfile(*book(3), which)
