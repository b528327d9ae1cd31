"""Hedges against contracts re-priced one by one, and the worked numbers of the field."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.conventions import USED
from gexcore.dynamics import Dynamics, VolModel
from gexcore.errors import ConventionError, GexError, InputError
from gexcore.hedges import PARTS
from gexcore.hedging import MOVES
from hypothesis import given, settings
from hypothesis import strategies as st

RULES = ("sticky_strike", "ssr=1.5", "relative=-10")


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=1500, seed=4)


def one(delta: float = 0.5, is_call: bool = True, contracts: float = 1.0) -> gex.Chain:
    """One contract at spot 100 with a given |delta|, zero rates."""
    from statistics import NormalDist

    width = 0.2 * math.sqrt(0.25)
    d1 = NormalDist().inv_cdf(delta if is_call else 1 - delta)
    strike = 100 * math.exp(0.5 * width**2 - d1 * width)
    return gex.Chain.from_arrays(
        spot=100.0, strike=[strike], is_call=[is_call], implied_vol=0.2,
        open_interest=[contracts], time_to_expiry=0.25,
    )  # fmt: skip


def test_a_dealer_who_sold_a_call_buys_and_one_who_sold_a_put_sells() -> None:
    call = gex.delta_hedge(one(0.5), "short_all")
    assert call.position_delta == pytest.approx(-50)
    assert call.trade == pytest.approx(50)
    assert call.position_delta + call.trade == pytest.approx(0)
    assert call.dollars == pytest.approx(5000)
    put = gex.delta_hedge(one(0.3, is_call=False), "short_all")
    assert put.position_delta == pytest.approx(30)
    assert put.trade == pytest.approx(-30)


def test_the_hedge_of_a_thousand_calls_grows_with_delta() -> None:
    short = gex.delta_hedge(one(0.4, contracts=1000), "short_all")
    assert short.trade == pytest.approx(40_000)
    more = gex.delta_hedge(one(0.5, contracts=1000), "short_all", hedge_held=40_000)
    assert more.trade == pytest.approx(10_000)  # buys 10,000 more


def test_short_gamma_buys_strength_and_long_gamma_sells_it() -> None:
    for rule, sign in (("short_all", 1), ("naive", -1)):
        ladder = gex.hedge_ladder(one(), rule, [-0.01, 0.01])
        assert (sign * ladder.shares > 0).tolist() == [False, True]


def test_shares_of_a_published_gamma() -> None:
    # $2.85 bn per 1% at 597.505: +1% sell 4,769,835 shares, -1% buy as many
    shares = 2.85e9 / 597.505
    assert shares == pytest.approx(4_769_835, abs=1)
    chain = one()
    gamma = gex.analyze(chain).exposures.gamma
    held = gex.assign_positions(chain, "contracts", contracts=[shares * 100.0 / gamma.net])
    small = gex.hedge_ladder(chain, held, [-1e-6, 1e-6]).shares
    assert small == pytest.approx([shares * 1e-4, -shares * 1e-4], rel=1e-4)


def test_futures_round_toward_zero() -> None:
    chain = one(0.5, contracts=3)
    buys, sells = (gex.delta_hedge(chain, rule, futures="ES") for rule in ("short_all", "naive"))
    assert (buys.trade, buys.futures, buys.left_over) == pytest.approx((150.0, 3, 0.0), abs=50.1)
    odd = gex.delta_hedge(chain, "short_all", hedge_held=10.0, futures="ES")
    assert (odd.futures, odd.left_over) == (2, pytest.approx(40.0))
    negative = gex.delta_hedge(chain, "naive", hedge_held=-10.0, futures="ES")
    assert (negative.futures, negative.left_over) == (-2, pytest.approx(-40.0))
    assert sells.futures in (-2, -3)
    with pytest.raises(ConventionError, match="one of ES"):
        gex.delta_hedge(chain, futures="CL")
    with pytest.raises(InputError, match="hedge_held"):
        gex.delta_hedge(chain, hedge_held=float("nan"))


def deltas(chain: gex.Chain, spot: float, vol: Any) -> Any:
    return gex.bsm.greeks(
        spot, chain.strike, chain.time_to_expiry, vol, chain.rate, chain.dividend_yield,
        chain.is_call, which="delta",
    ).delta  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_flows_and_parts_are_repricings(chain: gex.Chain, rule: str) -> None:
    held = gex.assign_positions(chain)
    days, points = 1.0, -1.5
    dynamics = Dynamics.parse(rule).fitted(chain)
    ladder = gex.hedge_ladder(chain, held, days=days, vol_points=points, dynamics=rule)
    later = gex.chain_at(chain, days)
    alive = (later.status == USED) & (held.contracts != 0)
    gone = (chain.status == USED) & ~alive & (held.contracts != 0)
    assert ladder.settled == gone.sum() > 0

    def total(of: gex.Chain, rows: Any, spot: float, vol: Any) -> float:
        return float((held.weight * deltas(of, spot, vol))[rows].sum())

    own, s0 = chain.implied_vol, chain.spot
    lifted = np.maximum(own + points / 100, 0.2 * own)
    now = total(chain, alive, s0, own)
    g = gex.bsm.greeks(
        s0, chain.strike, chain.time_to_expiry, own, chain.rate, chain.dividend_yield,
        chain.is_call, which=("gamma", "speed"),
    )  # fmt: skip
    gamma, speed = ((held.weight * g[n])[alive].sum() for n in ("gamma", "speed"))
    scale = np.abs(held.weight[alive]).sum()
    for i, move in enumerate(MOVES):
        spot = s0 * (1 + move)
        vol_later, _ = VolModel(later._replace(implied_vol=lifted), dynamics).vols_at(spot)
        vol_now, _ = VolModel(chain._replace(implied_vol=lifted), dynamics).vols_at(spot)
        step = spot - s0
        expected = {
            "gamma": -gamma * step,
            "speed": -0.5 * speed * step**2,
            "charm": now - total(later, alive, s0, own),
            "vanna": now - total(chain, alive, s0, vol_now),
            "settlement": total(chain, gone, s0, own),  # index options: hedges are unwound
        }
        expected["residual"] = (
            now - total(chain, alive, spot, own) - expected["gamma"] - expected["speed"]
        )
        whole = now - total(later, alive, spot, vol_later) + expected["settlement"]
        expected["cross"] = whole - sum(expected.values())
        assert ladder.shares[i] == pytest.approx(whole, abs=1e-11 * scale)
        for name in PARTS:
            assert ladder.parts[name][i] == pytest.approx(expected[name], abs=1e-10 * scale), name
        assert ladder.dollars[i] == ladder.shares[i] * spot


@settings(max_examples=40, deadline=None)
@given(
    move=st.floats(-0.2, 0.2),
    days=st.floats(0.0, 60.0),
    points=st.floats(-5.0, 5.0),
    rule=st.sampled_from(RULES),
)
def test_parts_sum_to_the_whole_and_signs_flip(
    move: float, days: float, points: float, rule: str
) -> None:
    chain = gex.synthetic_chain(n=300, seed=9)
    options = {"spot_return": move, "days": days, "vol_points": points, "dynamics": rule}
    flow, mirror = (gex.hedge_flow(chain, p, **options) for p in ("naive", "inverted"))
    assert set(flow.parts) == set(PARTS)
    size = max(1.0, *(abs(part) for part in flow.parts.values()))
    assert sum(flow.parts.values()) == pytest.approx(flow.shares, abs=1e-9 * size)
    assert mirror.shares == pytest.approx(-flow.shares, abs=1e-9 * size)
    assert flow.spot_after == chain.spot * (1 + move)


@settings(max_examples=40, deadline=None)
@given(move=st.floats(-0.3, 0.3))
def test_there_and_back_is_nothing(move: float) -> None:
    chain = gex.synthetic_chain(n=300, seed=9)
    held = gex.assign_positions(chain)
    there = gex.hedge_flow(chain, held, spot_return=move)
    moved = chain._replace(spot=chain.spot * (1 + move))
    back = gex.hedge_flow(moved, replace(held, chain=moved), spot_return=1 / (1 + move) - 1)
    assert there.shares + back.shares == pytest.approx(0, abs=1e-9 * np.abs(held.weight).sum())


def test_no_move_is_no_trade(chain: gex.Chain) -> None:
    flow = gex.hedge_flow(chain)
    assert flow.shares == pytest.approx(0, abs=1e-6)
    assert flow.parts["settlement"] == 0


def test_charm_flow_to_the_close(chain: gex.Chain) -> None:
    flow = gex.charm_flow(chain)
    assert flow.days == pytest.approx(5.5 / 24)  # 10:30 to 16:00
    assert flow.settled > 0
    assert flow.shares == pytest.approx(flow.parts["charm"] + flow.parts["settlement"])
    assert gex.charm_flow(chain, until="2026-03-18T16:00-04:00").shares == flow.shares
    with pytest.raises(InputError, match="as_of"):
        gex.charm_flow(one())


@pytest.mark.parametrize("root", ["SPXW", "AAPL"])
def test_the_unwind_of_a_settlement(root: str) -> None:
    chain = gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 105.0, 95.0, 105.0, 100.0],
        is_call=[True, True, False, False, True], implied_vol=0.2, root=root,
        open_interest=[1, 2, 4, 8, 99],
        expiry=["2024-01-05"] * 4 + ["2024-01-12"], as_of="2024-01-05T15:59-05:00",
    )  # fmt: skip
    ladder = gex.unwind_ladder(chain, "short_all", [90.0, 100.0, 110.0])
    assert ladder.contracts == 4
    # short calls in the money were hedged by shares now sold, short puts by shares now bought back
    delta = np.array([100 * (4 + 8), 100 * (8 - 1), -100 * (1 + 2)])
    assert ladder.shares.tolist() == (delta if root == "SPXW" else 0 * delta).tolist()
    # hedging to the settlement price and unwinding there is what `settlement` says in one go
    today = chain.filter("0dte")
    to, gone = (gex.hedge_ladder(today, "short_all", [-0.1, 0.1], days=d) for d in (0.0, 2.0))
    assert gone.parts["settlement"] == pytest.approx(gone.shares)
    assert to.shares + delta[[0, 2]] - (0 if root == "SPXW" else delta[[0, 2]]) == pytest.approx(
        gone.shares, abs=1e-6
    )


def test_past_every_expiry_hedges_are_unwound(chain: gex.Chain) -> None:
    flow = gex.hedge_flow(chain, spot_return=0.3, days=20_000, vol_points=5)
    assert flow.shares == pytest.approx(-gex.delta_hedge(chain).trade)
    assert flow.parts["settlement"] == flow.shares


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"spot_return": -1.0}, "no price is left"),
        ({"spot_return": float("nan")}, "spot_return"),
        ({"spot_return": "1%"}, "spot_return"),
        ({"vol_points": float("inf")}, "vol_points"),
        ({"days": -0.5}, "days ahead"),
        ({"days": "yesterday"}, "time"),
        ({"dynamics": "ssr"}, "needs a value"),
    ],
)
def test_moves_that_cannot_be(chain: gex.Chain, options: Any, why: str) -> None:
    with pytest.raises(GexError, match=why):
        gex.hedge_flow(chain, **options)


@pytest.mark.parametrize("returns", [[], [[0.1]], [0.1, -2.0], ["a"], None])
def test_ladders_that_cannot_be(chain: gex.Chain, returns: Any) -> None:
    with pytest.raises(GexError, match="returns"):
        gex.hedge_ladder(chain, returns=returns)


def test_tables(chain: gex.Chain) -> None:
    ladder = gex.hedge_ladder(chain, days=0.1)
    assert len(ladder.to_frame()) == len(MOVES) == 11
    assert ladder.to_dict()["gamma"][0] == ladder.parts["gamma"][0]
    assert "dealers" in str(ladder.at(3))
    assert "settle at" in str(gex.unwind_ladder(chain))
    assert "trade" in str(gex.delta_hedge(chain, futures="ES"))
    assert ladder.manifest["positions"] == "naive"


def test_on_every_real_chain(test_data: Path) -> None:
    files = sorted((test_data / "data").glob("cboe_*"))
    assert files
    for file in files:
        chain = gex.read_cboe(file)
        ladder = gex.hedge_ladder(chain, days=0.25, vol_points=-1.0)
        size = np.abs(ladder.shares).max()
        assert sum(ladder.parts.values()) == pytest.approx(ladder.shares, abs=1e-9 * size)
        net = gex.analyze(chain).exposures.gamma.net
        small = gex.hedge_flow(chain, spot_return=1e-7)
        assert small.dollars == pytest.approx(-net * 1e-5, rel=1e-3, abs=1e-9 * size * chain.spot)
