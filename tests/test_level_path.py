"""Later chains and projected levels against the same chains read at the later time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore.clock import CLOCKS, parse_time
from gexcore.errors import GexError, InputError
from gexcore.horizon import closes_ahead


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(n=3000)


def given_times() -> gex.Chain:
    return gex.Chain.from_arrays(
        spot=100.0, strike=[95.0, 100.0, 105.0, 110.0], is_call=[False, True, False, True],
        implied_vol=0.2, open_interest=[40, 30, 10, 60], time_to_expiry=[0.01, 0.1, 0.2, 0.2],
    )  # fmt: skip


def test_a_projected_flip_is_the_flip_at_the_later_time(chain: gex.Chain) -> None:
    path = gex.level_path(chain, sessions=3)
    assert path.time[0] == "2026-03-18T10:30-04:00"
    assert path.time[-1] == "2026-03-23T16:00-04:00"
    for i, time in enumerate(path.time.tolist()):
        later = chain.with_conventions(as_of=time)
        result = gex.analyze(later)
        flip = result.levels.zero_gamma
        assert path.zero_gamma_status[i] == flip.status
        assert [path.zero_gamma[i]] == pytest.approx(
            [np.nan if flip.value is None else flip.value], rel=1e-9, nan_ok=True
        )
        assert path.call_wall[i] == result.levels.call_wall.strike
        assert path.put_wall[i] == result.levels.put_wall.strike
        assert path.net_gamma[i] == pytest.approx(result.exposures.gamma.net, rel=1e-9)
        settled = (later.time_to_expiry <= 0).sum() - (chain.time_to_expiry <= 0).sum()
        assert path.rolled_off[i] == settled
    assert path.rolled_off[-1] > path.rolled_off[0] == 0


@pytest.mark.parametrize("clock", CLOCKS)
def test_every_clock_runs(chain: gex.Chain, clock: str) -> None:
    moved = chain.with_conventions(clock=clock)
    later = gex.chain_at(moved, "2026-03-25T12:00-04:00")
    again = moved.with_conventions(as_of="2026-03-25T12:00-04:00")
    assert np.array_equal(later.time_to_expiry, again.time_to_expiry)
    assert np.array_equal(later.status, again.status)
    assert later.as_of is not None
    assert later.as_of.rule == "projected"


def test_parity_rates_are_held(chain: gex.Chain) -> None:
    fitted = chain.with_conventions(rates="parity")
    later = gex.chain_at(fitted, 2.0)
    assert np.array_equal(later.rate, fitted.rate)
    assert np.array_equal(later.dividend_yield, fitted.dividend_yield)


def test_a_chain_that_knows_only_times() -> None:
    chain = given_times()
    path = gex.level_path(chain, times=[0, 1.0, 4])
    assert path.rolled_off.tolist() == [0, 0, 1]
    later = gex.chain_at(chain, 4)
    assert later.time_to_expiry == pytest.approx(chain.time_to_expiry - 4 / 365)
    assert gex.analyze(later).exposures.gamma.net == path.net_gamma[2]
    assert len(gex.level_path(chain, sessions=2)) == 3
    with pytest.raises(InputError, match="does not know its as_of"):
        gex.chain_at(chain, "2026-03-25T12:00-04:00")


def test_after_everything_has_settled(chain: gex.Chain) -> None:
    path = gex.level_path(chain, times=[0.0, 3000.0])
    assert path.zero_gamma_status[1] == "no_exposure"
    assert path.regime[1] == "no_exposure"
    assert math.isnan(path.zero_gamma[1])
    assert path.to_dict()["call_wall"][1] is None
    assert "no exposure" in str(path)


def test_positions_are_held_not_assigned_again(chain: gex.Chain) -> None:
    held = gex.assign_positions(chain, "moneyness")
    named, given = (gex.level_path(chain, p, times=[0.0, 5.0]) for p in ("moneyness", held))
    assert np.array_equal(named.net_gamma, given.net_gamma)
    assert given.positions is held


def test_closes() -> None:
    at = parse_time("2024-11-27T18:00-05:00")  # the eve of Thanksgiving, after the close
    assert [f"{c:%a %d %H:%M}" for c in closes_ahead(at, 2)] == ["Fri 29 13:00", "Mon 02 16:00"]
    assert closes_ahead(at, 0) == []
    monday = parse_time("2024-11-25T09:00-05:00")
    assert [f"{c:%a %d}" for c in closes_ahead(monday, 0)] == ["Mon 25"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"times": []}, "times: must ascend"),
        ({"times": [1.0, 1.0]}, "times: must ascend"),
        ({"times": [-1.0]}, "-1 days ahead"),
        ({"times": [float("nan")]}, "nan days ahead"),
        ({"times": [True]}, "not a time"),
        ({"times": ["2020-01-01T00:00Z"]}, "days ahead"),
        ({"times": ["2027-01-01T00:00"]}, "zone"),
        ({"sessions": -1}, "sessions"),
        ({"dynamics": "nothing"}, "dynamics"),
    ],
)
def test_times_that_cannot_be(chain: gex.Chain, options: Any, why: str) -> None:
    with pytest.raises(GexError, match=why):
        gex.level_path(chain, **options)


def test_on_every_real_chain(test_data: Path) -> None:
    files = sorted((test_data / "data").glob("cboe_*.csv"))
    assert files
    for file in files:
        chain = gex.read_cboe(file, rate=0.04, dividend_yield=0.01)
        path = gex.level_path(chain, sessions=2)
        last = gex.analyze(chain.with_conventions(as_of=path.time[-1]))
        assert path.zero_gamma[-1] == pytest.approx(last.levels.zero_gamma.value, rel=1e-9)
