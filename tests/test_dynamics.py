"""Vols that move with spot against the formulas, contract by contract and in plain Python."""

from __future__ import annotations

import math
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core
from gexcore.bsm import greek_rows
from gexcore.dynamics import Dynamics, VolModel
from gexcore.errors import ConventionError, InputError
from gexcore.roots import find_root, slope_at
from hypothesis import given, settings
from hypothesis import strategies as st

RULES = ("ssr=0.4", "ssr=2", "sticky_moneyness", "dvol_dlogspot=-0.6", "relative=-10")


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=3000, seed=3)


@pytest.fixture(scope="module")
def quiet() -> gex.Chain:
    """Contracts that lie on their smile exactly: quadratic in z, no quotes, no rates."""
    years, level = 0.2, 0.2
    strike = 100 * np.exp(np.linspace(-0.2, 0.2, 41))
    z = np.log(strike / 100) / (level * math.sqrt(years))
    return gex.Chain.from_arrays(
        spot=100.0, strike=strike, is_call=strike >= 100, open_interest=10.0, time_to_expiry=years,
        implied_vol=0.2 - 0.02 * z + 0.005 * z * z,
    )  # fmt: skip


def model_of(chain: gex.Chain, rule: str) -> VolModel:
    return VolModel(chain, Dynamics.parse(rule))


def smile(row: Any, k: float) -> float:
    """m(k), a formula for one contract; `row` is (moneyness, 1/width, level, ...)."""
    z = min(max(k * row[1], row[5]), row[6])
    return float(max(row[2] + row[3] * z + row[4] * z * z, row[7]))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shift=st.floats(-1.0, 1.5),
    b=st.floats(-1.0, 1.0),
    a=st.floats(-12.0, 12.0),
    move=st.floats(-0.3, 0.3),
)
def test_moved_vols_and_their_slopes(
    seed: int, shift: float, b: float, a: float, move: float
) -> None:
    rng = np.random.default_rng(seed)
    n, spot = 9, 50.0
    columns = np.array([
        rng.uniform(-0.4, 0.4, n), rng.uniform(2, 30, n), rng.uniform(0.1, 0.5, n),
        rng.uniform(-0.04, 0.02, n), rng.uniform(-0.01, 0.02, n), rng.uniform(-2.5, -0.5, n),
        rng.uniform(0.5, 2.5, n), np.full(n, 0.05),
    ])  # fmt: skip
    own = rng.uniform(0.05, 0.8, n)

    def expected(i: int, x: float) -> float:
        c = columns[:, i]
        held = min(max(x, -0.05), 0.05)
        base = own[i] + smile(c, c[0] - shift * x) - smile(c, c[0]) + b * x
        return max(base * math.exp(a * held), 0.2 * float(own[i]))

    at = spot * math.exp(move)
    vol, slope = _core.move_vols(own, columns.ravel(), shift, b, a, spot, at)
    x = math.log(at / spot)
    assert vol == pytest.approx([expected(i, x) for i in range(n)], rel=1e-12)
    h = 1e-6
    for i in range(n):
        left, here, right = (expected(i, x + d) for d in (-h, 0.0, h))
        bent = abs((right - here) - (here - left)) > 1e-9  # a clamp lies in between
        if not bent:
            assert slope[i] == pytest.approx((right - left) / (2 * h), abs=1e-6 * (1 + abs(a)))


def test_ssr_one_keeps_every_bit(chain: gex.Chain) -> None:
    follows = VolModel(chain, Dynamics("ssr", 0.0))
    smile_columns = follows._smile
    vol, slope = _core.move_vols(
        chain.implied_vol, smile_columns, 0.0, 0.0, 0.0, chain.spot, chain.spot * 0.9
    )
    assert np.array_equal(vol, chain.implied_vol, equal_nan=True)
    assert not slope.any()
    assert not Dynamics.parse("ssr=1").moves
    one, strike = (
        gex.sweep_profile(chain, gex.assign_positions(chain), dynamics=rule)
        for rule in ("ssr=1", "sticky_strike")
    )
    assert np.array_equal(one.effective_gamma, strike.gamma)


def test_sticky_moneyness_follows_the_smile_exactly(quiet: gex.Chain) -> None:
    smiles = gex.fit_smiles(quiet)
    for move in (0.97, 1.0, 1.02):
        vol, _ = model_of(quiet, "ssr=0").vols_at(100 * move)
        assert vol == pytest.approx(smiles.vol(quiet.strike / move, 0), abs=1e-12)


def test_the_at_the_money_vol_moves_by_ssr_times_the_slope(quiet: gex.Chain) -> None:
    slope = gex.fit_smiles(quiet).tilt_at_the_money[0]
    middle = 20  # the contract at the forward
    for ratio in (0.0, 0.5, 1.5, 2.0):
        model = model_of(quiet, f"ssr={ratio}")

        def at_the_money(x: float, model: VolModel = model) -> float:
            # vol at the strike that is at the money after the move
            vol, _ = model.vols_at(100 * math.exp(x))
            return float(np.interp(x, np.log(quiet.strike / 100), vol))

        h = 0.01
        moved = (at_the_money(h) - at_the_money(-h)) / (2 * h)
        assert quiet.strike[middle] == pytest.approx(100)
        assert moved == pytest.approx(ratio * slope, abs=2e-3)


@pytest.mark.parametrize("rule", RULES)
def test_effective_gamma_is_the_whole_derivative_of_delta(chain: gex.Chain, rule: str) -> None:
    positions = gex.assign_positions(chain)
    spots = np.array([4800.0, 4990.0, 5000.0, 5100.0])
    profile = gex.sweep_profile(chain, positions, spots, dynamics=rule)
    model = model_of(chain, rule)
    held = profile._weight

    def delta(at: Any) -> Any:
        found = []
        for spot in at:
            vol, _ = model.vols_at(float(spot))
            each = gex.bsm.greeks(
                float(spot), chain.strike, chain.time_to_expiry, vol, chain.rate,
                chain.dividend_yield, chain.is_call, which="delta",
            ).delta  # fmt: skip
            found.append(np.where(held != 0, held * each, 0.0).sum())
        return np.array(found)

    scale = np.abs(profile.gamma).max()
    for j, spot in enumerate(spots):
        slope = slope_at(delta, float(spot), step=2e-6) * spot**2 / 100
        assert profile.effective_gamma[j] == pytest.approx(slope, abs=2e-5 * scale)


@pytest.mark.parametrize("rule", RULES)
def test_partial_gamma_is_gamma_at_the_moved_vols(chain: gex.Chain, rule: str) -> None:
    spot = 5075.0
    profile = gex.sweep_profile(
        chain, gex.assign_positions(chain), [spot], ("gamma", "vanna", "delta"), dynamics=rule
    )
    vol, _ = model_of(chain, rule).vols_at(spot)
    each = gex.bsm.greeks(
        spot, chain.strike, chain.time_to_expiry, vol, chain.rate, chain.dividend_yield,
        chain.is_call, which=("gamma", "vanna", "delta"),
    )  # fmt: skip
    held = profile._weight
    sums = {n: np.where(held != 0, held * each[n], 0.0).sum() for n in ("gamma", "vanna", "delta")}
    assert profile.gamma[0] == pytest.approx(sums["gamma"] * spot**2 / 100, rel=1e-11)
    assert profile.vanna[0] == pytest.approx(sums["vanna"] * spot / 100, rel=1e-9)
    assert profile.delta[0] == pytest.approx(sums["delta"] * spot, rel=1e-11)


def test_squeezemetrics_sum_is_effective_gamma(chain: gex.Chain) -> None:
    exposures = gex.analyze(chain).exposures
    both = exposures.gamma.in_unit("usd_per_point").net
    both += exposures.vanna.in_unit("squeezemetrics").net
    net, _ = gex.analyze(chain, dynamics="relative=-10").levels.net_gamma
    assert net / 5000 * 100 == pytest.approx(both, rel=1e-11)


def test_the_flip_is_a_zero_of_effective_gamma(chain: gex.Chain) -> None:
    positions = gex.assign_positions(chain)
    for rule in RULES:
        result = gex.analyze(chain, dynamics=rule)
        for crossing in result.levels.zero_gamma.crossings:
            near = crossing.spot * np.array([1 - 1e-9, 1.0, 1 + 1e-9])
            below, here, above = gex.sweep_profile(
                chain, positions, near, dynamics=rule
            ).effective_gamma
            assert (below < above) == (crossing.direction == "short_to_long")
            assert abs(here) <= 1e-2 * abs(above - below) + 1e-9 * abs(below)
            slope = (above - below) / (near[2] - near[0])
            assert crossing.slope == pytest.approx(slope, rel=1e-3)
        assert result.manifest["dynamics"] == rule
        assert result.to_dict()["effective_net_gamma"] == result.levels.net_gamma[0]
        assert "effective gamma" in str(result)


def test_regime_follows_effective_gamma(chain: gex.Chain) -> None:
    result = gex.analyze(chain, dynamics="relative=-10")
    net, gross = result.levels.net_gamma
    assert result.regime.net_to_gross == net / gross
    assert net != result.exposures.gamma.net
    assert result.smiles.counts == gex.fit_smiles(chain).counts


@pytest.mark.parametrize("rule", RULES)
def test_same_bits_for_any_number_of_threads(chain: gex.Chain, rule: str) -> None:
    model = model_of(chain, rule)
    weight = np.where(np.isfinite(chain.implied_vol), 1.0, 0.0)
    which, _ = greek_rows(("gamma", "charm"))
    spots = np.linspace(4500, 5500, 7)
    one, many = (model.sweep(weight, spots, which, True, threads=n) for n in (1, 3))
    assert one.tobytes() == many.tobytes()


def test_contracts_without_weight_count_for_nothing() -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[90.0, 100.0, np.nan], is_call=[True, False, True],
        implied_vol=[0.2, 0.3, np.nan], open_interest=[5, 7, 9], time_to_expiry=[0.1, 0.1, -1.0],
    )  # fmt: skip
    alone = gex.Chain.from_arrays(
        spot=100.0, strike=[90.0, 100.0], is_call=[True, False], implied_vol=[0.2, 0.3],
        open_interest=[5, 7], time_to_expiry=0.1,
    )  # fmt: skip
    found = [
        gex.sweep_profile(c, gex.assign_positions(c), [95.0, 105.0], dynamics="ssr=0")
        for c in (chain, alone)
    ]
    assert np.array_equal(found[0].effective_gamma, found[1].effective_gamma)
    assert np.isfinite(found[0].effective_gamma).all()


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("sticky", "no 'sticky'"),
        ("ssr", "needs a value"),
        ("sticky_strike=1", "does not take a value"),
        ("ssr=fast", "not a finite number"),
        ("relative=nan", "not a finite number"),
        (3, "no '3'"),
    ],
)
def test_rules_that_do_not_exist(chain: gex.Chain, rule: Any, why: str) -> None:
    with pytest.raises(ConventionError, match=why):
        gex.analyze(chain, dynamics=rule)


def test_the_core_refuses_what_it_cannot_use() -> None:
    vol = np.array([0.2, 0.3])
    with pytest.raises(InputError, match="smile: is None"):
        _core.move_vols(vol, None, 0.5, 0.0, 0.0, 100.0, 100.0)
    with pytest.raises(InputError, match="8 columns"):
        _core.move_vols(vol, np.zeros(5), 0.5, 0.0, 0.0, 100.0, 100.0)
    with pytest.raises(InputError, match="at: is"):
        _core.move_vols(vol, None, 0.0, 0.1, 0.0, 100.0, -1.0)
    with pytest.raises(InputError, match="finite"):
        _core.move_vols(vol, None, 0.0, float("nan"), 0.0, 100.0, 100.0)
    with pytest.raises(InputError, match="implied_vol: is a single number"):
        _core.move_vols(0.2, None, 0.0, 0.0, 0.0, 100.0, 100.0)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.2, 5.0), st.integers(1, 9))
def test_roots(root: float, power: int) -> None:
    def function(x: Any) -> Any:
        return np.asarray(x) ** power - np.asarray([root]) ** power  # 0 at the root itself

    found = find_root(function, 0.01, 20.0)
    assert found == pytest.approx(root, rel=1e-11)
    assert slope_at(function, found) == pytest.approx(power * root ** (power - 1), rel=1e-7)
    assert find_root(function, root, 20.0) == root
    with pytest.raises(ValueError, match="no change of sign"):
        find_root(function, root * 1.1, 20.0)


def test_nothing_is_certified_with_moving_vols(chain: gex.Chain) -> None:
    with pytest.raises(ConventionError, match="vols that move"):
        gex.analyze(chain, dynamics="relative=-10", certify=True)
