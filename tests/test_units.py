"""The table of exposures: every unit against its formula, and the published conversions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.errors import ConventionError, InputError, NotComputedError
from gexcore.units import EXPOSURES, FUTURES, UNITS, unit_of

SPOT, ADV = 4321.5, 3.7e11
RNG = np.random.default_rng(11)
ROWS = 50
# invented greeks: a unit is arithmetic on whatever the greeks are
GREEKS = {
    name: RNG.normal(0, 1, ROWS)
    for name in ("delta", "gamma", "vega", "vanna", "charm", "speed", "zomma", "color")
}
VOL = RNG.uniform(0.1, 0.5, ROWS)
HELD = RNG.integers(-500, 500, ROWS).astype(float)
MULTIPLIER = RNG.choice([10.0, 100.0], ROWS)


def total(each: Any) -> float:
    """Sum of q M times what is given per share."""
    return float((HELD * MULTIPLIER * each).sum())


# (greek, unit) -> formula of docs/definitions.md, section 4
FORMULAS: dict[tuple[str, str], Callable[[dict[str, Any]], float]] = {
    ("gamma", "usd_per_1pct"): lambda g: total(g["gamma"]) * SPOT**2 / 100,
    ("gamma", "usd_per_point"): lambda g: total(g["gamma"]) * SPOT,
    ("gamma", "shares_per_point"): lambda g: total(g["gamma"]),
    ("gamma", "futures_per_point"): lambda g: total(g["gamma"]) / 20,  # NQ
    ("gamma", "pct_adv"): lambda g: 100 * (total(g["gamma"]) * SPOT**2 / 100) / ADV,
    ("delta", "usd"): lambda g: total(g["delta"]) * SPOT,
    ("delta", "shares"): lambda g: total(g["delta"]),
    ("vanna", "usd_per_vol_point"): lambda g: 0.01 * total(g["vanna"]) * SPOT,
    ("vanna", "squeezemetrics"): lambda g: -10 * total(g["vanna"] * VOL),
    ("vanna", "relative_vol"): lambda g: total(g["vanna"] * VOL) * 0.01 * SPOT,
    ("charm", "usd_per_day"): lambda g: total(g["charm"]) / 365 * SPOT,
    ("vega", "usd_per_vol_point"): lambda g: 0.01 * total(g["vega"]),
    ("speed", "usd_per_1pct_per_1pct"): lambda g: (
        1e-4 * SPOT**2 * total(SPOT * g["speed"] + 2 * g["gamma"])
    ),
    ("zomma", "usd_per_1pct_per_vol_point"): lambda g: 0.01 * SPOT**2 / 100 * total(g["zomma"]),
    ("color", "usd_per_1pct_per_day"): lambda g: SPOT**2 / 100 * total(g["color"]) / 365,
}
DEFAULTS = {
    "gamma": "usd_per_1pct",
    "delta": "usd",
    "vanna": "usd_per_vol_point",
    "charm": "usd_per_day",
    "vega": "usd_per_vol_point",
    "speed": "usd_per_1pct_per_1pct",
    "zomma": "usd_per_1pct_per_vol_point",
    "color": "usd_per_1pct_per_day",
}


@pytest.fixture(scope="module")
def exposures() -> gex.Exposures:
    chain = gex.Chain.from_arrays(
        spot=SPOT,
        strike=np.full(ROWS, 4300.0),
        is_call=True,
        implied_vol=VOL,
        open_interest=1.0,
        time_to_expiry=0.1,
        multiplier=MULTIPLIER,
    )
    positions = gex.assign_positions(chain, "contracts", contracts=HELD)
    return gex.compute_exposures(chain, gex.ChainGreeks.from_columns(chain, **GREEKS), positions)


def one_contract(spot: float, gamma: float, contracts: float = 1.0) -> gex.Exposures:
    chain = gex.Chain.from_arrays(
        spot=spot,
        strike=[spot],
        is_call=[True],
        implied_vol=0.2,
        open_interest=[contracts],
        time_to_expiry=0.1,
    )
    greeks = gex.ChainGreeks.from_columns(chain, gamma=[gamma])
    return gex.compute_exposures(chain, greeks, gex.assign_positions(chain))


def test_every_unit_has_a_formula_here() -> None:
    assert {(unit.greek, unit.name) for unit in UNITS} == set(FORMULAS)
    assert set(EXPOSURES) == set(DEFAULTS)


@pytest.mark.parametrize(("greek", "name"), FORMULAS)
def test_unit_is_its_formula(greek: str, name: str, exposures: gex.Exposures) -> None:
    needed = {"futures_per_point": {"futures": "NQ"}, "pct_adv": {"adv": ADV}}
    exposure = getattr(exposures, greek).in_unit(name, **needed.get(name, {}))
    assert exposure.net == pytest.approx(FORMULAS[greek, name](GREEKS), rel=1e-12)
    assert (exposure.greek, exposure.unit_name) == (greek, name)
    assert exposure.unit == unit_of(greek, name).label
    assert exposure.gross == pytest.approx(np.abs(exposure.values).sum(), rel=1e-12)


@pytest.mark.parametrize("greek", DEFAULTS)
def test_default_unit(greek: str, exposures: gex.Exposures) -> None:
    assert getattr(exposures, greek).unit_name == DEFAULTS[greek]
    assert unit_of(greek).name == DEFAULTS[greek]
    again = getattr(exposures, greek).in_unit(DEFAULTS[greek])
    assert again.net == getattr(exposures, greek).net


def test_ten_thousand_contracts_at_4500() -> None:
    gamma = one_contract(4500.0, 0.001, 10_000).gamma
    assert gamma.in_unit("usd_per_point").net == pytest.approx(4.5e6, rel=1e-12)
    assert gamma.net == pytest.approx(202.5e6, rel=1e-12)


def test_dollars_per_point_become_futures() -> None:
    # the gamma that gives $64,521,235 per point at 1108.48
    gamma = one_contract(1108.48, 64_521_235 / 1108.48 / 100).gamma
    assert gamma.in_unit("usd_per_point").net == pytest.approx(64_521_235, rel=1e-12)
    assert gamma.net == pytest.approx(715_204_986, abs=1)
    assert gamma.in_unit("futures_per_point", futures="ES").net == pytest.approx(1164.14, abs=0.005)
    billion = one_contract(3000.0, 1e9 / 3000 / 100).gamma
    es = billion.in_unit("futures_per_point", futures="ES").net
    assert es == pytest.approx(6666.67, abs=0.005)
    assert billion.in_unit("futures_per_point", futures="MES").net == pytest.approx(10 * es)


def test_one_contract_of_gamma_five_cents() -> None:
    gamma = one_contract(100.0, 0.05).gamma
    assert gamma.in_unit("shares_per_point").net == pytest.approx(5.0, rel=1e-12)
    assert gamma.net == pytest.approx(500.0, rel=1e-12)
    assert one_contract(444.50, 0.05).gamma.net == pytest.approx(9879.01, abs=0.005)


def test_index_units_per_futures_contract() -> None:
    assert dict(FUTURES) == {"ES": 50.0, "MES": 5.0, "NQ": 20.0, "MNQ": 2.0}


def test_unknown_units_and_parameters_are_refused(exposures: gex.Exposures) -> None:
    gamma = exposures.gamma
    with pytest.raises(ConventionError, match="gamma has no unit 'usd_per_pct'") as caught:
        gamma.in_unit("usd_per_pct")
    assert "usd_per_1pct, usd_per_point" in str(caught.value)
    with pytest.raises(ConventionError, match="vega has no unit 'squeezemetrics'"):
        exposures.vega.in_unit("squeezemetrics")
    for futures in (None, "es", "RTY"):
        with pytest.raises(ConventionError, match=f"futures={futures!r} is not known"):
            gamma.in_unit("futures_per_point", futures=futures)
    for adv in (None, 0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="adv"):
            gamma.in_unit("pct_adv", adv=adv)
    with pytest.raises(ConventionError, match="there is no 'theta' exposure"):
        unit_of("theta")


def test_what_was_not_computed_cannot_be_read() -> None:
    exposures = one_contract(100.0, 0.05)
    assert exposures.names == ("gamma",)
    with pytest.raises(NotComputedError, match=r"vanna exposure needs vanna.*compute_greeks"):
        _ = exposures.vanna
    # speed in dollars holds gamma as well
    chain = exposures.chain
    speed = gex.ChainGreeks.from_columns(chain, speed=[0.1])
    only_speed = gex.compute_exposures(chain, speed, exposures.positions)
    with pytest.raises(NotComputedError, match="speed exposure needs gamma"):
        _ = only_speed.speed
    with pytest.raises(NotComputedError, match="there is no 'thteta' exposure"):
        _ = exposures.thteta
    assert not hasattr(exposures, "thteta")
