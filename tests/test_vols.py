"""At-the-money vol: by hand, and against the definition row by row."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import gexcore as gex
import numpy as np
import pytest
from gexcore import _core
from gexcore.errors import InputError
from gexcore.vols import at_the_money_vol
from hypothesis import given, settings
from hypothesis import strategies as st


def brute(chain: gex.Chain, days: float) -> float | None:
    """Docs/definitions.md, in plain Python."""
    rate = np.broadcast_to(chain.rate - chain.dividend_yield, len(chain)).tolist()
    rows = [
        (t, abs(math.log(k) - math.log(chain.spot) - r * t), v)
        for t, k, v, r in zip(
            chain.time_to_expiry.tolist(), chain.strike.tolist(), chain.implied_vol.tolist(), rate,
            strict=True,
        )
        if t > 0 and v > 0
    ]  # fmt: skip
    points = []
    for time in sorted({t for t, _, _ in rows}):
        nearest = min(d for t, d, _ in rows if t == time)
        vols = [v for t, d, v in rows if t == time and d < nearest + 1e-9]
        points.append((time, sum(vols) / len(vols)))
    if not points:
        return None
    horizon = min(max(days / 365, points[0][0]), points[-1][0])
    for (t0, v0), (t1, v1) in pairwise(points):
        if t0 <= horizon <= t1:
            share = (horizon - t0) / (t1 - t0)
            return math.sqrt(((1 - share) * v0 * v0 * t0 + share * v1 * v1 * t1) / horizon)
    return points[0][1]


def chain_of(seed: int) -> gex.Chain:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 60))
    rate: Any = rng.choice([0.0, 0.05], rows) if rng.random() < 0.5 else 0.02
    return gex.Chain.from_arrays(
        spot=100.0,
        strike=rng.choice([90.0, 99.0, 101.0, 107.0], rows),
        is_call=rng.random(rows) < 0.5,
        implied_vol=rng.uniform(0.1, 0.6, rows) * (rng.random(rows) > 0.2),
        open_interest=1.0,
        time_to_expiry=rng.choice([0.0, 0.01, 0.08, 0.09, 0.5], rows),
        rate=rate,
    )


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), days=st.sampled_from([0.5, 5.0, 30.0, 100.0, 700.0]))
def test_against_the_definition(seed: int, days: float) -> None:
    chain = chain_of(seed)
    expected = brute(chain, days)
    found = at_the_money_vol(chain, days)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


def test_by_hand() -> None:
    # 10 days: 99 and 101 lie either side, 101 is nearer in log; 50 days: one strike, two rows
    chain = gex.Chain.from_arrays(
        spot=100.0,
        strike=[99.0, 101.0, 100.0, 100.0, 130.0],
        is_call=[True, False, True, False, True],
        implied_vol=[0.5, 0.2, 0.28, 0.32, 0.9],
        open_interest=1.0,
        time_to_expiry=np.array([10, 10, 50, 50, 50]) / 365,
    )
    assert at_the_money_vol(chain, 10) == pytest.approx(0.2, rel=1e-15)
    assert at_the_money_vol(chain, 90) == pytest.approx(0.3, rel=1e-15)
    between = math.sqrt((10 * 0.04 + 50 * 0.09) / 2 / 30)
    assert at_the_money_vol(chain) == pytest.approx(between, rel=1e-14)
    assert at_the_money_vol(chain.filter(np.zeros(5, bool))) is None


def test_one_per_contract() -> None:
    columns = (100.0, [95.0, 105.0], 0.1, 0.2, 0.0, 0.0)
    flags, times = np.ones(2, bool), np.array([0.1])
    with pytest.raises(InputError, match="times: one int32 code per contract"):
        _core.at_the_money_vol(*columns, flags, np.zeros(1, np.int32), times, 0.1)
    with pytest.raises(InputError, match="key: row 1 has 1"):
        _core.at_the_money_vol(*columns, flags, np.array([0, 1], np.int32), times, 0.1)
    with pytest.raises(InputError, match="usable: one flag per contract"):
        _core.at_the_money_vol(*columns, flags[:1], np.zeros(1, np.int32), times, 0.1)
