"""Gamma profile of 20,000 contracts at 100 spots, beside NumPy with all constants hoisted."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import gexcore as gex
import numpy as np
import pytest

SPOTS = np.geomspace(4250.0, 5750.0, 100)


@pytest.fixture(scope="module")
def chain() -> gex.Chain:
    return gex.synthetic_chain(20_000)


def in_numpy(chain: gex.Chain, weight: Any) -> Any:
    """$ gamma per 1% move at each spot; per contract only one Gaussian is left to evaluate."""
    on = weight != 0
    t, s, k = chain.time_to_expiry[on], chain.implied_vol[on], chain.strike[on]
    width = s * np.sqrt(t)
    center = np.log(k) - (chain.rate - chain.dividend_yield + s * s / 2) * t
    amplitude = weight[on] * np.exp(-chain.dividend_yield * t) / (width * sqrt(2 * pi))
    distance = [(x - center) / width for x in np.log(SPOTS)]
    return np.array([(amplitude * np.exp(-0.5 * d * d)).sum() for d in distance]) * SPOTS / 100


def weight_of(chain: gex.Chain) -> Any:
    usable = (chain.implied_vol > 0) & (chain.time_to_expiry > 0)
    return np.where(usable, gex.assign_positions(chain).weight, 0.0)


def test_profile(benchmark: Callable[..., Any], chain: gex.Chain) -> None:
    positions = gex.assign_positions(chain)
    profile = gex.sweep_profile(chain, positions, spots=SPOTS)
    expected = in_numpy(chain, weight_of(chain))
    np.testing.assert_allclose(
        profile.gamma, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max()
    )
    benchmark(gex.sweep_profile, chain, positions, spots=SPOTS)
    if benchmark.stats:
        pairs = len(chain) * len(SPOTS)
        benchmark.extra_info["ns_per_pair"] = benchmark.stats["min"] / pairs * 1e9


def test_profile_in_numpy(benchmark: Callable[..., Any], chain: gex.Chain) -> None:
    """The yardstick for the ratio."""
    weight = weight_of(chain)
    assert np.isfinite(in_numpy(chain, weight)).all()
    benchmark(in_numpy, chain, weight)
