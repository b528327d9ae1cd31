"""Derivatives of levels against levels computed again, a little to either side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.dynamics import Dynamics

RULES = ("sticky_strike", "ssr=1.5", "relative=-10")


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    # nothing settles within hours: differences in time need smooth rows
    return gex.synthetic_chain(n=4000, seed=5).filter("dte<=200").filter("ex-next")


def difference(level: Callable[[float], float], step: float) -> float:
    """Central difference of fourth order."""
    near, far = (level(h) - level(-h) for h in (step, 2 * step))
    return (8 * near - far) / (12 * step)


def flip_of(chain: gex.Chain, held: Any, rule: Any) -> float:
    found = gex.analyze(chain, replace(held, chain=chain), dynamics=rule).levels.zero_gamma.value
    assert found is not None
    return found


@pytest.mark.parametrize("rule", RULES)
def test_zero_gamma_moves_as_said(chain: gex.Chain, rule: Any) -> None:
    rule = Dynamics.parse(rule).fitted(chain)  # smiles of now
    result = gex.analyze(chain, dynamics=rule)
    held, found = result.positions, gex.compute_sensitivities(result.levels).zero_gamma
    near = 1e-5 if rule.smiles else 1e-6  # smiles have corners where their data end
    years, vol = chain.time_to_expiry, chain.implied_vol
    day = difference(lambda h: flip_of(chain._replace(time_to_expiry=years - h), held, rule), 1e-5)
    assert found.per_day == pytest.approx(day / 365, rel=near, abs=near)
    point = difference(lambda h: flip_of(chain._replace(implied_vol=vol + h), held, rule), 2e-4)
    assert found.per_vol_point == pytest.approx(point / 100, rel=near, abs=near)
    rate = difference(
        lambda h: flip_of(
            chain.with_conventions(rate=chain.rate + h, dividend_yield=chain.dividend_yield),
            held, rule,
        ), 2e-4,
    )  # fmt: skip
    assert found.per_rate_point == pytest.approx(rate / 100, rel=near, abs=near)


@pytest.mark.parametrize("rule", RULES)
def test_open_interest_pulls_as_said(chain: gex.Chain, rule: Any) -> None:
    rule = Dynamics.parse(rule).fitted(chain)  # smiles of now
    result = gex.analyze(chain, dynamics=rule)
    held, found = result.positions, gex.compute_sensitivities(result.levels).zero_gamma
    assert len(found.contracts) == 5
    assert list(found.contracts) == sorted(
        found.contracts, key=lambda pull: -abs(pull.of_open_interest)
    )
    for pull in found.contracts:
        (row,) = np.flatnonzero(
            (chain["strike"] == pull.strike) & (chain["option_type"] == pull.option_type)
            & (chain["expiry"].astype(str) == pull.expiry) & (chain["root"] == pull.root)
        )  # fmt: skip

        def flip(more: float, row: int = int(row)) -> float:
            contracts = held.contracts.copy()
            contracts[row] += more * np.sign(contracts[row])
            return flip_of(chain, replace(held, contracts=contracts), rule)

        size = float(chain.open_interest[row])
        slope = difference(flip, 0.02 * size)
        assert pull.per_1000_contracts == pytest.approx(1000 * slope, rel=1e-6, abs=1e-6)
        assert pull.of_open_interest == pytest.approx(size * slope, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("side", "rule"), [("net", "naive"), ("gross", "naive"), ("net", "moneyness")]
)
def test_leads_of_walls(chain: gex.Chain, side: str, rule: str) -> None:
    result = gex.analyze(chain, rule, side=side)
    found = gex.compute_sensitivities(result.levels)

    def lead_of(moved: gex.Chain, name: str, strikes: tuple[float, float]) -> float:
        again = gex.analyze(moved, replace(result.positions, chain=moved), side=side)
        values, calls = again.exposures.gamma.values, moved.is_call
        at = []
        for strike in strikes:
            here = moved.strike == strike
            if name == "absolute_gamma_strike":
                at.append(np.abs(values[here]).sum())
            elif side == "net":
                at.append(values[here].sum() * (-1 if name == "put_wall" else 1))
            else:
                one = here & (calls if name == "call_wall" else ~calls)
                at.append(abs(values[one].sum()))
        return float(at[0] - at[1])

    seen = 0
    years, vol = chain.time_to_expiry, chain.implied_vol
    for name in ("call_wall", "put_wall", "absolute_gamma_strike"):
        level, moves = getattr(result.levels, name), getattr(found, name)
        assert moves.value == level.strike
        if level.strike is None:
            assert moves.per_day is None
            continue
        seen += 1
        pair = (level.strike, level.runner_up)
        assert moves.lead == pytest.approx(lead_of(chain, name, pair), rel=1e-9)
        scale = 1e-9 * result.exposures.gamma.gross

        def lead(moved: gex.Chain, name: str = name, pair: Any = pair) -> float:
            return lead_of(moved, name, pair)

        day = difference(lambda h: lead(chain._replace(time_to_expiry=years - h)), 1e-5)
        assert moves.per_day == pytest.approx(day / 365, rel=1e-6, abs=scale)
        point = difference(lambda h: lead(chain._replace(implied_vol=vol + h)), 1e-4)
        assert moves.per_vol_point == pytest.approx(point / 100, rel=1e-6, abs=scale)
    assert seen


def test_no_flip_has_no_derivative(chain: gex.Chain) -> None:
    found = gex.compute_sensitivities(gex.analyze(chain, "short_all").levels)
    assert (found.zero_gamma.value, found.zero_gamma.status) == (None, "always_short")
    assert found.zero_gamma.per_day is None
    assert found.crossings == ()
    assert "none: always_short" in str(found)
    assert found.to_dict()["zero_gamma"]["per_day"] is None


def test_given_contracts_pull_by_their_own_size(chain: gex.Chain) -> None:
    contracts = gex.assign_positions(chain).contracts
    by_rule, given = (
        gex.compute_sensitivities(gex.analyze(chain, p).levels).zero_gamma.contracts
        for p in ("naive", gex.assign_positions(chain, "contracts", contracts=contracts))
    )
    assert by_rule == given


def test_on_a_real_chain(test_data: Path) -> None:
    chain = gex.read_cboe(
        test_data / "data" / "cboe_spx_2024-01-07.csv", rate=0.05, dividend_yield=0.015
    )
    result = gex.analyze(chain)
    found = gex.compute_sensitivities(result.levels)
    years = chain.time_to_expiry
    day = difference(
        lambda h: flip_of(chain._replace(time_to_expiry=years - h), result.positions, RULES[0]),
        1e-5,
    )
    assert found.zero_gamma.per_day == pytest.approx(day / 365, rel=1e-6)
    assert len(found.to_frame()) == 4
