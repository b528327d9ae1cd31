"""The cube against one re-pricing after the other, in plain Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.dynamics import Dynamics, VolModel
from gexcore.errors import GexError
from gexcore.scenario import EXPOSURES

SPOTS = np.array([4800.0, 4990.0, 5000.0, 5130.0])
DAYS = [0.0, 0.2, 1.5, 40.0]
SHIFTS = [-0.03, 0.0, 0.02]


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=1500, seed=2)


def repriced(
    chain: gex.Chain, held: gex.Positions, exposure: str, spot: float, days: float, shift: float,
    rule: str = "sticky_strike",
) -> float:  # fmt: skip
    """One node, from greeks of every contract at the later time."""
    dynamics = Dynamics.parse(rule).fitted(chain)

    def total(later: gex.Chain, at: float, greek: str) -> float:
        vol, slope = VolModel(later, dynamics).vols_at(at)
        g = gex.bsm.greeks(
            at, later.strike, later.time_to_expiry, vol, later.rate, later.dividend_yield,
            later.is_call, which=("gamma", "delta", "vanna", "charm"),
        )  # fmt: skip
        each = g[greek] + (g.vanna * slope if greek == "gamma" else 0.0)
        used = (later.status == chain.status.max()) & (held.weight != 0)
        return float((held.weight * each)[used].sum())

    later = gex.chain_at(chain, days)
    vol = later.implied_vol
    later = later._replace(implied_vol=np.maximum(vol + shift, 0.2 * vol))
    if exposure == "hedge_flow":
        return total(chain, chain.spot, "delta") - total(later, spot, "delta")
    unit = {"gamma": spot**2 / 100, "delta": spot, "vanna": 0.01 * spot, "charm": spot / 365}
    return total(later, spot, exposure) * unit[exposure]


@pytest.mark.parametrize("rule", ["sticky_strike", "ssr=1.5"])
@pytest.mark.parametrize("exposure", EXPOSURES)
def test_every_node_is_a_repricing(chain: gex.Chain, exposure: str, rule: str) -> None:
    held = gex.assign_positions(chain)
    cube = gex.scenario_cube(chain, held, SPOTS, DAYS, SHIFTS, exposure, dynamics=rule)
    assert cube.values.shape == (4, 4, 3)
    scale = np.abs(cube.values).max()
    for i, spot in enumerate(SPOTS):
        for j, days in enumerate(DAYS):
            for k, shift in enumerate(SHIFTS):
                expected = repriced(chain, held, exposure, float(spot), days, shift, rule)
                assert cube.values[i, j, k] == pytest.approx(expected, abs=1e-11 * scale)


def test_the_first_node_is_now(chain: gex.Chain) -> None:
    result = gex.analyze(chain)
    here = {
        name: gex.scenario_cube(chain, result.positions, [chain.spot], [0.0], exposure=name)
        for name in EXPOSURES
    }
    for name in EXPOSURES[:-1]:
        exposure = getattr(result.exposures, name)
        assert here[name].values.item() == pytest.approx(exposure.net, abs=1e-12 * exposure.gross)
        assert here[name].unit == exposure.unit
    assert here["hedge_flow"].values.item() == pytest.approx(0, abs=1e-6)


def test_what_settles_is_gone(chain: gex.Chain) -> None:
    cube = gex.scenario_cube(chain, "naive", SPOTS, [0.0, 0.25, 4000.0])
    today = (chain.expiry == chain.expiry.min()) & (chain.status == chain.status.max())
    assert cube.settled.tolist()[:2] == [0, int(today.sum())]
    assert not cube.values[:, 2].any()
    flow = gex.scenario_cube(chain, "naive", SPOTS, [4000.0], exposure="hedge_flow")
    delta = gex.analyze(chain).exposures.delta.in_unit("shares").net
    assert flow.values == pytest.approx(np.full((4, 1, 1), delta))  # every hedge is unwound


@pytest.mark.parametrize("root", ["SPXW", "AAPL"])
def test_physical_settlement_delivers(root: str) -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0, 95.0, 105.0], is_call=[True, True, False, False],
        implied_vol=0.2, open_interest=[1, 2, 4, 8], root=root,
        expiry=["2024-01-05"] * 4, as_of="2024-01-04T16:00-05:00",
    )  # fmt: skip
    held = gex.assign_positions(chain, "short_all")
    flow = gex.scenario_cube(chain, held, [90.0, 100.0, 110.0], [3.0], exposure="hedge_flow")
    now = gex.analyze(chain, held).exposures.delta.in_unit("shares").net
    # dealers are short: calls with a strike below spot take shares away, puts above bring them
    delivered = np.array([100 * (4 + 8), 100 * (8 - 1), -100 * (1 + 2)])
    expected = now - (delivered if root == "AAPL" else 0 * delivered)
    assert flow.values.ravel() == pytest.approx(expected)


def test_same_bits_for_any_number_of_threads(chain: gex.Chain) -> None:
    for exposure in EXPOSURES:
        one, many = (
            gex.scenario_cube(chain, "naive", None, DAYS, SHIFTS, exposure, threads=n)
            for n in (1, 3)
        )
        assert one.values.tobytes() == many.values.tobytes()


def test_default_axes_and_tables(chain: gex.Chain, tmp_path: Path) -> None:
    cube = gex.scenario_cube(chain)
    assert len(cube.spots) == 81
    assert cube.times[0] == "2026-03-18T10:30-04:00"
    assert len(cube.to_frame()) == cube.values.size
    assert cube.to_dict()["values"][3][1][0] == cube.values[3, 1, 0]
    assert "$ per 1% move" in str(cube)
    cube.save(tmp_path / "cube.npz")
    with np.load(tmp_path / "cube.npz") as saved:
        assert np.array_equal(saved["values"], cube.values)
        assert saved["times"].tolist() == list(cube.times)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"exposure": "theta"}, "no 'theta'"),
        ({"spots": [2.0, 1.0]}, "spots"),
        ({"spots": [-1.0, 1.0]}, "spots"),
        ({"times": [1.0, 0.5]}, "times"),
        ({"times": [-1.0]}, "days ahead"),
        ({"vol_shifts": [0.1, 0.1]}, "vol_shifts"),
        ({"vol_shifts": [-2, 0, 2]}, "vol point"),
        ({"vol_shifts": "x"}, "vol_shifts"),
        ({"dynamics": "ssr"}, "needs a value"),
    ],
)
def test_axes_that_cannot_be(chain: gex.Chain, options: Any, why: str) -> None:
    with pytest.raises(GexError, match=why):
        gex.scenario_cube(chain, **options)


def test_positions_of_another_chain(chain: gex.Chain) -> None:
    other = gex.assign_positions(gex.synthetic_chain(n=100))
    with pytest.raises(GexError, match="another chain"):
        gex.scenario_cube(chain, other)
    assert replace(other, chain=chain).chain is chain
