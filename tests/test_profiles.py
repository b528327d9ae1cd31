"""Profiles of every exposure against re-pricing in a loop, contract by contract."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core, bsm
from gexcore.errors import ConventionError, GexError, InputError, MismatchError, NotComputedError
from gexcore.units import EXPOSURES
from hypothesis import given, settings
from hypothesis import strategies as st

NAN = float("nan")
SPOTS = np.array([60.0, 92.5, 99.9, 100.0, 100.1, 113.0, 180.0])

# The unit formulas of docs/definitions.md, section 4, from sums of q M greek.
FORMULAS = {
    "gamma": lambda s, g: g["gamma"] * s * s / 100,
    "delta": lambda s, g: g["delta"] * s,
    "vanna": lambda s, g: 0.01 * g["vanna"] * s,
    "charm": lambda s, g: g["charm"] / 365 * s,
    "vega": lambda s, g: 0.01 * g["vega"],
    "speed": lambda s, g: 1e-4 * s * s * (s * g["speed"] + 2 * g["gamma"]),
    "zomma": lambda s, g: 0.01 * s * s / 100 * g["zomma"],
    "color": lambda s, g: s * s / 100 * g["color"] / 365,
}
NEEDED = ("gamma", "delta", "vanna", "charm", "vega", "speed", "zomma", "color")


def random_chain(seed: int, rows: int = 40, flat: bool = True) -> gex.Chain:
    """Some rows cannot be used: expired, without vol, with numbers that cannot be."""
    rng = np.random.default_rng(seed)
    odd = rng.random(rows) < 0.2
    vol = np.where(odd, rng.choice([0.0, NAN, -0.1, np.inf], rows), rng.uniform(0.1, 0.6, rows))
    years = rng.uniform(0.003, 1.5, rows)
    years[rng.random(rows) < 0.1] = rng.choice([0.0, -0.1, NAN])
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=np.where(rng.random(rows) < 0.05, NAN, rng.uniform(70, 140, rows)),
        is_call=rng.random(rows) < 0.5,
        implied_vol=vol,
        open_interest=rng.integers(0, 900, rows).astype(float),
        time_to_expiry=years,
        multiplier=rng.choice([10.0, 100.0], rows),
        rate=0.05 if flat else rng.uniform(-0.02, 0.08, rows),
        dividend_yield=0.015 if flat else rng.uniform(0.0, 0.04, rows),
    )


def looped(chain: gex.Chain, contracts: Any, spot: float) -> dict[str, tuple[float, float]]:
    """Exposure and gross at a spot: one contract after the other, one number at a time."""
    sums = dict.fromkeys(NEEDED, 0.0)
    gross = dict.fromkeys(EXPOSURES, 0.0)
    rate = np.broadcast_to(chain.rate, len(chain))
    held = np.broadcast_to(chain.dividend_yield, len(chain))
    for i in range(len(chain)):
        known = chain.strike[i] > 0 and 0 < chain.implied_vol[i] < np.inf
        if not (known and chain.time_to_expiry[i] > 0 and contracts[i]):
            continue
        each = bsm.greeks(
            spot, float(chain.strike[i]), float(chain.time_to_expiry[i]),
            float(chain.implied_vol[i]), float(rate[i]), float(held[i]), bool(chain.is_call[i]),
            which=NEEDED,
        )  # fmt: skip
        weight = float(contracts[i] * chain.multiplier[i])
        scaled = {name: weight * each[name] for name in NEEDED}
        sums = {name: sums[name] + scaled[name] for name in NEEDED}
        for name in EXPOSURES:
            gross[name] += abs(FORMULAS[name](spot, scaled))
    return {name: (FORMULAS[name](spot, sums), gross[name]) for name in EXPOSURES}


def swept(chain: gex.Chain, contracts: Any = None, **more: Any) -> gex.Profile:
    if contracts is None:
        positions = gex.assign_positions(chain)
    else:
        positions = gex.assign_positions(chain, "contracts", contracts=contracts)
    return gex.sweep_profile(chain, positions, **{"spots": SPOTS, "which": EXPOSURES, **more})


def test_every_exposure_has_a_formula() -> None:
    assert set(FORMULAS) == set(EXPOSURES)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_profiles_are_re_priced_contract_by_contract(seed: int, flat: bool) -> None:
    chain = random_chain(seed, flat=flat)
    contracts = np.random.default_rng(seed).normal(0, 300, len(chain)).round()
    profile = swept(chain, contracts)
    for i, spot in enumerate(SPOTS):
        for name, (net, gross) in looped(chain, contracts, float(spot)).items():
            limit = 1e-11 * gross + 1e-300
            assert getattr(profile, name)[i] == pytest.approx(net, rel=1e-11, abs=limit)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_at_spot_a_profile_is_the_exposure(seed: int, flat: bool) -> None:
    chain = random_chain(seed, rows=600, flat=flat)
    positions = gex.assign_positions(chain)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain), positions)
    profile = gex.sweep_profile(chain, positions, spots=[100.0], which=EXPOSURES)
    for name in EXPOSURES:
        exposure = getattr(exposures, name)
        value = getattr(profile, name)[0]
        assert value == pytest.approx(exposure.net, abs=1e-12 * exposure.gross)
    assert profile.coverage.used == exposures.coverage.used


def test_gamma_is_the_slope_of_delta() -> None:
    chain, step = random_chain(4, flat=False), 1e-3
    spots = np.sort(np.concatenate([SPOTS - step, SPOTS, SPOTS + step]))
    profile = swept(chain, spots=spots)
    shares = profile.delta / spots  # $ of delta -> shares
    slope = (shares[2::3] - shares[0::3]) / (2 * step)
    in_shares = profile.gamma[1::3] / (SPOTS**2 / 100)
    np.testing.assert_allclose(slope, in_shares, rtol=1e-6, atol=1e-9 * np.abs(in_shares).max())


def test_speed_is_the_slope_of_gamma() -> None:
    chain, step = random_chain(5, flat=False), 1e-5
    spots = np.sort(np.concatenate([SPOTS * (1 - step), SPOTS, SPOTS * (1 + step)]))
    profile = swept(chain, spots=spots)
    # change of $ gamma per further +1% of spot
    slope = (profile.gamma[2::3] - profile.gamma[0::3]) / (2 * step) / 100
    limit = 1e-7 * np.abs(profile.speed).max()
    np.testing.assert_allclose(profile.speed[1::3], slope, rtol=1e-6, atol=limit)


def moved(chain: gex.Chain, vol: float = 0.0, days: float = 0.0) -> gex.Chain:
    same = ("spot", "strike", "is_call", "open_interest", "multiplier", "rate", "dividend_yield")
    return gex.Chain.from_arrays(
        **{name: getattr(chain, name) for name in same},
        implied_vol=chain.implied_vol + vol,
        time_to_expiry=chain.time_to_expiry - days / 365,
    )


def test_vols_and_days_move_delta_and_gamma_as_the_profiles_say() -> None:
    rng = np.random.default_rng(6)
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=rng.uniform(80, 125, 30), is_call=rng.random(30) < 0.5,
        implied_vol=rng.uniform(0.15, 0.5, 30), open_interest=rng.integers(1, 900, 30) * 1.0,
        time_to_expiry=rng.uniform(0.1, 1.0, 30), rate=0.04, dividend_yield=0.01,
    )  # fmt: skip
    profile, step = swept(chain), 1e-4
    up, down = swept(moved(chain, vol=step)), swept(moved(chain, vol=-step))
    point = 0.01 / (2 * step)  # per vol point
    for name, source in (("vanna", "delta"), ("zomma", "gamma")):
        slope = (getattr(up, source) - getattr(down, source)) * point
        limit = 1e-6 * np.abs(slope).max()
        np.testing.assert_allclose(getattr(profile, name), slope, rtol=1e-5, atol=limit)
    late, early = swept(moved(chain, days=0.01)), swept(moved(chain, days=-0.01))
    for name, source in (("charm", "delta"), ("color", "gamma")):
        slope = (getattr(late, source) - getattr(early, source)) / 0.02  # per day
        limit = 1e-6 * np.abs(slope).max()
        np.testing.assert_allclose(getattr(profile, name), slope, rtol=1e-5, atol=limit)


def test_threads_never_change_a_bit() -> None:
    chain = random_chain(7, rows=5000, flat=False)
    spots = np.linspace(70, 140, 37)
    first = swept(chain, spots=spots, threads=1)
    for threads in (2, 3, 8):
        other = swept(chain, spots=spots, threads=threads)
        for name in EXPOSURES:
            np.testing.assert_array_equal(getattr(other, name), getattr(first, name))


def test_the_company_of_a_profile_does_not_change_it() -> None:
    chain = random_chain(8)
    together = swept(chain)
    for name in EXPOSURES:
        alone = swept(chain, which=name)
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))
        assert set(alone.values) == {"gamma", name}


@pytest.mark.parametrize("column", ["strike", "implied_vol", "time_to_expiry", "open_interest"])
@pytest.mark.parametrize("value", [NAN, np.inf, -1.0, 0.0])
def test_rows_that_cannot_be_used_do_not_leak(column: str, value: float) -> None:
    good: dict[str, Any] = {
        "strike": np.array([90.0, 100.0, 110.0]), "implied_vol": np.array([0.3, 0.2, 0.25]),
        "time_to_expiry": np.array([0.1, 0.2, 0.3]), "open_interest": np.array([5.0, 6.0, 7.0]),
    }  # fmt: skip
    rest = {"spot": 100.0, "rate": 0.03}
    calls = np.array([True, False, True])
    bad = {name: np.append(numbers, numbers[0]) for name, numbers in good.items()}
    bad[column] = np.append(good[column], value)
    clean = gex.Chain.from_arrays(is_call=calls, **good, **rest)
    dirty = gex.Chain.from_arrays(is_call=np.append(calls, False), **bad, **rest)
    one, two = swept(clean), swept(dirty)
    assert two.coverage.used == 3
    for name in EXPOSURES:
        assert np.isfinite(getattr(two, name)).all()
        np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-13)


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_and_single_books(rows: int) -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[100.0] * rows, is_call=[True] * rows, implied_vol=0.2,
        open_interest=1.0, time_to_expiry=0.25,
    )  # fmt: skip
    profile = swept(chain)
    for name in EXPOSURES:
        values = getattr(profile, name)
        assert values.shape == SPOTS.shape
        assert values.any() == bool(rows)
    assert len(swept(chain, spots=[]).gamma) == 0


def test_profile_as_a_frame_and_as_data() -> None:
    profile = swept(random_chain(9), which=("delta", "vega"))
    frame = profile.to_frame()
    assert list(frame.columns) == ["spot", "gamma", "delta", "vega"]
    np.testing.assert_array_equal(frame["delta"], profile.delta)
    data = profile.to_dict()
    assert data["units"] == {"gamma": "$ per 1% move", "delta": "$", "vega": "$ per vol point"}
    assert data["vega"] == profile.vega.tolist()
    with pytest.raises(NotComputedError, match=r"charm profile was not computed.*'charm'"):
        _ = profile.charm
    with pytest.raises(ValueError, match="read-only"):
        profile.vega[0] = 1.0


REFUSED = [
    ({"which": ("gamma", "rho")}, ConventionError, "which: there is no 'rho'"),
    ({"dynamics": "sticky_delta"}, ConventionError, "dynamics: there is no 'sticky_delta'"),
    ({"spots": [100.0, 100.0]}, InputError, "spots: must ascend"),
    ({"spots": [110.0, 100.0]}, InputError, "spots: must ascend"),
    ({"spots": [100.0, NAN]}, InputError, "spots: must ascend"),
    ({"spots": [NAN]}, InputError, "spots"),
    ({"spots": [[100.0, 101.0]]}, InputError, "spots: must ascend"),
    ({"spots": [0.0, 100.0]}, InputError, "spots"),
    ({"spots": [-5.0]}, InputError, "spots"),
    ({"spots": ["100"]}, InputError, "spots: <U3 are not prices"),
    ({"spots": [True]}, InputError, "spots: bool are not prices"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), REFUSED)
def test_what_cannot_be_swept(arguments: Any, kind: type[GexError], message: str) -> None:
    with pytest.raises(kind, match=message):
        swept(random_chain(10), **arguments)
    with pytest.raises(MismatchError, match="positions belong to another chain"):
        gex.sweep_profile(random_chain(10), gex.assign_positions(random_chain(10)))


@pytest.mark.parametrize("ratio", [0.3, 0.9, 0.999, 1.001, 1.9, 1.999, 2.001, 2.1, 5.0])
def test_narrow_contracts_on_a_geometric_grid(ratio: float) -> None:
    """Contracts of few steps' width, wherever they lie between two seeds of the recurrence."""
    nodes, step, years = 300, 0.003, 0.01
    width = ratio * step
    spots = 100.0 * np.exp(step * np.arange(nodes))
    for place in np.arange(-50.0, nodes + 50.0, 0.75):
        strike = 100.0 * np.exp(step * place)
        profile = _core.GammaProfile(
            np.array([strike]), years, width / np.sqrt(years), 0.0, 0.0, np.ones(1)
        )
        d = np.log(spots.astype(np.longdouble) / np.longdouble(strike)) / width + width / 2
        expected = np.exp(-d * d / 2) / (np.sqrt(2 * np.pi) * width * spots)
        # 22 widths from a peak nothing is left: 1e-105 of it
        peak = 1 / (np.sqrt(2 * np.pi) * width * min(strike, spots[0]))
        allowed = 1e-12 * expected.max() + 1e-100 * peak
        assert np.abs(profile.evaluate(spots, 1) - expected).max() <= allowed, place


@pytest.mark.parametrize("years", [NAN, -1e-3, -0.1, -2.0, np.inf])
def test_a_row_without_a_time_makes_no_number_unless_it_weighs_nothing(years: float) -> None:
    strike, times = np.array([100.0, 105.0]), np.array([0.2, years])
    for spots in (100.0 * np.exp(0.003 * np.arange(-50, 50)), np.array([95.0, 100.0, 107.0])):
        with_it = _core.GammaProfile(strike, times, 0.2, 0.01, 0.0, np.ones(2))
        assert np.isnan(with_it.evaluate(spots, 1)).all()
        without = _core.GammaProfile(strike, times, 0.2, 0.01, 0.0, np.array([1.0, 0.0]))
        alone = _core.GammaProfile(strike[:1], times[:1], 0.2, 0.01, 0.0, np.ones(1))
        np.testing.assert_array_equal(without.evaluate(spots, 1), alone.evaluate(spots, 1))
