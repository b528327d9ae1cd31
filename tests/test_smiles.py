"""Smiles: known quadratics are found again, outliers do not matter, gaps have a status."""

from __future__ import annotations

from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.smiles import FEWEST_STRIKES, LEAST_SHARE, WIDEST
from hypothesis import given, settings
from hypothesis import strategies as st

SPOT, RATE, YIELD = 100.0, 0.03, 0.01


def chain_of(vol: Any, years: float = 0.25, strikes: Any = None, **more: Any) -> gex.Chain:
    """Both types at each strike, vol(z) for out-of-the-money contracts, no quotes."""
    strikes = np.arange(70.0, 131.0) if strikes is None else np.asarray(strikes, float)
    strike = np.repeat(strikes, 2)
    return gex.Chain.from_arrays(
        spot=SPOT, strike=strike, is_call=np.arange(len(strike)) % 2 == 0,
        implied_vol=np.repeat(vol(strikes), 2) if callable(vol) else vol, open_interest=1.0,
        time_to_expiry=years, rate=RATE, dividend_yield=YIELD, **more,
    )  # fmt: skip


def forward(years: float) -> float:
    return float(SPOT * np.exp((RATE - YIELD) * years))


def quadratic(level: float, tilt: float, curvature: float, years: float) -> Any:
    def vol(strike: Any) -> Any:
        z = np.log(strike / forward(years)) / (level * np.sqrt(years))
        return level + tilt * z + curvature * z * z

    return vol


@settings(max_examples=60, deadline=None)
@given(
    level=st.floats(0.1, 0.6),
    tilt=st.floats(-0.02, 0.02),
    curvature=st.floats(0.0, 0.008),
    years=st.floats(0.02, 2.0),
)
def test_a_quadratic_is_found_again(
    level: float, tilt: float, curvature: float, years: float
) -> None:
    width = level * np.sqrt(years)
    # the forward is a strike, so that the at-the-money vol is the level itself
    strikes = forward(years) * np.exp(np.linspace(-3 * width, 3 * width, 41))
    smiles = gex.fit_smiles(chain_of(quadratic(level, tilt, curvature, years), years, strikes))
    assert smiles.status.tolist() == ["fitted"]
    found = [smiles.at_the_money_vol[0], smiles.tilt[0], smiles.curvature[0]]
    assert found == pytest.approx([level, tilt, curvature], abs=1e-9)
    assert smiles.z_high[0] == pytest.approx(WIDEST, abs=0.16)
    assert smiles.slope[0] == pytest.approx(tilt / width, abs=0.3 * curvature / width + 1e-9)
    assert smiles.rms[0] < 1e-9


def test_outliers_do_not_tilt_the_smile() -> None:
    years, true = 0.25, quadratic(0.2, -0.02, 0.005, 0.25)

    def spoiled(strike: Any) -> Any:
        vol = true(strike)
        vol[[5, 30, 44]] *= [3.0, 0.2, 2.5]
        return vol

    spoiled_fit, fit = (gex.fit_smiles(chain_of(vol, years)) for vol in (spoiled, true))
    strikes = np.arange(85.0, 116.0)
    error = np.abs(spoiled_fit.vol(strikes, 0) - fit.vol(strikes, 0)).max()
    assert error < 0.002  # least squares without weights is off by 0.03 here
    assert spoiled_fit.slope[0] == pytest.approx(fit.slope[0], rel=0.15)


@pytest.mark.parametrize("count", range(1, FEWEST_STRIKES))
def test_few_strikes_are_flat(count: int) -> None:
    smiles = gex.fit_smiles(chain_of(0.2, strikes=[98.0, 100.0, 102.0, 104.0][:count]))
    assert smiles.status.tolist() == ["no_smile"]
    assert smiles.vol([80.0, 100.0, 130.0], 0) == pytest.approx([0.2] * 3)


def test_nothing_to_fit() -> None:
    smiles = gex.fit_smiles(chain_of(float("nan")))
    assert smiles.counts == {"no_vol": 1}
    assert gex.fit_smiles(chain_of(0.2, years=0.0)).counts == {}
    assert "no_vol" in str(smiles)
    assert smiles.to_dict()["at_the_money_vol"] == [None]


def test_quotes_come_before_the_chain_s_own_vols() -> None:
    years, true = 0.25, quadratic(0.2, -0.02, 0.005, 0.25)
    strike = np.repeat(np.arange(70.0, 131.0), 2)
    call = np.arange(len(strike)) % 2 == 0
    price = gex.bsm.greeks(
        SPOT, strike, years, true(strike), RATE, YIELD, call, which="price"
    ).price
    bid, ask = price * 0.99, price * 1.01
    bid[20] = 0.0  # no bid: no point
    own = chain_of(0.9, years, bid=bid, ask=ask)
    smiles = gex.fit_smiles(own)
    assert smiles.vol(strike[40:60], 0) == pytest.approx(true(strike[40:60]), abs=1e-6)


def test_flat_outside_the_data_and_never_below_the_floor() -> None:
    years = 0.25
    smiles = gex.fit_smiles(chain_of(quadratic(0.2, -0.02, 0.005, years), years))
    ends = smiles.forward[0] * np.exp(
        np.array([smiles.z_low[0], smiles.z_high[0]]) * smiles.at_the_money_vol[0] * np.sqrt(years)
    )
    assert smiles.vol(ends * [0.5, 2.0], 0) == pytest.approx(smiles.vol(ends, 0))
    steep = gex.fit_smiles(chain_of(lambda k: np.maximum(0.2 - 1.2 * np.log(k / 100), 0.02)))
    assert steep.vol(1000.0, 0) >= LEAST_SHARE * steep.at_the_money_vol[0]


def test_the_synthetic_chain_has_a_smile_everywhere() -> None:
    smiles = gex.fit_smiles(gex.synthetic_chain())
    assert set(smiles.counts) == {"fitted"}
    assert (np.diff(smiles.time_to_expiry) >= 0).all()
    assert (smiles.tilt_at_the_money < 0).all()
    assert smiles.tilt_at_the_money == pytest.approx(smiles.slope, rel=0.5)
    assert len(smiles.to_frame()) == len(smiles)
