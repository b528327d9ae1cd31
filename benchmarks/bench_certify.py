"""Certified crossings of zero gamma: what the proof costs on top of the levels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import books
import gexcore as gex
import numpy as np
import pytest
from gexcore import _core

pytestmark = pytest.mark.benchmark(group="certified crossings")

MOMENTS = ["2026-03-18T10:30-04:00", "2026-03-18T15:55-04:00", "2026-03-18T15:59:50-04:00"]


def assert_crossings(levels: gex.Levels) -> None:
    """NumPy sees a change of sign at each crossing, and as many on a fine scan of a small book."""
    chain, positions = levels.profile.chain, levels.profile.positions
    on = levels.exposures.gamma.used
    columns = (chain.strike[on], chain.time_to_expiry[on], chain.implied_vol[on])
    b = books.Book(chain.spot, *columns, books.RATE, books.YIELD, chain.is_call[on])
    crossings = [crossing.spot for crossing in levels.zero_gamma.crossings]

    def changes(spots: Any) -> int:
        gamma = books.numpy_profile(books.Sweep(b, positions.weight[on], spots))
        return int(np.count_nonzero(np.diff(np.signbit(gamma[gamma != 0.0]))))

    assert {changes(spot * np.array([1 - 1e-8, 1 + 1e-8])) for spot in crossings} <= {1}
    if len(chain) < 1000:
        low, high = levels.profile.spots[[0, -1]]
        assert changes(np.geomspace(low, high, 40_001)) == len(crossings)


@pytest.mark.parametrize("scope", ["all", "0dte"])
@pytest.mark.parametrize("moment", MOMENTS, ids=["10:30", "15:55", "15:59:50"])
def test_certify(benchmark: Callable[..., Any], moment: str, scope: str) -> None:
    """20,000 contracts, or those that expire today alone, from the morning to the last seconds."""
    chain = gex.synthetic_chain(20_000).with_conventions(as_of=moment)
    chain = chain if scope == "all" else chain.filter(scope)
    positions = gex.assign_positions(chain)
    profile = gex.sweep_profile(chain, positions)
    exposures = gex.compute_exposures(chain, gex.compute_greeks(chain), positions)
    levels = gex.find_levels(exposures, profile, certify=True)
    assert levels.certificate is not None
    assert levels.certificate.status == "proved"
    assert_crossings(levels)
    known = np.array([spot for spot, *_ in profile.crossings()])
    benchmark(_core.certify, profile._prepared, *profile.spots[[0, -1]], known)


@pytest.mark.parametrize("certify", [False, True])
def test_find_levels(benchmark: Callable[..., Any], certify: bool) -> None:
    """As users call it, with and without the proof."""
    result = gex.analyze(gex.synthetic_chain(20_000), certify=True)
    assert result.levels.certificate is not None
    assert result.levels.certificate.status == "proved"
    assert_crossings(result.levels)
    benchmark(gex.find_levels, result.exposures, result.profile, certify=certify)
